// SPDX-License-Identifier: Apache-2.0
#include "unlock.h"

#include <errno.h>
#include <string.h>

#include <openssl/evp.h>

#include "file.h"
#include "id.h"
#include "openssl.h"

/* Version, log2 of scrypt's N, salt, nonce; then the ciphertext and its tag. */
enum {
	VERSION = 1,
	SALT_LEN = 16,
	NONCE_LEN = 12,
	TAG_LEN = 16,
	HEAD_LEN = 2 + SALT_LEN + NONCE_LEN,
	KEY_LEN = 32,
	/* scrypt takes 128 * R * N bytes: 32 MiB, and up to 128 MiB for what other versions wrote. */
	LOG_N = 15,
	LOG_N_MAX = 17,
	SCRYPT_R = 8,
	SCRYPT_P = 1,
	DATA_MAX = 65536,
	PASSPHRASE_MAX = 1024,
};

struct trust_unlock {
	size_t len;
	char passphrase[PASSPHRASE_MAX + 1];
};

static int create(const char *path, struct error *err)
{
	uint8_t random[KEY_LEN];
	char text[2 * KEY_LEN + 2];
	int r = trust_random(random, sizeof(random), err);

	if (r)
		return r;
	trust_hex_format(text, random, sizeof(random));
	text[2 * KEY_LEN] = '\n';
	r = file_write(path, text, 2 * KEY_LEN + 1, 0600, err);
	explicit_bzero(random, sizeof(random));
	explicit_bzero(text, sizeof(text));
	return r;
}

int trust_unlock_open(struct trust_unlock **ret, const char *path, bool may_create,
		      struct error *err)
{
	struct trust_unlock *unlock;
	uint8_t *text = NULL;
	size_t len = 0;
	int r;

	*ret = NULL;
	r = file_check_secret(path, err);
	if (r == -ENOENT && may_create)
		r = create(path, err);
	if (r)
		return r;
	r = file_read(&text, &len, path, PASSPHRASE_MAX, err);
	if (r)
		return r;
	unlock = calloc(1, sizeof(*unlock));
	if (unlock) {
		unlock->len = strcspn((char *)text, "\r\n");
		memcpy(unlock->passphrase, text, unlock->len);
	}
	explicit_bzero(text, len);
	free(text);
	if (!unlock)
		return error_oom(err);
	if (!unlock->len) {
		trust_unlock_free(unlock);
		return error_set(err, EINVAL, "%s: the passphrase is empty", path);
	}
	*ret = unlock;
	return 0;
}

struct trust_unlock *trust_unlock_free(struct trust_unlock *unlock)
{
	if (unlock) {
		explicit_bzero(unlock, sizeof(*unlock));
		free(unlock);
	}
	return NULL;
}

static int derive(uint8_t ret[KEY_LEN], const struct trust_unlock *unlock, const uint8_t *head,
		  struct error *err)
{
	uint64_t n = 1ULL << head[1];

	if (EVP_PBE_scrypt(unlock->passphrase, unlock->len, head + 2, SALT_LEN, n, SCRYPT_R, SCRYPT_P,
			   128 * SCRYPT_R * (n + 2 * SCRYPT_P + 4), ret, KEY_LEN) != 1)
		return trust_openssl_error(err, ENOMEM, "scrypt");
	return 0;
}

/* The head and the label are authenticated. */
static bool begin(EVP_CIPHER_CTX *ctx, const uint8_t *key, const uint8_t *head, const char *label,
		  int encrypt)
{
	int n;

	return EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, head + 2 + SALT_LEN, encrypt) == 1 &&
	       EVP_CipherUpdate(ctx, NULL, &n, head, HEAD_LEN) == 1 &&
	       EVP_CipherUpdate(ctx, NULL, &n, (const uint8_t *)label, (int)strlen(label)) == 1;
}

static bool encrypt_body(uint8_t *out, const uint8_t *key, const char *label, const void *data,
			 size_t len)
{
	_cleanup_(evp_cipher_ctx_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	return ctx && begin(ctx, key, out, label, 1) &&
	       EVP_CipherUpdate(ctx, out + HEAD_LEN, &n, data, (int)len) == 1 &&
	       EVP_CipherFinal_ex(ctx, out + HEAD_LEN + n, &n) == 1 &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_LEN, out + HEAD_LEN + len) == 1;
}

static bool decrypt_body(uint8_t *out, const uint8_t *key, const char *label,
			 const uint8_t *sealed, size_t len)
{
	_cleanup_(evp_cipher_ctx_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t tag[TAG_LEN];
	int n;

	memcpy(tag, sealed + HEAD_LEN + len, TAG_LEN);
	return ctx && begin(ctx, key, sealed, label, 0) &&
	       EVP_CipherUpdate(ctx, out, &n, sealed + HEAD_LEN, (int)len) == 1 &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_LEN, tag) == 1 &&
	       EVP_CipherFinal_ex(ctx, out + n, &n) == 1;
}

int trust_seal(uint8_t **ret, size_t *ret_len, const struct trust_unlock *unlock,
	       const char *label, const void *data, size_t len, struct error *err)
{
	_cleanup_free_ uint8_t *out = NULL;
	uint8_t key[KEY_LEN];
	int r;

	*ret = NULL;
	if (!len || len > DATA_MAX)
		return error_set(err, EINVAL, "%zu bytes to encrypt, not 1 to %d", len, DATA_MAX);
	out = malloc(HEAD_LEN + len + TAG_LEN);
	if (!out)
		return error_oom(err);
	out[0] = VERSION;
	out[1] = LOG_N;
	r = trust_random(out + 2, SALT_LEN + NONCE_LEN, err);
	if (!r)
		r = derive(key, unlock, out, err);
	if (r)
		return r;
	if (!encrypt_body(out, key, label, data, len))
		r = trust_openssl_error(err, EIO, "encryption");
	explicit_bzero(key, sizeof(key));
	if (r)
		return r;
	*ret_len = HEAD_LEN + len + TAG_LEN;
	*ret = TAKE_PTR(out);
	return 0;
}

int trust_unseal(uint8_t **ret, size_t *ret_len, const struct trust_unlock *unlock,
		 const char *label, const uint8_t *sealed, size_t len, struct error *err)
{
	uint8_t key[KEY_LEN];
	uint8_t *out;
	int r;

	*ret = NULL;
	if (len <= HEAD_LEN + TAG_LEN || len > HEAD_LEN + DATA_MAX + TAG_LEN)
		return error_set(err, EKEYREJECTED, "encrypted text: %zu bytes can't be one", len);
	if (sealed[0] != VERSION || sealed[1] < 10 || sealed[1] > LOG_N_MAX)
		return error_set(err, EKEYREJECTED, "encrypted text: of no known version");
	len -= HEAD_LEN + TAG_LEN;
	out = calloc(1, len + 1);
	if (!out)
		return error_oom(err);
	r = derive(key, unlock, sealed, err);
	if (!r && !decrypt_body(out, key, label, sealed, len)) {
		ERR_clear_error();
		r = error_set(err, EKEYREJECTED, "wrong passphrase, or the file was changed");
	}
	explicit_bzero(key, sizeof(key));
	if (r) {
		explicit_bzero(out, len);
		free(out);
		return r;
	}
	*ret = out;
	*ret_len = len;
	return 0;
}
