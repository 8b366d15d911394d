// SPDX-License-Identifier: GPL-2.0
/* What waits for a peer: bounds, order, events, the end of waiting. */
#include <linux/ip.h>
#include <linux/skbuff.h>

#include "device.h"
#include "limits.h"
#include "peer.h"
#include "ratelimiter.h"
#include "test.h"

/* What the tables do to others. */
static struct {
	unsigned int sent, last_sent;	/* packets; the newest's number */
	bool in_order;
	unsigned int events, messages;
	bool has_listeners, has_peer;
	struct mmesh_peer *peer;
	__le32 last_message;
} out;

static void fake_send(struct mmesh_device *m, struct sk_buff *skb, bool may_miss)
{
	if (may_miss || skb->mark < out.last_sent)
		out.in_order = false;
	out.last_sent = skb->mark;
	out.sent++;
	kfree_skb(skb);
}

static void fake_refuse(struct mmesh_device *m, struct sk_buff *skb, unsigned int stat)
{
	kfree_skb(skb);
}

static bool fake_event_v4(struct mmesh_device *m, __be32 addr)
{
	out.events += out.has_listeners;
	return out.has_listeners;
}

static bool fake_event_v6(struct mmesh_device *m, const struct in6_addr *addr)
{
	return fake_event_v4(m, 0);
}

static bool fake_event_key(struct mmesh_device *m, const u8 *key,
			   const struct mmesh_addr *from)
{
	return fake_event_v4(m, 0);
}

static struct mmesh_peer *fake_lookup(struct mmesh_device *m, const u8 *public_key)
{
	return out.has_peer ? mmesh_peer_get(out.peer) : NULL;
}

static void fake_enqueue(struct mmesh_device *m, const struct mmesh_addr *from,
			 const void *data, size_t len)
{
	const struct mmesh_msg_initiation *msg = data;

	out.last_message = msg->sender_index;
	out.messages++;
}

static bool fake_allow(const struct mmesh_addr *from, struct net *net)
{
	return true;
}

static bool fake_same_remote(const struct mmesh_addr *a, const struct mmesh_addr *b)
{
	return !memcmp(&a->addr4, &b->addr4, sizeof(a->addr4));
}

#define mmesh_device_send fake_send
#define mmesh_device_refuse fake_refuse
#define mmesh_netlink_notify_miss_v4 fake_event_v4
#define mmesh_netlink_notify_miss_v6 fake_event_v6
#define mmesh_netlink_notify_miss_key fake_event_key
#define mmesh_peer_lookup fake_lookup
#define mmesh_handshake_enqueue fake_enqueue
#define mmesh_ratelimiter_allow fake_allow
#define mmesh_addr_same_remote fake_same_remote
#include "../kmod/miss.c"

struct fixture {
	struct mmesh_device m;
	struct mmesh_peer peer;
	struct mmesh_endpoint endpoint;
};

static int miss_init(struct kunit *test)
{
	const struct in_addr net = { .s_addr = cpu_to_be32(0x0a000000) };
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	struct mmesh_device *m = &f->m;

	KUNIT_ASSERT_NOT_NULL(test, f);
	m->dev = kunit_kzalloc(test, sizeof(*m->dev), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m->dev);
	m->handshakes.wq = system_unbound_wq;
	mutex_init(&m->update_lock);
	mmesh_allowedips_init(&m->allowedips);
	INIT_LIST_HEAD(&f->peer.allowedips_list);
	INIT_LIST_HEAD(&f->peer.shared_list);
	kref_init(&f->peer.refcount);
	memset(&out, 0, sizeof(out));
	out.has_listeners = true;
	out.in_order = true;
	out.peer = &f->peer;
	m->stats = alloc_percpu(struct mmesh_stats);
	KUNIT_ASSERT_TRUE(test, !!m->stats);
	mutex_lock(&m->update_lock);
	mmesh_allowedips_set_member(&m->allowedips.member4,
				    mmesh_allowedips_member_v4(&net, 8), &m->update_lock);
	mmesh_miss_set(m, mmesh_miss_alloc(m));
	mutex_unlock(&m->update_lock);
	KUNIT_ASSERT_NOT_NULL(test, rcu_access_pointer(m->miss));
	test->priv = f;
	return 0;
}

