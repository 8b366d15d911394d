// SPDX-License-Identifier: Apache-2.0
/* The local API: what the tool asks for, over a unix socket. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "../librpc/server.h"
#include "daemon.h"
#include "link.h"
#include "log.h"
#include "mmesh/v1/local.pb-c.h"
#include "number.h"

enum {
	SETTLE_S = 20,
	REQUEST_MAX = 16 * 1024,
	NAME_MAX_LEN = 63,
};

/*
 * One change at a time: two joins do not take the same device, and nobody waits for
 * a session that another frees. Taken before the daemon's lock.
 */
static pthread_mutex_t changing = PTHREAD_MUTEX_INITIALIZER;

static void unlock_daemon(struct daemon *d)
{
	(void)pthread_mutex_unlock(&d->lock);
}

static struct timespec settle_deadline(void)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += SETTLE_S;
	return until;
}

/* Under the lock: until @done says so of the session, or the time is up. */
static bool wait_until(struct daemon *d, struct session *s, bool (*done)(const struct session *s))
{
	struct timespec until = settle_deadline();

	daemon_kick(d);
	while (!done(s))
		if (pthread_cond_timedwait(&d->settled, &d->lock, &until) == ETIMEDOUT)
			return done(s);
	return true;
}

static bool is_settled(const struct session *s)
{
	return s->settled && !s->dirty && !*s->kernel_error.text;
}

static bool is_removed(const struct session *s)
{
	return s->removed;
}

/* -- join ---------------------------------------------------------------------------------------- */

static int choose_device(struct daemon *d, char ret[IF_NAMESIZE], const char *wanted,
			 struct error *err)
{
	if (*wanted) {
		if (mmesh_link_check_name(wanted, err) < 0)
			return error_prefix(err, -EINVAL, "device: ");
		if (daemon_find(d, wanted) || if_nametoindex(wanted))
			return error_set(err, EEXIST, "device: there is already one named %s",
					 wanted);
		(void)snprintf(ret, IF_NAMESIZE, "%s", wanted);
		return 0;
	}
	for (unsigned int i = 0; i < DAEMON_MAX_SESSIONS; i++) {
		(void)snprintf(ret, IF_NAMESIZE, "mm%u", i);
		if (!daemon_find(d, ret) && !if_nametoindex(ret))
			return 0;
	}
	return error_set(err, ENOSPC, "device: mm0 to mm%d are taken", DAEMON_MAX_SESSIONS - 1);
}

static int take_endpoints(struct member *m, const Mmesh__V1__LocalJoinRequest *rq,
			  struct error *err)
{
	if (rq->n_endpoint > MEMBER_MAX_ENDPOINTS)
		return error_set(err, EINVAL, "endpoint: more than %d", MEMBER_MAX_ENDPOINTS);
	for (size_t i = 0; i < rq->n_endpoint; i++) {
		struct endpoint_name name;
		union endpoint ep;

		if (endpoint_split(&name, rq->endpoint[i], err) < 0 ||
		    endpoint_resolve_numeric(&ep, &name, err) < 0)
			return error_prefix(err, -EINVAL, "endpoint: ");
		(void)snprintf(m->extra[m->n_extra++], sizeof(member_address), "%.127s",
			       rq->endpoint[i]);
	}
	return 0;
}

static int take_wishes(struct member *m, const Mmesh__V1__LocalJoinRequest *rq, struct error *err)
{
	uint64_t table = 0;

	if (!*rq->token)
		return error_set(err, EINVAL, "token: there is none");
	if (strlen(rq->name) > NAME_MAX_LEN)
		return error_set(err, EINVAL, "name: longer than %d bytes", NAME_MAX_LEN);
	if (rq->listen_port > UINT16_MAX)
		return error_set(err, EINVAL, "listen_port: %u is no port", rq->listen_port);
	if (*rq->table && (number_parse(&table, rq->table, UINT32_MAX, NULL) < 0 || !table))
		return error_set(err, EINVAL, "table: \"%.40s\" is no number from 1 to %u",
				 rq->table, UINT32_MAX);
	if (*rq->controller) {
		struct endpoint_name name;

		if (strlen(rq->controller) >= sizeof(member_address) ||
		    endpoint_split(&name, rq->controller, err) < 0)
			return error_prefix(err, -EINVAL, "controller: ");
	}
	m->options.listen_port = (uint16_t)rq->listen_port;
	m->options.table = (uint32_t)table;
	m->options.up = true;
	return take_endpoints(m, rq, err);
}

static int join(struct daemon *d, const Mmesh__V1__LocalJoinRequest *rq, struct member **ret,
		struct error *err)
{
	const struct join_wish wish = {
		.token = rq->token,
		.name = rq->name,
		.address = rq->address,
		.controller = rq->controller,
		.relay = rq->relay,
	};
	_cleanup_(member_freep) struct member *m = NULL;
	char device[IF_NAMESIZE];
	int r;

