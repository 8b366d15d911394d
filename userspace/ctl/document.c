// SPDX-License-Identifier: Apache-2.0
#include "document.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <yaml.h>

enum {
	MISTAKE_SIZE = 1536,
	MAX_OBJECTS = 100000,
	MAX_MISTAKES = 50,
	WORDS_SIZE = 256,
	FIRST_ROOM = 16,
};

struct reader {
	struct documents *out;
	const char *name;
	int64_t now;
	void (*say)(void *arg, const char *mistake);
	void *arg;
	yaml_document_t *document;
	unsigned int first_line; /* libyaml counts from 0 */
	int failed;		 /* -ENOMEM */
};

static void mistake(struct reader *rd, const yaml_node_t *node, const char *fmt, ...)
	_printf_(3, 4);
static void mistake(struct reader *rd, const yaml_node_t *node, const char *fmt, ...)
{
	char text[MISTAKE_SIZE];
	va_list ap;
	int n;

	if (rd->out->errors++ >= MAX_MISTAKES)
		return;
	n = snprintf(text, sizeof(text), "%s:%zu: ", rd->name,
		     node ? node->start_mark.line + 1 : (size_t)1);
	if (n < 0 || (size_t)n >= sizeof(text))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	rd->say(rd->arg, text);
}

static const yaml_node_t *node_at(struct reader *rd, int index)
{
	return yaml_document_get_node(rd->document, index);
}

static const char *scalar(const yaml_node_t *node)
{
	const char *text;

	if (node->type != YAML_SCALAR_NODE)
		return NULL;
	text = (const char *)node->data.scalar.value;
	/* A zero byte inside, written as "\0", would cut the value short. */
	return strlen(text) == node->data.scalar.length ? text : NULL;
}

/* JSON's words for a key. */
static void key_word(char ret[FIELD_NAME_SIZE], const char *key)
{
	(void)snprintf(ret, FIELD_NAME_SIZE, "%s", key);
	for (char *c = ret; *c; c++)
		if (*c == '_')
			*c = '-';
}

/* -- values ---------------------------------------------------------------- */

static bool plain_is(const yaml_node_t *node, const char *const *words)
{
	const char *text = scalar(node);

	if (!text || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (; *words; words++)
		if (!strcmp(text, *words))
			return true;
	return false;
}

/* {prefix: P, priority: N, weight: N}, as it is in JSON. */
static int route_text(struct reader *rd, const yaml_node_t *node, FILE *out)
{
	const char *prefix = NULL, *priority = NULL, *weight = NULL;

	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		const char *key = scalar(node_at(rd, pair->key));
		const char *value = scalar(node_at(rd, pair->value));

		if (key && value && !strcmp(key, "prefix"))
			prefix = value;
		else if (key && value && !strcmp(key, "priority"))
			priority = value;
		else if (key && value && !strcmp(key, "weight"))
			weight = value;
		else
			return -EINVAL;
	}
	if (!prefix)
		return -EINVAL;
	fputs(prefix, out);
	/* A single route is shared with nobody: no "@0*1". */
	if ((priority && strcmp(priority, "0")) || (weight && strcmp(weight, "1")))
		fprintf(out, "@%s*%s", priority ? priority : "0", weight ? weight : "1");
	return 0;
}

static int items_text(struct reader *rd, const struct field *field, const yaml_node_t *node,
		      FILE *out)
{
	for (yaml_node_item_t *item = node->data.sequence.items.start;
	     item < node->data.sequence.items.top; item++) {
		const yaml_node_t *value = node_at(rd, *item);
		const char *text = scalar(value);

		if (item > node->data.sequence.items.start)
			fputc(',', out);
		if (text && !strchr(text, ','))
			fputs(text, out);
		else if (value->type != YAML_MAPPING_NODE || field->type != FIELD_ROUTES ||
			 route_text(rd, value, out) < 0)
			return -EINVAL;
	}
	return 0;
}

static bool is_list(const struct field *field)
{
	return field->type == FIELD_NAMES || field->type == FIELD_ADDRESSES ||
	       field->type == FIELD_ROUTES;
}

