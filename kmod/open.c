// SPDX-License-Identifier: GPL-2.0
/* RX path, stage 3 of 5: open. In: the UDP sockets (socket.c), one datagram or
 * one aggregate of them at a time. Out: mmesh_land_commit() (land.c), after
 * mmesh_crypt_open() (crypt.c) and the replay window; handshake messages to
 * mmesh_handshake_enqueue() (handshake.c). Context: softirq, RCU read.
 * Drops: RX_DROP_SHORT, RX_DROP_LONG, RX_DROP_TYPE, RX_DROP_NO_SESSION,
 * RX_DROP_EXPIRED, RX_DROP_AUTH, RX_DROP_REPLAY, RX_DROP_NO_MEMORY,
 * LEG_DROP_NO_SESSION, LEG_DROP_AUTH, LEG_DROP_REPLAY, LEG_DROP_MALFORMED.
 * Control messages go to mmesh_control_receive() (control.c).
 *
 * Records are decrypted out of place: what arrives over veth or loopback may
 * be somebody's page cache.
 */

#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/udp.h>
#include <linux/unaligned.h>
#include <net/dsfield.h>
#include <net/ipv6.h>
#include <net/udp.h>

#include "control.h"
#include "crypt.h"
#include "device.h"
#include "land.h"
#include "leg.h"
#include "peer.h"
#include "relay.h"
#include "replay.h"
#include "socket.h"

/* A position in the data of an skb and of the members of its list. */
struct cursor {
	const struct sk_buff *skb;
	const struct sk_buff *list;	/* members still to come */
	int frag;			/* -1: the head */
	unsigned int offset;
};

/* What was received, and under which keypair the records so far came. */
struct reception {
	struct mmesh_device *m;
	struct mmesh_addr from;		/* of the message: outer, or a channel */
	struct mmesh_addr outer;
	struct mmesh_keypair *leg;	/* of the relay that sent it */
	unsigned int leg_bytes;
	struct mmesh_landing landing;
	struct mmesh_keypair *keypair;
	unsigned int bytes;
	bool authenticated;
	bool data;
};

static void count(struct reception *r, unsigned int stat)
{
	mmesh_stat_inc(r->m, stat);
	DEV_STATS_INC(r->m->dev, rx_errors);
}

static const u8 *piece(const struct cursor *c, unsigned int *len)
{
	const skb_frag_t *frag;

	if (c->frag < 0) {
		*len = skb_headlen(c->skb) - c->offset;
		return c->skb->data + c->offset;
	}
	frag = &skb_shinfo(c->skb)->frags[c->frag];
	*len = skb_frag_size(frag) - c->offset;
	return (u8 *)skb_frag_address(frag) + c->offset;
}

/* To the next piece with data. False at the end. */
static bool settle(struct cursor *c)
{
	unsigned int len;

	for (;;) {
		piece(c, &len);
		if (len)
			return true;
		c->offset = 0;
		if (++c->frag < skb_shinfo(c->skb)->nr_frags)
			continue;
		if (!c->list)
			return false;
		c->skb = c->list;
		c->list = c->list->next;
		c->frag = -1;
	}
}

/* @len bytes in a row; in *@bounce, for the caller to free, where the skb has
 * them in pieces. NULL: no memory or no data.
 */
static const u8 *take(struct cursor *c, unsigned int len, u8 **bounce)
{
	unsigned int n, done = 0;
	const u8 *at;

	*bounce = NULL;
	if (!settle(c))
		return NULL;
	at = piece(c, &n);
	if (likely(n >= len)) {
		c->offset += len;
		return at;
	}
	*bounce = kmalloc(len, GFP_ATOMIC);
	if (!*bounce)
		return NULL;
	while (done < len && settle(c)) {
		at = piece(c, &n);
		n = min(n, len - done);
		memcpy(*bounce + done, at, n);
		c->offset += n;
		done += n;
	}
	if (done == len)
		return *bounce;
	kfree(*bounce);
	*bounce = NULL;
	return NULL;
}

/* WireGuard paper, section 6.2: an initiator that only receives rekeys before
 * the session dies, once.
 */
