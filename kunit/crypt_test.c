// SPDX-License-Identifier: GPL-2.0
#define MMESH_WANT_RECORD_VECTORS
#include <linux/types.h>

#include "vectors-noise.h"

#include "../kmod/crypt.c"
#include "test.h"

enum { MAX_LEN = 256 + MMESH_TAG_LEN };

static u8 *buffer(struct kunit *test)
{
	u8 *buf = kunit_kzalloc(test, MAX_LEN, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, buf);
	return buf;
}

static int seal(const struct mmesh_crypt_key *key, u8 *buf, size_t len, u64 nonce)
{
	int ret;

	local_bh_disable();
	ret = mmesh_crypt_seal(key, buf, len, nonce);
	local_bh_enable();
	return ret;
}

static int open(const struct mmesh_crypt_key *key, u8 *dst, const u8 *src,
		size_t len, u64 nonce)
{
	int ret;

	local_bh_disable();
	ret = mmesh_crypt_open(key, dst, src, len, nonce);
	local_bh_enable();
	return ret;
}

static void crypt_known_records(struct kunit *test)
{
	u8 *buf = buffer(test), *plain = buffer(test);
	struct mmesh_crypt_key key;
	size_t n;

	for (n = 0; n < ARRAY_SIZE(record_vectors); n++) {
		const struct record_vector *v = &record_vectors[n];
		const size_t sealed = v->plain_len + MMESH_TAG_LEN;

		mmesh_crypt_key_init(&key, v->suite, v->key);
		memcpy(buf, v->plain, v->plain_len);
		KUNIT_EXPECT_EQ(test, seal(&key, buf, v->plain_len, v->counter), 0);
		KUNIT_EXPECT_EQ_MSG(test, memcmp(buf, v->sealed, sealed), 0,
				    "vector %zu", n);
		KUNIT_EXPECT_EQ(test, open(&key, plain, buf, sealed, v->counter), 0);
		KUNIT_EXPECT_EQ(test, memcmp(plain, v->plain, v->plain_len), 0);
		KUNIT_EXPECT_EQ(test, open(&key, plain, buf, sealed,
					   v->counter ^ 1), -EBADMSG);
	}
}

/* The same with the calls of the handshake, which work anywhere. */
static void crypt_known_aead(struct kunit *test)
{
	u8 *buf = buffer(test);
	size_t n;

	for (n = 0; n < ARRAY_SIZE(record_vectors); n++) {
		const struct record_vector *v = &record_vectors[n];
		const size_t sealed = v->plain_len + MMESH_TAG_LEN;

		/* Handshake fields are short. */
		if (v->plain_len > 48)
			continue;
		KUNIT_EXPECT_EQ(test, mmesh_aead_encrypt(v->suite, buf, v->plain,
							 v->plain_len, NULL, 0,
							 v->counter, v->key), 0);
		KUNIT_EXPECT_EQ(test, memcmp(buf, v->sealed, sealed), 0);
		KUNIT_EXPECT_EQ(test, mmesh_aead_decrypt(v->suite, buf, buf, sealed,
							 NULL, 0, v->counter,
							 v->key), 0);
		KUNIT_EXPECT_EQ(test, memcmp(buf, v->plain, v->plain_len), 0);
		KUNIT_EXPECT_EQ(test, mmesh_aead_decrypt(v->suite, buf, v->sealed,
							 MMESH_TAG_LEN - 1, NULL, 0,
							 v->counter, v->key),
				-EBADMSG);
	}
}

static void crypt_tampered(struct kunit *test)
{
	u8 *buf = buffer(test), *plain = buffer(test);
	struct mmesh_crypt_key key;
	unsigned int wrong = 0;
	size_t n, bit;

	for (n = 0; n < ARRAY_SIZE(record_vectors); n++) {
		const struct record_vector *v = &record_vectors[n];
		const size_t sealed = v->plain_len + MMESH_TAG_LEN;

		mmesh_crypt_key_init(&key, v->suite, v->key);
		memcpy(buf, v->sealed, sealed);
		for (bit = 0; bit < sealed * 8; bit++) {
			buf[bit / 8] ^= 1 << bit % 8;
			wrong += open(&key, plain, buf, sealed, v->counter) !=
				 -EBADMSG;
			buf[bit / 8] ^= 1 << bit % 8;
		}
		if (v->plain_len)
			wrong += open(&key, plain, buf, sealed - 1, v->counter) !=
				 -EBADMSG;
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
}

/* Two keys in turn on one CPU: each packet goes under its own. */
static void crypt_alternating_keys(struct kunit *test)
{
	u8 *a = buffer(test), *b = buffer(test);
	struct mmesh_crypt_key one, two;
	u8 suite;

	for (suite = MMESH_SUITE_WIREGUARD; suite <= MMESH_SUITE_AES256GCM; suite++) {
		mmesh_crypt_key_init(&one, suite, record_vectors[0].key);
		mmesh_crypt_key_init(&two, suite, record_vectors[1].plain);
		KUNIT_EXPECT_NE(test, one.id, two.id);
		memset(a, 0, MAX_LEN);
		memset(b, 0, MAX_LEN);
		KUNIT_EXPECT_EQ(test, seal(&one, a, 64, 7), 0);
		KUNIT_EXPECT_EQ(test, seal(&two, b, 64, 7), 0);
		KUNIT_EXPECT_NE(test, memcmp(a, b, 64), 0);
		memset(b, 0, MAX_LEN);
		KUNIT_EXPECT_EQ(test, seal(&one, b, 64, 7), 0);
		KUNIT_EXPECT_EQ(test, memcmp(a, b, 64 + MMESH_TAG_LEN), 0);
	}
}

static int suite_init(struct kunit_suite *suite)
{
	return mmesh_crypt_init();
}

static void suite_exit(struct kunit_suite *suite)
{
	mmesh_crypt_exit();
}

static struct kunit_case cases[] = {
	KUNIT_CASE(crypt_known_records),
	KUNIT_CASE(crypt_known_aead),
	KUNIT_CASE(crypt_tampered),
	KUNIT_CASE(crypt_alternating_keys),
	{}
};

static struct kunit_suite suite = {
	.name = "crypt",
	.suite_init = suite_init,
	.suite_exit = suite_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
