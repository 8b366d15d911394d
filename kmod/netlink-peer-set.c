// SPDX-License-Identifier: GPL-2.0
/* Operations that make or change a peer: peer-add, peer-set. */

#include <linux/inetdevice.h>
#include <linux/netdevice.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/bsearch.h>
#include <net/ipv6.h>

#include "crypt.h"
#include "device.h"
#include "ext.h"
#include "netlink.h"
#include "peer.h"

/* An allowed IP of a request, bits beyond @cidr cleared. */
struct prefix {
	union {
		struct in_addr v4;
		struct in6_addr v6;
	};
	u8 cidr;
	bool is_v4;
	bool remove;
	struct mmesh_share share;
	struct mmesh_allowedips_undo undo;
};

/* What a request asks for; NULL or false: leave it. */
struct request {
	struct sk_buff *skb;
	struct nlattr **attrs;
	const u8 *public_key;
	const u8 *preshared_key;
	const struct nlattr *endpoint_attr;
	struct mmesh_addr endpoint;
	const struct nlattr *keepalive;
	const struct nlattr *suite;
	const struct nlattr *extended;
	const struct nlattr *subnet;
	u32 flags;			/* enum mmesh_peer_flag */
	bool must_be_new;
	unsigned int num_prefixes;
	struct prefix *prefixes;
};

static int check_endpoint4(const struct nlattr *attr, struct mmesh_addr *addr,
			   struct netlink_ext_ack *extack)
{
	__be32 ip = nla_get_in_addr(attr);

	if (ipv4_is_zeronet(ip) || ipv4_is_multicast(ip) || ipv4_is_lbcast(ip))
		return mmesh_nl_refuse(extack, attr, -EINVAL,
				       "endpoint-addr4: not a unicast address");
	addr->addr4.sin_family = AF_INET;
	addr->addr4.sin_addr.s_addr = ip;
	return 0;
}

static int check_endpoint6(const struct nlattr *attr, const struct nlattr *scope,
			   struct mmesh_addr *addr,
			   struct netlink_ext_ack *extack)
{
	struct in6_addr ip = nla_get_in6_addr(attr);
	bool needs_scope;

	if (!ipv6_mod_enabled())
		return mmesh_nl_refuse(extack, attr, -EAFNOSUPPORT,
				       "endpoint-addr6: this kernel runs without IPv6");
	if (ipv6_addr_any(&ip) || ipv6_addr_is_multicast(&ip))
		return mmesh_nl_refuse(extack, attr, -EINVAL,
				       "endpoint-addr6: not a unicast address");
	if (ipv6_addr_v4mapped(&ip))
		return mmesh_nl_refuse(extack, attr, -EINVAL,
				       "endpoint-addr6: a mapped IPv4 address, use endpoint-addr4");
	needs_scope = ipv6_addr_type(&ip) & IPV6_ADDR_LINKLOCAL;
	if (needs_scope && !(scope && nla_get_u32(scope)))
		return mmesh_nl_refuse(extack, attr, -EINVAL,
				       "endpoint-addr6: a link-local address needs endpoint-scope");
	if (!needs_scope && scope && nla_get_u32(scope))
		return mmesh_nl_refuse(extack, scope, -EINVAL,
				       "endpoint-scope: endpoint-addr6 isn't link-local");
	addr->addr6.sin6_family = AF_INET6;
	addr->addr6.sin6_addr = ip;
	addr->addr6.sin6_scope_id = needs_scope ? nla_get_u32(scope) : 0;
	return 0;
}

static int check_endpoint(struct nlattr **attrs, struct request *req,
			  struct netlink_ext_ack *extack)
{
	const struct nlattr *addr4 = attrs[MMESH_A_PEER_ENDPOINT_ADDR4];
	const struct nlattr *addr6 = attrs[MMESH_A_PEER_ENDPOINT_ADDR6];
	const struct nlattr *port = attrs[MMESH_A_PEER_ENDPOINT_PORT];
	const struct nlattr *scope = attrs[MMESH_A_PEER_ENDPOINT_SCOPE];
	int ret;

