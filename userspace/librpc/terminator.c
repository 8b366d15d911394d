// SPDX-License-Identifier: Apache-2.0
#include "terminator.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <syslog.h>

#include "connect.h"
#include "id.h"
#include "listener.h"
#include "thread.h"
#include "tls.h"

enum {
	LISTENERS_MAX = 16,
	EVENTS = 64,
	/* Connections taken from one listener before others get their turn. */
	ACCEPTS = 64,
	TICK_MS = 1000,
	RETRY_MS = 10,
	/* Sentences a tick for the log: what a stranger can cause must not fill a disk. */
	LOG_PER_TICK = 10,
};

struct limits {
	unsigned int sessions;
	int64_t handshake_ms, anonymous_ms, session_ms, idle_ms;
	uint64_t anonymous_bytes;
};

struct listener {
	struct watch watch;
	bool is_unix;
	uint16_t port;
	char *path;
};

struct terminator {
	pthread_t thread;
	bool running;
	int epoll, wake;
	struct watch waker;
	atomic_bool stop, closing;

	struct limits limits;
	void *user;
	void (*log)(void *user, int priority, const char *text);
	unsigned int logged;

	struct listener listener[LISTENERS_MAX];
	size_t n_listeners;
	bool listeners_closed;		/* the thread's */
	bool out_of_files;
	struct sockaddr_un inner;
	char prefix[TRUST_ID_SIZE];	/* of this server's names */

	pthread_mutex_t context_lock;
	SSL_CTX *ctx;

	struct sources *sources;
	struct session_table *table;
	struct session *first, *ended;	/* the thread's */
	unsigned int connecting;
	uint64_t last_id;
	int64_t last_tick_ms;

	struct {
		atomic_ullong accepted, handshakes, refused_rate, refused_sessions, failed_handshakes, cut;
		atomic_uint sessions;
	} count;
};

static void _printf_(3, 4) say(struct terminator *t, int priority, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (!t->log || t->logged++ >= LOG_PER_TICK)
		return;
	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) >= 0)
		t->log(t->user, priority, text);
	va_end(ap);
}

/* -- epoll ---------------------------------------------------------------------------------------- */

static int watch_set(struct terminator *t, struct watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	if (watch->added && watch->events == events)
		return 0;
	if (epoll_ctl(t->epoll, watch->added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, watch->fd, &event) < 0)
		return -errno;
	watch->added = true;
	watch->events = events;
	return 0;
}

static uint32_t to_epoll(short events)
{
	return (events & POLLIN ? EPOLLIN : 0) | (events & POLLOUT ? EPOLLOUT : 0);
}

static int session_watch(struct terminator *t, struct session *s)
{
	int r = watch_set(t, &s->net, to_epoll(relay_net_events(&s->relay)));

	if (r || s->state != SESSION_RELAY)
		return r;
	return watch_set(t, &s->inner, to_epoll(relay_inner_events(&s->relay)));
}

/* -- sessions ------------------------------------------------------------------------------------- */

/* Freed after the round of events that it may still be part of. */
static void session_end(struct terminator *t, struct session *s)
{
	if (s->state == SESSION_ENDED)
		return;
	if (s->state == SESSION_CONNECTING)
		t->connecting--;
	if (s->state != SESSION_HANDSHAKE)
		session_table_drop(t->table, s);
	s->state = SESSION_ENDED;
	/* Whoever sees the connection closed sees it counted. */
	atomic_fetch_sub(&t->count.sessions, 1);
	/* Closing takes the descriptors out of epoll's set. */
	relay_clear(&s->relay);
	source_release(s->source);
	s->source = NULL;
	if (s->previous)
		s->previous->next = s->next;
	else
		t->first = s->next;
	if (s->next)
		s->next->previous = s->previous;
	s->next = t->ended;
	t->ended = s;
}

static void free_ended(struct terminator *t)
{
	while (t->ended) {
		struct session *s = t->ended;

		t->ended = s->next;
		session_unref(s);
	}
}

/* By a bound of ours, not by the other end. */
static void session_cut(struct terminator *t, struct session *s, const char *why)
{
	say(t, LOG_INFO, "%s: connection cut: %s", s->about.remote, why);
	atomic_fetch_add(&t->count.cut, 1);
	session_end(t, s);
}

