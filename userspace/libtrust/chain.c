// SPDX-License-Identifier: Apache-2.0
#include "chain.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "endpoint.h"
#include "id.h"

enum {
	NAME_MAX_LEN = 63,
	ADDRESSES_MAX = 16,
	TAGS_MAX = 64,
	ROUTES_MAX = 256,
	ENDPOINTS_MAX = 16,
};

struct delegated {
	struct trust_key *key;
	Mmesh__V1__Delegation *said;
};

struct trust_anchor {
	char tenant[TRUST_ID_SIZE];
	struct trust_key *root;
	struct delegated *delegated;
	size_t n_delegated;
};

/* -- the anchor ----------------------------------------------------------------------------------- */

int trust_anchor_new(struct trust_anchor **ret, const char *tenant, const struct trust_key *root,
		     struct error *err)
{
	struct trust_anchor *anchor;

	*ret = NULL;
	if (!trust_id_is_valid(tenant))
		return error_set(err, EINVAL, "tenant: not an id");
	anchor = calloc(1, sizeof(*anchor));
	if (!anchor)
		return error_oom(err);
	memcpy(anchor->tenant, tenant, sizeof(anchor->tenant));
	anchor->root = trust_key_ref(root);
	*ret = anchor;
	return 0;
}

struct trust_anchor *trust_anchor_free(struct trust_anchor *anchor)
{
	if (!anchor)
		return NULL;
	for (size_t i = 0; i < anchor->n_delegated; i++) {
		trust_key_unref(anchor->delegated[i].key);
		mmesh__v1__delegation__free_unpacked(anchor->delegated[i].said, NULL);
	}
	free(anchor->delegated);
	trust_key_unref(anchor->root);
	free(anchor);
	return NULL;
}

/* After 1970, and no sum with it overflows. */
static bool sane_time(int64_t time)
{
	return time > 0 && time < (int64_t)1 << 40;
}

static int check_delegation(const Mmesh__V1__Delegation *d, struct error *err)
{
	if (!trust_id_is_valid(d->tenant))
		return error_set(err, EBADMSG, "delegation.tenant: not an id");
	if (d->role != MMESH__V1__ROLE__ROLE_CONTROLLER && d->role != MMESH__V1__ROLE__ROLE_TOKEN)
		return error_set(err, EBADMSG, "delegation.role: %d is none", (int)d->role);
	if (d->n_network > TRUST_DELEGATION_NETWORKS_MAX)
		return error_set(err, EBADMSG, "delegation.network: %zu of them, at most %d",
				 d->n_network, TRUST_DELEGATION_NETWORKS_MAX);
	for (size_t i = 0; i < d->n_network; i++) {
		if (!trust_id_is_valid(d->network[i]))
			return error_set(err, EBADMSG, "delegation.network: not an id");
	}
	if (!sane_time(d->not_before) || !sane_time(d->not_after) || d->not_after <= d->not_before)
		return error_set(err, EBADMSG, "delegation.not_after: not after not_before");
	return 0;
}

int trust_delegate(Mmesh__V1__Signed **ret, const struct trust_key *root,
		   const Mmesh__V1__Delegation *delegation, struct error *err)
{
	int r = check_delegation(delegation, err);

	*ret = NULL;
	return r ? r : trust_sign(ret, root, TRUST_CONTEXT_DELEGATION, &delegation->base, err);
}

static bool same_delegation(const Mmesh__V1__Delegation *a, const Mmesh__V1__Delegation *b)
{
	if (a->role != b->role || a->not_before != b->not_before || a->not_after != b->not_after ||
	    a->epoch != b->epoch || a->n_network != b->n_network ||
	    a->public_key.len != b->public_key.len ||
	    memcmp(a->public_key.data, b->public_key.data, a->public_key.len) != 0)
		return false;
	for (size_t i = 0; i < a->n_network; i++) {
		if (strcmp(a->network[i], b->network[i]) != 0)
			return false;
	}
	return true;
}

static int keep(struct trust_anchor *anchor, struct trust_key *key, Mmesh__V1__Delegation *said,
		struct error *err)
{
	struct delegated *more;

