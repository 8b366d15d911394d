// SPDX-License-Identifier: Apache-2.0
/*
 * Traffic for the tests: streams and datagrams whose every byte the receiver
 * can check, and a sniffer that prints one line a packet (t: milliseconds of the
 * kernel's time stamp).
 *
 * A receiver prints "ready" when it can be sent to and one line of results at
 * its end, so that scripts wait for events and never for time.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DATAGRAM_MAGIC 0x6d6d657368747374ULL
#define DATAGRAM_END 0x6d6d657368656e64ULL
#define MAX_DATAGRAM 65507

struct options {
	bool udp;
	const char *bind_addr;
	uint64_t seed;
	uint64_t count;		/* bytes of a stream, or datagrams; 0: no limit */
	size_t length;		/* of a datagram */
	unsigned int rate;	/* datagrams a second, 0: no limit */
	int idle_ms;		/* a receiver gives up after this silence */
	int tos;
	bool paced_stream;
	const char *output;	/* of a sniffer; NULL: standard output */
};

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	(void)sig;
	stopped = 1;
}

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	fputs("traffic: ", stderr);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "%s%s\n", saved ? ": " : "", saved ? strerror(saved) : "");
	exit(2);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts))
		die("clock_gettime");
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Word number @i of the stream @seed (splitmix64). */
static uint64_t word(uint64_t seed, uint64_t i)
{
	uint64_t z = seed + (i + 1) * 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* The @len bytes of the stream @seed from @offset on. */
static void fill(uint8_t *dst, size_t len, uint64_t seed, uint64_t offset)
{
	while (len) {
		uint64_t w = word(seed, offset / 8);
		size_t skip = offset % 8;
		size_t n = 8 - skip < len ? 8 - skip : len;

		memcpy(dst, (uint8_t *)&w + skip, n);
		dst += n;
		offset += n;
		len -= n;
	}
}

static int open_socket(const struct options *o, const char *host, const char *port,
		       bool passive, struct sockaddr_storage *addr, socklen_t *addr_len)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = o->udp ? SOCK_DGRAM : SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | (passive ? AI_PASSIVE : 0),
	};
	struct addrinfo *ai;
	int fd, rc, one = 1, size = 4 << 20;

	rc = getaddrinfo(host, port, &hints, &ai);
	if (rc) {
		errno = 0;
		die("%s port %s: %s", host ? host : "*", port, gai_strerror(rc));
	}
	fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
		die("SO_REUSEADDR");
	if (o->udp && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)))
		die("SO_RCVBUF");
	if (o->tos >= 0 &&
	    (ai->ai_family == AF_INET ?
	     setsockopt(fd, IPPROTO_IP, IP_TOS, &o->tos, sizeof(o->tos)) :
	     setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &o->tos, sizeof(o->tos))))
		die("type of service %d", o->tos);
	memcpy(addr, ai->ai_addr, ai->ai_addrlen);
	*addr_len = ai->ai_addrlen;
	freeaddrinfo(ai);
	return fd;
}

/* False when @fd did not become ready for @events in @ms or a signal came. */
static int wait_fd(int fd, short events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int rc = poll(&p, 1, ms);

	if (rc < 0 && errno != EINTR)
		die("poll");
	return rc > 0;
}

/* The same, but a signal doesn't end it. */
static int wait_stream(int fd, short events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int rc;

	do
		rc = poll(&p, 1, ms);
	while (rc < 0 && errno == EINTR);
	return rc > 0;
}

static int recv_stream(const struct options *o, int listener)
{
	static uint8_t buf[1 << 16], want[1 << 16];
	uint64_t got = 0;
	bool good = true;
	int fd;

	if (listen(listener, 1))
		die("listen");
	puts("ready");
	if (!wait_stream(listener, POLLIN, o->idle_ms)) {
		puts("received=0 good=0 reason=no-connection");
		return 1;
	}
	fd = accept(listener, NULL, NULL);
	if (fd < 0)
		die("accept");
	while (good) {
		ssize_t n;

		if (!wait_stream(fd, POLLIN, o->idle_ms))
			break;
		n = read(fd, buf, sizeof(buf));
		if (n < 0)
			break;
		if (!n) {
			good = good && (!o->count || got == o->count);
			printf("received=%llu good=%d\n", (unsigned long long)got, good);
			close(fd);
			return !good;
		}
		fill(want, (size_t)n, o->seed, got);
		good = !memcmp(buf, want, (size_t)n);
		got += (uint64_t)n;
	}
	printf("received=%llu good=0 reason=%s\n", (unsigned long long)got,
	       good ? "stalled-or-reset" : "corrupt");
	close(fd);
	return 1;
}

