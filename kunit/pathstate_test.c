// SPDX-License-Identifier: GPL-2.0
/* Paths: a peer behind several of them is played, in time that is counted. */
#include "../kmod/pathstate.c"
#include "test.h"

enum {
	START = 1000000,
	STEP = 10,		/* ms */
	MAX_PLAYED = 4,
	IN_FLIGHT = 128,
};

/* A path as it really is. */
struct played {
	struct mmesh_pathstate state;
	u32 delay;		/* ms, both ways together */
	u32 loss;		/* of 1000 probes */
	bool up;
	bool no_data;
	u32 data_sent, data_seen;
	u32 probes;
	struct {
		u64 id;
		u64 at;
		u32 seen;
	} answers[IN_FLIGHT];
};

struct play {
	struct played path[MAX_PLAYED];
	int n;
	int using;
	u64 now;
	u64 last_id;
	u32 switches;
	bool idle;
	struct rnd_state rnd;
};

static struct play *new_play(struct kunit *test, int n)
{
	struct play *play = kunit_kzalloc(test, sizeof(*play), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, play);
	prandom_seed_state(&play->rnd, 1);
	play->n = n;
	play->now = START;
	for (i = 0; i < n; i++) {
		mmesh_path_state_init(&play->path[i].state, false);
		play->path[i].up = true;
		play->path[i].delay = 20;
	}
	return play;
}

static void probe(struct play *play, struct played *p)
{
	u64 id = ++play->last_id;

	mmesh_path_probed(&p->state, play->now, id, play->now * 1000, p->data_sent);
	p->probes++;
	if (!p->up || mmesh_test_below(&play->rnd, 1000) < p->loss)
		return;
	p->answers[id % IN_FLIGHT].id = id;
	p->answers[id % IN_FLIGHT].at = play->now + p->delay;
	p->answers[id % IN_FLIGHT].seen = p->data_seen;
}

static void hear(struct play *play, struct played *p)
{
	unsigned int i;

	for (i = 0; i < IN_FLIGHT; i++) {
		u64 id = p->answers[i].id;

		if (!id || p->answers[i].at > play->now)
			continue;
		p->answers[i].id = 0;
		if (!p->up)
			continue;
		mmesh_path_reported(&p->state, id, p->answers[i].seen);
		mmesh_path_answered(&p->state, play->now, id, play->now * 1000);
	}
}

/* What path.c does at each step. */
static void step(struct play *play)
{
	const struct mmesh_pathstate *states[MAX_PLAYED];
	int i, best;

	play->now += STEP;
	for (i = 0; i < play->n; i++) {
		struct played *p = &play->path[i];
		bool current_path = i == play->using;
		bool needed = !current_path &&
			(play->using < 0 ||
			 play->path[play->using].state.state != MMESH_PATH_STATE_ALIVE ||
			 (play->path[play->using].state.relayed && !p->state.relayed));

		hear(play, p);
		mmesh_path_elapsed(&p->state, play->now);
		if (current_path) {
			p->data_sent++;
			p->data_seen += p->up && !p->no_data;
		} else if (p->state.reason == MMESH_PATH_REASON_NO_DATA &&
			   mmesh_path_due(&p->state, current_path, needed) <= play->now) {
			p->data_sent++;
			p->data_seen += p->up && !p->no_data;
		}
		if (!play->idle &&
		    mmesh_path_due(&p->state, current_path, needed) <= play->now)
			probe(play, p);
		states[i] = &p->state;
	}
	best = mmesh_path_choose(states, play->n, play->using);
	if (best >= 0 && best != play->using) {
		play->using = best;
		play->switches++;
	}
}

static void run(struct play *play, unsigned int ms)
{
	u64 end = play->now + ms;

	while (play->now < end)
		step(play);
}

/* Until path @which is in use; how long it took, or @limit. */
static u64 until(struct play *play, int which, unsigned int limit)
{
	u64 begin = play->now;

	while (play->using != which && play->now < begin + limit)
		step(play);
	return play->now - begin;
}

