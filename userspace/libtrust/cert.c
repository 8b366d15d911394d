// SPDX-License-Identifier: Apache-2.0
#include "cert.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include <openssl/pem.h>

#include "file.h"
#include "id.h"
#include "openssl.h"

enum {
	CERT_FILE_MAX = 65536,
	SERIAL_LEN = 16,
};

struct trust_cert {
	atomic_uint refs;
	X509 *x509;
	struct trust_key *key;
	uint8_t *der;
	size_t der_len;
	int64_t not_before, not_after;
	char cn[TRUST_NAME_SIZE];
	char o[TRUST_NAME_SIZE];
};

/* -- read --------------------------------------------------------------------------------------- */

static int read_name(char ret[TRUST_NAME_SIZE], const X509 *x509, int nid, const char *what,
		     struct error *err)
{
	X509_NAME *name = X509_get_subject_name(x509);
	int at = X509_NAME_get_index_by_NID(name, nid, -1);
	uint8_t *text = NULL;
	int len;

	ret[0] = 0;
	if (at < 0)
		return 0;
	len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	if (len < 0)
		return trust_openssl_error(err, EBADMSG, what);
	if (len >= TRUST_NAME_SIZE || memchr(text, 0, len) ||
	    X509_NAME_get_index_by_NID(name, nid, at) >= 0) {
		OPENSSL_free(text);
		return error_set(err, EBADMSG, "certificate: %s: too long, or there are two", what);
	}
	memcpy(ret, text, len);
	ret[len] = 0;
	OPENSSL_free(text);
	return 0;
}

static int read_time(int64_t *ret, const ASN1_TIME *time, struct error *err)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(time, &tm) != 1)
		return trust_openssl_error(err, EBADMSG, "certificate: time");
	*ret = timegm(&tm);
	return 0;
}

static int read_key(struct trust_cert *cert, struct error *err)
{
	EVP_PKEY *pkey = X509_get_pubkey(cert->x509);
	int r;

	if (!pkey)
		return trust_openssl_error(err, EBADMSG, "certificate: key");
	r = trust_key_from_evp(&cert->key, pkey, false, err);
	if (r) {
		EVP_PKEY_free(pkey);
		return error_prefix(err, r, "certificate: ");
	}
	if (trust_key_type(cert->key) != TRUST_KEY_P256)
		return error_set(err, EBADMSG, "certificate: not a P-256 key");
	return 0;
}

static int read_fields(struct trust_cert *cert, struct error *err)
{
	int len, r;

	len = i2d_X509(cert->x509, &cert->der);
	if (len <= 0)
		return trust_openssl_error(err, EBADMSG, "certificate");
	if (len > TRUST_CERT_MAX)
		return error_set(err, EBADMSG, "certificate: %d bytes, at most %d", len, TRUST_CERT_MAX);
	cert->der_len = len;
	r = read_key(cert, err);
	if (!r)
		r = read_name(cert->cn, cert->x509, NID_commonName, "CN", err);
	if (!r)
		r = read_name(cert->o, cert->x509, NID_organizationName, "O", err);
	if (!r)
		r = read_time(&cert->not_before, X509_get0_notBefore(cert->x509), err);
	if (!r)
		r = read_time(&cert->not_after, X509_get0_notAfter(cert->x509), err);
	return r;
}

int trust_cert_from_x509(struct trust_cert **ret, X509 *x509, struct error *err)
{
	_cleanup_(trust_cert_unrefp) struct trust_cert *cert = calloc(1, sizeof(*cert));
	int r;

	*ret = NULL;
	if (!cert || X509_up_ref(x509) != 1) {
		free(TAKE_PTR(cert));
		return error_oom(err);
	}
	cert->refs = 1;
	cert->x509 = x509;
	r = read_fields(cert, err);
	if (r)
		return r;
	*ret = TAKE_PTR(cert);
	return 0;
}

int trust_cert_parse(struct trust_cert **ret, const uint8_t *der, size_t len, struct error *err)
{
	_cleanup_(x509_freep) X509 *x509 = NULL;
	const uint8_t *at = der;

	*ret = NULL;
	if (!len || len > TRUST_CERT_MAX)
		return error_set(err, EBADMSG, "certificate: %zu bytes, not 1 to %d", len,
				 TRUST_CERT_MAX);
	x509 = d2i_X509(NULL, &at, (long)len);
	if (!x509)
		return trust_openssl_error(err, EBADMSG, "certificate");
	if (at != der + len)
		return error_set(err, EBADMSG, "certificate: something follows it");
	return trust_cert_from_x509(ret, x509, err);
}