	if (anchor->n_delegated == TRUST_DELEGATIONS_MAX)
		return error_set(err, ENOSPC, "delegation: there are %d already",
				 TRUST_DELEGATIONS_MAX);
	/* Grows by doubling: full at each power of two. */
	if (!(anchor->n_delegated & (anchor->n_delegated - 1))) {
		size_t room = anchor->n_delegated ? 2 * anchor->n_delegated : 1;

		more = reallocarray(anchor->delegated, room, sizeof(*more));
		if (!more)
			return error_oom(err);
		anchor->delegated = more;
	}
	anchor->delegated[anchor->n_delegated++] = (struct delegated){ .key = key, .said = said };
	return 0;
}

/* @said is the anchor's on success; *@ret_known says that it was there already. */
static int take(struct trust_anchor *anchor, Mmesh__V1__Delegation *said, bool *ret_known,
		struct error *err)
{
	struct trust_key *key;
	int r;

	*ret_known = false;
	r = check_delegation(said, err);
	if (r)
		return r;
	if (strcmp(said->tenant, anchor->tenant) != 0)
		return error_set(err, EBADMSG, "delegation.tenant: another tenant's");
	for (size_t i = 0; i < anchor->n_delegated && !*ret_known; i++)
		*ret_known = same_delegation(anchor->delegated[i].said, said);
	if (*ret_known)
		return 0;
	r = trust_key_from_spki(&key, said->public_key.data, said->public_key.len, err);
	if (r)
		return error_prefix(err, r, "delegation.public_key: ");
	r = keep(anchor, key, said, err);
	if (r)
		trust_key_unref(key);
	return r;
}

int trust_anchor_add(struct trust_anchor *anchor, const Mmesh__V1__Signed *delegation,
		     struct error *err)
{
	ProtobufCMessage *message;
	bool known = false;
	int r;

	r = trust_signed_open(&message, delegation, anchor->root, TRUST_CONTEXT_DELEGATION,
			      &mmesh__v1__delegation__descriptor, err);
	if (r)
		return error_prefix(err, r, "delegation: ");
	r = take(anchor, (Mmesh__V1__Delegation *)message, &known, err);
	if (r || known)
		protobuf_c_message_free_unpacked(message, NULL);
	return r;
}

/* -- whose key ------------------------------------------------------------------------------------ */

static bool covers(const Mmesh__V1__Delegation *said, const char *network)
{
	for (size_t i = 0; i < said->n_network; i++) {
		if (!strcmp(said->network[i], network))
			return true;
	}
	return !said->n_network;
}

static uint64_t newest_epoch(const struct trust_anchor *anchor, Mmesh__V1__Role role,
			     const char *network)
{
	uint64_t epoch = 0;

	for (size_t i = 0; i < anchor->n_delegated; i++) {
		const Mmesh__V1__Delegation *said = anchor->delegated[i].said;

		if (said->role == role && said->epoch > epoch && covers(said, network))
			epoch = said->epoch;
	}
	return epoch;
}

/* Why @d does not count; 0 when it does. @now 0: at any time. */
static int judge(const struct trust_anchor *anchor, const struct delegated *d,
		 Mmesh__V1__Role role, const char *network, int64_t now, struct error *err)
{
	if (d->said->role != role)
		return error_set(err, EACCES, "its key is delegated for something else");
	if (!covers(d->said, network))
		return error_set(err, EACCES, "its key is delegated for another network");
	if (d->said->epoch < newest_epoch(anchor, role, network))
		return error_set(err, EACCES, "the delegation of its key was ended by a newer one");
	if (now && now + TRUST_CLOCK_SKEW < d->said->not_before)
		return error_set(err, EKEYEXPIRED, "the delegation of its key has not begun");
	if (now && now - TRUST_CLOCK_SKEW > d->said->not_after)
		return error_set(err, EKEYEXPIRED, "the delegation of its key is over");
	return 0;
}

/*
 * The delegation that lets the key of @s speak; a key can have several, such as an old one and the
 * one that prolongs it. The error is that of the last that does not.
 */
static int find(const struct delegated **ret, const struct trust_anchor *anchor,
		const Mmesh__V1__Signed *s, Mmesh__V1__Role role, const char *network, int64_t now,
		struct error *err)
{
	int r = error_set(err, EACCES, "its key is not delegated by the root");

