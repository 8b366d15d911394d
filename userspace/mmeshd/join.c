// SPDX-License-Identifier: Apache-2.0
/* Becoming a node: keys made here, the token's key proved, a certificate in return. */
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/utsname.h>

#include "daemon.h"
#include "token.h"

enum { JOIN_MS = 20000 };

struct joining {
	struct member *member;
	const struct join_wish *wish;
	const struct kernel_features *features;
	struct trust_token token;
	struct trust_key *token_key;
	struct rpc_client *client;
	Mmesh__V1__BeginReply *begin;
	Mmesh__V1__JoinReply *reply;
	struct error *err;
};

static void joining_clear(struct joining *j)
{
	mmesh__v1__begin_reply__free_unpacked(j->begin, NULL);
	mmesh__v1__join_reply__free_unpacked(j->reply, NULL);
	rpc_client_close(j->client);
	trust_key_unref(j->token_key);
	trust_token_wipe(&j->token);
}

void capabilities_fill(Mmesh__V1__Capabilities *ret, char **suites,
		       const struct kernel_features *features)
{
	static struct utsname uts;

	mmesh__v1__capabilities__init(ret);
	ret->version = (char *)MMESH_TOOL_VERSION;
	if (!uname(&uts))
		ret->kernel = uts.release;
	ret->module = features->module;
	ret->suite = suites;
	for (size_t i = 0; i < features->n_suites; i++)
		suites[ret->n_suite++] = (char *)features->suite[i];
}

/* The named one, or those that the token names, in turns. */
static int connect_controller(struct joining *j)
{
	struct rpc_client_config config = { .ca_fingerprint = j->token.ca };
	struct member *m = j->member;
	int r = error_set(j->err, EINVAL, "token: it names no controller");

	for (size_t i = 0; i < j->token.n_controllers; i++)
		memcpy(m->controller[i], j->token.controller[i], sizeof(m->controller[i]));
	m->n_controllers = j->token.n_controllers;
	if (*j->wish->controller) {
		(void)snprintf(m->controller[0], sizeof(m->controller[0]), "%.127s",
			       j->wish->controller);
		m->n_controllers = 1;
	}
	for (size_t i = 0; i < m->n_controllers && !j->client; i++) {
		config.address = m->controller[i];
		r = rpc_client_open(&j->client, &config, j->err);
	}
	return j->client ? 0 : r;
}

static int call(struct joining *j, const char *method, const ProtobufCMessage *request,
		const ProtobufCMessageDescriptor *type, void *ret)
{
	enum rpc_code code = rpc_client_call(j->client, method, request, type, ret, JOIN_MS, j->err);

	switch (code) {
	case RPC_OK:
		return 0;
	case RPC_INVALID_ARGUMENT:
		return -EINVAL;
	case RPC_ALREADY_EXISTS:
		return -EEXIST;
	case RPC_NOT_FOUND:
	case RPC_PERMISSION_DENIED:
	case RPC_UNAUTHENTICATED:
		return -EACCES;
	case RPC_RESOURCE_EXHAUSTED:
		return -ENOSPC;
	default:
		return -EIO;
	}
}

static int begin(struct joining *j)
{
	Mmesh__V1__BeginRequest request = MMESH__V1__BEGIN_REQUEST__INIT;
	int r;

	request.token = j->token.id;
	r = call(j, "/mmesh.v1.Enrolment/Begin", &request.base, &mmesh__v1__begin_reply__descriptor,
		 &j->begin);
	if (r < 0)
		return r;
	if (j->begin->server_nonce.len != TRUST_NONCE_LEN)
		return error_set(j->err, EBADMSG, "the controller's nonce has %zu bytes",
				 j->begin->server_nonce.len);
	trust_clock_saw(&j->member->clock, j->begin->time);
	return 0;
}

static int make_proof(struct joining *j, const uint8_t mesh_key[KEY_LEN], Mmesh__V1__Signed **ret)
{
	const struct rpc_session *session = rpc_client_session(j->client);
	uint8_t nonce[TRUST_NONCE_LEN];
	const struct trust_join_proof proof = {
		.token = j->token.id,
		.server_nonce = j->begin->server_nonce.data,
		.client_nonce = nonce,
		.identity = j->member->identity,
		.mesh_key = mesh_key,
		.server_key_id = session->server_key_id,
		.exporter = session->exporter,
	};
	int r = trust_random(nonce, sizeof(nonce), j->err);

	return r < 0 ? r : trust_join_proof_make(ret, j->token_key, &proof, j->err);
}

