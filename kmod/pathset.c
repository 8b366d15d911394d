// SPDX-License-Identifier: GPL-2.0
/* The paths of a peer as a set: bounded, found by address. The lock of the
 * paths is held by whoever calls, but for the last function.
 */

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/slab.h>
#include <linux/udp.h>

#include "path.h"
#include "wire.h"

/* Outer headers around a message to @addr. */
static unsigned int overhead_of(const struct mmesh_addr *addr)
{
	return (mmesh_addr_is_relayed(addr) ? MMESH_LEG_LEN : 0) +
	       sizeof(struct udphdr) + (addr->addr.sa_family == AF_INET ?
					sizeof(struct iphdr) :
					sizeof(struct ipv6hdr));
}

int mmesh_pathset_find(const struct mmesh_paths *paths, const struct mmesh_addr *addr)
{
	int i;

	for (i = 0; i < paths->n; i++)
		if (mmesh_addr_same_remote(&paths->path[i]->addr, addr))
			return i;
	return -1;
}

void mmesh_pathset_drop(struct mmesh_paths *paths, int i)
{
	const int last = paths->n - 1;

	kfree(paths->path[i]);
	paths->path[i] = paths->path[last];
	paths->path[last] = NULL;
	paths->n--;
	if (paths->in_use == i)
		paths->in_use = -1;
	else if (paths->in_use == last)
		paths->in_use = i;
	if (paths->heard == i)
		paths->heard = -1;
	else if (paths->heard == last)
		paths->heard = i;
}

/* Make room for one of @source: what nobody configured and nobody answers at
 * goes, the one that was heard of least lately first.
 */
static bool make_room(struct mmesh_paths *paths, u8 source)
{
	unsigned int told = 0;
	int i, victim = -1;

	for (i = 0; i < paths->n; i++) {
		const struct mmesh_path *path = paths->path[i];

		told += path->sources == MMESH_PATH_SOURCE_TOLD;
		if (i == paths->in_use ||
		    path->sources & (MMESH_PATH_SOURCE_CONFIGURED |
				     MMESH_PATH_SOURCE_RELAY) ||
		    path->state.state == MMESH_PATH_STATE_ALIVE)
			continue;
		if (source == MMESH_PATH_SOURCE_TOLD &&
		    path->sources != MMESH_PATH_SOURCE_TOLD)
			continue;
		if (victim < 0 || path->state.heard_ms <
				  paths->path[victim]->state.heard_ms)
			victim = i;
	}
	if (paths->n < MMESH_MAX_PATHS &&
	    (source != MMESH_PATH_SOURCE_TOLD || told < MMESH_MAX_TOLD_PATHS))
		return true;
	if (victim < 0)
		return false;
	mmesh_pathset_drop(paths, victim);
	return true;
}

int mmesh_pathset_add(struct mmesh_paths *paths, const struct mmesh_addr *addr,
		      u8 source)
{
	struct mmesh_path *path;
	int i = mmesh_pathset_find(paths, addr);

	if (i >= 0) {
		paths->path[i]->sources |= source;
		return i;
	}
	if (!make_room(paths, source))
		return -ENOSPC;
	path = kzalloc(sizeof(*path), GFP_ATOMIC | __GFP_NOWARN);
	if (!path)
		return -ENOMEM;
	path->addr = *addr;
	path->sources = source;
	path->probe_soon = true;
	mmesh_path_state_init(&path->state, mmesh_addr_is_relayed(addr));
	mmesh_mtu_init(&path->mtu, overhead_of(addr), MMESH_MTU_LINK_MIN);
	paths->path[paths->n] = path;
	return paths->n++;
}

void mmesh_paths_free(struct mmesh_paths *paths)
{
	while (paths->n)
		kfree(paths->path[--paths->n]);
}
