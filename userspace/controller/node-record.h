/* SPDX-License-Identifier: Apache-2.0 */
/* What others are told of a node: its record, the relay that it is, its endpoints. */
#ifndef CONTROLLER_NODE_RECORD_H
#define CONTROLLER_NODE_RECORD_H

#include "kind.h"
#include "stream.h"

/* The row alone, without addresses and routes; with the change's join statement. */
int node_insert_row(struct change *c, const struct object *o, const char *network,
		    struct error *err);
/* The record of a node in its subnet's stream, and of the relay that it is in the network's. */
int node_records(struct change *c, const struct object *o, struct error *err);
/* The record of each relay of a network, anew: its zone changed. */
int node_relay_records(struct change *c, const struct object *network, struct error *err);
/* Its endpoints (packed Signed, verified by the caller), newer than those before. */
int node_set_endpoints(struct change *c, const struct object *o, const struct blob *endpoints,
		       uint64_t generation, struct error *err);

/* Relays read all subnets of their network, and so does everyone where subnets are routed. */
static inline bool node_reads_all(const struct object *node, const struct object *network)
{
	return node->node.relay || network->network.routed_subnets;
}

/* For messages: appended to a repeated field, which owns them. */
int node_addresses(struct store *s, const struct object *o, char ***list, size_t *n,
		   struct error *err);
int node_routes(const struct object *o, Mmesh__V1__Route ***list, size_t *n, struct error *err);
int node_endpoints(struct store *s, const struct object *o, char ***list, size_t *n,
		   struct error *err);

#endif
