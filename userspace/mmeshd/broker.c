// SPDX-License-Identifier: Apache-2.0
/*
 * The broker: heads and deltas as hints. libmosquitto has a thread a session,
 * which reconnects by itself; nothing that comes is believed (stream.h).
 */
#include <errno.h>
#include <mosquitto.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "log.h"

enum {
	KEEPALIVE_S = 30,
	RECONNECT_MAX_S = 30,
	PATIENCE_MS = 10000, /* with one address */
	TOPIC_SIZE = 256,
	HEAD_MAX = 64 * 1024,
	DELTA_MAX = 4 * 1024 * 1024,
	VERIFY_PEER = 1, /* OpenSSL's SSL_VERIFY_PEER */
};

/* mmesh/1/TENANT/NETWORK/STREAM/WHAT; the network's own stream has its id. */
static void topic_of(char ret[TOPIC_SIZE], const struct member *m, const char *subnet,
		     const char *what)
{
	(void)snprintf(ret, TOPIC_SIZE, "mmesh/1/%s/%s/%s/%s", m->tenant, m->network,
		       *subnet ? subnet : m->network, what);
}

static void presence_topic(char ret[TOPIC_SIZE], const struct member *m)
{
	char what[TRUST_ID_SIZE + 16];

	(void)snprintf(what, sizeof(what), "presence/%s", m->node);
	topic_of(ret, m, m->subnet, what);
}

/* In libmosquitto's thread, which may be cancelled when it is ended, but not with the lock held. */
static int enter(struct session *s)
{
	int state;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	(void)pthread_mutex_lock(&s->daemon->lock);
	return state;
}

static void leave(struct session *s, int state)
{
	(void)pthread_mutex_unlock(&s->daemon->lock);
	(void)pthread_setcancelstate(state, NULL);
}

/* Under the lock. */
static void subscribe(struct session *s)
{
	for (size_t i = 0; i < s->member->n_streams; i++) {
		char topic[TOPIC_SIZE];

		topic_of(topic, s->member, s->member->stream[i].subnet, "head");
		(void)mosquitto_subscribe(s->broker, NULL, topic, 1);
		topic_of(topic, s->member, s->member->stream[i].subnet, "delta");
		(void)mosquitto_subscribe(s->broker, NULL, topic, 1);
	}
	s->broker_streams = s->member->n_streams;
}

static void on_connect(struct mosquitto *mosq, void *user, int rc)
{
	struct session *s = user;
	char topic[TOPIC_SIZE];
	int state;

	state = enter(s);
	if (rc) {
		(void)snprintf(s->broker_state, sizeof(s->broker_state), "refused: %s",
			       mosquitto_connack_string(rc));
	} else {
		s->broker_up = true;
		(void)snprintf(s->broker_state, sizeof(s->broker_state), "connected");
		log_line(LOG_INFO, s->member->device, "the broker is connected");
		presence_topic(topic, s->member);
		(void)mosquitto_publish(mosq, NULL, topic, 6, "online", 1, false);
		s->broker = mosq;
		subscribe(s);
		/* What was missed is told by the retained heads. */
		s->heard_at = daemon_now_ms();
		session_wake(s);
	}
	leave(s, state);
}

/* A broker that lets us read nothing is none: the controller tells us itself then. */
static void on_subscribe(struct mosquitto *mosq, void *user, int mid, int n, const int *granted)
{
	struct session *s = user;
	bool refused = false;
	int state;

	(void)mosq;
	(void)mid;
	for (int i = 0; i < n; i++)
		refused = refused || granted[i] > 2;
	if (!refused)
		return;
	state = enter(s);
	if (s->broker_up)
		log_line(LOG_WARNING, s->member->device,
			 "the broker does not let this node read its topics");
	s->broker_up = false;
	(void)snprintf(s->broker_state, sizeof(s->broker_state),
		       "not for this node: it does not let it read its topics");
	session_wake(s);
	leave(s, state);
}

static void on_disconnect(struct mosquitto *mosq, void *user, int rc)
{
	struct session *s = user;
	int state;

	(void)mosq;
	state = enter(s);
	if (s->broker_up)
		log_line(LOG_WARNING, s->member->device, "the broker is gone: %s",
			 mosquitto_strerror(rc));
	s->broker_up = false;
	(void)snprintf(s->broker_state, sizeof(s->broker_state), "not connected: %s",
		       mosquitto_strerror(rc));
	session_wake(s);
	leave(s, state);
}

/* The stream's name in a topic: the level before the last. */
static bool stream_of(const struct member *m, const char *topic, char ret[TRUST_ID_SIZE],
		      bool *ret_is_head)
{
	const char *last = strrchr(topic, '/');
	const char *from = last;

	if (!last)
		return false;
	while (from > topic && from[-1] != '/')
		from--;
	if (last - from != TRUST_ID_SIZE - 1)
		return false;
	(void)snprintf(ret, TRUST_ID_SIZE, "%.*s", TRUST_ID_SIZE - 1, from);
	if (!strcmp(ret, m->network))
		*ret = '\0';
	*ret_is_head = !strcmp(last, "/head");
	return true;
}

