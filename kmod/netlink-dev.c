// SPDX-License-Identifier: GPL-2.0
/* Operations on a device: dev-get, dev-set, stat-get. */

#include <crypto/curve25519.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/sock.h>

#include "crypt.h"
#include "device.h"
#include "forward.h"
#include "netlink.h"
#include "peer.h"
#include "version.h"

static int put_suites(struct sk_buff *skb)
{
	static const u8 suites[] = {
		MMESH_SUITE_WIREGUARD, MMESH_SUITE_AES256GCM
	};
	struct nlattr *nest;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(suites); i++) {
		nest = nla_nest_start(skb, MMESH_A_DEV_SUITE_INFO);
		if (!nest ||
		    nla_put_u32(skb, MMESH_A_SUITE_INFO_SUITE, suites[i]) ||
		    nla_put_string(skb, MMESH_A_SUITE_INFO_DRIVER,
				   mmesh_crypt_driver(suites[i])) ||
		    (mmesh_crypt_slow(suites[i]) &&
		     nla_put_flag(skb, MMESH_A_SUITE_INFO_SLOW)))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	return 0;
}

static int put_keys(struct sk_buff *skb, struct mmesh_identity *identity,
		    bool secrets)
{
	int ret = 0;

	down_read(&identity->lock);
	if (identity->has_identity) {
		ret = nla_put(skb, MMESH_A_DEV_PUBLIC_KEY, MMESH_KEY_LEN,
			      identity->static_public);
		if (!ret && secrets)
			ret = nla_put(skb, MMESH_A_DEV_PRIVATE_KEY,
				      MMESH_KEY_LEN, identity->static_private);
	}
	up_read(&identity->lock);
	return ret;
}

/* One message about a device; the update lock is held. */
static int put_relay(struct sk_buff *skb, const struct mmesh_relay *relay)
{
	if (!relay->enabled)
		return 0;
	if (nla_put_u32(skb, MMESH_A_DEV_RELAY, 1) ||
	    nla_put_u32(skb, MMESH_A_DEV_RELAY_CLIENTS, relay->max_clients) ||
	    nla_put_u32(skb, MMESH_A_DEV_RELAY_CHANNELS,
			READ_ONCE(relay->num_channels)))
		return -EMSGSIZE;
	return 0;
}