static void keep_key_fresh(struct mmesh_peer *peer, struct mmesh_keypair *keypair)
{
	if (likely(!keypair->i_am_the_initiator ||
		   !mmesh_expired(keypair->birthdate,
				  MMESH_REJECT_AFTER_TIME -
				  MMESH_KEEPALIVE_TIMEOUT - MMESH_REKEY_TIMEOUT)))
		return;
	if (READ_ONCE(peer->timers.sent_lastminute_handshake) ||
	    keypair != rcu_dereference(peer->keypairs.current_keypair))
		return;
	WRITE_ONCE(peer->timers.sent_lastminute_handshake, true);
	mmesh_handshake_initiate(peer, false);
}

/* What has to be done once for all records of a keypair. */
static void finish(struct reception *r)
{
	struct mmesh_keypair *keypair = r->keypair;
	struct mmesh_peer *peer;

	r->keypair = NULL;
	mmesh_land_finish(&r->landing);
	if (!r->authenticated)
		return;
	peer = keypair->entry.peer;
	mmesh_endpoint_learn(peer, &r->from);
	atomic64_add(r->bytes, &peer->rx_bytes);
	mmesh_timers_authenticated_received(peer);
	mmesh_timers_traversal(peer);
	if (r->data)
		mmesh_timers_data_received(peer);
	if (unlikely(mmesh_keypairs_received_with(&peer->keypairs, keypair))) {
		mmesh_timers_handshake_complete(peer);
		mmesh_seal_flush_staged(peer);
	}
	keep_key_fresh(peer, keypair);
	r->bytes = 0;
	r->authenticated = false;
	r->data = false;
}

static bool find_keypair(struct reception *r, __le32 index)
{
	struct mmesh_index_entry *entry;
	struct mmesh_keypair *keypair;

	if (likely(r->keypair && r->keypair->entry.index == index))
		return true;
	if (r->keypair)
		finish(r);
	entry = mmesh_index_lookup(&r->m->indices, MMESH_INDEX_KEYPAIR, index);
	if (!entry) {
		count(r, MMESH_STAT_RX_DROP_NO_SESSION);
		return false;
	}
	keypair = container_of(entry, struct mmesh_keypair, entry);
	if (!READ_ONCE(keypair->receiving_valid) ||
	    mmesh_expired(keypair->birthdate, MMESH_REJECT_AFTER_TIME)) {
		WRITE_ONCE(keypair->receiving_valid, false);
		count(r, MMESH_STAT_RX_DROP_EXPIRED);
		return false;
	}
	r->keypair = keypair;
	return true;
}

static bool is_new(struct mmesh_keypair *keypair, u64 counter)
{
	const u64 limit = keypair->suite == MMESH_SUITE_AES256GCM ?
		MMESH_REJECT_AFTER_MESSAGES_AES : MMESH_REJECT_AFTER_MESSAGES;
	bool ok;

	spin_lock(&keypair->replay_lock);
	ok = mmesh_replay_accept(&keypair->replay, counter, limit);
	spin_unlock(&keypair->replay_lock);
	return ok;
}

static void receive_record(struct reception *r, const u8 *msg, unsigned int len)
{
	const struct mmesh_msg_data *header = (const struct mmesh_msg_data *)msg;
	const unsigned int text_len = len - MMESH_RECORD_OVERHEAD;
	struct mmesh_keypair *keypair;
	u64 counter;
	u8 *text;

	if (!find_keypair(r, header->receiver_index))
		return;
	keypair = r->keypair;
	counter = get_unaligned_le64(&header->counter);
	text = mmesh_land_reserve(&r->landing, text_len);
	if (unlikely(!text)) {
		count(r, MMESH_STAT_RX_DROP_NO_MEMORY);
		return;
	}
	if (unlikely(mmesh_crypt_open(&keypair->receiving, text,
				      msg + sizeof(*header),
				      len - sizeof(*header), counter))) {
		mmesh_land_cancel(&r->landing);
		count(r, MMESH_STAT_RX_DROP_AUTH);
		return;
	}
	if (unlikely(!is_new(keypair, counter))) {
		mmesh_land_cancel(&r->landing);
		count(r, MMESH_STAT_RX_DROP_REPLAY);
		return;
	}
	r->authenticated = true;
	r->bytes += len;
	mmesh_stat_inc(r->m, MMESH_STAT_RX_RECORDS);
	if (!text_len) {
		mmesh_land_cancel(&r->landing);
		mmesh_stat_inc(r->m, MMESH_STAT_RX_KEEPALIVES);
		return;
	}
	r->data = true;
	mmesh_land_commit(&r->landing, keypair->entry.peer, text_len);
}

