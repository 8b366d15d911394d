// SPDX-License-Identifier: Apache-2.0
/* What a WireGuard client gets: its key, made here, in the controller's text. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "client-config.h"
#include "qr.h"
#include "unit.h"

static const char from_controller[] = "# phone\n[Interface]\n# PrivateKey = yours\nAddress = 10.0.0.2/32\n\n[Peer]\n";

static struct tool tool;

static Mmesh__V1__NodeObject node_of(Mmesh__V1__NodeKind kind)
{
	Mmesh__V1__NodeObject node = MMESH__V1__NODE_OBJECT__INIT;

	node.kind = kind;
	return node;
}

static void made_key(void **state)
{
	Mmesh__V1__NodeObject node = node_of(MMESH__V1__NODE_KIND__NODE_KIND_WIREGUARD);
	struct client_config config = { 0 };
	char line[128], text[KEY_TEXT_SIZE];
	uint8_t public_key[KEY_LEN];

	(void)state;
	assert_int_equal(client_config_prepare(&tool, &config, &node), TOOL_OK);
	assert_true(config.wanted && config.has_key);
	assert_int_equal(node.mesh_key.len, KEY_LEN);
	assert_int_equal(key_public(public_key, config.private_key, NULL), 0);
	assert_memory_equal(node.mesh_key.data, public_key, KEY_LEN);
	node.config = strdup(from_controller);
	assert_int_equal(client_config_complete(&tool, &config, &node), TOOL_OK);
	key_format(text, config.private_key);
	(void)snprintf(line, sizeof(line), "# phone\n[Interface]\nPrivateKey = %s\nAddress = 10", text);
	assert_memory_equal(node.config, line, strlen(line));
	assert_string_equal(strstr(node.config, "Address"), strstr(from_controller, "Address"));
	free(node.config);
	free(node.mesh_key.data);
	client_config_clear(&config);
	assert_true(key_is_zero(config.private_key));
}

static void given_public_key(void **state)
{
	Mmesh__V1__NodeObject node = node_of(MMESH__V1__NODE_KIND__NODE_KIND_WIREGUARD);
	struct client_config config = { 0 };
	uint8_t key[KEY_LEN] = { 9 };

	(void)state;
	node.mesh_key = (ProtobufCBinaryData){ KEY_LEN, key };
	assert_int_equal(client_config_prepare(&tool, &config, &node), TOOL_OK);
	assert_true(config.wanted && !config.has_key);
	node.config = (char *)from_controller;
	assert_int_equal(client_config_complete(&tool, &config, &node), TOOL_OK);
	assert_ptr_equal(node.config, from_controller);
	client_config_clear(&config);
}

static void other_nodes(void **state)
{
	Mmesh__V1__NodeObject node = node_of(MMESH__V1__NODE_KIND__NODE_KIND_CONNECTED);
	struct client_config config = { 0 };

	(void)state;
	assert_int_equal(client_config_prepare(&tool, &config, &node), TOOL_OK);
	assert_false(config.wanted);
	assert_int_equal(node.mesh_key.len, 0);
}

static void to_file(void **state)
{
	Mmesh__V1__NodeObject node = node_of(MMESH__V1__NODE_KIND__NODE_KIND_WIREGUARD);
	struct client_config config = { .target = "client-config-test.conf" };
	char text[256] = "";
	struct stat st;
	FILE *file;

	(void)state;
	(void)remove(config.target);
	assert_int_equal(client_config_prepare(&tool, &config, &node), TOOL_OK);
	node.config = (char *)from_controller;
	assert_int_equal(client_config_deliver(&tool, &config, &node), TOOL_OK);
	client_config_clear(&config);
	assert_int_equal(stat(config.target, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	file = fopen(config.target, "r");
	assert_non_null(file);
	assert_int_equal(fread(text, 1, sizeof(text) - 1, file), strlen(from_controller));
	assert_int_equal(fclose(file), 0);
	assert_string_equal(text, from_controller);
	/* One that exists is not written over. */
	config = (struct client_config){ .target = "client-config-test.conf" };
	free(node.mesh_key.data);
	node.mesh_key = (ProtobufCBinaryData){ 0 };
	assert_int_equal(client_config_prepare(&tool, &config, &node), TOOL_USAGE);
	client_config_clear(&config);
	free(node.mesh_key.data);
	assert_int_equal(stat(config.target, &st), 0);
	/* One that got nothing goes. */
	(void)remove(config.target);
	config = (struct client_config){ .target = "client-config-test.conf" };
	node.mesh_key = (ProtobufCBinaryData){ 0 };
	assert_int_equal(client_config_prepare(&tool, &config, &node), TOOL_OK);
	client_config_clear(&config);
	free(node.mesh_key.data);
	assert_int_not_equal(stat(config.target, &st), 0);
}

static void words(void **state)
{
	char *word[] = { (char *)"kind", (char *)"wireguard", (char *)"config", (char *)"qr",
			 (char *)"private-key", (char *)"f", (char *)"tag", (char *)"config", NULL };
	struct args args = { word, "test" };
	struct client_config config = { 0 };

	(void)state;
	assert_int_equal(client_config_take_words(&tool, &args, &config), TOOL_OK);
	assert_string_equal(config.target, "qr");
	assert_string_equal(config.private_key_file, "f");
	/* The values of other words are not looked at. */
	assert_string_equal(word[0], "kind");
	assert_string_equal(word[2], "tag");
	assert_string_equal(word[3], "config");
	assert_null(word[4]);
}

/* Version 1 has 21 modules; with the margins 29, two a line. */
static void qr_code(void **state)
{
	char *text = NULL, *line;
	size_t len, lines = 0;
	struct printer p = { .form = PRINTER_BLOCKS };

	(void)state;
	p.out = open_memstream(&text, &len);
	assert_int_equal(qr_draw(&p, "mmesh"), 0);
	assert_int_equal(fclose(p.out), 0);
	/* Two lines of margin, then the finders: 7 dark, the row's data, 7 dark. */
	line = strchr(strchr(text, '\n') + 1, '\n') + 1;
	assert_memory_equal(line, "\u2588\u2588\u2588\u2588 \u2584\u2584\u2584\u2584\u2584 \u2588",
			    5 * 3 + 1 + 5 * 3 + 1);
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	assert_int_equal(lines, 15);
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(made_key), cmocka_unit_test(given_public_key),
		cmocka_unit_test(other_nodes), cmocka_unit_test(to_file),
		cmocka_unit_test(words), cmocka_unit_test(qr_code),
	};

	tool.printer = (struct printer){ .out = stdout };
	return cmocka_run_group_tests_name("ctl-client-config", tests, NULL, NULL);
}
