// SPDX-License-Identifier: Apache-2.0
#include "call.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include <grpc/byte_buffer.h>

#include "message.h"

static void on_close(struct operation *op, bool ok);
static void on_sent(struct operation *op, bool ok);
static void stream_gone(struct rpc_stream *stream);
static void stream_sent(struct rpc_stream *stream, bool ok);
static void stream_destroy(struct rpc_stream *stream);
static void list_drop(struct rpc_stream *stream);

/* -- calls ---------------------------------------------------------------------------------------- */

/* Nothing can be sent before stream_begin(). */
static void stream_init(struct rpc_stream *stream, struct stream_list *list)
{
	stream->keepers = 1;
	stream->gone = true;
	stream->last = &stream->first;
	(void)pthread_mutex_init(&stream->lock, NULL);
	stream->list = list;
	atomic_fetch_add(&list->refs, 1);
}

struct rpc_call *call_new(const struct rpc_method *method, void *user, struct stream_list *list)
{
	bool is_stream = method && method->stream;
	struct rpc_stream *stream = NULL;
	struct rpc_call *call;

	if (is_stream) {
		stream = calloc(1, sizeof(*stream));
		call = stream ? &stream->call : NULL;
	} else {
		call = calloc(1, sizeof(*call));
	}
	if (!call)
		return NULL;
	call->refs = 1;
	call->method = method;
	call->user = user;
	grpc_metadata_array_init(&call->metadata);
	call->received_close = (struct operation){ .done = on_close, .owner = call };
	call->sent = (struct operation){ .done = on_sent, .owner = call };
	if (is_stream)
		stream_init(stream, list);
	return call;
}

void call_unref(struct rpc_call *call)
{
	if (atomic_fetch_sub(&call->refs, 1) != 1)
		return;
	if (call_is_stream(call))
		stream_destroy((struct rpc_stream *)call);
	if (call->request)
		grpc_byte_buffer_destroy(call->request);
	grpc_metadata_array_destroy(&call->metadata);
	if (call->call)
		grpc_call_unref(call->call);
	session_unref(call->session);
	free(call);
}

static int start(struct rpc_call *call, const grpc_op *ops, size_t n, struct operation *op)
{
	atomic_fetch_add(&call->refs, 1);
	if (grpc_call_start_batch(call->call, ops, n, op, NULL) == GRPC_CALL_OK)
		return 0;
	call_unref(call);
	return -EPIPE;
}

int call_watch_close(struct rpc_call *call)
{
	const grpc_op op = {
		.op = GRPC_OP_RECV_CLOSE_ON_SERVER,
		.data.recv_close_on_server.cancelled = &call->cancelled,
	};

	return start(call, &op, 1, &call->received_close);
}

static void on_close(struct operation *op, bool ok)
{
	struct rpc_call *call = op->owner;

	(void)ok;
	if (call_is_stream(call))
		stream_gone((struct rpc_stream *)call);
	call_unref(call);
}

static void on_sent(struct operation *op, bool ok)
{
	struct rpc_call *call = op->owner;

	if (call_is_stream(call))
		stream_sent((struct rpc_stream *)call, ok);
	call_unref(call);
}

const struct rpc_session *rpc_call_session(const struct rpc_call *call)
{
	return &call->session->about;
}

/* -- answers of unary calls ----------------------------------------------------------------------- */

static void answer(struct rpc_call *call, grpc_byte_buffer *message, enum rpc_code code,
		   const char *sentence)
{
	grpc_slice details = grpc_slice_from_copied_string(sentence);
	grpc_op op[3] = { { .op = GRPC_OP_SEND_INITIAL_METADATA } };
	size_t n = 1;

	call->answered = true;
	if (message) {
		op[n].op = GRPC_OP_SEND_MESSAGE;
		op[n++].data.send_message.send_message = message;
	}
	op[n].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
	op[n].data.send_status_from_server.status = (grpc_status_code)code;
	op[n++].data.send_status_from_server.status_details = &details;
	/* When it does not start, the client has gone, and nobody waits for it. */
	(void)start(call, op, n, &call->sent);
	grpc_slice_unref(details);
	if (message)
		grpc_byte_buffer_destroy(message);
}

void rpc_reply(struct rpc_call *call, const ProtobufCMessage *message)
{
	if (call->answered)
		return;
	if (protobuf_c_message_get_packed_size(message) > RPC_MESSAGE_MAX) {
		rpc_fail(call, RPC_RESOURCE_EXHAUSTED, "the answer has more than %d bytes",
			 RPC_MESSAGE_MAX);
		return;
	}
	answer(call, message_pack(message, NULL), RPC_OK, "");
}

