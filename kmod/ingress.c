// SPDX-License-Identifier: GPL-2.0
/* RX path, stage 1 of 5: an aggregate on its way to one of our sockets.
 * In: netfilter, NF_INET_LOCAL_IN. Out: mmesh_backlog_receive() by way of UDP.
 * Context: softirq, RCU read. Drops: none.
 */

#include <linux/bitmap.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/rtnetlink.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/udp.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "ingress.h"

/* Per netns. Ports are read by the hook under RCU; @users under RTNL. */
struct mmesh_ingress {
	unsigned long *ports;
	unsigned int users;
	bool hooked;
};

static unsigned int ingress_net_id;

#define MARK SKB_GSO_UDP_TUNNEL_CSUM

static unsigned int mark_bundle(void *priv, struct sk_buff *skb,
				const struct nf_hook_state *state)
{
	const struct mmesh_ingress *ingress = priv;
	const struct udphdr *udp;
	struct udphdr buf;

	if (!skb_is_gso(skb) || !(skb_shinfo(skb)->gso_type & SKB_GSO_UDP_L4) ||
	    skb_shinfo(skb)->gso_type & MARK)
		return NF_ACCEPT;
	udp = skb_header_pointer(skb, skb_transport_offset(skb), sizeof(buf),
				 &buf);
	if (!udp || !test_bit(ntohs(udp->dest), ingress->ports))
		return NF_ACCEPT;
	/* A tap may share the head, in which the mark is kept. */
	if (skb_unclone(skb, GFP_ATOMIC))
		return NF_ACCEPT;
	skb_shinfo(skb)->gso_type |= MARK;
	return NF_ACCEPT;
}

void mmesh_ingress_unmark(struct sk_buff *skb)
{
	if (skb_is_gso(skb))
		skb_shinfo(skb)->gso_type &= ~MARK;
}

/* The state and its hooks; without netfilter aggregates are split. */
struct mmesh_ingress_net {
	struct mmesh_ingress state;
#if IS_ENABLED(CONFIG_NETFILTER)
	struct nf_hook_ops ops[2];
#endif
};

#if IS_ENABLED(CONFIG_NETFILTER)
static int hook(struct net *net, struct mmesh_ingress_net *in)
{
	/* Late, so that the firewall has had its say; order with conntrack's
	 * confirmation does not matter, as nothing but the mark is changed.
	 */
	in->ops[0] = (struct nf_hook_ops){
		.hook = mark_bundle,
		.priv = &in->state,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_IN,
		.priority = NF_IP_PRI_LAST - 1,
	};
	in->ops[1] = in->ops[0];
	in->ops[1].pf = NFPROTO_IPV6;
	in->ops[1].priority = NF_IP6_PRI_LAST - 1;
	return nf_register_net_hooks(net, in->ops, ARRAY_SIZE(in->ops));
}

static void unhook(struct net *net, struct mmesh_ingress_net *in)
{
	nf_unregister_net_hooks(net, in->ops, ARRAY_SIZE(in->ops));
}
#else
static int hook(struct net *net, struct mmesh_ingress_net *in)
{
	return -EOPNOTSUPP;
}

static void unhook(struct net *net, struct mmesh_ingress_net *in)
{
}
#endif

void mmesh_ingress_open(struct net *net, u16 port)
{
	struct mmesh_ingress_net *in = net_generic(net, ingress_net_id);
	struct mmesh_ingress *ingress = &in->state;

	ASSERT_RTNL();
	if (!ingress->users++) {
		ingress->ports = bitmap_zalloc(65536, GFP_KERNEL);
		ingress->hooked = ingress->ports && !hook(net, in);
	}
	if (ingress->ports)
		set_bit(port, ingress->ports);
}

void mmesh_ingress_close(struct net *net, u16 port)
{
	struct mmesh_ingress_net *in = net_generic(net, ingress_net_id);
	struct mmesh_ingress *ingress = &in->state;

	ASSERT_RTNL();
	if (ingress->ports)
		clear_bit(port, ingress->ports);
	if (--ingress->users)
		return;
	if (ingress->hooked)
		unhook(net, in);
	ingress->hooked = false;
	/* Unregistering does not wait for hooks that are running. */
	synchronize_net();
	bitmap_free(ingress->ports);
	ingress->ports = NULL;
}

static struct pernet_operations ingress_net_ops = {
	.id = &ingress_net_id,
	.size = sizeof(struct mmesh_ingress_net),
};

int mmesh_ingress_module_init(void)
{
	return register_pernet_subsys(&ingress_net_ops);
}

void mmesh_ingress_module_exit(void)
{
	unregister_pernet_subsys(&ingress_net_ops);
}
