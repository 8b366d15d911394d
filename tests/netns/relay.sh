#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Relays: peers that reach each other only by a third machine, which forwards what it can't read.
. "$(dirname -- "$0")/../lib.sh"
. "$(dirname -- "$0")/../relay-lib.sh"

test_one_hop()
{
	one_hop
	pings "$A" 192.168.241.2 10
	pings "$B" 192.168.241.1
	pings "$A" fd00:9::2
	expect_ge "$(relayed "$R")" 6 "messages relayed"
	tcp "$A" "$B" 192.168.241.2 "$(volume 5000000)"
	tcp "$B" "$A" fd00:9::1 "$(volume 5000000)"
	expect_eq "$(drops "$R")" '{}' "drops at the relay"
	# The clients share no address, so nothing went another way.
	expect_eq "$(mm "$A" -j peer show "${PUB[B]}" | jq -r '.peers[0].via')" "${PUB[R]}" via
}

test_one_hop_aes256gcm()
{
	SUITE_OF=aes256gcm one_hop
	pings "$A" 192.168.241.2 10
	tcp "$A" "$B" 192.168.241.2 "$(volume 5000000)"
	tcp "$B" "$A" fd00:9::1 "$(volume 5000000)"
	expect_eq "$(drops "$R")" '{}' "drops at the relay"
}

# One leg over IPv4, the other over IPv6: the header of the other family is longer.
test_legs_of_two_families()
{
	LEG_B='[fd09:2::254]' one_hop
	pings "$A" 192.168.241.2 10
	tcp "$A" "$B" 192.168.241.2 "$(volume 3000000)"
	tcp "$B" "$A" 192.168.241.1 "$(volume 3000000)"
}

# A super-packet stays one: the relay handles fewer buffers than messages.
test_bundles_stay_whole()
{
	local before

	one_hop
	pings "$A" 192.168.241.2 10
	before=$(link_stat "$R" e2 tx.packets)
	tcp "$A" "$B" 192.168.241.2 "$(volume 20000000)"
	expect_le $(($(link_stat "$R" e2 tx.packets) - before)) $(($(relayed "$R") / 4)) \
		"packets that left the relay"
}

# Only one end needs to be told; the other answers by the channel on which it was called.
test_one_end_is_told()
{
	star
	reaches A B 2 "${PUB[R]}"
	mm "$B" peer add "${PUB[A]}" dev mm0 extended on allowed-ips 192.168.241.1/32
	wait_for 15 handshaken "$R" "$B"
	pings "$A" 192.168.241.2 10
	pings "$B" 192.168.241.1
}

test_not_in_the_same_network()
{
	star
	admit R B 8
	reaches A B 2 "${PUB[R]}"
	reaches B A 1 "${PUB[R]}"
	wait_for 15 handshaken "$R" "$B"
	silent "$A" 192.168.241.2 3
	wait_for 5 counted "$R" relay_drop_network
	expect_eq "$(relayed "$R")" 0 "messages relayed"
	# Moved into it, they meet; moved out again, their channel ends.
	admit R B 7
	wait_for 20 pings "$A" 192.168.241.2 1
	admit R B 8
	silent "$A" 192.168.241.2
	expect_ge "$(stat "$R" mm0 leg_drop_channel)" 1 leg_drop_channel
}

test_two_hops()
{
	two_hops
	pings "$A" 192.168.241.2 25
	pings "$B" 192.168.241.1 15
	tcp "$A" "$B" 192.168.241.2 "$(volume 3000000)"
	tcp "$B" "$A" fd00:9::1 "$(volume 3000000)"
	expect_ge "$(relayed "$R")" 100 "messages relayed by the first"
	expect_ge "$(relayed "$S")" 100 "messages relayed by the second"
	# Without trust in R, S does nothing for its clients.
	mm "$S" relay del "${PUB[R]}" dev mm0
	silent "$A" 192.168.241.2
}