static void receive_handshake(struct reception *r, const u8 *msg, unsigned int len,
			      unsigned int expected)
{
	if (len == expected)
		mmesh_handshake_enqueue(r->m, &r->from, msg, len);
	else
		count(r, len < expected ? MMESH_STAT_RX_DROP_SHORT :
					  MMESH_STAT_RX_DROP_LONG);
}

/* A message of a peer, as it came or from behind a leg's header. */
static void receive_inner(struct reception *r, const u8 *msg, unsigned int len)
{
	if (unlikely(len < MMESH_MSG_MIN_LEN)) {
		count(r, MMESH_STAT_RX_DROP_SHORT);
		return;
	}
	switch (get_unaligned_le32(msg)) {
	case MMESH_MSG_DATA:
		receive_record(r, msg, len);
		return;
	case MMESH_MSG_INITIATION:
	case MMESH_MSG_INITIATION_AES:
		receive_handshake(r, msg, len, sizeof(struct mmesh_msg_initiation));
		return;
	case MMESH_MSG_RESPONSE:
	case MMESH_MSG_RESPONSE_AES:
		receive_handshake(r, msg, len, sizeof(struct mmesh_msg_response));
		return;
	case MMESH_MSG_CONTROL:
		mmesh_control_receive(r->m, &r->from, msg, len);
		return;
	case MMESH_MSG_COOKIE:
		receive_handshake(r, msg, len, sizeof(struct mmesh_msg_cookie));
		return;
	}
	count(r, MMESH_STAT_RX_DROP_TYPE);
}

/* The messages before came from elsewhere: have done with them. */
static void set_from(struct reception *r, const struct mmesh_addr *from)
{
	if (mmesh_addr_equal(&r->from, from))
		return;
	finish(r);
	r->from = *from;
}

static void leave_leg(struct reception *r)
{
	struct mmesh_keypair *leg = r->leg;

	r->leg = NULL;
	set_from(r, &r->outer);
	if (r->leg_bytes)
		mmesh_leg_received(leg, &r->outer, r->leg_bytes);
	r->leg_bytes = 0;
}

/* The leg's header of a relayed message. False: dropped, and counted. */
static bool open_leg(struct reception *r, const u8 *msg, unsigned int len,
		     struct mmesh_leg_header *header)
{
	const struct mmesh_msg_relay *relay = (const struct mmesh_msg_relay *)msg;
	__le32 index = (__force __le32)get_unaligned((u32 *)&relay->receiver_index);

	if (r->leg && r->leg->entry.index != index)
		leave_leg(r);
	if (!r->leg)
		r->leg = mmesh_leg_find(r->m, index);
	if (!r->leg) {
		count(r, MMESH_STAT_LEG_DROP_NO_SESSION);
		return false;
	}
	if (!mmesh_leg_verify(r->leg->ext, msg, header)) {
		count(r, MMESH_STAT_LEG_DROP_AUTH);
		return false;
	}
	if (!mmesh_leg_is_new(r->leg->ext, header->counter)) {
		count(r, MMESH_STAT_LEG_DROP_REPLAY);
		return false;
	}
	return true;
}

static void receive_relayed(struct reception *r, const u8 *msg, unsigned int len)
{
	struct mmesh_addr from = { };
	struct mmesh_leg_header header;

	if (len < MMESH_LEG_LEN + MMESH_MSG_MIN_LEN) {
		count(r, MMESH_STAT_LEG_DROP_MALFORMED);
		return;
	}
	if (!open_leg(r, msg, len, &header))
		return;
	/* A header in a header would be a third hop. */
	if (header.len != len - MMESH_LEG_LEN || header.flags & ~MMESH_LEG_FLAGS ||
	    get_unaligned_le32(msg + MMESH_LEG_LEN) == MMESH_MSG_RELAY) {
		count(r, MMESH_STAT_LEG_DROP_MALFORMED);
		return;
	}
	r->leg_bytes += len;
	mmesh_stat_inc(r->m, MMESH_STAT_LEG_RX);
	if (mmesh_relay_forward_one(r->leg, msg, len, r->landing.ds))
		return;
	from.relay.family = MMESH_AF_RELAY;
	from.relay.relay = r->leg->entry.peer->ext->number;
	from.relay.channel = header.channel;
	set_from(r, &from);
	receive_inner(r, msg + MMESH_LEG_LEN, len - MMESH_LEG_LEN);
}

