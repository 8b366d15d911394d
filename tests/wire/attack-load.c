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
	AT_ONCE = 500,
	MOST = 200000,
};

/* @n initiations under a right mac1, without a pause. */
static void blast(struct target *t, struct peer *peer, unsigned long n)
{
	struct peer without = *peer;
	uint8_t msg[INITIATION];

	without.has_cookie = false;
	target_random_fill(t, msg, sizeof(msg));
	put_le32(msg, TYPE_INITIATION);
	while (n--) {
		target_random_fill(t, msg + 4, 8);
		put_macs(&without, msg, sizeof(msg));
		target_send_now(t, msg, sizeof(msg));
		if (n % AT_ONCE == 0)
			target_receive(t, 0);	/* room for more cookies */
	}
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
 * second, and let it work off what came. False: it never does.
 */
static bool press(struct target *t, struct peer *peer)
{
	uint64_t before, n;

	calm(t, peer);
	before = target_counted(t, MMESH_STAT_HS_DROP_COOKIE_REQUIRED);
	for (n = 0; n < MOST; n += AT_ONCE) {
		blast(t, peer, AT_ONCE);
		counters_read(t->link, &t->now);
		if (target_counted(t, MMESH_STAT_HS_DROP_COOKIE_REQUIRED) > before) {
			target_sync(t);
			return true;
		}
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
	return target_finish(t);
}

/* Under load an honest initiation is answered by a cookie. */
static bool ask_for_cookie(struct target *t, struct peer *peer)
{
	uint8_t msg[INITIATION];
	struct handshake hs;

	if (!press(t, peer))
		return false;
	peer->has_cookie = false;
	make_initiation(peer, &hs, SUITE_WIREGUARD, msg);
	target_send(t, msg, sizeof(msg), NO_STAT);
	if (!target_await(t, TYPE_COOKIE, 2)) {
		printf("#   no cookie\n");
		return false;
	}
	if (t->answer_len[TYPE_COOKIE] != COOKIE ||
	    get_le32(t->answer[TYPE_COOKIE] + 4) != hs.index ||
	    !read_cookie_reply(peer, t->answer[TYPE_COOKIE], msg + INITIATION - 2 * MAC)) {
		printf("#   the cookie is not right\n");
		return false;
	}
	target_sync(t);
	return true;
}

static bool cookie_way(struct target *t, struct peer *peer)
{
	uint8_t msg[INITIATION];
	struct handshake hs;
	struct session session;
	uint64_t required;

	if (!ask_for_cookie(t, peer) || !press(t, peer))
		return false;
	/* With a mac2 that is wrong by a bit it doesn't get further. */
	required = target_counted(t, MMESH_STAT_HS_DROP_COOKIE_REQUIRED);
	make_initiation(peer, &hs, SUITE_WIREGUARD, msg);
	msg[INITIATION - 1 - target_below(t, MAC)] ^= (uint8_t)(1 << target_below(t, 8));
	target_send(t, msg, sizeof(msg), NO_STAT);
	target_sync(t);
	if (target_counted(t, MMESH_STAT_HS_DROP_COOKIE_REQUIRED) != required + 1) {
		printf("#   a wrong mac2 is taken for a right one\n");
		return false;
	}
	/* With the right one it gets in. */
	if (!press(t, peer))
		return false;
	make_initiation(peer, &hs, SUITE_WIREGUARD, msg);
	target_send(t, msg, sizeof(msg), MMESH_STAT_HS_INIT_RX);
	target_expect(t, MMESH_STAT_HS_RESP_TX, 1);
	target_expect_answers(t, TYPE_RESPONSE, 1);
	if (!target_await(t, TYPE_RESPONSE, 2) || t->answer_len[TYPE_RESPONSE] != RESPONSE ||
	    !read_response(peer, &hs, t->answer[TYPE_RESPONSE], &session)) {
		printf("#   the cookie does not open the door\n");
		return false;
	}
	return finish_load(t);
}

/* A cookie proves an address, and an address has a rate: 20 a second, and 5. */
static bool hasty_address(struct target *t, struct peer *peer)
{
	struct peer stranger = *peer;
	uint8_t msg[INITIATION];
	struct handshake hs;
	uint64_t passed, limited;
	uint32_t i;

	dh_generate(stranger.private, stranger.public);
	if (!ask_for_cookie(t, &stranger) || !press(t, peer))
		return false;
	passed = target_counted(t, MMESH_STAT_HS_DROP_UNKNOWN_PEER);
	make_initiation(&stranger, &hs, SUITE_WIREGUARD, msg);
	for (i = 0; i < 200; i++) {
		put_le32(msg + 4, i);
		put_macs(&stranger, msg, sizeof(msg));
		target_send(t, msg, sizeof(msg), NO_STAT);
	}
	target_sync(t);
	limited = target_counted(t, MMESH_STAT_HS_DROP_RATELIMIT);
	passed = target_counted(t, MMESH_STAT_HS_DROP_UNKNOWN_PEER) - passed;
	printf("#   %llu of 200 passed the rate limit\n", (unsigned long long)passed);
	if (!passed || passed + limited != 200 || passed > 5 + 20) {
		printf("#   %llu were refused by the rate limit\n", (unsigned long long)limited);
		return false;
	}
	target_expect(t, MMESH_STAT_HS_DROP_RATELIMIT, limited);
	target_ignore(t, MMESH_STAT_HS_DROP_UNKNOWN_PEER);
	return finish_load(t);
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