static int send_stream(const struct options *o, int fd)
{
	static uint8_t buf[1 << 16];
	uint64_t sent = 0;
	uint8_t end;

	while (!stopped && (!o->count || sent < o->count)) {
		size_t len = sizeof(buf), done = 0;

		if (o->paced_stream)
			len = 1 + word(o->seed ^ 0x5eed, sent) % 3000;
		if (o->count && o->count - sent < len)
			len = o->count - sent;
		fill(buf, len, o->seed, sent);
		while (done < len) {
			ssize_t n;

			if (!wait_stream(fd, POLLOUT, o->idle_ms)) {
				printf("sent=%llu good=0 reason=stalled\n",
				       (unsigned long long)(sent + done));
				return 1;
			}
			n = send(fd, buf + done, len - done, MSG_NOSIGNAL);
			if (n < 0) {
				printf("sent=%llu good=0 reason=%s\n",
				       (unsigned long long)(sent + done), strerrorname_np(errno));
				return 1;
			}
			done += (size_t)n;
		}
		sent += len;
	}
	if (shutdown(fd, SHUT_WR))
		die("shutdown");
	/* The receiver closes when it has checked everything. */
	if (!wait_stream(fd, POLLIN, o->idle_ms) || read(fd, &end, 1) != 0) {
		printf("sent=%llu good=0 reason=not-closed\n", (unsigned long long)sent);
		return 1;
	}
	printf("sent=%llu good=1\n", (unsigned long long)sent);
	return 0;
}

struct datagram_head {
	uint64_t magic;
	uint64_t seq;
};

static int recv_datagrams(const struct options *o, int fd)
{
	uint64_t max = o->count ? o->count : 1 << 24;
	uint8_t *seen = calloc(max / 8 + 1, 1);
	static uint8_t buf[MAX_DATAGRAM + 1], want[MAX_DATAGRAM + 1];
	uint64_t got = 0, unique = 0, dup = 0, late = 0, corrupt = 0, next = 0, bytes = 0;
	bool ended = false;

	if (!seen)
		die("memory");
	puts("ready");
	while (!stopped && (!o->count || unique < o->count)) {
		struct datagram_head head;
		ssize_t n;

		/* The end's marker may overtake data. */
		if (!wait_fd(fd, POLLIN, ended ? 300 : o->idle_ms))
			break;
		n = recv(fd, buf, sizeof(buf), 0);
		if (n < 0 && (errno == EINTR || errno == ECONNREFUSED))
			continue;
		if (n < 0)
			die("recv");
		if ((size_t)n < sizeof(head)) {
			corrupt++;
			continue;
		}
		memcpy(&head, buf, sizeof(head));
		if (head.magic == (DATAGRAM_END ^ o->seed)) {
			ended = true;
			continue;
		}
		got++;
		bytes += (uint64_t)n;
		fill(want, (size_t)n - sizeof(head), o->seed ^ word(o->seed, head.seq), 0);
		if (head.magic != (DATAGRAM_MAGIC ^ o->seed) || head.seq >= max ||
		    memcmp(buf + sizeof(head), want, (size_t)n - sizeof(head))) {
			corrupt++;
			continue;
		}
		if (seen[head.seq / 8] & 1U << head.seq % 8) {
			dup++;
			continue;
		}
		seen[head.seq / 8] |= (uint8_t)(1U << head.seq % 8);
		unique++;
		if (head.seq < next)
			late++;
		else
			next = head.seq + 1;
	}
	printf("received=%llu unique=%llu duplicate=%llu reordered=%llu corrupt=%llu bytes=%llu\n",
	       (unsigned long long)got, (unsigned long long)unique, (unsigned long long)dup,
	       (unsigned long long)late, (unsigned long long)corrupt, (unsigned long long)bytes);
	free(seen);
	return corrupt != 0;
}

