// SPDX-License-Identifier: GPL-2.0
/*
 * A path is probed while there is traffic. It is alive when it answers, dead
 * when it has stopped to, or when it answers but data doesn't arrive:
 *
 *   unknown -> probing -> alive <-> dead
 *
 * A path that works is left for a better one only, after some answers in a
 * row; one that is dead is left at once.
 */

#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "pathstate.h"

enum {
	/* By how much a relay has to be faster than direct, or any path than
	 * one of its own kind, to be taken; going back asks for half as much.
	 */
	MARGIN_PERCENT = 30,
	MARGIN_US = 5000,
	/* More loss than this is weighed as delay. One lost probe isn't. */
	LOSS_IGNORED = 150,
	LOSS_US = 200,		/* for each thousandth */
	LOSS_WEIGHT = 16,
	RTT_WEIGHT = 8,
};

void mmesh_path_state_init(struct mmesh_pathstate *p, bool relayed)
{
	memset(p, 0, sizeof(*p));
	p->state = MMESH_PATH_STATE_UNKNOWN;
	p->reason = MMESH_PATH_REASON_NOT_PROBED;
	p->relayed = relayed;
}

static u64 pace(const struct mmesh_pathstate *p, bool current_path, bool needed)
{
	if (p->state == MMESH_PATH_STATE_ALIVE) {
		if (p->doubt_ms)
			return clamp_t(u64, p->rtt_us / 1000 + 50,
				       MMESH_PATH_FAST_MS, MMESH_PATH_SLOW_MS);
		if (p->strikes || p->streak < MMESH_PATH_STREAK)
			return MMESH_PATH_FAST_MS;
		return current_path ? MMESH_PATH_CURRENT_MS :
				      MMESH_PATH_STANDBY_MS;
	}
	if (p->unanswered < MMESH_PATH_STRANGER_FAST)
		return MMESH_PATH_FAST_MS;
	if (p->answered_once)
		return needed ? MMESH_PATH_STRANGER_MS : MMESH_PATH_STANDBY_MS;
	if (p->unanswered < MMESH_PATH_STRANGER_PROBES)
		return MMESH_PATH_STRANGER_MS;
	return MMESH_PATH_HOPELESS_MS;
}

u64 mmesh_path_due(const struct mmesh_pathstate *p, bool current_path, bool needed)
{
	return p->probed_ms + (p->probed_ms ? pace(p, current_path, needed) : 0);
}

static void note_loss(struct mmesh_pathstate *p, bool lost)
{
	if (lost)
		p->loss += (1000 - p->loss) / LOSS_WEIGHT;
	else
		p->loss -= DIV_ROUND_UP(p->loss, LOSS_WEIGHT);
}

void mmesh_path_probed(struct mmesh_pathstate *p, u64 now_ms, u64 id, u64 now_us,
		       u32 data_sent)
{
	struct mmesh_path_probe *probe = &p->probe[p->slot];

	p->slot = (p->slot + 1) % MMESH_PATH_PROBES;
	/* Loss is that of a path that works. */
	if (probe->id && p->state == MMESH_PATH_STATE_ALIVE)
		note_loss(p, true);
	*probe = (struct mmesh_path_probe){
		.id = id,
		.sent_us = now_us,
		.data_sent = data_sent,
	};
	p->probed_ms = now_ms;
	if (!p->doubt_ms)
		p->doubt_ms = now_ms;
	if (p->unanswered < U32_MAX)
		p->unanswered++;
	if (p->state == MMESH_PATH_STATE_UNKNOWN) {
		p->state = MMESH_PATH_STATE_PROBING;
		p->reason = MMESH_PATH_REASON_NO_ANSWER;
	}
}

static struct mmesh_path_probe *find(struct mmesh_pathstate *p, u64 id)
{
	unsigned int i;

	for (i = 0; id && i < MMESH_PATH_PROBES; i++)
		if (p->probe[i].id == id)
			return &p->probe[i];
	return NULL;
}

