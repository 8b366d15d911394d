// SPDX-License-Identifier: Apache-2.0
#include "conf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>

#include "number.h"

enum { LINE_MAX_BYTES = 4 * 1024 * 1024 };

enum section { SECTION_NONE, SECTION_INTERFACE, SECTION_PEER };

/* An endpoint whose host is still to be looked up. */
struct pending {
	size_t peer;
	unsigned int line;
	struct endpoint_name name;
};

struct parser {
	struct mmesh_device dev;
	const char *name;
	unsigned int line;
	enum section section;
	unsigned int section_line;
	bool peer_has_key;
	struct pending *pending;
	size_t n_pending;
	size_t pending_room;
};

struct field {
	const char *name;
	int (*parse)(struct parser *ps, const char *value, struct error *err);
};

static struct mmesh_peer *current_peer(struct parser *ps)
{
	return &ps->dev.peer[ps->dev.n_peers - 1];
}

static int parse_private_key(struct parser *ps, const char *value, struct error *err)
{
	ps->dev.has |= MMESH_DEVICE_HAS_PRIVATE_KEY;
	return key_parse(ps->dev.private_key, value, err);
}

static int parse_listen_port(struct parser *ps, const char *value, struct error *err)
{
	ps->dev.has |= MMESH_DEVICE_HAS_PORT;
	return port_parse(&ps->dev.listen_port, value, err);
}

static int parse_fwmark(struct parser *ps, const char *value, struct error *err)
{
	ps->dev.has |= MMESH_DEVICE_HAS_FWMARK;
	return fwmark_parse(&ps->dev.fwmark, value, err);
}

static int parse_public_key(struct parser *ps, const char *value, struct error *err)
{
	ps->peer_has_key = true;
	return key_parse(current_peer(ps)->public_key, value, err);
}

static int parse_preshared_key(struct parser *ps, const char *value, struct error *err)
{
	current_peer(ps)->has |= MMESH_PEER_HAS_PSK;
	return key_parse(current_peer(ps)->psk, value, err);
}

static int parse_allowed_ips(struct parser *ps, const char *value, struct error *err)
{
	struct mmesh_peer *peer = current_peer(ps);
	bool incremental = false;
	int r;

	r = prefixes_parse(&peer->allowed_ips, value, &incremental, err);
	if (incremental)
		peer->replace_allowed_ips = false;
	return r;
}

static int parse_endpoint(struct parser *ps, const char *value, struct error *err)
{
	size_t peer = ps->dev.n_peers - 1;
	struct pending *pending;
	int r;

	/* The last one counts when a section has several. */
	if (ps->n_pending && ps->pending[ps->n_pending - 1].peer == peer)
		ps->n_pending--;
	if (ps->n_pending == ps->pending_room) {
		size_t room = ps->pending_room ? ps->pending_room * 2 : 4;

		pending = reallocarray(ps->pending, room, sizeof(*pending));
		if (!pending)
			return error_oom(err);
		ps->pending = pending;
		ps->pending_room = room;
	}
	pending = &ps->pending[ps->n_pending];
	pending->peer = peer;
	pending->line = ps->line;
	r = endpoint_split(&pending->name, value, err);
	if (!r)
		ps->n_pending++;
	return r;
}

static int parse_keepalive(struct parser *ps, const char *value, struct error *err)
{
	current_peer(ps)->has |= MMESH_PEER_HAS_KEEPALIVE;
	return keepalive_parse(&current_peer(ps)->keepalive, value, err);
}

static int parse_suite(struct parser *ps, const char *value, struct error *err)
{
	current_peer(ps)->has |= MMESH_PEER_HAS_SUITE;
	return mmesh_suite_parse(&current_peer(ps)->suite, value, err);
}

static const struct field interface_fields[] = {
	{ "PrivateKey", parse_private_key },
	{ "ListenPort", parse_listen_port },
	{ "FwMark", parse_fwmark },
};

static const struct field peer_fields[] = {
	{ "PublicKey", parse_public_key },
	{ "PresharedKey", parse_preshared_key },
	{ "AllowedIPs", parse_allowed_ips },
	{ "Endpoint", parse_endpoint },
	{ "PersistentKeepalive", parse_keepalive },
	{ "Suite", parse_suite },
};

static bool is_wg_quick_field(const char *name)
{
	static const char *const fields[] = { "Address", "DNS",	     "MTU",	 "Table",
					      "PreUp",	 "PostUp",   "PreDown",	 "PostDown",
					      "SaveConfig" };

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (!strcasecmp(name, fields[i]))
			return true;
	return false;
}