	for (size_t i = 0; i < anchor->n_delegated; i++) {
		const struct delegated *d = &anchor->delegated[i];

		if (s->key_id.len != TRUST_KEY_ID_LEN ||
		    memcmp(s->key_id.data, trust_key_id(d->key), TRUST_KEY_ID_LEN) != 0)
			continue;
		r = judge(anchor, d, role, network, now, err);
		if (!r) {
			*ret = d;
			return 0;
		}
	}
	return r;
}

/* -- form: what is signed can still be nonsense --------------------------------------------------- */

static int bad(struct error *err, const char *field, const char *why)
{
	return error_set(err, EBADMSG, "%s: %s", field, why);
}

static int want_id(const char *got, const char *want, const char *field, struct error *err)
{
	if (!strcmp(got, want))
		return 0;
	return bad(err, field, trust_id_is_valid(got) ? "another one's" : "not an id");
}

static int want_new_id(const char *got, const char *field, struct error *err)
{
	return trust_id_is_valid(got) ? 0 : bad(err, field, "not an id");
}

static int want_name(const char *got, const char *field, struct error *err)
{
	size_t len = strlen(got);

	if (!len || len > NAME_MAX_LEN)
		return bad(err, field, "not 1 to 63 characters");
	for (size_t i = 0; i < len; i++) {
		if (got[i] <= ' ' || got[i] > '~' || got[i] == '/')
			return bad(err, field, "a character that no name has");
	}
	return 0;
}

/* ADDRESS/LENGTH with no bit beyond it; @length 0: any. "" passes where it may be missing. */
static int want_prefix(const char *got, int family, int length, bool may_miss, const char *field,
		       struct error *err)
{
	struct in6_addr address = { 0 };
	const char *slash = strchr(got, '/');
	int bits = family == AF_INET ? 32 : 128;
	char text[INET6_ADDRSTRLEN];
	char *end;
	long n;

	if (!*got && may_miss)
		return 0;
	if (!slash || (size_t)(slash - got) >= sizeof(text) || slash[1] < '0' || slash[1] > '9')
		return bad(err, field, "not a prefix");
	memcpy(text, got, slash - got);
	text[slash - got] = 0;
	n = strtol(slash + 1, &end, 10);
	if (*end || n > bits || inet_pton(family, text, &address) != 1)
		return bad(err, field, "not a prefix");
	if (length && n != length)
		return bad(err, field, "of a length that it can't have");
	for (; n < bits; n++) {
		if (address.s6_addr[n / 8] & 0x80 >> n % 8)
			return bad(err, field, "bits beyond its length");
	}
	return 0;
}

static int want_address(const char *got, const char *field, struct error *err)
{
	struct in6_addr address;

	if (inet_pton(AF_INET, got, &address) == 1 || inet_pton(AF_INET6, got, &address) == 1)
		return 0;
	return bad(err, field, "not an address");
}

static int want_length(const ProtobufCBinaryData *got, size_t len, const char *field,
		       struct error *err)
{
	return got->len == len ? 0 : bad(err, field, "of a length that it can't have");
}

static int want_endpoints(char **endpoint, size_t n, const char *field, struct error *err)
{
	struct endpoint_name name;
	union endpoint address;
	struct error why;

	if (n > ENDPOINTS_MAX)
		return bad(err, field, "more than 16");
	for (size_t i = 0; i < n; i++) {
		if (endpoint_split(&name, endpoint[i], &why) ||
		    endpoint_resolve_numeric(&address, &name, &why))
			return bad(err, field, why.text);
	}
	return 0;
}

static int check_network(const Mmesh__V1__NetworkRecord *m, const struct trust_anchor *anchor,
			 const struct trust_scope *scope, struct error *err)
{
	int r = want_id(m->tenant, anchor->tenant, "network.tenant", err);

	if (!r)
		r = want_id(m->network, scope->network, "network.network", err);
	if (!r)
		r = want_name(m->name, "network.name", err);
	if (!r && !m->kernel_id)
		r = bad(err, "network.kernel_id", "0");
	if (!r)
		r = want_prefix(m->prefix, AF_INET, 0, false, "network.prefix", err);
	if (!r)
		r = want_prefix(m->prefix6, AF_INET6, 48, true, "network.prefix6", err);
	if (!r && m->zone[0])
		r = want_new_id(m->zone, "network.zone", err);
	if (!r && m->mtu && (m->mtu < 1280 || m->mtu > 65535))
		r = bad(err, "network.mtu", "neither 0 nor 1280 to 65535");
	return r;
}

