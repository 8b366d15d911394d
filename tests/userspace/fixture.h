/* SPDX-License-Identifier: Apache-2.0 */
/* Devices for tests, from the text that WireGuard's userspace protocol uses. */
#ifndef TESTS_FIXTURE_H
#define TESTS_FIXTURE_H

#include "model.h"

/*
 * Read "key=value" lines as the answer to "get=1" has them, and "suite=N" and
 * "scope=N" besides. Ends the test program on a line it doesn't know.
 */
void fixture_read(struct mmesh_device *ret, const char *path, const char *name);

/* The same device as such lines: what a configuration says, nothing volatile. */
void fixture_write(FILE *out, const struct mmesh_device *dev);

#endif
