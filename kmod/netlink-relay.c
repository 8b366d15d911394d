// SPDX-License-Identifier: GPL-2.0
/* What peer-add, peer-set and peer-get say of relays: the relay by which a
 * peer is reached, and a peer as a client of our own.
 */

#include <linux/string.h>

#include "device.h"
#include "ext.h"
#include "netlink.h"
#include "peer.h"
#include "relay.h"
#include "via.h"

static const u8 no_key[MMESH_KEY_LEN];

/* The relay behind the first, or NULL. */
static const u8 *next_of(const struct nlattr *via)
{
	const u8 *next = (const u8 *)nla_data(via) + MMESH_KEY_LEN;

	return memcmp(next, no_key, MMESH_KEY_LEN) ? next : NULL;
}

/* What the client will be, of what is given and what it is. */
struct admission {
	bool permit;
	bool trunk;
	u64 network;
};

static bool is_about_client(struct nlattr **attrs)
{
	return attrs[MMESH_A_PEER_NETWORK] || attrs[MMESH_A_PEER_RELAY_PERMIT] ||
	       attrs[MMESH_A_PEER_RELAY_TRUNK] || attrs[MMESH_A_PEER_LIMIT_PPS] ||
	       attrs[MMESH_A_PEER_LIMIT_BPS];
}

static struct admission admission_of(struct mmesh_peer *peer, struct nlattr **attrs)
{
	const struct mmesh_client *client = peer && peer->ext ? peer->ext->client :
							      NULL;
	struct admission a = { };

	if (client)
		a = (struct admission){
			.permit = client->is_permitted,
			.trunk = client->is_trunk,
			.network = client->network,
		};
	if (attrs[MMESH_A_PEER_RELAY_PERMIT])
		a.permit = nla_get_u32(attrs[MMESH_A_PEER_RELAY_PERMIT]);
	if (attrs[MMESH_A_PEER_RELAY_TRUNK])
		a.trunk = nla_get_u32(attrs[MMESH_A_PEER_RELAY_TRUNK]);
	if (attrs[MMESH_A_PEER_NETWORK])
		a.network = nla_get_u64(attrs[MMESH_A_PEER_NETWORK]);
	return a;
}

static bool is_off(const struct nlattr *via)
{
	return !memcmp(nla_data(via), no_key, MMESH_KEY_LEN);
}

static int check_via(struct mmesh_device *m, const struct nlattr *via,
		     const u8 *own, struct netlink_ext_ack *extack)
{
	const u8 *key = nla_data(via);
	struct mmesh_peer *relay;
	bool ok;

	if (!memcmp(key + MMESH_KEY_LEN, key, MMESH_KEY_LEN))
		return mmesh_nl_refuse(extack, via, -EINVAL,
				       "via: the second key is the first again");
	if (!memcmp(key, own, MMESH_KEY_LEN))
		return mmesh_nl_refuse(extack, via, -EINVAL,
				       "via: a peer can't be its own relay");
	relay = mmesh_peer_lookup(m, key);
	ok = relay && mmesh_peer_ext(relay);
	mmesh_peer_put(relay);
	if (ok)
		return 0;
	return mmesh_nl_refuse(extack, via, -ENOENT,
			       "via: the device has no extended peer with this key");
}

static int check_client(struct mmesh_device *m, struct mmesh_peer *peer,
			struct nlattr **attrs, struct netlink_ext_ack *extack)
{
	const struct nlattr *permit = attrs[MMESH_A_PEER_RELAY_PERMIT];
	const struct nlattr *pps = attrs[MMESH_A_PEER_LIMIT_PPS];
	const struct nlattr *bps = attrs[MMESH_A_PEER_LIMIT_BPS];
	const struct admission a = admission_of(peer, attrs);
	const bool was = peer && peer->ext && peer->ext->client &&
			 peer->ext->client->is_permitted;