/* The value as the command line would have it; NULL: it is of no use for @field. */
static char *value_text(struct reader *rd, const struct field *field, const yaml_node_t *node)
{
	static const char *const yes[] = { "true", "yes", NULL }, *const no[] = { "false", "no", NULL };
	static const char *const null[] = { "null", "~", "", NULL };
	char *text = NULL;
	size_t len;
	FILE *out;
	int r;

	if (field->type == FIELD_SWITCH && (plain_is(node, yes) || plain_is(node, no)))
		return strdup(plain_is(node, yes) ? "on" : "off");
	if (plain_is(node, null))
		return strdup("");
	if (scalar(node))
		return strdup(scalar(node));
	if (node->type != YAML_SEQUENCE_NODE || !is_list(field))
		return NULL;
	out = open_memstream(&text, &len);
	if (!out)
		return NULL;
	r = items_text(rd, field, node, out);
	if (!fclose(out) && !r)
		return text;
	free(text);
	return NULL;
}

/* -- objects --------------------------------------------------------------- */

static int append(struct documents *out, Mmesh__V1__Object *object, unsigned int line)
{
	if (out->count == out->room) {
		size_t room = out->room ? out->room * 2 : FIRST_ROOM;
		Mmesh__V1__Object **more = realloc(out->object, room * sizeof(*more));
		unsigned int *lines;

		if (!more)
			return -ENOMEM;
		out->object = more;
		lines = realloc(out->line, room * sizeof(*lines));
		if (!lines)
			return -ENOMEM;
		out->line = lines;
		out->room = room;
	}
	out->object[out->count] = object;
	out->line[out->count++] = line;
	return 0;
}

/* The key that names the kind; its value is the path. NULL: an error was said. */
static const yaml_node_pair_t *find_kind(struct reader *rd, const yaml_node_t *node,
					 const struct kind **ret)
{
	const yaml_node_pair_t *found = NULL;

	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		const char *key = scalar(node_at(rd, pair->key));
		const struct kind *kind = key ? kind_by_name(key) : NULL;

		/* A network's "zone" is a field, if "network" is there, too. */
		if (!kind || (found && kind_field(*ret, key, FIELD_IN)))
			continue;
		if (found && !kind_field(kind, (*ret)->name, FIELD_IN)) {
			mistake(rd, node_at(rd, pair->key),
				"%s: this object is a %s already; each needs a document or a list "
				"item of its own",
				key, (*ret)->name);
			return NULL;
		}
		found = pair;
		*ret = kind;
	}
	if (!found)
		mistake(rd, node,
			"no key says what this is; expected one of: tenant, zone, network, subnet, "
			"node, with the path as its value");
	return found;
}

static const struct field *find_field(struct reader *rd, const struct kind *kind,
				      const yaml_node_t *key)
{
	const char *text = scalar(key);
	char word[FIELD_NAME_SIZE], words[WORDS_SIZE];
	const struct field *field;

	key_word(word, text ? text : "");
	field = kind_field(kind, word, FIELD_IN);
	if (field)
		return field;
	kind_words(words, sizeof(words), kind, FIELD_IN);
	if (kind_field(kind, word, 0))
		mistake(rd, key, "%s: the controller decides this of a %s", word, kind->name);
	else
		mistake(rd, key, "%s: a %s has no such field; expected one of: %s",
			text ? text : "(not a word)", kind->name, *words ? words : "none");
	return NULL;
}

static void read_field(struct reader *rd, const struct kind *kind, Mmesh__V1__Object *object,
		       const yaml_node_pair_t *pair, uint32_t *seen)
{
	const yaml_node_t *value = node_at(rd, pair->value);
	const struct field *field = find_field(rd, kind, node_at(rd, pair->key));
	_cleanup_free_ char *text = NULL;
	struct error err = { 0 };
	uint32_t bit;

	if (!field)
		return;
	bit = UINT32_C(1) << (field - kind->field);
	if (*seen & bit) {
		mistake(rd, node_at(rd, pair->key), "%s: given twice", field->word);
		return;
	}
	*seen |= bit;
	text = value_text(rd, field, value);
	if (!text)
		mistake(rd, value, "%s: expected %s", field->word, field_expected(field));
	else if (*text && field_parse(field, kind_message(object), text, rd->now, &err) < 0)
		mistake(rd, value, "%s: %s", field->word, err.text);
}

