// SPDX-License-Identifier: Apache-2.0
#include "object.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client-config.h"
#include "show-object.h"

enum { WORDS_SIZE = 256, CONTEXT_SIZE = 64, MAX_FIELDS = 32 };

/* -- what several commands share ------------------------------------------- */

void objects_clear(struct objects *objects)
{
	for (size_t i = 0; i < objects->count; i++)
		mmesh__v1__object__free_unpacked(objects->item[i], NULL);
	free(objects->item);
	*objects = (struct objects){ 0 };
}

static void free_object(Mmesh__V1__Object **object)
{
	mmesh__v1__object__free_unpacked(*object, NULL);
}

int objects_take(struct tool *tool, struct objects *objects, Mmesh__V1__ListReply *reply)
{
	size_t count = objects->count + reply->n_object;
	Mmesh__V1__Object **item = realloc(objects->item, (count + 1) * sizeof(*item));

	if (!item)
		return tool_usage_error(tool, "out of memory.");
	objects->item = item;
	for (size_t i = 0; i < reply->n_object; i++) {
		if (kind_of(reply->object[i]))
			item[objects->count++] = TAKE_PTR(reply->object[i]);
		else
			mmesh__v1__object__free_unpacked(reply->object[i], NULL);
	}
	reply->n_object = 0;
	return TOOL_OK;
}

int objects_list(struct tool *tool, struct rpc_client *client, const struct kind *kind,
		 const char *path, struct objects *ret)
{
	Mmesh__V1__ListRequest request = MMESH__V1__LIST_REQUEST__INIT;
	_cleanup_free_ char *page = NULL;
	int r;

	if (kind)
		request.kind = (char *)kind->name;
	request.under = (char *)path;
	do {
		Mmesh__V1__ListReply *reply = NULL;

		r = remote_call(tool, client, "Admin/List", &request.base,
				&mmesh__v1__list_reply__descriptor, (void **)&reply);
		if (r)
			break;
		r = objects_take(tool, ret, reply);
		free(page);
		page = *reply->next ? strdup(reply->next) : NULL;
		request.page = page;
		mmesh__v1__list_reply__free_unpacked(reply, NULL);
	} while (!r && page);
	if (r)
		objects_clear(ret);
	return r;
}

static int get_object(struct tool *tool, struct rpc_client *client, const struct kind *kind,
		      const char *path, Mmesh__V1__Object **ret)
{
	Mmesh__V1__GetRequest request = MMESH__V1__GET_REQUEST__INIT;

	request.kind = (char *)kind->name;
	request.path = (char *)path;
	return remote_call(tool, client, "Admin/Get", &request.base, &mmesh__v1__object__descriptor,
			   (void **)ret);
}

static int put_object(struct tool *tool, struct rpc_client *client, Mmesh__V1__PutRequest *request,
		      Mmesh__V1__Object **ret)
{
	Mmesh__V1__PutReply *reply = NULL;
	int r;

	r = remote_call(tool, client, "Admin/Put", &request->base,
			&mmesh__v1__put_reply__descriptor, (void **)&reply);
	if (r)
		return r;
	*ret = TAKE_PTR(reply->object);
	mmesh__v1__put_reply__free_unpacked(reply, NULL);
	if (!*ret || !kind_of(*ret)) {
		mmesh__v1__object__free_unpacked(*ret, NULL);
		*ret = NULL;
		return tool_usage_error(tool, "the controller's answer has no object in it.");
	}
	return TOOL_OK;
}

/* The path that a command begins with. */
static int take_path(struct tool *tool, struct args *args, const struct kind *kind,
		     const char **ret)
{
	const char *path = args_take(args);
	struct error err = { 0 };

	if (!path)
		return tool_usage_error(tool, "\"%s\" needs the path of a %s: %s.", args->context,
					kind->name, kind->path);
	if (kind_check_path(kind, path, &err) < 0)
		return tool_usage_error(tool, "%s.", err.text);
	*ret = path;
	return TOOL_OK;
}

static const struct field *known_word(struct tool *tool, const struct args *args,
				      const struct kind *kind, const char *word)
{
	const struct field *field = kind_field(kind, word, FIELD_IN);
	char words[WORDS_SIZE];

	if (field)
		return field;
	kind_words(words, sizeof(words), kind, FIELD_IN);
	if (kind_field(kind, word, 0))
		(void)tool_usage_error(tool,
				       "\"%s\" of a %s is decided by the controller; those that can "
				       "be given are: %s.",
				       word, kind->name, words);
	else if (*words)
		(void)tool_unknown_word(tool, args, word, words);
	else
		(void)tool_no_more(tool, &(struct args){ (char *[]){ (char *)word, NULL },
							 args->context });
	return NULL;
}

