/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Network calls whose signatures differ between 6.1 and 7.x, under the newest
 * kernel's shape. What each one papers over is said where it stands.
 */
#ifndef MMESH_COMPAT_NET_H
#define MMESH_COMPAT_NET_H

#include <linux/netdevice.h>
#include <linux/udp.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/rtnetlink.h>
#include <net/udp.h>
#include <net/udp_tunnel.h>
#ifdef MMESH_HAVE_GSO_H
#include <net/gso.h>
#endif
#ifdef MMESH_HAVE_IPV6_STUB
#include <net/ipv6_stubs.h>
#endif

/* 7.x: struct sock; before: struct socket. */
static inline void mmesh_udp_tunnel_setup(struct net *net, struct socket *sock,
					  struct udp_tunnel_sock_cfg *cfg)
{
#ifdef MMESH_HAVE_UDP_TUNNEL_SK
	setup_udp_tunnel_sock(net, sock->sk, cfg);
#else
	setup_udp_tunnel_sock(net, sock, cfg);
#endif
}

static inline void mmesh_udp_tunnel_release(struct sock *sk)
{
#ifdef MMESH_HAVE_UDP_TUNNEL_SK
	udp_tunnel_sock_release(sk);
#else
	udp_tunnel_sock_release(sk->sk_socket);
#endif
}

/* 6.17 added the flags of the IP control block. */
static inline void
mmesh_udp_xmit4(struct rtable *rt, struct sock *sk, struct sk_buff *skb,
		__be32 src, __be32 dst, u8 tos, u8 ttl, __be16 df,
		__be16 sport, __be16 dport)
{
#ifdef MMESH_HAVE_UDP_IPCB_FLAGS
	udp_tunnel_xmit_skb(rt, sk, skb, src, dst, tos, ttl, df, sport, dport,
			    false, false, 0);
#else
	udp_tunnel_xmit_skb(rt, sk, skb, src, dst, tos, ttl, df, sport, dport,
			    false, false);
#endif
}

static inline void
mmesh_udp_xmit6(struct dst_entry *dst, struct sock *sk, struct sk_buff *skb,
		const struct in6_addr *src, const struct in6_addr *daddr,
		u8 tos, u8 ttl, __be16 sport, __be16 dport)
{
#ifdef MMESH_HAVE_UDP_IPCB_FLAGS
	udp_tunnel6_xmit_skb(dst, sk, skb, NULL, src, daddr, tos, ttl, 0,
			     sport, dport, false, 0);
#else
	/* Read only there too, but not declared so. */
	udp_tunnel6_xmit_skb(dst, sk, skb, NULL, (struct in6_addr *)src,
			     (struct in6_addr *)daddr, tos, ttl, 0,
			     sport, dport, false);
#endif
}

/* dst_rt6_info() came with 6.10. */
static inline u32 mmesh_rt6_cookie(struct dst_entry *dst)
{
#if IS_ENABLED(CONFIG_IPV6)
	return rt6_get_cookie(container_of(dst, struct rt6_info, dst));
#else
	return 0;
#endif
}

/* Modular IPv6 was reached through a table of stubs until 7.x. */
static inline struct dst_entry *
mmesh_ip6_dst_lookup_flow(struct net *net, struct sock *sk, struct flowi6 *fl)
{
#ifdef MMESH_HAVE_IPV6_STUB
	return ipv6_stub->ipv6_dst_lookup_flow(net, sk, fl, NULL);
#else
	return ip6_dst_lookup_flow(net, sk, fl, NULL);
#endif
}

/* Receive aggregates of datagrams whole: GRO may form them, and the socket
 * takes them. Early 6.1.x had bit-fields.
 */
static inline void mmesh_udp_accept_bundles(struct sock *sk)
{
#ifdef MMESH_HAVE_UDP_SET_BIT
	udp_set_bit(GRO_ENABLED, sk);
#else
	udp_sk(sk)->gro_enabled = 1;
#endif
	udp_allow_gso(sk);
}

/* 6.12 made the feature bit a member. */
static inline void mmesh_set_lltx(struct net_device *dev)
{
#ifdef MMESH_HAVE_LLTX
	dev->lltx = true;
#else
	dev->features |= NETIF_F_LLTX;
#endif
}

/* 6.15 put newlink's arguments into a structure. */
#ifdef MMESH_HAVE_NEWLINK_PARAMS
#define MMESH_NEWLINK_ARGS \
	struct net_device *dev, struct rtnl_newlink_params *params, \
	struct netlink_ext_ack *extack
#define mmesh_newlink_net() rtnl_newlink_link_net(params)
#else
#define MMESH_NEWLINK_ARGS \
	struct net *src_net, struct net_device *dev, struct nlattr *tb[], \
	struct nlattr *data[], struct netlink_ext_ack *extack
#define mmesh_newlink_net() (src_net)
#endif

#endif
