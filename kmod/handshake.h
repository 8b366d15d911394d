/* SPDX-License-Identifier: GPL-2.0 */
/* Handshake messages: queue, load, workers, and what is sent in return. */
#ifndef MMESH_HANDSHAKE_H
#define MMESH_HANDSHAKE_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct mmesh_addr;
struct mmesh_device;
struct mmesh_peer;

/* A device's queue of received handshake messages, bounded; each is a copy in
 * its own small object, so no skb of a stranger is held.
 */
struct mmesh_handshake_queue {
	spinlock_t lock;		/* list; BH-safe */
	struct list_head list;
	atomic_t len;
	u64 last_under_load;		/* ktime boot ns */
	struct workqueue_struct *wq;
	struct work_struct work;
};

int mmesh_handshake_module_init(void);		/* the message cache */
void mmesh_handshake_module_exit(void);
int mmesh_handshake_queue_init(struct mmesh_device *m);
/* Drops what is queued; no more may come in. Process context. */
void mmesh_handshake_queue_destroy(struct mmesh_device *m);
void mmesh_handshake_queue_purge(struct mmesh_device *m);

/* Take a copy of a message of type initiation, response or cookie whose
 * length is right for its type. Context: softirq, RCU read.
 */
void mmesh_handshake_enqueue(struct mmesh_device *m, const struct mmesh_addr *from,
			     const void *msg, size_t len);

/* Ask for an initiation to @peer. Unless @is_retry, at most one each
 * REKEY_TIMEOUT. Context: any, RCU read or reference held.
 */
void mmesh_handshake_initiate(struct mmesh_peer *peer, bool is_retry);
/* Work function of peer->handshake_work: makes and sends the initiation. */
void mmesh_handshake_send_worker(struct work_struct *work);

#endif