	(void)pthread_mutex_lock(&d->lock);
	r = choose_device(d, device, rq->device, err);
	unlock_daemon(d);
	if (r < 0)
		return r;
	m = member_new(d->config->state, device);
	r = m ? take_wishes(m, rq, err) : error_oom(err);
	if (!r)
		r = join_network(m, &wish, &d->features, err);
	if (r < 0 && m && *m->dir)
		(void)member_forget(m, NULL);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(m);
	return 0;
}

/* Under the lock. */
static struct session *begin(struct daemon *d, struct member *m, struct error *err)
{
	struct session *s = d->stopping ? NULL : session_add(d, m);

	if (!s) {
		(void)member_forget(m, NULL);
		member_free(m);
		error_format(err, "the daemon takes no more memberships");
		return NULL;
	}
	log_line(LOG_NOTICE, m->device, "joined as %s", m->name);
	if (session_start(s, err) < 0)
		log_line(LOG_ERR, m->device, "%s", err->text);
	return s;
}

static void reply_joined(struct rpc_call *call, const struct session *s)
{
	Mmesh__V1__LocalJoinReply reply = MMESH__V1__LOCAL_JOIN_REPLY__INIT;
	const Mmesh__V1__NodeRecord *self = member_self(s->member);

	reply.device = s->member->device;
	reply.name = self ? self->name : s->member->name;
	reply.address = self ? self->address : NULL;
	reply.n_address = self ? self->n_address : 0;
	rpc_reply(call, &reply.base);
}

static void on_join(struct rpc_call *call, const void *request, void *user)
{
	struct daemon *d = user;
	struct member *m = NULL;
	struct session *s;
	struct error err = { "" };
	int r;

	(void)pthread_mutex_lock(&changing);
	r = join(d, request, &m, &err);
	if (r < 0) {
		rpc_fail_error(call, r, &err);
		(void)pthread_mutex_unlock(&changing);
		return;
	}
	(void)pthread_mutex_lock(&d->lock);
	s = begin(d, m, &err);
	if (!s)
		rpc_fail(call, RPC_UNAVAILABLE, "%s", err.text);
	else if (wait_until(d, s, is_settled))
		reply_joined(call, s);
	else
		rpc_fail(call, RPC_DEADLINE_EXCEEDED,
			 "this machine is %s now, but its device %s is not in service yet: %s",
			 s->member->name, s->member->device,
			 *s->kernel_error.text ? s->kernel_error.text : s->controller_state);
	unlock_daemon(d);
	(void)pthread_mutex_unlock(&changing);
}

/* -- leave, up, down ----------------------------------------------------------------------------- */

/* The one that is named, or the only one. */
static struct session *pick(struct daemon *d, const char *device, struct rpc_call *call)
{
	struct session *s = *device ? daemon_find(d, device) :
			    d->n_sessions == 1 ? d->session[0] : NULL;

	if (s && !s->removing)
		return s;
	if (*device)
		rpc_fail(call, RPC_NOT_FOUND, "device: there is no membership with %s", device);
	else
		rpc_fail(call, d->n_sessions ? RPC_INVALID_ARGUMENT : RPC_NOT_FOUND,
			 d->n_sessions ? "device: which one?" : "device: there is no membership");
	return NULL;
}

static void on_leave(struct rpc_call *call, const void *request, void *user)
{
	Mmesh__V1__LocalLeaveReply reply = MMESH__V1__LOCAL_LEAVE_REPLY__INIT;
	const Mmesh__V1__LocalLeaveRequest *rq = request;
	struct daemon *d = user;
	struct session *s;
	struct error err;

	(void)pthread_mutex_lock(&changing);
	(void)pthread_mutex_lock(&d->lock);
	s = pick(d, rq->device, call);
	if (s) {
		s->removing = true;
		if (!wait_until(d, s, is_removed)) {
			s->removing = false;
			rpc_fail(call, RPC_INTERNAL, "the device cannot be removed: %s",
				 s->kernel_error.text);
			s = NULL;
		} else if (member_forget(s->member, &err) < 0) {
			rpc_fail(call, RPC_INTERNAL, "%s", err.text);
		} else {
			log_line(LOG_NOTICE, s->member->device, "left");
			rpc_reply(call, &reply.base);
		}
	}
	unlock_daemon(d);
	if (s)
		session_end(s);
	(void)pthread_mutex_unlock(&changing);
}

static void set_up_one(struct session *s, bool up)
{
	struct error err;

	if (s->member->options.up == up)
		return;
	s->member->options.up = up;
	s->dirty = true;
	if (member_save(s->member, &err) < 0)
		log_line(LOG_WARNING, s->member->device, "%s", err.text);
}

