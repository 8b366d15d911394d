// SPDX-License-Identifier: Apache-2.0
#include "tool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "link.h"
#include "peer.h"

static void say(const struct tool *tool, const char *kind, const char *fmt, va_list ap)
	_printf_(3, 0);
static void say(const struct tool *tool, const char *kind, const char *fmt, va_list ap)
{
	/* Keep the order of what goes to a common file. */
	(void)fflush(stdout);
	fprintf(stderr, "%s%s: ", tool->place ? tool->place : "", kind);
	(void)vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

int tool_usage_error(const struct tool *tool, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(tool, "Error", fmt, ap);
	va_end(ap);
	return TOOL_USAGE;
}

void tool_warn(const struct tool *tool, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(tool, "Warning", fmt, ap);
	va_end(ap);
}

int tool_refused(const struct tool *tool, const struct error *err)
{
	(void)tool_usage_error(tool, "%s.", err->text);
	return TOOL_REFUSED;
}

bool tool_is_help(const char *word)
{
	return word && (!strcmp(word, "help") || !strcmp(word, "--help") ||
			!strcmp(word, "-help") || !strcmp(word, "-h"));
}

int tool_unknown_word(const struct tool *tool, const struct args *args, const char *word,
		      const char *expected)
{
	return tool_usage_error(tool, "\"%s\" is not a word of \"%s\"; expected one of: %s.", word,
				args->context, expected);
}

int tool_no_more(const struct tool *tool, const struct args *args)
{
	if (!args_peek(args))
		return TOOL_OK;
	return tool_usage_error(tool, "\"%s\" is one word too many for \"%s\".", args_peek(args),
				args->context);
}

static int unknown_of(const struct tool *tool, const struct args *args, const char *word,
		      const struct word *words, size_t n)
{
	char expected[256] = "";
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		int r = snprintf(expected + len, sizeof(expected) - len, "%s%s", i ? ", " : "",
				 words[i].name);

		if (r < 0 || (size_t)r >= sizeof(expected) - len)
			break;
		len += (size_t)r;
	}
	return tool_unknown_word(tool, args, word, expected);
}

static int parse_word(struct tool *tool, struct args *args, const struct word *word, void *context)
{
	const char *value = args_take(args);
	struct error err = { 0 };

	if (!value)
		return tool_usage_error(tool, "\"%s\" in \"%s\" needs a value after it.",
					word->name, args->context);
	if (word->parse(tool, context, value, &err) < 0)
		return tool_usage_error(tool, "%s: %s.", word->name, err.text);
	return TOOL_OK;
}

int tool_parse_words(struct tool *tool, struct args *args, const struct word *words, size_t n,
		     void *context, unsigned int *ret_seen)
{
	unsigned int seen = 0;
	const char *given;

	while ((given = args_take(args))) {
		size_t i = 0;
		int r;

		while (i < n && strcmp(given, words[i].name))
			i++;
		if (i == n)
			return unknown_of(tool, args, given, words, n);
		if (seen & 1U << i)
			return tool_usage_error(tool, "\"%s\" is given twice in \"%s\".", given,
						args->context);
		seen |= 1U << i;
		r = parse_word(tool, args, &words[i], context);
		if (r)
			return r;
	}
	if (ret_seen)
		*ret_seen = seen;
	return TOOL_OK;
}

int tool_parse_filter(struct tool *tool, struct args *args, struct show_filter *ret)
{
	const char *given;

	*ret = (struct show_filter){ 0 };
	while ((given = args_take(args))) {
		struct error err = { 0 };
		const char *name;

		if (!strcmp(given, "dev") && !*ret->device) {
			name = args_take(args);
			if (!name)
				return tool_usage_error(
					tool, "\"dev\" in \"%s\" needs a value after it.",
					args->context);
			if (mmesh_link_check_name(name, &err) < 0)
				return tool_usage_error(tool, "dev: %s.", err.text);
			(void)snprintf(ret->device, sizeof(ret->device), "%s", name);
			continue;
		}
		if (ret->has_key || key_parse(ret->key, given, NULL) < 0)
			return tool_unknown_word(tool, args, given,
						 "dev, a public key (44 characters of base64)");
		ret->has_key = true;
	}
	return TOOL_OK;
}

