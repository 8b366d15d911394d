/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What time it is, to judge certificates and delegations by: the newest time
 * that a verified signature named, carried on by the boot-time clock; or the
 * wall clock where that is later and sane. A clock that was set back, or lost at
 * a reboot, makes nothing young again.
 */
#ifndef LIBTRUST_CLOCK_H
#define LIBTRUST_CLOCK_H

#include <stdint.h>

struct trust_clock {
	int64_t newest;		/* seconds since 1970, 0: nothing seen */
	int64_t boot;		/* CLOCK_BOOTTIME then, seconds */
};

/* A verified record named @time. A time that is not later than what is known changes nothing. */
void trust_clock_saw(struct trust_clock *clock, int64_t time);

/* Now; never 0. */
int64_t trust_clock_now(const struct trust_clock *clock);

#endif
