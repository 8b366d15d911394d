// SPDX-License-Identifier: Apache-2.0
#include "stream.h"

#include <errno.h>

#include "digest.h"
#include "ipam.h"

int stream_create(struct change *c, const char *id, const char *network, struct error *err)
{
	return store_exec(c->s, err, "INSERT INTO stream VALUES (?, ?, 0, 0)", "ss", id, network);
}

int stream_state(struct store *s, const char *id, struct stream_state *ret, struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r;

	r = query_open(&q, s, err, "SELECT network, sequence, floor FROM stream WHERE id = ?", "s",
		       id);
	if (!r)
		r = query_next(&q, err);
	if (r != 1)
		return r;
	query_text(&q, 0, ret->network, sizeof(ret->network));
	ret->sequence = (uint64_t)query_int(&q, 1);
	ret->floor = (uint64_t)query_int(&q, 2);
	return 1;
}

static int need_state(struct store *s, const char *id, struct stream_state *ret,
		      struct error *err)
{
	int r = stream_state(s, id, ret, err);

	if (r == 0)
		return error_set(err, EUCLEAN, "store: stream %s is missing", id);
	return r < 0 ? r : 0;
}

int stream_next(struct change *c, const char *id, uint64_t *ret, struct error *err)
{
	struct stream_state state;
	int r = need_state(c->s, id, &state, err);

	if (!r)
		*ret = state.sequence + 1;
	return r;
}

/* -- writing ---------------------------------------------------------------------------------------- */

/* The place in @c where what is to be published of a stream gathers. */
static struct touched_stream *touch(struct change *c, const char *id, const char *network,
				    uint64_t before)
{
	struct touched_stream *t;

	for (size_t i = 0; i < c->streams; i++)
		if (!strcmp(c->stream[i].id, id))
			return &c->stream[i];
	t = reallocarray(c->stream, c->streams + 1, sizeof(*t));
	if (!t)
		return NULL;
	c->stream = t;
	t = &c->stream[c->streams++];
	*t = (struct touched_stream){ .before = before };
	(void)snprintf(t->id, sizeof(t->id), "%s", id);
	(void)snprintf(t->network, sizeof(t->network), "%s", network);
	return t;
}

/* Later entries of an object take the place of earlier ones of the same change. */
static int add_entry(struct touched_stream *t, struct stream_entry *e, struct error *err)
{
	struct stream_entry *grown;
	size_t kept = 0;

	for (size_t i = 0; i < t->entries; i++) {
		if (strcmp(t->entry[i].object, e->object)) {
			t->entry[kept++] = t->entry[i];
			continue;
		}
		blob_free(&t->entry[i].record);
		blob_free(&t->entry[i].endpoints);
	}
	t->entries = kept;
	grown = reallocarray(t->entry, kept + 1, sizeof(*grown));
	if (!grown)
		return error_oom(err);
	t->entry = grown;
	grown[t->entries++] = *e;
	*e = (struct stream_entry){ 0 };
	return 0;
}

/* Read a row of "SELECT sequence, object, kind, record, endpoints". */
static int read_entry(struct query *q, struct stream_entry *ret, struct error *err)
{
	struct stream_entry e = { .sequence = (uint64_t)query_int(q, 0) };
	int r;

	query_text(q, 1, e.object, sizeof(e.object));
	query_text(q, 2, e.kind, sizeof(e.kind));
	r = query_blob(q, 3, &e.record, err);
	if (!r)
		r = query_blob(q, 4, &e.endpoints, err);
	if (r) {
		blob_free(&e.record);
		return r;
	}
	*ret = e;
	return 0;
}

/* Note what the stream now has of @object, at its new sequence number. */
static int moved(struct change *c, const char *id, const char *object, struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	struct stream_state state;
	struct stream_entry e = { 0 };
	struct touched_stream *t;
	int r;

	r = need_state(c->s, id, &state, err);
	if (r)
		return r;
	r = store_exec(c->s, err, "UPDATE stream SET sequence = ? WHERE id = ?", "us",
		       state.sequence + 1, id);
	if (!r)
		r = query_open(&q, c->s, err,
			       "SELECT sequence, object, kind, record, endpoints FROM record"
			       " WHERE stream = ? AND object = ?",
			       "ss", id, object);
	if (!r)
		r = query_next(&q, err);
	if (r != 1)
		return r < 0 ? r : error_set(err, EUCLEAN, "store: record %s is missing", object);
	t = touch(c, id, state.network, state.sequence);
	if (!t)
		return error_oom(err);
	t->after = state.sequence + 1;
	r = read_entry(&q, &e, err);
	if (!r)
		r = add_entry(t, &e, err);
	blob_free(&e.record);
	blob_free(&e.endpoints);
	return r;
}

