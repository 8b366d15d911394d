// SPDX-License-Identifier: Apache-2.0
/* mmesh dev: network devices of kind mmesh. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "apply.h"
#include "conf.h"
#include "device.h"
#include "link.h"
#include "number.h"
#include "peer.h"
#include "show.h"
#include "stats.h"
#include "tool.h"

static const char usage[] =
	"Usage: mmesh dev show [DEV]\n"
	"       mmesh dev add DEV [SETTINGS]\n"
	"       mmesh dev set DEV SETTINGS\n"
	"       mmesh dev del DEV\n"
	"       mmesh dev setconf DEV FILE     make the device what the file says\n"
	"       mmesh dev addconf DEV FILE     add to the device what the file says\n"
	"       mmesh dev syncconf DEV FILE    like setconf, but touch only what differs\n"
	"       mmesh dev showconf DEV         print such a file, with its secrets\n"
	"       mmesh dev help\n"
	"\n"
	"SETTINGS := [ private-key FILE ] [ listen-port PORT ] [ fwmark MARK ]\n"
	"            [ network ID ] [ subnet N ] [ routed-subnets on | off ]\n"
	"            [ relay on | off ] [ relay-clients NUMBER ]\n"
	"            [ member-prefix LIST ] [ peer-miss on | off ]\n"
	"FILE     := a file's name, or - for standard input; an empty key file removes the key.\n"
	"            setconf, addconf and syncconf read the format of wg(8); [Peer] may have\n"
	"            Suite = wireguard | aes256gcm besides.\n"
	"PORT     := 0 to 65535; 0 lets the kernel choose\n"
	"MARK     := off, a number, or 0x and a hexadecimal number\n"
	"ID       := none, or a number of 64 bits; it changes only while there are no peers\n"
	"N        := 0 to 255; in a network, only peers of the same subnet exchange packets, unless\n"
	"            routed-subnets is on\n"
	"LIST     := the network's own prefix, at most one a family, \"\" for none: addresses inside\n"
	"            it are found only in allowed IPs that are as long, or longer\n"
	"\n"
	"With peer-miss on, a packet for an address inside member-prefix that no peer holds, and an\n"
	"initiation of a key that no peer has, are told by \"mmesh monitor\" and wait five seconds\n"
	"for such a peer to be added.\n";

static int parse_private_key(struct tool *tool, void *context, const char *value,
			     struct error *err)
{
	struct mmesh_device *dev = context;

	dev->has |= MMESH_DEVICE_HAS_PRIVATE_KEY;
	return tool_read_key(tool, dev->private_key, value, err);
}

static int parse_listen_port(struct tool *tool, void *context, const char *value,
			     struct error *err)
{
	struct mmesh_device *dev = context;

	(void)tool;
	dev->has |= MMESH_DEVICE_HAS_PORT;
	return port_parse(&dev->listen_port, value, err);
}

static int parse_fwmark(struct tool *tool, void *context, const char *value, struct error *err)
{
	struct mmesh_device *dev = context;

	(void)tool;
	dev->has |= MMESH_DEVICE_HAS_FWMARK;
	return fwmark_parse(&dev->fwmark, value, err);
}

static int parse_network(struct tool *tool, void *context, const char *value, struct error *err)
{
	struct mmesh_device *dev = context;

	(void)tool;
	dev->has |= MMESH_DEVICE_HAS_NETWORK;
	return network_parse(&dev->network, value, err);
}

static int parse_subnet(struct tool *tool, void *context, const char *value, struct error *err)
{
	struct mmesh_device *dev = context;

	(void)tool;
	dev->has |= MMESH_DEVICE_HAS_SUBNET;
	return subnet_parse(&dev->subnet, value, err);
}

static int parse_routed(struct tool *tool, void *context, const char *value, struct error *err)
{
	struct mmesh_device *dev = context;

	(void)tool;
	dev->has |= MMESH_DEVICE_HAS_ROUTED;
	return switch_parse(&dev->routed_subnets, value, err);
}

static int parse_peer_miss(struct tool *tool, void *context, const char *value, struct error *err)
{
	struct mmesh_device *dev = context;

	(void)tool;
	dev->has |= MMESH_DEVICE_HAS_PEER_MISS;
	return switch_parse(&dev->peer_miss, value, err);
}

static int parse_relay(struct tool *tool, void *context, const char *value, struct error *err)
{
	struct mmesh_device *dev = context;

	(void)tool;
	dev->has |= MMESH_DEVICE_HAS_RELAY;
	return switch_parse(&dev->relay, value, err);
}

static int parse_relay_clients(struct tool *tool, void *context, const char *value,
			       struct error *err)
{
	struct mmesh_device *dev = context;
	uint64_t number = 0;
	int r;

	(void)tool;
	dev->has |= MMESH_DEVICE_HAS_RELAY_CLIENTS;
	r = count_parse(&number, value, UINT32_MAX, err);
	dev->relay_clients = (uint32_t)number;
	return r;
}

static int parse_members(struct tool *tool, void *context, const char *value, struct error *err)
{
	struct mmesh_device *dev = context;
	struct prefixes list = { 0 };
	bool incremental = false;
	int r;

	(void)tool;
	dev->has |= MMESH_DEVICE_HAS_MEMBER;
	r = prefixes_parse(&list, value, &incremental, err);
	if (!r && incremental)
		r = error_set(err, EINVAL, "a list without + and - is expected");
	for (size_t i = 0; !r && i < list.count; i++) {
		struct prefix *member = &dev->member[list.item[i].family == AF_INET6];

		if (member->family)
			r = error_set(err, EINVAL, "only one prefix a family");
		*member = list.item[i];
	}
	prefixes_free(&list);
	return r;
}

static const struct word settings[] = {
	{ "private-key", parse_private_key },
	{ "listen-port", parse_listen_port },
	{ "fwmark", parse_fwmark },
	{ "network", parse_network },
	{ "subnet", parse_subnet },
	{ "routed-subnets", parse_routed },
	{ "relay", parse_relay },
	{ "relay-clients", parse_relay_clients },
	{ "member-prefix", parse_members },
	{ "peer-miss", parse_peer_miss },
};

/* The device's name, which each command but show begins with. */
static int take_name(struct tool *tool, struct args *args, char ret_name[IF_NAMESIZE])
{
	const char *name = args_take(args);
	struct error err = { 0 };

	if (!name)
		return tool_usage_error(tool, "\"%s\" needs the name of a device.", args->context);
	if (mmesh_link_check_name(name, &err) < 0)
		return tool_usage_error(tool, "%s.", err.text);
	(void)snprintf(ret_name, IF_NAMESIZE, "%s", name);
	return TOOL_OK;
}

