// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>
#include <yaml.h>

#include "endpoint.h"
#include "number.h"

static const char default_listen[] = "0.0.0.0:7443";

void config_init(struct config *ret)
{
	*ret = (struct config){
		.directory = CONFIG_DIRECTORY,
		.broker = "0.0.0.0:8883",
		.socket = CONFIG_SOCKET,
		.mosquitto = "mosquitto",
		.log = "info",
		.handshakes = 10,
	};
}

/* -- words ---------------------------------------------------------------------------------------------- */

static int set_text(char *to, size_t size, const char *word, const char *value, struct error *err)
{
	if (!*value || strlen(value) >= size)
		return error_set(err, EINVAL, "%s: '%.40s' is empty or too long", word, value);
	(void)snprintf(to, size, "%s", value);
	return 0;
}

static int check_address(const char *word, const char *value, struct error *err)
{
	struct endpoint_name name;
	union endpoint ep;
	int r = endpoint_split(&name, value, err);

	/* All addresses are no host's. */
	if (!r && strcmp(name.host, "0.0.0.0") && strcmp(name.host, "::"))
		r = endpoint_resolve_numeric(&ep, &name, err);
	return r ? error_prefix(err, r, "%s: ", word) : 0;
}

static int set_listen(struct config *c, const char *value, struct error *err)
{
	int r = check_address("listen", value, err);

	if (r)
		return r;
	if (c->n_listen == CONFIG_LISTEN)
		return error_set(err, EINVAL, "listen: more than %d addresses", CONFIG_LISTEN);
	return set_text(c->listen[c->n_listen++], CONFIG_TEXT, "listen", value, err);
}

static int set_broker(struct config *c, const char *value, struct error *err)
{
	int r = strcmp(value, "none") ? check_address("broker", value, err) : 0;

	return r ? r : set_text(c->broker, sizeof(c->broker), "broker", value, err);
}

static int set_announce(struct config *c, const char *value, struct error *err)
{
	if (c->n_announce == CONFIG_ANNOUNCE)
		return error_set(err, EINVAL, "announce: more than %d hosts", CONFIG_ANNOUNCE);
	if (strpbrk(value, "/ ") || strlen(value) > 100)
		return error_set(err, EINVAL, "announce: '%.40s' is no host", value);
	return set_text(c->announce[c->n_announce++], CONFIG_TEXT, "announce", value, err);
}

static int set_log(struct config *c, const char *value, struct error *err)
{
	static const char *const levels[] = { "error", "warning", "info", "debug" };

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		if (!strcmp(value, levels[i]))
			return set_text(c->log, sizeof(c->log), "log", value, err);
	return error_set(err, EINVAL, "log: '%.40s' is not error, warning, info or debug", value);
}

static int set_handshakes(struct config *c, const char *value, struct error *err)
{
	uint64_t n;
	int r = number_parse(&n, value, 100000, err);

	if (r || !n)
		return error_set(err, EINVAL, "handshakes: '%.40s' is not 1 to 100000", value);
	c->handshakes = (uint32_t)n;
	return 0;
}

int config_set(struct config *c, const char *word, const char *value, struct error *err)
{
	if (!strcmp(word, "directory"))
		return set_text(c->directory, sizeof(c->directory), word, value, err);
	if (!strcmp(word, "listen"))
		return set_listen(c, value, err);
	if (!strcmp(word, "broker"))
		return set_broker(c, value, err);
	if (!strcmp(word, "announce"))
		return set_announce(c, value, err);
	if (!strcmp(word, "socket"))
		return set_text(c->socket, sizeof(c->socket), word, value, err);
	if (!strcmp(word, "unlock"))
		return set_text(c->unlock, sizeof(c->unlock), word, value, err);
	if (!strcmp(word, "plugin"))
		return set_text(c->plugin, sizeof(c->plugin), word, value, err);
	if (!strcmp(word, "mosquitto"))
		return set_text(c->mosquitto, sizeof(c->mosquitto), word, value, err);
	if (!strcmp(word, "log"))
		return set_log(c, value, err);
	if (!strcmp(word, "handshakes"))
		return set_handshakes(c, value, err);
	return error_set(err, EINVAL,
			 "'%.40s' is none of directory, listen, broker, announce, socket, unlock, "
			 "plugin, mosquitto, log, handshakes",
			 word);
}

/* -- YAML -------------------------------------------------------------------------------------------------- */

static int read_list(struct config *c, yaml_document_t *doc, const char *word, yaml_node_t *list,
		     struct error *err)
{
	yaml_node_item_t *at;

