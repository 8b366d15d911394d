/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kinds of objects: how each is stored, which fields it takes, what its changes
 * bring about. Everything that differs between kinds is in a struct kind_ops;
 * manage.h has what is the same for all.
 */
#ifndef CONTROLLER_KIND_H
#define CONTROLLER_KIND_H

#include "change.h"
#include "mmesh/v1/admin.pb-c.h"

enum { FIELD_TEXT_SIZE = 4096 };

typedef Mmesh__V1__Object message_object;

/* A field that people set. */
struct field {
	const char *name;
	/*
	 * Take what the message says; -EINVAL names field and reason. What is
	 * empty means "choose" on creation, and "as it is" later, where a kind says so.
	 */
	int (*take)(struct change *c, struct object *o, const message_object *in,
		    struct error *err);
	/* For diffs; equal texts are equal values. */
	void (*format)(const struct object *o, char *ret, size_t size);
};

struct kind_ops {
	const char *name; /* "network" */
	const char *article;
	unsigned int depth; /* parts of a path */
	enum kind parent;   /* KINDS: none */
	unsigned int limit; /* of them in a parent; 0: something else bounds them */
	Mmesh__V1__Object__KindCase message;

	/* Rows in read()'s order: ?1 id; ?1 parent and ?2 name; ?1 parent, ?2 name before, ?3 limit. */
	const char *by_id, *by_name, *list, *count;
	int (*read)(struct store *s, struct query *q, struct object *ret, struct error *err);

	const struct field *field;
	size_t fields;

	/* Complete and check @o before it is stored; @old is NULL when it is new. */
	int (*prepare)(struct change *c, struct object *o, const struct object *old,
		       const char *path, struct error *err);
	int (*insert)(struct change *c, const struct object *o, struct error *err);
	int (*update)(struct change *c, const struct object *o, struct error *err);
	/* Signed records of what was stored; @old as above. May be NULL. */
	int (*records)(struct change *c, const struct object *o, const struct object *old,
		       struct error *err);
	/* Its children went before. */
	int (*remove)(struct change *c, const struct object *o, struct error *err);
	/* Fill in the message's part of this kind. */
	int (*show)(struct model *m, const struct object *o, message_object *out,
		    struct error *err);
};

extern const struct kind_ops tenant_ops, zone_ops, network_ops, subnet_ops, node_ops, token_ops;

const struct kind_ops *kind_ops(enum kind kind);
const char *kind_name(enum kind kind);
/* By name; -EINVAL. */
int kind_parse(enum kind *ret, const char *name, struct error *err);

/* 1 when there is one, 0 when not. */
int object_by_id(struct store *s, enum kind kind, const char *id, struct object *ret,
		 struct error *err);
int object_by_name(struct store *s, enum kind kind, const char *parent, const char *name,
		   struct object *ret, struct error *err);
/* By its whole path; -ENOENT names the part that is missing. */
int object_find(struct store *s, enum kind kind, const struct path *path, struct object *ret,
		struct error *err);
int object_path(struct store *s, const struct object *o, char ret[PATH_SIZE], struct error *err);

/* -- what kinds use of each other ------------------------------------------------------------------- */

/* A string for a message, and one more for a repeated field; -ENOMEM. */
int message_string(char **ret, const char *text, struct error *err);
int message_strings_add(char ***list, size_t *n, const char *text, struct error *err);

/* A switch as changes of it are shown. */
void switch_format(bool on, char *ret, size_t size);

/* Tags: labels, at most MAX_TAGS; "a,b". */
int tags_take(const char *field, char tag[MAX_TAGS][NAME_SIZE], uint32_t *n, char *const *in,
	      size_t n_in, struct error *err);
void tags_format(const char tag[MAX_TAGS][NAME_SIZE], uint32_t n, char *ret, size_t size);
void tags_parse(char tag[MAX_TAGS][NAME_SIZE], uint32_t *n, const char *text);

/* Rows of networks and subnets that are known to be there. */
int network_of_subnet(struct store *s, const char *subnet, struct object *ret_subnet,
		      struct object *ret_network, struct error *err);

#endif
