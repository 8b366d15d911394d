/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call prints text and JSON. A document is a tree of objects, arrays and
 * fields; the printer's form decides what each becomes:
 *
 *   blocks   "  label: value" lines under a heading, as wg(8) shows them
 *   oneline  " word value" pairs on the line that the heading began; the words
 *            are the JSON keys with '-' for '_'
 *   json     "key": value
 *
 * What is only meant for one form goes through printer_text() (never in JSON).
 */
#ifndef LIB_PRINTER_H
#define LIB_PRINTER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cleanup.h"
#include "units.h"

#define PRINTER_SCHEMA "mmesh/1"

enum printer_form {
	PRINTER_BLOCKS,
	PRINTER_ONELINE,
	PRINTER_JSON,
};

enum printer_colour {
	COLOUR_NONE,
	COLOUR_BOLD,
	COLOUR_RED,
	COLOUR_GREEN,
	COLOUR_YELLOW,
	COLOUR_CYAN,
};

struct printer {
	FILE *out;
	enum printer_form form;
	bool pretty; /* JSON with line ends and indents */
	bool colour; /* ignored in JSON */
	int64_t now; /* what "ago" refers to; 0: the clock */

	/* Private: depth of the tree and whether each level has an item yet. */
	unsigned int depth;
	uint32_t has_item;
	bool block_open;
};

enum { PRINTER_MAX_DEPTH = 31 };

/* A document: JSON gets its outermost object with the schema. */
void printer_begin(struct printer *p);
void printer_end(struct printer *p);

/* @key is NULL inside an array. Text forms print nothing for these. */
void printer_open_object(struct printer *p, const char *key);
void printer_close_object(struct printer *p);
void printer_open_array(struct printer *p, const char *key);
void printer_close_array(struct printer *p);

/*
 * First field of an object: names it. Blocks: "label: value" in @colour, after
 * an empty line unless it is the first; oneline: the value at a line's start.
 */
void printer_heading(struct printer *p, const char *key, const char *label, const char *value,
		     enum printer_colour colour);
/* After the last field of an object that has a heading. */
void printer_heading_end(struct printer *p);

/* @label NULL: only in JSON and oneline. */
void printer_string(struct printer *p, const char *key, const char *label, const char *value);
/* In JSON a number, in text @text (NULL: the number). */
void printer_uint(struct printer *p, const char *key, const char *label, uint64_t value,
		  const char *text);
void printer_int(struct printer *p, const char *key, const char *label, int64_t value,
		 const char *text);
void printer_bool(struct printer *p, const char *key, const char *label, bool value);
/* JSON null; text @text (NULL: nothing). */
void printer_null(struct printer *p, const char *key, const char *label, const char *text);

/* Bytes: a number in JSON and oneline, "1.02 MiB" in blocks. */
void printer_bytes(struct printer *p, const char *key, const char *label, uint64_t value);
/*
 * A moment: JSON @key as RFC 3339 and "@key_epoch" as a number, both null for
 * @epoch 0; oneline the RFC 3339 form; blocks "… ago". Text has nothing for 0.
 */
void printer_time(struct printer *p, const char *key, const char *label, int64_t epoch);

/* A string in an array of strings (JSON only). */
void printer_item(struct printer *p, const char *value);

/* Text forms only, as it stands. */
void printer_text(struct printer *p, const char *fmt, ...) _printf_(2, 3);

/* Escape sequences to put around text; "" without colour. */
const char *printer_colour_on(const struct printer *p, enum printer_colour colour);
const char *printer_colour_off(const struct printer *p);
struct units_marks printer_marks(const struct printer *p, enum printer_colour colour);
int64_t printer_now(const struct printer *p);

static inline bool printer_is_json(const struct printer *p)
{
	return p->form == PRINTER_JSON;
}

#endif