int trust_cert_load(struct trust_cert **ret, const char *path, struct error *err)
{
	_cleanup_(x509_freep) X509 *x509 = NULL;
	_cleanup_(bio_freep) BIO *bio = NULL;
	_cleanup_free_ uint8_t *text = NULL;
	size_t len;
	int r;

	*ret = NULL;
	r = file_read(&text, &len, path, CERT_FILE_MAX, err);
	if (r)
		return r;
	bio = BIO_new_mem_buf(text, (int)len);
	if (!bio)
		return error_oom(err);
	x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	if (!x509)
		return trust_openssl_error(err, EBADMSG, path);
	r = trust_cert_from_x509(ret, x509, err);
	return r ? error_prefix(err, r, "%s: ", path) : 0;
}

int trust_cert_save(const struct trust_cert *cert, const char *path, struct error *err)
{
	_cleanup_(bio_freep) BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	if (!bio)
		return error_oom(err);
	if (PEM_write_bio_X509(bio, cert->x509) != 1)
		return trust_openssl_error(err, ENOMEM, path);
	len = BIO_get_mem_data(bio, &text);
	return file_write(path, text, (size_t)len, 0644, err);
}

struct trust_cert *trust_cert_ref(const struct trust_cert *cert)
{
	struct trust_cert *counted = (struct trust_cert *)cert;

	atomic_fetch_add_explicit(&counted->refs, 1, memory_order_relaxed);
	return counted;
}

struct trust_cert *trust_cert_unref(struct trust_cert *cert)
{
	if (cert && atomic_fetch_sub_explicit(&cert->refs, 1, memory_order_acq_rel) == 1) {
		X509_free(cert->x509);
		trust_key_unref(cert->key);
		OPENSSL_free(cert->der);
		free(cert);
	}
	return NULL;
}

const uint8_t *trust_cert_der(const struct trust_cert *cert, size_t *ret_len)
{
	*ret_len = cert->der_len;
	return cert->der;
}

const struct trust_key *trust_cert_key(const struct trust_cert *cert)
{
	return cert->key;
}

const uint8_t *trust_cert_key_id(const struct trust_cert *cert)
{
	return trust_key_id(cert->key);
}

const char *trust_cert_cn(const struct trust_cert *cert)
{
	return cert->cn;
}

const char *trust_cert_o(const struct trust_cert *cert)
{
	return cert->o;
}

int64_t trust_cert_not_before(const struct trust_cert *cert)
{
	return cert->not_before;
}

int64_t trust_cert_not_after(const struct trust_cert *cert)
{
	return cert->not_after;
}

X509 *trust_cert_x509(const struct trust_cert *cert)
{
	return cert->x509;
}

/* -- requests ----------------------------------------------------------------------------------- */

static int check_issuing_key(const struct trust_key *key, struct error *err)
{
	if (!trust_key_is_private(key) || trust_key_type(key) != TRUST_KEY_P256)
		return error_set(err, EINVAL, "certificates are signed by private P-256 keys");
	return 0;
}

int trust_csr_make(uint8_t **ret_der, size_t *ret_len, const struct trust_key *key,
		   struct error *err)
{
	_cleanup_(x509_req_freep) X509_REQ *req = X509_REQ_new();
	uint8_t *der = NULL;
	int len, r;

	*ret_der = NULL;
	r = check_issuing_key(key, err);
	if (r)
		return r;
	if (!req || X509_REQ_set_version(req, X509_REQ_VERSION_1) != 1 ||
	    X509_REQ_set_pubkey(req, trust_key_evp(key)) != 1 ||
	    !X509_REQ_sign(req, trust_key_evp(key), EVP_sha256()))
		return trust_openssl_error(err, EIO, "certificate request");
	len = i2d_X509_REQ(req, &der);
	if (len <= 0)
		return trust_openssl_error(err, ENOMEM, "certificate request");
	/* OpenSSL's memory is freed by OpenSSL; the caller has free(). */
	*ret_der = malloc(len);
	if (*ret_der)
		memcpy(*ret_der, der, len);
	*ret_len = len;
	OPENSSL_free(der);
	return *ret_der ? 0 : error_oom(err);
}

