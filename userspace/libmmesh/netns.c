// SPDX-License-Identifier: Apache-2.0
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>

#include "number.h"

static int open_namespace(const char *name_or_pid)
{
	char path[PATH_MAX];
	uint64_t pid;
	int fd;

	(void)snprintf(path, sizeof(path), "/run/netns/%s", name_or_pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 || errno != ENOENT || number_parse(&pid, name_or_pid, INT_MAX, NULL) < 0)
		return fd;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

int netns_enter(const char *name_or_pid, struct error *err)
{
	_cleanup_close_ int fd = -1;

	if (!*name_or_pid || strchr(name_or_pid, '/'))
		return error_set(err, EINVAL,
				 "\"%s\" is neither a network namespace's name nor a process number",
				 name_or_pid);
	fd = open_namespace(name_or_pid);
	if (fd < 0 && errno == ENOENT)
		return error_set(err, ENOENT,
				 "there is no network namespace and no process \"%s\"", name_or_pid);
	if (fd < 0)
		return error_set(err, errno, "cannot open network namespace \"%s\": %m",
				 name_or_pid);
	if (setns(fd, CLONE_NEWNET) < 0)
		return error_set(err, errno, "cannot enter network namespace \"%s\": %m",
				 name_or_pid);
	return 0;
}
