// SPDX-License-Identifier: Apache-2.0
#include "log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

static _Atomic int max_level = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	atomic_store(&max_level, (int)level);
}

void log_line(enum log_level level, const char *fmt, ...)
{
	static const char *const name[] = { "error", "warning", "info", "debug" };
	char line[2048];
	int prefix, rest;
	size_t len;
	va_list ap;

	if ((int)level > atomic_load(&max_level))
		return;
	prefix = snprintf(line, sizeof(line), "%s: ", name[level]);
	va_start(ap, fmt);
	rest = vsnprintf(line + prefix, sizeof(line) - (size_t)prefix - 1, fmt, ap);
	va_end(ap);
	if (rest < 0)
		return;
	len = strlen(line);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[len++] = '\n';
	/* One write a line, so that those of the broker beside us don't cut it. */
	if (write(STDERR_FILENO, line, len) < 0)
		return;
}
