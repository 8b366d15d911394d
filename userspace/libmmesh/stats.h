/* SPDX-License-Identifier: Apache-2.0 */
/* The family's object "stat": the counters of a device. */
#ifndef LIBMMESH_STATS_H
#define LIBMMESH_STATS_H

#include <net/if.h>

#include "client.h"

enum { MMESH_MAX_COUNTERS = 512 };

struct mmesh_stats {
	char name[IF_NAMESIZE];
	uint32_t ifindex;
	size_t count;
	struct mmesh_counter {
		uint32_t id; /* enum mmesh_stat, or newer */
		uint64_t value;
	} counter[MMESH_MAX_COUNTERS];
};

/* Called once for each device; the structure is the caller's only meanwhile. */
typedef int (*mmesh_stats_fn)(const struct mmesh_stats *stats, void *user, struct error *err);

/* Read the counters of @device, or of all devices when it is NULL. */
int mmesh_stats_read(struct mmesh_client *client, const char *device, mmesh_stats_fn on_stats,
		     void *user, struct error *err);

/* Name and meaning; for an id that this library doesn't know "stat_N" and "". */
enum { MMESH_STAT_NAME_SIZE = 48 };
void mmesh_stat_name(char ret_name[MMESH_STAT_NAME_SIZE], const char **ret_meaning, uint32_t id);

#endif
