// SPDX-License-Identifier: Apache-2.0
/* mmesh relay: the clients of a device that is a relay. */
#include "relay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "link.h"
#include "number.h"
#include "peer.h"
#include "show.h"
#include "tool.h"

static const char usage[] =
	"Usage: mmesh relay show [dev DEV]            relays, and what each client had forwarded\n"
	"       mmesh relay add KEY dev DEV SETTINGS  forward for a peer, or change how\n"
	"       mmesh relay del KEY dev DEV           don't any more; the peer stays\n"
	"       mmesh relay help\n"
	"\n"
	"SETTINGS := { network ID | trunk on } [ limit-pps N ] [ limit-bps N ]\n"
	"KEY      := public key of a peer of the device; one that isn't there is made\n"
	"ID       := the client's network: packets go to clients of the same one only\n"
	"trunk on := the peer is a relay itself, and names the network of each channel\n"
	"N        := packets, or bits, a second; 0 for no limit\n"
	"\n"
	"The device becomes a relay by \"mmesh dev set DEV relay on\". A client reaches another\n"
	"by it with \"mmesh peer set KEY dev DEV extended on via RELAY\".\n";

int via_parse(struct mmesh_peer *peer, const char *text, struct error *err)
{
	char first[KEY_TEXT_SIZE + 1];
	const char *comma = strchr(text, ',');
	size_t len = comma ? (size_t)(comma - text) : strlen(text);

	memset(peer->via, 0, sizeof(peer->via));
	peer->n_via = 0;
	if (!strcasecmp(text, "off"))
		return 0;
	if (len >= sizeof(first))
		return error_set(err, EINVAL,
				 "\"%s\" is neither off, a public key, nor two with a comma", text);
	(void)snprintf(first, sizeof(first), "%.*s", (int)len, text);
	if (key_parse(peer->via[0], first, err) < 0 ||
	    (comma && key_parse(peer->via[1], comma + 1, err) < 0))
		return -EINVAL;
	peer->n_via = comma ? 2 : 1;
	return 0;
}

void show_via(struct printer *p, const struct mmesh_peer *peer)
{
	char text[2 * KEY_TEXT_SIZE];
	char key[KEY_TEXT_SIZE];

	if (!peer->n_via)
		return;
	key_format(text, peer->via[0]);
	if (peer->n_via == 2) {
		key_format(key, peer->via[1]);
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), ",%s", key);
	}
	printer_string(p, "via", "via", text);
}

/* A command about one client. */
struct request {
	struct mmesh_peer peer;
	char device[IF_NAMESIZE];
};

static int parse_dev(struct tool *tool, void *context, const char *value, struct error *err)
{
	struct request *rq = context;
	int r;

	(void)tool;
	r = mmesh_link_check_name(value, err);
	if (!r)
		(void)snprintf(rq->device, sizeof(rq->device), "%s", value);
	return r;
}

static int parse_network(struct tool *tool, void *context, const char *value, struct error *err)
{
	struct request *rq = context;

	(void)tool;
	rq->peer.has |= MMESH_PEER_HAS_NETWORK;
	return count_parse(&rq->peer.network, value, UINT64_MAX, err);
}

static int parse_trunk(struct tool *tool, void *context, const char *value, struct error *err)
{
	struct request *rq = context;

	(void)tool;
	rq->peer.has |= MMESH_PEER_HAS_RELAY_TRUNK;
	return switch_parse(&rq->peer.relay_trunk, value, err);
}

static int parse_pps(struct tool *tool, void *context, const char *value, struct error *err)
{
	struct request *rq = context;

	(void)tool;
	rq->peer.has |= MMESH_PEER_HAS_LIMIT_PPS;
	return count_parse(&rq->peer.limit_pps, value, UINT64_MAX, err);
}

static int parse_bps(struct tool *tool, void *context, const char *value, struct error *err)
{
	struct request *rq = context;

	(void)tool;
	rq->peer.has |= MMESH_PEER_HAS_LIMIT_BPS;
	return count_parse(&rq->peer.limit_bps, value, UINT64_MAX, err);
}

/* "dev" is the first; del knows no other. */
static const struct word words[] = {
	{ "dev", parse_dev },	    { "network", parse_network }, { "trunk", parse_trunk },
	{ "limit-pps", parse_pps }, { "limit-bps", parse_bps },
};

static int parse_request(struct tool *tool, struct args *args, size_t n_words,
			 struct request *ret)
{
	const char *text = args_take(args);
	struct error err = { 0 };
	int r;

	*ret = (struct request){ 0 };
	if (!text)
		return tool_usage_error(tool, "\"%s\" needs the client's public key.",
					args->context);
	if (key_parse(ret->peer.public_key, text, &err) < 0)
		return tool_usage_error(tool, "\"%s\" is not a public key: %s.", text, err.text);
	r = tool_parse_words(tool, args, words, n_words, ret, NULL);
	if (!r && !*ret->device)
		r = tool_usage_error(tool, "\"%s\" needs \"dev DEV\".", args->context);
	return r;
}