void rpc_fail(struct rpc_call *call, enum rpc_code code, const char *fmt, ...)
{
	char sentence[RPC_SENTENCE_SIZE];
	va_list ap;

	if (call->answered)
		return;
	va_start(ap, fmt);
	if (vsnprintf(sentence, sizeof(sentence), fmt, ap) < 0)
		sentence[0] = 0;
	va_end(ap);
	answer(call, NULL, code == RPC_OK ? RPC_UNKNOWN : code, sentence);
}

void rpc_fail_error(struct rpc_call *call, int ret, const struct error *err)
{
	rpc_fail(call, rpc_code_from_errno(ret), "%s", err->text);
}

/* -- streams -------------------------------------------------------------------------------------- */

const struct rpc_session *rpc_stream_session(const struct rpc_stream *stream)
{
	return rpc_call_session(&stream->call);
}

struct rpc_stream *rpc_stream_ref(struct rpc_stream *stream)
{
	atomic_fetch_add(&stream->keepers, 1);
	atomic_fetch_add(&stream->call.refs, 1);
	return stream;
}

struct rpc_stream *rpc_stream_unref(struct rpc_stream *stream)
{
	if (!stream)
		return NULL;
	if (atomic_fetch_sub(&stream->keepers, 1) == 1)
		rpc_stream_end(stream, RPC_OK, "%s", "");
	call_unref(&stream->call);
	return NULL;
}

static void drop_messages(struct rpc_stream *stream)
{
	while (stream->first) {
		struct message *m = stream->first;

		stream->first = m->next;
		grpc_byte_buffer_destroy(m->bytes);
		free(m);
	}
	stream->last = &stream->first;
	stream->n_messages = 0;
	stream->n_bytes = 0;
}

static void stream_destroy(struct rpc_stream *stream)
{
	drop_messages(stream);
	if (stream->listed)
		list_drop(stream);
	stream_list_unref(stream->list);
	(void)pthread_mutex_destroy(&stream->lock);
}

/* Under the lock: the next operation, if libgrpc has none and there is something to send. */
static void send_next(struct rpc_stream *stream)
{
	struct message *m = stream->first;
	grpc_op op = { .op = GRPC_OP_SEND_MESSAGE };

	if (stream->sending || stream->gone || !m)
		return;
	op.data.send_message.send_message = m->bytes;
	stream->sending = true;
	if (start(&stream->call, &op, 1, &stream->call.sent)) {
		stream->sending = false;
		stream->gone = true;
	}
	stream->first = m->next;
	if (!stream->first)
		stream->last = &stream->first;
	stream->n_messages--;
	stream->n_bytes -= m->len;
	/* libgrpc has its own reference to the bytes. */
	grpc_byte_buffer_destroy(m->bytes);
	free(m);
}

static void send_status(struct rpc_stream *stream)
{
	grpc_slice details;
	grpc_op op = { .op = GRPC_OP_SEND_STATUS_FROM_SERVER };

	if (stream->sending || stream->gone || stream->first || !stream->ending || stream->status_sent)
		return;
	details = grpc_slice_from_copied_string(stream->sentence);
	op.data.send_status_from_server.status = (grpc_status_code)stream->code;
	op.data.send_status_from_server.status_details = &details;
	stream->status_sent = true;
	stream->sending = true;
	if (start(&stream->call, &op, 1, &stream->call.sent))
		stream->gone = true;
	grpc_slice_unref(details);
}

static void list_add(struct rpc_stream *stream)
{
	struct stream_list *list = stream->list;

	(void)pthread_mutex_lock(&list->lock);
	stream->listed = true;
	stream->list_next = list->first;
	if (list->first)
		list->first->list_previous = stream;
	list->first = stream;
	(void)pthread_mutex_unlock(&list->lock);
}

static void list_drop(struct rpc_stream *stream)
{
	struct stream_list *list = stream->list;

	(void)pthread_mutex_lock(&list->lock);
	if (stream->list_previous)
		stream->list_previous->list_next = stream->list_next;
	else
		list->first = stream->list_next;
	if (stream->list_next)
		stream->list_next->list_previous = stream->list_previous;
	(void)pthread_mutex_unlock(&list->lock);
}

int stream_begin(struct rpc_stream *stream)
{
	const grpc_op op = { .op = GRPC_OP_SEND_INITIAL_METADATA };
	int r = -EPIPE;

	(void)pthread_mutex_lock(&stream->lock);
	if (!stream->closed)
		r = start(&stream->call, &op, 1, &stream->call.sent);
	stream->sending = !r;
	stream->gone = r;
	(void)pthread_mutex_unlock(&stream->lock);
	if (!r)
		list_add(stream);
	return r;
}

