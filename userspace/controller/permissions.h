/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The broker's file: what its plugin can't know from certificates. Lines of
 * "routed NETWORK", "relay NODE" and "gone NODE", written when one of these
 * changes, and replaced as a whole.
 */
#ifndef CONTROLLER_PERMISSIONS_H
#define CONTROLLER_PERMISSIONS_H

#include "error.h"

struct controller;

int permissions_write(struct controller *c, struct error *err);

#endif
