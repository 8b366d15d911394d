// SPDX-License-Identifier: Apache-2.0
/* Datagrams of no meaning, and data records in and out of a session. */
#include "attacks.h"

#include <netinet/ip.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
	TEXT = 96,		/* plaintext of most records here */
	LEN = RECORD + TEXT,
	BIG = 512,		/* one in so many is larger than any packet */
};

static const uint8_t ours[4] = { 10, 66, 0, 2 };	/* the device takes it from us */
static const uint8_t nowhere[4] = { 10, 99, 0, 1 };	/* it goes nowhere from there */

/* An IPv4 packet of @len bytes that dies quietly in the device's host. */
static void put_packet(uint8_t *at, size_t len, const uint8_t from[4])
{
	uint32_t sum = 0;
	size_t i;

	memset(at, 0, len);
	at[0] = 0x45;
	at[2] = (uint8_t)(len >> 8);
	at[3] = (uint8_t)len;
	at[8] = 64;
	at[9] = 253;
	memcpy(at + 12, from, 4);
	memcpy(at + 16, nowhere, 4);
	for (i = 0; i < 20; i += 2)
		sum += (uint32_t)at[i] << 8 | at[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	at[10] = (uint8_t)(~sum >> 8);
	at[11] = (uint8_t)~sum;
}

static size_t any_length(struct target *t, size_t least)
{
	if (!target_below(t, BIG))
		return 20000 + target_below(t, 40000);
	return least + target_below(t, 1400);
}

static bool short_ones(struct target *t, struct peer *peer)
{
	uint8_t msg[RECORD];
	unsigned long i;
	size_t len;

	(void)peer;
	for (i = 0; i < t->options->count; i++) {
		len = target_below(t, RECORD);
		target_random_fill(t, msg, len);
		if (len >= 4 && target_below(t, 2))
			put_le32(msg, 1 + target_below(t, 6));
		target_send(t, msg, len, MMESH_STAT_RX_DROP_SHORT);
	}
	return target_finish(t);
}

static bool unknown_types(struct target *t, struct peer *peer)
{
	static uint8_t msg[MAX_MESSAGE];
	unsigned long i;
	size_t len;

	(void)peer;
	for (i = 0; i < t->options->count; i++) {
		len = any_length(t, RECORD);
		target_random_fill(t, msg, len < 2000 ? len : 64);
		if (target_below(t, 2))		/* a good type with a flaw in the zeros */
			msg[0] = (uint8_t)(1 + target_below(t, 6));
		if (get_le32(msg) <= 6)
			msg[1 + target_below(t, 3)] |= (uint8_t)(1 << target_below(t, 8));
		if (get_le32(msg) >= 1 && get_le32(msg) <= 6)
			put_le32(msg, 7);
		target_send(t, msg, len, MMESH_STAT_RX_DROP_TYPE);
	}
	return target_finish(t);
}

/* What a handshake message is that should have the length @right. */
static int stat_of_length(size_t len, size_t right)
{
	return len < right ? MMESH_STAT_RX_DROP_SHORT : MMESH_STAT_RX_DROP_LONG;
}

/* Truncated and oversized handshake messages, some made right before. */
static bool wrong_lengths(struct target *t, struct peer *peer)
{
	static const struct {
		uint32_t type;
		size_t len;
	} kinds[] = {
		{ TYPE_INITIATION, INITIATION }, { TYPE_RESPONSE, RESPONSE },
		{ TYPE_COOKIE, COOKIE }, { TYPE_INITIATION_AES, INITIATION },
		{ TYPE_RESPONSE_AES, RESPONSE },
	};
	static uint8_t msg[MAX_MESSAGE];
	uint8_t good[INITIATION];
	struct handshake hs;
	unsigned long i;
	size_t len;

	make_initiation(peer, &hs, SUITE_WIREGUARD, good);
	for (i = 0; i < t->options->count; i++) {
		unsigned int kind = target_below(t, 5);

		target_random_fill(t, msg, 200);
		put_le32(msg, kinds[kind].type);
		if (kind == 0 && target_below(t, 2))
			memcpy(msg, good, sizeof(good));
		do
			len = target_below(t, 2) ? RECORD + target_below(t, 200) :
						   any_length(t, RECORD);
		while (len == kinds[kind].len);
		target_send(t, msg, len, stat_of_length(len, kinds[kind].len));
	}
	return target_finish(t);
}

static bool unknown_sessions(struct target *t, struct peer *peer)
{
	uint8_t msg[LEN], text[TEXT];
	struct session session, other;
	unsigned long i;

	target_session(t, peer, &session, true);
	put_packet(text, TEXT, ours);
	other = session;
	for (i = 0; i < t->options->count; i++) {
		/* Half of them one bit away from the right index. */
		if (i % 2)
			other.their_index = session.their_index ^ 1U << target_below(t, 32);
		else
			other.their_index = session.their_index +
					    1 + target_below(t, UINT32_MAX - 1);
		if (i % 64 < 2)		/* sealing is the slow part */
			make_record(&other, session.counter, msg, text, TEXT);
		put_le32(msg + 4, other.their_index);
		target_send(t, msg, LEN, MMESH_STAT_RX_DROP_NO_SESSION);
	}
	return target_finish(t);
}

static bool forged_records(struct target *t, struct peer *peer)
{
	static uint8_t msg[MAX_MESSAGE];
	struct session session;
	unsigned long i;

	target_session(t, peer, &session, true);
	for (i = 0; i < t->options->count; i++) {
		target_random_fill(t, msg, LEN);
		put_le32(msg, TYPE_DATA);
		put_le32(msg + 4, session.their_index);
		target_send(t, msg, t->options->bundles ? LEN : any_length(t, RECORD),
			    MMESH_STAT_RX_DROP_AUTH);
	}
	/* The window has not moved for any of them. */
	make_record(&session, session.counter++, msg, "", 0);
	target_send(t, msg, RECORD, MMESH_STAT_RX_RECORDS);
	target_expect(t, MMESH_STAT_RX_KEEPALIVES, 1);
	return target_finish(t);
}

/* The first word's low byte says what a flipped bit makes of a data record of LEN bytes. */
static int stat_of_flip(unsigned int bit)
{
	switch (bit) {
	case 0:			/* 5, an initiation */
		return stat_of_length(LEN, INITIATION);
	case 1:			/* 6, a response */
		return stat_of_length(LEN, RESPONSE);
	case 2 ... 31:		/* 0 and what doesn't exist */
		return MMESH_STAT_RX_DROP_TYPE;
	case 32 ... 63:
		return MMESH_STAT_RX_DROP_NO_SESSION;
	}
	return MMESH_STAT_RX_DROP_AUTH;
}

/* Right records with one bit turned over, and then unspoilt. */
static bool flipped_records(struct target *t, struct peer *peer)
{
	uint8_t msg[LEN], text[TEXT];
	struct session session;
	unsigned long i, good = 0;
	unsigned int bit;

	target_session(t, peer, &session, true);
	put_packet(text, TEXT, ours);
	for (i = 0; i < t->options->count; i++) {
		if (i % 16 == 0)
			make_record(&session, session.counter++, msg, text, TEXT);
		bit = flip_bit(t, msg, 0, target_below(t, 4) ? LEN : DATA_TEXT);
		target_send(t, msg, LEN, stat_of_flip(bit));
		msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (i % 16 == 15) {
			target_send(t, msg, LEN, MMESH_STAT_RX_RECORDS);
			good++;
		}
	}
	target_expect(t, MMESH_STAT_RX_PACKETS, good);
	target_expect(t, MMESH_STAT_RX_BYTES, good * TEXT);
	return target_finish(t);
}

/* Right records with bytes cut off or added, some by far. */
static bool cut_records(struct target *t, struct peer *peer)
{
	static uint8_t msg[MAX_MESSAGE];
	uint8_t text[TEXT];
	struct session session;
	unsigned long i;
	size_t len;

	target_session(t, peer, &session, true);
	put_packet(text, TEXT, ours);
	for (i = 0; i < t->options->count; i++) {
		if (i % 16 == 0)
			make_record(&session, session.counter++, msg, text, TEXT);
		do
			len = target_below(t, 2) ? target_below(t, LEN + 32) :
						   any_length(t, RECORD);
		while (len == LEN);
		target_send(t, msg, len, len < RECORD ? MMESH_STAT_RX_DROP_SHORT :
							MMESH_STAT_RX_DROP_AUTH);
	}
	return target_finish(t);
}

/* Each record once, and then again and again, in any order. */
static bool replayed_records(struct target *t, struct peer *peer)
{
	enum { KEPT = 512 };
	static uint8_t kept[KEPT][LEN];
	uint8_t text[TEXT];
	struct session session;
	unsigned long i, good = 0;

	target_session(t, peer, &session, true);
	put_packet(text, TEXT, ours);
	for (i = 0; i < t->options->count; i++) {
		uint8_t *msg;

		if (i % 8 == 0) {
			msg = kept[good % KEPT];
			make_record(&session, session.counter++, msg, text, TEXT);
			target_send(t, msg, LEN, MMESH_STAT_RX_RECORDS);
			good++;
		}
		msg = kept[target_below(t, good < KEPT ? (uint32_t)good : KEPT)];
		target_send(t, msg, LEN, MMESH_STAT_RX_DROP_REPLAY);
	}
	target_expect(t, MMESH_STAT_RX_PACKETS, good);
	target_expect(t, MMESH_STAT_RX_BYTES, good * TEXT);
	/* Our source alternates with nothing, so what is joined is its affair. */
	target_ignore(t, MMESH_STAT_RX_COALESCED);
	return target_finish(t);
}

/* New records whose counters are behind the window, or past the end. */
static bool late_records(struct target *t, struct peer *peer)
{
	enum { WINDOW = 8192 };
	const uint64_t limit = UINT64_MAX - (1 << 13);
	uint8_t msg[RECORD];
	struct session session;
	unsigned long i;
	uint64_t counter;

	target_session(t, peer, &session, true);
	session.counter = 1 << 20;
	make_record(&session, session.counter, msg, "", 0);
	target_send(t, msg, RECORD, MMESH_STAT_RX_RECORDS);
	target_expect(t, MMESH_STAT_RX_KEEPALIVES, 1);
	for (i = 0; i < t->options->count; i++) {
		if (i % 2)
			counter = 1 + target_below(t, (1 << 20) - WINDOW - 1);
		else
			counter = limit + target_below(t, (1 << 13) + 1);
		make_record(&session, counter, msg, "", 0);
		target_send(t, msg, RECORD, MMESH_STAT_RX_DROP_REPLAY);
	}
	return target_finish(t);
}

/* What the device itself sent, sent back: as it is, and under its own index. */
static bool reflected_records(struct target *t, struct peer *peer)
{
	uint8_t msg[2048], text[2048];
	struct session session;
	unsigned long i;
	size_t len;

	target_session(t, peer, &session, true);
	target_provoke(t);
	if (!target_await(t, TYPE_DATA, 10)) {
		printf("#   the device sends no record\n");
		return false;
	}
	len = t->answer_len[TYPE_DATA];
	memcpy(msg, t->answer[TYPE_DATA], len);
	if (!read_record(&session, text, msg, len)) {
		printf("#   the device's record does not open\n");
		return false;
	}
	for (i = 0; i < t->options->count; i++) {
		put_le32(msg + 4, i % 2 ? session.their_index : session.index);
		target_send(t, msg, len, i % 2 ? MMESH_STAT_RX_DROP_AUTH :
						 MMESH_STAT_RX_DROP_NO_SESSION);
	}
	return target_finish(t);
}

/* A plaintext that is not what it should be; its length, and the counter. */
static size_t put_bad_text(struct target *t, uint8_t *text, unsigned int *stat)
{
	const uint8_t others[4] = { 10, 66, 0, (uint8_t)(3 + target_below(t, 200)) };
	size_t len = TEXT;

	target_random_fill(t, text, TEXT);
	switch (target_below(t, 6)) {
	case 0:		/* neither IPv4 nor IPv6 */
		do
			target_random_fill(t, text, 1);
		while (text[0] >> 4 == 4 || text[0] >> 4 == 6);
		*stat = MMESH_STAT_RX_DROP_NOT_IP;
		break;
	case 1:		/* too short for a header */
		text[0] = 0x45;
		len = 1 + target_below(t, 19);
		*stat = MMESH_STAT_RX_DROP_NOT_IP;
		break;
	case 2:		/* longer than the record */
		put_packet(text, TEXT, ours);
		text[2] = (uint8_t)(1 + target_below(t, 255));
		*stat = MMESH_STAT_RX_DROP_INNER_LENGTH;
		break;
	case 3:		/* shorter than its header */
		put_packet(text, TEXT, ours);
		text[2] = 0;
		text[3] = (uint8_t)target_below(t, 20);
		*stat = MMESH_STAT_RX_DROP_INNER_LENGTH;
		break;
	case 4:		/* IPv6, too short or too long */
		text[0] = 0x60;
		len = 20 + target_below(t, TEXT - 19);
		text[4] = 0xff;
		*stat = MMESH_STAT_RX_DROP_INNER_LENGTH;
		break;
	default:	/* another one's address */
		put_packet(text, TEXT, others);
		*stat = MMESH_STAT_RX_DROP_SOURCE;
	}
	return len;
}

/* Under valid keys: authentic nonsense. */
static bool inner_packets(struct target *t, struct peer *peer)
{
	uint8_t msg[LEN], text[TEXT];
	struct session session;
	unsigned long i, good = 0;
	unsigned int stat;
	size_t len;

	target_session(t, peer, &session, true);
	for (i = 0; i < t->options->count; i++) {
		if (target_below(t, 8)) {
			len = put_bad_text(t, text, &stat);
			target_expect(t, stat, 1);
		} else {
			put_packet(text, TEXT, ours);
			len = TEXT;
			good++;
		}
		len = make_record(&session, session.counter++, msg, text, len);
		target_send(t, msg, len, MMESH_STAT_RX_RECORDS);
	}
	target_expect(t, MMESH_STAT_RX_PACKETS, good);
	target_expect(t, MMESH_STAT_RX_BYTES, good * TEXT);
	return target_finish(t);
}

/* Congestion marked outside of a packet that knows no congestion marks. */
static bool impossible_ecn(struct target *t, struct peer *peer)
{
	const int ce = 3, none = 0;
	uint8_t msg[LEN], text[TEXT];
	struct session session;
	unsigned long i;

	target_session(t, peer, &session, true);
	if (setsockopt(t->fd, IPPROTO_IP, IP_TOS, &ce, sizeof(ce)))
		return false;
	put_packet(text, TEXT, ours);
	for (i = 0; i < t->options->count; i++) {
		make_record(&session, session.counter++, msg, text, TEXT);
		target_send(t, msg, LEN, MMESH_STAT_RX_RECORDS);
		target_expect(t, MMESH_STAT_RX_DROP_ECN, 1);
	}
	target_sync(t);
	return !setsockopt(t->fd, IPPROTO_IP, IP_TOS, &none, sizeof(none)) && target_finish(t);
}

const struct attack data_attacks[] = {
	{ "short", short_ones, "datagrams shorter than any message" },
	{ "unknown-types", unknown_types, "types of message that don't exist" },
	{ "wrong-lengths", wrong_lengths, "handshake messages cut or too long" },
	{ "unknown-sessions", unknown_sessions, "records for indices that nobody has" },
	{ "forged-records", forged_records, "records of a session without its keys" },
	{ "flipped-records", flipped_records, "right records with a bit turned over" },
	{ "cut-records", cut_records, "right records cut or extended" },
	{ "replayed-records", replayed_records, "right records again" },
	{ "late-records", late_records, "right records behind the window or past the limit" },
	{ "reflected-records", reflected_records, "the device's own records sent back" },
	{ "inner-packets", inner_packets, "right records with wrong packets inside" },
	{ "impossible-ecn", impossible_ecn, "congestion marks on packets that can't have them" },
	{ 0 }
};
