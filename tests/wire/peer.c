// SPDX-License-Identifier: Apache-2.0
#include "peer.h"

#include <string.h>
#include <time.h>

static const struct {
	const char *construction, *identifier, *mac1_label;
	enum type initiation, response;
} suites[SUITE_COUNT] = {
	[SUITE_WIREGUARD] = { "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s",
			      "WireGuard v1 zx2c4 Jason@zx2c4.com", "mac1----",
			      TYPE_INITIATION, TYPE_RESPONSE },
	[SUITE_AES256GCM] = { "Noise_IKpsk2_25519_AESGCM_BLAKE2s",
			      "mmesh v1 aes256gcm", "mac1-aes",
			      TYPE_INITIATION_AES, TYPE_RESPONSE_AES },
};

uint32_t get_le32(const uint8_t *at)
{
	return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
}

void put_le32(uint8_t *at, uint32_t value)
{
	int i;

	for (i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

void put_le64(uint8_t *at, uint64_t value)
{
	put_le32(at, (uint32_t)value);
	put_le32(at + 4, (uint32_t)(value >> 32));
}

static void labelled_key(uint8_t key[HASH], const char *label, const uint8_t public[KEY])
{
	hash_two(key, label, strlen(label), public, KEY);
}

static const char *mac1_label(const uint8_t *msg)
{
	uint32_t type = get_le32(msg);
	bool aes = type == TYPE_INITIATION_AES || type == TYPE_RESPONSE_AES;

	return suites[aes ? SUITE_AES256GCM : SUITE_WIREGUARD].mac1_label;
}

void put_macs(const struct peer *peer, uint8_t *msg, size_t len)
{
	uint8_t key[HASH];

	labelled_key(key, mac1_label(msg), peer->theirs);
	keyed_mac(msg + len - 2 * MAC, key, sizeof(key), msg, len - 2 * MAC);
	if (peer->has_cookie)
		keyed_mac(msg + len - MAC, peer->cookie, MAC, msg, len - MAC);
	else
		memset(msg + len - MAC, 0, MAC);
}

bool check_macs(const struct peer *peer, const uint8_t *msg, size_t len, const uint8_t *cookie)
{
	uint8_t key[HASH], mac[MAC];

	labelled_key(key, mac1_label(msg), peer->public);
	keyed_mac(mac, key, sizeof(key), msg, len - 2 * MAC);
	if (memcmp(mac, msg + len - 2 * MAC, MAC))
		return false;
	if (!cookie)
		return true;
	keyed_mac(mac, cookie, MAC, msg, len - MAC);
	return !memcmp(mac, msg + len - MAC, MAC);
}

static void mix_hash(struct handshake *hs, const void *data, size_t len)
{
	hash_two(hs->hash, hs->hash, HASH, data, len);
}

static void start(struct handshake *hs, enum suite suite, const uint8_t responder[KEY])
{
	const char *construction = suites[suite].construction;
	const char *identifier = suites[suite].identifier;

	hs->suite = suite;
	hash_two(hs->chaining_key, construction, strlen(construction), "", 0);
	hash_two(hs->hash, hs->chaining_key, HASH, identifier, strlen(identifier));
	mix_hash(hs, responder, KEY);
	random_fill(&hs->index, sizeof(hs->index));
}

static void mix_ephemeral(struct handshake *hs, const uint8_t public[KEY])
{
	mix_hash(hs, public, KEY);
	kdf(hs->chaining_key, NULL, NULL, hs->chaining_key, public, KEY);
}

static bool mix_dh(struct handshake *hs, uint8_t key[KEY], const uint8_t private[KEY],
		   const uint8_t public[KEY])
{
	uint8_t shared[KEY];

	if (!dh(shared, private, public))
		return false;
	kdf(hs->chaining_key, key, NULL, hs->chaining_key, shared, KEY);
	return true;
}

static void mix_psk(struct handshake *hs, uint8_t key[KEY], const uint8_t psk[KEY])
{
	uint8_t tau[HASH];

	kdf(hs->chaining_key, tau, key, hs->chaining_key, psk, KEY);
	mix_hash(hs, tau, HASH);
}

static void write_field(struct handshake *hs, const uint8_t key[KEY], uint8_t *dst,
			const void *src, size_t len)
{
	seal(hs->suite, dst, key, 0, hs->hash, HASH, src, len);
	mix_hash(hs, dst, len + TAG);
}

static bool read_field(struct handshake *hs, const uint8_t key[KEY], uint8_t *dst,
		       const uint8_t *src, size_t len)
{
	if (!open_sealed(hs->suite, dst, key, 0, hs->hash, HASH, src, len))
		return false;
	mix_hash(hs, src, len);
	return true;
}

/* TAI64N, later than all before. */
static void put_timestamp(struct peer *peer, uint8_t dst[12])
{
	struct timespec now;
	uint64_t ns, seconds;
	int i;

	clock_gettime(CLOCK_REALTIME, &now);
	ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	peer->clock = ns > peer->clock ? ns : peer->clock + 1;
	seconds = 0x400000000000000aULL + peer->clock / 1000000000;
	ns = peer->clock % 1000000000;
	for (i = 0; i < 8; i++)
		dst[i] = (uint8_t)(seconds >> 8 * (7 - i));
	for (i = 0; i < 4; i++)
		dst[8 + i] = (uint8_t)(ns >> 8 * (3 - i));
}

void make_initiation(struct peer *peer, struct handshake *hs, enum suite suite,
		     uint8_t msg[INITIATION])
{
	uint8_t key[KEY], timestamp[12];

	start(hs, suite, peer->theirs);
	memset(msg, 0, INITIATION);
	put_le32(msg, suites[suite].initiation);
	put_le32(msg + 4, hs->index);
	dh_generate(hs->ephemeral, msg + INITIATION_EPHEMERAL);
	mix_ephemeral(hs, msg + INITIATION_EPHEMERAL);
	mix_dh(hs, key, hs->ephemeral, peer->theirs);
	write_field(hs, key, msg + INITIATION_STATIC, peer->public, KEY);
	mix_dh(hs, key, peer->private, peer->theirs);
	put_timestamp(peer, timestamp);
	write_field(hs, key, msg + INITIATION_TIMESTAMP, timestamp, sizeof(timestamp));
	put_macs(peer, msg, INITIATION);
}

bool read_initiation(const struct peer *peer, struct handshake *hs, const uint8_t msg[INITIATION])
{
	uint8_t key[KEY], public[KEY], timestamp[12];

	start(hs, SUITE_WIREGUARD, peer->public);
	hs->their_index = get_le32(msg + 4);
	memcpy(hs->their_ephemeral, msg + INITIATION_EPHEMERAL, KEY);
	mix_ephemeral(hs, hs->their_ephemeral);
	return mix_dh(hs, key, peer->private, hs->their_ephemeral) &&
	       read_field(hs, key, public, msg + INITIATION_STATIC, KEY + TAG) &&
	       !memcmp(public, peer->theirs, KEY) &&
	       mix_dh(hs, key, peer->private, peer->theirs) &&
	       read_field(hs, key, timestamp, msg + INITIATION_TIMESTAMP,
			  sizeof(timestamp) + TAG);
}

static void derive(const struct handshake *hs, struct session *session, bool initiator)
{
	uint8_t *first = initiator ? session->sending : session->receiving;
	uint8_t *second = initiator ? session->receiving : session->sending;

	session->suite = hs->suite;
	kdf(first, second, session->secret, hs->chaining_key, "", 0);
	session->is_initiator = initiator;
	session->index = hs->index;
	session->their_index = hs->their_index;
	session->counter = 0;
}

bool read_response(const struct peer *peer, struct handshake *hs, const uint8_t msg[RESPONSE],
		   struct session *session)
{
	const uint8_t *ephemeral = msg + RESPONSE_EPHEMERAL;
	struct handshake copy = *hs;
	uint8_t key[KEY], nothing[1];

	if (get_le32(msg + 8) != hs->index)
		return false;
	copy.their_index = get_le32(msg + 4);
	mix_ephemeral(&copy, ephemeral);
	if (!mix_dh(&copy, key, copy.ephemeral, ephemeral) ||
	    !mix_dh(&copy, key, peer->private, ephemeral))
		return false;
	mix_psk(&copy, key, peer->psk);
	if (!read_field(&copy, key, nothing, msg + RESPONSE_NOTHING, TAG))
		return false;
	*hs = copy;
	derive(hs, session, true);
	return true;
}

void make_response(const struct peer *peer, struct handshake *hs, uint8_t msg[RESPONSE],
		   struct session *session)
{
	uint8_t key[KEY];

	memset(msg, 0, RESPONSE);
	put_le32(msg, suites[hs->suite].response);
	put_le32(msg + 4, hs->index);
	put_le32(msg + 8, hs->their_index);
	dh_generate(hs->ephemeral, msg + RESPONSE_EPHEMERAL);
	mix_ephemeral(hs, msg + RESPONSE_EPHEMERAL);
	mix_dh(hs, key, hs->ephemeral, hs->their_ephemeral);
	mix_dh(hs, key, hs->ephemeral, peer->theirs);
	mix_psk(hs, key, peer->psk);
	write_field(hs, key, msg + RESPONSE_NOTHING, "", 0);
	put_macs(peer, msg, RESPONSE);
	derive(hs, session, false);
}

size_t make_record(const struct session *session, uint64_t counter, uint8_t *msg,
		   const void *plain, size_t len)
{
	put_le32(msg, TYPE_DATA);
	put_le32(msg + 4, session->their_index);
	put_le64(msg + DATA_COUNTER, counter);
	seal(session->suite, msg + DATA_TEXT, session->sending, counter, NULL, 0, plain, len);
	return RECORD + len;
}

bool read_record(const struct session *session, uint8_t *plain, const uint8_t *msg, size_t len)
{
	uint64_t counter;

	if (len < RECORD || get_le32(msg) != TYPE_DATA || get_le32(msg + 4) != session->index)
		return false;
	counter = get_le32(msg + 8) | (uint64_t)get_le32(msg + 12) << 32;
	return open_sealed(session->suite, plain, session->receiving, counter, NULL, 0,
			   msg + DATA_TEXT, len - DATA_TEXT);
}

void make_cookie_reply(const struct peer *peer, uint8_t msg[COOKIE], uint32_t their_index,
		       const uint8_t mac1[MAC], const uint8_t cookie[MAC])
{
	uint8_t key[HASH];

	labelled_key(key, "cookie--", peer->public);
	put_le32(msg, TYPE_COOKIE);
	put_le32(msg + 4, their_index);
	random_fill(msg + 8, XNONCE);
	xseal(msg + 8 + XNONCE, key, msg + 8, mac1, MAC, cookie, MAC);
}

bool read_cookie_reply(struct peer *peer, const uint8_t msg[COOKIE], const uint8_t mac1[MAC])
{
	uint8_t key[HASH];

	labelled_key(key, "cookie--", peer->theirs);
	peer->has_cookie = xopen(peer->cookie, key, msg + 8, mac1, MAC, msg + 8 + XNONCE,
				 MAC + TAG);
	return peer->has_cookie;
}
