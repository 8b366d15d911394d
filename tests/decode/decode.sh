#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is on the cable, read by a decoder that shares no code with the module (decode.py). The cable is like a card
# without offloads, so every record is a datagram of its own and nothing depends on both ends sharing a kernel. Needs a
# module with a key log (MMESH_KEYLOG=y scripts/lab run -- tests/decode/decode.sh).
. "$(dirname -- "$0")/../lib.sh"
KEYLOG=/sys/kernel/debug/mmesh-keylog
DECODE=$TEST_TOP/tests/decode/decode.py

no_offloads() { n "$1" ethtool -K "$2" tx off sg off tso off gso off gro off rx off >/dev/null; }

secrets()
{
	local file

	for file in "${PRIV[A]}" "${PRIV[B]}"; do
		printf 'static %s\n' "$(base64 -d <"$file" | od -An -vtx1 | tr -d ' \n')"
	done
	[ ! -e "$TMP/psk" ] || printf 'psk %s\n' "$(base64 -d <"$TMP/psk" | od -An -vtx1 | tr -d ' \n')"
	cat "$KEYLOG"
}

# decoded FIELD: one count of the decoder.
decoded() { jq -er --arg f "$1" '.[$f] // 0' "$TMP/decoded"; }

# decode SUITE ADDRESS...: streams to the addresses, as scripts/bench makes them, and a few of everything else.
decode()
{
	local suite=$1 address capture server bytes

	shift
	need_command ethtool iperf3 tcpdump jq
	[ -e "$KEYLOG" ] || skip_test "this mmesh.ko has no key log"
	pair
	no_offloads "$A" va
	no_offloads "$B" vb
	n "$A" mmesh peer set "${PUB[B]}" dev "$DA" suite "$suite"
	n "$B" mmesh peer set "${PUB[A]}" dev "$DB" suite "$suite"
	n_bg "$B" tcpdump -i vb -B 65536 -U -w "$TMP/pcap" udp 2>"$TMP/tcpdump"
	capture=$BG_PID
	wait_for 20 grep -q 'listening on' "$TMP/tcpdump"
	n_bg "$B" iperf3 -s
	server=$BG_PID
	wait_for 20 listens "$B" 5201
	for address; do
		n "$A" iperf3 -c "$address" -l 1M -n "$(volume 16)M" >/dev/null
		n "$A" iperf3 -R -c "$address" -l 1M -n "$(volume 4)M" >/dev/null
		n "$A" ping -q -c 5 -i 0.01 -s 1000 "$address" >/dev/null
		n "$A" ping -q -c 5 -i 0.01 -s 3 "$address" >/dev/null
		udp "$A" "$B" "$address" "$(volume 200)" 300
	done
	wait_for 20 all_captured
	kill -INT "$capture"
	wait "$capture" || true
	stop "$server"
	secrets >"$TMP/secrets"
	python3 "$DECODE" "$TMP/pcap" "$TMP/secrets" >"$TMP/decoded" || fail "$(cat "$TMP/decoded")"
	cat "$TMP/decoded"
	# A reversed stream of iperf3 may end a little early.
	bytes=$(($(volume 16) * $# * 1048576))
	expect_ge "$(decoded "inner bytes")" "$bytes" "bytes of inner packets"
	expect_ge "$(decoded tcp)" $((bytes / 1400)) "TCP segments"
	expect_ge "$(($(decoded icmp) + $(decoded icmpv6)))" $((20 * $#)) "pings"
	expect_ge "$(decoded udp)" $(($(volume 200) * $#)) "datagrams"
	expect_ge "$(decoded initiations)" 1 "initiations"
	expect_le "$(decoded "longest datagram")" $((1500 - 28)) "longest datagram"
	expect_eq "$(($(decoded "records wireguard") + $(decoded "records aes256gcm")))" "$(decoded "records $suite")" "records"
}
listens() { n "$1" ss -Hltn "sport = $2" | grep -q .; }
# The receiver has counted nothing for a moment that the file lacks.
all_captured() { [ "$(tcpdump -n -r "$TMP/pcap" 2>/dev/null | wc -l)" -ge "$(stat "$B" "$DB" rx_records)" ]; }

test_wireguard_4() { OUTER=4 decode wireguard 192.168.241.2; }
test_wireguard_6() { OUTER=6 PSK=1 decode wireguard fd00:9::2; }
test_aes256gcm_4() { OUTER=4 PSK=1 decode aes256gcm 192.168.241.2 fd00:9::2; }
test_aes256gcm_6() { OUTER=6 MTU=1280 decode aes256gcm fd00:9::2; }

run_tests "$@"
