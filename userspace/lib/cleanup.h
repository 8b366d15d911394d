/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ownership by scope. A variable marked _cleanup_(f) is given to f when it
 * leaves scope; TAKE_PTR hands the pointer on and leaves NULL behind.
 */
#ifndef LIB_CLEANUP_H
#define LIB_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(fmt, first) __attribute__((format(printf, fmt, first)))

#define TAKE_PTR(ptr)                                                                              \
	({                                                                                         \
		__typeof__(ptr) *_taken_from = &(ptr);                                             \
		__typeof__(ptr) _taken = *_taken_from;                                             \
		*_taken_from = NULL;                                                               \
		_taken;                                                                            \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void fclosep(FILE **f)
{
	/* Only for streams that are read: nothing can be lost in closing. */
	if (*f && *f != stdin)
		(void)fclose(*f);
}

static inline void closep(int *fd)
{
	if (*fd > STDERR_FILENO)
		(void)close(*fd);
}

#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_fclose_ _cleanup_(fclosep)
#define _cleanup_close_ _cleanup_(closep)

#endif
