/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of objects that the controller manages, as one table. */
#ifndef CTL_KIND_H
#define CTL_KIND_H

#include "field.h"
#include "mmesh/v1/admin.pb-c.h"

struct kind {
	const char *name;
	const char *plural;
	const char *path; /* in help: "TENANT/NETWORK" */
	unsigned int depth; /* names in a path */
	Mmesh__V1__Object__KindCase code;
	const ProtobufCMessageDescriptor *descriptor;
	const struct field *field;
	size_t n_fields;
	const char *help; /* what it is, a line */
};

extern const struct kind kinds[];
extern const size_t n_kinds;

/* NULL: there is none. */
const struct kind *kind_by_name(const char *name);
const struct kind *kind_of(const Mmesh__V1__Object *object);

/* NULL: there is none, or it lacks one of @flags. */
const struct field *kind_field(const struct kind *kind, const char *word, unsigned int flags);

/* "a, b, c": the words of the fields that have @flags. */
void kind_words(char *ret, size_t size, const struct kind *kind, unsigned int flags);

/*
 * Refuse what cannot be a path of this kind: a name has 1 to 63 lower-case
 * letters, digits and inner '-', and there are kind->depth of them.
 */
int kind_check_path(const struct kind *kind, const char *path, struct error *err);

/*
 * A new object without fields, to be freed with mmesh__v1__object__free_unpacked();
 * NULL when out of memory.
 */
Mmesh__V1__Object *kind_object(const struct kind *kind, const char *path);

/* The part of @object that is its kind's own. */
static inline ProtobufCMessage *kind_message(const Mmesh__V1__Object *object)
{
	/* Whichever it is, the union holds a pointer to it. */
	return (ProtobufCMessage *)object->tenant;
}

#endif
