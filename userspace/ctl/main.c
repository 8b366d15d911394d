// SPDX-License-Identifier: Apache-2.0
/* mmesh-ctl: the tool's other half, for what the controller and mmeshd have. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "apply-file.h"
#include "local.h"
#include "netns.h"
#include "object.h"

static const char usage[] =
	"Usage: mmesh [OPTIONS] OBJECT { COMMAND | help }\n"
	"\n"
	"OBJECT  := { join | leave | up | down | status | wait |        of this machine's mmeshd\n"
	"             tenant | network | subnet | node | zone | token | of the controller\n"
	"             apply | export }\n" TOOL_OPTIONS_HELP
	"\n"
	"The controller is the one whose unix socket is /run/mmesh/controller.sock, or another by\n"
	"--controller or MMESH_CONTROLLER: a path, or HOST:PORT with an operator's certificate by\n"
	"--identity or MMESH_IDENTITY: its NAME.pem, with NAME.key and ca.pem beside.\n"
	"\n"
	"Exit status: 0 done, 1 wrong command line or file, 2 refused.\n";

static const struct {
	const char *name;
	int (*run)(struct tool *tool, struct args *args);
} commands[] = {
	{ "apply", apply_run }, { "export", export_run }, { "join", local_join },
	{ "leave", local_leave }, { "up", local_up },	  { "down", local_down },
	{ "status", local_status }, { "wait", local_wait },
};

static int run_object(struct tool *tool, struct args *args)
{
	const struct args none = { .context = "mmesh" };
	const char *name = args_take(args);

	if (tool_is_help(name)) {
		(void)fputs(usage, stdout);
		return TOOL_OK;
	}
	if (kind_by_name(name))
		return object_run(tool, args, kind_by_name(name));
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(name, commands[i].name))
			return commands[i].run(tool, args);
	return tool_unknown_word(tool, &none, name,
				 "tenant, network, subnet, node, zone, token, apply, export, join, "
				 "leave, up, down, status, wait, help");
}

static int run(struct tool *tool, struct args *args)
{
	struct error err = { 0 };
	bool done = false;
	int r;

	r = tool_parse_options(tool, args, usage, &done);
	if (r || done)
		return r;
	if (tool->batch)
		return tool_usage_error(tool, "a batch is for \"mmesh -b\".");
	if (!args_peek(args)) {
		(void)fputs(usage, stderr);
		return TOOL_USAGE;
	}
	if (tool->netns && netns_enter(tool->netns, &err) < 0)
		return tool_refused(tool, &err);
	return run_object(tool, args);
}

int main(int argc, char **argv)
{
	struct tool tool = { .printer = { .out = stdout } };
	struct args args = { .word = argv + (argc > 0) };
	int r;

	/* No core dump: there may be keys and tokens in this memory. */
#ifndef __SANITIZE_ADDRESS__
	(void)prctl(PR_SET_DUMPABLE, 0);
#endif
	r = run(&tool, &args);
	if (fflush(stdout) < 0 || ferror(stdout)) {
		fprintf(stderr, "Error: cannot write to standard output: %s.\n", strerror(errno));
		return r ? r : TOOL_USAGE;
	}
	return r;
}
