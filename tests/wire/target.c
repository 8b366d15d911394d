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
	BUFFER = 1 << 20,
	BUNDLE_MAX = 60000,
	BUNDLE_RECORDS = 60,
	PATIENCE_MS = 20000,
	LAST_ANSWER_MS = 5000,
};

/* Each message ends in exactly one of these. */
static const unsigned int outcomes[] = {
	MMESH_STAT_RX_RECORDS, MMESH_STAT_RX_DROP_SHORT, MMESH_STAT_RX_DROP_LONG,
	MMESH_STAT_RX_DROP_TYPE,
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
	t->bundles = options->bundles;
	t->random = options->seed | 1;
	t->buffer = malloc(BUFFER);
	if (!t->buffer)
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

/* System calls are dear in some of the kernels, so many datagrams go by one. */
static void flush(struct target *t)
{
	struct mmsghdr msgs[COUNT(t->waiting)] = { 0 };
	struct iovec iovs[COUNT(t->waiting)];
	union {
		char space[CMSG_SPACE(sizeof(uint16_t))];
		struct cmsghdr cmsg;
	} controls[COUNT(t->waiting)] = { 0 };
	uint8_t *at = t->buffer;
	unsigned int i, done = 0;
	int n;

	for (i = 0; i < t->num_waiting; i++) {
		const struct datagram *datagram = &t->waiting[i];
		const uint16_t each = (uint16_t)datagram->each;
		struct cmsghdr *cmsg = &controls[i].cmsg;

		iovs[i] = (struct iovec){ at, datagram->len };
		at += datagram->len;
		msgs[i].msg_hdr.msg_iov = &iovs[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
		if (datagram->len <= datagram->each)
			continue;
		cmsg->cmsg_level = SOL_UDP;
		cmsg->cmsg_type = UDP_SEGMENT;
		cmsg->cmsg_len = CMSG_LEN(sizeof(each));
		memcpy(CMSG_DATA(cmsg), &each, sizeof(each));
		msgs[i].msg_hdr.msg_control = cmsg;
		msgs[i].msg_hdr.msg_controllen = sizeof(controls[i]);
	}
	while (done < t->num_waiting) {
		n = sendmmsg(t->fd, msgs + done, t->num_waiting - done, 0);
		/* That is about an earlier datagram, and told once. */
		if (n < 0 && errno == ECONNREFUSED)
			continue;
		if (n < 0)
			die("sendmmsg");
		done += (unsigned int)n;
	}
	t->num_waiting = 0;
	t->buffered = 0;
}

bool target_poll(struct target *t)
{
	flush(t);
	target_receive(t, 0);
	counters_read(t->link, &t->now);
	if (outcomes_counted(t) >= t->sent)
		return true;
	/* The workers need the processor more than we do. */
	sched_yield();
	return false;
}

void target_sync(struct target *t)
{
	uint64_t end = now_ms() + PATIENCE_MS;

	while (!target_poll(t) && now_ms() < end)
		;
}

/* Whether the last datagram can take one more message of @len bytes. */
static bool extends(const struct target *t, const struct datagram *last, size_t len)
{
	return t->bundles && !last->closed && len && len <= last->each &&
	       last->len + len <= BUNDLE_MAX && last->len < BUNDLE_RECORDS * last->each;
}

void target_send_now(struct target *t, const void *msg, size_t len)
{
	struct datagram *last;

	t->sent++;
	if (t->num_waiting == COUNT(t->waiting) || t->buffered + len > BUFFER)
		flush(t);
	last = t->num_waiting ? &t->waiting[t->num_waiting - 1] : NULL;
	if (last && extends(t, last, len)) {
		/* A shorter one is the last. */
		last->closed = len < last->each;
		last->len += len;
	} else {
		t->waiting[t->num_waiting++] = (struct datagram){
			.len = len, .each = len, .closed = len > 1400,
		};
	}
	memcpy(t->buffer + t->buffered, msg, len);
	t->buffered += len;
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

static bool is_right(const struct target *t, unsigned int stat)
{
	return t->ignored[stat] || target_counted(t, stat) == t->expected[stat];
}

/* Initiations of the device itself and its records are no answers. */
static const enum type answer_types[] = {
	0, TYPE_RESPONSE, TYPE_COOKIE, TYPE_INITIATION_AES, TYPE_RESPONSE_AES
};

static bool all_right(const struct target *t)
{
	bool ok = outcomes_counted(t) == t->sent;
	size_t i;

	for (i = 0; i < COUNT(outcomes); i++)
		ok &= is_right(t, outcomes[i]);
	for (i = 0; i < COUNT(watched); i++)
		ok &= is_right(t, watched[i]);
	for (i = 0; i < COUNT(answer_types); i++)
		ok &= t->answers[answer_types[i]] == t->expected_answers[answer_types[i]];
	return ok;
}

static void complain(const struct target *t, unsigned int stat)
{
	if (!is_right(t, stat))
		printf("#   %s rose by %llu, expected %llu\n", counter_name(stat),
		       (unsigned long long)target_counted(t, stat),
		       (unsigned long long)t->expected[stat]);
}

static void complain_all(const struct target *t)
{
	size_t i;

	if (outcomes_counted(t) != t->sent)
		printf("#   the device accounts for %llu messages\n",
		       (unsigned long long)outcomes_counted(t));
	for (i = 0; i < COUNT(outcomes); i++)
		complain(t, outcomes[i]);
	for (i = 0; i < COUNT(watched); i++)
		complain(t, watched[i]);
	for (i = 0; i < COUNT(answer_types); i++)
		if (t->answers[answer_types[i]] != t->expected_answers[answer_types[i]])
			printf("#   %llu messages of type %d came back, expected %llu\n",
			       (unsigned long long)t->answers[answer_types[i]], answer_types[i],
			       (unsigned long long)t->expected_answers[answer_types[i]]);
}

bool target_finish(struct target *t)
{
	uint64_t end;

	target_sync(t);
	/* What follows from a message is counted a little later. */
	for (end = now_ms() + LAST_ANSWER_MS; !all_right(t) && now_ms() < end; ) {
		target_receive(t, 20);
		counters_read(t->link, &t->now);
	}
	printf("#   %llu messages sent\n", (unsigned long long)t->sent);
	complain_all(t);
	return all_right(t);
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
