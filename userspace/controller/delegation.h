/* SPDX-License-Identifier: Apache-2.0 */
/* What tenants' root keys delegate: to this controller, and to the keys of join tokens. */
#ifndef CONTROLLER_DELEGATION_H
#define CONTROLLER_DELEGATION_H

#include "chain.h"
#include "change.h"

enum {
	DELEGATION_SECONDS = 400 * 86400,
	DELEGATION_RENEW_SECONDS = 200 * 86400, /* less than this is left: a new one */
};

/* Messages that a reply carries; freed with it. */
struct delegation_list {
	Mmesh__V1__Signed **item;
	size_t count;
};

void delegation_list_free(struct delegation_list *list);

/*
 * See that the controller's key is delegated by the tenant's root for a good
 * while. With the root offline what there is has to do: -ENOKEY when it is
 * another key's or has ended, a warning in *@err and 1 when it ends soon.
 */
int delegation_renew_controller(struct change *c, const char *tenant, struct error *err);

/* Let the token's key let nodes into @network; -ENOKEY while the root is offline. */
int delegation_add_token(struct change *c, const char *tenant, const char *network,
			 const struct trust_key *key, int64_t not_after, struct error *err);

/* That of the controller's key. */
int delegation_of_controller(struct store *s, const char *tenant, struct delegation_list *list,
			     struct error *err);
/* That of a key, named in hexadecimal, if there is one and it isn't on the list. */
int delegation_of_key(struct store *s, const char *tenant, const char *key_id,
		      struct delegation_list *list, struct error *err);

#endif
