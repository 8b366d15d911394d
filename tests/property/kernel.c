// SPDX-License-Identifier: Apache-2.0
#include "kernel.h"

#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "device.h"
#include "peer.h"
#include "stats.h"

static struct mmesh_client client;
static uint8_t private_key[NODES][KEY_LEN], public_key[NODES][KEY_LEN];
static unsigned int ifindex[NODES];

void die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vfprintf(stderr, fmt, args);
	va_end(args);
	(void)fputc('\n', stderr);
	exit(1);
}

static void name_of(char name[IF_NAMESIZE], unsigned int i)
{
	(void)snprintf(name, IF_NAMESIZE, "mm%u", i);
}

void kernel_open(void)
{
	struct error err;
	char name[IF_NAMESIZE];

	if (mmesh_client_open(&client, &err) < 0)
		die("%s", err.text);
	for (unsigned int i = 0; i < NODES; i++) {
		struct mmesh_device dev = { .has = MMESH_DEVICE_HAS_PORT | MMESH_DEVICE_HAS_PRIVATE_KEY,
					    .listen_port = (uint16_t)(FIRST_PORT + i) };

		name_of(name, i);
		ifindex[i] = if_nametoindex(name);
		if (!ifindex[i])
			die("there is no device %s", name);
		if (key_generate_private(private_key[i], &err) < 0 ||
		    key_public(public_key[i], private_key[i], &err) < 0)
			die("%s", err.text);
		memcpy(dev.name, name, sizeof(name));
		memcpy(dev.private_key, private_key[i], KEY_LEN);
		if (mmesh_device_set(&client, &dev, &err) < 0)
			die("%s: %s", name, err.text);
	}
}

unsigned int kernel_ifindex(unsigned int i)
{
	return ifindex[i];
}

int kernel_node(unsigned int index)
{
	for (int i = 0; i < NODES; i++)
		if (ifindex[i] == index)
			return i;
	return -1;
}

/* The same meaning as in wire.c:put_address(). */
static struct prefix prefix_of(bool v6, struct place a, unsigned int which)
{
	struct prefix p = { .family = v6 ? AF_INET6 : AF_INET };
	char text[PREFIX_TEXT_SIZE];
	struct error err;

	if (which == 2)
		(void)snprintf(text, sizeof(text), v6 ? "::/0" : "0.0.0.0/0");
	else if (a.kind == MEMBER)
		(void)snprintf(text, sizeof(text), v6 ? "fd00::%x/128" : "10.0.0.%u/32", a.host);
	else
		(void)snprintf(text, sizeof(text), v6 ? "fd01:%x::/64" : "192.168.%u.0/24", a.node);
	if (prefix_parse(&p, text, &err) < 0)
		die("%s: %s", text, err.text);
	return p;
}

static void set_device(const struct topology *t, unsigned int i)
{
	const struct node *n = &t->node[i];
	struct mmesh_device dev = {
		.has = MMESH_DEVICE_HAS_NETWORK | MMESH_DEVICE_HAS_SUBNET |
		       MMESH_DEVICE_HAS_ROUTED | MMESH_DEVICE_HAS_MEMBER,
		.network = n->network,
		.subnet = n->subnet,
		.routed_subnets = n->routed,
		.replace_peers = true,
	};
	struct error err;

	name_of(dev.name, i);
	if (n->member_prefix &&
	    (prefix_parse(&dev.member[0], "10.0.0.0/24", &err) < 0 ||
	     prefix_parse(&dev.member[1], "fd00::/64", &err) < 0))
		die("%s", err.text);
	if (mmesh_device_set(&client, &dev, &err) < 0)
		die("%s: %s", dev.name, err.text);
}

/* Node @k as a peer of node @i, with its prefixes in @ips. */
static struct mmesh_peer peer_of(const struct topology *t, unsigned int i, unsigned int k,
				 uint16_t port, struct prefix ips[3])
{
	const struct link *link = &t->node[i].link[k];
	struct mmesh_peer peer = {
		.has = MMESH_PEER_HAS_ENDPOINT | MMESH_PEER_HAS_SUITE | MMESH_PEER_HAS_SUBNET,
		.suite = t->aes[i][k] ? MMESH_SUITE_AES256GCM : MMESH_SUITE_WIREGUARD,
		.subnet = link->subnet,
	};
	size_t n = 0;

	memcpy(peer.public_key, public_key[k], KEY_LEN);
	peer.endpoint.in4.sin_family = AF_INET;
	peer.endpoint.in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	peer.endpoint.in4.sin_port = htons(port);
	if (link->has_member)
		ips[n++] = prefix_of(t->v6, (struct place){ MEMBER, 0, t->node[k].host }, 0);
	if (link->has_behind)
		ips[n++] = prefix_of(t->v6, (struct place){ BEHIND, (uint8_t)k, 0 }, 1);
	if (link->has_all)
		ips[n++] = prefix_of(t->v6, (struct place){ OUTSIDE, 0, 0 }, 2);
	peer.allowed_ips = (struct prefixes){ .item = ips, .count = n, .room = n };
	return peer;
}

