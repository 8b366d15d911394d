// SPDX-License-Identifier: GPL-2.0
/* RX path, after stage 5: the way up. In: land.c. Out: the stack. Context: BH
 * off, RCU read. Drops: RX_DROP_BACKLOG, RX_DROP_DEVICE_DOWN (counted by the
 * caller).
 *
 * The kernel's gro_cells do the same, but can't tell whether they hold
 * anything: what comes alone would have to wait for a softirq of its own.
 */

#include <linux/netdevice.h>
#include <linux/percpu.h>
#include <linux/skbuff.h>

#include "deliver.h"
#include "device.h"
#include "limits.h"
#include "room.h"

/* This CPU is inside the stack with a packet that came alone: a tunnel in the
 * tunnel takes the queue, so that the stack does not grow with its depth.
 */
static DEFINE_PER_CPU(bool, delivering);

static struct sk_buff *next(struct mmesh_lane *lane)
{
	struct sk_buff *skb = __skb_dequeue(&lane->polled);

	if (skb || skb_queue_empty_lockless(&lane->queue))
		return skb;
	spin_lock(&lane->queue.lock);
	skb_queue_splice_init(&lane->queue, &lane->polled);
	spin_unlock(&lane->queue.lock);
	return __skb_dequeue(&lane->polled);
}

static int poll(struct napi_struct *napi, int budget)
{
	struct mmesh_lane *lane = container_of(napi, struct mmesh_lane, napi);
	struct sk_buff *skb;
	int done = 0;

	while (done < budget && (skb = next(lane))) {
		napi_gro_receive(napi, skb);
		done++;
	}
	/* Not napi_complete_done(), which may let GRO keep packets for a while:
	 * one that comes alone must not overtake them.
	 */
	if (done < budget)
		napi_complete(napi);
	return done;
}

/* Nothing that came before is still on its way. */
static bool is_clear(const struct mmesh_lane *lane)
{
	return skb_queue_empty_lockless(&lane->queue) &&
	       !test_bit(NAPI_STATE_SCHED, &lane->napi.state);
}

static int enqueue(struct mmesh_lane *lane, struct sk_buff *skb)
{
	unsigned int len;

	spin_lock(&lane->queue.lock);
	len = skb_queue_len(&lane->queue);
	if (likely(len < MMESH_MAX_DELIVERIES))
		__skb_queue_tail(&lane->queue, skb);
	spin_unlock(&lane->queue.lock);
	if (unlikely(len >= MMESH_MAX_DELIVERIES)) {
		kfree_skb(skb);
		return -ENOBUFS;
	}
	if (!len)
		napi_schedule(&lane->napi);
	return 0;
}

int mmesh_deliver(struct mmesh_device *m, struct sk_buff *skb, bool alone)
{
	struct mmesh_lane *lane = this_cpu_ptr(m->lanes);

	if (unlikely(!(m->dev->flags & IFF_UP))) {
		kfree_skb(skb);
		return -ENETDOWN;
	}
	if (!alone || !is_clear(lane) || __this_cpu_read(delivering) ||
	    !mmesh_has_stack())
		return enqueue(lane, skb);
	__this_cpu_write(delivering, true);
	netif_receive_skb(skb);
	__this_cpu_write(delivering, false);
	return 0;
}

int mmesh_lanes_create(struct mmesh_device *m)
{
	struct mmesh_lane *lane;
	int cpu;

	m->lanes = alloc_percpu(struct mmesh_lane);
	if (!m->lanes)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		lane = per_cpu_ptr(m->lanes, cpu);
		skb_queue_head_init(&lane->queue);
		__skb_queue_head_init(&lane->polled);
		/* There is no device to poll. */
		set_bit(NAPI_STATE_NO_BUSY_POLL, &lane->napi.state);
		netif_napi_add(m->dev, &lane->napi, poll);
		napi_enable(&lane->napi);
	}
	return 0;
}

void mmesh_lanes_destroy(struct mmesh_device *m)
{
	struct mmesh_lane *lane;
	int cpu;

	for_each_possible_cpu(cpu) {
		lane = per_cpu_ptr(m->lanes, cpu);
		napi_disable(&lane->napi);
		__netif_napi_del(&lane->napi);
		skb_queue_purge(&lane->queue);
		__skb_queue_purge(&lane->polled);
	}
}

void mmesh_lanes_free(struct mmesh_device *m)
{
	free_percpu(m->lanes);
	m->lanes = NULL;
}
