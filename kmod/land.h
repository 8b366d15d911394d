/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where records are decrypted to, and how they reach the stack.
 *
 * Consecutive segments of one TCP flow become one packet: the next record is
 * decrypted so that its payload follows the last one's; the headers that this
 * overwrites are saved before and put back after. What does not fit in gets an
 * skb of its own.
 */
#ifndef MMESH_LAND_H
#define MMESH_LAND_H

#include <linux/skbuff.h>
#include <linux/types.h>

struct mmesh_device;
struct mmesh_peer;

enum { MMESH_LAND_HDR_MAX = 40 + 60 };	/* IPv6 and TCP with all options */

enum mmesh_land_mode {
	MMESH_LAND_NONE,
	MMESH_LAND_LINEAR,	/* into an skb of its own */
	MMESH_LAND_FRESH,	/* into new space of the page */
	MMESH_LAND_APPEND,	/* behind the open aggregate's payload */
};

/* Lives on the stack for one received skb. */
struct mmesh_landing {
	struct mmesh_device *m;
	u8 ds;			/* outer type of service */
	bool lone;		/* there is one record only */
	bool alone;		/* and nothing came shortly before */

	/* The packet that came alone: what the stack makes of it, an answer say,
	 * may need what the reception does last, a session for one.
	 */
	struct sk_buff *held;

	/* The record being decrypted. */
	enum mmesh_land_mode mode;
	u8 *spot;
	struct sk_buff *linear;
	u8 saved[MMESH_LAND_HDR_MAX];

	/* The open aggregate. */
	struct sk_buff *skb;
	u8 *tail;		/* end of its payload */
	unsigned int hdr_len;
	unsigned int mss;
	unsigned int segs;
	u32 next_seq;
	bool fixed_id;
	bool closed;		/* its last segment came */

	/* The last record was no TCP data: expect the same of the next. */
	bool expect_other;

	/* Source that was found to belong to @source_peer. */
	const struct mmesh_peer *source_peer;
	u8 source[16];
	u8 source_version;
};

void mmesh_land_module_exit(void);

/* A place for @len bytes of plaintext, or NULL without memory. Then exactly
 * one of commit and cancel. Context of all: softirq, RCU read.
 */
u8 *mmesh_land_reserve(struct mmesh_landing *l, unsigned int len);
void mmesh_land_cancel(struct mmesh_landing *l);
/* The record was authenticated as @peer's. Checks the inner packet and takes
 * it or counts why not.
 */
void mmesh_land_commit(struct mmesh_landing *l, struct mmesh_peer *peer,
		       unsigned int len);
/* Hand up what is open. */
void mmesh_land_finish(struct mmesh_landing *l);
/* The reception is done: hand up what came alone. */
void mmesh_land_release(struct mmesh_landing *l);

#endif
