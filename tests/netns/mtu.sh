#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sizes: inner MTUs, outer fragmentation, offloads on and off, checksums.
. "$(dirname -- "$0")/../lib.sh"
SLOW_OMIT="largest_mtu minimum_path outer_fragments_ipv4"

# The largest inner packet passes, one more byte does not.
exact_mtu()
{
	n "$A" ping -q -c 1 -W 5 -M do -s $(($1 - 28)) 192.168.241.2 >/dev/null
	n "$B" ping -q -c 1 -W 5 -M do -s $(($1 - 48)) fd00:9::1 >/dev/null
	! n "$A" ping -q -c 1 -W 1 -M do -s $(($1 - 27)) 192.168.241.2 >/dev/null 2>&1
}

# sizes OUTER CABLE_MTU MTU ...
sizes()
{
	local outer=$1 cable=$2 mtu

	shift 2
	[ "$MMESH_SLOW" != 1 ] || set -- "$1" "${@: -1}"
	OUTER=$outer CABLE_MTU=$cable MTU=$1 pair
	for mtu; do
		ip -n "$A" link set "$DA" mtu "$mtu"
		ip -n "$B" link set "$DB" mtu "$mtu"
		exact_mtu "$mtu"
		tcp "$A" "$B" 192.168.241.2 "$(volume 2000000)"
		tcp "$B" "$A" fd00:9::1 "$(volume 2000000)"
		udp "$A" "$B" 192.168.241.2 "$(volume 500)" $((mtu - 28)) 1500
		expect_eq "$R_unique" "$R_sent" "datagrams at MTU $mtu"
		udp "$B" "$A" fd00:9::1 "$(volume 300)" $((mtu > 60000 ? 65000 : mtu + 100)) 600
		expect_eq "$R_unique" "$R_sent" "fragmented datagrams at MTU $mtu"
	done
}

test_inner_mtu_outer_ipv4() { sizes 4 9100 1280 1420 1500 4000 9000; }
test_inner_mtu_outer_ipv6() { sizes 6 9100 1280 1420 1500 4000 9000; }
test_outer_fragments_ipv4() { sizes 4 1500 1500 9000; }
test_outer_fragments_ipv6() { sizes 6 1500 1500 9000; }
# An IPv6 path of 1280 bytes: the inner MTU stays 1280, the outer is cut.
test_minimum_path() { sizes 6 1280 1280 1420; }
# Everything at once through the largest links there are.
test_largest_mtu() { sizes 4 65535 65455; }

# Packets larger than the path, with the answer that says so from a router.
test_inner_path_mtu()
{
	pair
	net_behind_b 1300
	tcp "$A" "$C" 10.8.0.2 "$(volume 1000000)"
	tcp "$A" "$C" fd08::2 "$(volume 1000000)"
	tcp "$C" "$A" 192.168.241.1 "$(volume 1000000)"
	! n "$A" ping -c 1 -W 1 -M do -s 1372 10.8.0.2 >"$TMP/out" 2>&1
	grep -qE 'mtu ?= ?1300|Frag needed|too long' "$TMP/out"
}

# offloads NS DEV on|off FEATURE ...: whatever of it the device can change.
offloads()
{
	local ns=$1 dev=$2 state=$3 f

	shift 3
	for f; do
		n "$ns" ethtool -K "$dev" "$f" "$state" >/dev/null 2>&1 || true
	done
}

test_offloads()
{
	local tx rx csum size

	need_command ethtool
	size=$(volume 3000000)
	pair
	for tx in on off; do
		for rx in on off; do
			for csum in on off; do
				[ "$tx/$csum" != on/off ] || continue	# impossible
				offloads "$A" va "$csum" tx rx
				offloads "$B" vb "$csum" tx rx
				offloads "$A" va "$tx" tso gso tx-udp-segmentation
				offloads "$B" vb "$tx" tso gso tx-udp-segmentation
				offloads "$A" va "$rx" gro
				offloads "$B" vb "$rx" gro
				tcp "$A" "$B" 192.168.241.2 "$size"
				tcp "$B" "$A" fd00:9::1 "$size"
			done
		done
	done
	# The tunnel's own.
	for tx in off on; do
		offloads "$A" "$DA" "$tx" tso gso
		offloads "$B" "$DB" "$tx" gro
		tcp "$A" "$B" 192.168.241.2 "$size"
		tcp "$A" "$B" fd00:9::2 "$size"
	done
	offloads "$A" "$DA" off tx
	tcp "$A" "$B" fd00:9::2 "$size"
	expect_eq "$(link_stat "$B" "$DB" rx.errors)" 0 "errors at B"
	expect_eq "$(link_stat "$A" "$DA" rx.errors)" 0 "errors at A"
}

