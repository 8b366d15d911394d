// SPDX-License-Identifier: GPL-2.0
/* A peer's endpoint: set by userspace, learnt from packets, replaced whole. */

#include <linux/slab.h>
#include <net/dst.h>
#include <net/ipv6.h>

#include "device.h"
#include "path.h"
#include "peer.h"
#include "socket.h"

bool mmesh_addr_equal(const struct mmesh_addr *a, const struct mmesh_addr *b)
{
	if (a->addr.sa_family != b->addr.sa_family)
		return false;
	if (a->addr.sa_family == AF_INET)
		return a->addr4.sin_port == b->addr4.sin_port &&
		       a->addr4.sin_addr.s_addr == b->addr4.sin_addr.s_addr &&
		       a->src4.s_addr == b->src4.s_addr &&
		       a->src_if4 == b->src_if4;
	if (a->addr.sa_family == AF_INET6)
		return a->addr6.sin6_port == b->addr6.sin6_port &&
		       ipv6_addr_equal(&a->addr6.sin6_addr, &b->addr6.sin6_addr) &&
		       a->addr6.sin6_scope_id == b->addr6.sin6_scope_id &&
		       ipv6_addr_equal(&a->src6, &b->src6);
	if (mmesh_addr_is_relayed(a))
		return a->relay.relay == b->relay.relay &&
		       a->relay.channel == b->relay.channel;
	return true;
}

bool mmesh_addr_same_remote(const struct mmesh_addr *a, const struct mmesh_addr *b)
{
	if (a->addr.sa_family != b->addr.sa_family)
		return false;
	if (a->addr.sa_family == AF_INET)
		return a->addr4.sin_port == b->addr4.sin_port &&
		       a->addr4.sin_addr.s_addr == b->addr4.sin_addr.s_addr;
	if (mmesh_addr_is_relayed(a))
		return a->relay.relay == b->relay.relay;
	return a->addr6.sin6_port == b->addr6.sin6_port &&
	       ipv6_addr_equal(&a->addr6.sin6_addr, &b->addr6.sin6_addr) &&
	       a->addr6.sin6_scope_id == b->addr6.sin6_scope_id;
}

static void free_endpoint(struct mmesh_endpoint *endpoint)
{
	struct mmesh_route *route;

	if (!endpoint)
		return;
	route = rcu_dereference_protected(endpoint->route, true);
	if (route) {
		dst_release(route->dst);
		kfree(route);
	}
	kfree(endpoint);
}

static void free_endpoint_rcu(struct rcu_head *rcu)
{
	free_endpoint(container_of(rcu, struct mmesh_endpoint, rcu));
}

static struct mmesh_endpoint *new_endpoint(const struct mmesh_addr *addr, gfp_t gfp)
{
	struct mmesh_endpoint *endpoint = kzalloc(sizeof(*endpoint), gfp);

	if (endpoint)
		endpoint->addr = *addr;
	return endpoint;
}

static void publish(struct mmesh_peer *peer, struct mmesh_endpoint *endpoint)
{
	struct mmesh_endpoint *old;

	spin_lock_bh(&peer->endpoint_lock);
	old = rcu_replace_pointer(peer->endpoint, endpoint,
				  lockdep_is_held(&peer->endpoint_lock));
	spin_unlock_bh(&peer->endpoint_lock);
	if (old)
		call_rcu(&old->rcu, free_endpoint_rcu);
}

int mmesh_endpoint_set(struct mmesh_peer *peer, const struct mmesh_addr *addr)
{
	return mmesh_endpoint_replace(peer, addr, GFP_KERNEL);
}

int mmesh_endpoint_replace(struct mmesh_peer *peer, const struct mmesh_addr *addr,
			   gfp_t gfp)
{
	struct mmesh_endpoint *endpoint = new_endpoint(addr, gfp);

	if (!endpoint)
		return -ENOMEM;
	memset(&endpoint->addr.src6, 0, sizeof(endpoint->addr.src6));
	publish(peer, endpoint);
	mmesh_path_endpoint_set(peer, addr);
	return 0;
}

void mmesh_endpoint_learn(struct mmesh_peer *peer, const struct mmesh_addr *addr)
{
	struct mmesh_endpoint *endpoint = rcu_dereference(peer->endpoint);
	bool moved;

	/* A new source is a candidate only. */
	if (unlikely(READ_ONCE(peer->extended))) {
		mmesh_path_heard(peer, addr);
		return;
	}
	if (likely(endpoint && mmesh_addr_equal(&endpoint->addr, addr)))
		return;
	moved = !endpoint || !mmesh_addr_same_remote(&endpoint->addr, addr);
	endpoint = new_endpoint(addr, GFP_ATOMIC);
	/* Without memory the next packet will teach us. */
	if (!endpoint)
		return;
	publish(peer, endpoint);
	if (moved)
		mmesh_netlink_notify_endpoint(peer);
}

void mmesh_endpoint_publish(struct mmesh_peer *peer, const struct mmesh_addr *addr)
{
	struct mmesh_endpoint *endpoint = new_endpoint(addr, GFP_ATOMIC);
	struct mmesh_addr before;
	bool moved;

	if (!endpoint)
		return;
	moved = !mmesh_endpoint_get(peer, &before) ||
		!mmesh_addr_same_remote(&before, addr);
	publish(peer, endpoint);
	if (moved)
		mmesh_netlink_notify_endpoint(peer);
}

void mmesh_endpoint_clear_src(struct mmesh_peer *peer)
{
	struct mmesh_addr addr;
	struct mmesh_endpoint *endpoint;

	if (!mmesh_endpoint_get(peer, &addr))
		return;
	memset(&addr.src6, 0, sizeof(addr.src6));
	endpoint = new_endpoint(&addr, GFP_ATOMIC);
	if (endpoint)
		publish(peer, endpoint);
}

void mmesh_endpoint_forget(struct mmesh_peer *peer)
{
	publish(peer, NULL);
}

bool mmesh_endpoint_get(struct mmesh_peer *peer, struct mmesh_addr *addr)
{
	struct mmesh_endpoint *endpoint;

	rcu_read_lock();
	endpoint = rcu_dereference(peer->endpoint);
	if (endpoint)
		*addr = endpoint->addr;
	rcu_read_unlock();
	return endpoint;
}

void mmesh_endpoint_free(struct mmesh_peer *peer)
{
	free_endpoint(rcu_dereference_protected(peer->endpoint, true));
}
