// SPDX-License-Identifier: Apache-2.0
/* Nodes: members of a subnet, by a certificate of ours, or stock WireGuard clients. */
#include <errno.h>

#include "ipam.h"
#include "key.h"
#include "kind.h"
#include "node-record.h"

static const char *const node_kind_name[] = {
	[MMESH__V1__NODE_KIND__NODE_KIND_UNSPECIFIED] = "unspecified",
	[MMESH__V1__NODE_KIND__NODE_KIND_CONNECTED] = "connected",
	[MMESH__V1__NODE_KIND__NODE_KIND_STUBBY] = "stubby",
	[MMESH__V1__NODE_KIND__NODE_KIND_WIREGUARD] = "wireguard",
};

static bool is_wireguard(const struct object *o)
{
	return o->node.kind == MMESH__V1__NODE_KIND__NODE_KIND_WIREGUARD;
}

/* -- reading -------------------------------------------------------------------------------------------- */

static int read_addresses(struct store *s, struct object *o, struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	struct node *n = &o->node;
	int r;

	r = query_open(&q, s, err, "SELECT address FROM address WHERE node = ? ORDER BY place", "s",
		       o->id);
	while (!r && n->addresses < MAX_ADDRESSES && (r = query_next(&q, err)) == 1) {
		n->address[n->addresses++] = (uint32_t)query_int(&q, 0);
		r = 0;
	}
	return r;
}

static int read_routes(struct store *s, struct object *o, struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	struct node *n = &o->node;
	int r;

	r = query_open(&q, s, err,
		       "SELECT prefix, priority, weight FROM route WHERE node = ? ORDER BY prefix",
		       "s", o->id);
	while (!r && n->routes < MAX_ROUTES && (r = query_next(&q, err)) == 1) {
		struct node_route *route = &n->route[n->routes++];

		query_text(&q, 0, route->prefix, sizeof(route->prefix));
		route->priority = (uint32_t)query_int(&q, 1);
		route->weight = (uint32_t)query_int(&q, 2);
		r = 0;
	}
	return r;
}

static int read_keys(struct store *s, struct query *q, struct node *n, struct error *err)
{
	const void *key;
	size_t len;

	key = query_bytes(q, 4, &len);
	if (len > sizeof(n->identity_key))
		return error_set(err, EUCLEAN, "store: %s: an identity key is damaged", s->path);
	if (key)
		memcpy(n->identity_key, key, len);
	n->identity_key_len = (uint32_t)len;
	key = query_bytes(q, 5, &len);
	if (key && len != sizeof(n->mesh_key))
		return error_set(err, EUCLEAN, "store: %s: a mesh key is damaged", s->path);
	if (key)
		memcpy(n->mesh_key, key, len);
	n->has_mesh_key = key;
	return 0;
}

static int read_row(struct store *s, struct query *q, struct object *ret, struct error *err)
{
	struct node *n = &ret->node;
	char tags[FIELD_TEXT_SIZE];
	int r;

	query_text(q, 0, ret->id, sizeof(ret->id));
	query_text(q, 1, ret->parent, sizeof(ret->parent));
	query_text(q, 2, ret->name, sizeof(ret->name));
	n->kind = (uint32_t)query_int(q, 3);
	r = read_keys(s, q, n, err);
	if (r)
		return r;
	query_text(q, 6, tags, sizeof(tags));
	tags_parse(n->tag, &n->tags, tags);
	n->relay = query_int(q, 7);
	query_text(q, 8, n->suite, sizeof(n->suite));
	query_text(q, 9, n->version, sizeof(n->version));
	n->generation = (uint64_t)query_int(q, 10);
	n->last_seen = query_int(q, 11);
	query_text(q, 12, n->token, sizeof(n->token));
	ret->revision = (uint64_t)query_int(q, 13);
	ret->created = query_int(q, 14);
	r = read_addresses(s, ret, err);
	return r ? r : read_routes(s, ret, err);
}

/* -- fields ---------------------------------------------------------------------------------------------- */

static int take_kind(struct change *c, struct object *o, const message_object *in,
		     struct error *err)
{
	uint32_t kind = in->node->kind;

	(void)c;
	if (kind >= ARRAY_SIZE(node_kind_name))
		return error_set(err, EINVAL, "node.kind: %u is not known", kind);
	if (!o->revision) {
		if (kind != MMESH__V1__NODE_KIND__NODE_KIND_WIREGUARD)
			return error_set(err, EINVAL,
					 "node.kind: only WireGuard clients are created here; other "
					 "nodes join with a token");
		o->node.kind = kind;
		return 0;
	}
	if (kind != MMESH__V1__NODE_KIND__NODE_KIND_UNSPECIFIED && kind != o->node.kind)
		return error_set(err, EINVAL, "node.kind: a %s node does not become %s",
				 node_kind_name[o->node.kind], node_kind_name[kind]);
	return 0;
}

