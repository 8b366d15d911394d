/* SPDX-License-Identifier: Apache-2.0 */
/* One line an event on standard error, with the journal's priority in front when it goes there. */
#ifndef MMESHD_LOG_H
#define MMESHD_LOG_H

#include <syslog.h>

#include "cleanup.h"

/* Nothing less important than @priority (LOG_ERR ... LOG_DEBUG) is written. */
void log_open(int priority);

/* @device may be NULL. No line end in the text. Any thread. */
void log_line(int priority, const char *device, const char *fmt, ...) _printf_(3, 4);

#endif
