/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device under attack: what was sent to it, what it was expected to count
 * for that and what it answered.
 */
#ifndef WIRE_TARGET_H
#define WIRE_TARGET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "counters.h"
#include "peer.h"

enum { MAX_MESSAGE = 65000, NO_STAT = -1 };

struct options {
	const char *netns;	/* path of the device's */
	const char *dev;
	const char *address;	/* of its endpoint */
	uint16_t port, bind_port;
	const char *inside;	/* address that it routes to us through the tunnel */
	unsigned long count;	/* messages an attack sends */
	uint64_t seed;
	bool bundles;		/* equal messages in aggregates (UDP_SEGMENT) */
};

struct target {
	const struct options *options;
	bool bundles;		/* as the options say, until something else is better */
	int fd;			/* connected to the device's endpoint */
	int inner_fd;		/* in its namespace: makes it send to us */
	struct counters_link *link;

	uint64_t random;
	uint64_t sent;
	struct counters before, now;
	uint64_t expected[MMESH_STAT_COUNT];
	bool ignored[MMESH_STAT_COUNT];
	uint64_t answers[7];	/* by type; 0: not a message at all */
	uint64_t expected_answers[7];
	/* The newest of each type, and its length. */
	uint8_t answer[7][2048];
	size_t answer_len[7];

	/* Datagrams not handed to the kernel yet, back to back. */
	uint8_t *buffer;
	struct datagram {
		size_t len;
		size_t each;	/* length of its messages but the last; of one: 0 */
		bool closed;	/* no message may follow */
	} waiting[64];
	unsigned int num_waiting;
	size_t buffered;
};

void target_open(struct target *t, const struct options *options);

/* Pseudo-random; repeats with the seed. */
uint64_t target_random(struct target *t);
uint32_t target_below(struct target *t, uint32_t ceil);
void target_random_fill(struct target *t, void *dst, size_t len);

/* Start accounting anew. */
void target_begin(struct target *t);
/* Send a message for which the device is to count @stat (MMESH_STAT_...); with
 * NO_STAT the caller says by other means what is expected. After some it waits
 * until the device has seen them all, so no queue overflows.
 */
void target_send(struct target *t, const void *msg, size_t len, int stat);
/* The same without waiting for anything, for overload. */
void target_send_now(struct target *t, const void *msg, size_t len);
/* Look once whether the device has counted everything that was sent. */
bool target_poll(struct target *t);
/* Wait until it has. */
void target_sync(struct target *t);
/* More that is to be counted, besides one for each message. */
void target_expect(struct target *t, unsigned int stat, uint64_t n);
void target_expect_answers(struct target *t, enum type type, uint64_t n);
/* Don't look at a counter. */
void target_ignore(struct target *t, unsigned int stat);
/* How much a counter rose since target_begin(), as of the last sync. */
uint64_t target_counted(const struct target *t, unsigned int stat);

/* Take what the device sent; with @wait_ms, wait until there is something. */
bool target_receive(struct target *t, int wait_ms);
/* Wait for a message of @type that comes after the call; false after @seconds. */
bool target_await(struct target *t, enum type type, int seconds);
/* Let the device send a packet of ours through the tunnel. */
void target_provoke(struct target *t);

/* Whether counters and answers are what was expected; says what is not. */
bool target_finish(struct target *t);

/* A session in which the device was the responder; with @confirm it knows that
 * we have it too. Exits when the device doesn't answer.
 */
void target_session(struct target *t, struct peer *peer, struct session *session, bool confirm);

#endif
