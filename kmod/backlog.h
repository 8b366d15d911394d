/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Records of a sender that makes no bundles come one by one, and each would
 * cross the inner stack by itself. While large ones follow each other closely
 * they wait for a worker that opens all of them as one reception, so that they
 * are joined like the records of a bundle. What comes alone is opened at once.
 */
#ifndef MMESH_BACKLOG_H
#define MMESH_BACKLOG_H

struct sk_buff;
struct sock;

int mmesh_backlog_module_init(void);
/* No socket of ours is open any more. Context: process. */
void mmesh_backlog_module_exit(void);

/* encap_rcv of our sockets: a UDP datagram or an aggregate of them. Consumes
 * @skb and returns 0. Context: softirq, RCU read.
 */
int mmesh_backlog_receive(struct sock *sk, struct sk_buff *skb);

/* Wait until all that was received until now is opened. Whoever has closed a
 * device's sockets may free the device after this. Context: process.
 */
void mmesh_backlog_flush(void);

#endif
