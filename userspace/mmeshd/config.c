// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <syslog.h>

#include "endpoint.h"
#include "number.h"

void config_defaults(struct config *ret)
{
	*ret = (struct config){ .log_priority = LOG_INFO };
	(void)strcpy(ret->state, "/var/lib/mmesh");
	(void)strcpy(ret->socket, "/run/mmesh/mmeshd.sock");
}

static int set_path(char *ret, size_t size, const char *value, struct error *err)
{
	if (*value != '/')
		return error_set(err, EINVAL, "\"%s\" is not an absolute path", value);
	if ((size_t)snprintf(ret, size, "%s", value) >= size)
		return error_set(err, EINVAL, "longer than %zu bytes", size - 1);
	return 0;
}

static int set_log(struct config *ret, const char *value, struct error *err)
{
	static const struct {
		const char *name;
		int priority;
	} names[] = {
		{ "error", LOG_ERR },
		{ "warning", LOG_WARNING },
		{ "info", LOG_INFO },
		{ "debug", LOG_DEBUG },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i].name, value))
			continue;
		ret->log_priority = names[i].priority;
		return 0;
	}
	return error_set(err, EINVAL, "\"%s\" is none of error, warning, info, debug", value);
}

static int add(char list[][CONFIG_VALUE_SIZE], size_t *n, const char *value, struct error *err)
{
	if (*n == CONFIG_MAX_LIST)
		return error_set(err, EINVAL, "more than %d", CONFIG_MAX_LIST);
	if ((size_t)snprintf(list[*n], CONFIG_VALUE_SIZE, "%s", value) >= CONFIG_VALUE_SIZE)
		return error_set(err, EINVAL, "longer than %d bytes", CONFIG_VALUE_SIZE - 1);
	++*n;
	return 0;
}

static int set_endpoint(struct config *ret, const char *value, struct error *err)
{
	const char *colon = strrchr(value, ':');
	char text[CONFIG_VALUE_SIZE];
	struct endpoint_name name;
	union endpoint ep;
	int r;

	/* Port 0 stands for the membership's own: a port that is one, to check the rest. */
	if (colon && !strcmp(colon, ":0"))
		(void)snprintf(text, sizeof(text), "%.*s:1", (int)(colon - value), value);
	else
		(void)snprintf(text, sizeof(text), "%s", value);
	r = endpoint_split(&name, text, err);
	if (!r)
		r = endpoint_resolve_numeric(&ep, &name, err);
	return r < 0 ? r : add(ret->endpoint, &ret->n_endpoints, value, err);
}

static int set_word(struct config *ret, const char *word, const char *value, struct error *err)
{
	if (!*value)
		return error_set(err, EINVAL, "no value");
	if (!strcmp(word, "state"))
		return set_path(ret->state, sizeof(ret->state), value, err);
	if (!strcmp(word, "socket"))
		return set_path(ret->socket, sizeof(ret->socket), value, err);
	if (!strcmp(word, "log"))
		return set_log(ret, value, err);
	if (!strcmp(word, "endpoint"))
		return set_endpoint(ret, value, err);
	if (!strcmp(word, "exclude"))
		return add(ret->exclude, &ret->n_excludes, value, err);
	return error_set(err, EINVAL, "there is no such word");
}

static char *trim(char *text)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return text;
}

static int read_line(struct config *ret, char *line, struct error *err)
{
	char *value;

	line[strcspn(line, "#")] = '\0';
	line = trim(line);
	if (!*line)
		return 0;
	value = strchr(line, '=');
	if (!value)
		return error_set(err, EINVAL, "\"%s\" is not WORD = VALUE", line);
	*value++ = '\0';
	line = trim(line);
	return error_prefix(err, set_word(ret, line, trim(value), err), "%s: ", line);
}

int config_read(struct config *ret, const char *path, struct error *err)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	struct config config = *ret;
	char line[PATH_MAX + 64];
	int r = 0;

	if (!file)
		return error_set(err, errno, "%s: %m", path);
	for (unsigned int number = 1; !r && fgets(line, sizeof(line), file); number++) {
		r = read_line(&config, line, err);
		if (r < 0)
			return error_prefix(err, r, "%s:%u: ", path, number);
	}
	if (ferror(file))
		return error_set(err, EIO, "%s: cannot be read", path);
	*ret = config;
	return 0;
}

bool config_excludes(const struct config *config, const char *link)
{
	for (size_t i = 0; i < config->n_excludes; i++)
		if (!fnmatch(config->exclude[i], link, 0))
			return true;
	return false;
}
