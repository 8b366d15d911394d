// SPDX-License-Identifier: Apache-2.0
/* mmesh peer: the peers of a device. */
#include "peer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "link.h"
#include "number.h"
#include "path.h"
#include "relay.h"
#include "show.h"
#include "tool.h"

static const char usage[] =
	"Usage: mmesh peer show [dev DEV] [KEY]\n"
	"       mmesh peer add KEY dev DEV [SETTINGS]      make a peer\n"
	"       mmesh peer set KEY dev DEV SETTINGS        change what is given, keep the rest\n"
	"       mmesh peer replace KEY dev DEV [SETTINGS]  make it, or reset it to what is given\n"
	"       mmesh peer del KEY dev DEV\n"
	"       mmesh peer help\n"
	"\n"
	"SETTINGS := [ endpoint HOST:PORT ] [ allowed-ips LIST ] [ psk FILE ]\n"
	"            [ persistent-keepalive SECONDS ] [ suite SUITE ]\n"
	"            [ extended on | off ] [ subnet N ] [ candidate LIST ]\n"
	"            [ via RELAY[,RELAY] | via off ]\n"
	"RELAY    := public key of an extended peer; a second one is the relay behind it\n"
	"KEY      := the peer's public key in base64\n"
	"HOST     := an IPv4 address, an IPv6 address in brackets, or a name\n"
	"LIST     := prefixes with commas between them, \"\" for none; with set, an entry that\n"
	"            begins with + or - is added to or taken from what the peer has; PREFIX@PRIORITY\n"
	"            or PREFIX@PRIORITY*WEIGHT is shared with the peers that have it: of the live ones\n"
	"            with the lowest priority each gets flows by its weight\n"
	"candidate adds addresses (HOST:PORT with commas between them) at which an extended peer\n"
	"            may be reached; see mmesh path\n"
	"FILE     := a file's name, or - for standard input; an empty file removes the key\n"
	"SECONDS  := off, or 1 to 65535\n"
	"SUITE    := wireguard | aes256gcm\n"
	"N        := the peer's subnet in the device's network, 0 to 255\n"
	"\n"
	"replace keeps the endpoint that a peer has when none is given. A prefix that another\n"
	"peer has is refused; with the option -force it moves.\n";

enum { MAX_CANDIDATES = 16 };

/* A command about one peer. */
struct request {
	struct mmesh_peer peer;
	char device[IF_NAMESIZE];
	bool incremental;
	struct endpoint_name endpoint;
	struct endpoint_name candidate[MAX_CANDIDATES];
	size_t n_candidates;
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

static int parse_endpoint(struct tool *tool, void *context, const char *value, struct error *err)
{
	struct request *rq = context;

	(void)tool;
	return endpoint_split(&rq->endpoint, value, err);
}

static int parse_allowed_ips(struct tool *tool, void *context, const char *value,
			     struct error *err)
{
	struct request *rq = context;

