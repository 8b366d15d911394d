// SPDX-License-Identifier: GPL-2.0
/*
 * mac1 shows that the sender knows whom it talks to, mac2 that it receives
 * what is sent to its address. Neither tells who it is.
 */

#include <crypto/chacha20poly1305.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "cookie.h"
#include "device.h"
#include "limits.h"
#include "mmesh-compat-crypto.h"
#include "peer.h"
#include "ratelimiter.h"
#include "socket.h"
#include "timers.h"

static const char *const mac1_labels[] = {
	[MMESH_SUITE_WIREGUARD] = "mac1----",
	[MMESH_SUITE_AES256GCM] = "mac1-aes",
};

static const char cookie_label[] = "cookie--";

/* KUnit puts known values in the place of these two. */
#ifndef MMESH_KUNIT
static u64 boot_clock_ns(void)
{
	return ktime_get_coarse_boottime_ns();
}

static void random_bytes(u8 *dst, size_t len)
{
	get_random_bytes_wait(dst, len);
}
#endif

static bool too_old(u64 birthdate, u64 seconds)
{
	return birthdate + seconds * NSEC_PER_SEC <= boot_clock_ns();
}

static void label_key(u8 key[MMESH_KEY_LEN], const char *label,
		      const u8 public[MMESH_KEY_LEN])
{
	struct mmesh_blake2s_ctx ctx;

	blake2s_init(&ctx, MMESH_KEY_LEN);
	blake2s_update(&ctx, (const u8 *)label, strlen(label));
	blake2s_update(&ctx, public, MMESH_KEY_LEN);
	blake2s_final(&ctx, key);
}

static void derive_keys(struct mmesh_cookie_keys *keys,
			const u8 public[MMESH_KEY_LEN])
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mac1_labels); i++)
		label_key(keys->mac1[i], mac1_labels[i], public);
	label_key(keys->cookie, cookie_label, public);
}

/* The message's type names the suite, and that the label. */
static const u8 *mac1_key(const struct mmesh_cookie_keys *keys, const void *msg)
{
	const struct mmesh_msg_header *header = msg;

	switch (le32_to_cpu(header->type)) {
	case MMESH_MSG_INITIATION_AES:
	case MMESH_MSG_RESPONSE_AES:
		return keys->mac1[MMESH_SUITE_AES256GCM];
	default:
		return keys->mac1[MMESH_SUITE_WIREGUARD];
	}
}

/* The macs are a message's last bytes; mac2 covers mac1 as well. */
static const struct mmesh_msg_macs *macs_of(const void *msg, size_t len)
{
	return msg + len - sizeof(struct mmesh_msg_macs);
}

static void compute_mac1(u8 mac1[MMESH_MAC_LEN], const void *msg, size_t len,
			 const u8 key[MMESH_KEY_LEN])
{
	mmesh_blake2s(key, MMESH_KEY_LEN, msg,
		      len - sizeof(struct mmesh_msg_macs), mac1, MMESH_MAC_LEN);
}

static void compute_mac2(u8 mac2[MMESH_MAC_LEN], const void *msg, size_t len,
			 const u8 cookie[MMESH_MAC_LEN])
{
	mmesh_blake2s(cookie, MMESH_MAC_LEN, msg, len - MMESH_MAC_LEN, mac2,
		      MMESH_MAC_LEN);
}

void mmesh_cookie_checker_init(struct mmesh_cookie_checker *checker)
{
	memset(checker, 0, sizeof(*checker));
	init_rwsem(&checker->lock);
	/* No secret yet: the first use finds it too old and draws one. */
}

void mmesh_cookie_checker_precompute(struct mmesh_device *m)
{
	struct mmesh_cookie_checker *checker = &m->cookie_checker;

	lockdep_assert_held(&m->update_lock);
	down_write(&checker->lock);
	checker->has_keys = m->identity.has_identity;
	if (checker->has_keys)
		derive_keys(&checker->keys, m->identity.static_public);
	else
		memset(&checker->keys, 0, sizeof(checker->keys));
	up_write(&checker->lock);
}

