// SPDX-License-Identifier: Apache-2.0
/* What a stream takes, and what it refuses without being changed. */
#include <errno.h>
#include <string.h>

#include "signer.h"

/* What a stream is told: entries, of which the first @living make the head. */
struct told {
	Mmesh__V1__Entry *entry[8], *living[8];
	size_t n, n_living;
};

static struct signer signer;

static void told_clear(struct told *t)
{
	for (size_t i = 0; i < t->n; i++)
		mmesh__v1__entry__free_unpacked(t->entry[i], NULL);
	*t = (struct told){ 0 };
}

/* Hand it over with a head over what should be there afterwards; the error's number. */
static int take(struct stream *stream, struct told *t, bool snapshot, uint64_t sequence)
{
	struct stream_trust trust = signer_trust(&signer);
	Mmesh__V1__Signed *head;
	struct error err;
	int r;

	head = signer_head(&signer, SIGNER_SUBNET, sequence, t->living, t->n_living);
	r = stream_take(stream, &trust, snapshot, t->entry, t->n, head, &err);
	mmesh__v1__signed__free_unpacked(head, NULL);
	told_clear(t);
	return r;
}

static void tell(struct told *t, Mmesh__V1__Entry *e, bool living)
{
	t->entry[t->n++] = e;
	if (living)
		t->living[t->n_living++] = e;
}

/* What is there already and stays counts for the head. */
static void stays(struct told *t, const struct stream *stream, unsigned int node)
{
	t->living[t->n_living++] = stream_find(stream, signer_node_id(node))->wire;
}

static void begin(struct stream *stream)
{
	struct told t = { 0 };

	*stream = (struct stream){ 0 };
	(void)strcpy(stream->subnet, SIGNER_SUBNET);
	for (unsigned int i = 0; i < 3; i++)
		tell(&t, signer_node(&signer, i, i + 1, 2), true);
	assert_int_equal(take(stream, &t, true, 3), 0);
	assert_int_equal(stream->count, 3);
}

static void unchanged(const struct stream *stream)
{
	assert_int_equal(stream->count, 3);
	assert_int_equal(stream->sequence, 3);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(stream_find(stream, signer_node_id(i))->wire->sequence, i + 1);
}

static void test_snapshot_and_deltas(void **state)
{
	struct stream stream;
	struct told t = { 0 };

	(void)state;
	begin(&stream);
	tell(&t, signer_node(&signer, 3, 4, 0), true);
	for (unsigned int i = 0; i < 3; i++)
		stays(&t, &stream, i);
	assert_int_equal(take(&stream, &t, false, 4), 0);
	assert_int_equal(stream.count, 4);
	tell(&t, signer_tombstone(&signer, 0, 5), false);
	for (unsigned int i = 1; i < 4; i++)
		stays(&t, &stream, i);
	assert_int_equal(take(&stream, &t, false, 5), 0);
	assert_null(stream_find(&stream, signer_node_id(0)));
	/* In a complete snapshot absence is deletion. */
	tell(&t, signer_node(&signer, 1, 6, 3), true);
	assert_int_equal(take(&stream, &t, true, 6), 0);
	assert_int_equal(stream.count, 1);
	stream_clear(&stream);
}

/* A record that is left out, or one too many: not what the head tells of. */
static void test_digest(void **state)
{
	struct stream stream;
	struct told t = { 0 };

	(void)state;
	begin(&stream);
	tell(&t, signer_node(&signer, 0, 4, 2), true);
	stays(&t, &stream, 1);
	assert_int_equal(take(&stream, &t, false, 4), -EAGAIN);
	unchanged(&stream);
	tell(&t, signer_node(&signer, 0, 4, 2), true);
	tell(&t, signer_node(&signer, 1, 5, 2), false);
	assert_int_equal(take(&stream, &t, true, 5), -EAGAIN);
	unchanged(&stream);
	stream_clear(&stream);
}

static void test_old(void **state)
{
	struct stream stream;
	struct told t = { 0 };

	(void)state;
	begin(&stream);
	/* An older head. */
	tell(&t, signer_node(&signer, 0, 1, 2), true);
	assert_int_equal(take(&stream, &t, true, 1), -ESTALE);
	/* A newer head with an older record: its own sequence tells. */
	tell(&t, signer_node(&signer, 2, 2, 2), true);
	t.entry[0]->sequence = 9;
	stays(&t, &stream, 0);
	stays(&t, &stream, 1);
	assert_int_equal(take(&stream, &t, false, 9), -ESTALE);
	/* Older endpoints. */
	tell(&t, signer_node(&signer, 2, 9, 1), true);
	stays(&t, &stream, 0);
	stays(&t, &stream, 1);
	assert_int_equal(take(&stream, &t, false, 9), -ESTALE);
	/* An older epoch. */
	signer.epoch = 1;
	tell(&t, signer_node(&signer, 2, 9, 2), true);
	assert_int_equal(take(&stream, &t, true, 9), -ESTALE);
	signer.epoch = 2;
	unchanged(&stream);
	stream_clear(&stream);
}

