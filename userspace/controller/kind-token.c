// SPDX-License-Identifier: Apache-2.0
/* Join tokens: of their keys the public halves only. */
#include <errno.h>

#include "delegation.h"
#include "kind.h"
#include "units.h"

static int read_row(struct store *s, struct query *q, struct object *ret, struct error *err)
{
	struct token *t = &ret->token;
	char tags[FIELD_TEXT_SIZE];
	const void *key;
	size_t len;

	query_text(q, 0, ret->id, sizeof(ret->id));
	query_text(q, 1, ret->parent, sizeof(ret->parent));
	query_text(q, 2, ret->name, sizeof(ret->name));
	key = query_bytes(q, 3, &len);
	if (!key || len > sizeof(t->public_key))
		return error_set(err, EUCLEAN, "store: %s: the key of token %s is damaged", s->path,
				 ret->name);
	memcpy(t->public_key, key, len);
	t->public_key_len = (uint32_t)len;
	t->uses = (uint32_t)query_int(q, 4);
	t->used = (uint32_t)query_int(q, 5);
	t->expires = query_int(q, 6);
	t->relay = query_int(q, 7);
	query_text(q, 8, tags, sizeof(tags));
	tags_parse(t->tag, &t->tags, tags);
	ret->revision = (uint64_t)query_int(q, 9);
	ret->created = query_int(q, 10);
	return 0;
}

static int take_uses(struct change *c, struct object *o, const message_object *in,
		     struct error *err)
{
	(void)c;
	if (in->token->uses > MAX_USES)
		return error_set(err, EINVAL, "token.uses: %u is more than %d; 0 is as many as "
					      "wanted",
				 in->token->uses, MAX_USES);
	o->token.uses = in->token->uses;
	return 0;
}

static void format_uses(const struct object *o, char *ret, size_t size)
{
	(void)snprintf(ret, size, "%u", o->token.uses);
}

static int take_expires(struct change *c, struct object *o, const message_object *in,
			struct error *err)
{
	int64_t expires = in->token->expires;

	if (!expires) {
		if (!o->token.expires)
			o->token.expires = c->now + TOKEN_SECONDS;
		return 0;
	}
	if (expires != o->token.expires && expires <= c->now)
		return error_set(err, EINVAL, "token.expires: is in the past");
	if (expires > c->now + TOKEN_SECONDS_MAX)
		return error_set(err, EINVAL, "token.expires: is more than a year from now");
	o->token.expires = expires;
	return 0;
}

static void format_expires(const struct object *o, char *ret, size_t size)
{
	char text[RFC3339_SIZE];

	units_rfc3339(text, o->token.expires);
	(void)snprintf(ret, size, "%s", text);
}

static int take_relay(struct change *c, struct object *o, const message_object *in,
		      struct error *err)
{
	(void)c;
	(void)err;
	o->token.relay = in->token->relay;
	return 0;
}

static void format_relay(const struct object *o, char *ret, size_t size)
{
	switch_format(o->token.relay, ret, size);
}

static int take_tags(struct change *c, struct object *o, const message_object *in,
		     struct error *err)
{
	(void)c;
	return tags_take("token.tag", o->token.tag, &o->token.tags, in->token->tag,
			 in->token->n_tag, err);
}

static void format_tags(const struct object *o, char *ret, size_t size)
{
	tags_format(o->token.tag, o->token.tags, ret, size);
}

static const struct field fields[] = {
	{ "uses", take_uses, format_uses },
	{ "expires", take_expires, format_expires },
	{ "relay", take_relay, format_relay },
	{ "tag", take_tags, format_tags },
};

/* In a locked network the root has to let its key speak; elsewhere it may, so that it can be locked later. */
static int delegate(struct change *c, const struct object *o, const struct trust_key *key,
		    struct error *err)
{
	_cleanup_free_ struct object *subnet = malloc(sizeof(*subnet));
	_cleanup_free_ struct object *network = malloc(sizeof(*network));
	int r;

	if (!subnet || !network)
		return error_oom(err);
	r = network_of_subnet(c->s, o->parent, subnet, network, err);
	if (!r)
		r = delegation_add_token(c, network->parent, network->id, key, o->token.expires,
					 err);
	if (r == -ENOKEY && !network->network.locked)
		return 0;
	return r ? error_prefix(err, r, "token: ") : 0;
}

static int prepare(struct change *c, struct object *o, const struct object *old, const char *path,
		   struct error *err)
{
	_cleanup_(trust_key_unrefp) struct trust_key *key = NULL;
	int r;

	(void)path;
	if (!o->token.public_key_len)
		return error_set(err, EINVAL, "token: has no key");
	if (old && old->token.expires == o->token.expires)
		return 0;
	r = trust_key_from_spki(&key, o->token.public_key, o->token.public_key_len, err);
	return r ? r : delegate(c, o, key, err);
}

static int insert(struct change *c, const struct object *o, struct error *err)
{
	const struct token *t = &o->token;
	char tags[FIELD_TEXT_SIZE];

	tags_format(t->tag, t->tags, tags, sizeof(tags));
	return store_exec(c->s, err, "INSERT INTO token VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			  "sssbuuiisui", o->id, o->parent, o->name, t->public_key,
			  (size_t)t->public_key_len, (uint64_t)t->uses, (uint64_t)t->used,
			  t->expires, (int64_t)t->relay, tags, o->revision, o->created);
}

static int update(struct change *c, const struct object *o, struct error *err)
{
	const struct token *t = &o->token;
	char tags[FIELD_TEXT_SIZE];

	tags_format(t->tag, t->tags, tags, sizeof(tags));
	return store_exec(c->s, err,
			  "UPDATE token SET uses = ?, expires = ?, relay = ?, tags = ?,"
			  " revision = ? WHERE id = ?",
			  "uiisus", (uint64_t)t->uses, t->expires, (int64_t)t->relay, tags,
			  o->revision, o->id);
}

static int remove_row(struct change *c, const struct object *o, struct error *err)
{
	return store_exec(c->s, err, "DELETE FROM token WHERE id = ?", "s", o->id);
}

static int show(struct model *m, const struct object *o, message_object *out, struct error *err)
{
	Mmesh__V1__Token *t = malloc(sizeof(*t));
	int r = 0;

	(void)m;
	if (!t)
		return error_oom(err);
	mmesh__v1__token__init(t);
	out->token = t;
	t->uses = o->token.uses;
	t->used = o->token.used;
	t->expires = o->token.expires;
	t->relay = o->token.relay;
	for (uint32_t i = 0; !r && i < o->token.tags; i++)
		r = message_strings_add(&t->tag, &t->n_tag, o->token.tag[i], err);
	return r;
}

#define COLUMNS                                                                                    \
	"SELECT id, subnet, name, public_key, uses, used, expires, relay, tags, revision,"         \
	" created FROM token "

const struct kind_ops token_ops = {
	.name = "token",
	.article = "a",
	.depth = 4,
	.parent = KIND_SUBNET,
	.limit = MAX_TOKENS,
	.message = MMESH__V1__OBJECT__KIND_TOKEN,
	.by_id = COLUMNS "WHERE id = ?",
	.by_name = COLUMNS "WHERE subnet = ? AND name = ?",
	.list = COLUMNS "WHERE subnet = ? AND name > ? ORDER BY name LIMIT ?",
	.count = "SELECT count(*) FROM token WHERE subnet = ?",
	.read = read_row,
	.field = fields,
	.fields = ARRAY_SIZE(fields),
	.prepare = prepare,
	.insert = insert,
	.update = update,
	.remove = remove_row,
	.show = show,
};
