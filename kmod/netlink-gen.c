// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	uapi/netlink/specs/mmesh.yaml */
/* YNL-GEN kernel source */
/* To regenerate run: scripts/regen-uapi */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "mmesh-compat-genl.h"
#include "netlink-gen.h"

#include <linux/mmesh.h>

/* Integer value ranges */
static const struct netlink_range_validation mmesh_a_dev_ifindex_range = {
	.min	= 1ULL,
	.max	= S32_MAX,
};

static const struct netlink_range_validation mmesh_a_dev_listen_port_range = {
	.max	= U16_MAX,
};

static const struct netlink_range_validation mmesh_a_dev_relay_clients_range = {
	.min	= 1ULL,
	.max	= 1048576ULL,
};

static const struct netlink_range_validation mmesh_a_peer_ifindex_range = {
	.min	= 1ULL,
	.max	= S32_MAX,
};

static const struct netlink_range_validation mmesh_a_peer_endpoint_port_range = {
	.min	= 1ULL,
	.max	= U16_MAX,
};

static const struct netlink_range_validation mmesh_a_peer_persistent_keepalive_range = {
	.max	= U16_MAX,
};

static const struct netlink_range_validation mmesh_a_allowed_ip_weight_range = {
	.min	= 1ULL,
	.max	= U16_MAX,
};

static const struct netlink_range_validation mmesh_a_stats_ifindex_range = {
	.min	= 1ULL,
	.max	= S32_MAX,
};

static const struct netlink_range_validation mmesh_a_path_ifindex_range = {
	.min	= 1ULL,
	.max	= S32_MAX,
};

static const struct netlink_range_validation mmesh_a_path_port_range = {
	.min	= 1ULL,
	.max	= U16_MAX,
};

/* Common nested types */
const struct nla_policy mmesh_allowed_ip_nl_policy[MMESH_A_ALLOWED_IP_WEIGHT + 1] = {
	[MMESH_A_ALLOWED_IP_ADDR4] = NLA_POLICY_EXACT_LEN(4),
	[MMESH_A_ALLOWED_IP_ADDR6] = NLA_POLICY_EXACT_LEN(16),
	[MMESH_A_ALLOWED_IP_CIDR] = NLA_POLICY_MAX(NLA_U32, 128),
	[MMESH_A_ALLOWED_IP_FLAGS] = NLA_POLICY_MASK(NLA_U32, 0x3),
	[MMESH_A_ALLOWED_IP_PRIORITY] = { .type = NLA_U32, },
	[MMESH_A_ALLOWED_IP_WEIGHT] = NLA_POLICY_FULL_RANGE(NLA_U32, &mmesh_a_allowed_ip_weight_range),
};

const struct nla_policy mmesh_member_prefix_nl_policy[MMESH_A_MEMBER_PREFIX_CIDR + 1] = {
	[MMESH_A_MEMBER_PREFIX_ADDR4] = NLA_POLICY_EXACT_LEN(4),
	[MMESH_A_MEMBER_PREFIX_ADDR6] = NLA_POLICY_EXACT_LEN(16),
	[MMESH_A_MEMBER_PREFIX_CIDR] = NLA_POLICY_MAX(NLA_U32, 128),
};

