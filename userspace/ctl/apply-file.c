// SPDX-License-Identifier: Apache-2.0
#include "apply-file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "document.h"
#include "object.h"
#include "remote.h"

enum { MAX_FILE = 16 * 1024 * 1024, FIRST_READ = 65536 };

static const char apply_usage[] =
	"Usage: mmesh apply -f FILE|- [--dry-run]\n"
	"\n"
	"Makes what FILE says so: all of it in one step, or nothing of it. FILE is YAML or JSON, with\n"
	"any number of documents; each says all about one object, and what no document names stays:\n"
	"\n"
	"    network: acme/prod\n"
	"    prefix: 10.20.0.0/16\n"
	"    routed-subnets: on\n"
	"    ---\n"
	"    subnet: acme/prod/web\n"
	"\n"
	"The fields are those of \"mmesh OBJECT help\". Prints what changes; --dry-run changes nothing.\n";

static const char export_usage[] =
	"Usage: mmesh export [PATH]       all objects, or those under PATH, as \"mmesh apply\" takes them\n"
	"       mmesh -j export [PATH]    the same in JSON\n";

/* -- apply ----------------------------------------------------------------- */

static void say(void *arg, const char *mistake)
{
	(void)tool_usage_error(arg, "%s.", mistake);
}

/* All of a file, to be freed. */
static int read_all(FILE *file, char **ret, size_t *ret_len)
{
	char *text = NULL;
	size_t len = 0, room = 0;

	for (;;) {
		size_t n;

		if (len == room) {
			char *more;

			room = room ? room * 2 : FIRST_READ;
			more = room > MAX_FILE ? NULL : realloc(text, room);
			if (!more) {
				free(text);
				return room > MAX_FILE ? -EFBIG : -ENOMEM;
			}
			text = more;
		}
		n = fread(text + len, 1, room - len, file);
		if (!n)
			break;
		len += n;
	}
	if (ferror(file)) {
		free(text);
		return -EIO;
	}
	*ret = text;
	*ret_len = len;
	return 0;
}

static int read_file(struct tool *tool, const char *path, struct documents *ret)
{
	_cleanup_fclose_ FILE *file = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int r;

	if (!strcmp(path, "-") && tool->stdin_taken)
		return tool_usage_error(tool, "standard input is in use already.");
	file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	r = file ? read_all(file, &text, &len) : -errno;
	if (r < 0)
		return tool_usage_error(tool, "cannot read \"%s\": %s.", path, strerror(-r));
	r = documents_read(ret, strcmp(path, "-") ? path : "standard input", text, len,
			   printer_now(&tool->printer), say, tool);
	if (r == -ENOMEM)
		return tool_usage_error(tool, "out of memory.");
	if (r < 0)
		return tool_usage_error(tool, "%u mistake%s; nothing was changed.", ret->errors,
					ret->errors == 1 ? "" : "s");
	if (!ret->count)
		return tool_usage_error(tool, "there is no object in \"%s\".", path);
	return TOOL_OK;
}

static void put_change(struct printer *p, const Mmesh__V1__Change *change)
{
	bool create = !strcmp(change->verb, "create");
	enum printer_colour colour = create ? COLOUR_GREEN : COLOUR_YELLOW;

	printer_text(p, "%s%s %s %s%s\n", printer_colour_on(p, colour), create ? "+" : "~",
		     change->kind, change->path, printer_colour_off(p));
	for (size_t i = 0; i < change->n_field; i++)
		printer_text(p, "    %s\n", change->field[i]);
}

static void json_changes(struct printer *p, const Mmesh__V1__ApplyReply *reply, bool dry_run)
{
	printer_begin(p);
	printer_bool(p, "dry_run", NULL, dry_run);
	printer_open_array(p, "changes");
	for (size_t i = 0; i < reply->n_change; i++) {
		const Mmesh__V1__Change *change = reply->change[i];

		printer_open_object(p, NULL);
		printer_string(p, "verb", NULL, change->verb);
		printer_string(p, "kind", NULL, change->kind);
		printer_string(p, "path", NULL, change->path);
		printer_open_array(p, "fields");
		for (size_t j = 0; j < change->n_field; j++)
			printer_item(p, change->field[j]);
		printer_close_array(p);
		printer_close_object(p);
	}
	printer_close_array(p);
	printer_end(p);
}

