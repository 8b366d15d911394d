// SPDX-License-Identifier: Apache-2.0
/* The service Admin: what operators do, over the unix socket or with an operator's certificate. */
#include <errno.h>
#include <time.h>

#include "client-config.h"
#include "controller.h"

enum {
	WHO_SIZE = 160,
	LIST_PAGE_SIZE = PATH_SIZE + 32, /* "KIND PATH" */
	LIST_FULL = 1,			 /* ends a walk */
};

/* -- who ---------------------------------------------------------------------------------------------------- */

/* With the lock held. */
static int check_operator(struct controller *c, const struct rpc_session *session,
			  char ret_who[WHO_SIZE], struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	char operator[NAME_SIZE];
	int r;

	if (!session->tls) {
		(void)snprintf(ret_who, WHO_SIZE, "%s", session->remote);
		return 0;
	}
	r = query_open(&q, &c->model.store, err,
		       "SELECT operator FROM certificate WHERE key_id = ? AND not_after > ?", "bi",
		       session->key_id, sizeof(session->key_id), (int64_t)time(NULL));
	if (!r)
		r = query_next(&q, err);
	if (r < 0)
		return r;
	operator[0] = '\0';
	if (r == 1)
		query_text(&q, 0, operator, sizeof(operator));
	if (!operator[0])
		return error_set(err, EACCES, "certificate: is not an operator's");
	(void)snprintf(ret_who, WHO_SIZE, "operator %s at %s", operator, session->remote);
	return 0;
}

/* Lock, and let only operators pass; fails the call otherwise. */
static bool admit(struct controller *c, struct rpc_call *call, char ret_who[WHO_SIZE])
{
	struct error err;
	int r;

	model_lock(&c->model);
	r = check_operator(c, rpc_call_session(call), ret_who, &err);
	if (!r)
		return true;
	model_unlock(&c->model);
	rpc_fail_error(call, r, &err);
	return false;
}

/* The same, to change something. */
static bool admit_change(struct controller *c, struct rpc_call *call, char ret_who[WHO_SIZE],
			 struct change *ret)
{
	struct error err;
	int r;

	if (!admit(c, call, ret_who))
		return false;
	model_unlock(&c->model);
	r = change_begin(ret, &c->model, ret_who, &err);
	if (r)
		rpc_fail_error(call, r, &err);
	return !r;
}

/* -- reading ------------------------------------------------------------------------------------------------- */

struct lister {
	struct controller *c;
	Mmesh__V1__ListReply *reply;
	const char *page; /* the last path of the page before, "" at first */
	bool skipping;
	size_t room;
	size_t limit; /* 0: none */
	char last[LIST_PAGE_SIZE];
};

static int list_one(void *arg, const struct object *o, const char *path, struct error *err)
{
	struct lister *l = arg;
	Mmesh__V1__ListReply *reply = l->reply;
	char at[LIST_PAGE_SIZE];
	int r;

	(void)snprintf(at, sizeof(at), "%s %s", kind_name(o->kind), path);
	if (l->skipping) {
		l->skipping = strcmp(at, l->page) != 0;
		return 0;
	}
	if (l->limit && reply->n_object == l->limit) {
		r = message_string(&reply->next, l->last, err);
		return r ? r : LIST_FULL;
	}
	if (reply->n_object == l->room) {
		size_t room = l->room ? 2 * l->room : 64;
		message_object **grown = reallocarray(reply->object, room, sizeof(*grown));

		if (!grown)
			return error_oom(err);
		reply->object = grown;
		l->room = room;
	}
	(void)snprintf(l->last, sizeof(l->last), "%s", at);
	r = controller_show(l->c, o, path, &reply->object[reply->n_object], err);
	if (!r)
		reply->n_object++;
	return r;
}

static int list(struct lister *l, const char *kind_text, const char *under, struct error *err)
{
	enum kind kind = KINDS;
	int r = 0;

	l->reply = malloc(sizeof(*l->reply));
	if (!l->reply)
		return error_oom(err);
	mmesh__v1__list_reply__init(l->reply);
	if (*kind_text)
		r = kind_parse(&kind, kind_text, err);
	if (!r)
		r = manage_walk(&l->c->model, kind, under, list_one, l, err);
	if (r == LIST_FULL)
		r = 0;
	if (!r && l->skipping)
		r = error_set(err, EINVAL, "page: '%.64s' is not there any more", l->page);
	return r;
}

void admin_list(struct rpc_call *call, const void *request, void *user)
{
	const Mmesh__V1__ListRequest *rq = request;
	struct lister l = { .c = user, .page = rq->page, .skipping = *rq->page != '\0',
			    .limit = MANAGE_PAGE };
	char who[WHO_SIZE];
	struct error err;
	int r;

	if (!admit(l.c, call, who))
		return;
	r = list(&l, rq->kind, rq->under, &err);
	model_unlock(&l.c->model);
	if (r)
		rpc_fail_error(call, r, &err);
	else
		rpc_reply(call, &l.reply->base);
	mmesh__v1__list_reply__free_unpacked(l.reply, NULL);
}

