// SPDX-License-Identifier: Apache-2.0
#include "server.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <grpc/byte_buffer.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>

#include "call.h"
#include "file.h"
#include "message.h"
#include "terminator.h"
#include "thread.h"
#include "tls.h"

enum {
	THREADS = 4,
	THREADS_MAX = 64,
	/* Calls that wait for a worker, and of one connection at a time. */
	QUEUE_MAX = 4096,
	STREAMS_PER_CONNECTION = 64,
	METADATA_MAX = 8192,
};

/* libgrpc fills it in when a call of this method comes. */
struct awaited {
	struct operation op;
	struct rpc_server *server;
	void *registered;	/* NULL: any method that is not */
	struct rpc_call *call;
	grpc_call_details details;
};

struct rpc_server {
	struct rpc_server_config config;
	struct trust_cert *ca;
	struct terminator *terminator;
	char inner_path[PATH_MAX];

	bool grpc_up;
	grpc_server *grpc;
	grpc_completion_queue *queue;
	struct awaited *awaited;	/* n_methods, and one for others */
	struct stream_list *streams;

	pthread_t poller;
	bool polling;
	pthread_t worker[THREADS_MAX];
	unsigned int n_workers;

	pthread_mutex_t lock;
	pthread_cond_t filled, ended;
	struct rpc_call *first, **last;	/* that wait for a worker */
	unsigned int n_waiting;
	bool stopping;			/* workers end when nothing waits */
	bool shut_down;			/* libgrpc has ended all calls */

	struct operation shutdown;
	atomic_ullong calls, refused;
};

/* -- what may call ---------------------------------------------------------------------------------- */

static unsigned int kind_of(const struct rpc_session *session)
{
	if (!session->tls)
		return session->owner ? RPC_ALLOW_OWNER | RPC_ALLOW_LOCAL : RPC_ALLOW_LOCAL;
	if (!session->has_certificate)
		return RPC_ALLOW_ANONYMOUS;
	/* A certificate never lets do less than none. */
	return RPC_ALLOW_ANONYMOUS |
	       (session->not_after < time(NULL) ? RPC_ALLOW_EXPIRED : RPC_ALLOW_CERTIFICATE);
}

static const char *refusal(const struct rpc_session *session, enum rpc_code *ret_code)
{
	*ret_code = RPC_PERMISSION_DENIED;
	if (!session->tls)
		return session->owner ? "not by a unix socket" : "only root and the server's own user may";
	if (session->has_certificate && session->not_after < time(NULL))
		return "the certificate has expired";
	if (session->has_certificate)
		return "not with this certificate, or not over the network";
	*ret_code = RPC_UNAUTHENTICATED;
	return "this takes a certificate";
}

/* -- one call, in a worker ---------------------------------------------------------------------------- */

static void fail(struct rpc_server *server, struct rpc_call *call, enum rpc_code code,
		 const char *why)
{
	atomic_fetch_add(&server->refused, 1);
	if (call_is_stream(call))
		rpc_stream_end((struct rpc_stream *)call, code, "%s", why);
	else
		rpc_fail(call, code, "%s", why);
}

/* Whose call it is: by the name of the socket that the terminator bound for its session. */
static bool find_session(struct rpc_server *server, struct rpc_call *call)
{
	char *peer = grpc_call_get_peer(call->call);

	call->session = peer ? terminator_session(server->terminator, peer) : NULL;
	gpr_free(peer);
	return call->session && !atomic_load(&call->session->cut);
}

static ProtobufCMessage *unpack(const struct rpc_call *call, size_t max, const char **ret_why)
{
	if (!call->request) {
		*ret_why = "the request is missing";
		return NULL;
	}
	if (grpc_byte_buffer_length(call->request) > max) {
		*ret_why = "the request is too long";
		return NULL;
	}
	*ret_why = "the request is not of this method's type";
	return message_unpack(call->method->request, call->request);
}

static void run_handler(struct rpc_server *server, struct rpc_call *call)
{
	const struct rpc_method *method = call->method;
	const char *why;
	ProtobufCMessage *request;
	enum rpc_code code;

	if (!find_session(server, call)) {
		fail(server, call, RPC_UNAUTHENTICATED, "the session is gone");
		return;
	}
	if (!(kind_of(&call->session->about) & method->allow)) {
		why = refusal(&call->session->about, &code);
		fail(server, call, code, why);
		return;
	}
	request = unpack(call, method->request_max ? method->request_max : RPC_MESSAGE_MAX, &why);
	if (!request) {
		fail(server, call, RPC_INVALID_ARGUMENT, why);
		return;
	}
	if (method->stream)
		method->stream((struct rpc_stream *)call, request, call->user);
	else
		method->unary(call, request, call->user);
	protobuf_c_message_free_unpacked(request, NULL);
}

