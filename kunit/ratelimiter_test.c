// SPDX-License-Identifier: GPL-2.0
#include <linux/time64.h>
#include <linux/types.h>

#include "own-cache.h"

static u64 clock_ns;

static u64 boot_clock_ns(void)
{
	return clock_ns;
}

#include "../kmod/ratelimiter.c"
#include "test.h"

static void forward_ms(u64 ms)
{
	clock_ns += ms * NSEC_PER_MSEC;
}

static struct mmesh_addr v4(u32 ip)
{
	return (struct mmesh_addr){
		.addr4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(ip) },
	};
}

static struct mmesh_addr v6(u64 net, u64 host)
{
	struct mmesh_addr addr = { .addr6 = { .sin6_family = AF_INET6 } };
	__be64 half = cpu_to_be64(net);

	memcpy(&addr.addr6.sin6_addr, &half, sizeof(half));
	half = cpu_to_be64(host);
	memcpy(addr.addr6.sin6_addr.s6_addr + 8, &half, sizeof(half));
	return addr;
}

/* How many of @n pass at this moment. */
static unsigned int passed(struct mmesh_addr addr, struct net *net, unsigned int n)
{
	unsigned int ret = 0;

	while (n--)
		ret += mmesh_ratelimiter_allow(&addr, net);
	return ret;
}

static void ratelimiter_burst(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, passed(v4(1), NULL, 100), 5);
	forward_ms(49);
	KUNIT_EXPECT_EQ(test, passed(v4(1), NULL, 100), 0);
	forward_ms(1);
	KUNIT_EXPECT_EQ(test, passed(v4(1), NULL, 100), 1);
	forward_ms(100);
	KUNIT_EXPECT_EQ(test, passed(v4(1), NULL, 100), 2);
	/* Never more than a burst, however long it was quiet. */
	forward_ms(3600 * MSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, passed(v4(1), NULL, 100), 5);
}

static void ratelimiter_rate(struct kunit *test)
{
	unsigned int ms, n = 0;

	for (ms = 0; ms < 10 * MSEC_PER_SEC; ms++) {
		n += passed(v4(2), NULL, 3);
		forward_ms(1);
	}
	KUNIT_EXPECT_GE(test, n, 5 + 20 * 10 - 1);
	KUNIT_EXPECT_LE(test, n, 5 + 20 * 10);
}

static void ratelimiter_names(struct kunit *test)
{
	struct net *a = (struct net *)0x1000, *b = (struct net *)0x2000;

	KUNIT_EXPECT_EQ(test, passed(v4(0x0a000001), a, 9), 5);
	KUNIT_EXPECT_EQ(test, passed(v4(0x0a000002), a, 9), 5);
	KUNIT_EXPECT_EQ(test, passed(v4(0x0a000001), b, 9), 5);
	KUNIT_EXPECT_EQ(test, passed(v4(0x0a000001), a, 9), 0);
	/* An IPv6 network counts once, */
	KUNIT_EXPECT_EQ(test, passed(v6(0x20010db8, 1), a, 9), 5);
	KUNIT_EXPECT_EQ(test, passed(v6(0x20010db8, 2), a, 9), 0);
	KUNIT_EXPECT_EQ(test, passed(v6(0x20010db8, ~0ULL), a, 9), 0);
	KUNIT_EXPECT_EQ(test, passed(v6(0x20010db9, 1), a, 9), 5);
	/* and is no IPv4 address, even if its bits look like one. */
	KUNIT_EXPECT_EQ(test, passed(v6(0x0a00000300000000ULL, 0), a, 9), 5);
	KUNIT_EXPECT_EQ(test, passed(v4(0x0a000003), a, 9), 5);
}

static void ratelimiter_clock_goes_back(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, passed(v4(3), NULL, 9), 5);
	clock_ns -= NSEC_PER_SEC / 250;
	KUNIT_EXPECT_EQ(test, passed(v4(3), NULL, 9), 0);
	clock_ns += NSEC_PER_SEC / 250;
	KUNIT_EXPECT_EQ(test, passed(v4(3), NULL, 9), 0);
	forward_ms(50);
	KUNIT_EXPECT_EQ(test, passed(v4(3), NULL, 9), 1);
}

