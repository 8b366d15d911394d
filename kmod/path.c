// SPDX-License-Identifier: GPL-2.0
/*
 * The paths of a peer and their timer. While data goes either way each path is
 * probed at the pace that pathstate.c gives; when it has stopped for a while,
 * nothing is sent and the timer rests. What pathstate.c and mtusearch.c decide
 * is published as the peer's endpoint and path MTU.
 */

#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/random.h>
#include <net/ipv6.h>

#include "device.h"
#include "ext.h"
#include "mmesh-compat-timer.h"
#include "path.h"
#include "peer.h"

enum {
	ACTIVE_JIFFIES = 5 * HZ,	/* after the last data */
	MIN_TICK_MS = 20,
	MAX_TICK_MS = 1000,
	ROUTE_MS = 300,			/* between looks at the route's MTU */
	ANNOUNCE_MS = 5000,
	NO_SESSION_MS = 200,		/* until it is looked for again */
	TRIGGERED_MS = 250,		/* between probes that answer probes */
	MAX_ORDERS = 8,			/* at once; others wait for the next tick */
};

static u64 now_ms(void)
{
	return div_u64(ktime_get_ns(), NSEC_PER_MSEC) + 1;
}

static u64 now_us(void)
{
	return div_u64(ktime_get_ns(), NSEC_PER_USEC) + 1;
}

static u64 new_id(void)
{
	return get_random_u64() | 1;
}

static struct mmesh_paths *paths_of(struct mmesh_peer *peer)
{
	struct mmesh_peer_ext *ext = mmesh_peer_ext(peer);

	return ext ? &ext->paths : NULL;
}

static void run_soon(struct mmesh_paths *paths)
{
	if (!paths->stopped)
		mod_timer(&paths->timer, jiffies);
}

static void publish_mtu(struct mmesh_paths *paths)
{
	unsigned int size = 0;

	if (paths->in_use >= 0)
		size = mmesh_mtu_size(&paths->path[paths->in_use]->mtu);
	WRITE_ONCE(paths->peer->path_mtu,
		   size ? size - MMESH_RECORD_OVERHEAD : 0);
}

/* Send by path @i from now on; its address may be the same as before. */
static void use(struct mmesh_paths *paths, int i)
{
	struct mmesh_path *path = paths->path[i];

	if (i != paths->in_use) {
		if (paths->in_use >= 0)
			paths->path[paths->in_use]->data_sent =
				READ_ONCE(paths->data_sent);
		WRITE_ONCE(paths->data_sent, path->data_sent);
		paths->in_use = i;
		paths->route_ms = 0;
	}
	mmesh_endpoint_publish(paths->peer, &path->addr);
	publish_mtu(paths);
}

static void tell(struct mmesh_paths *paths, int i, bool changed_use)
{
	const struct mmesh_path *path = paths->path[i];
	const struct mmesh_path_info info = {
		.addr = path->addr,
		.state = path->state.state,
		.reason = path->state.reason,
		.sources = path->sources,
		.in_use = i == paths->in_use,
		.rtt_us = path->state.rtt_us,
		.loss = path->state.loss,
		.mtu = READ_ONCE(paths->peer->path_mtu),
	};

	mmesh_netlink_notify_path(paths->peer, &info);
	if (changed_use)
		mmesh_stat_inc(paths->peer->device, MMESH_STAT_PATH_SWITCHES);
}

/* Who shares a prefix with the peer serves it while no path works. */
static void judge(struct mmesh_paths *paths, bool none_works)
{
	if (none_works == paths->none_works)
		return;
	WRITE_ONCE(paths->none_works, none_works);
	mmesh_peer_set_unreachable(paths->peer, none_works);
}

static void choose(struct mmesh_paths *paths)
{
	const struct mmesh_pathstate *states[MMESH_MAX_PATHS];
	int i, best;

	for (i = 0; i < paths->n; i++)
		states[i] = &paths->path[i]->state;
	judge(paths, mmesh_path_none_works(states, paths->n, paths->none_works));
	best = mmesh_path_choose(states, paths->n, paths->in_use);
	if (best < 0 || best == paths->in_use)
		return;
	use(paths, best);
	tell(paths, best, true);
}

