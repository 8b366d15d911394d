#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Networks and subnets are kept apart, whatever the addresses, routes and sysctls say.
. "$(dirname -- "$0")/../lib.sh"

declare -A PORT SUBNET
# Each test has keys of its own: a device of the last one may still be going away,
# and a key belongs to one network.
key_pool() { :; }
NEXT_PORT=3000

# node NAME NS DEV ADDR NETWORK SUBNET [SETTINGS ...]: a device with a key of
# its own. Its sockets are in the namespace $W, so that all nodes reach one
# another by its loopback.
node()
{
	NEXT_PORT=$((NEXT_PORT + 1))
	PORT[$1]=$NEXT_PORT SUBNET[$1]=$6
	keys "$1"
	KIND_OF[$2/$3]=mmesh
	ip -n "$W" link add "$3" type mmesh
	[ "$2" = "$W" ] || ip -n "$W" link set "$3" netns "$2"
	n "$2" mmesh dev set "$3" private-key "${PRIV[$1]}" listen-port "$NEXT_PORT" \
		network "$5" subnet "$6" "${@:7}"
	addr "$2" "$3" "$4"
	ip -n "$2" link set "$3" mtu 1420 up
}

# knows NS DEV NAME ALLOWED-IPS [SETTINGS ...]
knows() {
	n "$1" mmesh peer add "${PUB[$3]}" dev "$2" subnet "${SUBNET[$3]}" \
		endpoint "127.0.0.1:${PORT[$3]}" allowed-ips "$4" "${@:5}"
}

# two SUBNET_A SUBNET_B [SETTINGS ...]: A and B of one network know each other.
# NETWORK: 7 if not given.
two()
{
	ns A B W
	node A "$A" mm0 10.1.0.1/16 "${NETWORK:-7}" "$1" "${@:3}"
	node B "$B" mm0 10.1.0.2/16 "${NETWORK:-7}" "$2" "${@:3}"
	knows "$A" mm0 B 10.1.0.2/32
	knows "$B" mm0 A 10.1.0.1/32
}

test_same_subnet()
{
	two 5 5
	pings "$A" 10.1.0.2
	pings "$B" 10.1.0.1
	tcp "$A" "$B" 10.1.0.2 "$(volume 500000)"
}

test_other_subnet()
{
	two 5 6
	n "$A" ping -c 1 -W 2 10.1.0.2 >"$TMP/ping" || true
	grep -q "Packet filtered" "$TMP/ping" || fail "no ICMP error: $(cat "$TMP/ping")"
	silent "$B" 10.1.0.1
	expect_ge "$(stat "$A" mm0 tx_drop_subnet)" 1 "A's refusals"
	expect_eq "$(stat "$A" mm0 hs_init_tx)" 0 "initiations for packets that are refused"
	expect_eq "$(stat "$B" mm0 rx_packets)" 0 "packets that B got"
}

# The receiver decides for itself, by the key.
test_refused_by_the_receiver()
{
	two 5 6
	n "$A" mmesh dev set mm0 routed-subnets on
	silent "$A" 10.1.0.2
	expect_ge "$(stat "$B" mm0 rx_drop_subnet)" 1 "B's refusals"
	expect_eq "$(stat "$B" mm0 rx_packets)" 0 "packets that B got"
	expect_eq "$(stat "$A" mm0 tx_drop_subnet)" 0 "A's refusals"
}

# An open flow feels the flag when the command has returned, both ways.
flows() { [ "$(stat "$B" mm0 rx_packets)" -ge "$1" ]; }
test_flag_of_the_sender() { flag_under_traffic_of A; }
test_flag_of_the_receiver() { flag_under_traffic_of B; }
flag_under_traffic_of()
{
	local which=$1 before

	two 5 6 routed-subnets on
	stream s "$A" "$B" 10.1.0.2
	wait_for 10 flows 100
	n "${!which}" mmesh dev set mm0 routed-subnets off
	before=$(stat "$B" mm0 rx_packets)
	snooze 0.5
	expect_eq "$(stat "$B" mm0 rx_packets)" "$before" "packets after the change"
	n "${!which}" mmesh dev set mm0 routed-subnets on
	wait_for 30 flows $((before + 100))
	stream_end s
}

