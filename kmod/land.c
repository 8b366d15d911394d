// SPDX-License-Identifier: GPL-2.0
/* RX path, stage 5 of 5: check the inner packet and hand it up. In: open.c.
 * Out: mmesh_deliver() (deliver.c). Context: softirq, RCU read.
 * Drops: RX_DROP_SUBNET, RX_DROP_NOT_IP, RX_DROP_INNER_LENGTH, RX_DROP_SOURCE,
 * RX_DROP_ECN, RX_DROP_NO_MEMORY, RX_DROP_BACKLOG, RX_DROP_DEVICE_DOWN.
 */

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/tcp.h>
#include <net/inet_ecn.h>
#include <net/ip6_checksum.h>
#include <net/sock.h>

#include "allowedips.h"
#include "deliver.h"
#include "device.h"
#include "land.h"
#include "limits.h"
#include "mmesh-compat-net.h"
#include "pagefrag.h"
#include "peer.h"
#include "pmtu.h"

enum {
	/* Shorter records are not worth a page fragment. */
	SMALL = 256,
	MAX_PACKET = 65535,
};

/* An inner packet, checked. The pointers go into its headers. */
struct inner {
	union {
		struct iphdr *ip;
		struct ipv6hdr *ip6;
	};
	struct tcphdr *tcp;	/* NULL unless it can be part of an aggregate */
	unsigned int len;	/* as its header says */
	unsigned int hdr_len;	/* IP and TCP */
	__be16 protocol;
};

static DEFINE_PER_CPU(struct page_frag, frags);

static void count(struct mmesh_landing *l, unsigned int stat)
{
	mmesh_stat_inc(l->m, stat);
	DEV_STATS_INC(l->m->dev, rx_errors);
}

static void hand_up(struct mmesh_landing *l, struct sk_buff *skb,
		    unsigned int packets)
{
	const unsigned int len = skb->len;
	const int ret = mmesh_deliver(l->m, skb, l->alone);

	if (unlikely(ret)) {
		mmesh_stat_add(l->m, ret == -ENOBUFS ?
			       MMESH_STAT_RX_DROP_BACKLOG :
			       MMESH_STAT_RX_DROP_DEVICE_DOWN, packets);
		return;
	}
	mmesh_stat_add(l->m, MMESH_STAT_RX_PACKETS, packets);
	mmesh_stat_add(l->m, MMESH_STAT_RX_BYTES, len + (packets - 1) * l->hdr_len);
}

static void deliver(struct mmesh_landing *l, struct sk_buff *skb, __be16 protocol,
		    unsigned int packets)
{
	skb->dev = l->m->dev;
	skb->protocol = protocol;
	skb_reset_mac_header(skb);
	skb_reset_network_header(skb);
	if (l->alone && !l->held)
		l->held = skb;
	else
		hand_up(l, skb, packets);
}

void mmesh_land_release(struct mmesh_landing *l)
{
	if (l->held)
		hand_up(l, l->held, 1);
	l->held = NULL;
}

static void deliver_single(struct mmesh_landing *l, struct sk_buff *skb,
			   const struct inner *inner)
{
	/* The tag vouches for every byte. */
	skb->ip_summed = CHECKSUM_UNNECESSARY;
	skb->csum_level = ~0;
	deliver(l, skb, inner->protocol, 1);
}

/* Lengths and checksums of the whole, as GRO would leave them. */
static void seal_headers(struct mmesh_landing *l, struct sk_buff *skb)
{
	const bool v4 = skb->protocol == htons(ETH_P_IP);
	const unsigned int ip_len = v4 ? sizeof(struct iphdr) :
					 sizeof(struct ipv6hdr);
	const unsigned int tcp_len = skb->len - ip_len;
	struct tcphdr *tcp = (struct tcphdr *)(skb->data + ip_len);
	struct ipv6hdr *ip6 = (struct ipv6hdr *)skb->data;
	struct iphdr *ip = (struct iphdr *)skb->data;

	if (v4) {
		ip->tot_len = htons(skb->len);
		ip->check = 0;
		ip->check = ip_fast_csum(ip, ip->ihl);
		tcp->check = ~csum_tcpudp_magic(ip->saddr, ip->daddr, tcp_len,
						IPPROTO_TCP, 0);
	} else {
		ip6->payload_len = htons(tcp_len);
		tcp->check = ~csum_ipv6_magic(&ip6->saddr, &ip6->daddr, tcp_len,
					      IPPROTO_TCP, 0);
	}
	skb_shinfo(skb)->gso_type = v4 ? SKB_GSO_TCPV4 : SKB_GSO_TCPV6;
	if (v4 && l->fixed_id)
		skb_shinfo(skb)->gso_type |= SKB_GSO_TCP_FIXEDID;
	skb_shinfo(skb)->gso_size = l->mss;
	skb_shinfo(skb)->gso_segs = l->segs;
	skb_set_transport_header(skb, ip_len);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_headroom(skb) + ip_len;
	skb->csum_offset = offsetof(struct tcphdr, check);
}

