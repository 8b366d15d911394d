// SPDX-License-Identifier: Apache-2.0
#include "nonce.h"

#include <string.h>

int nonce_make(struct nonces *n, uint64_t session, int64_t now, uint8_t ret[TRUST_NONCE_LEN],
	       struct error *err)
{
	struct nonce *item = &n->item[session % NONCES];
	int r = trust_random(item->bytes, sizeof(item->bytes), err);

	if (r)
		return r;
	item->session = session;
	item->until = now + NONCE_SECONDS;
	memcpy(ret, item->bytes, sizeof(item->bytes));
	return 0;
}

bool nonce_take(struct nonces *n, uint64_t session, int64_t now, uint8_t ret[TRUST_NONCE_LEN])
{
	struct nonce *item = &n->item[session % NONCES];

	if (!session || item->session != session || item->until < now)
		return false;
	memcpy(ret, item->bytes, sizeof(item->bytes));
	*item = (struct nonce){ 0 };
	return true;
}