static void miss_exit(struct kunit *test)
{
	struct fixture *f = test->priv;

	mutex_lock(&f->m.update_lock);
	mmesh_miss_set(&f->m, NULL);
	mmesh_allowedips_free(&f->m.allowedips, &f->m.update_lock);
	mutex_unlock(&f->m.update_lock);
	free_percpu(f->m.stats);
	rcu_barrier();
	KUNIT_EXPECT_EQ(test, kref_read(&f->peer.refcount), 1);
}

static struct mmesh_miss *tables(struct fixture *f)
{
	return rcu_dereference_protected(f->m.miss, true);
}

static u64 stat(struct fixture *f, unsigned int id)
{
	return mmesh_stats_read(f->m.stats, id);
}

/* A packet for 10.0.x.y, its number, and where it came from. */
static bool packet(struct kunit *test, u16 xy, u32 number, int iif, unsigned int len)
{
	struct fixture *f = test->priv;
	struct sk_buff *skb = alloc_skb(sizeof(struct iphdr) + len, GFP_KERNEL);
	bool taken;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_reset_network_header(skb);
	skb_put_zero(skb, sizeof(struct iphdr) + len);
	ip_hdr(skb)->daddr = cpu_to_be32(0x0a000000 + xy);
	skb->protocol = htons(ETH_P_IP);
	skb->skb_iif = iif;
	skb->mark = number;
	local_bh_disable();
	rcu_read_lock();
	taken = mmesh_miss_packet(&f->m, skb);
	rcu_read_unlock();
	local_bh_enable();
	if (!taken)
		kfree_skb(skb);
	return taken;
}

static void give(struct fixture *f, u32 ip, u8 cidr)
{
	const struct in_addr addr = { .s_addr = cpu_to_be32(ip) };

	RCU_INIT_POINTER(f->peer.endpoint, &f->endpoint);
	mutex_lock(&f->m.update_lock);
	mmesh_allowedips_insert_v4(&f->m.allowedips, &addr, cidr, &f->peer,
				   &f->m.update_lock);
	mmesh_miss_resolve(&f->m);
	mutex_unlock(&f->m.update_lock);
}

static void resolve(struct fixture *f)
{
	mutex_lock(&f->m.update_lock);
	mmesh_miss_resolve(&f->m);
	mutex_unlock(&f->m.update_lock);
}

static void miss_bounds(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct mmesh_miss *miss = tables(f);
	unsigned int i;

	for (i = 0; i < 2 * MMESH_MISS_PACKETS; i++)
		KUNIT_EXPECT_TRUE(test, packet(test, 1, i, 0, 0));
	KUNIT_EXPECT_EQ(test, stat(f, MMESH_STAT_TX_MISS_HELD), MMESH_MISS_PACKETS);
	KUNIT_EXPECT_EQ(test, stat(f, MMESH_STAT_TX_DROP_MISS_FULL), MMESH_MISS_PACKETS);
	/* Others fill half of the table, this machine the rest of it. */
	for (i = 0; i < 2 * MMESH_MISS_ADDRESSES; i++)
		packet(test, 0x100 + i, 0, 7, 0);
	KUNIT_EXPECT_EQ(test, miss->num_foreign, MMESH_MISS_ADDRESSES / 2);
	for (i = 0; i < 2 * MMESH_MISS_ADDRESSES; i++)
		packet(test, 0x200 + i, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, miss->num_foreign, MMESH_MISS_ADDRESSES / 2);
	KUNIT_EXPECT_EQ(test, stat(f, MMESH_STAT_TX_MISS_HELD),
			MMESH_MISS_PACKETS + MMESH_MISS_ADDRESSES - 1);
	KUNIT_EXPECT_EQ(test, out.events, MMESH_MISS_ADDRESSES);
	mmesh_miss_purge(&f->m, MMESH_STAT_TX_DROP_DEVICE_DOWN);
	KUNIT_EXPECT_EQ(test, stat(f, MMESH_STAT_TX_DROP_DEVICE_DOWN),
			MMESH_MISS_PACKETS + MMESH_MISS_ADDRESSES - 1);
	KUNIT_EXPECT_EQ(test, miss->num_foreign, 0);
	KUNIT_EXPECT_EQ(test, miss->bytes, 0);
}

