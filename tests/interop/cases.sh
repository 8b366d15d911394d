# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What holds between mmesh and another implementation of WireGuard, $OTHER. A
# script that sources this runs all of it. `ours` makes A mmesh, `theirs` B; the
# first to speak is A.

ours() { need_kind "$OTHER"; need_kind "$MMESH_KIND"; KINDS="$MMESH_KIND $OTHER" "$@"; }
theirs() { need_kind "$OTHER"; need_kind "$MMESH_KIND"; KINDS="$OTHER $MMESH_KIND" "$@"; }

transfers()
{
	local size

	size=$(volume "${1:-3000000}")
	tcp "$A" "$B" 192.168.241.2 "$size"
	tcp "$B" "$A" 192.168.241.1 "$size"
	tcp "$A" "$B" fd00:9::2 "$size"
	tcp "$B" "$A" fd00:9::1 "$size"
	udp "$A" "$B" 192.168.241.2 "$(volume 500)" 0 500
	delivered "datagrams from A to B"
	udp "$B" "$A" fd00:9::1 "$(volume 500)" 0 500
	delivered "datagrams from B to A"
}

# A process that does not get the processor in time loses what it is sent.
delivered()
{
	expect_eq "$R_duplicate" 0 "duplicates"
	if [ "$OTHER" = wireguard-go ]; then
		expect_ge "$R_unique" $((R_sent / 4)) "$1"
	else
		expect_eq "$R_unique" "$R_sent" "$1"
	fi
}

# Only A knows where the other is, so A initiates.
meet() { ENDPOINTS=a pair; pings "$A" 192.168.241.2 10; both_ways; transfers; }
test_we_initiate_ipv4() { OUTER=4 ours meet; }
test_we_initiate_ipv6() { OUTER=6 ours meet; }
test_they_initiate_ipv4() { OUTER=4 theirs meet; }
test_they_initiate_ipv6() { OUTER=6 theirs meet; }
test_preshared_key_we_initiate() { PSK=1 OUTER=6 ours meet; }
test_preshared_key_they_initiate() { PSK=1 OUTER=4 theirs meet; }

# Both ends count the same bytes.
test_byte_counters()
{
	ours pair
	n "$A" ping -q -c 10 -i 0.05 -W 10 192.168.241.2 >/dev/null
	wait_for 5 counters_agree
	case $(tx_bytes "$A" "$DA") in 1428 | 1460) ;; *) fail "A sent $(tx_bytes "$A" "$DA") bytes" ;; esac
}
counters_agree()
{
	[ "$(tx_bytes "$A" "$DA")" = "$(rx_bytes "$B" "$DB")" ] &&
		[ "$(tx_bytes "$B" "$DB")" = "$(rx_bytes "$A" "$DA")" ]
}

large()
{
	CABLE_MTU=9100 MTU=9000 pair
	pings "$A" 192.168.241.2 10
	n "$A" ping -q -c 3 -i 0.1 -W 5 -M do -s 8972 192.168.241.2 >/dev/null
	n "$B" ping -q -c 3 -i 0.1 -W 5 -M do -s 8952 fd00:9::1 >/dev/null
	transfers
}
test_mtu_9000_ours() { OUTER=4 ours large; }
test_mtu_9000_theirs() { OUTER=6 theirs large; }

fragments()
{
	CABLE_MTU=1500 MTU=4000 pair
	pings "$A" 192.168.241.2 10
	n "$A" ping -q -c 3 -i 0.1 -W 5 -s 3900 192.168.241.2 >/dev/null
	transfers 1000000
}
test_outer_fragments() { ours fragments; }

bad_cable()
{
	PSK=1 pair
	netem "$A" va delay 2ms 1ms loss 2% duplicate 2% corrupt 1% reorder 10% 25%
	netem "$B" vb delay 2ms 1ms loss 2% duplicate 2% corrupt 1% reorder 10% 25%
	wait_for 40 pings "$A" 192.168.241.2 1
	tcp "$A" "$B" 192.168.241.2 "$(volume 300000)"
	tcp "$B" "$A" fd00:9::1 "$(volume 300000)"
	udp "$A" "$B" fd00:9::2 "$(volume 1000)" 500 1000
	expect_eq "$R_duplicate" 0 "duplicates"
	expect_ge "$R_unique" $((R_sent * ($([ "$OTHER" = wireguard-go ] && echo 25 || echo 80)) / 100)) \
		"datagrams delivered"
}
test_bad_cable_ours() { OUTER=4 ours bad_cable; }
test_bad_cable_theirs() { OUTER=6 theirs bad_cable; }

