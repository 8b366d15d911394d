/* SPDX-License-Identifier: GPL-2.0 */
/* Generic netlink, under the newest kernel's names. */
#ifndef MMESH_COMPAT_GENL_H
#define MMESH_COMPAT_GENL_H

#include <net/genetlink.h>

/* 6.7 gave groups flags of their own; before, they borrowed an operation's. */
#ifdef GENL_MCAST_CAP_NET_ADMIN
#define MMESH_GROUP_FLAGS .flags = GENL_MCAST_CAP_NET_ADMIN
#else
#define MMESH_GROUP_FLAGS .flags = GENL_UNS_ADMIN_PERM
#endif

/* 6.1 wants to write to the ranges of policies, and never does. */
#ifndef MMESH_HAVE_CONST_RANGE
#undef NLA_POLICY_FULL_RANGE
#define NLA_POLICY_FULL_RANGE(tp, _range) {			\
	.type = NLA_ENSURE_UINT_OR_BINARY_TYPE(tp),		\
	.validation_type = NLA_VALIDATE_RANGE_PTR,		\
	.range = (struct netlink_range_validation *)(_range),	\
}
#endif

/* Texts with numbers in them, at most 80 characters, came with 6.2; before, the
 * offending attribute, which is reported as well, has to do.
 */
#ifdef NL_SET_ERR_MSG_ATTR_FMT
#define MMESH_ERR_MSG_ATTR_FMT(extack, attr, plain, fmt, args...) do {	\
	(void)(plain);							\
	NL_SET_ERR_MSG_ATTR_FMT((extack), (attr), fmt, ##args);		\
} while (0)
#else
#define MMESH_ERR_MSG_ATTR_FMT(extack, attr, plain, fmt, args...) do {	\
	no_printk(fmt, ##args);						\
	NL_SET_ERR_MSG_ATTR((extack), (attr), plain);			\
} while (0)
#endif

#endif