/* MMESH_CMD_DEV_GET - do */
const struct nla_policy mmesh_dev_get_nl_policy[MMESH_A_DEV_SECRETS + 1] = {
	[MMESH_A_DEV_IFINDEX] = NLA_POLICY_FULL_RANGE(NLA_U32, &mmesh_a_dev_ifindex_range),
	[MMESH_A_DEV_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[MMESH_A_DEV_SECRETS] = { .type = NLA_FLAG, },
};

/* MMESH_CMD_DEV_SET - do */
const struct nla_policy mmesh_dev_set_nl_policy[MMESH_A_DEV_PEER_MISS + 1] = {
	[MMESH_A_DEV_IFINDEX] = NLA_POLICY_FULL_RANGE(NLA_U32, &mmesh_a_dev_ifindex_range),
	[MMESH_A_DEV_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[MMESH_A_DEV_PRIVATE_KEY] = NLA_POLICY_EXACT_LEN(MMESH_KEY_SIZE),
	[MMESH_A_DEV_LISTEN_PORT] = NLA_POLICY_FULL_RANGE(NLA_U32, &mmesh_a_dev_listen_port_range),
	[MMESH_A_DEV_FWMARK] = { .type = NLA_U32, },
	[MMESH_A_DEV_FLAGS] = NLA_POLICY_MASK(NLA_U32, 0x1),
	[MMESH_A_DEV_NETWORK] = { .type = NLA_U64, },
	[MMESH_A_DEV_SUBNET] = NLA_POLICY_MAX(NLA_U32, U8_MAX),
	[MMESH_A_DEV_ROUTED_SUBNETS] = NLA_POLICY_MAX(NLA_U32, 1),
	[MMESH_A_DEV_RELAY] = NLA_POLICY_MAX(NLA_U32, 1),
	[MMESH_A_DEV_RELAY_CLIENTS] = NLA_POLICY_FULL_RANGE(NLA_U32, &mmesh_a_dev_relay_clients_range),
	[MMESH_A_DEV_MEMBER_PREFIX] = NLA_POLICY_NESTED(mmesh_member_prefix_nl_policy),
	[MMESH_A_DEV_PEER_MISS] = NLA_POLICY_MAX(NLA_U32, 1),
};

/* MMESH_CMD_PEER_GET - do */
const struct nla_policy mmesh_peer_get_nl_policy[MMESH_A_PEER_SECRETS + 1] = {
	[MMESH_A_PEER_IFINDEX] = NLA_POLICY_FULL_RANGE(NLA_U32, &mmesh_a_peer_ifindex_range),
	[MMESH_A_PEER_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[MMESH_A_PEER_PUBLIC_KEY] = NLA_POLICY_EXACT_LEN(MMESH_KEY_SIZE),
	[MMESH_A_PEER_SECRETS] = { .type = NLA_FLAG, },
};

/* MMESH_CMD_PEER_ADD - do */
const struct nla_policy mmesh_peer_add_nl_policy[MMESH_A_PEER_LIMIT_BPS + 1] = {
	[MMESH_A_PEER_IFINDEX] = NLA_POLICY_FULL_RANGE(NLA_U32, &mmesh_a_peer_ifindex_range),
	[MMESH_A_PEER_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[MMESH_A_PEER_PUBLIC_KEY] = NLA_POLICY_EXACT_LEN(MMESH_KEY_SIZE),
	[MMESH_A_PEER_PRESHARED_KEY] = NLA_POLICY_EXACT_LEN(MMESH_KEY_SIZE),
	[MMESH_A_PEER_ENDPOINT_ADDR4] = NLA_POLICY_EXACT_LEN(4),
	[MMESH_A_PEER_ENDPOINT_ADDR6] = NLA_POLICY_EXACT_LEN(16),
	[MMESH_A_PEER_ENDPOINT_PORT] = NLA_POLICY_FULL_RANGE(NLA_U32, &mmesh_a_peer_endpoint_port_range),
	[MMESH_A_PEER_ENDPOINT_SCOPE] = { .type = NLA_U32, },
	[MMESH_A_PEER_PERSISTENT_KEEPALIVE] = NLA_POLICY_FULL_RANGE(NLA_U32, &mmesh_a_peer_persistent_keepalive_range),
	[MMESH_A_PEER_SUITE] = NLA_POLICY_MAX(NLA_U32, 1),
	[MMESH_A_PEER_ALLOWED_IPS] = NLA_POLICY_NESTED(mmesh_allowed_ip_nl_policy),
	[MMESH_A_PEER_EXTENDED] = NLA_POLICY_MAX(NLA_U32, 1),
	[MMESH_A_PEER_SUBNET] = NLA_POLICY_MAX(NLA_U32, U8_MAX),
	[MMESH_A_PEER_VIA] = NLA_POLICY_EXACT_LEN(64),
	[MMESH_A_PEER_NETWORK] = { .type = NLA_U64, },
	[MMESH_A_PEER_RELAY_PERMIT] = NLA_POLICY_MAX(NLA_U32, 1),
	[MMESH_A_PEER_RELAY_TRUNK] = NLA_POLICY_MAX(NLA_U32, 1),
	[MMESH_A_PEER_LIMIT_PPS] = { .type = NLA_U64, },
	[MMESH_A_PEER_LIMIT_BPS] = { .type = NLA_U64, },
};

/* MMESH_CMD_PEER_SET - do */
const struct nla_policy mmesh_peer_set_nl_policy[MMESH_A_PEER_LIMIT_BPS + 1] = {
	[MMESH_A_PEER_IFINDEX] = NLA_POLICY_FULL_RANGE(NLA_U32, &mmesh_a_peer_ifindex_range),
	[MMESH_A_PEER_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[MMESH_A_PEER_PUBLIC_KEY] = NLA_POLICY_EXACT_LEN(MMESH_KEY_SIZE),
	[MMESH_A_PEER_PRESHARED_KEY] = NLA_POLICY_EXACT_LEN(MMESH_KEY_SIZE),
	[MMESH_A_PEER_FLAGS] = NLA_POLICY_MASK(NLA_U32, 0x3),
	[MMESH_A_PEER_ENDPOINT_ADDR4] = NLA_POLICY_EXACT_LEN(4),
	[MMESH_A_PEER_ENDPOINT_ADDR6] = NLA_POLICY_EXACT_LEN(16),
	[MMESH_A_PEER_ENDPOINT_PORT] = NLA_POLICY_FULL_RANGE(NLA_U32, &mmesh_a_peer_endpoint_port_range),
	[MMESH_A_PEER_ENDPOINT_SCOPE] = { .type = NLA_U32, },
	[MMESH_A_PEER_PERSISTENT_KEEPALIVE] = NLA_POLICY_FULL_RANGE(NLA_U32, &mmesh_a_peer_persistent_keepalive_range),
	[MMESH_A_PEER_SUITE] = NLA_POLICY_MAX(NLA_U32, 1),
	[MMESH_A_PEER_ALLOWED_IPS] = NLA_POLICY_NESTED(mmesh_allowed_ip_nl_policy),
	[MMESH_A_PEER_EXTENDED] = NLA_POLICY_MAX(NLA_U32, 1),
	[MMESH_A_PEER_SUBNET] = NLA_POLICY_MAX(NLA_U32, U8_MAX),
	[MMESH_A_PEER_VIA] = NLA_POLICY_EXACT_LEN(64),
	[MMESH_A_PEER_NETWORK] = { .type = NLA_U64, },
	[MMESH_A_PEER_RELAY_PERMIT] = NLA_POLICY_MAX(NLA_U32, 1),
	[MMESH_A_PEER_RELAY_TRUNK] = NLA_POLICY_MAX(NLA_U32, 1),
	[MMESH_A_PEER_LIMIT_PPS] = { .type = NLA_U64, },
	[MMESH_A_PEER_LIMIT_BPS] = { .type = NLA_U64, },
};

/* MMESH_CMD_PEER_DEL - do */
const struct nla_policy mmesh_peer_del_nl_policy[MMESH_A_PEER_PUBLIC_KEY + 1] = {
	[MMESH_A_PEER_IFINDEX] = NLA_POLICY_FULL_RANGE(NLA_U32, &mmesh_a_peer_ifindex_range),
	[MMESH_A_PEER_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[MMESH_A_PEER_PUBLIC_KEY] = NLA_POLICY_EXACT_LEN(MMESH_KEY_SIZE),
};

/* MMESH_CMD_STAT_GET - do */
const struct nla_policy mmesh_stat_get_nl_policy[MMESH_A_STATS_IFNAME + 1] = {
	[MMESH_A_STATS_IFINDEX] = NLA_POLICY_FULL_RANGE(NLA_U32, &mmesh_a_stats_ifindex_range),
	[MMESH_A_STATS_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
};

/* MMESH_CMD_PATH_GET - do */
const struct nla_policy mmesh_path_get_nl_policy[MMESH_A_PATH_SCOPE + 1] = {
	[MMESH_A_PATH_IFINDEX] = NLA_POLICY_FULL_RANGE(NLA_U32, &mmesh_a_path_ifindex_range),
	[MMESH_A_PATH_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[MMESH_A_PATH_PUBLIC_KEY] = NLA_POLICY_EXACT_LEN(MMESH_KEY_SIZE),
	[MMESH_A_PATH_ADDR4] = NLA_POLICY_EXACT_LEN(4),
	[MMESH_A_PATH_ADDR6] = NLA_POLICY_EXACT_LEN(16),
	[MMESH_A_PATH_PORT] = NLA_POLICY_FULL_RANGE(NLA_U32, &mmesh_a_path_port_range),
	[MMESH_A_PATH_SCOPE] = { .type = NLA_U32, },
};

/* MMESH_CMD_PATH_ADD - do */
const struct nla_policy mmesh_path_add_nl_policy[MMESH_A_PATH_SCOPE + 1] = {
	[MMESH_A_PATH_IFINDEX] = NLA_POLICY_FULL_RANGE(NLA_U32, &mmesh_a_path_ifindex_range),
	[MMESH_A_PATH_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[MMESH_A_PATH_PUBLIC_KEY] = NLA_POLICY_EXACT_LEN(MMESH_KEY_SIZE),
	[MMESH_A_PATH_ADDR4] = NLA_POLICY_EXACT_LEN(4),
	[MMESH_A_PATH_ADDR6] = NLA_POLICY_EXACT_LEN(16),
	[MMESH_A_PATH_PORT] = NLA_POLICY_FULL_RANGE(NLA_U32, &mmesh_a_path_port_range),
	[MMESH_A_PATH_SCOPE] = { .type = NLA_U32, },
};

/* MMESH_CMD_PATH_DEL - do */
const struct nla_policy mmesh_path_del_nl_policy[MMESH_A_PATH_SCOPE + 1] = {
	[MMESH_A_PATH_IFINDEX] = NLA_POLICY_FULL_RANGE(NLA_U32, &mmesh_a_path_ifindex_range),
	[MMESH_A_PATH_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[MMESH_A_PATH_PUBLIC_KEY] = NLA_POLICY_EXACT_LEN(MMESH_KEY_SIZE),
	[MMESH_A_PATH_ADDR4] = NLA_POLICY_EXACT_LEN(4),
	[MMESH_A_PATH_ADDR6] = NLA_POLICY_EXACT_LEN(16),
	[MMESH_A_PATH_PORT] = NLA_POLICY_FULL_RANGE(NLA_U32, &mmesh_a_path_port_range),
	[MMESH_A_PATH_SCOPE] = { .type = NLA_U32, },
};

/* Ops table for mmesh */
const struct genl_ops mmesh_nl_ops[10] = {
	{
		.cmd		= MMESH_CMD_DEV_GET,
		.doit		= mmesh_nl_dev_get_doit,
		.dumpit		= mmesh_nl_dev_get_dumpit,
		.policy		= mmesh_dev_get_nl_policy,
		.maxattr	= MMESH_A_DEV_SECRETS,
	},
	{
		.cmd		= MMESH_CMD_DEV_SET,
		.doit		= mmesh_nl_dev_set_doit,
		.policy		= mmesh_dev_set_nl_policy,
		.maxattr	= MMESH_A_DEV_PEER_MISS,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= MMESH_CMD_PEER_GET,
		.doit		= mmesh_nl_peer_get_doit,
		.dumpit		= mmesh_nl_peer_get_dumpit,
		.policy		= mmesh_peer_get_nl_policy,
		.maxattr	= MMESH_A_PEER_SECRETS,
	},
	{
		.cmd		= MMESH_CMD_PEER_ADD,
		.doit		= mmesh_nl_peer_add_doit,
		.policy		= mmesh_peer_add_nl_policy,
		.maxattr	= MMESH_A_PEER_LIMIT_BPS,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= MMESH_CMD_PEER_SET,
		.doit		= mmesh_nl_peer_set_doit,
		.policy		= mmesh_peer_set_nl_policy,
		.maxattr	= MMESH_A_PEER_LIMIT_BPS,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= MMESH_CMD_PEER_DEL,
		.doit		= mmesh_nl_peer_del_doit,
		.policy		= mmesh_peer_del_nl_policy,
		.maxattr	= MMESH_A_PEER_PUBLIC_KEY,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= MMESH_CMD_STAT_GET,
		.doit		= mmesh_nl_stat_get_doit,
		.dumpit		= mmesh_nl_stat_get_dumpit,
		.policy		= mmesh_stat_get_nl_policy,
		.maxattr	= MMESH_A_STATS_IFNAME,
	},
	{
		.cmd		= MMESH_CMD_PATH_GET,
		.doit		= mmesh_nl_path_get_doit,
		.dumpit		= mmesh_nl_path_get_dumpit,
		.policy		= mmesh_path_get_nl_policy,
		.maxattr	= MMESH_A_PATH_SCOPE,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= MMESH_CMD_PATH_ADD,
		.doit		= mmesh_nl_path_add_doit,
		.policy		= mmesh_path_add_nl_policy,
		.maxattr	= MMESH_A_PATH_SCOPE,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= MMESH_CMD_PATH_DEL,
		.doit		= mmesh_nl_path_del_doit,
		.policy		= mmesh_path_del_nl_policy,
		.maxattr	= MMESH_A_PATH_SCOPE,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
};
