// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "path.h"
#include "show.h"

static void path_endpoint(struct printer *p, const struct mmesh_path *path)
{
	char text[ENDPOINT_TEXT_SIZE];

	if (path->has_relay) {
		printer_null(p, "endpoint", NULL, NULL);
		return;
	}
	endpoint_format_address(text, &path->endpoint);
	printer_open_object(p, "endpoint");
	printer_string(p, "address", NULL, text);
	printer_uint(p, "port", NULL, endpoint_port(&path->endpoint), NULL);
	printer_close_object(p);
}

/* How it is called in text. */
static void path_name(char ret_text[ENDPOINT_TEXT_SIZE], const struct mmesh_path *path)
{
	char key[KEY_TEXT_SIZE];

	if (!path->has_relay) {
		endpoint_format(ret_text, &path->endpoint);
		return;
	}
	key_format(key, path->relay);
	(void)snprintf(ret_text, ENDPOINT_TEXT_SIZE, "via %s", key);
}

static void path_relay(struct printer *p, const struct mmesh_path *path)
{
	char key[KEY_TEXT_SIZE];

	key_format(key, path->relay);
	if (path->has_relay)
		printer_string(p, "relay", NULL, key);
	else
		printer_null(p, "relay", NULL, NULL);
}

static void path_sources(struct printer *p, const struct mmesh_path *path)
{
	char text[MMESH_PATH_TEXT_SIZE] = "";
	const char *name;

	printer_open_array(p, "sources");
	for (unsigned int i = 0; (name = mmesh_path_source_name(i)); i++) {
		size_t len = strlen(text);

		if (!(path->sources & 1U << i))
			continue;
		if (printer_is_json(p))
			printer_item(p, name);
		else
			(void)snprintf(text + len, sizeof(text) - len, "%s%s", len ? "," : "", name);
	}
	printer_close_array(p);
	if (!printer_is_json(p))
		printer_string(p, "sources", "named by", *text ? text : "nobody");
}

void show_path_state(struct printer *p, const struct mmesh_path *path)
{
	char state[MMESH_PATH_TEXT_SIZE], reason[MMESH_PATH_TEXT_SIZE];
	char text[2 * MMESH_PATH_TEXT_SIZE + 16];

	mmesh_path_state_format(state, path->state);
	mmesh_path_reason_format(reason, path->reason);
	printer_bool(p, "current", NULL, path->current);
	if (p->form == PRINTER_BLOCKS) {
		(void)snprintf(text, sizeof(text), "%s%s%s%s%s", path->current ? "in use, " : "", state,
			       path->reason ? " (" : "", path->reason ? reason : "",
			       path->reason ? ")" : "");
		printer_string(p, "state", "state", text);
		return;
	}
	printer_string(p, "state", NULL, state);
	printer_string(p, "reason", NULL, reason);
}

static void path_figures(struct printer *p, const struct mmesh_path *path)
{
	char text[MMESH_PATH_TEXT_SIZE];

	(void)snprintf(text, sizeof(text), "%u.%03u ms", path->rtt_us / 1000, path->rtt_us % 1000);
	if (path->rtt_us)
		printer_uint(p, "rtt_us", "round trip", path->rtt_us,
			     p->form == PRINTER_BLOCKS ? text : NULL);
	else
		printer_null(p, "rtt_us", "round trip", NULL);
	(void)snprintf(text, sizeof(text), "%u.%u %%", path->loss / 10, path->loss % 10);
	printer_uint(p, "loss_permille", "loss", path->loss,
		     p->form == PRINTER_BLOCKS ? text : NULL);
	if (path->mtu)
		printer_uint(p, "mtu", "mtu", path->mtu, NULL);
	else
		printer_null(p, "mtu", "mtu", NULL);
	(void)snprintf(text, sizeof(text), "%llu.%llu s ago",
		       (unsigned long long)path->age_ms / 1000,
		       (unsigned long long)path->age_ms % 1000 / 100);
	if (path->answered)
		printer_uint(p, "age_ms", "answered", path->age_ms,
			     p->form == PRINTER_BLOCKS ? text : NULL);
	else
		printer_null(p, "age_ms", "answered", p->form == PRINTER_BLOCKS ? "never" : NULL);
}

static void brief_path(struct printer *p, const char *device, const struct mmesh_path *path)
{
	char endpoint[ENDPOINT_TEXT_SIZE], key[KEY_TEXT_SIZE];
	char state[MMESH_PATH_TEXT_SIZE], reason[MMESH_PATH_TEXT_SIZE];

	key_format(key, path->public_key);
	path_name(endpoint, path);
	mmesh_path_state_format(state, path->state);
	mmesh_path_reason_format(reason, path->reason);
	printer_text(p, "%-15s %s%s%s %s %-21s %s %s\n", device, printer_colour_on(p, COLOUR_YELLOW),
		     key, printer_colour_off(p), path->current ? "*" : "-", endpoint, state, reason);
}

void show_path(struct printer *p, const char *device, const struct mmesh_path *path, const char *why,
	       const struct show_options *opt)
{
	char endpoint[ENDPOINT_TEXT_SIZE], key[KEY_TEXT_SIZE];

	if (opt->brief && !printer_is_json(p)) {
		brief_path(p, device, path);
		return;
	}
	key_format(key, path->public_key);
	path_name(endpoint, path);
	printer_open_object(p, NULL);
	if (printer_is_json(p)) {
		path_endpoint(p, path);
		path_relay(p, path);
	} else {
		printer_heading(p, "path", "path", endpoint, COLOUR_GREEN);
	}
	printer_string(p, "public_key", "peer", key);
	printer_string(p, "device", "device", device);
	show_path_state(p, path);
	if (why)
		printer_string(p, "not_direct", "not direct", why);
	path_figures(p, path);
	path_sources(p, path);
	if (!printer_is_json(p))
		printer_heading_end(p);
	printer_close_object(p);
}
