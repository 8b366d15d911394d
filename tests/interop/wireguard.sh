#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# mmesh and the kernel's own wireguard, either as initiator.
. "$(dirname -- "$0")/../lib.sh"
OTHER=wireguard
MORE_TESTS=$(dirname -- "$0")/cases.sh
. "$MORE_TESTS"

run_tests "$@"