/* The endpoint may be older than the extensions are. */
static void take_endpoint(struct mmesh_paths *paths)
{
	struct mmesh_addr addr;
	int i;

	if (paths->in_use >= 0 || !mmesh_endpoint_get(paths->peer, &addr))
		return;
	i = mmesh_pathset_add(paths, &addr, MMESH_PATH_SOURCE_CONFIGURED);
	if (i >= 0)
		use(paths, i);
}

/* Where the peer was heard. Lock held. */
static void heard_at(struct mmesh_paths *paths, const struct mmesh_addr *addr)
{
	struct mmesh_path *path;
	int i = paths->heard;
	bool moved;

	if (i < 0 || !mmesh_addr_same_remote(&paths->path[i]->addr, addr))
		i = mmesh_pathset_find(paths, addr);
	if (i < 0) {
		take_endpoint(paths);
		i = mmesh_pathset_add(paths, addr, MMESH_PATH_SOURCE_LEARNT);
		if (i < 0)
			return;
		/* It may have moved: is it still where it was? */
		if (paths->in_use >= 0)
			paths->path[paths->in_use]->probe_soon = true;
		run_soon(paths);
	}
	path = paths->path[i];
	path->data_seen++;
	paths->heard = i;
	moved = !mmesh_addr_equal(&path->addr, addr);
	path->addr = *addr;
	if (paths->in_use < 0 || (i == paths->in_use && moved))
		use(paths, i);
}

void mmesh_path_heard(struct mmesh_peer *peer, const struct mmesh_addr *addr)
{
	struct mmesh_paths *paths = paths_of(peer);

	if (!paths)
		return;
	spin_lock_bh(&paths->lock);
	heard_at(paths, addr);
	spin_unlock_bh(&paths->lock);
}

void mmesh_path_session_made(struct mmesh_peer *peer)
{
	struct mmesh_paths *paths = paths_of(peer);

	if (!paths)
		return;
	spin_lock_bh(&paths->lock);
	if (paths->heard >= 0) {
		mmesh_path_proved(&paths->path[paths->heard]->state, now_ms());
		choose(paths);
	}
	run_soon(paths);
	spin_unlock_bh(&paths->lock);
}

static void wake(struct mmesh_paths *paths)
{
	spin_lock_bh(&paths->lock);
	if (!paths->active && !paths->stopped) {
		WRITE_ONCE(paths->active, true);
		mod_timer(&paths->timer, jiffies);
	}
	spin_unlock_bh(&paths->lock);
}

void mmesh_path_data(struct mmesh_peer *peer, bool sent)
{
	struct mmesh_paths *paths = paths_of(peer);
	const unsigned long now = jiffies;

	if (!paths)
		return;
	/* Lost updates do no harm: it counts whether there was any. */
	if (sent)
		WRITE_ONCE(paths->data_sent, READ_ONCE(paths->data_sent) + 1);
	if (READ_ONCE(paths->last_data) != now)
		WRITE_ONCE(paths->last_data, now);
	if (unlikely(!READ_ONCE(paths->active)))
		wake(paths);
}

bool mmesh_path_is_lost(struct mmesh_peer *peer)
{
	struct mmesh_paths *paths = paths_of(peer);

	return paths && READ_ONCE(paths->none_works);
}

void mmesh_path_full(struct mmesh_peer *peer)
{
	struct mmesh_paths *paths = paths_of(peer);

	if (paths && !READ_ONCE(paths->full))
		WRITE_ONCE(paths->full, true);
}

static bool has_session(struct mmesh_peer *peer)
{
	struct mmesh_keypair *keypair;

	keypair = rcu_dereference(peer->keypairs.current_keypair);
	return keypair && keypair->ext && READ_ONCE(keypair->sending_valid) &&
	       !mmesh_expired(keypair->birthdate, MMESH_REJECT_AFTER_TIME);
}

