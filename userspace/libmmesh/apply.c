// SPDX-License-Identifier: Apache-2.0
#include "apply.h"

#include <errno.h>
#include <string.h>

#include "device.h"
#include "peer.h"

static void batch_closep(struct nl_batch *batch)
{
	nl_batch_close(batch);
}

static int send_changes(struct mmesh_client *client, const struct mmesh_device *changes,
			struct error *err)
{
	_cleanup_(batch_closep) struct nl_batch batch = { 0 };
	int r = 0;

	if (changes->has || changes->replace_peers)
		r = mmesh_device_set(client, changes, err);
	if (r < 0)
		return error_prefix(err, r, "%s: ", changes->name);
	r = nl_batch_open(&batch, &client->nl, err);
	for (size_t i = 0; !r && i < changes->n_peers; i++)
		r = mmesh_peer_queue(client, &batch, changes->name,
				     changes->peer[i].remove ? MMESH_PEER_FORGET :
							       MMESH_PEER_ENSURE,
				     &changes->peer[i], err);
	if (!r)
		r = nl_batch_flush(&batch, err);
	return r;
}

/* What a file doesn't say gets its default. The port is the caller's matter. */
static void fill_defaults(struct mmesh_device *want)
{
	want->has |= MMESH_DEVICE_HAS_PRIVATE_KEY | MMESH_DEVICE_HAS_FWMARK;
}

static int drop_own(struct mmesh_device *want, const struct mmesh_device *have, struct error *err)
{
	uint8_t own[KEY_LEN];
	int r = 0;

	if (want->has & MMESH_DEVICE_HAS_PRIVATE_KEY) {
		if (key_is_zero(want->private_key))
			return 0;
		r = key_public(own, want->private_key, err);
	} else if (have->has & MMESH_DEVICE_HAS_PUBLIC_KEY) {
		memcpy(own, have->public_key, KEY_LEN);
	} else {
		return 0;
	}
	if (!r)
		mmesh_device_drop_own(want, own);
	return r;
}

static int sync_device(struct mmesh_client *client, struct mmesh_device *want,
		       struct mmesh_device *have, struct error *err)
{
	struct mmesh_device changes = { 0 };
	int r;

	r = mmesh_peer_read(client, have, NULL, true, err);
	if (r < 0)
		return error_prefix(err, r, "%s: ", want->name);
	r = mmesh_sync_plan(&changes, want, have, err);
	if (!r)
		r = send_changes(client, &changes, err);
	mmesh_device_clear(&changes);
	return r;
}

int mmesh_apply(struct mmesh_client *client, enum mmesh_apply_mode mode, struct mmesh_device *want,
		struct error *err)
{
	struct mmesh_device have;
	int r;

	r = mmesh_device_get(client, want->name, mode == MMESH_APPLY_SYNC, &have, err);
	if (r < 0)
		return error_prefix(err, r, "%s: ", want->name);
	if (mode != MMESH_APPLY_ADD)
		fill_defaults(want);
	r = drop_own(want, &have, err);
	if (!r && mode == MMESH_APPLY_SYNC) {
		r = sync_device(client, want, &have, err);
	} else if (!r) {
		if (mode == MMESH_APPLY_SET) {
			want->has |= MMESH_DEVICE_HAS_PORT;
			want->replace_peers = true;
		}
		r = send_changes(client, want, err);
	}
	mmesh_device_clear(&have);
	return r;
}
