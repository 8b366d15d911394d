# SPDX-License-Identifier: Apache-2.0
# Lets the x86 vector crypto into user-mode Linux. UML is an ordinary process: a signal frame (which is what an
# interrupt is there) saves every vector register, and the kernel is switched only by function calls, so the x86
# code needs no protection of its own; upstream only never let it in. Each step fails when it matches nothing.

# edit FILE SED-SCRIPT: the script has to change the file.
edit()
{
	local file=$1 script=$2

	[[ -f $file ]] || die "uml edits: the kernel source has no $file"
	sed -E "$script" "$file" >"$file.lab"
	if cmp -s "$file" "$file.lab"; then
		rm -f "$file.lab"
		die "uml edits: '$script' matches nothing in $file: the kernel has changed, so scripts/lab.d/uml-edits.sh must"
	fi
	cat "$file.lab" >"$file"
	rm -f "$file.lab"
}

# Without this the tests for x86 would pass over UML, whose ARCH is "um".
edit_build_files()
{
	local algo

	for algo in AES BLAKE2S CHACHA CURVE25519 GF128HASH POLY1305; do
		edit lib/crypto/Kconfig "/^config CRYPTO_LIB_${algo}_ARCH\$/,/^\$/ {
			s/ && !UML//
			/^\tdepends on !UML\$/ d
		}"
	done
	edit lib/crypto/Kconfig '/^config CRYPTO_LIB_AES_ARCH$/,/^$/ s/default y if X86$/default y if X86_64/'
	edit lib/crypto/Makefile 's/\$\(SRCARCH\)/x86/g; s/\$\(CONFIG_X86\)/$(CONFIG_X86_64)/g'
	edit crypto/Kconfig '/^if X86$/ { N; s/^if X86\n(source "arch\/x86\/crypto\/Kconfig")/if X86 || UML\n\1/ }'
	edit include/crypto/gf128hash.h 's/defined\(CONFIG_X86\)/defined(CONFIG_X86_64)/'
}

edit_arch_headers()
{
	cat >arch/um/include/asm/simd.h <<'EOT'
/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_UM_SIMD_H
#define _ASM_UM_SIMD_H

#include <asm/fpu/api.h>

/* The host saves the vector registers in each signal frame. */
static inline bool may_use_simd(void)
{
	return true;
}

#endif
EOT
	cat >arch/um/include/asm/cpu_device_id.h <<'EOT'
/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_UM_CPU_DEVICE_ID_H
#define _ASM_UM_CPU_DEVICE_ID_H

#include <linux/mod_devicetable.h>
#include <asm/cpufeature.h>

#define X86_MATCH_FEATURE(bit, data) \
	{ .feature = (bit), .driver_data = (unsigned long)(data) }

static inline const struct x86_cpu_id *x86_match_cpu(const struct x86_cpu_id *id)
{
	for (; id->feature; id++)
		if (boot_cpu_has(id->feature))
			return id;
	return NULL;
}

#endif
EOT
	edit arch/um/include/asm/fpu/api.h '/^static inline bool irq_fpu_usable/ i\
#define XFEATURE_MASK_SSE	(1 << 1)\
#define XFEATURE_MASK_YMM	(1 << 2)\
#define XFEATURE_MASK_AVX512	(7 << 5)\
\
/* A process may use whatever its processor flags show. */\
static inline int cpu_has_xfeatures(u64 mask, const char **name)\
{\
	return 1;\
}\
'
}

edit_glue()
{
	local file

	for file in aes chacha gf128hash poly1305; do
		edit "lib/crypto/x86/$file.h" '0,/^#include </ s/^#include </#include <asm\/cpufeature.h>\n&/'
	done
	# UML does not know the model; Skylake-X only runs slower for it.
	edit lib/crypto/x86/poly1305.h '
		/XFEATURE_MASK_AVX512, NULL\) &&$/ s/ &&$/)/
		/boot_cpu_data\.x86_vfm != INTEL_SKYLAKE_X/ d'
}

# kmemleak reports only what is five seconds old, and each run would have to wait for that.
edit_kmemleak()
{
	edit mm/kmemleak.c 's/^(#define MSECS_MIN_AGE[ \t]+)5000/\11000/'
}

# UML lacks GENERIC_ENTRY, so with an older compiler KASAN would take over mem*() even for files that must not be
# checked; the first report, in slub.c before anything runs, would then be the last one, and end lockdep as well.
edit_kasan()
{
	edit mm/kasan/shadow.c 's/^#if .*!defined\(CONFIG_GENERIC_ENTRY\)$/& \&\& !defined(CONFIG_UML)/'
	edit include/linux/fortify-string.h 's/^#if .*!defined\(CONFIG_GENERIC_ENTRY\)$/& \&\& !defined(CONFIG_UML)/'
}

# Debugging takes a stack trace at each allocation, and UML looks at each word of the stack for it, which is most of
# such a kernel's time. With frame pointers the chain of frames says the same at once.
edit_stacktrace()
{
	edit arch/um/kernel/stacktrace.c '/^static void __save_stack_trace/ i\
#ifdef CONFIG_FRAME_POINTER\
static void __save_stack_trace(struct task_struct *tsk, struct stack_trace *trace)\
{\
	struct pt_regs *segv_regs = tsk->thread.segv_regs;\
	unsigned long bp = get_frame_pointer(tsk, segv_regs);\
	unsigned long stack = (unsigned long)get_stack_pointer(tsk, segv_regs) \& ~(THREAD_SIZE - 1);\
\
	while (trace->nr_entries < trace->max_entries \&\&\
	       bp >= stack \&\& bp <= stack + THREAD_SIZE - sizeof(struct stack_frame) \&\&\
	       !(bp \& (sizeof(long) - 1))) {\
		struct stack_frame *frame = (struct stack_frame *)bp;\
		unsigned long addr = READ_ONCE_NOCHECK(frame->return_address);\
		unsigned long next = READ_ONCE_NOCHECK(*(unsigned long *)frame);\
\
		if (!__kernel_text_address(addr))\
			break;\
		save_addr(trace, addr, 1);\
		if (next <= bp)\
			break;\
		bp = next;\
	}\
}\
#else
		/^void save_stack_trace\(struct stack_trace/ i\
#endif\

		/^static const struct stacktrace_ops dump_ops/ s/static/static __maybe_unused/'
}

uml_edit_source()
{
	edit_build_files
	edit_arch_headers
	edit_glue
	edit_kmemleak
	edit_kasan
	edit_stacktrace
}
