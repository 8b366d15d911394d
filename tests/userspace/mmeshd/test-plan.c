// SPDX-License-Identifier: Apache-2.0
/* The least change: examples, and plans carried out on a model, after which nothing is left to do. */
#include "mesh.h"

#include <string.h>

#include "plan.h"

/* -- a model of the kernel ------------------------------------------------------------------------- */

static struct mmesh_peer *find(struct have *have, const uint8_t *key)
{
	for (size_t i = 0; i < have->dev.n_peers; i++)
		if (!memcmp(have->dev.peer[i].public_key, key, KEY_LEN))
			return &have->dev.peer[i];
	return NULL;
}

static void forget_prefix(struct prefixes *list, const struct prefix *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++)
		if (!prefix_equal(&list->item[i], p))
			list->item[kept++] = list->item[i];
	list->count = kept;
}

static void change_prefixes(struct prefixes *list, const struct prefixes *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		forget_prefix(list, &changes->item[i]);
		if (!changes->item[i].remove)
			assert_int_equal(prefixes_add(list, &changes->item[i], NULL), 0);
	}
}

/* What is not shared moves here from everybody else. */
static void give(struct have *have, struct mmesh_peer *to, const struct prefixes *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		for (size_t k = 0; k < have->dev.n_peers; k++)
			if (&have->dev.peer[k] != to && !changes->item[i].remove &&
			    !changes->item[i].shared)
				forget_prefix(&have->dev.peer[k].allowed_ips, &changes->item[i]);
	change_prefixes(&to->allowed_ips, changes);
}

static void remove_peer(struct have *have, const uint8_t *key)
{
	struct mmesh_peer *peer = find(have, key);
	size_t kept = 0;

	assert_non_null(peer);
	/* Nobody goes by a relay that is none. */
	for (size_t i = 0; i < have->dev.n_peers; i++)
		assert_false(have->dev.peer[i].n_via &&
			     !memcmp(have->dev.peer[i].via[0], key, KEY_LEN));
	mmesh_peer_clear(peer);
	*peer = have->dev.peer[--have->dev.n_peers];
	for (size_t i = 0; i < have->paths.count; i++)
		if (memcmp(have->paths.item[i].public_key, key, KEY_LEN))
			have->paths.item[kept++] = have->paths.item[i];
	have->paths.count = kept;
}

static void change_peer(struct have *have, const struct mmesh_peer *change)
{
	struct mmesh_peer *peer = find(have, change->public_key);

	if (!peer) {
		peer = mmesh_device_add_peer(&have->dev);
		memcpy(peer->public_key, change->public_key, KEY_LEN);
		peer->suite = MMESH_SUITE_WIREGUARD;
	}
	if (change->has & MMESH_PEER_HAS_PSK)
		memcpy(peer->psk, change->psk, KEY_LEN);
	if (change->has & MMESH_PEER_HAS_KEEPALIVE)
		peer->keepalive = change->keepalive;
	if (change->has & MMESH_PEER_HAS_SUITE)
		peer->suite = change->suite;
	if (change->has & MMESH_PEER_HAS_EXTENDED)
		peer->extended = change->extended;
	if (change->has & MMESH_PEER_HAS_SUBNET)
		peer->subnet = change->subnet;
	if (change->has & MMESH_PEER_HAS_VIA) {
		/* The kernel knows only relays that are there. */
		assert_true(!change->n_via || find(have, change->via[0]));
		memcpy(peer->via, change->via, sizeof(peer->via));
		peer->n_via = change->n_via;
	}
	if (change->has & MMESH_PEER_HAS_NETWORK)
		peer->network = change->network;
	if (change->has & MMESH_PEER_HAS_RELAY_PERMIT)
		peer->relay_permit = change->relay_permit;
	give(have, peer, &change->allowed_ips);
}

static void change_path(struct have *have, const struct plan_path *change)
{
	struct mmesh_path path = { .endpoint = change->endpoint,
				   .sources = MMESH_PATH_SOURCE_CONFIGURED };
	size_t kept = 0;

	memcpy(path.public_key, change->key, KEY_LEN);
	for (size_t i = 0; i < have->paths.count; i++)
		if (memcmp(have->paths.item[i].public_key, change->key, KEY_LEN) ||
		    !endpoint_equal(&have->paths.item[i].endpoint, &change->endpoint))
			have->paths.item[kept++] = have->paths.item[i];
	have->paths.count = kept;
	if (change->remove)
		return;
	have->paths.item = realloc(have->paths.item, (kept + 1) * sizeof(path));
	have->paths.item[have->paths.count++] = path;
}

