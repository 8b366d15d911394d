// SPDX-License-Identifier: Apache-2.0
#include "topology.h"

#include <string.h>

const char *const fate_names[FATES] = {
	[DELIVERED] = "delivered",
	[TX_NO_PEER] = "no peer holds the destination",
	[TX_NO_MEMBER] = "no peer holds the member, and the exit must not have it",
	[TX_SUBNET] = "the peer's subnet, when sending",
	[UNKNOWN_PEER] = "unknown to the other node",
	[UNKNOWN_NETWORK] = "a node of another network",
	[RX_SUBNET] = "the peer's subnet, when receiving",
	[RX_SOURCE] = "a source that is not the peer's",
	[RX_NO_MEMBER] = "a member as the source that the exit must not have",
};

static uint64_t state;

void draw_seed(uint64_t seed)
{
	state = seed;
}

/* splitmix64 */
uint32_t draw(uint32_t below)
{
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (uint32_t)((z ^ (z >> 31)) >> 32) % below;
}

static bool chance(unsigned int percent)
{
	return draw(100) < percent;
}

/* Its address, which no other node of its network has; those of others may. */
static uint8_t draw_host(const struct topology *t, unsigned int n)
{
	for (;;) {
		uint8_t host = (uint8_t)(1 + draw(10));
		bool taken = false;

		for (unsigned int i = 0; i < n; i++)
			taken |= t->node[i].used && t->node[i].network == t->node[n].network &&
				 t->node[i].host == host;
		if (!taken)
			return host;
	}
}

static void draw_link(struct topology *t, unsigned int i, unsigned int k)
{
	const bool same = t->node[i].network == t->node[k].network;
	struct link *link = &t->node[i].link[k];

	/* Over a border one side at most is so configured: a slip, or an attack. */
	link->known = same ? chance(88) : !t->node[k].link[i].known && chance(8);
	if (!link->known)
		return;
	link->subnet = chance(92) ? t->node[k].subnet : (uint8_t)draw(3);
	link->has_member = chance(95);
	link->has_behind = chance(30);
}

/* Of two networks that want a key, the first one has it. */
static void draw_keys_apart(struct topology *t)
{
	int first[NODES];

	memset(first, -1, sizeof(first));
	for (unsigned int i = 0; i < NODES; i++) {
		for (unsigned int k = 0; k < NODES; k++) {
			struct link *link = &t->node[i].link[k];

			if (!link->known || !(link->has_member || link->has_behind || link->has_all))
				continue;
			if (first[k] < 0)
				first[k] = (int)i;
			link->refused = t->node[i].network != t->node[first[k]].network;
			link->known = !link->refused;
		}
	}
}

void topology_draw(struct topology *t)
{
	const unsigned int used = 6 + draw(NODES - 6 + 1), networks = 2 + draw(2);
	uint64_t id[3];

	memset(t, 0, sizeof(*t));
	t->v6 = draw(2);
	for (unsigned int i = 0; i < 3; i++)
		id[i] = ((uint64_t)draw(UINT32_MAX) << 32 | draw(UINT32_MAX)) ^ (i + 1);
	for (unsigned int i = 0; i < used; i++) {
		struct node *n = &t->node[i];

		n->used = true;
		/* Each has a node, the rest are anywhere. */
		n->network = id[i < networks ? i : draw(networks)];
		n->subnet = (uint8_t)draw(3);
		n->routed = chance(60);
		n->member_prefix = chance(50);
		n->host = draw_host(t, i);
	}
	for (unsigned int i = 0; i < used; i++) {
		for (unsigned int k = 0; k < used; k++) {
			if (i != k)
				draw_link(t, i, k);
			t->aes[i][k] = i > k ? t->aes[k][i] : draw(2);
		}
		/* One exit at most: a prefix belongs to one peer. */
		if (chance(40))
			t->node[i].link[draw(used)].has_all = true;
		/* Equal addresses of two networks: the last one given has it. */
		for (unsigned int k = 0; k < used; k++)
			for (unsigned int l = k + 1; l < used; l++)
				if (t->node[i].link[l].known && t->node[l].host == t->node[k].host &&
				    t->node[i].link[l].has_member)
					t->node[i].link[k].has_member = false;
	}
	draw_keys_apart(t);
}

