// SPDX-License-Identifier: GPL-2.0
/* What waits for a peer that userspace may make. In: mmesh_device_send()
 * (device.c) and the handshake workers. Out: mmesh_device_send() again, and the
 * queue of handshake messages.
 * Drops: TX_DROP_MISS_TIMEOUT, TX_DROP_MISS_FULL, HS_DROP_MISS_TIMEOUT,
 * HS_DROP_MISS_FULL, HS_DROP_RATELIMIT.
 */

#include <linux/bottom_half.h>
#include <linux/in_route.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <net/dst_metadata.h>
#include <net/route.h>

#include "device.h"
#include "limits.h"
#include "miss.h"
#include "peer.h"
#include "ratelimiter.h"
#include "wire.h"

/* A destination, and the packets for it, in their order. */
struct wanted {
	__be16 protocol;	/* 0: the entry is free */
	bool foreign;		/* begun by a packet that was received */
	bool told;
	struct in6_addr addr;	/* an IPv4 address is its first word */
	unsigned long deadline;	/* jiffies */
	struct sk_buff_head packets;
};

/* An initiation, of somebody at @from who says that he has @key. */
struct stranger {
	bool used;
	bool told;
	u8 key[MMESH_KEY_LEN];
	struct mmesh_addr from;
	unsigned long deadline;	/* jiffies */
	struct mmesh_msg_initiation msg;
};

struct mmesh_miss {
	struct mmesh_device *device;
	spinlock_t lock;		/* all below; BH-safe */
	struct delayed_work expire;
	size_t bytes;			/* of all packets, in memory */
	unsigned int num_foreign;
	struct wanted wanted[MMESH_MISS_ADDRESSES];
	struct stranger strangers[MMESH_MISS_INITIATIONS];
};

static void drop_packets(struct mmesh_device *m, struct sk_buff_head *list,
			 unsigned int stat)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(list))) {
		mmesh_stat_inc(m, stat);
		DEV_STATS_INC(m->dev, tx_dropped);
		kfree_skb(skb);
	}
}

static bool target_of(const struct mmesh_device *m, const struct sk_buff *skb,
		      struct wanted *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->protocol = skb->protocol;
	ret->foreign = skb->skb_iif;
	if (skb->protocol == htons(ETH_P_IP)) {
		ret->addr.s6_addr32[0] = ip_hdr(skb)->daddr;
		return mmesh_allowedips_is_member_v4(&m->allowedips,
						     ip_hdr(skb)->daddr);
	}
	ret->addr = ipv6_hdr(skb)->daddr;
	return mmesh_allowedips_is_member_v6(&m->allowedips, &ret->addr);
}

/* One address, the network's or its broadcast's, is nobody's. */
static bool is_for_all(const struct sk_buff *skb)
{
	return skb->protocol == htons(ETH_P_IP) && skb_valid_dst(skb) &&
	       skb_rtable(skb)->rt_flags & (RTCF_BROADCAST | RTCF_MULTICAST);
}

/* Of IPv6 a whole /64, as for the rate limit. */
static bool is_same_host(const struct mmesh_addr *a, const struct mmesh_addr *b)
{
	if (a->addr.sa_family != b->addr.sa_family)
		return false;
	if (mmesh_addr_is_relayed(a))
		return a->relay.relay == b->relay.relay &&
		       a->relay.channel == b->relay.channel;
	if (a->addr.sa_family == AF_INET)
		return a->addr4.sin_addr.s_addr == b->addr4.sin_addr.s_addr;
	return !memcmp(&a->addr6.sin6_addr, &b->addr6.sin6_addr, 8);
}

/* From here to the next such line: miss->lock is held. */

/* Whether a peer has the address now, and can be sent to. */
static bool is_held(const struct mmesh_device *m, const struct wanted *w,
		    const struct sk_buff *skb)
{
	const struct mmesh_peer *peer;

	peer = w->protocol == htons(ETH_P_IP) ?
		mmesh_allowedips_lookup_v4(&m->allowedips, w->addr.s6_addr32[0], skb) :
		mmesh_allowedips_lookup_v6(&m->allowedips, &w->addr, skb);
	return peer && rcu_access_pointer(peer->endpoint);
}

static struct wanted *find_wanted(struct mmesh_miss *miss, const struct wanted *target)
{
	unsigned int i;

