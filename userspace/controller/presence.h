/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of nodes only while the controller runs: whether they are there, and their paths. */
#ifndef CONTROLLER_PRESENCE_H
#define CONTROLLER_PRESENCE_H

#include <stdbool.h>

#include "model.h"
#include "mmesh/v1/admin.pb-c.h"
#include "mmesh/v1/node.pb-c.h"

enum {
	PRESENCE_BUCKETS = 4096,
	PRESENCE_PEERS = 512,	    /* paths that are kept of a node */
	PRESENCE_PATH_SIZE = 96,
	REPORT_SECONDS = 60,	    /* between a node's reports */
	PRESENCE_SECONDS = 3 * REPORT_SECONDS,
};

struct presence_path {
	char peer[ID_SIZE];
	char path[PRESENCE_PATH_SIZE];
};

struct presence_node {
	struct presence_node *next;
	char id[ID_SIZE];
	int64_t last_seen;
	bool online; /* as the broker says; else its last report decides */
	bool by_broker;
	struct presence_path *path;
	size_t paths;
};

struct presence {
	struct presence_node *bucket[PRESENCE_BUCKETS];
};

/* A sign of life, or of death, of a node that exists. */
void presence_saw(struct presence *p, const char *id, int64_t now);
void presence_set(struct presence *p, const char *id, bool online, int64_t now);
void presence_paths(struct presence *p, const char *id, Mmesh__V1__PeerState *const *peer,
		    size_t n);
/* NULL: nothing is known. */
const struct presence_node *presence_get(const struct presence *p, const char *id);
bool presence_online(const struct presence *p, const char *id, int64_t now);
void presence_forget(struct presence *p, const char *id);
void presence_free(struct presence *p);

#endif
