// SPDX-License-Identifier: Apache-2.0
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <grpc/grpc_posix.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>

#include "connect.h"
#include "message.h"
#include "relay.h"
#include "thread.h"
#include "tls.h"

enum {
	CONNECT_MS = 10000,
	SENTENCE_SIZE = 512,
};

struct rpc_client {
	struct rpc_session about;
	struct trust_cert *ca;
	struct relay relay;	/* of TLS; the thread's, once it runs */
	int wake;
	atomic_bool stop;
	pthread_t thread;
	bool running;

	pthread_mutex_t lock;
	struct error broken;	/* why the connection ended, if that is known */
	bool aborted;
	struct active *active;	/* calls that abort() has to end */

	grpc_channel *channel;
};

/* A call under way; on its caller's stack, or a stream's. */
struct active {
	grpc_call *call;
	struct active *previous, *next;
};

struct rpc_client_stream {
	struct rpc_client *client;
	const ProtobufCMessageDescriptor *type;
	grpc_completion_queue *queue;
	struct active active;
	grpc_metadata_array initial, trailing;
	grpc_status_code status;
	grpc_slice details;
	grpc_byte_buffer *received;
	bool begun, reading, cancelled, over;
	unsigned int operations;	/* that libgrpc has not finished */
};

/* What a completion queue returns. */
enum tag { TAG_BEGIN = 1, TAG_MESSAGE, TAG_STATUS };

/* -- the relay between TLS and libgrpc -------------------------------------------------------------- */

static void remember(struct rpc_client *client, const struct error *why)
{
	(void)pthread_mutex_lock(&client->lock);
	if (!client->broken.text[0])
		client->broken = *why;
	(void)pthread_mutex_unlock(&client->lock);
}

static void *run_relay(void *arg)
{
	struct rpc_client *client = arg;
	struct relay *relay = &client->relay;
	struct error why = { 0 };
	int r = 0;

	while (!r && !atomic_load(&client->stop)) {
		struct pollfd p[] = {
			{ .fd = relay->net, .events = relay_net_events(relay) },
			{ .fd = relay->inner, .events = relay_inner_events(relay) },
			{ .fd = client->wake, .events = POLLIN },
		};

		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			break;
		r = relay_pump(relay, &why);
	}
	if (r < 0 && !why.text[0])
		error_format(&why, "%s", strerror(-r));
	if (r > 0)
		error_format(&why, "the server closed the connection");
	if (r)
		remember(client, &why);
	/* libgrpc sees its end closed. */
	(void)shutdown(relay->inner, SHUT_RDWR);
	(void)shutdown(relay->net, SHUT_RDWR);
	return NULL;
}

