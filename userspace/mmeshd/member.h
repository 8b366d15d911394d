/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One membership: this machine as a node of one network. Its keys, who it trusts,
 * its records, and the directory STATE/DEVICE in which they outlive the process:
 *
 *   membership     what it is and what the user asked for (JSON, signed by the identity key)
 *   identity.key   P-256, mesh.key X25519; both 0600
 *   certificate.pem, ca.pem, root.pem
 *   delegations    packed PullReply, signed by the identity key as a whole, as are:
 *   stream-ID      the last good records of a subnet, stream-network the network's own
 *   endpoints      the last that were signed
 *
 * Everything here is under the daemon's lock (daemon.h) but for what is said to
 * be never changed.
 */
#ifndef MMESHD_MEMBER_H
#define MMESHD_MEMBER_H

#include <net/if.h>

#include "cert.h"
#include "mmesh/v1/node.pb-c.h"
#include "stream.h"
#include "token.h"
#include "want.h"

enum {
	MEMBER_MAX_ENDPOINTS = 16,
	MEMBER_NAME_SIZE = 256,
	MEMBER_MAX_SERVERS = 4,
	MEMBER_MAX_STREAMS = 257,
};

typedef char member_address[TRUST_TOKEN_ADDRESS_SIZE];

struct member {
	char *dir;	       /* never changed */
	char *device;	       /* never changed */
	struct options options;
	member_address extra[MEMBER_MAX_ENDPOINTS]; /* endpoints that the user named */
	size_t n_extra;
	char node[TRUST_ID_SIZE], tenant[TRUST_ID_SIZE], network[TRUST_ID_SIZE],
		subnet[TRUST_ID_SIZE];
	char name[MEMBER_NAME_SIZE], tenant_name[MEMBER_NAME_SIZE];
	member_address controller[MEMBER_MAX_SERVERS], broker[MEMBER_MAX_SERVERS];
	size_t n_controllers, n_brokers;
	struct trust_key *identity;
	struct trust_cert *cert, *ca;
	struct trust_key *root;
	struct trust_anchor *anchor;
	Mmesh__V1__Signed **delegation; /* that the anchor took */
	size_t n_delegations;
	struct trust_clock clock;
	struct stream *stream; /* the first is the network's own */
	size_t n_streams;
	bool streams_known;	 /* which subnets may be read has been said since the start */
	char *damage;		 /* a file that was not believed; NULL: none */
	uint64_t generation;	 /* of the endpoints */
	Mmesh__V1__Signed *endpoints;
	member_address announced[MEMBER_MAX_ENDPOINTS];
	size_t n_announced;
	uint64_t refused;	 /* records and heads that were not believed */
};

/* An empty one for STATE/@device; NULL without memory. */
struct member *member_new(const char *state, const char *device);
struct member *member_free(struct member *member);

static inline void member_freep(struct member **member)
{
	*member = member_free(*member);
}

/*
 * Read it back and verify everything again. Fails when its identity cannot be
 * read; damaged records are left out, said in member->damage, and then
 * member_is_complete() is false until the controller has sent them anew.
 */
int member_load(struct member *member, struct error *err);

/* Identity, keys and all; makes the directory. */
int member_create(struct member *member, struct error *err);
int member_save(struct member *member, struct error *err); /* `membership` */
int member_save_certificate(struct member *member, struct error *err);
int member_save_stream(struct member *member, const struct stream *stream, struct error *err);
int member_save_endpoints(struct member *member, struct error *err);
/* Anchor and file take what is new among them. */
int member_add_delegations(struct member *member, Mmesh__V1__Signed **delegation, size_t n,
			   struct error *err);
/* Take the directory away. */
int member_forget(struct member *member, struct error *err);

/* For _cleanup_, and a copy. */
void signed_copy_freep(Mmesh__V1__Signed **s);
int signed_copy(Mmesh__V1__Signed **ret, const Mmesh__V1__Signed *s, struct error *err);

/* The anchor for root and tenant, without delegations. */
int member_trust_root(struct member *member, struct error *err);

struct stream *member_stream(struct member *member, const char *subnet);
/* The streams that there should be: the network's own and these subnets'. */
int member_set_streams(struct member *member, char **subnet, size_t n, struct error *err);
struct stream_trust member_trust(struct member *member, bool from_disk);

const Mmesh__V1__NetworkRecord *member_network(const struct member *member);
/* The node's own record, or NULL. */
const Mmesh__V1__NodeRecord *member_self(const struct member *member);
const Mmesh__V1__SubnetRecord *member_subnet(const struct member *member, const char *id);

/* Every stream that the node may read is there, so that absence means something. */
bool member_is_complete(const struct member *member);

/* Everything for want_compute(); borrowed until the records change. view_clear() frees the arrays. */
int member_view(const struct member *member, struct view *ret, struct error *err);
void view_clear(struct view *view);

#endif
