// SPDX-License-Identifier: Apache-2.0
#include "leg.h"

#include <string.h>

static void derive(uint8_t key[HASH], const struct session *session, const char *label)
{
	keyed_hash(key, session->secret, label, strlen(label));
}

void extension_of(struct extension *ext, const struct session *session)
{
	uint8_t forth[HASH], back[HASH];
	const bool first = session->is_initiator;

	memset(ext, 0, sizeof(*ext));
	derive(first ? ext->control_send : ext->control_receive, session, "mmesh v1 control i->r");
	derive(first ? ext->control_receive : ext->control_send, session, "mmesh v1 control r->i");
	derive(forth, session, "mmesh v1 leg i->r");
	derive(back, session, "mmesh v1 leg r->i");
	memcpy(ext->leg_send, first ? forth : back, sizeof(ext->leg_send));
	memcpy(ext->leg_receive, first ? back : forth, sizeof(ext->leg_receive));
}

size_t make_control(const struct extension *ext, const struct session *session, uint64_t counter,
		    uint8_t *msg, enum control_kind kind, const void *body, size_t len, size_t pad)
{
	uint8_t plain[CONTROL_MAX] = { (uint8_t)kind, 0, (uint8_t)len, (uint8_t)(len >> 8) };

	memcpy(plain + 4, body, len);
	put_le32(msg, TYPE_CONTROL);
	put_le32(msg + 4, session->their_index);
	put_le64(msg + DATA_COUNTER, counter);
	seal(SUITE_WIREGUARD, msg + DATA_TEXT, ext->control_send, counter, NULL, 0, plain,
	     4 + len + pad);
	return CONTROL + len + pad;
}

bool read_control(const struct extension *ext, uint8_t *plain, const uint8_t *msg, size_t len)
{
	uint64_t counter;

	if (len < CONTROL || len > CONTROL_MAX || get_le32(msg) != TYPE_CONTROL)
		return false;
	counter = get_le32(msg + 8) | (uint64_t)get_le32(msg + 12) << 32;
	return open_sealed(SUITE_WIREGUARD, plain, ext->control_receive, counter, NULL, 0,
			   msg + DATA_TEXT, len - DATA_TEXT);
}

static void tag_of(uint8_t tag[8], const uint8_t key[16], const uint8_t *msg)
{
	uint8_t covered[LEG_TAG - LEG_COUNTER + LEG_COVERED];

	memcpy(covered, msg + LEG_COUNTER, LEG_TAG - LEG_COUNTER);
	memcpy(covered + LEG_TAG - LEG_COUNTER, msg + LEG, LEG_COVERED);
	siphash(tag, key, covered, sizeof(covered));
}

void put_leg_tag(const struct extension *ext, uint8_t *msg)
{
	tag_of(msg + LEG_TAG, ext->leg_send, msg);
}

void put_leg(const struct extension *ext, const struct session *session, uint64_t counter,
	     uint32_t channel, uint16_t flags, uint8_t *msg, size_t len)
{
	put_le32(msg, TYPE_RELAY);
	put_le32(msg + 4, session->their_index);
	put_le64(msg + LEG_COUNTER, counter);
	put_le32(msg + LEG_CHANNEL, channel);
	put_le32(msg + LEG_LENGTH, (uint32_t)len | (uint32_t)flags << 16);
	put_leg_tag(ext, msg);
}

bool check_leg(const struct extension *ext, const uint8_t *msg, size_t len)
{
	uint8_t tag[8];

	if (len < LEG + RECORD || get_le32(msg) != TYPE_RELAY)
		return false;
	tag_of(tag, ext->leg_receive, msg);
	return !memcmp(tag, msg + LEG_TAG, sizeof(tag));
}
