/* SPDX-License-Identifier: Apache-2.0 */
/* The family's object "peer". */
#ifndef LIBMMESH_PEER_H
#define LIBMMESH_PEER_H

#include "client.h"
#include "model.h"

enum mmesh_peer_op {
	MMESH_PEER_ADD,	   /* refused when it is there */
	MMESH_PEER_SET,	   /* refused when it isn't */
	MMESH_PEER_ENSURE, /* made when it isn't there, else changed */
	MMESH_PEER_DEL,	   /* refused when it isn't there */
	MMESH_PEER_FORGET, /* removed if it is there */
};

/*
 * Read a device's peers into dev->peer, behind those that are there; with @key
 * only that one (-ENOENT when there is none). dev->name names the device.
 */
int mmesh_peer_read(struct mmesh_client *client, struct mmesh_device *dev, const uint8_t *key,
		    bool secrets, struct error *err);

/*
 * Queue one change. A peer with more allowed IPs than a message takes becomes
 * several messages, the first of which decides whether it is refused.
 */
int mmesh_peer_queue(struct mmesh_client *client, struct nl_batch *batch, const char *device,
		     enum mmesh_peer_op op, const struct mmesh_peer *peer, struct error *err);

/* One change, sent and answered. The text of a refusal doesn't repeat the key. */
int mmesh_peer_change(struct mmesh_client *client, const char *device, enum mmesh_peer_op op,
		      const struct mmesh_peer *peer, struct error *err);

/* From a message of peer-get or of an event; allowed IPs are added to those there. */
int mmesh_peer_parse(struct mmesh_peer *ret, const struct nlmsghdr *msg, struct error *err);

#endif
