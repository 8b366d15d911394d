/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What private keys at rest are encrypted with: a passphrase file, or a file of
 * random bytes in its place, that may be kept elsewhere. Each sealed text has a
 * salt of its own: AES-256-GCM under scrypt(passphrase, salt).
 */
#ifndef LIBTRUST_UNLOCK_H
#define LIBTRUST_UNLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct trust_unlock;

/*
 * Read @path: its first line is the passphrase. With @create, and when there is
 * no such file, one with 256 random bits is made (0600). Refuses an empty
 * passphrase (-EINVAL), and a file that others can read (-EPERM).
 */
int trust_unlock_open(struct trust_unlock **ret, const char *path, bool create, struct error *err);

/* Wipes; @unlock may be NULL; always NULL. */
struct trust_unlock *trust_unlock_free(struct trust_unlock *unlock);

static inline void trust_unlock_freep(struct trust_unlock **unlock)
{
	*unlock = trust_unlock_free(*unlock);
}

/*
 * Encrypt and authenticate @len bytes (at most 64 KiB), bound to @label. *@ret is the
 * caller's to free; open() wipes nothing, its result is a secret.
 */
int trust_seal(uint8_t **ret, size_t *ret_len, const struct trust_unlock *unlock,
	       const char *label, const void *data, size_t len, struct error *err);

/* The reverse; -EKEYREJECTED for a wrong passphrase, label or a changed text. */
int trust_unseal(uint8_t **ret, size_t *ret_len, const struct trust_unlock *unlock,
		 const char *label, const uint8_t *sealed, size_t len, struct error *err);

#endif
