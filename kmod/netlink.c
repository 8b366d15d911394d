// SPDX-License-Identifier: GPL-2.0
/* The netlink family, and what its operations share. */

#include <linux/netdevice.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "device.h"
#include "ext.h"
#include "netlink.h"
#include "peer.h"

/* Events name endpoints, so they are not for everybody. */
static const struct genl_multicast_group groups[] = {
	[MMESH_NLGRP_EVENTS] = {
		.name = MMESH_MCGRP_EVENTS,
		MMESH_GROUP_FLAGS,
	},
};

struct genl_family mmesh_nl_family __ro_after_init = {
	.name = MMESH_FAMILY_NAME,
	.version = MMESH_FAMILY_VERSION,
	.netnsok = true,
	/* The update lock of each device is enough. */
	.parallel_ops = true,
	.module = THIS_MODULE,
	.ops = mmesh_nl_ops,
	.n_ops = ARRAY_SIZE(mmesh_nl_ops),
	/* No reserved field may be used, in any operation. */
	.resv_start_op = MMESH_CMD_DEV_GET,
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
};

int mmesh_netlink_init(void)
{
	return genl_register_family(&mmesh_nl_family);
}

void mmesh_netlink_exit(void)
{
	genl_unregister_family(&mmesh_nl_family);
}

int mmesh_nl_check_attrs(const struct nlattr *head, int len, u64 multi,
			 struct netlink_ext_ack *extack)
{
	const struct nlattr *attr;
	u64 seen = 0;
	int rem;

	nla_for_each_attr(attr, head, len, rem) {
		int type = nla_type(attr);

		/* The core takes the flag, and the number as it is. */
		if (attr->nla_type & NLA_F_NET_BYTEORDER)
			return mmesh_nl_refuse(extack, attr, -EINVAL,
					       "NLA_F_NET_BYTEORDER is not expected");
		/* Greater ones are unknown, and the policy has refused them. */
		if (type >= BITS_PER_TYPE(seen) || multi & BIT_ULL(type))
			continue;
		if (seen & BIT_ULL(type))
			return mmesh_nl_refuse(extack, attr, -EINVAL,
					       "attribute is given twice");
		seen |= BIT_ULL(type);
	}
	return 0;
}

int mmesh_nl_check_message(const struct nlmsghdr *nlh, u64 multi,
			   struct netlink_ext_ack *extack)
{
	return mmesh_nl_check_attrs(nlmsg_attrdata(nlh, GENL_HDRLEN),
				    nlmsg_attrlen(nlh, GENL_HDRLEN), multi,
				    extack);
}

struct mmesh_device *mmesh_nl_device(struct net *net,
				     const struct nlattr *ifindex,
				     const struct nlattr *ifname,
				     struct netlink_ext_ack *extack)
{
	const struct nlattr *attr = ifindex ?: ifname;
	struct net_device *dev;

	if (!attr) {
		NL_SET_ERR_MSG(extack, "ifindex or ifname is needed");
		return ERR_PTR(-EINVAL);
	}
	if (ifindex && ifname)
		return ERR_PTR(mmesh_nl_refuse(extack, ifname, -EINVAL,
					       "ifname: ifindex is given as well"));
	dev = ifindex ? dev_get_by_index(net, nla_get_u32(ifindex)) :
			dev_get_by_name(net, nla_data(ifname));
	if (!dev)
		return ERR_PTR(mmesh_nl_refuse(extack, attr, -ENODEV,
					       "no such device in this network namespace"));
	if (!mmesh_device_is(dev)) {
		dev_put(dev);
		return ERR_PTR(mmesh_nl_refuse(extack, attr, -EOPNOTSUPP,
					       "not an mmesh device"));
	}
	return netdev_priv(dev);
}

void mmesh_nl_device_put(struct mmesh_device *m)
{
	dev_put(m->dev);
}

int mmesh_nl_lock(struct mmesh_device *m, struct netlink_ext_ack *extack)
{
	mutex_lock(&m->update_lock);
	/* Our reference keeps the memory, not the registration. */
	if (likely(m->dev->reg_state == NETREG_REGISTERED))
		return 0;
	mutex_unlock(&m->update_lock);
	NL_SET_ERR_MSG(extack, "the device is being deleted");
	return -ENODEV;
}

void mmesh_nl_unlock(struct mmesh_device *m)
{
	mutex_unlock(&m->update_lock);
}

bool mmesh_nl_is_admin(struct sk_buff *skb, struct net *net)
{
	return netlink_ns_capable(skb, net->user_ns, CAP_NET_ADMIN);
}

