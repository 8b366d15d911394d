// SPDX-License-Identifier: GPL-2.0
/*
 * A counter's bit sits at (counter mod 8192). When the window moves on, whole
 * words are cleared ahead of it, so the word that the highest counter is in
 * holds nothing older than that counter's own 64: hence the word that the
 * window is shorter than the ring.
 */
#include <linux/build_bug.h>
#include <linux/string.h>

#include "replay.h"

enum {
	WORDS = MMESH_REPLAY_BITS / BITS_PER_LONG,
};

static_assert((WORDS & (WORDS - 1)) == 0);

void mmesh_replay_init(struct mmesh_replay *window)
{
	memset(window, 0, sizeof(*window));
}

/* Clear the words after that of the highest counter, up to @counter's. */
static void advance(struct mmesh_replay *window, u64 counter)
{
	/* An empty window is clear: any word may count as the newest. */
	u64 word = (window->next ? window->next - 1 : 0) / BITS_PER_LONG;
	u64 last = counter / BITS_PER_LONG;

	if (last - word >= WORDS)
		memset(window->bits, 0, sizeof(window->bits));
	else
		while (word < last)
			window->bits[++word % WORDS] = 0;
	window->next = counter + 1;
}

bool mmesh_replay_accept(struct mmesh_replay *window, u64 counter,
			 u64 reject_after)
{
	if (counter >= reject_after)
		return false;
	if (counter >= window->next)
		advance(window, counter);
	else if (window->next - 1 - counter > MMESH_REPLAY_WINDOW)
		return false;
	return !__test_and_set_bit(counter % MMESH_REPLAY_BITS, window->bits);
}
