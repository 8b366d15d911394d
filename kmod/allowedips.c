// SPDX-License-Identifier: GPL-2.0
/*
 * A node is a prefix. It either has a holder or is a fork: it has two children
 * and nothing else. So n prefixes need at most 2n - 1 nodes, and the depth is
 * at most the number of bits of an address.
 *
 * An address is two host-order words, the most significant first; an IPv4
 * address is the upper half of the first. So both families share all code, and
 * a comparison is one or two instructions.
 *
 * Each change becomes visible to readers by one pointer store, after which
 * what was taken out is freed by RCU; a reader that is inside it still finds
 * its way down, because children of a removed node stay in place.
 */
#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <linux/string.h>

#include "allowedips.h"
#include "limits.h"
#include "peer.h"

enum {
	V4_BITS = 32,
	V6_BITS = 128,
};

/* One cache line; kmalloc() aligns objects of a power of two to their size. */
struct mmesh_allowedips_node {
	struct mmesh_allowedips_node __rcu *child[2];
	u64 bits[2];
	/* Who holds the prefix; NULL in a fork. All that a lookup does with it
	 * is hand it out, so a set of holders can take its place.
	 */
	struct mmesh_peer __rcu *holder;
	u8 cidr;
	u8 width;	/* V4_BITS or V6_BITS */
	union {
		struct list_head list;	/* of the holder's; while in the trie */
		struct rcu_head rcu;	/* afterwards */
	};
};

#ifdef CONFIG_64BIT
static_assert(sizeof(struct mmesh_allowedips_node) <= 64);
#endif

struct prefix {
	u64 bits[2];
	u8 cidr;
	u8 width;
};

/* Word @word, 0 or 1, of a mask of the @n first bits; @n <= 128. */
static inline u64 mask(unsigned int n, unsigned int word)
{
	if (n <= 64 * word)
		return 0;
	n -= 64 * word;
	return n < 64 ? ~(~0ULL >> n) : ~0ULL;
}

static inline u64 word_v4(__be32 addr)
{
	return (u64)be32_to_cpu(addr) << 32;
}

static inline u64 word_v6(const struct in6_addr *addr, unsigned int word)
{
	return (u64)be32_to_cpu(addr->s6_addr32[2 * word]) << 32 |
	       be32_to_cpu(addr->s6_addr32[2 * word + 1]);
}

static int prefix_v4(struct prefix *p, const struct in_addr *ip, u8 cidr)
{
	if (cidr > V4_BITS)
		return -EINVAL;
	p->bits[0] = word_v4(ip->s_addr) & mask(cidr, 0);
	p->bits[1] = 0;
	p->cidr = cidr;
	p->width = V4_BITS;
	return 0;
}

static int prefix_v6(struct prefix *p, const struct in6_addr *ip, u8 cidr)
{
	if (cidr > V6_BITS)
		return -EINVAL;
	p->bits[0] = word_v6(ip, 0) & mask(cidr, 0);
	p->bits[1] = word_v6(ip, 1) & mask(cidr, 1);
	p->cidr = cidr;
	p->width = V6_BITS;
	return 0;
}

/* Bit number @at of an address, the first being 0; @at < 128. */
static inline unsigned int bit_of(const u64 bits[2], unsigned int at)
{
	return bits[at / 64] >> (63 - at % 64) & 1;
}

/* Number of leading bits that two addresses have in common, 128 at most. */
static unsigned int common_bits(const u64 a[2], const u64 b[2])
{
	if (a[0] != b[0])
		return 64 - fls64(a[0] ^ b[0]);
	return 128 - fls64(a[1] ^ b[1]);
}

/* Is @node a prefix of the address @key? */
static inline bool covers(const struct mmesh_allowedips_node *node,
			  const u64 key[2], u8 width)
{
	return !((node->bits[0] ^ key[0]) & mask(node->cidr, 0)) &&
	       (width == V4_BITS ||
		!((node->bits[1] ^ key[1]) & mask(node->cidr, 1)));
}