int trust_csr_read(struct trust_key **ret_key, const uint8_t *der, size_t len, struct error *err)
{
	_cleanup_(x509_req_freep) X509_REQ *req = NULL;
	_cleanup_(trust_key_unrefp) struct trust_key *key = NULL;
	_cleanup_(evp_pkey_freep) EVP_PKEY *pkey = NULL;
	const uint8_t *at = der;
	int r;

	*ret_key = NULL;
	if (!len || len > TRUST_CERT_MAX)
		return error_set(err, EBADMSG, "certificate request: %zu bytes, not 1 to %d", len,
				 TRUST_CERT_MAX);
	req = d2i_X509_REQ(NULL, &at, (long)len);
	if (!req)
		return trust_openssl_error(err, EBADMSG, "certificate request");
	if (at != der + len)
		return error_set(err, EBADMSG, "certificate request: something follows it");
	pkey = X509_REQ_get_pubkey(req);
	if (!pkey)
		return trust_openssl_error(err, EBADMSG, "certificate request: key");
	r = trust_key_from_evp(&key, pkey, false, err);
	if (r)
		return error_prefix(err, r, "certificate request: ");
	pkey = NULL;
	if (trust_key_type(key) != TRUST_KEY_P256)
		return error_set(err, EBADMSG, "certificate request: not a P-256 key");
	if (X509_REQ_verify(req, trust_key_evp(key)) != 1)
		return trust_openssl_error(err, EBADMSG, "certificate request: signature");
	*ret_key = TAKE_PTR(key);
	return 0;
}

/* -- issue -------------------------------------------------------------------------------------- */

static int add_extension(X509 *x509, X509V3_CTX *ctx, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, ctx, nid, value);
	int r;

	if (!extension)
		return -EINVAL;
	r = X509_add_ext(x509, extension, -1) == 1 ? 0 : -ENOMEM;
	X509_EXTENSION_free(extension);
	return r;
}

static int add_name(X509_NAME *name, const char *field, const char *value)
{
	if (!value || !*value)
		return 0;
	return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, (const uint8_t *)value, -1, -1,
					  0) == 1 ? 0 : -EINVAL;
}

static int set_serial(X509 *x509)
{
	uint8_t bytes[SERIAL_LEN];
	BIGNUM *number;
	int r;

	if (trust_random(bytes, sizeof(bytes), NULL))
		return -EIO;
	/* Positive, and of one length. */
	bytes[0] = (bytes[0] & 0x3f) | 0x40;
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	r = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) ? 0 : -ENOMEM;
	BN_free(number);
	return r;
}

/* @name of a server as a GeneralName; kinds in the order of their test. */
static GENERAL_NAME *alternative_name(const char *name)
{
	ASN1_OCTET_STRING *address = a2i_IPADDRESS(name);
	GENERAL_NAME *alternative = GENERAL_NAME_new();
	ASN1_IA5STRING *dns;

	if (!alternative || address) {
		if (alternative)
			GENERAL_NAME_set0_value(alternative, GEN_IPADD, address);
		else
			ASN1_OCTET_STRING_free(address);
		return alternative;
	}
	ERR_clear_error();
	dns = ASN1_IA5STRING_new();
	if (!dns || ASN1_STRING_set(dns, name, -1) != 1) {
		ASN1_IA5STRING_free(dns);
		GENERAL_NAME_free(alternative);
		return NULL;
	}
	GENERAL_NAME_set0_value(alternative, GEN_DNS, dns);
	return alternative;
}

static int add_alternative_names(X509 *x509, const char *const *names)
{
	GENERAL_NAMES *all;
	int r = 0;

	if (!names || !names[0])
		return 0;
	all = sk_GENERAL_NAME_new_null();
	for (; !r && all && *names; names++) {
		GENERAL_NAME *one = alternative_name(*names);

		if (!one || sk_GENERAL_NAME_push(all, one) <= 0) {
			GENERAL_NAME_free(one);
			r = -ENOMEM;
		}
	}
	if (!all || r || X509_add1_ext_i2d(x509, NID_subject_alt_name, all, 0, 0) != 1)
		r = -ENOMEM;
	GENERAL_NAMES_free(all);
	return r;
}

/* All but the extensions and the signature. */
static int fill(X509 *x509, const struct trust_issue *issue)
{
	X509_NAME *name = X509_get_subject_name(x509);
	int r;

	if (X509_set_version(x509, X509_VERSION_3) != 1 ||
	    X509_set_pubkey(x509, trust_key_evp(issue->key)) != 1 ||
	    !ASN1_TIME_set(X509_getm_notBefore(x509), issue->not_before) ||
	    !ASN1_TIME_set(X509_getm_notAfter(x509), issue->not_after))
		return -EINVAL;
	r = set_serial(x509);
	if (!r)
		r = add_name(name, "O", issue->o);
	if (!r)
		r = add_name(name, "OU", issue->network);
	if (!r)
		r = add_name(name, "OU", issue->subnet);
	return r ? r : add_name(name, "CN", issue->cn);
}

