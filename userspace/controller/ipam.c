// SPDX-License-Identifier: Apache-2.0
#include "ipam.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/sha.h>

#define HOST_MASK 0xffu

/* -- text ----------------------------------------------------------------------------------------- */

static void format_address(char *ret, size_t size, uint32_t address)
{
	(void)snprintf(ret, size, "%u.%u.%u.%u", address >> 24, address >> 16 & 0xff,
		       address >> 8 & 0xff, address & 0xff);
}

void ipam_format4(char ret[IPAM_TEXT_SIZE], uint32_t base, unsigned int length)
{
	char text[INET_ADDRSTRLEN];

	format_address(text, sizeof(text), base);
	if (length == 32)
		(void)snprintf(ret, IPAM_TEXT_SIZE, "%s", text);
	else
		(void)snprintf(ret, IPAM_TEXT_SIZE, "%s/%u", text, length);
}

static void format6(char ret[IPAM_TEXT_SIZE], uint64_t ula, uint32_t group, uint32_t host,
		    const char *length)
{
	struct in6_addr in = { 0 };
	char text[INET6_ADDRSTRLEN];

	in.s6_addr[0] = 0xfd;
	for (int i = 0; i < 5; i++)
		in.s6_addr[1 + i] = (uint8_t)(ula >> (32 - 8 * i));
	in.s6_addr[6] = (uint8_t)(group >> 8);
	in.s6_addr[7] = (uint8_t)group;
	for (int i = 0; i < 4; i++)
		in.s6_addr[12 + i] = (uint8_t)(host >> (24 - 8 * i));
	if (!inet_ntop(AF_INET6, &in, text, sizeof(text)))
		text[0] = '\0';
	(void)snprintf(ret, IPAM_TEXT_SIZE, "%s%s", text, length);
}

void ipam_format_ula(char ret[IPAM_TEXT_SIZE], uint64_t ula)
{
	format6(ret, ula, 0, 0, "/48");
}

void ipam_format_subnet6(char ret[IPAM_TEXT_SIZE], uint64_t ula, uint32_t number)
{
	format6(ret, ula, number + 1, 0, "/64");
}

void ipam_format_node6(char ret[IPAM_TEXT_SIZE], uint64_t ula, uint32_t number, uint32_t address)
{
	format6(ret, ula, number + 1, address, "");
}

int ipam_parse4(uint32_t *ret, const char *field, const char *text, struct error *err)
{
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) != 1)
		return error_set(err, EINVAL, "%s: '%.64s' is not an IPv4 address", field, text);
	*ret = ntohl(in.s_addr);
	return 0;
}

int ipam_parse_prefix4(uint32_t *ret_base, uint32_t *ret_length, const char *field,
		       const char *text, struct error *err)
{
	struct in_addr given;
	char address[INET_ADDRSTRLEN + 1] = "";
	struct prefix p;
	int r;

	r = prefix_parse(&p, text, err);
	if (r)
		return error_prefix(err, r, "%s: ", field);
	if (p.family != AF_INET)
		return error_set(err, EINVAL, "%s: %s is not an IPv4 prefix", field, text);
	(void)snprintf(address, sizeof(address), "%.*s", (int)strcspn(text, "/"), text);
	if (inet_pton(AF_INET, address, &given) != 1 || given.s_addr != p.ip4.s_addr) {
		char base[INET_ADDRSTRLEN];

		format_address(base, sizeof(base), ntohl(p.ip4.s_addr));
		return error_set(err, EINVAL,
				 "%s: %s has bits beyond its length: did you mean %s/%u?", field,
				 text, base, p.cidr);
	}
	*ret_base = ntohl(p.ip4.s_addr);
	*ret_length = p.cidr;
	return 0;
}

/* -- networks and subnets --------------------------------------------------------------------------- */

