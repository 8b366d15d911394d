/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MMESH_DEVICE_H
#define MMESH_DEVICE_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/rhashtable-types.h>
#include <linux/xarray.h>

#include "allowedips.h"
#include "cookie.h"
#include "handshake.h"
#include "index.h"
#include "isolation.h"
#include "miss.h"
#include "noise.h"
#include "path.h"
#include "relay.h"
#include "stats.h"

/*
 * Private data of a net_device of kind mmesh. Lock order: RTNL,
 * mmesh_members_lock, update_lock, then the peers' locks.
 */
struct mmesh_device {
	/* Read by every packet. */
	struct net_device *dev;
	struct mmesh_stats __percpu *stats;
	struct sock __rcu *sock4;
	struct sock __rcu *sock6;
	struct mmesh_index_table indices;
	struct mmesh_allowedips allowedips;
	struct mmesh_isolation isolation;	/* written under the update lock */
	struct mmesh_lane __percpu *lanes;
	u32 fwmark;

	/* What waits for a peer; NULL: nothing may. Writers: update lock. */
	struct mmesh_miss __rcu *miss;

	/* Handshakes. */
	struct mmesh_identity identity;
	struct mmesh_cookie_checker cookie_checker;
	struct mmesh_handshake_queue handshakes;

	/* Configuration: update_lock. */
	struct mutex update_lock;
	struct rhashtable peers_by_key;	/* readers under RCU */
	struct list_head peer_list;
	unsigned int num_peers;
	/* Peers that anybody still works for, removed ones included; the device
	 * outlives them.
	 */
	atomic_t live_peers;
	unsigned int generation;	/* changes with each change of configuration */
	u16 listen_port;		/* host order; 0 until a socket is open */

	/* Extended peers by number; readers under RCU, writers: update lock. */
	struct xarray extended;
	unsigned int num_vias;		/* peers that have a relay */
	struct mmesh_relay relay;

	/* The netns where the device was born and its sockets live; NULL when
	 * that is gone. No reference is held: the netns's exit clears it.
	 */
	struct net __rcu *birth_net;
	struct list_head device_list;	/* all devices, RTNL */
	struct net *forward_net;	/* where it is hooked, or NULL; RTNL */
	atomic64_t endpoint_events;	/* netlink-event.c: second, and their number */
	atomic64_t miss_events;		/* the same */
	struct mmesh_observed observed;
};

int mmesh_device_module_init(void);
void mmesh_device_module_exit(void);

/* False: @dev is not of our kind. */
bool mmesh_device_is(const struct net_device *dev);

/* An IP packet on its way out, to be judged and sealed. @may_miss: it may wait
 * for a peer (miss.c). Consumes @skb. Context: BH off, RCU read.
 */
void mmesh_device_send(struct mmesh_device *m, struct sk_buff *skb, bool may_miss);
/* Drop it under @stat, and tell its sender by ICMP. Context: BH off. */
void mmesh_device_refuse(struct mmesh_device *m, struct sk_buff *skb, unsigned int stat);

/* Whether another device has this public key in another network than @network.
 * Context: process, RTNL held.
 */
bool mmesh_device_key_elsewhere(const struct mmesh_device *m,
				const u8 public_key[MMESH_KEY_LEN], u64 network);

/* Held to make or change a peer, outside the update lock. */
extern struct mutex mmesh_members_lock;

/* Whether another device that the same user namespace owns has a peer with
 * this key that is of another network than @network. Context: process,
 * mmesh_members_lock held.
 */
bool mmesh_device_member_elsewhere(const struct mmesh_device *m,
				   const u8 public_key[MMESH_KEY_LEN], u64 network);

/* Userspace-visible change of configuration; update lock held. */
static inline void mmesh_device_changed(struct mmesh_device *m)
{
	WRITE_ONCE(m->generation, m->generation + 1 ?: 1);
}

/* seal.c: inner packets in, sealed bundles out. */
/* Stage @skb (or a list of segments) for @peer and send all that is staged as
 * soon as there are keys. Context: BH off, RCU read.
 */
void mmesh_seal_xmit(struct mmesh_peer *peer, struct sk_buff *skb);
/* Send what is staged; without valid keys, ask for a handshake. Context: any. */
void mmesh_seal_flush_staged(struct mmesh_peer *peer);
/* Drop what is staged, counting it under @stat. */
void mmesh_seal_purge_staged(struct mmesh_peer *peer, unsigned int stat);
/* Send an empty record, unless data is waiting that serves. Context: any. */
void mmesh_seal_keepalive(struct mmesh_peer *peer);
/* Send an empty record by another path than the one in use. Context: any. */
void mmesh_seal_keepalive_by(struct mmesh_peer *peer, const struct mmesh_addr *to);

/* open.c: UDP datagrams or aggregates of them in. */
/* One by itself; consumes @skb. @alone: nothing came shortly before. Context:
 * BH off, RCU read.
 */
void mmesh_open_receive(struct mmesh_device *m, struct sk_buff *skb, bool alone);
/* Single datagrams as one reception, in order; empties @list. Context: the
 * same.
 */
void mmesh_open_list(struct mmesh_device *m, struct sk_buff_head *list);
/* Source and type of service of the datagram @skb, whose UDP header is at
 * skb->data. False: neither IPv4 nor IPv6.
 */
bool mmesh_open_read_outer(const struct sk_buff *skb, struct mmesh_addr *from,
			   u8 *ds);

/* netlink.c: multicast events; context: any. */
void mmesh_netlink_notify_handshake(struct mmesh_peer *peer);
void mmesh_netlink_notify_reachable(struct mmesh_peer *peer);
void mmesh_netlink_notify_endpoint(struct mmesh_peer *peer);
void mmesh_netlink_notify_path(struct mmesh_peer *peer, const struct mmesh_path_info *info);
int mmesh_netlink_init(void);
void mmesh_netlink_exit(void);

#endif
