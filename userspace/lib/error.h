/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sentence for a person beside the negative errno for the program. Libraries
 * never print; they fill one of these and return.
 */
#ifndef LIB_ERROR_H
#define LIB_ERROR_H

#include "cleanup.h"

struct error {
	char text[1024];
};

/* Put a sentence into @err (may be NULL), cut at the buffer's end. */
void error_format(struct error *err, const char *fmt, ...) _printf_(2, 3);

/*
 * The same, with the value -@code, a positive errno. A macro, so that the
 * compiler sees that the value is negative.
 */
#define error_set(err, code, ...)                                                                  \
	({                                                                                         \
		int _error_code = (code);                                                          \
		error_format((err), __VA_ARGS__);                                                  \
		-_error_code;                                                                      \
	})

/* Put "prefix: " in front of the sentence that is there; returns @ret. */
int error_prefix(struct error *err, int ret, const char *fmt, ...) _printf_(3, 4);

/* Out of memory, in words; returns -ENOMEM. */
int error_oom(struct error *err);

#endif