void mmesh_land_finish(struct mmesh_landing *l)
{
	struct sk_buff *skb = l->skb;

	if (!skb)
		return;
	l->skb = NULL;
	if (l->segs > 1) {
		seal_headers(l, skb);
		mmesh_stat_add(l->m, MMESH_STAT_RX_COALESCED, l->segs);
	} else {
		skb->ip_summed = CHECKSUM_UNNECESSARY;
		skb->csum_level = ~0;
	}
	deliver(l, skb, skb->protocol, l->segs);
}

static bool reserve_linear(struct mmesh_landing *l, unsigned int len)
{
	l->linear = netdev_alloc_skb_ip_align(l->m->dev, len);
	if (!l->linear)
		return false;
	l->mode = MMESH_LAND_LINEAR;
	l->spot = l->linear->data;
	return true;
}

static bool reserve_fresh(struct mmesh_landing *l, unsigned int len)
{
	struct page_frag *frag = this_cpu_ptr(&frags);

	if (!skb_page_frag_refill(len, frag, GFP_ATOMIC) ||
	    frag->size - frag->offset < len)
		return false;
	l->mode = MMESH_LAND_FRESH;
	l->spot = page_address(frag->page) + frag->offset;
	return true;
}

static bool reserve_append(struct mmesh_landing *l, unsigned int len)
{
	struct page_frag *frag = this_cpu_ptr(&frags);

	/* The page may have changed under a record that was not taken. */
	if (!l->skb || l->closed || len <= l->hdr_len ||
	    l->tail != (u8 *)page_address(frag->page) + frag->offset ||
	    frag->offset - l->hdr_len + len > frag->size)
		return false;
	l->mode = MMESH_LAND_APPEND;
	l->spot = l->tail - l->hdr_len;
	memcpy(l->saved, l->spot, l->hdr_len);
	return true;
}

u8 *mmesh_land_reserve(struct mmesh_landing *l, unsigned int len)
{
	bool ok;

	if (l->lone || len <= SMALL || l->expect_other)
		ok = reserve_linear(l, len);
	else
		ok = reserve_append(l, len) || reserve_fresh(l, len) ||
		     reserve_linear(l, len);
	return ok ? l->spot : NULL;
}

void mmesh_land_cancel(struct mmesh_landing *l)
{
	if (l->mode == MMESH_LAND_APPEND)
		memcpy(l->spot, l->saved, l->hdr_len);
	if (l->mode == MMESH_LAND_LINEAR)
		kfree_skb(l->linear);
	l->mode = MMESH_LAND_NONE;
}

/* Only data of an established flow: what GRO would merge. */
static void find_tcp(struct inner *in, unsigned int ip_len)
{
	struct tcphdr *tcp = (struct tcphdr *)((u8 *)in->ip + ip_len);
	const __be32 odd = TCP_FLAG_SYN | TCP_FLAG_FIN | TCP_FLAG_RST |
			   TCP_FLAG_URG | TCP_FLAG_CWR;

	if (in->len < ip_len + sizeof(*tcp) || tcp->doff < 5 ||
	    in->len <= ip_len + tcp->doff * 4 ||
	    (tcp_flag_word(tcp) & (odd | TCP_FLAG_ACK)) != TCP_FLAG_ACK)
		return;
	in->tcp = tcp;
	in->hdr_len = ip_len + tcp->doff * 4;
}

/* Returns 0 or the counter of the reason to drop. */
static unsigned int parse(struct inner *in, u8 *text, unsigned int len)
{
	in->tcp = NULL;
	in->ip = (struct iphdr *)text;
	if (len < sizeof(struct iphdr))
		return MMESH_STAT_RX_DROP_NOT_IP;
	if (in->ip->version == 4) {
		in->protocol = htons(ETH_P_IP);
		in->len = ntohs(in->ip->tot_len);
		if (in->len > len || in->ip->ihl < 5 || in->len < in->ip->ihl * 4)
			return MMESH_STAT_RX_DROP_INNER_LENGTH;
		if (in->ip->ihl == 5 && in->ip->protocol == IPPROTO_TCP &&
		    !(in->ip->frag_off & ~htons(IP_DF)))
			find_tcp(in, sizeof(struct iphdr));
		return 0;
	}
	if (in->ip->version == 6) {
		if (len < sizeof(struct ipv6hdr))
			return MMESH_STAT_RX_DROP_INNER_LENGTH;
		in->protocol = htons(ETH_P_IPV6);
		in->len = ntohs(in->ip6->payload_len) + sizeof(struct ipv6hdr);
		if (in->len > len)
			return MMESH_STAT_RX_DROP_INNER_LENGTH;
		if (in->ip6->nexthdr == IPPROTO_TCP)
			find_tcp(in, sizeof(struct ipv6hdr));
		return 0;
	}
	return MMESH_STAT_RX_DROP_NOT_IP;
}

