// SPDX-License-Identifier: Apache-2.0
/*
 * Isolation, by random topologies: each packet, honest or crafted, has to meet
 * the fate that the model says, at the node that it says, and the counters of
 * every node have to be what that makes them.
 *
 * usage: mmesh-property BIRTH_NETNS TOPOLOGIES [SEED]
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel.h"
#include "topology.h"
#include "wire.h"

enum { PATIENCE_SECONDS = 20 };

/* What was tried besides packets, and which topologies had it. */
enum craft {
	REPLAYED = FATES,
	SPOILT,
	OTHER_NETWORK_RECORD,
	REFLECTED,
	OTHER_NETWORK_INITIATION,
	FLAG_CHANGED,
	KEY_OF_OTHER_NETWORK,
	NETWORK_UNDER_PEERS,
	PEER_OF_OTHER_NETWORK,
	KINDS,
};

static const char *const craft_names[KINDS] = {
	[REPLAYED] = "a record again",
	[SPOILT] = "a record with a byte changed",
	[OTHER_NETWORK_RECORD] = "a record to a node of another network",
	[REFLECTED] = "a record back to its sender",
	[OTHER_NETWORK_INITIATION] = "an initiation to a node of another network",
	[FLAG_CHANGED] = "routed subnets changed under open sessions",
	[KEY_OF_OTHER_NETWORK] = "a private key of another network",
	[NETWORK_UNDER_PEERS] = "another network while there are peers",
	[PEER_OF_OTHER_NETWORK] = "a peer of another network",
};

static struct topology topology;
static struct packet packets[MAX_PACKETS];
static unsigned int n_packets;
/* Counters that the packets so far make; the rest must stay as they were. */
static struct counters before, expected;
static bool handshake_refused[NODES][NODES];
static unsigned int waiting[NODES][NODES];	/* for a handshake that is refused */
static unsigned int seen_in[KINDS], total[KINDS];
static bool seen[KINDS];
static unsigned long number;

static const unsigned int watched[] = {
	MMESH_STAT_RX_PACKETS,	   MMESH_STAT_TX_DROP_NO_PEER,	 MMESH_STAT_TX_DROP_SUBNET,
	MMESH_STAT_RX_DROP_SUBNET, MMESH_STAT_RX_DROP_SOURCE,	 MMESH_STAT_RX_DROP_REPLAY,
	MMESH_STAT_RX_DROP_AUTH,   MMESH_STAT_RX_DROP_NO_SESSION, MMESH_STAT_HS_DROP_MAC1,
	MMESH_STAT_TX_DROP_PEER_REMOVED,
};

static void note(unsigned int kind)
{
	seen[kind] = true;
	total[kind]++;
}

static void expect(const struct packet *p)
{
	static const unsigned int stat[FATES] = {
		[DELIVERED] = MMESH_STAT_RX_PACKETS,
		[TX_NO_PEER] = MMESH_STAT_TX_DROP_NO_PEER,
		[TX_NO_MEMBER] = MMESH_STAT_TX_DROP_NO_PEER,
		[TX_SUBNET] = MMESH_STAT_TX_DROP_SUBNET,
		[RX_SUBNET] = MMESH_STAT_RX_DROP_SUBNET,
		[RX_SOURCE] = MMESH_STAT_RX_DROP_SOURCE,
		[RX_NO_MEMBER] = MMESH_STAT_RX_DROP_SOURCE,
	};

	note(p->fate);
	if (p->fate == UNKNOWN_PEER || p->fate == UNKNOWN_NETWORK) {
		handshake_refused[p->from][p->at] = true;
		waiting[p->from][p->at]++;
	} else {
		expected.value[p->at][stat[p->fate]]++;
	}
}

static void complain(const char *what, unsigned int node, uint64_t want, uint64_t got)
{
	die("topology %lu: node %u: %s: expected %" PRIu64 ", got %" PRIu64, number, node, what,
	    want, got);
}

/* The first node whose counters aren't what they should be; -1: none. */
static int off(const struct counters *now, unsigned int *ret_stat)
{
	for (unsigned int i = 0; i < NODES; i++)
		for (size_t k = 0; k < sizeof(watched) / sizeof(watched[0]); k++) {
			*ret_stat = watched[k];
			if (now->value[i][watched[k]] - before.value[i][watched[k]] !=
			    expected.value[i][watched[k]])
				return (int)i;
		}
	for (unsigned int i = 0; i < NODES; i++) {
		uint64_t refused = 0;

		*ret_stat = MMESH_STAT_HS_DROP_UNKNOWN_PEER;
		for (unsigned int k = 0; k < NODES; k++)
			refused += handshake_refused[k][i];
		/* They are repeated. */
		if (now->value[i][*ret_stat] - before.value[i][*ret_stat] < refused)
			return (int)i;
	}
	return -1;
}

