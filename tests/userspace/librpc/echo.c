// SPDX-License-Identifier: Apache-2.0
#include "echo.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "mmesh/v1/admin.pb-c.h"
#include "mmesh/v1/enrol.pb-c.h"
#include "mmesh/v1/local.pb-c.h"

static void must(int r, const struct error *err)
{
	if (r) {
		fprintf(stderr, "echo: %s\n", err->text);
		abort();
	}
}

/* -- handlers ------------------------------------------------------------------------------------- */

static void wait_for_release(struct echo *echo)
{
	(void)pthread_mutex_lock(&echo->lock);
	echo->waiting++;
	(void)pthread_cond_broadcast(&echo->changed);
	while (!echo->released)
		(void)pthread_cond_wait(&echo->changed, &echo->lock);
	(void)pthread_mutex_unlock(&echo->lock);
}

static void on_begin(struct rpc_call *call, const void *request, void *user)
{
	const Mmesh__V1__BeginRequest *m = request;
	const struct rpc_session *session = rpc_call_session(call);
	Mmesh__V1__BeginReply reply = MMESH__V1__BEGIN_REPLY__INIT;
	_cleanup_free_ char *large = NULL;

	if (!strcmp(m->token, "fail")) {
		rpc_fail(call, RPC_INVALID_ARGUMENT, "token: \"%s\" is what it says", m->token);
		return;
	}
	if (!strcmp(m->token, "silent"))
		return;
	if (!strcmp(m->token, "wait"))
		wait_for_release(user);
	if (!strcmp(m->token, "large")) {
		large = calloc(1, (1 << 20) + 1);
		if (!large)
			return;
		memset(large, 'x', 1 << 20);
	}
	reply.tenant = large ? large : m->token;
	reply.network = (char *)session->remote;
	reply.subnet = (char *)session->cn;
	reply.server_nonce.data = (uint8_t *)session->exporter;
	reply.server_nonce.len = sizeof(session->exporter);
	reply.time = (int64_t)session->id;
	rpc_reply(call, &reply.base);
}

static void on_join(struct rpc_call *call, const void *request, void *user)
{
	const Mmesh__V1__JoinRequest *m = request;
	Mmesh__V1__JoinReply reply = MMESH__V1__JOIN_REPLY__INIT;

	(void)user;
	reply.node = m->name;
	reply.subnet = (char *)rpc_call_session(call)->cn;
	rpc_reply(call, &reply.base);
}

static void on_renew(struct rpc_call *call, const void *request, void *user)
{
	Mmesh__V1__RenewReply reply = MMESH__V1__RENEW_REPLY__INIT;

	(void)request;
	(void)user;
	rpc_reply(call, &reply.base);
}

static void on_leave(struct rpc_call *call, const void *request, void *user)
{
	Mmesh__V1__LocalLeaveReply reply = MMESH__V1__LOCAL_LEAVE_REPLY__INIT;

	(void)request;
	(void)user;
	rpc_reply(call, &reply.base);
}

static void on_status(struct rpc_call *call, const void *request, void *user)
{
	Mmesh__V1__LocalStatus reply = MMESH__V1__LOCAL_STATUS__INIT;

	(void)request;
	(void)user;
	reply.version = (char *)rpc_call_session(call)->remote;
	rpc_reply(call, &reply.base);
}

static int send_verb(struct rpc_stream *stream, const char *verb)
{
	Mmesh__V1__Event event = MMESH__V1__EVENT__INIT;

	event.verb = (char *)verb;
	return rpc_stream_send(stream, &event.base);
}

static void on_stream_end(struct rpc_stream *stream, void *arg)
{
	struct echo *echo = arg;
	bool kept;

	(void)pthread_mutex_lock(&echo->lock);
	kept = echo->kept == stream;
	if (kept)
		echo->kept = NULL;
	echo->ended++;
	(void)pthread_cond_broadcast(&echo->changed);
	(void)pthread_mutex_unlock(&echo->lock);
	if (kept)
		rpc_stream_unref(stream);
}

