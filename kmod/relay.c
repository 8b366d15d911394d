// SPDX-License-Identifier: GPL-2.0
/* The relay: who may have a channel to whom. In: control messages. The packets
 * themselves are forwarded by relay-data.c. Context: softirq, RCU read.
 * Drops: RELAY_DROP_PERMIT, RELAY_DROP_NETWORK, RELAY_DROP_TARGET,
 * RELAY_DROP_FULL, CTL_DROP_MALFORMED.
 */

#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "channel.h"
#include "control.h"
#include "device.h"
#include "ext.h"
#include "leg.h"
#include "peer.h"
#include "relay.h"

enum { IDLE_PERIOD = 30 * HZ };

static const u8 no_key[MMESH_KEY_LEN];

static bool is_key(const u8 key[MMESH_KEY_LEN])
{
	return memcmp(key, no_key, MMESH_KEY_LEN);
}

static struct mmesh_client *client_of(struct mmesh_peer *peer)
{
	struct mmesh_peer_ext *ext = mmesh_peer_ext(peer);

	/* Pairs with smp_store_release() in mmesh_client_make(). */
	return ext ? READ_ONCE(ext->client) : NULL;
}

static void on_idle(struct work_struct *work)
{
	struct mmesh_relay *relay = container_of(work, struct mmesh_relay,
						 idle.work);
	struct mmesh_device *m = relay->device;

	spin_lock_bh(&relay->lock);
	mmesh_channel_destroy_idle(m);
	if (relay->num_channels)
		schedule_delayed_work(&relay->idle, IDLE_PERIOD);
	spin_unlock_bh(&relay->lock);
}

void mmesh_relay_init(struct mmesh_device *m)
{
	struct mmesh_relay *relay = &m->relay;

	relay->device = m;
	relay->max_clients = MMESH_RELAY_CLIENTS;
	spin_lock_init(&relay->lock);
	xa_init_flags(&relay->channels, XA_FLAGS_ALLOC1);
	relay->base = get_random_u32() >> 1;
	INIT_DELAYED_WORK(&relay->idle, on_idle);
}

void mmesh_relay_destroy(struct mmesh_device *m)
{
	cancel_delayed_work_sync(&m->relay.idle);
	xa_destroy(&m->relay.channels);
}

void mmesh_relay_enable(struct mmesh_device *m, bool on)
{
	struct mmesh_peer *peer;

	lockdep_assert_held(&m->update_lock);
	if (m->relay.enabled == on)
		return;
	WRITE_ONCE(m->relay.enabled, on);
	spin_lock_bh(&m->relay.lock);
	list_for_each_entry(peer, &m->peer_list, peer_list)
		if (peer->ext)
			mmesh_channel_destroy_all(peer);
	spin_unlock_bh(&m->relay.lock);
}

int mmesh_client_make(struct mmesh_peer *peer)
{
	struct mmesh_client *client;

	lockdep_assert_held(&peer->device->update_lock);
	if (peer->ext->client)
		return 0;
	client = kzalloc(sizeof(*client), GFP_KERNEL_ACCOUNT);
	if (!client)
		return -ENOMEM;
	mmesh_bucket_init(&client->packets);
	mmesh_bucket_init(&client->bytes);
	/* Pairs with READ_ONCE() in client_of(). */
	smp_store_release(&peer->ext->client, client);
	return 0;
}

void mmesh_client_admit(struct mmesh_peer *peer, bool permit, bool trunk,
			u64 network)
{
	struct mmesh_client *client = peer->ext->client;
	struct mmesh_device *m = peer->device;

	lockdep_assert_held(&m->update_lock);
	if (client->is_permitted == permit && client->is_trunk == trunk &&
	    client->network == network)
		return;
	if (client->is_permitted != permit)
		m->relay.num_clients += permit ? 1 : -1;
	/* Whoever is about to make a channel has the lock, and looks again. */
	spin_lock_bh(&m->relay.lock);
	WRITE_ONCE(client->is_permitted, permit);
	WRITE_ONCE(client->is_trunk, trunk);
	WRITE_ONCE(client->network, network);
	mmesh_channel_destroy_all(peer);
	spin_unlock_bh(&m->relay.lock);
}

void mmesh_relay_peer_removed(struct mmesh_peer *peer)
{
	struct mmesh_device *m = peer->device;

	/* The peer is marked as dead: no channel comes after these. */
	if (peer->ext->client && peer->ext->client->is_permitted)
		m->relay.num_clients--;
	spin_lock_bh(&m->relay.lock);
	mmesh_channel_destroy_all(peer);
	spin_unlock_bh(&m->relay.lock);
}

static void send(struct mmesh_peer *peer, u8 kind, const void *body, u16 len)
{
	const struct mmesh_control_out out = {
		.kind = kind, .body = body, .len = len,
	};

	mmesh_control_send(peer, &out);
}

