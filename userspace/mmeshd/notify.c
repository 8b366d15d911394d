// SPDX-License-Identifier: Apache-2.0
#include "notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "number.h"

void notify_send(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (!len || len >= sizeof(addr.sun_path) || (*path != '/' && *path != '@'))
		return;
	memcpy(addr.sun_path, path, len);
	if (*path == '@')
		addr.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* Nobody can be told that nobody can be told. */
	(void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&addr,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	(void)close(fd);
}

uint64_t notify_watchdog_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	uint64_t value, process;

	if (!usec || number_parse(&value, usec, UINT64_MAX, NULL) < 0 || !value)
		return 0;
	if (pid && (number_parse(&process, pid, INT32_MAX, NULL) < 0 ||
		    process != (uint64_t)getpid()))
		return 0;
	return value / 2000 ? value / 2000 : 1;
}