static int add_extensions(X509 *x509, X509 *issuer, const struct trust_issue *issue)
{
	bool is_ca = issuer == x509;
	X509V3_CTX ctx;
	int r;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, x509, NULL, NULL, 0);
	r = add_extension(x509, &ctx, NID_basic_constraints,
			  is_ca ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE");
	if (!r)
		r = add_extension(x509, &ctx, NID_key_usage,
				  is_ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
	if (!r && !is_ca)
		r = add_extension(x509, &ctx, NID_ext_key_usage,
				  issue->server ? "serverAuth,clientAuth" : "clientAuth");
	if (!r)
		r = add_extension(x509, &ctx, NID_subject_key_identifier, "hash");
	if (!r && !is_ca)
		r = add_extension(x509, &ctx, NID_authority_key_identifier, "keyid:always");
	if (!r && issue->server)
		r = add_alternative_names(x509, issue->names);
	return r;
}

/* @ca NULL: self-signed. */
static int make(struct trust_cert **ret, const struct trust_cert *ca,
		const struct trust_key *ca_key, const struct trust_issue *issue, struct error *err)
{
	_cleanup_(x509_freep) X509 *x509 = X509_new();
	const X509 *issuer = ca ? ca->x509 : x509;
	int r;

	*ret = NULL;
	r = check_issuing_key(ca_key, err);
	if (r)
		return r;
	if (!x509)
		return error_oom(err);
	if (trust_key_type(issue->key) != TRUST_KEY_P256)
		return error_set(err, EINVAL, "certificate: not a P-256 key");
	if (issue->not_after <= issue->not_before)
		return error_set(err, EINVAL, "certificate: would end before it begins");
	r = fill(x509, issue);
	if (!r && X509_set_issuer_name(x509, X509_get_subject_name(issuer)) != 1)
		r = -ENOMEM;
	if (!r)
		r = add_extensions(x509, ca ? ca->x509 : x509, issue);
	if (!r && !X509_sign(x509, trust_key_evp(ca_key), EVP_sha256()))
		r = -EIO;
	if (r)
		return trust_openssl_error(err, -r, "new certificate");
	return trust_cert_from_x509(ret, x509, err);
}

int trust_ca_make(struct trust_cert **ret, const struct trust_key *key, const char *name,
		  int64_t not_before, int64_t not_after, struct error *err)
{
	const struct trust_issue issue = {
		.key = key,
		.cn = name,
		.not_before = not_before,
		.not_after = not_after,
	};

	return make(ret, NULL, key, &issue, err);
}

int trust_cert_issue(struct trust_cert **ret, const struct trust_cert *ca,
		     const struct trust_key *ca_key, const struct trust_issue *issue,
		     struct error *err)
{
	*ret = NULL;
	if (!trust_key_equal(ca_key, ca->key))
		return error_set(err, EINVAL, "certificate: the CA's key is another one");
	return make(ret, ca, ca_key, issue, err);
}

/* -- verify ------------------------------------------------------------------------------------- */

static int verify_chain(const struct trust_cert *cert, const struct trust_cert *ca, bool server,
			struct error *err)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_STORE *store = X509_STORE_new();
	int r = 0;

	if (!ctx || !store || X509_STORE_add_cert(store, ca->x509) != 1 ||
	    X509_STORE_CTX_init(ctx, store, cert->x509, NULL) != 1) {
		r = error_oom(err);
	} else {
		X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT | X509_V_FLAG_NO_CHECK_TIME);
		X509_STORE_CTX_set_depth(ctx, 0);
		if (X509_STORE_CTX_set_purpose(ctx, server ? X509_PURPOSE_SSL_SERVER :
							     X509_PURPOSE_SSL_CLIENT) != 1)
			r = error_oom(err);
		else if (X509_verify_cert(ctx) != 1)
			r = error_set(err, EBADMSG, "certificate: %s",
				      X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	}
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	ERR_clear_error();
	return r;
}

int trust_cert_verify(const struct trust_cert *cert, const struct trust_cert *ca, bool server,
		      int64_t now, struct error *err)
{
	int r;

	if (X509_get_extension_flags(cert->x509) & EXFLAG_CA)
		return error_set(err, EBADMSG, "certificate: it is a CA's");
	r = verify_chain(cert, ca, server, err);
	if (r)
		return r;
	if (now && now + TRUST_CLOCK_SKEW < cert->not_before)
		return error_set(err, EKEYEXPIRED, "certificate: its time has not come");
	if (now && now - TRUST_CLOCK_SKEW > cert->not_after)
		return error_set(err, EKEYEXPIRED, "certificate: its time is over");
	return 0;
}
