// SPDX-License-Identifier: Apache-2.0
#include "relay.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>

#include "openssl.h"

/* Passes of one relay before others get their turn. */
enum { ROUNDS = 8 };

/* -- OpenSSL's way to the socket: no SIGPIPE, and bytes are counted --------------------------------- */

static int bio_result(BIO *bio, ssize_t n, int retry)
{
	BIO_clear_retry_flags(bio);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
	return (int)n;
}

static int bio_write(BIO *bio, const char *data, int len)
{
	struct relay *relay = BIO_get_data(bio);
	ssize_t n = send(relay->net, data, (size_t)len, MSG_NOSIGNAL);

	if (n > 0)
		relay->sent += (uint64_t)n;
	return bio_result(bio, n, BIO_FLAGS_WRITE);
}

static int bio_read(BIO *bio, char *data, int len)
{
	struct relay *relay = BIO_get_data(bio);
	ssize_t n = recv(relay->net, data, (size_t)len, 0);

	if (n > 0)
		relay->received += (uint64_t)n;
	return bio_result(bio, n, BIO_FLAGS_READ);
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method;

static void make_bio_method(void)
{
	int type = BIO_get_new_index();

	bio_method = type < 0 ? NULL : BIO_meth_new(type | BIO_TYPE_SOURCE_SINK, "mmesh socket");
	if (bio_method && (BIO_meth_set_write(bio_method, bio_write) != 1 ||
			   BIO_meth_set_read(bio_method, bio_read) != 1 ||
			   BIO_meth_set_ctrl(bio_method, bio_ctrl) != 1)) {
		BIO_meth_free(bio_method);
		bio_method = NULL;
	}
}

static BIO *new_bio(struct relay *relay)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	BIO *bio;

	(void)pthread_once(&once, make_bio_method);
	bio = bio_method ? BIO_new(bio_method) : NULL;
	if (bio) {
		BIO_set_data(bio, relay);
		BIO_set_init(bio, 1);
	}
	return bio;
}

/* -- begin and end -------------------------------------------------------------------------------- */

int relay_init(struct relay *relay, int net, SSL_CTX *ctx, bool server, struct error *err)
{
	BIO *bio;

	*relay = (struct relay){ .net = net, .inner = -1 };
	if (!ctx)
		return 0;
	relay->ssl = SSL_new(ctx);
	bio = relay->ssl ? new_bio(relay) : NULL;
	if (!bio) {
		relay_clear(relay);
		return error_oom(err);
	}
	SSL_set_bio(relay->ssl, bio, bio);
	if (server)
		SSL_set_accept_state(relay->ssl);
	else
		SSL_set_connect_state(relay->ssl);
	return 0;
}

static void flow_clear(struct relay_flow *flow)
{
	/* It was plaintext. */
	if (flow->data)
		explicit_bzero(flow->data, RELAY_BUFFER);
	free(flow->data);
	*flow = (struct relay_flow){ 0 };
}

void relay_clear(struct relay *relay)
{
	if (relay->ssl) {
		/* Only says farewell; whether it gets there is the other end's matter. */
		if (SSL_is_init_finished(relay->ssl))
			(void)SSL_shutdown(relay->ssl);
		SSL_free(relay->ssl);
		ERR_clear_error();
	}
	if (relay->net >= 0)
		(void)close(relay->net);
	if (relay->inner >= 0)
		(void)close(relay->inner);
	flow_clear(&relay->in);
	flow_clear(&relay->out);
	*relay = (struct relay){ .net = -1, .inner = -1 };
}

/* -- TLS's results in errno's words --------------------------------------------------------------- */

static int tls_error(struct relay *relay, int n, struct error *err)
{
	unsigned long e;

	switch (SSL_get_error(relay->ssl, n)) {
	case SSL_ERROR_WANT_READ:
		relay->tls_wants_write = false;
		return -EAGAIN;
	case SSL_ERROR_WANT_WRITE:
		relay->tls_wants_write = true;
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return -EPIPE;
	default:
		e = ERR_peek_last_error();
		if (!e || ERR_GET_REASON(e) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
			ERR_clear_error();
			return error_set(err, ECONNRESET, "TLS: the connection was cut");
		}
		return trust_openssl_error(err, EPROTO, "TLS");
	}
}

