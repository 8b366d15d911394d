// SPDX-License-Identifier: Apache-2.0
/* mmesh: options, objects, batches. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "batch.h"
#include "control.h"
#include "netns.h"
#include "tool.h"

static const char usage[] =
	"Usage: mmesh [OPTIONS] OBJECT { COMMAND | help }\n"
	"       mmesh [OPTIONS] -b FILE        commands from a file, one a line\n"
	"       mmesh wg COMMAND               the command line of wg(8)\n"
	"\n"
	"OBJECT  := { key | dev | peer | path | relay | stat | monitor |       of this kernel\n"
	"             join | leave | up | down | status | wait |               of this machine's mmeshd\n"
	"             tenant | network | subnet | node | zone | token |        of the controller\n"
	"             apply | export }\n"
	TOOL_OPTIONS_HELP
	"\n"
	"Exit status: 0 done, 1 wrong command line or file, 2 refused by the kernel, mmeshd or the\n"
	"controller.\n";

static const struct object {
	const char *name;
	int (*run)(struct tool *tool, struct args *args);
} objects[] = {
	{ "key", object_key },	 { "dev", object_dev },		{ "peer", object_peer },
	{ "path", object_path }, { "relay", object_relay },	{ "stat", object_stat },
	{ "monitor", object_monitor },
};

static int run_object(struct tool *tool, char **words)
{
	const struct args none = { .context = "mmesh" };
	struct args args = { .word = words };
	const char *name = args_take(&args);

	if (tool_is_help(name)) {
		(void)fputs(usage, stdout);
		return TOOL_OK;
	}
	if (!strcmp(name, "wg"))
		return wg_main(tool, args.word);
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++)
		if (!strcmp(name, objects[i].name))
			return objects[i].run(tool, &args);
	if (control_has(name))
		return control_run(tool, words);
	return tool_unknown_word(tool, &none, name,
				 "key, dev, peer, path, relay, stat, monitor, wg, " CONTROL_OBJECTS
				 ", help");
}

static int run(struct tool *tool, struct args *args)
{
	struct error err = { 0 };
	bool done = false;
	int r;

	r = tool_parse_options(tool, args, usage, &done);
	if (r || done)
		return r;
	if (!tool->batch && !args_peek(args)) {
		(void)fputs(usage, stderr);
		return TOOL_USAGE;
	}
	if (tool->batch && args_peek(args))
		return tool_usage_error(tool, "\"%s\": with -b the commands come from the file.",
					args_peek(args));
	if (tool->netns && netns_enter(tool->netns, &err) < 0)
		return tool_refused(tool, &err);
	if (tool->batch)
		return batch_run(tool, tool->batch, run_object);
	return run_object(tool, args->word);
}

static bool called_as_wg(const char *argv0)
{
	const char *base = argv0 ? strrchr(argv0, '/') : NULL;

	if (!argv0)
		return false;
	return !strcmp(base ? base + 1 : argv0, "wg");
}

int main(int argc, char **argv)
{
	struct tool tool = { .printer = { .out = stdout } };
	struct args args = { .word = argv + (argc > 0) };
	int r;

	/* No core dump: there are keys in this memory. */
#ifndef __SANITIZE_ADDRESS__
	(void)prctl(PR_SET_DUMPABLE, 0);
#endif
	if (called_as_wg(argv[0]))
		r = wg_main(&tool, args.word);
	else
		r = run(&tool, &args);
	if (tool.client_open)
		mmesh_client_close(&tool.client);
	if (fflush(stdout) < 0 || ferror(stdout)) {
		fprintf(stderr, "Error: cannot write to standard output: %s.\n", strerror(errno));
		return r ? r : TOOL_USAGE;
	}
	return r;
}
