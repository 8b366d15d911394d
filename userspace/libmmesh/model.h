/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices and peers as plain memory. The same structures carry what the kernel
 * says and what somebody asks for; `has` tells which members were said.
 */
#ifndef LIBMMESH_MODEL_H
#define LIBMMESH_MODEL_H

#include <linux/mmesh.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "endpoint.h"
#include "error.h"
#include "key.h"
#include "prefix.h"

enum mmesh_peer_has {
	MMESH_PEER_HAS_PSK = 1 << 0,
	MMESH_PEER_HAS_ENDPOINT = 1 << 1,
	MMESH_PEER_HAS_KEEPALIVE = 1 << 2,
	MMESH_PEER_HAS_SUITE = 1 << 3,
	MMESH_PEER_HAS_EXTENDED = 1 << 4,
	MMESH_PEER_HAS_SUBNET = 1 << 5,
	MMESH_PEER_HAS_VIA = 1 << 6,
	MMESH_PEER_HAS_NETWORK = 1 << 7,
	MMESH_PEER_HAS_RELAY_PERMIT = 1 << 8,
	MMESH_PEER_HAS_RELAY_TRUNK = 1 << 9,
	MMESH_PEER_HAS_LIMIT_PPS = 1 << 10,
	MMESH_PEER_HAS_LIMIT_BPS = 1 << 11,
};

/* What a relay did for a client. */
struct mmesh_relay_state {
	uint32_t channels;
	uint64_t from_packets;
	uint64_t from_bytes;
	uint64_t to_packets;
	uint64_t to_bytes;
	uint64_t drops[MMESH_A_RELAY_STATE_DROP_LIMIT - MMESH_A_RELAY_STATE_DROP_REPLAY + 1];
};

struct mmesh_peer {
	uint8_t public_key[KEY_LEN];
	uint8_t psk[KEY_LEN]; /* secret; all zero: none */
	unsigned int has;     /* enum mmesh_peer_has */
	uint32_t suite;	      /* enum mmesh_suite */
	uint16_t keepalive;   /* seconds, 0: off */
	bool extended;	      /* speaks mmesh's extensions */
	uint8_t subnet;	      /* in the device's network */
	uint8_t via[2][KEY_LEN]; /* its relays; none: n_via is 0 */
	size_t n_via;
	uint64_t network; /* as a client of this relay */
	bool relay_permit;
	bool relay_trunk;
	uint64_t limit_pps;
	uint64_t limit_bps;
	union endpoint endpoint;
	struct prefixes allowed_ips;

	/* Only asked for. */
	bool replace_allowed_ips;
	bool remove;

	/* Only said by the kernel. */
	int64_t handshake_sec; /* 0: never */
	uint32_t handshake_nsec;
	uint64_t rx_bytes;
	uint64_t tx_bytes;
	struct mmesh_relay_state relay_state;
	bool unreachable; /* others serve what it shares with them */
};

enum mmesh_device_has {
	MMESH_DEVICE_HAS_PRIVATE_KEY = 1 << 0,
	MMESH_DEVICE_HAS_PUBLIC_KEY = 1 << 1,
	MMESH_DEVICE_HAS_PORT = 1 << 2,
	MMESH_DEVICE_HAS_FWMARK = 1 << 3,
	MMESH_DEVICE_HAS_NETWORK = 1 << 4,
	MMESH_DEVICE_HAS_SUBNET = 1 << 5,
	MMESH_DEVICE_HAS_ROUTED = 1 << 6,
	MMESH_DEVICE_HAS_RELAY = 1 << 7,
	MMESH_DEVICE_HAS_RELAY_CLIENTS = 1 << 8,
	MMESH_DEVICE_HAS_MEMBER = 1 << 9,
	MMESH_DEVICE_HAS_PEER_MISS = 1 << 10,
};

enum {
	MMESH_MAX_SUITES = 8,
	MMESH_DRIVER_NAME_SIZE = 128,
	MMESH_VERSION_SIZE = 32,
};

struct mmesh_suite_info {
	uint32_t suite;
	char driver[MMESH_DRIVER_NAME_SIZE];
	bool slow;
};

struct mmesh_device {
	char name[IF_NAMESIZE];
	uint32_t ifindex;
	unsigned int has; /* enum mmesh_device_has */
	uint8_t private_key[KEY_LEN]; /* secret; all zero: none */
	uint8_t public_key[KEY_LEN];
	uint16_t listen_port;
	uint32_t fwmark;
	uint64_t network; /* 0: none */
	uint8_t subnet;
	bool routed_subnets;
	bool peer_miss;
	bool relay;
	uint32_t relay_clients; /* most that are let in */
	struct prefix member[2]; /* IPv4 and IPv6; family 0: none */
	struct mmesh_peer *peer;
	size_t n_peers; /* that are in @peer */
	size_t peer_room;

	/* Only asked for. */
	bool replace_peers;

	/* Only said by the kernel. */
	uint32_t num_peers; /* that the kernel has, read or not */
	uint32_t generation;
	uint32_t relay_channels;
	char version[MMESH_VERSION_SIZE];
	struct mmesh_suite_info suite[MMESH_MAX_SUITES];
	size_t n_suites;
};

struct mmesh_devices {
	struct mmesh_device *item;
	size_t count;
	size_t room;
};

/* The new, empty peer at the end, or NULL without memory. Good until the next call. */
struct mmesh_peer *mmesh_device_add_peer(struct mmesh_device *dev);
struct mmesh_device *mmesh_devices_add(struct mmesh_devices *list);

/* All of these wipe secrets, take NULL, and leave an empty structure. */
void mmesh_peer_clear(struct mmesh_peer *peer);
void mmesh_device_clear(struct mmesh_device *dev);
void mmesh_devices_clear(struct mmesh_devices *list);

/* As wg(8) shows them: the latest handshake first, those without one at the end. */
void mmesh_device_sort_by_handshake(struct mmesh_device *dev);
void mmesh_devices_sort_by_name(struct mmesh_devices *list);

/*
 * Remove the peer whose key is the device's own, which the kernel refuses; a
 * configuration file may then be shared by all its peers, as with wg(8).
 */
void mmesh_device_drop_own(struct mmesh_device *dev, const uint8_t own_public[KEY_LEN]);

/* "wireguard", "aes256gcm"; a number in text for what this library doesn't know. */
enum { MMESH_SUITE_TEXT_SIZE = 24 };
void mmesh_suite_format(char ret_text[MMESH_SUITE_TEXT_SIZE], uint32_t suite);
int mmesh_suite_parse(uint32_t *ret, const char *text, struct error *err);

#endif