	if (!addr4 && !addr6 && !port && !scope)
		return 0;
	if (addr4 && addr6)
		return mmesh_nl_refuse(extack, addr6, -EINVAL,
				       "endpoint-addr6: endpoint-addr4 is given as well");
	if (!addr4 && !addr6)
		return mmesh_nl_refuse(extack, port ?: scope, -EINVAL,
				       "endpoint-addr4 or endpoint-addr6 is needed as well");
	if (!port)
		return mmesh_nl_missing(extack, MMESH_A_PEER_ENDPOINT_PORT,
					"endpoint-port is needed as well");
	if (addr4 && scope)
		return mmesh_nl_refuse(extack, scope, -EINVAL,
				       "endpoint-scope: only for endpoint-addr6");

	ret = addr4 ? check_endpoint4(addr4, &req->endpoint, extack) :
		      check_endpoint6(addr6, scope, &req->endpoint, extack);
	if (ret)
		return ret;
	/* In the same place in both families. */
	req->endpoint.addr4.sin_port = htons(nla_get_u32(port));
	req->endpoint_attr = addr4 ?: addr6;
	return 0;
}

static int check_prefix(const struct nlattr *nest, struct prefix *prefix,
			struct netlink_ext_ack *extack)
{
	struct nlattr *attrs[MMESH_A_ALLOWED_IP_MAX + 1];
	const struct nlattr *addr4, *addr6, *cidr, *flags, *priority, *weight;
	int ret;

	ret = nla_parse_nested(attrs, MMESH_A_ALLOWED_IP_MAX, nest,
			       mmesh_allowed_ip_nl_policy, extack);
	if (!ret)
		ret = mmesh_nl_check_attrs(nla_data(nest), nla_len(nest), 0,
					   extack);
	if (ret)
		return ret;
	addr4 = attrs[MMESH_A_ALLOWED_IP_ADDR4];
	addr6 = attrs[MMESH_A_ALLOWED_IP_ADDR6];
	cidr = attrs[MMESH_A_ALLOWED_IP_CIDR];
	flags = attrs[MMESH_A_ALLOWED_IP_FLAGS];
	priority = attrs[MMESH_A_ALLOWED_IP_PRIORITY];
	weight = attrs[MMESH_A_ALLOWED_IP_WEIGHT];
	if (!addr4 == !addr6)
		return mmesh_nl_refuse(extack, nest, -EINVAL,
				       "allowed-ips: either addr4 or addr6 is needed");
	if (!cidr)
		return mmesh_nl_refuse(extack, nest, -EINVAL,
				       "allowed-ips: cidr is needed");
	if (addr4 && nla_get_u32(cidr) > 32)
		return mmesh_nl_refuse(extack, cidr, -EINVAL,
				       "cidr: more than 32 bits of an IPv4 address");

	prefix->is_v4 = addr4;
	prefix->cidr = nla_get_u32(cidr);
	prefix->remove = flags && (nla_get_u32(flags) &
				   MMESH_ALLOWED_IP_FLAG_REMOVE);
	prefix->share.shared = flags && (nla_get_u32(flags) &
					 MMESH_ALLOWED_IP_FLAG_SHARED);
	prefix->share.priority = priority ? nla_get_u32(priority) : 0;
	prefix->share.weight = weight ? nla_get_u32(weight) : 1;
	if (prefix->remove && (prefix->share.shared || priority || weight))
		return mmesh_nl_refuse(extack, nest, -EINVAL,
				       "allowed-ips: one to remove takes no shared, priority or weight");
	if (addr4) {
		prefix->v4.s_addr = nla_get_in_addr(addr4) &
				    inet_make_mask(prefix->cidr);
	} else {
		struct in6_addr ip = nla_get_in6_addr(addr6);

		ipv6_addr_prefix(&prefix->v6, &ip, prefix->cidr);
	}
	return 0;
}

