/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MMESH_VERSION_H
#define MMESH_VERSION_H

#define MMESH_VERSION "0.1.0"

#endif