static void change_device(struct have *have, const struct mmesh_device *change)
{
	if (change->replace_peers)
		while (have->dev.n_peers)
			mmesh_peer_clear(&have->dev.peer[--have->dev.n_peers]);
	if (change->replace_peers)
		have->paths.count = 0;
	if (change->has & MMESH_DEVICE_HAS_PRIVATE_KEY)
		memcpy(have->dev.private_key, change->private_key, KEY_LEN);
	if (change->has & MMESH_DEVICE_HAS_PORT)
		have->dev.listen_port = change->listen_port;
	if (change->has & MMESH_DEVICE_HAS_FWMARK)
		have->dev.fwmark = change->fwmark;
	if (change->has & MMESH_DEVICE_HAS_NETWORK) {
		assert_int_equal(have->dev.n_peers, 0);
		have->dev.network = change->network;
	}
	if (change->has & MMESH_DEVICE_HAS_SUBNET)
		have->dev.subnet = change->subnet;
	if (change->has & MMESH_DEVICE_HAS_ROUTED)
		have->dev.routed_subnets = change->routed_subnets;
	if (change->has & MMESH_DEVICE_HAS_RELAY)
		have->dev.relay = change->relay;
	if (change->has & MMESH_DEVICE_HAS_MEMBER)
		memcpy(have->dev.member, change->member, sizeof(change->member));
}

static void carry_out(struct have *have, const struct plan *plan)
{
	if (plan->remove_link) {
		have_clear(have);
		return;
	}
	if (plan->add_link)
		have->exists = true;
	change_device(have, &plan->dev);
	for (size_t i = 0; i < plan->dev.n_peers; i++) {
		if (plan->dev.peer[i].remove)
			remove_peer(have, plan->dev.peer[i].public_key);
		else
			change_peer(have, &plan->dev.peer[i]);
	}
	for (size_t i = 0; i < plan->n_paths; i++)
		change_path(have, &plan->path[i]);
	change_prefixes(&have->address, &plan->address);
	if (plan->mtu)
		have->mtu = plan->mtu;
	have->up = have->up || plan->set_up;
	change_prefixes(&have->route, &plan->route);
}

/* Bring the model to what the mesh wants; then nothing is left. How many changes it took. */
static size_t converge(struct mesh *mesh, struct have *have, char *ret_text, size_t size)
{
	struct want want;
	struct plan plan;
	size_t changes;

	mesh_want(mesh, &want);
	assert_int_equal(plan_compute(&plan, &want, have, NULL), 0);
	if (ret_text)
		plan_format(ret_text, size, &plan);
	changes = plan.changes;
	carry_out(have, &plan);
	plan_clear(&plan);
	assert_int_equal(plan_compute(&plan, &want, have, NULL), 0);
	assert_int_equal(plan.changes, 0);
	plan_clear(&plan);
	want_clear(&want);
	return changes;
}

static void three_nodes(struct mesh *m)
{
	mesh_init(m);
	mesh_node(m, "self", "a", "10.20.1.1", NULL);
	mesh_node(m, "other", "a", "10.20.1.2", "192.0.2.2:4000");
	mesh_node(m, "relay", "a", "10.20.1.3", "192.0.2.3:4000");
	mesh_relay(m, 2, 1);
}

/* -- tests --------------------------------------------------------------------------------------- */

static void test_from_nothing(void **state)
{
	struct have have = { 0 };
	char text[2048];
	struct mesh m;

	(void)state;
	three_nodes(&m);
	(void)converge(&m, &have, text, sizeof(text));
	assert_non_null(strstr(text, "device add, private key, port, network"));
	assert_non_null(strstr(text, "up, route add 10.20.1.0/24"));
	assert_int_equal(have.dev.n_peers, 2);
	assert_int_equal(have.paths.count, 2);
	assert_int_equal(converge(&m, &have, NULL, 0), 0);
	m.options.up = false;
	assert_int_equal(converge(&m, &have, text, sizeof(text)), 1);
	assert_string_equal(text, "device del");
}

