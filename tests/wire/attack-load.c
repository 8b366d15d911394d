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

enum { BLAST = 900 };	/* well above the 512 from which a device feels under load */

/* Initiations under a right mac1, without a pause; each is to cost a cookie. */
static void blast(struct target *t, struct peer *peer, unsigned int n)
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
	}
	target_sync(t);
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
	if (given != required || t->answers[TYPE_COOKIE] != given) {
		printf("#   %llu cookies required, %llu sent, %llu received\n",
		       (unsigned long long)required, (unsigned long long)given,
		       (unsigned long long)t->answers[TYPE_COOKIE]);
		return false;
	}
	t->expected_answers[TYPE_COOKIE] = given;
	return target_finish(t);
}

/* Under load an honest initiation is answered by a cookie; true: it was. */
static bool ask_for_cookie(struct target *t, struct peer *peer)
{
	uint8_t msg[INITIATION];
	struct handshake hs;

	peer->has_cookie = false;
	make_initiation(peer, &hs, SUITE_WIREGUARD, msg);
	target_send(t, msg, sizeof(msg), NO_STAT);
	target_sync(t);
	target_receive(t, 1000);
	return t->answer_len[TYPE_COOKIE] == COOKIE &&
	       get_le32(t->answer[TYPE_COOKIE] + 4) == hs.index &&
	       read_cookie_reply(peer, t->answer[TYPE_COOKIE], msg + INITIATION - 2 * MAC);
}

static bool cookie_way(struct target *t, struct peer *peer)
{
	uint8_t msg[INITIATION];
	struct handshake hs;
	struct session session;
	unsigned int tries;
	uint64_t required;

	for (tries = 0; ; tries++) {
		blast(t, peer, BLAST);
		if (ask_for_cookie(t, peer))
			break;
		if (tries == 20) {
			printf("#   no cookie, however great the load\n");
			return false;
		}
	}
	/* With a mac2 that is wrong by a bit it doesn't get further. */
	blast(t, peer, BLAST);
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
	blast(t, peer, BLAST);
	make_initiation(peer, &hs, SUITE_WIREGUARD, msg);
	target_send(t, msg, sizeof(msg), MMESH_STAT_HS_INIT_RX);
	target_expect(t, MMESH_STAT_HS_RESP_TX, 1);
	target_expect_answers(t, TYPE_RESPONSE, 1);
	target_sync(t);
	target_receive(t, 1000);
	if (t->answer_len[TYPE_RESPONSE] != RESPONSE ||
	    !read_response(peer, &hs, t->answer[TYPE_RESPONSE], &session)) {
		printf("#   the cookie does not open the door\n");
		return false;
	}
	return finish_load(t);
}

/* A cookie proves an address, and an address has a rate. */
static bool hasty_address(struct target *t, struct peer *peer)
{
	struct peer stranger = *peer;
	uint8_t msg[INITIATION];
	struct handshake hs;
	uint64_t passed, limited;
	unsigned int i;

	dh_generate(stranger.private, stranger.public);
	for (i = 0; i < 20; i++) {
		blast(t, peer, BLAST);
		if (ask_for_cookie(t, &stranger))
			break;
	}
	target_sync(t);
	blast(t, peer, BLAST);
	make_initiation(&stranger, &hs, SUITE_WIREGUARD, msg);
	for (i = 0; i < 500; i++) {
		put_le32(msg + 4, i);
		put_macs(&stranger, msg, sizeof(msg));
		target_send(t, msg, sizeof(msg), NO_STAT);
	}
	target_sync(t);
	limited = target_counted(t, MMESH_STAT_HS_DROP_RATELIMIT);
	passed = target_counted(t, MMESH_STAT_HS_DROP_UNKNOWN_PEER);
	printf("#   %llu of 500 passed the rate limit\n", (unsigned long long)passed);
	target_expect(t, MMESH_STAT_HS_DROP_RATELIMIT, limited);
	target_expect(t, MMESH_STAT_HS_DROP_UNKNOWN_PEER, passed);
	if (limited < 250 || !passed) {
		printf("#   %llu were refused by the rate limit\n", (unsigned long long)limited);
		return false;
	}
	return finish_load(t);
}

static bool overload(struct target *t, struct peer *peer)
{
	unsigned long i;

	for (i = 0; i < t->options->count; i += 20000)
		blast(t, peer, 20000);
	printf("#   refused for: cookie %llu, full queue %llu; computed for %llu\n",
	       (unsigned long long)target_counted(t, MMESH_STAT_HS_DROP_COOKIE_REQUIRED),
	       (unsigned long long)target_counted(t, MMESH_STAT_HS_DROP_QUEUE_FULL),
	       (unsigned long long)target_counted(t, MMESH_STAT_HS_DROP_DECRYPT));
	return finish_load(t);
}

/* Raw packets from addresses that nobody has, until the count is reached. Half
 * are initiations under a right mac1, the rest noise. IPv4 only.
 */
static bool spoofed_flood(struct target *t, struct peer *peer)
{
	enum { POOL = 1024 };
	static uint8_t pool[POOL][INITIATION];
	struct {
		struct iphdr ip;
		struct udphdr udp;
		uint8_t text[INITIATION];
	} __attribute__((packed)) packet = { 0 };
	struct sockaddr_in to = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	unsigned long i;

	if (fd < 0 || inet_pton(AF_INET, t->options->address, &to.sin_addr) != 1) {
		perror("raw socket");
		return false;
	}
	for (i = 0; i < POOL; i++) {
		target_random_fill(t, pool[i], INITIATION);
		put_le32(pool[i], TYPE_INITIATION);
		if (i % 2)
			put_macs(peer, pool[i], INITIATION);
		else if (i % 4)
			put_le32(pool[i], TYPE_DATA);
	}
	packet.ip.version = 4;
	packet.ip.ihl = 5;
	packet.ip.ttl = 64;
	packet.ip.protocol = IPPROTO_UDP;
	packet.ip.daddr = to.sin_addr.s_addr;
	packet.ip.tot_len = htons(sizeof(packet));
	packet.udp.dest = htons(t->options->port);
	packet.udp.len = htons(sizeof(packet) - sizeof(packet.ip));
	for (i = 0; i < t->options->count; i++) {
		packet.ip.saddr = htonl(0x0a800000 | target_below(t, 1 << 23));
		packet.udp.source = htons((uint16_t)(1024 + target_below(t, 60000)));
		memcpy(packet.text, pool[i % POOL], INITIATION);
		if (sendto(fd, &packet, sizeof(packet), 0, (struct sockaddr *)&to,
			   sizeof(to)) < 0) {
			perror("sendto");
			return false;
		}
	}
	close(fd);
	printf("#   %lu packets sent\n", i);
	return true;
}

const struct attack load_attacks[] = {
	{ "overload", overload, "initiations without a pause" },
	{ "cookie-way", cookie_way, "how an honest peer gets in under load" },
	{ "hasty-address", hasty_address, "a proven address that asks too often" },
	{ "spoofed-flood", spoofed_flood, "handshakes from invented sources, nothing checked" },
	{ 0 }
};
