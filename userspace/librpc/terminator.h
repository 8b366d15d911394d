/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ends TLS 1.3 in front of libgrpc. Each connection, once it may speak, is relayed
 * to libgrpc's private unix socket from a bound name that is never used again; the
 * name, which grpc_call_get_peer() returns, says which session a call belongs to.
 * Rates, sizes and times are bounded before a certificate is known, and the age of
 * all sessions. Connections to the server's own unix socket go the same way.
 *
 * One thread with epoll(7) does all of it.
 */
#ifndef LIBRPC_TERMINATOR_H
#define LIBRPC_TERMINATOR_H

#include <stdatomic.h>

#include <openssl/ssl.h>

#include "server.h"
#include "session.h"

struct terminator;

/* @config is only read while this runs. @inner_path: where libgrpc listens. @ctx: a reference is taken; may be NULL. */
int terminator_start(struct terminator **ret, const struct rpc_server_config *config,
		     SSL_CTX *ctx, const char *inner_path, struct error *err);

/* No more connections; those that are there go on. */
void terminator_close_listeners(struct terminator *t);

/* Cuts what is left, and frees. @t may be NULL. */
void terminator_stop(struct terminator *t);

/* For handshakes from now on; a reference is taken. */
void terminator_set_context(struct terminator *t, SSL_CTX *ctx);

/* The session of a call, by what grpc_call_get_peer() says; a reference, or NULL. */
struct session *terminator_session(struct terminator *t, const char *peer);

unsigned int terminator_cut(struct terminator *t, const uint8_t key_id[TRUST_KEY_ID_LEN]);
uint16_t terminator_port(const struct terminator *t, size_t index);

/* All but the calls. */
void terminator_stats(struct terminator *t, struct rpc_server_stats *ret);

#endif
