# SPDX-License-Identifier: Apache-2.0
# Builds mmesh.ko (and the KUnit module) for one of the lab's kernels, in the cache, so that the work tree stays clean.

# Where kbuild runs for kernel $1; builds with W= or C= have a place of their own.
modules_dir()
{
	local top

	top=$(printf '%s' "$LAB_TOP" | sha256sum | cut -c1-12)
	echo "$LAB_CACHE/modules/$top/$(basename "$(kernel_dir "$1")")${W:+-W$W}${C:+-C$C}${MMESH_KEYLOG:+-keylog}"
}

# Names, sizes and times of all sources: changes when any of them does.
modules_fingerprint()
{
	(
		cd "$LAB_TOP"
		find kmod kunit uapi Kbuild -type f -printf '%p %s %T@\n' 2>/dev/null | sort
		kernel_dir "$1"
	) | sha256sum
}

# Only sources are copied, and objects in the destination survive, so that kbuild rebuilds what changed.
modules_copy()
{
	local dir=$1 part parts=()

	for part in kmod kunit uapi Kbuild; do
		[[ ! -e $LAB_TOP/$part ]] || parts+=("$LAB_TOP/$part")
	done
	[[ -e $LAB_TOP/Kbuild ]] || die "modules: $LAB_TOP has no Kbuild"
	rsync -a --delete --exclude='*.o' --exclude='*.ko' --exclude='*.mod' --exclude='*.mod.c' --exclude='*.cmd' \
		--exclude='*.a' --exclude='modules.order' --exclude='Module.symvers' --exclude='.tmp*' \
		"${parts[@]}" "$dir/"
}

# Kbuild's remarks about another compiler or a missing pahole say nothing about our code.
modules_filter()
{
	grep -vE '^(warning: (the compiler|pahole version) differs|  The kernel was built (by|with):|  You are using:|make(\[[0-9]+\])?: (Entering|Leaving) directory|.*Skipping BTF generation)' || :
}

# Newer kernels need a newer sparse than older distributions have; that one then comes from the cache.
modules_sparse_works()
{
	local said

	said=$(echo 'static inline int f(const int *q) { __typeof_unqual__(*q) v = *q; return v; }' | "$1" - 2>&1) || return 1
	[[ ! $said =~ error ]]
}

modules_sparse_fetch()
{
	local dir=$LAB_CACHE/sparse libs

	[[ ! -x $dir/sparse ]] || return 0
	with_lock apt apt_refresh
	libs=$(with_lock libraries stock_libraries)
	rm -rf "$dir"
	apt_fetch "$dir/deb" sparse
	dpkg -x "$dir"/deb/*.deb "$dir/pkg"
	printf '#!/bin/sh\nexec "%s/ld-linux-x86-64.so.2" --library-path "%s" "%s" "$@"\n' \
		"$libs" "$libs" "$dir/pkg/usr/bin/sparse" >"$dir/sparse"
	chmod +x "$dir/sparse"
}

# The sparse to use, for make's CHECK.
modules_sparse()
{
	if modules_sparse_works sparse; then
		echo sparse
		return
	fi
	with_lock sparse modules_sparse_fetch
	modules_sparse_works "$LAB_CACHE/sparse/sparse" || die "modules: no sparse that knows the kernel's C"
	echo "$LAB_CACHE/sparse/sparse"
}

modules_make()
{
	local kernel=$1 dir=$2 args=() sparse

	shift 2
	mapfile -t args < <(kernel_make_args "$kernel")
	if [[ ${C:-} ]]; then
		sparse=$(modules_sparse) || return 1
		args+=(CHECK="$sparse")
	fi
	# With a key log (kmod/keylog.h) only where a test asks for it.
	args+=(MMESH_KEYLOG="${MMESH_KEYLOG:-}")
	make -s "${args[@]}" M="$dir" ${W:+W="$W"} ${C:+C="$C"} -j"$LAB_JOBS" "$@" 2>&1
}

# Call with the directory's lock held.
modules_build()
{
	local kernel=$1 dir print rc=0

	dir=$(modules_dir "$kernel")
	print=$(modules_fingerprint "$kernel")
	if [[ -z ${W:-}${C:-} && -e $dir/.built && $(<"$dir/.built") == "$print" ]]; then
		return 0
	fi
	need make gcc rsync modinfo
	mkdir -p "$dir"
	rm -f "$dir/.built"
	modules_copy "$dir"
	# Warnings come only from what is compiled, so a checking build compiles everything.
	[[ -z ${W:-}${C:-} ]] || modules_make "$kernel" "$dir" clean >/dev/null
	modules_make "$kernel" "$dir" modules >"$dir/.log" || rc=$?
	modules_filter <"$dir/.log" >&2
	((rc == 0)) || { say "the module does not build for $kernel"; return 1; }
	[[ -e $dir/kmod/mmesh.ko ]] || { say "the build for $kernel left no kmod/mmesh.ko"; return 1; }
	modinfo -F depends "$dir/kmod/mmesh.ko" | tr ',' ' ' >"$dir/.depends"
	if [[ ${W:-}${C:-} ]] && modules_filter <"$dir/.log" | grep -qE 'warning:|error:'; then
		say "the build for $kernel has warnings"
		return 1
	fi
	echo "$print" >"$dir/.built"
}

modules_update()
{
	local dir

	dir=$(modules_dir "$1")
	with_lock "modules-$(basename "$(dirname "$dir")")-$(basename "$dir")" modules_build "$1"
}

# Builds the one module in directory $2, which is not ours to ship, for kernel $1, and prints its path.
modules_extra()
{
	local kernel=$1 source=$2 dir ko

	[[ -e $source/Kbuild ]] || die "modules: $source has no Kbuild"
	dir=$LAB_CACHE/modules/$(basename "$source")/$(basename "$(kernel_dir "$kernel")")
	mkdir -p "$dir"
	rsync -a "$source/" "$dir/"
	with_lock "modules-$(basename "$source")-$(basename "$dir")" modules_make "$kernel" "$dir" modules >"$dir/.log" || {
		modules_filter <"$dir/.log" >&2
		die "modules: $source does not build for $kernel"
	}
	ko=("$dir"/*.ko)
	echo "${ko[0]}"
}
