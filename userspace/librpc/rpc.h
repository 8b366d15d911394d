/* SPDX-License-Identifier: Apache-2.0 */
/* What callers and servers share: gRPC's status codes, and who is at the other end of a connection. */
#ifndef LIBRPC_RPC_H
#define LIBRPC_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <protobuf-c/protobuf-c.h>

#include "cert.h"
#include "error.h"

/* gRPC's numbers. */
enum rpc_code {
	RPC_OK = 0,
	RPC_CANCELLED = 1,
	RPC_UNKNOWN = 2,
	RPC_INVALID_ARGUMENT = 3,
	RPC_DEADLINE_EXCEEDED = 4,
	RPC_NOT_FOUND = 5,
	RPC_ALREADY_EXISTS = 6,
	RPC_PERMISSION_DENIED = 7,
	RPC_RESOURCE_EXHAUSTED = 8,
	RPC_FAILED_PRECONDITION = 9,
	RPC_ABORTED = 10,
	RPC_OUT_OF_RANGE = 11,
	RPC_UNIMPLEMENTED = 12,
	RPC_INTERNAL = 13,
	RPC_UNAVAILABLE = 14,
	RPC_DATA_LOSS = 15,
	RPC_UNAUTHENTICATED = 16,
};

/* "NOT_FOUND"; of a number that is none, "UNKNOWN". */
const char *rpc_code_name(enum rpc_code code);

/* The code that a negative errno of our libraries stands for: -EINVAL is INVALID_ARGUMENT. */
enum rpc_code rpc_code_from_errno(int error);

enum {
	RPC_EXPORTER_LEN = 32,
	RPC_REMOTE_SIZE = 64,
	/* Longest message either way, unless a method says less. */
	RPC_MESSAGE_MAX = 4 * 1024 * 1024,
};

#define RPC_EXPORTER_LABEL "EXPORTER-mmesh-v1"

/* One connection, as the end that holds this sees the other. Never changes. */
struct rpc_session {
	uint64_t id;				/* of a server: never used again */
	bool tls;				/* else a unix socket */
	char remote[RPC_REMOTE_SIZE];		/* "192.0.2.1:4711", "[2001:db8::1]:4711", "pid 12, uid 0" */

	/* TLS */
	bool has_certificate;			/* of the other end; it was verified but for its times */
	uint8_t key_id[TRUST_KEY_ID_LEN];	/* of that certificate */
	char cn[TRUST_NAME_SIZE];
	char o[TRUST_NAME_SIZE];
	int64_t not_after;
	uint8_t server_key_id[TRUST_KEY_ID_LEN]; /* of the server's certificate, at both ends the same */
	uint8_t exporter[RPC_EXPORTER_LEN];	/* at both ends the same */

	/* Unix socket */
	uid_t uid;
	pid_t pid;
	bool owner;				/* uid 0, or the server's own */
};

#endif
