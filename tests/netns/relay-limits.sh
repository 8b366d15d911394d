#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a relay's clients may take from each other: limits, fair queues; and that sessions are renewed by way of it.
. "$(dirname -- "$0")/../lib.sh"
. "$(dirname -- "$0")/../relay-lib.sh"

# of_client NAME FILTER: from what the relay says of it.
of_client()
{
	mm "$R" -j relay show dev mm0 |
		jq "[.relays[0].clients[] | select(.public_key == \"${PUB[$1]}\")][0] | $2"
}

received() { grep -oE '[0-9]+ received' "$1" | cut -d ' ' -f 1; }

# ping with a shorter interval than 10 ms never sleeps, and virtual time stands still.
FAST=0.01

# many COUNT: eight times as many pings, eight at a time; how many were answered.
many()
{
	local i pids=()

	for i in 1 2 3 4 5 6 7 8; do
		n_bg "$A" ping -q -i "$FAST" -c "$1" -W 1 192.168.241.2 >"$TMP/out$i"
		pids+=("$BG_PID")
	done
	wait "${pids[@]}" || true
	cat "$TMP"/out? | grep -oE '[0-9]+ received' | awk '{ n += $1 } END { print n }'
}

# Of what is sent the bucket (512) and 100 a second pass; what B sends is its own affair.
test_packets()
{
	local begin got limit

	one_hop
	pings "$A" 192.168.241.2 10
	mm "$R" relay add "${PUB[A]}" dev mm0 network 7 limit-pps 100
	begin=$(date +%s%N)
	got=$(many 300)
	limit=$((512 + ($(date +%s%N) - begin) / 10000000))
	echo "# $got of 2400 answered, the limit is $limit" >&2
	expect_le "$got" "$limit" "echoes within the limit"
	expect_ge "$got" $((limit < 2400 ? limit / 2 : 1200)) "echoes within the limit"
	expect_ge "$(of_client A .drops.limit)" 1 "drops by the limit"
	expect_eq "$(of_client A .drops.limit)" "$(stat "$R" mm0 relay_drop_limit)" "the client's drops"
	expect_eq "$(of_client B .drops.limit)" 0 "the other's drops"
	mm "$R" relay add "${PUB[A]}" dev mm0 network 7 limit-pps 0
	expect_eq "$(many 100)" 800 "echoes without a limit"
}

# 8 Mb/s: of 3 MB the bucket passes one at once, the rest takes two seconds; the way back is not slowed.
test_bytes()
{
	local begin

	one_hop
	pings "$A" 192.168.241.2 10
	mm "$R" relay add "${PUB[A]}" dev mm0 network 7 limit-bps 8000000
	begin=$(date +%s%N)
	tcp "$A" "$B" 192.168.241.2 3000000
	expect_ge $((($(date +%s%N) - begin) / 1000000)) 1900 "ms for 3 MB"
	expect_ge "$(of_client A .drops.limit)" 1 "drops by the limit"
	tcp "$B" "$A" 192.168.241.1 "$(volume 3000000)"
	expect_eq "$(of_client B .drops.limit)" 0 "the other's drops"
}

# The link to B takes a fifth of what A has relayed to it. C, which says little, does not suffer by that.
test_fair_queue()
{
	one_hop
	ns C
	cable C 5 R
	device C 5
	admit R C
	client C 5 R 3
	reaches C B 2 "${PUB[R]}"
	reaches B C 5 "${PUB[R]}"
	pings "$A" 192.168.241.2 10
	wait_for 30 pings "$C" 192.168.241.2 1
	tc -n "$R" qdisc add dev e2 root handle 1: tbf rate 200kbit burst 8kb limit 1mb
	tc -n "$R" qdisc add dev e2 parent 1:1 handle 2: fq_codel limit 100
	n_bg "$A" ping -q -i $FAST -s 1100 -c 100000 192.168.241.2 >/dev/null 2>&1
	wait_for 20 queue_drops 100
	n "$C" ping -q -i 0.1 -c 100 -W 2 192.168.241.2 >"$TMP/out" || true
	expect_ge "$(received "$TMP/out")" 97 "echoes of the client that says little"
	# The queue is bounded.
	expect_le "$(backlog)" 100 "packets that wait"
	expect_ge "$(queue .drops)" 500 "packets of the other that were dropped"
}
queue() { tc -n "$R" -s -j qdisc show dev e2 | jq '[.[] | select(.kind == "fq_codel")][0] | '"$1"; }
queue_drops() { [ "$(queue .drops)" -ge "$1" ]; }
backlog() { queue .qlen; }

# Sessions, of legs and end to end, are renewed under a trickle and nothing of it is lost.
test_rekey()
{
	local before

	one_hop
	pings "$A" 192.168.241.2 10
	pings "$B" 192.168.241.1
	before=$(handshakes)
	n "$A" ping -q -i 0.5 -c 300 -W 5 192.168.241.2 >"$TMP/out"
	expect_eq "$(received "$TMP/out")" 300 "echoes"
	# Legs A-R and B-R, and A-B.
	refused [ "$before" = "$(handshakes)" ]
	expect_eq "$(handshakes | wc -w)" 4 "sessions"
	expect_eq "$(common "$before" "$(handshakes)")" 0 "sessions that are not new"
}
handshakes()
{
	for ns in "$A" "$B"; do
		wgc "$ns" show mm0 latest-handshakes | awk '{ print $2 }'
	done | tr '\n' ' '
}
common() { comm -12 <(tr ' ' '\n' <<<"$1" | sed '/^$/d' | sort) <(tr ' ' '\n' <<<"$2" | sed '/^$/d' | sort) | wc -l; }

run_tests "$@"
