// SPDX-License-Identifier: Apache-2.0
#include "stream.h"

#include <errno.h>
#include <string.h>

#include "digest.h"

typedef Mmesh__V1__Entry Entry;
typedef Mmesh__V1__Head Head;
typedef Mmesh__V1__NodeRecord Node;

static void entry_clear(struct stream_entry *e)
{
	mmesh__v1__entry__free_unpacked(e->wire, NULL);
	if (e->record)
		protobuf_c_message_free_unpacked(e->record, NULL);
	mmesh__v1__endpoints_record__free_unpacked(e->endpoints, NULL);
	*e = (struct stream_entry){ 0 };
}

void stream_clear(struct stream *stream)
{
	for (size_t i = 0; i < stream->count; i++)
		entry_clear(&stream->entry[i]);
	free(stream->entry);
	mmesh__v1__signed__free_unpacked(stream->head, NULL);
	stream->entry = NULL;
	stream->head = NULL;
	stream->count = 0;
	stream->has_state = false;
	stream->epoch = stream->sequence = 0;
}

static int by_object(const void *a, const void *b)
{
	return strcmp(((const struct stream_entry *)a)->wire->object,
		      ((const struct stream_entry *)b)->wire->object);
}

static const struct stream_entry *find_in(const struct stream_entry *entry, size_t n,
					  const char *object)
{
	Entry key = MMESH__V1__ENTRY__INIT;
	const struct stream_entry wanted = { .wire = &key };

	key.object = (char *)object;
	return n ? bsearch(&wanted, entry, n, sizeof(wanted), by_object) : NULL;
}

const struct stream_entry *stream_find(const struct stream *stream, const char *object)
{
	return find_in(stream->entry, stream->count, object);
}

/* -- one entry ----------------------------------------------------------------------------------- */

/* The id that a record is about. */
static const char *object_of(const ProtobufCMessage *record)
{
	if (record->descriptor == &mmesh__v1__network_record__descriptor)
		return ((const Mmesh__V1__NetworkRecord *)record)->network;
	if (record->descriptor == &mmesh__v1__subnet_record__descriptor)
		return ((const Mmesh__V1__SubnetRecord *)record)->subnet;
	if (record->descriptor == &mmesh__v1__node_record__descriptor)
		return ((const Node *)record)->node;
	if (record->descriptor == &mmesh__v1__relay_record__descriptor)
		return ((const Mmesh__V1__RelayRecord *)record)->node;
	if (record->descriptor == &mmesh__v1__tombstone__descriptor)
		return ((const Mmesh__V1__Tombstone *)record)->object;
	return "";
}

static bool belongs(const struct stream *stream, const char *context)
{
	if (*stream->subnet)
		return !strcmp(context, TRUST_CONTEXT_NODE);
	return !strcmp(context, TRUST_CONTEXT_NETWORK) || !strcmp(context, TRUST_CONTEXT_SUBNET) ||
	       !strcmp(context, TRUST_CONTEXT_RELAY);
}

/* A record that was signed before the one that is there is replayed. */
static int check_age(const struct stream_entry *new, const struct stream_entry *old,
		     struct error *err)
{
	const Node *n = (const Node *)new->record;
	const Node *o = old ? (const Node *)old->record : NULL;

	if (!old || n->base.descriptor != &mmesh__v1__node_record__descriptor ||
	    o->base.descriptor != n->base.descriptor)
		return 0;
	if (n->sequence < o->sequence)
		return error_set(err, ESTALE, "%s: a record older than the one that is there",
				 n->name);
	if (old->endpoints && new->endpoints &&
	    new->endpoints->generation < old->endpoints->generation)
		return error_set(err, ESTALE, "%s: endpoints older than those that are there",
				 n->name);
	return 0;
}

static int open_endpoints(struct stream_entry *e, struct error *err)
{
	const Node *node = (const Node *)e->record;

	if (!e->wire->endpoints || node->base.descriptor != &mmesh__v1__node_record__descriptor)
		return 0;
	return trust_endpoints_open(&e->endpoints, node, e->wire->endpoints, err);
}

