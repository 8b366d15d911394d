/* SPDX-License-Identifier: Apache-2.0 */
/* The generic netlink family `mmesh` (uapi/netlink/specs/mmesh.yaml) and its socket. */
#ifndef LIBMMESH_CLIENT_H
#define LIBMMESH_CLIENT_H

#include "nl.h"

struct mmesh_client {
	struct nl nl;
	uint16_t family;
	uint32_t events_group;
};

/* -ENOENT: the module isn't loaded. In the caller's network namespace. */
int mmesh_client_open(struct mmesh_client *ret, struct error *err);
void mmesh_client_close(struct mmesh_client *client);

/* What the parsers of all objects use: attributes of a message by type. */
struct mmesh_attrs {
	const struct nlattr *at[64];
	uint16_t max;
};

/* Index the attributes of a message after its genl header; unknown ones are skipped. */
int mmesh_attrs_read(struct mmesh_attrs *ret, uint16_t max, const struct nlmsghdr *msg,
		     struct error *err);
int mmesh_attrs_read_nested(struct mmesh_attrs *ret, uint16_t max, const struct nlattr *nest,
			    struct error *err);

/*
 * Store an attribute's value; true when it is there and has its size. The
 * strings are cut to @size and terminated.
 */
bool mmesh_attr_u32(const struct mmesh_attrs *attrs, uint16_t type, uint32_t *ret);
bool mmesh_attr_u64(const struct mmesh_attrs *attrs, uint16_t type, uint64_t *ret);
bool mmesh_attr_bytes(const struct mmesh_attrs *attrs, uint16_t type, void *ret, size_t len);
bool mmesh_attr_string(const struct mmesh_attrs *attrs, uint16_t type, char *ret, size_t size);

#endif
