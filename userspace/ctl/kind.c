// SPDX-License-Identifier: Apache-2.0
#include "kind.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct field tenant_fields[] = {
	{ .word = "root-key-id", .label = "root key id", .type = FIELD_NAME },
};

static const struct field network_fields[] = {
	{ .word = "prefix",
	  .label = "prefix",
	  .type = FIELD_PREFIX,
	  .flags = FIELD_IN | FIELD_COLUMN },
	{ .word = "routed-subnets",
	  .label = "routed subnets",
	  .type = FIELD_SWITCH,
	  .flags = FIELD_IN | FIELD_COLUMN },
	{ .word = "locked", .label = "locked", .type = FIELD_SWITCH, .flags = FIELD_IN | FIELD_COLUMN },
	{ .word = "zone",
	  .label = "zone",
	  .type = FIELD_NAME,
	  .flags = FIELD_IN | FIELD_COLUMN,
	  .value = "a zone's name, or none" },
	{ .word = "mtu", .label = "mtu", .type = FIELD_NUMBER, .flags = FIELD_IN, .max = 65535,
	  .value = "a number; 0, whatever paths allow, without it" },
	{ .word = "kernel-id", .label = "id in the kernel", .type = FIELD_ID, .flags = FIELD_DETAIL },
	{ .word = "prefix6", .label = "IPv6 prefix", .type = FIELD_NAME },
};

static const struct field subnet_fields[] = {
	{ .word = "prefix",
	  .label = "prefix",
	  .type = FIELD_PREFIX,
	  .flags = FIELD_IN | FIELD_COLUMN },
	{ .word = "number", .label = "number", .type = FIELD_NUMBER, .flags = FIELD_DETAIL },
	{ .word = "prefix6", .label = "IPv6 prefix", .type = FIELD_NAME },
	{ .word = "nodes", .label = "nodes", .type = FIELD_NUMBER, .flags = FIELD_COLUMN },
};

static const struct field node_fields[] = {
	{ .word = "kind",
	  .label = "kind",
	  .type = FIELD_CHOICE,
	  .flags = FIELD_IN | FIELD_COLUMN,
	  .value = "connected, stubby or wireguard" },
	{ .word = "mesh-key", .label = "mesh key", .type = FIELD_KEY, .flags = FIELD_IN },
	{ .word = "address",
	  .label = "address",
	  .type = FIELD_ADDRESSES,
	  .flags = FIELD_IN | FIELD_COLUMN },
	{ .word = "tag",
	  .label = "tags",
	  .type = FIELD_NAMES,
	  .flags = FIELD_IN | FIELD_COLUMN,
	  .value = "names, separated by commas" },
	{ .word = "route", .label = "routes", .type = FIELD_ROUTES, .flags = FIELD_IN },
	{ .word = "relay", .label = "relay", .type = FIELD_SWITCH, .flags = FIELD_IN | FIELD_COLUMN },
	{ .word = "suite", .label = "suite", .type = FIELD_NAME },
	{ .word = "endpoint", .label = "endpoints", .type = FIELD_NAMES },
	{ .word = "online", .label = "online", .type = FIELD_SWITCH, .flags = FIELD_COLUMN },
	{ .word = "last-seen", .label = "last seen", .type = FIELD_TIME },
	{ .word = "version", .label = "version", .type = FIELD_NAME },
	{ .word = "paths",
	  .label = "paths",
	  .type = FIELD_PATHS,
	  .flags = FIELD_DETAIL,
	  .member = "path" },
};

static const struct field zone_fields[] = {
	{ .word = "relay", .label = "relays", .type = FIELD_NAMES, .flags = FIELD_COLUMN },
};

static const struct field token_fields[] = {
	{ .word = "uses",
	  .label = "uses",
	  .type = FIELD_NUMBER,
	  .flags = FIELD_IN | FIELD_COLUMN,
	  .max = 1000000,
	  .value = "a number; 0, as many as wanted, without it" },
	{ .word = "used", .label = "used", .type = FIELD_NUMBER, .flags = FIELD_COLUMN },
	{ .word = "expires",
	  .label = "expires",
	  .type = FIELD_TIME,
	  .flags = FIELD_IN | FIELD_COLUMN },
	{ .word = "relay",
	  .label = "relays",
	  .type = FIELD_SWITCH,
	  .flags = FIELD_IN | FIELD_COLUMN },
	{ .word = "tag",
	  .label = "tags",
	  .type = FIELD_NAMES,
	  .flags = FIELD_IN | FIELD_COLUMN,
	  .value = "names, separated by commas" },
};

