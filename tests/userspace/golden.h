/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a printer wrote against a file in GOLDEN_DIR. After a change that is meant,
 * run with UPDATE_GOLDEN=1 and read the difference.
 */
#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H

#include "printer.h"

enum { GOLDEN_NOW = 1795270500 };

struct golden {
	char *text;
	size_t len;
	struct printer p;
};

void golden_begin(struct golden *o, enum printer_form form, bool pretty, bool colour);
/* Fails the test when the text is not that of @golden. */
void golden_end(struct golden *o, const char *golden);

#endif
