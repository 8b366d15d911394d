// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>
#include <linux/random.h>

#include "test.h"

static unsigned long seed;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "Start of the random tests' sequences (0: another one each time)");

void mmesh_test_seed(struct kunit *test, struct rnd_state *rnd)
{
	u64 start = seed ?: get_random_u32();

	kunit_info(test, "seed=%llu\n", start);
	prandom_seed_state(rnd, start);
}

MODULE_DESCRIPTION("Unit tests of mmesh");
MODULE_LICENSE("GPL");
