/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets that connections come in by. */
#ifndef LIBRPC_LISTENER_H
#define LIBRPC_LISTENER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

#include "error.h"

union listener_address {
	struct sockaddr sa;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

/* ADDR:PORT or [ADDR6]:PORT, port 0: any. *@ret_fd is non-blocking. */
int listener_tcp(int *ret_fd, const char *address, struct error *err);

/* The port that it got. */
uint16_t listener_port(int fd);

/* Made with @mode from the first moment. One that nobody listens on any more is replaced; else -EADDRINUSE. */
int listener_unix(int *ret_fd, const char *path, mode_t mode, struct error *err);

/* -ENAMETOOLONG when @path does not fit. */
int listener_unix_address(struct sockaddr_un *ret, const char *path, struct error *err);

/* "192.0.2.1:4711", "[2001:db8::1]:4711" */
void listener_format(char *ret, size_t size, const union listener_address *address);

#endif
