// SPDX-License-Identifier: GPL-2.0
/* TX path, stage 2 of 4: seal. In: mmesh_xmit() (device.c), one inner packet
 * or TSO aggregate at a time. Out: mmesh_bundle_send() (bundle.c), after
 * mmesh_crypt_seal() (crypt.c). Context: BH off, RCU read.
 * Drops: TX_DROP_STAGED_FULL, TX_DROP_PEER_REMOVED, TX_DROP_NO_MEMORY,
 * TX_DROP_GSO, TX_DROP_TOO_LONG.
 *
 * What enters as one TSO packet leaves as one UDP GSO packet: the stack is
 * crossed once for up to 64 records, each written, checksummed and encrypted
 * while it is in the first-level cache.
 */

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/unaligned.h>
#include <net/checksum.h>
#include <net/dst_metadata.h>
#include <net/inet_ecn.h>
#include <net/ip6_checksum.h>
#include <net/ip_tunnels.h>
#include <net/tcp.h>

#include "bundle.h"
#include "burst.h"
#include "crypt.h"
#include "device.h"
#include "mmesh-compat-net.h"
#include "peer.h"

static void drop(struct mmesh_peer *peer, struct sk_buff *skb, unsigned int stat)
{
	mmesh_stat_inc(peer->device, stat);
	DEV_STATS_INC(peer->device->dev, tx_dropped);
	kfree_skb(skb);
}

static u64 rekey_after(const struct mmesh_keypair *keypair)
{
	return keypair->suite == MMESH_SUITE_AES256GCM ?
		MMESH_REKEY_AFTER_MESSAGES_AES : MMESH_REKEY_AFTER_MESSAGES;
}

static u64 reject_after(const struct mmesh_keypair *keypair)
{
	return keypair->suite == MMESH_SUITE_AES256GCM ?
		MMESH_REJECT_AFTER_MESSAGES_AES : MMESH_REJECT_AFTER_MESSAGES;
}

/* The keypair to send under, with @n nonces of it from *@nonce on. NULL: there
 * is none, or it is worn out.
 */
static struct mmesh_keypair *reserve(struct mmesh_peer *peer, unsigned int n,
				     u64 *nonce)
{
	struct mmesh_keypair *keypair;

	keypair = rcu_dereference(peer->keypairs.current_keypair);
	if (unlikely(!keypair || !READ_ONCE(keypair->sending_valid)))
		return NULL;
	if (unlikely(mmesh_expired(keypair->birthdate, MMESH_REJECT_AFTER_TIME)))
		goto worn_out;
	*nonce = atomic64_add_return(n, &keypair->sending_counter) - n;
	if (unlikely(*nonce + n > reject_after(keypair) || *nonce + n < n))
		goto worn_out;
	return keypair;

worn_out:
	WRITE_ONCE(keypair->sending_valid, false);
	return NULL;
}

/* WireGuard paper, section 6.2: only the initiator rekeys by age. */
static void keep_key_fresh(struct mmesh_peer *peer, struct mmesh_keypair *keypair,
			   u64 nonce)
{
	if (unlikely(nonce > rekey_after(keypair) ||
		     (keypair->i_am_the_initiator &&
		      mmesh_expired(keypair->birthdate, MMESH_REKEY_AFTER_TIME))))
		mmesh_handshake_initiate(peer, false);
}

/* Plaintexts are padded to 16 bytes, but never beyond the MTU. */
static unsigned int padding(unsigned int len, unsigned int mtu)
{
	unsigned int padded = ALIGN(len, MMESH_PADDING);

	if (len >= mtu)
		return 0;
	return min(padded, mtu) - len;
}

static u8 *begin_record(struct mmesh_bundle *b, const struct mmesh_keypair *keypair,
			u64 nonce, unsigned int padded)
{
	struct mmesh_msg_data *header;
	u8 *at = mmesh_bundle_record(b, padded + MMESH_RECORD_OVERHEAD);

	if (!at)
		return NULL;
	/* Records follow each other at any multiple of their length. */
	header = (struct mmesh_msg_data *)at;
	put_unaligned_le32(MMESH_MSG_DATA, &header->header.type);
	put_unaligned((__force u32)keypair->remote_index,
		      (u32 *)&header->receiver_index);
	put_unaligned_le64(nonce, &header->counter);
	return at + sizeof(*header);
}

