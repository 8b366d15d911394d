// SPDX-License-Identifier: Apache-2.0
#include "endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "number.h"

enum {
	RETRY_DELAY_FIRST_MS = 1000,
	RETRY_DELAY_MAX_MS = 20000,
};

/* wg(8) takes an IPv6 address without brackets too, as long as it is one. */
static bool is_ipv6_literal(const char *text, size_t len)
{
	char address[INET6_ADDRSTRLEN];
	struct in6_addr ip6;

	if (len >= sizeof(address))
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	return inet_pton(AF_INET6, address, &ip6) == 1;
}

static int split_host(const char **ret_host, size_t *ret_len, const char **ret_port,
		      const char *text, struct error *err)
{
	const char *end;

	if (*text == '[') {
		end = strchr(text, ']');
		if (!end)
			return error_set(err, EINVAL, "\"%s\": the ']' is missing", text);
		*ret_host = text + 1;
		*ret_len = (size_t)(end - text - 1);
		end++;
	} else {
		end = strrchr(text, ':');
		if (!end)
			end = text + strlen(text);
		*ret_host = text;
		*ret_len = (size_t)(end - text);
		if (memchr(text, ':', *ret_len) && !is_ipv6_literal(text, *ret_len))
			return error_set(err, EINVAL,
					 "\"%s\": an IPv6 address goes into brackets: "
					 "[ADDRESS]:PORT",
					 text);
	}
	if (*end != ':' || !end[1])
		return error_set(err, EINVAL, "\"%s\": the port is missing (HOST:PORT)", text);
	*ret_port = end + 1;
	return 0;
}

int endpoint_split(struct endpoint_name *ret, const char *text, struct error *err)
{
	struct endpoint_name name = { 0 };
	const char *host, *port;
	size_t len;
	int r;

	if (!*text)
		return error_set(err, EINVAL, "an endpoint is HOST:PORT, this one is empty");
	r = split_host(&host, &len, &port, text, err);
	if (r < 0)
		return r;
	if (!len)
		return error_set(err, EINVAL, "\"%s\": the host is missing (HOST:PORT)", text);
	if (len >= sizeof(name.host))
		return error_set(err, EINVAL, "the host of the endpoint is longer than %zu bytes",
				 sizeof(name.host) - 1);
	memcpy(name.host, host, len);
	r = port_parse(&name.port, port, err);
	if (r < 0)
		return r;
	if (!name.port)
		return error_set(err, EINVAL, "\"%s\": an endpoint's port is from 1 to 65535", text);
	*ret = name;
	return 0;
}

/* Failures after which another attempt cannot help. */
static bool is_permanent(int gai)
{
	return gai == EAI_NONAME || gai == EAI_FAIL || gai == EAI_NODATA || gai == EAI_SERVICE ||
	       gai == EAI_FAMILY || gai == EAI_ADDRFAMILY || gai == EAI_MEMORY;
}

static void wait_ms(unsigned int ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

/* ::ffff:192.0.2.1 is an IPv4 address in another notation. */
static void unmap(union endpoint *ep)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET, .sin_port = ep->in6.sin6_port };

	if (ep->sa.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&ep->in6.sin6_addr))
		return;
	memcpy(&in4.sin_addr, &ep->in6.sin6_addr.s6_addr[12], sizeof(in4.sin_addr));
	memset(ep, 0, sizeof(*ep));
	ep->in4 = in4;
}

static int check_address(const union endpoint *ep, const char *host, struct error *err)
{
	uint32_t ip4 = ntohl(ep->in4.sin_addr.s_addr);
	const struct in6_addr *ip6 = &ep->in6.sin6_addr;
	bool unicast;

	if (ep->sa.sa_family == AF_INET)
		unicast = ip4 != INADDR_ANY && ip4 != INADDR_BROADCAST && !IN_MULTICAST(ip4);
	else
		unicast = !IN6_IS_ADDR_UNSPECIFIED(ip6) && !IN6_IS_ADDR_MULTICAST(ip6);
	if (!unicast)
		return error_set(err, EINVAL, "\"%s\" is not the address of one host (unicast)", host);
	if (ep->sa.sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(ip6) && !ep->in6.sin6_scope_id)
		return error_set(err, EINVAL,
				 "\"%s\" is a link-local address and needs its interface: "
				 "[%s%%INTERFACE]:PORT",
				 host, host);
	return 0;
}

/* The first address that @found has; its list is freed. */
static int store_address(union endpoint *ret, struct addrinfo *found, const char *host,
			 struct error *err)
{
	const struct addrinfo *ai = found;
	union endpoint ep = { 0 };

	while (ai && !(ai->ai_family == AF_INET && ai->ai_addrlen == sizeof(ep.in4)) &&
	       !(ai->ai_family == AF_INET6 && ai->ai_addrlen == sizeof(ep.in6)))
		ai = ai->ai_next;
	if (ai)
		memcpy(&ep, ai->ai_addr, ai->ai_addrlen);
	freeaddrinfo(found);
	if (!ai)
		return error_set(err, EHOSTUNREACH,
				 "\"%s\" has neither an IPv4 nor an IPv6 address", host);
	unmap(&ep);
	*ret = ep;
	return check_address(ret, host, err);
}

