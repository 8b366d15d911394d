/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The objects that are not the kernel's: mmesh-ctl has them, so that this program
 * needs no gRPC. It is looked for beside this one, then in the libexec folder.
 */
#ifndef MMESH_CONTROL_H
#define MMESH_CONTROL_H

#include "tool.h"

#define CONTROL_OBJECTS                                                                            \
	"tenant, network, subnet, node, zone, token, apply, export, join, leave, up, down, status, wait"

bool control_has(const char *object);

/*
 * Run the command line @words there, with the options that are set in @tool.
 * Outside of a batch this does not return when it succeeds.
 */
int control_run(struct tool *tool, char **words);

#endif
