// SPDX-License-Identifier: Apache-2.0
#include "peer.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <string.h>

enum {
	/* A nest with an IPv6 address and four numbers, and all their headers. */
	ALLOWED_IP_ATTR_MAX = 64,
	/* Everything else that a request about a peer can carry. */
	PEER_ATTRS_MAX = 512,
	ALLOWED_IPS_PER_MESSAGE = (NL_REQUEST_MAX - PEER_ATTRS_MAX) / ALLOWED_IP_ATTR_MAX,
};

static int parse_allowed_ip(struct mmesh_peer *peer, const struct nlattr *nest, struct error *err)
{
	struct mmesh_attrs attrs;
	struct prefix p = { 0 };
	uint32_t cidr, flags = 0, weight = 1;
	int r;

	r = mmesh_attrs_read_nested(&attrs, MMESH_A_ALLOWED_IP_MAX, nest, err);
	if (r < 0)
		return r;
	if (mmesh_attr_bytes(&attrs, MMESH_A_ALLOWED_IP_ADDR4, &p.ip4, sizeof(p.ip4)))
		p.family = AF_INET;
	else if (mmesh_attr_bytes(&attrs, MMESH_A_ALLOWED_IP_ADDR6, &p.ip6, sizeof(p.ip6)))
		p.family = AF_INET6;
	if (!p.family || !mmesh_attr_u32(&attrs, MMESH_A_ALLOWED_IP_CIDR, &cidr) || cidr > 128)
		return error_set(err, EPROTO, "the kernel sent an allowed IP without an address");
	p.cidr = (uint8_t)cidr;
	(void)mmesh_attr_u32(&attrs, MMESH_A_ALLOWED_IP_FLAGS, &flags);
	(void)mmesh_attr_u32(&attrs, MMESH_A_ALLOWED_IP_PRIORITY, &p.priority);
	(void)mmesh_attr_u32(&attrs, MMESH_A_ALLOWED_IP_WEIGHT, &weight);
	p.shared = flags & MMESH_ALLOWED_IP_FLAG_SHARED;
	p.weight = (uint16_t)weight;
	return prefixes_add(&peer->allowed_ips, &p, err);
}

static void parse_endpoint(struct mmesh_peer *peer, const struct mmesh_attrs *attrs)
{
	union endpoint ep = { 0 };
	uint32_t port;

	if (!mmesh_attr_u32(attrs, MMESH_A_PEER_ENDPOINT_PORT, &port))
		return;
	if (mmesh_attr_bytes(attrs, MMESH_A_PEER_ENDPOINT_ADDR4, &ep.in4.sin_addr,
			     sizeof(ep.in4.sin_addr))) {
		ep.in4.sin_family = AF_INET;
		ep.in4.sin_port = htons((uint16_t)port);
	} else if (mmesh_attr_bytes(attrs, MMESH_A_PEER_ENDPOINT_ADDR6, &ep.in6.sin6_addr,
				    sizeof(ep.in6.sin6_addr))) {
		ep.in6.sin6_family = AF_INET6;
		ep.in6.sin6_port = htons((uint16_t)port);
		(void)mmesh_attr_u32(attrs, MMESH_A_PEER_ENDPOINT_SCOPE, &ep.in6.sin6_scope_id);
	} else {
		return;
	}
	peer->endpoint = ep;
	peer->has |= MMESH_PEER_HAS_ENDPOINT;
}

static void parse_relay_state(struct mmesh_relay_state *state, const struct mmesh_attrs *attrs)
{
	(void)mmesh_attr_u32(attrs, MMESH_A_RELAY_STATE_CHANNELS, &state->channels);
	(void)mmesh_attr_u64(attrs, MMESH_A_RELAY_STATE_FROM_PACKETS, &state->from_packets);
	(void)mmesh_attr_u64(attrs, MMESH_A_RELAY_STATE_FROM_BYTES, &state->from_bytes);
	(void)mmesh_attr_u64(attrs, MMESH_A_RELAY_STATE_TO_PACKETS, &state->to_packets);
	(void)mmesh_attr_u64(attrs, MMESH_A_RELAY_STATE_TO_BYTES, &state->to_bytes);
	for (unsigned int i = 0; i < sizeof(state->drops) / sizeof(state->drops[0]); i++)
		(void)mmesh_attr_u64(attrs, (int)(MMESH_A_RELAY_STATE_DROP_REPLAY + i),
				     &state->drops[i]);
}