static int start_relay(struct rpc_client *client, int *ret_fd, struct error *err)
{
	int pair[2];
	int r;

	client->wake = eventfd(0, EFD_CLOEXEC);
	if (client->wake < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set(err, errno, "socket: %s", strerror(errno));
	client->relay.inner = pair[0];
	r = thread_start(&client->thread, run_relay, client, err);
	if (r) {
		(void)close(pair[1]);
		return r;
	}
	client->running = true;
	*ret_fd = pair[1];
	return 0;
}

static int handshake(struct rpc_client *client, int64_t deadline_ms, struct error *err)
{
	struct pollfd p = { .fd = client->relay.net };
	int n, r;

	for (;;) {
		r = relay_handshake(&client->relay, err);
		if (r != -EAGAIN)
			return r;
		p.events = relay_net_events(&client->relay);
		n = poll(&p, 1, connect_left_ms(deadline_ms));
		if (n < 0 && errno != EINTR)
			return error_set(err, errno, "poll: %s", strerror(errno));
		if (!n)
			return error_set(err, ETIMEDOUT, "no TLS handshake in time");
	}
}

static int open_tls(struct rpc_client *client, const struct rpc_client_config *config,
		    int *ret_fd, struct error *err)
{
	struct tls_expect expect = {
		.ca = config->ca,
		.ca_fingerprint = config->ca_fingerprint,
		.now = config->now ? config->now : time(NULL),
	};
	int64_t deadline_ms = connect_now_ms() + (config->connect_ms ? config->connect_ms : CONNECT_MS);
	SSL_CTX *ctx;
	int fd, r;

	if (!config->address || !config->ca == !config->ca_fingerprint)
		return error_set(err, EINVAL, "a server is known by its address, and by its CA or that CA's fingerprint");
	if (!config->key != !config->cert)
		return error_set(err, EINVAL, "a certificate without its key, or the reverse");
	r = tls_client_context(&ctx, config->key, config->cert, &expect, err);
	if (r)
		return r;
	r = connect_tcp(&fd, client->about.remote, config->address, deadline_ms, err);
	if (!r) {
		r = relay_init(&client->relay, fd, ctx, false, err);
		if (!r)
			r = handshake(client, deadline_ms, err);
		if (!r)
			r = tls_describe(&client->about, client->relay.ssl, false, err);
		if (r && expect.why.text[0])
			r = error_set(err, EKEYREJECTED, "%s", expect.why.text);
		if (r)
			(void)error_prefix(err, r, "%s: ", config->address);
	}
	SSL_CTX_free(ctx);
	client->ca = expect.found;
	return r ? r : start_relay(client, ret_fd, err);
}

/* -- open and close ------------------------------------------------------------------------------- */

static int open_channel(struct rpc_client *client, int fd, struct error *err)
{
	grpc_arg args[] = {
		{ .type = GRPC_ARG_STRING, .key = (char *)GRPC_ARG_DEFAULT_AUTHORITY,
		  .value.string = (char *)"mmesh" },
		{ .type = GRPC_ARG_INTEGER, .key = (char *)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
		  .value.integer = RPC_MESSAGE_MAX },
		{ .type = GRPC_ARG_INTEGER, .key = (char *)GRPC_ARG_ENABLE_CHANNELZ },
		{ .type = GRPC_ARG_INTEGER, .key = (char *)GRPC_ARG_ENABLE_RETRIES },
		{ .type = GRPC_ARG_INTEGER,
		  .key = (char *)GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET,
		  .value.integer = 1 << GRPC_COMPRESS_NONE },
	};
	const grpc_channel_args all = { .num_args = ARRAY_SIZE(args), .args = args };
	grpc_channel_credentials *plain = grpc_insecure_credentials_create();
	int flags = fcntl(fd, F_GETFL);

	/* libgrpc never blocks on it, and owns it from here on. */
	if (flags >= 0)
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	client->channel = grpc_channel_create_from_fd("mmesh", fd, plain, &all);
	grpc_channel_credentials_release(plain);
	return client->channel ? 0 : error_set(err, EIO, "libgrpc made no channel");
}

int rpc_client_open(struct rpc_client **ret, const struct rpc_client_config *config,
		    struct error *err)
{
	struct rpc_client *client = calloc(1, sizeof(*client));
	int fd = -1, r;

	*ret = NULL;
	if (!client)
		return error_oom(err);
	grpc_init();
	client->relay = (struct relay){ .net = -1, .inner = -1 };
	client->wake = -1;
	(void)pthread_mutex_init(&client->lock, NULL);
	if (config->unix_path) {
		r = connect_unix(&fd, config->unix_path, err);
		(void)snprintf(client->about.remote, sizeof(client->about.remote), "unix socket");
	} else {
		r = open_tls(client, config, &fd, err);
	}
	if (!r)
		r = open_channel(client, fd, err);
	if (r) {
		(void)rpc_client_close(client);
		return r;
	}
	*ret = client;
	return 0;
}

struct rpc_client *rpc_client_close(struct rpc_client *client)
{
	uint64_t one = 1;

	if (!client)
		return NULL;
	rpc_client_abort(client);
	if (client->channel)
		grpc_channel_destroy(client->channel);
	if (client->running) {
		atomic_store(&client->stop, true);
		(void)!write(client->wake, &one, sizeof(one));
		(void)pthread_join(client->thread, NULL);
	}
	relay_clear(&client->relay);
	if (client->wake >= 0)
		(void)close(client->wake);
	trust_cert_unref(client->ca);
	(void)pthread_mutex_destroy(&client->lock);
	explicit_bzero(&client->about, sizeof(client->about));
	free(client);
	grpc_shutdown();
	return NULL;
}

const struct rpc_session *rpc_client_session(const struct rpc_client *client)
{
	return &client->about;
}

const struct trust_cert *rpc_client_ca(const struct rpc_client *client)
{
	return client->ca;
}

/* -- calls under way ------------------------------------------------------------------------------ */

static int activate(struct rpc_client *client, struct active *active)
{
	int r = 0;

	(void)pthread_mutex_lock(&client->lock);
	if (client->aborted) {
		r = -ECANCELED;
	} else {
		active->previous = NULL;
		active->next = client->active;
		if (client->active)
			client->active->previous = active;
		client->active = active;
	}
	(void)pthread_mutex_unlock(&client->lock);
	return r;
}

static void deactivate(struct rpc_client *client, struct active *active)
{
	(void)pthread_mutex_lock(&client->lock);
	if (active->previous)
		active->previous->next = active->next;
	else
		client->active = active->next;
	if (active->next)
		active->next->previous = active->previous;
	(void)pthread_mutex_unlock(&client->lock);
}

void rpc_client_abort(struct rpc_client *client)
{
	(void)pthread_mutex_lock(&client->lock);
	client->aborted = true;
	for (struct active *a = client->active; a; a = a->next)
		(void)grpc_call_cancel(a->call, NULL);
	(void)pthread_mutex_unlock(&client->lock);
}

static grpc_call *new_call(struct rpc_client *client, const char *method,
			   grpc_completion_queue *queue, gpr_timespec deadline)
{
	grpc_slice name = grpc_slice_from_copied_string(method);
	grpc_call *call = grpc_channel_create_call(client->channel, NULL, GRPC_PROPAGATE_DEFAULTS, queue,
						   name, NULL, deadline, NULL);

	grpc_slice_unref(name);
	return call;
}

static enum rpc_code unpack(void **ret, grpc_byte_buffer *bytes,
			    const ProtobufCMessageDescriptor *type, struct error *err)
{
	*ret = message_unpack(type, bytes);
	if (*ret)
		return RPC_OK;
	error_format(err, "the answer is not a %s", type->short_name);
	return RPC_INTERNAL;
}

/* The server's sentence; of a connection that broke, why it did. */
static enum rpc_code failed(struct rpc_client *client, grpc_status_code status,
			    const grpc_slice *details, struct error *err)
{
	struct error broken = { 0 };

	(void)pthread_mutex_lock(&client->lock);
	broken = client->broken;
	(void)pthread_mutex_unlock(&client->lock);
	if (status == GRPC_STATUS_UNAVAILABLE && broken.text[0]) {
		error_format(err, "%s: %s", client->about.remote, broken.text);
		return RPC_UNAVAILABLE;
	}
	if (GRPC_SLICE_LENGTH(*details))
		error_format(err, "%.*s", (int)GRPC_SLICE_LENGTH(*details),
			     (const char *)GRPC_SLICE_START_PTR(*details));
	else
		error_format(err, "%s", rpc_code_name((enum rpc_code)status));
	return (enum rpc_code)status;
}

/* -- unary ---------------------------------------------------------------------------------------- */

struct unary {
	grpc_metadata_array initial, trailing;
	grpc_byte_buffer *request, *reply;
	grpc_status_code status;
	grpc_slice details;
};

static bool run_unary(grpc_call *call, grpc_completion_queue *queue, struct unary *u)
{
	grpc_op op[] = {
		{ .op = GRPC_OP_SEND_INITIAL_METADATA },
		{ .op = GRPC_OP_SEND_MESSAGE },
		{ .op = GRPC_OP_SEND_CLOSE_FROM_CLIENT },
		{ .op = GRPC_OP_RECV_INITIAL_METADATA },
		{ .op = GRPC_OP_RECV_MESSAGE },
		{ .op = GRPC_OP_RECV_STATUS_ON_CLIENT },
	};

	op[1].data.send_message.send_message = u->request;
	op[3].data.recv_initial_metadata.recv_initial_metadata = &u->initial;
	op[4].data.recv_message.recv_message = &u->reply;
	op[5].data.recv_status_on_client.trailing_metadata = &u->trailing;
	op[5].data.recv_status_on_client.status = &u->status;
	op[5].data.recv_status_on_client.status_details = &u->details;
	if (grpc_call_start_batch(call, op, ARRAY_SIZE(op), (void *)TAG_STATUS, NULL) != GRPC_CALL_OK)
		return false;
	/* The call has the deadline. */
	(void)grpc_completion_queue_pluck(queue, (void *)TAG_STATUS, gpr_inf_future(GPR_CLOCK_MONOTONIC),
					  NULL);
	return true;
}

enum rpc_code rpc_client_call(struct rpc_client *client, const char *method,
			      const ProtobufCMessage *request,
			      const ProtobufCMessageDescriptor *reply_type, void **ret_reply,
			      unsigned int timeout_ms, struct error *err)
{
	grpc_completion_queue *queue = grpc_completion_queue_create_for_pluck(NULL);
	gpr_timespec deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
					     gpr_time_from_millis(timeout_ms, GPR_TIMESPAN));
	struct unary u = { .request = message_pack(request, NULL), .details = grpc_empty_slice() };
	struct active active = { .call = new_call(client, method, queue, deadline) };
	enum rpc_code code = RPC_CANCELLED;

	*ret_reply = NULL;
	grpc_metadata_array_init(&u.initial);
	grpc_metadata_array_init(&u.trailing);
	if (activate(client, &active)) {
		error_format(err, "the client was closed");
	} else {
		if (!run_unary(active.call, queue, &u))
			u.status = GRPC_STATUS_INTERNAL;
		deactivate(client, &active);
		code = u.status == GRPC_STATUS_OK ? unpack(ret_reply, u.reply, reply_type, err) :
						    failed(client, u.status, &u.details, err);
	}
	grpc_call_unref(active.call);
	grpc_metadata_array_destroy(&u.initial);
	grpc_metadata_array_destroy(&u.trailing);
	grpc_byte_buffer_destroy(u.request);
	grpc_byte_buffer_destroy(u.reply);
	grpc_slice_unref(u.details);
	grpc_completion_queue_shutdown(queue);
	grpc_completion_queue_destroy(queue);
	return code;
}

