/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration files in wg(8)'s format, with one more field in [Peer]:
 *
 *   Suite = wireguard | aes256gcm      (wireguard unless said)
 *
 * Sections and fields are case-insensitive, blanks do not count, '#' begins a
 * comment. Each [Peer] replaces the allowed IPs of its peer, unless an entry
 * begins with '+' or '-'.
 */
#ifndef LIBMMESH_CONF_H
#define LIBMMESH_CONF_H

#include <stdio.h>

#include "model.h"

enum {
	MMESH_CONF_MAX_BYTES = 256 * 1024 * 1024,
	MMESH_CONF_MAX_PEERS = 1 << 20,
};

/* How names of endpoints are looked up (endpoint.h). */
struct mmesh_conf_lookup {
	int retries;
	endpoint_retry_fn on_retry;
	bool numeric_only; /* refuse names */
};

/*
 * Read and check a whole file ("-": standard input), then look its names up. The
 * error names file, line and field. On success the caller clears @ret, which has
 * no name yet; on failure it is empty. -EINVAL for what the file says,
 * -EHOSTUNREACH for a name, -EFBIG past the limits, or the system's error.
 */
int mmesh_conf_read(struct mmesh_device *ret, const char *path,
		    const struct mmesh_conf_lookup *lookup, struct error *err);

/* The same from memory; @name stands for the file in errors. */
int mmesh_conf_parse(struct mmesh_device *ret, const char *text, size_t len, const char *name,
		     const struct mmesh_conf_lookup *lookup, struct error *err);

/* Write @dev as "wg showconf" does; secrets are shown. */
void mmesh_conf_write(FILE *out, const struct mmesh_device *dev);

#endif
