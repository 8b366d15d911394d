// SPDX-License-Identifier: Apache-2.0
#include "signed.h"

#include <errno.h>
#include <string.h>

#define PREFIX "mmesh v1 "

/* -- what the signature covers ------------------------------------------------------------------ */

static int covered(uint8_t **ret, size_t *ret_len, const char *context,
		   const uint8_t key_id[TRUST_KEY_ID_LEN], const void *payload, size_t len,
		   struct error *err)
{
	size_t context_len = strlen(context);
	size_t prefix_len = strlen(PREFIX);
	uint8_t *at;

	*ret_len = prefix_len + context_len + 1 + TRUST_KEY_ID_LEN + len;
	*ret = malloc(*ret_len);
	if (!*ret)
		return error_oom(err);
	at = memcpy(*ret, PREFIX, prefix_len);
	at += prefix_len;
	memcpy(at, context, context_len + 1);
	at += context_len + 1;
	memcpy(at, key_id, TRUST_KEY_ID_LEN);
	if (len)
		memcpy(at + TRUST_KEY_ID_LEN, payload, len);
	return 0;
}

static int set_bytes(ProtobufCBinaryData *field, const void *data, size_t len, struct error *err)
{
	field->data = malloc(len ? len : 1);
	if (!field->data)
		return error_oom(err);
	if (len)
		memcpy(field->data, data, len);
	field->len = len;
	return 0;
}

static int set_context(Mmesh__V1__Signed *s, const char *context, struct error *err)
{
	s->context = strdup(context);
	return s->context ? 0 : error_oom(err);
}

int trust_sign_bytes(Mmesh__V1__Signed **ret, const struct trust_key *key, const char *context,
		     const void *payload, size_t len, struct error *err)
{
	_cleanup_(trust_signed_freep) Mmesh__V1__Signed *s = NULL;
	_cleanup_free_ uint8_t *bytes = NULL;
	uint8_t signature[TRUST_SIGNATURE_MAX];
	size_t bytes_len, signature_len;
	int r;

	*ret = NULL;
	if (len > TRUST_PAYLOAD_MAX)
		return error_set(err, EMSGSIZE, "%s: %zu bytes, at most %d can be signed", context, len,
				 TRUST_PAYLOAD_MAX);
	s = malloc(sizeof(*s));
	if (!s)
		return error_oom(err);
	mmesh__v1__signed__init(s);
	r = covered(&bytes, &bytes_len, context, trust_key_id(key), payload, len, err);
	if (!r)
		r = trust_key_sign(key, bytes, bytes_len, signature, &signature_len, err);
	if (!r)
		r = set_context(s, context, err);
	if (!r)
		r = set_bytes(&s->payload, payload, len, err);
	if (!r)
		r = set_bytes(&s->key_id, trust_key_id(key), TRUST_KEY_ID_LEN, err);
	if (!r)
		r = set_bytes(&s->signature, signature, signature_len, err);
	if (r)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

int trust_sign(Mmesh__V1__Signed **ret, const struct trust_key *key, const char *context,
	       const ProtobufCMessage *message, struct error *err)
{
	size_t len = protobuf_c_message_get_packed_size(message);
	_cleanup_free_ uint8_t *payload = NULL;

	*ret = NULL;
	/* Before memory is spent on it. */
	if (len > TRUST_PAYLOAD_MAX)
		return error_set(err, EMSGSIZE, "%s: %zu bytes, at most %d can be signed", context, len,
				 TRUST_PAYLOAD_MAX);
	payload = malloc(len ? len : 1);
	if (!payload)
		return error_oom(err);
	(void)protobuf_c_message_pack(message, payload);
	return trust_sign_bytes(ret, key, context, payload, len, err);
}

/* -- verified ------------------------------------------------------------------------------------- */

static int check_form(const Mmesh__V1__Signed *s, const char *context, struct error *err)
{
	if (strcmp(s->context, context) != 0)
		return error_set(err, EBADMSG, "context: \"%.*s\", not \"%s\"", TRUST_CONTEXT_MAX,
				 s->context, context);
	if (s->key_id.len != TRUST_KEY_ID_LEN)
		return error_set(err, EBADMSG, "key_id: %zu bytes, not %d", s->key_id.len,
				 TRUST_KEY_ID_LEN);
	if (s->payload.len > TRUST_PAYLOAD_MAX)
		return error_set(err, EBADMSG, "payload: %zu bytes, at most %d", s->payload.len,
				 TRUST_PAYLOAD_MAX);
	if (!s->signature.len || s->signature.len > TRUST_SIGNATURE_MAX)
		return error_set(err, EBADMSG, "signature: %zu bytes, not 1 to %d", s->signature.len,
				 TRUST_SIGNATURE_MAX);
	return 0;
}

int trust_signed_verify(const Mmesh__V1__Signed *s, const struct trust_key *key,
			const char *context, struct error *err)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	size_t len;
	int r;

	r = check_form(s, context, err);
	if (r)
		return r;
	if (memcmp(s->key_id.data, trust_key_id(key), TRUST_KEY_ID_LEN) != 0)
		return error_set(err, EBADMSG, "key_id: not the signer's");
	r = covered(&bytes, &len, context, s->key_id.data, s->payload.data, s->payload.len, err);
	if (r)
		return r;
	return trust_key_verify(key, bytes, len, s->signature.data, s->signature.len, err);
}

