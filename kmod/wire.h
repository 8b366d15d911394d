/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every byte that mmesh puts on the wire (docs/protocol.md has the diagrams).
 *
 * The messages of the `wireguard` suite are WireGuard v1, bit for bit. The
 * `aes256gcm` suite has the same layouts under handshake types of its own, so
 * that a responder knows the suite before it knows the peer.
 */
#ifndef MMESH_WIRE_H
#define MMESH_WIRE_H

#include <linux/build_bug.h>
#include <linux/types.h>

enum mmesh_wire_len {
	MMESH_KEY_LEN = 32,		/* Curve25519 keys, symmetric keys */
	MMESH_HASH_LEN = 32,		/* BLAKE2s */
	MMESH_TAG_LEN = 16,		/* Poly1305 or GHASH tag */
	MMESH_TIMESTAMP_LEN = 12,	/* TAI64N */
	MMESH_MAC_LEN = 16,		/* mac1, mac2 and the cookie itself */
	MMESH_COOKIE_NONCE_LEN = 24,	/* XChaCha20-Poly1305 */
	MMESH_PADDING = 16,		/* plaintexts are padded to this multiple */
};

enum mmesh_msg_type {
	MMESH_MSG_INVALID = 0,
	MMESH_MSG_INITIATION = 1,
	MMESH_MSG_RESPONSE = 2,
	MMESH_MSG_COOKIE = 3,
	MMESH_MSG_DATA = 4,
	/* Handshakes of the aes256gcm suite; a stock peer ignores them. */
	MMESH_MSG_INITIATION_AES = 5,
	MMESH_MSG_RESPONSE_AES = 6,
	/* Between peers that were told of each other's extensions only. */
	MMESH_MSG_CONTROL = 7,
	MMESH_MSG_RELAY = 8,
};

/* First word of each message: the type in its first byte, three zero bytes. */
struct mmesh_msg_header {
	__le32 type;
} __packed;

struct mmesh_msg_macs {
	u8 mac1[MMESH_MAC_LEN];
	u8 mac2[MMESH_MAC_LEN];
} __packed;

struct mmesh_msg_initiation {
	struct mmesh_msg_header header;
	__le32 sender_index;
	u8 ephemeral[MMESH_KEY_LEN];
	u8 encrypted_static[MMESH_KEY_LEN + MMESH_TAG_LEN];
	u8 encrypted_timestamp[MMESH_TIMESTAMP_LEN + MMESH_TAG_LEN];
	struct mmesh_msg_macs macs;
} __packed;
static_assert(sizeof(struct mmesh_msg_initiation) == 148);

struct mmesh_msg_response {
	struct mmesh_msg_header header;
	__le32 sender_index;
	__le32 receiver_index;
	u8 ephemeral[MMESH_KEY_LEN];
	u8 encrypted_nothing[MMESH_TAG_LEN];
	struct mmesh_msg_macs macs;
} __packed;
static_assert(sizeof(struct mmesh_msg_response) == 92);

struct mmesh_msg_cookie {
	struct mmesh_msg_header header;
	__le32 receiver_index;
	u8 nonce[MMESH_COOKIE_NONCE_LEN];
	u8 encrypted_cookie[MMESH_MAC_LEN + MMESH_TAG_LEN];
} __packed;
static_assert(sizeof(struct mmesh_msg_cookie) == 64);

/* Header of a data record; ciphertext and tag follow it. */
struct mmesh_msg_data {
	struct mmesh_msg_header header;
	__le32 receiver_index;
	__le64 counter;
} __packed;
static_assert(sizeof(struct mmesh_msg_data) == 16);

/* A control message has a record's header, with a counter of its own; this is
 * how its plaintext begins. A body of @len bytes follows, then zeros.
 */
struct mmesh_control_header {
	u8 kind;		/* enum mmesh_control_kind */
	u8 flags;		/* 0 */
	__le16 len;
} __packed;
static_assert(sizeof(struct mmesh_control_header) == 4);

/* One leg of a relayed message, whose end-to-end message follows it. The tag
 * covers what is before it from the counter on, and the first 16 bytes of that
 * message; the index names the key.
 */
struct mmesh_msg_relay {
	struct mmesh_msg_header header;
	__le32 receiver_index;		/* of the leg's session */
	__le64 counter;
	__le32 channel;
	__le16 len;			/* of the message that follows */
	__le16 flags;			/* MMESH_LEG_* */
	__le64 tag;
} __packed;
static_assert(sizeof(struct mmesh_msg_relay) == 32);

