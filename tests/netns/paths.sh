#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Several paths to a peer: which is taken, how fast a dead one is left, how fast a
# better one is taken back. Two cables lie between A and B.
. "$(dirname -- "$0")/../lib.sh"
SLOW_OMIT="failover_times holder_failover_times"

# two_cables [WORD VALUE ...]: A and B, cables 1 (10.1.0.x, fd01::x) and 2 (10.2.0.x,
# fd02::x); the endpoints are on cable 1, the others are candidates. Further words
# are settings of both peers.
two_cables()
{
	ns A B
	veth "$A" va1 "$B" vb1
	veth "$A" va2 "$B" vb2
	addr "$A" va1 10.1.0.1/24 fd01::1/64
	addr "$B" vb1 10.1.0.2/24 fd01::2/64
	addr "$A" va2 10.2.0.1/24 fd02::1/64
	addr "$B" vb2 10.2.0.2/24 fd02::2/64
	DA=mm0 DB=mm0
	tunnel "$A" mm0
	tunnel "$B" mm0
	keys A B
	n "$A" mmesh dev set mm0 private-key "${PRIV[A]}" listen-port 1001
	n "$B" mmesh dev set mm0 private-key "${PRIV[B]}" listen-port 1002
	n "$A" mmesh peer add "${PUB[B]}" dev mm0 extended on allowed-ips 192.168.241.2/32,fd00:9::2/128 \
		endpoint 10.1.0.2:1002 candidate 10.2.0.2:1002 "$@"
	n "$B" mmesh peer add "${PUB[A]}" dev mm0 extended on allowed-ips 192.168.241.1/32,fd00:9::1/128 \
		endpoint 10.1.0.1:1001 candidate 10.2.0.1:1001 "$@"
	ip -n "$A" addr add 192.168.241.1/24 dev mm0
	ip -n "$B" addr add 192.168.241.2/24 dev mm0
	addr "$A" mm0 fd00:9::1/64
	addr "$B" mm0 fd00:9::2/64
	ip -n "$A" link set mm0 up
	ip -n "$B" link set mm0 up
}

# path NS ADDR FIELD: of the path to that address.
path() { n "$1" mmesh -j path show dev mm0 | jq -r --arg a "$2" ".paths[] | select(.endpoint.address == \$a) | .$3"; }
path_is() { [ "$(path "$1" "$2" "$3")" = "$4" ]; }
in_use() { n "$1" mmesh -j path show dev mm0 | jq -r '.paths[] | select(.current) | .endpoint.address'; }
uses() { [ "$(in_use "$1")" = "$2" ]; }
both_use() { uses "$A" "10.$1.0.2" && uses "$B" "10.$1.0.1"; }
all_alive() { path_is "$A" 10.1.0.2 state alive && path_is "$A" 10.2.0.2 state alive &&
	path_is "$B" 10.1.0.1 state alive && path_is "$B" 10.2.0.1 state alive; }

# cut CABLE, mend CABLE: everything is lost on it, and nobody is told.
cut_off()
{
	n "$A" nft -f - <<-EOT
		table netdev cut$1 {
			chain c { type filter hook ingress device "va$1" priority 0; policy drop; arp operation 1-2 accept; }
		}
	EOT
	n "$B" nft -f - <<-EOT
		table netdev cut$1 {
			chain c { type filter hook ingress device "vb$1" priority 0; policy drop; arp operation 1-2 accept; }
		}
	EOT
}
mend() { n "$A" nft delete table netdev "cut$1"; n "$B" nft delete table netdev "cut$1"; }

