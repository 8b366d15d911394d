// SPDX-License-Identifier: GPL-2.0
/* Keypairs and their three slots: previous, current, next. */

#include <linux/slab.h>
#include <linux/string.h>

#include "device.h"
#include "ext.h"
#include "keypair.h"
#include "peer.h"

static struct kmem_cache *keypair_cache, *ext_cache;
static atomic64_t last_keypair_id;

int mmesh_keypair_module_init(void)
{
	keypair_cache = KMEM_CACHE(mmesh_keypair, SLAB_HWCACHE_ALIGN);
	/* A relay has one of these for each client: no byte more than needed. */
	ext_cache = KMEM_CACHE(mmesh_session_ext, 0);
	if (keypair_cache && ext_cache)
		return 0;
	mmesh_keypair_module_exit();
	return -ENOMEM;
}

void mmesh_keypair_module_exit(void)
{
	rcu_barrier();
	kmem_cache_destroy(ext_cache);
	kmem_cache_destroy(keypair_cache);
	ext_cache = NULL;
	keypair_cache = NULL;
}

static struct mmesh_session_ext *create_ext(void)
{
	struct mmesh_session_ext *ext = kmem_cache_zalloc(ext_cache, GFP_KERNEL);

	if (ext)
		spin_lock_init(&ext->lock);
	return ext;
}

struct mmesh_keypair *mmesh_keypair_create(struct mmesh_peer *peer)
{
	struct mmesh_keypair *keypair;

	keypair = kmem_cache_zalloc(keypair_cache, GFP_KERNEL);
	if (!keypair)
		return NULL;
	if (READ_ONCE(peer->extended)) {
		keypair->ext = create_ext();
		if (!keypair->ext) {
			kmem_cache_free(keypair_cache, keypair);
			return NULL;
		}
	}
	keypair->entry.peer = peer;
	keypair->entry.type = MMESH_INDEX_KEYPAIR;
	keypair->internal_id = atomic64_inc_return(&last_keypair_id);
	spin_lock_init(&keypair->replay_lock);
	mmesh_replay_init(&keypair->replay);
	kref_init(&keypair->refcount);
	return keypair;
}

static void free_keypair(struct rcu_head *rcu)
{
	struct mmesh_keypair *keypair =
		container_of(rcu, struct mmesh_keypair, rcu);

	if (keypair->ext) {
		memzero_explicit(keypair->ext, sizeof(*keypair->ext));
		kmem_cache_free(ext_cache, keypair->ext);
	}
	memzero_explicit(keypair, sizeof(*keypair));
	kmem_cache_free(keypair_cache, keypair);
}

static void remove_index(struct mmesh_keypair *keypair)
{
	mmesh_index_remove(&keypair->entry.peer->device->indices,
			   &keypair->entry);
}

static void release_keypair(struct kref *kref)
{
	struct mmesh_keypair *keypair =
		container_of(kref, struct mmesh_keypair, refcount);

	remove_index(keypair);
	call_rcu(&keypair->rcu, free_keypair);
}

void mmesh_keypair_put(struct mmesh_keypair *keypair, bool unlink)
{
	if (!keypair)
		return;
	if (unlink)
		remove_index(keypair);
	kref_put(&keypair->refcount, release_keypair);
}

/* Empty a slot and return what was in it. */
static struct mmesh_keypair *take(struct mmesh_keypairs *keypairs,
				  struct mmesh_keypair __rcu **slot)
{
	return rcu_replace_pointer(*slot, NULL,
				   lockdep_is_held(&keypairs->lock));
}

static void drop(struct mmesh_keypairs *keypairs,
		 struct mmesh_keypair __rcu **slot)
{
	struct mmesh_keypair *keypair = take(keypairs, slot);

	/* A packet that has just looked it up must not be sealed any more:
	 * the keys may be going because a clone of this machine has them.
	 */
	if (keypair)
		WRITE_ONCE(keypair->sending_valid, false);
	mmesh_keypair_put(keypair, true);
}