static void take_delivered(void)
{
	uint32_t id;
	int node;

	while (wire_receive(&id, &node)) {
		if (id >= n_packets)
			die("topology %lu: packet %u came, of which nothing is known", number, id);
		if (packets[id].seen)
			die("topology %lu: packet %u came twice", number, id);
		if (packets[id].fate != DELIVERED || packets[id].at != node)
			die("topology %lu: packet %u of node %u came to node %d; expected: %s, at node %u",
			    number, id, packets[id].from, node, fate_names[packets[id].fate],
			    packets[id].at);
		packets[id].seen = true;
	}
}

/* Until the counters are what they should be. */
static void settle(void)
{
	static struct counters now;
	time_t end = time(NULL) + PATIENCE_SECONDS;
	unsigned int stat;
	int node;

	for (;;) {
		take_delivered();
		kernel_count(&now);
		node = off(&now, &stat);
		if (node < 0)
			break;
		if (time(NULL) > end) {
			char name[64];

			(void)snprintf(name, sizeof(name), "counter %u", stat);
			complain(name, (unsigned int)node, expected.value[node][stat],
				 now.value[node][stat] - before.value[node][stat]);
		}
		wire_wait();
	}
	take_delivered();
	for (unsigned int i = 0; i < n_packets; i++)
		if (packets[i].fate == DELIVERED && !packets[i].seen)
			die("topology %lu: packet %u of node %u did not come to node %u", number, i,
			    packets[i].from, packets[i].at);
}

static void send_from(unsigned int first)
{
	for (unsigned int i = first; i < n_packets; i++) {
		expect(&packets[i]);
		wire_send(&topology, &packets[i], i);
	}
}

static struct packet honest(unsigned int from, unsigned int to)
{
	struct packet p = { .from = (uint8_t)from,
			    .src = { .kind = MEMBER, .host = topology.node[from].host },
			    .dst = { .kind = MEMBER, .host = topology.node[to].host } };

	topology_judge(&topology, &p);
	return p;
}

/* Two nodes that reach one another, to listen between; false: there are none. */
static bool choose_tap(int *ret_from, int *ret_to)
{
	for (unsigned int tries = 0; tries < 8; tries++) {
		unsigned int from = draw(NODES), to = draw(NODES);
		struct packet p;

		if (from == to || !topology.node[from].used || !topology.node[to].used)
			continue;
		p = honest(from, to);
		if (p.fate != DELIVERED || p.at != to)
			continue;
		*ret_from = (int)from;
		*ret_to = (int)to;
		return true;
	}
	return false;
}

static int node_of_other_network(unsigned int than)
{
	for (unsigned int tries = 0; tries < 32; tries++) {
		unsigned int i = draw(NODES);

		if (topology.node[i].used && topology.node[i].network != topology.node[than].network)
			return (int)i;
	}
	return -1;
}

static void expect_at(unsigned int kind, int node, unsigned int stat)
{
	note(kind);
	expected.value[node][stat]++;
}

/* What somebody does who sits between @from and @to. */
static void craft(int from, int to)
{
	int other = node_of_other_network((unsigned int)from);

	if (!wire_has_record())
		die("topology %lu: the tap saw no record", number);
	wire_send_record((unsigned int)to, false);
	expect_at(REPLAYED, to, MMESH_STAT_RX_DROP_REPLAY);
	wire_send_record((unsigned int)to, true);
	expect_at(SPOILT, to, MMESH_STAT_RX_DROP_AUTH);
	wire_send_record((unsigned int)from, false);
	expect_at(REFLECTED, from, MMESH_STAT_RX_DROP_NO_SESSION);
	if (other >= 0) {
		wire_send_record((unsigned int)other, false);
		expect_at(OTHER_NETWORK_RECORD, other, MMESH_STAT_RX_DROP_NO_SESSION);
	}
	if (other >= 0 && wire_has_initiation()) {
		wire_send_initiation((unsigned int)other);
		expect_at(OTHER_NETWORK_INITIATION, other, MMESH_STAT_HS_DROP_MAC1);
	}
	settle();
}

static bool has_peers(unsigned int i)
{
	for (unsigned int k = 0; k < NODES; k++)
		if (topology.node[i].link[k].known)
			return true;
	return false;
}

static void refused(unsigned int kind, int ret, int want)
{
	note(kind);
	if (ret != -want)
		die("topology %lu: %s: expected error %d, got %d", number, craft_names[kind], want,
		    -ret);
}

