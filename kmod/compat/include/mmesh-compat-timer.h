/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MMESH_COMPAT_TIMER_H
#define MMESH_COMPAT_TIMER_H

#include <linux/timer.h>

/* 6.16 renamed it. */
#ifndef timer_container_of
#define timer_container_of(var, callback_timer, timer_fieldname) \
	from_timer(var, callback_timer, timer_fieldname)
#endif

#endif
