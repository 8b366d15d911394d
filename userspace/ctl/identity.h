/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An operator's files, in PEM: NAME.pem, the certificate; NAME.key, its private key;
 * ca.pem, the controller's CA. The first may have the others in it.
 */
#ifndef CTL_IDENTITY_H
#define CTL_IDENTITY_H

#include "cert.h"

struct identity {
	struct trust_key *key;
	struct trust_cert *cert;
	struct trust_cert *ca;
};

/*
 * Read @path, the certificate's file; of two certificates the one on the key is the
 * operator's. -EPERM when others can read the key, -EINVAL when a part is missing, or
 * the system's error; @err names the file. On errors *@ret is empty.
 */
int identity_read(struct identity *ret, const char *path, struct error *err);
void identity_clear(struct identity *identity);

#endif