static int check_subnet(const Mmesh__V1__SubnetRecord *m, const struct trust_anchor *anchor,
			const struct trust_scope *scope, struct error *err)
{
	int r = want_id(m->tenant, anchor->tenant, "subnet.tenant", err);

	if (!r)
		r = want_id(m->network, scope->network, "subnet.network", err);
	if (!r)
		r = want_new_id(m->subnet, "subnet.subnet", err);
	if (!r)
		r = want_name(m->name, "subnet.name", err);
	if (!r && m->number > 254)
		r = bad(err, "subnet.number", "not 0 to 254");
	if (!r)
		r = want_prefix(m->prefix, AF_INET, 24, false, "subnet.prefix", err);
	if (!r)
		r = want_prefix(m->prefix6, AF_INET6, 64, true, "subnet.prefix6", err);
	return r;
}

static int check_node_lists(const Mmesh__V1__NodeRecord *m, struct error *err)
{
	int r = 0;

	if (m->n_address > ADDRESSES_MAX)
		return bad(err, "node.address", "more than 16");
	if (m->n_tag > TAGS_MAX)
		return bad(err, "node.tag", "more than 64");
	if (m->n_route > ROUTES_MAX)
		return bad(err, "node.route", "more than 256");
	for (size_t i = 0; !r && i < m->n_address; i++)
		r = want_address(m->address[i], "node.address", err);
	for (size_t i = 0; !r && i < m->n_tag; i++)
		r = want_name(m->tag[i], "node.tag", err);
	for (size_t i = 0; !r && i < m->n_route; i++)
		r = want_prefix(m->route[i]->prefix,
				strchr(m->route[i]->prefix, ':') ? AF_INET6 : AF_INET, 0, false,
				"node.route", err);
	return r;
}

static int check_identity_key(const ProtobufCBinaryData *spki, const char *field,
			      struct error *err)
{
	_cleanup_(trust_key_unrefp) struct trust_key *key = NULL;
	int r = trust_key_from_spki(&key, spki->data, spki->len, err);

	if (r)
		return error_prefix(err, r, "%s: ", field);
	return trust_key_type(key) == TRUST_KEY_P256 ? 0 : bad(err, field, "not a P-256 key");
}

static int check_node_keys(const Mmesh__V1__NodeRecord *m, struct error *err)
{
	bool foreign = m->kind == MMESH__V1__NODE_KIND__NODE_KIND_WIREGUARD;
	bool stubby = m->kind == MMESH__V1__NODE_KIND__NODE_KIND_STUBBY;
	int r = 0;

	if (!stubby)
		r = want_length(&m->mesh_key, TRUST_MESH_KEY_LEN, "node.mesh_key", err);
	/* A stock client has no identity: it never speaks to a controller. */
	if (!r && !(foreign && !m->identity_key.len))
		r = check_identity_key(&m->identity_key, "node.identity_key", err);
	return r;
}

static int check_join(const Mmesh__V1__NodeRecord *m, const struct trust_anchor *anchor,
		      const struct trust_scope *scope, struct error *err);

static int check_node(const Mmesh__V1__NodeRecord *m, const struct trust_anchor *anchor,
		      const struct trust_scope *scope, struct error *err)
{
	int r = want_id(m->tenant, anchor->tenant, "node.tenant", err);

	if (!r)
		r = want_id(m->network, scope->network, "node.network", err);
	if (!r)
		r = scope->subnet ? want_id(m->subnet, scope->subnet, "node.subnet", err) :
				    want_new_id(m->subnet, "node.subnet", err);
	if (!r)
		r = want_new_id(m->node, "node.node", err);
	if (!r)
		r = want_name(m->name, "node.name", err);
	if (!r && (m->kind < MMESH__V1__NODE_KIND__NODE_KIND_CONNECTED ||
		   m->kind > MMESH__V1__NODE_KIND__NODE_KIND_WIREGUARD))
		r = bad(err, "node.kind", "none that is known");
	if (!r)
		r = check_node_keys(m, err);
	if (!r)
		r = check_node_lists(m, err);
	if (!r && scope->locked)
		r = check_join(m, anchor, scope, err);
	return r;
}

