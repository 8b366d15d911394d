/* SPDX-License-Identifier: GPL-2.0 */
/* Two devices that have each other as their only peer, as far as handshakes
 * need them: no net_device, no sockets. peers.c stands in for kmod/peer.c.
 */
#ifndef MMESH_KUNIT_PEERS_H
#define MMESH_KUNIT_PEERS_H

#include <kunit/test.h>

#include "device.h"
#include "peer.h"

struct mmesh_test_end {
	struct mmesh_device m;
	struct mmesh_peer peer;
};

/* A device with a private key (NULL: none) and one peer. */
struct mmesh_test_end *mmesh_test_end(struct kunit *test, const u8 *private,
				      const u8 *peer_public, const u8 *psk,
				      u8 suite);
/* To be called for each before the test ends. */
void mmesh_test_end_destroy(struct kunit *test, struct mmesh_test_end *end);

#endif