static void check_new(struct reader *rd, const struct kind *kind, const char *path,
		      const yaml_node_t *node)
{
	for (size_t i = 0; i < rd->out->count; i++) {
		if (rd->out->object[i]->kind_case != kind->code ||
		    strcmp(rd->out->object[i]->path, path))
			continue;
		mistake(rd, node, "%s: %s is in line %u already", kind->name, path, rd->out->line[i]);
		return;
	}
}

static void read_object(struct reader *rd, const yaml_node_t *node)
{
	const struct kind *kind = NULL;
	const yaml_node_pair_t *named;
	Mmesh__V1__Object *object;
	struct error err = { 0 };
	const char *path;
	uint32_t seen = 0;

	if (node->type != YAML_MAPPING_NODE) {
		mistake(rd, node, "expected an object: \"network: TENANT/NETWORK\" and so on");
		return;
	}
	named = find_kind(rd, node, &kind);
	if (!named)
		return;
	if (kind->code == MMESH__V1__OBJECT__KIND_TOKEN) {
		mistake(rd, node, "token: a secret is not kept in files; \"mmesh token add\" makes one");
		return;
	}
	path = scalar(node_at(rd, named->value));
	if (!path || kind_check_path(kind, path, &err) < 0) {
		mistake(rd, node_at(rd, named->value), "%s: %s", kind->name,
			path ? err.text : "expected a path");
		return;
	}
	check_new(rd, kind, path, node);
	object = kind_object(kind, path);
	if (!object || append(rd->out, object, (unsigned int)node->start_mark.line + 1) < 0) {
		mmesh__v1__object__free_unpacked(object, NULL);
		rd->failed = -ENOMEM;
		return;
	}
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++)
		if (pair != named)
			read_field(rd, kind, object, pair, &seen);
}

static void read_list(struct reader *rd, const yaml_node_t *list)
{
	for (yaml_node_item_t *item = list->data.sequence.items.start;
	     item < list->data.sequence.items.top && !rd->failed; item++)
		read_object(rd, node_at(rd, *item));
}

/* {schema: ..., objects: [...]}; NULL: @root is something else. */
static const yaml_node_t *wrapped_list(struct reader *rd, const yaml_node_t *root)
{
	for (yaml_node_pair_t *pair = root->data.mapping.pairs.start;
	     pair < root->data.mapping.pairs.top; pair++) {
		const char *key = scalar(node_at(rd, pair->key));
		const yaml_node_t *value = node_at(rd, pair->value);

		if (key && !strcmp(key, "objects") && value->type == YAML_SEQUENCE_NODE)
			return value;
	}
	return NULL;
}

static void read_document(struct reader *rd)
{
	const yaml_node_t *root = yaml_document_get_root_node(rd->document);
	const yaml_node_t *list = NULL;

	/* Nothing but comments. */
	if (root->type == YAML_SCALAR_NODE && !root->data.scalar.length)
		return;
	if (root->type == YAML_SEQUENCE_NODE)
		list = root;
	else if (root->type == YAML_MAPPING_NODE)
		list = wrapped_list(rd, root);
	if (list)
		read_list(rd, list);
	else
		read_object(rd, root);
}

/* What others are named after or lie in comes first. */
static unsigned int rank(const Mmesh__V1__Object *object)
{
	const struct kind *kind = kind_of(object);

	return kind->code == MMESH__V1__OBJECT__KIND_ZONE ? 3 : 2 * kind->depth;
}

/* Few ranks, so one pass for each keeps the file's order within it. */
static int sort(struct documents *documents)
{
	_cleanup_free_ Mmesh__V1__Object **object = NULL;
	_cleanup_free_ unsigned int *line = NULL;
	size_t n = 0;

	if (!documents->count)
		return 0;
	object = calloc(documents->count, sizeof(*object));
	line = calloc(documents->count, sizeof(*line));
	if (!object || !line)
		return -ENOMEM;
	for (unsigned int at = 0; n < documents->count; at++) {
		for (size_t i = 0; i < documents->count; i++) {
			if (rank(documents->object[i]) != at)
				continue;
			object[n] = documents->object[i];
			line[n++] = documents->line[i];
		}
	}
	memcpy(documents->object, object, n * sizeof(*object));
	memcpy(documents->line, line, n * sizeof(*line));
	return 0;
}

