// SPDX-License-Identifier: Apache-2.0
/* A membership's directory: writing, and reading back without believing it. */
#include <dirent.h>
#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "log.h"
#include "member.h"

typedef Mmesh__V1__PullReply PullReply;

#define CONTEXT_MEMBERSHIP "membership"

enum { MAX_FILE = 64 * 1024 * 1024 };

static void json_putp(json_object **o)
{
	json_object_put(*o);
}

static void pull_reply_freep(PullReply **reply)
{
	mmesh__v1__pull_reply__free_unpacked(*reply, NULL);
}

static char *path_of(const struct member *member, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", member->dir, name) < 0 ? NULL : path;
}

/* -- membership ---------------------------------------------------------------------------------- */

static void put_string(json_object *o, const char *key, const char *value)
{
	(void)json_object_object_add(o, key, json_object_new_string(value));
}

static void put_number(json_object *o, const char *key, uint64_t value)
{
	(void)json_object_object_add(o, key, json_object_new_uint64(value));
}

static void put_list(json_object *o, const char *key, const member_address *item, size_t n)
{
	json_object *list = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		(void)json_object_array_add(list, json_object_new_string(item[i]));
	(void)json_object_object_add(o, key, list);
}

static json_object *to_json(const struct member *member, const char *mesh_public)
{
	json_object *o = json_object_new_object();

	if (!o)
		return NULL;
	put_string(o, "device", member->device);
	put_string(o, "node", member->node);
	put_string(o, "tenant", member->tenant);
	put_string(o, "network", member->network);
	put_string(o, "subnet", member->subnet);
	put_string(o, "name", member->name);
	put_string(o, "tenant_name", member->tenant_name);
	put_string(o, "mesh_key", mesh_public);
	put_number(o, "listen_port", member->options.listen_port);
	put_number(o, "table", member->options.table);
	(void)json_object_object_add(o, "up", json_object_new_boolean(member->options.up));
	put_list(o, "endpoint", member->extra, member->n_extra);
	put_list(o, "controller", member->controller, member->n_controllers);
	put_list(o, "broker", member->broker, member->n_brokers);
	return o;
}

static int write_file(const struct member *member, const char *name, const void *data, size_t len,
		      struct error *err)
{
	_cleanup_free_ char *path = path_of(member, name);

	return path ? file_write(path, data, len, 0600, err) : error_oom(err);
}

static int read_file(const struct member *member, const char *name, uint8_t **ret, size_t *ret_len,
		     struct error *err)
{
	_cleanup_free_ char *path = path_of(member, name);

	return path ? file_read(ret, ret_len, path, MAX_FILE, err) : error_oom(err);
}

static int write_packed(const struct member *member, const char *name,
			const ProtobufCMessage *message, struct error *err)
{
	size_t len = protobuf_c_message_get_packed_size(message);
	_cleanup_free_ uint8_t *packed = malloc(len + 1);

	if (!packed)
		return error_oom(err);
	(void)protobuf_c_message_pack(message, packed);
	return write_file(member, name, packed, len, err);
}

void signed_copy_freep(Mmesh__V1__Signed **s)
{
	mmesh__v1__signed__free_unpacked(*s, NULL);
}

int member_save(struct member *member, struct error *err)
{
	_cleanup_(signed_copy_freep) Mmesh__V1__Signed *s = NULL;
	_cleanup_(json_putp) json_object *o = NULL;
	uint8_t public[KEY_LEN];
	char text[KEY_TEXT_SIZE];
	const char *json;
	int r;

	r = key_public(public, member->options.private_key, err);
	if (r < 0)
		return r;
	key_format(text, public);
	o = to_json(member, text);
	json = o ? json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY) : NULL;
	if (!json)
		return error_oom(err);
	r = trust_sign_bytes(&s, member->identity, CONTEXT_MEMBERSHIP, json, strlen(json), err);
	return r < 0 ? r : write_packed(member, "membership", &s->base, err);
}

