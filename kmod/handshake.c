// SPDX-License-Identifier: GPL-2.0
/*
 * Handshake messages, in and out. A message from the socket is copied into the
 * device's queue and worked off by a few workers, as a Diffie-Hellman is too
 * long for a softirq:
 *
 *   queue full?        drop the newest                HS_DROP_QUEUE_FULL
 *   mac1 wrong?        drop                           HS_DROP_MAC1
 *   under load, and    mac2 wrong? send a cookie      HS_DROP_COOKIE_REQUIRED
 *                      source too fast? drop          HS_DROP_RATELIMIT
 *   key unknown?       hold for a peer (miss.c)       HS_DROP_MISS_…
 *   noise.c refuses?   drop                           its reason
 *   initiation         response, `next` keypair
 *   response           `current` keypair, what is staged or a keepalive
 *
 * What is sent for a stranger is never longer than what came from it.
 */

#include <linux/bitops.h>
#include <linux/bottom_half.h>
#include <linux/cpumask.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "cookie.h"
#include "device.h"
#include "handshake.h"
#include "limits.h"
#include "noise.h"
#include "path.h"
#include "peer.h"
#include "socket.h"
#include "timers.h"

enum {
	/* After so many messages a worker lets others of the machine run; a
	 * freeze and the end of the queue need not wait for more either.
	 */
	MESSAGES_PER_RUN = 256,
	UNDER_LOAD_SECONDS = 1,
	ALTERNATIVES = 3,	/* further addresses an initiation goes to */
};

struct message {
	struct list_head node;
	struct mmesh_addr from;
	u16 len;
	union {
		struct mmesh_msg_header header;
		struct mmesh_msg_initiation initiation;
		struct mmesh_msg_response response;
		struct mmesh_msg_cookie cookie;
	};
};

static struct kmem_cache *message_cache;

int mmesh_handshake_module_init(void)
{
	message_cache = kmem_cache_create("mmesh_handshake_message",
					  sizeof(struct message), 0, 0, NULL);
	return message_cache ? 0 : -ENOMEM;
}

void mmesh_handshake_module_exit(void)
{
	kmem_cache_destroy(message_cache);
}

/* A message was sent, or why it was not. */
static void count_sent(struct mmesh_device *m, int err, unsigned int stat)
{
	if (err == -EDESTADDRREQ)
		stat = MMESH_STAT_HS_DROP_NO_ENDPOINT;
	else if (err)
		stat = MMESH_STAT_HS_DROP_SEND;
	mmesh_stat_inc(m, stat);
}

static void mark_sent_handshake(struct mmesh_peer *peer)
{
	/* 0 means never. */
	WRITE_ONCE(peer->last_sent_handshake, ktime_get_coarse_boottime_ns() ?: 1);
}

/* Where else an initiation goes, when it is not the first: the endpoint may be
 * what keeps answers away.
 */
static void send_elsewhere(struct mmesh_peer *peer, const void *msg, size_t len)
{
	unsigned int attempt = READ_ONCE(peer->timers.handshake_attempts), i, n;
	struct mmesh_addr addr[ALTERNATIVES];
	struct sk_buff *skb;

	if (!attempt)
		return;
	n = mmesh_path_alternatives(peer, attempt * ALTERNATIVES, addr,
				    ALTERNATIVES);
	local_bh_disable();
	rcu_read_lock();
	for (i = 0; i < n; i++) {
		skb = mmesh_socket_alloc(len);
		if (!skb)
			break;
		memcpy(skb->data, msg, len);
		mmesh_socket_send_path(peer, &addr[i], skb, MMESH_HANDSHAKE_DS,
				       false);
	}
	rcu_read_unlock();
	local_bh_enable();
}

/* @to is NULL for the peer's endpoint. */
static void send_to_peer(struct mmesh_peer *peer, const struct mmesh_addr *to,
			 void *msg, size_t len, unsigned int stat)
{
	int ret;

	mmesh_cookie_add_macs(peer, msg, len);
	mark_sent_handshake(peer);
	mmesh_timers_traversal(peer);
	mmesh_timers_authenticated_sent(peer);
	ret = to ? mmesh_socket_send_buffer_to(peer->device, to, msg, len,
					       MMESH_HANDSHAKE_DS) :
		   mmesh_socket_send_buffer(peer, msg, len, MMESH_HANDSHAKE_DS);
	count_sent(peer->device, ret, stat);
}

