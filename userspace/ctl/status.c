// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "endpoint.h"
#include "field.h"
#include "local.h"
#include "number.h"
#include "remote.h"

enum {
	UNREADY_SIZE = sizeof(((struct error *)NULL)->text),
	WAIT_STEP_MS = 100,
	WAIT_MAX_S = 86400,
	DISCARD_PORT = 9,
};

static int ask(struct tool *tool, struct rpc_client *client, const char *device,
	       Mmesh__V1__LocalStatus **ret)
{
	Mmesh__V1__LocalStatusRequest request = MMESH__V1__LOCAL_STATUS_REQUEST__INIT;

	if (device)
		request.device = (char *)device;
	return remote_call(tool, client, "Local/Status", &request.base,
			   &mmesh__v1__local_status__descriptor, (void **)ret);
}

static void free_status(Mmesh__V1__LocalStatus **status)
{
	mmesh__v1__local_status__free_unpacked(*status, NULL);
}

const char *status_unready(const Mmesh__V1__LocalStatus *status, char *text, size_t size)
{
	if (!status->n_membership) {
		(void)snprintf(text, size, "this machine is in no network");
		return text;
	}
	for (size_t i = 0; i < status->n_membership; i++) {
		if (status->membership[i]->up)
			continue;
		(void)snprintf(text, size, "%s is down", status->membership[i]->device);
		return text;
	}
	for (size_t i = 0; i < status->n_health; i++) {
		const Mmesh__V1__Health *health = status->health[i];

		if (strcmp(health->level, "error"))
			continue;
		(void)snprintf(text, size, "%s%s%s", health->device, *health->device ? ": " : "",
			       health->text);
		text[strcspn(text, "\n")] = '\0';
		if (*text && text[strlen(text) - 1] == '.')
			text[strlen(text) - 1] = '\0';
		return text;
	}
	return NULL;
}

const Mmesh__V1__LocalPeer *status_peer(const Mmesh__V1__LocalStatus *status, const char *name)
{
	for (size_t i = 0; i < status->n_membership; i++) {
		const Mmesh__V1__Membership *m = status->membership[i];

		for (size_t j = 0; j < m->n_peer; j++) {
			if (!strcmp(m->peer[j]->name, name))
				return m->peer[j];
			for (size_t k = 0; k < m->peer[j]->n_address; k++)
				if (!strcmp(m->peer[j]->address[k], name))
					return m->peer[j];
		}
	}
	return NULL;
}

/* -- status ---------------------------------------------------------------- */

static const char status_usage[] =
	"Usage: mmesh status [DEV]\n"
	"       mmesh status --check live|ready\n"
	"\n"
	"A line for each peer: address, name, \"direct\" and where or \"relay\" and which, MTU, round\n"
	"trip, traffic; then what is wrong, in sentences (-d: more).\n"
	"--check prints nothing when all is well. Status 0 with \"live\": mmeshd answers; with\n"
	"\"ready\": also this machine is in a network, its devices are up, nothing is an error.\n"
	"Otherwise 2, and why.\n";

static int check(struct tool *tool, struct args *args)
{
	_cleanup_(rpc_client_closep) struct rpc_client *client = NULL;
	_cleanup_(free_status) Mmesh__V1__LocalStatus *status = NULL;
	const char *what = args_take(args);
	char why[UNREADY_SIZE];
	struct error err = { 0 };
	int r;

	if (!what || (strcmp(what, "live") && strcmp(what, "ready")))
		return tool_usage_error(tool, "--check: \"%s\" is neither \"live\" nor \"ready\".",
					what ? what : "");
	r = tool_no_more(tool, args);
	if (!r)
		r = remote_daemon(tool, &client);
	if (!r)
		r = ask(tool, client, NULL, &status);
	if (r || !strcmp(what, "live") || !status_unready(status, why, sizeof(why)))
		return r;
	error_format(&err, "%s", why);
	return tool_refused(tool, &err);
}

int local_status(struct tool *tool, struct args *args)
{
	_cleanup_(rpc_client_closep) struct rpc_client *client = NULL;
	_cleanup_(free_status) Mmesh__V1__LocalStatus *status = NULL;
	const char *device = args_take(args);
	int r;

	args->context = "mmesh status";
	if (tool_is_help(device)) {
		(void)fputs(status_usage, stdout);
		return TOOL_OK;
	}
	if (device && !strcmp(device, "--check"))
		return check(tool, args);
	r = tool_no_more(tool, args);
	if (!r)
		r = remote_daemon(tool, &client);
	if (!r)
		r = ask(tool, client, device, &status);
	if (!r)
		show_status(tool, status);
	return r;
}

