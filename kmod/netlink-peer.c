// SPDX-License-Identifier: GPL-2.0
/* Operations that read or remove a peer: peer-get, peer-del. */

#include <linux/netdevice.h>
#include <net/sock.h>

#include "device.h"
#include "netlink.h"
#include "peer.h"

static int put_peer_configuration(struct sk_buff *skb, struct mmesh_peer *peer,
				  const struct mmesh_nl_target *to)
{
	static const u8 none[MMESH_KEY_LEN];
	struct mmesh_addr addr;
	int ret = 0;

	if (to->secrets) {
		down_read(&peer->handshake.lock);
		if (memcmp(peer->handshake.preshared_key, none, MMESH_KEY_LEN))
			ret = nla_put(skb, MMESH_A_PEER_PRESHARED_KEY,
				      MMESH_KEY_LEN,
				      peer->handshake.preshared_key);
		up_read(&peer->handshake.lock);
		if (ret)
			return ret;
	}
	if (to->endpoints && mmesh_endpoint_get(peer, &addr) &&
	    mmesh_nl_put_endpoint(skb, &addr))
		return -EMSGSIZE;
	if (nla_put_u32(skb, MMESH_A_PEER_PERSISTENT_KEEPALIVE,
			peer->persistent_keepalive) ||
	    nla_put_u32(skb, MMESH_A_PEER_SUITE, peer->suite) ||
	    (peer->extended && nla_put_u32(skb, MMESH_A_PEER_EXTENDED, 1)) ||
	    nla_put_u32(skb, MMESH_A_PEER_SUBNET, peer->subnet) ||
	    (READ_ONCE(peer->unreachable) &&
	     nla_put_u32(skb, MMESH_A_PEER_UNREACHABLE, 1)))
		return -EMSGSIZE;
	return mmesh_nl_relay_put(skb, peer, to->endpoints);
}

static int put_peer_state(struct sk_buff *skb, struct mmesh_peer *peer)
{
	const struct timespec64 last = peer->walltime_last_handshake;

	if (last.tv_sec &&
	    (nla_put_u64_64bit(skb, MMESH_A_PEER_LAST_HANDSHAKE_SEC,
			       last.tv_sec, MMESH_A_PEER_PAD) ||
	     nla_put_u32(skb, MMESH_A_PEER_LAST_HANDSHAKE_NSEC, last.tv_nsec)))
		return -EMSGSIZE;
	if (nla_put_u64_64bit(skb, MMESH_A_PEER_RX_BYTES,
			      atomic64_read(&peer->rx_bytes),
			      MMESH_A_PEER_PAD) ||
	    nla_put_u64_64bit(skb, MMESH_A_PEER_TX_BYTES,
			      atomic64_read(&peer->tx_bytes), MMESH_A_PEER_PAD))
		return -EMSGSIZE;
	return 0;
}

static int put_allowed_ip(struct sk_buff *skb, const struct mmesh_allowed_ip *a)
{
	struct nlattr *nest = nla_nest_start(skb, MMESH_A_PEER_ALLOWED_IPS);

	if (!nest)
		return -EMSGSIZE;
	if (nla_put(skb, a->is_v4 ? MMESH_A_ALLOWED_IP_ADDR4 :
				    MMESH_A_ALLOWED_IP_ADDR6,
		    a->is_v4 ? 4 : 16, a->ip) ||
	    nla_put_u32(skb, MMESH_A_ALLOWED_IP_CIDR, a->cidr))
		goto cancel;
	if (a->share.shared &&
	    (nla_put_u32(skb, MMESH_A_ALLOWED_IP_FLAGS,
			 MMESH_ALLOWED_IP_FLAG_SHARED) ||
	     nla_put_u32(skb, MMESH_A_ALLOWED_IP_PRIORITY, a->share.priority) ||
	     nla_put_u32(skb, MMESH_A_ALLOWED_IP_WEIGHT, a->share.weight)))
		goto cancel;
	nla_nest_end(skb, nest);
	return 0;

cancel:
	nla_nest_cancel(skb, nest);
	return -EMSGSIZE;
}

/* As many allowed IPs as there is room for, from number *@next on, which is
 * moved on; 0: that was all of them.
 */
static int put_allowed_ips(struct sk_buff *skb, struct mmesh_peer *peer,
			   u32 *next)
{
	struct mmesh_allowedips_walk walk = {};
	struct mmesh_allowed_ip a;
	u32 at = 0;

	while (mmesh_allowedips_walk(peer, &walk, &a, &peer->device->update_lock)) {
		if (at++ < *next)
			continue;
		if (put_allowed_ip(skb, &a))
			return -EMSGSIZE;
		*next = at;
	}
	return 0;
}

/* One message about @peer, or the next one when *@next says that some of its
 * allowed IPs have been told. -EMSGSIZE: there's more, and *@next says from
 * where; when it is 0 still, the message has been taken back.
 */