static void format_kind(const struct object *o, char *ret, size_t size)
{
	(void)snprintf(ret, size, "%s", node_kind_name[o->node.kind]);
}

static int take_mesh_key(struct change *c, struct object *o, const message_object *in,
			 struct error *err)
{
	const ProtobufCBinaryData *key = &in->node->mesh_key;

	(void)c;
	/* Of other nodes it is output, which may come back from an export. */
	if (!key->len || !is_wireguard(o))
		return 0;
	if (key->len != TRUST_MESH_KEY_LEN || key_is_zero(key->data))
		return error_set(err, EINVAL, "node.mesh_key: is not a WireGuard public key (%d "
					      "bytes)",
				 TRUST_MESH_KEY_LEN);
	memcpy(o->node.mesh_key, key->data, TRUST_MESH_KEY_LEN);
	o->node.has_mesh_key = true;
	return 0;
}

static void format_mesh_key(const struct object *o, char *ret, size_t size)
{
	char text[KEY_TEXT_SIZE] = "";

	if (o->node.has_mesh_key)
		key_format(text, o->node.mesh_key);
	(void)snprintf(ret, size, "%s", text);
}

/* IPv6 addresses are derived: those that an export brings back are let pass. */
static int take_address(struct change *c, struct object *o, const message_object *in,
			struct error *err)
{
	uint32_t address[MAX_ADDRESSES];
	uint32_t n = 0;

	(void)c;
	for (size_t i = 0; i < in->node->n_address; i++) {
		const char *text = in->node->address[i];
		int r;

		if (strchr(text, ':'))
			continue;
		if (n == MAX_ADDRESSES)
			return error_set(err, EINVAL, "node.address: more than %d", MAX_ADDRESSES);
		r = ipam_parse4(&address[n], "node.address", text, err);
		if (r)
			return r;
		for (uint32_t j = 0; j < n; j++)
			if (address[j] == address[n])
				return error_set(err, EINVAL, "node.address: %s is there twice",
						 text);
		n++;
	}
	/* None: what it has, it keeps. */
	if (n) {
		memcpy(o->node.address, address, n * sizeof(address[0]));
		o->node.addresses = n;
	}
	return 0;
}

static void format_addresses(const struct object *o, char *ret, size_t size)
{
	char text[IPAM_TEXT_SIZE];
	size_t at = 0;

	ret[0] = '\0';
	for (uint32_t i = 0; i < o->node.addresses && at < size; i++) {
		ipam_format4(text, o->node.address[i], 32);
		at += (size_t)snprintf(ret + at, size - at, "%s%s", i ? "," : "", text);
	}
}

static int take_tags(struct change *c, struct object *o, const message_object *in,
		     struct error *err)
{
	(void)c;
	return tags_take("node.tag", o->node.tag, &o->node.tags, in->node->tag, in->node->n_tag,
			 err);
}

static void format_tags(const struct object *o, char *ret, size_t size)
{
	tags_format(o->node.tag, o->node.tags, ret, size);
}

static int by_prefix(const void *a, const void *b)
{
	const struct node_route *x = a, *y = b;

	return strcmp(x->prefix, y->prefix);
}

static int take_route(struct node_route *ret, const Mmesh__V1__Route *in, struct error *err)
{
	struct prefix p;
	int r = prefix_parse(&p, in->prefix, err);

	if (r)
		return error_prefix(err, r, "node.route: ");
	if (in->weight > UINT16_MAX)
		return error_set(err, EINVAL, "node.route: weight %u of %s is more than 65535",
				 in->weight, in->prefix);
	prefix_format(ret->prefix, &p);
	if (strcmp(ret->prefix, in->prefix) && strchr(in->prefix, '/'))
		return error_set(err, EINVAL,
				 "node.route: %s has bits beyond its length: did you mean %s?",
				 in->prefix, ret->prefix);
	ret->priority = in->priority;
	ret->weight = in->weight ? in->weight : 1;
	return 0;
}

static int take_routes(struct change *c, struct object *o, const message_object *in,
		       struct error *err)
{
	struct node *n = &o->node;