void mmesh_cookie_init(struct mmesh_cookie *cookie, const u8 peer_public[MMESH_KEY_LEN])
{
	memset(cookie, 0, sizeof(*cookie));
	init_rwsem(&cookie->lock);
	derive_keys(&cookie->keys, peer_public);
}

static bool secret_is_due(const struct mmesh_cookie_checker *checker)
{
	return !checker->secret_birthdate ||
	       too_old(checker->secret_birthdate, MMESH_COOKIE_SECRET_MAX_AGE);
}

static void renew_secret(struct mmesh_cookie_checker *checker)
{
	bool due;

	down_read(&checker->lock);
	due = secret_is_due(checker);
	up_read(&checker->lock);
	if (likely(!due))
		return;
	down_write(&checker->lock);
	/* Two workers may have seen the same. */
	if (secret_is_due(checker)) {
		random_bytes(checker->secret, sizeof(checker->secret));
		checker->secret_birthdate = boot_clock_ns() ?: 1;
	}
	up_write(&checker->lock);
}

/* The cookie of a source: its address and port under our secret. */
static void make_cookie(u8 cookie[MMESH_MAC_LEN],
			struct mmesh_cookie_checker *checker,
			const struct mmesh_addr *from)
{
	struct mmesh_blake2s_ctx ctx;

	renew_secret(checker);
	down_read(&checker->lock);
	blake2s_init_key(&ctx, MMESH_MAC_LEN, checker->secret,
			 sizeof(checker->secret));
	up_read(&checker->lock);
	if (mmesh_addr_is_relayed(from)) {
		/* Those behind one relay have a cookie and a rate each. */
		blake2s_update(&ctx, (const u8 *)&from->relay.relay, sizeof(u32));
		blake2s_update(&ctx, (const u8 *)&from->relay.channel, sizeof(u32));
	} else if (from->addr.sa_family == AF_INET6) {
		blake2s_update(&ctx, (const u8 *)&from->addr6.sin6_addr,
			       sizeof(struct in6_addr));
		blake2s_update(&ctx, (const u8 *)&from->addr6.sin6_port,
			       sizeof(__be16));
	} else {
		blake2s_update(&ctx, (const u8 *)&from->addr4.sin_addr,
			       sizeof(struct in_addr));
		blake2s_update(&ctx, (const u8 *)&from->addr4.sin_port,
			       sizeof(__be16));
	}
	blake2s_final(&ctx, cookie);
}

static bool mac1_is_valid(struct mmesh_cookie_checker *checker, const void *msg,
			  size_t len)
{
	u8 computed[MMESH_MAC_LEN];
	bool ret = false;

	down_read(&checker->lock);
	if (checker->has_keys) {
		compute_mac1(computed, msg, len, mac1_key(&checker->keys, msg));
		ret = !crypto_memneq(computed, macs_of(msg, len)->mac1,
				     MMESH_MAC_LEN);
	}
	up_read(&checker->lock);
	return ret;
}

static bool is_within_rate(struct mmesh_device *m, const struct mmesh_addr *from)
{
	bool ret;

	/* The netns is a part of the bucket's name only. */
	rcu_read_lock();
	ret = mmesh_ratelimiter_allow(from, rcu_dereference(m->birth_net));
	rcu_read_unlock();
	return ret;
}

enum mmesh_mac_state
mmesh_cookie_validate(struct mmesh_device *m, const void *msg, size_t len,
		      const struct mmesh_addr *from, bool check_cookie)
{
	u8 cookie[MMESH_MAC_LEN], computed[MMESH_MAC_LEN];
	bool valid;

	if (!mac1_is_valid(&m->cookie_checker, msg, len))
		return MMESH_MAC_INVALID;
	if (!check_cookie)
		return MMESH_MAC1_VALID;

	make_cookie(cookie, &m->cookie_checker, from);
	compute_mac2(computed, msg, len, cookie);
	valid = !crypto_memneq(computed, macs_of(msg, len)->mac2, MMESH_MAC_LEN);
	memzero_explicit(cookie, sizeof(cookie));
	if (!valid)
		return MMESH_MAC1_VALID;
	return is_within_rate(m, from) ? MMESH_MAC2_VALID :
					 MMESH_MAC2_VALID_RATELIMITED;
}

