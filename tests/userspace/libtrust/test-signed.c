// SPDX-License-Identifier: Apache-2.0
#include "signed.h"

#include <errno.h>
#include <string.h>

#include "digest.h"
#include "keys.h"

static Mmesh__V1__Signed *sign_head(const struct trust_key *key)
{
	Mmesh__V1__Head head = MMESH__V1__HEAD__INIT;
	Mmesh__V1__Signed *s;
	struct error err = { 0 };

	head.network = (char *)NETWORK;
	head.sequence = 7;
	expect_ok(trust_sign(&s, key, TRUST_CONTEXT_HEAD, &head.base, &err), &err);
	return s;
}

static void signs_and_opens(void **state)
{
	static const enum trust_key_type types[] = { TRUST_KEY_P256, TRUST_KEY_ED25519 };
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		_cleanup_(trust_key_unrefp) struct trust_key *key = new_key(types[i]);
		_cleanup_(trust_signed_freep) Mmesh__V1__Signed *s = sign_head(key);
		_cleanup_(trust_signed_freep) Mmesh__V1__Signed *back = NULL;
		_cleanup_free_ uint8_t *packed = NULL;
		Mmesh__V1__Signed *none;
		ProtobufCMessage *message;
		size_t len;

		expect_ok(trust_signed_pack(&packed, &len, s, &err), &err);
		expect_ok(trust_signed_unpack(&back, packed, len, &err), &err);
		expect_ok(trust_signed_open(&message, back, key, TRUST_CONTEXT_HEAD,
					    &mmesh__v1__head__descriptor, &err), &err);
		assert_int_equal(((Mmesh__V1__Head *)message)->sequence, 7);
		protobuf_c_message_free_unpacked(message, NULL);
		expect_error(trust_signed_unpack(&none, packed, len - 1, &err), -EBADMSG, &err, "not a");
	}
}

/* What is signed, byte for byte: other implementations have to agree. */
static void covers_what_is_written(void **state)
{
	_cleanup_(trust_key_unrefp) struct trust_key *key = new_key(TRUST_KEY_ED25519);
	_cleanup_(trust_signed_freep) Mmesh__V1__Signed *s = NULL;
	uint8_t bytes[9 + 4 + 1 + TRUST_KEY_ID_LEN + 3];
	struct error err = { 0 };

	(void)state;
	expect_ok(trust_sign_bytes(&s, key, "join", "abc", 3, &err), &err);
	memcpy(bytes, "mmesh v1 join", 14);
	memcpy(bytes + 14, trust_key_id(key), TRUST_KEY_ID_LEN);
	memcpy(bytes + 14 + TRUST_KEY_ID_LEN, "abc", 3);
	expect_ok(trust_key_verify(key, bytes, sizeof(bytes), s->signature.data, s->signature.len,
				   &err), &err);
}

static void expect_refused(Mmesh__V1__Signed *s, const struct trust_key *key, const char *why)
{
	struct error err = { 0 };

	expect_error(trust_signed_verify(s, key, TRUST_CONTEXT_HEAD, &err), -EBADMSG, &err, why);
}

static void refuses_what_was_changed(void **state)
{
	_cleanup_(trust_key_unrefp) struct trust_key *key = new_key(TRUST_KEY_P256);
	_cleanup_(trust_key_unrefp) struct trust_key *other = new_key(TRUST_KEY_P256);
	_cleanup_(trust_signed_freep) Mmesh__V1__Signed *s = sign_head(key);
	struct error err = { 0 };
	size_t len = s->payload.len;

	(void)state;
	expect_ok(trust_signed_verify(s, key, TRUST_CONTEXT_HEAD, &err), &err);
	for (size_t i = 0; i < len; i++) {
		s->payload.data[i] ^= 0x10;
		expect_refused(s, key, "signature");
		s->payload.data[i] ^= 0x10;
	}
	s->payload.len--;
	expect_refused(s, key, "signature");
	s->payload.len = 0;
	expect_refused(s, key, "signature");
	s->payload.len = len;
	s->signature.data[3] ^= 1;
	expect_refused(s, key, "signature");
	s->signature.data[3] ^= 1;
	s->signature.len = 0;
	expect_refused(s, key, "signature: 0 bytes");
	s->signature.len = TRUST_SIGNATURE_MAX + 1;
	expect_refused(s, key, "signature: 81 bytes");
	s->signature.len = 1;
	expect_refused(s, key, "signature");
	expect_refused(s, other, "key_id");
	s->key_id.data[0] ^= 1;
	expect_refused(s, key, "key_id");
	s->key_id.len = 15;
	expect_refused(s, key, "key_id: 15 bytes");
}

