// SPDX-License-Identifier: GPL-2.0
/* Legs: relayed messages on their way out. In: send_to()
 * (socket.c), relay.c. Out: mmesh_socket_send_path() to the relay. Context: BH
 * off, RCU read. Drops: TX_DROP_RELAY (counted by socket.c).
 */

#include <linux/skbuff.h>

#include "device.h"
#include "handshake.h"
#include "leg.h"
#include "peer.h"
#include "via.h"

struct mmesh_keypair *mmesh_leg_keypair(struct mmesh_peer *peer)
{
	struct mmesh_keypair *keypair;

	keypair = rcu_dereference(peer->keypairs.current_keypair);
	if (!keypair || !keypair->ext || !READ_ONCE(keypair->sending_valid) ||
	    !READ_ONCE(peer->extended) ||
	    mmesh_expired(keypair->birthdate, MMESH_REJECT_AFTER_TIME))
		return NULL;
	return keypair;
}

struct mmesh_keypair *mmesh_leg_find(struct mmesh_device *m, __le32 index)
{
	struct mmesh_index_entry *entry;
	struct mmesh_keypair *keypair;

	entry = mmesh_index_lookup(&m->indices, MMESH_INDEX_KEYPAIR, index);
	if (!entry)
		return NULL;
	keypair = container_of(entry, struct mmesh_keypair, entry);
	if (!keypair->ext || !mmesh_peer_ext(entry->peer) ||
	    !READ_ONCE(keypair->receiving_valid) ||
	    mmesh_expired(keypair->birthdate, MMESH_REJECT_AFTER_TIME))
		return NULL;
	return keypair;
}

bool mmesh_leg_is_new(struct mmesh_session_ext *ext, u64 counter)
{
	bool ret;

	spin_lock(&ext->lock);
	ret = mmesh_replay_accept_leg(&ext->leg_replay, counter);
	spin_unlock(&ext->lock);
	return ret;
}

static void keep_fresh(struct mmesh_peer *peer, struct mmesh_keypair *keypair,
		       unsigned int seconds)
{
	if (unlikely(keypair->i_am_the_initiator &&
		     mmesh_expired(keypair->birthdate, seconds)))
		mmesh_handshake_initiate(peer, false);
}

void mmesh_leg_sent(struct mmesh_peer *peer, struct mmesh_keypair *keypair)
{
	mmesh_timers_traversal(peer);
	mmesh_timers_authenticated_sent(peer);
	mmesh_timers_data_sent(peer);
	keep_fresh(peer, keypair, MMESH_REKEY_AFTER_TIME);
}

void mmesh_leg_received(struct mmesh_keypair *keypair, const struct mmesh_addr *from,
			unsigned int bytes)
{
	struct mmesh_peer *peer = keypair->entry.peer;

	mmesh_endpoint_learn(peer, from);
	atomic64_add(bytes, &peer->rx_bytes);
	mmesh_timers_authenticated_received(peer);
	mmesh_timers_traversal(peer);
	mmesh_timers_data_received(peer);
	keep_fresh(peer, keypair, MMESH_REJECT_AFTER_TIME -
		   MMESH_KEEPALIVE_TIMEOUT - MMESH_REKEY_TIMEOUT);
}

/* Headers of the messages in @piece, each of @each bytes with its header but
 * the last of all, which may be shorter.
 */
static void stamp(const struct mmesh_session_ext *ext, u8 *piece, unsigned int len,
		  unsigned int each, struct mmesh_leg_header *header)
{
	unsigned int n;

	while (len) {
		n = min(len, each);
		header->len = n - MMESH_LEG_LEN;
		mmesh_leg_write(ext, piece, header);
		header->counter++;
		piece += n;
		len -= n;
	}
}

/* A bundle's messages are in a row each (bundle.c). */
static void stamp_all(struct sk_buff *skb, struct mmesh_keypair *keypair, u32 channel,
		      u16 flags)
{
	const unsigned int n = skb_shinfo(skb)->gso_segs ?: 1;
	const unsigned int each = skb_shinfo(skb)->gso_size ?: skb->len;
	struct mmesh_leg_header header = {
		.index = keypair->remote_index,
		.channel = channel,
		.flags = flags,
	};
	unsigned int i;

	header.counter = atomic64_add_return(n, &keypair->ext->leg_counter) - n;
	stamp(keypair->ext, skb->data, skb_headlen(skb), each, &header);
	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		const skb_frag_t *frag = &skb_shinfo(skb)->frags[i];

		stamp(keypair->ext, skb_frag_address(frag), skb_frag_size(frag),
		      each, &header);
	}
}

/* The relay that @addr names, with a session, or NULL; asks for what lacks. */
static struct mmesh_keypair *ready(struct mmesh_device *m, struct mmesh_peer *peer,
				   const struct mmesh_addr *addr)
{
	struct mmesh_peer *relay = mmesh_ext_by_number(m, addr->relay.relay);
	struct mmesh_endpoint *endpoint;
	struct mmesh_keypair *keypair;

	keypair = relay ? mmesh_leg_keypair(relay) : NULL;
	if (unlikely(!keypair || !addr->relay.channel)) {
		if (peer)
			mmesh_via_want(peer, relay);
		else if (relay && !keypair)
			mmesh_handshake_initiate(relay, false);
		return NULL;
	}
	/* A relay is not reached by a relay: two hops are its own business. */
	endpoint = rcu_dereference(relay->endpoint);
	return endpoint && !mmesh_addr_is_relayed(&endpoint->addr) ? keypair : NULL;
}

int mmesh_leg_send(struct mmesh_device *m, struct mmesh_peer *peer,
		   const struct mmesh_addr *addr, struct sk_buff *skb, u8 ds,
		   bool df, bool lead)
{
	struct mmesh_keypair *keypair = ready(m, peer, addr);
	struct mmesh_peer *relay;

	if (unlikely(!keypair || (!lead && skb_cow_head(skb, MMESH_LEG_LEN)))) {
		kfree_skb(skb);
		return -ENOLINK;
	}
	if (!lead)
		__skb_push(skb, MMESH_LEG_LEN);
	stamp_all(skb, keypair, addr->relay.channel,
		  MMESH_LEG_TO_RELAY | (df ? MMESH_LEG_DF : 0));
	relay = keypair->entry.peer;
	mmesh_leg_sent(relay, keypair);
	/* What goes wrong from here on is counted there. */
	mmesh_socket_send_path(relay, NULL, skb, ds, df);
	return 0;
}