/*
 * "WORD VALUE" pairs to the line's end into @object's own message. *@ret_seen has a
 * bit for each field that was given.
 */
static int parse_words(struct tool *tool, struct args *args, const struct kind *kind,
		       Mmesh__V1__Object *object, uint32_t *ret_seen)
{
	int64_t now = printer_now(&tool->printer);
	const char *word;
	uint32_t seen = 0;

	while ((word = args_take(args))) {
		const struct field *field = known_word(tool, args, kind, word);
		struct error err = { 0 };
		const char *value;
		uint32_t bit;

		if (!field)
			return TOOL_USAGE;
		bit = UINT32_C(1) << (field - kind->field);
		if (seen & bit)
			return tool_usage_error(tool, "\"%s\" is given twice in \"%s\".", word,
						args->context);
		seen |= bit;
		value = args_take(args);
		if (!value)
			return tool_usage_error(tool, "\"%s\" in \"%s\" needs a value after it: %s.",
						word, args->context, field_expected(field));
		if (field_parse(field, kind_message(object), value, now, &err) < 0)
			return tool_usage_error(tool, "%s: %s.", word, err.text);
	}
	*ret_seen = seen;
	return TOOL_OK;
}

/* -- list, show ------------------------------------------------------------ */

static int show_all(struct tool *tool, const struct kind *kind, const char *under, bool table)
{
	_cleanup_(rpc_client_closep) struct rpc_client *client = NULL;
	_cleanup_(objects_clear) struct objects all = { 0 };
	int r;

	r = remote_controller(tool, &client);
	if (!r)
		r = objects_list(tool, client, kind, under, &all);
	if (!r)
		show_objects(tool, kind, all.item, all.count, table);
	return r;
}

static int run_list(struct tool *tool, struct args *args, const struct kind *kind)
{
	const char *under = args_take(args);
	int r = tool_no_more(tool, args);

	return r ? r : show_all(tool, kind, under ? under : "", true);
}

static int run_show(struct tool *tool, struct args *args, const struct kind *kind)
{
	_cleanup_(rpc_client_closep) struct rpc_client *client = NULL;
	_cleanup_(free_object) Mmesh__V1__Object *object = NULL;
	const char *path;
	int r;

	if (!args_peek(args))
		return show_all(tool, kind, "", false);
	r = take_path(tool, args, kind, &path);
	if (!r)
		r = tool_no_more(tool, args);
	if (!r)
		r = remote_controller(tool, &client);
	if (!r)
		r = get_object(tool, client, kind, path, &object);
	if (!r && kind_of(object) != kind)
		r = tool_usage_error(tool, "the controller answered with something else than a %s.",
				     kind->name);
	if (!r)
		show_object(tool, kind, object);
	return r;
}

/* -- add, set, del --------------------------------------------------------- */

/*
 * A token's path may be its subnet's: then it gets a name. Without any there must be
 * just one subnet.
 */
static int take_token_path(struct tool *tool, struct args *args, const struct kind *kind,
			   const char **ret)
{
	const char *path = args_peek(args);

	if (!path || kind_field(kind, path, FIELD_IN))
		return TOOL_OK;
	if (kind_check_path(kind, path, NULL) < 0)
		kind = kind_by_name("subnet");
	return take_path(tool, args, kind, ret);
}

static int only_subnet(struct tool *tool, struct rpc_client *client, char **ret)
{
	_cleanup_(objects_clear) struct objects all = { 0 };
	int r;

	r = objects_list(tool, client, kind_by_name("subnet"), "", &all);
	if (r)
		return r;
	if (all.count != 1)
		return tool_usage_error(tool,
					"there %s; \"mmesh token add\" needs to know for which: "
					"TENANT/NETWORK/SUBNET (\"mmesh subnet list\").",
					all.count ? "is more than one subnet" : "is no subnet yet");
	*ret = strdup(all.item[0]->path);
	return *ret ? TOOL_OK : tool_usage_error(tool, "out of memory.");
}

