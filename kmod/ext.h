/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What mmesh adds to WireGuard for peers that userspace calls `extended`: keys
 * of a session for control messages and for legs to a relay, and a peer's
 * state. A stock peer has neither.
 */
#ifndef MMESH_EXT_H
#define MMESH_EXT_H

#include <linux/atomic.h>
#include <linux/siphash.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/xarray.h>

#include "bucket.h"
#include "path.h"
#include "peer.h"
#include "replay.h"
#include "wire.h"

/* Belongs to one keypair and goes with it. Keys are constant. */
struct mmesh_session_ext {
	u8 control_send[MMESH_KEY_LEN];
	u8 control_receive[MMESH_KEY_LEN];
	siphash_key_t leg_send;
	siphash_key_t leg_receive;
	atomic64_t control_counter;
	atomic64_t leg_counter;
	spinlock_t lock;		/* the windows; BH-safe */
	struct mmesh_replay_control control_replay;
	struct mmesh_replay_leg leg_replay;
};

struct mmesh_client;
struct mmesh_via;

/* A peer's state beyond WireGuard's. Each part belongs to the file that it is
 * named after.
 */
struct mmesh_peer_ext {
	u32 number;			/* names it in struct mmesh_addr */
	struct mmesh_bucket control_tx;
	struct mmesh_bucket control_rx;
	struct mmesh_paths paths;
	struct mmesh_via __rcu *via;	/* how it is reached; writers: update lock */
	unsigned long last_asked;	/* jiffies, for a channel to it; 0: never */
	bool is_wanted;			/* a channel to it; atomic by xchg */
	struct mmesh_client *client;	/* of our relay; set once */
	/* Channels of our relay that end here, and those of them that the peer,
	 * a relay as well, gave an id; relay.lock.
	 */
	struct list_head channels;
	unsigned int num_channels;
	struct xarray given;
};

/* Keys from @secret, the third output of the final KDF. */
void mmesh_session_ext_derive(struct mmesh_session_ext *ext,
			      const u8 secret[MMESH_KEY_LEN], bool initiator);

/* The cache of peers' state; exit after the last peer was freed. */
int mmesh_peer_ext_module_init(void);
void mmesh_peer_ext_module_exit(void);
/* Give a peer its state, if it has none. Returns 0 or -ENOMEM; then nothing
 * has changed. Update lock held.
 */
int mmesh_peer_ext_make(struct mmesh_peer *peer);
/* The peer is being removed: it has no number any more, and no channels.
 * Update lock held.
 */
void mmesh_peer_ext_remove(struct mmesh_peer *peer);
/* The peer is about to be freed, nobody reads it any more. */
void mmesh_peer_ext_free(struct mmesh_peer *peer);
/* Switch the extensions on or off; for on, the state was made. Sessions end
 * their sending side if that changes anything. Update lock held; sleeps.
 */
void mmesh_peer_set_extended(struct mmesh_peer *peer, bool on);

/* NULL: not an extended peer. Stays until a grace period after the peer was
 * removed, also when `extended` is switched off. Context: any.
 */
static inline struct mmesh_peer_ext *mmesh_peer_ext(struct mmesh_peer *peer)
{
	/* Pairs with smp_store_release() in mmesh_peer_ext_make(). */
	struct mmesh_peer_ext *ext = READ_ONCE(peer->ext);

	return ext && READ_ONCE(peer->extended) ? ext : NULL;
}

/* By the number of its state; NULL: gone. Context: RCU read. */
struct mmesh_peer *mmesh_ext_by_number(struct mmesh_device *m, u32 number);

/* A control message's ciphertext: @buf has the header and the plaintext, @len
 * bytes of it; the tag is put behind. Context: any.
 */
void mmesh_session_seal_control(struct mmesh_session_ext *ext, u8 *buf,
				size_t len, __le32 remote_index);
/* Decrypt @msg, of @len bytes, in place, and mark its counter as seen. Returns
 * 0, -EBADMSG (not authentic) or -EALREADY (seen before, or too old).
 * Context: any.
 */
int mmesh_session_open_control(struct mmesh_session_ext *ext, u8 *msg, size_t len);

#endif
