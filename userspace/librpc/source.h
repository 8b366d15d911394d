/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often an address may come, and with how many connections that have not said who they are. IPv4 by
 * address, IPv6 by /64. A table of fixed size; one thread.
 */
#ifndef LIBRPC_SOURCE_H
#define LIBRPC_SOURCE_H

#include <stdint.h>
#include <sys/socket.h>

#include "error.h"

struct sources;
struct source;

struct source_limits {
	unsigned int per_second;	/* connections; bursts of 4 times as many */
	unsigned int at_a_time;
};

int sources_new(struct sources **ret, const struct source_limits *limits, struct error *err);
void sources_free(struct sources *sources);

/* One more connection at @now_ms (any clock that only grows). NULL: it is refused. */
struct source *sources_admit(struct sources *sources, const struct sockaddr *address,
			     int64_t now_ms);

/* The connection ended, or said who it is; @source may be NULL. */
void source_release(struct source *source);

#endif