static void miss_bytes(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct mmesh_miss *miss = tables(f);
	unsigned int i;

	for (i = 0; i < 4 * MMESH_MISS_ADDRESSES; i++)
		packet(test, i % MMESH_MISS_ADDRESSES, i, 0, 30000);
	KUNIT_EXPECT_LE(test, miss->bytes, MMESH_MISS_BYTES);
	KUNIT_EXPECT_GT(test, miss->bytes, MMESH_MISS_BYTES / 2);
	KUNIT_EXPECT_EQ(test, stat(f, MMESH_STAT_TX_MISS_HELD) +
			stat(f, MMESH_STAT_TX_DROP_MISS_FULL), 4 * MMESH_MISS_ADDRESSES);
	/* What found no room has left no entry behind. */
	KUNIT_EXPECT_EQ(test, out.events, min_t(u64, stat(f, MMESH_STAT_TX_MISS_HELD),
						MMESH_MISS_ADDRESSES));
}

static void miss_members_only(struct kunit *test)
{
	struct fixture *f = test->priv;

	mutex_lock(&f->m.update_lock);
	mmesh_allowedips_set_member(&f->m.allowedips.member4, NULL, &f->m.update_lock);
	mutex_unlock(&f->m.update_lock);
	KUNIT_EXPECT_FALSE(test, packet(test, 1, 0, 0, 0));
	KUNIT_EXPECT_EQ(test, out.events, 0);
}

static void miss_resolve(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		packet(test, 1, i, 0, 0);
		packet(test, 2, i, 0, 0);
	}
	/* Another's prefix, and a holder that can't be sent to, are none. */
	give(f, 0x0a000009, 32);
	KUNIT_EXPECT_EQ(test, out.sent, 0);
	RCU_INIT_POINTER(f->peer.endpoint, NULL);
	resolve(f);
	give(f, 0x0a000001, 32);
	KUNIT_EXPECT_EQ(test, out.sent, 4);
	KUNIT_EXPECT_TRUE(test, out.in_order);
	/* Its holder is there by now. */
	packet(test, 1, 4, 0, 0);
	KUNIT_EXPECT_EQ(test, out.sent, 5);
	KUNIT_EXPECT_EQ(test, stat(f, MMESH_STAT_TX_MISS_HELD), 8);
}

static void miss_events(struct kunit *test)
{
	out.has_listeners = false;
	packet(test, 1, 0, 0, 0);
	out.has_listeners = true;
	packet(test, 1, 1, 0, 0);
	packet(test, 1, 2, 0, 0);
	KUNIT_EXPECT_EQ(test, out.events, 1);
	KUNIT_EXPECT_EQ(test, stat(test->priv, MMESH_STAT_PEER_MISSES), 1);
}

static unsigned long expire(struct mmesh_miss *miss, unsigned long now,
			    unsigned int *ret_packets, unsigned int *ret_strangers)
{
	struct sk_buff_head list;
	unsigned long left;

	__skb_queue_head_init(&list);
	spin_lock_bh(&miss->lock);
	left = take_expired(miss, now, &list, ret_strangers);
	spin_unlock_bh(&miss->lock);
	*ret_packets = skb_queue_len(&list);
	__skb_queue_purge(&list);
	return left;
}

static void initiation(struct fixture *f, u8 key, u32 ip, u16 port, u32 index,
		       unsigned int expected, struct kunit *test)
{
	const struct mmesh_msg_initiation msg = { .sender_index = cpu_to_le32(index) };
	const struct mmesh_addr from = {
		.addr4 = {
			.sin_family = AF_INET,
			.sin_addr.s_addr = cpu_to_be32(ip),
			.sin_port = cpu_to_be16(port),
		},
	};
	const u8 public_key[MMESH_KEY_LEN] = { key };

	KUNIT_EXPECT_EQ(test, mmesh_miss_initiation(&f->m, public_key, &from, &msg), expected);
}

