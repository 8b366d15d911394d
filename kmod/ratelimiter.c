// SPDX-License-Identifier: GPL-2.0
/* How often one source may cause a Diffie-Hellman while the device is under
 * load. Sources have proved by a cookie that they receive at their address.
 */

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "limits.h"
#include "ratelimiter.h"
#include "socket.h"

enum {
	CHAINS_BITS = 13,
	CHAINS = 1 << CHAINS_BITS,
	MAX_SOURCES = 8 * CHAINS,	/* 6 MiB */
	COST_NS = NSEC_PER_SEC / MMESH_RATELIMIT_PACKETS_PER_SECOND,
	FULL_NS = COST_NS * MMESH_RATELIMIT_BURST,
};

/* Who a bucket belongs to; siphashed, so no padding. */
struct name {
	u64 ip;			/* IPv4 address, or upper half of IPv6 */
	unsigned long net;	/* never followed */
	u64 family;
};

/* The bucket is kept as time: one packet costs COST_NS, and time that passes
 * fills it up to FULL_NS.
 */
struct mmesh_source {
	struct hlist_node chain;	/* RCU; writers: table_lock */
	struct name name;
	spinlock_t lock;		/* the two below */
	u64 last_ns;
	u64 credit_ns;
	struct rcu_head rcu;
};

static DEFINE_MUTEX(users_lock);	/* users; creation and end of the rest */
static unsigned int users;
static struct hlist_head *chains;
static struct kmem_cache *source_cache;
static siphash_key_t name_secret;
static DEFINE_SPINLOCK(table_lock);	/* writers of chains, num_sources */
static unsigned int num_sources;

static void collect(struct work_struct *work);
static DECLARE_DELAYED_WORK(collector, collect);

/* KUnit puts a clock of its own in the place of this. */
#ifndef MMESH_KUNIT
static u64 boot_clock_ns(void)
{
	return ktime_get_coarse_boottime_ns();
}
#endif

static void name_of(struct name *name, const struct mmesh_addr *from,
		    const struct net *net)
{
	name->net = (unsigned long)net;
	name->family = from->addr.sa_family;
	/* Who has an IPv6 address has the other 2^64 of its network as well. */
	if (mmesh_addr_is_relayed(from))
		name->ip = (u64)from->relay.relay << 32 | from->relay.channel;
	else if (from->addr.sa_family == AF_INET6)
		memcpy(&name->ip, &from->addr6.sin6_addr, sizeof(name->ip));
	else
		name->ip = (__force u32)from->addr4.sin_addr.s_addr;
}

static bool same_name(const struct name *a, const struct name *b)
{
	return a->ip == b->ip && a->net == b->net && a->family == b->family;
}

static struct hlist_head *chain_of(const struct name *name)
{
	u64 hash = siphash(name, sizeof(*name), &name_secret);

	return &chains[hash & (CHAINS - 1)];
}

static struct mmesh_source *lookup(struct hlist_head *chain, const struct name *name)
{
	struct mmesh_source *source;

	hlist_for_each_entry_rcu(source, chain, chain,
				 lockdep_is_held(&table_lock)) {
		if (same_name(&source->name, name))
			return source;
	}
	return NULL;
}

static bool spend(struct mmesh_source *source, u64 now)
{
	bool ret;

	spin_lock_bh(&source->lock);
	/* The coarse clock of another CPU may be a tick behind. */
	if (now > source->last_ns) {
		source->credit_ns = min_t(u64, FULL_NS, source->credit_ns +
					  (now - source->last_ns));
		source->last_ns = now;
	}
	ret = source->credit_ns >= COST_NS;
	if (ret)
		source->credit_ns -= COST_NS;
	spin_unlock_bh(&source->lock);
	return ret;
}