static int fill_device(struct sk_buff *skb, struct mmesh_device *m,
		       const struct mmesh_nl_target *to)
{
	void *hdr;

	hdr = mmesh_nl_put_header(skb, to, MMESH_CMD_DEV_GET);
	if (!hdr)
		return -EMSGSIZE;
	if (nla_put_u32(skb, MMESH_A_DEV_IFINDEX, m->dev->ifindex) ||
	    nla_put_string(skb, MMESH_A_DEV_IFNAME, m->dev->name) ||
	    put_keys(skb, &m->identity, to->secrets) ||
	    nla_put_u32(skb, MMESH_A_DEV_LISTEN_PORT, m->listen_port) ||
	    nla_put_u32(skb, MMESH_A_DEV_FWMARK, m->fwmark) ||
	    nla_put_u32(skb, MMESH_A_DEV_NUM_PEERS, m->num_peers) ||
	    nla_put_u32(skb, MMESH_A_DEV_GENERATION, m->generation) ||
	    nla_put_string(skb, MMESH_A_DEV_VERSION, MMESH_VERSION) ||
	    mmesh_nl_put_isolation(skb, m) ||
	    put_suites(skb) || put_relay(skb, &m->relay)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

int mmesh_nl_dev_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *secrets = info->attrs[MMESH_A_DEV_SECRETS];
	bool is_admin = mmesh_nl_is_admin(skb, genl_info_net(info));
	const struct mmesh_nl_target to = {
		.portid = info->snd_portid,
		.seq = info->snd_seq,
		.secrets = secrets,
	};
	struct mmesh_device *m;
	struct sk_buff *reply;
	int ret;

	ret = mmesh_nl_check_message(info->nlhdr, 0, info->extack);
	if (!ret)
		ret = mmesh_nl_check_secrets(secrets, is_admin, info->extack);
	if (ret)
		return ret;
	m = mmesh_nl_device(genl_info_net(info),
			    info->attrs[MMESH_A_DEV_IFINDEX],
			    info->attrs[MMESH_A_DEV_IFNAME], info->extack);
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
	ret = fill_device(reply, m, &to);
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

/* State of a dump of devices, between its messages. */
struct dev_dump {
	u32 next;	/* place in the namespace's list of devices */
	bool started;
	bool secrets;
};

/* The first call of a dump: its request, which takes no device. */
static int start_dump(struct netlink_callback *cb, struct dev_dump *dump,
		      unsigned int maxattr, const struct nla_policy *policy,
		      unsigned int secrets)
{
	struct nlattr *attrs[MMESH_A_DEV_MAX + 1];
	bool is_admin;
	int ret;

	ret = nlmsg_parse(cb->nlh, GENL_HDRLEN, attrs, maxattr, policy,
			  cb->extack);
	if (!ret)
		ret = mmesh_nl_check_message(cb->nlh, 0, cb->extack);
	if (ret)
		return ret;
	BUILD_BUG_ON((int)MMESH_A_DEV_IFINDEX != (int)MMESH_A_STATS_IFINDEX ||
		     (int)MMESH_A_DEV_IFNAME != (int)MMESH_A_STATS_IFNAME);
	if (attrs[MMESH_A_DEV_IFINDEX] || attrs[MMESH_A_DEV_IFNAME])
		return mmesh_nl_refuse(cb->extack,
				       attrs[MMESH_A_DEV_IFINDEX] ?:
				       attrs[MMESH_A_DEV_IFNAME], -EINVAL,
				       "a dump is of all devices, it takes no ifindex or ifname");
	if (secrets && attrs[secrets]) {
		is_admin = mmesh_nl_is_admin(cb->skb, sock_net(cb->skb->sk));
		ret = mmesh_nl_check_secrets(attrs[secrets], is_admin,
					     cb->extack);
		if (ret)
			return ret;
		dump->secrets = true;
	}
	dump->started = true;
	return 0;
}

typedef int (*fill_t)(struct sk_buff *skb, struct mmesh_device *m,
		      const struct mmesh_nl_target *to);

static int dump_devices(struct sk_buff *skb, struct netlink_callback *cb,
			fill_t fill)
{
	struct dev_dump *dump = (struct dev_dump *)cb->ctx;
	const struct mmesh_nl_target to = {
		.portid = NETLINK_CB(cb->skb).portid,
		.seq = cb->nlh->nlmsg_seq,
		.cb = cb,
		.secrets = dump->secrets,
	};
	struct net *net = sock_net(skb->sk);
	struct mmesh_device *m;
	struct net_device *dev;
	u32 place = 0;
	int ret = 0;

	/* The list of devices must not change while we sleep in between. */
	rtnl_lock();
	cb->seq = READ_ONCE(net->dev_base_seq);
	for_each_netdev(net, dev) {
		if (place++ < dump->next || !mmesh_device_is(dev))
			continue;
		m = netdev_priv(dev);
		mutex_lock(&m->update_lock);
		ret = fill(skb, m, &to);
		mutex_unlock(&m->update_lock);
		if (ret)
			break;
		dump->next = place;
	}
	rtnl_unlock();
	return skb->len ?: ret;
}

int mmesh_nl_dev_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct dev_dump *dump = (struct dev_dump *)cb->ctx;
	int ret;

	BUILD_BUG_ON(sizeof(*dump) > sizeof(cb->ctx));
	if (!dump->started) {
		ret = start_dump(cb, dump, MMESH_A_DEV_SECRETS,
				 mmesh_dev_get_nl_policy, MMESH_A_DEV_SECRETS);
		if (ret)
			return ret;
	}
	return dump_devices(skb, cb, fill_device);
}

/* What a dev-set asks for; NULL: leave it. */
struct dev_request {
	const struct nlattr *private_key;
	const struct nlattr *listen_port;
	const struct nlattr *fwmark;
	const struct nlattr *network;
	const struct nlattr *subnet;
	const struct nlattr *routed;
	const struct nlattr *relay;
	const struct nlattr *relay_clients;
	const struct nlattr *peer_miss;
	struct mmesh_miss *miss;	/* made, to be swapped in */
	/* By family, IPv4 first; made, to be swapped in. */
	struct mmesh_allowedips_member *member[2];
	bool has_member[2];
	bool replace_peers;
};

/* Sockets and their marks belong to the netns where the device was born: one
 * that has been moved into a container must not let it bind ports outside.
 */
static int check_birth_netns(struct sk_buff *skb, struct mmesh_device *m,
			     const struct dev_request *req,
			     struct netlink_ext_ack *extack)
{
	const struct nlattr *attr = req->listen_port ?: req->fwmark ?: req->relay;
	struct net *net;

	if (!attr)
		return 0;
	net = rcu_dereference_protected(m->birth_net, lockdep_rtnl_is_held());
	if (!net)
		return mmesh_nl_refuse(extack, attr, -ENONET,
				       "the network namespace where the device was born is gone");
	if (!netlink_ns_capable(skb, net->user_ns, CAP_NET_ADMIN))
		return mmesh_nl_refuse(extack, attr, -EPERM,
				       "this needs CAP_NET_ADMIN in the network namespace where the device was born");
	return 0;
}

/* A key belongs to one network, or a handshake could cross between two. */
static int check_key(const struct mmesh_device *m, const struct dev_request *req,
		     u64 network, struct netlink_ext_ack *extack)
{
	const u8 *public_key = m->identity.static_public;
	bool has_key = m->identity.has_identity;
	u8 computed[MMESH_KEY_LEN];

	if (req->private_key) {
		has_key = curve25519_generate_public(computed,
						     nla_data(req->private_key));
		public_key = computed;
	}
	if (!has_key || !mmesh_device_key_elsewhere(m, public_key, network))
		return 0;
	if (req->network)
		return mmesh_nl_refuse(extack, req->network, -EEXIST,
				       "network: a device of another network has the same private key");
	return mmesh_nl_refuse(extack, req->private_key, -EEXIST,
			       "private-key: a device of another network has it");
}

static int check_network(const struct mmesh_device *m,
			 const struct dev_request *req,
			 struct netlink_ext_ack *extack)
{
	u64 network = req->network ? nla_get_u64(req->network) :
				     m->isolation.network;

	if (!req->network && !req->private_key)
		return 0;
	if (network != m->isolation.network && m->num_peers &&
	    !req->replace_peers)
		return mmesh_nl_refuse(extack, req->network, -EBUSY,
				       "network: it can't change while the device has peers");
	return check_key(m, req, network, extack);
}

/* The hook is there before the network is. */
static int open_network(struct mmesh_device *m, const struct dev_request *req,
			struct netlink_ext_ack *extack)
{
	int ret;

	if (!req->network || !nla_get_u64(req->network))
		return 0;
	ret = mmesh_forward_open(m);
	if (ret)
		return mmesh_nl_refuse(extack, req->network, ret,
				       "network: there's no netfilter hook to keep networks apart");
	return 0;
}

static void close_network(struct mmesh_device *m)
{
	if (!m->isolation.network)
		mmesh_forward_close(m);
}

/* Holds at once: what was under way by the old rules is over when this
 * returns, and what waits is judged again.
 */
static void set_isolation(struct mmesh_device *m, const struct dev_request *req)
{
	struct mmesh_isolation *isolation = &m->isolation;
	struct mmesh_peer *peer;

	if (!req->network && !req->subnet && !req->routed)
		return;
	if (req->network)
		WRITE_ONCE(isolation->network, nla_get_u64(req->network));
	if (req->subnet)
		WRITE_ONCE(isolation->subnet, nla_get_u32(req->subnet));
	if (req->routed)
		WRITE_ONCE(isolation->routed, nla_get_u32(req->routed));
	close_network(m);
	if (!isolation->network)
		return;
	synchronize_net();
	list_for_each_entry(peer, &m->peer_list, peer_list)
		if (mmesh_isolation_peer(isolation, peer->subnet))
			mmesh_seal_purge_staged(peer, MMESH_STAT_TX_DROP_SUBNET);
}

/* Made before anything is changed. */
static int make_miss(struct mmesh_device *m, struct dev_request *req,
		     struct netlink_ext_ack *extack)
{
	if (!req->peer_miss || !nla_get_u32(req->peer_miss) ||
	    rcu_access_pointer(m->miss))
		return 0;
	req->miss = mmesh_miss_alloc(m);
	if (req->miss)
		return 0;
	return mmesh_nl_refuse(extack, req->peer_miss, -ENOMEM, "peer-miss: no memory");
}

static void set_miss(struct mmesh_device *m, struct dev_request *req)
{
	if (!req->peer_miss || (nla_get_u32(req->peer_miss) && !req->miss))
		return;
	mmesh_miss_set(m, req->miss);
	req->miss = NULL;
}

static int check_member(const struct nlattr *nest, struct dev_request *req,
			struct netlink_ext_ack *extack)
{
	struct nlattr *attrs[MMESH_A_MEMBER_PREFIX_MAX + 1];
	const struct nlattr *addr4, *addr6, *cidr;
	unsigned int family;
	int ret;

	ret = nla_parse_nested(attrs, MMESH_A_MEMBER_PREFIX_MAX, nest,
			       mmesh_member_prefix_nl_policy, extack) ?:
	      mmesh_nl_check_attrs(nla_data(nest), nla_len(nest), 0, extack);
	if (ret)
		return ret;
	addr4 = attrs[MMESH_A_MEMBER_PREFIX_ADDR4];
	addr6 = attrs[MMESH_A_MEMBER_PREFIX_ADDR6];
	cidr = attrs[MMESH_A_MEMBER_PREFIX_CIDR];
	if (!addr4 == !addr6)
		return mmesh_nl_refuse(extack, nest, -EINVAL,
				       "member-prefix: either addr4 or addr6 is needed");
	if (!cidr)
		return mmesh_nl_refuse(extack, nest, -EINVAL,
				       "member-prefix: cidr is needed");
	if (addr4 && nla_get_u32(cidr) > 32)
		return mmesh_nl_refuse(extack, cidr, -EINVAL,
				       "cidr: more than 32 bits of an IPv4 address");
	family = !addr4;
	if (req->has_member[family])
		return mmesh_nl_refuse(extack, nest, -EINVAL,
				       "member-prefix: a second one of this family");
	req->has_member[family] = true;
	if (!nla_get_u32(cidr))
		return 0;
	req->member[family] = addr4 ?
		mmesh_allowedips_member_v4(nla_data(addr4), nla_get_u32(cidr)) :
		mmesh_allowedips_member_v6(nla_data(addr6), nla_get_u32(cidr));
	return req->member[family] ? 0 : -ENOMEM;
}

static int check_members(struct genl_info *info, struct dev_request *req)
{
	const struct nlattr *attr;
	int rem, ret;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem) {
		if (nla_type(attr) != MMESH_A_DEV_MEMBER_PREFIX)
			continue;
		ret = check_member(attr, req, info->extack);
		if (ret)
			return ret;
	}
	return 0;
}

