#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The lab keeps its contract: streams, exit status, files, and above all that it notices trouble. Arguments: kernels
# (all when there are none).

set -u

TOP=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
LAB=$TOP/scripts/lab
TMP=$(mktemp -d "${TMPDIR:-/tmp}/mmesh-labtest.XXXXXX")
FAILED=0
KERNEL=

trap 'rm -rf -- "$TMP"' EXIT

ok() { echo "ok - lab: $KERNEL: $1"; }

not_ok()
{
	echo "not ok - lab: $KERNEL: $1"
	[[ ! ${2:-} ]] || sed 's/^/# /' <<<"$2"
	FAILED=1
}

# is NAME GOT WANTED
is()
{
	if [[ $2 == "$3" ]]; then
		ok "$1"
	else
		not_ok "$1" "got '$2', wanted '$3'"
	fi
}

# inside COMMAND...: runs it with our module; leaves $OUT, $ERR and $RC.
inside()
{
	RC=0
	"$LAB" run -k "$KERNEL" -- "$@" >"$TMP/out" 2>"$TMP/err" </dev/null || RC=$?
	OUT=$(<"$TMP/out")
	ERR=$(<"$TMP/err")
}

# Everything about one ordinary run, in one boot.
ordinary()
{
	local script

	mkdir -p "$TMP/dir"
	script='
		echo out; echo err >&2
		echo "cwd $PWD"
		echo "pass ${MMESH_LABTEST-unset} ci ${CI-unset} drop ${LABTEST_DROP-unset}"
		echo "user $(id -u)"
		echo "module $([ -d /sys/module/mmesh ] && echo loaded) $([ -e "$MMESH_KO" ] && echo there)"
		echo "kunit $([ -e "${MMESH_KUNIT_KO:-/none}" ] && echo there || echo none)"
		echo "kernel $MMESH_LAB_KERNEL"
		echo "path ${PATH%%:*}"
		ip netns add lab0 && ip -n lab0 link add v0 type veth peer name v1 && echo "netns $(ip netns list | cut -d" " -f1)"
		ip link add d0 type dummy && echo "dummy made"
		modprobe nf_tables && modprobe sch_netem && modprobe vrf && echo "modules found"
		echo inside >written
		dmesg | grep -q "mmesh-lab: begin" && echo "dmesg there"
		exit 7'
	(
		cd "$TMP/dir" || exit 1
		export MMESH_LABTEST='a b' CI=yes LABTEST_DROP=1
		"$LAB" run -k "$KERNEL" -- bash -c "$script" >"$TMP/out" 2>"$TMP/err" </dev/null
	)
	is "exit status" $? 7
	is "standard output" "$(head -n 1 "$TMP/out")" out
	is "standard error" "$(<"$TMP/err")" err
	is "working directory" "$(grep '^cwd' "$TMP/out")" "cwd $TMP/dir"
	is "environment" "$(grep '^pass' "$TMP/out")" "pass a b ci yes drop unset"
	is "root" "$(grep '^user' "$TMP/out")" "user 0"
	is "mmesh.ko" "$(grep '^module ' "$TMP/out")" "module loaded there"
	is "kunit module" "$(grep '^kunit' "$TMP/out")" "kunit $([[ $KERNEL == uml* ]] && echo there || echo none)"
	is "name of the kernel" "$(grep '^kernel' "$TMP/out")" "kernel $KERNEL"
	is "path" "$(grep '^path' "$TMP/out")" "path $TOP/build/bin"
	is "namespaces" "$(grep '^netns' "$TMP/out")" "netns lab0"
	is "link kinds" "$(grep '^dummy' "$TMP/out")" "dummy made"
	is "modprobe" "$(grep '^modules' "$TMP/out")" "modules found"
	is "kernel log" "$(grep '^dmesg' "$TMP/out")" "dmesg there"
	if [[ $KERNEL == uml* ]]; then
		is "files written are real" "$(cat "$TMP/dir/written" 2>&1)" inside
	else
		is "files written stay inside" "$([[ -e $TMP/dir/written ]] && echo out || echo in)" in
	fi
	rm -rf "$TMP/dir"
}

# Each byte arrives, through a slow reader too.
bytes()
{
	local want got

	want=$(for i in {1..40}; do seq 1 9999; printf '\0\r\n\377\004\003'; done | sha256sum)
	got=$("$LAB" run -n -k "$KERNEL" -- bash -c \
		'for i in {1..40}; do seq 1 9999; printf "\0\r\n\377\004\003"; done' </dev/null 2>/dev/null |
		{ head -c 100; read -rt 1 _ <> <(:); cat; } | sha256sum)
	is "output to the byte" "$got" "$want"
	got=$("$LAB" run -n -k "$KERNEL" -- bash -c 'for i in {1..500}; do echo out; echo err >&2; done' </dev/null 2>&1 |
		uniq -c | awk '$1 != 1' | wc -l)
	is "one stream for both keeps its order" "$got" 0
}

TROUBLE_KO=

# trouble KIND STATUS PATTERN: a run in which the module makes this trouble.
trouble()
{
	inside insmod "$TROUBLE_KO" "kind=$1"
	is "$1: status" "$RC" "$2"
	if grep -qE -- "$3" <<<"$ERR"; then
		ok "$1: said"
	else
		not_ok "$1: said" "${ERR:-nothing}"
	fi
}

