// SPDX-License-Identifier: GPL-2.0
/* Measures the kernel's ciphers and X25519 when it is loaded: the limits that
 * the benchmark compares with. The figures are its parameters.
 */

#include <crypto/aead.h>
#include <crypto/chacha20poly1305.h>
#include <crypto/curve25519.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

enum { TEXT = 1420, TAG = 16, KEY = 32, ROUNDS = 60, TIMES = 300, POINTS = 30 };

static unsigned int chacha_ns;
module_param(chacha_ns, uint, 0444);
MODULE_PARM_DESC(chacha_ns, "ChaCha20-Poly1305, seal and open 1420 bytes");
static unsigned int gcm_ns;
module_param(gcm_ns, uint, 0444);
MODULE_PARM_DESC(gcm_ns, "AES-256-GCM, seal and open 1420 bytes");
static unsigned int x25519_ns;
module_param(x25519_ns, uint, 0444);
MODULE_PARM_DESC(x25519_ns, "one X25519 of any point");

static u8 *buf;
static u8 key[KEY];

static int chacha_once(void)
{
	chacha20poly1305_encrypt(buf, buf, TEXT, NULL, 0, 1, key);
	return chacha20poly1305_decrypt(buf, buf, TEXT + TAG, NULL, 0, 1, key) ?
		0 : -EBADMSG;
}

static struct crypto_aead *tfm;
static struct aead_request *req;

static int gcm_once(void)
{
	struct scatterlist sg;
	u8 iv[12] = { 0 };
	int ret;

	sg_init_one(&sg, buf, TEXT + TAG);
	aead_request_set_callback(req, 0, NULL, NULL);
	aead_request_set_ad(req, 0);
	aead_request_set_crypt(req, &sg, &sg, TEXT, iv);
	ret = crypto_aead_encrypt(req);
	if (ret)
		return ret;
	aead_request_set_crypt(req, &sg, &sg, TEXT + TAG, iv);
	return crypto_aead_decrypt(req);
}

static int x25519_once(void)
{
	return curve25519(buf, key, buf) ? 0 : -EINVAL;
}

/* The best of several rounds: what disturbs only adds. */
static int measure(int (*once)(void), int times, unsigned int *result)
{
	u64 best = U64_MAX, start;
	int round, i, ret;

	for (round = 0; round < ROUNDS; round++) {
		start = ktime_get_ns();
		for (i = 0; i < times; i++) {
			ret = once();
			if (ret)
				return ret;
		}
		best = min(best, ktime_get_ns() - start);
	}
	*result = best / times;
	return 0;
}

static int gcm_measure(void)
{
	int ret;

	tfm = crypto_alloc_aead("gcm(aes)", 0, CRYPTO_ALG_ASYNC);
	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	req = aead_request_alloc(tfm, GFP_KERNEL);
	ret = req ? 0 : -ENOMEM;
	if (!ret)
		ret = crypto_aead_setkey(tfm, key, KEY);
	if (!ret)
		ret = crypto_aead_setauthsize(tfm, TAG);
	if (!ret)
		ret = measure(gcm_once, TIMES, &gcm_ns);
	aead_request_free(req);
	crypto_free_aead(tfm);
	return ret;
}

static int __init kbench_init(void)
{
	int ret;

	buf = kzalloc(TEXT + TAG, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	get_random_bytes(key, KEY);
	get_random_bytes(buf, TEXT);
	ret = measure(chacha_once, TIMES, &chacha_ns);
	if (!ret)
		ret = gcm_measure();
	if (!ret) {
		curve25519_generate_secret(key);
		ret = measure(x25519_once, POINTS, &x25519_ns);
	}
	kfree(buf);
	return ret;
}

static void __exit kbench_exit(void)
{
}

module_init(kbench_init);
module_exit(kbench_exit);
MODULE_DESCRIPTION("Speed of the kernel's ciphers");
MODULE_LICENSE("GPL");
