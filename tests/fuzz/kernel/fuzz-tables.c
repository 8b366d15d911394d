// SPDX-License-Identifier: Apache-2.0
/*
 * The tables of the data path against models that are too simple to be wrong.
 * The first byte of an input says which table, the rest is what happens to it.
 */
#include "allowedips.c"
#undef remove
#include "replay.c"

#define mask index_mask
#define draw index_draw
#include "index.c"

enum { PEERS = 4, ROUTES = 256, ENTRIES = 160 };

static const uint8_t *input;
static size_t left;
static bool no_memory;

static uint8_t next(void)
{
	if (!left)
		return 0;
	left--;
	return *input++;
}

void *fuzz_alloc(size_t size)
{
	return no_memory ? NULL : calloc(1, size);
}

/* Few different slots, so that they are often taken; and never the same number
 * for ever, as the table draws until one is free.
 */
u32 fuzz_random(void)
{
	static u32 count;

	return (u32)next() << 24 | (count++ * 37 & 0xffff) | (u32)next();
}

struct route {
	u8 ip[16];
	u8 cidr;
	bool v6;
	int peer;
};

static struct route routes[ROUTES];
static unsigned int num_routes;

static bool same_bits(const u8 *a, const u8 *b, unsigned int bits)
{
	unsigned int i;

	for (i = 0; i < bits; i++)
		if ((a[i / 8] ^ b[i / 8]) & 0x80 >> i % 8)
			return false;
	return true;
}

/* Addresses that differ in few places, so that prefixes nest. */
static struct route next_route(void)
{
	struct route r = { .v6 = next() & 1 };
	u8 bits = next(), where = next();
	int i;

	for (i = 0; i < 8; i++)
		if (bits & 1 << i)
			r.ip[(where + 5 * i) % (r.v6 ? 16 : 4)] |= 0x80 >> (where * i) % 8;
	r.cidr = next() % (r.v6 ? 129 : 33);
	r.peer = next() % PEERS;
	return r;
}

static int find_route(const struct route *r)
{
	unsigned int i;

	for (i = 0; i < num_routes; i++)
		if (routes[i].v6 == r->v6 && routes[i].cidr == r->cidr &&
		    same_bits(routes[i].ip, r->ip, r->cidr))
			return (int)i;
	return -1;
}

static int longest_route(const struct route *key)
{
	int best = -1, len = -1;
	unsigned int i;

	for (i = 0; i < num_routes; i++) {
		if (routes[i].v6 == key->v6 && routes[i].cidr > len &&
		    same_bits(routes[i].ip, key->ip, routes[i].cidr)) {
			len = routes[i].cidr;
			best = routes[i].peer;
		}
	}
	return best;
}

static void check_lookup(struct mmesh_allowedips *table, struct mmesh_peer *peers,
			 const struct route *key)
{
	struct mmesh_peer *got;
	int want = longest_route(key);
	struct in6_addr v6;
	__be32 v4;

	memcpy(&v4, key->ip, sizeof(v4));
	memcpy(&v6, key->ip, sizeof(v6));
	got = key->v6 ? mmesh_allowedips_lookup_v6(table, &v6) :
			mmesh_allowedips_lookup_v4(table, v4);
	assert(got == (want < 0 ? NULL : &peers[want]));
}

static void insert_route(struct mmesh_allowedips *table, struct mmesh_peer *peers,
			 const struct route *r, struct mutex *lock)
{
	struct in6_addr v6;
	struct in_addr v4;
	int at = find_route(r), ret;

	if (num_routes == ROUTES)
		return;
	memcpy(&v4, r->ip, sizeof(v4));
	memcpy(&v6, r->ip, sizeof(v6));
	ret = r->v6 ? mmesh_allowedips_insert_v6(table, &v6, r->cidr, &peers[r->peer], lock) :
		      mmesh_allowedips_insert_v4(table, &v4, r->cidr, &peers[r->peer], lock);
	assert(!ret || (ret == -ENOMEM && no_memory && at < 0));
	if (ret)
		return;
	if (at < 0)
		at = (int)num_routes++;
	routes[at] = *r;
}

static void remove_route(struct mmesh_allowedips *table, struct mmesh_peer *peers,
			 const struct route *r, struct mutex *lock)
{
	struct in6_addr v6;
	struct in_addr v4;
	int at = find_route(r), ret;

	memcpy(&v4, r->ip, sizeof(v4));
	memcpy(&v6, r->ip, sizeof(v6));
	ret = r->v6 ? mmesh_allowedips_remove_v6(table, &v6, r->cidr, &peers[r->peer], lock) :
		      mmesh_allowedips_remove_v4(table, &v4, r->cidr, &peers[r->peer], lock);
	assert(ret == (at >= 0 && routes[at].peer == r->peer ? 0 : -ENOENT));
	if (!ret)
		routes[at] = routes[--num_routes];
}

