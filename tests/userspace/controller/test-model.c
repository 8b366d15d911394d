// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "chain.h"
#include "delegation.h"
#include "fixture.h"

static void says(struct fixture *f, const char *text)
{
	if (!strstr(f->err.text, text))
		fail_msg("'%s' does not say '%s'", f->err.text, text);
}

static void names_are_checked(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(fixture_put_subnet(f, "acme/prod/We b", ""), -EINVAL);
	says(f, "path: 'We b' is not a name");
	assert_int_equal(fixture_put_subnet(f, "acme/prod", ""), -EINVAL);
	says(f, "path: 'acme/prod' has 2 parts, that of a subnet has 3");
	assert_int_equal(fixture_put_subnet(f, "acme/none/web", ""), -ENOENT);
	says(f, "path: there is no network acme/none");
	assert_int_equal(fixture_put_subnet(f, "acme/prod/", ""), -EINVAL);
	assert_int_equal(fixture_put_subnet(f, "a/b/c/d/e", ""), -EINVAL);
}

static void prefixes_are_checked(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(fixture_put_network(f, "acme/n2", "10.1.0.0/25"), -EINVAL);
	says(f, "network.prefix: 10.1.0.0/25 is not a /8 to /24");
	assert_int_equal(fixture_put_network(f, "acme/n2", "10.1.0.1/16"), -EINVAL);
	says(f, "did you mean 10.1.0.0/16?");
	assert_int_equal(fixture_put_network(f, "acme/n2", ""), -EINVAL);
	assert_int_equal(fixture_put_network(f, "acme/n2", "fd00::/16"), -EINVAL);
	assert_int_equal(fixture_put_subnet(f, "acme/prod/s2", "10.21.0.0/24"), -EINVAL);
	says(f, "subnet.prefix: 10.21.0.0/24 is not within the network's 10.20.0.0/16");
	assert_int_equal(fixture_put_subnet(f, "acme/prod/s2", "10.20.0.0/25"), -EINVAL);
	says(f, "subnet.prefix: 10.20.0.0/25 is not a /24");
	assert_int_equal(fixture_put_subnet(f, "acme/prod/s2", "10.20.0.0/24"), -EEXIST);
	says(f, "subnet.prefix: another subnet has 10.20.0.0/24");
	/* Two networks may use the same addresses. */
	assert_int_equal(fixture_put_network(f, "acme/n2", "10.20.0.0/16"), 0);
	assert_int_equal(fixture_put_network(f, "acme/prod", "10.30.0.0/16"), -EBUSY);
	says(f, "network.prefix: can't change");
}

static void same_again_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct object *before = malloc(sizeof(*before)), *after = malloc(sizeof(*after));

	assert_true(before && after);
	fixture_get(f, KIND_NETWORK, "acme/prod", before);
	f->streams = 99;
	assert_int_equal(fixture_put_network(f, "acme/prod", "10.20.0.0/16"), 0);
	fixture_get(f, KIND_NETWORK, "acme/prod", after);
	assert_int_equal(before->revision, after->revision);
	assert_int_equal(f->streams, 0);
	assert_int_equal(before->network.kernel_id, after->network.kernel_id);
	assert_int_not_equal(before->network.kernel_id, 0);
	free(before);
	free(after);
}

static void a_subnet_fills_up(void **state)
{
	struct fixture *f = *state;
	char path[64];

	for (unsigned int i = 1; i <= MAX_NODES; i++) {
		(void)snprintf(path, sizeof(path), "acme/prod/web/n%u", i);
		assert_int_equal(fixture_put_client(f, path, i, NULL), 0);
	}
	assert_int_equal(fixture_put_client(f, "acme/prod/web/more", 300, NULL), -EDQUOT);
	says(f, "subnet acme/prod/web is full: 254 of 254 addresses are in use");
	/* What a deleted node had waits for its tombstone. */
	assert_int_equal(fixture_delete(f, "node", "acme/prod/web/n7", false), 0);
	assert_int_equal(fixture_put_client(f, "acme/prod/web/more", 300, NULL), -EDQUOT);
	says(f, "1 of them by nodes that were deleted");
	assert_int_equal(fixture_put_client(f, "acme/prod/web/more", 300, "10.20.0.7"), -EEXIST);
	assert_int_equal(stream_purge(&f->model.store, INT64_MAX, &f->err), 0);
	assert_int_equal(fixture_put_client(f, "acme/prod/web/more", 300, NULL), 0);
}

