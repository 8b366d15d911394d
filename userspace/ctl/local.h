/* SPDX-License-Identifier: Apache-2.0 */
/* What this machine's mmeshd is asked: join, leave, up, down, status, wait. */
#ifndef CTL_LOCAL_H
#define CTL_LOCAL_H

#include "mmesh/v1/local.pb-c.h"
#include "tool.h"

int local_join(struct tool *tool, struct args *args);
int local_leave(struct tool *tool, struct args *args);
int local_up(struct tool *tool, struct args *args);
int local_down(struct tool *tool, struct args *args);
int local_status(struct tool *tool, struct args *args);
int local_wait(struct tool *tool, struct args *args);

/* Print @status as "mmesh status" does. */
void show_status(struct tool *tool, const Mmesh__V1__LocalStatus *status);

/*
 * NULL when this machine is ready: it is in a network, each device that should be is
 * up, and nothing is wrong. Otherwise why not, in @text.
 */
const char *status_unready(const Mmesh__V1__LocalStatus *status, char *text, size_t size);

/* The peer of that name or inside address; NULL: there is none. */
const Mmesh__V1__LocalPeer *status_peer(const Mmesh__V1__LocalStatus *status, const char *name);

#endif
