/* SPDX-License-Identifier: Apache-2.0 */
/* The mosquitto that a controller runs for its nodes: its configuration, its process, its next life. */
#ifndef CONTROLLER_BROKER_H
#define CONTROLLER_BROKER_H

#include <sys/types.h>

#include "config.h"
#include "keyring.h"

struct broker;

/* Start it. Its files are made in DIR/broker; the key is passed on in memory. */
int broker_start(struct broker **ret, const struct config *config, const struct keyring *keys,
		 struct error *err);

/* Has it died? Then start it again, with a pause that grows while it keeps dying; @pid is what wait() said. */
void broker_died(struct broker *b, pid_t pid, int status);
/* Time to look whether a pause is over. */
void broker_tend(struct broker *b);

/* End it; always NULL. */
struct broker *broker_stop(struct broker *b);

#endif