/* Whether path @i is worth a quicker pace. */
static bool is_needed(const struct mmesh_paths *paths, int i)
{
	const struct mmesh_pathstate *now;

	if (paths->in_use < 0)
		return true;
	now = &paths->path[paths->in_use]->state;
	return i != paths->in_use &&
	       (now->state != MMESH_PATH_STATE_ALIVE ||
		(now->relayed && !paths->path[i]->state.relayed));
}

static bool is_stranger(const struct mmesh_path *path)
{
	return !path->state.answered_once;
}

/* The path in use may be dying: those that would follow have to prove that they
 * are better, at the same time and not after it.
 */
static void doubt_others(struct mmesh_paths *paths)
{
	int i;

	for (i = 0; i < paths->n; i++)
		if (i != paths->in_use &&
		    paths->path[i]->state.state == MMESH_PATH_STATE_ALIVE)
			paths->path[i]->probe_soon = true;
}

/* Fill in the next small probe by path @i, if it is due. */
static bool order_probe(struct mmesh_paths *paths, int i, u64 now,
			struct mmesh_probe_order *order)
{
	struct mmesh_path *path = paths->path[i];
	const bool current_path = i == paths->in_use;

	if (!path->probe_soon &&
	    mmesh_path_due(&path->state, current_path, is_needed(paths, i)) > now)
		return false;
	if (is_stranger(path) &&
	    !mmesh_bucket_take(&paths->peer->device->observed.strangers, 1,
			       MMESH_STRANGER_PROBES, MMESH_STRANGER_PROBES,
			       ktime_get_coarse_boottime_ns()))
		return false;
	*order = (struct mmesh_probe_order){
		.addr = path->addr,
		.id = new_id(),
		.keepalive = path->state.reason == MMESH_PATH_REASON_NO_DATA,
	};
	path->probe_soon = false;
	if (order->keepalive)
		path->data_sent++;
	if (current_path && path->state.unanswered + 1 == MMESH_PATH_DOUBT_PROBES)
		doubt_others(paths);
	mmesh_path_probed(&path->state, now, order->id, now_us(),
			  current_path ? READ_ONCE(paths->data_sent) :
					 path->data_sent);
	return true;
}

static unsigned int patience_of(const struct mmesh_path *path)
{
	return clamp_t(unsigned int, path->state.rtt_us / 500 + 60, 150, 1000);
}

/* The next probe of the search for the MTU of the path in use. */
static bool order_size(struct mmesh_paths *paths, u64 now,
		       struct mmesh_probe_order *order)
{
	struct mmesh_path *path = paths->path[paths->in_use];
	unsigned int size;
	bool changed;

	if (path->state.state != MMESH_PATH_STATE_ALIVE)
		return false;
	if (now - paths->route_ms >= ROUTE_MS) {
		paths->route_ms = now;
		size = mmesh_socket_route_mtu(paths->peer->device, &path->addr);
		if (size && mmesh_mtu_route(&path->mtu, now, size))
			publish_mtu(paths);
		/* Inner IPv6 packets are longer than what passes. Not earlier:
		 * it bounds the search as well.
		 */
		if (path->mtu.bad && mmesh_mtu_settled(&path->mtu) &&
		    path->mtu.bad <= IPV6_MIN_MTU + MMESH_RECORD_OVERHEAD)
			mmesh_socket_limit_mtu(paths->peer->device, &path->addr,
					       path->mtu.good + path->mtu.overhead);
	}
	changed = mmesh_mtu_elapsed(&path->mtu, now, patience_of(path),
				    path->state.heard_ms);
	if (changed)
		publish_mtu(paths);
	size = mmesh_mtu_next(&path->mtu, now, READ_ONCE(paths->full));
	if (!size)
		return false;
	WRITE_ONCE(paths->full, false);
	path->mtu_id = new_id();
	mmesh_mtu_sent(&path->mtu, now, size);
	/* A small one tells whether it was the size. */
	path->probe_soon = true;
	*order = (struct mmesh_probe_order){
		.addr = path->addr,
		.id = path->mtu_id,
		.size = size,
	};
	return true;
}

/* States as they are now; then what is to be sent. Returns how many. */
static unsigned int collect(struct mmesh_paths *paths, u64 now,
			    struct mmesh_probe_order *orders)
{
	unsigned int n = 0;
	int i;