	if (a.permit && !a.trunk && !a.network)
		return mmesh_nl_refuse(extack, attrs[MMESH_A_PEER_NETWORK] ?: permit,
				       -EINVAL,
				       "relay-permit: a client needs a network other than 0");
	if (a.permit && !a.trunk &&
	    mmesh_device_member_elsewhere(m, nla_data(attrs[MMESH_A_PEER_PUBLIC_KEY]),
					  a.network))
		return mmesh_nl_refuse(extack, attrs[MMESH_A_PEER_NETWORK] ?: permit,
				       -EEXIST,
				       "network: a device of another network has this peer, and a key belongs to one network");
	if (a.permit && !was && m->relay.num_clients >= m->relay.max_clients)
		return mmesh_nl_refuse(extack, permit, -ENOSPC,
				       "relay-permit: the device has as many clients as relay-clients says");
	if (pps && nla_get_u64(pps) &&
	    (nla_get_u64(pps) < 100 || nla_get_u64(pps) >> 40))
		return mmesh_nl_refuse(extack, pps, -ERANGE,
				       "limit-pps: neither 0 nor from 100 to 2^40");
	if (bps && nla_get_u64(bps) &&
	    (nla_get_u64(bps) < 2000000 || nla_get_u64(bps) >> 40))
		return mmesh_nl_refuse(extack, bps, -ERANGE,
				       "limit-bps: neither 0 nor from 2000000 to 2^40");
	return 0;
}

/* A device that was moved must not open the network of its birth to others. */
static int check_birth_netns(struct sk_buff *skb, struct mmesh_device *m,
			     struct netlink_ext_ack *extack)
{
	bool ok = false;
	struct net *net;

	rcu_read_lock();
	net = rcu_dereference(m->birth_net);
	if (net)
		ok = netlink_ns_capable(skb, net->user_ns, CAP_NET_ADMIN);
	rcu_read_unlock();
	if (ok)
		return 0;
	NL_SET_ERR_MSG(extack,
		       "relays: this needs CAP_NET_ADMIN in the network namespace where the device was born");
	return -EPERM;
}

int mmesh_nl_relay_check(struct sk_buff *skb, struct mmesh_device *m,
			 struct mmesh_peer *peer, struct nlattr **attrs,
			 struct netlink_ext_ack *extack)
{
	const struct nlattr *extended = attrs[MMESH_A_PEER_EXTENDED];
	const struct nlattr *via = attrs[MMESH_A_PEER_VIA];
	const u8 *own = nla_data(attrs[MMESH_A_PEER_PUBLIC_KEY]);
	bool will_be = extended ? nla_get_u32(extended) : peer && peer->extended;
	int ret;

	/* No relay any more is for anybody to say. */
	if ((!via || is_off(via)) && !is_about_client(attrs))
		return 0;
	ret = check_birth_netns(skb, m, extack);
	if (ret)
		return ret;
	if (!will_be)
		return mmesh_nl_refuse(extack, extended ?: via, -EINVAL,
				       "relays: only for an extended peer");
	if (via && !is_off(via)) {
		ret = check_via(m, via, own, extack);
		if (ret)
			return ret;
	}
	return is_about_client(attrs) ? check_client(m, peer, attrs, extack) : 0;
}

int mmesh_nl_relay_prepare(struct mmesh_peer *peer, struct nlattr **attrs,
			   struct netlink_ext_ack *extack)
{
	const struct nlattr *via = attrs[MMESH_A_PEER_VIA];
	const bool direct = attrs[MMESH_A_PEER_ENDPOINT_PORT];
	int ret = 0;

	if (is_about_client(attrs))
		ret = mmesh_client_make(peer);
	if (!ret && via && !is_off(via))
		ret = mmesh_via_set(peer, nla_data(via), next_of(via), !direct);
	if (ret)
		NL_SET_ERR_MSG(extack, "relays: no memory");
	return ret;
}

