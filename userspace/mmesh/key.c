// SPDX-License-Identifier: Apache-2.0
/* mmesh key: make keys. Needs neither the module nor any right. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool.h"

static const char usage[] =
	"Usage: mmesh key gen           print a new private key\n"
	"       mmesh key pub           print the public key of the private key on standard input\n"
	"       mmesh key psk           print a new preshared key\n"
	"       mmesh key help\n"
	"\n"
	"Keys are 32 bytes in base64. Keep private ones in files that only you can read:\n"
	"       umask 077; mmesh key gen | tee private.key | mmesh key pub > public.key\n";

static int print_key(struct tool *tool, const char *name, uint8_t key[KEY_LEN])
{
	struct printer *p = &tool->printer;
	char text[KEY_TEXT_SIZE];

	key_format(text, key);
	printer_begin(p);
	if (printer_is_json(p))
		printer_string(p, name, NULL, text);
	printer_text(p, "%s\n", text);
	printer_end(p);
	explicit_bzero(text, sizeof(text));
	explicit_bzero(key, KEY_LEN);
	return TOOL_OK;
}

/* A secret that goes into a file which others can read is one no more. */
static void warn_if_exposed(const struct tool *tool)
{
	struct stat st;

	if (!fstat(STDOUT_FILENO, &st) && S_ISREG(st.st_mode) && (st.st_mode & (S_IRGRP | S_IROTH)))
		tool_warn(tool, "standard output is a file that others can read (umask 077).");
}

static int key_gen(struct tool *tool, struct args *args)
{
	struct error err = { 0 };
	uint8_t key[KEY_LEN];

	if (tool_no_more(tool, args))
		return TOOL_USAGE;
	if (key_generate_private(key, &err) < 0)
		return tool_refused(tool, &err);
	warn_if_exposed(tool);
	return print_key(tool, "private_key", key);
}

static int key_psk(struct tool *tool, struct args *args)
{
	struct error err = { 0 };
	uint8_t key[KEY_LEN];

	if (tool_no_more(tool, args))
		return TOOL_USAGE;
	if (key_generate_psk(key, &err) < 0)
		return tool_refused(tool, &err);
	warn_if_exposed(tool);
	return print_key(tool, "preshared_key", key);
}

static int key_pub(struct tool *tool, struct args *args)
{
	struct error err = { 0 };
	uint8_t private_key[KEY_LEN];
	uint8_t public_key[KEY_LEN];
	int r;

	if (tool_no_more(tool, args))
		return TOOL_USAGE;
	r = tool_read_key(tool, private_key, "-", &err);
	if (!r && key_is_zero(private_key))
		r = error_set(&err, EINVAL, "there is no private key on standard input");
	if (!r)
		r = key_public(public_key, private_key, &err);
	explicit_bzero(private_key, sizeof(private_key));
	if (r < 0)
		return tool_usage_error(tool, "%s.", err.text);
	return print_key(tool, "public_key", public_key);
}

int object_key(struct tool *tool, struct args *args)
{
	static const struct command commands[] = {
		{ "gen", key_gen },
		{ "pub", key_pub },
		{ "psk", key_psk },
	};

	if (!args_peek(args))
		return tool_unknown_word(tool, &(struct args){ .context = "mmesh key" }, "",
					 "gen, pub, psk, help");
	return tool_run_command(tool, args, "mmesh key", commands, ARRAY_SIZE(commands), usage);
}
