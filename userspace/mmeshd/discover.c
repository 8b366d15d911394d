// SPDX-License-Identifier: Apache-2.0
/* What others can reach this machine at: addresses of its links, and what the user says. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <time.h>

#include "daemon.h"
#include "log.h"

struct found {
	const struct session *session;
	member_address at[MEMBER_MAX_ENDPOINTS];
	size_t count;
};

static void add(struct found *f, const char *text)
{
	for (size_t i = 0; i < f->count; i++)
		if (!strcmp(f->at[i], text))
			return;
	if (f->count < MEMBER_MAX_ENDPOINTS)
		(void)snprintf(f->at[f->count++], sizeof(member_address), "%.127s", text);
}

/* Port 0 in what the user says is the device's own. */
static void add_named(struct found *f, const char *text)
{
	const char *colon = strrchr(text, ':');
	char with_port[TRUST_TOKEN_ADDRESS_SIZE + 8];

	if (!colon || strcmp(colon, ":0")) {
		add(f, text);
		return;
	}
	(void)snprintf(with_port, sizeof(with_port), "%.*s:%u", (int)(colon - text), text,
		       f->session->member->options.listen_port);
	add(f, with_port);
}

/* A tunnel inside a tunnel is no way to somewhere. */
static bool is_ours(const struct daemon *daemon, uint32_t ifindex)
{
	for (size_t i = 0; i < daemon->n_sessions; i++)
		if (daemon->session[i]->ifindex == ifindex)
			return true;
	return false;
}

static int on_address(uint32_t ifindex, const struct prefix *p, void *user, struct error *err)
{
	struct found *f = user;
	char address[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 16], link[IF_NAMESIZE];

	(void)err;
	if (is_ours(f->session->daemon, ifindex) || !if_indextoname(ifindex, link) ||
	    config_excludes(f->session->daemon->config, link) ||
	    !inet_ntop(p->family, p->bytes, address, sizeof(address)))
		return 0;
	(void)snprintf(text, sizeof(text), p->family == AF_INET ? "%s:%u" : "[%s]:%u", address,
		       f->session->member->options.listen_port);
	add(f, text);
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int sign(struct member *m, const struct found *f, struct error *err)
{
	Mmesh__V1__EndpointsRecord record = MMESH__V1__ENDPOINTS_RECORD__INIT;
	char *endpoint[MEMBER_MAX_ENDPOINTS];
	Mmesh__V1__Signed *s = NULL;
	int r;

	for (size_t i = 0; i < f->count; i++)
		endpoint[i] = (char *)f->at[i];
	record.node = m->node;
	record.generation = m->generation + 1;
	record.time = time(NULL);
	record.endpoint = endpoint;
	record.n_endpoint = f->count;
	r = trust_sign(&s, m->identity, TRUST_CONTEXT_ENDPOINTS, &record.base, err);
	if (r < 0)
		return r;
	mmesh__v1__signed__free_unpacked(m->endpoints, NULL);
	m->endpoints = s;
	m->generation++;
	memcpy(m->announced, f->at, sizeof(m->announced));
	m->n_announced = f->count;
	/* On the disk before it is told: a generation is never used for two lists. */
	return member_save_endpoints(m, err);
}

bool discover_endpoints(struct session *s, struct nl_sock *route)
{
	const struct config *config = s->daemon->config;
	struct found f = { .session = s };
	struct member *m = s->member;
	struct error err;

	if (!m->options.listen_port)
		return false;
	for (size_t i = 0; i < m->n_extra; i++)
		add_named(&f, m->extra[i]);
	for (size_t i = 0; i < config->n_endpoints; i++)
		add_named(&f, config->endpoint[i]);
	if (route_each_address(route, on_address, &f, &err) < 0) {
		log_line(LOG_WARNING, m->device, "%s", err.text);
		return false;
	}
	qsort(f.at, f.count, sizeof(f.at[0]), by_text);
	if (m->endpoints && f.count == m->n_announced &&
	    !memcmp(f.at, m->announced, f.count * sizeof(f.at[0])))
		return false;
	if (sign(m, &f, &err) < 0) {
		log_line(LOG_WARNING, m->device, "endpoints cannot be announced: %s", err.text);
		return false;
	}
	return true;
}