/* A socket with the session's own name, connected to libgrpc. -EAGAIN: its backlog is full. */
static int connect_inner(struct terminator *t, struct session *s, int *ret)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int n;

	if (fd < 0)
		return -errno;
	/* In the abstract namespace: the first byte stays zero. */
	n = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "%s.%" PRIu64, t->prefix, s->about.id);
	if (bind(fd, (struct sockaddr *)&name,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&t->inner, sizeof(t->inner)) < 0)
		return -errno;
	*ret = fd;
	fd = -1;
	return 0;
}

static void session_pump(struct terminator *t, struct session *s)
{
	struct error err = { 0 };
	int r = relay_pump(&s->relay, &err);

	if (!r)
		r = session_watch(t, s);
	if (r)
		session_end(t, s);
}

/* It may speak: into the table, and on to libgrpc. */
static void session_connect(struct terminator *t, struct session *s)
{
	int fd = -1, r;

	if (s->state == SESSION_HANDSHAKE)
		session_table_add(t->table, s);
	else
		t->connecting--;
	s->state = SESSION_RELAY;
	r = connect_inner(t, s, &fd);
	if (r == -EAGAIN) {
		s->state = SESSION_CONNECTING;
		t->connecting++;
		/* Not before there is somebody to hand it to. */
		if (watch_set(t, &s->net, 0))
			session_end(t, s);
		return;
	}
	if (r) {
		say(t, LOG_ERR, "%s: no connection to the server itself: %s", s->about.remote,
		    strerror(-r));
		session_end(t, s);
		return;
	}
	s->relay.inner = fd;
	s->inner.fd = fd;
	session_pump(t, s);
}

static void session_handshake(struct terminator *t, struct session *s)
{
	struct error err = { 0 };
	int r = relay_handshake(&s->relay, &err);

	if (r == -EAGAIN)
		r = session_watch(t, s);
	else if (!r)
		r = tls_describe(&s->about, s->relay.ssl, true, &err);
	if (r) {
		atomic_fetch_add(&t->count.failed_handshakes, 1);
		say(t, LOG_INFO, "%s: %s", s->about.remote, err.text);
		session_end(t, s);
		return;
	}
	if (!SSL_is_init_finished(s->relay.ssl))
		return;
	atomic_fetch_add(&t->count.handshakes, 1);
	if (s->about.has_certificate) {
		source_release(s->source);
		s->source = NULL;
	}
	session_connect(t, s);
}

static bool session_is_anonymous(const struct session *s)
{
	return s->relay.ssl && !s->about.has_certificate;
}

static bool session_too_much(const struct terminator *t, const struct session *s)
{
	return session_is_anonymous(s) && s->relay.received > t->limits.anonymous_bytes;
}

static void session_event(struct terminator *t, struct session *s)
{
	switch (s->state) {
	case SESSION_HANDSHAKE:
		session_handshake(t, s);
		break;
	case SESSION_RELAY:
		session_pump(t, s);
		break;
	case SESSION_CONNECTING:
		/* Nothing was asked for, so the other end is gone. */
		session_end(t, s);
		break;
	case SESSION_ENDED:
		break;
	}
	if (s->state != SESSION_ENDED && session_too_much(t, s))
		session_cut(t, s, "too many bytes without a certificate");
}

/* -- bounds in time ------------------------------------------------------------------------------- */

static const char *session_overdue(const struct terminator *t, struct session *s, int64_t now)
{
	uint64_t moved = s->relay.received + s->relay.sent;
	int64_t age = now - s->began_ms;

	if (moved != s->moved) {
		s->moved = moved;
		s->moved_ms = now;
	}
	if (atomic_load(&s->cut))
		return "its key was revoked";
	if (s->state == SESSION_HANDSHAKE)
		return age > t->limits.handshake_ms ? "no handshake in time" : NULL;
	if (session_is_anonymous(s) && age > t->limits.anonymous_ms)
		return "no certificate in time";
	if (s->relay.ssl && age > t->limits.session_ms)
		return "it has lasted long enough";
	return now - s->moved_ms > t->limits.idle_ms ? "idle" : NULL;
}

static void look_after(struct terminator *t, int64_t now)
{
	for (struct session *s = t->first, *next; s; s = next) {
		const char *why = session_overdue(t, s, now);

		next = s->next;
		if (why)
			session_cut(t, s, why);
	}
}

