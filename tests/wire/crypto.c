// SPDX-License-Identifier: Apache-2.0
#include "crypto.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "OpenSSL: %s fails\n", what);
	exit(2);
}

void random_fill(void *dst, size_t len)
{
	need(RAND_bytes(dst, (int)len) == 1, "RAND_bytes");
}

void hash_two(uint8_t dst[HASH], const void *a, size_t a_len, const void *b, size_t b_len)
{
	static EVP_MD_CTX *ctx;
	static EVP_MD *md;

	if (!md) {
		md = EVP_MD_fetch(NULL, "BLAKE2S-256", NULL);
		ctx = EVP_MD_CTX_new();
		need(md && ctx, "BLAKE2S-256");
	}
	need(EVP_DigestInit_ex(ctx, md, NULL) && EVP_DigestUpdate(ctx, a, a_len) &&
	     EVP_DigestUpdate(ctx, b, b_len) && EVP_DigestFinal_ex(ctx, dst, NULL), "digest");
}

/* A MAC of @size bytes by the library's name for it. */
static void mac_of(EVP_MAC_CTX **ctx, const char *name, uint8_t *dst, size_t size,
		   const void *key, size_t key_len, const void *data, size_t len)
{
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
		OSSL_PARAM_construct_end(),
	};
	size_t out;

	if (!*ctx) {
		EVP_MAC *mac = EVP_MAC_fetch(NULL, name, NULL);

		need(mac, name);
		*ctx = EVP_MAC_CTX_new(mac);
		need(*ctx, name);
		EVP_MAC_free(mac);
	}
	need(EVP_MAC_init(*ctx, key, key_len, params) && EVP_MAC_update(*ctx, data, len) &&
	     EVP_MAC_final(*ctx, dst, &out, size) && out == size, name);
}

void keyed_mac(uint8_t dst[MAC], const void *key, size_t key_len, const void *data, size_t len)
{
	static EVP_MAC_CTX *ctx;

	mac_of(&ctx, "BLAKE2SMAC", dst, MAC, key, key_len, data, len);
}

void keyed_hash(uint8_t dst[HASH], const uint8_t key[KEY], const void *data, size_t len)
{
	static EVP_MAC_CTX *ctx;

	mac_of(&ctx, "BLAKE2SMAC", dst, HASH, key, KEY, data, len);
}

void siphash(uint8_t dst[8], const uint8_t key[16], const void *data, size_t len)
{
	static EVP_MAC_CTX *ctx;

	mac_of(&ctx, "SIPHASH", dst, 8, key, 16, data, len);
}

static void hmac(uint8_t dst[HASH], const uint8_t key[HASH], const void *data, size_t len)
{
	uint8_t pad[64], inner[HASH];
	size_t i;

	memset(pad, 0x36, sizeof(pad));
	for (i = 0; i < HASH; i++)
		pad[i] ^= key[i];
	hash_two(inner, pad, sizeof(pad), data, len);
	for (i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	hash_two(dst, pad, sizeof(pad), inner, sizeof(inner));
}

void kdf(uint8_t *first, uint8_t *second, uint8_t *third, const uint8_t chaining_key[HASH],
	 const void *input, size_t len)
{
	uint8_t *const out[] = { first, second, third };
	uint8_t secret[HASH], block[HASH + 1];
	size_t i, have = 0;

	hmac(secret, chaining_key, input, len);
	for (i = 0; i < 3 && out[i]; i++) {
		block[have] = (uint8_t)(i + 1);
		hmac(block, secret, block, have + 1);
		memcpy(out[i], block, HASH);
		have = HASH;
	}
}

void dh_public(uint8_t public[KEY], const uint8_t private[KEY])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private, KEY);
	size_t len = KEY;

	need(key && EVP_PKEY_get_raw_public_key(key, public, &len), "public key");
	EVP_PKEY_free(key);
}

void dh_generate(uint8_t private[KEY], uint8_t public[KEY])
{
	random_fill(private, KEY);
	dh_public(public, private);
}

bool dh(uint8_t shared[KEY], const uint8_t private[KEY], const uint8_t public[KEY])
{
	EVP_PKEY *ours = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private, KEY);
	EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, public, KEY);
	EVP_PKEY_CTX *ctx = ours ? EVP_PKEY_CTX_new(ours, NULL) : NULL;
	size_t len = KEY;
	bool ok;

	need(ours && theirs && ctx && EVP_PKEY_derive_init(ctx) == 1, "X25519");
	ok = EVP_PKEY_derive_set_peer(ctx, theirs) == 1 &&
	     EVP_PKEY_derive(ctx, shared, &len) == 1;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(theirs);
	EVP_PKEY_free(ours);
	return ok;
}

static const EVP_CIPHER *cipher_of(enum suite suite)
{
	static EVP_CIPHER *ciphers[SUITE_COUNT];

	if (!ciphers[0]) {
		ciphers[SUITE_WIREGUARD] = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
		ciphers[SUITE_AES256GCM] = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	}
	need(ciphers[suite], "cipher");
	return ciphers[suite];
}