/* @width is constant in each caller, so this becomes one loop per family. */
static __always_inline struct mmesh_peer *
longest(struct mmesh_allowedips_node __rcu * const *root,
	const u64 key[2], u8 width)
{
	struct mmesh_allowedips_node *node;
	struct mmesh_peer *found = NULL;

	node = rcu_dereference_check(*root, rcu_read_lock_bh_held());
	while (node && covers(node, key, width)) {
		struct mmesh_peer *holder;

		holder = rcu_dereference_check(node->holder,
					       rcu_read_lock_bh_held());
		if (holder)
			found = holder;
		if (node->cidr == width)
			break;
		node = rcu_dereference_check(node->child[bit_of(key, node->cidr)],
					     rcu_read_lock_bh_held());
	}
	return found;
}

struct mmesh_peer *
mmesh_allowedips_lookup_v4(const struct mmesh_allowedips *table, __be32 addr)
{
	const u64 key[2] = { word_v4(addr) };

	return longest(&table->root4, key, V4_BITS);
}

struct mmesh_peer *
mmesh_allowedips_lookup_v6(const struct mmesh_allowedips *table,
			   const struct in6_addr *addr)
{
	const u64 key[2] = { word_v6(addr, 0), word_v6(addr, 1) };

	return longest(&table->root6, key, V6_BITS);
}

/* Writers, from here on: the update lock is held. */

static struct mmesh_allowedips_node *
deref(struct mmesh_allowedips_node __rcu *node, struct mutex *lock)
{
	return rcu_dereference_protected(node, lockdep_is_held(lock));
}

static struct mmesh_peer *holder_of(struct mmesh_allowedips_node *node,
				    struct mutex *lock)
{
	return rcu_dereference_protected(node->holder, lockdep_is_held(lock));
}

static struct mmesh_allowedips_node __rcu **
root_of(struct mmesh_allowedips *table, u8 width)
{
	return width == V4_BITS ? &table->root4 : &table->root6;
}

static struct mmesh_allowedips_node *node_alloc(const struct prefix *p)
{
	struct mmesh_allowedips_node *node;

	node = kzalloc(sizeof(*node), GFP_KERNEL_ACCOUNT);
	if (!node)
		return NULL;
	memcpy(node->bits, p->bits, sizeof(node->bits));
	node->cidr = p->cidr;
	node->width = p->width;
	INIT_LIST_HEAD(&node->list);
	return node;
}

/* A way down the trie; what removal has to know about the nodes above. */
struct place {
	struct mmesh_allowedips_node __rcu **slot;	/* points to the node */
	struct mmesh_allowedips_node __rcu **parent_slot;
	struct mmesh_allowedips_node *parent;		/* has @slot, or NULL */
};

/* Go down to where @p is or would have to be: afterwards the slot holds @p
 * itself, nothing, or the first node that is not a prefix of @p.
 */
static struct place place_of(struct mmesh_allowedips *table,
			     const struct prefix *p, struct mutex *lock)
{
	struct place at = { .slot = root_of(table, p->width) };
	struct mmesh_allowedips_node *node;

	while ((node = deref(*at.slot, lock))) {
		if (node->cidr >= p->cidr || !covers(node, p->bits, p->width))
			break;
		at.parent_slot = at.slot;
		at.parent = node;
		at.slot = &node->child[bit_of(p->bits, node->cidr)];
	}
	return at;
}

static bool is_prefix(const struct mmesh_allowedips_node *node,
		      const struct prefix *p)
{
	return node->cidr == p->cidr && node->bits[0] == p->bits[0] &&
	       node->bits[1] == p->bits[1];
}

/* Let @node have a holder, in place of any that it had. */
static void set_holder(struct mmesh_allowedips *table,
		       struct mmesh_allowedips_node *node,
		       struct mmesh_peer *peer, struct mutex *lock)
{
	if (holder_of(node, lock))
		list_del(&node->list);
	else
		table->count++;
	list_add_tail(&node->list, &peer->allowedips_list);
	rcu_assign_pointer(node->holder, peer);
	table->seq++;
}

/* Put @node into @slot, above what is there now. */
static void put_above(struct mmesh_allowedips_node __rcu **slot,
		      struct mmesh_allowedips_node *node, struct mutex *lock)
{
	struct mmesh_allowedips_node *below = deref(*slot, lock);

	if (below) {
		unsigned int bit = bit_of(below->bits, node->cidr);

		RCU_INIT_POINTER(node->child[bit], below);
	}
	rcu_assign_pointer(*slot, node);
}