int ipam_ula(struct store *s, const char *network_id, uint64_t *ret, struct error *err)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	char text[sizeof("mmesh ula ") + ID_SIZE];
	int64_t taken;
	uint64_t ula = 0;
	int len, r;

	len = snprintf(text, sizeof(text), "mmesh ula %s", network_id);
	if (!SHA256((const unsigned char *)text, (size_t)len, hash))
		return error_oom(err);
	for (int i = 0; i < 5; i++)
		ula = ula << 8 | hash[i];
	r = store_int(s, &taken, err, "SELECT 1 FROM network WHERE ula = ?", "u", ula);
	if (r < 0)
		return r;
	if (r)
		return error_set(err, EEXIST, "prefix6: another network has it");
	*ret = ula;
	return 0;
}

int ipam_check_subnet(struct store *s, const struct object *network, uint32_t base,
		      struct error *err)
{
	uint32_t mask = ~0u << (32 - network->network.length);
	char text[IPAM_TEXT_SIZE], whole[IPAM_TEXT_SIZE];
	int64_t taken;
	int r;

	ipam_format4(text, base, SUBNET_LENGTH);
	if ((base & mask) != network->network.base) {
		ipam_format4(whole, network->network.base, network->network.length);
		return error_set(err, EINVAL, "subnet.prefix: %s is not within the network's %s",
				 text, whole);
	}
	r = store_int(s, &taken, err, "SELECT 1 FROM subnet WHERE network = ? AND base = ?", "si",
		      network->id, (int64_t)base);
	if (r < 0)
		return r;
	if (r)
		return error_set(err, EEXIST, "subnet.prefix: another subnet has %s", text);
	r = store_int(s, &taken, err, "SELECT 1 FROM grave WHERE network = ? AND base = ?", "si",
		      network->id, (int64_t)base);
	if (r < 0)
		return r;
	if (r)
		return error_set(err, EEXIST,
				 "subnet.prefix: %s was a subnet's that was deleted in the last 30 "
				 "days",
				 text);
	return 0;
}

/* Bits of the numbers, or of the n-th /24s, that are taken. */
struct taken {
	uint8_t number[MAX_SUBNETS];
	uint8_t slot[65536];
	unsigned int count;
};

static int read_taken(struct store *s, const struct object *network, struct taken *ret,
		      struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r;

	r = query_open(&q, s, err,
		       "SELECT number, base FROM subnet WHERE network = ?1"
		       " UNION SELECT number, base FROM grave WHERE network = ?1",
		       "s", network->id);
	while (!r && (r = query_next(&q, err)) == 1) {
		int64_t number = query_int(&q, 0);
		uint64_t slot = ((uint64_t)query_int(&q, 1) - network->network.base) >> 8;

		if (number >= 0 && number < MAX_SUBNETS)
			ret->number[number] = 1;
		if (slot < sizeof(ret->slot))
			ret->slot[slot] = 1;
		ret->count++;
		r = 0;
	}
	return r;
}

int ipam_place_subnet(struct store *s, const struct object *network, struct subnet *subnet,
		      const char *path, struct error *err)
{
	_cleanup_free_ struct taken *taken = calloc(1, sizeof(*taken));
	uint32_t slots = 1u << (SUBNET_LENGTH - network->network.length);
	uint32_t slot = 0;
	int r;

	if (!taken)
		return error_oom(err);
	r = read_taken(s, network, taken, err);
	if (r)
		return r;
	for (subnet->number = 0; subnet->number < MAX_SUBNETS; subnet->number++)
		if (!taken->number[subnet->number])
			break;
	if (subnet->number == MAX_SUBNETS)
		return error_set(err, EDQUOT, "network %s is full: %u of %u subnets are in use",
				 path, taken->count, MAX_SUBNETS);
	if (subnet->base)
		return ipam_check_subnet(s, network, subnet->base, err);
	while (slot < slots && taken->slot[slot])
		slot++;
	if (slot == slots)
		return error_set(err, EDQUOT, "network %s is full: all %u /24s of it are in use",
				 path, slots);
	subnet->base = network->network.base + (slot << 8);
	return 0;
}

/* -- nodes -------------------------------------------------------------------------------------------- */

