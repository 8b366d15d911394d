/* SPDX-License-Identifier: Apache-2.0 */
/* A client's way to a server's socket, with one deadline over all of it; and what both ends have in common. */
#ifndef LIBRPC_CONNECT_H
#define LIBRPC_CONNECT_H

#include <stdint.h>

#include "rpc.h"

/* Milliseconds of CLOCK_MONOTONIC, and how many of them are left, at least 0. */
int64_t connect_now_ms(void);
int connect_left_ms(int64_t deadline_ms);

/*
 * To one of the addresses of @address (HOST:PORT), by @deadline_ms. *@ret_fd is
 * non-blocking; @ret_remote gets the address that answered. A name is looked up by the system's resolver, whose own
 * time-outs count.
 */
int connect_tcp(int *ret_fd, char ret_remote[RPC_REMOTE_SIZE], const char *address,
		int64_t deadline_ms, struct error *err);

/* No delays, and a peer that is gone is noticed; for both ends. */
void connect_tune(int fd);

int connect_unix(int *ret_fd, const char *path, struct error *err);

#endif
