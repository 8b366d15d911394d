// SPDX-License-Identifier: Apache-2.0
/*
 * rpc-echo DIRECTORY: the echo server of the unit tests for clients in other languages. Writes ca.pem, node.pem,
 * node.key, expired.pem there and prints the address and the unix socket; ends with its standard input.
 */
#include <errno.h>
#include <string.h>

#include "../librpc/echo.h"

static int save(const struct echo *echo, const char *directory, struct error *err)
{
	char path[4096];
	int r;

	(void)snprintf(path, sizeof(path), "%s/ca.pem", directory);
	r = trust_cert_save(echo->ca, path, err);
	(void)snprintf(path, sizeof(path), "%s/node.pem", directory);
	if (!r)
		r = trust_cert_save(echo->node_cert, path, err);
	(void)snprintf(path, sizeof(path), "%s/expired.pem", directory);
	if (!r)
		r = trust_cert_save(echo->expired_cert, path, err);
	(void)snprintf(path, sizeof(path), "%s/node.key", directory);
	return r ? r : trust_key_save(echo->node_key, path, "node", NULL, err);
}

int main(int argc, char **argv)
{
	struct echo echo;
	struct error err = { 0 };
	char byte;

	if (argc != 2) {
		fprintf(stderr, "usage: rpc-echo DIRECTORY\n");
		return 1;
	}
	echo_init(&echo);
	if (save(&echo, argv[1], &err)) {
		fprintf(stderr, "rpc-echo: %s\n", err.text);
		return 1;
	}
	echo_start(&echo);
	printf("%s %s\n", echo.address, echo.unix_path);
	(void)fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	echo_clear(&echo);
	return 0;
}