static int unknown_field(const struct parser *ps, const char *name, struct error *err)
{
	if (ps->section == SECTION_INTERFACE && is_wg_quick_field(name))
		return error_set(err, EINVAL,
				 "%s is a field of wg-quick(8) only; \"wg-quick strip\" removes it",
				 name);
	return error_set(err, EINVAL, "\"%.64s\" is not a field of %s; expected one of: %s", name,
			 ps->section == SECTION_PEER ? "[Peer]" : "[Interface]",
			 ps->section == SECTION_PEER ?
				 "PublicKey, PresharedKey, AllowedIPs, Endpoint, "
				 "PersistentKeepalive, Suite" :
				 "PrivateKey, ListenPort, FwMark");
}

static int parse_field(struct parser *ps, char *line, struct error *err)
{
	bool in_peer = ps->section == SECTION_PEER;
	const struct field *fields = in_peer ? peer_fields : interface_fields;
	size_t n = in_peer ? ARRAY_SIZE(peer_fields) : ARRAY_SIZE(interface_fields);
	char *value = strchr(line, '=');
	int r;

	if (!value)
		return error_set(err, EINVAL,
				 "neither a section ([Interface], [Peer]) nor \"Field = value\"");
	if (ps->section == SECTION_NONE)
		return error_set(err, EINVAL,
				 "a field before the first section ([Interface] or [Peer])");
	*value++ = '\0';
	for (size_t i = 0; i < n; i++) {
		if (strcasecmp(line, fields[i].name))
			continue;
		r = fields[i].parse(ps, value, err);
		return r < 0 ? error_prefix(err, r, "%s: ", fields[i].name) : 0;
	}
	return unknown_field(ps, line, err);
}

static int end_section(struct parser *ps, struct error *err)
{
	if (ps->section != SECTION_PEER || ps->peer_has_key)
		return 0;
	ps->line = ps->section_line;
	return error_set(err, EINVAL, "PublicKey: this [Peer] has none");
}

static int begin_section(struct parser *ps, const char *line, struct error *err)
{
	struct mmesh_peer *peer;
	int r = end_section(ps, err);

	if (r < 0)
		return r;
	ps->section_line = ps->line;
	if (!strcasecmp(line, "[Interface]")) {
		ps->section = SECTION_INTERFACE;
		return 0;
	}
	if (strcasecmp(line, "[Peer]"))
		return error_set(err, EINVAL,
				 "%.64s is not a section; expected [Interface] or [Peer]", line);
	if (ps->dev.n_peers == MMESH_CONF_MAX_PEERS)
		return error_set(err, EFBIG, "more than %d peers", MMESH_CONF_MAX_PEERS);
	peer = mmesh_device_add_peer(&ps->dev);
	if (!peer)
		return error_oom(err);
	peer->replace_allowed_ips = true;
	ps->section = SECTION_PEER;
	ps->peer_has_key = false;
	return 0;
}

/* @line has no blanks and no comment any more. */
static int parse_line(struct parser *ps, char *line, struct error *err)
{
	if (!*line)
		return 0;
	if (*line == '[')
		return begin_section(ps, line, err);
	return parse_field(ps, line, err);
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A line without its blanks and comment. */
struct line {
	char *text;
	size_t room;
};

static void line_free(struct line *line)
{
	if (line->text)
		explicit_bzero(line->text, line->room);
	free(line->text);
	*line = (struct line){ 0 };
}

static int line_take(struct line *line, const char *from, size_t n, struct error *err)
{
	size_t o = 0;

	if (n > LINE_MAX_BYTES)
		return error_set(err, EFBIG, "a line of more than %d bytes", LINE_MAX_BYTES);
	if (memchr(from, '\0', n))
		return error_set(err, EINVAL, "a zero byte, which is not text");
	if (n >= line->room) {
		line_free(line);
		line->text = malloc(n * 2 + 128);
		if (!line->text)
			return error_oom(err);
		line->room = n * 2 + 128;
	}
	for (size_t i = 0; i < n && from[i] != '#'; i++)
		if (!is_blank(from[i]))
			line->text[o++] = from[i];
	line->text[o] = '\0';
	return 0;
}

static int parse_text(struct parser *ps, const char *text, size_t len, struct error *err)
{
	_cleanup_(line_free) struct line line = { 0 };
	const char *end = text + len;
	int r = 0;

	while (!r && text < end) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((eol ? eol : end) - text);

		ps->line++;
		r = line_take(&line, text, n, err);
		if (!r)
			r = parse_line(ps, line.text, err);
		text += n + !!eol;
	}
	return r ? r : end_section(ps, err);
}

static int resolve(struct parser *ps, const struct pending *pending,
		   const struct mmesh_conf_lookup *lookup, struct error *err)
{
	struct mmesh_peer *peer = &ps->dev.peer[pending->peer];
	int r;

	ps->line = pending->line;
	if (lookup->numeric_only)
		r = endpoint_resolve_numeric(&peer->endpoint, &pending->name, err);
	else
		r = endpoint_resolve(&peer->endpoint, &pending->name, lookup->retries,
				     lookup->on_retry, err);
	if (r < 0)
		return error_prefix(err, r, "Endpoint: ");
	peer->has |= MMESH_PEER_HAS_ENDPOINT;
	return 0;
}

