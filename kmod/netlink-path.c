// SPDX-License-Identifier: GPL-2.0
/* Operations on the paths to a peer: path-get, path-add, path-del; path-ntf. */

#include <linux/inetdevice.h>
#include <linux/netdevice.h>
#include <linux/slab.h>
#include <net/ipv6.h>
#include <net/sock.h>

#include "device.h"
#include "ext.h"
#include "netlink.h"
#include "path.h"
#include "peer.h"

static const struct mmesh_nl_addr_types addr_types = {
	.addr4 = MMESH_A_PATH_ADDR4,
	.addr6 = MMESH_A_PATH_ADDR6,
	.port = MMESH_A_PATH_PORT,
	.scope = MMESH_A_PATH_SCOPE,
	.relay = MMESH_A_PATH_RELAY,
};

static int put_path(struct sk_buff *skb, const struct mmesh_peer *peer,
		    const struct mmesh_path_info *info)
{
	if (nla_put_u32(skb, MMESH_A_PATH_IFINDEX, peer->device->dev->ifindex) ||
	    nla_put(skb, MMESH_A_PATH_PUBLIC_KEY, MMESH_KEY_LEN,
		    peer->handshake.remote_static) ||
	    mmesh_nl_put_addr(skb, peer->device, &info->addr, &addr_types) ||
	    nla_put_u32(skb, MMESH_A_PATH_STATE, info->state) ||
	    nla_put_u32(skb, MMESH_A_PATH_REASON, info->reason) ||
	    nla_put_u32(skb, MMESH_A_PATH_SOURCES, info->sources) ||
	    nla_put_u32(skb, MMESH_A_PATH_LOSS, info->loss) ||
	    (info->in_use && nla_put_flag(skb, MMESH_A_PATH_CURRENT)) ||
	    (info->rtt_us &&
	     nla_put_u32(skb, MMESH_A_PATH_RTT_US, info->rtt_us)) ||
	    (info->mtu && nla_put_u32(skb, MMESH_A_PATH_MTU, info->mtu)) ||
	    (info->heard && nla_put_u64_64bit(skb, MMESH_A_PATH_AGE_MS,
					      info->age_ms, MMESH_A_PATH_PAD)))
		return -EMSGSIZE;
	return 0;
}

