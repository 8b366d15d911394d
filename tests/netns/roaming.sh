#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Endpoints that move: roaming of either side, NAT with rebinding, sticky source
# addresses.
. "$(dirname -- "$0")/../lib.sh"
SLOW_OMIT="family_changes route_change"

endpoint_is() { [ "$(endpoint "$1" "$2")" = "$3" ]; }

# flow NS ADDR: steady pings in the background; flow_ends counts the answers.
flow()
{
	FLOW_NS=$1
	n_bg "$1" ping -q -i 0.02 -c 100000 "$2" >"$TMP/flow" 2>&1
	FLOW_PID=$BG_PID
}
flow_is_long() { [ "$(link_stat "$FLOW_NS" mm0 tx.packets)" -ge 100 ]; }
flow_ends()
{
	# In a short one a single loss would be a large part.
	wait_for 60 flow_is_long
	kill -INT "$FLOW_PID"
	wait "$FLOW_PID" || true
	read -r FLOW_SENT FLOW_GOT < <(awk '/packets transmitted/ { print $1, $4 }' "$TMP/flow")
}

# A gets another address, and another port, under traffic that A sends.
test_initiator_roams()
{
	OUTER=4 pair
	pings "$A" 192.168.241.2
	flow "$A" 192.168.241.2
	# The second address stays when the first one goes.
	n "$A" sysctl -qw net.ipv4.conf.all.promote_secondaries=1
	ip -n "$A" addr add 10.9.0.11/24 dev va
	ip -n "$A" addr del 10.9.0.1/24 dev va
	wait_for 10 endpoint_is "$B" "$DB" 10.9.0.11:1001
	wgc "$A" set "$DA" listen-port 1111
	wait_for 10 endpoint_is "$B" "$DB" 10.9.0.11:1111
	flow_ends
	expect_ge "$FLOW_GOT" $((FLOW_SENT * 9 / 10)) "answers of $FLOW_SENT"
	pings "$B" 192.168.241.1
	pings "$B" fd00:9::1
}

test_responder_roams()
{
	OUTER=6 pair
	pings "$A" 192.168.241.2
	flow "$B" 192.168.241.1
	addr "$B" vb fd09::22/64
	ip -n "$B" addr del fd09::2/64 dev vb
	wait_for 10 endpoint_is "$A" "$DA" '[fd09::22]:1002'
	wgc "$B" set "$DB" listen-port 2222
	wait_for 10 endpoint_is "$A" "$DA" '[fd09::22]:2222'
	flow_ends
	expect_ge "$FLOW_GOT" $((FLOW_SENT * 9 / 10)) "answers of $FLOW_SENT"
	pings "$A" fd00:9::2
}

# From IPv4 to IPv6 and back.
test_family_changes()
{
	OUTER=4 pair
	both_ways
	wgc "$A" set "$DA" peer "${PUB[B]}" endpoint '[fd09::2]:1002'
	pings "$A" 192.168.241.2
	expect_eq "$(endpoint "$B" "$DB")" '[fd09::1]:1001' "endpoint of A at B"
	tcp "$B" "$A" 192.168.241.1 "$(volume 300000)"
	wgc "$B" set "$DB" peer "${PUB[A]}" endpoint 10.9.0.1:1001
	pings "$B" fd00:9::1
	expect_eq "$(endpoint "$A" "$DA")" '10.9.0.2:1002' "endpoint of B at A"
	both_ways
}

# A packet that was not authenticated moves nothing.
test_forged_packet_moves_nothing()
{
	routed_pair
	both_ways
	# The router sends a record of the right form from an address of its own.
	n "$R" "$TRAFFIC" send -u -n 20 -l 200 10.9.2.1 1002 >/dev/null
	n "$R" bash -c 'printf "\4\0\0\0%0124d" 0 >/dev/udp/10.9.2.1/1002'
	expect_eq "$(endpoint "$B" "$DB")" 10.9.1.1:1001 "endpoint of A at B"
	both_ways
}

masquerade()
{
	n "$R" nft -f - <<EOT
flush ruleset
table ip nat {
	chain post {
		type nat hook postrouting priority srcnat
		ip saddr 10.9.1.0/24 oif rb meta l4proto udp masquerade to :$1
	}
}
table ip6 nat {
	chain post {
		type nat hook postrouting priority srcnat
		ip6 saddr fd09:1::/64 oif rb meta l4proto udp masquerade to :$1
	}
}
EOT
}

