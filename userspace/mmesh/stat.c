// SPDX-License-Identifier: Apache-2.0
/* mmesh stat: what the devices counted. */
#include <stdio.h>
#include <string.h>

#include "link.h"
#include "show.h"
#include "tool.h"

static const char usage[] =
	"Usage: mmesh stat show [dev DEV]\n"
	"       mmesh stat help\n"
	"\n"
	"Every counter of the devices, and every reason for which they dropped a packet.\n"
	"With -br only those that are not zero, with -d what each one means.\n";

struct context {
	struct tool *tool;
	struct show_options opt;
	char device[IF_NAMESIZE];
	bool begun;
};

/* Not before there is something to print: a refusal prints no document. */
static void begin(struct context *context)
{
	if (context->begun)
		return;
	context->begun = true;
	printer_begin(&context->tool->printer);
	printer_open_array(&context->tool->printer, "stats");
}

static int parse_dev(struct tool *tool, void *user, const char *value, struct error *err)
{
	struct context *context = user;
	int r = mmesh_link_check_name(value, err);

	(void)tool;
	if (!r)
		(void)snprintf(context->device, sizeof(context->device), "%s", value);
	return r;
}

static int print(const struct mmesh_stats *stats, void *user, struct error *err)
{
	struct context *context = user;

	(void)err;
	begin(context);
	show_stats(&context->tool->printer, stats, &context->opt);
	return 0;
}

static int stat_show(struct tool *tool, struct args *args)
{
	static const struct word words[] = { { "dev", parse_dev } };
	struct context context = {
		.tool = tool,
		.opt = { .brief = tool->brief, .details = tool->details },
	};
	struct mmesh_client *client;
	struct error err = { 0 };
	int r;

	r = tool_parse_words(tool, args, words, ARRAY_SIZE(words), &context, NULL);
	if (!r)
		r = tool_client(tool, &client);
	if (r)
		return r;
	r = mmesh_stats_read(client, *context.device ? context.device : NULL, print, &context,
			     &err);
	if (r < 0) {
		if (*context.device)
			(void)error_prefix(&err, r, "%s: ", context.device);
		return tool_refused(tool, &err);
	}
	begin(&context);
	printer_close_array(&tool->printer);
	printer_end(&tool->printer);
	return TOOL_OK;
}

int object_stat(struct tool *tool, struct args *args)
{
	static const struct command commands[] = { { "show", stat_show } };

	return tool_run_command(tool, args, "mmesh stat", commands, ARRAY_SIZE(commands), usage);
}
