/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The two suites' ciphers. No protocol here: keys, nonces and buffers only.
 * All buffers are linear. Data-path calls need BH disabled.
 */
#ifndef MMESH_CRYPT_H
#define MMESH_CRYPT_H

#include <linux/mmesh.h>
#include <linux/types.h>

#include "wire.h"

/* One direction of a keypair. @id never repeats, so a CPU can tell whether
 * its expanded key is still this one.
 */
struct mmesh_crypt_key {
	u8 key[MMESH_KEY_LEN];
	u64 id;
	u8 suite;	/* enum mmesh_suite */
};

int mmesh_crypt_init(void);
void mmesh_crypt_exit(void);

/* Give @key a fresh id; @raw is copied. */
void mmesh_crypt_key_init(struct mmesh_crypt_key *key, u8 suite,
			  const u8 raw[MMESH_KEY_LEN]);

/* Name of the implementation behind a suite, and whether it is a slow one. */
const char *mmesh_crypt_driver(u8 suite);
bool mmesh_crypt_slow(u8 suite);
/* False: this kernel lacks the cipher, peers of that suite are refused. */
bool mmesh_crypt_available(u8 suite);

/* Encrypt @len bytes in place at @buf, tag to @buf + @len. Context: BH off. */
int mmesh_crypt_seal(const struct mmesh_crypt_key *key, u8 *buf, size_t len,
		     u64 nonce);

/* Decrypt @len bytes (tag included) from @src to @dst, which don't overlap.
 * @dst takes @len - 16 bytes and is not to be used when this fails: it may
 * have been written (aes256gcm). Returns 0 or -EBADMSG. Context: BH off.
 */
int mmesh_crypt_open(const struct mmesh_crypt_key *key, u8 *dst, const u8 *src,
		     size_t len, u64 nonce);

/* The handshake's AEAD (Noise ENCRYPT/DECRYPT, WireGuard's Aead()): @dst and
 * @src may be the same. Context: process; sleeps.
 */
int mmesh_aead_encrypt(u8 suite, u8 *dst, const u8 *src, size_t len,
		       const u8 *ad, size_t ad_len, u64 nonce,
		       const u8 key[MMESH_KEY_LEN]);
int mmesh_aead_decrypt(u8 suite, u8 *dst, const u8 *src, size_t len,
		       const u8 *ad, size_t ad_len, u64 nonce,
		       const u8 key[MMESH_KEY_LEN]);

#endif
