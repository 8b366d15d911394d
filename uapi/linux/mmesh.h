/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	uapi/netlink/specs/mmesh.yaml */
/* YNL-GEN uapi header */
/* To regenerate run: scripts/regen-uapi */

#ifndef _UAPI_LINUX_MMESH_H
#define _UAPI_LINUX_MMESH_H

#define MMESH_FAMILY_NAME	"mmesh"
#define MMESH_FAMILY_VERSION	1

#define MMESH_KEY_SIZE	32

/**
 * enum mmesh_suite - Set of algorithms of a session, chosen for each peer.
 * @MMESH_SUITE_WIREGUARD: WireGuard v1, ChaCha20-Poly1305
 * @MMESH_SUITE_AES256GCM: Noise_IKpsk2_25519_AESGCM_BLAKE2s, between mmesh
 *   peers only
 */
enum mmesh_suite {
	MMESH_SUITE_WIREGUARD,
	MMESH_SUITE_AES256GCM,
};

/**
 * enum mmesh_dev_flag
 * @MMESH_DEV_FLAG_REPLACE_PEERS: remove all peers of the device first
 */
enum mmesh_dev_flag {
	MMESH_DEV_FLAG_REPLACE_PEERS = 1,
};

/**
 * enum mmesh_peer_flag
 * @MMESH_PEER_FLAG_REPLACE_ALLOWED_IPS: the peer's allowed IPs are afterwards
 *   those of this message
 * @MMESH_PEER_FLAG_CREATE: peer-set makes the peer when it doesn't exist
 */
enum mmesh_peer_flag {
	MMESH_PEER_FLAG_REPLACE_ALLOWED_IPS = 1,
	MMESH_PEER_FLAG_CREATE = 2,
};

/**
 * enum mmesh_allowed_ip_flag
 * @MMESH_ALLOWED_IP_FLAG_REMOVE: take the prefix from the peer instead of
 *   giving it
 * @MMESH_ALLOWED_IP_FLAG_SHARED: give it to the peer beside those that have
 *   it, instead of moving it; at most 16 peers share a prefix
 */
enum mmesh_allowed_ip_flag {
	MMESH_ALLOWED_IP_FLAG_REMOVE = 1,
	MMESH_ALLOWED_IP_FLAG_SHARED = 2,
};

/**
 * enum mmesh_path_state - What is known of a path to a peer.
 * @MMESH_PATH_STATE_UNKNOWN: not probed yet
 * @MMESH_PATH_STATE_PROBING: probed, and no answer yet
 * @MMESH_PATH_STATE_ALIVE: it answers probes
 * @MMESH_PATH_STATE_DEAD: it doesn't, or data doesn't get through
 */
enum mmesh_path_state {
	MMESH_PATH_STATE_UNKNOWN,
	MMESH_PATH_STATE_PROBING,
	MMESH_PATH_STATE_ALIVE,
	MMESH_PATH_STATE_DEAD,
};

/**
 * enum mmesh_path_reason - Why a path isn't alive.
 * @MMESH_PATH_REASON_NONE: it is
 * @MMESH_PATH_REASON_NOT_PROBED: there was no traffic since it is known
 * @MMESH_PATH_REASON_NO_ANSWER: it has not answered yet
 * @MMESH_PATH_REASON_STOPPED_ANSWERING: it answered before
 * @MMESH_PATH_REASON_NO_DATA: it answers probes, but data sent by it doesn't
 *   arrive
 * @MMESH_PATH_REASON_NO_ROUTE: no route or no socket for its address
 */
enum mmesh_path_reason {
	MMESH_PATH_REASON_NONE,
	MMESH_PATH_REASON_NOT_PROBED,
	MMESH_PATH_REASON_NO_ANSWER,
	MMESH_PATH_REASON_STOPPED_ANSWERING,
	MMESH_PATH_REASON_NO_DATA,
	MMESH_PATH_REASON_NO_ROUTE,
};

/**
 * enum mmesh_path_source - Who named a path.
 * @MMESH_PATH_SOURCE_CONFIGURED: userspace, as endpoint or candidate
 * @MMESH_PATH_SOURCE_LEARNT: the peer was heard from there
 * @MMESH_PATH_SOURCE_TOLD: the peer says that it is seen there
 * @MMESH_PATH_SOURCE_RELAY: userspace, as a relay to go through
 */