static void send_initiation(struct mmesh_peer *peer)
{
	struct mmesh_device *m = peer->device;
	struct mmesh_msg_initiation msg;
	struct mmesh_addr unused;
	unsigned int reason;

	if (READ_ONCE(peer->is_dead))
		return;
	if (!netif_running(m->dev)) {
		mmesh_stat_inc(m, MMESH_STAT_HS_DROP_SEND);
		return;
	}
	/* Before anything can answer. Set whatever happens below: what is
	 * staged must not wait for ever.
	 */
	mmesh_timers_handshake_initiated(peer);
	if (!mmesh_endpoint_get(peer, &unused)) {
		mmesh_timers_traversal(peer);
		mmesh_stat_inc(m, MMESH_STAT_HS_DROP_NO_ENDPOINT);
		return;
	}
	if (mmesh_noise_create_initiation(&msg, &peer->handshake, &reason)) {
		send_to_peer(peer, NULL, &msg, sizeof(msg), MMESH_STAT_HS_INIT_TX);
		send_elsewhere(peer, &msg, sizeof(msg));
	} else {
		mmesh_stat_inc(m, reason);
	}
	memzero_explicit(&msg, sizeof(msg));
}

void mmesh_handshake_send_worker(struct work_struct *work)
{
	struct mmesh_peer *peer =
		container_of(work, struct mmesh_peer, handshake_work);

	if (test_and_clear_bit(MMESH_TODO_CLEAR_KEYS, &peer->timers.todo))
		mmesh_peer_clear_keys(peer);
	if (test_and_clear_bit(MMESH_TODO_INITIATE, &peer->timers.todo))
		send_initiation(peer);
	mmesh_peer_put(peer);
}

static void queue_work_of(struct mmesh_peer *peer, enum mmesh_handshake_todo todo)
{
	set_bit(todo, &peer->timers.todo);
	rcu_read_lock();
	if (!READ_ONCE(peer->is_dead) && mmesh_peer_get_maybe_zero(peer) &&
	    !queue_work(peer->device->handshakes.wq, &peer->handshake_work))
		mmesh_peer_put(peer);
	rcu_read_unlock();
}

/* Whether the caller is the one who may send an initiation now. */
static bool claim_initiation(struct mmesh_peer *peer, bool is_retry)
{
	u64 last = READ_ONCE(peer->last_sent_handshake);

	if (last && !is_retry && !mmesh_expired(last, MMESH_REKEY_TIMEOUT))
		return false;
	return cmpxchg(&peer->last_sent_handshake, last,
		       ktime_get_coarse_boottime_ns() ?: 1) == last;
}

void mmesh_handshake_initiate(struct mmesh_peer *peer, bool is_retry)
{
	if (!is_retry && READ_ONCE(peer->timers.handshake_attempts))
		WRITE_ONCE(peer->timers.handshake_attempts, 0);
	if (claim_initiation(peer, is_retry))
		queue_work_of(peer, MMESH_TODO_INITIATE);
}

void mmesh_handshake_clear_keys_soon(struct mmesh_peer *peer)
{
	queue_work_of(peer, MMESH_TODO_CLEAR_KEYS);
}

static void send_response(struct mmesh_peer *peer, const struct mmesh_addr *from)
{
	struct mmesh_device *m = peer->device;
	struct mmesh_msg_response msg;
	unsigned int reason;

	/* The keys have to be there before the first record can come. */
	if (mmesh_noise_create_response(&msg, &peer->handshake, &reason) &&
	    mmesh_noise_begin_session(&peer->handshake, &peer->keypairs, &reason)) {
		mmesh_timers_session_derived(peer);
		/* An extended peer's endpoint does not move by an initiation. */
		send_to_peer(peer, READ_ONCE(peer->extended) ? from : NULL, &msg,
			     sizeof(msg), MMESH_STAT_HS_RESP_TX);
	} else {
		mmesh_stat_inc(m, reason);
	}
	memzero_explicit(&msg, sizeof(msg));
}