/* Who comes too late doesn't make up for it: bursts overrun queues. */
static void pace(uint64_t *start, unsigned int rate, uint64_t sent)
{
	uint64_t due = *start + sent * 1000000000 / rate, now = now_ns();
	struct timespec ts = {
		.tv_sec = (time_t)(due / 1000000000),
		.tv_nsec = (long)(due % 1000000000),
	};

	if (now > due + 10000000)
		*start += now - due;
	else if (due > now)
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static int send_datagrams(const struct options *o, int fd)
{
	static uint8_t buf[MAX_DATAGRAM];
	struct datagram_head head = { .magic = DATAGRAM_MAGIC ^ o->seed };
	uint64_t sent = 0, failed = 0, start = now_ns();

	for (; !stopped && (!o->count || head.seq < o->count); head.seq++) {
		size_t len = o->length;

		if (!len)	/* 0: all sizes, drawn from the seed */
			len = 16 + word(o->seed ^ 0x51ce, head.seq) % 1400;
		memcpy(buf, &head, sizeof(head));
		fill(buf + sizeof(head), len - sizeof(head),
		     o->seed ^ word(o->seed, head.seq), 0);
		if (o->rate)
			pace(&start, o->rate, head.seq);
		else if (!wait_fd(fd, POLLOUT, o->idle_ms))
			break;
		/* An error may be an ICMP answer to an earlier one. */
		if (send(fd, buf, len, MSG_NOSIGNAL) == (ssize_t)len)
			sent++;
		else
			failed++;
	}
	head.magic = DATAGRAM_END ^ o->seed;
	for (int i = 0; i < 3; i++)
		if (send(fd, &head, sizeof(head), MSG_NOSIGNAL) != sizeof(head))
			errno = 0;
	printf("sent=%llu failed=%llu\n", (unsigned long long)sent, (unsigned long long)failed);
	return 0;
}

static uint32_t csum_add(uint32_t sum, const uint8_t *p, size_t len)
{
	for (; len > 1; p += 2, len -= 2)
		sum += (uint32_t)p[0] << 8 | p[1];
	if (len)
		sum += (uint32_t)p[0] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* What a transport checksum comes to with its pseudo header: 0xffff is right. */
static uint32_t l4_csum(const uint8_t *addrs, size_t addrs_len, uint8_t proto,
			const uint8_t *l4, size_t len)
{
	uint32_t sum = csum_add(0, addrs, addrs_len);

	return csum_add(sum + proto + (uint32_t)(len >> 16) + (len & 0xffff), l4, len);
}

static const char *csum_state(uint8_t proto, const uint8_t *addrs, size_t addrs_len,
			      const uint8_t *l4, size_t len, bool partial)
{
	if (proto == IPPROTO_UDP && len >= 8 && !l4[6] && !l4[7])
		return "none";
	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP && proto != IPPROTO_ICMPV6)
		return "-";
	if (l4_csum(addrs, addrs_len, proto, l4, len) == 0xffff)
		return "ok";
	return partial ? "partial" : "bad";
}

static void print_transport(uint8_t proto, const uint8_t *l4, size_t len)
{
	if ((proto == IPPROTO_UDP || proto == IPPROTO_TCP) && len >= 4)
		printf(" sport=%u dport=%u", (unsigned int)l4[0] << 8 | l4[1],
		       (unsigned int)l4[2] << 8 | l4[3]);
	if (proto == IPPROTO_UDP && len >= 12)
		printf(" payload=%zu type=%u bytes=%02x%02x%02x%02x%02x%02x%02x%02x",
		       len - 8, l4[8], l4[8], l4[9], l4[10], l4[11],
		       len > 15 ? l4[12] : 0, len > 15 ? l4[13] : 0,
		       len > 15 ? l4[14] : 0, len > 15 ? l4[15] : 0);
	if (proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6)
		printf(" icmp=%u/%u", l4[0], l4[1]);
}

static void print_ipv4(const uint8_t *p, size_t len, bool partial)
{
	size_t hlen = (size_t)(p[0] & 15) * 4, total = (size_t)p[2] << 8 | p[3];
	char src[INET_ADDRSTRLEN], dst[INET_ADDRSTRLEN];
	unsigned int frag = ((unsigned int)p[6] << 8 | p[7]) & 0x3fff;

	if (hlen < 20 || total < hlen || total > len) {
		puts("v=4 malformed");
		return;
	}
	inet_ntop(AF_INET, p + 12, src, sizeof(src));
	inet_ntop(AF_INET, p + 16, dst, sizeof(dst));
	printf("v=4 src=%s dst=%s tos=0x%02x ttl=%u df=%u frag=%u len=%zu proto=%u hcsum=%s",
	       src, dst, p[1], p[8], p[6] >> 6 & 1, frag, total, p[9],
	       csum_add(0, p, hlen) == 0xffff ? "ok" : "bad");
	if (!frag) {
		printf(" csum=%s", csum_state(p[9], p + 12, 8, p + hlen, total - hlen, partial));
		print_transport(p[9], p + hlen, total - hlen);
	}
	putchar('\n');
}

static void print_ipv6(const uint8_t *p, size_t len, bool partial)
{
	size_t total = ((size_t)p[4] << 8 | p[5]) + 40;
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

	if (total > len) {
		puts("v=6 malformed");
		return;
	}
	inet_ntop(AF_INET6, p + 8, src, sizeof(src));
	inet_ntop(AF_INET6, p + 24, dst, sizeof(dst));
	printf("v=6 src=%s dst=%s tos=0x%02x ttl=%u frag=%u len=%zu proto=%u hcsum=- csum=%s",
	       src, dst, (p[0] & 15) << 4 | p[1] >> 4, p[7], p[6] == 44, total, p[6],
	       csum_state(p[6], p + 8, 32, p + 40, total - 40, partial));
	print_transport(p[6], p + 40, total - 40);
	putchar('\n');
}

static void print_packet(const uint8_t *p, size_t len, bool partial, unsigned char direction,
			 uint64_t ms)
{
	printf("%s t=%llu ", direction == PACKET_OUTGOING ? "out" : "in", (unsigned long long)ms);
	if (len >= 20 && p[0] >> 4 == 4)
		print_ipv4(p, len, partial);
	else if (len >= 40 && p[0] >> 4 == 6)
		print_ipv6(p, len, partial);
	else
		printf("v=- len=%zu\n", len);
}

/* Prints the IP packets of an interface until @o->count of them, silence for
 * @o->idle_ms, or a signal.
 */
static int sniff(const struct options *o, const char *iface)
{
	static uint8_t buf[1 << 17];
	struct sockaddr_ll from, at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
	};
	uint64_t seen = 0;
	int fd, one = 1, size = 8 << 20;

	at.sll_ifindex = (int)if_nametoindex(iface);
	if (!at.sll_ifindex)
		die("interface %s", iface);
	fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)))
		die("packet socket");
	puts("ready");
	/* The old one stays open, so that its reader sees when we end. */
	if (o->output && (dup(STDOUT_FILENO) < 0 || !freopen(o->output, "w", stdout)))
		die("%s", o->output);
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (!o->count || seen < o->count) {
		union {
			char space[CMSG_SPACE(sizeof(struct tpacket_auxdata)) +
				   CMSG_SPACE(sizeof(struct timespec))];
			struct cmsghdr align;
		} control;
		struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
		struct msghdr msg = {
			.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control),
		};
		struct tpacket_auxdata aux = { 0 };
		struct timespec ts = { 0 };
		struct cmsghdr *c;
		ssize_t n;

		/* What came before the signal is printed. */
		if (!wait_fd(fd, POLLIN, stopped ? 0 : o->idle_ms) &&
		    (!stopped || !wait_fd(fd, POLLIN, 0)))
			break;
		n = recvmsg(fd, &msg, 0);
		if (n < 0)
			continue;
		if (from.sll_protocol != htons(ETH_P_IP) && from.sll_protocol != htons(ETH_P_IPV6))
			continue;
		for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
			if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA)
				memcpy(&aux, CMSG_DATA(c), sizeof(aux));
			if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS)
				memcpy(&ts, CMSG_DATA(c), sizeof(ts));
		}
		print_packet(buf, (size_t)n, aux.tp_status & TP_STATUS_CSUMNOTREADY, from.sll_pkttype,
			     (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000);
		seen++;
	}
	printf("end packets=%llu\n", (unsigned long long)seen);
	return 0;
}

