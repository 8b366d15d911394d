// SPDX-License-Identifier: GPL-2.0
/* Token buckets: how much of something may happen in a second. */

#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "bucket.h"

/* Whatever the rate, a bucket is full by then; the products below fit. */
#define FULL_NS (8ULL * NSEC_PER_SEC)

void mmesh_bucket_init(struct mmesh_bucket *bucket)
{
	memset(bucket, 0, sizeof(*bucket));
	spin_lock_init(&bucket->lock);
}

/* Time that is too short for a token is kept for the next call. */
static void fill(struct mmesh_bucket *bucket, u64 rate, u64 burst, u64 now_ns)
{
	u64 elapsed, tokens;

	if (!bucket->used) {
		bucket->used = true;
		bucket->last_ns = now_ns;
		bucket->tokens = burst;
		return;
	}
	/* The coarse clock of another CPU may be a tick behind. */
	if (now_ns <= bucket->last_ns)
		return;
	elapsed = now_ns - bucket->last_ns;
	if (elapsed >= FULL_NS) {
		bucket->tokens = burst;
		bucket->last_ns = now_ns;
		return;
	}
	tokens = mul_u64_u64_div_u64(elapsed, rate, NSEC_PER_SEC);
	if (!tokens)
		return;
	if (tokens >= burst || bucket->tokens + tokens >= burst) {
		bucket->tokens = burst;
		bucket->last_ns = now_ns;
		return;
	}
	bucket->tokens += tokens;
	bucket->last_ns += mul_u64_u64_div_u64(tokens, NSEC_PER_SEC, rate);
}

bool mmesh_bucket_take(struct mmesh_bucket *bucket, u64 n, u64 rate, u64 burst,
		       u64 now_ns)
{
	bool ret;

	if (!rate)
		return true;
	spin_lock_bh(&bucket->lock);
	fill(bucket, rate, burst, now_ns);
	ret = bucket->tokens >= n;
	if (ret)
		bucket->tokens -= n;
	spin_unlock_bh(&bucket->lock);
	return ret;
}