/* The statement that a locked network's members ask for. */
static int make_statement(struct joining *j, const uint8_t mesh_key[KEY_LEN],
			  Mmesh__V1__Signed **ret)
{
	Mmesh__V1__JoinStatement join = MMESH__V1__JOIN_STATEMENT__INIT;

	join.token = j->token.id;
	join.tenant = j->begin->tenant;
	join.network = j->begin->network;
	join.subnet = j->begin->subnet;
	join.identity_key.data =
		(uint8_t *)trust_key_spki(j->member->identity, &join.identity_key.len);
	join.mesh_key.data = (uint8_t *)mesh_key;
	join.mesh_key.len = KEY_LEN;
	join.time = trust_clock_now(&j->member->clock);
	return trust_sign(ret, j->token_key, TRUST_CONTEXT_JOIN, &join.base, j->err);
}

static int ask(struct joining *j)
{
	Mmesh__V1__JoinRequest request = MMESH__V1__JOIN_REQUEST__INIT;
	Mmesh__V1__Capabilities capabilities;
	_cleanup_(signed_copy_freep) Mmesh__V1__Signed *proof = NULL;
	_cleanup_(signed_copy_freep) Mmesh__V1__Signed *statement = NULL;
	_cleanup_free_ uint8_t *csr = NULL;
	char *suites[MMESH_MAX_SUITES];
	uint8_t mesh_key[KEY_LEN];
	int r;

	r = key_public(mesh_key, j->member->options.private_key, j->err);
	if (!r)
		r = make_proof(j, mesh_key, &proof);
	if (!r)
		r = make_statement(j, mesh_key, &statement);
	if (!r)
		r = trust_csr_make(&csr, &request.certificate_request.len, j->member->identity,
				   j->err);
	if (r < 0)
		return r;
	capabilities_fill(&capabilities, suites, j->features);
	request.proof = proof;
	request.join = statement;
	request.certificate_request.data = csr;
	request.name = (char *)j->wish->name;
	request.address = (char *)j->wish->address;
	request.capabilities = &capabilities;
	request.relay = j->wish->relay;
	return call(j, "/mmesh.v1.Enrolment/Join", &request.base,
		    &mmesh__v1__join_reply__descriptor, &j->reply);
}

/* -- what came back ------------------------------------------------------------------------------ */

static int take_keys(struct joining *j)
{
	const Mmesh__V1__JoinReply *reply = j->reply;
	struct member *m = j->member;
	int r;

	r = trust_key_from_spki(&m->root, reply->tenant_root.data, reply->tenant_root.len, j->err);
	if (r < 0)
		return error_prefix(j->err, r, "tenant root: ");
	if (CRYPTO_memcmp(trust_key_fingerprint(m->root), j->token.root, TRUST_FINGERPRINT_LEN))
		return error_set(j->err, EKEYREJECTED,
				 "tenant root: it is not the one that the token names");
	r = trust_cert_parse(&m->ca, reply->ca.data, reply->ca.len, j->err);
	if (!r && CRYPTO_memcmp(trust_key_fingerprint(trust_cert_key(m->ca)), j->token.ca,
				TRUST_FINGERPRINT_LEN))
		r = error_set(j->err, EKEYREJECTED, "ca: it is not the one that the token names");
	if (!r)
		r = trust_cert_parse(&m->cert, reply->certificate.data, reply->certificate.len,
				     j->err);
	if (!r)
		r = trust_cert_verify(m->cert, m->ca, false, 0, j->err);
	if (!r && memcmp(trust_cert_key_id(m->cert), trust_key_id(m->identity), TRUST_KEY_ID_LEN))
		r = error_set(j->err, EBADMSG, "certificate: it is for another key");
	return r;
}

static int set_id(struct joining *j, char ret[TRUST_ID_SIZE], const char *id, const char *what)
{
	if (!trust_id_is_valid(id))
		return error_set(j->err, EBADMSG, "the controller's reply: %s: not an id", what);
	(void)snprintf(ret, TRUST_ID_SIZE, "%s", id);
	return 0;
}