bool mmesh_path_expects(const struct mmesh_pathstate *p, u64 id)
{
	return find((struct mmesh_pathstate *)p, id);
}

static void note_rtt(struct mmesh_pathstate *p, u64 rtt_us)
{
	u32 rtt = clamp_t(u64, rtt_us, 1, 60 * 1000 * 1000);

	/* The first answers may have waited for a neighbour's address, or for
	 * the path to open: the quickest of them counts.
	 */
	if (!p->rtt_us || p->state != MMESH_PATH_STATE_ALIVE)
		p->rtt_us = rtt;
	else if (p->streak < MMESH_PATH_STREAK)
		p->rtt_us = min(p->rtt_us, rtt);
	else
		p->rtt_us += ((s32)rtt - (s32)p->rtt_us) / RTT_WEIGHT;
}

/* It works, as far as probes can say. */
static void heard(struct mmesh_pathstate *p, u64 now_ms)
{
	p->heard_ms = now_ms;
	p->doubt_ms = 0;
	p->unanswered = 0;
	p->answered_once = true;
	if (p->state == MMESH_PATH_STATE_DEAD &&
	    p->reason == MMESH_PATH_REASON_NO_DATA)
		return;
	if (p->state != MMESH_PATH_STATE_ALIVE) {
		p->streak = 0;
		p->loss = 0;
		memset(p->probe, 0, sizeof(p->probe));
	}
	if (p->streak < MMESH_PATH_STREAK)
		p->streak++;
	p->state = MMESH_PATH_STATE_ALIVE;
	p->reason = MMESH_PATH_REASON_NONE;
}

bool mmesh_path_answered(struct mmesh_pathstate *p, u64 now_ms, u64 id, u64 now_us)
{
	struct mmesh_path_probe *probe = find(p, id);

	if (!probe)
		return false;
	note_rtt(p, now_us - probe->sent_us);
	note_loss(p, false);
	/* What was sent before and is unanswered still has been lost, or is
	 * late; the slot's next use counts it.
	 */
	probe->id = 0;
	heard(p, now_ms);
	return true;
}

static void dead(struct mmesh_pathstate *p, u8 reason)
{
	p->state = MMESH_PATH_STATE_DEAD;
	p->reason = reason;
	p->streak = 0;
	p->strikes = 0;
}

void mmesh_path_reported(struct mmesh_pathstate *p, u64 id, u32 data_seen)
{
	const struct mmesh_path_probe *probe = find(p, id);
	bool first = !p->has_report;
	u32 sent, seen;

	if (!probe)
		return;
	sent = probe->data_sent - p->data_sent;
	seen = data_seen - p->data_seen;
	/* An answer that was overtaken. */
	if (!first && (s32)sent < 0)
		return;
	if (first || seen) {
		p->strikes = 0;
		if (!first && p->state == MMESH_PATH_STATE_DEAD &&
		    p->reason == MMESH_PATH_REASON_NO_DATA)
			p->reason = MMESH_PATH_REASON_NO_ANSWER;
	} else if (sent < MMESH_PATH_DATA_MIN) {
		/* Too little to say; it goes on counting. */
		return;
	} else if (p->state == MMESH_PATH_STATE_ALIVE &&
		   ++p->strikes >= MMESH_PATH_DATA_STRIKES) {
		dead(p, MMESH_PATH_REASON_NO_DATA);
	}
	p->has_report = true;
	p->data_sent = probe->data_sent;
	p->data_seen = data_seen;
}

void mmesh_path_proved(struct mmesh_pathstate *p, u64 now_ms)
{
	heard(p, now_ms);
}

