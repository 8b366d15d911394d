/* SPDX-License-Identifier: Apache-2.0 */
/* Times and amounts in the words that people use. */
#ifndef LIB_UNITS_H
#define LIB_UNITS_H

#include <stdint.h>
#include <stddef.h>

enum {
	UNITS_TEXT_SIZE = 192,
	RFC3339_SIZE = 40,
};

/*
 * Marks around each unit's name, to colour it; both may be "". They add to the
 * length of the text, so keep them short (at most 12 bytes).
 */
struct units_marks {
	const char *begin;
	const char *end;
};

/* "1 minute, 3 seconds"; "" for 0. A year is 365 days. */
void units_duration(char ret_text[UNITS_TEXT_SIZE], uint64_t seconds,
		    const struct units_marks *marks);

/* "1 minute, 3 seconds ago", "Now", or the warning of a clock that ran back. */
void units_ago(char ret_text[UNITS_TEXT_SIZE], int64_t then, int64_t now,
	       const struct units_marks *marks, const struct units_marks *alarm);

/* "1.02 MiB"; binary units, two decimals from KiB on. */
void units_bytes(char ret_text[UNITS_TEXT_SIZE], uint64_t bytes, const struct units_marks *marks);

/* UTC with a 'Z', seconds resolution: "2026-11-21T14:15:00Z". */
void units_rfc3339(char ret_text[RFC3339_SIZE], int64_t epoch);

#endif
