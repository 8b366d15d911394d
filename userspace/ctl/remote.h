/* SPDX-License-Identifier: Apache-2.0 */
/* The two servers that this program asks: the controller and this machine's mmeshd. */
#ifndef CTL_REMOTE_H
#define CTL_REMOTE_H

#include "../librpc/client.h"
#include "tool.h"

#define REMOTE_CONTROLLER_SOCKET "/run/mmesh/controller.sock"
#define REMOTE_DAEMON_SOCKET	 "/run/mmesh/mmeshd.sock"

/*
 * The controller that --controller or MMESH_CONTROLLER names, else the one on its
 * unix socket. A path has a '/', anything else is HOST:PORT and needs --identity or
 * MMESH_IDENTITY. TOOL_OK, or the error was printed.
 */
int remote_controller(struct tool *tool, struct rpc_client **ret);

/* The daemon on MMESHD_SOCKET, else on its usual one. */
int remote_daemon(struct tool *tool, struct rpc_client **ret);

/*
 * Call "/mmesh.v1.@method" and wait for the answer, at most a minute. TOOL_OK with
 * *@ret_reply to be freed with protobuf_c_message_free_unpacked(); or what the
 * server said was printed.
 */
int remote_call(struct tool *tool, struct rpc_client *client, const char *method,
		const ProtobufCMessage *request, const ProtobufCMessageDescriptor *reply_type,
		void **ret_reply);

/* The same two, with the error to the caller: a negative errno. */
int remote_daemon_try(struct rpc_client **ret, struct error *err);
int remote_call_try(struct rpc_client *client, const char *method, const ProtobufCMessage *request,
		    const ProtobufCMessageDescriptor *reply_type, void **ret_reply,
		    struct error *err);

#endif
