/* SPDX-License-Identifier: Apache-2.0 */
/* Telling the service manager (sd_notify(3)'s datagram). Without one nothing happens. */
#ifndef MMESHD_NOTIFY_H
#define MMESHD_NOTIFY_H

#include <stdint.h>

/* "READY=1", "STOPPING=1", "WATCHDOG=1", lines. */
void notify_send(const char *text);

/* How often WATCHDOG=1 has to be said, in ms; 0: not at all. */
uint64_t notify_watchdog_ms(void);

#endif