# The same by the peer's subnet.
test_peer_changes_its_subnet()
{
	two 5 5
	pings "$A" 10.1.0.2
	n "$A" mmesh peer set "${PUB[B]}" dev mm0 subnet 9
	silent "$A" 10.1.0.2
	silent "$B" 10.1.0.1
	expect_ge "$(stat "$A" mm0 tx_drop_subnet)" 1 "refused to send"
	expect_ge "$(stat "$A" mm0 rx_drop_subnet)" 1 "refused to receive"
	n "$A" mmesh dev set mm0 subnet 9
	pings "$A" 10.1.0.2
}

# What waits for a handshake is judged again.
test_staged_packets_are_judged_again()
{
	two 5 5
	ip -n "$B" link set mm0 down
	n_bg "$A" ping -c 1 -W 20 10.1.0.2 >/dev/null
	wait_for 5 initiates
	n "$A" mmesh dev set mm0 subnet 6
	expect_eq "$(stat "$A" mm0 tx_drop_subnet)" 1 "the packet that waited"
	ip -n "$B" link set mm0 up
	silent "$A" 10.1.0.2
	expect_eq "$(stat "$B" mm0 rx_packets)" 0 "packets that B got"
}
initiates() { [ "$(stat "$A" mm0 hs_init_tx)" -ge 1 ]; }

# Without a network, subnets say nothing.
test_no_network()
{
	NETWORK=none two 5 6
	pings "$A" 10.1.0.2
	pings "$B" 10.1.0.1
	expect_eq "$(stat "$A" mm0 tx_drop_subnet)" 0
}

test_rules_of_configuration()
{
	local out

	ns A B W
	node A "$A" mm0 10.1.0.1/16 7 1
	node B "$B" mm0 10.1.0.1/16 8 1
	knows "$A" mm0 B 10.1.0.2/32
	out=$(n "$A" mmesh dev set mm0 network 9 2>&1) && fail "network changed under a peer"
	[[ $out == *"while the device has peers"* ]] || fail "text: $out"
	out=$(n "$A" mmesh dev set mm0 network none 2>&1) && fail "network went away under a peer"
	n "$A" mmesh dev set mm0 network 7
	# One key, one network, in all namespaces.
	out=$(n "$B" mmesh dev set mm0 private-key "${PRIV[A]}" 2>&1) && fail "a key in two networks"
	[[ $out == *"private-key: a device of another network has it"* ]] || fail "text: $out"
	expect_eq "$(n "$B" mmesh -j dev show mm0 | jq -r '.devices[0].public_key')" "${PUB[B]}" "B's key"
	n "$B" mmesh dev set mm0 network 7 private-key "${PRIV[A]}"
	out=$(n "$B" mmesh dev set mm0 network 8 2>&1) && fail "a network that its key is not in"
	[[ $out == *"network: a device of another network has the same private key"* ]] || fail "text: $out"
	n "$A" mmesh peer del "${PUB[B]}" dev mm0
	out=$(n "$A" mmesh dev set mm0 network none 2>&1) && fail "a key with a network and without"
	ip -n "$B" link del mm0
	n "$A" mmesh dev set mm0 network none
	n "$A" mmesh dev set mm0 network 0xffffffffffffffff subnet 255
	expect_eq "$(n "$A" mmesh -j dev show mm0 | jq -cr '.devices[0] | [.network, .subnet, .routed_subnets]')" \
		'["0xffffffffffffffff",255,false]' "what is shown"
	refused n "$A" mmesh dev set mm0 subnet 256
	refused n "$A" mmesh dev set mm0 network x
}

