// SPDX-License-Identifier: Apache-2.0
#include "manage.h"

#include <errno.h>

void put_result_free(struct put_result *r)
{
	if (r->secret)
		explicit_bzero(r->secret, strlen(r->secret));
	free(r->secret);
	for (size_t i = 0; i < r->diffs; i++)
		free(r->diff[i]);
	free(r->diff);
	*r = (struct put_result){ 0 };
}

/* -- put ------------------------------------------------------------------------------------------------- */

int manage_kind(const message_object *in, enum kind *ret, struct error *err)
{
	if (in->base.n_unknown_fields)
		return error_set(err, EINVAL, "object: has field %u, which this controller doesn't "
					      "know",
				 in->base.unknown_fields[0].tag);
	for (enum kind k = 0; k < KINDS; k++) {
		const ProtobufCMessage *part = (const ProtobufCMessage *)in->tenant;

		if (kind_ops(k)->message != in->kind_case || !part)
			continue;
		if (part->n_unknown_fields)
			return error_set(err, EINVAL,
					 "%s: has field %u, which this controller doesn't know",
					 kind_name(k), part->unknown_fields[0].tag);
		*ret = k;
		return 0;
	}
	return error_set(err, EINVAL, "object: has no kind: none of tenant, zone, network, subnet, "
				      "node and token is set");
}

static const struct field *find_field(const struct kind_ops *ops, const char *name)
{
	for (size_t i = 0; i < ops->fields; i++)
		if (!strcmp(ops->field[i].name, name))
			return &ops->field[i];
	return NULL;
}

static int unknown_field(const struct kind_ops *ops, const char *name, struct error *err)
{
	char known[256] = "no fields";
	size_t at = 0;

	for (size_t i = 0; i < ops->fields; i++)
		at += (size_t)snprintf(known + at, sizeof(known) - at, "%s%s", i ? ", " : "",
				       ops->field[i].name);
	return error_set(err, EINVAL, "field: '%.64s' is none of %s %s's: %s", name, ops->article,
			 ops->name, known);
}

static int take_fields(struct change *c, struct object *o, const message_object *in,
		       const struct put_options *options, struct error *err)
{
	const struct kind_ops *ops = kind_ops(o->kind);
	int r = 0;

	for (size_t i = 0; !r && i < options->fields; i++) {
		const struct field *f = find_field(ops, options->field[i]);

		r = f ? f->take(c, o, in, err) : unknown_field(ops, options->field[i], err);
	}
	for (size_t i = 0; !r && !options->fields && i < ops->fields; i++)
		r = ops->field[i].take(c, o, in, err);
	return r;
}

static int add_diff(struct put_result *ret, const char *name, const char *old, const char *new,
		    struct error *err)
{
	char text[2 * FIELD_TEXT_SIZE + 128];

	if (*old)
		(void)snprintf(text, sizeof(text), "%s: %s -> %s", name, old, new);
	else
		(void)snprintf(text, sizeof(text), "%s: %s", name, new);
	return message_strings_add(&ret->diff, &ret->diffs, text, err);
}

/* What differs between @old (NULL: nothing) and @o, field by field. */
static int diff(const struct object *o, const struct object *old, struct put_result *ret,
		struct error *err)
{
	const struct kind_ops *ops = kind_ops(o->kind);
	char before[FIELD_TEXT_SIZE] = "", after[FIELD_TEXT_SIZE];

	for (size_t i = 0; i < ops->fields; i++) {
		int r;

		if (old)
			ops->field[i].format(old, before, sizeof(before));
		ops->field[i].format(o, after, sizeof(after));
		if (!strcmp(before, after))
			continue;
		r = add_diff(ret, ops->field[i].name, before, after, err);
		if (r)
			return r;
	}
	return 0;
}

static int check_limit(struct change *c, enum kind kind, const char *parent, const char *path,
		       struct error *err)
{
	const struct kind_ops *ops = kind_ops(kind);
	const char *end = strrchr(path, '/');
	int64_t count = 0;
	int r;

	if (!ops->limit)
		return 0;
	r = store_int(c->s, &count, err, ops->count, "s", parent);
	if (r < 0)
		return r;
	if (count < (int64_t)ops->limit)
		return 0;
	if (!end)
		return error_set(err, EDQUOT, "the controller is full: %lld of %u tenants",
				 (long long)count, ops->limit);
	return error_set(err, EDQUOT, "%s %.*s is full: %lld of %u %ss", kind_name(ops->parent),
			 (int)(end - path), path, (long long)count, ops->limit, ops->name);
}

