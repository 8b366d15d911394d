/* SPDX-License-Identifier: Apache-2.0 */
/* Random ids of objects (128 bits, 32 hexadecimal digits), and bytes in text. */
#ifndef LIBTRUST_ID_H
#define LIBTRUST_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum {
	TRUST_ID_LEN = 16,
	TRUST_ID_SIZE = 2 * TRUST_ID_LEN + 1,
};

int trust_random(void *ret, size_t len, struct error *err);
int trust_random_id(char ret[TRUST_ID_SIZE], struct error *err);

/* 32 lower-case hexadecimal digits. */
bool trust_id_is_valid(const char *text);

/* @ret has room for 2 * @len + 1. */
void trust_hex_format(char *ret, const uint8_t *bytes, size_t len);
/* Exactly 2 * @len digits, of either case. */
bool trust_hex_parse(uint8_t *ret, size_t len, const char *text);

#endif
