# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Ground for the behaviour tests. A suite is a script that sources this file,
# defines functions test_NAME and ends with `run_tests "$@"`. It needs root and
# a kernel with the link kind under test (inside the lab; see docs/lab.md).
#
# Each test runs in a subshell under `set -e`: any command that fails, fails
# the test. `run_tests` prints one line a test, `ok - SUITE: NAME`,
# `not ok - SUITE: NAME` (with its log) or `skip - SUITE: NAME # REASON`.
#
# Environment:
#   MMESH_KIND   link kind under test: mmesh (default), wireguard
#   MMESH_SLOW   1 on emulated processors: smaller volumes, same assertions
#   MMESH_SEED   repeats a run's random choices
#   MMESH_KEEP   directory in which the logs of failed tests are kept

set -u
shopt -s lastpipe

TEST_TOP=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
SUITE=$(basename -- "$(dirname -- "$(readlink -f -- "$0")")")/$(basename -- "$0" .sh)
MMESH_KIND=${MMESH_KIND:-mmesh}
MMESH_SLOW=${MMESH_SLOW:-0}
SEED=${MMESH_SEED:-$((($(date +%s%N) ^ $$) & 0x7fffffff))}
RANDOM=$((SEED & 0x7fff))
TMP=$(mktemp -d "${TMPDIR:-/tmp}/mmesh-test.XXXXXX")
TRAFFIC=${MMESH_TRAFFIC:-}
exec {WAIT_FD}<> <(:)	# never readable: `read -t` on it waits without a process

PASSED=0 FAILED=0 SKIPPED=0 NS_COUNT=0 SNIFFS=0
declare -A KIND_OF PRIV PUB

# --- results ---------------------------------------------------------------

ok() { PASSED=$((PASSED + 1)); echo "ok - $SUITE: $1"; }
not_ok() { FAILED=$((FAILED + 1)); echo "not ok - $SUITE: $1"; }
skip() { SKIPPED=$((SKIPPED + 1)); echo "skip - $SUITE: $1 # $2"; }

# Inside a test.
fail() { echo "FAIL: $*" >&2; exit 1; }
skip_test() { echo "$*" >"$TMP/skip"; exit 77; }
expect_eq() { [ "$1" = "$2" ] || fail "${3:-value}: expected '$2', got '$1'"; }
expect_ge() { [ "$1" -ge "$2" ] || fail "${3:-value}: expected at least $2, got '$1'"; }
expect_le() { [ "$1" -le "$2" ] || fail "${3:-value}: expected at most $2, got '$1'"; }
refused() { ! "$@" || fail "should have been refused: $*"; }

# --- waiting ---------------------------------------------------------------

# snooze SECONDS: wait without making a process.
snooze() { read -rt "$1" -u "$WAIT_FD" _ || true; }

# wait_for SECONDS COMMAND ...: until COMMAND succeeds; the deadline is a failure. The longer it takes, the more
# seldom it looks: between 20 and 160 ms.
wait_for() {
	local end=$((SECONDS + $1 + 1)) pause=20 interval

	shift
	while ! "$@"; do
		[ "$SECONDS" -lt "$end" ] || fail "not within the time: $*"
		printf -v interval '0.%03d' "$pause"
		snooze "$interval"
		[ "$pause" -ge 160 ] || pause=$((pause * 2))
	done
}

# --- namespaces and links --------------------------------------------------

# ns VAR ...: make a namespace for each VAR and put its name there.
ns()
{
	local v name names=()

	for v; do
		NS_COUNT=$((NS_COUNT + 1))
		name=mt$BASHPID-${v,,}$NS_COUNT
		echo "$name" >>"$TMP/namespaces"
		printf -v "$v" %s "$name"
		names+=("$name")
	done
	printf 'netns add %s\n' "${names[@]}" | ip -batch -
	# As root ping(8) would take a raw socket, which gets everybody's answers until a filter is set: beside a flood they
	# fill it and its own is lost. Of these sockets each gets only its own.
	for name in "${names[@]}"; do
		n "$name" sh -c 'ip link set lo up; echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range'
	done
}

ns_del() { ip netns del "$1"; }

# n NS COMMAND ...: run inside. Without /sys, which the callers don't need.
n() { nsenter --net="/run/netns/$1" -- "${@:2}"; }

