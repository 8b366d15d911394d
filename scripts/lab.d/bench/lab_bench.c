// SPDX-License-Identifier: GPL-2.0
/*
 * Proof that a kernel's AEAD ciphers are right, stay right when interrupts use
 * vector registers too, and are fast. Loading does everything; the log has the
 * figures, and loading fails when a cipher is wrong.
 */

#include <crypto/aead.h>
#include <crypto/chacha20poly1305.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#define MAX_LEN		1500
#define BENCH_LEN	1420
#define AD_LEN		13
#define TAG_LEN		16

/* What OpenSSL, through Python's "cryptography", gives for known_answers(). */
#define WANT_CHACHA	3505270611218127251ULL
#define WANT_GCM	16763077748552615415ULL

static u8 key[32];
static u8 plain[MAX_LEN];
static u8 ad[AD_LEN];
static struct crypto_aead *gcm;
static struct aead_request *gcm_req;

static void fill(size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		plain[i] = i * 11 + len;
	memset(ad, len, sizeof(ad));
}

static u64 fnv(u64 hash, const u8 *data, size_t len)
{
	while (len--)
		hash = (hash ^ *data++) * 0x100000001b3ULL;
	return hash;
}

/* @buf holds the additional data, the text, and room for the tag. */
static int gcm_encrypt(u8 *buf, size_t len, u64 nonce)
{
	struct scatterlist sg;
	u8 iv[12] = {};

	put_unaligned_le64(nonce, iv + 4);
	sg_init_one(&sg, buf, AD_LEN + len + TAG_LEN);
	aead_request_set_crypt(gcm_req, &sg, &sg, len, iv);
	aead_request_set_ad(gcm_req, AD_LEN);
	return crypto_aead_encrypt(gcm_req);
}

/* All lengths, so that each vector width meets each remainder. */
static int known_answers(u8 *buf)
{
	u64 chacha = 0xcbf29ce484222325ULL, aes = chacha;
	size_t len;
	int err;

	for (len = 0; len <= MAX_LEN; len++) {
		fill(len);
		chacha20poly1305_encrypt(buf, plain, len, ad, AD_LEN, len, key);
		chacha = fnv(chacha, buf, len + TAG_LEN);
		memcpy(buf, ad, AD_LEN);
		memcpy(buf + AD_LEN, plain, len);
		err = gcm_encrypt(buf, len, len);
		if (err)
			return err;
		aes = fnv(aes, buf + AD_LEN, len + TAG_LEN);
	}
	if (chacha == WANT_CHACHA && aes == WANT_GCM)
		return 0;
	pr_err("lab_bench: wrong: chacha20poly1305 %llu, not %llu; gcm(aes) %llu, not %llu\n",
	       chacha, WANT_CHACHA, aes, WANT_GCM);
	return -EBADMSG;
}

struct intruder {
	struct hrtimer timer;
	u8 *buf;
	u64 want;
	ulong runs;
	bool wrong;
};

/* An interrupt that overwrites every vector register. */
static enum hrtimer_restart intrude(struct hrtimer *timer)
{
	struct intruder *in = container_of(timer, struct intruder, timer);

	chacha20poly1305_encrypt(in->buf, plain, MAX_LEN, ad, AD_LEN, 7, key);
	if (fnv(0, in->buf, MAX_LEN + TAG_LEN) != in->want)
		in->wrong = true;
	in->runs++;
	hrtimer_forward_now(timer, us_to_ktime(100));
	return HRTIMER_RESTART;
}

