// SPDX-License-Identifier: Apache-2.0
#include "plan.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

struct sorted {
	const struct mmesh_peer **peer;
	size_t count;
};

static int by_key(const void *a, const void *b)
{
	const struct mmesh_peer *const *pa = a, *const *pb = b;

	return memcmp((*pa)->public_key, (*pb)->public_key, KEY_LEN);
}

static int sort_peers(struct sorted *ret, const struct mmesh_device *dev, struct error *err)
{
	ret->peer = calloc(dev->n_peers + 1, sizeof(*ret->peer));
	if (!ret->peer)
		return error_oom(err);
	ret->count = dev->n_peers;
	for (size_t i = 0; i < dev->n_peers; i++)
		ret->peer[i] = &dev->peer[i];
	qsort(ret->peer, ret->count, sizeof(*ret->peer), by_key);
	return 0;
}

static const struct mmesh_peer *find(const struct sorted *sorted, const struct mmesh_peer *peer)
{
	const struct mmesh_peer **found;

	found = sorted->count ? bsearch(&peer, sorted->peer, sorted->count, sizeof(*found), by_key) :
				NULL;
	return found ? *found : NULL;
}

/* -- the device ---------------------------------------------------------------------------------- */

static bool same_member(const struct prefix *a, const struct prefix *b)
{
	/* The kernel has a length of 0 for none, or nothing. */
	if (!a->family || !b->family)
		return (!a->family || !a->cidr) && (!b->family || !b->cidr);
	return prefix_equal(a, b);
}

static void diff_device(struct plan *plan, const struct want *want, const struct have *have)
{
	const struct mmesh_device *w = &want->dev, *h = &have->dev;
	struct mmesh_device *d = &plan->dev;

	memcpy(d->name, w->name, sizeof(d->name));
	memcpy(d->private_key, w->private_key, KEY_LEN);
	memcpy(d->member, w->member, sizeof(d->member));
	d->listen_port = w->listen_port;
	d->network = w->network;
	d->subnet = w->subnet;
	d->routed_subnets = w->routed_subnets;
	d->relay = w->relay;
	if (memcmp(w->private_key, h->private_key, KEY_LEN))
		d->has |= MMESH_DEVICE_HAS_PRIVATE_KEY;
	if (w->listen_port && w->listen_port != h->listen_port)
		d->has |= MMESH_DEVICE_HAS_PORT;
	if (h->fwmark)
		d->has |= MMESH_DEVICE_HAS_FWMARK;
	if (w->network != h->network) {
		d->has |= MMESH_DEVICE_HAS_NETWORK;
		/* No peer is carried over. */
		d->replace_peers = h->n_peers;
	}
	if (w->subnet != h->subnet)
		d->has |= MMESH_DEVICE_HAS_SUBNET;
	if (w->routed_subnets != h->routed_subnets)
		d->has |= MMESH_DEVICE_HAS_ROUTED;
	if (w->relay != h->relay)
		d->has |= MMESH_DEVICE_HAS_RELAY;
	if (!same_member(&w->member[0], &h->member[0]) || !same_member(&w->member[1], &h->member[1]))
		d->has |= MMESH_DEVICE_HAS_MEMBER;
	for (unsigned int bits = d->has; bits; bits &= bits - 1)
		plan->changes++;
}

/* -- peers --------------------------------------------------------------------------------------- */

static bool same_share(const struct prefix *a, const struct prefix *b)
{
	return a->shared == b->shared &&
	       (!a->shared || (a->priority == b->priority && a->weight == b->weight));
}

static const struct prefix *find_prefix(const struct prefixes *list, const struct prefix *p)
{
	for (size_t i = 0; i < list->count; i++)
		if (prefix_equal(&list->item[i], p))
			return &list->item[i];
	return NULL;
}

static int diff_allowed_ips(struct mmesh_peer *change, const struct mmesh_peer *want,
			    const struct mmesh_peer *have, struct error *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < want->allowed_ips.count; i++) {
		const struct prefix *p = &want->allowed_ips.item[i];
		const struct prefix *is = find_prefix(&have->allowed_ips, p);

		if (!is || !same_share(p, is))
			r = prefixes_add(&change->allowed_ips, p, err);
	}
	for (size_t i = 0; !r && i < have->allowed_ips.count; i++) {
		struct prefix gone = have->allowed_ips.item[i];

		if (find_prefix(&want->allowed_ips, &gone))
			continue;
		gone.remove = true;
		gone.shared = false;
		r = prefixes_add(&change->allowed_ips, &gone, err);
	}
	return r;
}