bool mmesh_path_elapsed(struct mmesh_pathstate *p, u64 now_ms)
{
	const u64 patience = clamp_t(u64, p->rtt_us / 500 + 900,
				     MMESH_PATH_DEAD_MIN_MS,
				     MMESH_PATH_DEAD_MAX_MS);

	if (p->state == MMESH_PATH_STATE_DEAD || !p->doubt_ms ||
	    p->unanswered < MMESH_PATH_DEAD_PROBES ||
	    now_ms - p->doubt_ms < patience)
		return false;
	dead(p, p->answered_once ? MMESH_PATH_REASON_STOPPED_ANSWERING :
				   MMESH_PATH_REASON_NO_ANSWER);
	return true;
}

void mmesh_path_rested(struct mmesh_pathstate *p)
{
	unsigned int i;

	for (i = 0; i < MMESH_PATH_PROBES; i++)
		p->probe[i].id = 0;
	p->doubt_ms = 0;
	p->strikes = 0;
	p->probed_ms = 0;
	p->has_report = false;
	/* One that has worked may do so again, and gets its quick tries. */
	if (p->answered_once || p->unanswered < MMESH_PATH_STRANGER_PROBES)
		p->unanswered = 0;
}

void mmesh_path_unreachable(struct mmesh_pathstate *p, u64 now_ms)
{
	dead(p, MMESH_PATH_REASON_NO_ROUTE);
	p->probed_ms = now_ms;
	p->unanswered = max_t(u32, p->unanswered, MMESH_PATH_STRANGER_FAST);
}

static u64 cost(const struct mmesh_pathstate *p)
{
	u64 cost = p->rtt_us;

	if (p->loss > LOSS_IGNORED)
		cost += (u64)(p->loss - LOSS_IGNORED) * LOSS_US;
	return cost;
}

/* @a costs less than @b by @share hundredths of the margin. */
static bool cheaper(const struct mmesh_pathstate *a,
		    const struct mmesh_pathstate *b, unsigned int share)
{
	const u64 ca = cost(a), cb = cost(b);

	return ca * 10000 < cb * (10000 - MARGIN_PERCENT * share) &&
	       ca + MARGIN_US * share / 100 < cb;
}

/* @a is to be preferred to @b, which is in use. */
static bool displaces(const struct mmesh_pathstate *a,
		      const struct mmesh_pathstate *b)
{
	if (a->relayed == b->relayed || a->relayed)
		return cheaper(a, b, 100);
	/* Direct instead of relayed, unless the relay is still much faster. */
	return !cheaper(b, a, 50);
}

/* The better of two that aren't in use. */
static bool better(const struct mmesh_pathstate *a,
		   const struct mmesh_pathstate *b)
{
	if (a->relayed == b->relayed)
		return cost(a) < cost(b);
	return a->relayed ? cheaper(a, b, 100) : !cheaper(b, a, 100);
}

bool mmesh_path_none_works(const struct mmesh_pathstate *const *paths, int n,
			   bool before)
{
	bool dead = n > 0;
	int i;

	for (i = 0; i < n; i++) {
		if (paths[i]->state == MMESH_PATH_STATE_ALIVE)
			return false;
		if (paths[i]->state != MMESH_PATH_STATE_DEAD)
			dead = false;
	}
	return dead || (before && n);
}

int mmesh_path_choose(const struct mmesh_pathstate *const *paths, int n,
		      int now_in_use)
{
	const bool works = now_in_use >= 0 &&
		paths[now_in_use]->state == MMESH_PATH_STATE_ALIVE;
	int i, best = -1;

	for (i = 0; i < n; i++) {
		if (i == now_in_use ||
		    paths[i]->state != MMESH_PATH_STATE_ALIVE)
			continue;
		if (works && (paths[i]->streak < MMESH_PATH_STREAK ||
			      paths[i]->doubt_ms != 0 ||
			      !displaces(paths[i], paths[now_in_use])))
			continue;
		if (best < 0 || better(paths[i], paths[best]))
			best = i;
	}
	if (best >= 0)
		return best;
	return works ? now_in_use : -1;
}
