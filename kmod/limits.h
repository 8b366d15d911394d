/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All limits in one place. Times are in seconds unless the name says
 * otherwise; the names of the first group are those of the WireGuard paper,
 * section 6.1.
 */
#ifndef MMESH_LIMITS_H
#define MMESH_LIMITS_H

#include <linux/bits.h>
#include <linux/jiffies.h>
#include <linux/limits.h>

#define MMESH_REKEY_AFTER_MESSAGES	BIT_ULL(60)
#define MMESH_REJECT_AFTER_MESSAGES	(U64_MAX - BIT_ULL(13))
/* AES-GCM's confidentiality bound is reached long before ChaCha20's. */
#define MMESH_REKEY_AFTER_MESSAGES_AES	BIT_ULL(29)
#define MMESH_REJECT_AFTER_MESSAGES_AES	BIT_ULL(30)

enum mmesh_limits {
	MMESH_REKEY_TIMEOUT = 5,
	MMESH_REKEY_TIMEOUT_JITTER_MAX_MS = 333,
	MMESH_REKEY_AFTER_TIME = 120,
	MMESH_REJECT_AFTER_TIME = 180,
	MMESH_KEEPALIVE_TIMEOUT = 10,
	MMESH_MAX_HANDSHAKE_ATTEMPTS = 90 / MMESH_REKEY_TIMEOUT,
	MMESH_COOKIE_SECRET_MAX_AGE = 2 * 60,
	MMESH_COOKIE_SECRET_LATENCY = 5,

	/* One peer may start this many handshakes a second. */
	MMESH_INITIATIONS_PER_SECOND = 50,

	/* Per source address and device, while under load. */
	MMESH_RATELIMIT_PACKETS_PER_SECOND = 20,
	MMESH_RATELIMIT_BURST = 5,

	MMESH_MAX_PEERS_PER_DEVICE = 1U << 20,
	MMESH_MAX_INDICES_PER_DEVICE = 1U << 23,
	MMESH_MAX_PREFIXES_PER_DEVICE = 1U << 22,	/* allowed IPs */
	MMESH_MAX_HOLDERS = 16,			/* of one prefix */
	/* So many initiations without an answer make a peer unreachable for
	 * the choice of a holder; it is tried again after so long.
	 */
	MMESH_UNANSWERED_INITIATIONS = 2,
	MMESH_RETRY_HOLDER = 15,
	MMESH_MAX_STAGED_PACKETS = 128,		/* waiting for a handshake, a peer */
	MMESH_MAX_QUEUED_HANDSHAKES = 4096,	/* waiting for a worker, a device */
	MMESH_UNDER_LOAD_HANDSHAKES = MMESH_MAX_QUEUED_HANDSHAKES / 8,

	/* What waits for peers that are missed, a device: destinations and the
	 * packets of each, initiations and those of one host among them.
	 */
	MMESH_MISS_SECONDS = 5,
	MMESH_MISS_ADDRESSES = 64,
	MMESH_MISS_PACKETS = 8,
	MMESH_MISS_BYTES = 1U << 20,
	MMESH_MISS_INITIATIONS = 16,
	MMESH_MISS_PER_HOST = 4,

	MMESH_REPLAY_BITS = 8192,
	MMESH_REPLAY_BITS_LEG = 2048,
	MMESH_REPLAY_BITS_CONTROL = 256,
	/* Control messages of a peer a second, each way, and at once. */
	MMESH_CONTROL_PER_SECOND = 100,
	MMESH_CONTROL_BURST = 100,

	MMESH_MAX_CHANNELS_PER_CLIENT = 1024,
	MMESH_MAX_CHANNELS_PER_DEVICE = 1U << 20,
	MMESH_CHANNEL_IDLE = 180,
	/* Most clients of a relay, unless its user says otherwise. */
	MMESH_RELAY_CLIENTS = 16384,
	/* A client's burst; its rates are at least what fills that in 8 s. */
	MMESH_RELAY_BURST_PACKETS = 512,
	MMESH_RELAY_BURST_BYTES = 1U << 20,

	MMESH_MAX_BUNDLE_RECORDS = 64,
	MMESH_MAX_BACKLOG = 64,			/* records that wait to be opened, a CPU */
	MMESH_MAX_DELIVERIES = 1024,		/* packets on their way to the stack, a CPU */
	MMESH_STREAM_GAP_NS = 30000,		/* packets closer than this stream */
	MMESH_MAX_UDP_PAYLOAD = 65535 - 20 - 8,
};

#endif
