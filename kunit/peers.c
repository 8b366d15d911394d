// SPDX-License-Identifier: GPL-2.0
#include <linux/string.h>

#include "peers.h"

struct mmesh_test_end *mmesh_test_end(struct kunit *test, const u8 *private,
				      const u8 *peer_public, const u8 *psk,
				      u8 suite)
{
	struct mmesh_test_end *end;

	end = kunit_kzalloc(test, sizeof(*end), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, end);
	mutex_init(&end->m.update_lock);
	init_rwsem(&end->m.identity.lock);
	KUNIT_ASSERT_EQ(test, mmesh_index_init(&end->m.indices), 0);
	mmesh_cookie_checker_init(&end->m.cookie_checker);
	mutex_lock(&end->m.update_lock);
	if (private) {
		down_write(&end->m.identity.lock);
		mmesh_identity_set_private(&end->m.identity, private);
		up_write(&end->m.identity.lock);
	}
	mmesh_cookie_checker_precompute(&end->m);
	mutex_unlock(&end->m.update_lock);

	end->peer.device = &end->m;
	end->peer.suite = suite;
	spin_lock_init(&end->peer.keypairs.lock);
	kref_init(&end->peer.refcount);
	mmesh_handshake_init(&end->peer.handshake, &end->m.identity, peer_public,
			     psk, suite, &end->peer);
	mmesh_cookie_init(&end->peer.cookie, peer_public);
	return end;
}

void mmesh_test_end_destroy(struct kunit *test, struct mmesh_test_end *end)
{
	/* Every reference that was taken has been put. */
	KUNIT_EXPECT_EQ(test, kref_read(&end->peer.refcount), 1);
	mmesh_handshake_clear(&end->peer.handshake);
	mmesh_keypairs_clear(&end->peer.keypairs);
	KUNIT_EXPECT_EQ(test, end->m.indices.count, 0);
	synchronize_rcu();
	mmesh_index_destroy(&end->m.indices);
}

struct mmesh_peer *mmesh_peer_lookup(struct mmesh_device *m,
				     const u8 public_key[MMESH_KEY_LEN])
{
	struct mmesh_test_end *end = container_of(m, struct mmesh_test_end, m);

	if (memcmp(end->peer.handshake.remote_static, public_key, MMESH_KEY_LEN))
		return NULL;
	return mmesh_peer_get(&end->peer);
}

struct mmesh_peer *mmesh_peer_get_maybe_zero(struct mmesh_peer *peer)
{
	return peer ? mmesh_peer_get(peer) : NULL;
}

static void release(struct kref *kref)
{
	WARN_ON_ONCE(1);
}

void mmesh_peer_put(struct mmesh_peer *peer)
{
	if (peer)
		kref_put(&peer->refcount, release);
}
