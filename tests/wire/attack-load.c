// SPDX-License-Identifier: Apache-2.0
/* More handshakes than the device can work off. */
#include "attacks.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	AT_ONCE = 600,
	KINDS = 60,
	PRESSURE = 1800,	/* makes a load of 512, leaves room in a queue of 4096 */
	TRIES = 12,
};

/* @n initiations under a right mac1, without a pause and in aggregates, which
 * come faster than any worker can compute.
 */
static void blast(struct target *t, struct peer *peer, unsigned long n)
{
	static uint8_t kinds[KINDS][INITIATION];
	struct peer without = *peer;
	unsigned int i;

	without.has_cookie = false;
	for (i = 0; i < KINDS; i++) {
		target_random_fill(t, kinds[i], INITIATION);
		put_le32(kinds[i], TYPE_INITIATION);
		put_macs(&without, kinds[i], INITIATION);
	}
	t->bundles = true;
	while (n--) {
		target_send_now(t, kinds[n % KINDS], INITIATION);
		if (n % AT_ONCE == 0)
			target_receive(t, 0);	/* room for more cookies */
	}
	t->bundles = t->options->bundles;
}

/* Wait until the device doesn't feel under load any more. */
static void calm(struct target *t, struct peer *peer)
{
	uint64_t before;

	do {
		target_receive(t, 50);
		before = target_counted(t, MMESH_STAT_HS_DROP_COOKIE_REQUIRED);
		blast(t, peer, 1);
		target_sync(t);
	} while (target_counted(t, MMESH_STAT_HS_DROP_COOKIE_REQUIRED) > before);
}

/* Send until the device begins to ask for cookies, which it then does for a
 * second after the worst. What is sent next waits behind what came already, so
 * it is met by a device under load unless the machine has other things to do:
 * hence the tries of those who call this. False: it never does.
 */
static bool press(struct target *t, struct peer *peer)
{
	uint64_t before;
	int try;

	calm(t, peer);
	before = target_counted(t, MMESH_STAT_HS_DROP_COOKIE_REQUIRED);
	for (try = 0; try < TRIES; try++) {
		blast(t, peer, PRESSURE);
		do {
			if (target_counted(t, MMESH_STAT_HS_DROP_COOKIE_REQUIRED) > before)
				return true;
		} while (!target_poll(t));
	}
	printf("#   no cookie is asked for, however great the load\n");
	return false;
}

/* What all outcomes must add up to, load or not. */
static bool finish_load(struct target *t)
{
	static const unsigned int free_stats[] = {
		MMESH_STAT_HS_DROP_COOKIE_REQUIRED, MMESH_STAT_HS_DROP_DECRYPT,
		MMESH_STAT_HS_DROP_QUEUE_FULL, MMESH_STAT_HS_COOKIE_TX,
		MMESH_STAT_HS_DROP_UNKNOWN_PEER, MMESH_STAT_HS_DROP_RATELIMIT,
	};
	uint64_t required = target_counted(t, MMESH_STAT_HS_DROP_COOKIE_REQUIRED);
	uint64_t given = target_counted(t, MMESH_STAT_HS_COOKIE_TX);
	size_t i;

	for (i = 0; i < sizeof(free_stats) / sizeof(free_stats[0]); i++)
		target_ignore(t, free_stats[i]);
	target_receive(t, 0);
	if (given != required || t->answers[TYPE_COOKIE] != given) {
		printf("#   %llu cookies required, %llu sent, %llu received\n",
		       (unsigned long long)required, (unsigned long long)given,
		       (unsigned long long)t->answers[TYPE_COOKIE]);
		return false;
	}
	t->expected_answers[TYPE_COOKIE] = given;
	/* Honest ones that met no load were answered as always. */
	t->expected[MMESH_STAT_HS_INIT_RX] = target_counted(t, MMESH_STAT_HS_INIT_RX);
	t->expected[MMESH_STAT_HS_RESP_TX] = t->expected[MMESH_STAT_HS_INIT_RX];
	t->expected_answers[TYPE_RESPONSE] = t->expected[MMESH_STAT_HS_INIT_RX];
	return target_finish(t);
}

