/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Per-CPU counters of a device: one for each event and each reason to drop
 * (enum mmesh_stat, uapi/netlink/specs/mmesh.yaml). 64-bit words, so a reader
 * never sees half a value (the module depends on 64BIT).
 */
#ifndef MMESH_STATS_H
#define MMESH_STATS_H

#include <linux/mmesh.h>
#include <linux/percpu.h>
#include <linux/types.h>

struct mmesh_stats {
	u64 value[MMESH_STAT_COUNT];
};

/* Sum over all CPUs. */
u64 mmesh_stats_read(const struct mmesh_stats __percpu *stats, unsigned int stat);

#define mmesh_stat_add(m, stat, n) this_cpu_add((m)->stats->value[(stat)], (n))
#define mmesh_stat_inc(m, stat) mmesh_stat_add((m), (stat), 1)

#endif
