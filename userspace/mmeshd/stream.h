/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of one stream: a subnet's, or the network's own. What is taken has
 * been verified up to the tenant's root, and the whole agrees with a signed head;
 * what is refused changes nothing. No input and no output.
 */
#ifndef MMESHD_STREAM_H
#define MMESHD_STREAM_H

#include "chain.h"
#include "clock.h"
#include "id.h"
#include "mmesh/v1/node.pb-c.h"

enum {
	/* Objects of one stream; a subnet has 254 nodes, a network 255 subnets and its relays. */
	STREAM_MAX_ENTRIES = 16384,
};

struct stream_entry {
	Mmesh__V1__Entry *wire;
	ProtobufCMessage *record; /* Network-, Subnet-, Node- or RelayRecord */
	Mmesh__V1__EndpointsRecord *endpoints; /* of a node; NULL: not known */
};

struct stream {
	char subnet[TRUST_ID_SIZE]; /* "": the network's own */
	bool has_state;		    /* complete as of: */
	uint64_t epoch;
	uint64_t sequence;
	int64_t head_time;
	Mmesh__V1__Signed *head;
	struct stream_entry *entry; /* living objects, sorted by id */
	size_t count;
	bool behind; /* for whoever pulls: there is something newer, or may be */
};

/* By what records are judged. */
struct stream_trust {
	const struct trust_anchor *anchor;
	const char *network; /* id */
	bool locked;
	int64_t now; /* 0: whenever, for what comes from the disk */
	struct trust_clock *clock; /* learns the heads' times */
};

/*
 * Take the pages of an answer to Pull, or (one page, snapshot false) a delta.
 * Entries are moved out of @pages on success. 0; -ESTALE when the head is older
 * than what is there; -EAGAIN when something between is missing, so that a pull
 * is needed; -EBADMSG, -EACCES, -EKEYEXPIRED for what is refused.
 */
int stream_take(struct stream *stream, const struct stream_trust *trust, bool snapshot,
		Mmesh__V1__Entry **entries, size_t n, const Mmesh__V1__Signed *head,
		struct error *err);

/*
 * A head alone: 0 and *@ret_behind whether there is something to pull. A newer time
 * of the same state is noted. -ESTALE and refusals as above.
 */
int stream_see_head(struct stream *stream, const struct stream_trust *trust,
		    const Mmesh__V1__Signed *head, bool *ret_behind, struct error *err);

void stream_clear(struct stream *stream);

/* A record by its object's id, or NULL. */
const struct stream_entry *stream_find(const struct stream *stream, const char *object);

#endif
