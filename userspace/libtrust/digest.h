/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digest in a head: SHA-256 over "OBJECT SEQUENCE\n" of all living objects
 * of a stream, sorted by id. Both ends compute it by these functions.
 */
#ifndef LIBTRUST_DIGEST_H
#define LIBTRUST_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum { TRUST_DIGEST_LEN = 32 };

struct trust_digest_item {
	const char *object;
	uint64_t sequence;
};

/* Sorts @items in place. */
int trust_digest(uint8_t ret[TRUST_DIGEST_LEN], struct trust_digest_item *items, size_t n,
		 struct error *err);

#endif
