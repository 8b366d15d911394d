// SPDX-License-Identifier: Apache-2.0
/*
 * What comes from strangers and holders of keys: tokens, certificates, requests, public keys, envelopes, and, signed
 * by a key that counts so that nothing stops at the signature, records of each kind. The first byte chooses.
 */
#include <string.h>
#include <time.h>

#include "cert.h"
#include "chain.h"
#include "openssl.h"
#include "token.h"

#define TENANT "0123456789abcdef0123456789abcdef"
#define NETWORK "11111111111111111111111111111111"
#define SUBNET "33333333333333333333333333333333"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The same each time: a crash can be repeated. */
static struct trust_key *root, *controller, *token, *node;
static struct trust_anchor *anchor;

static void must(bool ok)
{
	if (!ok)
		abort();
}

static struct trust_key *key_of(uint8_t byte)
{
	uint8_t seed[TRUST_SEED_LEN];
	struct trust_key *key;

	memset(seed, byte, sizeof(seed));
	must(!trust_key_from_seed(&key, seed, NULL));
	return key;
}

static void delegate(const struct trust_key *key, Mmesh__V1__Role role)
{
	_cleanup_(trust_signed_freep) Mmesh__V1__Signed *s = NULL;
	Mmesh__V1__Delegation d = MMESH__V1__DELEGATION__INIT;

	d.tenant = (char *)TENANT;
	d.public_key.data = (uint8_t *)trust_key_spki(key, &d.public_key.len);
	d.role = role;
	d.not_before = 1;
	d.not_after = 2000000000;
	must(!trust_delegate(&s, root, &d, NULL));
	must(!trust_anchor_add(anchor, s, NULL));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	root = key_of(1);
	controller = key_of(2);
	token = key_of(3);
	must(!trust_key_generate(&node, TRUST_KEY_P256, NULL));
	must(!trust_anchor_new(&anchor, TENANT, root, NULL));
	delegate(controller, MMESH__V1__ROLE__ROLE_CONTROLLER);
	delegate(token, MMESH__V1__ROLE__ROLE_TOKEN);
	return 0;
}

/* -- from strangers ------------------------------------------------------------------------------- */

static void fuzz_token(const uint8_t *data, size_t size)
{
	struct trust_token parsed, again;
	_cleanup_free_ char *text = malloc(size + 1);
	_cleanup_free_ char *back = NULL;

	must(text);
	memcpy(text, data, size);
	text[size] = 0;
	if (trust_token_parse(&parsed, text, NULL))
		return;
	must(!trust_token_format(&back, &parsed, NULL));
	must(!trust_token_parse(&again, back, NULL));
	must(!memcmp(&parsed, &again, sizeof(parsed)));
}

/* Bytes of a token whose checksum is right, so that what is behind it is reached. */
static void fuzz_token_bytes(const uint8_t *data, size_t size)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	char text[TRUST_TOKEN_TEXT_MAX + 1] = "mmesh1.";
	uint8_t bytes[700], sum[32];
	struct trust_token parsed;
	size_t n = 7, len = size > 600 ? 600 : size;
	unsigned int held = 0, bits = 0;
	_cleanup_free_ uint8_t *covered = malloc(7 + len);

	must(covered);
	memcpy(covered, "mmesh1.", 7);
	memcpy(covered + 7, data, len);
	must(EVP_Q_digest(NULL, "SHA256", NULL, covered, 7 + len, sum, NULL) == 1);
	memcpy(bytes, data, len);
	memcpy(bytes + len, sum, 4);
	for (size_t i = 0; i < len + 4; i++) {
		held = held << 8 | bytes[i];
		for (bits += 8; bits >= 6; bits -= 6)
			text[n++] = digits[held >> (bits - 6) & 63];
	}
	if (bits)
		text[n++] = digits[held << (6 - bits) & 63];
	text[n] = 0;
	if (trust_token_parse(&parsed, text, NULL))
		return;
	must(parsed.n_controllers >= 1 && parsed.n_controllers <= TRUST_TOKEN_CONTROLLERS);
	for (size_t i = 0; i < parsed.n_controllers; i++)
		must(strnlen(parsed.controller[i], TRUST_TOKEN_ADDRESS_SIZE) < TRUST_TOKEN_ADDRESS_SIZE);
}

static void fuzz_cert(const uint8_t *data, size_t size)
{
	struct trust_cert *cert;
	size_t len;

	if (trust_cert_parse(&cert, data, size, NULL))
		return;
	must(strlen(trust_cert_cn(cert)) < TRUST_NAME_SIZE);
	(void)trust_cert_der(cert, &len);
	must(len <= TRUST_CERT_MAX);
	(void)trust_cert_verify(cert, cert, true, time(NULL), NULL);
	trust_cert_unref(cert);
}

static void fuzz_csr(const uint8_t *data, size_t size)
{
	struct trust_key *key;

	if (!trust_csr_read(&key, data, size, NULL))
		trust_key_unref(key);
}

static void fuzz_spki(const uint8_t *data, size_t size)
{
	struct trust_key *key;
	const uint8_t *spki;
	size_t len;

	if (trust_key_from_spki(&key, data, size, NULL))
		return;
	spki = trust_key_spki(key, &len);
	must(len == size && !memcmp(spki, data, len));
	trust_key_unref(key);
}

