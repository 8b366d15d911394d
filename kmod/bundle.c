// SPDX-License-Identifier: GPL-2.0
/* TX path, stage 2b: the buffer that a bundle is written into. In: seal.c.
 * Out: mmesh_socket_send() (socket.c). Context: BH off, RCU read.
 * Drops: TX_DROP_NO_MEMORY (counted by the caller).
 */

#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/udp.h>
#include <net/ipv6.h>
#include <net/sock.h>

#include "bundle.h"
#include "device.h"
#include "limits.h"
#include "pagefrag.h"
#include "peer.h"
#include "socket.h"

enum { HEADROOM = LL_MAX_HEADER + sizeof(struct ipv6hdr) + sizeof(struct udphdr) };

/* Where this CPU's next bundle is written. */
static DEFINE_PER_CPU(struct page_frag, frags);

static bool fits(const struct mmesh_bundle *b, unsigned int len)
{
	return !b->complete && !b->alone && len <= b->record_len &&
	       b->records < MMESH_MAX_BUNDLE_RECORDS &&
	       b->skb->len + len <= MMESH_MAX_UDP_PAYLOAD;
}

/* A record that stays alone goes into the skb's head: one allocation. */
static u8 *first_record(struct mmesh_bundle *b, unsigned int len)
{
	b->skb = alloc_skb(HEADROOM + (b->alone ? len : 0), GFP_ATOMIC);
	if (!b->skb)
		return NULL;
	skb_reserve(b->skb, HEADROOM);
	b->record_len = len;
	b->records = 0;
	b->complete = false;
	return b->alone ? skb_put(b->skb, len) : NULL;
}

/* @len bytes at the end of the bundle's last page fragment or in a new one. */
static u8 *extend(struct mmesh_bundle *b, unsigned int len)
{
	struct page_frag *frag = this_cpu_ptr(&frags);
	struct sk_buff *skb = b->skb;
	int n = skb_shinfo(skb)->nr_frags;
	u8 *at;

	if (!skb_page_frag_refill(len, frag, GFP_ATOMIC) ||
	    frag->size - frag->offset < len)
		return NULL;
	at = page_address(frag->page) + frag->offset;
	if (skb_can_coalesce(skb, n, frag->page, frag->offset)) {
		skb_frag_size_add(&skb_shinfo(skb)->frags[n - 1], len);
	} else {
		if (n == MAX_SKB_FRAGS)
			return NULL;
		get_page(frag->page);
		skb_fill_page_desc(skb, n, frag->page, frag->offset, len);
	}
	frag->offset += len;
	skb->len += len;
	skb->data_len += len;
	skb->truesize += len;
	return at;
}

/* Without large pages, or with records longer than they are, each record gets
 * an skb of its own.
 */
static u8 *lone_record(struct mmesh_bundle *b, unsigned int len)
{
	u8 *at;

	mmesh_bundle_send(b);
	b->alone = true;
	at = first_record(b, len);
	b->alone = false;
	b->complete = true;
	return at;
}

/* Records to a relay have the leg's header before them. */
static void choose_endpoint(struct mmesh_bundle *b)
{
	b->endpoint = rcu_dereference(b->peer->endpoint);
	b->lead = b->endpoint && unlikely(mmesh_addr_is_relayed(&b->endpoint->addr)) ?
		  MMESH_LEG_LEN : 0;
}

u8 *mmesh_bundle_record(struct mmesh_bundle *b, unsigned int len)
{
	u8 *at = NULL;

	if (b->skb && !fits(b, len + b->lead))
		mmesh_bundle_send(b);
	if (!b->skb)
		choose_endpoint(b);
	len += b->lead;
	if (unlikely(len > MMESH_MAX_UDP_PAYLOAD))
		return NULL;
	if (!b->skb)
		at = first_record(b, len);
	if (!at && b->skb && !b->alone) {
		at = extend(b, len);
		if (!at)
			at = lone_record(b, len);
	}
	if (!at)
		return NULL;
	b->records++;
	if (len < b->record_len)
		b->complete = true;
	return at + b->lead;
}

/* TCP small queues, pacing and socket memory go by the packet that carries the
 * socket's claim, so the claim moves on, corrected by what the sizes differ.
 */
static void move_claim(struct sk_buff *to, struct sk_buff *from)
{
	struct sock *sk = from->sk;
	int delta = to->truesize - from->truesize;

	if (!sk || !sk_fullsock(sk) || !from->destructor ||
	    from->destructor == sock_edemux || from->destructor == sock_rfree)
		return;
	if (from->destructor != sock_wfree && sk->sk_protocol != IPPROTO_TCP)
		return;
	to->sk = sk;
	to->destructor = from->destructor;
	from->sk = NULL;
	from->destructor = NULL;
	if (delta >= 0)
		refcount_add(delta, &sk->sk_wmem_alloc);
	else
		WARN_ON_ONCE(refcount_sub_and_test(-delta, &sk->sk_wmem_alloc));
}

void mmesh_bundle_send(struct mmesh_bundle *b)
{
	struct mmesh_device *m = b->peer->device;
	struct sk_buff *skb = b->skb;

	b->skb = NULL;
	if (!skb)
		return;
	if (unlikely(!b->records)) {
		kfree_skb(skb);
		return;
	}
	if (b->records > 1) {
		struct skb_shared_info *shinfo = skb_shinfo(skb);

		shinfo->gso_type = SKB_GSO_UDP_L4;
		shinfo->gso_size = b->record_len;
		shinfo->gso_segs = b->records;
		/* GSO demands that the UDP header, pushed later, starts it. */
		skb->ip_summed = CHECKSUM_PARTIAL;
		skb->csum_start = skb_headroom(skb) - sizeof(struct udphdr);
		skb->csum_offset = offsetof(struct udphdr, check);
	}
	if (b->like) {
		skb->priority = b->like->priority;
		skb_copy_hash(skb, b->like);
		skb_copy_queue_mapping(skb, b->like);
	}
	if (b->owner)
		move_claim(skb, b->owner);
	mmesh_stat_inc(m, MMESH_STAT_TX_BUNDLES);
	mmesh_stat_add(m, MMESH_STAT_TX_RECORDS, b->records);
	b->records = 0;
	if (unlikely(b->to))
		mmesh_socket_send_path(b->peer, b->to, skb, b->ds, false);
	else
		mmesh_socket_send_bundle(b->peer, b->endpoint, skb, b->ds,
					 b->lead);
}

void mmesh_bundle_module_exit(void)
{
	mmesh_page_frags_release(&frags);
}
