// SPDX-License-Identifier: Apache-2.0
#include "source.h"

#include <netinet/in.h>
#include <string.h>

#include "id.h"

enum {
	SLOTS = 8192,
	/* Places where an address may be. */
	WAYS = 8,
	BURST = 4,
};

struct source {
	uint64_t address;
	uint8_t family;		/* 0: free */
	unsigned int now;	/* connections */
	int64_t at_ms;
	int64_t thousandths;	/* of a connection, that may come */
};

struct sources {
	struct source_limits limits;
	uint64_t seed;
	struct source slot[SLOTS];
};

int sources_new(struct sources **ret, const struct source_limits *limits, struct error *err)
{
	struct sources *sources = calloc(1, sizeof(*sources));
	int r;

	*ret = NULL;
	if (!sources)
		return error_oom(err);
	sources->limits = *limits;
	r = trust_random(&sources->seed, sizeof(sources->seed), err);
	if (r) {
		free(sources);
		return r;
	}
	*ret = sources;
	return 0;
}

void sources_free(struct sources *sources)
{
	free(sources);
}

static uint64_t address_of(const struct sockaddr *address)
{
	uint64_t bits = 0;

	if (address->sa_family == AF_INET)
		return ((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr;
	memcpy(&bits, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, sizeof(bits));
	return bits;
}

/* The finalizer of a 64-bit mixing function, with a secret so that nobody picks whom to collide with. */
static size_t slot_of(const struct sources *sources, uint64_t address)
{
	uint64_t x = address ^ sources->seed;

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return (x ^ x >> 31) % SLOTS;
}

/* Its place, or the one that was idle for the longest time; NULL when all are in use. */
static struct source *find(struct sources *sources, uint64_t address, uint8_t family)
{
	size_t first = slot_of(sources, address);
	struct source *oldest = NULL;

	for (size_t i = 0; i < WAYS; i++) {
		struct source *s = &sources->slot[(first + i) % SLOTS];

		if (s->family == family && s->address == address)
			return s;
		if (!s->now && (!oldest || s->at_ms < oldest->at_ms))
			oldest = s;
	}
	return oldest;
}

struct source *sources_admit(struct sources *sources, const struct sockaddr *address,
			     int64_t now_ms)
{
	uint64_t bits = address_of(address);
	int64_t full = (int64_t)sources->limits.per_second * BURST * 1000;
	struct source *s = find(sources, bits, (uint8_t)address->sa_family);

	if (!s)
		return NULL;
	if (s->family != address->sa_family || s->address != bits)
		*s = (struct source){
			.family = (uint8_t)address->sa_family,
			.address = bits,
			.at_ms = now_ms,
			.thousandths = full,
		};
	s->thousandths += (now_ms - s->at_ms) * sources->limits.per_second;
	if (s->thousandths > full)
		s->thousandths = full;
	s->at_ms = now_ms;
	if (s->thousandths < 1000 || s->now >= sources->limits.at_a_time)
		return NULL;
	s->thousandths -= 1000;
	s->now++;
	return s;
}

void source_release(struct source *source)
{
	if (source)
		source->now--;
}
