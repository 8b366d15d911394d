// SPDX-License-Identifier: Apache-2.0
/*
 * A WireGuard peer that means harm: it has valid keys and uses them to send
 * what nobody should accept, and it checks against the device's counters that
 * each message met the fate that it deserves. tests/wire/hostile.sh runs it.
 */
#include "attacks.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct attack *const groups[] = {
	data_attacks, initiation_attacks, response_attacks, load_attacks, relay_attacks,
};

enum { GROUPS = sizeof(groups) / sizeof(groups[0]) };

static const struct attack *find_attack(const char *name)
{
	const struct attack *attack;
	size_t i;

	for (i = 0; i < GROUPS; i++)
		for (attack = groups[i]; attack->name; attack++)
			if (!strcmp(attack->name, name))
				return attack;
	return NULL;
}

static void usage(void)
{
	const struct attack *attack;
	size_t i;

	fprintf(stderr,
		"usage: mmesh-hostile OPTIONS ATTACK ...\n"
		"  --netns PATH     network namespace of the device\n"
		"  --dev NAME       the device\n"
		"  --to ADDRESS     where its socket is\n"
		"  --port N         its port\n"
		"  --bind N         our port\n"
		"  --inside ADDRESS what the device routes to us through the tunnel\n"
		"  --private FILE   our private key\n"
		"  --public KEY     the device's public key\n"
		"  --psk FILE       the preshared key, if there is one\n"
		"  --count N        messages of each attack (100000)\n"
		"  --seed N         repeats the random choices\n"
		"  --bundles        send equal messages in aggregates\n");
	for (i = 0; i < GROUPS; i++)
		for (attack = groups[i]; attack->name; attack++)
			fprintf(stderr, "  %-22s %s\n", attack->name, attack->about);
	exit(1);
}

static void read_key_text(const char *what, uint8_t key[KEY], const char *text)
{
	uint8_t raw[48];

	if (strlen(text) != 44 || EVP_DecodeBlock(raw, (const uint8_t *)text, 44) != 33) {
		fprintf(stderr, "%s: not a key in base64\n", what);
		exit(1);
	}
	memcpy(key, raw, KEY);
}

static void read_key_file(const char *what, uint8_t key[KEY], const char *path)
{
	FILE *file = fopen(path, "re");
	char text[64] = "";

	if (!file || !fgets(text, sizeof(text), file)) {
		fprintf(stderr, "%s: %s: %s\n", what, path, strerror(errno));
		exit(1);
	}
	fclose(file);
	text[strcspn(text, "\n")] = 0;
	read_key_text(what, key, text);
}

static unsigned long read_number(const char *what, const char *text, unsigned long max)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || value > max) {
		fprintf(stderr, "--%s: '%s' is not a number up to %lu\n", what, text, max);
		exit(1);
	}
	return value;
}

static const struct option long_options[] = {
	{ "netns", 1, NULL, 'n' }, { "dev", 1, NULL, 'd' }, { "to", 1, NULL, 't' },
	{ "port", 1, NULL, 'p' }, { "bind", 1, NULL, 'b' }, { "inside", 1, NULL, 'i' },
	{ "private", 1, NULL, 'k' }, { "public", 1, NULL, 'K' }, { "psk", 1, NULL, 'P' },
	{ "count", 1, NULL, 'c' }, { "seed", 1, NULL, 's' }, { "bundles", 0, NULL, 'B' },
	{ 0 }
};

static void parse(int argc, char **argv, struct options *options, struct peer *peer)
{
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (c) {
		case 'n': options->netns = optarg; break;
		case 'd': options->dev = optarg; break;
		case 't': options->address = optarg; break;
		case 'i': options->inside = optarg; break;
		case 'p': options->port = (uint16_t)read_number("port", optarg, 65535); break;
		case 'b': options->bind_port = (uint16_t)read_number("bind", optarg, 65535); break;
		case 'c': options->count = read_number("count", optarg, ULONG_MAX); break;
		case 's': options->seed = read_number("seed", optarg, ULONG_MAX); break;
		case 'k': read_key_file("--private", peer->private, optarg); break;
		case 'K': read_key_text("--public", peer->theirs, optarg); break;
		case 'P': read_key_file("--psk", peer->psk, optarg); break;
		case 'B': options->bundles = true; break;
		default: usage();
		}
	}
	if (!options->netns || !options->dev || !options->address || !options->inside ||
	    !options->port || optind == argc)
		usage();
}

int main(int argc, char **argv)
{
	static const uint8_t zero[KEY];
	struct options options = { .count = 100000 };
	static struct target target;
	struct peer peer = { 0 };
	int failed = 0;

	random_fill(&options.seed, sizeof(options.seed));
	parse(argc, argv, &options, &peer);
	if (!memcmp(peer.private, zero, KEY) || !memcmp(peer.theirs, zero, KEY))
		usage();
	dh_public(peer.public, peer.private);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("#   seed %llu\n", (unsigned long long)options.seed);
	target_open(&target, &options);
	for (; optind < argc; optind++) {
		const struct attack *attack = find_attack(argv[optind]);
		bool ok;

		if (!attack)
			usage();
		peer.has_cookie = false;
		target_begin(&target);
		ok = attack->run(&target, &peer);
		printf("%s %s\n", ok ? "ok" : "not ok", attack->name);
		failed += !ok;
	}
	return failed ? 1 : 0;
}
