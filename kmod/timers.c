// SPDX-License-Identifier: GPL-2.0
/*
 * Five deadlines a peer. Times are WireGuard's:
 *
 *  - retransmit handshake: REKEY_TIMEOUT (5 s) and a jitter after an
 *    initiation without a response, for 90 s; then what waits is dropped;
 *  - send keepalive: 10 s after data was received when nothing was sent;
 *  - new handshake: 10 + 5 s and a jitter after data was sent when nothing
 *    was received;
 *  - zero keys: 3 * 180 s after the last session was made;
 *  - persistent keepalive: when nothing went either way for the interval that
 *    the user has set.
 *
 * A data path event would have to take a lock to move a timer, for each
 * bundle. Instead it stores a deadline, or 0, and looks whether the timer is
 * set to fire before that anyway, which it nearly always is.
 */

#include <linux/kernel.h>
#include <linux/random.h>

#include "device.h"
#include "handshake.h"
#include "limits.h"
#include "mmesh-compat-timer.h"
#include "path.h"
#include "peer.h"
#include "timers.h"
#include "via.h"

static unsigned int draw_jitter(void)
{
	return get_random_u32_below(msecs_to_jiffies(MMESH_REKEY_TIMEOUT_JITTER_MAX_MS) + 1);
}

/* Have the timer fire at @when at the latest; timers->lock held. */
static void arm(struct mmesh_timers *timers, unsigned long when)
{
	if (timers->stopped ||
	    (timers->armed && time_before_eq(timers->armed, when)))
		return;
	WRITE_ONCE(timers->armed, when);
	mod_timer(&timers->timer, when);
}

/* The same for a deadline, if it is set. */
static void arm_for(struct mmesh_timers *timers, enum mmesh_timer which)
{
	unsigned long when = READ_ONCE(timers->deadline[which]);

	if (when)
		arm(timers, when);
}

static void set(struct mmesh_peer *peer, enum mmesh_timer which,
		unsigned long delay)
{
	struct mmesh_timers *timers = &peer->timers;
	unsigned long when = jiffies + delay ?: 1, armed;

	WRITE_ONCE(timers->deadline[which], when);
	/* Pairs with the one in on_timer(): either that finds our deadline, or
	 * we find that the timer is no longer armed.
	 */
	smp_mb();
	armed = READ_ONCE(timers->armed);
	if (likely(armed && time_before_eq(armed, when)))
		return;
	spin_lock_bh(&timers->lock);
	arm(timers, when);
	spin_unlock_bh(&timers->lock);
}

static bool is_set(struct mmesh_peer *peer, enum mmesh_timer which)
{
	return READ_ONCE(peer->timers.deadline[which]);
}

/* The timer stays armed and finds nothing. */
static void clear(struct mmesh_peer *peer, enum mmesh_timer which)
{
	if (is_set(peer, which))
		WRITE_ONCE(peer->timers.deadline[which], 0);
}

static void give_up(struct mmesh_peer *peer)
{
	struct mmesh_device *m = peer->device;

	mmesh_stat_inc(m, MMESH_STAT_HS_GAVE_UP);
	clear(peer, MMESH_TIMER_SEND_KEEPALIVE);
	mmesh_seal_purge_staged(peer, MMESH_STAT_TX_DROP_NO_HANDSHAKE);
	/* A session of the other side's making may still be alive. */
	if (!is_set(peer, MMESH_TIMER_ZERO_KEYS))
		set(peer, MMESH_TIMER_ZERO_KEYS, MMESH_REJECT_AFTER_TIME * 3 * HZ);
}

static void retransmit_handshake(struct mmesh_peer *peer)
{
	struct mmesh_timers *timers = &peer->timers;
	unsigned int attempts = READ_ONCE(timers->handshake_attempts);

	WRITE_ONCE(timers->jitter, draw_jitter());
	if (attempts > MMESH_MAX_HANDSHAKE_ATTEMPTS) {
		give_up(peer);
		return;
	}
	WRITE_ONCE(timers->handshake_attempts, attempts + 1);
	/* The source address may be what keeps answers away. */
	mmesh_endpoint_clear_src(peer);
	mmesh_handshake_initiate(peer, true);
}

static void send_keepalive(struct mmesh_peer *peer)
{
	mmesh_seal_keepalive(peer);
	if (READ_ONCE(peer->timers.need_another_keepalive)) {
		WRITE_ONCE(peer->timers.need_another_keepalive, false);
		set(peer, MMESH_TIMER_SEND_KEEPALIVE,
		    MMESH_KEEPALIVE_TIMEOUT * HZ);
	}
}