/* Who is let in here, and by whom it is reached. */
static void diff_relaying(struct mmesh_peer *change, const struct mmesh_peer *want,
			  const struct mmesh_peer *have)
{
	if (want->n_via != have->n_via || memcmp(want->via, have->via, sizeof(want->via))) {
		memcpy(change->via, want->via, sizeof(change->via));
		change->n_via = want->n_via;
		change->has |= MMESH_PEER_HAS_VIA;
	}
	if (want->relay_permit != have->relay_permit ||
	    (want->relay_permit && want->network != have->network)) {
		change->relay_permit = want->relay_permit;
		change->network = want->network;
		change->has |= MMESH_PEER_HAS_RELAY_PERMIT;
		change->has |= want->relay_permit ? MMESH_PEER_HAS_NETWORK : 0;
	}
	if (have->relay_trunk)
		change->has |= MMESH_PEER_HAS_RELAY_TRUNK;
}

static void diff_fields(struct mmesh_peer *change, const struct mmesh_peer *want,
			const struct mmesh_peer *have)
{
	if (!key_is_zero(have->psk))
		change->has |= MMESH_PEER_HAS_PSK;
	if (want->keepalive != have->keepalive) {
		change->keepalive = want->keepalive;
		change->has |= MMESH_PEER_HAS_KEEPALIVE;
	}
	if (want->suite != have->suite) {
		change->suite = want->suite;
		change->has |= MMESH_PEER_HAS_SUITE;
	}
	if (want->extended != have->extended) {
		change->extended = want->extended;
		change->has |= MMESH_PEER_HAS_EXTENDED;
	}
	if (want->subnet != have->subnet) {
		change->subnet = want->subnet;
		change->has |= MMESH_PEER_HAS_SUBNET;
	}
	diff_relaying(change, want, have);
}

static int plan_peer(struct plan *plan, const struct mmesh_peer *want,
		     const struct mmesh_peer *found, struct error *err)
{
	const struct mmesh_peer none = { .suite = MMESH_SUITE_WIREGUARD };
	struct mmesh_peer *change = mmesh_device_add_peer(&plan->dev);
	int r;

	if (!change)
		return error_oom(err);
	memcpy(change->public_key, want->public_key, KEY_LEN);
	diff_fields(change, want, found ? found : &none);
	r = diff_allowed_ips(change, want, found ? found : &none, err);
	if (r < 0)
		return r;
	if (found && !change->has && !change->allowed_ips.count) {
		mmesh_peer_clear(change);
		plan->dev.n_peers--;
	}
	return 0;
}

static int plan_removals(struct plan *plan, const struct sorted *want, const struct sorted *have,
			 bool via, struct error *err)
{
	for (size_t i = 0; i < have->count; i++) {
		struct mmesh_peer *gone;

		if (find(want, have->peer[i]) || (have->peer[i]->n_via > 0) != via)
			continue;
		gone = mmesh_device_add_peer(&plan->dev);
		if (!gone)
			return error_oom(err);
		memcpy(gone->public_key, have->peer[i]->public_key, KEY_LEN);
		gone->remove = true;
	}
	return 0;
}

/*
 * Relays first, because others name them. Removals last: a prefix goes to its new
 * peer without a gap, and a relay when nobody names it any more.
 */
static int plan_peers(struct plan *plan, const struct want *want, const struct sorted *wanted,
		      const struct sorted *have, struct error *err)
{
	int r = 0;

	for (int others = 0; others < 2; others++) {
		for (size_t i = 0; !r && i < want->dev.n_peers; i++) {
			const struct mmesh_peer *peer = &want->dev.peer[i];

			if ((want->peer[i].rank == UINT32_MAX) == others)
				r = plan_peer(plan, peer, find(have, peer), err);
		}
	}
	if (!r)
		r = plan_removals(plan, wanted, have, true, err);
	if (!r)
		r = plan_removals(plan, wanted, have, false, err);
	plan->changes += plan->dev.n_peers;
	return r;
}

/* -- candidates ---------------------------------------------------------------------------------- */

static int add_path(struct plan *plan, const uint8_t *key, const union endpoint *ep, bool remove,
		    struct error *err)
{
	struct plan_path *more = reallocarray(plan->path, plan->n_paths + 1, sizeof(*more));

