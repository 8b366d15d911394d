// SPDX-License-Identifier: Apache-2.0
/* Messages as if from the kernel: devices, peers, events. */
#include <linux/genetlink.h>
#include <string.h>

#include "device.h"
#include "event.h"
#include "peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = MNL_ALIGN(sizeof(struct nlmsghdr)) + size;
	struct mmesh_device dev = { 0 };
	struct mmesh_peer peer = { 0 };
	struct mmesh_event event;
	struct nlmsghdr *msg;
	struct error err;

	if (size > 65536)
		return 0;
	/* Whole words, as in the buffer that the kernel fills. */
	msg = calloc(1, MNL_ALIGN(len));
	if (!msg)
		abort();
	msg->nlmsg_len = (uint32_t)len;
	memcpy((char *)msg + MNL_ALIGN(sizeof(*msg)), data, size);
	(void)mmesh_event_parse(&event, &dev, &peer, msg, &err);
	mmesh_device_clear(&dev);
	mmesh_peer_clear(&peer);
	if (!mmesh_device_parse(&dev, msg, &err))
		mmesh_device_clear(&dev);
	(void)mmesh_peer_parse(&peer, msg, &err);
	mmesh_peer_clear(&peer);
	free(msg);
	return 0;
}
