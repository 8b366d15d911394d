// SPDX-License-Identifier: GPL-2.0
/*
 * What open.c takes a datagram, or an aggregate of them, for: types, lengths,
 * sessions, and messages in pieces. The parts behind it are played here.
 */
#include <linux/etherdevice.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <net/udp.h>

#include "control.h"
#include "device.h"
#include "land.h"
#include "leg.h"
#include "peer.h"
#include "test.h"

#define mmesh_control_receive played_control
#define mmesh_addr_equal played_addr_equal
#define mmesh_leg_find played_leg_find
#define mmesh_leg_is_new played_leg_is_new
#define mmesh_leg_received played_leg_received
#define mmesh_relay_forward_one played_forward_one
#define mmesh_crypt_open played_crypt_open
#define mmesh_handshake_enqueue played_enqueue
#define mmesh_land_reserve played_land_reserve
#define mmesh_land_cancel played_land_cancel
#define mmesh_land_commit played_land_commit
#define mmesh_land_finish played_land_finish
#define mmesh_land_release played_land_release
#define mmesh_endpoint_learn played_endpoint_learn
#define mmesh_keypairs_received_with played_received_with
#define mmesh_handshake_initiate played_initiate
#define mmesh_seal_flush_staged played_flush_staged
#define mmesh_timers_authenticated_received played_timers_received
#define mmesh_timers_traversal played_timers_traversal
#define mmesh_timers_data_received played_timers_data
#define mmesh_timers_handshake_complete played_timers_complete

enum {
	MAX_MESSAGES = 64,
	MAX_TEXT = 9000,
};

/* What the parts were called with. */
static struct {
	unsigned int controls;
	unsigned int handshakes;
	u8 handshake[MAX_MESSAGES][MMESH_MSG_HANDSHAKE_MAX_LEN];
	size_t handshake_len[MAX_MESSAGES];

	unsigned int opened;
	u8 record[MAX_MESSAGES][MAX_TEXT];	/* ciphertext and tag */
	size_t record_len[MAX_MESSAGES];
	u64 counter[MAX_MESSAGES];
	u64 forged;				/* counter whose tag is wrong */

	bool no_landing;
	unsigned int reserved, committed, cancelled, finished;
	u8 text[MAX_TEXT];

	unsigned int learnt, data, traversals;
	struct mmesh_peer *peers[MAX_MESSAGES];	/* who was learnt from */
	struct mmesh_addr from[MAX_MESSAGES];	/* and where it was */
} *seen;

/* No leg is known, so nothing behind one is looked at. */
static struct mmesh_keypair *played_leg_find(struct mmesh_device *m, __le32 index)
{
	return NULL;
}

static bool played_leg_is_new(struct mmesh_session_ext *ext, u64 counter)
{
	return false;
}

static void played_leg_received(struct mmesh_keypair *keypair,
				const struct mmesh_addr *from, unsigned int bytes)
{
}

static bool played_forward_one(struct mmesh_keypair *keypair, const u8 *msg,
			       unsigned int len, u8 ds)
{
	return false;
}

