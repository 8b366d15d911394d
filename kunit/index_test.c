// SPDX-License-Identifier: GPL-2.0
#include <linux/kthread.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "test.h"

/* The table's sources of numbers, memory and rest are ours. */
static struct {
	const u32 *numbers;	/* drawn before any random one */
	unsigned int left;
	bool no_memory;
	void (*pause)(void *arg);	/* called once, in the middle of growing */
	void *arg;
} rig;

static u32 rigged_u32(void)
{
	if (!rig.left)
		return get_random_u32();
	rig.left--;
	return *rig.numbers++;
}

static void *rigged_kvzalloc(size_t size, gfp_t gfp)
{
	return rig.no_memory ? NULL : kvzalloc(size, gfp);
}

static void rigged_resched(void)
{
	void (*pause)(void *arg) = rig.pause;

	rig.pause = NULL;
	if (pause)
		pause(rig.arg);
	cond_resched();
}

#pragma push_macro("get_random_u32")
#pragma push_macro("kvzalloc")
#pragma push_macro("cond_resched")
#undef get_random_u32
#undef kvzalloc
#undef cond_resched
#define get_random_u32 rigged_u32
#define kvzalloc rigged_kvzalloc
#define cond_resched rigged_resched
#include "../kmod/index.c"
#pragma pop_macro("get_random_u32")
#pragma pop_macro("kvzalloc")
#pragma pop_macro("cond_resched")

struct fixture {
	struct mmesh_index_table table;
	struct mmesh_index_entry *entries;
};

static int index_init(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	memset(&rig, 0, sizeof(rig));
	KUNIT_ASSERT_EQ(test, mmesh_index_init(&f->table), 0);
	test->priv = f;
	return 0;
}

static void index_exit(struct kunit *test)
{
	struct fixture *f = test->priv;

	if (!f)
		return;
	rcu_barrier();
	f->table.count = 0;	/* a case may leave entries behind */
	mmesh_index_destroy(&f->table);
	kvfree(f->entries);
}

/* Entries of alternating types; freed by index_exit(). */
static struct mmesh_index_entry *entries_new(struct kunit *test, unsigned int n)
{
	struct fixture *f = test->priv;
	unsigned int i;

	f->entries = kvcalloc(n, sizeof(*f->entries), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->entries);
	for (i = 0; i < n; i++)
		f->entries[i].type = i % 2 ? MMESH_INDEX_KEYPAIR : MMESH_INDEX_HANDSHAKE;
	return f->entries;
}

static void draw_next(const u32 *numbers, unsigned int n)
{
	rig.numbers = numbers;
	rig.left = n;
}

static struct mmesh_index_entry *find(struct mmesh_index_table *table, __le32 index)
{
	struct mmesh_index_entry *entry;

	rcu_read_lock();
	entry = mmesh_index_lookup(table, MMESH_INDEX_HANDSHAKE | MMESH_INDEX_KEYPAIR, index);
	rcu_read_unlock();
	return entry;
}

static void index_lookup_checks_all(struct kunit *test)
{
	struct mmesh_index_entry *e = entries_new(test, 2), *found;
	struct fixture *f = test->priv;
	unsigned int bit;

	KUNIT_EXPECT_NULL(test, find(&f->table, 0));
	KUNIT_ASSERT_EQ(test, mmesh_index_insert(&f->table, &e[0]), 0);
	KUNIT_EXPECT_PTR_EQ(test, find(&f->table, e[0].index), &e[0]);
	for (bit = 0; bit < 32; bit++)
		KUNIT_EXPECT_NULL(test, find(&f->table, e[0].index ^ cpu_to_le32(BIT(bit))));

	rcu_read_lock();
	found = mmesh_index_lookup(&f->table, MMESH_INDEX_HANDSHAKE, e[0].index);
	KUNIT_EXPECT_PTR_EQ(test, found, &e[0]);
	found = mmesh_index_lookup(&f->table, MMESH_INDEX_KEYPAIR, e[0].index);
	KUNIT_EXPECT_NULL(test, found);
	found = mmesh_index_lookup(&f->table, MMESH_INDEX_NONE, e[0].index);
	KUNIT_EXPECT_NULL(test, found);
	rcu_read_unlock();
}

static void index_draws_again(struct kunit *test)
{
	/* The second and third fall into the first's slot. */
	static const u32 numbers[] = { 7, 7, 7 + 64 * 5, 8 };
	struct mmesh_index_entry *e = entries_new(test, 2);
	struct fixture *f = test->priv;

	draw_next(numbers, ARRAY_SIZE(numbers));
	KUNIT_ASSERT_EQ(test, mmesh_index_insert(&f->table, &e[0]), 0);
	KUNIT_ASSERT_EQ(test, mmesh_index_insert(&f->table, &e[1]), 0);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(e[0].index), 7);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(e[1].index), 8);
	KUNIT_EXPECT_EQ(test, rig.left, 0);
	KUNIT_EXPECT_PTR_EQ(test, find(&f->table, e[0].index), &e[0]);
	KUNIT_EXPECT_PTR_EQ(test, find(&f->table, e[1].index), &e[1]);
}