enum mmesh_path_source {
	MMESH_PATH_SOURCE_CONFIGURED = 1,
	MMESH_PATH_SOURCE_LEARNT = 2,
	MMESH_PATH_SOURCE_TOLD = 4,
	MMESH_PATH_SOURCE_RELAY = 8,
};

/**
 * enum mmesh_stat - Counters of a device. A drop counter counts packets unless
 *   its name starts with hs-drop (handshake messages) or ctl-drop (control
 *   messages). Their names for people are the ones here, in lower case with
 *   underscores.
 * @MMESH_STAT_TX_PACKETS: inner packets sent
 * @MMESH_STAT_TX_BYTES: their bytes
 * @MMESH_STAT_TX_BUNDLES: outer buffers handed to UDP, each of one or more
 *   records
 * @MMESH_STAT_TX_RECORDS: data records sent, keepalives included
 * @MMESH_STAT_TX_KEEPALIVES: empty records sent
 * @MMESH_STAT_RX_PACKETS: inner packets delivered
 * @MMESH_STAT_RX_BYTES: their bytes
 * @MMESH_STAT_RX_BUNDLES: outer buffers received, each of one or more records
 * @MMESH_STAT_RX_RECORDS: data records that were authenticated, keepalives
 *   included
 * @MMESH_STAT_RX_KEEPALIVES: empty records received
 * @MMESH_STAT_RX_COALESCED: inner packets that were joined to their
 *   predecessor
 * @MMESH_STAT_TX_DROP_NOT_IP: neither IPv4 nor IPv6
 * @MMESH_STAT_TX_DROP_NO_PEER: no peer has the destination among its allowed
 *   IPs
 * @MMESH_STAT_TX_DROP_NO_ENDPOINT: the peer's endpoint isn't known
 * @MMESH_STAT_TX_DROP_STAGED_FULL: too many packets wait for the peer's
 *   handshake
 * @MMESH_STAT_TX_DROP_NO_HANDSHAKE: the handshake that the packet waited for
 *   didn't complete
 * @MMESH_STAT_TX_DROP_PEER_REMOVED: the peer was removed while the packet
 *   waited
 * @MMESH_STAT_TX_DROP_DEVICE_DOWN: the device went down while the packet
 *   waited
 * @MMESH_STAT_TX_DROP_LOOP: the route to the endpoint leads into the device
 *   itself
 * @MMESH_STAT_TX_DROP_NO_ROUTE: no route to the endpoint
 * @MMESH_STAT_TX_DROP_NO_SOCKET: no socket of the endpoint's address family
 * @MMESH_STAT_TX_DROP_SEND: the IP layer refused the outer packet
 * @MMESH_STAT_TX_DROP_NO_MEMORY: no memory
 * @MMESH_STAT_TX_DROP_GSO: the packet couldn't be segmented
 * @MMESH_STAT_TX_DROP_TOO_LONG: longer than an outer packet can be
 * @MMESH_STAT_RX_DROP_SHORT: shorter than its type of message
 * @MMESH_STAT_RX_DROP_LONG: a handshake message longer than its type
 * @MMESH_STAT_RX_DROP_TYPE: unknown type of message
 * @MMESH_STAT_RX_DROP_NO_SESSION: no session has the receiver index
 * @MMESH_STAT_RX_DROP_EXPIRED: the session is too old or used up
 * @MMESH_STAT_RX_DROP_AUTH: authentication failed
 * @MMESH_STAT_RX_DROP_REPLAY: seen before, or behind the window
 * @MMESH_STAT_RX_DROP_NOT_IP: the plaintext is neither IPv4 nor IPv6
 * @MMESH_STAT_RX_DROP_INNER_LENGTH: the inner length field doesn't fit the
 *   record
 * @MMESH_STAT_RX_DROP_SOURCE: the inner source isn't among the peer's allowed
 *   IPs
 * @MMESH_STAT_RX_DROP_ECN: the combination of inner and outer ECN isn't
 *   allowed
 * @MMESH_STAT_RX_DROP_NO_MEMORY: no memory
 * @MMESH_STAT_RX_DROP_BACKLOG: the receiving CPU's backlog is full
 * @MMESH_STAT_RX_DROP_DEVICE_DOWN: the device is down
 * @MMESH_STAT_HS_INIT_TX: initiations sent
 * @MMESH_STAT_HS_RESP_TX: responses sent
 * @MMESH_STAT_HS_COOKIE_TX: cookie replies sent
 * @MMESH_STAT_HS_INIT_RX: initiations accepted
 * @MMESH_STAT_HS_RESP_RX: responses accepted
 * @MMESH_STAT_HS_COOKIE_RX: cookie replies accepted
 * @MMESH_STAT_HS_COMPLETED: handshakes completed
 * @MMESH_STAT_HS_GAVE_UP: handshakes given up after all attempts
 * @MMESH_STAT_HS_DROP_QUEUE_FULL: too many wait for a worker
 * @MMESH_STAT_HS_DROP_MAC1: mac1 is wrong
 * @MMESH_STAT_HS_DROP_COOKIE_REQUIRED: under load, without a valid mac2
 * @MMESH_STAT_HS_DROP_RATELIMIT: too many from this source
 * @MMESH_STAT_HS_DROP_DECRYPT: a field didn't decrypt
 * @MMESH_STAT_HS_DROP_UNKNOWN_PEER: the static key belongs to no peer
 * @MMESH_STAT_HS_DROP_REPLAY: the initiation's timestamp isn't newer
 * @MMESH_STAT_HS_DROP_FLOOD: the peer's initiations come too fast
 * @MMESH_STAT_HS_DROP_SUITE: not the suite that the peer is configured for
 * @MMESH_STAT_HS_DROP_NO_INDEX: no handshake has the receiver index, or none
 *   is left to give
 * @MMESH_STAT_HS_DROP_STATE: not what the handshake waits for
 * @MMESH_STAT_HS_DROP_COOKIE_INVALID: the cookie reply didn't decrypt
 * @MMESH_STAT_HS_DROP_NO_IDENTITY: the device has no private key
 * @MMESH_STAT_HS_DROP_NO_MEMORY: no memory
 * @MMESH_STAT_HS_DROP_NO_ENDPOINT: own initiation, the peer's endpoint isn't
 *   known
 * @MMESH_STAT_HS_DROP_SEND: own message, the IP layer refused it
 * @MMESH_STAT_CTL_TX: control messages sent
 * @MMESH_STAT_CTL_RX: control messages accepted
 * @MMESH_STAT_CTL_DROP_NO_SESSION: no session with an extended peer has the
 *   receiver index
 * @MMESH_STAT_CTL_DROP_AUTH: authentication failed
 * @MMESH_STAT_CTL_DROP_REPLAY: seen before, or behind the window
 * @MMESH_STAT_CTL_DROP_RATE: too many with the peer lately, either way
 * @MMESH_STAT_CTL_DROP_MALFORMED: the plaintext doesn't fit its length or its
 *   kind
 * @MMESH_STAT_CTL_DROP_KIND: unknown kind
 * @MMESH_STAT_TX_DROP_SUBNET: the peer is in another subnet, and subnets
 *   aren't routed
 * @MMESH_STAT_RX_DROP_SUBNET: the peer that sent it is in another subnet, and
 *   subnets aren't routed
 * @MMESH_STAT_FWD_DROP_NETWORK: received here, to be forwarded by a device of
 *   another network
 * @MMESH_STAT_FWD_DROP_SUBNET: received here, to be forwarded by a device of
 *   another subnet
 * @MMESH_STAT_TX_DROP_PATH_MTU: longer than the path takes; the sender was
 *   told
 * @MMESH_STAT_PATH_PROBES: probes of paths sent
 * @MMESH_STAT_PATH_MTU_PROBES: probes of paths sent at a size
 * @MMESH_STAT_PATH_ANSWERS: answers to them accepted
 * @MMESH_STAT_PATH_SWITCHES: changes of a peer's path
 * @MMESH_STAT_PATH_DROP_SHORT: a probe or an answer is too short, or too long
 *   a list
 * @MMESH_STAT_PATH_DROP_UNASKED: an answer to no probe, or from elsewhere
 * @MMESH_STAT_PATH_DROP_ADDRESS: the peer announced an address that nothing
 *   can be sent to
 * @MMESH_STAT_LEG_RX: messages received by way of a relay or of a client, each
 *   with its leg's header
 * @MMESH_STAT_RELAY_PACKETS: messages forwarded for clients
 * @MMESH_STAT_RELAY_BYTES: their bytes, the leg's header included
 * @MMESH_STAT_LEG_DROP_NO_SESSION: no session with an extended peer has the
 *   leg's index
 * @MMESH_STAT_LEG_DROP_AUTH: the leg's header isn't authentic
 * @MMESH_STAT_LEG_DROP_REPLAY: the leg's header was seen before, or is behind
 *   the window
 * @MMESH_STAT_LEG_DROP_MALFORMED: the leg's header doesn't fit its message
 * @MMESH_STAT_LEG_DROP_CHANNEL: the sender has no such channel
 * @MMESH_STAT_RELAY_DROP_PERMIT: the device is no relay, or not for this
 *   client
 * @MMESH_STAT_RELAY_DROP_NETWORK: a channel was asked for into another network
 * @MMESH_STAT_RELAY_DROP_TARGET: the target is no connected client
 * @MMESH_STAT_RELAY_DROP_FULL: a channel was asked for and there were too many
 * @MMESH_STAT_RELAY_DROP_LIMIT: more than the client's limit
 * @MMESH_STAT_RELAY_DROP_NO_MEMORY: no memory
 * @MMESH_STAT_TX_DROP_RELAY: the channel, or the session with the relay, isn't
 *   there yet
 * @MMESH_STAT_VIA_REFUSED: channels that relays refused
 * @MMESH_STAT_FAILOVERS: a peer that shares a prefix became unreachable
 * @MMESH_STAT_PEER_MISSES: addresses and keys that no peer has, told by
 *   peer-miss-ntf
 * @MMESH_STAT_TX_MISS_HELD: packets held for a peer that may be made
 * @MMESH_STAT_TX_DROP_MISS_TIMEOUT: held, and no peer for the destination was
 *   made in time
 * @MMESH_STAT_TX_DROP_MISS_FULL: no peer has the destination, and too many
 *   packets are held
 * @MMESH_STAT_HS_MISS_HELD: initiations of unknown keys held for a peer that
 *   may be made
 * @MMESH_STAT_HS_DROP_MISS_TIMEOUT: held, and no peer with the static key was
 *   made in time
 * @MMESH_STAT_HS_DROP_MISS_FULL: the static key belongs to no peer, and too
 *   many initiations are held
 */
