// SPDX-License-Identifier: Apache-2.0
#include "tls.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "openssl.h"

/* In ALPN's form: a byte of length first. */
static const uint8_t h2[] = { 2, 'h', '2' };

enum { CERTIFICATES_MAX = 2 * TRUST_CERT_MAX };

/* -- both ends ------------------------------------------------------------------------------------ */

static int set_identity(SSL_CTX *ctx, const struct trust_key *key, const struct trust_cert *cert,
			struct error *err)
{
	if (!trust_key_is_private(key) || !trust_key_equal(key, trust_cert_key(cert)))
		return error_set(err, EINVAL, "TLS: the key is not the certificate's");
	if (SSL_CTX_use_certificate(ctx, trust_cert_x509(cert)) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, trust_key_evp(key)) != 1)
		return trust_openssl_error(err, EINVAL, "TLS: certificate");
	return 0;
}

static SSL_CTX *new_context(const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (!ctx)
		return NULL;
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set1_groups_list(ctx, "X25519:P-256") != 1) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	/* A resumed session would carry over what was verified then. */
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
					       SSL_OP_NO_RENEGOTIATION);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_max_cert_list(ctx, CERTIFICATES_MAX);
	return ctx;
}

int tls_describe(struct rpc_session *session, SSL *ssl, bool server, struct error *err)
{
	const uint8_t *protocol;
	unsigned int len;
	struct trust_cert *cert;
	X509 *peer = SSL_get0_peer_certificate(ssl);
	X509 *of_server = server ? SSL_get_certificate(ssl) : peer;
	int r;

	SSL_get0_alpn_selected(ssl, &protocol, &len);
	if (len != 2 || memcmp(protocol, "h2", 2) != 0)
		return error_set(err, EPROTO, "TLS: the other end does not speak HTTP/2 (ALPN \"h2\")");
	if (SSL_export_keying_material(ssl, session->exporter, RPC_EXPORTER_LEN, RPC_EXPORTER_LABEL,
				       strlen(RPC_EXPORTER_LABEL), NULL, 0, 0) != 1)
		return trust_openssl_error(err, EPROTO, "TLS: exporter");
	session->tls = true;
	r = trust_cert_from_x509(&cert, of_server, err);
	if (r)
		return r;
	memcpy(session->server_key_id, trust_cert_key_id(cert), TRUST_KEY_ID_LEN);
	cert = trust_cert_unref(cert);
	if (!peer)
		return 0;
	r = trust_cert_from_x509(&cert, peer, err);
	if (r)
		return r;
	session->has_certificate = true;
	memcpy(session->key_id, trust_cert_key_id(cert), TRUST_KEY_ID_LEN);
	memcpy(session->cn, trust_cert_cn(cert), TRUST_NAME_SIZE);
	memcpy(session->o, trust_cert_o(cert), TRUST_NAME_SIZE);
	session->not_after = trust_cert_not_after(cert);
	trust_cert_unref(cert);
	return 0;
}

/* -- server --------------------------------------------------------------------------------------- */

static int verify_client(X509_STORE_CTX *store, void *arg)
{
	struct trust_cert *cert;
	struct error why;
	int r;

	r = trust_cert_from_x509(&cert, X509_STORE_CTX_get0_cert(store), &why);
	if (!r) {
		/* Whether an expired one will do depends on the method. */
		r = trust_cert_verify(cert, arg, false, 0, &why);
		trust_cert_unref(cert);
	}
	X509_STORE_CTX_set_error(store, r ? X509_V_ERR_CERT_REJECTED : X509_V_OK);
	return !r;
}

static int select_h2(SSL *ssl, const uint8_t **ret, uint8_t *ret_len, const uint8_t *offered,
		     unsigned int len, void *arg)
{
	uint8_t *selected;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&selected, ret_len, h2, sizeof(h2), offered, len) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*ret = selected;
	return SSL_TLSEXT_ERR_OK;
}

static void drop_ca(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index, long argl, void *argp)
{
	(void)parent;
	(void)ad;
	(void)index;
	(void)argl;
	(void)argp;
	trust_cert_unref(ptr);
}

