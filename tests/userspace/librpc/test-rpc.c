// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "librpc/client.h"
#include "connect.h"
#include "echo.h"
#include "mmesh/v1/admin.pb-c.h"
#include "mmesh/v1/enrol.pb-c.h"
#include "mmesh/v1/local.pb-c.h"
#include "unit.h"

enum { PATIENCE_MS = 30000 };

enum who { NOBODY, NODE, EXPIRED, BY_UNIX };

/* The server counts after the other end has seen what it did. */
#define await_stats(echo, stats, condition)                                  \
	do {                                                                 \
		rpc_server_stats((echo)->server, &(stats));                  \
		for (int i_ = 0; i_ < PATIENCE_MS / 10 && !(condition); i_++) { \
			(void)poll(NULL, 0, 10);                             \
			rpc_server_stats((echo)->server, &(stats));          \
		}                                                            \
		assert_true(condition);                                      \
	} while (0)

static struct rpc_client *open_as(const struct echo *echo, enum who who)
{
	const struct rpc_client_config config = {
		.unix_path = who == BY_UNIX ? echo->unix_path : NULL,
		.address = echo->address,
		.ca = echo->ca,
		.key = who == NODE || who == EXPIRED ? echo->node_key : NULL,
		.cert = who == NODE ? echo->node_cert : who == EXPIRED ? echo->expired_cert : NULL,
	};
	struct rpc_client *client;
	struct error err = { 0 };

	if (rpc_client_open(&client, &config, &err))
		fail_msg("%s", err.text);
	return client;
}

static void expect_code(enum rpc_code code, enum rpc_code want, const struct error *err,
			const char *why)
{
	if (code != want || (want != RPC_OK && !strstr(err->text, why)))
		fail_msg("%s \"%s\" is not %s with \"%s\"", rpc_code_name(code), err->text,
			 rpc_code_name(want), why);
}

static Mmesh__V1__BeginReply *begin(struct rpc_client *client, const char *token,
				    enum rpc_code want, const char *why)
{
	Mmesh__V1__BeginRequest request = MMESH__V1__BEGIN_REQUEST__INIT;
	void *reply;
	struct error err = { 0 };

	request.token = (char *)token;
	expect_code(rpc_client_call(client, ECHO_BEGIN, &request.base,
				    &mmesh__v1__begin_reply__descriptor, &reply, PATIENCE_MS, &err),
		    want, &err, why);
	assert_true(!reply == (want != RPC_OK));
	return reply;
}

static void begin_ok(struct rpc_client *client)
{
	mmesh__v1__begin_reply__free_unpacked(begin(client, "hello", RPC_OK, ""), NULL);
}

/* A call without fields. */
static void plain_call(struct rpc_client *client, const char *method, enum rpc_code want,
		       const char *why)
{
	Mmesh__V1__RenewRequest request = MMESH__V1__RENEW_REQUEST__INIT;
	void *reply;
	struct error err = { 0 };

	expect_code(rpc_client_call(client, method, &request.base, &mmesh__v1__renew_reply__descriptor,
				    &reply, PATIENCE_MS, &err),
		    want, &err, why);
	if (reply)
		protobuf_c_message_free_unpacked(reply, NULL);
}

static int set_up(void **state)
{
	struct echo *echo = malloc(sizeof(*echo));

	if (!echo)
		return -1;
	echo_init(echo);
	*state = echo;
	return 0;
}

static int tear_down(void **state)
{
	echo_clear(*state);
	free(*state);
	return 0;
}

/* -- tests ---------------------------------------------------------------------------------------- */

