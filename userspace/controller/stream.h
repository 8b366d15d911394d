/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams of signed records: a subnet's nodes, and a network's own record, its
 * subnets and relays. Each object has one row, its newest; each change takes the
 * stream's next sequence number. Tombstones stay 30 days.
 */
#ifndef CONTROLLER_STREAM_H
#define CONTROLLER_STREAM_H

#include "change.h"
#include "signed.h"

enum {
	STREAM_PAGE = 256,		/* entries */
	STREAM_PAGE_BYTES = 1024 * 1024, /* about */
};

/* A new, empty stream of @network; @id is the subnet's, or the network's. */
int stream_create(struct change *c, const char *id, const char *network, struct error *err);

/* The sequence number that the next entry will get. */
int stream_next(struct change *c, const char *id, uint64_t *ret, struct error *err);

/*
 * Sign @message in @context, and make it the newest of @object. Endpoints that
 * are known of it stay.
 */
int stream_put(struct change *c, const char *id, const char *object, const char *kind,
	       const char *context, const ProtobufCMessage *message, struct error *err);
/* New endpoints (a packed Signed) of an object that is there. */
int stream_put_endpoints(struct change *c, const char *id, const char *object,
			 const struct blob *endpoints, struct error *err);
/* A tombstone in its place; nothing when it isn't there, or is dead. */
int stream_bury(struct change *c, const char *id, const char *object, struct error *err);
/* True when a living @object is there. */
int stream_has(struct store *s, const char *id, const char *object, bool *ret, struct error *err);

/* The stream and all that is in it goes: with its network. */
int stream_drop(struct change *c, const char *id, struct error *err);

/* Tombstones from before @before go, and with them what addresses waited for them. */
int stream_purge(struct store *s, int64_t before, struct error *err);

struct stream_state {
	char network[ID_SIZE];
	uint64_t sequence;
	uint64_t floor; /* tombstones up to this one may be gone */
};

/* 1 when it exists, else 0. */
int stream_state(struct store *s, const char *id, struct stream_state *ret, struct error *err);

/* Sign the stream's head as of @now; packed. */
int stream_head(struct store *s, const struct trust_key *signer, const char *id, int64_t now,
		struct blob *ret, uint64_t *ret_sequence, struct error *err);

/* What a reader has, and what it gets. */
struct stream_page {
	/* In */
	uint64_t after;		/* the newest that it has */
	const char *from;	/* of a snapshot: the last id of the page before, or "" */
	bool snapshot;
	size_t limit;
	/* Out */
	struct stream_entry *entry;
	size_t entries;
	bool more;
};

int stream_read(struct store *s, const char *id, struct stream_page *page, struct error *err);
void stream_page_free(struct stream_page *page);

#endif
