// SPDX-License-Identifier: GPL-2.0
/* The relay's data path. In: mmesh_backlog_receive() (backlog.c), a datagram or
 * an aggregate of them at a time, and receive_relayed() (open.c). Out:
 * mmesh_socket_send_path(), the same skb where nobody else has a part in it.
 * Context: softirq, RCU read.
 * Drops: LEG_DROP_NO_SESSION, LEG_DROP_REPLAY, LEG_DROP_CHANNEL,
 * RELAY_DROP_PERMIT, RELAY_DROP_TARGET, RELAY_DROP_LIMIT, RELAY_DROP_NO_MEMORY.
 *
 * Only the legs' headers are read and written; a bundle stays one.
 */

#include <linux/bitmap.h>
#include <linux/hash.h>
#include <linux/skbuff.h>
#include <linux/udp.h>
#include <linux/unaligned.h>
#include <net/ipv6.h>
#include <net/udp.h>

#include "channel.h"
#include "control.h"
#include "device.h"
#include "leg.h"
#include "peer.h"
#include "relay.h"
#include "socket.h"

enum {
	/* UDP_MAX_SEGMENTS of the newest kernel. */
	MAX_MESSAGES = 128,
	MIN_CONTIGUOUS = MMESH_LEG_LEN + MMESH_LEG_COVERED,
};

/* What is being forwarded. */
struct forward {
	struct mmesh_device *m;
	struct mmesh_keypair *in;
	struct mmesh_client *client;	/* of the sender */
	struct mmesh_channel_end *to;
	struct mmesh_keypair *out;
	struct mmesh_endpoint *endpoint;	/* of the receiver; not relayed */
	u32 channel;
	u16 flags;
	u8 ds;
	unsigned int each;		/* length of all messages but the last */
	unsigned int n;
	u8 *at[MAX_MESSAGES];		/* the messages' headers */
};

static struct mmesh_client *client_of(struct mmesh_peer *peer)
{
	struct mmesh_peer_ext *ext = mmesh_peer_ext(peer);

	return ext ? READ_ONCE(ext->client) : NULL;
}

static void count(const struct forward *f, unsigned int stat,
		  enum mmesh_client_drop drop, unsigned int n)
{
	mmesh_stat_add(f->m, stat, n);
	if (f->client)
		atomic64_add(n, &f->client->drops[drop]);
}

/* So that the client opens another; rate-limited with all control messages. */
static void tell_gone(const struct forward *f)
{
	const struct mmesh_channel_gone body = {
		.channel = cpu_to_le32(f->channel),
	};
	const struct mmesh_control_out out = {
		.kind = MMESH_CONTROL_CHANNEL_GONE,
		.body = &body, .len = sizeof(body),
	};

	mmesh_control_send(f->in->entry.peer, &out);
}

/* Where it goes. An id of another's channel is as good as none. */
static bool find_way(struct forward *f, unsigned int n)
{
	struct mmesh_peer *peer = f->in->entry.peer;
	struct mmesh_channel_end *end;

	if (!f->client || !READ_ONCE(f->client->is_permitted) ||
	    !READ_ONCE(f->m->relay.enabled)) {
		count(f, MMESH_STAT_RELAY_DROP_PERMIT, MMESH_CLIENT_DROP_PERMIT, n);
		return false;
	}
	end = f->flags & MMESH_LEG_TO_RELAY ?
		mmesh_channel_find(f->m, f->channel) :
		mmesh_channel_find_given(peer, f->channel);
	if (!end || end->peer != peer) {
		count(f, MMESH_STAT_LEG_DROP_CHANNEL, MMESH_CLIENT_DROP_CHANNEL, n);
		tell_gone(f);
		return false;
	}
	f->to = mmesh_channel_other(end);
	f->out = mmesh_leg_keypair(f->to->peer);
	f->endpoint = rcu_dereference(f->to->peer->endpoint);
	if (!f->out || !READ_ONCE(f->to->id) || !f->endpoint ||
	    mmesh_addr_is_relayed(&f->endpoint->addr)) {
		count(f, MMESH_STAT_RELAY_DROP_TARGET, MMESH_CLIENT_DROP_TARGET, n);
		return false;
	}
	if (time_after(jiffies, READ_ONCE(mmesh_channel_of(end)->last_used)))
		WRITE_ONCE(mmesh_channel_of(end)->last_used, jiffies);
	return true;
}

