/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ephemeral private keys of handshakes, for the decoder in tests/decode:
 * with them and the static keys a capture can be read. Built only on demand
 * (make MMESH_KEYLOG=y), never by DKMS or a package: it ends forward secrecy
 * towards whoever may read debugfs.
 */
#ifndef MMESH_KEYLOG_H
#define MMESH_KEYLOG_H

#include "wire.h"

#ifdef MMESH_KEYLOG

int mmesh_keylog_init(void);
void mmesh_keylog_exit(void);
/* Note @key; the oldest one gives way. Context: any. */
void mmesh_keylog_ephemeral(const u8 key[MMESH_KEY_LEN]);

#else

static inline int mmesh_keylog_init(void)
{
	return 0;
}

static inline void mmesh_keylog_exit(void)
{
}

static inline void mmesh_keylog_ephemeral(const u8 key[MMESH_KEY_LEN])
{
}

#endif

#endif