# A peer that has prefixes belongs to one network, on all devices that one user
# namespace owns; a relay, which has none, serves many.
test_peer_of_one_network()
{
	local out

	ns A B C W
	node A "$A" mm0 10.1.0.1/16 7 0
	node B "$B" mm0 10.1.0.2/16 8 0
	node C "$C" mm0 10.1.0.3/16 none 0
	keys P R
	PORT[P]=9 SUBNET[P]=0 PORT[R]=9 SUBNET[R]=0
	knows "$A" mm0 P 10.1.0.9/32
	out=$(knows "$B" mm0 P 10.1.0.9/32 2>&1) && fail "a peer of two networks"
	[[ $out == *"public-key: a device of another network has this peer"* ]] || fail "text: $out"
	expect_eq "$(n "$B" mmesh -j peer show dev mm0 | jq '.peers | length')" 0 "peers of B"
	# By a change of the peer, too.
	knows "$B" mm0 P ""
	refused n "$B" mmesh peer set "${PUB[P]}" dev mm0 allowed-ips 10.1.0.9/32
	# As a client of a relay.
	n "$C" mmesh dev set mm0 relay on
	out=$(n "$C" mmesh relay add "${PUB[P]}" dev mm0 network 8 2>&1) && fail "a client of two networks"
	[[ $out == *"network: a device of another network has this peer"* ]] || fail "text: $out"
	n "$C" mmesh relay add "${PUB[P]}" dev mm0 network 7
	# Without a network, or without prefixes, nothing is said.
	n "$C" mmesh peer del "${PUB[P]}" dev mm0
	knows "$C" mm0 P 10.1.0.9/32
	knows "$A" mm0 R ""
	knows "$B" mm0 R ""
	# It moves when it has gone.
	n "$A" mmesh peer del "${PUB[P]}" dev mm0
	n "$B" mmesh peer set "${PUB[P]}" dev mm0 allowed-ips 10.1.0.9/32
	refused knows "$A" mm0 P 10.1.0.9/32
	# Who owns a namespace of his own can't keep others from a key.
	unshare -Urn true 2>/dev/null || return 0
	unshare -Urn bash -c 'ip link add mm9 type mmesh && mmesh dev set mm9 network 99 &&
		mmesh peer add "$1" dev mm9 allowed-ips 10.0.0.1/32' - "${PUB[P]}"
}

# Two networks with the same addresses on node M: each node is reached by its own.
equal_addresses()
{
	node A1 "$A" mm0 10.1.0.2/16 1 0
	node B1 "$B" mm0 10.1.0.2/16 2 0
	node A0 "$1" mm1 10.1.0.1/16 1 0
	node B0 "$2" mm2 10.1.0.1/16 2 0
	knows "$A" mm0 A0 10.1.0.1/32
	knows "$B" mm0 B0 10.1.0.1/32
	knows "$1" mm1 A1 10.1.0.2/32
	knows "$2" mm2 B1 10.1.0.2/32
}

test_equal_addresses_in_two_namespaces()
{
	ns A B M N W
	equal_addresses "$M" "$N"
	pings "$M" 10.1.0.2
	expect_eq "$(stat "$A" mm0 rx_packets) $(stat "$B" mm0 rx_packets)" "1 0" "who got it"
	pings "$N" 10.1.0.2
	expect_eq "$(stat "$A" mm0 rx_packets) $(stat "$B" mm0 rx_packets)" "1 1" "who got it"
	tcp "$M" "$A" 10.1.0.2 "$(volume 300000)"
	tcp "$N" "$B" 10.1.0.2 "$(volume 300000)"
}

test_equal_addresses_in_two_vrfs()
{
	need_module vrf
	ns A B M W
	ip -n "$M" link add red type vrf table 10 2>/dev/null || skip_test "no VRF in this kernel"
	ip -n "$M" link add blue type vrf table 20
	ip -n "$M" link set red up
	ip -n "$M" link set blue up
	equal_addresses "$M" "$M"
	ip -n "$M" link set mm1 master red
	ip -n "$M" link set mm2 master blue
	n "$M" ping -q -c 1 -W 5 -I red 10.1.0.2 >/dev/null
	expect_eq "$(stat "$A" mm0 rx_packets) $(stat "$B" mm0 rx_packets)" "1 0" "who got it"
	n "$M" ping -q -c 1 -W 5 -I blue 10.1.0.2 >/dev/null
	expect_eq "$(stat "$A" mm0 rx_packets) $(stat "$B" mm0 rx_packets)" "1 1" "who got it"
	n "$M" ping -q -c 1 -W 5 -I mm1 10.1.0.2 >/dev/null
	pings "$A" 10.1.0.1
	pings "$B" 10.1.0.1
}