/* Verify an entry, borrowing @wire. A tombstone is checked and leaves ret->record as it is. */
static int open_entry(const struct stream *stream, const struct stream_trust *trust, Entry *wire,
		      struct stream_entry *ret, struct error *err)
{
	const struct trust_scope scope = {
		.network = trust->network,
		.subnet = stream->subnet,
		.locked = trust->locked,
		.now = trust->now,
	};
	const char *context = wire->record ? wire->record->context : "";
	int r;

	*ret = (struct stream_entry){ .wire = wire };
	if (!wire->record)
		return error_set(err, EBADMSG, "an entry without a record");
	if (strcmp(context, TRUST_CONTEXT_TOMBSTONE) && !belongs(stream, context))
		return error_set(err, EBADMSG, "a record \"%.32s\" does not belong there", context);
	r = trust_record_open(&ret->record, trust->anchor, &scope, context, wire->record, err);
	if (r < 0)
		return r;
	if (strcmp(object_of(ret->record), wire->object))
		return error_set(err, EBADMSG, "an entry for %.32s has another's record",
				 wire->object);
	r = open_endpoints(ret, err);
	return r < 0 ? r : check_age(ret, stream_find(stream, wire->object), err);
}

static bool is_tombstone(const struct stream_entry *e)
{
	return e->record->descriptor == &mmesh__v1__tombstone__descriptor;
}

/* Free what open_entry() made, not the wire form. */
static void close_entry(struct stream_entry *e)
{
	e->wire = NULL;
	entry_clear(e);
}

/* -- heads --------------------------------------------------------------------------------------- */

static int open_head(Head **ret, const struct stream *stream, const struct stream_trust *trust,
		     const Mmesh__V1__Signed *head, struct error *err)
{
	const struct trust_scope scope = {
		.network = trust->network,
		.subnet = stream->subnet,
		.now = trust->now,
	};
	ProtobufCMessage *message = NULL;
	int r;

	*ret = NULL;
	if (!head)
		return error_set(err, EBADMSG, "there is no head");
	r = trust_record_open(&message, trust->anchor, &scope, TRUST_CONTEXT_HEAD, head, err);
	if (r < 0)
		return error_prefix(err, r, "head: ");
	*ret = (Head *)message;
	if (trust->clock && trust->now)
		trust_clock_saw(trust->clock, (*ret)->time);
	if (!stream->has_state || (*ret)->epoch > stream->epoch)
		return 0;
	if ((*ret)->epoch < stream->epoch || (*ret)->sequence < stream->sequence ||
	    ((*ret)->sequence == stream->sequence && (*ret)->time < stream->head_time))
		return error_set(err, ESTALE, "head: older than the one that is there");
	return 0;
}

static void head_freep(Head **head)
{
	mmesh__v1__head__free_unpacked(*head, NULL);
}

static int keep_head(struct stream *stream, const Mmesh__V1__Signed *head, const Head *opened,
		     struct error *err)
{
	_cleanup_free_ uint8_t *packed = NULL;
	Mmesh__V1__Signed *copy = NULL;
	size_t len;
	int r;

	r = trust_signed_pack(&packed, &len, head, err);
	if (!r)
		r = trust_signed_unpack(&copy, packed, len, err);
	if (r < 0)
		return r;
	mmesh__v1__signed__free_unpacked(stream->head, NULL);
	stream->head = copy;
	stream->has_state = true;
	stream->epoch = opened->epoch;
	stream->sequence = opened->sequence;
	stream->head_time = opened->time;
	return 0;
}

int stream_see_head(struct stream *stream, const struct stream_trust *trust,
		    const Mmesh__V1__Signed *head, bool *ret_behind, struct error *err)
{
	_cleanup_(head_freep) Head *opened = NULL;
	int r;

	*ret_behind = false;
	r = open_head(&opened, stream, trust, head, err);
	if (r < 0)
		return r;
	*ret_behind = !stream->has_state || opened->epoch != stream->epoch ||
		      opened->sequence != stream->sequence;
	return *ret_behind ? 0 : keep_head(stream, head, opened, err);
}

/* -- taking -------------------------------------------------------------------------------------- */

static int check_digest(const struct stream_entry *entry, size_t n, const Head *head,
			struct error *err)
{
	_cleanup_free_ struct trust_digest_item *item = calloc(n + 1, sizeof(*item));
	uint8_t digest[TRUST_DIGEST_LEN];
	int r;

