// SPDX-License-Identifier: Apache-2.0
#include "key.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file with a key holds 44 characters and perhaps a line end or some blanks. */
enum { KEY_FILE_MAX = 256 };

/* All ones when lo <= c <= hi, else 0; c, lo and hi are below 256. */
static uint32_t in_range(uint32_t c, uint32_t lo, uint32_t hi)
{
	uint32_t below = (c - lo) >> 31;
	uint32_t above = (hi - c) >> 31;

	return (below | above) - 1;
}

/* Value of a base64 character; bit 8 is set for any other one. */
static uint32_t sextet_value(unsigned char ch)
{
	uint32_t upper = in_range(ch, 'A', 'Z');
	uint32_t lower = in_range(ch, 'a', 'z');
	uint32_t digit = in_range(ch, '0', '9');
	uint32_t plus = in_range(ch, '+', '+');
	uint32_t slash = in_range(ch, '/', '/');
	uint32_t c = ch;
	uint32_t v;

	v = (upper & (c - 'A')) | (lower & (c - 'a' + 26)) | (digit & (c - '0' + 52)) |
	    (plus & 62) | (slash & 63);
	return v | (~(upper | lower | digit | plus | slash) & 0x100);
}

static char sextet_char(uint32_t v)
{
	uint32_t c = 'A' + v;

	c += in_range(v, 26, 51) & ('a' - 26 - 'A');
	c += in_range(v, 52, 61) & ((uint32_t)'0' - 52 - 'A');
	c += in_range(v, 62, 62) & ((uint32_t)'+' - 62 - 'A');
	c += in_range(v, 63, 63) & ((uint32_t)'/' - 63 - 'A');
	return (char)(c & 0xff);
}

int key_parse(uint8_t ret_key[KEY_LEN], const char *text, struct error *err)
{
	size_t len = strnlen(text, KEY_TEXT_LEN + 1);
	uint32_t bad = 0;
	size_t out = 0;

	memset(ret_key, 0, KEY_LEN);
	if (len != KEY_TEXT_LEN)
		return error_set(err, EINVAL,
				 "a key is 44 characters of base64 (32 bytes), this one is %s",
				 !len		     ? "empty" :
				 len < KEY_TEXT_LEN ? "shorter" :
						      "longer");
	for (size_t i = 0; i < KEY_TEXT_LEN; i += 4) {
		bool last = i + 4 == KEY_TEXT_LEN;
		uint32_t a = sextet_value((unsigned char)text[i]);
		uint32_t b = sextet_value((unsigned char)text[i + 1]);
		uint32_t c = sextet_value((unsigned char)text[i + 2]);
		uint32_t d = last ? 0 : sextet_value((unsigned char)text[i + 3]);
		uint32_t word;

		bad |= (a | b | c | d) & 0x100;
		/* The last group carries 16 bits: the two that are over must be zero. */
		if (last)
			bad |= (c & 3) | (text[i + 3] != '=');
		word = (a & 63) << 18 | (b & 63) << 12 | (c & 63) << 6 | (d & 63);
		ret_key[out++] = (uint8_t)(word >> 16);
		ret_key[out++] = (uint8_t)(word >> 8);
		if (!last)
			ret_key[out++] = (uint8_t)word;
	}
	if (!bad)
		return 0;
	explicit_bzero(ret_key, KEY_LEN);
	return error_set(err, EINVAL,
			 "not base64 of 32 bytes: 44 of A-Z a-z 0-9 + /, the last one '='");
}

void key_format(char ret_text[KEY_TEXT_SIZE], const uint8_t key[KEY_LEN])
{
	size_t o = 0;

	for (size_t i = 0; i < KEY_LEN; i += 3) {
		uint32_t b1 = i + 1 < KEY_LEN ? key[i + 1] : 0;
		uint32_t b2 = i + 2 < KEY_LEN ? key[i + 2] : 0;
		uint32_t word = (uint32_t)key[i] << 16 | b1 << 8 | b2;

		ret_text[o++] = sextet_char(word >> 18);
		ret_text[o++] = sextet_char(word >> 12 & 63);
		ret_text[o++] = sextet_char(word >> 6 & 63);
		ret_text[o++] = sextet_char(word & 63);
	}
	ret_text[KEY_TEXT_LEN - 1] = '=';
	ret_text[KEY_TEXT_LEN] = '\0';
}

