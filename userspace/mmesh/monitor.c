// SPDX-License-Identifier: Apache-2.0
/* mmesh monitor: what happens, as it happens. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "event.h"
#include "show-event.h"
#include "tool.h"

static const char usage[] =
	"Usage: mmesh monitor [ dev | peer | path ]\n"
	"       mmesh monitor help\n"
	"\n"
	"Print events until interrupted: devices and peers that change, handshakes, endpoints\n"
	"that move, paths that are taken or cease to work, peers that are missed (dev set DEV\n"
	"peer-miss on). With -t each with its time, with -j one JSON document a line. \"dev\",\n"
	"\"peer\" and \"path\" print only that object's.\n";

struct context {
	struct tool *tool;
	bool dev;
	bool peer;
	bool path;
};

static int print(const struct mmesh_event *event, void *user, struct error *err)
{
	struct context *context = user;
	struct tool *tool = context->tool;
	char name[IF_NAMESIZE];

	if ((event->device && !context->dev) || (event->peer && !context->peer) ||
	    (event->has_path && !context->path) || (event->has_miss && !context->peer))
		return 0;
	if (event->device && *event->device->name)
		(void)snprintf(name, sizeof(name), "%s", event->device->name);
	else if (!if_indextoname(event->ifindex, name))
		(void)snprintf(name, sizeof(name), "if%u", event->ifindex);
	show_event(&tool->printer, event, name, tool->timestamp);
	if (fflush(stdout) < 0)
		return error_set(err, EIO, "cannot write: %m");
	return 0;
}

static void lost(void *user)
{
	const struct context *context = user;

	tool_warn(context->tool, "events were lost: more came than could be printed.");
}

int object_monitor(struct tool *tool, struct args *args)
{
	struct context context = { .tool = tool, .dev = true, .peer = true, .path = true };
	const char *object = args_take(args);
	struct mmesh_client *client;
	struct error err = { 0 };
	int r;

	args->context = "mmesh monitor";
	if (tool_is_help(object)) {
		(void)fputs(usage, stdout);
		return TOOL_OK;
	}
	if (object) {
		context.dev = !strcmp(object, "dev");
		context.peer = !strcmp(object, "peer");
		context.path = !strcmp(object, "path");
		if (!context.dev && !context.peer && !context.path)
			return tool_unknown_word(tool, args, object, "dev, peer, path, help");
	}
	r = tool_no_more(tool, args);
	if (!r)
		r = tool_client(tool, &client);
	if (r)
		return r;
	r = mmesh_event_join(client, &err);
	if (!r)
		r = mmesh_event_listen(client, print, lost, &context, &err);
	return r < 0 ? tool_refused(tool, &err) : TOOL_OK;
}