static void calls(void **state)
{
	struct echo *echo = *state;
	_cleanup_(rpc_client_closep) struct rpc_client *client = NULL;
	Mmesh__V1__BeginReply *reply;
	struct rpc_server_stats stats;

	echo_start(echo);
	client = open_as(echo, NOBODY);
	reply = begin(client, "hello", RPC_OK, "");
	assert_string_equal(reply->tenant, "hello");
	assert_memory_equal(reply->network, "127.0.0.1:", 10);
	assert_string_equal(reply->subnet, "");
	/* Both ends of the session have the same. */
	assert_int_equal(reply->server_nonce.len, RPC_EXPORTER_LEN);
	assert_memory_equal(reply->server_nonce.data, rpc_client_session(client)->exporter,
			    RPC_EXPORTER_LEN);
	assert_memory_equal(rpc_client_session(client)->server_key_id,
			    trust_cert_key_id(echo->server_cert), TRUST_KEY_ID_LEN);
	mmesh__v1__begin_reply__free_unpacked(reply, NULL);

	begin(client, "fail", RPC_INVALID_ARGUMENT, "token: \"fail\" is what it says");
	begin(client, "silent", RPC_INTERNAL, "no answer");
	plain_call(client, "/mmesh.v1.Enrolment/Nothing", RPC_UNIMPLEMENTED, "no such method");
	reply = begin(client, "large", RPC_OK, "");
	assert_int_equal(strlen(reply->tenant), 1 << 20);
	mmesh__v1__begin_reply__free_unpacked(reply, NULL);
	rpc_server_stats(echo->server, &stats);
	assert_int_equal(stats.sessions, 1);
	assert_int_equal(stats.calls, 5);
	assert_int_equal(stats.refused_calls, 1);
}

/* Each session has its own exporter and its own id. */
static void sessions_differ(void **state)
{
	struct echo *echo = *state;
	_cleanup_(rpc_client_closep) struct rpc_client *a = NULL;
	_cleanup_(rpc_client_closep) struct rpc_client *b = NULL;
	Mmesh__V1__BeginReply *of_a, *of_b;

	echo_start(echo);
	a = open_as(echo, NOBODY);
	b = open_as(echo, NODE);
	of_a = begin(a, "a", RPC_OK, "");
	of_b = begin(b, "b", RPC_OK, "");
	assert_true(of_a->time != of_b->time);
	assert_memory_not_equal(of_a->server_nonce.data, of_b->server_nonce.data, RPC_EXPORTER_LEN);
	assert_string_equal(of_a->subnet, "");
	assert_string_equal(of_b->subnet, ECHO_NODE);
	mmesh__v1__begin_reply__free_unpacked(of_a, NULL);
	mmesh__v1__begin_reply__free_unpacked(of_b, NULL);
}

static void permissions(void **state)
{
	struct echo *echo = *state;
	_cleanup_(rpc_client_closep) struct rpc_client *nobody = NULL;
	_cleanup_(rpc_client_closep) struct rpc_client *node = NULL;
	_cleanup_(rpc_client_closep) struct rpc_client *expired = NULL;
	_cleanup_(rpc_client_closep) struct rpc_client *local = NULL;

	echo_start(echo);
	nobody = open_as(echo, NOBODY);
	node = open_as(echo, NODE);
	expired = open_as(echo, EXPIRED);
	local = open_as(echo, BY_UNIX);
	plain_call(nobody, ECHO_JOIN, RPC_UNAUTHENTICATED, "takes a certificate");
	plain_call(nobody, ECHO_RENEW, RPC_UNAUTHENTICATED, "takes a certificate");
	plain_call(nobody, ECHO_LEAVE, RPC_UNAUTHENTICATED, "takes a certificate");
	plain_call(node, ECHO_JOIN, RPC_OK, "");
	plain_call(node, ECHO_RENEW, RPC_OK, "");
	plain_call(node, ECHO_STATUS, RPC_PERMISSION_DENIED, "not with this certificate");
	begin_ok(node);
	plain_call(expired, ECHO_JOIN, RPC_PERMISSION_DENIED, "expired");
	plain_call(expired, ECHO_RENEW, RPC_OK, "");
	plain_call(local, ECHO_LEAVE, RPC_OK, "");
	plain_call(local, ECHO_STATUS, RPC_OK, "");
	plain_call(local, ECHO_JOIN, RPC_PERMISSION_DENIED, "not by a unix socket");
}

static void refused_open(const struct rpc_client_config *config, int want, const char *why)
{
	struct rpc_client *client;
	struct error err = { 0 };
	int r = rpc_client_open(&client, config, &err);

	if (r != want || !strstr(err.text, why))
		fail_msg("%d \"%s\" is not %d with \"%s\"", r, err.text, want, why);
	assert_null(client);
}

