/* SPDX-License-Identifier: Apache-2.0 */
/* The store's tables. Ids are 32 hexadecimal digits, times seconds since 1970. */
#ifndef CONTROLLER_STORE_SCHEMA_H
#define CONTROLLER_STORE_SCHEMA_H

static const char store_schema[] =
	"CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"

	"CREATE TABLE tenant ("
	" id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, root_key BLOB NOT NULL,"
	" revision INTEGER NOT NULL, created INTEGER NOT NULL);"

	/* What roots signed: keys of controllers, and of tokens (with their network). */
	"CREATE TABLE delegation ("
	" key_id BLOB NOT NULL, tenant TEXT NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,"
	" role INTEGER NOT NULL, network TEXT, epoch INTEGER NOT NULL, not_after INTEGER NOT NULL,"
	" record BLOB NOT NULL, PRIMARY KEY (key_id, tenant));"

	"CREATE TABLE zone ("
	" id TEXT PRIMARY KEY, tenant TEXT NOT NULL REFERENCES tenant(id), name TEXT NOT NULL,"
	" revision INTEGER NOT NULL, created INTEGER NOT NULL, UNIQUE (tenant, name));"

	"CREATE TABLE network ("
	" id TEXT PRIMARY KEY, tenant TEXT NOT NULL REFERENCES tenant(id), name TEXT NOT NULL,"
	" base INTEGER NOT NULL, length INTEGER NOT NULL, ula INTEGER NOT NULL UNIQUE,"
	" kernel_id INTEGER NOT NULL UNIQUE, routed INTEGER NOT NULL, locked INTEGER NOT NULL,"
	" zone TEXT REFERENCES zone(id), mtu INTEGER NOT NULL, revision INTEGER NOT NULL,"
	" created INTEGER NOT NULL, UNIQUE (tenant, name));"

	"CREATE TABLE subnet ("
	" id TEXT PRIMARY KEY, network TEXT NOT NULL REFERENCES network(id), name TEXT NOT NULL,"
	" number INTEGER NOT NULL, base INTEGER NOT NULL, revision INTEGER NOT NULL,"
	" created INTEGER NOT NULL, UNIQUE (network, name), UNIQUE (network, number),"
	" UNIQUE (network, base));"

	/* Numbers and prefixes of subnets that are gone, until their tombstones are. */
	"CREATE TABLE grave ("
	" network TEXT NOT NULL REFERENCES network(id), number INTEGER NOT NULL,"
	" base INTEGER NOT NULL, died INTEGER NOT NULL, PRIMARY KEY (network, number));"

	"CREATE TABLE node ("
	" id TEXT PRIMARY KEY, subnet TEXT NOT NULL REFERENCES subnet(id),"
	" network TEXT NOT NULL REFERENCES network(id), name TEXT NOT NULL,"
	" kind INTEGER NOT NULL, identity_key BLOB, mesh_key BLOB,"
	" tags TEXT NOT NULL, relay INTEGER NOT NULL, suite TEXT NOT NULL,"
	" version TEXT NOT NULL, statement BLOB,"
	" generation INTEGER NOT NULL, last_seen INTEGER NOT NULL, token TEXT NOT NULL,"
	" revision INTEGER NOT NULL, created INTEGER NOT NULL,"
	" UNIQUE (subnet, name), UNIQUE (network, mesh_key));"
	"CREATE UNIQUE INDEX node_identity ON node (identity_key) WHERE identity_key IS NOT NULL;"

	"CREATE TABLE route ("
	" node TEXT NOT NULL REFERENCES node(id) ON DELETE CASCADE, prefix TEXT NOT NULL,"
	" priority INTEGER NOT NULL, weight INTEGER NOT NULL, PRIMARY KEY (node, prefix))"
	" WITHOUT ROWID;"

	/* node is null, and died set, from a node's deletion until its tombstone goes. */
	"CREATE TABLE address ("
	" network TEXT NOT NULL REFERENCES network(id), address INTEGER NOT NULL,"
	" subnet TEXT, node TEXT REFERENCES node(id), place INTEGER NOT NULL, died INTEGER,"
	" PRIMARY KEY (network, address)) WITHOUT ROWID;"
	"CREATE INDEX address_node ON address (node);"
	"CREATE INDEX address_subnet ON address (subnet, address);"

	"CREATE TABLE token ("
	" id TEXT PRIMARY KEY, subnet TEXT NOT NULL REFERENCES subnet(id), name TEXT NOT NULL,"
	" public_key BLOB NOT NULL, uses INTEGER NOT NULL, used INTEGER NOT NULL,"
	" expires INTEGER NOT NULL, relay INTEGER NOT NULL, tags TEXT NOT NULL,"
	" revision INTEGER NOT NULL, created INTEGER NOT NULL, UNIQUE (subnet, name));"

	/* A stream is a subnet's, or a network's own; its id is that object's. */
	"CREATE TABLE stream ("
	" id TEXT PRIMARY KEY, network TEXT NOT NULL REFERENCES network(id),"
	" sequence INTEGER NOT NULL, floor INTEGER NOT NULL) WITHOUT ROWID;"

	/* died is null while the object lives; then record is its tombstone. */
	"CREATE TABLE record ("
	" stream TEXT NOT NULL REFERENCES stream(id) ON DELETE CASCADE, object TEXT NOT NULL,"
	" kind TEXT NOT NULL, sequence INTEGER NOT NULL, record BLOB NOT NULL, endpoints BLOB,"
	" died INTEGER, PRIMARY KEY (stream, object)) WITHOUT ROWID;"
	"CREATE INDEX record_sequence ON record (stream, sequence);"
	"CREATE INDEX record_died ON record (died) WHERE died IS NOT NULL;"

	"CREATE TABLE certificate ("
	" key_id BLOB PRIMARY KEY, node TEXT REFERENCES node(id) ON DELETE CASCADE,"
	" operator TEXT, not_after INTEGER NOT NULL);"
	"CREATE INDEX certificate_node ON certificate (node);"

	/* Certificates of deleted nodes, until they would have expired. */
	"CREATE TABLE revoked ("
	" key_id BLOB PRIMARY KEY, node TEXT NOT NULL, not_after INTEGER NOT NULL);"

	"CREATE TABLE audit ("
	" number INTEGER PRIMARY KEY, time INTEGER NOT NULL, who TEXT NOT NULL,"
	" verb TEXT NOT NULL, kind TEXT NOT NULL, path TEXT NOT NULL, revision INTEGER NOT NULL);";

#endif
