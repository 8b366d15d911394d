// SPDX-License-Identifier: Apache-2.0
/*
 * wg(8)'s command line for mmesh devices, so that scripts written for it work
 * unchanged: the same words, the same output, exit status 1 for every failure.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "apply.h"
#include "conf.h"
#include "device.h"
#include "number.h"
#include "peer.h"
#include "tool.h"
#include "wg-show.h"

static const char usage[] =
	"Usage: wg <cmd> [<args>]\n"
	"\n"
	"Available subcommands, as in wg(8), for devices of kind mmesh:\n"
	"  show [<interface> | all | interfaces] [public-key | private-key | listen-port |\n"
	"        fwmark | peers | preshared-keys | endpoints | allowed-ips | latest-handshakes |\n"
	"        persistent-keepalive | transfer | dump]\n"
	"  showconf <interface>\n"
	"  set <interface> [listen-port <port>] [fwmark <mark>] [private-key <file path>]\n"
	"        [peer <base64 public key> [remove] [preshared-key <file path>]\n"
	"        [endpoint <ip>:<port>] [persistent-keepalive <interval seconds>]\n"
	"        [allowed-ips [+|-]<ip1>/<cidr1>[,[+|-]<ip2>/<cidr2>]...] ]...\n"
	"  setconf <interface> <configuration filename>\n"
	"  addconf <interface> <configuration filename>\n"
	"  syncconf <interface> <configuration filename>\n"
	"  genkey\n"
	"  genpsk\n"
	"  pubkey\n";

/* wg(8) knows one failure only. */
static int fail(const struct tool *tool, const char *what, const struct error *err)
{
	(void)tool_usage_error(tool, "%s%s%s.", what, *what ? ": " : "", err->text);
	return TOOL_USAGE;
}

static int need_words(const struct tool *tool, char **words, size_t n, const char *form)
{
	size_t given = 0;

	while (words[given])
		given++;
	if (given == n)
		return TOOL_OK;
	return tool_usage_error(tool, "%s; usage: wg %s", given < n ? "too few words" :
								      "too many words",
				form);
}

static int wg_client(struct tool *tool, struct mmesh_client **ret)
{
	return tool_client(tool, ret) ? TOOL_USAGE : TOOL_OK;
}

static int wg_interfaces(struct tool *tool)
{
	struct mmesh_devices list;
	struct mmesh_client *client;
	struct error err = { 0 };

	if (wg_client(tool, &client))
		return TOOL_USAGE;
	if (mmesh_device_list(client, false, &list, &err) < 0)
		return fail(tool, "", &err);
	for (size_t i = 0; i < list.count; i++)
		printf("%s%c", list.item[i].name, i + 1 < list.count ? ' ' : '\n');
	mmesh_devices_clear(&list);
	return TOOL_OK;
}

static void settle_environment(struct tool *tool)
{
	const char *colour = getenv("WG_COLOR_MODE");
	const char *hide = getenv("WG_HIDE_KEYS");
	bool always = colour && !strcmp(colour, "always");
	bool never = colour && !strcmp(colour, "never");

	tool->printer.form = PRINTER_BLOCKS;
	tool->printer.colour = always || (!never && isatty(STDOUT_FILENO));
	tool->show_keys = hide && !strcmp(hide, "never");
}

static int wg_show(struct tool *tool, char **words)
{
	const char *name = words[0] ? words[0] : "all";
	const char *param = words[0] ? words[1] : NULL;
	bool all = !strcmp(name, "all");
	bool show_keys = tool->show_keys;
	struct mmesh_devices list;
	int r;

	if (param && words[2])
		return tool_usage_error(tool, "\"%s\" is one word too many for \"wg show\".",
					words[2]);
	if (!strcmp(name, "interfaces")) {
		if (param)
			return tool_usage_error(tool, "\"%s\" is one word too many for \"wg show "
						      "interfaces\".",
						param);
		return wg_interfaces(tool);
	}
	if (param && !wg_show_knows(param))
		return tool_usage_error(tool,
					"\"%s\" is not a word of \"wg show\"; expected one of: "
					"public-key, private-key, listen-port, fwmark, peers, "
					"preshared-keys, endpoints, allowed-ips, latest-handshakes, "
					"persistent-keepalive, transfer, dump.",
					param);
	/* Secrets or a refusal: "(none)" for a key that cannot be seen would be a lie. */
	tool->show_keys = true;
	r = tool_read_devices(tool, all ? NULL : name, true, &list);
	tool->show_keys = show_keys;
	if (r)
		return TOOL_USAGE;
	for (size_t i = 0; i < list.count; i++) {
		if (param)
			wg_show_param(stdout, &list.item[i], param, all);
		else
			wg_show_pretty(&tool->printer, &list.item[i], show_keys);
	}
	mmesh_devices_clear(&list);
	return TOOL_OK;
}