static int fill_peer(struct sk_buff *skb, struct mmesh_peer *peer,
		     const struct mmesh_nl_target *to, u32 *next)
{
	const struct net_device *dev = peer->device->dev;
	u32 from = *next;
	void *hdr;
	int ret;

	hdr = mmesh_nl_put_header(skb, to, MMESH_CMD_PEER_GET);
	if (!hdr)
		return -EMSGSIZE;
	if (nla_put_u32(skb, MMESH_A_PEER_IFINDEX, dev->ifindex) ||
	    nla_put(skb, MMESH_A_PEER_PUBLIC_KEY, MMESH_KEY_LEN,
		    peer->handshake.remote_static))
		goto cancel;
	if (!from && (put_peer_configuration(skb, peer, to) ||
		      put_peer_state(skb, peer)))
		goto cancel;
	ret = put_allowed_ips(skb, peer, next);
	if (ret && *next == from)
		goto cancel;
	genlmsg_end(skb, hdr);
	return ret;

cancel:
	genlmsg_cancel(skb, hdr);
	return -EMSGSIZE;
}

int mmesh_nl_peer_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *secrets = info->attrs[MMESH_A_PEER_SECRETS];
	const struct nlattr *key = info->attrs[MMESH_A_PEER_PUBLIC_KEY];
	bool is_admin = mmesh_nl_is_admin(skb, genl_info_net(info));
	const struct mmesh_nl_target to = {
		.portid = info->snd_portid,
		.seq = info->snd_seq,
		.secrets = secrets,
		.endpoints = is_admin,
	};
	struct mmesh_device *m;
	struct mmesh_peer *peer;
	struct sk_buff *reply;
	u32 next = 0;
	int ret;

	ret = mmesh_nl_check_message(info->nlhdr, 0, info->extack);
	if (!ret)
		ret = mmesh_nl_check_secrets(secrets, is_admin, info->extack);
	if (ret)
		return ret;
	if (!key)
		return mmesh_nl_missing(info->extack, MMESH_A_PEER_PUBLIC_KEY,
					"public-key is needed");
	m = mmesh_nl_device(genl_info_net(info),
			    info->attrs[MMESH_A_PEER_IFINDEX],
			    info->attrs[MMESH_A_PEER_IFNAME], info->extack);
	if (IS_ERR(m))
		return PTR_ERR(m);
	reply = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!reply) {
		ret = -ENOMEM;
		goto out_put;
	}

	ret = mmesh_nl_lock(m, info->extack);
	if (ret)
		goto out_free;
	peer = mmesh_peer_lookup(m, nla_data(key));
	if (!peer)
		ret = mmesh_nl_refuse(info->extack, key, -ENOENT,
				      "public-key: the device has no such peer");
	else if (fill_peer(reply, peer, &to, &next))
		ret = mmesh_nl_refuse(info->extack, key, -EMSGSIZE,
				      "the peer's allowed IPs don't fit in one message, use a dump");
	mmesh_peer_put(peer);
	mmesh_nl_unlock(m);
	if (ret)
		goto out_free;
	mmesh_nl_device_put(m);
	return genlmsg_reply(reply, info);

out_free:
	nlmsg_free(reply);
out_put:
	mmesh_nl_device_put(m);
	return ret;
}

/* State of a dump of peers, between its messages. It holds no reference: a
 * reader that stops reading must not keep a device or a peer from going away.
 */
struct peer_dump {
	u8 key[MMESH_KEY_LEN];	/* of the peer told last, or being told */
	u32 ifindex;		/* 0: not started */
	u32 next_allowed_ip;	/* of that peer */
	bool has_key;
	bool unfinished;	/* more of that peer's allowed IPs are to come */
	bool single;		/* only that peer was asked for */
	bool done;
	bool secrets;
	bool is_admin;
};

static int start_dump(struct netlink_callback *cb, struct peer_dump *dump)
{
	struct nlattr *attrs[MMESH_A_PEER_SECRETS + 1];
	struct net *net = sock_net(cb->skb->sk);
	struct mmesh_device *m;
	int ret;

	ret = nlmsg_parse(cb->nlh, GENL_HDRLEN, attrs, MMESH_A_PEER_SECRETS,
			  mmesh_peer_get_nl_policy, cb->extack);
	if (!ret)
		ret = mmesh_nl_check_message(cb->nlh, 0, cb->extack);
	if (ret)
		return ret;
	dump->is_admin = mmesh_nl_is_admin(cb->skb, net);
	ret = mmesh_nl_check_secrets(attrs[MMESH_A_PEER_SECRETS],
				     dump->is_admin, cb->extack);
	if (ret)
		return ret;
	m = mmesh_nl_device(net, attrs[MMESH_A_PEER_IFINDEX],
			    attrs[MMESH_A_PEER_IFNAME], cb->extack);
	if (IS_ERR(m))
		return PTR_ERR(m);
	if (attrs[MMESH_A_PEER_PUBLIC_KEY]) {
		struct nlattr *key = attrs[MMESH_A_PEER_PUBLIC_KEY];
		struct mmesh_peer *peer = mmesh_peer_lookup(m, nla_data(key));

		if (!peer)
			ret = mmesh_nl_refuse(cb->extack, key, -ENOENT,
					      "public-key: the device has no such peer");
		mmesh_peer_put(peer);
		memcpy(dump->key, nla_data(key), MMESH_KEY_LEN);
		dump->has_key = true;
		dump->unfinished = true;
		dump->single = true;
	}
	dump->secrets = attrs[MMESH_A_PEER_SECRETS];
	dump->ifindex = m->dev->ifindex;
	mmesh_nl_device_put(m);
	return ret;
}

