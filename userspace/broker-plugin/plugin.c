// SPDX-License-Identifier: Apache-2.0
/*
 * mosquitto's plugin: who may read and write which topics, computed from the
 * client's certificate (CN the node, O its tenant, OU its network and subnet).
 * A node reads heads and deltas of its network's own stream and of its subnet's,
 * and of the network's other subnets where the controller's file says so; it writes
 * its own presence. The file also names nodes that are gone; nothing else is kept.
 */
#include <errno.h>
#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ID_LEN = 32, LINE_SIZE = 64, NAME_SIZE = 4 * (ID_LEN + 1) };

static const char controller[] = "controller";

/* Lines of the file, sorted. */
struct permissions {
	char *path;
	char (*line)[LINE_SIZE];
	size_t lines;
	struct stat seen;
	bool loaded;
};

static mosquitto_plugin_id_t *plugin_id;
static struct permissions permissions;

/* -- the file ------------------------------------------------------------------------------------------ */

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool read_lines(struct permissions *p, FILE *in)
{
	char (*list)[LINE_SIZE] = NULL;
	char line[LINE_SIZE];
	size_t n = 0, room = 0;

	while (fgets(line, sizeof(line), in)) {
		if (n == room) {
			char (*grown)[LINE_SIZE];

			room = room ? 2 * room : 64;
			grown = reallocarray(list, room, sizeof(*list));
			if (!grown) {
				free(list);
				return false;
			}
			list = grown;
		}
		line[strcspn(line, "\n")] = '\0';
		memcpy(list[n++], line, sizeof(line));
	}
	if (n)
		qsort(list, n, sizeof(*list), by_text);
	free(p->line);
	p->line = list;
	p->lines = n;
	return true;
}

/* The file is replaced as a whole: another one is there when its number, size or time differ. */
static bool refresh(struct permissions *p)
{
	struct stat st;
	FILE *in;

	if (stat(p->path, &st))
		return false;
	if (p->loaded && st.st_ino == p->seen.st_ino && st.st_size == p->seen.st_size &&
	    st.st_mtim.tv_sec == p->seen.st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == p->seen.st_mtim.tv_nsec)
		return true;
	in = fopen(p->path, "re");
	if (!in)
		return false;
	p->loaded = !fstat(fileno(in), &st) && read_lines(p, in);
	p->seen = st;
	(void)fclose(in);
	return p->loaded;
}

/* Does the file have "WORD ID"? */
static bool has_line(const struct permissions *p, const char *word, const char *id)
{
	char line[LINE_SIZE];

	(void)snprintf(line, sizeof(line), "%s %.*s", word, ID_LEN, id);
	return p->lines && bsearch(line, p->line, p->lines, sizeof(*p->line), by_text);
}

/* -- who ------------------------------------------------------------------------------------------------- */

static bool is_id(const char *text, char end)
{
	return strspn(text, "0123456789abcdef") == ID_LEN && text[ID_LEN] == end;
}

/* The @n-th entry of a kind, when it is there and an id. */
static bool subject_id(const X509_NAME *name, int nid, int n, char ret[ID_LEN + 1])
{
	const ASN1_STRING *value;
	int at = -1;

	for (int i = 0; i <= n; i++) {
		at = X509_NAME_get_index_by_NID((X509_NAME *)name, nid, at);
		if (at < 0)
			return false;
	}
	value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
	if (ASN1_STRING_length(value) != ID_LEN)
		return false;
	memcpy(ret, ASN1_STRING_get0_data(value), ID_LEN);
	ret[ID_LEN] = '\0';
	return is_id(ret, '\0');
}

static bool is_controller(const X509_NAME *name)
{
	static const char cn[] = "mmesh-controller";
	char text[sizeof(cn) + 1];

	return X509_NAME_get_index_by_NID((X509_NAME *)name, NID_organizationName, -1) < 0 &&
	       X509_NAME_get_text_by_NID((X509_NAME *)name, NID_commonName, text, sizeof(text)) ==
		       (int)sizeof(cn) - 1 &&
	       !strcmp(text, cn);
}

/* "TENANT/NETWORK/SUBNET/NODE" becomes the client's name; false: it is nobody. */
static bool name_client(const X509 *cert, char ret[NAME_SIZE])
{
	char tenant[ID_LEN + 1], network[ID_LEN + 1], subnet[ID_LEN + 1], node[ID_LEN + 1];
	const X509_NAME *name = X509_get_subject_name(cert);

	if (is_controller(name)) {
		(void)snprintf(ret, NAME_SIZE, "%s", controller);
		return true;
	}
	if (!subject_id(name, NID_organizationName, 0, tenant) ||
	    !subject_id(name, NID_organizationalUnitName, 0, network) ||
	    !subject_id(name, NID_organizationalUnitName, 1, subnet) ||
	    !subject_id(name, NID_commonName, 0, node))
		return false;
	(void)snprintf(ret, NAME_SIZE, "%s/%s/%s/%s", tenant, network, subnet, node);
	return true;
}

