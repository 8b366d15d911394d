// SPDX-License-Identifier: Apache-2.0
/* Answers to initiations of the device: responses and cookies. */
#include "attacks.h"

#include <stdio.h>
#include <string.h>

/* The device's newest initiation, as we understand it. */
struct pending {
	struct handshake hs;
	uint8_t mac1[MAC];
	uint64_t number;	/* which of those received it was */
	unsigned int made;	/* how often the device has begun anew */
};

/* It repeats itself every five seconds, each time under another index. */
static bool look(struct target *t, struct peer *peer, struct pending *pending)
{
	const uint8_t *msg = t->answer[TYPE_INITIATION];

	if (pending->number == t->answers[TYPE_INITIATION])
		return true;
	pending->number = t->answers[TYPE_INITIATION];
	pending->made++;
	if (t->answer_len[TYPE_INITIATION] != INITIATION ||
	    !check_macs(peer, msg, INITIATION, NULL) ||
	    !read_initiation(peer, &pending->hs, msg)) {
		printf("#   the device's initiation is not right\n");
		return false;
	}
	memcpy(pending->mac1, msg + INITIATION - 2 * MAC, MAC);
	return true;
}

static bool get_initiation(struct target *t, struct peer *peer, struct pending *pending)
{
	memset(pending, 0, sizeof(*pending));
	target_provoke(t);
	if (!target_await(t, TYPE_INITIATION, 10)) {
		printf("#   the device sends no initiation\n");
		return false;
	}
	return look(t, peer, pending);
}

/* The honest answer to the newest initiation: a session must come of it. */
static bool complete(struct target *t, struct peer *peer, struct pending *pending,
		     uint8_t msg[RESPONSE], struct session *session)
{
	uint8_t text[2048];

	target_sync(t);
	if (!look(t, peer, pending))
		return false;
	make_response(peer, &pending->hs, msg, session);
	target_send(t, msg, RESPONSE, MMESH_STAT_HS_RESP_RX);
	target_expect(t, MMESH_STAT_HS_COMPLETED, 1);
	if (!target_await(t, TYPE_DATA, 10) ||
	    !read_record(session, text, t->answer[TYPE_DATA], t->answer_len[TYPE_DATA])) {
		printf("#   no session comes of an honest response\n");
		return false;
	}
	target_sync(t);
	return true;
}

/* Messages to an index that may have been given up on the way. */
static bool finish_indexed(struct target *t, const struct pending *pending, unsigned int stat,
			   uint64_t indexed)
{
	uint64_t late = target_counted(t, MMESH_STAT_HS_DROP_NO_INDEX) -
			t->expected[MMESH_STAT_HS_DROP_NO_INDEX];

	/* Up to two batches are under way when an index changes. */
	if (late > 512ULL * pending->made || late > indexed) {
		printf("#   %llu of %llu did not find their index\n",
		       (unsigned long long)late, (unsigned long long)indexed);
		return false;
	}
	target_expect(t, stat, indexed - late);
	target_expect(t, MMESH_STAT_HS_DROP_NO_INDEX, late);
	return target_finish(t);
}

static bool unknown_responses(struct target *t, struct peer *peer)
{
	return send_noise(t, peer, TYPE_RESPONSE, TYPE_RESPONSE_AES, RESPONSE,
			  MMESH_STAT_HS_DROP_NO_INDEX);
}

/* Noise and nearly right ones for a handshake that waits; then the right one. */
static bool forged_responses(struct target *t, struct peer *peer)
{
	uint8_t msg[RESPONSE], good[RESPONSE];
	uint64_t made_for = 0, indexed = 0;
	struct session session;
	struct pending pending;
	struct handshake hs;
	unsigned long i;

	if (!get_initiation(t, peer, &pending))
		return false;
	for (i = 0; i < t->options->count; i++) {
		if (!look(t, peer, &pending))
			return false;
		if (made_for != pending.number) {
			hs = pending.hs;
			make_response(peer, &hs, good, &session);
			made_for = pending.number;
		}
		memcpy(msg, good, sizeof(msg));
		if (i % 2)
			target_random_fill(t, msg + RESPONSE_EPHEMERAL, KEY + TAG);
		else
			flip_bit(t, msg, RESPONSE_EPHEMERAL, KEY + TAG);
		put_macs(peer, msg, sizeof(msg));
		target_send(t, msg, sizeof(msg), NO_STAT);
		indexed++;
	}
	return complete(t, peer, &pending, good, &session) &&
	       finish_indexed(t, &pending, MMESH_STAT_HS_DROP_DECRYPT, indexed);
}

static bool replayed_responses(struct target *t, struct peer *peer)
{
	uint8_t msg[RESPONSE];
	struct session session;
	struct pending pending;
	unsigned long i;

	if (!get_initiation(t, peer, &pending) || !complete(t, peer, &pending, msg, &session))
		return false;
	for (i = 0; i < t->options->count; i++) {
		if (i % 2)
			put_index(peer, msg, sizeof(msg), (uint32_t)i);
		target_send(t, msg, sizeof(msg), MMESH_STAT_HS_DROP_NO_INDEX);
	}
	return target_finish(t);
}