/* GCM here and ChaCha20-Poly1305 in interrupts have to leave each other alone. */
static int under_interrupts(u8 *buf, u8 *other)
{
	struct intruder in = { .buf = other };
	ktime_t end = ktime_add_ms(ktime_get(), 1000);
	u64 want, got;
	ulong runs = 0;
	int err = 0;

	fill(MAX_LEN);
	chacha20poly1305_encrypt(other, plain, MAX_LEN, ad, AD_LEN, 7, key);
	in.want = fnv(0, other, MAX_LEN + TAG_LEN);
	memset(buf, 0, AD_LEN + MAX_LEN);
	err = gcm_encrypt(buf, MAX_LEN, 9);
	want = fnv(0, buf, AD_LEN + MAX_LEN + TAG_LEN);

	hrtimer_setup(&in.timer, intrude, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	hrtimer_start(&in.timer, us_to_ktime(100), HRTIMER_MODE_REL);
	while (!err && ktime_before(ktime_get(), end)) {
		memset(buf, 0, AD_LEN + MAX_LEN);
		err = gcm_encrypt(buf, MAX_LEN, 9);
		got = fnv(0, buf, AD_LEN + MAX_LEN + TAG_LEN);
		if (got != want)
			err = -EBADMSG;
		runs++;
	}
	hrtimer_cancel(&in.timer);
	if (err || in.wrong || !in.runs) {
		pr_err("lab_bench: interrupts spoil vector registers: error %d, %lu runs, %lu interrupts%s\n",
		       err, runs, in.runs, in.wrong ? ", wrong there" : "");
		return -EBADMSG;
	}
	pr_info("lab_bench: %lu encryptions right between %lu interrupts\n", runs, in.runs);
	return 0;
}

/* Bytes a second in the best of many short windows: what else runs on the machine does not count. */
static u64 speed(u8 *buf, bool aes)
{
	u64 best = U64_MAX, took;
	unsigned int window, i;
	ktime_t start;

	for (window = 0; window < 60; window++) {
		start = ktime_get();
		for (i = 0; i < 2000; i++) {
			if (aes)
				gcm_encrypt(buf, BENCH_LEN, i);
			else
				chacha20poly1305_encrypt(buf, buf, BENCH_LEN, ad, AD_LEN, i, key);
		}
		took = ktime_to_ns(ktime_sub(ktime_get(), start));
		best = min(best, took);
	}
	return div64_u64(2000ULL * BENCH_LEN * NSEC_PER_SEC, best);
}

static int __init lab_bench_init(void)
{
	u8 *buf, *other;
	size_t i;
	int err;

	for (i = 0; i < sizeof(key); i++)
		key[i] = i * 7 + 3;
	gcm = crypto_alloc_aead("gcm(aes)", 0, CRYPTO_ALG_ASYNC);
	if (IS_ERR(gcm))
		return PTR_ERR(gcm);
	err = -ENOMEM;
	gcm_req = aead_request_alloc(gcm, GFP_KERNEL);
	buf = kmalloc(2 * MAX_LEN, GFP_KERNEL);
	other = kmalloc(2 * MAX_LEN, GFP_KERNEL);
	if (!gcm_req || !buf || !other)
		goto out;
	aead_request_set_callback(gcm_req, 0, NULL, NULL);
	err = crypto_aead_setkey(gcm, key, sizeof(key));
	if (!err)
		err = crypto_aead_setauthsize(gcm, TAG_LEN);
	if (!err)
		err = known_answers(buf);
	if (!err)
		err = under_interrupts(buf, other);
	if (err)
		goto out;
	pr_info("lab_bench: gcm %s\n", crypto_tfm_alg_driver_name(crypto_aead_tfm(gcm)));
	pr_info("lab_bench: gcm bytes/s %llu\n", speed(buf, true));
	pr_info("lab_bench: chacha20poly1305 bytes/s %llu\n", speed(buf, false));
out:
	kfree(other);
	kfree(buf);
	if (gcm_req)
		aead_request_free(gcm_req);
	crypto_free_aead(gcm);
	return err;
}

static void __exit lab_bench_exit(void)
{
}

module_init(lab_bench_init);
module_exit(lab_bench_exit);
MODULE_DESCRIPTION("Proof of a kernel's vector crypto");
MODULE_LICENSE("GPL");
