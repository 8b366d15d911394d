// SPDX-License-Identifier: Apache-2.0
#include "id.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

int trust_random(void *ret, size_t len, struct error *err)
{
	uint8_t *at = ret;

	while (len) {
		ssize_t n = getrandom(at, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(err, errno, "no random bytes from the kernel: %s",
					 strerror(errno));
		at += n;
		len -= n;
	}
	return 0;
}

int trust_random_id(char ret[TRUST_ID_SIZE], struct error *err)
{
	uint8_t bytes[TRUST_ID_LEN];
	int r = trust_random(bytes, sizeof(bytes), err);

	if (!r)
		trust_hex_format(ret, bytes, sizeof(bytes));
	return r;
}

bool trust_id_is_valid(const char *text)
{
	return strlen(text) == 2 * TRUST_ID_LEN && strspn(text, "0123456789abcdef") == 2 * TRUST_ID_LEN;
}

void trust_hex_format(char *ret, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		ret[2 * i] = digits[bytes[i] >> 4];
		ret[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret[2 * len] = 0;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool trust_hex_parse(uint8_t *ret, size_t len, const char *text)
{
	for (size_t i = 0; i < len; i++) {
		int high = digit(text[2 * i]);
		int low = high < 0 ? -1 : digit(text[2 * i + 1]);

		if (low < 0)
			return false;
		ret[i] = high << 4 | low;
	}
	return !text[2 * len];
}
