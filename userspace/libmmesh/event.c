// SPDX-License-Identifier: Apache-2.0
#include "event.h"

#include <errno.h>
#include <linux/genetlink.h>

#include "device.h"
#include "peer.h"

int mmesh_event_join(struct mmesh_client *client, struct error *err)
{
	int group = (int)client->events_group;

	if (!group)
		return error_set(err, ENOENT, "the kernel's mmesh has no group for events");
	if (mnl_socket_setsockopt(client->nl.sock, NETLINK_ADD_MEMBERSHIP, &group,
				  sizeof(group)) < 0)
		return error_set(err, errno, "cannot listen to events: %m");
	return 0;
}

static int parse_miss(struct mmesh_event *ret, const struct nlmsghdr *msg, struct error *err)
{
	struct mmesh_miss *miss = &ret->miss;
	union endpoint *ep = &miss->address;
	struct mmesh_attrs attrs;
	uint32_t port = 0;
	int r;

	r = mmesh_attrs_read(&attrs, MMESH_A_MISS_MAX, msg, err);
	if (r < 0)
		return r;
	ret->has_miss = true;
	(void)mmesh_attr_u32(&attrs, MMESH_A_MISS_IFINDEX, &ret->ifindex);
	(void)mmesh_attr_u32(&attrs, MMESH_A_MISS_PORT, &port);
	miss->has_key = mmesh_attr_bytes(&attrs, MMESH_A_MISS_PUBLIC_KEY, miss->public_key, KEY_LEN);
	miss->has_relay = mmesh_attr_bytes(&attrs, MMESH_A_MISS_RELAY, miss->relay, KEY_LEN);
	if (mmesh_attr_bytes(&attrs, MMESH_A_MISS_ADDR4, &ep->in4.sin_addr,
			     sizeof(ep->in4.sin_addr))) {
		ep->in4.sin_family = AF_INET;
		ep->in4.sin_port = htons((uint16_t)port);
	} else if (mmesh_attr_bytes(&attrs, MMESH_A_MISS_ADDR6, &ep->in6.sin6_addr,
				    sizeof(ep->in6.sin6_addr))) {
		ep->in6.sin6_family = AF_INET6;
		ep->in6.sin6_port = htons((uint16_t)port);
		(void)mmesh_attr_u32(&attrs, MMESH_A_MISS_SCOPE, &ep->in6.sin6_scope_id);
	} else if (!miss->has_key) {
		return error_set(err, EPROTO, "the kernel misses a peer and does not say which");
	}
	return 0;
}

int mmesh_event_parse(struct mmesh_event *ret, struct mmesh_device *dev, struct mmesh_peer *peer,
		      const struct nlmsghdr *msg, struct error *err)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(msg);
	struct mmesh_attrs attrs;
	int r;

	*ret = (struct mmesh_event){ 0 };
	if (mnl_nlmsg_get_payload_len(msg) < sizeof(*genl))
		return error_set(err, EPROTO, "the kernel's event is too short");
	ret->command = genl->cmd;
	switch (genl->cmd) {
	case MMESH_CMD_DEV_NTF:
		r = mmesh_device_parse(dev, msg, err);
		ret->device = dev;
		ret->ifindex = dev->ifindex;
		return r;
	case MMESH_CMD_PEER_ADD_NTF:
	case MMESH_CMD_PEER_CHANGE_NTF:
	case MMESH_CMD_PEER_DEL_NTF:
	case MMESH_CMD_HANDSHAKE_NTF:
	case MMESH_CMD_ENDPOINT_NTF:
	case MMESH_CMD_REACHABLE_NTF:
		r = mmesh_attrs_read(&attrs, MMESH_A_PEER_MAX, msg, err);
		if (r < 0)
			return r;
		(void)mmesh_attr_u32(&attrs, MMESH_A_PEER_IFINDEX, &ret->ifindex);
		ret->peer = peer;
		return mmesh_peer_parse(peer, msg, err);
	case MMESH_CMD_PATH_NTF:
		r = mmesh_path_parse(&ret->path, msg, err);
		ret->ifindex = ret->path.ifindex;
		ret->has_path = true;
		return r;
	case MMESH_CMD_PEER_MISS_NTF:
		return parse_miss(ret, msg, err);
	default:
		return 0; /* newer than this library: the command tells the caller */
	}
}

static int hand_on(const struct nlmsghdr *msg, mmesh_event_fn on_event, void *user,
		   struct error *err)
{
	struct mmesh_device dev = { 0 };
	struct mmesh_peer peer = { 0 };
	struct mmesh_event event;
	int r;

	r = mmesh_event_parse(&event, &dev, &peer, msg, err);
	if (!r)
		r = on_event(&event, user, err);
	mmesh_peer_clear(&peer);
	mmesh_device_clear(&dev);
	return r;
}

int mmesh_event_listen(struct mmesh_client *client, mmesh_event_fn on_event,
		       void (*on_lost)(void *user), void *user, struct error *err)
{
	struct nl *nl = &client->nl;

	for (;;) {
		ssize_t n = mnl_socket_recvfrom(nl->sock, nl->receive, NL_RECEIVE_SIZE);
		const struct nlmsghdr *msg = (const void *)nl->receive;
		int len = (int)n;
		int r;

		if (n < 0 && errno == ENOBUFS) {
			if (on_lost)
				on_lost(user);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(err, errno, "cannot receive from the kernel: %m");
		for (; mnl_nlmsg_ok(msg, len); msg = mnl_nlmsg_next(msg, &len)) {
			if (msg->nlmsg_type != client->family)
				continue;
			r = hand_on(msg, on_event, user, err);
			if (r < 0)
				return r;
		}
	}
}
