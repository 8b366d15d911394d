// SPDX-License-Identifier: Apache-2.0
#include "chain.h"

#include <errno.h>
#include <string.h>

#include "keys.h"

#define OTHER_SUBNET "66666666666666666666666666666666"
#define OTHER_TENANT "77777777777777777777777777777777"

struct chain {
	struct trust_key *root, *controller, *token, *identity;
	struct trust_anchor *anchor;
	struct trust_scope scope;
	uint8_t mesh_key[32];
};

static ProtobufCBinaryData spki_of(const struct trust_key *key)
{
	ProtobufCBinaryData data;

	data.data = (uint8_t *)trust_key_spki(key, &data.len);
	return data;
}

static Mmesh__V1__Delegation delegation_of(const struct trust_key *key, Mmesh__V1__Role role)
{
	Mmesh__V1__Delegation d = MMESH__V1__DELEGATION__INIT;

	d.tenant = (char *)TENANT;
	d.public_key = spki_of(key);
	d.role = role;
	d.not_before = NOW - 10 * DAY;
	d.not_after = NOW + 10 * DAY;
	d.epoch = 1;
	return d;
}

static int delegate(struct chain *c, const struct trust_key *by, const Mmesh__V1__Delegation *d,
		    struct error *err)
{
	_cleanup_(trust_signed_freep) Mmesh__V1__Signed *s = NULL;

	expect_ok(trust_sign(&s, by, TRUST_CONTEXT_DELEGATION, &d->base, err), err);
	return trust_anchor_add(c->anchor, s, err);
}

static void must_delegate(struct chain *c, const Mmesh__V1__Delegation *d)
{
	struct error err = { 0 };

	expect_ok(delegate(c, c->root, d, &err), &err);
}

/* A tenant without delegations. */
static int bare(void **state)
{
	struct chain *c = calloc(1, sizeof(*c));
	_cleanup_(trust_key_unrefp) struct trust_key *pinned = NULL;
	struct error err = { 0 };

	if (!c)
		return -1;
	c->root = new_key(TRUST_KEY_ED25519);
	c->controller = new_key(TRUST_KEY_ED25519);
	c->token = new_key(TRUST_KEY_ED25519);
	c->identity = new_key(TRUST_KEY_P256);
	memset(c->mesh_key, 9, sizeof(c->mesh_key));
	c->scope = (struct trust_scope){ .network = NETWORK, .subnet = SUBNET, .now = NOW };
	expect_ok(trust_key_public(&pinned, c->root, &err), &err);
	expect_ok(trust_anchor_new(&c->anchor, TENANT, pinned, &err), &err);
	*state = c;
	return 0;
}

static int set_up(void **state)
{
	Mmesh__V1__Delegation d;
	struct chain *c;

	if (bare(state))
		return -1;
	c = *state;
	d = delegation_of(c->controller, MMESH__V1__ROLE__ROLE_CONTROLLER);
	must_delegate(c, &d);
	return 0;
}

static int tear_down(void **state)
{
	struct chain *c = *state;

	trust_anchor_free(c->anchor);
	trust_key_unref(c->root);
	trust_key_unref(c->controller);
	trust_key_unref(c->token);
	trust_key_unref(c->identity);
	free(c);
	return 0;
}

static int open_record(struct chain *c, const struct trust_key *by, const char *context,
		       const ProtobufCMessage *message, struct error *err)
{
	_cleanup_(trust_signed_freep) Mmesh__V1__Signed *s = NULL;
	ProtobufCMessage *got;
	int r;

	expect_ok(trust_sign(&s, by, context, message, err), err);
	r = trust_record_open(&got, c->anchor, &c->scope, context, s, err);
	assert_true(!got == !!r);
	if (got)
		protobuf_c_message_free_unpacked(got, NULL);
	return r;
}

