// SPDX-License-Identifier: Apache-2.0
/* The difference between two configurations; no input and no output. */
#include <errno.h>
#include <string.h>

#include "apply.h"

/* One prefix that one peer of the wanted configuration claims. */
struct claim {
	struct prefix prefix;
	size_t peer;
	size_t entry;
};

struct claims {
	struct claim *item;
	size_t count;
};

struct plan {
	struct mmesh_device *want;
	const struct mmesh_device *have;
	const struct mmesh_peer **have_by_key;
	struct mmesh_peer **want_by_key;
	struct claims claims;
};

static int by_key(const void *a, const void *b)
{
	const struct mmesh_peer *const *pa = a, *const *pb = b;
	int r = memcmp((*pa)->public_key, (*pb)->public_key, KEY_LEN);

	/* Same key: the order in the file. */
	return r ? r : (*pa > *pb) - (*pa < *pb);
}

static int by_key_only(const void *a, const void *b)
{
	const struct mmesh_peer *const *pa = a, *const *pb = b;

	return memcmp((*pa)->public_key, (*pb)->public_key, KEY_LEN);
}

static int by_prefix(const void *a, const void *b)
{
	const struct claim *ca = a, *cb = b;
	int r = prefix_compare(&ca->prefix, &cb->prefix);

	if (r)
		return r;
	if (ca->peer != cb->peer)
		return ca->peer < cb->peer ? -1 : 1;
	return (ca->entry > cb->entry) - (ca->entry < cb->entry);
}

static int by_prefix_only(const void *a, const void *b)
{
	const struct claim *ca = a, *cb = b;

	return prefix_compare(&ca->prefix, &cb->prefix);
}

/* What @earlier, a section about the same peer, said goes under what @later says. */
static int merge_peer(struct mmesh_peer *later, struct mmesh_peer *earlier, struct error *err)
{
	unsigned int missing = earlier->has & ~later->has;
	struct prefixes ips = { 0 };

	if (missing & MMESH_PEER_HAS_PSK)
		memcpy(later->psk, earlier->psk, KEY_LEN);
	if (missing & MMESH_PEER_HAS_ENDPOINT)
		later->endpoint = earlier->endpoint;
	if (missing & MMESH_PEER_HAS_KEEPALIVE)
		later->keepalive = earlier->keepalive;
	if (missing & MMESH_PEER_HAS_SUITE)
		later->suite = earlier->suite;
	later->has |= missing;
	earlier->remove = true;
	if (later->replace_allowed_ips)
		return 0;
	/* Changes to a list: the list, then the changes. */
	ips = earlier->allowed_ips;
	earlier->allowed_ips = (struct prefixes){ 0 };
	for (size_t i = 0; i < later->allowed_ips.count; i++) {
		int r = prefixes_add(&ips, &later->allowed_ips.item[i], err);

		if (r < 0) {
			prefixes_free(&ips);
			return r;
		}
	}
	prefixes_free(&later->allowed_ips);
	later->allowed_ips = ips;
	later->replace_allowed_ips = earlier->replace_allowed_ips;
	return 0;
}