/* The relays of a peer, and the peer as a client of this device. */
static int parse_relay(struct mmesh_peer *peer, const struct mmesh_attrs *attrs,
		       const struct nlmsghdr *msg, struct error *err)
{
	struct mmesh_attrs nested;
	const struct nlattr *attr;
	uint32_t flag;
	int r;

	if (mmesh_attr_bytes(attrs, MMESH_A_PEER_VIA, peer->via, sizeof(peer->via)))
		peer->n_via = key_is_zero(peer->via[1]) ? 1 : 2;
	(void)mmesh_attr_u64(attrs, MMESH_A_PEER_NETWORK, &peer->network);
	peer->relay_permit = mmesh_attr_u32(attrs, MMESH_A_PEER_RELAY_PERMIT, &flag) && flag;
	peer->relay_trunk = mmesh_attr_u32(attrs, MMESH_A_PEER_RELAY_TRUNK, &flag) && flag;
	(void)mmesh_attr_u64(attrs, MMESH_A_PEER_LIMIT_PPS, &peer->limit_pps);
	(void)mmesh_attr_u64(attrs, MMESH_A_PEER_LIMIT_BPS, &peer->limit_bps);
	mnl_attr_for_each(attr, msg, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) != MMESH_A_PEER_RELAY_STATE)
			continue;
		r = mmesh_attrs_read_nested(&nested, MMESH_A_RELAY_STATE_MAX, attr, err);
		if (r < 0)
			return r;
		parse_relay_state(&peer->relay_state, &nested);
	}
	return 0;
}

int mmesh_peer_parse(struct mmesh_peer *ret, const struct nlmsghdr *msg, struct error *err)
{
	const struct nlattr *attr;
	struct mmesh_attrs attrs;
	uint32_t keepalive, extended, subnet, unreachable;
	uint64_t sec;
	int r;

	r = mmesh_attrs_read(&attrs, MMESH_A_PEER_MAX, msg, err);
	if (r < 0)
		return r;
	if (!mmesh_attr_bytes(&attrs, MMESH_A_PEER_PUBLIC_KEY, ret->public_key, KEY_LEN))
		return error_set(err, EPROTO, "the kernel sent a peer without a public key");
	if (mmesh_attr_bytes(&attrs, MMESH_A_PEER_PRESHARED_KEY, ret->psk, KEY_LEN) &&
	    !key_is_zero(ret->psk))
		ret->has |= MMESH_PEER_HAS_PSK;
	parse_endpoint(ret, &attrs);
	if (mmesh_attr_u32(&attrs, MMESH_A_PEER_PERSISTENT_KEEPALIVE, &keepalive)) {
		ret->keepalive = (uint16_t)keepalive;
		ret->has |= MMESH_PEER_HAS_KEEPALIVE;
	}
	if (mmesh_attr_u32(&attrs, MMESH_A_PEER_SUITE, &ret->suite))
		ret->has |= MMESH_PEER_HAS_SUITE;
	if (mmesh_attr_u32(&attrs, MMESH_A_PEER_EXTENDED, &extended) && extended) {
		ret->extended = true;
		ret->has |= MMESH_PEER_HAS_EXTENDED;
	}
	if (mmesh_attr_u32(&attrs, MMESH_A_PEER_SUBNET, &subnet)) {
		ret->subnet = (uint8_t)subnet;
		ret->has |= MMESH_PEER_HAS_SUBNET;
	}
	if (mmesh_attr_u32(&attrs, MMESH_A_PEER_UNREACHABLE, &unreachable))
		ret->unreachable = unreachable;
	if (mmesh_attr_u64(&attrs, MMESH_A_PEER_LAST_HANDSHAKE_SEC, &sec))
		ret->handshake_sec = (int64_t)sec;
	(void)mmesh_attr_u32(&attrs, MMESH_A_PEER_LAST_HANDSHAKE_NSEC, &ret->handshake_nsec);
	(void)mmesh_attr_u64(&attrs, MMESH_A_PEER_RX_BYTES, &ret->rx_bytes);
	(void)mmesh_attr_u64(&attrs, MMESH_A_PEER_TX_BYTES, &ret->tx_bytes);
	r = parse_relay(ret, &attrs, msg, err);
	if (r < 0)
		return r;
	mnl_attr_for_each(attr, msg, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) != MMESH_A_PEER_ALLOWED_IPS)
			continue;
		r = parse_allowed_ip(ret, attr, err);
		if (r < 0)
			return r;
	}
	return 0;
}

