// SPDX-License-Identifier: Apache-2.0
#include "broker.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "endpoint.h"
#include "log.h"

enum {
	PAUSE_MAX_MS = 10000,
	STABLE_MS = 30000, /* after which a death is the first one again */
	QUEUE_MAX = 1000,
	ORPHAN_MS = 5000,
};

struct broker {
	const struct config *config;
	const struct keyring *keys;
	pid_t pid; /* 0: none */
	int64_t started_ms;
	int64_t again_ms; /* when to start it, 0: it runs */
	unsigned int pause_ms;
	int key_fd, cert_fd, ca_fd, conf_fd, plugin_fd, folder_fd;
};

static int64_t clock_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* -- files ----------------------------------------------------------------------------------------------- */

/*
 * In memory, so that no key is on disk in plain, and no other user has to read our
 * directory: mosquitto opens them as /proc/self/fd/N.
 */
static int memory_file(const char *name, BIO *content, int *ret, struct error *err)
{
	char *data = NULL;
	long len = BIO_get_mem_data(content, &data);
	int fd = memfd_create(name, 0);

	if (fd < 0)
		return error_set(err, errno, "broker: memfd: %s", strerror(errno));
	if (len < 0 || write(fd, data, (size_t)len) != len || fchmod(fd, 0444)) {
		(void)close(fd);
		return error_set(err, EIO, "broker: memfd: %s", strerror(errno));
	}
	*ret = fd;
	return 0;
}

static int write_pem(struct broker *b, struct error *err)
{
	BIO *key = BIO_new(BIO_s_secmem()), *cert = BIO_new(BIO_s_mem()), *ca = BIO_new(BIO_s_mem());
	int r;

	if (!key || !cert || !ca ||
	    PEM_write_bio_PrivateKey(key, trust_key_evp(b->keys->broker_key), NULL, NULL, 0, NULL,
				     NULL) != 1 ||
	    PEM_write_bio_X509(cert, trust_cert_x509(b->keys->broker)) != 1 ||
	    PEM_write_bio_X509(ca, trust_cert_x509(b->keys->ca)) != 1)
		r = error_oom(err);
	else
		r = memory_file("broker.key", key, &b->key_fd, err);
	if (!r)
		r = memory_file("broker.pem", cert, &b->cert_fd, err);
	if (!r)
		r = memory_file("ca.pem", ca, &b->ca_fd, err);
	BIO_free(key);
	BIO_free(cert);
	BIO_free(ca);
	return r;
}

/* Beside the program in a build tree, or in the library folder where it is installed. */
static int open_plugin(struct broker *b, struct error *err)
{
	static const char *const places[] = { "../lib/mmesh-broker.so", "../lib/mmesh/mmesh-broker.so" };
	char self[CONFIG_PATH], path[2 * CONFIG_PATH];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (b->config->plugin[0]) {
		b->plugin_fd = open(b->config->plugin, O_RDONLY);
		if (b->plugin_fd < 0)
			return error_set(err, errno, "plugin: %s: %s", b->config->plugin,
					 strerror(errno));
		return 0;
	}
	self[len > 0 ? len : 0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		(void)snprintf(path, sizeof(path), "%.*s/%s",
			       (int)(strrchr(self, '/') ? strrchr(self, '/') - self : 0), self,
			       places[i]);
		b->plugin_fd = open(path, O_RDONLY);
		if (b->plugin_fd >= 0)
			return 0;
	}
	return error_set(err, ENOENT, "plugin: mmesh-broker.so is not beside %s: say where with "
				      "`plugin FILE`",
			 self);
}

/* Where the permissions are: of the folders above it, the broker needs to read none. */
static int open_folder(struct broker *b, struct error *err)
{
	char path[CONFIG_PATH + 16];

	(void)snprintf(path, sizeof(path), "%s/broker", b->config->directory);
	b->folder_fd = open(path, O_RDONLY | O_DIRECTORY);
	return b->folder_fd < 0 ? error_set(err, errno, "%s: %s", path, strerror(errno)) : 0;
}