/* Law 2: an inner source belongs to the peer that its record came from. */
static bool owns_source(struct mmesh_landing *l, struct mmesh_peer *peer,
			const struct inner *in)
{
	const bool v4 = in->protocol == htons(ETH_P_IP);
	const void *source = v4 ? (void *)&in->ip->saddr : (void *)&in->ip6->saddr;
	const size_t len = v4 ? 4 : 16;
	const u8 version = v4 ? 4 : 6;

	if (likely(l->source_peer == peer && l->source_version == version &&
		   !memcmp(l->source, source, len)))
		return true;
	if (v4 ? !mmesh_allowedips_owns_v4(&l->m->allowedips, in->ip->saddr, peer) :
		 !mmesh_allowedips_owns_v6(&l->m->allowedips, &in->ip6->saddr, peer))
		return false;
	l->source_peer = peer;
	l->source_version = version;
	memcpy(l->source, source, len);
	return true;
}

/* RFC 6040: congestion met outside is told inside, and a packet whose sender
 * can't be told is dropped.
 */
static bool decapsulate_ecn(const struct mmesh_landing *l, struct inner *in)
{
	if (likely(!INET_ECN_is_ce(l->ds)))
		return true;
	if (in->protocol == htons(ETH_P_IP)) {
		if (INET_ECN_is_not_ect(in->ip->tos))
			return false;
		IP_ECN_set_ce(in->ip);
		return true;
	}
	if (INET_ECN_is_not_ect(ipv6_get_dsfield(in->ip6)))
		return false;
	ipv6_change_dsfield(in->ip6, 0xff, INET_ECN_CE);
	return true;
}

static bool same_ip(const struct mmesh_landing *l, const struct inner *in)
{
	const struct ipv6hdr *ip6 = (struct ipv6hdr *)l->skb->data;
	const struct iphdr *ip = (struct iphdr *)l->skb->data;

	if (in->protocol != l->skb->protocol)
		return false;
	if (in->protocol == htons(ETH_P_IPV6))
		return *(__be32 *)ip6 == *(__be32 *)in->ip6 &&
		       ip6->hop_limit == in->ip6->hop_limit &&
		       ipv6_addr_equal(&ip6->saddr, &in->ip6->saddr) &&
		       ipv6_addr_equal(&ip6->daddr, &in->ip6->daddr);
	return ip->saddr == in->ip->saddr && ip->daddr == in->ip->daddr &&
	       ip->tos == in->ip->tos && ip->ttl == in->ip->ttl &&
	       ip->frag_off == in->ip->frag_off;
}

/* Segmentation must give back the ids that came: each one more, or, where
 * fragmentation is forbidden, all the same.
 */
static bool follows_id(struct mmesh_landing *l, const struct inner *in)
{
	const struct iphdr *ip = (struct iphdr *)l->skb->data;
	u16 step;

	if (in->protocol != htons(ETH_P_IP))
		return true;
	step = ntohs(in->ip->id) - ntohs(ip->id);
	if (l->segs == 1)
		l->fixed_id = !step && ip->frag_off & htons(IP_DF);
	return step == (l->fixed_id ? 0 : l->segs);
}

static bool follows(struct mmesh_landing *l, const struct inner *in)
{
	const unsigned int payload = in->len - in->hdr_len;
	const struct tcphdr *tcp;

	if (!l->skb || l->closed || !in->tcp || in->hdr_len != l->hdr_len ||
	    payload > l->mss || l->segs >= MMESH_MAX_BUNDLE_RECORDS ||
	    l->skb->len + payload > MAX_PACKET || !same_ip(l, in))
		return false;
	tcp = (struct tcphdr *)(l->skb->data +
				((u8 *)in->tcp - (u8 *)in->ip));
	return *(__be32 *)&tcp->source == *(__be32 *)&in->tcp->source &&
	       ntohl(in->tcp->seq) == l->next_seq &&
	       tcp->ack_seq == in->tcp->ack_seq &&
	       !((tcp_flag_word(tcp) ^ tcp_flag_word(in->tcp)) & ~TCP_FLAG_PSH) &&
	       !memcmp(tcp + 1, in->tcp + 1, in->tcp->doff * 4 - sizeof(*tcp)) &&
	       follows_id(l, in);
}

