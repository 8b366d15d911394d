#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Peers that are missed: told, waited for, and given up.
. "$(dirname -- "$0")/../lib.sh"

# Two nodes of a network that don't know each other. Their sockets are in W, so
# that they reach one another by its loopback.
#   MISS_A, MISS_B   on | off (on)
nodes()
{
	ns A B W
	keys A B
	node A "$A" 3001 10.1.0.1 fd01::1 "${MISS_A:-on}"
	node B "$B" 3002 10.1.0.2 fd01::2 "${MISS_B:-on}"
}
node()
{
	KIND_OF[$2/mm0]=mmesh
	ip -n "$W" link add mm0 type mmesh
	ip -n "$W" link set mm0 netns "$2"
	n "$2" mmesh dev set mm0 private-key "${PRIV[$1]}" listen-port "$3" network 7 \
		member-prefix 10.1.0.0/16,fd01::/64 peer-miss "$6"
	addr "$2" mm0 "$4/16" "$5/64"
	ip -n "$2" link set mm0 mtu 1420 up
}
knows_b() {
	n "$A" mmesh peer add "${PUB[B]}" dev mm0 allowed-ips 10.1.0.2/32,fd01::2/128 endpoint 127.0.0.1:3002
}
knows_a() {
	n "$B" mmesh peer add "${PUB[A]}" dev mm0 allowed-ips 10.1.0.1/32,fd01::1/128 "$@"
}

# events NS FILE: what happens there from now on.
events()
{
	n_bg "$1" mmesh -j monitor >"$2"
	# It hears its own device's next change.
	wait_for 10 hears "$1" "$2"
}
hears()
{
	n "$1" mmesh dev set mm0 fwmark 0
	snooze 0.05
	grep -q dev_change "$2"
}
misses() { grep -c '"event":"peer_miss"' "$1" || true; }
told() { [ "$(misses "$1")" -ge "${2:-1}" ]; }
counts() { [ "$(stat "$1" mm0 "$2")" -ge "$3" ]; }

# on_miss NS FUNCTION: the smallest of controllers, for one event.
on_miss()
{
	(
		n "$1" mmesh -j monitor peer | while read -r line; do
			[[ $line == *'"event":"peer_miss"'* ]] || continue
			echo "$line" >>"$TMP/misses"
			"$2"
		done
	) >&2 &
	echo $! >>"$TMP/pids"
	wait_for 10 listens "$1"
}
# A socket of generic netlink, not the kernel's own, is in a group.
listens() { n "$1" awk '$2 == 16 && $3 && $4 !~ /^0*$/ { found = 1 } END { exit !found }' /proc/net/netlink; }

# The first packet of all makes both ends' peers, and is answered.
test_initiator_and_responder()
{
	nodes
	on_miss "$A" knows_b
	on_miss "$B" knows_a
	n "$A" ping -q -c 1 -W 5 10.1.0.2 >"$TMP/ping" || fail "$(cat "$TMP/ping")"
	expect_eq "$(stat "$A" mm0 tx_miss_held)" 1 "packets that A held"
	expect_eq "$(stat "$B" mm0 hs_miss_held)" 1 "initiations that B held"
	expect_eq "$(stat "$A" mm0 hs_init_tx)" 1 "initiations of A"
	expect_eq "$(jq -cr 'select(.address) | .address' "$TMP/misses")" 10.1.0.2 "the address that A missed"
	expect_eq "$(jq -cr 'select(.public_key) | [.public_key, .endpoint.address, .endpoint.port]' "$TMP/misses")" \
		"[\"${PUB[A]}\",\"127.0.0.1\",3001]" "the key that B missed"
	tcp "$A" "$B" 10.1.0.2 "$(volume 300000)"
}

# In order, none twice, and no more than there is room for.
test_order_and_bound()
{
	local i

	nodes
	sniff got "$B" mm0 8 20000
	n "$A" bash -c 'for ((i = 1; i <= 12; i++)); do printf "%*s" "$i" x >/dev/udp/fd01::2/9; done'
	expect_eq "$(stat "$A" mm0 tx_miss_held) $(stat "$A" mm0 tx_drop_miss_full)" "8 4" "held and dropped"
	knows_a
	knows_b
	wait_for 10 counts "$B" rx_packets 8
	expect_eq "$(stat "$B" mm0 rx_packets)" 8 "packets that B got"
	# Each is as long as its number says, behind 48 bytes of headers.
	sniffed "$got" >"$TMP/packets"
	expect_eq "$(grep -o 'len=[0-9]*' "$TMP/packets" | tr '\n' ' ')" \
		"len=49 len=50 len=51 len=52 len=53 len=54 len=55 len=56 " "what B got, in order"
}

# One event while packets wait; then the sender is told, and it begins again.
test_timeout()
{
	nodes
	events "$A" "$TMP/events"
	n_bg "$A" ping -i 0.5 -c 4 -W 8 10.1.0.2 >"$TMP/ping"
	wait_for 10 counts "$A" tx_drop_miss_timeout 4
	wait_for 10 grep -q "Host Unreachable" "$TMP/ping"
	expect_eq "$(misses "$TMP/events")" 1 "events"
	expect_eq "$(stat "$A" mm0 peer_misses)" 1 "events by the counter"
	! n "$A" ping -q -c 1 -W 1 fd01::77 >/dev/null
	! n "$A" ping -q -c 1 -W 1 10.1.0.2 >/dev/null
	wait_for 5 told "$TMP/events" 3
}

