/* SPDX-License-Identifier: Apache-2.0 */
/* One function an attack: true when the device took it as it should. */
#ifndef WIRE_ATTACKS_H
#define WIRE_ATTACKS_H

#include "target.h"

struct attack {
	const char *name;
	bool (*run)(struct target *t, struct peer *peer);
	const char *about;
};

/* Each ends with a null entry. */
extern const struct attack data_attacks[];		/* attack-data.c */
extern const struct attack initiation_attacks[];	/* attack-initiation.c */
extern const struct attack response_attacks[];		/* attack-response.c */
extern const struct attack load_attacks[];		/* attack-load.c */

#endif