static bool played_addr_equal(const struct mmesh_addr *a, const struct mmesh_addr *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static void played_control(struct mmesh_device *m, const struct mmesh_addr *from,
			   const u8 *msg, unsigned int len)
{
	seen->controls++;
}

static int played_crypt_open(const struct mmesh_crypt_key *key, u8 *dst, const u8 *src,
			     size_t len, u64 nonce)
{
	unsigned int i = seen->opened++;

	if (i < MAX_MESSAGES && len <= MAX_TEXT) {
		memcpy(seen->record[i], src, len);
		seen->record_len[i] = len;
		seen->counter[i] = nonce;
	}
	return nonce == seen->forged ? -EBADMSG : 0;
}

static void played_enqueue(struct mmesh_device *m, const struct mmesh_addr *from,
			   const void *msg, size_t len)
{
	unsigned int i = seen->handshakes++;

	if (i >= MAX_MESSAGES || len > sizeof(seen->handshake[0]))
		return;
	memcpy(seen->handshake[i], msg, len);
	seen->handshake_len[i] = len;
}

static u8 *played_land_reserve(struct mmesh_landing *l, unsigned int len)
{
	if (seen->no_landing || len > MAX_TEXT)
		return NULL;
	seen->reserved++;
	return seen->text;
}

static void played_land_cancel(struct mmesh_landing *l)
{
	seen->cancelled++;
}

static void played_land_commit(struct mmesh_landing *l, struct mmesh_peer *peer, unsigned int len)
{
	seen->committed++;
}

static void played_land_finish(struct mmesh_landing *l)
{
	seen->finished++;
}

static void played_land_release(struct mmesh_landing *l)
{
}

static void played_endpoint_learn(struct mmesh_peer *peer, const struct mmesh_addr *addr)
{
	if (seen->learnt < MAX_MESSAGES) {
		seen->peers[seen->learnt] = peer;
		seen->from[seen->learnt] = *addr;
	}
	seen->learnt++;
}

static bool played_received_with(struct mmesh_keypairs *keypairs, struct mmesh_keypair *keypair)
{
	return false;
}

static void played_initiate(struct mmesh_peer *peer, bool is_retry)
{
}

static void played_flush_staged(struct mmesh_peer *peer)
{
}

static void played_timers_received(struct mmesh_peer *peer)
{
}

static void played_timers_traversal(struct mmesh_peer *peer)
{
	seen->traversals++;
}

static void played_timers_data(struct mmesh_peer *peer)
{
	seen->data++;
}

static void played_timers_complete(struct mmesh_peer *peer)
{
}

#include "../kmod/open.c"
#include "../kmod/stats.c"

enum { SESSIONS = 3 };

struct fixture {
	struct mmesh_device *m;
	struct mmesh_peer *peers[SESSIONS];
	struct mmesh_keypair *keypairs[SESSIONS];
	bool indexed;
	struct rnd_state rnd;
};

static int wire_init(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, f);
	test->priv = f;
	f->m = kunit_kzalloc(test, sizeof(*f->m), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->m);
	f->m->dev = alloc_etherdev(0);
	KUNIT_ASSERT_NOT_NULL(test, f->m->dev);
	f->m->stats = alloc_percpu(struct mmesh_stats);
	KUNIT_ASSERT_TRUE(test, !!f->m->stats);
	seen = vzalloc(sizeof(*seen));
	KUNIT_ASSERT_NOT_NULL(test, seen);
	seen->forged = U64_MAX;
	KUNIT_ASSERT_EQ(test, mmesh_index_init(&f->m->indices), 0);
	f->indexed = true;
	for (i = 0; i < SESSIONS; i++) {
		f->peers[i] = kunit_kzalloc(test, sizeof(*f->peers[i]), GFP_KERNEL);
		f->keypairs[i] = kunit_kzalloc(test, sizeof(*f->keypairs[i]), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, f->peers[i]);
		KUNIT_ASSERT_NOT_NULL(test, f->keypairs[i]);
		f->keypairs[i]->entry.peer = f->peers[i];
		f->keypairs[i]->entry.type = MMESH_INDEX_KEYPAIR;
		f->keypairs[i]->receiving_valid = true;
		f->keypairs[i]->birthdate = ktime_get_coarse_boottime_ns();
		spin_lock_init(&f->keypairs[i]->replay_lock);
		mmesh_replay_init(&f->keypairs[i]->replay);
		KUNIT_ASSERT_EQ(test, mmesh_index_insert(&f->m->indices,
							 &f->keypairs[i]->entry), 0);
	}
	return 0;
}

static void wire_exit(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i;

	if (!f || !f->m)
		return;
	if (f->indexed) {
		for (i = 0; i < SESSIONS; i++)
			if (f->keypairs[i])
				mmesh_index_remove(&f->m->indices, &f->keypairs[i]->entry);
		mmesh_index_destroy(&f->m->indices);
	}
	free_percpu(f->m->stats);
	if (f->m->dev)
		free_netdev(f->m->dev);
	vfree(seen);
	seen = NULL;
}

static u64 stat(struct kunit *test, unsigned int id)
{
	struct fixture *f = test->priv;

	return mmesh_stats_read(f->m->stats, id);
}

/* Sum of all counters but the one of buffers received. */
static u64 all_stats(struct kunit *test)
{
	unsigned int id;
	u64 sum = 0;

	for (id = 0; id < MMESH_STAT_COUNT; id++)
		if (id != MMESH_STAT_RX_BUNDLES)
			sum += stat(test, id);
	return sum;
}