struct peer_reading {
	struct mmesh_device *dev;
	size_t keep; /* peers that were there before */
};

/* A peer that doesn't fit in one message goes on in the next ones. */
static int read_peer(const struct nlmsghdr *msg, void *user, struct error *err)
{
	struct peer_reading *rd = user;
	struct mmesh_device *dev = rd->dev;
	struct mmesh_peer *peer = NULL;
	struct mmesh_attrs attrs;
	uint8_t key[KEY_LEN];
	int r;

	r = mmesh_attrs_read(&attrs, MMESH_A_PEER_MAX, msg, err);
	if (r < 0)
		return r;
	if (dev->n_peers > rd->keep &&
	    mmesh_attr_bytes(&attrs, MMESH_A_PEER_PUBLIC_KEY, key, KEY_LEN) &&
	    !memcmp(key, dev->peer[dev->n_peers - 1].public_key, KEY_LEN))
		peer = &dev->peer[dev->n_peers - 1];
	else
		peer = mmesh_device_add_peer(dev);
	if (!peer)
		return error_oom(err);
	return mmesh_peer_parse(peer, msg, err);
}

static void forget_peers(void *user)
{
	struct peer_reading *rd = user;

	while (rd->dev->n_peers > rd->keep)
		mmesh_peer_clear(&rd->dev->peer[--rd->dev->n_peers]);
}

int mmesh_peer_read(struct mmesh_client *client, struct mmesh_device *dev, const uint8_t *key,
		    bool secrets, struct error *err)
{
	struct peer_reading rd = { .dev = dev, .keep = dev->n_peers };
	struct nlmsghdr *msg;
	int r;

	msg = nl_start_genl(&client->nl, client->family, MMESH_CMD_PEER_GET, 0);
	mnl_attr_put_strz(msg, MMESH_A_PEER_IFNAME, dev->name);
	if (key)
		mnl_attr_put(msg, MMESH_A_PEER_PUBLIC_KEY, KEY_LEN, key);
	if (secrets)
		mnl_attr_put(msg, MMESH_A_PEER_SECRETS, 0, NULL);
	r = nl_read_all(&client->nl, msg, read_peer, forget_peers, &rd, err);
	if (r < 0)
		forget_peers(&rd);
	else if (key && dev->n_peers == rd.keep)
		r = error_set(err, ENOENT, "the device has no such peer");
	return r;
}

static void put_endpoint(struct nlmsghdr *msg, const union endpoint *ep)
{
	if (ep->sa.sa_family == AF_INET) {
		mnl_attr_put(msg, MMESH_A_PEER_ENDPOINT_ADDR4, sizeof(ep->in4.sin_addr),
			     &ep->in4.sin_addr);
	} else if (ep->sa.sa_family == AF_INET6) {
		mnl_attr_put(msg, MMESH_A_PEER_ENDPOINT_ADDR6, sizeof(ep->in6.sin6_addr),
			     &ep->in6.sin6_addr);
		/* Of an address that isn't link-local it says nothing. */
		if (ep->in6.sin6_scope_id && IN6_IS_ADDR_LINKLOCAL(&ep->in6.sin6_addr))
			mnl_attr_put_u32(msg, MMESH_A_PEER_ENDPOINT_SCOPE, ep->in6.sin6_scope_id);
	} else {
		return;
	}
	mnl_attr_put_u32(msg, MMESH_A_PEER_ENDPOINT_PORT, endpoint_port(ep));
}