static int wg_showconf(struct tool *tool, char **words)
{
	_cleanup_(mmesh_device_clear) struct mmesh_device dev = { 0 };
	struct mmesh_client *client;
	struct error err = { 0 };

	if (need_words(tool, words, 1, "showconf <interface>") || wg_client(tool, &client))
		return TOOL_USAGE;
	if (mmesh_device_get(client, words[0], true, &dev, &err) < 0 ||
	    mmesh_peer_read(client, &dev, NULL, true, &err) < 0)
		return fail(tool, words[0], &err);
	mmesh_conf_write(stdout, &dev);
	return TOOL_OK;
}

/* The state of parsing "wg set". */
struct setting {
	struct tool *tool;
	struct mmesh_device dev;
	struct mmesh_peer *peer; /* the one that the words are about */
	int retries;
};

static int set_listen_port(struct setting *set, const char *value, struct error *err)
{
	set->dev.has |= MMESH_DEVICE_HAS_PORT;
	return port_parse(&set->dev.listen_port, value, err);
}

static int set_fwmark(struct setting *set, const char *value, struct error *err)
{
	set->dev.has |= MMESH_DEVICE_HAS_FWMARK;
	return fwmark_parse(&set->dev.fwmark, value, err);
}

static int set_private_key(struct setting *set, const char *value, struct error *err)
{
	set->dev.has |= MMESH_DEVICE_HAS_PRIVATE_KEY;
	return tool_read_key(set->tool, set->dev.private_key, value, err);
}

static int set_peer(struct setting *set, const char *value, struct error *err)
{
	set->peer = mmesh_device_add_peer(&set->dev);
	if (!set->peer)
		return error_oom(err);
	return key_parse(set->peer->public_key, value, err);
}

static int set_remove(struct setting *set, const char *value, struct error *err)
{
	(void)value;
	(void)err;
	set->peer->remove = true;
	return 0;
}

static int set_preshared_key(struct setting *set, const char *value, struct error *err)
{
	set->peer->has |= MMESH_PEER_HAS_PSK;
	return tool_read_key(set->tool, set->peer->psk, value, err);
}

static int set_endpoint(struct setting *set, const char *value, struct error *err)
{
	struct endpoint_name name;
	int r;

	r = endpoint_split(&name, value, err);
	if (!r)
		r = endpoint_resolve(&set->peer->endpoint, &name, set->retries, tool_on_retry, err);
	if (!r)
		set->peer->has |= MMESH_PEER_HAS_ENDPOINT;
	return r;
}

static int set_keepalive(struct setting *set, const char *value, struct error *err)
{
	set->peer->has |= MMESH_PEER_HAS_KEEPALIVE;
	return keepalive_parse(&set->peer->keepalive, value, err);
}

static int set_allowed_ips(struct setting *set, const char *value, struct error *err)
{
	bool incremental = false;
	int r;

	r = prefixes_parse(&set->peer->allowed_ips, value, &incremental, err);
	set->peer->replace_allowed_ips = !incremental;
	return r;
}

static const struct set_word {
	const char *name;
	bool of_peer; /* else of the device, before the first peer */
	bool alone;   /* takes no value */
	int (*parse)(struct setting *set, const char *value, struct error *err);
} set_words[] = {
	{ "listen-port", false, false, set_listen_port },
	{ "fwmark", false, false, set_fwmark },
	{ "private-key", false, false, set_private_key },
	{ "remove", true, true, set_remove },
	{ "preshared-key", true, false, set_preshared_key },
	{ "endpoint", true, false, set_endpoint },
	{ "persistent-keepalive", true, false, set_keepalive },
	{ "allowed-ips", true, false, set_allowed_ips },
};

static const struct set_word *find_set_word(const char *name, bool in_peer)
{
	static const struct set_word peer = { "peer", false, false, set_peer };

	if (!strcmp(name, "peer"))
		return &peer;
	for (size_t i = 0; i < ARRAY_SIZE(set_words); i++)
		if (set_words[i].of_peer == in_peer && !strcmp(name, set_words[i].name))
			return &set_words[i];
	return NULL;
}

static int parse_set(struct setting *set, char **words)
{
	const struct tool *tool = set->tool;
	struct error err = { 0 };

	if (endpoint_retries_from_env(&set->retries, &err) < 0)
		return fail(tool, "", &err);
	while (*words) {
		const char *name = *words++;
		const struct set_word *word = find_set_word(name, set->peer);

		if (!word)
			return tool_usage_error(tool,
						"\"%s\" is not a word of \"wg set\" here; expected "
						"one of: %s.",
						name,
						set->peer ? "peer, remove, preshared-key, endpoint, "
							    "persistent-keepalive, allowed-ips" :
							    "listen-port, fwmark, private-key, peer");
		if (!word->alone && !*words)
			return tool_usage_error(tool, "\"%s\" in \"wg set\" needs a value after it.",
						name);
		if (word->parse(set, word->alone ? NULL : *words++, &err) < 0)
			return fail(tool, name, &err);
	}
	return TOOL_OK;
}