# traffic [ADDR]: pings every 20 ms, each answer with its time in $TMP/pings.
traffic()
{
	n_bg "$A" ping -n -D -i 0.02 -c 1000000 "${1:-192.168.241.2}" >"$TMP/pings" 2>&1
	TRAFFIC_PID=$BG_PID
}
answers() { grep -c 'bytes from' "$TMP/pings" || true; }
traffic_flows() { local before; before=$(answers); snooze 0.15; [ "$(answers)" -gt "$before" ]; }
now_ms() { echo $(($(date +%s%N) / 1000000)); }
# longest_gap FROM_MS: between two answers since then, in ms.
longest_gap()
{
	sed -n 's/^\[\([0-9]*\)\.\([0-9]\{3\}\).*bytes from.*/\1\2/p' "$TMP/pings" |
		awk -v from="$1" '$1 >= from - 100 { if (last && $1 - last > gap) gap = $1 - last; last = $1 } END { print gap + 0 }'
}

test_candidates_are_probed()
{
	two_cables
	# Nothing costs anything before there is traffic.
	path_is "$A" 10.2.0.2 reason not-probed
	expect_eq "$(stat "$A" mm0 path_probes)" 0 "probes without traffic"
	pings "$A" 192.168.241.2
	wait_for 5 all_alive
	uses "$A" 10.1.0.2
	expect_eq "$(path "$A" 10.1.0.2 reason)" none "reason"
	expect_ge "$(path "$A" 10.1.0.2 rtt_us)" 1 "round trip"
	expect_eq "$(path "$A" 10.1.0.2 'sources | join(",")')" configured,learnt "sources"
}

# Idle peers cost nothing: the probes end with the traffic.
test_idle()
{
	local before

	two_cables
	pings "$A" 192.168.241.2
	wait_for 5 all_alive
	snooze 7
	before=$(stat "$A" mm0 ctl_tx)
	snooze 4
	expect_eq "$(stat "$A" mm0 ctl_tx)" "$before" "control messages of an idle device"
}

test_failover_and_return()
{
	local begin handshake

	need_command nft
	two_cables
	traffic
	wait_for 5 all_alive
	wait_for 5 traffic_flows
	handshake=$(stat "$A" mm0 hs_completed)
	begin=$(now_ms)
	cut_off 1
	wait_for 5 both_use 2
	wait_for 5 traffic_flows
	expect_le "$(longest_gap "$begin")" 3000 "ms without an answer"
	path_is "$A" 10.1.0.2 state dead
	path_is "$A" 10.1.0.2 reason stopped-answering
	mend 1
	# Alike, so the first is not taken back; but it is known to work.
	wait_for 10 path_is "$A" 10.1.0.2 state alive
	cut_off 2
	wait_for 5 both_use 1
	wait_for 5 traffic_flows
	expect_eq "$(stat "$A" mm0 hs_completed)" "$handshake" "handshakes"
	stop "$TRAFFIC_PID"
}

# Only one direction of one cable is lost.
test_one_way_loss()
{
	need_command nft
	two_cables
	traffic
	wait_for 5 all_alive
	n "$B" nft -f - <<-EOT
		table netdev cut1 {
			chain c { type filter hook ingress device "vb1" priority 0; policy drop; arp operation 1-2 accept; }
		}
	EOT
	wait_for 5 uses "$A" 10.2.0.2
	wait_for 5 traffic_flows
	stop "$TRAFFIC_PID"
}

# Probes pass and data doesn't: not a path. When it does again, it is one.
test_no_data_passes()
{
	local begin

	need_command nft
	two_cables
	traffic
	wait_for 5 all_alive
	begin=$(now_ms)
	n "$B" nft -f - <<-EOT
		table netdev data {
			chain c { type filter hook ingress device "vb1" priority 0; udp dport 1002 @th,64,8 4 drop; }
		}
	EOT
	wait_for 5 path_is "$A" 10.1.0.2 reason no-data
	wait_for 5 traffic_flows
	expect_le "$(longest_gap "$begin")" 3000 "ms without an answer"
	uses "$A" 10.2.0.2
	snooze 6
	path_is "$A" 10.1.0.2 reason no-data
	n "$B" nft delete table netdev data
	wait_for 10 path_is "$A" 10.1.0.2 state alive
	stop "$TRAFFIC_PID"
}

