// SPDX-License-Identifier: GPL-2.0
/* Sets of holders: who is chosen, who may be the source, undoing; and what is
 * found inside the device's own prefix.
 */
#include <linux/slab.h>

#include "handshake.h"
#include "limits.h"
#include "path.h"
#include "peer.h"
#include "test.h"

static unsigned int tries;

static void count_try(struct mmesh_peer *peer, bool is_retry)
{
	tries++;
}

static void no_paths(struct mmesh_peer *peer, bool sent)
{
}

#define mmesh_handshake_initiate count_try
#define mmesh_path_data no_paths
#include "../kmod/holders.c"
#undef mmesh_handshake_initiate
#undef mmesh_path_data

#include "allowedips.h"

enum {
	PEERS = MMESH_MAX_HOLDERS + 1,
	FLOWS = 20000,
};

struct fixture {
	struct mmesh_allowedips table;
	struct mutex lock;	/* table */
	struct mmesh_peer *peers[PEERS];
	struct mmesh_endpoint endpoint;
};

static const struct in_addr net10 = { .s_addr = cpu_to_be32(0x0a000000) };

static int holders_init(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, f);
	for (i = 0; i < PEERS; i++) {
		struct mmesh_peer *peer = kunit_kzalloc(test, sizeof(*peer), GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, peer);
		INIT_LIST_HEAD(&peer->allowedips_list);
		INIT_LIST_HEAD(&peer->shared_list);
		RCU_INIT_POINTER(peer->endpoint, &f->endpoint);
		peer->internal_id = i + 1;
		f->peers[i] = peer;
	}
	mutex_init(&f->lock);
	mmesh_allowedips_init(&f->table);
	test->priv = f;
	return 0;
}

static void holders_exit(struct kunit *test)
{
	struct fixture *f = test->priv;

	mutex_lock(&f->lock);
	mmesh_allowedips_free(&f->table, &f->lock);
	mutex_unlock(&f->lock);
	rcu_barrier();
}

static int give(struct fixture *f, unsigned int peer, u8 cidr, bool shared, u32 priority,
		u32 weight, struct mmesh_allowedips_undo *undo)
{
	const struct mmesh_share share = {
		.shared = shared, .priority = priority, .weight = weight,
	};
	struct mmesh_allowedips_undo own;
	int ret;

	mutex_lock(&f->lock);
	ret = mmesh_allowedips_give_v4(&f->table, &net10, cidr, f->peers[peer], &share,
				       undo ?: &own, &f->lock);
	if (!ret && !undo)
		mmesh_allowedips_keep(&own);
	mutex_unlock(&f->lock);
	return ret;
}

static void take_back(struct fixture *f, struct mmesh_allowedips_undo *undo)
{
	mutex_lock(&f->lock);
	mmesh_allowedips_undo(&f->table, undo, &f->lock);
	mutex_unlock(&f->lock);
}

static bool owns(struct fixture *f, unsigned int peer, u32 addr)
{
	bool ret;

	rcu_read_lock();
	ret = mmesh_allowedips_owns_v4(&f->table, cpu_to_be32(addr), f->peers[peer]);
	rcu_read_unlock();
	return ret;
}

/* The set that holds 10.0.0.0/8, by way of the first peer that has it. */
static const struct mmesh_holders *set_of_peer(struct fixture *f, unsigned int peer)
{
	return list_first_entry(&f->peers[peer]->shared_list, struct mmesh_holder, list)->set;
}

/* How often each peer is chosen. */
static void count_flows(struct kunit *test, const struct mmesh_holders *set,
			unsigned int counts[PEERS])
{
	struct mmesh_peer *peer;
	u64 flow;

	memset(counts, 0, PEERS * sizeof(counts[0]));
	rcu_read_lock();
	for (flow = 0; flow < FLOWS; flow++) {
		peer = mmesh_holders_pick(set, flow);
		KUNIT_ASSERT_NOT_NULL(test, peer);
		KUNIT_EXPECT_PTR_EQ(test, peer, mmesh_holders_pick(set, flow));
		counts[peer->internal_id - 1]++;
	}
	rcu_read_unlock();
}

