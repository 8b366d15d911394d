/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Curve25519 and preshared keys: 32 bytes, in text 44 characters of base64.
 * Whoever holds a secret one wipes it with explicit_bzero() after use.
 */
#ifndef LIB_KEY_H
#define LIB_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

enum {
	KEY_LEN = 32,
	KEY_TEXT_LEN = 44,
	KEY_TEXT_SIZE = KEY_TEXT_LEN + 1,
};

/*
 * Base64 to bytes, in time that does not depend on the key. Exactly 44
 * characters, the last one '='. On failure (-EINVAL) @ret_key is all zero and
 * @err says what is wrong, without repeating the text, which may be a secret.
 */
int key_parse(uint8_t ret_key[KEY_LEN], const char *text, struct error *err);

/* Bytes to base64, likewise; always terminated. */
void key_format(char ret_text[KEY_TEXT_SIZE], const uint8_t key[KEY_LEN]);

/*
 * Read a key from a file; "-" and "/dev/stdin" mean standard input. An empty
 * file gives the zero key, which stands for "none" as in wg(8). White space may
 * follow the key and nothing else. *@ret_exposed (may be NULL) becomes true when
 * a regular file can be read by its group or by others. Returns 0, -EINVAL, or
 * the system's error.
 */
int key_read_file(uint8_t ret_key[KEY_LEN], const char *path, bool *ret_exposed,
		  struct error *err);

/* True for what key_read_file() reads from standard input. */
bool key_path_is_stdin(const char *path);

/* 32 random bytes from the kernel. */
int key_generate_psk(uint8_t ret_key[KEY_LEN], struct error *err);

/* A random private key, clamped as Curve25519 wants it. */
int key_generate_private(uint8_t ret_key[KEY_LEN], struct error *err);

/* The public key that belongs to @private_key (clamped on the way). */
int key_public(uint8_t ret_public[KEY_LEN], const uint8_t private_key[KEY_LEN], struct error *err);

bool key_is_zero(const uint8_t key[KEY_LEN]);

#endif
