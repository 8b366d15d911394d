#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What needs time: keepalives and retries. All tests run at once.
PARALLEL=1
TEST_LIMIT=400
. "$(dirname -- "$0")/../lib.sh"

# Times (ms) of the packets of which the capture's line matches.
times() { grep -E "$1" "$2" | grep -oE ' t=[0-9]+' | cut -d = -f 2; }
# within VALUE LEAST MOST WHAT
within() { expect_ge "$1" "$2" "$4"; expect_le "$1" "$3" "$4"; }

test_persistent_keepalive()
{
	local fd gap count

	# From the moment that it is set, without any traffic.
	pair
	sniff fd "$B" vb 0 60000
	wgc "$A" set "$DA" peer "${PUB[B]}" persistent-keepalive 2
	wait_for 40 seen_times "$fd" '^in .*payload=32 type=4' 6
	sniffed "$fd" >"$TMP/packets"
	times '^in .*payload=32 type=4' "$TMP/packets" >"$TMP/times"
	# The first one confirms the handshake.
	for gap in $(awk 'NR > 2 { print $1 - last } { last = $1 }' "$TMP/times"); do
		within "$gap" 1900 4000 "milliseconds between keepalives"
	done
	# Off again: at most one that had been due.
	wgc "$A" set "$DA" peer "${PUB[B]}" persistent-keepalive off
	sniff fd "$B" vb 0 60000
	snooze 7
	count=$(sniffed "$fd" | grep -cE '^in .*payload=32 type=4' || true)
	expect_le "$count" 1 "keepalives when off"
}

# Data that is not answered is confirmed by a keepalive after 10 s.
test_passive_keepalive()
{
	local fd sent got

	pair
	pings "$A" 192.168.241.2
	sniff fd "$B" vb 0 60000
	# The closed port's ICMP error is the last that is said; A confirms it.
	n "$A" "$TRAFFIC" send -u -n 1 -l 100 192.168.241.2 9 >/dev/null || true
	wait_for 40 seen "$fd" '^in .*payload=32 type=4'
	sniffed "$fd" >"$TMP/packets"
	sent=$(times '^out .*type=4' "$TMP/packets" | tail -n 1)
	got=$(times '^in .*payload=32 type=4' "$TMP/packets" | head -n 1)
	within $((got - sent)) 9000 14000 "milliseconds from data to keepalive"
}
seen() { grep -qE "$2" "$1"; }
seen_times() { [ "$(grep -cE "$2" "$1")" -ge "$3" ]; }

# No answer to data for 15 s: a new handshake.
test_dead_peer_makes_a_new_handshake()
{
	local fd first init

	pair
	pings "$A" 192.168.241.2
	netem "$B" vb loss 100%
	sniff fd "$B" vb 0 60000
	silent "$A" 192.168.241.2
	wait_for 40 seen "$fd" '^in .*type=1 '
	sniffed "$fd" >"$TMP/packets"
	first=$(times '^in .*type=4' "$TMP/packets" | head -n 1)
	init=$(times '^in .*type=1 ' "$TMP/packets" | head -n 1)
	within $((init - first)) 14000 19000 "milliseconds from data to initiation"
}

# An initiation that is not answered is repeated every 5 s and a bit, with
# another index each time; the packet that waited goes when it is.
test_handshake_retry()
{
	local fd gap ping

	pair
	ip -n "$B" link set "$DB" down
	sniff fd "$B" vb 0 60000
	n_bg "$A" ping -q -c 1 -W 90 192.168.241.2 >/dev/null
	ping=$BG_PID
	wait_for 40 seen_times "$fd" '^in .*type=1 ' 4
	ip -n "$B" link set "$DB" up
	wait "$ping" || fail "the packet that waited for the handshake was lost"
	sniffed "$fd" >"$TMP/packets"
	times '^in .*type=1 ' "$TMP/packets" >"$TMP/times"
	for gap in $(awk 'NR > 1 { print $1 - last } { last = $1 }' "$TMP/times"); do
		within "$gap" 4900 7500 "milliseconds between initiations"
	done
	expect_eq "$(grep 'type=1 ' "$TMP/packets" | grep -oE 'bytes=[0-9a-f]+' | sort | uniq -d | wc -l)" 0 \
		"initiations with the same index"
}

run_tests "$@"
