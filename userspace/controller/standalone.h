/* SPDX-License-Identifier: Apache-2.0 */
/* A controller with its broker, from the first start to SIGTERM. */
#ifndef CONTROLLER_STANDALONE_H
#define CONTROLLER_STANDALONE_H

#include "config.h"

/* 0 when it ended because it was asked to. @hints: say on standard output what to do next. */
int standalone_run(const struct config *config, bool hints, struct error *err);

#endif