/* A message about a path, complete or not there at all. */
static int fill(struct sk_buff *skb, const struct mmesh_nl_target *to, u8 cmd,
		const struct mmesh_peer *peer, const struct mmesh_path_info *info)
{
	void *hdr = mmesh_nl_put_header(skb, to, cmd);

	if (!hdr)
		return -EMSGSIZE;
	if (put_path(skb, peer, info)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

void mmesh_netlink_notify_path(struct mmesh_peer *peer,
			       const struct mmesh_path_info *info)
{
	const struct mmesh_nl_target everybody = { };
	struct sk_buff *skb;

	rcu_read_lock();
	if (!mmesh_nl_may_tell(peer->device))
		goto unlock;
	skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_ATOMIC);
	if (!skb)
		goto unlock;
	if (fill(skb, &everybody, MMESH_CMD_PATH_NTF, peer, info))
		nlmsg_free(skb);
	else
		mmesh_nl_multicast(peer->device->dev, skb);
unlock:
	rcu_read_unlock();
}

static int read_addr4(const struct nlattr *attr, struct mmesh_addr *addr,
		      struct netlink_ext_ack *extack)
{
	__be32 ip = nla_get_in_addr(attr);

	if (ipv4_is_zeronet(ip) || ipv4_is_multicast(ip) || ipv4_is_lbcast(ip))
		return mmesh_nl_refuse(extack, attr, -EINVAL,
				       "addr4: not a unicast address");
	addr->addr4.sin_family = AF_INET;
	addr->addr4.sin_addr.s_addr = ip;
	return 0;
}

static int read_addr6(const struct nlattr *attr, const struct nlattr *scope,
		      struct mmesh_addr *addr, struct netlink_ext_ack *extack)
{
	struct in6_addr ip = nla_get_in6_addr(attr);
	const bool needs_scope = ipv6_addr_type(&ip) & IPV6_ADDR_LINKLOCAL;

	if (!ipv6_mod_enabled())
		return mmesh_nl_refuse(extack, attr, -EAFNOSUPPORT,
				       "addr6: this kernel runs without IPv6");
	if (ipv6_addr_any(&ip) || ipv6_addr_is_multicast(&ip) ||
	    ipv6_addr_v4mapped(&ip))
		return mmesh_nl_refuse(extack, attr, -EINVAL,
				       "addr6: not a unicast address of IPv6");
	if (needs_scope != (scope && nla_get_u32(scope)))
		return mmesh_nl_refuse(extack, scope ?: attr, -EINVAL,
				       "scope: a link-local addr6 needs one, no other has it");
	addr->addr6.sin6_family = AF_INET6;
	addr->addr6.sin6_addr = ip;
	addr->addr6.sin6_scope_id = needs_scope ? nla_get_u32(scope) : 0;
	return 0;
}

static int read_addr(struct genl_info *info, struct mmesh_addr *addr)
{
	const struct nlattr *addr4 = info->attrs[MMESH_A_PATH_ADDR4];
	const struct nlattr *addr6 = info->attrs[MMESH_A_PATH_ADDR6];
	const struct nlattr *port = info->attrs[MMESH_A_PATH_PORT];
	const struct nlattr *scope = info->attrs[MMESH_A_PATH_SCOPE];
	int ret;

	memset(addr, 0, sizeof(*addr));
	if (!addr4 == !addr6) {
		NL_SET_ERR_MSG(info->extack, "either addr4 or addr6 is needed");
		return -EINVAL;
	}
	if (!port)
		return mmesh_nl_missing(info->extack, MMESH_A_PATH_PORT,
					"port is needed");
	if (addr4 && scope)
		return mmesh_nl_refuse(info->extack, scope, -EINVAL,
				       "scope: only for addr6");
	ret = addr4 ? read_addr4(addr4, addr, info->extack) :
		      read_addr6(addr6, scope, addr, info->extack);
	/* In the same place in both families. */
	addr->addr4.sin_port = htons(nla_get_u32(port));
	return ret;
}

/* Candidates decide what the device's sockets send to, and those are where it
 * was born.
 */
static int check_birth_netns(struct sk_buff *skb, struct mmesh_device *m,
			     struct netlink_ext_ack *extack)
{
	struct net *net;
	int ret = 0;

	rcu_read_lock();
	net = rcu_dereference(m->birth_net);
	if (!net)
		ret = -ENONET;
	else if (!netlink_ns_capable(skb, net->user_ns, CAP_NET_ADMIN))
		ret = -EPERM;
	rcu_read_unlock();
	if (ret == -ENONET)
		NL_SET_ERR_MSG(extack, "the network namespace where the device was born is gone");
	else if (ret)
		NL_SET_ERR_MSG(extack, "this needs CAP_NET_ADMIN where the device was born");
	return ret;
}

/* The peer that a request names, with a reference; the device is locked. */
static struct mmesh_peer *peer_of(struct mmesh_device *m, struct genl_info *info)
{
	const struct nlattr *key = info->attrs[MMESH_A_PATH_PUBLIC_KEY];
	struct mmesh_peer *peer = mmesh_peer_lookup(m, nla_data(key));

	if (!peer)
		return ERR_PTR(mmesh_nl_refuse(info->extack, key, -ENOENT,
					       "public-key: the device has no such peer"));
	if (peer->extended)
		return peer;
	mmesh_peer_put(peer);
	return ERR_PTR(mmesh_nl_refuse(info->extack, key, -EOPNOTSUPP,
				       "public-key: the peer isn't extended"));
}

/* Lock the device that a request names and find the peer; undone by leave(). */
static struct mmesh_peer *enter(struct genl_info *info)
{
	struct mmesh_device *m;
	struct mmesh_peer *peer;
	int ret;

	ret = mmesh_nl_check_message(info->nlhdr, 0, info->extack);
	if (ret)
		return ERR_PTR(ret);
	if (!info->attrs[MMESH_A_PATH_PUBLIC_KEY])
		return ERR_PTR(mmesh_nl_missing(info->extack,
						MMESH_A_PATH_PUBLIC_KEY,
						"public-key is needed"));
	m = mmesh_nl_device(genl_info_net(info),
			    info->attrs[MMESH_A_PATH_IFINDEX],
			    info->attrs[MMESH_A_PATH_IFNAME], info->extack);
	if (IS_ERR(m))
		return ERR_CAST(m);
	ret = mmesh_nl_lock(m, info->extack);
	if (ret) {
		mmesh_nl_device_put(m);
		return ERR_PTR(ret);
	}
	peer = peer_of(m, info);
	if (IS_ERR(peer)) {
		mmesh_nl_unlock(m);
		mmesh_nl_device_put(m);
	}
	return peer;
}

static void leave(struct mmesh_peer *peer)
{
	struct mmesh_device *m = peer->device;

	mmesh_peer_put(peer);
	mmesh_nl_unlock(m);
	mmesh_nl_device_put(m);
}

static int configure(struct sk_buff *skb, struct genl_info *info, bool remove)
{
	struct mmesh_addr addr;
	struct mmesh_peer *peer;
	int ret;

	ret = read_addr(info, &addr);
	if (ret)
		return ret;
	peer = enter(info);
	if (IS_ERR(peer))
		return PTR_ERR(peer);
	ret = check_birth_netns(skb, peer->device, info->extack);
	if (!ret) {
		ret = mmesh_path_configure(peer, &addr, remove);
		if (!ret)
			mmesh_device_changed(peer->device);
		else if (ret == -ENOENT)
			NL_SET_ERR_MSG(info->extack, "the peer has no such path");
		else if (ret == -ENOSPC)
			NL_SET_ERR_MSG(info->extack, "the peer can't have more paths");
		else
			NL_SET_ERR_MSG(info->extack, "no memory for the path");
	}
	leave(peer);
	return ret;
}

int mmesh_nl_path_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	return configure(skb, info, false);
}

