// SPDX-License-Identifier: Apache-2.0
#include "node-record.h"

#include <errno.h>

#include "ipam.h"

/* -- rows -------------------------------------------------------------------------------------------- */

int node_insert_row(struct change *c, const struct object *o, const char *network,
		    struct error *err)
{
	const struct node *n = &o->node;
	char tags[FIELD_TEXT_SIZE];

	tags_format(n->tag, n->tags, tags, sizeof(tags));
	return store_exec(
		c->s, err,
		"INSERT INTO node VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		"ssssibbsissbuisui", o->id, o->parent, network, o->name, (int64_t)n->kind,
		n->identity_key_len ? n->identity_key : NULL, (size_t)n->identity_key_len,
		n->has_mesh_key ? n->mesh_key : NULL, sizeof(n->mesh_key), tags, (int64_t)n->relay,
		n->suite, n->version, c->statement ? c->statement->data : NULL,
		c->statement ? c->statement->len : (size_t)0, n->generation, n->last_seen, n->token, o->revision,
		o->created);
}

static int read_statement(struct store *s, const char *id, Mmesh__V1__Signed **ret,
			  struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	const void *data;
	size_t len;
	int r;

	*ret = NULL;
	r = query_open(&q, s, err, "SELECT statement FROM node WHERE id = ?", "s", id);
	if (!r)
		r = query_next(&q, err);
	if (r <= 0)
		return r;
	data = query_bytes(&q, 0, &len);
	return data ? trust_signed_unpack(ret, data, len, err) : 0;
}

/* -- parts of messages ---------------------------------------------------------------------------------- */

int node_addresses(struct store *s, const struct object *o, char ***list, size_t *n,
		   struct error *err)
{
	_cleanup_free_ struct object *subnet = malloc(sizeof(*subnet));
	_cleanup_free_ struct object *network = malloc(sizeof(*network));
	char text[IPAM_TEXT_SIZE];
	int r;

	if (!subnet || !network)
		return error_oom(err);
	r = network_of_subnet(s, o->parent, subnet, network, err);
	for (uint32_t i = 0; !r && i < o->node.addresses; i++) {
		ipam_format4(text, o->node.address[i], 32);
		r = message_strings_add(list, n, text, err);
	}
	for (uint32_t i = 0; !r && i < o->node.addresses; i++) {
		ipam_format_node6(text, network->network.ula, subnet->subnet.number,
				  o->node.address[i]);
		r = message_strings_add(list, n, text, err);
	}
	return r;
}

int node_routes(const struct object *o, Mmesh__V1__Route ***list, size_t *n, struct error *err)
{
	if (!o->node.routes)
		return 0;
	*list = calloc(o->node.routes, sizeof(**list));
	if (!*list)
		return error_oom(err);
	for (uint32_t i = 0; i < o->node.routes; i++) {
		Mmesh__V1__Route *route = malloc(sizeof(*route));
		int r;

		if (!route)
			return error_oom(err);
		mmesh__v1__route__init(route);
		(*list)[(*n)++] = route;
		route->priority = o->node.route[i].priority;
		route->weight = o->node.route[i].weight;
		r = message_string(&route->prefix, o->node.route[i].prefix, err);
		if (r)
			return r;
	}
	return 0;
}

int node_endpoints(struct store *s, const struct object *o, char ***list, size_t *n,
		   struct error *err)
{
	_cleanup_(trust_signed_freep) Mmesh__V1__Signed *packed = NULL;
	_cleanup_query_ struct query q = { 0 };
	Mmesh__V1__EndpointsRecord *record;
	const void *data;
	size_t len;
	int r;

	r = query_open(&q, s, err, "SELECT endpoints FROM record WHERE stream = ? AND object = ?",
		       "ss", o->parent, o->id);
	if (!r)
		r = query_next(&q, err);
	if (r <= 0)
		return r;
	data = query_bytes(&q, 0, &len);
	r = data ? trust_signed_unpack(&packed, data, len, err) : 0;
	if (r || !packed)
		return r;
	record = mmesh__v1__endpoints_record__unpack(NULL, packed->payload.len,
						     packed->payload.data);
	if (!record)
		return error_set(err, EUCLEAN, "store: the endpoints of node %s are damaged",
				 o->name);
	for (size_t i = 0; !r && i < record->n_endpoint; i++)
		r = message_strings_add(list, n, record->endpoint[i], err);
	mmesh__v1__endpoints_record__free_unpacked(record, NULL);
	return r;
}

/* -- records ---------------------------------------------------------------------------------------------- */

