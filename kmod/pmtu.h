/* SPDX-License-Identifier: GPL-2.0 */
/* Inner packets against the MTU of the path in use: answers, fragments, MSS. */
#ifndef MMESH_PMTU_H
#define MMESH_PMTU_H

#include <linux/skbuff.h>
#include <linux/types.h>

struct mmesh_peer;

/* Whether @skb, on its way to @peer whose path_mtu isn't 0, may be sent as it
 * is; SYNs have their MSS lowered. False: it was answered with the size, or sent
 * in fragments; it is consumed. Context: BH off, RCU read.
 */
bool mmesh_pmtu_admit(struct mmesh_peer *peer, struct sk_buff *skb);

/* Lower the MSS that a SYN in the packet at @ip, of @len bytes, offers, to what
 * packets of @mtu bytes take. The checksum is kept right if it was complete.
 */
void mmesh_pmtu_clamp(u8 *ip, unsigned int len, unsigned int mtu);

#endif
