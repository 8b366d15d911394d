/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One change of the model: a transaction, and what has to be told to others once
 * it is committed: which streams moved, which objects changed, whose sessions
 * have to be cut. change_begin() takes the model's lock, change_end() gives it back.
 */
#ifndef CONTROLLER_CHANGE_H
#define CONTROLLER_CHANGE_H

#include <pthread.h>

#include "model.h"
#include "store.h"
#include "trust-key.h"

struct change;

/* The makers of records; all but the tenants' roots, which need no key to be used. */
struct model {
	pthread_mutex_t lock;
	struct store store;
	struct trust_key *signer; /* the controller's, delegated by each tenant's root */
	/* A new tenant's root key: *@ret private; NULL: tenants can't be made. */
	int (*make_root)(void *arg, const char *tenant, struct trust_key **ret, struct error *err);
	/* What tokens say: addresses, CA. NULL: tokens can't be made. */
	int (*make_token)(void *arg, const struct tenant *tenant, char **ret_secret,
			  char ret_id[ID_SIZE], struct trust_key **ret_key, struct error *err);
	/* The root key of a tenant for a delegation; NULL when it is offline. */
	int (*get_root)(void *arg, const char *tenant, struct trust_key **ret, struct error *err);
	/* After a commit, with the lock held. */
	void (*committed)(void *arg, const struct change *c);
	void *arg;
};

/* What a stream has at a sequence number. */
struct stream_entry {
	uint64_t sequence;
	char object[ID_SIZE];
	char kind[16];
	struct blob record;    /* Signed, packed */
	struct blob endpoints; /* likewise, or empty */
};

struct touched_stream {
	char id[ID_SIZE];
	char network[ID_SIZE];
	uint64_t before;
	uint64_t after;
	struct stream_entry *entry;
	size_t entries;
};

struct change_event {
	const char *verb; /* "put", "delete" */
	char path[PATH_SIZE];
	struct object object;
};

struct change {
	struct model *m;
	struct store *s;
	const char *who;
	int64_t now;
	bool open;
	struct touched_stream *stream;
	size_t streams;
	struct change_event *event;
	size_t events;
	uint8_t (*cut)[TRUST_KEY_ID_LEN]; /* keys whose sessions have to end */
	size_t cuts;
	bool permissions; /* the broker's file is out of date */
	const struct blob *statement; /* packed Signed: of the node that is made in this change; may be NULL */
};

/* @who is for the audit, and has to last. On failure the lock is not held. */
int change_begin(struct change *ret, struct model *m, const char *who, struct error *err);
/* Commit, tell, give back the lock; on failure everything is as it was. */
int change_commit(struct change *c, struct error *err);
/* Unless committed: roll back. For _cleanup_; takes one that is all zero. */
void change_end(struct change *c);
#define _cleanup_change_ _cleanup_(change_end)

/* An object was put or deleted: an audit row and an event. */
int change_note(struct change *c, const char *verb, const char *path, const struct object *o,
		struct error *err);
int change_cut(struct change *c, const uint8_t key_id[TRUST_KEY_ID_LEN], struct error *err);

/* Only to read: the lock and nothing else. */
void model_lock(struct model *m);
void model_unlock(struct model *m);

#endif
