/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Packets that arrive one by one within a softirq (forwarded ones, TCP's
 * acknowledgements) wait in their peers' staged queues until it has done its
 * round, so that those of one peer leave as one bundle. One that comes alone, an
 * answer to a ping say, does not wait.
 */
#ifndef MMESH_BURST_H
#define MMESH_BURST_H

struct mmesh_peer;

int mmesh_burst_module_init(void);
/* Nothing can be queued any more. Context: process. */
void mmesh_burst_module_exit(void);

/* Whether the packet at hand should wait: it follows the last one, of any peer,
 * so closely that more are likely, or little of the stack is left. To be asked
 * once for each. Context: softirq.
 */
bool mmesh_burst_likely(void);

/* Flush @peer's staged packets at the end of this softirq.
 * Context: softirq, RCU read.
 */
void mmesh_burst_add(struct mmesh_peer *peer);

#endif
