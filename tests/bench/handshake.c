// SPDX-License-Identifier: Apache-2.0
/* Initiates handshakes with a WireGuard or mmesh device, for many peers.
 *
 * usage: handshake keys FIRST COUNT               public keys of the peers, raw, to stdout
 *        handshake run FIRST COUNT SUITE ADDRESS PORT RESPONDER
 *
 * Peer i's private key is derived from i. All that the initiator has to compute
 * is done while the clock stands still; measured are sending a batch of
 * initiations until their last response has come, and sending the records that
 * complete the handshakes. Prints how many have completed, and the seconds that
 * a batch took at the median, for each handshake.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
	KEY = 32, TAG = 16, TIMESTAMP = 12, BLOCK = 64,
	/* Few enough not to look like a flood. */
	BATCH = 128,
	INITIATION = 148, RESPONSE = 92, DATA = 32,
	BATCHES_MAX = 4096,
};

struct suite {
	const char *name, *construction, *identifier, *mac1_label;
	uint8_t initiation, response;
	bool aes;
};

static const struct suite suites[] = {
	{ "wireguard", "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s",
	  "WireGuard v1 zx2c4 Jason@zx2c4.com", "mac1----", 1, 2, false },
	{ "aes256gcm", "Noise_IKpsk2_25519_AESGCM_BLAKE2s",
	  "mmesh v1 aes256gcm", "mac1-aes", 5, 6, true },
};

/* A handshake of one peer between its initiation and its completion. */
struct handshake {
	uint8_t static_private[KEY], static_public[KEY];
	uint8_t ephemeral_private[KEY];
	uint8_t chaining_key[KEY], hash[KEY], key[KEY];
	uint8_t initiation[INITIATION], response[RESPONSE], data[DATA];
	bool answered;
};

static const struct suite *suite;
static uint8_t responder[KEY], mac1_key[KEY];
static EVP_MD *blake2s;

static void must(int ok, const char *what)
{
	if (ok <= 0)
		errx(1, "%s failed", what);
}

static void hash2(uint8_t *out, const void *a, size_t a_len, const void *b, size_t b_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	must(ctx && EVP_DigestInit_ex(ctx, blake2s, NULL), "hash");
	must(EVP_DigestUpdate(ctx, a, a_len) && EVP_DigestUpdate(ctx, b, b_len) &&
	     EVP_DigestFinal_ex(ctx, out, NULL), "hash");
	EVP_MD_CTX_free(ctx);
}

static void hmac(uint8_t *out, const uint8_t *key, const void *data, size_t len)
{
	uint8_t inner[BLOCK], outer[BLOCK], digest[KEY];
	size_t i;

	for (i = 0; i < BLOCK; i++) {
		inner[i] = 0x36 ^ (i < KEY ? key[i] : 0);
		outer[i] = 0x5c ^ (i < KEY ? key[i] : 0);
	}
	hash2(digest, inner, BLOCK, data, len);
	hash2(out, outer, BLOCK, digest, KEY);
}

/* Noise's HKDF with up to three outputs, which may overwrite @ck. */
static void kdf(uint8_t *out1, uint8_t *out2, uint8_t *out3, const uint8_t *ck,
		const void *input, size_t len)
{
	uint8_t *const outs[] = { out1, out2, out3 };
	uint8_t secret[KEY], block[KEY + 1];
	size_t i, block_len = 0;

	hmac(secret, ck, input, len);
	for (i = 0; i < 3 && outs[i]; i++) {
		block[block_len] = (uint8_t)(i + 1);
		hmac(block, secret, block, block_len + 1);
		block_len = KEY;
		memcpy(outs[i], block, KEY);
	}
}

static void x25519(uint8_t *out, const uint8_t *private, const uint8_t *public)
{
	EVP_PKEY *mine = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private, KEY);
	EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, public, KEY);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(mine, NULL);
	size_t len = KEY;

	must(mine && theirs && ctx && EVP_PKEY_derive_init(ctx) > 0 &&
	     EVP_PKEY_derive_set_peer_ex(ctx, theirs, 0) > 0 &&
	     EVP_PKEY_derive(ctx, out, &len) > 0, "X25519");
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(mine);
	EVP_PKEY_free(theirs);
}

static void public_of(uint8_t *public, const uint8_t *private)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private, KEY);
	size_t len = KEY;

	must(key && EVP_PKEY_get_raw_public_key(key, public, &len), "public key");
	EVP_PKEY_free(key);
}

