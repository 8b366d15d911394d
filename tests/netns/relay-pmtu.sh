#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The MTU by way of relays: whichever leg is the narrow one, what is sent arrives.
. "$(dirname -- "$0")/../lib.sh"
. "$(dirname -- "$0")/../relay-lib.sh"
SLOW_OMIT="every_underlay"

# Outer IP, UDP, leg and record, over IPv4 and IPv6.
OVERHEAD=92
OVERHEAD6=112

mtu() { mm "$1" -j path show dev mm0 "${PUB[$2]}" | jq -r '.paths[] | select(.current) | .mtu'; }
# What an underlay of $3 bytes takes. Nobody knows the families of the legs behind the first, so the search reckons with
# IPv6, and may find more byte by byte.
mtu_fits()
{
	local got

	got=$(mtu "$1" "$2")
	[ "$got" -ge $(($3 - OVERHEAD6)) ] && [ "$got" -le $(($3 - OVERHEAD)) ]
}
active() { n_bg "$A" ping -q -i 0.2 -c 100000 192.168.241.2 >/dev/null 2>&1; ACTIVE_PID=$BG_PID; }

# narrow NAME RELAY NUMBER MTU: the cable of client NAME.
narrow() { ip -n "${!2}" link set "e$3" mtu "$4"; ip -n "${!1}" link set eth0 mtu "$4"; }

# router MTU: between R and B there is Q, whose link to B is narrow, and which tells nobody.
router()
{
	need_command nft
	ns A B R Q
	cable A 1 R
	cable B 2 Q
	veth "$Q" eth0 "$R" e5
	addr "$Q" eth0 10.9.5.1/24 fd09:5::1/64
	addr "$R" e5 10.9.5.254/24 fd09:5::254/64
	n "$Q" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	ip -n "$R" route add 10.9.2.0/24 via 10.9.5.1
	ip -n "$R" -6 route add fd09:2::/64 via fd09:5::1
	ip -n "$B" route add default via 10.9.2.254
	ip -n "$B" -6 route add default via fd09:2::254
	n "$Q" nft -f - <<-EOT
		table inet filter {
			chain out {
				type filter hook output priority 0;
				icmp type destination-unreachable drop
				icmpv6 type packet-too-big drop
			}
		}
	EOT
	narrow B Q 2 "$1"
	: "${LEG_B:=10.9.5.254}"
	serve_clients
}

# carries UNDERLAY: A and B find what it takes, and everything arrives, with DF as large as they say; what is larger is
# answered with the size.
carries()
{
	local fragments

	active
	wait_for 30 mtu_fits "$A" B "$1"
	wait_for 30 mtu_fits "$B" A "$1"
	stop "$ACTIVE_PID"
	fragments=$(fragments)
	if [ "$1" -lt $((${MTU:-1380} + OVERHEAD)) ]; then
		n "$A" ping -q -c 1 -W 2 -M do -s $(($(mtu "$A" B) - 28)) 192.168.241.2 >/dev/null
		! n "$A" ping -c 1 -W 1 -M do -s $(($1 - OVERHEAD - 27)) 192.168.241.2 >"$TMP/out" 2>&1
		grep -qE "mtu ?= ?$(mtu "$A" B)|Frag needed|too long" "$TMP/out"
		n "$A" ip route flush cache
	fi
	tcp "$A" "$B" 192.168.241.2 "$(volume 500000)"
	tcp "$B" "$A" 192.168.241.1 "$(volume 500000)"
	[ "$1" = 1280 ] || tcp "$B" "$A" fd00:9::1 "$(volume 500000)"
	# That much passes every leg uncut.
	expect_eq "$(fragments)" "$fragments" "outer packets that were cut"
	[ "$1" != 1280 ] || tcp "$A" "$B" fd00:9::2 "$(volume 500000)"
	n "$A" ping -c 5 -i 0.2 -W 2 -M dont -s 1380 192.168.241.2 >"$TMP/out"
	grep -q ' 5 received' "$TMP/out" || fail "pings that may be cut: $(grep received "$TMP/out")"
}

# Outer packets that relays have cut.
fragments()
{
	local sum=0 name got

	for name in R S; do
		[ -n "${!name:-}" ] || continue
		got=$(n "${!name}" awk '/^Ip: [0-9]/ { n += $19 } FILENAME ~ /snmp6/ && $1 == "Ip6FragCreates" { n += $2 }
			END { print n + 0 }' /proc/self/net/snmp /proc/self/net/snmp6)
		sum=$((sum + got))
	done
	echo "$sum"
}

# one FAMILY LEG MTU
one()
{
	if [ "$1" = 6 ]; then LEG_A='[fd09:1::254]' LEG_B='[fd09:2::254]'; fi
	star
	if [ "$2" = A ]; then narrow A R 1 "$3"; else narrow B R 2 "$3"; fi
	meet
	carries "$3"
}

test_first_leg_ipv4() { one 4 A 1400; }
test_first_leg_ipv6() { one 6 A 1400; }
test_second_leg_ipv4() { one 4 B 1400; }
test_second_leg_ipv6() { one 6 B 1400; }
test_first_leg_least() { one 6 A 1280; }
test_second_leg_least() { one 6 B 1280; }
test_second_leg_least_ipv4() { one 4 B 1280; }

test_untold()
{
	router 1400
	meet
	carries 1400
}

test_untold_ipv6()
{
	LEG_A='[fd09:1::254]' LEG_B='[fd09:5::254]'
	router 1400
	meet
	carries 1400
}

test_two_hops()
{
	two_hops
	ip -n "$R" link set e4 mtu 1400
	ip -n "$S" link set eth0 mtu 1400
	carries 1400
}

test_two_hops_last_leg()
{
	two_hops
	narrow B S 2 1420
	carries 1420
}

test_every_underlay()
{
	local size

	for size in 1337 1492 2000 4352 8951 9000; do
		CABLE_MTU=9000 MTU=8900 one 6 B "$size"
	done
}

grown_by() { [ "$(link_stat "$B" mm0 rx.bytes)" -gt $(($1 + $2)) ]; }

# The second leg gets narrow under a flow.
shrinks()
{
	local begin before

	if [ "$1" = 6 ]; then LEG_A='[fd09:1::254]' LEG_B='[fd09:5::254]'; fi
	router 1500
	meet
	# A processor in virtual time knows no other limit.
	netem "$Q" e2 rate 100mbit
	active
	wait_for 30 mtu_fits "$A" B 1500
	stream one "$A" "$B" 192.168.241.2
	before=$(link_stat "$B" mm0 rx.bytes)
	wait_for 10 grown_by "$before" 200000
	narrow B Q 2 1400
	begin=$(date +%s%N)
	before=$(link_stat "$B" mm0 rx.bytes)
	wait_for 5 grown_by "$before" 300000
	echo "# went on after $((($(date +%s%N) - begin) / 1000000)) ms" >&2
	expect_le $((($(date +%s%N) - begin) / 1000000)) 5000 "ms until the flow goes on"
	stream_end one 500000
	wait_for 20 mtu_fits "$A" B 1400
}
test_shrinks_ipv4() { shrinks 4; }
test_shrinks_ipv6() { shrinks 6; }

run_tests "$@"
