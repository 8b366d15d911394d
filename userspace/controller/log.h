/* SPDX-License-Identifier: Apache-2.0 */
/* The controller's log: one line an event on standard error, "LEVEL: text". */
#ifndef CONTROLLER_LOG_H
#define CONTROLLER_LOG_H

#include "cleanup.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Lines above @level are left out; LOG_LEVEL_INFO at first. */
void log_set_level(enum log_level level);

/*
 * Write one line; control characters become '?', so that what a client sent
 * can't forge a line. From any thread.
 */
void log_line(enum log_level level, const char *fmt, ...) _printf_(2, 3);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
