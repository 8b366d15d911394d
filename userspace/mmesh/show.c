// SPDX-License-Identifier: Apache-2.0
#include "relay.h"
#include "show.h"

#include <inttypes.h>
#include <string.h>

#define HIDDEN "(hidden)"

static void show_public_key(struct printer *p, const struct mmesh_device *dev)
{
	char text[KEY_TEXT_SIZE];

	if (!(dev->has & MMESH_DEVICE_HAS_PUBLIC_KEY)) {
		printer_null(p, "public_key", "public key", NULL);
		return;
	}
	key_format(text, dev->public_key);
	printer_string(p, "public_key", "public key", text);
}

/* A secret that is @there; its bytes are in @key when the reader may see them. */
static void show_secret(struct printer *p, const char *name, const char *label, bool there,
			const uint8_t key[KEY_LEN], bool show_keys)
{
	char text[KEY_TEXT_SIZE];

	if (!there) {
		printer_null(p, name, label, NULL);
		return;
	}
	if (!show_keys) {
		printer_string(p, name, label, HIDDEN);
		return;
	}
	key_format(text, key);
	printer_string(p, name, label, text);
	explicit_bzero(text, sizeof(text));
}

/* People see those that are slow, or with @all every one; programs always all. */
/* A network's id may have more digits than a JSON number keeps. */
static void show_isolation(struct printer *p, const struct mmesh_device *dev)
{
	char network[24];

	if (!(dev->has & MMESH_DEVICE_HAS_NETWORK))
		return;
	(void)snprintf(network, sizeof(network), "0x%" PRIx64, dev->network);
	if (dev->network)
		printer_string(p, "network", "network", network);
	else
		printer_null(p, "network", "network", NULL);
	if (!dev->network && !printer_is_json(p))
		return;
	printer_uint(p, "subnet", "subnet", dev->subnet, NULL);
	printer_bool(p, "routed_subnets", "routed subnets", dev->routed_subnets);
}

static void show_members(struct printer *p, const struct mmesh_device *dev)
{
	static const struct {
		const char *name;
		const char *label;
	} words[] = { { "member_prefix4", "member prefix" }, { "member_prefix6", "member prefix" } };

	for (size_t i = 0; i < ARRAY_SIZE(dev->member); i++) {
		char text[PREFIX_TEXT_SIZE];

		if (!dev->member[i].family)
			continue;
		prefix_format(text, &dev->member[i]);
		printer_string(p, words[i].name, words[i].label, text);
	}
	if ((dev->has & MMESH_DEVICE_HAS_PEER_MISS) && (dev->peer_miss || printer_is_json(p)))
		printer_bool(p, "peer_miss", "peer miss", dev->peer_miss);
}

static void show_suites(struct printer *p, const struct mmesh_device *dev, bool all)
{
	printer_open_array(p, "suites");
	for (size_t i = 0; i < dev->n_suites; i++) {
		const struct mmesh_suite_info *info = &dev->suite[i];
		char name[MMESH_SUITE_TEXT_SIZE];

		if (!info->slow && !all && !printer_is_json(p))
			continue;
		mmesh_suite_format(name, info->suite);
		printer_open_object(p, NULL);
		if (printer_is_json(p)) {
			printer_string(p, "name", NULL, name);
			printer_string(p, "driver", NULL, info->driver);
			printer_bool(p, "slow", NULL, info->slow);
		} else {
			bool oneline = p->form == PRINTER_ONELINE;

			printer_text(p, "%s%ssuite %s%s%s%s%s%s", oneline ? " " : "  ",
				     printer_colour_on(p, COLOUR_BOLD), name, printer_colour_off(p),
				     oneline ? " " : ": ", info->driver, info->slow ? " (slow)" : "",
				     oneline ? "" : "\n");
		}
		printer_close_object(p);
	}
	printer_close_array(p);
}

static void brief_device(struct printer *p, const struct mmesh_device *dev)
{
	char key[KEY_TEXT_SIZE] = "(none)";

	if (dev->has & MMESH_DEVICE_HAS_PUBLIC_KEY)
		key_format(key, dev->public_key);
	printer_text(p, "%s%-15s%s %-44s %5u %u\n", printer_colour_on(p, COLOUR_GREEN), dev->name,
		     printer_colour_off(p), key, dev->listen_port, dev->num_peers);
}

