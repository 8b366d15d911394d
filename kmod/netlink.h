/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The netlink family, uapi/netlink/specs/mmesh.yaml. Policies and the table of
 * operations are generated (netlink-gen.c); each operation is one function:
 *   netlink.c           the family, what the operations share
 *   netlink-dev.c       dev-get, dev-set, stat-get
 *   netlink-peer.c      peer-get, peer-del
 *   netlink-peer-set.c  peer-add, peer-set
 *   netlink-path.c      path-get, path-add, path-del, path-ntf
 *   netlink-relay.c     what they say of relays
 *   netlink-event.c     what is told to the group `events`
 *
 * A request is checked as a whole before anything is changed; what can fail for
 * lack of memory comes next, with its undoing; what is left can't fail.
 */
#ifndef MMESH_NETLINK_H
#define MMESH_NETLINK_H

#include <linux/mmesh.h>
#include <net/genetlink.h>

#include "mmesh-compat-genl.h"
#include "netlink-gen.h"
#include "socket.h"

struct mmesh_device;
struct mmesh_peer;

/* Set a text and the offending attribute (or NULL); the value is @err. */
#define mmesh_nl_refuse(extack, attr, err, text) ({		\
	NL_SET_ERR_MSG_ATTR((extack), (attr), text);		\
	(err);							\
})

/* The same for an attribute of the message itself that isn't there. */
#define mmesh_nl_missing(extack, type, text) ({			\
	struct netlink_ext_ack *__e = (extack);			\
								\
	NL_SET_ERR_MSG(__e, text);				\
	NL_SET_ERR_ATTR_MISS(__e, NULL, (type));		\
	-EINVAL;						\
})

extern struct genl_family mmesh_nl_family;

/* What the policies let pass and we don't: -EINVAL when an attribute is there
 * twice, types in the mask @multi excepted, or says that it is in network byte order.
 */
int mmesh_nl_check_attrs(const struct nlattr *head, int len, u64 multi,
			 struct netlink_ext_ack *extack);
int mmesh_nl_check_message(const struct nlmsghdr *nlh, u64 multi,
			   struct netlink_ext_ack *extack);

/* Device that the message names by one of its two attributes (either may be
 * NULL), with a reference on its net_device, or ERR_PTR and extack.
 * Context: process; takes no lock.
 */
struct mmesh_device *mmesh_nl_device(struct net *net,
				     const struct nlattr *ifindex,
				     const struct nlattr *ifname,
				     struct netlink_ext_ack *extack);
void mmesh_nl_device_put(struct mmesh_device *m);

/* Take the update lock; -ENODEV when the device is being deleted. */
int mmesh_nl_lock(struct mmesh_device *m, struct netlink_ext_ack *extack);
void mmesh_nl_unlock(struct mmesh_device *m);

/* Whether the sender of @skb may read what isn't for everybody. */
bool mmesh_nl_is_admin(struct sk_buff *skb, struct net *net);
/* 0, or -EPERM when it asked for secrets and may not. */
int mmesh_nl_check_secrets(const struct nlattr *wanted, bool is_admin,
			   struct netlink_ext_ack *extack);

/* Wipe each attribute @type of a request, which has a key in it. */
void mmesh_nl_wipe(struct genl_info *info, int type);

/* Where a message about an object goes, and what may be in it. */
struct mmesh_nl_target {
	u32 portid;
	u32 seq;
	struct netlink_callback *cb;	/* of a dump; NULL: a single reply */
	bool secrets;
	bool endpoints;
};

/* Header of such a message, or NULL: no room. */
void *mmesh_nl_put_header(struct sk_buff *skb,
			  const struct mmesh_nl_target *to, u8 cmd);

/* The types of an address's attributes in one of the sets. */
struct mmesh_nl_addr_types {
	int addr4;
	int addr6;
	int port;
	int scope;
	int relay;	/* 0: one behind a relay has no attribute */
};

/* Attributes of @addr; 0 or -EMSGSIZE. Context: any. */
int mmesh_nl_put_addr(struct sk_buff *skb, struct mmesh_device *m,
		      const struct mmesh_addr *addr,
		      const struct mmesh_nl_addr_types *types);
/* The same as a peer's endpoint. */
int mmesh_nl_put_endpoint(struct sk_buff *skb, const struct mmesh_addr *addr);

/* Attributes of a device's place; 0 or -EMSGSIZE. The update lock is held. */
int mmesh_nl_put_isolation(struct sk_buff *skb, struct mmesh_device *m);

/* Events: whether there is anybody to tell about @m, and not too much already;
 * and how. Context of both: RCU read. The second consumes @skb.
 */
bool mmesh_nl_may_tell(struct mmesh_device *m);
void mmesh_nl_multicast(const struct net_device *dev, struct sk_buff *skb);
/* netlink-relay.c: the part of a peer's request and reply that is about relays.
 * Checking changes nothing, preparing may fail without having changed anything
 * that shows, committing can't fail. @extended: whether the peer will be.
 * Update lock held.
 */
int mmesh_nl_relay_check(struct sk_buff *skb, struct mmesh_device *m,
			 struct mmesh_peer *peer, struct nlattr **attrs,
			 struct netlink_ext_ack *extack);
int mmesh_nl_relay_prepare(struct mmesh_peer *peer, struct nlattr **attrs,
			   struct netlink_ext_ack *extack);
void mmesh_nl_relay_commit(struct mmesh_peer *peer, struct nlattr **attrs);
int mmesh_nl_relay_put(struct sk_buff *skb, struct mmesh_peer *peer, bool is_admin);

/* Events of configuration; the update lock is held. */
void mmesh_nl_tell_device(struct mmesh_device *m);
void mmesh_nl_tell_peer(struct mmesh_peer *peer, u8 cmd);

#endif