/* The worker's reference. */
static void drop(struct rpc_call *call)
{
	if (call_is_stream(call))
		(void)rpc_stream_unref((struct rpc_stream *)call);
	else
		call_unref(call);
}

static void serve(struct rpc_server *server, struct rpc_call *call)
{
	bool here = !call_watch_close(call);

	if (here && call_is_stream(call))
		here = !stream_begin((struct rpc_stream *)call);
	if (here && call->method)
		run_handler(server, call);
	else if (here)
		fail(server, call, RPC_UNIMPLEMENTED, "there is no such method");
	if (!call_is_stream(call))
		rpc_fail(call, RPC_INTERNAL, "the server has no answer");
	drop(call);
}

static struct rpc_call *next_call(struct rpc_server *server)
{
	struct rpc_call *call;

	(void)pthread_mutex_lock(&server->lock);
	while (!server->first && !server->stopping)
		(void)pthread_cond_wait(&server->filled, &server->lock);
	call = server->first;
	if (call) {
		server->first = call->next;
		if (!server->first)
			server->last = &server->first;
		server->n_waiting--;
	}
	(void)pthread_mutex_unlock(&server->lock);
	return call;
}

static void *work(void *arg)
{
	struct rpc_server *server = arg;
	struct rpc_call *call;

	while ((call = next_call(server)))
		serve(server, call);
	return NULL;
}

/* -- libgrpc's events, in the poller -------------------------------------------------------------------- */

static void enqueue(struct rpc_server *server, struct rpc_call *call)
{
	bool room;

	(void)pthread_mutex_lock(&server->lock);
	room = !server->stopping && server->n_waiting < QUEUE_MAX;
	if (room) {
		call->next = NULL;
		*server->last = call;
		server->last = &call->next;
		server->n_waiting++;
		(void)pthread_cond_signal(&server->filled);
	}
	(void)pthread_mutex_unlock(&server->lock);
	if (!room) {
		/* Without an answer libgrpc cancels it. */
		atomic_fetch_add(&server->refused, 1);
		(void)grpc_call_cancel_with_status(call->call, GRPC_STATUS_RESOURCE_EXHAUSTED,
						   "too many calls are waiting", NULL);
		drop(call);
	}
}

static int await(struct awaited *a, const struct rpc_method *method)
{
	struct rpc_server *server = a->server;
	struct rpc_call *call = call_new(method, server->config.user, server->streams);
	grpc_call_error e;

	a->call = call;
	if (!call)
		return -ENOMEM;
	if (a->registered)
		e = grpc_server_request_registered_call(server->grpc, a->registered, &call->call,
							&call->deadline, &call->metadata, &call->request,
							server->queue, server->queue, &a->op);
	else
		e = grpc_server_request_call(server->grpc, &call->call, &a->details, &call->metadata,
					     server->queue, server->queue, &a->op);
	if (e == GRPC_CALL_OK)
		return 0;
	a->call = NULL;
	drop(call);
	return -EIO;
}

static void on_call(struct operation *op, bool ok)
{
	struct awaited *a = op->owner;
	struct rpc_server *server = a->server;
	struct rpc_call *call = a->call;
	const struct rpc_method *method = call->method;

	a->call = NULL;
	if (!a->registered) {
		grpc_call_details_destroy(&a->details);
		grpc_call_details_init(&a->details);
	}
	if (!ok) {
		/* libgrpc is shutting down. */
		drop(call);
		return;
	}
	atomic_fetch_add(&server->calls, 1);
	/* Out of memory: this method is not served any more, which its callers see as time-outs. */
	if (await(a, method) && server->config.log)
		server->config.log(server->config.user, 3, "out of memory: a method is not served any more");
	enqueue(server, call);
}

static void on_shutdown(struct operation *op, bool ok)
{
	struct rpc_server *server = op->owner;

	(void)ok;
	(void)pthread_mutex_lock(&server->lock);
	server->shut_down = true;
	(void)pthread_cond_broadcast(&server->ended);
	(void)pthread_mutex_unlock(&server->lock);
}