static int sign(struct change *c, const char *context, const ProtobufCMessage *message,
		struct blob *ret, struct error *err)
{
	_cleanup_(trust_signed_freep) Mmesh__V1__Signed *s = NULL;
	int r;

	r = trust_sign(&s, c->m->signer, context, message, err);
	return r ? r : trust_signed_pack(&ret->data, &ret->len, s, err);
}

int stream_put(struct change *c, const char *id, const char *object, const char *kind,
	       const char *context, const ProtobufCMessage *message, struct error *err)
{
	_cleanup_blob_ struct blob record = { 0 };
	uint64_t sequence;
	int r;

	r = stream_next(c, id, &sequence, err);
	if (!r)
		r = sign(c, context, message, &record, err);
	if (!r)
		r = store_exec(c->s, err,
			       "INSERT INTO record VALUES (?, ?, ?, ?, ?, NULL, NULL)"
			       " ON CONFLICT (stream, object) DO UPDATE SET kind = excluded.kind,"
			       " sequence = excluded.sequence, record = excluded.record,"
			       " died = NULL",
			       "sssub", id, object, kind, sequence, record.data, record.len);
	return r ? r : moved(c, id, object, err);
}

int stream_put_endpoints(struct change *c, const char *id, const char *object,
			 const struct blob *endpoints, struct error *err)
{
	uint64_t sequence;
	int r;

	r = stream_next(c, id, &sequence, err);
	if (!r)
		r = store_exec(c->s, err,
			       "UPDATE record SET sequence = ?, endpoints = ?"
			       " WHERE stream = ? AND object = ? AND died IS NULL",
			       "ubss", sequence, endpoints->data, endpoints->len, id, object);
	if (r || !store_changes(c->s))
		return r;
	return moved(c, id, object, err);
}

int stream_bury(struct change *c, const char *id, const char *object, struct error *err)
{
	Mmesh__V1__Tombstone tombstone = MMESH__V1__TOMBSTONE__INIT;
	_cleanup_blob_ struct blob record = { 0 };
	uint64_t sequence;
	bool there;
	int r;

	r = stream_has(c->s, id, object, &there, err);
	if (r || !there)
		return r;
	tombstone.object = (char *)object;
	tombstone.time = c->now;
	r = stream_next(c, id, &sequence, err);
	if (!r)
		r = sign(c, TRUST_CONTEXT_TOMBSTONE, &tombstone.base, &record, err);
	if (!r)
		r = store_exec(c->s, err,
			       "UPDATE record SET sequence = ?, record = ?, endpoints = NULL,"
			       " died = ? WHERE stream = ? AND object = ?",
			       "ubiss", sequence, record.data, record.len, c->now, id, object);
	return r ? r : moved(c, id, object, err);
}

int stream_has(struct store *s, const char *id, const char *object, bool *ret, struct error *err)
{
	int64_t one;
	int r = store_int(s, &one, err,
			  "SELECT 1 FROM record WHERE stream = ? AND object = ? AND died IS NULL",
			  "ss", id, object);

	*ret = r == 1;
	return r < 0 ? r : 0;
}

int stream_drop(struct change *c, const char *id, struct error *err)
{
	size_t kept = 0;

	/* Nobody is left to be told. */
	for (size_t i = 0; i < c->streams; i++) {
		struct touched_stream *t = &c->stream[i];

		if (strcmp(t->id, id)) {
			c->stream[kept++] = *t;
			continue;
		}
		for (size_t j = 0; j < t->entries; j++) {
			blob_free(&t->entry[j].record);
			blob_free(&t->entry[j].endpoints);
		}
		free(t->entry);
	}
	c->streams = kept;
	return store_exec(c->s, err, "DELETE FROM stream WHERE id = ?", "s", id);
}

