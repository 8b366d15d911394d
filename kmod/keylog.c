// SPDX-License-Identifier: GPL-2.0
/* debugfs file mmesh-keylog: the last ephemeral private keys, one a line. */

#include <linux/debugfs.h>
#include <linux/printk.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "keylog.h"

enum { KEPT = 256 };

static u8 keys[KEPT][MMESH_KEY_LEN];
static unsigned int noted;		/* since the module was loaded */
static DEFINE_SPINLOCK(lock);		/* both */
static struct dentry *file;

void mmesh_keylog_ephemeral(const u8 key[MMESH_KEY_LEN])
{
	spin_lock_bh(&lock);
	memcpy(keys[noted++ % KEPT], key, MMESH_KEY_LEN);
	spin_unlock_bh(&lock);
}

static int keylog_show(struct seq_file *seq, void *unused)
{
	unsigned int i;

	spin_lock_bh(&lock);
	for (i = noted > KEPT ? noted - KEPT : 0; i < noted; i++)
		seq_printf(seq, "ephemeral %*phN\n", MMESH_KEY_LEN, keys[i % KEPT]);
	spin_unlock_bh(&lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(keylog);

int mmesh_keylog_init(void)
{
	file = debugfs_create_file("mmesh-keylog", 0400, NULL, NULL, &keylog_fops);
	pr_warn("mmesh: built with a key log: whoever reads debugfs can read all traffic\n");
	return PTR_ERR_OR_ZERO(file);
}

void mmesh_keylog_exit(void)
{
	debugfs_remove(file);
	memzero_explicit(keys, sizeof(keys));
}