/* A client's id is its node's, so that nobody takes another's session over. */
static int on_connect(int event, void *data, void *user)
{
	struct mosquitto_evt_basic_auth *e = data;
	X509 *cert = mosquitto_client_certificate(e->client);
	const char *id = mosquitto_client_id(e->client);
	char name[NAME_SIZE];
	const char *node;
	bool known;

	(void)event;
	(void)user;
	known = cert && name_client(cert, name);
	X509_free(cert);
	if (!known || !id)
		return MOSQ_ERR_AUTH;
	if (strcmp(name, controller)) {
		node = strrchr(name, '/') + 1;
		if (strcmp(id, node) || !refresh(&permissions) ||
		    has_line(&permissions, "gone", node))
			return MOSQ_ERR_AUTH;
	}
	return mosquitto_set_username(e->client, name) == MOSQ_ERR_SUCCESS ? MOSQ_ERR_SUCCESS :
									     MOSQ_ERR_AUTH;
}

/* -- what ------------------------------------------------------------------------------------------------ */

/* A client's name taken apart; each part ends with '/' or the text. */
struct client {
	const char *tenant, *network, *subnet, *node;
};

static bool split_name(const char *name, struct client *ret)
{
	*ret = (struct client){ name, name + ID_LEN + 1, name + 2 * (ID_LEN + 1),
				name + 3 * (ID_LEN + 1) };
	return strlen(name) == NAME_SIZE - 1 && is_id(ret->tenant, '/') &&
	       is_id(ret->network, '/') && is_id(ret->subnet, '/') && is_id(ret->node, '\0');
}

/* Behind "mmesh/1/TENANT/NETWORK/", when the topic begins with the client's own. */
static const char *own_network(const struct client *c, const char *topic)
{
	static const char prefix[] = "mmesh/1/";
	const size_t len = 2 * (ID_LEN + 1);

	if (strncmp(topic, prefix, sizeof(prefix) - 1))
		return NULL;
	topic += sizeof(prefix) - 1;
	return strncmp(topic, c->tenant, len) ? NULL : topic + len;
}

static bool may_read(const struct client *c, const char *topic)
{
	const char *stream = own_network(c, topic);

	if (!stream || !is_id(stream, '/'))
		return false;
	if (strcmp(stream + ID_LEN + 1, "head") && strcmp(stream + ID_LEN + 1, "delta"))
		return false;
	if (!strncmp(stream, c->network, ID_LEN) || !strncmp(stream, c->subnet, ID_LEN))
		return true;
	return has_line(&permissions, "routed", c->network) ||
	       has_line(&permissions, "relay", c->node);
}

static bool may_write(const struct client *c, const char *topic)
{
	const char *stream = own_network(c, topic);
	char own[NAME_SIZE];

	(void)snprintf(own, sizeof(own), "%.*s/presence/%s", ID_LEN, c->subnet, c->node);
	return stream && !strcmp(stream, own);
}

static int on_access(int event, void *data, void *user)
{
	struct mosquitto_evt_acl_check *e = data;
	const char *name = mosquitto_client_username(e->client);
	struct client c;
	bool may;

	(void)event;
	(void)user;
	if (!name || !e->topic)
		return MOSQ_ERR_ACL_DENIED;
	if (!strcmp(name, controller))
		return e->topic[0] == '$' ? MOSQ_ERR_ACL_DENIED : MOSQ_ERR_SUCCESS;
	if (!split_name(name, &c) || !refresh(&permissions) ||
	    has_line(&permissions, "gone", c.node))
		return MOSQ_ERR_ACL_DENIED;
	switch (e->access) {
	case MOSQ_ACL_SUBSCRIBE:
	case MOSQ_ACL_READ:
		may = may_read(&c, e->topic);
		break;
	case MOSQ_ACL_WRITE:
		may = may_write(&c, e->topic);
		break;
	case MOSQ_ACL_UNSUBSCRIBE:
		may = true;
		break;
	default:
		may = false;
		break;
	}
	return may ? MOSQ_ERR_SUCCESS : MOSQ_ERR_ACL_DENIED;
}

/* -- mosquitto's side ------------------------------------------------------------------------------------- */

int mosquitto_plugin_version(int n, const int *versions)
{
	for (int i = 0; i < n; i++)
		if (versions[i] == 5)
			return 5;
	return -1;
}

int mosquitto_plugin_init(mosquitto_plugin_id_t *id, void **user, struct mosquitto_opt *option,
			  int n)
{
	int status;

	(void)user;
	plugin_id = id;
	for (int i = 0; i < n; i++) {
		if (strcmp(option[i].key, "permissions"))
			continue;
		free(permissions.path);
		permissions.path = strdup(option[i].value);
	}
	if (!permissions.path)
		return MOSQ_ERR_INVAL;
	status = mosquitto_callback_register(id, MOSQ_EVT_BASIC_AUTH, on_connect, NULL, NULL);
	if (!status)
		status = mosquitto_callback_register(id, MOSQ_EVT_ACL_CHECK, on_access, NULL, NULL);
	return status;
}

int mosquitto_plugin_cleanup(void *user, struct mosquitto_opt *option, int n)
{
	(void)user;
	(void)option;
	(void)n;
	(void)mosquitto_callback_unregister(plugin_id, MOSQ_EVT_BASIC_AUTH, on_connect, NULL);
	(void)mosquitto_callback_unregister(plugin_id, MOSQ_EVT_ACL_CHECK, on_access, NULL);
	free(permissions.path);
	free(permissions.line);
	permissions = (struct permissions){ 0 };
	return MOSQ_ERR_SUCCESS;
}