static int ca_index = -1;

static void make_ca_index(void)
{
	ca_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, drop_ca);
}

/* The callback's CA lives as long as the context: it hangs on it. */
static bool hold_ca(SSL_CTX *ctx, const struct trust_cert *ca)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct trust_cert *held;

	(void)pthread_once(&once, make_ca_index);
	held = trust_cert_ref(ca);
	if (ca_index >= 0 && SSL_CTX_set_ex_data(ctx, ca_index, held) == 1)
		return true;
	trust_cert_unref(held);
	return false;
}

int tls_server_context(SSL_CTX **ret, const struct trust_key *key, const struct trust_cert *cert,
		       const struct trust_cert *ca, struct error *err)
{
	SSL_CTX *ctx = new_context(TLS_server_method());
	int r;

	*ret = NULL;
	if (!ctx)
		return trust_openssl_error(err, ENOMEM, "TLS");
	r = set_identity(ctx, key, cert, err);
	if (!r && (SSL_CTX_add1_chain_cert(ctx, trust_cert_x509(ca)) != 1 ||
		   SSL_CTX_add_client_CA(ctx, trust_cert_x509(ca)) != 1 || !hold_ca(ctx, ca)))
		r = trust_openssl_error(err, ENOMEM, "TLS: CA");
	if (r) {
		SSL_CTX_free(ctx);
		return r;
	}
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, verify_client, (void *)ca);
	SSL_CTX_set_alpn_select_cb(ctx, select_h2, NULL);
	*ret = ctx;
	return 0;
}

/* -- client --------------------------------------------------------------------------------------- */

/* The certificate of the pinned key among those that the server sent. */
static int find_pinned(struct trust_cert **ret, const STACK_OF(X509) *sent,
		       const uint8_t *fingerprint, struct error *err)
{
	for (int i = 0; i < sk_X509_num(sent); i++) {
		struct trust_cert *cert;

		if (trust_cert_from_x509(&cert, sk_X509_value(sent, i), NULL))
			continue;
		if (!memcmp(trust_key_fingerprint(trust_cert_key(cert)), fingerprint,
			    TRUST_FINGERPRINT_LEN)) {
			*ret = cert;
			return 0;
		}
		trust_cert_unref(cert);
	}
	return error_set(err, EKEYREJECTED, "its CA is not the expected one");
}

static int verify_server(X509_STORE_CTX *store, void *arg)
{
	struct tls_expect *expect = arg;
	_cleanup_(trust_cert_unrefp) struct trust_cert *cert = NULL;
	_cleanup_(trust_cert_unrefp) struct trust_cert *ca = NULL;
	int r;

	r = trust_cert_from_x509(&cert, X509_STORE_CTX_get0_cert(store), &expect->why);
	if (!r && expect->ca)
		ca = trust_cert_ref(expect->ca);
	else if (!r)
		r = find_pinned(&ca, X509_STORE_CTX_get0_untrusted(store), expect->ca_fingerprint,
				&expect->why);
	if (!r)
		r = trust_cert_verify(cert, ca, true, expect->now, &expect->why);
	X509_STORE_CTX_set_error(store, r ? X509_V_ERR_CERT_REJECTED : X509_V_OK);
	if (r)
		return 0;
	trust_cert_unref(expect->found);
	expect->found = TAKE_PTR(ca);
	return 1;
}

int tls_client_context(SSL_CTX **ret, const struct trust_key *key, const struct trust_cert *cert,
		       struct tls_expect *expect, struct error *err)
{
	SSL_CTX *ctx = new_context(TLS_client_method());
	int r = 0;

	*ret = NULL;
	if (!ctx)
		return trust_openssl_error(err, ENOMEM, "TLS");
	if (cert)
		r = set_identity(ctx, key, cert, err);
	/* Here, 0 means that it was taken. */
	if (!r && SSL_CTX_set_alpn_protos(ctx, h2, sizeof(h2)) != 0)
		r = error_oom(err);
	if (r) {
		SSL_CTX_free(ctx);
		return r;
	}
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, verify_server, expect);
	*ret = ctx;
	return 0;
}
