/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Keeps packets from being forwarded between devices of different networks,
 * whatever sysctls, routes, VRFs and firewalls say: by a hook at FORWARD in
 * each netns that has devices with a network, and once more where a device is
 * handed a packet, for what came by a way that has no such hook (tc, BPF).
 */
#ifndef MMESH_FORWARD_H
#define MMESH_FORWARD_H

#include <linux/types.h>

struct mmesh_device;
struct sk_buff;

int mmesh_forward_module_init(void);
void mmesh_forward_module_exit(void);

/* @m gets a network, or loses it. Open may fail: then it must not get one.
 * Both may be called again. Context: process, RTNL held.
 */
int mmesh_forward_open(struct mmesh_device *m);
void mmesh_forward_close(struct mmesh_device *m);

/* Whether @skb, which @m is asked to send, came in by a device from which it
 * must not get here; then it has been counted there. Context: RCU read.
 */
bool mmesh_forward_is_barred(const struct mmesh_device *m,
			     const struct sk_buff *skb);

#endif