/* Send @n copies of @msg, each with an index and macs of its own, to a device
 * under load. False: it doesn't come under load.
 */
static bool send_under_load(struct target *t, struct peer *presser, struct peer *peer,
			    uint8_t *msg, uint32_t n, uint8_t spoil)
{
	uint32_t index = get_le32(msg + 4);

	if (!press(t, presser))
		return false;
	while (n--) {
		put_le32(msg + 4, index + n);
		put_macs(peer, msg, INITIATION);
		msg[INITIATION - 1] ^= spoil;
		target_send_now(t, msg, INITIATION);
	}
	target_sync(t);
	return true;
}

/* Under load an honest initiation is answered by a cookie. */
static bool ask_for_cookie(struct target *t, struct peer *presser, struct peer *peer)
{
	uint8_t msg[INITIATION];
	struct handshake hs;
	int try;

	for (try = 0; try < TRIES; try++) {
		peer->has_cookie = false;
		make_initiation(peer, &hs, SUITE_WIREGUARD, msg);
		if (!send_under_load(t, presser, peer, msg, 1, 0))
			return false;
		target_receive(t, 200);
		if (t->answer_len[TYPE_COOKIE] == COOKIE &&
		    get_le32(t->answer[TYPE_COOKIE] + 4) == hs.index)
			break;
	}
	if (try == TRIES) {
		printf("#   no cookie\n");
		return false;
	}
	if (!read_cookie_reply(peer, t->answer[TYPE_COOKIE], msg + INITIATION - 2 * MAC)) {
		printf("#   the cookie is not right\n");
		return false;
	}
	return true;
}

static bool cookie_way(struct target *t, struct peer *peer)
{
	uint8_t msg[INITIATION];
	struct handshake hs;
	struct session session;
	uint64_t taken;
	int try;

	if (!ask_for_cookie(t, peer, peer))
		return false;
	/* With a mac2 that is wrong by a bit it doesn't get further. */
	for (try = 0; try < TRIES; try++) {
		taken = target_counted(t, MMESH_STAT_HS_INIT_RX);
		make_initiation(peer, &hs, SUITE_WIREGUARD, msg);
		if (!send_under_load(t, peer, peer, msg, 1, 1))
			return false;
		if (target_counted(t, MMESH_STAT_HS_INIT_RX) == taken)
			break;
	}
	if (try == TRIES) {
		printf("#   a wrong mac2 is taken for a right one\n");
		return false;
	}
	/* With the right one it gets in. */
	taken = target_counted(t, MMESH_STAT_HS_INIT_RX);
	make_initiation(peer, &hs, SUITE_WIREGUARD, msg);
	if (!send_under_load(t, peer, peer, msg, 1, 0))
		return false;
	target_receive(t, 1000);
	if (target_counted(t, MMESH_STAT_HS_INIT_RX) != taken + 1 ||
	    t->answer_len[TYPE_RESPONSE] != RESPONSE ||
	    !read_response(peer, &hs, t->answer[TYPE_RESPONSE], &session)) {
		printf("#   the cookie does not open the door\n");
		return false;
	}
	return finish_load(t);
}

/* A cookie proves an address, and an address has a rate: 20 a second, and 5. */
static bool hasty_address(struct target *t, struct peer *peer)
{
	enum { N = 200 };
	struct peer stranger = *peer;
	uint8_t msg[INITIATION];
	struct handshake hs;
	uint64_t passed = 0, limited = 0;
	int try;

	dh_generate(stranger.private, stranger.public);
	if (!ask_for_cookie(t, peer, &stranger))
		return false;
	for (try = 0; try < TRIES; try++) {
		passed = target_counted(t, MMESH_STAT_HS_DROP_UNKNOWN_PEER);
		limited = target_counted(t, MMESH_STAT_HS_DROP_RATELIMIT);
		make_initiation(&stranger, &hs, SUITE_WIREGUARD, msg);
		if (!send_under_load(t, peer, &stranger, msg, N, 0))
			return false;
		passed = target_counted(t, MMESH_STAT_HS_DROP_UNKNOWN_PEER) - passed;
		limited = target_counted(t, MMESH_STAT_HS_DROP_RATELIMIT) - limited;
		if (passed && passed <= 5 + 20 && passed + limited == N)
			break;
	}
	printf("#   %llu of %d passed the rate limit, %llu did not\n", (unsigned long long)passed,
	       N, (unsigned long long)limited);
	return finish_load(t) && try < TRIES;
}