/* -- streams -------------------------------------------------------------------------------------- */

static bool begin_stream(struct rpc_client_stream *s, grpc_byte_buffer *request)
{
	grpc_op begin[] = {
		{ .op = GRPC_OP_SEND_INITIAL_METADATA },
		{ .op = GRPC_OP_SEND_MESSAGE },
		{ .op = GRPC_OP_SEND_CLOSE_FROM_CLIENT },
		{ .op = GRPC_OP_RECV_INITIAL_METADATA },
	};
	grpc_op status = { .op = GRPC_OP_RECV_STATUS_ON_CLIENT };

	begin[1].data.send_message.send_message = request;
	begin[3].data.recv_initial_metadata.recv_initial_metadata = &s->initial;
	status.data.recv_status_on_client.trailing_metadata = &s->trailing;
	status.data.recv_status_on_client.status = &s->status;
	status.data.recv_status_on_client.status_details = &s->details;
	if (grpc_call_start_batch(s->active.call, &status, 1, (void *)TAG_STATUS, NULL) != GRPC_CALL_OK)
		return false;
	s->operations++;
	if (grpc_call_start_batch(s->active.call, begin, ARRAY_SIZE(begin), (void *)TAG_BEGIN, NULL) !=
	    GRPC_CALL_OK)
		return false;
	s->operations++;
	return true;
}

