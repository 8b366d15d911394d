/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses: /24s for subnets, IPv4 for nodes, IPv6 made from both. All of it
 * inside the caller's transaction. What a deleted subnet or node had stays
 * reserved until its tombstone goes, 30 days.
 */
#ifndef CONTROLLER_IPAM_H
#define CONTROLLER_IPAM_H

#include "model.h"
#include "store.h"

enum { IPAM_TEXT_SIZE = 56 };

/* "10.1.2.0/24" of host-order @base. */
void ipam_format4(char ret[IPAM_TEXT_SIZE], uint32_t base, unsigned int length);
/* "fd12:3456:789a::/48" */
void ipam_format_ula(char ret[IPAM_TEXT_SIZE], uint64_t ula);
/* "fd12:3456:789a:N::/64"; subnet 0 gets N 1, so that none is the network's own. */
void ipam_format_subnet6(char ret[IPAM_TEXT_SIZE], uint64_t ula, uint32_t number);
/* The address of a node within it, whose last 32 bits are @address. */
void ipam_format_node6(char ret[IPAM_TEXT_SIZE], uint64_t ula, uint32_t number, uint32_t address);

/* "10.1.2.3" as a host-order number; @field is for the message. */
int ipam_parse4(uint32_t *ret, const char *field, const char *text, struct error *err);
/* A prefix without bits beyond its length. */
int ipam_parse_prefix4(uint32_t *ret_base, uint32_t *ret_length, const char *field,
		       const char *text, struct error *err);

/* 40 bits from the network's id that no other network has; -EEXIST when taken. */
int ipam_ula(struct store *s, const char *network_id, uint64_t *ret, struct error *err);

/*
 * Number and, when @subnet->base is 0, prefix of a new subnet of @network. @path
 * is the network's, for messages.
 */
int ipam_place_subnet(struct store *s, const struct object *network, struct subnet *subnet,
		      const char *path, struct error *err);

/* A /24 of the network's that nobody has or had. */
int ipam_check_subnet(struct store *s, const struct object *network, uint32_t base,
		      struct error *err);

/*
 * Give a node of @subnet its addresses: those it names, or, when it names none,
 * the lowest that is free. On return node->address has them. What the node held
 * and doesn't name any more is free at once.
 */
int ipam_assign(struct store *s, const struct object *subnet, const char *node_id,
		struct node *node, const char *path, struct error *err);

/* The node goes: its addresses wait for its tombstone. */
int ipam_retire(struct store *s, const char *node_id, int64_t now, struct error *err);

/* Free what died before @before. */
int ipam_purge(struct store *s, int64_t before, struct error *err);

#endif
