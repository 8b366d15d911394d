// SPDX-License-Identifier: Apache-2.0
#include "wg-show.h"

#include <inttypes.h>
#include <string.h>

#include "show.h"

void wg_show_pretty(struct printer *p, struct mmesh_device *dev, bool show_keys)
{
	const struct show_options opt = { .like_wg = true, .show_keys = show_keys };

	mmesh_device_sort_by_handshake(dev);
	/* wg(8) begins each interface so, after the empty line between two. */
	if (p->block_open)
		printer_text(p, "\n");
	p->block_open = false;
	printer_text(p, "%s", printer_colour_off(p));
	show_device(p, dev, &opt);
	for (size_t i = 0; i < dev->n_peers; i++)
		show_peer(p, dev->name, &dev->peer[i], &opt);
}

static void put_key(FILE *out, bool there, const uint8_t key[KEY_LEN])
{
	char text[KEY_TEXT_SIZE];

	if (!there) {
		(void)fputs("(none)", out);
		return;
	}
	key_format(text, key);
	(void)fputs(text, out);
	explicit_bzero(text, sizeof(text));
}

static void put_endpoint(FILE *out, const struct mmesh_peer *peer)
{
	char text[ENDPOINT_TEXT_SIZE];

	endpoint_format(text, &peer->endpoint);
	(void)fputs(text, out);
}

static void put_allowed_ips(FILE *out, const struct mmesh_peer *peer, char separator)
{
	const struct prefixes *ips = &peer->allowed_ips;

	for (size_t i = 0; i < ips->count; i++) {
		char text[PREFIX_TEXT_SIZE];

		if (i)
			(void)fputc(separator, out);
		prefix_format(text, &ips->item[i]);
		(void)fputs(text, out);
	}
	if (!ips->count)
		(void)fputs("(none)", out);
}

/* A number, for which 0 is "off". */
static void put_switch(FILE *out, const char *prefix, uint32_t value, bool hex)
{
	if (!value)
		(void)fputs("off", out);
	else if (hex)
		fprintf(out, "%s%" PRIx32, prefix, value);
	else
		fprintf(out, "%s%" PRIu32, prefix, value);
}

static void device_public_key(FILE *out, const struct mmesh_device *dev)
{
	put_key(out, dev->has & MMESH_DEVICE_HAS_PUBLIC_KEY, dev->public_key);
}

static void device_private_key(FILE *out, const struct mmesh_device *dev)
{
	put_key(out, dev->has & MMESH_DEVICE_HAS_PRIVATE_KEY, dev->private_key);
}

static void device_listen_port(FILE *out, const struct mmesh_device *dev)
{
	fprintf(out, "%u", dev->listen_port);
}

static void device_fwmark(FILE *out, const struct mmesh_device *dev)
{
	put_switch(out, "0x", dev->fwmark, true);
}

static void device_dump(FILE *out, const struct mmesh_device *dev)
{
	device_private_key(out, dev);
	(void)fputc('\t', out);
	device_public_key(out, dev);
	(void)fputc('\t', out);
	device_listen_port(out, dev);
	(void)fputc('\t', out);
	device_fwmark(out, dev);
}

static void peer_none(FILE *out, const struct mmesh_peer *peer)
{
	(void)out;
	(void)peer;
}

static void peer_psk(FILE *out, const struct mmesh_peer *peer)
{
	put_key(out, peer->has & MMESH_PEER_HAS_PSK, peer->psk);
}

static void peer_allowed_ips(FILE *out, const struct mmesh_peer *peer)
{
	put_allowed_ips(out, peer, ' ');
}

static void peer_handshake(FILE *out, const struct mmesh_peer *peer)
{
	fprintf(out, "%" PRId64, peer->handshake_sec);
}

static void peer_keepalive(FILE *out, const struct mmesh_peer *peer)
{
	put_switch(out, "", peer->keepalive, false);
}

static void peer_transfer(FILE *out, const struct mmesh_peer *peer)
{
	fprintf(out, "%" PRIu64 "\t%" PRIu64, peer->rx_bytes, peer->tx_bytes);
}

static void peer_dump(FILE *out, const struct mmesh_peer *peer)
{
	peer_psk(out, peer);
	(void)fputc('\t', out);
	put_endpoint(out, peer);
	(void)fputc('\t', out);
	put_allowed_ips(out, peer, ',');
	(void)fputc('\t', out);
	peer_handshake(out, peer);
	(void)fputc('\t', out);
	peer_transfer(out, peer);
	(void)fputc('\t', out);
	peer_keepalive(out, peer);
}

static const struct param {
	const char *name;
	void (*device)(FILE *out, const struct mmesh_device *dev);
	void (*peer)(FILE *out, const struct mmesh_peer *peer); /* after its key */
} params[] = {
	{ "public-key", device_public_key, NULL },
	{ "private-key", device_private_key, NULL },
	{ "listen-port", device_listen_port, NULL },
	{ "fwmark", device_fwmark, NULL },
	{ "peers", NULL, peer_none },
	{ "preshared-keys", NULL, peer_psk },
	{ "endpoints", NULL, put_endpoint },
	{ "allowed-ips", NULL, peer_allowed_ips },
	{ "latest-handshakes", NULL, peer_handshake },
	{ "persistent-keepalive", NULL, peer_keepalive },
	{ "transfer", NULL, peer_transfer },
	{ "dump", device_dump, peer_dump },
};

static const struct param *find_param(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(params); i++)
		if (!strcmp(name, params[i].name))
			return &params[i];
	return NULL;
}

bool wg_show_knows(const char *param)
{
	return find_param(param);
}

void wg_show_param(FILE *out, const struct mmesh_device *dev, const char *name, bool with_name)
{
	const struct param *param = find_param(name);

	if (param->device) {
		if (with_name)
			fprintf(out, "%s\t", dev->name);
		param->device(out, dev);
		(void)fputc('\n', out);
	}
	for (size_t i = 0; param->peer && i < dev->n_peers; i++) {
		if (with_name)
			fprintf(out, "%s\t", dev->name);
		put_key(out, true, dev->peer[i].public_key);
		if (param->peer != peer_none)
			(void)fputc('\t', out);
		param->peer(out, &dev->peer[i]);
		(void)fputc('\n', out);
	}
}
