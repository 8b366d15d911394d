// SPDX-License-Identifier: GPL-2.0
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "test.h"

/* Allocations that succeed before one fails; negative: all do. */
static int allocs_left = -1;

static void *rigged_kzalloc(size_t size, gfp_t gfp)
{
	if (!allocs_left)
		return NULL;
	if (allocs_left > 0)
		allocs_left--;
	return kzalloc(size, gfp);
}

#include "peer.h"

#pragma push_macro("kzalloc")
#undef kzalloc
#define kzalloc rigged_kzalloc
#include "../kmod/allowedips.c"
#include "../kmod/member.c"
#pragma pop_macro("kzalloc")

enum {
	PEERS = 24,
	MODEL_SIZE = 6000,
};

/* The model: what was put in, bytewise, in no order. */
struct route {
	u8 ip[16];
	u8 cidr;
	bool v6;
	struct mmesh_peer *peer;	/* NULL: free */
};

struct fixture {
	struct mmesh_allowedips table;
	struct mutex lock;	/* table */
	struct mmesh_peer *peers[PEERS];
	struct route *routes;
	unsigned int num_routes;
	struct rnd_state rnd;
};

static int allowedips_init(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, f);
	for (i = 0; i < PEERS; i++) {
		f->peers[i] = kunit_kzalloc(test, sizeof(*f->peers[i]), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, f->peers[i]);
		INIT_LIST_HEAD(&f->peers[i]->allowedips_list);
		INIT_LIST_HEAD(&f->peers[i]->shared_list);
	}
	f->routes = vcalloc(MODEL_SIZE, sizeof(*f->routes));
	KUNIT_ASSERT_NOT_NULL(test, f->routes);
	mutex_init(&f->lock);
	mmesh_allowedips_init(&f->table);
	allocs_left = -1;
	test->priv = f;
	return 0;
}

static void allowedips_exit(struct kunit *test)
{
	struct fixture *f = test->priv;

	if (!f)
		return;
	allocs_left = -1;
	mutex_lock(&f->lock);
	mmesh_allowedips_free(&f->table, &f->lock);
	mutex_unlock(&f->lock);
	vfree(f->routes);
}

/* The functions under test, with a family that is known at run time only. */

static int do_insert(struct fixture *f, const struct route *r)
{
	int ret;

	mutex_lock(&f->lock);
	if (r->v6)
		ret = mmesh_allowedips_insert_v6(&f->table, (const struct in6_addr *)r->ip,
						 r->cidr, r->peer, &f->lock);
	else
		ret = mmesh_allowedips_insert_v4(&f->table, (const struct in_addr *)r->ip,
						 r->cidr, r->peer, &f->lock);
	mutex_unlock(&f->lock);
	return ret;
}

static int do_remove(struct fixture *f, const struct route *r)
{
	int ret;

	mutex_lock(&f->lock);
	if (r->v6)
		ret = mmesh_allowedips_remove_v6(&f->table, (const struct in6_addr *)r->ip,
						 r->cidr, r->peer, &f->lock);
	else
		ret = mmesh_allowedips_remove_v4(&f->table, (const struct in_addr *)r->ip,
						 r->cidr, r->peer, &f->lock);
	mutex_unlock(&f->lock);
	return ret;
}

static struct mmesh_peer *do_holder(struct fixture *f, const struct route *r)
{
	struct mmesh_allowedips_node *node;
	struct mmesh_peer *peer = NULL;
	struct prefix p;

	if (r->v6 ? prefix_v6(&p, (const struct in6_addr *)r->ip, r->cidr) :
		    prefix_v4(&p, (const struct in_addr *)r->ip, r->cidr))
		return NULL;
	mutex_lock(&f->lock);
	node = deref(*place_of(&f->table, &p, &f->lock).slot, &f->lock);
	if (node && is_prefix(node, &p))
		peer = holder_of(node, &f->lock);
	mutex_unlock(&f->lock);
	return peer;
}

static struct mmesh_peer *do_lookup(struct fixture *f, const struct route *r)
{
	struct mmesh_peer *peer;
	__be32 v4;

	memcpy(&v4, r->ip, sizeof(v4));
	rcu_read_lock();
	if (r->v6)
		peer = mmesh_allowedips_lookup_v6(&f->table, (const struct in6_addr *)r->ip,
						  NULL);
	else
		peer = mmesh_allowedips_lookup_v4(&f->table, v4, NULL);
	rcu_read_unlock();
	return peer;
}

