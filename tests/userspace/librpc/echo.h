/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that says what it was asked and by whom, under names of the published
 * services: what is tried here is the way, not what goes it. A directory holds its sockets and the keys and
 * certificates of both ends.
 */
#ifndef TESTS_LIBRPC_ECHO_H
#define TESTS_LIBRPC_ECHO_H

#include <pthread.h>

#include "server.h"

#define ECHO_NODE "0123456789abcdef0123456789abcdef"
#define ECHO_TENANT "fedcba9876543210fedcba9876543210"

/*
 * Anyone on the network: repeats the token as `tenant`, with the caller's CN as `subnet`, its remote address as
 * `network` and the session's exporter as `server_nonce`. Token "fail" is refused, "silent" not answered,
 * "wait" answered when echo_release() is called, "large" with 1 MiB.
 */
#define ECHO_BEGIN "/mmesh.v1.Enrolment/Begin"
/* With a certificate; the same for its `name`: it is `node` of the reply. */
#define ECHO_JOIN "/mmesh.v1.Enrolment/Join"
/* Also with one that has expired. */
#define ECHO_RENEW "/mmesh.v1.Enrolment/Renew"
/* On the unix socket: the owner, and anyone. */
#define ECHO_LEAVE "/mmesh.v1.Local/Leave"
#define ECHO_STATUS "/mmesh.v1.Local/Status"
/*
 * With a certificate, or by the owner. `under` N: N events, whose verbs are numbers, and the end; "keep": goes on with those that
 * echo_publish() sends; "flood": until it is not read any more.
 */
#define ECHO_WATCH "/mmesh.v1.Admin/Watch"

struct echo {
	char directory[64];
	char unix_path[96];
	struct trust_key *ca_key, *server_key, *node_key;
	struct trust_cert *ca, *server_cert, *node_cert, *expired_cert;
	struct rpc_server_config config;
	struct rpc_server *server;
	char address[64];		/* of its TLS */

	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool released;
	unsigned int waiting;		/* handlers that wait for echo_release() */
	struct rpc_stream *kept;
	unsigned int ended;		/* streams of "keep" and "flood" */
	int flood_result;
};

/* Keys and a configuration, which may be changed before echo_start(). Ends the program on errors. */
void echo_init(struct echo *echo);
void echo_start(struct echo *echo);
void echo_stop(struct echo *echo, unsigned int grace_ms);
void echo_clear(struct echo *echo);

void echo_release(struct echo *echo);
void echo_wait_waiting(struct echo *echo, unsigned int n);
void echo_wait_kept(struct echo *echo);
void echo_wait_ended(struct echo *echo, unsigned int n);
/* What rpc_stream_send() says. */
int echo_publish(struct echo *echo, const char *verb);

#endif