# n_bg NS COMMAND ...: in the background until the test ends; its pid in BG_PID.
n_bg()
{
	# The shell makes what it starts in the background ignore interrupts.
	nsenter --net="/run/netns/$1" -- env --default-signal=INT "${@:2}" &
	BG_PID=$!
	echo "$BG_PID" >>"$TMP/pids"
}

# stop PID: end a background job and wait for it.
stop() {
	# A shell that has not become the program yet would lose a gentler signal.
	kill -KILL "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}

# veth NS IF NS IF [MTU]: a cable.
veth() {
	ip link add "$2" netns "$1" mtu "${5:-1500}" type veth peer name "$4" netns "$3" mtu "${5:-1500}"
	ip -n "$1" link set "$2" up
	ip -n "$3" link set "$4" up
}

# addr NS DEV ADDR/LEN ...: without duplicate address detection.
addr()
{
	local ns=$1 dev=$2 a

	shift 2
	for a; do
		case $a in
		*:*) echo "addr add $a dev $dev nodad" ;;
		*) echo "addr add $a dev $dev" ;;
		esac
	done | ip -n "$ns" -batch -
}

# --- tunnels ---------------------------------------------------------------

# tunnel NS DEV [KIND]: make a tunnel device.
tunnel() {
	local kind=${3:-$MMESH_KIND}

	KIND_OF[$1/$2]=$kind
	case $kind in
	wireguard-go)
		# Stays in the foreground, so that it dies with the test.
		LOG_LEVEL=error n_bg "$1" wireguard-go -f "$2"
		wait_for 20 tunnel_go_ready "$1" "$2"
		;;
	*)
		ip -n "$1" link add "$2" type "$kind"
		;;
	esac
}

tunnel_go_ready() { [ -S "/var/run/wireguard/$2.sock" ] && n "$1" wg show "$2" >/dev/null 2>&1; }

# wgc NS show|set|... DEV ...: wg(8)'s command line, by the tool for DEV's kind.
wgc() {
	local ns=$1

	shift
	case ${KIND_OF[$ns/$2]:-$MMESH_KIND} in
	mmesh) n "$ns" mmesh wg "$@" ;;
	*) n "$ns" wg "$@" ;;
	esac
}

# keys NAME ...: PRIV[NAME] is a file, PUB[NAME] the public key.
keys()
{
	local k

	for k; do
		PRIV[$k]=$TMP/$k.key
		if [ -z "${PUB[$k]:-}" ] && [ -n "${POOL_PUB[$k]:-}" ]; then
			PUB[$k]=${POOL_PUB[$k]}
			(umask 077; echo "${POOL_PRIV[$k]}" >"$TMP/$k.key")
		else
			(umask 077; wg genkey >"$TMP/$k.key")
			PUB[$k]=$(wg pubkey <"$TMP/$k.key")
		fi
	done
}

# Keys for the usual names, made once a suite: programs start slowly on
# emulated processors.
declare -A POOL_PRIV POOL_PUB
key_pool()
{
	local k

	command -v wg >/dev/null || return 0
	for k in A B C; do
		POOL_PRIV[$k]=$(wg genkey)
		POOL_PUB[$k]=$(wg pubkey <<<"${POOL_PRIV[$k]}")
	done
}

# value NS DEV FIELD: FIELD of `wg show` for the first peer, second column.
value() { wgc "$1" show "$2" "$3" | awk 'NR == 1 { print $2 }'; }
handshake_time() { value "$1" "$2" latest-handshakes; }
endpoint() { value "$1" "$2" endpoints; }
rx_bytes() { wgc "$1" show "$2" transfer | awk 'NR == 1 { print $2 }'; }
tx_bytes() { wgc "$1" show "$2" transfer | awk 'NR == 1 { print $3 }'; }

# link_stat NS DEV NAME: of rtnl_link_stats64, as ip(8) groups them: rx.packets ...
link_stat() { ip -n "$1" -j -s link show dev "$2" | jq -r ".[0].stats64.$3"; }

# stat NS DEV COUNTER: one of mmesh's own counters.
stat() { n "$1" mmesh -j stat show dev "$2" | jq -er --arg c "$3" '.. | objects | .[$c]? // empty' | head -n 1; }

# has_stats NS DEV: is it a device with named counters?
has_stats() { [ "${KIND_OF[$1/$2]:-$MMESH_KIND}" = mmesh ]; }

