// SPDX-License-Identifier: Apache-2.0
/* A session's thread: its controller, and the broker's set-up. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "daemon.h"
#include "log.h"

enum {
	RETRY_MIN_MS = 1000,
	RETRY_MAX_MS = 60000,
	CALL_MS = 20000,
	/* A broker from which no head came for so long is not believed to work. */
	SILENCE_MS = 120000,
	WATCH_STEP_MS = 250,
	REPORT_DEFAULT_S = 60,
	REFUSALS_LOGGED = 100,
};

int64_t daemon_now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void daemon_kick(struct daemon *daemon)
{
	const uint64_t one = 1;

	/* Full means that it has been kicked. */
	(void)!write(daemon->kick_fd, &one, sizeof(one));
}

struct session *daemon_find(struct daemon *daemon, const char *device)
{
	for (size_t i = 0; i < daemon->n_sessions; i++)
		if (!strcmp(daemon->session[i]->member->device, device))
			return daemon->session[i];
	return NULL;
}

void session_wake(struct session *s)
{
	(void)pthread_cond_signal(&s->wake);
}

void session_refuse(struct session *s, int r, const struct error *why)
{
	s->member->refused++;
	if (s->member->refused <= REFUSALS_LOGGED)
		log_line(r == -ESTALE ? LOG_INFO : LOG_WARNING, s->member->device,
			 "refused, and nothing is changed by it: %s", why->text);
}

/* -- the connection ------------------------------------------------------------------------------ */

static void disconnect(struct session *s)
{
	struct rpc_client_stream *watch = s->watch;
	struct rpc_client *client = s->client;

	s->watch = NULL;
	s->client = NULL;
	(void)pthread_mutex_unlock(&s->daemon->lock);
	rpc_client_stream_close(watch);
	rpc_client_close(client);
	(void)pthread_mutex_lock(&s->daemon->lock);
}

/* Under the lock, which is let go of meanwhile. */
static int connect_to(struct session *s, const char *address, struct error *err)
{
	struct member *m = s->member;
	_cleanup_(trust_cert_unrefp) struct trust_cert *cert = trust_cert_ref(m->cert);
	_cleanup_(trust_cert_unrefp) struct trust_cert *ca = trust_cert_ref(m->ca);
	struct rpc_client_config config = {
		.address = address,
		.ca = ca,
		.now = trust_clock_now(&m->clock),
		.key = m->identity,
		.cert = cert,
	};
	struct rpc_client *client = NULL;
	int r;

	(void)pthread_mutex_unlock(&s->daemon->lock);
	r = rpc_client_open(&client, &config, err);
	(void)pthread_mutex_lock(&s->daemon->lock);
	if (r < 0)
		return r;
	s->client = client;
	return 0;
}

static int need_client(struct session *s, struct error *err)
{
	size_t n = s->member->n_controllers;
	int r = error_set(err, EDESTADDRREQ, "no controller is known");

	for (size_t i = 0; !s->client && i < n && !s->stop; i++) {
		member_address address;

		memcpy(address, s->member->controller[(s->failures + i) % n], sizeof(address));
		r = connect_to(s, address, err);
	}
	return s->client ? 0 : r;
}

/* One call, without the lock. */
static int call(struct session *s, const char *method, const ProtobufCMessage *request,
		const ProtobufCMessageDescriptor *type, void **ret, struct error *err)
{
	struct rpc_client *client = s->client;
	enum rpc_code code;

	(void)pthread_mutex_unlock(&s->daemon->lock);
	code = rpc_client_call(client, method, request, type, ret, CALL_MS, err);
	(void)pthread_mutex_lock(&s->daemon->lock);
	if (code == RPC_OK)
		return 0;
	return error_prefix(err, code == RPC_PERMISSION_DENIED || code == RPC_UNAUTHENTICATED ||
					 code == RPC_NOT_FOUND ? -EACCES : -EIO,
			    "%s: ", rpc_code_name(code));
}

/* -- report -------------------------------------------------------------------------------------- */

static int report(struct session *s, struct error *err)
{
	Mmesh__V1__Capabilities capabilities = MMESH__V1__CAPABILITIES__INIT;
	Mmesh__V1__ReportRequest request = MMESH__V1__REPORT_REQUEST__INIT;
	_cleanup_(signed_copy_freep) Mmesh__V1__Signed *endpoints = NULL;
	Mmesh__V1__ReportReply *reply = NULL;
	struct member *m = s->member;
	struct stream *own = member_stream(m, m->subnet);
	char *suites[MMESH_MAX_SUITES];
	void *message = NULL;
	int r = 0;

	capabilities_fill(&capabilities, suites, &s->daemon->features);
	request.capabilities = &capabilities;
	if (m->endpoints)
		r = signed_copy(&endpoints, m->endpoints, err);
	if (r < 0)
		return r;
	request.endpoints = endpoints;
	request.epoch = own ? own->epoch : 0;
	request.sequence = own && s->settled ? own->sequence : 0;
	request.certificate_expires = trust_cert_not_after(m->cert);
	status_fill_report(s, &request);
	s->report_due = false;
	r = call(s, "/mmesh.v1.Node/Report", &request.base, &mmesh__v1__report_reply__descriptor,
		 &message, err);
	status_clear_report(&request);
	if (r < 0) {
		s->report_due = true;
		return r;
	}
	reply = message;
	s->next_report = daemon_now_ms() +
			 (int64_t)(reply->interval ? reply->interval : REPORT_DEFAULT_S) * 1000;
	mmesh__v1__report_reply__free_unpacked(reply, NULL);
	return 0;
}

