/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel tells by multicast about devices and peers. */
#ifndef LIBMMESH_EVENT_H
#define LIBMMESH_EVENT_H

#include "client.h"
#include "model.h"
#include "path.h"

/* A peer that is wanted: by its key, or as the holder of an address. */
struct mmesh_miss {
	bool has_key;
	uint8_t public_key[KEY_LEN]; /* as its sender says, not proved */
	union endpoint address;	     /* where the key was heard (family 0: not there), ... */
	bool has_relay;
	uint8_t relay[KEY_LEN]; /* ... or by which relay; or else the address, with port 0 */
};

struct mmesh_event {
	uint8_t command; /* MMESH_CMD_*_NTF */
	uint32_t ifindex;
	const struct mmesh_device *device; /* for dev events, else NULL */
	const struct mmesh_peer *peer;	   /* for peer events, else NULL */
	bool has_path;			   /* for path events: */
	struct mmesh_path path;
	bool has_miss; /* for peer-miss events: */
	struct mmesh_miss miss;
};

/* A negative value ends the listening and is its result. */
typedef int (*mmesh_event_fn)(const struct mmesh_event *event, void *user, struct error *err);

/* Join the group; needs CAP_NET_ADMIN. */
int mmesh_event_join(struct mmesh_client *client, struct error *err);

/*
 * Wait for events and hand them on, for ever. @on_lost (may be NULL) is called
 * when the kernel had to drop events, because the reader was too slow.
 */
int mmesh_event_listen(struct mmesh_client *client, mmesh_event_fn on_event,
		       void (*on_lost)(void *user), void *user, struct error *err);

/* From a message; @dev and @peer are filled according to the command. */
int mmesh_event_parse(struct mmesh_event *ret, struct mmesh_device *dev, struct mmesh_peer *peer,
		      const struct nlmsghdr *msg, struct error *err);

#endif
