/* SPDX-License-Identifier: Apache-2.0 */
/* A wanted configuration becomes requests to the kernel. */
#ifndef LIBMMESH_APPLY_H
#define LIBMMESH_APPLY_H

#include "client.h"
#include "model.h"

enum mmesh_apply_mode {
	MMESH_APPLY_SET,  /* the device has afterwards what @want says and no more */
	MMESH_APPLY_ADD,  /* what @want does not name stays as it is */
	MMESH_APPLY_SYNC, /* as SET, but what is the same already isn't touched */
};

/*
 * Apply @want, whose peers may be changed on the way, to the device that
 * want->name names. A peer with the device's own key is left out. The device's
 * own settings go first, in one request: when that is refused (a port in use),
 * nothing has changed. The peers follow in batches.
 */
int mmesh_apply(struct mmesh_client *client, enum mmesh_apply_mode mode, struct mmesh_device *want,
		struct error *err);

/*
 * The changes that turn @have into @want, for MMESH_APPLY_ADD; @want is
 * normalised: peers that appear twice become one, a prefix that several claim
 * belongs to the last. A prefix moves straight from peer to peer. A listen port
 * that @want doesn't say stays. The caller clears @ret.
 */
int mmesh_sync_plan(struct mmesh_device *ret, struct mmesh_device *want,
		    const struct mmesh_device *have, struct error *err);

#endif