static bool get_string(json_object *o, const char *key, char *ret, size_t size)
{
	json_object *value;
	const char *text;

	if (!json_object_object_get_ex(o, key, &value))
		return false;
	text = json_object_get_string(value);
	return text && (size_t)snprintf(ret, size, "%s", text) < size;
}

static uint64_t get_number(json_object *o, const char *key)
{
	json_object *value;

	return json_object_object_get_ex(o, key, &value) ? json_object_get_uint64(value) : 0;
}

static size_t get_list(json_object *o, const char *key, member_address *ret, size_t max)
{
	json_object *list;
	size_t n = 0;

	if (!json_object_object_get_ex(o, key, &list) ||
	    !json_object_is_type(list, json_type_array))
		return 0;
	for (size_t i = 0; i < json_object_array_length(list) && n < max; i++) {
		const char *text = json_object_get_string(json_object_array_get_idx(list, i));

		if (text && (size_t)snprintf(ret[n], sizeof(ret[n]), "%s", text) < sizeof(ret[n]))
			n++;
	}
	return n;
}

static int from_json(struct member *member, json_object *o, struct error *err)
{
	char device[IF_NAMESIZE], text[KEY_TEXT_SIZE], wanted[KEY_TEXT_SIZE];
	uint8_t public[KEY_LEN];
	int r;

	if (!get_string(o, "device", device, sizeof(device)) || strcmp(device, member->device))
		return error_set(err, EBADMSG, "membership: it is another device's");
	if (!get_string(o, "node", member->node, sizeof(member->node)) ||
	    !get_string(o, "tenant", member->tenant, sizeof(member->tenant)) ||
	    !get_string(o, "network", member->network, sizeof(member->network)) ||
	    !get_string(o, "subnet", member->subnet, sizeof(member->subnet)) ||
	    !get_string(o, "name", member->name, sizeof(member->name)) ||
	    !get_string(o, "tenant_name", member->tenant_name, sizeof(member->tenant_name)) ||
	    !get_string(o, "mesh_key", wanted, sizeof(wanted)))
		return error_set(err, EBADMSG, "membership: something is missing");
	r = key_public(public, member->options.private_key, err);
	if (r < 0)
		return r;
	key_format(text, public);
	if (strcmp(text, wanted))
		return error_set(err, EBADMSG, "mesh.key: it is not this membership's");
	member->options.listen_port = (uint16_t)get_number(o, "listen_port");
	member->options.table = (uint32_t)get_number(o, "table");
	member->options.up = get_number(o, "up");
	member->n_extra = get_list(o, "endpoint", member->extra, MEMBER_MAX_ENDPOINTS);
	member->n_controllers = get_list(o, "controller", member->controller, MEMBER_MAX_SERVERS);
	member->n_brokers = get_list(o, "broker", member->broker, MEMBER_MAX_SERVERS);
	return 0;
}

static int read_signed(const struct member *member, const char *name, Mmesh__V1__Signed **ret,
		       struct error *err)
{
	_cleanup_free_ uint8_t *packed = NULL;
	size_t len;
	int r;

	r = read_file(member, name, &packed, &len, err);
	return r < 0 ? r : trust_signed_unpack(ret, packed, len, err);
}

static int load_membership(struct member *member, struct error *err)
{
	_cleanup_(signed_copy_freep) Mmesh__V1__Signed *s = NULL;
	_cleanup_(json_putp) json_object *o = NULL;
	_cleanup_free_ char *text = NULL;
	int r;

	r = read_signed(member, "membership", &s, err);
	if (!r)
		r = trust_signed_verify(s, member->identity, CONTEXT_MEMBERSHIP, err);
	if (r < 0)
		return error_prefix(err, r, "membership: ");
	text = strndup((const char *)s->payload.data, s->payload.len);
	o = text ? json_tokener_parse(text) : NULL;
	if (!o)
		return error_set(err, EBADMSG, "membership: not to be read");
	return from_json(member, o, err);
}

