// SPDX-License-Identifier: GPL-2.0
/* TX path, stage 4 of 4: routes and UDP. In: bundles of mmesh_seal_xmit()
 * (seal.c), messages of handshake.c. Out: the IP stack. Context: RCU read, BH
 * off. RX path, stage 2 of 5: the sockets, whose packets go to
 * mmesh_backlog_receive() (backlog.c).
 */

#include <linux/inetdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/addrconf.h>
#include <net/inet_dscp.h>
#include <net/ip.h>
#include <net/route.h>

#include "backlog.h"
#include "device.h"
#include "ingress.h"
#include "leg.h"
#include "mmesh-compat-net.h"
#include "peer.h"
#include "socket.h"

enum {
	/* Outer headers of an skb that we allocate; LL_MAX_HEADER comes on top. */
	OUTER_HEADROOM = sizeof(struct ipv6hdr) + sizeof(struct udphdr) +
			 MMESH_LEG_LEN,
	PORT_RETRIES = 100,
};

/* A target of send4() and send6(): @endpoint is NULL for an address that is
 * no peer's, then nothing is cached.
 */
struct target {
	struct mmesh_device *m;
	struct mmesh_peer *peer;	/* whose address it is, if anybody's */
	struct mmesh_endpoint *endpoint;
	const struct mmesh_addr *addr;
	bool df;	/* lose it rather than have it fragmented */
	bool lead;	/* the messages have room for a leg's header */
};

static void free_route_rcu(struct rcu_head *rcu)
{
	struct mmesh_route *route = container_of(rcu, struct mmesh_route, rcu);

	dst_release(route->dst);
	kfree(route);
}

static void cache_route(struct target *t, struct dst_entry *dst,
			const struct in6_addr *saddr6, __be32 saddr4)
{
	struct mmesh_route *route, *old;

	if (!t->endpoint)
		return;
	route = kmalloc(sizeof(*route), GFP_ATOMIC);
	if (!route)
		return;
	dst_hold(dst);
	route->dst = dst;
	route->cookie = 0;
	if (saddr6) {
		route->saddr6 = *saddr6;
		route->cookie = mmesh_rt6_cookie(dst);
	} else {
		route->saddr4 = saddr4;
	}
	old = unrcu_pointer(xchg(&t->endpoint->route, RCU_INITIALIZER(route)));
	if (old)
		call_rcu(&old->rcu, free_route_rcu);
}

/* The cached route with a reference to its dst, or NULL when it is stale. */
static struct mmesh_route *cached_route(struct target *t)
{
	struct mmesh_route *route;

	if (!t->endpoint)
		return NULL;
	route = rcu_dereference(t->endpoint->route);
	if (!route || !dst_check(route->dst, route->cookie) ||
	    !dst_hold_safe(route->dst))
		return NULL;
	return route;
}

/* Look a route up; @fl's source address is dropped when it is not ours any
 * more, or when packets to the peer now leave through another interface than
 * they came in by.
 */
static struct rtable *route4(struct target *t, struct sock *sk, struct flowi4 *fl)
{
	struct net *net = sock_net(sk);
	const int oif = t->addr->src_if4;
	struct rtable *rt;

	security_sk_classify_flow(sk, flowi4_to_flowi_common(fl));
	if (fl->saddr &&
	    !inet_confirm_addr(net, NULL, 0, fl->saddr, RT_SCOPE_HOST))
		fl->saddr = 0;
	rt = ip_route_output_flow(net, fl, sk);
	if (fl->saddr && ((IS_ERR(rt) && PTR_ERR(rt) == -EINVAL) ||
			  (!IS_ERR(rt) && oif && rt->dst.dev->ifindex != oif))) {
		if (!IS_ERR(rt))
			ip_rt_put(rt);
		fl->saddr = 0;
		rt = ip_route_output_flow(net, fl, sk);
	}
	return rt;
}

