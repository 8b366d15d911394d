// SPDX-License-Identifier: Apache-2.0
/* The options before the object, the same in mmesh and in mmesh-ctl. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

#ifndef MMESH_TOOL_VERSION
#error "MMESH_TOOL_VERSION comes from kmod/version.h by way of the Makefile"
#endif

enum option {
	OPTION_JSON,
	OPTION_PRETTY,
	OPTION_DETAILS,
	OPTION_STATS,
	OPTION_ONELINE,
	OPTION_BRIEF,
	OPTION_NETNS,
	OPTION_BATCH,
	OPTION_CONTROLLER,
	OPTION_IDENTITY,
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
	{ "controller", OPTION_CONTROLLER },
	{ "identity", OPTION_IDENTITY },
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

/* Where the value of @option goes; NULL: it takes none. */
static const char **option_value(struct tool *tool, enum option option)
{
	switch (option) {
	case OPTION_NETNS:
		return &tool->netns;
	case OPTION_BATCH:
		return &tool->batch;
	case OPTION_CONTROLLER:
		return &tool->controller;
	case OPTION_IDENTITY:
		return &tool->identity;
	default:
		return NULL;
	}
}

static void settle_colour(struct tool *tool)
{
	const char *no_colour = getenv("NO_COLOR");
	bool always = tool->colour == TOOL_COLOUR_ALWAYS;
	bool wanted = tool->colour == TOOL_COLOUR_AUTO && isatty(STDOUT_FILENO) &&
		      !(no_colour && *no_colour);

	tool->printer.colour = (always || wanted) && !printer_is_json(&tool->printer);
}

int tool_parse_options(struct tool *tool, struct args *args, const char *usage, bool *ret_done)
{
	const char *word;

	while ((word = args_peek(args)) && word[0] == '-' && word[1]) {
		enum option option = find_option(word);
		const char **value = option_value(tool, option);

		(void)args_take(args);
		if (set_option(tool, option))
			continue;
		if (value) {
			*value = args_take(args);
			if (!*value)
				return tool_usage_error(tool, "\"%s\" needs a value after it.",
							word);
			continue;
		}
		*ret_done = true;
		if (option == OPTION_UNKNOWN)
			return tool_usage_error(tool,
						"\"%s\" is not an option of \"mmesh\"; \"mmesh "
						"help\" lists them.",
						word);
		(void)fputs(option == OPTION_HELP ? usage :
						    "mmesh tool, version " MMESH_TOOL_VERSION "\n",
			    stdout);
		return TOOL_OK;
	}
	settle_colour(tool);
	return TOOL_OK;
}