/* What Apply makes again: no outputs to strip, as Put lets pass what it doesn't take. */
void admin_export(struct rpc_call *call, const void *request, void *user)
{
	const Mmesh__V1__ExportRequest *rq = request;
	struct lister l = { .c = user, .page = "" };
	char who[WHO_SIZE];
	struct error err;
	int r;

	if (!admit(l.c, call, who))
		return;
	r = list(&l, "", rq->under, &err);
	model_unlock(&l.c->model);
	if (r)
		rpc_fail_error(call, r, &err);
	else
		rpc_reply(call, &l.reply->base);
	mmesh__v1__list_reply__free_unpacked(l.reply, NULL);
}

static int get(struct controller *c, const Mmesh__V1__GetRequest *rq, message_object **ret,
	       struct error *err)
{
	_cleanup_free_ struct object *o = malloc(sizeof(*o));
	struct path path;
	enum kind kind;
	int r;

	if (!o)
		return error_oom(err);
	r = kind_parse(&kind, rq->kind, err);
	if (!r)
		r = path_parse(&path, rq->path, err);
	if (!r)
		r = object_find(&c->model.store, kind, &path, o, err);
	if (!r)
		r = controller_show(c, o, rq->path, ret, err);
	if (!r && kind == KIND_NODE && o->node.kind == MMESH__V1__NODE_KIND__NODE_KIND_WIREGUARD)
		r = client_config(&c->model, o, &(*ret)->node->config, err);
	return r;
}

void admin_get(struct rpc_call *call, const void *request, void *user)
{
	struct controller *c = user;
	message_object *reply = NULL;
	char who[WHO_SIZE];
	struct error err;
	int r;

	if (!admit(c, call, who))
		return;
	r = get(c, request, &reply, &err);
	model_unlock(&c->model);
	if (r)
		rpc_fail_error(call, r, &err);
	else
		rpc_reply(call, &reply->base);
	if (reply)
		mmesh__v1__object__free_unpacked(reply, NULL);
}

/* -- changing -------------------------------------------------------------------------------------------------- */

static int put(struct change *ch, struct controller *c, const Mmesh__V1__PutRequest *rq,
	       Mmesh__V1__PutReply *reply, struct error *err)
{
	struct put_options options = { .create = rq->create, .update = rq->update,
				       .field = rq->field, .fields = rq->n_field };
	struct put_result result = { 0 };
	int r;

	if (!rq->object)
		return error_set(err, EINVAL, "object: is missing");
	if (rq->create && rq->update)
		return error_set(err, EINVAL, "create: contradicts update");
	r = manage_put(ch, rq->object, &options, &result, err);
	if (!r) {
		reply->changed = result.changed;
		r = controller_show(c, &result.object, result.path, &reply->object, err);
	}
	if (!r && result.secret)
		reply->object->token->secret = TAKE_PTR(result.secret);
	if (!r && result.created && result.object.kind == KIND_NODE)
		r = client_config(ch->m, &result.object, &reply->object->node->config, err);
	if (!r && result.changed)
		r = change_commit(ch, err);
	put_result_free(&result);
	return r;
}

void admin_put(struct rpc_call *call, const void *request, void *user)
{
	_cleanup_change_ struct change ch = { 0 };
	Mmesh__V1__PutReply reply = MMESH__V1__PUT_REPLY__INIT;
	char who[WHO_SIZE];
	struct error err;
	int r;

	if (!admit_change(user, call, who, &ch))
		return;
	r = put(&ch, user, request, &reply, &err);
	if (r)
		rpc_fail_error(call, r, &err);
	else
		rpc_reply(call, &reply.base);
	if (!reply.object)
		return;
	if (reply.object->kind_case == MMESH__V1__OBJECT__KIND_TOKEN)
		explicit_bzero(reply.object->token->secret, strlen(reply.object->token->secret));
	mmesh__v1__object__free_unpacked(reply.object, NULL);
}

void admin_delete(struct rpc_call *call, const void *request, void *user)
{
	_cleanup_change_ struct change ch = { 0 };
	const Mmesh__V1__DeleteRequest *rq = request;
	Mmesh__V1__DeleteReply reply = MMESH__V1__DELETE_REPLY__INIT;
	char who[WHO_SIZE];
	struct error err;
	enum kind kind;
	int r;

	if (!admit_change(user, call, who, &ch))
		return;
	r = kind_parse(&kind, rq->kind, &err);
	if (!r)
		r = manage_delete(&ch, kind, rq->path, rq->revision, rq->recursive, &reply.path,
				  &reply.n_path, &err);
	if (!r)
		r = change_commit(&ch, &err);
	if (r)
		rpc_fail_error(call, r, &err);
	else
		rpc_reply(call, &reply.base);
	for (size_t i = 0; i < reply.n_path; i++)
		free(reply.path[i]);
	free(reply.path);
}

/* -- sets of changes ---------------------------------------------------------------------------------------------- */

static int add_change(Mmesh__V1__ApplyReply *reply, const struct put_result *result,
		      struct error *err)
{
	Mmesh__V1__Change *m = malloc(sizeof(*m));
	int r;

