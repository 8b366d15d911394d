// SPDX-License-Identifier: Apache-2.0
/* mmeshd: keeps this machine's kernel as its networks' controllers say. */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <linux/genetlink.h>
#include <mosquitto.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../librpc/server.h"
#include "daemon.h"
#include "event.h"
#include "file.h"
#include "log.h"
#include "notify.h"

#define DEFAULT_CONFIG "/etc/mmesh/mmeshd.conf"

enum {
	/* Events come in flocks. */
	SETTLE_MS = 50,
	RETRY_MS = 2000,
	/* Everything is compared at least this often, whatever was told. */
	CHECK_MS = 60000,
};

static const char usage[] =
	"Usage: mmeshd [OPTIONS]\n"
	"       mmeshd [OPTIONS] --check-config\n"
	"       mmeshd help | version\n"
	"\n"
	"Keeps the kernel as the controllers of this machine's networks say. \"mmesh join TOKEN\" makes it a\n"
	"member of one.\n"
	"\n"
	"  -c, --config FILE    lines \"WORD = VALUE\": state, socket, log, endpoint, exclude\n"
	"                       (" DEFAULT_CONFIG ", if it is there)\n"
	"  -d, --state DIR      keys and last good records (/var/lib/mmesh)\n"
	"  -s, --socket PATH    where mmesh asks (/run/mmesh/mmeshd.sock)\n"
	"  -v, --verbose        say more\n"
	"\n"
	"SIGTERM ends it and leaves the kernel as it is; SIGHUP makes it read the file again.\n";

struct arguments {
	const char *config, *state, *socket;
	bool check, verbose;
};

struct main_loop {
	struct daemon daemon;
	struct arguments arguments;
	struct kernel kernel;
	struct mmesh_client events;
	bool has_events;
	struct nl_sock *route_events;
	int signal_fd, epoll_fd;
	int64_t due; /* the next comparison, monotonic ms */
	bool all;    /* of everything, not of what is dirty only */
};

/* -- configuration ------------------------------------------------------------------------------- */

/* What the command line says goes before what the file says. */
static int read_config(struct config *ret, const struct arguments *args, struct error *err)
{
	const char *path = args->config ? args->config : DEFAULT_CONFIG;
	int r = 0;

	config_defaults(ret);
	if (args->config || !access(path, F_OK))
		r = config_read(ret, path, err);
	if (r < 0)
		return r;
	if (args->state && (size_t)snprintf(ret->state, sizeof(ret->state), "%s", args->state) >=
				   sizeof(ret->state))
		return error_set(err, EINVAL, "--state: longer than %zu bytes",
				 sizeof(ret->state) - 1);
	if (args->socket && (size_t)snprintf(ret->socket, sizeof(ret->socket), "%s",
					     args->socket) >= sizeof(ret->socket))
		return error_set(err, EINVAL, "--socket: longer than %zu bytes",
				 sizeof(ret->socket) - 1);
	if (args->verbose)
		ret->log_priority = LOG_DEBUG;
	return 0;
}

static void read_again(struct main_loop *loop)
{
	struct daemon *d = &loop->daemon;
	struct config fresh;
	struct error err;

	if (read_config(&fresh, &loop->arguments, &err) < 0) {
		log_line(LOG_ERR, NULL, "the configuration stays as it was: %s", err.text);
		return;
	}
	/* These two cannot change under what uses them. */
	memcpy(fresh.state, d->config->state, sizeof(fresh.state));
	memcpy(fresh.socket, d->config->socket, sizeof(fresh.socket));
	(void)pthread_mutex_lock(&d->lock);
	*d->config = fresh;
	d->addresses_changed = true;
	(void)pthread_mutex_unlock(&d->lock);
	log_open(fresh.log_priority);
	log_line(LOG_INFO, NULL, "the configuration was read again");
	loop->all = true;
	loop->due = 0;
}

/* -- memberships --------------------------------------------------------------------------------- */

static void load_member(struct daemon *d, const char *device)
{
	_cleanup_(member_freep) struct member *member = member_new(d->config->state, device);
	struct session *s;
	struct error err;

	if (!member)
		return;
	if (member_load(member, &err) < 0) {
		log_line(LOG_ERR, device, "this membership is not believed, and its device stays as it is: %s",
			 err.text);
		return;
	}
	s = session_add(d, member);
	if (!s) {
		log_line(LOG_ERR, device, "more than %d memberships", DAEMON_MAX_SESSIONS);
		return;
	}
	(void)TAKE_PTR(member);
	if (session_start(s, &err) < 0)
		log_line(LOG_ERR, device, "%s", err.text);
}