static void misconfigure(void)
{
	unsigned int i = draw(NODES);
	int other;

	if (!topology.node[i].used)
		return;
	other = node_of_other_network(i);
	if (other >= 0)
		refused(KEY_OF_OTHER_NETWORK,
			kernel_try_key(&topology, i, (unsigned int)other), EEXIST);
	if (has_peers(i))
		refused(NETWORK_UNDER_PEERS,
			kernel_try_network(i, topology.node[i].network ^ 1), EBUSY);
	for (unsigned int k = 0; k < NODES; k++)
		if (topology.node[i].link[k].refused)
			refused(PEER_OF_OTHER_NETWORK, kernel_try_peer(&topology, i, k), EEXIST);
}

/* Open sessions feel the flag with the next packet. */
static void change_flag(void)
{
	unsigned int x = draw(NODES);

	if (!topology.node[x].used)
		return;
	note(FLAG_CHANGED);
	topology.node[x].routed = !topology.node[x].routed;
	kernel_set_routed(x, topology.node[x].routed);
	/* What waits is judged again. */
	for (unsigned int k = 0; k < NODES; k++)
		if (!topology_may_talk(&topology, x, k)) {
			expected.value[x][MMESH_STAT_TX_DROP_SUBNET] += waiting[x][k];
			waiting[x][k] = 0;
		}
	for (unsigned int k = 0; k < NODES; k++) {
		if (k == x || !topology.node[k].used || n_packets + 2 > MAX_PACKETS)
			continue;
		packets[n_packets++] = honest(x, k);
		send_from(n_packets - 1);
		settle();
		packets[n_packets++] = honest(k, x);
		send_from(n_packets - 1);
		settle();
	}
}

static void run_topology(void)
{
	int from = -1, to = -1;
	bool tapped;

	topology_draw(&topology);
	memset(&expected, 0, sizeof(expected));
	memset(handshake_refused, 0, sizeof(handshake_refused));
	memset(waiting, 0, sizeof(waiting));
	memset(seen, 0, sizeof(seen));
	n_packets = 0;
	tapped = !draw(3) && choose_tap(&from, &to);
	wire_tap(from, to);
	kernel_count(&before);
	kernel_set(&topology, from, to, wire_tap_port());

	/* One after the other, so that no two begin the same handshake. */
	for (unsigned int i = 0; i < NODES; i++) {
		unsigned int first = n_packets;

		if (!topology.node[i].used)
			continue;
		n_packets += topology_packets(&topology, i, packets + n_packets,
					      MAX_PACKETS - n_packets);
		send_from(first);
		settle();
	}
	if (tapped)
		craft(from, to);
	if (!draw(4))
		misconfigure();
	if (!draw(4))
		change_flag();
	wire_tap(-1, -1);
	kernel_clear();
	for (unsigned int i = 0; i < NODES; i++)
		for (unsigned int k = 0; k < NODES; k++)
			expected.value[i][MMESH_STAT_TX_DROP_PEER_REMOVED] += waiting[i][k];
	settle();
	for (unsigned int k = 0; k < KINDS; k++)
		seen_in[k] += seen[k];
}

static int report(unsigned long topologies, unsigned long long sent)
{
	bool rare = false;

	for (unsigned int k = 0; k < KINDS; k++) {
		printf("# %-60s in %5.1f %% of the topologies, %u times\n",
		       k < FATES ? fate_names[k] : craft_names[k],
		       100.0 * seen_in[k] / (double)topologies, total[k]);
		rare |= seen_in[k] * 100UL < topologies;
	}
	printf("%s - netns/property: each reason in 1 %% of the topologies\n",
	       rare ? "not ok" : "ok");
	printf("ok - netns/property: %lu topologies, %llu packets, each where it belongs\n",
	       topologies, sent);
	return rare;
}

int main(int argc, char **argv)
{
	unsigned long topologies;
	unsigned long long sent = 0;
	uint64_t seed;

	if (argc < 3) {
		(void)fprintf(stderr, "usage: mmesh-property BIRTH_NETNS TOPOLOGIES [SEED]\n");
		return 2;
	}
	topologies = strtoul(argv[2], NULL, 10);
	seed = argc > 3 ? strtoull(argv[3], NULL, 10) : (uint64_t)time(NULL);
	printf("# seed %" PRIu64 "\n", seed);
	(void)fflush(stdout);
	kernel_open();
	wire_open(argv[1]);
	for (number = 0; number < topologies; number++) {
		/* So that any one of them can be run alone. */
		draw_seed(seed + number);
		run_topology();
		sent += n_packets;
	}
	return report(topologies, sent);
}
