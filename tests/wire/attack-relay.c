// SPDX-License-Identifier: Apache-2.0
/* Control messages and relayed ones. The device is a relay; of its clients ours, whose keys are made of the peer's,
 * two are in one network, one is in another, and one is no client at all.
 */
#include "attacks.h"
#include "leg.h"

#include <openssl/evp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
	INNER = 96,
	/* A peer's control messages beyond a burst of 100 are dropped for that. */
	FEW = 40,
	ROUND = 128,
	PATIENCE = 10,
};

enum who { FIRST, SECOND, FOREIGN, STRANGER, WHO };

static const char *const names[WHO] = { "first", "second", "foreign", "stranger" };

struct client {
	struct peer peer;
	struct session session;
	struct extension ext;
	uint32_t channel;
};

/* The clients, and what the device is to have counted. */
struct scene {
	struct target *t;
	struct client client[WHO];
	struct counters before, now;
	uint64_t expected[MMESH_STAT_COUNT];
	bool may_exceed_rate;		/* the device has more to say than it may */
	uint8_t answer[CONTROL_MAX];	/* newest of those we waited for */
	size_t answer_len;
};

static void make_peer(struct peer *peer, const struct peer *first, enum who who)
{
	*peer = *first;
	if (who == FIRST)
		return;
	hash_two(peer->private, names[who], strlen(names[who]), first->private, KEY);
	dh_public(peer->public, peer->private);
}

static bool show_keys(struct target *t, struct peer *peer)
{
	struct peer other;
	uint8_t text[64];
	enum who who;

	(void)t;
	for (who = SECOND; who < WHO; who++) {
		make_peer(&other, peer, who);
		EVP_EncodeBlock(text, other.public, KEY);
		printf("key %s %s\n", names[who], (const char *)text);
	}
	return true;
}

/* What the device has counted of drops, and forwarded. */
static bool is_counted(const struct scene *s)
{
	unsigned int i;

	for (i = 0; i < MMESH_STAT_COUNT; i++)
		if ((strstr(counter_name(i), "DROP") || i == MMESH_STAT_RELAY_PACKETS) &&
		    !(i == MMESH_STAT_CTL_DROP_RATE && s->may_exceed_rate))
			if (s->now.value[i] - s->before.value[i] != s->expected[i])
				return false;
	return true;
}

static bool settle(struct scene *s)
{
	time_t end = time(NULL) + PATIENCE;
	unsigned int i;

	do {
		counters_read(s->t->link, &s->now);
		if (is_counted(s))
			return true;
		poll(NULL, 0, 5);
	} while (time(NULL) < end);
	for (i = 0; i < MMESH_STAT_COUNT; i++)
		if (s->expected[i] || strstr(counter_name(i), "DROP"))
			if (s->now.value[i] - s->before.value[i] != s->expected[i])
				printf("#   %s rose by %llu, expected %llu\n", counter_name(i),
				       (unsigned long long)(s->now.value[i] - s->before.value[i]),
				       (unsigned long long)s->expected[i]);
	return false;
}

static void begin(struct scene *s)
{
	counters_read(s->t->link, &s->before);
	memset(s->expected, 0, sizeof(s->expected));
}

/* A message that has to be counted as @stat. Now and then the device gets time to do so. */
static bool send_as(struct scene *s, const void *msg, size_t len, unsigned int stat)
{
	while (send(s->t->fd, msg, len, 0) < 0)
		;
	return ++s->expected[stat] % ROUND || settle(s);
}

/* The next message of @type under @index. */
static bool await(struct scene *s, uint32_t type, uint32_t index)
{
	struct pollfd poll_fd = { .fd = s->t->fd, .events = POLLIN };
	ssize_t n;

	while (poll(&poll_fd, 1, 3000) > 0) {
		n = recv(s->t->fd, s->answer, sizeof(s->answer), 0);
		if (n < RECORD || get_le32(s->answer) != type || get_le32(s->answer + 4) != index)
			continue;
		s->answer_len = (size_t)n;
		return true;
	}
	return false;
}

static void send_open(struct scene *s, struct client *client, const uint8_t body[OPEN])
{
	uint8_t msg[CONTROL_MAX];
	size_t len = make_control(&client->ext, &client->session, client->ext.control_counter++, msg,
				  KIND_OPEN, body, OPEN, 0);

	send(s->t->fd, msg, len, 0);
}