static Mmesh__V1__Head a_head(void)
{
	static uint8_t digest[32];
	Mmesh__V1__Head head = MMESH__V1__HEAD__INIT;

	head.network = (char *)NETWORK;
	head.subnet = (char *)SUBNET;
	head.epoch = 1;
	head.sequence = 5;
	head.time = NOW;
	head.digest = (ProtobufCBinaryData){ 32, digest };
	return head;
}

static void expect_head(struct chain *c, const struct trust_key *by, int want, const char *why)
{
	Mmesh__V1__Head head = a_head();
	struct error err = { 0 };
	int r = open_record(c, by, TRUST_CONTEXT_HEAD, &head.base, &err);

	if (want)
		expect_error(r, want, &err, why);
	else
		expect_ok(r, &err);
}

static char *address[] = { (char *)"10.1.2.3", (char *)"fd00::3" };

static Mmesh__V1__NodeRecord a_node(struct chain *c)
{
	Mmesh__V1__NodeRecord node = MMESH__V1__NODE_RECORD__INIT;

	node.tenant = (char *)TENANT;
	node.network = (char *)NETWORK;
	node.subnet = (char *)SUBNET;
	node.node = (char *)NODE;
	node.name = (char *)"web-1";
	node.kind = MMESH__V1__NODE_KIND__NODE_KIND_CONNECTED;
	node.identity_key = spki_of(c->identity);
	node.mesh_key = (ProtobufCBinaryData){ 32, c->mesh_key };
	node.address = address;
	node.n_address = 2;
	return node;
}

static void expect_node(struct chain *c, const Mmesh__V1__NodeRecord *node, int want,
			const char *why)
{
	struct error err = { 0 };
	int r = open_record(c, c->controller, TRUST_CONTEXT_NODE, &node->base, &err);

	if (want)
		expect_error(r, want, &err, why);
	else
		expect_ok(r, &err);
}

/* -- delegations ---------------------------------------------------------------------------------- */

static void believes_the_delegated(void **state)
{
	struct chain *c = *state;

	expect_head(c, c->controller, 0, "");
	expect_head(c, c->token, -EACCES, "not delegated");
	/* Not even the root says what a controller says. */
	expect_head(c, c->root, -EACCES, "not delegated");
}

static void only_the_root_delegates(void **state)
{
	struct chain *c = *state;
	Mmesh__V1__Delegation d = delegation_of(c->token, MMESH__V1__ROLE__ROLE_CONTROLLER);
	struct error err = { 0 };

	/* A chain of three links. */
	expect_error(delegate(c, c->controller, &d, &err), -EBADMSG, &err, "key_id");
	expect_head(c, c->token, -EACCES, "not delegated");
}

static void refused_delegation(struct chain *c, const Mmesh__V1__Delegation *d, const char *why)
{
	struct error err = { 0 };

	expect_error(delegate(c, c->root, d, &err), -EBADMSG, &err, why);
}

static void delegations_have_their_form(void **state)
{
	struct chain *c = *state;
	char *wrong[] = { (char *)"x" };
	const Mmesh__V1__Delegation good = delegation_of(c->token, MMESH__V1__ROLE__ROLE_TOKEN);
	Mmesh__V1__Delegation d = good;
	Mmesh__V1__Signed *s;
	struct error err = { 0 };

	d.tenant = (char *)OTHER_TENANT;
	refused_delegation(c, &d, "delegation.tenant: another");
	d.tenant = (char *)"";
	refused_delegation(c, &d, "delegation.tenant: not an id");
	d = good;
	d.role = 3;
	refused_delegation(c, &d, "delegation.role");
	d = good;
	d.not_after = d.not_before;
	refused_delegation(c, &d, "delegation.not_after");
	d.not_after = INT64_MAX;
	refused_delegation(c, &d, "delegation.not_after");
	d = good;
	d.network = wrong;
	d.n_network = 1;
	refused_delegation(c, &d, "delegation.network");
	expect_error(trust_delegate(&s, c->root, &d, &err), -EBADMSG, &err, "delegation.network");
	assert_null(s);
	d = good;
	d.public_key.len--;
	refused_delegation(c, &d, "delegation.public_key");
}