static void on_message(struct mosquitto *mosq, void *user, const struct mosquitto_message *msg)
{
	struct session *s = user;
	char subnet[TRUST_ID_SIZE];
	bool is_head;
	int state;

	(void)mosq;
	if (msg->payloadlen <= 0 || !stream_of(s->member, msg->topic, subnet, &is_head) ||
	    msg->payloadlen > (is_head ? HEAD_MAX : DELTA_MAX))
		return;
	state = enter(s);
	if (is_head)
		session_take_head(s, subnet, msg->payload, (size_t)msg->payloadlen);
	else
		session_take_delta(s, msg->payload, (size_t)msg->payloadlen);
	leave(s, state);
}

static int set_up_tls(struct mosquitto *mosq, const struct member *m)
{
	char path[3][PATH_MAX];
	static const char *const name[] = { "ca.pem", "certificate.pem", "identity.key" };
	int rc;

	for (size_t i = 0; i < ARRAY_SIZE(name); i++)
		if ((size_t)snprintf(path[i], PATH_MAX, "%s/%s", m->dir, name[i]) >= PATH_MAX)
			return MOSQ_ERR_INVAL;
	rc = mosquitto_tls_set(mosq, path[0], NULL, path[1], path[2], NULL);
	if (!rc)
		rc = mosquitto_tls_opts_set(mosq, VERIFY_PEER, "tlsv1.3", NULL);
	/* The CA is the controller's own, and it says who is a server; the address may be any. */
	return rc ? rc : mosquitto_tls_insecure_set(mosq, true);
}

static int prepare(struct session *s, struct mosquitto *mosq)
{
	char topic[TOPIC_SIZE];
	int rc = set_up_tls(mosq, s->member);

	presence_topic(topic, s->member);
	if (!rc)
		rc = mosquitto_will_set(mosq, topic, 7, "offline", 1, false);
	mosquitto_connect_callback_set(mosq, on_connect);
	mosquitto_disconnect_callback_set(mosq, on_disconnect);
	mosquitto_message_callback_set(mosq, on_message);
	mosquitto_subscribe_callback_set(mosq, on_subscribe);
	(void)mosquitto_reconnect_delay_set(mosq, 1, RECONNECT_MAX_S, true);
	return rc;
}

/* Which of the addresses, in turns. */
static bool next_address(struct session *s, struct endpoint_name *ret)
{
	struct member *m = s->member;
	size_t n = m->n_brokers;

	return n && endpoint_split(ret, m->broker[s->broker_at++ % n], NULL) >= 0;
}

/* The thread goes on trying when the first connection fails. */
static void begin(struct session *s)
{
	struct endpoint_name to;
	struct mosquitto *mosq;
	int rc;

	if (!next_address(s, &to)) {
		(void)snprintf(s->broker_state, sizeof(s->broker_state), "none is known");
		return;
	}
	mosq = mosquitto_new(s->member->node, true, s);
	if (!mosq)
		return;
	rc = prepare(s, mosq);
	s->broker_stale = false;
	s->broker_begun = daemon_now_ms();
	(void)pthread_mutex_unlock(&s->daemon->lock);
	if (!rc)
		(void)mosquitto_connect_async(mosq, to.host, to.port, KEEPALIVE_S);
	if (!rc)
		rc = mosquitto_loop_start(mosq);
	(void)pthread_mutex_lock(&s->daemon->lock);
	if (rc) {
		(void)snprintf(s->broker_state, sizeof(s->broker_state), "not to be used: %s",
			       mosquitto_strerror(rc));
		mosquitto_destroy(mosq);
		return;
	}
	s->broker = mosq;
}

/* libmosquitto tries one address again and again. */
static bool should_try_another(const struct session *s)
{
	return !s->broker_up && s->member->n_brokers > 1 &&
	       daemon_now_ms() - s->broker_begun > PATIENCE_MS;
}

void broker_tend(struct session *s)
{
	if (s->broker && (s->broker_stale || should_try_another(s))) {
		(void)pthread_mutex_unlock(&s->daemon->lock);
		broker_end(s);
		(void)pthread_mutex_lock(&s->daemon->lock);
	}
	if (!s->broker && !s->stop)
		begin(s);
	else if (s->broker_up && s->broker_streams != s->member->n_streams)
		subscribe(s);
}

void broker_end(struct session *s)
{
	struct mosquitto *mosq = s->broker;

	if (!mosq)
		return;
	/* Without a word, so that the broker tells our last will. */
	(void)mosquitto_loop_stop(mosq, true);
	mosquitto_destroy(mosq);
	s->broker = NULL;
	s->broker_up = false;
}