/* A UDP datagram in IPv4 whose payload is linear; with @each, an aggregate. */
static struct sk_buff *new_datagram(struct kunit *test, const void *data, size_t len, size_t each)
{
	const size_t headers = sizeof(struct iphdr) + sizeof(struct udphdr);
	struct sk_buff *skb = alloc_skb(headers + len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_reset_network_header(skb);
	skb_put_zero(skb, sizeof(struct iphdr));
	skb_pull(skb, sizeof(struct iphdr));
	skb_reset_transport_header(skb);
	skb_put_zero(skb, sizeof(struct udphdr));
	skb->protocol = htons(ETH_P_IP);
	skb_put_data(skb, data, len);
	if (each) {
		skb_shinfo(skb)->gso_size = each;
		skb_shinfo(skb)->gso_segs = DIV_ROUND_UP(len, each);
		skb_shinfo(skb)->gso_type = SKB_GSO_UDP_L4;
	}
	return skb;
}

/* The way in, without a socket. */
static void receive_skb(struct kunit *test, struct sk_buff *skb)
{
	struct fixture *f = test->priv;

	rcu_read_lock();
	local_bh_disable();
	mmesh_open_receive(f->m, skb, false);
	local_bh_enable();
	rcu_read_unlock();
}

static void receive_bytes(struct kunit *test, const void *data, size_t len)
{
	receive_skb(test, new_datagram(test, data, len, 0));
}

/* The length that a type must have exactly; 0: of data, 1: unknown type. */
static size_t length_of(u32 type)
{
	switch (type) {
	case 1:
	case 5:
		return 148;
	case 2:
	case 6:
		return 92;
	case 3:
		return 64;
	case 4:
		return 0;
	}
	return 1;
}

static unsigned int expected_stat(u32 type, size_t len)
{
	if (type == 8 && len >= 4)
		return len < 64 ? MMESH_STAT_LEG_DROP_MALFORMED :
				  MMESH_STAT_LEG_DROP_NO_SESSION;
	if (len < 32)
		return MMESH_STAT_RX_DROP_SHORT;
	switch (length_of(type)) {
	case 0:
		return MMESH_STAT_RX_DROP_NO_SESSION;
	case 1:
		return MMESH_STAT_RX_DROP_TYPE;
	}
	return len < length_of(type) ? MMESH_STAT_RX_DROP_SHORT :
				       MMESH_STAT_RX_DROP_LONG;
}

static void wire_types_and_lengths(struct kunit *test)
{
	static const u32 types[] = {
		0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 255,
		0x101, 0x10001, 0x1000001, 0x80000004, 0x400, 0x4000000,
	};
	u8 buf[256] = {};
	unsigned int i, queued = 0, controls = 0;
	u64 drops = 0;
	size_t len;

	memset(buf, 0x5a, sizeof(buf));
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		put_unaligned_le32(types[i], buf);
		for (len = 1; len <= sizeof(buf); len++) {
			unsigned int id = expected_stat(types[i], len);
			bool control = len >= 32 && types[i] == 7;
			bool good = control ||
				(len >= 32 && len == length_of(types[i]));
			u64 before = stat(test, id);

			receive_bytes(test, buf, len);
			queued += good && !control;
			controls += control;
			drops += !good;
			KUNIT_ASSERT_EQ_MSG(test, stat(test, id), before + !good,
					    "type %#x length %zu", types[i], len);
			KUNIT_ASSERT_EQ_MSG(test, seen->handshakes, queued,
					    "type %#x length %zu", types[i], len);
		}
	}
	KUNIT_EXPECT_EQ(test, all_stats(test), drops);
	KUNIT_EXPECT_EQ(test, seen->controls, controls);
	KUNIT_EXPECT_EQ(test, seen->opened, 0);
	KUNIT_EXPECT_EQ(test, seen->learnt, 0);
}

/* A record of @len bytes, header and tag included, of session @session. */
static void put_record(struct kunit *test, u8 *at, size_t len, unsigned int session, u64 counter)
{
	struct mmesh_msg_data *header = (struct mmesh_msg_data *)at;
	struct fixture *f = test->priv;

	prandom_bytes_state(&f->rnd, at, len);
	header->header.type = cpu_to_le32(MMESH_MSG_DATA);
	header->receiver_index = f->keypairs[session]->entry.index;
	header->counter = cpu_to_le64(counter);
}

static void receive_record_of(struct kunit *test, size_t len, unsigned int session, u64 counter)
{
	u8 buf[128];

	put_record(test, buf, len, session, counter);
	receive_bytes(test, buf, len);
}

