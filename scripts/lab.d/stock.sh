# SPDX-License-Identifier: Apache-2.0
# Debian's own kernels: fetched, unpacked beside each other, made usable for building modules with this machine's compiler.

# Raised when the way of preparing changes.
STOCK_RECIPE=3

# Modules without which there is no root file system and no channel to the host.
STOCK_BOOT_MODULES="virtio_pci virtio_console 9pnet_virtio 9p overlay"

# Image packages that may serve as kernel $1, as a regular expression over V in linux-image-V-amd64.
stock_version_re()
{
	case $1 in
	6.1) echo '6\.1\.[0-9.]+(-[0-9]+)?(\+deb[0-9.]+)?' ;;
	6.12) echo '6\.12\.[0-9.]+(-[0-9]+)?(\+deb[0-9.]+)?' ;;
	7) echo '7\.[0-9]+\.[0-9.]+(-[0-9]+)?(\+deb[0-9.]+)?' ;;
	esac
}

stock_dir()
{
	local key

	key=$({
		echo "$STOCK_RECIPE"
		cat "$LAB_LIB/guest/initramfs"
		gcc -dumpfullversion
	} | sha256sum | cut -c1-12)
	echo "$LAB_CACHE/kernels/$1-$key"
}

stock_ready()
{
	[[ -e $(stock_dir "$1")/ready ]] && emulator_ready
}

stock_kdir()
{
	local dir

	dir=$(stock_dir "$1")
	echo "$dir/pkg/usr/src/linux-headers-$(<"$dir/release")"
}

stock_make_args()
{
	printf '%s\n' -C "$(stock_kdir "$1")"
}

# The newest version of kernel $1 that has headers too: point releases come to the mirror package by package.
stock_newest()
{
	local names version

	names=$(apt_private apt-cache pkgnames linux-)
	grep -xE "linux-image-$(stock_version_re "$1")-amd64" <<<"$names" |
		sed 's/^linux-image-//; s/-amd64$//' | sort -Vr |
		while read -r version; do
			if grep -qxF "linux-headers-$version-amd64" <<<"$names"; then
				echo "$version"
				break
			fi
		done
}

# All packages of version $1: newer kernels split the image.
stock_packages()
{
	local version=$1 depends

	depends=$(apt_private apt-cache --no-all-versions show "linux-image-$version-amd64" "linux-headers-$version-amd64" |
		sed -n 's/^Depends: //p' | tr ',|' '\n\n' | sed 's/^ *//; s/ .*//')
	printf '%s\n' "linux-headers-$version-amd64" "linux-headers-$version-common"
	grep -xE 'linux-kbuild-[0-9].*' <<<"$depends" | sort -u
	# Since 7.1 the image is in parts, and the package with its name only depends on them.
	if grep -qxF "linux-binary-$version-amd64" <<<"$depends"; then
		printf '%s\n' linux-{binary,modules,base}-"$version-amd64"
	else
		echo "linux-image-$version-amd64"
	fi
}

# The headers name their place and their compiler, and here both are others.
stock_adapt_headers()
{
	local dir=$1 headers=$2 cc config

	sed -i "s#/usr/src/#$dir/pkg/usr/src/#" "$headers/Makefile"
	cc=$(sed -nE 's/^CC = .*(gcc-[0-9]+)$/\1/p' "$headers/.kernelvariables")
	if [[ $cc ]] && ! command -v "x86_64-linux-gnu-$cc" >/dev/null; then
		sed -i "s/$cc\$/gcc/" "$headers/.kernelvariables"
	fi
	# Only what make reads: what C reads decides how the kernel's structures look, and must stay.
	config=$headers/include/config/auto.conf
	# An older compiler does the same by -falign-functions.
	if ! gcc -fmin-function-alignment=16 -E -x c /dev/null >/dev/null 2>&1; then
		sed -i '/CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT=/d' "$config"
	fi
	# The packages leave it out; modules_sparse() has looked already.
	if ! [[ -e $headers/scripts/checker-valid.sh ]]; then
		printf '#!/bin/sh\necho 1\n' >"$headers/scripts/checker-valid.sh"
		chmod +x "$headers/scripts/checker-valid.sh"
	fi
	# Type information for modules needs the kernel's own pahole.
	sed -i '/CONFIG_DEBUG_INFO_BTF_MODULES=/d' "$config"
}

