/* SPDX-License-Identifier: Apache-2.0 */
/* Network links of kind "mmesh", through rtnetlink, as ip-link(8) does. */
#ifndef LIBMMESH_LINK_H
#define LIBMMESH_LINK_H

#include "error.h"

/* Check a name as the kernel would: 1-15 bytes, no '/', ':' or blank, not "." or "..". */
int mmesh_link_check_name(const char *name, struct error *err);

/* -EEXIST: the name is taken. -EOPNOTSUPP: the module isn't loaded. */
int mmesh_link_add(const char *name, struct error *err);

/* -ENODEV: none of that name. Whoever calls has made sure of its kind. */
int mmesh_link_del(const char *name, struct error *err);

#endif
