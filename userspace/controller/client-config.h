/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration of a stock WireGuard client, as wg-quick and the phones' programs read it. */
#ifndef CONTROLLER_CLIENT_CONFIG_H
#define CONTROLLER_CLIENT_CONFIG_H

#include "kind.h"

/*
 * All but the private key: the client's addresses, and a peer for each node that
 * it may reach and that has an endpoint. *@ret is the caller's.
 */
int client_config(struct model *m, const struct object *client, char **ret, struct error *err);

#endif