struct stats_context {
	struct tool *tool;
	struct show_options opt;
};

static int print_stats(const struct mmesh_stats *stats, void *user, struct error *err)
{
	struct stats_context *context = user;

	(void)err;
	show_stats(&context->tool->printer, stats, &context->opt);
	return 0;
}

static int print_all_stats(struct tool *tool, const char *name)
{
	struct stats_context context = {
		.tool = tool,
		.opt = { .brief = tool->stats < 2, .details = tool->details },
	};
	struct error err = { 0 };
	int r;

	printer_open_array(&tool->printer, "stats");
	r = mmesh_stats_read(&tool->client, name, print_stats, &context, &err);
	printer_close_array(&tool->printer);
	return r < 0 ? tool_refused(tool, &err) : TOOL_OK;
}

static int dev_show(struct tool *tool, struct args *args)
{
	const struct show_options opt = {
		.brief = tool->brief,
		.details = tool->details,
		.show_keys = tool->show_keys,
	};
	struct printer *p = &tool->printer;
	struct mmesh_devices list;
	char name[IF_NAMESIZE] = "";
	int r = TOOL_OK;

	if (args_peek(args))
		r = take_name(tool, args, name);
	if (!r)
		r = tool_no_more(tool, args);
	if (!r)
		r = tool_read_devices(tool, *name ? name : NULL, opt.details, &list);
	if (r)
		return r;
	printer_begin(p);
	printer_open_array(p, "devices");
	for (size_t i = 0; i < list.count; i++) {
		mmesh_device_sort_by_handshake(&list.item[i]);
		show_device(p, &list.item[i], &opt);
	}
	printer_close_array(p);
	if (tool->stats)
		r = print_all_stats(tool, *name ? name : NULL);
	printer_end(p);
	mmesh_devices_clear(&list);
	return r;
}

/* Name and settings; *ret_any: there was at least one setting. */
static int parse_device(struct tool *tool, struct args *args, struct mmesh_device *ret,
			bool *ret_any)
{
	unsigned int seen = 0;
	int r;

	*ret = (struct mmesh_device){ 0 };
	r = take_name(tool, args, ret->name);
	if (!r)
		r = tool_parse_words(tool, args, settings, ARRAY_SIZE(settings), ret, &seen);
	*ret_any = seen;
	return r;
}

static int set_device(struct tool *tool, const struct mmesh_device *dev)
{
	struct mmesh_client *client;
	struct error err = { 0 };
	int r;

	r = tool_client(tool, &client);
	if (r)
		return r;
	r = mmesh_device_set(client, dev, &err);
	if (r < 0) {
		(void)error_prefix(&err, r, "%s: ", dev->name);
		return tool_refused(tool, &err);
	}
	return TOOL_OK;
}

static int dev_set(struct tool *tool, struct args *args)
{
	_cleanup_(mmesh_device_clear) struct mmesh_device dev;
	bool any;
	int r;

	r = parse_device(tool, args, &dev, &any);
	if (!r && !any)
		r = tool_usage_error(tool,
				     "\"mmesh dev set %s\" needs at least one of: private-key, "
				     "listen-port, fwmark, network, subnet, routed-subnets, "
				     "relay, relay-clients, member-prefix, peer-miss.",
				     dev.name);
	return r ? r : set_device(tool, &dev);
}

