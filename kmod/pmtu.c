// SPDX-License-Identifier: GPL-2.0
/* TX path, between stages 1 and 2, extended peers only: packets that the path
 * doesn't take whole. In: mmesh_xmit() (device.c). Out: mmesh_seal_xmit()
 * (seal.c), or an ICMP error. Context: BH off, RCU read.
 * Drops: TX_DROP_PATH_MTU, TX_DROP_GSO, TX_DROP_NO_MEMORY.
 */

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/percpu.h>
#include <linux/tcp.h>
#include <linux/unaligned.h>
#include <net/checksum.h>
#include <net/dst_metadata.h>
#include <net/icmp.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/tcp.h>

#include "device.h"
#include "mmesh-compat-net.h"
#include "path.h"
#include "peer.h"
#include "pmtu.h"

enum {
	/* Larger packets make it worth to look whether the MTU still holds. */
	FULL_ENOUGH = IPV6_MIN_MTU - 80,
};

/* Whom the fragments that ip_do_fragment() hands back are for. */
static DEFINE_PER_CPU(struct mmesh_peer *, fragments_of);

static void drop(struct mmesh_peer *peer, struct sk_buff *skb, unsigned int stat)
{
	mmesh_stat_inc(peer->device, stat);
	DEV_STATS_INC(peer->device->dev, tx_errors);
	kfree_skb(skb);
}

static unsigned int headers(const u8 *ip, unsigned int len, unsigned int *tcp_at)
{
	if (len < sizeof(struct iphdr))
		return 0;
	if (ip[0] >> 4 == 4) {
		const struct iphdr *ip4 = (const struct iphdr *)ip;

		*tcp_at = ip4->ihl * 4;
		/* Only the first fragment has a TCP header. */
		if (ip4->protocol != IPPROTO_TCP || *tcp_at < sizeof(*ip4) ||
		    ip4->frag_off & htons(IP_OFFSET))
			return 0;
		return sizeof(struct iphdr) + sizeof(struct tcphdr);
	}
	*tcp_at = sizeof(struct ipv6hdr);
	if (ip[0] >> 4 != 6 || len < *tcp_at ||
	    ((const struct ipv6hdr *)ip)->nexthdr != IPPROTO_TCP)
		return 0;
	return sizeof(struct ipv6hdr) + sizeof(struct tcphdr);
}

/* Where the value of the MSS option is, or NULL. @tcp has @len bytes. */
static u8 *find_mss(u8 *tcp, unsigned int len)
{
	u8 *at = tcp + sizeof(struct tcphdr), *end = tcp + len;

	while (at < end && *at != TCPOPT_EOL) {
		if (*at == TCPOPT_NOP) {
			at++;
			continue;
		}
		if (at + 1 >= end || at[1] < 2 || at + at[1] > end)
			return NULL;
		if (at[0] == TCPOPT_MSS && at[1] == TCPOLEN_MSS)
			return at + 2;
		at += at[1];
	}
	return NULL;
}

/* The sum counts bytes at odd places the other way round. */
static void replace16(struct tcphdr *tcp, u8 *at, u16 value)
{
	__be16 old = (__force __be16)get_unaligned((u16 *)at);
	__be16 new = htons(value);

	put_unaligned((__force u16)new, (u16 *)at);
	if ((at - (u8 *)tcp) & 1) {
		old = (__force __be16)swab16((__force u16)old);
		new = (__force __be16)swab16((__force u16)new);
	}
	csum_replace2(&tcp->check, old, new);
}

static struct tcphdr *syn_of(u8 *ip, unsigned int len, unsigned int *overhead,
			     unsigned int *tcp_len)
{
	struct tcphdr *tcp;
	unsigned int at;

	*overhead = headers(ip, len, &at);
	if (!*overhead || len < at + sizeof(*tcp))
		return NULL;
	tcp = (struct tcphdr *)(ip + at);
	*tcp_len = tcp->doff * 4;
	if (!tcp->syn || *tcp_len < sizeof(*tcp) || len < at + *tcp_len)
		return NULL;
	return tcp;
}

static void lower_mss(u8 *ip, unsigned int len, unsigned int mtu, bool partial)
{
	unsigned int overhead, tcp_len, room;
	struct tcphdr *tcp = syn_of(ip, len, &overhead, &tcp_len);
	u8 *mss;

	if (!tcp)
		return;
	/* IPv6 packets of this size always pass. */
	if (ip[0] >> 4 == 6)
		mtu = max_t(unsigned int, mtu, IPV6_MIN_MTU);
	room = mtu - overhead;
	mss = find_mss((u8 *)tcp, tcp_len);
	if (!mss || get_unaligned_be16(mss) <= room)
		return;
	if (partial)
		put_unaligned_be16(room, mss);
	else
		replace16(tcp, mss, room);
}

