// SPDX-License-Identifier: Apache-2.0
#include "client.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/mmesh.h>
#include <string.h>

static void index_attr(struct mmesh_attrs *attrs, const struct nlattr *attr)
{
	uint16_t type = mnl_attr_get_type(attr);

	if (type <= attrs->max)
		attrs->at[type] = attr;
}

int mmesh_attrs_read(struct mmesh_attrs *ret, uint16_t max, const struct nlmsghdr *msg,
		     struct error *err)
{
	const struct nlattr *attr;

	*ret = (struct mmesh_attrs){ .max = max };
	if (max >= ARRAY_SIZE(ret->at) ||
	    mnl_nlmsg_get_payload_len(msg) < sizeof(struct genlmsghdr))
		return error_set(err, EPROTO, "the kernel's message is too short");
	mnl_attr_for_each(attr, msg, sizeof(struct genlmsghdr))
		index_attr(ret, attr);
	return 0;
}

int mmesh_attrs_read_nested(struct mmesh_attrs *ret, uint16_t max, const struct nlattr *nest,
			    struct error *err)
{
	const struct nlattr *attr;

	*ret = (struct mmesh_attrs){ .max = max };
	if (max >= ARRAY_SIZE(ret->at))
		return error_set(err, EPROTO, "the kernel's message has too many attributes");
	mnl_attr_for_each_nested(attr, nest)
		index_attr(ret, attr);
	return 0;
}

static const struct nlattr *sized(const struct mmesh_attrs *attrs, uint16_t type, size_t len)
{
	const struct nlattr *attr = type <= attrs->max ? attrs->at[type] : NULL;

	return attr && mnl_attr_get_payload_len(attr) == len ? attr : NULL;
}

bool mmesh_attr_u32(const struct mmesh_attrs *attrs, uint16_t type, uint32_t *ret)
{
	return mmesh_attr_bytes(attrs, type, ret, sizeof(*ret));
}

bool mmesh_attr_u64(const struct mmesh_attrs *attrs, uint16_t type, uint64_t *ret)
{
	return mmesh_attr_bytes(attrs, type, ret, sizeof(*ret));
}

bool mmesh_attr_bytes(const struct mmesh_attrs *attrs, uint16_t type, void *ret, size_t len)
{
	const struct nlattr *attr = sized(attrs, type, len);

	if (attr)
		memcpy(ret, mnl_attr_get_payload(attr), len);
	return attr;
}

bool mmesh_attr_string(const struct mmesh_attrs *attrs, uint16_t type, char *ret, size_t size)
{
	const struct nlattr *attr = type <= attrs->max ? attrs->at[type] : NULL;
	size_t len;

	if (!attr)
		return false;
	len = strnlen(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
	if (len >= size)
		len = size - 1;
	memcpy(ret, mnl_attr_get_payload(attr), len);
	ret[len] = '\0';
	return true;
}

static void read_groups(struct mmesh_client *client, const struct nlattr *groups)
{
	const struct nlattr *group;

	mnl_attr_for_each_nested(group, groups) {
		struct mmesh_attrs attrs;
		char name[GENL_NAMSIZ];
		uint32_t id;

		if (mmesh_attrs_read_nested(&attrs, CTRL_ATTR_MCAST_GRP_MAX, group, NULL) < 0)
			continue;
		if (mmesh_attr_string(&attrs, CTRL_ATTR_MCAST_GRP_NAME, name, sizeof(name)) &&
		    mmesh_attr_u32(&attrs, CTRL_ATTR_MCAST_GRP_ID, &id) &&
		    !strcmp(name, MMESH_MCGRP_EVENTS))
			client->events_group = id;
	}
}

static int read_family(const struct nlmsghdr *msg, void *user, struct error *err)
{
	struct mmesh_client *client = user;
	struct mmesh_attrs attrs;
	int r;

	r = mmesh_attrs_read(&attrs, CTRL_ATTR_MAX, msg, err);
	if (r < 0)
		return r;
	if (!mmesh_attr_bytes(&attrs, CTRL_ATTR_FAMILY_ID, &client->family, sizeof(client->family)))
		return error_set(err, EPROTO, "the kernel does not tell the family's number");
	if (attrs.at[CTRL_ATTR_MCAST_GROUPS])
		read_groups(client, attrs.at[CTRL_ATTR_MCAST_GROUPS]);
	return 0;
}

int mmesh_client_open(struct mmesh_client *ret, struct error *err)
{
	struct nlmsghdr *msg;
	int r;

	*ret = (struct mmesh_client){ 0 };
	r = nl_open(&ret->nl, NETLINK_GENERIC, err);
	if (r < 0)
		return r;
	msg = nl_start_genl(&ret->nl, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	mnl_attr_put_strz(msg, CTRL_ATTR_FAMILY_NAME, MMESH_FAMILY_NAME);
	r = nl_request(&ret->nl, msg, read_family, ret, err);
	if (r == -ENOENT)
		r = error_set(err, ENOENT,
			      "the kernel has no mmesh: load its module (modprobe mmesh)");
	if (r < 0)
		mmesh_client_close(ret);
	return r;
}

void mmesh_client_close(struct mmesh_client *client)
{
	nl_end(&client->nl);
}
