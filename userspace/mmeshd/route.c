// SPDX-License-Identifier: Apache-2.0
#include "route.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/route.h>
#include <string.h>
#include <sys/socket.h>

enum { DUMP_ATTEMPTS = 10 };

/* libnl's error as a sentence and an errno. */
static int refused(struct error *err, int code, const char *what)
{
	return error_set(err, EIO, "%s: %s", what, nl_geterror(code));
}

/* Without it the kernel dumps the routes of all links. */
static void set_strict(struct nl_sock *sock, int on)
{
	(void)setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on,
			 sizeof(on));
}

int route_open(struct nl_sock **ret, struct error *err)
{
	struct nl_sock *sock = nl_socket_alloc();
	int r;

	*ret = NULL;
	if (!sock)
		return error_oom(err);
	r = nl_connect(sock, NETLINK_ROUTE);
	if (r < 0) {
		nl_socket_free(sock);
		return refused(err, r, "cannot open an rtnetlink socket");
	}
	set_strict(sock, 1);
	*ret = sock;
	return 0;
}

struct nl_sock *route_close(struct nl_sock *sock)
{
	if (sock)
		nl_socket_free(sock);
	return NULL;
}

int route_read_link(struct nl_sock *sock, const char *name, struct route_link *ret,
		    struct error *err)
{
	struct rtnl_link *link = NULL;
	int r = rtnl_link_get_kernel(sock, 0, name, &link);

	*ret = (struct route_link){ 0 };
	if (r == -NLE_NODEV || r == -NLE_OBJ_NOTFOUND)
		return 0;
	if (r < 0)
		return refused(err, r, name);
	ret->exists = true;
	ret->ifindex = (uint32_t)rtnl_link_get_ifindex(link);
	ret->up = rtnl_link_get_flags(link) & IFF_UP;
	ret->mtu = rtnl_link_get_mtu(link);
	rtnl_link_put(link);
	return 0;
}

static bool to_prefix(struct prefix *ret, struct nl_addr *addr, unsigned int cidr)
{
	*ret = (struct prefix){ 0 };
	if (!addr || (nl_addr_get_family(addr) != AF_INET && nl_addr_get_family(addr) != AF_INET6))
		return false;
	ret->family = (uint8_t)nl_addr_get_family(addr);
	ret->cidr = (uint8_t)cidr;
	/* A default route has no bytes. */
	if (nl_addr_get_len(addr) <= sizeof(ret->bytes))
		memcpy(ret->bytes, nl_addr_get_binary_addr(addr), nl_addr_get_len(addr));
	return true;
}

static struct nl_addr *from_prefix(const struct prefix *p)
{
	struct nl_addr *addr = nl_addr_build(p->family, (void *)p->bytes,
					     p->family == AF_INET ? 4 : 16);

	if (addr)
		nl_addr_set_prefixlen(addr, p->cidr);
	return addr;
}

/* -- reading addresses --------------------------------------------------------------------------- */

typedef int (*each_addr_fn)(struct rtnl_addr *addr, void *user, struct error *err);

static int each_addr(struct nl_sock *sock, each_addr_fn fn, void *user, struct error *err)
{
	struct nl_cache *cache = NULL;
	int r = -NLE_DUMP_INTR;

	/* libnl asks for addresses with a header that is too short to be strict, and takes "no" for "none". */
	set_strict(sock, 0);
	for (int i = 0; i < DUMP_ATTEMPTS && r == -NLE_DUMP_INTR; i++)
		r = rtnl_addr_alloc_cache(sock, &cache);
	set_strict(sock, 1);
	if (r < 0)
		return refused(err, r, "cannot read addresses");
	r = 0;
	for (struct nl_object *o = nl_cache_get_first(cache); !r && o; o = nl_cache_get_next(o))
		r = fn((struct rtnl_addr *)o, user, err);
	nl_cache_free(cache);
	return r;
}

struct address_reading {
	uint32_t ifindex;
	struct prefixes *ret;
};

