// SPDX-License-Identifier: Apache-2.0
#include "keyring.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static void key_path(char ret[KEYRING_PATH], const struct keyring *k, const char *label,
		     const char *suffix)
{
	(void)snprintf(ret, KEYRING_PATH, "%s/keys/%s%s", k->directory, label, suffix);
}

static int load_or_make(const struct keyring *k, const char *label, enum trust_key_type type,
			bool create, struct trust_key **ret, struct error *err)
{
	char path[KEYRING_PATH];
	int r;

	key_path(path, k, label, ".key");
	r = trust_key_load(ret, path, label, k->unlock, err);
	if (r != -ENOENT || !create)
		return r ? error_prefix(err, r, "keys: ") : 0;
	r = trust_key_generate(ret, type, err);
	if (!r)
		r = trust_key_save(*ret, path, label, k->unlock, err);
	return r;
}

static int load_or_make_ca(struct keyring *k, bool create, int64_t now, struct error *err)
{
	char path[KEYRING_PATH];
	int r;

	r = load_or_make(k, "ca", TRUST_KEY_P256, create, &k->ca_key, err);
	if (r)
		return r;
	key_path(path, k, "ca", ".pem");
	r = trust_cert_load(&k->ca, path, err);
	if (r != -ENOENT || !create)
		return r;
	r = trust_ca_make(&k->ca, k->ca_key, "mmesh controller CA", now - TRUST_CLOCK_SKEW,
			  now + CA_SECONDS, err);
	return r ? r : trust_cert_save(k->ca, path, err);
}

static int issue_server(const struct keyring *k, const struct trust_key *key, const char *cn,
			const char *const *names, int64_t now, struct trust_cert **ret,
			struct error *err)
{
	struct trust_issue issue = {
		.key = key,
		.cn = cn,
		.not_before = now - TRUST_CLOCK_SKEW,
		.not_after = now + SERVER_SECONDS,
		.server = true,
		.names = names,
	};

	return trust_cert_issue(ret, k->ca, k->ca_key, &issue, err);
}

static int make_directory(const char *path, mode_t mode, struct error *err)
{
	if (mkdir(path, mode) && errno != EEXIST)
		return error_set(err, errno, "%s: %s", path, strerror(errno));
	return 0;
}

int keyring_open(struct keyring *ret, const char *directory, const char *unlock_path, bool create,
		 const char *const *names, int64_t now, struct error *err)
{
	struct keyring k = { 0 };
	char path[KEYRING_PATH];
	int r = 0;

	(void)snprintf(k.directory, sizeof(k.directory), "%s", directory);
	(void)snprintf(path, sizeof(path), "%s/keys", directory);
	if (create)
		r = make_directory(path, 0700, err);
	(void)snprintf(path, sizeof(path), "%s/unlock.key", directory);
	if (!r)
		r = trust_unlock_open(&k.unlock, unlock_path ? unlock_path : path, create, err);
	if (!r)
		r = load_or_make_ca(&k, create, now, err);
	if (!r)
		r = load_or_make(&k, "server", TRUST_KEY_P256, create, &k.server_key, err);
	if (!r)
		r = load_or_make(&k, "broker", TRUST_KEY_P256, create, &k.broker_key, err);
	if (!r)
		r = load_or_make(&k, "controller", TRUST_KEY_ED25519, create, &k.signer, err);
	if (!r)
		r = issue_server(&k, k.server_key, "mmesh-controller", names, now, &k.server, err);
	if (!r)
		r = issue_server(&k, k.broker_key, "mmesh-broker", names, now, &k.broker, err);
	if (r) {
		keyring_close(&k);
		return r;
	}
	*ret = k;
	return 0;
}

/* Keep it for the next time; without memory there is none. */
static void keep_root(struct keyring *k, const char *tenant, const struct trust_key *key)
{
	struct keyring_root *root = calloc(1, sizeof(*root));

	if (!root)
		return;
	(void)snprintf(root->tenant, sizeof(root->tenant), "%s", tenant);
	root->key = trust_key_ref(key);
	root->next = k->roots;
	k->roots = root;
}

static void forget_root(struct keyring *k, const char *tenant)
{
	struct keyring_root **at = &k->roots;

	while (*at) {
		struct keyring_root *root = *at;

		if (tenant && strcmp(root->tenant, tenant)) {
			at = &root->next;
			continue;
		}
		*at = root->next;
		trust_key_unref(root->key);
		free(root);
	}
}

