// SPDX-License-Identifier: Apache-2.0
/* Packets through a hop: a router, or a relay whose clients this program is.
 *
 * usage: relay keys COUNT                public keys of the clients, raw, to stdout
 *        relay plain NS_A NS_B ADDRESS   from NS_A to a socket at ADDRESS in NS_B
 *        relay hop NS_A NS_B ADDRESS_A ADDRESS_B RELAY COUNT
 *
 * The first client is in NS_A and sends to the second, in NS_B; all the others
 * are in NS_A and only have sessions. ADDRESS_A and ADDRESS_B are the relay's,
 * RELAY its public key in hexadecimal. Each line of standard input, `LENGTH
 * SEGMENTS COUNT`, has COUNT aggregates sent, of SEGMENTS datagrams of LENGTH
 * bytes of UDP payload; printed are the seconds that it took. Headers are made
 * before the clock runs.
 */

#include "../wire/leg.h"

#include <arpa/inet.h>
#include <err.h>
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

enum { PORT = 51820, BATCH = 256, FRESH = 60, ANSWER_MS = 2000, TRIES = 5 };

struct client {
	struct peer peer;
	struct session session;
	struct extension ext;
	int fd;
};

/* A way through the hop. Without a client there is no header to make. */
struct way {
	int from, to;
	struct client *client;
	uint32_t channel;
};

static void *allocate(size_t size)
{
	void *at = calloc(1, size);

	if (!at)
		err(2, "memory");
	return at;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Bound or connected to @address at our port; in namespace @ns. */
static int open_socket(const char *ns, const char *address, bool is_bound)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int one = 1, size = 4096, fd, there;
	char path[64];

	snprintf(path, sizeof(path), "/run/netns/%s", ns);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (there < 0 || setns(there, CLONE_NEWNET))
		err(2, "%s", path);
	close(there);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || inet_pton(AF_INET, address, &in.sin_addr) != 1)
		err(2, "socket");
	/* What arrives is counted elsewhere, and dropped here for want of room; aggregates as they are. */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(fd, SOL_UDP, UDP_GRO, &one, sizeof(one));
	if ((is_bound ? bind : connect)(fd, (struct sockaddr *)&in, sizeof(in)))
		err(2, "%s", address);
	return fd;
}

static void send_one(int fd, const void *msg, size_t len)
{
	if (send(fd, msg, len, 0) != (ssize_t)len)
		err(2, "send");
}

/* The next message of @type that comes, within a while; its length or 0. */
static size_t await(int fd, uint32_t type, uint8_t *msg, size_t size)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	ssize_t n;

	while (poll(&poll_fd, 1, ANSWER_MS) > 0) {
		n = recv(fd, msg, size, 0);
		if (n >= 4 && get_le32(msg) == type)
			return (size_t)n;
	}
	return 0;
}

static void drain(int fd)
{
	uint8_t byte;

	while (recv(fd, &byte, 1, MSG_DONTWAIT) >= 0)
		;
}

static void make_key(uint8_t key[KEY], uint64_t i)
{
	hash_two(key, "mmesh relay bench", 17, &i, sizeof(i));
}

static void connect_client(struct client *client)
{
	uint8_t msg[2048];
	struct handshake hs;
	int i;

	for (i = 0; i < TRIES; i++) {
		drain(client->fd);
		make_initiation(&client->peer, &hs, SUITE_WIREGUARD, msg);
		send_one(client->fd, msg, INITIATION);
		if (!await(client->fd, TYPE_RESPONSE, msg, sizeof(msg)) ||
		    !read_response(&client->peer, &hs, msg, &client->session))
			continue;
		extension_of(&client->ext, &client->session);
		send_one(client->fd, msg, make_record(&client->session, 0, msg, "", 0));
		return;
	}
	errx(2, "the relay does not answer an initiation");
}

/* Ask for a channel to @target. */
static uint32_t open_channel(struct client *client, const uint8_t target[KEY])
{
	uint8_t msg[CONTROL_MAX], plain[CONTROL_MAX], body[OPEN] = { 0 };
	size_t len;

	memcpy(body, target, KEY);
	len = make_control(&client->ext, &client->session, client->ext.control_counter++, msg,
			   KIND_OPEN, body, sizeof(body), 0);
	send_one(client->fd, msg, len);
	while ((len = await(client->fd, TYPE_CONTROL, msg, sizeof(msg))))
		if (read_control(&client->ext, plain, msg, len) && plain[0] == KIND_OPENED)
			return get_le32(plain + 4 + OPENED_ID);
	errx(2, "the relay opens no channel");
}

