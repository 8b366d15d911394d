/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MMESH_SOCKET_H
#define MMESH_SOCKET_H

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/socket.h>
#include <net/dst.h>

struct mmesh_device;
struct mmesh_peer;

/* An address inside the module: channel @channel of the extended peer that has
 * the number @relay on this device (mmesh_ext_by_number()). Channel 0 is one
 * that has to be opened.
 */
#define MMESH_AF_RELAY 0xfff0

struct mmesh_sockaddr_relay {
	sa_family_t family;
	u32 relay;
	u32 channel;
};

/* Where a packet goes to or came from, and which of our addresses it uses
 * (all zero: let routing choose).
 */
struct mmesh_addr {
	union {
		struct sockaddr addr;
		struct sockaddr_in addr4;
		struct sockaddr_in6 addr6;
		struct mmesh_sockaddr_relay relay;
	};
	union {
		struct {
			struct in_addr src4;
			int src_if4;
		};
		struct in6_addr src6;
	};
};

/* A cached route with the source address that goes with it. */
struct mmesh_route {
	struct dst_entry *dst;
	u32 cookie;
	union {
		__be32 saddr4;
		struct in6_addr saddr6;
	};
	struct rcu_head rcu;
};

/* A peer's current endpoint: immutable but for the route, replaced whole. */
struct mmesh_endpoint {
	struct mmesh_addr addr;
	struct mmesh_route __rcu *route;
	struct rcu_head rcu;
};

/* Bind both families' sockets in the device's birth netns to @port (0: any),
 * then publish them; the old ones are released. On failure nothing changes.
 * Context: process, RTNL and update lock held.
 */
int mmesh_socket_open(struct mmesh_device *m, u16 port);
void mmesh_socket_close(struct mmesh_device *m);

bool mmesh_addr_equal(const struct mmesh_addr *a, const struct mmesh_addr *b);
/* The same without our own address, which may change while the peer stays. */
bool mmesh_addr_same_remote(const struct mmesh_addr *a, const struct mmesh_addr *b);

/* Not an address of UDP, but one behind a relay. */
static inline bool mmesh_addr_is_relayed(const struct mmesh_addr *addr)
{
	return addr->addr.sa_family == MMESH_AF_RELAY;
}

/* Set by userspace: no source address yet. Returns 0 or -ENOMEM. */
int mmesh_endpoint_set(struct mmesh_peer *peer, const struct mmesh_addr *addr);
/* The same from any context that @gfp suits. */
int mmesh_endpoint_replace(struct mmesh_peer *peer, const struct mmesh_addr *addr,
			   gfp_t gfp);
/* It has none any more. Context: any. */
void mmesh_endpoint_forget(struct mmesh_peer *peer);
/* Learnt from an authenticated packet. Context: BH off, RCU read. */
void mmesh_endpoint_learn(struct mmesh_peer *peer, const struct mmesh_addr *addr);
/* The peer is about to be freed, nobody reads it any more. */
void mmesh_endpoint_free(struct mmesh_peer *peer);
/* Send there from now on, by a path that path.c has chosen. Context: any. */
void mmesh_endpoint_publish(struct mmesh_peer *peer, const struct mmesh_addr *addr);
/* Forget source address and route (addresses or routes changed). */
void mmesh_endpoint_clear_src(struct mmesh_peer *peer);
/* Copy of the current endpoint's address; false: it has none. */
bool mmesh_endpoint_get(struct mmesh_peer *peer, struct mmesh_addr *addr);

/* Send a UDP datagram, or a GSO bundle of them; consumes @skb. @ds is the
 * outer type of service. Returns 0, -EDESTADDRREQ (no endpoint), -ENETUNREACH,
 * -ELOOP, -ENONET, -EAFNOSUPPORT. Context: RCU read, BH off.
 */
int mmesh_socket_send(struct mmesh_peer *peer, struct sk_buff *skb, u8 ds);
/* The same to @endpoint, which the caller has read under RCU. @lead: each
 * message has room for a leg's header before it, for an endpoint at a relay.
 */
int mmesh_socket_send_bundle(struct mmesh_peer *peer,
			     struct mmesh_endpoint *endpoint, struct sk_buff *skb,
			     u8 ds, bool lead);
/* The same, to @to (NULL: the current endpoint) on no cached route. @df: too
 * large a datagram is lost on its way, or here, rather than fragmented.
 */
int mmesh_socket_send_path(struct mmesh_peer *peer, const struct mmesh_addr *to,
			   struct sk_buff *skb, u8 ds, bool df);
/* An skb for a message of @len bytes, not written yet, with room for the outer
 * headers. NULL: no memory. Context: any.
 */
struct sk_buff *mmesh_socket_alloc(size_t len);
/* The same for a small message from @buf. Context: any. */
int mmesh_socket_send_buffer(struct mmesh_peer *peer, const void *buf, size_t len,
			     u8 ds);
int mmesh_socket_send_buffer_to(struct mmesh_device *m, const struct mmesh_addr *to,
				const void *buf, size_t len, u8 ds);

/* MTU of the route to @addr as the IP layer knows it, headers included; 0:
 * there is no route. Context: BH off, RCU read.
 */
unsigned int mmesh_socket_route_mtu(struct mmesh_device *m, const struct mmesh_addr *addr);
/* IP packets of more than @mtu bytes don't reach @addr, though no router says
 * so: have the IP layer cut what is longer. Only IPv6 needs it, as IPv4 routers
 * cut by themselves. Context as above.
 */
void mmesh_socket_limit_mtu(struct mmesh_device *m, const struct mmesh_addr *addr,
			    unsigned int mtu);

#endif
