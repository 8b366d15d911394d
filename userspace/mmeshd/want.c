// SPDX-License-Identifier: Apache-2.0
#include "want.h"

#include <errno.h>
#include <string.h>

typedef Mmesh__V1__NodeRecord Node;
typedef Mmesh__V1__SubnetRecord Subnet;
typedef Mmesh__V1__RelayRecord Relay;

struct work {
	struct want *want;
	const struct view *view;
	const Node *self;
	const Subnet *subnet; /* own */
	struct prefix member[2];
	uint8_t own_key[KEY_LEN];
	struct error *err;
};

/* A record that cannot be used is left out, and said. */
static void skip(struct work *w, const char *name, const struct error *why)
{
	if (!w->want->skipped++)
		error_format(&w->want->why, "%s: %s", name, why->text);
}

static const Subnet *find_subnet(const struct view *view, const char *id)
{
	for (size_t i = 0; i < view->n_subnets; i++)
		if (!strcmp(view->subnet[i]->subnet, id))
			return view->subnet[i];
	return NULL;
}

static const Node *find_node(const struct view *view, const char *id)
{
	for (size_t i = 0; i < view->n_nodes; i++)
		if (!strcmp(view->nodes[i].record->node, id))
			return view->nodes[i].record;
	return NULL;
}

