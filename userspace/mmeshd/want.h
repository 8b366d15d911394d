/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel should have for one membership, from verified records and what
 * the machine's user asked for. Pure: no input and no output.
 */
#ifndef MMESHD_WANT_H
#define MMESHD_WANT_H

#include "mmesh/v1/record.pb-c.h"
#include "model.h"

enum {
	/* Of the kernel's 16 paths; the others are for what is heard and told, and a relay. */
	WANT_MAX_CANDIDATES = 10,
	/* Seconds between keepalives to a relay, which keep the way to it open. */
	WANT_RELAY_KEEPALIVE = 25,
	/* The kernel's bound of peers that share a prefix. */
	WANT_MAX_HOLDERS = 16,
	WANT_PRIORITY_MAX = 65535,
};

/* What this machine's user said about a membership. */
struct options {
	char device[IF_NAMESIZE];
	uint16_t listen_port; /* 0: not chosen yet */
	uint32_t table;	      /* routing table; 0: main */
	bool up;
	uint8_t private_key[KEY_LEN];
};

struct view_node {
	const Mmesh__V1__NodeRecord *record;
	const Mmesh__V1__EndpointsRecord *endpoints; /* NULL: none known */
};

/* The verified records of one membership, borrowed. */
struct view {
	const char *node; /* own id */
	const Mmesh__V1__NetworkRecord *network;
	Mmesh__V1__SubnetRecord *const *subnet;
	size_t n_subnets;
	const struct view_node *nodes;
	size_t n_nodes;
	Mmesh__V1__RelayRecord *const *relay;
	size_t n_relays;
};

/* What is wanted of a peer besides what struct mmesh_peer says. */
struct want_peer {
	union endpoint candidate[WANT_MAX_CANDIDATES];
	size_t n_candidates;
	const char *name; /* of the node, from the view */
	const char *node; /* its id */
	uint32_t rank;	  /* among relays; UINT32_MAX: none */
};

struct want {
	bool exists; /* the device */
	struct mmesh_device dev;
	struct want_peer *peer; /* beside dev.peer */
	struct prefixes address;
	struct prefixes route;
	uint32_t table;
	uint32_t mtu; /* 0: the kernel's */
	bool revoked; /* the node's own record is gone */
	unsigned int skipped; /* records that could not be used: */
	struct error why;     /* the first of them */
};

/*
 * The caller clears @ret with want_clear(), which wipes the key. Names in it are
 * the view's. -ENODATA: the records are not complete enough to say anything, and
 * the kernel has to stay as it is.
 */
int want_compute(struct want *ret, const struct view *view, const struct options *options,
		 struct error *err);
void want_clear(struct want *want);

/* Index of the peer with this key, or SIZE_MAX. */
size_t want_find(const struct want *want, const uint8_t key[KEY_LEN]);

#endif