static void new_handshake(struct mmesh_peer *peer)
{
	WRITE_ONCE(peer->timers.jitter, draw_jitter());
	mmesh_endpoint_clear_src(peer);
	mmesh_handshake_initiate(peer, false);
}

static void persistent_keepalive(struct mmesh_peer *peer)
{
	if (READ_ONCE(peer->persistent_keepalive))
		mmesh_seal_keepalive(peer);
}

static void (*const actions[MMESH_TIMER_COUNT])(struct mmesh_peer *peer) = {
	[MMESH_TIMER_RETRANSMIT_HANDSHAKE] = retransmit_handshake,
	[MMESH_TIMER_SEND_KEEPALIVE] = send_keepalive,
	[MMESH_TIMER_NEW_HANDSHAKE] = new_handshake,
	[MMESH_TIMER_ZERO_KEYS] = mmesh_handshake_clear_keys_soon,
	[MMESH_TIMER_PERSISTENT_KEEPALIVE] = persistent_keepalive,
};

/* The data path only notes when a packet went; a deadline that is due may have
 * moved since it was set. 0 when there is no interval any more.
 */
static unsigned long persistent_deadline(struct mmesh_peer *peer)
{
	unsigned int interval = READ_ONCE(peer->persistent_keepalive);

	if (!interval)
		return 0;
	return READ_ONCE(peer->timers.last_traversal) + interval * HZ ?: 1;
}

/* Take @which off the clock if it is due. Events store without the lock, so it
 * goes only if it is still what was judged.
 */
static bool take_if_due(struct mmesh_peer *peer, enum mmesh_timer which,
			unsigned long now)
{
	unsigned long *slot = &peer->timers.deadline[which];
	unsigned long when = READ_ONCE(*slot), later = 0;

	if (!when || time_before(now, when))
		return false;
	if (which == MMESH_TIMER_PERSISTENT_KEEPALIVE) {
		later = persistent_deadline(peer);
		if (later && !time_after(later, now))
			later = 0;
	}
	return cmpxchg(slot, when, later) == when && !later;
}

static void on_timer(struct timer_list *timer)
{
	struct mmesh_peer *peer = timer_container_of(peer, timer, timers.timer);
	struct mmesh_timers *timers = &peer->timers;
	unsigned long now = jiffies, due = 0;
	unsigned int i;

	spin_lock_bh(&timers->lock);
	if (timers->stopped) {
		spin_unlock_bh(&timers->lock);
		return;
	}
	WRITE_ONCE(timers->armed, 0);
	/* Pairs with the one in set(). */
	smp_mb();
	for (i = 0; i < MMESH_TIMER_COUNT; i++) {
		if (take_if_due(peer, i, now))
			due |= BIT(i);
		arm_for(timers, i);
	}
	spin_unlock_bh(&timers->lock);

	/* Unlocked, as they set deadlines. The peer stays: its removal waits
	 * for this function.
	 */
	for_each_set_bit(i, &due, MMESH_TIMER_COUNT)
		actions[i](peer);
}

void mmesh_timers_init(struct mmesh_peer *peer)
{
	struct mmesh_timers *timers = &peer->timers;

	memset(timers, 0, sizeof(*timers));
	spin_lock_init(&timers->lock);
	timer_setup(&timers->timer, on_timer, 0);
	WRITE_ONCE(timers->jitter, draw_jitter());
	timers->stopped = !netif_running(peer->device->dev);
}

void mmesh_timers_start(struct mmesh_peer *peer)
{
	struct mmesh_timers *timers = &peer->timers;
	unsigned int i;

	mmesh_paths_start(peer);
	spin_lock_bh(&timers->lock);
	timers->stopped = READ_ONCE(peer->is_dead);
	/* A packet that was on its way during the stop may have set one. */
	for (i = 0; i < MMESH_TIMER_COUNT; i++)
		arm_for(timers, i);
	spin_unlock_bh(&timers->lock);
}

void mmesh_timers_stop(struct mmesh_peer *peer)
{
	struct mmesh_timers *timers = &peer->timers;
	unsigned int i;

	spin_lock_bh(&timers->lock);
	timers->stopped = true;
	WRITE_ONCE(timers->armed, 0);
	spin_unlock_bh(&timers->lock);
	timer_delete_sync(&timers->timer);
	mmesh_paths_stop(peer);

	for (i = 0; i < MMESH_TIMER_COUNT; i++)
		WRITE_ONCE(timers->deadline[i], 0);
	WRITE_ONCE(timers->handshake_attempts, 0);
	WRITE_ONCE(timers->need_another_keepalive, false);
	WRITE_ONCE(timers->sent_lastminute_handshake, false);
}

