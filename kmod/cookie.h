/* SPDX-License-Identifier: GPL-2.0 */
/* mac1, mac2 and cookies: WireGuard paper, sections 5.3 and 5.4.7. */
#ifndef MMESH_COOKIE_H
#define MMESH_COOKIE_H

#include <linux/rwsem.h>
#include <linux/types.h>

#include "wire.h"

struct mmesh_addr;
struct mmesh_device;
struct mmesh_peer;

/* Responder's side, one a device. */
struct mmesh_cookie_checker {
	u8 secret[MMESH_HASH_LEN];
	u8 cookie_encryption_key[MMESH_KEY_LEN];
	u8 mac1_key[MMESH_KEY_LEN];
	u64 secret_birthdate;		/* ktime boot, ns */
	struct rw_semaphore secret_lock;
};

/* Initiator's side, one a peer. */
struct mmesh_cookie {
	u64 birthdate;			/* ktime boot, ns */
	bool is_valid;
	bool have_sent_mac1;
	u8 cookie[MMESH_MAC_LEN];
	u8 last_mac1_sent[MMESH_MAC_LEN];
	u8 cookie_decryption_key[MMESH_KEY_LEN];
	u8 mac1_key[MMESH_KEY_LEN];
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

/* @check_cookie: the device is under load. Context: process, sleeps. */
enum mmesh_mac_state
mmesh_cookie_validate(struct mmesh_device *m, const void *msg, size_t len,
		      const struct mmesh_addr *from, bool check_cookie);
/* Fill in the macs of a handshake message to @peer. Context: process. */
void mmesh_cookie_add_macs(struct mmesh_peer *peer, void *msg, size_t len);
void mmesh_cookie_create_reply(struct mmesh_device *m, struct mmesh_msg_cookie *reply,
			       const void *msg, size_t len, __le32 index,
			       const struct mmesh_addr *from);
/* Returns 0 or -EBADMSG, -ENOENT; finds the peer by the reply's index. */
int mmesh_cookie_consume_reply(struct mmesh_device *m,
			       const struct mmesh_msg_cookie *reply);

#endif