static const char *broker_user(void)
{
	if (geteuid())
		return NULL;
	return getpwnam("mosquitto") ? "mosquitto" : "nobody";
}

static void write_settings(struct broker *b, BIO *out, const struct endpoint_name *at)
{
	const char *user = broker_user();

	(void)BIO_printf(out, "listener %u %s\n", at->port, at->host);
	(void)BIO_printf(out, "cafile /proc/self/fd/%d\n", b->ca_fd);
	(void)BIO_printf(out, "certfile /proc/self/fd/%d\n", b->cert_fd);
	(void)BIO_printf(out, "keyfile /proc/self/fd/%d\n", b->key_fd);
	(void)BIO_printf(out, "tls_version tlsv1.3\nrequire_certificate true\n");
	(void)BIO_printf(out, "use_identity_as_username false\nallow_anonymous false\n");
	(void)BIO_printf(out, "plugin /proc/self/fd/%d\n", b->plugin_fd);
	(void)BIO_printf(out, "plugin_opt_permissions /proc/self/fd/%d/permissions\n",
			 b->folder_fd);
	(void)BIO_printf(out, "persistence false\nlog_dest stderr\nlog_type error\n");
	(void)BIO_printf(out, "log_type warning\nlog_timestamp false\nconnection_messages false\n");
	(void)BIO_printf(out, "max_queued_messages %d\nmax_packet_size 1048576\n", QUEUE_MAX);
	(void)BIO_printf(out, "max_keepalive 3600\nset_tcp_nodelay true\n");
	if (user)
		(void)BIO_printf(out, "user %s\n", user);
}

static int write_conf(struct broker *b, struct error *err)
{
	BIO *out = BIO_new(BIO_s_mem());
	struct endpoint_name at;
	int r;

	if (!out)
		return error_oom(err);
	r = endpoint_split(&at, b->config->broker, err);
	if (!r)
		write_settings(b, out, &at);
	if (!r)
		r = memory_file("mosquitto.conf", out, &b->conf_fd, err);
	BIO_free(out);
	return r;
}

/* -- one that was left behind ------------------------------------------------------------------------------------ */

/* When a process started, in the kernel's ticks: with it, a number is one process for ever. 0: there is none. */
static unsigned long long start_of(pid_t pid)
{
	_cleanup_fclose_ FILE *in = NULL;
	unsigned long long ticks = 0;
	char path[64], line[1024];
	const char *at;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	in = fopen(path, "re");
	if (!in || !fgets(line, sizeof(line), in))
		return 0;
	/* The name may hold anything; the start is the 20th number behind it. */
	at = strrchr(line, ')');
	for (int i = 0; at && i < 20; i++)
		at = strchr(at + 1, ' ');
	return at && sscanf(at, "%llu", &ticks) == 1 ? ticks : 0;
}

static void note_path(char ret[CONFIG_PATH + 16], const struct broker *b)
{
	(void)snprintf(ret, CONFIG_PATH + 16, "%s/broker/pid", b->config->directory);
}

static void note_process(const struct broker *b)
{
	char path[CONFIG_PATH + 16];
	FILE *out;

	note_path(path, b);
	out = fopen(path, "we");
	if (!out || fprintf(out, "%d %llu\n", (int)b->pid, start_of(b->pid)) < 0)
		log_warning("broker: %s: %s", path, strerror(errno));
	if (out && fclose(out))
		log_warning("broker: %s: %s", path, strerror(errno));
}

static void await_end(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd end = { .fd = fd, .events = POLLIN };

	if (fd < 0)
		return;
	if (poll(&end, 1, ORPHAN_MS) == 0) {
		(void)kill(pid, SIGKILL);
		(void)poll(&end, 1, ORPHAN_MS);
	}
	(void)close(fd);
}

