// SPDX-License-Identifier: Apache-2.0
/* "mmesh status": a line a peer, then what is wrong, in sentences. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "local.h"

enum { TEXT_SIZE = 64, LINE_SIZE = 512 };

static bool starts_with(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

/* -- JSON ------------------------------------------------------------------ */

static void print_list(struct printer *p, const char *key, char *const *item, size_t n)
{
	printer_open_array(p, key);
	for (size_t i = 0; i < n; i++)
		printer_item(p, item[i]);
	printer_close_array(p);
}

static void print_maybe(struct printer *p, const char *key, const char *text)
{
	if (*text)
		printer_string(p, key, NULL, text);
	else
		printer_null(p, key, NULL, NULL);
}

static void json_peer(struct printer *p, const Mmesh__V1__LocalPeer *peer)
{
	printer_open_object(p, NULL);
	printer_string(p, "name", NULL, peer->name);
	print_maybe(p, "subnet", peer->subnet);
	print_list(p, "address", peer->address, peer->n_address);
	print_maybe(p, "path", peer->path);
	print_maybe(p, "why", peer->why);
	printer_uint(p, "mtu", NULL, peer->mtu, NULL);
	printer_uint(p, "rtt_us", NULL, peer->rtt_us, NULL);
	printer_uint(p, "rx_bytes", NULL, peer->rx_bytes, NULL);
	printer_uint(p, "tx_bytes", NULL, peer->tx_bytes, NULL);
	printer_time(p, "last_handshake", NULL, peer->last_handshake);
	printer_bool(p, "relay", NULL, peer->relay);
	printer_close_object(p);
}

static void json_membership(struct printer *p, const Mmesh__V1__Membership *m)
{
	printer_open_object(p, NULL);
	printer_string(p, "device", NULL, m->device);
	printer_string(p, "tenant", NULL, m->tenant);
	printer_string(p, "network", NULL, m->network);
	printer_string(p, "subnet", NULL, m->subnet);
	printer_string(p, "name", NULL, m->name);
	print_list(p, "address", m->address, m->n_address);
	printer_bool(p, "up", NULL, m->up);
	printer_bool(p, "relay", NULL, m->relay);
	printer_bool(p, "routed_subnets", NULL, m->routed_subnets);
	printer_string(p, "controller", NULL, m->controller);
	printer_string(p, "broker", NULL, m->broker);
	printer_uint(p, "epoch", NULL, m->epoch, NULL);
	printer_uint(p, "sequence", NULL, m->sequence, NULL);
	printer_time(p, "head", NULL, m->head_time);
	printer_time(p, "certificate_expires", NULL, m->certificate_expires);
	printer_uint(p, "repairs", NULL, m->repairs, NULL);
	printer_open_array(p, "peers");
	for (size_t i = 0; i < m->n_peer; i++)
		json_peer(p, m->peer[i]);
	printer_close_array(p);
	printer_close_object(p);
}

static void json_status(struct printer *p, const Mmesh__V1__LocalStatus *status)
{
	printer_begin(p);
	printer_string(p, "version", NULL, status->version);
	printer_open_array(p, "memberships");
	for (size_t i = 0; i < status->n_membership; i++)
		json_membership(p, status->membership[i]);
	printer_close_array(p);
	printer_open_array(p, "health");
	for (size_t i = 0; i < status->n_health; i++) {
		printer_open_object(p, NULL);
		printer_string(p, "level", NULL, status->health[i]->level);
		print_maybe(p, "device", status->health[i]->device);
		printer_string(p, "text", NULL, status->health[i]->text);
		printer_close_object(p);
	}
	printer_close_array(p);
	printer_end(p);
}

/* -- for people ------------------------------------------------------------ */

static const char *first_address(char *const *address, size_t n)
{
	return n ? address[0] : "-";
}

static void rtt_text(char ret[TEXT_SIZE], uint32_t us)
{
	if (!us)
		(void)snprintf(ret, TEXT_SIZE, "-");
	else
		(void)snprintf(ret, TEXT_SIZE, "%" PRIu32 ".%" PRIu32 " ms", us / 1000,
			       us % 1000 / 100);
}

static enum printer_colour path_colour(const char *path)
{
	if (starts_with(path, "direct"))
		return COLOUR_GREEN;
	return starts_with(path, "relay") ? COLOUR_YELLOW : COLOUR_NONE;
}

/* Widths of address, name and path over all peers of a membership. */
struct widths {
	int address, name, path;
};

static void widen(int *width, const char *text)
{
	int len = (int)strlen(text);

	if (len > *width)
		*width = len;
}

static struct widths measure(const Mmesh__V1__Membership *m)
{
	struct widths w = { 0 };

	for (size_t i = 0; i < m->n_peer; i++) {
		widen(&w.address, first_address(m->peer[i]->address, m->peer[i]->n_address));
		widen(&w.name, m->peer[i]->name);
		widen(&w.path, m->peer[i]->path);
	}
	return w;
}