#define KIND(id, CODE, fields)                                                                     \
	.code = MMESH__V1__OBJECT__KIND_##CODE, .descriptor = &mmesh__v1__##id##__descriptor,      \
	.field = fields, .n_fields = ARRAY_SIZE(fields)

const struct kind kinds[] = {
	{ KIND(tenant, TENANT, tenant_fields), .name = "tenant", .plural = "tenants", .depth = 1,
	  .path = "TENANT", .help = "whoever networks belong to; has a root key of its own" },
	{ KIND(network, NETWORK, network_fields), .name = "network", .plural = "networks",
	  .depth = 2, .path = "TENANT/NETWORK",
	  .help = "nothing passes between two networks; their addresses may be the same" },
	{ KIND(subnet, SUBNET, subnet_fields), .name = "subnet", .plural = "subnets", .depth = 3,
	  .path = "TENANT/NETWORK/SUBNET",
	  .help = "254 nodes at most; sees others of its network where routed-subnets is on" },
	{ KIND(node_object, NODE, node_fields), .name = "node", .plural = "nodes", .depth = 4,
	  .path = "TENANT/NETWORK/SUBNET/NODE",
	  .help = "a machine; comes by \"mmesh join\", but a WireGuard client by \"add\"" },
	{ KIND(zone, ZONE, zone_fields), .name = "zone", .plural = "zones", .depth = 2,
	  .path = "TENANT/ZONE", .help = "its networks use the relays that are in it" },
	{ KIND(token, TOKEN, token_fields), .name = "token", .plural = "tokens", .depth = 4,
	  .path = "TENANT/NETWORK/SUBNET/TOKEN", .help = "whoever has it may join its subnet" },
};

const size_t n_kinds = ARRAY_SIZE(kinds);

const struct kind *kind_by_name(const char *name)
{
	for (size_t i = 0; i < n_kinds; i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

const struct kind *kind_of(const Mmesh__V1__Object *object)
{
	for (size_t i = 0; i < n_kinds; i++)
		if (kinds[i].code == object->kind_case && object->tenant)
			return &kinds[i];
	return NULL;
}

const struct field *kind_field(const struct kind *kind, const char *word, unsigned int flags)
{
	for (size_t i = 0; i < kind->n_fields; i++)
		if (!strcmp(kind->field[i].word, word) && (kind->field[i].flags & flags) == flags)
			return &kind->field[i];
	return NULL;
}

void kind_words(char *ret, size_t size, const struct kind *kind, unsigned int flags)
{
	size_t len = 0;

	*ret = '\0';
	for (size_t i = 0; i < kind->n_fields; i++) {
		int n;

		if ((kind->field[i].flags & flags) != flags)
			continue;
		n = snprintf(ret + len, size - len, "%s%s", len ? ", " : "", kind->field[i].word);
		if (n < 0 || (size_t)n >= size - len)
			return;
		len += (size_t)n;
	}
}

int kind_check_path(const struct kind *kind, const char *path, struct error *err)
{
	unsigned int names = 0;

	for (const char *at = path;; at++) {
		size_t len = strcspn(at, "/");

		if (!field_is_name(at, len))
			return error_set(err, EINVAL,
					 "\"%s\": \"%.*s\" is not a name: 1 to 63 lower-case letters, "
					 "digits and inner \"-\"",
					 path, (int)len, at);
		names++;
		at += len;
		if (!*at)
			break;
	}
	if (names == kind->depth)
		return 0;
	return error_set(err, EINVAL, "\"%s\" has %u name%s; the path of a %s is %s", path, names,
			 names == 1 ? "" : "s", kind->name, kind->path);
}

static ProtobufCMessage *new_message(const ProtobufCMessageDescriptor *descriptor)
{
	ProtobufCMessage *msg = malloc(descriptor->sizeof_message);

	if (msg)
		protobuf_c_message_init(descriptor, msg);
	return msg;
}

Mmesh__V1__Object *kind_object(const struct kind *kind, const char *path)
{
	Mmesh__V1__Object *object =
		(Mmesh__V1__Object *)new_message(&mmesh__v1__object__descriptor);
	ProtobufCMessage *own = new_message(kind->descriptor);
	char *copy = strdup(path);

	if (!object || !own || !copy) {
		free(object);
		free(own);
		free(copy);
		return NULL;
	}
	object->path = copy;
	object->kind_case = kind->code;
	object->tenant = (Mmesh__V1__Tenant *)own;
	return object;
}
