// SPDX-License-Identifier: Apache-2.0
/* mmesh: options, objects, batches. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "batch.h"
#include "netns.h"
#include "tool.h"

#ifndef MMESH_TOOL_VERSION
#error "MMESH_TOOL_VERSION comes from kmod/version.h by way of the Makefile"
#endif

static const char usage[] =
	"Usage: mmesh [OPTIONS] OBJECT { COMMAND | help }\n"
	"       mmesh [OPTIONS] -b FILE        commands from a file, one a line\n"
	"       mmesh wg COMMAND               the command line of wg(8)\n"
	"\n"
	"OBJECT  := { key | dev | peer | path | relay | stat | monitor }\n"
	"OPTIONS := { -j[son] | -p[retty] | -d[etails] | -s[tats] | -o[neline] | -br[ief] |\n"
	"             -n[etns] NAME-OR-PID | -b[atch] FILE | -force | -c[olor][=always|auto|never] |\n"
	"             -t[imestamp] | --show-keys | -V[ersion] | -h[elp] }\n"
	"\n"
	"Exit status: 0 done, 1 wrong command line or file, 2 refused by the kernel.\n";

static const struct object {
	const char *name;
	int (*run)(struct tool *tool, struct args *args);
} objects[] = {
	{ "key", object_key },	 { "dev", object_dev },		{ "peer", object_peer },
	{ "path", object_path }, { "relay", object_relay }, { "stat", object_stat },	{ "monitor", object_monitor },
};

enum option {
	OPTION_JSON,
	OPTION_PRETTY,
	OPTION_DETAILS,
	OPTION_STATS,
	OPTION_ONELINE,
	OPTION_BRIEF,
	OPTION_NETNS,
	OPTION_BATCH,
	OPTION_FORCE,
	OPTION_COLOUR,
	OPTION_COLOUR_ALWAYS,
	OPTION_COLOUR_AUTO,
	OPTION_COLOUR_NEVER,
	OPTION_TIMESTAMP,
	OPTION_SHOW_KEYS,
	OPTION_VERSION,
	OPTION_HELP,
	OPTION_UNKNOWN,
};

/* Without the first '-', and without the second one that people type. */
static const struct {
	const char *name;
	enum option option;
} option_names[] = {
	{ "j", OPTION_JSON },
	{ "json", OPTION_JSON },
	{ "p", OPTION_PRETTY },
	{ "pretty", OPTION_PRETTY },
	{ "d", OPTION_DETAILS },
	{ "details", OPTION_DETAILS },
	{ "s", OPTION_STATS },
	{ "stats", OPTION_STATS },
	{ "statistics", OPTION_STATS },
	{ "o", OPTION_ONELINE },
	{ "oneline", OPTION_ONELINE },
	{ "br", OPTION_BRIEF },
	{ "brief", OPTION_BRIEF },
	{ "n", OPTION_NETNS },
	{ "netns", OPTION_NETNS },
	{ "b", OPTION_BATCH },
	{ "batch", OPTION_BATCH },
	{ "force", OPTION_FORCE },
	{ "c", OPTION_COLOUR },
	{ "color", OPTION_COLOUR },
	{ "c=always", OPTION_COLOUR_ALWAYS },
	{ "color=always", OPTION_COLOUR_ALWAYS },
	{ "c=auto", OPTION_COLOUR_AUTO },
	{ "color=auto", OPTION_COLOUR_AUTO },
	{ "c=never", OPTION_COLOUR_NEVER },
	{ "color=never", OPTION_COLOUR_NEVER },
	{ "t", OPTION_TIMESTAMP },
	{ "timestamp", OPTION_TIMESTAMP },
	{ "show-keys", OPTION_SHOW_KEYS },
	{ "V", OPTION_VERSION },
	{ "Version", OPTION_VERSION },
	{ "version", OPTION_VERSION },
	{ "h", OPTION_HELP },
	{ "help", OPTION_HELP },
};

static enum option find_option(const char *word)
{
	word++;
	if (*word == '-')
		word++;
	for (size_t i = 0; i < ARRAY_SIZE(option_names); i++)
		if (!strcmp(word, option_names[i].name))
			return option_names[i].option;
	return OPTION_UNKNOWN;
}

/* An option that only sets something; false: it is none of those. */
static bool set_option(struct tool *tool, enum option option)
{
	switch (option) {
	case OPTION_JSON:
		tool->printer.form = PRINTER_JSON;
		return true;
	case OPTION_PRETTY:
		tool->printer.pretty = true;
		return true;
	case OPTION_DETAILS:
		tool->details = true;
		return true;
	case OPTION_STATS:
		tool->stats++;
		return true;
	case OPTION_ONELINE:
		if (tool->printer.form != PRINTER_JSON)
			tool->printer.form = PRINTER_ONELINE;
		return true;
	case OPTION_BRIEF:
		tool->brief = true;
		return true;
	case OPTION_FORCE:
		tool->force = true;
		return true;
	case OPTION_COLOUR:
	case OPTION_COLOUR_ALWAYS:
		tool->colour = TOOL_COLOUR_ALWAYS;
		return true;
	case OPTION_COLOUR_AUTO:
		tool->colour = TOOL_COLOUR_AUTO;
		return true;
	case OPTION_COLOUR_NEVER:
		tool->colour = TOOL_COLOUR_NEVER;
		return true;
	case OPTION_TIMESTAMP:
		tool->timestamp = true;
		return true;
	case OPTION_SHOW_KEYS:
		tool->show_keys = true;
		return true;
	default:
		return false;
	}
}

/* -V and -h end the program: *@ret_done. */
static int parse_options(struct tool *tool, struct args *args, bool *ret_done)
{
	const char *word;

	while ((word = args_peek(args)) && word[0] == '-' && word[1]) {
		enum option option = find_option(word);
		const char **value;

		(void)args_take(args);
		if (set_option(tool, option))
			continue;
		*ret_done = true;
		switch (option) {
		case OPTION_VERSION:
			(void)puts("mmesh tool, version " MMESH_TOOL_VERSION);
			return TOOL_OK;
		case OPTION_HELP:
			(void)fputs(usage, stdout);
			return TOOL_OK;
		case OPTION_NETNS:
		case OPTION_BATCH:
			value = option == OPTION_NETNS ? &tool->netns : &tool->batch;
			*value = args_take(args);
			if (!*value)
				return tool_usage_error(tool, "\"%s\" needs a value after it.",
							word);
			*ret_done = false;
			break;
		default:
			return tool_usage_error(tool,
						"\"%s\" is not an option of \"mmesh\"; \"mmesh "
						"help\" lists them.",
						word);
		}
	}
	return TOOL_OK;
}

static void settle_colour(struct tool *tool)
{
	const char *no_colour = getenv("NO_COLOR");
	bool always = tool->colour == TOOL_COLOUR_ALWAYS;
	bool wanted = tool->colour == TOOL_COLOUR_AUTO && isatty(STDOUT_FILENO) &&
		      !(no_colour && *no_colour);

	tool->printer.colour = (always || wanted) && !printer_is_json(&tool->printer);
}

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
	return tool_unknown_word(tool, &none, name, "key, dev, peer, stat, monitor, wg, help");
}

static int run(struct tool *tool, struct args *args)
{
	struct error err = { 0 };
	bool done = false;
	int r;

	r = parse_options(tool, args, &done);
	if (r || done)
		return r;
	settle_colour(tool);
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