static void keep(struct echo *echo, struct rpc_stream *stream)
{
	(void)pthread_mutex_lock(&echo->lock);
	echo->kept = rpc_stream_ref(stream);
	(void)pthread_cond_broadcast(&echo->changed);
	(void)pthread_mutex_unlock(&echo->lock);
	rpc_stream_on_end(stream, on_stream_end, echo);
}

static void flood(struct echo *echo, struct rpc_stream *stream)
{
	char verb[1024];
	int r;

	memset(verb, 'f', sizeof(verb) - 1);
	verb[sizeof(verb) - 1] = 0;
	do
		r = send_verb(stream, verb);
	while (!r);
	(void)pthread_mutex_lock(&echo->lock);
	echo->flood_result = r;
	(void)pthread_mutex_unlock(&echo->lock);
	rpc_stream_on_end(stream, on_stream_end, echo);
}

static void on_watch(struct rpc_stream *stream, const void *request, void *user)
{
	const Mmesh__V1__ListRequest *m = request;
	char verb[16];

	if (!strcmp(m->under, "keep")) {
		keep(user, stream);
		return;
	}
	if (!strcmp(m->under, "flood")) {
		flood(user, stream);
		return;
	}
	if (!strcmp(m->under, "fail")) {
		rpc_stream_end(stream, RPC_NOT_FOUND, "under: there is no \"%s\"", m->under);
		return;
	}
	for (int i = 0; i < atoi(m->under); i++) {
		(void)snprintf(verb, sizeof(verb), "%d", i);
		if (send_verb(stream, verb))
			return;
	}
}

static const struct rpc_method methods[] = {
	{
		.name = ECHO_BEGIN,
		.allow = RPC_ALLOW_ANONYMOUS,
		.request = &mmesh__v1__begin_request__descriptor,
		.request_max = 4096,
		.unary = on_begin,
	},
	{
		.name = ECHO_JOIN,
		.allow = RPC_ALLOW_CERTIFICATE,
		.request = &mmesh__v1__join_request__descriptor,
		.unary = on_join,
	},
	{
		.name = ECHO_RENEW,
		.allow = RPC_ALLOW_CERTIFICATE | RPC_ALLOW_EXPIRED,
		.request = &mmesh__v1__renew_request__descriptor,
		.unary = on_renew,
	},
	{
		.name = ECHO_LEAVE,
		.allow = RPC_ALLOW_OWNER,
		.request = &mmesh__v1__local_leave_request__descriptor,
		.unary = on_leave,
	},
	{
		.name = ECHO_STATUS,
		.allow = RPC_ALLOW_LOCAL,
		.request = &mmesh__v1__local_status_request__descriptor,
		.unary = on_status,
	},
	{
		.name = ECHO_WATCH,
		.allow = RPC_ALLOW_CERTIFICATE | RPC_ALLOW_OWNER,
		.request = &mmesh__v1__list_request__descriptor,
		.stream = on_watch,
	},
};

/* -- set up --------------------------------------------------------------------------------------- */

static struct trust_cert *issue(const struct echo *echo, const struct trust_key *key, bool server,
				int64_t until)
{
	static const char *const names[] = { "localhost", "127.0.0.1", NULL };
	const struct trust_issue what = {
		.key = key,
		.cn = server ? "controller" : ECHO_NODE,
		.o = ECHO_TENANT,
		.not_before = time(NULL) - 100 * TRUST_CLOCK_SKEW,
		.not_after = until,
		.server = server,
		.names = names,
	};
	struct trust_cert *cert;
	struct error err = { 0 };

	must(trust_cert_issue(&cert, echo->ca, echo->ca_key, &what, &err), &err);
	return cert;
}

static void make_keys(struct echo *echo)
{
	int64_t now = time(NULL);
	struct error err = { 0 };

	must(trust_key_generate(&echo->ca_key, TRUST_KEY_P256, &err), &err);
	must(trust_key_generate(&echo->server_key, TRUST_KEY_P256, &err), &err);
	must(trust_key_generate(&echo->node_key, TRUST_KEY_P256, &err), &err);
	must(trust_ca_make(&echo->ca, echo->ca_key, "echo CA", now - 100 * TRUST_CLOCK_SKEW,
			   now + 100 * TRUST_CLOCK_SKEW, &err), &err);
	echo->server_cert = issue(echo, echo->server_key, true, now + TRUST_CLOCK_SKEW);
	echo->node_cert = issue(echo, echo->node_key, false, now + TRUST_CLOCK_SKEW);
	echo->expired_cert = issue(echo, echo->node_key, false, now - 10);
}

