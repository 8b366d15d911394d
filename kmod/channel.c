// SPDX-License-Identifier: GPL-2.0
/* A relay's table of channels. */

#include <linux/jiffies.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/xarray.h>

#include "channel.h"
#include "device.h"
#include "ext.h"
#include "limits.h"
#include "peer.h"
#include "relay.h"

struct mmesh_channel_end *mmesh_channel_find(struct mmesh_device *m, u32 id)
{
	return xa_load(&m->relay.channels, id - m->relay.base);
}

struct mmesh_channel_end *mmesh_channel_find_given(struct mmesh_peer *peer, u32 id)
{
	struct mmesh_peer_ext *ext = mmesh_peer_ext(peer);

	return ext ? xa_load(&ext->given, id) : NULL;
}

static bool same_key(const u8 a[MMESH_KEY_LEN], const u8 b[MMESH_KEY_LEN])
{
	return !memcmp(a, b, MMESH_KEY_LEN);
}

/* Of the two lists the shorter one is walked. A channel between two clients
 * serves both, whoever asked; one with an origin only who asked for it.
 */
struct mmesh_channel_end *
mmesh_channel_lookup(struct mmesh_peer *first, struct mmesh_peer *second,
		     const u8 target[MMESH_KEY_LEN], const u8 origin[MMESH_KEY_LEN])
{
	bool shorter = first->ext->num_channels <= second->ext->num_channels;
	struct list_head *list = shorter ? &first->ext->channels :
					   &second->ext->channels;
	struct mmesh_channel_end *end, *ours;
	struct mmesh_channel *channel;

	list_for_each_entry(end, list, node) {
		ours = shorter ? end : mmesh_channel_other(end);
		if (ours->peer != first ||
		    mmesh_channel_other(ours)->peer != second)
			continue;
		channel = mmesh_channel_of(end);
		if (!same_key(channel->origin, origin))
			continue;
		if (ours->is_first ? same_key(channel->target, target) :
				     !ours->given && !channel->first.given)
			return ours;
	}
	return NULL;
}

/* An id of ours for @end. Places are small numbers, so that the array is flat
 * and found in quickly; never 0 with the base added.
 */
static bool number(struct mmesh_device *m, struct mmesh_channel_end *end)
{
	u32 place;

	if (xa_alloc_cyclic(&m->relay.channels, &place, end, XA_LIMIT(1, S32_MAX),
			    &m->relay.next_place, GFP_ATOMIC) < 0)
		return false;
	end->id = m->relay.base + place;
	return true;
}

static void forget_number(struct mmesh_device *m, struct mmesh_channel_end *end)
{
	xa_erase(&m->relay.channels, end->id - m->relay.base);
}

static void link(struct mmesh_channel_end *end)
{
	list_add(&end->node, &end->peer->ext->channels);
	end->peer->ext->num_channels++;
}

static bool has_room(const struct mmesh_peer *peer)
{
	/* A trunk carries those of many clients. */
	return peer->ext->num_channels < MMESH_MAX_CHANNELS_PER_CLIENT ||
	       (peer->ext->client && peer->ext->client->is_trunk);
}

struct mmesh_channel *
mmesh_channel_create(struct mmesh_peer *first, struct mmesh_peer *second,
		     const u8 target[MMESH_KEY_LEN], const u8 origin[MMESH_KEY_LEN],
		     bool given)
{
	struct mmesh_device *m = first->device;
	struct mmesh_channel *channel;

	lockdep_assert_held(&m->relay.lock);
	if (!has_room(first) || !has_room(second) ||
	    READ_ONCE(first->is_dead) || READ_ONCE(second->is_dead) ||
	    m->relay.num_channels >= MMESH_MAX_CHANNELS_PER_DEVICE)
		return NULL;
	channel = kzalloc(sizeof(*channel), GFP_ATOMIC | __GFP_NOWARN);
	if (!channel)
		return NULL;
	channel->first.peer = first;
	channel->first.is_first = true;
	channel->second.peer = second;
	channel->second.given = given;
	channel->last_used = jiffies;
	memcpy(channel->target, target, MMESH_KEY_LEN);
	memcpy(channel->origin, origin, MMESH_KEY_LEN);
	if (!number(m, &channel->first))
		goto free;
	if (!given && !number(m, &channel->second))
		goto erase;
	link(&channel->first);
	link(&channel->second);
	m->relay.num_channels++;
	return channel;

erase:
	forget_number(m, &channel->first);
free:
	kfree_rcu(channel, rcu);
	return NULL;
}

bool mmesh_channel_give(struct mmesh_channel *channel, u32 id)
{
	struct mmesh_channel_end *end = &channel->second;
	struct xarray *given = &end->peer->ext->given;

	lockdep_assert_held(&end->peer->device->relay.lock);
	if (end->id == id)
		return true;
	if (xa_insert(given, id, end, GFP_ATOMIC))
		return false;
	if (end->id)
		xa_erase(given, end->id);
	WRITE_ONCE(end->id, id);
	return true;
}

static void unlink(struct mmesh_device *m, struct mmesh_channel_end *end)
{
	list_del(&end->node);
	end->peer->ext->num_channels--;
	if (!end->given)
		forget_number(m, end);
	else if (end->id)
		xa_erase(&end->peer->ext->given, end->id);
}

void mmesh_channel_destroy(struct mmesh_channel *channel)
{
	struct mmesh_device *m = channel->first.peer->device;

	lockdep_assert_held(&m->relay.lock);
	unlink(m, &channel->first);
	unlink(m, &channel->second);
	m->relay.num_channels--;
	kfree_rcu(channel, rcu);
}

void mmesh_channel_destroy_all(struct mmesh_peer *peer)
{
	struct mmesh_channel_end *end, *next;

	list_for_each_entry_safe(end, next, &peer->ext->channels, node)
		mmesh_channel_destroy(mmesh_channel_of(end));
}

void mmesh_channel_destroy_idle(struct mmesh_device *m)
{
	const unsigned long limit = MMESH_CHANNEL_IDLE * HZ;
	struct mmesh_channel_end *end;
	struct mmesh_channel *channel;
	unsigned long id;

	xa_for_each(&m->relay.channels, id, end) {
		channel = mmesh_channel_of(end);
		if (end->is_first &&
		    time_after(jiffies, READ_ONCE(channel->last_used) + limit))
			mmesh_channel_destroy(channel);
	}
}
