// SPDX-License-Identifier: Apache-2.0
#include "openssl.h"

int trust_openssl_error(struct error *err, int code, const char *what)
{
	unsigned long e = ERR_peek_last_error();
	const char *reason = e ? ERR_reason_error_string(e) : NULL;

	ERR_clear_error();
	return error_set(err, code, "%s%s%s", what, reason ? ": " : "", reason ? reason : "");
}
