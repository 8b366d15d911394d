/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel of this network namespace: reading what it has, carrying out plans. For one thread. */
#ifndef MMESHD_KERNEL_H
#define MMESHD_KERNEL_H

#include "plan.h"
#include "route.h"

struct kernel {
	struct mmesh_client client;
	bool has_module;
	struct nl_sock *route;
};

/* What this kernel can do, for Capabilities. */
struct kernel_features {
	bool module;
	size_t n_suites;
	char suite[MMESH_MAX_SUITES][MMESH_SUITE_TEXT_SIZE]; /* those that are fast here */
};

/* The module need not be loaded: reading and applying try to reach it again. */
int kernel_open(struct kernel *ret, struct error *err);
void kernel_close(struct kernel *kernel);

/* What there is under want->dev.name. The caller clears @ret, which has secrets. */
int kernel_read(struct kernel *kernel, const struct want *want, struct have *ret,
		struct error *err);

/* Stops at the first refusal; what was done until then stays, and the next plan goes on from there. */
int kernel_apply(struct kernel *kernel, const struct plan *plan, struct error *err);

/* Asks a device that lives for a moment. */
void kernel_features(struct kernel *kernel, struct kernel_features *ret);

#endif
