// SPDX-License-Identifier: Apache-2.0
/* From records to what the kernel should have. */
#include "mesh.h"

#include <errno.h>
#include <string.h>

static struct mmesh_peer *peer_of(struct want *want, struct mesh *mesh, size_t node)
{
	size_t i = want_find(want, mesh->key[node]);

	assert_int_not_equal(i, SIZE_MAX);
	return &want->dev.peer[i];
}

static bool is_peer(struct want *want, struct mesh *mesh, size_t node)
{
	return want_find(want, mesh->key[node]) != SIZE_MAX;
}

static void expect_prefixes(const struct prefixes *list, const char *expected)
{
	char text[512] = "";

	for (size_t i = 0; i < list->count; i++) {
		char one[PREFIX_TEXT_SIZE], share[PREFIX_TEXT_SIZE];

		prefix_format(one, &list->item[i]);
		prefix_format_share(share, &list->item[i]);
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s%s",
			       i ? " " : "", one, share);
	}
	assert_string_equal(text, expected);
}

static void test_two_nodes(void **state)
{
	struct want want;
	struct mesh m;

	(void)state;
	mesh_init(&m);
	mesh_node(&m, "self", "a", "10.20.1.1", NULL);
	mesh_node(&m, "other", "a", "10.20.1.2", "192.0.2.2:4000");
	mesh_want(&m, &want);
	assert_true(want.exists);
	assert_int_equal(want.dev.network, 77);
	assert_int_equal(want.dev.subnet, 1);
	assert_false(want.dev.routed_subnets);
	assert_int_equal(want.dev.member[0].cidr, 16);
	assert_int_equal(want.dev.n_peers, 1);
	assert_int_equal(want.peer[0].n_candidates, 1);
	assert_true(want.dev.peer[0].extended);
	assert_int_equal(want.dev.peer[0].suite, MMESH_SUITE_AES256GCM);
	expect_prefixes(&want.address, "10.20.1.1/32");
	expect_prefixes(&want.route, "10.20.1.0/24");
	expect_prefixes(&want.dev.peer[0].allowed_ips, "10.20.1.2/32");
	want_clear(&want);
}

/* A node of another subnet is a peer when subnets are routed, and only then. */
static void test_isolation(void **state)
{
	struct want want;
	struct mesh m;

	(void)state;
	mesh_init(&m);
	mesh_node(&m, "self", "a", "10.20.1.1", NULL);
	mesh_node(&m, "far", "b", "10.20.2.1", NULL);
	mesh_want(&m, &want);
	assert_false(is_peer(&want, &m, 1));
	expect_prefixes(&want.route, "10.20.1.0/24");
	want_clear(&want);

	m.network.routed_subnets = true;
	mesh_want(&m, &want);
	assert_true(want.dev.routed_subnets);
	assert_int_equal(peer_of(&want, &m, 1)->subnet, 2);
	expect_prefixes(&want.route, "10.20.0.0/16 fd00:20::/48");
	want_clear(&want);
}

static void test_suite_of_both(void **state)
{
	struct want want;
	struct mesh m;

	(void)state;
	mesh_init(&m);
	mesh_node(&m, "self", "a", "10.20.1.1", NULL);
	mesh_node(&m, "slow", "a", "10.20.1.2", NULL)->suite = (char *)"wireguard";
	mesh_node(&m, "phone", "a", "10.20.1.3", NULL)->kind =
		MMESH__V1__NODE_KIND__NODE_KIND_WIREGUARD;
	mesh_node(&m, "stub", "a", "10.20.1.4", NULL)->kind =
		MMESH__V1__NODE_KIND__NODE_KIND_STUBBY;
	mesh_want(&m, &want);
	assert_int_equal(peer_of(&want, &m, 1)->suite, MMESH_SUITE_WIREGUARD);
	assert_true(peer_of(&want, &m, 1)->extended);
	assert_int_equal(peer_of(&want, &m, 2)->suite, MMESH_SUITE_WIREGUARD);
	assert_false(peer_of(&want, &m, 2)->extended);
	assert_false(is_peer(&want, &m, 3));
	want_clear(&want);
}

/* Members go by the relay, which is itself reached directly, whether they know its record or not. */
static void test_relay_used(void **state)
{
	struct want want;
	struct mesh m;

	(void)state;
	mesh_init(&m);
	mesh_node(&m, "self", "a", "10.20.1.1", NULL);
	mesh_node(&m, "other", "a", "10.20.1.2", NULL);
	mesh_node(&m, "near", "a", "10.20.1.3", "192.0.2.3:4000");
	mesh_node(&m, "far", "b", "10.20.2.4", "192.0.2.4:4000");
	mesh_relay(&m, 2, 20);
	mesh_relay(&m, 3, 10);
	mesh_want(&m, &want);
	assert_int_equal(want.dev.n_peers, 3);
	assert_memory_equal(peer_of(&want, &m, 1)->via[0], m.key[3], KEY_LEN);
	assert_int_equal(peer_of(&want, &m, 2)->n_via, 0);
	assert_int_equal(peer_of(&want, &m, 2)->keepalive, WANT_RELAY_KEEPALIVE);
	expect_prefixes(&peer_of(&want, &m, 3)->allowed_ips, "");
	assert_int_equal(peer_of(&want, &m, 3)->suite, MMESH_SUITE_WIREGUARD);
	want_clear(&want);
}