	if (!item)
		return error_oom(err);
	for (size_t i = 0; i < n; i++)
		item[i] = (struct trust_digest_item){ .object = entry[i].wire->object,
						      .sequence = entry[i].wire->sequence };
	r = trust_digest(digest, item, n, err);
	if (r < 0)
		return r;
	if (head->digest.len != sizeof(digest) ||
	    memcmp(digest, head->digest.data, sizeof(digest)))
		return error_set(err, EAGAIN, "the records are not those that the head tells of");
	return 0;
}

/* What is there and @fresh has not, with what @fresh has, sorted, less tombstones. */
static struct stream_entry *merge(const struct stream *stream, bool snapshot,
				  struct stream_entry *fresh, size_t n_fresh, size_t *ret_n)
{
	size_t kept = snapshot ? 0 : stream->count;
	struct stream_entry *all = calloc(kept + n_fresh + 1, sizeof(*all));
	size_t n = 0;

	if (!all)
		return NULL;
	for (size_t i = 0; i < kept; i++)
		if (!find_in(fresh, n_fresh, stream->entry[i].wire->object))
			all[n++] = stream->entry[i];
	for (size_t i = 0; i < n_fresh; i++)
		if (!is_tombstone(&fresh[i]))
			all[n++] = fresh[i];
	qsort(all, n, sizeof(*all), by_object);
	*ret_n = n;
	return all;
}

/* The old array's entries that the new one has not are freed, and so are tombstones. */
static void replace(struct stream *stream, struct stream_entry *all, size_t n,
		    struct stream_entry *fresh, size_t n_fresh)
{
	for (size_t i = 0; i < stream->count; i++) {
		const struct stream_entry *same = find_in(all, n, stream->entry[i].wire->object);

		if (!same || same->wire != stream->entry[i].wire)
			entry_clear(&stream->entry[i]);
	}
	for (size_t i = 0; i < n_fresh; i++)
		if (is_tombstone(&fresh[i]))
			entry_clear(&fresh[i]);
	free(stream->entry);
	stream->entry = all;
	stream->count = n;
}

static int open_all(const struct stream *stream, const struct stream_trust *trust,
		    Entry **entries, size_t n, struct stream_entry *fresh, struct error *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < n; i++)
		r = open_entry(stream, trust, entries[i], &fresh[i], err);
	if (r < 0)
		return r;
	qsort(fresh, n, sizeof(*fresh), by_object);
	for (size_t i = 1; i < n; i++)
		if (!by_object(&fresh[i - 1], &fresh[i]))
			return error_set(err, EBADMSG, "two entries for %.32s",
					 fresh[i].wire->object);
	return 0;
}

int stream_take(struct stream *stream, const struct stream_trust *trust, bool snapshot,
		Entry **entries, size_t n, const Mmesh__V1__Signed *head, struct error *err)
{
	_cleanup_free_ struct stream_entry *fresh = calloc(n + 1, sizeof(*fresh));
	_cleanup_(head_freep) Head *opened = NULL;
	struct stream_entry *all = NULL;
	size_t n_all = 0;
	int r;

	if (!fresh)
		return error_oom(err);
	if (n > STREAM_MAX_ENTRIES)
		return error_set(err, EBADMSG, "%zu entries, at most %d are taken", n,
				 STREAM_MAX_ENTRIES);
	r = open_head(&opened, stream, trust, head, err);
	if (!r && !snapshot && (!stream->has_state || opened->epoch != stream->epoch))
		r = error_set(err, EAGAIN, "what came before is missing");
	if (!r)
		r = open_all(stream, trust, entries, n, fresh, err);
	if (!r) {
		all = merge(stream, snapshot, fresh, n, &n_all);
		r = all ? check_digest(all, n_all, opened, err) : error_oom(err);
	}
	if (!r)
		r = keep_head(stream, head, opened, err);
	if (r < 0) {
		for (size_t i = 0; i < n; i++)
			close_entry(&fresh[i]);
		free(all);
		return r;
	}
	memset(entries, 0, n * sizeof(*entries));
	replace(stream, all, n_all, fresh, n);
	return 0;
}
