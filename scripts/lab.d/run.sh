# SPDX-License-Identifier: Apache-2.0
# Runs one command inside one kernel: prepares what guest/init needs, boots, waits, judges, cleans up.

RUN_DIR=
RUN_PGID=
RUN_READERS=()
RUN_STTY=

# Exit codes of the lab itself; anything else is the command's.
RUN_EXIT_LOG=99		# the kernel complained
RUN_EXIT_DIED=98	# the kernel died, or never came up
RUN_EXIT_TIME=124	# too long

run_cleanup()
{
	trap '' INT TERM HUP
	if [[ $RUN_PGID ]]; then
		kill -KILL -- "-$RUN_PGID" 2>/dev/null || :
		wait "$RUN_PGID" 2>/dev/null || :
	fi
	if ((${#RUN_READERS[@]})); then
		kill "${RUN_READERS[@]}" 2>/dev/null || :
	fi
	[[ ! $RUN_STTY ]] || stty "$RUN_STTY"
	[[ -z $RUN_DIR || ${MMESH_LAB_KEEP:-} ]] || rm -rf -- "$RUN_DIR"
}

run_interrupted()
{
	say "interrupted"
	run_cleanup
	trap - EXIT
	exit 130
}

run_make_dir()
{
	local base=${TMPDIR:-/tmp}

	# The path becomes part of a kernel command line and of QEMU's comma-separated options.
	[[ $base =~ ^[A-Za-z0-9._/-]+$ ]] || base=/tmp
	RUN_DIR=$(mktemp -d "$base/mmesh-lab.XXXXXX")
	mkdir "$RUN_DIR/bin"
	: >"$RUN_DIR/report"
	: >"$RUN_DIR/console"
}

# Looks at the caller's streams. RUN_ONE_STREAM: both outputs are the same, as in 2>&1, and need one channel, or lines
# would change places. RUN_STDIN: "tty", a file, or nothing.
run_look_at_streams()
{
	RUN_ONE_STREAM=
	[[ ! /proc/self/fd/1 -ef /proc/self/fd/2 ]] || RUN_ONE_STREAM=1
	RUN_STDIN=
	if [[ -t 0 && -t 1 ]]; then
		RUN_STDIN=tty
	elif [[ -f /proc/self/fd/0 ]]; then
		RUN_STDIN=$(readlink /proc/$$/fd/0)
	fi
	RUN_TERM=dumb
	[[ ! -t 1 ]] || RUN_TERM=${TERM:-dumb}
	# What runs in the background would get /dev/null for it.
	exec {RUN_STDIN_FD}<&0
	[[ $RUN_STDIN != tty ]] || RUN_STTY=$(stty -g)
}

run_write_env()
{
	local kernel=$1 dir=$2 modules name

	modules=$(modules_dir "$kernel")
	{
		printf 'LAB_KIND=%q\n' "$(kernel_flavour "$kernel")"
		printf 'LAB_CWD=%q\n' "$PWD"
		printf 'LAB_ONE_STREAM=%q\n' "$RUN_ONE_STREAM"
		printf 'LAB_STDIN=%q\n' "$RUN_STDIN"
		[[ $RUN_STDIN != tty ]] || printf 'LAB_TTY_SIZE=%q\n' "$(stty size)"
		printf 'LAB_PATH=%q\n' "$LAB_TOP/build/bin:$RUN_DIR/bin:$PATH:/usr/local/sbin:/usr/sbin:/sbin"
		printf 'export HOME=%q USER=root LOGNAME=root SHELL=/bin/bash TERM=%q LANG=%q\n' \
			"${HOME:-/root}" "$RUN_TERM" "${LANG:-C.UTF-8}"
		for name in CI ${!MMESH_*}; do
			[[ -z ${!name+set} ]] || printf 'export %s=%q\n' "$name" "${!name}"
		done
		printf 'export MMESH_LAB_KERNEL=%q\n' "$kernel"
		if [[ $RUN_MODULE ]]; then
			printf 'LAB_DEPENDS=%q\n' "$(<"$modules/.depends")"
			printf 'export MMESH_KO=%q\n' "$modules/kmod/mmesh.ko"
			[[ ! -e $modules/kunit/mmesh_kunit.ko ]] ||
				printf 'export MMESH_KUNIT_KO=%q\n' "$modules/kunit/mmesh_kunit.ko"
		else
			printf 'LAB_DEPENDS=\nMMESH_KO=\n'
		fi
	} >"$RUN_DIR/env"
	for name in modprobe modinfo; do
		printf '#!/bin/sh\nexec %s %s %q "$@"\n' "$(PATH=$PATH:/usr/sbin:/sbin command -v "$name")" \
			"$([[ $name == modprobe ]] && echo -d || echo -b)" "$dir/root" >"$RUN_DIR/bin/$name"
	done
	printf '#!/bin/bash\nexec %q %q\n' "$LAB_LIB/guest/init" "$RUN_DIR" >"$RUN_DIR/init"
	chmod +x "$RUN_DIR"/bin/* "$RUN_DIR/init"
}

run_write_command()
{
	printf 'exec' >"$RUN_DIR/command"
	printf ' %q' "$@" >>"$RUN_DIR/command"
	printf '\n' >>"$RUN_DIR/command"
}

# run_reader NAME FD: passes on what QEMU writes to the pipe NAME.
run_reader()
{
	local name=$1 fd=$2

	mkfifo "$RUN_DIR/$name"
	cat <"$RUN_DIR/$name" >&"$fd" &
	RUN_READERS+=($!)
}

# run_follower NAME FD: passes on what appears in the file NAME until the kernel has ended.
run_follower()
{
	local name=$1 fd=$2

	tail -q -c +1 -s 0.02 --pid="$RUN_PGID" -f "$RUN_DIR/$name" >&"$fd" 2>/dev/null &
	RUN_READERS+=($!)
}

# Ends with the kernel, or with status RUN_EXIT_TIME.
run_wait()
{
	local timeout=$1 start=$SECONDS pid

	(
		exec >/dev/null 2>&1 </dev/null
		sleep "$timeout"
		# A lab that was killed has no kernel any more, and the number may be another's.
		kill -0 $$ || exit
		touch "$RUN_DIR/timeout"
		kill -KILL -- "-$RUN_PGID"
	) &
	pid=$!
	wait "$RUN_PGID" 2>/dev/null || :
	kill -KILL -- "-$RUN_PGID" 2>/dev/null || :
	RUN_PGID=
	pkill -KILL -P "$pid" 2>/dev/null || :
	kill -KILL "$pid" 2>/dev/null || :
	wait "$pid" 2>/dev/null || :
	wait "${RUN_READERS[@]}" 2>/dev/null || :
	RUN_READERS=()
	[[ ! -e $RUN_DIR/timeout ]] || say "no end after $((SECONDS - start)) s: stopped (-t SECONDS or MMESH_LAB_TIMEOUT allow more)"
}

# Uses kernel, dir, cpus and timeout of its caller.
run_once()
{
	run_make_dir
	run_write_env "$kernel" "$dir"
	run_write_command "$@"
	"$(kernel_flavour "$kernel")_boot" "$kernel" "$dir" "$cpus"
	run_wait "$timeout"
}

# QEMU's software emulation now and then executes an instruction that another processor is just patching (jump labels),
# which kills a booting kernel. COMMAND has not begun then, so nothing of it can be the cause.
run_never_began()
{
	[[ $(kernel_flavour "$kernel") == stock && ! -e $RUN_DIR/timeout && ! -s $RUN_DIR/report ]] &&
		! grep -q 'mmesh-lab: begin' "$RUN_DIR/console" && grep -q 'Kernel panic' "$RUN_DIR/console"
}

run_kernel()
{
	local kernel=$1 timeout=$2 cpus=$3 dir status

	shift 3
	kernel_ensure "$kernel"
	if [[ $RUN_MODULE ]]; then
		W='' C='' modules_update "$kernel" || exit 1
	fi
	dir=$(kernel_dir "$kernel")
	trap run_cleanup EXIT
	trap run_interrupted INT TERM HUP
	run_look_at_streams
	run_once "$@"
	for _ in 1 2; do
		run_never_began || break
		say "$kernel: died before its init began, for the emulated processor; booting again"
		rm -rf -- "$RUN_DIR"
		run_once "$@"
	done
	judge_run "$kernel"
}

run_usage()
{
	cat >&2 <<'EOT'
usage: scripts/lab run [-k KERNEL] [-c CPUS] [-t SECONDS] [-n] [--] COMMAND [ARG ...]
  -k KERNEL   uml (default), uml-debug, 6.1, 6.12 or 7
  -c CPUS     processors (uml has one; the others two unless told)
  -t SECONDS  stop a run that takes longer (default 900)
  -n          do not build and load mmesh.ko
EOT
	exit 2
}

lab_run()
{
	local kernel=uml cpus='' timeout=${MMESH_LAB_TIMEOUT:-900} opt OPTIND=1 OPTARG

	RUN_MODULE=1
	while getopts ':k:c:t:n' opt; do
		case $opt in
		k) kernel=$OPTARG ;;
		c) cpus=$OPTARG ;;
		t) timeout=$OPTARG ;;
		n) RUN_MODULE= ;;
		:) say "run: -$OPTARG needs a value"; run_usage ;;
		*) say "run: no option -$OPTARG"; run_usage ;;
		esac
	done
	shift $((OPTIND - 1))
	(($#)) || { say "run: COMMAND is missing"; run_usage; }
	kernel_flavour "$kernel" >/dev/null
	[[ $timeout =~ ^[1-9][0-9]*$ ]] || die "run: timeout '$timeout' is not a number of seconds"
	[[ -z $cpus || $cpus =~ ^[1-9]$ ]] || die "run: CPUS '$cpus' is not a number from 1 to 9"
	[[ $kernel != uml || ${cpus:-1} == 1 ]] || die "run: uml has one processor; uml-debug can have more"
	run_kernel "$kernel" "$timeout" "$cpus" "$@"
}
