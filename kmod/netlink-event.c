// SPDX-License-Identifier: GPL-2.0
/* Messages to the group `events` of the netns that has the device now. */

#include <linux/jiffies.h>
#include <linux/netdevice.h>
#include <linux/rcupdate.h>

#include "device.h"
#include "netlink.h"
#include "peer.h"

enum {
	/* A storm of roaming must not become a storm of messages. */
	ENDPOINT_EVENTS_PER_SECOND = 100,
	MISS_EVENTS_PER_SECOND = 100,
};

static bool has_listeners(const struct net_device *dev)
{
	return genl_has_listeners(&mmesh_nl_family, dev_net(dev),
				  MMESH_NLGRP_EVENTS);
}

/* The device may move to another netns at any time; RCU keeps the one that we
 * see. A message that can't be built or delivered is lost, as with any event:
 * the listener gets ENOBUFS or never hears of it.
 */
void mmesh_nl_multicast(const struct net_device *dev, struct sk_buff *skb)
{
	genlmsg_multicast_netns(&mmesh_nl_family, dev_net(dev), skb, 0,
				MMESH_NLGRP_EVENTS, GFP_ATOMIC);
}

static int put_dev(struct sk_buff *skb, struct mmesh_device *m)
{
	struct mmesh_identity *identity = &m->identity;

	/* Written under the update lock only, which the caller has. */
	if (identity->has_identity &&
	    nla_put(skb, MMESH_A_DEV_PUBLIC_KEY, MMESH_KEY_LEN,
		    identity->static_public))
		return -EMSGSIZE;
	if (nla_put_u32(skb, MMESH_A_DEV_IFINDEX, m->dev->ifindex) ||
	    nla_put_string(skb, MMESH_A_DEV_IFNAME, m->dev->name) ||
	    nla_put_u32(skb, MMESH_A_DEV_LISTEN_PORT, m->listen_port) ||
	    nla_put_u32(skb, MMESH_A_DEV_FWMARK, m->fwmark) ||
	    nla_put_u32(skb, MMESH_A_DEV_NUM_PEERS, m->num_peers) ||
	    nla_put_u32(skb, MMESH_A_DEV_GENERATION, m->generation) ||
	    mmesh_nl_put_isolation(skb, m))
		return -EMSGSIZE;
	return 0;
}

void mmesh_nl_tell_device(struct mmesh_device *m)
{
	struct sk_buff *skb;
	void *hdr;

	lockdep_assert_held(&m->update_lock);
	rcu_read_lock();
	if (!has_listeners(m->dev))
		goto unlock;
	skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_ATOMIC);
	if (!skb)
		goto unlock;
	hdr = genlmsg_put(skb, 0, 0, &mmesh_nl_family, 0, MMESH_CMD_DEV_NTF);
	if (hdr && !put_dev(skb, m)) {
		genlmsg_end(skb, hdr);
		mmesh_nl_multicast(m->dev, skb);
	} else {
		nlmsg_free(skb);
	}
unlock:
	rcu_read_unlock();
}

static int put_peer(struct sk_buff *skb, struct mmesh_peer *peer, u8 cmd)
{
	const struct timespec64 last = peer->walltime_last_handshake;
	struct mmesh_addr addr;

	if (nla_put_u32(skb, MMESH_A_PEER_IFINDEX, peer->device->dev->ifindex) ||
	    nla_put(skb, MMESH_A_PEER_PUBLIC_KEY, MMESH_KEY_LEN,
		    peer->handshake.remote_static))
		return -EMSGSIZE;
	if (cmd == MMESH_CMD_PEER_DEL_NTF)
		return 0;
	if (cmd == MMESH_CMD_REACHABLE_NTF)
		return nla_put_u32(skb, MMESH_A_PEER_UNREACHABLE,
				   READ_ONCE(peer->unreachable));
	if (mmesh_endpoint_get(peer, &addr) && mmesh_nl_put_endpoint(skb, &addr))
		return -EMSGSIZE;
	if (cmd == MMESH_CMD_HANDSHAKE_NTF &&
	    (nla_put_u64_64bit(skb, MMESH_A_PEER_LAST_HANDSHAKE_SEC,
			       last.tv_sec, MMESH_A_PEER_PAD) ||
	     nla_put_u32(skb, MMESH_A_PEER_LAST_HANDSHAKE_NSEC, last.tv_nsec)))
		return -EMSGSIZE;
	if ((cmd == MMESH_CMD_PEER_ADD_NTF ||
	     cmd == MMESH_CMD_PEER_CHANGE_NTF) &&
	    (nla_put_u32(skb, MMESH_A_PEER_PERSISTENT_KEEPALIVE,
			 peer->persistent_keepalive) ||
	     nla_put_u32(skb, MMESH_A_PEER_SUITE, peer->suite) ||
	     (peer->extended && nla_put_u32(skb, MMESH_A_PEER_EXTENDED, 1)) ||
	     nla_put_u32(skb, MMESH_A_PEER_SUBNET, peer->subnet)))
		return -EMSGSIZE;
	return 0;
}

