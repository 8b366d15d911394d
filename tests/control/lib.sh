# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154
#
# Ground for the tests of the control plane, on top of tests/lib.sh: a network of namespaces in which a controller, nodes
# and a relay run. Two cables' worth of Internet: switch 1 (10.9.1.0/24) and switch 2 (10.9.2.0/24), both in namespace S,
# where the controller is (.254 of each) and nothing is forwarded between them.

CONTROL=/run/mmesh-control

# control_net: S with its switches, and the controller's directory.
control_net()
{
	need_module bridge
	mkdir -p "$CONTROL"
	# What the programs said is the most of what there is to know of a failure.
	trap 'rc=$?; set +x; [ $rc = 0 ] || tail -n "${CONTROL_LOG_LINES:-8}" "$TMP"/*.log; rm -rf "$CONTROL"' EXIT
	ns S
	for i in 1 2; do
		ip -n "$S" link add "sw$i" type bridge
		ip -n "$S" link set "sw$i" up
		addr "$S" "sw$i" "10.9.$i.254/24"
	done
}

# plug NS SWITCH HOST: a cable from NS to a switch, 10.9.SWITCH.HOST.
plug()
{
	local dev=sw$2h$3

	veth "$1" "eth$2" "$S" "$dev"
	ip -n "$S" link set "$dev" master "sw$2"
	addr "$1" "eth$2" "10.9.$2.$3/24"
}

# in_background NS LOG COMMAND ...: the pid in BG_PID; its output goes to LOG.
in_background() { n_bg "$1" "${@:3}" >>"$2" 2>&1; }

CONTROLLER_WORDS=()

# --- the controller ----------------------------------------------------------

# controller_start WORDS: the same words at the next start without any.
controller_start()
{
	[ $# = 0 ] || CONTROLLER_WORDS=("$@")
	in_background "$S" "$TMP/controller.log" mmesh-controller standalone "$CONTROL/controller" \
		socket "$CONTROL/controller.sock" announce 10.9.1.254 announce 10.9.2.254 log debug \
		"${CONTROLLER_WORDS[@]}"
	CONTROLLER_PID=$BG_PID
	wait_for 20 controller_answers
}
controller_answers() { mc tenant list >/dev/null 2>&1; }

# mc WORDS: the tool, for the controller.
mc() { n "$S" mmesh --controller "$CONTROL/controller.sock" "$@"; }

# die PID: as a crash does it, and seen to be over.
die() { kill -KILL "$1"; wait "$1" 2>/dev/null || true; }

# --- nodes -------------------------------------------------------------------

declare -A DAEMON_PID

# node NAME: a namespace NAME with a daemon of its own.
node()
{
	ns "$1"
	mkdir -p "$CONTROL/$1"
}

daemon_start()
{
	in_background "${!1}" "$TMP/$1.log" mmeshd -v --state "$CONTROL/$1/state" --socket "$CONTROL/$1/sock"
	DAEMON_PID[$1]=$BG_PID
	wait_for 10 daemon_answers "$1"
}
daemon_answers() { md "$1" status --check live >/dev/null 2>&1; }

# md NAME WORDS: the tool, for NAME's daemon.
md() { MMESHD_SOCKET=$CONTROL/$1/sock n "${!1}" mmesh "${@:2}"; }

# joined NAME TOKEN WORDS ...: start NAME's daemon and join.
joined()
{
	daemon_start "$1"
	md "$1" join - name "${1,,}" "${@:3}" <<<"$2" >"$TMP/$1.joined"
}

address() { ip -n "${!1}" -j addr show dev mm0 | jq -r '.[0].addr_info[] | select(.family == "inet") | .local'; }

# dump NAME: everything that the daemon brought into NAME's kernel, less what changes by itself.
dump()
{
	local ns=${!1}

	n "$ns" mmesh -j dev show mm0 | jq -S 'del(.devices[].ifindex)'
	n "$ns" mmesh -j peer show dev mm0 |
		jq -S '.peers | sort_by(.public_key) | map(del(.endpoint, .latest_handshake, .latest_handshake_epoch, .rx_bytes, .tx_bytes, .unreachable))'
	n "$ns" mmesh -j path show dev mm0 |
		jq -S '.paths | map(select(.sources | index("configured")) | {public_key, endpoint}) | sort_by(.public_key, .endpoint.address)'
	ip -n "$ns" -j addr show dev mm0 | jq -S '.[0] | {flags, mtu, addr_info: (.addr_info | map({local, prefixlen}) | sort)}'
	ip -n "$ns" route show table all dev mm0 | sort
}

# status NAME JQ: a value of NAME's status.
status() { md "$1" -j status | jq -r "$2"; }

# --- numbered packets --------------------------------------------------------

# numbered_begin NAME FROM TO ADDR SECONDS: a thousand numbered datagrams a second, which numbered_end NAME counts.
declare -A NUMBERED_RX NUMBERED_TX
numbered_begin()
{
	local seed=$RANDOM$RANDOM port=$((2000 + RANDOM % 20000)) rx tx line n=$(($5 * 1000))

	exec {rx}< <(exec "$TRAFFIC" recv -N "${!3}" -u -b "$4" -n "$n" -s "$seed" -t 5000 "$port")
	echo $! >>"$TMP/pids"
	read -rt 30 -u "$rx" line || fail "the receiver did not start"
	exec {tx}< <(exec "$TRAFFIC" send -N "${!2}" -u -n "$n" -s "$seed" -l 200 -r 1000 "$4" "$port")
	echo $! >>"$TMP/pids"
	NUMBERED_RX[$1]=$rx NUMBERED_TX[$1]=$tx
}
numbered_end()
{
	local received sent

	read -rt 120 -u "${NUMBERED_TX[$1]}" sent || fail "the sender of $1 said nothing"
	read -rt 120 -u "${NUMBERED_RX[$1]}" received || fail "the receiver of $1 said nothing"
	[[ $received =~ unique=([0-9]+) ]] || fail "$1: $received"
	expect_eq "sent=${BASH_REMATCH[1]}" "${sent%% *}" "numbered packets of $1"
}
