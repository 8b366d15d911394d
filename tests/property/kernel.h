/* SPDX-License-Identifier: Apache-2.0 */
/* A topology in the kernel: devices mm0, mm1, … of the current network
 * namespace, whose sockets are in another one, 127.0.0.1, FIRST_PORT and on.
 * What must not fail ends the program.
 */
#ifndef PROPERTY_KERNEL_H
#define PROPERTY_KERNEL_H

#include <linux/mmesh.h>

#include "topology.h"

enum { FIRST_PORT = 20000 };

void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

void kernel_open(void);
/* Configure @t; what the two nodes send to one another goes to @tap_port. */
void kernel_set(const struct topology *t, int tap_from, int tap_to, uint16_t tap_port);
void kernel_set_routed(unsigned int node, bool routed);
/* Remove the peers; what waits for them is dropped. */
void kernel_clear(void);
/* Interface number of node @i's device, and the node of a number, or -1. */
unsigned int kernel_ifindex(unsigned int i);
int kernel_node(unsigned int ifindex);
/* Number of node @i's public key @k of @t may be given to @j: the kernel's errno. */
int kernel_try_key(const struct topology *t, unsigned int i, unsigned int j);
int kernel_try_network(unsigned int i, uint64_t network);
/* The same of a link that is refused, from node @i to node @k. */
int kernel_try_peer(const struct topology *t, unsigned int i, unsigned int k);

/* The counters of all nodes as they are now. */
struct counters {
	uint64_t value[NODES][MMESH_STAT_COUNT];
};
void kernel_count(struct counters *ret);

#endif
