/* SPDX-License-Identifier: Apache-2.0 */
/* An operator's file: private key, its certificate, the controller's CA, in PEM. */
#ifndef CTL_IDENTITY_H
#define CTL_IDENTITY_H

#include "cert.h"

struct identity {
	struct trust_key *key;
	struct trust_cert *cert;
	struct trust_cert *ca;
};

/*
 * Read @path; of two certificates the one on the key is the operator's. -EPERM when
 * others can read the file, -EINVAL when a part is missing, or the system's error;
 * @err names the file. On errors *@ret is empty.
 */
int identity_read(struct identity *ret, const char *path, struct error *err);
void identity_clear(struct identity *identity);

#endif