troubles()
{
	TROUBLE_KO=$("$LAB" extra "$KERNEL" "$TOP/scripts/lab.d/trouble") || {
		not_ok "trouble module"
		return
	}
	trouble warning 99 'WARNING: .*make_warning'
	trouble panic 98 'the kernel died.*'
	[[ $KERNEL == uml-debug ]] || return 0
	trouble use-after-free 99 'KASAN: slab-use-after-free'
	trouble overflow 99 'KASAN: slab-out-of-bounds'
	trouble deadlock 99 'possible circular locking dependency'
	trouble sleep 99 'scheduling while atomic|sleeping function called'
	trouble rcu 99 'suspicious RCU usage'
	trouble shift 99 'UBSAN: shift-out-of-bounds'
	trouble leak 99 'make_leak|unreferenced object'
	trouble refcount 99 'refcount_t: addition on 0'
	inside cat /proc/lockdep_stats /sys/kernel/debug/kmemleak
	is "lockdep is alive" "$(sed -n 's/^ *debug_locks: *//p' <<<"$OUT")" 1
	is "nothing to complain about" "$RC $ERR" "0 "
}

# The command's own failure is the status, whatever the kernel says.
precedence()
{
	inside bash -c "insmod $TROUBLE_KO kind=warning; exit 3"
	is "the command's failure comes first" "$RC" 3
	inside bash -c 'echo "<4>BUG: not really" >/dev/kmsg'
	is "a complaint fails a good command" "$RC" 99
	inside bash -c 'echo "<6>mmesh: a DEBUG: of WARNINGs, INFO: no bug at all, oops" >/dev/kmsg'
	is "harmless words do not" "$RC" 0
}

processes_of_lab() { pgrep -f "$TMP/run/mmesh-lab" | wc -l; }

# Whatever ends a run, nothing of it stays.
endings()
{
	local pid rc try

	mkdir -p "$TMP/run"
	TMPDIR=$TMP/run "$LAB" run -n -t 3 -k "$KERNEL" -- bash -c "insmod $TROUBLE_KO kind=hang" >/dev/null 2>"$TMP/err" </dev/null
	is "hang: status" $? 124
	is "hang: nothing is left" "$(processes_of_lab) $(ls "$TMP/run")" "0 "
	mkfifo "$TMP/begun"
	TMPDIR=$TMP/run "$LAB" run -n -k "$KERNEL" -- bash -c 'echo begun; exec sleep 600' >"$TMP/begun" 2>/dev/null </dev/null &
	pid=$!
	head -n 1 "$TMP/begun" >/dev/null
	kill -TERM "$pid"
	wait "$pid"
	rc=$?
	is "interrupted: status" "$rc" 130
	is "interrupted: nothing is left" "$(processes_of_lab) $(ls "$TMP/run")" "0 "
	TMPDIR=$TMP/run "$LAB" run -n -k "$KERNEL" -- bash -c 'echo begun; exec sleep 600' >"$TMP/begun" 2>/dev/null </dev/null &
	pid=$!
	head -n 1 "$TMP/begun" >/dev/null
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null
	for ((try = 0; try < 100; try++)); do
		[[ $(pgrep -f "uml_dir=$TMP/run/mmesh-lab" | wc -l) != 0 ]] || break
		read -rt 0.1 _ <> <(:)
	done
	is "killed: its kernel goes too" "$(pgrep -f "uml_dir=$TMP/run/mmesh-lab" | wc -l)" 0
	rm -rf "$TMP/run" "$TMP/begun"
}

# A kernel that panics before its init is booted again: here the first one finds no init.
early_panic()
{
	local pid rc try init=

	mkdir -p "$TMP/run"
	TMPDIR=$TMP/run "$LAB" run -n -k "$KERNEL" -- echo second >"$TMP/out" 2>"$TMP/err" </dev/null &
	pid=$!
	for ((try = 0; try < 600; try++)); do
		for init in "$TMP"/run/mmesh-lab.*/init; do
			[[ ! -x $init ]] || break 2
		done
		read -rt 0.05 _ <> <(:)
	done
	rm -f "$init"
	wait "$pid"
	rc=$?
	is "panic before init: the next boot counts" "$rc $(<"$TMP/out")" "0 second"
	is "panic before init: said" "$(grep -q 'died before its init began' "$TMP/err" && echo said)" said
	is "panic before init: nothing is left" "$(processes_of_lab) $(ls "$TMP/run")" "0 "
	rm -rf "$TMP/run"
}

refusals()
{
	local said

	said=$("$LAB" run -k 5.4 true 2>&1)
	is "an unknown kernel is named" "$? ${said#*error: }" "1 no kernel '5.4': the lab has: uml uml-debug 6.1 6.12 7"
	said=$("$LAB" run -k uml -c 2 true 2>&1)
	is "uml has one processor" "$? ${said#*error: }" "1 run: uml has one processor; uml-debug can have more"
	said=$("$LAB" run -t soon true 2>&1)
	is "a timeout is a number" "$? ${said#*error: }" "1 run: timeout 'soon' is not a number of seconds"
	said=$("$LAB" run 2>&1 | head -n 1)
	is "a command is needed" "$said" "lab: run: COMMAND is missing"
}

proof()
{
	if "$LAB" selftest uml >"$TMP/log" 2>&1; then
		ok "vector crypto: $(tr '\n' ',' <"$TMP/log")"
	else
		not_ok "vector crypto" "$(<"$TMP/log")"
	fi
}

one_kernel()
{
	KERNEL=$1
	"$LAB" build "$KERNEL" >"$TMP/log" 2>&1 || {
		not_ok "build" "$(tail -n 20 "$TMP/log")"
		return
	}
	ordinary
	bytes
	troubles
	case $KERNEL in
	uml)
		precedence
		endings
		refusals
		proof
		;;
	uml-debug) ;;
	*)
		inside nproc
		is "two processors" "$OUT" 2
		early_panic
		;;
	esac
}

main()
{
	local kernel

	(($#)) || set -- uml uml-debug 6.1 6.12 7
	for kernel; do
		one_kernel "$kernel"
	done
	exit $FAILED
}

main "$@"