static void knows_the_server(void **state)
{
	struct echo *echo = *state;
	uint8_t fingerprint[TRUST_FINGERPRINT_LEN];
	struct rpc_client_config config = { .ca_fingerprint = fingerprint };
	_cleanup_(trust_cert_unrefp) struct trust_cert *other = NULL;
	struct rpc_client *client;
	struct error err = { 0 };

	echo_start(echo);
	config.address = echo->address;
	memcpy(fingerprint, trust_key_fingerprint(echo->ca_key), sizeof(fingerprint));
	assert_int_equal(rpc_client_open(&client, &config, &err), 0);
	assert_memory_equal(trust_cert_key_id(rpc_client_ca(client)), trust_key_id(echo->ca_key),
			    TRUST_KEY_ID_LEN);
	begin_ok(client);
	rpc_client_close(client);

	fingerprint[31] ^= 1;
	refused_open(&config, -EKEYREJECTED, "its CA is not the expected one");
	/* Of the same name, by another key. */
	assert_int_equal(trust_ca_make(&other, echo->node_key, "echo CA", time(NULL),
				       time(NULL) + 1000, &err), 0);
	config.ca_fingerprint = NULL;
	config.ca = other;
	refused_open(&config, -EKEYREJECTED, "certificate");
	config.ca = echo->ca;
	config.now = time(NULL) + 200 * TRUST_CLOCK_SKEW;
	refused_open(&config, -EKEYREJECTED, "its time is over");
	config.now = 0;
	config.address = "127.0.0.1:1";
	refused_open(&config, -ECONNREFUSED, "127.0.0.1:1");
	config.address = "127.0.0.1";
	refused_open(&config, -EINVAL, "port");
	config.ca = NULL;
	refused_open(&config, -EINVAL, "fingerprint");
}

/* A certificate of another CA, or one that is no client's, gets no session. */
static void refuses_foreign_certificates(void **state)
{
	struct echo *echo = *state;
	_cleanup_(trust_cert_unrefp) struct trust_cert *other_ca = NULL;
	_cleanup_(trust_cert_unrefp) struct trust_cert *foreign = NULL;
	_cleanup_(rpc_client_closep) struct rpc_client *client = NULL;
	const struct trust_issue what = {
		.key = echo->node_key,
		.cn = ECHO_NODE,
		.not_before = time(NULL),
		.not_after = time(NULL) + 1000,
	};
	struct rpc_client_config config = { .ca = echo->ca, .key = echo->node_key };
	struct error err = { 0 };
	struct rpc_server_stats stats;

	echo_start(echo);
	config.address = echo->address;
	assert_int_equal(trust_ca_make(&other_ca, echo->server_key, "echo CA", time(NULL),
				       time(NULL) + 1000, &err), 0);
	assert_int_equal(trust_cert_issue(&foreign, other_ca, echo->server_key, &what, &err), 0);
	config.cert = foreign;
	/* With TLS 1.3 a client is done before the server has looked. */
	if (!rpc_client_open(&client, &config, &err))
		begin(client, "x", RPC_UNAVAILABLE, "");
	await_stats(echo, stats, stats.failed_handshakes == 1);
	assert_int_equal(stats.handshakes, 0);
}

static void request_sizes(void **state)
{
	struct echo *echo = *state;
	_cleanup_(rpc_client_closep) struct rpc_client *client = NULL;
	char token[5000];

	echo_start(echo);
	client = open_as(echo, NODE);
	memset(token, 'x', sizeof(token) - 1);
	token[sizeof(token) - 1] = 0;
	begin(client, token, RPC_INVALID_ARGUMENT, "too long");
	token[4000] = 0;
	mmesh__v1__begin_reply__free_unpacked(begin(client, token, RPC_OK, ""), NULL);
}

/* Bytes are no message of the method's type. */
static void malformed_requests(void **state)
{
	struct echo *echo = *state;
	_cleanup_(rpc_client_closep) struct rpc_client *client = NULL;
	Mmesh__V1__LocalJoinRequest request = MMESH__V1__LOCAL_JOIN_REQUEST__INIT;
	struct error err = { 0 };
	void *reply;

	echo_start(echo);
	client = open_as(echo, NODE);
	/* Field 5 is a number there, and nothing or bytes here. */
	request.listen_port = 5;
	request.token = (char *)"x";
	expect_code(rpc_client_call(client, ECHO_JOIN, &request.base,
				    &mmesh__v1__join_reply__descriptor, &reply, PATIENCE_MS, &err),
		    RPC_INVALID_ARGUMENT, &err, "not of this method's type");
}

