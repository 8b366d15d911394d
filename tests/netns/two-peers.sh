#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Two peers: reachability, payloads and counters in all family combinations.
. "$(dirname -- "$0")/../lib.sh"
SLOW_OMIT="outer_ipv4 peer_without_endpoint port_in_use"

all_traffic()
{
	local size

	size=$(volume 4000000)
	both_ways
	tcp "$A" "$B" 192.168.241.2 "$size"
	tcp "$B" "$A" fd00:9::1 "$size"
	udp "$A" "$B" fd00:9::2 "$(volume 2000)" 0 2000
	expect_eq "$R_unique" "$R_sent" "datagrams delivered"
	expect_eq "$R_duplicate" 0 "duplicates"
	udp "$B" "$A" 192.168.241.1 "$(volume 2000)" 0 2000
	expect_eq "$R_unique" "$R_sent" "datagrams delivered"
}

test_outer_ipv4() { OUTER=4 pair; all_traffic; }
test_outer_ipv6() { OUTER=6 pair; all_traffic; }
test_preshared_key() { PSK=1 OUTER=6 pair; all_traffic; }

test_responder_learns_endpoint()
{
	ENDPOINTS=a pair
	expect_eq "$(endpoint "$B" "$DB")" "(none)" "endpoint before"
	pings "$A" 192.168.241.2
	expect_eq "$(endpoint "$B" "$DB")" "$EP_A" "endpoint learnt"
	pings "$B" fd00:9::1
}

# A ping of 84 bytes is padded to 96 and carried in 128; the handshake counts
# too: 148 bytes of initiation one way, 92 of response the other.
test_byte_counters()
{
	pair
	n "$A" ping -q -c 10 -i 0.01 -W 5 192.168.241.2 >/dev/null
	local tx_a rx_a tx_b rx_b

	tx_a=$(tx_bytes "$A" "$DA") rx_a=$(rx_bytes "$A" "$DA")
	tx_b=$(tx_bytes "$B" "$DB") rx_b=$(rx_bytes "$B" "$DB")
	# An extra keepalive of 32 bytes may confirm the session.
	case $tx_a in 1428 | 1460) ;; *) fail "A sent $tx_a bytes" ;; esac
	expect_eq "$tx_b" 1372 "bytes sent by B"
	expect_eq "$rx_a" "$tx_b" "received by A what B sent"
	expect_eq "$rx_b" "$tx_a" "received by B what A sent"
	if has_stats "$A" "$DA"; then
		expect_eq "$(stat "$A" "$DA" tx_packets)" 10 "inner packets sent by A"
		expect_eq "$(stat "$A" "$DA" tx_bytes)" 840 "their bytes"
		expect_eq "$(stat "$B" "$DB" rx_packets)" 10 "inner packets delivered to B"
		expect_eq "$(stat "$B" "$DB" rx_bytes)" 840 "their bytes"
		expect_eq "$(stat "$A" "$DA" hs_init_tx)" 1 "initiations of A"
		expect_eq "$(stat "$B" "$DB" hs_resp_tx)" 1 "responses of B"
		expect_eq "$(stat "$B" "$DB" hs_completed)" 1 "handshakes at B"
	fi
	expect_eq "$(link_stat "$B" "$DB" rx.errors)" 0 "errors at B"
	expect_eq "$(link_stat "$A" "$DA" tx.errors)" 0 "errors at A"
}

# Plaintexts are padded to 16 bytes, but never beyond the MTU.
test_padding()
{
	local fd size want before

	MTU=1420 pair
	pings "$A" 192.168.241.2
	sniff fd "$A" va
	for size in 28 44 45 1419 1420; do
		n "$A" ping -q -c 1 -W 5 -M do -s $((size - 28)) 192.168.241.2 >/dev/null
	done
	before=$(sniffed "$fd" | awk '/^out .* type=4 / { sub(/.*payload=/, ""); print $1 }' | xargs)
	# header 16 + padded plaintext + tag 16
	want="64 80 80 1452 1452"
	expect_eq "$before" "$want" "record sizes"
}