static void addresses_stick(void **state)
{
	struct fixture *f = *state;
	struct object *o = malloc(sizeof(*o));

	assert_non_null(o);
	assert_int_equal(fixture_put_client(f, "acme/prod/web/a", 1, "10.20.0.99"), 0);
	assert_int_equal(fixture_put_client(f, "acme/prod/web/b", 2, NULL), 0);
	fixture_get(f, KIND_NODE, "acme/prod/web/b", o);
	assert_int_equal(o->node.address[0], 0x0a140001);
	/* Told nothing, it keeps what it was pinned to. */
	assert_int_equal(fixture_put_client(f, "acme/prod/web/a", 1, NULL), 0);
	fixture_get(f, KIND_NODE, "acme/prod/web/a", o);
	assert_int_equal(o->node.address[0], 0x0a140063);
	assert_int_equal(fixture_put_client(f, "acme/prod/web/c", 3, "10.20.0.99"), -EEXIST);
	says(f, "node.address: node a has 10.20.0.99");
	assert_int_equal(fixture_put_client(f, "acme/prod/web/c", 3, "10.20.0.255"), -EINVAL);
	assert_int_equal(fixture_put_client(f, "acme/prod/web/c", 3, "10.20.1.1"), -EINVAL);
	says(f, "node.address: 10.20.1.1 is not within the subnet's 10.20.0.0/24");
	assert_int_equal(fixture_put_client(f, "acme/prod/web/c", 1, NULL), -EEXIST);
	says(f, "node.mesh_key: another node of the network has it");
	free(o);
}

static void a_network_fills_up(void **state)
{
	struct fixture *f = *state;
	char path[64];

	for (unsigned int i = 1; i < MAX_SUBNETS; i++) {
		(void)snprintf(path, sizeof(path), "acme/prod/s%u", i);
		assert_int_equal(fixture_put_subnet(f, path, ""), 0);
	}
	assert_int_equal(fixture_put_subnet(f, "acme/prod/more", ""), -EDQUOT);
	says(f, "network acme/prod is full: 255 of 255 subnets");
	assert_int_equal(fixture_delete(f, "subnet", "acme/prod/s9", false), 0);
	assert_int_equal(fixture_put_subnet(f, "acme/prod/more", ""), -EDQUOT);
	assert_int_equal(fixture_put_subnet(f, "acme/prod/more", "10.20.9.0/24"), -EDQUOT);
	assert_int_equal(stream_purge(&f->model.store, INT64_MAX, &f->err), 0);
	assert_int_equal(fixture_put_subnet(f, "acme/prod/more", "10.20.9.0/24"), 0);
}

static void deletion_is_asked_twice(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(fixture_put_client(f, "acme/prod/web/a", 1, NULL), 0);
	assert_int_equal(fixture_delete(f, "network", "acme/prod", false), -EBUSY);
	says(f, "network acme/prod has 2 objects below it");
	assert_int_equal(fixture_delete(f, "network", "acme/prod", true), 0);
	assert_false(fixture_has(f, KIND_NETWORK, "acme/prod"));
	assert_int_equal(fixture_delete(f, "tenant", "acme", true), 0);
	assert_int_equal(fixture_delete(f, "tenant", "acme", true), -ENOENT);
	says(f, "path: there is no tenant acme");
}