	for (i = 0; i < paths->n; i++)
		if (mmesh_path_elapsed(&paths->path[i]->state, now))
			tell(paths, i, false);
	choose(paths);
	if (paths->in_use >= 0)
		n += order_size(paths, now, &orders[n]);
	for (i = 0; i < paths->n && n < MAX_ORDERS; i++)
		n += order_probe(paths, i, now, &orders[n]);
	return n;
}

/* When the timer is to run next. */
static unsigned long next_run(const struct mmesh_paths *paths, u64 now)
{
	u64 next = now + MAX_TICK_MS;
	int i;

	for (i = 0; i < paths->n; i++) {
		const struct mmesh_pathstate *state = &paths->path[i]->state;

		next = min(next, mmesh_path_due(state, i == paths->in_use,
						is_needed(paths, i)));
		if (state->doubt_ms && state->state != MMESH_PATH_STATE_DEAD)
			next = min_t(u64, next, now + MMESH_PATH_FAST_MS / 3);
	}
	if (paths->in_use >= 0 && paths->path[paths->in_use]->mtu.trying)
		next = min_t(u64, next, now + patience_of(paths->path[paths->in_use]) / 2);
	next = clamp_t(u64, next, now + MIN_TICK_MS, now + MAX_TICK_MS);
	return jiffies + msecs_to_jiffies(next - now);
}

static void no_route(struct mmesh_paths *paths, const struct mmesh_addr *addr)
{
	int i;

	spin_lock_bh(&paths->lock);
	i = mmesh_pathset_find(paths, addr);
	if (i >= 0) {
		bool was_alive = paths->path[i]->state.state ==
				 MMESH_PATH_STATE_ALIVE;

		mmesh_path_unreachable(&paths->path[i]->state, now_ms());
		if (was_alive)
			tell(paths, i, false);
		choose(paths);
	}
	spin_unlock_bh(&paths->lock);
}

static void send_orders(struct mmesh_paths *paths,
			const struct mmesh_probe_order *orders, unsigned int n)
{
	unsigned int i;
	int ret;

	for (i = 0; i < n; i++) {
		ret = mmesh_probe_send(paths->peer, &orders[i]);
		if (ret == -ENETUNREACH || ret == -EHOSTUNREACH ||
		    ret == -EAFNOSUPPORT || ret == -ENONET)
			no_route(paths, &orders[i].addr);
	}
}

static void rest(struct mmesh_paths *paths)
{
	int i;

	WRITE_ONCE(paths->active, false);
	for (i = 0; i < paths->n; i++)
		mmesh_path_rested(&paths->path[i]->state);
}

static bool works(const struct mmesh_paths *paths)
{
	return paths->in_use >= 0 &&
	       paths->path[paths->in_use]->state.state != MMESH_PATH_STATE_DEAD;
}

/* The peer can help to find a better path. */
static bool has_to_announce(struct mmesh_paths *paths, u64 now)
{
	if (paths->in_use < 0 || now - paths->told_ms < ANNOUNCE_MS ||
	    !paths->path[paths->in_use]->state.relayed)
		return false;
	paths->told_ms = now;
	return true;
}

static void on_timer(struct timer_list *timer)
{
	struct mmesh_paths *paths = timer_container_of(paths, timer, timer);
	struct mmesh_probe_order orders[MAX_ORDERS];
	bool announce = false, ask = false;
	unsigned int n = 0;
	u64 now = now_ms();

	rcu_read_lock();
	spin_lock_bh(&paths->lock);
	if (paths->stopped)
		goto unlock;
	/* The extensions may have been switched off. */
	if (!paths_of(paths->peer)) {
		rest(paths);
		goto unlock;
	}
	take_endpoint(paths);
	if (time_after(jiffies, READ_ONCE(paths->last_data) + ACTIVE_JIFFIES)) {
		rest(paths);
		goto unlock;
	}
	if (has_session(paths->peer)) {
		n = collect(paths, now, orders);
		announce = has_to_announce(paths, now);
		ask = !works(paths);
		mod_timer(&paths->timer, next_run(paths, now));
	} else {
		mod_timer(&paths->timer,
			  jiffies + msecs_to_jiffies(NO_SESSION_MS));
	}
unlock:
	spin_unlock_bh(&paths->lock);
	send_orders(paths, orders, n);
	if (announce)
		mmesh_probe_announce(paths->peer);
	/* Perhaps it restarted, and no session is left to answer under. */
	if (ask)
		mmesh_handshake_initiate(paths->peer, false);
	rcu_read_unlock();
}

