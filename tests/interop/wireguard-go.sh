#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# mmesh and wireguard-go, either as initiator.
. "$(dirname -- "$0")/../lib.sh"
OTHER=wireguard-go
MORE_TESTS=$(dirname -- "$0")/cases.sh
. "$MORE_TESTS"

run_tests "$@"
