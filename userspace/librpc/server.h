/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gRPC server: libgrpc behind a TLS 1.3 terminator of ours (terminator.h) and
 * unix sockets whose peers the kernel names. Handlers run on the server's own
 * threads, several at a time unless it has one thread; they may block.
 */
#ifndef LIBRPC_SERVER_H
#define LIBRPC_SERVER_H

#include "rpc.h"

struct rpc_server;
struct rpc_call;
struct rpc_stream;

/* Who may call a method; sums of these. */
enum rpc_allow {
	RPC_ALLOW_ANONYMOUS = 1 << 0,	/* TLS, without a certificate */
	RPC_ALLOW_CERTIFICATE = 1 << 1,	/* TLS, with a certificate in its time */
	RPC_ALLOW_EXPIRED = 1 << 2,	/* TLS, with one past its time */
	RPC_ALLOW_OWNER = 1 << 3,	/* unix socket: uid 0, or the server's own */
	RPC_ALLOW_LOCAL = 1 << 4,	/* unix socket: anyone who can open it */
};

struct rpc_method {
	const char *name;		/* "/mmesh.v1.Enrolment/Begin" */
	unsigned int allow;		/* enum rpc_allow */
	const ProtobufCMessageDescriptor *request;
	size_t request_max;		/* bytes; 0: RPC_MESSAGE_MAX */

	/*
	 * One of the two. @request is an unpacked message that lives until the
	 * handler returns.
	 *
	 * unary: ends the call by rpc_reply() or rpc_fail(), once; a handler that did
	 * neither fails the call (INTERNAL). @call lives until it returns.
	 *
	 * stream: the server's stream of messages is open. Keeping it takes a reference
	 * (rpc_stream_ref()); the handler's own ends when it returns, and with the last one
	 * the stream ends with OK.
	 */
	void (*unary)(struct rpc_call *call, const void *request, void *user);
	void (*stream)(struct rpc_stream *stream, const void *request, void *user);
};

struct rpc_server_config {
	const struct rpc_method *methods;	/* must outlive the server */
	size_t n_methods;
	void *user;				/* for the handlers */
	unsigned int threads;			/* that run handlers; 0: 4 */
	/* Where libgrpc's private socket is bound; made (0700) if it is not there. */
	const char *directory;

	/* Unix socket; NULL: none. Replaced if nobody listens on it. */
	const char *unix_path;
	mode_t unix_mode;			/* 0: 0600 */

	/* TLS; @listen NULL: none. @key, @cert and @ca are referenced. */
	const char *const *listen;		/* ADDR:PORT, [ADDR6]:PORT; port 0: any; ends with NULL */
	const struct trust_key *key;
	const struct trust_cert *cert;
	const struct trust_cert *ca;		/* of clients' certificates; sent with the server's own */

	/* Bounds; 0: the default. */
	unsigned int sessions;			/* at a time: 16384 */
	unsigned int sessions_per_source;	/* without certificate, per /32 or /64: 16 */
	unsigned int handshakes_per_second;	/* per source: 10, in bursts of 4 times as many */
	unsigned int handshake_seconds;		/* until TLS stands: 10 */
	unsigned int anonymous_seconds;		/* life of a session without certificate: 20 */
	size_t anonymous_bytes;			/* received on it: 65536 */
	unsigned int session_seconds;		/* life of any other: 43200 */
	unsigned int idle_seconds;		/* without a byte either way: 3600 */

	/* What an operator may want to know (priority of syslog(3)); may be NULL; any thread. */
	void (*log)(void *user, int priority, const char *text);
};

/* Start it; listening when this returns 0. */
int rpc_server_start(struct rpc_server **ret, const struct rpc_server_config *config,
		     struct error *err);

/*
 * End it: no new connections, @grace_ms for calls under way, then the rest is
 * cut. When it returns no handler runs, no thread is left. @server may be NULL;
 * always NULL. Not from a handler.
 */
struct rpc_server *rpc_server_stop(struct rpc_server *server, unsigned int grace_ms);

/* The TCP port of config.listen[@index]; 0 when there is none. */
uint16_t rpc_server_port(const struct rpc_server *server, size_t index);

/* A new certificate (or key) for handshakes from now on; sessions go on. */
int rpc_server_set_identity(struct rpc_server *server, const struct trust_key *key,
			    const struct trust_cert *cert, struct error *err);

/* Cut all sessions of a certificate's key; how many there were. Their calls end as cancelled. */
unsigned int rpc_server_cut(struct rpc_server *server, const uint8_t key_id[TRUST_KEY_ID_LEN]);

struct rpc_server_stats {
	uint64_t accepted;		/* connections */
	uint64_t handshakes;		/* that succeeded */
	uint64_t refused_rate;		/* connections, by source */
	uint64_t refused_sessions;	/* connections, too many at a time */
	uint64_t failed_handshakes;
	uint64_t cut;			/* sessions, by a bound or by rpc_server_cut() */
	uint64_t calls;
	uint64_t refused_calls;		/* by policy, size or form */
	unsigned int sessions;		/* now */
};
void rpc_server_stats(struct rpc_server *server, struct rpc_server_stats *ret);

/* -- in handlers ------------------------------------------------------------------------------- */

/* Lives as long as the call, the stream. */
const struct rpc_session *rpc_call_session(const struct rpc_call *call);
const struct rpc_session *rpc_stream_session(const struct rpc_stream *stream);

/* Ends the call with @message, which is packed before this returns. */
void rpc_reply(struct rpc_call *call, const ProtobufCMessage *message);
/* Ends it with a code and a sentence that names field and reason. */
void rpc_fail(struct rpc_call *call, enum rpc_code code, const char *fmt, ...) _printf_(3, 4);
/* The same for what a library said: the code by rpc_code_from_errno(@ret). */
void rpc_fail_error(struct rpc_call *call, int ret, const struct error *err);

struct rpc_stream *rpc_stream_ref(struct rpc_stream *stream);
/* @stream may be NULL; always NULL. */
struct rpc_stream *rpc_stream_unref(struct rpc_stream *stream);

/*
 * Queue a message; any thread, never blocks. 0; -EPIPE when the stream has ended
 * (the caller lets go of it); -ENOBUFS when the client does not read: more than 1024
 * messages or RPC_MESSAGE_MAX bytes wait, upon which the stream ends with RESOURCE_EXHAUSTED.
 */
int rpc_stream_send(struct rpc_stream *stream, const ProtobufCMessage *message);

/* End it after what is queued; any thread; the first one counts. */
void rpc_stream_end(struct rpc_stream *stream, enum rpc_code code, const char *fmt, ...)
	_printf_(3, 4);

/* False once it ended, whoever ended it. */
bool rpc_stream_is_open(struct rpc_stream *stream);

/*
 * Call @fn once, from a thread of the server's, when the stream has ended (at once if it has); set at
 * most once, in the handler.
 */
void rpc_stream_on_end(struct rpc_stream *stream, void (*fn)(struct rpc_stream *stream, void *arg),
		       void *arg);

#endif
