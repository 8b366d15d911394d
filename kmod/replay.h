/* SPDX-License-Identifier: GPL-2.0 */
/* Sliding window of 8192 counters, RFC 6479's ring of words. */
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

void mmesh_replay_init(struct mmesh_replay *window);
/* True when @counter is new, at most MMESH_REPLAY_WINDOW behind the highest,
 * and below @reject_after; it is then marked as seen. To be called after
 * authentication only. Locking: the caller's, one writer at a time.
 */
bool mmesh_replay_accept(struct mmesh_replay *window, u64 counter,
			 u64 reject_after);

#endif
