// SPDX-License-Identifier: Apache-2.0
/* Networks: a prefix, a routing domain, an id in the data plane. */
#include <errno.h>

#include "ipam.h"
#include "kind.h"
#include "node-record.h"
#include "stream.h"

enum { MTU_MIN = 1280, MTU_MAX = 65535, PREFIX_MIN = 8 };

static int read_row(struct store *s, struct query *q, struct object *ret, struct error *err)
{
	struct network *n = &ret->network;

	(void)s;
	(void)err;
	query_text(q, 0, ret->id, sizeof(ret->id));
	query_text(q, 1, ret->parent, sizeof(ret->parent));
	query_text(q, 2, ret->name, sizeof(ret->name));
	n->base = (uint32_t)query_int(q, 3);
	n->length = (uint32_t)query_int(q, 4);
	n->ula = (uint64_t)query_int(q, 5);
	n->kernel_id = (uint64_t)query_int(q, 6);
	n->routed_subnets = query_int(q, 7);
	n->locked = query_int(q, 8);
	query_text(q, 9, n->zone, sizeof(n->zone));
	n->mtu = (uint32_t)query_int(q, 10);
	ret->revision = (uint64_t)query_int(q, 11);
	ret->created = query_int(q, 12);
	query_text(q, 13, n->zone_name, sizeof(n->zone_name));
	return 0;
}

/* -- fields -------------------------------------------------------------------------------------------- */

static int take_prefix(struct change *c, struct object *o, const message_object *in,
		       struct error *err)
{
	uint32_t base, length;
	int r;

	(void)c;
	if (!in->network->prefix[0])
		return o->network.length ? 0 :
					   error_set(err, EINVAL, "network.prefix: is missing, such "
								  "as 10.20.0.0/16");
	r = ipam_parse_prefix4(&base, &length, "network.prefix", in->network->prefix, err);
	if (r)
		return r;
	if (length < PREFIX_MIN || length > SUBNET_LENGTH)
		return error_set(err, EINVAL, "network.prefix: %s is not a /%d to /%d",
				 in->network->prefix, PREFIX_MIN, SUBNET_LENGTH);
	o->network.base = base;
	o->network.length = length;
	return 0;
}

static void format_prefix(const struct object *o, char *ret, size_t size)
{
	char text[IPAM_TEXT_SIZE];

	ipam_format4(text, o->network.base, o->network.length);
	(void)snprintf(ret, size, "%s", text);
}

static int take_routed(struct change *c, struct object *o, const message_object *in,
		       struct error *err)
{
	(void)c;
	(void)err;
	o->network.routed_subnets = in->network->routed_subnets;
	return 0;
}

static void format_routed(const struct object *o, char *ret, size_t size)
{
	switch_format(o->network.routed_subnets, ret, size);
}

static int take_locked(struct change *c, struct object *o, const message_object *in,
		       struct error *err)
{
	(void)c;
	(void)err;
	o->network.locked = in->network->locked;
	return 0;
}

static void format_locked(const struct object *o, char *ret, size_t size)
{
	switch_format(o->network.locked, ret, size);
}

static int take_zone(struct change *c, struct object *o, const message_object *in,
		     struct error *err)
{
	struct object *zone;
	int r;

	o->network.zone[0] = o->network.zone_name[0] = '\0';
	if (!in->network->zone[0])
		return 0;
	zone = malloc(sizeof(*zone));
	if (!zone)
		return error_oom(err);
	r = object_by_name(c->s, KIND_ZONE, o->parent, in->network->zone, zone, err);
	if (r == 0)
		r = error_set(err, ENOENT, "network.zone: there is no zone '%.64s' in the tenant",
			      in->network->zone);
	if (r == 1) {
		(void)snprintf(o->network.zone, ID_SIZE, "%s", zone->id);
		(void)snprintf(o->network.zone_name, NAME_SIZE, "%s", zone->name);
		r = 0;
	}
	free(zone);
	return r;
}

static void format_zone(const struct object *o, char *ret, size_t size)
{
	(void)snprintf(ret, size, "%s", o->network.zone_name);
}

static int take_mtu(struct change *c, struct object *o, const message_object *in,
		    struct error *err)
{
	uint32_t mtu = in->network->mtu;

