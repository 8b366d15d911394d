#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Keys that change under traffic.
. "$(dirname -- "$0")/../lib.sh"
SLOW_OMIT="own_key_as_peer no_private_key"

# A new static key on one side, then on the other: the flow that crosses it
# only pauses, and nothing is delivered wrong.
test_private_key_change_under_traffic()
{
	local i old_a old_b

	pair
	both_ways
	stream one "$A" "$B" 192.168.241.2
	for i in 1 2 3; do
		old_b=${PUB[B]}
		keys B
		wgc "$B" set "$DB" private-key "${PRIV[B]}"
		wgc "$A" set "$DA" peer "$old_b" remove
		wgc "$A" set "$DA" peer "${PUB[B]}" endpoint "$EP_B" \
			allowed-ips 192.168.241.2/32,fd00:9::2/128
		wait_for 15 pings "$A" 192.168.241.2 1
		expect_eq "$(wgc "$B" show "$DB" public-key)" "${PUB[B]}" "public key"
		old_a=${PUB[A]}
		keys A
		wgc "$A" set "$DA" private-key "${PRIV[A]}"
		wgc "$B" set "$DB" peer "$old_a" remove
		wgc "$B" set "$DB" peer "${PUB[A]}" endpoint "$EP_A" \
			allowed-ips 192.168.241.1/32,fd00:9::1/128
		wait_for 15 pings "$B" 192.168.241.1 1
	done
	stream_end one
	both_ways
}

# Sessions that are given up and made again while streams run both ways.
test_sessions_renewed_under_traffic()
{
	local i

	pair
	both_ways
	stream one "$A" "$B" 192.168.241.2
	stream two "$B" "$A" 192.168.241.1
	for i in 1 2 3 4; do
		# Another preshared key makes both ends start again.
		(umask 077; wg genpsk >"$TMP/psk")
		wgc "$A" set "$DA" peer "${PUB[B]}" preshared-key "$TMP/psk"
		wgc "$B" set "$DB" peer "${PUB[A]}" preshared-key "$TMP/psk"
		# The key of the session that runs is not touched by it; the next
		# handshake is.
		ip -n "$A" link set "$DA" down
		ip -n "$A" link set "$DA" up
		wait_for 20 pings "$A" 192.168.241.2 1
	done
	stream_end one
	stream_end two
}

test_psk_change()
{
	PSK=1 pair
	both_ways
	(umask 077; wg genpsk >"$TMP/psk2")
	wgc "$A" set "$DA" peer "${PUB[B]}" preshared-key "$TMP/psk2"
	wgc "$B" set "$DB" peer "${PUB[A]}" preshared-key "$TMP/psk2"
	# The running session goes on.
	both_ways
	# Without one on either side: the new key has to fit.
	wgc "$A" set "$DA" peer "${PUB[B]}" preshared-key /dev/null
	ip -n "$A" link set "$DA" down
	ip -n "$A" link set "$DA" up
	silent "$A" 192.168.241.2
	wgc "$A" set "$DA" peer "${PUB[B]}" preshared-key "$TMP/psk2"
	wait_for 15 pings "$A" 192.168.241.2 1
}

# Both ends start at the same instant, again and again. Initiations that cross cost a retry, 5 s later and a third of a
# second apart at most, so that the next ones can cross as well.
test_simultaneous_initiation()
{
	local i one two

	pair
	for i in $(seq "$(volume 20)"); do
		ip -n "$A" link set "$DA" down
		ip -n "$B" link set "$DB" down
		ip -n "$A" link set "$DA" up
		ip -n "$B" link set "$DB" up
		n "$A" ping -q -c 1 -W 20 192.168.241.2 >/dev/null &
		one=$!
		n "$B" ping -q -c 1 -W 20 192.168.241.1 >/dev/null &
		two=$!
		wait "$one"
		wait "$two"
	done
}

# The private key taken away: silence; given back: as before.
test_no_private_key()
{
	pair
	both_ways
	wgc "$A" set "$DA" private-key /dev/null
	expect_eq "$(wgc "$A" show "$DA" public-key)" "(none)" "public key"
	silent "$A" 192.168.241.2
	wgc "$A" set "$DA" private-key "${PRIV[A]}"
	wait_for 15 pings "$A" 192.168.241.2 1
	both_ways
}

# A peer with the device's own key can't be: it goes when the key comes.
test_own_key_as_peer()
{
	pair
	keys X
	wgc "$A" set "$DA" peer "${PUB[X]}" allowed-ips 10.77.0.0/16
	wgc "$A" set "$DA" private-key "${PRIV[X]}"
	expect_eq "$(wgc "$A" show "$DA" peers)" "${PUB[B]}" "peers"
	wgc "$A" set "$DA" peer "${PUB[X]}" allowed-ips 10.77.0.0/16 || true
	expect_eq "$(wgc "$A" show "$DA" peers)" "${PUB[B]}" "peers"
}

# The seven points of low order as a peer's key: nothing leaves.
test_low_order_public_keys()
{
	local fd key sent

	pair
	sniff fd "$B" vb
	for key in AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
		AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
		4Ot6fDtBuK4WVuP68Z/EatoJjeucMrH9hmIFFl9JuAA= \
		X5yVvKNQjCSx0LFVnIPvWwREXMRYHI6G2CJO3dCfEVc= \
		7P///////////////////////////////////////38= \
		7f///////////////////////////////////////38= \
		7v///////////////////////////////////////38=; do
		wgc "$A" set "$DA" peer "$key" endpoint 10.9.0.2:1002 allowed-ips 10.78.0.0/24 \
			persistent-keepalive 1
		ip -n "$A" route replace 10.78.0.0/24 dev "$DA"
		n "$A" ping -q -c 2 -i 0.2 -W 0.3 10.78.0.1 >/dev/null 2>&1 || true
		wgc "$A" set "$DA" peer "$key" remove
	done
	sent=$(sniffed "$fd" | grep -c ' type=' || true)
	expect_eq "$sent" 0 "messages to keys of low order"
	both_ways
}

run_tests "$@"