	for (i = 0; i < MMESH_MISS_ADDRESSES; i++)
		if (miss->wanted[i].protocol == target->protocol &&
		    !memcmp(&miss->wanted[i].addr, &target->addr, sizeof(target->addr)))
			return &miss->wanted[i];
	return NULL;
}

static struct wanted *free_wanted(struct mmesh_miss *miss)
{
	unsigned int i;

	for (i = 0; i < MMESH_MISS_ADDRESSES; i++)
		if (!miss->wanted[i].protocol)
			return &miss->wanted[i];
	return NULL;
}

static void expire_in(struct mmesh_miss *miss, unsigned long delay)
{
	queue_delayed_work(miss->device->handshakes.wq, &miss->expire, delay);
}

/* An entry for @target, or NULL. What others send through this machine leaves
 * half of the table to what it sends itself.
 */
static struct wanted *want(struct mmesh_miss *miss, const struct wanted *target)
{
	struct wanted *w = find_wanted(miss, target);

	if (w)
		return w;
	if (target->foreign && miss->num_foreign >= MMESH_MISS_ADDRESSES / 2)
		return NULL;
	w = free_wanted(miss);
	if (!w)
		return NULL;
	w->protocol = target->protocol;
	w->addr = target->addr;
	w->foreign = target->foreign;
	w->told = false;
	w->deadline = jiffies + MMESH_MISS_SECONDS * HZ;
	miss->num_foreign += w->foreign;
	expire_in(miss, MMESH_MISS_SECONDS * HZ);
	return w;
}

static bool hold(struct mmesh_miss *miss, const struct wanted *target,
		 struct sk_buff *skb)
{
	struct wanted *w;

	if (miss->bytes + skb->truesize > MMESH_MISS_BYTES)
		return false;
	w = want(miss, target);
	if (!w || skb_queue_len(&w->packets) >= MMESH_MISS_PACKETS)
		return false;
	/* It has to outlive this RCU section. */
	skb_dst_force(skb);
	miss->bytes += skb->truesize;
	__skb_queue_tail(&w->packets, skb);
	return true;
}

/* Once an entry; when nobody has heard it, again with its next packet. */
static void tell_wanted(struct mmesh_miss *miss, const struct wanted *target)
{
	struct wanted *w = find_wanted(miss, target);

	if (!w || w->told)
		return;
	w->told = w->protocol == htons(ETH_P_IP) ?
		mmesh_netlink_notify_miss_v4(miss->device, w->addr.s6_addr32[0]) :
		mmesh_netlink_notify_miss_v6(miss->device, &w->addr);
	if (w->told)
		mmesh_stat_inc(miss->device, MMESH_STAT_PEER_MISSES);
}

/* Free the entry; append its packets to @list. */
static void take_packets(struct mmesh_miss *miss, struct wanted *w,
			 struct sk_buff_head *list)
{
	const struct sk_buff *skb;

	skb_queue_walk(&w->packets, skb)
		miss->bytes -= skb->truesize;
	miss->num_foreign -= w->foreign;
	skb_queue_splice_tail_init(&w->packets, list);
	w->foreign = false;
	w->protocol = 0;
}

/* The place for an initiation: that of the last one with the same key from the
 * same place, or a free one; NULL: there is none for this host.
 */
static struct stranger *place_for(struct mmesh_miss *miss, const u8 *key,
				  const struct mmesh_addr *from)
{
	struct stranger *empty = NULL;
	unsigned int i, same = 0;

	for (i = 0; i < MMESH_MISS_INITIATIONS; i++) {
		struct stranger *s = &miss->strangers[i];

		if (!s->used) {
			empty = empty ?: s;
			continue;
		}
		if (!memcmp(s->key, key, MMESH_KEY_LEN) &&
		    mmesh_addr_same_remote(&s->from, from))
			return s;
		same += is_same_host(&s->from, from);
	}
	return same < MMESH_MISS_PER_HOST ? empty : NULL;
}

/* The newest of several is kept: it is what its sender waits for. */
static bool hold_initiation(struct mmesh_miss *miss, const u8 *key,
			    const struct mmesh_addr *from,
			    const struct mmesh_msg_initiation *msg)
{
	struct stranger *s = place_for(miss, key, from);

	if (!s)
		return false;
	if (!s->used) {
		s->told = false;
		s->deadline = jiffies + MMESH_MISS_SECONDS * HZ;
		expire_in(miss, MMESH_MISS_SECONDS * HZ);
	}
	s->used = true;
	memcpy(s->key, key, MMESH_KEY_LEN);
	s->from = *from;
	s->msg = *msg;
	if (!s->told) {
		s->told = mmesh_netlink_notify_miss_key(miss->device, key, from);
		if (s->told)
			mmesh_stat_inc(miss->device, MMESH_STAT_PEER_MISSES);
	}
	return true;
}

