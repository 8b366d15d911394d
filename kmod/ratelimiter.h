/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Token bucket for each source (IPv4 address, IPv6 /64, and netns): 20
 * handshakes a second, bursts of 5. One table for the module, bounded; it is
 * there only while a device exists.
 */
#ifndef MMESH_RATELIMITER_H
#define MMESH_RATELIMITER_H

#include <linux/types.h>

struct mmesh_addr;
struct net;

/* Count one user more, or one less. The last to leave frees the table; nobody
 * may be in mmesh_ratelimiter_allow() then. Context: process, sleeps.
 */
int mmesh_ratelimiter_init(void);	/* 0 or -ENOMEM */
void mmesh_ratelimiter_exit(void);
/* False: over the limit, or the table is full. Context: any. */
bool mmesh_ratelimiter_allow(const struct mmesh_addr *from, struct net *net);

#endif
