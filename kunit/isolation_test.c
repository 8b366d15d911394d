// SPDX-License-Identifier: GPL-2.0
/* The decisions about isolation against rules written another way. */
#include "test.h"

#include "../kmod/isolation.c"

static const u64 networks[] = { 0, 1, 2, BIT_ULL(32), BIT_ULL(63), U64_MAX };
static const u8 subnets[] = { 0, 1, 2, 127, 128, 255 };

/* Every device there can be, of these networks and subnets. */
static struct mmesh_isolation device(unsigned int n)
{
	return (struct mmesh_isolation){
		.network = networks[n / 2 / ARRAY_SIZE(subnets)],
		.subnet = subnets[n / 2 % ARRAY_SIZE(subnets)],
		.routed = n % 2,
	};
}

enum { DEVICES = 2 * ARRAY_SIZE(networks) * ARRAY_SIZE(subnets) };

static void isolation_peer(struct kunit *test)
{
	unsigned int n, i;

	for (n = 0; n < DEVICES; n++) {
		for (i = 0; i < ARRAY_SIZE(subnets); i++) {
			const struct mmesh_isolation dev = device(n);
			const bool isolated = dev.network && !dev.routed &&
					      dev.subnet != subnets[i];

			KUNIT_EXPECT_EQ_MSG(test, mmesh_isolation_peer(&dev, subnets[i]),
					    isolated ? MMESH_OTHER_SUBNET : MMESH_MAY_PASS,
					    "network %llx subnet %u routed %d, peer %u",
					    dev.network, dev.subnet, dev.routed, subnets[i]);
		}
	}
}

static enum mmesh_verdict expected(const struct mmesh_isolation *a,
				   const struct mmesh_isolation *b)
{
	if (a->network && b->network && a->network != b->network)
		return MMESH_OTHER_NETWORK;
	/* As if each were the other's peer. */
	if (a->network && b->network &&
	    (mmesh_isolation_peer(a, b->subnet) || mmesh_isolation_peer(b, a->subnet)))
		return MMESH_OTHER_SUBNET;
	return MMESH_MAY_PASS;
}

static void isolation_forward(struct kunit *test)
{
	unsigned int seen[3] = { }, n, k;

	for (n = 0; n < DEVICES; n++) {
		for (k = 0; k < DEVICES; k++) {
			const struct mmesh_isolation a = device(n), b = device(k);
			const enum mmesh_verdict verdict = mmesh_isolation_forward(&a, &b);

			KUNIT_EXPECT_EQ(test, verdict, expected(&a, &b));
			KUNIT_EXPECT_EQ(test, verdict, mmesh_isolation_forward(&b, &a));
			seen[verdict]++;
		}
	}
	KUNIT_EXPECT_GT(test, seen[MMESH_MAY_PASS], 0);
	KUNIT_EXPECT_GT(test, seen[MMESH_OTHER_NETWORK], 0);
	KUNIT_EXPECT_GT(test, seen[MMESH_OTHER_SUBNET], 0);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(isolation_peer),
	KUNIT_CASE(isolation_forward),
	{}
};

static struct kunit_suite suite = {
	.name = "isolation",
	.test_cases = cases,
};

kunit_test_suite(suite);