	(void)c;
	if (in->node->n_route > MAX_ROUTES)
		return error_set(err, EINVAL, "node.route: %zu are more than %d",
				 in->node->n_route, MAX_ROUTES);
	n->routes = 0;
	for (size_t i = 0; i < in->node->n_route; i++) {
		int r = take_route(&n->route[n->routes++], in->node->route[i], err);

		if (r)
			return r;
	}
	qsort(n->route, n->routes, sizeof(n->route[0]), by_prefix);
	for (uint32_t i = 1; i < n->routes; i++)
		if (!strcmp(n->route[i].prefix, n->route[i - 1].prefix))
			return error_set(err, EINVAL, "node.route: %s is there twice",
					 n->route[i].prefix);
	return 0;
}

static void format_routes(const struct object *o, char *ret, size_t size)
{
	size_t at = 0;

	ret[0] = '\0';
	for (uint32_t i = 0; i < o->node.routes && at < size; i++) {
		const struct node_route *r = &o->node.route[i];

		at += (size_t)snprintf(ret + at, size - at, "%s%s@%u*%u", i ? "," : "", r->prefix,
				       r->priority, r->weight);
	}
}

static int take_relay(struct change *c, struct object *o, const message_object *in,
		      struct error *err)
{
	(void)c;
	if (in->node->relay && o->node.kind != MMESH__V1__NODE_KIND__NODE_KIND_CONNECTED)
		return error_set(err, EINVAL, "node.relay: a %s node can't relay",
				 node_kind_name[o->node.kind]);
	o->node.relay = in->node->relay;
	return 0;
}

static void format_relay(const struct object *o, char *ret, size_t size)
{
	switch_format(o->node.relay, ret, size);
}

static const struct field fields[] = {
	{ "kind", take_kind, format_kind },	    { "mesh_key", take_mesh_key, format_mesh_key },
	{ "address", take_address, format_addresses }, { "tag", take_tags, format_tags },
	{ "route", take_routes, format_routes },    { "relay", take_relay, format_relay },
};

/* -- storing ----------------------------------------------------------------------------------------------- */

static int check_mesh_key(struct change *c, const struct object *o, const char *network,
			  struct error *err)
{
	int64_t one;
	int r;

	if (!o->node.has_mesh_key)
		return is_wireguard(o) ? error_set(err, EINVAL, "node.mesh_key: is missing") : 0;
	r = store_int(c->s, &one, err,
		      "SELECT 1 FROM node WHERE network = ? AND mesh_key = ? AND id != ?", "sbs",
		      network, o->node.mesh_key, sizeof(o->node.mesh_key), o->id);
	if (r == 1)
		return error_set(err, EEXIST, "node.mesh_key: another node of the network has it");
	return r;
}

static int prepare(struct change *c, struct object *o, const struct object *old, const char *path,
		   struct error *err)
{
	_cleanup_free_ struct object *subnet = malloc(sizeof(*subnet));
	_cleanup_free_ struct object *network = malloc(sizeof(*network));
	char above[PATH_SIZE];
	int r;

	if (!subnet || !network)
		return error_oom(err);
	r = network_of_subnet(c->s, o->parent, subnet, network, err);
	if (r)
		return r;
	if (is_wireguard(o) && network->network.locked)
		return error_set(err, EPERM,
				 "node.kind: a WireGuard client can't be in a locked network: it has "
				 "no join statement of a token");
	if (is_wireguard(o))
		(void)snprintf(o->node.suite, sizeof(o->node.suite), "wireguard");
	r = check_mesh_key(c, o, network->id, err);
	/* The address' owner has to be there: the row of a new node comes first. */
	if (!r && !old)
		r = node_insert_row(c, o, network->id, err);
	if (r)
		return r;
	if (o->node.relay != (old && old->node.relay))
		c->permissions = true;
	(void)snprintf(above, sizeof(above), "%.*s", (int)(strrchr(path, '/') - path), path);
	return ipam_assign(c->s, subnet, o->id, &o->node, above, err);
}

static int write_routes(struct change *c, const struct object *o, struct error *err)
{
	int r = store_exec(c->s, err, "DELETE FROM route WHERE node = ?", "s", o->id);

	for (uint32_t i = 0; !r && i < o->node.routes; i++)
		r = store_exec(c->s, err, "INSERT INTO route VALUES (?, ?, ?, ?)", "ssii", o->id,
			       o->node.route[i].prefix, (int64_t)o->node.route[i].priority,
			       (int64_t)o->node.route[i].weight);
	return r;
}

static int update(struct change *c, const struct object *o, struct error *err)
{
	const struct node *n = &o->node;
	char tags[FIELD_TEXT_SIZE];
	int r;

	tags_format(n->tag, n->tags, tags, sizeof(tags));
	r = store_exec(c->s, err,
		       "UPDATE node SET kind = ?, mesh_key = ?, tags = ?, relay = ?, suite = ?,"
		       " version = ?, last_seen = ?, revision = ? WHERE id = ?",
		       "ibsissius", (int64_t)n->kind, n->has_mesh_key ? n->mesh_key : NULL,
		       sizeof(n->mesh_key), tags, (int64_t)n->relay, n->suite, n->version,
		       n->last_seen, o->revision, o->id);
	return r ? r : write_routes(c, o, err);
}

