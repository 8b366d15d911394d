// SPDX-License-Identifier: GPL-2.0
/* Peers: creation, lookup by key, removal. The rules are in peer.h. */

#include <linux/rhashtable.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "device.h"
#include "ext.h"
#include "peer.h"

static struct kmem_cache *peer_cache;
static siphash_key_t key_hash_secret __read_mostly;
static atomic64_t last_id;

/* Keyed, as the public keys may come from strangers' registrations. */
static u32 key_hash(const void *data, u32 len, u32 seed)
{
	return siphash(data, MMESH_KEY_LEN, &key_hash_secret) ^ seed;
}

static const struct rhashtable_params key_params = {
	.key_len = MMESH_KEY_LEN,
	.key_offset = offsetof(struct mmesh_peer, handshake.remote_static),
	.head_offset = offsetof(struct mmesh_peer, key_node),
	.hashfn = key_hash,
	.automatic_shrinking = true,
};

int mmesh_peers_init(struct mmesh_device *m)
{
	INIT_LIST_HEAD(&m->peer_list);
	return rhashtable_init(&m->peers_by_key, &key_params);
}

void mmesh_peers_destroy(struct mmesh_device *m)
{
	rhashtable_destroy(&m->peers_by_key);
}

struct mmesh_peer *mmesh_peer_create(struct mmesh_device *m,
				     const u8 public_key[MMESH_KEY_LEN],
				     const u8 psk[MMESH_KEY_LEN], u8 suite)
{
	struct mmesh_peer *peer;
	int ret;

	lockdep_assert_held(&m->update_lock);
	if (m->num_peers >= MMESH_MAX_PEERS_PER_DEVICE)
		return ERR_PTR(-ENOSPC);
	peer = kmem_cache_zalloc(peer_cache, GFP_KERNEL);
	if (!peer)
		return ERR_PTR(-ENOMEM);

	peer->device = m;
	peer->suite = suite;
	peer->internal_id = atomic64_inc_return(&last_id);
	spin_lock_init(&peer->keypairs.lock);
	spin_lock_init(&peer->endpoint_lock);
	skb_queue_head_init(&peer->staged);
	INIT_LIST_HEAD(&peer->allowedips_list);
	INIT_LIST_HEAD(&peer->shared_list);
	INIT_WORK(&peer->handshake_work, mmesh_handshake_send_worker);
	kref_init(&peer->refcount);
	mmesh_handshake_init(&peer->handshake, &m->identity, public_key, psk,
			     suite, peer);
	mmesh_cookie_init(&peer->cookie, public_key);
	mmesh_timers_init(peer);

	ret = rhashtable_lookup_insert_fast(&m->peers_by_key, &peer->key_node,
					    key_params);
	if (ret) {
		memzero_explicit(peer, sizeof(*peer));
		kmem_cache_free(peer_cache, peer);
		return ERR_PTR(ret);
	}
	list_add_tail(&peer->peer_list, &m->peer_list);
	atomic_inc(&m->live_peers);
	m->num_peers++;
	return peer;
}

struct mmesh_peer *mmesh_peer_lookup(struct mmesh_device *m,
				     const u8 public_key[MMESH_KEY_LEN])
{
	struct mmesh_peer *peer;

	rcu_read_lock();
	peer = rhashtable_lookup_fast(&m->peers_by_key, public_key, key_params);
	peer = mmesh_peer_get_maybe_zero(peer);
	rcu_read_unlock();
	return peer;
}

struct mmesh_peer *mmesh_peer_get_maybe_zero(struct mmesh_peer *peer)
{
	if (!peer || !kref_get_unless_zero(&peer->refcount))
		return NULL;
	return peer;
}

static void free_peer(struct rcu_head *rcu)
{
	struct mmesh_peer *peer = container_of(rcu, struct mmesh_peer, rcu);

	/* Only now can no reader of the data path learn another one. */
	mmesh_endpoint_free(peer);
	mmesh_peer_ext_free(peer);
	/* Keys, and what could help to find them. */
	memzero_explicit(peer, sizeof(*peer));
	kmem_cache_free(peer_cache, peer);
}