	(void)c;
	if (mtu && (mtu < MTU_MIN || mtu > MTU_MAX))
		return error_set(err, EINVAL,
				 "network.mtu: %u is not %d to %d, nor 0 for what paths allow", mtu,
				 MTU_MIN, MTU_MAX);
	o->network.mtu = mtu;
	return 0;
}

static void format_mtu(const struct object *o, char *ret, size_t size)
{
	(void)snprintf(ret, size, "%u", o->network.mtu);
}

static const struct field fields[] = {
	{ "prefix", take_prefix, format_prefix },  { "routed_subnets", take_routed, format_routed },
	{ "locked", take_locked, format_locked }, { "zone", take_zone, format_zone },
	{ "mtu", take_mtu, format_mtu },
};

/* -- storing -------------------------------------------------------------------------------------------- */

/* 63 bits, so that databases and JSON readers with signed numbers take them. */
static int choose_kernel_id(struct store *s, uint64_t *ret, struct error *err)
{
	int64_t taken;
	uint64_t id;
	int r;

	do {
		r = trust_random(&id, sizeof(id), err);
		if (r)
			return r;
		id >>= 1;
		r = store_int(s, &taken, err, "SELECT 1 FROM network WHERE kernel_id = ?", "u", id);
	} while (r == 1 || (r == 0 && id == 0));
	*ret = id;
	return r;
}

static int choose_ids(struct change *c, struct object *o, struct error *err)
{
	int r;

	/* 40 bits of the id's hash: another id when another network has them. */
	while ((r = ipam_ula(c->s, o->id, &o->network.ula, err)) == -EEXIST) {
		r = trust_random_id(o->id, err);
		if (r)
			return r;
	}
	return r ? r : choose_kernel_id(c->s, &o->network.kernel_id, err);
}

static int check_empty(struct change *c, const struct object *o, struct error *err)
{
	int64_t one;
	int r = store_int(c->s, &one, err,
			  "SELECT 1 FROM subnet WHERE network = ?1"
			  " UNION SELECT 1 FROM grave WHERE network = ?1",
			  "s", o->id);

	if (r == 1)
		return error_set(err, EBUSY,
				 "network.prefix: can't change while the network has subnets");
	return r;
}

/* Where only statements of tokens let nodes in, those that lack one would be out at once. */
static int check_statements(struct change *c, const struct object *o, struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	char name[NAME_SIZE];
	int r;

	r = query_open(&q, c->s, err,
		       "SELECT name FROM node WHERE network = ? AND (statement IS NULL OR token NOT"
		       " IN (SELECT lower(hex(key_id)) FROM delegation WHERE role = 2)) LIMIT 1",
		       "s", o->id);
	if (!r)
		r = query_next(&q, err);
	if (r <= 0)
		return r;
	query_text(&q, 0, name, sizeof(name));
	return error_set(err, EBUSY,
			 "network.locked: node %s has no join statement of a token that the root "
			 "key delegated: delete it, or let it join anew, first",
			 name);
}

static int prepare(struct change *c, struct object *o, const struct object *old, const char *path,
		   struct error *err)
{
	const struct network *n = &o->network;
	int r = 0;

	(void)path;
	if (!old)
		return choose_ids(c, o, err);
	if (n->base != old->network.base || n->length != old->network.length)
		r = check_empty(c, o, err);
	if (!r && n->locked && !old->network.locked)
		r = check_statements(c, o, err);
	if (n->routed_subnets != old->network.routed_subnets)
		c->permissions = true;
	return r;
}

static int insert(struct change *c, const struct object *o, struct error *err)
{
	const struct network *n = &o->network;
	int r = store_exec(c->s, err,
			   "INSERT INTO network VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			   "sssiiuuiisiui", o->id, o->parent, o->name, (int64_t)n->base,
			   (int64_t)n->length, n->ula, n->kernel_id, (int64_t)n->routed_subnets,
			   (int64_t)n->locked, n->zone[0] ? n->zone : NULL, (int64_t)n->mtu,
			   o->revision, o->created);

	c->permissions |= n->routed_subnets;
	return r ? r : stream_create(c, o->id, o->id, err);
}