static int check_relay(const Mmesh__V1__RelayRecord *m, struct error *err)
{
	int r = want_new_id(m->zone, "relay.zone", err);

	if (!r)
		r = want_new_id(m->node, "relay.node", err);
	if (!r)
		r = want_name(m->name, "relay.name", err);
	if (!r)
		r = want_length(&m->mesh_key, TRUST_MESH_KEY_LEN, "relay.mesh_key", err);
	return r ? r : want_endpoints(m->endpoint, m->n_endpoint, "relay.endpoint", err);
}

static int check_tombstone(const Mmesh__V1__Tombstone *m, struct error *err)
{
	return want_new_id(m->object, "tombstone.object", err);
}

static int check_head(const Mmesh__V1__Head *m, const struct trust_scope *scope,
		      struct error *err)
{
	int r = want_id(m->network, scope->network, "head.network", err);

	if (!r && scope->subnet)
		r = want_id(m->subnet, scope->subnet, "head.subnet", err);
	if (!r && !m->epoch)
		r = bad(err, "head.epoch", "0");
	if (!r && !sane_time(m->time))
		r = bad(err, "head.time", "not after 1970");
	return r ? r : want_length(&m->digest, 32, "head.digest", err);
}

/* -- records -------------------------------------------------------------------------------------- */

static const struct {
	const char *context;
	const ProtobufCMessageDescriptor *type;
} kinds[] = {
	{ TRUST_CONTEXT_NETWORK, &mmesh__v1__network_record__descriptor },
	{ TRUST_CONTEXT_SUBNET, &mmesh__v1__subnet_record__descriptor },
	{ TRUST_CONTEXT_NODE, &mmesh__v1__node_record__descriptor },
	{ TRUST_CONTEXT_RELAY, &mmesh__v1__relay_record__descriptor },
	{ TRUST_CONTEXT_TOMBSTONE, &mmesh__v1__tombstone__descriptor },
	{ TRUST_CONTEXT_HEAD, &mmesh__v1__head__descriptor },
};

static const ProtobufCMessageDescriptor *type_of(const char *context)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!strcmp(kinds[i].context, context))
			return kinds[i].type;
	}
	return NULL;
}

static int check(const ProtobufCMessage *m, const struct trust_anchor *anchor,
		 const struct trust_scope *scope, struct error *err)
{
	if (m->descriptor == &mmesh__v1__network_record__descriptor)
		return check_network((const Mmesh__V1__NetworkRecord *)m, anchor, scope, err);
	if (m->descriptor == &mmesh__v1__subnet_record__descriptor)
		return check_subnet((const Mmesh__V1__SubnetRecord *)m, anchor, scope, err);
	if (m->descriptor == &mmesh__v1__node_record__descriptor)
		return check_node((const Mmesh__V1__NodeRecord *)m, anchor, scope, err);
	if (m->descriptor == &mmesh__v1__relay_record__descriptor)
		return check_relay((const Mmesh__V1__RelayRecord *)m, err);
	if (m->descriptor == &mmesh__v1__tombstone__descriptor)
		return check_tombstone((const Mmesh__V1__Tombstone *)m, err);
	return check_head((const Mmesh__V1__Head *)m, scope, err);
}

int trust_record_open(ProtobufCMessage **ret, const struct trust_anchor *anchor,
		      const struct trust_scope *scope, const char *context,
		      const Mmesh__V1__Signed *s, struct error *err)
{
	const ProtobufCMessageDescriptor *type = type_of(context);
	const struct delegated *signer;
	ProtobufCMessage *message;
	int r;

	*ret = NULL;
	if (!type)
		return error_set(err, EBADMSG, "\"%.*s\" is no kind of record", TRUST_CONTEXT_MAX,
				 context);
	r = find(&signer, anchor, s, MMESH__V1__ROLE__ROLE_CONTROLLER, scope->network, scope->now,
		 err);
	if (!r)
		r = trust_signed_open(&message, s, signer->key, context, type, err);
	if (r)
		return error_prefix(err, r, "%s: ", context);
	r = check(message, anchor, scope, err);
	if (r) {
		protobuf_c_message_free_unpacked(message, NULL);
		return r;
	}
	*ret = message;
	return 0;
}

/* -- join statements ------------------------------------------------------------------------------ */

static int check_statement(const Mmesh__V1__JoinStatement *m, const struct delegated *signer,
			   const struct trust_anchor *anchor, const struct trust_scope *scope,
			   struct error *err)
{
	int r = want_id(m->tenant, anchor->tenant, "join.tenant", err);