enum mmesh_stat {
	MMESH_STAT_TX_PACKETS,
	MMESH_STAT_TX_BYTES,
	MMESH_STAT_TX_BUNDLES,
	MMESH_STAT_TX_RECORDS,
	MMESH_STAT_TX_KEEPALIVES,
	MMESH_STAT_RX_PACKETS,
	MMESH_STAT_RX_BYTES,
	MMESH_STAT_RX_BUNDLES,
	MMESH_STAT_RX_RECORDS,
	MMESH_STAT_RX_KEEPALIVES,
	MMESH_STAT_RX_COALESCED,
	MMESH_STAT_TX_DROP_NOT_IP,
	MMESH_STAT_TX_DROP_NO_PEER,
	MMESH_STAT_TX_DROP_NO_ENDPOINT,
	MMESH_STAT_TX_DROP_STAGED_FULL,
	MMESH_STAT_TX_DROP_NO_HANDSHAKE,
	MMESH_STAT_TX_DROP_PEER_REMOVED,
	MMESH_STAT_TX_DROP_DEVICE_DOWN,
	MMESH_STAT_TX_DROP_LOOP,
	MMESH_STAT_TX_DROP_NO_ROUTE,
	MMESH_STAT_TX_DROP_NO_SOCKET,
	MMESH_STAT_TX_DROP_SEND,
	MMESH_STAT_TX_DROP_NO_MEMORY,
	MMESH_STAT_TX_DROP_GSO,
	MMESH_STAT_TX_DROP_TOO_LONG,
	MMESH_STAT_RX_DROP_SHORT,
	MMESH_STAT_RX_DROP_LONG,
	MMESH_STAT_RX_DROP_TYPE,
	MMESH_STAT_RX_DROP_NO_SESSION,
	MMESH_STAT_RX_DROP_EXPIRED,
	MMESH_STAT_RX_DROP_AUTH,
	MMESH_STAT_RX_DROP_REPLAY,
	MMESH_STAT_RX_DROP_NOT_IP,
	MMESH_STAT_RX_DROP_INNER_LENGTH,
	MMESH_STAT_RX_DROP_SOURCE,
	MMESH_STAT_RX_DROP_ECN,
	MMESH_STAT_RX_DROP_NO_MEMORY,
	MMESH_STAT_RX_DROP_BACKLOG,
	MMESH_STAT_RX_DROP_DEVICE_DOWN,
	MMESH_STAT_HS_INIT_TX,
	MMESH_STAT_HS_RESP_TX,
	MMESH_STAT_HS_COOKIE_TX,
	MMESH_STAT_HS_INIT_RX,
	MMESH_STAT_HS_RESP_RX,
	MMESH_STAT_HS_COOKIE_RX,
	MMESH_STAT_HS_COMPLETED,
	MMESH_STAT_HS_GAVE_UP,
	MMESH_STAT_HS_DROP_QUEUE_FULL,
	MMESH_STAT_HS_DROP_MAC1,
	MMESH_STAT_HS_DROP_COOKIE_REQUIRED,
	MMESH_STAT_HS_DROP_RATELIMIT,
	MMESH_STAT_HS_DROP_DECRYPT,
	MMESH_STAT_HS_DROP_UNKNOWN_PEER,
	MMESH_STAT_HS_DROP_REPLAY,
	MMESH_STAT_HS_DROP_FLOOD,
	MMESH_STAT_HS_DROP_SUITE,
	MMESH_STAT_HS_DROP_NO_INDEX,
	MMESH_STAT_HS_DROP_STATE,
	MMESH_STAT_HS_DROP_COOKIE_INVALID,
	MMESH_STAT_HS_DROP_NO_IDENTITY,
	MMESH_STAT_HS_DROP_NO_MEMORY,
	MMESH_STAT_HS_DROP_NO_ENDPOINT,
	MMESH_STAT_HS_DROP_SEND,
	MMESH_STAT_CTL_TX,
	MMESH_STAT_CTL_RX,
	MMESH_STAT_CTL_DROP_NO_SESSION,
	MMESH_STAT_CTL_DROP_AUTH,
	MMESH_STAT_CTL_DROP_REPLAY,
	MMESH_STAT_CTL_DROP_RATE,
	MMESH_STAT_CTL_DROP_MALFORMED,
	MMESH_STAT_CTL_DROP_KIND,
	MMESH_STAT_TX_DROP_SUBNET,
	MMESH_STAT_RX_DROP_SUBNET,
	MMESH_STAT_FWD_DROP_NETWORK,
	MMESH_STAT_FWD_DROP_SUBNET,
	MMESH_STAT_TX_DROP_PATH_MTU,
	MMESH_STAT_PATH_PROBES,
	MMESH_STAT_PATH_MTU_PROBES,
	MMESH_STAT_PATH_ANSWERS,
	MMESH_STAT_PATH_SWITCHES,
	MMESH_STAT_PATH_DROP_SHORT,
	MMESH_STAT_PATH_DROP_UNASKED,
	MMESH_STAT_PATH_DROP_ADDRESS,
	MMESH_STAT_LEG_RX,
	MMESH_STAT_RELAY_PACKETS,
	MMESH_STAT_RELAY_BYTES,
	MMESH_STAT_LEG_DROP_NO_SESSION,
	MMESH_STAT_LEG_DROP_AUTH,
	MMESH_STAT_LEG_DROP_REPLAY,
	MMESH_STAT_LEG_DROP_MALFORMED,
	MMESH_STAT_LEG_DROP_CHANNEL,
	MMESH_STAT_RELAY_DROP_PERMIT,
	MMESH_STAT_RELAY_DROP_NETWORK,
	MMESH_STAT_RELAY_DROP_TARGET,
	MMESH_STAT_RELAY_DROP_FULL,
	MMESH_STAT_RELAY_DROP_LIMIT,
	MMESH_STAT_RELAY_DROP_NO_MEMORY,
	MMESH_STAT_TX_DROP_RELAY,
	MMESH_STAT_VIA_REFUSED,
	MMESH_STAT_FAILOVERS,
	MMESH_STAT_PEER_MISSES,
	MMESH_STAT_TX_MISS_HELD,
	MMESH_STAT_TX_DROP_MISS_TIMEOUT,
	MMESH_STAT_TX_DROP_MISS_FULL,
	MMESH_STAT_HS_MISS_HELD,
	MMESH_STAT_HS_DROP_MISS_TIMEOUT,
	MMESH_STAT_HS_DROP_MISS_FULL,

