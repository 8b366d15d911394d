// SPDX-License-Identifier: Apache-2.0
#include "target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum {
	BATCH = 256,		/* half of what makes the device feel under load */
	BUNDLE_MAX = 60000,
	BUNDLE_RECORDS = 60,
	PATIENCE_MS = 20000,
};

/* Each message ends in exactly one of these. */
static const unsigned int outcomes[] = {
	MMESH_STAT_RX_RECORDS, MMESH_STAT_RX_DROP_SHORT, MMESH_STAT_RX_DROP_TYPE,
	MMESH_STAT_RX_DROP_NO_SESSION, MMESH_STAT_RX_DROP_EXPIRED, MMESH_STAT_RX_DROP_AUTH,
	MMESH_STAT_RX_DROP_REPLAY, MMESH_STAT_RX_DROP_NO_MEMORY, MMESH_STAT_HS_INIT_RX,
	MMESH_STAT_HS_RESP_RX, MMESH_STAT_HS_COOKIE_RX, MMESH_STAT_HS_DROP_QUEUE_FULL,
	MMESH_STAT_HS_DROP_MAC1, MMESH_STAT_HS_DROP_COOKIE_REQUIRED,
	MMESH_STAT_HS_DROP_RATELIMIT, MMESH_STAT_HS_DROP_DECRYPT,
	MMESH_STAT_HS_DROP_UNKNOWN_PEER, MMESH_STAT_HS_DROP_REPLAY, MMESH_STAT_HS_DROP_FLOOD,
	MMESH_STAT_HS_DROP_SUITE, MMESH_STAT_HS_DROP_NO_INDEX, MMESH_STAT_HS_DROP_STATE,
	MMESH_STAT_HS_DROP_COOKIE_INVALID, MMESH_STAT_HS_DROP_NO_IDENTITY,
	MMESH_STAT_HS_DROP_NO_MEMORY,
};

/* What an attack must not move, unless it says so. */
static const unsigned int watched[] = {
	MMESH_STAT_RX_PACKETS, MMESH_STAT_RX_BYTES, MMESH_STAT_RX_KEEPALIVES,
	MMESH_STAT_RX_COALESCED, MMESH_STAT_RX_DROP_NOT_IP, MMESH_STAT_RX_DROP_INNER_LENGTH,
	MMESH_STAT_RX_DROP_SOURCE, MMESH_STAT_RX_DROP_ECN, MMESH_STAT_RX_DROP_BACKLOG,
	MMESH_STAT_RX_DROP_DEVICE_DOWN, MMESH_STAT_HS_RESP_TX, MMESH_STAT_HS_COOKIE_TX,
	MMESH_STAT_HS_COMPLETED, MMESH_STAT_HS_GAVE_UP, MMESH_STAT_HS_DROP_SEND,
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void die(const char *what)
{
	perror(what);
	exit(2);
}

uint64_t target_random(struct target *t)
{
	t->random ^= t->random >> 12;
	t->random ^= t->random << 25;
	t->random ^= t->random >> 27;
	return t->random * 0x2545f4914f6cdd1dULL;
}

uint32_t target_below(struct target *t, uint32_t ceil)
{
	return (uint32_t)((target_random(t) >> 32) * ceil >> 32);
}

void target_random_fill(struct target *t, void *dst, size_t len)
{
	uint8_t *at = dst;
	uint64_t word;
	size_t n;

	for (; len; at += n, len -= n) {
		word = target_random(t);
		n = len < sizeof(word) ? len : sizeof(word);
		memcpy(at, &word, n);
	}
}

static socklen_t make_address(struct sockaddr_storage *ss, const char *text, uint16_t port)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;

	memset(ss, 0, sizeof(*ss));
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		return sizeof(*in);
	}
	if (inet_pton(AF_INET6, text, &in6->sin6_addr) != 1) {
		fprintf(stderr, "not an address: %s\n", text);
		exit(1);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	return sizeof(*in6);
}

