// SPDX-License-Identifier: Apache-2.0
#include "units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"

void units_duration(char ret_text[UNITS_TEXT_SIZE], uint64_t seconds,
		    const struct units_marks *marks)
{
	static const struct {
		uint64_t length;
		const char *name;
	} units[] = {
		{ 365 * 86400, "year" }, { 86400, "day" }, { 3600, "hour" },
		{ 60, "minute" },	 { 1, "second" },
	};
	size_t len = 0;

	ret_text[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		uint64_t n = seconds / units[i].length;
		int r;

		seconds %= units[i].length;
		if (!n)
			continue;
		r = snprintf(ret_text + len, UNITS_TEXT_SIZE - len, "%s%" PRIu64 " %s%s%s%s",
			     len ? ", " : "", n, marks->begin, units[i].name, n == 1 ? "" : "s",
			     marks->end);
		if (r < 0 || (size_t)r >= UNITS_TEXT_SIZE - len)
			return;
		len += (size_t)r;
	}
}

void units_ago(char ret_text[UNITS_TEXT_SIZE], int64_t then, int64_t now,
	       const struct units_marks *marks, const struct units_marks *alarm)
{
	size_t len;

	if (then == now) {
		strcpy(ret_text, "Now");
		return;
	}
	if (then > now) {
		(void)snprintf(ret_text, UNITS_TEXT_SIZE,
			       "(%sSystem clock wound backward; connection problems may ensue.%s)",
			       alarm->begin, alarm->end);
		return;
	}
	units_duration(ret_text, (uint64_t)(now - then), marks);
	len = strlen(ret_text);
	(void)snprintf(ret_text + len, UNITS_TEXT_SIZE - len, " ago");
}

void units_bytes(char ret_text[UNITS_TEXT_SIZE], uint64_t bytes, const struct units_marks *marks)
{
	static const char *const names[] = { "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		(void)snprintf(ret_text, UNITS_TEXT_SIZE, "%" PRIu64 " %sB%s", bytes, marks->begin,
			       marks->end);
		return;
	}
	for (; bytes >= 1024 * 1024 && i + 1 < ARRAY_SIZE(names); i++) {
		bytes /= 1024;
		value /= 1024;
	}
	(void)snprintf(ret_text, UNITS_TEXT_SIZE, "%.2f %s%s%s", value, marks->begin, names[i],
		       marks->end);
}

void units_rfc3339(char ret_text[RFC3339_SIZE], int64_t epoch)
{
	time_t t = (time_t)epoch;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(ret_text, RFC3339_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm))
		strcpy(ret_text, "?");
}