	/* private: */
	MMESH_STAT_COUNT,
	MMESH_STAT_MAX = (MMESH_STAT_COUNT - 1)
};

enum {
	MMESH_A_DEV_IFINDEX = 1,
	MMESH_A_DEV_IFNAME,
	MMESH_A_DEV_PRIVATE_KEY,
	MMESH_A_DEV_PUBLIC_KEY,
	MMESH_A_DEV_LISTEN_PORT,
	MMESH_A_DEV_FWMARK,
	MMESH_A_DEV_FLAGS,
	MMESH_A_DEV_NUM_PEERS,
	MMESH_A_DEV_GENERATION,
	MMESH_A_DEV_VERSION,
	MMESH_A_DEV_SUITE_INFO,
	MMESH_A_DEV_SECRETS,
	MMESH_A_DEV_PAD,
	MMESH_A_DEV_NETWORK,
	MMESH_A_DEV_SUBNET,
	MMESH_A_DEV_ROUTED_SUBNETS,
	MMESH_A_DEV_RELAY,
	MMESH_A_DEV_RELAY_CLIENTS,
	MMESH_A_DEV_RELAY_CHANNELS,
	MMESH_A_DEV_MEMBER_PREFIX,
	MMESH_A_DEV_PEER_MISS,

	__MMESH_A_DEV_MAX,
	MMESH_A_DEV_MAX = (__MMESH_A_DEV_MAX - 1)
};