# Libraries new enough for the tools of any suite's kernel. Prints their directory.
stock_libraries()
{
	local dir=$LAB_CACHE/libraries work=$LAB_CACHE/libraries.new deb

	if [[ ! -d $dir ]]; then
		rm -rf "$work"
		apt_fetch "$work/deb" libc6 libelf1t64 zlib1g libzstd1
		for deb in "$work"/deb/*.deb; do
			dpkg -x "$deb" "$work"
		done
		rm -rf "$work/deb"
		mv "$work" "$dir"
	fi
	echo "$dir/usr/lib/x86_64-linux-gnu"
}

stock_tool_starts()
{
	local said

	said=$("$1" --version 2>&1 </dev/null) || :
	[[ ! $said =~ GLIBC_[0-9.]+.*not\ found && ! $said =~ 'error while loading shared libraries' ]]
}

# Build tools of a newer Debian do not start with this machine's libc: they get one of their own.
stock_adapt_tools()
{
	local tool libs

	while read -r tool; do
		stock_tool_starts "$tool" && continue
		libs=$(with_lock libraries stock_libraries) || exit 1
		mv "$tool" "$tool.elf"
		printf '#!/bin/sh\nexec "%s/ld-linux-x86-64.so.2" --library-path "%s" "%s" "$@"\n' \
			"$libs" "$libs" "$tool.elf" >"$tool"
		chmod +x "$tool"
		stock_tool_starts "$tool" || die "the kernel's build tool $tool does not start on this machine"
	done < <(find "$1"/pkg/usr/lib/linux-kbuild-* -type f -perm -100 \
		\( -name 'modpost*' -o -name 'objtool*' -o -name fixdep -o -name genksyms \) | grep -vE 'real-(msb|lsb-32|powerpc|arm)')
}

# A root file system of one program: busybox, the modules to reach the real root, and guest/initramfs.
stock_initramfs()
{
	local dir=$1 release=$2 tree=$1/initramfs module name

	rm -rf "$tree" "$dir/boot-modules"
	mkdir -p "$tree"/{bin,modules,proc,sys,dev,host,writes,root}
	cp "$(command -v busybox)" "$tree/bin/busybox"
	cp "$LAB_LIB/guest/initramfs" "$tree/init"
	chmod +x "$tree/init"
	for module in $STOCK_BOOT_MODULES; do
		modprobe -d "$dir/root" -S "$release" --show-depends "$module" >>"$dir/boot-modules" ||
			die "kernel $release has no module $module"
	done
	: >"$tree/modules/list"
	# What is built in has a line "builtin NAME", and nothing has to be done for it.
	while read -r module; do
		name=$(basename "$module")
		name=${name%.xz}
		case $module in
		*.xz) xz -dc "$module" >"$tree/modules/$name" ;;
		*) cp "$module" "$tree/modules/$name" ;;
		esac
		echo "$name" >>"$tree/modules/list"
	done < <(sed -n 's/^insmod \([^ ]*\).*/\1/p' "$dir/boot-modules" | awk '!seen[$0]++')
	(cd "$tree" && find . | cpio -o -H newc --quiet | gzip -1) >"$dir/initrd"
	rm -rf "$tree"
}

# Call with that kernel's lock held.
stock_build()
{
	local kernel=$1 dir version packages release image deb start=$SECONDS

	need dpkg depmod modprobe cpio busybox xz gcc make qemu-system-x86_64
	with_lock emulator emulator_fetch
	dir=$(stock_dir "$kernel")
	[[ ! -e $dir/ready ]] || return 0
	with_lock apt apt_refresh
	version=$(stock_newest "$kernel")
	[[ $version ]] || die "apt: no image and headers for kernel $kernel"
	mapfile -t packages < <(stock_packages "$version")
	rm -rf "$dir"
	mkdir -p "$dir/root/lib/modules"
	apt_fetch "$dir/deb" "${packages[@]}"
	for deb in "$dir"/deb/*.deb; do
		dpkg -x "$deb" "$dir/pkg"
	done
	rm -rf "$dir/deb"
	release=$version-amd64
	echo "$release" >"$dir/release"
	for image in "$dir"/pkg/{usr/,}lib/modules/"$release"; do
		[[ ! -d $image ]] || mv "$image" "$dir/root/lib/modules/"
	done
	for image in "$dir/pkg/boot/vmlinuz-$release" "$dir/root/lib/modules/$release/vmlinuz"; do
		[[ ! -e $image ]] || cp "$image" "$dir/vmlinuz"
	done
	[[ -e $dir/vmlinuz ]] || die "the packages of $release hold no kernel image"
	depmod -b "$dir/root" "$release"
	stock_adapt_headers "$dir" "$dir/pkg/usr/src/linux-headers-$release"
	stock_adapt_tools "$dir"
	stock_initramfs "$dir" "$release"
	touch "$dir/ready"
	say "$kernel $release is ready after $((SECONDS - start)) s"
}

# Boots kernel $1 and leaves its process group in RUN_PGID.
stock_boot()
{
	local kernel=$1 dir=$2 cpus=$3 args words emulator mem=${MMESH_LAB_MEM:-2048}

	mapfile -t emulator < <(emulator_command)
	words="console=ttyS0 quiet panic=-1 oops=panic lab.run=$RUN_DIR"
	# Emulated processors stand still while the host is busy, which is no kernel's fault.
	words+=" no_timer_check watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=120 workqueue.watchdog_thresh=120"
	args=(
		-accel tcg,thread=multi -cpu max -smp "${cpus:-2}" -m "$mem"
		-nodefaults -display none -no-reboot
		-kernel "$dir/vmlinuz" -initrd "$dir/initrd"
		-append "$words ${MMESH_LAB_QEMU_APPEND:-}"
		-serial "file:$RUN_DIR/console"
		-virtfs local,path=/,mount_tag=hostroot,security_model=none,readonly=on,multidevs=remap
		-device virtio-serial-pci
		-chardev "file,id=report,path=$RUN_DIR/report" -device virtserialport,chardev=report,name=report
		-chardev "file,id=out,path=$RUN_DIR/stdout" -device virtserialport,chardev=out,name=out
	)
	run_reader stdout 1
	if [[ ! $RUN_ONE_STREAM ]]; then
		run_reader stderr 2
		args+=(-chardev "file,id=err,path=$RUN_DIR/stderr" -device virtserialport,chardev=err,name=err)
	fi
	if [[ $RUN_STDIN == tty ]]; then
		args+=(-chardev stdio,id=tty,signal=off -device virtconsole,chardev=tty)
		echo 'LAB_TTY=/dev/hvc0' >>"$RUN_DIR/env"
	fi
	(
		if [[ $RUN_STDIN == tty ]]; then
			exec <&"$RUN_STDIN_FD"
		else
			exec </dev/null >"$RUN_DIR/qemu.log"
		fi
		exec setsid setpriv --pdeathsig KILL "${emulator[@]}" "${args[@]}" 2>"$RUN_DIR/qemu.log"
	) &
	RUN_PGID=$!
}