/* Peers that appear twice become one, in the last place; the others are marked removed. */
static int merge_duplicates(struct plan *plan, struct error *err)
{
	struct mmesh_peer **peer = plan->want_by_key;

	for (size_t i = 1; i < plan->want->n_peers; i++) {
		int r = 0;

		if (!by_key_only(&peer[i - 1], &peer[i]))
			r = merge_peer(peer[i], peer[i - 1], err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A peer with '+' and '-' entries has them applied as they stand. */
static bool has_claims(const struct mmesh_peer *peer)
{
	return !peer->remove && peer->replace_allowed_ips;
}

static int collect_claims(struct plan *plan, struct error *err)
{
	struct mmesh_device *want = plan->want;
	size_t total = 0;

	for (size_t i = 0; i < want->n_peers; i++)
		if (has_claims(&want->peer[i]))
			total += want->peer[i].allowed_ips.count;
	plan->claims.item = calloc(total ? total : 1, sizeof(*plan->claims.item));
	if (!plan->claims.item)
		return error_oom(err);
	for (size_t i = 0; i < want->n_peers; i++) {
		if (!has_claims(&want->peer[i]))
			continue;
		for (size_t k = 0; k < want->peer[i].allowed_ips.count; k++)
			plan->claims.item[plan->claims.count++] = (struct claim){
				.prefix = want->peer[i].allowed_ips.item[k],
				.peer = i,
				.entry = k,
			};
	}
	qsort(plan->claims.item, plan->claims.count, sizeof(*plan->claims.item), by_prefix);
	return 0;
}

/* As if the file had been applied line by line: the last claim wins. */
static void settle_claims(struct plan *plan)
{
	struct claims *claims = &plan->claims;
	size_t kept = 0;

	for (size_t i = 0; i < claims->count; i++) {
		struct claim *c = &claims->item[i];

		if (i + 1 < claims->count && !by_prefix_only(c, c + 1)) {
			plan->want->peer[c->peer].allowed_ips.item[c->entry].family = 0;
			continue;
		}
		claims->item[kept++] = *c;
	}
	claims->count = kept;
	for (size_t i = 0; i < plan->want->n_peers; i++) {
		struct prefixes *ips = &plan->want->peer[i].allowed_ips;
		size_t n = 0;

		for (size_t k = 0; k < ips->count; k++)
			if (ips->item[k].family)
				ips->item[n++] = ips->item[k];
		ips->count = n;
	}
}

static bool is_claimed(const struct plan *plan, const struct prefix *prefix)
{
	const struct claim wanted = { .prefix = *prefix };

	return plan->claims.count && bsearch(&wanted, plan->claims.item, plan->claims.count,
					     sizeof(wanted), by_prefix_only);
}

static bool holds(const struct prefixes *sorted, const struct prefix *prefix)
{
	return sorted->count && bsearch(prefix, sorted->item, sorted->count, sizeof(*prefix),
					prefix_compare);
}

static int copy_sorted(struct prefixes *ret, const struct prefixes *from, struct error *err)
{
	for (size_t i = 0; i < from->count; i++) {
		int r = prefixes_add(ret, &from->item[i], err);

		if (r < 0)
			return r;
	}
	if (ret->count)
		qsort(ret->item, ret->count, sizeof(*ret->item), prefix_compare);
	return 0;
}

/* Add what is missing, take away what nobody claims any more. */
static int diff_allowed_ips(struct plan *plan, struct mmesh_peer *change,
			    const struct mmesh_peer *want, const struct mmesh_peer *have,
			    struct error *err)
{
	_cleanup_(prefixes_free) struct prefixes held = { 0 };
	int r;

	r = copy_sorted(&held, &have->allowed_ips, err);
	for (size_t i = 0; !r && i < want->allowed_ips.count; i++)
		if (!want->replace_allowed_ips || !holds(&held, &want->allowed_ips.item[i]))
			r = prefixes_add(&change->allowed_ips, &want->allowed_ips.item[i], err);
	for (size_t i = 0; !r && want->replace_allowed_ips && i < held.count; i++) {
		struct prefix gone = held.item[i];

		/* It stays here, or moves by itself to the peer that claims it. */
		if (is_claimed(plan, &gone))
			continue;
		gone.remove = true;
		r = prefixes_add(&change->allowed_ips, &gone, err);
	}
	return r;
}

static bool diff_fields(struct mmesh_peer *change, const struct mmesh_peer *want,
			const struct mmesh_peer *have)
{
	if (memcmp(want->psk, have->psk, KEY_LEN)) {
		memcpy(change->psk, want->psk, KEY_LEN);
		change->has |= MMESH_PEER_HAS_PSK;
	}
	if ((want->has & MMESH_PEER_HAS_ENDPOINT) &&
	    !endpoint_equal(&want->endpoint, &have->endpoint)) {
		change->endpoint = want->endpoint;
		change->has |= MMESH_PEER_HAS_ENDPOINT;
	}
	if (want->keepalive != have->keepalive) {
		change->keepalive = want->keepalive;
		change->has |= MMESH_PEER_HAS_KEEPALIVE;
	}
	if (want->suite != have->suite) {
		change->suite = want->suite;
		change->has |= MMESH_PEER_HAS_SUITE;
	}
	return change->has;
}

static int plan_peer(struct plan *plan, struct mmesh_device *ret, const struct mmesh_peer *want,
		     struct error *err)
{
	const struct mmesh_peer **found;
	struct mmesh_peer none = { 0 };
	struct mmesh_peer *change;
	bool any;
	int r;

	found = plan->have->n_peers ? bsearch(&want, plan->have_by_key, plan->have->n_peers,
					      sizeof(*found), by_key_only) :
				      NULL;
	change = mmesh_device_add_peer(ret);
	if (!change)
		return error_oom(err);
	memcpy(change->public_key, want->public_key, KEY_LEN);
	any = diff_fields(change, want, found ? *found : &none);
	r = diff_allowed_ips(plan, change, want, found ? *found : &none, err);
	if (r < 0)
		return r;
	if (found && !any && !change->allowed_ips.count) {
		mmesh_peer_clear(change);
		ret->n_peers--;
	}
	return 0;
}

static int plan_removals(struct plan *plan, struct mmesh_device *ret, struct error *err)
{
	const struct mmesh_device *have = plan->have;

	for (size_t i = 0; i < have->n_peers; i++) {
		const struct mmesh_peer *peer = &have->peer[i];
		struct mmesh_peer *gone;

		if (plan->want->n_peers && bsearch(&peer, plan->want_by_key, plan->want->n_peers,
						   sizeof(*plan->want_by_key), by_key_only))
			continue;
		gone = mmesh_device_add_peer(ret);
		if (!gone)
			return error_oom(err);
		memcpy(gone->public_key, peer->public_key, KEY_LEN);
		gone->remove = true;
	}
	return 0;
}

static void plan_device(struct mmesh_device *ret, const struct mmesh_device *want,
			const struct mmesh_device *have)
{
	memcpy(ret->name, want->name, sizeof(ret->name));
	if (memcmp(want->private_key, have->private_key, KEY_LEN)) {
		memcpy(ret->private_key, want->private_key, KEY_LEN);
		ret->has |= MMESH_DEVICE_HAS_PRIVATE_KEY;
	}
	if ((want->has & MMESH_DEVICE_HAS_PORT) && want->listen_port != have->listen_port) {
		ret->listen_port = want->listen_port;
		ret->has |= MMESH_DEVICE_HAS_PORT;
	}
	if (want->fwmark != have->fwmark) {
		ret->fwmark = want->fwmark;
		ret->has |= MMESH_DEVICE_HAS_FWMARK;
	}
}

static int index_peers(struct plan *plan, struct error *err)
{
	const struct mmesh_device *have = plan->have;
	struct mmesh_device *want = plan->want;

	plan->want_by_key = calloc(want->n_peers + 1, sizeof(*plan->want_by_key));
	plan->have_by_key = calloc(have->n_peers + 1, sizeof(*plan->have_by_key));
	if (!plan->want_by_key || !plan->have_by_key)
		return error_oom(err);
	for (size_t i = 0; i < want->n_peers; i++)
		plan->want_by_key[i] = &want->peer[i];
	for (size_t i = 0; i < have->n_peers; i++)
		plan->have_by_key[i] = &have->peer[i];
	qsort(plan->want_by_key, want->n_peers, sizeof(*plan->want_by_key), by_key);
	qsort(plan->have_by_key, have->n_peers, sizeof(*plan->have_by_key), by_key_only);
	return 0;
}

int mmesh_sync_plan(struct mmesh_device *ret, struct mmesh_device *want,
		    const struct mmesh_device *have, struct error *err)
{
	struct plan plan = { .want = want, .have = have };
	int r;

	*ret = (struct mmesh_device){ 0 };
	plan_device(ret, want, have);
	r = index_peers(&plan, err);
	if (!r)
		r = merge_duplicates(&plan, err);
	if (!r)
		r = collect_claims(&plan, err);
	if (!r)
		settle_claims(&plan);
	for (size_t i = 0; !r && i < want->n_peers; i++)
		if (!want->peer[i].remove)
			r = plan_peer(&plan, ret, &want->peer[i], err);
	/* Last, so that a prefix goes to its new peer without a gap. */
	if (!r)
		r = plan_removals(&plan, ret, err);
	free(plan.claims.item);
	free(plan.want_by_key);
	free(plan.have_by_key);
	if (r < 0)
		mmesh_device_clear(ret);
	return r;
}