/* A new source's bucket is full but for this packet. False: no room. */
static bool add_source(struct hlist_head *chain, const struct name *name, u64 now)
{
	struct mmesh_source *fresh, *source;
	bool ret = true;

	if (READ_ONCE(num_sources) >= MAX_SOURCES)
		return false;
	fresh = kmem_cache_alloc(source_cache, GFP_ATOMIC);
	if (!fresh)
		return false;
	fresh->name = *name;
	spin_lock_init(&fresh->lock);
	fresh->last_ns = now;
	fresh->credit_ns = FULL_NS - COST_NS;

	spin_lock_bh(&table_lock);
	source = lookup(chain, name);
	if (!source && num_sources < MAX_SOURCES) {
		hlist_add_head_rcu(&fresh->chain, chain);
		WRITE_ONCE(num_sources, num_sources + 1);
		fresh = NULL;
		/* No-op when it is already waiting. */
		queue_delayed_work(system_power_efficient_wq, &collector, HZ);
	} else if (!source) {
		ret = false;
	}
	spin_unlock_bh(&table_lock);

	if (fresh)
		kmem_cache_free(source_cache, fresh);
	/* Another CPU was first; the caller's RCU section holds what it made. */
	if (source)
		ret = spend(source, now);
	return ret;
}

bool mmesh_ratelimiter_allow(const struct mmesh_addr *from, struct net *net)
{
	struct hlist_head *chain;
	struct mmesh_source *source;
	u64 now = boot_clock_ns();
	struct name name;
	bool ret;

	name_of(&name, from, net);
	chain = chain_of(&name);
	rcu_read_lock();
	source = lookup(chain, &name);
	if (source)
		ret = spend(source, now);
	else
		ret = add_source(chain, &name, now);
	rcu_read_unlock();
	return ret;
}

static void free_source(struct rcu_head *rcu)
{
	kmem_cache_free(source_cache,
			container_of(rcu, struct mmesh_source, rcu));
}

/* A bucket that has become full says no more than no bucket. */
static bool is_idle(struct mmesh_source *source, u64 now)
{
	bool ret;

	spin_lock(&source->lock);
	ret = now > source->last_ns &&
	      source->credit_ns + (now - source->last_ns) >= FULL_NS;
	spin_unlock(&source->lock);
	return ret;
}

static void sweep(struct hlist_head *chain, u64 now, bool all)
{
	struct mmesh_source *source;
	struct hlist_node *next;

	spin_lock_bh(&table_lock);
	hlist_for_each_entry_safe(source, next, chain, chain) {
		if (!all && !is_idle(source, now))
			continue;
		hlist_del_rcu(&source->chain);
		WRITE_ONCE(num_sources, num_sources - 1);
		call_rcu(&source->rcu, free_source);
	}
	spin_unlock_bh(&table_lock);
}

static void sweep_table(bool all)
{
	const u64 now = boot_clock_ns();
	unsigned int i;

	for (i = 0; i < CHAINS; i++) {
		if (!hlist_empty(&chains[i]))
			sweep(&chains[i], now, all);
		cond_resched();
	}
}

static void collect(struct work_struct *work)
{
	sweep_table(false);
	if (READ_ONCE(num_sources))
		queue_delayed_work(system_power_efficient_wq, &collector, HZ);
}

int mmesh_ratelimiter_init(void)
{
	int ret = -ENOMEM;

	mutex_lock(&users_lock);
	if (users) {
		users++;
		ret = 0;
		goto out;
	}
	source_cache = KMEM_CACHE(mmesh_source, 0);
	if (!source_cache)
		goto out;
	chains = kvcalloc(CHAINS, sizeof(*chains), GFP_KERNEL);
	if (!chains) {
		kmem_cache_destroy(source_cache);
		goto out;
	}
	get_random_bytes(&name_secret, sizeof(name_secret));
	users = 1;
	ret = 0;
out:
	mutex_unlock(&users_lock);
	return ret;
}

void mmesh_ratelimiter_exit(void)
{
	mutex_lock(&users_lock);
	if (WARN_ON_ONCE(!users) || --users)
		goto out;
	cancel_delayed_work_sync(&collector);
	sweep_table(true);
	/* Nobody looks any more; wait for the last free_source(). */
	rcu_barrier();
	kvfree(chains);
	chains = NULL;
	kmem_cache_destroy(source_cache);
out:
	mutex_unlock(&users_lock);
}
