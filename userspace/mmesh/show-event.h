/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MMESH_SHOW_EVENT_H
#define MMESH_SHOW_EVENT_H

#include "event.h"
#include "printer.h"

/* One line of text, or one JSON document on a line, about a device named @name. */
void show_event(struct printer *p, const struct mmesh_event *event, const char *name,
		bool timestamp);

#endif