/* The model's own idea of bits. */

static bool bit_at(const u8 *ip, unsigned int at)
{
	return ip[at / 8] & (0x80 >> at % 8);
}

static bool model_covers(const struct route *route, const struct route *key)
{
	unsigned int i;

	if (route->v6 != key->v6)
		return false;
	for (i = 0; i < route->cidr; i++)
		if (bit_at(route->ip, i) != bit_at(key->ip, i))
			return false;
	return true;
}

static void model_clear_host(struct route *r)
{
	unsigned int i;

	for (i = r->cidr; i < 128; i++)
		r->ip[i / 8] &= ~(0x80 >> i % 8);
}

static struct mmesh_peer *model_lookup(struct fixture *f, const struct route *key)
{
	struct mmesh_peer *best = NULL;
	unsigned int i;
	int len = -1;

	for (i = 0; i < f->num_routes; i++) {
		if (f->routes[i].cidr > len && model_covers(&f->routes[i], key)) {
			len = f->routes[i].cidr;
			best = f->routes[i].peer;
		}
	}
	return best;
}

static struct route *model_find(struct fixture *f, const struct route *r)
{
	unsigned int i;

	for (i = 0; i < f->num_routes; i++)
		if (f->routes[i].v6 == r->v6 && f->routes[i].cidr == r->cidr &&
		    !memcmp(f->routes[i].ip, r->ip, sizeof(r->ip)))
			return &f->routes[i];
	return NULL;
}

static void model_insert(struct fixture *f, const struct route *r)
{
	struct route *known = model_find(f, r);

	if (known)
		known->peer = r->peer;
	else
		f->routes[f->num_routes++] = *r;
}

static void model_remove(struct fixture *f, struct route *known)
{
	*known = f->routes[--f->num_routes];
}

static void model_remove_by_peer(struct fixture *f, struct mmesh_peer *peer)
{
	unsigned int i = 0;

	while (i < f->num_routes)
		if (f->routes[i].peer == peer)
			model_remove(f, &f->routes[i]);
		else
			i++;
}

/* Random routes that have something to do with each other. */

static void flip(struct route *r, unsigned int at)
{
	r->ip[at / 8] ^= 0x80 >> at % 8;
}

static unsigned int width_of(const struct route *r)
{
	return r->v6 ? 128 : 32;
}

/* A random address; mostly that of a known route with a few bits changed. */
static struct route random_key(struct fixture *f)
{
	struct route key = { .v6 = mmesh_test_below(&f->rnd, 2) };
	unsigned int i;

	if (f->num_routes && mmesh_test_below(&f->rnd, 8)) {
		key = f->routes[mmesh_test_below(&f->rnd, f->num_routes)];
		if (mmesh_test_below(&f->rnd, 2))
			for (i = key.cidr; i < width_of(&key); i++)
				if (mmesh_test_below(&f->rnd, 2))
					flip(&key, i);
		for (i = mmesh_test_below(&f->rnd, 3); i; i--)
			flip(&key, mmesh_test_below(&f->rnd, width_of(&key)));
	} else {
		prandom_bytes_state(&f->rnd, key.ip, key.v6 ? 16 : 4);
	}
	return key;
}

static struct route random_route(struct fixture *f)
{
	struct route r = random_key(f);

	switch (mmesh_test_below(&f->rnd, 4)) {
	case 0:
		r.cidr = width_of(&r);
		break;
	case 1:		/* near that of the one it came from, if any */
		r.cidr = clamp_t(int, r.cidr + mmesh_test_below(&f->rnd, 9) - 4,
				 0, width_of(&r));
		break;
	default:
		r.cidr = mmesh_test_below(&f->rnd, width_of(&r) + 1);
	}
	r.peer = f->peers[mmesh_test_below(&f->rnd, PEERS)];
	return r;
}