/* -- keys and certificates ----------------------------------------------------------------------- */

static int load_keys(struct member *member, struct error *err)
{
	_cleanup_free_ char *identity = path_of(member, "identity.key");
	_cleanup_free_ char *mesh = path_of(member, "mesh.key");
	_cleanup_free_ char *cert = path_of(member, "certificate.pem");
	_cleanup_free_ char *ca = path_of(member, "ca.pem");
	_cleanup_free_ char *root = path_of(member, "root.pem");
	bool exposed = false;
	int r;

	if (!identity || !mesh || !cert || !ca || !root)
		return error_oom(err);
	r = trust_key_load(&member->identity, identity, "identity", NULL, err);
	if (!r)
		r = key_read_file(member->options.private_key, mesh, &exposed, err);
	if (!r && exposed)
		log_line(LOG_WARNING, member->device, "%s can be read by others", mesh);
	if (!r)
		r = trust_cert_load(&member->cert, cert, err);
	if (!r)
		r = trust_cert_load(&member->ca, ca, err);
	if (!r)
		r = trust_key_load_public(&member->root, root, err);
	return r;
}

int member_save_certificate(struct member *member, struct error *err)
{
	_cleanup_free_ char *cert = path_of(member, "certificate.pem");
	_cleanup_free_ char *ca = path_of(member, "ca.pem");
	int r;

	if (!cert || !ca)
		return error_oom(err);
	r = trust_cert_save(member->ca, ca, err);
	return r < 0 ? r : trust_cert_save(member->cert, cert, err);
}

int member_create(struct member *member, struct error *err)
{
	_cleanup_free_ char *identity = path_of(member, "identity.key");
	_cleanup_free_ char *root = path_of(member, "root.pem");
	char text[KEY_TEXT_SIZE + 1];
	int r;

	if (!identity || !root)
		return error_oom(err);
	r = file_make_directory(member->dir, 0700, err);
	if (!r)
		r = trust_key_save(member->identity, identity, "identity", NULL, err);
	key_format(text, member->options.private_key);
	strcat(text, "\n");
	if (!r)
		r = write_file(member, "mesh.key", text, strlen(text), err);
	explicit_bzero(text, sizeof(text));
	if (!r)
		r = trust_key_save_public(member->root, root, err);
	if (!r)
		r = member_save_certificate(member, err);
	/* Last: without it the directory is none of a membership. */
	return r < 0 ? r : member_save(member, err);
}

int member_forget(struct member *member, struct error *err)
{
	DIR *dir = opendir(member->dir);
	struct dirent *item;

	if (!dir)
		return errno == ENOENT ? 0 : error_set(err, errno, "%s: %m", member->dir);
	while ((item = readdir(dir)))
		if (strcmp(item->d_name, ".") && strcmp(item->d_name, ".."))
			(void)unlinkat(dirfd(dir), item->d_name, 0);
	(void)closedir(dir);
	if (rmdir(member->dir) < 0)
		return error_set(err, errno, "%s: %m", member->dir);
	return 0;
}

/* -- delegations and records --------------------------------------------------------------------- */

/*
 * Each record is signed, but not what is around it: so that nothing can be taken out of a file, it
 * begins with a signature by the node itself: its length in a byte, it, and what it covers.
 */
static int write_own(const struct member *member, const char *name, const ProtobufCMessage *message,
		     struct error *err)
{
	size_t len = protobuf_c_message_get_packed_size(message), signature_len;
	_cleanup_free_ uint8_t *packed = malloc(len + 1);
	_cleanup_free_ uint8_t *file = malloc(1 + TRUST_SIGNATURE_MAX + len);
	int r;

