// SPDX-License-Identifier: Apache-2.0
#include "identity.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* @path with what follows its last @from replaced by @to. */
static int sibling(char ret[PATH_MAX], const char *path, char from, const char *to,
		   struct error *err)
{
	const char *end = strrchr(path, from);
	size_t keep = end ? (size_t)(end - path) + 1 : 0;

	if (keep + strlen(to) >= PATH_MAX)
		return error_set(err, ENAMETOOLONG, "the name is too long");
	memcpy(ret, path, keep);
	strcpy(ret + keep, to);
	return 0;
}

/* The private key is in the file, or in that with .key for .pem. */
static int read_key(struct identity *ret, FILE *file, const char *path, struct error *err)
{
	EVP_PKEY *pkey = PEM_read_PrivateKey(file, NULL, NULL, (void *)"");
	char key_path[PATH_MAX];
	struct stat st;
	int r;

	if (!pkey) {
		r = sibling(key_path, path, '.', "key", err);
		if (!r && access(key_path, F_OK) < 0)
			r = error_set(err, EINVAL, "there is no private key in it, and no \"%s\"",
				      key_path);
		return r ? r : trust_key_load(&ret->key, key_path, "operator", NULL, err);
	}
	if (fstat(fileno(file), &st) < 0 || (S_ISREG(st.st_mode) && st.st_mode & 077))
		r = error_set(err, EPERM, "it has a private key, and others can read it (chmod 600)");
	else
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

static int read_certs(struct identity *ret, FILE *file, const char *path, struct error *err)
{
	char ca_path[PATH_MAX];
	int r;

	for (int i = 0; i < MAX_PARTS; i++) {
		X509 *x509 = PEM_read_X509(file, NULL, NULL, NULL);

		if (!x509)
			break;
		r = take_cert(ret, x509, err);
		X509_free(x509);
		if (r < 0)
			return r;
	}
	if (!ret->cert)
		return error_set(err, EINVAL, "it has no certificate for its key");
	if (ret->ca)
		return 0;
	r = sibling(ca_path, path, '/', "ca.pem", err);
	return r ? r : trust_cert_load(&ret->ca, ca_path, err);
}

int identity_read(struct identity *ret, const char *path, struct error *err)
{
	_cleanup_(fclose_file) FILE *file = fopen(path, "re");
	int r;

	*ret = (struct identity){ 0 };
	if (!file)
		return error_set(err, errno, "cannot open \"%s\": %s", path, strerror(errno));
	r = read_key(ret, file, path, err);
	if (!r) {
		rewind(file);
		r = read_certs(ret, file, path, err);
	}
	if (r < 0) {
		identity_clear(ret);
		return error_prefix(err, r, "\"%s\": ", path);
	}
	return 0;
}
