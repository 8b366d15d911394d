// SPDX-License-Identifier: GPL-2.0
/*
 * A counter's bit sits at (counter mod size). When the window moves on, whole
 * words are cleared ahead of it, so the word that the highest counter is in
 * holds nothing older than that counter's own 64: hence the word that the
 * window is shorter than the ring.
 */
#include <linux/build_bug.h>
#include <linux/string.h>

#include "replay.h"

enum {
	WORDS = MMESH_REPLAY_BITS / BITS_PER_LONG,
	WORDS_LEG = MMESH_REPLAY_BITS_LEG / BITS_PER_LONG,
	WORDS_CONTROL = MMESH_REPLAY_BITS_CONTROL / BITS_PER_LONG,
};

static_assert((WORDS & (WORDS - 1)) == 0);
static_assert((WORDS_LEG & (WORDS_LEG - 1)) == 0);
static_assert((WORDS_CONTROL & (WORDS_CONTROL - 1)) == 0);

void mmesh_replay_init(struct mmesh_replay *window)
{
	memset(window, 0, sizeof(*window));
}

/* Clear the words after that of the highest counter, up to @counter's. */
static __always_inline void advance(u64 *next, unsigned long *bits,
				    const unsigned int words, u64 counter)
{
	/* An empty window is clear: any word may count as the newest. */
	u64 word = (*next ? *next - 1 : 0) / BITS_PER_LONG;
	u64 last = counter / BITS_PER_LONG;

	if (last - word >= words)
		memset(bits, 0, words * sizeof(*bits));
	else
		while (word < last)
			bits[++word % words] = 0;
	*next = counter + 1;
}

static __always_inline bool accept_in(u64 *next, unsigned long *bits,
				      const unsigned int words, u64 counter,
				      u64 reject_after)
{
	if (counter >= reject_after)
		return false;
	if (counter >= *next)
		advance(next, bits, words, counter);
	else if (*next - 1 - counter > (words - 1) * BITS_PER_LONG)
		return false;
	return !__test_and_set_bit(counter % (words * BITS_PER_LONG), bits);
}

bool mmesh_replay_accept(struct mmesh_replay *window, u64 counter,
			 u64 reject_after)
{
	return accept_in(&window->next, window->bits, WORDS, counter,
			 reject_after);
}

bool mmesh_replay_accept_leg(struct mmesh_replay_leg *window, u64 counter)
{
	return accept_in(&window->next, window->bits, WORDS_LEG, counter,
			 MMESH_REJECT_AFTER_MESSAGES);
}

bool mmesh_replay_accept_control(struct mmesh_replay_control *window, u64 counter)
{
	return accept_in(&window->next, window->bits, WORDS_CONTROL,
			 counter, MMESH_REJECT_AFTER_MESSAGES);
}