static void put_peer(struct tool *tool, const Mmesh__V1__LocalPeer *peer, const struct widths *w)
{
	const struct units_marks none = { "", "" };
	struct printer *p = &tool->printer;
	char rx[UNITS_TEXT_SIZE], tx[UNITS_TEXT_SIZE], rtt[TEXT_SIZE], mtu[TEXT_SIZE] = "-";

	rtt_text(rtt, peer->rtt_us);
	if (peer->mtu)
		(void)snprintf(mtu, sizeof(mtu), "%" PRIu32, peer->mtu);
	units_bytes(rx, peer->rx_bytes, &none);
	units_bytes(tx, peer->tx_bytes, &none);
	printer_text(p, "  %-*s  %-*s  %s%-*s%s  mtu %-5s  rtt %-9s  rx %s  tx %s%s\n", w->address,
		     first_address(peer->address, peer->n_address), w->name, peer->name,
		     printer_colour_on(p, path_colour(peer->path)), w->path, peer->path,
		     printer_colour_off(p), mtu, rtt, rx, tx, peer->relay ? "  relays" : "");
	if (tool->details && *peer->why)
		printer_text(p, "    not direct: %s\n", peer->why);
}

static void put_membership(struct tool *tool, const Mmesh__V1__Membership *m)
{
	struct widths w = measure(m);
	struct printer *p = &tool->printer;

	printer_text(p, "%s%s%s  %s  %s/%s/%s/%s  %s%s\n", printer_colour_on(p, COLOUR_BOLD),
		     m->device, printer_colour_off(p), first_address(m->address, m->n_address),
		     m->tenant, m->network, m->subnet, m->name, m->up ? "up" : "down",
		     m->relay ? "  relays" : "");
	if (tool->details) {
		for (size_t i = 1; i < m->n_address; i++)
			printer_text(p, "  address: %s\n", m->address[i]);
		printer_text(p, "  controller: %s\n  broker: %s\n", m->controller, m->broker);
		printer_text(p, "  state: epoch %" PRIu64 ", sequence %" PRIu64 "\n", m->epoch,
			     m->sequence);
		printer_text(p, "  routed subnets: %s\n  repairs: %" PRIu32 "\n",
			     m->routed_subnets ? "on" : "off", m->repairs);
	}
	for (size_t i = 0; i < m->n_peer; i++)
		put_peer(tool, m->peer[i], &w);
}

static void put_health(struct printer *p, const Mmesh__V1__LocalStatus *status)
{
	size_t wrong = 0;

	for (size_t i = 0; i < status->n_health; i++) {
		const Mmesh__V1__Health *health = status->health[i];
		bool error = !strcmp(health->level, "error");

		if (!strcmp(health->level, "ok"))
			continue;
		wrong++;
		printer_text(p, "%s%s%s: %s%s%s\n",
			     printer_colour_on(p, error ? COLOUR_RED : COLOUR_YELLOW), health->level,
			     printer_colour_off(p), health->device, *health->device ? ": " : "",
			     health->text);
	}
	if (!wrong)
		printer_text(p, "Nothing is wrong.\n");
}

static void put_oneline(struct printer *p, const Mmesh__V1__Membership *m)
{
	for (size_t i = 0; i < m->n_peer; i++) {
		const Mmesh__V1__LocalPeer *peer = m->peer[i];

		printer_text(p, "%s dev %s address %s path %s mtu %" PRIu32 " rtt-us %" PRIu32
			     " rx-bytes %" PRIu64 " tx-bytes %" PRIu64 "\n",
			     peer->name, m->device, first_address(peer->address, peer->n_address),
			     peer->path, peer->mtu, peer->rtt_us, peer->rx_bytes, peer->tx_bytes);
	}
}

static void put_brief(struct printer *p, const Mmesh__V1__Membership *m)
{
	printer_text(p, "%-15s %-15s %s/%s/%s/%s %s\n", m->device,
		     first_address(m->address, m->n_address), m->tenant, m->network, m->subnet,
		     m->name, m->up ? "up" : "down");
}

void show_status(struct tool *tool, const Mmesh__V1__LocalStatus *status)
{
	struct printer *p = &tool->printer;

	if (printer_is_json(p)) {
		json_status(p, status);
		return;
	}
	for (size_t i = 0; i < status->n_membership; i++) {
		if (p->form == PRINTER_ONELINE)
			put_oneline(p, status->membership[i]);
		else if (tool->brief)
			put_brief(p, status->membership[i]);
		else
			put_membership(tool, status->membership[i]);
	}
	if (p->form == PRINTER_ONELINE || tool->brief)
		return;
	if (!status->n_membership && !status->n_health)
		printer_text(p, "This machine is in no network; \"mmesh join\" takes it into one.\n");
	printer_text(p, "%s%sHealth:%s ", status->n_membership ? "\n" : "",
		     printer_colour_on(p, COLOUR_BOLD), printer_colour_off(p));
	put_health(p, status);
}
