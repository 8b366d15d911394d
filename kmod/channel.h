/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A relay's channels: pairs of legs. Each end has an id that means something
 * on its leg only. Ids are drawn in turn from a random start, so a late one
 * names no other channel for a long time.
 */
#ifndef MMESH_CHANNEL_H
#define MMESH_CHANNEL_H

#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

#include "wire.h"

struct mmesh_device;
struct mmesh_peer;

struct mmesh_channel_end {
	struct mmesh_peer *peer;
	u32 id;			/* 0: the peer has not given it yet */
	bool is_first;
	bool given;		/* by the peer, a relay as well, not by us */
	struct list_head node;	/* of the peer's channels; relay.lock */
};

/* Read under RCU; writers: relay.lock. */
struct mmesh_channel {
	struct mmesh_channel_end first;		/* who asked for it */
	struct mmesh_channel_end second;
	u8 target[MMESH_KEY_LEN];
	u8 origin[MMESH_KEY_LEN];	/* who asked the relay that asked us */
	unsigned long last_used;	/* jiffies */
	struct rcu_head rcu;
};

static inline struct mmesh_channel *
mmesh_channel_of(struct mmesh_channel_end *end)
{
	return end->is_first ? container_of(end, struct mmesh_channel, first) :
			       container_of(end, struct mmesh_channel, second);
}

static inline struct mmesh_channel_end *
mmesh_channel_other(struct mmesh_channel_end *end)
{
	struct mmesh_channel *channel = mmesh_channel_of(end);

	return end->is_first ? &channel->second : &channel->first;
}

/* The end with our @id, whoever's it is, or NULL. RCU read. */
struct mmesh_channel_end *mmesh_channel_find(struct mmesh_device *m, u32 id);
/* The end to which @peer, a relay, gave @id, or NULL. RCU read. */
struct mmesh_channel_end *mmesh_channel_find_given(struct mmesh_peer *peer, u32 id);

/* All of these: relay.lock held. */
/* The channel that @first asked for, or the other direction's, or NULL. */
struct mmesh_channel_end *
mmesh_channel_lookup(struct mmesh_peer *first, struct mmesh_peer *second,
		     const u8 target[MMESH_KEY_LEN], const u8 origin[MMESH_KEY_LEN]);
/* @given: @second will give the id of its end. Returns NULL when either peer
 * or the device has too many, or without memory.
 */
struct mmesh_channel *
mmesh_channel_create(struct mmesh_peer *first, struct mmesh_peer *second,
		     const u8 target[MMESH_KEY_LEN], const u8 origin[MMESH_KEY_LEN],
		     bool given);
/* The second end's peer gave it @id. False: no memory, or it is taken. */
bool mmesh_channel_give(struct mmesh_channel *channel, u32 id);
void mmesh_channel_destroy(struct mmesh_channel *channel);
/* All that end at @peer. */
void mmesh_channel_destroy_all(struct mmesh_peer *peer);
/* Those unused for MMESH_CHANNEL_IDLE. */
void mmesh_channel_destroy_idle(struct mmesh_device *m);

#endif
