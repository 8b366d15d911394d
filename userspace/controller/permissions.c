// SPDX-License-Identifier: Apache-2.0
#include "permissions.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "controller.h"

static int write_lines(struct controller *c, FILE *out, const char *word, const char *sql,
		       struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	char id[ID_SIZE];
	int r;

	r = query_open(&q, &c->model.store, err, sql, "");
	while (!r && (r = query_next(&q, err)) == 1) {
		query_text(&q, 0, id, sizeof(id));
		r = fprintf(out, "%s %s\n", word, id) < 0 ?
			    error_set(err, EIO, "permissions: %s", strerror(errno)) :
			    0;
	}
	return r;
}

static int write_all(struct controller *c, FILE *out, struct error *err)
{
	int r = write_lines(c, out, "routed", "SELECT id FROM network WHERE routed", err);

	if (!r)
		r = write_lines(c, out, "relay", "SELECT id FROM node WHERE relay", err);
	return r ? r : write_lines(c, out, "gone", "SELECT DISTINCT node FROM revoked", err);
}

int permissions_write(struct controller *c, struct error *err)
{
	char path[CONFIG_PATH + 32], fresh[CONFIG_PATH + 48];
	FILE *out;
	int fd, r;

	(void)snprintf(path, sizeof(path), "%s/broker/permissions", c->config.directory);
	(void)snprintf(fresh, sizeof(fresh), "%s.new", path);
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!out) {
		r = error_set(err, errno, "%s: %s", fresh, strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		return r;
	}
	r = fchmod(fd, 0644) ? error_set(err, errno, "%s: %s", fresh, strerror(errno)) : 0;
	if (!r)
		r = write_all(c, out, err);
	if (fclose(out) && !r)
		r = error_set(err, errno, "%s: %s", fresh, strerror(errno));
	if (!r && rename(fresh, path))
		r = error_set(err, errno, "%s: %s", path, strerror(errno));
	return r;
}
