// SPDX-License-Identifier: Apache-2.0
/* Round trips through several network namespaces in turn.
 *
 * usage: ping INTERVAL_MS SAMPLES NETNS ADDRESS [NETNS ADDRESS ...]
 *
 * Each target gets one echo request per interval; the targets' turns are
 * spread over the interval evenly, so that all see the same machine, and in an
 * order that changes at random, as who comes after whom matters to the caches.
 * Prints a line for each round: the times in nanoseconds, in the order of the
 * command line, -1 for a reply that did not come within a second.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/ip_icmp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { NSEC = 1000000000, PAYLOAD = 56, TARGETS_MAX = 8 };

struct message {
	struct icmphdr header;
	uint8_t payload[PAYLOAD];
};

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * NSEC + ts.tv_nsec;
}

static void sleep_until(int64_t t)
{
	struct timespec ts = { .tv_sec = t / NSEC, .tv_nsec = t % NSEC };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

static int target_open(const char *netns, const char *address)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct timeval patience = { .tv_sec = 1 };
	int ns, fd;

	ns = open(netns, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWNET))
		err(1, "%s", netns);
	close(ns);
	if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
		errx(1, "'%s' is not an IPv4 address", address);
	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		err(1, "socket to %s", address);
	return fd;
}

static uint16_t checksum(const void *data, size_t len)
{
	const uint16_t *word = data;
	uint32_t sum = 0;

	for (; len > 1; len -= 2)
		sum += *word++;
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)~(sum + (sum >> 16));
}

/* Nanoseconds, or -1. */
static int64_t round_trip(int fd, uint16_t id, uint16_t sequence)
{
	struct message request = { .header = { .type = ICMP_ECHO } };
	uint8_t buf[128];
	const struct icmphdr *reply;
	int64_t start;
	ssize_t len;

	request.header.un.echo.id = htons(id);
	request.header.un.echo.sequence = htons(sequence);
	request.header.checksum = checksum(&request, sizeof(request));
	start = now();
	if (send(fd, &request, sizeof(request), 0) != sizeof(request))
		return -1;
	for (;;) {
		len = recv(fd, buf, sizeof(buf), 0);
		if (len < 0)
			return -1;
		if (len < (ssize_t)(sizeof(struct iphdr) + sizeof(*reply)))
			continue;
		reply = (const struct icmphdr *)(buf + 4 * (buf[0] & 15));
		if (reply->type == ICMP_ECHOREPLY &&
		    reply->un.echo.id == htons(id) &&
		    reply->un.echo.sequence == htons(sequence))
			return now() - start;
	}
}

static void shuffle(int *order, int n)
{
	int i, k, swap;

	for (i = n - 1; i > 0; i--) {
		k = (int)(random() % (i + 1));
		swap = order[i];
		order[i] = order[k];
		order[k] = swap;
	}
}

int main(int argc, char **argv)
{
	const int targets = (argc - 3) / 2;
	int fds[TARGETS_MAX], order[TARGETS_MAX], i, k;
	int64_t interval, next, times[TARGETS_MAX];
	long samples;

	if (argc < 5 || argc % 2 == 0 || targets > TARGETS_MAX)
		errx(1, "usage: ping INTERVAL_MS SAMPLES NETNS ADDRESS ...");
	interval = atol(argv[1]) * (NSEC / 1000);
	samples = atol(argv[2]);
	if (interval <= 0 || samples <= 0)
		errx(1, "interval and samples are positive numbers");
	for (i = 0; i < targets; i++) {
		fds[i] = target_open(argv[3 + 2 * i], argv[4 + 2 * i]);
		order[i] = i;
	}
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		warn("mlockall");
	next = now();
	for (k = 0; k < samples; k++) {
		shuffle(order, targets);
		for (i = 0; i < targets; i++) {
			next += interval / targets;
			sleep_until(next);
			times[order[i]] = round_trip(fds[order[i]], (uint16_t)getpid(),
						     (uint16_t)k);
		}
		for (i = 0; i < targets; i++)
			printf("%lld%c", (long long)times[i], i == targets - 1 ? '\n' : ' ');
	}
	return fflush(stdout) ? 1 : 0;
}
