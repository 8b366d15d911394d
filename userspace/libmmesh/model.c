// SPDX-License-Identifier: Apache-2.0
#include "model.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const suite_names[] = {
	[MMESH_SUITE_WIREGUARD] = "wireguard",
	[MMESH_SUITE_AES256GCM] = "aes256gcm",
};

/*
 * Like reallocarray() to twice the room, but the old memory, which may hold
 * secrets, is wiped. @item_size > 0.
 */
static void *grow(void *items, size_t *room, size_t item_size)
{
	size_t more = *room ? *room * 2 : 4;
	void *bigger = calloc(more, item_size);

	if (!bigger)
		return NULL;
	if (items) {
		memcpy(bigger, items, *room * item_size);
		explicit_bzero(items, *room * item_size);
		free(items);
	}
	*room = more;
	return bigger;
}

struct mmesh_peer *mmesh_device_add_peer(struct mmesh_device *dev)
{
	if (dev->n_peers == dev->peer_room) {
		void *items = grow(dev->peer, &dev->peer_room, sizeof(*dev->peer));

		if (!items)
			return NULL;
		dev->peer = items;
	}
	dev->peer[dev->n_peers] = (struct mmesh_peer){ 0 };
	return &dev->peer[dev->n_peers++];
}

struct mmesh_device *mmesh_devices_add(struct mmesh_devices *list)
{
	if (list->count == list->room) {
		void *items = grow(list->item, &list->room, sizeof(*list->item));

		if (!items)
			return NULL;
		list->item = items;
	}
	list->item[list->count] = (struct mmesh_device){ 0 };
	return &list->item[list->count++];
}

void mmesh_peer_clear(struct mmesh_peer *peer)
{
	if (!peer)
		return;
	prefixes_free(&peer->allowed_ips);
	explicit_bzero(peer, sizeof(*peer));
}

void mmesh_device_clear(struct mmesh_device *dev)
{
	if (!dev)
		return;
	for (size_t i = 0; i < dev->n_peers; i++)
		mmesh_peer_clear(&dev->peer[i]);
	free(dev->peer);
	explicit_bzero(dev, sizeof(*dev));
}

void mmesh_devices_clear(struct mmesh_devices *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->count; i++)
		mmesh_device_clear(&list->item[i]);
	free(list->item);
	*list = (struct mmesh_devices){ 0 };
}

static int newest_first(const void *a, const void *b)
{
	const struct mmesh_peer *pa = a, *pb = b;

	if (pa->handshake_sec != pb->handshake_sec)
		return pa->handshake_sec < pb->handshake_sec ? 1 : -1;
	if (pa->handshake_nsec != pb->handshake_nsec)
		return pa->handshake_nsec < pb->handshake_nsec ? 1 : -1;
	return 0;
}

void mmesh_device_sort_by_handshake(struct mmesh_device *dev)
{
	/* glibc's qsort is a merge sort: what is equal keeps the kernel's order. */
	if (dev->n_peers)
		qsort(dev->peer, dev->n_peers, sizeof(*dev->peer), newest_first);
}

static int by_name(const void *a, const void *b)
{
	const struct mmesh_device *da = a, *db = b;

	return strcmp(da->name, db->name);
}

void mmesh_devices_sort_by_name(struct mmesh_devices *list)
{
	if (list->count)
		qsort(list->item, list->count, sizeof(*list->item), by_name);
}

void mmesh_device_drop_own(struct mmesh_device *dev, const uint8_t own_public[KEY_LEN])
{
	size_t kept = 0;

	for (size_t i = 0; i < dev->n_peers; i++) {
		if (!memcmp(dev->peer[i].public_key, own_public, KEY_LEN)) {
			mmesh_peer_clear(&dev->peer[i]);
			continue;
		}
		if (kept != i) {
			dev->peer[kept] = dev->peer[i];
			explicit_bzero(&dev->peer[i], sizeof(dev->peer[i]));
		}
		kept++;
	}
	dev->n_peers = kept;
}

void mmesh_suite_format(char ret_text[MMESH_SUITE_TEXT_SIZE], uint32_t suite)
{
	if (suite < ARRAY_SIZE(suite_names))
		(void)snprintf(ret_text, MMESH_SUITE_TEXT_SIZE, "%s", suite_names[suite]);
	else
		(void)snprintf(ret_text, MMESH_SUITE_TEXT_SIZE, "%u", suite);
}

int mmesh_suite_parse(uint32_t *ret, const char *text, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(suite_names); i++) {
		if (!strcmp(text, suite_names[i])) {
			*ret = (uint32_t)i;
			return 0;
		}
	}
	return error_set(err, EINVAL, "\"%s\" is not a suite; expected one of: wireguard, aes256gcm",
			 text);
}
