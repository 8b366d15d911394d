/* SPDX-License-Identifier: Apache-2.0 */
/* Relays in words: by which a peer is reached. */
#ifndef MMESH_TOOL_RELAY_H
#define MMESH_TOOL_RELAY_H

#include "error.h"
#include "model.h"
#include "printer.h"

/* "off", a public key, or two with a comma between them. Returns 0 or -EINVAL. */
int via_parse(struct mmesh_peer *peer, const char *text, struct error *err);
/* Nothing for a peer that has no relay. */
void show_via(struct printer *p, const struct mmesh_peer *peer);

#endif
