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
#include <linux/errno.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "allowedips.h"
#include "allowedips-node.h"
#include "holders.h"
#include "limits.h"
#include "peer.h"

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

/* How long a prefix has to be at least in which the address @key is found. */
static inline unsigned int least_cidr(struct mmesh_allowedips_member __rcu * const *slot,
				      const u64 key[2], u8 width)
{
	const struct mmesh_allowedips_member *member;

	member = rcu_dereference_check(*slot, rcu_read_lock_bh_held());
	if (likely(!member) ||
	    (member->bits[0] ^ key[0]) & mask(member->cidr, 0) ||
	    (width != V4_BITS && (member->bits[1] ^ key[1]) & mask(member->cidr, 1)))
		return 0;
	return member->cidr;
}

/* The holder of the longest prefix. @width is constant in each caller, so this
 * becomes one loop per family.
 */
static __always_inline struct mmesh_peer *
longest(struct mmesh_allowedips_node __rcu * const *root,
	struct mmesh_allowedips_member __rcu * const *member,
	const u64 key[2], u8 width)
{
	const unsigned int least = least_cidr(member, key, width);
	struct mmesh_allowedips_node *node;
	struct mmesh_peer *found = NULL;

	node = rcu_dereference_check(*root, rcu_read_lock_bh_held());
	while (node && covers(node, key, width)) {
		struct mmesh_peer *holder;

		holder = rcu_dereference_check(node->holder,
					       rcu_read_lock_bh_held());
		if (holder && node->cidr >= least)
			found = holder;
		if (node->cidr == width)
			break;
		node = rcu_dereference_check(node->child[bit_of(key, node->cidr)],
					     rcu_read_lock_bh_held());
	}
	return found;
}

static struct mmesh_peer *choose(struct mmesh_peer *holder,
				 const struct sk_buff *skb)
{
	if (likely(!is_set(holder)))
		return holder;
	return mmesh_holders_pick(set_of(holder), mmesh_holders_flow(skb));
}

static bool owns(struct mmesh_peer *holder, const struct mmesh_peer *peer)
{
	return likely(!is_set(holder)) ? holder == peer :
	       mmesh_holders_have(set_of(holder), peer);
}

static struct mmesh_peer *longest_v4(const struct mmesh_allowedips *table, __be32 addr)
{
	const u64 key[2] = { word_v4(addr) };

	return longest(&table->root4, &table->member4, key, V4_BITS);
}

static struct mmesh_peer *longest_v6(const struct mmesh_allowedips *table,
				     const struct in6_addr *addr)
{
	const u64 key[2] = { word_v6(addr, 0), word_v6(addr, 1) };

	return longest(&table->root6, &table->member6, key, V6_BITS);
}

struct mmesh_peer *
mmesh_allowedips_lookup_v4(const struct mmesh_allowedips *table, __be32 addr,
			   const struct sk_buff *skb)
{
	return choose(longest_v4(table, addr), skb);
}

struct mmesh_peer *
mmesh_allowedips_lookup_v6(const struct mmesh_allowedips *table,
			   const struct in6_addr *addr, const struct sk_buff *skb)
{
	return choose(longest_v6(table, addr), skb);
}

bool mmesh_allowedips_owns_v4(const struct mmesh_allowedips *table, __be32 addr,
			      const struct mmesh_peer *peer)
{
	return owns(longest_v4(table, addr), peer);
}

bool mmesh_allowedips_owns_v6(const struct mmesh_allowedips *table,
			      const struct in6_addr *addr,
			      const struct mmesh_peer *peer)
{
	return owns(longest_v6(table, addr), peer);
}

bool mmesh_allowedips_is_member_v4(const struct mmesh_allowedips *table, __be32 addr)
{
	const u64 key[2] = { word_v4(addr) };

	return least_cidr(&table->member4, key, V4_BITS);
}

