// SPDX-License-Identifier: Apache-2.0
/*
 * Configuration files. What is taken must survive being written and read again,
 * and a plan against itself must be empty.
 */
#include <stdio.h>
#include <string.h>

#include "apply.h"
#include "conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct mmesh_conf_lookup numeric = { .numeric_only = true };
	struct mmesh_device dev, again, plan;
	struct error err = { 0 };
	char *text = NULL;
	size_t len;
	FILE *out;

	if (mmesh_conf_parse(&dev, (const char *)data, size, "f", &numeric, &err) < 0) {
		must(*err.text);
		return 0;
	}
	out = open_memstream(&text, &len);
	must(out);
	mmesh_conf_write(out, &dev);
	must(!fclose(out));
	if (mmesh_conf_parse(&again, text, len, "f", &numeric, &err) < 0)
		must(false);
	must(again.n_peers == dev.n_peers);
	must(!mmesh_sync_plan(&plan, &again, &dev, &err));
	mmesh_device_clear(&plan);
	mmesh_device_clear(&again);
	mmesh_device_clear(&dev);
	free(text);
	return 0;
}
