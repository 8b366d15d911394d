// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"

static void path_in(struct fixture *f, char ret[128], const char *name)
{
	(void)snprintf(ret, 128, "%s/%s", f->directory, name);
}

/* Close the model's store so that its file is whole by itself. */
static void close_store(struct fixture *f)
{
	store_close(&f->model.store);
}

static void reopens(void **state)
{
	struct fixture *f = *state;

	close_store(f);
	assert_int_equal(store_open(&f->model.store, f->store, false, &f->err), 0);
	assert_true(fixture_has(f, KIND_SUBNET, "acme/prod/web"));
	assert_int_equal(f->model.store.epoch, 1);
}

static void refuses_what_is_cut_off(void **state)
{
	static const int keep[] = { 0, 100, 1000, 8192, 20000 };
	struct fixture *f = *state;
	char copy[128];

	for (size_t i = 0; i < ARRAY_SIZE(keep); i++) {
		struct store s;

		path_in(f, copy, "cut.db");
		(void)unlink(copy);
		assert_int_equal(store_backup(&f->model.store, copy, NULL, &f->err), 0);
		assert_int_equal(truncate(copy, keep[i]), 0);
		assert_int_equal(store_open(&s, copy, false, &f->err), -EUCLEAN);
		assert_non_null(strstr(f->err.text, "mmesh-controller restore"));
	}
}

static void refuses_what_is_foreign(void **state)
{
	struct fixture *f = *state;
	char path[128], zeros[4096] = { 0 };
	struct store s;
	sqlite3 *db;
	FILE *out;

	path_in(f, path, "foreign.db");
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE x (y)", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(store_open(&s, path, false, &f->err), -EUCLEAN);
	assert_non_null(strstr(f->err.text, "not a store of mmesh-controller"));

	path_in(f, path, "zeros.db");
	out = fopen(path, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(zeros, 1, sizeof(zeros), out), sizeof(zeros));
	assert_int_equal(fclose(out), 0);
	assert_int_equal(store_open(&s, path, false, &f->err), -EUCLEAN);
	path_in(f, path, "absent.db");
	assert_int_equal(store_open(&s, path, false, &f->err), -ENOENT);
}

static void backup_and_restore(void **state)
{
	struct fixture *f = *state;
	char copy[128];
	uint64_t bytes = 0;
	struct stat st;

	path_in(f, copy, "backup.db");
	assert_int_equal(store_backup(&f->model.store, copy, &bytes, &f->err), 0);
	assert_true(bytes > 4096);
	assert_int_equal(stat(copy, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(store_backup(&f->model.store, copy, NULL, &f->err), -EEXIST);
	assert_int_equal(fixture_put_subnet(f, "acme/prod/late", ""), 0);
	close_store(f);
	assert_int_equal(store_restore(f->store, copy, &f->err), 0);
	assert_int_equal(store_open(&f->model.store, f->store, false, &f->err), 0);
	assert_true(fixture_has(f, KIND_SUBNET, "acme/prod/web"));
	assert_false(fixture_has(f, KIND_SUBNET, "acme/prod/late"));
	assert_true(f->model.store.epoch > 1);
}

/* Each restore is an epoch of its own, also over a store that can't be read. */
static void epochs_only_grow(void **state)
{
	struct fixture *f = *state;
	char copy[128];
	uint64_t epoch;

	path_in(f, copy, "backup.db");
	assert_int_equal(store_backup(&f->model.store, copy, NULL, &f->err), 0);
	close_store(f);
	assert_int_equal(store_restore(f->store, copy, &f->err), 0);
	assert_int_equal(store_open(&f->model.store, f->store, false, &f->err), 0);
	epoch = f->model.store.epoch;
	close_store(f);
	assert_int_equal(store_restore(f->store, copy, &f->err), 0);
	assert_int_equal(store_open(&f->model.store, f->store, false, &f->err), 0);
	assert_true(f->model.store.epoch > epoch);
}

static void a_failed_restore_changes_nothing(void **state)
{
	struct fixture *f = *state;
	char copy[128];

	path_in(f, copy, "backup.db");
	assert_int_equal(store_backup(&f->model.store, copy, NULL, &f->err), 0);
	assert_int_equal(truncate(copy, 5000), 0);
	close_store(f);
	assert_int_equal(store_restore(f->store, copy, &f->err), -EUCLEAN);
	assert_int_equal(store_open(&f->model.store, f->store, false, &f->err), 0);
	assert_int_equal(f->model.store.epoch, 1);
}

static void full_disk_is_said_and_undone(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sqlite3_exec(f->model.store.db, "PRAGMA max_page_count = 1", NULL, NULL,
				      NULL),
			 SQLITE_OK);
	for (int i = 0; i < 100; i++) {
		char path[64];
		int r;

		(void)snprintf(path, sizeof(path), "acme/prod/s%d", i);
		r = fixture_put_subnet(f, path, "");
		if (!r)
			continue;
		assert_int_equal(r, -ENOSPC);
		assert_non_null(strstr(f->err.text, "disk is full"));
		assert_false(fixture_has(f, KIND_SUBNET, path));
		assert_true(fixture_has(f, KIND_SUBNET, "acme/prod/web"));
		return;
	}
	fail_msg("the disk was never full");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reopens, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(refuses_what_is_cut_off, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(refuses_what_is_foreign, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(backup_and_restore, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(epochs_only_grow, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_failed_restore_changes_nothing, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(full_disk_is_said_and_undone, fixture_setup,
						fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