static void delegations_end(void **state)
{
	struct chain *c = *state;

	/* A day of clock error either way is let pass. */
	c->scope.now = NOW + 11 * DAY;
	expect_head(c, c->controller, 0, "");
	c->scope.now = NOW + 12 * DAY;
	expect_head(c, c->controller, -EKEYEXPIRED, "is over");
	c->scope.now = NOW - 11 * DAY;
	expect_head(c, c->controller, 0, "");
	c->scope.now = NOW - 12 * DAY;
	expect_head(c, c->controller, -EKEYEXPIRED, "has not begun");
	/* What is on disk already. */
	c->scope.now = 0;
	expect_head(c, c->controller, 0, "");
}

static void delegations_are_prolonged(void **state)
{
	struct chain *c = *state;
	Mmesh__V1__Delegation d = delegation_of(c->controller, MMESH__V1__ROLE__ROLE_CONTROLLER);

	d.not_after = NOW + 100 * DAY;
	must_delegate(c, &d);
	c->scope.now = NOW + 50 * DAY;
	expect_head(c, c->controller, 0, "");
}

static void newer_epochs_end_older(void **state)
{
	struct chain *c = *state;
	Mmesh__V1__Delegation d = delegation_of(c->token, MMESH__V1__ROLE__ROLE_TOKEN);
	_cleanup_(trust_key_unrefp) struct trust_key *next = new_key(TRUST_KEY_ED25519);

	/* Of another role. */
	d.epoch = 9;
	must_delegate(c, &d);
	expect_head(c, c->controller, 0, "");
	d = delegation_of(next, MMESH__V1__ROLE__ROLE_CONTROLLER);
	d.epoch = 2;
	must_delegate(c, &d);
	expect_head(c, c->controller, -EACCES, "ended by a newer one");
	expect_head(c, next, 0, "");
}

static void epochs_count_in_their_networks(void **state)
{
	struct chain *c = *state;
	_cleanup_(trust_key_unrefp) struct trust_key *next = new_key(TRUST_KEY_ED25519);
	Mmesh__V1__Delegation d = delegation_of(next, MMESH__V1__ROLE__ROLE_CONTROLLER);
	char *other[] = { (char *)OTHER_NETWORK };

	d.network = other;
	d.n_network = 1;
	d.epoch = 2;
	must_delegate(c, &d);
	expect_head(c, c->controller, 0, "");
	expect_head(c, next, -EACCES, "another network");
}

static void roles_are_apart(void **state)
{
	struct chain *c = *state;
	Mmesh__V1__Delegation d = delegation_of(c->token, MMESH__V1__ROLE__ROLE_TOKEN);

	must_delegate(c, &d);
	expect_head(c, c->token, -EACCES, "for something else");
}

static void bounds_delegations(void **state)
{
	struct chain *c = *state;
	Mmesh__V1__Delegation d = delegation_of(c->token, MMESH__V1__ROLE__ROLE_TOKEN);
	struct error err = { 0 };

	for (int i = 1; i < TRUST_DELEGATIONS_MAX; i++) {
		d.epoch = i;
		must_delegate(c, &d);
	}
	/* One that is there is no further one. */
	must_delegate(c, &d);
	d.epoch++;
	expect_error(delegate(c, c->root, &d, &err), -ENOSPC, &err, "4096");
	expect_head(c, c->controller, 0, "");
}

/* -- records -------------------------------------------------------------------------------------- */