# pair: namespaces A and B, a cable (va 10.9.0.1 fd09::1, vb .2 ::2), a tunnel
# ($DA 192.168.241.1 fd00:9::1, $DB .2 ::2). Options as variables:
#   OUTER 4|6; MTU of the tunnel; CABLE_MTU; KINDS "KIND_A KIND_B"; PSK 1;
#   KEEPALIVE seconds; ENDPOINTS both|a (only A knows where B is)
pair()
{
	ns A B
	veth "$A" va "$B" vb "${CABLE_MTU:-1500}"
	addr "$A" va 10.9.0.1/24 fd09::1/64
	addr "$B" vb 10.9.0.2/24 fd09::2/64
	IP_A=10.9.0.1 IP_B=10.9.0.2 IP6_A=fd09::1 IP6_B=fd09::2
	pair_tunnels
}

# routed_pair: the same with a router R between them: A's cable is va (10.9.1.1
# fd09:1::1), B's vb (10.9.2.1 fd09:2::1), R's ends are ra and rb (.254 ::254).
routed_pair()
{
	ns A B R
	veth "$A" va "$R" ra "${CABLE_MTU:-1500}"
	veth "$B" vb "$R" rb "${CABLE_MTU:-1500}"
	addr "$A" va 10.9.1.1/24 fd09:1::1/64
	addr "$B" vb 10.9.2.1/24 fd09:2::1/64
	addr "$R" ra 10.9.1.254/24 fd09:1::254/64
	addr "$R" rb 10.9.2.254/24 fd09:2::254/64
	ip -n "$A" route add default via 10.9.1.254
	ip -n "$A" -6 route add default via fd09:1::254
	ip -n "$B" route add default via 10.9.2.254
	ip -n "$B" -6 route add default via fd09:2::254
	n "$R" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	IP_A=10.9.1.1 IP_B=10.9.2.1 IP6_A=fd09:1::1 IP6_B=fd09:2::1
	pair_tunnels
}

pair_tunnels()
{
	local kind_a kind_b common=()

	read -r kind_a kind_b <<<"${KINDS:-$MMESH_KIND $MMESH_KIND}"
	DA=mm0 DB=mm0
	# wireguard-go's control sockets share one directory.
	[ "$kind_a" != wireguard-go ] || DA=go$((BASHPID % 100000))a$NS_COUNT
	[ "$kind_b" != wireguard-go ] || DB=go$((BASHPID % 100000))b$NS_COUNT
	tunnel "$A" "$DA" "$kind_a"
	tunnel "$B" "$DB" "$kind_b"
	keys A B
	if [ "${PSK:-0}" = 1 ]; then
		(umask 077; wg genpsk >"$TMP/psk")
		common+=(preshared-key "$TMP/psk")
	fi
	[ -z "${KEEPALIVE:-}" ] || common+=(persistent-keepalive "$KEEPALIVE")
	if [ "${OUTER:-4}" = 4 ]; then
		EP_A=$IP_A:1001 EP_B=$IP_B:1002
	else
		EP_A=[$IP6_A]:1001 EP_B=[$IP6_B]:1002
	fi
	wgc "$A" set "$DA" private-key "${PRIV[A]}" listen-port 1001 \
		peer "${PUB[B]}" "${common[@]}" allowed-ips 192.168.241.2/32,fd00:9::2/128 \
		endpoint "$EP_B"
	if [ "${ENDPOINTS:-both}" = both ]; then
		common+=(endpoint "$EP_A")
	fi
	wgc "$B" set "$DB" private-key "${PRIV[B]}" listen-port 1002 \
		peer "${PUB[A]}" "${common[@]}" allowed-ips 192.168.241.1/32,fd00:9::1/128
	ip -n "$A" -batch - <<-EOT
		addr add 192.168.241.1/24 dev $DA
		addr add fd00:9::1/64 dev $DA nodad
		link set $DA mtu ${MTU:-1420} up
	EOT
	ip -n "$B" -batch - <<-EOT
		addr add 192.168.241.2/24 dev $DB
		addr add fd00:9::2/64 dev $DB nodad
		link set $DB mtu ${MTU:-1420} up
	EOT
}