static void set_members(struct mmesh_device *m, struct dev_request *req)
{
	if (req->has_member[0])
		mmesh_allowedips_set_member(&m->allowedips.member4,
					    req->member[0], &m->update_lock);
	if (req->has_member[1])
		mmesh_allowedips_set_member(&m->allowedips.member6,
					    req->member[1], &m->update_lock);
	memset(req->member, 0, sizeof(req->member));
}

static void clear_sources(struct mmesh_device *m)
{
	struct mmesh_peer *peer;

	list_for_each_entry(peer, &m->peer_list, peer_list)
		mmesh_endpoint_clear_src(peer);
}

/* The last step of a dev-set that can fail. */
static int set_listen_port(struct mmesh_device *m, const struct nlattr *attr,
			   struct netlink_ext_ack *extack)
{
	u16 port = nla_get_u32(attr);
	int ret;

	if (port && port == m->listen_port)
		return 0;
	if (!netif_running(m->dev)) {
		m->listen_port = port;
	} else {
		ret = mmesh_socket_open(m, port);
		if (ret == -EADDRINUSE)
			MMESH_ERR_MSG_ATTR_FMT(extack, attr,
					       "listen-port: in use where the device was born",
					       "listen-port: UDP port %u is in use where the device was born",
					       port);
		else if (ret)
			MMESH_ERR_MSG_ATTR_FMT(extack, attr,
					       "listen-port: the sockets can't be opened",
					       "listen-port: no sockets for UDP port %u, error %d",
					       port, ret);
		if (ret)
			return ret;
	}
	clear_sources(m);
	return 0;
}