	(void)tool;
	rq->peer.replace_allowed_ips = true;
	return prefixes_parse_shared(&rq->peer.allowed_ips, value, &rq->incremental, err);
}

static int parse_psk(struct tool *tool, void *context, const char *value, struct error *err)
{
	struct request *rq = context;

	rq->peer.has |= MMESH_PEER_HAS_PSK;
	return tool_read_key(tool, rq->peer.psk, value, err);
}

static int parse_keepalive(struct tool *tool, void *context, const char *value, struct error *err)
{
	struct request *rq = context;

	(void)tool;
	rq->peer.has |= MMESH_PEER_HAS_KEEPALIVE;
	return keepalive_parse(&rq->peer.keepalive, value, err);
}

static int parse_suite(struct tool *tool, void *context, const char *value, struct error *err)
{
	struct request *rq = context;

	(void)tool;
	rq->peer.has |= MMESH_PEER_HAS_SUITE;
	return mmesh_suite_parse(&rq->peer.suite, value, err);
}

static int parse_extended(struct tool *tool, void *context, const char *value, struct error *err)
{
	struct request *rq = context;

	(void)tool;
	rq->peer.has |= MMESH_PEER_HAS_EXTENDED;
	return switch_parse(&rq->peer.extended, value, err);
}

static int parse_subnet(struct tool *tool, void *context, const char *value, struct error *err)
{
	struct request *rq = context;

	(void)tool;
	rq->peer.has |= MMESH_PEER_HAS_SUBNET;
	return subnet_parse(&rq->peer.subnet, value, err);
}

static int parse_candidates(struct tool *tool, void *context, const char *value, struct error *err)
{
	_cleanup_free_ char *copy = strdup(value);
	struct request *rq = context;
	char *rest = copy, *one;

	(void)tool;
	if (!copy)
		return error_oom(err);
	while ((one = strsep(&rest, ","))) {
		int r;

		if (rq->n_candidates == MAX_CANDIDATES)
			return error_set(err, EINVAL, "more than %d addresses", MAX_CANDIDATES);
		r = endpoint_split(&rq->candidate[rq->n_candidates++], one, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int parse_via(struct tool *tool, void *context, const char *value, struct error *err)
{
	struct request *rq = context;

	(void)tool;
	rq->peer.has |= MMESH_PEER_HAS_VIA;
	return via_parse(&rq->peer, value, err);
}

/* "dev" is the first; del knows no other. */
static const struct word words[] = {
	{ "dev", parse_dev },
	{ "endpoint", parse_endpoint },
	{ "allowed-ips", parse_allowed_ips },
	{ "psk", parse_psk },
	{ "persistent-keepalive", parse_keepalive },
	{ "suite", parse_suite },
	{ "extended", parse_extended },
	{ "subnet", parse_subnet },
	{ "candidate", parse_candidates },
	{ "via", parse_via },
};

static void request_clear(struct request *rq)
{
	mmesh_peer_clear(&rq->peer);
	explicit_bzero(rq, sizeof(*rq));
}

static int take_key(struct tool *tool, struct args *args, uint8_t ret_key[KEY_LEN])
{
	const char *text = args_take(args);
	struct error err = { 0 };

	if (!text)
		return tool_usage_error(tool, "\"%s\" needs the peer's public key.", args->context);
	if (key_parse(ret_key, text, &err) < 0)
		return tool_usage_error(tool, "\"%s\" is not a public key: %s.", text, err.text);
	return TOOL_OK;
}

static int resolve_endpoint(struct tool *tool, struct request *rq)
{
	struct error err = { 0 };
	int retries;

	if (!rq->endpoint.port)
		return TOOL_OK;
	if (endpoint_retries_from_env(&retries, &err) < 0 ||
	    endpoint_resolve(&rq->peer.endpoint, &rq->endpoint, retries, tool_on_retry, &err) < 0)
		return tool_usage_error(tool, "endpoint: %s.", err.text);
	rq->peer.has |= MMESH_PEER_HAS_ENDPOINT;
	return TOOL_OK;
}

static int parse_request(struct tool *tool, struct args *args, size_t n_words, struct request *ret,
			 unsigned int *ret_seen)
{
	int r;

	*ret = (struct request){ 0 };
	r = take_key(tool, args, ret->peer.public_key);
	if (!r)
		r = tool_parse_words(tool, args, words, n_words, ret, ret_seen);
	if (!r && !*ret->device)
		r = tool_usage_error(tool, "\"%s\" needs \"dev DEV\".", args->context);
	if (!r)
		r = resolve_endpoint(tool, ret);
	return r;
}

/* Another peer than the request's that has @wanted, or NULL. */
static const struct mmesh_peer *holder_of(const struct mmesh_device *dev, const struct request *rq,
					  const struct prefix *wanted)
{
	for (size_t i = 0; i < dev->n_peers; i++) {
		const struct prefixes *ips = &dev->peer[i].allowed_ips;

		if (!memcmp(dev->peer[i].public_key, rq->peer.public_key, KEY_LEN))
			continue;
		for (size_t k = 0; k < ips->count; k++)
			if (prefix_equal(&ips->item[k], wanted))
				return &dev->peer[i];
	}
	return NULL;
}

static int refuse_overlap(const struct tool *tool, const struct mmesh_device *dev,
			  const struct request *rq)
{
	for (size_t i = 0; i < rq->peer.allowed_ips.count; i++) {
		const struct prefix *wanted = &rq->peer.allowed_ips.item[i];
		bool moves = !wanted->remove && !wanted->shared;
		const struct mmesh_peer *holder = !moves ? NULL :
								   holder_of(dev, rq, wanted);
		char text[PREFIX_TEXT_SIZE];
		char key[KEY_TEXT_SIZE];
		struct error err;

		if (!holder)
			continue;
		prefix_format(text, wanted);
		key_format(key, holder->public_key);
		error_format(&err,
			     "%s: allowed-ips: %s belongs to peer %s; take it from there first, or "
			     "use -force to move it",
			     rq->device, text, key);
		return tool_refused(tool, &err);
	}
	return TOOL_OK;
}

/*
 * In the kernel, and so with wg(8)'s files and command line, a prefix moves to
 * the peer that got it last. From a person it is more likely a slip.
 */
static int check_overlap(struct tool *tool, const struct request *rq)
{
	_cleanup_(mmesh_device_clear) struct mmesh_device dev = { 0 };
	struct error err = { 0 };
	int r;

	if (tool->force || !rq->peer.allowed_ips.count)
		return TOOL_OK;
	(void)snprintf(dev.name, sizeof(dev.name), "%s", rq->device);
	r = mmesh_peer_read(&tool->client, &dev, NULL, false, &err);
	if (r < 0) {
		(void)error_prefix(&err, r, "%s: ", rq->device);
		return tool_refused(tool, &err);
	}
	return refuse_overlap(tool, &dev, rq);
}

/* Resolved before anything is changed. */
static int resolve_candidates(struct tool *tool, const struct request *rq, union endpoint *ret)
{
	struct error err = { 0 };
	int retries;

	for (size_t i = 0; i < rq->n_candidates; i++)
		if (endpoint_retries_from_env(&retries, &err) < 0 ||
		    endpoint_resolve(&ret[i], &rq->candidate[i], retries, tool_on_retry, &err) < 0)
			return tool_usage_error(tool, "candidate: %s.", err.text);
	return TOOL_OK;
}

static int send_request(struct tool *tool, const struct request *rq, enum mmesh_peer_op op)
{
	union endpoint candidate[MAX_CANDIDATES];
	struct mmesh_client *client;
	struct error err = { 0 };
	int r;

	r = resolve_candidates(tool, rq, candidate);
	if (!r)
		r = tool_client(tool, &client);
	if (!r)
		r = check_overlap(tool, rq);
	if (r)
		return r;
	r = mmesh_peer_change(client, rq->device, op, &rq->peer, &err);
	for (size_t i = 0; i < rq->n_candidates && !r; i++)
		r = mmesh_path_change(client, rq->device, rq->peer.public_key, &candidate[i], false,
				      &err);
	if (r < 0) {
		(void)error_prefix(&err, r, "%s: ", rq->device);
		return tool_refused(tool, &err);
	}
	return TOOL_OK;
}

/* '+' and '-' are changes to something: only "set" has that. */
static int refuse_incremental(struct tool *tool, const struct args *args, const struct request *rq)
{
	if (!rq->incremental)
		return TOOL_OK;
	return tool_usage_error(tool,
				"allowed-ips: entries with + or - change what a peer has; use "
				"\"mmesh peer set\", not \"%s\".",
				args->context);
}

static int peer_add(struct tool *tool, struct args *args)
{
	_cleanup_(request_clear) struct request rq;
	int r;

	r = parse_request(tool, args, ARRAY_SIZE(words), &rq, NULL);
	if (!r)
		r = refuse_incremental(tool, args, &rq);
	return r ? r : send_request(tool, &rq, MMESH_PEER_ADD);
}

static int peer_set(struct tool *tool, struct args *args)
{
	_cleanup_(request_clear) struct request rq;
	unsigned int seen = 0;
	int r;

	r = parse_request(tool, args, ARRAY_SIZE(words), &rq, &seen);
	/* Bit 0 is "dev". */
	if (!r && !(seen & ~1U))
		r = tool_usage_error(tool,
				     "\"mmesh peer set\" needs at least one of: endpoint, "
				     "allowed-ips, psk, persistent-keepalive, suite, extended, subnet, candidate, "
				     "via.");
	if (rq.incremental)
		rq.peer.replace_allowed_ips = false;
	return r ? r : send_request(tool, &rq, MMESH_PEER_SET);
}

static int peer_replace(struct tool *tool, struct args *args)
{
	_cleanup_(request_clear) struct request rq;
	int r;

	r = parse_request(tool, args, ARRAY_SIZE(words), &rq, NULL);
	if (!r)
		r = refuse_incremental(tool, args, &rq);
	/* All zero is each field's default. */
	rq.peer.has |= MMESH_PEER_HAS_PSK | MMESH_PEER_HAS_KEEPALIVE | MMESH_PEER_HAS_SUITE |
		       MMESH_PEER_HAS_EXTENDED | MMESH_PEER_HAS_SUBNET |
		       MMESH_PEER_HAS_VIA;
	rq.peer.replace_allowed_ips = true;
	return r ? r : send_request(tool, &rq, MMESH_PEER_ENSURE);
}

static int peer_del(struct tool *tool, struct args *args)
{
	_cleanup_(request_clear) struct request rq;
	int r;

	r = parse_request(tool, args, 1, &rq, NULL);
	return r ? r : send_request(tool, &rq, MMESH_PEER_DEL);
}

static void print_peers(struct tool *tool, struct mmesh_device *dev, const struct show_filter *filter)
{
	const struct show_options opt = {
		.brief = tool->brief,
		.details = tool->details,
		.show_keys = tool->show_keys,
	};

	mmesh_device_sort_by_handshake(dev);
	for (size_t i = 0; i < dev->n_peers; i++) {
		if (filter->has_key && memcmp(dev->peer[i].public_key, filter->key, KEY_LEN))
			continue;
		show_peer(&tool->printer, dev->name, &dev->peer[i], &opt);
	}
}

static bool has_peer(const struct mmesh_devices *list, const uint8_t key[KEY_LEN])
{
	for (size_t i = 0; i < list->count; i++)
		for (size_t k = 0; k < list->item[i].n_peers; k++)
			if (!memcmp(list->item[i].peer[k].public_key, key, KEY_LEN))
				return true;
	return false;
}

static int peer_show(struct tool *tool, struct args *args)
{
	struct printer *p = &tool->printer;
	struct mmesh_devices list;
	struct show_filter filter;
	int r;

	r = tool_parse_filter(tool, args, &filter);
	if (!r)
		r = tool_read_devices(tool, *filter.device ? filter.device : NULL, true, &list);
	if (r)
		return r;
	if (filter.has_key && !has_peer(&list, filter.key)) {
		const struct error err = { .text = "no device has a peer with this key" };
		const struct error err_dev = { .text = "the device has no peer with this key" };

		mmesh_devices_clear(&list);
		return tool_refused(tool, *filter.device ? &err_dev : &err);
	}
	printer_begin(p);
	printer_open_array(p, "peers");
	for (size_t i = 0; i < list.count; i++)
		print_peers(tool, &list.item[i], &filter);
	printer_close_array(p);
	printer_end(p);
	mmesh_devices_clear(&list);
	return TOOL_OK;
}

int object_peer(struct tool *tool, struct args *args)
{
	static const struct command commands[] = {
		{ "show", peer_show },	     { "add", peer_add }, { "set", peer_set },
		{ "replace", peer_replace }, { "del", peer_del },
	};

	return tool_run_command(tool, args, "mmesh peer", commands, ARRAY_SIZE(commands), usage);
}
