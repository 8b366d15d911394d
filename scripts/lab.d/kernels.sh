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

# Call with that kernel's lock held, and not as a condition, as errors have to end the program.
kernel_build()
{
	kernel_call ready "$1" && return
	kernel_call build "$1"
}

# In a process of its own, where any failing step ends the build, whoever asked for it.
kernel_ensure()
{
	kernel_call ready "$1" || "$LAB_TOP/scripts/lab" build-one "$1" || exit 1
	[[ $1 != uml || -e $(kernel_dir uml)/proved || ${LAB_PROVING:-} ]] || "$LAB_TOP/scripts/lab" prove uml || exit 1
}