void mmesh_pmtu_clamp(u8 *ip, unsigned int len, unsigned int mtu)
{
	lower_mss(ip, len, mtu, false);
}

/* SYNs are seldom and short: the headers of others are all that is read. */
static void clamp_skb(struct sk_buff *skb, unsigned int mtu)
{
	unsigned int overhead, tcp_len;

	if (!pskb_may_pull(skb, min_t(unsigned int, skb->len,
				      sizeof(struct ipv6hdr) + sizeof(struct tcphdr))) ||
	    !headers(skb->data, skb_headlen(skb), &overhead) ||
	    overhead + sizeof(struct tcphdr) > skb_headlen(skb) ||
	    !((struct tcphdr *)(skb->data + overhead))->syn ||
	    skb_ensure_writable(skb, min_t(unsigned int, skb->len, MAX_TCP_OPTION_SPACE +
					   overhead + sizeof(struct tcphdr))) ||
	    !syn_of(skb->data, skb_headlen(skb), &overhead, &tcp_len))
		return;
	lower_mss(skb->data, skb_headlen(skb), mtu, skb->ip_summed == CHECKSUM_PARTIAL);
}

static int seal_fragment(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	skb_mark_not_on_list(skb);
	mmesh_seal_xmit(this_cpu_read(fragments_of), skb);
	return 0;
}

/* A sender that lets IPv4 packets be cut gets no answer; nor may the outer
 * packet be relied on, whose fragments may be what the path doesn't take.
 */
static void fragment(struct mmesh_peer *peer, struct sk_buff *skb, unsigned int mtu)
{
	struct mmesh_peer *before = this_cpu_read(fragments_of);

	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
	IPCB(skb)->frag_max_size = mtu;
	this_cpu_write(fragments_of, peer);
	/* Back from a tunnel in the tunnel, it is ours again. */
	if (ip_do_fragment(dev_net(skb->dev), NULL, skb, seal_fragment))
		mmesh_stat_inc(peer->device, MMESH_STAT_TX_DROP_NO_MEMORY);
	this_cpu_write(fragments_of, before);
}

/* Not TCP, or TCP that lets itself be cut. */
static void segment_and_cut(struct mmesh_peer *peer, struct sk_buff *skb)
{
	struct sk_buff *next, *segs = skb_gso_segment(skb, NETIF_F_SG | NETIF_F_HW_CSUM);

	if (IS_ERR_OR_NULL(segs)) {
		drop(peer, skb, MMESH_STAT_TX_DROP_GSO);
		return;
	}
	consume_skb(skb);
	skb_list_walk_safe(segs, skb, next) {
		skb_mark_not_on_list(skb);
		if (mmesh_pmtu_admit(peer, skb))
			mmesh_seal_xmit(peer, skb);
	}
}

static bool may_fragment(const struct sk_buff *skb)
{
	return skb->protocol == htons(ETH_P_IP) && skb_valid_dst(skb) &&
	       !(ip_hdr(skb)->frag_off & htons(IP_DF));
}

static void answer(struct mmesh_peer *peer, struct sk_buff *skb, unsigned int mtu)
{
	skb_dst_update_pmtu_no_confirm(skb, mtu);
	if (skb->protocol == htons(ETH_P_IP))
		icmp_ndo_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, htonl(mtu));
	else
		icmpv6_ndo_send(skb, ICMPV6_PKT_TOOBIG, 0, mtu);
	drop(peer, skb, MMESH_STAT_TX_DROP_PATH_MTU);
}

static bool fits(const struct sk_buff *skb, unsigned int mtu)
{
	return skb_is_gso(skb) ? skb_gso_validate_network_len(skb, mtu) :
				 skb->len <= mtu;
}

bool mmesh_pmtu_admit(struct mmesh_peer *peer, struct sk_buff *skb)
{
	unsigned int mtu = READ_ONCE(peer->path_mtu);

	if (!mtu)
		return true;
	/* Linux drops IPv6 on a link below this: the outer packet is cut. */
	if (skb->protocol == htons(ETH_P_IPV6))
		mtu = max_t(unsigned int, mtu, IPV6_MIN_MTU);
	if (skb->len > FULL_ENOUGH)
		mmesh_path_full(peer);
	if (likely(fits(skb, mtu))) {
		clamp_skb(skb, mtu);
		return true;
	}
	if (!may_fragment(skb))
		answer(peer, skb, mtu);
	else if (skb_is_gso(skb))
		segment_and_cut(peer, skb);
	else
		fragment(peer, skb, mtu);
	return false;
}
