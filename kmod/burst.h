/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Packets that arrive one by one within a softirq (forwarded ones, TCP's
 * acknowledgements) wait in their peers' staged queues until it has done its
 * round, so that those of one peer leave as one bundle.
 */
#ifndef MMESH_BURST_H
#define MMESH_BURST_H

struct mmesh_peer;

int mmesh_burst_module_init(void);
/* Nothing can be queued any more. Context: process. */
void mmesh_burst_module_exit(void);

/* Flush @peer's staged packets at the end of this softirq.
 * Context: softirq, RCU read.
 */
void mmesh_burst_add(struct mmesh_peer *peer);

#endif