/* A signature under one context says nothing under another, whatever the envelope claims. */
static void contexts_are_apart(void **state)
{
	_cleanup_(trust_key_unrefp) struct trust_key *key = new_key(TRUST_KEY_ED25519);
	_cleanup_(trust_signed_freep) Mmesh__V1__Signed *s = NULL;
	struct error err = { 0 };

	(void)state;
	expect_ok(trust_sign_bytes(&s, key, "tombstone", "abc", 3, &err), &err);
	expect_refused(s, key, "context: \"tombstone\", not \"head\"");
	free(s->context);
	s->context = strdup("head");
	expect_refused(s, key, "signature");
}

static void bounds_sizes(void **state)
{
	_cleanup_(trust_key_unrefp) struct trust_key *key = new_key(TRUST_KEY_ED25519);
	_cleanup_(trust_signed_freep) Mmesh__V1__Signed *most = NULL;
	_cleanup_free_ uint8_t *payload = calloc(1, TRUST_PAYLOAD_MAX + 1);
	Mmesh__V1__Signed *none;
	struct error err = { 0 };

	(void)state;
	assert_non_null(payload);
	expect_error(trust_sign_bytes(&none, key, "head", payload, TRUST_PAYLOAD_MAX + 1, &err),
		     -EMSGSIZE, &err, "head: 65537 bytes");
	expect_ok(trust_sign_bytes(&most, key, "head", payload, TRUST_PAYLOAD_MAX, &err), &err);
	expect_ok(trust_signed_verify(most, key, "head", &err), &err);
	free(most->payload.data);
	most->payload.data = TAKE_PTR(payload);
	most->payload.len++;
	expect_refused(most, key, "payload: 65537 bytes");
	expect_error(trust_signed_unpack(&none, most->payload.data, TRUST_PAYLOAD_MAX + 1025, &err),
		     -EBADMSG, &err, "at most");
}

static void payload_of_another_type(void **state)
{
	_cleanup_(trust_key_unrefp) struct trust_key *key = new_key(TRUST_KEY_ED25519);
	_cleanup_(trust_signed_freep) Mmesh__V1__Signed *s = NULL;
	ProtobufCMessage *message;
	struct error err = { 0 };

	(void)state;
	expect_ok(trust_sign_bytes(&s, key, "head", "\xff\xff\xff", 3, &err), &err);
	expect_error(trust_signed_open(&message, s, key, "head", &mmesh__v1__head__descriptor, &err),
		     -EBADMSG, &err, "payload: not a Head");
	assert_null(message);
}

/* -- the proof of joining ------------------------------------------------------------------------- */

struct join {
	struct trust_key *token, *identity;
	uint8_t server_nonce[32], client_nonce[32], mesh_key[32], server_key_id[16], exporter[32];
	struct trust_join_proof proof;
};

static int join_set_up(void **state)
{
	struct join *j = calloc(1, sizeof(*j));

	if (!j)
		return -1;
	j->token = new_key(TRUST_KEY_ED25519);
	j->identity = new_key(TRUST_KEY_P256);
	memset(j->server_nonce, 1, 32);
	memset(j->client_nonce, 2, 32);
	memset(j->mesh_key, 3, 32);
	memset(j->server_key_id, 4, 16);
	memset(j->exporter, 5, 32);
	j->proof = (struct trust_join_proof){ TOKEN, j->server_nonce, j->client_nonce, j->identity,
					      j->mesh_key, j->server_key_id, j->exporter };
	*state = j;
	return 0;
}

static int join_tear_down(void **state)
{
	struct join *j = *state;

	trust_key_unref(j->token);
	trust_key_unref(j->identity);
	free(j);
	return 0;
}

static void proves(void **state)
{
	struct join *j = *state;
	_cleanup_(trust_signed_freep) Mmesh__V1__Signed *s = NULL;
	Mmesh__V1__JoinProof *got;
	struct error err = { 0 };

	expect_ok(trust_join_proof_make(&s, j->token, &j->proof, &err), &err);
	expect_ok(trust_join_proof_verify(&got, s, j->token, &j->proof, &err), &err);
	assert_memory_equal(got->client_nonce.data, j->client_nonce, 32);
	assert_memory_equal(got->mesh_key.data, j->mesh_key, 32);
	mmesh__v1__join_proof__free_unpacked(got, NULL);
}

