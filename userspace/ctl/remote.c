// SPDX-License-Identifier: Apache-2.0
#include "remote.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "identity.h"

enum {
	CONNECT_MS = 10000,
	CALL_MS = 60000,
	METHOD_SIZE = 64,
};

static const char *from_env(const char *option, const char *name, const char *fallback)
{
	const char *value = option ? option : getenv(name);

	return value && *value ? value : fallback;
}

/* What is missing when nobody listens there. */
static int explain(struct error *err, int r, const char *path, const char *program)
{
	if (r == -ENOENT || r == -ECONNREFUSED)
		return error_set(err, -r, "%s does not run on this machine: nobody listens on \"%s\"",
				 program, path);
	if (r == -EACCES || r == -EPERM)
		return error_set(err, -r, "only root and the owner of \"%s\" may use it", path);
	return r;
}

static int open_unix(const char *path, const char *program, struct rpc_client **ret,
		     struct error *err)
{
	const struct rpc_client_config config = { .unix_path = path, .connect_ms = CONNECT_MS };
	int r = rpc_client_open(ret, &config, err);

	return r < 0 ? explain(err, r, path, program) : 0;
}

static int open_tls(struct tool *tool, const char *address, struct rpc_client **ret)
{
	const char *file = from_env(tool->identity, "MMESH_IDENTITY", NULL);
	struct rpc_client_config config = { .address = address, .connect_ms = CONNECT_MS };
	_cleanup_(identity_clear) struct identity identity = { 0 };
	struct error err = { 0 };

	if (!file)
		return tool_usage_error(tool,
					"the controller \"%s\" wants an operator's certificate: give "
					"--identity NAME.pem (a path to a unix socket has a \"/\").",
					address);
	if (identity_read(&identity, file, &err) < 0)
		return tool_usage_error(tool, "--identity: %s.", err.text);
	config.ca = identity.ca;
	config.key = identity.key;
	config.cert = identity.cert;
	if (rpc_client_open(ret, &config, &err) < 0)
		return tool_refused(tool, &err);
	return TOOL_OK;
}

int remote_controller(struct tool *tool, struct rpc_client **ret)
{
	const char *address =
		from_env(tool->controller, "MMESH_CONTROLLER", REMOTE_CONTROLLER_SOCKET);

	struct error err = { 0 };

	if (!strchr(address, '/'))
		return open_tls(tool, address, ret);
	if (open_unix(address, "mmesh-controller", ret, &err) < 0)
		return tool_refused(tool, &err);
	return TOOL_OK;
}

int remote_daemon_try(struct rpc_client **ret, struct error *err)
{
	return open_unix(from_env(NULL, "MMESHD_SOCKET", REMOTE_DAEMON_SOCKET), "mmeshd", ret, err);
}

int remote_daemon(struct tool *tool, struct rpc_client **ret)
{
	struct error err = { 0 };

	return remote_daemon_try(ret, &err) < 0 ? tool_refused(tool, &err) : TOOL_OK;
}

int remote_call_try(struct rpc_client *client, const char *method, const ProtobufCMessage *request,
		    const ProtobufCMessageDescriptor *reply_type, void **ret_reply,
		    struct error *err)
{
	char name[METHOD_SIZE];
	enum rpc_code code;

	*err = (struct error){ 0 };
	(void)snprintf(name, sizeof(name), "/mmesh.v1.%s", method);
	code = rpc_client_call(client, name, request, reply_type, ret_reply, CALL_MS, err);
	if (code == RPC_OK)
		return 0;
	if (!*err->text)
		error_format(err, "%s: %s", method, rpc_code_name(code));
	return -EREMOTEIO;
}

int remote_call(struct tool *tool, struct rpc_client *client, const char *method,
		const ProtobufCMessage *request, const ProtobufCMessageDescriptor *reply_type,
		void **ret_reply)
{
	struct error err;

	if (remote_call_try(client, method, request, reply_type, ret_reply, &err) < 0)
		return tool_refused(tool, &err);
	return TOOL_OK;
}
