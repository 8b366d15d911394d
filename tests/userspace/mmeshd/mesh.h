/* SPDX-License-Identifier: Apache-2.0 */
/* A network of records to test with: network 10.20.0.0/16, subnets a (1) and b (2), nodes by name. */
#ifndef TESTS_MMESHD_MESH_H
#define TESTS_MMESHD_MESH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "want.h"

enum { MESH_MAX = 16 };

struct mesh {
	Mmesh__V1__NetworkRecord network;
	Mmesh__V1__SubnetRecord subnet[2], *subnets[2];
	Mmesh__V1__NodeRecord node[MESH_MAX];
	Mmesh__V1__EndpointsRecord endpoints[MESH_MAX];
	Mmesh__V1__RelayRecord relay[MESH_MAX], *relays[MESH_MAX];
	Mmesh__V1__Route route[MESH_MAX], *routes[MESH_MAX];
	char *address[MESH_MAX], *endpoint[MESH_MAX];
	uint8_t key[MESH_MAX][KEY_LEN], private_key[MESH_MAX][KEY_LEN];
	struct view_node nodes[MESH_MAX];
	size_t n_nodes, n_relays;
	struct view view;
	struct options options;
};

void mesh_init(struct mesh *mesh);
/* The first is this machine. @subnet "a" or "b"; @endpoint may be NULL. */
Mmesh__V1__NodeRecord *mesh_node(struct mesh *mesh, const char *name, const char *subnet,
				 const char *address, const char *endpoint);
/* A node that is there relays. */
void mesh_relay(struct mesh *mesh, size_t node, uint32_t priority);
void mesh_route(struct mesh *mesh, size_t node, const char *prefix, uint32_t priority);
void mesh_want(struct mesh *mesh, struct want *want);

#endif
