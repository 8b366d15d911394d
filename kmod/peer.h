/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MMESH_PEER_H
#define MMESH_PEER_H

#include <linux/kref.h>
#include <linux/rhashtable-types.h>
#include <linux/skbuff.h>
#include <linux/time64.h>

#include "cookie.h"
#include "noise.h"
#include "socket.h"
#include "timers.h"

struct mmesh_device;
struct mmesh_peer_ext;

/*
 * Lifetime: the device's table holds one reference; work items and handshake
 * processing take their own. The data path takes none: it finds a peer and its
 * keypairs under RCU, and both are freed a grace period after they were
 * unlinked. Whatever such a reader may start on a dead peer checks @is_dead
 * under the lock that removal takes as well (timers.lock, staged.lock).
 */
enum mmesh_peer_state {
	MMESH_PEER_IN_BURST,	/* burst_node is on a CPU's list */
};

struct mmesh_peer {
	/* Read by every packet. */
	struct mmesh_device *device;
	struct mmesh_keypairs keypairs;
	struct mmesh_endpoint __rcu *endpoint;
	bool is_dead;
	bool extended;			/* speaks our extensions; update lock */
	u8 suite;			/* enum mmesh_suite; handshake.lock */
	u8 subnet;			/* in the device's network; update lock */
	u16 path_mtu;			/* largest inner packet; 0: not known */
	bool unreachable;		/* for the choice of a holder; xchg */
	u16 persistent_keepalive;	/* seconds, 0: off */

	/* Written by every bundle. */
	atomic64_t rx_bytes ____cacheline_aligned_in_smp;
	atomic64_t tx_bytes;
	struct mmesh_timers timers;
	struct sk_buff_head staged;	/* inner packets waiting for keys */
	unsigned long state;		/* enum mmesh_peer_state, atomic bits */
	struct list_head burst_node;	/* whoever set the bit */
	spinlock_t endpoint_lock;	/* writers of endpoint; BH-safe */

	/* What only extended peers have: see mmesh_peer_ext(). */
	struct mmesh_peer_ext *ext;

	/* Handshakes and configuration. */
	struct mmesh_handshake handshake;
	struct mmesh_cookie cookie;
	u64 last_sent_handshake;	/* ktime boot ns, atomic by cmpxchg */
	struct work_struct handshake_work;	/* holds a reference when queued */
	struct timespec64 walltime_last_handshake;
	struct list_head allowedips_list;	/* held alone; update lock */
	struct list_head shared_list;		/* struct mmesh_holder; update lock */
	struct list_head peer_list;		/* update lock */
	struct rhash_head key_node;
	struct kref refcount;
	struct rcu_head rcu;
	u64 internal_id;
};

int mmesh_peer_module_init(void);
void mmesh_peer_module_exit(void);

/* A device's tables of peers. */
int mmesh_peers_init(struct mmesh_device *m);
void mmesh_peers_destroy(struct mmesh_device *m);

/* All of these hold the device's update lock. */
/* Returns the new peer (the table's reference) or ERR_PTR: -ENOMEM, -EEXIST,
 * -ENOSPC past MMESH_MAX_PEERS_PER_DEVICE. @psk may be NULL (all zero).
 */
struct mmesh_peer *mmesh_peer_create(struct mmesh_device *m,
				     const u8 public_key[MMESH_KEY_LEN],
				     const u8 psk[MMESH_KEY_LEN], u8 suite);
void mmesh_peer_remove(struct mmesh_peer *peer);
void mmesh_peer_remove_all(struct mmesh_device *m);
/* After the last peer was removed: until no work item, burst or message holds
 * one any more. Context: process, without the update lock.
 */
void mmesh_peer_wait_released(struct mmesh_device *m);

/* By public key, with a reference, or NULL. Context: any. */
struct mmesh_peer *mmesh_peer_lookup(struct mmesh_device *m,
				     const u8 public_key[MMESH_KEY_LEN]);

/* Under RCU; NULL when it is being freed already. */
struct mmesh_peer *mmesh_peer_get_maybe_zero(struct mmesh_peer *peer);
static inline struct mmesh_peer *mmesh_peer_get(struct mmesh_peer *peer)
{
	kref_get(&peer->refcount);
	return peer;
}

void mmesh_peer_put(struct mmesh_peer *peer);

/* Whether packets for a prefix that others hold too should go to @peer: it does
 * not answer, or it was heard. Counts and tells a change. Context: any.
 */
void mmesh_peer_set_unreachable(struct mmesh_peer *peer, bool unreachable);

/* The network that @peer is a member of: its device's, if it has prefixes there,
 * or the one that it is a relay's client of. 0: none. Context: any.
 */
u64 mmesh_peer_network(const struct mmesh_peer *peer);

/* Forget every session and handshake of @peer; process context. */
void mmesh_peer_clear_keys(struct mmesh_peer *peer);

#endif