static void miss_expiry(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct mmesh_miss *miss = tables(f);
	unsigned int packets, strangers;
	unsigned long left, begin = jiffies;

	packet(test, 1, 0, 3, 0);
	packet(test, 1, 1, 0, 0);
	initiation(f, 1, 5, 5, 1, MMESH_STAT_HS_MISS_HELD, test);
	left = expire(miss, begin + MMESH_MISS_SECONDS * HZ - 1, &packets, &strangers);
	KUNIT_EXPECT_GE(test, left, 1);
	KUNIT_EXPECT_LE(test, left, 1 + jiffies - begin);
	KUNIT_EXPECT_EQ(test, packets + strangers, 0);
	left = expire(miss, jiffies + MMESH_MISS_SECONDS * HZ, &packets, &strangers);
	KUNIT_EXPECT_EQ(test, left, 0);
	KUNIT_EXPECT_EQ(test, packets, 2);
	KUNIT_EXPECT_EQ(test, strangers, 1);
	KUNIT_EXPECT_EQ(test, miss->bytes, 0);
	KUNIT_EXPECT_EQ(test, miss->num_foreign, 0);
	/* It begins anew. */
	packet(test, 1, 2, 0, 0);
	KUNIT_EXPECT_EQ(test, out.events, 3);
}

static void miss_strangers(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i;

	/* One host has only so many, however many keys it says it has. */
	for (i = 0; i < MMESH_MISS_PER_HOST; i++)
		initiation(f, i, 1, 100 + i, i, MMESH_STAT_HS_MISS_HELD, test);
	initiation(f, i, 1, 100, 0, MMESH_STAT_HS_DROP_MISS_FULL, test);
	/* Again the same: no further place, no further event. */
	initiation(f, 2, 1, 102, 77, MMESH_STAT_HS_MISS_HELD, test);
	KUNIT_EXPECT_EQ(test, out.events, MMESH_MISS_PER_HOST);
	for (i = MMESH_MISS_PER_HOST; i < MMESH_MISS_INITIATIONS; i++)
		initiation(f, i, 1 + i, 100, i, MMESH_STAT_HS_MISS_HELD, test);
	initiation(f, 99, 99, 100, 0, MMESH_STAT_HS_DROP_MISS_FULL, test);
	initiation(f, 2, 1, 102, 78, MMESH_STAT_HS_MISS_HELD, test);

	/* The stand-in finds every key. */
	out.has_peer = true;
	resolve(f);
	KUNIT_EXPECT_EQ(test, out.messages, MMESH_MISS_INITIATIONS);
	out.has_peer = false;
	resolve(f);
	KUNIT_EXPECT_EQ(test, out.messages, MMESH_MISS_INITIATIONS);
	/* The peer was made while the worker looked: back to the queue. */
	out.has_peer = true;
	initiation(f, 3, 3, 3, 99, MMESH_STAT_HS_MISS_HELD, test);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(out.last_message), 99);
}

static void miss_newest_initiation(struct kunit *test)
{
	struct fixture *f = test->priv;

	initiation(f, 1, 1, 1, 5, MMESH_STAT_HS_MISS_HELD, test);
	initiation(f, 1, 1, 1, 6, MMESH_STAT_HS_MISS_HELD, test);
	out.has_peer = true;
	resolve(f);
	KUNIT_EXPECT_EQ(test, out.messages, 1);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(out.last_message), 6);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(miss_bounds),
	KUNIT_CASE(miss_bytes),
	KUNIT_CASE(miss_members_only),
	KUNIT_CASE(miss_resolve),
	KUNIT_CASE(miss_events),
	KUNIT_CASE(miss_expiry),
	KUNIT_CASE(miss_strangers),
	KUNIT_CASE(miss_newest_initiation),
	{}
};

static struct kunit_suite suite = {
	.name = "miss",
	.init = miss_init,
	.exit = miss_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