static void fuzz_allowedips(void)
{
	struct mmesh_allowedips table;
	struct mmesh_peer peers[PEERS];
	struct mutex lock = { 0 };
	unsigned int i;

	num_routes = 0;
	mmesh_allowedips_init(&table);
	for (i = 0; i < PEERS; i++)
		INIT_LIST_HEAD(&peers[i].allowedips_list);
	while (left) {
		u8 what = next();
		struct route r = next_route();

		no_memory = what >= 240;
		switch (what % 8) {
		case 0 ... 3:
			insert_route(&table, peers, &r, &lock);
			break;
		case 4:
		case 5:
			remove_route(&table, peers, &r, &lock);
			break;
		case 6:
			if (what < 16) {
				mmesh_allowedips_remove_by_peer(&table, &peers[r.peer], &lock);
				for (i = 0; i < num_routes; )
					if (routes[i].peer == r.peer)
						routes[i] = routes[--num_routes];
					else
						i++;
			}
			break;
		}
		no_memory = false;
		check_lookup(&table, peers, &r);
		assert(table.count == num_routes);
	}
	for (i = 0; i < num_routes; i++)
		check_lookup(&table, peers, &routes[i]);
	mmesh_allowedips_free(&table, &lock);
	for (i = 0; i < PEERS; i++)
		assert(peers[i].allowedips_list.next == &peers[i].allowedips_list);
}

static void fuzz_index(void)
{
	static struct mmesh_index_entry entries[ENTRIES];
	static bool in[ENTRIES];
	struct mmesh_index_table table;
	unsigned int i, count = 0;

	memset(entries, 0, sizeof(entries));
	memset(in, 0, sizeof(in));
	for (i = 0; i < ENTRIES; i++)
		entries[i].type = i % 2 ? MMESH_INDEX_HANDSHAKE : MMESH_INDEX_KEYPAIR;
	if (mmesh_index_init(&table))
		return;
	table.limit = ENTRIES - 8;
	while (left) {
		u8 what = next(), a = next() % ENTRIES, b = next() % ENTRIES;
		int ret;

		no_memory = what >= 240;
		if (what % 4 < 2) {
			ret = mmesh_index_insert(&table, &entries[a]);
			count += !ret - in[a];
			in[a] = !ret;
			assert(!ret || (ret == -ENOMEM && no_memory) ||
			       (ret == -ENOSPC && count >= table.limit));
		} else if (what % 4 == 2) {
			mmesh_index_remove(&table, &entries[a]);
			count -= in[a];
			in[a] = false;
		} else if (!in[b]) {
			assert(mmesh_index_replace(&table, &entries[a], &entries[b]) == in[a]);
			in[b] = in[a];
			in[a] = false;
		}
		no_memory = false;
		assert(table.count == count);
		for (i = 0; i < ENTRIES; i++)
			assert((mmesh_index_lookup(&table, entries[i].type,
						   entries[i].index) == &entries[i]) == in[i]);
	}
	table.count = 0;
	mmesh_index_destroy(&table);
}

static void fuzz_replay(void)
{
	enum { RANGE = 1 << 16 };
	static bool seen[RANGE];
	struct mmesh_replay window;
	u64 base = 0, top = 0, at;
	bool any = false;
	int i;

	memset(seen, 0, sizeof(seen));
	mmesh_replay_init(&window);
	for (i = 0; i < 8; i++)
		base = base << 8 | next();
	if (base > U64_MAX - RANGE)
		base = U64_MAX - RANGE;
	while (left) {
		u8 how = next();
		u64 delta = (u64)next() << (how % 8) | (how >> 6);

		if (how & 16)		/* around the window's end */
			delta = MMESH_REPLAY_WINDOW - 2 + delta % 5;
		at = how & 8 ? top + delta : top - (delta < top ? delta : top);
		if (at >= RANGE)
			break;
		/* A new window has 0 before it, at whatever distance. */
		assert(mmesh_replay_accept(&window, base + at, U64_MAX) ==
		       (!seen[at] && (!any || at + MMESH_REPLAY_WINDOW >= top)));
		if (at + MMESH_REPLAY_WINDOW >= top)
			seen[at] = true;
		top = at > top || !any ? at : top;
		any = true;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input = data;
	left = size < 4096 ? size : 4096;
	switch (next() % 3) {
	case 0:
		fuzz_allowedips();
		break;
	case 1:
		fuzz_index();
		break;
	default:
		fuzz_replay();
	}
	return 0;
}
