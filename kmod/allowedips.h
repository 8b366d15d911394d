/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Address prefixes to peers, longest match: a path-compressed binary trie for
 * each family. Readers are under RCU (either flavour: preemption or BH off)
 * and take no lock and no reference; writers hold the device's update lock,
 * which they name in @lock.
 */
#ifndef MMESH_ALLOWEDIPS_H
#define MMESH_ALLOWEDIPS_H

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct mmesh_peer;
struct mmesh_allowedips_node;

struct mmesh_allowedips {
	struct mmesh_allowedips_node __rcu *root4;
	struct mmesh_allowedips_node __rcu *root6;
	u64 seq;		/* changes whenever the content does */
	unsigned int count;	/* prefixes, both families */
};

void mmesh_allowedips_init(struct mmesh_allowedips *table);
/* Removes everything. Context: process, may reschedule. */
void mmesh_allowedips_free(struct mmesh_allowedips *table, struct mutex *lock);

/* A prefix that another peer holds moves to @peer (wg(8)'s rule); one that
 * @peer holds already stays as it is. Bits beyond @cidr are cleared. Returns 0,
 * -ENOMEM, -ENOSPC past MMESH_MAX_PREFIXES_PER_DEVICE, or -EINVAL when @cidr is
 * too long; nothing has changed on an error. A peer's prefixes are chained on
 * @peer->allowedips_list, newest last. Context: process, sleeps.
 */
int mmesh_allowedips_insert_v4(struct mmesh_allowedips *table,
			       const struct in_addr *ip, u8 cidr,
			       struct mmesh_peer *peer, struct mutex *lock);
int mmesh_allowedips_insert_v6(struct mmesh_allowedips *table,
			       const struct in6_addr *ip, u8 cidr,
			       struct mmesh_peer *peer, struct mutex *lock);
/* -ENOENT when @peer doesn't hold exactly this prefix, -EINVAL as above. */
int mmesh_allowedips_remove_v4(struct mmesh_allowedips *table,
			       const struct in_addr *ip, u8 cidr,
			       struct mmesh_peer *peer, struct mutex *lock);
int mmesh_allowedips_remove_v6(struct mmesh_allowedips *table,
			       const struct in6_addr *ip, u8 cidr,
			       struct mmesh_peer *peer, struct mutex *lock);
void mmesh_allowedips_remove_by_peer(struct mmesh_allowedips *table,
				     struct mmesh_peer *peer, struct mutex *lock);

/* Who holds exactly this prefix, or NULL; update lock held, no reference. */
struct mmesh_peer *
mmesh_allowedips_holder_v4(struct mmesh_allowedips *table,
			   const struct in_addr *ip, u8 cidr, struct mutex *lock);
struct mmesh_peer *
mmesh_allowedips_holder_v6(struct mmesh_allowedips *table,
			   const struct in6_addr *ip, u8 cidr, struct mutex *lock);

/* Family (AF_INET or AF_INET6), address in network order (4 or 16 bytes of
 * @ip) and prefix length of a node on a peer's list.
 */
int mmesh_allowedips_read_node(const struct mmesh_allowedips_node *node,
			       u8 ip[16], u8 *cidr);
/* For walking peer->allowedips_list under the update lock; NULL at the end. */
struct mmesh_allowedips_node *
mmesh_allowedips_first(struct mmesh_peer *peer);
struct mmesh_allowedips_node *
mmesh_allowedips_next(struct mmesh_peer *peer,
		      struct mmesh_allowedips_node *node);

/* Peer that holds the longest prefix of an address, or NULL; the pointer is
 * good for the RCU read section. No reference is taken.
 */
struct mmesh_peer *
mmesh_allowedips_lookup_v4(const struct mmesh_allowedips *table, __be32 addr);
struct mmesh_peer *
mmesh_allowedips_lookup_v6(const struct mmesh_allowedips *table,
			   const struct in6_addr *addr);

#endif
