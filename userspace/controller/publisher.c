// SPDX-License-Identifier: Apache-2.0
#include "publisher.h"

#include <errno.h>
#include <mosquitto.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>

#include "controller.h"

enum {
	KEEPALIVE = 30,
	RECONNECT_MS = 200,
	TICK_MS = 1000,
	TOPIC_SIZE = 256,
	DELTA_MAX = 256 * 1024, /* a longer one isn't sent: the head makes nodes pull */
};

#define PRESENCE "mmesh/1/+/+/+/presence/+"

struct publisher {
	struct controller *c;
	struct mosquitto *mosq;
	char host[CONFIG_TEXT];
	uint16_t port;
	SSL_CTX *tls;
	pthread_t thread;
	bool running;
	int wake_fd; /* something is to be sent, or the end has come */
	_Atomic bool stop;
	_Atomic bool connected;
};

/* -- TLS ------------------------------------------------------------------------------------------------- */

/* Certificate and key as the keyring has them: neither is a file in plain. */
static int make_tls(struct publisher *p, struct error *err)
{
	const struct keyring *k = &p->c->keys;

	p->tls = SSL_CTX_new(TLS_client_method());
	if (!p->tls)
		return error_oom(err);
	SSL_CTX_set_verify(p->tls, SSL_VERIFY_PEER, NULL);
	if (SSL_CTX_set_min_proto_version(p->tls, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_use_certificate(p->tls, trust_cert_x509(k->server)) != 1 ||
	    SSL_CTX_use_PrivateKey(p->tls, trust_key_evp(k->server_key)) != 1 ||
	    X509_STORE_add_cert(SSL_CTX_get_cert_store(p->tls), trust_cert_x509(k->ca)) != 1)
		return error_set(err, EIO, "publisher: no TLS with our certificate");
	return 0;
}

/* -- what comes -------------------------------------------------------------------------------------------- */

static void on_connect(struct mosquitto *mosq, void *arg, int status)
{
	struct publisher *p = arg;

	if (status) {
		log_warning("broker: refused us: %s", mosquitto_connack_string(status));
		return;
	}
	p->connected = true;
	log_debug("broker: connected");
	if (mosquitto_subscribe(mosq, NULL, PRESENCE, 1) != MOSQ_ERR_SUCCESS)
		log_warning("broker: no presence can be heard");
	/* A broker without persistence has lost the retained heads. */
	model_lock(&p->c->model);
	if (p->c->publisher)
		feed_heads(p->c);
	model_unlock(&p->c->model);
}

static void on_disconnect(struct mosquitto *mosq, void *arg, int status)
{
	struct publisher *p = arg;

	(void)mosq;
	p->connected = false;
	if (status)
		log_warning("broker: connection lost: %s", mosquitto_strerror(status));
}

/* "mmesh/1/TENANT/NETWORK/SUBNET/presence/NODE"; the broker's plugin saw to it that the node itself says so. */
static void on_message(struct mosquitto *mosq, void *arg, const struct mosquitto_message *m)
{
	const char *node = strrchr(m->topic, '/');
	struct publisher *p = arg;
	int64_t one;
	bool online;

	(void)mosq;
	if (!node || !trust_id_is_valid(node + 1))
		return;
	online = m->payloadlen == 6 && !memcmp(m->payload, "online", 6);
	model_lock(&p->c->model);
	if (store_int(&p->c->model.store, &one, NULL, "SELECT 1 FROM node WHERE id = ?", "s",
		      node + 1) == 1)
		presence_set(&p->c->presence, node + 1, online, (int64_t)time(NULL));
	model_unlock(&p->c->model);
}

/* -- what goes ----------------------------------------------------------------------------------------------- */

static void wake(struct publisher *p)
{
	/* Fails only when it is awake already. */
	if (eventfd_write(p->wake_fd, 1))
		return;
}

static void publish(struct publisher *p, const char *topic, const ProtobufCMessage *m, bool retain)
{
	size_t len = protobuf_c_message_get_packed_size(m);
	_cleanup_free_ uint8_t *data = NULL;

	if (len > DELTA_MAX)
		return;
	data = malloc(len ? len : 1);
	if (!data)
		return;
	(void)protobuf_c_message_pack(m, data);
	/* What is lost here, the next head says. */
	if (mosquitto_publish(p->mosq, NULL, topic, (int)len, data, 1, retain) != MOSQ_ERR_SUCCESS)
		log_debug("broker: %s was not sent", topic);
	wake(p);
}

void publisher_delta(struct publisher *p, struct controller *c, const struct touched_stream *t,
		     const Mmesh__V1__Delta *d)
{
	struct object *network;
	char topic[TOPIC_SIZE];

	if (!p->connected)
		return;
	network = malloc(sizeof(*network));
	if (network &&
	    object_by_id(&c->model.store, KIND_NETWORK, t->network, network, NULL) == 1) {
		(void)snprintf(topic, sizeof(topic), "mmesh/1/%s/%s/%s/delta", network->parent,
			       t->network, t->id);
		if (d->n_entry)
			publish(p, topic, &d->base, false);
		(void)snprintf(topic, sizeof(topic), "mmesh/1/%s/%s/%s/head", network->parent,
			       t->network, t->id);
		publish(p, topic, &d->head->base, true);
	}
	free(network);
}

/* -- the thread ------------------------------------------------------------------------------------------------ */

/*
 * libmosquitto's own loop uses select(), which can't hold the numbers that descriptors have beside
 * thousands of sessions, and ends for good on some errors.
 */
static void wait_for(struct publisher *p, int sock, int timeout_ms, short *ret_events)
{
	struct pollfd fds[2] = { { .fd = p->wake_fd, .events = POLLIN },
				 { .fd = sock, .events = POLLIN } };
	eventfd_t count;

	if (sock >= 0 && mosquitto_want_write(p->mosq))
		fds[1].events |= POLLOUT;
	*ret_events = 0;
	if (poll(fds, 2, timeout_ms) <= 0)
		return;
	if (fds[0].revents && eventfd_read(p->wake_fd, &count))
		return;
	*ret_events = fds[1].revents;
}

static void serve(struct publisher *p, int sock)
{
	short events;
	int status = 0;

	wait_for(p, sock, TICK_MS, &events);
	if (events & (POLLIN | POLLERR | POLLHUP)) {
		SSL *ssl;

		/* One record of TLS may hold several messages. */
		do {
			status = mosquitto_loop_read(p->mosq, 1);
			ssl = mosquitto_ssl_get(p->mosq);
		} while (!status && ssl && SSL_pending(ssl) > 0);
	}
	if (!status && mosquitto_want_write(p->mosq))
		status = mosquitto_loop_write(p->mosq, 1);
	if (!status)
		(void)mosquitto_loop_misc(p->mosq);
}

static void *run(void *arg)
{
	struct publisher *p = arg;
	short events;

	while (!p->stop) {
		int sock = mosquitto_socket(p->mosq);

		if (sock >= 0) {
			serve(p, sock);
			continue;
		}
		wait_for(p, -1, RECONNECT_MS, &events);
		if (!p->stop)
			(void)mosquitto_connect(p->mosq, p->host, p->port, KEEPALIVE);
	}
	return NULL;
}

/* -- start, stop ------------------------------------------------------------------------------------------------ */

static int set_up(struct publisher *p, const char *host, uint16_t port, struct error *err)
{
	int status;

	p->port = port;
	(void)snprintf(p->host, sizeof(p->host), "%s", host);
	mosquitto_connect_callback_set(p->mosq, on_connect);
	mosquitto_disconnect_callback_set(p->mosq, on_disconnect);
	mosquitto_message_callback_set(p->mosq, on_message);
	status = mosquitto_void_option(p->mosq, MOSQ_OPT_SSL_CTX, p->tls);
	if (!status)
		status = mosquitto_int_option(p->mosq, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0);
	/* The CA is ours, and so is the broker that has its certificate. */
	if (!status)
		status = mosquitto_tls_insecure_set(p->mosq, true);
	if (!status)
		status = mosquitto_max_inflight_messages_set(p->mosq, 1000);
	/* Others publish: what is to be sent waits for the thread. */
	if (!status)
		status = mosquitto_threaded_set(p->mosq, true);
	if (status)
		return error_set(err, EIO, "publisher: %s", mosquitto_strerror(status));
	status = pthread_create(&p->thread, NULL, run, p);
	if (status)
		return error_set(err, status, "publisher: %s", strerror(status));
	p->running = true;
	return 0;
}

int publisher_start(struct publisher **ret, struct controller *c, const char *host, uint16_t port,
		    struct error *err)
{
	struct publisher *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return error_oom(err);
	p->c = c;
	p->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->wake_fd < 0 || mosquitto_lib_init() != MOSQ_ERR_SUCCESS) {
		if (p->wake_fd >= 0)
			(void)close(p->wake_fd);
		free(p);
		return error_oom(err);
	}
	r = make_tls(p, err);
	if (!r) {
		p->mosq = mosquitto_new("mmesh-controller", true, p);
		r = p->mosq ? set_up(p, host, port, err) : error_oom(err);
	}
	if (r) {
		publisher_stop(p);
		return r;
	}
	*ret = p;
	return 0;
}

struct publisher *publisher_stop(struct publisher *p)
{
	if (!p)
		return NULL;
	p->stop = true;
	wake(p);
	if (p->running)
		(void)pthread_join(p->thread, NULL);
	if (p->mosq) {
		(void)mosquitto_disconnect(p->mosq);
		mosquitto_destroy(p->mosq);
	}
	SSL_CTX_free(p->tls);
	(void)close(p->wake_fd);
	free(p);
	(void)mosquitto_lib_cleanup();
	return NULL;
}
