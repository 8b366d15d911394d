/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's file: lines "WORD = VALUE", '#' begins a comment. Words:
 *
 *   state = DIR          socket = PATH        log = error|warning|info|debug
 *   endpoint = ADDR:PORT     announced for each membership besides what is found; port 0: its own
 *   exclude = PATTERN        links whose addresses are not announced, as "docker*"
 *
 * The last two may be there several times.
 */
#ifndef MMESHD_CONFIG_H
#define MMESHD_CONFIG_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "error.h"

enum { CONFIG_MAX_LIST = 16, CONFIG_VALUE_SIZE = 128 };

struct config {
	char state[PATH_MAX];
	char socket[108];
	int log_priority;
	char endpoint[CONFIG_MAX_LIST][CONFIG_VALUE_SIZE];
	size_t n_endpoints;
	char exclude[CONFIG_MAX_LIST][CONFIG_VALUE_SIZE];
	size_t n_excludes;
};

void config_defaults(struct config *ret);
/* On top of what is in @ret; the error names file, line and word. */
int config_read(struct config *ret, const char *path, struct error *err);
bool config_excludes(const struct config *config, const char *link);

#endif
