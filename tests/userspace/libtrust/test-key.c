// SPDX-License-Identifier: Apache-2.0
#include "trust-key.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "keys.h"
#include "unlock.h"

static void signs(void **state)
{
	static const enum trust_key_type types[] = { TRUST_KEY_P256, TRUST_KEY_ED25519 };
	uint8_t signature[TRUST_SIGNATURE_MAX];
	struct error err = { 0 };
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		_cleanup_(trust_key_unrefp) struct trust_key *key = new_key(types[i]);
		_cleanup_(trust_key_unrefp) struct trust_key *public = NULL;
		_cleanup_(trust_key_unrefp) struct trust_key *other = new_key(types[i]);

		expect_ok(trust_key_public(&public, key, &err), &err);
		assert_true(trust_key_equal(key, public));
		assert_false(trust_key_equal(key, other));
		assert_int_equal(trust_key_type(public), types[i]);
		expect_ok(trust_key_sign(key, "abc", 3, signature, &len, &err), &err);
		expect_ok(trust_key_verify(public, "abc", 3, signature, len, &err), &err);
		expect_error(trust_key_verify(public, "abd", 3, signature, len, &err), -EBADMSG, &err,
			     "signature");
		expect_error(trust_key_verify(other, "abc", 3, signature, len, &err), -EBADMSG, &err,
			     "signature");
		expect_error(trust_key_verify(public, "abc", 3, signature, len - 1, &err), -EBADMSG,
			     &err, "signature");
		signature[len / 2] ^= 1;
		expect_error(trust_key_verify(public, "abc", 3, signature, len, &err), -EBADMSG, &err,
			     "signature");
		expect_error(trust_key_sign(public, "abc", 3, signature, &len, &err), -EINVAL, &err,
			     "private");
	}
}

/* RFC 8032, 7.1, test 1: seed, public key, signature of nothing. */
static void seed_is_rfc8032(void **state)
{
	_cleanup_(trust_key_unrefp) struct trust_key *key = NULL;
	uint8_t seed[32], public[32], want[64], signature[TRUST_SIGNATURE_MAX];
	struct error err = { 0 };
	const uint8_t *spki;
	size_t len;

	(void)state;
	assert_true(trust_hex_parse(seed, 32, "9d61b19deffd5a60ba844af492ec2cc4"
					      "4449c5697b326919703bac031cae7f60"));
	assert_true(trust_hex_parse(public, 32, "d75a980182b10ab7d54bfed3c964073a"
						"0ee172f3daa62325af021a68f707511a"));
	assert_true(trust_hex_parse(want, 64, "e5564300c360ac729086e2cc806e828a"
					      "84877f1eb8e5d974d873e06522490155"
					      "5fb8821590a33bacc61e39701cf9b46b"
					      "d25bf5f0595bbe24655141438e7a100b"));
	expect_ok(trust_key_from_seed(&key, seed, &err), &err);
	spki = trust_key_spki(key, &len);
	assert_int_equal(len, 44);
	assert_memory_equal(spki + 12, public, 32);
	expect_ok(trust_key_sign(key, "", 0, signature, &len, &err), &err);
	assert_int_equal(len, 64);
	assert_memory_equal(signature, want, 64);
}

static void refuses_other_encodings(void **state)
{
	_cleanup_(trust_key_unrefp) struct trust_key *key = new_key(TRUST_KEY_P256);
	uint8_t der[TRUST_SPKI_MAX + 1];
	struct trust_key *got;
	struct error err = { 0 };
	const uint8_t *spki;
	size_t len;

	(void)state;
	spki = trust_key_spki(key, &len);
	memcpy(der, spki, len);
	der[len] = 0;
	expect_error(trust_key_from_spki(&got, der, len + 1, &err), -EBADMSG, &err, "encoding");
	expect_error(trust_key_from_spki(&got, der, len - 1, &err), -EBADMSG, &err, "public key");
	expect_error(trust_key_from_spki(&got, der, 0, &err), -EBADMSG, &err, "0 bytes");
	expect_error(trust_key_from_spki(&got, der, sizeof(der), &err), -EBADMSG, &err, "129 bytes");
	/* Not on the curve. */
	der[len - 1] ^= 1;
	expect_error(trust_key_from_spki(&got, der, len, &err), -EBADMSG, &err, "public key");
	assert_null(got);
}

static void expect_mode(const char *path, mode_t mode)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
}

static void saves_plain(void **state)
{
	_cleanup_(trust_key_unrefp) struct trust_key *key = new_key(TRUST_KEY_P256);
	_cleanup_(trust_key_unrefp) struct trust_key *back = NULL;
	_cleanup_(trust_key_unrefp) struct trust_key *public = NULL;
	struct trust_key *none;
	struct error err = { 0 };

	(void)state;
	expect_ok(trust_key_save(key, "key.pem", "node", NULL, &err), &err);
	expect_mode("key.pem", 0600);
	expect_ok(trust_key_load(&back, "key.pem", "node", NULL, &err), &err);
	assert_true(trust_key_equal(key, back) && trust_key_is_private(back));
	assert_int_equal(chmod("key.pem", 0640), 0);
	expect_error(trust_key_load(&none, "key.pem", "node", NULL, &err), -EPERM, &err, "0640");
	expect_error(trust_key_load(&none, "nothing.pem", "node", NULL, &err), -ENOENT, &err,
		     "nothing.pem");
	expect_ok(file_write("key.pem", "what", 4, 0600, &err), &err);
	expect_error(trust_key_load(&none, "key.pem", "node", NULL, &err), -EBADMSG, &err,
		     "key.pem: not in PEM");

	expect_ok(trust_key_save_public(key, "public.pem", &err), &err);
	expect_mode("public.pem", 0644);
	expect_ok(trust_key_load_public(&public, "public.pem", &err), &err);
	assert_true(trust_key_equal(key, public) && !trust_key_is_private(public));
	expect_error(trust_key_save(public, "key.pem", "node", NULL, &err), -EINVAL, &err, "private");
}