static void ratelimiter_full(struct kunit *test)
{
	unsigned int i, allowed = 0;

	sweep_table(true);
	KUNIT_ASSERT_EQ(test, num_sources, 0);
	for (i = 0; i < MAX_SOURCES; i++)
		allowed += passed(v4(i), NULL, 1);
	KUNIT_EXPECT_EQ(test, allowed, (unsigned int)MAX_SOURCES);
	KUNIT_EXPECT_EQ(test, num_sources, (unsigned int)MAX_SOURCES);
	KUNIT_EXPECT_EQ(test, passed(v4(MAX_SOURCES), NULL, 1), 0);
	/* Those who are known go on. */
	KUNIT_EXPECT_EQ(test, passed(v4(0), NULL, 9), 4);
	/* Nobody is forgotten who still has something to pay for, */
	forward_ms(49);
	sweep_table(false);
	KUNIT_EXPECT_EQ(test, num_sources, (unsigned int)MAX_SOURCES);
	/* and all others are. */
	forward_ms(1);
	sweep_table(false);
	KUNIT_EXPECT_EQ(test, num_sources, 1);
	KUNIT_EXPECT_EQ(test, passed(v4(MAX_SOURCES), NULL, 1), 1);
	forward_ms(250);
	sweep_table(false);
	KUNIT_EXPECT_EQ(test, num_sources, 0);
}

/* Random packets of a few sources at random times, against tokens kept in the
 * plainest way; sweeps in between must not show.
 */
static void ratelimiter_model(struct kunit *test)
{
	enum { SOURCES = 32, STEPS = 200000 };
	u64 *tokens, *last, now, full = FULL_NS;
	unsigned int i, who, wrong = 0, refused = 0;
	struct rnd_state rnd;
	bool want;

	mmesh_test_seed(test, &rnd);
	tokens = kunit_kcalloc(test, SOURCES, sizeof(*tokens), GFP_KERNEL);
	last = kunit_kcalloc(test, SOURCES, sizeof(*last), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, tokens);
	KUNIT_ASSERT_NOT_NULL(test, last);
	for (i = 0; i < SOURCES; i++) {
		tokens[i] = full;
		last[i] = clock_ns;
	}
	for (i = 0; i < STEPS; i++) {
		clock_ns += mmesh_test_below(&rnd, 3 * NSEC_PER_MSEC);
		now = clock_ns;
		who = mmesh_test_below(&rnd, SOURCES);
		tokens[who] = min(full, tokens[who] + now - last[who]);
		last[who] = now;
		want = tokens[who] >= COST_NS;
		if (want)
			tokens[who] -= COST_NS;
		wrong += want != passed(v4(0x0b000000 + who), NULL, 1);
		refused += !want;
		if (!mmesh_test_below(&rnd, 1000))
			sweep_table(false);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_GT(test, refused, 1000);
}

static void ratelimiter_users(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, mmesh_ratelimiter_init(), 0);
	KUNIT_EXPECT_EQ(test, users, 2);
	KUNIT_EXPECT_EQ(test, passed(v4(4), NULL, 9), 5);
	mmesh_ratelimiter_exit();
	KUNIT_EXPECT_EQ(test, users, 1);
	/* The table outlives all but the last. */
	KUNIT_EXPECT_EQ(test, passed(v4(4), NULL, 9), 0);
	mmesh_ratelimiter_exit();
	KUNIT_EXPECT_EQ(test, users, 0);
	KUNIT_EXPECT_NULL(test, chains);
	KUNIT_EXPECT_EQ(test, num_sources, 0);
	KUNIT_ASSERT_EQ(test, mmesh_ratelimiter_init(), 0);
	KUNIT_EXPECT_EQ(test, passed(v4(4), NULL, 9), 5);
}

static int test_init(struct kunit *test)
{
	clock_ns = 1000 * (u64)NSEC_PER_SEC;
	return mmesh_ratelimiter_init();
}

static void test_exit(struct kunit *test)
{
	mmesh_ratelimiter_exit();
}

static struct kunit_case cases[] = {
	KUNIT_CASE(ratelimiter_burst),
	KUNIT_CASE(ratelimiter_rate),
	KUNIT_CASE(ratelimiter_names),
	KUNIT_CASE(ratelimiter_clock_goes_back),
	KUNIT_CASE(ratelimiter_full),
	KUNIT_CASE(ratelimiter_model),
	KUNIT_CASE(ratelimiter_users),
	{}
};

static struct kunit_suite suite = {
	.name = "ratelimiter",
	.init = test_init,
	.exit = test_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
