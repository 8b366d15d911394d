/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may say what. A tenant's root key delegates to controller keys, which sign
 * networks, subnets, nodes, relays, tombstones and heads, and to token keys,
 * which sign join statements. Nodes sign their own endpoints. A delegated key
 * delegates no further, so that a chain has two links, or in a locked network,
 * for a node, twice two.
 *
 * No input or output, and no clock: the caller says what time it is (clock.h). A struct trust_anchor is its
 * owner's; it has no lock.
 */
#ifndef LIBTRUST_CHAIN_H
#define LIBTRUST_CHAIN_H

#include "cert.h"
#include "signed.h"

enum {
	/* Delegations that one tenant can have at a time, and networks that one of them names. */
	TRUST_DELEGATIONS_MAX = 4096,
	TRUST_DELEGATION_NETWORKS_MAX = 256,
};

struct trust_anchor;

/* @root: public half, pinned. @tenant: its id. */
int trust_anchor_new(struct trust_anchor **ret, const char *tenant, const struct trust_key *root,
		     struct error *err);
/* @anchor may be NULL; always NULL. */
struct trust_anchor *trust_anchor_free(struct trust_anchor *anchor);

static inline void trust_anchor_freep(struct trust_anchor **anchor)
{
	*anchor = trust_anchor_free(*anchor);
}

/* A delegation by @root, which must be private; freed with mmesh__v1__signed__free_unpacked(). */
int trust_delegate(Mmesh__V1__Signed **ret, const struct trust_key *root,
		   const Mmesh__V1__Delegation *delegation, struct error *err);

/*
 * Take a delegation that the root signed, for this tenant. One that is there already is no
 * error. Times are judged when it is used, not here. -EBADMSG, -ENOSPC.
 * Of the same role, the one with a higher epoch ends those below it in the networks that it names.
 */
int trust_anchor_add(struct trust_anchor *anchor, const Mmesh__V1__Signed *delegation,
		     struct error *err);

/* For what a record must be. */
struct trust_scope {
	const char *network;	/* id; the record's own must be the same */
	const char *subnet;	/* id; "": the network's own stream; NULL: any */
	bool locked;		/* nodes need their join statement */
	/*
	 * The time at which the delegation must count, give or take
	 * TRUST_CLOCK_SKEW; 0: whenever. So a node that has been off for long takes its
	 * last good state from disk, and what is new only from a key that is not past its time.
	 */
	int64_t now;
};

/*
 * Verify a record of one of the contexts "network", "subnet", "node", "relay", "tombstone" and "head" up
 * to the root, and unpack it. Checked besides: tenant, network and subnet are those of @scope,
 * ids, keys and addresses have their form. *@ret is freed with protobuf_c_message_free_unpacked(). -EBADMSG
 * (changed, of another context, malformed), -EACCES (not this key's to say), -EKEYEXPIRED.
 */
int trust_record_open(ProtobufCMessage **ret, const struct trust_anchor *anchor,
		      const struct trust_scope *scope, const char *context,
		      const Mmesh__V1__Signed *s, struct error *err);

/*
 * A join statement: signed by a token key that the root delegated, for the network, and within the
 * delegation's times by the statement's own. Freed with
 * mmesh__v1__join_statement__free_unpacked().
 */
int trust_join_open(Mmesh__V1__JoinStatement **ret, const struct trust_anchor *anchor,
		    const struct trust_scope *scope, const Mmesh__V1__Signed *s,
		    struct error *err);

/*
 * A node's endpoints, signed by the identity key of its (verified) record. At most 16, each an
 * address and a port. Freed with mmesh__v1__endpoints_record__free_unpacked().
 */
int trust_endpoints_open(Mmesh__V1__EndpointsRecord **ret, const Mmesh__V1__NodeRecord *node,
			 const Mmesh__V1__Signed *s, struct error *err);

#endif