static void wire_records(struct kunit *test)
{
	struct fixture *f = test->priv;
	const u64 counter = 0x0123456789abcdefULL;

	mmesh_test_seed(test, &f->rnd);
	receive_record_of(test, 96, 0, counter);
	KUNIT_EXPECT_EQ(test, seen->opened, 1);
	KUNIT_EXPECT_EQ(test, seen->counter[0], counter);
	KUNIT_EXPECT_EQ(test, seen->record_len[0], 80);
	KUNIT_EXPECT_EQ(test, stat(test, MMESH_STAT_RX_RECORDS), 1);
	KUNIT_EXPECT_EQ(test, seen->committed, 1);
	KUNIT_EXPECT_EQ(test, seen->data, 1);
	KUNIT_EXPECT_PTR_EQ(test, seen->peers[0], f->peers[0]);
	KUNIT_EXPECT_EQ(test, atomic64_read(&f->peers[0]->rx_bytes), 96);

	/* Seen before: nothing that a newer one would have done. */
	receive_record_of(test, 96, 0, counter);
	KUNIT_EXPECT_EQ(test, stat(test, MMESH_STAT_RX_DROP_REPLAY), 1);
	/* Wrong tag: the window stays as it is. */
	seen->forged = counter + 1;
	receive_record_of(test, 96, 0, counter + 1);
	KUNIT_EXPECT_EQ(test, stat(test, MMESH_STAT_RX_DROP_AUTH), 1);
	KUNIT_EXPECT_EQ(test, seen->learnt, 1);
	KUNIT_EXPECT_EQ(test, seen->data, 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&f->peers[0]->rx_bytes), 96);
	seen->forged = U64_MAX;
	receive_record_of(test, 96, 0, counter + 1);
	KUNIT_EXPECT_EQ(test, stat(test, MMESH_STAT_RX_RECORDS), 2);

	/* The shortest is a keepalive. */
	receive_record_of(test, 32, 1, 0);
	KUNIT_EXPECT_EQ(test, stat(test, MMESH_STAT_RX_KEEPALIVES), 1);
	KUNIT_EXPECT_EQ(test, seen->data, 2);
	KUNIT_EXPECT_PTR_EQ(test, seen->peers[2], f->peers[1]);

	seen->no_landing = true;
	receive_record_of(test, 96, 1, 1);
	KUNIT_EXPECT_EQ(test, stat(test, MMESH_STAT_RX_DROP_NO_MEMORY), 1);
	KUNIT_EXPECT_EQ(test, seen->reserved, seen->committed + seen->cancelled);
}

static void wire_limits(struct kunit *test)
{
	struct fixture *f = test->priv;

	mmesh_test_seed(test, &f->rnd);
	receive_record_of(test, 96, 0, MMESH_REJECT_AFTER_MESSAGES);
	receive_record_of(test, 96, 0, U64_MAX - 1);
	KUNIT_EXPECT_EQ(test, stat(test, MMESH_STAT_RX_DROP_REPLAY), 2);
	receive_record_of(test, 96, 0, MMESH_REJECT_AFTER_MESSAGES - 1);
	KUNIT_EXPECT_EQ(test, stat(test, MMESH_STAT_RX_RECORDS), 1);

	f->keypairs[1]->suite = MMESH_SUITE_AES256GCM;
	receive_record_of(test, 96, 1, MMESH_REJECT_AFTER_MESSAGES_AES);
	KUNIT_EXPECT_EQ(test, stat(test, MMESH_STAT_RX_DROP_REPLAY), 3);
	receive_record_of(test, 96, 1, MMESH_REJECT_AFTER_MESSAGES_AES - 1);
	KUNIT_EXPECT_EQ(test, stat(test, MMESH_STAT_RX_RECORDS), 2);

	/* Too old, and for good. */
	f->keypairs[2]->birthdate -= (u64)MMESH_REJECT_AFTER_TIME * NSEC_PER_SEC;
	receive_record_of(test, 96, 2, 0);
	KUNIT_EXPECT_EQ(test, stat(test, MMESH_STAT_RX_DROP_EXPIRED), 1);
	KUNIT_EXPECT_FALSE(test, f->keypairs[2]->receiving_valid);
	KUNIT_EXPECT_EQ(test, seen->opened, 5);

	mmesh_index_remove(&f->m->indices, &f->keypairs[0]->entry);
	receive_record_of(test, 96, 0, 0);
	KUNIT_EXPECT_EQ(test, stat(test, MMESH_STAT_RX_DROP_NO_SESSION), 1);
}

/* Each session's part of a bundle is accounted to its peer, one bad record in
 * it notwithstanding.
 */
