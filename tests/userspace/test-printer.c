// SPDX-License-Identifier: Apache-2.0
#include "printer.h"

#include <string.h>

#include "unit.h"

/* One document in each form. */
static void expect(enum printer_form form, bool pretty, const char *expected)
{
	struct printer p = { .form = form, .pretty = pretty, .now = 1000 };
	char *text = NULL;
	size_t len;

	p.out = open_memstream(&text, &len);
	assert_non_null(p.out);
	printer_begin(&p);
	printer_open_array(&p, "things");
	printer_open_object(&p, NULL);
	printer_heading(&p, "name", "thing", "a\"b\\c\n\x7f", COLOUR_GREEN);
	printer_uint(&p, "small_size", "small size", 7, "seven");
	printer_null(&p, "nothing", "nothing", NULL);
	printer_null(&p, "void", "void", "(none)");
	printer_bool(&p, "flag", "flag", true);
	printer_bytes(&p, "bytes", "bytes", 2048);
	printer_time(&p, "seen", "seen", 940);
	printer_time(&p, "never", "never", 0);
	printer_open_array(&p, "list");
	printer_item(&p, "x");
	printer_item(&p, "y");
	printer_close_array(&p);
	printer_heading_end(&p);
	printer_close_object(&p);
	printer_close_array(&p);
	printer_open_array(&p, "empty");
	printer_close_array(&p);
	printer_end(&p);
	assert_int_equal(fclose(p.out), 0);
	assert_string_equal(text, expected);
	free(text);
}

static void json(void **state)
{
	(void)state;
	expect(PRINTER_JSON, false,
	       "{\"schema\":\"mmesh/1\",\"things\":[{\"name\":\"a\\\"b\\\\c\\u000a\\u007f\","
	       "\"small_size\":7,\"nothing\":null,\"void\":null,\"flag\":true,\"bytes\":2048,"
	       "\"seen\":\"1970-01-01T00:15:40Z\",\"seen_epoch\":940,\"never\":null,"
	       "\"never_epoch\":null,\"list\":[\"x\",\"y\"]}],\"empty\":[]}\n");
}

static void pretty(void **state)
{
	(void)state;
	expect(PRINTER_JSON, true,
	       "{\n    \"schema\": \"mmesh/1\",\n    \"things\": [\n        {\n"
	       "            \"name\": \"a\\\"b\\\\c\\u000a\\u007f\",\n"
	       "            \"small_size\": 7,\n            \"nothing\": null,\n"
	       "            \"void\": null,\n            \"flag\": true,\n"
	       "            \"bytes\": 2048,\n"
	       "            \"seen\": \"1970-01-01T00:15:40Z\",\n"
	       "            \"seen_epoch\": 940,\n            \"never\": null,\n"
	       "            \"never_epoch\": null,\n            \"list\": [\n"
	       "                \"x\",\n                \"y\"\n            ]\n        }\n    ],\n"
	       "    \"empty\": []\n}\n");
}

static void blocks(void **state)
{
	(void)state;
	expect(PRINTER_BLOCKS, false,
	       "thing: a\"b\\c\n\x7f\n  small size: seven\n  void: (none)\n  flag: on\n"
	       "  bytes: 2.00 KiB\n  seen: 1 minute ago\n");
}

static void oneline(void **state)
{
	(void)state;
	expect(PRINTER_ONELINE, false,
	       "a\"b\\c\n\x7f small-size seven void (none) flag on bytes 2048 "
	       "seen 1970-01-01T00:15:40Z\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json),
		cmocka_unit_test(pretty),
		cmocka_unit_test(blocks),
		cmocka_unit_test(oneline),
	};

	return cmocka_run_group_tests_name("printer", tests, NULL, NULL);
}
