// SPDX-License-Identifier: Apache-2.0
#include "device.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <string.h>

static void parse_members(struct mmesh_device *dev, const struct nlmsghdr *msg)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, msg, sizeof(struct genlmsghdr)) {
		struct mmesh_attrs attrs;
		struct prefix p = { 0 };
		uint32_t cidr;

		if (mnl_attr_get_type(attr) != MMESH_A_DEV_MEMBER_PREFIX ||
		    mmesh_attrs_read_nested(&attrs, MMESH_A_MEMBER_PREFIX_MAX, attr, NULL) < 0 ||
		    !mmesh_attr_u32(&attrs, MMESH_A_MEMBER_PREFIX_CIDR, &cidr) || cidr > 128)
			continue;
		if (mmesh_attr_bytes(&attrs, MMESH_A_MEMBER_PREFIX_ADDR4, &p.ip4, sizeof(p.ip4)))
			p.family = AF_INET;
		else if (mmesh_attr_bytes(&attrs, MMESH_A_MEMBER_PREFIX_ADDR6, &p.ip6,
					  sizeof(p.ip6)))
			p.family = AF_INET6;
		else
			continue;
		p.cidr = (uint8_t)cidr;
		dev->member[p.family == AF_INET6] = p;
	}
}

/* Both families, so that the device has these and no others. */
static void put_members(struct nlmsghdr *msg, const struct mmesh_device *dev)
{
	for (size_t i = 0; i < ARRAY_SIZE(dev->member); i++) {
		struct nlattr *nest = mnl_attr_nest_start(msg, MMESH_A_DEV_MEMBER_PREFIX);
		const struct prefix *p = &dev->member[i];

		if (i)
			mnl_attr_put(msg, MMESH_A_MEMBER_PREFIX_ADDR6, sizeof(p->ip6), &p->ip6);
		else
			mnl_attr_put(msg, MMESH_A_MEMBER_PREFIX_ADDR4, sizeof(p->ip4), &p->ip4);
		mnl_attr_put_u32(msg, MMESH_A_MEMBER_PREFIX_CIDR, p->cidr);
		mnl_attr_nest_end(msg, nest);
	}
}

static void parse_suites(struct mmesh_device *dev, const struct nlmsghdr *msg)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, msg, sizeof(struct genlmsghdr)) {
		struct mmesh_suite_info *info = &dev->suite[dev->n_suites];
		struct mmesh_attrs attrs;

		if (mnl_attr_get_type(attr) != MMESH_A_DEV_SUITE_INFO)
			continue;
		if (dev->n_suites == MMESH_MAX_SUITES ||
		    mmesh_attrs_read_nested(&attrs, MMESH_A_SUITE_INFO_MAX, attr, NULL) < 0 ||
		    !mmesh_attr_u32(&attrs, MMESH_A_SUITE_INFO_SUITE, &info->suite))
			continue;
		(void)mmesh_attr_string(&attrs, MMESH_A_SUITE_INFO_DRIVER, info->driver,
					sizeof(info->driver));
		info->slow = attrs.at[MMESH_A_SUITE_INFO_SLOW];
		dev->n_suites++;
	}
}

int mmesh_device_parse(struct mmesh_device *ret, const struct nlmsghdr *msg, struct error *err)
{
	struct mmesh_device dev = { 0 };
	struct mmesh_attrs attrs;
	uint32_t port, subnet, routed, relay, miss;
	int r;

	r = mmesh_attrs_read(&attrs, MMESH_A_DEV_MAX, msg, err);
	if (r < 0)
		return r;
	(void)mmesh_attr_u32(&attrs, MMESH_A_DEV_IFINDEX, &dev.ifindex);
	(void)mmesh_attr_string(&attrs, MMESH_A_DEV_IFNAME, dev.name, sizeof(dev.name));
	if (mmesh_attr_bytes(&attrs, MMESH_A_DEV_PRIVATE_KEY, dev.private_key, KEY_LEN) &&
	    !key_is_zero(dev.private_key))
		dev.has |= MMESH_DEVICE_HAS_PRIVATE_KEY;
	if (mmesh_attr_bytes(&attrs, MMESH_A_DEV_PUBLIC_KEY, dev.public_key, KEY_LEN))
		dev.has |= MMESH_DEVICE_HAS_PUBLIC_KEY;
	if (mmesh_attr_u32(&attrs, MMESH_A_DEV_LISTEN_PORT, &port)) {
		dev.listen_port = (uint16_t)port;
		dev.has |= MMESH_DEVICE_HAS_PORT;
	}
	if (mmesh_attr_u32(&attrs, MMESH_A_DEV_FWMARK, &dev.fwmark))
		dev.has |= MMESH_DEVICE_HAS_FWMARK;
	if (mmesh_attr_u64(&attrs, MMESH_A_DEV_NETWORK, &dev.network))
		dev.has |= MMESH_DEVICE_HAS_NETWORK;
	if (mmesh_attr_u32(&attrs, MMESH_A_DEV_SUBNET, &subnet)) {
		dev.subnet = (uint8_t)subnet;
		dev.has |= MMESH_DEVICE_HAS_SUBNET;
	}
	if (mmesh_attr_u32(&attrs, MMESH_A_DEV_ROUTED_SUBNETS, &routed)) {
		dev.routed_subnets = routed;
		dev.has |= MMESH_DEVICE_HAS_ROUTED;
	}
	if (mmesh_attr_u32(&attrs, MMESH_A_DEV_PEER_MISS, &miss)) {
		dev.peer_miss = miss;
		dev.has |= MMESH_DEVICE_HAS_PEER_MISS;
	}
	dev.relay = mmesh_attr_u32(&attrs, MMESH_A_DEV_RELAY, &relay) && relay;
	(void)mmesh_attr_u32(&attrs, MMESH_A_DEV_RELAY_CLIENTS, &dev.relay_clients);
	(void)mmesh_attr_u32(&attrs, MMESH_A_DEV_RELAY_CHANNELS, &dev.relay_channels);
	(void)mmesh_attr_u32(&attrs, MMESH_A_DEV_NUM_PEERS, &dev.num_peers);
	(void)mmesh_attr_u32(&attrs, MMESH_A_DEV_GENERATION, &dev.generation);
	(void)mmesh_attr_string(&attrs, MMESH_A_DEV_VERSION, dev.version, sizeof(dev.version));
	parse_members(&dev, msg);
	parse_suites(&dev, msg);
	*ret = dev;
	explicit_bzero(dev.private_key, KEY_LEN);
	return 0;
}

