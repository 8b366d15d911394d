/* SPDX-License-Identifier: Apache-2.0 */
/* Nonces of joins under way: one a session, once, for a minute. */
#ifndef CONTROLLER_NONCE_H
#define CONTROLLER_NONCE_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "id.h"
#include "signed.h"

enum { NONCE_SECONDS = 60, NONCES = 4096 };

struct nonce {
	uint64_t session; /* 0: none */
	int64_t until;
	uint8_t bytes[TRUST_NONCE_LEN];
};

struct nonces {
	struct nonce item[NONCES];
};

/*
 * A new one for @session, in place of its last. Sessions share places; whoever comes to a
 * place takes it, and the join that had it says so and begins anew.
 */
int nonce_make(struct nonces *n, uint64_t session, int64_t now, uint8_t ret[TRUST_NONCE_LEN],
	       struct error *err);
/* True, once, with the session's. */
bool nonce_take(struct nonces *n, uint64_t session, int64_t now, uint8_t ret[TRUST_NONCE_LEN]);

#endif
