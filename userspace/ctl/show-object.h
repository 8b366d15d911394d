/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of one kind in all forms: a table, blocks, lines, names alone, JSON. */
#ifndef CTL_SHOW_OBJECT_H
#define CTL_SHOW_OBJECT_H

#include "kind.h"
#include "tool.h"

/*
 * A whole document. @table: for people, in columns rather than in blocks. With
 * "-br" the path and the first columns, without a heading.
 */
void show_objects(struct tool *tool, const struct kind *kind, Mmesh__V1__Object *const *object,
		  size_t n, bool table);

/* The same of one, in blocks. */
void show_object(struct tool *tool, const struct kind *kind, const Mmesh__V1__Object *object);

#endif
