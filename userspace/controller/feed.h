/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is told to those who listen: deltas and heads of streams to nodes that
 * watch and to the broker, changes of objects to operators that watch. Under
 * the model's lock.
 */
#ifndef CONTROLLER_FEED_H
#define CONTROLLER_FEED_H

#include "change.h"
#include "mmesh/v1/node.pb-c.h"
#include "mmesh/v1/admin.pb-c.h"
#include "server.h"
#include "stream.h"

enum { FEED_HEAD_SECONDS = 30, FEED_HEADS = 4096 };

struct node_watcher {
	struct node_watcher *next;
	struct rpc_stream *stream;
	char node[ID_SIZE];
	char network[ID_SIZE];
	char subnet[ID_SIZE];
	bool all; /* subnets of the network */
};

struct admin_watcher {
	struct admin_watcher *next;
	struct rpc_stream *stream;
	enum kind kind; /* KINDS: any */
	char under[PATH_SIZE];
};

/* A stream's newest signed head. */
struct feed_head {
	char id[ID_SIZE];
	uint64_t sequence;
	int64_t time;
	struct blob head;
};

struct feed {
	bool ended; /* nobody watches any more */
	struct node_watcher *nodes;
	struct admin_watcher *admins;
	struct feed_head head[FEED_HEADS]; /* by the stream's id; streams share places */
};

struct controller;

/* The stream's head, signed at most FEED_HEAD_SECONDS ago; the caller frees. */
int feed_head(struct controller *c, const char *stream, int64_t now,
	      Mmesh__V1__Signed **ret, struct error *err);
/* An entry as a message. */
int feed_entry(const struct stream_entry *e, Mmesh__V1__Entry **ret, struct error *err);

/* model.committed */
void feed_committed(void *controller, const struct change *c);
/* All heads anew, to everyone. */
void feed_heads(struct controller *c);

/* Watch from now on; what they hold of the stream is given back when it ends. */
int feed_watch_node(struct controller *c, struct rpc_stream *stream, const struct object *node,
		    const struct object *network, struct error *err);
int feed_watch_admin(struct controller *c, struct rpc_stream *stream, enum kind kind,
		     const char *under, struct error *err);
/* Ends all watching, for good. */
void feed_free(struct feed *f);

#endif