static int new_socket(const char *address, uint16_t port, uint16_t bind_port)
{
	struct sockaddr_storage to, any;
	socklen_t len = make_address(&to, address, port);
	int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), size = 4 << 20;

	if (fd < 0)
		die("socket");
	/* Answers may come while we compute. */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	memset(&any, 0, sizeof(any));
	any.ss_family = to.ss_family;
	/* The port is in the same place in both families. */
	((struct sockaddr_in *)&any)->sin_port = htons(bind_port);
	if (bind(fd, (struct sockaddr *)&any, len))
		die("bind");
	if (connect(fd, (struct sockaddr *)&to, len))
		die("connect");
	return fd;
}

/* What belongs into the device's namespace is opened there; then we go back. */
static void open_inside(struct target *t)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int there = open(t->options->netns, O_RDONLY | O_CLOEXEC);

	if (home < 0 || there < 0)
		die(t->options->netns);
	if (setns(there, CLONE_NEWNET))
		die("setns");
	t->link = counters_open(t->options->dev);
	t->inner_fd = new_socket(t->options->inside, 9, 0);
	if (setns(home, CLONE_NEWNET))
		die("setns");
	close(there);
	close(home);
}

void target_open(struct target *t, const struct options *options)
{
	memset(t, 0, sizeof(*t));
	t->options = options;
	t->random = options->seed | 1;
	t->bundle = malloc(BUNDLE_MAX + MAX_MESSAGE);
	if (!t->bundle)
		die("memory");
	open_inside(t);
	t->fd = new_socket(options->address, options->port, options->bind_port);
	target_begin(t);
}

void target_begin(struct target *t)
{
	target_receive(t, 0);
	counters_read(t->link, &t->before);
	t->now = t->before;
	t->sent = 0;
	memset(t->expected, 0, sizeof(t->expected));
	memset(t->ignored, 0, sizeof(t->ignored));
	memset(t->answers, 0, sizeof(t->answers));
	memset(t->expected_answers, 0, sizeof(t->expected_answers));
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t target_counted(const struct target *t, unsigned int stat)
{
	return t->now.value[stat] - t->before.value[stat];
}

static uint64_t outcomes_counted(const struct target *t)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < COUNT(outcomes); i++)
		sum += target_counted(t, outcomes[i]);
	return sum;
}

static void send_bytes(struct target *t, const void *msg, size_t len, int each)
{
	if (setsockopt(t->fd, SOL_UDP, UDP_SEGMENT, &each, sizeof(each)))
		die("UDP_SEGMENT");
	/* An error of an earlier datagram, such as ECONNREFUSED, isn't ours. */
	if (send(t->fd, msg, len, 0) < 0 && send(t->fd, msg, len, 0) < 0)
		die("send");
}

static void flush(struct target *t)
{
	int each = t->bundle_len > t->bundle_each ? (int)t->bundle_each : 0;

	if (t->bundle_len)
		send_bytes(t, t->bundle, t->bundle_len, each);
	t->bundle_len = 0;
}

void target_sync(struct target *t)
{
	uint64_t start = now_ms();

	flush(t);
	for (;;) {
		target_receive(t, 0);
		counters_read(t->link, &t->now);
		if (outcomes_counted(t) >= t->sent || now_ms() - start > PATIENCE_MS)
			return;
		/* The workers need the processor more than we do. */
		sched_yield();
	}
}

void target_send_now(struct target *t, const void *msg, size_t len)
{
	bool fits = t->bundle_len && len <= t->bundle_each && t->bundle_len + len <= BUNDLE_MAX &&
		    t->bundle_len < BUNDLE_RECORDS * t->bundle_each;

	t->sent++;
	if (!t->options->bundles || len > 1400 || !len) {
		flush(t);
		send_bytes(t, msg, len, 0);
		return;
	}
	if (!fits) {
		flush(t);
		t->bundle_each = len;
	}
	memcpy(t->bundle + t->bundle_len, msg, len);
	t->bundle_len += len;
	/* A shorter one is the last. */
	if (len < t->bundle_each)
		flush(t);
}

void target_send(struct target *t, const void *msg, size_t len, int stat)
{
	if (stat != NO_STAT)
		t->expected[stat]++;
	target_send_now(t, msg, len);
	if (t->sent % BATCH == 0)
		target_sync(t);
}

void target_expect(struct target *t, unsigned int stat, uint64_t n)
{
	t->expected[stat] += n;
}

void target_expect_answers(struct target *t, enum type type, uint64_t n)
{
	t->expected_answers[type] += n;
}

