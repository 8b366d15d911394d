/* SPDX-License-Identifier: Apache-2.0 */
/* What "wg show" prints, byte for byte. */
#ifndef MMESH_WG_SHOW_H
#define MMESH_WG_SHOW_H

#include <stdio.h>

#include "model.h"
#include "printer.h"

/* "interface: …" and its peers, the latest handshake first; sorts @dev. */
void wg_show_pretty(struct printer *p, struct mmesh_device *dev, bool show_keys);

/* True for the words that wg_show_param() knows. */
bool wg_show_knows(const char *param);

/* One of the forms for scripts; @with_name: the device's name before each line. */
void wg_show_param(FILE *out, const struct mmesh_device *dev, const char *param, bool with_name);

#endif
