// SPDX-License-Identifier: Apache-2.0
/* Getting records: pulled from the controller, or told by broker and stream. */
#include <errno.h>
#include <string.h>

#include "daemon.h"
#include "log.h"

enum {
	PULL_MS = 30000,
	MAX_PAGES = 4096,
};

typedef Mmesh__V1__PullReply Reply;

/* All pages of one pull. */
struct pulled {
	Mmesh__V1__Entry **entry;
	size_t count;
	Reply *last; /* its entries are in @entry */
	bool snapshot;
};

static void pulled_clear(struct pulled *p)
{
	for (size_t i = 0; i < p->count; i++)
		mmesh__v1__entry__free_unpacked(p->entry[i], NULL);
	free(p->entry);
	mmesh__v1__pull_reply__free_unpacked(p->last, NULL);
	*p = (struct pulled){ 0 };
}

/* The stream has what there is: for the disk, and for the kernel. */
static void changed(struct session *s, struct stream *stream)
{
	struct error err;

	stream->behind = false;
	if (member_save_stream(s->member, stream, &err) < 0)
		log_line(LOG_WARNING, s->member->device, "records cannot be kept on the disk: %s",
			 err.text);
	s->dirty = true;
	daemon_kick(s->daemon);
}

void session_all_behind(struct session *s)
{
	for (size_t i = 0; i < s->member->n_streams; i++)
		s->member->stream[i].behind = true;
}

/* -- pulling ------------------------------------------------------------------------------------- */

static int add_page(struct pulled *p, Reply *page, struct error *err)
{
	Mmesh__V1__Entry **more;

	mmesh__v1__pull_reply__free_unpacked(p->last, NULL);
	p->last = page;
	if (p->count + page->n_entry > STREAM_MAX_ENTRIES)
		return error_set(err, EBADMSG, "more than %d entries", STREAM_MAX_ENTRIES);
	more = reallocarray(p->entry, p->count + page->n_entry + 1, sizeof(*more));
	if (!more)
		return error_oom(err);
	p->entry = more;
	for (size_t i = 0; i < page->n_entry; i++) {
		more[p->count++] = page->entry[i];
		page->entry[i] = NULL;
	}
	page->n_entry = 0;
	p->snapshot = p->snapshot || page->snapshot;
	return 0;
}

static int pull_page(struct session *s, const Mmesh__V1__PullRequest *request, Reply **ret,
		     struct error *err)
{
	struct rpc_client *client = s->client;
	enum rpc_code code;
	void *message = NULL;

	(void)pthread_mutex_unlock(&s->daemon->lock);
	code = rpc_client_call(client, "/mmesh.v1.Node/Pull", &request->base,
			       &mmesh__v1__pull_reply__descriptor, &message, PULL_MS, err);
	(void)pthread_mutex_lock(&s->daemon->lock);
	*ret = message;
	if (code == RPC_OK)
		return 0;
	return error_prefix(err, code == RPC_PERMISSION_DENIED || code == RPC_NOT_FOUND ? -EACCES :
											  -EIO,
			    "%s: ", rpc_code_name(code));
}

/* What a newer state begins with: keys first, then which streams there are. */
static int pull_pages(struct session *s, const char *subnet, bool anew, struct pulled *p,
		      struct error *err)
{
	Mmesh__V1__PullRequest request = MMESH__V1__PULL_REQUEST__INIT;
	_cleanup_free_ char *next = NULL;
	struct stream *stream = member_stream(s->member, subnet);
	int r = 0;

	request.subnet = (char *)subnet;
	request.epoch = stream && stream->has_state && !anew ? stream->epoch : 0;
	request.after = request.epoch ? stream->sequence : 0;
	for (int page = 0; page < MAX_PAGES; page++) {
		Reply *reply = NULL;

		r = pull_page(s, &request, &reply, err);
		if (!r)
			r = add_page(p, reply, err);
		if (!r)
			r = member_add_delegations(s->member, reply->delegation,
						   reply->n_delegation, err);
		if (r < 0 || !reply->more)
			return r;
		free(next);
		next = strdup(reply->next);
		if (!next)
			return error_oom(err);
		request.from = next;
		if (!p->snapshot && p->count)
			request.after = p->entry[p->count - 1]->sequence;
	}
	return error_set(err, EBADMSG, "more than %d pages", MAX_PAGES);
}

/* Which subnets the node may read; those that it may no more are gone. */
static int take_subnets(struct session *s, Reply *last, struct error *err)
{
	size_t before = s->member->n_streams;
	int r = member_set_streams(s->member, last->subnet, last->n_subnet, err);

	if (r < 0)
		return r;
	s->member->streams_known = true;
	for (size_t i = 0; i < s->member->n_streams; i++)
		if (!s->member->stream[i].has_state)
			s->member->stream[i].behind = true;
	if (before != s->member->n_streams)
		s->dirty = true;
	return 0;
}