/* Put @node beside the node in @slot, under a new fork. */
static int put_beside(struct mmesh_allowedips_node __rcu **slot,
		      struct mmesh_allowedips_node *node, unsigned int common,
		      struct mutex *lock)
{
	struct mmesh_allowedips_node *fork;
	struct prefix p = {
		.bits[0] = node->bits[0] & mask(common, 0),
		.bits[1] = node->bits[1] & mask(common, 1),
		.cidr = common,
		.width = node->width,
	};

	fork = node_alloc(&p);
	if (!fork)
		return -ENOMEM;
	RCU_INIT_POINTER(fork->child[bit_of(node->bits, common)], node);
	put_above(slot, fork, lock);
	return 0;
}

static int insert(struct mmesh_allowedips *table, const struct prefix *p,
		  struct mmesh_peer *peer, struct mutex *lock)
{
	struct place at = place_of(table, p, lock);
	struct mmesh_allowedips_node *there = deref(*at.slot, lock), *node;
	unsigned int common = 0;
	bool exact;
	int ret;

	lockdep_assert_held(lock);

	exact = there && is_prefix(there, p);
	if (exact && holder_of(there, lock) == peer)
		return 0;
	if (!(exact && holder_of(there, lock)) &&
	    table->count >= MMESH_MAX_PREFIXES_PER_DEVICE)
		return -ENOSPC;
	if (exact) {
		set_holder(table, there, peer, lock);
		return 0;
	}

	node = node_alloc(p);
	if (!node)
		return -ENOMEM;
	/* A reader may find the node as soon as it is in, so it is complete. */
	RCU_INIT_POINTER(node->holder, peer);
	if (there)
		common = min_t(unsigned int, there->cidr,
			       common_bits(there->bits, p->bits));
	if (!there || common >= p->cidr) {
		put_above(at.slot, node, lock);
	} else {
		ret = put_beside(at.slot, node, common, lock);
		if (ret) {
			kfree(node);
			return ret;
		}
	}
	list_add_tail(&node->list, &peer->allowedips_list);
	table->count++;
	table->seq++;
	return 0;
}

int mmesh_allowedips_insert_v4(struct mmesh_allowedips *table,
			       const struct in_addr *ip, u8 cidr,
			       struct mmesh_peer *peer, struct mutex *lock)
{
	struct prefix p;

	return prefix_v4(&p, ip, cidr) ?: insert(table, &p, peer, lock);
}

int mmesh_allowedips_insert_v6(struct mmesh_allowedips *table,
			       const struct in6_addr *ip, u8 cidr,
			       struct mmesh_peer *peer, struct mutex *lock)
{
	struct prefix p;

	return prefix_v6(&p, ip, cidr) ?: insert(table, &p, peer, lock);
}

/* Replace @node in @slot by its only child, or nothing, unless it has a use:
 * a holder, or two children.
 */
static void prune(struct mmesh_allowedips_node __rcu **slot,
		  struct mmesh_allowedips_node *node, struct mutex *lock)
{
	struct mmesh_allowedips_node *left = deref(node->child[0], lock);
	struct mmesh_allowedips_node *right = deref(node->child[1], lock);

	if (holder_of(node, lock) || (left && right))
		return;
	rcu_assign_pointer(*slot, left ?: right);
	kfree_rcu(node, rcu);
}

/* Take the prefix in @at from its holder. */
static void remove_at(struct mmesh_allowedips *table, const struct place *at,
		      struct mutex *lock)
{
	struct mmesh_allowedips_node *node = deref(*at->slot, lock);

	list_del_init(&node->list);
	RCU_INIT_POINTER(node->holder, NULL);
	table->count--;
	table->seq++;

	prune(at->slot, node, lock);
	if (at->parent)
		prune(at->parent_slot, at->parent, lock);
}

static int remove(struct mmesh_allowedips *table, const struct prefix *p,
		  struct mmesh_peer *peer, struct mutex *lock)
{
	struct place at = place_of(table, p, lock);
	struct mmesh_allowedips_node *node = deref(*at.slot, lock);

	lockdep_assert_held(lock);

	if (!node || !is_prefix(node, p) || holder_of(node, lock) != peer)
		return -ENOENT;
	remove_at(table, &at, lock);
	return 0;
}

int mmesh_allowedips_remove_v4(struct mmesh_allowedips *table,
			       const struct in_addr *ip, u8 cidr,
			       struct mmesh_peer *peer, struct mutex *lock)
{
	struct prefix p;

