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

enum {
	/* Messages are worked off by so many CPUs at once at most. */
	MMESH_HANDSHAKE_WORKERS = 4,
};

/* A device's queue of received handshake messages, bounded; each is a copy in
 * its own small object, so no skb of a stranger is held.
 */
struct mmesh_handshake_queue {
	spinlock_t lock;		/* list; BH-safe */
	struct list_head list;
	atomic_t len;
	u64 last_under_load;		/* ktime boot ns, 0: never */
	/* Runs the workers below and each peer's handshake_work. */
	struct workqueue_struct *wq;
	unsigned int num_workers;
	struct mmesh_handshake_worker {
		struct work_struct work;
		struct mmesh_device *device;
	} workers[MMESH_HANDSHAKE_WORKERS];
};

/* Bits of peer->timers.todo: what peer->handshake_work has to do. */
enum mmesh_handshake_todo {
	MMESH_TODO_INITIATE,
	MMESH_TODO_CLEAR_KEYS,
};

int mmesh_handshake_module_init(void);		/* the message cache */
void mmesh_handshake_module_exit(void);
/* m->dev has its name. Returns 0 or -ENOMEM, then there is nothing to undo. */
int mmesh_handshake_queue_init(struct mmesh_device *m);
/* Drops what is queued; no more may come in. Process context. */
void mmesh_handshake_queue_destroy(struct mmesh_device *m);
void mmesh_handshake_queue_purge(struct mmesh_device *m);

/* Take a copy of a message of type initiation, response or cookie whose
 * length is right for its type. Context: any.
 */
void mmesh_handshake_enqueue(struct mmesh_device *m, const struct mmesh_addr *from,
			     const void *msg, size_t len);

/* Ask for an initiation to @peer. Unless @is_retry, at most one each
 * REKEY_TIMEOUT, and the count of attempts starts again. Context: any, RCU
 * read or reference held.
 */
void mmesh_handshake_initiate(struct mmesh_peer *peer, bool is_retry);
/* Have every key and handshake of @peer wiped soon. Context as above. */
void mmesh_handshake_clear_keys_soon(struct mmesh_peer *peer);
/* Work function of peer->handshake_work: makes and sends the initiation. */
void mmesh_handshake_send_worker(struct work_struct *work);

#endif
