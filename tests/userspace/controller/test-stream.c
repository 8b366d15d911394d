// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "chain.h"
#include "delegation.h"
#include "digest.h"
#include "fixture.h"

struct ids {
	char tenant[ID_SIZE], network[ID_SIZE], subnet[ID_SIZE];
};

static void get_ids(struct fixture *f, struct ids *ret)
{
	struct object *o = malloc(sizeof(*o));

	assert_non_null(o);
	fixture_get(f, KIND_SUBNET, "acme/prod/web", o);
	memcpy(ret->subnet, o->id, ID_SIZE);
	fixture_get(f, KIND_NETWORK, "acme/prod", o);
	memcpy(ret->network, o->id, ID_SIZE);
	memcpy(ret->tenant, o->parent, ID_SIZE);
	free(o);
}

static uint64_t sequence_of(struct fixture *f, const char *stream)
{
	struct stream_state state;

	assert_int_equal(stream_state(&f->model.store, stream, &state, &f->err), 1);
	return state.sequence;
}

static void each_change_is_one_row(void **state)
{
	struct fixture *f = *state;
	struct ids ids;

	get_ids(f, &ids);
	assert_int_equal(sequence_of(f, ids.network), 2);
	assert_int_equal(sequence_of(f, ids.subnet), 0);
	assert_int_equal(fixture_put_client(f, "acme/prod/web/a", 1, NULL), 0);
	assert_int_equal(f->streams, 1);
	assert_int_equal(f->before, 0);
	assert_int_equal(f->after, 1);
	assert_int_equal(f->entries, 1);
	assert_int_equal(sequence_of(f, ids.network), 2);
	assert_int_equal(fixture_put_client(f, "acme/prod/web/b", 2, NULL), 0);
	assert_int_equal(f->before, 1);
	assert_int_equal(fixture_delete(f, "node", "acme/prod/web/a", false), 0);
	assert_int_equal(f->after, 3);
	assert_true(f->permissions);
}

/* What was refused has left nothing, nor taken a number. */
static void a_refused_change_takes_no_number(void **state)
{
	struct fixture *f = *state;
	struct ids ids;

	get_ids(f, &ids);
	assert_int_equal(fixture_put_client(f, "acme/prod/web/a", 1, NULL), 0);
	assert_int_equal(fixture_put_client(f, "acme/prod/web/b", 1, NULL), -EEXIST);
	assert_int_equal(sequence_of(f, ids.subnet), 1);
	assert_false(fixture_has(f, KIND_NODE, "acme/prod/web/b"));
}

static void read_all(struct fixture *f, const char *stream, struct stream_page *page)
{
	assert_int_equal(stream_read(&f->model.store, stream, page, &f->err), 0);
}

static void deltas_and_snapshots(void **state)
{
	struct fixture *f = *state;
	struct stream_page page = { .after = 1, .from = "", .limit = 2 };
	struct stream_page snapshot = { .snapshot = true, .from = "", .limit = 10 };
	struct ids ids;

	get_ids(f, &ids);
	assert_int_equal(fixture_put_client(f, "acme/prod/web/a", 1, NULL), 0);
	assert_int_equal(fixture_put_client(f, "acme/prod/web/b", 2, NULL), 0);
	assert_int_equal(fixture_put_client(f, "acme/prod/web/c", 3, NULL), 0);
	assert_int_equal(fixture_delete(f, "node", "acme/prod/web/a", false), 0);
	read_all(f, ids.subnet, &page);
	assert_int_equal(page.entries, 2);
	assert_true(page.more);
	assert_int_equal(page.entry[0].sequence, 2);
	assert_int_equal(page.entry[1].sequence, 3);
	stream_page_free(&page);
	page = (struct stream_page){ .after = 3, .from = "", .limit = 2 };
	read_all(f, ids.subnet, &page);
	assert_int_equal(page.entries, 1);
	assert_false(page.more);
	assert_int_equal(page.entry[0].sequence, 4);
	stream_page_free(&page);
	read_all(f, ids.subnet, &snapshot);
	assert_int_equal(snapshot.entries, 2);
	stream_page_free(&snapshot);
}

