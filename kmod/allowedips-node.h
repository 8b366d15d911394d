/* SPDX-License-Identifier: GPL-2.0 */
/* What the files about prefixes share: nodes, prefixes, and their bits. */
#ifndef MMESH_ALLOWEDIPS_NODE_H
#define MMESH_ALLOWEDIPS_NODE_H

#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/socket.h>
#include <linux/string.h>

struct mmesh_holders;
struct mmesh_peer;

enum {
	V4_BITS = 32,
	V6_BITS = 128,
};

/* One cache line; kmalloc() aligns objects of a power of two to their size. */
struct mmesh_allowedips_node {
	struct mmesh_allowedips_node __rcu *child[2];
	u64 bits[2];
	/* Who holds the prefix; NULL in a fork. With the lowest bit set it is
	 * a set of holders (holders.h) instead of a peer that holds it alone.
	 */
	struct mmesh_peer __rcu *holder;
	u8 cidr;
	u8 width;	/* V4_BITS or V6_BITS */
	union {
		struct list_head list;	/* of who holds it alone; while in the trie */
		struct rcu_head rcu;	/* afterwards */
	};
};

#ifdef CONFIG_64BIT
static_assert(sizeof(struct mmesh_allowedips_node) <= 64);
#endif

/* The device's own prefix of a family. */
struct mmesh_allowedips_member {
	struct rcu_head rcu;
	u64 bits[2];
	u8 cidr;
	u8 width;
};

static inline bool is_set(const struct mmesh_peer *holder)
{
	return (unsigned long)holder & 1;
}

static inline struct mmesh_holders *set_of(const struct mmesh_peer *holder)
{
	return (struct mmesh_holders *)((unsigned long)holder & ~1UL);
}

static inline struct mmesh_peer *tagged(const struct mmesh_holders *set)
{
	return (struct mmesh_peer *)((unsigned long)set | 1);
}

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

static inline int prefix_v4(struct prefix *p, const struct in_addr *ip, u8 cidr)
{
	if (cidr > V4_BITS)
		return -EINVAL;
	p->bits[0] = word_v4(ip->s_addr) & mask(cidr, 0);
	p->bits[1] = 0;
	p->cidr = cidr;
	p->width = V4_BITS;
	return 0;
}

static inline int prefix_v6(struct prefix *p, const struct in6_addr *ip, u8 cidr)
{
	if (cidr > V6_BITS)
		return -EINVAL;
	p->bits[0] = word_v6(ip, 0) & mask(cidr, 0);
	p->bits[1] = word_v6(ip, 1) & mask(cidr, 1);
	p->cidr = cidr;
	p->width = V6_BITS;
	return 0;
}

/* Address in network order; returns its family. */
static inline int read_bits(const u64 bits[2], u8 width, u8 ip[16])
{
	const __be64 words[2] = { cpu_to_be64(bits[0]), cpu_to_be64(bits[1]) };

	memset(ip, 0, 16);
	memcpy(ip, words, width / 8);
	return width == V4_BITS ? AF_INET : AF_INET6;
}

#endif