	if (!m)
		return error_oom(err);
	mmesh__v1__change__init(m);
	reply->change[reply->n_change++] = m;
	r = message_string(&m->verb,
			   result->created ? "create" : (result->changed ? "change" : "same"), err);
	if (!r)
		r = message_string(&m->kind, kind_name(result->object.kind), err);
	if (!r)
		r = message_string(&m->path, result->path, err);
	for (size_t i = 0; !r && i < result->diffs; i++)
		r = message_strings_add(&m->field, &m->n_field, result->diff[i], err);
	return r;
}

/* A token that is made here would have its secret told to nobody. */
static int check_applicable(const message_object *o, enum kind kind, bool exists,
			    struct error *err)
{
	if (kind != KIND_TOKEN || exists)
		return 0;
	return error_set(err, EINVAL, "token %s: tokens are made one by one, as each has a secret "
				      "to be told",
			 o->path);
}

static int apply_one(struct change *ch, const message_object *o, enum kind kind,
		     Mmesh__V1__ApplyReply *reply, struct error *err)
{
	struct put_options options = { 0 };
	struct put_result result = { 0 };
	int r;

	r = manage_put(ch, o, &options, &result, err);
	if (!r)
		r = check_applicable(o, kind, !result.created, err);
	if (!r)
		r = add_change(reply, &result, err);
	else
		(void)error_prefix(err, r, "%s %s: ", kind_name(kind), o->path);
	put_result_free(&result);
	return r;
}

static int apply(struct change *ch, const Mmesh__V1__ApplyRequest *rq,
		 Mmesh__V1__ApplyReply *reply, struct error *err)
{
	enum kind kind;
	int r = 0;

	if (rq->n_object > MANAGE_APPLY_MAX)
		return error_set(err, EINVAL, "object: %zu are more than %d", rq->n_object,
				 MANAGE_APPLY_MAX);
	reply->change = calloc(rq->n_object + 1, sizeof(*reply->change));
	if (!reply->change)
		return error_oom(err);
	/* Kinds are in the order in which they need each other, whatever the order that was sent. */
	for (enum kind wanted = 0; !r && wanted < KINDS; wanted++) {
		for (size_t i = 0; !r && i < rq->n_object; i++) {
			r = manage_kind(rq->object[i], &kind, err);
			if (!r && kind == wanted)
				r = apply_one(ch, rq->object[i], kind, reply, err);
		}
	}
	return r;
}

void admin_apply(struct rpc_call *call, const void *request, void *user)
{
	_cleanup_change_ struct change ch = { 0 };
	const Mmesh__V1__ApplyRequest *rq = request;
	Mmesh__V1__ApplyReply reply = MMESH__V1__APPLY_REPLY__INIT;
	char who[WHO_SIZE];
	struct error err;
	int r;

	if (!admit_change(user, call, who, &ch))
		return;
	/* A dry run isn't told to anyone, and leaves no trace: it is rolled back. */
	r = apply(&ch, rq, &reply, &err);
	if (!r && !rq->dry_run)
		r = change_commit(&ch, &err);
	if (r)
		rpc_fail_error(call, r, &err);
	else
		rpc_reply(call, &reply.base);
	for (size_t i = 0; i < reply.n_change; i++)
		mmesh__v1__change__free_unpacked(reply.change[i], NULL);
	free(reply.change);
}

/* -- the rest ------------------------------------------------------------------------------------------------------ */

void admin_backup(struct rpc_call *call, const void *request, void *user)
{
	const Mmesh__V1__BackupRequest *rq = request;
	Mmesh__V1__BackupReply reply = MMESH__V1__BACKUP_REPLY__INIT;
	struct controller *c = user;
	char who[WHO_SIZE];
	struct error err;
	int r;

	if (!admit(c, call, who))
		return;
	if (rpc_call_session(call)->tls)
		r = error_set(&err, EACCES, "file: is written for whoever is on this machine only");
	else if (rq->file[0] != '/')
		r = error_set(&err, EINVAL, "file: '%.64s' is not an absolute path", rq->file);
	else
		r = store_backup(&c->model.store, rq->file, &reply.bytes, &err);
	model_unlock(&c->model);
	if (r)
		rpc_fail_error(call, r, &err);
	else
		rpc_reply(call, &reply.base);
}

void admin_watch(struct rpc_stream *stream, const void *request, void *user)
{
	const Mmesh__V1__ListRequest *rq = request;
	struct controller *c = user;
	enum kind kind = KINDS;
	char who[WHO_SIZE];
	struct path path;
	struct error err;
	int r;

	model_lock(&c->model);
	r = check_operator(c, rpc_stream_session(stream), who, &err);
	if (!r && *rq->kind)
		r = kind_parse(&kind, rq->kind, &err);
	if (!r)
		r = path_parse(&path, rq->under, &err);
	if (!r)
		r = feed_watch_admin(c, stream, kind, rq->under, &err);
	model_unlock(&c->model);
	if (r)
		rpc_stream_end(stream, rpc_code_from_errno(r), "%s", err.text);
}