test_wrong_private_key()
{
	pair
	keys X
	wgc "$B" set "$DB" private-key "${PRIV[X]}"
	silent "$A" 192.168.241.2
	expect_eq "$(handshake_time "$A" "$DA")" 0 "handshake time"
	expect_eq "$(rx_bytes "$A" "$DA")" 0 "bytes from a peer with another key"
}

test_psk_mismatch()
{
	pair
	(umask 077; wg genpsk >"$TMP/psk")
	wgc "$A" set "$DA" peer "${PUB[B]}" preshared-key "$TMP/psk"
	silent "$A" 192.168.241.2
	wgc "$B" set "$DB" peer "${PUB[A]}" preshared-key "$TMP/psk"
	# The initiation is repeated after 5 s at the latest.
	pings "$A" 192.168.241.2 10
}

# No peer for an address: the sender learns it at once.
test_no_route_to_peer()
{
	pair
	n "$A" ping -c 1 -W 5 192.168.241.77 >"$TMP/out" || true
	grep -qi 'unreachable' "$TMP/out"
	n "$A" ping -c 1 -W 5 fd00:9::77 >"$TMP/out" || true
	grep -qi 'unreachable' "$TMP/out"
	expect_ge "$(link_stat "$A" "$DA" tx.errors)" 2 "errors counted"
	! has_stats "$A" "$DA" || expect_ge "$(stat "$A" "$DA" tx_drop_no_peer)" 2 "named drops"
}

test_peer_without_endpoint()
{
	ENDPOINTS=a pair
	n "$B" ping -c 1 -W 5 192.168.241.1 >"$TMP/out" || true
	grep -qi 'unreachable' "$TMP/out"
	expect_ge "$(link_stat "$B" "$DB" tx.errors)" 1 "errors counted"
	! has_stats "$B" "$DB" ||
		expect_ge "$(stat "$B" "$DB" tx_drop_no_endpoint)" 1 "named drops"
}

# An inner source that isn't the sender's is dropped and counted.
test_spoofed_inner_source()
{
	local before after

	pair
	both_ways
	addr "$A" "$DA" 192.168.241.50/24 fd00:9::50/64
	before=$(link_stat "$B" "$DB" rx.errors)
	! n "$A" ping -q -c 2 -i 0.2 -W 1 -I 192.168.241.50 192.168.241.2 >/dev/null
	! n "$A" ping -q -c 2 -i 0.2 -W 1 -I fd00:9::50 fd00:9::2 >/dev/null
	after=$(link_stat "$B" "$DB" rx.errors)
	expect_eq $((after - before)) 4 "errors at B"
	! has_stats "$B" "$DB" || expect_eq "$(stat "$B" "$DB" rx_drop_source)" 4 "named drops"
	ip -n "$A" addr del 192.168.241.50/24 dev "$DA"
	ip -n "$A" addr del fd00:9::50/64 dev "$DA"
	both_ways
}

test_device_down_and_up()
{
	pair
	both_ways
	ip -n "$B" link set "$DB" down
	silent "$A" 192.168.241.2
	ip -n "$B" link set "$DB" up
	ip -n "$B" addr replace fd00:9::2/64 dev "$DB" nodad
	# B has new sessions, so B speaks first.
	pings "$B" 192.168.241.1
	both_ways
}

test_listen_port_change()
{
	pair
	both_ways
	wgc "$B" set "$DB" listen-port 2002
	expect_eq "$(wgc "$B" show "$DB" listen-port)" 2002 "port"
	# B speaks first, A follows.
	pings "$B" 192.168.241.1
	expect_eq "$(endpoint "$A" "$DA")" 10.9.0.2:2002 "endpoint at A"
	both_ways
}

test_port_in_use()
{
	pair
	tunnel "$A" mm1
	ip -n "$A" link set mm1 up
	refused wgc "$A" set mm1 listen-port 1001
	both_ways
	expect_eq "$(wgc "$A" show "$DA" listen-port)" 1001 "port"
}

run_tests "$@"