static int fill(struct change *c, const struct object *o, const struct object *network,
		Mmesh__V1__NodeRecord *record, struct error *err)
{
	const struct node *n = &o->node;
	struct blob key = { 0 };
	int r;

	record->kind = (Mmesh__V1__NodeKind)n->kind;
	record->relay = n->relay;
	r = message_string(&record->tenant, network->parent, err);
	if (!r)
		r = message_string(&record->network, network->id, err);
	if (!r)
		r = message_string(&record->subnet, o->parent, err);
	if (!r)
		r = message_string(&record->node, o->id, err);
	if (!r)
		r = message_string(&record->name, o->name, err);
	if (!r)
		r = message_string(&record->suite, n->suite, err);
	if (!r && n->identity_key_len) {
		r = blob_copy(&key, n->identity_key, n->identity_key_len, err);
		record->identity_key = (ProtobufCBinaryData){ .data = key.data, .len = key.len };
	}
	key = (struct blob){ 0 };
	if (!r && n->has_mesh_key) {
		r = blob_copy(&key, n->mesh_key, sizeof(n->mesh_key), err);
		record->mesh_key = (ProtobufCBinaryData){ .data = key.data, .len = key.len };
	}
	if (!r)
		r = node_addresses(c->s, o, &record->address, &record->n_address, err);
	for (uint32_t i = 0; !r && i < n->tags; i++)
		r = message_strings_add(&record->tag, &record->n_tag, n->tag[i], err);
	if (!r)
		r = node_routes(o, &record->route, &record->n_route, err);
	if (!r)
		r = read_statement(c->s, o->id, &record->join, err);
	return r ? r : stream_next(c, o->parent, &record->sequence, err);
}

static int write_relay(struct change *c, const struct object *o, const struct object *network,
		       struct error *err)
{
	Mmesh__V1__RelayRecord record = MMESH__V1__RELAY_RECORD__INIT;
	int r;

	record.zone = (char *)network->network.zone;
	record.node = (char *)o->id;
	record.name = (char *)o->name;
	if (o->node.has_mesh_key)
		record.mesh_key = (ProtobufCBinaryData){ .data = (uint8_t *)o->node.mesh_key,
							 .len = sizeof(o->node.mesh_key) };
	r = node_endpoints(c->s, o, &record.endpoint, &record.n_endpoint, err);
	if (!r)
		r = stream_put(c, network->id, o->id, "relay", TRUST_CONTEXT_RELAY, &record.base,
			       err);
	for (size_t i = 0; i < record.n_endpoint; i++)
		free(record.endpoint[i]);
	free(record.endpoint);
	return r;
}

/* What the network's stream has of a node: a relay, or nothing. */
static int relay_records(struct change *c, const struct object *o, const struct object *network,
			 struct error *err)
{
	if (!o->node.relay)
		return stream_bury(c, network->id, o->id, err);
	return write_relay(c, o, network, err);
}

int node_records(struct change *c, const struct object *o, struct error *err)
{
	_cleanup_free_ struct object *subnet = malloc(sizeof(*subnet));
	_cleanup_free_ struct object *network = malloc(sizeof(*network));
	Mmesh__V1__NodeRecord *record;
	int r;

	if (!subnet || !network)
		return error_oom(err);
	r = network_of_subnet(c->s, o->parent, subnet, network, err);
	if (r)
		return r;
	record = malloc(sizeof(*record));
	if (!record)
		return error_oom(err);
	mmesh__v1__node_record__init(record);
	r = fill(c, o, network, record, err);
	if (!r)
		r = stream_put(c, o->parent, o->id, "node", TRUST_CONTEXT_NODE, &record->base, err);
	mmesh__v1__node_record__free_unpacked(record, NULL);
	return r ? r : relay_records(c, o, network, err);
}

int node_relay_records(struct change *c, const struct object *network, struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	_cleanup_free_ struct object *node = malloc(sizeof(*node));
	char id[ID_SIZE];
	int r;

	if (!node)
		return error_oom(err);
	r = query_open(&q, c->s, err, "SELECT id FROM node WHERE network = ? AND relay", "s",
		       network->id);
	while (!r && (r = query_next(&q, err)) == 1) {
		query_text(&q, 0, id, sizeof(id));
		r = object_by_id(c->s, KIND_NODE, id, node, err);
		r = r == 1 ? write_relay(c, node, network, err) : r;
	}
	return r;
}

int node_set_endpoints(struct change *c, const struct object *o, const struct blob *endpoints,
		       uint64_t generation, struct error *err)
{
	_cleanup_free_ struct object *subnet = malloc(sizeof(*subnet));
	_cleanup_free_ struct object *network = malloc(sizeof(*network));
	int r;

	if (!subnet || !network)
		return error_oom(err);
	r = network_of_subnet(c->s, o->parent, subnet, network, err);
	if (!r)
		r = store_exec(c->s, err, "UPDATE node SET generation = ? WHERE id = ?", "us",
			       generation, o->id);
	if (!r)
		r = stream_put_endpoints(c, o->parent, o->id, endpoints, err);
	if (!r && o->node.relay)
		r = write_relay(c, o, network, err);
	return r;
}
