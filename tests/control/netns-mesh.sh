#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A controller, nodes and a relay: what becomes of records in the nodes' kernels, and that nothing that happens to the
# programs does anything to them.
. "$(dirname -- "$0")/../lib.sh"
. "$(dirname -- "$0")/lib.sh"

# A and C on switch 1, B on switch 2, which only the relay R joins with the first; F on switch 1, in another subnet.
mesh()
{
	local token far relay

	control_net
	for name in A B C F R; do
		node "$name"
	done
	plug "$A" 1 1; plug "$C" 1 3; plug "$F" 1 4; plug "$R" 1 5
	plug "$B" 2 2; plug "$R" 2 5
	controller_start
	mc tenant add t
	mc zone add t/z
	mc network add t/net prefix 10.77.0.0/16 zone z
	mc subnet add t/net/a prefix 10.77.1.0/24
	mc subnet add t/net/b prefix 10.77.2.0/24
	token=$(mc token add t/net/a uses 0)
	relay=$(mc token add t/net/a relay on)
	far=$(mc token add t/net/b)
	joined R "$relay" relay on
	joined A "$token"
	joined B "$token" controller 10.9.2.254:7443
	joined C "$token"
	joined F "$far"
}

reaches() { pings "${!1}" "$(address "$2")" 1; }
cannot_reach() { ! reaches "$1" "$2"; }

test_mesh()
{
	mesh
	wait_for 45 reaches A C
	wait_for 45 reaches A B
	wait_for 45 reaches R A
	[[ $(status A '.memberships[0].peers[] | select(.name == "b") | .path') == "relay r" ]] ||
		fail "A reaches B by $(status A '.memberships[0].peers')"
	# Another subnet's are no peers, until the flag says so; and then again.
	cannot_reach A F
	mc network set t/net routed-subnets on
	wait_for 10 reaches A F
	mc network set t/net routed-subnets off
	wait_for 10 cannot_reach A F
	reaches A C
}

run_tests "$@"