/* -- wait ------------------------------------------------------------------ */

static const char wait_usage[] =
	"Usage: mmesh wait [--timeout SECONDS] [PEER]\n"
	"\n"
	"Until this machine is ready (see \"mmesh status help\"), or with PEER, a name or an address\n"
	"inside the network, until there is a path to it. Status 2 when that takes longer.\n";

static int64_t clock_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* A tunnel that nobody uses is not made: one byte to the discard port asks for it. */
static void knock(const Mmesh__V1__LocalPeer *peer)
{
	struct endpoint_name name = { .port = DISCARD_PORT };
	union endpoint to;
	socklen_t len;
	int fd;

	if (!peer->n_address)
		return;
	(void)snprintf(name.host, sizeof(name.host), "%s", peer->address[0]);
	if (endpoint_resolve_numeric(&to, &name, NULL) < 0)
		return;
	fd = socket(to.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	len = to.sa.sa_family == AF_INET ? sizeof(to.in4) : sizeof(to.in6);
	/* Whether it worked is what the next status tells. */
	(void)sendto(fd, "", 1, MSG_DONTWAIT, &to.sa, len);
	(void)close(fd);
}

/* NULL: what is waited for is there. */
static const char *still_missing(const Mmesh__V1__LocalStatus *status, const char *peer, char *text,
				 size_t size)
{
	const Mmesh__V1__LocalPeer *found;
	const char *why = status_unready(status, text, size);

	if (why || !peer)
		return why;
	found = status_peer(status, peer);
	if (!found) {
		(void)snprintf(text, size, "there is no peer \"%s\"", peer);
		return text;
	}
	if (found->last_handshake && strcmp(found->path, "none"))
		return NULL;
	knock(found);
	(void)snprintf(text, size, "there is no path to \"%s\"%s%s", peer, *found->why ? ": " : "",
		       found->why);
	return text;
}

/* Ask once; NULL when what is waited for is there. A daemon that isn't there yet is waited for, too. */
static const char *look(struct rpc_client **client, const char *peer, char *text, size_t size)
{
	Mmesh__V1__LocalStatusRequest request = MMESH__V1__LOCAL_STATUS_REQUEST__INIT;
	_cleanup_(free_status) Mmesh__V1__LocalStatus *status = NULL;
	struct error err = { 0 };
	int r = 0;

	if (!*client)
		r = remote_daemon_try(client, &err);
	if (!r)
		r = remote_call_try(*client, "Local/Status", &request.base,
				    &mmesh__v1__local_status__descriptor, (void **)&status, &err);
	if (!r)
		return still_missing(status, peer, text, size);
	*client = rpc_client_close(*client);
	(void)snprintf(text, size, "%s", err.text);
	return text;
}

static int wait_for(struct tool *tool, const char *peer, uint64_t timeout_s)
{
	const struct timespec step = { .tv_nsec = WAIT_STEP_MS * 1000000L };
	_cleanup_(rpc_client_closep) struct rpc_client *client = NULL;
	int64_t end = clock_ms() + (int64_t)timeout_s * 1000;
	char text[UNREADY_SIZE];
	struct error err = { 0 };
	const char *why;

	while ((why = look(&client, peer, text, sizeof(text)))) {
		if (clock_ms() >= end) {
			error_format(&err, "after %" PRIu64 " s: %s", timeout_s, why);
			return tool_refused(tool, &err);
		}
		(void)nanosleep(&step, NULL);
	}
	return TOOL_OK;
}

int local_wait(struct tool *tool, struct args *args)
{
	uint64_t timeout_s = 60;
	const char *word = args_take(args);
	struct error err = { 0 };
	int r;

	args->context = "mmesh wait";
	if (tool_is_help(word)) {
		(void)fputs(wait_usage, stdout);
		return TOOL_OK;
	}
	if (word && !strcmp(word, "--timeout")) {
		word = args_take(args);
		if (!word)
			return tool_usage_error(tool, "\"--timeout\" needs seconds after it.");
		if (count_parse(&timeout_s, word, WAIT_MAX_S, &err) < 0)
			return tool_usage_error(tool, "--timeout: %s.", err.text);
		word = args_take(args);
	}
	r = tool_no_more(tool, args);
	return r ? r : wait_for(tool, word, timeout_s);
}