static void put_allowed_ips(struct nlmsghdr *msg, const struct prefix *item, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct nlattr *nest = mnl_attr_nest_start(msg, MMESH_A_PEER_ALLOWED_IPS);

		if (item[i].family == AF_INET)
			mnl_attr_put(msg, MMESH_A_ALLOWED_IP_ADDR4, sizeof(item[i].ip4),
				     &item[i].ip4);
		else
			mnl_attr_put(msg, MMESH_A_ALLOWED_IP_ADDR6, sizeof(item[i].ip6),
				     &item[i].ip6);
		mnl_attr_put_u32(msg, MMESH_A_ALLOWED_IP_CIDR, item[i].cidr);
		if (item[i].remove)
			mnl_attr_put_u32(msg, MMESH_A_ALLOWED_IP_FLAGS,
					 MMESH_ALLOWED_IP_FLAG_REMOVE);
		if (item[i].shared) {
			mnl_attr_put_u32(msg, MMESH_A_ALLOWED_IP_FLAGS,
					 MMESH_ALLOWED_IP_FLAG_SHARED);
			mnl_attr_put_u32(msg, MMESH_A_ALLOWED_IP_PRIORITY, item[i].priority);
			mnl_attr_put_u32(msg, MMESH_A_ALLOWED_IP_WEIGHT, item[i].weight);
		}
		mnl_attr_nest_end(msg, nest);
	}
}

static void put_relay(struct nlmsghdr *msg, const struct mmesh_peer *peer)
{
	/* Zeros for none. */
	if (peer->has & MMESH_PEER_HAS_VIA)
		mnl_attr_put(msg, MMESH_A_PEER_VIA, sizeof(peer->via), peer->via);
	if (peer->has & MMESH_PEER_HAS_NETWORK)
		mnl_attr_put_u64(msg, MMESH_A_PEER_NETWORK, peer->network);
	if (peer->has & MMESH_PEER_HAS_RELAY_PERMIT)
		mnl_attr_put_u32(msg, MMESH_A_PEER_RELAY_PERMIT, peer->relay_permit);
	if (peer->has & MMESH_PEER_HAS_RELAY_TRUNK)
		mnl_attr_put_u32(msg, MMESH_A_PEER_RELAY_TRUNK, peer->relay_trunk);
	if (peer->has & MMESH_PEER_HAS_LIMIT_PPS)
		mnl_attr_put_u64(msg, MMESH_A_PEER_LIMIT_PPS, peer->limit_pps);
	if (peer->has & MMESH_PEER_HAS_LIMIT_BPS)
		mnl_attr_put_u64(msg, MMESH_A_PEER_LIMIT_BPS, peer->limit_bps);
}

/* The header of every request about a peer. */
static struct nlmsghdr *start(struct mmesh_client *client, uint8_t cmd, const char *device,
			      const struct mmesh_peer *peer)
{
	struct nlmsghdr *msg = nl_start_genl(&client->nl, client->family, cmd, 0);

	mnl_attr_put_strz(msg, MMESH_A_PEER_IFNAME, device);
	mnl_attr_put(msg, MMESH_A_PEER_PUBLIC_KEY, KEY_LEN, peer->public_key);
	return msg;
}

