// SPDX-License-Identifier: GPL-2.0
/* TX path, between stages 1 and 2: the end of the softirq's round. In:
 * mmesh_seal_xmit(). Out: mmesh_seal_flush_staged() (seal.c). Context: softirq.
 */

#include <linux/bitops.h>
#include <linux/interrupt.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/percpu.h>

#include "burst.h"
#include "device.h"
#include "limits.h"
#include "peer.h"
#include "room.h"

/* Touched by its own CPU with BH off only, or when that CPU is gone. A tasklet
 * runs after the receive softirq, in the same pass.
 */
struct burst {
	struct tasklet_struct tasklet;
	struct list_head peers;		/* each with a reference */
	u64 last;			/* ns, of the last packet that might have waited */
};

static DEFINE_PER_CPU(struct burst, bursts);

static void flush(struct tasklet_struct *t)
{
	struct burst *burst = from_tasklet(burst, t, tasklet);
	struct mmesh_peer *peer;

	while (!list_empty(&burst->peers)) {
		peer = list_first_entry(&burst->peers, struct mmesh_peer,
					burst_node);
		list_del(&peer->burst_node);
		/* From here on another CPU may take the node. */
		clear_bit_unlock(MMESH_PEER_IN_BURST, &peer->state);
		mmesh_seal_flush_staged(peer);
		mmesh_peer_put(peer);
	}
}

bool mmesh_burst_likely(void)
{
	struct burst *burst = this_cpu_ptr(&bursts);
	const u64 now = ktime_get_mono_fast_ns();
	const u64 gap = now - burst->last;

	burst->last = now;
	return gap < MMESH_STREAM_GAP_NS || !mmesh_has_stack();
}

void mmesh_burst_add(struct mmesh_peer *peer)
{
	struct burst *burst = this_cpu_ptr(&bursts);

	if (test_bit(MMESH_PEER_IN_BURST, &peer->state) ||
	    test_and_set_bit_lock(MMESH_PEER_IN_BURST, &peer->state))
		return;
	/* A peer that is being freed has purged what it had staged. */
	if (!mmesh_peer_get_maybe_zero(peer))
		return;
	list_add_tail(&peer->burst_node, &burst->peers);
	tasklet_schedule(&burst->tasklet);
}

int mmesh_burst_module_init(void)
{
	struct burst *burst;
	int cpu;

	for_each_possible_cpu(cpu) {
		burst = &per_cpu(bursts, cpu);
		INIT_LIST_HEAD(&burst->peers);
		tasklet_setup(&burst->tasklet, flush);
	}
	return 0;
}

void mmesh_burst_module_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		tasklet_kill(&per_cpu(bursts, cpu).tasklet);
}