int mmesh_nl_path_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	return configure(skb, info, true);
}

static const struct mmesh_path_info *find(const struct mmesh_path_info *infos,
					  unsigned int n,
					  const struct mmesh_addr *addr)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (mmesh_addr_same_remote(&infos[i].addr, addr))
			return &infos[i];
	return NULL;
}

int mmesh_nl_path_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	const struct mmesh_nl_target to = {
		.portid = info->snd_portid,
		.seq = info->snd_seq,
	};
	const struct mmesh_path_info *found;
	struct mmesh_path_info *infos;
	struct mmesh_peer *peer;
	struct sk_buff *reply;
	struct mmesh_addr addr;
	int ret;

	ret = read_addr(info, &addr);
	if (ret)
		return ret;
	infos = kcalloc(MMESH_MAX_PATHS, sizeof(*infos), GFP_KERNEL);
	reply = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	ret = -ENOMEM;
	if (!infos || !reply)
		goto out;
	peer = enter(info);
	ret = PTR_ERR_OR_ZERO(peer);
	if (ret)
		goto out;
	found = find(infos, mmesh_path_snapshot(peer, infos), &addr);
	if (found) {
		ret = fill(reply, &to, MMESH_CMD_PATH_GET, peer, found);
	} else {
		NL_SET_ERR_MSG(info->extack, "the peer has no such path");
		ret = -ENOENT;
	}
	leave(peer);
out:
	kfree(infos);
	if (!ret)
		return genlmsg_reply(reply, info);
	nlmsg_free(reply);
	return ret;
}

/* State of a dump between its messages; no reference is held. */
struct path_dump {
	u8 key[MMESH_KEY_LEN];	/* of the peer being told */
	u32 ifindex;		/* 0: not started */
	u8 next;		/* path of that peer to go on with */
	bool has_key;
	bool single;		/* only that peer was asked for */
	bool done;
};

