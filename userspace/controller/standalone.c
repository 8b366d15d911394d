// SPDX-License-Identifier: Apache-2.0
#include "standalone.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "broker.h"
#include "controller.h"
#include "endpoint.h"
#include "enrol-reply.h"
#include "publisher.h"

enum { TICK_SECONDS = 1, UPKEEP_SECONDS = 3600 };

/* -- the service manager -------------------------------------------------------------------------------------- */

/* One datagram, as sd_notify(3) describes it; nobody to tell is fine. */
static void notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = path ? strlen(path) : 0;
	_cleanup_close_ int fd = -1;

	if (!len || len >= sizeof(to.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		log_warning("NOTIFY_SOCKET %s: %s", path, strerror(errno));
}

/* -- the broker -------------------------------------------------------------------------------------------------- */

static int start_broker(struct controller *c, struct error *err)
{
	struct endpoint_name at;
	int r;

	if (!broker_port(c))
		return 0;
	r = endpoint_split(&at, c->config.broker, err);
	if (!r)
		r = broker_start(&c->broker, &c->config, &c->keys, err);
	if (r)
		return r;
	if (!strcmp(at.host, "0.0.0.0"))
		(void)strcpy(at.host, "127.0.0.1");
	else if (!strcmp(at.host, "::"))
		(void)strcpy(at.host, "::1");
	model_lock(&c->model);
	r = publisher_start(&c->publisher, c, at.host, at.port, err);
	model_unlock(&c->model);
	return r;
}

static void reap(struct controller *c)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (c->broker)
			broker_died(c->broker, pid, status);
}

/* -- the loop ----------------------------------------------------------------------------------------------------- */

static void block_signals(sigset_t *ret)
{
	(void)sigemptyset(ret);
	(void)sigaddset(ret, SIGTERM);
	(void)sigaddset(ret, SIGINT);
	(void)sigaddset(ret, SIGCHLD);
	(void)sigaddset(ret, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, ret, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

static int64_t seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec;
}

static void loop(struct controller *c, const sigset_t *signals)
{
	const struct timespec tick = { .tv_sec = TICK_SECONDS };
	int64_t heads = seconds(), upkeep = heads;

	for (;;) {
		int sig = sigtimedwait(signals, NULL, &tick);
		int64_t now = seconds();

		if (sig == SIGTERM || sig == SIGINT)
			return;
		if (sig == SIGCHLD)
			reap(c);
		if (c->broker)
			broker_tend(c->broker);
		if (now >= heads + FEED_HEAD_SECONDS) {
			controller_tell_heads(c);
			heads = now;
		}
		if (now >= upkeep + UPKEEP_SECONDS) {
			controller_maintain(c);
			upkeep = now;
		}
	}
}

static void say_what_next(const struct controller *c)
{
	bool usual = !strcmp(c->config.socket, CONFIG_SOCKET);

	(void)printf("mmesh-controller %s is running: nodes reach it at %s port %u.\n"
		     "Next, here, for each node (or once, with `uses N`):\n"
		     "    mmesh %s%s%stoken add\n"
		     "and on the node, with what that prints:\n"
		     "    mmesh join TOKEN\n",
		     MMESH_TOOL_VERSION, c->config.announce[0], c->port,
		     usual ? "" : "--controller ", usual ? "" : c->config.socket,
		     usual ? "" : " ");
	(void)fflush(stdout);
}

static void set_log(const struct config *config)
{
	static const struct {
		const char *name;
		enum log_level level;
	} levels[] = { { "error", LOG_LEVEL_ERROR },
		       { "warning", LOG_LEVEL_WARNING },
		       { "info", LOG_LEVEL_INFO },
		       { "debug", LOG_LEVEL_DEBUG } };

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		if (!strcmp(config->log, levels[i].name))
			log_set_level(levels[i].level);
}

int standalone_run(const struct config *config, bool hints, struct error *err)
{
	_cleanup_free_ struct controller *c = calloc(1, sizeof(*c));
	sigset_t signals;
	int r;

	if (!c)
		return error_oom(err);
	c->config = *config;
	set_log(config);
	block_signals(&signals);
	r = config_complete(&c->config, err);
	if (r)
		return r;
	r = controller_start(c, err);
	if (!r)
		r = start_broker(c, err);
	if (!r) {
		log_info("listening at %s, socket %s, store %s/store.db, epoch %llu",
			 c->config.listen[0], c->config.socket, c->config.directory,
			 (unsigned long long)c->model.store.epoch);
		if (hints)
			say_what_next(c);
		notify("READY=1");
		loop(c, &signals);
		notify("STOPPING=1");
		log_info("ending");
	}
	controller_stop(c);
	c->broker = broker_stop(c->broker);
	return r;
}