int mmesh_nl_check_secrets(const struct nlattr *wanted, bool is_admin,
			   struct netlink_ext_ack *extack)
{
	if (!wanted || is_admin)
		return 0;
	return mmesh_nl_refuse(extack, wanted, -EPERM,
			       "secrets: reading them needs CAP_NET_ADMIN");
}

void mmesh_nl_wipe(struct genl_info *info, int type)
{
	struct nlattr *attr;
	int rem;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem)
		if (nla_type(attr) == type)
			memzero_explicit(nla_data(attr), nla_len(attr));
}

void *mmesh_nl_put_header(struct sk_buff *skb,
			  const struct mmesh_nl_target *to, u8 cmd)
{
	void *hdr;

	hdr = genlmsg_put(skb, to->portid, to->seq, &mmesh_nl_family,
			  to->cb ? NLM_F_MULTI : 0, cmd);
	if (hdr && to->cb)
		genl_dump_check_consistent(to->cb, hdr);
	return hdr;
}

static int put_member(struct sk_buff *skb, struct mmesh_device *m,
		      struct mmesh_allowedips_member __rcu * const *slot)
{
	struct nlattr *nest;
	u8 ip[16], cidr;
	int family;

	family = mmesh_allowedips_read_member(slot, ip, &cidr, &m->update_lock);
	if (!family)
		return 0;
	nest = nla_nest_start(skb, MMESH_A_DEV_MEMBER_PREFIX);
	if (!nest ||
	    nla_put(skb, family == AF_INET ? MMESH_A_MEMBER_PREFIX_ADDR4 :
					     MMESH_A_MEMBER_PREFIX_ADDR6,
		    family == AF_INET ? 4 : 16, ip) ||
	    nla_put_u32(skb, MMESH_A_MEMBER_PREFIX_CIDR, cidr))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

int mmesh_nl_put_isolation(struct sk_buff *skb, struct mmesh_device *m)
{
	const struct mmesh_isolation *isolation = &m->isolation;

	if (nla_put_u64_64bit(skb, MMESH_A_DEV_NETWORK, isolation->network,
			      MMESH_A_DEV_PAD) ||
	    nla_put_u32(skb, MMESH_A_DEV_SUBNET, isolation->subnet) ||
	    nla_put_u32(skb, MMESH_A_DEV_ROUTED_SUBNETS, isolation->routed) ||
	    nla_put_u32(skb, MMESH_A_DEV_PEER_MISS, !!rcu_access_pointer(m->miss)))
		return -EMSGSIZE;
	return put_member(skb, m, &m->allowedips.member4) ?:
	       put_member(skb, m, &m->allowedips.member6);
}

/* A relay that is being removed has no key to show any more. */
static int put_relay(struct sk_buff *skb, struct mmesh_device *m,
		     const struct mmesh_addr *addr, int type)
{
	struct mmesh_peer *relay;
	int ret = 0;

	if (!type)
		return 0;
	rcu_read_lock();
	relay = mmesh_ext_by_number(m, addr->relay.relay);
	if (relay)
		ret = nla_put(skb, type, MMESH_KEY_LEN,
			      relay->handshake.remote_static);
	rcu_read_unlock();
	return ret;
}

int mmesh_nl_put_addr(struct sk_buff *skb, struct mmesh_device *m,
		      const struct mmesh_addr *addr,
		      const struct mmesh_nl_addr_types *types)
{
	const struct sockaddr_in6 *addr6 = &addr->addr6;

	if (mmesh_addr_is_relayed(addr))
		return put_relay(skb, m, addr, types->relay);
	if (addr->addr.sa_family == AF_INET)
		return nla_put_in_addr(skb, types->addr4, addr->addr4.sin_addr.s_addr) ?:
		       nla_put_u32(skb, types->port, ntohs(addr->addr4.sin_port));
	return nla_put_in6_addr(skb, types->addr6, &addr6->sin6_addr) ?:
	       nla_put_u32(skb, types->port, ntohs(addr6->sin6_port)) ?:
	       (addr6->sin6_scope_id ?
		nla_put_u32(skb, types->scope, addr6->sin6_scope_id) : 0);
}

int mmesh_nl_put_endpoint(struct sk_buff *skb, const struct mmesh_addr *addr)
{
	static const struct mmesh_nl_addr_types types = {
		.addr4 = MMESH_A_PEER_ENDPOINT_ADDR4,
		.addr6 = MMESH_A_PEER_ENDPOINT_ADDR6,
		.port = MMESH_A_PEER_ENDPOINT_PORT,
		.scope = MMESH_A_PEER_ENDPOINT_SCOPE,
		/* Its relay is shown by `via`. */
	};

	return mmesh_nl_put_addr(skb, NULL, addr, &types);
}
