// SPDX-License-Identifier: GPL-2.0
/* TX path, stage 3 of 4, and RX path, stage 4 of 5: the suites' ciphers. In:
 * seal.c, open.c. Context: BH off.
 *
 * ChaCha20-Poly1305 comes from the kernel's library. For AES-256-GCM the fast
 * code is behind the crypto API only. Each CPU has one transform for sealing
 * and one for opening and keys them when the key changes, which costs less
 * than a packet and saves a kilobyte for each direction of each keypair.
 */

#include <crypto/aead.h>
#include <crypto/chacha20poly1305.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "crypt.h"

enum {
	GCM_IV_LEN = 12,
	/* The handshake's messages are short; a buffer of this size does. */
	HANDSHAKE_AEAD_MAX = 128,
};

struct aes_engine {
	struct crypto_aead *tfm;
	struct aead_request *req;
	/* Prepared once: a record changes nothing but the buffers. */
	struct scatterlist in;
	struct scatterlist out;
	u64 key_id;
};

struct aes_cpu {
	struct aes_engine seal;
	struct aes_engine open;
};

static DEFINE_PER_CPU(struct aes_cpu, aes_cpus);
/* For handshakes: rare, and allocating a transform may look for a module. */
static struct aes_engine aes_handshake;
static DEFINE_MUTEX(aes_handshake_lock);
static bool aes_available;
static const char *aes_driver = "none";
static bool aes_slow;
static atomic64_t last_key_id;

/* Up to 6.15 x86's vector code hides behind an asynchronous wrapper. The
 * algorithm inside is synchronous and, with BH off and the FPU usable, safe to
 * call; the wrapper's name tells that it is there.
 */
static struct crypto_aead *aes_alloc(void)
{
	struct crypto_aead *tfm;

	tfm = crypto_alloc_aead("__gcm(aes)", CRYPTO_ALG_INTERNAL,
				CRYPTO_ALG_INTERNAL | CRYPTO_ALG_ASYNC);
	if (!IS_ERR(tfm))
		return tfm;
	return crypto_alloc_aead("gcm(aes)", 0, CRYPTO_ALG_ASYNC);
}

static int engine_init(struct aes_engine *engine)
{
	engine->tfm = aes_alloc();
	if (IS_ERR(engine->tfm)) {
		engine->tfm = NULL;
		return -ENOENT;
	}
	engine->req = aead_request_alloc(engine->tfm, GFP_KERNEL);
	if (!engine->req || crypto_aead_setauthsize(engine->tfm, MMESH_TAG_LEN))
		return -ENOMEM;
	aead_request_set_callback(engine->req, 0, NULL, NULL);
	aead_request_set_ad(engine->req, 0);
	sg_init_table(&engine->in, 1);
	sg_init_table(&engine->out, 1);
	return 0;
}

static void engine_exit(struct aes_engine *engine)
{
	aead_request_free(engine->req);
	crypto_free_aead(engine->tfm);
	memset(engine, 0, sizeof(*engine));
}

static bool is_generic(const char *driver)
{
	return strstr(driver, "generic,") || strstr(driver, "-lib") ||
	       strstr(driver, "aes-generic") || strstr(driver, "ghash-generic");
}

static void aes_exit(void)
{
	int cpu;

	aes_available = false;
	engine_exit(&aes_handshake);
	for_each_possible_cpu(cpu) {
		engine_exit(&per_cpu(aes_cpus, cpu).seal);
		engine_exit(&per_cpu(aes_cpus, cpu).open);
	}
}

/* A kernel without AES-GCM leaves us the wireguard suite. */
static void aes_init(void)
{
	struct aes_cpu *aes;
	int cpu;

	for_each_possible_cpu(cpu) {
		aes = &per_cpu(aes_cpus, cpu);
		if (engine_init(&aes->seal) || engine_init(&aes->open)) {
			aes_exit();
			return;
		}
	}
	if (engine_init(&aes_handshake)) {
		aes_exit();
		return;
	}
	aes = &per_cpu(aes_cpus, cpumask_first(cpu_possible_mask));
	aes_driver = crypto_tfm_alg_driver_name(crypto_aead_tfm(aes->seal.tfm));
	aes_slow = is_generic(aes_driver);
	aes_available = true;
	if (aes_slow)
		pr_warn("mmesh: only a slow AES-256-GCM (%s) is available\n",
			aes_driver);
}

int mmesh_crypt_init(void)
{
	aes_init();
	return 0;
}

void mmesh_crypt_exit(void)
{
	aes_exit();
}

const char *mmesh_crypt_driver(u8 suite)
{
	return suite == MMESH_SUITE_AES256GCM ? aes_driver : "chacha20poly1305-lib";
}

bool mmesh_crypt_slow(u8 suite)
{
	return suite == MMESH_SUITE_AES256GCM && (aes_slow || !aes_available);
}

bool mmesh_crypt_available(u8 suite)
{
	return suite == MMESH_SUITE_WIREGUARD ||
	       (suite == MMESH_SUITE_AES256GCM && aes_available);
}

void mmesh_crypt_key_init(struct mmesh_crypt_key *key, u8 suite,
			  const u8 raw[MMESH_KEY_LEN])
{
	memcpy(key->key, raw, MMESH_KEY_LEN);
	key->id = atomic64_inc_return(&last_key_id);
	key->suite = suite;
}

/* Noise's AESGCM nonce: four zero bytes, then the counter, big-endian. */
static void gcm_iv(u8 iv[GCM_IV_LEN], u64 nonce)
{
	put_unaligned_be32(0, iv);
	put_unaligned_be64(nonce, iv + 4);
}