static void receive_message(struct reception *r, const u8 *msg, unsigned int len)
{
	if (unlikely(len >= sizeof(u32) &&
		     get_unaligned_le32(msg) == MMESH_MSG_RELAY)) {
		receive_relayed(r, msg, len);
		return;
	}
	if (unlikely(r->leg))
		leave_leg(r);
	receive_inner(r, msg, len);
}

bool mmesh_open_read_outer(const struct sk_buff *skb, struct mmesh_addr *from,
			   u8 *ds)
{
	const struct udphdr *udp = udp_hdr(skb);

	memset(from, 0, sizeof(*from));
	if (skb->protocol == htons(ETH_P_IP)) {
		from->addr4.sin_family = AF_INET;
		from->addr4.sin_port = udp->source;
		from->addr4.sin_addr.s_addr = ip_hdr(skb)->saddr;
		from->src4.s_addr = ip_hdr(skb)->daddr;
		from->src_if4 = skb->skb_iif;
		*ds = ip_hdr(skb)->tos;
		return true;
	}
	if (skb->protocol == htons(ETH_P_IPV6)) {
		from->addr6.sin6_family = AF_INET6;
		from->addr6.sin6_port = udp->source;
		from->addr6.sin6_addr = ipv6_hdr(skb)->saddr;
		from->addr6.sin6_scope_id =
			ipv6_iface_scope_id(&ipv6_hdr(skb)->saddr, skb->skb_iif);
		from->src6 = ipv6_hdr(skb)->daddr;
		*ds = ipv6_get_dsfield(ipv6_hdr(skb));
		return true;
	}
	return false;
}

static void finish_all(struct reception *r)
{
	if (unlikely(r->leg))
		leave_leg(r);
	finish(r);
}

/* An endpoint is learnt from records that came from there, so those of another
 * source, which may be forged, must not join a reception; nor those with
 * another mark of congestion.
 */
static bool begin(struct reception *r, struct sk_buff *skb)
{
	struct mmesh_addr from;
	u8 ds;

	if (unlikely(!pskb_may_pull(skb, sizeof(struct udphdr)) ||
		     skb->len <= sizeof(struct udphdr) ||
		     !mmesh_open_read_outer(skb, &from, &ds))) {
		count(r, MMESH_STAT_RX_DROP_SHORT);
		return false;
	}
	if ((r->keypair || r->leg) &&
	    (ds != r->landing.ds || memcmp(&from, &r->outer, sizeof(from))))
		finish_all(r);
	r->outer = from;
	if (!r->leg)
		r->from = from;
	r->landing.ds = ds;
	return true;
}

static void receive_all(struct reception *r, struct sk_buff *skb)
{
	unsigned int left = skb->len - sizeof(struct udphdr);
	const unsigned int each = skb_is_gso(skb) ? skb_shinfo(skb)->gso_size : left;
	struct cursor c = {
		.skb = skb,
		.list = skb_shinfo(skb)->frag_list,
		.frag = -1,
		.offset = sizeof(struct udphdr),
	};
	unsigned int len;
	const u8 *msg;
	u8 *bounce;

	mmesh_stat_inc(r->m, MMESH_STAT_RX_BUNDLES);
	while (left) {
		len = min(left, each);
		msg = take(&c, len, &bounce);
		if (unlikely(!msg)) {
			count(r, MMESH_STAT_RX_DROP_NO_MEMORY);
			break;
		}
		receive_message(r, msg, len);
		kfree(bounce);
		left -= len;
	}
}

void mmesh_open_receive(struct mmesh_device *m, struct sk_buff *skb, bool alone)
{
	struct reception r = { .m = m, .landing.m = m };

	r.landing.lone = !skb_is_gso(skb);
	r.landing.alone = alone;
	if (begin(&r, skb))
		receive_all(&r, skb);
	finish_all(&r);
	mmesh_land_release(&r.landing);
	consume_skb(skb);
}

void mmesh_open_list(struct mmesh_device *m, struct sk_buff_head *list)
{
	struct reception r = { .m = m, .landing.m = m };
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(list))) {
		if (begin(&r, skb))
			receive_all(&r, skb);
		consume_skb(skb);
	}
	finish_all(&r);
}