static void fuzz_envelope(const uint8_t *data, size_t size)
{
	const struct trust_scope scope = { .network = NETWORK, .subnet = SUBNET, .now = 1800000000 };
	_cleanup_(trust_signed_freep) Mmesh__V1__Signed *s = NULL;
	Mmesh__V1__JoinStatement *join;
	ProtobufCMessage *m;

	if (trust_signed_unpack(&s, data, size, NULL))
		return;
	(void)trust_anchor_add(anchor, s, NULL);
	if (!trust_record_open(&m, anchor, &scope, s->context, s, NULL))
		protobuf_c_message_free_unpacked(m, NULL);
	if (!trust_join_open(&join, anchor, &scope, s, NULL))
		mmesh__v1__join_statement__free_unpacked(join, NULL);
}

/* -- from holders of keys ------------------------------------------------------------------------- */

static void fuzz_record(const char *context, bool locked, const uint8_t *data, size_t size)
{
	const struct trust_scope scope = {
		.network = NETWORK,
		.subnet = locked ? NULL : SUBNET,
		.locked = locked,
		.now = 1800000000,
	};
	_cleanup_(trust_signed_freep) Mmesh__V1__Signed *s = NULL;
	ProtobufCMessage *m;

	if (trust_sign_bytes(&s, controller, context, data, size, NULL))
		return;
	if (!trust_record_open(&m, anchor, &scope, context, s, NULL))
		protobuf_c_message_free_unpacked(m, NULL);
}

static void fuzz_join(const uint8_t *data, size_t size)
{
	const struct trust_scope scope = { .network = NETWORK, .now = 1800000000 };
	_cleanup_(trust_signed_freep) Mmesh__V1__Signed *s = NULL;
	Mmesh__V1__JoinStatement *join;

	if (trust_sign_bytes(&s, token, TRUST_CONTEXT_JOIN, data, size, NULL))
		return;
	if (!trust_join_open(&join, anchor, &scope, s, NULL))
		mmesh__v1__join_statement__free_unpacked(join, NULL);
}

static void fuzz_endpoints(const uint8_t *data, size_t size)
{
	_cleanup_(trust_signed_freep) Mmesh__V1__Signed *s = NULL;
	Mmesh__V1__NodeRecord of = MMESH__V1__NODE_RECORD__INIT;
	Mmesh__V1__EndpointsRecord *endpoints;

	of.node = (char *)SUBNET;
	of.identity_key.data = (uint8_t *)trust_key_spki(node, &of.identity_key.len);
	if (trust_sign_bytes(&s, node, TRUST_CONTEXT_ENDPOINTS, data, size, NULL))
		return;
	if (!trust_endpoints_open(&endpoints, &of, s, NULL)) {
		must(endpoints->n_endpoint <= 16);
		mmesh__v1__endpoints_record__free_unpacked(endpoints, NULL);
	}
}

static void fuzz_proof(const uint8_t *data, size_t size)
{
	static const uint8_t zero[32];
	const struct trust_join_proof want = {
		.token = SUBNET,
		.server_nonce = zero,
		.server_key_id = zero,
		.exporter = zero,
	};
	_cleanup_(trust_signed_freep) Mmesh__V1__Signed *s = NULL;
	Mmesh__V1__JoinProof *proof;

	if (trust_sign_bytes(&s, token, TRUST_CONTEXT_JOIN_PROOF, data, size, NULL))
		return;
	if (!trust_join_proof_verify(&proof, s, token, &want, NULL))
		mmesh__v1__join_proof__free_unpacked(proof, NULL);
}

static void fuzz_delegation(const uint8_t *data, size_t size)
{
	_cleanup_(trust_anchor_freep) struct trust_anchor *fresh = NULL;
	_cleanup_(trust_signed_freep) Mmesh__V1__Signed *s = NULL;

	if (trust_sign_bytes(&s, root, TRUST_CONTEXT_DELEGATION, data, size, NULL))
		return;
	must(!trust_anchor_new(&fresh, TENANT, root, NULL));
	(void)trust_anchor_add(fresh, s, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const contexts[] = { "network", "subnet", "node", "relay", "tombstone", "head" };
	static void (*const others[])(const uint8_t *data, size_t size) = {
		fuzz_token, fuzz_token_bytes, fuzz_cert,      fuzz_csr,	  fuzz_spki,
		fuzz_envelope, fuzz_join,     fuzz_endpoints, fuzz_proof, fuzz_delegation,
	};
	unsigned int which;

	if (!size)
		return 0;
	which = (uint8_t)(data[0] - 'a') % (ARRAY_SIZE(contexts) + ARRAY_SIZE(others) + 1);
	data++;
	size--;
	if (which < ARRAY_SIZE(others))
		others[which](data, size);
	else if (which - ARRAY_SIZE(others) < ARRAY_SIZE(contexts))
		fuzz_record(contexts[which - ARRAY_SIZE(others)], false, data, size);
	else
		fuzz_record(TRUST_CONTEXT_NODE, true, data, size);
	return 0;
}