static void add_peer(struct nl_batch *batch, const struct topology *t, unsigned int i,
		     unsigned int k, uint16_t port)
{
	struct prefix ips[3];
	const struct mmesh_peer peer = peer_of(t, i, k, port, ips);
	char name[IF_NAMESIZE];
	struct error err;

	name_of(name, i);
	if (mmesh_peer_queue(&client, batch, name, MMESH_PEER_ADD, &peer, &err) < 0)
		die("%s", err.text);
}

void kernel_set(const struct topology *t, int tap_from, int tap_to, uint16_t tap_port)
{
	struct nl_batch batch;
	struct error err;

	for (unsigned int i = 0; i < NODES; i++)
		set_device(t, i);
	if (nl_batch_open(&batch, &client.nl, &err) < 0)
		die("%s", err.text);
	for (unsigned int i = 0; i < NODES; i++)
		for (unsigned int k = 0; k < NODES; k++)
			if (t->node[i].link[k].known)
				add_peer(&batch, t, i, k,
					 ((int)i == tap_from && (int)k == tap_to) ||
					 ((int)i == tap_to && (int)k == tap_from) ?
						 tap_port : (uint16_t)(FIRST_PORT + k));
	if (nl_batch_flush(&batch, &err) < 0)
		die("%s", err.text);
	nl_batch_close(&batch);
}

void kernel_set_routed(unsigned int node, bool routed)
{
	struct mmesh_device dev = { .has = MMESH_DEVICE_HAS_ROUTED, .routed_subnets = routed };
	struct error err;

	name_of(dev.name, node);
	if (mmesh_device_set(&client, &dev, &err) < 0)
		die("%s: %s", dev.name, err.text);
}

void kernel_clear(void)
{
	for (unsigned int i = 0; i < NODES; i++) {
		struct mmesh_device dev = { .replace_peers = true };
		struct error err;

		name_of(dev.name, i);
		if (mmesh_device_set(&client, &dev, &err) < 0)
			die("%s: %s", dev.name, err.text);
	}
}

int kernel_try_key(const struct topology *t, unsigned int i, unsigned int j)
{
	struct mmesh_device dev = { .has = MMESH_DEVICE_HAS_PRIVATE_KEY };
	struct error err;

	(void)t;
	name_of(dev.name, j);
	memcpy(dev.private_key, private_key[i], KEY_LEN);
	return mmesh_device_set(&client, &dev, &err);
}

int kernel_try_network(unsigned int i, uint64_t network)
{
	struct mmesh_device dev = { .has = MMESH_DEVICE_HAS_NETWORK, .network = network };
	struct error err;

	name_of(dev.name, i);
	return mmesh_device_set(&client, &dev, &err);
}

int kernel_try_peer(const struct topology *t, unsigned int i, unsigned int k)
{
	struct prefix ips[3];
	const struct mmesh_peer peer = peer_of(t, i, k, 1, ips);
	char name[IF_NAMESIZE];
	struct error err;

	name_of(name, i);
	return mmesh_peer_change(&client, name, MMESH_PEER_ADD, &peer, &err);
}

static int take_counters(const struct mmesh_stats *stats, void *user, struct error *err)
{
	struct counters *ret = user;
	int node = kernel_node(stats->ifindex);

	(void)err;
	for (size_t i = 0; node >= 0 && i < stats->count; i++)
		if (stats->counter[i].id < MMESH_STAT_COUNT)
			ret->value[node][stats->counter[i].id] = stats->counter[i].value;
	return 0;
}

void kernel_count(struct counters *ret)
{
	struct error err;

	if (mmesh_stats_read(&client, NULL, take_counters, ret, &err) < 0)
		die("%s", err.text);
}
