// SPDX-License-Identifier: Apache-2.0
#include "enrol-reply.h"

#include <errno.h>

#include "delegation.h"
#include "endpoint.h"

static int set_bytes(ProtobufCBinaryData *to, const void *data, size_t len, struct error *err)
{
	struct blob copy = { 0 };
	int r = blob_copy(&copy, data, len, err);

	if (!r)
		*to = (ProtobufCBinaryData){ .data = copy.data, .len = copy.len };
	return r;
}

static int set_cert(ProtobufCBinaryData *to, const struct trust_cert *cert, struct error *err)
{
	size_t len;
	const uint8_t *der = trust_cert_der(cert, &len);

	return set_bytes(to, der, len, err);
}

int stream_delegations(struct controller *c, const char *tenant, const struct stream_entry *entry,
		       size_t n, Mmesh__V1__Signed ***ret, size_t *ret_n, struct error *err)
{
	struct delegation_list list = { 0 };
	char key[TRUST_KEY_ID_TEXT_SIZE];
	int r = delegation_of_controller(&c->model.store, tenant, &list, err);

	for (size_t i = 0; !r && i < n; i++) {
		_cleanup_query_ struct query q = { 0 };

		r = query_open(&q, &c->model.store, err,
			       "SELECT token FROM node WHERE id = ? AND statement IS NOT NULL", "s",
			       entry[i].object);
		if (!r)
			r = query_next(&q, err);
		if (r != 1)
			continue;
		query_text(&q, 0, key, sizeof(key));
		r = delegation_of_key(&c->model.store, tenant, key, &list, err);
	}
	if (r) {
		delegation_list_free(&list);
		return r;
	}
	*ret = list.item;
	*ret_n = list.count;
	return 0;
}

int announced(const struct controller *c, uint16_t port, char ***list, size_t *n,
	      struct error *err)
{
	int r = 0;

	for (unsigned int i = 0; !r && i < c->config.n_announce; i++) {
		const char *host = c->config.announce[i];
		char text[CONFIG_TEXT + 16];

		(void)snprintf(text, sizeof(text), strchr(host, ':') ? "[%s]:%u" : "%s:%u", host,
			       port);
		r = message_strings_add(list, n, text, err);
	}
	return r;
}

uint16_t broker_port(const struct controller *c)
{
	struct endpoint_name name;

	if (!strcmp(c->config.broker, "none") || endpoint_split(&name, c->config.broker, NULL))
		return 0;
	return name.port;
}

/* Its row in its subnet's stream. */
static int own_entry(struct controller *c, const struct object *node, struct stream_entry *ret,
		     struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r;

	*ret = (struct stream_entry){ 0 };
	(void)snprintf(ret->object, sizeof(ret->object), "%s", node->id);
	r = query_open(&q, &c->model.store, err,
		       "SELECT record FROM record WHERE stream = ? AND object = ?", "ss",
		       node->parent, node->id);
	if (!r)
		r = query_next(&q, err);
	if (r != 1)
		return r < 0 ? r : error_set(err, EUCLEAN, "store: node %s has no record", node->id);
	return query_blob(&q, 0, &ret->record, err);
}

static int fill_places(struct controller *c, const struct object *node,
		       const struct object *network, Mmesh__V1__JoinReply *m, struct error *err)
{
	_cleanup_free_ struct object *tenant = malloc(sizeof(*tenant));
	int r;

	if (!tenant)
		return error_oom(err);
	r = object_by_id(&c->model.store, KIND_TENANT, network->parent, tenant, err);
	if (r == 1)
		r = set_bytes(&m->tenant_root, tenant->tenant.root_key, tenant->tenant.root_key_len,
			      err);
	if (!r)
		r = message_string(&m->node, node->id, err);
	if (!r)
		r = message_string(&m->tenant, network->parent, err);
	if (!r)
		r = message_string(&m->tenant_name, tenant->name, err);
	if (!r)
		r = message_string(&m->network, network->id, err);
	if (!r)
		r = message_string(&m->subnet, node->parent, err);
	if (!r && broker_port(c))
		r = announced(c, broker_port(c), &m->broker, &m->n_broker, err);
	return r ? r : announced(c, c->port, &m->controller, &m->n_controller, err);
}

int enrol_reply(struct controller *c, const struct object *node, const struct object *network,
		const struct trust_cert *cert, Mmesh__V1__JoinReply **ret, struct error *err)
{
	Mmesh__V1__JoinReply *m = malloc(sizeof(*m));
	struct stream_entry own;
	int r;

	if (!m)
		return error_oom(err);
	mmesh__v1__join_reply__init(m);
	*ret = m;
	r = own_entry(c, node, &own, err);
	if (!r)
		r = trust_signed_unpack(&m->record, own.record.data, own.record.len, err);
	if (!r)
		r = stream_delegations(c, network->parent, &own, 1, &m->delegation,
				       &m->n_delegation, err);
	if (!r)
		r = set_cert(&m->certificate, cert, err);
	if (!r)
		r = set_cert(&m->ca, c->keys.ca, err);
	if (!r)
		r = fill_places(c, node, network, m, err);
	blob_free(&own.record);
	return r;
}

int enrol_renew_reply(struct controller *c, const struct object *node,
		      const struct object *network, const struct trust_cert *cert,
		      Mmesh__V1__RenewReply **ret, struct error *err)
{
	Mmesh__V1__RenewReply *m = malloc(sizeof(*m));
	struct stream_entry own = { 0 };
	int r;

	if (!m)
		return error_oom(err);
	mmesh__v1__renew_reply__init(m);
	*ret = m;
	(void)snprintf(own.object, sizeof(own.object), "%s", node->id);
	r = stream_delegations(c, network->parent, &own, 1, &m->delegation, &m->n_delegation, err);
	if (!r)
		r = set_cert(&m->certificate, cert, err);
	return r ? r : set_cert(&m->ca, c->keys.ca, err);
}
