/* SPDX-License-Identifier: Apache-2.0 */
/* Ownership by scope, and errors in words, for OpenSSL's objects. */
#ifndef LIBTRUST_OPENSSL_H
#define LIBTRUST_OPENSSL_H

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "error.h"

#define TRUST_FREEP(type, name, free_fn)                                                           \
	static inline void name(type **p)                                                          \
	{                                                                                          \
		free_fn(*p);                                                                       \
		*p = NULL;                                                                         \
	}

TRUST_FREEP(EVP_PKEY, evp_pkey_freep, EVP_PKEY_free)
TRUST_FREEP(EVP_PKEY_CTX, evp_pkey_ctx_freep, EVP_PKEY_CTX_free)
TRUST_FREEP(EVP_MD_CTX, evp_md_ctx_freep, EVP_MD_CTX_free)
TRUST_FREEP(EVP_CIPHER_CTX, evp_cipher_ctx_freep, EVP_CIPHER_CTX_free)
TRUST_FREEP(BIO, bio_freep, BIO_free_all)
TRUST_FREEP(X509, x509_freep, X509_free)
TRUST_FREEP(X509_REQ, x509_req_freep, X509_REQ_free)

/* -@code with "@what: " and OpenSSL's reason; its queue of errors is empty afterwards. */
int trust_openssl_error(struct error *err, int code, const char *what);

#endif