/* RCU read lock held. */
static void tell_peer(struct mmesh_peer *peer, u8 cmd)
{
	struct sk_buff *skb;
	void *hdr;

	skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_ATOMIC);
	if (!skb)
		return;
	hdr = genlmsg_put(skb, 0, 0, &mmesh_nl_family, 0, cmd);
	if (!hdr || put_peer(skb, peer, cmd)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, hdr);
	mmesh_nl_multicast(peer->device->dev, skb);
}

void mmesh_nl_tell_peer(struct mmesh_peer *peer, u8 cmd)
{
	rcu_read_lock();
	if (has_listeners(peer->device->dev))
		tell_peer(peer, cmd);
	rcu_read_unlock();
}

void mmesh_netlink_notify_handshake(struct mmesh_peer *peer)
{
	mmesh_nl_tell_peer(peer, MMESH_CMD_HANDSHAKE_NTF);
}

void mmesh_netlink_notify_reachable(struct mmesh_peer *peer)
{
	mmesh_nl_tell_peer(peer, MMESH_CMD_REACHABLE_NTF);
}

/* Count one event in this second, the number of which is in the upper half. */
static bool is_within_rate(atomic64_t *events, u32 limit)
{
	u64 second = (u64)(u32)(jiffies / HZ) << 32;
	s64 old = atomic64_read(events), new;

	do {
		new = ((u64)old & ~(u64)U32_MAX) == second ? old + 1 : second | 1;
		if ((u32)new > limit)
			return false;
	} while (!atomic64_try_cmpxchg(events, &old, new));
	return true;
}

bool mmesh_nl_may_tell(struct mmesh_device *m)
{
	return has_listeners(m->dev) &&
	       is_within_rate(&m->endpoint_events, ENDPOINT_EVENTS_PER_SECOND);
}

void mmesh_netlink_notify_endpoint(struct mmesh_peer *peer)
{
	struct mmesh_device *m = peer->device;

	rcu_read_lock();
	if (mmesh_nl_may_tell(m))
		tell_peer(peer, MMESH_CMD_ENDPOINT_NTF);
	rcu_read_unlock();
}

/* Either @key and @addr, where it was heard, or @addr alone, which has no port. */
static int put_miss(struct sk_buff *skb, struct mmesh_device *m, const u8 *key,
		    const struct mmesh_addr *addr)
{
	static const struct mmesh_nl_addr_types types = {
		.addr4 = MMESH_A_MISS_ADDR4,
		.addr6 = MMESH_A_MISS_ADDR6,
		.port = MMESH_A_MISS_PORT,
		.scope = MMESH_A_MISS_SCOPE,
		.relay = MMESH_A_MISS_RELAY,
	};

	if (nla_put_u32(skb, MMESH_A_MISS_IFINDEX, m->dev->ifindex))
		return -EMSGSIZE;
	if (key)
		return nla_put(skb, MMESH_A_MISS_PUBLIC_KEY, MMESH_KEY_LEN, key) ?:
		       mmesh_nl_put_addr(skb, m, addr, &types);
	if (addr->addr.sa_family == AF_INET)
		return nla_put_in_addr(skb, MMESH_A_MISS_ADDR4,
				       addr->addr4.sin_addr.s_addr);
	return nla_put_in6_addr(skb, MMESH_A_MISS_ADDR6, &addr->addr6.sin6_addr);
}

static bool tell_miss(struct mmesh_device *m, const u8 *key,
		      const struct mmesh_addr *addr)
{
	struct sk_buff *skb;
	bool ret = false;
	void *hdr;

	rcu_read_lock();
	if (!has_listeners(m->dev) ||
	    !is_within_rate(&m->miss_events, MISS_EVENTS_PER_SECOND))
		goto unlock;
	skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_ATOMIC);
	if (!skb)
		goto unlock;
	hdr = genlmsg_put(skb, 0, 0, &mmesh_nl_family, 0, MMESH_CMD_PEER_MISS_NTF);
	ret = hdr && !put_miss(skb, m, key, addr);
	if (ret) {
		genlmsg_end(skb, hdr);
		mmesh_nl_multicast(m->dev, skb);
	} else {
		nlmsg_free(skb);
	}
unlock:
	rcu_read_unlock();
	return ret;
}

bool mmesh_netlink_notify_miss_v4(struct mmesh_device *m, __be32 addr)
{
	const struct mmesh_addr a = {
		.addr4 = { .sin_family = AF_INET, .sin_addr.s_addr = addr },
	};

	return tell_miss(m, NULL, &a);
}

bool mmesh_netlink_notify_miss_v6(struct mmesh_device *m, const struct in6_addr *addr)
{
	const struct mmesh_addr a = {
		.addr6 = { .sin6_family = AF_INET6, .sin6_addr = *addr },
	};

	return tell_miss(m, NULL, &a);
}

bool mmesh_netlink_notify_miss_key(struct mmesh_device *m, const u8 *key,
				   const struct mmesh_addr *from)
{
	return tell_miss(m, key, from);
}
