/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A bundle on its way out: records of one peer, keypair and type of service,
 * back to back in one skb that leaves as one UDP GSO packet. All records have
 * the same length but the last, which may be shorter.
 */
#ifndef MMESH_BUNDLE_H
#define MMESH_BUNDLE_H

#include <linux/skbuff.h>

struct mmesh_addr;
struct mmesh_endpoint;
struct mmesh_peer;

struct mmesh_bundle {
	struct mmesh_peer *peer;
	const struct mmesh_addr *to;	/* NULL: the peer's endpoint */
	struct sk_buff *skb;
	const struct sk_buff *like;	/* inner packet whose hash etc. it takes */
	struct sk_buff *owner;		/* inner packet whose memory it accounts */
	unsigned int record_len;	/* of the first record */
	unsigned int records;
	struct mmesh_endpoint *endpoint; /* where it goes, read when it was begun */
	unsigned int lead;		/* room before each record, in bytes */
	u8 ds;				/* outer type of service */
	bool complete;			/* a shorter record has closed it */
	bool alone;			/* no second record is to come */
};

/* Room for a record of @len bytes, contiguous; the bundle is sent and begun
 * anew when it can't take another of that length. NULL: no memory.
 * Context: BH off, RCU read.
 */
u8 *mmesh_bundle_record(struct mmesh_bundle *bundle, unsigned int len);
/* Send what there is. The inner packet's claim on its socket's send buffer
 * moves to the bundle when @owner is set.
 */
void mmesh_bundle_send(struct mmesh_bundle *bundle);

void mmesh_bundle_module_exit(void);

#endif