static void records_stay_in_their_scope(void **state)
{
	struct chain *c = *state;
	Mmesh__V1__NodeRecord node = a_node(c);
	Mmesh__V1__Head head = a_head();
	struct error err = { 0 };

	expect_node(c, &node, 0, "");
	node.tenant = (char *)OTHER_TENANT;
	expect_node(c, &node, -EBADMSG, "node.tenant: another");
	node = a_node(c);
	node.network = (char *)OTHER_NETWORK;
	expect_node(c, &node, -EBADMSG, "node.network: another");
	node = a_node(c);
	node.subnet = (char *)OTHER_SUBNET;
	expect_node(c, &node, -EBADMSG, "node.subnet: another");
	c->scope.subnet = NULL;
	expect_node(c, &node, 0, "");
	c->scope.subnet = "";
	expect_error(open_record(c, c->controller, TRUST_CONTEXT_HEAD, &head.base, &err), -EBADMSG,
		     &err, "head.subnet");
}

static void contexts_have_their_types(void **state)
{
	struct chain *c = *state;
	_cleanup_(trust_signed_freep) Mmesh__V1__Signed *s = NULL;
	Mmesh__V1__Head head = a_head();
	ProtobufCMessage *got;
	struct error err = { 0 };

	expect_ok(trust_sign(&s, c->controller, TRUST_CONTEXT_HEAD, &head.base, &err), &err);
	expect_error(trust_record_open(&got, c->anchor, &c->scope, TRUST_CONTEXT_NODE, s, &err),
		     -EBADMSG, &err, "context");
	expect_error(trust_record_open(&got, c->anchor, &c->scope, TRUST_CONTEXT_JOIN, s, &err),
		     -EBADMSG, &err, "no kind of record");
	s->payload.data[0] ^= 1;
	expect_error(trust_record_open(&got, c->anchor, &c->scope, TRUST_CONTEXT_HEAD, s, &err),
		     -EBADMSG, &err, "signature");
	s->key_id.len = 0;
	expect_error(trust_record_open(&got, c->anchor, &c->scope, TRUST_CONTEXT_HEAD, s, &err),
		     -EACCES, &err, "not delegated");
	assert_null(got);
}

static void nodes_have_their_form(void **state)
{
	struct chain *c = *state;
	const Mmesh__V1__NodeRecord good = a_node(c);
	Mmesh__V1__NodeRecord node = good;
	char *bad_address[] = { (char *)"10.1.2.3/32" };

	node.node = (char *)"1";
	expect_node(c, &node, -EBADMSG, "node.node");
	node = good;
	node.name = (char *)"";
	expect_node(c, &node, -EBADMSG, "node.name");
	node.name = (char *)"a/b";
	expect_node(c, &node, -EBADMSG, "node.name");
	node.name = (char *)"a\nb";
	expect_node(c, &node, -EBADMSG, "node.name");
	node = good;
	node.kind = 4;
	expect_node(c, &node, -EBADMSG, "node.kind");
	node = good;
	node.mesh_key.len = 31;
	expect_node(c, &node, -EBADMSG, "node.mesh_key");
	node = good;
	node.identity_key.len = 0;
	expect_node(c, &node, -EBADMSG, "node.identity_key");
	/* A stock client has none. */
	node.kind = MMESH__V1__NODE_KIND__NODE_KIND_WIREGUARD;
	expect_node(c, &node, 0, "");
	node = good;
	node.identity_key = spki_of(c->token);
	expect_node(c, &node, -EBADMSG, "node.identity_key: not a P-256 key");
	node = good;
	node.address = bad_address;
	node.n_address = 1;
	expect_node(c, &node, -EBADMSG, "node.address");
}

static void expect_route(struct chain *c, const char *prefix, bool good)
{
	Mmesh__V1__NodeRecord node = a_node(c);
	Mmesh__V1__Route route = MMESH__V1__ROUTE__INIT;
	Mmesh__V1__Route *routes[] = { &route };

	route.prefix = (char *)prefix;
	node.route = routes;
	node.n_route = 1;
	expect_node(c, &node, good ? 0 : -EBADMSG, "node.route");
}

