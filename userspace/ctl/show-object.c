// SPDX-License-Identifier: Apache-2.0
#include "show-object.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { MAX_COLUMNS = 12 };

/* Those of "list" in the order of the kind's fields. */
static size_t columns(const struct kind *kind, const struct field *ret[MAX_COLUMNS])
{
	size_t n = 0;

	for (size_t i = 0; i < kind->n_fields && n < MAX_COLUMNS; i++)
		if (kind->field[i].flags & FIELD_COLUMN)
			ret[n++] = &kind->field[i];
	return n;
}

/* "-" stands for nothing, so that columns can be counted. */
static char *cell(const struct field *field, const Mmesh__V1__Object *object)
{
	char *text = field_text(field, kind_message(object));

	if (text && *text)
		return text;
	free(text);
	return strdup("-");
}

static size_t wider(size_t width, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	return len > width ? len : width;
}

/* Widths of the path and of each column. */
static void measure(const struct kind *kind, const struct field *const *column, size_t n_columns,
		    Mmesh__V1__Object *const *object, size_t n, bool heading, size_t *ret_width)
{
	ret_width[0] = heading ? strlen(kind->name) : 0;
	for (size_t i = 0; i < n_columns; i++)
		ret_width[i + 1] = heading ? strlen(column[i]->word) : 0;
	for (size_t row = 0; row < n; row++) {
		ret_width[0] = wider(ret_width[0], object[row]->path);
		for (size_t i = 0; i < n_columns; i++) {
			_cleanup_free_ char *text = cell(column[i], object[row]);

			ret_width[i + 1] = wider(ret_width[i + 1], text);
		}
	}
}

/* Nothing is padded behind the last column. */
static void put_cell(struct printer *p, const char *text, size_t width, bool last)
{
	printer_text(p, "%-*s%s", last ? 0 : (int)width, text, last ? "\n" : "  ");
}

static void put_heading(struct printer *p, const struct kind *kind,
			const struct field *const *column, size_t n_columns, const size_t *width)
{
	char word[FIELD_NAME_SIZE];

	printer_text(p, "%s", printer_colour_on(p, COLOUR_BOLD));
	for (size_t i = 0; i <= n_columns; i++) {
		(void)snprintf(word, sizeof(word), "%s", i ? column[i - 1]->word : kind->name);
		for (char *c = word; *c; c++)
			*c = (char)toupper((unsigned char)*c);
		put_cell(p, word, width[i], i == n_columns);
	}
	printer_text(p, "%s", printer_colour_off(p));
}

static void put_table(struct tool *tool, const struct kind *kind, Mmesh__V1__Object *const *object,
		      size_t n)
{
	const struct field *column[MAX_COLUMNS];
	size_t n_columns = columns(kind, column);
	size_t width[MAX_COLUMNS + 1];
	struct printer *p = &tool->printer;

	measure(kind, column, n_columns, object, n, !tool->brief, width);
	if (!tool->brief && n)
		put_heading(p, kind, column, n_columns, width);
	for (size_t row = 0; row < n; row++) {
		put_cell(p, object[row]->path, width[0], !n_columns);
		for (size_t i = 0; i < n_columns; i++) {
			_cleanup_free_ char *text = cell(column[i], object[row]);

			put_cell(p, text ? text : "-", width[i + 1], i + 1 == n_columns);
		}
	}
}

static void put_object(struct tool *tool, const struct kind *kind, const Mmesh__V1__Object *object)
{
	struct printer *p = &tool->printer;
	bool all = tool->details || printer_is_json(p);

	printer_open_object(p, NULL);
	printer_heading(p, "path", kind->name, object->path, COLOUR_GREEN);
	if (all) {
		printer_string(p, "id", "id", object->id);
		printer_uint(p, "revision", "revision", object->revision, NULL);
		printer_time(p, "created", "created", object->created);
	}
	for (size_t i = 0; i < kind->n_fields; i++)
		if (all || !(kind->field[i].flags & FIELD_DETAIL))
			field_print(&kind->field[i], kind_message(object), p);
	if (object->kind_case == MMESH__V1__OBJECT__KIND_TOKEN && *object->token->secret &&
	    printer_is_json(p))
		printer_string(p, "secret", NULL, object->token->secret);
	if (object->kind_case == MMESH__V1__OBJECT__KIND_NODE && printer_is_json(p)) {
		if (*object->node->config)
			printer_string(p, "config", NULL, object->node->config);
		else
			printer_null(p, "config", NULL, NULL);
	}
	printer_heading_end(p);
	printer_close_object(p);
}

void show_objects(struct tool *tool, const struct kind *kind, Mmesh__V1__Object *const *object,
		  size_t n, bool table)
{
	struct printer *p = &tool->printer;

	if (p->form == PRINTER_BLOCKS && (table || tool->brief)) {
		put_table(tool, kind, object, n);
		return;
	}
	printer_begin(p);
	printer_open_array(p, kind->plural);
	for (size_t i = 0; i < n; i++)
		put_object(tool, kind, object[i]);
	printer_close_array(p);
	printer_end(p);
}

void show_object(struct tool *tool, const struct kind *kind, const Mmesh__V1__Object *object)
{
	Mmesh__V1__Object *one = (Mmesh__V1__Object *)object;

	show_objects(tool, kind, &one, 1, false);
}