/* -- renewal ------------------------------------------------------------------------------------- */

static bool renewal_is_due(const struct member *m)
{
	int64_t from = trust_cert_not_before(m->cert), to = trust_cert_not_after(m->cert);

	return trust_clock_now(&m->clock) > from + (to - from) / 2;
}

static bool has_expired(const struct member *m)
{
	return trust_clock_now(&m->clock) > trust_cert_not_after(m->cert);
}

/* It has to be the CA's and for our key; the CA stays the one that we know. */
static int take_certificate(struct session *s, const Mmesh__V1__RenewReply *reply,
			    struct error *err)
{
	_cleanup_(trust_cert_unrefp) struct trust_cert *cert = NULL;
	struct member *m = s->member;
	int r;

	r = trust_cert_parse(&cert, reply->certificate.data, reply->certificate.len, err);
	if (!r)
		r = trust_cert_verify(cert, m->ca, false, 0, err);
	if (!r && memcmp(trust_cert_key_id(cert), trust_key_id(m->identity), TRUST_KEY_ID_LEN))
		r = error_set(err, EBADMSG, "the new certificate is for another key");
	if (!r)
		r = member_add_delegations(m, reply->delegation, reply->n_delegation, err);
	if (r < 0)
		return r;
	trust_cert_unref(m->cert);
	m->cert = TAKE_PTR(cert);
	s->broker_stale = true;
	log_line(LOG_INFO, m->device, "the certificate is renewed");
	return member_save_certificate(m, err);
}

static int renew(struct session *s, struct error *err)
{
	Mmesh__V1__RenewRequest request = MMESH__V1__RENEW_REQUEST__INIT;
	_cleanup_free_ uint8_t *csr = NULL;
	void *reply = NULL;
	int r;

	r = trust_csr_make(&csr, &request.certificate_request.len, s->member->identity, err);
	if (r < 0)
		return r;
	request.certificate_request.data = csr;
	r = call(s, "/mmesh.v1.Enrolment/Renew", &request.base,
		 &mmesh__v1__renew_reply__descriptor, &reply, err);
	if (r < 0)
		return r;
	r = take_certificate(s, reply, err);
	mmesh__v1__renew_reply__free_unpacked(reply, NULL);
	return r;
}

/* -- what is due --------------------------------------------------------------------------------- */

static bool any_behind(const struct session *s)
{
	for (size_t i = 0; i < s->member->n_streams; i++)
		if (s->member->stream[i].behind)
			return true;
	return !s->member->n_streams;
}

static bool is_due(struct session *s)
{
	int64_t now = daemon_now_ms();

	if (now < s->retry_at)
		return false;
	if (now - s->heard_at > SILENCE_MS) {
		session_all_behind(s);
		s->heard_at = now;
	}
	return any_behind(s) || s->report_due || now >= s->next_report ||
	       renewal_is_due(s->member) || (!s->broker_up && !s->client);
}

static int serve(struct session *s, struct error *err)
{
	int r = need_client(s, err);

	if (!r && renewal_is_due(s->member)) {
		bool expired = has_expired(s->member);

		r = renew(s, err);
		/* With the old one nothing but renewal is allowed. */
		if (!r && expired)
			disconnect(s);
		if (!r)
			r = need_client(s, err);
	}
	if (!r && any_behind(s))
		r = session_pull(s, err);
	if (!r && (s->report_due || daemon_now_ms() >= s->next_report))
		r = report(s, err);
	return r;
}

static void succeed(struct session *s)
{
	if (!s->reachable)
		log_line(LOG_INFO, s->member->device, "the controller answers");
	s->reachable = true;
	s->failures = 0;
	s->retry_at = 0;
	s->heard_at = daemon_now_ms();
	(void)snprintf(s->controller_state, sizeof(s->controller_state), "connected");
}

