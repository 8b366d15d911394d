/* SPDX-License-Identifier: Apache-2.0 */
/* The controller's own session with the broker: it publishes deltas and heads, and hears who is there. */
#ifndef CONTROLLER_PUBLISHER_H
#define CONTROLLER_PUBLISHER_H

#include "feed.h"

struct publisher;
struct controller;

/* Connects in the background, and again when the connection breaks. */
int publisher_start(struct publisher **ret, struct controller *c, const char *host, uint16_t port,
		    struct error *err);
/* Always NULL. */
struct publisher *publisher_stop(struct publisher *p);

/*
 * The delta (unless it is a head alone) and its head, under the model's lock; never blocks. What the
 * broker doesn't get is said by the next head.
 */
void publisher_delta(struct publisher *p, struct controller *c, const struct touched_stream *t,
		     const Mmesh__V1__Delta *d);

#endif
