#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Isolation proved by random topologies (tests/property): 10,000 of them, 500 on emulated processors.
#
#     scripts/lab run -- tests/netns/property.sh [TOPOLOGIES [SEED]]
set -u

top=$(cd -- "$(dirname -- "$(readlink -f -- "$0")")/../.." && pwd)
count=${1:-$([ "${MMESH_SLOW:-0}" = 1 ] && echo 500 || echo 10000)}
rc=0

ip netns add property-birth
ip netns add property
ip -n property-birth link set lo up
ip -n property link set lo up
for i in 0 1 2 3 4 5 6 7; do
	ip -n property-birth link add "mm$i" type mmesh
	ip -n property-birth link set "mm$i" netns property
	ip -n property link set "mm$i" mtu 1420 up
done
ip netns exec property "$top/build/bin/mmesh-property" /run/netns/property-birth "$count" "${@:2}" || rc=1
[ "$rc" = 0 ] || echo "not ok - netns/property: the model and the kernel agree"
ip netns del property
ip netns del property-birth
exit "$rc"
