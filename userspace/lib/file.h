/* SPDX-License-Identifier: Apache-2.0 */
/* Small files, whole: read with a bound, written so that a crash leaves the old or the new one. */
#ifndef LIB_FILE_H
#define LIB_FILE_H

#include <stdint.h>
#include <sys/types.h>

#include "error.h"

/*
 * Read a regular file of at most @max bytes. *@ret_data is the caller's to free
 * (and to wipe, when it is a secret); a zero byte that *@ret_len does not count
 * follows. Returns 0, -EFBIG, or the system's error.
 */
int file_read(uint8_t **ret_data, size_t *ret_len, const char *path, size_t max,
	      struct error *err);

/*
 * Replace @path by @len bytes with @mode: written beside it, synchronised, renamed over it,
 * and the directory synchronised. Returns 0 or the system's error; on errors @path is as it was.
 */
int file_write(const char *path, const void *data, size_t len, mode_t mode, struct error *err);

/* -EPERM when others than its owner can read @path; or the system's error. */
int file_check_secret(const char *path, struct error *err);

/* Make a directory with @mode unless there is one; the parent must exist. */
int file_make_directory(const char *path, mode_t mode, struct error *err);

#endif
