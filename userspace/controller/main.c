// SPDX-License-Identifier: Apache-2.0
/* mmesh-controller: what should be, for nodes that make it so. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "controller.h"
#include "standalone.h"

enum { EXIT_USAGE = 1, EXIT_REFUSED = 2, OPERATOR_SECONDS = 365 * 86400 };

static const char usage[] =
	"usage: mmesh-controller standalone [DIR] [WORD VALUE]...\n"
	"       mmesh-controller run FILE\n"
	"       mmesh-controller check-config FILE\n"
	"       mmesh-controller backup FILE [WORD VALUE]...\n"
	"       mmesh-controller restore FILE [WORD VALUE]...\n"
	"       mmesh-controller operator NAME FOLDER [WORD VALUE]...\n"
	"       mmesh-controller export-root-key TENANT FILE [remove] [WORD VALUE]...\n"
	"       mmesh-controller import-root-key TENANT FILE [WORD VALUE]...\n"
	"       mmesh-controller version | help\n"
	"\n"
	"standalone makes whatever is missing in DIR (" CONFIG_DIRECTORY "): keys, a CA, the\n"
	"store, a first tenant, network and subnet; then it serves, with a mosquitto of its own.\n"
	"run does the same with a configuration file: YAML, a mapping of the words below.\n"
	"backup copies the store while the controller runs or not; restore, while it doesn't run,\n"
	"puts a copy in its place and starts a new epoch. operator makes a key and a certificate\n"
	"for managing over TLS. export-root-key copies a tenant's root key, in plain, to FILE; with\n"
	"remove it is then offline, and import-root-key brings it back.\n"
	"\n"
	"WORD VALUE\n"
	"  directory DIR        where everything is kept (" CONFIG_DIRECTORY ")\n"
	"  listen ADDR:PORT     for nodes and operators (0.0.0.0:7443); may come more than once\n"
	"  broker ADDR:PORT     of mosquitto (0.0.0.0:8883); none: nodes use gRPC alone\n"
	"  announce HOST        name or address that nodes are told; may come more than once\n"
	"  socket PATH          unix socket for managing (" CONFIG_SOCKET ")\n"
	"  unlock FILE          what keys are encrypted with (DIR/unlock.key)\n"
	"  plugin FILE          mmesh-broker.so, where it isn't beside the program\n"
	"  mosquitto FILE       the broker's program (mosquitto)\n"
	"  handshakes N         that one source may make in a second (10)\n"
	"  log LEVEL            error, warning, info (usual) or debug\n";

static int complain(const char *text)
{
	(void)fprintf(stderr, "mmesh-controller: %s\n", text);
	return EXIT_REFUSED;
}

static int misuse(const char *text)
{
	(void)fprintf(stderr, "mmesh-controller: %s; see `mmesh-controller help`\n", text);
	return EXIT_USAGE;
}

/* Pairs of words and values from @arg on. */
static int read_words(struct config *c, char **arg)
{
	struct error err;

	for (; *arg; arg += 2) {
		if (!arg[1]) {
			error_format(&err, "'%s' lacks its value", *arg);
			return misuse(err.text);
		}
		if (config_set(c, arg[0], arg[1], &err))
			return misuse(err.text);
	}
	return 0;
}

/* -- serving ------------------------------------------------------------------------------------------------- */

static int standalone(char **arg)
{
	struct config c;
	struct error err;
	int r;

	config_init(&c);
	if (*arg && (strchr(*arg, '/') || !arg[1]))
		r = config_set(&c, "directory", *arg++, &err) ? misuse(err.text) : 0;
	else
		r = 0;
	if (!r)
		r = read_words(&c, arg);
	if (r)
		return r;
	return standalone_run(&c, true, &err) ? complain(err.text) : 0;
}

