// SPDX-License-Identifier: GPL-2.0
/* Channels from the client's end: asked for when something is to be sent,
 * asked for again when the relay doesn't know them any more. In: leg.c, control
 * messages of relays. Context: any, RCU read. Drops: CTL_DROP_MALFORMED.
 */

#include <linux/jiffies.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/xarray.h>

#include "control.h"
#include "device.h"
#include "ext.h"
#include "handshake.h"
#include "leg.h"
#include "path.h"
#include "peer.h"
#include "relay.h"
#include "socket.h"
#include "via.h"

/* An address at @relay. Channel 0: to be opened. */
static struct mmesh_addr address(const struct mmesh_peer *relay, u32 channel)
{
	struct mmesh_addr addr = { };

	addr.relay.family = MMESH_AF_RELAY;
	addr.relay.relay = relay->ext->number;
	addr.relay.channel = channel;
	return addr;
}

/* The endpoint of @peer, if it is at a relay. */
static const struct mmesh_addr *relayed(struct mmesh_peer *peer)
{
	struct mmesh_endpoint *endpoint = rcu_dereference(peer->endpoint);

	return endpoint && mmesh_addr_is_relayed(&endpoint->addr) ? &endpoint->addr :
								  NULL;
}

int mmesh_via_set(struct mmesh_peer *peer, const u8 relay_key[MMESH_KEY_LEN],
		  const u8 *next, bool now)
{
	struct mmesh_device *m = peer->device;
	struct mmesh_via *via, *old;
	struct mmesh_peer *relay;
	struct mmesh_addr addr;
	int ret = -ENOENT;

	lockdep_assert_held(&m->update_lock);
	relay = mmesh_peer_lookup(m, relay_key);
	if (!relay || !mmesh_peer_ext(relay) || relay == peer)
		goto put;
	ret = -ENOMEM;
	via = kzalloc(sizeof(*via), GFP_KERNEL_ACCOUNT);
	if (!via)
		goto put;
	memcpy(via->relay, relay_key, MMESH_KEY_LEN);
	if (next)
		memcpy(via->next, next, MMESH_KEY_LEN);
	addr = address(relay, 0);
	ret = now ? mmesh_endpoint_set(peer, &addr) : 0;
	if (ret) {
		kfree(via);
		goto put;
	}
	old = rcu_replace_pointer(peer->ext->via, via,
				  lockdep_is_held(&m->update_lock));
	if (old)
		kfree_rcu(old, rcu);
	else
		WRITE_ONCE(m->num_vias, m->num_vias + 1);
	mmesh_path_channel(peer, &addr);
put:
	mmesh_peer_put(relay);
	return ret;
}

void mmesh_via_clear(struct mmesh_peer *peer)
{
	struct mmesh_device *m = peer->device;
	struct mmesh_via *old;

	lockdep_assert_held(&m->update_lock);
	old = rcu_replace_pointer(peer->ext->via, NULL,
				  lockdep_is_held(&m->update_lock));
	if (!old)
		return;
	WRITE_ONCE(m->num_vias, m->num_vias - 1);
	kfree_rcu(old, rcu);
	rcu_read_lock();
	if (relayed(peer))
		mmesh_endpoint_forget(peer);
	rcu_read_unlock();
}

/* The relay of @peer, referenced: the one that userspace named, or the one by
 * which it was heard.
 */
static struct mmesh_peer *relay_of(struct mmesh_peer *peer, struct mmesh_via *via,
				   struct mmesh_peer *heard)
{
	if (via)
		return mmesh_peer_lookup(peer->device, via->relay);
	return mmesh_peer_get_maybe_zero(heard);
}

static void ask(struct mmesh_peer *peer, const struct mmesh_via *via,
		struct mmesh_peer *relay)
{
	struct mmesh_channel_open body = { };
	const struct mmesh_control_out out = {
		.kind = MMESH_CONTROL_CHANNEL_OPEN,
		.body = &body, .len = sizeof(body),
	};

	memcpy(body.target, peer->handshake.remote_static, MMESH_KEY_LEN);
	if (via)
		memcpy(body.next, via->next, MMESH_KEY_LEN);
	if (!mmesh_leg_keypair(relay) ||
	    mmesh_control_send(relay, &out) == -ENOKEY)
		mmesh_handshake_initiate(relay, false);
}

/* Whether the caller is the one who may ask now. */
static bool claim(struct mmesh_peer_ext *ext)
{
	unsigned long last = READ_ONCE(ext->last_asked);

	if (last && time_before(jiffies, last + HZ))
		return false;
	return cmpxchg(&ext->last_asked, last, jiffies ?: 1) == last;
}

/* The endpoint still names a channel, or a relay, that is no more. */
static void forget_channel(struct mmesh_peer *peer, struct mmesh_peer *relay)
{
	const struct mmesh_addr addr = address(relay, 0);

	mmesh_path_channel(peer, &addr);
}

void mmesh_via_want(struct mmesh_peer *peer, struct mmesh_peer *heard)
{
	struct mmesh_peer_ext *ext = mmesh_peer_ext(peer);
	struct mmesh_peer *relay;
	struct mmesh_via *via;

	if (!ext)
		return;
	WRITE_ONCE(ext->is_wanted, true);
	if (!claim(ext))
		return;
	via = rcu_dereference(ext->via);
	relay = relay_of(peer, via, heard);
	if (relay && mmesh_peer_ext(relay)) {
		/* Without a session any id of before is worth nothing. */
		if (!mmesh_leg_keypair(relay) || !heard)
			forget_channel(peer, relay);
		ask(peer, via, relay);
	}
	mmesh_peer_put(relay);
}