enum {
	MMESH_A_MEMBER_PREFIX_ADDR4 = 1,
	MMESH_A_MEMBER_PREFIX_ADDR6,
	MMESH_A_MEMBER_PREFIX_CIDR,

	__MMESH_A_MEMBER_PREFIX_MAX,
	MMESH_A_MEMBER_PREFIX_MAX = (__MMESH_A_MEMBER_PREFIX_MAX - 1)
};

enum {
	MMESH_A_SUITE_INFO_SUITE = 1,
	MMESH_A_SUITE_INFO_DRIVER,
	MMESH_A_SUITE_INFO_SLOW,

	__MMESH_A_SUITE_INFO_MAX,
	MMESH_A_SUITE_INFO_MAX = (__MMESH_A_SUITE_INFO_MAX - 1)
};

enum {
	MMESH_A_PEER_IFINDEX = 1,
	MMESH_A_PEER_IFNAME,
	MMESH_A_PEER_PUBLIC_KEY,
	MMESH_A_PEER_PRESHARED_KEY,
	MMESH_A_PEER_FLAGS,
	MMESH_A_PEER_ENDPOINT_ADDR4,
	MMESH_A_PEER_ENDPOINT_ADDR6,
	MMESH_A_PEER_ENDPOINT_PORT,
	MMESH_A_PEER_ENDPOINT_SCOPE,
	MMESH_A_PEER_PERSISTENT_KEEPALIVE,
	MMESH_A_PEER_SUITE,
	MMESH_A_PEER_LAST_HANDSHAKE_SEC,
	MMESH_A_PEER_LAST_HANDSHAKE_NSEC,
	MMESH_A_PEER_RX_BYTES,
	MMESH_A_PEER_TX_BYTES,
	MMESH_A_PEER_ALLOWED_IPS,
	MMESH_A_PEER_SECRETS,
	MMESH_A_PEER_PAD,
	MMESH_A_PEER_EXTENDED,
	MMESH_A_PEER_SUBNET,
	MMESH_A_PEER_VIA,
	MMESH_A_PEER_NETWORK,
	MMESH_A_PEER_RELAY_PERMIT,
	MMESH_A_PEER_RELAY_TRUNK,
	MMESH_A_PEER_LIMIT_PPS,
	MMESH_A_PEER_LIMIT_BPS,
	MMESH_A_PEER_RELAY_STATE,
	MMESH_A_PEER_UNREACHABLE,

