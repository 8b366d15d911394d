/* SPDX-License-Identifier: GPL-2.0 */
/* mac1, mac2 and cookies: WireGuard paper, sections 5.3 and 5.4.7. */
#ifndef MMESH_COOKIE_H
#define MMESH_COOKIE_H

#include <linux/mmesh.h>
#include <linux/rwsem.h>
#include <linux/types.h>

#include "wire.h"

struct mmesh_addr;
struct mmesh_device;
struct mmesh_peer;

/* The responder's public key hashed under each of the labels. */
struct mmesh_cookie_keys {
	u8 mac1[MMESH_SUITE_AES256GCM + 1][MMESH_KEY_LEN];	/* by suite */
	u8 cookie[MMESH_KEY_LEN];
};

/* Responder's side, one a device. */
struct mmesh_cookie_checker {
	struct mmesh_cookie_keys keys;
	bool has_keys;			/* the device has an identity */
	u8 secret[MMESH_HASH_LEN];
	u64 secret_birthdate;		/* ktime boot, ns */
	struct rw_semaphore lock;
};

/* Initiator's side, one a peer. */
struct mmesh_cookie {
	struct mmesh_cookie_keys keys;	/* constant */
	u64 birthdate;			/* ktime boot, ns */
	bool is_valid;
	bool have_sent_mac1;
	u8 cookie[MMESH_MAC_LEN];
	u8 last_mac1_sent[MMESH_MAC_LEN];
	struct rw_semaphore lock;
};

enum mmesh_mac_state {
	MMESH_MAC_INVALID,
	MMESH_MAC1_VALID,		/* mac2 missing or wrong */
	MMESH_MAC2_VALID,
	MMESH_MAC2_VALID_RATELIMITED,	/* proved its address, but is too fast */
};

void mmesh_cookie_checker_init(struct mmesh_cookie_checker *checker);
/* After a change of the device's static key; update lock held. */
void mmesh_cookie_checker_precompute(struct mmesh_device *m);
void mmesh_cookie_init(struct mmesh_cookie *cookie, const u8 peer_public[MMESH_KEY_LEN]);

/* @msg is an initiation or a response of either suite, @len bytes. With
 * @check_cookie (the device is under load) mac2 is looked at and the source
 * is held to its rate. Context: process, sleeps.
 */
enum mmesh_mac_state
mmesh_cookie_validate(struct mmesh_device *m, const void *msg, size_t len,
		      const struct mmesh_addr *from, bool check_cookie);
/* Fill in the macs of a handshake message to @peer. Context: process. */
void mmesh_cookie_add_macs(struct mmesh_peer *peer, void *msg, size_t len);
/* Answer @msg, whose mac1 is valid, with a cookie for its source, under the
 * sender's @index. Context: process, sleeps.
 */
void mmesh_cookie_create_reply(struct mmesh_device *m, struct mmesh_msg_cookie *reply,
			       const void *msg, size_t len, __le32 index,
			       const struct mmesh_addr *from);
/* Finds the peer by the reply's index and keeps the cookie for its next
 * messages. Returns 0, -ENOENT (no such index) or -EBADMSG (nothing of ours
 * it could answer, or not authentic). Context: process, sleeps.
 */
int mmesh_cookie_consume_reply(struct mmesh_device *m,
			       const struct mmesh_msg_cookie *reply);

#endif
