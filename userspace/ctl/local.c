// SPDX-License-Identifier: Apache-2.0
#include "local.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "endpoint.h"
#include "field.h"
#include "link.h"
#include "number.h"
#include "prefix.h"
#include "remote.h"

enum {
	TOKEN_MAX = 1024,
	MAX_ENDPOINTS = 16,
};

/* -- join ------------------------------------------------------------------ */

struct join {
	Mmesh__V1__LocalJoinRequest request;
	char *endpoint[MAX_ENDPOINTS];
};

static int take_name(struct tool *tool, void *context, const char *value, struct error *err)
{
	struct join *join = context;

	(void)tool;
	(void)err;
	join->request.name = (char *)value;
	return 0;
}

static int take_device(struct tool *tool, void *context, const char *value, struct error *err)
{
	struct join *join = context;

	(void)tool;
	join->request.device = (char *)value;
	return mmesh_link_check_name(value, err);
}

static int take_address(struct tool *tool, void *context, const char *value, struct error *err)
{
	struct join *join = context;
	struct prefix prefix;

	(void)tool;
	join->request.address = (char *)value;
	if (strchr(value, '/'))
		return error_set(err, EINVAL, "\"%s\": an address has no length here", value);
	return prefix_parse(&prefix, value, err);
}

static int take_port(struct tool *tool, void *context, const char *value, struct error *err)
{
	struct join *join = context;
	uint16_t port = 0;
	int r;

	(void)tool;
	r = port_parse(&port, value, err);
	join->request.listen_port = port;
	return r;
}

static int take_relay(struct tool *tool, void *context, const char *value, struct error *err)
{
	struct join *join = context;
	bool on = false;
	int r;

	(void)tool;
	r = switch_parse(&on, value, err);
	join->request.relay = on;
	return r;
}

/* The daemon announces it to others, so a name would not do. */
static int add_endpoint(struct join *join, char *text, struct error *err)
{
	struct endpoint_name name;
	union endpoint endpoint;
	int r;

	if (join->request.n_endpoint == MAX_ENDPOINTS)
		return error_set(err, EINVAL, "more than %d endpoints", MAX_ENDPOINTS);
	r = endpoint_split(&name, text, err);
	if (!r)
		r = endpoint_resolve_numeric(&endpoint, &name, err);
	if (!r)
		join->endpoint[join->request.n_endpoint++] = text;
	return r;
}

static int take_endpoint(struct tool *tool, void *context, const char *value, struct error *err)
{
	/* The command line is ours to cut up. */
	char *text = (char *)value, *next;
	int r = 0;

	(void)tool;
	for (; !r && text; text = next) {
		next = strchr(text, ',');
		if (next)
			*next++ = '\0';
		r = add_endpoint(context, text, err);
	}
	return r;
}

static int take_controller(struct tool *tool, void *context, const char *value, struct error *err)
{
	struct join *join = context;
	struct endpoint_name name;

	(void)tool;
	join->request.controller = (char *)value;
	return endpoint_split(&name, value, err);
}

static int take_table(struct tool *tool, void *context, const char *value, struct error *err)
{
	struct join *join = context;

	(void)tool;
	(void)err;
	join->request.table = (char *)value;
	return 0;
}

static const struct word join_words[] = {
	{ "name", take_name },		   { "device", take_device },
	{ "address", take_address },	   { "listen-port", take_port },
	{ "relay", take_relay },	   { "endpoint", take_endpoint },
	{ "controller", take_controller }, { "table", take_table },
};

static const char join_usage[] =
	"Usage: mmesh join TOKEN|- [WORD VALUE]...\n"
	"\n"
	"Makes this machine a node of the network that the token is for, and takes its device into\n"
	"service, now and at each start. Everybody on this machine can read command lines (ps): with\n"
	"\"-\" the token comes from standard input instead.\n"
	"\n"
	"WORD VALUE :=\n"
	"    name            of the node; the host's name without it\n"
	"    device          name of the network device; the next free mmN without it\n"
	"    address         the address inside the network that is wanted\n"
	"    listen-port     UDP port\n"
	"    relay           on: this machine relays for others (the token has to allow it)\n"
	"    endpoint        ADDR:PORT,...: where others reach this machine, besides what is found\n"
	"    controller      HOST:PORT instead of the token's\n"
	"    table           routing table instead of the main one\n";

/* The token may stand on one line of any file. */
static int read_token(struct tool *tool, char ret[TOKEN_MAX])
{
	size_t len;

	if (tool->stdin_taken)
		return tool_usage_error(tool, "standard input is in use already.");
	tool->stdin_taken = true;
	len = fread(ret, 1, TOKEN_MAX - 1, stdin);
	ret[len] = '\0';
	if (ferror(stdin))
		return tool_usage_error(tool, "cannot read standard input: %s.", strerror(errno));
	ret[strcspn(ret, " \t\r\n")] = '\0';
	if (!*ret)
		return tool_usage_error(tool, "there is no token on standard input.");
	return TOOL_OK;
}

static void show_joined(struct tool *tool, const Mmesh__V1__LocalJoinReply *reply)
{
	struct printer *p = &tool->printer;

	printer_begin(p);
	if (printer_is_json(p)) {
		printer_string(p, "device", NULL, reply->device);
		printer_string(p, "name", NULL, reply->name);
		printer_open_array(p, "address");
		for (size_t i = 0; i < reply->n_address; i++)
			printer_item(p, reply->address[i]);
		printer_close_array(p);
	}
	printer_text(p, "%s%s%s %s", printer_colour_on(p, COLOUR_GREEN), reply->device,
		     printer_colour_off(p), reply->name);
	for (size_t i = 0; i < reply->n_address; i++)
		printer_text(p, " %s", reply->address[i]);
	printer_text(p, "\n");
	printer_end(p);
}

