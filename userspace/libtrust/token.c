// SPDX-License-Identifier: Apache-2.0
#include "token.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

#include "openssl.h"

#define PREFIX "mmesh1."

enum {
	CHECKSUM_LEN = 4,
	FIXED_LEN = TRUST_ID_LEN + TRUST_SEED_LEN + 2 * TRUST_FINGERPRINT_LEN + 1,
	BYTES_MAX = FIXED_LEN + TRUST_TOKEN_CONTROLLERS * TRUST_TOKEN_ADDRESS_SIZE + CHECKSUM_LEN,
};

/* -- base64url, without padding: in time that does not depend on what is encoded ------------------ */

static int encode_digit(unsigned int v)
{
	/* Steps of the alphabet, each added once v is past its beginning. */
	int c = 'A' + (int)v;

	c += (int)((25 - v) >> 8 & 6);
	c -= (int)((51 - v) >> 8 & 75);
	c -= (int)((61 - v) >> 8 & 13);
	c += (int)((62 - v) >> 8 & 49);
	return c;
}

static unsigned int in_range(int c, int low, int high)
{
	/* All ones for low <= c <= high, else zero. */
	return ~(unsigned int)(((c - low) | (high - c)) >> 8);
}

static int decode_digit(int c)
{
	unsigned int v = 0;
	unsigned int known;

	v |= in_range(c, 'A', 'Z') & (unsigned int)(c - 'A');
	v |= in_range(c, 'a', 'z') & (unsigned int)(c - 'a' + 26);
	v |= in_range(c, '0', '9') & (unsigned int)(c - '0' + 52);
	v |= in_range(c, '-', '-') & 62;
	v |= in_range(c, '_', '_') & 63;
	known = in_range(c, 'A', 'Z') | in_range(c, 'a', 'z') | in_range(c, '0', '9') |
		in_range(c, '-', '-') | in_range(c, '_', '_');
	return known ? (int)(v & 63) : -1;
}

static void encode(char *ret, const uint8_t *bytes, size_t len)
{
	unsigned int held = 0, bits = 0;

	for (size_t i = 0; i < len; i++) {
		held = held << 8 | bytes[i];
		for (bits += 8; bits >= 6; bits -= 6)
			*ret++ = (char)encode_digit(held >> (bits - 6) & 63);
	}
	if (bits)
		*ret++ = (char)encode_digit(held << (6 - bits) & 63);
	*ret = 0;
}

/* The number of bytes, or -1: a character that is none, or bits beyond the last byte. */
static ssize_t decode(uint8_t *ret, const char *text, size_t len)
{
	unsigned int held = 0, bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int v = decode_digit((unsigned char)text[i]);

		if (v < 0)
			return -1;
		held = held << 6 | (unsigned int)v;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			ret[n++] = held >> bits;
		}
	}
	return bits >= 6 || (held & ((1U << bits) - 1)) ? -1 : (ssize_t)n;
}

/* -- bytes ------------------------------------------------------------------------------------------ */

