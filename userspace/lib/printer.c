// SPDX-License-Identifier: Apache-2.0
#include "printer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

/* Errors of the stream are sticky: the program looks at ferror() at its end. */
static void put(struct printer *p, const char *text)
{
	(void)fputs(text, p->out);
}

static void putf(struct printer *p, const char *fmt, ...) _printf_(2, 3);
static void putf(struct printer *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vfprintf(p->out, fmt, ap);
	va_end(ap);
}

static void json_string(struct printer *p, const char *s)
{
	put(p, "\"");
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			putf(p, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			putf(p, "\\u%04x", c);
		else
			putf(p, "%c", c);
	}
	put(p, "\"");
}

static void json_indent(struct printer *p)
{
	if (p->pretty)
		putf(p, "\n%*s", (int)p->depth * 4, "");
}

/* Comma, indentation and key of the next item. */
static void json_item(struct printer *p, const char *key)
{
	uint32_t bit = UINT32_C(1) << p->depth;

	if (p->has_item & bit)
		put(p, ",");
	p->has_item |= bit;
	json_indent(p);
	if (key) {
		json_string(p, key);
		put(p, p->pretty ? ": " : ":");
	}
}

static void json_open(struct printer *p, const char *key, const char *bracket)
{
	if (p->depth)
		json_item(p, key);
	put(p, bracket);
	if (p->depth < PRINTER_MAX_DEPTH)
		p->depth++;
	p->has_item &= ~(UINT32_C(1) << p->depth);
}

static void json_close(struct printer *p, const char *bracket)
{
	bool filled = p->has_item & (UINT32_C(1) << p->depth);

	if (p->depth)
		p->depth--;
	if (filled)
		json_indent(p);
	put(p, bracket);
}

void printer_begin(struct printer *p)
{
	p->depth = 0;
	p->has_item = 0;
	p->block_open = false;
	if (!printer_is_json(p))
		return;
	json_open(p, NULL, "{");
	printer_string(p, "schema", NULL, PRINTER_SCHEMA);
}

void printer_end(struct printer *p)
{
	if (!printer_is_json(p))
		return;
	json_close(p, "}");
	put(p, "\n");
}

void printer_open_object(struct printer *p, const char *key)
{
	if (printer_is_json(p))
		json_open(p, key, "{");
}

void printer_close_object(struct printer *p)
{
	if (printer_is_json(p))
		json_close(p, "}");
}

void printer_open_array(struct printer *p, const char *key)
{
	if (printer_is_json(p))
		json_open(p, key, "[");
}

void printer_close_array(struct printer *p)
{
	if (printer_is_json(p))
		json_close(p, "]");
}

const char *printer_colour_on(const struct printer *p, enum printer_colour colour)
{
	if (!p->colour || printer_is_json(p))
		return "";
	switch (colour) {
	case COLOUR_BOLD:
		return "\x1b[1m";
	case COLOUR_RED:
		return "\x1b[31m";
	case COLOUR_GREEN:
		return "\x1b[32m";
	case COLOUR_YELLOW:
		return "\x1b[33m";
	case COLOUR_CYAN:
		return "\x1b[36m";
	case COLOUR_NONE:
		break;
	}
	return "";
}

const char *printer_colour_off(const struct printer *p)
{
	return p->colour && !printer_is_json(p) ? "\x1b[0m" : "";
}

struct units_marks printer_marks(const struct printer *p, enum printer_colour colour)
{
	return (struct units_marks){ printer_colour_on(p, colour), printer_colour_off(p) };
}

int64_t printer_now(const struct printer *p)
{
	return p->now ? p->now : (int64_t)time(NULL);
}

void printer_heading(struct printer *p, const char *key, const char *label, const char *value,
		     enum printer_colour colour)
{
	const char *on = printer_colour_on(p, colour);
	const char *off = printer_colour_off(p);
	const char *bold = printer_colour_on(p, COLOUR_BOLD);

	switch (p->form) {
	case PRINTER_JSON:
		printer_string(p, key, NULL, value);
		break;
	case PRINTER_ONELINE:
		putf(p, "%s%s%s", on, value, off);
		break;
	case PRINTER_BLOCKS:
		if (p->block_open)
			put(p, "\n");
		putf(p, "%s%s%s%s: %s%s%s\n", on, bold, label, off, on, value, off);
		break;
	}
	p->block_open = true;
}