static void holders_share_by_weight(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int counts[PEERS];

	KUNIT_EXPECT_EQ(test, give(f, 0, 8, true, 5, 1, NULL), 0);
	KUNIT_EXPECT_EQ(test, give(f, 1, 8, true, 5, 2, NULL), 0);
	KUNIT_EXPECT_EQ(test, give(f, 2, 8, true, 5, 7, NULL), 0);
	KUNIT_EXPECT_EQ(test, give(f, 3, 8, true, 6, 1000, NULL), 0);
	KUNIT_EXPECT_EQ(test, f->table.count, 4);
	count_flows(test, set_of_peer(f, 0), counts);
	/* 5 standard deviations are 212, 283 and 324. */
	KUNIT_EXPECT_LE(test, abs((int)counts[0] - FLOWS / 10), 212);
	KUNIT_EXPECT_LE(test, abs((int)counts[1] - FLOWS / 5), 283);
	KUNIT_EXPECT_LE(test, abs((int)counts[2] - FLOWS * 7 / 10), 324);
	KUNIT_EXPECT_EQ(test, counts[3], 0);
}

/* Only the flows of the holder that died move; back they go when it is heard. */
static void holders_fail_over(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int moved = 0, of_dead = 0;
	const struct mmesh_holders *set;
	struct mmesh_peer **before;
	unsigned int counts[PEERS];
	u64 flow;

	before = kunit_kcalloc(test, FLOWS, sizeof(*before), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, before);
	give(f, 0, 8, true, 0, 1, NULL);
	give(f, 1, 8, true, 0, 1, NULL);
	give(f, 2, 8, true, 0, 3, NULL);
	give(f, 3, 8, true, 1, 1, NULL);
	set = set_of_peer(f, 0);
	rcu_read_lock();
	for (flow = 0; flow < FLOWS; flow++)
		before[flow] = mmesh_holders_pick(set, flow);
	f->peers[1]->unreachable = true;
	tries = 0;
	for (flow = 0; flow < FLOWS; flow++) {
		struct mmesh_peer *now = mmesh_holders_pick(set, flow);

		of_dead += before[flow] == f->peers[1];
		moved += before[flow] != now;
		KUNIT_EXPECT_PTR_NE(test, now, f->peers[1]);
	}
	rcu_read_unlock();
	KUNIT_EXPECT_GT(test, of_dead, 0);
	KUNIT_EXPECT_EQ(test, moved, of_dead);
	/* It is tried again, unless it just was. */
	KUNIT_EXPECT_EQ(test, tries, FLOWS);
	f->peers[1]->last_sent_handshake = ktime_get_coarse_boottime_ns();
	rcu_read_lock();
	mmesh_holders_pick(set, 0);
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, tries, FLOWS);

	/* All of the best priority are dead, one for want of an endpoint. */
	f->peers[0]->unreachable = true;
	RCU_INIT_POINTER(f->peers[2]->endpoint, NULL);
	count_flows(test, set, counts);
	KUNIT_EXPECT_EQ(test, counts[3], FLOWS);
	/* All: as if none were. */
	f->peers[3]->unreachable = true;
	count_flows(test, set, counts);
	KUNIT_EXPECT_EQ(test, counts[3], 0);
	KUNIT_EXPECT_GT(test, counts[1], 0);
	for (flow = 0; flow < 4; flow++)
		f->peers[flow]->unreachable = false;
	RCU_INIT_POINTER(f->peers[2]->endpoint, &f->endpoint);
	rcu_read_lock();
	for (flow = 0; flow < FLOWS; flow++)
		moved += before[flow] != mmesh_holders_pick(set, flow);
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, moved, of_dead);
}