/* The device's own messages, sent back as they are and under right macs. */
static bool reflected_handshakes(struct target *t, struct peer *peer)
{
	uint8_t initiation[INITIATION], response[RESPONSE];
	struct pending pending;
	struct session session;
	unsigned long i;

	if (!get_initiation(t, peer, &pending))
		return false;
	memcpy(initiation, t->answer[TYPE_INITIATION], INITIATION);
	target_session(t, peer, &session, true);
	memcpy(response, t->answer[TYPE_RESPONSE], RESPONSE);
	for (i = 0; i < t->options->count; i++) {
		switch (i * 4 / t->options->count) {
		case 0:
			target_send(t, initiation, INITIATION, MMESH_STAT_HS_DROP_MAC1);
			break;
		case 1:
			target_send(t, response, RESPONSE, MMESH_STAT_HS_DROP_MAC1);
			break;
		case 2:
			put_macs(peer, initiation, INITIATION);
			target_send(t, initiation, INITIATION, MMESH_STAT_HS_DROP_DECRYPT);
			break;
		default:
			put_macs(peer, response, RESPONSE);
			target_send(t, response, RESPONSE, MMESH_STAT_HS_DROP_NO_INDEX);
		}
	}
	return target_finish(t);
}

static bool forged_cookies(struct target *t, struct peer *peer)
{
	uint8_t msg[COOKIE], mac1[MAC], cookie[MAC];
	struct pending pending;
	uint64_t indexed = 0;
	unsigned long i;

	if (!get_initiation(t, peer, &pending))
		return false;
	for (i = 0; i < t->options->count; i++) {
		if (!look(t, peer, &pending))
			return false;
		target_random_fill(t, msg, sizeof(msg));
		put_le32(msg, TYPE_COOKIE);
		switch (i % 4) {
		case 0:		/* nobody's index */
			put_le32(msg + 4, pending.hs.their_index + 1 + (uint32_t)i);
			target_send(t, msg, sizeof(msg), MMESH_STAT_HS_DROP_NO_INDEX);
			continue;
		case 1:		/* noise */
			put_le32(msg + 4, pending.hs.their_index);
			break;
		case 2:		/* bound to another message */
			target_random_fill(t, mac1, sizeof(mac1));
			target_random_fill(t, cookie, sizeof(cookie));
			make_cookie_reply(peer, msg, pending.hs.their_index, mac1, cookie);
			break;
		default:	/* right, but for a bit */
			make_cookie_reply(peer, msg, pending.hs.their_index, pending.mac1, cookie);
			flip_bit(t, msg, 8, COOKIE - 8);
		}
		target_send(t, msg, sizeof(msg), NO_STAT);
		indexed++;
	}
	target_sync(t);
	return finish_indexed(t, &pending, MMESH_STAT_HS_DROP_COOKIE_INVALID, indexed);
}

/* A right cookie is taken once, and used. */
static bool replayed_cookies(struct target *t, struct peer *peer)
{
	uint8_t msg[COOKIE], cookie[MAC];
	struct pending pending;
	uint32_t index;
	unsigned long i;

	if (!get_initiation(t, peer, &pending))
		return false;
	index = pending.hs.their_index;
	random_fill(cookie, sizeof(cookie));
	make_cookie_reply(peer, msg, index, pending.mac1, cookie);
	target_send(t, msg, sizeof(msg), MMESH_STAT_HS_COOKIE_RX);
	if (!target_await(t, TYPE_INITIATION, 15) || !look(t, peer, &pending)) {
		printf("#   the device does not repeat its initiation\n");
		return false;
	}
	if (!check_macs(peer, t->answer[TYPE_INITIATION], INITIATION, cookie)) {
		printf("#   the device does not use the cookie\n");
		return false;
	}
	/* To its new index, but for its old message. */
	for (i = 0; i < t->options->count; i++) {
		if (!look(t, peer, &pending))
			return false;
		put_le32(msg + 4, pending.hs.their_index);
		target_send(t, msg, sizeof(msg), NO_STAT);
	}
	target_sync(t);
	return finish_indexed(t, &pending, MMESH_STAT_HS_DROP_COOKIE_INVALID, i);
}

const struct attack response_attacks[] = {
	{ "unknown-responses", unknown_responses, "responses to nothing" },
	{ "forged-responses", forged_responses, "noise and nearly right responses" },
	{ "replayed-responses", replayed_responses, "a right response again" },
	{ "reflected-handshakes", reflected_handshakes, "the device's own messages sent back" },
	{ "forged-cookies", forged_cookies, "cookies that nobody asked for" },
	{ "replayed-cookies", replayed_cookies, "a right cookie again" },
	{ 0 }
};