/* Every node has a use, prefixes grow on the way down, and it all adds up. */
static void check_trie(struct kunit *test, struct mmesh_allowedips_node __rcu *root,
		       unsigned int width, unsigned int *holders)
{
	struct fixture *f = test->priv;
	struct mmesh_allowedips_node *node = rcu_dereference_protected(root, true);
	struct mmesh_allowedips_node *todo[130];
	unsigned int left = 0, forks = 0, held = 0, bad = 0, i;

	if (node)
		todo[left++] = node;
	while (left) {
		unsigned int children = 0;

		node = todo[--left];
		for (i = 0; i < 2; i++) {
			struct mmesh_allowedips_node *child =
				rcu_dereference_protected(node->child[i], true);

			if (!child)
				continue;
			children++;
			bad += child->cidr <= node->cidr || node->cidr >= width;
			bad += !covers(node, child->bits, width);
			bad += bit_of(child->bits, node->cidr) != i;
			todo[left++] = child;
		}
		bad += node->width != width;
		bad += (node->bits[0] & ~mask(node->cidr, 0)) != 0;
		bad += (node->bits[1] & ~mask(node->cidr, 1)) != 0;
		if (rcu_access_pointer(node->holder)) {
			held++;
		} else {
			forks++;
			bad += children != 2;
		}
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
	if (held)
		KUNIT_EXPECT_LT(test, forks, held);
	else
		KUNIT_EXPECT_EQ(test, forks, 0);
	*holders += held;
	KUNIT_EXPECT_LE(test, *holders, f->table.count);
}

/* Each peer's list has its routes, all of them and no others. */
static void check_lists(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i, total = 0, bad = 0;
	struct mmesh_allowed_ip a;

	mutex_lock(&f->lock);
	for (i = 0; i < PEERS; i++) {
		struct mmesh_allowedips_walk walk = {};

		while (mmesh_allowedips_walk(f->peers[i], &walk, &a, &f->lock)) {
			struct route r = { .v6 = !a.is_v4, .cidr = a.cidr }, *known;

			memcpy(r.ip, a.ip, sizeof(r.ip));
			known = model_find(f, &r);
			bad += !known || known->peer != f->peers[i];
			total++;
		}
	}
	mutex_unlock(&f->lock);
	KUNIT_EXPECT_EQ(test, bad, 0);
	KUNIT_EXPECT_EQ(test, total, f->num_routes);
}

static void check_all(struct kunit *test, unsigned int lookups)
{
	struct fixture *f = test->priv;
	unsigned int holders = 0, wrong = 0;

	check_trie(test, f->table.root4, 32, &holders);
	check_trie(test, f->table.root6, 128, &holders);
	KUNIT_EXPECT_EQ(test, holders, f->num_routes);
	KUNIT_EXPECT_EQ(test, f->table.count, f->num_routes);
	check_lists(test);
	while (lookups--) {
		struct route key = random_key(f);

		wrong += do_lookup(f, &key) != model_lookup(f, &key);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
}

/* Put in the table and in the model. */
static void add(struct kunit *test, bool v6, const u8 *ip, u8 cidr, unsigned int peer)
{
	struct fixture *f = test->priv;
	struct route r = { .v6 = v6, .cidr = cidr, .peer = f->peers[peer] };

	memcpy(r.ip, ip, v6 ? 16 : 4);
	KUNIT_ASSERT_EQ(test, do_insert(f, &r), 0);
	model_clear_host(&r);
	model_insert(f, &r);
}

static void add_v4(struct kunit *test, u32 ip, u8 cidr, unsigned int peer)
{
	__be32 addr = cpu_to_be32(ip);

	add(test, false, (const u8 *)&addr, cidr, peer);
}

/* Index of the peer that holds @ip's longest prefix, or -1. */
static int who_v4(struct kunit *test, u32 ip)
{
	struct fixture *f = test->priv;
	__be32 addr = cpu_to_be32(ip);
	struct mmesh_peer *peer;
	struct route key = {};
	int i;

	memcpy(key.ip, &addr, sizeof(addr));
	peer = do_lookup(f, &key);
	for (i = 0; i < PEERS; i++)
		if (peer == f->peers[i])
			return i;
	return -1;
}

static void allowedips_empty(struct kunit *test)
{
	static const struct route v4 = { .cidr = 0 }, v6 = { .v6 = true };
	struct fixture *f = test->priv;
	struct route r = v4;

	KUNIT_EXPECT_NULL(test, do_lookup(f, &v4));
	KUNIT_EXPECT_NULL(test, do_lookup(f, &v6));
	r.peer = f->peers[0];
	KUNIT_EXPECT_EQ(test, do_remove(f, &r), -ENOENT);
	mutex_lock(&f->lock);
	mmesh_allowedips_remove_by_peer(&f->table, f->peers[0], &f->lock);
	mutex_unlock(&f->lock);
	check_all(test, 100);
}

static void allowedips_too_long(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct route r = { .cidr = 33, .peer = f->peers[0] };
	u64 seq = f->table.seq;

	KUNIT_EXPECT_EQ(test, do_insert(f, &r), -EINVAL);
	KUNIT_EXPECT_EQ(test, do_remove(f, &r), -EINVAL);
	r.v6 = true;
	r.cidr = 129;
	KUNIT_EXPECT_EQ(test, do_insert(f, &r), -EINVAL);
	KUNIT_EXPECT_EQ(test, do_remove(f, &r), -EINVAL);
	r.cidr = 255;
	KUNIT_EXPECT_EQ(test, do_insert(f, &r), -EINVAL);
	KUNIT_EXPECT_NULL(test, do_holder(f, &r));
	KUNIT_EXPECT_EQ(test, f->table.seq, seq);
	check_all(test, 10);
}

/* A default route matches its own family only. */
static void allowedips_default_routes(struct kunit *test)
{
	static const u8 any[16] = { 0xff, 0xff, 0xff, 0xff };
	struct fixture *f = test->priv;
	struct route key = {};

	add(test, false, any, 0, 1);
	KUNIT_EXPECT_PTR_EQ(test, do_lookup(f, &key), f->peers[1]);
	key.v6 = true;
	KUNIT_EXPECT_NULL(test, do_lookup(f, &key));
	add(test, true, any, 0, 2);
	KUNIT_EXPECT_PTR_EQ(test, do_lookup(f, &key), f->peers[2]);
	memset(key.ip, 0xff, sizeof(key.ip));
	KUNIT_EXPECT_PTR_EQ(test, do_lookup(f, &key), f->peers[2]);
	key.v6 = false;
	KUNIT_EXPECT_PTR_EQ(test, do_lookup(f, &key), f->peers[1]);
	check_all(test, 100);
}

static void allowedips_known_routes(struct kunit *test)
{
	add_v4(test, 0xc0a80400, 24, 0);	/* 192.168.4.0/24 */
	add_v4(test, 0xc0a80404, 32, 1);
	add_v4(test, 0xc0a80000, 16, 2);
	add_v4(test, 0xc0600000, 12, 3);	/* 192.96.0.0/12 */
	add_v4(test, 0x0a0a0a0a, 31, 4);	/* 10.10.10.10/31 */
	add_v4(test, 0x0a0a0a0f, 29, 5);	/* host bits set: 10.10.10.8/29 */
	add_v4(test, 0xffffffff, 32, 6);
	add_v4(test, 0x00000000, 32, 7);

	KUNIT_EXPECT_EQ(test, who_v4(test, 0xc0a80414), 0);
	KUNIT_EXPECT_EQ(test, who_v4(test, 0xc0a80404), 1);
	KUNIT_EXPECT_EQ(test, who_v4(test, 0xc0a8c801), 2);
	KUNIT_EXPECT_EQ(test, who_v4(test, 0xc0a90001), -1);
	KUNIT_EXPECT_EQ(test, who_v4(test, 0xc06fffff), 3);
	KUNIT_EXPECT_EQ(test, who_v4(test, 0xc0700000), -1);
	KUNIT_EXPECT_EQ(test, who_v4(test, 0x0a0a0a0a), 4);
	KUNIT_EXPECT_EQ(test, who_v4(test, 0x0a0a0a0b), 4);
	KUNIT_EXPECT_EQ(test, who_v4(test, 0x0a0a0a0c), 5);
	KUNIT_EXPECT_EQ(test, who_v4(test, 0x0a0a0a08), 5);
	KUNIT_EXPECT_EQ(test, who_v4(test, 0x0a0a0a10), -1);
	KUNIT_EXPECT_EQ(test, who_v4(test, 0xffffffff), 6);
	KUNIT_EXPECT_EQ(test, who_v4(test, 0xfffffffe), -1);
	KUNIT_EXPECT_EQ(test, who_v4(test, 0), 7);
	KUNIT_EXPECT_EQ(test, who_v4(test, 1), -1);
	check_all(test, 1000);
}

/* Every length of prefix of one address, put in and taken out in each order. */
static void nested(struct kunit *test, bool v6, bool up)
{
	static const u8 ip[16] = {
		0xa5, 0x5a, 0xff, 0x00, 0x01, 0x80, 0x7f, 0xfe,
		0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x01,
	};
	unsigned int width = v6 ? 128 : 32, i, bad = 0;
	struct fixture *f = test->priv;
	struct route r = { .v6 = v6 };

	memcpy(r.ip, ip, width / 8);
	for (i = 0; i <= width; i++)
		add(test, v6, ip, up ? i : width - i, i % PEERS);
	check_all(test, 500);
	for (i = 0; i <= width; i++) {
		struct route known = r;

		known.cidr = up ? width - i : i;
		known.peer = f->peers[(up ? known.cidr : width - known.cidr) % PEERS];
		bad += do_remove(f, &known) != 0;
		bad += do_remove(f, &known) != -ENOENT;
		model_clear_host(&known);
		model_remove(f, model_find(f, &known));
		check_all(test, 20);
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
	KUNIT_EXPECT_EQ(test, f->num_routes, 0);
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(f->table.root4));
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(f->table.root6));
}

static void allowedips_nested(struct kunit *test)
{
	struct fixture *f = test->priv;

	mmesh_test_seed(test, &f->rnd);
	nested(test, false, false);
	nested(test, false, true);
	nested(test, true, false);
	nested(test, true, true);
}

static void allowedips_moves(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct route r = { .ip = { 10, 0, 0, 0 }, .cidr = 8, .peer = f->peers[1] };
	u64 seq;

	add_v4(test, 0x0a000000, 8, 0);
	KUNIT_EXPECT_EQ(test, do_remove(f, &r), -ENOENT);	/* another's */
	KUNIT_EXPECT_EQ(test, who_v4(test, 0x0a010203), 0);
	seq = f->table.seq;
	add_v4(test, 0x0aff0000, 8, 1);
	KUNIT_EXPECT_NE(test, f->table.seq, seq);
	KUNIT_EXPECT_EQ(test, who_v4(test, 0x0a010203), 1);
	KUNIT_EXPECT_TRUE(test, list_empty(&f->peers[0]->allowedips_list));
	KUNIT_EXPECT_FALSE(test, list_empty(&f->peers[1]->allowedips_list));
	seq = f->table.seq;
	add_v4(test, 0x0a000000, 8, 1);		/* holds it already */
	KUNIT_EXPECT_EQ(test, f->table.seq, seq);
	r.cidr = 9;
	KUNIT_EXPECT_EQ(test, do_remove(f, &r), -ENOENT);
	check_all(test, 100);
}

/* A fork gets a holder and loses it again. */
static void allowedips_forks(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct route r = { .ip = { 10, 0, 0, 0 }, .cidr = 15, .peer = f->peers[2] };

	add_v4(test, 0x0a000000, 16, 0);
	add_v4(test, 0x0a010000, 16, 1);	/* under a fork 10.0.0.0/15 */
	KUNIT_EXPECT_EQ(test, do_remove(f, &r), -ENOENT);
	KUNIT_EXPECT_NULL(test, do_holder(f, &r));
	add_v4(test, 0x0a000000, 15, 2);
	check_all(test, 200);
	KUNIT_EXPECT_EQ(test, do_remove(f, &r), 0);
	model_remove(f, model_find(f, &r));
	check_all(test, 200);
	r.cidr = 16;
	r.peer = f->peers[0];
	KUNIT_EXPECT_EQ(test, do_remove(f, &r), 0);
	model_remove(f, model_find(f, &r));
	check_all(test, 200);
	KUNIT_EXPECT_EQ(test, who_v4(test, 0x0a010000), 1);
}

static void allowedips_full(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct route r = { .ip = { 10, 1, 0, 0 }, .cidr = 16, .peer = f->peers[1] };
	unsigned int count;

	add_v4(test, 0x0a000000, 16, 0);
	add_v4(test, 0x0a020000, 16, 0);	/* fork 10.0.0.0/14 */
	count = f->table.count;
	f->table.count = MMESH_MAX_PREFIXES_PER_DEVICE;
	KUNIT_EXPECT_EQ(test, do_insert(f, &r), -ENOSPC);
	r.ip[1] = 0;
	r.cidr = 14;
	KUNIT_EXPECT_EQ(test, do_insert(f, &r), -ENOSPC);
	/* What is known already may still move. */
	add_v4(test, 0x0a000000, 16, 1);
	KUNIT_EXPECT_EQ(test, f->table.count, MMESH_MAX_PREFIXES_PER_DEVICE);
	f->table.count = count;
	check_all(test, 100);
}

static void allowedips_without_memory(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct route r = { .ip = { 10, 0, 0, 0 }, .cidr = 8, .peer = f->peers[1] };
	u64 seq;

	allocs_left = 0;
	KUNIT_EXPECT_EQ(test, do_insert(f, &r), -ENOMEM);
	allocs_left = -1;
	check_all(test, 10);
	add_v4(test, 0x0a010000, 16, 0);
	add_v4(test, 0xc0000000, 8, 0);
	seq = f->table.seq;

	/* The second allocation is the fork. */
	r.ip[1] = 2;
	r.cidr = 16;
	for (allocs_left = 0; allocs_left < 2; allocs_left++) {
		int before = allocs_left;

		KUNIT_EXPECT_EQ(test, do_insert(f, &r), -ENOMEM);
		KUNIT_EXPECT_EQ(test, f->table.seq, seq);
		KUNIT_EXPECT_TRUE(test, list_empty(&f->peers[1]->allowedips_list));
		check_all(test, 50);
		allocs_left = before;
	}
	allocs_left = 2;
	KUNIT_EXPECT_EQ(test, do_insert(f, &r), 0);
	model_insert(f, &r);
	/* Neither a move nor a fork's holder needs memory. */
	allocs_left = 0;
	add_v4(test, 0x0a010000, 16, 3);
	add_v4(test, 0x0a000000, 14, 4);
	check_all(test, 100);
}

static void random_step(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct route r = random_route(f), *known;
	unsigned int what = mmesh_test_below(&f->rnd, 1000);

	if (what == 0) {
		mutex_lock(&f->lock);
		mmesh_allowedips_remove_by_peer(&f->table, r.peer, &f->lock);
		mutex_unlock(&f->lock);
		KUNIT_EXPECT_TRUE(test, list_empty(&r.peer->allowedips_list));
		model_remove_by_peer(f, r.peer);
	} else if (what < 250 && f->num_routes) {
		known = &f->routes[mmesh_test_below(&f->rnd, f->num_routes)];
		KUNIT_EXPECT_EQ(test, do_remove(f, known), 0);
		model_remove(f, known);
	} else if (what < 300) {
		struct route bare = r;

		model_clear_host(&bare);
		known = model_find(f, &bare);
		KUNIT_EXPECT_PTR_EQ(test, do_holder(f, &r), known ? known->peer : NULL);
		KUNIT_EXPECT_EQ(test, do_remove(f, &r),
				known && known->peer == r.peer ? 0 : -ENOENT);
		if (known && known->peer == r.peer)
			model_remove(f, known);
	} else if (f->num_routes < MODEL_SIZE) {
		KUNIT_EXPECT_EQ(test, do_insert(f, &r), 0);
		model_clear_host(&r);
		model_insert(f, &r);
	}
}

static void allowedips_random(struct kunit *test)
{
	enum { STEPS = 8000 };
	struct fixture *f = test->priv;
	unsigned int i;

	mmesh_test_seed(test, &f->rnd);
	for (i = 0; i < STEPS; i++) {
		random_step(test);
		if (i % 100 == 0)
			check_all(test, 50);
		cond_resched();
	}
	check_all(test, 3000);
	for (i = 0; i < PEERS; i++) {
		mutex_lock(&f->lock);
		mmesh_allowedips_remove_by_peer(&f->table, f->peers[i], &f->lock);
		mutex_unlock(&f->lock);
		model_remove_by_peer(f, f->peers[i]);
		check_all(test, 100);
	}
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(f->table.root4));
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(f->table.root6));
}

