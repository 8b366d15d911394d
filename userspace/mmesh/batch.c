// SPDX-License-Identifier: Apache-2.0
#include "batch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	BATCH_MAX_WORDS = 4096,
	BATCH_MAX_LINE = 1024 * 1024,
};

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/*
 * Take one word off *@from, without its quotes; it ends up at @to, which is never
 * behind *@from. Returns its end, or NULL for a quote that isn't closed.
 */
static char *take_word(char *to, char **from)
{
	char *at = *from;
	char quote = '\0';

	for (; *at && (quote || !is_blank(*at)); at++) {
		if (quote && *at == quote) {
			quote = '\0';
		} else if (!quote && (*at == '"' || *at == '\'')) {
			quote = *at;
		} else if (*at == '\\' && quote != '\'' && at[1]) {
			*to++ = *++at;
		} else {
			*to++ = *at;
		}
	}
	*from = at;
	return quote ? NULL : to;
}

int batch_split(char *line, char **words, size_t max, struct error *err)
{
	size_t n = 0;

	for (;;) {
		char *end;
		bool last;

		while (is_blank(*line))
			line++;
		if (!*line || *line == '#')
			break;
		if (n + 1 >= max)
			return error_set(err, EINVAL, "more than %zu words", max - 1);
		words[n++] = line;
		end = take_word(words[n - 1], &line);
		if (!end)
			return error_set(err, EINVAL, "a quote is not closed");
		last = !*line;
		*end = '\0';
		if (last)
			break;
		line++;
	}
	words[n] = NULL;
	return (int)n;
}

static int run_line(struct tool *tool, char *line, char **words,
		    int (*run)(struct tool *tool, char **words))
{
	struct error err = { 0 };
	int n = batch_split(line, words, BATCH_MAX_WORDS, &err);

	if (n < 0)
		return tool_usage_error(tool, "%s.", err.text);
	if (!n)
		return TOOL_OK;
	if (!strcmp(words[0], "monitor"))
		return tool_usage_error(tool, "\"monitor\" never ends, so it cannot be in a batch.");
	return run(tool, words);
}

/* A line of any length up to the limit; false at the end or on an error. */
static bool read_line(FILE *file, char **line, size_t *room, int *ret_error)
{
	ssize_t n;

	errno = 0;
	n = getline(line, room, file);
	*ret_error = n < 0 ? errno : n > BATCH_MAX_LINE ? EFBIG : 0;
	return n >= 0 && !*ret_error;
}

int batch_run(struct tool *tool, const char *path, int (*run)(struct tool *tool, char **words))
{
	_cleanup_fclose_ FILE *file = NULL;
	_cleanup_free_ char **words = calloc(BATCH_MAX_WORDS, sizeof(*words));
	_cleanup_free_ char *line = NULL;
	int error = 0, worst = TOOL_OK;
	unsigned int number = 0;
	size_t room = 0;

	if (!words)
		return tool_usage_error(tool, "out of memory.");
	if (!strcmp(path, "-")) {
		file = stdin;
		tool->stdin_taken = true;
	} else {
		file = fopen(path, "re");
	}
	if (!file)
		return tool_usage_error(tool, "cannot open \"%s\": %s.", path, strerror(errno));
	while (read_line(file, &line, &room, &error)) {
		char place[512];
		int r;

		(void)snprintf(place, sizeof(place), "%.480s:%u: ", path, ++number);
		tool->place = place;
		r = run_line(tool, line, words, run);
		tool->place = NULL;
		if (r > worst)
			worst = r;
		if (r && !tool->force)
			return r;
	}
	if (error)
		return tool_usage_error(tool, "%s:%u: %s.", path, number + 1, strerror(error));
	return worst;
}
