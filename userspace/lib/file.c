// SPDX-License-Identifier: Apache-2.0
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

static int read_all(int fd, uint8_t *data, size_t size, size_t *ret_len)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, data + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		len += n;
	}
	*ret_len = len;
	return 0;
}

int file_read(uint8_t **ret_data, size_t *ret_len, const char *path, size_t max,
	      struct error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	uint8_t *data;
	struct stat st;
	int r;

	if (fd < 0)
		return error_set(err, errno, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0)
		return error_set(err, errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(err, EINVAL, "%s: not a regular file", path);
	if ((uintmax_t)st.st_size > max)
		return error_set(err, EFBIG, "%s: more than %zu bytes", path, max);

	/* One byte more than allowed shows a file that grew; it is the zero's place later. */
	data = malloc(max + 1);
	if (!data)
		return error_oom(err);
	r = read_all(fd, data, max + 1, ret_len);
	if (!r && *ret_len > max)
		r = -EFBIG;
	if (r) {
		explicit_bzero(data, max + 1);
		free(data);
		return error_set(err, -r, "%s: %s", path, strerror(-r));
	}
	data[*ret_len] = 0;
	*ret_data = data;
	return 0;
}

static int write_all(int fd, const uint8_t *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= n;
	}
	return 0;
}

static int sync_directory_of(const char *path)
{
	char copy[PATH_MAX];
	_cleanup_close_ int fd = -1;

	/* Fits: the file itself was opened by a longer name. */
	(void)snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

static int fill(int fd, const void *data, size_t len, mode_t mode)
{
	int r;

	if (fchmod(fd, mode) < 0)
		return -errno;
	r = write_all(fd, data, len);
	if (r)
		return r;
	return fsync(fd) < 0 ? -errno : 0;
}

int file_write(const char *path, const void *data, size_t len, mode_t mode, struct error *err)
{
	char temporary[PATH_MAX];
	int fd, r;

	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= sizeof(temporary))
		return error_set(err, ENAMETOOLONG, "%s: the name is too long", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return error_set(err, errno, "%s: %s", temporary, strerror(errno));
	r = fill(fd, data, len, mode);
	if (close(fd) < 0 && !r)
		r = -errno;
	if (!r && rename(temporary, path) < 0)
		r = -errno;
	if (r) {
		(void)unlink(temporary);
		return error_set(err, -r, "%s: %s", path, strerror(-r));
	}
	r = sync_directory_of(path);
	if (r)
		return error_set(err, -r, "%s: its directory: %s", path, strerror(-r));
	return 0;
}

int file_check_secret(const char *path, struct error *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return error_set(err, errno, "%s: %s", path, strerror(errno));
	if (st.st_mode & 077)
		return error_set(err, EPERM, "%s: others than its owner can read it (mode %04o, not 0600)",
				 path, (unsigned int)st.st_mode & 07777);
	return 0;
}

int file_make_directory(const char *path, mode_t mode, struct error *err)
{
	struct stat st;

	if (!mkdir(path, mode))
		return 0;
	if (errno != EEXIST)
		return error_set(err, errno, "%s: %s", path, strerror(errno));
	if (stat(path, &st) < 0)
		return error_set(err, errno, "%s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return error_set(err, ENOTDIR, "%s: not a directory", path);
	return 0;
}
