// SPDX-License-Identifier: Apache-2.0
/* The service Node: what nodes take and tell, each with its certificate. */
#include <errno.h>
#include <time.h>

#include "chain.h"
#include "controller.h"
#include "enrol-reply.h"
#include "node-record.h"

enum { LAST_SEEN_SECONDS = 3600 }; /* stored at most this often */

/* -- who ---------------------------------------------------------------------------------------------------- */

int session_node(struct controller *c, const struct rpc_session *session, struct object *ret,
		 struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	char id[ID_SIZE];
	int64_t gone;
	int r;

	r = query_open(&q, &c->model.store, err,
		       "SELECT node FROM certificate WHERE key_id = ? AND node IS NOT NULL", "b",
		       session->key_id, sizeof(session->key_id));
	if (!r)
		r = query_next(&q, err);
	if (r == 1) {
		query_text(&q, 0, id, sizeof(id));
		r = object_by_id(&c->model.store, KIND_NODE, id, ret, err);
	}
	if (r)
		return r < 0 ? r : 0;
	r = store_int(&c->model.store, &gone, err, "SELECT 1 FROM revoked WHERE key_id = ?", "b",
		      session->key_id, sizeof(session->key_id));
	if (r < 0)
		return r;
	return r ? error_set(err, EACCES, "certificate: its node was deleted") :
		   error_set(err, EACCES, "certificate: is not that of a node here");
}

/* Lock, and find the node; *@up is node and network, the caller's. */
static int admit(struct controller *c, const struct rpc_session *session, struct object *up,
		 struct error *err)
{
	struct object *subnet = malloc(sizeof(*subnet));
	int r;

	model_lock(&c->model);
	r = subnet ? session_node(c, session, &up[0], err) : error_oom(err);
	if (!r)
		r = network_of_subnet(&c->model.store, up[0].parent, subnet, &up[1], err);
	free(subnet);
	if (r)
		model_unlock(&c->model);
	return r;
}

/* -- pull --------------------------------------------------------------------------------------------------- */

static int check_stream(struct controller *c, const struct object *up, const char *stream,
			struct stream_state *state, struct error *err)
{
	const struct object *node = &up[0], *network = &up[1];
	int r = stream_state(&c->model.store, stream, state, err);

	if (r < 0)
		return r;
	/* What is not to be read might as well not be there. */
	if (r == 0 || strcmp(state->network, network->id) ||
	    (strcmp(stream, network->id) && strcmp(stream, node->parent) &&
	     !node_reads_all(node, network)))
		return error_set(err, EACCES, "subnet: is not this node's to read");
	return 0;
}

static int list_subnets(struct controller *c, const struct object *up, Mmesh__V1__PullReply *m,
			struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	char id[ID_SIZE];
	int r;

	if (!node_reads_all(&up[0], &up[1]))
		return message_strings_add(&m->subnet, &m->n_subnet, up[0].parent, err);
	r = query_open(&q, &c->model.store, err, "SELECT id FROM subnet WHERE network = ?", "s",
		       up[1].id);
	while (!r && (r = query_next(&q, err)) == 1) {
		query_text(&q, 0, id, sizeof(id));
		r = message_strings_add(&m->subnet, &m->n_subnet, id, err);
	}
	return r;
}

static int add_entries(struct controller *c, const struct stream_page *page,
		       Mmesh__V1__PullReply *m, struct error *err)
{
	(void)c;
	m->more = page->more;
	if (!page->entries)
		return 0;
	m->entry = calloc(page->entries, sizeof(*m->entry));
	if (!m->entry)
		return error_oom(err);
	for (size_t i = 0; i < page->entries; i++) {
		int r = feed_entry(&page->entry[i], &m->entry[i], err);

		if (r)
			return r;
		m->n_entry++;
	}
	if (page->more && page->snapshot)
		return message_string(&m->next, page->entry[page->entries - 1].object, err);
	return 0;
}

/* A reader of another epoch, or from before the oldest tombstone, takes everything. */
static bool needs_snapshot(const struct controller *c, const Mmesh__V1__PullRequest *rq,
			   const struct stream_state *state)
{
	return *rq->from || rq->epoch != c->model.store.epoch || rq->after < state->floor ||
	       rq->after > state->sequence || !rq->after;
}

