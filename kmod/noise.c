// SPDX-License-Identifier: GPL-2.0
/*
 * The handshake as a state machine without queues or timers: Noise's
 * IKpsk2 pattern, as the WireGuard paper's section 5.4 spells it out, for two
 * suites that differ in their AEAD, their names and their types of message.
 * Each function below that makes or takes a message has one comment for each
 * token of the pattern.
 *
 * Lock order: identity->lock, handshake->lock, then keypairs->lock or the
 * index table's.
 */

#include <crypto/curve25519.h>
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "crypt.h"
#include "device.h"
#include "ext.h"
#include "keylog.h"
#include "limits.h"
#include "mmesh-compat-crypto.h"
#include "noise.h"
#include "peer.h"

/* What a suite mixes in before anything else; constant. */
struct protocol {
	const char *construction;
	const char *identifier;
	u8 initiation;
	u8 response;
	u8 chaining_key[MMESH_HASH_LEN];
	u8 hash[MMESH_HASH_LEN];
};

static struct protocol protocols[] __read_mostly = {
	[MMESH_SUITE_WIREGUARD] = {
		.construction = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s",
		.identifier = "WireGuard v1 zx2c4 Jason@zx2c4.com",
		.initiation = MMESH_MSG_INITIATION,
		.response = MMESH_MSG_RESPONSE,
	},
	[MMESH_SUITE_AES256GCM] = {
		.construction = "Noise_IKpsk2_25519_AESGCM_BLAKE2s",
		.identifier = "mmesh v1 aes256gcm",
		.initiation = MMESH_MSG_INITIATION_AES,
		.response = MMESH_MSG_RESPONSE_AES,
	},
};

/* A handshake's symmetric state while a message is made or taken apart. It
 * lives on the stack and is copied into the handshake when all went well.
 */
struct symmetric {
	u8 chaining_key[MMESH_HASH_LEN];
	u8 hash[MMESH_HASH_LEN];
	u8 key[MMESH_KEY_LEN];
	u8 suite;
};

static void hash_two(u8 dst[MMESH_HASH_LEN], const void *a, size_t a_len,
		     const void *b, size_t b_len)
{
	struct mmesh_blake2s_ctx ctx;

	blake2s_init(&ctx, MMESH_HASH_LEN);
	blake2s_update(&ctx, a, a_len);
	blake2s_update(&ctx, b, b_len);
	blake2s_final(&ctx, dst);
}

/* RFC 2104 over BLAKE2s with keys of 32 bytes. BLAKE2s's own keyed mode is
 * used for the MACs only; the paper asks for HMAC here.
 */
