// SPDX-License-Identifier: Apache-2.0
/* mmesh path: the ways to reach an extended peer. */
#include "path.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "link.h"
#include "show.h"
#include "tool.h"

static const char usage[] =
	"Usage: mmesh path show [dev DEV] [KEY]\n"
	"       mmesh path add KEY dev DEV endpoint HOST:PORT   give a peer a candidate\n"
	"       mmesh path del KEY dev DEV endpoint HOST:PORT   take one from it\n"
	"       mmesh path help\n"
	"\n"
	"The paths to extended peers: which one is in use, and of each its state, the reason\n"
	"when it does not work, round trip, loss, the largest inner packet that it takes, and\n"
	"when it answered last. Peers that are not extended have an endpoint only.\n";

enum { WHY_SIZE = 512 };

struct request {
	char device[IF_NAMESIZE];
	uint8_t key[KEY_LEN];
	struct endpoint_name name;
};

static int parse_dev(struct tool *tool, void *context, const char *value, struct error *err)
{
	struct request *rq = context;
	int r = mmesh_link_check_name(value, err);

	(void)tool;
	if (!r)
		(void)snprintf(rq->device, sizeof(rq->device), "%s", value);
	return r;
}

static int parse_endpoint(struct tool *tool, void *context, const char *value, struct error *err)
{
	struct request *rq = context;

	(void)tool;
	return endpoint_split(&rq->name, value, err);
}

static int path_change(struct tool *tool, struct args *args, bool remove)
{
	static const struct word words[] = { { "dev", parse_dev }, { "endpoint", parse_endpoint } };
	const char *text = args_take(args);
	struct mmesh_client *client;
	struct request rq = { 0 };
	struct error err = { 0 };
	union endpoint ep;
	int retries, r;

	if (!text)
		return tool_usage_error(tool, "\"%s\" needs the peer's public key.", args->context);
	if (key_parse(rq.key, text, &err) < 0)
		return tool_usage_error(tool, "\"%s\" is not a public key: %s.", text, err.text);
	r = tool_parse_words(tool, args, words, ARRAY_SIZE(words), &rq, NULL);
	if (r)
		return r;
	if (!*rq.device || !rq.name.port)
		return tool_usage_error(tool, "\"%s\" needs \"dev DEV\" and \"endpoint HOST:PORT\".",
					args->context);
	if (endpoint_retries_from_env(&retries, &err) < 0 ||
	    endpoint_resolve(&ep, &rq.name, retries, tool_on_retry, &err) < 0)
		return tool_usage_error(tool, "endpoint: %s.", err.text);
	r = tool_client(tool, &client);
	if (r)
		return r;
	r = mmesh_path_change(client, rq.device, rq.key, &ep, remove, &err);
	if (r < 0) {
		(void)error_prefix(&err, r, "%s: ", rq.device);
		return tool_refused(tool, &err);
	}
	return TOOL_OK;
}

static int path_add(struct tool *tool, struct args *args)
{
	return path_change(tool, args, false);
}

static int path_del(struct tool *tool, struct args *args)
{
	return path_change(tool, args, true);
}

/* Those of one device; a key that it doesn't have is an error when it was named. */
static int read_device(struct tool *tool, const struct show_filter *filter, const char *device,
		       struct mmesh_paths *paths)
{
	struct error err = { 0 };
	int r;

	r = mmesh_path_read(&tool->client, paths, device,
			    filter->has_key ? filter->key : NULL, &err);
	if (r == -ENOENT && filter->has_key && !*filter->device)
		return TOOL_OK;
	if (r < 0) {
		(void)error_prefix(&err, r, "%s: ", device);
		return tool_refused(tool, &err);
	}
	return TOOL_OK;
}

/* What keeps a direct path from being used, said after its address. */
static const char *obstacle(const struct mmesh_path *path)
{
	static const char *const texts[] = {
		[MMESH_PATH_REASON_NOT_PROBED] = "was not tried, as there is no traffic",
		[MMESH_PATH_REASON_NO_ANSWER] = "does not answer",
		[MMESH_PATH_REASON_STOPPED_ANSWERING] = "stopped answering",
		[MMESH_PATH_REASON_NO_DATA] = "answers, but no data arrives",
		[MMESH_PATH_REASON_NO_ROUTE] = "has no route",
	};

	if (path->state == MMESH_PATH_STATE_ALIVE)
		return "works, but is slower or not proved for long enough";
	if (path->reason < ARRAY_SIZE(texts) && texts[path->reason])
		return texts[path->reason];
	return "does not work";
}

/* Why the relayed path @used is in use, of what is known of its peer's others. */
static void say_why(char *ret_text, size_t size, const struct mmesh_paths *paths,
		    const struct mmesh_path *used)
{
	size_t len = 0, more = 0;

	(void)snprintf(ret_text, size, "no address of the peer is known");
	for (size_t i = 0; i < paths->count; i++) {
		const struct mmesh_path *path = &paths->item[i];
		char endpoint[ENDPOINT_TEXT_SIZE];

		if (path->has_relay || path->ifindex != used->ifindex ||
		    memcmp(path->public_key, used->public_key, KEY_LEN) != 0)
			continue;
		endpoint_format(endpoint, &path->endpoint);
		/* The rest is in the list. */
		if (len > size / 2)
			more++;
		else
			len += (size_t)snprintf(ret_text + len, size - len, "%s%s %s", len ? "; " : "",
						endpoint, obstacle(path));
	}
	if (more)
		(void)snprintf(ret_text + len, size - len, "; and %zu more", more);
}

static int path_show(struct tool *tool, struct args *args)
{
	const struct show_options opt = { .brief = tool->brief, .details = tool->details };
	struct printer *p = &tool->printer;
	struct mmesh_paths paths = { 0 };
	struct mmesh_devices list;
	struct show_filter filter;
	int r;

	r = tool_parse_filter(tool, args, &filter);
	if (!r)
		r = tool_read_devices(tool, *filter.device ? filter.device : NULL, false, &list);
	if (r)
		return r;
	for (size_t i = 0; i < list.count && !r; i++)
		r = read_device(tool, &filter, list.item[i].name, &paths);
	if (!r) {
		printer_begin(p);
		printer_open_array(p, "paths");
		for (size_t i = 0; i < paths.count; i++) {
			char name[IF_NAMESIZE] = "", why[WHY_SIZE];

			for (size_t k = 0; k < list.count; k++)
				if (list.item[k].ifindex == paths.item[i].ifindex)
					(void)snprintf(name, sizeof(name), "%s", list.item[k].name);
			say_why(why, sizeof(why), &paths, &paths.item[i]);
			show_path(p, name, &paths.item[i],
				  paths.item[i].current && paths.item[i].has_relay ? why : NULL, &opt);
		}
		printer_close_array(p);
		printer_end(p);
	}
	mmesh_paths_clear(&paths);
	mmesh_devices_clear(&list);
	return r;
}

int object_path(struct tool *tool, struct args *args)
{
	static const struct command commands[] = {
		{ "show", path_show },
		{ "add", path_add },
		{ "del", path_del },
	};

	return tool_run_command(tool, args, "mmesh path", commands, ARRAY_SIZE(commands), usage);
}
