// SPDX-License-Identifier: Apache-2.0
/*
 * The difference between two configurations: examples, and random ones applied to
 * a model of the kernel, which must then be what was wanted.
 */
#include <stdio.h>
#include <string.h>

#include "apply.h"
#include "conf.h"
#include "unit.h"

static const struct mmesh_conf_lookup numeric = { .numeric_only = true };

#define A "[Peer]\nPublicKey = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
#define B "[Peer]\nPublicKey = BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=\n"
#define PSK "PresharedKey = hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\n"

static void parse(struct mmesh_device *dev, const char *text)
{
	struct error err;

	if (mmesh_conf_parse(dev, text, strlen(text), "f", &numeric, &err) < 0)
		fail_msg("%s", err.text);
}

/* The plan from @have to @want as text: "set A …", "del B". */
static void expect(const char *have_text, const char *want_text, const char *expected)
{
	struct mmesh_device have, want, plan;
	char text[1024] = "";
	size_t len = 0;

	parse(&have, have_text);
	parse(&want, want_text);
	assert_int_equal(mmesh_sync_plan(&plan, &want, &have, NULL), 0);
	if (plan.has)
		len += (size_t)snprintf(text, sizeof(text), "dev%s%s%s;",
					plan.has & MMESH_DEVICE_HAS_PRIVATE_KEY ? " key" : "",
					plan.has & MMESH_DEVICE_HAS_PORT ? " port" : "",
					plan.has & MMESH_DEVICE_HAS_FWMARK ? " mark" : "");
	for (size_t i = 0; i < plan.n_peers; i++) {
		const struct mmesh_peer *peer = &plan.peer[i];

		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s %c%s%s%s%s",
					peer->remove ? "del" : "set",
					peer->public_key[0] ? 'B' : 'A',
					peer->has & MMESH_PEER_HAS_PSK ? " psk" : "",
					peer->has & MMESH_PEER_HAS_ENDPOINT ? " endpoint" : "",
					peer->has & MMESH_PEER_HAS_KEEPALIVE ? " keepalive" : "",
					peer->has & MMESH_PEER_HAS_SUITE ? " suite" : "");
		for (size_t k = 0; k < peer->allowed_ips.count; k++) {
			char prefix[PREFIX_TEXT_SIZE];

			prefix_format(prefix, &peer->allowed_ips.item[k]);
			len += (size_t)snprintf(text + len, sizeof(text) - len, " %c%s",
						peer->allowed_ips.item[k].remove ? '-' : '+', prefix);
		}
		len += (size_t)snprintf(text + len, sizeof(text) - len, ";");
	}
	assert_string_equal(text, expected);
	mmesh_device_clear(&plan);
	mmesh_device_clear(&want);
	mmesh_device_clear(&have);
}

static void examples(void **state)
{
	(void)state;
	/* The same: nothing is touched. */
	expect("", "", "");
	expect(A PSK "AllowedIPs = 10.0.0.0/8, fd00::/8\nEndpoint = 1.1.1.1:1\nSuite = aes256gcm\n" B,
	       B A PSK "AllowedIPs = fd00::/8, 10.0.0.0/8\nEndpoint = 1.1.1.1:1\nSuite = aes256gcm\n",
	       "");
	/* An endpoint that the file doesn't name stays, since it roams. */
	expect(A "Endpoint = 1.1.1.1:1\n", A, "");
	expect(A "Endpoint = 1.1.1.1:1\n", A "Endpoint = 1.1.1.1:2\n", "set A endpoint;");
	/* What the file doesn't name gets its default. */
	expect(A PSK "PersistentKeepalive = 5\nSuite = aes256gcm\n", A, "set A psk keepalive suite;");
	/* Peers come and go. */
	expect(A, B, "set B;del A;");
	expect("", A "AllowedIPs = 10.0.0.0/8\n", "set A +10.0.0.0/8;");
	/* Prefixes come and go; one that moves is not taken away first. */
	expect(A "AllowedIPs = 10.0.0.0/8\n", A "AllowedIPs = 10.0.0.0/9\n",
	       "set A +10.0.0.0/9 -10.0.0.0/8;");
	expect(A "AllowedIPs = 10.0.0.0/8\n" B, A B "AllowedIPs = 10.0.0.0/8\n", "set B +10.0.0.0/8;");
	/* Two claim one prefix: the last one has it, now as before. */
	expect(A B "AllowedIPs = 10.0.0.0/8\n",
	       A "AllowedIPs = 10.0.0.0/8\n" B "AllowedIPs = 10.0.0.0/8\n", "");
	/* A peer in two sections. */
	expect(A "AllowedIPs = 10.0.0.0/8\n", A "PersistentKeepalive = 5\n" A "AllowedIPs = fd00::/8\n",
	       "set A keepalive +fd00::/8 -10.0.0.0/8;");
	expect("", A "AllowedIPs = 10.0.0.0/8\n" B "AllowedIPs = 10.0.0.0/8\n" A
		   "AllowedIPs = 10.0.0.0/8\n",
	       "set B;set A +10.0.0.0/8;");
	/* Changes as they stand. */
	expect(A "AllowedIPs = 10.0.0.0/8\n", A "AllowedIPs = +fd00::/8\n", "set A +fd00::/8;");
}