static int read_address(struct rtnl_addr *addr, void *user, struct error *err)
{
	struct address_reading *rd = user;
	struct prefix p;

	if ((uint32_t)rtnl_addr_get_ifindex(addr) != rd->ifindex ||
	    (rtnl_addr_get_family(addr) == AF_INET6 &&
	     rtnl_addr_get_scope(addr) == RT_SCOPE_LINK) ||
	    !to_prefix(&p, rtnl_addr_get_local(addr), (unsigned int)rtnl_addr_get_prefixlen(addr)))
		return 0;
	return prefixes_add(rd->ret, &p, err);
}

int route_read_addresses(struct nl_sock *sock, uint32_t ifindex, struct prefixes *ret,
			 struct error *err)
{
	struct address_reading rd = { .ifindex = ifindex, .ret = ret };

	return each_addr(sock, read_address, &rd, err);
}

struct address_handing {
	route_address_fn fn;
	void *user;
	struct nl_cache *links;
};

static int hand_address(struct rtnl_addr *addr, void *user, struct error *err)
{
	const unsigned int unusable = IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED |
				      IFA_F_TEMPORARY;
	struct address_handing *h = user;
	int ifindex = rtnl_addr_get_ifindex(addr);
	struct rtnl_link *link = rtnl_link_get(h->links, ifindex);
	unsigned int flags = link ? rtnl_link_get_flags(link) : 0;
	struct prefix p;

	if (link)
		rtnl_link_put(link);
	if (!(flags & IFF_UP) || (flags & IFF_LOOPBACK) ||
	    (rtnl_addr_get_family(addr) == AF_INET6 && (rtnl_addr_get_flags(addr) & unusable)) ||
	    rtnl_addr_get_scope(addr) != RT_SCOPE_UNIVERSE ||
	    !to_prefix(&p, rtnl_addr_get_local(addr), (unsigned int)rtnl_addr_get_prefixlen(addr)))
		return 0;
	return h->fn((uint32_t)ifindex, &p, h->user, err);
}

int route_each_address(struct nl_sock *sock, route_address_fn fn, void *user, struct error *err)
{
	struct address_handing h = { .fn = fn, .user = user };
	int r = -NLE_DUMP_INTR;

	for (int i = 0; i < DUMP_ATTEMPTS && r == -NLE_DUMP_INTR; i++)
		r = rtnl_link_alloc_cache(sock, AF_UNSPEC, &h.links);
	if (r < 0)
		return refused(err, r, "cannot read links");
	r = each_addr(sock, hand_address, &h, err);
	nl_cache_free(h.links);
	return r;
}

/* -- reading routes ------------------------------------------------------------------------------ */

struct route_reading {
	uint32_t ifindex;
	uint32_t table;
	struct prefixes *ret;
	struct error *err;
	int result;
};

static bool is_wanted(const struct route_reading *rd, struct rtnl_route *route)
{
	struct rtnl_nexthop *hop = rtnl_route_nexthop_n(route, 0);

	return rtnl_route_get_protocol(route) == ROUTE_PROTOCOL &&
	       rtnl_route_get_table(route) == rd->table &&
	       rtnl_route_get_type(route) == RTN_UNICAST && hop &&
	       (uint32_t)rtnl_route_nh_get_ifindex(hop) == rd->ifindex;
}

static int read_route(struct nl_msg *msg, void *user)
{
	struct route_reading *rd = user;
	struct rtnl_route *route = NULL;
	struct prefix p;

	if (rtnl_route_parse(nlmsg_hdr(msg), &route) < 0)
		return NL_OK;
	if (is_wanted(rd, route) && !rd->result) {
		struct nl_addr *dst = rtnl_route_get_dst(route);

		if (to_prefix(&p, dst, dst ? nl_addr_get_prefixlen(dst) : 0))
			rd->result = prefixes_add(rd->ret, &p, rd->err);
	}
	rtnl_route_put(route);
	return NL_OK;
}

