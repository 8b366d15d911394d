/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MMESH_ROOM_H
#define MMESH_ROOM_H

#include <linux/sched/task_stack.h>

/* Where softirqs run on the stack of whatever they interrupt (user-mode Linux,
 * ksoftirqd), an inner packet's way up, and its answer's way out, come on top of
 * the outer one's. Whoever wants to do in place what could wait for a softirq of
 * its own asks here whether enough of the stack is left: half of it, or three
 * quarters where KASAN makes each frame larger.
 */
static inline bool mmesh_has_stack(void)
{
	const unsigned long enough = IS_ENABLED(CONFIG_KASAN) ?
				     THREAD_SIZE / 4 * 3 : THREAD_SIZE / 2;
	unsigned long here;

	if (!object_is_on_stack(&here))
		return true;
	return (unsigned long)&here - (unsigned long)end_of_stack(current) >=
	       enough;
}

#endif
