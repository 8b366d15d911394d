/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X.509 certificates for TLS, on P-256 keys. A certificate stands for its key;
 * the subject names the node (CN, its id), its tenant (O, its id), its network
 * and subnet (OU, their ids), and what a node may do is not in it. Chains have two links: the CA, and what it issued.
 *
 * A struct trust_cert never changes; references are counted. Times are seconds since 1970.
 */
#ifndef LIBTRUST_CERT_H
#define LIBTRUST_CERT_H

#include "trust-key.h"

enum {
	/* Longest DER that is read: a certificate, a request. */
	TRUST_CERT_MAX = 8192,
	/* Longest CN and O, with the zero (RFC 5280's bound is 64). */
	TRUST_NAME_SIZE = 65,
	/* Two clocks may differ by this much without anyone being locked out: a day, and an hour. */
	TRUST_CLOCK_SKEW = 25 * 3600,
};

struct trust_cert;

/* One certificate, DER or (in files) PEM; -EBADMSG for anything else, a tail, or a key that is not P-256. */
int trust_cert_parse(struct trust_cert **ret, const uint8_t *der, size_t len, struct error *err);
int trust_cert_load(struct trust_cert **ret, const char *path, struct error *err);
/* PEM, 0644, replaced atomically. */
int trust_cert_save(const struct trust_cert *cert, const char *path, struct error *err);
/* OpenSSL's, which keeps its own reference. */
int trust_cert_from_x509(struct trust_cert **ret, X509 *x509, struct error *err);

struct trust_cert *trust_cert_ref(const struct trust_cert *cert);
struct trust_cert *trust_cert_unref(struct trust_cert *cert);

static inline void trust_cert_unrefp(struct trust_cert **cert)
{
	*cert = trust_cert_unref(*cert);
}

/* These live as long as @cert. Names are "" where the subject has none. */
const uint8_t *trust_cert_der(const struct trust_cert *cert, size_t *ret_len);
const struct trust_key *trust_cert_key(const struct trust_cert *cert);
const uint8_t *trust_cert_key_id(const struct trust_cert *cert);
const char *trust_cert_cn(const struct trust_cert *cert);
const char *trust_cert_o(const struct trust_cert *cert);
int64_t trust_cert_not_before(const struct trust_cert *cert);
int64_t trust_cert_not_after(const struct trust_cert *cert);
X509 *trust_cert_x509(const struct trust_cert *cert);

/* A request for @key (private, P-256), DER, the caller's to free. */
int trust_csr_make(uint8_t **ret_der, size_t *ret_len, const struct trust_key *key,
		   struct error *err);
/*
 * The key that a request is for, once its own signature proved that the
 * requester has it. Names and extensions in it count for nothing.
 */
int trust_csr_read(struct trust_key **ret_key, const uint8_t *der, size_t len, struct error *err);

/* A CA: self-signed by @key (private, P-256). */
int trust_ca_make(struct trust_cert **ret, const struct trust_key *key, const char *name,
		  int64_t not_before, int64_t not_after, struct error *err);

struct trust_issue {
	const struct trust_key *key;	/* P-256, its public half is enough */
	const char *cn, *o;		/* @o may be NULL */
	/* Of a node, for the broker: each an OU, network first; both or neither NULL. */
	const char *network, *subnet;
	int64_t not_before, not_after;
	bool server;			/* may be a server (and a client); else a client only */
	/* Names and addresses of a server, for stock TLS clients; ends with NULL, may be NULL. */
	const char *const *names;
};

int trust_cert_issue(struct trust_cert **ret, const struct trust_cert *ca,
		     const struct trust_key *ca_key, const struct trust_issue *issue,
		     struct error *err);

/*
 * Did @ca issue @cert, for servers (@server) or for clients? 0, -EBADMSG, or
 * -EKEYEXPIRED when that is all that is wrong: @now is more than
 * TRUST_CLOCK_SKEW outside its times. @now 0 leaves times out of it.
 */
int trust_cert_verify(const struct trust_cert *cert, const struct trust_cert *ca, bool server,
		      int64_t now, struct error *err);

#endif