	return prefix_v4(&p, ip, cidr) ?: remove(table, &p, peer, lock);
}

int mmesh_allowedips_remove_v6(struct mmesh_allowedips *table,
			       const struct in6_addr *ip, u8 cidr,
			       struct mmesh_peer *peer, struct mutex *lock)
{
	struct prefix p;

	return prefix_v6(&p, ip, cidr) ?: remove(table, &p, peer, lock);
}

static struct mmesh_peer *holder(struct mmesh_allowedips *table,
				 const struct prefix *p, struct mutex *lock)
{
	const struct place at = place_of(table, p, lock);
	struct mmesh_allowedips_node *node = deref(*at.slot, lock);

	return node && is_prefix(node, p) ? holder_of(node, lock) : NULL;
}

struct mmesh_peer *
mmesh_allowedips_holder_v4(struct mmesh_allowedips *table,
			   const struct in_addr *ip, u8 cidr, struct mutex *lock)
{
	struct prefix p;

	return prefix_v4(&p, ip, cidr) ? NULL : holder(table, &p, lock);
}

struct mmesh_peer *
mmesh_allowedips_holder_v6(struct mmesh_allowedips *table,
			   const struct in6_addr *ip, u8 cidr, struct mutex *lock)
{
	struct prefix p;

	return prefix_v6(&p, ip, cidr) ? NULL : holder(table, &p, lock);
}

void mmesh_allowedips_remove_by_peer(struct mmesh_allowedips *table,
				     struct mmesh_peer *peer,
				     struct mutex *lock)
{
	struct mmesh_allowedips_node *node, *next;

	lockdep_assert_held(lock);

	list_for_each_entry_safe(node, next, &peer->allowedips_list, list) {
		const struct prefix p = {
			.bits = { node->bits[0], node->bits[1] },
			.cidr = node->cidr,
			.width = node->width,
		};
		const struct place at = place_of(table, &p, lock);

		remove_at(table, &at, lock);
		cond_resched();
	}
}

/* Move what is in @slot to @todo, out of any holder's list. */
static void collect(struct mmesh_allowedips_node __rcu *slot,
		    struct list_head *todo, struct mutex *lock)
{
	struct mmesh_allowedips_node *node = deref(slot, lock);

	if (node)
		list_move(&node->list, todo);
}

void mmesh_allowedips_free(struct mmesh_allowedips *table, struct mutex *lock)
{
	struct mmesh_allowedips_node *node;
	LIST_HEAD(todo);

	lockdep_assert_held(lock);

	collect(table->root4, &todo, lock);
	collect(table->root6, &todo, lock);
	RCU_INIT_POINTER(table->root4, NULL);
	RCU_INIT_POINTER(table->root6, NULL);
	table->count = 0;
	table->seq++;

	/* Readers may still be inside, so only what they don't look at can
	 * serve to remember the nodes that are left to free: their list.
	 */
	while ((node = list_first_entry_or_null(&todo, typeof(*node), list))) {
		collect(node->child[0], &todo, lock);
		collect(node->child[1], &todo, lock);
		list_del(&node->list);
		kfree_rcu(node, rcu);
		cond_resched();
	}
}

void mmesh_allowedips_init(struct mmesh_allowedips *table)
{
	memset(table, 0, sizeof(*table));
	table->seq = 1;
}

int mmesh_allowedips_read_node(const struct mmesh_allowedips_node *node,
			       u8 ip[16], u8 *cidr)
{
	const __be64 words[2] = {
		cpu_to_be64(node->bits[0]), cpu_to_be64(node->bits[1]),
	};

	*cidr = node->cidr;
	memcpy(ip, words, node->width / 8);
	return node->width == V4_BITS ? AF_INET : AF_INET6;
}

struct mmesh_allowedips_node *
mmesh_allowedips_first(struct mmesh_peer *peer)
{
	return list_first_entry_or_null(&peer->allowedips_list,
					struct mmesh_allowedips_node, list);
}

struct mmesh_allowedips_node *
mmesh_allowedips_next(struct mmesh_peer *peer,
		      struct mmesh_allowedips_node *node)
{
	if (list_is_last(&node->list, &peer->allowedips_list))
		return NULL;
	return list_next_entry(node, list);
}