static bool within_limits(const struct forward *f, unsigned int n, unsigned int bytes)
{
	const u64 pps = READ_ONCE(f->client->limit_pps);
	const u64 bps = READ_ONCE(f->client->limit_bps) / BITS_PER_BYTE;
	u64 now;

	if (likely(!pps && !bps))
		return true;
	now = ktime_get_ns();
	if (mmesh_bucket_take(&f->client->packets, n, pps,
			      MMESH_RELAY_BURST_PACKETS, now) &&
	    mmesh_bucket_take(&f->client->bytes, bytes, bps,
			      MMESH_RELAY_BURST_BYTES, now))
		return true;
	count(f, MMESH_STAT_RELAY_DROP_LIMIT, MMESH_CLIENT_DROP_LIMIT, n);
	return false;
}

static void account(const struct forward *f, unsigned int n, unsigned int bytes)
{
	struct mmesh_client *to = client_of(f->to->peer);

	atomic64_add(n, &f->client->from_packets);
	atomic64_add(bytes, &f->client->from_bytes);
	if (to) {
		atomic64_add(n, &to->to_packets);
		atomic64_add(bytes, &to->to_bytes);
	}
	mmesh_stat_add(f->m, MMESH_STAT_RELAY_PACKETS, n);
	mmesh_stat_add(f->m, MMESH_STAT_RELAY_BYTES, bytes);
	mmesh_leg_sent(f->to->peer, f->out);
}

/* The next leg's headers in the place of the last one's. */
static void rewrite(const struct forward *f, u8 *const *at, unsigned int n)
{
	struct mmesh_session_ext *ext = f->out->ext;
	struct mmesh_leg_header header = {
		.index = f->out->remote_index,
		.counter = atomic64_add_return(n, &ext->leg_counter) - n,
		.channel = f->to->id,
		.flags = (f->to->given ? MMESH_LEG_TO_RELAY : 0) |
			 (f->flags & MMESH_LEG_DF),
	};
	unsigned int i;

	for (i = 0; i < n; i++) {
		const struct mmesh_msg_relay *msg = (const void *)at[i];

		header.len = get_unaligned_le16(&msg->len);
		mmesh_leg_write(ext, at[i], &header);
		header.counter++;
	}
}

/* Queues that share a link between flows are to share it between clients: each
 * is a flow, whatever it sends and to whom.
 */
static void send(const struct forward *f, struct sk_buff *skb)
{
	struct mmesh_peer *to = f->to->peer;

	__skb_set_sw_hash(skb, hash_32(f->in->entry.peer->ext->number + 1, 32), true);
	if (unlikely(f->flags & MMESH_LEG_DF))
		mmesh_socket_send_path(to, &f->endpoint->addr, skb, f->ds, true);
	else
		mmesh_socket_send_bundle(to, f->endpoint, skb, f->ds, false);
}

/* One message, in a copy of its own. */
static bool forward_copy(struct forward *f, const u8 *msg, unsigned int len)
{
	struct sk_buff *skb;
	u8 *at;

	if (!find_way(f, 1) || !within_limits(f, 1, len))
		return true;
	skb = mmesh_socket_alloc(len);
	if (!skb) {
		mmesh_stat_inc(f->m, MMESH_STAT_RELAY_DROP_NO_MEMORY);
		return true;
	}
	at = skb->data;
	memcpy(at, msg, len);
	rewrite(f, &at, 1);
	account(f, 1, len);
	send(f, skb);
	return true;
}

bool mmesh_relay_forward_one(struct mmesh_keypair *keypair, const u8 *msg,
			     unsigned int len, u8 ds)
{
	const struct mmesh_msg_relay *header = (const struct mmesh_msg_relay *)msg;
	struct mmesh_peer *peer = keypair->entry.peer;
	struct forward f = {
		.m = peer->device,
		.in = keypair,
		.client = client_of(peer),
		.channel = get_unaligned_le32(&header->channel),
		.flags = get_unaligned_le16(&header->flags),
		.ds = ds,
	};

	if (!(f.flags & MMESH_LEG_TO_RELAY) &&
	    !mmesh_channel_find_given(peer, f.channel))
		return false;
	return forward_copy(&f, msg, len);
}