static void flow4(const struct target *t, const struct sock *sk, struct flowi4 *fl)
{
	*fl = (struct flowi4){
		.saddr = t->addr->src4.s_addr,
		.daddr = t->addr->addr4.sin_addr.s_addr,
		.fl4_dport = t->addr->addr4.sin_port,
		.fl4_sport = inet_sk(sk)->inet_sport,
		.flowi4_mark = READ_ONCE(t->m->fwmark),
		.flowi4_proto = IPPROTO_UDP,
	};
}

static int send4(struct target *t, struct sk_buff *skb, u8 ds)
{
	struct sock *sk = rcu_dereference(t->m->sock4);
	struct mmesh_route *route;
	struct rtable *rt;
	struct flowi4 fl;

	if (unlikely(!sk)) {
		kfree_skb(skb);
		return -ENONET;
	}
	route = cached_route(t);
	if (likely(route)) {
		rt = container_of(route->dst, struct rtable, dst);
		fl.saddr = route->saddr4;
	} else {
		flow4(t, sk, &fl);
		rt = route4(t, sk, &fl);
		if (IS_ERR(rt)) {
			kfree_skb(skb);
			return PTR_ERR(rt);
		}
		if (rt->dst.dev == t->m->dev) {
			ip_rt_put(rt);
			kfree_skb(skb);
			return -ELOOP;
		}
		cache_route(t, &rt->dst, NULL, fl.saddr);
	}
	mmesh_udp_xmit4(rt, sk, skb, fl.saddr, t->addr->addr4.sin_addr.s_addr, ds,
			ip4_dst_hoplimit(&rt->dst), t->df ? htons(IP_DF) : 0,
			inet_sk(sk)->inet_sport,
			t->addr->addr4.sin_port);
	return 0;
}

#if IS_ENABLED(CONFIG_IPV6)
/* Our own address is left out when it isn't ours any more. */
static void flow6(const struct target *t, struct sock *sk, struct flowi6 *fl)
{
	*fl = (struct flowi6){
		.saddr = t->addr->src6,
		.daddr = t->addr->addr6.sin6_addr,
		.fl6_dport = t->addr->addr6.sin6_port,
		.fl6_sport = inet_sk(sk)->inet_sport,
		.flowi6_mark = READ_ONCE(t->m->fwmark),
		.flowi6_oif = t->addr->addr6.sin6_scope_id,
		.flowi6_proto = IPPROTO_UDP,
	};
	security_sk_classify_flow(sk, flowi6_to_flowi_common(fl));
	if (!ipv6_addr_any(&fl->saddr) &&
	    !ipv6_chk_addr(sock_net(sk), &fl->saddr, NULL, 0))
		fl->saddr = in6addr_any;
}

static int send6(struct target *t, struct sk_buff *skb, u8 ds)
{
	struct sock *sk = rcu_dereference(t->m->sock6);
	struct mmesh_route *route;
	struct dst_entry *dst;
	struct flowi6 fl;

	if (unlikely(!sk)) {
		kfree_skb(skb);
		return -ENONET;
	}
	route = cached_route(t);
	if (likely(route)) {
		dst = route->dst;
		fl.saddr = route->saddr6;
	} else {
		flow6(t, sk, &fl);
		dst = mmesh_ip6_dst_lookup_flow(sock_net(sk), sk, &fl);
		if (IS_ERR(dst)) {
			kfree_skb(skb);
			return PTR_ERR(dst);
		}
		if (dst->dev == t->m->dev) {
			dst_release(dst);
			kfree_skb(skb);
			return -ELOOP;
		}
		cache_route(t, dst, &fl.saddr, 0);
	}
	mmesh_udp_xmit6(dst, sk, skb, &fl.saddr, &t->addr->addr6.sin6_addr, ds,
			ip6_dst_hoplimit(dst), inet_sk(sk)->inet_sport,
			t->addr->addr6.sin6_port);
	return 0;
}
#else
static int send6(struct target *t, struct sk_buff *skb, u8 ds)
{
	kfree_skb(skb);
	return -EAFNOSUPPORT;
}
#endif

