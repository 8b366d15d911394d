// SPDX-License-Identifier: GPL-2.0
#include <linux/string.h>
#include <linux/time64.h>
#include <linux/types.h>

#define MMESH_WANT_COOKIE_VECTORS
#include "vectors-noise.h"

/* What the code under test takes for the time and for random. */
static struct {
	u64 clock_ns;
	const u8 *secret;
	const u8 *nonce;
} rig;

static u64 boot_clock_ns(void)
{
	return rig.clock_ns;
}

static void random_bytes(u8 *dst, size_t len)
{
	memcpy(dst, len == 32 ? rig.secret : rig.nonce, len);
}

#include "../kmod/cookie.c"
#include "peers.h"
#include "test.h"

enum { LEN = sizeof(struct mmesh_msg_initiation) };

static void forward_seconds(u64 seconds)
{
	rig.clock_ns += seconds * NSEC_PER_SEC;
}

static struct mmesh_addr source_of(const struct cookie_vector *v)
{
	struct mmesh_addr addr = { .addr.sa_family = v->family };

	if (v->family == AF_INET6) {
		memcpy(&addr.addr6.sin6_addr, v->address, 16);
		addr.addr6.sin6_port = htons(v->port);
	} else {
		memcpy(&addr.addr4.sin_addr, v->address, 4);
		addr.addr4.sin_port = htons(v->port);
	}
	return addr;
}

/* The vector's responder. Its peer doesn't matter. */
static struct mmesh_test_end *make_responder(struct kunit *test,
					     const struct cookie_vector *v)
{
	rig.secret = v->secret;
	rig.nonce = v->nonce;
	return mmesh_test_end(test, v->responder_private, v->address, NULL, v->suite);
}

/* The vector's initiator, with a handshake under way under *@index. */
static struct mmesh_test_end *make_initiator(struct kunit *test,
					     const struct cookie_vector *v,
					     __le32 *index)
{
	struct mmesh_test_end *end;

	end = mmesh_test_end(test, NULL, v->responder_public, NULL, v->suite);
	KUNIT_ASSERT_EQ(test, mmesh_index_insert(&end->m.indices,
						 &end->peer.handshake.entry), 0);
	*index = end->peer.handshake.entry.index;
	return end;
}

static void cookie_known_responder(struct kunit *test)
{
	struct mmesh_msg_cookie reply;
	struct mmesh_test_end *end;
	struct mmesh_addr from;
	u8 msg[LEN];
	size_t n;

	for (n = 0; n < ARRAY_SIZE(cookie_vectors); n++) {
		const struct cookie_vector *v = &cookie_vectors[n];

		end = make_responder(test, v);
		from = source_of(v);
		memcpy(msg, v->message, LEN);
		KUNIT_EXPECT_EQ(test, mmesh_cookie_validate(&end->m, msg, LEN, &from,
							    false), MMESH_MAC1_VALID);
		KUNIT_EXPECT_EQ(test, mmesh_cookie_validate(&end->m, msg, LEN, &from,
							    true), MMESH_MAC2_VALID);
		mmesh_cookie_create_reply(&end->m, &reply, msg, LEN,
					  cpu_to_le32(0x11223344), &from);
		KUNIT_EXPECT_EQ(test, memcmp(&reply, v->reply, sizeof(reply)), 0);
		mmesh_test_end_destroy(test, end);
	}
}

