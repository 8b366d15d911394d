/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The running controller. The model's lock covers everything here that changes,
 * but for what says otherwise.
 */
#ifndef CONTROLLER_CONTROLLER_H
#define CONTROLLER_CONTROLLER_H

#include "change.h"
#include "config.h"
#include "feed.h"
#include "keyring.h"
#include "log.h"
#include "manage.h"
#include "nonce.h"
#include "presence.h"
#include "server.h"

struct broker;
struct publisher;

struct controller {
	struct config config;
	struct model model;
	struct keyring keys;
	struct rpc_server *server;
	struct nonces nonces;
	struct presence presence;
	struct feed feed;
	struct publisher *publisher; /* NULL: no broker */
	struct broker *broker;	     /* NULL: not ours, or none */
	uint16_t port;		     /* of the first listener */
	int lock_fd;
};

/* Everything but the broker: store, keys, server. The log says where. */
int controller_start(struct controller *c, struct error *err);
void controller_stop(struct controller *c);

/* Every FEED_HEAD_SECONDS. */
void controller_tell_heads(struct controller *c);
/* Every hour: tombstones, delegations. */
void controller_maintain(struct controller *c);

/* The services' methods (rpc_server_config). */
extern const struct rpc_method controller_methods[];
extern const size_t controller_n_methods;

/* -- handlers; @user is the struct controller ------------------------------------------------------- */

void admin_list(struct rpc_call *call, const void *request, void *user);
void admin_get(struct rpc_call *call, const void *request, void *user);
void admin_put(struct rpc_call *call, const void *request, void *user);
void admin_delete(struct rpc_call *call, const void *request, void *user);
void admin_apply(struct rpc_call *call, const void *request, void *user);
void admin_export(struct rpc_call *call, const void *request, void *user);
void admin_backup(struct rpc_call *call, const void *request, void *user);
void admin_watch(struct rpc_stream *stream, const void *request, void *user);

void enrol_begin(struct rpc_call *call, const void *request, void *user);
void enrol_join(struct rpc_call *call, const void *request, void *user);
void enrol_renew(struct rpc_call *call, const void *request, void *user);

void node_pull(struct rpc_call *call, const void *request, void *user);
void node_report(struct rpc_call *call, const void *request, void *user);
void node_watch(struct rpc_stream *stream, const void *request, void *user);

/*
 * The node whose certificate the session has; with the lock held. -EACCES: it was deleted, or
 * the certificate isn't a node's.
 */
int session_node(struct controller *c, const struct rpc_session *session, struct object *ret,
		 struct error *err);

/* An object with what only the running controller knows of it: presence, paths. */
int controller_show(struct controller *c, const struct object *o, const char *path,
		    message_object **ret, struct error *err);

#endif