bool key_path_is_stdin(const char *path)
{
	return !strcmp(path, "-") || !strcmp(path, "/dev/stdin");
}

/* Read until the end or until @size bytes are there; the count or -errno. */
static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, buf + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static int parse_key_buffer(uint8_t ret_key[KEY_LEN], char *buf, size_t len, struct error *err)
{
	if (memchr(buf, '\0', len))
		return error_set(err, EINVAL, "holds a zero byte, which is not text");
	while (len && strchr(" \t\r\n\v\f", buf[len - 1]))
		len--;
	buf[len] = '\0';
	if (!len) {
		memset(ret_key, 0, KEY_LEN);
		return 0;
	}
	return key_parse(ret_key, buf, err);
}

int key_read_file(uint8_t ret_key[KEY_LEN], const char *path, bool *ret_exposed, struct error *err)
{
	bool from_stdin = key_path_is_stdin(path);
	_cleanup_close_ int fd = -1;
	char buf[KEY_FILE_MAX + 1];
	struct stat st;
	ssize_t len;
	int r;

	fd = from_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, errno, "cannot open key file \"%s\": %m", path);
	if (fstat(fd, &st) < 0)
		return error_set(err, errno, "cannot examine key file \"%s\": %m", path);
	len = read_all(fd, buf, KEY_FILE_MAX);
	if (len < 0)
		return error_set(err, (int)-len, "cannot read key file \"%s\": %s", path,
				 strerror((int)-len));
	if (len == KEY_FILE_MAX)
		r = error_set(err, EINVAL, "too long for a key");
	else
		r = parse_key_buffer(ret_key, buf, (size_t)len, err);
	explicit_bzero(buf, sizeof(buf));
	if (r < 0)
		return error_prefix(err, r, "key file \"%s\": ", path);
	if (ret_exposed)
		*ret_exposed = !from_stdin && S_ISREG(st.st_mode) &&
			       (st.st_mode & (S_IRGRP | S_IROTH));
	return 0;
}

int key_generate_psk(uint8_t ret_key[KEY_LEN], struct error *err)
{
	size_t len = 0;

	while (len < KEY_LEN) {
		ssize_t n = getrandom(ret_key + len, KEY_LEN - len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_set(err, n ? errno : EIO, "no random bytes from the kernel: %m");
		len += (size_t)n;
	}
	return 0;
}

static void clamp(uint8_t key[KEY_LEN])
{
	key[0] &= 248;
	key[31] = (key[31] & 127) | 64;
}

int key_generate_private(uint8_t ret_key[KEY_LEN], struct error *err)
{
	int r = key_generate_psk(ret_key, err);

	if (r < 0)
		return r;
	clamp(ret_key);
	return 0;
}

static void pkey_freep(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

int key_public(uint8_t ret_public[KEY_LEN], const uint8_t private_key[KEY_LEN], struct error *err)
{
	_cleanup_(pkey_freep) EVP_PKEY *key = NULL;
	uint8_t clamped[KEY_LEN];
	size_t len = KEY_LEN;

	memcpy(clamped, private_key, KEY_LEN);
	clamp(clamped);
	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, clamped, KEY_LEN);
	explicit_bzero(clamped, sizeof(clamped));
	if (!key || EVP_PKEY_get_raw_public_key(key, ret_public, &len) != 1 || len != KEY_LEN)
		return error_set(err, EIO, "libcrypto does not compute X25519");
	return 0;
}

bool key_is_zero(const uint8_t key[KEY_LEN])
{
	uint8_t any = 0;

	for (size_t i = 0; i < KEY_LEN; i++)
		any |= key[i];
	return !any;
}
