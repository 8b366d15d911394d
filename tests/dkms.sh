#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# DKMS from end to end for the stock kernels: add, build and install with the real dkms in private trees, load the
# result inside that very kernel, and remove. Arguments: kernels (6.1 6.12 7 when there are none).

set -u

TOP=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
LAB=$TOP/scripts/lab
TMP=$(mktemp -d "${TMPDIR:-/tmp}/mmesh-dkms.XXXXXX")
FAILED=0

trap 'rm -rf -- "$TMP"' EXIT

ok() { echo "ok - dkms: $1"; }

# not_ok NAME [FILE]: FILE says why.
not_ok()
{
	echo "not ok - dkms: $1"
	[[ ! -s ${2:-} ]] || sed 's/^/# /' "$2"
	FAILED=1
}

# check NAME COMMAND...: one line for it; the output only when it fails.
check()
{
	local name=$1

	shift
	if "$@" >"$TMP/log" 2>&1; then
		ok "$name"
	else
		not_ok "$name" "$TMP/log"
		return 1
	fi
}

conf() { bash -c 'kernel_source_dir= dkms_tree= ; . "$1"; printf %s "${!2}"' bash "$TOP/dkms.conf" "$1"; }

NAME=$(conf PACKAGE_NAME)
VERSION=$(conf PACKAGE_VERSION)
MODULE=${NAME}/${VERSION}

# No signing: that would make a key in the machine's own /var/lib/dkms.
private_dkms()
{
	sign_file=/nonexistent dkms "$@" --dkmstree "$TMP/dkms" --sourcetree "$TMP/src" --installtree "$TMP/tree/lib/modules"
}

same_version()
{
	local header

	header=$(sed -n 's/^#define MMESH_VERSION "\(.*\)"$/\1/p' "$TOP/kmod/version.h")
	[[ $header == "$VERSION" ]] || {
		echo "kmod/version.h says '$header', dkms.conf '$VERSION'"
		return 1
	}
}

# What the package installs below /usr/src; nothing else may be needed for building.
source_tree()
{
	mkdir -p "$TMP/dkms" "$TMP/src/$NAME-$VERSION" &&
		cp -r "$TOP/Kbuild" "$TOP/kmod" "$TOP/uapi" "$TOP/dkms.conf" "$TMP/src/$NAME-$VERSION/"
}

# The kernel's own modules, as links, where the new one comes beside them.
install_tree()
{
	local cache

	cache=$(dirname "$("$LAB" path "$1")")
	while [[ ! -d $cache/root/lib/modules/$2 ]]; do
		[[ $cache != / ]] || return 1
		cache=$(dirname "$cache")
	done
	mkdir -p "$TMP/tree/lib/modules" && cp -rs "$cache/root/lib/modules/$2" "$TMP/tree/lib/modules/"
}

installed() { find "$TMP/tree/lib/modules/$1" -name "$NAME.ko*" | grep .; }

not_installed() { ! installed "$1"; }

built_status() { private_dkms status -m "$NAME" -v "$VERSION" -k "$1" | grep -q "$2"; }

# Inside, only the private tree counts; the module has to be the one that was built, and to come and go.
load_script='
	set -e
	modprobe -d "$1" '"$NAME"'
	[ -d /sys/module/'"$NAME"' ]
	[ "$(cat /sys/module/'"$NAME"'/version)" = "$2" ]
	ip link add dkms0 type '"$NAME"'
	ip link del dkms0
	modprobe -d "$1" -r '"$NAME"'
	[ ! -d /sys/module/'"$NAME"' ]'

loads()
{
	"$LAB" run -n -k "$1" -- bash -c "$load_script" bash "$TMP/tree" "$VERSION"
}

one_kernel()
{
	local kernel=$1 kdir release target

	kdir=$("$LAB" path "$kernel") || { not_ok "$kernel: kernel"; return; }
	release=$("$LAB" build "$kernel" | cut -d' ' -f2)
	target=(-m "$NAME" -v "$VERSION" -k "$release" -a x86_64)
	check "$kernel: modules of $release" install_tree "$kernel" "$release" || return
	check "$kernel: build" private_dkms build "${target[@]}" --kernelsourcedir "$kdir" --config "$kdir/.config" || {
		sed 's/^/# /' "$TMP/dkms/$MODULE/build/make.log" 2>/dev/null
		return
	}
	check "$kernel: install" private_dkms install "${target[@]}" --no-depmod || return
	check "$kernel: status is installed" built_status "$release" installed
	check "$kernel: the file is there" installed "$release" || return
	check "$kernel: depmod" depmod -b "$TMP/tree" "$release" || return
	check "$kernel: modprobe, link, unload inside" loads "$kernel"
	check "$kernel: remove" private_dkms remove "${target[@]}" --no-depmod
	check "$kernel: the file is gone" not_installed "$release"
	rm -rf -- "$TMP/tree/lib/modules/$release"
}

main()
{
	local kernel

	check "one version" same_version
	check "source tree" source_tree
	check "add" private_dkms add -m "$NAME" -v "$VERSION" || exit 1
	for kernel in "${@:-6.1 6.12 7}"; do
		# Unquoted: the default is a list.
		for kernel in $kernel; do
			one_kernel "$kernel"
		done
	done
	exit $FAILED
}

main "$@"