/* A controller that was killed could not end its broker, which still has the port. */
static void end_orphan(const struct broker *b)
{
	char path[CONFIG_PATH + 16];
	_cleanup_fclose_ FILE *in = NULL;
	unsigned long long start;
	int pid;

	note_path(path, b);
	in = fopen(path, "re");
	if (!in || fscanf(in, "%d %llu", &pid, &start) != 2 || pid <= 1 || !start ||
	    start_of(pid) != start)
		return;
	log_info("broker: ending mosquitto %d of the controller before", pid);
	if (!kill(pid, SIGTERM))
		await_end(pid);
}

/* -- process --------------------------------------------------------------------------------------------------- */

static void run_child(const struct broker *b)
{
	char conf[64];
	sigset_t none;

	(void)snprintf(conf, sizeof(conf), "/proc/self/fd/%d", b->conf_fd);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)execlp(b->config->mosquitto, "mosquitto", "-c", conf, (char *)NULL);
	/* Debian has it where the path of an ordinary user doesn't lead. */
	(void)execl("/usr/sbin/mosquitto", "mosquitto", "-c", conf, (char *)NULL);
	_exit(127);
}

static int spawn(struct broker *b, struct error *err)
{
	pid_t pid = fork();

	if (pid < 0)
		return error_set(err, errno, "broker: fork: %s", strerror(errno));
	if (!pid) {
		run_child(b);
		_exit(127);
	}
	b->pid = pid;
	b->started_ms = clock_ms();
	b->again_ms = 0;
	note_process(b);
	log_info("broker: mosquitto runs at %s, pid %d", b->config->broker, (int)pid);
	return 0;
}

int broker_start(struct broker **ret, const struct config *config, const struct keyring *keys,
		 struct error *err)
{
	struct broker *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return error_oom(err);
	*b = (struct broker){ .config = config, .keys = keys, .key_fd = -1, .cert_fd = -1,
			      .ca_fd = -1, .conf_fd = -1, .plugin_fd = -1, .folder_fd = -1 };
	r = write_pem(b, err);
	if (!r)
		r = open_plugin(b, err);
	if (!r)
		r = open_folder(b, err);
	if (!r)
		r = write_conf(b, err);
	if (!r) {
		end_orphan(b);
		r = spawn(b, err);
	}
	if (r) {
		broker_stop(b);
		return r;
	}
	*ret = b;
	return 0;
}

void broker_died(struct broker *b, pid_t pid, int status)
{
	int64_t now = clock_ms();

	if (pid != b->pid)
		return;
	b->pid = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		log_error("broker: there is no %s to run", b->config->mosquitto);
	if (now - b->started_ms > STABLE_MS)
		b->pause_ms = 0;
	log_warning("broker: mosquitto ended with %s %d; again in %u ms",
		    WIFSIGNALED(status) ? "signal" : "status",
		    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), b->pause_ms);
	b->again_ms = now + b->pause_ms;
	b->pause_ms = b->pause_ms ? b->pause_ms * 2 : 250;
	if (b->pause_ms > PAUSE_MAX_MS)
		b->pause_ms = PAUSE_MAX_MS;
	broker_tend(b);
}

void broker_tend(struct broker *b)
{
	struct error err;

	if (b->pid || clock_ms() < b->again_ms)
		return;
	if (spawn(b, &err)) {
		log_error("%s", err.text);
		b->again_ms = clock_ms() + PAUSE_MAX_MS;
	}
}

struct broker *broker_stop(struct broker *b)
{
	if (!b)
		return NULL;
	if (b->pid) {
		(void)kill(b->pid, SIGTERM);
		while (waitpid(b->pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	}
	closep(&b->key_fd);
	closep(&b->cert_fd);
	closep(&b->ca_fd);
	closep(&b->conf_fd);
	closep(&b->plugin_fd);
	closep(&b->folder_fd);
	free(b);
	return NULL;
}