	if (!packed || !file)
		return error_oom(err);
	(void)protobuf_c_message_pack(message, packed);
	r = trust_key_sign(member->identity, packed, len, file + 1, &signature_len, err);
	if (r < 0)
		return r;
	file[0] = (uint8_t)signature_len;
	memcpy(file + 1 + signature_len, packed, len);
	return write_file(member, name, file, 1 + signature_len + len, err);
}

static int read_reply(const struct member *member, const char *name, PullReply **ret,
		      struct error *err)
{
	_cleanup_free_ uint8_t *file = NULL;
	size_t len, begin;
	int r;

	r = read_file(member, name, &file, &len, err);
	if (r < 0)
		return r;
	begin = len ? 1 + (size_t)file[0] : 1;
	if (begin > len)
		return error_set(err, EBADMSG, "cut off");
	r = trust_key_verify(member->identity, file + begin, len - begin, file + 1, begin - 1, err);
	if (r < 0)
		return r;
	*ret = mmesh__v1__pull_reply__unpack(NULL, len - begin, file + begin);
	return *ret ? 0 : error_set(err, EBADMSG, "not to be read");
}

static bool has_delegation(const struct member *member, const Mmesh__V1__Signed *s)
{
	for (size_t i = 0; i < member->n_delegations; i++) {
		const Mmesh__V1__Signed *d = member->delegation[i];

		if (d->signature.len == s->signature.len &&
		    !memcmp(d->signature.data, s->signature.data, s->signature.len))
			return true;
	}
	return false;
}

int signed_copy(Mmesh__V1__Signed **ret, const Mmesh__V1__Signed *s, struct error *err)
{
	_cleanup_free_ uint8_t *packed = NULL;
	size_t len;
	int r = trust_signed_pack(&packed, &len, s, err);

	return r < 0 ? r : trust_signed_unpack(ret, packed, len, err);
}

static int add_delegation(struct member *member, const Mmesh__V1__Signed *s, struct error *err)
{
	Mmesh__V1__Signed **more;
	int r;

	r = trust_anchor_add(member->anchor, s, err);
	if (r < 0)
		return error_prefix(err, r, "delegation: ");
	more = reallocarray(member->delegation, member->n_delegations + 1, sizeof(*more));
	if (!more)
		return error_oom(err);
	member->delegation = more;
	r = signed_copy(&more[member->n_delegations], s, err);
	member->n_delegations += !r;
	return r;
}

static int save_delegations(struct member *member, struct error *err)
{
	PullReply reply = MMESH__V1__PULL_REPLY__INIT;

	reply.delegation = member->delegation;
	reply.n_delegation = member->n_delegations;
	return write_own(member, "delegations", &reply.base, err);
}

int member_add_delegations(struct member *member, Mmesh__V1__Signed **delegation, size_t n,
			   struct error *err)
{
	bool any = false;
	int r = 0;

	for (size_t i = 0; !r && i < n; i++) {
		if (has_delegation(member, delegation[i]))
			continue;
		r = add_delegation(member, delegation[i], err);
		any = true;
	}
	return !r && any ? save_delegations(member, err) : r;
}

static int load_delegations(struct member *member, struct error *err)
{
	_cleanup_(pull_reply_freep) PullReply *reply = NULL;
	int r = read_reply(member, "delegations", &reply, err);

	for (size_t i = 0; !r && i < reply->n_delegation; i++)
		r = add_delegation(member, reply->delegation[i], err);
	return r < 0 ? error_prefix(err, r, "delegations: ") : 0;
}

static void stream_file(char ret[64], const char *subnet)
{
	(void)snprintf(ret, 64, "stream-%s", *subnet ? subnet : "network");
}

