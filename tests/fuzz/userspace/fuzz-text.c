// SPDX-License-Identifier: Apache-2.0
/*
 * Every parser of a word: keys, numbers, prefixes, endpoints, suites, names,
 * lines of a batch. The first byte chooses; what is taken must come back the same
 * when it is printed and parsed again.
 */
#include <string.h>

#include "batch.h"
#include "endpoint.h"
#include "key.h"
#include "link.h"
#include "model.h"
#include "number.h"
#include "prefix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void fuzz_key(const char *text)
{
	char back[KEY_TEXT_SIZE];
	uint8_t key[KEY_LEN];

	if (key_parse(key, text, NULL) < 0) {
		must(key_is_zero(key));
		return;
	}
	key_format(back, key);
	must(!strcmp(back, text));
}

static void fuzz_numbers(const char *text)
{
	uint64_t number;
	uint32_t mark;
	uint16_t small;
	struct error err;

	(void)number_parse(&number, text, UINT64_MAX, &err);
	if (!number_parse(&number, text, 128, &err))
		must(number <= 128);
	(void)port_parse(&small, text, &err);
	(void)fwmark_parse(&mark, text, &err);
	(void)keepalive_parse(&small, text, &err);
	(void)mmesh_suite_parse(&mark, text, &err);
	(void)mmesh_link_check_name(text, &err);
}

static void fuzz_prefixes(const char *text)
{
	struct prefixes list = { 0 };
	bool incremental = false;
	struct error err;

	if (prefixes_parse(&list, text, &incremental, &err) < 0)
		must(!list.count && !incremental);
	for (size_t i = 0; i < list.count; i++) {
		char back[PREFIX_TEXT_SIZE];
		struct prefix again;

		prefix_format(back, &list.item[i]);
		must(!prefix_parse(&again, back, NULL));
		must(prefix_equal(&again, &list.item[i]));
		must(!list.item[i].remove || incremental);
	}
	prefixes_free(&list);
}

static void fuzz_endpoint(const char *text)
{
	char back[ENDPOINT_TEXT_SIZE];
	struct endpoint_name name;
	union endpoint ep, again;
	struct error err;

	if (endpoint_split(&name, text, &err) < 0 ||
	    endpoint_resolve_numeric(&ep, &name, &err) < 0)
		return;
	endpoint_format(back, &ep);
	must(!endpoint_split(&name, back, NULL));
	must(!endpoint_resolve_numeric(&again, &name, NULL));
	must(endpoint_equal(&ep, &again));
}

static void fuzz_batch(char *text)
{
	enum { MAX_WORDS = 64 };
	size_t len = strlen(text);
	char *words[MAX_WORDS];
	int n = batch_split(text, words, MAX_WORDS, NULL);

	must(n < MAX_WORDS);
	for (int i = 0; i < n; i++)
		must(words[i] >= text && words[i] + strlen(words[i]) <= text + len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	text = malloc(size);
	must(text);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch ((uint8_t)(data[0] - '0') % 5) {
	case 0:
		fuzz_key(text);
		break;
	case 1:
		fuzz_numbers(text);
		break;
	case 2:
		fuzz_prefixes(text);
		break;
	case 3:
		fuzz_endpoint(text);
		break;
	default:
		fuzz_batch(text);
		break;
	}
	free(text);
	return 0;
}
