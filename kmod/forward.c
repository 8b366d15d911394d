// SPDX-License-Identifier: GPL-2.0
/* Packets on their way from one device of ours to another. In: netfilter,
 * NF_INET_FORWARD, and mmesh_xmit() (device.c). Context: softirq, RCU read.
 * Drops, on the device that received: FWD_DROP_NETWORK, FWD_DROP_SUBNET.
 */

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/rtnetlink.h>
#include <net/ip.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "device.h"
#include "forward.h"
#include "isolation.h"

struct mmesh_forward_net {
	unsigned int users;	/* RTNL */
#if IS_ENABLED(CONFIG_NETFILTER)
	struct nf_hook_ops ops[2];
#endif
};

static unsigned int forward_net_id;

/* May what came in by link number @iif leave by @out? */
static bool may_pass(struct net *net, int iif, const struct mmesh_device *out)
{
	struct net_device *dev = dev_get_by_index_rcu(net, iif);
	struct mmesh_device *in;

	if (!dev || !mmesh_device_is(dev))
		return true;
	in = netdev_priv(dev);
	switch (mmesh_isolation_forward(&in->isolation, &out->isolation)) {
	case MMESH_MAY_PASS:
		return true;
	case MMESH_OTHER_NETWORK:
		mmesh_stat_inc(in, MMESH_STAT_FWD_DROP_NETWORK);
		break;
	case MMESH_OTHER_SUBNET:
		mmesh_stat_inc(in, MMESH_STAT_FWD_DROP_SUBNET);
		break;
	}
	DEV_STATS_INC(dev, rx_dropped);
	return false;
}

bool mmesh_forward_is_barred(const struct mmesh_device *m,
			     const struct sk_buff *skb)
{
	/* 0: made on this machine. */
	if (!skb->skb_iif)
		return false;
	/* Without its hook a device forwards nothing. */
	if (unlikely(!READ_ONCE(m->forward_net)))
		return true;
	return !may_pass(dev_net(m->dev), skb->skb_iif, m);
}

#if IS_ENABLED(CONFIG_NETFILTER)
/* A VRF puts itself in the place of the link that received; what is noted in
 * the control block is still that link.
 */
static unsigned int on_forward(void *priv, struct sk_buff *skb,
			       const struct nf_hook_state *state)
{
	const int iif = state->pf == NFPROTO_IPV4 ? IPCB(skb)->iif :
						    IP6CB(skb)->iif;

	if (!state->out || !mmesh_device_is(state->out) ||
	    may_pass(state->net, iif, netdev_priv(state->out)))
		return NF_ACCEPT;
	return NF_DROP;
}

static int hook(struct net *net, struct mmesh_forward_net *f)
{
	/* First: nothing that is to be kept apart shall be seen by others. */
	f->ops[0] = (struct nf_hook_ops){
		.hook = on_forward,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_FORWARD,
		.priority = NF_IP_PRI_FIRST,
	};
	f->ops[1] = f->ops[0];
	f->ops[1].pf = NFPROTO_IPV6;
	f->ops[1].priority = NF_IP6_PRI_FIRST;
	return nf_register_net_hooks(net, f->ops, ARRAY_SIZE(f->ops));
}

static void unhook(struct net *net, struct mmesh_forward_net *f)
{
	nf_unregister_net_hooks(net, f->ops, ARRAY_SIZE(f->ops));
}
#else
static int hook(struct net *net, struct mmesh_forward_net *f)
{
	return -EOPNOTSUPP;
}

static void unhook(struct net *net, struct mmesh_forward_net *f)
{
}
#endif

int mmesh_forward_open(struct mmesh_device *m)
{
	struct net *net = dev_net(m->dev);
	struct mmesh_forward_net *f = net_generic(net, forward_net_id);
	int ret;

	ASSERT_RTNL();
	if (m->forward_net)
		return 0;
	if (!f->users) {
		ret = hook(net, f);
		if (ret)
			return ret;
	}
	f->users++;
	WRITE_ONCE(m->forward_net, net);
	return 0;
}

void mmesh_forward_close(struct mmesh_device *m)
{
	struct net *net = m->forward_net;
	struct mmesh_forward_net *f;

	ASSERT_RTNL();
	if (!net)
		return;
	f = net_generic(net, forward_net_id);
	WRITE_ONCE(m->forward_net, NULL);
	if (!--f->users)
		unhook(net, f);
}

/* A device that changes its netns leaves one and comes to the other. */
static int on_netdev_event(struct notifier_block *nb, unsigned long event,
			   void *data)
{
	struct net_device *dev = netdev_notifier_info_to_dev(data);
	struct mmesh_device *m;

	if (!mmesh_device_is(dev))
		return NOTIFY_DONE;
	m = netdev_priv(dev);
	if (event == NETDEV_UNREGISTER)
		mmesh_forward_close(m);
	if (event == NETDEV_REGISTER && m->isolation.network &&
	    mmesh_forward_open(m))
		netdev_warn(dev, "no hook in this network namespace, nothing is forwarded\n");
	return NOTIFY_DONE;
}

static struct notifier_block netdev_notifier = {
	.notifier_call = on_netdev_event,
};

static struct pernet_operations forward_net_ops = {
	.id = &forward_net_id,
	.size = sizeof(struct mmesh_forward_net),
};

int mmesh_forward_module_init(void)
{
	int ret;

	ret = register_pernet_subsys(&forward_net_ops);
	if (ret)
		return ret;
	ret = register_netdevice_notifier(&netdev_notifier);
	if (ret)
		unregister_pernet_subsys(&forward_net_ops);
	return ret;
}

void mmesh_forward_module_exit(void)
{
	unregister_netdevice_notifier(&netdev_notifier);
	unregister_pernet_subsys(&forward_net_ops);
}