int tool_read_key(struct tool *tool, uint8_t ret[KEY_LEN], const char *path, struct error *err)
{
	uint8_t probe[KEY_LEN];
	bool exposed;
	int r;

	if (!key_parse(probe, path, NULL)) {
		explicit_bzero(probe, sizeof(probe));
		return error_set(err, EINVAL,
				 "this is a key where a file's name is expected; everybody can read "
				 "command lines, so keys come from a file or from standard input "
				 "(\"-\")");
	}
	if (key_path_is_stdin(path)) {
		if (tool->stdin_taken)
			return error_set(err, EINVAL, "standard input is in use already");
		tool->stdin_taken = true;
	}
	r = key_read_file(ret, path, &exposed, err);
	if (!r && exposed)
		tool_warn(tool, "key file \"%s\" can be read by its group or by others (chmod 600).",
			  path);
	return r;
}

int tool_client(struct tool *tool, struct mmesh_client **ret)
{
	struct error err = { 0 };

	if (!tool->client_open && mmesh_client_open(&tool->client, &err) < 0)
		return tool_refused(tool, &err);
	tool->client_open = true;
	*ret = &tool->client;
	return TOOL_OK;
}

static int read_one_or_all(struct tool *tool, const char *name, bool secrets,
			   struct mmesh_devices *ret, struct error *err)
{
	struct mmesh_device *dev;
	int r;

	if (!name)
		return mmesh_device_list(&tool->client, secrets, ret, err);
	*ret = (struct mmesh_devices){ 0 };
	dev = mmesh_devices_add(ret);
	if (!dev)
		return error_oom(err);
	r = mmesh_device_get(&tool->client, name, secrets, dev, err);
	if (r < 0)
		mmesh_devices_clear(ret);
	return r < 0 ? error_prefix(err, r, "%s: ", name) : 0;
}

/* With @all, a device that was deleted since the list was made is left out. */
static int read_peers(struct tool *tool, bool all, bool secrets, struct mmesh_devices *list,
		      struct error *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct mmesh_device dev = list->item[i];
		int r;

		list->item[i] = (struct mmesh_device){ 0 };
		r = mmesh_peer_read(&tool->client, &dev, NULL, secrets, err);
		if (r == -ENODEV && all) {
			mmesh_device_clear(&dev);
			continue;
		}
		if (r < 0) {
			(void)error_prefix(err, r, "%s: ", dev.name);
			mmesh_device_clear(&dev);
			return r;
		}
		list->item[kept++] = dev;
		explicit_bzero(&dev, sizeof(dev));
	}
	list->count = kept;
	return 0;
}

int tool_read_devices(struct tool *tool, const char *name, bool peers, struct mmesh_devices *ret)
{
	struct error err = { 0 };
	struct mmesh_client *client;
	bool secrets = true;
	int r;

	r = tool_client(tool, &client);
	if (r)
		return r;
	r = read_one_or_all(tool, name, secrets, ret, &err);
	if (r == -EPERM && !tool->show_keys) {
		secrets = false;
		r = read_one_or_all(tool, name, secrets, ret, &err);
	}
	if (!r && peers)
		r = read_peers(tool, !name, secrets, ret, &err);
	if (!r)
		return TOOL_OK;
	mmesh_devices_clear(ret);
	return tool_refused(tool, &err);
}

void tool_on_retry(const char *host, const char *reason, unsigned int delay_ms)
{
	fprintf(stderr, "%s: %s; next attempt in %.2f seconds.\n", host, reason, delay_ms / 1000.0);
}

static int unknown_command(const struct tool *tool, const char *given, const char *object,
			   const struct command *commands, size_t n)
{
	const struct args args = { .context = object };
	char expected[256] = "";

	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(expected);

		(void)snprintf(expected + len, sizeof(expected) - len, "%s, ", commands[i].name);
	}
	(void)snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected), "help");
	return tool_unknown_word(tool, &args, given, expected);
}

int tool_run_command(struct tool *tool, struct args *args, const char *object,
		     const struct command *commands, size_t n, const char *usage)
{
	const char *given = args_take(args);
	char context[64];

	if (tool_is_help(given)) {
		(void)fputs(usage, stdout);
		return TOOL_OK;
	}
	for (size_t i = 0; i < n; i++) {
		if (strcmp(given ? given : commands[0].name, commands[i].name))
			continue;
		/* "help" may stand wherever a word may. */
		for (char **word = args->word; *word; word++) {
			if (!strcmp(*word, "help")) {
				(void)fputs(usage, stdout);
				return TOOL_OK;
			}
		}
		(void)snprintf(context, sizeof(context), "%s %s", object, commands[i].name);
		args->context = context;
		return commands[i].run(tool, args);
	}
	return unknown_command(tool, given, object, commands, n);
}