/* What every authenticated message means, whatever it says. */
static void note_authenticated(struct mmesh_peer *peer, const struct message *msg)
{
	local_bh_disable();
	rcu_read_lock();
	mmesh_endpoint_learn(peer, &msg->from);
	rcu_read_unlock();
	local_bh_enable();
	atomic64_add(msg->len, &peer->rx_bytes);
	mmesh_timers_authenticated_received(peer);
	mmesh_timers_traversal(peer);
}

static void receive_initiation(struct mmesh_device *m, const struct message *msg)
{
	struct mmesh_peer *peer;
	u8 key[MMESH_KEY_LEN];
	unsigned int reason;

	peer = mmesh_noise_consume_initiation(&msg->initiation, m, &reason, key);
	if (!peer) {
		if (reason == MMESH_STAT_HS_DROP_UNKNOWN_PEER)
			reason = mmesh_miss_initiation(m, key, &msg->from,
						       &msg->initiation);
		mmesh_stat_inc(m, reason);
		return;
	}
	mmesh_stat_inc(m, MMESH_STAT_HS_INIT_RX);
	note_authenticated(peer, msg);
	send_response(peer, &msg->from);
	mmesh_peer_put(peer);
}

static void receive_response(struct mmesh_device *m, const struct message *msg)
{
	struct mmesh_peer *peer;
	unsigned int reason;

	peer = mmesh_noise_consume_response(&msg->response, m, &reason);
	if (!peer) {
		mmesh_stat_inc(m, reason);
		return;
	}
	mmesh_stat_inc(m, MMESH_STAT_HS_RESP_RX);
	note_authenticated(peer, msg);
	if (mmesh_noise_begin_session(&peer->handshake, &peer->keypairs, &reason)) {
		mmesh_timers_session_derived(peer);
		mmesh_timers_handshake_complete(peer);
		/* Only a record tells the responder that the session stands:
		 * what is staged, or else a keepalive.
		 */
		mmesh_seal_keepalive(peer);
	} else {
		mmesh_stat_inc(m, reason);
	}
	mmesh_peer_put(peer);
}

static void receive_cookie(struct mmesh_device *m, const struct message *msg)
{
	switch (mmesh_cookie_consume_reply(m, &msg->cookie)) {
	case 0:
		mmesh_stat_inc(m, MMESH_STAT_HS_COOKIE_RX);
		break;
	case -ENOENT:
		mmesh_stat_inc(m, MMESH_STAT_HS_DROP_NO_INDEX);
		break;
	default:
		mmesh_stat_inc(m, MMESH_STAT_HS_DROP_COOKIE_INVALID);
	}
}

/* Initiation and response have the sender's index in the same place. */
static void send_cookie(struct mmesh_device *m, const struct message *msg)
{
	struct mmesh_msg_cookie reply;
	int ret;

	mmesh_cookie_create_reply(m, &reply, &msg->header, msg->len,
				  msg->initiation.sender_index, &msg->from);
	ret = mmesh_socket_send_buffer_to(m, &msg->from, &reply, sizeof(reply),
					  MMESH_HANDSHAKE_DS);
	count_sent(m, ret, MMESH_STAT_HS_COOKIE_TX);
}

static bool is_under_load(struct mmesh_device *m)
{
	struct mmesh_handshake_queue *queue = &m->handshakes;
	u64 last;

	if (atomic_read(&queue->len) >= MMESH_UNDER_LOAD_HANDSHAKES) {
		WRITE_ONCE(queue->last_under_load,
			   ktime_get_coarse_boottime_ns() ?: 1);
		return true;
	}
	last = READ_ONCE(queue->last_under_load);
	return last && !mmesh_expired(last, UNDER_LOAD_SECONDS);
}

/* Whether the macs allow that more work is spent on a message. */
static bool is_admitted(struct mmesh_device *m, const struct message *msg)
{
	bool under_load = is_under_load(m);

	switch (mmesh_cookie_validate(m, &msg->header, msg->len, &msg->from,
				      under_load)) {
	case MMESH_MAC2_VALID:
		return true;
	case MMESH_MAC1_VALID:
		if (!under_load)
			return true;
		mmesh_stat_inc(m, MMESH_STAT_HS_DROP_COOKIE_REQUIRED);
		send_cookie(m, msg);
		return false;
	case MMESH_MAC2_VALID_RATELIMITED:
		mmesh_stat_inc(m, MMESH_STAT_HS_DROP_RATELIMIT);
		return false;
	case MMESH_MAC_INVALID:
		break;
	}
	mmesh_stat_inc(m, MMESH_STAT_HS_DROP_MAC1);
	return false;
}

