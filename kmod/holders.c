// SPDX-License-Identifier: GPL-2.0
/* Which of a prefix's holders takes a flow: weighted rendezvous hashing, so
 * that a holder which comes or goes moves no other flow than its own.
 */

#include <linux/bitops.h>
#include <linux/math64.h>
#include <linux/once.h>
#include <linux/siphash.h>
#include <linux/skbuff.h>
#include <net/flow_dissector.h>

#include "handshake.h"
#include "holders.h"
#include "limits.h"
#include "path.h"
#include "peer.h"
#include "timers.h"

static siphash_key_t secret __read_mostly;

static void make_secret(void)
{
	get_random_once(&secret, sizeof(secret));
}

u64 mmesh_holders_flow(const struct sk_buff *skb)
{
	struct {
		struct in6_addr src, dst;
		__be32 ports;
		u32 protocol;
	} id __aligned(SIPHASH_ALIGNMENT) = {};
	struct flow_keys keys;

	make_secret();
	memset(&keys, 0, sizeof(keys));
	if (skb_flow_dissect_flow_keys(skb, &keys, 0)) {
		id.ports = keys.ports.ports;
		id.protocol = keys.basic.ip_proto;
		if (keys.control.addr_type == FLOW_DISSECTOR_KEY_IPV4_ADDRS) {
			id.src.s6_addr32[0] = keys.addrs.v4addrs.src;
			id.dst.s6_addr32[0] = keys.addrs.v4addrs.dst;
		} else if (keys.control.addr_type == FLOW_DISSECTOR_KEY_IPV6_ADDRS) {
			id.src = keys.addrs.v6addrs.src;
			id.dst = keys.addrs.v6addrs.dst;
		}
	}
	return siphash(&id, sizeof(id), &secret);
}

/* -log2(@x / 2^64), 26 bits behind the point; above 0, at most 64. */
static u64 minus_log2(u64 x)
{
	const unsigned int zeros = x ? 64 - fls64(x) : 63;
	u64 mantissa, log = 0;
	unsigned int i;

	/* From 1 to 2, 31 bits behind the point; each squaring gives a bit. */
	mantissa = x ? (x << zeros) >> 32 : BIT_ULL(31);
	for (i = 0; i < 26; i++) {
		mantissa = (mantissa * mantissa) >> 31;
		log <<= 1;
		if (mantissa >> 32) {
			mantissa >>= 1;
			log |= 1;
		}
	}
	return (((u64)zeros + 1) << 26) - log;
}

/* The holder draws a number; the least one, divided by its weight, wins. Drawn
 * so, each wins as often as its weight says.
 */
static u64 draw(u64 flow, const struct mmesh_peer *peer)
{
	return minus_log2(siphash_2u64(flow, peer->internal_id, &secret));
}

static bool is_live(const struct mmesh_peer *peer)
{
	return !READ_ONCE(peer->unreachable) &&
	       rcu_access_pointer(peer->endpoint);
}

/* Nothing is sent to it, so nothing else would find out that it is back: its
 * paths are probed on, and, if it has none, or no session, a handshake tells.
 */
static void try_again(struct mmesh_peer *peer)
{
	const u64 last = READ_ONCE(peer->last_sent_handshake);

	mmesh_path_data(peer, false);
	if (rcu_access_pointer(peer->endpoint) &&
	    (!last || mmesh_expired(last, MMESH_RETRY_HOLDER)))
		mmesh_handshake_initiate(peer, false);
}

static struct mmesh_peer *pick(const struct mmesh_holders *set, u64 flow,
			       bool any)
{
	struct mmesh_peer *best = NULL;
	u64 best_draw = 0;
	u32 weight = 1, priority = 0;
	unsigned int i;

	for (i = 0; i < set->count; i++) {
		const struct mmesh_holder *h = &set->holder[i];
		struct mmesh_peer *peer;
		u64 drawn;

		peer = rcu_dereference_check(h->peer, rcu_read_lock_bh_held());
		if (!peer)
			continue;
		if (best && h->priority != priority)
			break;
		if (!any && !is_live(peer)) {
			try_again(peer);
			continue;
		}
		drawn = draw(flow, peer);
		if (best && drawn * weight >= best_draw * h->weight)
			continue;
		best = peer;
		best_draw = drawn;
		weight = h->weight;
		priority = h->priority;
	}
	return best;
}

struct mmesh_peer *mmesh_holders_pick(const struct mmesh_holders *set, u64 flow)
{
	make_secret();
	return pick(set, flow, false) ?: pick(set, flow, true);
}

bool mmesh_holders_have(const struct mmesh_holders *set,
			const struct mmesh_peer *peer)
{
	unsigned int i;

	for (i = 0; i < set->count; i++)
		if (rcu_access_pointer(set->holder[i].peer) == peer)
			return true;
	return false;
}