static int records(struct change *c, const struct object *o, const struct object *old,
		   struct error *err)
{
	(void)old;
	return node_records(c, o, err);
}

/* Its certificates are worth nothing from now on, and the sessions on them end. */
static int end_certificates(struct change *c, const struct object *o, struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	const void *key_id;
	size_t len;
	int r;

	r = query_open(&q, c->s, err, "SELECT key_id FROM certificate WHERE node = ?", "s", o->id);
	while (!r && (r = query_next(&q, err)) == 1) {
		key_id = query_bytes(&q, 0, &len);
		r = len == TRUST_KEY_ID_LEN ? change_cut(c, key_id, err) : 0;
	}
	if (!r)
		r = store_exec(c->s, err,
			       "INSERT OR REPLACE INTO revoked SELECT key_id, node, not_after FROM "
			       "certificate WHERE node = ?",
			       "s", o->id);
	c->permissions = true;
	return r;
}

static int remove_row(struct change *c, const struct object *o, struct error *err)
{
	_cleanup_free_ struct object *subnet = malloc(sizeof(*subnet));
	int r;

	if (!subnet)
		return error_oom(err);
	r = object_by_id(c->s, KIND_SUBNET, o->parent, subnet, err);
	if (r == 0)
		r = error_set(err, EUCLEAN, "store: subnet %s is missing", o->parent);
	if (r < 0)
		return r;
	r = stream_bury(c, o->parent, o->id, err);
	if (!r)
		r = stream_bury(c, subnet->parent, o->id, err);
	if (!r)
		r = ipam_retire(c->s, o->id, c->now, err);
	if (!r)
		r = end_certificates(c, o, err);
	return r ? r : store_exec(c->s, err, "DELETE FROM node WHERE id = ?", "s", o->id);
}

/* -- showing ------------------------------------------------------------------------------------------------ */

static int show_lists(struct model *m, const struct object *o, Mmesh__V1__NodeObject *n,
		      struct error *err)
{
	int r;

	r = node_addresses(&m->store, o, &n->address, &n->n_address, err);
	for (uint32_t i = 0; !r && i < o->node.tags; i++)
		r = message_strings_add(&n->tag, &n->n_tag, o->node.tag[i], err);
	if (!r)
		r = node_routes(o, &n->route, &n->n_route, err);
	return r ? r : node_endpoints(&m->store, o, &n->endpoint, &n->n_endpoint, err);
}

static int show(struct model *m, const struct object *o, message_object *out, struct error *err)
{
	Mmesh__V1__NodeObject *n = malloc(sizeof(*n));
	int r;

	if (!n)
		return error_oom(err);
	mmesh__v1__node_object__init(n);
	out->node = n;
	n->kind = (Mmesh__V1__NodeKind)o->node.kind;
	n->relay = o->node.relay;
	n->last_seen = o->node.last_seen;
	r = message_string(&n->suite, o->node.suite, err);
	if (!r)
		r = message_string(&n->version, o->node.version, err);
	if (!r && o->node.has_mesh_key) {
		struct blob key = { 0 };

		r = blob_copy(&key, o->node.mesh_key, sizeof(o->node.mesh_key), err);
		n->mesh_key = (ProtobufCBinaryData){ .data = key.data, .len = key.len };
	}
	if (!r)
		r = show_lists(m, o, n, err);
	return r;
}

static int insert(struct change *c, const struct object *o, struct error *err)
{
	return write_routes(c, o, err);
}

#define COLUMNS                                                                                    \
	"SELECT id, subnet, name, kind, identity_key, mesh_key, tags, relay, suite, version,"      \
	" generation, last_seen, token, revision, created FROM node "

const struct kind_ops node_ops = {
	.name = "node",
	.article = "a",
	.depth = 4,
	.parent = KIND_SUBNET,
	.message = MMESH__V1__OBJECT__KIND_NODE,
	.by_id = COLUMNS "WHERE id = ?",
	.by_name = COLUMNS "WHERE subnet = ? AND name = ?",
	.list = COLUMNS "WHERE subnet = ? AND name > ? ORDER BY name LIMIT ?",
	.count = "SELECT count(*) FROM node WHERE subnet = ?",
	.read = read_row,
	.field = fields,
	.fields = ARRAY_SIZE(fields),
	.prepare = prepare,
	.insert = insert,
	.update = update,
	.records = records,
	.remove = remove_row,
	.show = show,
};