void show_device(struct printer *p, const struct mmesh_device *dev, const struct show_options *opt)
{
	bool has_private = dev->has &
			   (MMESH_DEVICE_HAS_PRIVATE_KEY | MMESH_DEVICE_HAS_PUBLIC_KEY);
	char fwmark[16];

	if (opt->brief && !printer_is_json(p)) {
		brief_device(p, dev);
		return;
	}
	printer_open_object(p, NULL);
	printer_heading(p, "name", "interface", dev->name, COLOUR_GREEN);
	if (printer_is_json(p))
		printer_uint(p, "ifindex", NULL, dev->ifindex, NULL);
	show_public_key(p, dev);
	show_secret(p, "private_key", "private key", has_private, dev->private_key,
		    opt->show_keys && (dev->has & MMESH_DEVICE_HAS_PRIVATE_KEY));
	if (dev->listen_port || printer_is_json(p))
		printer_uint(p, "listen_port", "listening port", dev->listen_port, NULL);
	(void)snprintf(fwmark, sizeof(fwmark), "0x%x", dev->fwmark);
	if (dev->fwmark || printer_is_json(p))
		printer_uint(p, "fwmark", "fwmark", dev->fwmark, fwmark);
	if (dev->relay)
		printer_bool(p, "relay", "relay", true);
	if (!opt->like_wg) {
		show_isolation(p, dev);
		show_members(p, dev);
		printer_uint(p, "peer_count", "peers", dev->num_peers, NULL);
	}
	if (opt->details) {
		printer_uint(p, "generation", "generation", dev->generation, NULL);
		printer_string(p, "module_version", "module version", dev->version);
	}
	if (!opt->like_wg)
		show_suites(p, dev, opt->details);
	printer_heading_end(p);
	if (opt->details) {
		struct show_options below = *opt;

		below.nested = true;
		printer_open_array(p, "peers");
		for (size_t i = 0; i < dev->n_peers; i++)
			show_peer(p, dev->name, &dev->peer[i], &below);
		printer_close_array(p);
	}
	printer_close_object(p);
}

static void show_endpoint(struct printer *p, const struct mmesh_peer *peer)
{
	char text[ENDPOINT_TEXT_SIZE];

	if (!(peer->has & MMESH_PEER_HAS_ENDPOINT)) {
		printer_null(p, "endpoint", "endpoint", NULL);
		return;
	}
	if (!printer_is_json(p)) {
		endpoint_format(text, &peer->endpoint);
		printer_string(p, "endpoint", "endpoint", text);
		return;
	}
	endpoint_format_address(text, &peer->endpoint);
	printer_open_object(p, "endpoint");
	printer_string(p, "address", NULL, text);
	printer_uint(p, "port", NULL, endpoint_port(&peer->endpoint), NULL);
	printer_close_object(p);
}

static void show_allowed_ips(struct printer *p, const struct mmesh_peer *peer,
			     const struct show_options *opt)
{
	const char *cyan = printer_colour_on(p, COLOUR_CYAN);
	const char *off = printer_colour_off(p);
	const struct prefixes *ips = &peer->allowed_ips;
	bool oneline = p->form == PRINTER_ONELINE;

	printer_open_array(p, "allowed_ips");
	if (oneline)
		printer_text(p, " allowed-ips ");
	else
		printer_text(p, "  %sallowed ips%s: ", printer_colour_on(p, COLOUR_BOLD), off);
	for (size_t i = 0; i < ips->count; i++) {
		char text[PREFIX_TEXT_SIZE];
		char share[PREFIX_TEXT_SIZE];
		char *slash;

		prefix_format(text, &ips->item[i]);
		if (printer_is_json(p)) {
			printer_item(p, text);
			continue;
		}
		prefix_format_share(share, &ips->item[i]);
		slash = strchr(text, '/');
		printer_text(p, "%s%.*s%s/%s%s%s", i ? (oneline ? "," : ", ") : "",
			     (int)(slash - text), text, cyan, off, slash + 1,
			     opt->like_wg ? "" : share);
	}
	printer_text(p, "%s%s", ips->count ? "" : (oneline ? "\"\"" : "(none)"),
		     oneline ? "" : "\n");
	printer_close_array(p);
}

/* Beside the plain list, whose items are strings. */
static void show_shares(struct printer *p, const struct mmesh_peer *peer)
{
	const struct prefixes *ips = &peer->allowed_ips;
	bool any = false;

	for (size_t i = 0; i < ips->count; i++)
		any |= ips->item[i].shared;
	if (peer->unreachable)
		printer_bool(p, "unreachable", "unreachable", true);
	if (!any || !printer_is_json(p))
		return;
	printer_open_array(p, "shared");
	for (size_t i = 0; i < ips->count; i++) {
		char text[PREFIX_TEXT_SIZE];

		if (!ips->item[i].shared)
			continue;
		prefix_format(text, &ips->item[i]);
		printer_open_object(p, NULL);
		printer_string(p, "prefix", NULL, text);
		printer_uint(p, "priority", NULL, ips->item[i].priority, NULL);
		printer_uint(p, "weight", NULL, ips->item[i].weight, NULL);
		printer_close_object(p);
	}
	printer_close_array(p);
}

static void show_transfer(struct printer *p, const struct mmesh_peer *peer)
{
	struct units_marks marks = printer_marks(p, COLOUR_CYAN);
	char rx[UNITS_TEXT_SIZE], tx[UNITS_TEXT_SIZE];

	if (p->form != PRINTER_BLOCKS) {
		printer_uint(p, "rx_bytes", NULL, peer->rx_bytes, NULL);
		printer_uint(p, "tx_bytes", NULL, peer->tx_bytes, NULL);
		return;
	}
	if (!peer->rx_bytes && !peer->tx_bytes)
		return;
	units_bytes(rx, peer->rx_bytes, &marks);
	units_bytes(tx, peer->tx_bytes, &marks);
	printer_text(p, "  %stransfer%s: %s received, %s sent\n",
		     printer_colour_on(p, COLOUR_BOLD), printer_colour_off(p), rx, tx);
}

