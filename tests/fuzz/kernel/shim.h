/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of the kernel as kmod/allowedips.c, index.c and replay.c need to run
 * in a process, where the sanitizers see each byte. RCU frees at once: what a
 * table takes out, nothing of it may look at again.
 */
#ifndef FUZZ_SHIM_H
#define FUZZ_SHIM_H

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int gfp_t;

#define U64_MAX UINT64_MAX
#define BITS_PER_LONG ((int)(8 * sizeof(long)))
#define CONFIG_64BIT 1
#define AF_INET 2
#define AF_INET6 10

#define __rcu
#define __force
#define READ_ONCE(x) (x)
#define WRITE_ONCE(x, v) ((x) = (v))
#define WARN_ON_ONCE(x) assert(!(x))
#define min_t(t, a, b) ((t)(a) < (t)(b) ? (t)(a) : (t)(b))
#define container_of(p, t, m) ((t *)((char *)(p) - offsetof(t, m)))
#define be32_to_cpu(x) be32toh(x)
#define cpu_to_be64(x) htobe64(x)
#define cpu_to_le32(x) htole32(x)
#define le32_to_cpu(x) le32toh(x)

static inline int fls64(u64 x)
{
	return x ? 64 - __builtin_clzll(x) : 0;
}

static inline bool __test_and_set_bit(unsigned long at, unsigned long *bits)
{
	unsigned long *word = bits + at / BITS_PER_LONG, mask = 1UL << at % BITS_PER_LONG;
	bool was = *word & mask;

	*word |= mask;
	return was;
}

struct list_head {
	struct list_head *next, *prev;
};

struct rcu_head {
	void *unused[2];
};

#define LIST_HEAD(name) struct list_head name = { &name, &name }
#define list_entry(p, t, m) container_of(p, t, m)
#define list_next_entry(pos, m) list_entry((pos)->m.next, __typeof__(*(pos)), m)
#define list_first_entry_or_null(head, t, m) \
	((head)->next == (head) ? NULL : list_entry((head)->next, t, m))
#define list_for_each_entry_safe(pos, n, head, m)				\
	for (pos = list_entry((head)->next, __typeof__(*pos), m),		\
	     n = list_next_entry(pos, m); &pos->m != (head);			\
	     pos = n, n = list_next_entry(n, m))

static inline void INIT_LIST_HEAD(struct list_head *list)
{
	list->next = list->prev = list;
}

static inline void list_del(struct list_head *entry)
{
	entry->next->prev = entry->prev;
	entry->prev->next = entry->next;
}

static inline void list_del_init(struct list_head *entry)
{
	list_del(entry);
	INIT_LIST_HEAD(entry);
}

static inline void list_add(struct list_head *entry, struct list_head *head)
{
	entry->next = head->next;
	entry->prev = head;
	head->next->prev = entry;
	head->next = entry;
}

static inline void list_add_tail(struct list_head *entry, struct list_head *head)
{
	list_add(entry, head->prev);
}

static inline void list_move(struct list_head *entry, struct list_head *head)
{
	list_del(entry);
	list_add(entry, head);
}

static inline bool list_is_last(const struct list_head *entry, const struct list_head *head)
{
	return entry->next == head;
}

/* One thread: no lock is ever contended, and none need be held. */
struct mutex {
	int unused;
};

typedef struct {
	int unused;
} spinlock_t;

#define spin_lock_init(lock) ((void)(lock))
#define spin_lock_bh(lock) ((void)(lock))
#define spin_unlock_bh(lock) ((void)(lock))
#define mutex_init(lock) ((void)(lock))
#define mutex_destroy(lock) ((void)(lock))
#define mutex_lock(lock) ((void)(lock))
#define mutex_unlock(lock) ((void)(lock))
#define lockdep_is_held(lock) ((void)(lock), true)
#define lockdep_assert_held(lock) ((void)(lock))
#define cond_resched() ((void)0)

#define rcu_read_lock_bh_held() true
#define rcu_dereference_check(p, c) (p)
#define rcu_dereference_protected(p, c) ((void)(c), (p))
#define rcu_assign_pointer(p, v) ((p) = (v))
#define RCU_INIT_POINTER(p, v) ((p) = (v))

/* The fuzzer decides which allocations fail and what is drawn. */
void *fuzz_alloc(size_t size);
u32 fuzz_random(void);

#define GFP_KERNEL_ACCOUNT 0
#define kzalloc(size, gfp) fuzz_alloc(size)
#define kvzalloc(size, gfp) fuzz_alloc(size)
#define kfree(p) free(p)
#define kvfree(p) free(p)
#define kfree_rcu(p, member) free(p)
#define kvfree_rcu(p, member) free(p)
#define struct_size(p, member, n) (sizeof(*(p)) + (n) * sizeof((p)->member[0]))
#define get_random_u32() fuzz_random()

/* Instead of kmod/peer.h. */
#define MMESH_PEER_H
struct mmesh_peer {
	struct list_head allowedips_list;
};

#endif
