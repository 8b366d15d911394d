// SPDX-License-Identifier: GPL-2.0
/*
 * Every kind of trouble that the lab has to notice, one for each load:
 * insmod lab_trouble.ko kind=NAME. Only tests/lab.sh loads it.
 */

#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static char *kind = "none";
module_param(kind, charp, 0);

static DEFINE_MUTEX(lock_a);
static DEFINE_MUTEX(lock_b);
static DEFINE_SPINLOCK(spin);
static int __rcu *shared;
static unsigned int shift = 40;

static void make_warning(void)
{
	WARN(1, "lab_trouble: as ordered\n");
}

static void make_use_after_free(void)
{
	char *mem = kmalloc(64, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(mem);
	kfree(mem);
	if (mem)
		WRITE_ONCE(mem[8], 1);
}

static void make_overflow(void)
{
	size_t size = 61;
	char *mem;

	OPTIMIZER_HIDE_VAR(size);
	mem = kmalloc(size, GFP_KERNEL);
	OPTIMIZER_HIDE_VAR(mem);
	if (mem)
		WRITE_ONCE(mem[size], 1);
	kfree(mem);
}

static void make_deadlock(void)
{
	mutex_lock(&lock_a);
	mutex_lock(&lock_b);
	mutex_unlock(&lock_b);
	mutex_unlock(&lock_a);
	mutex_lock(&lock_b);
	mutex_lock(&lock_a);
	mutex_unlock(&lock_a);
	mutex_unlock(&lock_b);
}

static void make_sleep(void)
{
	spin_lock(&spin);
	msleep(1);
	spin_unlock(&spin);
}

static void make_rcu(void)
{
	int *got = rcu_dereference(shared);

	if (got)
		pr_info("lab_trouble: %d\n", *got);
}

static void make_shift(void)
{
	pr_info("lab_trouble: %d\n", 1 << shift);
}

static void make_refcount(void)
{
	refcount_t count = REFCOUNT_INIT(0);

	refcount_inc(&count);
}

static void make_leak(void)
{
	void *mem = kmalloc(777, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(mem);
}

static void make_panic(void)
{
	panic("lab_trouble: as ordered");
}

static void make_null(void)
{
	int *nowhere = NULL;

	OPTIMIZER_HIDE_VAR(nowhere);
	WRITE_ONCE(*nowhere, 1);
}

static void make_hang(void)
{
	local_irq_disable();
	for (;;)
		cpu_relax();
}

static const struct {
	const char *name;
	void (*make)(void);
} troubles[] = {
	{ "warning", make_warning },
	{ "use-after-free", make_use_after_free },
	{ "overflow", make_overflow },
	{ "deadlock", make_deadlock },
	{ "sleep", make_sleep },
	{ "rcu", make_rcu },
	{ "shift", make_shift },
	{ "refcount", make_refcount },
	{ "leak", make_leak },
	{ "panic", make_panic },
	{ "null", make_null },
	{ "hang", make_hang },
};

static int __init lab_trouble_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(troubles); i++) {
		if (strcmp(troubles[i].name, kind))
			continue;
		troubles[i].make();
		return 0;
	}
	pr_err("lab_trouble: no kind '%s'\n", kind);
	return -EINVAL;
}

static void __exit lab_trouble_exit(void)
{
}

module_init(lab_trouble_init);
module_exit(lab_trouble_exit);
MODULE_DESCRIPTION("Trouble for the lab to notice");
MODULE_LICENSE("GPL");