/* The request's allowed IPs, in memory of their own that is freed by
 * free_request(). Their number is bounded by the length of the message.
 */
static int check_prefixes(struct genl_info *info, struct request *req)
{
	const struct nlattr *attr;
	unsigned int n = 0;
	int rem, ret;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem)
		n += nla_type(attr) == MMESH_A_PEER_ALLOWED_IPS;
	if (!n)
		return 0;
	req->prefixes = kvcalloc(n, sizeof(*req->prefixes), GFP_KERNEL_ACCOUNT);
	if (!req->prefixes) {
		NL_SET_ERR_MSG(info->extack, "no memory for so many allowed-ips");
		return -ENOMEM;
	}
	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem) {
		if (nla_type(attr) != MMESH_A_PEER_ALLOWED_IPS)
			continue;
		ret = check_prefix(attr, &req->prefixes[req->num_prefixes],
				   info->extack);
		if (ret)
			return ret;
		req->num_prefixes++;
	}
	return 0;
}

/* All that can be said without looking at the device. Changes nothing. */
static int check_suite(const struct nlattr *suite, struct netlink_ext_ack *extack)
{
	if (!suite || mmesh_crypt_available(nla_get_u32(suite)))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, suite,
			    "this kernel has no AES-GCM for the suite aes256gcm");
	return -EOPNOTSUPP;
}

static int check_request(struct genl_info *info, struct request *req)
{
	struct nlattr **attrs = info->attrs;
	int ret;

	ret = mmesh_nl_check_message(info->nlhdr,
				     BIT_ULL(MMESH_A_PEER_ALLOWED_IPS),
				     info->extack);
	if (ret)
		return ret;
	if (!attrs[MMESH_A_PEER_PUBLIC_KEY])
		return mmesh_nl_missing(info->extack, MMESH_A_PEER_PUBLIC_KEY,
					"public-key is needed");
	req->public_key = nla_data(attrs[MMESH_A_PEER_PUBLIC_KEY]);
	if (attrs[MMESH_A_PEER_PRESHARED_KEY])
		req->preshared_key = nla_data(attrs[MMESH_A_PEER_PRESHARED_KEY]);
	if (attrs[MMESH_A_PEER_FLAGS])
		req->flags = nla_get_u32(attrs[MMESH_A_PEER_FLAGS]);
	req->keepalive = attrs[MMESH_A_PEER_PERSISTENT_KEEPALIVE];
	req->suite = attrs[MMESH_A_PEER_SUITE];
	req->extended = attrs[MMESH_A_PEER_EXTENDED];
	req->subnet = attrs[MMESH_A_PEER_SUBNET];
	return check_suite(req->suite, info->extack) ?:
	       check_endpoint(attrs, req, info->extack) ?:
	       check_prefixes(info, req);
}

static void free_request(struct request *req)
{
	kvfree(req->prefixes);
}

static int give_prefix(struct mmesh_device *m, struct mmesh_peer *peer,
		       struct prefix *p)
{
	return p->is_v4 ?
		mmesh_allowedips_give_v4(&m->allowedips, &p->v4, p->cidr, peer,
					 &p->share, &p->undo, &m->update_lock) :
		mmesh_allowedips_give_v6(&m->allowedips, &p->v6, p->cidr, peer,
					 &p->share, &p->undo, &m->update_lock);
}

/* That the peer doesn't have it is fine. */
static void remove_prefix(struct mmesh_device *m, struct mmesh_peer *peer,
			  const struct prefix *p)
{
	if (p->is_v4)
		mmesh_allowedips_remove_v4(&m->allowedips, &p->v4, p->cidr,
					   peer, &m->update_lock);
	else
		mmesh_allowedips_remove_v6(&m->allowedips, &p->v6, p->cidr,
					   peer, &m->update_lock);
}

/* Take back the first @n additions, which takes no memory. */
static void undo_prefixes(struct mmesh_device *m, const struct request *req,
			  unsigned int n)
{
	while (n--)
		mmesh_allowedips_undo(&m->allowedips, &req->prefixes[n].undo,
				      &m->update_lock);
}

