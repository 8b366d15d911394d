/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MMESH_BATCH_H
#define MMESH_BATCH_H

#include "tool.h"

/*
 * Run each line of a file ("-": standard input) as a command. '#' begins a
 * comment, quotes and '\' protect blanks as in a shell. The first error ends it
 * and is the result, unless tool->force: then the worst one is.
 */
int batch_run(struct tool *tool, const char *path, int (*run)(struct tool *tool, char **words));

/*
 * Split a line in place. Returns the number of words, NULL-terminated in @words,
 * or -EINVAL: a quote that isn't closed, or more than @max words.
 */
int batch_split(char *line, char **words, size_t max, struct error *err);

#endif