static void *poll_queue(void *arg)
{
	struct rpc_server *server = arg;

	for (;;) {
		grpc_event event = grpc_completion_queue_next(server->queue,
							      gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
		struct operation *op = event.tag;

		if (event.type == GRPC_QUEUE_SHUTDOWN)
			return NULL;
		if (event.type == GRPC_OP_COMPLETE)
			op->done(op, event.success);
	}
}

/* -- start ---------------------------------------------------------------------------------------- */

static int listen_inner(struct rpc_server *server, struct error *err)
{
	grpc_server_credentials *plain;
	char address[PATH_MAX + 8];
	int ok;

	(void)snprintf(address, sizeof(address), "unix:%s", server->inner_path);
	plain = grpc_insecure_server_credentials_create();
	ok = grpc_server_add_http2_port(server->grpc, address, plain);
	grpc_server_credentials_release(plain);
	if (!ok || chmod(server->inner_path, 0600) < 0)
		return error_set(err, EADDRINUSE, "%s: libgrpc can't listen there", server->inner_path);
	return 0;
}

static int register_methods(struct rpc_server *server, struct error *err)
{
	const struct rpc_server_config *config = &server->config;

	server->awaited = calloc(config->n_methods + 1, sizeof(*server->awaited));
	if (!server->awaited)
		return error_oom(err);
	for (size_t i = 0; i <= config->n_methods; i++) {
		struct awaited *a = &server->awaited[i];

		a->op = (struct operation){ .done = on_call, .owner = a };
		a->server = server;
		grpc_call_details_init(&a->details);
		if (i == config->n_methods)
			break;
		a->registered = grpc_server_register_method(server->grpc, config->methods[i].name, NULL,
							    GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER, 0);
		if (!a->registered)
			return error_set(err, EEXIST, "%s: there are two of this method",
					 config->methods[i].name);
	}
	return 0;
}

static grpc_arg number(const char *key, int value)
{
	return (grpc_arg){ .type = GRPC_ARG_INTEGER, .key = (char *)key, .value.integer = value };
}

static int start_grpc(struct rpc_server *server, struct error *err)
{
	grpc_arg args[] = {
		number(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, RPC_MESSAGE_MAX),
		number(GRPC_ARG_MAX_CONCURRENT_STREAMS, STREAMS_PER_CONNECTION),
		number(GRPC_ARG_MAX_METADATA_SIZE, METADATA_MAX),
		/* What is small compressed is not small afterwards. */
		number(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1 << GRPC_COMPRESS_NONE),
		number(GRPC_ARG_ENABLE_CHANNELZ, 0),
		number(GRPC_ARG_ALLOW_REUSEPORT, 0),
	};
	const grpc_channel_args all = { .num_args = ARRAY_SIZE(args), .args = args };
	int r;

	grpc_init();
	server->grpc_up = true;
	server->queue = grpc_completion_queue_create_for_next(NULL);
	server->grpc = grpc_server_create(&all, NULL);
	if (!server->queue || !server->grpc)
		return error_oom(err);
	grpc_server_register_completion_queue(server->grpc, server->queue, NULL);
	r = register_methods(server, err);
	if (!r)
		r = listen_inner(server, err);
	if (r)
		return r;
	grpc_server_start(server->grpc);
	for (size_t i = 0; i <= server->config.n_methods; i++) {
		if (await(&server->awaited[i],
			  i < server->config.n_methods ? &server->config.methods[i] : NULL))
			return error_oom(err);
	}
	return 0;
}

static int start_threads(struct rpc_server *server, struct error *err)
{
	unsigned int n = server->config.threads ? server->config.threads : THREADS;
	int r = thread_start(&server->poller, poll_queue, server, err);

	server->polling = !r;
	while (!r && server->n_workers < n) {
		r = thread_start(&server->worker[server->n_workers], work, server, err);
		server->n_workers += !r;
	}
	return r;
}

static int check_config(const struct rpc_server_config *config, struct error *err)
{
	if (!config->directory)
		return error_set(err, EINVAL, "directory: missing");
	if (config->threads > THREADS_MAX)
		return error_set(err, EINVAL, "threads: more than %d", THREADS_MAX);
	if (config->listen && config->listen[0] && (!config->key || !config->cert || !config->ca))
		return error_set(err, EINVAL, "listening on the network takes a key, its certificate and a CA");
	return 0;
}

static int start_terminator(struct rpc_server *server, struct error *err)
{
	const struct rpc_server_config *config = &server->config;
	SSL_CTX *ctx = NULL;
	int r = 0;

	if (config->listen && config->listen[0]) {
		server->ca = trust_cert_ref(config->ca);
		r = tls_server_context(&ctx, config->key, config->cert, config->ca, err);
	}
	if (!r)
		r = terminator_start(&server->terminator, config, ctx, server->inner_path, err);
	SSL_CTX_free(ctx);
	return r;
}

int rpc_server_start(struct rpc_server **ret, const struct rpc_server_config *config,
		     struct error *err)
{
	struct rpc_server *server;
	int r;

	*ret = NULL;
	r = check_config(config, err);
	if (!r)
		r = file_make_directory(config->directory, 0700, err);
	if (r)
		return r;
	server = calloc(1, sizeof(*server));
	if (!server)
		return error_oom(err);
	server->config = *config;
	server->last = &server->first;
	server->shutdown = (struct operation){ .done = on_shutdown, .owner = server };
	(void)pthread_mutex_init(&server->lock, NULL);
	(void)pthread_cond_init(&server->filled, NULL);
	(void)pthread_cond_init(&server->ended, NULL);
	(void)snprintf(server->inner_path, sizeof(server->inner_path), "%s/rpc.sock",
		       config->directory);
	server->streams = stream_list_new();
	r = server->streams ? start_grpc(server, err) : error_oom(err);
	if (!r)
		r = start_terminator(server, err);
	/* They look sessions up in the terminator. */
	if (!r)
		r = start_threads(server, err);
	if (r) {
		(void)rpc_server_stop(server, 0);
		return r;
	}
	/* The caller's arrays may go now. */
	server->config.listen = NULL;
	server->config.unix_path = NULL;
	server->config.key = NULL;
	server->config.cert = NULL;
	server->config.ca = NULL;
	*ret = server;
	return 0;
}

/* -- stop ----------------------------------------------------------------------------------------- */

static bool wait_for_shutdown(struct rpc_server *server, unsigned int ms)
{
	struct timespec until;
	bool done;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	(void)pthread_mutex_lock(&server->lock);
	while (!server->shut_down &&
	       !pthread_cond_timedwait(&server->ended, &server->lock, &until))
		;
	done = server->shut_down;
	(void)pthread_mutex_unlock(&server->lock);
	return done;
}

static void stop_workers(struct rpc_server *server)
{
	(void)pthread_mutex_lock(&server->lock);
	server->stopping = true;
	(void)pthread_cond_broadcast(&server->filled);
	(void)pthread_mutex_unlock(&server->lock);
	for (unsigned int i = 0; i < server->n_workers; i++)
		(void)pthread_join(server->worker[i], NULL);
	server->n_workers = 0;
}

/* Ends all calls, by themselves or cut; afterwards no operation is left but the queue's end. */
static void stop_calls(struct rpc_server *server, unsigned int grace_ms)
{
	if (!server->grpc)
		return;
	grpc_server_shutdown_and_notify(server->grpc, server->queue, &server->shutdown);
	stream_list_end(server->streams, RPC_UNAVAILABLE, "the server is stopping");
	if (!server->polling || !wait_for_shutdown(server, grace_ms)) {
		grpc_server_cancel_all_calls(server->grpc);
		stop_workers(server);
		/* With all sockets closed and all handlers back, nothing can hold it up. */
		terminator_stop(server->terminator);
		server->terminator = NULL;
		if (server->polling)
			(void)wait_for_shutdown(server, INT_MAX);
	}
}

static void destroy_grpc(struct rpc_server *server)
{
	if (!server->grpc_up)
		return;
	if (server->queue)
		grpc_completion_queue_shutdown(server->queue);
	if (server->polling)
		(void)pthread_join(server->poller, NULL);
	else if (server->queue)
		(void)poll_queue(server);
	if (server->grpc)
		grpc_server_destroy(server->grpc);
	if (server->queue)
		grpc_completion_queue_destroy(server->queue);
	for (size_t i = 0; server->awaited && i <= server->config.n_methods; i++)
		grpc_call_details_destroy(&server->awaited[i].details);
	grpc_shutdown();
}

struct rpc_server *rpc_server_stop(struct rpc_server *server, unsigned int grace_ms)
{
	if (!server)
		return NULL;
	if (server->terminator)
		terminator_close_listeners(server->terminator);
	stop_calls(server, grace_ms);
	stop_workers(server);
	destroy_grpc(server);
	terminator_stop(server->terminator);
	(void)unlink(server->inner_path);
	stream_list_unref(server->streams);
	trust_cert_unref(server->ca);
	free(server->awaited);
	(void)pthread_cond_destroy(&server->filled);
	(void)pthread_cond_destroy(&server->ended);
	(void)pthread_mutex_destroy(&server->lock);
	free(server);
	return NULL;
}

/* -- the rest ------------------------------------------------------------------------------------- */

uint16_t rpc_server_port(const struct rpc_server *server, size_t index)
{
	return terminator_port(server->terminator, index);
}

int rpc_server_set_identity(struct rpc_server *server, const struct trust_key *key,
			    const struct trust_cert *cert, struct error *err)
{
	SSL_CTX *ctx;
	int r;

	if (!server->ca)
		return error_set(err, EINVAL, "the server does not listen on the network");
	r = tls_server_context(&ctx, key, cert, server->ca, err);
	if (r)
		return r;
	terminator_set_context(server->terminator, ctx);
	SSL_CTX_free(ctx);
	return 0;
}

unsigned int rpc_server_cut(struct rpc_server *server, const uint8_t key_id[TRUST_KEY_ID_LEN])
{
	return terminator_cut(server->terminator, key_id);
}

void rpc_server_stats(struct rpc_server *server, struct rpc_server_stats *ret)
{
	*ret = (struct rpc_server_stats){ 0 };
	terminator_stats(server->terminator, ret);
	ret->calls = atomic_load(&server->calls);
	ret->refused_calls = atomic_load(&server->refused);
}