static void deadlines(void **state)
{
	struct echo *echo = *state;
	_cleanup_(rpc_client_closep) struct rpc_client *client = NULL;
	Mmesh__V1__BeginRequest request = MMESH__V1__BEGIN_REQUEST__INIT;
	struct error err = { 0 };
	void *reply;

	echo_start(echo);
	client = open_as(echo, NODE);
	request.token = (char *)"wait";
	expect_code(rpc_client_call(client, ECHO_BEGIN, &request.base,
				    &mmesh__v1__begin_reply__descriptor, &reply, 50, &err),
		    RPC_DEADLINE_EXCEEDED, &err, "");
	/* The connection is as good as before. */
	begin_ok(client);
}

struct waiter {
	struct rpc_client *client;
	enum rpc_code code;
};

static void *wait_call(void *arg)
{
	struct waiter *w = arg;
	Mmesh__V1__BeginRequest request = MMESH__V1__BEGIN_REQUEST__INIT;
	struct error err = { 0 };
	void *reply;

	request.token = (char *)"wait";
	w->code = rpc_client_call(w->client, ECHO_BEGIN, &request.base,
				  &mmesh__v1__begin_reply__descriptor, &reply, PATIENCE_MS, &err);
	if (reply)
		protobuf_c_message_free_unpacked(reply, NULL);
	return NULL;
}

/* More callers than handlers run; other methods wait for their turn, and all are answered. */
static void many_callers(void **state)
{
	struct echo *echo = *state;
	pthread_t thread[12];
	struct waiter waiter[ARRAY_SIZE(thread)];
	_cleanup_(rpc_client_closep) struct rpc_client *client = NULL;

	echo->config.threads = 3;
	echo_start(echo);
	client = open_as(echo, NODE);
	for (size_t i = 0; i < ARRAY_SIZE(thread); i++) {
		waiter[i] = (struct waiter){ .client = client, .code = RPC_UNKNOWN };
		assert_int_equal(pthread_create(&thread[i], NULL, wait_call, &waiter[i]), 0);
	}
	echo_wait_waiting(echo, 3);
	echo_release(echo);
	for (size_t i = 0; i < ARRAY_SIZE(thread); i++) {
		assert_int_equal(pthread_join(thread[i], NULL), 0);
		assert_int_equal(waiter[i].code, RPC_OK);
	}
}

static void abort_ends_calls(void **state)
{
	struct echo *echo = *state;
	struct waiter waiter = { .code = RPC_UNKNOWN };
	_cleanup_(rpc_client_closep) struct rpc_client *client = NULL;
	pthread_t thread;

	echo_start(echo);
	waiter.client = client = open_as(echo, NODE);
	assert_int_equal(pthread_create(&thread, NULL, wait_call, &waiter), 0);
	echo_wait_waiting(echo, 1);
	rpc_client_abort(client);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(waiter.code, RPC_CANCELLED);
	begin(client, "x", RPC_CANCELLED, "closed");
}

static struct rpc_client_stream *watch(struct rpc_client *client, const char *under)
{
	Mmesh__V1__ListRequest request = MMESH__V1__LIST_REQUEST__INIT;
	struct rpc_client_stream *stream;
	struct error err = { 0 };

	request.under = (char *)under;
	expect_code(rpc_client_stream_open(&stream, client, ECHO_WATCH, &request.base,
					   &mmesh__v1__event__descriptor, &err),
		    RPC_OK, &err, "");
	return stream;
}

static void expect_event(struct rpc_client_stream *stream, const char *verb)
{
	struct error err = { 0 };
	void *message;

	expect_code(rpc_client_stream_next(stream, &message, PATIENCE_MS, &err), RPC_OK, &err, "");
	assert_non_null(message);
	assert_string_equal(((Mmesh__V1__Event *)message)->verb, verb);
	protobuf_c_message_free_unpacked(message, NULL);
}

