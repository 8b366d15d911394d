/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What extended peers say beyond WireGuard: control messages, and the header of
 * a leg before a relayed message. docs/protocol.md, sections 17 and 20.
 */
#ifndef WIRE_LEG_H
#define WIRE_LEG_H

#include "peer.h"

enum {
	LEG = 32,			/* header */
	LEG_COVERED = 16,		/* of the message behind it */
	LEG_COUNTER = 8,
	LEG_CHANNEL = 16,
	LEG_LENGTH = 20,
	LEG_FLAGS = 22,
	LEG_TAG = 24,
	LEG_TO_RELAY = 1,
	CONTROL = 36,			/* headers and tag of a control message */
	CONTROL_MAX = 2048,
};

enum control_kind {
	KIND_PROBE = 1,
	KIND_PROBE_REPLY = 2,
	KIND_CANDIDATES = 3,
	KIND_OPEN = 4,
	KIND_OPENED = 5,
	KIND_REFUSED = 6,
	KIND_GONE = 7,
	KINDS
};

/* A body's length, and what is where in it. */
enum { OPEN = 104, OPEN_ORIGIN = 64, OPEN_NETWORK = 96, OPENED_ID = 64 };

struct extension {
	uint8_t control_send[KEY], control_receive[KEY];
	uint8_t leg_send[16], leg_receive[16];
	uint64_t control_counter, leg_counter;	/* next to send */
};

void extension_of(struct extension *ext, const struct session *session);

/* Control message of @kind under @counter: @len bytes of body, then @pad zeros. Returns its length. */
size_t make_control(const struct extension *ext, const struct session *session, uint64_t counter,
		    uint8_t *msg, enum control_kind kind, const void *body, size_t len, size_t pad);
/* Plaintext of one that came, its header first, to @plain. */
bool read_control(const struct extension *ext, uint8_t *plain, const uint8_t *msg, size_t len);

/* Header at @msg, before @len bytes of message. */
void put_leg(const struct extension *ext, const struct session *session, uint64_t counter,
	     uint32_t channel, uint16_t flags, uint8_t *msg, size_t len);
/* Anew the tag of a header that was changed. */
void put_leg_tag(const struct extension *ext, uint8_t *msg);
/* Whether a header that came is genuine. */
bool check_leg(const struct extension *ext, const uint8_t *msg, size_t len);

#endif