/* The peer to go on with; NULL at the end, or when the peer that we stopped at
 * is gone. The latter has changed the generation, so the reader is told.
 */
static struct mmesh_peer *resume(struct mmesh_device *m, struct peer_dump *dump)
{
	struct mmesh_peer *peer;

	if (!dump->has_key)
		return list_first_entry_or_null(&m->peer_list,
						struct mmesh_peer, peer_list);
	peer = mmesh_peer_lookup(m, dump->key);
	if (!peer)
		return NULL;
	/* The update lock keeps it from now on. */
	mmesh_peer_put(peer);
	if (dump->unfinished)
		return peer;
	if (list_is_last(&peer->peer_list, &m->peer_list))
		return NULL;
	return list_next_entry(peer, peer_list);
}

/* Tell peers until there's no more room (-EMSGSIZE) or no more peer (0). */
static int dump_peers(struct sk_buff *skb, struct netlink_callback *cb,
		      struct mmesh_device *m, struct peer_dump *dump)
{
	const struct mmesh_nl_target to = {
		.portid = NETLINK_CB(cb->skb).portid,
		.seq = cb->nlh->nlmsg_seq,
		.cb = cb,
		.secrets = dump->secrets,
		.endpoints = dump->is_admin,
	};
	struct mmesh_peer *peer;
	u32 next;
	int ret;

	while ((peer = resume(m, dump))) {
		next = dump->unfinished ? dump->next_allowed_ip : 0;
		ret = fill_peer(skb, peer, &to, &next);
		if (ret && !next)
			return ret;
		memcpy(dump->key, peer->handshake.remote_static, MMESH_KEY_LEN);
		dump->has_key = true;
		dump->next_allowed_ip = next;
		dump->unfinished = ret;
		if (ret)
			return ret;
		if (dump->single)
			break;
	}
	dump->done = true;
	return 0;
}

int mmesh_nl_peer_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct peer_dump *dump = (struct peer_dump *)cb->ctx;
	struct net_device *dev;
	struct mmesh_device *m;
	int ret = 0;

	BUILD_BUG_ON(sizeof(*dump) > sizeof(cb->ctx));
	if (!dump->ifindex)
		ret = start_dump(cb, dump);
	if (ret || dump->done)
		return ret;

	dev = dev_get_by_index(sock_net(skb->sk), dump->ifindex);
	if (!dev || !mmesh_device_is(dev)) {
		dev_put(dev);
		return -ENODEV;
	}
	m = netdev_priv(dev);
	mutex_lock(&m->update_lock);
	cb->seq = m->generation;
	ret = dump_peers(skb, cb, m, dump);
	mutex_unlock(&m->update_lock);
	dev_put(dev);
	return skb->len ?: ret;
}

int mmesh_nl_peer_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *key = info->attrs[MMESH_A_PEER_PUBLIC_KEY];
	struct mmesh_device *m;
	struct mmesh_peer *peer;
	int ret;

	ret = mmesh_nl_check_message(info->nlhdr, 0, info->extack);
	if (ret)
		return ret;
	if (!key)
		return mmesh_nl_missing(info->extack, MMESH_A_PEER_PUBLIC_KEY,
					"public-key is needed");
	m = mmesh_nl_device(genl_info_net(info),
			    info->attrs[MMESH_A_PEER_IFINDEX],
			    info->attrs[MMESH_A_PEER_IFNAME], info->extack);
	if (IS_ERR(m))
		return PTR_ERR(m);
	ret = mmesh_nl_lock(m, info->extack);
	if (ret)
		goto out_put;
	peer = mmesh_peer_lookup(m, nla_data(key));
	if (peer) {
		mmesh_peer_remove(peer);
		mmesh_device_changed(m);
		mmesh_nl_tell_peer(peer, MMESH_CMD_PEER_DEL_NTF);
		mmesh_peer_put(peer);
	} else {
		ret = mmesh_nl_refuse(info->extack, key, -ENOENT,
				      "public-key: the device has no such peer");
	}
	mmesh_nl_unlock(m);
out_put:
	mmesh_nl_device_put(m);
	return ret;
}