/* Keys in base64, one a line; nobody knows their secrets. */
static int print_keys(const struct options *o)
{
	static const char digit[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (uint64_t i = 0; i < o->count; i++) {
		uint8_t key[33] = { 0 };
		char text[45];
		int j;

		fill(key, 32, word(o->seed, i), 0);
		key[31] &= 0x7f;
		for (j = 0; j < 11; j++) {
			unsigned int v = (unsigned int)key[3 * j] << 16 |
					 (unsigned int)key[3 * j + 1] << 8 | key[3 * j + 2];

			text[4 * j] = digit[v >> 18];
			text[4 * j + 1] = digit[v >> 12 & 63];
			text[4 * j + 2] = digit[v >> 6 & 63];
			text[4 * j + 3] = digit[v & 63];
		}
		text[43] = '=';
		text[44] = 0;
		puts(text);
	}
	return 0;
}

static int usage(void)
{
	fputs("traffic recv [-N NETNS] [-u] [-b ADDR] [-n COUNT] [-s SEED] [-t IDLE_MS] PORT\n"
	      "traffic send [-N NETNS] [-u] [-b ADDR] [-n COUNT] [-s SEED] [-t IDLE_MS] [-l LENGTH] [-r RATE]\n"
	      "             [-q TOS] [-p] ADDR PORT\n"
	      "traffic sniff [-N NETNS] [-n COUNT] [-t IDLE_MS] [-o FILE] INTERFACE\n"
	      "traffic keys [-n COUNT] [-s SEED]\n"
	      "  -N NETNS enters it first; COUNT is in bytes, with -u and for sniff in packets; LENGTH 0 draws lengths;\n"
	      "  -p writes a stream in small odd pieces\n", stderr);
	return 2;
}

static int transfer(const struct options *o, bool receiver, const char *host, const char *port)
{
	struct sockaddr_storage addr, local;
	socklen_t len, local_len;
	struct options local_options = *o;
	int fd = open_socket(o, host, port, receiver, &addr, &len);

	if (receiver) {
		if (bind(fd, (struct sockaddr *)&addr, len))
			die("bind port %s", port);
		return o->udp ? recv_datagrams(o, fd) : recv_stream(o, fd);
	}
	if (!o->udp && setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &o->idle_ms,
				  sizeof(o->idle_ms)))
		die("TCP_USER_TIMEOUT");
	if (o->bind_addr) {
		close(open_socket(&local_options, o->bind_addr, "0", false, &local, &local_len));
		if (bind(fd, (struct sockaddr *)&local, local_len))
			die("bind %s", o->bind_addr);
	}
	if (connect(fd, (struct sockaddr *)&addr, len)) {
		printf("sent=0 failed=0 good=0 reason=%s\n", strerrorname_np(errno));
		return 1;
	}
	return o->udp ? send_datagrams(o, fd) : send_stream(o, fd);
}