int endpoint_resolve(union endpoint *ret, const struct endpoint_name *name, int retries,
		     endpoint_retry_fn on_retry, struct error *err)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_DGRAM,
		.ai_protocol = IPPROTO_UDP,
		.ai_flags = AI_NUMERICSERV,
	};
	unsigned int delay_ms = RETRY_DELAY_FIRST_MS;
	struct addrinfo *found;
	char port[8];
	int gai;

	(void)snprintf(port, sizeof(port), "%u", name->port);
	for (;;) {
		const char *reason;

		gai = getaddrinfo(name->host, port, &hints, &found);
		if (!gai)
			break;
		reason = gai == EAI_SYSTEM ? strerror(errno) : gai_strerror(gai);
		if (is_permanent(gai) || !retries)
			return error_set(err, EHOSTUNREACH, "cannot resolve \"%s\": %s", name->host,
					 reason);
		if (retries > 0)
			retries--;
		if (on_retry)
			on_retry(name->host, reason, delay_ms);
		wait_ms(delay_ms);
		delay_ms = delay_ms * 6 / 5;
		if (delay_ms > RETRY_DELAY_MAX_MS)
			delay_ms = RETRY_DELAY_MAX_MS;
	}
	return store_address(ret, found, name->host, err);
}

int endpoint_resolve_numeric(union endpoint *ret, const struct endpoint_name *name,
			     struct error *err)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_DGRAM,
		.ai_protocol = IPPROTO_UDP,
		.ai_flags = AI_NUMERICSERV | AI_NUMERICHOST,
	};
	struct addrinfo *found;
	char port[8];

	(void)snprintf(port, sizeof(port), "%u", name->port);
	if (getaddrinfo(name->host, port, &hints, &found))
		return error_set(err, EINVAL, "\"%s\" is not an address", name->host);
	return store_address(ret, found, name->host, err);
}

int endpoint_retries_from_env(int *ret, struct error *err)
{
	const char *value = getenv("WG_ENDPOINT_RESOLUTION_RETRIES");
	uint64_t n;

	if (!value) {
		*ret = ENDPOINT_RETRIES_DEFAULT;
		return 0;
	}
	if (!strcmp(value, "infinity")) {
		*ret = ENDPOINT_RETRIES_FOREVER;
		return 0;
	}
	if (number_parse(&n, value, INT_MAX, NULL) < 0)
		return error_set(err, EINVAL,
				 "WG_ENDPOINT_RESOLUTION_RETRIES is \"%s\", neither a number nor "
				 "\"infinity\"",
				 value);
	*ret = (int)n;
	return 0;
}

void endpoint_format_address(char ret_text[ENDPOINT_TEXT_SIZE], const union endpoint *ep)
{
	socklen_t len = ep->sa.sa_family == AF_INET6 ? sizeof(ep->in6) : sizeof(ep->in4);

	ret_text[0] = '\0';
	if (ep->sa.sa_family != AF_INET && ep->sa.sa_family != AF_INET6)
		return;
	/* getnameinfo() adds the interface to a link-local address. */
	if (getnameinfo(&ep->sa, len, ret_text, ENDPOINT_TEXT_SIZE, NULL, 0, NI_NUMERICHOST))
		strcpy(ret_text, "?");
}

uint16_t endpoint_port(const union endpoint *ep)
{
	switch (ep->sa.sa_family) {
	case AF_INET:
		return ntohs(ep->in4.sin_port);
	case AF_INET6:
		return ntohs(ep->in6.sin6_port);
	default:
		return 0;
	}
}

void endpoint_format(char ret_text[ENDPOINT_TEXT_SIZE], const union endpoint *ep)
{
	char address[ENDPOINT_TEXT_SIZE];
	bool v6 = ep->sa.sa_family == AF_INET6;

	if (ep->sa.sa_family != AF_INET && ep->sa.sa_family != AF_INET6) {
		strcpy(ret_text, "(none)");
		return;
	}
	endpoint_format_address(address, ep);
	(void)snprintf(ret_text, ENDPOINT_TEXT_SIZE, "%s%.80s%s:%u", v6 ? "[" : "", address,
		       v6 ? "]" : "", endpoint_port(ep));
}

bool endpoint_equal(const union endpoint *a, const union endpoint *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	switch (a->sa.sa_family) {
	case AF_INET:
		return a->in4.sin_port == b->in4.sin_port &&
		       a->in4.sin_addr.s_addr == b->in4.sin_addr.s_addr;
	case AF_INET6:
		return a->in6.sin6_port == b->in6.sin6_port &&
		       a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
		       IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr);
	default:
		return true;
	}
}
