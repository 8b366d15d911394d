/* SPDX-License-Identifier: GPL-2.0 */
/* Slab caches of the code under test get names of their own, as mmesh.ko may
 * be loaded beside us. To be included before that code.
 */
#ifndef MMESH_KUNIT_OWN_CACHE_H
#define MMESH_KUNIT_OWN_CACHE_H

#include <linux/slab.h>

#undef KMEM_CACHE
#define KMEM_CACHE(type, flags) \
	kmem_cache_create("kunit_" #type, sizeof(struct type), \
			  __alignof__(struct type), (flags), NULL)

#endif
