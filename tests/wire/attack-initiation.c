// SPDX-License-Identifier: Apache-2.0
/* Initiations to the device, from noise to the nearly right. */
#include "attacks.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static bool forged_macs(struct target *t, struct peer *peer)
{
	static const struct {
		uint32_t type;
		size_t len;
	} kinds[] = {
		{ TYPE_INITIATION, INITIATION }, { TYPE_RESPONSE, RESPONSE },
		{ TYPE_INITIATION_AES, INITIATION }, { TYPE_RESPONSE_AES, RESPONSE },
	};
	uint8_t msg[INITIATION], good[INITIATION];
	struct handshake hs;
	unsigned long i;

	make_initiation(peer, &hs, SUITE_WIREGUARD, good);
	for (i = 0; i < t->options->count; i++) {
		unsigned int kind = target_below(t, 4);

		if (i % 2) {
			/* A right one with a bit turned over, mac1 left as it was. */
			memcpy(msg, good, sizeof(msg));
			flip_bit(t, msg, 4, INITIATION - MAC - 4);
			kind = 0;
		} else {
			target_random_fill(t, msg, sizeof(msg));
			put_le32(msg, kinds[kind].type);
		}
		target_send(t, msg, kinds[kind].len, MMESH_STAT_HS_DROP_MAC1);
	}
	return target_finish(t);
}

/* mac1 is right, so the device has to compute. */
static bool random_initiations(struct target *t, struct peer *peer)
{
	return send_noise(t, peer, TYPE_INITIATION, TYPE_INITIATION_AES, INITIATION,
			  MMESH_STAT_HS_DROP_DECRYPT);
}

static bool flipped_initiations(struct target *t, struct peer *peer)
{
	uint8_t msg[INITIATION], good[INITIATION];
	struct handshake hs;
	unsigned long i;

	for (i = 0; i < t->options->count; i++) {
		if (i % 64 == 0)
			make_initiation(peer, &hs, SUITE_WIREGUARD, good);
		memcpy(msg, good, sizeof(msg));
		flip_bit(t, msg, INITIATION_EPHEMERAL,
			 INITIATION - 2 * MAC - INITIATION_EPHEMERAL);
		put_macs(peer, msg, sizeof(msg));
		target_send(t, msg, sizeof(msg), MMESH_STAT_HS_DROP_DECRYPT);
	}
	/* None of them has cost the honest one its place. */
	make_initiation(peer, &hs, SUITE_WIREGUARD, good);
	target_send(t, good, sizeof(good), MMESH_STAT_HS_INIT_RX);
	target_expect(t, MMESH_STAT_HS_RESP_TX, 1);
	target_expect_answers(t, TYPE_RESPONSE, 1);
	return target_finish(t);
}

/* Points whose product with any key everybody knows. */
static bool low_order_points(struct target *t, struct peer *peer)
{
	static const uint8_t points[][KEY] = {
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
	};
	uint8_t msg[INITIATION];
	unsigned long i;

	for (i = 0; i < t->options->count; i++) {
		target_random_fill(t, msg, sizeof(msg));
		put_le32(msg, TYPE_INITIATION);
		memcpy(msg + INITIATION_EPHEMERAL, points[i % 6], KEY);
		/* The topmost bit does not count. */
		if (target_below(t, 2))
			msg[INITIATION_EPHEMERAL + KEY - 1] |= 0x80;
		put_macs(peer, msg, sizeof(msg));
		target_send(t, msg, sizeof(msg), MMESH_STAT_HS_DROP_DECRYPT);
	}
	return target_finish(t);
}

/* Right ones of @who: every 16th is made anew, after @dress has changed who that is, and has another index until then. */
static bool right_initiations(struct target *t, struct peer who, enum suite suite,
			      void (*dress)(struct peer *who, unsigned long i), unsigned int stat)
{
	uint8_t msg[INITIATION];
	struct handshake hs;
	unsigned long i;

	for (i = 0; i < t->options->count; i++) {
		if (i % 16 == 0) {
			if (dress)
				dress(&who, i);
			make_initiation(&who, &hs, suite, msg);
		}
		put_index(&who, msg, sizeof(msg), (uint32_t)i);
		target_send(t, msg, sizeof(msg), stat);
	}
	return target_finish(t);
}

