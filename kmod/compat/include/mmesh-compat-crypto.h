/* SPDX-License-Identifier: GPL-2.0 */
/*
 * BLAKE2s under one order of arguments. 6.19 turned blake2s()'s around without
 * a change that a compiler notices, so that name must not be used elsewhere.
 */
#ifndef MMESH_COMPAT_CRYPTO_H
#define MMESH_COMPAT_CRYPTO_H

#include <crypto/blake2s.h>
#ifdef MMESH_HAVE_CRYPTO_UTILS_H
#include <crypto/utils.h>
#else
/* Before 6.7 crypto_memneq() was here. */
#include <crypto/algapi.h>
#endif

#ifdef MMESH_HAVE_BLAKE2S_CTX
#define mmesh_blake2s_ctx blake2s_ctx
#else
#define mmesh_blake2s_ctx blake2s_state
#endif

/* @key may be NULL when @key_len is 0. blake2s_final() wipes the context. */
static inline void mmesh_blake2s(const u8 *key, size_t key_len,
				 const void *in, size_t in_len,
				 u8 *out, size_t out_len)
{
	struct mmesh_blake2s_ctx ctx;

	if (key_len)
		blake2s_init_key(&ctx, out_len, key, key_len);
	else
		blake2s_init(&ctx, out_len);
	blake2s_update(&ctx, in, in_len);
	blake2s_final(&ctx, out);
}

#endif
