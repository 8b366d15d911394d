// SPDX-License-Identifier: Apache-2.0
#include "identity.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

enum { MAX_PARTS = 8 };

static void fclose_file(FILE **file)
{
	if (*file)
		(void)fclose(*file);
}

void identity_clear(struct identity *identity)
{
	identity->key = trust_key_unref(identity->key);
	identity->cert = trust_cert_unref(identity->cert);
	identity->ca = trust_cert_unref(identity->ca);
}

static int read_key(struct identity *ret, FILE *file, struct error *err)
{
	EVP_PKEY *pkey = PEM_read_PrivateKey(file, NULL, NULL, (void *)"");
	int r;

	if (!pkey)
		return error_set(err, EINVAL, "there is no private key in it");
	r = trust_key_from_evp(&ret->key, pkey, true, err);
	if (r < 0)
		EVP_PKEY_free(pkey);
	return r;
}

/* Sort one certificate into its place. */
static int take_cert(struct identity *ret, X509 *x509, struct error *err)
{
	struct trust_cert *cert = NULL, **place;
	int r;

	r = trust_cert_from_x509(&cert, x509, err);
	if (r < 0)
		return r;
	place = trust_key_equal(trust_cert_key(cert), ret->key) ? &ret->cert : &ret->ca;
	if (*place) {
		trust_cert_unref(cert);
		return error_set(err, EINVAL, "it has more than the operator's certificate and one CA");
	}
	*place = cert;
	return 0;
}

static int read_certs(struct identity *ret, FILE *file, struct error *err)
{
	for (int i = 0; i < MAX_PARTS; i++) {
		X509 *x509 = PEM_read_X509(file, NULL, NULL, NULL);
		int r;

		if (!x509)
			break;
		r = take_cert(ret, x509, err);
		X509_free(x509);
		if (r < 0)
			return r;
	}
	if (!ret->cert)
		return error_set(err, EINVAL, "it has no certificate for its key");
	if (!ret->ca)
		return error_set(err, EINVAL, "it has no certificate of the controller's CA");
	return 0;
}

static int read_parts(struct identity *ret, FILE *file, struct error *err)
{
	int r;

	r = read_key(ret, file, err);
	if (r < 0)
		return r;
	rewind(file);
	return read_certs(ret, file, err);
}

int identity_read(struct identity *ret, const char *path, struct error *err)
{
	_cleanup_(fclose_file) FILE *file = fopen(path, "re");
	struct stat st;
	int r;

	*ret = (struct identity){ 0 };
	if (!file || fstat(fileno(file), &st) < 0)
		return error_set(err, errno, "cannot open \"%s\": %s", path, strerror(errno));
	if (S_ISREG(st.st_mode) && st.st_mode & 077)
		return error_set(err, EPERM,
				 "\"%s\" has a private key, and others can read it (chmod 600)", path);
	r = read_parts(ret, file, err);
	if (r < 0) {
		identity_clear(ret);
		return error_prefix(err, r, "\"%s\": ", path);
	}
	return 0;
}