static void keep_prefixes(const struct request *req)
{
	unsigned int i;

	for (i = 0; i < req->num_prefixes; i++)
		mmesh_allowedips_keep(&req->prefixes[i].undo);
}

static int add_prefixes(struct mmesh_device *m, struct mmesh_peer *peer,
			const struct request *req, struct netlink_ext_ack *extack)
{
	unsigned int i;
	int ret;

	for (i = 0; i < req->num_prefixes; i++) {
		if (req->prefixes[i].remove)
			continue;
		ret = give_prefix(m, peer, &req->prefixes[i]);
		if (ret)
			goto undo;
	}
	return 0;

undo:
	undo_prefixes(m, req, i);
	if (ret == -ENOSPC)
		NL_SET_ERR_MSG(extack, "allowed-ips: the device can't have more");
	else if (ret == -EUSERS)
		NL_SET_ERR_MSG(extack, "allowed-ips: 16 peers share this prefix already");
	else
		NL_SET_ERR_MSG(extack, "allowed-ips: no memory");
	return ret;
}

static int compare_prefixes(const void *a, const void *b)
{
	const struct prefix *p = a, *q = b;

	if (p->is_v4 != q->is_v4)
		return p->is_v4 ? 1 : -1;
	if (p->cidr != q->cidr)
		return p->cidr > q->cidr ? 1 : -1;
	return memcmp(&p->v6, &q->v6, p->is_v4 ? 4 : 16);
}

/* Take from @peer what the request doesn't mention. Those that stay have never
 * been away, so traffic doesn't notice.
 */
static void remove_other_prefixes(struct mmesh_device *m,
				  struct mmesh_peer *peer,
				  const struct request *req)
{
	struct mmesh_allowedips_walk walk = {};
	struct mmesh_allowed_ip a;
	struct prefix p;

	sort(req->prefixes, req->num_prefixes, sizeof(*req->prefixes),
	     compare_prefixes, NULL);
	while (mmesh_allowedips_walk(peer, &walk, &a, &m->update_lock)) {
		memset(&p, 0, sizeof(p));
		memcpy(&p.v6, a.ip, sizeof(p.v6));
		p.cidr = a.cidr;
		p.is_v4 = a.is_v4;
		if (!bsearch(&p, req->prefixes, req->num_prefixes, sizeof(p),
			     compare_prefixes))
			remove_prefix(m, peer, &p);
	}
}

static void remove_prefixes(struct mmesh_device *m, struct mmesh_peer *peer,
			    const struct request *req)
{
	unsigned int i;

	if (req->flags & MMESH_PEER_FLAG_REPLACE_ALLOWED_IPS)
		remove_other_prefixes(m, peer, req);
	for (i = 0; i < req->num_prefixes; i++)
		if (req->prefixes[i].remove)
			remove_prefix(m, peer, &req->prefixes[i]);
}

static void set_suite(struct mmesh_peer *peer, u8 suite)
{
	if (peer->suite == suite)
		return;
	down_write(&peer->handshake.lock);
	peer->handshake.suite = suite;
	WRITE_ONCE(peer->suite, suite);
	up_write(&peer->handshake.lock);
	/* What is under way was begun under the other suite. */
	mmesh_handshake_clear(&peer->handshake);
	mmesh_keypairs_expire_current(peer);
}

static void set_preshared_key(struct mmesh_peer *peer,
			      const u8 key[MMESH_KEY_LEN])
{
	down_write(&peer->handshake.lock);
	memcpy(peer->handshake.preshared_key, key, MMESH_KEY_LEN);
	up_write(&peer->handshake.lock);
}

/* Holds at once: what was under way by the old subnet is over when this
 * returns, and what waits is judged again.
 */