static int send_to(struct target *t, struct sk_buff *skb, u8 ds)
{
	skb->mark = READ_ONCE(t->m->fwmark);
	/* The outer packet is fragmented rather than lost. */
	skb->ignore_df = !t->df;
	switch (t->addr->addr.sa_family) {
	case AF_INET:
		return send4(t, skb, ds);
	case AF_INET6:
		return send6(t, skb, ds);
	case MMESH_AF_RELAY:
		return mmesh_leg_send(t->m, t->peer, t->addr, skb, ds, t->df,
				      t->lead);
	}
	kfree_skb(skb);
	return -EDESTADDRREQ;
}

static unsigned int stat_of(int ret)
{
	switch (ret) {
	case -ELOOP:
		return MMESH_STAT_TX_DROP_LOOP;
	case -ENONET:
	case -EAFNOSUPPORT:
		return MMESH_STAT_TX_DROP_NO_SOCKET;
	case -EDESTADDRREQ:
		return MMESH_STAT_TX_DROP_NO_ENDPOINT;
	case -ENOLINK:
		return MMESH_STAT_TX_DROP_RELAY;
	case -ENETUNREACH:
	case -EHOSTUNREACH:
		return MMESH_STAT_TX_DROP_NO_ROUTE;
	}
	/* Routing policy forbids it, for one. */
	return MMESH_STAT_TX_DROP_SEND;
}

static int send_to_peer(struct mmesh_peer *peer, struct target *t,
			struct sk_buff *skb, u8 ds)
{
	const unsigned int records = skb_shinfo(skb)->gso_segs ?: 1;
	const unsigned int len = skb->len;
	int ret;

	if (unlikely(!t->addr)) {
		kfree_skb(skb);
		ret = -EDESTADDRREQ;
	} else {
		ret = send_to(t, skb, ds);
	}
	if (likely(!ret)) {
		atomic64_add(len, &peer->tx_bytes);
	} else {
		mmesh_stat_add(t->m, stat_of(ret), records);
		DEV_STATS_ADD(t->m->dev, tx_errors, records);
	}
	return ret;
}

int mmesh_socket_send(struct mmesh_peer *peer, struct sk_buff *skb, u8 ds)
{
	return mmesh_socket_send_bundle(peer, rcu_dereference(peer->endpoint),
					skb, ds, false);
}

int mmesh_socket_send_bundle(struct mmesh_peer *peer,
			     struct mmesh_endpoint *endpoint, struct sk_buff *skb,
			     u8 ds, bool lead)
{
	struct target t = {
		.m = peer->device,
		.peer = peer,
		.endpoint = endpoint,
		.addr = endpoint ? &endpoint->addr : NULL,
		.lead = lead,
	};

	return send_to_peer(peer, &t, skb, ds);
}

int mmesh_socket_send_path(struct mmesh_peer *peer, const struct mmesh_addr *to,
			   struct sk_buff *skb, u8 ds, bool df)
{
	struct target t = { .m = peer->device, .peer = peer, .addr = to, .df = df };

	if (!to) {
		t.endpoint = rcu_dereference(peer->endpoint);
		t.addr = t.endpoint ? &t.endpoint->addr : NULL;
	}
	return send_to_peer(peer, &t, skb, ds);
}

struct sk_buff *mmesh_socket_alloc(size_t len)
{
	struct sk_buff *skb = alloc_skb(LL_MAX_HEADER + OUTER_HEADROOM + len,
					GFP_ATOMIC);

	if (skb) {
		skb_reserve(skb, LL_MAX_HEADER + OUTER_HEADROOM);
		__skb_put(skb, len);
	}
	return skb;
}

static struct sk_buff *skb_of(const void *buf, size_t len)
{
	struct sk_buff *skb = mmesh_socket_alloc(len);

	if (skb)
		memcpy(skb->data, buf, len);
	return skb;
}

