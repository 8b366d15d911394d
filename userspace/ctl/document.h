/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects in files, as "mmesh apply" reads and "mmesh export" writes them. YAML, and
 * so JSON; an object is a mapping whose one key that is a kind has its path:
 *
 *	network: acme/prod
 *	prefix: 10.20.0.0/16
 *	routed-subnets: on
 *
 * A file has any number of documents; each is one object, a list of them, or a
 * mapping with such a list under "objects".
 */
#ifndef CTL_DOCUMENT_H
#define CTL_DOCUMENT_H

#include "kind.h"

struct documents {
	Mmesh__V1__Object **object;
	unsigned int *line; /* where each begins, from 1 */
	size_t count, room;
	unsigned int errors;
};

/*
 * Read all of @text, reporting each mistake as "NAME:LINE: FIELD: reason" to @say.
 * Returns 0 when there was none; -EINVAL, or -ENOMEM. The objects are in the order in
 * which they can be made: what is above before what is below.
 */
int documents_read(struct documents *ret, const char *name, const char *text, size_t len,
		   int64_t now, void (*say)(void *arg, const char *mistake), void *arg);
void documents_clear(struct documents *documents);

/* One object as a YAML document, without what only comes back. */
void document_write(FILE *out, const Mmesh__V1__Object *object);

/* The fields that say what an object should be. */
bool document_has(const struct field *field, const Mmesh__V1__Object *object);

#endif
