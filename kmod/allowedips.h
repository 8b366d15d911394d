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
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct mmesh_holders;
struct mmesh_peer;
struct sk_buff;
struct mmesh_allowedips_node;

struct mmesh_allowedips {
	struct mmesh_allowedips_node __rcu *root4;
	struct mmesh_allowedips_node __rcu *root6;
	/* Addresses in these are found in prefixes as long, or longer, only. */
	struct mmesh_allowedips_member __rcu *member4;
	struct mmesh_allowedips_member __rcu *member6;
	u64 seq;		/* changes whenever the content does */
	unsigned int count;	/* prefixes, both families */
};

void mmesh_allowedips_init(struct mmesh_allowedips *table);
/* Removes everything. Context: process, may reschedule. */
void mmesh_allowedips_free(struct mmesh_allowedips *table, struct mutex *lock);

/* The device's own prefix, or (@cidr 0) none. Made first, as that may fail,
 * then swapped in. Context: process.
 */
struct mmesh_allowedips_member *mmesh_allowedips_member_v4(const struct in_addr *ip,
							   u8 cidr);
struct mmesh_allowedips_member *mmesh_allowedips_member_v6(const struct in6_addr *ip,
							   u8 cidr);
void mmesh_allowedips_set_member(struct mmesh_allowedips_member __rcu **slot,
				 struct mmesh_allowedips_member *member, struct mutex *lock);
/* Family, address and length of the prefix in @slot; 0: there is none. */
int mmesh_allowedips_read_member(struct mmesh_allowedips_member __rcu * const *slot,
				 u8 ip[16], u8 *cidr, struct mutex *lock);

/* How a peer holds a prefix. */
struct mmesh_share {
	u32 priority;
	u32 weight;
	bool shared;	/* beside others, not in their place */
};

/* What a giving has replaced. */
struct mmesh_allowedips_undo {
	struct mmesh_allowedips_node *node;	/* NULL: nothing changed */
	struct mmesh_peer *before;		/* as in the node */
};

/* Give a prefix to @peer. Exactly one of keep and undo has to follow, undo in
 * the reverse order of the giving and before anything is removed; neither
 * fails. Returns 0, -ENOMEM, -ENOSPC, -EINVAL as below, or -EUSERS when the
 * prefix has MMESH_MAX_HOLDERS; then nothing has changed and nothing follows.
 * Context: process, sleeps.
 */
int mmesh_allowedips_give_v4(struct mmesh_allowedips *table,
			     const struct in_addr *ip, u8 cidr,
			     struct mmesh_peer *peer, const struct mmesh_share *share,
			     struct mmesh_allowedips_undo *undo, struct mutex *lock);
int mmesh_allowedips_give_v6(struct mmesh_allowedips *table,
			     const struct in6_addr *ip, u8 cidr,
			     struct mmesh_peer *peer, const struct mmesh_share *share,
			     struct mmesh_allowedips_undo *undo, struct mutex *lock);
void mmesh_allowedips_keep(struct mmesh_allowedips_undo *undo);
void mmesh_allowedips_undo(struct mmesh_allowedips *table,
			   struct mmesh_allowedips_undo *undo, struct mutex *lock);

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

/* One of a peer's prefixes. */
struct mmesh_allowed_ip {
	u8 ip[16];	/* network order */
	u8 cidr;
	bool is_v4;
	struct mmesh_share share;
};

/* A walk over them, under the update lock; begins as all zero. The one that was
 * read last may be removed. False: that was all.
 */
struct mmesh_allowedips_walk {
	struct list_head *next;
	bool in_shared;
	bool begun;
};

bool mmesh_allowedips_walk(struct mmesh_peer *peer, struct mmesh_allowedips_walk *walk,
			   struct mmesh_allowed_ip *ret, struct mutex *lock);

/* Peer that holds the longest prefix of an address, or NULL; the pointer is
 * good for the RCU read section. No reference is taken. Where several hold it,
 * the flow of @skb chooses.
 */
struct mmesh_peer *
mmesh_allowedips_lookup_v4(const struct mmesh_allowedips *table, __be32 addr,
			   const struct sk_buff *skb);
struct mmesh_peer *
mmesh_allowedips_lookup_v6(const struct mmesh_allowedips *table,
			   const struct in6_addr *addr, const struct sk_buff *skb);

/* Whether @peer holds the longest prefix of an address, alone or with others. */
bool mmesh_allowedips_owns_v4(const struct mmesh_allowedips *table, __be32 addr,
			      const struct mmesh_peer *peer);
bool mmesh_allowedips_owns_v6(const struct mmesh_allowedips *table,
			      const struct in6_addr *addr,
			      const struct mmesh_peer *peer);

/* Whether an address is in the device's own prefix. */
bool mmesh_allowedips_is_member_v4(const struct mmesh_allowedips *table, __be32 addr);
bool mmesh_allowedips_is_member_v6(const struct mmesh_allowedips *table,
				   const struct in6_addr *addr);

#endif