static void a_used_zone_stays(void **state)
{
	struct fixture *f = *state;
	Mmesh__V1__Network network = MMESH__V1__NETWORK__INIT;
	Mmesh__V1__Object o = MMESH__V1__OBJECT__INIT;
	Mmesh__V1__Zone zone = MMESH__V1__ZONE__INIT;

	o.path = (char *)"acme/prod";
	o.kind_case = MMESH__V1__OBJECT__KIND_NETWORK;
	o.network = &network;
	network.zone = (char *)"eu";
	assert_int_equal(fixture_put(f, &o), -ENOENT);
	says(f, "network.zone: there is no zone 'eu'");
	o.path = (char *)"acme/eu";
	o.kind_case = MMESH__V1__OBJECT__KIND_ZONE;
	o.zone = &zone;
	assert_int_equal(fixture_put(f, &o), 0);
	o.path = (char *)"acme/prod";
	o.kind_case = MMESH__V1__OBJECT__KIND_NETWORK;
	o.network = &network;
	assert_int_equal(fixture_put(f, &o), 0);
	assert_int_equal(fixture_delete(f, "zone", "acme/eu", false), -EBUSY);
	says(f, "network prod uses it");
	assert_int_equal(fixture_delete(f, "tenant", "acme", true), 0);
}

static int put_token(struct fixture *f, const char *path, int64_t expires)
{
	Mmesh__V1__Object o = MMESH__V1__OBJECT__INIT;
	Mmesh__V1__Token token = MMESH__V1__TOKEN__INIT;

	o.path = (char *)path;
	o.kind_case = MMESH__V1__OBJECT__KIND_TOKEN;
	o.token = &token;
	token.expires = expires;
	return fixture_put(f, &o);
}

static int lock_network(struct fixture *f)
{
	Mmesh__V1__Network network = MMESH__V1__NETWORK__INIT;
	Mmesh__V1__Object o = MMESH__V1__OBJECT__INIT;

	o.path = (char *)"acme/prod";
	o.kind_case = MMESH__V1__OBJECT__KIND_NETWORK;
	o.network = &network;
	network.locked = true;
	return fixture_put(f, &o);
}

static void a_locked_network_needs_the_root(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(fixture_put_client(f, "acme/prod/web/a", 1, NULL), 0);
	assert_int_equal(lock_network(f), -EBUSY);
	says(f, "node a has no join statement");
	assert_int_equal(fixture_delete(f, "node", "acme/prod/web/a", false), 0);
	f->offline = true;
	assert_int_equal(put_token(f, "acme/prod/web", 0), 0);
	assert_true(fixture_has(f, KIND_TOKEN, "acme/prod/web/token-1"));
	assert_int_equal(lock_network(f), 0);
	assert_int_equal(put_token(f, "acme/prod/web", 0), -ENOKEY);
	f->offline = false;
	assert_int_equal(put_token(f, "acme/prod/web", 0), 0);
	assert_int_equal(fixture_put_client(f, "acme/prod/web/b", 2, NULL), -EPERM);
	assert_int_equal(put_token(f, "acme/prod/web/t", 1000), -EINVAL);
	says(f, "token.expires: is in the past");
}

static void foreign_fields_are_named(void **state)
{
	struct fixture *f = *state;
	_cleanup_change_ struct change c = { 0 };
	Mmesh__V1__Network network = MMESH__V1__NETWORK__INIT;
	Mmesh__V1__Object o = MMESH__V1__OBJECT__INIT;
	char *field[] = { (char *)"colour" };
	struct put_options options = { .field = field, .fields = 1 };
	struct put_result result = { 0 };

	o.path = (char *)"acme/prod";
	assert_int_equal(fixture_put(f, &o), -EINVAL);
	says(f, "object: has no kind");
	o.kind_case = MMESH__V1__OBJECT__KIND_NETWORK;
	o.network = &network;
	assert_int_equal(change_begin(&c, &f->model, "test", &f->err), 0);
	assert_int_equal(manage_put(&c, &o, &options, &result, &f->err), -EINVAL);
	says(f, "field: 'colour' is none of a network's: prefix, routed_subnets, locked, zone, mtu");
	o.revision = 77;
	assert_int_equal(manage_put(&c, &o, &(struct put_options){ 0 }, &result, &f->err), -ESTALE);
	says(f, "revision: network acme/prod has revision 1, not 77");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names_are_checked, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(prefixes_are_checked, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(same_again_changes_nothing, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(a_subnet_fills_up, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(addresses_stick, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_network_fills_up, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(deletion_is_asked_twice, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(a_used_zone_stays, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_locked_network_needs_the_root, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(foreign_fields_are_named, fixture_setup,
						fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
