// SPDX-License-Identifier: Apache-2.0
#include "thread.h"

#include <signal.h>
#include <string.h>

int thread_start(pthread_t *ret, void *(*fn)(void *arg), void *arg, struct error *err)
{
	sigset_t all, before;
	int r;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(ret, NULL, fn, arg);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r ? error_set(err, r, "thread: %s", strerror(r)) : 0;
}