static void set_fwmark(struct mmesh_device *m, u32 mark)
{
	if (m->fwmark == mark)
		return;
	WRITE_ONCE(m->fwmark, mark);
	/* Routes may depend on it. */
	clear_sources(m);
}

/* A peer with our own key could only be reached through ourselves. */
static void remove_peer_of(struct mmesh_device *m,
			   const u8 public_key[MMESH_KEY_LEN])
{
	struct mmesh_peer *peer = mmesh_peer_lookup(m, public_key);

	if (!peer)
		return;
	mmesh_nl_tell_peer(peer, MMESH_CMD_PEER_DEL_NTF);
	mmesh_peer_remove(peer);
	mmesh_peer_put(peer);
}

static void set_private_key(struct mmesh_device *m,
			    const u8 private_key[MMESH_KEY_LEN])
{
	struct mmesh_identity *identity = &m->identity;
	u8 public_key[MMESH_KEY_LEN];
	struct mmesh_peer *peer;
	bool valid;

	/* False: all zero. Only we write the identity, under the update lock. */
	valid = curve25519_generate_public(public_key, private_key);
	if (valid == identity->has_identity &&
	    (!valid || !memcmp(public_key, identity->static_public, MMESH_KEY_LEN)))
		return;
	if (valid)
		remove_peer_of(m, public_key);

	/* No handshake may mix the old key and the new. */
	down_write(&identity->lock);
	mmesh_identity_set_private(identity, private_key);
	list_for_each_entry(peer, &m->peer_list, peer_list) {
		mmesh_handshake_forget_static_static(&peer->handshake);
		mmesh_keypairs_expire_current(peer);
	}
	mmesh_cookie_checker_precompute(m);
	up_write(&identity->lock);
}

