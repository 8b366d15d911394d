/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random arrangements of nodes, and the model that says what becomes of each
 * packet. Addresses are what they mean here, no bits: the model shares no idea
 * with the kernel's tries.
 */
#ifndef PROPERTY_TOPOLOGY_H
#define PROPERTY_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

enum { NODES = 8, MAX_PACKETS = 512 };

/* An address: a member's, one behind node @node, or outside of everything. */
struct place {
	enum { MEMBER, BEHIND, OUTSIDE } kind;
	uint8_t node;	/* BEHIND */
	uint8_t host;
};

/* How a node knows another one. */
struct link {
	bool known;
	bool refused;		/* the kernel keeps its key out: it is of another network */
	uint8_t subnet;		/* that it believes the other one in */
	bool has_member;	/* allowed IPs: its address, */
	bool has_behind;	/* what is behind it, */
	bool has_all;		/* and everything */
};

struct node {
	bool used;
	uint64_t network;
	uint8_t subnet;
	bool routed;
	bool member_prefix;
	uint8_t host;		/* its address */
	struct link link[NODES];
};

struct topology {
	bool v6;
	bool aes[NODES][NODES];	/* the suite of a pair, symmetric */
	struct node node[NODES];
};

/* What becomes of a packet. */
enum fate {
	DELIVERED,
	TX_NO_PEER,
	TX_NO_MEMBER,		/* an exit would have taken it, but for the member prefix */
	TX_SUBNET,
	UNKNOWN_PEER,		/* the other end refuses the handshake */
	UNKNOWN_NETWORK,	/* and is in another network */
	RX_SUBNET,
	RX_SOURCE,
	RX_NO_MEMBER,		/* as TX_NO_MEMBER, by the source */
	FATES,
};

extern const char *const fate_names[FATES];

struct packet {
	uint8_t from;		/* the node that sends it */
	struct place src, dst;
	enum fate fate;
	uint8_t at;		/* the node that delivers or refuses it */
	bool seen;
};

uint32_t draw(uint32_t below);
void draw_seed(uint64_t seed);

void topology_draw(struct topology *t);
/* Whether @i exchanges packets with @k, by what it believes of it. */
bool topology_may_talk(const struct topology *t, unsigned int i, unsigned int k);
/* Fills in fate and at. */
void topology_judge(const struct topology *t, struct packet *p);
/* The packets of @from, at most @room; returns their number. */
unsigned int topology_packets(const struct topology *t, unsigned int from, struct packet *p,
			      unsigned int room);

#endif
