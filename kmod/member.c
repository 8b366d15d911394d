// SPDX-License-Identifier: GPL-2.0
/* The device's own prefixes: what is inside them is found in prefixes that are
 * as long, or longer, only (allowedips.c:least_cidr).
 */
#include <linux/slab.h>

#include "allowedips.h"
#include "allowedips-node.h"

static struct mmesh_allowedips_member *new_member(const struct prefix *p)
{
	struct mmesh_allowedips_member *member = kzalloc(sizeof(*member), GFP_KERNEL);

	if (!member)
		return NULL;
	memcpy(member->bits, p->bits, sizeof(member->bits));
	member->cidr = p->cidr;
	member->width = p->width;
	return member;
}

struct mmesh_allowedips_member *mmesh_allowedips_member_v4(const struct in_addr *ip,
							   u8 cidr)
{
	struct prefix p;

	return prefix_v4(&p, ip, cidr) ? NULL : new_member(&p);
}

struct mmesh_allowedips_member *mmesh_allowedips_member_v6(const struct in6_addr *ip,
							   u8 cidr)
{
	struct prefix p;

	return prefix_v6(&p, ip, cidr) ? NULL : new_member(&p);
}

void mmesh_allowedips_set_member(struct mmesh_allowedips_member __rcu **slot,
				 struct mmesh_allowedips_member *member,
				 struct mutex *lock)
{
	struct mmesh_allowedips_member *old;

	old = rcu_replace_pointer(*slot, member, lockdep_is_held(lock));
	if (old)
		kfree_rcu(old, rcu);
}

int mmesh_allowedips_read_member(struct mmesh_allowedips_member __rcu * const *slot,
				 u8 ip[16], u8 *cidr, struct mutex *lock)
{
	const struct mmesh_allowedips_member *member;

	member = rcu_dereference_protected(*slot, lockdep_is_held(lock));
	if (!member)
		return 0;
	*cidr = member->cidr;
	return read_bits(member->bits, member->width, ip);
}