/* Ask for a channel; the kind of the answer, or 0. */
static unsigned int ask(struct scene *s, struct client *client, const uint8_t target[KEY])
{
	uint8_t plain[CONTROL_MAX], body[OPEN] = { 0 };

	memcpy(body, target, KEY);
	send_open(s, client, body);
	while (await(s, TYPE_CONTROL, client->session.index))
		if (read_control(&client->ext, plain, s->answer, s->answer_len) && plain[0] >= KIND_OPENED) {
			client->channel = get_le32(plain + 4 + OPENED_ID);
			return plain[0];
		}
	return 0;
}

static bool arrange(struct scene *s, struct target *t, const struct peer *peer)
{
	enum who who;

	memset(s, 0, sizeof(*s));
	s->t = t;
	for (who = 0; who < WHO; who++) {
		struct client *client = &s->client[who];

		make_peer(&client->peer, peer, who);
		target_session(t, &client->peer, &client->session, true);
		extension_of(&client->ext, &client->session);
	}
	if (ask(s, &s->client[FIRST], s->client[SECOND].peer.public) != KIND_OPENED) {
		printf("#   no channel between two members\n");
		return false;
	}
	begin(s);
	return true;
}

/* A relayed message of client @who on @channel with a good header. */
static size_t make_relayed(struct scene *s, enum who who, uint32_t channel, uint8_t *msg)
{
	struct client *client = &s->client[who];

	target_random_fill(s->t, msg + LEG, INNER);
	put_le32(msg + LEG, TYPE_DATA);
	put_leg(&client->ext, &client->session, client->ext.leg_counter++, channel, LEG_TO_RELAY, msg, INNER);
	return LEG + INNER;
}

/* One honest message still gets through, under another header. */
static bool still_works(struct scene *s)
{
	struct client *second = &s->client[SECOND];
	uint8_t msg[LEG + INNER];

	make_relayed(s, FIRST, s->client[FIRST].channel, msg);
	if (!send_as(s, msg, sizeof(msg), MMESH_STAT_RELAY_PACKETS))
		return false;
	do {
		if (!await(s, TYPE_RELAY, second->session.index) ||
		    !check_leg(&second->ext, s->answer, s->answer_len))
			return false;
	} while (memcmp(s->answer + LEG, msg + LEG, INNER));
	return settle(s);
}

static bool forged_legs(struct target *t, struct peer *peer)
{
	uint8_t msg[LEG + INNER];
	unsigned long i;
	struct scene s;

	if (!arrange(&s, t, peer))
		return false;
	for (i = 0; i < t->options->count; i++) {
		const bool index = i % 8 == 0;

		make_relayed(&s, FIRST, s.client[FIRST].channel, msg);
		if (index)
			flip_bit(t, msg, 4, 4);
		else
			flip_bit(t, msg, LEG_COUNTER, LEG + LEG_COVERED - LEG_COUNTER);
		if (!send_as(&s, msg, sizeof(msg), index ? MMESH_STAT_LEG_DROP_NO_SESSION :
							   MMESH_STAT_LEG_DROP_AUTH))
			return false;
	}
	return still_works(&s);
}

static bool replayed_legs(struct target *t, struct peer *peer)
{
	uint8_t msg[LEG + INNER];
	unsigned long i;
	struct scene s;

	if (!arrange(&s, t, peer))
		return false;
	make_relayed(&s, FIRST, s.client[FIRST].channel, msg);
	if (!send_as(&s, msg, sizeof(msg), MMESH_STAT_RELAY_PACKETS) || !settle(&s))
		return false;
	for (i = 0; i < t->options->count; i++) {
		/* What is not covered is not the relay's affair, and makes no new message. */
		target_random_fill(t, msg + LEG + LEG_COVERED, INNER - LEG_COVERED);
		if (!send_as(&s, msg, sizeof(msg), MMESH_STAT_LEG_DROP_REPLAY))
			return false;
	}
	return still_works(&s);
}

static bool reflected_legs(struct target *t, struct peer *peer)
{
	uint8_t msg[LEG + INNER];
	unsigned long i;
	struct scene s;
	size_t len;

	if (!arrange(&s, t, peer))
		return false;
	make_relayed(&s, FIRST, s.client[FIRST].channel, msg);
	if (!send_as(&s, msg, sizeof(msg), MMESH_STAT_RELAY_PACKETS) ||
	    !await(&s, TYPE_RELAY, s.client[SECOND].session.index))
		return false;
	len = s.answer_len;
	put_le32(s.answer + 4, s.client[SECOND].session.their_index);
	for (i = 0; i < t->options->count; i++)
		if (!send_as(&s, s.answer, len, MMESH_STAT_LEG_DROP_AUTH))
			return false;
	return still_works(&s);
}

