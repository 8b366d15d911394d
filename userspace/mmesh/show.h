/* SPDX-License-Identifier: Apache-2.0 */
/* Devices, peers and counters for people and for programs; no kernel in here. */
#ifndef MMESH_SHOW_H
#define MMESH_SHOW_H

#include "model.h"
#include "printer.h"
#include "stats.h"

struct show_options {
	bool brief;
	bool details;
	bool show_keys;
	bool like_wg; /* nothing that wg(8) would not show */
	bool nested;  /* peers below their device: its name is said already */
};

/* One device with its peers, if @dev has any, nested. Call between begin and end. */
void show_device(struct printer *p, const struct mmesh_device *dev, const struct show_options *opt);

/* One peer of a device. */
void show_peer(struct printer *p, const char *device, const struct mmesh_peer *peer,
	       const struct show_options *opt);

/* One path of a peer; and only its state, for an event. */
struct mmesh_path;
/* @why: for a relayed path in use, why none of the direct ones is; or NULL. */
void show_path(struct printer *p, const char *device, const struct mmesh_path *path, const char *why,
	       const struct show_options *opt);
void show_path_state(struct printer *p, const struct mmesh_path *path);

/* The counters of one device; brief: only those that are not zero. */
void show_stats(struct printer *p, const struct mmesh_stats *stats, const struct show_options *opt);

#endif
