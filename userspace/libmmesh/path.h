/* SPDX-License-Identifier: Apache-2.0 */
/* The family's object "path": ways to reach an extended peer. */
#ifndef LIBMMESH_PATH_H
#define LIBMMESH_PATH_H

#include "client.h"
#include "endpoint.h"
#include "key.h"

struct mmesh_path {
	uint32_t ifindex;
	uint8_t public_key[KEY_LEN];
	union endpoint endpoint;
	bool has_relay; /* then it has no endpoint but: */
	uint8_t relay[KEY_LEN];
	uint32_t state;	  /* enum mmesh_path_state */
	uint32_t reason;  /* enum mmesh_path_reason */
	uint32_t sources; /* enum mmesh_path_source, bits */
	bool current;
	uint32_t rtt_us; /* 0: not known */
	uint32_t loss;	 /* of a thousand */
	uint32_t mtu;	 /* inner; 0: not known */
	bool answered;	 /* ever, and then ... */
	uint64_t age_ms; /* ... so long ago */
};

struct mmesh_paths {
	struct mmesh_path *item;
	size_t count;
	size_t room;
};

void mmesh_paths_clear(struct mmesh_paths *paths);

/* Append @device's paths, with @key (or NULL) those to that peer only. */
int mmesh_path_read(struct mmesh_client *client, struct mmesh_paths *paths, const char *device,
		    const uint8_t *key, struct error *err);

/* Give a peer a candidate, or take one from it. */
int mmesh_path_change(struct mmesh_client *client, const char *device, const uint8_t key[KEY_LEN],
		      const union endpoint *ep, bool remove, struct error *err);

/* From a message of path-get or of an event. */
int mmesh_path_parse(struct mmesh_path *ret, const struct nlmsghdr *msg, struct error *err);

/* In words; a number in text for what this library doesn't know. */
enum { MMESH_PATH_TEXT_SIZE = 64 };
void mmesh_path_state_format(char ret_text[MMESH_PATH_TEXT_SIZE], uint32_t state);
void mmesh_path_reason_format(char ret_text[MMESH_PATH_TEXT_SIZE], uint32_t reason);
/* The name of bit @i of the sources, or NULL: there are no more. */
const char *mmesh_path_source_name(unsigned int i);

#endif
