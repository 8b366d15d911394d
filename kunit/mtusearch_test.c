// SPDX-License-Identifier: GPL-2.0
/* The search for a path's MTU, on played paths. */
#include "../kmod/mtusearch.c"
#include "test.h"

enum {
	START = 1000000,
	STEP = 10,
	PATIENCE = 100,
};

struct play {
	struct mmesh_mtu_search s;
	unsigned int link;	/* what really passes, an IP packet */
	u32 loss;		/* of 1000 */
	u64 now;
	u64 heard;
	unsigned int probes;
	unsigned int largest_lost;	/* sent as good and lost */
	bool full;
	struct rnd_state rnd;
};

static void start(struct play *play, unsigned int overhead, unsigned int local,
		  unsigned int link)
{
	memset(play, 0, sizeof(*play));
	prandom_seed_state(&play->rnd, 1);
	play->now = START;
	play->heard = START;
	play->link = link;
	mmesh_mtu_init(&play->s, overhead, local);
}

static void run(struct play *play, unsigned int ms)
{
	u64 end = play->now + ms;
	unsigned int size;

	for (; play->now < end; play->now += STEP) {
		/* The path answers small probes all the time. */
		play->heard = play->now;
		mmesh_mtu_elapsed(&play->s, play->now, PATIENCE, play->heard);
		size = mmesh_mtu_next(&play->s, play->now, play->full);
		if (!size)
			continue;
		play->probes++;
		mmesh_mtu_sent(&play->s, play->now, size);
		if (size + play->s.overhead > play->link ||
		    mmesh_test_below(&play->rnd, 1000) < play->loss)
			continue;
		mmesh_mtu_passed(&play->s, play->now, size);
	}
}

static unsigned int found(const struct play *play)
{
	return mmesh_mtu_size(&play->s) + play->s.overhead;
}

static void mtusearch_every_size(struct kunit *test)
{
	static const unsigned int overheads[] = { 28, 48, 60, 80 };
	unsigned int link, i, probes = 0, n = 0, wrong = 0;
	struct play play;

	for (i = 0; i < ARRAY_SIZE(overheads); i++) {
		for (link = 1280; link <= 9000; link += link < 1520 ? 1 : 37) {
			start(&play, overheads[i], 9000, link);
			run(&play, 10000);
			wrong += found(&play) != link;
			probes = max(probes, play.probes);
			n++;
		}
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	kunit_info(test, "at most %u probes in %u searches\n", probes, n);
	KUNIT_EXPECT_LE(test, probes, 60);
}

/* Mostly the path is as its first link, and one probe says so. */
static void mtusearch_one_probe(struct kunit *test)
{
	struct play play;

	start(&play, 28, 1500, 1500);
	KUNIT_EXPECT_EQ(test, mmesh_mtu_size(&play.s), 0);
	KUNIT_EXPECT_FALSE(test, mmesh_mtu_settled(&play.s));
	run(&play, 20000);
	KUNIT_EXPECT_EQ(test, found(&play), 1500);
	KUNIT_EXPECT_TRUE(test, mmesh_mtu_settled(&play.s));
	KUNIT_EXPECT_EQ(test, play.probes, 1);
}

static void mtusearch_usual_is_quick(struct kunit *test)
{
	struct play play;

	start(&play, 48, 1500, 1492);
	run(&play, 2500);
	KUNIT_EXPECT_EQ(test, found(&play), 1492);
}

/* The bar: 5 s, under a flow of full packets; and it is safe before that. */
static void mtusearch_shrinks(struct kunit *test)
{
	static const unsigned int links[] = { 1280, 1333, 1400, 1492, 8000 };
	unsigned int i;
	struct play play;

	for (i = 0; i < ARRAY_SIZE(links); i++) {
		start(&play, 48, 9000, 9000);
		play.full = true;
		run(&play, 20000);
		KUNIT_ASSERT_EQ(test, found(&play), 9000);
		play.link = links[i];
		run(&play, 2000);
		KUNIT_EXPECT_LE(test, found(&play), links[i]);
		run(&play, 3000);
		KUNIT_EXPECT_LE(test, found(&play), links[i]);
		KUNIT_EXPECT_GE(test, found(&play), links[i] * 8 / 10);
		run(&play, 10000);
		KUNIT_EXPECT_EQ(test, found(&play), links[i]);
	}
}

static void mtusearch_grows(struct kunit *test)
{
	static const unsigned int links[] = { 1300, 1420, 1450, 1499, 1500 };
	struct play play;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(links); i++) {
		start(&play, 28, 1500, 1280);
		run(&play, 10000);
		KUNIT_ASSERT_EQ(test, found(&play), 1280);
		play.link = links[i];
		run(&play, MMESH_MTU_GROW_MS + 10000);
		KUNIT_EXPECT_EQ(test, found(&play), links[i]);
	}
}

static void mtusearch_route(struct kunit *test)
{
	struct play play;

	start(&play, 28, 1500, 9000);
	run(&play, 1000);
	KUNIT_EXPECT_EQ(test, found(&play), 1500);
	KUNIT_EXPECT_FALSE(test, mmesh_mtu_route(&play.s, play.now, 1500));
	KUNIT_EXPECT_TRUE(test, mmesh_mtu_route(&play.s, play.now, 1400));
	KUNIT_EXPECT_EQ(test, found(&play), 1400);
	KUNIT_EXPECT_FALSE(test, mmesh_mtu_route(&play.s, play.now, 9000));
	run(&play, 1000);
	KUNIT_EXPECT_EQ(test, found(&play), 9000);
	/* A lie below what IPv6 guarantees. */
	mmesh_mtu_route(&play.s, play.now, 68);
	KUNIT_EXPECT_EQ(test, found(&play), 1280);
}

/* One that takes nothing is dead, not small; and loss is no size. */
static void mtusearch_loss(struct kunit *test)
{
	unsigned int i, wrong = 0;
	struct play play;

	start(&play, 28, 1500, 1500);
	play.full = true;
	run(&play, 1000);
	play.link = 0;
	for (i = 0; i < 1000; i++) {
		u64 heard = play.now;

		play.now += STEP;
		mmesh_mtu_elapsed(&play.s, play.now, PATIENCE, heard - 20 * i);
		if (mmesh_mtu_next(&play.s, play.now, true))
			mmesh_mtu_sent(&play.s, play.now, mmesh_mtu_next(&play.s, play.now, true));
	}
	KUNIT_EXPECT_EQ(test, found(&play), 1500);

	for (i = 0; i < 50; i++) {
		start(&play, 28, 9000, 1500);
		prandom_seed_state(&play.rnd, i);
		play.loss = 50;
		run(&play, 60000);
		wrong += found(&play) > 1500 || found(&play) < 1400;
	}
	KUNIT_EXPECT_LE(test, wrong, 1);
}

static struct kunit_case mtusearch_cases[] = {
	KUNIT_CASE(mtusearch_every_size),
	KUNIT_CASE(mtusearch_one_probe),
	KUNIT_CASE(mtusearch_usual_is_quick),
	KUNIT_CASE(mtusearch_shrinks),
	KUNIT_CASE(mtusearch_grows),
	KUNIT_CASE(mtusearch_route),
	KUNIT_CASE(mtusearch_loss),
	{}
};

static struct kunit_suite mtusearch_suite = {
	.name = "mtusearch",
	.test_cases = mtusearch_cases,
};

kunit_test_suite(mtusearch_suite);