static bool covers(const struct prefix *outer, const struct prefix *inner)
{
	struct prefix cut = *inner;

	if (outer->family != inner->family || inner->cidr < outer->cidr)
		return false;
	cut.cidr = outer->cidr;
	for (unsigned int bit = outer->cidr; bit < (inner->family == AF_INET ? 32U : 128U); bit++)
		cut.bytes[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
	return prefix_equal(outer, &cut);
}

static bool is_member(const struct work *w, const struct prefix *p)
{
	return covers(&w->member[p->family == AF_INET6], p);
}

/* An inside address, which has to be one of the network's. */
static int parse_address(const struct work *w, struct prefix *ret, const char *text,
			 struct error *err)
{
	if (strchr(text, '/'))
		return error_set(err, EINVAL, "address: %s has a prefix length", text);
	if (prefix_parse(ret, text, err) < 0)
		return error_prefix(err, -EINVAL, "address: ");
	if (!is_member(w, ret))
		return error_set(err, EINVAL, "address: %s is outside the network's prefix", text);
	return 0;
}

static int parse_route(const struct work *w, struct prefix *ret, const Mmesh__V1__Route *route,
		       struct error *err)
{
	if (prefix_parse(ret, route->prefix, err) < 0)
		return error_prefix(err, -EINVAL, "route: ");
	if (is_member(w, ret))
		return error_set(err, EINVAL, "route: %s is in the network's own prefix",
				 route->prefix);
	ret->shared = true;
	ret->priority = route->priority;
	ret->weight = route->weight ? (route->weight > UINT16_MAX ? UINT16_MAX :
							   (uint16_t)route->weight) : 1;
	return 0;
}

static bool holds(const struct prefixes *list, const struct prefix *p)
{
	for (size_t i = 0; i < list->count; i++)
		if (prefix_equal(&list->item[i], p))
			return true;
	return false;
}

/* How many peers have this prefix already, all as shared or not. */
static size_t holders(const struct work *w, const struct prefix *p)
{
	size_t n = 0;

	for (size_t i = 0; i < w->want->dev.n_peers; i++)
		n += holds(&w->want->dev.peer[i].allowed_ips, p);
	return n;
}

static bool exports(const Node *node, const struct prefix *p)
{
	for (size_t i = 0; i < node->n_route; i++) {
		struct prefix own;

		if (!prefix_parse(&own, node->route[i]->prefix, NULL) && prefix_equal(&own, p))
			return true;
	}
	return false;
}

static int add_addresses(struct work *w, struct mmesh_peer *peer, const Node *node)
{
	struct error why;
	struct prefix p;
	int r = 0;

	for (size_t i = 0; !r && i < node->n_address; i++) {
		if (parse_address(w, &p, node->address[i], &why) < 0) {
			skip(w, node->name, &why);
			continue;
		}
		/* Given twice it would move from peer to peer without end. */
		if (holders(w, &p) || holds(&w->want->address, &p)) {
			error_format(&why, "address: %s is another node's", node->address[i]);
			skip(w, node->name, &why);
			continue;
		}
		r = prefixes_add(&peer->allowed_ips, &p, w->err);
	}
	return r;
}

/* Exported routes, less those that this node exports itself. */
static int add_routes(struct work *w, struct mmesh_peer *peer, const Node *node)
{
	struct error why;
	struct prefix p;
	int r = 0;

	for (size_t i = 0; !r && i < node->n_route; i++) {
		if (parse_route(w, &p, node->route[i], &why) < 0) {
			skip(w, node->name, &why);
			continue;
		}
		if (exports(w->self, &p) || holds(&peer->allowed_ips, &p))
			continue;
		if (holders(w, &p) >= WANT_MAX_HOLDERS) {
			error_format(&why, "route: %d others have %s", WANT_MAX_HOLDERS,
				     node->route[i]->prefix);
			skip(w, node->name, &why);
			continue;
		}
		r = prefixes_add(&peer->allowed_ips, &p, w->err);
		/* In the main table a default route would lead the tunnel into itself. */
		if (!r && !holds(&w->want->route, &p) && (p.cidr || w->want->table)) {
			p.shared = false;
			r = prefixes_add(&w->want->route, &p, w->err);
		}
	}
	return r;
}

static void add_candidate(struct want_peer *peer, const char *text)
{
	struct endpoint_name name;
	union endpoint ep;

	if (peer->n_candidates == WANT_MAX_CANDIDATES ||
	    endpoint_split(&name, text, NULL) < 0 ||
	    endpoint_resolve_numeric(&ep, &name, NULL) < 0)
		return;
	for (size_t i = 0; i < peer->n_candidates; i++)
		if (endpoint_equal(&peer->candidate[i], &ep))
			return;
	peer->candidate[peer->n_candidates++] = ep;
}

static bool is_fast(const Node *node)
{
	return !strcmp(node->suite, "aes256gcm");
}

/* The new peer at the end of both arrays. */
static struct mmesh_peer *new_peer(struct work *w, const uint8_t *key, const char *node,
				   const char *name)
{
	struct want *want = w->want;
	size_t n = want->dev.n_peers;
	struct want_peer *more = reallocarray(want->peer, n + 1, sizeof(*more));
	struct mmesh_peer *peer;

	if (!more)
		return NULL;
	want->peer = more;
	peer = mmesh_device_add_peer(&want->dev);
	if (!peer)
		return NULL;
	more[n] = (struct want_peer){ .name = name, .node = node, .rank = UINT32_MAX };
	memcpy(peer->public_key, key, KEY_LEN);
	peer->suite = MMESH_SUITE_WIREGUARD;
	return peer;
}

static int check_node(const struct work *w, const Node *node, struct error *err)
{
	if (node->mesh_key.len != KEY_LEN)
		return error_set(err, EINVAL, "mesh_key: %zu bytes, not %d", node->mesh_key.len,
				 KEY_LEN);
	if (!memcmp(w->own_key, node->mesh_key.data, KEY_LEN))
		return error_set(err, EINVAL, "mesh_key: this machine's own");
	if (want_find(w->want, node->mesh_key.data) != SIZE_MAX)
		return error_set(err, EINVAL, "mesh_key: another node has the same");
	return 0;
}

/*
 * A member. Those of other subnets are peers when subnets are routed, or, without
 * any address, when this node relays for them.
 */
static int add_node(struct work *w, const struct view_node *item)
{
	const Node *node = item->record;
	const Subnet *subnet = find_subnet(w->view, node->subnet);
	bool same = !strcmp(node->subnet, w->self->subnet);
	bool near = same || w->view->network->routed_subnets;
	struct mmesh_peer *peer;
	struct error why;
	int r;

	if (node == w->self || node->kind == MMESH__V1__NODE_KIND__NODE_KIND_STUBBY)
		return 0;
	if (!subnet || (!near && !w->self->relay))
		return 0;
	if (check_node(w, node, &why) < 0) {
		skip(w, node->name, &why);
		return 0;
	}
	peer = new_peer(w, node->mesh_key.data, node->node, node->name);
	if (!peer)
		return error_oom(w->err);
	peer->subnet = (uint8_t)subnet->number;
	peer->extended = node->kind == MMESH__V1__NODE_KIND__NODE_KIND_CONNECTED;
	/*
	 * What both ends know of each other decides, so that they decide the same; and a relay's session with
	 * a member of another subnet stays when subnets come to be routed.
	 */
	if (peer->extended && is_fast(node) && is_fast(w->self) &&
	    (same || (near && !node->relay && !w->self->relay)))
		peer->suite = MMESH_SUITE_AES256GCM;
	if (peer->extended && w->self->relay) {
		peer->relay_permit = true;
		peer->network = w->view->network->kernel_id;
	}
	for (size_t i = 0; item->endpoints && i < item->endpoints->n_endpoint; i++)
		add_candidate(&w->want->peer[w->want->dev.n_peers - 1],
			      item->endpoints->endpoint[i]);
	r = near ? add_addresses(w, peer, node) : 0;
	return !r && near ? add_routes(w, peer, node) : r;
}

/* A relay of the zone: a peer that it may be already, or one without addresses. */
static int add_relay(struct work *w, const Relay *relay)
{
	struct mmesh_peer *peer;
	struct error why;
	size_t i;

	if (!strcmp(relay->node, w->self->node))
		return 0;
	if (relay->mesh_key.len != KEY_LEN) {
		error_format(&why, "mesh_key: %zu bytes, not %d", relay->mesh_key.len, KEY_LEN);
		skip(w, relay->name, &why);
		return 0;
	}
	i = want_find(w->want, relay->mesh_key.data);
	if (i == SIZE_MAX) {
		peer = new_peer(w, relay->mesh_key.data, relay->node, relay->name);
		if (!peer)
			return error_oom(w->err);
		i = w->want->dev.n_peers - 1;
		peer->subnet = w->want->dev.subnet;
	}
	peer = &w->want->dev.peer[i];
	peer->extended = true;
	peer->keepalive = WANT_RELAY_KEEPALIVE;
	w->want->peer[i].rank = relay->priority;
	for (size_t k = 0; k < relay->n_endpoint; k++)
		add_candidate(&w->want->peer[i], relay->endpoint[k]);
	return 0;
}

/* The same one at all members: by priority, then by key. */
static size_t best_relay(const struct want *want)
{
	size_t best = SIZE_MAX;

	for (size_t i = 0; i < want->dev.n_peers; i++) {
		uint32_t rank = want->peer[i].rank;

		if (rank == UINT32_MAX)
			continue;
		if (best == SIZE_MAX || rank < want->peer[best].rank ||
		    (rank == want->peer[best].rank &&
		     memcmp(want->dev.peer[i].public_key, want->dev.peer[best].public_key,
			    KEY_LEN) < 0))
			best = i;
	}
	return best;
}

/* Everybody but relays is reached by the relay when nothing better is. A relay itself is reachable. */
static void set_via(struct work *w)
{
	struct want *want = w->want;
	size_t relay = w->self->relay ? SIZE_MAX : best_relay(want);

	if (relay == SIZE_MAX)
		return;
	for (size_t i = 0; i < want->dev.n_peers; i++) {
		struct mmesh_peer *peer = &want->dev.peer[i];

		if (!peer->extended || want->peer[i].rank != UINT32_MAX)
			continue;
		memcpy(peer->via[0], want->dev.peer[relay].public_key, KEY_LEN);
		peer->n_via = 1;
	}
}

/* The network's prefix when its subnets are routed, else the subnet's. */
static int own_routes(struct work *w)
{
	bool routed = w->view->network->routed_subnets;
	const char *text[] = {
		routed ? w->view->network->prefix : w->subnet->prefix,
		routed ? w->view->network->prefix6 : w->subnet->prefix6,
	};
	int r = 0;

	for (size_t i = 0; !r && i < ARRAY_SIZE(text); i++) {
		struct prefix p;

		if (!*text[i])
			continue;
		r = prefix_parse(&p, text[i], w->err);
		if (!r)
			r = prefixes_add(&w->want->route, &p, w->err);
	}
	return r;
}

static int own_addresses(struct work *w)
{
	int r = 0;

	for (size_t i = 0; !r && i < w->self->n_address; i++) {
		struct prefix p;

		r = parse_address(w, &p, w->self->address[i], w->err);
		if (!r && !holds(&w->want->address, &p))
			r = prefixes_add(&w->want->address, &p, w->err);
	}
	return r;
}

static int parse_members(struct work *w)
{
	const char *text[] = { w->view->network->prefix, w->view->network->prefix6 };

	for (size_t i = 0; i < ARRAY_SIZE(text); i++) {
		if (!*text[i])
			continue;
		if (prefix_parse(&w->member[i], text[i], w->err) < 0)
			return error_prefix(w->err, -EINVAL, "network's prefix: ");
		if (w->member[i].family != (i ? AF_INET6 : AF_INET))
			return error_set(w->err, EINVAL, "network's prefix: %s is of another family",
					 text[i]);
	}
	return 0;
}

static void compute_device(struct work *w, const struct options *o)
{
	struct mmesh_device *dev = &w->want->dev;

	w->want->exists = o->up;
	w->want->table = o->table;
	w->want->mtu = w->view->network->mtu;
	memcpy(dev->name, o->device, sizeof(dev->name));
	memcpy(dev->private_key, o->private_key, KEY_LEN);
	dev->listen_port = o->listen_port;
	dev->network = w->view->network->kernel_id;
	dev->routed_subnets = w->view->network->routed_subnets;
	memcpy(dev->member, w->member, sizeof(dev->member));
}

static int compute_peers(struct work *w)
{
	int r;

	w->want->dev.subnet = (uint8_t)w->subnet->number;
	w->want->dev.relay = w->self->relay;
	r = own_addresses(w);
	if (!r)
		r = own_routes(w);
	for (size_t i = 0; !r && i < w->view->n_nodes; i++)
		r = add_node(w, &w->view->nodes[i]);
	for (size_t i = 0; !r && i < w->view->n_relays; i++)
		r = add_relay(w, w->view->relay[i]);
	if (!r)
		set_via(w);
	return r;
}

int want_compute(struct want *ret, const struct view *view, const struct options *options,
		 struct error *err)
{
	struct work w = { .want = ret, .view = view, .err = err };
	int r;

	*ret = (struct want){ 0 };
	if (!view->network || !view->network->kernel_id)
		return error_set(err, ENODATA, "the network's record is not there yet");
	r = parse_members(&w);
	if (!r)
		r = key_public(w.own_key, options->private_key, err);
	if (r < 0)
		return r;
	compute_device(&w, options);
	w.self = find_node(view, view->node);
	w.subnet = w.self ? find_subnet(view, w.self->subnet) : NULL;
	if (!w.self) {
		ret->revoked = true;
		return 0;
	}
	if (!w.subnet)
		r = error_set(err, ENODATA, "the record of the node's subnet is not there yet");
	else
		r = compute_peers(&w);
	if (r < 0)
		want_clear(ret);
	return r;
}

void want_clear(struct want *want)
{
	mmesh_device_clear(&want->dev);
	prefixes_free(&want->address);
	prefixes_free(&want->route);
	free(want->peer);
	explicit_bzero(want, sizeof(*want));
}

size_t want_find(const struct want *want, const uint8_t key[KEY_LEN])
{
	for (size_t i = 0; i < want->dev.n_peers; i++)
		if (!memcmp(want->dev.peer[i].public_key, key, KEY_LEN))
			return i;
	return SIZE_MAX;
}