static void hmac(u8 dst[MMESH_HASH_LEN], const u8 key[MMESH_HASH_LEN],
		 const void *a, size_t a_len, const void *b, size_t b_len)
{
	u8 pad[BLAKE2S_BLOCK_SIZE], inner[MMESH_HASH_LEN];
	struct mmesh_blake2s_ctx ctx;
	size_t i;

	memset(pad, 0x36, sizeof(pad));
	for (i = 0; i < MMESH_HASH_LEN; i++)
		pad[i] ^= key[i];
	blake2s_init(&ctx, MMESH_HASH_LEN);
	blake2s_update(&ctx, pad, sizeof(pad));
	blake2s_update(&ctx, a, a_len);
	if (b_len)
		blake2s_update(&ctx, b, b_len);
	blake2s_final(&ctx, inner);

	for (i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	hash_two(dst, pad, sizeof(pad), inner, sizeof(inner));

	memzero_explicit(pad, sizeof(pad));
	memzero_explicit(inner, sizeof(inner));
}

/* HKDF (RFC 5869) with the chaining key as salt; up to three outputs. Those
 * not wanted are NULL, from the last. Outputs may overwrite @chaining_key.
 */
static void kdf(u8 *first, u8 *second, u8 *third,
		const u8 chaining_key[MMESH_HASH_LEN],
		const void *input, size_t len)
{
	u8 *const out[] = { first, second, third };
	u8 secret[MMESH_HASH_LEN], block[MMESH_HASH_LEN];
	size_t block_len = 0;
	u8 i;

	hmac(secret, chaining_key, input, len, NULL, 0);
	for (i = 0; i < ARRAY_SIZE(out) && out[i]; i++) {
		const u8 number = i + 1;

		hmac(block, secret, block, block_len, &number, sizeof(number));
		block_len = sizeof(block);
		memcpy(out[i], block, MMESH_HASH_LEN);
	}
	memzero_explicit(secret, sizeof(secret));
	memzero_explicit(block, sizeof(block));
}

static void mix_hash(struct symmetric *s, const void *data, size_t len)
{
	hash_two(s->hash, s->hash, sizeof(s->hash), data, len);
}

/* Both sides begin with the responder's static key. */
static void start(struct symmetric *s, u8 suite, const u8 responder[MMESH_KEY_LEN])
{
	const struct protocol *protocol = &protocols[suite];

	s->suite = suite;
	memcpy(s->chaining_key, protocol->chaining_key, sizeof(s->chaining_key));
	memcpy(s->hash, protocol->hash, sizeof(s->hash));
	mix_hash(s, responder, MMESH_KEY_LEN);
}

static void mix_ephemeral(struct symmetric *s, const u8 public[MMESH_KEY_LEN])
{
	mix_hash(s, public, MMESH_KEY_LEN);
	kdf(s->chaining_key, NULL, NULL, s->chaining_key, public, MMESH_KEY_LEN);
}

static void mix_shared(struct symmetric *s, const u8 shared[MMESH_KEY_LEN])
{
	kdf(s->chaining_key, s->key, NULL, s->chaining_key, shared, MMESH_KEY_LEN);
}

/* False: a point of low order, whose product everybody knows. */
static bool mix_dh(struct symmetric *s, const u8 private[MMESH_KEY_LEN],
		   const u8 public[MMESH_KEY_LEN])
{
	u8 shared[MMESH_KEY_LEN];
	bool ret = curve25519(shared, private, public);

	if (ret)
		mix_shared(s, shared);
	memzero_explicit(shared, sizeof(shared));
	return ret;
}

static void mix_psk(struct symmetric *s, const u8 psk[MMESH_KEY_LEN])
{
	u8 for_hash[MMESH_HASH_LEN];

	kdf(s->chaining_key, for_hash, s->key, s->chaining_key, psk, MMESH_KEY_LEN);
	mix_hash(s, for_hash, sizeof(for_hash));
	memzero_explicit(for_hash, sizeof(for_hash));
}

/* @src may be NULL when @len is 0. Each key is used once: nonce 0. */
static int encrypt(struct symmetric *s, u8 *dst, const u8 *src, size_t len)
{
	int ret = mmesh_aead_encrypt(s->suite, dst, src ?: dst, len, s->hash,
				     sizeof(s->hash), 0, s->key);

	if (!ret)
		mix_hash(s, dst, len + MMESH_TAG_LEN);
	return ret;
}

/* @len is that of the ciphertext with its tag. @dst may be NULL when there is
 * only a tag.
 */
static int decrypt(struct symmetric *s, u8 *dst, const u8 *src, size_t len)
{
	u8 nothing[1];
	int ret = mmesh_aead_decrypt(s->suite, dst ?: nothing, src, len, s->hash,
				     sizeof(s->hash), 0, s->key);

	if (!ret)
		mix_hash(s, src, len);
	return ret;
}

static unsigned int reason_of(int err)
{
	return err == -EBADMSG ? MMESH_STAT_HS_DROP_DECRYPT :
				 MMESH_STAT_HS_DROP_NO_MEMORY;
}

/* KUnit puts known values in the place of these two. */
#ifndef MMESH_KUNIT
static void ephemeral_generate(u8 private[MMESH_KEY_LEN])
{
	curve25519_generate_secret(private);
	mmesh_keylog_ephemeral(private);
}

static void wall_clock(struct timespec64 *now)
{
	ktime_get_real_ts64(now);
}
#endif

/* TAI64N. The nanoseconds are cut down to a power of two a little below the
 * interval at which initiations are accepted at all, so that the clock's fine
 * structure doesn't leak.
 */
static void tai64n_now(u8 dst[MMESH_TIMESTAMP_LEN])
{
	const u32 grain = rounddown_pow_of_two(NSEC_PER_SEC /
					       MMESH_INITIATIONS_PER_SECOND);
	struct timespec64 now;

	wall_clock(&now);
	put_unaligned_be64(0x400000000000000aULL + now.tv_sec, dst);
	put_unaligned_be32(now.tv_nsec & ~(grain - 1), dst + sizeof(u64));
}

static int suite_of_initiation(const struct mmesh_msg_header *header)
{
	u8 suite;

	for (suite = 0; suite < ARRAY_SIZE(protocols); suite++) {
		if (header->type == cpu_to_le32(protocols[suite].initiation))
			return suite;
	}
	return -EINVAL;
}

static int suite_of_response(const struct mmesh_msg_header *header)
{
	u8 suite;

	for (suite = 0; suite < ARRAY_SIZE(protocols); suite++) {
		if (header->type == cpu_to_le32(protocols[suite].response))
			return suite;
	}
	return -EINVAL;
}

static void zero(struct mmesh_handshake *handshake)
{
	memzero_explicit(handshake->ephemeral_private, MMESH_KEY_LEN);
	memzero_explicit(handshake->remote_ephemeral, MMESH_KEY_LEN);
	memzero_explicit(handshake->hash, MMESH_HASH_LEN);
	memzero_explicit(handshake->chaining_key, MMESH_HASH_LEN);
	handshake->remote_index = 0;
	handshake->state = MMESH_HS_ZEROED;
}

static void keep(struct mmesh_handshake *handshake, const struct symmetric *s,
		 enum mmesh_handshake_state state)
{
	memcpy(handshake->hash, s->hash, MMESH_HASH_LEN);
	memcpy(handshake->chaining_key, s->chaining_key, MMESH_HASH_LEN);
	handshake->state = state;
}

/* DH of the two static keys; both locks are held, the handshake's for writing.
 * False: the peer's key is a point of low order.
 */
static bool static_static(struct mmesh_handshake *handshake)
{
	lockdep_assert_held(&handshake->identity->lock);
	lockdep_assert_held_write(&handshake->lock);
	if (!handshake->static_static_valid)
		handshake->static_static_valid =
			curve25519(handshake->precomputed_static_static,
				   handshake->identity->static_private,
				   handshake->remote_static);
	return handshake->static_static_valid;
}

/* A fresh index by which the other side names this handshake. The handshake's
 * lock is held for writing: removal of the peer marks it first and takes that
 * lock afterwards to clear the handshake, so no index stays behind.
 */
static bool take_index(struct mmesh_handshake *handshake, unsigned int *reason)
{
	struct mmesh_peer *peer = handshake->entry.peer;
	int ret;

	if (READ_ONCE(peer->is_dead)) {
		*reason = MMESH_STAT_HS_DROP_UNKNOWN_PEER;
		return false;
	}
	ret = mmesh_index_insert(&peer->device->indices, &handshake->entry);
	if (ret)
		*reason = ret == -ENOSPC ? MMESH_STAT_HS_DROP_NO_INDEX :
					   MMESH_STAT_HS_DROP_NO_MEMORY;
	return !ret;
}

void mmesh_handshake_init(struct mmesh_handshake *handshake,
			  struct mmesh_identity *identity,
			  const u8 peer_public[MMESH_KEY_LEN],
			  const u8 psk[MMESH_KEY_LEN], u8 suite,
			  struct mmesh_peer *peer)
{
	memset(handshake, 0, sizeof(*handshake));
	init_rwsem(&handshake->lock);
	handshake->entry.type = MMESH_INDEX_HANDSHAKE;
	handshake->entry.peer = peer;
	handshake->identity = identity;
	handshake->suite = suite;
	memcpy(handshake->remote_static, peer_public, MMESH_KEY_LEN);
	if (psk)
		memcpy(handshake->preshared_key, psk, MMESH_KEY_LEN);
}

void mmesh_handshake_clear(struct mmesh_handshake *handshake)
{
	down_write(&handshake->lock);
	mmesh_index_remove(&handshake->entry.peer->device->indices,
			   &handshake->entry);
	zero(handshake);
	up_write(&handshake->lock);
}

void mmesh_handshake_forget_static_static(struct mmesh_handshake *handshake)
{
	down_write(&handshake->lock);
	memzero_explicit(handshake->precomputed_static_static, MMESH_KEY_LEN);
	handshake->static_static_valid = false;
	up_write(&handshake->lock);
}

void mmesh_identity_set_private(struct mmesh_identity *identity,
				const u8 private[MMESH_KEY_LEN])
{
	lockdep_assert_held_write(&identity->lock);
	/* An all-zero key is refused here; a clamped one never is all zero. */
	identity->has_identity =
		curve25519_generate_public(identity->static_public, private);
	if (identity->has_identity) {
		memcpy(identity->static_private, private, MMESH_KEY_LEN);
		curve25519_clamp_secret(identity->static_private);
	} else {
		memzero_explicit(identity->static_private, MMESH_KEY_LEN);
		memzero_explicit(identity->static_public, MMESH_KEY_LEN);
	}
}

static bool write_initiation(struct mmesh_msg_initiation *dst,
			     struct mmesh_handshake *handshake,
			     struct symmetric *s, unsigned int *reason)
{
	const struct mmesh_identity *identity = handshake->identity;
	u8 timestamp[MMESH_TIMESTAMP_LEN];
	int ret;

	*reason = MMESH_STAT_HS_DROP_DECRYPT;
	/* s, of the responder, is known before */
	start(s, handshake->suite, handshake->remote_static);
	/* e */
	ephemeral_generate(handshake->ephemeral_private);
	if (!curve25519_generate_public(dst->ephemeral,
					handshake->ephemeral_private))
		return false;
	mix_ephemeral(s, dst->ephemeral);
	/* es */
	if (!mix_dh(s, handshake->ephemeral_private, handshake->remote_static))
		return false;
	/* s */
	ret = encrypt(s, dst->encrypted_static, identity->static_public,
		      MMESH_KEY_LEN);
	if (ret)
		goto failed;
	/* ss */
	if (!static_static(handshake))
		return false;
	mix_shared(s, handshake->precomputed_static_static);
	/* {t} */
	tai64n_now(timestamp);
	ret = encrypt(s, dst->encrypted_timestamp, timestamp, sizeof(timestamp));
	if (ret)
		goto failed;
	return true;

failed:
	*reason = reason_of(ret);
	return false;
}

bool mmesh_noise_create_initiation(struct mmesh_msg_initiation *dst,
				   struct mmesh_handshake *handshake,
				   unsigned int *reason)
{
	struct mmesh_identity *identity = handshake->identity;
	struct symmetric s;
	bool ret = false;

	/* A seed that isn't ready must not stop a change of identity. */
	wait_for_random_bytes();
	down_read(&identity->lock);
	down_write(&handshake->lock);
	if (!identity->has_identity) {
		*reason = MMESH_STAT_HS_DROP_NO_IDENTITY;
		goto out;
	}
	if (!write_initiation(dst, handshake, &s, reason) ||
	    !take_index(handshake, reason)) {
		zero(handshake);
		goto out;
	}
	dst->header.type = cpu_to_le32(protocols[s.suite].initiation);
	dst->sender_index = handshake->entry.index;
	keep(handshake, &s, MMESH_HS_CREATED_INITIATION);
	ret = true;
out:
	up_write(&handshake->lock);
	up_read(&identity->lock);
	memzero_explicit(&s, sizeof(s));
	return ret;
}

/* The part of an initiation that tells who it is from. */
static struct mmesh_peer *
read_initiator(const struct mmesh_msg_initiation *src, struct mmesh_device *m,
	       struct symmetric *s, unsigned int *reason, u8 initiator[MMESH_KEY_LEN])
{
	const struct mmesh_identity *identity = &m->identity;
	struct mmesh_peer *peer;
	int ret;

	/* s, our own, is known before */
	start(s, s->suite, identity->static_public);
	/* e */
	mix_ephemeral(s, src->ephemeral);
	/* es */
	if (!mix_dh(s, identity->static_private, src->ephemeral)) {
		*reason = MMESH_STAT_HS_DROP_DECRYPT;
		return NULL;
	}
	/* s */
	ret = decrypt(s, initiator, src->encrypted_static,
		      sizeof(src->encrypted_static));
	if (ret) {
		*reason = reason_of(ret);
		return NULL;
	}
	peer = mmesh_peer_lookup(m, initiator);
	if (!peer)
		*reason = MMESH_STAT_HS_DROP_UNKNOWN_PEER;
	return peer;
}

/* The part that proves it, and that it isn't old. Handshake locked. */
static bool read_timestamp(const struct mmesh_msg_initiation *src,
			   struct mmesh_handshake *handshake,
			   struct symmetric *s, unsigned int *reason)
{
	const u64 interval = NSEC_PER_SEC / MMESH_INITIATIONS_PER_SECOND;
	const u64 now = ktime_get_coarse_boottime_ns();
	u8 timestamp[MMESH_TIMESTAMP_LEN];
	int ret;

	*reason = MMESH_STAT_HS_DROP_SUITE;
	if (handshake->suite != s->suite)
		return false;
	/* ss */
	*reason = MMESH_STAT_HS_DROP_DECRYPT;
	if (!static_static(handshake))
		return false;
	mix_shared(s, handshake->precomputed_static_static);
	/* {t} */
	ret = decrypt(s, timestamp, src->encrypted_timestamp,
		      sizeof(src->encrypted_timestamp));
	if (ret) {
		*reason = reason_of(ret);
		return false;
	}
	/* Big-endian, so bytes compare like numbers. */
	*reason = MMESH_STAT_HS_DROP_REPLAY;
	if (memcmp(timestamp, handshake->latest_timestamp,
		   sizeof(timestamp)) <= 0)
		return false;
	*reason = MMESH_STAT_HS_DROP_FLOOD;
	if (handshake->last_initiation_consumption &&
	    handshake->last_initiation_consumption + interval > now)
		return false;

	memcpy(handshake->latest_timestamp, timestamp, sizeof(timestamp));
	handshake->last_initiation_consumption = now;
	return true;
}

struct mmesh_peer *
mmesh_noise_consume_initiation(const struct mmesh_msg_initiation *src,
			       struct mmesh_device *m, unsigned int *reason,
			       u8 ret_key[MMESH_KEY_LEN])
{
	int suite = suite_of_initiation(&src->header);
	struct mmesh_peer *peer = NULL;
	struct symmetric s;
	bool ok = false;

	if (suite < 0) {
		*reason = MMESH_STAT_HS_DROP_SUITE;
		return NULL;
	}
	s.suite = suite;
	down_read(&m->identity.lock);
	if (!m->identity.has_identity) {
		*reason = MMESH_STAT_HS_DROP_NO_IDENTITY;
		goto out;
	}
	peer = read_initiator(src, m, &s, reason, ret_key);
	if (!peer)
		goto out;

	down_write(&peer->handshake.lock);
	ok = read_timestamp(src, &peer->handshake, &s, reason);
	if (ok) {
		memcpy(peer->handshake.remote_ephemeral, src->ephemeral,
		       MMESH_KEY_LEN);
		peer->handshake.remote_index = src->sender_index;
		keep(&peer->handshake, &s, MMESH_HS_CONSUMED_INITIATION);
	}
	up_write(&peer->handshake.lock);
out:
	up_read(&m->identity.lock);
	memzero_explicit(&s, sizeof(s));
	if (!ok) {
		mmesh_peer_put(peer);
		return NULL;
	}
	return peer;
}

static bool write_response(struct mmesh_msg_response *dst,
			   struct mmesh_handshake *handshake,
			   struct symmetric *s, unsigned int *reason)
{
	int ret;

	*reason = MMESH_STAT_HS_DROP_DECRYPT;
	memcpy(s->hash, handshake->hash, sizeof(s->hash));
	memcpy(s->chaining_key, handshake->chaining_key, sizeof(s->chaining_key));
	/* e */
	ephemeral_generate(handshake->ephemeral_private);
	if (!curve25519_generate_public(dst->ephemeral,
					handshake->ephemeral_private))
		return false;
	mix_ephemeral(s, dst->ephemeral);
	/* ee */
	if (!mix_dh(s, handshake->ephemeral_private, handshake->remote_ephemeral))
		return false;
	/* se */
	if (!mix_dh(s, handshake->ephemeral_private, handshake->remote_static))
		return false;
	/* psk */
	mix_psk(s, handshake->preshared_key);
	/* {} */
	ret = encrypt(s, dst->encrypted_nothing, NULL, 0);
	if (ret)
		*reason = reason_of(ret);
	return !ret;
}

bool mmesh_noise_create_response(struct mmesh_msg_response *dst,
				 struct mmesh_handshake *handshake,
				 unsigned int *reason)
{
	struct symmetric s;
	bool ret = false;

	wait_for_random_bytes();
	down_write(&handshake->lock);
	if (handshake->state != MMESH_HS_CONSUMED_INITIATION) {
		*reason = MMESH_STAT_HS_DROP_STATE;
		goto out;
	}
	s.suite = handshake->suite;
	if (!write_response(dst, handshake, &s, reason) ||
	    !take_index(handshake, reason)) {
		zero(handshake);
		goto out;
	}
	dst->header.type = cpu_to_le32(protocols[s.suite].response);
	dst->sender_index = handshake->entry.index;
	dst->receiver_index = handshake->remote_index;
	keep(handshake, &s, MMESH_HS_CREATED_RESPONSE);
	ret = true;
out:
	up_write(&handshake->lock);
	memzero_explicit(&s, sizeof(s));
	return ret;
}

static bool read_response(const struct mmesh_msg_response *src,
			  const struct mmesh_handshake *handshake,
			  struct symmetric *s, unsigned int *reason)
{
	int ret;

	*reason = MMESH_STAT_HS_DROP_SUITE;
	if (handshake->suite != s->suite)
		return false;
	*reason = MMESH_STAT_HS_DROP_STATE;
	if (handshake->state != MMESH_HS_CREATED_INITIATION)
		return false;

	*reason = MMESH_STAT_HS_DROP_DECRYPT;
	memcpy(s->hash, handshake->hash, sizeof(s->hash));
	memcpy(s->chaining_key, handshake->chaining_key, sizeof(s->chaining_key));
	/* e */
	mix_ephemeral(s, src->ephemeral);
	/* ee */
	if (!mix_dh(s, handshake->ephemeral_private, src->ephemeral))
		return false;
	/* se */
	if (!mix_dh(s, handshake->identity->static_private, src->ephemeral))
		return false;
	/* psk */
	mix_psk(s, handshake->preshared_key);
	/* {} */
	ret = decrypt(s, NULL, src->encrypted_nothing,
		      sizeof(src->encrypted_nothing));
	if (ret)
		*reason = reason_of(ret);
	return !ret;
}

static struct mmesh_peer *peer_of_handshake(struct mmesh_device *m, __le32 index)
{
	struct mmesh_index_entry *entry;
	struct mmesh_peer *peer = NULL;

	rcu_read_lock();
	entry = mmesh_index_lookup(&m->indices, MMESH_INDEX_HANDSHAKE, index);
	if (entry)
		peer = mmesh_peer_get_maybe_zero(entry->peer);
	rcu_read_unlock();
	return peer;
}

struct mmesh_peer *
mmesh_noise_consume_response(const struct mmesh_msg_response *src,
			     struct mmesh_device *m, unsigned int *reason)
{
	int suite = suite_of_response(&src->header);
	struct mmesh_peer *peer;
	struct symmetric s;
	bool ok = false;

	if (suite < 0) {
		*reason = MMESH_STAT_HS_DROP_SUITE;
		return NULL;
	}
	s.suite = suite;
	peer = peer_of_handshake(m, src->receiver_index);
	if (!peer) {
		*reason = MMESH_STAT_HS_DROP_NO_INDEX;
		return NULL;
	}

	down_read(&m->identity.lock);
	down_write(&peer->handshake.lock);
	*reason = MMESH_STAT_HS_DROP_NO_IDENTITY;
	if (m->identity.has_identity)
		ok = read_response(src, &peer->handshake, &s, reason);
	if (ok) {
		memcpy(peer->handshake.remote_ephemeral, src->ephemeral,
		       MMESH_KEY_LEN);
		peer->handshake.remote_index = src->sender_index;
		keep(&peer->handshake, &s, MMESH_HS_CONSUMED_RESPONSE);
	}
	up_write(&peer->handshake.lock);
	up_read(&m->identity.lock);
	memzero_explicit(&s, sizeof(s));
	if (!ok) {
		mmesh_peer_put(peer);
		return NULL;
	}
	return peer;
}

/* Noise's Split(): the first output is the initiator's sending key. The third,
 * which WireGuard has no use for, is the secret of the extensions.
 */
static void derive_keys(struct mmesh_keypair *keypair,
			const struct mmesh_handshake *handshake)
{
	u8 first[MMESH_KEY_LEN], second[MMESH_KEY_LEN], third[MMESH_KEY_LEN];
	bool initiator = handshake->state == MMESH_HS_CONSUMED_RESPONSE;

	kdf(first, second, keypair->ext ? third : NULL, handshake->chaining_key,
	    NULL, 0);
	keypair->i_am_the_initiator = initiator;
	keypair->suite = handshake->suite;
	keypair->remote_index = handshake->remote_index;
	keypair->birthdate = ktime_get_coarse_boottime_ns();
	mmesh_crypt_key_init(&keypair->sending, keypair->suite,
			     initiator ? first : second);
	mmesh_crypt_key_init(&keypair->receiving, keypair->suite,
			     initiator ? second : first);
	if (keypair->ext) {
		mmesh_session_ext_derive(keypair->ext, third, initiator);
		memzero_explicit(third, sizeof(third));
	}
	keypair->sending_valid = true;
	keypair->receiving_valid = true;
	memzero_explicit(first, sizeof(first));
	memzero_explicit(second, sizeof(second));
}

bool mmesh_noise_begin_session(struct mmesh_handshake *handshake,
			       struct mmesh_keypairs *keypairs,
			       unsigned int *reason)
{
	struct mmesh_keypair *keypair;
	bool ret = false;

	keypair = mmesh_keypair_create(handshake->entry.peer);
	if (!keypair) {
		*reason = MMESH_STAT_HS_DROP_NO_MEMORY;
		return false;
	}
	down_write(&handshake->lock);
	if (handshake->state == MMESH_HS_CREATED_RESPONSE ||
	    handshake->state == MMESH_HS_CONSUMED_RESPONSE) {
		derive_keys(keypair, handshake);
		zero(handshake);
		ret = mmesh_keypairs_install(keypairs, keypair,
					     &handshake->entry);
	}
	up_write(&handshake->lock);
	if (!ret) {
		*reason = MMESH_STAT_HS_DROP_STATE;
		mmesh_keypair_put(keypair, false);
	}
	return ret;
}

/* The kernel's blake2s() has changed its order of arguments before. A module
 * that hashes wrongly would only be seen to get no answers, so look now.
 */
static bool blake2s_is_sane(void)
{
	/* BLAKE2s-256 of "abc" under the key 00 01 ... 1f, by hashlib. */
	static const u8 expected[] = {
		0xa2, 0x81, 0xf7, 0x25, 0x75, 0x49, 0x69, 0xa7,
		0x02, 0xf6, 0xfe, 0x36, 0xfc, 0x59, 0x1b, 0x7d,
		0xef, 0x86, 0x6e, 0x4b, 0x70, 0x17, 0x3e, 0xce,
		0x40, 0x2f, 0xc0, 0x1c, 0x06, 0x4d, 0x6b, 0x65,
	};
	u8 key[MMESH_KEY_LEN], out[MMESH_HASH_LEN];
	u8 i;

	for (i = 0; i < sizeof(key); i++)
		key[i] = i;
	mmesh_blake2s(key, sizeof(key), "abc", 3, out, sizeof(out));
	return !memcmp(out, expected, sizeof(expected));
}

int mmesh_noise_init(void)
{
	struct protocol *p;

	if (!blake2s_is_sane()) {
		pr_err("mmesh: this kernel's BLAKE2s gives wrong results\n");
		return -ENOTRECOVERABLE;
	}
	for (p = protocols; p < protocols + ARRAY_SIZE(protocols); p++) {
		mmesh_blake2s(NULL, 0, p->construction, strlen(p->construction),
			      p->chaining_key, MMESH_HASH_LEN);
		hash_two(p->hash, p->chaining_key, MMESH_HASH_LEN,
			 p->identifier, strlen(p->identifier));
	}
	return mmesh_keypair_module_init();
}

void mmesh_noise_exit(void)
{
	mmesh_keypair_module_exit();
}