static int run(char **arg)
{
	struct config c;
	struct error err;

	if (!*arg || arg[1])
		return misuse("run takes one file");
	if (config_read(&c, *arg, &err))
		return complain(err.text);
	return standalone_run(&c, false, &err) ? complain(err.text) : 0;
}

static int check_config(char **arg)
{
	struct config c;
	struct error err;

	if (!*arg || arg[1])
		return misuse("check-config takes one file");
	if (config_read(&c, *arg, &err) || config_complete(&c, &err))
		return complain(err.text);
	(void)printf("%s is fine\n", *arg);
	return 0;
}

/* -- the store, without serving -------------------------------------------------------------------------------- */

static void store_path(char ret[CONFIG_PATH + 16], const struct config *c)
{
	(void)snprintf(ret, CONFIG_PATH + 16, "%s/store.db", c->directory);
}

static int backup(char **arg)
{
	char path[CONFIG_PATH + 16];
	struct config c;
	uint64_t bytes = 0;
	struct error err;
	struct store s;
	int r;

	if (!*arg)
		return misuse("backup takes a file");
	config_init(&c);
	r = read_words(&c, arg + 1);
	if (r)
		return r;
	store_path(path, &c);
	if (store_open(&s, path, false, &err))
		return complain(err.text);
	r = store_backup(&s, *arg, &bytes, &err);
	store_close(&s);
	if (r)
		return complain(err.text);
	(void)printf("%s: %llu bytes; keys are not in it: keep %s/keys and unlock.key, too\n",
		     *arg, (unsigned long long)bytes, c.directory);
	return 0;
}

/* Holds the directory while it is worked on; -1 when a controller has it. */
static int hold(const struct config *c, struct error *err)
{
	char path[CONFIG_PATH + 16];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/lock", c->directory);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		error_format(err, "%s: %s", path, strerror(errno));
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		error_format(err, "%s: a controller runs here: stop it first", c->directory);
		(void)close(fd);
		return -1;
	}
	return fd;
}

static int restore(char **arg)
{
	char path[CONFIG_PATH + 16];
	_cleanup_close_ int fd = -1;
	struct config c;
	struct error err;
	int r;

	if (!*arg)
		return misuse("restore takes a file");
	config_init(&c);
	r = read_words(&c, arg + 1);
	if (r)
		return r;
	fd = hold(&c, &err);
	if (fd < 0)
		return complain(err.text);
	store_path(path, &c);
	if (store_restore(path, *arg, &err))
		return complain(err.text);
	(void)printf("%s is restored, in a new epoch; what was there is %s.before-restore\n", path,
		     path);
	return 0;
}

/* -- keys ---------------------------------------------------------------------------------------------------------- */

/* The store and the keys, as they are. */
static int open_both(const struct config *c, struct store *s, struct keyring *k, struct error *err)
{
	char path[CONFIG_PATH + 16];
	int r;

	store_path(path, c);
	r = store_open(s, path, false, err);
	if (r)
		return r;
	r = keyring_open(k, c->directory, c->unlock[0] ? c->unlock : NULL, false, NULL,
			 (int64_t)time(NULL), err);
	if (r)
		store_close(s);
	return r;
}

static int with_tenant(char **arg, const struct config *c, bool import, bool remove)
{
	struct object *tenant = malloc(sizeof(*tenant));
	struct keyring k;
	struct error err;
	struct store s;
	int r;

	if (!tenant)
		return complain("out of memory");
	r = open_both(c, &s, &k, &err);
	if (!r) {
		r = object_by_name(&s, KIND_TENANT, "", arg[0], tenant, &err);
		if (r == 0)
			r = error_set(&err, ENOENT, "there is no tenant %s", arg[0]);
		else if (r == 1 && import)
			r = keyring_import_root(&k, tenant->id, &tenant->tenant, arg[1], &err);
		else if (r == 1)
			r = keyring_export_root(&k, tenant->id, arg[1], remove, &err);
		keyring_close(&k);
		store_close(&s);
	}
	free(tenant);
	return r ? complain(err.text) : 0;
}

