// SPDX-License-Identifier: Apache-2.0
#include "show-event.h"

#include <string.h>

#include "show.h"

/* The event in JSON and what it says in text. */
static const struct kind {
	const char *name;
	const char *text;
} kinds[MMESH_CMD_MAX + 1] = {
	[MMESH_CMD_DEV_NTF] = { "dev_change", "changed" },
	[MMESH_CMD_PEER_ADD_NTF] = { "peer_add", "added" },
	[MMESH_CMD_PEER_CHANGE_NTF] = { "peer_change", "changed" },
	[MMESH_CMD_PEER_DEL_NTF] = { "peer_del", "removed" },
	[MMESH_CMD_HANDSHAKE_NTF] = { "handshake", "handshake" },
	[MMESH_CMD_ENDPOINT_NTF] = { "endpoint", "moved" },
	[MMESH_CMD_PATH_NTF] = { "path", "path" },
	[MMESH_CMD_REACHABLE_NTF] = { "reachable", "changed" },
	[MMESH_CMD_PEER_MISS_NTF] = { "peer_miss", "missed" },
};

static void event_device(struct printer *p, const struct mmesh_device *dev)
{
	char text[KEY_TEXT_SIZE];
	char fwmark[16];

	if (dev->has & MMESH_DEVICE_HAS_PUBLIC_KEY) {
		key_format(text, dev->public_key);
		printer_string(p, "public_key", NULL, text);
	} else {
		printer_null(p, "public_key", NULL, NULL);
	}
	(void)snprintf(fwmark, sizeof(fwmark), "0x%x", dev->fwmark);
	printer_uint(p, "listen_port", NULL, dev->listen_port, NULL);
	printer_uint(p, "fwmark", NULL, dev->fwmark, fwmark);
	printer_uint(p, "peer_count", NULL, dev->num_peers, NULL);
	printer_uint(p, "generation", NULL, dev->generation, NULL);
}

static void event_endpoint(struct printer *p, const union endpoint *endpoint)
{
	char text[ENDPOINT_TEXT_SIZE];

	if (!printer_is_json(p)) {
		endpoint_format(text, endpoint);
		printer_string(p, "endpoint", NULL, text);
		return;
	}
	endpoint_format_address(text, endpoint);
	printer_open_object(p, "endpoint");
	printer_string(p, "address", NULL, text);
	printer_uint(p, "port", NULL, endpoint_port(endpoint), NULL);
	printer_close_object(p);
}

static void event_peer(struct printer *p, const struct mmesh_peer *peer)
{
	char text[MMESH_SUITE_TEXT_SIZE];

	if (peer->has & MMESH_PEER_HAS_ENDPOINT)
		event_endpoint(p, &peer->endpoint);
	if (peer->has & MMESH_PEER_HAS_KEEPALIVE)
		printer_uint(p, "persistent_keepalive", NULL, peer->keepalive, NULL);
	if (peer->has & MMESH_PEER_HAS_SUITE) {
		mmesh_suite_format(text, peer->suite);
		printer_string(p, "suite", NULL, text);
	}
}

static void event_relay(struct printer *p, const uint8_t relay[KEY_LEN])
{
	char text[KEY_TEXT_SIZE];

	key_format(text, relay);
	printer_string(p, "relay", NULL, text);
}

static void event_path(struct printer *p, const struct mmesh_path *path)
{
	if (path->has_relay)
		event_relay(p, path->relay);
	else
		event_endpoint(p, &path->endpoint);
	show_path_state(p, path);
}

static void event_miss(struct printer *p, const struct mmesh_miss *miss)
{
	char text[ENDPOINT_TEXT_SIZE];

	if (!miss->has_key) {
		endpoint_format_address(text, &miss->address);
		printer_string(p, "address", NULL, text);
	} else if (miss->has_relay) {
		event_relay(p, miss->relay);
	} else if (miss->address.sa.sa_family) {
		event_endpoint(p, &miss->address);
	}
}

/* The key of the peer that the event is about, or NULL. */
static const uint8_t *key_of(const struct mmesh_event *event)
{
	if (event->peer)
		return event->peer->public_key;
	if (event->has_path)
		return event->path.public_key;
	return event->has_miss && event->miss.has_key ? event->miss.public_key : NULL;
}

void show_event(struct printer *p, const struct mmesh_event *event, const char *name,
		bool timestamp)
{
	const struct kind unknown = { "unknown", "did something this program does not know" };
	const struct kind *kind = &unknown;
	enum printer_form form = p->form;
	char stamp[RFC3339_SIZE];
	char key[KEY_TEXT_SIZE];

	if (event->command <= MMESH_CMD_MAX && kinds[event->command].name)
		kind = &kinds[event->command];
	/* Text is always one line. */
	if (!printer_is_json(p))
		p->form = PRINTER_ONELINE;
	units_rfc3339(stamp, printer_now(p));
	printer_begin(p);
	if (printer_is_json(p)) {
		printer_string(p, "time", NULL, stamp);
		printer_int(p, "time_epoch", NULL, printer_now(p), NULL);
		printer_string(p, "event", NULL, kind->name);
		printer_string(p, "device", NULL, name);
	}
	printer_text(p, "%s%s%s%s%s", timestamp ? stamp : "", timestamp ? " " : "",
		     printer_colour_on(p, COLOUR_GREEN), name, printer_colour_off(p));
	if (key_of(event)) {
		key_format(key, key_of(event));
		if (printer_is_json(p))
			printer_string(p, "public_key", NULL, key);
		printer_text(p, " peer %s%s%s", printer_colour_on(p, COLOUR_YELLOW), key,
			     printer_colour_off(p));
	}
	printer_text(p, " %s", kind->text);
	if (event->device)
		event_device(p, event->device);
	if (event->command == MMESH_CMD_REACHABLE_NTF)
		printer_bool(p, "reachable", NULL, !event->peer->unreachable);
	else if (event->peer)
		event_peer(p, event->peer);
	if (event->has_path)
		event_path(p, &event->path);
	if (event->has_miss)
		event_miss(p, &event->miss);
	printer_text(p, "\n");
	printer_end(p);
	p->form = form;
}
