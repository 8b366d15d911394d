// SPDX-License-Identifier: Apache-2.0
#include "qr.h"

#include <errno.h>
#include <qrencode.h>

/* Scanners want a light margin of this many modules. */
enum { QUIET = 4 };

static bool is_light(const QRcode *code, int x, int y)
{
	if (x < 0 || y < 0 || x >= code->width || y >= code->width)
		return true;
	return !(code->data[y * code->width + x] & 1);
}

int qr_draw(struct printer *p, const char *text)
{
	QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
	/* By whether the upper and the lower module are light. */
	static const char *const glyph[2][2] = { { " ", "\u2584" }, { "\u2580", "\u2588" } };

	if (!code)
		return errno == ENOMEM ? -ENOMEM : -EMSGSIZE;
	for (int y = -QUIET; y < code->width + QUIET; y += 2) {
		printer_text(p, "%s", p->colour ? "\x1b[40;97m" : "");
		for (int x = -QUIET; x < code->width + QUIET; x++)
			printer_text(p, "%s", glyph[is_light(code, x, y)][is_light(code, x, y + 1)]);
		printer_text(p, "%s\n", printer_colour_off(p));
	}
	QRcode_free(code);
	return 0;
}
