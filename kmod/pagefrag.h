/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MMESH_PAGEFRAG_H
#define MMESH_PAGEFRAG_H

#include <linux/mm.h>
#include <linux/percpu.h>

/* Give back what each CPU still holds. Nobody may write there any more. */
static inline void mmesh_page_frags_release(struct page_frag __percpu *frags)
{
	struct page_frag *frag;
	int cpu;

	for_each_possible_cpu(cpu) {
		frag = per_cpu_ptr(frags, cpu);
		if (frag->page)
			put_page(frag->page);
		frag->page = NULL;
	}
}

#endif