static int load_members(struct daemon *d, struct error *err)
{
	DIR *dir = opendir(d->config->state);
	struct dirent *item;
	char path[PATH_MAX + 320];

	if (!dir)
		return error_set(err, errno, "%s: %m", d->config->state);
	while ((item = readdir(dir))) {
		(void)snprintf(path, sizeof(path), "%s/%s/membership", d->config->state,
			       item->d_name);
		if (*item->d_name != '.' && !access(path, F_OK))
			load_member(d, item->d_name);
	}
	(void)closedir(dir);
	return 0;
}

/* -- events -------------------------------------------------------------------------------------- */

static int watch_fd(struct main_loop *loop, int fd, struct error *err)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return error_set(err, errno, "epoll: %m");
	return 0;
}

/* The module may be loaded later. */
static void listen_to_mmesh(struct main_loop *loop)
{
	if (loop->has_events || mmesh_client_open(&loop->events, NULL) < 0)
		return;
	loop->has_events = !mmesh_event_join(&loop->events, NULL) &&
			   !watch_fd(loop, mnl_socket_get_fd(loop->events.nl.sock), NULL);
	if (!loop->has_events)
		mmesh_client_close(&loop->events);
}

static void soon(struct main_loop *loop)
{
	int64_t at = daemon_now_ms() + SETTLE_MS;

	if (at < loop->due)
		loop->due = at;
}

static bool is_ours(uint32_t ifindex, void *user)
{
	struct daemon *d = user;

	for (size_t i = 0; i < d->n_sessions; i++)
		if (d->session[i]->ifindex == ifindex)
			return true;
	return false;
}

static void on_route_event(struct main_loop *loop)
{
	struct daemon *d = &loop->daemon;
	bool addresses;

	(void)pthread_mutex_lock(&d->lock);
	if (route_events_read(loop->route_events, is_ours, d, &addresses)) {
		loop->all = true;
		soon(loop);
	}
	d->addresses_changed = d->addresses_changed || addresses;
	(void)pthread_mutex_unlock(&d->lock);
}

/* What changes by itself (handshakes, endpoints, paths) is nobody's drift. */
static void on_mmesh_event(struct main_loop *loop)
{
	struct nl *nl = &loop->events.nl;
	int fd = mnl_socket_get_fd(nl->sock);
	bool any = false;

	for (;;) {
		const struct nlmsghdr *msg = (const void *)nl->receive;
		ssize_t n = recv(fd, nl->receive, NL_RECEIVE_SIZE, MSG_DONTWAIT);
		int len = (int)n;

		if (n < 0 && (errno == EINTR || errno == ENOBUFS)) {
			any = any || errno == ENOBUFS;
			continue;
		}
		if (n <= 0)
			break;
		for (; mnl_nlmsg_ok(msg, len); msg = mnl_nlmsg_next(msg, &len)) {
			const struct genlmsghdr *genl = mnl_nlmsg_get_payload(msg);

			if (msg->nlmsg_type == loop->events.family &&
			    (genl->cmd == MMESH_CMD_DEV_NTF || genl->cmd == MMESH_CMD_PEER_ADD_NTF ||
			     genl->cmd == MMESH_CMD_PEER_CHANGE_NTF ||
			     genl->cmd == MMESH_CMD_PEER_DEL_NTF))
				any = true;
		}
	}
	if (any) {
		loop->all = true;
		soon(loop);
	}
}

static void on_kick(struct main_loop *loop)
{
	uint64_t count;

	(void)!read(loop->daemon.kick_fd, &count, sizeof(count));
	loop->due = 0;
}

/* False: it is to end. */
static bool on_signal(struct main_loop *loop)
{
	struct signalfd_siginfo info;

	while (read(loop->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGHUP)
			return false;
		read_again(loop);
	}
	return true;
}

static bool on_event(struct main_loop *loop, int fd)
{
	if (fd == loop->signal_fd)
		return on_signal(loop);
	if (fd == loop->daemon.kick_fd)
		on_kick(loop);
	else if (fd == route_events_fd(loop->route_events))
		on_route_event(loop);
	else
		on_mmesh_event(loop);
	return true;
}

static void compare(struct main_loop *loop)
{
	struct daemon *d = &loop->daemon;
	int64_t now = daemon_now_ms();

	listen_to_mmesh(loop);
	(void)pthread_mutex_lock(&d->lock);
	reconcile_all(d, &loop->kernel, loop->all);
	loop->all = true;
	loop->due = now + CHECK_MS;
	for (size_t i = 0; i < d->n_sessions; i++)
		if (*d->session[i]->kernel_error.text || !loop->has_events)
			loop->due = now + RETRY_MS;
	(void)pthread_mutex_unlock(&d->lock);
}

static int run(struct main_loop *loop)
{
	uint64_t watchdog = notify_watchdog_ms();
	struct epoll_event events[8];

	for (;;) {
		int64_t wait = loop->due - daemon_now_ms();
		int n;

		if (wait <= 0) {
			compare(loop);
			continue;
		}
		if (watchdog && wait > (int64_t)watchdog)
			wait = (int64_t)watchdog;
		n = epoll_wait(loop->epoll_fd, events, ARRAY_SIZE(events), (int)wait);
		if (n < 0 && errno != EINTR)
			return 1;
		for (int i = 0; i < n; i++)
			if (!on_event(loop, events[i].data.fd))
				return 0;
		if (watchdog)
			notify_send("WATCHDOG=1");
	}
}

