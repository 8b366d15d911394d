// SPDX-License-Identifier: Apache-2.0
#include "control.h"

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#ifndef MMESH_LIBEXEC
#define MMESH_LIBEXEC "/usr/local/lib/mmesh"
#endif

#define PROGRAM "mmesh-ctl"

enum { MAX_OPTIONS = 32 };

bool control_has(const char *object)
{
	static const char *const names[] = { "tenant", "network", "subnet", "node", "zone",
					     "token",  "apply",	  "export", "join", "leave",
					     "up",     "down",	  "status", "wait" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(object, names[i]))
			return true;
	return false;
}

static int find_program(char ret[PATH_MAX], struct error *err)
{
	ssize_t n = readlink("/proc/self/exe", ret, PATH_MAX - sizeof(PROGRAM));
	char *slash;

	if (n > 0) {
		ret[n] = '\0';
		slash = strrchr(ret, '/');
		if (slash) {
			strcpy(slash + 1, PROGRAM);
			if (!access(ret, X_OK))
				return 0;
		}
	}
	strcpy(ret, MMESH_LIBEXEC "/" PROGRAM);
	if (!access(ret, X_OK))
		return 0;
	return error_set(err, ENOENT,
			 "the program " PROGRAM " is neither beside mmesh nor in " MMESH_LIBEXEC
			 "; it belongs to the package of the control plane");
}

static void add_value(const char **words, size_t *n, const char *option, const char *value)
{
	if (!value)
		return;
	words[(*n)++] = option;
	words[(*n)++] = value;
}

/* What -n and -b ask for was done here already. */
static size_t rebuild_options(const struct tool *tool, const char *words[MAX_OPTIONS])
{
	size_t n = 0;

	words[n++] = PROGRAM;
	if (printer_is_json(&tool->printer))
		words[n++] = "-j";
	if (tool->printer.form == PRINTER_ONELINE)
		words[n++] = "-o";
	if (tool->printer.pretty)
		words[n++] = "-p";
	if (tool->details)
		words[n++] = "-d";
	if (tool->stats)
		words[n++] = "-s";
	if (tool->brief)
		words[n++] = "-br";
	if (tool->force)
		words[n++] = "-force";
	if (tool->colour == TOOL_COLOUR_ALWAYS)
		words[n++] = "-c";
	if (tool->colour == TOOL_COLOUR_NEVER)
		words[n++] = "-c=never";
	if (tool->show_keys)
		words[n++] = "--show-keys";
	add_value(words, &n, "--controller", tool->controller);
	add_value(words, &n, "--identity", tool->identity);
	return n;
}

/* In a batch the other program is a child, and its exit status is this line's. */
static int run_child(struct tool *tool, const char *path, char **argv)
{
	int status, r;
	pid_t pid;

	(void)fflush(stdout);
	r = posix_spawn(&pid, path, NULL, NULL, argv, environ);
	if (r)
		return tool_usage_error(tool, "cannot run \"%s\": %s.", path, strerror(r));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return tool_usage_error(tool, "cannot wait for \"%s\": %s.", path,
						strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : TOOL_REFUSED;
}

int control_run(struct tool *tool, char **words)
{
	const char *option[MAX_OPTIONS];
	_cleanup_free_ char **argv = NULL;
	struct error err = { 0 };
	char path[PATH_MAX];
	size_t n, count = 0;

	if (find_program(path, &err) < 0)
		return tool_refused(tool, &err);
	n = rebuild_options(tool, option);
	while (words[count])
		count++;
	argv = calloc(n + count + 1, sizeof(*argv));
	if (!argv)
		return tool_usage_error(tool, "out of memory.");
	memcpy(argv, option, n * sizeof(*argv));
	memcpy(argv + n, words, count * sizeof(*argv));
	if (tool->batch)
		return run_child(tool, path, argv);
	(void)execv(path, argv);
	return tool_usage_error(tool, "cannot run \"%s\": %s.", path, strerror(errno));
}