/* Nonce 0. Encryption appends the tag; decryption checks it. */
static bool aead(bool encrypt, uint8_t *out, const uint8_t *in, int len, const uint8_t *ad,
		 int ad_len, const uint8_t *key)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	const uint8_t nonce[12] = { 0 };
	uint8_t tag[TAG];
	int n;

	must(ctx && EVP_CipherInit_ex(ctx, suite->aes ? EVP_aes_256_gcm() :
							EVP_chacha20_poly1305(),
				      NULL, key, nonce, encrypt), "cipher");
	if (ad_len)
		must(EVP_CipherUpdate(ctx, NULL, &n, ad, ad_len), "cipher");
	if (!encrypt) {
		len -= TAG;
		memcpy(tag, in + len, TAG);
		must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, tag), "tag");
	}
	if (len)
		must(EVP_CipherUpdate(ctx, out, &n, in, len), "cipher");
	n = EVP_CipherFinal_ex(ctx, tag, &n);
	if (encrypt) {
		must(n && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG, out + len), "tag");
	}
	EVP_CIPHER_CTX_free(ctx);
	return n > 0;
}

static void mix_hash(struct handshake *h, const void *data, size_t len)
{
	hash2(h->hash, h->hash, KEY, data, len);
}

static void mix_dh(struct handshake *h, const uint8_t *private, const uint8_t *public)
{
	uint8_t shared[KEY];

	x25519(shared, private, public);
	kdf(h->chaining_key, h->key, NULL, h->chaining_key, shared, KEY);
}

static void seal(struct handshake *h, uint8_t *out, const uint8_t *in, int len)
{
	aead(true, out, in, len, h->hash, KEY, h->key);
	mix_hash(h, out, (size_t)len + TAG);
}

static void mac1(uint8_t *message, size_t len)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "BLAKE2SMAC", NULL);
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
	size_t size = TAG, out;
	OSSL_PARAM params[] = { OSSL_PARAM_construct_size_t("size", &size),
				OSSL_PARAM_construct_end() };

	must(ctx && EVP_MAC_init(ctx, mac1_key, KEY, params) &&
	     EVP_MAC_update(ctx, message, len) &&
	     EVP_MAC_final(ctx, message + len, &out, TAG), "mac1");
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
}

static void put_le32(uint8_t *at, uint32_t v)
{
	memcpy(at, &(uint32_t){ htole32(v) }, sizeof(v));
}

static void key_of(struct handshake *h, uint32_t i)
{
	hash2(h->static_private, "mmesh bench peer", 16, &i, sizeof(i));
	public_of(h->static_public, h->static_private);
}

/* e, es, s, ss, {t} */
static void make_initiation(struct handshake *h, uint32_t index)
{
	uint8_t *m = h->initiation, timestamp[TIMESTAMP];
	struct timespec now;
	uint64_t seconds;
	uint32_t nanos;

	h->answered = false;
	memset(m, 0, INITIATION);
	m[0] = suite->initiation;
	put_le32(m + 4, index);
	hash2(h->chaining_key, suite->construction, strlen(suite->construction), NULL, 0);
	hash2(h->hash, h->chaining_key, KEY, suite->identifier, strlen(suite->identifier));
	mix_hash(h, responder, KEY);
	if (getentropy(h->ephemeral_private, KEY))
		err(1, "getentropy");
	public_of(m + 8, h->ephemeral_private);
	mix_hash(h, m + 8, KEY);
	kdf(h->chaining_key, NULL, NULL, h->chaining_key, m + 8, KEY);
	mix_dh(h, h->ephemeral_private, responder);
	seal(h, m + 40, h->static_public, KEY);
	mix_dh(h, h->static_private, responder);
	clock_gettime(CLOCK_REALTIME, &now);
	seconds = htobe64(0x400000000000000aULL + (uint64_t)now.tv_sec);
	nanos = htobe32((uint32_t)now.tv_nsec);
	memcpy(timestamp, &seconds, 8);
	memcpy(timestamp + 8, &nanos, 4);
	seal(h, m + 88, timestamp, TIMESTAMP);
	mac1(m, 116);
}