# A faster path is taken, one that is slightly faster isn't.
test_faster_is_taken()
{
	two_cables
	netem "$A" va1 delay 10ms
	netem "$B" vb1 delay 10ms
	netem "$A" va2 delay 9ms
	netem "$B" vb2 delay 9ms
	traffic
	wait_for 5 all_alive
	snooze 5
	both_use 1
	netem "$A" va2 delay 1ms
	netem "$B" vb2 delay 1ms
	wait_for 60 both_use 2
	stop "$TRAFFIC_PID"
}

# Somebody forwards the peer's packets from elsewhere: the traffic stays.
test_source_alone_moves_nothing()
{
	two_cables
	pings "$A" 192.168.241.2
	wait_for 5 all_alive
	# A's packets get another source; nothing comes back from there.
	need_command nft
	n "$A" nft -f - <<-EOT
		table ip move {
			chain c { type nat hook postrouting priority 100; oifname "va1" udp sport 1001 snat to 10.1.0.77:1001; }
		}
	EOT
	traffic
	snooze 4
	uses "$B" 10.2.0.1 || uses "$B" 10.1.0.1 || fail "B sends to $(in_use "$B")"
	stop "$TRAFFIC_PID"
}

# The peer moves, and says so by answering from there.
test_peer_moves()
{
	two_cables
	traffic
	wait_for 5 all_alive
	cut_off 2
	ip -n "$A" addr add 10.1.0.11/24 dev va1
	ip -n "$A" addr del 10.1.0.1/24 dev va1
	ip -n "$A" addr add 10.1.0.11/24 dev va1 2>/dev/null || true
	wait_for 5 uses "$B" 10.1.0.11
	wait_for 5 traffic_flows
	stop "$TRAFFIC_PID"
}

# Without a session: the first candidate doesn't answer, another does.
test_handshake_tries_candidates()
{
	need_command nft
	two_cables
	cut_off 1
	traffic
	wait_for 20 traffic_flows
	uses "$A" 10.2.0.2
	stop "$TRAFFIC_PID"
}

# The peer restarts and forgets everything.
test_peer_restarts()
{
	two_cables
	traffic
	wait_for 5 all_alive
	ip -n "$B" link set mm0 down
	ip -n "$B" link set mm0 up
	wait_for 10 traffic_flows
	stop "$TRAFFIC_PID"
}

test_candidates_change()
{
	two_cables
	refused n "$A" mmesh path del "${PUB[B]}" dev mm0 endpoint 10.3.0.2:1002 2>"$TMP/err"
	grep -q 'no such path' "$TMP/err"
	n "$A" mmesh path add "${PUB[B]}" dev mm0 endpoint "[fd01::2]:1002"
	n "$A" mmesh path del "${PUB[B]}" dev mm0 endpoint 10.2.0.2:1002
	expect_eq "$(path "$A" 10.2.0.2 state)" "" "a candidate that was taken away"
	pings "$A" 192.168.241.2
	wait_for 5 path_is "$A" fd01::2 state alive
	for i in $(seq 3 30); do
		n "$A" mmesh path add "${PUB[B]}" dev mm0 endpoint "10.3.0.$i:1002" 2>"$TMP/err" || break
	done
	grep -q "can't have more paths" "$TMP/err"
	n "$A" mmesh peer set "${PUB[B]}" dev mm0 extended off
	refused n "$A" mmesh path add "${PUB[B]}" dev mm0 endpoint 10.2.0.2:1002 2>"$TMP/err"
	grep -q "isn't extended" "$TMP/err"
	expect_eq "$(n "$A" mmesh -j path show dev mm0 | jq '.paths | length')" 0 "paths of a stock peer"
}

test_events()
{
	need_command nft
	two_cables
	n_bg "$A" mmesh -j monitor path >"$TMP/events"
	traffic
	wait_for 5 all_alive
	cut_off 1
	wait_for 5 both_use 2
	wait_for 2 grep -q '"event":"path".*"address":"10.2.0.2".*"current":true' "$TMP/events"
	grep -q '"address":"10.1.0.2".*"state":"dead","reason":"stopped-answering"' "$TMP/events"
	stop "$TRAFFIC_PID"
}

