/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks by group, and what they share. */
#ifndef WIRE_ATTACKS_H
#define WIRE_ATTACKS_H

#include "target.h"

struct attack {
	const char *name;
	bool (*run)(struct target *t, struct peer *peer);	/* did the device take it as it should? */
	const char *about;
};

/* Turn over one of the bits of @msg in the @len bytes from @from on; returns its number, counted from the first byte. */
unsigned int flip_bit(struct target *t, uint8_t *msg, size_t from, size_t len);
/* Give a handshake message that was made before another sender index, and macs for it. */
void put_index(const struct peer *peer, uint8_t *msg, size_t len, uint32_t index);
/* An attack: noise of @len (at most INITIATION) bytes under a right mac1, as @type and every eighth as @other. */
bool send_noise(struct target *t, const struct peer *peer, enum type type, enum type other,
		size_t len, int stat);

/* Each ends with a null entry. */
extern const struct attack data_attacks[];		/* attack-data.c */
extern const struct attack initiation_attacks[];	/* attack-initiation.c */
extern const struct attack response_attacks[];		/* attack-response.c */
extern const struct attack load_attacks[];		/* attack-load.c */
extern const struct attack relay_attacks[];		/* attack-relay.c */

#endif
