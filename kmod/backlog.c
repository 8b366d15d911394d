// SPDX-License-Identifier: GPL-2.0
/* RX path, between stages 2 and 3: single records that stream in. In: the UDP
 * sockets (socket.c). Out: mmesh_open_receive() and mmesh_open_list() (open.c).
 * Context: softirq, RCU read; the worker: process. Drops: none.
 */

#include <linux/ktime.h>
#include <linux/percpu.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <net/sock.h>

#include "backlog.h"
#include "device.h"
#include "ingress.h"
#include "limits.h"
#include "mmesh-compat-work.h"
#include "relay.h"

enum {
	/* Shorter datagrams are acknowledgements, handshakes, calls: they can't
	 * be joined, so they don't wait.
	 */
	LARGE = 512,
	/* So many in a row make a stream. */
	STREAK = 8,
};

/* Touched by its own CPU with BH off; the lock is for the work of a CPU that
 * goes offline, which runs elsewhere. When anything is queued, so is the work.
 */
struct backlog {
	struct sk_buff_head queue;
	struct mmesh_device *m;		/* whose all of the queue is */
	struct work_struct work;
	u64 last;			/* ns, when the last single record came */
	unsigned int streak;
};

static DEFINE_PER_CPU(struct backlog, backlogs);
static struct workqueue_struct *wq;

/* Open what waits. BH off, RCU read. */
static void run(struct backlog *b)
{
	struct sk_buff_head list;
	struct mmesh_device *m;

	if (likely(skb_queue_empty_lockless(&b->queue)))
		return;
	__skb_queue_head_init(&list);
	spin_lock(&b->queue.lock);
	m = b->m;
	skb_queue_splice_init(&b->queue, &list);
	spin_unlock(&b->queue.lock);
	if (!skb_queue_empty(&list))
		mmesh_open_list(m, &list);
}

static void work(struct work_struct *work)
{
	struct backlog *b = container_of(work, struct backlog, work);

	local_bh_disable();
	rcu_read_lock();
	run(b);
	rcu_read_unlock();
	local_bh_enable();
}

/* Whether @skb came so soon after the last single record that more are likely
 * to follow.
 */
static bool is_close(struct backlog *b)
{
	const u64 now = ktime_get_mono_fast_ns();
	const u64 gap = now - b->last;

	b->last = now;
	return gap < MMESH_STREAM_GAP_NS;
}

/* Whether @skb belongs to a stream that is worth collecting. */
static bool streams(struct backlog *b, const struct sk_buff *skb, bool close)
{
	if (!close)
		b->streak = 0;
	if (skb->len < LARGE)
		return false;
	b->streak++;
	return b->streak > STREAK || !skb_queue_empty_lockless(&b->queue);
}

/* While it waits @skb must not keep anything of the underlay alive, nor point
 * to what may go.
 */
static void detach(struct sk_buff *skb)
{
	skb_orphan(skb);
	skb_dst_drop(skb);
	nf_reset_ct(skb);
	skb_ext_reset(skb);
	skb->dev = NULL;
}

static void collect(struct backlog *b, struct mmesh_device *m, struct sk_buff *skb)
{
	unsigned int len;

	if (unlikely(b->m != m))
		run(b);
	detach(skb);
	spin_lock(&b->queue.lock);
	b->m = m;
	__skb_queue_tail(&b->queue, skb);
	len = skb_queue_len(&b->queue);
	spin_unlock(&b->queue.lock);
	if (len == 1)
		queue_work(wq, &b->work);
	else if (len >= MMESH_MAX_BACKLOG)
		run(b);
}

int mmesh_backlog_receive(struct sock *sk, struct sk_buff *skb)
{
	struct mmesh_device *m = rcu_dereference_sk_user_data(sk);
	struct backlog *b = this_cpu_ptr(&backlogs);
	const bool single = !skb_is_gso(skb);
	bool close;

	if (unlikely(!m)) {
		kfree_skb(skb);
		return 0;
	}
	mmesh_ingress_unmark(skb);
	if (READ_ONCE(m->relay.enabled) && mmesh_relay_forward(m, skb))
		return 0;
	close = single && is_close(b);
	if (single && streams(b, skb, close)) {
		collect(b, m, skb);
		return 0;
	}
	/* Nothing may overtake what is waiting. */
	run(b);
	mmesh_open_receive(m, skb, single && !close);
	return 0;
}

void mmesh_backlog_flush(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		flush_work(&per_cpu(backlogs, cpu).work);
}

int mmesh_backlog_module_init(void)
{
	struct backlog *b;
	int cpu;

	wq = alloc_workqueue("mmesh-rx", WQ_PERCPU | WQ_MEM_RECLAIM, 0);
	if (!wq)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		b = &per_cpu(backlogs, cpu);
		skb_queue_head_init(&b->queue);
		INIT_WORK(&b->work, work);
	}
	return 0;
}

void mmesh_backlog_module_exit(void)
{
	destroy_workqueue(wq);
}