	if (!more)
		return error_oom(err);
	plan->path = more;
	more[plan->n_paths] = (struct plan_path){ .endpoint = *ep, .remove = remove };
	memcpy(more[plan->n_paths++].key, key, KEY_LEN);
	plan->changes++;
	return 0;
}

static bool is_configured(const struct mmesh_path *path)
{
	return !path->has_relay && (path->sources & MMESH_PATH_SOURCE_CONFIGURED);
}

static bool has_path(const struct mmesh_path *path, size_t n, const union endpoint *ep)
{
	for (size_t i = 0; i < n; i++)
		if (is_configured(&path[i]) && endpoint_equal(&path[i].endpoint, ep))
			return true;
	return false;
}

static bool wants_path(const struct want_peer *peer, const union endpoint *ep)
{
	for (size_t i = 0; i < peer->n_candidates; i++)
		if (endpoint_equal(&peer->candidate[i], ep))
			return true;
	return false;
}

static int path_by_key(const void *a, const void *b)
{
	return memcmp(((const struct mmesh_path *)a)->public_key,
		      ((const struct mmesh_path *)b)->public_key, KEY_LEN);
}

/* @path: the peer's own, @n of them. */
static int plan_candidates(struct plan *plan, const uint8_t *key, const struct want_peer *want,
			   const struct mmesh_path *path, size_t n, struct error *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < want->n_candidates; i++)
		if (!has_path(path, n, &want->candidate[i]))
			r = add_path(plan, key, &want->candidate[i], false, err);
	for (size_t i = 0; !r && i < n; i++)
		if (is_configured(&path[i]) && !wants_path(want, &path[i].endpoint))
			r = add_path(plan, key, &path[i].endpoint, true, err);
	return r;
}

static int plan_paths(struct plan *plan, const struct want *want, const struct have *have,
		      bool anew, struct error *err)
{
	size_t bytes = (have->paths.count + 1) * sizeof(struct mmesh_path);
	_cleanup_free_ struct mmesh_path *path = calloc(1, bytes);
	size_t count = anew ? 0 : have->paths.count;
	int r = 0;

	if (!path)
		return error_oom(err);
	if (count)
		memcpy(path, have->paths.item, count * sizeof(*path));
	qsort(path, count, sizeof(*path), path_by_key);
	for (size_t i = 0; !r && i < want->dev.n_peers; i++) {
		const uint8_t *key = want->dev.peer[i].public_key;
		size_t first = 0, end;

		if (!want->dev.peer[i].extended)
			continue;
		for (size_t high = count; first < high;) {
			size_t middle = first + (high - first) / 2;

			if (memcmp(path[middle].public_key, key, KEY_LEN) < 0)
				first = middle + 1;
			else
				high = middle;
		}
		for (end = first; end < count && !memcmp(path[end].public_key, key, KEY_LEN); end++)
			;
		r = plan_candidates(plan, key, &want->peer[i], path + first, end - first, err);
	}
	return r;
}

/* -- addresses and routes ------------------------------------------------------------------------ */

static int diff_prefixes(struct plan *plan, struct prefixes *ret, const struct prefixes *want,
			 const struct prefixes *have, struct error *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < want->count; i++)
		if (!find_prefix(have, &want->item[i]))
			r = prefixes_add(ret, &want->item[i], err);
	for (size_t i = 0; !r && i < have->count; i++) {
		struct prefix gone = have->item[i];

		gone.remove = true;
		if (!find_prefix(want, &gone))
			r = prefixes_add(ret, &gone, err);
	}
	plan->changes += ret->count;
	return r;
}

static int diff_link(struct plan *plan, const struct want *want, const struct have *have,
		     struct error *err)
{
	/* What stands in a device that is not up, the kernel forgets as it comes up or has never had. */
	const struct prefixes none = { 0 };
	int r;

	r = diff_prefixes(plan, &plan->address, &want->address, &have->address, err);
	if (want->mtu && want->mtu != have->mtu) {
		plan->mtu = want->mtu;
		plan->changes++;
	}
	plan->set_up = !have->up;
	plan->changes += plan->set_up;
	if (!r)
		r = diff_prefixes(plan, &plan->route, &want->route,
				  have->up ? &have->route : &none, err);
	return r;
}

int plan_compute(struct plan *ret, const struct want *want, const struct have *have,
		 struct error *err)
{
	const struct have nothing = { 0 };
	struct sorted wanted = { 0 }, has = { 0 };
	int r;