static void retry_connects(struct terminator *t)
{
	for (struct session *s = t->first, *next; s && t->connecting; s = next) {
		next = s->next;
		if (s->state == SESSION_CONNECTING)
			session_connect(t, s);
	}
}

/* -- connections ---------------------------------------------------------------------------------- */

static SSL_CTX *current_context(struct terminator *t)
{
	SSL_CTX *ctx;

	(void)pthread_mutex_lock(&t->context_lock);
	ctx = t->ctx;
	(void)SSL_CTX_up_ref(ctx);
	(void)pthread_mutex_unlock(&t->context_lock);
	return ctx;
}

static int describe_unix(struct rpc_session *about, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -errno;
	about->uid = peer.uid;
	about->pid = peer.pid;
	about->owner = peer.uid == 0 || peer.uid == geteuid();
	(void)snprintf(about->remote, sizeof(about->remote), "pid %d, uid %u", (int)peer.pid,
		       (unsigned int)peer.uid);
	return 0;
}

static struct session *session_new(struct terminator *t)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->refs = 1;
	s->about.id = ++t->last_id;
	s->state = SESSION_HANDSHAKE;
	s->began_ms = s->moved_ms = connect_now_ms();
	s->net = (struct watch){ .kind = WATCH_SESSION, .owner = s };
	s->inner = (struct watch){ .kind = WATCH_SESSION, .owner = s };
	s->relay = (struct relay){ .net = -1, .inner = -1 };
	s->next = t->first;
	if (t->first)
		t->first->previous = s;
	t->first = s;
	atomic_fetch_add(&t->count.sessions, 1);
	return s;
}

static void begin_unix(struct terminator *t, struct session *s, int fd)
{
	if (relay_init(&s->relay, fd, NULL, true, NULL) || describe_unix(&s->about, fd))
		session_end(t, s);
	else
		session_connect(t, s);
}

static void begin_tls(struct terminator *t, struct session *s, int fd,
		      const union listener_address *address)
{
	SSL_CTX *ctx = current_context(t);
	int r;

	connect_tune(fd);
	listener_format(s->about.remote, sizeof(s->about.remote), address);
	r = relay_init(&s->relay, fd, ctx, true, NULL);
	SSL_CTX_free(ctx);
	if (r)
		session_end(t, s);
	else
		session_handshake(t, s);
}

static void begin(struct terminator *t, const struct listener *listener, int fd,
		  const union listener_address *address)
{
	struct source *source = NULL;
	struct session *s;

	atomic_fetch_add(&t->count.accepted, 1);
	if (atomic_load(&t->count.sessions) >= t->limits.sessions) {
		atomic_fetch_add(&t->count.refused_sessions, 1);
		(void)close(fd);
		return;
	}
	if (!listener->is_unix) {
		source = sources_admit(t->sources, &address->sa, connect_now_ms());
		if (!source) {
			atomic_fetch_add(&t->count.refused_rate, 1);
			(void)close(fd);
			return;
		}
	}
	s = session_new(t);
	if (!s) {
		source_release(source);
		(void)close(fd);
		return;
	}
	s->source = source;
	s->net.fd = fd;
	if (listener->is_unix)
		begin_unix(t, s, fd);
	else
		begin_tls(t, s, fd, address);
}

static void listen_on(struct terminator *t, bool on)
{
	for (size_t i = 0; i < t->n_listeners; i++) {
		if (t->listener[i].watch.fd >= 0)
			(void)watch_set(t, &t->listener[i].watch, on ? EPOLLIN : 0);
	}
	t->out_of_files = !on;
}

static void accept_from(struct terminator *t, const struct listener *listener)
{
	for (int i = 0; i < ACCEPTS && listener->watch.fd >= 0; i++) {
		union listener_address address = { 0 };
		socklen_t len = sizeof(address);
		int fd = accept4(listener->watch.fd, &address.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
			/* The connection would stay readable: look again at the next tick. */
			say(t, LOG_ERR, "no more connections: %s", strerror(errno));
			listen_on(t, false);
			return;
		}
		if (fd < 0 && errno == EAGAIN)
			return;
		if (fd >= 0)
			begin(t, listener, fd, &address);
	}
}

/* -- the thread ----------------------------------------------------------------------------------- */

static void close_listener(struct listener *listener)
{
	if (listener->watch.fd >= 0)
		(void)close(listener->watch.fd);
	listener->watch.fd = -1;
	if (listener->path)
		(void)unlink(listener->path);
	free(listener->path);
	listener->path = NULL;
}

