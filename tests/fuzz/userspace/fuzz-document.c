// SPDX-License-Identifier: Apache-2.0
/*
 * Files of objects: whatever is read is written and read again, and is the same.
 */
#include <stdio.h>
#include <string.h>

#include "../../../userspace/ctl/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void say(void *arg, const char *mistake)
{
	(void)arg;
	(void)mistake;
}

static char *write_all(const struct documents *documents, size_t *ret_len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_len);

	if (!out)
		return NULL;
	for (size_t i = 0; i < documents->count; i++)
		document_write(out, documents->object[i]);
	return fclose(out) ? NULL : text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct documents first, again;
	char *text, *second;
	size_t len, second_len;

	if (documents_read(&first, "f", (const char *)data, size, 0, say, NULL) < 0)
		return 0;
	text = write_all(&first, &len);
	if (text && documents_read(&again, "f", text, len, 0, say, NULL) < 0)
		abort();
	if (text) {
		second = write_all(&again, &second_len);
		if (!second || second_len != len || memcmp(text, second, len))
			abort();
		free(second);
		documents_clear(&again);
	}
	free(text);
	documents_clear(&first);
	return 0;
}
