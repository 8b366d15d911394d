// SPDX-License-Identifier: GPL-2.0
#include "own-cache.h"

#include "../kmod/keypair.c"
#include "peers.h"
#include "test.h"

static const u8 some_key[MMESH_KEY_LEN] = { 8 };

static struct mmesh_test_end *make_end(struct kunit *test)
{
	return mmesh_test_end(test, NULL, some_key, NULL, MMESH_SUITE_WIREGUARD);
}

/* A keypair under an index that the handshake had, and its slot. */
static struct mmesh_keypair *install(struct kunit *test,
				     struct mmesh_test_end *end, bool initiator)
{
	struct mmesh_index_entry *entry = &end->peer.handshake.entry;
	struct mmesh_keypair *keypair = mmesh_keypair_create(&end->peer);
	__le32 index;

	KUNIT_ASSERT_NOT_NULL(test, keypair);
	KUNIT_ASSERT_EQ(test, mmesh_index_insert(&end->m.indices, entry), 0);
	index = entry->index;
	keypair->i_am_the_initiator = initiator;
	keypair->sending_valid = true;
	keypair->receiving_valid = true;
	KUNIT_ASSERT_TRUE(test, mmesh_keypairs_install(&end->peer.keypairs,
						       keypair, entry));
	KUNIT_EXPECT_TRUE(test, keypair->entry.index == index);
	return keypair;
}

static void expect_slots(struct kunit *test, struct mmesh_test_end *end,
			 struct mmesh_keypair *previous,
			 struct mmesh_keypair *current_one,
			 struct mmesh_keypair *next)
{
	struct mmesh_keypairs *k = &end->peer.keypairs;
	unsigned int count = !!previous + !!current_one + !!next;

	KUNIT_EXPECT_PTR_EQ(test, rcu_access_pointer(k->previous_keypair), previous);
	KUNIT_EXPECT_PTR_EQ(test, rcu_access_pointer(k->current_keypair), current_one);
	KUNIT_EXPECT_PTR_EQ(test, rcu_access_pointer(k->next_keypair), next);
	/* Each that is in a slot can be found, and no other. */
	KUNIT_EXPECT_EQ(test, end->m.indices.count, count);
}

static bool received_with(struct mmesh_test_end *end, struct mmesh_keypair *keypair)
{
	bool ret;

	rcu_read_lock_bh();
	ret = mmesh_keypairs_received_with(&end->peer.keypairs, keypair);
	rcu_read_unlock_bh();
	return ret;
}

static void keypair_initiator(struct kunit *test)
{
	struct mmesh_test_end *end = make_end(test);
	struct mmesh_keypair *a, *b, *c;

	a = install(test, end, true);
	expect_slots(test, end, NULL, a, NULL);
	b = install(test, end, true);
	expect_slots(test, end, a, b, NULL);
	c = install(test, end, true);
	expect_slots(test, end, b, c, NULL);
	KUNIT_EXPECT_FALSE(test, received_with(end, c));
	KUNIT_EXPECT_FALSE(test, received_with(end, b));
	expect_slots(test, end, b, c, NULL);
	KUNIT_EXPECT_TRUE(test, b->receiving_valid);
	mmesh_test_end_destroy(test, end);
}

static void keypair_responder(struct kunit *test)
{
	struct mmesh_test_end *end = make_end(test);
	struct mmesh_keypair *a, *b, *c;

	a = install(test, end, false);
	expect_slots(test, end, NULL, NULL, a);
	KUNIT_EXPECT_TRUE(test, received_with(end, a));
	expect_slots(test, end, NULL, a, NULL);
	KUNIT_EXPECT_FALSE(test, received_with(end, a));

	b = install(test, end, false);
	expect_slots(test, end, NULL, a, b);
	KUNIT_EXPECT_FALSE(test, received_with(end, a));
	/* Never confirmed: the newer one takes its place. */
	c = install(test, end, false);
	expect_slots(test, end, NULL, a, c);
	KUNIT_EXPECT_TRUE(test, received_with(end, c));
	expect_slots(test, end, a, c, NULL);
	/* A new one makes the previous go, so there are never three. */
	b = install(test, end, false);
	expect_slots(test, end, NULL, c, b);
	mmesh_test_end_destroy(test, end);
}