static void device(void **state)
{
	(void)state;
	expect("[Interface]\nListenPort = 5\nFwMark = 7\n", "[Interface]\n", "dev mark;");
	expect("[Interface]\nListenPort = 5\n", "[Interface]\nListenPort = 6\n", "dev port;");
	expect("[Interface]\nListenPort = 5\n", "[Interface]\nListenPort = 5\n", "");
	expect("", "[Interface]\nPrivateKey = hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\n",
	       "dev key;");
}

/* -- a model of the kernel ----------------------------------------------------------------- */

enum { MODEL_PEERS = 6, MODEL_PREFIXES = 8 };

struct model {
	bool there[MODEL_PEERS];
	uint16_t keepalive[MODEL_PEERS];
	int owner[MODEL_PREFIXES]; /* -1: none */
};

static size_t prefix_number(const struct prefix *p)
{
	return p->bytes[1];
}

static void model_apply(struct model *m, const struct mmesh_device *changes)
{
	for (size_t i = 0; i < changes->n_peers; i++) {
		const struct mmesh_peer *peer = &changes->peer[i];
		int id = peer->public_key[0];

		if (peer->remove || peer->replace_allowed_ips)
			for (size_t k = 0; k < MODEL_PREFIXES; k++)
				if (m->owner[k] == id)
					m->owner[k] = -1;
		m->there[id] = !peer->remove;
		if (peer->remove) {
			m->keepalive[id] = 0;
			continue;
		}
		if (peer->has & MMESH_PEER_HAS_KEEPALIVE)
			m->keepalive[id] = peer->keepalive;
		for (size_t k = 0; k < peer->allowed_ips.count; k++) {
			const struct prefix *p = &peer->allowed_ips.item[k];

			if (!p->remove)
				m->owner[prefix_number(p)] = id;
			else if (m->owner[prefix_number(p)] == id)
				m->owner[prefix_number(p)] = -1;
		}
	}
}

static void model_read(const struct model *m, struct mmesh_device *ret)
{
	*ret = (struct mmesh_device){ 0 };
	for (int id = 0; id < MODEL_PEERS; id++) {
		struct mmesh_peer *peer;

		if (!m->there[id])
			continue;
		peer = mmesh_device_add_peer(ret);
		assert_non_null(peer);
		peer->public_key[0] = (uint8_t)id;
		peer->keepalive = m->keepalive[id];
		for (int k = 0; k < MODEL_PREFIXES; k++) {
			const struct prefix p = {
				.family = AF_INET, .cidr = 16, .bytes = { 10, (uint8_t)k }
			};

			if (m->owner[k] == id)
				assert_int_equal(prefixes_add(&peer->allowed_ips, &p, NULL), 0);
		}
	}
}

/* Sections about some of the peers in any order, with prefixes that collide. */
static void random_conf(struct mmesh_device *ret, unsigned int *seed)
{
	bool used[MODEL_PEERS] = { false };

	*ret = (struct mmesh_device){ 0 };
	for (int n = rand_r(seed) % 8; n > 0; n--) {
		int id = rand_r(seed) % MODEL_PEERS;
		struct mmesh_peer *peer;

		if (used[id])
			continue;
		used[id] = true;
		peer = mmesh_device_add_peer(ret);
		assert_non_null(peer);
		peer->public_key[0] = (uint8_t)id;
		peer->replace_allowed_ips = true;
		peer->keepalive = (uint16_t)(rand_r(seed) % 3);
		peer->has = MMESH_PEER_HAS_KEEPALIVE;
		for (int i = rand_r(seed) % 5; i > 0; i--) {
			const struct prefix p = {
				.family = AF_INET,
				.cidr = 16,
				.bytes = { 10, (uint8_t)(rand_r(seed) % MODEL_PREFIXES) },
			};

			assert_int_equal(prefixes_add(&peer->allowed_ips, &p, NULL), 0);
		}
	}
}

/* syncconf must lead to what setconf leads to, and a second one must do nothing. */
static void random_pairs(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 20000; round++) {
		struct mmesh_device want, have, plan;
		struct model kernel, expected;
		unsigned int seed = round, second;

		memset(&kernel, 0, sizeof(kernel));
		memset(kernel.owner, 0xff, sizeof(kernel.owner));
		expected = kernel;
		random_conf(&want, &seed);
		model_apply(&kernel, &want);
		mmesh_device_clear(&want);

		second = seed;
		random_conf(&want, &seed);
		model_apply(&expected, &want);
		mmesh_device_clear(&want);
		for (int pass = 0; pass < 2; pass++) {
			seed = second;
			random_conf(&want, &seed);
			model_read(&kernel, &have);
			assert_int_equal(mmesh_sync_plan(&plan, &want, &have, NULL), 0);
			if (pass)
				assert_int_equal(plan.n_peers, 0);
			model_apply(&kernel, &plan);
			if (memcmp(&kernel, &expected, sizeof(kernel)))
				fail_msg("round %u, pass %d", round, pass);
			mmesh_device_clear(&plan);
			mmesh_device_clear(&have);
			mmesh_device_clear(&want);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples),
		cmocka_unit_test(device),
		cmocka_unit_test(random_pairs),
	};

	return cmocka_run_group_tests_name("sync", tests, NULL, NULL);
}