# A is behind a NAT whose mapping changes under traffic.
nat()
{
	local public=$1

	need_command nft
	ENDPOINTS=a routed_pair
	need_module nf_tables nft_chain_nat nft_masq nft_nat nf_nat
	masquerade 4000-4999 2>/dev/null || skip_test "no nft masquerading in this kernel"
	ip -n "$B" route del default
	ip -n "$B" -6 route del default
	addr "$B" vb 10.9.2.2/24
	pings "$A" 192.168.241.2
	[[ $(endpoint "$B" "$DB") == "$public":4* ]] || fail "endpoint $(endpoint "$B" "$DB")"
	pings "$B" 192.168.241.1
	flow "$A" 192.168.241.2
	masquerade 5000-5999
	# Taking the link down makes the router forget its mappings.
	ip -n "$R" link set rb down
	ip -n "$R" link set rb up
	addr "$R" rb fd09:2::254/64 2>/dev/null || true
	wait_for 20 rebound "$public"
	pings "$B" fd00:9::1
	flow_ends
	tcp "$A" "$B" fd00:9::2 "$(volume 300000)"
	tcp "$B" "$A" 192.168.241.1 "$(volume 300000)"
}
rebound() { [[ $(endpoint "$B" "$DB") == "$1":5* ]]; }
test_nat_rebinding_ipv4() { OUTER=4 nat 10.9.2.254; }
test_nat_rebinding_ipv6() { OUTER=6 nat '[fd09:2::254]'; }

# A persistent keepalive holds a short-lived mapping open, so that B can speak
# first; without it B's packet does not arrive.
test_keepalive_holds_mapping()
{
	need_command nft
	KEEPALIVE=1 ENDPOINTS=a routed_pair
	need_module nf_tables nft_chain_nat nft_masq nf_nat
	masquerade 4000-4999 2>/dev/null || skip_test "no nft masquerading in this kernel"
	n "$R" sysctl -qw net.netfilter.nf_conntrack_udp_timeout=8 \
		net.netfilter.nf_conntrack_udp_timeout_stream=8 ||
		skip_test "no conntrack time-outs per namespace"
	ip -n "$B" route del default
	# The mapping is gone after 8 s without a packet; nothing else is sent.
	wgc "$B" set "$DB" peer "${PUB[A]}" persistent-keepalive 0
	wait_for 20 pings "$A" 192.168.241.2 5
	snooze 12
	pings "$B" 192.168.241.1 5
}

# The address under which a peer was reached is the one that answers come from.
sticky()
{
	local main=$1 other=$2 to=$3 fd

	pair
	addr "$A" va "$other"
	wgc "$B" set "$DB" peer "${PUB[A]}" endpoint "$to"
	sniff fd "$B" vb
	n "$B" ping -q -c 5 -i 0.02 -W 5 192.168.241.1 >/dev/null
	sniffed "$fd" >"$TMP/packets"
	expect_ge "$(grep -c "^in .*src=${other%/*} .*type=4" "$TMP/packets")" 5 "records from the address used"
	expect_eq "$(grep -c "^in .*src=$main .*type=" "$TMP/packets" || true)" 0 "records from another"
	expect_eq "$(endpoint "$B" "$DB")" "$to" "endpoint of A at B"
	# That address goes: the other one serves, as soon as A says something.
	ip -n "$A" addr del "$other" dev va
	pings "$A" 192.168.241.2
	case $to in
	\[*) expect_eq "$(endpoint "$B" "$DB")" "[$main]:1001" "endpoint afterwards" ;;
	*) expect_eq "$(endpoint "$B" "$DB")" "$main:1001" "endpoint afterwards" ;;
	esac
	both_ways
}
test_sticky_source_ipv4() { OUTER=4 sticky 10.9.0.1 10.9.0.11/24 10.9.0.11:1001; }
test_sticky_source_ipv6() { OUTER=6 sticky fd09::1 fd09::11/64 '[fd09::11]:1001'; }

# The route to the endpoint moves to another interface.
test_route_change()
{
	pair
	both_ways
	veth "$A" vc "$B" vd
	addr "$A" vc 10.7.0.1/24
	addr "$B" vd 10.7.0.2/24
	ip -n "$B" addr add 10.6.0.2/32 dev lo
	ip -n "$A" route add 10.6.0.2/32 via 10.9.0.2
	wgc "$A" set "$DA" peer "${PUB[B]}" endpoint 10.6.0.2:1002
	pings "$A" 192.168.241.2
	expect_eq "$(endpoint "$B" "$DB")" 10.9.0.1:1001 "endpoint of A at B"
	ip -n "$A" route replace 10.6.0.2/32 via 10.7.0.2
	ip -n "$A" link set va down
	wait_for 15 pings "$A" 192.168.241.2 1
	expect_eq "$(endpoint "$B" "$DB")" 10.7.0.1:1001 "endpoint of A at B"
	both_ways
}

run_tests "$@"