static void index_zero_is_valid(struct kunit *test)
{
	static const u32 numbers[] = { 0 };
	struct mmesh_index_entry *e = entries_new(test, 2);
	struct fixture *f = test->priv;

	draw_next(numbers, ARRAY_SIZE(numbers));
	KUNIT_ASSERT_EQ(test, mmesh_index_insert(&f->table, &e[0]), 0);
	KUNIT_EXPECT_PTR_EQ(test, find(&f->table, 0), &e[0]);
	/* An entry that was never in has index 0 as well. */
	mmesh_index_remove(&f->table, &e[1]);
	KUNIT_EXPECT_PTR_EQ(test, find(&f->table, 0), &e[0]);
	KUNIT_EXPECT_FALSE(test, mmesh_index_replace(&f->table, &e[1], &e[0]));
	mmesh_index_remove(&f->table, &e[0]);
	KUNIT_EXPECT_NULL(test, find(&f->table, 0));
	KUNIT_EXPECT_EQ(test, f->table.count, 0);
}

static void index_remove_twice(struct kunit *test)
{
	static const u32 numbers[] = { 3, 3 };
	struct mmesh_index_entry *e = entries_new(test, 2);
	struct fixture *f = test->priv;

	draw_next(numbers, ARRAY_SIZE(numbers));
	KUNIT_ASSERT_EQ(test, mmesh_index_insert(&f->table, &e[0]), 0);
	mmesh_index_remove(&f->table, &e[0]);
	mmesh_index_remove(&f->table, &e[0]);
	KUNIT_EXPECT_EQ(test, f->table.count, 0);
	/* Its old place may belong to another by now. */
	KUNIT_ASSERT_EQ(test, mmesh_index_insert(&f->table, &e[1]), 0);
	mmesh_index_remove(&f->table, &e[0]);
	KUNIT_EXPECT_PTR_EQ(test, find(&f->table, cpu_to_le32(3)), &e[1]);
	KUNIT_EXPECT_EQ(test, f->table.count, 1);
}

static void index_insert_again_moves(struct kunit *test)
{
	struct mmesh_index_entry *e = entries_new(test, 1);
	struct fixture *f = test->priv;
	unsigned int i, same = 0;
	__le32 old;

	KUNIT_ASSERT_EQ(test, mmesh_index_insert(&f->table, &e[0]), 0);
	for (i = 0; i < 1000; i++) {
		old = e[0].index;
		KUNIT_ASSERT_EQ(test, mmesh_index_insert(&f->table, &e[0]), 0);
		if (old == e[0].index)
			same++;
		else
			KUNIT_EXPECT_NULL(test, find(&f->table, old));
		KUNIT_EXPECT_PTR_EQ(test, find(&f->table, e[0].index), &e[0]);
	}
	KUNIT_EXPECT_LT(test, same, 2);
	KUNIT_EXPECT_EQ(test, f->table.count, 1);
}

static void index_replace(struct kunit *test)
{
	struct mmesh_index_entry *e = entries_new(test, 3), *found;
	struct fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, mmesh_index_insert(&f->table, &e[0]), 0);
	KUNIT_EXPECT_TRUE(test, mmesh_index_replace(&f->table, &e[0], &e[1]));
	KUNIT_EXPECT_EQ(test, (__force u32)e[1].index, (__force u32)e[0].index);
	KUNIT_EXPECT_PTR_EQ(test, find(&f->table, e[1].index), &e[1]);
	rcu_read_lock();
	found = mmesh_index_lookup(&f->table, MMESH_INDEX_HANDSHAKE, e[1].index);
	KUNIT_EXPECT_NULL(test, found);
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, f->table.count, 1);

	/* The old one is out: it can't be replaced or removed. */
	KUNIT_EXPECT_FALSE(test, mmesh_index_replace(&f->table, &e[0], &e[2]));
	mmesh_index_remove(&f->table, &e[0]);
	KUNIT_EXPECT_PTR_EQ(test, find(&f->table, e[1].index), &e[1]);
	/* But it can come in again beside its successor. */
	KUNIT_ASSERT_EQ(test, mmesh_index_insert(&f->table, &e[0]), 0);
	KUNIT_EXPECT_PTR_EQ(test, find(&f->table, e[0].index), &e[0]);
	KUNIT_EXPECT_PTR_EQ(test, find(&f->table, e[1].index), &e[1]);
	KUNIT_EXPECT_EQ(test, f->table.count, 2);
}