static void expect_end(struct rpc_client_stream *stream, enum rpc_code want, const char *why)
{
	struct error err = { 0 };
	void *message;

	expect_code(rpc_client_stream_next(stream, &message, PATIENCE_MS, &err), want, &err, why);
	assert_null(message);
}

static void streams(void **state)
{
	struct echo *echo = *state;
	_cleanup_(rpc_client_closep) struct rpc_client *client = NULL;
	_cleanup_(rpc_client_stream_closep) struct rpc_client_stream *some = NULL;
	_cleanup_(rpc_client_stream_closep) struct rpc_client_stream *none = NULL;
	_cleanup_(rpc_client_stream_closep) struct rpc_client_stream *bad = NULL;
	char verb[16];

	echo_start(echo);
	client = open_as(echo, NODE);
	some = watch(client, "500");
	for (int i = 0; i < 500; i++) {
		snprintf(verb, sizeof(verb), "%d", i);
		expect_event(some, verb);
	}
	expect_end(some, RPC_OK, "");
	/* It stays ended. */
	expect_end(some, RPC_OK, "");
	none = watch(client, "0");
	expect_end(none, RPC_OK, "");
	bad = watch(client, "fail");
	expect_end(bad, RPC_NOT_FOUND, "under: there is no \"fail\"");
}

static void stream_permissions(void **state)
{
	struct echo *echo = *state;
	_cleanup_(rpc_client_closep) struct rpc_client *nobody = NULL;
	_cleanup_(rpc_client_closep) struct rpc_client *local = NULL;
	_cleanup_(rpc_client_stream_closep) struct rpc_client_stream *refused = NULL;
	_cleanup_(rpc_client_stream_closep) struct rpc_client_stream *stream = NULL;

	echo_start(echo);
	nobody = open_as(echo, NOBODY);
	local = open_as(echo, BY_UNIX);
	refused = watch(nobody, "1");
	expect_end(refused, RPC_UNAUTHENTICATED, "takes a certificate");
	stream = watch(local, "1");
	expect_event(stream, "0");
	expect_end(stream, RPC_OK, "");
}

static void kept_streams(void **state)
{
	struct echo *echo = *state;
	_cleanup_(rpc_client_closep) struct rpc_client *client = NULL;
	struct rpc_client_stream *stream;
	struct error err = { 0 };
	void *message;

	echo_start(echo);
	client = open_as(echo, NODE);
	stream = watch(client, "keep");
	echo_wait_kept(echo);
	expect_code(rpc_client_stream_next(stream, &message, 20, &err), RPC_DEADLINE_EXCEEDED, &err,
		    "no message in 20 ms");
	assert_int_equal(echo_publish(echo, "one"), 0);
	assert_int_equal(echo_publish(echo, "two"), 0);
	expect_event(stream, "one");
	expect_event(stream, "two");
	/* The server sees that the client has gone. */
	rpc_client_stream_cancel(stream);
	expect_end(stream, RPC_CANCELLED, "");
	rpc_client_stream_close(stream);
	echo_wait_ended(echo, 1);
	assert_int_equal(echo_publish(echo, "three"), -EPIPE);
}

static void connection_lost_ends_streams(void **state)
{
	struct echo *echo = *state;
	struct rpc_client *client;
	struct rpc_client_stream *stream;

	echo_start(echo);
	client = open_as(echo, NODE);
	stream = watch(client, "keep");
	echo_wait_kept(echo);
	rpc_client_abort(client);
	rpc_client_stream_close(stream);
	rpc_client_close(client);
	echo_wait_ended(echo, 1);
}

/* Who does not read is given up; what waits is bounded. */
static void flooded_stream(void **state)
{
	struct echo *echo = *state;
	_cleanup_(rpc_client_closep) struct rpc_client *client = NULL;
	_cleanup_(rpc_client_stream_closep) struct rpc_client_stream *stream = NULL;
	enum rpc_code code;
	struct error err = { 0 };
	void *message;

	echo_start(echo);
	client = open_as(echo, NODE);
	stream = watch(client, "flood");
	do {
		code = rpc_client_stream_next(stream, &message, PATIENCE_MS, &err);
		if (message)
			protobuf_c_message_free_unpacked(message, NULL);
	} while (message);
	expect_code(code, RPC_RESOURCE_EXHAUSTED, &err, "fast enough");
	echo_wait_ended(echo, 1);
	assert_int_equal(echo->flood_result, -ENOBUFS);
}

