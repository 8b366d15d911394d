/* SPDX-License-Identifier: Apache-2.0 */
/* list, show, add, set and del of whatever the controller manages. */
#ifndef CTL_OBJECT_H
#define CTL_OBJECT_H

#include "kind.h"
#include "remote.h"

/* Run one command line after its object's word; an exit code. */
int object_run(struct tool *tool, struct args *args, const struct kind *kind);

struct objects {
	Mmesh__V1__Object **item;
	size_t count;
};

void objects_clear(struct objects *objects);

/* Move what @reply has to the end of @objects. TOOL_OK, or the error was printed. */
int objects_take(struct tool *tool, struct objects *objects, Mmesh__V1__ListReply *reply);

/* All of @kind (NULL: of all kinds) under @path ("": everywhere), page by page. */
int objects_list(struct tool *tool, struct rpc_client *client, const struct kind *kind,
		 const char *path, struct objects *ret);

#endif
