// SPDX-License-Identifier: Apache-2.0
/* Moments and durations as people write them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "field.h"
#include "number.h"

enum { DURATION_DIGITS = 12 };

int duration_parse(uint64_t *ret, const char *text, struct error *err)
{
	static const struct {
		char unit;
		uint32_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	const uint64_t most = 100ULL * 365 * 86400;
	size_t len = strspn(text, "0123456789");
	char digits[DURATION_DIGITS + 1];
	uint64_t value, factor = 1;
	bool known = !text[len];

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (text[len] != units[i].unit || text[len + 1])
			continue;
		factor = units[i].seconds;
		known = true;
	}
	if (!len || len > DURATION_DIGITS || !known)
		return error_set(err, EINVAL,
				 "\"%s\" is not a duration: a number and one of s, m, h, d, w, as in "
				 "\"1h\"",
				 text);
	(void)snprintf(digits, sizeof(digits), "%.*s", (int)len, text);
	if (number_parse(&value, digits, most, NULL) < 0 || value > most / factor)
		return error_set(err, EINVAL, "\"%s\" is longer than a hundred years", text);
	*ret = value * factor;
	return 0;
}

int moment_parse(int64_t *ret, const char *text, int64_t now, struct error *err)
{
	struct tm tm = { 0 };
	const char *end;
	uint64_t seconds;
	int r;

	if (strchr(text, 'T')) {
		end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
		if (!end || *end)
			return error_set(err, EINVAL,
					 "\"%s\" is not a moment such as \"2026-11-21T14:15:00Z\"",
					 text);
		*ret = timegm(&tm);
		return 0;
	}
	r = duration_parse(&seconds, text, err);
	if (!r)
		*ret = now + (int64_t)seconds;
	return r;
}