static void stops_with_streams(void **state)
{
	struct echo *echo = *state;
	_cleanup_(rpc_client_closep) struct rpc_client *client = NULL;
	_cleanup_(rpc_client_stream_closep) struct rpc_client_stream *stream = NULL;

	echo_start(echo);
	client = open_as(echo, NODE);
	stream = watch(client, "keep");
	echo_wait_kept(echo);
	echo_stop(echo, PATIENCE_MS);
	expect_end(stream, RPC_UNAVAILABLE, "");
	assert_int_equal(echo->ended, 1);
}

/* A kept stream may be let go after its server. */
static void stream_outlives_server(void **state)
{
	struct echo *echo = *state;
	_cleanup_(rpc_client_closep) struct rpc_client *client = NULL;
	_cleanup_(rpc_client_stream_closep) struct rpc_client_stream *stream = NULL;
	struct rpc_stream *kept;

	echo_start(echo);
	client = open_as(echo, NODE);
	stream = watch(client, "keep");
	echo_wait_kept(echo);
	kept = rpc_stream_ref(echo->kept);
	echo_stop(echo, PATIENCE_MS);
	assert_false(rpc_stream_is_open(kept));
	rpc_stream_unref(kept);
}

static void stops_with_calls(void **state)
{
	struct echo *echo = *state;
	struct waiter waiter = { .code = RPC_UNKNOWN };
	_cleanup_(rpc_client_closep) struct rpc_client *client = NULL;
	pthread_t thread;

	echo_start(echo);
	waiter.client = client = open_as(echo, NODE);
	assert_int_equal(pthread_create(&thread, NULL, wait_call, &waiter), 0);
	echo_wait_waiting(echo, 1);
	echo_release(echo);
	/* Within its grace the call gets its answer. */
	echo_stop(echo, PATIENCE_MS);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(waiter.code, RPC_OK);
}

static void cuts_by_key(void **state)
{
	struct echo *echo = *state;
	_cleanup_(rpc_client_closep) struct rpc_client *node = NULL;
	_cleanup_(rpc_client_closep) struct rpc_client *nobody = NULL;
	_cleanup_(rpc_client_stream_closep) struct rpc_client_stream *stream = NULL;

	echo_start(echo);
	node = open_as(echo, NODE);
	nobody = open_as(echo, NOBODY);
	stream = watch(node, "keep");
	echo_wait_kept(echo);
	begin_ok(nobody);
	assert_int_equal(rpc_server_cut(echo->server, trust_key_id(echo->ca_key)), 0);
	assert_int_equal(rpc_server_cut(echo->server, trust_key_id(echo->node_key)), 1);
	expect_end(stream, RPC_UNAVAILABLE, "");
	echo_wait_ended(echo, 1);
	begin(node, "x", RPC_UNAVAILABLE, "");
	begin_ok(nobody);
}

static void changes_its_certificate(void **state)
{
	struct echo *echo = *state;
	_cleanup_(rpc_client_closep) struct rpc_client *before = NULL;
	_cleanup_(rpc_client_closep) struct rpc_client *after = NULL;
	_cleanup_(trust_key_unrefp) struct trust_key *key = NULL;
	_cleanup_(trust_cert_unrefp) struct trust_cert *cert = NULL;
	struct error err = { 0 };
	struct trust_issue what = {
		.cn = "controller",
		.not_before = time(NULL),
		.not_after = time(NULL) + 1000,
		.server = true,
	};

	echo_start(echo);
	before = open_as(echo, NOBODY);
	assert_int_equal(trust_key_generate(&key, TRUST_KEY_P256, &err), 0);
	what.key = key;
	assert_int_equal(trust_cert_issue(&cert, echo->ca, echo->ca_key, &what, &err), 0);
	assert_int_equal(rpc_server_set_identity(echo->server, echo->node_key, cert, &err), -EINVAL);
	assert_int_equal(rpc_server_set_identity(echo->server, key, cert, &err), 0);
	after = open_as(echo, NOBODY);
	assert_memory_equal(rpc_client_session(after)->server_key_id, trust_key_id(key),
			    TRUST_KEY_ID_LEN);
	begin_ok(before);
	begin_ok(after);
}

