/* SPDX-License-Identifier: Apache-2.0 */
/* A controller in small: a root, a key that it delegated to, and streams that the key signs. */
#ifndef TESTS_MMESHD_SIGNER_H
#define TESTS_MMESHD_SIGNER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "member.h"

#define SIGNER_TENANT "00000000000000000000000000000001"
#define SIGNER_NETWORK "00000000000000000000000000000002"
#define SIGNER_SUBNET "00000000000000000000000000000003"

struct signer {
	struct trust_key *root, *key;
	Mmesh__V1__Signed *delegation;
	struct trust_anchor *anchor;
	struct trust_key *identity[8]; /* of node i */
	uint64_t epoch;
	int64_t time;
};

void signer_init(struct signer *signer);
void signer_clear(struct signer *signer);

/* Id of node @i. */
const char *signer_node_id(unsigned int i);

/* Entries, the caller's to free. */
Mmesh__V1__Entry *signer_network(struct signer *signer, uint64_t sequence, bool routed);
Mmesh__V1__Entry *signer_subnet(struct signer *signer, uint64_t sequence);
/* With endpoints of this generation, unless it is 0. */
Mmesh__V1__Entry *signer_node(struct signer *signer, unsigned int i, uint64_t sequence,
			      uint64_t generation);
Mmesh__V1__Entry *signer_tombstone(struct signer *signer, unsigned int i, uint64_t sequence);

/* A head over @n living entries of a stream. */
Mmesh__V1__Signed *signer_head(struct signer *signer, const char *subnet, uint64_t sequence,
			       Mmesh__V1__Entry **living, size_t n);

struct stream_trust signer_trust(struct signer *signer);

#endif