/* A restored backup: a new epoch, in which everything comes anew. */
static void test_epoch(void **state)
{
	struct stream stream;
	struct told t = { 0 };

	(void)state;
	begin(&stream);
	signer.epoch = 3;
	tell(&t, signer_node(&signer, 0, 9, 2), true);
	assert_int_equal(take(&stream, &t, false, 9), -EAGAIN);
	unchanged(&stream);
	tell(&t, signer_node(&signer, 0, 9, 2), true);
	assert_int_equal(take(&stream, &t, true, 9), 0);
	assert_int_equal(stream.epoch, 3);
	signer.epoch = 2;
	stream_clear(&stream);
}

static void test_forged(void **state)
{
	struct trust_key *key = signer.key, *stranger;
	struct stream stream;
	struct told t = { 0 };

	(void)state;
	begin(&stream);
	assert_int_equal(trust_key_generate(&stranger, TRUST_KEY_ED25519, NULL), 0);
	signer.key = stranger;
	tell(&t, signer_node(&signer, 0, 9, 2), true);
	assert_true(take(&stream, &t, true, 9) < 0);
	tell(&t, signer_node(&signer, 0, 9, 2), true);
	signer.key = key;
	assert_true(take(&stream, &t, true, 9) < 0);
	trust_key_unref(stranger);
	/* One bit of a payload. */
	tell(&t, signer_node(&signer, 0, 9, 2), true);
	t.entry[0]->record->payload.data[3] ^= 1;
	assert_int_equal(take(&stream, &t, true, 9), -EBADMSG);
	/* Endpoints that another node signed. */
	tell(&t, signer_node(&signer, 0, 9, 2), true);
	tell(&t, signer_node(&signer, 1, 9, 2), true);
	{
		Mmesh__V1__Signed *swap = t.entry[0]->endpoints;

		t.entry[0]->endpoints = t.entry[1]->endpoints;
		t.entry[1]->endpoints = swap;
	}
	assert_true(take(&stream, &t, true, 9) < 0);
	/* No signature at all; another's record; one twice; a record of another stream. */
	tell(&t, signer_node(&signer, 0, 9, 2), true);
	mmesh__v1__signed__free_unpacked(t.entry[0]->record, NULL);
	t.entry[0]->record = NULL;
	assert_int_equal(take(&stream, &t, true, 9), -EBADMSG);
	tell(&t, signer_node(&signer, 0, 9, 2), true);
	t.entry[0]->object[31] = '7';
	assert_int_equal(take(&stream, &t, true, 9), -EBADMSG);
	tell(&t, signer_node(&signer, 0, 9, 2), true);
	tell(&t, signer_node(&signer, 0, 9, 2), false);
	assert_int_equal(take(&stream, &t, true, 9), -EBADMSG);
	tell(&t, signer_network(&signer, 9, true), true);
	assert_int_equal(take(&stream, &t, true, 9), -EBADMSG);
	unchanged(&stream);
	stream_clear(&stream);
}

static void test_heads(void **state)
{
	struct stream_trust trust = signer_trust(&signer);
	Mmesh__V1__Entry *living[3];
	Mmesh__V1__Signed *head;
	struct stream stream;
	bool behind;

	(void)state;
	begin(&stream);
	for (unsigned int i = 0; i < 3; i++)
		living[i] = stream_find(&stream, signer_node_id(i))->wire;
	signer.time += 30;
	head = signer_head(&signer, SIGNER_SUBNET, 3, living, 3);
	assert_int_equal(stream_see_head(&stream, &trust, head, &behind, NULL), 0);
	assert_false(behind);
	assert_int_equal(stream.head_time, signer.time);
	mmesh__v1__signed__free_unpacked(head, NULL);
	signer.time -= 30;
	head = signer_head(&signer, SIGNER_SUBNET, 3, living, 3);
	assert_int_equal(stream_see_head(&stream, &trust, head, &behind, NULL), -ESTALE);
	mmesh__v1__signed__free_unpacked(head, NULL);
	head = signer_head(&signer, SIGNER_SUBNET, 8, living, 3);
	assert_int_equal(stream_see_head(&stream, &trust, head, &behind, NULL), 0);
	assert_true(behind);
	assert_int_equal(stream.sequence, 3);
	mmesh__v1__signed__free_unpacked(head, NULL);
	/* Another stream's. */
	head = signer_head(&signer, "", 8, living, 3);
	assert_true(stream_see_head(&stream, &trust, head, &behind, NULL) < 0);
	mmesh__v1__signed__free_unpacked(head, NULL);
	stream_clear(&stream);
}

static int set_up(void **state)
{
	(void)state;
	signer_init(&signer);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	signer_clear(&signer);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_snapshot_and_deltas),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_old),
		cmocka_unit_test(test_epoch),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_heads),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