void mmesh_cookie_add_macs(struct mmesh_peer *peer, void *msg, size_t len)
{
	struct mmesh_msg_macs *macs = msg + len - sizeof(*macs);
	struct mmesh_cookie *cookie = &peer->cookie;

	down_write(&cookie->lock);
	compute_mac1(macs->mac1, msg, len, mac1_key(&cookie->keys, msg));
	/* A reply will be bound to it. */
	memcpy(cookie->last_mac1_sent, macs->mac1, MMESH_MAC_LEN);
	cookie->have_sent_mac1 = true;
	/* Not up to the last second: the message has to get there. */
	if (cookie->is_valid &&
	    too_old(cookie->birthdate, MMESH_COOKIE_SECRET_MAX_AGE -
				       MMESH_COOKIE_SECRET_LATENCY))
		cookie->is_valid = false;
	if (cookie->is_valid)
		compute_mac2(macs->mac2, msg, len, cookie->cookie);
	else
		memset(macs->mac2, 0, MMESH_MAC_LEN);
	up_write(&cookie->lock);
}

void mmesh_cookie_create_reply(struct mmesh_device *m, struct mmesh_msg_cookie *reply,
			       const void *msg, size_t len, __le32 index,
			       const struct mmesh_addr *from)
{
	struct mmesh_cookie_checker *checker = &m->cookie_checker;
	u8 cookie[MMESH_MAC_LEN];

	reply->header.type = cpu_to_le32(MMESH_MSG_COOKIE);
	reply->receiver_index = index;
	random_bytes(reply->nonce, sizeof(reply->nonce));
	make_cookie(cookie, checker, from);
	down_read(&checker->lock);
	xchacha20poly1305_encrypt(reply->encrypted_cookie, cookie, sizeof(cookie),
				  macs_of(msg, len)->mac1, MMESH_MAC_LEN,
				  reply->nonce, checker->keys.cookie);
	up_read(&checker->lock);
	memzero_explicit(cookie, sizeof(cookie));
}

/* A cookie is taken once for each mac1 that was sent, so a captured reply
 * can't be played again after the next message.
 */
static bool take_cookie(struct mmesh_cookie *cookie,
			const struct mmesh_msg_cookie *reply)
{
	u8 plain[MMESH_MAC_LEN];
	bool ret;

	down_write(&cookie->lock);
	ret = cookie->have_sent_mac1 &&
	      xchacha20poly1305_decrypt(plain, reply->encrypted_cookie,
					sizeof(reply->encrypted_cookie),
					cookie->last_mac1_sent, MMESH_MAC_LEN,
					reply->nonce, cookie->keys.cookie);
	if (ret) {
		memcpy(cookie->cookie, plain, sizeof(plain));
		cookie->birthdate = boot_clock_ns();
		cookie->is_valid = true;
		cookie->have_sent_mac1 = false;
	}
	up_write(&cookie->lock);
	memzero_explicit(plain, sizeof(plain));
	return ret;
}

int mmesh_cookie_consume_reply(struct mmesh_device *m,
			       const struct mmesh_msg_cookie *reply)
{
	struct mmesh_index_entry *entry;
	struct mmesh_peer *peer = NULL;
	int ret;

	rcu_read_lock();
	entry = mmesh_index_lookup(&m->indices,
				   MMESH_INDEX_HANDSHAKE | MMESH_INDEX_KEYPAIR,
				   reply->receiver_index);
	if (entry)
		peer = mmesh_peer_get_maybe_zero(entry->peer);
	rcu_read_unlock();
	if (!peer)
		return -ENOENT;
	ret = take_cookie(&peer->cookie, reply) ? 0 : -EBADMSG;
	mmesh_peer_put(peer);
	return ret;
}