# router NETWORK SUBNET: M forwards between mm1 (network 1) and mm2, by any route.
router()
{
	ns A B M W
	node A "$A" mm0 10.1.0.2/24 1 0
	node B "$B" mm0 10.2.0.2/24 "$1" "$2"
	node M1 "$M" mm1 10.1.0.1/24 1 0
	node M2 "$M" mm2 10.2.0.1/24 "$1" "$2"
	knows "$A" mm0 M1 0.0.0.0/0,::/0
	knows "$B" mm0 M2 0.0.0.0/0,::/0
	knows "$M" mm1 A 10.1.0.2/32,fd01::2/128
	knows "$M" mm2 B 10.2.0.2/32,fd02::2/128
	addr "$A" mm0 fd01::2/64
	addr "$B" mm0 fd02::2/64
	addr "$M" mm1 fd01::1/64
	addr "$M" mm2 fd02::1/64
	ip -n "$A" route add default dev mm0
	ip -n "$B" route add default dev mm0
	ip -n "$A" -6 route add default dev mm0
	ip -n "$B" -6 route add default dev mm0
	n "$M" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

barred()
{
	local before=$(($(stat "$M" mm1 "$1") + 0))

	# M itself is reached.
	pings "$A" 10.1.0.1
	pings "$B" 10.2.0.1
	silent "$A" 10.2.0.2
	silent "$A" fd02::2
	expect_eq "$(($(stat "$M" mm1 "$1") - before))" 2 "$1"
	expect_eq "$(stat "$B" mm0 rx_packets)" "${2:-1}" "what B got: M's answers"
}

test_forwarding_between_networks() { router 2 0; barred fwd_drop_network; }
test_forwarding_between_subnets() { router 1 3; barred fwd_drop_subnet; }

test_forwarding_within_a_network()
{
	router 1 0
	pings "$A" 10.2.0.2
	pings "$A" fd02::2
	tcp "$A" "$B" 10.2.0.2 "$(volume 500000)"
	n "$M" mmesh dev set mm2 subnet 4
	silent "$A" 10.2.0.2
	expect_ge "$(stat "$M" mm1 fwd_drop_subnet)" 1 "refusals"
}

# Links that are none of ours, and devices without a network, are as ever.
test_forwarding_to_another_link()
{
	router 0 0
	pings "$A" 10.2.0.2
	pings "$A" fd02::2
	expect_eq "$(stat "$M" mm1 fwd_drop_network)" 0
}

# A VRF takes the place of the link that a packet came in by.
test_forwarding_between_networks_in_a_vrf()
{
	need_module vrf
	router 2 0
	ip -n "$M" link add red type vrf table 10 2>/dev/null || skip_test "no VRF in this kernel"
	ip -n "$M" link set red up
	ip -n "$M" link set mm1 master red
	ip -n "$M" link set mm2 master red
	addr "$M" mm1 fd01::1/64
	addr "$M" mm2 fd02::1/64
	barred fwd_drop_network
}

# The hook goes with the devices.
test_forwarding_after_a_move()
{
	router 2 0
	ns N
	ip -n "$M" link set mm1 netns "$N"
	ip -n "$M" link set mm2 netns "$N"
	addr "$N" mm1 10.1.0.1/24 fd01::1/64
	addr "$N" mm2 10.2.0.1/24 fd02::1/64
	ip -n "$N" link set mm1 up
	ip -n "$N" link set mm2 up
	n "$N" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	M=$N
	barred fwd_drop_network
}

# A way around netfilter.
test_redirected_between_networks()
{
	need_module cls_matchall
	need_module act_mirred
	router 2 0
	pings "$A" 10.1.0.1
	tc -n "$M" qdisc add dev mm1 ingress 2>/dev/null || skip_test "no ingress qdisc in this kernel"
	tc -n "$M" filter add dev mm1 ingress matchall action mirred egress redirect dev mm2 2>/dev/null ||
		skip_test "no mirred in this kernel"
	silent "$A" 10.2.0.2
	expect_ge "$(stat "$M" mm1 fwd_drop_network)" 1 "refusals"
	expect_eq "$(stat "$B" mm0 rx_packets)" 0 "packets that B got"
}

# An exit's 0/0 takes what is outside the network's prefix, and nothing inside.
test_member_prefix()
{
	ns A B W
	node A "$A" mm0 10.1.0.1/16 7 0 member-prefix 10.1.0.0/16,fd01::/64
	node B "$B" mm0 10.1.0.2/16 7 0
	knows "$A" mm0 B 10.1.0.2/32,0.0.0.0/0,::/0
	knows "$B" mm0 A 10.1.0.1/32
	ip -n "$A" route add default dev mm0
	ip -n "$A" -6 route add default dev mm0
	addr "$B" mm0 10.1.0.77/32 10.99.0.1/32 fd01::7/128
	pings "$A" 10.1.0.2
	pings "$A" 10.99.0.1
	silent "$A" 10.1.0.77
	silent "$A" fd01::7
	expect_eq "$(stat "$A" mm0 tx_drop_no_peer)" 2 "to members that no peer holds"
	! n "$B" ping -q -c 1 -W 1 -I 10.1.0.77 10.1.0.1 >/dev/null
	expect_eq "$(stat "$A" mm0 rx_drop_source)" 1 "from a member that no peer holds"
	n "$B" ping -q -c 1 -W 5 -I 10.99.0.1 10.1.0.1 >/dev/null
	expect_eq "$(n "$A" mmesh -j dev show mm0 | jq -cr '.devices[0] | [.member_prefix4, .member_prefix6]')" \
		'["10.1.0.0/16","fd01::/64"]' "what is shown"
	n "$A" mmesh dev set mm0 member-prefix ""
	pings "$A" 10.1.0.77
	refused n "$A" mmesh dev set mm0 member-prefix 10.1.0.0/16,10.2.0.0/16
}

# A virtual address that two nodes have: the first serves it until it is dead.
test_failover()
{
	ns A B C W
	node A "$A" mm0 10.1.0.1/16 7 0
	node B "$B" mm0 10.1.0.2/16 7 0
	node C "$C" mm0 10.1.0.3/16 7 0
	knows "$A" mm0 B 10.1.0.2/32,10.9.0.1/32@10
	knows "$A" mm0 C 10.1.0.3/32,10.9.0.1/32@20
	knows "$B" mm0 A 10.1.0.1/32
	knows "$C" mm0 A 10.1.0.1/32
	addr "$B" mm0 10.9.0.1/32
	addr "$C" mm0 10.9.0.1/32
	ip -n "$A" route add 10.9.0.1 dev mm0
	pings "$A" 10.9.0.1
	expect_eq "$(stat "$B" mm0 rx_packets) $(stat "$C" mm0 rx_packets)" "1 0" "who served"
	# Either may be the source.
	n "$C" ping -q -c 1 -W 5 -I 10.9.0.1 10.1.0.1 >/dev/null || true
	expect_eq "$(stat "$A" mm0 rx_drop_source)" 0
	expect_eq "$(n "$A" mmesh -j peer show dev mm0 "${PUB[C]}" | jq -cr '.peers[0].shared')" \
		'[{"prefix":"10.9.0.1/32","priority":20,"weight":1}]' "what is shown"
	n_bg "$A" mmesh -j monitor >"$TMP/events"
	ip -n "$B" link set mm0 down
	n "$A" mmesh peer set "${PUB[B]}" dev mm0 suite aes256gcm	# no session any more
	wait_for 30 pings "$A" 10.9.0.1 1
	expect_eq "$(stat "$A" mm0 failovers)" 1 "failovers"
	expect_eq "$(n "$A" mmesh -j peer show dev mm0 "${PUB[B]}" | jq .peers[0].unreachable)" true
	wait_for 5 grep -q '"event":"reachable".*"reachable":false' "$TMP/events"
	# It comes back, and serves again.
	n "$A" mmesh peer set "${PUB[B]}" dev mm0 suite wireguard
	ip -n "$B" link set mm0 up
	wait_for 40 serves_again
}
serves_again()
{
	local before

	before=$(stat "$B" mm0 rx_packets)
	pings "$A" 10.9.0.1 1 && [ "$(stat "$B" mm0 rx_packets)" -gt "$before" ]
}

# Flows are shared out by weight, and stay where they are.
test_weights()
{
	local b c i

	ns A B C W
	node A "$A" mm0 10.1.0.1/16 7 0
	node B "$B" mm0 10.1.0.2/16 7 0
	node C "$C" mm0 10.1.0.3/16 7 0
	knows "$A" mm0 B 10.1.0.2/32,10.9.0.0/24@1*3
	knows "$A" mm0 C 10.1.0.3/32,10.9.0.0/24@1
	knows "$B" mm0 A 10.1.0.1/32
	knows "$C" mm0 A 10.1.0.1/32
	ip -n "$A" route add 10.9.0.0/24 dev mm0
	pings "$A" 10.1.0.2
	pings "$A" 10.1.0.3
	for ((i = 1; i <= 200; i++)); do
		echo "10.9.0.$i"
	done >"$TMP/addresses"
	for i in 1 2; do
		b=$(stat "$B" mm0 rx_packets) c=$(stat "$C" mm0 rx_packets)
		n "$A" bash -c 'while read -r a; do echo x >/dev/udp/$a/9; done' <"$TMP/addresses"
		b=$(($(stat "$B" mm0 rx_packets) - b)) c=$(($(stat "$C" mm0 rx_packets) - c))
		expect_eq $((b + c)) 200 "packets"
		expect_ge "$b" 110 "flows of weight 3"
		expect_ge "$c" 15 "flows of weight 1"
	done
}

run_tests "$@"
