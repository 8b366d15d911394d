/* SPDX-License-Identifier: GPL-2.0 */
/* What all suites share. */
#ifndef MMESH_KUNIT_TEST_H
#define MMESH_KUNIT_TEST_H

#include <kunit/test.h>
#include <linux/prandom.h>

/* Start the sequence of a random test and print what it starts from: the
 * module's parameter `seed` repeats it.
 */
void mmesh_test_seed(struct kunit *test, struct rnd_state *rnd);

/* 0 <= result < @ceil. */
static inline u32 mmesh_test_below(struct rnd_state *rnd, u32 ceil)
{
	return prandom_u32_state(rnd) % ceil;
}

static inline u64 mmesh_test_u64(struct rnd_state *rnd)
{
	return (u64)prandom_u32_state(rnd) << 32 | prandom_u32_state(rnd);
}

#endif
