// SPDX-License-Identifier: Apache-2.0
#include "controller.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>

#include "broker.h"
#include "delegation.h"
#include "endpoint.h"
#include "enrol-reply.h"
#include "permissions.h"
#include "publisher.h"
#include "token.h"

/* Bytes that a machine without a certificate may send in one message. */
enum { BEGIN_MAX = 256, JOIN_MAX = 16 * 1024, RENEW_MAX = 16 * 1024, REPORT_MAX = 256 * 1024 };

enum { AUDIT_ROWS = 1000000 };

#define OPERATORS (RPC_ALLOW_OWNER | RPC_ALLOW_CERTIFICATE)
#define NODES RPC_ALLOW_CERTIFICATE
#define NEWCOMERS (RPC_ALLOW_ANONYMOUS | RPC_ALLOW_CERTIFICATE)
#define UNARY(name_, allow_, type_, max_, fn_)                                                     \
	{ .name = "/mmesh.v1." name_, .allow = (allow_),                                           \
	  .request = &mmesh__v1__##type_##_request__descriptor, .request_max = (max_),             \
	  .unary = (fn_) }
#define STREAM(name_, allow_, type_, fn_)                                                          \
	{ .name = "/mmesh.v1." name_, .allow = (allow_),                                           \
	  .request = &mmesh__v1__##type_##_request__descriptor, .stream = (fn_) }

const struct rpc_method controller_methods[] = {
	UNARY("Enrolment/Begin", NEWCOMERS, begin, BEGIN_MAX, enrol_begin),
	UNARY("Enrolment/Join", NEWCOMERS, join, JOIN_MAX, enrol_join),
	UNARY("Enrolment/Renew", NODES | RPC_ALLOW_EXPIRED, renew, RENEW_MAX, enrol_renew),
	UNARY("Node/Pull", NODES, pull, 4096, node_pull),
	UNARY("Node/Report", NODES, report, REPORT_MAX, node_report),
	STREAM("Node/Watch", NODES, watch, node_watch),
	UNARY("Admin/List", OPERATORS, list, 4096, admin_list),
	UNARY("Admin/Get", OPERATORS, get, 4096, admin_get),
	UNARY("Admin/Put", OPERATORS, put, 0, admin_put),
	UNARY("Admin/Delete", OPERATORS, delete, 4096, admin_delete),
	UNARY("Admin/Apply", OPERATORS, apply, 0, admin_apply),
	UNARY("Admin/Export", OPERATORS, export, 4096, admin_export),
	STREAM("Admin/Watch", OPERATORS, list, admin_watch),
	UNARY("Admin/Backup", OPERATORS, backup, 8192, admin_backup),
};
const size_t controller_n_methods = ARRAY_SIZE(controller_methods);

/* -- what the model asks for ------------------------------------------------------------------------------ */

static int make_root(void *arg, const char *tenant, struct trust_key **ret, struct error *err)
{
	struct controller *c = arg;

	return keyring_make_root(&c->keys, tenant, ret, err);
}

static int get_root(void *arg, const char *tenant, struct trust_key **ret, struct error *err)
{
	struct controller *c = arg;

	return keyring_root(&c->keys, tenant, ret, err);
}

static int fill_token(struct controller *c, const struct tenant *tenant,
		      struct trust_token *token, struct error *err)
{
	_cleanup_(trust_key_unrefp) struct trust_key *root = NULL;
	char **controller = NULL;
	size_t n = 0;
	int r;

	r = trust_token_generate(token, err);
	if (!r)
		r = trust_key_from_spki(&root, tenant->root_key, tenant->root_key_len, err);
	if (!r)
		r = announced(c, c->port, &controller, &n, err);
	if (!r) {
		memcpy(token->ca, trust_key_fingerprint(trust_cert_key(c->keys.ca)),
		       sizeof(token->ca));
		memcpy(token->root, trust_key_fingerprint(root), sizeof(token->root));
	}
	for (size_t i = 0; i < n; i++) {
		if (!r && token->n_controllers < TRUST_TOKEN_CONTROLLERS)
			(void)snprintf(token->controller[token->n_controllers++],
				       TRUST_TOKEN_ADDRESS_SIZE, "%s", controller[i]);
		free(controller[i]);
	}
	free(controller);
	return r;
}

static int make_token(void *arg, const struct tenant *tenant, char **ret_secret,
		      char ret_id[ID_SIZE], struct trust_key **ret_key, struct error *err)
{
	struct controller *c = arg;
	struct trust_token token;
	int r;

	r = fill_token(c, tenant, &token, err);
	if (!r)
		r = trust_token_key(ret_key, &token, err);
	if (!r)
		r = trust_token_format(ret_secret, &token, err);
	if (!r)
		(void)snprintf(ret_id, ID_SIZE, "%s", token.id);
	trust_token_wipe(&token);
	return r;
}

/* -- showing --------------------------------------------------------------------------------------------- */

static int show_presence(struct controller *c, const struct object *o, Mmesh__V1__NodeObject *n,
			 struct error *err)
{
	const struct presence_node *p = presence_get(&c->presence, o->id);
	size_t room = p ? p->paths : 0;
	int r = 0;

	n->online = presence_online(&c->presence, o->id, (int64_t)time(NULL));
	if (!p)
		return 0;
	if (p->last_seen > n->last_seen)
		n->last_seen = p->last_seen;
	n->path = room ? calloc(room, sizeof(*n->path)) : NULL;
	if (room && !n->path)
		return error_oom(err);
	for (size_t i = 0; !r && i < room; i++) {
		Mmesh__V1__PeerPath *path = malloc(sizeof(*path));

		if (!path)
			return error_oom(err);
		mmesh__v1__peer_path__init(path);
		n->path[n->n_path++] = path;
		r = message_string(&path->peer, p->path[i].peer, err);
		if (!r)
			r = message_string(&path->path, p->path[i].path, err);
	}
	return r;
}

int controller_show(struct controller *c, const struct object *o, const char *path,
		    message_object **ret, struct error *err)
{
	int r = manage_show(&c->model, o, path, ret, err);

	if (!r && o->kind == KIND_NODE)
		r = show_presence(c, o, (*ret)->node, err);
	return r;
}

/* -- the first start --------------------------------------------------------------------------------------- */

static int put(struct change *ch, message_object *o, struct error *err)
{
	struct put_options options = { .create = true };
	struct put_result result = { 0 };
	int r = manage_put(ch, o, &options, &result, err);

	put_result_free(&result);
	return r;
}

/* What a newcomer needs so that a token is all that is left to make. */
static int make_defaults(struct change *ch, struct error *err)
{
	Mmesh__V1__Network network = MMESH__V1__NETWORK__INIT;
	Mmesh__V1__Tenant tenant = MMESH__V1__TENANT__INIT;
	Mmesh__V1__Subnet subnet = MMESH__V1__SUBNET__INIT;
	message_object o = MMESH__V1__OBJECT__INIT;
	Mmesh__V1__Zone zone = MMESH__V1__ZONE__INIT;
	int r;

	o.path = (char *)"default";
	o.kind_case = MMESH__V1__OBJECT__KIND_TENANT;
	o.tenant = &tenant;
	r = put(ch, &o, err);
	o.path = (char *)"default/main";
	o.kind_case = MMESH__V1__OBJECT__KIND_ZONE;
	o.zone = &zone;
	if (!r)
		r = put(ch, &o, err);
	o.kind_case = MMESH__V1__OBJECT__KIND_NETWORK;
	o.network = &network;
	network.prefix = (char *)"10.77.0.0/16";
	network.zone = (char *)"main";
	if (!r)
		r = put(ch, &o, err);
	o.path = (char *)"default/main/main";
	o.kind_case = MMESH__V1__OBJECT__KIND_SUBNET;
	o.subnet = &subnet;
	return r ? r : put(ch, &o, err);
}

/* A stored tenant stays as it is; a store without any is a new one. */
static int begin_model(struct controller *c, struct error *err)
{
	_cleanup_change_ struct change ch = { 0 };
	int64_t one;
	int r;

	r = change_begin(&ch, &c->model, "start", err);
	if (!r)
		r = store_int(ch.s, &one, err, "SELECT 1 FROM meta WHERE key = 'begun'", "");
	if (r == 0) {
		r = make_defaults(&ch, err);
		if (!r)
			r = store_meta_set(ch.s, "begun", "1", 1, err);
		if (!r)
			log_info("made tenant default, network main (10.77.0.0/16), subnet main");
	}
	return r < 0 ? r : change_commit(&ch, err);
}

/* -- starting ------------------------------------------------------------------------------------------------ */

static int make_directory(const char *path, mode_t mode, struct error *err)
{
	if (mkdir(path, mode) && errno != EEXIST)
		return error_set(err, errno, "%s: %s", path, strerror(errno));
	return 0;
}

/* One controller a directory. */
static int lock_directory(struct controller *c, struct error *err)
{
	char path[CONFIG_PATH + 32];
	int r;

	/* The broker, which may be another user's process, has a folder in it. */
	r = make_directory(c->config.directory, 0711, err);
	(void)snprintf(path, sizeof(path), "%s/broker", c->config.directory);
	if (!r)
		r = make_directory(path, 0755, err);
	if (r)
		return r;
	(void)snprintf(path, sizeof(path), "%s/lock", c->config.directory);
	c->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (c->lock_fd < 0)
		return error_set(err, errno, "%s: %s", path, strerror(errno));
	if (flock(c->lock_fd, LOCK_EX | LOCK_NB))
		return error_set(err, EBUSY, "%s: another controller runs here",
				 c->config.directory);
	return 0;
}

static int open_keys(struct controller *c, struct error *err)
{
	const char *names[CONFIG_ANNOUNCE + 4] = { "localhost", "127.0.0.1", "::1" };
	size_t n = 3;

	for (unsigned int i = 0; i < c->config.n_announce; i++)
		names[n++] = c->config.announce[i];
	return keyring_open(&c->keys, c->config.directory,
			    c->config.unlock[0] ? c->config.unlock : NULL, true, names,
			    (int64_t)time(NULL), err);
}

static int open_model(struct controller *c, struct error *err)
{
	char path[CONFIG_PATH + 32];
	int r;

	(void)snprintf(path, sizeof(path), "%s/store.db", c->config.directory);
	r = store_open(&c->model.store, path, true, err);
	if (r)
		return r;
	c->model.signer = c->keys.signer;
	c->model.make_root = make_root;
	c->model.get_root = get_root;
	c->model.make_token = make_token;
	c->model.committed = feed_committed;
	c->model.arg = c;
	return 0;
}

static void rpc_log(void *user, int priority, const char *text)
{
	enum log_level level = LOG_LEVEL_DEBUG;

	(void)user;
	if (priority <= LOG_ERR)
		level = LOG_LEVEL_ERROR;
	else if (priority <= LOG_WARNING)
		level = LOG_LEVEL_WARNING;
	else if (priority <= LOG_INFO)
		level = LOG_LEVEL_INFO;
	log_line(level, "rpc: %s", text);
}

static int make_parent(const char *path, struct error *err)
{
	_cleanup_free_ char *parent = strdup(path);
	char *end = parent ? strrchr(parent, '/') : NULL;

	if (!parent)
		return error_oom(err);
	if (!end || end == parent)
		return 0;
	*end = '\0';
	return make_directory(parent, 0755, err);
}

static int start_server(struct controller *c, struct error *err)
{
	const char *listen[CONFIG_LISTEN + 1] = { 0 };
	char directory[CONFIG_PATH + 32];
	struct rpc_server_config config = {
		.methods = controller_methods,
		.n_methods = controller_n_methods,
		.user = c,
		.directory = directory,
		.unix_path = c->config.socket,
		.listen = listen,
		.key = c->keys.server_key,
		.cert = c->keys.server,
		.ca = c->keys.ca,
		.handshakes_per_second = c->config.handshakes,
		.sessions_per_source = 2 * c->config.handshakes,
		.log = rpc_log,
	};
	int r;

	(void)snprintf(directory, sizeof(directory), "%s/rpc", c->config.directory);
	for (unsigned int i = 0; i < c->config.n_listen; i++)
		listen[i] = c->config.listen[i];
	r = make_parent(c->config.socket, err);
	if (r)
		return r;
	/* Handlers wait until the server and its port are known. */
	model_lock(&c->model);
	r = rpc_server_start(&c->server, &config, err);
	if (!r)
		c->port = rpc_server_port(c->server, 0);
	model_unlock(&c->model);
	return r;
}

/* The port that tokens name is known before anyone can ask for one: it was given, or the server has it. */
static int know_port(struct controller *c, struct error *err)
{
	struct endpoint_name name;
	int r = endpoint_split(&name, c->config.listen[0], err);

	c->port = r ? 0 : name.port;
	return r;
}

int controller_start(struct controller *c, struct error *err)
{
	int r;

	c->lock_fd = -1;
	if (pthread_mutex_init(&c->model.lock, NULL))
		return error_oom(err);
	r = know_port(c, err);
	if (!r)
		r = lock_directory(c, err);
	if (!r)
		r = open_keys(c, err);
	if (!r)
		r = open_model(c, err);
	if (!r)
		r = begin_model(c, err);
	if (!r)
		r = permissions_write(c, err);
	if (!r)
		r = start_server(c, err);
	if (r)
		return r;
	controller_maintain(c);
	return 0;
}

void controller_stop(struct controller *c)
{
	/* Watchers' streams end before the server that they are of. */
	model_lock(&c->model);
	feed_free(&c->feed);
	model_unlock(&c->model);
	c->server = rpc_server_stop(c->server, 500);
	c->publisher = publisher_stop(c->publisher);
	/* Heads that were signed meanwhile. */
	feed_free(&c->feed);
	presence_free(&c->presence);
	if (c->model.store.db)
		store_close(&c->model.store);
	keyring_close(&c->keys);
	(void)pthread_mutex_destroy(&c->model.lock);
	if (c->lock_fd >= 0)
		(void)close(c->lock_fd);
}

/* -- now and then ---------------------------------------------------------------------------------------------- */

static int renew_delegations(struct change *ch, struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	char id[ID_SIZE];
	int r;

	r = query_open(&q, ch->s, err, "SELECT id FROM tenant", "");
	while (!r && (r = query_next(&q, err)) == 1) {
		query_text(&q, 0, id, sizeof(id));
		r = delegation_renew_controller(ch, id, err);
		if (r)
			log_warning("%s", err->text);
		r = 0;
	}
	return r;
}

/* What grows with time alone. */
static int purge(struct change *ch, struct error *err)
{
	int64_t long_ago = ch->now - TOMBSTONE_SECONDS;
	int r = stream_purge(ch->s, long_ago, err);

	if (!r)
		r = store_exec(ch->s, err, "DELETE FROM revoked WHERE not_after < ?", "i",
			       ch->now - TRUST_CLOCK_SKEW);
	if (!r)
		r = store_exec(ch->s, err, "DELETE FROM token WHERE expires < ?", "i", long_ago);
	/* The key of a token is needed as long as a node shows its statement. */
	if (!r)
		r = store_exec(ch->s, err,
			       "DELETE FROM delegation WHERE role = 2 AND not_after < ?"
			       " AND lower(hex(key_id)) NOT IN (SELECT token FROM node)",
			       "i", long_ago);
	if (!r)
		r = store_exec(ch->s, err,
			       "DELETE FROM certificate WHERE operator IS NOT NULL AND not_after < ?",
			       "i", long_ago);
	if (!r)
		r = store_exec(ch->s, err,
			       "DELETE FROM audit WHERE number <= (SELECT max(number) FROM audit) - ?",
			       "i", (int64_t)AUDIT_ROWS);
	return r;
}

void controller_maintain(struct controller *c)
{
	_cleanup_change_ struct change ch = { 0 };
	struct error err;
	int r;

	r = change_begin(&ch, &c->model, "upkeep", &err);
	if (!r)
		r = renew_delegations(&ch, &err);
	if (!r)
		r = purge(&ch, &err);
	if (!r)
		r = change_commit(&ch, &err);
	if (r)
		log_error("upkeep: %s", err.text);
}

void controller_tell_heads(struct controller *c)
{
	model_lock(&c->model);
	feed_heads(c);
	model_unlock(&c->model);
}
