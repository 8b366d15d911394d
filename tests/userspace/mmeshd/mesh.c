// SPDX-License-Identifier: Apache-2.0
#include "mesh.h"

#include <string.h>

void mesh_init(struct mesh *mesh)
{
	memset(mesh, 0, sizeof(*mesh));
	mmesh__v1__network_record__init(&mesh->network);
	mesh->network.network = (char *)"net";
	mesh->network.kernel_id = 77;
	mesh->network.prefix = (char *)"10.20.0.0/16";
	mesh->network.prefix6 = (char *)"fd00:20::/48";
	for (int i = 0; i < 2; i++) {
		mmesh__v1__subnet_record__init(&mesh->subnet[i]);
		mesh->subnet[i].subnet = (char *)(i ? "b" : "a");
		mesh->subnet[i].number = (uint32_t)i + 1;
		mesh->subnet[i].prefix = (char *)(i ? "10.20.2.0/24" : "10.20.1.0/24");
		mesh->subnets[i] = &mesh->subnet[i];
	}
	(void)strcpy(mesh->options.device, "mm0");
	mesh->options.up = true;
	mesh->options.listen_port = 4242;
	mesh->view = (struct view){
		.node = "self",
		.network = &mesh->network,
		.subnet = mesh->subnets,
		.n_subnets = 2,
		.nodes = mesh->nodes,
		.relay = mesh->relays,
	};
}

Mmesh__V1__NodeRecord *mesh_node(struct mesh *mesh, const char *name, const char *subnet,
				 const char *address, const char *endpoint)
{
	size_t i = mesh->n_nodes++;
	Mmesh__V1__NodeRecord *node = &mesh->node[i];

	assert_true(i < MESH_MAX);
	memset(mesh->private_key[i], (int)i + 1, KEY_LEN);
	assert_int_equal(key_public(mesh->key[i], mesh->private_key[i], NULL), 0);
	if (!i)
		memcpy(mesh->options.private_key, mesh->private_key[i], KEY_LEN);
	mmesh__v1__node_record__init(node);
	node->node = node->name = (char *)name;
	node->network = (char *)"net";
	node->subnet = (char *)subnet;
	node->kind = MMESH__V1__NODE_KIND__NODE_KIND_CONNECTED;
	node->mesh_key = (ProtobufCBinaryData){ KEY_LEN, mesh->key[i] };
	mesh->address[i] = (char *)address;
	node->address = &mesh->address[i];
	node->n_address = 1;
	node->suite = (char *)"aes256gcm";
	mmesh__v1__endpoints_record__init(&mesh->endpoints[i]);
	mesh->endpoint[i] = (char *)endpoint;
	mesh->endpoints[i].endpoint = &mesh->endpoint[i];
	mesh->endpoints[i].n_endpoint = endpoint ? 1 : 0;
	mesh->nodes[i] = (struct view_node){ .record = node, .endpoints = &mesh->endpoints[i] };
	mesh->view.n_nodes = mesh->n_nodes;
	return node;
}

void mesh_relay(struct mesh *mesh, size_t node, uint32_t priority)
{
	Mmesh__V1__RelayRecord *relay = &mesh->relay[mesh->n_relays];

	mmesh__v1__relay_record__init(relay);
	relay->node = mesh->node[node].node;
	relay->name = mesh->node[node].name;
	relay->mesh_key = mesh->node[node].mesh_key;
	relay->endpoint = mesh->endpoints[node].endpoint;
	relay->n_endpoint = mesh->endpoints[node].n_endpoint;
	relay->priority = priority;
	mesh->node[node].relay = true;
	mesh->relays[mesh->n_relays++] = relay;
	mesh->view.n_relays = mesh->n_relays;
}

void mesh_route(struct mesh *mesh, size_t node, const char *prefix, uint32_t priority)
{
	mmesh__v1__route__init(&mesh->route[node]);
	mesh->route[node].prefix = (char *)prefix;
	mesh->route[node].priority = priority;
	mesh->routes[node] = &mesh->route[node];
	mesh->node[node].route = &mesh->routes[node];
	mesh->node[node].n_route = 1;
}

void mesh_want(struct mesh *mesh, struct want *want)
{
	struct error err;

	if (want_compute(want, &mesh->view, &mesh->options, &err) < 0)
		fail_msg("%s", err.text);
}