static int dump_routes(struct nl_sock *sock, uint8_t family, struct route_reading *rd)
{
	struct rtmsg head = { .rtm_family = family };
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP);
	int r = -NLE_NOMEM;

	if (!cb || !msg)
		goto out;
	r = nlmsg_append(msg, &head, sizeof(head), NLMSG_ALIGNTO);
	if (r >= 0)
		r = nla_put_u32(msg, RTA_OIF, rd->ifindex);
	if (r >= 0)
		r = nla_put_u32(msg, RTA_TABLE, rd->table);
	if (r >= 0)
		r = nl_send_auto(sock, msg);
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, read_route, rd);
	if (r >= 0)
		r = nl_recvmsgs(sock, cb);
out:
	nlmsg_free(msg);
	nl_cb_put(cb);
	return r;
}

static int read_family(struct nl_sock *sock, uint8_t family, struct route_reading *rd)
{
	size_t keep = rd->ret->count;
	int r = -NLE_DUMP_INTR;

	for (int i = 0; i < DUMP_ATTEMPTS && r == -NLE_DUMP_INTR; i++) {
		rd->ret->count = keep;
		r = dump_routes(sock, family, rd);
	}
	/* A table that nobody has used yet; a kernel without IPv6. */
	if (r == -NLE_OBJ_NOTFOUND || r == -NLE_OPNOTSUPP)
		return 0;
	return r < 0 ? refused(rd->err, r, "cannot read routes") : rd->result;
}

int route_read_routes(struct nl_sock *sock, uint32_t ifindex, uint32_t table, struct prefixes *ret,
		      struct error *err)
{
	struct route_reading rd = {
		.ifindex = ifindex,
		.table = table ? table : RT_TABLE_MAIN,
		.ret = ret,
		.err = err,
	};
	int r = read_family(sock, AF_INET, &rd);

	return r < 0 ? r : read_family(sock, AF_INET6, &rd);
}

/* -- changing ------------------------------------------------------------------------------------ */

int route_change_address(struct nl_sock *sock, uint32_t ifindex, const struct prefix *p,
			 struct error *err)
{
	struct rtnl_addr *addr = rtnl_addr_alloc();
	struct nl_addr *local = from_prefix(p);
	char text[PREFIX_TEXT_SIZE];
	int r = -NLE_NOMEM;

	if (!addr || !local)
		goto out;
	rtnl_addr_set_ifindex(addr, (int)ifindex);
	rtnl_addr_set_family(addr, p->family);
	r = rtnl_addr_set_local(addr, local);
	if (r < 0)
		goto out;
	rtnl_addr_set_prefixlen(addr, p->cidr);
	if (p->family == AF_INET6 && !p->remove)
		rtnl_addr_set_flags(addr, IFA_F_NODAD);
	r = p->remove ? rtnl_addr_delete(sock, addr, 0) : rtnl_addr_add(sock, addr, 0);
	if (r == (p->remove ? -NLE_NOADDR : -NLE_EXIST))
		r = 0;
out:
	nl_addr_put(local);
	rtnl_addr_put(addr);
	if (r >= 0)
		return 0;
	prefix_format(text, p);
	return error_prefix(err, refused(err, r, text), "address ");
}

static int fill_route(struct rtnl_route *route, struct nl_addr *dst, uint32_t ifindex,
		      uint32_t table, const struct prefix *p)
{
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
	int r;

	if (!hop)
		return -NLE_NOMEM;
	rtnl_route_nh_set_ifindex(hop, (int)ifindex);
	rtnl_route_add_nexthop(route, hop); /* it is the route's from here */
	r = rtnl_route_set_family(route, p->family);
	if (r >= 0)
		r = rtnl_route_set_dst(route, dst);
	if (r >= 0)
		r = rtnl_route_set_type(route, RTN_UNICAST);
	rtnl_route_set_table(route, table ? table : RT_TABLE_MAIN);
	rtnl_route_set_protocol(route, ROUTE_PROTOCOL);
	rtnl_route_set_scope(route, p->family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE);
	return r;
}