static void pathstate_first_answer(struct kunit *test)
{
	struct play *play = new_play(test, 1);
	struct mmesh_pathstate *s = &play->path[0].state;

	play->using = -1;
	KUNIT_EXPECT_EQ(test, s->state, MMESH_PATH_STATE_UNKNOWN);
	KUNIT_EXPECT_EQ(test, s->reason, MMESH_PATH_REASON_NOT_PROBED);
	step(play);
	KUNIT_EXPECT_EQ(test, s->state, MMESH_PATH_STATE_PROBING);
	KUNIT_EXPECT_LE(test, until(play, 0, 1000), 40);
	KUNIT_EXPECT_EQ(test, s->state, MMESH_PATH_STATE_ALIVE);
	KUNIT_EXPECT_EQ(test, s->reason, MMESH_PATH_REASON_NONE);
	KUNIT_EXPECT_EQ(test, s->rtt_us, 20000);
}

static void pathstate_never_answers(struct kunit *test)
{
	struct play *play = new_play(test, 1);
	struct played *p = &play->path[0];

	play->using = 0;
	p->up = false;
	run(play, 2000);
	KUNIT_EXPECT_EQ(test, p->state.state, MMESH_PATH_STATE_DEAD);
	KUNIT_EXPECT_EQ(test, p->state.reason, MMESH_PATH_REASON_NO_ANSWER);
	/* Little goes to an address that may be a victim's. */
	run(play, 58000);
	KUNIT_EXPECT_LE(test, p->probes, 34);
	run(play, 600000);
	KUNIT_EXPECT_LE(test, p->probes, 85);
	KUNIT_EXPECT_EQ(test, p->state.loss, 0);
}

/* The bar: left within 3 s, whenever the path dies and however long it is. */
static void pathstate_failover(struct kunit *test)
{
	static const u32 delays[] = { 1, 20, 100, 300, 700 };
	unsigned int i, phase;
	u64 took, worst = 0;

	for (i = 0; i < ARRAY_SIZE(delays); i++) {
		for (phase = 0; phase < 2000; phase += 70) {
			struct play *play = new_play(test, 2);

			play->path[0].delay = delays[i];
			play->path[1].delay = delays[i];
			mmesh_path_state_init(&play->path[1].state, true);
			run(play, 10000 + phase);
			KUNIT_ASSERT_EQ(test, play->using, 0);
			play->path[0].up = false;
			took = until(play, 1, 5000);
			worst = max(worst, took);
			KUNIT_EXPECT_EQ(test, play->path[0].state.reason,
					MMESH_PATH_REASON_STOPPED_ANSWERING);
			/* And back, when it works again. */
			run(play, 7000 + phase);
			play->path[0].up = true;
			took = until(play, 0, 20000);
			KUNIT_EXPECT_LE_MSG(test, took, 10000, "back, delay %u", delays[i]);
			kunit_kfree(test, play);
		}
	}
	kunit_info(test, "worst failover %llu ms\n", worst);
	KUNIT_EXPECT_LE(test, worst, 3000);
}

/* The first answer took its time, as it waited for a neighbour's address. */
static void pathstate_slow_first_answer(struct kunit *test)
{
	struct play *play = new_play(test, 2);

	play->using = 1;
	mmesh_path_state_init(&play->path[1].state, true);
	play->path[0].up = false;
	run(play, 5000);
	play->path[0].delay = 200;
	play->path[0].up = true;
	while (play->path[0].state.state != MMESH_PATH_STATE_ALIVE)
		step(play);
	play->path[0].delay = 20;
	KUNIT_EXPECT_LE(test, until(play, 0, 60000), 2000);
}

/* However long it was away, nothing of that is held against it. */
static void pathstate_long_outage(struct kunit *test)
{
	struct play *play = new_play(test, 2);

	play->path[1].delay = 40;
	run(play, 10000);
	KUNIT_ASSERT_EQ(test, play->using, 0);
	play->path[0].up = false;
	run(play, 300000);
	KUNIT_ASSERT_EQ(test, play->using, 1);
	play->path[0].up = true;
	KUNIT_EXPECT_LE(test, until(play, 0, 60000), 10000);
}

/* Probes pass, data doesn't: not a path. It comes back when data passes. */
static void pathstate_no_data(struct kunit *test)
{
	struct play *play = new_play(test, 2);
	struct mmesh_pathstate *s = &play->path[0].state;

	mmesh_path_state_init(&play->path[1].state, true);
	run(play, 10000);
	KUNIT_ASSERT_EQ(test, play->using, 0);
	play->path[0].no_data = true;
	KUNIT_EXPECT_LE(test, until(play, 1, 5000), 3000);
	KUNIT_EXPECT_EQ(test, s->state, MMESH_PATH_STATE_DEAD);
	KUNIT_EXPECT_EQ(test, s->reason, MMESH_PATH_REASON_NO_DATA);
	run(play, 60000);
	KUNIT_EXPECT_EQ(test, play->using, 1);
	KUNIT_EXPECT_EQ(test, s->reason, MMESH_PATH_REASON_NO_DATA);
	KUNIT_EXPECT_EQ(test, play->switches, 1);
	play->path[0].no_data = false;
	KUNIT_EXPECT_LE(test, until(play, 0, 20000), 10000);
}