static void set_subnet(struct mmesh_device *m, struct mmesh_peer *peer, u8 subnet)
{
	if (peer->subnet == subnet)
		return;
	WRITE_ONCE(peer->subnet, subnet);
	if (!mmesh_isolation_peer(&m->isolation, subnet))
		return;
	synchronize_net();
	mmesh_seal_purge_staged(peer, MMESH_STAT_TX_DROP_SUBNET);
}

/* The part that can't fail. */
static void commit(struct mmesh_device *m, struct mmesh_peer *peer,
		   const struct request *req, bool is_new)
{
	u16 keepalive = peer->persistent_keepalive;

	if (!is_new) {
		if (req->preshared_key)
			set_preshared_key(peer, req->preshared_key);
		if (req->suite)
			set_suite(peer, nla_get_u32(req->suite));
	}
	if (req->extended)
		mmesh_peer_set_extended(peer, nla_get_u32(req->extended));
	if (req->subnet)
		set_subnet(m, peer, nla_get_u32(req->subnet));
	mmesh_nl_relay_commit(peer, req->attrs);
	keep_prefixes(req);
	remove_prefixes(m, peer, req);
	if (req->keepalive)
		WRITE_ONCE(peer->persistent_keepalive,
			   nla_get_u32(req->keepalive));
	mmesh_device_changed(m);
	mmesh_nl_tell_peer(peer, is_new ? MMESH_CMD_PEER_ADD_NTF :
					  MMESH_CMD_PEER_CHANGE_NTF);

	/* ndo_open and ndo_stop do the same for all peers, under this lock. */
	if (!netif_running(m->dev))
		return;
	if (is_new)
		mmesh_timers_start(peer);
	if (!keepalive && peer->persistent_keepalive)
		mmesh_seal_keepalive(peer);
	/* They may have waited for an endpoint or a suite. */
	mmesh_seal_flush_staged(peer);
	mmesh_miss_resolve(m);
}

/* The part that may fail for lack of memory; then nothing has changed. */
static int prepare(struct mmesh_device *m, struct mmesh_peer *peer,
		   const struct request *req, struct netlink_ext_ack *extack)
{
	int ret;

	/* It may stay unused: nothing shows it. */
	if (req->extended && nla_get_u32(req->extended) &&
	    mmesh_peer_ext_make(peer)) {
		NL_SET_ERR_MSG(extack, "extended: no memory");
		return -ENOMEM;
	}
	ret = add_prefixes(m, peer, req, extack);
	if (ret)
		return ret;
	ret = mmesh_nl_relay_prepare(peer, req->attrs, extack);
	if (ret)
		goto undo;
	if (!req->endpoint_attr)
		return 0;
	ret = mmesh_endpoint_set(peer, &req->endpoint);
	if (!ret)
		return 0;
	NL_SET_ERR_MSG(extack, "no memory for the endpoint");
undo:
	undo_prefixes(m, req, req->num_prefixes);
	return ret;
}

/* What depends on the device's state. */
static int check_device(struct mmesh_device *m, const struct request *req,
			struct netlink_ext_ack *extack)
{
	/* While it is up its sockets are what counts. */
	if (req->endpoint_attr && req->endpoint.addr.sa_family == AF_INET6 &&
	    rcu_access_pointer(m->sock4) && !rcu_access_pointer(m->sock6))
		return mmesh_nl_refuse(extack, req->endpoint_attr, -EAFNOSUPPORT,
				       "endpoint-addr6: the device has no IPv6 socket");
	return 0;
}

/* A key is a member of one network, or two could meet in it. */
static int check_member(struct mmesh_device *m, const struct request *req,
			struct genl_info *info)
{
	const u64 network = m->isolation.network;
	unsigned int i, given = 0;

	for (i = 0; i < req->num_prefixes; i++)
		given += !req->prefixes[i].remove;
	if (!given || !network ||
	    !mmesh_device_member_elsewhere(m, req->public_key, network))
		return 0;
	return mmesh_nl_refuse(info->extack, info->attrs[MMESH_A_PEER_PUBLIC_KEY],
			       -EEXIST,
			       "public-key: a device of another network has this peer, and a key belongs to one network");
}