static void expect_one(struct mesh *m, struct have *have, const char *expected)
{
	char text[2048];

	assert_int_equal(converge(m, have, text, sizeof(text)), 1);
	assert_string_equal(text, expected);
}

/* One thing changed is one change. */
static void test_single_changes(void **state)
{
	struct have have = { 0 };
	struct mesh m;

	(void)state;
	three_nodes(&m);
	(void)converge(&m, &have, NULL, 0);
	m.network.mtu = 1300;
	expect_one(&m, &have, "mtu 1300");
	m.endpoint[1] = (char *)"192.0.2.9:4000";
	assert_int_equal(converge(&m, &have, NULL, 0), 2);
	m.options.listen_port = 4243;
	expect_one(&m, &have, "port");
	m.subnet[0].number = 9;
	assert_int_equal(converge(&m, &have, NULL, 0), 3);
	have.up = false;
	have.route.count = 0;
	assert_int_equal(converge(&m, &have, NULL, 0), 2);
	have_clear(&have);
}

static void test_drift(void **state)
{
	struct prefix stray = { .family = AF_INET, .cidr = 32, .bytes = { 10, 20, 1, 77 } };
	struct have have = { 0 };
	struct mesh m;

	(void)state;
	three_nodes(&m);
	(void)converge(&m, &have, NULL, 0);
	find(&have, m.key[1])->keepalive = 9;
	assert_int_equal(converge(&m, &have, NULL, 0), 1);
	assert_int_equal(prefixes_add(&find(&have, m.key[1])->allowed_ips, &stray, NULL), 0);
	assert_int_equal(converge(&m, &have, NULL, 0), 1);
	find(&have, m.key[2])->psk[0] = 1;
	assert_int_equal(converge(&m, &have, NULL, 0), 1);
	assert_int_equal(prefixes_add(&have.address, &stray, NULL), 0);
	expect_one(&m, &have, "address del 10.20.1.77/32");
	have.dev.fwmark = 3;
	expect_one(&m, &have, "fwmark");
	have_clear(&have);
}

/* A device that was in another network keeps no peer of it. */
static void test_network_changes(void **state)
{
	struct have have = { 0 };
	struct mesh m;

	(void)state;
	three_nodes(&m);
	(void)converge(&m, &have, NULL, 0);
	m.network.kernel_id = 78;
	(void)converge(&m, &have, NULL, 0);
	assert_int_equal(have.dev.network, 78);
	assert_int_equal(have.dev.n_peers, 2);
	have_clear(&have);
}

/* Random records, one after another: the model refuses what the kernel would. */
static void test_random(void **state)
{
	static const char *const endpoint[] = { "192.0.2.1:1", "192.0.2.2:2", "[2001:db8::1]:3" };
	struct have have = { 0 };
	unsigned int seed = 4711;

	(void)state;
	for (int round = 0; round < 400; round++) {
		static char address[8][16];
		size_t n = 2 + (size_t)rand_r(&seed) % 6;
		struct mesh m;

		mesh_init(&m);
		m.network.routed_subnets = rand_r(&seed) % 2;
		m.network.kernel_id = rand_r(&seed) % 8 ? 77 : 78;
		mesh_node(&m, "self", "a", "10.20.1.200", NULL);
		for (size_t i = 1; i < n; i++) {
			int subnet = rand_r(&seed) % 2;

			(void)snprintf(address[i], sizeof(address[i]), "10.20.%d.%d", subnet + 1,
				       1 + rand_r(&seed) % 4);
			mesh_node(&m, address[i], subnet ? "b" : "a", address[i],
				  endpoint[rand_r(&seed) % 3]);
			if (rand_r(&seed) % 3 == 0)
				mesh_route(&m, i, "172.16.0.0/24", (uint32_t)rand_r(&seed) % 3);
			if (rand_r(&seed) % 4 == 0)
				mesh_relay(&m, i, (uint32_t)rand_r(&seed) % 3);
		}
		if (rand_r(&seed) % 6 == 0)
			mesh_relay(&m, 0, 1);
		(void)converge(&m, &have, NULL, 0);
	}
	have_clear(&have);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_nothing),	cmocka_unit_test(test_single_changes),
		cmocka_unit_test(test_drift),		cmocka_unit_test(test_network_changes),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