int mmesh_socket_send_buffer(struct mmesh_peer *peer, const void *buf, size_t len,
			     u8 ds)
{
	struct sk_buff *skb = skb_of(buf, len);
	int ret;

	if (!skb)
		return -ENOMEM;
	local_bh_disable();
	rcu_read_lock();
	ret = mmesh_socket_send(peer, skb, ds);
	rcu_read_unlock();
	local_bh_enable();
	return ret;
}

int mmesh_socket_send_buffer_to(struct mmesh_device *m, const struct mmesh_addr *to,
				const void *buf, size_t len, u8 ds)
{
	struct target t = { .m = m, .addr = to };
	struct sk_buff *skb = skb_of(buf, len);
	int ret;

	if (!skb)
		return -ENOMEM;
	local_bh_disable();
	rcu_read_lock();
	ret = send_to(&t, skb, ds);
	rcu_read_unlock();
	local_bh_enable();
	return ret;
}

static struct dst_entry *route_to(struct mmesh_device *m, const struct mmesh_addr *addr)
{
	struct target t = { .m = m, .addr = addr };

	if (addr->addr.sa_family == AF_INET) {
		struct sock *sk = rcu_dereference(m->sock4);
		struct flowi4 fl;
		struct rtable *rt;

		if (!sk)
			return NULL;
		flow4(&t, sk, &fl);
		rt = route4(&t, sk, &fl);
		return IS_ERR(rt) ? NULL : &rt->dst;
	}
#if IS_ENABLED(CONFIG_IPV6)
	if (addr->addr.sa_family == AF_INET6) {
		struct sock *sk = rcu_dereference(m->sock6);
		struct dst_entry *dst;
		struct flowi6 fl;

		if (!sk)
			return NULL;
		flow6(&t, sk, &fl);
		dst = mmesh_ip6_dst_lookup_flow(sock_net(sk), sk, &fl);
		return IS_ERR(dst) ? NULL : dst;
	}
#endif
	return NULL;
}

unsigned int mmesh_socket_route_mtu(struct mmesh_device *m, const struct mmesh_addr *addr)
{
	struct mmesh_endpoint *endpoint;
	struct mmesh_peer *relay;
	struct dst_entry *dst;
	unsigned int mtu;

	if (mmesh_addr_is_relayed(addr)) {
		relay = mmesh_ext_by_number(m, addr->relay.relay);
		endpoint = relay ? rcu_dereference(relay->endpoint) : NULL;
		if (!endpoint || mmesh_addr_is_relayed(&endpoint->addr))
			return 0;
		addr = &endpoint->addr;
	}
	dst = route_to(m, addr);
	if (!dst)
		return 0;
	mtu = dst_mtu(dst);
	dst_release(dst);
	return mtu;
}

void mmesh_socket_limit_mtu(struct mmesh_device *m, const struct mmesh_addr *addr,
			    unsigned int mtu)
{
#if IS_ENABLED(CONFIG_IPV6)
	struct dst_entry *dst;
	struct ipv6hdr *ip6;
	struct sk_buff *skb;

	if (addr->addr.sa_family != AF_INET6)
		return;
	dst = route_to(m, addr);
	if (!dst)
		return;
	/* The IP layer takes it from a packet that was sent there. */
	skb = dst_mtu(dst) > mtu ? alloc_skb(sizeof(*ip6), GFP_ATOMIC) : NULL;
	if (skb) {
		ip6 = skb_put_zero(skb, sizeof(*ip6));
		skb_reset_network_header(skb);
		ip6->daddr = addr->addr6.sin6_addr;
		ip6->saddr = addr->src6;
		dst->ops->update_pmtu(dst, NULL, skb, mtu, false);
		kfree_skb(skb);
	}
	dst_release(dst);
#endif
}

static void set_options(struct sock *sk)
{
	sk->sk_allocation = GFP_ATOMIC;
	/* What is sent belongs to the inner socket's budget, not to this one's. */
	sk->sk_sndbuf = INT_MAX;
	sk_set_memalloc(sk);
	mmesh_udp_accept_bundles(sk);
}

