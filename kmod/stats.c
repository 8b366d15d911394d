// SPDX-License-Identifier: GPL-2.0
#include "stats.h"

u64 mmesh_stats_read(const struct mmesh_stats __percpu *stats, unsigned int stat)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(stats, cpu)->value[stat]);
	return sum;
}