/* Loss that a link may have doesn't make it dead. */
static void pathstate_lossy(struct kunit *test)
{
	struct play *play = new_play(test, 2);

	mmesh_test_seed(test, &play->rnd);
	mmesh_path_state_init(&play->path[1].state, true);
	play->path[0].loss = 30;
	run(play, 600000);
	KUNIT_EXPECT_LE(test, play->switches, 2);
	KUNIT_EXPECT_EQ(test, play->using, 0);
}

static void pathstate_loss_is_seen(struct kunit *test)
{
	struct play *play = new_play(test, 1);

	play->path[0].loss = 300;
	run(play, 120000);
	KUNIT_EXPECT_GE(test, play->path[0].state.loss, 150);
	KUNIT_EXPECT_LE(test, play->path[0].state.loss, 500);
	play->path[0].loss = 0;
	run(play, 120000);
	KUNIT_EXPECT_EQ(test, play->path[0].state.loss, 0);
}

static void pathstate_relay_is_faster(struct kunit *test)
{
	static const struct {
		u32 direct, relay;	/* ms */
		int best;
	} cases[] = {
		{ 20, 30, 0 }, { 20, 18, 0 }, { 8, 2, 1 }, { 6, 2, 0 },
		{ 100, 80, 0 }, { 100, 60, 1 }, { 300, 40, 1 }, { 300, 220, 0 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct play *play = new_play(test, 2);

		play->path[0].delay = cases[i].direct;
		play->path[1].delay = cases[i].relay;
		if (cases[i].direct < 2 * STEP)
			play->path[0].delay += STEP;
		mmesh_path_state_init(&play->path[1].state, true);
		/* Steps are too coarse for short ones. */
		run(play, 30000);
		play->path[0].state.rtt_us = cases[i].direct * 1000;
		play->path[1].state.rtt_us = cases[i].relay * 1000;
		{
			const struct mmesh_pathstate *states[] = {
				&play->path[0].state, &play->path[1].state,
			};

			KUNIT_EXPECT_EQ_MSG(test, mmesh_path_choose(states, 2, 0),
					    cases[i].best, "%u against %u",
					    cases[i].direct, cases[i].relay);
		}
	}
}

/* Two alike, and a round trip that wavers: no going to and fro. */
static void pathstate_hysteresis(struct kunit *test)
{
	struct play *play = new_play(test, 2);
	unsigned int i;

	for (i = 0; i < 300; i++) {
		play->path[0].delay = 20 + mmesh_test_below(&play->rnd, 3) * 5;
		play->path[1].delay = 20 + mmesh_test_below(&play->rnd, 3) * 5;
		run(play, 1000);
	}
	KUNIT_EXPECT_LE(test, play->switches, 1);
}

/* A path that flaps does not take the traffic with it each time. */
static void pathstate_flapping(struct kunit *test)
{
	struct play *play = new_play(test, 2);
	unsigned int i;

	mmesh_path_state_init(&play->path[1].state, true);
	play->path[0].up = false;
	run(play, 5000);
	KUNIT_ASSERT_EQ(test, play->using, 1);
	for (i = 0; i < 100; i++) {
		/* Up long enough for an answer, not for three. */
		play->path[0].up = true;
		run(play, 250);
		play->path[0].up = false;
		run(play, 3750);
	}
	KUNIT_EXPECT_EQ(test, play->using, 1);
	KUNIT_EXPECT_EQ(test, play->switches, 1);
}

static void pathstate_all_dead(struct kunit *test)
{
	struct play *play = new_play(test, 3);
	int i;

	run(play, 10000);
	for (i = 0; i < 3; i++)
		play->path[i].up = false;
	run(play, 10000);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, play->path[i].state.state, MMESH_PATH_STATE_DEAD);
	play->path[2].up = true;
	KUNIT_EXPECT_LE(test, until(play, 2, 10000), 2100);
}