# A receiver's aggregation as a network card gives it, and one flow after the
# other so that aggregates of different sizes follow one another.
test_gro_at_receiver()
{
	need_command ethtool
	OUTER=6 pair
	offloads "$A" va off tx-udp-segmentation
	offloads "$A" va on gro
	offloads "$B" vb on gro rx-gro-list rx-udp-gro-forwarding
	tcp "$A" "$B" 192.168.241.2 "$(volume 8000000)"
	tcp "$B" "$A" fd00:9::1 "$(volume 8000000)"
	udp "$A" "$B" 192.168.241.2 "$(volume 3000)" 0 3000
	expect_eq "$R_unique" "$R_sent" "datagrams"
	expect_eq "$R_reordered" 0 "datagrams out of order"
}

# Behind B a host that computes every checksum itself: whatever the tunnel
# hands on has to be right on the wire, aggregate or not.
test_forwarded_checksums()
{
	local fd bad way

	need_command ethtool
	pair
	ns C
	veth "$B" vc "$C" vd 1500
	addr "$B" vc 10.8.0.1/24 fd08::1/64
	addr "$C" vd 10.8.0.2/24 fd08::2/64
	n "$B" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	ip -n "$C" route add default via 10.8.0.1
	ip -n "$C" -6 route add default via fd08::1
	wgc "$A" set "$DA" peer "${PUB[B]}" \
		allowed-ips 192.168.241.2/32,fd00:9::2/128,10.8.0.0/24,fd08::/64
	ip -n "$A" route add 10.8.0.0/24 dev "$DA"
	ip -n "$A" -6 route add fd08::/64 dev "$DA"
	offloads "$B" vc off tso gso tx rx gro
	offloads "$C" vd off tso gso tx rx gro
	for way in on off; do
		offloads "$A" "$DA" "$way" gso tso tx
		sniff fd "$C" vd
		tcp "$A" "$C" 10.8.0.2 "$(volume 1000000)"
		tcp "$A" "$C" fd08::2 "$(volume 1000000)"
		udp "$A" "$C" 10.8.0.2 "$(volume 500)" 0 2000
		expect_eq "$R_unique" "$R_sent" "IPv4 datagrams"
		udp "$A" "$C" fd08::2 "$(volume 500)" 0 2000
		expect_eq "$R_unique" "$R_sent" "IPv6 datagrams"
		sniffed "$fd" >"$TMP/packets"
		expect_ge "$(grep -c '^in .*csum=ok' "$TMP/packets")" "$(volume 1500)" "checked packets"
		bad=$(grep '^in ' "$TMP/packets" | grep -cE 'hcsum=bad|csum=(bad|partial)|malformed' || true)
		expect_eq "$bad" 0 "packets with a wrong checksum"
	done
	# And the other way: packets that come to A from outside.
	tcp "$C" "$A" 192.168.241.1 "$(volume 1000000)"
	tcp "$C" "$A" fd00:9::1 "$(volume 1000000)"
}

# Outer checksums as another machine would see them.
test_outer_checksums()
{
	local fd family

	need_command ethtool
	for family in 4 6; do
		OUTER=$family pair
		offloads "$A" va off tso gso tx tx-udp-segmentation
		offloads "$B" vb off rx gro
		sniff fd "$B" vb
		tcp "$A" "$B" 192.168.241.2 "$(volume 500000)"
		sniffed "$fd" >"$TMP/packets"
		expect_ge "$(grep -c '^in .*type=4 ' "$TMP/packets")" "$(volume 300)" "records"
		expect_eq "$(grep -E '^in .*dport=1002' "$TMP/packets" |
			grep -cE 'csum=(bad|partial)' || true)" 0 "wrong outer checksums"
		[ "$family" = 4 ] ||
			expect_eq "$(grep -cE '^in .*v=6 .*csum=none.*dport=1002' "$TMP/packets" || true)" 0 \
				"IPv6 datagrams without a checksum"
	done
}

run_tests "$@"
