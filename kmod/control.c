// SPDX-License-Identifier: GPL-2.0
/* Control messages, in and out. In: mmesh_open_receive() (open.c). Out:
 * mmesh_socket_send_path() (socket.c). Context: BH off, RCU read.
 * Drops: RX_DROP_SHORT, CTL_DROP_NO_SESSION, CTL_DROP_AUTH, CTL_DROP_REPLAY,
 * CTL_DROP_RATE, CTL_DROP_MALFORMED, CTL_DROP_KIND, RX_DROP_NO_MEMORY.
 */

#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "control.h"
#include "device.h"
#include "ext.h"
#include "limits.h"
#include "peer.h"
#include "socket.h"

static mmesh_control_handler handlers[MMESH_CONTROL_KINDS] __read_mostly;

void mmesh_control_register(enum mmesh_control_kind kind,
			    mmesh_control_handler handler)
{
	handlers[kind] = handler;
}

static bool within_rate(struct mmesh_bucket *bucket)
{
	return mmesh_bucket_take(bucket, 1, MMESH_CONTROL_PER_SECOND,
				 MMESH_CONTROL_BURST,
				 ktime_get_coarse_boottime_ns());
}

/* The keypair that @msg names, if it may still receive; NULL otherwise. */
static struct mmesh_keypair *find_keypair(struct mmesh_device *m, const u8 *msg)
{
	const struct mmesh_msg_data *header = (const struct mmesh_msg_data *)msg;
	__le32 index = (__force __le32)get_unaligned((u32 *)&header->receiver_index);
	struct mmesh_index_entry *entry;
	struct mmesh_keypair *keypair;

	entry = mmesh_index_lookup(&m->indices, MMESH_INDEX_KEYPAIR, index);
	if (!entry)
		return NULL;
	keypair = container_of(entry, struct mmesh_keypair, entry);
	if (!keypair->ext || !mmesh_peer_ext(entry->peer) ||
	    !READ_ONCE(keypair->receiving_valid) ||
	    mmesh_expired(keypair->birthdate, MMESH_REJECT_AFTER_TIME))
		return NULL;
	return keypair;
}

/* @msg is authentic and its plaintext in the open. */
static void dispatch(struct mmesh_peer *peer, const struct mmesh_addr *from,
		     const u8 *msg, unsigned int len)
{
	const struct mmesh_control_header *header =
		(const struct mmesh_control_header *)(msg +
						      sizeof(struct mmesh_msg_data));
	struct mmesh_control_in in = {
		.from = from,
		.body = (const u8 *)(header + 1),
		.len = get_unaligned_le16(&header->len),
		.kind = header->kind,
		.size = len,
	};

	if (header->flags || in.len > len - MMESH_CONTROL_MIN_LEN) {
		mmesh_stat_inc(peer->device, MMESH_STAT_CTL_DROP_MALFORMED);
		return;
	}
	if (in.kind >= MMESH_CONTROL_KINDS || !handlers[in.kind]) {
		mmesh_stat_inc(peer->device, MMESH_STAT_CTL_DROP_KIND);
		return;
	}
	mmesh_stat_inc(peer->device, MMESH_STAT_CTL_RX);
	handlers[in.kind](peer, &in);
}

/* Decrypts in @copy, as the socket's buffer may be somebody's page cache. */
static unsigned int receive(struct mmesh_keypair *keypair,
			    const struct mmesh_addr *from, u8 *copy,
			    unsigned int len)
{
	struct mmesh_peer *peer = keypair->entry.peer;
	struct mmesh_peer_ext *ext = mmesh_peer_ext(peer);

	switch (mmesh_session_open_control(keypair->ext, copy, len)) {
	case 0:
		break;
	case -EALREADY:
		return MMESH_STAT_CTL_DROP_REPLAY;
	default:
		return MMESH_STAT_CTL_DROP_AUTH;
	}
	/* After authentication, or a stranger could use up the peer's share. */
	if (!ext || !within_rate(&ext->control_rx))
		return MMESH_STAT_CTL_DROP_RATE;
	atomic64_add(len, &peer->rx_bytes);
	dispatch(peer, from, copy, len);
	return MMESH_STAT_COUNT;
}

void mmesh_control_receive(struct mmesh_device *m, const struct mmesh_addr *from,
			   const u8 *msg, unsigned int len)
{
	struct mmesh_keypair *keypair;
	unsigned int stat;
	u8 *copy;

	if (len < MMESH_CONTROL_MIN_LEN) {
		mmesh_stat_inc(m, MMESH_STAT_RX_DROP_SHORT);
		return;
	}
	keypair = find_keypair(m, msg);
	if (!keypair) {
		mmesh_stat_inc(m, MMESH_STAT_CTL_DROP_NO_SESSION);
		return;
	}
	copy = kmemdup(msg, len, GFP_ATOMIC | __GFP_NOWARN);
	if (!copy) {
		mmesh_stat_inc(m, MMESH_STAT_RX_DROP_NO_MEMORY);
		return;
	}
	stat = receive(keypair, from, copy, len);
	if (stat != MMESH_STAT_COUNT)
		mmesh_stat_inc(m, stat);
	kfree_sensitive(copy);
}

static void write_text(u8 *text, const struct mmesh_control_out *out, size_t len)
{
	struct mmesh_control_header *header = (struct mmesh_control_header *)text;

	header->kind = out->kind;
	header->flags = 0;
	header->len = cpu_to_le16(out->len);
	if (out->len)
		memcpy(header + 1, out->body, out->len);
	memset((u8 *)(header + 1) + out->len, 0, len - sizeof(*header) - out->len);
}

/* RCU read, BH off. */
static int send(struct mmesh_peer *peer, const struct mmesh_control_out *out,
		size_t size)
{
	struct mmesh_peer_ext *ext = mmesh_peer_ext(peer);
	struct mmesh_keypair *keypair;
	struct sk_buff *skb;

	keypair = rcu_dereference(peer->keypairs.current_keypair);
	if (!ext || !keypair || !keypair->ext ||
	    !READ_ONCE(keypair->sending_valid) ||
	    mmesh_expired(keypair->birthdate, MMESH_REJECT_AFTER_TIME))
		return -ENOKEY;
	if (!within_rate(&ext->control_tx)) {
		mmesh_stat_inc(peer->device, MMESH_STAT_CTL_DROP_RATE);
		return -EBUSY;
	}
	skb = mmesh_socket_alloc(size);
	if (!skb)
		return -ENOMEM;
	write_text(skb->data + sizeof(struct mmesh_msg_data), out,
		   size - MMESH_RECORD_OVERHEAD);
	mmesh_session_seal_control(keypair->ext, skb->data,
				   size - MMESH_RECORD_OVERHEAD,
				   keypair->remote_index);
	mmesh_stat_inc(peer->device, MMESH_STAT_CTL_TX);
	return mmesh_socket_send_path(peer, out->to, skb, MMESH_HANDSHAKE_DS,
				      out->df);
}

int mmesh_control_send(struct mmesh_peer *peer, const struct mmesh_control_out *out)
{
	size_t size = max_t(size_t, MMESH_CONTROL_MIN_LEN + out->len, out->size);
	int ret;

	if (size > MMESH_MAX_UDP_PAYLOAD)
		return -EMSGSIZE;
	local_bh_disable();
	rcu_read_lock();
	ret = send(peer, out, size);
	rcu_read_unlock();
	local_bh_enable();
	return ret;
}
