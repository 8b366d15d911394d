/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the threads of the daemon share. The main thread talks to the kernel and
 * reconciles; each session has a thread for its controller, libmosquitto one for
 * its broker, and the local API its own. Everything in these structures is under
 * daemon->lock but for what is said to be never changed or one thread's; nobody
 * sends to the network or waits for it with the lock held.
 */
#ifndef MMESHD_DAEMON_H
#define MMESHD_DAEMON_H

#include <pthread.h>
#include <stdatomic.h>

#include "../librpc/client.h"
#include "units.h"
#include "config.h"
#include "kernel.h"
#include "member.h"

struct mosquitto;
struct rpc_client;

enum {
	DAEMON_MAX_SESSIONS = 64,
	SESSION_STATE_SIZE = 512,
};

/* A membership at work. */
struct session {
	struct daemon *daemon; /* never changed */
	struct member *member; /* never changed */

	/* Controller (session.c) */
	pthread_t thread;
	bool has_thread;
	pthread_cond_t wake;
	bool stop;
	struct rpc_client *client;	     /* its thread's; others abort it */
	struct rpc_client_stream *watch; /* its thread's */
	bool report_due, renew_due;
	int64_t next_report, retry_at; /* monotonic ms */
	unsigned int failures;
	bool reachable;
	int64_t unreachable_since;
	char controller_state[SESSION_STATE_SIZE];
	int64_t heard_at; /* last head or answer, monotonic ms */

	/* Broker (broker.c) */
	struct mosquitto *broker; /* set up and ended by the session's thread */
	bool broker_up;
	bool broker_stale; /* its certificate is not the newest */
	size_t broker_at;  /* which address, since: */
	int64_t broker_begun;
	size_t broker_streams; /* how many streams are subscribed to */
	char broker_state[SESSION_STATE_SIZE];

	/* Kernel (reconcile.c) */
	bool dirty;	      /* what is wanted may have changed since: */
	bool settled;	      /* the kernel had it once */
	uint32_t ifindex;
	uint32_t repairs;
	bool revoked;
	unsigned int skipped;
	struct error skipped_why;
	struct error kernel_error; /* "" : none */
	bool removing;		   /* the device is to go, and the session with it: */
	bool removed;		   /* it went, and is in no list any more */
};

struct daemon {
	struct config *config;	/* never changed but by SIGHUP, under the lock */
	pthread_mutex_t lock;
	pthread_cond_t settled; /* a reconciliation ended */
	uint64_t rounds;	/* reconciliations that ended */
	struct session *session[DAEMON_MAX_SESSIONS];
	size_t n_sessions;
	struct kernel_features features;
	bool addresses_changed;
	int kick_fd; /* wakes the main thread */
	bool stopping;
};

int64_t daemon_now_ms(void); /* monotonic */

/* The main thread is to reconcile soon. Any thread. */
void daemon_kick(struct daemon *daemon);

struct session *daemon_find(struct daemon *daemon, const char *device);

/* -- session.c ----------------------------------------------------------------------------------- */

/* Takes @member on success; not started. Under the lock. */
struct session *session_add(struct daemon *daemon, struct member *member);
int session_start(struct session *session, struct error *err);
/* Ends its threads and frees it. Not under the lock; the session is in no list any more. */
void session_end(struct session *session);
/* Under the lock: there is something to do for the session's thread. */
void session_wake(struct session *session);
/* Under the lock: not believed; @r is why. */
void session_refuse(struct session *session, int r, const struct error *why);

/* -- pull.c, under the lock; session_pull() lets go of it while it calls -------------------------- */

int session_pull(struct session *session, struct error *err);
void session_take_delta(struct session *session, const void *packed, size_t len);
void session_take_unpacked(struct session *session, Mmesh__V1__Delta *delta);
void session_take_head(struct session *session, const char *subnet, const void *packed, size_t len);
void session_all_behind(struct session *session);

/* -- broker.c, by the session's thread, under the lock ------------------------------------------- */

void broker_tend(struct session *session);
void broker_end(struct session *session); /* not under the lock */

/* -- join.c -------------------------------------------------------------------------------------- */

struct join_wish {
	const char *token, *name, *address, *controller;
	bool relay;
};

/*
 * Become a node. @member has device, options but for the key, and extra endpoints; the rest
 * is filled in and written. Blocks; no lock needed.
 */
int join_network(struct member *member, const struct join_wish *wish,
		 const struct kernel_features *features, struct error *err);

void capabilities_fill(Mmesh__V1__Capabilities *ret, char **suites,
		       const struct kernel_features *features);

/* -- discover.c ---------------------------------------------------------------------------------- */

/*
 * Main thread, under the lock: sign and keep the endpoints of the session's node if they differ from what was
 * announced; true when they do.
 */
bool discover_endpoints(struct session *session, struct nl_sock *route);

/* -- reconcile.c: main thread, under the lock ---------------------------------------------------- */

/* Bring the kernel to what is wanted, for all sessions that are dirty, or for all. */
void reconcile_all(struct daemon *daemon, struct kernel *kernel, bool all);

/* -- local.c ------------------------------------------------------------------------------------- */

struct rpc_server;
int local_start(struct daemon *daemon, struct rpc_server **ret, struct error *err);

/* -- status.c: under the lock -------------------------------------------------------------------- */

/* Freed with mmesh__v1__local_status__free_unpacked(); NULL without memory. */
struct Mmesh__V1__LocalStatus *status_make(struct daemon *daemon, const char *device);

enum { STATUS_MAX_STATES = 256 };

/* How the node reaches its peers, for the controller; status_clear_report() takes it out again. */
void status_fill_report(const struct session *session, Mmesh__V1__ReportRequest *request);
void status_clear_report(Mmesh__V1__ReportRequest *request);

#endif