static void refuse(struct mmesh_peer *peer, const struct mmesh_channel_open *open,
		   enum mmesh_channel_reason reason, unsigned int stat)
{
	struct mmesh_channel_refused body = { .reason = cpu_to_le32(reason) };

	memcpy(body.target, open->target, MMESH_KEY_LEN);
	memcpy(body.origin, open->origin, MMESH_KEY_LEN);
	mmesh_stat_inc(peer->device, stat);
	send(peer, MMESH_CONTROL_CHANNEL_REFUSED, &body, sizeof(body));
}

static void tell_opened(struct mmesh_peer *peer, const u8 target[MMESH_KEY_LEN],
			const u8 origin[MMESH_KEY_LEN], u32 id)
{
	struct mmesh_channel_opened body = { .channel = cpu_to_le32(id) };

	memcpy(body.target, target, MMESH_KEY_LEN);
	memcpy(body.origin, origin, MMESH_KEY_LEN);
	send(peer, MMESH_CONTROL_CHANNEL_OPENED, &body, sizeof(body));
}

/* A request on its way: who asks for what, and what was found. */
struct asked {
	struct mmesh_peer *peer;
	const struct mmesh_channel_open *open;
	u64 network;
	struct mmesh_peer *second;	/* referenced: target, or the next relay */
	bool is_last;			/* no further relay behind us */
};

static bool may_ask(struct asked *q)
{
	const struct mmesh_client *client = client_of(q->peer);

	if (!READ_ONCE(q->peer->device->relay.enabled) || !client ||
	    !READ_ONCE(client->is_permitted))
		return false;
	q->network = client->is_trunk ? le64_to_cpu(q->open->network) :
					READ_ONCE(client->network);
	return q->network;
}

/* What a client says of others than itself, and what a third relay would need. */
static bool is_proper(const struct asked *q)
{
	const struct mmesh_client *client = client_of(q->peer);

	if (client && client->is_trunk)
		return is_key(q->open->origin) && !is_key(q->open->next);
	return !is_key(q->open->origin) && !q->open->network;
}

/* 0, or the counter that says why not. Those not of the client's network are
 * for it as if they didn't exist.
 */
static unsigned int check_second(const struct asked *q)
{
	const struct mmesh_client *client = q->second ? client_of(q->second) : NULL;

	if (!client || q->second == q->peer || !READ_ONCE(client->is_permitted))
		return MMESH_STAT_RELAY_DROP_TARGET;
	if (q->is_last ? client->is_trunk || client->network != q->network :
			 !client->is_trunk)
		return MMESH_STAT_RELAY_DROP_NETWORK;
	return mmesh_leg_keypair(q->second) ? 0 : MMESH_STAT_RELAY_DROP_TARGET;
}

/* The asker's end of the channel that it is to have; relay.lock held. */
static struct mmesh_channel_end *find_or_make(const struct asked *q)
{
	const u8 *target = q->open->target, *origin = q->open->origin;
	struct mmesh_device *m = q->peer->device;
	struct mmesh_channel_end *end;
	struct mmesh_channel *channel;

	/* A client may have been sent away since. */
	if (!READ_ONCE(m->relay.enabled) || !client_of(q->peer)->is_permitted ||
	    check_second(q))
		return NULL;
	end = mmesh_channel_lookup(q->peer, q->second, target, origin);
	if (end)
		return end;
	channel = mmesh_channel_create(q->peer, q->second, target, origin,
				       !q->is_last);
	if (!channel)
		return NULL;
	if (m->relay.num_channels == 1)
		schedule_delayed_work(&m->relay.idle, IDLE_PERIOD);
	return &channel->first;
}

/* The next relay, which has to give us an id first. */
static void ask_next(const struct asked *q)
{
	struct mmesh_channel_open body = { .network = cpu_to_le64(q->network) };

	memcpy(body.target, q->open->target, MMESH_KEY_LEN);
	memcpy(body.origin, q->peer->handshake.remote_static, MMESH_KEY_LEN);
	send(q->second, MMESH_CONTROL_CHANNEL_OPEN, &body, sizeof(body));
}

static void answer(const struct asked *q)
{
	struct mmesh_device *m = q->peer->device;
	struct mmesh_channel_end *end;
	u32 id = 0;
	bool ready = false;

	spin_lock_bh(&m->relay.lock);
	end = find_or_make(q);
	if (end) {
		WRITE_ONCE(mmesh_channel_of(end)->last_used, jiffies);
		id = end->id;
		ready = mmesh_channel_other(end)->id;
	}
	spin_unlock_bh(&m->relay.lock);
	if (!end)
		refuse(q->peer, q->open, MMESH_CHANNEL_FULL,
		       MMESH_STAT_RELAY_DROP_FULL);
	else if (ready)
		tell_opened(q->peer, q->open->target, q->open->origin, id);
	/* Also when it had given one: it may have started anew since. */
	if (end && !q->is_last)
		ask_next(q);
}

