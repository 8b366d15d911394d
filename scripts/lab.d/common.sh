# SPDX-License-Identifier: Apache-2.0
# Shared by every part of the lab: messages, the cache, locks, retries.

LAB_CACHE=${MMESH_LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mmesh-lab}
LAB_JOBS=${MMESH_LAB_JOBS:-2}
LAB_KERNELS="uml uml-debug 6.1 6.12 7"

say()
{
	printf 'lab: %s\n' "$*" >&2
}

die()
{
	printf 'lab: error: %s\n' "$*" >&2
	exit 1
}

need()
{
	local prog

	for prog; do
		command -v "$prog" >/dev/null ||
			die "program '$prog' is missing: run scripts/install-deps as root"
	done
}

# The kernel's flavour: which family of code handles it.
kernel_flavour()
{
	case $1 in
	uml | uml-debug) echo uml ;;
	6.1 | 6.12 | 7) echo stock ;;
	*) die "no kernel '$1': the lab has: $LAB_KERNELS" ;;
	esac
}

# retry N COMMAND...: mirrors and proxies fail now and then, and the next try mostly succeeds.
retry()
{
	local tries=$1 try

	shift
	for ((try = 1; try <= tries; try++)); do
		"$@" && return 0
		((try == tries)) || { say "try $try of $tries failed: $*"; sleep $((try * 2)); }
	done
	return 1
}

# with_lock NAME COMMAND...: one holder at a time, and whoever comes second waits.
with_lock()
{
	local name=$1 fd rc

	shift
	mkdir -p "$LAB_CACHE/lock"
	exec {fd}>"$LAB_CACHE/lock/$name"
	if ! flock -n "$fd"; then
		# The modules take seconds, everything else minutes.
		[[ $name == modules-* ]] || say "waiting for another lab that holds '$name'"
		flock "$fd"
	fi
	# Not a condition: a failure inside ends the whole program, whose locks go with it.
	"$@" {fd}>&-
	rc=$?
	exec {fd}>&-
	return $rc
}

# hash_of FILE...: a short key over contents; names do not count.
hash_of()
{
	cat -- "$@" | sha256sum | cut -c1-12
}

# quietly LOG COMMAND...: output goes to LOG, and its end is shown when the command fails.
quietly()
{
	local log=$1 rc=0

	shift
	"$@" >"$log" 2>&1 || rc=$?
	if ((rc)); then
		tail -n 40 -- "$log" >&2
		say "failed: $* (whole output in $log)"
	fi
	return $rc
}