static void prefixes_have_their_form(void **state)
{
	struct chain *c = *state;

	expect_route(c, "192.168.0.0/16", true);
	expect_route(c, "0.0.0.0/0", true);
	expect_route(c, "192.168.1.1/32", true);
	expect_route(c, "2001:db8::/33", true);
	expect_route(c, "192.168.0.0/15", true);
	expect_route(c, "192.168.1.0/23", false);
	expect_route(c, "2001:db8::1/64", false);
	expect_route(c, "192.168.0.0", false);
	expect_route(c, "192.168.0.0/", false);
	expect_route(c, "192.168.0.0/33", false);
	expect_route(c, "192.168.0.0/-1", false);
	expect_route(c, "192.168.0.0/99999999999999999999", false);
	expect_route(c, "192.168.0/24", false);
	expect_route(c, "2001:db8::/129", false);
	expect_route(c, "", false);
}

static void other_records(void **state)
{
	struct chain *c = *state;
	Mmesh__V1__NetworkRecord network = MMESH__V1__NETWORK_RECORD__INIT;
	Mmesh__V1__SubnetRecord subnet = MMESH__V1__SUBNET_RECORD__INIT;
	Mmesh__V1__RelayRecord relay = MMESH__V1__RELAY_RECORD__INIT;
	Mmesh__V1__Tombstone tombstone = MMESH__V1__TOMBSTONE__INIT;
	char *endpoint[] = { (char *)"192.0.2.1:51820", (char *)"[2001:db8::1]:51820" };
	struct error err = { 0 };

	network.tenant = (char *)TENANT;
	network.network = (char *)NETWORK;
	network.name = (char *)"prod";
	network.prefix = (char *)"10.1.0.0/16";
	expect_error(open_record(c, c->controller, "network", &network.base, &err), -EBADMSG, &err,
		     "network.kernel_id");
	network.kernel_id = 5;
	expect_ok(open_record(c, c->controller, "network", &network.base, &err), &err);
	network.mtu = 100;
	expect_error(open_record(c, c->controller, "network", &network.base, &err), -EBADMSG, &err,
		     "network.mtu");

	subnet.tenant = (char *)TENANT;
	subnet.network = (char *)NETWORK;
	subnet.subnet = (char *)SUBNET;
	subnet.name = (char *)"web";
	subnet.prefix = (char *)"10.1.2.0/24";
	subnet.number = 254;
	expect_ok(open_record(c, c->controller, "subnet", &subnet.base, &err), &err);
	subnet.number = 255;
	expect_error(open_record(c, c->controller, "subnet", &subnet.base, &err), -EBADMSG, &err,
		     "subnet.number");
	subnet.number = 0;
	subnet.prefix = (char *)"10.1.0.0/16";
	expect_error(open_record(c, c->controller, "subnet", &subnet.base, &err), -EBADMSG, &err,
		     "subnet.prefix");

	relay.zone = (char *)SUBNET;
	relay.node = (char *)NODE;
	relay.name = (char *)"r1";
	relay.mesh_key = (ProtobufCBinaryData){ 32, c->mesh_key };
	relay.endpoint = endpoint;
	relay.n_endpoint = 2;
	expect_ok(open_record(c, c->controller, "relay", &relay.base, &err), &err);
	endpoint[1] = (char *)"relay.example:51820";
	expect_error(open_record(c, c->controller, "relay", &relay.base, &err), -EBADMSG, &err,
		     "relay.endpoint");

	tombstone.object = (char *)NODE;
	expect_ok(open_record(c, c->controller, "tombstone", &tombstone.base, &err), &err);
	tombstone.object = (char *)"x";
	expect_error(open_record(c, c->controller, "tombstone", &tombstone.base, &err), -EBADMSG, &err,
		     "tombstone.object");
}