static void pathstate_rest(struct kunit *test)
{
	struct play *play = new_play(test, 2);
	u32 probes;

	run(play, 5000);
	probes = play->path[0].probes;
	play->idle = true;
	mmesh_path_rested(&play->path[0].state);
	mmesh_path_rested(&play->path[1].state);
	run(play, 60000);
	KUNIT_EXPECT_EQ(test, play->path[0].probes, probes);
	KUNIT_EXPECT_EQ(test, play->path[0].state.state, MMESH_PATH_STATE_ALIVE);
	/* The first packet after it probes at once, dead or not. */
	play->idle = false;
	play->path[0].up = false;
	KUNIT_EXPECT_LE(test, until(play, 1, 5000), 1300);
}

static void pathstate_strange_answers(struct kunit *test)
{
	struct mmesh_pathstate s;

	mmesh_path_state_init(&s, false);
	KUNIT_EXPECT_FALSE(test, mmesh_path_answered(&s, START, 0, 0));
	KUNIT_EXPECT_FALSE(test, mmesh_path_answered(&s, START, 7, 0));
	mmesh_path_probed(&s, START, 7, START * 1000, 0);
	KUNIT_EXPECT_TRUE(test, mmesh_path_expects(&s, 7));
	KUNIT_EXPECT_FALSE(test, mmesh_path_answered(&s, START, 8, START * 1000));
	KUNIT_EXPECT_EQ(test, s.state, MMESH_PATH_STATE_PROBING);
	KUNIT_EXPECT_TRUE(test, mmesh_path_answered(&s, START + 1, 7, (START + 1) * 1000));
	KUNIT_EXPECT_FALSE(test, mmesh_path_answered(&s, START + 1, 7, (START + 1) * 1000));
	KUNIT_EXPECT_EQ(test, s.rtt_us, 1000);
	mmesh_path_unreachable(&s, START + 2);
	KUNIT_EXPECT_EQ(test, s.state, MMESH_PATH_STATE_DEAD);
	KUNIT_EXPECT_EQ(test, s.reason, MMESH_PATH_REASON_NO_ROUTE);
}

static void pathstate_none_works(struct kunit *test)
{
	struct mmesh_pathstate a = { .state = MMESH_PATH_STATE_DEAD };
	struct mmesh_pathstate b = { .state = MMESH_PATH_STATE_UNKNOWN };
	const struct mmesh_pathstate *const paths[] = { &a, &b };

	KUNIT_EXPECT_FALSE(test, mmesh_path_none_works(paths, 0, false));
	KUNIT_EXPECT_FALSE(test, mmesh_path_none_works(paths, 2, false));
	/* What is new has to show that it works. */
	KUNIT_EXPECT_TRUE(test, mmesh_path_none_works(paths, 2, true));
	b.state = MMESH_PATH_STATE_PROBING;
	KUNIT_EXPECT_FALSE(test, mmesh_path_none_works(paths, 2, false));
	b.state = MMESH_PATH_STATE_DEAD;
	KUNIT_EXPECT_TRUE(test, mmesh_path_none_works(paths, 2, false));
	b.state = MMESH_PATH_STATE_ALIVE;
	KUNIT_EXPECT_FALSE(test, mmesh_path_none_works(paths, 2, true));
	/* The last one was taken away. */
	KUNIT_EXPECT_FALSE(test, mmesh_path_none_works(paths, 0, true));
}

static struct kunit_case pathstate_cases[] = {
	KUNIT_CASE(pathstate_first_answer),
	KUNIT_CASE(pathstate_never_answers),
	KUNIT_CASE(pathstate_failover),
	KUNIT_CASE(pathstate_slow_first_answer),
	KUNIT_CASE(pathstate_long_outage),
	KUNIT_CASE(pathstate_no_data),
	KUNIT_CASE(pathstate_lossy),
	KUNIT_CASE(pathstate_loss_is_seen),
	KUNIT_CASE(pathstate_relay_is_faster),
	KUNIT_CASE(pathstate_hysteresis),
	KUNIT_CASE(pathstate_flapping),
	KUNIT_CASE(pathstate_all_dead),
	KUNIT_CASE(pathstate_none_works),
	KUNIT_CASE(pathstate_rest),
	KUNIT_CASE(pathstate_strange_answers),
	{}
};

static struct kunit_suite pathstate_suite = {
	.name = "pathstate",
	.test_cases = pathstate_cases,
};

kunit_test_suite(pathstate_suite);
