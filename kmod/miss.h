/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Peers that are missed. A device whose user wants it (peer-miss) tells of a
 * packet inside its member prefix that no peer holds, and of an initiation
 * that names a key which no peer has; what came waits a while for such a peer.
 *
 * The tables are of a fixed size, and so is what they may hold in all, whoever
 * fills them. A device has them while peer-miss is on.
 */
#ifndef MMESH_MISS_H
#define MMESH_MISS_H

#include <linux/types.h>

struct mmesh_addr;
struct mmesh_device;
struct mmesh_miss;
struct mmesh_msg_initiation;
struct sk_buff;

/* Empty tables, to be given to mmesh_miss_set() or kfree(); NULL: no memory.
 * Context: process.
 */
struct mmesh_miss *mmesh_miss_alloc(struct mmesh_device *m);
/* Let @m have @miss, or (NULL) none, in place of what it has; what that held is
 * dropped. Context: process, update lock held, sleeps.
 */
void mmesh_miss_set(struct mmesh_device *m, struct mmesh_miss *miss);
/* Drop all that is held, packets under the counter @stat. Context: process. */
void mmesh_miss_purge(struct mmesh_device *m, unsigned int stat);

/* A packet that no peer holds. True: it was taken, to be held or dropped; or
 * sent, if there is a peer by now. Context: BH off, RCU read.
 */
bool mmesh_miss_packet(struct mmesh_device *m, struct sk_buff *skb);
/* An initiation that names @key, which no peer has, past macs and cookie.
 * Returns the counter that says what became of it. Context: process.
 */
unsigned int mmesh_miss_initiation(struct mmesh_device *m, const u8 *key,
				   const struct mmesh_addr *from,
				   const struct mmesh_msg_initiation *msg);

/* Peers or their prefixes have changed: send, and answer, what waited for it.
 * Context: process, update lock held.
 */
void mmesh_miss_resolve(struct mmesh_device *m);

/* netlink-event.c: false: nobody listens, or there were too many lately.
 * Context: any.
 */
bool mmesh_netlink_notify_miss_v4(struct mmesh_device *m, __be32 addr);
bool mmesh_netlink_notify_miss_v6(struct mmesh_device *m, const struct in6_addr *addr);
bool mmesh_netlink_notify_miss_key(struct mmesh_device *m, const u8 *key,
				   const struct mmesh_addr *from);

#endif
