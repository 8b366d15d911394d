#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A controller, nodes and a relay: what becomes of records in the nodes' kernels, and that nothing that happens to the
# programs does anything to them.
. "$(dirname -- "$0")/../lib.sh"
. "$(dirname -- "$0")/lib.sh"

# network WORDS: the controller, with the network t/net of the subnets a and b.
network()
{
	control_net
	controller_start "$@"
	mc tenant add t
	mc zone add t/z
	mc network add t/net prefix 10.77.0.0/16 zone z
	mc subnet add t/net/a prefix 10.77.1.0/24
	mc subnet add t/net/b prefix 10.77.2.0/24
	TOKEN=$(mc token add t/net/a uses 0)
}

# Nodes: A and C on switch 1, B on switch 2, which only the relay R joins with the first.
node_a() { node A; plug "$A" 1 1; joined A "$TOKEN"; }
node_b() { node B; plug "$B" 2 2; joined B "$TOKEN" controller 10.9.2.254:7443; }
node_c() { node C; plug "$C" 1 3; joined C "$TOKEN"; }
relay_r()
{
	node R
	plug "$R" 1 5
	plug "$R" 2 5
	joined R "$(mc token add t/net/a relay on)" relay on
}

reaches() { pings "${!1}" "$(address "$2")" 1; }
cannot_reach() { ! reaches "$1" "$2"; }
path_to() { status "$1" ".memberships[0].peers[] | select(.name == \"$2\") | .path"; }
# PATTERN, as "direct 10.9.1.3*".
# shellcheck disable=SC2053
path_is() { [[ $(path_to "$1" "$2") == $3 ]]; }

# Another subnet's nodes are no peers, until the flag says so; and then again. A relay stands in where no path is.
test_relay_and_isolation()
{
	network
	relay_r; node_a; node_b
	node F; plug "$F" 1 4; joined F "$(mc token add t/net/b)"
	wait_for 30 reaches A B
	wait_for 10 path_is A b "relay r"
	wait_for 20 reaches R A
	cannot_reach A F
	expect_eq "$(path_to A f)" "" "path to a node of another subnet"
	mc network set t/net routed-subnets on
	wait_for 30 reaches A F
	mc network set t/net routed-subnets off
	wait_for 10 cannot_reach A F
	reaches A B
}

# A controller that is gone, killed or not, and a daemon that is: nothing is lost, and nothing is changed.
restart_daemon()
{
	die "${DAEMON_PID[$1]}"
	daemon_start "$1"
	wait_for 20 md "$1" status --check ready
}

# What a node told of its paths in its first report.
controller_knows_paths()
{
	mc -j node show t/net/a/a | jq -e '.nodes[0] | .online and (.paths | any(.path == "relay r"))' >/dev/null
}

test_crashes()
{
	local before after x

	network
	relay_r; node_a; node_b; node_c
	wait_for 30 reaches A B
	wait_for 30 reaches A C
	wait_for 20 path_is A c "direct 10.9.1.3*"
	for x in A B C R; do before+=$(dump "$x"); done
	numbered_begin relayed A B "$(address B)" 20
	numbered_begin direct C A "$(address A)" 20
	for x in A B R; do restart_daemon "$x"; done
	wait_for 20 controller_knows_paths
	die "$CONTROLLER_PID"
	wait_for 20 md A status --check live
	restart_daemon C
	controller_start
	numbered_end relayed
	numbered_end direct
	for x in A B C R; do after+=$(dump "$x"); done
	[ "$before" = "$after" ] || fail "the kernel changed: $(diff <(echo "$before") <(echo "$after"))"
	for x in A B C R; do
		expect_eq "$(status "$x" '.memberships[0].repairs')" 0 "repairs of $x"
	done
}

is_as_before() { diff <(echo "$BEFORE") <(dump A); }

# What somebody else does to the kernel is put right, and said.
drift()
{
	ip -n "$A" addr add 10.77.1.99/32 dev mm0
	ip -n "$A" route del 10.77.1.0/24 dev mm0
	n "$A" mmesh dev set mm0 subnet 9
	n "$A" mmesh peer set "$(n "$A" mmesh -j peer show dev mm0 | jq -r '.peers[0].public_key')" dev mm0 subnet 7
	wait_for 10 is_as_before
	ip -n "$A" link set mm0 down
	wait_for 10 is_as_before
	expect_ge "$(status A '.memberships[0].repairs')" 5 repairs
	ip -n "$A" link del mm0
	wait_for 10 is_as_before
}

# Records that were edited on the disk are not believed: the kernel stays, and the controller mends it.
edited_state()
{
	local file

	die "${DAEMON_PID[A]}"
	die "$CONTROLLER_PID"
	for file in "$CONTROL"/A/state/mm0/stream-*; do
		printf X | dd of="$file" bs=1 seek=200 conv=notrunc status=none
	done
	daemon_start A
	[[ $(md A status || true) == *"not believed"* ]] || fail "nothing is said: $(md A status)"
	is_as_before
	reaches A C
	controller_start
	wait_for 40 md A status --check ready
	is_as_before
}

# All of it without a broker, so that changes come by the controller's own stream.
test_drift_edits_and_leaving()
{
	network broker none
	node_a; node_c
	wait_for 30 reaches A C
	BEFORE=$(dump A)
	drift
	wait_for 20 reaches A C
	edited_state
	md A down
	refused ip -n "$A" link show mm0
	md A up
	wait_for 10 is_as_before
	# SIGTERM leaves the kernel as it is.
	kill "${DAEMON_PID[A]}"
	wait "${DAEMON_PID[A]}"
	is_as_before
	daemon_start A
	md A leave mm0
	refused ip -n "$A" link show mm0
	[ ! -e "$CONTROL/A/state/mm0" ]
}

run_tests "$@"
