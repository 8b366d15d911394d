#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The MTU of a path between extended peers: A and B behind router R, whose link to B
# is the narrow one. Nothing that is sent may vanish for long.
. "$(dirname -- "$0")/../lib.sh"
SLOW_OMIT="every_underlay"

# routed OUTER MTU: the tunnel's MTU lets packets in that the path may not take.
routed()
{
	OUTER=$1 CABLE_MTU=${3:-1500} MTU=${4:-1420} routed_pair
	n "$A" mmesh peer set "${PUB[B]}" dev "$DA" extended on
	n "$B" mmesh peer set "${PUB[A]}" dev "$DB" extended on
	narrow "$2"
}

narrow() { ip -n "$R" link set rb mtu "$1"; ip -n "$B" link set vb mtu "$1"; }

# R's ICMP errors get lost: nobody says what is too big.
filter_ptb()
{
	need_command nft
	n "$R" nft -f - <<-EOT
		table inet filter {
			chain out {
				type filter hook output priority 0;
				icmp type destination-unreachable drop
				icmpv6 type packet-too-big drop
			}
		}
	EOT
}

mtu() { n "$1" mmesh -j path show dev mm0 | jq -r '.paths[] | select(.current) | .mtu'; }
mtu_is() { [ "$(mtu "$1")" = "$2" ]; }
knock() { n "$A" ping -q -c 1 -W 1 192.168.241.2 >/dev/null || true; }
# active: a trickle, so that paths are probed.
active() { n_bg "$A" ping -q -i 0.2 -c 100000 192.168.241.2 >/dev/null 2>&1; ACTIVE_PID=$BG_PID; }

# What an underlay of $2 bytes takes inside, over IPv4 or IPv6.
inner() { if [ "$1" = 4 ]; then echo $(($2 - 60)); else echo $(($2 - 80)); fi; }

# A packet that is exactly as large passes, one more byte is answered with the size.
exact_size()
{
	local size=$1

	n "$A" ping -q -c 1 -W 2 -M do -s $((size - 28)) 192.168.241.2 >/dev/null
	! n "$A" ping -c 1 -W 1 -M do -s $((size - 27)) 192.168.241.2 >"$TMP/out" 2>&1
	grep -qE "mtu ?= ?$size|Frag needed|too long" "$TMP/out"
	n "$A" ip route flush cache
}

# underlay OUTER MTU
underlay()
{
	local want

	want=$(inner "$1" "$2")
	[ "$want" -le "${4:-1420}" ] || want=$(inner "$1" "$2")
	routed "$1" "$2" "${3:-1500}" "${4:-1420}"
	[ "${FILTER:-0}" = 0 ] || filter_ptb
	active
	wait_for 20 mtu_is "$A" "$want"
	wait_for 20 mtu_is "$B" "$want"
	stop "$ACTIVE_PID"
	[ "$want" -ge "${4:-1420}" ] || exact_size "$want"
	tcp "$A" "$B" 192.168.241.2 "$(volume 1000000)"
	tcp "$B" "$A" 192.168.241.1 "$(volume 1000000)"
	tcp "$A" "$B" fd00:9::2 "$(volume 1000000)"
	tcp "$B" "$A" fd00:9::1 "$(volume 1000000)"
	may_be_cut 1380
}

# may_be_cut SIZE: pings that let themselves be cut all arrive, too large or not.
may_be_cut()
{
	n "$A" ip route flush cache
	n "$A" ping -c 5 -i 0.2 -W 2 -M dont -s "$1" 192.168.241.2 >"$TMP/out"
	grep -q ' 5 received' "$TMP/out"
}

test_underlay_1400_ipv4() { underlay 4 1400; }
test_underlay_1400_ipv6() { underlay 6 1400; }
test_underlay_1280_ipv4() { underlay 4 1280; }
test_underlay_1280_ipv6() { underlay 6 1280; }
test_filtered_1400_ipv4() { FILTER=1 underlay 4 1400; }
test_filtered_1400_ipv6() { FILTER=1 underlay 6 1400; }
test_filtered_1280_ipv6() { FILTER=1 underlay 6 1280; }
test_filtered_odd_size() { FILTER=1 underlay 6 1337; }

test_every_underlay()
{
	local size family

	for family in 4 6; do
		for size in 1300 1440 1492 1500 2000 4352 8951 9000; do
			FILTER=1 underlay "$family" "$size" 9000 8900
		done
	done
}

# It shrinks under a flow, and nobody says so: the flow goes on within 5 s.
shrinks()
{
	local begin before

	routed "$1" 1500
	[ "$2" = told ] || filter_ptb
	# A processor in virtual time knows no other limit.
	netem "$R" rb rate 100mbit
	active
	wait_for 20 mtu_is "$A" "$(inner "$1" 1500)"
	stream one "$A" "$B" "$3"
	wait_for 10 flows_by 200000
	narrow 1400
	begin=$(date +%s%N)
	before=$(rx_bytes "$B" "$DB")
	wait_for 5 grown_by "$before" 300000
	echo "# went on after $((($(date +%s%N) - begin) / 1000000)) ms" >&2
	expect_le $((($(date +%s%N) - begin) / 1000000)) 5000 "ms until the flow goes on"
	stream_end one 500000
	wait_for 20 mtu_is "$A" "$(inner "$1" 1400)"
}
flows_by() { [ "$(rx_bytes "$B" "$DB")" -gt "$1" ]; }
grown_by() { [ "$(rx_bytes "$B" "$DB")" -gt $(($1 + $2)) ]; }

test_shrinks_told_ipv4() { shrinks 4 told 192.168.241.2; }
test_shrinks_told_ipv6() { shrinks 6 told fd00:9::2; }
test_shrinks_untold_ipv6() { shrinks 6 untold 192.168.241.2; }
test_shrinks_untold_ipv6_in_ipv6() { shrinks 6 untold fd00:9::2; }

# And grows again.
test_grows()
{
	routed 6 1400
	filter_ptb
	active
	wait_for 20 mtu_is "$A" 1320
	narrow 1500
	wait_for 60 mtu_is "$A" 1420
}

# Behind A and B are others, who know nothing of the tunnel.
test_forwarded_mss()
{
	local fd

	routed 4 1400
	net_behind_b 1500
	active
	wait_for 20 mtu_is "$A" 1340
	wait_for 20 mtu_is "$B" 1340
	sniff fd "$C" vd
	tcp "$A" "$C" 10.8.0.2 "$(volume 300000)"
	tcp "$C" "$A" 192.168.241.1 "$(volume 300000)"
	tcp "$A" "$C" fd08::2 "$(volume 300000)"
	tcp "$C" "$A" fd00:9::1 "$(volume 300000)"
	sniffed "$fd" >"$TMP/packets"
	# C never hears of more, and never sends more.
	expect_eq "$(grep -cE '^(in|out) .*csum=bad' "$TMP/packets" || true)" 0 "wrong checksums"
	expect_eq "$(stat "$B" "$DB" tx_drop_path_mtu)" 0 "packets of C that were too large"
}

# A stock peer is left as it is.
test_stock_peer()
{
	OUTER=4 routed_pair
	narrow 1400
	active
	wait_for 10 pings "$A" 192.168.241.2
	n "$A" ping -q -c 1 -W 5 -M do -s 1392 192.168.241.2 >/dev/null
	expect_eq "$(stat "$A" "$DA" path_probes)" 0 "probes"
	expect_eq "$(stat "$A" "$DA" tx_drop_path_mtu)" 0 "drops"
}

run_tests "$@"
