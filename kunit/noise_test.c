// SPDX-License-Identifier: GPL-2.0
#include <linux/time64.h>
#include <linux/types.h>

#define MMESH_WANT_NOISE_VECTORS
#define MMESH_WANT_PUBLIC_VECTORS
#include "vectors-noise.h"

/* What the code under test takes for random and for the time. */
static struct {
	const u8 *ephemeral;	/* NULL: really random */
	struct timespec64 now;
} rig;

static void ephemeral_generate(u8 private[32]);
static void wall_clock(struct timespec64 *now)
{
	*now = rig.now;
}

#include "../kmod/noise.c"
#include "peers.h"
#include "test.h"

static void ephemeral_generate(u8 private[32])
{
	if (rig.ephemeral)
		memcpy(private, rig.ephemeral, MMESH_KEY_LEN);
	else
		curve25519_generate_secret(private);
}

#define EXPECT_SAME(test, a, b) \
	KUNIT_EXPECT_EQ(test, memcmp((a), (b), sizeof(b)), 0)

/* Points whose multiples everybody knows, and one that is not canonical. */
static const u8 low_order[][MMESH_KEY_LEN] = {
	{ 0 },
	{ 1 },
	{ 0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
	  0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
	  0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00 },
	{ 0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1,
	  0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c,
	  0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57 },
	{ 0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
	{ 0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
	{ 0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
};

/* One vector's two ends. */
struct pair {
	const struct noise_vector *v;
	struct mmesh_test_end *i;
	struct mmesh_test_end *r;
};

static struct pair make_pair(struct kunit *test, const struct noise_vector *v)
{
	struct pair p = { .v = v };

	rig.ephemeral = NULL;
	rig.now = (struct timespec64){ v->seconds, v->nanoseconds };
	p.i = mmesh_test_end(test, v->initiator_private, v->responder_public,
			     v->psk, v->suite);
	p.r = mmesh_test_end(test, v->responder_private, v->initiator_public,
			     v->psk, v->suite);
	return p;
}

static void destroy_pair(struct kunit *test, struct pair *p)
{
	mmesh_test_end_destroy(test, p->i);
	mmesh_test_end_destroy(test, p->r);
}

/* The messages are packed, so copies of the vectors' bytes are taken. */
static struct mmesh_msg_initiation known_initiation(const struct noise_vector *v)
{
	struct mmesh_msg_initiation msg;

	memcpy(&msg, v->initiation, sizeof(msg));
	return msg;
}

/* These three return 0, or the counter of the reason. */
static unsigned int start_initiation(struct mmesh_test_end *end,
				     struct mmesh_msg_initiation *msg)
{
	unsigned int reason = MMESH_STAT_COUNT;

	return mmesh_noise_create_initiation(msg, &end->peer.handshake,
					     &reason) ? 0 : reason;
}

static unsigned int respond(struct mmesh_test_end *end,
			    struct mmesh_msg_response *msg)
{
	unsigned int reason = MMESH_STAT_COUNT;

	return mmesh_noise_create_response(msg, &end->peer.handshake,
					   &reason) ? 0 : reason;
}

static unsigned int begin(struct mmesh_test_end *end)
{
	unsigned int reason = MMESH_STAT_COUNT;

	return mmesh_noise_begin_session(&end->peer.handshake, &end->peer.keypairs,
					 &reason) ? 0 : reason;
}

/* And so do these two, for a message that was received. */
static unsigned int consume_initiation(struct mmesh_test_end *end,
				       const struct mmesh_msg_initiation *msg)
{
	unsigned int reason = MMESH_STAT_COUNT;
	struct mmesh_peer *peer;
	u8 key[MMESH_KEY_LEN];

	peer = mmesh_noise_consume_initiation(msg, &end->m, &reason, key);
	mmesh_peer_put(peer);
	return peer ? 0 : reason;
}

static unsigned int consume_response(struct mmesh_test_end *end,
				     const struct mmesh_msg_response *msg)
{
	unsigned int reason = MMESH_STAT_COUNT;
	struct mmesh_peer *peer;

	peer = mmesh_noise_consume_response(msg, &end->m, &reason);
	mmesh_peer_put(peer);
	return peer ? 0 : reason;
}

/* As far as the response in *@msg, which the initiator has not seen. */
static void shake_half(struct kunit *test, struct pair *p,
		       struct mmesh_msg_response *msg)
{
	struct mmesh_msg_initiation initiation;

	KUNIT_ASSERT_EQ(test, start_initiation(p->i, &initiation), 0);
	KUNIT_ASSERT_EQ(test, consume_initiation(p->r, &initiation), 0);
	KUNIT_ASSERT_EQ(test, respond(p->r, msg), 0);
}

static struct mmesh_keypair *slot(struct mmesh_keypair __rcu *keypair)
{
	return rcu_dereference_protected(keypair, true);
}

static void noise_constants(struct kunit *test)
{
	size_t n;

	for (n = 0; n < ARRAY_SIZE(noise_vectors); n++) {
		const struct noise_vector *v = &noise_vectors[n];

		EXPECT_SAME(test, protocols[v->suite].chaining_key,
			    v->initial_chaining_key);
		EXPECT_SAME(test, protocols[v->suite].hash, v->initial_hash);
	}
}

static void noise_known_initiation(struct kunit *test)
{
	struct mmesh_msg_initiation msg, known;
	struct pair p;
	size_t n;

	for (n = 0; n < ARRAY_SIZE(noise_vectors); n++) {
		p = make_pair(test, &noise_vectors[n]);
		known = known_initiation(p.v);
		rig.ephemeral = p.v->initiator_ephemeral;
		KUNIT_ASSERT_EQ(test, start_initiation(p.i, &msg), 0);
		KUNIT_EXPECT_TRUE(test, msg.header.type == known.header.type);
		EXPECT_SAME(test, msg.ephemeral, known.ephemeral);
		EXPECT_SAME(test, msg.encrypted_static, known.encrypted_static);
		EXPECT_SAME(test, msg.encrypted_timestamp,
			    known.encrypted_timestamp);
		destroy_pair(test, &p);
	}
}

static void noise_known_response(struct kunit *test)
{
	struct mmesh_msg_initiation initiation;
	struct mmesh_msg_response msg, known;
	struct mmesh_keypair *keypair;
	struct pair p;
	size_t n;

	for (n = 0; n < ARRAY_SIZE(noise_vectors); n++) {
		p = make_pair(test, &noise_vectors[n]);
		initiation = known_initiation(p.v);
		memcpy(&known, p.v->response, sizeof(known));
		KUNIT_ASSERT_EQ(test, consume_initiation(p.r, &initiation), 0);
		rig.ephemeral = p.v->responder_ephemeral;
		KUNIT_ASSERT_EQ(test, respond(p.r, &msg), 0);
		KUNIT_EXPECT_TRUE(test, msg.header.type == known.header.type);
		KUNIT_EXPECT_TRUE(test, msg.receiver_index == known.receiver_index);
		EXPECT_SAME(test, msg.ephemeral, known.ephemeral);
		EXPECT_SAME(test, msg.encrypted_nothing, known.encrypted_nothing);

		KUNIT_ASSERT_EQ(test, begin(p.r), 0);
		keypair = slot(p.r->peer.keypairs.next_keypair);
		KUNIT_ASSERT_NOT_NULL(test, keypair);
		EXPECT_SAME(test, keypair->sending.key, p.v->responder_sends);
		EXPECT_SAME(test, keypair->receiving.key, p.v->initiator_sends);
		KUNIT_EXPECT_TRUE(test, keypair->remote_index == cpu_to_le32(0x11223344));
		KUNIT_EXPECT_TRUE(test, keypair->entry.index == msg.sender_index);
		KUNIT_EXPECT_FALSE(test, keypair->i_am_the_initiator);
		destroy_pair(test, &p);
	}
}

static void noise_known_session(struct kunit *test)
{
	struct mmesh_msg_initiation initiation;
	struct mmesh_keypair *keypair;
	struct mmesh_msg_response msg;
	struct pair p;
	size_t n;

	for (n = 0; n < ARRAY_SIZE(noise_vectors); n++) {
		p = make_pair(test, &noise_vectors[n]);
		rig.ephemeral = p.v->initiator_ephemeral;
		KUNIT_ASSERT_EQ(test, start_initiation(p.i, &initiation), 0);
		memcpy(&msg, p.v->response, sizeof(msg));
		/* Not authenticated but by the macs. */
		msg.receiver_index = initiation.sender_index;
		KUNIT_ASSERT_EQ(test, consume_response(p.i, &msg), 0);
		KUNIT_ASSERT_EQ(test, begin(p.i), 0);
		keypair = slot(p.i->peer.keypairs.current_keypair);
		KUNIT_ASSERT_NOT_NULL(test, keypair);
		EXPECT_SAME(test, keypair->sending.key, p.v->initiator_sends);
		EXPECT_SAME(test, keypair->receiving.key, p.v->responder_sends);
		KUNIT_EXPECT_TRUE(test, keypair->remote_index == cpu_to_le32(0xa1b2c3d4));
		KUNIT_EXPECT_TRUE(test, keypair->entry.index == initiation.sender_index);
		KUNIT_EXPECT_TRUE(test, keypair->i_am_the_initiator);
		KUNIT_EXPECT_NE(test, keypair->sending.id, keypair->receiving.id);
		destroy_pair(test, &p);
	}
}

/* One end of a public vector: prologue and payloads are not WireGuard's, so
 * the messages are put together here, from the same pieces as ours.
 */
struct public_end {
	const struct public_vector *v;
	struct symmetric s;
	u8 static_private[MMESH_KEY_LEN];
	u8 static_public[MMESH_KEY_LEN];
	u8 ephemeral_private[MMESH_KEY_LEN];
	u8 ephemeral_public[MMESH_KEY_LEN];
	u8 remote_static[MMESH_KEY_LEN];
	u8 remote_ephemeral[MMESH_KEY_LEN];
	struct mmesh_handshake handshake;
	struct mmesh_keypair keypair;
	u8 sealed[sizeof_field(struct public_message, sealed)];
	u8 plain[sizeof_field(struct public_message, payload)];
};

static void public_key(struct kunit *test, u8 private[MMESH_KEY_LEN],
		       u8 public[MMESH_KEY_LEN], const u8 known[MMESH_KEY_LEN])
{
	memcpy(private, known, MMESH_KEY_LEN);
	/* The vectors' are as they were drawn, ours never are. */
	curve25519_clamp_secret(private);
	KUNIT_ASSERT_TRUE(test, curve25519_generate_public(public, private));
}

static struct public_end *public_end(struct kunit *test,
				     const struct public_vector *v, bool initiator)
{
	struct public_end *end = kunit_kzalloc(test, sizeof(*end), GFP_KERNEL);
	struct protocol *protocol = &protocols[v->suite];
	u8 ours[MMESH_HASH_LEN];

	KUNIT_ASSERT_NOT_NULL(test, end);
	end->v = v;
	public_key(test, end->static_private, end->static_public,
		   initiator ? v->initiator_private : v->responder_private);
	public_key(test, end->ephemeral_private, end->ephemeral_public,
		   initiator ? v->initiator_ephemeral : v->responder_ephemeral);

	/* start() with their prologue where the identifier stands. */
	KUNIT_EXPECT_STREQ(test, protocol->construction, v->name);
	memcpy(ours, protocol->hash, sizeof(ours));
	hash_two(protocol->hash, protocol->chaining_key, MMESH_HASH_LEN,
		 v->prologue, v->prologue_len);
	start(&end->s, v->suite, v->responder_public);
	memcpy(protocol->hash, ours, sizeof(ours));
	return end;
}

/* Of the initiator, who knows the other's static key. */
static void public_write_first(struct kunit *test, struct public_end *end)
{
	const struct public_message *known = &end->v->messages[0];
	u8 *to = end->sealed;

	memcpy(end->remote_static, end->v->responder_public, MMESH_KEY_LEN);
	memcpy(to, end->ephemeral_public, MMESH_KEY_LEN);
	mix_ephemeral(&end->s, to);
	to += MMESH_KEY_LEN;
	KUNIT_ASSERT_TRUE(test, mix_dh(&end->s, end->ephemeral_private,
				       end->remote_static));
	KUNIT_ASSERT_EQ(test, encrypt(&end->s, to, end->static_public,
				      MMESH_KEY_LEN), 0);
	to += MMESH_KEY_LEN + MMESH_TAG_LEN;
	KUNIT_ASSERT_TRUE(test, mix_dh(&end->s, end->static_private,
				       end->remote_static));
	KUNIT_ASSERT_EQ(test, encrypt(&end->s, to, known->payload,
				      known->payload_len), 0);
	KUNIT_EXPECT_EQ(test, memcmp(end->sealed, known->sealed, known->sealed_len), 0);
}

static void public_read_first(struct kunit *test, struct public_end *end)
{
	const struct public_message *known = &end->v->messages[0];
	const u8 *from = known->sealed;

	memcpy(end->remote_ephemeral, from, MMESH_KEY_LEN);
	mix_ephemeral(&end->s, from);
	from += MMESH_KEY_LEN;
	KUNIT_ASSERT_TRUE(test, mix_dh(&end->s, end->static_private,
				       end->remote_ephemeral));
	KUNIT_ASSERT_EQ(test, decrypt(&end->s, end->remote_static, from,
				      MMESH_KEY_LEN + MMESH_TAG_LEN), 0);
	from += MMESH_KEY_LEN + MMESH_TAG_LEN;
	KUNIT_ASSERT_TRUE(test, mix_dh(&end->s, end->static_private,
				       end->remote_static));
	KUNIT_ASSERT_EQ(test, decrypt(&end->s, end->plain, from,
				      known->payload_len + MMESH_TAG_LEN), 0);
	KUNIT_EXPECT_EQ(test, memcmp(end->plain, known->payload, known->payload_len), 0);
}

/* Of the responder, who has read the first. */
static void public_write_second(struct kunit *test, struct public_end *end)
{
	const struct public_message *known = &end->v->messages[1];

	memcpy(end->sealed, end->ephemeral_public, MMESH_KEY_LEN);
	mix_ephemeral(&end->s, end->sealed);
	KUNIT_ASSERT_TRUE(test, mix_dh(&end->s, end->ephemeral_private,
				       end->remote_ephemeral));
	KUNIT_ASSERT_TRUE(test, mix_dh(&end->s, end->ephemeral_private,
				       end->remote_static));
	mix_psk(&end->s, end->v->psk);
	KUNIT_ASSERT_EQ(test, encrypt(&end->s, end->sealed + MMESH_KEY_LEN,
				      known->payload, known->payload_len), 0);
	KUNIT_EXPECT_EQ(test, memcmp(end->sealed, known->sealed, known->sealed_len), 0);
}

static void public_read_second(struct kunit *test, struct public_end *end)
{
	const struct public_message *known = &end->v->messages[1];

	memcpy(end->remote_ephemeral, known->sealed, MMESH_KEY_LEN);
	mix_ephemeral(&end->s, end->remote_ephemeral);
	KUNIT_ASSERT_TRUE(test, mix_dh(&end->s, end->ephemeral_private,
				       end->remote_ephemeral));
	KUNIT_ASSERT_TRUE(test, mix_dh(&end->s, end->static_private,
				       end->remote_ephemeral));
	mix_psk(&end->s, end->v->psk);
	KUNIT_ASSERT_EQ(test, decrypt(&end->s, end->plain, known->sealed + MMESH_KEY_LEN,
				      known->payload_len + MMESH_TAG_LEN), 0);
	KUNIT_EXPECT_EQ(test, memcmp(end->plain, known->payload, known->payload_len), 0);
}

static void public_split(struct kunit *test, struct public_end *end,
			 enum mmesh_handshake_state state)
{
	EXPECT_SAME(test, end->s.hash, end->v->handshake_hash);
	end->handshake.suite = end->v->suite;
	keep(&end->handshake, &end->s, state);
	derive_keys(&end->keypair, &end->handshake);
}

/* What the data path does with a record's bytes. */
static void public_transport(struct kunit *test, struct public_end *from,
			     struct public_end *to, size_t n)
{
	const struct public_message *known = &from->v->messages[n];
	const u64 counter = (n - 2) / 2;
	int sealed, opened, other;

	memcpy(from->sealed, known->payload, known->payload_len);
	memcpy(to->sealed, known->sealed, known->sealed_len);
	local_bh_disable();
	sealed = mmesh_crypt_seal(&from->keypair.sending, from->sealed,
				  known->payload_len, counter);
	other = mmesh_crypt_open(&to->keypair.receiving, to->plain, to->sealed,
				 known->sealed_len, counter + 1);
	opened = mmesh_crypt_open(&to->keypair.receiving, to->plain, to->sealed,
				  known->sealed_len, counter);
	local_bh_enable();
	KUNIT_EXPECT_EQ(test, sealed, 0);
	KUNIT_EXPECT_EQ_MSG(test, memcmp(from->sealed, known->sealed,
					 known->sealed_len), 0,
			    "%s, message %zu", from->v->name, n);
	KUNIT_EXPECT_EQ(test, other, -EBADMSG);
	KUNIT_EXPECT_EQ(test, opened, 0);
	KUNIT_EXPECT_EQ(test, memcmp(to->plain, known->payload, known->payload_len), 0);
}

/* Somebody else's idea of both suites: messages, hash, and records after. */
static void noise_public_vectors(struct kunit *test)
{
	struct public_end *end[2];
	size_t n, m;

	for (n = 0; n < ARRAY_SIZE(public_vectors); n++) {
		end[0] = public_end(test, &public_vectors[n], true);
		end[1] = public_end(test, &public_vectors[n], false);
		EXPECT_SAME(test, end[1]->static_public,
			    public_vectors[n].responder_public);
		public_write_first(test, end[0]);
		public_read_first(test, end[1]);
		EXPECT_SAME(test, end[1]->remote_static, end[0]->static_public);
		public_write_second(test, end[1]);
		public_read_second(test, end[0]);
		public_split(test, end[0], MMESH_HS_CONSUMED_RESPONSE);
		public_split(test, end[1], MMESH_HS_CREATED_RESPONSE);
		for (m = 2; m < ARRAY_SIZE(public_vectors[n].messages); m++)
			public_transport(test, end[m % 2], end[!(m % 2)], m);
	}
}

/* With nothing fixed, both ends agree and every session has other keys. */
static void noise_agreement(struct kunit *test)
{
	struct mmesh_keypair *a, *b;
	struct mmesh_msg_response msg;
	u8 last[MMESH_KEY_LEN] = { 0 };
	struct pair p;
	size_t n;

	for (n = 0; n < ARRAY_SIZE(noise_vectors); n++) {
		p = make_pair(test, &noise_vectors[n]);
		shake_half(test, &p, &msg);
		KUNIT_ASSERT_EQ(test, begin(p.r), 0);
		KUNIT_ASSERT_EQ(test, consume_response(p.i, &msg), 0);
		KUNIT_ASSERT_EQ(test, begin(p.i), 0);
		a = slot(p.i->peer.keypairs.current_keypair);
		b = slot(p.r->peer.keypairs.next_keypair);
		EXPECT_SAME(test, a->sending.key, b->receiving.key);
		EXPECT_SAME(test, a->receiving.key, b->sending.key);
		KUNIT_EXPECT_NE(test, memcmp(a->sending.key, a->receiving.key,
					     MMESH_KEY_LEN), 0);
		KUNIT_EXPECT_NE(test, memcmp(a->sending.key, last, sizeof(last)), 0);
		memcpy(last, a->sending.key, sizeof(last));
		destroy_pair(test, &p);
	}
}

static void noise_replay(struct kunit *test)
{
	struct pair p = make_pair(test, &noise_vectors[0]);
	struct mmesh_handshake *hs = &p.r->peer.handshake;
	struct mmesh_msg_initiation first, second;

	KUNIT_ASSERT_EQ(test, start_initiation(p.i, &first), 0);
	rig.now.tv_sec++;
	KUNIT_ASSERT_EQ(test, start_initiation(p.i, &second), 0);
	KUNIT_EXPECT_EQ(test, consume_initiation(p.r, &first), 0);
	hs->last_initiation_consumption = 0;
	KUNIT_EXPECT_EQ(test, consume_initiation(p.r, &first),
			MMESH_STAT_HS_DROP_REPLAY);
	KUNIT_EXPECT_EQ(test, consume_initiation(p.r, &second), 0);
	hs->last_initiation_consumption = 0;
	KUNIT_EXPECT_EQ(test, consume_initiation(p.r, &first),
			MMESH_STAT_HS_DROP_REPLAY);
	KUNIT_EXPECT_EQ(test, consume_initiation(p.r, &second),
			MMESH_STAT_HS_DROP_REPLAY);
	/* Forgetting a session must not open the door to old messages. */
	mmesh_handshake_clear(hs);
	KUNIT_EXPECT_EQ(test, consume_initiation(p.r, &second),
			MMESH_STAT_HS_DROP_REPLAY);
	destroy_pair(test, &p);
}

static void noise_flood(struct kunit *test)
{
	struct pair p = make_pair(test, &noise_vectors[0]);
	struct mmesh_handshake *hs = &p.r->peer.handshake;
	const u64 interval = NSEC_PER_SEC / MMESH_INITIATIONS_PER_SECOND;
	struct mmesh_msg_initiation msg;

	KUNIT_ASSERT_EQ(test, start_initiation(p.i, &msg), 0);
	KUNIT_EXPECT_EQ(test, consume_initiation(p.r, &msg), 0);
	rig.now.tv_sec++;
	KUNIT_ASSERT_EQ(test, start_initiation(p.i, &msg), 0);
	/* As if it had been an hour later than now: the test can't be slow
	 * enough.
	 */
	hs->last_initiation_consumption += 3600 * NSEC_PER_SEC;
	KUNIT_EXPECT_EQ(test, consume_initiation(p.r, &msg),
			MMESH_STAT_HS_DROP_FLOOD);
	hs->last_initiation_consumption = ktime_get_coarse_boottime_ns() - interval;
	KUNIT_EXPECT_EQ(test, consume_initiation(p.r, &msg), 0);
	KUNIT_EXPECT_GE(test, hs->last_initiation_consumption,
			ktime_get_coarse_boottime_ns() - NSEC_PER_SEC);
	destroy_pair(test, &p);
}

/* The clock's fine structure stays at home, its order doesn't suffer. */
static void noise_timestamp(struct kunit *test)
{
	u8 a[MMESH_TIMESTAMP_LEN], b[MMESH_TIMESTAMP_LEN];

	rig.now = (struct timespec64){ 1700000000, 0 };
	tai64n_now(a);
	rig.now.tv_nsec = (1 << 24) - 1;
	tai64n_now(b);
	EXPECT_SAME(test, a, b);
	rig.now.tv_nsec = 1 << 24;
	tai64n_now(b);
	KUNIT_EXPECT_LT(test, memcmp(a, b, sizeof(a)), 0);
	rig.now.tv_nsec = NSEC_PER_SEC - 1;
	tai64n_now(a);
	KUNIT_EXPECT_LT(test, memcmp(b, a, sizeof(a)), 0);
	rig.now = (struct timespec64){ 1700000001, 0 };
	tai64n_now(b);
	KUNIT_EXPECT_LT(test, memcmp(a, b, sizeof(a)), 0);
	KUNIT_EXPECT_EQ(test, get_unaligned_be64(b), 0x400000000000000aULL + 1700000001);
}

/* No single wrong bit gets in, and none changes the handshake. */
static void noise_tampered_initiation(struct kunit *test)
{
	unsigned int bit, first, last, wrong = 0;
	struct mmesh_msg_initiation msg;
	struct mmesh_handshake before;
	struct pair p;
	size_t n;

	for (n = 0; n < ARRAY_SIZE(noise_vectors); n++) {
		p = make_pair(test, &noise_vectors[n]);
		KUNIT_ASSERT_EQ(test, start_initiation(p.i, &msg), 0);
		/* Have the static-static product in place first. */
		KUNIT_ASSERT_EQ(test, consume_initiation(p.r, &msg), 0);
		mmesh_handshake_clear(&p.r->peer.handshake);
		memset(p.r->peer.handshake.latest_timestamp, 0, MMESH_TIMESTAMP_LEN);
		p.r->peer.handshake.last_initiation_consumption = 0;
		before = p.r->peer.handshake;

		first = offsetof(struct mmesh_msg_initiation, ephemeral) * 8;
		last = offsetof(struct mmesh_msg_initiation, macs) * 8;
		for (bit = first; bit < last; bit++) {
			/* X25519 ignores this one; the hash doesn't. */
			((u8 *)&msg)[bit / 8] ^= 1 << bit % 8;
			wrong += consume_initiation(p.r, &msg) !=
				 MMESH_STAT_HS_DROP_DECRYPT;
			((u8 *)&msg)[bit / 8] ^= 1 << bit % 8;
		}
		KUNIT_EXPECT_EQ(test, wrong, 0);
		KUNIT_EXPECT_EQ(test, memcmp(&before, &p.r->peer.handshake,
					     offsetof(struct mmesh_handshake, lock)), 0);
		KUNIT_EXPECT_EQ(test, consume_initiation(p.r, &msg), 0);
		destroy_pair(test, &p);
	}
}

static void noise_tampered_response(struct kunit *test)
{
	unsigned int bit, first, last, wrong = 0;
	struct mmesh_msg_response msg;
	struct mmesh_handshake before;
	struct pair p;
	size_t n;

	for (n = 0; n < ARRAY_SIZE(noise_vectors); n++) {
		p = make_pair(test, &noise_vectors[n]);
		shake_half(test, &p, &msg);
		before = p.i->peer.handshake;
		first = offsetof(struct mmesh_msg_response, ephemeral) * 8;
		last = offsetof(struct mmesh_msg_response, macs) * 8;
		for (bit = first; bit < last; bit++) {
			((u8 *)&msg)[bit / 8] ^= 1 << bit % 8;
			wrong += consume_response(p.i, &msg) !=
				 MMESH_STAT_HS_DROP_DECRYPT;
			((u8 *)&msg)[bit / 8] ^= 1 << bit % 8;
		}
		KUNIT_EXPECT_EQ(test, wrong, 0);
		KUNIT_EXPECT_EQ(test, memcmp(&before, &p.i->peer.handshake,
					     offsetof(struct mmesh_handshake, lock)), 0);
		KUNIT_EXPECT_EQ(test, consume_response(p.i, &msg), 0);
		destroy_pair(test, &p);
	}
}

/* A message's type decides the suite, the peer's configuration whether that
 * is accepted; a relabelled message doesn't decrypt.
 */
static void noise_suites(struct kunit *test)
{
	struct mmesh_msg_initiation msg;
	struct mmesh_msg_response response;
	struct pair p;
	size_t n;

	for (n = 0; n < ARRAY_SIZE(noise_vectors); n++) {
		u8 other = !noise_vectors[n].suite;

		p = make_pair(test, &noise_vectors[n]);
		KUNIT_ASSERT_EQ(test, start_initiation(p.i, &msg), 0);
		p.r->peer.handshake.suite = other;
		KUNIT_EXPECT_EQ(test, consume_initiation(p.r, &msg),
				MMESH_STAT_HS_DROP_SUITE);
		p.r->peer.handshake.suite = p.v->suite;
		msg.header.type = cpu_to_le32(protocols[other].initiation);
		KUNIT_EXPECT_EQ(test, consume_initiation(p.r, &msg),
				MMESH_STAT_HS_DROP_DECRYPT);
		msg.header.type = cpu_to_le32(MMESH_MSG_DATA);
		KUNIT_EXPECT_EQ(test, consume_initiation(p.r, &msg),
				MMESH_STAT_HS_DROP_SUITE);

		rig.now.tv_sec++;
		p.r->peer.handshake.last_initiation_consumption = 0;
		shake_half(test, &p, &response);
		response.header.type = cpu_to_le32(protocols[other].response);
		KUNIT_EXPECT_EQ(test, consume_response(p.i, &response),
				MMESH_STAT_HS_DROP_SUITE);
		response.header.type = cpu_to_le32(MMESH_MSG_COOKIE);
		KUNIT_EXPECT_EQ(test, consume_response(p.i, &response),
				MMESH_STAT_HS_DROP_SUITE);
		destroy_pair(test, &p);
	}
}

static void noise_low_order(struct kunit *test)
{
	struct mmesh_msg_initiation msg;
	struct mmesh_msg_response response;
	struct mmesh_test_end *end;
	struct pair p;
	size_t n;

	p = make_pair(test, &noise_vectors[0]);
	for (n = 0; n < ARRAY_SIZE(low_order); n++) {
		/* As the peer's ephemeral, */
		KUNIT_ASSERT_EQ(test, start_initiation(p.i, &msg), 0);
		memcpy(msg.ephemeral, low_order[n], MMESH_KEY_LEN);
		KUNIT_EXPECT_EQ(test, consume_initiation(p.r, &msg),
				MMESH_STAT_HS_DROP_DECRYPT);
		rig.now.tv_sec++;
		p.r->peer.handshake.last_initiation_consumption = 0;
		shake_half(test, &p, &response);
		memcpy(response.ephemeral, low_order[n], MMESH_KEY_LEN);
		KUNIT_EXPECT_EQ(test, consume_response(p.i, &response),
				MMESH_STAT_HS_DROP_DECRYPT);
		/* and as its static key: nothing is sent. */
		end = mmesh_test_end(test, p.v->initiator_private, low_order[n],
				     NULL, p.v->suite);
		KUNIT_EXPECT_EQ(test, start_initiation(end, &msg),
				MMESH_STAT_HS_DROP_DECRYPT);
		KUNIT_EXPECT_EQ(test, end->peer.handshake.state, MMESH_HS_ZEROED);
		KUNIT_EXPECT_EQ(test, end->m.indices.count, 0);
		mmesh_test_end_destroy(test, end);
	}
	destroy_pair(test, &p);
}

static void noise_identity(struct kunit *test)
{
	const struct noise_vector *v = &noise_vectors[0];
	const u8 zero_key[MMESH_KEY_LEN] = { 0 };
	struct mmesh_msg_initiation msg;
	struct mmesh_msg_response response;
	struct pair p = make_pair(test, v);

	EXPECT_SAME(test, p.i->m.identity.static_public, v->initiator_public);
	shake_half(test, &p, &response);
	down_write(&p.i->m.identity.lock);
	mmesh_identity_set_private(&p.i->m.identity, zero_key);
	up_write(&p.i->m.identity.lock);
	mmesh_handshake_forget_static_static(&p.i->peer.handshake);
	KUNIT_EXPECT_FALSE(test, p.i->m.identity.has_identity);
	EXPECT_SAME(test, p.i->m.identity.static_private, zero_key);
	EXPECT_SAME(test, p.i->peer.handshake.precomputed_static_static, zero_key);
	KUNIT_EXPECT_EQ(test, start_initiation(p.i, &msg),
			MMESH_STAT_HS_DROP_NO_IDENTITY);
	KUNIT_EXPECT_EQ(test, consume_response(p.i, &response),
			MMESH_STAT_HS_DROP_NO_IDENTITY);
	msg = known_initiation(v);
	KUNIT_EXPECT_EQ(test, consume_initiation(p.i, &msg),
			MMESH_STAT_HS_DROP_NO_IDENTITY);

	/* Back with another key, which the other side doesn't know, and then
	 * with the first: the products are not those of before.
	 */
	down_write(&p.i->m.identity.lock);
	mmesh_identity_set_private(&p.i->m.identity, v->responder_ephemeral);
	up_write(&p.i->m.identity.lock);
	p.r->peer.handshake.last_initiation_consumption = 0;
	rig.now.tv_sec++;
	KUNIT_ASSERT_EQ(test, start_initiation(p.i, &msg), 0);
	KUNIT_EXPECT_EQ(test, consume_initiation(p.r, &msg),
			MMESH_STAT_HS_DROP_UNKNOWN_PEER);
	down_write(&p.i->m.identity.lock);
	mmesh_identity_set_private(&p.i->m.identity, v->initiator_private);
	up_write(&p.i->m.identity.lock);
	mmesh_handshake_forget_static_static(&p.i->peer.handshake);
	KUNIT_ASSERT_EQ(test, start_initiation(p.i, &msg), 0);
	KUNIT_EXPECT_EQ(test, consume_initiation(p.r, &msg), 0);
	destroy_pair(test, &p);
}

static void noise_psk(struct kunit *test)
{
	struct pair p = make_pair(test, &noise_vectors[0]);
	struct mmesh_msg_response msg;

	p.r->peer.handshake.preshared_key[31] ^= 1;
	shake_half(test, &p, &msg);
	KUNIT_EXPECT_EQ(test, consume_response(p.i, &msg),
			MMESH_STAT_HS_DROP_DECRYPT);
	destroy_pair(test, &p);
}

/* Messages and steps out of order. */
static void noise_states(struct kunit *test)
{
	struct pair p = make_pair(test, &noise_vectors[0]);
	struct mmesh_handshake *i = &p.i->peer.handshake, *r = &p.r->peer.handshake;
	struct mmesh_msg_initiation initiation;
	struct mmesh_msg_response msg;

	KUNIT_EXPECT_EQ(test, respond(p.r, &msg), MMESH_STAT_HS_DROP_STATE);
	KUNIT_EXPECT_EQ(test, begin(p.r), MMESH_STAT_HS_DROP_STATE);

	shake_half(test, &p, &msg);
	KUNIT_EXPECT_EQ(test, respond(p.r, &msg), MMESH_STAT_HS_DROP_STATE);
	KUNIT_EXPECT_EQ(test, begin(p.i), MMESH_STAT_HS_DROP_STATE);
	KUNIT_EXPECT_EQ(test, consume_response(p.i, &msg), 0);
	KUNIT_EXPECT_EQ(test, consume_response(p.i, &msg), MMESH_STAT_HS_DROP_STATE);
	KUNIT_EXPECT_EQ(test, begin(p.i), 0);
	KUNIT_EXPECT_EQ(test, begin(p.i), MMESH_STAT_HS_DROP_STATE);
	/* The index is the session's now. */
	KUNIT_EXPECT_EQ(test, consume_response(p.i, &msg),
			MMESH_STAT_HS_DROP_NO_INDEX);

	/* Nothing of the handshake's secrets is left. */
	KUNIT_EXPECT_NULL(test, memchr_inv(i->ephemeral_private, 0, MMESH_KEY_LEN));
	KUNIT_EXPECT_NULL(test, memchr_inv(i->chaining_key, 0, MMESH_HASH_LEN));
	KUNIT_EXPECT_NULL(test, memchr_inv(i->hash, 0, MMESH_HASH_LEN));

	/* An answer to the initiation before the last. */
	rig.now.tv_sec++;
	r->last_initiation_consumption = 0;
	shake_half(test, &p, &msg);
	KUNIT_ASSERT_EQ(test, start_initiation(p.i, &initiation), 0);
	KUNIT_EXPECT_EQ(test, consume_response(p.i, &msg),
			MMESH_STAT_HS_DROP_NO_INDEX);
	msg.receiver_index = initiation.sender_index;
	KUNIT_EXPECT_EQ(test, consume_response(p.i, &msg),
			MMESH_STAT_HS_DROP_DECRYPT);
	mmesh_handshake_clear(i);
	KUNIT_EXPECT_EQ(test, consume_response(p.i, &msg),
			MMESH_STAT_HS_DROP_NO_INDEX);
	destroy_pair(test, &p);
}

/* Removal marks the peer, then clears: nothing may come after. */
static void noise_dead_peer(struct kunit *test)
{
	struct pair p = make_pair(test, &noise_vectors[0]);
	struct mmesh_msg_initiation msg;
	struct mmesh_msg_response response;

	shake_half(test, &p, &response);
	p.i->peer.is_dead = true;
	KUNIT_EXPECT_EQ(test, consume_response(p.i, &response), 0);
	KUNIT_EXPECT_EQ(test, begin(p.i), MMESH_STAT_HS_DROP_STATE);
	KUNIT_EXPECT_NULL(test, slot(p.i->peer.keypairs.current_keypair));
	KUNIT_EXPECT_EQ(test, start_initiation(p.i, &msg),
			MMESH_STAT_HS_DROP_UNKNOWN_PEER);
	mmesh_handshake_clear(&p.i->peer.handshake);
	KUNIT_EXPECT_EQ(test, p.i->m.indices.count, 0);
	destroy_pair(test, &p);
}

static int suite_init(struct kunit_suite *suite)
{
	int ret = mmesh_crypt_init();

	return ret ?: mmesh_noise_init();
}

static void suite_exit(struct kunit_suite *suite)
{
	mmesh_noise_exit();
	mmesh_crypt_exit();
}

static struct kunit_case cases[] = {
	KUNIT_CASE(noise_constants),
	KUNIT_CASE(noise_known_initiation),
	KUNIT_CASE(noise_known_response),
	KUNIT_CASE(noise_known_session),
	KUNIT_CASE(noise_public_vectors),
	KUNIT_CASE(noise_agreement),
	KUNIT_CASE(noise_replay),
	KUNIT_CASE(noise_flood),
	KUNIT_CASE(noise_timestamp),
	KUNIT_CASE(noise_tampered_initiation),
	KUNIT_CASE(noise_tampered_response),
	KUNIT_CASE(noise_suites),
	KUNIT_CASE(noise_low_order),
	KUNIT_CASE(noise_identity),
	KUNIT_CASE(noise_psk),
	KUNIT_CASE(noise_states),
	KUNIT_CASE(noise_dead_peer),
	{}
};

static struct kunit_suite suite = {
	.name = "noise",
	.suite_init = suite_init,
	.suite_exit = suite_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