/* One aggregate after another into @buf. */
static void fill(struct way *way, uint8_t *buf, size_t len, size_t datagrams)
{
	struct client *client = way->client;
	size_t i;

	memset(buf, 0x5a, len * datagrams);
	for (i = 0; client && i < datagrams; i++, buf += len) {
		put_le32(buf + LEG, TYPE_DATA);
		put_le64(buf + LEG + DATA_COUNTER, client->ext.leg_counter);
		put_leg(&client->ext, &client->session, client->ext.leg_counter++, way->channel,
			LEG_TO_RELAY, buf, len - LEG);
	}
}

static void send_all(int fd, uint8_t *buf, size_t len, size_t segments, size_t count)
{
	union {
		char space[CMSG_SPACE(sizeof(uint16_t))];
		struct cmsghdr cmsg;
	} control = { .cmsg = {
		.cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(sizeof(uint16_t)),
	} };
	struct mmsghdr *msgs = allocate(count * sizeof(*msgs));
	struct iovec *iovs = allocate(count * sizeof(*iovs));
	const uint16_t each = (uint16_t)len;
	size_t i;
	int n;

	memcpy(CMSG_DATA(&control.cmsg), &each, sizeof(each));
	for (i = 0; i < count; i++) {
		iovs[i] = (struct iovec){ buf + i * len * segments, len * segments };
		msgs[i].msg_hdr = (struct msghdr){ .msg_iov = &iovs[i], .msg_iovlen = 1 };
		if (segments > 1) {
			msgs[i].msg_hdr.msg_control = &control;
			msgs[i].msg_hdr.msg_controllen = sizeof(control);
		}
	}
	for (i = 0; i < count; i += (size_t)n) {
		n = sendmmsg(fd, msgs + i, count - i < BATCH ? (unsigned int)(count - i) : BATCH, 0);
		if (n < 0)
			err(2, "sendmmsg");
	}
	free(msgs);
	free(iovs);
}

static double measure(struct way *way, size_t len, size_t segments, size_t count)
{
	uint8_t *buf = allocate(len * segments * count);
	double start;

	fill(way, buf, len, segments * count);
	start = now();
	send_all(way->from, buf, len, segments, count);
	start = now() - start;
	free(buf);
	return start;
}

static void make_client(struct client *client, size_t i, const char *relay, int fd)
{
	size_t j;

	make_key(client->peer.private, i);
	dh_public(client->peer.public, client->peer.private);
	for (j = 0; j < KEY; j++)
		if (sscanf(relay + 2 * j, "%2hhx", &client->peer.theirs[j]) != 1)
			errx(2, "'%s' is no key", relay);
	client->fd = fd;
	connect_client(client);
}

/* The two that speak; of the others nothing is kept, so that memory can be measured. */
static struct client *connect_clients(char **argv, size_t count)
{
	struct client *clients = allocate(2 * sizeof(*clients));
	const int fd = open_socket(argv[0], argv[2], false);
	size_t i;

	for (i = 2; i < count; i++) {
		struct client other = { 0 };

		make_client(&other, i, argv[4], fd);
	}
	make_client(&clients[0], 0, argv[4], fd);
	make_client(&clients[1], 1, argv[4], open_socket(argv[1], argv[3], false));
	return clients;
}

static void serve(struct way *way, struct client *clients)
{
	double since = now();
	unsigned long len, segments, count;

	puts("ready");
	while (scanf("%lu %lu %lu", &len, &segments, &count) == 3) {
		drain(way->to);
		if (clients && now() - since > FRESH) {
			since = now();
			connect_client(&clients[0]);
			connect_client(&clients[1]);
		}
		printf("%.9f\n", measure(way, len, segments, count));
	}
}

static void print_keys(size_t count)
{
	uint8_t private[KEY], public[KEY];
	size_t i;

	for (i = 0; i < count; i++) {
		make_key(private, i);
		dh_public(public, private);
		fwrite(public, KEY, 1, stdout);
	}
}

int main(int argc, char **argv)
{
	struct client *clients = NULL;
	struct way way = { 0 };

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 3 && !strcmp(argv[1], "keys")) {
		print_keys(strtoul(argv[2], NULL, 10));
		return 0;
	}
	if (argc == 5 && !strcmp(argv[1], "plain")) {
		way.to = open_socket(argv[3], argv[4], true);
		way.from = open_socket(argv[2], argv[4], false);
	} else if (argc == 8 && !strcmp(argv[1], "hop")) {
		clients = connect_clients(argv + 2, strtoul(argv[7], NULL, 10));
		way.client = &clients[0];
		way.from = clients[0].fd;
		way.to = clients[1].fd;
		way.channel = open_channel(&clients[0], clients[1].peer.public);
	} else {
		errx(1, "usage: relay keys COUNT | plain NS NS ADDRESS | hop NS NS ADDRESS ADDRESS KEY COUNT");
	}
	serve(&way, clients);
	return 0;
}