/* -- bounds --------------------------------------------------------------------------------------- */

/* Read from a raw connection until it ends. */
static void expect_cut(int fd)
{
	char bytes[4096];
	struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	ssize_t n;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	do
		n = recv(fd, bytes, sizeof(bytes), 0);
	while (n > 0);
	assert_true(n == 0 || errno == ECONNRESET);
}

static int raw_connection(const struct echo *echo)
{
	char remote[RPC_REMOTE_SIZE];
	struct error err = { 0 };
	int fd;

	if (connect_tcp(&fd, remote, echo->address, connect_now_ms() + PATIENCE_MS, &err))
		fail_msg("%s", err.text);
	(void)fcntl(fd, F_SETFL, 0);
	return fd;
}

static void bounds_handshakes_in_time(void **state)
{
	struct echo *echo = *state;
	struct rpc_server_stats stats;
	int fd;

	echo->config.handshake_seconds = 1;
	echo_start(echo);
	fd = raw_connection(echo);
	expect_cut(fd);
	(void)close(fd);
	await_stats(echo, stats, stats.cut == 1 && !stats.sessions);
}

static void refuses_what_is_not_tls(void **state)
{
	struct echo *echo = *state;
	int fd;

	echo_start(echo);
	fd = raw_connection(echo);
	assert_int_equal(send(fd, "GET / HTTP/1.0\r\n\r\n", 18, MSG_NOSIGNAL), 18);
	expect_cut(fd);
	(void)close(fd);
}

static void bounds_anonymous_bytes(void **state)
{
	struct echo *echo = *state;
	_cleanup_(rpc_client_closep) struct rpc_client *client = NULL;
	_cleanup_(rpc_client_closep) struct rpc_client *node = NULL;
	Mmesh__V1__BeginRequest request = MMESH__V1__BEGIN_REQUEST__INIT;
	char token[4001];
	enum rpc_code code = RPC_OK;
	struct error err = { 0 };
	struct rpc_server_stats stats;
	void *reply;
	int n = 0;

	echo_start(echo);
	client = open_as(echo, NOBODY);
	node = open_as(echo, NODE);
	memset(token, 'x', 4000);
	token[4000] = 0;
	request.token = token;
	for (; code == RPC_OK && n < 100; n++) {
		code = rpc_client_call(client, ECHO_BEGIN, &request.base,
				       &mmesh__v1__begin_reply__descriptor, &reply, PATIENCE_MS, &err);
		if (reply)
			protobuf_c_message_free_unpacked(reply, NULL);
	}
	expect_code(code, RPC_UNAVAILABLE, &err, "");
	assert_in_range(n, 10, 17);
	await_stats(echo, stats, stats.cut == 1);
	for (n = 0; n < 20; n++)
		mmesh__v1__begin_reply__free_unpacked(begin(node, token, RPC_OK, ""), NULL);
}

static void bounds_lives(void **state)
{
	struct echo *echo = *state;
	_cleanup_(rpc_client_closep) struct rpc_client *node = NULL;
	_cleanup_(rpc_client_stream_closep) struct rpc_client_stream *stream = NULL;

	echo->config.session_seconds = 2;
	echo_start(echo);
	node = open_as(echo, NODE);
	stream = watch(node, "keep");
	expect_end(stream, RPC_UNAVAILABLE, "");
}

static void bounds_connections_of_a_source(void **state)
{
	struct echo *echo = *state;
	struct rpc_server_stats stats;
	int fd[4];

	echo->config.sessions_per_source = 3;
	echo_start(echo);
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		fd[i] = raw_connection(echo);
	expect_cut(fd[3]);
	await_stats(echo, stats, stats.refused_rate == 1 && stats.sessions == 3);
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		(void)close(fd[i]);
}

static void bounds_rate_of_a_source(void **state)
{
	struct echo *echo = *state;
	struct rpc_server_stats stats;
	int fd;

	echo->config.handshakes_per_second = 1;
	echo->config.sessions_per_source = 100;
	echo_start(echo);
	/* The burst, and no more than the seconds that this takes on top. */
	for (int i = 0; i < 40; i++) {
		fd = raw_connection(echo);
		(void)close(fd);
	}
	fd = raw_connection(echo);
	expect_cut(fd);
	(void)close(fd);
	rpc_server_stats(echo->server, &stats);
	assert_in_range(stats.refused_rate, 20, 37);
}