static void woken(struct terminator *t)
{
	uint64_t n;

	/* Only the waking counts, and that has happened. */
	(void)!read(t->wake, &n, sizeof(n));
	if (atomic_load(&t->closing) && !t->listeners_closed) {
		t->listeners_closed = true;
		for (size_t i = 0; i < t->n_listeners; i++)
			close_listener(&t->listener[i]);
	}
	look_after(t, connect_now_ms());
}

static void on_event(struct terminator *t, const struct watch *watch)
{
	switch (watch->kind) {
	case WATCH_WAKE:
		woken(t);
		break;
	case WATCH_LISTENER:
		accept_from(t, watch->owner);
		break;
	case WATCH_SESSION:
		session_event(t, watch->owner);
		break;
	}
}

static void tick(struct terminator *t)
{
	int64_t now = connect_now_ms();

	if (t->connecting)
		retry_connects(t);
	if (now - t->last_tick_ms < TICK_MS)
		return;
	t->last_tick_ms = now;
	t->logged = 0;
	if (t->out_of_files)
		listen_on(t, true);
	look_after(t, now);
}

static void *run(void *arg)
{
	struct terminator *t = arg;
	struct epoll_event event[EVENTS];

	while (!atomic_load(&t->stop)) {
		int timeout = t->connecting ? RETRY_MS : t->first || t->out_of_files ? TICK_MS : -1;
		int n = epoll_wait(t->epoll, event, EVENTS, timeout);

		for (int i = 0; i < n; i++)
			on_event(t, event[i].data.ptr);
		tick(t);
		free_ended(t);
	}
	while (t->first)
		session_end(t, t->first);
	free_ended(t);
	return NULL;
}

static void wake(struct terminator *t)
{
	uint64_t one = 1;

	/* A full counter wakes as well. */
	(void)!write(t->wake, &one, sizeof(one));
}

/* -- start and stop ------------------------------------------------------------------------------- */

static unsigned int or_default(unsigned int value, unsigned int otherwise)
{
	return value ? value : otherwise;
}

static void set_limits(struct limits *limits, const struct rpc_server_config *config)
{
	limits->sessions = or_default(config->sessions, 16384);
	limits->handshake_ms = or_default(config->handshake_seconds, 10) * INT64_C(1000);
	limits->anonymous_ms = or_default(config->anonymous_seconds, 20) * INT64_C(1000);
	limits->session_ms = or_default(config->session_seconds, 43200) * INT64_C(1000);
	limits->idle_ms = or_default(config->idle_seconds, 3600) * INT64_C(1000);
	limits->anonymous_bytes = config->anonymous_bytes ? config->anonymous_bytes : 65536;
}

static int add_listener(struct terminator *t, int fd, const char *unix_path, struct error *err)
{
	struct listener *listener = &t->listener[t->n_listeners];
	int r;

	listener->watch = (struct watch){ .kind = WATCH_LISTENER, .fd = fd, .owner = listener };
	listener->is_unix = unix_path;
	listener->port = unix_path ? 0 : listener_port(fd);
	t->n_listeners++;
	if (unix_path) {
		listener->path = strdup(unix_path);
		if (!listener->path)
			return error_oom(err);
	}
	r = watch_set(t, &listener->watch, EPOLLIN);
	return r ? error_set(err, -r, "epoll: %s", strerror(-r)) : 0;
}

static int open_listeners(struct terminator *t, const struct rpc_server_config *config,
			  struct error *err)
{
	int fd, r = 0;

	for (size_t i = 0; !r && config->listen && config->listen[i]; i++) {
		if (i == LISTENERS_MAX - 1)
			return error_set(err, E2BIG, "more than %d addresses to listen on",
					 LISTENERS_MAX - 1);
		r = listener_tcp(&fd, config->listen[i], err);
		if (!r)
			r = add_listener(t, fd, NULL, err);
	}
	if (!r && config->unix_path) {
		r = listener_unix(&fd, config->unix_path, config->unix_mode ? config->unix_mode : 0600,
				  err);
		if (!r)
			r = add_listener(t, fd, config->unix_path, err);
	}
	return r;
}

