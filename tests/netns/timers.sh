#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What needs real time: keepalives, retries, rekeying. All tests run at once;
# those of minutes only with MMESH_LONG=1.
PARALLEL=1
. "$(dirname -- "$0")/../lib.sh"

# Times (ms) of the packets of which the capture's line matches.
times() { grep -E "$1" "$2" | grep -oE ' t=[0-9]+' | cut -d = -f 2; }
# gap N T ...: the N-th difference of neighbours
within() { expect_ge "$1" "$2" "$4"; expect_le "$1" "$3" "$4"; }

test_persistent_keepalive()
{
	local fd gaps

	# From the moment that it is set, without any traffic.
	pair
	sniff fd "$B" vb 0 20000
	wgc "$A" set "$DA" peer "${PUB[B]}" persistent-keepalive 2
	snooze 11
	sniffed "$fd" >"$TMP/packets"
	# The first one carries the handshake's confirmation.
	times '^in .*payload=32 type=4' "$TMP/packets" >"$TMP/times"
	expect_ge "$(wc -l <"$TMP/times")" 4 "keepalives in 11 s"
	expect_le "$(wc -l <"$TMP/times")" 7 "keepalives in 11 s"
	gaps=$(awk 'NR > 1 { print $1 - last } { last = $1 }' "$TMP/times")
	for gap in $gaps; do
		within "$gap" 1500 3200 "milliseconds between keepalives"
	done
	# Off again.
	wgc "$A" set "$DA" peer "${PUB[B]}" persistent-keepalive off
	snooze 3
	sniff fd "$B" vb 0 20000
	snooze 5
	sniffed "$fd" >"$TMP/packets"
	expect_le "$(times '^in .*payload=32 type=4' "$TMP/packets" | wc -l)" 1 "keepalives when off"
}

# Data that is not answered is confirmed by a keepalive after 10 s.
test_passive_keepalive()
{
	local fd sent got

	pair
	pings "$A" 192.168.241.2
	sniff fd "$B" vb 0 30000
	n "$A" "$TRAFFIC" send -u -n 1 -l 100 192.168.241.2 9 >/dev/null &
	# Nothing may answer: B drops what the socket would have refused.
	wait $! || true
	snooze 14
	sniffed "$fd" >"$TMP/packets"
	sent=$(times '^in .*type=4' "$TMP/packets" | tail -n 1)
	got=$(times '^out .*payload=32 type=4' "$TMP/packets" | tail -n 1)
	# Port 9 is closed: the ICMP error of B is data, which A confirms.
	[ -n "$got" ] || got=$(times '^in .*payload=32 type=4' "$TMP/packets" | tail -n 1)
	[ -n "$got" ] || fail "no keepalive"
	sent=$(times '(in|out) .*type=4' "$TMP/packets" | head -n 1)
	within $((got - sent)) 9000 12500 "milliseconds from data to keepalive"
}

# No answer to data for 15 s: a new handshake.
test_dead_peer_makes_a_new_handshake()
{
	local fd first init

	pair
	pings "$A" 192.168.241.2
	netem "$B" vb loss 100%
	sniff fd "$B" vb 0 30000
	silent "$A" 192.168.241.2
	snooze 17
	sniffed "$fd" >"$TMP/packets"
	first=$(times '^in .*type=4' "$TMP/packets" | head -n 1)
	init=$(times '^in .*type=1 ' "$TMP/packets" | head -n 1)
	[ -n "$init" ] || fail "no initiation"
	within $((init - first)) 14000 17500 "milliseconds from data to initiation"
}

# An initiation that is not answered is repeated every 5 s and a bit, with
# another ephemeral key each time; the packet that waited goes when it is.
test_handshake_retry()
{
	local fd gaps gap

	pair
	netem "$A" va loss 100%
	sniff fd "$A" va 0 60000
	n "$A" ping -q -c 1 -W 60 192.168.241.2 >/dev/null &
	snooze 17
	netem "$A" va loss 0%
	wait $! || fail "the packet that waited for the handshake was lost"
	sniffed "$fd" >"$TMP/packets"
	times 'type=1 ' "$TMP/packets" >"$TMP/times"
	expect_ge "$(wc -l <"$TMP/times")" 4 "initiations"
	gaps=$(awk 'NR > 1 { print $1 - last } { last = $1 }' "$TMP/times")
	for gap in $gaps; do
		within "$gap" 4900 6500 "milliseconds between initiations"
	done
	expect_eq "$(grep 'type=1 ' "$TMP/packets" | grep -oE 'bytes=[0-9a-f]+' | sort | uniq -d | wc -l)" 0 \
		"initiations with the same index"
}

need_long() { [ "${MMESH_LONG:-0}" = 1 ] || skip_test "minutes of real time: MMESH_LONG=1"; }

# Steady traffic over 120 s: the initiator makes a new session, nothing is lost.
test_rekey_after_120_s()
{
	local fd first inits lost

	need_long
	pair
	sniff fd "$B" vb 0 20000
	n "$A" ping -q -i 0.1 -c 1400 192.168.241.2 >"$TMP/out" &
	FLOW=$!
	wait_for 10 test -n "$(handshake_time "$A" "$DA")"
	wait "$FLOW" || true
	sniffed "$fd" >"$TMP/packets"
	mapfile -t inits < <(times 'type=1 ' "$TMP/packets")
	expect_eq "${#inits[@]}" 2 "initiations in 140 s"
	within $((inits[1] - inits[0])) 119000 123500 "milliseconds between handshakes"
	lost=$(grep -oE '[0-9]+ received' "$TMP/out")
	expect_eq "${lost% *}" 1400 "answers"
	# Both ends use the new session: another receiver index.
	expect_ge "$(grep -E '^in .*type=4 ' "$TMP/packets" | grep -oE 'bytes=[0-9a-f]+' | sort -u | wc -l)" 2 \
		"session indices"
}

# Only the responder talks: the initiator renews before the keys are refused.
test_rekey_when_only_receiving()
{
	local fd inits

	need_long
	pair
	pings "$A" 192.168.241.2
	sniff fd "$B" vb 0 30000
	n "$B" "$TRAFFIC" send -u -n 1850 -r 10 -l 64 192.168.241.1 5000 >"$TMP/out" &
	FLOW=$!
	n "$A" nft -f - <<-EOT || skip_test "no nft in this kernel"
		table inet quiet { chain input { type filter hook input priority 0
			udp dport 5000 drop
		} }
	EOT
	wait "$FLOW" || true
	sniffed "$fd" >"$TMP/packets"
	# By A after 165 s at the latest, or by B, which sends, after 120 s.
	mapfile -t inits < <(times 'type=1 ' "$TMP/packets")
	expect_ge "${#inits[@]}" 1 "initiations in 185 s"
	grep -q '^in .*type=1 ' "$TMP/packets" || fail "the initiator did not renew the session"
	both_ways
}

# Nobody talks: after three times 180 s nothing of the keys is left; here the
# first step of it, that an old session is not used again.
test_expired_session_is_not_used()
{
	local fd

	need_long
	pair
	pings "$A" 192.168.241.2
	snooze 182
	sniff fd "$B" vb 0 10000
	pings "$A" 192.168.241.2
	sniffed "$fd" >"$TMP/packets"
	grep -E '^(in|out) .*type=' "$TMP/packets" | head -n 1 | grep -q 'type=1 ' ||
		fail "data under keys of more than 180 s"
}

run_tests "$@"
