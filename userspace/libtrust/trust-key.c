// SPDX-License-Identifier: Apache-2.0
#include "trust-key.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>

#include "file.h"
#include "openssl.h"
#include "unlock.h"

#define SEALED_NAME "MMESH SEALED KEY"

enum { KEY_FILE_MAX = 16384 };

struct trust_key {
	atomic_uint refs;
	enum trust_key_type type;
	bool is_private;
	EVP_PKEY *pkey;
	uint8_t fingerprint[TRUST_FINGERPRINT_LEN];
	uint8_t spki[TRUST_SPKI_MAX];
	size_t spki_len;
};

/* -- made and dropped ------------------------------------------------------------------------- */

static int type_of(EVP_PKEY *pkey, enum trust_key_type *ret)
{
	char group[32];

	if (EVP_PKEY_is_a(pkey, "ED25519")) {
		*ret = TRUST_KEY_ED25519;
		return 0;
	}
	if (EVP_PKEY_is_a(pkey, "EC") &&
	    EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group),
					   NULL) == 1 &&
	    !strcmp(group, SN_X9_62_prime256v1)) {
		*ret = TRUST_KEY_P256;
		return 0;
	}
	ERR_clear_error();
	return -EBADMSG;
}

static int encode_spki(struct trust_key *key)
{
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(key->pkey, &der);

	if (len <= 0 || len > TRUST_SPKI_MAX) {
		OPENSSL_free(der);
		return -EBADMSG;
	}
	memcpy(key->spki, der, len);
	key->spki_len = len;
	OPENSSL_free(der);
	if (EVP_Digest(key->spki, key->spki_len, key->fingerprint, NULL, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	return 0;
}

int trust_key_from_evp(struct trust_key **ret, EVP_PKEY *pkey, bool is_private, struct error *err)
{
	_cleanup_free_ struct trust_key *key = calloc(1, sizeof(*key));
	int r;

	*ret = NULL;
	if (!key)
		return error_oom(err);
	key->refs = 1;
	key->is_private = is_private;
	key->pkey = pkey;
	r = type_of(pkey, &key->type);
	if (r)
		return error_set(err, EBADMSG, "neither a P-256 nor an Ed25519 key");
	r = encode_spki(key);
	if (r)
		return trust_openssl_error(err, -r, "public key");
	*ret = TAKE_PTR(key);
	return 0;
}

int trust_key_generate(struct trust_key **ret, enum trust_key_type type, struct error *err)
{
	_cleanup_(evp_pkey_freep) EVP_PKEY *pkey = NULL;
	int r;

	*ret = NULL;
	pkey = type == TRUST_KEY_P256 ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256") :
					EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (!pkey)
		return trust_openssl_error(err, EIO, "new key");
	r = trust_key_from_evp(ret, pkey, true, err);
	if (!r)
		pkey = NULL;
	return r;
}

int trust_key_from_seed(struct trust_key **ret, const uint8_t seed[TRUST_SEED_LEN],
			struct error *err)
{
	_cleanup_(evp_pkey_freep) EVP_PKEY *pkey = NULL;
	int r;

	*ret = NULL;
	pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, TRUST_SEED_LEN);
	if (!pkey)
		return trust_openssl_error(err, EINVAL, "Ed25519 key");
	r = trust_key_from_evp(ret, pkey, true, err);
	if (!r)
		pkey = NULL;
	return r;
}

int trust_key_from_spki(struct trust_key **ret, const uint8_t *der, size_t len, struct error *err)
{
	_cleanup_(trust_key_unrefp) struct trust_key *key = NULL;
	_cleanup_(evp_pkey_freep) EVP_PKEY *pkey = NULL;
	const uint8_t *at = der;
	int r;

	*ret = NULL;
	if (!len || len > TRUST_SPKI_MAX)
		return error_set(err, EBADMSG, "public key: %zu bytes, not 1 to %d", len,
				 TRUST_SPKI_MAX);
	pkey = d2i_PUBKEY(NULL, &at, len);
	if (!pkey)
		return trust_openssl_error(err, EBADMSG, "public key");
	r = trust_key_from_evp(&key, pkey, false, err);
	if (r)
		return error_prefix(err, r, "public key: ");
	pkey = NULL;
	/* One key, one encoding: a key's id must not depend on how somebody wrote it down. */
	if (key->spki_len != len || memcmp(key->spki, der, len))
		return error_set(err, EBADMSG, "public key: not in its one encoding");
	*ret = TAKE_PTR(key);
	return 0;
}

int trust_key_public(struct trust_key **ret, const struct trust_key *key, struct error *err)
{
	return trust_key_from_spki(ret, key->spki, key->spki_len, err);
}

struct trust_key *trust_key_ref(const struct trust_key *key)
{
	struct trust_key *counted = (struct trust_key *)key;

	atomic_fetch_add_explicit(&counted->refs, 1, memory_order_relaxed);
	return counted;
}

struct trust_key *trust_key_unref(struct trust_key *key)
{
	if (key && atomic_fetch_sub_explicit(&key->refs, 1, memory_order_acq_rel) == 1) {
		/* Wipes the private half. */
		EVP_PKEY_free(key->pkey);
		free(key);
	}
	return NULL;
}

enum trust_key_type trust_key_type(const struct trust_key *key)
{
	return key->type;
}

bool trust_key_is_private(const struct trust_key *key)
{
	return key->is_private;
}

bool trust_key_equal(const struct trust_key *a, const struct trust_key *b)
{
	return !memcmp(a->fingerprint, b->fingerprint, sizeof(a->fingerprint));
}

const uint8_t *trust_key_id(const struct trust_key *key)
{
	return key->fingerprint;
}

const uint8_t *trust_key_fingerprint(const struct trust_key *key)
{
	return key->fingerprint;
}

const uint8_t *trust_key_spki(const struct trust_key *key, size_t *ret_len)
{
	*ret_len = key->spki_len;
	return key->spki;
}

EVP_PKEY *trust_key_evp(const struct trust_key *key)
{
	return key->pkey;
}

/* -- signatures ------------------------------------------------------------------------------- */

static const EVP_MD *digest_of(const struct trust_key *key)
{
	/* Ed25519 brings its own. */
	return key->type == TRUST_KEY_P256 ? EVP_sha256() : NULL;
}

int trust_key_sign(const struct trust_key *key, const void *data, size_t len,
		   uint8_t ret_signature[TRUST_SIGNATURE_MAX], size_t *ret_len, struct error *err)
{
	_cleanup_(evp_md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (!key->is_private)
		return error_set(err, EINVAL, "signing takes a private key");
	if (!ctx)
		return error_oom(err);
	*ret_len = TRUST_SIGNATURE_MAX;
	if (EVP_DigestSignInit(ctx, NULL, digest_of(key), NULL, key->pkey) != 1 ||
	    EVP_DigestSign(ctx, ret_signature, ret_len, data, len) != 1)
		return trust_openssl_error(err, EIO, "signing");
	return 0;
}

int trust_key_verify(const struct trust_key *key, const void *data, size_t len,
		     const uint8_t *signature, size_t signature_len, struct error *err)
{
	_cleanup_(evp_md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (!ctx)
		return error_oom(err);
	if (EVP_DigestVerifyInit(ctx, NULL, digest_of(key), NULL, key->pkey) != 1)
		return trust_openssl_error(err, EIO, "signature");
	if (EVP_DigestVerify(ctx, signature, signature_len, data, len) != 1) {
		ERR_clear_error();
		return error_set(err, EBADMSG, "signature: not this key's over these bytes");
	}
	return 0;
}

/* -- files ------------------------------------------------------------------------------------ */

static int memory_write(BIO *bio, const char *path, mode_t mode, struct error *err)
{
	char *text;
	long len = BIO_get_mem_data(bio, &text);

	if (len <= 0)
		return trust_openssl_error(err, ENOMEM, path);
	return file_write(path, text, len, mode, err);
}

/* PKCS #8 by the key's own encoding: the sealed and the plain form carry the same bytes. */
static int encode_private(const struct trust_key *key, uint8_t **ret, size_t *ret_len,
			  struct error *err)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->pkey);
	int len;

	*ret = NULL;
	if (!info)
		return trust_openssl_error(err, EIO, "private key");
	len = i2d_PKCS8_PRIV_KEY_INFO(info, ret);
	PKCS8_PRIV_KEY_INFO_free(info);
	if (len <= 0)
		return trust_openssl_error(err, EIO, "private key");
	*ret_len = len;
	return 0;
}

static int decode_private(struct trust_key **ret, const uint8_t *der, size_t len,
			  struct error *err)
{
	_cleanup_(evp_pkey_freep) EVP_PKEY *pkey = NULL;
	const uint8_t *at = der;
	int r;

	pkey = d2i_AutoPrivateKey(NULL, &at, len);
	if (!pkey)
		return trust_openssl_error(err, EBADMSG, "private key");
	r = trust_key_from_evp(ret, pkey, true, err);
	if (!r)
		pkey = NULL;
	return r;
}

int trust_key_save(const struct trust_key *key, const char *path, const char *label,
		   const struct trust_unlock *unlock, struct error *err)
{
	_cleanup_(bio_freep) BIO *bio = BIO_new(BIO_s_secmem());
	_cleanup_free_ uint8_t *sealed = NULL;
	uint8_t *der = NULL;
	size_t len = 0, sealed_len = 0;
	int r;

	if (!bio)
		return error_oom(err);
	if (!key->is_private)
		return error_set(err, EINVAL, "%s: not a private key", path);
	r = encode_private(key, &der, &len, err);
	if (!r && unlock)
		r = trust_seal(&sealed, &sealed_len, unlock, label, der, len, err);
	if (!r && PEM_write_bio(bio, unlock ? SEALED_NAME : PEM_STRING_PKCS8INF, "",
				unlock ? sealed : der, unlock ? sealed_len : len) <= 0)
		r = trust_openssl_error(err, ENOMEM, path);
	OPENSSL_clear_free(der, len);
	if (r)
		return r;
	return memory_write(bio, path, 0600, err);
}

static int decode_pem(struct trust_key **ret, const char *name, const uint8_t *data, size_t len,
		      const char *label, const struct trust_unlock *unlock, struct error *err)
{
	uint8_t *der = NULL;
	size_t der_len = 0;
	int r;

	if (!unlock) {
		if (!strcmp(name, SEALED_NAME))
			return error_set(err, EINVAL, "the key is encrypted, and no passphrase was given");
		return decode_private(ret, data, len, err);
	}
	if (strcmp(name, SEALED_NAME) != 0)
		return error_set(err, EINVAL, "the key is not encrypted, and has to be");
	r = trust_unseal(&der, &der_len, unlock, label, data, len, err);
	if (!r) {
		r = decode_private(ret, der, der_len, err);
		explicit_bzero(der, der_len);
	}
	free(der);
	return r;
}

int trust_key_load(struct trust_key **ret, const char *path, const char *label,
		   const struct trust_unlock *unlock, struct error *err)
{
	_cleanup_(bio_freep) BIO *bio = NULL;
	uint8_t *text = NULL, *data = NULL;
	char *name = NULL, *header = NULL;
	size_t text_len = 0;
	long len = 0;
	int r;

	*ret = NULL;
	r = file_check_secret(path, err);
	if (r)
		return r;
	r = file_read(&text, &text_len, path, KEY_FILE_MAX, err);
	if (r)
		return r;
	bio = BIO_new_mem_buf(text, (int)text_len);
	if (!bio)
		r = error_oom(err);
	else if (PEM_read_bio(bio, &name, &header, &data, &len) != 1)
		r = trust_openssl_error(err, EBADMSG, "not in PEM");
	else
		r = decode_pem(ret, name, data, len, label, unlock, err);
	explicit_bzero(text, text_len);
	free(text);
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_clear_free(data, len);
	return r ? error_prefix(err, r, "%s: ", path) : 0;
}

int trust_key_save_public(const struct trust_key *key, const char *path, struct error *err)
{
	_cleanup_(bio_freep) BIO *bio = BIO_new(BIO_s_mem());

	if (!bio)
		return error_oom(err);
	if (PEM_write_bio_PUBKEY(bio, key->pkey) != 1)
		return trust_openssl_error(err, ENOMEM, path);
	return memory_write(bio, path, 0644, err);
}

int trust_key_load_public(struct trust_key **ret, const char *path, struct error *err)
{
	_cleanup_(evp_pkey_freep) EVP_PKEY *pkey = NULL;
	_cleanup_(bio_freep) BIO *bio = NULL;
	_cleanup_free_ uint8_t *text = NULL;
	size_t len;
	int r;

	*ret = NULL;
	r = file_read(&text, &len, path, KEY_FILE_MAX, err);
	if (r)
		return r;
	bio = BIO_new_mem_buf(text, (int)len);
	if (!bio)
		return error_oom(err);
	pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	if (!pkey)
		return trust_openssl_error(err, EBADMSG, path);
	r = trust_key_from_evp(ret, pkey, false, err);
	if (r)
		return error_prefix(err, r, "%s: ", path);
	pkey = NULL;
	return 0;
}
