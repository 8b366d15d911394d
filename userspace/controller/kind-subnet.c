// SPDX-License-Identifier: Apache-2.0
/* Subnets: a /24 of their network's prefix, and a number within it. */
#include <errno.h>

#include "ipam.h"
#include "kind.h"
#include "stream.h"

static int read_row(struct store *s, struct query *q, struct object *ret, struct error *err)
{
	(void)s;
	(void)err;
	query_text(q, 0, ret->id, sizeof(ret->id));
	query_text(q, 1, ret->parent, sizeof(ret->parent));
	query_text(q, 2, ret->name, sizeof(ret->name));
	ret->subnet.number = (uint32_t)query_int(q, 3);
	ret->subnet.base = (uint32_t)query_int(q, 4);
	ret->revision = (uint64_t)query_int(q, 5);
	ret->created = query_int(q, 6);
	return 0;
}

static int take_prefix(struct change *c, struct object *o, const message_object *in,
		       struct error *err)
{
	uint32_t base, length;
	int r;

	(void)c;
	if (!in->subnet->prefix[0])
		return 0;
	r = ipam_parse_prefix4(&base, &length, "subnet.prefix", in->subnet->prefix, err);
	if (r)
		return r;
	if (length != SUBNET_LENGTH)
		return error_set(err, EINVAL, "subnet.prefix: %s is not a /%d", in->subnet->prefix,
				 SUBNET_LENGTH);
	o->subnet.base = base;
	return 0;
}

static void format_prefix(const struct object *o, char *ret, size_t size)
{
	char text[IPAM_TEXT_SIZE];

	ipam_format4(text, o->subnet.base, SUBNET_LENGTH);
	(void)snprintf(ret, size, "%s", text);
}

static const struct field fields[] = { { "prefix", take_prefix, format_prefix } };

static int read_network(struct store *s, const char *id, struct object *ret, struct error *err)
{
	int r = object_by_id(s, KIND_NETWORK, id, ret, err);

	if (r == 0)
		return error_set(err, EUCLEAN, "store: network %s is missing", id);
	return r < 0 ? r : 0;
}

static int check_move(struct change *c, const struct object *o, const struct object *network,
		      struct error *err)
{
	int64_t one;
	int r = store_int(c->s, &one, err, "SELECT 1 FROM address WHERE subnet = ?", "s", o->id);

	if (r == 1)
		return error_set(err, EBUSY,
				 "subnet.prefix: can't change while nodes have addresses in it");
	return r ? r : ipam_check_subnet(c->s, network, o->subnet.base, err);
}

static int prepare(struct change *c, struct object *o, const struct object *old, const char *path,
		   struct error *err)
{
	_cleanup_free_ struct object *network = malloc(sizeof(*network));
	char above[PATH_SIZE];
	int r;

	if (!network)
		return error_oom(err);
	r = read_network(c->s, o->parent, network, err);
	if (r)
		return r;
	(void)snprintf(above, sizeof(above), "%.*s", (int)(strrchr(path, '/') - path), path);
	if (!old)
		return ipam_place_subnet(c->s, network, &o->subnet, above, err);
	return o->subnet.base == old->subnet.base ? 0 : check_move(c, o, network, err);
}

static int insert(struct change *c, const struct object *o, struct error *err)
{
	int r = store_exec(c->s, err, "INSERT INTO subnet VALUES (?, ?, ?, ?, ?, ?, ?)", "sssiiui",
			   o->id, o->parent, o->name, (int64_t)o->subnet.number,
			   (int64_t)o->subnet.base, o->revision, o->created);

	return r ? r : stream_create(c, o->id, o->parent, err);
}

static int update(struct change *c, const struct object *o, struct error *err)
{
	return store_exec(c->s, err, "UPDATE subnet SET base = ?, revision = ? WHERE id = ?", "ius",
			  (int64_t)o->subnet.base, o->revision, o->id);
}

static int records(struct change *c, const struct object *o, const struct object *old,
		   struct error *err)
{
	Mmesh__V1__SubnetRecord record = MMESH__V1__SUBNET_RECORD__INIT;
	_cleanup_free_ struct object *network = malloc(sizeof(*network));
	char prefix[IPAM_TEXT_SIZE], prefix6[IPAM_TEXT_SIZE];
	int r;

	(void)old;
	if (!network)
		return error_oom(err);
	r = read_network(c->s, o->parent, network, err);
	if (r)
		return r;
	ipam_format4(prefix, o->subnet.base, SUBNET_LENGTH);
	ipam_format_subnet6(prefix6, network->network.ula, o->subnet.number);
	record.tenant = network->parent;
	record.network = (char *)o->parent;
	record.subnet = (char *)o->id;
	record.name = (char *)o->name;
	record.number = o->subnet.number;
	record.prefix = prefix;
	record.prefix6 = prefix6;
	return stream_put(c, o->parent, o->id, "subnet", TRUST_CONTEXT_SUBNET, &record.base, err);
}

/* Its stream stays with the tombstones of its nodes; number and prefix stay reserved as long. */
static int remove_row(struct change *c, const struct object *o, struct error *err)
{
	int r = stream_bury(c, o->parent, o->id, err);

	if (!r)
		r = store_exec(c->s, err, "INSERT INTO grave VALUES (?, ?, ?, ?)", "siii",
			       o->parent, (int64_t)o->subnet.number, (int64_t)o->subnet.base,
			       c->now);
	return r ? r : store_exec(c->s, err, "DELETE FROM subnet WHERE id = ?", "s", o->id);
}

static int show(struct model *m, const struct object *o, message_object *out, struct error *err)
{
	_cleanup_free_ struct object *network = malloc(sizeof(*network));
	Mmesh__V1__Subnet *n = malloc(sizeof(*n));
	char text[IPAM_TEXT_SIZE];
	int64_t nodes = 0;
	int r;

	if (!n || !network) {
		free(n);
		return error_oom(err);
	}
	mmesh__v1__subnet__init(n);
	out->subnet = n;
	n->number = o->subnet.number;
	r = read_network(&m->store, o->parent, network, err);
	if (!r)
		r = store_int(&m->store, &nodes, err, "SELECT count(*) FROM node WHERE subnet = ?",
			      "s", o->id);
	if (r < 0)
		return r;
	n->nodes = (uint32_t)nodes;
	ipam_format4(text, o->subnet.base, SUBNET_LENGTH);
	r = message_string(&n->prefix, text, err);
	ipam_format_subnet6(text, network->network.ula, o->subnet.number);
	return r ? r : message_string(&n->prefix6, text, err);
}

#define COLUMNS "SELECT id, network, name, number, base, revision, created FROM subnet "

const struct kind_ops subnet_ops = {
	.name = "subnet",
	.article = "a",
	.depth = 3,
	.parent = KIND_NETWORK,
	.limit = MAX_SUBNETS,
	.message = MMESH__V1__OBJECT__KIND_SUBNET,
	.by_id = COLUMNS "WHERE id = ?",
	.by_name = COLUMNS "WHERE network = ? AND name = ?",
	.list = COLUMNS "WHERE network = ? AND name > ? ORDER BY name LIMIT ?",
	.count = "SELECT count(*) FROM subnet WHERE network = ?",
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