	if (strcmp(word, "listen") && strcmp(word, "announce"))
		return error_set(err, EINVAL, "%s: takes one value, not a list", word);
	for (at = list->data.sequence.items.start; at < list->data.sequence.items.top; at++) {
		yaml_node_t *n = yaml_document_get_node(doc, *at);
		int r;

		if (!n || n->type != YAML_SCALAR_NODE)
			return error_set(err, EINVAL, "%s: is not a list of texts", word);
		r = config_set(c, word, (const char *)n->data.scalar.value, err);
		if (r)
			return r;
	}
	return 0;
}

static int read_mapping(struct config *c, yaml_document_t *doc, yaml_node_t *map,
			struct error *err)
{
	yaml_node_pair_t *at;

	for (at = map->data.mapping.pairs.start; at < map->data.mapping.pairs.top; at++) {
		yaml_node_t *key = yaml_document_get_node(doc, at->key);
		yaml_node_t *value = yaml_document_get_node(doc, at->value);
		const char *word;
		int r;

		if (!key || !value || key->type != YAML_SCALAR_NODE)
			return error_set(err, EINVAL, "a key is not a word");
		word = (const char *)key->data.scalar.value;
		if (value->type == YAML_SEQUENCE_NODE)
			r = read_list(c, doc, word, value, err);
		else if (value->type == YAML_SCALAR_NODE)
			r = config_set(c, word, (const char *)value->data.scalar.value, err);
		else
			r = error_set(err, EINVAL, "%.40s: is neither a text nor a list", word);
		if (r)
			return error_prefix(err, r, "line %zu: ", key->start_mark.line + 1);
	}
	return 0;
}

static int read_document(struct config *c, FILE *in, struct error *err)
{
	yaml_parser_t parser;
	yaml_document_t doc;
	yaml_node_t *root;
	int r = 0;

	if (!yaml_parser_initialize(&parser))
		return error_oom(err);
	yaml_parser_set_input_file(&parser, in);
	if (!yaml_parser_load(&parser, &doc)) {
		r = error_set(err, EINVAL, "line %zu: %s", parser.problem_mark.line + 1,
			      parser.problem ? parser.problem : "is not YAML");
		yaml_parser_delete(&parser);
		return r;
	}
	root = yaml_document_get_root_node(&doc);
	if (root && root->type != YAML_MAPPING_NODE)
		r = error_set(err, EINVAL, "is not a mapping of words to values");
	else if (root)
		r = read_mapping(c, &doc, root, err);
	yaml_document_delete(&doc);
	yaml_parser_delete(&parser);
	return r;
}

int config_read(struct config *ret, const char *path, struct error *err)
{
	_cleanup_fclose_ FILE *in = fopen(path, "re");
	int r;

	if (!in)
		return error_set(err, errno, "%s: %s", path, strerror(errno));
	config_init(ret);
	r = read_document(ret, in, err);
	return r ? error_prefix(err, r, "%s: ", path) : 0;
}

/* -- what is left -------------------------------------------------------------------------------------------- */

static bool is_any(const char *address)
{
	return !strncmp(address, "0.0.0.0:", 8) || !strncmp(address, "[::]:", 5);
}

/* The first address that others may reach: of an interface that is up and not the loopback. */
static void find_own_address(char ret[CONFIG_TEXT])
{
	struct ifaddrs *all, *i;

	(void)snprintf(ret, CONFIG_TEXT, "127.0.0.1");
	if (getifaddrs(&all))
		return;
	for (i = all; i; i = i->ifa_next) {
		struct sockaddr_in in;

		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET ||
		    !(i->ifa_flags & IFF_UP) || i->ifa_flags & IFF_LOOPBACK)
			continue;
		memcpy(&in, i->ifa_addr, sizeof(in));
		if (inet_ntop(AF_INET, &in.sin_addr, ret, CONFIG_TEXT))
			break;
	}
	freeifaddrs(all);
}

int config_complete(struct config *c, struct error *err)
{
	struct endpoint_name name;
	int r;

	if (!c->n_listen) {
		r = config_set(c, "listen", default_listen, err);
		if (r)
			return r;
	}
	if (c->n_announce)
		return 0;
	if (is_any(c->listen[0])) {
		find_own_address(c->announce[0]);
	} else {
		r = endpoint_split(&name, c->listen[0], err);
		if (r)
			return r;
		(void)snprintf(c->announce[0], CONFIG_TEXT, "%.100s", name.host);
	}
	c->n_announce = 1;
	return 0;
}
