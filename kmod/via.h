/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A peer that is reached by way of a relay: the client's side of channels.
 * docs/protocol.md, section 20.
 */
#ifndef MMESH_VIA_H
#define MMESH_VIA_H

#include <linux/rcupdate.h>
#include <linux/types.h>

#include "wire.h"

struct mmesh_peer;

/* Part of an extended peer, replaced whole. */
struct mmesh_via {
	u8 relay[MMESH_KEY_LEN];
	u8 next[MMESH_KEY_LEN];		/* a second relay behind it, or zero */
	struct rcu_head rcu;
};

int mmesh_via_module_init(void);
void mmesh_via_module_exit(void);

/* Reach @peer, which has the state of an extended peer, by @relay and, unless
 * NULL, @next behind it. With @now its endpoint becomes the relay. Returns 0,
 * -ENOMEM, or -ENOENT when the device has no extended peer @relay; then nothing
 * has changed. Update lock held; sleeps.
 */
int mmesh_via_set(struct mmesh_peer *peer, const u8 relay[MMESH_KEY_LEN],
		  const u8 *next, bool now);
/* Reach it by no relay any more; an endpoint at one is forgotten. Update lock. */
void mmesh_via_clear(struct mmesh_peer *peer);
/* Something is to be sent to @peer by a channel that isn't there, at @relay
 * (NULL: unknown). Asks for one, at most once a second. RCU read, BH off.
 */
void mmesh_via_want(struct mmesh_peer *peer, struct mmesh_peer *relay);
/* A session with @relay stands: ask for the channels that are wanted. */
void mmesh_via_relay_up(struct mmesh_peer *relay);

#endif
