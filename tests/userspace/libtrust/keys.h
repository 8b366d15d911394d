/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, ids and times that the tests of this folder share. */
#ifndef TESTS_LIBTRUST_KEYS_H
#define TESTS_LIBTRUST_KEYS_H

#include "cert.h"
#include "id.h"
#include "signed.h"
#include "unit.h"

#define NOW INT64_C(1800000000)
#define DAY INT64_C(86400)
#define TENANT "0123456789abcdef0123456789abcdef"
#define NETWORK "11111111111111111111111111111111"
#define OTHER_NETWORK "22222222222222222222222222222222"
#define SUBNET "33333333333333333333333333333333"
#define NODE "44444444444444444444444444444444"
#define TOKEN "55555555555555555555555555555555"

static inline struct trust_key *new_key(enum trust_key_type type)
{
	struct trust_key *key;
	struct error err = { 0 };

	if (trust_key_generate(&key, type, &err))
		fail_msg("%s", err.text);
	return key;
}

/* @r is @want, and the sentence has @why in it. */
static inline void expect_error(int r, int want, const struct error *err, const char *why)
{
	if (r != want || !strstr(err->text, why))
		fail_msg("%d \"%s\" is not %d with \"%s\"", r, err->text, want, why);
}

static inline void expect_ok(int r, const struct error *err)
{
	if (r)
		fail_msg("%d: %s", r, err->text);
}

#endif