/* Genuine headers that do not fit what stands behind them. */
static bool malformed_legs(struct target *t, struct peer *peer)
{
	struct client *first;
	uint8_t msg[2 * LEG + INNER];
	unsigned long i;
	struct scene s;
	size_t len;

	if (!arrange(&s, t, peer))
		return false;
	first = &s.client[FIRST];
	for (i = 0; i < t->options->count; i++) {
		len = make_relayed(&s, FIRST, first->channel, msg);
		switch (i % 4) {
		case 0:		/* another length */
			flip_bit(t, msg, LEG_LENGTH, 2);
			break;
		case 1:		/* flags that there are not */
			msg[LEG_FLAGS + target_below(t, 2)] |= (uint8_t)(4 << target_below(t, 6));
			break;
		case 2:		/* a header in a header */
			put_le32(msg + LEG, TYPE_RELAY);
			break;
		default:	/* cut or prolonged */
			len = target_below(t, 2) ? 4 + target_below(t, (uint32_t)len - 4) :
						   len + 1 + target_below(t, LEG - 1);
		}
		put_leg_tag(&first->ext, msg);
		if (!send_as(&s, msg, len, MMESH_STAT_LEG_DROP_MALFORMED))
			return false;
	}
	return still_works(&s);
}

/* Ids that nobody has, and one that somebody else has. */
static bool foreign_channels(struct target *t, struct peer *peer)
{
	uint8_t msg[LEG + INNER];
	unsigned long i;
	struct scene s;

	if (!arrange(&s, t, peer))
		return false;
	s.may_exceed_rate = true;
	for (i = 0; i < t->options->count; i++) {
		const enum who who = i % 2 ? FOREIGN : SECOND;
		const uint32_t id = i % 4 < 2 ? s.client[FIRST].channel :
						s.client[FIRST].channel ^ 1U << (8 + target_below(t, 24));

		make_relayed(&s, who, id, msg);
		/* Each is told of it, as often as control messages may be sent. */
		if (!send_as(&s, msg, sizeof(msg), MMESH_STAT_LEG_DROP_CHANNEL))
			return false;
	}
	return still_works(&s);
}

/* Who is not admitted gets nothing, and nobody gets into another network. */
static bool unpermitted(struct target *t, struct peer *peer)
{
	uint8_t msg[LEG + INNER], nobody[KEY], body[OPEN] = { 0 };
	unsigned long i;
	struct scene s;

	if (!arrange(&s, t, peer))
		return false;
	for (i = 0; i < t->options->count; i++) {
		make_relayed(&s, STRANGER, s.client[FIRST].channel, msg);
		if (!send_as(&s, msg, sizeof(msg), MMESH_STAT_RELAY_DROP_PERMIT))
			return false;
	}
	target_random_fill(t, nobody, KEY);
	if (ask(&s, &s.client[STRANGER], s.client[FIRST].peer.public) != KIND_REFUSED ||
	    ask(&s, &s.client[FOREIGN], s.client[FIRST].peer.public) != KIND_REFUSED ||
	    ask(&s, &s.client[FOREIGN], nobody) != KIND_REFUSED)
		return false;
	s.expected[MMESH_STAT_RELAY_DROP_PERMIT]++;
	s.expected[MMESH_STAT_RELAY_DROP_NETWORK]++;
	s.expected[MMESH_STAT_RELAY_DROP_TARGET]++;
	/* Only another relay names a network, or an origin. */
	memcpy(body, s.client[SECOND].peer.public, KEY);
	body[OPEN_NETWORK] = 7;
	send_open(&s, &s.client[FOREIGN], body);
	body[OPEN_NETWORK] = 0;
	body[OPEN_ORIGIN] = 1;
	send_open(&s, &s.client[FOREIGN], body);
	s.expected[MMESH_STAT_CTL_DROP_MALFORMED] += 2;
	return settle(&s);
}

