#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Rekeying between mmesh and others after 120 s, all at once; seconds in virtual time:
#
#     MMESH_LAB_UML_ARGS=time-travel=inf-cpu scripts/lab run -- tests/interop/rekey.sh
PARALLEL=1
TEST_LIMIT=400
. "$(dirname -- "$0")/../lib.sh"
. "$(dirname -- "$0")/cases.sh"

test_wireguard_renewed_by_us() { OTHER=wireguard; ours rekey; }
test_wireguard_renewed_by_them() { OTHER=wireguard; theirs rekey; }
test_wireguard_go_renewed_by_us() { OTHER=wireguard-go; ours rekey; }
test_wireguard_go_renewed_by_them() { OTHER=wireguard-go; theirs rekey; }

run_tests "$@"
