/* SPDX-License-Identifier: Apache-2.0 */
/* What a controller is told at its start: words on the command line, or a YAML file of the same names. */
#ifndef CONTROLLER_CONFIG_H
#define CONTROLLER_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

enum {
	CONFIG_PATH = 1024,
	CONFIG_LISTEN = 8,	/* addresses to listen on */
	CONFIG_ANNOUNCE = 4,	/* hosts that tokens and nodes are told */
	CONFIG_TEXT = 256,
};

#define CONFIG_DIRECTORY "/var/lib/mmesh-controller"
#define CONFIG_SOCKET "/run/mmesh/controller.sock"

struct config {
	char directory[CONFIG_PATH];
	char listen[CONFIG_LISTEN][CONFIG_TEXT]; /* ADDR:PORT */
	unsigned int n_listen;
	char broker[CONFIG_TEXT]; /* ADDR:PORT of our mosquitto; "none": nodes use gRPC alone */
	char announce[CONFIG_ANNOUNCE][CONFIG_TEXT];
	unsigned int n_announce;
	char socket[CONFIG_PATH];
	char unlock[CONFIG_PATH]; /* "": DIR/unlock.key */
	char plugin[CONFIG_PATH]; /* "": beside the program */
	char mosquitto[CONFIG_PATH];
	char log[16];
	uint32_t handshakes; /* that one source may make in a second */
};

/* The defaults; everything is filled in. */
void config_init(struct config *ret);

/* One word and its value; -EINVAL names the word. */
int config_set(struct config *c, const char *word, const char *value, struct error *err);

/* A YAML file: a mapping of words to values, or to lists where a word may come more than once. */
int config_read(struct config *ret, const char *path, struct error *err);

/* What words can't say by themselves: addresses to announce, contradictions. */
int config_complete(struct config *c, struct error *err);

#endif