static int make_peer(struct mmesh_device *m, const struct request *req,
		     struct genl_info *info)
{
	const struct nlattr *key = info->attrs[MMESH_A_PEER_PUBLIC_KEY];
	struct mmesh_peer *peer;
	int ret;

	/* Written under the update lock only, which we have. */
	if (m->identity.has_identity &&
	    !memcmp(m->identity.static_public, req->public_key, MMESH_KEY_LEN))
		return mmesh_nl_refuse(info->extack, key, -EKEYREJECTED,
				       "public-key: the device's own");
	ret = mmesh_nl_relay_check(req->skb, m, NULL, req->attrs, info->extack);
	if (ret)
		return ret;
	peer = mmesh_peer_create(m, req->public_key, req->preshared_key,
				 req->suite ? nla_get_u32(req->suite) :
					      MMESH_SUITE_WIREGUARD);
	if (PTR_ERR(peer) == -ENOSPC)
		return mmesh_nl_refuse(info->extack, key, -ENOSPC,
				       "the device can't have more peers");
	if (IS_ERR(peer))
		return mmesh_nl_refuse(info->extack, key, PTR_ERR(peer),
				       "the peer can't be made");
	/* Before a packet can find it. */
	if (req->subnet)
		WRITE_ONCE(peer->subnet, nla_get_u32(req->subnet));
	ret = prepare(m, peer, req, info->extack);
	if (ret)
		mmesh_peer_remove(peer);
	else
		commit(m, peer, req, true);
	return ret;
}

static int change_peer(struct mmesh_device *m, const struct request *req,
		       struct genl_info *info)
{
	const struct nlattr *key = info->attrs[MMESH_A_PEER_PUBLIC_KEY];
	struct mmesh_peer *peer;
	int ret;

	ret = check_device(m, req, info->extack) ?: check_member(m, req, info);
	if (ret)
		return ret;
	peer = mmesh_peer_lookup(m, req->public_key);
	if (!peer) {
		if (req->flags & MMESH_PEER_FLAG_CREATE)
			return make_peer(m, req, info);
		return mmesh_nl_refuse(info->extack, key, -ENOENT,
				       "public-key: the device has no such peer");
	}
	if (req->must_be_new) {
		ret = mmesh_nl_refuse(info->extack, key, -EEXIST,
				      "public-key: the device has this peer already");
	} else {
		ret = mmesh_nl_relay_check(req->skb, m, peer, req->attrs,
					   info->extack);
		if (!ret)
			ret = prepare(m, peer, req, info->extack);
		if (!ret)
			commit(m, peer, req, false);
	}
	mmesh_peer_put(peer);
	return ret;
}

static int handle(struct sk_buff *skb, struct genl_info *info, struct request *req)
{
	struct mmesh_device *m;
	int ret;

	req->skb = skb;
	req->attrs = info->attrs;
	ret = check_request(info, req);
	if (ret)
		goto out;
	m = mmesh_nl_device(genl_info_net(info),
			    info->attrs[MMESH_A_PEER_IFINDEX],
			    info->attrs[MMESH_A_PEER_IFNAME], info->extack);
	if (IS_ERR(m)) {
		ret = PTR_ERR(m);
		goto out;
	}
	mutex_lock(&mmesh_members_lock);
	ret = mmesh_nl_lock(m, info->extack);
	if (!ret) {
		ret = change_peer(m, req, info);
		mmesh_nl_unlock(m);
	}
	mutex_unlock(&mmesh_members_lock);
	mmesh_nl_device_put(m);
out:
	free_request(req);
	mmesh_nl_wipe(info, MMESH_A_PEER_PRESHARED_KEY);
	return ret;
}

int mmesh_nl_peer_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct request req = {
		.flags = MMESH_PEER_FLAG_CREATE,
		.must_be_new = true,
	};

	return handle(skb, info, &req);
}

int mmesh_nl_peer_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct request req = { };

	return handle(skb, info, &req);
}
