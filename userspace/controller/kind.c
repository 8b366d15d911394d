// SPDX-License-Identifier: Apache-2.0
#include "kind.h"

#include <errno.h>

static const struct kind_ops *const all_ops[KINDS] = {
	[KIND_TENANT] = &tenant_ops,   [KIND_ZONE] = &zone_ops, [KIND_NETWORK] = &network_ops,
	[KIND_SUBNET] = &subnet_ops, [KIND_NODE] = &node_ops, [KIND_TOKEN] = &token_ops,
};

const struct kind_ops *kind_ops(enum kind kind)
{
	return all_ops[kind];
}

const char *kind_name(enum kind kind)
{
	return all_ops[kind]->name;
}

int kind_parse(enum kind *ret, const char *name, struct error *err)
{
	for (enum kind k = 0; k < KINDS; k++) {
		if (!strcmp(name, kind_name(k))) {
			*ret = k;
			return 0;
		}
	}
	return error_set(err, EINVAL,
			 "kind: '%.32s' is not tenant, zone, network, subnet, node or token", name);
}

/* -- finding ------------------------------------------------------------------------------------------ */

static int read_one(struct store *s, enum kind kind, struct query *q, struct object *ret,
		    struct error *err)
{
	struct object o = { .kind = kind };
	int r = query_next(q, err);

	if (r != 1)
		return r;
	r = kind_ops(kind)->read(s, q, &o, err);
	if (r)
		return r;
	*ret = o;
	return 1;
}

int object_by_id(struct store *s, enum kind kind, const char *id, struct object *ret,
		 struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r = query_open(&q, s, err, kind_ops(kind)->by_id, "s", id);

	return r ? r : read_one(s, kind, &q, ret, err);
}

int object_by_name(struct store *s, enum kind kind, const char *parent, const char *name,
		   struct object *ret, struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r = query_open(&q, s, err, kind_ops(kind)->by_name, "ss", parent, name);

	return r ? r : read_one(s, kind, &q, ret, err);
}

/* The kinds from a tenant down to @kind; how many. */
static unsigned int lineage(enum kind kind, enum kind ret[PATH_PARTS])
{
	unsigned int depth = kind_ops(kind)->depth;
	enum kind k = kind;

	for (unsigned int i = depth; i > 0; i--) {
		ret[i - 1] = k;
		k = kind_ops(k)->parent;
	}
	return depth;
}

int object_find(struct store *s, enum kind kind, const struct path *path, struct object *ret,
		struct error *err)
{
	enum kind kinds[PATH_PARTS];
	unsigned int depth = lineage(kind, kinds);
	char text[PATH_SIZE];
	char parent[ID_SIZE] = "";

	path_format(text, path);
	if (path->parts != depth)
		return error_set(err, EINVAL, "path: '%s' has %u parts, that of a %s has %u", text,
				 path->parts, kind_name(kind), depth);
	for (unsigned int i = 0; i < depth; i++) {
		int r = object_by_name(s, kinds[i], parent, path->part[i], ret, err);

		if (r < 0)
			return r;
		if (r == 0) {
			struct path upto = *path;

			upto.parts = i + 1;
			path_format(text, &upto);
			return error_set(err, ENOENT, "path: there is no %s %s",
					 kind_name(kinds[i]), text);
		}
		(void)snprintf(parent, sizeof(parent), "%s", ret->id);
	}
	return 0;
}

int object_path(struct store *s, const struct object *o, char ret[PATH_SIZE], struct error *err)
{
	struct path path = { .parts = kind_ops(o->kind)->depth };
	struct object *up = malloc(sizeof(*up));
	enum kind kind = o->kind;
	int r = 1;

	if (!up)
		return error_oom(err);
	*up = *o;
	for (unsigned int i = path.parts; i > 0; i--) {
		(void)snprintf(path.part[i - 1], NAME_SIZE, "%s", up->name);
		kind = kind_ops(kind)->parent;
		if (kind == KINDS)
			break;
		r = object_by_id(s, kind, up->parent, up, err);
		if (r == 0)
			r = error_set(err, EUCLEAN, "store: %s %s has no %s", kind_name(o->kind),
				      o->name, kind_name(kind));
		if (r < 0)
			break;
	}
	free(up);
	if (r < 0)
		return r;
	path_format(ret, &path);
	return 0;
}

int network_of_subnet(struct store *s, const char *subnet, struct object *ret_subnet,
		      struct object *ret_network, struct error *err)
{
	int r = object_by_id(s, KIND_SUBNET, subnet, ret_subnet, err);

	if (r == 1)
		r = object_by_id(s, KIND_NETWORK, ret_subnet->parent, ret_network, err);
	if (r == 0)
		return error_set(err, EUCLEAN, "store: subnet %s is missing", subnet);
	return r < 0 ? r : 0;
}

/* -- messages ------------------------------------------------------------------------------------------ */

int message_string(char **ret, const char *text, struct error *err)
{
	char *copy = strdup(text);

	if (!copy)
		return error_oom(err);
	*ret = copy;
	return 0;
}

int message_strings_add(char ***list, size_t *n, const char *text, struct error *err)
{
	char **grown = reallocarray(*list, *n + 1, sizeof(*grown));
	int r;

	if (!grown)
		return error_oom(err);
	*list = grown;
	r = message_string(&grown[*n], text, err);
	if (!r)
		++*n;
	return r;
}

/* -- tags ---------------------------------------------------------------------------------------------- */

int tags_take(const char *field, char tag[MAX_TAGS][NAME_SIZE], uint32_t *n, char *const *in,
	      size_t n_in, struct error *err)
{
	if (n_in > MAX_TAGS)
		return error_set(err, EINVAL, "%s: %zu are more than %d", field, n_in, MAX_TAGS);
	for (size_t i = 0; i < n_in; i++) {
		int r = name_check(field, in[i], err);

		if (r)
			return r;
		for (size_t j = 0; j < i; j++)
			if (!strcmp(in[i], in[j]))
				return error_set(err, EINVAL, "%s: '%s' is there twice", field,
						 in[i]);
	}
	for (size_t i = 0; i < n_in; i++)
		(void)snprintf(tag[i], NAME_SIZE, "%s", in[i]);
	*n = (uint32_t)n_in;
	return 0;
}

void switch_format(bool on, char *ret, size_t size)
{
	(void)snprintf(ret, size, "%s", on ? "true" : "false");
}

void tags_format(const char tag[MAX_TAGS][NAME_SIZE], uint32_t n, char *ret, size_t size)
{
	size_t at = 0;

	ret[0] = '\0';
	for (uint32_t i = 0; i < n && at < size; i++)
		at += (size_t)snprintf(ret + at, size - at, "%s%s", i ? "," : "", tag[i]);
}

void tags_parse(char tag[MAX_TAGS][NAME_SIZE], uint32_t *n, const char *text)
{
	*n = 0;
	while (*text && *n < MAX_TAGS) {
		size_t len = strcspn(text, ",");

		(void)snprintf(tag[(*n)++], NAME_SIZE, "%.*s", (int)len, text);
		text += len + (text[len] == ',');
	}
}
