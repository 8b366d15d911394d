/* SPDX-License-Identifier: GPL-2.0 */
/* Sliding windows of counters, RFC 6479's ring of words: 8192 for records, 2048
 * for a leg to or from a relay, 256 for control messages.
 */
#ifndef MMESH_REPLAY_H
#define MMESH_REPLAY_H

#include <linux/bitops.h>
#include <linux/types.h>

#include "limits.h"

enum {
	/* How far behind the highest counter a new one may be. One word of the
	 * ring can't be used: it is where the window's two ends meet.
	 */
	MMESH_REPLAY_WINDOW = MMESH_REPLAY_BITS - BITS_PER_LONG,
};

struct mmesh_replay {
	u64 next;	/* one more than the highest counter accepted */
	unsigned long bits[MMESH_REPLAY_BITS / BITS_PER_LONG];
};

struct mmesh_replay_leg {
	u64 next;
	unsigned long bits[MMESH_REPLAY_BITS_LEG / BITS_PER_LONG];
};

struct mmesh_replay_control {
	u64 next;
	unsigned long bits[MMESH_REPLAY_BITS_CONTROL / BITS_PER_LONG];
};

void mmesh_replay_init(struct mmesh_replay *window);
/* True when @counter is new, at most MMESH_REPLAY_WINDOW behind the highest,
 * and below @reject_after; it is then marked as seen. To be called after
 * authentication only. Locking: the caller's, one writer at a time.
 */
bool mmesh_replay_accept(struct mmesh_replay *window, u64 counter,
			 u64 reject_after);
/* The same for the smaller windows, which begin as all zero. */
bool mmesh_replay_accept_leg(struct mmesh_replay_leg *window, u64 counter);
bool mmesh_replay_accept_control(struct mmesh_replay_control *window, u64 counter);

#endif