static int end_record(const struct mmesh_keypair *keypair, u8 *text,
		      unsigned int len, unsigned int pad, u64 nonce)
{
	memset(text + len, 0, pad);
	return mmesh_crypt_seal(&keypair->sending, text, len + pad, nonce);
}

/* A TSO packet seen as the headers of its segments and their payload. */
struct tso {
	struct sk_buff *skb;
	unsigned int tcp_off;
	unsigned int hdr_len;
	unsigned int mss;
	unsigned int segs;
	bool fixed_id;
};

/* Plain TCP over IPv4 without options or IPv6 without extensions, from a
 * source that the stack trusts; everything else takes the slow path.
 */
static bool tso_parse(struct tso *t, struct sk_buff *skb)
{
	const unsigned int odd = ~(SKB_GSO_TCPV4 | SKB_GSO_TCPV6 |
				   SKB_GSO_TCP_ECN | SKB_GSO_TCP_FIXEDID);
	const unsigned int type = skb_shinfo(skb)->gso_type;
	const unsigned int ip_len = skb->protocol == htons(ETH_P_IP) ?
				    sizeof(struct iphdr) : sizeof(struct ipv6hdr);

	if (type & odd || !(type & (SKB_GSO_TCPV4 | SKB_GSO_TCPV6)) ||
	    skb->encapsulation || skb->ip_summed != CHECKSUM_PARTIAL ||
	    skb_network_offset(skb) || skb_transport_offset(skb) != ip_len ||
	    !pskb_may_pull(skb, ip_len + sizeof(struct tcphdr)))
		return false;
	t->skb = skb;
	t->tcp_off = ip_len;
	t->hdr_len = ip_len + tcp_hdrlen(skb);
	t->mss = skb_shinfo(skb)->gso_size;
	if (tcp_hdrlen(skb) < sizeof(struct tcphdr) || !t->mss ||
	    skb->len <= t->hdr_len || !pskb_may_pull(skb, t->hdr_len))
		return false;
	t->segs = DIV_ROUND_UP(skb->len - t->hdr_len, t->mss);
	t->fixed_id = type & SKB_GSO_TCP_FIXEDID;
	return true;
}

/* Segment @i's headers and payload to @text; returns its length. */
static unsigned int tso_segment(const struct tso *t, unsigned int i, u8 *text)
{
	const unsigned int offset = i * t->mss;
	const unsigned int left = t->skb->len - t->hdr_len - offset;
	const unsigned int payload = min(t->mss, left);
	const unsigned int tcp_len = t->hdr_len - t->tcp_off + payload;
	struct tcphdr *tcp = (struct tcphdr *)(text + t->tcp_off);
	struct iphdr *ip = (struct iphdr *)text;
	struct ipv6hdr *ip6 = (struct ipv6hdr *)text;
	__wsum sum;

	memcpy(text, t->skb->data, t->hdr_len);
	sum = skb_copy_and_csum_bits(t->skb, t->hdr_len + offset,
				     text + t->hdr_len, payload);

	tcp->seq = htonl(ntohl(tcp->seq) + offset);
	/* CWR answers once; FIN and PSH belong to the last byte. */
	if (i)
		tcp->cwr = 0;
	if (payload < left) {
		tcp->fin = 0;
		tcp->psh = 0;
	}
	tcp->check = 0;
	sum = csum_partial(tcp, t->hdr_len - t->tcp_off, sum);
	if (t->tcp_off == sizeof(*ip)) {
		ip->tot_len = htons(t->tcp_off + tcp_len);
		if (!t->fixed_id)
			ip->id = htons(ntohs(ip->id) + i);
		ip->check = 0;
		ip->check = ip_fast_csum(ip, ip->ihl);
		tcp->check = csum_tcpudp_magic(ip->saddr, ip->daddr, tcp_len,
					       IPPROTO_TCP, sum);
	} else {
		ip6->payload_len = htons(tcp_len);
		tcp->check = csum_ipv6_magic(&ip6->saddr, &ip6->daddr, tcp_len,
					     IPPROTO_TCP, sum);
	}
	return t->hdr_len + payload;
}

