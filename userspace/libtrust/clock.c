// SPDX-License-Identifier: Apache-2.0
#include "clock.h"

#include <time.h>

/* 2026-01-01 and 2200-01-01: outside of them a wall clock was never set. */
static const int64_t SANE_FROM = 1767225600;
static const int64_t SANE_TO = 7258118400;

static int64_t read_clock(clockid_t which)
{
	struct timespec now;

	/* Can't fail for a clock that exists, and both do. */
	return clock_gettime(which, &now) ? 0 : now.tv_sec;
}

static int64_t carried_on(const struct trust_clock *clock)
{
	int64_t elapsed = read_clock(CLOCK_BOOTTIME) - clock->boot;

	/* What came from a file may be of another boot. */
	return clock->newest + (elapsed > 0 ? elapsed : 0);
}

void trust_clock_saw(struct trust_clock *clock, int64_t time)
{
	if (time <= 0 || time > SANE_TO || (clock->newest && time <= carried_on(clock)))
		return;
	clock->newest = time;
	clock->boot = read_clock(CLOCK_BOOTTIME);
}

int64_t trust_clock_now(const struct trust_clock *clock)
{
	int64_t wall = read_clock(CLOCK_REALTIME);
	int64_t known = clock->newest ? carried_on(clock) : SANE_FROM;

	return wall > known && wall < SANE_TO ? wall : known;
}