/* The responder has proved that it has the keys: use them at once. An unused
 * `next` is younger than `current`, so that is what stays for late packets.
 */
static void install_initiator(struct mmesh_keypairs *keypairs,
			      struct mmesh_keypair *keypair)
{
	struct mmesh_keypair *next = take(keypairs, &keypairs->next_keypair);

	drop(keypairs, &keypairs->previous_keypair);
	if (next)
		drop(keypairs, &keypairs->current_keypair);
	else
		next = take(keypairs, &keypairs->current_keypair);
	rcu_assign_pointer(keypairs->previous_keypair, next);
	rcu_assign_pointer(keypairs->current_keypair, keypair);
}

/* The initiator has not confirmed the session yet (after a restart of ours its
 * message may even be a replay), so `current` stays in use until a record
 * comes under the new keys.
 */
static void install_responder(struct mmesh_keypairs *keypairs,
			      struct mmesh_keypair *keypair)
{
	drop(keypairs, &keypairs->next_keypair);
	drop(keypairs, &keypairs->previous_keypair);
	rcu_assign_pointer(keypairs->next_keypair, keypair);
}

bool mmesh_keypairs_install(struct mmesh_keypairs *keypairs,
			    struct mmesh_keypair *keypair,
			    struct mmesh_index_entry *handshake_entry)
{
	struct mmesh_peer *peer = keypair->entry.peer;
	bool ret = false;

	spin_lock_bh(&keypairs->lock);
	/* Removal marks the peer before it clears the slots under this lock,
	 * so what gets past this test is cleared by it.
	 */
	if (!READ_ONCE(peer->is_dead) &&
	    mmesh_index_replace(&peer->device->indices, handshake_entry,
				&keypair->entry)) {
		if (keypair->i_am_the_initiator)
			install_initiator(keypairs, keypair);
		else
			install_responder(keypairs, keypair);
		ret = true;
	}
	spin_unlock_bh(&keypairs->lock);
	return ret;
}

void mmesh_keypairs_clear(struct mmesh_keypairs *keypairs)
{
	spin_lock_bh(&keypairs->lock);
	drop(keypairs, &keypairs->next_keypair);
	drop(keypairs, &keypairs->previous_keypair);
	drop(keypairs, &keypairs->current_keypair);
	spin_unlock_bh(&keypairs->lock);
}

static void stop_sending(struct mmesh_keypairs *keypairs,
			 struct mmesh_keypair __rcu *slot)
{
	struct mmesh_keypair *keypair;

	keypair = rcu_dereference_protected(slot,
					    lockdep_is_held(&keypairs->lock));
	if (keypair)
		WRITE_ONCE(keypair->sending_valid, false);
}

void mmesh_keypairs_expire_current(struct mmesh_peer *peer)
{
	struct mmesh_keypairs *keypairs = &peer->keypairs;

	mmesh_handshake_clear(&peer->handshake);
	WRITE_ONCE(peer->last_sent_handshake, 0);
	spin_lock_bh(&keypairs->lock);
	stop_sending(keypairs, keypairs->next_keypair);
	stop_sending(keypairs, keypairs->current_keypair);
	spin_unlock_bh(&keypairs->lock);
}

bool mmesh_keypairs_received_with(struct mmesh_keypairs *keypairs,
				  struct mmesh_keypair *keypair)
{
	if (likely(keypair != rcu_access_pointer(keypairs->next_keypair)))
		return false;

	spin_lock_bh(&keypairs->lock);
	/* Another CPU may have been first with another record. */
	if (keypair != rcu_access_pointer(keypairs->next_keypair)) {
		spin_unlock_bh(&keypairs->lock);
		return false;
	}
	drop(keypairs, &keypairs->previous_keypair);
	rcu_assign_pointer(keypairs->previous_keypair,
			   take(keypairs, &keypairs->current_keypair));
	rcu_assign_pointer(keypairs->current_keypair,
			   take(keypairs, &keypairs->next_keypair));
	spin_unlock_bh(&keypairs->lock);
	return true;
}
