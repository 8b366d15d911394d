/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WireGuard's primitives on OpenSSL, so that nothing here shares code with the
 * kernel's. A failure of the library ends the program.
 */
#ifndef WIRE_CRYPTO_H
#define WIRE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KEY = 32, HASH = 32, TAG = 16, MAC = 16, XNONCE = 24 };

enum suite { SUITE_WIREGUARD, SUITE_AES256GCM, SUITE_COUNT };

/* BLAKE2s-256 of @a followed by @b; @dst may be one of them. */
void hash_two(uint8_t dst[HASH], const void *a, size_t a_len, const void *b, size_t b_len);
/* BLAKE2s with a key and a digest of 16 bytes. */
void keyed_mac(uint8_t dst[MAC], const void *key, size_t key_len, const void *data, size_t len);
/* BLAKE2s-256 with a key. */
void keyed_hash(uint8_t dst[HASH], const uint8_t key[KEY], const void *data, size_t len);
/* SipHash-2-4, as it stands in a message. */
void siphash(uint8_t dst[8], const uint8_t key[16], const void *data, size_t len);
/* HKDF over HMAC-BLAKE2s; outputs that aren't wanted are NULL, from the last.
 * They may overwrite @chaining_key.
 */
void kdf(uint8_t *first, uint8_t *second, uint8_t *third, const uint8_t chaining_key[HASH],
	 const void *input, size_t len);

void dh_generate(uint8_t private[KEY], uint8_t public[KEY]);
void dh_public(uint8_t public[KEY], const uint8_t private[KEY]);
/* False: a point of low order. */
bool dh(uint8_t shared[KEY], const uint8_t private[KEY], const uint8_t public[KEY]);

/* The suite's AEAD; @dst takes @len + TAG bytes. */
void seal(enum suite suite, uint8_t *dst, const uint8_t key[KEY], uint64_t nonce, const void *ad,
	  size_t ad_len, const void *src, size_t len);
/* @len counts the tag. False: it isn't authentic. */
bool open_sealed(enum suite suite, uint8_t *dst, const uint8_t key[KEY], uint64_t nonce,
		 const void *ad, size_t ad_len, const void *src, size_t len);

/* XChaCha20-Poly1305. */
void xseal(uint8_t *dst, const uint8_t key[KEY], const uint8_t nonce[XNONCE], const void *ad,
	   size_t ad_len, const void *src, size_t len);
bool xopen(uint8_t *dst, const uint8_t key[KEY], const uint8_t nonce[XNONCE], const void *ad,
	   size_t ad_len, const void *src, size_t len);

void random_fill(void *dst, size_t len);

#endif