static void holders_may_be_the_source(struct kunit *test)
{
	struct fixture *f = test->priv;

	give(f, 0, 8, true, 0, 1, NULL);
	give(f, 1, 8, true, 9, 1, NULL);
	f->peers[1]->unreachable = true;
	KUNIT_EXPECT_TRUE(test, owns(f, 0, 0x0a010203));
	KUNIT_EXPECT_TRUE(test, owns(f, 1, 0x0a010203));
	KUNIT_EXPECT_FALSE(test, owns(f, 2, 0x0a010203));
	KUNIT_EXPECT_FALSE(test, owns(f, 0, 0x0b010203));
	/* A longer prefix is another matter. */
	give(f, 2, 16, false, 0, 1, NULL);
	KUNIT_EXPECT_TRUE(test, owns(f, 2, 0x0a000203));
	KUNIT_EXPECT_FALSE(test, owns(f, 0, 0x0a000203));
}

/* Without `shared` a prefix moves, from all that had it. */
static void holders_move(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i;

	give(f, 0, 8, false, 0, 1, NULL);
	give(f, 1, 8, true, 3, 1, NULL);
	give(f, 2, 8, true, 3, 1, NULL);
	KUNIT_EXPECT_TRUE(test, owns(f, 0, 0x0a000001));
	KUNIT_EXPECT_EQ(test, f->table.count, 3);
	give(f, 1, 8, false, 0, 1, NULL);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, owns(f, i, 0x0a000001), i == 1);
	KUNIT_EXPECT_EQ(test, f->table.count, 1);
	KUNIT_EXPECT_TRUE(test, list_empty(&f->peers[0]->allowedips_list));
	KUNIT_EXPECT_TRUE(test, list_empty(&f->peers[2]->shared_list));
}

static void holders_leave(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < 3; i++)
		give(f, i, 8, true, 0, 1, NULL);
	mutex_lock(&f->lock);
	KUNIT_EXPECT_EQ(test, mmesh_allowedips_remove_v4(&f->table, &net10, 8, f->peers[3],
							 &f->lock), -ENOENT);
	KUNIT_EXPECT_EQ(test, mmesh_allowedips_remove_v4(&f->table, &net10, 8, f->peers[1],
							 &f->lock), 0);
	KUNIT_EXPECT_EQ(test, mmesh_allowedips_remove_v4(&f->table, &net10, 8, f->peers[1],
							 &f->lock), -ENOENT);
	mutex_unlock(&f->lock);
	KUNIT_EXPECT_FALSE(test, owns(f, 1, 0x0a000001));
	KUNIT_EXPECT_TRUE(test, owns(f, 2, 0x0a000001));
	/* Who has left may come again. */
	KUNIT_EXPECT_EQ(test, give(f, 1, 8, true, 0, 1, NULL), 0);
	KUNIT_EXPECT_TRUE(test, owns(f, 1, 0x0a000001));
	mutex_lock(&f->lock);
	for (i = 0; i < 3; i++)
		mmesh_allowedips_remove_by_peer(&f->table, f->peers[i], &f->lock);
	mutex_unlock(&f->lock);
	KUNIT_EXPECT_EQ(test, f->table.count, 0);
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(f->table.root4));
}

static void holders_are_bounded(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < MMESH_MAX_HOLDERS; i++)
		KUNIT_EXPECT_EQ(test, give(f, i, 8, true, i, 1, NULL), 0);
	KUNIT_EXPECT_EQ(test, give(f, MMESH_MAX_HOLDERS, 8, true, 0, 1, NULL), -EUSERS);
	KUNIT_EXPECT_FALSE(test, owns(f, MMESH_MAX_HOLDERS, 0x0a000001));
	/* One that is among them may change its place. */
	KUNIT_EXPECT_EQ(test, give(f, 3, 8, true, 99, 2, NULL), 0);
	KUNIT_EXPECT_EQ(test, f->table.count, MMESH_MAX_HOLDERS);
	rcu_read_lock();
	KUNIT_EXPECT_PTR_EQ(test, mmesh_holders_pick(set_of_peer(f, 0), 1), f->peers[0]);
	rcu_read_unlock();
}