static bool forged_controls(struct target *t, struct peer *peer)
{
	uint8_t msg[CONTROL_MAX], body[OPEN] = { 0 };
	struct client *first;
	unsigned long i;
	struct scene s;
	size_t len;

	if (!arrange(&s, t, peer))
		return false;
	first = &s.client[FIRST];
	for (i = 0; i < t->options->count; i++) {
		len = make_control(&first->ext, &first->session, first->ext.control_counter, msg, KIND_OPEN,
				   body, OPEN, target_below(t, 300));
		if (i % 8)
			flip_bit(t, msg, 8, len - 8);
		else
			flip_bit(t, msg, 4, 4);
		if (!send_as(&s, msg, len, i % 8 ? MMESH_STAT_CTL_DROP_AUTH : MMESH_STAT_CTL_DROP_NO_SESSION))
			return false;
	}
	/* Reflected: the device's own, under the index that it takes. */
	if (ask(&s, first, s.client[SECOND].peer.public) != KIND_OPENED)
		return false;
	put_le32(s.answer + 4, first->session.their_index);
	for (i = 0; i < t->options->count / 8; i++)
		if (!send_as(&s, s.answer, s.answer_len, MMESH_STAT_CTL_DROP_AUTH))
			return false;
	return settle(&s) && still_works(&s);
}

static bool replayed_controls(struct target *t, struct peer *peer)
{
	uint8_t msg[CONTROL_MAX], body[OPEN] = { 0 };
	struct client *first;
	unsigned long i;
	struct scene s;
	size_t len;

	if (!arrange(&s, t, peer))
		return false;
	first = &s.client[FIRST];
	memcpy(body, s.client[SECOND].peer.public, KEY);
	/* Old ones too: behind the window after this. */
	len = make_control(&first->ext, &first->session, 1000, msg, KIND_OPEN, body, OPEN, 0);
	send(t->fd, msg, len, 0);
	for (i = 0; i < t->options->count; i++) {
		if (i % 2)
			len = make_control(&first->ext, &first->session, target_below(t, 800), msg, KIND_OPEN,
					   body, OPEN, 0);
		else
			len = make_control(&first->ext, &first->session, 1000, msg, KIND_OPEN, body, OPEN, 0);
		if (!send_as(&s, msg, len, MMESH_STAT_CTL_DROP_REPLAY))
			return false;
	}
	return settle(&s) && still_works(&s);
}

/* Authentic, but of no kind, or not as its kind has to be. */
static bool malformed_controls(struct target *t, struct peer *peer)
{
	static const uint8_t zero[CONTROL_MAX];
	uint8_t msg[CONTROL_MAX];
	struct client *first;
	struct scene s;
	size_t len;
	int i;

	if (!arrange(&s, t, peer))
		return false;
	first = &s.client[FIRST];
	for (i = 0; i < FEW; i++) {
		const bool unknown = i % 2;
		const unsigned int kind = unknown ? KINDS + target_below(t, 256 - KINDS) :
						    KIND_OPEN + target_below(t, KINDS - KIND_OPEN);

		/* 105 is no body's length. */
		len = make_control(&first->ext, &first->session, first->ext.control_counter++, msg,
				   (enum control_kind)kind, zero, unknown ? target_below(t, 100) : 105,
				   target_below(t, 100));
		if (!send_as(&s, msg, len, unknown ? MMESH_STAT_CTL_DROP_KIND : MMESH_STAT_CTL_DROP_MALFORMED))
			return false;
	}
	for (i = 0; i < FEW; i++) {
		target_random_fill(t, msg, RECORD + 4);
		put_le32(msg, TYPE_CONTROL);
		if (!send_as(&s, msg, RECORD + target_below(t, 4), MMESH_STAT_RX_DROP_SHORT))
			return false;
	}
	return settle(&s) && still_works(&s);
}

/* More than a hundred a second are not looked at, nor answered. */
static bool flood_of_controls(struct target *t, struct peer *peer)
{
	uint8_t msg[CONTROL_MAX], body[OPEN] = { 0 };
	struct client *first;
	unsigned long i;
	struct scene s;
	uint64_t taken;

	if (!arrange(&s, t, peer))
		return false;
	first = &s.client[FIRST];
	memcpy(body, s.client[SECOND].peer.public, KEY);
	for (i = 0; i < t->options->count; i++) {
		size_t len = make_control(&first->ext, &first->session, first->ext.control_counter++, msg,
					  KIND_OPEN, body, OPEN, 0);

		send(t->fd, msg, len, 0);
		if (i % ROUND == ROUND - 1)
			poll(NULL, 0, 1);
	}
	poll(NULL, 0, 500);
	counters_read(t->link, &s.now);
	taken = s.now.value[MMESH_STAT_CTL_RX] - s.before.value[MMESH_STAT_CTL_RX];
	printf("#   %llu of %lu control messages taken\n", (unsigned long long)taken, t->options->count);
	begin(&s);
	return taken < 100 + t->options->count / 4 && still_works(&s);
}

