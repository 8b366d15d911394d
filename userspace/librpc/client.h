/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gRPC client on one connection: TLS 1.3 by our own code, or a unix socket.
 * Calls block, with a timeout; threads may share a client. A connection that
 * broke stays broken (RPC_UNAVAILABLE): open another, the caller knows when.
 */
#ifndef LIBRPC_CLIENT_H
#define LIBRPC_CLIENT_H

#include "rpc.h"

struct rpc_client;
struct rpc_client_stream;

struct rpc_client_config {
	const char *unix_path;		/* or: */

	const char *address;		/* HOST:PORT, ADDR:PORT, [ADDR6]:PORT */
	/* How to know the server: its CA, or that CA's fingerprint (trust_key_fingerprint()); one of them. */
	const struct trust_cert *ca;
	const uint8_t *ca_fingerprint;	/* TRUST_FINGERPRINT_LEN */
	int64_t now;			/* to judge its certificate by; 0: the wall clock */
	/* Our own certificate; NULL: none. */
	const struct trust_key *key;
	const struct trust_cert *cert;

	unsigned int connect_ms;	/* name, connection and handshake together; 0: 10000 */
};

/*
 * Connect. -ETIMEDOUT, -EKEYREJECTED (the server is not who it should be), -ECONNREFUSED
 * and others of the system's, with a sentence that names the address.
 */
int rpc_client_open(struct rpc_client **ret, const struct rpc_client_config *config,
		    struct error *err);

/* Ends all calls (they return RPC_CANCELLED) before it frees; @client may be NULL; always NULL. */
struct rpc_client *rpc_client_close(struct rpc_client *client);

static inline void rpc_client_closep(struct rpc_client **client)
{
	*client = rpc_client_close(*client);
}

/* Exporter, server's key id and name; lives as long as the client. */
const struct rpc_session *rpc_client_session(const struct rpc_client *client);

/* The CA that the server's certificate was verified by; of a TLS client; lives as long as it. */
const struct trust_cert *rpc_client_ca(const struct rpc_client *client);

/* End all calls from another thread; the client is broken from then on. */
void rpc_client_abort(struct rpc_client *client);

/*
 * One call. @reply_type: &mmesh__v1__begin_reply__descriptor. On RPC_OK *@ret_reply
 * is freed with protobuf_c_message_free_unpacked(); otherwise it is NULL and @err
 * has the server's sentence, or ours.
 */
enum rpc_code rpc_client_call(struct rpc_client *client, const char *method,
			      const ProtobufCMessage *request,
			      const ProtobufCMessageDescriptor *reply_type, void **ret_reply,
			      unsigned int timeout_ms, struct error *err);

/* A call that is answered by a stream of messages. Close it before the client. */
enum rpc_code rpc_client_stream_open(struct rpc_client_stream **ret, struct rpc_client *client,
				     const char *method, const ProtobufCMessage *request,
				     const ProtobufCMessageDescriptor *reply_type,
				     struct error *err);

/*
 * The next message, one thread at a time. RPC_OK with *@ret_message (freed as above);
 * RPC_OK with NULL: the stream ended well; RPC_DEADLINE_EXCEEDED: none came in
 * @timeout_ms (0: wait for ever), the stream goes on; else it ended, and why.
 */
enum rpc_code rpc_client_stream_next(struct rpc_client_stream *stream, void **ret_message,
				     unsigned int timeout_ms, struct error *err);

/* Makes stream_next() in another thread return RPC_CANCELLED. */
void rpc_client_stream_cancel(struct rpc_client_stream *stream);

/* Cancels what is still open. @stream may be NULL; always NULL. */
struct rpc_client_stream *rpc_client_stream_close(struct rpc_client_stream *stream);

static inline void rpc_client_stream_closep(struct rpc_client_stream **stream)
{
	*stream = rpc_client_stream_close(*stream);
}

#endif
