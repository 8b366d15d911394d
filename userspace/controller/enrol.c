// SPDX-License-Identifier: Apache-2.0
/*
 * The service Enrolment: a machine proves that it has a token's key, which is
 * bound to its own keys, to this TLS session and to both ends' nonces, and gets
 * a certificate on the key that it made.
 */
#include <errno.h>
#include <time.h>

#include "controller.h"
#include "delegation.h"
#include "enrol-reply.h"
#include "ipam.h"
#include "node-record.h"

/* Statements and clocks may differ by as much as certificates. */
enum { TIME_SKEW = TRUST_CLOCK_SKEW };

/* What a join is about, found from the token. */
struct join {
	struct controller *c;
	const Mmesh__V1__JoinRequest *rq;
	const struct rpc_session *session;
	Mmesh__V1__JoinProof *proof;
	struct trust_key *token_key;
	struct trust_key *identity;
	struct object token;
	struct object subnet;
	struct object network;
	struct object node;
	struct blob statement;
	bool again; /* the node is there already: its last reply got lost */
};

static void join_free(struct join *j)
{
	if (j->proof)
		mmesh__v1__join_proof__free_unpacked(j->proof, NULL);
	trust_key_unref(j->token_key);
	trust_key_unref(j->identity);
	blob_free(&j->statement);
	free(j);
}

static void join_freep(struct join **j)
{
	if (*j)
		join_free(*j);
}

/* -- begin -------------------------------------------------------------------------------------------------- */

static int find_token(struct controller *c, const char *id, struct object *ret, struct error *err)
{
	int r;

	if (!trust_id_is_valid(id))
		return error_set(err, EINVAL, "token: is not a token's id");
	r = object_by_id(&c->model.store, KIND_TOKEN, id, ret, err);
	if (r == 0)
		return error_set(err, ENOENT, "token: is not known here: it was deleted, or is "
					      "another controller's");
	return r < 0 ? r : 0;
}

static int check_expiry(const struct object *o, int64_t now, struct error *err)
{
	return o->token.expires > now ? 0 : error_set(err, EACCES, "token: has expired");
}

static int check_uses(const struct object *o, struct error *err)
{
	if (o->token.uses && o->token.used >= o->token.uses)
		return error_set(err, EDQUOT, "token: is used up: %u of %u uses", o->token.used,
				 o->token.uses);
	return 0;
}

static int begin(struct controller *c, const Mmesh__V1__BeginRequest *rq,
		 const struct rpc_session *session, struct object up[4],
		 uint8_t nonce[TRUST_NONCE_LEN], struct error *err)
{
	int64_t now = (int64_t)time(NULL);
	int r;

	/* Its uses count at the join: whoever lost the reply to one begins again. */
	r = find_token(c, rq->token, &up[0], err);
	if (!r)
		r = check_expiry(&up[0], now, err);
	if (!r)
		r = network_of_subnet(&c->model.store, up[0].parent, &up[1], &up[2], err);
	if (!r)
		r = object_by_id(&c->model.store, KIND_TENANT, up[2].parent, &up[3], err);
	if (r < 0)
		return r;
	return nonce_make(&c->nonces, session->id, now, nonce, err);
}

void enrol_begin(struct rpc_call *call, const void *request, void *user)
{
	struct object *up = calloc(4, sizeof(*up)); /* token, subnet, network, tenant */
	Mmesh__V1__BeginReply reply = MMESH__V1__BEGIN_REPLY__INIT;
	uint8_t nonce[TRUST_NONCE_LEN];
	struct controller *c = user;
	struct error err;
	int r;

	if (!up) {
		rpc_fail(call, RPC_RESOURCE_EXHAUSTED, "out of memory");
		return;
	}
	model_lock(&c->model);
	r = begin(c, request, rpc_call_session(call), up, nonce, &err);
	model_unlock(&c->model);
	if (r) {
		rpc_fail_error(call, r, &err);
	} else {
		reply.server_nonce = (ProtobufCBinaryData){ .data = nonce, .len = sizeof(nonce) };
		reply.tenant = up[3].id;
		reply.network = up[2].id;
		reply.subnet = up[1].id;
		reply.locked = up[2].network.locked;
		reply.time = (int64_t)time(NULL);
		rpc_reply(call, &reply.base);
	}
	free(up);
}

/* -- what a join has to prove ---------------------------------------------------------------------------------- */

