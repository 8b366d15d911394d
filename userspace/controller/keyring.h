/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The controller's keys and certificates, in DIR/keys: the CA, the server's, the
 * broker's, the key that signs records, and tenants' root keys until they are
 * taken away. Private halves are encrypted (unlock.h).
 */
#ifndef CONTROLLER_KEYRING_H
#define CONTROLLER_KEYRING_H

#include "cert.h"
#include "model.h"
#include "unlock.h"

enum {
	CA_SECONDS = 20 * 365 * 86400,
	SERVER_SECONDS = 5 * 365 * 86400, /* they are made anew at each start */
	NODE_SECONDS = 30 * 86400,
	KEYRING_PATH = 4096,
	KEYRING_NAMES = 32,
};

struct keyring_root {
	struct keyring_root *next;
	char tenant[ID_SIZE];
	struct trust_key *key;
};

struct keyring {
	char directory[1024];
	struct trust_unlock *unlock;
	struct trust_key *ca_key;
	struct trust_cert *ca;
	struct trust_key *server_key; /* also what we are for the broker */
	struct trust_cert *server;
	struct trust_key *broker_key;
	struct trust_cert *broker;
	struct trust_key *signer; /* Ed25519 */
	struct keyring_root *roots; /* those that were opened; opening takes long */
};

/*
 * Read the keys in @directory/keys, or, with @create, make those that are
 * missing. @unlock_path may be NULL: @directory/unlock.key. @names are those of the
 * server's certificates, which are made anew at each start.
 */
int keyring_open(struct keyring *ret, const char *directory, const char *unlock_path, bool create,
		 const char *const *names, int64_t now, struct error *err);
void keyring_close(struct keyring *k);

/* A node's certificate, for NODE_SECONDS from @now. */
int keyring_issue(const struct keyring *k, const struct trust_key *key, const char *tenant,
		  const char *network, const char *subnet, const char *node, int64_t now,
		  struct trust_cert **ret, struct error *err);
/* An operator's. */
int keyring_issue_operator(const struct keyring *k, const struct trust_key *key, const char *name,
			   int64_t not_after, int64_t now, struct trust_cert **ret,
			   struct error *err);

/* A tenant's root key; -ENOKEY: it was taken away. */
int keyring_root(struct keyring *k, const char *tenant, struct trust_key **ret,
		 struct error *err);
int keyring_make_root(struct keyring *k, const char *tenant, struct trust_key **ret,
		      struct error *err);
/* Write it to @file (0600, plain PEM, must not exist); then, with @remove, take it away from here. */
int keyring_export_root(struct keyring *k, const char *tenant, const char *file, bool remove,
			struct error *err);
/* Bring it back; it has to be the tenant's. */
int keyring_import_root(const struct keyring *k, const char *tenant, const struct tenant *t,
			const char *file, struct error *err);

#endif