int manage_create(struct change *c, struct object *o, const char *path, struct error *err)
{
	const struct kind_ops *ops = kind_ops(o->kind);
	int r;

	o->revision = 1;
	o->created = c->now;
	r = check_limit(c, o->kind, o->parent, path, err);
	if (!r && ops->prepare)
		r = ops->prepare(c, o, NULL, path, err);
	if (!r)
		r = ops->insert(c, o, err);
	if (!r && ops->records)
		r = ops->records(c, o, NULL, err);
	return r ? r : change_note(c, "put", path, o, err);
}

int manage_update(struct change *c, struct object *o, const struct object *old, const char *path,
		  struct error *err)
{
	const struct kind_ops *ops = kind_ops(o->kind);
	int r = 0;

	o->revision = old->revision + 1;
	if (ops->prepare)
		r = ops->prepare(c, o, old, path, err);
	if (!r)
		r = ops->update(c, o, err);
	if (!r && ops->records)
		r = ops->records(c, o, old, err);
	return r ? r : change_note(c, "put", path, o, err);
}

/* A token's key is made here, and leaves with the reply. */
static int make_token(struct change *c, struct object *o, struct put_result *ret,
		      struct error *err)
{
	_cleanup_(trust_key_unrefp) struct trust_key *key = NULL;
	_cleanup_free_ struct object *subnet = malloc(sizeof(*subnet));
	_cleanup_free_ struct object *up = malloc(sizeof(*up));
	const uint8_t *spki;
	size_t len;
	int r;

	if (!subnet || !up)
		return error_oom(err);
	if (!c->m->make_token)
		return error_set(err, EPERM, "token: this controller makes none");
	r = network_of_subnet(c->s, o->parent, subnet, up, err);
	if (!r)
		r = object_by_id(c->s, KIND_TENANT, up->parent, up, err);
	if (r < 0)
		return r;
	r = c->m->make_token(c->m->arg, &up->tenant, &ret->secret, o->id, &key, err);
	if (r)
		return r;
	spki = trust_key_spki(key, &len);
	memcpy(o->token.public_key, spki, len);
	o->token.public_key_len = (uint32_t)len;
	return 0;
}

static int create(struct change *c, const message_object *in, const struct put_options *options,
		  struct put_result *ret, struct error *err)
{
	struct object *o = &ret->object;
	int r;

	if (options->update)
		return error_set(err, ENOENT, "path: there is no %s %s", kind_name(o->kind),
				 ret->path);
	if (in->revision)
		return error_set(err, ESTALE, "revision: %s %s is gone", kind_name(o->kind),
				 ret->path);
	r = trust_random_id(o->id, err);
	if (!r)
		r = take_fields(c, o, in, &(struct put_options){ 0 }, err);
	if (!r && o->kind == KIND_TOKEN)
		r = make_token(c, o, ret, err);
	if (!r)
		r = manage_create(c, o, ret->path, err);
	ret->created = ret->changed = true;
	return r ? r : diff(o, NULL, ret, err);
}

static int update(struct change *c, const message_object *in, const struct put_options *options,
		  struct put_result *ret, struct error *err)
{
	_cleanup_free_ struct object *old = malloc(sizeof(*old));
	struct object *o = &ret->object;
	int r;

	if (!old)
		return error_oom(err);
	*old = *o;
	if (options->create)
		return error_set(err, EEXIST, "path: %s %s exists", kind_name(o->kind), ret->path);
	if (in->revision && in->revision != o->revision)
		return error_set(err, ESTALE,
				 "revision: %s %s has revision %llu, not %llu: it was changed since",
				 kind_name(o->kind), ret->path, (unsigned long long)o->revision,
				 (unsigned long long)in->revision);
	r = take_fields(c, o, in, options, err);
	if (!r)
		r = diff(o, old, ret, err);
	if (r || !ret->diffs)
		return r;
	ret->changed = true;
	return manage_update(c, o, old, ret->path, err);
}

/* "token-1", … for tokens whose path ends with their subnet's. */
static int name_token(struct change *c, struct path *path, const struct object *subnet,
		      struct error *err)
{
	struct object *o = malloc(sizeof(*o));
	int r = o ? 1 : error_oom(err);

	for (unsigned int i = 1; r == 1; i++) {
		(void)snprintf(path->part[3], NAME_SIZE, "token-%u", i);
		r = object_by_name(c->s, KIND_TOKEN, subnet->id, path->part[3], o, err);
	}
	free(o);
	path->parts = 4;
	return r;
}

