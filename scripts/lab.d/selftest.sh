# SPDX-License-Identifier: Apache-2.0
# Proves that user-mode Linux really uses this processor's vector units, and that their contents survive interrupts.

# The kernel's ChaCha20-Poly1305 has to reach this part of OpenSSL's speed.
SELFTEST_RATIO=0.7

# The GCM that a kernel on this processor has to choose.
selftest_want_gcm()
{
	local flags flag

	flags=" $(sed -n 's/^flags[ \t]*: //p' /proc/cpuinfo | head -n 1) "
	selftest_has()
	{
		for flag; do
			[[ $flags == *" $flag "* ]] || return 1
		done
	}
	if selftest_has vaes vpclmulqdq pclmulqdq avx2 avx512bw avx512vl bmi2; then
		echo generic-gcm-vaes-avx512
	elif selftest_has vaes vpclmulqdq pclmulqdq avx2; then
		echo generic-gcm-vaes-avx2
	elif selftest_has aes avx pclmulqdq; then
		echo generic-gcm-aesni-avx
	elif selftest_has aes pclmulqdq; then
		echo generic-gcm-aesni
	fi
}

# Bytes a second of OpenSSL's ChaCha20-Poly1305 at 1420 bytes, on the processor that the kernel is pinned to.
selftest_openssl()
{
	local pin

	pin=${MMESH_LAB_PIN-$(uml_last_cpu)}
	${pin:+taskset -c "$pin"} openssl speed -seconds 1 -evp chacha20-poly1305 -bytes 1420 2>/dev/null |
		awk 'tolower($1) ~ /^chacha20-poly1305/ { sub("k", "", $2); printf "%.0f\n", $2 * 1000 }'
}

# What the proving module says inside kernel $1.
selftest_inside()
{
	LAB_PROVING=1 "$LAB_TOP/scripts/lab" run -n -k "$1" -t 300 -- bash -c \
		'insmod "$1"; rc=$?; dmesg | sed -n "/taints/d; s/.*lab_bench: //p"; exit $rc' bash "$2"
}

# Vector registers of processes: two at a time have to compute what one alone does.
selftest_processes()
{
	local inside outside compute

	compute='head -c 3000000 /dev/zero | openssl enc -chacha20 -K 00 -iv 00 2>/dev/null | sha256sum'
	outside=$(bash -c "$compute")
	inside=$(LAB_PROVING=1 "$LAB_TOP/scripts/lab" run -n -k "$1" -t 300 -- bash -c \
		"for i in 1 2 3 4; do { $compute; } & done; wait" | sort -u)
	[[ $inside == "$outside" ]] || die "selftest: $1: processes that run at the same time compute something else"
}

# selftest_uml KERNEL: prints the figures; fails when the kernel is not what measuring needs.
selftest_uml()
{
	local kernel=$1 module want said gcm bytes openssl try

	need openssl rsync
	module=$(modules_extra "$kernel" "$LAB_LIB/bench")
	want=$(selftest_want_gcm)
	selftest_processes "$kernel"
	# What else runs on the machine disturbs one try, rarely three.
	for try in 1 2 3; do
		said=$(selftest_inside "$kernel" "$module") || {
			printf '%s\n' "$said" >&2
			die "selftest: $kernel: the ciphers are wrong"
		}
		openssl=$(selftest_openssl)
		gcm=$(sed -n 's/^gcm generic/generic/p; s/^gcm gcm/gcm/p' <<<"$said")
		bytes=$(sed -n 's/^chacha20poly1305 bytes.s //p' <<<"$said")
		[[ $openssl && $bytes ]] || die "selftest: $kernel: no figures: $said"
		[[ ! $want || $gcm == "$want" ]] ||
			die "selftest: $kernel: gcm(aes) is $gcm, and this processor can do $want"
		printf '%s\n' "$said"
		awk -v k="$bytes" -v o="$openssl" -v min="$SELFTEST_RATIO" 'BEGIN {
			printf "openssl chacha20-poly1305 bytes/s %.0f\nkernel to openssl %.2f (at least %s)\n", o, k / o, min
			exit k < o * min
		}' && return 0
		say "selftest: $kernel: try $try of 3 was too slow"
	done
	die "selftest: $kernel: ChaCha20-Poly1305 is too slow: vector code is missing"
}

# Once for each built kernel: all figures of later runs depend on it.
selftest_once()
{
	local dir

	dir=$(kernel_dir "$1")
	[[ ! ${LAB_PROVING:-} && ! -e $dir/proved ]] || return 0
	say "proving the vector crypto of $1"
	selftest_uml "$1" >"$dir/proved.new"
	mv "$dir/proved.new" "$dir/proved"
}

lab_selftest()
{
	(($# == 1)) && [[ $1 == uml ]] || usage
	kernel_ensure uml
	selftest_uml uml
}
