// SPDX-License-Identifier: Apache-2.0
#include "client-config.h"

#include <errno.h>

#include "key.h"
#include "node-record.h"

static void free_strings(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

static int write_list(FILE *out, struct store *s, const struct object *o, const char *word,
		      struct error *err)
{
	char **address = NULL;
	size_t n = 0;
	int r = node_addresses(s, o, &address, &n, err);

	if (!r)
		(void)fprintf(out, "%s = ", word);
	for (size_t i = 0; !r && i < n; i++)
		(void)fprintf(out, "%s%s/%d", i ? ", " : "", address[i],
			      strchr(address[i], ':') ? 128 : 32);
	for (uint32_t i = 0; !r && !strcmp(word, "AllowedIPs") && i < o->node.routes; i++)
		(void)fprintf(out, ", %s", o->node.route[i].prefix);
	(void)fprintf(out, "\n");
	free_strings(address, n);
	return r;
}

static int write_peer(FILE *out, struct store *s, const struct object *o, struct error *err)
{
	char key[KEY_TEXT_SIZE], **endpoint = NULL;
	size_t n = 0;
	int r = node_endpoints(s, o, &endpoint, &n, err);

	if (!r && n && o->node.has_mesh_key) {
		key_format(key, o->node.mesh_key);
		(void)fprintf(out, "\n[Peer]\n# %s\nPublicKey = %s\n", o->name, key);
		r = write_list(out, s, o, "AllowedIPs", err);
		(void)fprintf(out, "Endpoint = %s\nPersistentKeepalive = 25\n", endpoint[0]);
	}
	free_strings(endpoint, n);
	return r;
}

static int write_peers(FILE *out, struct store *s, const struct object *client, struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	_cleanup_free_ struct object *o = malloc(sizeof(*o));
	char id[ID_SIZE];
	int r;

	if (!o)
		return error_oom(err);
	r = query_open(&q, s, err,
		       "SELECT node.id FROM node JOIN network ON network.id = node.network"
		       " WHERE node.kind = 1 AND (node.subnet = ?1 OR (network.routed AND network.id ="
		       " (SELECT network FROM subnet WHERE id = ?1))) ORDER BY node.name",
		       "s", client->parent);
	while (!r && (r = query_next(&q, err)) == 1) {
		query_text(&q, 0, id, sizeof(id));
		r = object_by_id(s, KIND_NODE, id, o, err);
		r = r == 1 ? write_peer(out, s, o, err) : r;
	}
	return r;
}

int client_config(struct model *m, const struct object *client, char **ret, struct error *err)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int r;

	if (!out)
		return error_oom(err);
	(void)fprintf(out, "[Interface]\n# PrivateKey = that of this client\n");
	r = write_list(out, &m->store, client, "Address", err);
	if (!r)
		r = write_peers(out, &m->store, client, err);
	if (fclose(out) && !r)
		r = error_oom(err);
	if (r) {
		free(text);
		return r;
	}
	*ret = text;
	return 0;
}
