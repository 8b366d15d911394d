#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Outer and inner headers: ECN, DSCP, marks, routing loops, tunnels in tunnels.
. "$(dirname -- "$0")/../lib.sh"
SLOW_OMIT="tos_4_in_4 tos_6_in_6 congestion_4_in_4 congestion_6_in_6 deep_nesting same_host"

# ECN goes outside, DSCP does not; the handshake is AF41 and not ECN capable.
tos()
{
	local fd tos got inner=$1

	routed_pair
	sniff fd "$B" vb
	pings "$A" "$inner"
	sniffed "$fd" >"$TMP/packets"
	expect_eq "$(grep -oE '^in .* tos=0x[0-9a-f]+.* type=1 ' "$TMP/packets" |
		grep -oE 'tos=0x..' | sort -u)" tos=0x88 "type of service of the initiation"
	expect_eq "$(grep -oE '^out .* tos=0x[0-9a-f]+.* type=2 ' "$TMP/packets" |
		grep -oE 'tos=0x..' | sort -u)" tos=0x88 "type of service of the response"
	for tos in 0x00 0x01 0x02 0x03 0xb8 0xba; do
		sniff fd "$B" vb
		n "$A" ping -q -c 1 -W 5 -Q "$tos" "$inner" >/dev/null
		sniffed "$fd" >"$TMP/packets"
		got=$(grep -oE '^in .* type=4 ' "$TMP/packets" | grep -oE 'tos=0x..' | sort -u)
		# Congestion that was met inside is carried as "ECN capable" (RFC
		# 3168) or as it is (RFC 6040).
		[ "$tos/$got" = 0x03/tos=0x02 ] ||
			expect_eq "$got" "$(printf 'tos=0x%02x' $((tos & 3)))" "outer type of service for inner $tos"
	done
}
test_tos_4_in_4() { OUTER=4 tos 192.168.241.2; }
test_tos_6_in_4() { OUTER=4 tos fd00:9::2; }
test_tos_4_in_6() { OUTER=6 tos 192.168.241.2; }
test_tos_6_in_6() { OUTER=6 tos fd00:9::2; }

# mark_congestion MATCH4 MATCH6: a router that does so on the outside.
mark_congestion()
{
	n "$R" nft -f - <<-EOT || skip_test "no nft in this kernel"
		flush ruleset
		table inet marking {
			chain forward {
				type filter hook forward priority 0
				oif rb meta nfproto ipv4 udp dport 1002 $1 ip ecn set ce
				oif rb meta nfproto ipv6 udp dport 1002 $2 @nh,0,16 set 0x6030
			}
		}
	EOT
}

# inner_tos TOS: type of service with which a ping that left with TOS arrives.
inner_tos()
{
	local file

	sniff file "$B" "$DB"
	n "$A" ping -q -c 1 -W 1 -Q "$1" "$inner" >/dev/null || true
	sniffed "$file" | grep -E '^in .*icmp=(8|128)/0' | grep -oE 'tos=0x..' | sort -u
}

congestion()
{
	local tos inner=$1 got

	need_command nft
	routed_pair
	need_module nf_tables
	mark_congestion "ip ecn != not-ect" "ip6 ecn != not-ect"
	pings "$A" "$inner"
	expect_eq "$(inner_tos 0x00)" tos=0x00 "inner type of service without ECN"
	for tos in 0x01 0x02 0x03 0xba; do
		expect_eq "$(inner_tos "$tos")" "$(printf 'tos=0x%02x' $((tos | 3)))" "inner type of service of $tos"
	done
	# The inner header's checksum is right afterwards, also in aggregates.
	n "$A" sysctl -qw net.ipv4.tcp_ecn=1
	n "$B" sysctl -qw net.ipv4.tcp_ecn=1
	tcp "$A" "$B" "$inner" "$(volume 500000)"
	# A mark on what is not ECN capable: dropped (RFC 6040) or not passed on.
	mark_congestion "" ""
	got=$(inner_tos 0x00)
	[ -z "$got" ] || expect_eq "$got" tos=0x00 "inner type of service"
	! has_stats "$B" "$DB" || [ -n "$got" ] || expect_ge "$(stat "$B" "$DB" rx_drop_ecn)" 1 "named drops"
}
test_congestion_4_in_4() { OUTER=4 congestion 192.168.241.2; }
test_congestion_6_in_4() { OUTER=4 congestion fd00:9::2; }
test_congestion_4_in_6() { OUTER=6 congestion 192.168.241.2; }
test_congestion_6_in_6() { OUTER=6 congestion fd00:9::2; }

