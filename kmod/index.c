// SPDX-License-Identifier: GPL-2.0
/*
 * Every change is made under the table's lock. Growing copies a piece at a
 * time and lets the lock go in between, so that softirqs which want it never
 * wait long; meanwhile changes go to both arrays and readers use the old one.
 */
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "index.h"
#include "limits.h"

enum {
	FIRST_SLOTS = 64,	/* powers of two */
	COPY_AT_ONCE = 1024,
};

struct mmesh_index_slots {
	u32 mask;
	struct rcu_head rcu;
	struct mmesh_index_entry __rcu *slot[];
};

static struct mmesh_index_slots *slots_alloc(u32 size)
{
	struct mmesh_index_slots *slots;

	slots = kvzalloc(struct_size(slots, slot, size), GFP_KERNEL_ACCOUNT);
	if (slots)
		slots->mask = size - 1;
	return slots;
}

static struct mmesh_index_entry __rcu **
slot_of(struct mmesh_index_slots *slots, __le32 index)
{
	return &slots->slot[le32_to_cpu(index) & slots->mask];
}

int mmesh_index_init(struct mmesh_index_table *table)
{
	struct mmesh_index_slots *slots = slots_alloc(FIRST_SLOTS);

	if (!slots)
		return -ENOMEM;
	RCU_INIT_POINTER(table->slots, slots);
	table->growing = NULL;
	spin_lock_init(&table->lock);
	mutex_init(&table->grow_lock);
	table->count = 0;
	table->limit = MMESH_MAX_INDICES_PER_DEVICE;
	return 0;
}

void mmesh_index_destroy(struct mmesh_index_table *table)
{
	WARN_ON_ONCE(table->count);
	kvfree(rcu_dereference_protected(table->slots, true));
	RCU_INIT_POINTER(table->slots, NULL);
	mutex_destroy(&table->grow_lock);
}

struct mmesh_index_entry *
mmesh_index_lookup(struct mmesh_index_table *table, u8 type_mask, __le32 index)
{
	struct mmesh_index_slots *slots;
	struct mmesh_index_entry *entry;

	slots = rcu_dereference_check(table->slots, rcu_read_lock_bh_held());
	entry = rcu_dereference_check(*slot_of(slots, index),
				      rcu_read_lock_bh_held());
	if (!entry || READ_ONCE(entry->index) != index ||
	    !(entry->type & type_mask))
		return NULL;
	return entry;
}

/* From here on: writers, table->lock held unless it says otherwise. */

static struct mmesh_index_slots *slots_now(struct mmesh_index_table *table)
{
	return rcu_dereference_protected(table->slots,
					 lockdep_is_held(&table->lock));
}

static struct mmesh_index_entry *
entry_at(struct mmesh_index_table *table, __le32 index)
{
	return rcu_dereference_protected(*slot_of(slots_now(table), index),
					 lockdep_is_held(&table->lock));
}

/* Let the slot of @index hold @entry, NULL included. */
static void fill(struct mmesh_index_table *table, __le32 index,
		 struct mmesh_index_entry *entry)
{
	rcu_assign_pointer(*slot_of(slots_now(table), index), entry);
	/* Where two indices shared a slot of the old array, at most one was
	 * in it; so what this overwrites in the new one is the same index.
	 */
	if (table->growing)
		rcu_assign_pointer(*slot_of(table->growing, index), entry);
}

static bool take_out(struct mmesh_index_table *table,
		     struct mmesh_index_entry *entry)
{
	if (entry_at(table, entry->index) != entry)
		return false;
	fill(table, entry->index, NULL);
	table->count--;
	return true;
}

static bool is_half_full(struct mmesh_index_table *table)
{
	return table->count > slots_now(table)->mask / 2;
}

/* Copy slots [@from, @from + COPY_AT_ONCE) of the old array into the new. */
static void copy_some(struct mmesh_index_table *table, u32 from)
{
	struct mmesh_index_slots *old = slots_now(table);
	u32 end = min_t(u32, from + COPY_AT_ONCE, old->mask + 1);
	struct mmesh_index_entry *entry;

	for (; from < end; from++) {
		entry = rcu_dereference_protected(old->slot[from],
						  lockdep_is_held(&table->lock));
		if (entry)
			rcu_assign_pointer(*slot_of(table->growing, entry->index),
					   entry);
	}
}

/* Double the table if it is half full. Called without table->lock. */
static int grow(struct mmesh_index_table *table)
{
	struct mmesh_index_slots *old, *new;
	u32 from, size = 0;
	int ret = 0;

	mutex_lock(&table->grow_lock);
	spin_lock_bh(&table->lock);
	old = slots_now(table);		/* stays while grow_lock is held */
	if (is_half_full(table))
		size = 2 * (old->mask + 1);
	spin_unlock_bh(&table->lock);
	if (!size)
		goto out;		/* someone else was faster */

	new = slots_alloc(size);
	if (!new) {
		ret = -ENOMEM;
		goto out;
	}

	spin_lock_bh(&table->lock);
	table->growing = new;
	for (from = 0; from <= old->mask; from += COPY_AT_ONCE) {
		copy_some(table, from);
		spin_unlock_bh(&table->lock);
		cond_resched();
		spin_lock_bh(&table->lock);
	}
	rcu_assign_pointer(table->slots, new);
	table->growing = NULL;
	spin_unlock_bh(&table->lock);
	kvfree_rcu(old, rcu);
out:
	mutex_unlock(&table->grow_lock);
	return ret;
}

/* Draw until a slot is free: at most half are taken, so twice on average. */
static void draw(struct mmesh_index_table *table,
		 struct mmesh_index_entry *entry)
{
	__le32 index;

	do {
		index = cpu_to_le32(get_random_u32());
	} while (entry_at(table, index));
	WRITE_ONCE(entry->index, index);
	fill(table, index, entry);
	table->count++;
}

/* Called without table->lock, as the rest of this file. */
int mmesh_index_insert(struct mmesh_index_table *table,
		       struct mmesh_index_entry *entry)
{
	int ret = 0;

	spin_lock_bh(&table->lock);
	take_out(table, entry);
	while (!ret) {
		if (table->count >= table->limit) {
			ret = -ENOSPC;
			break;
		}
		if (!is_half_full(table)) {
			draw(table, entry);
			break;
		}
		spin_unlock_bh(&table->lock);
		ret = grow(table);
		spin_lock_bh(&table->lock);
	}
	spin_unlock_bh(&table->lock);
	return ret;
}

bool mmesh_index_replace(struct mmesh_index_table *table,
			 struct mmesh_index_entry *old,
			 struct mmesh_index_entry *new)
{
	bool found;

	spin_lock_bh(&table->lock);
	found = entry_at(table, old->index) == old;
	if (found) {
		WRITE_ONCE(new->index, old->index);
		fill(table, new->index, new);
	}
	spin_unlock_bh(&table->lock);
	return found;
}

void mmesh_index_remove(struct mmesh_index_table *table,
			struct mmesh_index_entry *entry)
{
	spin_lock_bh(&table->lock);
	take_out(table, entry);
	spin_unlock_bh(&table->lock);
}
