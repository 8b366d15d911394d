/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Legs: the way of a relayed message between a client and its relay. Each
 * message has a header before it that the leg's session authenticates; the
 * message itself is not touched. docs/protocol.md, section 20.
 */
#ifndef MMESH_LEG_H
#define MMESH_LEG_H

#include <linux/skbuff.h>
#include <linux/types.h>

#include "ext.h"
#include "socket.h"
#include "wire.h"

struct mmesh_keypair;

/* What a header says, apart from its tag. */
struct mmesh_leg_header {
	__le32 index;		/* the receiver's, of the leg's session */
	u64 counter;
	u32 channel;
	u16 len;		/* of the message behind it */
	u16 flags;		/* MMESH_LEG_* */
};

/* Write a header to @at, behind which the message is already. Context: any. */
void mmesh_leg_write(const struct mmesh_session_ext *ext, u8 *at,
		     const struct mmesh_leg_header *header);
/* Read the header at @at; MMESH_LEG_COVERED bytes of the message follow it.
 * False: the tag is wrong. The caller looks at the counter. Context: any.
 */
bool mmesh_leg_verify(const struct mmesh_session_ext *ext, const u8 *at,
		      struct mmesh_leg_header *header);

/* The session of a leg to @peer, or NULL: none to send under. RCU read. */
struct mmesh_keypair *mmesh_leg_keypair(struct mmesh_peer *peer);
/* The session that a header's @index names, or NULL. RCU read. */
struct mmesh_keypair *mmesh_leg_find(struct mmesh_device *m, __le32 index);
/* Whether @counter is new; then it is marked as seen. After verification. */
bool mmesh_leg_is_new(struct mmesh_session_ext *ext, u64 counter);
/* Tell the timers of @peer, and have its session renewed in time. RCU read. */
void mmesh_leg_sent(struct mmesh_peer *peer, struct mmesh_keypair *keypair);
void mmesh_leg_received(struct mmesh_keypair *keypair, const struct mmesh_addr *from,
			unsigned int bytes);

/* Send a message, or a bundle of them, by the channel @addr; consumes @skb.
 * With @lead each has room for the header before it. @peer (or NULL) is whose
 * address it is. Returns 0 or -ENOLINK: the channel or the session with the
 * relay isn't there, and has been asked for. Context: RCU read, BH off.
 */
int mmesh_leg_send(struct mmesh_device *m, struct mmesh_peer *peer,
		   const struct mmesh_addr *addr, struct sk_buff *skb, u8 ds,
		   bool df, bool lead);

#endif
