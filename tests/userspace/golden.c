// SPDX-License-Identifier: Apache-2.0
#include "golden.h"

#include <string.h>

#include "unit.h"

void golden_begin(struct golden *o, enum printer_form form, bool pretty, bool colour)
{
	*o = (struct golden){ 0 };
	o->p = (struct printer){ .form = form, .pretty = pretty, .colour = colour, .now = GOLDEN_NOW };
	o->p.out = open_memstream(&o->text, &o->len);
	assert_non_null(o->p.out);
}

void golden_end(struct golden *o, const char *golden)
{
	const char *dir = getenv("GOLDEN_DIR");
	char path[4096], expected[65536];
	size_t len = 0;
	FILE *file;

	assert_int_equal(fclose(o->p.out), 0);
	assert_non_null(dir);
	(void)snprintf(path, sizeof(path), "%s/%s", dir, golden);
	if (getenv("UPDATE_GOLDEN")) {
		file = fopen(path, "w");
		assert_non_null(file);
		assert_int_equal(fwrite(o->text, 1, o->len, file), o->len);
		assert_int_equal(fclose(file), 0);
	}
	file = fopen(path, "r");
	if (!file)
		fail_msg("there is no %s", path);
	len = fread(expected, 1, sizeof(expected) - 1, file);
	expected[len] = '\0';
	assert_int_equal(fclose(file), 0);
	assert_string_equal(o->text, expected);
	free(o->text);
}
