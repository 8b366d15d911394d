// SPDX-License-Identifier: Apache-2.0
#include "feed.h"

#include <errno.h>
#include <time.h>

#include "controller.h"
#include "node-record.h"
#include "permissions.h"
#include "publisher.h"

/* -- heads -------------------------------------------------------------------------------------------- */

static struct feed_head *head_place(struct feed *f, const char *stream)
{
	char part[5];

	(void)snprintf(part, sizeof(part), "%.4s", stream);
	return &f->head[strtoul(part, NULL, 16) % FEED_HEADS];
}

/* Signed now, unless the one that we have is of this sequence number and fresh. */
static int refresh_head(struct controller *c, const char *stream, int64_t now, bool force,
			struct feed_head **ret, struct error *err)
{
	struct feed_head *h = head_place(&c->feed, stream);
	struct blob fresh = { 0 };
	struct stream_state state;
	uint64_t sequence;
	int r;

	r = stream_state(&c->model.store, stream, &state, err);
	if (r != 1)
		return r < 0 ? r : error_set(err, ENOENT, "subnet: there is no such stream");
	*ret = h;
	if (!force && !strcmp(h->id, stream) && h->sequence == state.sequence &&
	    h->time <= now && h->time + FEED_HEAD_SECONDS > now)
		return 0;
	r = stream_head(&c->model.store, c->model.signer, stream, now, &fresh, &sequence, err);
	if (r)
		return r;
	blob_free(&h->head);
	*h = (struct feed_head){ .sequence = sequence, .time = now, .head = fresh };
	(void)snprintf(h->id, sizeof(h->id), "%s", stream);
	return 0;
}

int feed_head(struct controller *c, const char *stream, int64_t now, Mmesh__V1__Signed **ret,
	      struct error *err)
{
	struct feed_head *h;
	int r = refresh_head(c, stream, now, false, &h, err);

	return r ? r : trust_signed_unpack(ret, h->head.data, h->head.len, err);
}

/* -- messages ------------------------------------------------------------------------------------------- */

int feed_entry(const struct stream_entry *e, Mmesh__V1__Entry **ret, struct error *err)
{
	Mmesh__V1__Entry *m = malloc(sizeof(*m));
	int r;

	if (!m)
		return error_oom(err);
	mmesh__v1__entry__init(m);
	m->sequence = e->sequence;
	r = message_string(&m->object, e->object, err);
	if (!r)
		r = message_string(&m->kind, e->kind, err);
	if (!r)
		r = trust_signed_unpack(&m->record, e->record.data, e->record.len, err);
	if (!r && e->endpoints.data)
		r = trust_signed_unpack(&m->endpoints, e->endpoints.data, e->endpoints.len, err);
	if (r) {
		mmesh__v1__entry__free_unpacked(m, NULL);
		return r;
	}
	*ret = m;
	return 0;
}

static int make_delta(struct controller *c, const struct touched_stream *t, int64_t now,
		      Mmesh__V1__Delta **ret, struct error *err)
{
	Mmesh__V1__Delta *d = malloc(sizeof(*d));
	int r;

	if (!d)
		return error_oom(err);
	mmesh__v1__delta__init(d);
	d->epoch = c->model.store.epoch;
	d->predecessor = t->before;
	r = message_string(&d->network, t->network, err);
	if (!r && strcmp(t->id, t->network))
		r = message_string(&d->subnet, t->id, err);
	if (!r)
		r = feed_head(c, t->id, now, &d->head, err);
	if (!r && t->entries) {
		d->entry = calloc(t->entries, sizeof(*d->entry));
		if (!d->entry)
			r = error_oom(err);
	}
	for (size_t i = 0; !r && i < t->entries; i++) {
		r = feed_entry(&t->entry[i], &d->entry[i], err);
		if (!r)
			d->n_entry++;
	}
	if (r) {
		mmesh__v1__delta__free_unpacked(d, NULL);
		return r;
	}
	*ret = d;
	return 0;
}

/* -- watchers -------------------------------------------------------------------------------------------- */

static bool may_read(const struct node_watcher *w, const struct touched_stream *t)
{
	if (strcmp(w->network, t->network))
		return false;
	return w->all || !strcmp(t->id, t->network) || !strcmp(t->id, w->subnet);
}

