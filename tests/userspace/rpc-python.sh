#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Stock gRPC of another language against the library's server: see rpc-client.py.

set -u -o pipefail
here="$(cd "$(dirname "$0")" && pwd)"
work="$SCRATCH/rpc"
mkdir -p "$work/stubs" "$work/keys"

/usr/bin/python3 -m grpc_tools.protoc -I"$here/../../proto" --python_out="$work/stubs" \
	--grpc_python_out="$work/stubs" "$here"/../../proto/mmesh/v1/*.proto || exit 1
coproc server { exec "$BINS/rpc-echo" "$work/keys" 2>"$work/err"; }
# shellcheck disable=SC2154 # coproc sets it
pid="$server_PID"
read -r address socket <&"${server[0]}" || exit 1
/usr/bin/python3 "$here/rpc-client.py" "$work/stubs" "$work/keys" "$address" "$socket"
status=$?
eval "exec ${server[1]}>&-"
wait "$pid" || { cat "$work/err"; status=1; echo "not ok - rpc from Python: the server ends well"; }
exit $status
