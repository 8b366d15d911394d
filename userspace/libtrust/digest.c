// SPDX-License-Identifier: Apache-2.0
#include "digest.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "openssl.h"

static int by_object(const void *a, const void *b)
{
	const struct trust_digest_item *x = a, *y = b;

	return strcmp(x->object, y->object);
}

static bool update(EVP_MD_CTX *ctx, const struct trust_digest_item *item)
{
	char sequence[32];
	int n = snprintf(sequence, sizeof(sequence), " %" PRIu64 "\n", item->sequence);

	return EVP_DigestUpdate(ctx, item->object, strlen(item->object)) == 1 &&
	       EVP_DigestUpdate(ctx, sequence, (size_t)n) == 1;
}

int trust_digest(uint8_t ret[TRUST_DIGEST_LEN], struct trust_digest_item *items, size_t n,
		 struct error *err)
{
	_cleanup_(evp_md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (!ctx || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
		return error_oom(err);
	if (n)
		qsort(items, n, sizeof(*items), by_object);
	for (size_t i = 0; i < n; i++) {
		if (!update(ctx, &items[i]))
			return error_oom(err);
	}
	if (EVP_DigestFinal_ex(ctx, ret, NULL) != 1)
		return error_oom(err);
	return 0;
}
