# SPDX-License-Identifier: Apache-2.0
# Builds the two user-mode kernels from Debian's newest linux-source, with the edits and configurations beside this file.

UML_SOURCE_RE='linux-source-7\.[0-9]+'

# Raised when the way of building changes, which the hash of its inputs does not see.
UML_RECIPE=1

uml_fragments()
{
	local variant=${1#uml}

	variant=${variant#-}
	printf '%s\n' "$LAB_LIB/uml.config" "$LAB_LIB/uml-${variant:-release}.config"
}

# The inputs that decide what comes out, apart from the package's version.
uml_recipe()
{
	local fragments

	mapfile -t fragments < <(uml_fragments "$1")
	{
		cat "${fragments[@]}" "$LAB_LIB/uml-edits.sh"
		echo "$UML_RECIPE"
		gcc -dumpfullversion
	} | sha256sum | cut -c1-12
}

uml_dir()
{
	echo "$LAB_CACHE/kernels/$1-$(uml_recipe "$1")"
}

uml_ready()
{
	[[ -e $(uml_dir "$1")/ready ]]
}

# Unpacks and edits package $1 as directory $2; fails when the edits do not fit this source.
uml_unpack()
{
	local package=$1 dir=$2 work=$LAB_CACHE/src/new.$$ tar

	rm -rf "$LAB_CACHE"/src/new.*
	mkdir -p "$work/deb" "$work/linux"
	apt_fetch "$work/deb" "$package"
	say "unpacking $package"
	dpkg --fsys-tarfile "$work"/deb/*.deb | tar -x -C "$work/deb" --wildcards './usr/src/*.tar.*' || return 1
	tar=("$work"/deb/usr/src/linux-source-*.tar.*)
	tar -xf "${tar[0]}" -C "$work/linux" --strip-components=1 || return 1
	# The edits end their subshell at the first that does not match.
	(cd "$work/linux" && uml_edit_source) || { rm -rf "$work"; return 1; }
	mv "$work/linux" "$dir" && rm -rf "$work"
}

# An edited source tree, shared by both kernels; prints its path. Call with the lock "source" held.
uml_source()
{
	local package dir key

	with_lock apt apt_refresh
	key=$(hash_of "$LAB_LIB/uml-edits.sh")
	# A newer source than the edits were made for may need other ones, and the one before it serves meanwhile.
	for package in $(apt_matching "$UML_SOURCE_RE"); do
		dir=$LAB_CACHE/src/$package-$(apt_version "$package")-$key
		if [[ -d $dir ]] || uml_unpack "$package" "$dir"; then
			echo "$dir"
			return
		fi
		say "the edits do not fit $package"
	done
	die "uml: no package that matches $UML_SOURCE_RE takes the edits"
}

# Each line of the fragments must have survived kconfig: a lost option would show only much later.
uml_check_config()
{
	local config=$1 line name missing=()

	shift
	while read -r line; do
		case $line in
		CONFIG_*=*)
			grep -qxF -- "$line" "$config" || missing+=("$line")
			;;
		'# CONFIG_'*' is not set')
			name=${line#'# '}
			name=${name%' is not set'}
			! grep -q "^$name=" "$config" || missing+=("$line")
			;;
		esac
	done < <(cat "$@")
	if ((${#missing[@]})); then
		printf '\t%s\n' "${missing[@]}" >&2
		die "uml: kconfig did not take the options above"
	fi
}

uml_make()
{
	make -s -C "$UML_SRC" O="$UML_OUT" ARCH=um -j"$LAB_JOBS" "$@"
}

# Builds kernel $1 into its directory. Call with that kernel's lock held.
uml_build()
{
	local kernel=$1 dir fragments start=$SECONDS

	need gcc make flex bison bc perl depmod rsync xz
	dir=$(uml_dir "$kernel")
	UML_SRC=$(with_lock source uml_source) || exit 1
	UML_OUT=$dir/build
	mkdir -p "$UML_OUT"
	mapfile -t fragments < <(uml_fragments "$kernel")
	say "configuring $kernel"
	{
		quietly "$dir/config.log" uml_make x86_64_defconfig &&
		quietly "$dir/config.log" "$UML_SRC/scripts/kconfig/merge_config.sh" -m -O "$UML_OUT" \
			"$UML_OUT/.config" "${fragments[@]}" &&
		quietly "$dir/config.log" uml_make olddefconfig
	} || die "$kernel: cannot configure"
	uml_check_config "$UML_OUT/.config" "${fragments[@]}"
	say "building $kernel (some minutes)"
	quietly "$dir/build.log" uml_make || die "$kernel: the kernel does not build"
	rm -rf "$dir/root"
	quietly "$dir/install.log" uml_make INSTALL_MOD_PATH="$dir/root" modules_install ||
		die "$kernel: cannot install the modules"
	cp "$UML_OUT/include/config/kernel.release" "$dir/release"
	touch "$dir/ready"
	say "$kernel $(<"$dir/release") is ready after $((SECONDS - start)) s"
}

uml_kdir()
{
	echo "$(uml_dir "$1")/build"
}

uml_make_args()
{
	printf '%s\n' -C "$(uml_kdir "$1")" ARCH=um
}

# The last processor this shell may use.
uml_last_cpu()
{
	awk -F: '/^Cpus_allowed_list/ { n = split($2, part, /[,-]/); gsub(/[ \t]/, "", part[n]); print part[n] }' /proc/self/status
}

# Guest memory is a file: /dev/shm when that is large enough, as a disk would write all of it back.
uml_tmpdir()
{
	local free

	free=$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)
	if ((${free:-0} > RUN_MEM * 1024 + 65536)); then
		echo /dev/shm
	else
		echo "$RUN_DIR"
	fi
}

# Boots kernel $1 and leaves its process group in RUN_PGID. Consoles write to files: a pipe or terminal would be made
# non-blocking, also for the caller, and UML sometimes misses that a full one has room again.
uml_boot()
{
	local kernel=$1 dir=$2 cpus=$3 pin=() args consoles

	RUN_MEM=${MMESH_LAB_MEM:-2048}
	consoles=(con=null ssl=null con0=null,fd:1 con1=null,fd:7)
	: >"$RUN_DIR/stdout"
	: >"$RUN_DIR/stderr"
	[[ $RUN_ONE_STREAM ]] || consoles+=(con2=null,fd:8)
	if [[ $RUN_STDIN == tty ]]; then
		consoles+=(con3=fd:6,fd:5)
		echo 'LAB_TTY=/dev/tty3' >>"$RUN_DIR/env"
	fi
	if [[ $kernel == uml ]]; then
		pin=${MMESH_LAB_PIN-$(uml_last_cpu)}
		pin=(${pin:+taskset -c "$pin"})
	else
		consoles+=("ncpus=${cpus:-2}")
	fi
	args=(
		"mem=${RUN_MEM}M" root=/dev/root rootfstype=hostfs rootflags=/ rw "init=$RUN_DIR/init"
		"uml_dir=$RUN_DIR/" umid=uml seccomp=on quiet "${consoles[@]}" ${MMESH_LAB_UML_ARGS:-}
	)
	(
		ulimit -c 0
		export TMPDIR
		TMPDIR=$(uml_tmpdir)
		exec 5>&1 6<&"$RUN_STDIN_FD" 7>>"$RUN_DIR/stdout" 8>>"$RUN_DIR/stderr" </dev/null
		exec setsid setpriv --pdeathsig KILL "${pin[@]}" "$dir/build/linux" "${args[@]}" >"$RUN_DIR/console" 2>&1
	) &
	RUN_PGID=$!
	run_follower stdout 1
	[[ $RUN_ONE_STREAM ]] || run_follower stderr 2
}