/* Nobody else may have a part in what is rewritten. */
static bool is_ours(const struct sk_buff *skb)
{
	const struct sk_buff *member;

	if (skb_cloned(skb) || skb_has_shared_frag(skb))
		return false;
	skb_walk_frags(skb, member)
		if (skb_cloned(member) || skb_shared(member) ||
		    skb_has_shared_frag(member) || skb_has_frag_list(member))
			return false;
	return !skb_is_gso(skb) || skb_shinfo(skb)->gso_type == SKB_GSO_UDP_L4;
}

/* State of collect(): @need bytes are left of the message being passed over. */
struct walk {
	struct forward *f;
	unsigned int left;
	unsigned int need;
};

/* False: a header lies in two pieces. */
static bool collect_piece(struct walk *w, u8 *at, unsigned int len)
{
	unsigned int n;

	while (len) {
		if (!w->need) {
			w->need = min(w->left, w->f->each);
			if (len < MIN_CONTIGUOUS || w->f->n == MAX_MESSAGES)
				return false;
			w->f->at[w->f->n++] = at;
		}
		n = min(len, w->need);
		at += n;
		len -= n;
		w->need -= n;
		w->left -= n;
	}
	return true;
}

static bool collect_skb(struct walk *w, const struct sk_buff *skb)
{
	unsigned int i;

	if (!collect_piece(w, skb->data, skb_headlen(skb)))
		return false;
	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		const skb_frag_t *frag = &skb_shinfo(skb)->frags[i];

		if (!collect_piece(w, skb_frag_address(frag), skb_frag_size(frag)))
			return false;
	}
	return true;
}

/* skb->data is at the first message. */
static bool collect(struct forward *f, const struct sk_buff *skb)
{
	struct walk w = { .f = f, .left = skb->len };
	const struct sk_buff *member;

	if (!collect_skb(&w, skb))
		return false;
	skb_walk_frags(skb, member)
		if (!collect_skb(&w, member))
			return false;
	return !w.left;
}

/* All are genuine, of one session and one channel, and as long as they say. */
static bool verify(struct forward *f, unsigned int total)
{
	struct mmesh_leg_header header;
	unsigned int i, len;

	for (i = 0; i < f->n; i++) {
		len = min(total - i * f->each, f->each);
		if (len < MMESH_LEG_LEN + MMESH_MSG_MIN_LEN ||
		    get_unaligned_le32(f->at[i]) != MMESH_MSG_RELAY)
			return false;
		if (!i) {
			const struct mmesh_msg_relay *msg = (const void *)f->at[0];

			f->in = mmesh_leg_find(f->m, (__force __le32)
					       get_unaligned((u32 *)&msg->receiver_index));
			if (!f->in)
				return false;
		}
		if (!mmesh_leg_verify(f->in->ext, f->at[i], &header) ||
		    header.index != f->in->entry.index ||
		    header.len != len - MMESH_LEG_LEN ||
		    header.flags & ~MMESH_LEG_FLAGS ||
		    get_unaligned_le32(f->at[i] + MMESH_LEG_LEN) == MMESH_MSG_RELAY)
			return false;
		if (!i) {
			f->channel = header.channel;
			f->flags = header.flags;
		} else if (header.channel != f->channel || header.flags != f->flags) {
			return false;
		}
	}
	return true;
}

/* Mark the counters as seen; which of them were, in @seen. */
static unsigned int take_counters(struct forward *f, unsigned long *seen)
{
	struct mmesh_session_ext *ext = f->in->ext;
	unsigned int i, n = 0;

	spin_lock(&ext->lock);
	for (i = 0; i < f->n; i++) {
		const struct mmesh_msg_relay *msg = (const void *)f->at[i];

		if (mmesh_replay_accept_leg(&ext->leg_replay,
					    get_unaligned_le64(&msg->counter)))
			continue;
		__set_bit(i, seen);
		n++;
	}
	spin_unlock(&ext->lock);
	return n;
}