static int pull(struct controller *c, const struct object *up, const Mmesh__V1__PullRequest *rq,
		Mmesh__V1__PullReply *m, struct error *err)
{
	const char *stream = *rq->subnet ? rq->subnet : up[1].id;
	struct stream_page page = { .after = rq->after, .from = rq->from, .limit = STREAM_PAGE };
	struct stream_state state;
	int r;

	r = check_stream(c, up, stream, &state, err);
	if (r)
		return r;
	if (rq->limit && rq->limit < STREAM_PAGE)
		page.limit = rq->limit;
	page.snapshot = needs_snapshot(c, rq, &state);
	m->snapshot = page.snapshot;
	r = stream_read(&c->model.store, stream, &page, err);
	if (!r)
		r = add_entries(c, &page, m, err);
	if (!r)
		r = feed_head(c, stream, (int64_t)time(NULL), &m->head, err);
	if (!r)
		r = stream_delegations(c, up[1].parent, page.entry, page.entries, &m->delegation,
				       &m->n_delegation, err);
	if (!r && !*rq->subnet)
		r = list_subnets(c, up, m, err);
	stream_page_free(&page);
	return r;
}

void node_pull(struct rpc_call *call, const void *request, void *user)
{
	Mmesh__V1__PullReply *reply = malloc(sizeof(*reply));
	struct object *up = calloc(2, sizeof(*up));
	struct controller *c = user;
	struct error err;
	int r;

	if (!reply || !up) {
		rpc_fail(call, RPC_RESOURCE_EXHAUSTED, "out of memory");
		free(reply);
		free(up);
		return;
	}
	mmesh__v1__pull_reply__init(reply);
	r = admit(c, rpc_call_session(call), up, &err);
	if (!r) {
		r = pull(c, up, request, reply, &err);
		presence_saw(&c->presence, up[0].id, (int64_t)time(NULL));
		model_unlock(&c->model);
	}
	if (r)
		rpc_fail_error(call, r, &err);
	else
		rpc_reply(call, &reply->base);
	mmesh__v1__pull_reply__free_unpacked(reply, NULL);
	free(up);
}

/* -- report ------------------------------------------------------------------------------------------------- */

/* Its own record as it was signed, to check its signature with. */
static int own_record(struct change *ch, const struct object *node, Mmesh__V1__NodeRecord **ret,
		      struct error *err)
{
	_cleanup_(trust_signed_freep) Mmesh__V1__Signed *s = NULL;
	_cleanup_query_ struct query q = { 0 };
	const void *data;
	size_t len;
	int r;

	r = query_open(&q, ch->s, err, "SELECT record FROM record WHERE stream = ? AND object = ?",
		       "ss", node->parent, node->id);
	if (!r)
		r = query_next(&q, err);
	if (r != 1)
		return r < 0 ? r : error_set(err, EUCLEAN, "store: node %s has no record", node->id);
	data = query_bytes(&q, 0, &len);
	r = trust_signed_unpack(&s, data, len, err);
	if (r)
		return r;
	*ret = mmesh__v1__node_record__unpack(NULL, s->payload.len, s->payload.data);
	return *ret ? 0 : error_set(err, EUCLEAN, "store: the record of node %s is damaged", node->id);
}

static int take_endpoints(struct change *ch, const struct object *node,
			  const Mmesh__V1__Signed *endpoints, struct error *err)
{
	Mmesh__V1__EndpointsRecord *record = NULL;
	_cleanup_blob_ struct blob packed = { 0 };
	Mmesh__V1__NodeRecord *own = NULL;
	int r;

	r = own_record(ch, node, &own, err);
	if (r)
		return r;
	r = trust_endpoints_open(&record, own, endpoints, err);
	mmesh__v1__node_record__free_unpacked(own, NULL);
	if (r)
		return error_prefix(err, r, "endpoints: ");
	/* The same again is no news; an older one is refused. */
	if (record->generation < node->node.generation)
		r = error_set(err, ESTALE, "endpoints: generation %llu is older than %llu",
			      (unsigned long long)record->generation,
			      (unsigned long long)node->node.generation);
	else if (record->generation > node->node.generation)
		r = trust_signed_pack(&packed.data, &packed.len, endpoints, err);
	if (!r && packed.data)
		r = node_set_endpoints(ch, node, &packed, record->generation, err);
	mmesh__v1__endpoints_record__free_unpacked(record, NULL);
	return r;
}

