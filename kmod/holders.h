/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The holders of a prefix that several peers share. Any of them may be the
 * source of a packet; one of the live ones of the best priority is chosen for
 * each flow, by weight, and stays chosen while the set does.
 *
 * Readers are under RCU. A set is built whole and then published; afterwards
 * only a holder's peer changes, to NULL, when it leaves.
 */
#ifndef MMESH_HOLDERS_H
#define MMESH_HOLDERS_H

#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

struct mmesh_allowedips_node;
struct mmesh_peer;
struct sk_buff;

struct mmesh_holder {
	struct list_head list;		/* the peer's shared_list; update lock */
	struct mmesh_holders *set;
	struct mmesh_peer __rcu *peer;	/* NULL: it has left */
	u32 priority;			/* the lowest is the best */
	u32 weight;			/* not 0 */
};

struct mmesh_holders {
	struct rcu_head rcu;
	struct mmesh_allowedips_node *node;	/* whose prefix it is */
	unsigned int count;
	struct mmesh_holder holder[];		/* by priority */
};

/* The holder that takes flow @flow, or NULL when all have left. A better one
 * that can't be reached is tried again now and then. Context: RCU read.
 */
struct mmesh_peer *mmesh_holders_pick(const struct mmesh_holders *set, u64 flow);
bool mmesh_holders_have(const struct mmesh_holders *set,
			const struct mmesh_peer *peer);

/* A number for the flow of @skb: addresses, protocol, and ports if it is not
 * a fragment. The sender's own number for it may change within the flow.
 */
u64 mmesh_holders_flow(const struct sk_buff *skb);

#endif
