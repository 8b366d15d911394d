/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The paths to an extended peer: candidates, what is known of each, and which
 * one is in use. The data path reads only peer->endpoint and peer->path_mtu,
 * which this sets. docs/protocol.md, section "Paths".
 */
#ifndef MMESH_PATH_H
#define MMESH_PATH_H

#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/types.h>

#include "bucket.h"
#include "mtusearch.h"
#include "pathstate.h"
#include "socket.h"

struct mmesh_device;
struct mmesh_peer;

enum mmesh_path_limits {
	MMESH_MAX_PATHS = 16,		/* of a peer */
	MMESH_MAX_TOLD_PATHS = 4,	/* of these, those that the peer announced */
	MMESH_MAX_OBSERVED = 4,		/* addresses that others see a device at */
	/* Probes a second to addresses that have never answered, a device. */
	MMESH_STRANGER_PROBES = 1000,
};

struct mmesh_path {
	struct mmesh_addr addr;
	u8 sources;		/* enum mmesh_path_source, bits */
	bool probe_soon;	/* whatever the pace */
	u32 data_sent;		/* bundles by it; of the one in use see below */
	u32 data_seen;		/* bundles that came by it */
	u64 mtu_id;		/* of the probe that tries a size */
	struct mmesh_pathstate state;
	struct mmesh_mtu_search mtu;
};

/* Part of a peer's extensions. */
struct mmesh_paths {
	struct mmesh_peer *peer;
	/* Written by the data path without the lock. */
	unsigned long last_data;	/* jiffies of data either way */
	u32 data_sent;			/* bundles by the path in use */
	bool active;			/* the timer probes */
	bool full;			/* packets of about the MTU were sent */

	spinlock_t lock;		/* all of the following; BH-safe */
	struct timer_list timer;
	bool stopped;
	bool none_works;		/* read without the lock */
	u8 n;
	s8 in_use;			/* index, or -1 */
	s8 heard;			/* index: where the peer was heard last, or -1 */
	u64 route_ms;			/* the route's MTU was read */
	u64 told_ms;			/* our addresses were announced */
	struct mmesh_path *path[MMESH_MAX_PATHS];
};

/* Where others see a device's packets come from, which they said in answers. */
struct mmesh_observed {
	spinlock_t lock;		/* BH-safe */
	struct mmesh_bucket strangers;	/* probes to them; a lock of its own */
	unsigned int n;
	struct mmesh_addr addr[MMESH_MAX_OBSERVED];	/* newest first */
};

/* A copy of what is known of one path, for netlink. */
struct mmesh_path_info {
	struct mmesh_addr addr;
	u8 state;
	u8 reason;
	u8 sources;
	bool in_use;
	bool heard;		/* ever */
	u16 loss;
	u32 rtt_us;
	u32 mtu;		/* largest inner packet; 0: not known */
	u64 age_ms;		/* since the last answer */
};

void mmesh_observed_init(struct mmesh_observed *observed);

void mmesh_paths_init(struct mmesh_paths *paths, struct mmesh_peer *peer);
/* Nobody else has them any more. */
void mmesh_paths_free(struct mmesh_paths *paths);
/* pathset.c; the lock is held. */
/* The path to @addr: its index, or -1. */
int mmesh_pathset_find(const struct mmesh_paths *paths, const struct mmesh_addr *addr);
/* The same, made if need be: its index, or -ENOMEM, -ENOSPC. */
int mmesh_pathset_add(struct mmesh_paths *paths, const struct mmesh_addr *addr,
		      u8 source);
/* Forget path @i; the last one gets its index. */
void mmesh_pathset_drop(struct mmesh_paths *paths, int i);
/* As for the peer's timers. Context: process. */
void mmesh_paths_start(struct mmesh_peer *peer);
void mmesh_paths_stop(struct mmesh_peer *peer);

/* Userspace gave or took a candidate. Returns 0, -ENOMEM, -ENOSPC (too many),
 * -ENOENT (to be taken, and not there). Update lock held.
 */
int mmesh_path_configure(struct mmesh_peer *peer, const struct mmesh_addr *addr,
			 bool remove);
/* A candidate, of which what was known may be why it is told again; @now: use it
 * until it is known to be worse. Context: BH off, RCU, or update lock held.
 */
void mmesh_path_place(struct mmesh_peer *peer, const struct mmesh_addr *addr,
		      u8 source, bool now);

/* Userspace set the endpoint. */
static inline void mmesh_path_endpoint_set(struct mmesh_peer *peer,
					   const struct mmesh_addr *addr)
{
	mmesh_path_place(peer, addr, MMESH_PATH_SOURCE_CONFIGURED, true);
}

/* The peer is at a channel of a relay; an older one of that is no more. */
static inline void mmesh_path_channel(struct mmesh_peer *peer,
				      const struct mmesh_addr *addr)
{
	mmesh_path_place(peer, addr, MMESH_PATH_SOURCE_RELAY, false);
}

/* Copies of all, in @info of MMESH_MAX_PATHS; returns how many. */
unsigned int mmesh_path_snapshot(struct mmesh_peer *peer, struct mmesh_path_info *info);

/* Events of the data path; nothing for a stock peer. Context: BH off, RCU. */
/* Something authentic came from @addr. */
void mmesh_path_heard(struct mmesh_peer *peer, const struct mmesh_addr *addr);
/* A session stands: its last message came by a path that works both ways. */
void mmesh_path_session_made(struct mmesh_peer *peer);
/* Data went or came: probe while that goes on. */
void mmesh_path_data(struct mmesh_peer *peer, bool sent);

/* All paths to @peer are dead: that something comes from it doesn't mean that
 * anything reaches it. Context: any.
 */
bool mmesh_path_is_lost(struct mmesh_peer *peer);

/* A packet of about the path's MTU goes out. */
void mmesh_path_full(struct mmesh_peer *peer);

/* Where to send an initiation as well, besides the endpoint: up to @max other
 * paths, in turns by @attempt. Returns how many.
 */
unsigned int mmesh_path_alternatives(struct mmesh_peer *peer, unsigned int attempt,
				     struct mmesh_addr *addr, unsigned int max);

/* probe.c; what it asks of path.c follows. */
void mmesh_probe_module_setup(void);

/* A probe to be sent. */
struct mmesh_probe_order {
	struct mmesh_addr addr;
	u64 id;
	unsigned int size;	/* 0: a small one */
	bool keepalive;		/* a record before it, to see whether it arrives */
};

/* Send it. Returns what mmesh_control_send() does. Context: BH off, RCU. */
int mmesh_probe_send(struct mmesh_peer *peer, const struct mmesh_probe_order *order);
/* Tell the peer where we are seen. Context as above. */
void mmesh_probe_announce(struct mmesh_peer *peer);

/* A probe came from @from. True: it needs a probe in return, @order. *@data_seen
 * is what its answer reports; false in *@has_seen: nothing is known.
 */
bool mmesh_path_probed_by(struct mmesh_peer *peer, const struct mmesh_addr *from,
			  u32 *data_seen, bool *has_seen,
			  struct mmesh_probe_order *order);
/* An answer came from @from; false: not to any probe of ours. */
bool mmesh_path_answer(struct mmesh_peer *peer, const struct mmesh_addr *from,
		       u64 id, bool has_seen, u32 data_seen);
/* The peer says that it is seen at @addr. */
void mmesh_path_told(struct mmesh_peer *peer, const struct mmesh_addr *addr);

#endif
