# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Clients and relays, for the suites that are about them. Sourced after lib.sh.

# mm NS WORD ...: the tool.
mm() { mmesh -n "$1" "${@:2}"; }

# device NAME NUMBER: namespace NAME has mm0 with a key, a port and addresses.
device()
{
	local ns=${!1}

	tunnel "$ns" mm0
	keys "$1"
	mm "$ns" dev set mm0 private-key "${PRIV[$1]}" listen-port "100$2"
	addr "$ns" mm0 "192.168.241.$2/24" "fd00:9::$2/64"
	ip -n "$ns" link set mm0 mtu "${MTU:-1380}" up
}

# client NAME NUMBER RELAY NUMBER [RELAY_ADDRESS]: it knows the relay; its cable is in 10.9.NUMBER.0.
client()
{
	mm "${!1}" peer add "${PUB[$3]}" dev mm0 extended on suite "${SUITE_OF:-wireguard}" \
		endpoint "${5:-10.9.$2.254}:100$4" persistent-keepalive 5
}

# cable NAME NUMBER RELAY: to the relay, from 10.9.NUMBER.1 and fd09:NUMBER::1.
cable()
{
	veth "${!1}" eth0 "${!3}" "e$2" "${CABLE_MTU:-1500}"
	addr "${!1}" eth0 "10.9.$2.1/24" "fd09:$2::1/64"
	addr "${!3}" "e$2" "10.9.$2.254/24" "fd09:$2::254/64"
}

# admit RELAY NAME [NETWORK]
admit()
{
	mm "${!1}" relay add "${PUB[$2]}" dev mm0 network "${3:-7}"
	mm "${!1}" peer set "${PUB[$2]}" dev mm0 suite "${SUITE_OF:-wireguard}"
}

# reaches NAME OTHER NUMBER VIA: OTHER's addresses, by the relay.
reaches()
{
	mm "${!1}" peer add "${PUB[$2]}" dev mm0 extended on suite "${SUITE_OF:-wireguard}" \
		via "$4" allowed-ips "192.168.241.$3/32,fd00:9::$3/128"
}

# A(1) and B(2), which have a cable to R(3) each, and nothing between them.
star()
{
	ns A B R
	cable A 1 R
	cable B 2 R
	serve_clients
}

serve_clients()
{
	device A 1; device B 2; device R 3
	mm "$R" dev set mm0 relay on
	admit R A; admit R B
	client A 1 R 3 "${LEG_A:-}"; client B 2 R 3 "${LEG_B:-}"
}

# A and B shall reach each other by R.
meet()
{
	reaches A B 2 "${PUB[R]}"
	reaches B A 1 "${PUB[R]}"
	wait_for 15 handshaken "$R" "$A"
	wait_for 15 handshaken "$R" "$B"
}

one_hop()
{
	star
	meet
}

# handshaken NS NAME: a session with NS's first peer, and NAME's.
handshaken() { [ "$(handshake_time "$2" mm0)" != 0 ] && [ -n "$(handshake_time "$2" mm0)" ]; }

drops() { n "$1" mmesh -j stat show dev mm0 | jq -c '[.stats[0].counters | to_entries[] | select(.value > 0 and (.key | test("drop")))] | from_entries'; }

relayed() { stat "$1" mm0 relay_packets; }
counted() { [ "$(stat "$1" mm0 "$2")" -gt 0 ]; }

# A(1) - R(3) - S(4) - B(2): two relays, which trust each other.
two_hops()
{
	ns A B R S
	cable A 1 R
	cable B 2 S
	cable S 4 R
	device A 1; device B 2; device R 3; device S 4
	mm "$R" dev set mm0 relay on
	mm "$S" dev set mm0 relay on
	admit R A; admit S B
	mm "$R" relay add "${PUB[S]}" dev mm0 trunk on
	mm "$S" relay add "${PUB[R]}" dev mm0 trunk on
	mm "$S" peer set "${PUB[R]}" dev mm0 endpoint 10.9.4.254:1003 persistent-keepalive 5
	client A 1 R 3; client B 2 S 4
	reaches A B 2 "${PUB[R]},${PUB[S]}"
	reaches B A 1 "${PUB[S]},${PUB[R]}"
}
