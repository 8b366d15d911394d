/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIBMMESH_NETNS_H
#define LIBMMESH_NETNS_H

#include "error.h"

/*
 * Move the calling thread into a network namespace: a name under /run/netns, as
 * "ip netns" makes them, or the number of a process. A name goes before a
 * number. What is opened afterwards belongs there.
 */
int netns_enter(const char *name_or_pid, struct error *err);

#endif
