/* SPDX-License-Identifier: Apache-2.0 */
/* The least change that turns what the kernel has into what is wanted. Pure. */
#ifndef MMESHD_PLAN_H
#define MMESHD_PLAN_H

#include "path.h"
#include "want.h"

/* What the kernel has under the device's name. */
struct have {
	bool exists;
	uint32_t ifindex;
	bool up;
	uint32_t mtu;
	struct mmesh_device dev; /* with its peers and its private key */
	struct mmesh_paths paths;
	struct prefixes address; /* on the device, less those of the link itself */
	struct prefixes route;	 /* by the device, ours, in want.table */
};

struct plan_path {
	uint8_t key[KEY_LEN];
	union endpoint endpoint;
	bool remove;
};

/* In the order in which it is carried out. */
struct plan {
	bool remove_link;
	bool add_link;
	struct mmesh_device dev; /* settings by dev.has; changes of peers */
	struct plan_path *path;
	size_t n_paths;
	struct prefixes address; /* to add, or with `remove` */
	uint32_t mtu;		 /* 0: as it is */
	bool set_up;
	struct prefixes route; /* to add, or with `remove` */
	uint32_t table;
	size_t changes; /* 0: everything is right */
};

/* The caller clears @ret with plan_clear(), which wipes keys. */
int plan_compute(struct plan *ret, const struct want *want, const struct have *have,
		 struct error *err);
void plan_clear(struct plan *plan);
void have_clear(struct have *have);

/* What the plan does, for the log; no secrets. At most @size bytes. */
void plan_format(char *ret_text, size_t size, const struct plan *plan);

#endif
