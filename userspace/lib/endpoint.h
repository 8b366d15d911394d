/* SPDX-License-Identifier: Apache-2.0 */
/* UDP endpoints: "192.0.2.1:51820", "[2001:db8::1]:51820", "host.example:51820". */
#ifndef LIB_ENDPOINT_H
#define LIB_ENDPOINT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"

enum {
	/* "[" + address + "%" + interface + "]:65535" + the zero byte, rounded up */
	ENDPOINT_TEXT_SIZE = 96,
	ENDPOINT_HOST_SIZE = 256,
	ENDPOINT_RETRIES_FOREVER = -1,
	ENDPOINT_RETRIES_DEFAULT = 15,
};

union endpoint {
	struct sockaddr sa; /* sa_family AF_UNSPEC: there is none */
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

/* What the text says, before any name is looked up. */
struct endpoint_name {
	char host[ENDPOINT_HOST_SIZE];
	uint16_t port;
};

/* Split and check; the host may be a name, the port is a number from 1. */
int endpoint_split(struct endpoint_name *ret, const char *text, struct error *err);

/*
 * Called before each new attempt to look up a name that failed for a reason that
 * may pass: @reason in words, @delay_ms until the attempt.
 */
typedef void (*endpoint_retry_fn)(const char *host, const char *reason, unsigned int delay_ms);

/*
 * Addresses at once, names through the resolver. @retries further attempts
 * (ENDPOINT_RETRIES_FOREVER: without end) with growing pauses of 1 to 20 s; a
 * name that does not exist fails at once. Returns 0, -EHOSTUNREACH, or -EINVAL for
 * an address that nothing can be sent to (multicast, link-local without its
 * interface).
 */
int endpoint_resolve(union endpoint *ret, const struct endpoint_name *name, int retries,
		     endpoint_retry_fn on_retry, struct error *err);

/* The same for addresses only; -EINVAL when the host is a name. */
int endpoint_resolve_numeric(union endpoint *ret, const struct endpoint_name *name,
			     struct error *err);

/* The retries that WG_ENDPOINT_RESOLUTION_RETRIES asks for, as in wg(8). */
int endpoint_retries_from_env(int *ret, struct error *err);

/* "(none)" for AF_UNSPEC. */
void endpoint_format(char ret_text[ENDPOINT_TEXT_SIZE], const union endpoint *ep);

/* The address alone, without brackets; "" for AF_UNSPEC. */
void endpoint_format_address(char ret_text[ENDPOINT_TEXT_SIZE], const union endpoint *ep);
uint16_t endpoint_port(const union endpoint *ep);

bool endpoint_equal(const union endpoint *a, const union endpoint *b);

#endif