	*ret = (struct plan){ .table = want->table };
	memcpy(ret->dev.name, want->dev.name, sizeof(ret->dev.name));
	if (!want->exists) {
		ret->remove_link = have->exists;
		ret->changes = have->exists;
		return 0;
	}
	ret->add_link = !have->exists;
	ret->changes += ret->add_link;
	if (ret->add_link)
		have = &nothing;
	diff_device(ret, want, have);
	r = sort_peers(&wanted, &want->dev, err);
	if (!r && !ret->dev.replace_peers)
		r = sort_peers(&has, &have->dev, err);
	if (!r)
		r = plan_peers(ret, want, &wanted, &has, err);
	if (!r)
		r = plan_paths(ret, want, have, ret->dev.replace_peers, err);
	if (!r)
		r = diff_link(ret, want, have, err);
	free(wanted.peer);
	free(has.peer);
	if (r < 0)
		plan_clear(ret);
	return r;
}

void plan_clear(struct plan *plan)
{
	mmesh_device_clear(&plan->dev);
	free(plan->path);
	prefixes_free(&plan->address);
	prefixes_free(&plan->route);
	explicit_bzero(plan, sizeof(*plan));
}

void have_clear(struct have *have)
{
	mmesh_device_clear(&have->dev);
	mmesh_paths_clear(&have->paths);
	prefixes_free(&have->address);
	prefixes_free(&have->route);
	explicit_bzero(have, sizeof(*have));
}

/* -- in words ------------------------------------------------------------------------------------ */

struct text {
	char *at;
	size_t size, len;
};

_printf_(2, 3) static void say(struct text *text, const char *fmt, ...)
{
	va_list args;
	int n;

	if (text->len >= text->size)
		return;
	if (text->len)
		text->len += (size_t)snprintf(text->at + text->len, text->size - text->len, ", ");
	if (text->len >= text->size)
		return;
	va_start(args, fmt);
	n = vsnprintf(text->at + text->len, text->size - text->len, fmt, args);
	va_end(args);
	text->len += n > 0 ? (size_t)n : 0;
}

static void say_prefixes(struct text *text, const char *what, const struct prefixes *list)
{
	for (size_t i = 0; i < list->count; i++) {
		char prefix[PREFIX_TEXT_SIZE];

		prefix_format(prefix, &list->item[i]);
		say(text, "%s %s %s", what, list->item[i].remove ? "del" : "add", prefix);
	}
}

static void say_device(struct text *text, const struct mmesh_device *dev)
{
	static const struct {
		unsigned int bit;
		const char *name;
	} names[] = {
		{ MMESH_DEVICE_HAS_PRIVATE_KEY, "private key" }, { MMESH_DEVICE_HAS_PORT, "port" },
		{ MMESH_DEVICE_HAS_FWMARK, "fwmark" },		 { MMESH_DEVICE_HAS_NETWORK, "network" },
		{ MMESH_DEVICE_HAS_SUBNET, "subnet" },		 { MMESH_DEVICE_HAS_ROUTED, "routed subnets" },
		{ MMESH_DEVICE_HAS_RELAY, "relay" },		 { MMESH_DEVICE_HAS_MEMBER, "member prefix" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (dev->has & names[i].bit)
			say(text, "%s", names[i].name);
}

void plan_format(char *ret_text, size_t size, const struct plan *plan)
{
	struct text text = { .at = ret_text, .size = size };

	*ret_text = '\0';
	if (plan->remove_link)
		say(&text, "device del");
	if (plan->add_link)
		say(&text, "device add");
	say_device(&text, &plan->dev);
	for (size_t i = 0; i < plan->dev.n_peers; i++) {
		char key[KEY_TEXT_SIZE];

		key_format(key, plan->dev.peer[i].public_key);
		say(&text, "peer %s %.8s…", plan->dev.peer[i].remove ? "del" : "set", key);
	}
	for (size_t i = 0; i < plan->n_paths; i++) {
		char ep[ENDPOINT_TEXT_SIZE];

		endpoint_format(ep, &plan->path[i].endpoint);
		say(&text, "candidate %s %s", plan->path[i].remove ? "del" : "add", ep);
	}
	say_prefixes(&text, "address", &plan->address);
	if (plan->mtu)
		say(&text, "mtu %u", plan->mtu);
	if (plan->set_up)
		say(&text, "up");
	say_prefixes(&text, "route", &plan->route);
}
