// SPDX-License-Identifier: Apache-2.0
/* What attacks of more than one sort do. */
#include "attacks.h"

unsigned int flip_bit(struct target *t, uint8_t *msg, size_t from, size_t len)
{
	unsigned int bit = (unsigned int)(8 * from) + target_below(t, (uint32_t)(8 * len));

	msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
	return bit;
}

void put_index(const struct peer *peer, uint8_t *msg, size_t len, uint32_t index)
{
	put_le32(msg + 4, index);
	put_macs(peer, msg, len);
}

bool send_noise(struct target *t, const struct peer *peer, enum type type, enum type other,
		size_t len, int stat)
{
	uint8_t msg[INITIATION];
	unsigned long i;

	for (i = 0; i < t->options->count; i++) {
		target_random_fill(t, msg, len);
		put_le32(msg, i % 8 ? type : other);
		put_macs(peer, msg, len);
		target_send(t, msg, len, stat);
	}
	return target_finish(t);
}