# The bars: 3 s and 10 s, each time; figures for the docs.
# figures WHAT BAR MS ...: told, and none is above the bar.
figures()
{
	local what=$1 bar=$2

	shift 2
	echo "# $what ms: $(printf '%s\n' "$@" | sort -n |
		awk '{ v[NR] = $1 } END { print "median", v[int((NR + 1) / 2)], "worst", v[NR] }')" |
		tee /dev/stderr >>"$TMP/figures"
	cp "$TMP/figures" "${FIGURES:-/dev/null}" || true
	expect_le "$(printf '%s\n' "$@" | sort -n | tail -n 1)" "$bar" "the longest $what, ms"
}

# B and C share an address, and B serves it until all its paths are dead, both cables; C by a cable of its own.
reachable() { [ "$(n "$A" mmesh -j peer show dev mm0 "${PUB[B]}" | jq '.peers[0].unreachable // false')" = "$1" ]; }
test_holder_failover_times()
{
	local i begin gaps=() backs=()

	need_command nft
	two_cables
	ns C
	veth "$A" va3 "$C" vc3
	addr "$A" va3 10.3.0.1/24
	addr "$C" vc3 10.3.0.2/24
	tunnel "$C" mm0
	keys C
	n "$C" mmesh dev set mm0 private-key "${PRIV[C]}" listen-port 1003
	n "$C" mmesh peer add "${PUB[A]}" dev mm0 extended on allowed-ips 192.168.241.1/32 endpoint 10.3.0.1:1001
	n "$A" mmesh peer add "${PUB[C]}" dev mm0 extended on allowed-ips 192.168.241.3/32,192.168.241.9/32@20 \
		endpoint 10.3.0.2:1003
	n "$A" mmesh peer set "${PUB[B]}" dev mm0 allowed-ips +192.168.241.9/32@10
	addr "$B" mm0 192.168.241.9/32
	addr "$C" mm0 192.168.241.9/32
	ip -n "$A" route add 192.168.241.9 dev mm0
	ip -n "$C" link set mm0 up
	ip -n "$C" route replace 192.168.241.0/24 dev mm0
	traffic 192.168.241.9
	wait_for 5 all_alive
	for i in $(seq "${ROUNDS:-4}"); do
		wait_for 5 traffic_flows
		snooze "1.$((RANDOM % 10))"
		begin=$(now_ms)
		cut_off 1
		cut_off 2
		wait_for 5 reachable true
		wait_for 5 traffic_flows
		gaps+=("$(longest_gap "$begin")")
		expect_eq "$(stat "$A" mm0 failovers)" "$i" "failovers"
		snooze "2.$((RANDOM % 10))"
		begin=$(now_ms)
		mend 1
		mend 2
		wait_for 12 reachable false
		backs+=($(($(now_ms) - begin)))
	done
	figures holder-failover 3000 "${gaps[@]}"
	figures holder-return 10000 "${backs[@]}"
	stop "$TRAFFIC_PID"
}

test_failover_times()
{
	local i begin gaps=() backs=()

	need_command nft
	two_cables
	# Cable 2 is much worse, so 1 is taken back whenever it works.
	netem "$A" va2 delay 20ms
	netem "$B" vb2 delay 20ms
	traffic
	wait_for 5 all_alive
	for i in $(seq "${ROUNDS:-20}"); do
		wait_for 30 both_use 1
		snooze "1.$((RANDOM % 10))"
		begin=$(now_ms)
		cut_off 1
		wait_for 5 both_use 2
		wait_for 5 traffic_flows
		gaps+=("$(longest_gap "$begin")")
		snooze "1.$((RANDOM % 10))"
		begin=$(now_ms)
		mend 1
		wait_for 12 both_use 1
		backs+=($(($(now_ms) - begin)))
	done
	figures failover 3000 "${gaps[@]}"
	figures return 10000 "${backs[@]}"
	stop "$TRAFFIC_PID"
}

run_tests "$@"
