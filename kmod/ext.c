// SPDX-License-Identifier: GPL-2.0
/* Extensions: what a session has beyond WireGuard. */

#include <crypto/chacha20poly1305.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "ext.h"
#include "leg.h"
#include "mmesh-compat-crypto.h"

static const char *const control_labels[] = {
	"mmesh v1 control r->i", "mmesh v1 control i->r",
};

static const char *const leg_labels[] = {
	"mmesh v1 leg r->i", "mmesh v1 leg i->r",
};

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

/* The header from its counter to its tag, and the beginning of the message. Type
 * and index need no MAC: another one is another session's, so another key's.
 */
static u64 tag_of(const siphash_key_t *key, const u8 *at)
{
	const u8 *inner = at + MMESH_LEG_LEN;

	return siphash_4u64(get_unaligned_le64(at + offsetof(struct mmesh_msg_relay,
							     counter)),
			    get_unaligned_le64(at + offsetof(struct mmesh_msg_relay,
							     channel)),
			    get_unaligned_le64(inner),
			    get_unaligned_le64(inner + sizeof(u64)), key);
}

void mmesh_leg_write(const struct mmesh_session_ext *ext, u8 *at,
		     const struct mmesh_leg_header *header)
{
	struct mmesh_msg_relay *msg = (struct mmesh_msg_relay *)at;

	put_unaligned_le32(MMESH_MSG_RELAY, &msg->header.type);
	put_unaligned((__force u32)header->index, (u32 *)&msg->receiver_index);
	put_unaligned_le64(header->counter, &msg->counter);
	put_unaligned_le32(header->channel, &msg->channel);
	put_unaligned_le16(header->len, &msg->len);
	put_unaligned_le16(header->flags, &msg->flags);
	put_unaligned_le64(tag_of(&ext->leg_send, at), &msg->tag);
}

bool mmesh_leg_verify(const struct mmesh_session_ext *ext, const u8 *at,
		      struct mmesh_leg_header *header)
{
	const struct mmesh_msg_relay *msg = (const struct mmesh_msg_relay *)at;

	header->index = (__force __le32)get_unaligned((u32 *)&msg->receiver_index);
	header->counter = get_unaligned_le64(&msg->counter);
	header->channel = get_unaligned_le32(&msg->channel);
	header->len = get_unaligned_le16(&msg->len);
	header->flags = get_unaligned_le16(&msg->flags);
	return tag_of(&ext->leg_receive, at) == get_unaligned_le64(&msg->tag);
}