static int dev_add(struct tool *tool, struct args *args)
{
	_cleanup_(mmesh_device_clear) struct mmesh_device dev;
	struct error err = { 0 };
	bool any;
	int r;

	r = parse_device(tool, args, &dev, &any);
	if (r)
		return r;
	if (mmesh_link_add(dev.name, &err) < 0)
		return tool_refused(tool, &err);
	r = any ? set_device(tool, &dev) : TOOL_OK;
	/* What was refused leaves nothing behind. */
	if (r && mmesh_link_del(dev.name, &err) < 0)
		return tool_refused(tool, &err);
	return r;
}

static int dev_del(struct tool *tool, struct args *args)
{
	struct mmesh_device dev;
	struct mmesh_client *client;
	struct error err = { 0 };
	char name[IF_NAMESIZE];
	int r;

	r = take_name(tool, args, name);
	if (!r)
		r = tool_no_more(tool, args);
	if (!r)
		r = tool_client(tool, &client);
	if (r)
		return r;
	/* Links of other kinds are none of our business. */
	if (mmesh_device_get(client, name, false, &dev, &err) < 0 ||
	    mmesh_link_del(name, &err) < 0) {
		(void)error_prefix(&err, 0, "%s: ", name);
		return tool_refused(tool, &err);
	}
	return TOOL_OK;
}

static int read_conf(struct tool *tool, const char *name, const char *path,
		     struct mmesh_device *ret)
{
	struct mmesh_conf_lookup lookup = { .on_retry = tool_on_retry };
	struct error err = { 0 };

	if (!strcmp(path, "-")) {
		if (tool->stdin_taken)
			return tool_usage_error(tool, "standard input is in use already.");
		tool->stdin_taken = true;
	}
	if (endpoint_retries_from_env(&lookup.retries, &err) < 0 ||
	    mmesh_conf_read(ret, path, &lookup, &err) < 0)
		return tool_usage_error(tool, "%s.", err.text);
	(void)snprintf(ret->name, sizeof(ret->name), "%s", name);
	return TOOL_OK;
}

static int apply_conf(struct tool *tool, struct args *args, enum mmesh_apply_mode mode)
{
	_cleanup_(mmesh_device_clear) struct mmesh_device want = { 0 };
	struct mmesh_client *client;
	struct error err = { 0 };
	char name[IF_NAMESIZE];
	const char *path;
	int r;

	r = take_name(tool, args, name);
	if (r)
		return r;
	path = args_take(args);
	if (!path)
		return tool_usage_error(tool, "\"%s %s\" needs a file after it.", args->context,
					name);
	r = tool_no_more(tool, args);
	if (!r)
		r = read_conf(tool, name, path, &want);
	if (!r)
		r = tool_client(tool, &client);
	if (r)
		return r;
	return mmesh_apply(client, mode, &want, &err) < 0 ? tool_refused(tool, &err) : TOOL_OK;
}

static int dev_setconf(struct tool *tool, struct args *args)
{
	return apply_conf(tool, args, MMESH_APPLY_SET);
}

static int dev_addconf(struct tool *tool, struct args *args)
{
	return apply_conf(tool, args, MMESH_APPLY_ADD);
}

static int dev_syncconf(struct tool *tool, struct args *args)
{
	return apply_conf(tool, args, MMESH_APPLY_SYNC);
}

static int dev_showconf(struct tool *tool, struct args *args)
{
	_cleanup_(mmesh_device_clear) struct mmesh_device dev = { 0 };
	struct mmesh_client *client;
	struct error err = { 0 };
	char name[IF_NAMESIZE];
	int r;

	r = take_name(tool, args, name);
	if (!r)
		r = tool_no_more(tool, args);
	if (!r && printer_is_json(&tool->printer))
		r = tool_usage_error(tool, "showconf prints a configuration file, not JSON; use "
					   "\"mmesh -j -d --show-keys dev show\".");
	if (!r)
		r = tool_client(tool, &client);
	if (r)
		return r;
	if (mmesh_device_get(client, name, true, &dev, &err) < 0 ||
	    mmesh_peer_read(client, &dev, NULL, true, &err) < 0) {
		(void)error_prefix(&err, 0, "%s: ", name);
		return tool_refused(tool, &err);
	}
	mmesh_conf_write(stdout, &dev);
	return TOOL_OK;
}

int object_dev(struct tool *tool, struct args *args)
{
	static const struct command commands[] = {
		{ "show", dev_show },	    { "add", dev_add },
		{ "set", dev_set },	    { "del", dev_del },
		{ "setconf", dev_setconf }, { "addconf", dev_addconf },
		{ "syncconf", dev_syncconf }, { "showconf", dev_showconf },
	};

	return tool_run_command(tool, args, "mmesh dev", commands, ARRAY_SIZE(commands), usage);
}