static void heads_have_their_form(void **state)
{
	struct chain *c = *state;
	Mmesh__V1__Head head = a_head();
	struct error err = { 0 };

	head.epoch = 0;
	expect_error(open_record(c, c->controller, "head", &head.base, &err), -EBADMSG, &err,
		     "head.epoch");
	head = a_head();
	head.time = INT64_MAX;
	expect_error(open_record(c, c->controller, "head", &head.base, &err), -EBADMSG, &err,
		     "head.time");
	head = a_head();
	head.digest.len = 31;
	expect_error(open_record(c, c->controller, "head", &head.base, &err), -EBADMSG, &err,
		     "head.digest");
}

/* -- locked networks ------------------------------------------------------------------------------ */

static Mmesh__V1__JoinStatement a_statement(struct chain *c)
{
	Mmesh__V1__JoinStatement join = MMESH__V1__JOIN_STATEMENT__INIT;

	join.token = (char *)TOKEN;
	join.tenant = (char *)TENANT;
	join.network = (char *)NETWORK;
	join.subnet = (char *)SUBNET;
	join.identity_key = spki_of(c->identity);
	join.mesh_key = (ProtobufCBinaryData){ 32, c->mesh_key };
	join.time = NOW;
	return join;
}

static void expect_joined(struct chain *c, const struct trust_key *by,
			  const Mmesh__V1__JoinStatement *join, int want, const char *why)
{
	_cleanup_(trust_signed_freep) Mmesh__V1__Signed *s = NULL;
	Mmesh__V1__NodeRecord node = a_node(c);
	struct error err = { 0 };

	expect_ok(trust_sign(&s, by, TRUST_CONTEXT_JOIN, &join->base, &err), &err);
	node.join = s;
	expect_node(c, &node, want, why);
}

static int set_up_locked(void **state)
{
	Mmesh__V1__Delegation d;
	struct chain *c;

	if (set_up(state))
		return -1;
	c = *state;
	c->scope.locked = true;
	d = delegation_of(c->token, MMESH__V1__ROLE__ROLE_TOKEN);
	must_delegate(c, &d);
	return 0;
}

static void locked_takes_a_statement(void **state)
{
	struct chain *c = *state;
	Mmesh__V1__NodeRecord node = a_node(c);
	Mmesh__V1__JoinStatement join = a_statement(c);

	expect_node(c, &node, -EACCES, "node.join: missing");
	expect_joined(c, c->token, &join, 0, "");
	/* Nodes outlive their tokens. */
	c->scope.now = NOW + 11 * DAY;
	expect_joined(c, c->token, &join, 0, "");
	/* The controller itself can't let anyone in. */
	expect_joined(c, c->controller, &join, -EACCES, "for something else");
	expect_joined(c, c->identity, &join, -EACCES, "not delegated");
}

static void statements_are_of_their_node(void **state)
{
	struct chain *c = *state;
	const Mmesh__V1__JoinStatement good = a_statement(c);
	Mmesh__V1__JoinStatement join = good;
	_cleanup_(trust_key_unrefp) struct trust_key *other = new_key(TRUST_KEY_P256);
	uint8_t key[32] = { 0 };

	join.mesh_key.data = key;
	expect_joined(c, c->token, &join, -EACCES, "node.mesh_key");
	join = good;
	join.identity_key = spki_of(other);
	expect_joined(c, c->token, &join, -EACCES, "node.identity_key");
	join = good;
	join.tenant = (char *)OTHER_TENANT;
	expect_joined(c, c->token, &join, -EBADMSG, "join.tenant");
	join = good;
	join.network = (char *)OTHER_NETWORK;
	expect_joined(c, c->token, &join, -EBADMSG, "join.network");
	join = good;
	join.subnet = (char *)OTHER_SUBNET;
	expect_joined(c, c->token, &join, -EBADMSG, "join.subnet");
	join = good;
	join.time = NOW + 12 * DAY;
	expect_joined(c, c->token, &join, -EKEYEXPIRED, "join.time");
	join.time = INT64_MIN;
	expect_joined(c, c->token, &join, -EBADMSG, "join.time");
}

