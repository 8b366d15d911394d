/* SPDX-License-Identifier: Apache-2.0 */
/* The family's object "dev": reading and changing devices. */
#ifndef LIBMMESH_DEVICE_H
#define LIBMMESH_DEVICE_H

#include "client.h"
#include "model.h"

/*
 * Read one device without its peers. @secrets needs CAP_NET_ADMIN. On failure
 * @ret is empty: -ENODEV when there is none of that name, -EOPNOTSUPP or
 * -EINVAL when it is of another kind.
 */
int mmesh_device_get(struct mmesh_client *client, const char *name, bool secrets,
		     struct mmesh_device *ret, struct error *err);

/* All devices of the network namespace, by name, without peers. */
int mmesh_device_list(struct mmesh_client *client, bool secrets, struct mmesh_devices *ret,
		      struct error *err);

/* Begin the request that changes what @dev->has says, and replace_peers. */
struct nlmsghdr *mmesh_device_put_set(struct mmesh_client *client, const struct mmesh_device *dev);

/* The same, sent: nothing has changed when it is refused. */
int mmesh_device_set(struct mmesh_client *client, const struct mmesh_device *dev,
		     struct error *err);

/* From a message of dev-get or of an event. */
int mmesh_device_parse(struct mmesh_device *ret, const struct nlmsghdr *msg, struct error *err);

#endif