static void wire_mixed_bundle(struct kunit *test)
{
	enum { EACH = 112 };
	static const unsigned int session[] = { 0, 0, 0, 1, 1, 0, 2, 2 };
	struct fixture *f = test->priv;
	u8 buf[EACH * ARRAY_SIZE(session) + 64];
	unsigned int i;

	mmesh_test_seed(test, &f->rnd);
	for (i = 0; i < ARRAY_SIZE(session); i++)
		put_record(test, buf + EACH * i, EACH, session[i], 10 + i);
	/* Then a shorter one of another type, as the last may be. */
	memset(buf + EACH * i, 0, 64);
	buf[EACH * i] = MMESH_MSG_COOKIE;
	seen->forged = 10 + 1;
	receive_skb(test, new_datagram(test, buf, sizeof(buf), EACH));

	KUNIT_EXPECT_EQ(test, stat(test, MMESH_STAT_RX_BUNDLES), 1);
	KUNIT_EXPECT_EQ(test, stat(test, MMESH_STAT_RX_RECORDS), 7);
	KUNIT_EXPECT_EQ(test, stat(test, MMESH_STAT_RX_DROP_AUTH), 1);
	KUNIT_EXPECT_EQ(test, seen->handshakes, 1);
	KUNIT_EXPECT_EQ(test, seen->committed, 7);
	KUNIT_EXPECT_EQ(test, seen->cancelled, 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&f->peers[0]->rx_bytes), 3 * EACH);
	KUNIT_EXPECT_EQ(test, atomic64_read(&f->peers[1]->rx_bytes), 2 * EACH);
	KUNIT_EXPECT_EQ(test, atomic64_read(&f->peers[2]->rx_bytes), 2 * EACH);
	KUNIT_ASSERT_EQ(test, seen->learnt, 4);
	KUNIT_EXPECT_PTR_EQ(test, seen->peers[0], f->peers[0]);
	KUNIT_EXPECT_PTR_EQ(test, seen->peers[1], f->peers[1]);
	KUNIT_EXPECT_PTR_EQ(test, seen->peers[2], f->peers[0]);
	KUNIT_EXPECT_PTR_EQ(test, seen->peers[3], f->peers[2]);
}

/* Append @len bytes to @skb as a page fragment, at a random offset of a page. */
static void add_frag(struct kunit *test, struct sk_buff *skb, const u8 *data, size_t len)
{
	struct fixture *f = test->priv;
	struct page *page = alloc_page(GFP_KERNEL);
	unsigned int at;

	KUNIT_ASSERT_NOT_NULL(test, page);
	at = mmesh_test_below(&f->rnd, PAGE_SIZE - len + 1);
	if (len)
		memcpy(page_address(page) + at, data, len);
	skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, page, at, len, PAGE_SIZE);
}

/* A datagram whose bytes lie in pieces, cut at random. */
static struct sk_buff *new_pieces(struct kunit *test, const u8 *data, size_t len, size_t each)
{
	struct fixture *f = test->priv;
	size_t done = min_t(size_t, mmesh_test_below(&f->rnd, 200), len), n;
	struct sk_buff *skb = new_datagram(test, data, done, each), *at = skb, *member;
	struct sk_buff **link = &skb_shinfo(skb)->frag_list;

	while (done < len) {
		/* Empty pieces, too. */
		n = min_t(size_t, mmesh_test_below(&f->rnd, 300), len - done);
		if (skb_shinfo(at)->nr_frags < 5 && mmesh_test_below(&f->rnd, 4)) {
			add_frag(test, at, data + done, n);
			if (at != skb) {
				skb->len += n;
				skb->data_len += n;
			}
		} else {
			member = alloc_skb(n, GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, member);
			skb_put_data(member, data + done, n);
			*link = member;
			link = &member->next;
			skb->len += n;
			skb->data_len += n;
			at = member;
		}
		done += n;
	}
	return skb;
}