enum rpc_code rpc_client_stream_open(struct rpc_client_stream **ret, struct rpc_client *client,
				     const char *method, const ProtobufCMessage *request,
				     const ProtobufCMessageDescriptor *reply_type,
				     struct error *err)
{
	struct rpc_client_stream *s = calloc(1, sizeof(*s));
	grpc_byte_buffer *bytes;
	bool begun;

	*ret = NULL;
	if (!s) {
		(void)error_oom(err);
		return RPC_RESOURCE_EXHAUSTED;
	}
	s->client = client;
	s->type = reply_type;
	s->details = grpc_empty_slice();
	grpc_metadata_array_init(&s->initial);
	grpc_metadata_array_init(&s->trailing);
	s->queue = grpc_completion_queue_create_for_next(NULL);
	s->active.call = new_call(client, method, s->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC));
	if (activate(client, &s->active)) {
		error_format(err, "the client was closed");
		s->over = true;
		(void)rpc_client_stream_close(s);
		return RPC_CANCELLED;
	}
	s->begun = true;
	bytes = message_pack(request, NULL);
	begun = begin_stream(s, bytes);
	grpc_byte_buffer_destroy(bytes);
	if (!begun) {
		error_format(err, "libgrpc did not begin the call");
		(void)rpc_client_stream_close(s);
		return RPC_INTERNAL;
	}
	*ret = s;
	return RPC_OK;
}