/* Who has the host @address; @ret_other false when it is free or the node's own. */
static int check_pinned(struct store *s, const struct object *subnet, const char *node_id,
			uint32_t address, struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	char text[IPAM_TEXT_SIZE], whole[IPAM_TEXT_SIZE], owner[ID_SIZE];
	uint32_t host = address & HOST_MASK;
	int r;

	ipam_format4(text, address, 32);
	ipam_format4(whole, subnet->subnet.base, SUBNET_LENGTH);
	if ((address & ~HOST_MASK) != subnet->subnet.base)
		return error_set(err, EINVAL, "node.address: %s is not within the subnet's %s",
				 text, whole);
	if (host == 0 || host == HOST_MASK)
		return error_set(err, EINVAL, "node.address: %s is not a host's address in %s",
				 text, whole);
	r = query_open(&q, s, err,
		       "SELECT address.node, node.name FROM address LEFT JOIN node ON node.id = "
		       "address.node WHERE address.network = ? AND address.address = ?",
		       "si", subnet->parent, (int64_t)address);
	if (!r)
		r = query_next(&q, err);
	if (r <= 0)
		return r;
	query_text(&q, 0, owner, sizeof(owner));
	if (!strcmp(owner, node_id))
		return 0;
	query_text(&q, 1, whole, sizeof(whole));
	if (!owner[0])
		return error_set(err, EEXIST,
				 "node.address: %s was a node's that was deleted in the last 30 "
				 "days",
				 text);
	return error_set(err, EEXIST, "node.address: node %s has %s", whole, text);
}

static int find_free(struct store *s, const struct object *subnet, const char *path,
		     uint32_t *ret, struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	unsigned int used = 0, dead = 0;
	uint8_t taken[MAX_NODES + 2] = { 0 };
	int r;

	r = query_open(&q, s, err, "SELECT address, died FROM address WHERE subnet = ?", "s",
		       subnet->id);
	while (!r && (r = query_next(&q, err)) == 1) {
		taken[query_int(&q, 0) & HOST_MASK] = 1;
		used++;
		dead += query_int(&q, 1) != 0;
		r = 0;
	}
	if (r)
		return r;
	for (uint32_t host = 1; host <= MAX_NODES; host++) {
		if (!taken[host]) {
			*ret = subnet->subnet.base + host;
			return 0;
		}
	}
	if (dead)
		return error_set(err, EDQUOT,
				 "subnet %s is full: %u of %u addresses are in use, %u of them by "
				 "nodes that were deleted in the last 30 days",
				 path, used, MAX_NODES, dead);
	return error_set(err, EDQUOT, "subnet %s is full: %u of %u addresses are in use", path,
			 used, MAX_NODES);
}

int ipam_assign(struct store *s, const struct object *subnet, const char *node_id,
		struct node *node, const char *path, struct error *err)
{
	int r;

	for (uint32_t i = 0; i < node->addresses; i++) {
		r = check_pinned(s, subnet, node_id, node->address[i], err);
		if (r)
			return r;
	}
	if (!node->addresses) {
		r = find_free(s, subnet, path, &node->address[0], err);
		if (r)
			return r;
		node->addresses = 1;
	}
	r = store_exec(s, err, "DELETE FROM address WHERE node = ?", "s", node_id);
	for (uint32_t i = 0; !r && i < node->addresses; i++)
		r = store_exec(s, err, "INSERT INTO address VALUES (?, ?, ?, ?, ?, NULL)", "sissi",
			       subnet->parent, (int64_t)node->address[i], subnet->id, node_id,
			       (int64_t)i);
	return r;
}

int ipam_retire(struct store *s, const char *node_id, int64_t now, struct error *err)
{
	return store_exec(s, err, "UPDATE address SET node = NULL, died = ? WHERE node = ?", "is",
			  now, node_id);
}

int ipam_purge(struct store *s, int64_t before, struct error *err)
{
	int r = store_exec(s, err, "DELETE FROM address WHERE died < ?", "i", before);

	return r ? r : store_exec(s, err, "DELETE FROM grave WHERE died < ?", "i", before);
}