static int checksum(uint8_t ret[CHECKSUM_LEN], const uint8_t *bytes, size_t len)
{
	_cleanup_(evp_md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t digest[TRUST_FINGERPRINT_LEN];

	if (!ctx || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1 ||
	    EVP_DigestUpdate(ctx, PREFIX, strlen(PREFIX)) != 1 ||
	    EVP_DigestUpdate(ctx, bytes, len) != 1 || EVP_DigestFinal_ex(ctx, digest, NULL) != 1)
		return -ENOMEM;
	memcpy(ret, digest, CHECKSUM_LEN);
	return 0;
}

static uint8_t *put(uint8_t *at, const void *data, size_t len)
{
	memcpy(at, data, len);
	return at + len;
}

static int check_address(const char *text, size_t index, struct error *err)
{
	const char *colon = strrchr(text, ':');
	size_t len = strlen(text);
	unsigned long port;

	for (size_t i = 0; i < len; i++) {
		if (text[i] <= ' ' || text[i] > '~')
			return error_set(err, EINVAL, "token: controller %zu: not HOST:PORT", index + 1);
	}
	if (!colon || colon == text || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
	    strlen(colon + 1) > 5)
		return error_set(err, EINVAL, "token: controller %zu: not HOST:PORT", index + 1);
	port = strtoul(colon + 1, NULL, 10);
	if (!port || port > 65535)
		return error_set(err, EINVAL, "token: controller %zu: the port is not 1 to 65535",
				 index + 1);
	return 0;
}

static int to_bytes(uint8_t bytes[BYTES_MAX], size_t *ret_len, const struct trust_token *token,
		    struct error *err)
{
	uint8_t *at = bytes;
	int r;

	if (!trust_hex_parse(at, TRUST_ID_LEN, token->id))
		return error_set(err, EINVAL, "token: id: not 32 hexadecimal digits");
	if (!token->n_controllers || token->n_controllers > TRUST_TOKEN_CONTROLLERS)
		return error_set(err, EINVAL, "token: %zu controllers, not 1 to %d",
				 token->n_controllers, TRUST_TOKEN_CONTROLLERS);
	at += TRUST_ID_LEN;
	at = put(at, token->seed, TRUST_SEED_LEN);
	at = put(at, token->ca, TRUST_FINGERPRINT_LEN);
	at = put(at, token->root, TRUST_FINGERPRINT_LEN);
	*at++ = (uint8_t)token->n_controllers;
	for (size_t i = 0; i < token->n_controllers; i++) {
		size_t len = strlen(token->controller[i]);

		r = check_address(token->controller[i], i, err);
		if (r)
			return r;
		*at++ = (uint8_t)len;
		at = put(at, token->controller[i], len);
	}
	if (checksum(at, bytes, at - bytes))
		return error_oom(err);
	*ret_len = at - bytes + CHECKSUM_LEN;
	return 0;
}

static int controllers_from_bytes(struct trust_token *ret, const uint8_t *at, const uint8_t *end,
				  struct error *err)
{
	for (size_t i = 0; i < ret->n_controllers; i++) {
		size_t len = at < end ? *at++ : 0;

		if (!len || len >= TRUST_TOKEN_ADDRESS_SIZE || len > (size_t)(end - at))
			return error_set(err, EINVAL, "token: controller %zu: wrong length", i + 1);
		if (memchr(at, 0, len))
			return error_set(err, EINVAL, "token: controller %zu: not HOST:PORT", i + 1);
		memcpy(ret->controller[i], at, len);
		at += len;
		if (check_address(ret->controller[i], i, err))
			return -EINVAL;
	}
	if (at != end)
		return error_set(err, EINVAL, "token: something follows the controllers");
	return 0;
}

static int from_bytes(struct trust_token *ret, const uint8_t *bytes, size_t len, struct error *err)
{
	uint8_t sum[CHECKSUM_LEN];
	const uint8_t *at = bytes;

	if (len < FIXED_LEN + CHECKSUM_LEN)
		return error_set(err, EINVAL, "token: too short: part of it is missing");
	len -= CHECKSUM_LEN;
	if (checksum(sum, bytes, len))
		return error_oom(err);
	if (CRYPTO_memcmp(sum, bytes + len, CHECKSUM_LEN) != 0)
		return error_set(err, EINVAL, "token: checksum: it was mistyped or cut");
	trust_hex_format(ret->id, at, TRUST_ID_LEN);
	at += TRUST_ID_LEN;
	memcpy(ret->seed, at, TRUST_SEED_LEN);
	at += TRUST_SEED_LEN;
	memcpy(ret->ca, at, TRUST_FINGERPRINT_LEN);
	at += TRUST_FINGERPRINT_LEN;
	memcpy(ret->root, at, TRUST_FINGERPRINT_LEN);
	at += TRUST_FINGERPRINT_LEN;
	ret->n_controllers = *at++;
	if (!ret->n_controllers || ret->n_controllers > TRUST_TOKEN_CONTROLLERS)
		return error_set(err, EINVAL, "token: %zu controllers, not 1 to %d", ret->n_controllers,
				 TRUST_TOKEN_CONTROLLERS);
	return controllers_from_bytes(ret, at, bytes + len, err);
}

/* -- text ------------------------------------------------------------------------------------------- */

int trust_token_generate(struct trust_token *ret, struct error *err)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	r = trust_random_id(ret->id, err);
	return r ? r : trust_random(ret->seed, sizeof(ret->seed), err);
}

int trust_token_format(char **ret, const struct trust_token *token, struct error *err)
{
	uint8_t bytes[BYTES_MAX];
	size_t len = 0;
	char *text;
	int r;

	*ret = NULL;
	r = to_bytes(bytes, &len, token, err);
	if (!r) {
		text = malloc(strlen(PREFIX) + (len * 4 + 2) / 3 + 1);
		if (text) {
			memcpy(text, PREFIX, strlen(PREFIX));
			encode(text + strlen(PREFIX), bytes, len);
			*ret = text;
		} else {
			r = error_oom(err);
		}
	}
	explicit_bzero(bytes, sizeof(bytes));
	return r;
}

int trust_token_parse(struct trust_token *ret, const char *text, struct error *err)
{
	uint8_t bytes[TRUST_TOKEN_TEXT_MAX];
	ssize_t n;
	size_t len;
	int r;

	memset(ret, 0, sizeof(*ret));
	text += strspn(text, " \t\r\n");
	len = strcspn(text, " \t\r\n");
	if (text[len + strspn(text + len, " \t\r\n")])
		return error_set(err, EINVAL, "token: something follows it");
	if (len > TRUST_TOKEN_TEXT_MAX)
		return error_set(err, EINVAL, "token: longer than %d characters", TRUST_TOKEN_TEXT_MAX);
	if (len < strlen(PREFIX) || strncmp(text, PREFIX, strlen(PREFIX)) != 0)
		return error_set(err, EINVAL, "token: does not begin with \"" PREFIX "\"");
	n = decode(bytes, text + strlen(PREFIX), len - strlen(PREFIX));
	if (n < 0)
		r = error_set(err, EINVAL, "token: a character that is not base64url, or its end is cut");
	else
		r = from_bytes(ret, bytes, (size_t)n, err);
	explicit_bzero(bytes, sizeof(bytes));
	if (r)
		trust_token_wipe(ret);
	return r;
}

int trust_token_key(struct trust_key **ret, const struct trust_token *token, struct error *err)
{
	return trust_key_from_seed(ret, token->seed, err);
}

void trust_token_wipe(struct trust_token *token)
{
	explicit_bzero(token, sizeof(*token));
}