static int send_request(struct tool *tool, const struct request *rq, enum mmesh_peer_op op)
{
	struct mmesh_client *client;
	struct error err = { 0 };
	int r;

	r = tool_client(tool, &client);
	if (r)
		return r;
	r = mmesh_peer_change(client, rq->device, op, &rq->peer, &err);
	if (r < 0) {
		(void)error_prefix(&err, r, "%s: ", rq->device);
		return tool_refused(tool, &err);
	}
	return TOOL_OK;
}

static int relay_add(struct tool *tool, struct args *args)
{
	struct request rq;
	int r;

	r = parse_request(tool, args, ARRAY_SIZE(words), &rq);
	rq.peer.extended = true;
	rq.peer.relay_permit = true;
	rq.peer.has |= MMESH_PEER_HAS_EXTENDED | MMESH_PEER_HAS_RELAY_PERMIT;
	return r ? r : send_request(tool, &rq, MMESH_PEER_ENSURE);
}

static int relay_del(struct tool *tool, struct args *args)
{
	struct request rq;
	int r;

	r = parse_request(tool, args, 1, &rq);
	rq.peer.has |= MMESH_PEER_HAS_RELAY_PERMIT;
	return r ? r : send_request(tool, &rq, MMESH_PEER_SET);
}

static void show_drops(struct printer *p, const struct mmesh_relay_state *state)
{
	static const char *const names[] = { "replay", "malformed", "channel",
					     "permit", "target",    "limit" };
	char text[128] = "";

	if (printer_is_json(p)) {
		printer_open_object(p, "drops");
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			printer_uint(p, names[i], NULL, state->drops[i], NULL);
		printer_close_object(p);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (state->drops[i])
			(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
				       "%s%s %" PRIu64, *text ? ", " : "", names[i],
				       state->drops[i]);
	if (*text)
		printer_string(p, "drops", "dropped", text);
}

static void show_client(struct printer *p, const struct mmesh_peer *peer)
{
	const struct mmesh_relay_state *state = &peer->relay_state;
	char key[KEY_TEXT_SIZE];

	key_format(key, peer->public_key);
	printer_open_object(p, NULL);
	printer_heading(p, "public_key", "client", key, COLOUR_YELLOW);
	if (peer->relay_trunk)
		printer_bool(p, "trunk", "trunk", true);
	else
		printer_uint(p, "network", "network", peer->network, NULL);
	if (peer->limit_pps)
		printer_uint(p, "limit_pps", "packets a second", peer->limit_pps, NULL);
	if (peer->limit_bps)
		printer_uint(p, "limit_bps", "bits a second", peer->limit_bps, NULL);
	printer_uint(p, "channels", "channels", state->channels, NULL);
	printer_uint(p, "from_packets", "packets from it", state->from_packets, NULL);
	printer_bytes(p, "from_bytes", "bytes from it", state->from_bytes);
	printer_uint(p, "to_packets", "packets to it", state->to_packets, NULL);
	printer_bytes(p, "to_bytes", "bytes to it", state->to_bytes);
	show_drops(p, state);
	printer_heading_end(p);
	printer_close_object(p);
}

static void show_relay(struct printer *p, const struct mmesh_device *dev)
{
	printer_open_object(p, NULL);
	printer_heading(p, "device", "relay", dev->name, COLOUR_GREEN);
	printer_uint(p, "channels", "channels", dev->relay_channels, NULL);
	printer_uint(p, "max_clients", "clients at most", dev->relay_clients, NULL);
	printer_heading_end(p);
	printer_open_array(p, "clients");
	for (size_t i = 0; i < dev->n_peers; i++)
		if (dev->peer[i].relay_permit)
			show_client(p, &dev->peer[i]);
	printer_close_array(p);
	printer_close_object(p);
}

static int relay_show(struct tool *tool, struct args *args)
{
	struct printer *p = &tool->printer;
	struct mmesh_devices list;
	struct request rq = { 0 };
	int r;

	r = tool_parse_words(tool, args, words, 1, &rq, NULL);
	if (!r)
		r = tool_read_devices(tool, *rq.device ? rq.device : NULL, true, &list);
	if (r)
		return r;
	printer_begin(p);
	printer_open_array(p, "relays");
	for (size_t i = 0; i < list.count; i++)
		if (list.item[i].relay)
			show_relay(p, &list.item[i]);
	printer_close_array(p);
	printer_end(p);
	mmesh_devices_clear(&list);
	return TOOL_OK;
}

int object_relay(struct tool *tool, struct args *args)
{
	static const struct command commands[] = {
		{ "show", relay_show }, { "add", relay_add }, { "del", relay_del },
	};

	return tool_run_command(tool, args, "mmesh relay", commands, ARRAY_SIZE(commands), usage);
}