static void print_token(struct tool *tool, const struct kind *kind, const Mmesh__V1__Object *object)
{
	if (printer_is_json(&tool->printer))
		show_object(tool, kind, object);
	else
		printer_text(&tool->printer, "%s\n", object->token->secret);
}

static int token_add(struct tool *tool, struct args *args, const struct kind *kind)
{
	Mmesh__V1__PutRequest request = MMESH__V1__PUT_REQUEST__INIT;
	_cleanup_(rpc_client_closep) struct rpc_client *client = NULL;
	_cleanup_(free_object) Mmesh__V1__Object *object = NULL, *made = NULL;
	_cleanup_free_ char *only = NULL;
	const char *given = NULL;
	uint32_t seen;
	int r;

	r = take_token_path(tool, args, kind, &given);
	object = r ? NULL : kind_object(kind, given ? given : "");
	if (!r && !object)
		r = tool_usage_error(tool, "out of memory.");
	if (!r)
		r = parse_words(tool, args, kind, object, &seen);
	if (!r)
		r = remote_controller(tool, &client);
	if (!r && !given)
		r = only_subnet(tool, client, &only);
	if (r)
		return r;
	if (only) {
		free(object->path);
		object->path = TAKE_PTR(only);
	}
	request.object = object;
	request.create = true;
	r = put_object(tool, client, &request, &made);
	if (!r)
		print_token(tool, kind, made);
	return r;
}

static int run_add(struct tool *tool, struct args *args, const struct kind *kind)
{
	Mmesh__V1__PutRequest request = MMESH__V1__PUT_REQUEST__INIT;
	_cleanup_(rpc_client_closep) struct rpc_client *client = NULL;
	_cleanup_(free_object) Mmesh__V1__Object *object = NULL, *made = NULL;
	_cleanup_(client_config_clear) struct client_config config = { 0 };
	const char *path;
	uint32_t seen;
	int r;

	if (kind->code == MMESH__V1__OBJECT__KIND_TOKEN)
		return token_add(tool, args, kind);
	r = take_path(tool, args, kind, &path);
	object = r ? NULL : kind_object(kind, path);
	if (!r && !object)
		r = tool_usage_error(tool, "out of memory.");
	if (!r && kind->code == MMESH__V1__OBJECT__KIND_NODE)
		r = client_config_take_words(tool, args, &config);
	if (!r)
		r = parse_words(tool, args, kind, object, &seen);
	if (!r && kind->code == MMESH__V1__OBJECT__KIND_NODE)
		r = client_config_prepare(tool, &config, object->node);
	if (!r)
		r = remote_controller(tool, &client);
	if (r)
		return r;
	request.object = object;
	request.create = true;
	r = put_object(tool, client, &request, &made);
	if (!r && config.wanted)
		r = client_config_complete(tool, &config, made->node);
	if (!r && config.wanted && (config.has_file || !printer_is_json(&tool->printer)))
		r = client_config_deliver(tool, &config, made->node);
	else if (!r)
		show_object(tool, kind, made);
	return r;
}

static int run_set(struct tool *tool, struct args *args, const struct kind *kind)
{
	Mmesh__V1__PutRequest request = MMESH__V1__PUT_REQUEST__INIT;
	_cleanup_(rpc_client_closep) struct rpc_client *client = NULL;
	_cleanup_(free_object) Mmesh__V1__Object *object = NULL, *made = NULL;
	char name[MAX_FIELDS][FIELD_NAME_SIZE], *names[MAX_FIELDS];
	char words[WORDS_SIZE];
	uint32_t seen = 0;
	const char *path;
	int r;

	r = take_path(tool, args, kind, &path);
	object = r ? NULL : kind_object(kind, path);
	if (!r && !object)
		r = tool_usage_error(tool, "out of memory.");
	if (!r)
		r = parse_words(tool, args, kind, object, &seen);
	kind_words(words, sizeof(words), kind, FIELD_IN);
	if (!r && !seen)
		r = tool_usage_error(tool, "\"%s\" needs at least one of: %s.", args->context,
				     *words ? words : "(a kind without words has nothing to set)");
	if (!r)
		r = remote_controller(tool, &client);
	if (r)
		return r;
	for (size_t i = 0; i < kind->n_fields; i++) {
		if (!(seen & UINT32_C(1) << i))
			continue;
		names[request.n_field] = name[request.n_field];
		field_name(name[request.n_field++], &kind->field[i]);
	}
	request.field = names;
	request.object = object;
	request.update = true;
	r = put_object(tool, client, &request, &made);
	if (!r && printer_is_json(&tool->printer))
		show_object(tool, kind, made);
	return r;
}