void keyring_close(struct keyring *k)
{
	trust_key_unref(k->ca_key);
	trust_cert_unref(k->ca);
	trust_key_unref(k->server_key);
	trust_cert_unref(k->server);
	trust_key_unref(k->broker_key);
	trust_cert_unref(k->broker);
	trust_key_unref(k->signer);
	trust_unlock_free(k->unlock);
	forget_root(k, NULL);
	*k = (struct keyring){ 0 };
}

int keyring_issue(const struct keyring *k, const struct trust_key *key, const char *tenant,
		  const char *network, const char *subnet, const char *node, int64_t now,
		  struct trust_cert **ret, struct error *err)
{
	struct trust_issue issue = {
		.key = key,
		.cn = node,
		.o = tenant,
		.network = network,
		.subnet = subnet,
		.not_before = now - TRUST_CLOCK_SKEW,
		.not_after = now + NODE_SECONDS,
	};

	return trust_cert_issue(ret, k->ca, k->ca_key, &issue, err);
}

int keyring_issue_operator(const struct keyring *k, const struct trust_key *key, const char *name,
			   int64_t not_after, int64_t now, struct trust_cert **ret,
			   struct error *err)
{
	struct trust_issue issue = {
		.key = key,
		.cn = name,
		.o = "operators",
		.not_before = now - TRUST_CLOCK_SKEW,
		.not_after = not_after,
	};

	return trust_cert_issue(ret, k->ca, k->ca_key, &issue, err);
}

/* -- tenants' roots ---------------------------------------------------------------------------------- */

static void root_label(char ret[64], const char *tenant)
{
	(void)snprintf(ret, 64, "root-%s", tenant);
}

/* As long as its file is there: whoever takes it away means it. */
static bool find_kept(struct keyring *k, const char *tenant, const char *path,
		      struct trust_key **ret)
{
	if (access(path, F_OK)) {
		forget_root(k, tenant);
		return false;
	}
	for (const struct keyring_root *root = k->roots; root; root = root->next) {
		if (strcmp(root->tenant, tenant))
			continue;
		*ret = trust_key_ref(root->key);
		return true;
	}
	return false;
}

int keyring_root(struct keyring *k, const char *tenant, struct trust_key **ret, struct error *err)
{
	char label[64], path[KEYRING_PATH];
	int r;

	root_label(label, tenant);
	key_path(path, k, label, ".key");
	if (find_kept(k, tenant, path, ret))
		return 0;
	r = trust_key_load(ret, path, label, k->unlock, err);
	if (!r)
		keep_root(k, tenant, *ret);
	if (r == -ENOENT)
		return error_set(err, ENOKEY, "the tenant's root key is offline: bring it back with "
					      "`mmesh-controller import-root-key`");
	return r;
}

int keyring_make_root(struct keyring *k, const char *tenant, struct trust_key **ret,
		      struct error *err)
{
	char label[64];
	int r;

	root_label(label, tenant);
	r = load_or_make(k, label, TRUST_KEY_ED25519, true, ret, err);
	if (!r)
		keep_root(k, tenant, *ret);
	return r;
}

int keyring_export_root(struct keyring *k, const char *tenant, const char *file, bool remove,
			struct error *err)
{
	_cleanup_(trust_key_unrefp) struct trust_key *root = NULL;
	char label[64], path[KEYRING_PATH];
	struct stat st;
	int r;

	if (!lstat(file, &st))
		return error_set(err, EEXIST, "%s exists", file);
	r = keyring_root(k, tenant, &root, err);
	if (!r)
		r = trust_key_save(root, file, "root", NULL, err);
	if (r || !remove)
		return r;
	root_label(label, tenant);
	key_path(path, k, label, ".key");
	if (unlink(path))
		return error_set(err, errno, "%s: %s", path, strerror(errno));
	return 0;
}

int keyring_import_root(const struct keyring *k, const char *tenant, const struct tenant *t,
			const char *file, struct error *err)
{
	_cleanup_(trust_key_unrefp) struct trust_key *root = NULL;
	char label[64], path[KEYRING_PATH];
	const uint8_t *spki;
	size_t len;
	int r;

	root_label(label, tenant);
	r = trust_key_load(&root, file, "root", NULL, err);
	if (r)
		return r;
	spki = trust_key_spki(root, &len);
	if (len != t->root_key_len || memcmp(spki, t->root_key, len))
		return error_set(err, EINVAL, "%s is not the root key of this tenant", file);
	key_path(path, k, label, ".key");
	return trust_key_save(root, path, label, k->unlock, err);
}