/* Returns how many segments were sealed; *@ret says why not all. */
static unsigned int seal_tso(struct mmesh_bundle *b, const struct tso *t,
			     const struct mmesh_keypair *keypair, u64 nonce,
			     unsigned int mtu, int *ret)
{
	const unsigned int total = t->skb->len - t->hdr_len;
	unsigned int i, len, pad;
	u8 *text;

	for (i = 0; i < t->segs; i++, nonce++) {
		len = t->hdr_len + min(t->mss, total - i * t->mss);
		pad = padding(len, mtu);
		text = begin_record(b, keypair, nonce, len + pad);
		*ret = -ENOMEM;
		if (!text)
			break;
		tso_segment(t, i, text);
		*ret = end_record(keypair, text, len, pad, nonce);
		if (*ret)
			break;
	}
	return i;
}

/* Fills in the checksum where the stack left it to the device. */
static void copy_packet(const struct sk_buff *skb, u8 *text)
{
	__sum16 *check;

	skb_copy_and_csum_dev(skb, text);
	if (skb->ip_summed != CHECKSUM_PARTIAL)
		return;
	/* UDP takes 0 for none, which IPv6 forbids; the other zero is meant. */
	check = (__sum16 *)(text + skb_checksum_start_offset(skb) +
			    skb->csum_offset);
	if (!*check)
		*check = CSUM_MANGLED_0;
}

static int seal_one(struct mmesh_bundle *b, struct sk_buff *skb,
		    const struct mmesh_keypair *keypair, u64 nonce,
		    unsigned int mtu)
{
	const unsigned int pad = padding(skb->len, mtu);
	u8 *text;

	if (skb->len + pad > MMESH_MAX_UDP_PAYLOAD - MMESH_RECORD_OVERHEAD)
		return -EMSGSIZE;
	text = begin_record(b, keypair, nonce, skb->len + pad);
	if (!text)
		return -ENOMEM;
	copy_packet(skb, text);
	return end_record(keypair, text, skb->len, pad, nonce);
}

static void account(struct mmesh_device *m, unsigned int packets, unsigned int bytes)
{
	mmesh_stat_add(m, MMESH_STAT_TX_PACKETS, packets);
	mmesh_stat_add(m, MMESH_STAT_TX_BYTES, bytes);
}

/* @n packets were not taken. Without memory or room no record was begun; one
 * that was begun and not sealed must not leave, so its bundle goes with it.
 */
static void failed(struct mmesh_bundle *b, int ret, unsigned int n)
{
	struct mmesh_device *m = b->peer->device;

	if (ret != -EMSGSIZE && ret != -ENOMEM) {
		kfree_skb(b->skb);
		b->skb = NULL;
	}
	mmesh_stat_add(m, ret == -EMSGSIZE ? MMESH_STAT_TX_DROP_TOO_LONG :
					     MMESH_STAT_TX_DROP_NO_MEMORY, n);
	DEV_STATS_ADD(m->dev, tx_dropped, n);
}

static void sent(struct mmesh_peer *peer, struct mmesh_keypair *keypair, u64 nonce)
{
	mmesh_timers_traversal(peer);
	mmesh_timers_authenticated_sent(peer);
	mmesh_timers_data_sent(peer);
	keep_key_fresh(peer, keypair, nonce);
}

/* Seal a TSO packet whole. False: there are no keys; @t's skb is untouched. */
static bool xmit_tso(struct mmesh_peer *peer, struct tso *t, unsigned int mtu)
{
	struct mmesh_bundle b = {
		.peer = peer,
		.like = t->skb,
		.ds = ip_tunnel_ecn_encap(0, ip_hdr(t->skb), t->skb),
	};
	struct mmesh_keypair *keypair;
	unsigned int done;
	u64 nonce;
	int ret;

	keypair = reserve(peer, t->segs, &nonce);
	if (!keypair)
		return false;
	done = seal_tso(&b, t, keypair, nonce, mtu, &ret);
	if (likely(!ret)) {
		account(peer->device, done,
			t->skb->len + (done - 1) * t->hdr_len);
		b.owner = t->skb;
	} else {
		account(peer->device, done, done * (t->hdr_len + t->mss));
		failed(&b, ret, t->segs - done);
	}
	mmesh_bundle_send(&b);
	sent(peer, keypair, nonce + t->segs);
	consume_skb(t->skb);
	return true;
}

static unsigned int mtu_of(const struct mmesh_peer *peer, const struct sk_buff *skb)
{
	const unsigned int path = READ_ONCE(peer->path_mtu);
	const unsigned int mtu = skb_valid_dst(skb) ? dst_mtu(skb_dst(skb)) :
				 READ_ONCE(peer->device->dev->mtu);

	/* Padding must not make a record too long for the path. */
	return path ? min(path, mtu) : mtu;
}