/* All entries there, under indices of which no two share a slot. */
static void expect_all(struct kunit *test, struct mmesh_index_entry *e, unsigned int n)
{
	struct fixture *f = test->priv;
	unsigned int i, missing = 0;

	for (i = 0; i < n; i++)
		missing += find(&f->table, e[i].index) != &e[i];
	KUNIT_EXPECT_EQ(test, missing, 0);
	KUNIT_EXPECT_EQ(test, f->table.count, n);
}

static void index_grows(struct kunit *test)
{
	enum { N = 20000 };
	struct mmesh_index_entry *e = entries_new(test, N);
	struct fixture *f = test->priv;
	unsigned int i, size;

	for (i = 0; i < N; i++) {
		KUNIT_ASSERT_EQ(test, mmesh_index_insert(&f->table, &e[i]), 0);
		size = rcu_dereference_protected(f->table.slots, true)->mask + 1;
		KUNIT_ASSERT_LE(test, 2 * f->table.count, size);
		if (is_power_of_2(i))
			expect_all(test, e, i + 1);
	}
	expect_all(test, e, N);
	KUNIT_EXPECT_EQ(test, size, 65536);
	for (i = 0; i < N; i++)
		mmesh_index_remove(&f->table, &e[i]);
	KUNIT_EXPECT_EQ(test, f->table.count, 0);
	for (i = 0; i < N; i++)
		KUNIT_ASSERT_NULL(test, find(&f->table, e[i].index));
}

enum { GROW_AT = 2 * COPY_AT_ONCE };	/* so the copy has a first and later parts */

/* Slots below COPY_AT_ONCE have been copied, the rest has not. */
static void change_while_growing(void *arg)
{
	struct kunit *test = arg;
	struct fixture *f = test->priv;
	struct mmesh_index_entry *e = f->entries, *extra = &e[GROW_AT];
	unsigned int i;

	KUNIT_EXPECT_NOT_NULL(test, f->table.growing);
	for (i = 0; i < GROW_AT; i += 4)
		mmesh_index_remove(&f->table, &e[i]);
	for (i = 1; i < GROW_AT; i += 4)
		KUNIT_EXPECT_TRUE(test, mmesh_index_replace(&f->table, &e[i], &extra[i]));
	/* Fewer than half are taken now, so this need not wait for the growth. */
	for (i = 0; i < GROW_AT; i += 8)
		KUNIT_EXPECT_EQ(test, mmesh_index_insert(&f->table, &extra[i]), 0);
	/* Taken out and put in again: another index. */
	for (i = 2; i < GROW_AT; i += 4)
		KUNIT_EXPECT_EQ(test, mmesh_index_insert(&f->table, &e[i]), 0);
	KUNIT_EXPECT_NOT_NULL(test, f->table.growing);
}

