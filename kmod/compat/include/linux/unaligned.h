/* SPDX-License-Identifier: GPL-2.0 */
/* Moved from asm/ in 6.12. */
#ifndef MMESH_COMPAT_LINUX_UNALIGNED_H
#define MMESH_COMPAT_LINUX_UNALIGNED_H

#ifdef MMESH_HAVE_UNALIGNED_H
#include_next <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif

#endif
