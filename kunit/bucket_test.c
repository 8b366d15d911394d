// SPDX-License-Identifier: GPL-2.0
#include "../kmod/bucket.c"
#include "test.h"

enum { RATE = 100, BURST = 10, MS = NSEC_PER_MSEC };

static bool take(struct mmesh_bucket *b, u64 n, u64 ms)
{
	return mmesh_bucket_take(b, n, RATE, BURST, ms * MS);
}

static void bucket_burst(struct kunit *test)
{
	struct mmesh_bucket b;
	int i;

	mmesh_bucket_init(&b);
	for (i = 0; i < BURST; i++)
		KUNIT_EXPECT_TRUE(test, take(&b, 1, 5000));
	KUNIT_EXPECT_FALSE(test, take(&b, 1, 5000));
	/* One token each 10 ms, and no more than the burst. */
	KUNIT_EXPECT_FALSE(test, take(&b, 1, 5009));
	KUNIT_EXPECT_TRUE(test, take(&b, 1, 5010));
	KUNIT_EXPECT_FALSE(test, take(&b, 1, 5010));
	KUNIT_EXPECT_FALSE(test, take(&b, BURST + 1, 500000));
	KUNIT_EXPECT_TRUE(test, take(&b, BURST, 500000));
	KUNIT_EXPECT_FALSE(test, take(&b, 1, 500000));
	/* A clock that is behind gives nothing, and takes nothing. */
	KUNIT_EXPECT_FALSE(test, take(&b, 1, 400000));
	KUNIT_EXPECT_TRUE(test, take(&b, 1, 500010));
}

/* Calls more often than tokens come must not lose the time between. */
static void bucket_fractions(struct kunit *test)
{
	struct mmesh_bucket b;
	unsigned int got = 0;
	u64 us;

	mmesh_bucket_init(&b);
	KUNIT_EXPECT_TRUE(test, mmesh_bucket_take(&b, BURST, RATE, BURST, 1));
	for (us = 0; us < 10 * USEC_PER_SEC; us += 700)
		got += mmesh_bucket_take(&b, 1, RATE, BURST, us * NSEC_PER_USEC);
	KUNIT_EXPECT_GE(test, got, 10 * RATE - 2);
	KUNIT_EXPECT_LE(test, got, 10 * RATE);
}

static void bucket_extremes(struct kunit *test)
{
	struct mmesh_bucket b;

	mmesh_bucket_init(&b);
	KUNIT_EXPECT_TRUE(test, mmesh_bucket_take(&b, U32_MAX, 0, 0, 0));
	KUNIT_EXPECT_TRUE(test, mmesh_bucket_take(&b, 1, 1ULL << 40, 1ULL << 40, 0));
	KUNIT_EXPECT_TRUE(test, mmesh_bucket_take(&b, 1ULL << 40, 1ULL << 40,
						  1ULL << 40, 1ULL << 62));
	KUNIT_EXPECT_FALSE(test, mmesh_bucket_take(&b, 1, 1ULL << 40, 1ULL << 40,
						   1ULL << 62));
}

static struct kunit_case bucket_cases[] = {
	KUNIT_CASE(bucket_burst),
	KUNIT_CASE(bucket_fractions),
	KUNIT_CASE(bucket_extremes),
	{}
};

static struct kunit_suite bucket_suite = {
	.name = "bucket",
	.test_cases = bucket_cases,
};

kunit_test_suite(bucket_suite);