/* False at the end of the stream or when it is no YAML. */
static bool next_document(struct reader *rd, yaml_parser_t *parser)
{
	yaml_document_t document;
	bool more;

	if (!yaml_parser_load(parser, &document)) {
		char text[MISTAKE_SIZE];

		rd->out->errors++;
		(void)snprintf(text, sizeof(text), "%s:%zu: %s%s%s", rd->name,
			       parser->problem_mark.line + 1,
			       parser->problem ? parser->problem : "not YAML",
			       parser->context ? ", " : "", parser->context ? parser->context : "");
		rd->say(rd->arg, text);
		return false;
	}
	more = yaml_document_get_root_node(&document) != NULL;
	rd->document = &document;
	if (more)
		read_document(rd);
	yaml_document_delete(&document);
	return more && !rd->failed && rd->out->count < MAX_OBJECTS;
}

int documents_read(struct documents *ret, const char *name, const char *text, size_t len,
		   int64_t now, void (*say)(void *arg, const char *mistake), void *arg)
{
	struct reader rd = { .out = ret, .name = name, .now = now, .say = say, .arg = arg };
	yaml_parser_t parser;
	int r;

	*ret = (struct documents){ 0 };
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	while (next_document(&rd, &parser))
		;
	yaml_parser_delete(&parser);
	r = rd.failed ? rd.failed : ret->errors ? -EINVAL : sort(ret);
	if (r < 0)
		documents_clear(ret);
	return r;
}

void documents_clear(struct documents *documents)
{
	for (size_t i = 0; i < documents->count; i++)
		mmesh__v1__object__free_unpacked(documents->object[i], NULL);
	free(documents->object);
	free(documents->line);
	*documents = (struct documents){ .errors = documents->errors };
}

/* -- writing --------------------------------------------------------------- */

bool document_has(const struct field *field, const Mmesh__V1__Object *object)
{
	bool client = object->kind_case == MMESH__V1__OBJECT__KIND_NODE &&
		      object->node->kind == MMESH__V1__NODE_KIND__NODE_KIND_WIREGUARD;

	if (!(field->flags & FIELD_IN))
		return false;
	/* Of other nodes the key is their own business. */
	if (field->type == FIELD_KEY && !client)
		return false;
	return !field_is_default(field, kind_message(object));
}

static void write_scalar(FILE *out, const char *text, size_t len)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./-_+=";
	size_t plain = 0;

	while (plain < len && strchr(safe, text[plain]))
		plain++;
	if (plain == len && len && *text != '-' && *text != '.' && *text != '=') {
		fprintf(out, "%.*s", (int)len, text);
		return;
	}
	fputc('"', out);
	for (size_t i = 0; i < len; i++)
		fprintf(out, text[i] == '"' || text[i] == '\\' ? "\\%c" : "%c", text[i]);
	fputc('"', out);
}

static void write_value(FILE *out, const struct field *field, const char *text)
{
	if (!is_list(field)) {
		write_scalar(out, text, strlen(text));
		return;
	}
	fputc('[', out);
	for (const char *at = text;; at++) {
		size_t len = strcspn(at, ",");

		write_scalar(out, at, len);
		at += len;
		if (!*at)
			break;
		fputs(", ", out);
	}
	fputc(']', out);
}

void document_write(FILE *out, const Mmesh__V1__Object *object)
{
	const struct kind *kind = kind_of(object);

	fprintf(out, "---\n%s: %s\n", kind->name, object->path);
	for (size_t i = 0; i < kind->n_fields; i++) {
		const struct field *field = &kind->field[i];
		_cleanup_free_ char *text = NULL;

		if (!document_has(field, object))
			continue;
		text = field_text(field, kind_message(object));
		if (!text)
			continue;
		fprintf(out, "%s: ", field->word);
		write_value(out, field, text);
		fputc('\n', out);
	}
}