/* Nobody works for the peer any more; the data path may still read it. */
static void release_peer(struct kref *kref)
{
	struct mmesh_peer *peer = container_of(kref, struct mmesh_peer, refcount);
	struct mmesh_device *m = peer->device;

	/* A handshake that was under way may have finished since the removal. */
	mmesh_index_remove(&m->indices, &peer->handshake.entry);
	mmesh_keypairs_clear(&peer->keypairs);
	mmesh_seal_purge_staged(peer, MMESH_STAT_TX_DROP_PEER_REMOVED);
	call_rcu(&peer->rcu, free_peer);
	/* After this the device may be gone; only its address is used. */
	if (atomic_dec_and_test(&m->live_peers))
		wake_up_var(&m->live_peers);
}

void mmesh_peer_put(struct mmesh_peer *peer)
{
	if (peer)
		kref_put(&peer->refcount, release_peer);
}

void mmesh_peer_set_unreachable(struct mmesh_peer *peer, bool unreachable)
{
	if (xchg(&peer->unreachable, unreachable) == unreachable ||
	    list_empty_careful(&peer->shared_list))
		return;
	if (unreachable)
		mmesh_stat_inc(peer->device, MMESH_STAT_FAILOVERS);
	mmesh_netlink_notify_reachable(peer);
}

u64 mmesh_peer_network(const struct mmesh_peer *peer)
{
	const struct mmesh_peer_ext *ext = READ_ONCE(peer->ext);
	const struct mmesh_client *client = ext ? READ_ONCE(ext->client) : NULL;

	if (client && READ_ONCE(client->is_permitted))
		return READ_ONCE(client->is_trunk) ? 0 : READ_ONCE(client->network);
	/* Without prefixes it is none, a relay, say, which serves many. */
	if (list_empty(&peer->allowedips_list) && list_empty(&peer->shared_list))
		return 0;
	return READ_ONCE(peer->device->isolation.network);
}

void mmesh_peer_clear_keys(struct mmesh_peer *peer)
{
	mmesh_handshake_clear(&peer->handshake);
	mmesh_keypairs_clear(&peer->keypairs);
	WRITE_ONCE(peer->last_sent_handshake, 0);
}

void mmesh_peer_remove(struct mmesh_peer *peer)
{
	struct mmesh_device *m = peer->device;

	lockdep_assert_held(&m->update_lock);
	list_del(&peer->peer_list);
	m->num_peers--;
	rhashtable_remove_fast(&m->peers_by_key, &peer->key_node, key_params);
	mmesh_allowedips_remove_by_peer(&m->allowedips, peer, &m->update_lock);

	/* From here on nobody can find the peer; whoever has found it stops at
	 * this mark before it queues a packet or creates keys.
	 */
	spin_lock_bh(&peer->staged.lock);
	WRITE_ONCE(peer->is_dead, true);
	spin_unlock_bh(&peer->staged.lock);
	mmesh_peer_ext_remove(peer);
	mmesh_timers_stop(peer);
	if (cancel_work_sync(&peer->handshake_work))
		mmesh_peer_put(peer);
	mmesh_handshake_clear(&peer->handshake);
	mmesh_keypairs_clear(&peer->keypairs);
	mmesh_seal_purge_staged(peer, MMESH_STAT_TX_DROP_PEER_REMOVED);
	mmesh_peer_put(peer);
}

void mmesh_peer_wait_released(struct mmesh_device *m)
{
	wait_var_event(&m->live_peers, !atomic_read(&m->live_peers));
}

void mmesh_peer_remove_all(struct mmesh_device *m)
{
	struct mmesh_peer *peer, *next;

	lockdep_assert_held(&m->update_lock);
	list_for_each_entry_safe(peer, next, &m->peer_list, peer_list)
		mmesh_peer_remove(peer);
}

int mmesh_peer_module_init(void)
{
	get_random_bytes(&key_hash_secret, sizeof(key_hash_secret));
	peer_cache = KMEM_CACHE(mmesh_peer, SLAB_HWCACHE_ALIGN);
	if (!peer_cache)
		return -ENOMEM;
	if (!mmesh_peer_ext_module_init())
		return 0;
	kmem_cache_destroy(peer_cache);
	return -ENOMEM;
}

void mmesh_peer_module_exit(void)
{
	rcu_barrier();
	mmesh_peer_ext_module_exit();
	kmem_cache_destroy(peer_cache);
}