static void cookie_known_initiator(struct kunit *test)
{
	const size_t mac2 = LEN - MMESH_MAC_LEN;
	struct mmesh_msg_cookie reply;
	struct mmesh_test_end *end;
	__le32 index;
	u8 msg[LEN];
	size_t n;

	for (n = 0; n < ARRAY_SIZE(cookie_vectors); n++) {
		const struct cookie_vector *v = &cookie_vectors[n];

		end = make_initiator(test, v, &index);
		memcpy(msg, v->message, LEN);
		memset(msg + LEN - sizeof(struct mmesh_msg_macs), 0xff,
		       sizeof(struct mmesh_msg_macs));
		memcpy(&reply, v->reply, sizeof(reply));
		reply.receiver_index = index;
		/* Nothing was sent that it could answer. */
		KUNIT_EXPECT_EQ(test, mmesh_cookie_consume_reply(&end->m, &reply),
				-EBADMSG);

		mmesh_cookie_add_macs(&end->peer, msg, LEN);
		KUNIT_EXPECT_EQ(test, memcmp(msg, v->message, mac2), 0);
		KUNIT_EXPECT_NULL(test, memchr_inv(msg + mac2, 0, MMESH_MAC_LEN));
		KUNIT_EXPECT_EQ(test, mmesh_cookie_consume_reply(&end->m, &reply), 0);
		/* The same once more answers nothing. */
		KUNIT_EXPECT_EQ(test, mmesh_cookie_consume_reply(&end->m, &reply),
				-EBADMSG);
		mmesh_cookie_add_macs(&end->peer, msg, LEN);
		KUNIT_EXPECT_EQ(test, memcmp(msg, v->message, LEN), 0);

		/* Used up to five seconds before the responder forgets. */
		forward_seconds(114);
		mmesh_cookie_add_macs(&end->peer, msg, LEN);
		KUNIT_EXPECT_EQ(test, memcmp(msg, v->message, LEN), 0);
		forward_seconds(1);
		mmesh_cookie_add_macs(&end->peer, msg, LEN);
		KUNIT_EXPECT_NULL(test, memchr_inv(msg + mac2, 0, MMESH_MAC_LEN));
		mmesh_test_end_destroy(test, end);
	}
}

