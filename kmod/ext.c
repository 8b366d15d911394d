// SPDX-License-Identifier: GPL-2.0
/* Extensions: a session's further keys, a peer's further state. */

#include <crypto/chacha20poly1305.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "device.h"
#include "ext.h"
#include "mmesh-compat-crypto.h"

static const char *const control_labels[] = {
	"mmesh v1 control r->i", "mmesh v1 control i->r",
};

static const char *const leg_labels[] = {
	"mmesh v1 leg r->i", "mmesh v1 leg i->r",
};

struct mmesh_session_ext *mmesh_session_ext_alloc(void)
{
	struct mmesh_session_ext *ext = kzalloc(sizeof(*ext), GFP_KERNEL);

	if (ext)
		spin_lock_init(&ext->lock);
	return ext;
}

static void derive(u8 key[MMESH_KEY_LEN], const u8 secret[MMESH_KEY_LEN],
		   const char *label)
{
	mmesh_blake2s(secret, MMESH_KEY_LEN, label, strlen(label), key,
		      MMESH_KEY_LEN);
}

/* SipHash takes the first 16 bytes, as two little-endian words. */
static void derive_leg(siphash_key_t *leg, const u8 secret[MMESH_KEY_LEN],
		       const char *label)
{
	u8 key[MMESH_KEY_LEN];

	derive(key, secret, label);
	leg->key[0] = get_unaligned_le64(key);
	leg->key[1] = get_unaligned_le64(key + sizeof(u64));
	memzero_explicit(key, sizeof(key));
}

void mmesh_session_ext_derive(struct mmesh_session_ext *ext,
			      const u8 secret[MMESH_KEY_LEN], bool initiator)
{
	derive(ext->control_send, secret, control_labels[initiator]);
	derive(ext->control_receive, secret, control_labels[!initiator]);
	derive_leg(&ext->leg_send, secret, leg_labels[initiator]);
	derive_leg(&ext->leg_receive, secret, leg_labels[!initiator]);
}

void mmesh_session_seal_control(struct mmesh_session_ext *ext, u8 *buf,
				size_t len, __le32 remote_index)
{
	struct mmesh_msg_data *header = (struct mmesh_msg_data *)buf;
	u64 counter = atomic64_inc_return(&ext->control_counter) - 1;
	u8 *text = buf + sizeof(*header);

	header->header.type = cpu_to_le32(MMESH_MSG_CONTROL);
	header->receiver_index = remote_index;
	header->counter = cpu_to_le64(counter);
	chacha20poly1305_encrypt(text, text, len, NULL, 0, counter,
				 ext->control_send);
}

int mmesh_session_open_control(struct mmesh_session_ext *ext, u8 *msg, size_t len)
{
	u64 counter = get_unaligned_le64(msg + offsetof(struct mmesh_msg_data,
							counter));
	u8 *text = msg + sizeof(struct mmesh_msg_data);
	bool fresh;

	if (!chacha20poly1305_decrypt(text, text,
				      len - sizeof(struct mmesh_msg_data), NULL,
				      0, counter, ext->control_receive))
		return -EBADMSG;
	spin_lock_bh(&ext->lock);
	fresh = mmesh_replay_accept_control(&ext->control_replay, counter);
	spin_unlock_bh(&ext->lock);
	return fresh ? 0 : -EALREADY;
}

int mmesh_peer_ext_make(struct mmesh_peer *peer)
{
	struct mmesh_peer_ext *ext;

	lockdep_assert_held(&peer->device->update_lock);
	if (peer->ext)
		return 0;
	ext = kzalloc(sizeof(*ext), GFP_KERNEL_ACCOUNT);
	if (!ext)
		return -ENOMEM;
	mmesh_bucket_init(&ext->control_tx);
	mmesh_bucket_init(&ext->control_rx);
	mmesh_paths_init(&ext->paths, peer);
	/* Pairs with the reading in mmesh_peer_ext(). */
	smp_store_release(&peer->ext, ext);
	return 0;
}

void mmesh_peer_ext_free(struct mmesh_peer *peer)
{
	if (peer->ext)
		mmesh_paths_free(&peer->ext->paths);
	kfree(peer->ext);
	peer->ext = NULL;
}

void mmesh_peer_set_extended(struct mmesh_peer *peer, bool on)
{
	lockdep_assert_held(&peer->device->update_lock);
	if (peer->extended == on)
		return;
	WRITE_ONCE(peer->extended, on);
	if (!on)
		WRITE_ONCE(peer->path_mtu, 0);
	/* Sessions have their extension keys, or none, from their birth on. */
	mmesh_keypairs_expire_current(peer);
}
