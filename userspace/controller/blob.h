/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes with an owner. blob_free() takes one that is all zero, too. */
#ifndef CONTROLLER_BLOB_H
#define CONTROLLER_BLOB_H

#include <stdint.h>
#include <string.h>

#include "cleanup.h"
#include "error.h"

struct blob {
	uint8_t *data;
	size_t len;
};

static inline void blob_free(struct blob *b)
{
	free(b->data);
	*b = (struct blob){ 0 };
}

/* A copy of @len bytes; @ret owned by the caller. */
static inline int blob_copy(struct blob *ret, const void *data, size_t len, struct error *err)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		return error_oom(err);
	if (len)
		memcpy(copy, data, len);
	*ret = (struct blob){ .data = copy, .len = len };
	return 0;
}

#define _cleanup_blob_ _cleanup_(blob_free)

#endif