static void show_keepalive(struct printer *p, const struct mmesh_peer *peer)
{
	struct units_marks marks = printer_marks(p, COLOUR_CYAN);
	char every[UNITS_TEXT_SIZE];
	char text[UNITS_TEXT_SIZE + 8];

	if (!peer->keepalive && !printer_is_json(p))
		return;
	units_duration(every, peer->keepalive, &marks);
	(void)snprintf(text, sizeof(text), "every %s", every);
	printer_uint(p, "persistent_keepalive", "persistent keepalive", peer->keepalive,
		     p->form == PRINTER_BLOCKS ? text : NULL);
}

static void brief_peer(struct printer *p, const char *device, const struct mmesh_peer *peer)
{
	struct units_marks plain = { "", "" };
	const struct prefixes *ips = &peer->allowed_ips;
	char endpoint[ENDPOINT_TEXT_SIZE];
	char ago[UNITS_TEXT_SIZE] = "never";
	char key[KEY_TEXT_SIZE];

	key_format(key, peer->public_key);
	endpoint_format(endpoint, &peer->endpoint);
	if (peer->handshake_sec)
		units_ago(ago, peer->handshake_sec, printer_now(p), &plain, &plain);
	printer_text(p, "%-15s %s%s%s %-21s ", device, printer_colour_on(p, COLOUR_YELLOW), key,
		     printer_colour_off(p), endpoint);
	for (size_t i = 0; i < ips->count; i++) {
		char text[PREFIX_TEXT_SIZE];

		prefix_format(text, &ips->item[i]);
		printer_text(p, "%s%s", i ? "," : "", text);
	}
	printer_text(p, "%s %s\n", ips->count ? "" : "(none)", ago);
}

void show_peer(struct printer *p, const char *device, const struct mmesh_peer *peer,
	       const struct show_options *opt)
{
	char text[MMESH_SUITE_TEXT_SIZE];
	char key[KEY_TEXT_SIZE];

	if (opt->brief && !printer_is_json(p)) {
		brief_peer(p, device, peer);
		return;
	}
	key_format(key, peer->public_key);
	mmesh_suite_format(text, peer->suite);
	printer_open_object(p, NULL);
	printer_heading(p, "public_key", "peer", key, COLOUR_YELLOW);
	if (printer_is_json(p))
		printer_string(p, "device", NULL, device);
	else if (p->form == PRINTER_ONELINE || !(opt->nested || opt->like_wg))
		printer_string(p, "dev", "device", device);
	show_secret(p, "preshared_key", "preshared key", peer->has & MMESH_PEER_HAS_PSK, peer->psk,
		    opt->show_keys);
	show_endpoint(p, peer);
	show_allowed_ips(p, peer, opt);
	show_shares(p, peer);
	printer_time(p, "latest_handshake", "latest handshake", peer->handshake_sec);
	show_transfer(p, peer);
	show_keepalive(p, peer);
	if (peer->suite != MMESH_SUITE_WIREGUARD || p->form != PRINTER_BLOCKS)
		printer_string(p, "suite", "suite", text);
	if (peer->extended)
		printer_bool(p, "extended", "extended", true);
	if ((peer->has & MMESH_PEER_HAS_SUBNET) && (peer->subnet || printer_is_json(p)))
		printer_uint(p, "subnet", "subnet", peer->subnet, NULL);
	show_via(p, peer);
	printer_heading_end(p);
	printer_close_object(p);
}

static void show_counter(struct printer *p, const struct mmesh_counter *counter,
			 const struct show_options *opt)
{
	char name[MMESH_STAT_NAME_SIZE];
	char label[MMESH_STAT_NAME_SIZE];
	const char *meaning;

	mmesh_stat_name(name, &meaning, counter->id);
	if (p->form != PRINTER_BLOCKS) {
		printer_uint(p, name, NULL, counter->value, NULL);
		return;
	}
	(void)snprintf(label, sizeof(label), "%s", name);
	for (char *c = label; *c; c++)
		if (*c == '_')
			*c = ' ';
	if (opt->details)
		printer_text(p, "  %s%-26s%s %-20" PRIu64 " %s\n",
			     printer_colour_on(p, COLOUR_BOLD), label, printer_colour_off(p),
			     counter->value, meaning);
	else
		printer_uint(p, name, label, counter->value, NULL);
}

void show_stats(struct printer *p, const struct mmesh_stats *stats, const struct show_options *opt)
{
	printer_open_object(p, NULL);
	printer_heading(p, "device", "counters", stats->name, COLOUR_GREEN);
	printer_open_object(p, "counters");
	for (size_t i = 0; i < stats->count; i++)
		if (stats->counter[i].value || printer_is_json(p) || !opt->brief)
			show_counter(p, &stats->counter[i], opt);
	printer_close_object(p);
	printer_heading_end(p);
	printer_close_object(p);
}
