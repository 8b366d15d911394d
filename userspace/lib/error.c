// SPDX-License-Identifier: Apache-2.0
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void error_format(struct error *err, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return;
	va_start(ap, fmt);
	if (vsnprintf(err->text, sizeof(err->text), fmt, ap) < 0)
		err->text[0] = '\0';
	va_end(ap);
}

int error_prefix(struct error *err, int ret, const char *fmt, ...)
{
	struct error old;
	va_list ap;
	int n;

	if (!err)
		return ret;
	old = *err;
	va_start(ap, fmt);
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	if ((size_t)n < sizeof(err->text)) {
		size_t room = sizeof(err->text) - (size_t)n;
		size_t len = strnlen(old.text, room - 1);

		memcpy(err->text + n, old.text, len);
		err->text[(size_t)n + len] = '\0';
	}
	return ret;
}

int error_oom(struct error *err)
{
	return error_set(err, ENOMEM, "out of memory");
}
