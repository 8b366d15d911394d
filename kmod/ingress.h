/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lets aggregates of datagrams reach our sockets whole.
 *
 * The stack splits an aggregate (a sender's UDP GSO packet over veth or
 * loopback, or what GRO put together) before it enters a tunnel's socket,
 * unless the packet is marked as a tunnel's. A hook at LOCAL_IN sets that mark
 * for our ports, in each netns that holds sockets of ours.
 */
#ifndef MMESH_INGRESS_H
#define MMESH_INGRESS_H

#include <linux/types.h>

struct net;
struct sk_buff;

int mmesh_ingress_module_init(void);
void mmesh_ingress_module_exit(void);

/* A socket of ours was bound to @port (host order) in @net, or is released.
 * Each open is followed by one close. Failure to hook costs speed only, so
 * open reports nothing. Context: process, RTNL held.
 */
void mmesh_ingress_open(struct net *net, u16 port);
void mmesh_ingress_close(struct net *net, u16 port);

/* Take the mark off again: the packet is ours now. */
void mmesh_ingress_unmark(struct sk_buff *skb);

#endif