static void index_changes_while_growing(struct kunit *test)
{
	struct mmesh_index_entry *e = entries_new(test, 2 * GROW_AT + 1), *extra = &e[GROW_AT];
	struct fixture *f = test->priv;
	unsigned int i, wrong = 0;

	for (i = 0; i < GROW_AT; i++)
		KUNIT_ASSERT_EQ(test, mmesh_index_insert(&f->table, &e[i]), 0);
	rig.pause = change_while_growing;
	rig.arg = test;
	KUNIT_ASSERT_EQ(test, mmesh_index_insert(&f->table, &e[2 * GROW_AT]), 0);
	KUNIT_EXPECT_NULL(test, rig.pause);
	KUNIT_EXPECT_NULL(test, f->table.growing);
	KUNIT_EXPECT_EQ(test, f->table.count, GROW_AT - GROW_AT / 4 + GROW_AT / 8 + 1);

	for (i = 0; i < GROW_AT; i++) {
		struct mmesh_index_entry *at_old = find(&f->table, e[i].index);

		switch (i % 8) {
		case 0:
			wrong += find(&f->table, extra[i].index) != &extra[i];
			fallthrough;
		case 4:
			wrong += at_old == &e[i];
			break;
		case 1:
		case 5:
			wrong += at_old != &extra[i];
			break;
		default:
			wrong += at_old != &e[i];
		}
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_PTR_EQ(test, find(&f->table, e[2 * GROW_AT].index), &e[2 * GROW_AT]);
}

static void index_without_memory(struct kunit *test)
{
	struct mmesh_index_entry *e = entries_new(test, FIRST_SLOTS);
	struct fixture *f = test->priv;
	unsigned int i, half = FIRST_SLOTS / 2;

	rig.no_memory = true;
	for (i = 0; i < half; i++)
		KUNIT_ASSERT_EQ(test, mmesh_index_insert(&f->table, &e[i]), 0);
	KUNIT_EXPECT_EQ(test, mmesh_index_insert(&f->table, &e[half]), -ENOMEM);
	KUNIT_EXPECT_NULL(test, find(&f->table, e[half].index));
	expect_all(test, e, half);
	/* One that is in already finds room. */
	KUNIT_EXPECT_EQ(test, mmesh_index_insert(&f->table, &e[0]), 0);
	rig.no_memory = false;
	KUNIT_EXPECT_EQ(test, mmesh_index_insert(&f->table, &e[half]), 0);
	expect_all(test, e, half + 1);
}

static void index_full(struct kunit *test)
{
	enum { LIMIT = 100 };
	struct mmesh_index_entry *e = entries_new(test, LIMIT + 1);
	struct fixture *f = test->priv;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, f->table.limit, MMESH_MAX_INDICES_PER_DEVICE);
	f->table.limit = LIMIT;
	for (i = 0; i < LIMIT; i++)
		KUNIT_ASSERT_EQ(test, mmesh_index_insert(&f->table, &e[i]), 0);
	KUNIT_EXPECT_EQ(test, mmesh_index_insert(&f->table, &e[LIMIT]), -ENOSPC);
	expect_all(test, e, LIMIT);
	KUNIT_EXPECT_EQ(test, mmesh_index_insert(&f->table, &e[5]), 0);
	KUNIT_EXPECT_TRUE(test, mmesh_index_replace(&f->table, &e[0], &e[LIMIT]));
	KUNIT_EXPECT_EQ(test, mmesh_index_insert(&f->table, &e[0]), -ENOSPC);
	mmesh_index_remove(&f->table, &e[LIMIT]);
	KUNIT_EXPECT_EQ(test, mmesh_index_insert(&f->table, &e[0]), 0);
	expect_all(test, e, LIMIT);
}

struct reader {
	struct mmesh_index_table *table;
	struct mmesh_index_entry *pinned;	/* in the table all the time */
	unsigned int pins;
	unsigned long rounds;
	unsigned long missing;
};

static int reader_thread(void *arg)
{
	struct reader *reader = arg;
	unsigned int i;

	while (!kthread_should_stop()) {
		for (i = 0; i < reader->pins; i++)
			if (find(reader->table, reader->pinned[i].index) != &reader->pinned[i])
				reader->missing++;
		WRITE_ONCE(reader->rounds, reader->rounds + 1);
		cond_resched();
	}
	return 0;
}

/* Readers find what is in, whatever happens around it. */
static void index_readers(struct kunit *test)
{
	enum { PINS = 16, N = 8192, STEPS = 8 * N };
	struct mmesh_index_entry *e = entries_new(test, PINS + N), *churn = &e[PINS];
	struct reader reader = { .pinned = e, .pins = PINS };
	struct fixture *f = test->priv;
	struct task_struct *task;
	struct rnd_state rnd;
	unsigned int i;

	mmesh_test_seed(test, &rnd);
	for (i = 0; i < PINS; i++)
		KUNIT_ASSERT_EQ(test, mmesh_index_insert(&f->table, &e[i]), 0);
	reader.table = &f->table;
	task = kthread_run(reader_thread, &reader, "mmesh_index_test");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	for (i = 0; i < STEPS || READ_ONCE(reader.rounds) < 100; i++) {
		/* From ever more entries, so that the table grows to the end. */
		unsigned int range = min(i / 8 + 1, (unsigned int)N);
		struct mmesh_index_entry *one = &churn[mmesh_test_below(&rnd, range)];

		if (mmesh_test_below(&rnd, 4))
			KUNIT_EXPECT_EQ(test, mmesh_index_insert(&f->table, one), 0);
		else
			mmesh_index_remove(&f->table, one);
		if (i % 64 == 0)
			cond_resched();
	}
	kthread_stop(task);
	KUNIT_EXPECT_EQ(test, reader.missing, 0);
	for (i = 0; i < N; i++)
		mmesh_index_remove(&f->table, &churn[i]);
	expect_all(test, e, PINS);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(index_lookup_checks_all),
	KUNIT_CASE(index_draws_again),
	KUNIT_CASE(index_zero_is_valid),
	KUNIT_CASE(index_remove_twice),
	KUNIT_CASE(index_insert_again_moves),
	KUNIT_CASE(index_replace),
	KUNIT_CASE(index_grows),
	KUNIT_CASE(index_changes_while_growing),
	KUNIT_CASE(index_without_memory),
	KUNIT_CASE(index_full),
	KUNIT_CASE(index_readers),
	{}
};

static struct kunit_suite suite = {
	.name = "index",
	.init = index_init,
	.exit = index_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
