// SPDX-License-Identifier: Apache-2.0
/*
 * Print a device from a file in the forms of "wg", as the tool would print it:
 *   wg-render FILE NAME pretty | showconf | PARAM [all]
 *   wg-render --conf FILE             what a configuration file says
 */
#include <string.h>

#include "conf.h"
#include "fixture.h"
#include "wg-show.h"

static int print_conf(const char *path)
{
	const struct mmesh_conf_lookup lookup = { .numeric_only = true };
	struct mmesh_device dev;
	struct error err;

	if (mmesh_conf_read(&dev, path, &lookup, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	fixture_write(stdout, &dev);
	mmesh_device_clear(&dev);
	return 0;
}

int main(int argc, char **argv)
{
	const char *colour = getenv("WG_COLOR_MODE");
	const char *hide = getenv("WG_HIDE_KEYS");
	struct printer p = { .out = stdout, .colour = colour && !strcmp(colour, "always") };
	struct mmesh_device dev;

	if (argc == 3 && !strcmp(argv[1], "--conf"))
		return print_conf(argv[2]);
	if (argc < 4)
		return 2;
	fixture_read(&dev, argv[1], argv[2]);
	if (!strcmp(argv[3], "pretty"))
		wg_show_pretty(&p, &dev, hide && !strcmp(hide, "never"));
	else if (!strcmp(argv[3], "showconf"))
		mmesh_conf_write(stdout, &dev);
	else
		wg_show_param(stdout, &dev, argv[3], argc > 4);
	mmesh_device_clear(&dev);
	return fflush(stdout) ? 1 : 0;
}
