/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signature keys: ECDSA on P-256 with SHA-256 (TLS identities, endpoints) and
 * Ed25519 (roots, controllers, tokens). A key is known by its id: the first 16
 * bytes of the SHA-256 of its SubjectPublicKeyInfo.
 *
 * A struct trust_key never changes after it was made, so threads may share it;
 * references are counted. Private halves are wiped with the last reference.
 * Functions return 0 or a negative errno with a sentence in @err, unless they
 * say otherwise, and leave *@ret NULL on errors.
 */
#ifndef LIBTRUST_TRUST_KEY_H
#define LIBTRUST_TRUST_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "error.h"

enum {
	TRUST_KEY_ID_LEN = 16,
	TRUST_KEY_ID_TEXT_SIZE = 2 * TRUST_KEY_ID_LEN + 1,
	TRUST_FINGERPRINT_LEN = 32,
	TRUST_SEED_LEN = 32,
	/* Longest encodings: a P-256 key in SubjectPublicKeyInfo has 91 bytes, its signature 72. */
	TRUST_SPKI_MAX = 128,
	TRUST_SIGNATURE_MAX = 80,
};

enum trust_key_type {
	TRUST_KEY_P256,
	TRUST_KEY_ED25519,
};

struct trust_key;
struct trust_unlock;

int trust_key_generate(struct trust_key **ret, enum trust_key_type type, struct error *err);

/* The Ed25519 key of a 32-byte seed (RFC 8032's private key), as tokens carry it. */
int trust_key_from_seed(struct trust_key **ret, const uint8_t seed[TRUST_SEED_LEN],
			struct error *err);

/* A public key from its DER; -EBADMSG when it is of neither type, on no curve, or has a tail. */
int trust_key_from_spki(struct trust_key **ret, const uint8_t *der, size_t len, struct error *err);

/* A key of OpenSSL's, whose reference is taken on success only; either type. */
int trust_key_from_evp(struct trust_key **ret, EVP_PKEY *pkey, bool is_private, struct error *err);

/* The public half alone. */
int trust_key_public(struct trust_key **ret, const struct trust_key *key, struct error *err);

struct trust_key *trust_key_ref(const struct trust_key *key);
/* Always NULL; @key may be NULL. */
struct trust_key *trust_key_unref(struct trust_key *key);

static inline void trust_key_unrefp(struct trust_key **key)
{
	*key = trust_key_unref(*key);
}

enum trust_key_type trust_key_type(const struct trust_key *key);
bool trust_key_is_private(const struct trust_key *key);
bool trust_key_equal(const struct trust_key *a, const struct trust_key *b);

/* These live as long as @key. */
const uint8_t *trust_key_id(const struct trust_key *key);
const uint8_t *trust_key_fingerprint(const struct trust_key *key);
const uint8_t *trust_key_spki(const struct trust_key *key, size_t *ret_len);
EVP_PKEY *trust_key_evp(const struct trust_key *key);

/* *@ret_len gets the signature's length. -EINVAL for a public key. */
int trust_key_sign(const struct trust_key *key, const void *data, size_t len,
		   uint8_t ret_signature[TRUST_SIGNATURE_MAX], size_t *ret_len, struct error *err);

/* 0, or -EBADMSG when the signature is not this key's over these bytes. */
int trust_key_verify(const struct trust_key *key, const void *data, size_t len,
		     const uint8_t *signature, size_t signature_len, struct error *err);

/*
 * Private keys in files, PEM, mode 0600, replaced atomically. With @unlock
 * encrypted (see unlock.h), @label being what the key is for ("ca"): a file
 * that was put in another's place does not open. Without it, PKCS #8 in plain.
 * trust_key_load() refuses a file that others can read (-EPERM), a plain file
 * when @unlock is given and the reverse (-EINVAL), and a wrong passphrase
 * (-EKEYREJECTED). -ENOENT when there is no file.
 */
int trust_key_save(const struct trust_key *key, const char *path, const char *label,
		   const struct trust_unlock *unlock, struct error *err);
int trust_key_load(struct trust_key **ret, const char *path, const char *label,
		   const struct trust_unlock *unlock, struct error *err);

/* Public halves, PEM, 0644. */
int trust_key_save_public(const struct trust_key *key, const char *path, struct error *err);
int trust_key_load_public(struct trust_key **ret, const char *path, struct error *err);

#endif
