// SPDX-License-Identifier: Apache-2.0
#include "fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void bad(const char *line)
{
	fprintf(stderr, "fixture: cannot use \"%s\"\n", line);
	exit(99);
}

static void hex_key(uint8_t ret[KEY_LEN], const char *hex)
{
	for (size_t i = 0; i < KEY_LEN; i++) {
		unsigned int byte;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			bad(hex);
		ret[i] = (uint8_t)byte;
	}
}

static bool device_line(struct mmesh_device *dev, const char *key, const char *value)
{
	if (!strcmp(key, "private_key")) {
		hex_key(dev->private_key, value);
		dev->has |= MMESH_DEVICE_HAS_PRIVATE_KEY | MMESH_DEVICE_HAS_PUBLIC_KEY;
		return !key_public(dev->public_key, dev->private_key, NULL);
	}
	if (!strcmp(key, "listen_port")) {
		dev->listen_port = (uint16_t)strtoul(value, NULL, 10);
		dev->has |= MMESH_DEVICE_HAS_PORT;
		return true;
	}
	if (!strcmp(key, "fwmark")) {
		dev->fwmark = (uint32_t)strtoul(value, NULL, 10);
		dev->has |= MMESH_DEVICE_HAS_FWMARK;
		return true;
	}
	return !strcmp(key, "errno") || !strcmp(key, "protocol_version");
}

static void peer_endpoint(struct mmesh_peer *peer, const char *value)
{
	struct endpoint_name name;

	if (endpoint_split(&name, value, NULL) < 0 ||
	    endpoint_resolve_numeric(&peer->endpoint, &name, NULL) < 0)
		bad(value);
	peer->has |= MMESH_PEER_HAS_ENDPOINT;
}

static void peer_line(struct mmesh_peer *peer, const char *key, const char *value)
{
	bool incremental;

	if (!strcmp(key, "preshared_key")) {
		hex_key(peer->psk, value);
		if (!key_is_zero(peer->psk))
			peer->has |= MMESH_PEER_HAS_PSK;
	} else if (!strcmp(key, "endpoint")) {
		peer_endpoint(peer, value);
	} else if (!strcmp(key, "persistent_keepalive_interval")) {
		peer->keepalive = (uint16_t)strtoul(value, NULL, 10);
		peer->has |= MMESH_PEER_HAS_KEEPALIVE;
	} else if (!strcmp(key, "last_handshake_time_sec")) {
		peer->handshake_sec = strtoll(value, NULL, 10);
	} else if (!strcmp(key, "last_handshake_time_nsec")) {
		peer->handshake_nsec = (uint32_t)strtoul(value, NULL, 10);
	} else if (!strcmp(key, "rx_bytes")) {
		peer->rx_bytes = strtoull(value, NULL, 10);
	} else if (!strcmp(key, "tx_bytes")) {
		peer->tx_bytes = strtoull(value, NULL, 10);
	} else if (!strcmp(key, "suite")) {
		peer->suite = (uint32_t)strtoul(value, NULL, 10);
		peer->has |= MMESH_PEER_HAS_SUITE;
	} else if (!strcmp(key, "allowed_ip")) {
		if (prefixes_parse(&peer->allowed_ips, value, &incremental, NULL) < 0)
			bad(value);
	} else {
		bad(key);
	}
}

void fixture_read(struct mmesh_device *ret, const char *path, const char *name)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char line[1024];

	*ret = (struct mmesh_device){ 0 };
	(void)snprintf(ret->name, sizeof(ret->name), "%s", name);
	if (!file)
		bad(path);
	while (fgets(line, sizeof(line), file)) {
		char *value = strchr(line, '=');

		line[strcspn(line, "\n")] = '\0';
		if (!*line || *line == '#')
			continue;
		if (!value)
			bad(line);
		*value++ = '\0';
		if (!strcmp(line, "public_key")) {
			struct mmesh_peer *peer = mmesh_device_add_peer(ret);

			if (!peer)
				bad(line);
			hex_key(peer->public_key, value);
		} else if (ret->n_peers) {
			peer_line(&ret->peer[ret->n_peers - 1], line, value);
		} else if (!device_line(ret, line, value)) {
			bad(line);
		}
	}
	ret->num_peers = (uint32_t)ret->n_peers;
	ret->ifindex = 7;
	ret->generation = 3;
	strcpy(ret->version, "0.1.0");
}

static void write_hex(FILE *out, const char *name, const uint8_t key[KEY_LEN])
{
	fprintf(out, "%s=", name);
	for (size_t i = 0; i < KEY_LEN; i++)
		fprintf(out, "%02x", key[i]);
	fputc('\n', out);
}

void fixture_write(FILE *out, const struct mmesh_device *dev)
{
	if (dev->has & MMESH_DEVICE_HAS_PRIVATE_KEY)
		write_hex(out, "private_key", dev->private_key);
	if (dev->has & MMESH_DEVICE_HAS_PORT)
		fprintf(out, "listen_port=%u\n", dev->listen_port);
	if (dev->has & MMESH_DEVICE_HAS_FWMARK)
		fprintf(out, "fwmark=%u\n", dev->fwmark);
	for (size_t i = 0; i < dev->n_peers; i++) {
		const struct mmesh_peer *peer = &dev->peer[i];
		char text[ENDPOINT_TEXT_SIZE];

		write_hex(out, "public_key", peer->public_key);
		if (peer->remove)
			fputs("remove=true\n", out);
		if (peer->has & MMESH_PEER_HAS_PSK)
			write_hex(out, "preshared_key", peer->psk);
		if (peer->has & MMESH_PEER_HAS_ENDPOINT) {
			endpoint_format(text, &peer->endpoint);
			fprintf(out, "endpoint=%s\n", text);
		}
		if (peer->has & MMESH_PEER_HAS_KEEPALIVE)
			fprintf(out, "persistent_keepalive_interval=%u\n", peer->keepalive);
		if (peer->has & MMESH_PEER_HAS_SUITE)
			fprintf(out, "suite=%u\n", peer->suite);
		if (peer->replace_allowed_ips)
			fputs("replace_allowed_ips=true\n", out);
		for (size_t k = 0; k < peer->allowed_ips.count; k++) {
			char prefix[PREFIX_TEXT_SIZE];

			prefix_format(prefix, &peer->allowed_ips.item[k]);
			fprintf(out, "allowed_ip=%s%s\n",
				peer->allowed_ips.item[k].remove ? "-" : "", prefix);
		}
	}
}