int trust_signed_open(ProtobufCMessage **ret, const Mmesh__V1__Signed *s,
		      const struct trust_key *key, const char *context,
		      const ProtobufCMessageDescriptor *type, struct error *err)
{
	int r;

	*ret = NULL;
	r = trust_signed_verify(s, key, context, err);
	if (r)
		return r;
	*ret = protobuf_c_message_unpack(type, NULL, s->payload.len, s->payload.data);
	if (!*ret)
		return error_set(err, EBADMSG, "payload: not a %s", type->short_name);
	return 0;
}

int trust_signed_pack(uint8_t **ret, size_t *ret_len, const Mmesh__V1__Signed *s,
		      struct error *err)
{
	size_t len = mmesh__v1__signed__get_packed_size(s);

	*ret = malloc(len ? len : 1);
	if (!*ret)
		return error_oom(err);
	*ret_len = mmesh__v1__signed__pack(s, *ret);
	return 0;
}

int trust_signed_unpack(Mmesh__V1__Signed **ret, const uint8_t *data, size_t len,
			struct error *err)
{
	*ret = NULL;
	if (len > TRUST_PAYLOAD_MAX + 1024)
		return error_set(err, EBADMSG, "signed record: %zu bytes, at most %d", len,
				 TRUST_PAYLOAD_MAX + 1024);
	*ret = mmesh__v1__signed__unpack(NULL, len, data);
	return *ret ? 0 : error_set(err, EBADMSG, "not a signed record");
}

/* -- the proof of joining ------------------------------------------------------------------------- */

static ProtobufCBinaryData borrowed(const uint8_t *data, size_t len)
{
	/* Packing only reads it. */
	return (ProtobufCBinaryData){ .len = len, .data = (uint8_t *)data };
}

int trust_join_proof_make(Mmesh__V1__Signed **ret, const struct trust_key *token_key,
			  const struct trust_join_proof *proof, struct error *err)
{
	Mmesh__V1__JoinProof message = MMESH__V1__JOIN_PROOF__INIT;
	const uint8_t *spki;
	size_t spki_len;

	spki = trust_key_spki(proof->identity, &spki_len);
	message.token = (char *)proof->token;
	message.server_nonce = borrowed(proof->server_nonce, TRUST_NONCE_LEN);
	message.client_nonce = borrowed(proof->client_nonce, TRUST_NONCE_LEN);
	message.identity_key = borrowed(spki, spki_len);
	message.mesh_key = borrowed(proof->mesh_key, TRUST_MESH_KEY_LEN);
	message.server_key_id = borrowed(proof->server_key_id, TRUST_KEY_ID_LEN);
	message.exporter = borrowed(proof->exporter, TRUST_EXPORTER_LEN);
	return trust_sign(ret, token_key, TRUST_CONTEXT_JOIN_PROOF, &message.base, err);
}

static int same_bytes(const ProtobufCBinaryData *got, const uint8_t *want, size_t len,
		      const char *name, struct error *err)
{
	if (got->len == len && !memcmp(got->data, want, len))
		return 0;
	return error_set(err, EBADMSG, "proof.%s: not that of this session", name);
}

static int right_length(const ProtobufCBinaryData *got, size_t len, const char *name,
			struct error *err)
{
	if (got->len == len)
		return 0;
	return error_set(err, EBADMSG, "proof.%s: %zu bytes, not %zu", name, got->len, len);
}

static int check_proof(const Mmesh__V1__JoinProof *got, const struct trust_join_proof *want,
		       struct error *err)
{
	_cleanup_(trust_key_unrefp) struct trust_key *identity = NULL;
	int r;

	if (strcmp(got->token, want->token) != 0)
		return error_set(err, EBADMSG, "proof.token: another token's");
	r = same_bytes(&got->server_nonce, want->server_nonce, TRUST_NONCE_LEN, "server_nonce", err);
	if (!r)
		r = same_bytes(&got->server_key_id, want->server_key_id, TRUST_KEY_ID_LEN,
			       "server_key_id", err);
	if (!r)
		r = same_bytes(&got->exporter, want->exporter, TRUST_EXPORTER_LEN, "exporter", err);
	if (!r)
		r = right_length(&got->client_nonce, TRUST_NONCE_LEN, "client_nonce", err);
	if (!r)
		r = right_length(&got->mesh_key, TRUST_MESH_KEY_LEN, "mesh_key", err);
	if (r)
		return r;
	r = trust_key_from_spki(&identity, got->identity_key.data, got->identity_key.len, err);
	if (r)
		return error_prefix(err, r, "proof.identity_key: ");
	if (trust_key_type(identity) != TRUST_KEY_P256)
		return error_set(err, EBADMSG, "proof.identity_key: not a P-256 key");
	return 0;
}

int trust_join_proof_verify(Mmesh__V1__JoinProof **ret, const Mmesh__V1__Signed *s,
			    const struct trust_key *token_key, const struct trust_join_proof *want,
			    struct error *err)
{
	ProtobufCMessage *message;
	int r;

	*ret = NULL;
	r = trust_signed_open(&message, s, token_key, TRUST_CONTEXT_JOIN_PROOF,
			      &mmesh__v1__join_proof__descriptor, err);
	if (r)
		return r;
	r = check_proof((Mmesh__V1__JoinProof *)message, want, err);
	if (r) {
		protobuf_c_message_free_unpacked(message, NULL);
		return r;
	}
	*ret = (Mmesh__V1__JoinProof *)message;
	return 0;
}
