/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who may exchange packets with whom: networks and subnets. A device belongs
 * to one network and one subnet of it; its peers belong to the same network,
 * each to one of its subnets. A device without a network knows no isolation.
 */
#ifndef MMESH_ISOLATION_H
#define MMESH_ISOLATION_H

#include <linux/compiler.h>
#include <linux/types.h>

/* Where a device is. Written under the device's update lock; readers take each
 * member as it is now, and what mixes an old and a new one allows is allowed
 * by the old or by the new.
 */
struct mmesh_isolation {
	u64 network;	/* 0: none; changes only while there are no peers */
	u8 subnet;
	bool routed;	/* subnets exchange packets */
};

enum mmesh_verdict {
	MMESH_MAY_PASS,
	MMESH_OTHER_NETWORK,
	MMESH_OTHER_SUBNET,
};

/* Pure. Between a device and a peer of it that is in @subnet, both ways. */
static inline enum mmesh_verdict
mmesh_isolation_peer(const struct mmesh_isolation *dev, u8 subnet)
{
	if (likely(!READ_ONCE(dev->network)) ||
	    READ_ONCE(dev->subnet) == subnet || READ_ONCE(dev->routed))
		return MMESH_MAY_PASS;
	return MMESH_OTHER_SUBNET;
}

/* Pure. From one device of this machine to another: each has to be willing.
 * Symmetric. A device without a network is like any other link.
 */
enum mmesh_verdict mmesh_isolation_forward(const struct mmesh_isolation *a,
					   const struct mmesh_isolation *b);

#endif