enum mmesh_leg_flags {
	/* The receiver gave out the channel's id, not the sender. */
	MMESH_LEG_TO_RELAY = 1,
	/* To be lost rather than fragmented, on the legs behind as well. */
	MMESH_LEG_DF = 2,
	MMESH_LEG_FLAGS = MMESH_LEG_TO_RELAY | MMESH_LEG_DF,
};

struct mmesh_channel_open {
	u8 target[MMESH_KEY_LEN];
	u8 next[MMESH_KEY_LEN];		/* relay that the target is at, or zero */
	u8 origin[MMESH_KEY_LEN];	/* from another relay: who asked it */
	__le64 network;			/* from another relay: the client's */
} __packed;

struct mmesh_channel_opened {
	u8 target[MMESH_KEY_LEN];
	u8 origin[MMESH_KEY_LEN];
	__le32 channel;
} __packed;

struct mmesh_channel_refused {
	u8 target[MMESH_KEY_LEN];
	u8 origin[MMESH_KEY_LEN];
	__le32 reason;			/* enum mmesh_channel_reason */
} __packed;

enum mmesh_channel_reason {
	MMESH_CHANNEL_NO_RELAY = 1,	/* not a relay, or not for this client */
	MMESH_CHANNEL_NO_TARGET = 2,	/* not a connected member of the network */
	MMESH_CHANNEL_FULL = 3,		/* no more channels */
};

struct mmesh_channel_gone {
	__le32 channel;			/* given out by the sender */
} __packed;

enum mmesh_control_kind {
	MMESH_CONTROL_PROBE = 1,
	MMESH_CONTROL_PROBE_REPLY = 2,
	MMESH_CONTROL_CANDIDATES = 3,
	MMESH_CONTROL_CHANNEL_OPEN = 4,
	MMESH_CONTROL_CHANNEL_OPENED = 5,
	MMESH_CONTROL_CHANNEL_REFUSED = 6,
	MMESH_CONTROL_CHANNEL_GONE = 7,
	MMESH_CONTROL_KINDS
};

/* An address in a body; all zero: none. */
struct mmesh_wire_addr {
	u8 family;		/* 4 or 6 */
	u8 reserved;		/* 0 */
	__be16 port;
	u8 addr[16];		/* an IPv4 address is in the first four */
} __packed;
static_assert(sizeof(struct mmesh_wire_addr) == 20);

struct mmesh_probe {
	__le64 id;		/* random, not 0 */
	u8 reserved[8];		/* 0 */
} __packed;
static_assert(sizeof(struct mmesh_probe) == 16);

enum mmesh_probe_flags {
	MMESH_PROBE_HAS_SEEN = 1,	/* data_seen means something */
};

struct mmesh_probe_reply {
	__le64 id;		/* the probe's */
	__le32 data_seen;	/* receptions of records from where the probe came */
	__le16 size;		/* of the probe, UDP payload */
	u8 flags;		/* enum mmesh_probe_flags */
	u8 reserved;		/* 0 */
	struct mmesh_wire_addr observed;	/* where the probe came from */
} __packed;
static_assert(sizeof(struct mmesh_probe_reply) == 36);

struct mmesh_candidates {
	u8 count;		/* of addr[], at most 4 */
	u8 reserved[3];		/* 0 */
	struct mmesh_wire_addr addr[4];
} __packed;
static_assert(sizeof(struct mmesh_candidates) == 84);

enum mmesh_record_len {
	/* What a record adds to its padded plaintext. */
	MMESH_RECORD_OVERHEAD = sizeof(struct mmesh_msg_data) + MMESH_TAG_LEN,
	MMESH_MSG_MIN_LEN = MMESH_RECORD_OVERHEAD,
	MMESH_LEG_LEN = sizeof(struct mmesh_msg_relay),
	MMESH_LEG_COVERED = 16,		/* of the message that follows */
	MMESH_CONTROL_MIN_LEN = MMESH_RECORD_OVERHEAD +
				sizeof(struct mmesh_control_header),
	MMESH_MSG_HANDSHAKE_MAX_LEN = sizeof(struct mmesh_msg_initiation),
};

/* Type of service octet of handshake messages: DSCP AF41, not ECN capable. */
#define MMESH_HANDSHAKE_DS 0x88

#endif
