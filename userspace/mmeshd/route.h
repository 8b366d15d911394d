/* SPDX-License-Identifier: Apache-2.0 */
/* Links, addresses and routes, through libnl. Not for several threads at a time. */
#ifndef MMESHD_ROUTE_H
#define MMESHD_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "prefix.h"

enum {
	/* Marks the routes that are ours (rtm_protocol). */
	ROUTE_PROTOCOL = 109,
};

struct nl_sock;

struct route_link {
	bool exists;
	uint32_t ifindex;
	bool up;
	uint32_t mtu;
};

int route_open(struct nl_sock **ret, struct error *err);
/* @sock may be NULL; always NULL. */
struct nl_sock *route_close(struct nl_sock *sock);

/* No link of that name is no error. */
int route_read_link(struct nl_sock *sock, const char *name, struct route_link *ret,
		    struct error *err);
/* Addresses of a link, but for those of link scope; appended with their whole length. */
int route_read_addresses(struct nl_sock *sock, uint32_t ifindex, struct prefixes *ret,
			 struct error *err);
/* Our routes by a link in @table (0: main), appended. */
int route_read_routes(struct nl_sock *sock, uint32_t ifindex, uint32_t table, struct prefixes *ret,
		      struct error *err);

/* Addresses of global scope on links that are up and are no loopback. */
typedef int (*route_address_fn)(uint32_t ifindex, const struct prefix *address, void *user,
				struct error *err);
int route_each_address(struct nl_sock *sock, route_address_fn fn, void *user, struct error *err);

/* Add, or with p->remove take away; what is there already, or gone, is no error. */
int route_change_address(struct nl_sock *sock, uint32_t ifindex, const struct prefix *p,
			 struct error *err);
int route_change_route(struct nl_sock *sock, uint32_t ifindex, uint32_t table,
		       const struct prefix *p, struct error *err);
/* @mtu 0: as it is. */
int route_change_link(struct nl_sock *sock, uint32_t ifindex, uint32_t mtu, bool up,
		      struct error *err);

/*
 * A socket of its own that tells of links, addresses and routes. route_events_read()
 * takes everything that waits; true when it is about a link for which @is_ours says so,
 * or about addresses (then *@ret_addresses, too), or when something was lost.
 */
int route_events_open(struct nl_sock **ret, struct error *err);
int route_events_fd(const struct nl_sock *sock);
bool route_events_read(struct nl_sock *sock, bool (*is_ours)(uint32_t ifindex, void *user),
		       void *user, bool *ret_addresses);

#endif
