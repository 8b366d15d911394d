#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# New sessions after 120 and 180 s. All tests run at once; seconds in virtual time:
#
#     MMESH_LAB_UML_ARGS=time-travel=inf-cpu scripts/lab run -- tests/netns/rekey.sh
PARALLEL=1
TEST_LIMIT=400
. "$(dirname -- "$0")/../lib.sh"

# Times (ms) of the packets of which the capture's line matches.
times() { grep -E "$1" "$2" | grep -oE ' t=[0-9]+' | cut -d = -f 2; }
# within VALUE LEAST MOST WHAT
within() { expect_ge "$1" "$2" "$4"; expect_le "$1" "$3" "$4"; }

# Steady traffic over 120 s: the initiator makes a new session, nothing is lost.
test_rekey_after_120_s()
{
	local fd first inits lost

	pair
	sniff fd "$B" vb 0 20000
	n "$A" ping -q -i 0.1 -c 1400 192.168.241.2 >"$TMP/out" &
	FLOW=$!
	wait "$FLOW" || true
	sniffed "$fd" >"$TMP/packets"
	mapfile -t inits < <(times 'type=1 ' "$TMP/packets")
	expect_ge "${#inits[@]}" 2 "initiations in 140 s"
	within $((inits[1] - inits[0])) 119000 126000 "milliseconds between handshakes"
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

	pair
	pings "$A" 192.168.241.2
	sniff fd "$B" vb 0 30000
	n "$B" "$TRAFFIC" send -u -n 1850 -r 10 -l 64 192.168.241.1 5000 >"$TMP/out" &
	FLOW=$!
	n "$A" nft -f - <<-EOT || skip_test "no nft in this kernel"
		table inet quiet {
			chain input {
				type filter hook input priority 0
				udp dport 5000 drop
			}
		}
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
