/* SPDX-License-Identifier: Apache-2.0 */
/* Objects from and to files. */
#ifndef CTL_APPLY_FILE_H
#define CTL_APPLY_FILE_H

#include "mmesh/v1/admin.pb-c.h"
#include "tool.h"

int apply_run(struct tool *tool, struct args *args);
int export_run(struct tool *tool, struct args *args);

/* What @reply did, or with @dry_run would have done. */
void show_changes(struct tool *tool, const Mmesh__V1__ApplyReply *reply, bool dry_run);

#endif
