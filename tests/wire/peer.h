/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WireGuard's protocol from the paper, both roles: what an honest peer would
 * send, for the attacks to spoil. One pair of keys, one other side.
 */
#ifndef WIRE_PEER_H
#define WIRE_PEER_H

#include "crypto.h"

/* Lengths and places of the paper's section 5.4. */
enum {
	INITIATION = 148,
	RESPONSE = 92,
	COOKIE = 64,
	RECORD = 32,		/* header and tag of a data record */

	INITIATION_EPHEMERAL = 8,
	INITIATION_STATIC = 40,
	INITIATION_TIMESTAMP = 88,
	RESPONSE_EPHEMERAL = 12,
	RESPONSE_NOTHING = 44,
	DATA_COUNTER = 8,
	DATA_TEXT = 16,
};

enum type {
	TYPE_INITIATION = 1,
	TYPE_RESPONSE = 2,
	TYPE_COOKIE = 3,
	TYPE_DATA = 4,
	TYPE_INITIATION_AES = 5,
	TYPE_RESPONSE_AES = 6,
	TYPE_CONTROL = 7,
	TYPE_RELAY = 8,
};

struct peer {
	uint8_t private[KEY], public[KEY];
	uint8_t theirs[KEY];		/* static public key of the other side */
	uint8_t psk[KEY];
	uint64_t clock;			/* nanoseconds; rises with each initiation */
	uint8_t cookie[MAC];		/* that they gave us */
	bool has_cookie;
};

struct handshake {
	enum suite suite;
	uint8_t chaining_key[HASH], hash[HASH];
	uint8_t ephemeral[KEY];		/* private, ours */
	uint8_t their_ephemeral[KEY];
	uint32_t index, their_index;
};

struct session {
	enum suite suite;
	uint8_t sending[KEY], receiving[KEY];
	uint32_t index, their_index;
	uint64_t counter;		/* next to send */
	uint8_t secret[KEY];		/* what the extensions' keys are made of */
	bool is_initiator;
};

uint32_t get_le32(const uint8_t *at);
void put_le32(uint8_t *at, uint32_t value);
void put_le64(uint8_t *at, uint64_t value);

/* mac1 of a handshake message for the other side, by the label of its type;
 * mac2 if we have a cookie, else zeros.
 */
void put_macs(const struct peer *peer, uint8_t *msg, size_t len);
/* Whether theirs are right: mac1, and mac2 under @cookie (may be NULL). */
bool check_macs(const struct peer *peer, const uint8_t *msg, size_t len, const uint8_t *cookie);

void make_initiation(struct peer *peer, struct handshake *hs, enum suite suite,
		     uint8_t msg[INITIATION]);
bool read_response(const struct peer *peer, struct handshake *hs, const uint8_t msg[RESPONSE],
		   struct session *session);
bool read_initiation(const struct peer *peer, struct handshake *hs, const uint8_t msg[INITIATION]);
void make_response(const struct peer *peer, struct handshake *hs, uint8_t msg[RESPONSE],
		   struct session *session);

/* Record of @len bytes of plaintext under @counter; returns its length. */
size_t make_record(const struct session *session, uint64_t counter, uint8_t *msg,
		   const void *plain, size_t len);
bool read_record(const struct session *session, uint8_t *plain, const uint8_t *msg, size_t len);

/* Cookie reply from us to the sender of a message whose mac1 is @mac1. */
void make_cookie_reply(const struct peer *peer, uint8_t msg[COOKIE], uint32_t their_index,
		       const uint8_t mac1[MAC], const uint8_t cookie[MAC]);
/* One from them, to a message of ours. */
bool read_cookie_reply(struct peer *peer, const uint8_t msg[COOKIE], const uint8_t mac1[MAC]);

#endif