/* Take out what is due at @now. Returns when the next is, or 0: nothing is
 * left; *@ret_strangers: initiations that are gone.
 */
static unsigned long take_expired(struct mmesh_miss *miss, unsigned long now,
				  struct sk_buff_head *list,
				  unsigned int *ret_strangers)
{
	unsigned long left = 0;
	unsigned int i;

	*ret_strangers = 0;
	for (i = 0; i < MMESH_MISS_ADDRESSES; i++) {
		struct wanted *w = &miss->wanted[i];

		if (!w->protocol)
			continue;
		if (time_after_eq(now, w->deadline))
			take_packets(miss, w, list);
		else if (!left || w->deadline - now < left)
			left = w->deadline - now;
	}
	for (i = 0; i < MMESH_MISS_INITIATIONS; i++) {
		struct stranger *s = &miss->strangers[i];

		if (!s->used)
			continue;
		if (time_after_eq(now, s->deadline)) {
			s->used = false;
			++*ret_strangers;
		} else if (!left || s->deadline - now < left) {
			left = s->deadline - now;
		}
	}
	return left;
}

/* From here on it isn't. */

static void on_expiry(struct work_struct *work)
{
	struct mmesh_miss *miss = container_of(work, struct mmesh_miss, expire.work);
	struct mmesh_device *m = miss->device;
	struct sk_buff_head list;
	unsigned int strangers;
	unsigned long left;
	struct sk_buff *skb;

	__skb_queue_head_init(&list);
	spin_lock_bh(&miss->lock);
	left = take_expired(miss, jiffies, &list, &strangers);
	if (left)
		expire_in(miss, left);
	spin_unlock_bh(&miss->lock);

	mmesh_stat_add(m, MMESH_STAT_HS_DROP_MISS_TIMEOUT, strangers);
	local_bh_disable();
	while ((skb = __skb_dequeue(&list)))
		mmesh_device_refuse(m, skb, MMESH_STAT_TX_DROP_MISS_TIMEOUT);
	local_bh_enable();
}

bool mmesh_miss_packet(struct mmesh_device *m, struct sk_buff *skb)
{
	struct mmesh_miss *miss = rcu_dereference(m->miss);
	struct wanted target;
	bool held, found;

	if (!miss || !target_of(m, skb, &target) || is_for_all(skb))
		return false;
	spin_lock_bh(&miss->lock);
	/* Made since we looked: mmesh_miss_resolve() may have been here. */
	found = is_held(m, &target, skb);
	held = !found && hold(miss, &target, skb);
	if (held)
		tell_wanted(miss, &target);
	spin_unlock_bh(&miss->lock);

	if (found) {
		mmesh_device_send(m, skb, false);
	} else if (held) {
		mmesh_stat_inc(m, MMESH_STAT_TX_MISS_HELD);
	} else {
		mmesh_stat_inc(m, MMESH_STAT_TX_DROP_MISS_FULL);
		DEV_STATS_INC(m->dev, tx_dropped);
		kfree_skb(skb);
	}
	return true;
}

unsigned int mmesh_miss_initiation(struct mmesh_device *m, const u8 *key,
				   const struct mmesh_addr *from,
				   const struct mmesh_msg_initiation *msg)
{
	unsigned int stat = MMESH_STAT_HS_DROP_UNKNOWN_PEER;
	struct mmesh_peer *peer = NULL;
	struct mmesh_miss *miss;

	rcu_read_lock();
	miss = rcu_dereference(m->miss);
	if (!miss)
		goto unlock;
	stat = MMESH_STAT_HS_DROP_RATELIMIT;
	if (!mmesh_ratelimiter_allow(from, rcu_dereference(m->birth_net)))
		goto unlock;
	stat = MMESH_STAT_HS_DROP_MISS_FULL;
	spin_lock_bh(&miss->lock);
	/* Made since we looked: mmesh_miss_resolve() may have been here. */
	peer = mmesh_peer_lookup(m, key);
	if (peer || hold_initiation(miss, key, from, msg))
		stat = MMESH_STAT_HS_MISS_HELD;
	spin_unlock_bh(&miss->lock);
	if (peer)
		mmesh_handshake_enqueue(m, from, msg, sizeof(*msg));
unlock:
	rcu_read_unlock();
	mmesh_peer_put(peer);
	return stat;
}

