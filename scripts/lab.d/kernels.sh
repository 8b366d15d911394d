# SPDX-License-Identifier: Apache-2.0
# What all kernels have in common; each flavour (uml.sh, stock.sh) implements _dir, _ready, _build, _kdir and _make_args.

kernel_call()
{
	local flavour

	flavour=$(kernel_flavour "$2") || exit 1
	"${flavour}_$1" "$2"
}

# The kernel's directory in the cache: 'release' (its name), 'root' (lib/modules/RELEASE), 'ready' when complete.
kernel_dir()
{
	kernel_call dir "$1"
}

# Where modules are built against.
kernel_kdir()
{
	kernel_call kdir "$1"
}

kernel_make_args()
{
	kernel_call make_args "$1"
}

kernel_build_locked()
{
	kernel_call ready "$1" || kernel_call build "$1"
}

kernel_ensure()
{
	kernel_call ready "$1" || with_lock "kernel-$1" kernel_build_locked "$1"
}