static void on_open(struct mmesh_peer *peer, const struct mmesh_control_in *in)
{
	struct asked q = {
		.peer = peer,
		.open = (const struct mmesh_channel_open *)in->body,
	};
	unsigned int why;

	if (in->len != sizeof(*q.open) || !is_proper(&q)) {
		mmesh_stat_inc(peer->device, MMESH_STAT_CTL_DROP_MALFORMED);
		return;
	}
	if (!may_ask(&q)) {
		refuse(peer, q.open, MMESH_CHANNEL_NO_RELAY,
		       MMESH_STAT_RELAY_DROP_PERMIT);
		return;
	}
	q.is_last = !is_key(q.open->next);
	q.second = mmesh_peer_lookup(peer->device,
				     q.is_last ? q.open->target : q.open->next);
	why = check_second(&q);
	if (why)
		refuse(peer, q.open, MMESH_CHANNEL_NO_TARGET, why);
	else
		answer(&q);
	mmesh_peer_put(q.second);
}

/* The channel that @origin asked for by way of @trunk; relay.lock held. */
static struct mmesh_channel *awaiting(struct mmesh_peer *trunk,
				      const u8 target[MMESH_KEY_LEN],
				      const u8 origin[MMESH_KEY_LEN])
{
	struct mmesh_peer *first = mmesh_peer_lookup(trunk->device, origin);
	struct mmesh_channel_end *end = NULL;

	if (first && mmesh_peer_ext(first))
		end = mmesh_channel_lookup(first, trunk, target, no_key);
	mmesh_peer_put(first);
	return end && mmesh_channel_other(end)->given ? mmesh_channel_of(end) : NULL;
}

bool mmesh_relay_opened(struct mmesh_peer *trunk, const struct mmesh_control_in *in)
{
	const struct mmesh_channel_opened *body =
		(const struct mmesh_channel_opened *)in->body;
	struct mmesh_device *m = trunk->device;
	u32 given = le32_to_cpu(body->channel), id = 0;
	struct mmesh_channel *channel;
	bool is_new = false;

	if (!is_key(body->origin))
		return false;
	spin_lock_bh(&m->relay.lock);
	channel = awaiting(trunk, body->target, body->origin);
	if (channel && given) {
		is_new = channel->second.id != given;
		if (mmesh_channel_give(channel, given))
			id = channel->first.id;
	}
	spin_unlock_bh(&m->relay.lock);
	/* Peers are freed a grace period after their channels. */
	if (id && is_new)
		tell_opened(channel->first.peer, body->target, no_key, id);
	return true;
}

bool mmesh_relay_refused(struct mmesh_peer *trunk, const struct mmesh_control_in *in)
{
	const struct mmesh_channel_refused *body =
		(const struct mmesh_channel_refused *)in->body;
	struct mmesh_channel_refused told = { .reason = body->reason };
	struct mmesh_device *m = trunk->device;
	struct mmesh_channel *channel;
	struct mmesh_peer *first = NULL;

	if (!is_key(body->origin))
		return false;
	spin_lock_bh(&m->relay.lock);
	channel = awaiting(trunk, body->target, body->origin);
	if (channel) {
		first = channel->first.peer;
		mmesh_channel_destroy(channel);
	}
	spin_unlock_bh(&m->relay.lock);
	if (first) {
		memcpy(told.target, body->target, MMESH_KEY_LEN);
		send(first, MMESH_CONTROL_CHANNEL_REFUSED, &told, sizeof(told));
	}
	return true;
}

bool mmesh_relay_gone(struct mmesh_peer *trunk, u32 id)
{
	struct mmesh_channel_gone body = { };
	struct mmesh_device *m = trunk->device;
	struct mmesh_channel_end *end;
	struct mmesh_peer *first = NULL;

	spin_lock_bh(&m->relay.lock);
	end = mmesh_channel_find_given(trunk, id);
	if (end) {
		first = mmesh_channel_other(end)->peer;
		body.channel = cpu_to_le32(mmesh_channel_other(end)->id);
		mmesh_channel_destroy(mmesh_channel_of(end));
	}
	spin_unlock_bh(&m->relay.lock);
	if (first)
		send(first, MMESH_CONTROL_CHANNEL_GONE, &body, sizeof(body));
	return end;
}

int mmesh_relay_module_init(void)
{
	mmesh_control_register(MMESH_CONTROL_CHANNEL_OPEN, on_open);
	return 0;
}

void mmesh_relay_module_exit(void)
{
}
