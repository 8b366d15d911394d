// SPDX-License-Identifier: Apache-2.0
#include "client-config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "qr.h"

#define SECTION "[Interface]\n"

const char client_config_help[] =
	"    private-key     FILE or -: of a WireGuard client; without it (and without mesh-key) one\n"
	"                    is made here, and only its public half goes to the controller\n"
	"    config          FILE, - or qr: where such a client's configuration goes; - is the default,\n"
	"                    qr draws a QR code that a phone can read\n";

static int take_one(struct tool *tool, struct args *args, char **word, const char **place)
{
	if (*place)
		return tool_usage_error(tool, "\"%s\" is given twice in \"%s\".", word[0],
					args->context);
	if (!word[1])
		return tool_usage_error(tool, "\"%s\" in \"%s\" needs a value after it.", word[0],
					args->context);
	*place = word[1];
	do
		word[0] = word[2];
	while (*word++);
	return TOOL_OK;
}

int client_config_take_words(struct tool *tool, struct args *args, struct client_config *ret)
{
	char **word = args->word;
	int r = TOOL_OK;

	while (!r && word[0]) {
		if (!strcmp(word[0], "config"))
			r = take_one(tool, args, word, &ret->target);
		else if (!strcmp(word[0], "private-key"))
			r = take_one(tool, args, word, &ret->private_key_file);
		else
			word += word[1] ? 2 : 1;
	}
	return r;
}

static int make_key(struct tool *tool, struct client_config *config, Mmesh__V1__NodeObject *node)
{
	const char *file = config->private_key_file;
	struct error err = { 0 };
	uint8_t *key;
	int r;

	r = file ? tool_read_key(tool, config->private_key, file, &err) :
		   key_generate_private(config->private_key, &err);
	if (!r && key_is_zero(config->private_key))
		r = error_set(&err, EINVAL, "there is no key in \"%s\"", file);
	if (r < 0)
		return tool_usage_error(tool, "private-key: %s.", err.text);
	key = malloc(KEY_LEN);
	if (!key || key_public(key, config->private_key, &err) < 0) {
		free(key);
		return tool_usage_error(tool, "private-key: %s.", key ? err.text : "out of memory");
	}
	node->mesh_key = (ProtobufCBinaryData){ KEY_LEN, key };
	config->has_key = true;
	return TOOL_OK;
}

static bool is_file(const char *target)
{
	return target && strcmp(target, "-") && strcmp(target, "qr");
}

int client_config_prepare(struct tool *tool, struct client_config *config,
			  Mmesh__V1__NodeObject *node)
{
	int r = TOOL_OK;

	config->wanted = node->kind == MMESH__V1__NODE_KIND__NODE_KIND_WIREGUARD;
	if (!config->wanted && (config->target || config->private_key_file))
		return tool_usage_error(tool, "%s is for nodes of \"kind wireguard\".",
					config->target ? "config" : "private-key");
	if (!config->wanted)
		return TOOL_OK;
	if (node->mesh_key.len && config->private_key_file)
		return tool_usage_error(tool, "mesh-key and private-key: give one of them.");
	if (!node->mesh_key.len)
		r = make_key(tool, config, node);
	if (r || !is_file(config->target))
		return r;
	config->fd = open(config->target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (config->fd < 0)
		return tool_usage_error(tool, "config: cannot make \"%s\": %s.", config->target,
					strerror(errno));
	config->has_file = true;
	return TOOL_OK;
}

/* Where the key belongs the controller has a comment. */
static const char *after_placeholder(const char *text)
{
	return strncmp(text, "# PrivateKey", strlen("# PrivateKey")) || !strchr(text, '\n') ?
		       text :
		       strchr(text, '\n') + 1;
}

int client_config_complete(struct tool *tool, const struct client_config *config,
			   Mmesh__V1__NodeObject *node)
{
	const char *section = strstr(node->config, SECTION), *rest;
	char key[KEY_TEXT_SIZE];
	char *text;
	int n;

	if (!config->has_key)
		return TOOL_OK;
	if (!section)
		return tool_usage_error(tool, "the controller's configuration has no [Interface].");
	rest = section + strlen(SECTION);
	key_format(key, config->private_key);
	n = asprintf(&text, "%.*sPrivateKey = %s\n%s", (int)(rest - node->config), node->config, key,
		     after_placeholder(rest));
	explicit_bzero(key, sizeof(key));
	if (n < 0)
		return tool_usage_error(tool, "out of memory.");
	free(node->config);
	node->config = text;
	return TOOL_OK;
}

static int write_file(struct tool *tool, struct client_config *config, const char *text)
{
	for (size_t left = strlen(text); left;) {
		ssize_t n = write(config->fd, text, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return tool_usage_error(tool, "config: cannot write \"%s\": %s.",
						config->target, strerror(errno));
		text += n;
		left -= (size_t)n;
	}
	if (close(config->fd) < 0)
		return tool_usage_error(tool, "config: cannot write \"%s\": %s.", config->target,
					strerror(errno));
	config->has_file = false;
	return TOOL_OK;
}

int client_config_deliver(struct tool *tool, struct client_config *config,
			  const Mmesh__V1__NodeObject *node)
{
	if (!*node->config)
		return tool_usage_error(tool, "the controller sent no configuration.");
	if (is_file(config->target))
		return write_file(tool, config, node->config);
	if (!config->target || strcmp(config->target, "qr")) {
		printer_text(&tool->printer, "%s", node->config);
		return TOOL_OK;
	}
	if (qr_draw(&tool->printer, node->config) < 0)
		return tool_usage_error(tool, "config: too long for a QR code.");
	return TOOL_OK;
}

void client_config_clear(struct client_config *config)
{
	explicit_bzero(config->private_key, sizeof(config->private_key));
	if (!config->has_file)
		return;
	(void)close(config->fd);
	(void)unlink(config->target);
}