test_not_admitted()
{
	star
	mm "$R" relay del "${PUB[A]}" dev mm0
	reaches A B 2 "${PUB[R]}"
	reaches B A 1 "${PUB[R]}"
	wait_for 15 handshaken "$R" "$A"
	silent "$A" 192.168.241.2 2
	wait_for 5 counted "$R" relay_drop_permit
	expect_eq "$(relayed "$R")" 0 "messages relayed"
	admit R A
	wait_for 20 pings "$A" 192.168.241.2 1
	mm "$R" dev set mm0 relay off
	silent "$A" 192.168.241.2
	mm "$R" dev set mm0 relay on
	wait_for 20 pings "$A" 192.168.241.2 1
}

# A relay that has lost everything is found again.
test_relay_restarts()
{
	one_hop
	pings "$A" 192.168.241.2 10
	mm "$R" dev del mm0
	silent "$A" 192.168.241.2
	ip -n "$R" link add mm0 type mmesh
	mm "$R" dev set mm0 private-key "${PRIV[R]}" listen-port 1003 relay on
	ip -n "$R" link set mm0 mtu 1380 up
	admit R A; admit R B
	wait_for 40 pings "$A" 192.168.241.2 1
	tcp "$A" "$B" 192.168.241.2 "$(volume 1000000)"
}

hex() { xxd -p -c 0 "$1"; }
hex_of_key() { base64 -d <<<"$1" | xxd -p -c 0; }

# Nobody between A and B reads what they say, nor finds a key, nor sees who they are.
test_relay_sees_ciphertext_only()
{
	local text=the-quick-brown- name where

	need_command tcpdump xxd
	one_hop
	for where in "$R any" "$B mm0"; do
		n_bg "${where% *}" tcpdump -i "${where#* }" -s 0 -U -w "$TMP/cap-${where#* }" 2>"$TMP/tcpdump"
		wait_for 10 grep -q 'listening on' "$TMP/tcpdump"
	done
	# Handshakes, channels and all: everything is made anew in front of the relay's eyes.
	mm "$A" peer del "${PUB[B]}" dev mm0
	reaches A B 2 "${PUB[R]}"
	pings "$A" 192.168.241.2 15
	n "$A" ping -q -c 3 -s 64 -p "$(printf %s "$text" | xxd -p)" 192.168.241.2 >/dev/null
	wait_for 10 captured 8
	# The same text is seen where it is in the clear.
	expect_ge "$(hex "$TMP/cap-mm0" | grep -c "$(printf %s "$text" | xxd -p)")" 1 "packets in clear at B"
	hex "$TMP/cap-any" >"$TMP/hex"
	expect_eq "$(grep -c "$(printf %s "$text" | xxd -p)" "$TMP/hex" || true)" 0 "packets in clear at the relay"
	for name in A B R; do
		expect_eq "$(grep -c "$(hex_of_key "$(cat "${PRIV[$name]}")")" "$TMP/hex" || true)" 0 "private keys"
		expect_eq "$(grep -c "$(hex_of_key "${PUB[$name]}")" "$TMP/hex" || true)" 0 "public keys"
	done
}

captured() { [ "$(tcpdump -r "$TMP/cap-any" 2>/dev/null | wc -l)" -ge "$1" ]; }

test_refusals()
{
	star
	refused mm "$A" peer add "${PUB[B]}" dev mm0 extended on via "${PUB[B]}"
	refused mm "$A" peer add "${PUB[B]}" dev mm0 extended on via "$(mmesh key gen | mmesh key pub)"
	refused mm "$A" peer add "${PUB[B]}" dev mm0 via "${PUB[R]}"
	refused mm "$A" peer add "${PUB[B]}" dev mm0 extended on via "${PUB[R]},${PUB[R]}"
	refused mm "$R" relay add "${PUB[A]}" dev mm0 network 0
	refused mm "$R" relay add "${PUB[A]}" dev mm0 network 7 limit-pps 1
	refused mm "$R" relay add "${PUB[A]}" dev mm0 network 7 limit-bps 1
	mm "$R" dev set mm0 relay-clients 2
	refused mm "$R" relay add "$(mmesh key gen | mmesh key pub)" dev mm0 network 7
	expect_eq "$(mm "$A" -j peer show | jq '.peers | length')" 1 "peers of A"
}

run_tests "$@"