static int engine_key(struct aes_engine *engine, const struct mmesh_crypt_key *key)
{
	int ret;

	if (likely(engine->key_id == key->id))
		return 0;
	engine->key_id = 0;
	ret = crypto_aead_setkey(engine->tfm, key->key, MMESH_KEY_LEN);
	if (!ret)
		engine->key_id = key->id;
	return ret;
}

static int aes_seal(const struct mmesh_crypt_key *key, u8 *buf, size_t len, u64 nonce)
{
	struct aes_engine *engine = this_cpu_ptr(&aes_cpus.seal);
	u8 iv[GCM_IV_LEN];
	int ret;

	ret = engine_key(engine, key);
	if (ret)
		return ret;
	gcm_iv(iv, nonce);
	sg_set_buf(&engine->in, buf, len + MMESH_TAG_LEN);
	aead_request_set_crypt(engine->req, &engine->in, &engine->in, len, iv);
	return crypto_aead_encrypt(engine->req);
}

static int aes_open(const struct mmesh_crypt_key *key, u8 *dst, const u8 *src,
		    size_t len, u64 nonce)
{
	struct aes_engine *engine = this_cpu_ptr(&aes_cpus.open);
	u8 iv[GCM_IV_LEN];
	int ret;

	ret = engine_key(engine, key);
	if (ret)
		return ret;
	gcm_iv(iv, nonce);
	sg_set_buf(&engine->in, src, len);
	sg_set_buf(&engine->out, dst, len - MMESH_TAG_LEN);
	aead_request_set_crypt(engine->req, &engine->in, &engine->out, len, iv);
	return crypto_aead_decrypt(engine->req);
}

int mmesh_crypt_seal(const struct mmesh_crypt_key *key, u8 *buf, size_t len,
		     u64 nonce)
{
	if (key->suite == MMESH_SUITE_AES256GCM)
		return aes_seal(key, buf, len, nonce);
	chacha20poly1305_encrypt(buf, buf, len, NULL, 0, nonce, key->key);
	return 0;
}

int mmesh_crypt_open(const struct mmesh_crypt_key *key, u8 *dst, const u8 *src,
		     size_t len, u64 nonce)
{
	if (key->suite == MMESH_SUITE_AES256GCM)
		return aes_open(key, dst, src, len, nonce);
	if (!chacha20poly1305_decrypt(dst, src, len, NULL, 0, nonce, key->key))
		return -EBADMSG;
	return 0;
}

/* aes_handshake_lock held; @buf has the associated data and the text, and room
 * for the tag.
 */
static int aes_run(bool encrypt, u8 *buf, size_t len, size_t ad_len, u64 nonce,
		   const u8 key[MMESH_KEY_LEN])
{
	struct aead_request *req = aes_handshake.req;
	u8 iv[GCM_IV_LEN];
	int ret;

	ret = crypto_aead_setkey(aes_handshake.tfm, key, MMESH_KEY_LEN);
	if (ret)
		return ret;
	gcm_iv(iv, nonce);
	sg_set_buf(&aes_handshake.in, buf, HANDSHAKE_AEAD_MAX);
	aead_request_set_ad(req, ad_len);
	aead_request_set_crypt(req, &aes_handshake.in, &aes_handshake.in, len, iv);
	/* With BH off the FPU is ours, as the inner algorithm demands. */
	local_bh_disable();
	ret = encrypt ? crypto_aead_encrypt(req) : crypto_aead_decrypt(req);
	local_bh_enable();
	return ret;
}

static int aes_once(bool encrypt, u8 *dst, const u8 *src, size_t len, const u8 *ad,
		    size_t ad_len, u64 nonce, const u8 key[MMESH_KEY_LEN])
{
	const size_t out = encrypt ? len + MMESH_TAG_LEN : len - MMESH_TAG_LEN;
	u8 *buf;
	int ret;

	if (!aes_available)
		return -EOPNOTSUPP;
	if (ad_len + len + MMESH_TAG_LEN > HANDSHAKE_AEAD_MAX)
		return -EMSGSIZE;
	/* Scatterlists don't take the stack's memory. */
	buf = kzalloc(HANDSHAKE_AEAD_MAX, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	if (ad_len)
		memcpy(buf, ad, ad_len);
	if (len)
		memcpy(buf + ad_len, src, len);
	mutex_lock(&aes_handshake_lock);
	ret = aes_run(encrypt, buf, len, ad_len, nonce, key);
	mutex_unlock(&aes_handshake_lock);
	if (!ret)
		memcpy(dst, buf + ad_len, out);
	kfree_sensitive(buf);
	return ret;
}

int mmesh_aead_encrypt(u8 suite, u8 *dst, const u8 *src, size_t len, const u8 *ad,
		       size_t ad_len, u64 nonce, const u8 key[MMESH_KEY_LEN])
{
	if (suite == MMESH_SUITE_AES256GCM)
		return aes_once(true, dst, src, len, ad, ad_len, nonce, key);
	chacha20poly1305_encrypt(dst, src, len, ad, ad_len, nonce, key);
	return 0;
}

int mmesh_aead_decrypt(u8 suite, u8 *dst, const u8 *src, size_t len, const u8 *ad,
		       size_t ad_len, u64 nonce, const u8 key[MMESH_KEY_LEN])
{
	if (len < MMESH_TAG_LEN)
		return -EBADMSG;
	if (suite == MMESH_SUITE_AES256GCM)
		return aes_once(false, dst, src, len, ad, ad_len, nonce, key);
	return chacha20poly1305_decrypt(dst, src, len, ad, ad_len, nonce, key) ?
		0 : -EBADMSG;
}
