// SPDX-License-Identifier: GPL-2.0
/*
 * The messages that paths are probed with. In: mmesh_control_receive()
 * (control.c). Out: mmesh_control_send(). Context: softirq, RCU read.
 * Drops: PATH_DROP_SHORT, PATH_DROP_UNASKED, PATH_DROP_ADDRESS.
 *
 * An answer goes where its probe came from and is never longer than that.
 */

#include <linux/build_bug.h>
#include <linux/slab.h>
#include <linux/unaligned.h>
#include <net/ipv6.h>

#include "control.h"
#include "device.h"
#include "path.h"
#include "peer.h"
#include "wire.h"

enum {
	/* What a probe is padded to, so that its answer isn't longer. */
	SMALL_PROBE = MMESH_CONTROL_MIN_LEN + sizeof(struct mmesh_probe_reply),
};

static int send(struct mmesh_peer *peer, const struct mmesh_addr *to, u8 kind,
		const void *body, u16 len, unsigned int size, bool df)
{
	const struct mmesh_control_out out = {
		.to = to,
		.body = body,
		.len = len,
		.kind = kind,
		.df = df,
		.size = size,
	};

	return mmesh_control_send(peer, &out);
}

int mmesh_probe_send(struct mmesh_peer *peer, const struct mmesh_probe_order *order)
{
	struct mmesh_probe probe = { };
	int ret;

	if (order->keepalive)
		mmesh_seal_keepalive_by(peer, &order->addr);
	put_unaligned_le64(order->id, &probe.id);
	ret = send(peer, &order->addr, MMESH_CONTROL_PROBE, &probe, sizeof(probe),
		   order->size ?: SMALL_PROBE, order->size);
	if (!ret)
		mmesh_stat_inc(peer->device, order->size ? MMESH_STAT_PATH_MTU_PROBES :
							   MMESH_STAT_PATH_PROBES);
	return ret;
}

static void put_addr(struct mmesh_wire_addr *wire, const struct mmesh_addr *addr)
{
	memset(wire, 0, sizeof(*wire));
	if (addr->addr.sa_family == AF_INET) {
		wire->family = 4;
		wire->port = addr->addr4.sin_port;
		memcpy(wire->addr, &addr->addr4.sin_addr, 4);
	} else if (addr->addr.sa_family == AF_INET6) {
		wire->family = 6;
		wire->port = addr->addr6.sin6_port;
		memcpy(wire->addr, &addr->addr6.sin6_addr, 16);
	}
}

static bool is_usable4(__be32 ip)
{
	return !ipv4_is_zeronet(ip) && !ipv4_is_multicast(ip) &&
	       !ipv4_is_lbcast(ip) && !ipv4_is_loopback(ip) &&
	       !ipv4_is_linklocal_169(ip);
}

/* Link-local ones mean nothing elsewhere. */
static bool is_usable6(const struct in6_addr *ip)
{
	return !ipv6_addr_any(ip) && !ipv6_addr_is_multicast(ip) &&
	       !ipv6_addr_loopback(ip) && !ipv6_addr_v4mapped(ip) &&
	       !(ipv6_addr_type(ip) & IPV6_ADDR_LINKLOCAL);
}

/* False: it's none that anybody could be reached at. */
static bool get_addr(struct mmesh_addr *addr, const struct mmesh_wire_addr *wire)
{
	memset(addr, 0, sizeof(*addr));
	if (!wire->port)
		return false;
	if (wire->family == 4) {
		addr->addr4.sin_family = AF_INET;
		addr->addr4.sin_port = wire->port;
		memcpy(&addr->addr4.sin_addr, wire->addr, 4);
		return is_usable4(addr->addr4.sin_addr.s_addr);
	}
	if (wire->family != 6)
		return false;
	addr->addr6.sin6_family = AF_INET6;
	addr->addr6.sin6_port = wire->port;
	memcpy(&addr->addr6.sin6_addr, wire->addr, 16);
	return is_usable6(&addr->addr6.sin6_addr);
}