endpoint_is() { [ "$(endpoint "$1" "$2")" = "$3" ]; }

# A gets another address and port; B follows, then B does.
roam()
{
	pair
	pings "$A" 192.168.241.2 10
	ip -n "$A" addr add 10.9.0.11/24 dev va
	ip -n "$A" addr del 10.9.0.1/24 dev va
	ip -n "$A" addr add 10.9.0.11/24 dev va 2>/dev/null || true
	# wireguard-go keeps sending from the address that went, unless it notices a change of routes in time, until its
	# new-handshake timer fires: keepalive plus rekey timeout, 15 s after the first packet without an answer; our own
	# keepalive, 10 s after its last packet, may have set that back.
	wait_for 30 pings "$A" 192.168.241.2 1
	wait_for 5 endpoint_is "$B" "$DB" 10.9.0.11:1001
	wgc "$A" set "$DA" listen-port 1111
	pings "$A" fd00:9::2 10
	wait_for 5 endpoint_is "$B" "$DB" 10.9.0.11:1111
	tcp "$B" "$A" 192.168.241.1 "$(volume 300000)"
	wgc "$B" set "$DB" listen-port 2222
	pings "$B" 192.168.241.1 10
	wait_for 5 endpoint_is "$A" "$DA" 10.9.0.2:2222
	tcp "$A" "$B" 192.168.241.2 "$(volume 300000)"
}
test_roaming_ours() { ours roam; }
test_roaming_theirs() { theirs roam; }

# B gives up its sessions and starts anew in the middle of a stream.
renew()
{
	local before

	pair
	pings "$A" 192.168.241.2 10
	stream one "$A" "$B" 192.168.241.2
	for _ in 1 2; do
		before=$(handshake_time "$A" "$DA")
		# A key of its own for each time: what the other side had is void.
		keys N
		wgc "$A" set "$DA" peer "${PUB[N]}" endpoint "$EP_B"
		wgc "$B" set "$DB" private-key "${PRIV[N]}"
		wgc "$A" set "$DA" peer "${PUB[N]}" allowed-ips 192.168.241.2/32,fd00:9::2/128
		wgc "$A" set "$DA" peer "${PUB[B]}" remove
		PUB[B]=${PUB[N]}
		wait_for 15 pings "$B" 192.168.241.1 1
	done
	expect_ge "$(handshake_time "$A" "$DA")" "$before" "time of the handshake"
	stream_end one 10000
	both_ways
}
test_new_key_of_theirs_under_traffic() { ours renew; }
test_new_key_of_ours_under_traffic() { theirs renew; }

# Each of our segments has a right checksum of its own: they do not check it.
test_inner_checksums()
{
	local file

	need_command ethtool
	ours pair
	pings "$A" 192.168.241.2 10
	n "$B" ethtool -K "$DB" gro off >/dev/null 2>&1 || true
	sniff file "$B" "$DB"
	tcp "$A" "$B" 192.168.241.2 "$(volume 500000)"
	tcp "$A" "$B" fd00:9::2 "$(volume 500000)"
	sniffed "$file" >"$TMP/packets"
	expect_ge "$(grep -c '^in .*csum=ok' "$TMP/packets")" "$(volume 300)" "checked packets"
	expect_eq "$(grep '^in ' "$TMP/packets" | grep -cE 'hcsum=bad|csum=(bad|partial)|malformed' || true)" 0 \
		"packets with a wrong checksum"
}

# Data without an answer is confirmed by the other side after 10 s.
test_passive_keepalive()
{
	local fd got

	theirs pair
	pings "$A" 192.168.241.2 10
	sniff fd "$B" vb 0 20000
	n "$A" "$TRAFFIC" send -u -n 1 -l 64 192.168.241.2 9 >/dev/null
	wait_for 14 keepalive_seen "$fd"
	both_ways
}
keepalive_seen() { grep -q 'payload=32 type=4' "$1"; }

# 120 s of steady traffic, either side as the one that renews.
rekey()
{
	local fd

	pair
	pings "$A" 192.168.241.2 10
	sniff fd "$B" vb 0 20000
	n "$A" ping -q -i 0.1 -c 1300 -W 2 192.168.241.2 >"$TMP/out"
	sniffed "$fd" >"$TMP/packets"
	grep -q '^in .*type=1 ' "$TMP/packets" || fail "no new session in 130 s"
	grep -q '1300 received' "$TMP/out" || fail "$(grep received "$TMP/out")"
}