void mmesh_via_relay_up(struct mmesh_peer *relay)
{
	struct mmesh_device *m = relay->device;
	struct mmesh_peer_ext *ext;
	struct mmesh_peer *peer;
	struct mmesh_via *via;
	unsigned long number;

	if (!READ_ONCE(m->num_vias) || !mmesh_peer_ext(relay))
		return;
	local_bh_disable();
	rcu_read_lock();
	xa_for_each(&m->extended, number, peer) {
		ext = mmesh_peer_ext(peer);
		via = ext ? rcu_dereference(ext->via) : NULL;
		if (!via || !READ_ONCE(ext->is_wanted) ||
		    memcmp(via->relay, relay->handshake.remote_static, MMESH_KEY_LEN))
			continue;
		WRITE_ONCE(ext->last_asked, jiffies ?: 1);
		ask(peer, via, relay);
	}
	rcu_read_unlock();
	local_bh_enable();
}

/* Whether @relay may say something of the way to @peer: it is the one that
 * userspace named or, without such, the one by which it was heard.
 */
static bool is_relay_of(struct mmesh_peer *relay, struct mmesh_peer *peer)
{
	const struct mmesh_addr *now = relayed(peer);
	struct mmesh_via *via = rcu_dereference(mmesh_peer_ext(peer)->via);

	if (via)
		return !memcmp(via->relay, relay->handshake.remote_static,
			       MMESH_KEY_LEN);
	return now && now->relay.relay == relay->ext->number;
}

/* Send what waits, or ask for the session that it waits for. */
static void resume(struct mmesh_peer *peer)
{
	if (mmesh_leg_keypair(peer))
		mmesh_seal_flush_staged(peer);
	else
		mmesh_handshake_initiate(peer, true);
}

static void opened(struct mmesh_peer *relay, struct mmesh_peer *peer, u32 channel)
{
	struct mmesh_peer_ext *ext = mmesh_peer_ext(peer);
	struct mmesh_addr addr = address(relay, channel);

	/* Only what was asked for, so a relay can't have us make handshakes. */
	if (!ext || !channel || !xchg(&ext->is_wanted, false) ||
	    !is_relay_of(relay, peer))
		return;
	mmesh_path_channel(peer, &addr);
	if (relayed(peer))
		resume(peer);
}

static void on_opened(struct mmesh_peer *relay, const struct mmesh_control_in *in)
{
	const struct mmesh_channel_opened *body =
		(const struct mmesh_channel_opened *)in->body;
	struct mmesh_peer *peer;

	if (in->len != sizeof(*body)) {
		mmesh_stat_inc(relay->device, MMESH_STAT_CTL_DROP_MALFORMED);
		return;
	}
	if (mmesh_relay_opened(relay, in))
		return;
	peer = mmesh_peer_lookup(relay->device, body->target);
	if (peer)
		opened(relay, peer, le32_to_cpu(body->channel));
	mmesh_peer_put(peer);
}

/* The next packet asks again, a second later at the earliest. */
static void on_refused(struct mmesh_peer *relay, const struct mmesh_control_in *in)
{
	if (in->len != sizeof(struct mmesh_channel_refused)) {
		mmesh_stat_inc(relay->device, MMESH_STAT_CTL_DROP_MALFORMED);
		return;
	}
	if (!mmesh_relay_refused(relay, in))
		mmesh_stat_inc(relay->device, MMESH_STAT_VIA_REFUSED);
}

/* Whether exactly @addr is one of the candidates. */
static bool has_path(struct mmesh_peer *peer, const struct mmesh_addr *addr)
{
	struct mmesh_peer_ext *ext = mmesh_peer_ext(peer);
	bool ret = false;
	int i;

	if (!ext)
		return false;
	spin_lock_bh(&ext->paths.lock);
	for (i = 0; i < ext->paths.n && !ret; i++)
		ret = mmesh_addr_equal(&ext->paths.path[i]->addr, addr);
	spin_unlock_bh(&ext->paths.lock);
	return ret;
}

static void gone(struct mmesh_peer *relay, u32 channel)
{
	struct mmesh_device *m = relay->device;

	const struct mmesh_addr addr = address(relay, channel);
	struct mmesh_peer *peer;
	unsigned long number;

	/* A client of ours has given us nothing; don't walk them all for it. */
	if (READ_ONCE(m->relay.enabled) && !READ_ONCE(m->num_vias))
		return;
	xa_for_each(&m->extended, number, peer) {
		if (!has_path(peer, &addr))
			continue;
		forget_channel(peer, relay);
		mmesh_via_want(peer, relay);
	}
}

static void on_gone(struct mmesh_peer *relay, const struct mmesh_control_in *in)
{
	const struct mmesh_channel_gone *body =
		(const struct mmesh_channel_gone *)in->body;
	u32 channel;

	if (in->len != sizeof(*body)) {
		mmesh_stat_inc(relay->device, MMESH_STAT_CTL_DROP_MALFORMED);
		return;
	}
	channel = le32_to_cpu(body->channel);
	if (!mmesh_relay_gone(relay, channel))
		gone(relay, channel);
}

int mmesh_via_module_init(void)
{
	mmesh_control_register(MMESH_CONTROL_CHANNEL_OPENED, on_opened);
	mmesh_control_register(MMESH_CONTROL_CHANNEL_REFUSED, on_refused);
	mmesh_control_register(MMESH_CONTROL_CHANNEL_GONE, on_gone);
	return 0;
}

void mmesh_via_module_exit(void)
{
}
