// SPDX-License-Identifier: Apache-2.0
#include "cert.h"

#include <errno.h>
#include <string.h>

#include "keys.h"

struct ca {
	struct trust_key *key;
	struct trust_cert *cert;
};

static void ca_clear(struct ca *ca)
{
	ca->key = trust_key_unref(ca->key);
	ca->cert = trust_cert_unref(ca->cert);
}

static struct ca new_ca(void)
{
	struct ca ca = { .key = new_key(TRUST_KEY_P256) };
	struct error err = { 0 };

	expect_ok(trust_ca_make(&ca.cert, ca.key, "mmesh CA", NOW, NOW + 3650 * DAY, &err), &err);
	return ca;
}

static struct trust_cert *issue(const struct ca *ca, bool server)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "::1", NULL };
	_cleanup_(trust_key_unrefp) struct trust_key *key = new_key(TRUST_KEY_P256);
	const struct trust_issue what = {
		.key = key,
		.cn = NODE,
		.o = TENANT,
		.not_before = NOW - TRUST_CLOCK_SKEW,
		.not_after = NOW + 30 * DAY,
		.server = server,
		.names = names,
	};
	struct trust_cert *cert;
	struct error err = { 0 };

	expect_ok(trust_cert_issue(&cert, ca->cert, ca->key, &what, &err), &err);
	assert_memory_equal(trust_cert_key_id(cert), trust_key_id(key), TRUST_KEY_ID_LEN);
	return cert;
}

static void issues(void **state)
{
	_cleanup_(ca_clear) struct ca ca = new_ca();
	_cleanup_(trust_cert_unrefp) struct trust_cert *cert = issue(&ca, false);
	_cleanup_(trust_cert_unrefp) struct trust_cert *back = NULL;
	_cleanup_(trust_cert_unrefp) struct trust_cert *loaded = NULL;
	struct trust_cert *none;
	struct error err = { 0 };
	uint8_t longer[TRUST_CERT_MAX] = { 0 };
	const uint8_t *der;
	size_t len;

	(void)state;
	assert_string_equal(trust_cert_cn(cert), NODE);
	assert_string_equal(trust_cert_o(cert), TENANT);
	assert_int_equal(trust_cert_not_before(cert), NOW - TRUST_CLOCK_SKEW);
	assert_int_equal(trust_cert_not_after(cert), NOW + 30 * DAY);
	der = trust_cert_der(cert, &len);
	expect_ok(trust_cert_parse(&back, der, len, &err), &err);
	assert_string_equal(trust_cert_cn(back), NODE);
	memcpy(longer, der, len);
	expect_error(trust_cert_parse(&none, longer, len + 1, &err), -EBADMSG, &err, "follows");
	expect_error(trust_cert_parse(&none, longer, len - 1, &err), -EBADMSG, &err, "certificate");
	expect_ok(trust_cert_save(cert, "cert.pem", &err), &err);
	expect_ok(trust_cert_load(&loaded, "cert.pem", &err), &err);
	assert_memory_equal(trust_cert_key_id(loaded), trust_cert_key_id(cert), TRUST_KEY_ID_LEN);
}

static void verifies(void **state)
{
	_cleanup_(ca_clear) struct ca ca = new_ca();
	_cleanup_(ca_clear) struct ca other = new_ca();
	_cleanup_(trust_cert_unrefp) struct trust_cert *client = issue(&ca, false);
	_cleanup_(trust_cert_unrefp) struct trust_cert *server = issue(&ca, true);
	struct error err = { 0 };

	(void)state;
	expect_ok(trust_cert_verify(client, ca.cert, false, NOW, &err), &err);
	expect_ok(trust_cert_verify(server, ca.cert, true, NOW, &err), &err);
	expect_ok(trust_cert_verify(server, ca.cert, false, NOW, &err), &err);
	expect_error(trust_cert_verify(client, ca.cert, true, NOW, &err), -EBADMSG, &err, "purpose");
	/* Of the same name, by another key. */
	expect_error(trust_cert_verify(client, other.cert, false, NOW, &err), -EBADMSG, &err,
		     "certificate");
	expect_error(trust_cert_verify(ca.cert, ca.cert, false, NOW, &err), -EBADMSG, &err, "CA's");
}

static void judges_times(void **state)
{
	_cleanup_(ca_clear) struct ca ca = new_ca();
	_cleanup_(trust_cert_unrefp) struct trust_cert *cert = issue(&ca, false);
	struct error err = { 0 };

	(void)state;
	/* A day early, a day late. */
	expect_ok(trust_cert_verify(cert, ca.cert, false, NOW - 2 * DAY, &err), &err);
	expect_ok(trust_cert_verify(cert, ca.cert, false, NOW + 31 * DAY, &err), &err);
	expect_error(trust_cert_verify(cert, ca.cert, false, NOW - 3 * DAY, &err), -EKEYEXPIRED, &err,
		     "not come");
	expect_error(trust_cert_verify(cert, ca.cert, false, NOW + 32 * DAY, &err), -EKEYEXPIRED,
		     &err, "over");
	expect_ok(trust_cert_verify(cert, ca.cert, false, 0, &err), &err);
}

static void requests(void **state)
{
	_cleanup_(trust_key_unrefp) struct trust_key *key = new_key(TRUST_KEY_P256);
	_cleanup_(trust_key_unrefp) struct trust_key *ed25519 = new_key(TRUST_KEY_ED25519);
	_cleanup_(trust_key_unrefp) struct trust_key *got = NULL;
	_cleanup_free_ uint8_t *der = NULL;
	struct trust_key *none;
	uint8_t *no_der;
	struct error err = { 0 };
	size_t len;

	(void)state;
	expect_ok(trust_csr_make(&der, &len, key, &err), &err);
	expect_ok(trust_csr_read(&got, der, len, &err), &err);
	assert_true(trust_key_equal(key, got));
	expect_error(trust_csr_make(&no_der, &len, ed25519, &err), -EINVAL, &err, "P-256");
	/* The last byte of its signature. */
	der[len - 1] ^= 1;
	expect_error(trust_csr_read(&none, der, len, &err), -EBADMSG, &err, "certificate request");
	expect_error(trust_csr_read(&none, der, 10, &err), -EBADMSG, &err, "certificate request");
}

static void refuses_to_issue(void **state)
{
	_cleanup_(ca_clear) struct ca ca = new_ca();
	_cleanup_(ca_clear) struct ca other = new_ca();
	struct trust_issue what = {
		.key = other.key,
		.cn = NODE,
		.not_before = NOW,
		.not_after = NOW,
	};
	struct trust_cert *cert;
	struct error err = { 0 };

	(void)state;
	expect_error(trust_cert_issue(&cert, ca.cert, ca.key, &what, &err), -EINVAL, &err, "end before");
	what.not_after++;
	expect_error(trust_cert_issue(&cert, ca.cert, other.key, &what, &err), -EINVAL, &err,
		     "another one");
	what.cn = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0";
	assert_true(trust_cert_issue(&cert, ca.cert, ca.key, &what, &err) < 0);
	assert_null(cert);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(issues),	cmocka_unit_test(verifies),
		cmocka_unit_test(judges_times), cmocka_unit_test(requests),
		cmocka_unit_test(refuses_to_issue),
	};

	return cmocka_run_group_tests_name("cert", tests, NULL, NULL);
}