static int open_one(struct mmesh_device *m, struct net *net,
		    struct udp_port_cfg *port, struct sock **sk)
{
	struct udp_tunnel_sock_cfg cfg = {
		.sk_user_data = m,
		.encap_type = 1,
		.encap_rcv = mmesh_backlog_receive,
	};
	struct socket *sock;
	int ret;

	ret = udp_sock_create(net, port, &sock);
	if (ret)
		return ret;
	set_options(sock->sk);
	mmesh_udp_tunnel_setup(net, sock, &cfg);
	*sk = sock->sk;
	return 0;
}

/* Both families on one port. */
static int open_pair(struct mmesh_device *m, struct net *net, u16 port,
		     struct sock **sk4, struct sock **sk6)
{
	struct udp_port_cfg port4 = {
		.family = AF_INET,
		.local_ip.s_addr = htonl(INADDR_ANY),
		.local_udp_port = htons(port),
		.use_udp_checksums = true,
	};
	int ret;

	*sk6 = NULL;
	ret = open_one(m, net, &port4, sk4);
	if (ret)
		return ret;
#if IS_ENABLED(CONFIG_IPV6)
	if (ipv6_mod_enabled()) {
		struct udp_port_cfg port6 = {
			.family = AF_INET6,
			.local_ip6 = IN6ADDR_ANY_INIT,
			.local_udp_port = inet_sk(*sk4)->inet_sport,
			.use_udp6_tx_checksums = true,
			.use_udp6_rx_checksums = true,
			.ipv6_v6only = true,
		};

		ret = open_one(m, net, &port6, sk6);
		if (ret)
			mmesh_udp_tunnel_release(*sk4);
	}
#endif
	return ret;
}

static void release(struct sock *sk)
{
	if (!sk)
		return;
	sk_clear_memalloc(sk);
	mmesh_udp_tunnel_release(sk);
}

/* Publish new sockets (or none) and release the old ones; @net is the birth
 * netns.
 */
static void replace(struct mmesh_device *m, struct net *net, struct sock *sk4,
		    struct sock *sk6)
{
	struct sock *old4, *old6;
	u16 old_port;

	ASSERT_RTNL();
	old4 = rcu_replace_pointer(m->sock4, sk4, lockdep_rtnl_is_held());
	old6 = rcu_replace_pointer(m->sock6, sk6, lockdep_rtnl_is_held());
	if (sk4)
		mmesh_ingress_open(net, ntohs(inet_sk(sk4)->inet_sport));
	if (!old4)
		return;
	old_port = ntohs(inet_sk(old4)->inet_sport);
	/* Senders use the sockets under RCU. */
	synchronize_net();
	release(old4);
	release(old6);
	mmesh_backlog_flush();
	mmesh_ingress_close(net, old_port);
}

int mmesh_socket_open(struct mmesh_device *m, u16 port)
{
	struct sock *sk4, *sk6;
	struct net *net;
	int ret, tries = 0;

	lockdep_assert_held(&m->update_lock);
	rcu_read_lock();
	net = rcu_dereference(m->birth_net);
	net = net ? maybe_get_net(net) : NULL;
	rcu_read_unlock();
	if (!net)
		return -ENONET;

	if (port && rcu_access_pointer(m->sock4) && port == m->listen_port) {
		put_net(net);
		return 0;
	}
	/* A port that IPv4 has given may be taken in IPv6. */
	do {
		ret = open_pair(m, net, port, &sk4, &sk6);
	} while (ret == -EADDRINUSE && !port && ++tries < PORT_RETRIES);
	if (!ret) {
		m->listen_port = ntohs(inet_sk(sk4)->inet_sport);
		replace(m, net, sk4, sk6);
	}
	put_net(net);
	return ret;
}

void mmesh_socket_close(struct mmesh_device *m)
{
	struct net *net = rcu_dereference_protected(m->birth_net,
						    lockdep_rtnl_is_held());

	if (net)
		replace(m, net, NULL, NULL);
}
