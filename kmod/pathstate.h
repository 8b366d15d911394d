/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is known of one path to a peer, and which of several is best: numbers
 * in, decisions out, without sockets, clocks or locks. The caller sends the
 * probes and tells what came of them; path.c is the caller. All of it is
 * serialised by the caller. Times are milliseconds of any steady clock that
 * isn't 0.
 */
#ifndef MMESH_PATHSTATE_H
#define MMESH_PATHSTATE_H

#include <linux/mmesh.h>
#include <linux/types.h>

enum mmesh_path_times {
	MMESH_PATH_CURRENT_MS = 1000,	/* between probes of the path in use */
	MMESH_PATH_STANDBY_MS = 4000,	/* of one that works or has worked */
	MMESH_PATH_FAST_MS = 300,	/* when in doubt, or about to be taken */
	MMESH_PATH_SLOW_MS = 500,	/* the same when the round trip is long */
	MMESH_PATH_STRANGER_MS = 2000,	/* of one that has never answered */
	MMESH_PATH_HOPELESS_MS = 30000,	/* the same after many probes */
	MMESH_PATH_DEAD_MIN_MS = 1200,	/* silence that makes a path dead ... */
	MMESH_PATH_DEAD_MAX_MS = 1900,	/* ... when the round trip is long */
};

enum mmesh_path_counts {
	MMESH_PATH_PROBES = 8,		/* whose answers are waited for */
	MMESH_PATH_DEAD_PROBES = 4,	/* unanswered ones that make it dead */
	MMESH_PATH_DOUBT_PROBES = 2,	/* and those that make one look for others */
	MMESH_PATH_STREAK = 3,		/* answers before it displaces another */
	MMESH_PATH_STRANGER_FAST = 4,	/* probes to a stranger at the fast pace */
	MMESH_PATH_STRANGER_PROBES = 60, /* and before it is hopeless */
	MMESH_PATH_DATA_MIN = 4,	/* bundles of which some must arrive */
	MMESH_PATH_DATA_STRIKES = 2,	/* reports without any that make it dead */
};

/* A probe that has not been answered yet; @id 0: the slot is free. */
struct mmesh_path_probe {
	u64 id;
	u64 sent_us;
	u32 data_sent;	/* on this path, before the probe */
};

struct mmesh_pathstate {
	u8 state;		/* enum mmesh_path_state */
	u8 reason;		/* enum mmesh_path_reason */
	bool relayed;
	u8 streak;		/* answers in a row, up to MMESH_PATH_STREAK */
	u8 strikes;		/* reports that no data arrived, in a row */
	u8 slot;		/* of probe[], the oldest */
	bool answered_once;
	bool has_report;
	u16 loss;		/* of 1000, smoothed */
	u32 rtt_us;		/* smoothed; 0: not known */
	u32 unanswered;		/* probes since the last answer */
	u64 doubt_ms;		/* when the first of those was sent; 0: none */
	u64 heard_ms;		/* last answer; 0: never */
	u64 probed_ms;		/* last probe; 0: never */
	u32 data_sent;		/* of the last report's probe */
	u32 data_seen;		/* what that report said */
	struct mmesh_path_probe probe[MMESH_PATH_PROBES];
};

void mmesh_path_state_init(struct mmesh_pathstate *p, bool relayed);

/* When the next probe is due, while there is traffic; @current: the path is in
 * use; @needed: nothing better works, or this one would be better. May lie in
 * the past.
 */
u64 mmesh_path_due(const struct mmesh_pathstate *p, bool current_path, bool needed);

/* A probe was sent; @data_sent counts bundles sent on this path so far. */
void mmesh_path_probed(struct mmesh_pathstate *p, u64 now_ms, u64 id, u64 now_us,
		       u32 data_sent);

/* Whether probe @id was sent on this path and isn't answered yet. */
bool mmesh_path_expects(const struct mmesh_pathstate *p, u64 id);

/* The answer to probe @id came. False: nobody waits for it. */
bool mmesh_path_answered(struct mmesh_pathstate *p, u64 now_ms, u64 id, u64 now_us);

/* The answer also said how many bundles of data have arrived by this path,
 * ever. Call it before mmesh_path_answered() for the same @id.
 */
void mmesh_path_reported(struct mmesh_pathstate *p, u64 id, u32 data_seen);

/* A handshake went both ways by this path: as good as an answer. */
void mmesh_path_proved(struct mmesh_pathstate *p, u64 now_ms);

/* Let time pass. True: the path is dead since now. */
bool mmesh_path_elapsed(struct mmesh_pathstate *p, u64 now_ms);

/* A probe can't even be sent: there is no route or no socket. */
void mmesh_path_unreachable(struct mmesh_pathstate *p, u64 now_ms);

/* There was no traffic, so nobody probed: what is outstanding means nothing. */
void mmesh_path_rested(struct mmesh_pathstate *p);

/* Whether none of @n paths works: all are dead; after that (@before), until one
 * is alive.
 */
bool mmesh_path_none_works(const struct mmesh_pathstate *const *paths, int n,
			   bool before);

/* Which of @n paths to use, @now_in_use being the one in use (or -1): its
 * index, or -1 when none is known to work and @now_in_use may as well stay.
 */
int mmesh_path_choose(const struct mmesh_pathstate *const *paths, int n,
		      int now_in_use);

#endif