/* How well a link's allowed IPs fit an address: 0 not at all. */
static unsigned int fits(const struct topology *t, const struct node *n, unsigned int k,
			 struct place a, bool members_only)
{
	const struct link *link = &n->link[k];

	if (!link->known)
		return 0;
	if (a.kind == MEMBER && link->has_member && t->node[k].host == a.host)
		return 3;
	if (a.kind == BEHIND && link->has_behind && a.node == k)
		return 2;
	if (members_only && a.kind == MEMBER)
		return 0;
	return link->has_all;
}

/* The node that @n would send to, or expect a source from; -1: none. */
static int holder(const struct topology *t, const struct node *n, struct place a,
		  bool members_only)
{
	unsigned int best = 0;
	int found = -1;

	for (unsigned int k = 0; k < NODES; k++) {
		unsigned int fit = fits(t, n, k, a, members_only);

		if (fit > best) {
			best = fit;
			found = (int)k;
		}
	}
	return found;
}

static bool may_talk(const struct node *n, const struct link *link)
{
	return n->routed || n->subnet == link->subnet;
}

bool topology_may_talk(const struct topology *t, unsigned int i, unsigned int k)
{
	return may_talk(&t->node[i], &t->node[i].link[k]);
}

void topology_judge(const struct topology *t, struct packet *p)
{
	const struct node *from = &t->node[p->from], *to;
	int k = holder(t, from, p->dst, from->member_prefix);

	p->at = p->from;
	if (k < 0) {
		p->fate = holder(t, from, p->dst, false) < 0 ? TX_NO_PEER : TX_NO_MEMBER;
		return;
	}
	if (!may_talk(from, &from->link[k])) {
		p->fate = TX_SUBNET;
		return;
	}
	to = &t->node[k];
	p->at = (uint8_t)k;
	if (!to->link[p->from].known) {
		p->fate = to->network == from->network ? UNKNOWN_PEER : UNKNOWN_NETWORK;
		return;
	}
	if (!may_talk(to, &to->link[p->from])) {
		p->fate = RX_SUBNET;
		return;
	}
	p->fate = DELIVERED;
	if (holder(t, to, p->src, to->member_prefix) != p->from)
		p->fate = holder(t, to, p->src, false) == p->from ? RX_NO_MEMBER : RX_SOURCE;
}

static struct place member(uint8_t host)
{
	return (struct place){ .kind = MEMBER, .host = host };
}

/* A source: mostly the sender's own, else whatever an attacker likes. */
static struct place draw_source(const struct topology *t, unsigned int from)
{
	switch (draw(10)) {
	case 0:
		return member(t->node[draw(NODES)].host);
	case 1:
		return member((uint8_t)(1 + draw(20)));
	case 2:
		return (struct place){ BEHIND, (uint8_t)from, (uint8_t)draw(200) };
	case 3:
		return (struct place){ BEHIND, (uint8_t)draw(NODES), (uint8_t)draw(200) };
	case 4:
		return (struct place){ OUTSIDE, 0, (uint8_t)draw(200) };
	default:
		return member(t->node[from].host);
	}
}

static struct place draw_elsewhere(void)
{
	switch (draw(4)) {
	case 0:
		return member((uint8_t)(11 + draw(20)));
	case 1:
		return (struct place){ OUTSIDE, 0, (uint8_t)draw(200) };
	default:
		return (struct place){ BEHIND, (uint8_t)draw(NODES), (uint8_t)draw(200) };
	}
}

unsigned int topology_packets(const struct topology *t, unsigned int from, struct packet *p,
			      unsigned int room)
{
	unsigned int n = 0;

	/* To each node as itself, then whatever comes to mind. */
	for (unsigned int k = 0; k < NODES; k++)
		if (k != from && t->node[k].used && n < room)
			p[n++] = (struct packet){ .from = (uint8_t)from,
						  .src = member(t->node[from].host),
						  .dst = member(t->node[k].host) };
	for (unsigned int i = 0; i < 8 && n < room; i++)
		p[n++] = (struct packet){ .from = (uint8_t)from,
					  .src = draw_source(t, from),
					  .dst = draw(2) ? draw_elsewhere() :
							   member(t->node[draw(NODES)].host) };
	for (unsigned int i = 0; i < n; i++)
		topology_judge(t, &p[i]);
	return n;
}