static bool add_payload(struct mmesh_landing *l, const u8 *payload, unsigned int len)
{
	struct page_frag *frag = this_cpu_ptr(&frags);
	const unsigned int offset = payload - (u8 *)page_address(frag->page);
	struct sk_buff *skb = l->skb;
	int n = skb_shinfo(skb)->nr_frags;

	if (skb_can_coalesce(skb, n, frag->page, offset)) {
		skb_frag_size_add(&skb_shinfo(skb)->frags[n - 1], len);
	} else {
		if (n == MAX_SKB_FRAGS)
			return false;
		get_page(frag->page);
		skb_fill_page_desc(skb, n, frag->page, offset, len);
	}
	skb->len += len;
	skb->data_len += len;
	skb->truesize += len;
	frag->offset = offset + len;
	l->tail = (u8 *)payload + len;
	return true;
}

static void note_segment(struct mmesh_landing *l, const struct tcphdr *tcp,
			 unsigned int payload)
{
	l->segs++;
	l->next_seq = ntohl(tcp->seq) + payload;
	l->closed = tcp->psh || payload < l->mss;
}

static bool append(struct mmesh_landing *l, const struct inner *in)
{
	const unsigned int payload = in->len - in->hdr_len;
	struct tcphdr *tcp;

	if (!follows(l, in) ||
	    !add_payload(l, (u8 *)in->ip + in->hdr_len, payload))
		return false;
	tcp = (struct tcphdr *)(l->skb->data + ((u8 *)in->tcp - (u8 *)in->ip));
	tcp->psh |= in->tcp->psh;
	note_segment(l, in->tcp, payload);
	/* These are the last bytes of the payload before. */
	if (l->mode == MMESH_LAND_APPEND)
		memcpy(l->spot, l->saved, l->hdr_len);
	return true;
}

static bool begin(struct mmesh_landing *l, const struct inner *in)
{
	struct sk_buff *skb;

	if (!in->tcp || l->mode != MMESH_LAND_FRESH)
		return false;
	skb = netdev_alloc_skb_ip_align(l->m->dev, in->hdr_len);
	if (!skb)
		return false;
	skb_put_data(skb, in->ip, in->hdr_len);
	skb->protocol = in->protocol;
	l->skb = skb;
	l->hdr_len = in->hdr_len;
	l->mss = in->len - in->hdr_len;
	l->segs = 0;
	l->fixed_id = false;
	add_payload(l, (u8 *)in->ip + in->hdr_len, l->mss);
	note_segment(l, in->tcp, l->mss);
	return true;
}

/* Neither part nor start of an aggregate: copy it out of the page. */
static void deliver_copy(struct mmesh_landing *l, const struct inner *in)
{
	struct sk_buff *skb = netdev_alloc_skb_ip_align(l->m->dev, in->len);

	if (skb)
		skb_put_data(skb, in->ip, in->len);
	else
		count(l, MMESH_STAT_RX_DROP_NO_MEMORY);
	mmesh_land_cancel(l);
	mmesh_land_finish(l);
	if (skb)
		deliver_single(l, skb, in);
}

static void deliver_linear(struct mmesh_landing *l, const struct inner *in)
{
	struct sk_buff *skb = l->linear;

	/* Not before what came earlier. */
	mmesh_land_finish(l);
	skb_put(skb, in->len);
	deliver_single(l, skb, in);
}

void mmesh_land_commit(struct mmesh_landing *l, struct mmesh_peer *peer,
		       unsigned int len)
{
	struct inner in;
	unsigned int reason;

	/* By the key that sent it, whatever addresses the packet has. */
	reason = mmesh_isolation_peer(&l->m->isolation, READ_ONCE(peer->subnet)) ?
		 MMESH_STAT_RX_DROP_SUBNET : parse(&in, l->spot, len);
	if (!reason && !owns_source(l, peer, &in))
		reason = MMESH_STAT_RX_DROP_SOURCE;
	if (!reason && !decapsulate_ecn(l, &in))
		reason = MMESH_STAT_RX_DROP_ECN;
	if (unlikely(reason)) {
		count(l, reason);
		mmesh_land_cancel(l);
		return;
	}
	if (unlikely(!in.tcp && READ_ONCE(peer->path_mtu)))
		mmesh_pmtu_clamp(l->spot, in.len, READ_ONCE(peer->path_mtu));
	l->expect_other = !in.tcp;
	if (l->mode == MMESH_LAND_LINEAR) {
		deliver_linear(l, &in);
	} else if (!append(l, &in)) {
		if (l->mode == MMESH_LAND_FRESH)
			mmesh_land_finish(l);
		if (!begin(l, &in))
			deliver_copy(l, &in);
	}
	l->mode = MMESH_LAND_NONE;
}

void mmesh_land_module_exit(void)
{
	mmesh_page_frags_release(&frags);
}
