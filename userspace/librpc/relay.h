/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes both ways between the network side of a connection, which may be TLS,
 * and the plain side that libgrpc has. Nothing here blocks; both descriptors
 * are non-blocking. One thread at a time.
 */
#ifndef LIBRPC_RELAY_H
#define LIBRPC_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "error.h"

enum {
	/* A TLS record, so that none is ever left half read inside OpenSSL. */
	RELAY_BUFFER = 16384,
};

/* What was read and is not yet written; memory only while there is some. */
struct relay_flow {
	uint8_t *data;
	size_t at, len;
	bool ended;
};

struct relay {
	int net, inner;		/* -1: none (yet) */
	SSL *ssl;		/* NULL: net is plain, too */
	struct relay_flow in, out;
	bool tls_wants_write;
	uint64_t received;	/* bytes from the network, TLS's own included */
	uint64_t sent;
};

/* Takes @net, and @ctx (NULL: plain). @server says which end of the handshake this is. */
int relay_init(struct relay *relay, int net, SSL_CTX *ctx, bool server, struct error *err);

/* 0: the handshake is done; -EAGAIN: it goes on; else it failed, and why. */
int relay_handshake(struct relay *relay, struct error *err);

/* Move what can be moved. 0: goes on; 1: it has ended, all is written; negative: it broke. */
int relay_pump(struct relay *relay, struct error *err);

/* What poll(2) should wait for before the next call. */
short relay_net_events(const struct relay *relay);
short relay_inner_events(const struct relay *relay);

/* Closes both descriptors; harmless on a relay that is all zero but for descriptors of -1. */
void relay_clear(struct relay *relay);

#endif
