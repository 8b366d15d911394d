/* SPDX-License-Identifier: Apache-2.0 */
/* What people do with objects, whatever their kind: put, delete, list, and sets of changes. */
#ifndef CONTROLLER_MANAGE_H
#define CONTROLLER_MANAGE_H

#include "kind.h"

enum { MANAGE_PAGE = 200, MANAGE_APPLY_MAX = 100000 };

struct put_options {
	bool create; /* it must not exist */
	bool update; /* it must exist */
	char *const *field; /* of what exists, only these */
	size_t fields;
};

struct put_result {
	struct object object;
	bool created;
	bool changed;
	char path[PATH_SIZE];
	char *secret;  /* of a new token: the caller wipes and frees it */
	char **diff;   /* "NAME: OLD -> NEW" */
	size_t diffs;
};

void put_result_free(struct put_result *r);

/* The kind of a message's object; -EINVAL when it has none, or fields that nobody knows. */
int manage_kind(const message_object *in, enum kind *ret, struct error *err);

/* In the caller's change. -EEXIST, -ENOENT, -ESTALE (another revision), -EINVAL, -EDQUOT. */
int manage_put(struct change *c, const message_object *in, const struct put_options *options,
	       struct put_result *ret, struct error *err);

/* A node that joins: complete but for addresses; @path is its own. */
int manage_create(struct change *c, struct object *o, const char *path, struct error *err);
/* What changed of a stored object, written with its records. @old as it is stored. */
int manage_update(struct change *c, struct object *o, const struct object *old, const char *path,
		  struct error *err);

/*
 * Delete; with @recursive what is below it, too. *@ret_paths (may be NULL) gets
 * what went, children first: the caller frees.
 */
int manage_delete(struct change *c, enum kind kind, const char *path, uint64_t revision,
		  bool recursive, char ***ret_paths, size_t *ret_n, struct error *err);

/* Call @fn for each object of @kind (KINDS: any) at or below @under, parents first, until it returns something. */
typedef int (*manage_fn)(void *arg, const struct object *o, const char *path, struct error *err);
int manage_walk(struct model *m, enum kind kind, const char *under, manage_fn fn, void *arg,
		struct error *err);

/* An object as a message; freed with mmesh__v1__object__free_unpacked(). */
int manage_show(struct model *m, const struct object *o, const char *path, message_object **ret,
		struct error *err);

#endif