# net_behind_b MTU: a namespace C behind B of a pair, by a cable (vc 10.8.0.1 fd08::1, vd .2 ::2) of that MTU; it knows
# nothing of the tunnel, through which A reaches it.
net_behind_b()
{
	ns C
	veth "$B" vc "$C" vd "$1"
	addr "$B" vc 10.8.0.1/24 fd08::1/64
	addr "$C" vd 10.8.0.2/24 fd08::2/64
	n "$B" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	ip -n "$C" route add default via 10.8.0.1
	ip -n "$C" -6 route add default via fd08::1
	wgc "$A" set "$DA" peer "${PUB[B]}" \
		allowed-ips 192.168.241.2/32,fd00:9::2/128,10.8.0.0/24,fd08::/64
	ip -n "$A" route add 10.8.0.0/24 dev "$DA"
	ip -n "$A" -6 route add fd08::/64 dev "$DA"
}

# pings NS ADDR [SECONDS]: one answer within the time.
pings() { n "$1" ping -q -c 1 -W "${3:-5}" "$2" >/dev/null; }
silent() { ! n "$1" ping -q -c 1 -W "${3:-1}" "$2" >/dev/null; }

# both_ways: the pair reaches one another in both inner families.
both_ways() {
	pings "$A" 192.168.241.2 && pings "$B" 192.168.241.1 &&
		pings "$A" fd00:9::2 && pings "$B" fd00:9::1
}

# --- traffic ---------------------------------------------------------------

# tcp FROM_NS TO_NS ADDR BYTES: a stream whose every byte is compared.
tcp() {
	local seed=$RANDOM$RANDOM port=$((2000 + RANDOM % 20000)) fd line

	exec {fd}< <(exec "$TRAFFIC" recv -N "$2" -b "$3" -n "$4" -s "$seed" -t "${IDLE_MS:-30000}" "$port")
	echo $! >>"$TMP/pids"
	read -rt 30 -u "$fd" line || fail "the receiver did not start"
	"$TRAFFIC" send -N "$1" -n "$4" -s "$seed" -t "${IDLE_MS:-30000}" "$3" "$port" ||
		fail "sending $4 bytes to $3: $(timeout 5 cat <&"$fd")"
	read -rt 40 -u "$fd" line || fail "the receiver of $4 bytes at $3 said nothing"
	exec {fd}<&-
	expect_eq "$line" "received=$4 good=1" "TCP to $3"
}

