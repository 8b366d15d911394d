// SPDX-License-Identifier: Apache-2.0
#include "field.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "key.h"
#include "mmesh/v1/admin.pb-c.h"
#include "number.h"
#include "prefix.h"

enum { FIELD_MAX_ITEMS = 256, NAME_MAX_LEN = 63 };

void field_name(char ret[FIELD_NAME_SIZE], const struct field *field)
{
	(void)snprintf(ret, FIELD_NAME_SIZE, "%s", field->word);
	for (char *c = ret; *c; c++)
		if (*c == '-')
			*c = '_';
}

static const ProtobufCFieldDescriptor *describe(const struct field *field,
						const ProtobufCMessage *msg)
{
	char name[FIELD_NAME_SIZE];

	field_name(name, field);
	return protobuf_c_message_descriptor_get_field_by_name(
		msg->descriptor, field->member ? field->member : name);
}

static void *member(const struct field *field, const ProtobufCMessage *msg)
{
	return (char *)msg + describe(field, msg)->offset;
}

static size_t *quantity(const struct field *field, const ProtobufCMessage *msg)
{
	return (size_t *)((char *)msg + describe(field, msg)->quantifier_offset);
}

const char *field_expected(const struct field *field)
{
	switch (field->type) {
	case FIELD_PREFIX:
		return "ADDRESS/LENGTH";
	case FIELD_SWITCH:
		return "on or off";
	case FIELD_TIME:
		return "a duration such as 1h, or a moment such as 2026-11-21T14:15:00Z";
	case FIELD_ADDRESSES:
		return "addresses, separated by commas";
	case FIELD_ROUTES:
		return "PREFIX[@PRIORITY[*WEIGHT]], separated by commas";
	case FIELD_NUMBER:
		return field->value ? field->value : "a number";
	case FIELD_KEY:
		return "a public key in base64";
	default:
		return field->value ? field->value : "a word";
	}
}

/* -- from text ------------------------------------------------------------- */

static void free_string(char **s)
{
	if (*s != protobuf_c_empty_string)
		free(*s);
	*s = (char *)protobuf_c_empty_string;
}

static int set_string(char **ret, const char *text, struct error *err)
{
	char *copy = strdup(text);

	if (!copy)
		return error_oom(err);
	free_string(ret);
	*ret = copy;
	return 0;
}

static int parse_prefix(char **ret, const char *text, struct error *err)
{
	char normal[PREFIX_TEXT_SIZE];
	struct prefix prefix;
	int r;

	if (!strchr(text, '/'))
		return error_set(err, EINVAL, "\"%s\" has no length; expected ADDRESS/LENGTH", text);
	r = prefix_parse(&prefix, text, err);
	if (r < 0)
		return r;
	prefix_format(normal, &prefix);
	if (strcmp(normal, text))
		return error_set(err, EINVAL, "\"%s\" has bits beyond its length; %s was meant", text,
				 normal);
	return set_string(ret, text, err);
}