static void bounds_sessions(void **state)
{
	struct echo *echo = *state;
	_cleanup_(rpc_client_closep) struct rpc_client *one = NULL;
	struct rpc_server_stats stats;
	int fd;

	echo->config.sessions = 1;
	echo_start(echo);
	one = open_as(echo, NODE);
	begin_ok(one);
	fd = raw_connection(echo);
	expect_cut(fd);
	(void)close(fd);
	begin_ok(one);
	rpc_server_stats(echo->server, &stats);
	assert_int_equal(stats.refused_sessions, 1);
}

/* -- sockets -------------------------------------------------------------------------------------- */

static void unix_socket_has_its_mode(void **state)
{
	struct echo *echo = *state;
	struct rpc_server *second;
	struct error err = { 0 };
	struct stat st;

	echo->config.unix_mode = 0666;
	echo_start(echo);
	assert_int_equal(stat(echo->unix_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0666);
	/* Somebody listens on it. */
	echo->config.directory = "/tmp";
	echo->config.listen = NULL;
	assert_int_equal(rpc_server_start(&second, &echo->config, &err), -EADDRINUSE);
	assert_null(second);
	echo_stop(echo, 0);
	assert_int_equal(stat(echo->unix_path, &st), -1);
}

/* libgrpc's own socket is no way around the terminator. */
static void private_socket_serves_nobody(void **state)
{
	struct echo *echo = *state;
	char path[128];
	struct rpc_client_config config = { .unix_path = path };
	struct rpc_client *client;
	struct error err = { 0 };

	echo_start(echo);
	snprintf(path, sizeof(path), "%s/rpc.sock", echo->directory);
	assert_int_equal(rpc_client_open(&client, &config, &err), 0);
	begin(client, "x", RPC_UNAUTHENTICATED, "session is gone");
	plain_call(client, ECHO_STATUS, RPC_UNAUTHENTICATED, "session is gone");
	rpc_client_close(client);
}

static void bad_configurations(void **state)
{
	struct echo *echo = *state;
	const char *const wrong[] = { "127.0.0.1", NULL };
	struct rpc_server *server;
	struct error err = { 0 };

	echo->config.listen = wrong;
	assert_int_equal(rpc_server_start(&server, &echo->config, &err), -EINVAL);
	assert_non_null(strstr(err.text, "127.0.0.1: not ADDR:PORT"));
	echo->config.threads = 1000;
	assert_int_equal(rpc_server_start(&server, &echo->config, &err), -EINVAL);
	echo->config.threads = 0;
	echo->config.key = echo->node_key;
	assert_int_equal(rpc_server_start(&server, &echo->config, &err), -EINVAL);
	assert_non_null(strstr(err.text, "not the certificate's"));
	assert_null(server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(calls),
		TEST(sessions_differ),
		TEST(permissions),
		TEST(knows_the_server),
		TEST(refuses_foreign_certificates),
		TEST(request_sizes),
		TEST(malformed_requests),
		TEST(deadlines),
		TEST(many_callers),
		TEST(abort_ends_calls),
		TEST(streams),
		TEST(stream_permissions),
		TEST(kept_streams),
		TEST(connection_lost_ends_streams),
		TEST(flooded_stream),
		TEST(stops_with_streams),
		TEST(stream_outlives_server),
		TEST(stops_with_calls),
		TEST(cuts_by_key),
		TEST(changes_its_certificate),
		TEST(bounds_handshakes_in_time),
		TEST(refuses_what_is_not_tls),
		TEST(bounds_anonymous_bytes),
		TEST(bounds_lives),
		TEST(bounds_connections_of_a_source),
		TEST(bounds_rate_of_a_source),
		TEST(bounds_sessions),
		TEST(unix_socket_has_its_mode),
		TEST(private_socket_serves_nobody),
		TEST(bad_configurations),
	};

	return cmocka_run_group_tests_name("rpc", tests, NULL, NULL);
}
