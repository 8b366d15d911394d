#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# mmesh and the kernel's own wireguard, either as initiator.
. "$(dirname -- "$0")/../lib.sh"
OTHER=wireguard
MORE_TESTS=$(dirname -- "$0")/cases.sh
. "$MORE_TESTS"
SLOW_OMIT="preshared_key_they_initiate mtu_9000_theirs roaming_theirs new_key_of_ours_under_traffic
	passive_keepalive outer_fragments"

run_tests "$@"