static void saves_sealed(void **state)
{
	_cleanup_(trust_key_unrefp) struct trust_key *key = new_key(TRUST_KEY_ED25519);
	_cleanup_(trust_key_unrefp) struct trust_key *back = NULL;
	_cleanup_(trust_unlock_freep) struct trust_unlock *unlock = NULL;
	_cleanup_(trust_unlock_freep) struct trust_unlock *other = NULL;
	_cleanup_free_ uint8_t *text = NULL;
	struct trust_key *none;
	struct error err = { 0 };
	size_t len;

	(void)state;
	(void)unlink("unlock.key");
	expect_error(trust_unlock_open(&unlock, "unlock.key", false, &err), -ENOENT, &err, "unlock.key");
	expect_ok(trust_unlock_open(&unlock, "unlock.key", true, &err), &err);
	expect_mode("unlock.key", 0600);
	trust_unlock_freep(&unlock);
	/* What was made is found again. */
	expect_ok(trust_unlock_open(&unlock, "unlock.key", true, &err), &err);
	expect_ok(trust_key_save(key, "sealed.pem", "root", unlock, &err), &err);
	expect_ok(trust_key_load(&back, "sealed.pem", "root", unlock, &err), &err);
	assert_true(trust_key_equal(key, back) && trust_key_is_private(back));

	expect_error(trust_key_load(&none, "sealed.pem", "ca", unlock, &err), -EKEYREJECTED, &err,
		     "sealed.pem: wrong passphrase");
	expect_error(trust_key_load(&none, "sealed.pem", "root", NULL, &err), -EINVAL, &err,
		     "is encrypted");
	expect_ok(file_write("passphrase", "another\n", 8, 0600, &err), &err);
	expect_ok(trust_unlock_open(&other, "passphrase", false, &err), &err);
	expect_error(trust_key_load(&none, "sealed.pem", "root", other, &err), -EKEYREJECTED, &err,
		     "wrong passphrase");
	expect_ok(trust_key_save(key, "plain.pem", "root", NULL, &err), &err);
	expect_error(trust_key_load(&none, "plain.pem", "root", unlock, &err), -EINVAL, &err,
		     "not encrypted");
	expect_ok(file_read(&text, &len, "sealed.pem", 4096, &err), &err);
	assert_non_null(strstr((char *)text, "BEGIN MMESH SEALED KEY"));
}

static void unlock_files(void **state)
{
	struct trust_unlock *unlock;
	struct error err = { 0 };

	(void)state;
	expect_ok(file_write("empty", "\n", 1, 0600, &err), &err);
	expect_error(trust_unlock_open(&unlock, "empty", true, &err), -EINVAL, &err, "empty");
	expect_ok(file_write("open", "abc\n", 4, 0604, &err), &err);
	expect_error(trust_unlock_open(&unlock, "open", true, &err), -EPERM, &err, "0604");
}

static void sealed_text_is_authentic(void **state)
{
	_cleanup_(trust_unlock_freep) struct trust_unlock *unlock = NULL;
	_cleanup_free_ uint8_t *sealed = NULL;
	struct error err = { 0 };
	uint8_t *plain;
	size_t len, plain_len;

	(void)state;
	expect_ok(trust_unlock_open(&unlock, "unlock2.key", true, &err), &err);
	expect_ok(trust_seal(&sealed, &len, unlock, "x", "secret", 6, &err), &err);
	expect_ok(trust_unseal(&plain, &plain_len, unlock, "x", sealed, len, &err), &err);
	assert_int_equal(plain_len, 6);
	assert_memory_equal(plain, "secret", 6);
	free(plain);
	/* The version, the salt, the nonce, the text, the tag. */
	for (size_t i = 0; i < len; i += i ? 11 : 2) {
		sealed[i] ^= 1;
		assert_int_equal(trust_unseal(&plain, &plain_len, unlock, "x", sealed, len, &err),
				 -EKEYREJECTED);
		assert_null(plain);
		sealed[i] ^= 1;
	}
	expect_error(trust_unseal(&plain, &plain_len, unlock, "x", sealed, 20, &err), -EKEYREJECTED,
		     &err, "20 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs),
		cmocka_unit_test(seed_is_rfc8032),
		cmocka_unit_test(refuses_other_encodings),
		cmocka_unit_test(saves_plain),
		cmocka_unit_test(saves_sealed),
		cmocka_unit_test(unlock_files),
		cmocka_unit_test(sealed_text_is_authentic),
	};

	return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