void show_changes(struct tool *tool, const Mmesh__V1__ApplyReply *reply, bool dry_run)
{
	size_t created = 0, changed = 0, same = 0;
	struct printer *p = &tool->printer;

	if (printer_is_json(p)) {
		json_changes(p, reply, dry_run);
		return;
	}
	for (size_t i = 0; i < reply->n_change; i++) {
		const Mmesh__V1__Change *change = reply->change[i];

		if (!strcmp(change->verb, "same")) {
			same++;
			continue;
		}
		*(strcmp(change->verb, "create") ? &changed : &created) += 1;
		put_change(p, change);
	}
	printer_text(p, "%s%zu created, %zu changed, %zu the same.\n",
		     dry_run ? "A dry run, nothing was done: " : "", created, changed, same);
}

static int send_apply(struct tool *tool, const struct documents *documents, bool dry_run)
{
	Mmesh__V1__ApplyRequest request = MMESH__V1__APPLY_REQUEST__INIT;
	_cleanup_(rpc_client_closep) struct rpc_client *client = NULL;
	Mmesh__V1__ApplyReply *reply = NULL;
	int r;

	request.object = documents->object;
	request.n_object = documents->count;
	request.dry_run = dry_run;
	r = remote_controller(tool, &client);
	if (!r)
		r = remote_call(tool, client, "Admin/Apply", &request.base,
				&mmesh__v1__apply_reply__descriptor, (void **)&reply);
	if (r)
		return r;
	show_changes(tool, reply, dry_run);
	mmesh__v1__apply_reply__free_unpacked(reply, NULL);
	return TOOL_OK;
}

int apply_run(struct tool *tool, struct args *args)
{
	_cleanup_(documents_clear) struct documents documents = { 0 };
	const char *file = NULL, *word;
	bool dry_run = false;
	int r;

	args->context = "mmesh apply";
	while ((word = args_take(args))) {
		if (tool_is_help(word)) {
			(void)fputs(apply_usage, stdout);
			return TOOL_OK;
		}
		if (!strcmp(word, "--dry-run")) {
			dry_run = true;
		} else if (!strcmp(word, "-f") && !file) {
			file = args_take(args);
			if (!file)
				return tool_usage_error(tool, "\"-f\" needs a file after it, or \"-\".");
		} else {
			return tool_unknown_word(tool, args, word, "-f, --dry-run, help");
		}
	}
	if (!file)
		return tool_usage_error(tool, "\"mmesh apply\" needs \"-f FILE\", or \"-f -\" for "
					      "standard input.");
	r = read_file(tool, file, &documents);
	return r ? r : send_apply(tool, &documents, dry_run);
}

/* -- export ---------------------------------------------------------------- */

static void json_object(struct printer *p, const Mmesh__V1__Object *object)
{
	const struct kind *kind = kind_of(object);

	printer_open_object(p, NULL);
	printer_string(p, kind->name, NULL, object->path);
	for (size_t i = 0; i < kind->n_fields; i++)
		if (document_has(&kind->field[i], object))
			field_print(&kind->field[i], kind_message(object), p);
	printer_close_object(p);
}

static void write_export(struct printer *p, const struct objects *all)
{
	printer_begin(p);
	printer_open_array(p, "objects");
	for (size_t i = 0; i < all->count; i++) {
		if (all->item[i]->kind_case == MMESH__V1__OBJECT__KIND_TOKEN)
			continue;
		if (printer_is_json(p))
			json_object(p, all->item[i]);
		else
			document_write(p->out, all->item[i]);
	}
	printer_close_array(p);
	printer_end(p);
}

int export_run(struct tool *tool, struct args *args)
{
	Mmesh__V1__ExportRequest request = MMESH__V1__EXPORT_REQUEST__INIT;
	_cleanup_(rpc_client_closep) struct rpc_client *client = NULL;
	_cleanup_(objects_clear) struct objects all = { 0 };
	Mmesh__V1__ListReply *reply = NULL;
	const char *under = args_take(args);
	int r;

	args->context = "mmesh export";
	if (tool_is_help(under)) {
		(void)fputs(export_usage, stdout);
		return TOOL_OK;
	}
	if (under)
		request.under = (char *)under;
	r = tool_no_more(tool, args);
	if (!r)
		r = remote_controller(tool, &client);
	if (!r)
		r = remote_call(tool, client, "Admin/Export", &request.base,
				&mmesh__v1__list_reply__descriptor, (void **)&reply);
	if (r)
		return r;
	r = objects_take(tool, &all, reply);
	mmesh__v1__list_reply__free_unpacked(reply, NULL);
	if (!r)
		write_export(&tool->printer, &all);
	return r;
}
