// SPDX-License-Identifier: Apache-2.0
#include "signer.h"

#include <string.h>
#include <time.h>

#include "digest.h"

static void must(int r, const struct error *err)
{
	if (r < 0)
		fail_msg("%s", err->text);
}

void signer_init(struct signer *s)
{
	Mmesh__V1__Delegation delegation = MMESH__V1__DELEGATION__INIT;
	struct error err = { "" };

	*s = (struct signer){ .epoch = 2, .time = time(NULL) };
	must(trust_key_generate(&s->root, TRUST_KEY_ED25519, &err), &err);
	must(trust_key_generate(&s->key, TRUST_KEY_ED25519, &err), &err);
	for (size_t i = 0; i < ARRAY_SIZE(s->identity); i++)
		must(trust_key_generate(&s->identity[i], TRUST_KEY_P256, &err), &err);
	delegation.tenant = (char *)SIGNER_TENANT;
	delegation.public_key.data = (uint8_t *)trust_key_spki(s->key, &delegation.public_key.len);
	delegation.role = MMESH__V1__ROLE__ROLE_CONTROLLER;
	delegation.not_before = s->time - 3600;
	delegation.not_after = s->time + 3600;
	delegation.epoch = 1;
	must(trust_delegate(&s->delegation, s->root, &delegation, &err), &err);
	must(trust_anchor_new(&s->anchor, SIGNER_TENANT, s->root, &err), &err);
	must(trust_anchor_add(s->anchor, s->delegation, &err), &err);
}

void signer_clear(struct signer *s)
{
	mmesh__v1__signed__free_unpacked(s->delegation, NULL);
	trust_anchor_free(s->anchor);
	trust_key_unref(s->root);
	trust_key_unref(s->key);
	for (size_t i = 0; i < ARRAY_SIZE(s->identity); i++)
		trust_key_unref(s->identity[i]);
}

const char *signer_node_id(unsigned int i)
{
	static char id[8][TRUST_ID_SIZE];

	(void)snprintf(id[i], sizeof(id[i]), "%032x", 0x100 + i);
	return id[i];
}

static Mmesh__V1__Entry *entry(struct signer *s, uint64_t sequence, const char *object,
			       const char *kind, const char *context,
			       const ProtobufCMessage *message)
{
	Mmesh__V1__Entry *e = malloc(sizeof(*e));
	struct error err = { "" };

	mmesh__v1__entry__init(e);
	e->sequence = sequence;
	e->object = strdup(object);
	e->kind = strdup(kind);
	must(trust_sign(&e->record, s->key, context, message, &err), &err);
	return e;
}

Mmesh__V1__Entry *signer_network(struct signer *s, uint64_t sequence, bool routed)
{
	Mmesh__V1__NetworkRecord record = MMESH__V1__NETWORK_RECORD__INIT;

	record.tenant = (char *)SIGNER_TENANT;
	record.network = (char *)SIGNER_NETWORK;
	record.name = (char *)"net";
	record.kernel_id = 5;
	record.prefix = (char *)"10.20.0.0/16";
	record.routed_subnets = routed;
	return entry(s, sequence, SIGNER_NETWORK, "network", TRUST_CONTEXT_NETWORK, &record.base);
}

Mmesh__V1__Entry *signer_subnet(struct signer *s, uint64_t sequence)
{
	Mmesh__V1__SubnetRecord record = MMESH__V1__SUBNET_RECORD__INIT;

	record.tenant = (char *)SIGNER_TENANT;
	record.network = (char *)SIGNER_NETWORK;
	record.subnet = (char *)SIGNER_SUBNET;
	record.name = (char *)"sub";
	record.number = 1;
	record.prefix = (char *)"10.20.1.0/24";
	return entry(s, sequence, SIGNER_SUBNET, "subnet", TRUST_CONTEXT_SUBNET, &record.base);
}

Mmesh__V1__Entry *signer_node(struct signer *s, unsigned int i, uint64_t sequence,
			      uint64_t generation)
{
	Mmesh__V1__EndpointsRecord endpoints = MMESH__V1__ENDPOINTS_RECORD__INIT;
	Mmesh__V1__NodeRecord record = MMESH__V1__NODE_RECORD__INIT;
	char name[16], address[32], *addresses = address, *at = (char *)"192.0.2.1:4000";
	struct error err = { "" };
	uint8_t key[KEY_LEN];
	Mmesh__V1__Entry *e;

	(void)snprintf(name, sizeof(name), "node%u", i);
	(void)snprintf(address, sizeof(address), "10.20.1.%u", i + 1);
	memset(key, (int)i + 1, sizeof(key));
	record.tenant = (char *)SIGNER_TENANT;
	record.network = (char *)SIGNER_NETWORK;
	record.subnet = (char *)SIGNER_SUBNET;
	record.node = (char *)signer_node_id(i);
	record.name = name;
	record.kind = MMESH__V1__NODE_KIND__NODE_KIND_CONNECTED;
	record.identity_key.data =
		(uint8_t *)trust_key_spki(s->identity[i], &record.identity_key.len);
	record.mesh_key = (ProtobufCBinaryData){ sizeof(key), key };
	record.address = &addresses;
	record.n_address = 1;
	record.suite = (char *)"wireguard";
	record.sequence = sequence;
	e = entry(s, sequence, record.node, "node", TRUST_CONTEXT_NODE, &record.base);
	if (!generation)
		return e;
	endpoints.node = record.node;
	endpoints.generation = generation;
	endpoints.time = s->time;
	endpoints.endpoint = &at;
	endpoints.n_endpoint = 1;
	must(trust_sign(&e->endpoints, s->identity[i], TRUST_CONTEXT_ENDPOINTS, &endpoints.base,
			&err), &err);
	return e;
}

Mmesh__V1__Entry *signer_tombstone(struct signer *s, unsigned int i, uint64_t sequence)
{
	Mmesh__V1__Tombstone record = MMESH__V1__TOMBSTONE__INIT;

	record.object = (char *)signer_node_id(i);
	record.time = s->time;
	return entry(s, sequence, record.object, "node", TRUST_CONTEXT_TOMBSTONE, &record.base);
}

Mmesh__V1__Signed *signer_head(struct signer *s, const char *subnet, uint64_t sequence,
			       Mmesh__V1__Entry **living, size_t n)
{
	struct trust_digest_item item[16];
	Mmesh__V1__Head head = MMESH__V1__HEAD__INIT;
	uint8_t digest[TRUST_DIGEST_LEN];
	struct error err = { "" };
	Mmesh__V1__Signed *ret;

	for (size_t i = 0; i < n; i++)
		item[i] = (struct trust_digest_item){ .object = living[i]->object,
						      .sequence = living[i]->sequence };
	must(trust_digest(digest, item, n, &err), &err);
	head.network = (char *)SIGNER_NETWORK;
	head.subnet = (char *)subnet;
	head.epoch = s->epoch;
	head.sequence = sequence;
	head.time = s->time;
	head.digest = (ProtobufCBinaryData){ sizeof(digest), digest };
	must(trust_sign(&ret, s->key, TRUST_CONTEXT_HEAD, &head.base, &err), &err);
	return ret;
}

struct stream_trust signer_trust(struct signer *s)
{
	return (struct stream_trust){
		.anchor = s->anchor,
		.network = SIGNER_NETWORK,
		.now = s->time,
	};
}
