/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Join tokens, one line of text: "mmesh1." and base64url of
 *
 *	16	id
 *	32	seed of the token's Ed25519 key
 *	32	SHA-256 of the controller's CA key (SubjectPublicKeyInfo)
 *	32	SHA-256 of the tenant's root key, likewise
 *	1	number of controllers, 1 to 4; for each one byte of length and HOST:PORT
 *	4	the first bytes of the SHA-256 of all that precedes it, with "mmesh1."
 *
 * The controller keeps the id and the public half of the key only.
 */
#ifndef LIBTRUST_TOKEN_H
#define LIBTRUST_TOKEN_H

#include "id.h"
#include "trust-key.h"

enum {
	TRUST_TOKEN_CONTROLLERS = 4,
	TRUST_TOKEN_ADDRESS_SIZE = 128,
	TRUST_TOKEN_TEXT_MAX = 1024,
};

struct trust_token {
	char id[TRUST_ID_SIZE];
	uint8_t seed[TRUST_SEED_LEN];
	uint8_t ca[TRUST_FINGERPRINT_LEN];
	uint8_t root[TRUST_FINGERPRINT_LEN];
	size_t n_controllers;
	char controller[TRUST_TOKEN_CONTROLLERS][TRUST_TOKEN_ADDRESS_SIZE];	/* HOST:PORT, [ADDR6]:PORT */
};

/* A new id and seed; the rest is the caller's to fill in. */
int trust_token_generate(struct trust_token *ret, struct error *err);

/* *@ret is the caller's to wipe and free. -EINVAL names the part that is wrong. */
int trust_token_format(char **ret, const struct trust_token *token, struct error *err);

/*
 * -EINVAL names the part that is wrong and never repeats the text. White space around the token is
 * let pass. On errors *@ret is all zero.
 */
int trust_token_parse(struct trust_token *ret, const char *text, struct error *err);

/* The key that its seed stands for (private). */
int trust_token_key(struct trust_key **ret, const struct trust_token *token, struct error *err);

void trust_token_wipe(struct trust_token *token);

#endif