/* A message as a relay hands it to its client: the first is the relay here, the device a client of it. */
static size_t wrap(struct scene *s, uint8_t *msg, const uint8_t *inner, size_t len)
{
	struct client *relay = &s->client[FIRST];

	memcpy(msg + LEG, inner, len);
	put_leg(&relay->ext, &relay->session, relay->ext.leg_counter++, 5, 0, msg, len);
	return LEG + len;
}

/* A session of the second with the device, by way of the first. */
static bool meet(struct scene *s, struct target *t, const struct peer *peer)
{
	struct client *relay = &s->client[FIRST], *member = &s->client[SECOND];
	uint8_t inner[INITIATION], msg[LEG + INITIATION];
	struct handshake hs;
	size_t len;

	memset(s, 0, sizeof(*s));
	s->t = t;
	make_peer(&relay->peer, peer, FIRST);
	make_peer(&member->peer, peer, SECOND);
	target_session(t, &relay->peer, &relay->session, true);
	extension_of(&relay->ext, &relay->session);
	make_initiation(&member->peer, &hs, SUITE_WIREGUARD, inner);
	len = wrap(s, msg, inner, INITIATION);
	send(t->fd, msg, len, 0);
	do {
		if (!await(s, TYPE_RELAY, relay->session.index))
			return false;
	} while (get_le32(s->answer + LEG) != TYPE_RESPONSE);
	if (!read_response(&member->peer, &hs, s->answer + LEG, &member->session))
		return false;
	len = wrap(s, msg, inner, make_record(&member->session, member->session.counter++, inner, "", 0));
	send(t->fd, msg, len, 0);
	return true;
}

/* A relay that was taken over: it has the keys of the legs, and messages that members have sent. */
static bool rogue_relay(struct target *t, struct peer *peer)
{
	static const unsigned int fate[] = {
		MMESH_STAT_RX_DROP_REPLAY, MMESH_STAT_RX_DROP_AUTH, MMESH_STAT_RX_DROP_AUTH,
		MMESH_STAT_RX_DROP_NO_SESSION,
	};
	uint8_t genuine[RECORD], inner[RECORD], msg[LEG + RECORD];
	struct session *session;
	unsigned long i;
	struct scene s;

	if (!meet(&s, t, peer))
		return false;
	session = &s.client[SECOND].session;
	make_record(session, session->counter++, genuine, "", 0);
	send(t->fd, msg, wrap(&s, msg, genuine, RECORD), 0);
	poll(NULL, 0, 300);
	begin(&s);
	for (i = 0; i < t->options->count; i++) {
		memcpy(inner, genuine, RECORD);
		if (i % 4 == 1)		/* another's, under a number that is not used */
			put_le64(inner + DATA_COUNTER, 100 + i);
		else if (i % 4 == 2)	/* altered */
			flip_bit(t, inner, DATA_TEXT, RECORD - DATA_TEXT);
		else if (i % 4 == 3)	/* meant for another member */
			put_le32(inner + 4, session->their_index ^ (1 + target_below(t, UINT32_MAX - 1)));
		wrap(&s, msg, inner, RECORD);
		if (!send_as(&s, msg, sizeof(msg), fate[i % 4]))
			return false;
	}
	return settle(&s);
}

const struct attack relay_attacks[] = {
	{ "show-keys", show_keys, "print the public keys of the relay's clients" },
	{ "forged-legs", forged_legs, "headers of legs with a flipped bit" },
	{ "replayed-legs", replayed_legs, "a header again, before other messages" },
	{ "reflected-legs", reflected_legs, "the relay's own header" },
	{ "malformed-legs", malformed_legs, "wrong length or flags, a header in a header, cut" },
	{ "foreign-channels", foreign_channels, "channels of others and of nobody" },
	{ "unpermitted", unpermitted, "who is not admitted, and into another network" },
	{ "forged-controls", forged_controls, "control messages with a flipped bit, and reflected" },
	{ "replayed-controls", replayed_controls, "control messages again, and old ones" },
	{ "malformed-controls", malformed_controls, "of no kind, of wrong length, cut" },
	{ "rogue-relay", rogue_relay, "the device's relay injects, alters, replays and redirects" },
	{ "flood-of-controls", flood_of_controls, "more than may be" },
	{ 0 }
};