	if (!r)
		r = want_id(m->network, scope->network, "join.network", err);
	if (!r)
		r = scope->subnet ? want_id(m->subnet, scope->subnet, "join.subnet", err) :
				    want_new_id(m->subnet, "join.subnet", err);
	if (!r)
		r = want_new_id(m->token, "join.token", err);
	if (!r)
		r = want_length(&m->mesh_key, TRUST_MESH_KEY_LEN, "join.mesh_key", err);
	if (!r)
		r = check_identity_key(&m->identity_key, "join.identity_key", err);
	if (!r && !sane_time(m->time))
		r = bad(err, "join.time", "not after 1970");
	if (r)
		return r;
	if (m->time + TRUST_CLOCK_SKEW < signer->said->not_before ||
	    m->time - TRUST_CLOCK_SKEW > signer->said->not_after)
		return error_set(err, EKEYEXPIRED, "join.time: outside the delegation of the token's key");
	return 0;
}

int trust_join_open(Mmesh__V1__JoinStatement **ret, const struct trust_anchor *anchor,
		    const struct trust_scope *scope, const Mmesh__V1__Signed *s, struct error *err)
{
	const struct delegated *signer;
	ProtobufCMessage *message;
	int r;

	*ret = NULL;
	/* Nodes outlive their tokens: what counts is that the token was good when they joined. */
	r = find(&signer, anchor, s, MMESH__V1__ROLE__ROLE_TOKEN, scope->network, 0, err);
	if (!r)
		r = trust_signed_open(&message, s, signer->key, TRUST_CONTEXT_JOIN,
				      &mmesh__v1__join_statement__descriptor, err);
	if (r)
		return error_prefix(err, r, "join: ");
	r = check_statement((Mmesh__V1__JoinStatement *)message, signer, anchor, scope, err);
	if (r) {
		protobuf_c_message_free_unpacked(message, NULL);
		return r;
	}
	*ret = (Mmesh__V1__JoinStatement *)message;
	return 0;
}

static bool same(const ProtobufCBinaryData *a, const ProtobufCBinaryData *b)
{
	return a->len == b->len && (!a->len || !memcmp(a->data, b->data, a->len));
}

static int check_join(const Mmesh__V1__NodeRecord *m, const struct trust_anchor *anchor,
		      const struct trust_scope *scope, struct error *err)
{
	const struct trust_scope of_node = {
		.network = scope->network,
		.subnet = m->subnet,
	};
	Mmesh__V1__JoinStatement *statement;
	int r;

	if (!m->join)
		return error_set(err, EACCES, "node.join: missing, and the network is locked");
	r = trust_join_open(&statement, anchor, &of_node, m->join, err);
	if (r)
		return error_prefix(err, r, "node.");
	if (!same(&statement->mesh_key, &m->mesh_key))
		r = error_set(err, EACCES, "node.mesh_key: not the one that joined");
	else if (!same(&statement->identity_key, &m->identity_key))
		r = error_set(err, EACCES, "node.identity_key: not the one that joined");
	mmesh__v1__join_statement__free_unpacked(statement, NULL);
	return r;
}

/* -- endpoints ------------------------------------------------------------------------------------ */

int trust_endpoints_open(Mmesh__V1__EndpointsRecord **ret, const Mmesh__V1__NodeRecord *node,
			 const Mmesh__V1__Signed *s, struct error *err)
{
	_cleanup_(trust_key_unrefp) struct trust_key *key = NULL;
	Mmesh__V1__EndpointsRecord *m;
	ProtobufCMessage *message;
	int r;

	*ret = NULL;
	r = trust_key_from_spki(&key, node->identity_key.data, node->identity_key.len, err);
	if (!r)
		r = trust_signed_open(&message, s, key, TRUST_CONTEXT_ENDPOINTS,
				      &mmesh__v1__endpoints_record__descriptor, err);
	if (r)
		return error_prefix(err, r, "endpoints: ");
	m = (Mmesh__V1__EndpointsRecord *)message;
	r = want_id(m->node, node->node, "endpoints.node", err);
	if (!r)
		r = want_endpoints(m->endpoint, m->n_endpoint, "endpoints.endpoint", err);
	if (r) {
		protobuf_c_message_free_unpacked(message, NULL);
		return r;
	}
	*ret = m;
	return 0;
}