# Nobody listens: it is told to who comes in time.
test_late_listener()
{
	nodes
	n_bg "$A" ping -i 0.3 -c 10 -W 8 10.1.0.2 >/dev/null
	wait_for 10 counts "$A" tx_miss_held 1
	expect_eq "$(stat "$A" mm0 peer_misses)" 0 "events without a listener"
	events "$A" "$TMP/events"
	wait_for 5 told "$TMP/events"
}

# Not for what is outside the prefix, nor for its broadcast address.
test_only_members()
{
	nodes
	ip -n "$A" route add 10.2.0.0/16 dev mm0
	silent "$A" 10.2.0.9
	n "$A" sh -c '! ping -q -b -c 1 -W 1 10.1.255.255 >/dev/null'
	expect_eq "$(stat "$A" mm0 tx_miss_held)" 0 "packets held"
	expect_eq "$(stat "$A" mm0 tx_drop_no_peer)" 2 "packets refused"
}

# A second peer-set gives the endpoint: the packet waits for that, too.
test_holder_without_endpoint()
{
	nodes
	knows_a
	n_bg "$A" ping -c 1 -W 8 10.1.0.2
	local pid=$BG_PID
	wait_for 5 counts "$A" tx_miss_held 1
	n "$A" mmesh peer add "${PUB[B]}" dev mm0 allowed-ips 10.1.0.2/32
	n "$A" mmesh peer set "${PUB[B]}" dev mm0 endpoint 127.0.0.1:3002
	wait "$pid" || fail "the packet that waited was lost"
}

# What waits is judged anew: the peer that is added is of a subnet that may not.
test_judged_again()
{
	nodes
	n_bg "$A" ping -c 1 -W 3 10.1.0.2 >/dev/null
	wait_for 5 counts "$A" tx_miss_held 1
	n "$A" mmesh peer add "${PUB[B]}" dev mm0 subnet 9 allowed-ips 10.1.0.2/32 endpoint 127.0.0.1:3002
	expect_eq "$(stat "$A" mm0 tx_drop_subnet)" 1 "packets refused"
}

# Tables have an end, and others leave room in them.
test_bounds()
{
	nodes
	ns C
	veth "$A" va "$C" vc
	addr "$A" va 10.8.0.1/24
	addr "$C" vc 10.8.0.2/24
	ip -n "$C" route add 10.1.0.0/16 via 10.8.0.1
	n "$A" sysctl -qw net.ipv4.ip_forward=1
	n "$C" bash -c 'for ((i = 1; i <= 100; i++)); do echo x >/dev/udp/10.1.7.$i/9; done'
	wait_for 5 counts "$A" tx_drop_miss_full 68
	expect_eq "$(stat "$A" mm0 tx_miss_held)" 32 "packets held for others"
	n "$A" bash -c 'for ((i = 1; i <= 100; i++)); do echo x >/dev/udp/10.1.8.$i/9; done' 2>/dev/null
	expect_eq "$(stat "$A" mm0 tx_miss_held)" 64 "packets held in all"
	expect_eq "$(stat "$A" mm0 tx_drop_miss_full)" 136 "packets too many"
	wait_for 10 counts "$A" tx_drop_miss_timeout 64
}

# Off, it is refused at once; turning it off, or the device down, drops what waits.
test_switch()
{
	MISS_A=off nodes
	silent "$A" 10.1.0.2
	expect_eq "$(stat "$A" mm0 tx_drop_no_peer)" 1 "refused at once"
	n "$A" mmesh dev set mm0 peer-miss on
	expect_eq "$(n "$A" mmesh -j dev show mm0 | jq .devices[0].peer_miss)" true
	n_bg "$A" ping -c 1 -W 8 10.1.0.2 >/dev/null
	wait_for 5 counts "$A" tx_miss_held 1
	n "$A" mmesh dev set mm0 peer-miss on
	expect_eq "$(stat "$A" mm0 tx_drop_no_peer)" 1 "on, again, drops nothing"
	n "$A" mmesh dev set mm0 peer-miss off
	expect_eq "$(stat "$A" mm0 tx_drop_no_peer)" 2 "what waited is dropped"
	n "$A" mmesh dev set mm0 peer-miss on
	n_bg "$A" ping -c 1 -W 8 10.1.0.2 >/dev/null
	wait_for 5 counts "$A" tx_miss_held 2
	ip -n "$A" link set mm0 down
	expect_eq "$(stat "$A" mm0 tx_drop_device_down)" 1 "what waited is dropped"
}

# While packets and initiations wait, the device and its namespace go away.
test_removal()
{
	nodes
	knows_b
	n_bg "$A" ping -c 1 -W 3 10.1.0.2 >/dev/null
	n_bg "$B" ping -i 0.2 -c 9 -W 3 10.1.0.1 >/dev/null
	wait_for 5 counts "$B" hs_miss_held 1
	wait_for 5 counts "$B" tx_miss_held 1
	ip -n "$B" link del mm0
	ns_del "$A"
}

# An initiation that nobody wants ends, and isn't answered.
test_initiation_timeout()
{
	nodes
	events "$B" "$TMP/events"
	knows_b
	silent "$A" 10.1.0.2
	wait_for 5 told "$TMP/events"
	wait_for 10 counts "$B" hs_drop_miss_timeout 1
	expect_eq "$(stat "$B" mm0 hs_resp_tx)" 0 "answers"
	expect_eq "$(stat "$A" mm0 hs_completed)" 0 "sessions"
	n "$B" mmesh dev set mm0 peer-miss off
	wait_for 20 counts "$B" hs_drop_unknown_peer 1
}

run_tests "$@"