static void wire_pieces(struct kunit *test)
{
	enum { ROUNDS = 3000, MAX_RECORDS = 12 };
	struct fixture *f = test->priv;
	unsigned int round, i, records, wrong = 0;
	size_t each, last, len, at;
	u64 counter = 0;
	u8 *data;

	mmesh_test_seed(test, &f->rnd);
	data = kunit_kmalloc(test, MAX_RECORDS * 1500, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, data);
	for (round = 0; round < ROUNDS; round++) {
		records = 1 + mmesh_test_below(&f->rnd, MAX_RECORDS);
		each = 33 + mmesh_test_below(&f->rnd, mmesh_test_below(&f->rnd, 2) ? 80 : 1400);
		last = 33 + mmesh_test_below(&f->rnd, each - 32);
		len = each * (records - 1) + last;
		for (i = 0; i < records; i++)
			put_record(test, data + each * i, i == records - 1 ? last : each,
				   0, counter + i);
		seen->opened = 0;
		receive_skb(test, new_pieces(test, data, len, records > 1 ? each : 0));

		wrong += seen->opened != records;
		for (i = 0, at = 0; i < min(seen->opened, records); i++, at += each) {
			size_t n = i == records - 1 ? last : each;

			wrong += seen->record_len[i] != n - 16 || seen->counter[i] != counter + i ||
				 memcmp(seen->record[i], data + at + 16, n - 16);
		}
		counter += records;
		KUNIT_ASSERT_EQ_MSG(test, wrong, 0, "round %u: %u records of %zu, last %zu",
				    round, records, each, last);
	}
	KUNIT_EXPECT_EQ(test, stat(test, MMESH_STAT_RX_RECORDS), counter);
	KUNIT_EXPECT_EQ(test, all_stats(test), counter);
	KUNIT_EXPECT_EQ(test, seen->reserved, seen->committed + seen->cancelled);
}

static void wire_outer_protocol(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct sk_buff *skb;
	u8 buf[96];

	mmesh_test_seed(test, &f->rnd);
	put_record(test, buf, sizeof(buf), 0, 1);
	skb = new_datagram(test, buf, sizeof(buf), 0);
	skb->protocol = htons(ETH_P_ARP);
	receive_skb(test, skb);
	KUNIT_EXPECT_EQ(test, seen->opened, 0);
	KUNIT_EXPECT_EQ(test, stat(test, MMESH_STAT_RX_DROP_SHORT), 1);
	KUNIT_EXPECT_EQ(test, all_stats(test), 1);
}

/* Single records that are opened together, of one peer but from two ports. */
static void wire_list(struct kunit *test)
{
	static const u16 ports[] = { 7, 7, 8, 8, 7, 7, 9 };
	struct fixture *f = test->priv;
	struct sk_buff_head list;
	struct sk_buff *skb;
	unsigned int i;
	u8 buf[96];

	mmesh_test_seed(test, &f->rnd);
	__skb_queue_head_init(&list);
	for (i = 0; i < ARRAY_SIZE(ports); i++) {
		put_record(test, buf, sizeof(buf), 0, i);
		skb = new_datagram(test, buf, sizeof(buf), 0);
		udp_hdr(skb)->source = htons(ports[i]);
		__skb_queue_tail(&list, skb);
	}
	/* Forged, and the last: nothing is to be learnt from it. */
	seen->forged = i - 1;
	rcu_read_lock();
	local_bh_disable();
	mmesh_open_list(f->m, &list);
	local_bh_enable();
	rcu_read_unlock();

	KUNIT_EXPECT_TRUE(test, skb_queue_empty(&list));
	KUNIT_EXPECT_EQ(test, stat(test, MMESH_STAT_RX_BUNDLES), i);
	KUNIT_EXPECT_EQ(test, stat(test, MMESH_STAT_RX_RECORDS), i - 1);
	KUNIT_EXPECT_EQ(test, stat(test, MMESH_STAT_RX_DROP_AUTH), 1);
	for (i = 0; i < ARRAY_SIZE(ports) - 1; i++)
		KUNIT_EXPECT_EQ(test, seen->counter[i], i);
	KUNIT_ASSERT_EQ(test, seen->learnt, 3);
	KUNIT_EXPECT_EQ(test, ntohs(seen->from[0].addr4.sin_port), 7);
	KUNIT_EXPECT_EQ(test, ntohs(seen->from[1].addr4.sin_port), 8);
	KUNIT_EXPECT_EQ(test, ntohs(seen->from[2].addr4.sin_port), 7);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(wire_types_and_lengths),
	KUNIT_CASE(wire_records),
	KUNIT_CASE(wire_limits),
	KUNIT_CASE(wire_mixed_bundle),
	KUNIT_CASE(wire_pieces),
	KUNIT_CASE(wire_outer_protocol),
	KUNIT_CASE(wire_list),
	{}
};

static struct kunit_suite suite = {
	.name = "wire",
	.init = wire_init,
	.exit = wire_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