static void holders_undo(struct kunit *test)
{
	struct mmesh_allowedips_undo undo[4];
	struct fixture *f = test->priv;
	unsigned int i;

	give(f, 0, 8, true, 4, 2, NULL);
	give(f, 1, 8, true, 4, 2, NULL);
	give(f, 2, 8, true, 1, 2, &undo[0]);
	give(f, 0, 8, true, 0, 1, &undo[1]);
	give(f, 3, 8, false, 0, 1, &undo[2]);
	give(f, 3, 24, true, 0, 1, &undo[3]);
	KUNIT_EXPECT_TRUE(test, owns(f, 3, 0x0a000001));
	KUNIT_EXPECT_FALSE(test, owns(f, 0, 0x0a010001));
	for (i = 4; i--;)
		take_back(f, &undo[i]);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, owns(f, i, 0x0a000001), i < 2);
	KUNIT_EXPECT_EQ(test, f->table.count, 2);
	KUNIT_EXPECT_EQ(test, set_of_peer(f, 0)->holder[0].priority, 4);
	KUNIT_EXPECT_TRUE(test, list_empty(&f->peers[3]->allowedips_list));
	KUNIT_EXPECT_TRUE(test, list_empty(&f->peers[3]->shared_list));
}

static struct mmesh_peer *who(struct fixture *f, u32 addr)
{
	struct mmesh_peer *peer;

	rcu_read_lock();
	peer = mmesh_allowedips_lookup_v4(&f->table, cpu_to_be32(addr), NULL);
	rcu_read_unlock();
	return peer;
}

static void set_member(struct fixture *f, u8 cidr)
{
	mutex_lock(&f->lock);
	mmesh_allowedips_set_member(&f->table.member4,
				    cidr ? mmesh_allowedips_member_v4(&net10, cidr) : NULL,
				    &f->lock);
	mutex_unlock(&f->lock);
}

/* Inside 10.0.0.0/16 a shorter prefix serves neither way. */
static void holders_member_prefix(struct kunit *test)
{
	struct fixture *f = test->priv;

	give(f, 0, 0, false, 0, 1, NULL);	/* an exit */
	give(f, 1, 15, false, 0, 1, NULL);
	give(f, 2, 24, false, 0, 1, NULL);
	set_member(f, 16);
	KUNIT_EXPECT_PTR_EQ(test, who(f, 0x0a000005), f->peers[2]);
	KUNIT_EXPECT_NULL(test, who(f, 0x0a000105));
	KUNIT_EXPECT_FALSE(test, owns(f, 0, 0x0a000105));
	KUNIT_EXPECT_FALSE(test, owns(f, 1, 0x0a000105));
	KUNIT_EXPECT_PTR_EQ(test, who(f, 0x0a010005), f->peers[1]);
	KUNIT_EXPECT_PTR_EQ(test, who(f, 0x0b000005), f->peers[0]);
	rcu_read_lock();
	KUNIT_EXPECT_TRUE(test, mmesh_allowedips_is_member_v4(&f->table,
							      cpu_to_be32(0x0a00ffff)));
	KUNIT_EXPECT_FALSE(test, mmesh_allowedips_is_member_v4(&f->table,
							       cpu_to_be32(0x0a010000)));
	rcu_read_unlock();
	/* As long is long enough. */
	give(f, 3, 16, false, 0, 1, NULL);
	KUNIT_EXPECT_PTR_EQ(test, who(f, 0x0a000105), f->peers[3]);
	set_member(f, 17);
	KUNIT_EXPECT_NULL(test, who(f, 0x0a000105));
	set_member(f, 0);
	KUNIT_EXPECT_PTR_EQ(test, who(f, 0x0a000105), f->peers[3]);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(holders_share_by_weight),
	KUNIT_CASE(holders_fail_over),
	KUNIT_CASE(holders_may_be_the_source),
	KUNIT_CASE(holders_move),
	KUNIT_CASE(holders_leave),
	KUNIT_CASE(holders_are_bounded),
	KUNIT_CASE(holders_undo),
	KUNIT_CASE(holders_member_prefix),
	{}
};

static struct kunit_suite suite = {
	.name = "holders",
	.init = holders_init,
	.exit = holders_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