int relay_handshake(struct relay *relay, struct error *err)
{
	int n;

	ERR_clear_error();
	n = SSL_do_handshake(relay->ssl);
	if (n == 1) {
		relay->tls_wants_write = false;
		return 0;
	}
	n = tls_error(relay, n, err);
	return n == -EPIPE ? error_set(err, ECONNRESET, "TLS: closed in the handshake") : n;
}

/* -- both directions ------------------------------------------------------------------------------ */

static ssize_t net_read(struct relay *relay, uint8_t *data, size_t len, struct error *err)
{
	ssize_t n;
	int r;

	if (!relay->ssl) {
		n = recv(relay->net, data, len, 0);
		if (n > 0)
			relay->received += (uint64_t)n;
		return n < 0 ? -errno : n;
	}
	ERR_clear_error();
	r = SSL_read(relay->ssl, data, (int)len);
	if (r > 0)
		return r;
	r = tls_error(relay, r, err);
	return r == -EPIPE ? 0 : r;
}

static ssize_t net_write(struct relay *relay, const uint8_t *data, size_t len, struct error *err)
{
	ssize_t n;
	int r;

	if (!relay->ssl) {
		n = send(relay->net, data, len, MSG_NOSIGNAL);
		if (n > 0)
			relay->sent += (uint64_t)n;
		return n < 0 ? -errno : n;
	}
	ERR_clear_error();
	r = SSL_write(relay->ssl, data, (int)len);
	return r > 0 ? r : tls_error(relay, r, err);
}

static ssize_t inner_read(struct relay *relay, uint8_t *data, size_t len, struct error *err)
{
	ssize_t n = recv(relay->inner, data, len, 0);

	(void)err;
	return n < 0 ? -errno : n;
}

static ssize_t inner_write(struct relay *relay, const uint8_t *data, size_t len, struct error *err)
{
	ssize_t n = send(relay->inner, data, len, MSG_NOSIGNAL);

	(void)err;
	return n < 0 ? -errno : n;
}

typedef ssize_t (*read_fn)(struct relay *relay, uint8_t *data, size_t len, struct error *err);
typedef ssize_t (*write_fn)(struct relay *relay, const uint8_t *data, size_t len,
			    struct error *err);

/* One pass of one direction: 1 when something moved, 0 when it has to wait, or what broke it. */
static int move(struct relay *relay, struct relay_flow *flow, read_fn from, write_fn to,
		struct error *err)
{
	ssize_t n;

	if (!flow->len) {
		if (flow->ended)
			return 0;
		if (!flow->data)
			flow->data = malloc(RELAY_BUFFER);
		if (!flow->data)
			return error_oom(err);
		n = from(relay, flow->data, RELAY_BUFFER, err);
		if (n <= 0) {
			flow_clear(flow);
			flow->ended = n == 0;
			return n == -EAGAIN || n == -EINTR ? 0 : (int)n;
		}
		flow->at = 0;
		flow->len = (size_t)n;
	}
	n = to(relay, flow->data + flow->at, flow->len, err);
	if (n < 0)
		return n == -EAGAIN || n == -EINTR ? 0 : (int)n;
	flow->at += (size_t)n;
	flow->len -= (size_t)n;
	return 1;
}

int relay_pump(struct relay *relay, struct error *err)
{
	for (int round = 0; round < ROUNDS; round++) {
		int in = move(relay, &relay->in, net_read, inner_write, err);
		int out = in < 0 ? in : move(relay, &relay->out, inner_read, net_write, err);

		if (out < 0)
			return out;
		/* gRPC never closes one direction only. */
		if ((relay->in.ended && !relay->in.len) || (relay->out.ended && !relay->out.len))
			return 1;
		if (!in && !out)
			break;
	}
	return 0;
}

short relay_net_events(const struct relay *relay)
{
	short events = 0;

	if (relay->ssl && !SSL_is_init_finished(relay->ssl))
		return relay->tls_wants_write ? POLLOUT : POLLIN;
	if (!relay->in.len && !relay->in.ended)
		events |= POLLIN;
	if (relay->out.len)
		events |= relay->tls_wants_write || !relay->ssl ? POLLOUT : POLLIN | POLLOUT;
	if (relay->tls_wants_write)
		events |= POLLOUT;
	return events;
}

short relay_inner_events(const struct relay *relay)
{
	short events = 0;

	if (!relay->out.len && !relay->out.ended)
		events |= POLLIN;
	if (relay->in.len)
		events |= POLLOUT;
	return events;
}
