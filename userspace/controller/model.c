// SPDX-License-Identifier: Apache-2.0
#include "model.h"

#include <errno.h>
#include <string.h>

int name_check(const char *field, const char *name, struct error *err)
{
	size_t len = strlen(name);

	if (!len)
		return error_set(err, EINVAL, "%s: a name is missing", field);
	if (len >= NAME_SIZE)
		return error_set(err, EINVAL, "%s: %.20s… has more than %d characters", field, name,
				 NAME_SIZE - 1);
	if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != len || name[0] == '-' ||
	    name[len - 1] == '-')
		return error_set(err, EINVAL,
				 "%s: '%s' is not a name: a-z, 0-9, and '-' between them", field,
				 name);
	return 0;
}

void text_clean(char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			*text = '?';
}

int path_parse(struct path *ret, const char *text, struct error *err)
{
	struct path path = { 0 };
	const char *part = text;
	int r;

	while (*part) {
		size_t len = strcspn(part, "/");
		char *to;

		if (path.parts == PATH_PARTS)
			return error_set(err, EINVAL, "path: '%.256s' has more than %d parts", text,
					 PATH_PARTS);
		if (len >= NAME_SIZE)
			return error_set(err, EINVAL, "path: '%.20s…' has more than %d characters",
					 part, NAME_SIZE - 1);
		to = path.part[path.parts++];
		memcpy(to, part, len);
		r = name_check("path", to, err);
		if (r)
			return r;
		part += len;
		if (*part == '/' && !*++part)
			return error_set(err, EINVAL, "path: '%s' ends with '/'", text);
	}
	*ret = path;
	return 0;
}

void path_format(char ret[PATH_SIZE], const struct path *path)
{
	size_t at = 0;

	ret[0] = '\0';
	for (unsigned int i = 0; i < path->parts; i++)
		at += (size_t)snprintf(ret + at, PATH_SIZE - at, "%s%s", i ? "/" : "",
				       path->part[i]);
}