int member_save_stream(struct member *member, const struct stream *stream, struct error *err)
{
	PullReply reply = MMESH__V1__PULL_REPLY__INIT;
	_cleanup_free_ Mmesh__V1__Entry **entry = calloc(stream->count + 1, sizeof(*entry));
	_cleanup_free_ char **subnet = calloc(member->n_streams + 1, sizeof(*subnet));
	char name[64];

	if (!entry || !subnet)
		return error_oom(err);
	for (size_t i = 0; i < stream->count; i++)
		entry[i] = stream->entry[i].wire;
	for (size_t i = 1; !*stream->subnet && i < member->n_streams; i++)
		subnet[reply.n_subnet++] = member->stream[i].subnet;
	reply.snapshot = true;
	reply.head = stream->head;
	reply.entry = entry;
	reply.n_entry = stream->count;
	reply.subnet = subnet;
	stream_file(name, stream->subnet);
	return write_own(member, name, &reply.base, err);
}

static int load_stream(struct member *member, const char *subnet, struct error *err)
{
	_cleanup_(pull_reply_freep) PullReply *reply = NULL;
	struct stream_trust trust = member_trust(member, true);
	struct stream *stream;
	char name[64];
	int r;

	stream_file(name, subnet);
	r = read_reply(member, name, &reply, err);
	if (!r && !*subnet)
		r = member_set_streams(member, reply->subnet, reply->n_subnet, err);
	stream = r < 0 ? NULL : member_stream(member, subnet);
	if (stream)
		r = stream_take(stream, &trust, true, reply->entry, reply->n_entry, reply->head,
				err);
	if (!r && stream)
		trust_clock_saw(&member->clock, stream->head_time);
	return r < 0 ? error_prefix(err, r, "%s: ", name) : 0;
}

/* One file that is not believed, and none is: what is there together is the state. */
static int load_records(struct member *member, struct error *err)
{
	int r = load_delegations(member, err);

	if (!r)
		r = load_stream(member, "", err);
	for (size_t i = 1; !r && i < member->n_streams; i++)
		r = load_stream(member, member->stream[i].subnet, err);
	if (!r)
		return 0;
	for (size_t i = 0; i < member->n_streams; i++)
		stream_clear(&member->stream[i]);
	member->n_streams = 0;
	return r;
}

/* -- endpoints ----------------------------------------------------------------------------------- */

int member_save_endpoints(struct member *member, struct error *err)
{
	return write_packed(member, "endpoints", &member->endpoints->base, err);
}

static void load_endpoints(struct member *member)
{
	ProtobufCMessage *message = NULL;
	Mmesh__V1__EndpointsRecord *record;

	if (read_signed(member, "endpoints", &member->endpoints, NULL) < 0)
		return;
	if (trust_signed_open(&message, member->endpoints, member->identity,
			      TRUST_CONTEXT_ENDPOINTS, &mmesh__v1__endpoints_record__descriptor,
			      NULL) < 0) {
		mmesh__v1__signed__free_unpacked(member->endpoints, NULL);
		member->endpoints = NULL;
		return;
	}
	record = (Mmesh__V1__EndpointsRecord *)message;
	member->generation = record->generation;
	for (size_t i = 0; i < record->n_endpoint && i < MEMBER_MAX_ENDPOINTS; i++)
		(void)snprintf(member->announced[member->n_announced++], sizeof(member_address),
			       "%.127s", record->endpoint[i]);
	protobuf_c_message_free_unpacked(message, NULL);
}

int member_load(struct member *member, struct error *err)
{
	struct error why;
	int r;

	r = load_keys(member, err);
	if (!r)
		r = load_membership(member, err);
	if (!r)
		r = member_trust_root(member, err);
	if (r < 0)
		return error_prefix(err, r, "%s: ", member->dir);
	load_endpoints(member);
	r = load_records(member, &why);
	/* The first records were never written: nothing is wrong with that. */
	if (r < 0 && r != -ENOENT) {
		log_line(LOG_ERR, member->device,
			 "%s/%s; the kernel stays as it is until the controller has sent the "
			 "records anew", member->dir, why.text);
		member->damage = strdup(why.text);
	}
	return 0;
}