int mmesh_conf_parse(struct mmesh_device *ret, const char *text, size_t len, const char *name,
		     const struct mmesh_conf_lookup *lookup, struct error *err)
{
	struct parser ps = { .name = name };
	int r;

	r = parse_text(&ps, text, len, err);
	for (size_t i = 0; !r && i < ps.n_pending; i++)
		r = resolve(&ps, &ps.pending[i], lookup, err);
	free(ps.pending);
	if (r < 0) {
		mmesh_device_clear(&ps.dev);
		*ret = (struct mmesh_device){ 0 };
		return error_prefix(err, r, "%s:%u: ", name, ps.line);
	}
	*ret = ps.dev;
	explicit_bzero(&ps.dev, sizeof(ps.dev));
	return 0;
}

/* The whole file in memory; the caller wipes and frees it. */
static int read_file(int fd, char **ret, size_t *ret_len, struct error *err)
{
	size_t room = 64 * 1024, len = 0;
	char *buf = malloc(room);
	int r = 0;

	while (buf) {
		ssize_t n = read(fd, buf + len, room - len);
		char *bigger;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			r = error_set(err, errno, "cannot read it: %m");
			break;
		}
		if (n == 0) {
			*ret = buf;
			*ret_len = len;
			return 0;
		}
		len += (size_t)n;
		if (len < room)
			continue;
		if (room >= MMESH_CONF_MAX_BYTES) {
			r = error_set(err, EFBIG, "larger than %d MiB",
				      MMESH_CONF_MAX_BYTES / 1024 / 1024);
			break;
		}
		bigger = malloc(room * 2);
		if (bigger)
			memcpy(bigger, buf, len);
		explicit_bzero(buf, room);
		free(buf);
		buf = bigger;
		room *= 2;
	}
	if (!buf)
		return error_oom(err);
	explicit_bzero(buf, room);
	free(buf);
	return r;
}

int mmesh_conf_read(struct mmesh_device *ret, const char *path,
		    const struct mmesh_conf_lookup *lookup, struct error *err)
{
	bool from_stdin = !strcmp(path, "-");
	_cleanup_close_ int fd = -1;
	char *text = NULL;
	size_t len = 0;
	int r;

	*ret = (struct mmesh_device){ 0 };
	fd = from_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, errno, "cannot open \"%s\": %m", path);
	r = read_file(fd, &text, &len, err);
	if (r < 0)
		return error_prefix(err, r, "%s: ", path);
	r = mmesh_conf_parse(ret, text, len, path, lookup, err);
	explicit_bzero(text, len);
	free(text);
	return r;
}

static void write_peer(FILE *out, const struct mmesh_peer *peer)
{
	const struct prefixes *ips = &peer->allowed_ips;
	char key[KEY_TEXT_SIZE];

	key_format(key, peer->public_key);
	fprintf(out, "[Peer]\nPublicKey = %s\n", key);
	if (peer->has & MMESH_PEER_HAS_PSK) {
		key_format(key, peer->psk);
		fprintf(out, "PresharedKey = %s\n", key);
		explicit_bzero(key, sizeof(key));
	}
	for (size_t i = 0; i < ips->count; i++) {
		char text[PREFIX_TEXT_SIZE];

		prefix_format(text, &ips->item[i]);
		fprintf(out, "%s%s%s", i ? ", " : "AllowedIPs = ", text,
			i + 1 == ips->count ? "\n" : "");
	}
	if (peer->has & MMESH_PEER_HAS_ENDPOINT) {
		char text[ENDPOINT_TEXT_SIZE];

		endpoint_format(text, &peer->endpoint);
		fprintf(out, "Endpoint = %s\n", text);
	}
	if (peer->keepalive)
		fprintf(out, "PersistentKeepalive = %u\n", peer->keepalive);
	if (peer->suite != MMESH_SUITE_WIREGUARD) {
		char text[MMESH_SUITE_TEXT_SIZE];

		mmesh_suite_format(text, peer->suite);
		fprintf(out, "Suite = %s\n", text);
	}
}

void mmesh_conf_write(FILE *out, const struct mmesh_device *dev)
{
	fprintf(out, "[Interface]\n");
	if (dev->listen_port)
		fprintf(out, "ListenPort = %u\n", dev->listen_port);
	if (dev->fwmark)
		fprintf(out, "FwMark = 0x%x\n", dev->fwmark);
	if (dev->has & MMESH_DEVICE_HAS_PRIVATE_KEY) {
		char key[KEY_TEXT_SIZE];

		key_format(key, dev->private_key);
		fprintf(out, "PrivateKey = %s\n", key);
		explicit_bzero(key, sizeof(key));
	}
	fprintf(out, "\n");
	for (size_t i = 0; i < dev->n_peers; i++) {
		if (i)
			fprintf(out, "\n");
		write_peer(out, &dev->peer[i]);
	}
}