static int change_device(struct sk_buff *skb, struct mmesh_device *m,
			 struct dev_request *req,
			 struct netlink_ext_ack *extack)
{
	int ret;

	ret = check_birth_netns(skb, m, req, extack) ?:
	      check_network(m, req, extack) ?:
	      make_miss(m, req, extack) ?:
	      open_network(m, req, extack);
	if (!ret && req->listen_port)
		ret = set_listen_port(m, req->listen_port, extack);
	if (ret) {
		close_network(m);
		return ret;
	}

	if (req->fwmark)
		set_fwmark(m, nla_get_u32(req->fwmark));
	if (req->relay_clients)
		m->relay.max_clients = nla_get_u32(req->relay_clients);
	if (req->relay)
		mmesh_relay_enable(m, nla_get_u32(req->relay));
	if (req->replace_peers)
		mmesh_peer_remove_all(m);
	set_members(m, req);
	set_isolation(m, req);
	set_miss(m, req);
	if (req->private_key)
		set_private_key(m, nla_data(req->private_key));
	if (req->listen_port || req->fwmark || req->replace_peers ||
	    req->private_key || req->network || req->subnet || req->routed ||
	    req->relay || req->relay_clients || req->peer_miss ||
	    req->has_member[0] || req->has_member[1]) {
		mmesh_device_changed(m);
		mmesh_nl_tell_device(m);
	}
	return 0;
}

int mmesh_nl_dev_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *flags = info->attrs[MMESH_A_DEV_FLAGS];
	struct dev_request req = {
		.private_key = info->attrs[MMESH_A_DEV_PRIVATE_KEY],
		.listen_port = info->attrs[MMESH_A_DEV_LISTEN_PORT],
		.fwmark = info->attrs[MMESH_A_DEV_FWMARK],
		.network = info->attrs[MMESH_A_DEV_NETWORK],
		.subnet = info->attrs[MMESH_A_DEV_SUBNET],
		.routed = info->attrs[MMESH_A_DEV_ROUTED_SUBNETS],
		.relay = info->attrs[MMESH_A_DEV_RELAY],
		.relay_clients = info->attrs[MMESH_A_DEV_RELAY_CLIENTS],
		.peer_miss = info->attrs[MMESH_A_DEV_PEER_MISS],
		.replace_peers = flags && (nla_get_u32(flags) &
					   MMESH_DEV_FLAG_REPLACE_PEERS),
	};
	struct mmesh_device *m;
	int ret;

	ret = mmesh_nl_check_message(info->nlhdr, BIT_ULL(MMESH_A_DEV_MEMBER_PREFIX),
				     info->extack) ?:
	      check_members(info, &req);
	if (ret)
		goto out_wipe;
	m = mmesh_nl_device(genl_info_net(info),
			    info->attrs[MMESH_A_DEV_IFINDEX],
			    info->attrs[MMESH_A_DEV_IFNAME], info->extack);
	if (IS_ERR(m)) {
		ret = PTR_ERR(m);
		goto out_wipe;
	}
	rtnl_lock();
	ret = mmesh_nl_lock(m, info->extack);
	if (!ret) {
		ret = change_device(skb, m, &req, info->extack);
		mmesh_nl_unlock(m);
	}
	rtnl_unlock();
	mmesh_nl_device_put(m);
