/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections of a server, by id. The terminator's thread makes and ends them; calls look theirs up, and hold
 * a reference for as long as they last.
 */
#ifndef LIBRPC_SESSION_H
#define LIBRPC_SESSION_H

#include <stdatomic.h>

#include "relay.h"
#include "rpc.h"
#include "source.h"

enum session_state {
	SESSION_HANDSHAKE,
	SESSION_CONNECTING,	/* to libgrpc, whose backlog was full */
	SESSION_RELAY,
	SESSION_ENDED,
};

/* What epoll(7) hands back. */
struct watch {
	enum { WATCH_WAKE, WATCH_LISTENER, WATCH_SESSION } kind;
	int fd;
	uint32_t events;	/* registered; 0 and !added: none */
	bool added;
	void *owner;
};

struct session {
	struct rpc_session about;	/* filled in before it gets into the table, then constant */
	atomic_uint refs;
	atomic_bool cut;

	/* The terminator's thread only. */
	enum session_state state;
	struct relay relay;
	struct watch net, inner;
	struct source *source;
	int64_t began_ms, moved_ms;
	uint64_t moved;
	struct session *previous, *next;

	struct session *same_slot;	/* the table's lock */
};

struct session_table;

int session_table_new(struct session_table **ret, struct error *err);
/* Empty by then. */
void session_table_free(struct session_table *table);

/* The table has a reference of its own until it is told to drop the session. */
void session_table_add(struct session_table *table, struct session *session);
void session_table_drop(struct session_table *table, struct session *session);

/* A reference; NULL when there is none of this id. */
struct session *session_table_get(struct session_table *table, uint64_t id);

/* Mark those of a certificate's key; how many were not marked yet. */
unsigned int session_table_cut(struct session_table *table,
			       const uint8_t key_id[TRUST_KEY_ID_LEN]);

/* @session may be NULL. */
void session_unref(struct session *session);

#endif
