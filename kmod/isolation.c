// SPDX-License-Identifier: GPL-2.0
/* The decisions about isolation; pure. Who asks: device.c and land.c about a
 * peer, forward.c about another device.
 */
#include "isolation.h"

enum mmesh_verdict mmesh_isolation_forward(const struct mmesh_isolation *a,
					   const struct mmesh_isolation *b)
{
	const u64 network = READ_ONCE(a->network);

	if (!network || !READ_ONCE(b->network))
		return MMESH_MAY_PASS;
	if (network != READ_ONCE(b->network))
		return MMESH_OTHER_NETWORK;
	if (READ_ONCE(a->subnet) == READ_ONCE(b->subnet) ||
	    (READ_ONCE(a->routed) && READ_ONCE(b->routed)))
		return MMESH_MAY_PASS;
	return MMESH_OTHER_SUBNET;
}