static int export_root(char **arg)
{
	struct config c;
	bool remove;
	int r;

	if (!arg[0] || !arg[1])
		return misuse("export-root-key takes a tenant and a file");
	remove = arg[2] && !strcmp(arg[2], "remove");
	config_init(&c);
	r = read_words(&c, arg + 2 + remove);
	return r ? r : with_tenant(arg, &c, false, remove);
}

static int import_root(char **arg)
{
	struct config c;
	int r;

	if (!arg[0] || !arg[1])
		return misuse("import-root-key takes a tenant and a file");
	config_init(&c);
	r = read_words(&c, arg + 2);
	return r ? r : with_tenant(arg, &c, true, false);
}

static int write_operator(struct store *s, const struct keyring *k, const char *name,
			  const char *folder, struct error *err)
{
	_cleanup_(trust_cert_unrefp) struct trust_cert *cert = NULL;
	_cleanup_(trust_key_unrefp) struct trust_key *key = NULL;
	int64_t now = (int64_t)time(NULL);
	char path[3][CONFIG_PATH];
	int r;

	(void)snprintf(path[0], CONFIG_PATH, "%s/%s.key", folder, name);
	(void)snprintf(path[1], CONFIG_PATH, "%s/%s.pem", folder, name);
	(void)snprintf(path[2], CONFIG_PATH, "%s/ca.pem", folder);
	r = trust_key_generate(&key, TRUST_KEY_P256, err);
	if (!r)
		r = keyring_issue_operator(k, key, name, now + OPERATOR_SECONDS, now, &cert, err);
	if (!r)
		r = trust_key_save(key, path[0], "operator", NULL, err);
	if (!r)
		r = trust_cert_save(cert, path[1], err);
	if (!r)
		r = trust_cert_save(k->ca, path[2], err);
	if (!r)
		r = store_exec(s, err, "INSERT INTO certificate VALUES (?, NULL, ?, ?)", "bsi",
			       trust_key_id(key), (size_t)TRUST_KEY_ID_LEN, name,
			       trust_cert_not_after(cert));
	return r;
}

static int operator(char **arg)
{
	struct config c;
	struct keyring k;
	struct error err;
	struct store s;
	int r;

	if (!arg[0] || !arg[1])
		return misuse("operator takes a name and a folder");
	config_init(&c);
	r = read_words(&c, arg + 2);
	if (r)
		return r;
	if (name_check("operator", arg[0], &err))
		return misuse(err.text);
	r = open_both(&c, &s, &k, &err);
	if (r)
		return complain(err.text);
	r = write_operator(&s, &k, arg[0], arg[1], &err);
	keyring_close(&k);
	store_close(&s);
	if (r)
		return complain(err.text);
	(void)printf("%s/%s.key, %s.pem and ca.pem are what %s manages with, for a year\n", arg[1],
		     arg[0], arg[0], arg[0]);
	return 0;
}

/* -- what there is -------------------------------------------------------------------------------------------------- */

static int version(char **arg)
{
	(void)arg;
	(void)printf("mmesh-controller %s\n", MMESH_TOOL_VERSION);
	return 0;
}

static int help(char **arg)
{
	(void)arg;
	(void)fputs(usage, stdout);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(char **arg);
} commands[] = {
	{ "standalone", standalone },
	{ "run", run },
	{ "check-config", check_config },
	{ "backup", backup },
	{ "restore", restore },
	{ "operator", operator },
	{ "export-root-key", export_root },
	{ "import-root-key", import_root },
	{ "version", version },
	{ "help", help },
};

int main(int argc, char **argv)
{
	if (argc < 2) {
		(void)fputs(usage, stderr);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argv + 2);
	(void)fprintf(stderr, "mmesh-controller: '%s' is no command; see `mmesh-controller help`\n",
		      argv[1]);
	return EXIT_USAGE;
}
