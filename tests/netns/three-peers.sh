#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Three peers on one segment: a full mesh, and a hub that forwards.
. "$(dirname -- "$0")/../lib.sh"

# Namespaces A B C joined by a bridge in R.
segment()
{
	local i=1 x

	need_module bridge
	ns A B C R
	ip -n "$R" link add br0 type bridge 2>/dev/null || skip_test "no bridge in this kernel"
	ip -n "$R" link set br0 up
	for x in A B C; do
		veth "${!x}" eth0 "$R" "p$x"
		ip -n "$R" link set "p$x" master br0
		addr "${!x}" eth0 "10.9.0.$i/24" "fd09::$i/64"
		tunnel "${!x}" mm0
		keys "$x"
		wgc "${!x}" set mm0 private-key "${PRIV[$x]}" listen-port "100$i"
		addr "${!x}" mm0 "192.168.241.$i/24" "fd00:9::$i/64"
		ip -n "${!x}" link set mm0 up
		i=$((i + 1))
	done
}

# link_peers X Y INDEX_Y [ALLOWED]
knows()
{
	wgc "${!1}" set mm0 peer "${PUB[$2]}" endpoint "10.9.0.$3:100$3" \
		allowed-ips "${4:-192.168.241.$3/32,fd00:9::$3/128}"
}

test_full_mesh()
{
	local x i

	segment
	knows A B 2; knows A C 3
	knows B A 1; knows B C 3
	knows C A 1; knows C B 2
	for x in "$A" "$B" "$C"; do
		for i in 1 2 3; do
			pings "$x" "192.168.241.$i"
			pings "$x" "fd00:9::$i"
		done
	done
	tcp "$A" "$C" 192.168.241.3 "$(volume 1000000)"
	tcp "$C" "$B" fd00:9::2 "$(volume 1000000)"
	expect_eq "$(wgc "$A" show mm0 peers | wc -l)" 2 "peers"
}

# Two senders at once into one receiver.
test_two_flows_at_once()
{
	local one two

	segment
	knows A B 2; knows B A 1; knows C B 2; knows B C 3
	( tcp "$A" "$B" 192.168.241.2 "$(volume 3000000)" ) &
	one=$!
	( RANDOM=$((RANDOM + 1)); tcp "$C" "$B" fd00:9::2 "$(volume 3000000)" ) &
	two=$!
	wait "$one"
	wait "$two"
}

# B forwards between A and C, which do not know each other.
test_hub()
{
	segment
	knows A B 2 192.168.241.0/24,fd00:9::/64
	knows C B 2 192.168.241.0/24,fd00:9::/64
	knows B A 1
	knows B C 3
	n "$B" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	pings "$A" 192.168.241.3
	pings "$C" fd00:9::1
	tcp "$A" "$C" 192.168.241.3 "$(volume 2000000)"
	tcp "$C" "$A" fd00:9::1 "$(volume 2000000)"
}

# A prefix belongs to the peer that got it last; the longest prefix wins.
test_allowed_ip_moves()
{
	segment
	knows A B 2; knows A C 3; knows B A 1; knows C A 1
	pings "$A" 192.168.241.2
	wgc "$A" set mm0 peer "${PUB[C]}" allowed-ips 192.168.241.2/32,192.168.241.3/32
	expect_eq "$(wgc "$A" show mm0 allowed-ips | grep -F "${PUB[B]}" | cut -f 2)" \
		"fd00:9::2/128" "what is left to B"
	silent "$A" 192.168.241.2
	wgc "$A" set mm0 peer "${PUB[B]}" allowed-ips 192.168.241.2/32
	wgc "$A" set mm0 peer "${PUB[C]}" allowed-ips 192.168.241.0/24
	pings "$A" 192.168.241.2
	pings "$A" 192.168.241.3
}

run_tests "$@"
