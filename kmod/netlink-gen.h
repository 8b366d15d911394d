/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	uapi/netlink/specs/mmesh.yaml */
/* YNL-GEN kernel header */
/* To regenerate run: scripts/regen-uapi */

#ifndef _LINUX_MMESH_GEN_H
#define _LINUX_MMESH_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <linux/mmesh.h>

/* Common nested types */
extern const struct nla_policy mmesh_allowed_ip_nl_policy[MMESH_A_ALLOWED_IP_WEIGHT + 1];
extern const struct nla_policy mmesh_member_prefix_nl_policy[MMESH_A_MEMBER_PREFIX_CIDR + 1];

extern const struct nla_policy mmesh_dev_get_nl_policy[MMESH_A_DEV_SECRETS + 1];

extern const struct nla_policy mmesh_dev_set_nl_policy[MMESH_A_DEV_PEER_MISS + 1];

extern const struct nla_policy mmesh_peer_get_nl_policy[MMESH_A_PEER_SECRETS + 1];

extern const struct nla_policy mmesh_peer_add_nl_policy[MMESH_A_PEER_LIMIT_BPS + 1];

extern const struct nla_policy mmesh_peer_set_nl_policy[MMESH_A_PEER_LIMIT_BPS + 1];

extern const struct nla_policy mmesh_peer_del_nl_policy[MMESH_A_PEER_PUBLIC_KEY + 1];

extern const struct nla_policy mmesh_stat_get_nl_policy[MMESH_A_STATS_IFNAME + 1];

extern const struct nla_policy mmesh_path_get_nl_policy[MMESH_A_PATH_SCOPE + 1];

extern const struct nla_policy mmesh_path_add_nl_policy[MMESH_A_PATH_SCOPE + 1];

extern const struct nla_policy mmesh_path_del_nl_policy[MMESH_A_PATH_SCOPE + 1];

/* Ops table for mmesh */
extern const struct genl_ops mmesh_nl_ops[10];

int mmesh_nl_dev_get_doit(struct sk_buff *skb, struct genl_info *info);
int mmesh_nl_dev_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int mmesh_nl_dev_set_doit(struct sk_buff *skb, struct genl_info *info);
int mmesh_nl_peer_get_doit(struct sk_buff *skb, struct genl_info *info);
int mmesh_nl_peer_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int mmesh_nl_peer_add_doit(struct sk_buff *skb, struct genl_info *info);
int mmesh_nl_peer_set_doit(struct sk_buff *skb, struct genl_info *info);
int mmesh_nl_peer_del_doit(struct sk_buff *skb, struct genl_info *info);
int mmesh_nl_stat_get_doit(struct sk_buff *skb, struct genl_info *info);
int mmesh_nl_stat_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int mmesh_nl_path_get_doit(struct sk_buff *skb, struct genl_info *info);
int mmesh_nl_path_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int mmesh_nl_path_add_doit(struct sk_buff *skb, struct genl_info *info);
int mmesh_nl_path_del_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	MMESH_NLGRP_EVENTS,
};

#endif /* _LINUX_MMESH_GEN_H */