# The inner hop limit is the sender's, the outer one the host's.
test_hop_limit()
{
	local fd

	pair
	pings "$A" 192.168.241.2
	sniff fd "$B" vb
	n "$A" ping -q -c 1 -W 5 -t 3 192.168.241.2 >/dev/null
	sniffed "$fd" >"$TMP/outer"
	grep -q '^in .*ttl=64 .*type=4' "$TMP/outer"
	sniff fd "$B" "$DB"
	n "$A" ping -q -c 1 -W 5 -t 3 192.168.241.2 >/dev/null
	sniffed "$fd" >"$TMP/inner"
	grep -q '^in .*ttl=3 ' "$TMP/inner"
}

# wg-quick's way: everything into the tunnel but what carries its mark.
test_fwmark()
{
	OUTER=4 routed_pair
	wgc "$A" set "$DA" fwmark 0x51820 peer "${PUB[B]}" allowed-ips 0.0.0.0/0,::/0
	ip -n "$A" route add default dev "$DA" table 51820
	ip -n "$A" -6 route add default dev "$DA" table 51820
	ip -n "$A" rule add not fwmark 0x51820 table 51820
	ip -n "$A" -6 rule add not fwmark 0x51820 table 51820
	ip -n "$A" rule add table main suppress_prefixlength 0
	pings "$A" 192.168.241.2
	# An address that only B has, by the default route.
	ip -n "$B" addr add 10.66.0.1/32 dev lo
	pings "$A" 10.66.0.1
	tcp "$A" "$B" 10.66.0.1 "$(volume 300000)"
	expect_eq "$(wgc "$A" show "$DA" fwmark)" 0x51820 "mark"
	# A new mark holds at once, without a new session: the outer packets now
	# route into the tunnel itself.
	wgc "$A" set "$DA" fwmark 0
	silent "$A" 10.66.0.1
	wgc "$A" set "$DA" fwmark 0x51820
	pings "$A" 10.66.0.1
}

# The endpoint is routed into the tunnel itself: no packet multiplies.
loop()
{
	local sent before

	ns A
	tunnel "$A" mm0
	keys A B
	wgc "$A" set mm0 private-key "${PRIV[A]}" listen-port 1 \
		peer "${PUB[B]}" endpoint "$2" allowed-ips 0.0.0.0/0,::/0
	addr "$A" mm0 192.168.241.1/24 fd00:9::1/64
	ip -n "$A" link set mm0 mtu 1420 up
	ip -n "$A" route add default dev mm0
	ip -n "$A" -6 route add default dev mm0
	! n "$A" ping -q -c 3 -i 0.2 -W 1 "$1" >/dev/null 2>&1
	sent=$(tx_bytes "$A" mm0)
	expect_le "$sent" 70000 "bytes sent into a routing loop"
	before=$sent
	snooze 0.5
	sent=$(tx_bytes "$A" mm0)
	expect_le $((sent - before)) 10000 "bytes that go on by themselves"
}
test_routing_loop_ipv4() { loop 1.1.1.1 1.2.3.4:2001; }
test_routing_loop_ipv6() { loop 2001:db8::1 '[2001:db8::2]:2001'; }

