/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A netlink socket with extended acknowledgements, strict checking and large
 * buffers, and the three ways to use it: one request, a dump, a batch.
 */
#ifndef LIBMMESH_NL_H
#define LIBMMESH_NL_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum {
	/* One request at most; a peer with more allowed IPs takes several. */
	NL_REQUEST_MAX = 32 * 1024,
	NL_RECEIVE_SIZE = 128 * 1024,
	/* A batch goes out in pieces of at most this many bytes and messages. */
	NL_BATCH_BYTES = 128 * 1024,
	NL_BATCH_MESSAGES = 256,
	NL_DUMP_ATTEMPTS = 10,
};

struct nl {
	struct mnl_socket *sock;
	uint32_t seq;
	char *request; /* NL_REQUEST_MAX bytes; wiped after each use: requests carry keys */
	char *receive;
};

/* @protocol: NETLINK_GENERIC or NETLINK_ROUTE. nl_end() takes what failed too. */
int nl_open(struct nl *ret, int protocol, struct error *err);
void nl_end(struct nl *nl);

/* Begin a request in nl->request; @flags besides NLM_F_REQUEST. */
struct nlmsghdr *nl_start(struct nl *nl, uint16_t type, uint16_t flags);
/* The same with a generic netlink header. */
struct nlmsghdr *nl_start_genl(struct nl *nl, uint16_t family, uint8_t cmd, uint16_t flags);

/* Called for each message of a reply; a negative value ends the reading. */
typedef int (*nl_message_fn)(const struct nlmsghdr *msg, void *user, struct error *err);

/*
 * Send what was begun and wait for its acknowledgement. @on_message may be NULL.
 * A refusal comes back as the kernel's errno with the text that the kernel gave
 * in @err, or the errno's own.
 */
int nl_request(struct nl *nl, struct nlmsghdr *msg, nl_message_fn on_message, void *user,
	       struct error *err);

/*
 * The same for a dump. When the kernel says that the content changed meanwhile
 * @on_restart is called, to forget what was read, and the dump begins again: at
 * most NL_DUMP_ATTEMPTS times, then -EBUSY.
 */
int nl_read_all(struct nl *nl, struct nlmsghdr *msg, nl_message_fn on_message,
	    void (*on_restart)(void *user), void *user, struct error *err);

/*
 * Many requests in few system calls. Only the last of each piece is
 * acknowledged, so the answers in flight are bounded; a refusal is always
 * reported.
 */
struct nl_batch {
	struct nl *nl;
	char *buf;
	size_t len;
	size_t count;
	uint32_t first_seq;
	size_t last_offset;
	/* What each message is about, for errors; and which errno it may have. */
	struct nl_batch_note {
		char about[96];
		int tolerated; /* positive errno that is no failure, or 0 */
	} *note;
};

int nl_batch_open(struct nl_batch *ret, struct nl *nl, struct error *err);
void nl_batch_close(struct nl_batch *batch);

/*
 * Queue the request that nl_start() began. @about is put in front of the
 * kernel's text when it is refused. May send, so may fail for an earlier one.
 */
int nl_batch_add(struct nl_batch *batch, struct nlmsghdr *msg, const char *about, int tolerated,
		 struct error *err);
/* Send what is queued and wait for the answers. */
int nl_batch_flush(struct nl_batch *batch, struct error *err);

#endif
