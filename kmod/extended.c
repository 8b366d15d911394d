// SPDX-License-Identifier: GPL-2.0
/* Extended peers: what a peer has beyond WireGuard. */

#include <linux/slab.h>
#include <linux/xarray.h>

#include "device.h"
#include "ext.h"
#include "relay.h"
#include "via.h"

static struct kmem_cache *ext_cache;

int mmesh_peer_ext_module_init(void)
{
	ext_cache = KMEM_CACHE(mmesh_peer_ext, SLAB_ACCOUNT);
	return ext_cache ? 0 : -ENOMEM;
}

void mmesh_peer_ext_module_exit(void)
{
	kmem_cache_destroy(ext_cache);
}

int mmesh_peer_ext_make(struct mmesh_peer *peer)
{
	struct mmesh_peer_ext *ext;

	lockdep_assert_held(&peer->device->update_lock);
	if (peer->ext)
		return 0;
	ext = kmem_cache_zalloc(ext_cache, GFP_KERNEL);
	if (!ext)
		return -ENOMEM;
	mmesh_bucket_init(&ext->control_tx);
	mmesh_bucket_init(&ext->control_rx);
	mmesh_paths_init(&ext->paths, peer);
	INIT_LIST_HEAD(&ext->channels);
	xa_init(&ext->given);
	if (xa_alloc(&peer->device->extended, &ext->number, peer, xa_limit_31b,
		     GFP_KERNEL)) {
		mmesh_paths_free(&ext->paths);
		kmem_cache_free(ext_cache, ext);
		return -ENOMEM;
	}
	/* Pairs with READ_ONCE() in mmesh_peer_ext(). */
	smp_store_release(&peer->ext, ext);
	return 0;
}

void mmesh_peer_ext_remove(struct mmesh_peer *peer)
{
	lockdep_assert_held(&peer->device->update_lock);
	if (!peer->ext)
		return;
	xa_erase(&peer->device->extended, peer->ext->number);
	mmesh_via_clear(peer);
	mmesh_relay_peer_removed(peer);
}

void mmesh_peer_ext_free(struct mmesh_peer *peer)
{
	if (!peer->ext)
		return;
	mmesh_paths_free(&peer->ext->paths);
	xa_destroy(&peer->ext->given);
	kfree(peer->ext->client);
	kmem_cache_free(ext_cache, peer->ext);
	peer->ext = NULL;
}

struct mmesh_peer *mmesh_ext_by_number(struct mmesh_device *m, u32 number)
{
	return xa_load(&m->extended, number);
}

void mmesh_peer_set_extended(struct mmesh_peer *peer, bool on)
{
	lockdep_assert_held(&peer->device->update_lock);
	if (peer->extended == on)
		return;
	if (!on) {
		mmesh_via_clear(peer);
		if (peer->ext->client)
			mmesh_client_admit(peer, false, false, 0);
	}
	WRITE_ONCE(peer->extended, on);
	if (!on)
		WRITE_ONCE(peer->path_mtu, 0);
	/* Sessions have their extension keys, or none, from their birth on. */
	mmesh_keypairs_expire_current(peer);
}
