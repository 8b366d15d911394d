#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The netlink family: operations, events, privileges, malformed messages. To be run as root where the module is loaded:
#
#     scripts/lab run -k uml -- tests/netlink/run.sh
#
# Prints `ok - NAME` or `not ok - NAME` for each test. MMESH_SLOW=1: emulated processor, fewer messages.
# MMESH_SEED=N repeats a run of the random messages.

set -uo pipefail
cd "$(dirname -- "$(readlink -f -- "$0")")" || exit 1

rc=0
# A kernel that checks itself at each step is as slow as an emulated one.
[ -e /sys/kernel/debug/kmemleak ] && export MMESH_SLOW=1
if [ "${MMESH_SLOW:-0}" = 1 ]; then messages=5000; else messages=100000; fi

# Two devices, hm0 down and hm1 up, and one out of reach.
hostile()
{
	local other=hm$$

	ip link set lo up && ip link add hm0 type mmesh && ip link add hm1 type mmesh && ip link set hm1 up &&
		ip netns add "$other" && ip link add hm2 netns "$other" type mmesh || return 1
	python3 hostile.py "$messages" ${MMESH_SEED:+"$MMESH_SEED"}
	local rc=$?
	ip netns del "$other"
	return "$rc"
}

if [ "${1-}" = hostile ]; then
	hostile
	exit
fi
if ! python3 -c 'import yaml' 2>/dev/null; then
	echo "not ok - netlink: Python's yaml module is missing (python3-yaml)"
	exit 1
fi
for suite in operations events privilege faults client; do
	python3 "$suite.py" || rc=1
done
unshare -n ./run.sh hostile || rc=1
exit "$rc"