out_wipe:
	/* What was not swapped in. */
	kfree(req.member[0]);
	kfree(req.member[1]);
	kfree(req.miss);
	mmesh_nl_wipe(info, MMESH_A_DEV_PRIVATE_KEY);
	return ret;
}

static int put_counter(struct sk_buff *skb, struct mmesh_device *m,
		       unsigned int id)
{
	struct nlattr *nest = nla_nest_start(skb, MMESH_A_STATS_COUNTER);

	if (!nest || nla_put_u32(skb, MMESH_A_COUNTER_ID, id) ||
	    nla_put_u64_64bit(skb, MMESH_A_COUNTER_VALUE,
			      mmesh_stats_read(m->stats, id),
			      MMESH_A_COUNTER_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static size_t stats_size(void)
{
	const size_t counter = nla_total_size(nla_total_size(sizeof(u32)) +
					      nla_total_size_64bit(sizeof(u64)));

	return GENL_HDRLEN + nla_total_size(sizeof(u32)) +
	       nla_total_size(IFNAMSIZ) + MMESH_STAT_COUNT * counter;
}

static int fill_stats(struct sk_buff *skb, struct mmesh_device *m,
		      const struct mmesh_nl_target *to)
{
	unsigned int id;
	void *hdr;

	hdr = mmesh_nl_put_header(skb, to, MMESH_CMD_STAT_GET);
	if (!hdr)
		return -EMSGSIZE;
	if (nla_put_u32(skb, MMESH_A_STATS_IFINDEX, m->dev->ifindex) ||
	    nla_put_string(skb, MMESH_A_STATS_IFNAME, m->dev->name))
		goto cancel;
	for (id = 0; id < MMESH_STAT_COUNT; id++)
		if (put_counter(skb, m, id))
			goto cancel;
	genlmsg_end(skb, hdr);
	return 0;

cancel:
	genlmsg_cancel(skb, hdr);
	return -EMSGSIZE;
}

int mmesh_nl_stat_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	const struct mmesh_nl_target to = {
		.portid = info->snd_portid,
		.seq = info->snd_seq,
	};
	struct mmesh_device *m;
	struct sk_buff *reply;
	int ret;

	ret = mmesh_nl_check_message(info->nlhdr, 0, info->extack);
	if (ret)
		return ret;
	m = mmesh_nl_device(genl_info_net(info),
			    info->attrs[MMESH_A_STATS_IFINDEX],
			    info->attrs[MMESH_A_STATS_IFNAME], info->extack);
	if (IS_ERR(m))
		return PTR_ERR(m);
	reply = nlmsg_new(stats_size(), GFP_KERNEL);
	if (reply)
		ret = fill_stats(reply, m, &to);
	else
		ret = -ENOMEM;
	mmesh_nl_device_put(m);
	if (ret) {
		nlmsg_free(reply);
		return ret;
	}
	return genlmsg_reply(reply, info);
}

int mmesh_nl_stat_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct dev_dump *dump = (struct dev_dump *)cb->ctx;
	int ret;

	if (!dump->started) {
		ret = start_dump(cb, dump, MMESH_A_STATS_IFNAME,
				 mmesh_stat_get_nl_policy, 0);
		if (ret)
			return ret;
	}
	return dump_devices(skb, cb, fill_stats);
}