static void proof_is_of_its_session(void **state)
{
	struct join *j = *state;
	_cleanup_(trust_signed_freep) Mmesh__V1__Signed *s = NULL;
	_cleanup_(trust_key_unrefp) struct trust_key *other = new_key(TRUST_KEY_ED25519);
	const struct {
		uint8_t *byte;
		const char *field;
	} bound[] = {
		{ &j->server_nonce[31], "proof.server_nonce" },
		{ &j->server_key_id[0], "proof.server_key_id" },
		{ &j->exporter[16], "proof.exporter" },
	};
	Mmesh__V1__JoinProof *got;
	struct error err = { 0 };

	expect_ok(trust_join_proof_make(&s, j->token, &j->proof, &err), &err);
	for (size_t i = 0; i < ARRAY_SIZE(bound); i++) {
		*bound[i].byte ^= 1;
		expect_error(trust_join_proof_verify(&got, s, j->token, &j->proof, &err), -EBADMSG, &err,
			     bound[i].field);
		assert_null(got);
		*bound[i].byte ^= 1;
	}
	j->proof.token = NODE;
	expect_error(trust_join_proof_verify(&got, s, j->token, &j->proof, &err), -EBADMSG, &err,
		     "proof.token");
	j->proof.token = TOKEN;
	expect_error(trust_join_proof_verify(&got, s, other, &j->proof, &err), -EBADMSG, &err,
		     "key_id");
}

static void proof_has_its_form(void **state)
{
	struct join *j = *state;
	_cleanup_(trust_signed_freep) Mmesh__V1__Signed *s = NULL;
	_cleanup_(trust_signed_freep) Mmesh__V1__Signed *t = NULL;
	_cleanup_(trust_key_unrefp) struct trust_key *ed25519 = new_key(TRUST_KEY_ED25519);
	Mmesh__V1__JoinProof message = MMESH__V1__JOIN_PROOF__INIT;
	Mmesh__V1__JoinProof *got;
	struct error err = { 0 };

	j->proof.identity = ed25519;
	expect_ok(trust_join_proof_make(&s, j->token, &j->proof, &err), &err);
	expect_error(trust_join_proof_verify(&got, s, j->token, &j->proof, &err), -EBADMSG, &err,
		     "proof.identity_key: not a P-256 key");
	message.token = (char *)TOKEN;
	message.server_nonce = (ProtobufCBinaryData){ 32, j->server_nonce };
	message.server_key_id = (ProtobufCBinaryData){ 16, j->server_key_id };
	message.exporter = (ProtobufCBinaryData){ 32, j->exporter };
	message.client_nonce = (ProtobufCBinaryData){ 31, j->client_nonce };
	expect_ok(trust_sign(&t, j->token, TRUST_CONTEXT_JOIN_PROOF, &message.base, &err), &err);
	expect_error(trust_join_proof_verify(&got, t, j->token, &j->proof, &err), -EBADMSG, &err,
		     "proof.client_nonce: 31 bytes");
}

/* -- digests -------------------------------------------------------------------------------------- */

static void digests(void **state)
{
	struct trust_digest_item items[] = { { "bb", 20 }, { "aa", 3 } };
	uint8_t got[TRUST_DIGEST_LEN], want[TRUST_DIGEST_LEN];
	struct error err = { 0 };

	(void)state;
	/* sha256sum of "aa 3\nbb 20\n", and of nothing. */
	assert_true(trust_hex_parse(want, 32, "19bc0e11ed5dda9010589e88a00596ca"
					      "6717eb0e1568637dbc8d11cdc2c162e7"));
	expect_ok(trust_digest(got, items, 2, &err), &err);
	assert_memory_equal(got, want, 32);
	assert_true(trust_hex_parse(want, 32, "e3b0c44298fc1c149afbf4c8996fb924"
					      "27ae41e4649b934ca495991b7852b855"));
	expect_ok(trust_digest(got, NULL, 0, &err), &err);
	assert_memory_equal(got, want, 32);
}

#define JOIN_TEST(name) cmocka_unit_test_setup_teardown(name, join_set_up, join_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_and_opens),
		cmocka_unit_test(covers_what_is_written),
		cmocka_unit_test(refuses_what_was_changed),
		cmocka_unit_test(contexts_are_apart),
		cmocka_unit_test(bounds_sizes),
		cmocka_unit_test(payload_of_another_type),
		JOIN_TEST(proves),
		JOIN_TEST(proof_is_of_its_session),
		JOIN_TEST(proof_has_its_form),
		cmocka_unit_test(digests),
	};

	return cmocka_run_group_tests_name("signed", tests, NULL, NULL);
}