bool mmesh_path_probed_by(struct mmesh_peer *peer, const struct mmesh_addr *from,
			  u32 *data_seen, bool *has_seen,
			  struct mmesh_probe_order *order)
{
	struct mmesh_paths *paths = paths_of(peer);
	u64 now = now_ms();
	bool probe = false;
	int i;

	*has_seen = false;
	*data_seen = 0;
	if (!paths)
		return false;
	spin_lock_bh(&paths->lock);
	take_endpoint(paths);
	i = mmesh_pathset_add(paths, from, MMESH_PATH_SOURCE_LEARNT);
	if (i >= 0) {
		struct mmesh_path *path = paths->path[i];

		*has_seen = true;
		*data_seen = path->data_seen;
		if (paths->in_use < 0)
			use(paths, i);
		/* What has just opened may open the other way, too. */
		if (path->state.state != MMESH_PATH_STATE_ALIVE &&
		    (!path->state.probed_ms ||
		     now - path->state.probed_ms >= TRIGGERED_MS)) {
			path->probe_soon = true;
			probe = order_probe(paths, i, now, order);
		}
	}
	spin_unlock_bh(&paths->lock);
	return probe;
}

static bool take_answer(struct mmesh_paths *paths, int i, u64 id, bool has_seen,
			u32 data_seen)
{
	struct mmesh_path *path = paths->path[i];
	const u8 before = path->state.state;
	u64 now = now_ms();

	if (path->mtu_id == id) {
		path->mtu_id = 0;
		if (path->mtu.trying &&
		    mmesh_mtu_passed(&path->mtu, now, path->mtu.trying) &&
		    i == paths->in_use)
			publish_mtu(paths);
		return true;
	}
	if (!mmesh_path_expects(&path->state, id))
		return false;
	if (has_seen)
		mmesh_path_reported(&path->state, id, data_seen);
	mmesh_path_answered(&path->state, now, id, now_us());
	if (path->state.state != before)
		tell(paths, i, false);
	return true;
}

bool mmesh_path_answer(struct mmesh_peer *peer, const struct mmesh_addr *from,
		       u64 id, bool has_seen, u32 data_seen)
{
	struct mmesh_paths *paths = paths_of(peer);
	bool known = false;
	int i;

	if (!paths || !id)
		return false;
	spin_lock_bh(&paths->lock);
	/* From elsewhere it would prove one direction only. */
	i = mmesh_pathset_find(paths, from);
	if (i >= 0)
		known = take_answer(paths, i, id, has_seen, data_seen);
	if (known) {
		choose(paths);
		if (paths->active)
			run_soon(paths);
	}
	spin_unlock_bh(&paths->lock);
	return known;
}

void mmesh_path_told(struct mmesh_peer *peer, const struct mmesh_addr *addr)
{
	struct mmesh_paths *paths = paths_of(peer);

	if (!paths)
		return;
	spin_lock_bh(&paths->lock);
	if (mmesh_pathset_find(paths, addr) < 0 &&
	    mmesh_pathset_add(paths, addr, MMESH_PATH_SOURCE_TOLD) >= 0 && paths->active)
		run_soon(paths);
	spin_unlock_bh(&paths->lock);
}

unsigned int mmesh_path_alternatives(struct mmesh_peer *peer, unsigned int attempt,
				     struct mmesh_addr *addr, unsigned int max)
{
	struct mmesh_paths *paths = paths_of(peer);
	unsigned int n = 0, i;

	if (!paths)
		return 0;
	spin_lock_bh(&paths->lock);
	for (i = 0; i < paths->n && n < max; i++) {
		unsigned int at = (attempt + i) % paths->n;

		if ((int)at != paths->in_use)
			addr[n++] = paths->path[at]->addr;
	}
	spin_unlock_bh(&paths->lock);
	return n;
}