/* Both ends started at once: the unconfirmed one may still be received with. */
static void keypair_crossing(struct kunit *test)
{
	struct mmesh_test_end *end = make_end(test);
	struct mmesh_keypair *b, *c;

	install(test, end, true);
	b = install(test, end, false);
	c = install(test, end, true);
	expect_slots(test, end, b, c, NULL);
	KUNIT_EXPECT_FALSE(test, received_with(end, b));
	expect_slots(test, end, b, c, NULL);
	mmesh_test_end_destroy(test, end);
}

static void keypair_clear(struct kunit *test)
{
	struct mmesh_test_end *end = make_end(test);
	struct mmesh_keypair *all[2];
	unsigned int i;

	all[0] = install(test, end, true);
	all[1] = install(test, end, false);
	/* Stay readable for packets on their way, as under RCU. */
	for (i = 0; i < ARRAY_SIZE(all); i++)
		kref_get(&all[i]->refcount);
	mmesh_keypairs_clear(&end->peer.keypairs);
	expect_slots(test, end, NULL, NULL, NULL);
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		KUNIT_EXPECT_FALSE(test, all[i]->sending_valid);
		mmesh_keypair_put(all[i], false);
	}
	mmesh_keypairs_clear(&end->peer.keypairs);
	mmesh_test_end_destroy(test, end);
}

/* A clone of the machine: nothing is sent, what arrives is still read. */
static void keypair_expire(struct kunit *test)
{
	struct mmesh_test_end *end = make_end(test);
	struct mmesh_keypair *a, *b;

	a = install(test, end, true);
	b = install(test, end, false);
	end->peer.last_sent_handshake = 1;
	mmesh_keypairs_expire_current(&end->peer);
	expect_slots(test, end, NULL, a, b);
	KUNIT_EXPECT_FALSE(test, a->sending_valid);
	KUNIT_EXPECT_FALSE(test, b->sending_valid);
	KUNIT_EXPECT_TRUE(test, a->receiving_valid);
	KUNIT_EXPECT_TRUE(test, b->receiving_valid);
	KUNIT_EXPECT_EQ(test, end->peer.last_sent_handshake, 0);
	mmesh_test_end_destroy(test, end);
}

static void keypair_refused(struct kunit *test)
{
	struct mmesh_test_end *end = make_end(test);
	struct mmesh_index_entry *entry = &end->peer.handshake.entry;
	struct mmesh_keypair *keypair = mmesh_keypair_create(&end->peer);

	KUNIT_ASSERT_NOT_NULL(test, keypair);
	/* No index: the handshake was cleared meanwhile. */
	KUNIT_EXPECT_FALSE(test, mmesh_keypairs_install(&end->peer.keypairs,
							keypair, entry));
	KUNIT_ASSERT_EQ(test, mmesh_index_insert(&end->m.indices, entry), 0);
	end->peer.is_dead = true;
	KUNIT_EXPECT_FALSE(test, mmesh_keypairs_install(&end->peer.keypairs,
							keypair, entry));
	mmesh_keypair_put(keypair, false);
	mmesh_index_remove(&end->m.indices, entry);
	expect_slots(test, end, NULL, NULL, NULL);
	mmesh_test_end_destroy(test, end);
}

/* Design: a peer and two keypairs take at most 4 KiB. */
static void keypair_size(struct kunit *test)
{
	KUNIT_EXPECT_LE(test, kmem_cache_size(keypair_cache), 1408);
	KUNIT_EXPECT_LE(test, sizeof(struct mmesh_peer) +
			      2 * kmem_cache_size(keypair_cache), 4096);
}

static int suite_init(struct kunit_suite *suite)
{
	return mmesh_keypair_module_init();
}

static void suite_exit(struct kunit_suite *suite)
{
	mmesh_keypair_module_exit();
}

static struct kunit_case cases[] = {
	KUNIT_CASE(keypair_initiator),
	KUNIT_CASE(keypair_responder),
	KUNIT_CASE(keypair_crossing),
	KUNIT_CASE(keypair_clear),
	KUNIT_CASE(keypair_expire),
	KUNIT_CASE(keypair_refused),
	KUNIT_CASE(keypair_size),
	{}
};

static struct kunit_suite suite = {
	.name = "keypair",
	.suite_init = suite_init,
	.suite_exit = suite_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