/* -- beginning and end --------------------------------------------------------------------------- */

static int set_up_signals(struct main_loop *loop, struct error *err)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	/* Before there are threads, which inherit it. */
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	loop->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->daemon.kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->signal_fd < 0 || loop->epoll_fd < 0 || loop->daemon.kick_fd < 0)
		return error_set(err, errno, "no more file descriptors: %m");
	return 0;
}

static int set_up(struct main_loop *loop, struct error *err)
{
	struct daemon *d = &loop->daemon;
	int r;

	(void)pthread_mutex_init(&d->lock, NULL);
	(void)pthread_cond_init(&d->settled, NULL);
	d->addresses_changed = true;
	loop->all = true;
	r = set_up_signals(loop, err);
	if (!r)
		r = file_make_directory(d->config->state, 0700, err);
	if (!r)
		r = kernel_open(&loop->kernel, err);
	if (!r)
		r = route_events_open(&loop->route_events, err);
	if (!r)
		r = watch_fd(loop, loop->signal_fd, err);
	if (!r)
		r = watch_fd(loop, d->kick_fd, err);
	if (!r)
		r = watch_fd(loop, route_events_fd(loop->route_events), err);
	if (r < 0)
		return r;
	kernel_features(&loop->kernel, &d->features);
	if (!d->features.module)
		log_line(LOG_WARNING, NULL, "the kernel has no mmesh: load its module (modprobe mmesh)");
	(void)mosquitto_lib_init();
	return load_members(d, err);
}

static void tear_down(struct main_loop *loop)
{
	struct daemon *d = &loop->daemon;

	(void)pthread_mutex_lock(&d->lock);
	d->stopping = true;
	for (size_t i = 0; i < d->n_sessions; i++) {
		d->session[i]->stop = true;
		session_wake(d->session[i]);
	}
	(void)pthread_mutex_unlock(&d->lock);
	for (size_t i = 0; i < d->n_sessions; i++)
		session_end(d->session[i]);
	if (loop->has_events)
		mmesh_client_close(&loop->events);
	route_close(loop->route_events);
	kernel_close(&loop->kernel);
	(void)mosquitto_lib_cleanup();
}

static int serve(struct config *config, const struct arguments *args)
{
	struct main_loop loop = { .arguments = *args };
	struct rpc_server *server = NULL;
	struct error err;
	int status = 1;

	/* Its memory has keys. */
	(void)prctl(PR_SET_DUMPABLE, 0);
	loop.daemon.config = config;
	log_open(config->log_priority);
	if (set_up(&loop, &err) < 0 || local_start(&loop.daemon, &server, &err) < 0) {
		log_line(LOG_ERR, NULL, "%s", err.text);
	} else {
		/* The first comparison: what is right stays. */
		compare(&loop);
		notify_send("READY=1");
		log_line(LOG_INFO, NULL, "version %s, %zu memberships in %s", MMESH_TOOL_VERSION,
			 loop.daemon.n_sessions, config->state);
		status = run(&loop);
		notify_send("STOPPING=1");
	}
	rpc_server_stop(server, 500);
	tear_down(&loop);
	return status;
}

static bool parse(int argc, char **argv, struct arguments *args)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "state", required_argument, NULL, 'd' },
		{ "socket", required_argument, NULL, 's' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "check-config", no_argument, NULL, 'C' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:d:s:v", options, NULL)) >= 0) {
		if (c == 'c')
			args->config = optarg;
		else if (c == 'd')
			args->state = optarg;
		else if (c == 's')
			args->socket = optarg;
		else if (c == 'v')
			args->verbose = true;
		else if (c == 'C')
			args->check = true;
		else
			return false;
	}
	if (optind < argc)
		(void)fprintf(stderr, "Error: \"%s\": there is no such word\n", argv[optind]);
	return optind == argc;
}

int main(int argc, char **argv)
{
	static struct config config;
	struct arguments args = { 0 };
	struct error err;

	if (argc == 2 && (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help")))
		return fputs(usage, stdout) < 0;
	if (argc == 2 && (!strcmp(argv[1], "version") || !strcmp(argv[1], "--version")))
		return printf("mmeshd %s\n", MMESH_TOOL_VERSION) < 0;
	if (!parse(argc, argv, &args))
		{
		(void)fputs("Try \"mmeshd help\".\n", stderr);
		return 1;
	}
	if (read_config(&config, &args, &err) < 0) {
		(void)fprintf(stderr, "Error: %s\n", err.text);
		return 1;
	}
	return args.check ? 0 : serve(&config, &args);
}
