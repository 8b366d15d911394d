// SPDX-License-Identifier: Apache-2.0
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel.h"

enum { PROTOCOL = 253, RECORD = 4, INITIATION = 1, INITIATION_AES = 5 };

/* Inner sockets, one a family; the tap's. */
static int packet4, packet6, tap;
static int tap_from = -1, tap_to = -1;
static struct seen {
	uint8_t data[512];
	size_t len;
} record, initiation;

static int open_packet(uint16_t protocol)
{
	struct sockaddr_ll addr = { .sll_family = AF_PACKET, .sll_protocol = htons(protocol) };
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
	int room = 8 << 20;

	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0 ||
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		die("packet socket: %s", strerror(errno));
	return fd;
}

void wire_open(const char *birth)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int there = open(birth, O_RDONLY | O_CLOEXEC);

	packet4 = open_packet(ETH_P_IP);
	packet6 = open_packet(ETH_P_IPV6);
	if (home < 0 || there < 0 || setns(there, CLONE_NEWNET) < 0)
		die("%s: %s", birth, strerror(errno));
	tap = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (tap < 0 || bind(tap, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		die("tap: %s", strerror(errno));
	if (setns(home, CLONE_NEWNET) < 0)
		die("setns: %s", strerror(errno));
	(void)close(home);
	(void)close(there);
}

uint16_t wire_tap_port(void)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);

	if (getsockname(tap, (struct sockaddr *)&addr, &len) < 0)
		die("tap: %s", strerror(errno));
	return ntohs(addr.sin_port);
}

void wire_tap(int from, int to)
{
	tap_from = from;
	tap_to = to;
	record.len = initiation.len = 0;
}

static void send_to(unsigned int node, const void *data, size_t len)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)(FIRST_PORT + node)),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	if (sendto(tap, data, len, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("tap: %s", strerror(errno));
}

static void keep(struct seen *seen, const uint8_t *data, size_t len)
{
	memcpy(seen->data, data, len);
	seen->len = len;
}

/* Between the two, both ways: each has learnt that the other is here. */
static void pass_on(void)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	uint8_t data[2048];
	ssize_t n;

	while ((n = recvfrom(tap, data, sizeof(data), 0, (struct sockaddr *)&from, &len)) >= 0) {
		int node = ntohs(from.sin_port) - FIRST_PORT;

		/* What is late belongs to the last topology. */
		if (tap_from < 0 || (node != tap_from && node != tap_to))
			continue;
		if (node == tap_from && data[0] == RECORD && (size_t)n > 32 &&
		    (size_t)n <= sizeof(record.data))
			keep(&record, data, (size_t)n);
		if (node == tap_from && (data[0] == INITIATION || data[0] == INITIATION_AES))
			keep(&initiation, data, (size_t)n);
		send_to((unsigned int)(node == tap_from ? tap_to : tap_from), data, (size_t)n);
	}
}

static void put_address(bool v6, struct place a, uint8_t *at)
{
	memset(at, 0, v6 ? 16 : 4);
	if (v6) {
		at[0] = a.kind == OUTSIDE ? 0x20 : 0xfd;
		at[1] = a.kind == BEHIND;
		at[3] = a.kind == BEHIND ? a.node : 0;
		at[15] = a.host;
		return;
	}
	at[0] = a.kind == MEMBER ? 10 : a.kind == BEHIND ? 192 : 9;
	at[1] = a.kind == BEHIND ? 168 : 0;
	at[2] = a.kind == BEHIND ? a.node : 0;
	at[3] = a.host;
}

void wire_send(const struct topology *t, const struct packet *p, uint32_t id)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(t->v6 ? ETH_P_IPV6 : ETH_P_IP),
				  .sll_ifindex = (int)kernel_ifindex(p->from) };
	uint8_t data[64] = { 0 };
	size_t head = t->v6 ? 40 : 20, len = head + sizeof(id);

	if (t->v6) {
		data[0] = 0x60;
		data[5] = sizeof(id);
		data[6] = PROTOCOL;
		data[7] = 64;
		put_address(true, p->src, data + 8);
		put_address(true, p->dst, data + 24);
	} else {
		data[0] = 0x45;
		data[3] = (uint8_t)len;
		data[8] = 64;
		data[9] = PROTOCOL;
		put_address(false, p->src, data + 12);
		put_address(false, p->dst, data + 16);
	}
	memcpy(data + head, &id, sizeof(id));
	if (sendto(t->v6 ? packet6 : packet4, data, len, 0, (struct sockaddr *)&to,
		   sizeof(to)) < 0)
		die("cannot send by node %u: %s", p->from, strerror(errno));
}

static bool receive(int fd, size_t head, size_t protocol_at, uint32_t *ret_id, int *ret_node)
{
	struct sockaddr_ll from;
	socklen_t len = sizeof(from);
	uint8_t data[128];
	ssize_t n;

	while ((n = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &len)) >= 0) {
		if ((size_t)n < head + sizeof(*ret_id) || data[protocol_at] != PROTOCOL)
			continue;
		memcpy(ret_id, data + head, sizeof(*ret_id));
		*ret_node = kernel_node((unsigned int)from.sll_ifindex);
		return true;
	}
	return false;
}

bool wire_receive(uint32_t *ret_id, int *ret_node)
{
	pass_on();
	return receive(packet4, 20, 9, ret_id, ret_node) ||
	       receive(packet6, 40, 6, ret_id, ret_node);
}

void wire_wait(void)
{
	struct pollfd fds[] = { { packet4, POLLIN, 0 }, { packet6, POLLIN, 0 }, { tap, POLLIN, 0 } };

	/* Handshakes that are refused are seen in counters only. */
	(void)poll(fds, 3, 1);
}

bool wire_has_record(void)
{
	return record.len;
}

bool wire_has_initiation(void)
{
	return initiation.len;
}

void wire_send_record(unsigned int node, bool spoil)
{
	record.data[20] ^= spoil;
	send_to(node, record.data, record.len);
	record.data[20] ^= spoil;
}

void wire_send_initiation(unsigned int node)
{
	send_to(node, initiation.data, initiation.len);
}
