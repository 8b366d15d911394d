/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Receiver indices: the 32 bits by which a peer names our end of a session.
 *
 * A random index sits in slot (index & mask); a slot that is taken makes us
 * draw again, so a lookup costs one cache miss and never walks a chain. The
 * table doubles when half full: an index keeps its value, because indices
 * that differ modulo 2^n differ modulo 2^(n+1). Any value is valid, 0 as well.
 */
#ifndef MMESH_INDEX_H
#define MMESH_INDEX_H

#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct mmesh_peer;

enum mmesh_index_type {
	MMESH_INDEX_NONE = 0,
	MMESH_INDEX_HANDSHAKE = 1 << 0,
	MMESH_INDEX_KEYPAIR = 1 << 1,
};

/* Embedded in the handshake and in each keypair, zeroed when born. The embedder
 * sets @peer and @type before the entry is published and leaves them alone
 * while it is; @index belongs to this file. Whoever embeds it frees it only a
 * grace period after mmesh_index_remove().
 *
 * An entry that is taken out and inserted again gets another index at once, so
 * a reader that found it under the old one may have been overtaken: whoever
 * changes state by what it found compares @index again under the embedder's
 * lock.
 */
struct mmesh_index_entry {
	struct mmesh_peer *peer;
	__le32 index;
	u8 type;	/* enum mmesh_index_type */
};

struct mmesh_index_slots;

struct mmesh_index_table {
	struct mmesh_index_slots __rcu *slots;
	struct mmesh_index_slots *growing;	/* being filled; or NULL */
	spinlock_t lock;		/* slots' contents, count; BH-safe */
	struct mutex grow_lock;		/* one grower at a time */
	unsigned int count;
	unsigned int limit;		/* most entries that are let in */
};

int mmesh_index_init(struct mmesh_index_table *table);
/* No reader and no entry may be left. */
void mmesh_index_destroy(struct mmesh_index_table *table);

/* Draw an index for @entry and publish it. Any old one is removed first.
 * Returns 0, -ENOMEM, or -ENOSPC past MMESH_MAX_INDICES_PER_DEVICE; after an
 * error @entry is not in the table. One caller at a time for an entry.
 * Context: process, sleeps (the table may grow).
 */
int mmesh_index_insert(struct mmesh_index_table *table,
		       struct mmesh_index_entry *entry);
/* Put @new, which is in no table, in the slot and under the index of @old,
 * which is taken out; readers find one or the other. False when @old was not
 * in the table. Context: any, BH-safe.
 */
bool mmesh_index_replace(struct mmesh_index_table *table,
			 struct mmesh_index_entry *old,
			 struct mmesh_index_entry *new);
/* Idempotent. Context: any, BH-safe. */
void mmesh_index_remove(struct mmesh_index_table *table,
			struct mmesh_index_entry *entry);
/* Entry of one of the types in @type_mask, or NULL. Context: RCU read, either
 * flavour (preemption or BH off).
 */
struct mmesh_index_entry *
mmesh_index_lookup(struct mmesh_index_table *table, u8 type_mask, __le32 index);

#endif
