// SPDX-License-Identifier: Apache-2.0
#include "key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

/* RFC 7748, section 6.1: Alice's keys. */
#define ALICE_PRIVATE "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo="
#define ALICE_PUBLIC "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="

static void write_file(const char *path, const char *text, size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
}

static void roundtrip(void **state)
{
	uint8_t key[KEY_LEN], back[KEY_LEN];
	char text[KEY_TEXT_SIZE];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(key_generate_psk(key, NULL), 0);
		key_format(text, key);
		assert_int_equal(strlen(text), KEY_TEXT_LEN);
		assert_int_equal(key_parse(back, text, NULL), 0);
		assert_memory_equal(key, back, KEY_LEN);
	}
}

static void rejects(void **state)
{
	static const char *const bad[] = {
		"",
		"abc",
		ALICE_PUBLIC "=",
		"hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo",
		"hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmoo",
		/* The last group has bits that belong to no byte. */
		"hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmp=",
		"hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066Spjqqb Tm=",
		"hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo=",
		"=SDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=",
		"\xffSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=",
	};
	struct error err;
	uint8_t key[KEY_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		memset(key, 0xaa, sizeof(key));
		assert_int_equal(key_parse(key, bad[i], &err), -EINVAL);
		assert_true(key_is_zero(key));
		assert_true(*err.text);
	}
}

/* Every character in every place: exactly the 64 of the alphabet are taken. */
static void alphabet(void **state)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t key[KEY_LEN];

	(void)state;
	for (size_t at = 0; at < 42; at++) {
		for (int c = 1; c < 256; c++) {
			char text[] = ALICE_PUBLIC;
			char back[KEY_TEXT_SIZE];
			bool good = strchr(allowed, c);

			text[at] = (char)c;
			assert_int_equal(key_parse(key, text, NULL), good ? 0 : -EINVAL);
			if (!good)
				continue;
			key_format(back, key);
			assert_string_equal(back, text);
		}
	}
}

static void public_key(void **state)
{
	uint8_t private_key[KEY_LEN], public[KEY_LEN];
	char text[KEY_TEXT_SIZE];

	(void)state;
	assert_int_equal(key_parse(private_key, ALICE_PRIVATE, NULL), 0);
	assert_int_equal(key_public(public, private_key, NULL), 0);
	key_format(text, public);
	assert_string_equal(text, ALICE_PUBLIC);
}

static void generated_is_clamped(void **state)
{
	uint8_t key[KEY_LEN];

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_int_equal(key_generate_private(key, NULL), 0);
		assert_int_equal(key[0] & 7, 0);
		assert_int_equal(key[31] & 192, 64);
	}
}

static void files(void **state)
{
	static const char path[] = "key.test";
	uint8_t key[KEY_LEN];
	struct error err;
	bool exposed;

	(void)state;
	write_file(path, ALICE_PRIVATE "\n", 45, 0600);
	assert_int_equal(key_read_file(key, path, &exposed, &err), 0);
	assert_false(exposed);
	write_file(path, ALICE_PRIVATE " \r\n\n", 48, 0644);
	assert_int_equal(key_read_file(key, path, &exposed, &err), 0);
	assert_true(exposed);
	write_file(path, "", 0, 0600);
	assert_int_equal(key_read_file(key, path, &exposed, &err), 0);
	assert_true(key_is_zero(key));
	write_file(path, ALICE_PRIVATE "x", 45, 0600);
	assert_int_equal(key_read_file(key, path, &exposed, &err), -EINVAL);
	assert_non_null(strstr(err.text, "key.test"));
	assert_null(strstr(err.text, "dwdt"));
	write_file(path, "\0abc", 4, 0600);
	assert_int_equal(key_read_file(key, path, &exposed, &err), -EINVAL);
	assert_int_equal(key_read_file(key, "/dev/zero", &exposed, &err), -EINVAL);
	assert_int_equal(key_read_file(key, "/nonexistent/key", &exposed, &err), -ENOENT);
	assert_int_equal(key_read_file(key, "/dev/null", &exposed, &err), 0);
	assert_true(key_is_zero(key));
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roundtrip),	 cmocka_unit_test(rejects),
		cmocka_unit_test(alphabet),	 cmocka_unit_test(public_key),
		cmocka_unit_test(generated_is_clamped), cmocka_unit_test(files),
	};

	return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