static void receive_probe(struct mmesh_peer *peer, const struct mmesh_control_in *in)
{
	const struct mmesh_probe *probe = (const struct mmesh_probe *)in->body;
	struct mmesh_probe_order order;
	struct mmesh_probe_reply reply;
	bool has_seen, probe_back;
	u32 seen;

	BUILD_BUG_ON(sizeof(struct mmesh_probe) > sizeof(struct mmesh_probe_reply));
	if (in->len < sizeof(*probe) || in->size < SMALL_PROBE) {
		mmesh_stat_inc(peer->device, MMESH_STAT_PATH_DROP_SHORT);
		return;
	}
	probe_back = mmesh_path_probed_by(peer, in->from, &seen, &has_seen, &order);
	reply = (struct mmesh_probe_reply){
		.id = probe->id,
		.data_seen = cpu_to_le32(seen),
		.size = cpu_to_le16(in->size),
		.flags = has_seen ? MMESH_PROBE_HAS_SEEN : 0,
	};
	put_addr(&reply.observed, in->from);
	send(peer, in->from, MMESH_CONTROL_PROBE_REPLY, &reply, sizeof(reply), 0,
	     false);
	if (probe_back)
		mmesh_probe_send(peer, &order);
}

/* Newest first; the oldest is forgotten. */
static void observe(struct mmesh_device *m, const struct mmesh_addr *addr)
{
	struct mmesh_observed *o = &m->observed;
	unsigned int i;

	spin_lock_bh(&o->lock);
	for (i = 0; i < o->n; i++)
		if (mmesh_addr_same_remote(&o->addr[i], addr))
			break;
	if (i == o->n) {
		if (o->n < MMESH_MAX_OBSERVED)
			o->n++;
		else
			i--;
	}
	memmove(&o->addr[1], &o->addr[0], i * sizeof(o->addr[0]));
	o->addr[0] = *addr;
	spin_unlock_bh(&o->lock);
}

static void receive_reply(struct mmesh_peer *peer, const struct mmesh_control_in *in)
{
	const struct mmesh_probe_reply *reply =
		(const struct mmesh_probe_reply *)in->body;
	struct mmesh_addr addr;

	if (in->len < sizeof(*reply)) {
		mmesh_stat_inc(peer->device, MMESH_STAT_PATH_DROP_SHORT);
		return;
	}
	if (!mmesh_path_answer(peer, in->from, get_unaligned_le64(&reply->id),
			       reply->flags & MMESH_PROBE_HAS_SEEN,
			       get_unaligned_le32(&reply->data_seen))) {
		mmesh_stat_inc(peer->device, MMESH_STAT_PATH_DROP_UNASKED);
		return;
	}
	mmesh_stat_inc(peer->device, MMESH_STAT_PATH_ANSWERS);
	if (!mmesh_addr_is_relayed(in->from) && get_addr(&addr, &reply->observed))
		observe(peer->device, &addr);
}

void mmesh_probe_announce(struct mmesh_peer *peer)
{
	struct mmesh_observed *o = &peer->device->observed;
	struct mmesh_candidates list = { };
	unsigned int i;

	spin_lock_bh(&o->lock);
	list.count = o->n;
	for (i = 0; i < o->n; i++)
		put_addr(&list.addr[i], &o->addr[i]);
	spin_unlock_bh(&o->lock);
	if (list.count)
		send(peer, NULL, MMESH_CONTROL_CANDIDATES, &list, sizeof(list), 0,
		     false);
}

static void receive_candidates(struct mmesh_peer *peer,
			       const struct mmesh_control_in *in)
{
	const struct mmesh_candidates *list =
		(const struct mmesh_candidates *)in->body;
	struct mmesh_addr addr;
	unsigned int i;

	if (in->len < sizeof(*list) || list->count > MMESH_MAX_OBSERVED) {
		mmesh_stat_inc(peer->device, MMESH_STAT_PATH_DROP_SHORT);
		return;
	}
	for (i = 0; i < list->count; i++) {
		if (get_addr(&addr, &list->addr[i]))
			mmesh_path_told(peer, &addr);
		else
			mmesh_stat_inc(peer->device, MMESH_STAT_PATH_DROP_ADDRESS);
	}
}

void mmesh_probe_module_setup(void)
{
	mmesh_control_register(MMESH_CONTROL_PROBE, receive_probe);
	mmesh_control_register(MMESH_CONTROL_PROBE_REPLY, receive_reply);
	mmesh_control_register(MMESH_CONTROL_CANDIDATES, receive_candidates);
}