static int start_dump(struct netlink_callback *cb, struct path_dump *dump)
{
	struct nlattr *attrs[MMESH_A_PATH_SCOPE + 1];
	const struct nlattr *key;
	struct mmesh_device *m;
	struct mmesh_peer *peer;
	int ret;

	ret = nlmsg_parse(cb->nlh, GENL_HDRLEN, attrs, MMESH_A_PATH_SCOPE,
			  mmesh_path_get_nl_policy, cb->extack);
	if (!ret)
		ret = mmesh_nl_check_message(cb->nlh, 0, cb->extack);
	if (ret)
		return ret;
	if (attrs[MMESH_A_PATH_ADDR4] || attrs[MMESH_A_PATH_ADDR6] ||
	    attrs[MMESH_A_PATH_PORT] || attrs[MMESH_A_PATH_SCOPE]) {
		NL_SET_ERR_MSG(cb->extack, "a dump takes no address");
		return -EINVAL;
	}
	m = mmesh_nl_device(sock_net(cb->skb->sk), attrs[MMESH_A_PATH_IFINDEX],
			    attrs[MMESH_A_PATH_IFNAME], cb->extack);
	if (IS_ERR(m))
		return PTR_ERR(m);
	key = attrs[MMESH_A_PATH_PUBLIC_KEY];
	if (key) {
		peer = mmesh_peer_lookup(m, nla_data(key));
		if (!peer)
			ret = mmesh_nl_refuse(cb->extack, key, -ENOENT,
					      "public-key: the device has no such peer");
		mmesh_peer_put(peer);
		memcpy(dump->key, nla_data(key), MMESH_KEY_LEN);
		dump->has_key = true;
		dump->single = true;
	}
	dump->ifindex = m->dev->ifindex;
	mmesh_nl_device_put(m);
	return ret;
}

/* The peer to go on with; NULL at the end. The update lock keeps it. */
static struct mmesh_peer *resume(struct mmesh_device *m, const struct path_dump *dump)
{
	struct mmesh_peer *peer;

	if (!dump->has_key)
		return list_first_entry_or_null(&m->peer_list,
						struct mmesh_peer, peer_list);
	peer = mmesh_peer_lookup(m, dump->key);
	mmesh_peer_put(peer);
	return peer;
}

static int dump_peer(struct sk_buff *skb, const struct mmesh_nl_target *to,
		     struct mmesh_peer *peer, struct mmesh_path_info *infos,
		     struct path_dump *dump)
{
	unsigned int n = mmesh_path_snapshot(peer, infos);

	memcpy(dump->key, peer->handshake.remote_static, MMESH_KEY_LEN);
	dump->has_key = true;
	for (; dump->next < n; dump->next++)
		if (fill(skb, to, MMESH_CMD_PATH_GET, peer, &infos[dump->next]))
			return -EMSGSIZE;
	dump->next = 0;
	return 0;
}

static int dump_peers(struct sk_buff *skb, struct netlink_callback *cb,
		      struct mmesh_device *m, struct mmesh_path_info *infos,
		      struct path_dump *dump)
{
	const struct mmesh_nl_target to = {
		.portid = NETLINK_CB(cb->skb).portid,
		.seq = cb->nlh->nlmsg_seq,
		.cb = cb,
	};
	struct mmesh_peer *peer = resume(m, dump);

	while (peer) {
		if (dump_peer(skb, &to, peer, infos, dump))
			return -EMSGSIZE;
		if (dump->single || list_is_last(&peer->peer_list, &m->peer_list))
			break;
		peer = list_next_entry(peer, peer_list);
	}
	dump->done = true;
	return 0;
}

int mmesh_nl_path_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct path_dump *dump = (struct path_dump *)cb->ctx;
	struct mmesh_path_info *infos;
	struct net_device *dev;
	struct mmesh_device *m;
	int ret = 0;

	BUILD_BUG_ON(sizeof(*dump) > sizeof(cb->ctx));
	if (!dump->ifindex)
		ret = start_dump(cb, dump);
	if (ret || dump->done)
		return ret;
	infos = kcalloc(MMESH_MAX_PATHS, sizeof(*infos), GFP_KERNEL);
	if (!infos)
		return -ENOMEM;
	dev = dev_get_by_index(sock_net(skb->sk), dump->ifindex);
	if (dev && mmesh_device_is(dev)) {
		m = netdev_priv(dev);
		mutex_lock(&m->update_lock);
		cb->seq = m->generation;
		ret = dump_peers(skb, cb, m, infos, dump);
		mutex_unlock(&m->update_lock);
		ret = skb->len ?: ret;
	} else {
		ret = -ENODEV;
	}
	dev_put(dev);
	kfree(infos);
	return ret;
}