/* The relay lets members of all subnets in, without addresses of those that are not its own. */
static void test_relay_serves(void **state)
{
	struct want want;
	struct mesh m;

	(void)state;
	mesh_init(&m);
	mesh_node(&m, "self", "a", "10.20.1.1", NULL);
	mesh_node(&m, "near", "a", "10.20.1.2", NULL);
	mesh_node(&m, "far", "b", "10.20.2.3", NULL);
	mesh_relay(&m, 0, 1);
	mesh_want(&m, &want);
	assert_true(want.dev.relay);
	for (size_t i = 1; i < 3; i++) {
		assert_true(peer_of(&want, &m, i)->relay_permit);
		assert_int_equal(peer_of(&want, &m, i)->network, 77);
		assert_int_equal(peer_of(&want, &m, i)->n_via, 0);
	}
	expect_prefixes(&peer_of(&want, &m, 1)->allowed_ips, "10.20.1.2/32");
	expect_prefixes(&peer_of(&want, &m, 2)->allowed_ips, "");
	assert_int_equal(peer_of(&want, &m, 2)->suite, MMESH_SUITE_WIREGUARD);
	want_clear(&want);
}

static void test_routes(void **state)
{
	struct want want;
	struct mesh m;

	(void)state;
	mesh_init(&m);
	mesh_node(&m, "self", "a", "10.20.1.1", NULL);
	mesh_node(&m, "one", "a", "10.20.1.2", NULL);
	mesh_node(&m, "two", "a", "10.20.1.3", NULL);
	mesh_node(&m, "exit", "a", "10.20.1.4", NULL);
	mesh_node(&m, "bad", "a", "10.20.1.5", NULL);
	mesh_route(&m, 1, "172.16.0.0/24", 5);
	mesh_route(&m, 2, "172.16.0.0/24", 6);
	mesh_route(&m, 3, "0.0.0.0/0", 0);
	mesh_route(&m, 4, "10.20.9.0/24", 0);
	mesh_want(&m, &want);
	expect_prefixes(&peer_of(&want, &m, 1)->allowed_ips, "10.20.1.2/32 172.16.0.0/24@5");
	expect_prefixes(&peer_of(&want, &m, 2)->allowed_ips, "10.20.1.3/32 172.16.0.0/24@6");
	expect_prefixes(&peer_of(&want, &m, 4)->allowed_ips, "10.20.1.5/32");
	assert_int_equal(want.skipped, 1);
	assert_non_null(strstr(want.why.text, "bad: route"));
	/* The default route is for a table of its own. */
	expect_prefixes(&want.route, "10.20.1.0/24 172.16.0.0/24");
	want_clear(&want);

	m.options.table = 100;
	mesh_want(&m, &want);
	expect_prefixes(&want.route, "10.20.1.0/24 172.16.0.0/24 0.0.0.0/0");
	want_clear(&want);
}

/* Nothing that contradicts itself reaches the kernel: it would move to and fro. */
static void test_contradictions(void **state)
{
	struct want want;
	struct mesh m;

	(void)state;
	mesh_init(&m);
	mesh_node(&m, "self", "a", "10.20.1.1", NULL);
	mesh_node(&m, "one", "a", "10.20.1.2", NULL);
	mesh_node(&m, "same", "a", "10.20.1.2", NULL);
	mesh_node(&m, "mine", "a", "10.20.1.1", NULL);
	mesh_node(&m, "outside", "a", "10.99.1.1", NULL);
	mesh_node(&m, "twin", "a", "10.20.1.6", NULL)->mesh_key = m.node[1].mesh_key;
	mesh_node(&m, "short", "a", "10.20.1.7", NULL)->mesh_key.len = 31;
	mesh_node(&m, "me", "a", "10.20.1.8", NULL)->mesh_key = m.node[0].mesh_key;
	mesh_want(&m, &want);
	assert_int_equal(want.skipped, 6);
	expect_prefixes(&peer_of(&want, &m, 1)->allowed_ips, "10.20.1.2/32");
	expect_prefixes(&peer_of(&want, &m, 2)->allowed_ips, "");
	assert_int_equal(want.dev.n_peers, 4);
	want_clear(&want);
}

static void test_incomplete(void **state)
{
	struct want want;
	struct error err;
	struct mesh m;

	(void)state;
	mesh_init(&m);
	mesh_node(&m, "self", "c", "10.20.1.1", NULL);
	assert_int_equal(want_compute(&want, &m.view, &m.options, &err), -ENODATA);
	m.view.network = NULL;
	assert_int_equal(want_compute(&want, &m.view, &m.options, &err), -ENODATA);
}

static void test_revoked(void **state)
{
	struct want want;
	struct mesh m;

	(void)state;
	mesh_init(&m);
	mesh_node(&m, "gone", "a", "10.20.1.1", NULL);
	mesh_node(&m, "other", "a", "10.20.1.2", NULL);
	mesh_want(&m, &want);
	assert_true(want.revoked);
	assert_int_equal(want.dev.n_peers, 0);
	assert_int_equal(want.address.count, 0);
	want_clear(&want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_nodes),      cmocka_unit_test(test_isolation),
		cmocka_unit_test(test_suite_of_both),  cmocka_unit_test(test_relay_used),
		cmocka_unit_test(test_relay_serves),   cmocka_unit_test(test_routes),
		cmocka_unit_test(test_contradictions), cmocka_unit_test(test_incomplete),
		cmocka_unit_test(test_revoked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
