// SPDX-License-Identifier: Apache-2.0
#include "batch.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

static void expect(const char *line, int n, ...)
{
	char buf[256];
	char *words[16];
	va_list ap;

	strcpy(buf, line);
	assert_int_equal(batch_split(buf, words, ARRAY_SIZE(words), NULL), n);
	va_start(ap, n);
	for (int i = 0; i < n; i++)
		assert_string_equal(words[i], va_arg(ap, const char *));
	va_end(ap);
	if (n >= 0)
		assert_null(words[n]);
}

static void splits(void **state)
{
	(void)state;
	expect("", 0);
	expect("  \t\r\n", 0);
	expect("# all comment", 0);
	expect("dev show\n", 2, "dev", "show");
	expect("  dev   show  # now\n", 2, "dev", "show");
	expect("peer set K allowed-ips \"\" dev 'a b'", 7, "peer", "set", "K", "allowed-ips", "",
	       "dev", "a b");
	expect("a\\ b c\\\\d \"e\\\"f\" 'g\\h' i#j", 5, "a b", "c\\d", "e\"f", "g\\h", "i#j");
	expect("a\"b c\"d", 1, "ab cd");
	expect("end\\", 1, "end\\");
	expect("\"open", -EINVAL);
	expect("a 'b", -EINVAL);
	expect("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15", 15, "1", "2", "3", "4", "5", "6", "7", "8",
	       "9", "10", "11", "12", "13", "14", "15");
	expect("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16", -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(splits) };

	return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
