/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The envelope of everything that is signed (mmesh.v1.Signed). A signature covers
 *
 *	"mmesh v1 " || context || 0x00 || key_id || payload
 *
 * with the payload as it was sent: whoever passes a record on passes these bytes on.
 */
#ifndef LIBTRUST_SIGNED_H
#define LIBTRUST_SIGNED_H

#include "mmesh/v1/enrol.pb-c.h"
#include "mmesh/v1/record.pb-c.h"
#include "trust-key.h"

enum {
	TRUST_PAYLOAD_MAX = 64 * 1024,
	TRUST_CONTEXT_MAX = 32,
	TRUST_NONCE_LEN = 32,
	TRUST_MESH_KEY_LEN = 32,
	TRUST_EXPORTER_LEN = 32,
};

#define TRUST_CONTEXT_DELEGATION "delegation"
#define TRUST_CONTEXT_NETWORK "network"
#define TRUST_CONTEXT_SUBNET "subnet"
#define TRUST_CONTEXT_NODE "node"
#define TRUST_CONTEXT_RELAY "relay"
#define TRUST_CONTEXT_ENDPOINTS "endpoints"
#define TRUST_CONTEXT_TOMBSTONE "tombstone"
#define TRUST_CONTEXT_HEAD "head"
#define TRUST_CONTEXT_JOIN "join"
#define TRUST_CONTEXT_JOIN_PROOF "join proof"

static inline void trust_signed_freep(Mmesh__V1__Signed **s)
{
	mmesh__v1__signed__free_unpacked(*s, NULL);
	*s = NULL;
}

/*
 * Pack @message and sign it by @key (private). *@ret is freed with
 * mmesh__v1__signed__free_unpacked(). -EMSGSIZE above TRUST_PAYLOAD_MAX.
 */
int trust_sign(Mmesh__V1__Signed **ret, const struct trust_key *key, const char *context,
	       const ProtobufCMessage *message, struct error *err);

/*
 * The same for bytes that need no message of protobuf-c's.
 */
int trust_sign_bytes(Mmesh__V1__Signed **ret, const struct trust_key *key, const char *context,
		     const void *payload, size_t len, struct error *err);

/*
 * 0 when @s has this context, and @key signed it; -EBADMSG otherwise, with what
 * is wrong: the context, the key id, a size, the signature.
 */
int trust_signed_verify(const Mmesh__V1__Signed *s, const struct trust_key *key,
			const char *context, struct error *err);

/*
 * Verify, and unpack the payload as @type (&mmesh__v1__head__descriptor). *@ret
 * is freed with protobuf_c_message_free_unpacked(). Whom to believe about what
 * is chain.h's.
 */
int trust_signed_open(ProtobufCMessage **ret, const Mmesh__V1__Signed *s,
		      const struct trust_key *key, const char *context,
		      const ProtobufCMessageDescriptor *type, struct error *err);

/* Packed and back, for stores and files; the caller frees. -EBADMSG for what is no Signed. */
int trust_signed_pack(uint8_t **ret, size_t *ret_len, const Mmesh__V1__Signed *s,
		      struct error *err);
int trust_signed_unpack(Mmesh__V1__Signed **ret, const uint8_t *data, size_t len,
			struct error *err);

/* What a joining machine proves, and to whom. Lengths as in enrol.proto. */
struct trust_join_proof {
	const char *token;			/* id */
	const uint8_t *server_nonce;		/* TRUST_NONCE_LEN */
	const uint8_t *client_nonce;		/* TRUST_NONCE_LEN */
	const struct trust_key *identity;	/* P-256 */
	const uint8_t *mesh_key;		/* TRUST_MESH_KEY_LEN */
	const uint8_t *server_key_id;		/* TRUST_KEY_ID_LEN */
	const uint8_t *exporter;		/* TRUST_EXPORTER_LEN */
};

int trust_join_proof_make(Mmesh__V1__Signed **ret, const struct trust_key *token_key,
			  const struct trust_join_proof *proof, struct error *err);

/*
 * The server's side: @want says what must be in it (token, server nonce, server key id and exporter of this
 * session; client_nonce, identity and mesh_key of it are ignored). *@ret has what the client brought; its
 * identity key is checked to be P-256, all lengths are. Freed with
 * mmesh__v1__join_proof__free_unpacked().
 */
int trust_join_proof_verify(Mmesh__V1__JoinProof **ret, const Mmesh__V1__Signed *s,
			    const struct trust_key *token_key, const struct trust_join_proof *want,
			    struct error *err);

#endif
