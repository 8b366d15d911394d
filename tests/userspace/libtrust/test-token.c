// SPDX-License-Identifier: Apache-2.0
#include "token.h"

#include <errno.h>
#include <string.h>

#include "keys.h"

static struct trust_token sample(void)
{
	struct trust_token token;
	struct error err = { 0 };

	expect_ok(trust_token_generate(&token, &err), &err);
	memset(token.ca, 0xca, sizeof(token.ca));
	memset(token.root, 0x07, sizeof(token.root));
	token.n_controllers = 2;
	strcpy(token.controller[0], "controller.example:8443");
	strcpy(token.controller[1], "[2001:db8::1]:443");
	return token;
}

static void there_and_back(void **state)
{
	struct trust_token token = sample(), got;
	_cleanup_(trust_key_unrefp) struct trust_key *key = NULL;
	_cleanup_free_ char *text = NULL;
	struct error err = { 0 };
	char padded[TRUST_TOKEN_TEXT_MAX];

	(void)state;
	expect_ok(trust_token_format(&text, &token, &err), &err);
	assert_true(strlen(text) < 256);
	assert_int_equal(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."),
			 strlen(text));
	snprintf(padded, sizeof(padded), " \t%s\r\n", text);
	expect_ok(trust_token_parse(&got, padded, &err), &err);
	assert_memory_equal(&got, &token, sizeof(token));
	expect_ok(trust_token_key(&key, &got, &err), &err);
	assert_int_equal(trust_key_type(key), TRUST_KEY_ED25519);
}

/* Each single character that is changed, left out or doubled is noticed. */
static void mistyped(void **state)
{
	struct trust_token token = sample(), got;
	_cleanup_free_ char *text = NULL;
	struct error err = { 0 };
	char wrong[TRUST_TOKEN_TEXT_MAX];
	size_t len;

	(void)state;
	expect_ok(trust_token_format(&text, &token, &err), &err);
	len = strlen(text);
	for (size_t i = 0; i < len; i++) {
		strcpy(wrong, text);
		wrong[i] = wrong[i] == 'A' ? 'B' : 'A';
		assert_int_equal(trust_token_parse(&got, wrong, &err), -EINVAL);
		strcpy(wrong, text);
		memmove(wrong + i, wrong + i + 1, len - i);
		assert_int_equal(trust_token_parse(&got, wrong, &err), -EINVAL);
		snprintf(wrong, sizeof(wrong), "%.*s%c%s", (int)i, text, text[i], text + i);
		assert_int_equal(trust_token_parse(&got, wrong, &err), -EINVAL);
		assert_null(strstr(err.text, text + len - 8));
	}
}

static void refused(const char *text, const char *why)
{
	static const struct trust_token zero;
	struct trust_token got;
	struct error err = { 0 };

	memset(&got, 0xaa, sizeof(got));
	expect_error(trust_token_parse(&got, text, &err), -EINVAL, &err, why);
	assert_memory_equal(&got, &zero, sizeof(got));
}

static void names_the_part(void **state)
{
	char longer[TRUST_TOKEN_TEXT_MAX + 16];

	(void)state;
	refused("", "does not begin with");
	refused("mmesh2.AAAA", "does not begin with");
	refused("mmesh1.", "too short");
	refused("mmesh1.AA=A", "base64url");
	refused("mmesh1.A", "base64url");
	refused("mmesh1.AAAA", "too short");
	refused("mmesh1.AAAA x", "follows");
	memset(longer, 'A', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = 0;
	refused(longer, "longer than");
}

static void not_formatted(struct trust_token token, const char *why)
{
	struct error err = { 0 };
	char *text;

	expect_error(trust_token_format(&text, &token, &err), -EINVAL, &err, why);
	assert_null(text);
}

static void formats_what_parses_only(void **state)
{
	static const char *const wrong[] = { "", "host", "host:", ":1", "host:0", "host:65536", "host:1x",
					     "ho st:1", "host:123456" };
	struct trust_token token = sample();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		strcpy(token.controller[1], wrong[i]);
		not_formatted(token, "controller 2");
	}
	token.n_controllers = 0;
	not_formatted(token, "0 controllers");
	token.n_controllers = 5;
	not_formatted(token, "5 controllers");
	token = sample();
	token.id[3] = 'x';
	not_formatted(token, "id");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(mistyped),
		cmocka_unit_test(names_the_part),
		cmocka_unit_test(formats_what_parses_only),
	};

	return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