void printer_heading_end(struct printer *p)
{
	if (p->form == PRINTER_ONELINE)
		put(p, "\n");
}

/* What stands before a value in a text form; false: nothing is printed. */
static bool text_label(struct printer *p, const char *key, const char *label)
{
	if (p->form == PRINTER_ONELINE) {
		put(p, " ");
		for (; *key; key++)
			putf(p, "%c", *key == '_' ? '-' : *key);
		put(p, " ");
		return true;
	}
	if (!label)
		return false;
	putf(p, "  %s%s%s: ", printer_colour_on(p, COLOUR_BOLD), label, printer_colour_off(p));
	return true;
}

static void text_field(struct printer *p, const char *key, const char *label, const char *value)
{
	if (!text_label(p, key, label))
		return;
	put(p, value);
	if (p->form == PRINTER_BLOCKS)
		put(p, "\n");
}

void printer_string(struct printer *p, const char *key, const char *label, const char *value)
{
	if (!printer_is_json(p)) {
		text_field(p, key, label, value);
		return;
	}
	json_item(p, key);
	json_string(p, value);
}

void printer_uint(struct printer *p, const char *key, const char *label, uint64_t value,
		  const char *text)
{
	char number[24];

	(void)snprintf(number, sizeof(number), "%" PRIu64, value);
	if (!printer_is_json(p)) {
		text_field(p, key, label, text ? text : number);
		return;
	}
	json_item(p, key);
	put(p, number);
}

void printer_int(struct printer *p, const char *key, const char *label, int64_t value,
		 const char *text)
{
	char number[24];

	(void)snprintf(number, sizeof(number), "%" PRId64, value);
	if (!printer_is_json(p)) {
		text_field(p, key, label, text ? text : number);
		return;
	}
	json_item(p, key);
	put(p, number);
}

void printer_bool(struct printer *p, const char *key, const char *label, bool value)
{
	if (!printer_is_json(p)) {
		text_field(p, key, label, value ? "on" : "off");
		return;
	}
	json_item(p, key);
	put(p, value ? "true" : "false");
}

void printer_null(struct printer *p, const char *key, const char *label, const char *text)
{
	if (!printer_is_json(p)) {
		if (text)
			text_field(p, key, label, text);
		return;
	}
	json_item(p, key);
	put(p, "null");
}

void printer_bytes(struct printer *p, const char *key, const char *label, uint64_t value)
{
	struct units_marks marks = printer_marks(p, COLOUR_CYAN);
	char text[UNITS_TEXT_SIZE];

	if (p->form == PRINTER_BLOCKS)
		units_bytes(text, value, &marks);
	printer_uint(p, key, label, value, p->form == PRINTER_BLOCKS ? text : NULL);
}

void printer_time(struct printer *p, const char *key, const char *label, int64_t epoch)
{
	struct units_marks marks = printer_marks(p, COLOUR_CYAN);
	struct units_marks alarm = printer_marks(p, COLOUR_RED);
	char text[UNITS_TEXT_SIZE];
	char stamp[RFC3339_SIZE];
	char epoch_key[64];

	units_rfc3339(stamp, epoch);
	switch (p->form) {
	case PRINTER_JSON:
		(void)snprintf(epoch_key, sizeof(epoch_key), "%s_epoch", key);
		if (epoch) {
			printer_string(p, key, NULL, stamp);
			printer_int(p, epoch_key, NULL, epoch, NULL);
		} else {
			printer_null(p, key, NULL, NULL);
			printer_null(p, epoch_key, NULL, NULL);
		}
		break;
	case PRINTER_ONELINE:
		if (epoch)
			text_field(p, key, label, stamp);
		break;
	case PRINTER_BLOCKS:
		if (!epoch)
			break;
		units_ago(text, epoch, printer_now(p), &marks, &alarm);
		text_field(p, key, label, text);
		break;
	}
}

void printer_item(struct printer *p, const char *value)
{
	if (!printer_is_json(p))
		return;
	json_item(p, NULL);
	json_string(p, value);
}

void printer_text(struct printer *p, const char *fmt, ...)
{
	va_list ap;

	if (printer_is_json(p))
		return;
	va_start(ap, fmt);
	(void)vfprintf(p->out, fmt, ap);
	va_end(ap);
}