/* A kernel that can more, or less, changes the node's record; its version only its row. */
static int take_capabilities(struct change *ch, struct object *node,
			     const Mmesh__V1__Capabilities *c, struct error *err)
{
	_cleanup_free_ struct object *old = malloc(sizeof(*old));
	const char *suite = "wireguard";
	char path[PATH_SIZE];
	int r;

	if (!old)
		return error_oom(err);
	*old = *node;
	for (size_t i = 0; i < c->n_suite; i++)
		if (!strcmp(c->suite[i], "aes256gcm"))
			suite = "aes256gcm";
	if (c->module)
		node->node.kind = MMESH__V1__NODE_KIND__NODE_KIND_CONNECTED;
	(void)snprintf(node->node.suite, sizeof(node->node.suite), "%s", suite);
	(void)snprintf(node->node.version, sizeof(node->node.version), "%.31s", c->version);
	text_clean(node->node.version);
	if (node->node.kind == old->node.kind && !strcmp(node->node.suite, old->node.suite) &&
	    !strcmp(node->node.version, old->node.version))
		return 0;
	node->node.last_seen = ch->now;
	if (node->node.kind == old->node.kind && !strcmp(node->node.suite, old->node.suite))
		return node_ops.update(ch, node, err);
	r = object_path(ch->s, node, path, err);
	return r ? r : manage_update(ch, node, old, path, err);
}

static int report(struct change *ch, struct object *node, const Mmesh__V1__ReportRequest *rq,
		  struct error *err)
{
	int r = 0;

	if (rq->capabilities)
		r = take_capabilities(ch, node, rq->capabilities, err);
	if (!r && rq->endpoints)
		r = take_endpoints(ch, node, rq->endpoints, err);
	if (!r && node->node.last_seen + LAST_SEEN_SECONDS < ch->now)
		r = store_exec(ch->s, err, "UPDATE node SET last_seen = ? WHERE id = ?", "is",
			       ch->now, node->id);
	return r ? r : change_commit(ch, err);
}

void node_report(struct rpc_call *call, const void *request, void *user)
{
	Mmesh__V1__ReportReply reply = MMESH__V1__REPORT_REPLY__INIT;
	const struct rpc_session *session = rpc_call_session(call);
	_cleanup_free_ struct object *node = malloc(sizeof(*node));
	const Mmesh__V1__ReportRequest *rq = request;
	_cleanup_change_ struct change ch = { 0 };
	struct controller *c = user;
	struct error err;
	int r;

	r = node ? change_begin(&ch, &c->model, session->remote, &err) : error_oom(&err);
	if (!r)
		r = session_node(c, session, node, &err);
	if (!r) {
		presence_saw(&c->presence, node->id, ch.now);
		presence_paths(&c->presence, node->id, rq->peer, rq->n_peer);
		r = report(&ch, node, rq, &err);
	}
	if (r) {
		rpc_fail_error(call, r, &err);
		return;
	}
	reply.time = (int64_t)time(NULL);
	reply.interval = REPORT_SECONDS;
	rpc_reply(call, &reply.base);
}

/* -- watch -------------------------------------------------------------------------------------------------- */

void node_watch(struct rpc_stream *stream, const void *request, void *user)
{
	struct object *up = calloc(2, sizeof(*up));
	struct controller *c = user;
	struct error err;
	int r;

	(void)request;
	r = up ? admit(c, rpc_stream_session(stream), up, &err) : error_oom(&err);
	if (!r) {
		r = feed_watch_node(c, stream, &up[0], &up[1], &err);
		presence_saw(&c->presence, up[0].id, (int64_t)time(NULL));
		model_unlock(&c->model);
	}
	free(up);
	if (r)
		rpc_stream_end(stream, rpc_code_from_errno(r), "%s", err.text);
}
