/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Search for the largest message that a path takes whole: numbers in, decisions
 * out. The caller sends probes of the sizes that this asks for, never
 * fragmented, and tells what came of them. Sizes are UDP payload. Times are
 * milliseconds of any steady clock that isn't 0.
 */
#ifndef MMESH_MTUSEARCH_H
#define MMESH_MTUSEARCH_H

#include <linux/types.h>

enum mmesh_mtu_times {
	MMESH_MTU_VERIFY_MS = 1000,	/* while full-size packets are sent */
	MMESH_MTU_GROW_MS = 30000,	/* until a larger size is tried again */
};

enum mmesh_mtu_limits {
	MMESH_MTU_TRIES = 3,		/* lost ones before a size is too large */
	MMESH_MTU_LINK_MIN = 1280,	/* IP packet that every path must take */
	MMESH_MTU_LINK_MAX = 9000,	/* larger ones are not tried */
};

struct mmesh_mtu_search {
	u16 overhead;	/* IP, UDP and relay headers around the message */
	u16 ceiling;	/* what the local route takes */
	u16 good;	/* largest that has passed; 0: not known yet */
	u16 bad;	/* smallest that has not; 0: not known */
	u16 trying;	/* the size of the probe that is out, 0: none is */
	u8 tries;	/* how many of that size were lost */
	u64 sent_ms;	/* that probe */
	u64 checked_ms;	/* @good passed last */
	u64 grow_ms;	/* try larger ones from then on */
};

/* @link_mtu: of the local route to the first hop. */
void mmesh_mtu_init(struct mmesh_mtu_search *s, unsigned int overhead,
		    unsigned int link_mtu);

/* The largest message that may be sent without loss, as far as is known; 0: not
 * known yet.
 */
unsigned int mmesh_mtu_size(const struct mmesh_mtu_search *s);

/* Nothing between what passes and what doesn't is left to try. */
bool mmesh_mtu_settled(const struct mmesh_mtu_search *s);

/* Size of the probe to send now, or 0; @full: packets of about the largest size
 * are being sent. mmesh_mtu_sent() has to follow when it was sent.
 */
unsigned int mmesh_mtu_next(const struct mmesh_mtu_search *s, u64 now_ms, bool full);
void mmesh_mtu_sent(struct mmesh_mtu_search *s, u64 now_ms, unsigned int size);

/* All of these return whether mmesh_mtu_size() has changed. */
/* A probe of @size was answered. */
bool mmesh_mtu_passed(struct mmesh_mtu_search *s, u64 now_ms, unsigned int size);
/* Let time pass: a probe is lost after @patience_ms, but only if the path has
 * answered something smaller since it was sent (@heard_ms).
 */
bool mmesh_mtu_elapsed(struct mmesh_mtu_search *s, u64 now_ms,
		       unsigned int patience_ms, u64 heard_ms);
/* The local route now takes @link_mtu: another link, or a router said so. */
bool mmesh_mtu_route(struct mmesh_mtu_search *s, u64 now_ms, unsigned int link_mtu);

#endif