void echo_init(struct echo *echo)
{
	static const char *const listen[] = { "127.0.0.1:0", NULL };

	memset(echo, 0, sizeof(*echo));
	(void)pthread_mutex_init(&echo->lock, NULL);
	(void)pthread_cond_init(&echo->changed, NULL);
	strcpy(echo->directory, "/tmp/mmesh-echo-XXXXXX");
	if (!mkdtemp(echo->directory))
		abort();
	(void)snprintf(echo->unix_path, sizeof(echo->unix_path), "%s/echo.sock", echo->directory);
	make_keys(echo);
	echo->config = (struct rpc_server_config){
		.methods = methods,
		.n_methods = ARRAY_SIZE(methods),
		.user = echo,
		.directory = echo->directory,
		.unix_path = echo->unix_path,
		.listen = listen,
		.key = echo->server_key,
		.cert = echo->server_cert,
		.ca = echo->ca,
		.handshakes_per_second = 1000,
	};
}

void echo_start(struct echo *echo)
{
	struct error err = { 0 };

	must(rpc_server_start(&echo->server, &echo->config, &err), &err);
	(void)snprintf(echo->address, sizeof(echo->address), "127.0.0.1:%u",
		       rpc_server_port(echo->server, 0));
}

void echo_stop(struct echo *echo, unsigned int grace_ms)
{
	echo->server = rpc_server_stop(echo->server, grace_ms);
}

void echo_clear(struct echo *echo)
{
	char path[128];

	echo_release(echo);
	echo_stop(echo, 1000);
	trust_key_unref(echo->ca_key);
	trust_key_unref(echo->server_key);
	trust_key_unref(echo->node_key);
	trust_cert_unref(echo->ca);
	trust_cert_unref(echo->server_cert);
	trust_cert_unref(echo->node_cert);
	trust_cert_unref(echo->expired_cert);
	(void)snprintf(path, sizeof(path), "%s", echo->directory);
	(void)rmdir(path);
	(void)pthread_cond_destroy(&echo->changed);
	(void)pthread_mutex_destroy(&echo->lock);
}

/* -- for the test --------------------------------------------------------------------------------- */

void echo_release(struct echo *echo)
{
	(void)pthread_mutex_lock(&echo->lock);
	echo->released = true;
	(void)pthread_cond_broadcast(&echo->changed);
	(void)pthread_mutex_unlock(&echo->lock);
}

void echo_wait_waiting(struct echo *echo, unsigned int n)
{
	(void)pthread_mutex_lock(&echo->lock);
	while (echo->waiting < n)
		(void)pthread_cond_wait(&echo->changed, &echo->lock);
	(void)pthread_mutex_unlock(&echo->lock);
}

void echo_wait_kept(struct echo *echo)
{
	(void)pthread_mutex_lock(&echo->lock);
	while (!echo->kept)
		(void)pthread_cond_wait(&echo->changed, &echo->lock);
	(void)pthread_mutex_unlock(&echo->lock);
}

void echo_wait_ended(struct echo *echo, unsigned int n)
{
	(void)pthread_mutex_lock(&echo->lock);
	while (echo->ended < n)
		(void)pthread_cond_wait(&echo->changed, &echo->lock);
	(void)pthread_mutex_unlock(&echo->lock);
}

int echo_publish(struct echo *echo, const char *verb)
{
	struct rpc_stream *stream;
	int r;

	(void)pthread_mutex_lock(&echo->lock);
	stream = echo->kept ? rpc_stream_ref(echo->kept) : NULL;
	(void)pthread_mutex_unlock(&echo->lock);
	if (!stream)
		return -EPIPE;
	r = send_verb(stream, verb);
	rpc_stream_unref(stream);
	return r;
}
