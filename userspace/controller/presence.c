// SPDX-License-Identifier: Apache-2.0
#include "presence.h"

#include <stdlib.h>
#include <string.h>

/* Ids are random: any of their digits will do. */
static size_t bucket_of(const char *id)
{
	char head[5];

	(void)snprintf(head, sizeof(head), "%.4s", id);
	return strtoul(head, NULL, 16) % PRESENCE_BUCKETS;
}

const struct presence_node *presence_get(const struct presence *p, const char *id)
{
	const struct presence_node *n;

	for (n = p->bucket[bucket_of(id)]; n; n = n->next)
		if (!strcmp(n->id, id))
			return n;
	return NULL;
}

/* NULL when there is no memory: then less is shown. */
static struct presence_node *obtain(struct presence *p, const char *id)
{
	struct presence_node *n = (struct presence_node *)presence_get(p, id);
	size_t b = bucket_of(id);

	if (n)
		return n;
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	(void)snprintf(n->id, sizeof(n->id), "%s", id);
	n->next = p->bucket[b];
	p->bucket[b] = n;
	return n;
}

void presence_saw(struct presence *p, const char *id, int64_t now)
{
	struct presence_node *n = obtain(p, id);

	if (n)
		n->last_seen = now;
}

void presence_set(struct presence *p, const char *id, bool online, int64_t now)
{
	struct presence_node *n = obtain(p, id);

	if (!n)
		return;
	n->by_broker = true;
	n->online = online;
	n->last_seen = now;
}

bool presence_online(const struct presence *p, const char *id, int64_t now)
{
	const struct presence_node *n = presence_get(p, id);

	if (!n)
		return false;
	return n->by_broker ? n->online : n->last_seen + PRESENCE_SECONDS > now;
}

static void set_path(struct presence_node *n, const Mmesh__V1__PeerState *peer)
{
	struct presence_path *grown;
	size_t i = 0;

	while (i < n->paths && strcmp(n->path[i].peer, peer->node))
		i++;
	if (i == n->paths) {
		if (i == PRESENCE_PEERS)
			return;
		grown = reallocarray(n->path, i + 1, sizeof(*grown));
		if (!grown)
			return;
		n->path = grown;
		n->paths++;
		(void)snprintf(grown[i].peer, sizeof(grown[i].peer), "%s", peer->node);
	}
	(void)snprintf(n->path[i].path, sizeof(n->path[i].path), "%s", peer->path);
	text_clean(n->path[i].path);
}

void presence_paths(struct presence *p, const char *id, Mmesh__V1__PeerState *const *peer,
		    size_t n)
{
	struct presence_node *node = obtain(p, id);

	for (size_t i = 0; node && i < n; i++)
		if (trust_id_is_valid(peer[i]->node))
			set_path(node, peer[i]);
}

void presence_forget(struct presence *p, const char *id)
{
	struct presence_node **at = &p->bucket[bucket_of(id)];

	for (; *at; at = &(*at)->next) {
		struct presence_node *n = *at;

		if (strcmp(n->id, id))
			continue;
		*at = n->next;
		free(n->path);
		free(n);
		return;
	}
}

void presence_free(struct presence *p)
{
	for (size_t i = 0; i < PRESENCE_BUCKETS; i++)
		while (p->bucket[i])
			presence_forget(p, p->bucket[i]->id);
}