static int read_one(const struct nlmsghdr *msg, void *user, struct error *err)
{
	return mmesh_device_parse(user, msg, err);
}

int mmesh_device_get(struct mmesh_client *client, const char *name, bool secrets,
		     struct mmesh_device *ret, struct error *err)
{
	struct nlmsghdr *msg = nl_start_genl(&client->nl, client->family, MMESH_CMD_DEV_GET, 0);

	*ret = (struct mmesh_device){ 0 };
	mnl_attr_put_strz(msg, MMESH_A_DEV_IFNAME, name);
	if (secrets)
		mnl_attr_put(msg, MMESH_A_DEV_SECRETS, 0, NULL);
	return nl_request(&client->nl, msg, read_one, ret, err);
}

static int read_list(const struct nlmsghdr *msg, void *user, struct error *err)
{
	struct mmesh_device *dev = mmesh_devices_add(user);

	if (!dev)
		return error_oom(err);
	return mmesh_device_parse(dev, msg, err);
}

static void forget_list(void *user)
{
	mmesh_devices_clear(user);
}

int mmesh_device_list(struct mmesh_client *client, bool secrets, struct mmesh_devices *ret,
		      struct error *err)
{
	struct nlmsghdr *msg = nl_start_genl(&client->nl, client->family, MMESH_CMD_DEV_GET, 0);
	int r;

	*ret = (struct mmesh_devices){ 0 };
	if (secrets)
		mnl_attr_put(msg, MMESH_A_DEV_SECRETS, 0, NULL);
	r = nl_read_all(&client->nl, msg, read_list, forget_list, ret, err);
	if (r < 0)
		mmesh_devices_clear(ret);
	else
		mmesh_devices_sort_by_name(ret);
	return r;
}

struct nlmsghdr *mmesh_device_put_set(struct mmesh_client *client, const struct mmesh_device *dev)
{
	struct nlmsghdr *msg = nl_start_genl(&client->nl, client->family, MMESH_CMD_DEV_SET, 0);

	mnl_attr_put_strz(msg, MMESH_A_DEV_IFNAME, dev->name);
	if (dev->has & MMESH_DEVICE_HAS_PRIVATE_KEY)
		mnl_attr_put(msg, MMESH_A_DEV_PRIVATE_KEY, KEY_LEN, dev->private_key);
	if (dev->has & MMESH_DEVICE_HAS_PORT)
		mnl_attr_put_u32(msg, MMESH_A_DEV_LISTEN_PORT, dev->listen_port);
	if (dev->has & MMESH_DEVICE_HAS_FWMARK)
		mnl_attr_put_u32(msg, MMESH_A_DEV_FWMARK, dev->fwmark);
	if (dev->has & MMESH_DEVICE_HAS_NETWORK)
		mnl_attr_put_u64(msg, MMESH_A_DEV_NETWORK, dev->network);
	if (dev->has & MMESH_DEVICE_HAS_SUBNET)
		mnl_attr_put_u32(msg, MMESH_A_DEV_SUBNET, dev->subnet);
	if (dev->has & MMESH_DEVICE_HAS_ROUTED)
		mnl_attr_put_u32(msg, MMESH_A_DEV_ROUTED_SUBNETS, dev->routed_subnets);
	if (dev->has & MMESH_DEVICE_HAS_RELAY)
		mnl_attr_put_u32(msg, MMESH_A_DEV_RELAY, dev->relay);
	if (dev->has & MMESH_DEVICE_HAS_RELAY_CLIENTS)
		mnl_attr_put_u32(msg, MMESH_A_DEV_RELAY_CLIENTS, dev->relay_clients);
	if (dev->has & MMESH_DEVICE_HAS_MEMBER)
		put_members(msg, dev);
	if (dev->has & MMESH_DEVICE_HAS_PEER_MISS)
		mnl_attr_put_u32(msg, MMESH_A_DEV_PEER_MISS, dev->peer_miss);
	if (dev->replace_peers)
		mnl_attr_put_u32(msg, MMESH_A_DEV_FLAGS, MMESH_DEV_FLAG_REPLACE_PEERS);
	return msg;
}

int mmesh_device_set(struct mmesh_client *client, const struct mmesh_device *dev,
		     struct error *err)
{
	return nl_request(&client->nl, mmesh_device_put_set(client, dev), NULL, NULL, err);
}