static EVP_CIPHER_CTX *cipher_ctx(void)
{
	static EVP_CIPHER_CTX *ctx;

	if (!ctx)
		ctx = EVP_CIPHER_CTX_new();
	need(ctx, "cipher context");
	return ctx;
}

/* Noise: little-endian for ChaCha20, big-endian for AES. */
static void put_nonce(enum suite suite, uint8_t dst[12], uint64_t nonce)
{
	int i;

	memset(dst, 0, 12);
	for (i = 0; i < 8; i++)
		dst[4 + i] = (uint8_t)(nonce >> 8 * (suite == SUITE_WIREGUARD ? i : 7 - i));
}

void seal(enum suite suite, uint8_t *dst, const uint8_t key[KEY], uint64_t nonce, const void *ad,
	  size_t ad_len, const void *src, size_t len)
{
	EVP_CIPHER_CTX *ctx = cipher_ctx();
	uint8_t iv[12];
	int n = 0;

	put_nonce(suite, iv, nonce);
	need(EVP_EncryptInit_ex(ctx, cipher_of(suite), NULL, key, iv) &&
	     (!ad_len || EVP_EncryptUpdate(ctx, NULL, &n, ad, (int)ad_len)) &&
	     (!len || EVP_EncryptUpdate(ctx, dst, &n, src, (int)len)) &&
	     EVP_EncryptFinal_ex(ctx, dst + len, &n) &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG, dst + len), "sealing");
}

bool open_sealed(enum suite suite, uint8_t *dst, const uint8_t key[KEY], uint64_t nonce,
		 const void *ad, size_t ad_len, const void *src, size_t len)
{
	EVP_CIPHER_CTX *ctx = cipher_ctx();
	uint8_t iv[12], tag[TAG];
	int n = 0;

	if (len < TAG)
		return false;
	len -= TAG;
	memcpy(tag, (const uint8_t *)src + len, TAG);
	put_nonce(suite, iv, nonce);
	need(EVP_DecryptInit_ex(ctx, cipher_of(suite), NULL, key, iv) &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, tag) &&
	     (!ad_len || EVP_DecryptUpdate(ctx, NULL, &n, ad, (int)ad_len)) &&
	     (!len || EVP_DecryptUpdate(ctx, dst, &n, src, (int)len)), "opening");
	return EVP_DecryptFinal_ex(ctx, dst + len, &n) == 1;
}

static uint32_t rotate(uint32_t v, int n)
{
	return v << n | v >> (32 - n);
}

static void quarter(uint32_t x[16], int a, int b, int c, int d)
{
	x[a] += x[b]; x[d] = rotate(x[d] ^ x[a], 16);
	x[c] += x[d]; x[b] = rotate(x[b] ^ x[c], 12);
	x[a] += x[b]; x[d] = rotate(x[d] ^ x[a], 8);
	x[c] += x[d]; x[b] = rotate(x[b] ^ x[c], 7);
}

/* draft-irtf-cfrg-xchacha, section 2.2: what OpenSSL lacks. */
static void hchacha20(uint8_t dst[KEY], const uint8_t key[KEY], const uint8_t nonce[16])
{
	uint32_t x[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };
	int i, j;

	for (i = 0; i < 12; i++) {
		const uint8_t *p = i < 8 ? key + 4 * i : nonce + 4 * (i - 8);

		x[4 + i] = p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
	}
	for (i = 0; i < 10; i++) {
		for (j = 0; j < 4; j++)
			quarter(x, j, 4 + j, 8 + j, 12 + j);
		for (j = 0; j < 4; j++)
			quarter(x, j, 4 + (j + 1) % 4, 8 + (j + 2) % 4, 12 + (j + 3) % 4);
	}
	for (i = 0; i < 8; i++)
		for (j = 0; j < 4; j++)
			dst[4 * i + j] = (uint8_t)(x[i < 4 ? i : 8 + i] >> 8 * j);
}

/* The rest of the nonce is that of the inner ChaCha20-Poly1305. */
static uint64_t xnonce_tail(const uint8_t nonce[XNONCE])
{
	uint64_t tail = 0;
	int i;

	for (i = 7; i >= 0; i--)
		tail = tail << 8 | nonce[16 + i];
	return tail;
}

void xseal(uint8_t *dst, const uint8_t key[KEY], const uint8_t nonce[XNONCE], const void *ad,
	   size_t ad_len, const void *src, size_t len)
{
	uint8_t sub[KEY];

	hchacha20(sub, key, nonce);
	seal(SUITE_WIREGUARD, dst, sub, xnonce_tail(nonce), ad, ad_len, src, len);
}

bool xopen(uint8_t *dst, const uint8_t key[KEY], const uint8_t nonce[XNONCE], const void *ad,
	   size_t ad_len, const void *src, size_t len)
{
	uint8_t sub[KEY];

	hchacha20(sub, key, nonce);
	return open_sealed(SUITE_WIREGUARD, dst, sub, xnonce_tail(nonce), ad, ad_len, src, len);
}
