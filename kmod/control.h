/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Control messages between extended peers: small, encrypted under keys of
 * their own, rate-limited each way. They neither move a peer's endpoint nor
 * count as traffic for its timers. docs/protocol.md, section 17.
 */
#ifndef MMESH_CONTROL_H
#define MMESH_CONTROL_H

#include <linux/types.h>

#include "wire.h"

struct mmesh_addr;
struct mmesh_device;
struct mmesh_peer;

/* An authenticated message, as a handler sees it. */
struct mmesh_control_in {
	const struct mmesh_addr *from;	/* where it came from; perhaps no endpoint */
	const u8 *body;
	u16 len;			/* of the body */
	u8 kind;
	unsigned int size;		/* of the whole message: UDP payload */
};

/* Context: softirq, RCU read. May send, may not sleep. */
typedef void (*mmesh_control_handler)(struct mmesh_peer *peer,
				      const struct mmesh_control_in *in);

/* A message to be sent. */
struct mmesh_control_out {
	const struct mmesh_addr *to;	/* NULL: the current endpoint */
	const void *body;
	u16 len;			/* of the body */
	u8 kind;
	bool df;			/* lost rather than fragmented */
	unsigned int size;		/* UDP payload that it is padded to, or 0 */
};

/* Who gets messages of @kind. While the module is being set up only. */
void mmesh_control_register(enum mmesh_control_kind kind,
			    mmesh_control_handler handler);

/* A message of type control came. @msg is the caller's and may be written.
 * Context: softirq, RCU read.
 */
void mmesh_control_receive(struct mmesh_device *m, const struct mmesh_addr *from,
			   const u8 *msg, unsigned int len);

/* Returns 0; -ENOKEY: @peer isn't extended, or there is no session (none is
 * asked for); -EBUSY: too many lately; -EMSGSIZE; -ENOMEM; or what
 * mmesh_socket_send() returns. Context: any, RCU read or reference held.
 */
int mmesh_control_send(struct mmesh_peer *peer, const struct mmesh_control_out *out);

#endif
