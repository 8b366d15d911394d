// SPDX-License-Identifier: Apache-2.0
#include "link.h"

#include <ctype.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "nl.h"

int mmesh_link_check_name(const char *name, struct error *err)
{
	size_t len = strnlen(name, IF_NAMESIZE);

	if (!len || len >= IF_NAMESIZE)
		return error_set(err, EINVAL, "a device's name has 1 to %d bytes, \"%s\" has %s",
				 IF_NAMESIZE - 1, name, len ? "more" : "none");
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return error_set(err, EINVAL, "\"%s\" cannot be a device's name", name);
	for (const char *c = name; *c; c++)
		if (*c == '/' || *c == ':' || isspace((unsigned char)*c))
			return error_set(err, EINVAL,
					 "\"%s\": a device's name has no '/', ':' or blank", name);
	return 0;
}

static struct nlmsghdr *start(struct nl *nl, uint16_t type, uint16_t flags, const char *name)
{
	struct nlmsghdr *msg = nl_start(nl, type, flags);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(msg, sizeof(*info));

	info->ifi_family = AF_UNSPEC;
	mnl_attr_put_strz(msg, IFLA_IFNAME, name);
	return msg;
}

static void nl_closep(struct nl *nl)
{
	nl_end(nl);
}

int mmesh_link_add(const char *name, struct error *err)
{
	_cleanup_(nl_closep) struct nl nl = { 0 };
	struct nlmsghdr *msg;
	struct nlattr *nest;
	int r;

	r = mmesh_link_check_name(name, err);
	if (!r)
		r = nl_open(&nl, NETLINK_ROUTE, err);
	if (r < 0)
		return r;
	msg = start(&nl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, name);
	nest = mnl_attr_nest_start(msg, IFLA_LINKINFO);
	mnl_attr_put_str(msg, IFLA_INFO_KIND, "mmesh");
	mnl_attr_nest_end(msg, nest);
	r = nl_request(&nl, msg, NULL, NULL, err);
	if (r == -EEXIST)
		return error_set(err, EEXIST, "there is already a network device named \"%s\"",
				 name);
	if (r == -EOPNOTSUPP)
		return error_set(err, EOPNOTSUPP,
				 "the kernel has no links of kind mmesh: load its module (modprobe "
				 "mmesh)");
	return r;
}

int mmesh_link_del(const char *name, struct error *err)
{
	_cleanup_(nl_closep) struct nl nl = { 0 };
	int r;

	r = mmesh_link_check_name(name, err);
	if (!r)
		r = nl_open(&nl, NETLINK_ROUTE, err);
	if (r < 0)
		return r;
	return nl_request(&nl, start(&nl, RTM_DELLINK, 0, name), NULL, NULL, err);
}
