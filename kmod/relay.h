/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device as a relay: it forwards messages between clients that it was told
 * to serve, within a network, and never opens them. docs/protocol.md,
 * section 20.
 */
#ifndef MMESH_RELAY_H
#define MMESH_RELAY_H

#include <linux/atomic.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "bucket.h"

struct mmesh_addr;
struct mmesh_control_in;
struct mmesh_device;
struct mmesh_keypair;
struct mmesh_peer;

/* Part of a device. */
struct mmesh_relay {
	bool enabled;			/* update lock */
	u32 max_clients;		/* update lock */
	u32 num_clients;		/* update lock */
	spinlock_t lock;		/* writers of what is below; BH-safe */
	struct xarray channels;		/* ends by our id less base; readers: RCU */
	u32 base;			/* random; constant */
	u32 next_place;
	unsigned int num_channels;
	struct delayed_work idle;
	struct mmesh_device *device;
};

/* Why a client's packets were not forwarded; enum mmesh_stat has the same. */
enum mmesh_client_drop {
	MMESH_CLIENT_DROP_REPLAY,
	MMESH_CLIENT_DROP_MALFORMED,
	MMESH_CLIENT_DROP_CHANNEL,
	MMESH_CLIENT_DROP_PERMIT,
	MMESH_CLIENT_DROP_TARGET,
	MMESH_CLIENT_DROP_LIMIT,
	MMESH_CLIENT_DROP_COUNT,
};

/* A peer as a client. Made when it is first told of, stays as long as the
 * peer. What is configured: update lock.
 */
struct mmesh_client {
	u64 network;
	bool is_permitted;
	bool is_trunk;		/* another relay: it names networks itself */
	u64 limit_pps;		/* 0: none */
	u64 limit_bps;		/* bits a second, 0: none */
	struct mmesh_bucket packets;
	struct mmesh_bucket bytes;
	atomic64_t from_packets;	/* forwarded for it; UDP datagrams */
	atomic64_t from_bytes;		/* their UDP payload */
	atomic64_t to_packets;
	atomic64_t to_bytes;
	atomic64_t drops[MMESH_CLIENT_DROP_COUNT];
};

int mmesh_relay_module_init(void);
void mmesh_relay_module_exit(void);
void mmesh_relay_init(struct mmesh_device *m);
/* No peer is left. Context: process. */
void mmesh_relay_destroy(struct mmesh_device *m);

/* Switch on or off; off ends all channels. Update lock held. */
void mmesh_relay_enable(struct mmesh_device *m, bool on);
/* State for @peer, which is extended, as a client. 0 or -ENOMEM. Update lock
 * held; sleeps.
 */
int mmesh_client_make(struct mmesh_peer *peer);
/* Let @peer in or out, or into another network. Its channels end if that
 * changes anything. The client was made. Update lock held.
 */
void mmesh_client_admit(struct mmesh_peer *peer, bool permit, bool trunk,
			u64 network);
void mmesh_relay_peer_removed(struct mmesh_peer *peer);

/* A relay answered what we asked for a client of ours (two hops). False: it
 * was none of those. Context: softirq, RCU read.
 */
bool mmesh_relay_opened(struct mmesh_peer *trunk, const struct mmesh_control_in *in);
bool mmesh_relay_refused(struct mmesh_peer *trunk, const struct mmesh_control_in *in);
bool mmesh_relay_gone(struct mmesh_peer *trunk, u32 id);

/* Forward a datagram, or an aggregate of them, whose UDP header is at
 * skb->data. False: it has to be taken message by message; nothing was done.
 * True: consumed. Context: softirq, RCU read.
 */
bool mmesh_relay_forward(struct mmesh_device *m, struct sk_buff *skb);
/* The same for one message in a row, a leg's header first, that came under
 * @keypair and was verified. False: it is for this device itself.
 */
bool mmesh_relay_forward_one(struct mmesh_keypair *keypair, const u8 *msg,
			     unsigned int len, u8 ds);

#endif