static void free_node_watcher(struct node_watcher *w)
{
	rpc_stream_unref(w->stream);
	free(w);
}

static void tell_nodes(struct controller *c, const struct touched_stream *t,
		       const Mmesh__V1__Delta *d)
{
	struct node_watcher **at = &c->feed.nodes;

	while (*at) {
		struct node_watcher *w = *at;

		if (rpc_stream_is_open(w->stream) &&
		    (!may_read(w, t) || !rpc_stream_send(w->stream, &d->base))) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		free_node_watcher(w);
	}
}

static void tell_stream(struct controller *c, const struct touched_stream *t, int64_t now)
{
	Mmesh__V1__Delta *d = NULL;
	struct error err;

	if (make_delta(c, t, now, &d, &err)) {
		log_error("stream %s: %s", t->id, err.text);
		return;
	}
	tell_nodes(c, t, d);
	if (c->publisher)
		publisher_delta(c->publisher, c, t, d);
	mmesh__v1__delta__free_unpacked(d, NULL);
}

static bool is_under(const char *path, const char *under)
{
	size_t len = strlen(under);

	return !len || (!strncmp(path, under, len) && (!path[len] || path[len] == '/'));
}

/* What is left to say of an object that is gone: its kind, empty, path and id. */
static int make_name(const struct object *o, const char *path, message_object **ret,
		     struct error *err)
{
	const ProtobufCMessageDescriptor *type;
	message_object *m = malloc(sizeof(*m));
	ProtobufCMessage *part;
	int r;

	if (!m)
		return error_oom(err);
	mmesh__v1__object__init(m);
	*ret = m;
	type = protobuf_c_message_descriptor_get_field(&mmesh__v1__object__descriptor,
						       kind_ops(o->kind)->message)
		       ->descriptor;
	part = malloc(type->sizeof_message);
	if (!part)
		return error_oom(err);
	protobuf_c_message_init(type, part);
	m->tenant = (Mmesh__V1__Tenant *)part;
	m->kind_case = kind_ops(o->kind)->message;
	r = message_string(&m->path, path, err);
	return r ? r : message_string(&m->id, o->id, err);
}

static int make_event(struct controller *c, const struct change_event *e, Mmesh__V1__Event **ret,
		      struct error *err)
{
	Mmesh__V1__Event *m = malloc(sizeof(*m));
	int r;

	if (!m)
		return error_oom(err);
	mmesh__v1__event__init(m);
	r = message_string(&m->verb, e->verb, err);
	if (!r && !strcmp(e->verb, "put")) {
		r = controller_show(c, &e->object, e->path, &m->object, err);
	} else if (!r) {
		r = make_name(&e->object, e->path, &m->object, err);
	}
	if (r) {
		mmesh__v1__event__free_unpacked(m, NULL);
		return r;
	}
	*ret = m;
	return 0;
}

static void tell_admins(struct controller *c, const struct change_event *e)
{
	struct admin_watcher **at = &c->feed.admins;
	Mmesh__V1__Event *m = NULL;

	if (!*at || make_event(c, e, &m, NULL))
		return;
	while (*at) {
		struct admin_watcher *w = *at;
		bool wanted = (w->kind == KINDS || w->kind == e->object.kind) &&
			      is_under(e->path, w->under);

		if (rpc_stream_is_open(w->stream) &&
		    (!wanted || !rpc_stream_send(w->stream, &m->base))) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		rpc_stream_unref(w->stream);
		free(w);
	}
	mmesh__v1__event__free_unpacked(m, NULL);
}

/* Isolation changed: what watchers may read is looked up anew. */
static void review_watchers(struct controller *c)
{
	struct object *node = malloc(sizeof(*node));
	struct object *network = malloc(sizeof(*network));

	for (struct node_watcher *w = c->feed.nodes; w; w = w->next) {
		w->all = node && network &&
			 object_by_id(&c->model.store, KIND_NODE, w->node, node, NULL) == 1 &&
			 object_by_id(&c->model.store, KIND_NETWORK, w->network, network, NULL) ==
				 1 &&
			 node_reads_all(node, network);
	}
	free(node);
	free(network);
}