static int set_up(struct terminator *t, const struct rpc_server_config *config,
		  const char *inner_path, struct error *err)
{
	const struct source_limits limits = {
		.per_second = or_default(config->handshakes_per_second, 10),
		.at_a_time = or_default(config->sessions_per_source, 16),
	};
	int r;

	set_limits(&t->limits, config);
	t->user = config->user;
	t->log = config->log;
	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	t->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->epoll < 0 || t->wake < 0)
		return error_set(err, errno, "epoll: %s", strerror(errno));
	t->waker = (struct watch){ .kind = WATCH_WAKE, .fd = t->wake };
	r = watch_set(t, &t->waker, EPOLLIN);
	if (r)
		return error_set(err, -r, "epoll: %s", strerror(-r));
	r = listener_unix_address(&t->inner, inner_path, err);
	if (!r)
		r = trust_random_id(t->prefix, err);
	if (!r)
		r = sources_new(&t->sources, &limits, err);
	if (!r)
		r = session_table_new(&t->table, err);
	return r ? r : open_listeners(t, config, err);
}

int terminator_start(struct terminator **ret, const struct rpc_server_config *config,
		     SSL_CTX *ctx, const char *inner_path, struct error *err)
{
	struct terminator *t = calloc(1, sizeof(*t));
	int r;

	*ret = NULL;
	if (!t)
		return error_oom(err);
	t->epoll = t->wake = -1;
	(void)pthread_mutex_init(&t->context_lock, NULL);
	if (ctx)
		(void)SSL_CTX_up_ref(ctx);
	t->ctx = ctx;
	r = set_up(t, config, inner_path, err);
	if (!r)
		r = thread_start(&t->thread, run, t, err);
	if (r) {
		terminator_stop(t);
		return r;
	}
	t->running = true;
	*ret = t;
	return 0;
}

void terminator_close_listeners(struct terminator *t)
{
	atomic_store(&t->closing, true);
	wake(t);
}

void terminator_stop(struct terminator *t)
{
	if (!t)
		return;
	if (t->running) {
		atomic_store(&t->stop, true);
		wake(t);
		(void)pthread_join(t->thread, NULL);
	}
	for (size_t i = 0; i < t->n_listeners; i++)
		close_listener(&t->listener[i]);
	if (t->epoll >= 0)
		(void)close(t->epoll);
	if (t->wake >= 0)
		(void)close(t->wake);
	session_table_free(t->table);
	sources_free(t->sources);
	SSL_CTX_free(t->ctx);
	(void)pthread_mutex_destroy(&t->context_lock);
	free(t);
}

/* -- from other threads --------------------------------------------------------------------------- */

void terminator_set_context(struct terminator *t, SSL_CTX *ctx)
{
	SSL_CTX *old;

	(void)SSL_CTX_up_ref(ctx);
	(void)pthread_mutex_lock(&t->context_lock);
	old = t->ctx;
	t->ctx = ctx;
	(void)pthread_mutex_unlock(&t->context_lock);
	SSL_CTX_free(old);
}

struct session *terminator_session(struct terminator *t, const char *peer)
{
	/* "unix-abstract:PREFIX.ID"; a name without our prefix is not one that we bound. */
	const char *name = strstr(peer, t->prefix);
	uint64_t id;
	char *end;

	if (!name || name[TRUST_ID_SIZE - 1] != '.')
		return NULL;
	errno = 0;
	id = strtoull(name + TRUST_ID_SIZE, &end, 10);
	return errno || *end ? NULL : session_table_get(t->table, id);
}

unsigned int terminator_cut(struct terminator *t, const uint8_t key_id[TRUST_KEY_ID_LEN])
{
	unsigned int n = session_table_cut(t->table, key_id);

	if (n)
		wake(t);
	return n;
}

uint16_t terminator_port(const struct terminator *t, size_t index)
{
	/* The unix socket is the last of them. */
	return index < t->n_listeners ? t->listener[index].port : 0;
}

void terminator_stats(struct terminator *t, struct rpc_server_stats *ret)
{
	ret->accepted = atomic_load(&t->count.accepted);
	ret->handshakes = atomic_load(&t->count.handshakes);
	ret->refused_rate = atomic_load(&t->count.refused_rate);
	ret->refused_sessions = atomic_load(&t->count.refused_sessions);
	ret->failed_handshakes = atomic_load(&t->count.failed_handshakes);
	ret->cut = atomic_load(&t->count.cut);
	ret->sessions = atomic_load(&t->count.sessions);
}
