/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Session keys, and the three slots in which a peer has them: what it sends
 * with now, what it sent with before, and what waits for the other end's
 * confirmation. WireGuard paper, section 6.
 */
#ifndef MMESH_KEYPAIR_H
#define MMESH_KEYPAIR_H

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

#include "crypt.h"
#include "index.h"
#include "replay.h"

struct mmesh_peer;
struct mmesh_session_ext;

/* Session keys. The data path reads it under RCU and takes no reference. */
struct mmesh_keypair {
	/* Read by every packet. */
	struct mmesh_index_entry entry;
	__le32 remote_index;
	bool i_am_the_initiator;
	u8 suite;
	bool sending_valid;
	bool receiving_valid;
	u64 birthdate;			/* ktime_get_coarse_boottime_ns() */
	struct mmesh_crypt_key sending;
	struct mmesh_crypt_key receiving;
	/* Written by every bundle. */
	atomic64_t sending_counter ____cacheline_aligned_in_smp;
	spinlock_t replay_lock;		/* replay; BH-safe */
	struct mmesh_replay replay;

	/* Keys of the extensions; NULL in a session with a stock peer. */
	struct mmesh_session_ext *ext;
	u64 internal_id;
	struct kref refcount;
	struct rcu_head rcu;
};

struct mmesh_keypairs {
	struct mmesh_keypair __rcu *current_keypair;
	struct mmesh_keypair __rcu *previous_keypair;
	struct mmesh_keypair __rcu *next_keypair;
	spinlock_t lock;		/* the three pointers; BH-safe */
};

int mmesh_keypair_module_init(void);
/* Waits until the last keypair is freed. */
void mmesh_keypair_module_exit(void);

/* A keypair of @peer without keys and in no slot, or NULL. Context: process. */
struct mmesh_keypair *mmesh_keypair_create(struct mmesh_peer *peer);
/* The last reference wipes and frees it a grace period later. With
 * @remove_index no packet finds it any more. NULL is fine. Context: any.
 */
void mmesh_keypair_put(struct mmesh_keypair *keypair, bool remove_index);

/* Put a fresh keypair with keys into its slot and give it the index of
 * @handshake_entry. Takes over the caller's reference when it returns true.
 * False: the peer is dead, or its handshake was cleared. Context: any.
 */
bool mmesh_keypairs_install(struct mmesh_keypairs *keypairs,
			    struct mmesh_keypair *keypair,
			    struct mmesh_index_entry *handshake_entry);
/* Forget all three. Context: any. */
void mmesh_keypairs_clear(struct mmesh_keypairs *keypairs);
/* No new packet leaves under the current keys (they may still receive), and
 * the next one starts a handshake at once. Context: process, sleeps.
 */
void mmesh_keypairs_expire_current(struct mmesh_peer *peer);
/* A record was authenticated under @keypair. True when it was `next`, which
 * is now `current`: the handshake is complete. Context: RCU read, BH off.
 */
bool mmesh_keypairs_received_with(struct mmesh_keypairs *keypairs,
				  struct mmesh_keypair *keypair);

#endif
