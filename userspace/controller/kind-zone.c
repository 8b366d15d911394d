// SPDX-License-Identifier: Apache-2.0
/* Connectivity zones: whose relays serve which networks. */
#include <errno.h>

#include "kind.h"

static int read_row(struct store *s, struct query *q, struct object *ret, struct error *err)
{
	(void)s;
	(void)err;
	query_text(q, 0, ret->id, sizeof(ret->id));
	query_text(q, 1, ret->parent, sizeof(ret->parent));
	query_text(q, 2, ret->name, sizeof(ret->name));
	ret->revision = (uint64_t)query_int(q, 3);
	ret->created = query_int(q, 4);
	return 0;
}

static int insert(struct change *c, const struct object *o, struct error *err)
{
	return store_exec(c->s, err, "INSERT INTO zone VALUES (?, ?, ?, ?, ?)", "sssui", o->id,
			  o->parent, o->name, o->revision, o->created);
}

static int update(struct change *c, const struct object *o, struct error *err)
{
	return store_exec(c->s, err, "UPDATE zone SET revision = ? WHERE id = ?", "us", o->revision,
			  o->id);
}

static int remove_row(struct change *c, const struct object *o, struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	char name[NAME_SIZE];
	int r;

	r = query_open(&q, c->s, err, "SELECT name FROM network WHERE zone = ?", "s", o->id);
	if (!r)
		r = query_next(&q, err);
	if (r < 0)
		return r;
	if (r == 1) {
		query_text(&q, 0, name, sizeof(name));
		return error_set(err, EBUSY, "zone %s: network %s uses it", o->name, name);
	}
	return store_exec(c->s, err, "DELETE FROM zone WHERE id = ?", "s", o->id);
}

static int show(struct model *m, const struct object *o, message_object *out, struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	Mmesh__V1__Zone *z = malloc(sizeof(*z));
	char path[PATH_SIZE];
	int r;

	if (!z)
		return error_oom(err);
	mmesh__v1__zone__init(z);
	out->zone = z;
	r = query_open(&q, &m->store, err,
		       "SELECT tenant.name || '/' || network.name || '/' || subnet.name || '/' ||"
		       " node.name FROM node JOIN subnet ON subnet.id = node.subnet"
		       " JOIN network ON network.id = node.network"
		       " JOIN tenant ON tenant.id = network.tenant"
		       " WHERE network.zone = ? AND node.relay ORDER BY 1 LIMIT 1000",
		       "s", o->id);
	while (!r && (r = query_next(&q, err)) == 1) {
		query_text(&q, 0, path, sizeof(path));
		r = message_strings_add(&z->relay, &z->n_relay, path, err);
	}
	return r;
}

#define COLUMNS "SELECT id, tenant, name, revision, created FROM zone "

const struct kind_ops zone_ops = {
	.name = "zone",
	.article = "a",
	.depth = 2,
	.parent = KIND_TENANT,
	.limit = MAX_ZONES,
	.message = MMESH__V1__OBJECT__KIND_ZONE,
	.by_id = COLUMNS "WHERE id = ?",
	.by_name = COLUMNS "WHERE tenant = ? AND name = ?",
	.list = COLUMNS "WHERE tenant = ? AND name > ? ORDER BY name LIMIT ?",
	.count = "SELECT count(*) FROM zone WHERE tenant = ?",
	.read = read_row,
	.insert = insert,
	.update = update,
	.remove = remove_row,
	.show = show,
};
