/* SPDX-License-Identifier: Apache-2.0 */
/* The device's counters, straight from netlink. */
#ifndef WIRE_COUNTERS_H
#define WIRE_COUNTERS_H

#include <linux/mmesh.h>
#include <stdint.h>

struct counters {
	uint64_t value[MMESH_STAT_COUNT];
};

struct counters_link;

/* For device @dev of the network namespace that the caller is in now, wherever
 * it goes later. Ends the program when there is no such family.
 */
struct counters_link *counters_open(const char *dev);
void counters_read(struct counters_link *link, struct counters *counters);
/* As the UAPI header spells it, without MMESH_STAT_. */
const char *counter_name(unsigned int id);

#endif