static int check_proof(struct join *j, struct error *err)
{
	uint8_t nonce[TRUST_NONCE_LEN];
	struct trust_join_proof want = {
		.token = j->token.id,
		.server_nonce = nonce,
		.server_key_id = j->session->server_key_id,
		.exporter = j->session->exporter,
	};
	int r;

	if (!nonce_take(&j->c->nonces, j->session->id, (int64_t)time(NULL), nonce))
		return error_set(err, EACCES, "proof: there is no Begin before it in this session, or "
					      "it was used or is too old");
	r = trust_key_from_spki(&j->token_key, j->token.token.public_key,
				j->token.token.public_key_len, err);
	if (r)
		return r;
	r = trust_join_proof_verify(&j->proof, j->rq->proof, j->token_key, &want, err);
	return r ? error_prefix(err, -EACCES, "proof: ") : 0;
}

/* The certificate's key is the one that was proved. */
static int check_csr(struct join *j, struct error *err)
{
	const ProtobufCBinaryData *csr = &j->rq->certificate_request;
	const uint8_t *spki;
	size_t len;
	int r;

	r = trust_csr_read(&j->identity, csr->data, csr->len, err);
	if (r)
		return error_prefix(err, r, "certificate_request: ");
	spki = trust_key_spki(j->identity, &len);
	if (len != j->proof->identity_key.len || memcmp(spki, j->proof->identity_key.data, len))
		return error_set(err, EINVAL, "certificate_request: is for another key than the proof");
	return 0;
}