void mmesh_timers_data_sent(struct mmesh_peer *peer)
{
	if (unlikely(READ_ONCE(peer->extended)))
		mmesh_path_data(peer, true);
	if (!is_set(peer, MMESH_TIMER_NEW_HANDSHAKE))
		set(peer, MMESH_TIMER_NEW_HANDSHAKE,
		    (MMESH_KEEPALIVE_TIMEOUT + MMESH_REKEY_TIMEOUT) * HZ +
		    READ_ONCE(peer->timers.jitter));
}

void mmesh_timers_data_received(struct mmesh_peer *peer)
{
	if (unlikely(READ_ONCE(peer->extended)))
		mmesh_path_data(peer, false);
	if (!is_set(peer, MMESH_TIMER_SEND_KEEPALIVE))
		set(peer, MMESH_TIMER_SEND_KEEPALIVE,
		    MMESH_KEEPALIVE_TIMEOUT * HZ);
	else if (!READ_ONCE(peer->timers.need_another_keepalive))
		WRITE_ONCE(peer->timers.need_another_keepalive, true);
}

void mmesh_timers_authenticated_sent(struct mmesh_peer *peer)
{
	clear(peer, MMESH_TIMER_SEND_KEEPALIVE);
}

void mmesh_timers_authenticated_received(struct mmesh_peer *peer)
{
	if (unlikely(READ_ONCE(peer->timers.unanswered)))
		WRITE_ONCE(peer->timers.unanswered, 0);
	if (unlikely(READ_ONCE(peer->unreachable)) && !mmesh_path_is_lost(peer))
		mmesh_peer_set_unreachable(peer, false);
	clear(peer, MMESH_TIMER_NEW_HANDSHAKE);
}

void mmesh_timers_traversal(struct mmesh_peer *peer)
{
	struct mmesh_timers *timers = &peer->timers;
	unsigned int interval = READ_ONCE(peer->persistent_keepalive);
	unsigned long now = jiffies, when;

	if (READ_ONCE(timers->last_traversal) != now)
		WRITE_ONCE(timers->last_traversal, now);
	if (!interval)
		return;
	/* Not set, or set when the interval was longer. */
	when = READ_ONCE(timers->deadline[MMESH_TIMER_PERSISTENT_KEEPALIVE]);
	if (unlikely(!when || time_after(when, now + interval * HZ + 1)))
		set(peer, MMESH_TIMER_PERSISTENT_KEEPALIVE, interval * HZ);
}

void mmesh_timers_handshake_initiated(struct mmesh_peer *peer)
{
	unsigned int unanswered = READ_ONCE(peer->timers.unanswered);

	/* Under traffic the attempts start again and again; these don't. */
	if (unanswered < MMESH_UNANSWERED_INITIATIONS)
		WRITE_ONCE(peer->timers.unanswered, unanswered + 1);
	else
		mmesh_peer_set_unreachable(peer, true);
	set(peer, MMESH_TIMER_RETRANSMIT_HANDSHAKE,
	    MMESH_REKEY_TIMEOUT * HZ + READ_ONCE(peer->timers.jitter));
}

void mmesh_timers_handshake_complete(struct mmesh_peer *peer)
{
	struct mmesh_timers *timers = &peer->timers;
	struct timespec64 now;

	clear(peer, MMESH_TIMER_RETRANSMIT_HANDSHAKE);
	WRITE_ONCE(timers->handshake_attempts, 0);
	WRITE_ONCE(timers->sent_lastminute_handshake, false);
	ktime_get_real_ts64(&now);
	spin_lock_bh(&timers->lock);
	peer->walltime_last_handshake = now;
	spin_unlock_bh(&timers->lock);
	mmesh_stat_inc(peer->device, MMESH_STAT_HS_COMPLETED);
	if (unlikely(READ_ONCE(peer->extended)))
		mmesh_path_session_made(peer);
	mmesh_via_relay_up(peer);
	mmesh_netlink_notify_handshake(peer);
}

void mmesh_timers_session_derived(struct mmesh_peer *peer)
{
	set(peer, MMESH_TIMER_ZERO_KEYS, MMESH_REJECT_AFTER_TIME * 3 * HZ);
}