/* Of one, or of all. False: the call was answered. */
static bool set_up(struct daemon *d, const char *device, bool up, struct rpc_call *call)
{
	bool any = false;

	for (size_t i = 0; i < d->n_sessions; i++) {
		if (*device && strcmp(device, d->session[i]->member->device))
			continue;
		set_up_one(d->session[i], up);
		any = true;
	}
	if (!any) {
		rpc_fail(call, RPC_NOT_FOUND, *device ? "device: there is no membership with it" :
							"device: there is no membership");
		return false;
	}
	for (size_t i = 0; i < d->n_sessions; i++) {
		struct session *s = d->session[i];

		if ((*device && strcmp(device, s->member->device)) || wait_until(d, s, is_settled))
			continue;
		rpc_fail(call, RPC_DEADLINE_EXCEEDED, "%s is not as it should be yet: %s",
			 s->member->device,
			 *s->kernel_error.text ? s->kernel_error.text : s->controller_state);
		return false;
	}
	return true;
}

static void on_up(struct rpc_call *call, const void *request, void *user)
{
	Mmesh__V1__LocalUpReply reply = MMESH__V1__LOCAL_UP_REPLY__INIT;
	const Mmesh__V1__LocalUpRequest *rq = request;
	struct daemon *d = user;

	(void)pthread_mutex_lock(&changing);
	(void)pthread_mutex_lock(&d->lock);
	if (set_up(d, rq->device, true, call))
		rpc_reply(call, &reply.base);
	unlock_daemon(d);
	(void)pthread_mutex_unlock(&changing);
}

static void on_down(struct rpc_call *call, const void *request, void *user)
{
	Mmesh__V1__LocalDownReply reply = MMESH__V1__LOCAL_DOWN_REPLY__INIT;
	const Mmesh__V1__LocalDownRequest *rq = request;
	struct daemon *d = user;

	(void)pthread_mutex_lock(&changing);
	(void)pthread_mutex_lock(&d->lock);
	if (set_up(d, rq->device, false, call))
		rpc_reply(call, &reply.base);
	unlock_daemon(d);
	(void)pthread_mutex_unlock(&changing);
}

static void on_status(struct rpc_call *call, const void *request, void *user)
{
	const Mmesh__V1__LocalStatusRequest *rq = request;
	Mmesh__V1__LocalStatus *status;
	struct daemon *d = user;

	(void)pthread_mutex_lock(&d->lock);
	status = status_make(d, rq->device);
	unlock_daemon(d);
	if (!status) {
		rpc_fail(call, RPC_RESOURCE_EXHAUSTED, "out of memory");
		return;
	}
	rpc_reply(call, &status->base);
	mmesh__v1__local_status__free_unpacked(status, NULL);
}

static const struct rpc_method methods[] = {
	{ "/mmesh.v1.Local/Join", RPC_ALLOW_OWNER, &mmesh__v1__local_join_request__descriptor,
	  REQUEST_MAX, on_join, NULL },
	{ "/mmesh.v1.Local/Leave", RPC_ALLOW_OWNER, &mmesh__v1__local_leave_request__descriptor,
	  REQUEST_MAX, on_leave, NULL },
	{ "/mmesh.v1.Local/Up", RPC_ALLOW_OWNER, &mmesh__v1__local_up_request__descriptor,
	  REQUEST_MAX, on_up, NULL },
	{ "/mmesh.v1.Local/Down", RPC_ALLOW_OWNER, &mmesh__v1__local_down_request__descriptor,
	  REQUEST_MAX, on_down, NULL },
	{ "/mmesh.v1.Local/Status", RPC_ALLOW_OWNER | RPC_ALLOW_LOCAL,
	  &mmesh__v1__local_status_request__descriptor, REQUEST_MAX, on_status, NULL },
};

static void on_log(void *user, int priority, const char *text)
{
	(void)user;
	log_line(priority, NULL, "%s", text);
}

int local_start(struct daemon *d, struct rpc_server **ret, struct error *err)
{
	char directory[sizeof(d->config->socket)];
	const struct rpc_server_config config = {
		.methods = methods,
		.n_methods = ARRAY_SIZE(methods),
		.user = d,
		.directory = d->config->state,
		.unix_path = d->config->socket,
		.unix_mode = 0666,
		.log = on_log,
	};
	char *slash;

	memcpy(directory, d->config->socket, sizeof(directory));
	slash = strrchr(directory, '/');
	if (slash && slash != directory) {
		*slash = '\0';
		if (mkdir(directory, 0755) < 0 && errno != EEXIST)
			return error_set(err, errno, "%s: %m", directory);
	}
	return rpc_server_start(ret, &config, err);
}