static int set_name(const struct tool *tool, struct mmesh_device *dev, const char *name)
{
	if (strlen(name) >= sizeof(dev->name))
		return tool_usage_error(tool, "\"%s\" is too long for a device's name.", name);
	(void)snprintf(dev->name, sizeof(dev->name), "%s", name);
	return TOOL_OK;
}

static int apply(struct tool *tool, enum mmesh_apply_mode mode, struct mmesh_device *want)
{
	struct mmesh_client *client;
	struct error err = { 0 };

	if (wg_client(tool, &client))
		return TOOL_USAGE;
	return mmesh_apply(client, mode, want, &err) < 0 ? fail(tool, "", &err) : TOOL_OK;
}

static int wg_set(struct tool *tool, char **words)
{
	struct setting set = { .tool = tool };
	int r;

	if (!words[0] || !words[1])
		return tool_usage_error(tool, "too few words; usage: wg set <interface> "
					      "[listen-port …] [peer …]");
	r = set_name(tool, &set.dev, words[0]);
	if (!r)
		r = parse_set(&set, words + 1);
	if (!r)
		r = apply(tool, MMESH_APPLY_ADD, &set.dev);
	mmesh_device_clear(&set.dev);
	return r;
}

static int conf(struct tool *tool, char **words, enum mmesh_apply_mode mode, const char *form)
{
	_cleanup_(mmesh_device_clear) struct mmesh_device want = { 0 };
	struct mmesh_conf_lookup lookup = { .on_retry = tool_on_retry };
	struct error err = { 0 };

	if (need_words(tool, words, 2, form))
		return TOOL_USAGE;
	if (endpoint_retries_from_env(&lookup.retries, &err) < 0 ||
	    mmesh_conf_read(&want, words[1], &lookup, &err) < 0)
		return fail(tool, "", &err);
	if (set_name(tool, &want, words[0]))
		return TOOL_USAGE;
	return apply(tool, mode, &want);
}

static int wg_setconf(struct tool *tool, char **words)
{
	return conf(tool, words, MMESH_APPLY_SET,
		    "setconf <interface> <configuration filename>");
}

static int wg_addconf(struct tool *tool, char **words)
{
	return conf(tool, words, MMESH_APPLY_ADD,
		    "addconf <interface> <configuration filename>");
}

static int wg_syncconf(struct tool *tool, char **words)
{
	return conf(tool, words, MMESH_APPLY_SYNC,
		    "syncconf <interface> <configuration filename>");
}

/* The three key commands are those of the object "key". */
static int run_key(struct tool *tool, char **words, char *command)
{
	char *line[] = { command, NULL };
	struct args args = { .word = line };

	if (need_words(tool, words, 0, "genkey | genpsk | pubkey"))
		return TOOL_USAGE;
	return object_key(tool, &args) ? TOOL_USAGE : TOOL_OK;
}

static int wg_genkey(struct tool *tool, char **words)
{
	return run_key(tool, words, (char[]){ "gen" });
}

static int wg_genpsk(struct tool *tool, char **words)
{
	return run_key(tool, words, (char[]){ "psk" });
}

static int wg_pubkey(struct tool *tool, char **words)
{
	return run_key(tool, words, (char[]){ "pub" });
}

static const struct {
	const char *name;
	int (*run)(struct tool *tool, char **words);
} commands[] = {
	{ "show", wg_show },	     { "showconf", wg_showconf }, { "set", wg_set },
	{ "setconf", wg_setconf },   { "addconf", wg_addconf },	  { "syncconf", wg_syncconf },
	{ "genkey", wg_genkey },     { "genpsk", wg_genpsk },	  { "pubkey", wg_pubkey },
};

int wg_main(struct tool *tool, char **words)
{
	char *none[] = { NULL };
	const char *name = *words;

	settle_environment(tool);
	if (!name)
		return wg_show(tool, none);
	words++;
	if (tool_is_help(name) || (*words && tool_is_help(*words) && !words[1])) {
		(void)fputs(usage, stdout);
		return TOOL_OK;
	}
	if (!strcmp(name, "-v") || !strcmp(name, "--version") || !strcmp(name, "version")) {
		(void)puts("wireguard-tools compatible: mmesh tool, version " MMESH_TOOL_VERSION);
		return TOOL_OK;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(name, commands[i].name))
			return commands[i].run(tool, words);
	(void)tool_usage_error(tool, "\"%s\" is not a subcommand of \"wg\".", name);
	(void)fputs(usage, stderr);
	return TOOL_USAGE;
}