	__MMESH_A_PEER_MAX,
	MMESH_A_PEER_MAX = (__MMESH_A_PEER_MAX - 1)
};

enum {
	MMESH_A_RELAY_STATE_CHANNELS = 1,
	MMESH_A_RELAY_STATE_FROM_PACKETS,
	MMESH_A_RELAY_STATE_FROM_BYTES,
	MMESH_A_RELAY_STATE_TO_PACKETS,
	MMESH_A_RELAY_STATE_TO_BYTES,
	MMESH_A_RELAY_STATE_DROP_REPLAY,
	MMESH_A_RELAY_STATE_DROP_MALFORMED,
	MMESH_A_RELAY_STATE_DROP_CHANNEL,
	MMESH_A_RELAY_STATE_DROP_PERMIT,
	MMESH_A_RELAY_STATE_DROP_TARGET,
	MMESH_A_RELAY_STATE_DROP_LIMIT,
	MMESH_A_RELAY_STATE_PAD,

	__MMESH_A_RELAY_STATE_MAX,
	MMESH_A_RELAY_STATE_MAX = (__MMESH_A_RELAY_STATE_MAX - 1)
};

enum {
	MMESH_A_ALLOWED_IP_ADDR4 = 1,
	MMESH_A_ALLOWED_IP_ADDR6,
	MMESH_A_ALLOWED_IP_CIDR,
	MMESH_A_ALLOWED_IP_FLAGS,
	MMESH_A_ALLOWED_IP_PRIORITY,
	MMESH_A_ALLOWED_IP_WEIGHT,