int stream_purge(struct store *s, int64_t before, struct error *err)
{
	int r = store_exec(s, err,
			   "UPDATE stream SET floor = max(floor, (SELECT max(sequence) FROM record"
			   " WHERE stream = stream.id AND died < ?1)) WHERE id IN"
			   " (SELECT stream FROM record WHERE died < ?1)",
			   "i", before);

	if (!r)
		r = store_exec(s, err, "DELETE FROM record WHERE died < ?", "i", before);
	/* Of subnets that are gone. */
	if (!r)
		r = store_exec(s, err,
			       "DELETE FROM stream WHERE id != network AND id NOT IN (SELECT id "
			       "FROM subnet) AND id NOT IN (SELECT stream FROM record)",
			       "");
	return r ? r : ipam_purge(s, before, err);
}

/* -- reading ---------------------------------------------------------------------------------------- */

static int digest(struct store *s, const char *id, uint8_t ret[TRUST_DIGEST_LEN],
		  struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	_cleanup_free_ struct trust_digest_item *items = NULL;
	_cleanup_free_ char (*object)[ID_SIZE] = NULL;
	int64_t count = 0;
	size_t n = 0;
	int r;

	r = store_int(s, &count, err,
		      "SELECT count(*) FROM record WHERE stream = ? AND died IS NULL", "s", id);
	if (r < 0)
		return r;
	items = calloc((size_t)count + 1, sizeof(*items));
	object = calloc((size_t)count + 1, sizeof(*object));
	if (!items || !object)
		return error_oom(err);
	r = query_open(&q, s, err,
		       "SELECT object, sequence FROM record WHERE stream = ? AND died IS NULL", "s",
		       id);
	while (!r && n < (size_t)count && (r = query_next(&q, err)) == 1) {
		query_text(&q, 0, object[n], sizeof(object[n]));
		items[n].object = object[n];
		items[n++].sequence = (uint64_t)query_int(&q, 1);
		r = 0;
	}
	return r ? r : trust_digest(ret, items, n, err);
}

int stream_head(struct store *s, const struct trust_key *signer, const char *id, int64_t now,
		struct blob *ret, uint64_t *ret_sequence, struct error *err)
{
	_cleanup_(trust_signed_freep) Mmesh__V1__Signed *signed_head = NULL;
	Mmesh__V1__Head head = MMESH__V1__HEAD__INIT;
	uint8_t hash[TRUST_DIGEST_LEN];
	struct stream_state state;
	int r;

	r = need_state(s, id, &state, err);
	if (!r)
		r = digest(s, id, hash, err);
	if (r)
		return r;
	head.network = state.network;
	if (strcmp(id, state.network))
		head.subnet = (char *)id;
	head.epoch = s->epoch;
	head.sequence = state.sequence;
	head.time = now;
	head.digest = (ProtobufCBinaryData){ .data = hash, .len = sizeof(hash) };
	r = trust_sign(&signed_head, signer, TRUST_CONTEXT_HEAD, &head.base, err);
	if (!r)
		r = trust_signed_pack(&ret->data, &ret->len, signed_head, err);
	if (!r)
		*ret_sequence = state.sequence;
	return r;
}

static int open_page(struct query *q, struct store *s, const char *id,
		     const struct stream_page *page, struct error *err)
{
	if (page->snapshot)
		return query_open(q, s, err,
				  "SELECT sequence, object, kind, record, endpoints FROM record"
				  " WHERE stream = ? AND object > ? AND died IS NULL"
				  " ORDER BY object LIMIT ?",
				  "ssi", id, page->from, (int64_t)page->limit + 1);
	return query_open(q, s, err,
			  "SELECT sequence, object, kind, record, endpoints FROM record"
			  " WHERE stream = ? AND sequence > ? ORDER BY sequence LIMIT ?",
			  "sui", id, page->after, (int64_t)page->limit + 1);
}

int stream_read(struct store *s, const char *id, struct stream_page *page, struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	size_t bytes = 0;
	int r;

	page->entry = calloc(page->limit, sizeof(*page->entry));
	if (!page->entry)
		return error_oom(err);
	r = open_page(&q, s, id, page, err);
	while (!r && (r = query_next(&q, err)) == 1) {
		if (page->entries == page->limit || bytes > STREAM_PAGE_BYTES) {
			page->more = true;
			return 0;
		}
		r = read_entry(&q, &page->entry[page->entries], err);
		if (!r) {
			bytes += page->entry[page->entries].record.len;
			page->entries++;
		}
	}
	return r;
}

void stream_page_free(struct stream_page *page)
{
	for (size_t i = 0; i < page->entries; i++) {
		blob_free(&page->entry[i].record);
		blob_free(&page->entry[i].endpoints);
	}
	free(page->entry);
	page->entry = NULL;
	page->entries = 0;
}