/* Tell the keeper, once; without the lock, as it may let go of the stream in there. */
static void tell(struct rpc_stream *stream)
{
	void (*fn)(struct rpc_stream *stream, void *arg) = NULL;
	void *arg = NULL;

	(void)pthread_mutex_lock(&stream->lock);
	if ((stream->gone || stream->status_sent) && stream->on_end && !stream->told) {
		stream->told = true;
		fn = stream->on_end;
		arg = stream->on_end_arg;
	}
	(void)pthread_mutex_unlock(&stream->lock);
	if (fn)
		fn(stream, arg);
}

/*
 * Under the lock: libgrpc's part, once nothing of it is under way. Keepers may hold the stream for longer
 * than there is a server.
 */
static void release_call(struct rpc_stream *stream)
{
	if (!stream->closed || stream->sending || !stream->call.call)
		return;
	grpc_call_unref(stream->call.call);
	stream->call.call = NULL;
}

static void stream_sent(struct rpc_stream *stream, bool ok)
{
	(void)pthread_mutex_lock(&stream->lock);
	stream->sending = false;
	if (!ok)
		stream->gone = true;
	if (stream->gone)
		drop_messages(stream);
	send_next(stream);
	send_status(stream);
	release_call(stream);
	(void)pthread_mutex_unlock(&stream->lock);
	tell(stream);
}

static void stream_gone(struct rpc_stream *stream)
{
	(void)pthread_mutex_lock(&stream->lock);
	stream->gone = true;
	stream->closed = true;
	drop_messages(stream);
	release_call(stream);
	(void)pthread_mutex_unlock(&stream->lock);
	tell(stream);
}

static int set_status(struct rpc_stream *stream, enum rpc_code code, const char *sentence)
{
	if (stream->ending || stream->gone)
		return -EPIPE;
	stream->ending = true;
	stream->code = code;
	(void)snprintf(stream->sentence, sizeof(stream->sentence), "%s", sentence);
	send_status(stream);
	return 0;
}

int rpc_stream_send(struct rpc_stream *stream, const ProtobufCMessage *message)
{
	struct message *m = calloc(1, sizeof(*m));
	int r = 0;

	if (!m)
		return -ENOMEM;
	m->bytes = message_pack(message, &m->len);
	(void)pthread_mutex_lock(&stream->lock);
	if (stream->ending || stream->gone) {
		r = -EPIPE;
	} else if (stream->n_messages >= RPC_STREAM_QUEUE_MAX ||
		   stream->n_bytes + m->len > RPC_MESSAGE_MAX) {
		drop_messages(stream);
		(void)set_status(stream, RPC_RESOURCE_EXHAUSTED, "the stream is not read fast enough");
		r = -ENOBUFS;
	} else {
		*stream->last = m;
		stream->last = &m->next;
		stream->n_messages++;
		stream->n_bytes += m->len;
		m = NULL;
		send_next(stream);
	}
	(void)pthread_mutex_unlock(&stream->lock);
	if (m) {
		grpc_byte_buffer_destroy(m->bytes);
		free(m);
	}
	return r;
}

void rpc_stream_end(struct rpc_stream *stream, enum rpc_code code, const char *fmt, ...)
{
	char sentence[RPC_SENTENCE_SIZE];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(sentence, sizeof(sentence), fmt, ap) < 0)
		sentence[0] = 0;
	va_end(ap);
	(void)pthread_mutex_lock(&stream->lock);
	(void)set_status(stream, code, sentence);
	(void)pthread_mutex_unlock(&stream->lock);
}

bool rpc_stream_is_open(struct rpc_stream *stream)
{
	bool open;

	(void)pthread_mutex_lock(&stream->lock);
	open = !stream->ending && !stream->gone;
	(void)pthread_mutex_unlock(&stream->lock);
	return open;
}

void rpc_stream_on_end(struct rpc_stream *stream, void (*fn)(struct rpc_stream *stream, void *arg),
		       void *arg)
{
	(void)pthread_mutex_lock(&stream->lock);
	stream->on_end = fn;
	stream->on_end_arg = arg;
	(void)pthread_mutex_unlock(&stream->lock);
	tell(stream);
}

/* -- all streams of a server ---------------------------------------------------------------------- */

struct stream_list *stream_list_new(void)
{
	struct stream_list *list = calloc(1, sizeof(*list));

	if (list) {
		list->refs = 1;
		(void)pthread_mutex_init(&list->lock, NULL);
	}
	return list;
}

void stream_list_unref(struct stream_list *list)
{
	if (list && atomic_fetch_sub(&list->refs, 1) == 1) {
		(void)pthread_mutex_destroy(&list->lock);
		free(list);
	}
}

void stream_list_end(struct stream_list *list, enum rpc_code code, const char *why)
{
	(void)pthread_mutex_lock(&list->lock);
	for (struct rpc_stream *s = list->first; s; s = s->list_next)
		rpc_stream_end(s, code, "%s", why);
	(void)pthread_mutex_unlock(&list->lock);
}