bool field_is_name(const char *text, size_t len)
{
	if (!len || len > NAME_MAX_LEN || text[0] == '-' || text[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!islower((unsigned char)text[i]) && !isdigit((unsigned char)text[i]) &&
		    text[i] != '-')
			return false;
	return true;
}

static int check_name(const char *text, struct error *err)
{
	if (field_is_name(text, strlen(text)))
		return 0;
	return error_set(err, EINVAL,
			 "\"%s\" is not a name: 1 to 63 lower-case letters, digits and inner \"-\"",
			 text);
}

static int check_address(const char *text, struct error *err)
{
	struct in6_addr address;

	if (inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1)
		return 0;
	return error_set(err, EINVAL, "\"%s\" is not an address", text);
}

static void free_strings(char **item, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(item[i]);
	free(item);
}

/* Split at commas; "" and "none" are the empty list. */
static int split_list(const char *text, char ***ret, size_t *ret_n, struct error *err)
{
	char **item = NULL;
	size_t n = 0;

	if (*text && strcmp(text, "none")) {
		item = calloc(FIELD_MAX_ITEMS, sizeof(*item));
		if (!item)
			return error_oom(err);
		for (const char *at = text;; at++) {
			size_t len = strcspn(at, ",");

			if (!len || n == FIELD_MAX_ITEMS) {
				free_strings(item, n);
				return error_set(err, EINVAL, "%s",
						 len ? "more than 256 entries" :
						       "there is an empty entry between the commas");
			}
			item[n] = strndup(at, len);
			if (!item[n++]) {
				free_strings(item, n);
				return error_oom(err);
			}
			at += len;
			if (!*at)
				break;
		}
	}
	*ret = item;
	*ret_n = n;
	return 0;
}

static int parse_names(const struct field *field, ProtobufCMessage *msg, const char *text,
		       struct error *err)
{
	size_t *count = quantity(field, msg), n = 0;
	char ***items = member(field, msg);
	char **item = NULL;
	int r;

	r = split_list(text, &item, &n, err);
	for (size_t i = 0; !r && i < n; i++) {
		r = field->type == FIELD_ADDRESSES ? check_address(item[i], err) :
						     check_name(item[i], err);
		if (r < 0)
			free_strings(item, n);
	}
	if (r < 0)
		return r;
	free_strings(*items, *count);
	*items = item;
	*count = n;
	return 0;
}

static Mmesh__V1__Route *new_route(const struct prefix *prefix)
{
	Mmesh__V1__Route *route = malloc(sizeof(*route));
	char text[PREFIX_TEXT_SIZE];

	if (!route)
		return NULL;
	mmesh__v1__route__init(route);
	prefix_format(text, prefix);
	route->priority = prefix->priority;
	route->weight = prefix->shared && prefix->weight != 1 ? prefix->weight : 0;
	route->prefix = strdup(text);
	if (route->prefix)
		return route;
	free(route);
	return NULL;
}

static void free_routes(Mmesh__V1__Route **route, size_t n)
{
	for (size_t i = 0; i < n; i++)
		mmesh__v1__route__free_unpacked(route[i], NULL);
	free(route);
}

static int parse_routes(const struct field *field, ProtobufCMessage *msg, const char *text,
			struct error *err)
{
	Mmesh__V1__Route ***routes = member(field, msg), **route;
	size_t *count = quantity(field, msg);
	struct prefixes list = { 0 };
	bool incremental = false;
	int r;

	r = prefixes_parse_shared(&list, strcmp(text, "none") ? text : "", &incremental, err);
	if (!r && incremental)
		r = error_set(err, EINVAL, "entries with + or - are not for here");
	route = r ? NULL : calloc(list.count + 1, sizeof(*route));
	if (!r && !route)
		r = error_oom(err);
	for (size_t i = 0; !r && i < list.count; i++) {
		route[i] = new_route(&list.item[i]);
		if (!route[i]) {
			free_routes(route, i);
			r = error_oom(err);
		}
	}
	if (!r) {
		free_routes(*routes, *count);
		*routes = route;
		*count = list.count;
	}
	prefixes_free(&list);
	return r;
}

/* The word of an enum's value: NODE_KIND_WIREGUARD is "wireguard". */
static void choice_word(char ret[FIELD_NAME_SIZE], const ProtobufCEnumDescriptor *desc,
			const ProtobufCEnumValue *value)
{
	/* All have the prefix that ends where the first one's last word begins. */
	size_t skip = strlen(desc->values[0].name) - strlen("UNSPECIFIED");

	(void)snprintf(ret, FIELD_NAME_SIZE, "%s", value->name + skip);
	for (char *c = ret; *c; c++)
		*c = (char)(*c == '_' ? '-' : tolower((unsigned char)*c));
}

static int parse_choice(const struct field *field, ProtobufCMessage *msg, const char *text,
			struct error *err)
{
	const ProtobufCEnumDescriptor *desc = describe(field, msg)->descriptor;
	char expected[256] = "";

	for (unsigned int i = 1; i < desc->n_values; i++) {
		char word[FIELD_NAME_SIZE];
		size_t len = strlen(expected);

		choice_word(word, desc, &desc->values[i]);
		if (!strcmp(word, text)) {
			*(int *)member(field, msg) = desc->values[i].value;
			return 0;
		}
		(void)snprintf(expected + len, sizeof(expected) - len, "%s%s", len ? ", " : "", word);
	}
	return error_set(err, EINVAL, "\"%s\" is none of: %s", text, expected);
}

static int parse_key(ProtobufCBinaryData *ret, const char *text, struct error *err)
{
	uint8_t *key = malloc(KEY_LEN);
	int r;

	if (!key)
		return error_oom(err);
	r = key_parse(key, text, err);
	if (r < 0) {
		free(key);
		return r;
	}
	free(ret->data);
	*ret = (ProtobufCBinaryData){ KEY_LEN, key };
	return 0;
}

int field_parse(const struct field *field, ProtobufCMessage *msg, const char *text, int64_t now,
		struct error *err)
{
	void *at = member(field, msg);
	uint64_t number;
	bool on;
	int r;

	switch (field->type) {
	case FIELD_NAME:
		if (!*text || !strcmp(text, "none"))
			return set_string(at, "", err);
		r = check_name(text, err);
		return r ? r : set_string(at, text, err);
	case FIELD_PREFIX:
		return parse_prefix(at, text, err);
	case FIELD_SWITCH:
		r = switch_parse(&on, text, err);
		if (!r)
			*(protobuf_c_boolean *)at = on;
		return r;
	case FIELD_NUMBER:
		r = number_parse(&number, text, field->max, err);
		if (!r)
			*(uint32_t *)at = (uint32_t)number;
		return r;
	case FIELD_TIME:
		return moment_parse(at, text, now, err);
	case FIELD_NAMES:
	case FIELD_ADDRESSES:
		return parse_names(field, msg, text, err);
	case FIELD_ROUTES:
		return parse_routes(field, msg, text, err);
	case FIELD_CHOICE:
		return parse_choice(field, msg, text, err);
	case FIELD_KEY:
		return parse_key(at, text, err);
	case FIELD_ID:
	case FIELD_PATHS:
		break;
	}
	return error_set(err, EINVAL, "the controller decides this");
}

/* -- to text --------------------------------------------------------------- */

bool field_is_default(const struct field *field, const ProtobufCMessage *msg)
{
	const void *at = member(field, msg);

	switch (field->type) {
	case FIELD_NAME:
	case FIELD_PREFIX:
		return !**(char *const *)at;
	case FIELD_SWITCH:
		return !*(const protobuf_c_boolean *)at;
	case FIELD_NUMBER:
		return !*(const uint32_t *)at;
	case FIELD_ID:
		return !*(const uint64_t *)at;
	case FIELD_TIME:
		return !*(const int64_t *)at;
	case FIELD_CHOICE:
		return !*(const int *)at;
	case FIELD_KEY:
		return !((const ProtobufCBinaryData *)at)->len;
	case FIELD_NAMES:
	case FIELD_ADDRESSES:
	case FIELD_ROUTES:
	case FIELD_PATHS:
		return !*quantity(field, msg);
	}
	return true;
}

static void route_text(FILE *out, const Mmesh__V1__Route *route)
{
	fputs(route->prefix, out);
	if (route->priority || route->weight)
		fprintf(out, "@%" PRIu32, route->priority);
	if (route->weight)
		fprintf(out, "*%" PRIu32, route->weight);
}

static void write_items(FILE *out, const struct field *field, const ProtobufCMessage *msg)
{
	void *const *item = *(void *const *const *)member(field, msg);
	size_t n = *quantity(field, msg);

	for (size_t i = 0; i < n; i++) {
		if (i)
			fputc(',', out);
		if (field->type == FIELD_ROUTES) {
			route_text(out, item[i]);
		} else if (field->type == FIELD_PATHS) {
			const Mmesh__V1__PeerPath *path = item[i];

			fprintf(out, "%s: %s", path->peer, path->path);
		} else {
			fputs(item[i], out);
		}
	}
}

static void write_choice(FILE *out, const struct field *field, const ProtobufCMessage *msg)
{
	const ProtobufCEnumDescriptor *desc = describe(field, msg)->descriptor;
	const ProtobufCEnumValue *value =
		protobuf_c_enum_descriptor_get_value(desc, *(const int *)member(field, msg));
	char word[FIELD_NAME_SIZE];

	if (!value) {
		fprintf(out, "%d", *(const int *)member(field, msg));
		return;
	}
	choice_word(word, desc, value);
	fputs(word, out);
}

static void write_key(FILE *out, const ProtobufCBinaryData *data)
{
	char text[KEY_TEXT_SIZE] = "";

	if (data->len == KEY_LEN)
		key_format(text, data->data);
	fputs(text, out);
}

static void write_field(FILE *out, const struct field *field, const ProtobufCMessage *msg)
{
	const void *at = member(field, msg);
	char stamp[RFC3339_SIZE];

	switch (field->type) {
	case FIELD_NAME:
	case FIELD_PREFIX:
		fputs(*(char *const *)at, out);
		break;
	case FIELD_SWITCH:
		fputs(*(const protobuf_c_boolean *)at ? "on" : "off", out);
		break;
	case FIELD_NUMBER:
		fprintf(out, "%" PRIu32, *(const uint32_t *)at);
		break;
	case FIELD_ID:
		fprintf(out, "0x%" PRIx64, *(const uint64_t *)at);
		break;
	case FIELD_TIME:
		if (*(const int64_t *)at) {
			units_rfc3339(stamp, *(const int64_t *)at);
			fputs(stamp, out);
		}
		break;
	case FIELD_CHOICE:
		write_choice(out, field, msg);
		break;
	case FIELD_KEY:
		write_key(out, at);
		break;
	case FIELD_NAMES:
	case FIELD_ADDRESSES:
	case FIELD_ROUTES:
	case FIELD_PATHS:
		write_items(out, field, msg);
		break;
	}
}

char *field_text(const struct field *field, const ProtobufCMessage *msg)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	write_field(out, field, msg);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

/* -- into documents -------------------------------------------------------- */

static void print_items(const struct field *field, const ProtobufCMessage *msg, struct printer *p,
			const char *name)
{
	void *const *item = *(void *const *const *)member(field, msg);
	size_t n = *quantity(field, msg);

	printer_open_array(p, name);
	for (size_t i = 0; i < n; i++) {
		if (field->type == FIELD_ROUTES) {
			const Mmesh__V1__Route *route = item[i];

			printer_open_object(p, NULL);
			printer_string(p, "prefix", NULL, route->prefix);
			printer_uint(p, "priority", NULL, route->priority, NULL);
			printer_uint(p, "weight", NULL, route->weight ? route->weight : 1, NULL);
			printer_close_object(p);
		} else if (field->type == FIELD_PATHS) {
			const Mmesh__V1__PeerPath *path = item[i];

			printer_open_object(p, NULL);
			printer_string(p, "peer", NULL, path->peer);
			printer_string(p, "path", NULL, path->path);
			printer_close_object(p);
		} else {
			printer_item(p, item[i]);
		}
	}
	printer_close_array(p);
}

static void print_text(const struct field *field, const ProtobufCMessage *msg, struct printer *p,
		       const char *name)
{
	_cleanup_free_ char *text = field_text(field, msg);

	if (text && *text)
		printer_string(p, name, field->label, text);
	else
		printer_null(p, name, field->label, NULL);
}

/* What is still to come is "in 1 hour" for people. */
static void print_time(const struct field *field, int64_t at, struct printer *p, const char *name)
{
	const struct units_marks none = { "", "" };
	char duration[UNITS_TEXT_SIZE], text[UNITS_TEXT_SIZE + 8];

	if (p->form != PRINTER_BLOCKS || at <= printer_now(p)) {
		printer_time(p, name, field->label, at);
		return;
	}
	units_duration(duration, (uint64_t)(at - printer_now(p)), &none);
	(void)snprintf(text, sizeof(text), "in %s", duration);
	printer_string(p, name, field->label, text);
}

void field_print(const struct field *field, const ProtobufCMessage *msg, struct printer *p)
{
	const void *at = member(field, msg);
	char name[FIELD_NAME_SIZE];

	field_name(name, field);
	if (!printer_is_json(p) && field_is_default(field, msg) && field->type != FIELD_SWITCH &&
	    field->type != FIELD_NUMBER)
		return;
	switch (field->type) {
	case FIELD_SWITCH:
		printer_bool(p, name, field->label, *(const protobuf_c_boolean *)at);
		break;
	case FIELD_NUMBER:
		printer_uint(p, name, field->label, *(const uint32_t *)at, NULL);
		break;
	case FIELD_TIME:
		print_time(field, *(const int64_t *)at, p, name);
		break;
	case FIELD_NAMES:
	case FIELD_ADDRESSES:
	case FIELD_ROUTES:
	case FIELD_PATHS:
		if (printer_is_json(p)) {
			print_items(field, msg, p, name);
			break;
		}
		print_text(field, msg, p, name);
		break;
	default:
		print_text(field, msg, p, name);
		break;
	}
}
