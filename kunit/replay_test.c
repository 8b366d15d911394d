// SPDX-License-Identifier: GPL-2.0
#include <linux/bitmap.h>
#include <linux/vmalloc.h>

#include "../kmod/replay.c"
#include "test.h"

enum {
	W = MMESH_REPLAY_WINDOW,
};

/* Every sequence is tried from these, where ring or number might wrap. */
static const u64 bases[] = {
	0, 1, 63, 64, MMESH_REPLAY_BITS - 1, MMESH_REPLAY_BITS,
	U32_MAX - 100, 1ULL << 60, MMESH_REJECT_AFTER_MESSAGES - 100000,
};

static bool accept(struct mmesh_replay *window, u64 counter)
{
	return mmesh_replay_accept(window, counter, MMESH_REJECT_AFTER_MESSAGES);
}

static struct mmesh_replay *new_window(struct kunit *test)
{
	struct mmesh_replay *window;

	window = kunit_kmalloc(test, sizeof(*window), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, window);
	memset(window, 0xff, sizeof(*window));
	mmesh_replay_init(window);
	return window;
}

static void replay_forwards(struct kunit *test)
{
	struct mmesh_replay *window = new_window(test);
	unsigned int i, wrong = 0;
	u64 n;

	for (i = 0; i < ARRAY_SIZE(bases); i++) {
		mmesh_replay_init(window);
		for (n = bases[i]; n < bases[i] + 3 * MMESH_REPLAY_BITS; n++) {
			wrong += !accept(window, n);
			wrong += accept(window, n);
			if (n > bases[i])
				wrong += accept(window, n - 1);
		}
		/* All of them again, those inside the window and before. */
		for (n = bases[i]; n < bases[i] + 3 * MMESH_REPLAY_BITS; n++)
			wrong += accept(window, n);
		KUNIT_EXPECT_EQ_MSG(test, wrong, 0, "from %llu", bases[i]);
	}
}

static void replay_backwards(struct kunit *test)
{
	struct mmesh_replay *window = new_window(test);
	unsigned int i, wrong = 0;
	u64 top, n;

	for (i = 0; i < ARRAY_SIZE(bases); i++) {
		mmesh_replay_init(window);
		top = bases[i] + 2 * MMESH_REPLAY_BITS;
		for (n = top; n + W >= top; n--) {
			wrong += !accept(window, n);
			wrong += accept(window, n);
		}
		for (; n + 2 * W > top && n < top; n--)
			wrong += accept(window, n);
		for (n = top - W; n <= top; n++)
			wrong += accept(window, n);
		wrong += !accept(window, top + 1);
		KUNIT_EXPECT_EQ_MSG(test, wrong, 0, "from %llu", bases[i]);
	}
}

/* The window's end, for each place of the highest counter within a word. */
static void replay_edge(struct kunit *test)
{
	struct mmesh_replay *window = new_window(test);
	u64 top;

	for (top = 3 * W; top < 3 * W + 2 * BITS_PER_LONG; top++) {
		mmesh_replay_init(window);
		KUNIT_EXPECT_TRUE(test, accept(window, top));
		KUNIT_EXPECT_FALSE(test, accept(window, 0));
		KUNIT_EXPECT_FALSE(test, accept(window, top - W - 1));
		KUNIT_EXPECT_TRUE(test, accept(window, top - W));
		KUNIT_EXPECT_FALSE(test, accept(window, top - W));
		KUNIT_EXPECT_TRUE(test, accept(window, top - W + 1));
		KUNIT_EXPECT_FALSE(test, accept(window, top));
	}
	/* Where there is less behind than a window. */
	mmesh_replay_init(window);
	KUNIT_EXPECT_TRUE(test, accept(window, W));
	KUNIT_EXPECT_TRUE(test, accept(window, 0));
	mmesh_replay_init(window);
	KUNIT_EXPECT_TRUE(test, accept(window, W + 1));
	KUNIT_EXPECT_FALSE(test, accept(window, 0));
	KUNIT_EXPECT_TRUE(test, accept(window, 1));
}