/* The host's own name up to its first dot, where it would do; else the controller chooses. */
static void default_name(struct join *join, char ret[HOST_NAME_MAX + 1])
{
	if (*join->request.name || gethostname(ret, HOST_NAME_MAX + 1) < 0)
		return;
	ret[HOST_NAME_MAX] = '\0';
	ret[strcspn(ret, ".")] = '\0';
	for (char *c = ret; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (field_is_name(ret, strlen(ret)) && strcmp(ret, "localhost"))
		join->request.name = ret;
}

static int send_join(struct tool *tool, const struct join *join)
{
	_cleanup_(rpc_client_closep) struct rpc_client *client = NULL;
	Mmesh__V1__LocalJoinReply *reply = NULL;
	int r;

	r = remote_daemon(tool, &client);
	if (!r)
		r = remote_call(tool, client, "Local/Join", &join->request.base,
				&mmesh__v1__local_join_reply__descriptor, (void **)&reply);
	if (r)
		return r;
	show_joined(tool, reply);
	mmesh__v1__local_join_reply__free_unpacked(reply, NULL);
	return TOOL_OK;
}

static bool wants_help(const struct args *args)
{
	for (char **word = args->word; *word; word++)
		if (tool_is_help(*word))
			return true;
	return false;
}

int local_join(struct tool *tool, struct args *args)
{
	struct join join = { .request = MMESH__V1__LOCAL_JOIN_REQUEST__INIT };
	char token[TOKEN_MAX] = "", host[HOST_NAME_MAX + 1];
	const char *given;
	int r = TOOL_OK;

	args->context = "mmesh join";
	if (wants_help(args)) {
		(void)fputs(join_usage, stdout);
		return TOOL_OK;
	}
	given = args_take(args);
	if (!given)
		return tool_usage_error(tool, "\"mmesh join\" needs a token, or \"-\" to read one from "
					      "standard input.");
	r = tool_parse_words(tool, args, join_words, ARRAY_SIZE(join_words), &join, NULL);
	if (!r && !strcmp(given, "-"))
		r = read_token(tool, token);
	if (r)
		return r;
	join.request.token = strcmp(given, "-") ? (char *)given : token;
	join.request.endpoint = join.endpoint;
	default_name(&join, host);
	r = send_join(tool, &join);
	explicit_bzero(token, sizeof(token));
	return r;
}

/* -- leave, up, down ------------------------------------------------------- */

/* A command about one device, or where it may be all without one, and its request. */
struct device_command {
	const char *context;
	const char *usage;
	bool needs_device;
	const char *method;
	ProtobufCMessage *request;
	char **device; /* the request's */
	const ProtobufCMessageDescriptor *reply_type;
};

static int run_device_command(struct tool *tool, struct args *args, const struct device_command *c)
{
	_cleanup_(rpc_client_closep) struct rpc_client *client = NULL;
	ProtobufCMessage *reply = NULL;
	struct error err = { 0 };
	const char *device;
	int r;

	args->context = c->context;
	if (wants_help(args)) {
		(void)fputs(c->usage, stdout);
		return TOOL_OK;
	}
	device = args_take(args);
	if (!device && c->needs_device)
		return tool_usage_error(tool, "\"%s\" needs the name of a device.", c->context);
	if (device && mmesh_link_check_name(device, &err) < 0)
		return tool_usage_error(tool, "%s.", err.text);
	if (device)
		*c->device = (char *)device;
	r = tool_no_more(tool, args);
	if (!r)
		r = remote_daemon(tool, &client);
	if (!r)
		r = remote_call(tool, client, c->method, c->request, c->reply_type,
				(void **)&reply);
	if (!r)
		protobuf_c_message_free_unpacked(reply, NULL);
	return r;
}

int local_leave(struct tool *tool, struct args *args)
{
	Mmesh__V1__LocalLeaveRequest request = MMESH__V1__LOCAL_LEAVE_REQUEST__INIT;
	const struct device_command command = {
		.context = "mmesh leave",
		.usage = "Usage: mmesh leave DEV       ends a membership; its keys are wiped\n",
		.needs_device = true,
		.method = "Local/Leave",
		.request = &request.base,
		.device = &request.device,
		.reply_type = &mmesh__v1__local_leave_reply__descriptor,
	};

	return run_device_command(tool, args, &command);
}

int local_up(struct tool *tool, struct args *args)
{
	Mmesh__V1__LocalUpRequest request = MMESH__V1__LOCAL_UP_REQUEST__INIT;
	const struct device_command command = {
		.context = "mmesh up",
		.usage = "Usage: mmesh up [DEV]        takes all or one into service, now and at each "
			 "start\n",
		.method = "Local/Up",
		.request = &request.base,
		.device = &request.device,
		.reply_type = &mmesh__v1__local_up_reply__descriptor,
	};

	return run_device_command(tool, args, &command);
}

int local_down(struct tool *tool, struct args *args)
{
	Mmesh__V1__LocalDownRequest request = MMESH__V1__LOCAL_DOWN_REQUEST__INIT;
	const struct device_command command = {
		.context = "mmesh down",
		.usage = "Usage: mmesh down [DEV]      takes all or one out of service, until \"up\"\n",
		.method = "Local/Down",
		.request = &request.base,
		.device = &request.device,
		.reply_type = &mmesh__v1__local_down_reply__descriptor,
	};

	return run_device_command(tool, args, &command);
}
