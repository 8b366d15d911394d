// SPDX-License-Identifier: Apache-2.0
#include "fixture.h"

#include <errno.h>
#include <string.h>

static int make_root(void *arg, const char *tenant, struct trust_key **ret, struct error *err)
{
	struct fixture *f = arg;

	(void)tenant;
	if (f->offline)
		return error_set(err, ENOKEY, "the tenant's root key is offline");
	*ret = trust_key_ref(f->root);
	return 0;
}

static int make_token(void *arg, const struct tenant *tenant, char **ret_secret,
		      char ret_id[ID_SIZE], struct trust_key **ret_key, struct error *err)
{
	(void)arg;
	(void)tenant;
	*ret_secret = strdup("secret");
	if (!*ret_secret || trust_random_id(ret_id, err))
		return -ENOMEM;
	return trust_key_generate(ret_key, TRUST_KEY_ED25519, err);
}

static void committed(void *arg, const struct change *c)
{
	struct fixture *f = arg;

	f->streams = c->streams;
	f->cuts = c->cuts;
	f->permissions = c->permissions;
	if (c->streams) {
		f->before = c->stream[0].before;
		f->after = c->stream[0].after;
		f->entries = c->stream[0].entries;
	}
}

static int put_tenant(struct fixture *f, const char *path)
{
	Mmesh__V1__Tenant tenant = MMESH__V1__TENANT__INIT;
	Mmesh__V1__Object o = MMESH__V1__OBJECT__INIT;

	o.path = (char *)path;
	o.kind_case = MMESH__V1__OBJECT__KIND_TENANT;
	o.tenant = &tenant;
	return fixture_put(f, &o);
}

int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	*state = f;
	(void)snprintf(f->directory, sizeof(f->directory), "/tmp/mmesh-store.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	(void)snprintf(f->store, sizeof(f->store), "%s/store.db", f->directory);
	assert_int_equal(store_open(&f->model.store, f->store, true, &f->err), 0);
	assert_int_equal(pthread_mutex_init(&f->model.lock, NULL), 0);
	assert_int_equal(trust_key_generate(&f->root, TRUST_KEY_ED25519, &f->err), 0);
	assert_int_equal(trust_key_generate(&f->model.signer, TRUST_KEY_ED25519, &f->err), 0);
	f->model.make_root = make_root;
	f->model.get_root = make_root;
	f->model.make_token = make_token;
	f->model.committed = committed;
	f->model.arg = f;
	assert_int_equal(put_tenant(f, "acme"), 0);
	assert_int_equal(fixture_put_network(f, "acme/prod", "10.20.0.0/16"), 0);
	assert_int_equal(fixture_put_subnet(f, "acme/prod/web", ""), 0);
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	store_close(&f->model.store);
	trust_key_unref(f->root);
	trust_key_unref(f->model.signer);
	(void)pthread_mutex_destroy(&f->model.lock);
	(void)snprintf(command, sizeof(command), "rm -r %s", f->directory);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

int fixture_put(struct fixture *f, Mmesh__V1__Object *object)
{
	_cleanup_change_ struct change c = { 0 };
	struct put_options options = { 0 };
	struct put_result result = { 0 };
	int r;

	r = change_begin(&c, &f->model, "test", &f->err);
	if (!r)
		r = manage_put(&c, object, &options, &result, &f->err);
	if (!r)
		r = change_commit(&c, &f->err);
	put_result_free(&result);
	return r;
}

int fixture_put_network(struct fixture *f, const char *path, const char *prefix)
{
	Mmesh__V1__Network network = MMESH__V1__NETWORK__INIT;
	Mmesh__V1__Object o = MMESH__V1__OBJECT__INIT;

	network.prefix = (char *)prefix;
	o.path = (char *)path;
	o.kind_case = MMESH__V1__OBJECT__KIND_NETWORK;
	o.network = &network;
	return fixture_put(f, &o);
}

int fixture_put_subnet(struct fixture *f, const char *path, const char *prefix)
{
	Mmesh__V1__Subnet subnet = MMESH__V1__SUBNET__INIT;
	Mmesh__V1__Object o = MMESH__V1__OBJECT__INIT;

	subnet.prefix = (char *)prefix;
	o.path = (char *)path;
	o.kind_case = MMESH__V1__OBJECT__KIND_SUBNET;
	o.subnet = &subnet;
	return fixture_put(f, &o);
}

int fixture_put_client(struct fixture *f, const char *path, unsigned int number,
		       const char *address)
{
	Mmesh__V1__NodeObject node = MMESH__V1__NODE_OBJECT__INIT;
	Mmesh__V1__Object o = MMESH__V1__OBJECT__INIT;
	uint8_t key[TRUST_MESH_KEY_LEN] = { 1 };
	char *addresses[] = { (char *)address };

	memcpy(key + 4, &number, sizeof(number));
	node.kind = MMESH__V1__NODE_KIND__NODE_KIND_WIREGUARD;
	node.mesh_key = (ProtobufCBinaryData){ .data = key, .len = sizeof(key) };
	if (address) {
		node.address = addresses;
		node.n_address = 1;
	}
	o.path = (char *)path;
	o.kind_case = MMESH__V1__OBJECT__KIND_NODE;
	o.node = &node;
	return fixture_put(f, &o);
}

int fixture_delete(struct fixture *f, const char *kind, const char *path, bool recursive)
{
	_cleanup_change_ struct change c = { 0 };
	enum kind k;
	int r;

	r = kind_parse(&k, kind, &f->err);
	if (!r)
		r = change_begin(&c, &f->model, "test", &f->err);
	if (!r)
		r = manage_delete(&c, k, path, 0, recursive, NULL, NULL, &f->err);
	return r ? r : change_commit(&c, &f->err);
}

bool fixture_has(struct fixture *f, enum kind kind, const char *path)
{
	struct object *o = malloc(sizeof(*o));
	struct path parsed;
	int r;

	assert_non_null(o);
	assert_int_equal(path_parse(&parsed, path, NULL), 0);
	r = object_find(&f->model.store, kind, &parsed, o, NULL);
	free(o);
	return !r;
}

void fixture_get(struct fixture *f, enum kind kind, const char *path, struct object *ret)
{
	struct path parsed;

	assert_int_equal(path_parse(&parsed, path, NULL), 0);
	assert_int_equal(object_find(&f->model.store, kind, &parsed, ret, &f->err), 0);
}