/* Some were replayed: the others in copies. */
static void forward_new(struct forward *f, struct sk_buff *skb,
			const unsigned long *seen)
{
	unsigned int i, len;
	u8 *buf;

	buf = kmalloc(f->each, GFP_ATOMIC | __GFP_NOWARN);
	if (!buf) {
		mmesh_stat_add(f->m, MMESH_STAT_RELAY_DROP_NO_MEMORY, f->n);
		return;
	}
	for (i = 0; i < f->n; i++) {
		len = min(skb->len - i * f->each, f->each);
		if (!test_bit(i, seen) &&
		    !skb_copy_bits(skb, i * f->each, buf, len))
			forward_copy(f, buf, len);
	}
	kfree(buf);
}

/* As bundle.c leaves one of ours. */
static void make_outgoing(const struct forward *f, struct sk_buff *skb)
{
	skb_orphan(skb);
	skb_clear_tstamp(skb);
	skb->priority = 0;
	skb->encapsulation = 0;
	skb->ip_summed = CHECKSUM_NONE;
	if (f->n < 2) {
		skb_gso_reset(skb);
		return;
	}
	skb_shinfo(skb)->gso_segs = f->n;
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_headroom(skb) - sizeof(struct udphdr);
	skb->csum_offset = offsetof(struct udphdr, check);
}

/* Room for the next leg's outer headers; the IP layer sees to the link's. What
 * came over IPv4 and goes on over IPv6 is moved, and with it the first header.
 */
static bool make_room(struct forward *f, struct sk_buff *skb)
{
	const unsigned int room = sizeof(struct udphdr) +
		(f->endpoint->addr.addr.sa_family == AF_INET6 ?
		 sizeof(struct ipv6hdr) : sizeof(struct iphdr));

	if (likely(skb_headroom(skb) >= room))
		return true;
	f->n = 0;
	if (!skb_cow_head(skb, room) && collect(f, skb))
		return true;
	mmesh_stat_inc(f->m, MMESH_STAT_RELAY_DROP_NO_MEMORY);
	return false;
}

static void forward_whole(struct forward *f, struct sk_buff *skb)
{
	const unsigned int bytes = skb->len;

	if (!find_way(f, f->n) || !within_limits(f, f->n, bytes) ||
	    !make_room(f, skb)) {
		kfree_skb(skb);
		return;
	}
	rewrite(f, f->at, f->n);
	make_outgoing(f, skb);
	account(f, f->n, bytes);
	send(f, skb);
}

static bool is_for_relay(const struct sk_buff *skb)
{
	u8 buf[MIN_CONTIGUOUS];
	const u8 *at = skb_header_pointer(skb, sizeof(struct udphdr), sizeof(buf),
					  buf);

	return at && get_unaligned_le32(at) == MMESH_MSG_RELAY;
}

/* What comes from another relay may be for this device itself. */
static bool is_way_through(const struct forward *f)
{
	return f->flags & MMESH_LEG_TO_RELAY ||
	       mmesh_channel_find_given(f->in->entry.peer, f->channel);
}

bool mmesh_relay_forward(struct mmesh_device *m, struct sk_buff *skb)
{
	DECLARE_BITMAP(seen, MAX_MESSAGES) = { };
	unsigned int replayed;
	struct mmesh_addr from;
	struct forward f;

	if (!is_for_relay(skb) || !is_ours(skb) ||
	    !mmesh_open_read_outer(skb, &from, &f.ds))
		return false;
	f.m = m;
	f.n = 0;
	__skb_pull(skb, sizeof(struct udphdr));
	f.each = skb_is_gso(skb) ? skb_shinfo(skb)->gso_size : skb->len;
	if (!collect(&f, skb) || !verify(&f, skb->len) || !is_way_through(&f)) {
		__skb_push(skb, sizeof(struct udphdr));
		return false;
	}
	f.client = client_of(f.in->entry.peer);
	mmesh_stat_inc(m, MMESH_STAT_RX_BUNDLES);
	replayed = take_counters(&f, seen);
	if (replayed < f.n)
		mmesh_leg_received(f.in, &from, skb->len);
	if (likely(!replayed)) {
		forward_whole(&f, skb);
		return true;
	}
	count(&f, MMESH_STAT_LEG_DROP_REPLAY, MMESH_CLIENT_DROP_REPLAY, replayed);
	forward_new(&f, skb, seen);
	consume_skb(skb);
	return true;
}