void target_ignore(struct target *t, unsigned int stat)
{
	t->ignored[stat] = true;
}

bool target_receive(struct target *t, int wait_ms)
{
	struct pollfd poll_fd = { .fd = t->fd, .events = POLLIN };
	uint8_t buf[2048];
	bool any = false;
	uint32_t type;
	ssize_t n;

	if (wait_ms && poll(&poll_fd, 1, wait_ms) <= 0)
		return false;
	for (;;) {
		n = recv(t->fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n < 0 && errno == ECONNREFUSED)
			continue;
		if (n < 0)
			return any;
		type = n >= 4 ? get_le32(buf) : 0;
		if (type >= COUNT(t->answers))
			type = 0;
		any = true;
		t->answers[type]++;
		memcpy(t->answer[type], buf, (size_t)n);
		t->answer_len[type] = (size_t)n;
	}
}

bool target_await(struct target *t, enum type type, int seconds)
{
	uint64_t end = now_ms() + (uint64_t)seconds * 1000, before = t->answers[type];

	flush(t);
	while (now_ms() < end) {
		target_receive(t, 100);
		if (t->answers[type] > before)
			return true;
	}
	return false;
}

void target_provoke(struct target *t)
{
	/* That it can't be delivered now is the purpose. */
	if (send(t->inner_fd, "?", 1, 0) < 0 && send(t->inner_fd, "?", 1, 0) < 0)
		die("provoke");
}

static bool check(struct target *t, unsigned int stat)
{
	uint64_t got = target_counted(t, stat);

	if (t->ignored[stat] || got == t->expected[stat])
		return true;
	printf("#   %s rose by %llu, expected %llu\n", counter_name(stat),
	       (unsigned long long)got, (unsigned long long)t->expected[stat]);
	return false;
}

bool target_finish(struct target *t)
{
	static const enum type types[] = {
		0, TYPE_RESPONSE, TYPE_COOKIE, TYPE_INITIATION_AES, TYPE_RESPONSE_AES
	};
	bool ok = true;
	size_t i;

	target_sync(t);
	if (outcomes_counted(t) != t->sent) {
		printf("#   sent %llu messages, the device accounts for %llu\n",
		       (unsigned long long)t->sent, (unsigned long long)outcomes_counted(t));
		ok = false;
	}
	for (i = 0; i < COUNT(outcomes); i++)
		ok &= check(t, outcomes[i]);
	for (i = 0; i < COUNT(watched); i++)
		ok &= check(t, watched[i]);
	/* Initiations of the device itself and keepalives are no answers. */
	for (i = 0; i < COUNT(types); i++) {
		if (t->answers[types[i]] == t->expected_answers[types[i]])
			continue;
		printf("#   %llu messages of type %d came back, expected %llu\n",
		       (unsigned long long)t->answers[types[i]], types[i],
		       (unsigned long long)t->expected_answers[types[i]]);
		ok = false;
	}
	printf("#   %llu messages sent\n", (unsigned long long)t->sent);
	return ok;
}

void target_session(struct target *t, struct peer *peer, struct session *session, bool confirm)
{
	uint8_t msg[INITIATION];
	struct handshake hs;
	bool answered;

	make_initiation(peer, &hs, SUITE_WIREGUARD, msg);
	target_send(t, msg, sizeof(msg), MMESH_STAT_HS_INIT_RX);
	answered = target_await(t, TYPE_RESPONSE, 10);
	target_expect(t, MMESH_STAT_HS_RESP_TX, 1);
	target_expect_answers(t, TYPE_RESPONSE, 1);
	if (!answered || t->answer_len[TYPE_RESPONSE] != RESPONSE ||
	    !check_macs(peer, t->answer[TYPE_RESPONSE], RESPONSE, NULL) ||
	    !read_response(peer, &hs, t->answer[TYPE_RESPONSE], session)) {
		printf("#   the device does not answer an honest initiation rightly\n");
		exit(1);
	}
	if (!confirm)
		return;
	make_record(session, session->counter++, msg, "", 0);
	target_send(t, msg, RECORD, MMESH_STAT_RX_RECORDS);
	target_expect(t, MMESH_STAT_RX_KEEPALIVES, 1);
	target_expect(t, MMESH_STAT_HS_COMPLETED, 1);
	target_sync(t);
}
