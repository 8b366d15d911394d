/* SPDX-License-Identifier: Apache-2.0 */
/* What a node gets with its certificate. */
#ifndef CONTROLLER_ENROL_REPLY_H
#define CONTROLLER_ENROL_REPLY_H

#include "controller.h"
#include "mmesh/v1/enrol.pb-c.h"

/* Both are the caller's: freed with their types' free_unpacked(). */
int enrol_reply(struct controller *c, const struct object *node, const struct object *network,
		const struct trust_cert *cert, Mmesh__V1__JoinReply **ret, struct error *err);
int enrol_renew_reply(struct controller *c, const struct object *node,
		      const struct object *network, const struct trust_cert *cert,
		      Mmesh__V1__RenewReply **ret, struct error *err);

/* The delegations that a node needs for a stream: ours, and that of the token of each entry. */
int stream_delegations(struct controller *c, const char *tenant, const struct stream_entry *entry,
		       size_t n, Mmesh__V1__Signed ***ret, size_t *ret_n, struct error *err);

/* "HOST:PORT" of each announced host. */
int announced(const struct controller *c, uint16_t port, char ***list, size_t *n,
	      struct error *err);
/* The broker's port; 0: there is none. */
uint16_t broker_port(const struct controller *c);

#endif