/* After a jump all that it left behind is new, and nothing else. */
static void replay_jumps(struct kunit *test)
{
	static const u64 jumps[] = {
		1, 2, 62, 63, 64, 65, 127, 128, 129, W - 1, W, W + 1, W + 63,
		MMESH_REPLAY_BITS - 1, MMESH_REPLAY_BITS, MMESH_REPLAY_BITS + 1,
		2 * MMESH_REPLAY_BITS, 1 << 20, 1ULL << 32, 1ULL << 40,
		1ULL << 59,
	};
	struct mmesh_replay *window = new_window(test);
	unsigned int i, wrong = 0;
	u64 first, top, n;

	for (i = 0; i < ARRAY_SIZE(jumps) * BITS_PER_LONG; i++) {
		u64 jump = jumps[i / BITS_PER_LONG];

		mmesh_replay_init(window);
		first = 5 * W + i % BITS_PER_LONG;
		for (n = first - W; n <= first; n++)
			wrong += !accept(window, n);
		top = first + jump;
		wrong += !accept(window, top);
		for (n = top - W; n < top; n++)
			wrong += accept(window, n) != (n > first);
		KUNIT_EXPECT_EQ_MSG(test, wrong, 0, "%llu + %llu", first, jump);
	}
}

static void replay_limits(struct kunit *test)
{
	struct mmesh_replay *window = new_window(test);
	const u64 limit = MMESH_REJECT_AFTER_MESSAGES;

	KUNIT_EXPECT_FALSE(test, accept(window, U64_MAX));
	KUNIT_EXPECT_FALSE(test, accept(window, limit));
	/* A refusal has moved nothing. */
	KUNIT_EXPECT_TRUE(test, accept(window, 0));
	KUNIT_EXPECT_TRUE(test, accept(window, limit - 1));
	KUNIT_EXPECT_FALSE(test, accept(window, limit - 1));
	KUNIT_EXPECT_FALSE(test, accept(window, limit));
	KUNIT_EXPECT_FALSE(test, accept(window, U64_MAX));
	KUNIT_EXPECT_TRUE(test, accept(window, limit - 2));
	KUNIT_EXPECT_TRUE(test, accept(window, limit - 1 - W));
	KUNIT_EXPECT_FALSE(test, accept(window, limit - 2 - W));
	KUNIT_EXPECT_FALSE(test, accept(window, 0));

	mmesh_replay_init(window);
	KUNIT_EXPECT_FALSE(test, mmesh_replay_accept(window, 0, 0));
	KUNIT_EXPECT_TRUE(test, mmesh_replay_accept(window, 0, 1));
	KUNIT_EXPECT_FALSE(test, mmesh_replay_accept(window, 1, 1));
	KUNIT_EXPECT_TRUE(test, mmesh_replay_accept(window, U64_MAX - 1, U64_MAX));
	KUNIT_EXPECT_FALSE(test, mmesh_replay_accept(window, U64_MAX, U64_MAX));
}

/* A model that remembers everything, near a random base. */
static void replay_random(struct kunit *test)
{
	enum { RANGE = 1 << 18, STEPS = 200000 };
	struct mmesh_replay *window = new_window(test);
	unsigned int i, wrong = 0;
	struct rnd_state rnd;
	unsigned long *seen;
	u64 base, at, top = 0;

	mmesh_test_seed(test, &rnd);
	seen = bitmap_zalloc(RANGE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, seen);

	base = mmesh_test_u64(&rnd) % (MMESH_REJECT_AFTER_MESSAGES - RANGE);
	accept(window, base);
	__set_bit(0, seen);
	for (i = 0; i < STEPS; i++) {
		bool want, got;

		switch (mmesh_test_below(&rnd, 64)) {
		case 0:		/* anywhere */
			at = mmesh_test_below(&rnd, min(top + 2 * W, RANGE));
			break;
		case 1:		/* around the window's end */
			at = top - min(top, (u64)W - 2 +
				       mmesh_test_below(&rnd, 5));
			break;
		case 2 ... 31:	/* inside */
			at = top - min(top, (u64)mmesh_test_below(&rnd, W + 100));
			break;
		default:	/* near the newest */
			at = top + mmesh_test_below(&rnd, 7) - min(top, 3);
		}
		if (at >= RANGE)
			break;
		want = top <= at + W && !test_bit(at, seen);
		got = accept(window, base + at);
		wrong += want != got;
		if (got) {
			__set_bit(at, seen);
			top = max(top, at);
		}
	}
	bitmap_free(seen);
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_GT(test, i, 1000);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(replay_forwards),
	KUNIT_CASE(replay_backwards),
	KUNIT_CASE(replay_edge),
	KUNIT_CASE(replay_jumps),
	KUNIT_CASE(replay_limits),
	KUNIT_CASE(replay_random),
	{}
};

static struct kunit_suite suite = {
	.name = "replay",
	.test_cases = cases,
};

kunit_test_suite(suite);