/* The parent's id, and a name where the controller chooses it. */
static int find_parent(struct change *c, struct path *path, struct object *o, struct error *err)
{
	enum kind above = kind_ops(o->kind)->parent;
	_cleanup_free_ struct object *parent = malloc(sizeof(*parent));
	struct path up = *path;
	int r;

	if (!parent)
		return error_oom(err);
	if (above == KINDS)
		return path->parts == 1 ? 0 :
					  error_set(err, EINVAL, "path: that of a tenant has one part");
	if (o->kind == KIND_TOKEN && path->parts == 3) {
		r = object_find(c->s, above, path, parent, err);
		if (!r)
			r = name_token(c, path, parent, err);
		if (r)
			return r;
	}
	if (path->parts != kind_ops(o->kind)->depth) {
		char text[PATH_SIZE];

		path_format(text, path);
		return error_set(err, EINVAL, "path: '%s' has %u parts, that of a %s has %u", text,
				 path->parts, kind_name(o->kind), kind_ops(o->kind)->depth);
	}
	up.parts = path->parts - 1;
	r = object_find(c->s, above, &up, parent, err);
	if (!r)
		(void)snprintf(o->parent, sizeof(o->parent), "%s", parent->id);
	return r;
}

int manage_put(struct change *c, const message_object *in, const struct put_options *options,
	       struct put_result *ret, struct error *err)
{
	struct object *o = &ret->object;
	struct path path;
	int r;

	*ret = (struct put_result){ 0 };
	r = manage_kind(in, &o->kind, err);
	if (!r)
		r = path_parse(&path, in->path, err);
	if (!r)
		r = find_parent(c, &path, o, err);
	if (r)
		return r;
	path_format(ret->path, &path);
	(void)snprintf(o->name, sizeof(o->name), "%s", path.part[path.parts - 1]);
	r = object_by_name(c->s, o->kind, o->parent, o->name, o, err);
	if (r < 0)
		return r;
	return r ? update(c, in, options, ret, err) : create(c, in, options, ret, err);
}

/* -- showing, walking ---------------------------------------------------------------------------------------- */

int manage_show(struct model *m, const struct object *o, const char *path, message_object **ret,
		struct error *err)
{
	message_object *out = malloc(sizeof(*out));
	int r;

	if (!out)
		return error_oom(err);
	mmesh__v1__object__init(out);
	out->revision = o->revision;
	out->created = o->created;
	out->kind_case = kind_ops(o->kind)->message;
	r = message_string(&out->path, path, err);
	if (!r)
		r = message_string(&out->id, o->id, err);
	if (!r)
		r = kind_ops(o->kind)->show(m, o, out, err);
	if (r) {
		/* One without its kind's part can't be freed as a whole. */
		if (!out->tenant)
			out->kind_case = MMESH__V1__OBJECT__KIND__NOT_SET;
		mmesh__v1__object__free_unpacked(out, NULL);
		return r;
	}
	*ret = out;
	return 0;
}

struct walk {
	struct model *m;
	enum kind kind;
	manage_fn fn;
	void *arg;
};

static int walk_children(const struct walk *w, const char *parent, enum kind above,
			 const char *path, struct error *err);

/* Does anything below @above have the kind that is wanted? */
static bool leads_to(enum kind above, enum kind wanted)
{
	if (wanted == KINDS)
		return true;
	for (enum kind k = wanted; k != KINDS; k = kind_ops(k)->parent)
		if (k == above)
			return true;
	return false;
}

static int visit(const struct walk *w, const struct object *o, const char *path,
		 struct error *err)
{
	int r = 0;

	if (w->kind == KINDS || w->kind == o->kind)
		r = w->fn(w->arg, o, path, err);
	return r ? r : walk_children(w, o->id, o->kind, path, err);
}

/* All of one kind, each with what is below it; by name, so that no row is held open meanwhile. */
static int walk_kind(const struct walk *w, enum kind kind, const char *parent, const char *path,
		     struct error *err)
{
	_cleanup_free_ struct object *o = malloc(sizeof(*o));
	char at[PATH_SIZE], after[NAME_SIZE] = "";
	int r;

	if (!o)
		return error_oom(err);
	do {
		struct query q;

		*o = (struct object){ .kind = kind };
		r = query_open(&q, &w->m->store, err, kind_ops(kind)->list, "ssi", parent, after,
			       (int64_t)1);
		if (r)
			return r;
		r = query_next(&q, err);
		if (r == 1) {
			int read = kind_ops(kind)->read(&w->m->store, &q, o, err);

			r = read ? read : 1;
		}
		query_close(&q);
		if (r != 1)
			return r;
		(void)snprintf(after, sizeof(after), "%s", o->name);
		if ((size_t)snprintf(at, sizeof(at), "%s%s%s", path, *path ? "/" : "", o->name) >=
		    sizeof(at))
			return error_set(err, EUCLEAN, "store: a path is too long");
		r = visit(w, o, at, err);
	} while (!r);
	return r;
}