static bool bytes_equal(const ProtobufCBinaryData *a, const ProtobufCBinaryData *b)
{
	return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

static int check_statement_of(const struct join *j, const Mmesh__V1__JoinStatement *s,
			      struct error *err)
{
	int64_t now = (int64_t)time(NULL);

	if (strcmp(s->token, j->token.id) || strcmp(s->tenant, j->network.parent) ||
	    strcmp(s->network, j->network.id) || strcmp(s->subnet, j->subnet.id))
		return error_set(err, EINVAL, "join: names another token, tenant, network or subnet");
	if (!bytes_equal(&s->identity_key, &j->proof->identity_key) ||
	    !bytes_equal(&s->mesh_key, &j->proof->mesh_key))
		return error_set(err, EINVAL, "join: names other keys than the proof");
	if (s->time < now - TIME_SKEW || s->time > now + TIME_SKEW)
		return error_set(err, EINVAL, "join: its time is more than a day from ours");
	return 0;
}

static int check_statement(struct join *j, struct error *err)
{
	ProtobufCMessage *m = NULL;
	int r;

	if (!j->rq->join) {
		if (j->network.network.locked)
			return error_set(err, EINVAL, "join: is missing: the network is locked");
		return 0;
	}
	r = trust_signed_open(&m, j->rq->join, j->token_key, TRUST_CONTEXT_JOIN,
			      &mmesh__v1__join_statement__descriptor, err);
	if (r)
		return error_prefix(err, -EACCES, "join: ");
	r = check_statement_of(j, (const Mmesh__V1__JoinStatement *)m, err);
	protobuf_c_message_free_unpacked(m, NULL);
	if (!r)
		r = trust_signed_pack(&j->statement.data, &j->statement.len, j->rq->join, err);
	return r;
}

/* -- the node ---------------------------------------------------------------------------------------------------- */

static void take_capabilities(struct node *n, const Mmesh__V1__Capabilities *c)
{
	n->kind = MMESH__V1__NODE_KIND__NODE_KIND_STUBBY;
	(void)snprintf(n->suite, sizeof(n->suite), "wireguard");
	if (!c)
		return;
	if (c->module)
		n->kind = MMESH__V1__NODE_KIND__NODE_KIND_CONNECTED;
	(void)snprintf(n->version, sizeof(n->version), "%.31s", c->version);
	text_clean(n->version);
	for (size_t i = 0; i < c->n_suite; i++)
		if (!strcmp(c->suite[i], "aes256gcm"))
			(void)snprintf(n->suite, sizeof(n->suite), "aes256gcm");
}

static int choose_name(struct join *j, struct error *err)
{
	const char *wanted = j->rq->name;
	int r;

	if (!*wanted) {
		(void)snprintf(j->node.name, NAME_SIZE, "node-%.8s", j->node.id);
		return 0;
	}
	r = name_check("name", wanted, err);
	if (!r)
		(void)snprintf(j->node.name, NAME_SIZE, "%s", wanted);
	return r;
}

/* A request that came before, and whose reply the machine may not have seen. */
static int find_again(struct join *j, struct error *err)
{
	const ProtobufCBinaryData *key = &j->proof->identity_key;
	_cleanup_query_ struct query q = { 0 };
	char id[ID_SIZE];
	int r;

	r = query_open(&q, &j->c->model.store, err, "SELECT id FROM node WHERE identity_key = ?",
		       "b", key->data, key->len);
	if (!r)
		r = query_next(&q, err);
	if (r <= 0)
		return r;
	query_text(&q, 0, id, sizeof(id));
	r = object_by_id(&j->c->model.store, KIND_NODE, id, &j->node, err);
	if (r != 1)
		return r;
	if (strcmp(j->node.parent, j->subnet.id) || !j->node.node.has_mesh_key ||
	    memcmp(j->node.node.mesh_key, j->proof->mesh_key.data, TRUST_MESH_KEY_LEN))
		return error_set(err, EEXIST, "identity_key: is that of another node already");
	j->again = true;
	return 0;
}

static int describe_node(struct join *j, struct error *err)
{
	struct object *o = &j->node;
	struct node *n = &o->node;
	int r;

	*o = (struct object){ .kind = KIND_NODE };
	(void)snprintf(o->parent, sizeof(o->parent), "%s", j->subnet.id);
	r = trust_random_id(o->id, err);
	if (!r)
		r = choose_name(j, err);
	if (r)
		return r;
	take_capabilities(n, j->rq->capabilities);
	n->identity_key_len = (uint32_t)j->proof->identity_key.len;
	memcpy(n->identity_key, j->proof->identity_key.data, n->identity_key_len);
	memcpy(n->mesh_key, j->proof->mesh_key.data, TRUST_MESH_KEY_LEN);
	n->has_mesh_key = true;
	n->last_seen = (int64_t)time(NULL);
	memcpy(n->tag, j->token.token.tag, sizeof(n->tag));
	n->tags = j->token.token.tags;
	trust_hex_format(n->token, trust_key_id(j->token_key), TRUST_KEY_ID_LEN);
	if (j->rq->relay && !j->token.token.relay)
		return error_set(err, EACCES, "relay: this token doesn't let nodes relay");
	n->relay = j->rq->relay && n->kind == MMESH__V1__NODE_KIND__NODE_KIND_CONNECTED;
	if (*j->rq->address) {
		r = ipam_parse4(&n->address[0], "address", j->rq->address, err);
		n->addresses = 1;
	}
	return r;
}

/* Counted in the same transaction: of many at once, as many as it has uses. */
static int use_token(struct change *ch, const struct join *j, struct error *err)
{
	int r = store_exec(ch->s, err,
			   "UPDATE token SET used = used + 1 WHERE id = ? AND expires > ?"
			   " AND (uses = 0 OR used < uses)",
			   "si", j->token.id, ch->now);

	if (r)
		return r;
	if (store_changes(ch->s) == 1)
		return 0;
	r = check_expiry(&j->token, ch->now, err);
	return r ? r : check_uses(&j->token, err);
}

static int make_node(struct change *ch, struct join *j, struct error *err)
{
	struct object *other = malloc(sizeof(*other));
	char path[PATH_SIZE];
	int r;

	if (!other)
		return error_oom(err);
	r = object_by_name(ch->s, KIND_NODE, j->subnet.id, j->node.name, other, err);
	free(other);
	if (r < 0)
		return r;
	if (r == 1)
		return error_set(err, EEXIST, "name: a node %s is there already", j->node.name);
	r = object_path(ch->s, &j->subnet, path, err);
	if (r)
		return r;
	(void)snprintf(path + strlen(path), sizeof(path) - strlen(path), "/%s", j->node.name);
	ch->statement = j->statement.data ? &j->statement : NULL;
	return manage_create(ch, &j->node, path, err);
}

static int write_certificate(struct change *ch, const struct trust_cert *cert, const char *node,
			     struct error *err)
{
	return store_exec(ch->s, err, "INSERT OR REPLACE INTO certificate VALUES (?, ?, NULL, ?)",
			  "bsi", trust_cert_key_id(cert), (size_t)TRUST_KEY_ID_LEN, node,
			  trust_cert_not_after(cert));
}

static int prepare(struct join *j, struct error *err)
{
	int r;

	if (!j->rq->proof)
		return error_set(err, EINVAL, "proof: is missing");
	r = check_proof(j, err);
	if (!r)
		r = check_csr(j, err);
	if (!r)
		r = network_of_subnet(&j->c->model.store, j->token.parent, &j->subnet, &j->network,
				      err);
	if (!r)
		r = check_statement(j, err);
	if (!r)
		r = find_again(j, err);
	if (!r && !j->again)
		r = describe_node(j, err);
	return r;
}

/* The proof names the token; it is read before it is believed. */
static int peek_token(struct join *j, struct error *err)
{
	Mmesh__V1__JoinProof *p;
	int r;

	if (!j->rq->proof)
		return error_set(err, EINVAL, "proof: is missing");
	p = mmesh__v1__join_proof__unpack(NULL, j->rq->proof->payload.len,
					  j->rq->proof->payload.data);
	if (!p)
		return error_set(err, EINVAL, "proof: is malformed");
	r = find_token(j->c, p->token, &j->token, err);
	mmesh__v1__join_proof__free_unpacked(p, NULL);
	return r;
}

static int join_within(struct change *ch, struct join *j, Mmesh__V1__JoinReply **ret,
		       struct error *err)
{
	_cleanup_(trust_cert_unrefp) struct trust_cert *cert = NULL;
	int r;

	r = peek_token(j, err);
	if (!r)
		r = prepare(j, err);
	if (!r && !j->again)
		r = use_token(ch, j, err);
	if (!r && !j->again)
		r = make_node(ch, j, err);
	if (!r)
		r = keyring_issue(&j->c->keys, j->identity, j->network.parent, j->network.id,
				  j->subnet.id, j->node.id, ch->now, &cert, err);
	if (!r)
		r = write_certificate(ch, cert, j->node.id, err);
	if (!r)
		r = enrol_reply(j->c, &j->node, &j->network, cert, ret, err);
	return r ? r : change_commit(ch, err);
}

void enrol_join(struct rpc_call *call, const void *request, void *user)
{
	_cleanup_(join_freep) struct join *j = calloc(1, sizeof(*j));
	const struct rpc_session *session = rpc_call_session(call);
	_cleanup_change_ struct change ch = { 0 };
	Mmesh__V1__JoinReply *reply = NULL;
	struct controller *c = user;
	struct error err;
	int r;

	if (!j) {
		rpc_fail(call, RPC_RESOURCE_EXHAUSTED, "out of memory");
		return;
	}
	*j = (struct join){ .c = c, .rq = request, .session = session };
	r = change_begin(&ch, &c->model, session->remote, &err);
	if (!r)
		r = join_within(&ch, j, &reply, &err);
	if (r) {
		log_warning("join from %s refused: %s", session->remote, err.text);
		rpc_fail_error(call, r, &err);
	} else {
		log_info("node %s (%s) joined from %s", j->node.name, j->node.id, session->remote);
		rpc_reply(call, &reply->base);
	}
	if (reply)
		mmesh__v1__join_reply__free_unpacked(reply, NULL);
}

/* -- renewal -------------------------------------------------------------------------------------------------------- */

static int renew(struct change *ch, struct controller *c, const struct rpc_session *session,
		 const Mmesh__V1__RenewRequest *rq, Mmesh__V1__RenewReply **ret, struct error *err)
{
	_cleanup_(trust_cert_unrefp) struct trust_cert *cert = NULL;
	_cleanup_(trust_key_unrefp) struct trust_key *key = NULL;
	struct object *up = calloc(3, sizeof(*up)); /* node, subnet, network */
	int r;

	if (!up)
		return error_oom(err);
	r = session_node(c, session, &up[0], err);
	if (!r)
		r = trust_csr_read(&key, rq->certificate_request.data, rq->certificate_request.len,
				   err);
	if (!r && memcmp(trust_key_id(key), session->key_id, TRUST_KEY_ID_LEN))
		r = error_set(err, EINVAL, "certificate_request: is for another key than the node's");
	if (!r)
		r = network_of_subnet(ch->s, up[0].parent, &up[1], &up[2], err);
	if (!r)
		r = keyring_issue(&c->keys, key, up[2].parent, up[2].id, up[1].id, up[0].id, ch->now,
				  &cert, err);
	if (!r)
		r = write_certificate(ch, cert, up[0].id, err);
	if (!r)
		r = enrol_renew_reply(c, &up[0], &up[2], cert, ret, err);
	free(up);
	return r ? r : change_commit(ch, err);
}

void enrol_renew(struct rpc_call *call, const void *request, void *user)
{
	const struct rpc_session *session = rpc_call_session(call);
	_cleanup_change_ struct change ch = { 0 };
	Mmesh__V1__RenewReply *reply = NULL;
	struct controller *c = user;
	struct error err;
	int r;

	r = change_begin(&ch, &c->model, session->remote, &err);
	if (!r)
		r = renew(&ch, c, session, request, &reply, &err);
	if (r)
		rpc_fail_error(call, r, &err);
	else
		rpc_reply(call, &reply->base);
	if (reply)
		mmesh__v1__renew_reply__free_unpacked(reply, NULL);
}