static void receive(struct mmesh_device *m, const struct message *msg)
{
	switch (le32_to_cpu(msg->header.type)) {
	case MMESH_MSG_COOKIE:
		receive_cookie(m, msg);
		break;
	case MMESH_MSG_INITIATION:
	case MMESH_MSG_INITIATION_AES:
		if (is_admitted(m, msg))
			receive_initiation(m, msg);
		break;
	case MMESH_MSG_RESPONSE:
	case MMESH_MSG_RESPONSE_AES:
		if (is_admitted(m, msg))
			receive_response(m, msg);
		break;
	}
}

static struct message *dequeue(struct mmesh_handshake_queue *queue)
{
	struct message *msg;

	spin_lock_bh(&queue->lock);
	msg = list_first_entry_or_null(&queue->list, struct message, node);
	if (msg) {
		list_del(&msg->node);
		atomic_dec(&queue->len);
	}
	spin_unlock_bh(&queue->lock);
	return msg;
}

static void receive_worker(struct work_struct *work)
{
	struct mmesh_handshake_worker *worker =
		container_of(work, struct mmesh_handshake_worker, work);
	struct mmesh_handshake_queue *queue = &worker->device->handshakes;
	unsigned int left = MESSAGES_PER_RUN;
	struct message *msg;

	while (left-- && (msg = dequeue(queue))) {
		receive(worker->device, msg);
		kmem_cache_free(message_cache, msg);
		cond_resched();
	}
	if (atomic_read(&queue->len))
		queue_work(queue->wq, work);
}

void mmesh_handshake_enqueue(struct mmesh_device *m, const struct mmesh_addr *from,
			     const void *data, size_t len)
{
	struct mmesh_handshake_queue *queue = &m->handshakes;
	unsigned int cpu = raw_smp_processor_id();
	struct message *msg;

	if (WARN_ON_ONCE(len > sizeof(struct mmesh_msg_initiation)))
		return;
	/* Those who came first may be honest; the newest goes. */
	if (atomic_inc_return(&queue->len) > MMESH_MAX_QUEUED_HANDSHAKES) {
		atomic_dec(&queue->len);
		mmesh_stat_inc(m, MMESH_STAT_HS_DROP_QUEUE_FULL);
		return;
	}
	msg = kmem_cache_alloc(message_cache, GFP_ATOMIC | __GFP_NOWARN);
	if (!msg) {
		atomic_dec(&queue->len);
		mmesh_stat_inc(m, MMESH_STAT_HS_DROP_NO_MEMORY);
		return;
	}
	msg->from = *from;
	msg->len = len;
	memcpy(&msg->initiation, data, len);

	spin_lock_bh(&queue->lock);
	list_add_tail(&msg->node, &queue->list);
	spin_unlock_bh(&queue->lock);
	queue_work(queue->wq, &queue->workers[cpu % queue->num_workers].work);
}

int mmesh_handshake_queue_init(struct mmesh_device *m)
{
	struct mmesh_handshake_queue *queue = &m->handshakes;
	unsigned int i;

	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->list);
	atomic_set(&queue->len, 0);
	queue->last_under_load = 0;
	queue->num_workers = min_t(unsigned int, num_online_cpus(),
				   MMESH_HANDSHAKE_WORKERS);
	for (i = 0; i < queue->num_workers; i++) {
		INIT_WORK(&queue->workers[i].work, receive_worker);
		queue->workers[i].device = m;
	}
	/* Own initiations find a place however many messages come in. Those of
	 * thousands of peers at once must not become as many threads.
	 */
	queue->wq = alloc_workqueue("mmesh-%s", WQ_UNBOUND | WQ_FREEZABLE,
				    queue->num_workers + 2, m->dev->name);
	return queue->wq ? 0 : -ENOMEM;
}

void mmesh_handshake_queue_purge(struct mmesh_device *m)
{
	struct message *msg;

	while ((msg = dequeue(&m->handshakes)))
		kmem_cache_free(message_cache, msg);
}

void mmesh_handshake_queue_destroy(struct mmesh_device *m)
{
	mmesh_handshake_queue_purge(m);
	destroy_workqueue(m->handshakes.wq);
}