void feed_committed(void *controller, const struct change *change)
{
	struct controller *c = controller;
	struct error err;

	/* Before anything is told, who may hear it. */
	if (change->permissions) {
		if (permissions_write(c, &err))
			log_error("broker: %s", err.text);
		review_watchers(c);
	}
	for (size_t i = 0; i < change->cuts; i++)
		if (c->server)
			(void)rpc_server_cut(c->server, change->cut[i]);
	for (size_t i = 0; i < change->streams; i++)
		tell_stream(c, &change->stream[i], change->now);
	for (size_t i = 0; i < change->events; i++) {
		const struct change_event *e = &change->event[i];

		tell_admins(c, e);
		if (e->object.kind == KIND_NODE && !strcmp(e->verb, "delete"))
			presence_forget(&c->presence, e->object.id);
	}
}

/* The ids of all streams; *@ret is the caller's. */
static int list_streams(struct controller *c, struct touched_stream **ret, size_t *ret_n,
			struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	struct touched_stream *list = NULL;
	size_t n = 0;
	int r;

	r = query_open(&q, &c->model.store, err, "SELECT id, network, sequence FROM stream", "");
	while (!r && (r = query_next(&q, err)) == 1) {
		struct touched_stream *grown = reallocarray(list, n + 1, sizeof(*grown));

		if (!grown) {
			r = error_oom(err);
			break;
		}
		list = grown;
		list[n] = (struct touched_stream){ .before = (uint64_t)query_int(&q, 2) };
		query_text(&q, 0, list[n].id, ID_SIZE);
		query_text(&q, 1, list[n].network, ID_SIZE);
		n++;
		r = 0;
	}
	if (r) {
		free(list);
		return r;
	}
	*ret = list;
	*ret_n = n;
	return 0;
}

void feed_heads(struct controller *c)
{
	int64_t now = (int64_t)time(NULL);
	struct touched_stream *list;
	struct feed_head *h;
	struct error err;
	size_t n;

	if (list_streams(c, &list, &n, &err)) {
		log_error("heads: %s", err.text);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (refresh_head(c, list[i].id, now, true, &h, &err))
			log_error("stream %s: %s", list[i].id, err.text);
		else
			tell_stream(c, &list[i], now);
	}
	free(list);
}

int feed_watch_node(struct controller *c, struct rpc_stream *stream, const struct object *node,
		    const struct object *network, struct error *err)
{
	struct node_watcher *w;

	if (c->feed.ended)
		return error_set(err, ECANCELED, "the controller is ending");
	w = calloc(1, sizeof(*w));
	if (!w)
		return error_oom(err);
	(void)snprintf(w->node, sizeof(w->node), "%s", node->id);
	(void)snprintf(w->subnet, sizeof(w->subnet), "%s", node->parent);
	(void)snprintf(w->network, sizeof(w->network), "%s", network->id);
	w->all = node_reads_all(node, network);
	w->stream = rpc_stream_ref(stream);
	w->next = c->feed.nodes;
	c->feed.nodes = w;
	return 0;
}

int feed_watch_admin(struct controller *c, struct rpc_stream *stream, enum kind kind,
		     const char *under, struct error *err)
{
	struct admin_watcher *w;

	if (c->feed.ended)
		return error_set(err, ECANCELED, "the controller is ending");
	w = calloc(1, sizeof(*w));
	if (!w)
		return error_oom(err);
	w->kind = kind;
	(void)snprintf(w->under, sizeof(w->under), "%s", under);
	w->stream = rpc_stream_ref(stream);
	w->next = c->feed.admins;
	c->feed.admins = w;
	return 0;
}

void feed_free(struct feed *f)
{
	f->ended = true;
	while (f->nodes) {
		struct node_watcher *w = f->nodes;

		f->nodes = w->next;
		free_node_watcher(w);
	}
	while (f->admins) {
		struct admin_watcher *w = f->admins;

		f->admins = w->next;
		rpc_stream_unref(w->stream);
		free(w);
	}
	for (size_t i = 0; i < FEED_HEADS; i++)
		blob_free(&f->head[i].head);
}