static void fail(struct session *s, const struct error *why)
{
	int64_t pause = RETRY_MIN_MS << (s->failures < 6 ? s->failures : 6);
	char since[RFC3339_SIZE];
	uint8_t noise = 0;

	(void)trust_random(&noise, sizeof(noise), NULL);
	if (pause > RETRY_MAX_MS)
		pause = RETRY_MAX_MS;
	if (s->reachable || !s->unreachable_since) {
		s->unreachable_since = time(NULL);
		log_line(LOG_WARNING, s->member->device,
			 "the controller does not serve, the kernel stays as it is: %s", why->text);
	}
	s->reachable = false;
	s->failures++;
	s->retry_at = daemon_now_ms() + pause / 2 + pause * noise / 510;
	units_rfc3339(since, s->unreachable_since);
	(void)snprintf(s->controller_state, sizeof(s->controller_state),
		       "unreachable since %s: %.400s", since, why->text);
}

/* -- watching, while there is no broker ------------------------------------------------------------ */

static void open_watch(struct session *s)
{
	Mmesh__V1__WatchRequest request = MMESH__V1__WATCH_REQUEST__INIT;
	struct rpc_client_stream *watch = NULL;
	struct rpc_client *client = s->client;
	struct error err;
	enum rpc_code code;

	(void)pthread_mutex_unlock(&s->daemon->lock);
	code = rpc_client_stream_open(&watch, client, "/mmesh.v1.Node/Watch", &request.base,
				      &mmesh__v1__delta__descriptor, &err);
	(void)pthread_mutex_lock(&s->daemon->lock);
	if (code != RPC_OK) {
		fail(s, &err);
		disconnect(s);
		return;
	}
	s->watch = watch;
	/* What came before the stream stood was not heard. */
	session_all_behind(s);
}

static void watch_step(struct session *s)
{
	struct rpc_client_stream *watch = s->watch;
	void *message = NULL;
	struct error err;
	enum rpc_code code;

	(void)pthread_mutex_unlock(&s->daemon->lock);
	code = rpc_client_stream_next(watch, &message, WATCH_STEP_MS, &err);
	(void)pthread_mutex_lock(&s->daemon->lock);
	if (code == RPC_OK && message) {
		session_take_unpacked(s, message);
		mmesh__v1__delta__free_unpacked(message, NULL);
	} else if (code != RPC_DEADLINE_EXCEEDED && !s->stop) {
		if (code == RPC_OK)
			error_format(&err, "it ended the connection");
		fail(s, &err);
		disconnect(s);
	}
}

static void wait_for_work(struct session *s)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += 500 * 1000 * 1000;
	if (until.tv_nsec >= 1000 * 1000 * 1000) {
		until.tv_sec++;
		until.tv_nsec -= 1000 * 1000 * 1000;
	}
	(void)pthread_cond_timedwait(&s->wake, &s->daemon->lock, &until);
}

static void step(struct session *s)
{
	struct error err = { "" };
	int r;

	broker_tend(s);
	if (is_due(s)) {
		r = serve(s, &err);
		if (r < 0) {
			fail(s, &err);
			disconnect(s);
		} else {
			succeed(s);
		}
	}
	if (s->stop)
		return;
	if (s->broker_up && s->client)
		disconnect(s);
	if (!s->broker_up && s->client && !s->watch)
		open_watch(s);
	else if (s->watch)
		watch_step(s);
	else if (!any_behind(s) || daemon_now_ms() < s->retry_at)
		wait_for_work(s);
}

static void *work(void *arg)
{
	struct session *s = arg;

	(void)pthread_mutex_lock(&s->daemon->lock);
	while (!s->stop)
		step(s);
	disconnect(s);
	(void)pthread_mutex_unlock(&s->daemon->lock);
	broker_end(s);
	return NULL;
}

/* -- beginning and end --------------------------------------------------------------------------- */

struct session *session_add(struct daemon *daemon, struct member *member)
{
	struct session *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;

	if (!s || daemon->n_sessions == DAEMON_MAX_SESSIONS) {
		free(s);
		return NULL;
	}
	s->daemon = daemon;
	s->member = member;
	s->dirty = true;
	s->report_due = true;
	s->heard_at = daemon_now_ms();
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	(void)snprintf(s->controller_state, sizeof(s->controller_state), "not asked yet");
	(void)snprintf(s->broker_state, sizeof(s->broker_state), "not asked yet");
	session_all_behind(s);
	daemon->session[daemon->n_sessions++] = s;
	return s;
}

int session_start(struct session *s, struct error *err)
{
	int r = pthread_create(&s->thread, NULL, work, s);

	if (r)
		return error_set(err, r, "cannot make a thread");
	s->has_thread = true;
	return 0;
}

void session_end(struct session *s)
{
	(void)pthread_mutex_lock(&s->daemon->lock);
	s->stop = true;
	if (s->client)
		rpc_client_abort(s->client);
	session_wake(s);
	(void)pthread_mutex_unlock(&s->daemon->lock);
	if (s->has_thread)
		(void)pthread_join(s->thread, NULL);
	member_free(s->member);
	(void)pthread_cond_destroy(&s->wake);
	free(s);
}
