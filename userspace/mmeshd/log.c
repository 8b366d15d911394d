// SPDX-License-Identifier: Apache-2.0
#include "log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

static int log_priority = LOG_INFO;
static bool log_to_journal;

void log_open(int priority)
{
	log_priority = priority;
	log_to_journal = getenv("JOURNAL_STREAM");
}

void log_line(int priority, const char *device, const char *fmt, ...)
{
	char text[2048];
	va_list args;

	if (priority > log_priority)
		return;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	/* What others sent may be in it: a line stays a line. */
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	if (log_to_journal)
		(void)fprintf(stderr, "<%d>%s%s%s\n", priority, device ? device : "",
			      device ? ": " : "", text);
	else
		(void)fprintf(stderr, "mmeshd: %s%s%s\n", device ? device : "", device ? ": " : "",
			      text);
}
