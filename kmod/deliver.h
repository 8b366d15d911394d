/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The last step in: inner packets go to the stack through GRO, in one queue for
 * each CPU. A packet that comes alone spares itself that.
 */
#ifndef MMESH_DELIVER_H
#define MMESH_DELIVER_H

#include <linux/netdevice.h>
#include <linux/percpu.h>
#include <linux/skbuff.h>

struct mmesh_device;

/* One CPU's packets of a device. @queue is locked against a poll on another
 * CPU (threaded NAPI, a CPU that went offline); @polled is the poll's own.
 */
struct mmesh_lane {
	struct sk_buff_head queue;
	struct sk_buff_head polled;
	struct napi_struct napi;
};

/* A device's lanes; the device is being registered or unregistered, and is
 * down. Return 0 or -ENOMEM. Context: RTNL.
 */
int mmesh_lanes_create(struct mmesh_device *m);
void mmesh_lanes_destroy(struct mmesh_device *m);
/* A grace period later: the device's list of NAPIs is read under RCU. */
void mmesh_lanes_free(struct mmesh_device *m);

/* Hand up @skb, consuming it. @alone: nothing came shortly before and nothing
 * of the same datagram follows, so GRO has nothing to join it with. Returns 0,
 * -ENETDOWN (the device is down) or -ENOBUFS (the queue is full).
 * Context: BH off, RCU read.
 */
int mmesh_deliver(struct mmesh_device *m, struct sk_buff *skb, bool alone);

#endif
