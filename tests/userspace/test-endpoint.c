// SPDX-License-Identifier: Apache-2.0
#include "endpoint.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

static void expect(const char *text, const char *canonical)
{
	char back[ENDPOINT_TEXT_SIZE];
	struct endpoint_name name;
	union endpoint ep, again;

	assert_int_equal(endpoint_split(&name, text, NULL), 0);
	assert_int_equal(endpoint_resolve_numeric(&ep, &name, NULL), 0);
	endpoint_format(back, &ep);
	assert_string_equal(back, canonical);
	assert_int_equal(endpoint_split(&name, back, NULL), 0);
	assert_int_equal(endpoint_resolve(&again, &name, 0, NULL, NULL), 0);
	assert_true(endpoint_equal(&ep, &again));
}

static void addresses(void **state)
{
	(void)state;
	expect("192.0.2.1:51820", "192.0.2.1:51820");
	expect("[2001:db8::1]:1", "[2001:db8::1]:1");
	expect("[192.0.2.1]:9", "192.0.2.1:9");
	expect("[::ffff:192.0.2.1]:9", "192.0.2.1:9");
	expect("2001:db8::1:51820", "[2001:db8::1]:51820");
	expect("[fe80::1%1]:51820", "[fe80::1%lo]:51820");
}

static void rejects(void **state)
{
	static const char *const bad[] = {
		"",	     "1.2.3.4",	  "1.2.3.4:",	   ":51820",	    "[::1]",
		"[::1]:",    "[::1:51820", "[]:51820",	   "[::1]51820",    "1.2.3.4:65536",
		"1.2.3.4:0", "1.2.3.4:ab", "2001:db8::1", "1.2.3.4:5:6:7",
	};
	struct endpoint_name name;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(endpoint_split(&name, bad[i], &err), -EINVAL);
		assert_true(*err.text);
	}
}

/* Addresses that no peer can have. */
static void unusable(void **state)
{
	static const char *const bad[] = { "0.0.0.0:5",	  "255.255.255.255:5", "224.0.0.1:5",
					   "[::]:5",	  "[ff02::1]:5",       "[fe80::1]:5",
					   "[::ffff:0.0.0.0]:5" };
	struct endpoint_name name;
	union endpoint ep;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(endpoint_split(&name, bad[i], NULL), 0);
		assert_int_equal(endpoint_resolve_numeric(&ep, &name, NULL), -EINVAL);
		assert_int_equal(endpoint_resolve(&ep, &name, 0, NULL, NULL), -EINVAL);
	}
}

static void long_host(void **state)
{
	char text[ENDPOINT_HOST_SIZE + 16];
	struct endpoint_name name;

	(void)state;
	memset(text, 'a', sizeof(text));
	strcpy(text + ENDPOINT_HOST_SIZE - 1, ":51820");
	assert_int_equal(endpoint_split(&name, text, NULL), 0);
	memset(text, 'a', sizeof(text));
	strcpy(text + ENDPOINT_HOST_SIZE, ":51820");
	assert_int_equal(endpoint_split(&name, text, NULL), -EINVAL);
}

static void names(void **state)
{
	struct endpoint_name name;
	union endpoint ep;

	(void)state;
	assert_int_equal(endpoint_split(&name, "localhost:51820", NULL), 0);
	assert_int_equal(endpoint_resolve_numeric(&ep, &name, NULL), -EINVAL);
	assert_int_equal(endpoint_resolve(&ep, &name, 0, NULL, NULL), 0);
	assert_int_equal(endpoint_port(&ep), 51820);
	/* Not a name at all: fails at once, whatever the retries. */
	assert_int_equal(endpoint_split(&name, "a..b:1", NULL), 0);
	assert_int_equal(endpoint_resolve(&ep, &name, ENDPOINT_RETRIES_FOREVER, NULL, NULL),
			 -EHOSTUNREACH);
}

static void retries(void **state)
{
	int n = 0;

	(void)state;
	assert_int_equal(unsetenv("WG_ENDPOINT_RESOLUTION_RETRIES"), 0);
	assert_int_equal(endpoint_retries_from_env(&n, NULL), 0);
	assert_int_equal(n, ENDPOINT_RETRIES_DEFAULT);
	assert_int_equal(setenv("WG_ENDPOINT_RESOLUTION_RETRIES", "infinity", 1), 0);
	assert_int_equal(endpoint_retries_from_env(&n, NULL), 0);
	assert_int_equal(n, ENDPOINT_RETRIES_FOREVER);
	assert_int_equal(setenv("WG_ENDPOINT_RESOLUTION_RETRIES", "3", 1), 0);
	assert_int_equal(endpoint_retries_from_env(&n, NULL), 0);
	assert_int_equal(n, 3);
	assert_int_equal(setenv("WG_ENDPOINT_RESOLUTION_RETRIES", "some", 1), 0);
	assert_int_equal(endpoint_retries_from_env(&n, NULL), -EINVAL);
}

static void none(void **state)
{
	union endpoint ep = { 0 };
	char text[ENDPOINT_TEXT_SIZE];

	(void)state;
	endpoint_format(text, &ep);
	assert_string_equal(text, "(none)");
	endpoint_format_address(text, &ep);
	assert_string_equal(text, "");
	assert_int_equal(endpoint_port(&ep), 0);
	assert_true(endpoint_equal(&ep, &ep));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses), cmocka_unit_test(rejects), cmocka_unit_test(long_host),
		cmocka_unit_test(names),     cmocka_unit_test(retries), cmocka_unit_test(none),
		cmocka_unit_test(unusable),
	};

	return cmocka_run_group_tests_name("endpoint", tests, NULL, NULL);
}