/* Ask for a message, unless that was done. */
static void read_on(struct rpc_client_stream *s)
{
	grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };

	if (s->reading || s->over)
		return;
	op.data.recv_message.recv_message = &s->received;
	if (grpc_call_start_batch(s->active.call, &op, 1, (void *)TAG_MESSAGE, NULL) == GRPC_CALL_OK) {
		s->reading = true;
		s->operations++;
	}
}

/* False: nothing came in time. */
static bool take_event(struct rpc_client_stream *s, gpr_timespec deadline)
{
	grpc_event event = grpc_completion_queue_next(s->queue, deadline, NULL);

	if (event.type != GRPC_OP_COMPLETE)
		return false;
	s->operations--;
	if (event.tag == (void *)TAG_MESSAGE)
		s->reading = false;
	if (event.tag == (void *)TAG_STATUS)
		s->over = true;
	return true;
}

static enum rpc_code end_of(struct rpc_client_stream *s, struct error *err)
{
	return s->status == GRPC_STATUS_OK ? RPC_OK : failed(s->client, s->status, &s->details, err);
}

enum rpc_code rpc_client_stream_next(struct rpc_client_stream *stream, void **ret_message,
				     unsigned int timeout_ms, struct error *err)
{
	gpr_timespec deadline = gpr_inf_future(GPR_CLOCK_MONOTONIC);
	enum rpc_code code;

	*ret_message = NULL;
	if (timeout_ms)
		deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
					gpr_time_from_millis(timeout_ms, GPR_TIMESPAN));
	for (;;) {
		if (stream->received && !stream->reading) {
			code = unpack(ret_message, stream->received, stream->type, err);
			grpc_byte_buffer_destroy(stream->received);
			stream->received = NULL;
			return code;
		}
		/* What was received before the end comes first. */
		if (stream->over && !stream->operations)
			return end_of(stream, err);
		read_on(stream);
		if (!take_event(stream, deadline)) {
			error_format(err, "no message in %u ms", timeout_ms);
			return RPC_DEADLINE_EXCEEDED;
		}
	}
}

void rpc_client_stream_cancel(struct rpc_client_stream *stream)
{
	(void)grpc_call_cancel(stream->active.call, NULL);
}

struct rpc_client_stream *rpc_client_stream_close(struct rpc_client_stream *stream)
{
	if (!stream)
		return NULL;
	if (stream->begun) {
		(void)grpc_call_cancel(stream->active.call, NULL);
		while (stream->operations &&
		       take_event(stream, gpr_inf_future(GPR_CLOCK_MONOTONIC)))
			;
		deactivate(stream->client, &stream->active);
	}
	grpc_call_unref(stream->active.call);
	grpc_metadata_array_destroy(&stream->initial);
	grpc_metadata_array_destroy(&stream->trailing);
	grpc_byte_buffer_destroy(stream->received);
	grpc_slice_unref(stream->details);
	grpc_completion_queue_shutdown(stream->queue);
	(void)grpc_completion_queue_next(stream->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
	grpc_completion_queue_destroy(stream->queue);
	free(stream);
	return NULL;
}
