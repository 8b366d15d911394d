// SPDX-License-Identifier: Apache-2.0
#include "listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* -- TCP ------------------------------------------------------------------------------------------ */

static int parse(union listener_address *ret, socklen_t *ret_len, const char *text,
		 struct error *err)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	char host[INET6_ADDRSTRLEN];
	bool v6 = text[0] == '[';
	unsigned long port;
	char *end;

	*ret = (union listener_address){ 0 };
	if (v6 && len >= 2 && text[len - 1] == ']') {
		text++;
		len -= 2;
	} else if (v6) {
		len = 0;
	}
	if (!colon || !len || len >= sizeof(host) || colon[1] < '0' || colon[1] > '9')
		return error_set(err, EINVAL, "%s: not ADDR:PORT or [ADDR6]:PORT", text);
	memcpy(host, text, len);
	host[len] = 0;
	port = strtoul(colon + 1, &end, 10);
	if (*end || port > 65535)
		return error_set(err, EINVAL, "%s: the port is not 0 to 65535", text);
	if (v6 ? inet_pton(AF_INET6, host, &ret->in6.sin6_addr) != 1 :
		 inet_pton(AF_INET, host, &ret->in4.sin_addr) != 1)
		return error_set(err, EINVAL, "%s: not an address", host);
	if (v6) {
		ret->in6.sin6_family = AF_INET6;
		ret->in6.sin6_port = htons((uint16_t)port);
		*ret_len = sizeof(ret->in6);
	} else {
		ret->in4.sin_family = AF_INET;
		ret->in4.sin_port = htons((uint16_t)port);
		*ret_len = sizeof(ret->in4);
	}
	return 0;
}

int listener_tcp(int *ret_fd, const char *address, struct error *err)
{
	union listener_address parsed;
	_cleanup_close_ int fd = -1;
	socklen_t len;
	int on = 1, r;

	r = parse(&parsed, &len, address, err);
	if (r)
		return r;
	fd = socket(parsed.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return error_set(err, errno, "%s: %s", address, strerror(errno));
	/* An IPv4 client is never seen under two addresses. */
	if (parsed.sa.sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		return error_set(err, errno, "%s: %s", address, strerror(errno));
	if (bind(fd, &parsed.sa, len) < 0 || listen(fd, 1024) < 0)
		return error_set(err, errno, "%s: %s", address, strerror(errno));
	*ret_fd = fd;
	fd = -1;
	return 0;
}

uint16_t listener_port(int fd)
{
	union listener_address address = { 0 };
	socklen_t len = sizeof(address);

	if (getsockname(fd, &address.sa, &len) < 0)
		return 0;
	return ntohs(address.sa.sa_family == AF_INET6 ? address.in6.sin6_port : address.in4.sin_port);
}

void listener_format(char *ret, size_t size, const union listener_address *address)
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (address->sa.sa_family == AF_INET6) {
		(void)inet_ntop(AF_INET6, &address->in6.sin6_addr, host, sizeof(host));
		(void)snprintf(ret, size, "[%s]:%u", host, ntohs(address->in6.sin6_port));
	} else {
		(void)inet_ntop(AF_INET, &address->in4.sin_addr, host, sizeof(host));
		(void)snprintf(ret, size, "%s:%u", host, ntohs(address->in4.sin_port));
	}
}

/* -- unix ----------------------------------------------------------------------------------------- */

int listener_unix_address(struct sockaddr_un *ret, const char *path, struct error *err)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (!*path || strlen(path) >= sizeof(ret->sun_path))
		return error_set(err, ENAMETOOLONG, "%s: a socket's path has 1 to %zu bytes", path,
				 sizeof(ret->sun_path) - 1);
	strcpy(ret->sun_path, path);
	return 0;
}

/* Is it a socket that nobody listens on? */
static bool is_stale(const struct sockaddr_un *address)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct stat st;

	if (fd < 0 || lstat(address->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	return connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
	       errno == ECONNREFUSED;
}

int listener_unix(int *ret_fd, const char *path, mode_t mode, struct error *err)
{
	struct sockaddr_un address;
	_cleanup_close_ int fd = -1;
	int r;

	r = listener_unix_address(&address, path, err);
	if (r)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* The file gets the mode that the socket has when it is bound. */
	if (fd < 0 || fchmod(fd, mode) < 0)
		return error_set(err, errno, "%s: %s", path, strerror(errno));
	if (is_stale(&address))
		(void)unlink(path);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return error_set(err, errno, "%s: %s", path, strerror(errno));
	/* What the umask took away. */
	if (chmod(path, mode) < 0 || listen(fd, 1024) < 0) {
		r = error_set(err, errno, "%s: %s", path, strerror(errno));
		(void)unlink(path);
		return r;
	}
	*ret_fd = fd;
	fd = -1;
	return 0;
}