/* The first message about a peer: all but the allowed IPs beyond @n_ips. */
static struct nlmsghdr *put_first(struct mmesh_client *client, const char *device,
				  enum mmesh_peer_op op, const struct mmesh_peer *peer,
				  size_t n_ips)
{
	uint8_t cmd = op == MMESH_PEER_ADD ? MMESH_CMD_PEER_ADD : MMESH_CMD_PEER_SET;
	struct nlmsghdr *msg;
	uint32_t flags = 0;

	if (op == MMESH_PEER_DEL || op == MMESH_PEER_FORGET)
		return start(client, MMESH_CMD_PEER_DEL, device, peer);
	msg = start(client, cmd, device, peer);
	if (op == MMESH_PEER_ENSURE)
		flags |= MMESH_PEER_FLAG_CREATE;
	if (op != MMESH_PEER_ADD && peer->replace_allowed_ips)
		flags |= MMESH_PEER_FLAG_REPLACE_ALLOWED_IPS;
	if (flags)
		mnl_attr_put_u32(msg, MMESH_A_PEER_FLAGS, flags);
	if (peer->has & MMESH_PEER_HAS_PSK)
		mnl_attr_put(msg, MMESH_A_PEER_PRESHARED_KEY, KEY_LEN, peer->psk);
	if (peer->has & MMESH_PEER_HAS_ENDPOINT)
		put_endpoint(msg, &peer->endpoint);
	if (peer->has & MMESH_PEER_HAS_KEEPALIVE)
		mnl_attr_put_u32(msg, MMESH_A_PEER_PERSISTENT_KEEPALIVE, peer->keepalive);
	if (peer->has & MMESH_PEER_HAS_SUITE)
		mnl_attr_put_u32(msg, MMESH_A_PEER_SUITE, peer->suite);
	if (peer->has & MMESH_PEER_HAS_EXTENDED)
		mnl_attr_put_u32(msg, MMESH_A_PEER_EXTENDED, peer->extended);
	if (peer->has & MMESH_PEER_HAS_SUBNET)
		mnl_attr_put_u32(msg, MMESH_A_PEER_SUBNET, peer->subnet);
	put_relay(msg, peer);
	put_allowed_ips(msg, peer->allowed_ips.item, n_ips);
	return msg;
}

/* How many of @left allowed IPs the next message takes. */
static size_t message_share(size_t left)
{
	return left < ALLOWED_IPS_PER_MESSAGE ? left : ALLOWED_IPS_PER_MESSAGE;
}

int mmesh_peer_queue(struct mmesh_client *client, struct nl_batch *batch, const char *device,
		     enum mmesh_peer_op op, const struct mmesh_peer *peer, struct error *err)
{
	const struct prefixes *ips = &peer->allowed_ips;
	int tolerated = op == MMESH_PEER_FORGET ? ENOENT : 0;
	size_t sent = message_share(ips->count);
	char text[KEY_TEXT_SIZE];
	char about[96];
	int r;

	key_format(text, peer->public_key);
	(void)snprintf(about, sizeof(about), "%s: peer %s", device, text);
	r = nl_batch_add(batch, put_first(client, device, op, peer, sent), about, tolerated, err);
	while (!r && op != MMESH_PEER_DEL && op != MMESH_PEER_FORGET && sent < ips->count) {
		size_t n = message_share(ips->count - sent);
		struct nlmsghdr *msg = start(client, MMESH_CMD_PEER_SET, device, peer);

		put_allowed_ips(msg, ips->item + sent, n);
		r = nl_batch_add(batch, msg, about, 0, err);
		sent += n;
	}
	return r;
}

int mmesh_peer_change(struct mmesh_client *client, const char *device, enum mmesh_peer_op op,
		      const struct mmesh_peer *peer, struct error *err)
{
	const struct prefixes *ips = &peer->allowed_ips;
	bool del = op == MMESH_PEER_DEL || op == MMESH_PEER_FORGET;
	size_t sent = message_share(ips->count);
	int r;

	/* Answered first, so that a refusal keeps the rest back. */
	r = nl_request(&client->nl, put_first(client, device, op, peer, sent), NULL, NULL, err);
	if (r == -ENOENT && op == MMESH_PEER_FORGET)
		return 0;
	while (!r && !del && sent < ips->count) {
		size_t n = message_share(ips->count - sent);
		struct nlmsghdr *msg = start(client, MMESH_CMD_PEER_SET, device, peer);

		put_allowed_ips(msg, ips->item + sent, n);
		r = nl_request(&client->nl, msg, NULL, NULL, err);
		sent += n;
	}
	return r;
}