int route_change_route(struct nl_sock *sock, uint32_t ifindex, uint32_t table,
		       const struct prefix *p, struct error *err)
{
	struct rtnl_route *route = rtnl_route_alloc();
	struct nl_addr *dst = from_prefix(p);
	char text[PREFIX_TEXT_SIZE];
	int r = -NLE_NOMEM;

	if (route && dst)
		r = fill_route(route, dst, ifindex, table, p);
	if (r >= 0)
		r = p->remove ? rtnl_route_delete(sock, route, 0) :
				rtnl_route_add(sock, route, NLM_F_CREATE | NLM_F_EXCL);
	if (p->remove && r == -NLE_OBJ_NOTFOUND)
		r = 0;
	nl_addr_put(dst);
	rtnl_route_put(route);
	if (r >= 0)
		return 0;
	prefix_format(text, p);
	if (r == -NLE_EXIST)
		return error_set(err, EEXIST, "route %s: there is one already, by another link",
				 text);
	return error_prefix(err, refused(err, r, text), "route ");
}

int route_change_link(struct nl_sock *sock, uint32_t ifindex, uint32_t mtu, bool up,
		      struct error *err)
{
	struct rtnl_link *from = rtnl_link_alloc(), *to = rtnl_link_alloc();
	int r = -NLE_NOMEM;

	if (!from || !to)
		goto out;
	rtnl_link_set_ifindex(from, (int)ifindex);
	if (mtu)
		rtnl_link_set_mtu(to, mtu);
	if (up)
		rtnl_link_set_flags(to, IFF_UP);
	r = rtnl_link_change(sock, from, to, 0);
out:
	if (from)
		rtnl_link_put(from);
	if (to)
		rtnl_link_put(to);
	return r < 0 ? refused(err, r, "cannot change the device") : 0;
}

/* -- events -------------------------------------------------------------------------------------- */

int route_events_open(struct nl_sock **ret, struct error *err)
{
	int r = route_open(ret, err);

	if (r < 0)
		return r;
	nl_socket_disable_seq_check(*ret);
	(void)nl_socket_set_buffer_size(*ret, 1 << 20, 0);
	r = nl_socket_add_memberships(*ret, RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
				      RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, 0);
	if (r >= 0)
		r = nl_socket_set_nonblocking(*ret);
	if (r >= 0)
		return 0;
	*ret = route_close(*ret);
	return refused(err, r, "cannot listen to rtnetlink");
}

int route_events_fd(const struct nl_sock *sock)
{
	return nl_socket_get_fd(sock);
}

static uint32_t route_oif(struct nlmsghdr *msg)
{
	struct nlattr *oif = nlmsg_find_attr(msg, sizeof(struct rtmsg), RTA_OIF);

	return oif ? nla_get_u32(oif) : 0;
}

/* The link that a message is about. */
static uint32_t subject(struct nlmsghdr *msg, bool *ret_address)
{
	*ret_address = msg->nlmsg_type == RTM_NEWADDR || msg->nlmsg_type == RTM_DELADDR;
	switch (msg->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return (uint32_t)((struct ifinfomsg *)nlmsg_data(msg))->ifi_index;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return ((struct ifaddrmsg *)nlmsg_data(msg))->ifa_index;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return route_oif(msg);
	default:
		return 0;
	}
}

bool route_events_read(struct nl_sock *sock, bool (*is_ours)(uint32_t ifindex, void *user),
		       void *user, bool *ret_addresses)
{
	_Alignas(struct nlmsghdr) char buf[65536];
	bool found = false;

	*ret_addresses = false;
	for (;;) {
		struct nlmsghdr *msg = (struct nlmsghdr *)buf;
		ssize_t n = recv(nl_socket_get_fd(sock), buf, sizeof(buf), MSG_DONTWAIT);
		int len = (int)n;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ENOBUFS) {
			found = *ret_addresses = true;
			continue;
		}
		if (n <= 0)
			return found || *ret_addresses;
		for (; nlmsg_ok(msg, len); msg = nlmsg_next(msg, &len)) {
			bool is_address;
			uint32_t ifindex = subject(msg, &is_address);

			if (!ifindex)
				continue;
			*ret_addresses = *ret_addresses || is_address ||
					 msg->nlmsg_type == RTM_NEWLINK;
			found = found || is_ours(ifindex, user);
		}
	}
}