static int walk_children(const struct walk *w, const char *parent, enum kind above,
			 const char *path, struct error *err)
{
	int r = 0;

	for (enum kind k = 0; !r && k < KINDS; k++)
		if (kind_ops(k)->parent == above && leads_to(k, w->kind))
			r = walk_kind(w, k, parent, path, err);
	return r;
}

/* The object that a path of any depth below 4 names, when not told of which kind. */
static enum kind kind_of_depth(unsigned int parts)
{
	static const enum kind of[] = { KINDS, KIND_TENANT, KIND_NETWORK, KIND_SUBNET, KIND_NODE };

	return of[parts];
}

int manage_walk(struct model *m, enum kind kind, const char *under, manage_fn fn, void *arg,
		struct error *err)
{
	struct walk w = { .m = m, .kind = kind, .fn = fn, .arg = arg };
	_cleanup_free_ struct object *o = malloc(sizeof(*o));
	enum kind top;
	struct path path;
	int r;

	if (!o)
		return error_oom(err);
	r = path_parse(&path, under, err);
	if (r)
		return r;
	if (!path.parts)
		return walk_children(&w, "", KINDS, "", err);
	top = kind_of_depth(path.parts);
	if (kind != KINDS && kind_ops(kind)->depth == path.parts)
		top = kind;
	r = object_find(&m->store, top, &path, o, err);
	return r ? r : visit(&w, o, under, err);
}

/* -- delete --------------------------------------------------------------------------------------------------- */

struct doomed {
	struct object *item;
	char (*path)[PATH_SIZE];
	size_t count;
};

static int doom(void *arg, const struct object *o, const char *path, struct error *err)
{
	struct doomed *d = arg;
	struct object *items = reallocarray(d->item, d->count + 1, sizeof(*items));
	char(*paths)[PATH_SIZE];

	if (!items)
		return error_oom(err);
	d->item = items;
	paths = reallocarray(d->path, d->count + 1, sizeof(*paths));
	if (!paths)
		return error_oom(err);
	d->path = paths;
	items[d->count] = *o;
	(void)snprintf(paths[d->count], PATH_SIZE, "%s", path);
	d->count++;
	return 0;
}

static int check_alone(const struct doomed *d, struct error *err)
{
	size_t below = 0;

	/* Tokens are nothing without their subnet. */
	for (size_t i = 1; i < d->count; i++)
		below += d->item[i].kind != KIND_TOKEN;
	if (!below)
		return 0;
	return error_set(err, EBUSY, "path: %s %s has %zu objects below it, the first is %s: "
				     "delete it recursively to delete them, too",
			 kind_name(d->item[0].kind), d->path[0], below, d->path[1]);
}

static int remove_all(struct change *c, const struct doomed *d, char ***ret_paths, size_t *ret_n,
		      struct error *err)
{
	int r = 0;

	/* Parents came first, and zones before the networks that use them. */
	for (size_t i = d->count; !r && i > 0; i--)
		r = kind_ops(d->item[i - 1].kind)->remove(c, &d->item[i - 1], err);
	for (size_t i = d->count; !r && i > 0; i--) {
		r = change_note(c, "delete", d->path[i - 1], &d->item[i - 1], err);
		if (!r && ret_paths)
			r = message_strings_add(ret_paths, ret_n, d->path[i - 1], err);
	}
	return r;
}

int manage_delete(struct change *c, enum kind kind, const char *path, uint64_t revision,
		  bool recursive, char ***ret_paths, size_t *ret_n, struct error *err)
{
	_cleanup_free_ struct object *o = malloc(sizeof(*o));
	struct doomed d = { 0 };
	struct path parsed;
	int r;

	if (!o)
		return error_oom(err);
	r = path_parse(&parsed, path, err);
	if (!r)
		r = object_find(c->s, kind, &parsed, o, err);
	if (r)
		return r;
	if (revision && revision != o->revision)
		return error_set(err, ESTALE, "revision: %s %s has revision %llu, not %llu",
				 kind_name(kind), path, (unsigned long long)o->revision,
				 (unsigned long long)revision);
	if (kind_ops(kind)->depth < PATH_PARTS && kind != KIND_ZONE)
		r = manage_walk(c->m, KINDS, path, doom, &d, err);
	else
		r = doom(&d, o, path, err);
	if (!r && !recursive)
		r = check_alone(&d, err);
	if (!r)
		r = remove_all(c, &d, ret_paths, ret_n, err);
	free(d.item);
	free(d.path);
	return r;
}