bool mmesh_allowedips_is_member_v6(const struct mmesh_allowedips *table,
				   const struct in6_addr *addr)
{
	const u64 key[2] = { word_v6(addr, 0), word_v6(addr, 1) };

	return least_cidr(&table->member6, key, V6_BITS);
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

/* Take the node, or its set's holders, from the lists of the peers. */
static void unlink_holders(struct mmesh_allowedips *table,
			   struct mmesh_allowedips_node *node,
			   struct mmesh_peer *holder)
{
	struct mmesh_holders *set;
	unsigned int i;

	if (!holder)
		return;
	if (!is_set(holder)) {
		list_del_init(&node->list);
		table->count--;
		return;
	}
	set = set_of(holder);
	for (i = 0; i < set->count; i++)
		if (rcu_access_pointer(set->holder[i].peer)) {
			list_del_init(&set->holder[i].list);
			table->count--;
		}
}

static void link_holders(struct mmesh_allowedips *table,
			 struct mmesh_allowedips_node *node,
			 struct mmesh_peer *holder, struct mutex *lock)
{
	struct mmesh_holders *set;
	struct mmesh_peer *peer;
	unsigned int i;

	if (!holder)
		return;
	if (!is_set(holder)) {
		list_add_tail(&node->list, &holder->allowedips_list);
		table->count++;
		return;
	}
	set = set_of(holder);
	for (i = 0; i < set->count; i++) {
		peer = rcu_dereference_protected(set->holder[i].peer,
						 lockdep_is_held(lock));
		if (!peer)
			continue;
		list_add_tail(&set->holder[i].list, &peer->shared_list);
		table->count++;
	}
}

/* Let @node have @holder, in place of any that it had, which is returned. */
static struct mmesh_peer *set_holder(struct mmesh_allowedips *table,
				     struct mmesh_allowedips_node *node,
				     struct mmesh_peer *holder, struct mutex *lock)
{
	struct mmesh_peer *old = holder_of(node, lock);

	unlink_holders(table, node, old);
	link_holders(table, node, holder, lock);
	rcu_assign_pointer(node->holder, holder);
	table->seq++;
	return old;
}

static void free_holder(struct mmesh_peer *holder)
{
	struct mmesh_holders *set = set_of(holder);

	if (is_set(holder))
		kfree_rcu(set, rcu);
}

/* Append to a set that is being built, in its place by priority. */
static void add_to_set(struct mmesh_holders *set, struct mmesh_peer *peer,
		       u32 priority, u32 weight)
{
	struct mmesh_holder *h;
	unsigned int at = set->count++;

	for (; at && set->holder[at - 1].priority > priority; at--)
		set->holder[at] = set->holder[at - 1];
	h = &set->holder[at];
	RCU_INIT_POINTER(h->peer, peer);
	h->priority = priority;
	h->weight = weight;
}

/* A set of @peer and, if it shares, of who holds the prefix now. */
static struct mmesh_peer *new_set(struct mmesh_peer *now, struct mmesh_peer *peer,
				  const struct mmesh_share *share, struct mutex *lock)
{
	struct mmesh_holders *set, *old = is_set(now) ? set_of(now) : NULL;
	unsigned int i;

	set = kzalloc(struct_size(set, holder, 1 + (old ? old->count : 1)),
		      GFP_KERNEL_ACCOUNT);
	if (!set)
		return NULL;
	if (share->shared && now && !old && now != peer)
		add_to_set(set, now, 0, 1);
	for (i = 0; share->shared && old && i < old->count; i++) {
		const struct mmesh_holder *h = &old->holder[i];
		struct mmesh_peer *other;

		other = rcu_dereference_protected(h->peer, lockdep_is_held(lock));
		if (other && other != peer)
			add_to_set(set, other, h->priority, h->weight);
	}
	add_to_set(set, peer, share->priority, share->weight);
	/* No more are moved. */
	for (i = 0; i < set->count; i++) {
		INIT_LIST_HEAD(&set->holder[i].list);
		set->holder[i].set = set;
	}
	return tagged(set);
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

/* Put a node of @p's, which has no holder yet, into the trie. */
static struct mmesh_allowedips_node *add_node(const struct place *at,
					      const struct prefix *p,
					      struct mutex *lock)
{
	struct mmesh_allowedips_node *there = deref(*at->slot, lock), *node;
	unsigned int common = 0;

	node = node_alloc(p);
	if (!node)
		return NULL;
	if (there)
		common = min_t(unsigned int, there->cidr,
			       common_bits(there->bits, p->bits));
	if (!there || common >= p->cidr) {
		put_above(at->slot, node, lock);
	} else if (put_beside(at->slot, node, common, lock)) {
		kfree(node);
		return NULL;
	}
	return node;
}

static const struct mmesh_share alone = { .weight = 1 };

static bool is_alone(const struct mmesh_share *share)
{
	return !share->shared && !share->priority && share->weight == 1;
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

/* Take the prefix in @at from its holders. */
static void remove_at(struct mmesh_allowedips *table, const struct place *at,
		      struct mutex *lock)
{
	struct mmesh_allowedips_node *node = deref(*at->slot, lock);

	free_holder(set_holder(table, node, NULL, lock));
	prune(at->slot, node, lock);
	if (at->parent)
		prune(at->parent_slot, at->parent, lock);
}

static struct prefix prefix_of(const struct mmesh_allowedips_node *node)
{
	return (struct prefix){
		.bits = { node->bits[0], node->bits[1] },
		.cidr = node->cidr,
		.width = node->width,
	};
}

static int give(struct mmesh_allowedips *table, const struct prefix *p,
		struct mmesh_peer *peer, const struct mmesh_share *share,
		struct mmesh_allowedips_undo *undo, struct mutex *lock)
{
	const struct place at = place_of(table, p, lock);
	struct mmesh_allowedips_node *node = deref(*at.slot, lock);
	struct mmesh_peer *holder, *now;
	bool exact;

	lockdep_assert_held(lock);
	memset(undo, 0, sizeof(*undo));
	exact = node && is_prefix(node, p);
	now = exact ? holder_of(node, lock) : NULL;
	if (now == peer && is_alone(share))
		return 0;
	if (!(now && is_alone(share)) &&
	    table->count >= MMESH_MAX_PREFIXES_PER_DEVICE)
		return -ENOSPC;

	holder = is_alone(share) ? peer : new_set(now, peer, share, lock);
	if (!holder)
		return -ENOMEM;
	if (is_set(holder) && set_of(holder)->count > MMESH_MAX_HOLDERS) {
		kfree(set_of(holder));
		return -EUSERS;
	}
	if (!exact)
		node = add_node(&at, p, lock);
	if (!node) {
		if (is_set(holder))
			kfree(set_of(holder));
		return -ENOMEM;
	}
	if (is_set(holder))
		set_of(holder)->node = node;
	undo->node = node;
	undo->before = set_holder(table, node, holder, lock);
	return 0;
}

void mmesh_allowedips_keep(struct mmesh_allowedips_undo *undo)
{
	if (undo->node)
		free_holder(undo->before);
	undo->node = NULL;
}

void mmesh_allowedips_undo(struct mmesh_allowedips *table,
			   struct mmesh_allowedips_undo *undo, struct mutex *lock)
{
	struct mmesh_allowedips_node *node = undo->node;
	struct prefix p;
	struct place at;

	lockdep_assert_held(lock);
	if (!node)
		return;
	undo->node = NULL;
	if (undo->before) {
		free_holder(set_holder(table, node, undo->before, lock));
		return;
	}
	p = prefix_of(node);
	at = place_of(table, &p, lock);
	remove_at(table, &at, lock);
}

static int insert(struct mmesh_allowedips *table, const struct prefix *p,
		  struct mmesh_peer *peer, struct mutex *lock)
{
	struct mmesh_allowedips_undo undo;
	int ret = give(table, p, peer, &alone, &undo, lock);

	if (!ret)
		mmesh_allowedips_keep(&undo);
	return ret;
}

int mmesh_allowedips_give_v4(struct mmesh_allowedips *table,
			     const struct in_addr *ip, u8 cidr,
			     struct mmesh_peer *peer, const struct mmesh_share *share,
			     struct mmesh_allowedips_undo *undo, struct mutex *lock)
{
	struct prefix p;

	return prefix_v4(&p, ip, cidr) ?: give(table, &p, peer, share, undo, lock);
}

int mmesh_allowedips_give_v6(struct mmesh_allowedips *table,
			     const struct in6_addr *ip, u8 cidr,
			     struct mmesh_peer *peer, const struct mmesh_share *share,
			     struct mmesh_allowedips_undo *undo, struct mutex *lock)
{
	struct prefix p;

	return prefix_v6(&p, ip, cidr) ?: give(table, &p, peer, share, undo, lock);
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

/* Let @peer leave the set; that takes no memory. *@ret_empty: it was the last. */
static bool leave(struct mmesh_allowedips *table, struct mmesh_holders *set,
		  struct mmesh_peer *peer, bool *ret_empty)
{
	bool found = false;
	unsigned int i;

	*ret_empty = true;
	for (i = 0; i < set->count; i++) {
		struct mmesh_holder *h = &set->holder[i];

		if (rcu_access_pointer(h->peer) == peer) {
			list_del_init(&h->list);
			RCU_INIT_POINTER(h->peer, NULL);
			table->count--;
			table->seq++;
			found = true;
		} else if (rcu_access_pointer(h->peer)) {
			*ret_empty = false;
		}
	}
	return found;
}

static int remove(struct mmesh_allowedips *table, const struct prefix *p,
		  struct mmesh_peer *peer, struct mutex *lock)
{
	struct place at = place_of(table, p, lock);
	struct mmesh_allowedips_node *node = deref(*at.slot, lock);
	struct mmesh_peer *holder;
	bool empty = true;

	lockdep_assert_held(lock);

	if (!node || !is_prefix(node, p))
		return -ENOENT;
	holder = holder_of(node, lock);
	if (!holder || (is_set(holder) ? !leave(table, set_of(holder), peer, &empty) :
					 holder != peer))
		return -ENOENT;
	if (empty)
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

void mmesh_allowedips_remove_by_peer(struct mmesh_allowedips *table,
				     struct mmesh_peer *peer,
				     struct mutex *lock)
{
	struct mmesh_allowedips_node *node, *next;
	struct mmesh_holder *h, *next_h;
	struct prefix p;

	lockdep_assert_held(lock);

	list_for_each_entry_safe(node, next, &peer->allowedips_list, list) {
		p = prefix_of(node);
		remove(table, &p, peer, lock);
		cond_resched();
	}
	/* Freed after a grace period at the earliest. */
	list_for_each_entry_safe(h, next_h, &peer->shared_list, list) {
		p = prefix_of(h->set->node);
		remove(table, &p, peer, lock);
		cond_resched();
	}
}

/* Move what is in @slot to @todo, out of any holder's list. */
static void collect(struct mmesh_allowedips *table,
		    struct mmesh_allowedips_node __rcu *slot,
		    struct list_head *todo, struct mutex *lock)
{
	struct mmesh_allowedips_node *node = deref(slot, lock);

	if (!node)
		return;
	/* A set's holders are on lists of their own. */
	free_holder(set_holder(table, node, NULL, lock));
	list_move(&node->list, todo);
}

void mmesh_allowedips_free(struct mmesh_allowedips *table, struct mutex *lock)
{
	struct mmesh_allowedips_node *node;
	LIST_HEAD(todo);

	lockdep_assert_held(lock);

	collect(table, table->root4, &todo, lock);
	collect(table, table->root6, &todo, lock);
	RCU_INIT_POINTER(table->root4, NULL);
	RCU_INIT_POINTER(table->root6, NULL);
	mmesh_allowedips_set_member(&table->member4, NULL, lock);
	mmesh_allowedips_set_member(&table->member6, NULL, lock);
	table->seq++;

	/* Readers may still be inside, so only what they don't look at can
	 * serve to remember the nodes that are left to free: their list.
	 */
	while ((node = list_first_entry_or_null(&todo, typeof(*node), list))) {
		collect(table, node->child[0], &todo, lock);
		collect(table, node->child[1], &todo, lock);
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

static void read_node(const struct mmesh_allowedips_node *node,
		      struct mmesh_allowed_ip *ret)
{
	ret->is_v4 = read_bits(node->bits, node->width, ret->ip) == AF_INET;
	ret->cidr = node->cidr;
	ret->share = alone;
}

bool mmesh_allowedips_walk(struct mmesh_peer *peer, struct mmesh_allowedips_walk *walk,
			   struct mmesh_allowed_ip *ret, struct mutex *lock)
{
	const struct mmesh_holder *h;

	lockdep_assert_held(lock);
	if (!walk->begun)
		walk->next = peer->allowedips_list.next;
	walk->begun = true;
	if (!walk->in_shared && walk->next == &peer->allowedips_list) {
		walk->in_shared = true;
		walk->next = peer->shared_list.next;
	}
	if (!walk->in_shared) {
		read_node(list_entry(walk->next, struct mmesh_allowedips_node, list), ret);
		walk->next = walk->next->next;
		return true;
	}
	if (walk->next == &peer->shared_list)
		return false;
	h = list_entry(walk->next, struct mmesh_holder, list);
	read_node(h->set->node, ret);
	ret->share.priority = h->priority;
	ret->share.weight = h->weight;
	ret->share.shared = true;
	walk->next = walk->next->next;
	return true;
}
