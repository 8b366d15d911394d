// SPDX-License-Identifier: Apache-2.0
/* Tenants: each with a root key of its own, by which it is known to its nodes. */
#include <errno.h>

#include "delegation.h"
#include "kind.h"

static int read_row(struct store *s, struct query *q, struct object *ret, struct error *err)
{
	struct tenant *t = &ret->tenant;
	const void *key;
	size_t len;

	query_text(q, 0, ret->id, sizeof(ret->id));
	query_text(q, 1, ret->name, sizeof(ret->name));
	key = query_bytes(q, 2, &len);
	if (!key || len > sizeof(t->root_key))
		return error_set(err, EUCLEAN, "store: %s: the root key of tenant %s is damaged",
				 s->path, ret->name);
	memcpy(t->root_key, key, len);
	t->root_key_len = (uint32_t)len;
	ret->revision = (uint64_t)query_int(q, 3);
	ret->created = query_int(q, 4);
	return 0;
}

/* The new tenant's root key, and what it delegates to this controller. */
static int prepare(struct change *c, struct object *o, const struct object *old, const char *path,
		   struct error *err)
{
	_cleanup_(trust_key_unrefp) struct trust_key *root = NULL;
	const uint8_t *spki;
	size_t len;
	int r;

	(void)path;
	if (old)
		return 0;
	if (!c->m->make_root)
		return error_set(err, EPERM, "tenant: this controller has no place for root keys");
	r = c->m->make_root(c->m->arg, o->id, &root, err);
	if (r)
		return r;
	spki = trust_key_spki(root, &len);
	memcpy(o->tenant.root_key, spki, len);
	o->tenant.root_key_len = (uint32_t)len;
	return 0;
}

static int insert(struct change *c, const struct object *o, struct error *err)
{
	int r = store_exec(c->s, err, "INSERT INTO tenant VALUES (?, ?, ?, ?, ?)", "ssbui",
			   o->id, o->name, o->tenant.root_key, (size_t)o->tenant.root_key_len,
			   o->revision, o->created);

	return r ? r : delegation_renew_controller(c, o->id, err);
}

static int update(struct change *c, const struct object *o, struct error *err)
{
	return store_exec(c->s, err, "UPDATE tenant SET revision = ? WHERE id = ?", "us",
			  o->revision, o->id);
}

static int remove_row(struct change *c, const struct object *o, struct error *err)
{
	return store_exec(c->s, err, "DELETE FROM tenant WHERE id = ?", "s", o->id);
}

static int show(struct model *m, const struct object *o, message_object *out, struct error *err)
{
	_cleanup_(trust_key_unrefp) struct trust_key *root = NULL;
	Mmesh__V1__Tenant *t = malloc(sizeof(*t));
	char text[TRUST_KEY_ID_TEXT_SIZE];
	int r;

	(void)m;
	if (!t)
		return error_oom(err);
	mmesh__v1__tenant__init(t);
	out->tenant = t;
	r = trust_key_from_spki(&root, o->tenant.root_key, o->tenant.root_key_len, err);
	if (r)
		return r;
	trust_hex_format(text, trust_key_id(root), TRUST_KEY_ID_LEN);
	return message_string(&t->root_key_id, text, err);
}

#define COLUMNS "SELECT id, name, root_key, revision, created FROM tenant "

const struct kind_ops tenant_ops = {
	.name = "tenant",
	.article = "a",
	.depth = 1,
	.parent = KINDS,
	.limit = MAX_TENANTS,
	.message = MMESH__V1__OBJECT__KIND_TENANT,
	.by_id = COLUMNS "WHERE id = ?",
	.by_name = COLUMNS "WHERE ?1 = '' AND name = ?2",
	.list = COLUMNS "WHERE ?1 = '' AND name > ?2 ORDER BY name LIMIT ?3",
	.count = "SELECT count(*) FROM tenant WHERE ?1 = ''",
	.read = read_row,
	.prepare = prepare,
	.insert = insert,
	.update = update,
	.remove = remove_row,
	.show = show,
};