static int update(struct change *c, const struct object *o, struct error *err)
{
	const struct network *n = &o->network;

	return store_exec(c->s, err,
			  "UPDATE network SET base = ?, length = ?, routed = ?, locked = ?,"
			  " zone = ?, mtu = ?, revision = ? WHERE id = ?",
			  "iiiisius", (int64_t)n->base, (int64_t)n->length,
			  (int64_t)n->routed_subnets, (int64_t)n->locked,
			  n->zone[0] ? n->zone : NULL, (int64_t)n->mtu, o->revision, o->id);
}

static int records(struct change *c, const struct object *o, const struct object *old,
		   struct error *err)
{
	Mmesh__V1__NetworkRecord record = MMESH__V1__NETWORK_RECORD__INIT;
	char prefix[IPAM_TEXT_SIZE], prefix6[IPAM_TEXT_SIZE];
	int r;

	ipam_format4(prefix, o->network.base, o->network.length);
	ipam_format_ula(prefix6, o->network.ula);
	record.tenant = (char *)o->parent;
	record.network = (char *)o->id;
	record.name = (char *)o->name;
	record.kernel_id = o->network.kernel_id;
	record.prefix = prefix;
	record.prefix6 = prefix6;
	record.routed_subnets = o->network.routed_subnets;
	record.locked = o->network.locked;
	record.zone = (char *)o->network.zone;
	record.mtu = o->network.mtu;
	r = stream_put(c, o->id, o->id, "network", TRUST_CONTEXT_NETWORK, &record.base, err);
	if (!r && old && strcmp(old->network.zone, o->network.zone))
		r = node_relay_records(c, o, err);
	return r;
}

/* Everything that waited for tombstones goes with the streams. */
static int remove_row(struct change *c, const struct object *o, struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	char id[ID_SIZE];
	int r;

	r = query_open(&q, c->s, err, "SELECT id FROM stream WHERE network = ?", "s", o->id);
	while (!r && (r = query_next(&q, err)) == 1) {
		query_text(&q, 0, id, sizeof(id));
		r = stream_drop(c, id, err);
	}
	if (!r)
		r = store_exec(c->s, err, "DELETE FROM address WHERE network = ?", "s", o->id);
	if (!r)
		r = store_exec(c->s, err, "DELETE FROM grave WHERE network = ?", "s", o->id);
	if (!r)
		r = store_exec(c->s, err, "DELETE FROM network WHERE id = ?", "s", o->id);
	c->permissions |= o->network.routed_subnets;
	return r;
}

static int show(struct model *m, const struct object *o, message_object *out, struct error *err)
{
	Mmesh__V1__Network *n = malloc(sizeof(*n));
	char text[IPAM_TEXT_SIZE];
	int r;

	(void)m;
	if (!n)
		return error_oom(err);
	mmesh__v1__network__init(n);
	out->network = n;
	n->routed_subnets = o->network.routed_subnets;
	n->locked = o->network.locked;
	n->mtu = o->network.mtu;
	n->kernel_id = o->network.kernel_id;
	ipam_format4(text, o->network.base, o->network.length);
	r = message_string(&n->prefix, text, err);
	ipam_format_ula(text, o->network.ula);
	if (!r)
		r = message_string(&n->prefix6, text, err);
	if (!r && o->network.zone_name[0])
		r = message_string(&n->zone, o->network.zone_name, err);
	return r;
}

#define COLUMNS                                                                                    \
	"SELECT network.id, network.tenant, network.name, base, length, ula, kernel_id, routed,"   \
	" locked, zone, mtu, network.revision, network.created, zone.name FROM network"            \
	" LEFT JOIN zone ON zone.id = network.zone "

const struct kind_ops network_ops = {
	.name = "network",
	.article = "a",
	.depth = 2,
	.parent = KIND_TENANT,
	.limit = MAX_NETWORKS,
	.message = MMESH__V1__OBJECT__KIND_NETWORK,
	.by_id = COLUMNS "WHERE network.id = ?",
	.by_name = COLUMNS "WHERE network.tenant = ? AND network.name = ?",
	.list = COLUMNS "WHERE network.tenant = ? AND network.name > ? ORDER BY network.name"
			" LIMIT ?",
	.count = "SELECT count(*) FROM network WHERE tenant = ?",
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