int mmesh_path_configure(struct mmesh_peer *peer, const struct mmesh_addr *addr,
			 bool remove)
{
	struct mmesh_paths *paths = &peer->ext->paths;
	int i, ret = 0;

	lockdep_assert_held(&peer->device->update_lock);
	spin_lock_bh(&paths->lock);
	take_endpoint(paths);
	if (remove) {
		i = mmesh_pathset_find(paths, addr);
		if (i < 0)
			ret = -ENOENT;
		else if (i == paths->in_use)
			paths->path[i]->sources = MMESH_PATH_SOURCE_LEARNT;
		else
			mmesh_pathset_drop(paths, i);
	} else {
		i = mmesh_pathset_add(paths, addr, MMESH_PATH_SOURCE_CONFIGURED);
		ret = min(i, 0);
		if (i >= 0 && paths->in_use < 0)
			use(paths, i);
		run_soon(paths);
	}
	spin_unlock_bh(&paths->lock);
	return ret;
}

void mmesh_path_place(struct mmesh_peer *peer, const struct mmesh_addr *addr,
		      u8 source, bool now)
{
	struct mmesh_paths *paths = paths_of(peer);
	int i;

	if (!paths)
		return;
	spin_lock_bh(&paths->lock);
	i = mmesh_pathset_add(paths, addr, source);
	if (i >= 0) {
		paths->path[i]->addr = *addr;
		paths->path[i]->probe_soon = true;
		if (now || paths->in_use < 0 || i == paths->in_use)
			use(paths, i);
	}
	run_soon(paths);
	spin_unlock_bh(&paths->lock);
}

unsigned int mmesh_path_snapshot(struct mmesh_peer *peer, struct mmesh_path_info *info)
{
	struct mmesh_paths *paths = paths_of(peer);
	u64 now = now_ms();
	unsigned int i, n;

	if (!paths)
		return 0;
	spin_lock_bh(&paths->lock);
	take_endpoint(paths);
	n = paths->n;
	for (i = 0; i < n; i++) {
		const struct mmesh_path *path = paths->path[i];
		const unsigned int size = mmesh_mtu_size(&path->mtu);

		info[i] = (struct mmesh_path_info){
			.addr = path->addr,
			.state = path->state.state,
			.reason = path->state.reason,
			.sources = path->sources,
			.in_use = (int)i == paths->in_use,
			.heard = path->state.heard_ms,
			.loss = path->state.loss,
			.rtt_us = path->state.rtt_us,
			.mtu = size ? size - MMESH_RECORD_OVERHEAD : 0,
			.age_ms = now - path->state.heard_ms,
		};
	}
	spin_unlock_bh(&paths->lock);
	return n;
}

void mmesh_observed_init(struct mmesh_observed *observed)
{
	spin_lock_init(&observed->lock);
	mmesh_bucket_init(&observed->strangers);
}

void mmesh_paths_init(struct mmesh_paths *paths, struct mmesh_peer *peer)
{
	paths->peer = peer;
	paths->in_use = -1;
	paths->heard = -1;
	paths->stopped = !netif_running(peer->device->dev);
	spin_lock_init(&paths->lock);
	timer_setup(&paths->timer, on_timer, 0);
}

void mmesh_paths_start(struct mmesh_peer *peer)
{
	struct mmesh_peer_ext *ext = peer->ext;

	if (!ext)
		return;
	spin_lock_bh(&ext->paths.lock);
	ext->paths.stopped = READ_ONCE(peer->is_dead);
	spin_unlock_bh(&ext->paths.lock);
}

void mmesh_paths_stop(struct mmesh_peer *peer)
{
	struct mmesh_peer_ext *ext = peer->ext;

	if (!ext)
		return;
	spin_lock_bh(&ext->paths.lock);
	ext->paths.stopped = true;
	rest(&ext->paths);
	spin_unlock_bh(&ext->paths.lock);
	timer_delete_sync(&ext->paths.timer);
}