static void enter_netns(const char *name)
{
	char path[256];
	int fd;

	if (snprintf(path, sizeof(path), "/run/netns/%s", name) >= (int)sizeof(path))
		die("namespace %s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die("namespace %s", name);
	close(fd);
}

int main(int argc, char **argv)
{
	struct options o = { .seed = 1, .length = 1000, .idle_ms = 20000, .tos = -1 };
	struct sigaction act = { .sa_handler = on_signal };
	const char *command = argc > 1 ? argv[1] : "";
	int c;

	if (sigaction(SIGTERM, &act, NULL) || sigaction(SIGINT, &act, NULL))
		die("sigaction");
	setvbuf(stdout, NULL, _IOLBF, 0);
	optind = 2;
	while ((c = getopt(argc, argv, "N:ub:n:s:l:r:t:q:po:")) != -1) {
		switch (c) {
		case 'N': enter_netns(optarg); break;
		case 'u': o.udp = true; break;
		case 'b': o.bind_addr = optarg; break;
		case 'n': o.count = strtoull(optarg, NULL, 0); break;
		case 's': o.seed = strtoull(optarg, NULL, 0); break;
		case 'l': o.length = strtoul(optarg, NULL, 0); break;
		case 'r': o.rate = (unsigned int)strtoul(optarg, NULL, 0); break;
		case 't': o.idle_ms = atoi(optarg); break;
		case 'q': o.tos = (int)strtol(optarg, NULL, 0); break;
		case 'p': o.paced_stream = true; break;
		case 'o': o.output = optarg; break;
		default: return usage();
		}
	}
	if (o.length && (o.length < sizeof(struct datagram_head) || o.length > MAX_DATAGRAM))
		return usage();
	if (!strcmp(command, "recv") && optind + 1 == argc)
		return transfer(&o, true, o.bind_addr, argv[optind]);
	if (!strcmp(command, "send") && optind + 2 == argc)
		return transfer(&o, false, argv[optind], argv[optind + 1]);
	if (!strcmp(command, "keys") && optind == argc)
		return print_keys(&o);
	if (!strcmp(command, "sniff") && optind + 1 == argc)
		return sniff(&o, argv[optind]);
	return usage();
}
