// SPDX-License-Identifier: Apache-2.0
#include "delegation.h"

#include <errno.h>

#include "kind.h"

void delegation_list_free(struct delegation_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		mmesh__v1__signed__free_unpacked(list->item[i], NULL);
	free(list->item);
	*list = (struct delegation_list){ 0 };
}

static int list_add(struct delegation_list *list, const void *data, size_t len, struct error *err)
{
	Mmesh__V1__Signed **grown = reallocarray(list->item, list->count + 1, sizeof(*grown));
	int r;

	if (!grown)
		return error_oom(err);
	list->item = grown;
	r = trust_signed_unpack(&grown[list->count], data, len, err);
	if (!r)
		list->count++;
	return r;
}

/* Sign and store; one of the same key is replaced. */
static int write_row(struct change *c, const struct trust_key *root, const struct trust_key *key,
		     Mmesh__V1__Delegation *d, struct error *err)
{
	_cleanup_(trust_signed_freep) Mmesh__V1__Signed *s = NULL;
	_cleanup_blob_ struct blob packed = { 0 };
	size_t len;
	int r;

	d->public_key.data = (uint8_t *)trust_key_spki(key, &len);
	d->public_key.len = len;
	r = trust_delegate(&s, root, d, err);
	if (!r)
		r = trust_signed_pack(&packed.data, &packed.len, s, err);
	if (r)
		return r;
	return store_exec(c->s, err,
			  "INSERT OR REPLACE INTO delegation VALUES (?, ?, ?, ?, ?, ?, ?)",
			  "bsisuib", trust_key_id(key), (size_t)TRUST_KEY_ID_LEN, d->tenant,
			  (int64_t)d->role, d->n_network ? d->network[0] : NULL, d->epoch,
			  d->not_after, packed.data, packed.len);
}

/* What the controller's keys were delegated so far. */
struct standing {
	int64_t not_after; /* of ours; 0: none */
	uint64_t epoch;	   /* of ours */
	uint64_t newest;   /* of anyone's */
};

static int read_standing(struct change *c, const char *tenant, struct standing *ret,
			 struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	const void *id;
	size_t len;
	int r;

	*ret = (struct standing){ 0 };
	r = query_open(&q, c->s, err,
		       "SELECT key_id, epoch, not_after FROM delegation WHERE tenant = ? AND role = "
		       "1",
		       "s", tenant);
	while (!r && (r = query_next(&q, err)) == 1) {
		uint64_t epoch = (uint64_t)query_int(&q, 1);

		id = query_bytes(&q, 0, &len);
		if (epoch > ret->newest)
			ret->newest = epoch;
		if (len == TRUST_KEY_ID_LEN && !memcmp(id, trust_key_id(c->m->signer), len)) {
			ret->epoch = epoch;
			ret->not_after = query_int(&q, 2);
		}
		r = 0;
	}
	return r;
}

static int get_root(struct change *c, const char *tenant, struct trust_key **ret,
		    struct error *err)
{
	if (!c->m->get_root)
		return error_set(err, ENOKEY, "the tenant's root key is offline");
	return c->m->get_root(c->m->arg, tenant, ret, err);
}

int delegation_renew_controller(struct change *c, const char *tenant, struct error *err)
{
	_cleanup_(trust_key_unrefp) struct trust_key *root = NULL;
	Mmesh__V1__Delegation d = MMESH__V1__DELEGATION__INIT;
	struct standing now;
	int r;

	r = read_standing(c, tenant, &now, err);
	if (r)
		return r;
	/* Another key with a higher epoch has taken ours out. */
	if (now.epoch < now.newest)
		now.not_after = 0;
	if (now.not_after > c->now + DELEGATION_RENEW_SECONDS)
		return 0;
	r = get_root(c, tenant, &root, err);
	if (r && now.not_after > c->now) {
		error_format(err, "what the root key of tenant %s delegated ends in %lld days: "
				  "bring the root key back for a start",
			     tenant, (long long)(now.not_after - c->now) / 86400);
		return 1;
	}
	if (r)
		return error_prefix(err, r, "the controller's key is not delegated: ");
	d.tenant = (char *)tenant;
	d.role = MMESH__V1__ROLE__ROLE_CONTROLLER;
	d.not_before = c->now - TRUST_CLOCK_SKEW;
	d.not_after = c->now + DELEGATION_SECONDS;
	d.epoch = now.not_after ? now.epoch : now.newest + 1;
	return write_row(c, root, c->m->signer, &d, err);
}

int delegation_add_token(struct change *c, const char *tenant, const char *network,
			 const struct trust_key *key, int64_t not_after, struct error *err)
{
	_cleanup_(trust_key_unrefp) struct trust_key *root = NULL;
	Mmesh__V1__Delegation d = MMESH__V1__DELEGATION__INIT;
	char *networks[] = { (char *)network };
	int r;

	r = get_root(c, tenant, &root, err);
	if (r)
		return r;
	d.tenant = (char *)tenant;
	d.role = MMESH__V1__ROLE__ROLE_TOKEN;
	d.network = networks;
	d.n_network = 1;
	d.not_before = c->now - TRUST_CLOCK_SKEW;
	d.not_after = not_after + TRUST_CLOCK_SKEW;
	/* The same for all: a higher one would end the others. */
	d.epoch = 1;
	return write_row(c, root, key, &d, err);
}

int delegation_of_controller(struct store *s, const char *tenant, struct delegation_list *list,
			     struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	const void *data;
	size_t len;
	int r;

	r = query_open(&q, s, err,
		       "SELECT record FROM delegation WHERE tenant = ? AND role = 1"
		       " ORDER BY epoch DESC LIMIT 1",
		       "s", tenant);
	if (!r)
		r = query_next(&q, err);
	if (r <= 0)
		return r;
	data = query_bytes(&q, 0, &len);
	return list_add(list, data, len, err);
}

int delegation_of_key(struct store *s, const char *tenant, const char *key_id,
		      struct delegation_list *list, struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	uint8_t id[TRUST_KEY_ID_LEN];
	const void *data;
	size_t len;
	int r;

	if (!trust_hex_parse(id, sizeof(id), key_id))
		return 0;
	r = query_open(&q, s, err,
		       "SELECT record FROM delegation WHERE key_id = ? AND tenant = ?", "bs", id,
		       sizeof(id), tenant);
	if (!r)
		r = query_next(&q, err);
	if (r <= 0)
		return r;
	data = query_bytes(&q, 0, &len);
	r = list_add(list, data, len, err);
	if (r)
		return r;
	/* Few tokens let in the nodes of one answer. */
	for (size_t i = 0; i + 1 < list->count; i++) {
		Mmesh__V1__Signed *last = list->item[list->count - 1];

		if (list->item[i]->payload.len == last->payload.len &&
		    !memcmp(list->item[i]->payload.data, last->payload.data, last->payload.len)) {
			mmesh__v1__signed__free_unpacked(last, NULL);
			list->count--;
			break;
		}
	}
	return 0;
}
