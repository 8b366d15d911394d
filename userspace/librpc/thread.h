/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of the library's own: signals are the program's, so these have none. */
#ifndef LIBRPC_THREAD_H
#define LIBRPC_THREAD_H

#include <pthread.h>

#include "error.h"

int thread_start(pthread_t *ret, void *(*fn)(void *arg), void *arg, struct error *err);

#endif