static bool overload(struct target *t, struct peer *peer)
{
	blast(t, peer, t->options->count);
	target_sync(t);
	printf("#   refused for: cookie %llu, full queue %llu; computed for %llu\n",
	       (unsigned long long)target_counted(t, MMESH_STAT_HS_DROP_COOKIE_REQUIRED),
	       (unsigned long long)target_counted(t, MMESH_STAT_HS_DROP_QUEUE_FULL),
	       (unsigned long long)target_counted(t, MMESH_STAT_HS_DROP_DECRYPT));
	return finish_load(t);
}

struct packet {
	struct iphdr ip;
	struct udphdr udp;
	uint8_t text[INITIATION];
} __attribute__((packed));

static void prepare_packet(struct target *t, struct peer *peer, struct packet *packet,
			   const struct sockaddr_in *to, unsigned int i)
{
	memset(packet, 0, sizeof(*packet));
	packet->ip.version = 4;
	packet->ip.ihl = 5;
	packet->ip.ttl = 64;
	packet->ip.protocol = IPPROTO_UDP;
	packet->ip.daddr = to->sin_addr.s_addr;
	packet->ip.tot_len = htons(sizeof(*packet));
	packet->udp.dest = to->sin_port;
	packet->udp.len = htons(sizeof(*packet) - sizeof(packet->ip));
	target_random_fill(t, packet->text, INITIATION);
	put_le32(packet->text, i % 4 ? TYPE_INITIATION : TYPE_DATA);
	if (i % 2)
		put_macs(peer, packet->text, INITIATION);
}

/* Raw packets from addresses that nobody has, until the count is reached. Half
 * are initiations under a right mac1, the rest noise. IPv4 only.
 */
static bool spoofed_flood(struct target *t, struct peer *peer)
{
	enum { POOL = 1024, AT_A_TIME = 64 };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(t->options->port) };
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	static struct packet pool[POOL];
	struct mmsghdr msgs[AT_A_TIME] = { 0 };
	struct iovec iovs[AT_A_TIME];
	unsigned long sent = 0;
	unsigned int i;
	int n;

	if (fd < 0 || inet_pton(AF_INET, t->options->address, &to.sin_addr) != 1) {
		perror("raw socket");
		return false;
	}
	for (i = 0; i < POOL; i++)
		prepare_packet(t, peer, &pool[i], &to, i);
	while (sent < t->options->count) {
		for (i = 0; i < AT_A_TIME; i++) {
			struct packet *packet = &pool[(sent + i) % POOL];

			packet->ip.saddr = htonl(0x0a800000 | target_below(t, 1 << 23));
			packet->udp.source = htons((uint16_t)(1024 + target_below(t, 60000)));
			iovs[i] = (struct iovec){ packet, sizeof(*packet) };
			msgs[i].msg_hdr = (struct msghdr){
				.msg_iov = &iovs[i], .msg_iovlen = 1,
				.msg_name = &to, .msg_namelen = sizeof(to),
			};
		}
		n = sendmmsg(fd, msgs, AT_A_TIME, 0);
		if (n < 0) {
			perror("sendmmsg");
			return false;
		}
		sent += (unsigned long)n;
	}
	close(fd);
	printf("#   %lu packets sent\n", sent);
	return true;
}

const struct attack load_attacks[] = {
	{ "overload", overload, "initiations without a pause" },
	{ "cookie-way", cookie_way, "how an honest peer gets in under load" },
	{ "hasty-address", hasty_address, "a proven address that asks too often" },
	{ "spoofed-flood", spoofed_flood, "handshakes from invented sources, nothing checked" },
	{ 0 }
};
