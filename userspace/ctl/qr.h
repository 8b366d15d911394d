/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_QR_H
#define CTL_QR_H

#include "printer.h"

/*
 * Draw @text as a QR code on a terminal, two modules a character, light on dark.
 * 0, -EMSGSIZE when it is too long for one (some 2900 bytes), -ENOMEM.
 */
int qr_draw(struct printer *p, const char *text);

#endif