# stream NAME FROM_NS TO_NS ADDR: such a stream that goes on until stream_end
# NAME, which compares what was sent and what arrived, at least MIN bytes.
declare -A STREAM_TX STREAM_RX STREAM_PID
stream()
{
	local seed=$RANDOM$RANDOM port=$((2000 + RANDOM % 20000)) rx tx line

	exec {rx}< <(exec "$TRAFFIC" recv -N "$3" -b "$4" -s "$seed" -t "${IDLE_MS:-60000}" "$port")
	echo $! >>"$TMP/pids"
	read -rt 30 -u "$rx" line || fail "the receiver did not start"
	exec {tx}< <(exec "$TRAFFIC" send -N "$2" -s "$seed" -t "${IDLE_MS:-60000}" "$4" "$port")
	STREAM_PID[$1]=$!
	echo $! >>"$TMP/pids"
	STREAM_TX[$1]=$tx STREAM_RX[$1]=$rx
}
stream_end()
{
	local sent received

	kill -0 "${STREAM_PID[$1]}" || fail "stream $1 had ended before"
	kill -TERM "${STREAM_PID[$1]}"
	read -rt 70 -u "${STREAM_TX[$1]}" sent || fail "the sender of stream $1 said nothing"
	read -rt 70 -u "${STREAM_RX[$1]}" received || fail "the receiver of stream $1 said nothing"
	[[ $sent == *good=1* ]] || fail "stream $1: $sent; $received"
	expect_eq "$received" "received=${sent#sent=}" "stream $1"
	sent=${sent#sent=}
	expect_ge "${sent%% *}" "${2:-100000}" "bytes of stream $1"
}

# udp FROM_NS TO_NS ADDR DATAGRAMS LENGTH [RATE]: what the receiver saw is put
# into R_received, R_unique, R_duplicate, R_reordered, R_corrupt, R_sent.
udp() {
	local seed=$RANDOM$RANDOM port=$((2000 + RANDOM % 20000)) fd line sent word

	exec {fd}< <(exec "$TRAFFIC" recv -N "$2" -u -b "$3" -n "$4" -s "$seed" -t "${IDLE_MS:-3000}" "$port")
	echo $! >>"$TMP/pids"
	read -rt 30 -u "$fd" line || fail "the receiver did not start"
	sent=$("$TRAFFIC" send -N "$1" -u -n "$4" -s "$seed" -l "$5" -r "${6:-0}" "$3" "$port")
	read -rt 60 -u "$fd" line || fail "the receiver at $3 said nothing"
	exec {fd}<&-
	for word in $line $sent; do
		printf -v "R_${word%%=*}" %s "${word#*=}"
	done
	expect_eq "$R_corrupt" 0 "corrupt datagrams of $line"
}

# sniff VAR NS DEV [COUNT] [IDLE_MS]: capture into a file, named in VAR.
sniff()
{
	local _fd _file line

	SNIFFS=$((SNIFFS + 1))
	_file=$TMP/sniff.$BASHPID.$SNIFFS
	exec {_fd}< <(exec "$TRAFFIC" sniff -N "$2" -n "${4:-0}" -t "${5:-10000}" -o "$_file" "$3")
	SNIFF_PID=$!
	echo "$SNIFF_PID" >>"$TMP/pids"
	read -rt 30 -u "$_fd" line || fail "the sniffer did not start"
	SNIFF_FD=$_fd
	printf -v "$1" %s "$_file"
}

# sniffed FILE: stop the newest sniffer and print what it saw.
sniffed()
{
	local line

	kill -TERM "$SNIFF_PID" 2>/dev/null || true
	# Its end closes the pipe.
	read -rt 20 -u "$SNIFF_FD" line || true
	cat "$1"
}

# volume N: N at native speed, a twentieth of it on an emulated processor.
volume() { if [ "$MMESH_SLOW" = 1 ]; then echo $((($1 + 19) / 20)); else echo "$1"; fi; }

# --- the kernel ------------------------------------------------------------

# need_module NAME ...: load what a test's set-up needs, or skip the test.
need_module() {
	local m

	for m; do
		[ -d "/sys/module/${m//-/_}" ] || modprobe -q "$m" 2>/dev/null || true
	done
}

need_command() {
	local c

	for c; do
		command -v "$c" >/dev/null || skip_test "$c is not installed"
	done
}

# need_kind KIND: skip unless such links can be made here.
need_kind() {
	local probe=p$BASHPID

	case $1 in
	wireguard-go)
		need_command wireguard-go wg
		[ -c /dev/net/tun ] || skip_test "no /dev/net/tun"
		;;
	*)
		ip link add "$probe" type "$1" 2>/dev/null || skip_test "no $1 links in this kernel"
		ip link del "$probe"
		;;
	esac
}

# netem NS DEV ARGS ...: replaces the queueing discipline.
netem() {
	need_module sch_netem
	tc -n "$1" qdisc replace dev "$2" root netem "${@:3}" limit 10000
}

module_users() { cat "/sys/module/$MMESH_KIND/refcnt" 2>/dev/null || echo absent; }

kernel_complaints() {
	dmesg 2>/dev/null |
		grep -E 'BUG:|WARNING:|Oops|unregister_netdevice: waiting|possible recursive|inconsistent lock|suspicious RCU|scheduling while atomic|objects remaining' |
		grep -v 'lib/stackdepot.c' || true
}

# --- running ---------------------------------------------------------------

# What a test left behind: its process group and its namespaces.
clean_up_after()
{
	local name

	kill -KILL -- "-$1"
	if [ -e "$TMP/pids" ]; then
		xargs -r kill -KILL <"$TMP/pids"
	fi
	if [ -e "$TMP/namespaces" ]; then
		while read -r name; do
			[ ! -e "/run/netns/$name" ] || echo "netns del $name"
		done <"$TMP/namespaces" | ip -force -batch -
	fi
} 2>/dev/null