static void dress_as_stranger(struct peer *who, unsigned long i)
{
	dh_generate(who->private, who->public);
	/* One that claims to be the device itself. */
	if (i % 64 == 0)
		memcpy(who->public, who->theirs, KEY);
}

/* All right, but the device doesn't know us. */
static bool strangers(struct target *t, struct peer *peer)
{
	return right_initiations(t, *peer, SUITE_WIREGUARD, dress_as_stranger,
				 MMESH_STAT_HS_DROP_UNKNOWN_PEER);
}

static void dress_as_impostor(struct peer *who, unsigned long i)
{
	uint8_t other[KEY];

	(void)i;
	dh_generate(who->private, other);
}

/* Our name with somebody else's key: only the timestamp's tag gives it away. */
static bool impostors(struct target *t, struct peer *peer)
{
	return right_initiations(t, *peer, SUITE_WIREGUARD, dress_as_impostor,
				 MMESH_STAT_HS_DROP_DECRYPT);
}

/* Right, but for the suite that the device has configured for us. */
static bool wrong_suite(struct target *t, struct peer *peer)
{
	return right_initiations(t, *peer, SUITE_AES256GCM, NULL, MMESH_STAT_HS_DROP_SUITE);
}

/* One that was taken, and older ones, again. */
static bool replayed_initiations(struct target *t, struct peer *peer)
{
	enum { KEPT = 16 };
	static uint8_t kept[KEPT][INITIATION];
	struct handshake hs;
	unsigned long i;

	for (i = 0; i < KEPT; i++)
		make_initiation(peer, &hs, SUITE_WIREGUARD, kept[i]);
	target_send(t, kept[KEPT - 1], INITIATION, MMESH_STAT_HS_INIT_RX);
	target_expect(t, MMESH_STAT_HS_RESP_TX, 1);
	target_expect_answers(t, TYPE_RESPONSE, 1);
	target_sync(t);
	for (i = 0; i < t->options->count; i++) {
		uint8_t *msg = kept[target_below(t, KEPT)];

		/* Another index and macs of its own don't make it new. */
		if (i % 2)
			put_index(peer, msg, INITIATION, (uint32_t)i);
		target_send(t, msg, INITIATION, MMESH_STAT_HS_DROP_REPLAY);
	}
	return target_finish(t);
}

/* New ones, faster than any honest peer needs them. */
static bool hasty_initiations(struct target *t, struct peer *peer)
{
	const struct timespec *no_time = &(struct timespec){ 0 };
	struct timespec begin = *no_time, end = *no_time;
	uint8_t msg[INITIATION];
	struct handshake hs;
	uint64_t taken, most;
	unsigned long i;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (i = 0; i < t->options->count; i++) {
		make_initiation(peer, &hs, SUITE_WIREGUARD, msg);
		target_send(t, msg, sizeof(msg), NO_STAT);
	}
	target_sync(t);
	clock_gettime(CLOCK_MONOTONIC, &end);
	most = (uint64_t)(end.tv_sec - begin.tv_sec + 1) * 50 + 2;
	taken = target_counted(t, MMESH_STAT_HS_INIT_RX);
	if (!taken || taken > most) {
		printf("#   %llu initiations were taken, expected 1 to %llu\n",
		       (unsigned long long)taken, (unsigned long long)most);
		return false;
	}
	target_expect(t, MMESH_STAT_HS_INIT_RX, taken);
	target_expect(t, MMESH_STAT_HS_DROP_FLOOD, t->sent - taken);
	target_expect(t, MMESH_STAT_HS_RESP_TX, taken);
	target_expect_answers(t, TYPE_RESPONSE, taken);
	return target_finish(t);
}

const struct attack initiation_attacks[] = {
	{ "forged-macs", forged_macs, "handshake messages without the right mac1" },
	{ "random-initiations", random_initiations, "noise under a right mac1" },
	{ "flipped-initiations", flipped_initiations, "right ones with a bit turned over" },
	{ "low-order-points", low_order_points, "ephemeral keys of low order" },
	{ "strangers", strangers, "right ones of peers that are not configured" },
	{ "impostors", impostors, "a peer's name without its key" },
	{ "wrong-suite", wrong_suite, "right ones of a suite that isn't the peer's" },
	{ "replayed-initiations", replayed_initiations, "right ones again" },
	{ "hasty-initiations", hasty_initiations, "new ones, too fast" },
	{ 0 }
};