/* The same for packets that are no aggregates, as few bundles as their sizes
 * allow.
 */
static bool xmit_list(struct mmesh_peer *peer, struct sk_buff_head *list)
{
	const unsigned int n = skb_queue_len(list);
	struct mmesh_bundle b = { .peer = peer, .alone = n == 1 };
	struct mmesh_keypair *keypair;
	struct sk_buff *skb;
	u64 nonce;
	int ret;
	u8 ds;

	keypair = reserve(peer, n, &nonce);
	if (!keypair)
		return false;
	skb_queue_walk(list, skb) {
		ds = ip_tunnel_ecn_encap(0, ip_hdr(skb), skb);
		if (ds != b.ds)
			mmesh_bundle_send(&b);
		b.ds = ds;
		b.like = skb;
		ret = seal_one(&b, skb, keypair, nonce++, mtu_of(peer, skb));
		if (ret)
			failed(&b, ret, 1);
		else
			account(peer->device, 1, skb->len);
	}
	if (n == 1)
		b.owner = skb_peek(list);
	mmesh_bundle_send(&b);
	sent(peer, keypair, nonce);
	__skb_queue_purge(list);
	return true;
}

static bool xmit_one(struct mmesh_peer *peer, struct sk_buff *skb)
{
	struct sk_buff_head list;

	__skb_queue_head_init(&list);
	__skb_queue_tail(&list, skb);
	if (xmit_list(peer, &list))
		return true;
	__skb_dequeue(&list);
	return false;
}

/* Software segmentation for what tso_parse() does not take. */
static struct sk_buff *segment(struct mmesh_peer *peer, struct sk_buff *skb)
{
	struct sk_buff *segs = skb_gso_segment(skb, NETIF_F_SG | NETIF_F_HW_CSUM |
						    NETIF_F_FRAGLIST |
						    NETIF_F_HIGHDMA);

	if (IS_ERR_OR_NULL(segs)) {
		drop(peer, skb, MMESH_STAT_TX_DROP_GSO);
		return NULL;
	}
	consume_skb(skb);
	return segs;
}

/* False: there are no keys, or the packet has to be segmented first; nothing
 * has been consumed.
 */
static bool xmit(struct mmesh_peer *peer, struct sk_buff *skb)
{
	struct tso t;

	if (skb_is_gso(skb))
		return tso_parse(&t, skb) &&
		       xmit_tso(peer, &t, mtu_of(peer, skb));
	return xmit_one(peer, skb);
}

/* Queue @skb, or a list of segments; the oldest packets give way. Segments of
 * one aggregate may exceed the limit together. Returns the queue's length.
 */
static unsigned int stage(struct mmesh_peer *peer, struct sk_buff *skb)
{
	struct sk_buff_head old;
	struct sk_buff *next;
	unsigned int len;
	bool dead;

	__skb_queue_head_init(&old);
	spin_lock_bh(&peer->staged.lock);
	dead = peer->is_dead;
	while (skb_queue_len(&peer->staged) >= MMESH_MAX_STAGED_PACKETS)
		__skb_queue_tail(&old, __skb_dequeue(&peer->staged));
	skb_list_walk_safe(skb, skb, next) {
		skb_mark_not_on_list(skb);
		if (dead)
			drop(peer, skb, MMESH_STAT_TX_DROP_PEER_REMOVED);
		else
			__skb_queue_tail(&peer->staged, skb);
	}
	len = skb_queue_len(&peer->staged);
	spin_unlock_bh(&peer->staged.lock);
	while ((skb = __skb_dequeue(&old)))
		drop(peer, skb, MMESH_STAT_TX_DROP_STAGED_FULL);
	return len;
}

void mmesh_seal_xmit(struct mmesh_peer *peer, struct sk_buff *skb)
{
	/* More of the same may follow before this softirq is done. */
	const bool wait = in_serving_softirq() && !skb_is_gso(skb) &&
			  mmesh_burst_likely();
	struct tso t;

	/* Nothing may overtake what is waiting. */
	if (!wait && likely(skb_queue_empty_lockless(&peer->staged)) &&
	    xmit(peer, skb))
		return;
	if (skb_is_gso(skb) && !tso_parse(&t, skb)) {
		skb = segment(peer, skb);
		if (!skb)
			return;
	} else {
		skb_mark_not_on_list(skb);
	}
	if (stage(peer, skb) < MMESH_MAX_BUNDLE_RECORDS && wait)
		mmesh_burst_add(peer);
	else
		mmesh_seal_flush_staged(peer);
}