/* e, ee, se, psk, {}: then the first, empty record. False: not for us. */
static bool take_response(struct handshake *h)
{
	const uint8_t *m = h->response, psk[KEY] = { 0 };
	uint8_t for_hash[KEY], send[KEY], receive[KEY], nothing[1];

	mix_hash(h, m + 12, KEY);
	kdf(h->chaining_key, NULL, NULL, h->chaining_key, m + 12, KEY);
	mix_dh(h, h->ephemeral_private, m + 12);
	mix_dh(h, h->static_private, m + 12);
	kdf(h->chaining_key, for_hash, h->key, h->chaining_key, psk, KEY);
	mix_hash(h, for_hash, KEY);
	if (!aead(false, nothing, m + 44, TAG, h->hash, KEY, h->key))
		return false;
	kdf(send, receive, NULL, h->chaining_key, nothing, 0);
	memset(h->data, 0, DATA);
	h->data[0] = 4;
	memcpy(h->data + 4, m + 4, 4);
	return aead(true, h->data + 16, nothing, 0, NULL, 0, send);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void send_all(int fd, struct handshake *batch, int n, bool data)
{
	struct mmsghdr messages[BATCH] = { 0 };
	struct iovec parts[BATCH];
	int i, done;

	for (i = 0; i < n; i++) {
		parts[i].iov_base = data ? batch[i].data : batch[i].initiation;
		parts[i].iov_len = data ? DATA : INITIATION;
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	for (i = 0; i < n; i += done) {
		done = sendmmsg(fd, messages + i, (unsigned int)(n - i), 0);
		if (done <= 0)
			err(1, "sendmmsg");
	}
}

/* Receiver index k belongs to batch[k]. */
static void receive_all(int fd, struct handshake *batch, int n)
{
	uint8_t bufs[BATCH][256];
	struct mmsghdr messages[BATCH] = { 0 };
	struct iovec parts[BATCH];
	int i, got, done = 0;
	uint32_t index;

	for (i = 0; i < n; i++) {
		parts[i].iov_base = bufs[i];
		parts[i].iov_len = sizeof(bufs[i]);
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	while (done < n) {
		got = recvmmsg(fd, messages, (unsigned int)n, MSG_WAITFORONE, NULL);
		if (got <= 0)
			errx(1, "%d of %d responses came", done, n);
		for (i = 0; i < got; i++) {
			memcpy(&index, bufs[i] + 8, sizeof(index));
			index = le32toh(index);
			if (messages[i].msg_len != RESPONSE || bufs[i][0] != suite->response ||
			    index >= (uint32_t)n || batch[index].answered)
				continue;
			memcpy(batch[index].response, bufs[i], RESPONSE);
			batch[index].answered = true;
			done++;
		}
	}
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int run(uint32_t first, uint32_t count, int fd)
{
	static struct handshake batch[BATCH];
	static double times[BATCHES_MAX];
	uint32_t at, i, n, batches = 0, completed = 0;
	double start, spent;

	for (at = 0; at < count; at += n) {
		n = count - at < BATCH ? count - at : BATCH;
		for (i = 0; i < n; i++) {
			key_of(&batch[i], first + at + i);
			make_initiation(&batch[i], i);
		}
		start = now();
		send_all(fd, batch, (int)n, false);
		receive_all(fd, batch, (int)n);
		spent = now() - start;
		for (i = 0; i < n; i++)
			completed += take_response(&batch[i]);
		start = now();
		send_all(fd, batch, (int)n, true);
		spent += now() - start;
		if (batches < BATCHES_MAX)
			times[batches++] = spent / n;
	}
	if (completed != count)
		errx(1, "%u of %u handshakes completed", completed, count);
	qsort(times, batches, sizeof(times[0]), by_size);
	printf("%u %.9f\n", completed, times[batches / 2]);
	return 0;
}

static int open_socket(const char *address, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	struct timeval patience = { .tv_sec = 5 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), size = 4 << 20;

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
		errx(1, "'%s' is not an IPv4 address", address);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		err(1, "socket");
	return fd;
}

int main(int argc, char **argv)
{
	struct handshake h;
	uint32_t i, first, count;
	size_t k;

	blake2s = EVP_MD_fetch(NULL, "BLAKE2S-256", NULL);
	must(blake2s != NULL, "BLAKE2s");
	if (argc < 4)
		errx(1, "usage: handshake keys|run FIRST COUNT ...");
	first = (uint32_t)strtoul(argv[2], NULL, 10);
	count = (uint32_t)strtoul(argv[3], NULL, 10);
	if (!strcmp(argv[1], "keys") && argc == 4) {
		for (i = 0; i < count; i++) {
			key_of(&h, first + i);
			if (fwrite(h.static_public, KEY, 1, stdout) != 1)
				err(1, "stdout");
		}
		return fflush(stdout) ? 1 : 0;
	}
	if (strcmp(argv[1], "run") || argc != 8 || strlen(argv[7]) != 2 * KEY)
		errx(1, "usage: handshake run FIRST COUNT SUITE ADDRESS PORT RESPONDER");
	for (k = 0; k < sizeof(suites) / sizeof(suites[0]); k++) {
		if (!strcmp(suites[k].name, argv[4]))
			suite = &suites[k];
	}
	if (!suite)
		errx(1, "no suite '%s'", argv[4]);
	for (i = 0; i < KEY; i++) {
		if (sscanf(argv[7] + 2 * i, "%2hhx", &responder[i]) != 1)
			errx(1, "the responder's key is not hexadecimal");
	}
	hash2(mac1_key, suite->mac1_label, strlen(suite->mac1_label), responder, KEY);
	return run(first, count, open_socket(argv[5], argv[6]));
}