static void allowedips_free_all(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i, left = 0;

	mmesh_test_seed(test, &f->rnd);
	for (i = 0; i < 1000; i++)
		random_step(test);
	mutex_lock(&f->lock);
	mmesh_allowedips_free(&f->table, &f->lock);
	mutex_unlock(&f->lock);
	f->num_routes = 0;
	for (i = 0; i < PEERS; i++)
		left += !list_empty(&f->peers[i]->allowedips_list);
	KUNIT_EXPECT_EQ(test, left, 0);
	check_all(test, 100);
	/* It is as good as new. */
	add_v4(test, 0x0a000000, 8, 0);
	check_all(test, 100);
}

/* 65,536 hosts: how many nodes a lookup or an insertion meets. */
static void allowedips_many(struct kunit *test)
{
	enum { N = 1 << 16, STEP = 40503 };	/* odd, so every host has its turn */
	struct fixture *f = test->priv;
	u64 first = 0, last = 0, start;
	struct route r = {};
	unsigned int i, wrong = 0;

	for (i = 0; i < N; i++) {
		__be32 addr = cpu_to_be32(0x0a000000 + (u16)(i * STEP));

		if (i % 1024 == 0)
			start = ktime_get_ns();
		memcpy(r.ip, &addr, sizeof(addr));
		r.cidr = 32;
		r.peer = f->peers[i % PEERS];
		KUNIT_ASSERT_EQ(test, do_insert(f, &r), 0);
		if (i % 1024 == 1023) {
			last = ktime_get_ns() - start;
			first = first ?: last;
		}
	}
	kunit_info(test, "ns for 1024 insertions: first %llu, last %llu\n", first, last);
	for (i = 0; i < N; i++)
		wrong += who_v4(test, 0x0a000000 + (u16)(i * STEP)) != i % PEERS;
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, f->table.count, N);
	for (i = 0; i < PEERS; i++) {
		mutex_lock(&f->lock);
		mmesh_allowedips_remove_by_peer(&f->table, f->peers[i], &f->lock);
		mutex_unlock(&f->lock);
	}
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(f->table.root4));
}

