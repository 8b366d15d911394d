# SPDX-License-Identifier: Apache-2.0
# The emulator that stock kernels run in. Up to 8.0 QEMU reads the instructions that it translates before it watches
# their page, and so keeps the old ones when another processor patches them in between (jump labels): the kernel dies
# of it. On machines with such a one, Debian's backport of a newer one is unpacked in the cache.

EMULATOR_LEAST=9
EMULATOR_SUITE=bookworm-backports

# emulator_is_new PROGRAM: does it start, and is it new enough?
emulator_is_new()
{
	local version

	version=$("$1" --version 2>/dev/null </dev/null | sed -nE 's/^QEMU emulator version ([0-9]+)\..*/\1/p')
	((${version:-0} >= EMULATOR_LEAST))
}

emulator_dir()
{
	echo "$LAB_CACHE/emulator"
}

emulator_ready()
{
	[[ -d $(emulator_dir) ]] || emulator_is_new qemu-system-x86_64
}

# Prints the words that start it, one a line.
emulator_command()
{
	local dir

	dir=$(emulator_dir)
	if [[ -d $dir ]]; then
		# Its own parts, and the machine's BIOS.
		printf '%s\n' "$dir/usr/bin/qemu-system-x86_64" -L "$dir/usr/share/qemu" -L /usr/share/seabios
	else
		echo qemu-system-x86_64
	fi
}

# Call with the lock "emulator" held.
emulator_fetch()
{
	local dir work=$LAB_CACHE/emulator.new package deb packages=()

	emulator_ready && return
	with_lock apt apt_refresh
	rm -rf "$work"
	for package in qemu-system-{x86,common,data}; do
		packages+=("$package/$EMULATOR_SUITE")
	done
	apt_fetch "$work/deb" "${packages[@]}"
	for deb in "$work"/deb/*.deb; do
		dpkg -x "$deb" "$work"
	done
	rm -rf "$work/deb"
	emulator_is_new "$work/usr/bin/qemu-system-x86_64" ||
		die "the QEMU of $EMULATOR_SUITE does not start on this machine: $("$work/usr/bin/qemu-system-x86_64" --version 2>&1 | head -n 1)"
	dir=$(emulator_dir)
	mv "$work" "$dir"
}