static void show_deleted(struct tool *tool, const Mmesh__V1__DeleteReply *reply)
{
	struct printer *p = &tool->printer;

	printer_begin(p);
	printer_open_array(p, "deleted");
	for (size_t i = 0; i < reply->n_path; i++)
		printer_item(p, reply->path[i]);
	printer_close_array(p);
	printer_end(p);
	if (reply->n_path > 1)
		for (size_t i = 0; i < reply->n_path; i++)
			printer_text(p, "%s\n", reply->path[i]);
}

static int run_del(struct tool *tool, struct args *args, const struct kind *kind)
{
	Mmesh__V1__DeleteRequest request = MMESH__V1__DELETE_REQUEST__INIT;
	_cleanup_(rpc_client_closep) struct rpc_client *client = NULL;
	Mmesh__V1__DeleteReply *reply = NULL;
	const char *path, *word;
	int r;

	r = take_path(tool, args, kind, &path);
	if (r)
		return r;
	word = args_take(args);
	if (word && strcmp(word, "recursive"))
		return tool_unknown_word(tool, args, word, "recursive");
	r = tool_no_more(tool, args);
	if (!r)
		r = remote_controller(tool, &client);
	if (r)
		return r;
	request.kind = (char *)kind->name;
	request.path = (char *)path;
	request.recursive = word != NULL;
	r = remote_call(tool, client, "Admin/Delete", &request.base,
			&mmesh__v1__delete_reply__descriptor, (void **)&reply);
	if (r)
		return r;
	show_deleted(tool, reply);
	mmesh__v1__delete_reply__free_unpacked(reply, NULL);
	return TOOL_OK;
}

/* -- the object's commands ------------------------------------------------- */

static void help_words(const struct kind *kind)
{
	for (size_t i = 0; i < kind->n_fields; i++)
		if (kind->field[i].flags & FIELD_IN)
			printf("    %-16s%s\n", kind->field[i].word,
			       field_expected(&kind->field[i]));
}

static void help(const struct kind *kind)
{
	bool token = kind->code == MMESH__V1__OBJECT__KIND_TOKEN;
	char words[WORDS_SIZE];

	kind_words(words, sizeof(words), kind, FIELD_IN);
	printf("Usage: mmesh %s list [PATH]              in a table, all under PATH\n", kind->name);
	printf("       mmesh %s show [PATH]\n", kind->name);
	printf("       mmesh %s add %s%s\n", kind->name, token ? "[TENANT/NETWORK/SUBNET[/TOKEN]]" : "PATH",
	       *words ? " [WORD VALUE]..." : "");
	if (*words)
		printf("       mmesh %s set PATH WORD VALUE...\n", kind->name);
	printf("       mmesh %s del PATH [recursive]     recursive: with all that is under it\n",
	       kind->name);
	printf("\nA %s: %s.\nPATH := %s\n", kind->name, kind->help, kind->path);
	if (*words)
		printf("WORD VALUE :=\n");
	help_words(kind);
	if (kind->code == MMESH__V1__OBJECT__KIND_NODE)
		(void)fputs(client_config_help, stdout);
	if (token)
		printf("\n\"add\" prints the token alone: \"mmesh token add | ssh HOST mmesh join -\". "
		       "It is a secret.\n");
}

int object_run(struct tool *tool, struct args *args, const struct kind *kind)
{
	static const struct {
		const char *name;
		int (*run)(struct tool *tool, struct args *args, const struct kind *kind);
	} commands[] = { { "list", run_list }, { "show", run_show }, { "add", run_add },
			 { "set", run_set },   { "del", run_del } };
	const char *given = args_take(args);
	char context[CONTEXT_SIZE];

	for (char **word = args->word; given && *word; word++)
		if (!strcmp(*word, "help"))
			given = "help";
	if (tool_is_help(given)) {
		help(kind);
		return TOOL_OK;
	}
	(void)snprintf(context, sizeof(context), "mmesh %s %s", kind->name, given ? given : "list");
	args->context = context;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(given ? given : "list", commands[i].name))
			return commands[i].run(tool, args, kind);
	(void)snprintf(context, sizeof(context), "mmesh %s", kind->name);
	return tool_unknown_word(tool, args, given, "list, show, add, set, del, help");
}