static void cookie_bad_replies(struct kunit *test)
{
	const struct cookie_vector *v = &cookie_vectors[0];
	struct mmesh_msg_cookie reply;
	struct mmesh_test_end *end;
	unsigned int bit, wrong = 0;
	__le32 index;
	u8 msg[LEN];

	end = make_initiator(test, v, &index);
	memcpy(msg, v->message, LEN);
	mmesh_cookie_add_macs(&end->peer, msg, LEN);
	memcpy(&reply, v->reply, sizeof(reply));
	reply.receiver_index = index;
	for (bit = offsetof(struct mmesh_msg_cookie, nonce) * 8;
	     bit < sizeof(reply) * 8; bit++) {
		((u8 *)&reply)[bit / 8] ^= 1 << bit % 8;
		wrong += mmesh_cookie_consume_reply(&end->m, &reply) != -EBADMSG;
		((u8 *)&reply)[bit / 8] ^= 1 << bit % 8;
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_FALSE(test, end->peer.cookie.is_valid);
	reply.receiver_index = ~index;
	KUNIT_EXPECT_EQ(test, mmesh_cookie_consume_reply(&end->m, &reply), -ENOENT);
	/* It is bound to the message it answers. */
	reply.receiver_index = index;
	msg[8] ^= 1;
	mmesh_cookie_add_macs(&end->peer, msg, LEN);
	KUNIT_EXPECT_EQ(test, mmesh_cookie_consume_reply(&end->m, &reply), -EBADMSG);
	msg[8] ^= 1;
	mmesh_cookie_add_macs(&end->peer, msg, LEN);
	KUNIT_EXPECT_EQ(test, mmesh_cookie_consume_reply(&end->m, &reply), 0);
	mmesh_test_end_destroy(test, end);
}

static void cookie_tampered(struct kunit *test)
{
	const unsigned int mac2 = (LEN - MMESH_MAC_LEN) * 8;
	struct mmesh_test_end *end;
	unsigned int bit, wrong = 0;
	struct mmesh_addr from;
	u8 msg[LEN];
	size_t n;

	for (n = 0; n < ARRAY_SIZE(cookie_vectors); n++) {
		const struct cookie_vector *v = &cookie_vectors[n];

		end = make_responder(test, v);
		from = source_of(v);
		memcpy(msg, v->message, LEN);
		for (bit = 0; bit < LEN * 8; bit++) {
			msg[bit / 8] ^= 1 << bit % 8;
			wrong += mmesh_cookie_validate(&end->m, msg, LEN, &from, true) !=
				 (bit < mac2 ? MMESH_MAC_INVALID : MMESH_MAC1_VALID);
			msg[bit / 8] ^= 1 << bit % 8;
		}
		mmesh_test_end_destroy(test, end);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
}

/* A cookie is worth something from where it was sent to only. */
static void cookie_source(struct kunit *test)
{
	struct mmesh_test_end *end;
	struct mmesh_addr from;
	size_t n;

	for (n = 0; n < ARRAY_SIZE(cookie_vectors); n++) {
		const struct cookie_vector *v = &cookie_vectors[n];

		end = make_responder(test, v);
		from = source_of(v);
		from.addr4.sin_port ^= htons(1);
		KUNIT_EXPECT_EQ(test, mmesh_cookie_validate(&end->m, v->message, LEN,
							    &from, true),
				MMESH_MAC1_VALID);
		from = source_of(v);
		if (v->family == AF_INET6)
			from.addr6.sin6_addr.s6_addr[15] ^= 1;
		else
			from.addr4.sin_addr.s_addr ^= htonl(1);
		KUNIT_EXPECT_EQ(test, mmesh_cookie_validate(&end->m, v->message, LEN,
							    &from, true),
				MMESH_MAC1_VALID);
		mmesh_test_end_destroy(test, end);
	}
}

static void cookie_secret_renewal(struct kunit *test)
{
	const struct cookie_vector *v = &cookie_vectors[0];
	struct mmesh_test_end *end = make_responder(test, v);
	struct mmesh_addr from = source_of(v);
	u8 other[32] = { 1 };

	KUNIT_EXPECT_EQ(test, mmesh_cookie_validate(&end->m, v->message, LEN, &from,
						    true), MMESH_MAC2_VALID);
	rig.secret = other;
	forward_seconds(119);
	KUNIT_EXPECT_EQ(test, mmesh_cookie_validate(&end->m, v->message, LEN, &from,
						    true), MMESH_MAC2_VALID);
	forward_seconds(1);
	KUNIT_EXPECT_EQ(test, mmesh_cookie_validate(&end->m, v->message, LEN, &from,
						    true), MMESH_MAC1_VALID);
	mmesh_test_end_destroy(test, end);
}

static void cookie_no_identity(struct kunit *test)
{
	const struct cookie_vector *v = &cookie_vectors[0];
	struct mmesh_addr from = source_of(v);
	const u8 zero_key[MMESH_KEY_LEN] = { 0 };
	struct mmesh_test_end *end;
	u8 msg[LEN];

	end = mmesh_test_end(test, NULL, v->responder_public, NULL, v->suite);
	KUNIT_EXPECT_EQ(test, mmesh_cookie_validate(&end->m, v->message, LEN, &from,
						    false), MMESH_MAC_INVALID);
	/* Nor one that is right under a key of zeros. */
	memcpy(msg, v->message, LEN);
	compute_mac1(msg + LEN - sizeof(struct mmesh_msg_macs), msg, LEN, zero_key);
	KUNIT_EXPECT_EQ(test, mmesh_cookie_validate(&end->m, msg, LEN, &from, false),
			MMESH_MAC_INVALID);
	mmesh_test_end_destroy(test, end);
}

static void cookie_ratelimited(struct kunit *test)
{
	const struct cookie_vector *v = &cookie_vectors[0];
	struct mmesh_test_end *end = make_responder(test, v);
	struct mmesh_addr from = source_of(v);
	unsigned int i;

	/* The limiter's clock stands still here. */
	for (i = 0; i < MMESH_RATELIMIT_BURST; i++)
		KUNIT_EXPECT_EQ(test, mmesh_cookie_validate(&end->m, v->message, LEN,
							    &from, true),
				MMESH_MAC2_VALID);
	KUNIT_EXPECT_EQ(test, mmesh_cookie_validate(&end->m, v->message, LEN, &from,
						    true),
			MMESH_MAC2_VALID_RATELIMITED);
	/* That is for the time under load. */
	KUNIT_EXPECT_EQ(test, mmesh_cookie_validate(&end->m, v->message, LEN, &from,
						    false), MMESH_MAC1_VALID);
	mmesh_test_end_destroy(test, end);
}

static int test_init(struct kunit *test)
{
	rig.clock_ns = 1000 * (u64)NSEC_PER_SEC;
	return mmesh_ratelimiter_init();
}

static void test_exit(struct kunit *test)
{
	mmesh_ratelimiter_exit();
}

static struct kunit_case cases[] = {
	KUNIT_CASE(cookie_known_responder),
	KUNIT_CASE(cookie_known_initiator),
	KUNIT_CASE(cookie_bad_replies),
	KUNIT_CASE(cookie_tampered),
	KUNIT_CASE(cookie_source),
	KUNIT_CASE(cookie_secret_renewal),
	KUNIT_CASE(cookie_no_identity),
	KUNIT_CASE(cookie_ratelimited),
	{}
};

static struct kunit_suite suite = {
	.name = "cookie",
	.init = test_init,
	.exit = test_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
