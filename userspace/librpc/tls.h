/* SPDX-License-Identifier: Apache-2.0 */
/* What TLS has to be here: 1.3, nothing resumed, ALPN "h2", certificates by libtrust. */
#ifndef LIBRPC_TLS_H
#define LIBRPC_TLS_H

#include <openssl/ssl.h>

#include "rpc.h"

/*
 * A server's context: asks for a certificate, takes a connection without one, and
 * refuses one that @ca did not issue; its times are for later. Sends @ca, so that who has only its
 * fingerprint can verify. Freed with SSL_CTX_free(), references are kept within.
 */
int tls_server_context(SSL_CTX **ret, const struct trust_key *key, const struct trust_cert *cert,
		       const struct trust_cert *ca, struct error *err);

/* Whom a client wants to meet; filled in by the handshake: @found, a reference, and @why. */
struct tls_expect {
	const struct trust_cert *ca;
	const uint8_t *ca_fingerprint;
	int64_t now;
	struct trust_cert *found;
	struct error why;
};

/* A client's context. @expect outlives the handshake. @key and @cert may be NULL. */
int tls_client_context(SSL_CTX **ret, const struct trust_key *key, const struct trust_cert *cert,
		       struct tls_expect *expect, struct error *err);

/* After the handshake: fill in TLS's part of @session. -EPROTO when it isn't what it has to be. */
int tls_describe(struct rpc_session *session, SSL *ssl, bool server, struct error *err);

#endif