static void resolve_packets(struct mmesh_miss *miss, struct wanted *w)
{
	struct mmesh_device *m = miss->device;
	struct sk_buff_head list;
	struct sk_buff *skb;

	__skb_queue_head_init(&list);
	spin_lock_bh(&miss->lock);
	if (w->protocol && !skb_queue_empty(&w->packets) &&
	    is_held(m, w, skb_peek(&w->packets)))
		take_packets(miss, w, &list);
	spin_unlock_bh(&miss->lock);
	if (skb_queue_empty(&list))
		return;
	local_bh_disable();
	while ((skb = __skb_dequeue(&list)))
		mmesh_device_send(m, skb, false);
	local_bh_enable();
}

static void resolve_stranger(struct mmesh_miss *miss, struct stranger *s)
{
	struct mmesh_device *m = miss->device;
	struct mmesh_peer *peer = NULL;
	struct stranger copy;

	spin_lock_bh(&miss->lock);
	if (s->used)
		peer = mmesh_peer_lookup(m, s->key);
	if (peer) {
		copy = *s;
		s->used = false;
	}
	spin_unlock_bh(&miss->lock);
	if (peer)
		mmesh_handshake_enqueue(m, &copy.from, &copy.msg, sizeof(copy.msg));
	mmesh_peer_put(peer);
}

void mmesh_miss_resolve(struct mmesh_device *m)
{
	struct mmesh_miss *miss;
	unsigned int i;

	rcu_read_lock();
	miss = rcu_dereference(m->miss);
	for (i = 0; miss && i < MMESH_MISS_ADDRESSES; i++)
		resolve_packets(miss, &miss->wanted[i]);
	for (i = 0; miss && i < MMESH_MISS_INITIATIONS; i++)
		resolve_stranger(miss, &miss->strangers[i]);
	rcu_read_unlock();
}

static void purge(struct mmesh_miss *miss, unsigned int stat)
{
	struct sk_buff_head list;
	unsigned int i;

	__skb_queue_head_init(&list);
	spin_lock_bh(&miss->lock);
	for (i = 0; i < MMESH_MISS_ADDRESSES; i++)
		if (miss->wanted[i].protocol)
			take_packets(miss, &miss->wanted[i], &list);
	for (i = 0; i < MMESH_MISS_INITIATIONS; i++) {
		if (miss->strangers[i].used)
			mmesh_stat_inc(miss->device, MMESH_STAT_HS_DROP_UNKNOWN_PEER);
		miss->strangers[i].used = false;
	}
	spin_unlock_bh(&miss->lock);
	drop_packets(miss->device, &list, stat);
}

void mmesh_miss_purge(struct mmesh_device *m, unsigned int stat)
{
	struct mmesh_miss *miss;

	rcu_read_lock();
	miss = rcu_dereference(m->miss);
	if (miss)
		purge(miss, stat);
	rcu_read_unlock();
}

struct mmesh_miss *mmesh_miss_alloc(struct mmesh_device *m)
{
	struct mmesh_miss *miss = kzalloc(sizeof(*miss), GFP_KERNEL_ACCOUNT);
	unsigned int i;

	if (!miss)
		return NULL;
	miss->device = m;
	spin_lock_init(&miss->lock);
	INIT_DELAYED_WORK(&miss->expire, on_expiry);
	for (i = 0; i < MMESH_MISS_ADDRESSES; i++)
		__skb_queue_head_init(&miss->wanted[i].packets);
	return miss;
}

void mmesh_miss_set(struct mmesh_device *m, struct mmesh_miss *miss)
{
	struct mmesh_miss *old;

	old = rcu_replace_pointer(m->miss, miss, lockdep_is_held(&m->update_lock));
	if (!old)
		return;
	/* Nobody puts anything into it, or arms its work, after this. */
	synchronize_net();
	cancel_delayed_work_sync(&old->expire);
	purge(old, MMESH_STAT_TX_DROP_NO_PEER);
	kfree(old);
}
