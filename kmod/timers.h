/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A peer's timers: WireGuard paper, section 6. Five deadlines share one
 * timer_list, which is set to the earliest. Events of the data path move a
 * deadline at most by a plain store; the timer finds out when it fires.
 */
#ifndef MMESH_TIMERS_H
#define MMESH_TIMERS_H

#include <linux/ktime.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct mmesh_peer;

enum mmesh_timer {
	MMESH_TIMER_RETRANSMIT_HANDSHAKE,
	MMESH_TIMER_SEND_KEEPALIVE,
	MMESH_TIMER_NEW_HANDSHAKE,
	MMESH_TIMER_ZERO_KEYS,
	MMESH_TIMER_PERSISTENT_KEEPALIVE,
	MMESH_TIMER_COUNT,
};

struct mmesh_timers {
	struct timer_list timer;
	spinlock_t lock;		/* armed, timer, stopped; BH-safe */
	/* Jiffies; 0 is "not set" (a deadline that falls on 0 becomes 1). A
	 * deadline is stored without the lock; the timer may fire before any
	 * is due, never after one.
	 */
	unsigned long deadline[MMESH_TIMER_COUNT];
	unsigned long armed;		/* when timer fires; 0: it won't */
	unsigned long last_traversal;	/* jiffies of the last authenticated packet */
	unsigned long todo;		/* enum mmesh_handshake_todo, atomic bits */
	unsigned int jitter;		/* jiffies; drawn again when it was used */
	unsigned int handshake_attempts;
	unsigned int unanswered;	/* initiations since the peer was heard */
	bool need_another_keepalive;
	bool sent_lastminute_handshake;
	bool stopped;
};

/* Stopped until mmesh_timers_start() unless the device is up already. */
void mmesh_timers_init(struct mmesh_peer *peer);
/* The device came up: deadlines may be set again after a stop. */
void mmesh_timers_start(struct mmesh_peer *peer);
/* All deadlines are gone, and none fires after this returns. For a peer that
 * is_dead it is final. Context: process.
 */
void mmesh_timers_stop(struct mmesh_peer *peer);

/* Events. Context: any (BH-safe), RCU read or reference held. */
/* Data, not a keepalive, was sent: an answer of any kind is expected. */
void mmesh_timers_data_sent(struct mmesh_peer *peer);
/* Data was received: the peer expects an answer of any kind. */
void mmesh_timers_data_received(struct mmesh_peer *peer);
/* Anything that only the peer's keys could have made or can open. */
void mmesh_timers_authenticated_sent(struct mmesh_peer *peer);
void mmesh_timers_authenticated_received(struct mmesh_peer *peer);
/* Any authenticated packet, either way: once a bundle. */
void mmesh_timers_traversal(struct mmesh_peer *peer);
void mmesh_timers_handshake_initiated(struct mmesh_peer *peer);
/* The session is confirmed: the initiator got the response, or the responder
 * the first record (mmesh_keypairs_received_with() was true). Notes the time,
 * counts it and tells userspace.
 */
void mmesh_timers_handshake_complete(struct mmesh_peer *peer);
/* New keys exist. They are wiped when no newer ones come for three lives. */
void mmesh_timers_session_derived(struct mmesh_peer *peer);

/* @birthday_ns: ktime_get_coarse_boottime_ns() of then. */
static inline bool mmesh_expired(u64 birthday_ns, u64 expiration_seconds)
{
	return (s64)(birthday_ns + expiration_seconds * NSEC_PER_SEC) <=
	       (s64)ktime_get_coarse_boottime_ns();
}

#endif