/* The packets waiting that can share a bundle: an aggregate is one already. */
static void unstage(struct mmesh_peer *peer, struct sk_buff_head *list)
{
	struct sk_buff *skb;

	__skb_queue_head_init(list);
	spin_lock_bh(&peer->staged.lock);
	while ((skb = skb_peek(&peer->staged)) &&
	       skb_queue_len(list) < MMESH_MAX_BUNDLE_RECORDS) {
		if (skb_is_gso(skb) && !skb_queue_empty(list))
			break;
		__skb_unlink(skb, &peer->staged);
		__skb_queue_tail(list, skb);
		if (skb_is_gso(skb))
			break;
	}
	spin_unlock_bh(&peer->staged.lock);
}

static void restage(struct mmesh_peer *peer, struct sk_buff_head *list)
{
	struct sk_buff *skb;
	bool dead;

	spin_lock_bh(&peer->staged.lock);
	dead = peer->is_dead;
	if (!dead)
		skb_queue_splice_init(list, &peer->staged);
	spin_unlock_bh(&peer->staged.lock);
	while ((skb = __skb_dequeue(list)))
		drop(peer, skb, MMESH_STAT_TX_DROP_PEER_REMOVED);
}

static bool xmit_staged(struct mmesh_peer *peer, struct sk_buff_head *list)
{
	struct sk_buff *first = skb_peek(list);

	if (!skb_is_gso(first))
		return xmit_list(peer, list);
	__skb_unlink(first, list);
	if (xmit(peer, first))
		return true;
	__skb_queue_head(list, first);
	return false;
}

/* The queue's lock is not held while sending: a tunnel in a tunnel comes back
 * here.
 */
void mmesh_seal_flush_staged(struct mmesh_peer *peer)
{
	struct sk_buff_head list;

	if (skb_queue_empty_lockless(&peer->staged))
		return;
	local_bh_disable();
	rcu_read_lock();
	for (;;) {
		unstage(peer, &list);
		if (skb_queue_empty(&list))
			break;
		if (!xmit_staged(peer, &list)) {
			restage(peer, &list);
			mmesh_handshake_initiate(peer, false);
			break;
		}
	}
	rcu_read_unlock();
	local_bh_enable();
}

void mmesh_seal_purge_staged(struct mmesh_peer *peer, unsigned int stat)
{
	struct sk_buff_head old;
	struct sk_buff *skb;

	__skb_queue_head_init(&old);
	spin_lock_bh(&peer->staged.lock);
	skb_queue_splice_init(&peer->staged, &old);
	spin_unlock_bh(&peer->staged.lock);
	while ((skb = __skb_dequeue(&old)))
		drop(peer, skb, stat);
}

/* False: there are no keys. */
static bool xmit_empty(struct mmesh_peer *peer, const struct mmesh_addr *to)
{
	struct mmesh_bundle b = { .peer = peer, .to = to, .alone = true };
	struct mmesh_keypair *keypair;
	u64 nonce;
	u8 *text;
	int ret;

	keypair = reserve(peer, 1, &nonce);
	if (!keypair)
		return false;
	text = begin_record(&b, keypair, nonce, 0);
	ret = text ? end_record(keypair, text, 0, 0, nonce) : -ENOMEM;
	if (ret)
		failed(&b, ret, 1);
	else
		mmesh_stat_inc(peer->device, MMESH_STAT_TX_KEEPALIVES);
	mmesh_bundle_send(&b);
	mmesh_timers_traversal(peer);
	mmesh_timers_authenticated_sent(peer);
	keep_key_fresh(peer, keypair, nonce + 1);
	return true;
}

void mmesh_seal_keepalive(struct mmesh_peer *peer)
{
	/* Data that waits does as well. */
	if (!skb_queue_empty_lockless(&peer->staged)) {
		mmesh_seal_flush_staged(peer);
		return;
	}
	local_bh_disable();
	rcu_read_lock();
	if (!xmit_empty(peer, NULL))
		mmesh_handshake_initiate(peer, false);
	rcu_read_unlock();
	local_bh_enable();
}

void mmesh_seal_keepalive_by(struct mmesh_peer *peer, const struct mmesh_addr *to)
{
	local_bh_disable();
	rcu_read_lock();
	xmit_empty(peer, to);
	rcu_read_unlock();
	local_bh_enable();
}
