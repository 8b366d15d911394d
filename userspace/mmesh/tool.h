/* SPDX-License-Identifier: Apache-2.0 */
/* What all objects of the tool share: options, words of the command line, errors. */
#ifndef MMESH_TOOL_H
#define MMESH_TOOL_H

#include "client.h"
#include "model.h"
#include "printer.h"

enum {
	TOOL_OK = 0,
	TOOL_USAGE = 1,	  /* the command line or a file is wrong; nothing was changed */
	TOOL_REFUSED = 2, /* the kernel, mmeshd or the controller said no, or isn't there */
};

enum tool_colour {
	TOOL_COLOUR_AUTO, /* on a terminal, unless NO_COLOR is set */
	TOOL_COLOUR_ALWAYS,
	TOOL_COLOUR_NEVER,
};

struct tool {
	struct printer printer;
	struct mmesh_client client;
	bool client_open;

	bool brief;
	bool details;
	unsigned int stats; /* how often -s was given */
	bool timestamp;
	bool show_keys;
	enum tool_colour colour;
	const char *netns;
	const char *batch;
	const char *controller; /* unix socket's path or HOST:PORT; NULL: not given */
	const char *identity;	/* file of an operator's certificate, its key and the CA */
	bool force;

	bool stdin_taken;  /* by a batch or by a key already */
	const char *place; /* "FILE:LINE: " in a batch, else NULL */
};

/* The words that are left of a command line. */
struct args {
	char **word; /* NULL-terminated */
	const char *context; /* "mmesh peer set", for errors */
};

static inline const char *args_peek(const struct args *args)
{
	return *args->word;
}

/* The next word, or NULL at the end. */
static inline const char *args_take(struct args *args)
{
	return *args->word ? *args->word++ : NULL;
}

/*
 * One word of a command with the value that follows it. parse() gets the
 * command's own context; it returns 0 or a negative errno with the reason.
 */
struct word {
	const char *name;
	int (*parse)(struct tool *tool, void *context, const char *value, struct error *err);
};

/* The options of both programs, for their help. */
#define TOOL_OPTIONS_HELP                                                                          \
	"OPTIONS := { -j[son] | -p[retty] | -d[etails] | -s[tats] | -o[neline] | -br[ief] |\n"      \
	"             -n[etns] NAME-OR-PID | -b[atch] FILE | -force | -c[olor][=always|auto|never] |\n" \
	"             -t[imestamp] | --show-keys | --controller SOCKET|HOST:PORT |\n"               \
	"             --identity FILE | -V[ersion] | -h[elp] }\n"

/*
 * Take the options that come before the object. *@ret_done: it was -V or -h, and
 * was answered (@usage). TOOL_OK or TOOL_USAGE.
 */
int tool_parse_options(struct tool *tool, struct args *args, const char *usage, bool *ret_done);

/* Print "Error: …" and return TOOL_USAGE. */
int tool_usage_error(const struct tool *tool, const char *fmt, ...) _printf_(2, 3);
/* Print what a library said and return TOOL_REFUSED. */
int tool_refused(const struct tool *tool, const struct error *err);
void tool_warn(const struct tool *tool, const char *fmt, ...) _printf_(2, 3);

/* True for the word "help" in any of its spellings. */
bool tool_is_help(const char *word);

/*
 * Parse "word value" pairs until the line ends. Unknown words, words given twice
 * and missing values are errors. Returns TOOL_OK or TOOL_USAGE. @ret_seen (may be
 * NULL) has a bit for each entry of @words that was given.
 */
int tool_parse_words(struct tool *tool, struct args *args, const struct word *words, size_t n,
		     void *context, unsigned int *ret_seen);

/* "… is not a word of …; expected one of: …"; returns TOOL_USAGE. */
int tool_unknown_word(const struct tool *tool, const struct args *args, const char *word,
		      const char *expected);
/* Refuse what is left of the line; TOOL_OK when nothing is. */
int tool_no_more(const struct tool *tool, const struct args *args);

/* What "show" of peers, or of what belongs to them, narrows down to. */
struct show_filter {
	char device[IF_NAMESIZE];	/* empty: any */
	uint8_t key[KEY_LEN];
	bool has_key;
};

/* The words of such a "show", "[dev DEV] [KEY]", to the line's end. TOOL_OK or TOOL_USAGE. */
int tool_parse_filter(struct tool *tool, struct args *args, struct show_filter *ret);

/* A key from a file or standard input, with the warnings that go with it. */
int tool_read_key(struct tool *tool, uint8_t ret[KEY_LEN], const char *path, struct error *err);

/* The client, opened when first needed. TOOL_OK or TOOL_REFUSED. */
int tool_client(struct tool *tool, struct mmesh_client **ret);

/*
 * Read @name (NULL: all devices), with peers if asked. Secrets come along when
 * the caller may read them; --show-keys without that right is refused.
 */
int tool_read_devices(struct tool *tool, const char *name, bool peers, struct mmesh_devices *ret);

/* Tell of a name that is looked up again; for struct mmesh_conf_lookup. */
void tool_on_retry(const char *host, const char *reason, unsigned int delay_ms);

/* Objects. Each runs one command line and returns an exit code. */
int object_key(struct tool *tool, struct args *args);
int object_dev(struct tool *tool, struct args *args);
int object_peer(struct tool *tool, struct args *args);
int object_relay(struct tool *tool, struct args *args);
int object_stat(struct tool *tool, struct args *args);
int object_path(struct tool *tool, struct args *args);
int object_monitor(struct tool *tool, struct args *args);
/* wg(8)'s command line, without its first word. */
int wg_main(struct tool *tool, char **words);

/* One command of an object. */
struct command {
	const char *name;
	int (*run)(struct tool *tool, struct args *args);
};

/*
 * Run the command that the next word names; without a word @commands[0]. "help"
 * anywhere on the line prints @usage instead.
 */
int tool_run_command(struct tool *tool, struct args *args, const char *object,
		     const struct command *commands, size_t n, const char *usage);

#endif
