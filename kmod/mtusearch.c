// SPDX-License-Identifier: GPL-2.0
/*
 * The local link's size is tried first, for it mostly is the path's. Then the
 * usual sizes between what passes and what doesn't, by halves; then the bytes
 * between two of those. When nothing is left to try, the size found is checked
 * as long as packets of that size are sent: a path may shrink without telling.
 */

#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "mtusearch.h"

/* Sizes of IP packets on links that there are: tunnels, PPPoE, LTE, Ethernet,
 * FDDI, jumbo frames of clouds and of switches.
 */
static const u16 usual[] = {
	MMESH_MTU_LINK_MIN, 1320, 1360, 1380, 1400, 1420, 1440, 1452, 1460, 1472,
	1480, 1488, 1492, 1500, 1600, 2000, 2304, 3000, 4000, 4352, 6000, 8000,
	8500, 8896, 8941, 8951, 8970, 8981, MMESH_MTU_LINK_MAX,
};

static unsigned int smallest(const struct mmesh_mtu_search *s)
{
	return MMESH_MTU_LINK_MIN - s->overhead;
}

static unsigned int ceiling_of(const struct mmesh_mtu_search *s,
			       unsigned int link_mtu)
{
	return clamp_t(unsigned int, link_mtu, MMESH_MTU_LINK_MIN,
		       MMESH_MTU_LINK_MAX) - s->overhead;
}

void mmesh_mtu_init(struct mmesh_mtu_search *s, unsigned int overhead,
		    unsigned int link_mtu)
{
	memset(s, 0, sizeof(*s));
	s->overhead = overhead;
	s->ceiling = ceiling_of(s, link_mtu);
}

unsigned int mmesh_mtu_size(const struct mmesh_mtu_search *s)
{
	return s->good;
}

/* The smallest size that need not be tried. */
static unsigned int bound(const struct mmesh_mtu_search *s)
{
	return s->bad ? min_t(unsigned int, s->bad, s->ceiling + 1) :
			s->ceiling + 1;
}

static bool is_usual(const struct mmesh_mtu_search *s, unsigned int size)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(usual); i++)
		if (usual[i] == size + s->overhead)
			return true;
	return false;
}

/* The middle one of the usual sizes between the two, or 0. */
static unsigned int middle_usual(const struct mmesh_mtu_search *s,
				 unsigned int good, unsigned int bad)
{
	unsigned int i, first = ARRAY_SIZE(usual), n = 0;

	for (i = 0; i < ARRAY_SIZE(usual); i++) {
		if (usual[i] <= good + s->overhead ||
		    usual[i] >= bad + s->overhead)
			continue;
		first = min(first, i);
		n++;
	}
	return n ? usual[first + n / 2] - s->overhead : 0;
}

/* The next size of the search, or 0: it has ended. */
static unsigned int search(const struct mmesh_mtu_search *s)
{
	const unsigned int bad = bound(s);
	const unsigned int good = s->good;
	unsigned int size;

	if (good + 1 >= bad)
		return 0;
	if (!s->bad)
		return s->ceiling;
	size = middle_usual(s, good, bad);
	if (size)
		return size;
	/* Mostly it is exactly a usual one: then the next byte tells. */
	return is_usual(s, good) ? good + 1 : good + (bad - good) / 2;
}

bool mmesh_mtu_settled(const struct mmesh_mtu_search *s)
{
	return s->good && !search(s);
}

unsigned int mmesh_mtu_next(const struct mmesh_mtu_search *s, u64 now_ms, bool full)
{
	unsigned int size;

	/* One at a time; elapsed() lets a lost one go. */
	if (s->trying)
		return s->sent_ms ? 0 : s->trying;
	size = search(s);
	if (size)
		return size;
	if (full && now_ms - s->checked_ms >= MMESH_MTU_VERIFY_MS)
		return s->good;
	/* If what was too large passes, the search goes on above it. */
	return s->bad && now_ms >= s->grow_ms ? s->bad : 0;
}

void mmesh_mtu_sent(struct mmesh_mtu_search *s, u64 now_ms, unsigned int size)
{
	if (s->trying != size)
		s->tries = 0;
	s->trying = size;
	s->sent_ms = now_ms;
}

static void settle(struct mmesh_mtu_search *s)
{
	s->trying = 0;
	s->sent_ms = 0;
	s->tries = 0;
}

bool mmesh_mtu_passed(struct mmesh_mtu_search *s, u64 now_ms, unsigned int size)
{
	const u16 before = s->good;

	if (s->trying == size)
		settle(s);
	if (size > s->ceiling || size < before)
		return false;
	s->good = size;
	s->checked_ms = now_ms;
	if (s->bad && s->bad <= size)
		s->bad = 0;
	s->grow_ms = now_ms + MMESH_MTU_GROW_MS;
	return size != before;
}

/* @size does not pass. */
static bool failed(struct mmesh_mtu_search *s, u64 now_ms, unsigned int size)
{
	const u16 before = s->good;

	settle(s);
	s->grow_ms = now_ms + MMESH_MTU_GROW_MS;
	/* Every path takes the smallest: what was lost was lost otherwise. */
	if (size <= smallest(s)) {
		s->good = smallest(s);
		s->checked_ms = now_ms;
		return s->good != before;
	}
	if (!s->bad || size < s->bad || s->good >= size)
		s->bad = size;
	/* Until it is known better, what certainly passes. */
	if (!s->good || s->good >= size) {
		s->good = smallest(s);
		s->checked_ms = now_ms;
	}
	return s->good != before;
}

bool mmesh_mtu_elapsed(struct mmesh_mtu_search *s, u64 now_ms,
		       unsigned int patience_ms, u64 heard_ms)
{
	if (!s->trying || !s->sent_ms || now_ms - s->sent_ms < patience_ms)
		return false;
	if (heard_ms >= s->sent_ms && ++s->tries >= MMESH_MTU_TRIES)
		return failed(s, now_ms, s->trying);
	/* To be sent again. */
	s->sent_ms = 0;
	return false;
}

bool mmesh_mtu_route(struct mmesh_mtu_search *s, u64 now_ms, unsigned int link_mtu)
{
	const unsigned int ceiling = ceiling_of(s, link_mtu);
	const u16 before = s->good;

	if (ceiling == s->ceiling)
		return false;
	s->ceiling = ceiling;
	if (s->good > ceiling)
		s->good = ceiling;
	if (s->bad > ceiling)
		s->bad = 0;
	if (s->trying > ceiling)
		settle(s);
	s->grow_ms = now_ms;
	return s->good != before;
}