	__MMESH_A_ALLOWED_IP_MAX,
	MMESH_A_ALLOWED_IP_MAX = (__MMESH_A_ALLOWED_IP_MAX - 1)
};

enum {
	MMESH_A_STATS_IFINDEX = 1,
	MMESH_A_STATS_IFNAME,
	MMESH_A_STATS_COUNTER,

	__MMESH_A_STATS_MAX,
	MMESH_A_STATS_MAX = (__MMESH_A_STATS_MAX - 1)
};

enum {
	MMESH_A_COUNTER_ID = 1,
	MMESH_A_COUNTER_VALUE,
	MMESH_A_COUNTER_PAD,

	__MMESH_A_COUNTER_MAX,
	MMESH_A_COUNTER_MAX = (__MMESH_A_COUNTER_MAX - 1)
};

enum {
	MMESH_A_PATH_IFINDEX = 1,
	MMESH_A_PATH_IFNAME,
	MMESH_A_PATH_PUBLIC_KEY,
	MMESH_A_PATH_ADDR4,
	MMESH_A_PATH_ADDR6,
	MMESH_A_PATH_PORT,
	MMESH_A_PATH_SCOPE,
	MMESH_A_PATH_STATE,
	MMESH_A_PATH_REASON,
	MMESH_A_PATH_SOURCES,
	MMESH_A_PATH_CURRENT,
	MMESH_A_PATH_RTT_US,
	MMESH_A_PATH_LOSS,
	MMESH_A_PATH_MTU,
	MMESH_A_PATH_AGE_MS,
	MMESH_A_PATH_PAD,
	MMESH_A_PATH_RELAY,

	__MMESH_A_PATH_MAX,
	MMESH_A_PATH_MAX = (__MMESH_A_PATH_MAX - 1)
};

enum {
	MMESH_A_MISS_IFINDEX = 1,
	MMESH_A_MISS_PUBLIC_KEY,
	MMESH_A_MISS_ADDR4,
	MMESH_A_MISS_ADDR6,
	MMESH_A_MISS_PORT,
	MMESH_A_MISS_SCOPE,
	MMESH_A_MISS_RELAY,

	__MMESH_A_MISS_MAX,
	MMESH_A_MISS_MAX = (__MMESH_A_MISS_MAX - 1)
};

enum {
	MMESH_CMD_DEV_GET = 1,
	MMESH_CMD_DEV_SET,
	MMESH_CMD_DEV_NTF,
	MMESH_CMD_PEER_GET,
	MMESH_CMD_PEER_ADD,
	MMESH_CMD_PEER_SET,
	MMESH_CMD_PEER_DEL,
	MMESH_CMD_PEER_ADD_NTF,
	MMESH_CMD_PEER_CHANGE_NTF,
	MMESH_CMD_PEER_DEL_NTF,
	MMESH_CMD_HANDSHAKE_NTF,
	MMESH_CMD_ENDPOINT_NTF,
	MMESH_CMD_STAT_GET,
	MMESH_CMD_PATH_GET,
	MMESH_CMD_PATH_ADD,
	MMESH_CMD_PATH_DEL,
	MMESH_CMD_PATH_NTF,
	MMESH_CMD_REACHABLE_NTF,
	MMESH_CMD_PEER_MISS_NTF,

	__MMESH_CMD_MAX,
	MMESH_CMD_MAX = (__MMESH_CMD_MAX - 1)
};

#define MMESH_MCGRP_EVENTS	"events"

#endif /* _UAPI_LINUX_MMESH_H */
