/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of a stock WireGuard client that was just added: the
 * controller's text, with the private key that never left this machine.
 */
#ifndef CTL_CLIENT_CONFIG_H
#define CTL_CLIENT_CONFIG_H

#include "key.h"
#include "mmesh/v1/admin.pb-c.h"
#include "tool.h"

struct client_config {
	bool wanted;		      /* the node is such a client */
	const char *target;	      /* a file, "-", "qr"; NULL: not said */
	const char *private_key_file; /* NULL: not said */
	bool has_key;
	uint8_t private_key[KEY_LEN];
	int fd;			      /* of the new file while has_file */
	bool has_file;
};

/* For the help of "node add". */
extern const char client_config_help[];

/* Take "config" and "private-key" with their values out of @args. */
int client_config_take_words(struct tool *tool, struct args *args, struct client_config *ret);

/*
 * Before the controller is asked: makes the key pair unless @node has a mesh key,
 * puts the public half there, and makes the file. Nothing for other kinds of nodes.
 */
int client_config_prepare(struct tool *tool, struct client_config *config,
			  Mmesh__V1__NodeObject *node);

/* The controller's configuration with the private key in its place, into @node. */
int client_config_complete(struct tool *tool, const struct client_config *config,
			   Mmesh__V1__NodeObject *node);

/* Write what @node has then to where it was wanted. */
int client_config_deliver(struct tool *tool, struct client_config *config,
			  const Mmesh__V1__NodeObject *node);

/* Wipes; a file that got nothing is removed. */
void client_config_clear(struct client_config *config);

#endif