# Two established sessions whose endpoints then are routed into each other.
test_established_loop()
{
	local before sent

	pair
	both_ways
	wgc "$A" set "$DA" peer "${PUB[B]}" allowed-ips 0.0.0.0/0,::/0
	ip -n "$A" route add 10.9.0.2/32 dev "$DA"
	before=$(tx_bytes "$A" "$DA")
	! n "$A" ping -q -c 3 -i 0.2 -W 1 192.168.241.2 >/dev/null 2>&1
	sent=$(($(tx_bytes "$A" "$DA") - before))
	expect_le "$sent" 70000 "bytes sent into a routing loop"
	! has_stats "$A" "$DA" || expect_ge "$(stat "$A" "$DA" tx_drop_loop)" 1 "named drops"
	ip -n "$A" route del 10.9.0.2/32 dev "$DA"
	wait_for 10 pings "$A" 192.168.241.2 1
}

# inside LEVEL: one more tunnel in the tunnel below.
inside()
{
	local i=$1 below=$(($1 - 1))

	tunnel "$A" "mm$i"
	tunnel "$B" "mm$i"
	wgc "$A" set "mm$i" private-key "${PRIV[A]}" listen-port "300$i" peer "${PUB[B]}" \
		endpoint "192.168.$((241 + below)).2:300$i" allowed-ips "192.168.$((241 + i)).0/24,fd00:$i::/64"
	wgc "$B" set "mm$i" private-key "${PRIV[B]}" listen-port "300$i" peer "${PUB[A]}" \
		endpoint "192.168.$((241 + below)).1:300$i" allowed-ips "192.168.$((241 + i)).0/24,fd00:$i::/64"
	addr "$A" "mm$i" "192.168.$((241 + i)).1/24" "fd00:$i::1/64"
	addr "$B" "mm$i" "192.168.$((241 + i)).2/24" "fd00:$i::2/64"
	ip -n "$A" link set "mm$i" mtu $((1420 - 60 * i > 1280 ? 1420 - 60 * i : 1280)) up
	ip -n "$B" link set "mm$i" mtu $((1420 - 60 * i > 1280 ? 1420 - 60 * i : 1280)) up
}

test_tunnel_in_tunnel()
{
	pair
	inside 1
	pings "$A" 192.168.242.2
	tcp "$A" "$B" 192.168.242.2 "$(volume 1000000)"
	tcp "$B" "$A" fd00:1::1 "$(volume 1000000)"
	inside 2
	wait_for 10 pings "$A" 192.168.243.2 1
	tcp "$B" "$A" fd00:2::1 "$(volume 300000)"
}

# Deeper than the stack can carry: the packets may die, the kernel does not.
test_deep_nesting()
{
	local i

	pair
	for i in 1 2 3 4 5 6 7 8; do
		inside "$i"
	done
	n "$A" ping -q -c 5 -i 0.2 -W 1 192.168.249.2 >/dev/null 2>&1 || true
	n "$B" ping -q -c 5 -i 0.2 -W 1 192.168.245.1 >/dev/null 2>&1 || true
	# What is not too deep still works.
	both_ways
	wait_for 10 pings "$A" 192.168.242.2 1
}

# Two links of one host to one another through its loopback.
test_same_host()
{
	ns A
	tunnel "$A" mm0
	tunnel "$A" mm1
	keys A B
	wgc "$A" set mm0 private-key "${PRIV[A]}" listen-port 1 peer "${PUB[B]}" \
		endpoint 127.0.0.1:2 allowed-ips 10.5.0.0/16
	wgc "$A" set mm1 private-key "${PRIV[B]}" listen-port 2 peer "${PUB[A]}" \
		endpoint '[::1]:1' allowed-ips 10.5.0.0/16
	addr "$A" mm0 10.5.1.1/24
	addr "$A" mm1 10.5.2.1/24
	ip -n "$A" link set mm0 up
	ip -n "$A" link set mm1 up
	# The far end's address is local, so the packets are aimed by device.
	! n "$A" ping -q -c 2 -i 0.2 -W 1 -I mm0 10.5.77.1 >/dev/null 2>&1
	expect_ge "$(rx_bytes "$A" mm1)" 100 "bytes received"
}

run_tests "$@"
