// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

/* Read @text as a configuration file. */
static int read_text(struct config *ret, const char *text, struct error *err)
{
	char path[] = "/tmp/mmesh-config.XXXXXX";
	int fd = mkstemp(path);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
	int r;

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
	r = config_read(ret, path, err);
	assert_int_equal(unlink(path), 0);
	return r;
}

static void defaults_are_complete(void **state)
{
	struct config c;

	(void)state;
	config_init(&c);
	assert_int_equal(config_complete(&c, NULL), 0);
	assert_string_equal(c.directory, CONFIG_DIRECTORY);
	assert_string_equal(c.listen[0], "0.0.0.0:7443");
	assert_int_equal(c.n_announce, 1);
	assert_true(c.announce[0][0]);
}

static void files_have_the_same_words(void **state)
{
	struct config c;
	struct error err = { "" };

	(void)state;
	if (read_text(&c, "directory: /srv/mmesh\nlisten: [ \"192.0.2.1:1\", '[2001:db8::1]:2' ]\n"
			  "announce: mesh.example\nbroker: none\n# a comment\nlog: debug\n",
		      &err))
		fail_msg("%s", err.text);
	assert_string_equal(c.directory, "/srv/mmesh");
	assert_int_equal(c.n_listen, 2);
	assert_string_equal(c.listen[1], "[2001:db8::1]:2");
	assert_string_equal(c.broker, "none");
	assert_int_equal(config_complete(&c, NULL), 0);
	assert_string_equal(c.announce[0], "mesh.example");
	assert_int_equal(read_text(&c, "", &err), 0);
}

static void mistakes_are_named(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "colour: red\n", "line 1: 'colour' is none of directory" },
		{ "log: info\nlisten: mesh.example:1\n", "line 2: listen: " },
		{ "listen: 192.0.2.1\n", "listen: " },
		{ "broker: 192.0.2.1:99999\n", "broker: " },
		{ "log: loud\n", "log: 'loud' is not" },
		{ "directory: [ a, b ]\n", "directory: takes one value" },
		{ "directory: { a: b }\n", "directory: is neither a text nor a list" },
		{ "- a\n", "is not a mapping" },
		{ "a: [\n", "line " },
		{ "handshakes: 0\n", "handshakes: '0' is not 1 to 100000" },
		{ "announce: a/b\n", "announce: 'a/b' is no host" },
		{ "socket: ''\n", "socket: '' is empty or too long" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error err = { "" };
		struct config c;

		assert_int_not_equal(read_text(&c, bad[i].text, &err), 0);
		if (!strstr(err.text, bad[i].says))
			fail_msg("'%s' does not say '%s'", err.text, bad[i].says);
	}
}

static void a_missing_file_is_said(void **state)
{
	struct config c;
	struct error err;

	(void)state;
	assert_int_equal(config_read(&c, "/nonexistent", &err), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_complete),
		cmocka_unit_test(files_have_the_same_words),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(a_missing_file_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
