/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A token bucket kept as time: it fills at a rate of tokens a second up to a
 * burst, and begins full.
 */
#ifndef MMESH_BUCKET_H
#define MMESH_BUCKET_H

#include <linux/spinlock.h>
#include <linux/types.h>

struct mmesh_bucket {
	spinlock_t lock;	/* the rest; BH-safe */
	bool used;		/* false: full, @last_ns means nothing yet */
	u64 last_ns;
	u64 tokens;
};

void mmesh_bucket_init(struct mmesh_bucket *bucket);
/* Take @n tokens at the time @now_ns (any clock that doesn't go back much), all
 * or none. @rate is in tokens a second and at most 2^40; 0 is without limit.
 * @burst is at most what comes in 8 seconds, after which a bucket is full.
 * Returns whether they were there. Context: any.
 */
bool mmesh_bucket_take(struct mmesh_bucket *bucket, u64 n, u64 rate, u64 burst,
		       u64 now_ns);

#endif