/* Who we are is what a verified record says. */
static int take_record(struct joining *j)
{
	struct member *m = j->member;
	struct trust_scope scope = { .now = trust_clock_now(&m->clock) };
	_cleanup_(signed_copy_freep) Mmesh__V1__Signed *unused = NULL;
	ProtobufCMessage *message = NULL;
	Mmesh__V1__NodeRecord *record;
	uint8_t mesh_key[KEY_LEN];
	int r;

	if (!j->reply->record)
		return error_set(j->err, EBADMSG, "the controller's reply: record: there is none");
	scope.network = m->network;
	r = trust_record_open(&message, m->anchor, &scope, TRUST_CONTEXT_NODE, j->reply->record,
			      j->err);
	if (r < 0)
		return error_prefix(j->err, r, "the controller's reply: record: ");
	record = (Mmesh__V1__NodeRecord *)message;
	r = key_public(mesh_key, m->options.private_key, j->err);
	if (!r && (strcmp(record->node, m->node) || record->mesh_key.len != KEY_LEN ||
		   memcmp(record->mesh_key.data, mesh_key, KEY_LEN)))
		r = error_set(j->err, EBADMSG, "the controller's reply: record: another node's");
	if (!r)
		r = set_id(j, m->subnet, record->subnet, "subnet");
	(void)snprintf(m->name, sizeof(m->name), "%.255s", record->name);
	protobuf_c_message_free_unpacked(message, NULL);
	return r;
}

static void take_addresses(struct joining *j)
{
	struct member *m = j->member;

	for (size_t i = 0; i < j->reply->n_broker && m->n_brokers < MEMBER_MAX_SERVERS; i++)
		(void)snprintf(m->broker[m->n_brokers++], sizeof(member_address), "%.127s",
			       j->reply->broker[i]);
	if (*j->wish->controller || !j->reply->n_controller)
		return;
	m->n_controllers = 0;
	for (size_t i = 0; i < j->reply->n_controller && m->n_controllers < MEMBER_MAX_SERVERS; i++)
		(void)snprintf(m->controller[m->n_controllers++], sizeof(member_address), "%.127s",
			       j->reply->controller[i]);
}

static int take_reply(struct joining *j)
{
	struct member *m = j->member;
	int r = take_keys(j);

	if (!r)
		r = set_id(j, m->node, j->reply->node, "node");
	if (!r)
		r = set_id(j, m->tenant, trust_cert_o(m->cert), "tenant");
	if (!r)
		r = set_id(j, m->network, j->begin->network, "network");
	if (!r)
		r = member_trust_root(m, j->err);
	for (size_t i = 0; !r && i < j->reply->n_delegation; i++)
		r = trust_anchor_add(m->anchor, j->reply->delegation[i], j->err);
	if (!r)
		r = take_record(j);
	if (r < 0)
		return r;
	(void)snprintf(m->tenant_name, sizeof(m->tenant_name), "%.255s",
		       *j->reply->tenant_name ? j->reply->tenant_name : j->reply->tenant);
	take_addresses(j);
	/* The anchor is filled anew by what is kept. */
	r = member_trust_root(m, j->err);
	if (!r)
		r = member_create(m, j->err);
	return r < 0 ? r : member_add_delegations(m, j->reply->delegation, j->reply->n_delegation,
						   j->err);
}

int join_network(struct member *member, const struct join_wish *wish,
		 const struct kernel_features *features, struct error *err)
{
	struct joining j = { .member = member, .wish = wish, .features = features, .err = err };
	int r;

	r = trust_token_parse(&j.token, wish->token, err);
	if (!r)
		r = trust_token_key(&j.token_key, &j.token, err);
	if (!r)
		r = trust_key_generate(&member->identity, TRUST_KEY_P256, err);
	if (!r)
		r = key_generate_private(member->options.private_key, err);
	if (!r)
		r = connect_controller(&j);
	if (!r)
		r = begin(&j);
	if (!r)
		r = ask(&j);
	if (!r)
		r = take_reply(&j);
	joining_clear(&j);
	return r;
}