struct reader {
	struct fixture *f;
	unsigned long rounds;
	unsigned long strange;
};

/* 10.0.0.0/8 is peer 0's all the time and 10.1.1.1/32 peer 1's; only peers 2
 * and 3 ever have something in between.
 */
static int reader_thread(void *arg)
{
	struct route inner = { .ip = { 10, 1, 1, 1 } };
	struct route outer = { .ip = { 10, 1, 1, 0 } };
	struct reader *reader = arg;
	struct fixture *f = reader->f;

	while (!kthread_should_stop()) {
		struct mmesh_peer *peer = do_lookup(f, &outer);

		reader->strange += peer != f->peers[0] && peer != f->peers[2] &&
				   peer != f->peers[3];
		reader->strange += do_lookup(f, &inner) != f->peers[1];
		outer.ip[3] = outer.ip[3] == 1 ? 2 : outer.ip[3] + 1;
		if (outer.ip[3] == 1)
			outer.ip[3]++;
		WRITE_ONCE(reader->rounds, reader->rounds + 1);
		cond_resched();
	}
	return 0;
}

static void allowedips_readers(struct kunit *test)
{
	enum { STEPS = 50000 };
	struct fixture *f = test->priv;
	struct reader reader = { .f = f };
	struct task_struct *task;
	unsigned int i;

	mmesh_test_seed(test, &f->rnd);
	add_v4(test, 0x0a000000, 8, 0);
	add_v4(test, 0x0a010101, 32, 1);
	task = kthread_run(reader_thread, &reader, "mmesh_aips_test");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	for (i = 0; i < STEPS || READ_ONCE(reader.rounds) < 1000; i++) {
		struct route r = { .ip = { 10, 1, 1, 1 } };

		r.cidr = 9 + mmesh_test_below(&f->rnd, 23);
		flip(&r, 8 + mmesh_test_below(&f->rnd, 24));
		r.peer = f->peers[2 + mmesh_test_below(&f->rnd, 2)];
		if (mmesh_test_below(&f->rnd, 2))
			KUNIT_EXPECT_EQ(test, do_insert(f, &r), 0);
		else
			do_remove(f, &r);
		if (i % 64 == 0)
			cond_resched();
	}
	kthread_stop(task);
	KUNIT_EXPECT_EQ(test, reader.strange, 0);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(allowedips_empty),
	KUNIT_CASE(allowedips_too_long),
	KUNIT_CASE(allowedips_default_routes),
	KUNIT_CASE(allowedips_known_routes),
	KUNIT_CASE(allowedips_nested),
	KUNIT_CASE(allowedips_moves),
	KUNIT_CASE(allowedips_forks),
	KUNIT_CASE(allowedips_full),
	KUNIT_CASE(allowedips_without_memory),
	KUNIT_CASE(allowedips_random),
	KUNIT_CASE(allowedips_free_all),
	KUNIT_CASE(allowedips_many),
	KUNIT_CASE(allowedips_readers),
	{}
};

static struct kunit_suite suite = {
	.name = "allowedips",
	.init = allowedips_init,
	.exit = allowedips_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
