/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a controller manages: tenants, zones, networks, subnets, nodes, tokens.
 * An object here is plain data without pointers; the kinds' tables (kind.h) know
 * how it is stored and shown. Nothing in here is signed: record.h makes records.
 */
#ifndef CONTROLLER_MODEL_H
#define CONTROLLER_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "id.h"
#include "prefix.h"
#include "signed.h"

enum {
	ID_SIZE = TRUST_ID_SIZE,
	NAME_SIZE = 64, /* a DNS label */
	PATH_PARTS = 4,
	PATH_SIZE = PATH_PARTS * NAME_SIZE,

	MAX_TENANTS = 1000,
	MAX_ZONES = 256,    /* in a tenant */
	MAX_NETWORKS = 1000, /* in a tenant */
	MAX_SUBNETS = 255,  /* in a network */
	MAX_NODES = 254,    /* in a subnet; as many as it has addresses */
	MAX_TOKENS = 1000,  /* in a subnet */
	MAX_ADDRESSES = 16, /* of a node */
	MAX_TAGS = 16,
	MAX_ROUTES = 64,
	MAX_USES = 1000000,
	SUBNET_LENGTH = 24,

	IDENTITY_KEY_MAX = TRUST_SPKI_MAX,
	TOMBSTONE_SECONDS = 30 * 86400,
	TOKEN_SECONDS = 86400,		 /* unless it says otherwise */
	TOKEN_SECONDS_MAX = 366 * 86400,
};

enum kind { KIND_TENANT, KIND_ZONE, KIND_NETWORK, KIND_SUBNET, KIND_NODE, KIND_TOKEN, KINDS };

struct tenant {
	uint8_t root_key[IDENTITY_KEY_MAX]; /* SubjectPublicKeyInfo */
	uint32_t root_key_len;
};

struct network {
	uint32_t base; /* of its prefix, host order */
	uint32_t length;
	uint64_t ula; /* 40 bits, between fd and the subnet's 16 */
	uint64_t kernel_id;
	bool routed_subnets;
	bool locked;
	char zone[ID_SIZE];
	char zone_name[NAME_SIZE];
	uint32_t mtu;
};

struct subnet {
	uint32_t base; /* of its /24, host order; 0: to be chosen */
	uint32_t number;
};

struct node_route {
	char prefix[PREFIX_TEXT_SIZE];
	uint32_t priority;
	uint32_t weight;
};

struct node {
	uint32_t kind; /* Mmesh__V1__NodeKind */
	uint8_t identity_key[IDENTITY_KEY_MAX];
	uint32_t identity_key_len; /* 0: none */
	uint8_t mesh_key[TRUST_MESH_KEY_LEN];
	bool has_mesh_key;
	uint32_t address[MAX_ADDRESSES]; /* host order */
	uint32_t addresses;		 /* 0: to be chosen */
	char tag[MAX_TAGS][NAME_SIZE];
	uint32_t tags;
	struct node_route route[MAX_ROUTES];
	uint32_t routes;
	bool relay;
	char suite[16];
	char version[32];
	int64_t last_seen;
	uint64_t generation; /* of its endpoints */
	char token[TRUST_KEY_ID_TEXT_SIZE]; /* id of the key that let it in, or "" */
};

struct token {
	uint8_t public_key[IDENTITY_KEY_MAX]; /* SubjectPublicKeyInfo */
	uint32_t public_key_len;
	uint32_t uses; /* 0: any number */
	uint32_t used;
	int64_t expires;
	bool relay;
	char tag[MAX_TAGS][NAME_SIZE];
	uint32_t tags;
};

struct object {
	enum kind kind;
	char id[ID_SIZE];
	char name[NAME_SIZE];
	char parent[ID_SIZE]; /* "" of a tenant */
	uint64_t revision;    /* 0: not stored yet */
	int64_t created;
	union {
		struct tenant tenant;
		struct network network;
		struct subnet subnet;
		struct node node;
		struct token token;
	};
};

/* Names from a tenant down. */
struct path {
	unsigned int parts;
	char part[PATH_PARTS][NAME_SIZE];
};

/* A DNS label: 1 to 63 of a-z, 0-9 and '-', which is neither first nor last. */
int name_check(const char *field, const char *name, struct error *err);

/* What is no printable ASCII becomes '?': what nodes say of themselves is told to others as text. */
void text_clean(char *text);

/* "acme/prod/web"; -EINVAL names what is wrong with it. "" has no parts. */
int path_parse(struct path *ret, const char *text, struct error *err);
void path_format(char ret[PATH_SIZE], const struct path *path);

#endif
