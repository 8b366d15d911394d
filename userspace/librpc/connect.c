// SPDX-License-Identifier: Apache-2.0
#include "connect.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "endpoint.h"
#include "listener.h"

int64_t connect_now_ms(void)
{
	struct timespec now;

	return clock_gettime(CLOCK_MONOTONIC, &now) ? 0 :
						      (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int connect_left_ms(int64_t deadline_ms)
{
	int64_t left = deadline_ms - connect_now_ms();

	return left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

static int wait_connected(int fd, int64_t deadline_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int n, error;

	do
		n = poll(&p, 1, connect_left_ms(deadline_ms));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (!n)
		return -ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return -errno;
	return -error;
}

void connect_tune(int fd)
{
	int on = 1, idle_s = 20, between_s = 10, give_up_ms = 30000;

	/* Each of them is an improvement only. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &between_s, sizeof(between_s));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &give_up_ms, sizeof(give_up_ms));
}

static int connect_one(int *ret_fd, const struct addrinfo *to, int64_t deadline_ms)
{
	_cleanup_close_ int fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	if (connect(fd, to->ai_addr, to->ai_addrlen) < 0) {
		if (errno != EINPROGRESS)
			return -errno;
		r = wait_connected(fd, deadline_ms);
		if (r)
			return r;
	}
	connect_tune(fd);
	*ret_fd = fd;
	fd = -1;
	return 0;
}

/* Each of the addresses gets its share of the time that is left. */
static int connect_any(int *ret_fd, char *ret_remote, const struct addrinfo *list,
		       int64_t deadline_ms)
{
	int n = 0, r = -EHOSTUNREACH;

	for (const struct addrinfo *to = list; to; to = to->ai_next)
		n++;
	for (const struct addrinfo *to = list; to; to = to->ai_next, n--) {
		union listener_address address = { 0 };

		r = connect_one(ret_fd, to, connect_now_ms() + connect_left_ms(deadline_ms) / n);
		if (r)
			continue;
		memcpy(&address, to->ai_addr,
		       to->ai_addrlen < sizeof(address) ? to->ai_addrlen : sizeof(address));
		listener_format(ret_remote, RPC_REMOTE_SIZE, &address);
		return 0;
	}
	return r;
}

int connect_tcp(int *ret_fd, char ret_remote[RPC_REMOTE_SIZE], const char *address,
		int64_t deadline_ms, struct error *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	const struct addrinfo numeric = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST };
	struct addrinfo *list = NULL;
	struct endpoint_name name;
	char port[8];
	int r;

	r = endpoint_split(&name, address, err);
	if (r)
		return r;
	(void)snprintf(port, sizeof(port), "%u", name.port);
	r = getaddrinfo(name.host, port, &numeric, &list);
	if (r == EAI_NONAME)
		r = getaddrinfo(name.host, port, &hints, &list);
	if (r)
		return error_set(err, EHOSTUNREACH, "%s: %s", address, gai_strerror(r));
	r = connect_any(ret_fd, ret_remote, list, deadline_ms);
	freeaddrinfo(list);
	return r ? error_set(err, -r, "%s: %s", address, strerror(-r)) : 0;
}

int connect_unix(int *ret_fd, const char *path, struct error *err)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;
	int r;

	r = listener_unix_address(&address, path, err);
	if (r)
		return r;
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return error_set(err, errno, "%s: %s", path, strerror(errno));
	*ret_fd = fd;
	fd = -1;
	return 0;
}