static void tombstones_raise_the_floor(void **state)
{
	struct fixture *f = *state;
	struct stream_state at;
	struct ids ids;

	get_ids(f, &ids);
	assert_int_equal(fixture_put_client(f, "acme/prod/web/a", 1, NULL), 0);
	assert_int_equal(fixture_delete(f, "node", "acme/prod/web/a", false), 0);
	assert_int_equal(stream_purge(&f->model.store, 1, &f->err), 0);
	assert_int_equal(stream_state(&f->model.store, ids.subnet, &at, &f->err), 1);
	assert_int_equal(at.floor, 0);
	assert_int_equal(stream_purge(&f->model.store, INT64_MAX, &f->err), 0);
	assert_int_equal(stream_state(&f->model.store, ids.subnet, &at, &f->err), 1);
	assert_int_equal(at.floor, 2);
	assert_int_equal(at.sequence, 2);
}

/* As a node sees it: from the root's key alone. */
static void records_verify_up_to_the_root(void **state)
{
	struct fixture *f = *state;
	struct stream_page page = { .snapshot = true, .from = "", .limit = 10 };
	struct delegation_list list = { 0 };
	struct trust_anchor *anchor;
	struct trust_digest_item item;
	struct blob head = { 0 };
	struct ids ids;
	uint8_t hash[TRUST_DIGEST_LEN];
	uint64_t sequence;
	Mmesh__V1__Signed *s;
	ProtobufCMessage *m;

	get_ids(f, &ids);
	assert_int_equal(fixture_put_client(f, "acme/prod/web/a", 1, NULL), 0);
	assert_int_equal(trust_anchor_new(&anchor, ids.tenant, f->root, &f->err), 0);
	assert_int_equal(delegation_of_controller(&f->model.store, ids.tenant, &list, &f->err), 0);
	assert_int_equal(list.count, 1);
	assert_int_equal(trust_anchor_add(anchor, list.item[0], &f->err), 0);
	read_all(f, ids.subnet, &page);
	assert_int_equal(page.entries, 1);
	assert_int_equal(trust_signed_unpack(&s, page.entry[0].record.data,
					     page.entry[0].record.len, &f->err),
			 0);
	struct trust_scope scope = { .network = ids.network, .subnet = ids.subnet };

	if (trust_record_open(&m, anchor, &scope, TRUST_CONTEXT_NODE, s, &f->err))
		fail_msg("%s", f->err.text);
	assert_string_equal(((Mmesh__V1__NodeRecord *)m)->name, "a");
	assert_int_equal(((Mmesh__V1__NodeRecord *)m)->n_address, 2);
	protobuf_c_message_free_unpacked(m, NULL);
	/* Not in another subnet's stream. */
	scope.subnet = ids.network;
	assert_int_not_equal(trust_record_open(&m, anchor, &scope, TRUST_CONTEXT_NODE, s, NULL), 0);
	mmesh__v1__signed__free_unpacked(s, NULL);

	scope.subnet = ids.subnet;
	assert_int_equal(stream_head(&f->model.store, f->model.signer, ids.subnet, 1000000, &head,
				     &sequence, &f->err),
			 0);
	assert_int_equal(sequence, 1);
	assert_int_equal(trust_signed_unpack(&s, head.data, head.len, &f->err), 0);
	if (trust_record_open(&m, anchor, &scope, TRUST_CONTEXT_HEAD, s, &f->err))
		fail_msg("%s", f->err.text);
	item = (struct trust_digest_item){ .object = page.entry[0].object, .sequence = 1 };
	assert_int_equal(trust_digest(hash, &item, 1, &f->err), 0);
	assert_memory_equal(((Mmesh__V1__Head *)m)->digest.data, hash, sizeof(hash));
	protobuf_c_message_free_unpacked(m, NULL);
	mmesh__v1__signed__free_unpacked(s, NULL);
	blob_free(&head);
	stream_page_free(&page);
	delegation_list_free(&list);
	trust_anchor_free(anchor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_change_is_one_row, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(a_refused_change_takes_no_number, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(deltas_and_snapshots, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(tombstones_raise_the_floor, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(records_verify_up_to_the_root, fixture_setup,
						fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