void mmesh_nl_relay_commit(struct mmesh_peer *peer, struct nlattr **attrs)
{
	const struct nlattr *via = attrs[MMESH_A_PEER_VIA];
	const struct admission a = admission_of(peer, attrs);

	if (via && is_off(via) && peer->ext)
		mmesh_via_clear(peer);
	if (!is_about_client(attrs) || !peer->ext || !peer->ext->client)
		return;
	if (attrs[MMESH_A_PEER_LIMIT_PPS])
		WRITE_ONCE(peer->ext->client->limit_pps,
			   nla_get_u64(attrs[MMESH_A_PEER_LIMIT_PPS]));
	if (attrs[MMESH_A_PEER_LIMIT_BPS])
		WRITE_ONCE(peer->ext->client->limit_bps,
			   nla_get_u64(attrs[MMESH_A_PEER_LIMIT_BPS]));
	mmesh_client_admit(peer, a.permit, a.trunk, a.network);
}

static int put_u64(struct sk_buff *skb, int type, u64 value)
{
	return nla_put_u64_64bit(skb, type, value, MMESH_A_RELAY_STATE_PAD);
}

static int put_state(struct sk_buff *skb, struct mmesh_peer *peer)
{
	struct mmesh_client *client = peer->ext->client;
	struct nlattr *nest = nla_nest_start(skb, MMESH_A_PEER_RELAY_STATE);
	unsigned int i;

	if (!nest ||
	    nla_put_u32(skb, MMESH_A_RELAY_STATE_CHANNELS,
			READ_ONCE(peer->ext->num_channels)) ||
	    put_u64(skb, MMESH_A_RELAY_STATE_FROM_PACKETS,
		    atomic64_read(&client->from_packets)) ||
	    put_u64(skb, MMESH_A_RELAY_STATE_FROM_BYTES,
		    atomic64_read(&client->from_bytes)) ||
	    put_u64(skb, MMESH_A_RELAY_STATE_TO_PACKETS,
		    atomic64_read(&client->to_packets)) ||
	    put_u64(skb, MMESH_A_RELAY_STATE_TO_BYTES,
		    atomic64_read(&client->to_bytes)))
		return -EMSGSIZE;
	for (i = 0; i < MMESH_CLIENT_DROP_COUNT; i++)
		if (put_u64(skb, MMESH_A_RELAY_STATE_DROP_REPLAY + i,
			    atomic64_read(&client->drops[i])))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_client(struct sk_buff *skb, struct mmesh_peer *peer)
{
	const struct mmesh_client *client = peer->ext->client;

	if (!client->is_permitted)
		return 0;
	if (nla_put_u64_64bit(skb, MMESH_A_PEER_NETWORK, client->network,
			      MMESH_A_PEER_PAD) ||
	    nla_put_u32(skb, MMESH_A_PEER_RELAY_PERMIT, 1) ||
	    (client->is_trunk && nla_put_u32(skb, MMESH_A_PEER_RELAY_TRUNK, 1)) ||
	    (client->limit_pps &&
	     nla_put_u64_64bit(skb, MMESH_A_PEER_LIMIT_PPS, client->limit_pps,
			       MMESH_A_PEER_PAD)) ||
	    (client->limit_bps &&
	     nla_put_u64_64bit(skb, MMESH_A_PEER_LIMIT_BPS, client->limit_bps,
			       MMESH_A_PEER_PAD)))
		return -EMSGSIZE;
	return put_state(skb, peer);
}

static int put_via(struct sk_buff *skb, struct mmesh_peer *peer)
{
	const struct mmesh_via *via;
	u8 keys[2 * MMESH_KEY_LEN];

	via = rcu_dereference_protected(peer->ext->via,
					lockdep_is_held(&peer->device->update_lock));
	if (!via)
		return 0;
	memcpy(keys, via->relay, MMESH_KEY_LEN);
	memcpy(keys + MMESH_KEY_LEN, via->next, MMESH_KEY_LEN);
	return nla_put(skb, MMESH_A_PEER_VIA, sizeof(keys), keys);
}

int mmesh_nl_relay_put(struct sk_buff *skb, struct mmesh_peer *peer, bool is_admin)
{
	if (!peer->extended || !peer->ext)
		return 0;
	/* Like an endpoint, this is not for everybody. */
	if (is_admin && put_via(skb, peer))
		return -EMSGSIZE;
	return peer->ext->client ? put_client(skb, peer) : 0;
}
