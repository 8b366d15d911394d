/* SPDX-License-Identifier: GPL-2.0 */
/* Workqueues bound to a processor had to be named so from 6.17 on; before,
 * that was the default and had no name.
 */
#ifndef MMESH_COMPAT_WORK_H
#define MMESH_COMPAT_WORK_H

#include <linux/workqueue.h>

#ifndef MMESH_HAVE_WQ_PERCPU
#define WQ_PERCPU 0
#endif

#endif
