// SPDX-License-Identifier: Apache-2.0
#include "counters.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct counters_link {
	struct mnl_socket *nl;
	uint16_t family;
	uint32_t seq;
	char dev[16];
};

static void die(const char *what)
{
	fprintf(stderr, "netlink: %s: %s\n", what, strerror(errno));
	exit(2);
}

static struct nlmsghdr *new_request(struct counters_link *link, char *buf, uint16_t family,
				    uint8_t cmd)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));

	nlh->nlmsg_type = family;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nlh->nlmsg_seq = ++link->seq;
	genl->cmd = cmd;
	genl->version = 1;
	return nlh;
}

static void talk(struct counters_link *link, struct nlmsghdr *nlh, mnl_cb_t cb, void *data)
{
	static char reply[32768];
	ssize_t n;

	if (mnl_socket_sendto(link->nl, nlh, nlh->nlmsg_len) < 0)
		die("send");
	n = mnl_socket_recvfrom(link->nl, reply, sizeof(reply));
	if (n < 0 || mnl_cb_run(reply, (size_t)n, link->seq,
				mnl_socket_get_portid(link->nl), cb, data) < 0)
		die("reply");
}

static int take_family(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
			*(uint16_t *)data = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

struct counters_link *counters_open(const char *dev)
{
	struct counters_link *link = calloc(1, sizeof(*link));
	struct nlmsghdr *nlh;
	char buf[1024];

	if (!link)
		die("memory");
	snprintf(link->dev, sizeof(link->dev), "%s", dev);
	link->nl = mnl_socket_open(NETLINK_GENERIC);
	if (!link->nl || mnl_socket_bind(link->nl, 0, MNL_SOCKET_AUTOPID) < 0)
		die("socket");
	nlh = new_request(link, buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, MMESH_FAMILY_NAME);
	talk(link, nlh, take_family, &link->family);
	return link;
}

static int take_counters(const struct nlmsghdr *nlh, void *data)
{
	struct counters *counters = data;
	const struct nlattr *attr, *nested;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		uint32_t id = MMESH_STAT_COUNT;

		if (mnl_attr_get_type(attr) != MMESH_A_STATS_COUNTER)
			continue;
		mnl_attr_for_each_nested(nested, attr) {
			if (mnl_attr_get_type(nested) == MMESH_A_COUNTER_ID)
				id = mnl_attr_get_u32(nested);
			else if (mnl_attr_get_type(nested) == MMESH_A_COUNTER_VALUE &&
				 id < MMESH_STAT_COUNT)
				counters->value[id] = mnl_attr_get_u64(nested);
		}
	}
	return MNL_CB_OK;
}

void counters_read(struct counters_link *link, struct counters *counters)
{
	struct nlmsghdr *nlh;
	char buf[1024];

	nlh = new_request(link, buf, link->family, MMESH_CMD_STAT_GET);
	mnl_attr_put_strz(nlh, MMESH_A_STATS_IFNAME, link->dev);
	talk(link, nlh, take_counters, counters);
}

#define NAME(id) [MMESH_STAT_ ## id] = #id

const char *counter_name(unsigned int id)
{
	static const char *const names[MMESH_STAT_COUNT] = {
		NAME(RX_PACKETS), NAME(RX_BYTES), NAME(RX_BUNDLES), NAME(RX_RECORDS),
		NAME(RX_KEEPALIVES), NAME(RX_COALESCED), NAME(RX_DROP_SHORT),
		NAME(RX_DROP_LONG), NAME(RX_DROP_TYPE),
		NAME(RX_DROP_NO_SESSION), NAME(RX_DROP_EXPIRED), NAME(RX_DROP_AUTH),
		NAME(RX_DROP_REPLAY), NAME(RX_DROP_NOT_IP), NAME(RX_DROP_INNER_LENGTH),
		NAME(RX_DROP_SOURCE), NAME(RX_DROP_ECN), NAME(RX_DROP_NO_MEMORY),
		NAME(RX_DROP_BACKLOG), NAME(RX_DROP_DEVICE_DOWN), NAME(HS_INIT_TX),
		NAME(HS_RESP_TX), NAME(HS_COOKIE_TX), NAME(HS_INIT_RX), NAME(HS_RESP_RX),
		NAME(HS_COOKIE_RX), NAME(HS_COMPLETED), NAME(HS_GAVE_UP),
		NAME(HS_DROP_QUEUE_FULL), NAME(HS_DROP_MAC1), NAME(HS_DROP_COOKIE_REQUIRED),
		NAME(HS_DROP_RATELIMIT), NAME(HS_DROP_DECRYPT), NAME(HS_DROP_UNKNOWN_PEER),
		NAME(HS_DROP_REPLAY), NAME(HS_DROP_FLOOD), NAME(HS_DROP_SUITE),
		NAME(HS_DROP_NO_INDEX), NAME(HS_DROP_STATE), NAME(HS_DROP_COOKIE_INVALID),
		NAME(HS_DROP_NO_IDENTITY), NAME(HS_DROP_NO_MEMORY), NAME(HS_DROP_NO_ENDPOINT),
		NAME(HS_DROP_SEND), NAME(CTL_TX), NAME(CTL_RX), NAME(CTL_DROP_NO_SESSION),
		NAME(CTL_DROP_AUTH), NAME(CTL_DROP_REPLAY), NAME(CTL_DROP_RATE),
		NAME(CTL_DROP_MALFORMED), NAME(CTL_DROP_KIND), NAME(LEG_RX),
		NAME(RELAY_PACKETS), NAME(LEG_DROP_NO_SESSION), NAME(LEG_DROP_AUTH),
		NAME(LEG_DROP_REPLAY), NAME(LEG_DROP_MALFORMED), NAME(LEG_DROP_CHANNEL),
		NAME(RELAY_DROP_PERMIT), NAME(RELAY_DROP_NETWORK), NAME(RELAY_DROP_TARGET),
		NAME(RELAY_DROP_FULL), NAME(RELAY_DROP_LIMIT),
	};

	return id < MMESH_STAT_COUNT && names[id] ? names[id] : "?";
}