static void revoked_tokens(void **state)
{
	struct chain *c = *state;
	Mmesh__V1__JoinStatement join = a_statement(c);
	_cleanup_(trust_key_unrefp) struct trust_key *next = new_key(TRUST_KEY_ED25519);
	Mmesh__V1__Delegation d = delegation_of(next, MMESH__V1__ROLE__ROLE_TOKEN);

	d.epoch = 2;
	must_delegate(c, &d);
	expect_joined(c, c->token, &join, -EACCES, "ended by a newer one");
	expect_joined(c, next, &join, 0, "");
}

/* -- endpoints ------------------------------------------------------------------------------------ */

static void expect_endpoints(struct chain *c, const struct trust_key *by,
			     const Mmesh__V1__EndpointsRecord *record, int want, const char *why)
{
	_cleanup_(trust_signed_freep) Mmesh__V1__Signed *s = NULL;
	Mmesh__V1__NodeRecord node = a_node(c);
	Mmesh__V1__EndpointsRecord *got;
	struct error err = { 0 };
	int r;

	expect_ok(trust_sign(&s, by, TRUST_CONTEXT_ENDPOINTS, &record->base, &err), &err);
	r = trust_endpoints_open(&got, &node, s, &err);
	if (want) {
		expect_error(r, want, &err, why);
		assert_null(got);
		return;
	}
	expect_ok(r, &err);
	assert_int_equal(got->generation, record->generation);
	mmesh__v1__endpoints_record__free_unpacked(got, NULL);
}

static void endpoints(void **state)
{
	struct chain *c = *state;
	char *endpoint[17] = { (char *)"192.0.2.1:51820" };
	Mmesh__V1__EndpointsRecord record = MMESH__V1__ENDPOINTS_RECORD__INIT;

	record.node = (char *)NODE;
	record.generation = 3;
	record.endpoint = endpoint;
	record.n_endpoint = 1;
	expect_endpoints(c, c->identity, &record, 0, "");
	/* Nobody says where another is, not even the controller. */
	expect_endpoints(c, c->controller, &record, -EBADMSG, "key_id");
	record.node = (char *)TOKEN;
	expect_endpoints(c, c->identity, &record, -EBADMSG, "endpoints.node");
	record.node = (char *)NODE;
	for (size_t i = 0; i < ARRAY_SIZE(endpoint); i++)
		endpoint[i] = endpoint[0];
	record.n_endpoint = 16;
	expect_endpoints(c, c->identity, &record, 0, "");
	record.n_endpoint = 17;
	expect_endpoints(c, c->identity, &record, -EBADMSG, "more than 16");
	record.n_endpoint = 1;
	endpoint[0] = (char *)"192.0.2.1";
	expect_endpoints(c, c->identity, &record, -EBADMSG, "endpoints.endpoint");
}

static void anchors(void **state)
{
	struct chain *c = *state;
	struct trust_anchor *anchor;
	struct error err = { 0 };

	expect_error(trust_anchor_new(&anchor, "acme", c->root, &err), -EINVAL, &err, "tenant");
	assert_null(anchor);
	assert_null(trust_anchor_free(NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define LOCKED_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_locked, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(believes_the_delegated),
		TEST(only_the_root_delegates),
		TEST(delegations_have_their_form),
		TEST(delegations_end),
		TEST(delegations_are_prolonged),
		TEST(newer_epochs_end_older),
		TEST(epochs_count_in_their_networks),
		TEST(roles_are_apart),
		TEST(bounds_delegations),
		TEST(records_stay_in_their_scope),
		TEST(contexts_have_their_types),
		TEST(nodes_have_their_form),
		TEST(prefixes_have_their_form),
		TEST(other_records),
		TEST(heads_have_their_form),
		LOCKED_TEST(locked_takes_a_statement),
		LOCKED_TEST(statements_are_of_their_node),
		LOCKED_TEST(revoked_tokens),
		TEST(endpoints),
		TEST(anchors),
	};

	return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