# Runs one function; its process group has a time limit.
run_one() {
	local name=$1 limit=${TEST_LIMIT:-240} rc pid dog begin=$SECONDS TMP=$TMP/$1

	mkdir "$TMP"
	[ "$MMESH_SLOW" != 1 ] || limit=$((limit * 2))
	set -m		# a process group of its own
	(
		set +m
		set -eE
		trap 'echo "FAIL: time limit" >&2; exit 124' TERM
		set -x
		"test_$name"
	) >"$TMP/log" 2>&1 &
	pid=$!
	set +m
	# Bash delivers the signal when the foreground command has ended, so the
	# children go first.
	(
		read -rt "$limit" -u "$WAIT_FD" _
		kill -TERM "$pid"
		pkill -KILL -P "$pid"
	) 2>/dev/null &
	dog=$!
	wait "$pid" 2>/dev/null
	rc=$?
	clean_up_after "$pid"
	kill "$dog" 2>/dev/null
	wait "$dog" 2>/dev/null
	echo "# $SUITE: $name took $((SECONDS - begin)) s"
	case $rc in
	0) ok "$name" ;;
	77) skip "$name" "$(cat "$TMP/skip" 2>/dev/null)" ;;
	*)
		not_ok "$name"
		grep -h '^FAIL' "$TMP/log" | tail -n 3 | sed 's/^/#   /'
		tail -n "${MMESH_LOG_LINES:-40}" "$TMP/log" | sed 's/^/#   | /'
		if [ -n "${MMESH_KEEP:-}" ]; then
			mkdir -p "$MMESH_KEEP"
			cp "$TMP/log" "$MMESH_KEEP/${SUITE//\//-}-$name.log"
		fi
		;;
	esac
}

# After the last test nothing of it may be left in the kernel.
check_leftovers() {
	local end=$((SECONDS + 30)) complaints

	[ "$MMESH_KIND" != wireguard-go ] || return 0
	while [ "$(module_users)" != 0 ] && [ "$(module_users)" != absent ] && [ "$SECONDS" -lt "$end" ]; do
		snooze 0.1
	done
	case $(module_users) in
	0 | absent) ok "no device is left" ;;
	*) not_ok "no device is left"; echo "#   module users: $(module_users)" ;;
	esac
	complaints=$(kernel_complaints)
	if [ "$complaints" = "$COMPLAINTS_BEFORE" ]; then
		ok "the kernel did not complain"
	else
		not_ok "the kernel did not complain"
		echo "$complaints" | sed 's/^/#   /'
	fi
}

# run_tests [NAME ...]: all test_ functions of the script in the order in
# which they are defined and those of the file $MORE_TESTS, or the named ones.
# PARALLEL=1 runs them at once, for suites that wait for timers. On emulated
# processors those of $SLOW_OMIT are left out: what they do is done by others in
# another combination.
run_tests() {
	local all name

	[ "$(id -u)" = 0 ] || { skip all "needs root"; exit 0; }
	if [ -z "$TRAFFIC" ]; then
		TRAFFIC=$TEST_TOP/build/tests/traffic
		"$TEST_TOP/tests/build-traffic" || exit 2
	fi
	trap 'rm -rf "$TMP"' EXIT
	mkdir -p /run/netns
	# A host that starves the kernel must not look like a lossy network.
	[ -z "${MMESH_LAB_KERNEL:-}" ] || sysctl -qw net.core.netdev_max_backlog=20000 || true
	# In virtual time hardly any has passed since the boot, and ping(8) takes a clock below a second for one not set.
	read -r UPTIME _ </proc/uptime
	[ "${UPTIME%.*}" -ge 1 ] || snooze 1
	key_pool
	COMPLAINTS_BEFORE=$(kernel_complaints)
	echo "# $SUITE: kernel $(uname -r), kind $MMESH_KIND, seed $SEED"
	mapfile -t all < <(sed -n 's/^test_\([a-z0-9_]*\)().*/\1/p' "$0" ${MORE_TESTS:-})
	if [ $# -gt 0 ]; then
		all=("$@")
	elif [ "$MMESH_SLOW" = 1 ]; then
		for name in ${SLOW_OMIT:-}; do
			mapfile -t all < <(printf '%s\n' "${all[@]}" | grep -vx "$name")
		done
	fi
	if [ "${PARALLEL:-0}" = 1 ]; then
		for name in "${all[@]}"; do
			run_one "$name" >"$TMP/$name.result" &
		done
		wait
		for name in "${all[@]}"; do
			cat "$TMP/$name.result"
			PASSED=$((PASSED + $(grep -c '^ok' "$TMP/$name.result")))
			FAILED=$((FAILED + $(grep -c '^not ok' "$TMP/$name.result")))
			SKIPPED=$((SKIPPED + $(grep -c '^skip' "$TMP/$name.result")))
		done
	else
		for name in "${all[@]}"; do
			run_one "$name"
		done
	fi
	check_leftovers
	echo "# $SUITE: $PASSED passed, $FAILED failed, $SKIPPED skipped"
	[ "$FAILED" = 0 ]
}
