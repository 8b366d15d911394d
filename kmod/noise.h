/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Noise_IKpsk2_25519_{ChaChaPoly,AESGCM}_BLAKE2s: the handshake and what comes
 * out of it. WireGuard paper, section 5.4.
 */
#ifndef MMESH_NOISE_H
#define MMESH_NOISE_H

#include <linux/rwsem.h>
#include <linux/types.h>

#include "index.h"
#include "keypair.h"
#include "wire.h"

struct mmesh_device;
struct mmesh_peer;

/* The device's static key pair. */
struct mmesh_identity {
	u8 static_public[MMESH_KEY_LEN];
	u8 static_private[MMESH_KEY_LEN];
	struct rw_semaphore lock;
	bool has_identity;
};

enum mmesh_handshake_state {
	MMESH_HS_ZEROED,
	MMESH_HS_CREATED_INITIATION,
	MMESH_HS_CONSUMED_INITIATION,
	MMESH_HS_CREATED_RESPONSE,
	MMESH_HS_CONSUMED_RESPONSE,
};

struct mmesh_handshake {
	struct mmesh_index_entry entry;

	enum mmesh_handshake_state state;
	u8 suite;			/* what this peer is configured for */
	u64 last_initiation_consumption;

	struct mmesh_identity *identity;

	u8 ephemeral_private[MMESH_KEY_LEN];
	u8 remote_static[MMESH_KEY_LEN];
	u8 remote_ephemeral[MMESH_KEY_LEN];
	/* DH(s, S), computed when first needed: X25519 costs 40 us and a
	 * device may have 65,000 peers.
	 */
	u8 precomputed_static_static[MMESH_KEY_LEN];
	bool static_static_valid;
	u8 preshared_key[MMESH_KEY_LEN];

	u8 hash[MMESH_HASH_LEN];
	u8 chaining_key[MMESH_HASH_LEN];

	u8 latest_timestamp[MMESH_TIMESTAMP_LEN];
	__le32 remote_index;

	/* All members but remote_static, identity and entry's contents, which
	 * the index table's lock covers.
	 */
	struct rw_semaphore lock;
};

/* Module: hashes of the constructions, the keypairs' cache. */
int mmesh_noise_init(void);
void mmesh_noise_exit(void);

/* @psk may be NULL: all zero. The cookie's labels go by the suite as well. */
void mmesh_handshake_init(struct mmesh_handshake *handshake,
			  struct mmesh_identity *identity,
			  const u8 peer_public[MMESH_KEY_LEN],
			  const u8 psk[MMESH_KEY_LEN], u8 suite,
			  struct mmesh_peer *peer);
/* Forget ephemeral state (not keys); removes the index. A handshake that is
 * under way fails. Process context.
 */
void mmesh_handshake_clear(struct mmesh_handshake *handshake);
/* An all-zero key means none. identity->lock held for writing. Every peer's
 * static-static product is to be forgotten after it.
 */
void mmesh_identity_set_private(struct mmesh_identity *identity,
				const u8 private[MMESH_KEY_LEN]);
/* After a change of identity: forget DH(s, S). Process context. */
void mmesh_handshake_forget_static_static(struct mmesh_handshake *handshake);

/* All of these say by *@reason, a MMESH_STAT_HS_DROP_* counter, why they
 * refuse; then nothing of the handshake has changed, but that a failed
 * create_* may have left state ZEROED. Context: process, sleeps. None may be
 * called with the handshake's or the identity's lock held.
 */

/* Start over as the initiator: new ephemeral key, new index. */
bool mmesh_noise_create_initiation(struct mmesh_msg_initiation *dst,
				   struct mmesh_handshake *handshake,
				   unsigned int *reason);
/* The peer that proved itself, with a reference, or NULL. @ret_key: when the
 * reason is HS_DROP_UNKNOWN_PEER, the key that it says it has, not proved.
 */
struct mmesh_peer *
mmesh_noise_consume_initiation(const struct mmesh_msg_initiation *src,
			       struct mmesh_device *m, unsigned int *reason,
			       u8 ret_key[MMESH_KEY_LEN]);
/* Answer to the initiation that was consumed last. */
bool mmesh_noise_create_response(struct mmesh_msg_response *dst,
				 struct mmesh_handshake *handshake,
				 unsigned int *reason);
/* The peer whose answer it is, with a reference, or NULL. */
struct mmesh_peer *
mmesh_noise_consume_response(const struct mmesh_msg_response *src,
			     struct mmesh_device *m, unsigned int *reason);
/* Derive the transport keys and install them; the handshake's index becomes
 * the keypair's, and the handshake's own secrets are wiped.
 */
bool mmesh_noise_begin_session(struct mmesh_handshake *handshake,
			       struct mmesh_keypairs *keypairs,
			       unsigned int *reason);

#endif
