/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call at the server, from libgrpc's announcement to the last of its
 * operations. Each reference is one of: the worker that runs the handler, an operation that libgrpc has not
 * finished, the handler's keepers of a stream.
 */
#ifndef LIBRPC_CALL_H
#define LIBRPC_CALL_H

#include <pthread.h>
#include <stdatomic.h>

#include <grpc/grpc.h>

#include "server.h"
#include "session.h"

enum {
	RPC_SENTENCE_SIZE = 512,
	/* Messages of a stream that wait for its reader. */
	RPC_STREAM_QUEUE_MAX = 1024,
};

/* What a completion queue hands back. */
struct operation {
	void (*done)(struct operation *op, bool ok);
	void *owner;
};

struct message {
	struct message *next;
	grpc_byte_buffer *bytes;
	size_t len;
};

struct rpc_call {
	atomic_uint refs;
	const struct rpc_method *method;	/* NULL: one that we don't have */
	void *user;
	struct session *session;
	grpc_call *call;
	grpc_metadata_array metadata;
	grpc_byte_buffer *request;
	gpr_timespec deadline;

	struct operation received_close, sent;
	int cancelled;
	bool answered;		/* unary: the worker's */
	struct rpc_call *next;	/* in the queue of the workers */
};

/* The call is its first member. */
struct rpc_stream {
	struct rpc_call call;
	atomic_uint keepers;
	pthread_mutex_t lock;
	/* Under the lock: */
	struct message *first, **last;
	size_t n_messages, n_bytes;
	bool sending;		/* an operation is with libgrpc */
	bool ending;		/* a status was set: nothing is queued any more */
	bool status_sent;
	bool gone;		/* the client, the connection; or it has not begun */
	bool closed;		/* libgrpc has nothing more to say of it */
	bool told;		/* on_end was called */
	enum rpc_code code;
	char sentence[RPC_SENTENCE_SIZE];
	void (*on_end)(struct rpc_stream *stream, void *arg);
	void *on_end_arg;

	/* The server's list of streams that are open; its lock. */
	struct stream_list *list;
	bool listed;
	struct rpc_stream *list_previous, *list_next;
};

/* Outlives its server while streams of it are kept. */
struct stream_list {
	atomic_uint refs;
	pthread_mutex_t lock;
	struct rpc_stream *first;
};

/*
 * One that libgrpc fills in when it comes. Has one reference, the worker's; of a stream that is a keeper's, dropped by
 * rpc_stream_unref().
 */
struct rpc_call *call_new(const struct rpc_method *method, void *user, struct stream_list *list);
void call_unref(struct rpc_call *call);

/* Let libgrpc say when the client has gone. */
int call_watch_close(struct rpc_call *call);

static inline bool call_is_stream(const struct rpc_call *call)
{
	return call->method && call->method->stream;
}

/* Send the first metadata; messages may follow. 0 or -EPIPE. */
int stream_begin(struct rpc_stream *stream);

struct stream_list *stream_list_new(void);
void stream_list_unref(struct stream_list *list);
/* Of all that are open. */
void stream_list_end(struct stream_list *list, enum rpc_code code, const char *why);

#endif
