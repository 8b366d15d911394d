// SPDX-License-Identifier: Apache-2.0
#include "units.h"

#include "unit.h"

static const struct units_marks plain = { "", "" };
static const struct units_marks marked = { "<", ">" };

static void expect_bytes(uint64_t bytes, const char *expected)
{
	char text[UNITS_TEXT_SIZE];

	units_bytes(text, bytes, &plain);
	assert_string_equal(text, expected);
}

static void bytes(void **state)
{
	(void)state;
	expect_bytes(0, "0 B");
	expect_bytes(1023, "1023 B");
	expect_bytes(1024, "1.00 KiB");
	expect_bytes(1024 * 1024 - 1, "1024.00 KiB");
	expect_bytes(1069548, "1.02 MiB");
	expect_bytes(UINT64_C(5) << 30, "5.00 GiB");
	expect_bytes(UINT64_C(3) << 40, "3.00 TiB");
	expect_bytes(UINT64_C(7) << 52, "28672.00 TiB");
}

static void durations(void **state)
{
	char text[UNITS_TEXT_SIZE];

	(void)state;
	units_duration(text, 0, &plain);
	assert_string_equal(text, "");
	units_duration(text, 63, &plain);
	assert_string_equal(text, "1 minute, 3 seconds");
	units_duration(text, 2 * 31536000 + 86400 + 7200 + 60 + 1, &plain);
	assert_string_equal(text, "2 years, 1 day, 2 hours, 1 minute, 1 second");
	units_duration(text, 3600, &marked);
	assert_string_equal(text, "1 <hour>");
	units_duration(text, UINT64_MAX, &marked);
}

static void ago(void **state)
{
	char text[UNITS_TEXT_SIZE];

	(void)state;
	units_ago(text, 100, 163, &plain, &plain);
	assert_string_equal(text, "1 minute, 3 seconds ago");
	units_ago(text, 100, 100, &plain, &plain);
	assert_string_equal(text, "Now");
	units_ago(text, 100, 99, &plain, &plain);
	assert_string_equal(text, "(System clock wound backward; connection problems may ensue.)");
}

static void moments(void **state)
{
	char text[RFC3339_SIZE];

	(void)state;
	units_rfc3339(text, 0);
	assert_string_equal(text, "1970-01-01T00:00:00Z");
	units_rfc3339(text, INT64_C(1795270500));
	assert_string_equal(text, "2026-11-21T14:15:00Z");
	units_rfc3339(text, INT64_MAX);
	assert_string_equal(text, "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes),
		cmocka_unit_test(durations),
		cmocka_unit_test(ago),
		cmocka_unit_test(moments),
	};

	return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
