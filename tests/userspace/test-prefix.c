// SPDX-License-Identifier: Apache-2.0
#include "prefix.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

static void expect(const char *text, const char *canonical)
{
	char back[PREFIX_TEXT_SIZE];
	struct prefix p;

	assert_int_equal(prefix_parse(&p, text, NULL), 0);
	prefix_format(back, &p);
	assert_string_equal(back, canonical);
}

static void accepts(void **state)
{
	(void)state;
	expect("10.0.0.1", "10.0.0.1/32");
	expect("10.1.2.3/8", "10.0.0.0/8");
	expect("10.1.255.3/17", "10.1.128.0/17");
	expect("0.0.0.0/0", "0.0.0.0/0");
	expect("1.2.3.4/0", "0.0.0.0/0");
	expect("::/0", "::/0");
	expect("fd00::1", "fd00::1/128");
	expect("2001:DB8::ffff/113", "2001:db8::8000/113");
	expect("::ffff:1.2.3.4/128", "::ffff:1.2.3.4/128");
}

static void rejects(void **state)
{
	static const char *const bad[] = { "",	       "/",	   "/24",	"10.0.0.1/",
					   "10.0.0/8", "10.0.0.1/33", "10.0.0.1/-1", "::1/129",
					   "::1/1x",   "host/24",  "10.0.0.1/24/24", "1.2.3.4 " };
	struct prefix p = { .family = 99 };
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(prefix_parse(&p, bad[i], &err), -EINVAL);
		assert_true(*err.text);
		assert_int_equal(p.family, 99);
	}
}

static void lists(void **state)
{
	struct prefixes list = { 0 };
	bool incremental = false;
	struct error err;

	(void)state;
	assert_int_equal(prefixes_parse(&list, " 10.0.0.0/8 ,\tfd00::/8", &incremental, NULL), 0);
	assert_int_equal(list.count, 2);
	assert_false(incremental);
	assert_int_equal(prefixes_parse(&list, "", &incremental, NULL), 0);
	assert_int_equal(prefixes_parse(&list, "  ", &incremental, NULL), 0);
	assert_int_equal(list.count, 2);
	/* On failure nothing stays, not even what came before the bad entry. */
	assert_int_equal(prefixes_parse(&list, "1.1.1.1,+2.2.2.2,bad", &incremental, &err), -EINVAL);
	assert_int_equal(list.count, 2);
	assert_false(incremental);
	assert_int_equal(prefixes_parse(&list, "1.1.1.1,,2.2.2.2", &incremental, &err), -EINVAL);
	assert_int_equal(prefixes_parse(&list, "1.1.1.1,", &incremental, &err), -EINVAL);
	assert_int_equal(prefixes_parse(&list, "+", &incremental, &err), -EINVAL);
	assert_int_equal(list.count, 2);
	assert_int_equal(prefixes_parse(&list, "+1.1.1.1,-2.2.2.2/31", &incremental, NULL), 0);
	assert_true(incremental);
	assert_int_equal(list.count, 4);
	assert_false(list.item[2].remove);
	assert_true(list.item[3].remove);
	prefixes_free(&list);
	assert_int_equal(list.count, 0);
}

static void order(void **state)
{
	struct prefix a, b;

	(void)state;
	assert_int_equal(prefix_parse(&a, "10.0.0.0/8", NULL), 0);
	assert_int_equal(prefix_parse(&b, "10.0.0.0/9", NULL), 0);
	assert_true(prefix_compare(&a, &b) < 0);
	assert_false(prefix_equal(&a, &b));
	assert_true(prefix_equal(&a, &a));
	assert_int_equal(prefix_parse(&b, "::/8", NULL), 0);
	assert_true(prefix_compare(&a, &b) < 0);
	assert_true(prefix_compare(&b, &a) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts),
		cmocka_unit_test(rejects),
		cmocka_unit_test(lists),
		cmocka_unit_test(order),
	};

	return cmocka_run_group_tests_name("prefix", tests, NULL, NULL);
}