static int pull_once(struct session *s, const char *subnet, bool anew, struct error *err)
{
	struct stream_trust trust;
	struct pulled p = { 0 };
	struct stream *stream;
	int r;

	r = pull_pages(s, subnet, anew, &p, err);
	if (!r && !*subnet)
		r = take_subnets(s, p.last, err);
	stream = r < 0 ? NULL : member_stream(s->member, subnet);
	trust = member_trust(s->member, false);
	if (stream) {
		stream->behind = false;
		r = stream_take(stream, &trust, p.snapshot, p.entry, p.count, p.last->head, err);
		if (!r)
			changed(s, stream);
		else
			stream->behind = true;
	}
	pulled_clear(&p);
	return r;
}

static int pull_stream(struct session *s, const char *subnet, struct error *err)
{
	int r = pull_once(s, subnet, false, err);

	/* What is here does not go with what is there: all of it, once. */
	if (r == -EAGAIN)
		r = pull_once(s, subnet, true, err);
	if (r == -ESTALE) {
		struct stream *stream = member_stream(s->member, subnet);

		/* An answer that was overtaken by a newer one. */
		session_refuse(s, r, err);
		if (stream)
			stream->behind = false;
		return 0;
	}
	if (r == -EBADMSG || r == -EKEYEXPIRED)
		session_refuse(s, r, err);
	return r;
}

/* Records that were not believed at the start are all there again. */
static void mend(struct session *s)
{
	if (!s->member->damage || !member_is_complete(s->member))
		return;
	log_line(LOG_NOTICE, s->member->device, "the controller has sent all records anew");
	free(s->member->damage);
	s->member->damage = NULL;
}

int session_pull(struct session *s, struct error *err)
{
	struct stream *own = member_stream(s->member, "");
	int r = 0;

	/* First the network's: it says which others there are. */
	if (!own || own->behind || !s->member->streams_known)
		r = pull_stream(s, "", err);
	for (size_t i = 1; !r && !s->stop && i < s->member->n_streams; i++) {
		char subnet[TRUST_ID_SIZE];

		if (!s->member->stream[i].behind)
			continue;
		memcpy(subnet, s->member->stream[i].subnet, sizeof(subnet));
		r = pull_stream(s, subnet, err);
	}
	mend(s);
	return r;
}

/* -- hints --------------------------------------------------------------------------------------- */

/* The network's flags decide which streams there are. */
static void look_again(struct session *s, struct stream *stream)
{
	if (!*stream->subnet)
		s->member->streams_known = false;
}

void session_take_unpacked(struct session *s, Mmesh__V1__Delta *delta)
{
	struct stream *stream = member_stream(s->member, delta->subnet);
	struct stream_trust trust = member_trust(s->member, false);
	struct error err;
	bool behind = false;
	int r;

	if (!stream || strcmp(delta->network, s->member->network))
		return;
	s->heard_at = daemon_now_ms();
	if (delta->n_entry && stream->has_state && delta->epoch == stream->epoch &&
	    delta->predecessor == stream->sequence) {
		r = stream_take(stream, &trust, false, delta->entry, delta->n_entry, delta->head,
				&err);
		if (!r) {
			look_again(s, stream);
			changed(s, stream);
			stream->behind = !*stream->subnet;
		}
		behind = r == -EAGAIN;
	} else {
		r = delta->head ? stream_see_head(stream, &trust, delta->head, &behind, &err) : 0;
	}
	if (r < 0 && r != -EAGAIN)
		session_refuse(s, r, &err);
	if (behind) {
		look_again(s, stream);
		stream->behind = true;
	}
	if (stream->behind)
		session_wake(s);
}

void session_take_delta(struct session *s, const void *packed, size_t len)
{
	Mmesh__V1__Delta *delta = mmesh__v1__delta__unpack(NULL, len, packed);
	struct error err;

	if (!delta) {
		error_format(&err, "a delta that cannot be read");
		session_refuse(s, -EBADMSG, &err);
		return;
	}
	session_take_unpacked(s, delta);
	mmesh__v1__delta__free_unpacked(delta, NULL);
}

void session_take_head(struct session *s, const char *subnet, const void *packed, size_t len)
{
	struct stream *stream = member_stream(s->member, subnet);
	struct stream_trust trust = member_trust(s->member, false);
	_cleanup_(signed_copy_freep) Mmesh__V1__Signed *head = NULL;
	struct error err;
	bool behind;
	int r;

	if (!stream)
		return;
	r = trust_signed_unpack(&head, packed, len, &err);
	if (!r)
		r = stream_see_head(stream, &trust, head, &behind, &err);
	if (r < 0) {
		session_refuse(s, r, &err);
		return;
	}
	s->heard_at = daemon_now_ms();
	if (behind) {
		look_again(s, stream);
		stream->behind = true;
		session_wake(s);
	}
}
