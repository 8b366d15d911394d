// SPDX-License-Identifier: Apache-2.0
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "store-schema.h"

#define RESTORE_HINT                                                                               \
	"restore the last backup with `mmesh-controller restore FILE`, or move the file away to "  \
	"begin anew"

int store_error(struct store *s, struct error *err, const char *doing)
{
	int code = sqlite3_extended_errcode(s->db);
	const char *text = sqlite3_errmsg(s->db);

	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return error_set(err, EAGAIN, "store: %s: another process holds %s", doing, s->path);
	case SQLITE_FULL:
		return error_set(err, ENOSPC, "store: %s: the disk is full", doing);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return error_set(err, EUCLEAN, "store: %s is damaged (%s): " RESTORE_HINT, s->path,
				 text);
	case SQLITE_NOMEM:
		return error_oom(err);
	case SQLITE_CONSTRAINT:
		return error_set(err, EEXIST, "store: %s: %s", doing, text);
	default:
		return error_set(err, EIO, "store: %s: %s", doing, text);
	}
}

static int run_sql(struct store *s, const char *sql, const char *doing, struct error *err)
{
	if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return store_error(s, err, doing);
	return 0;
}

/* -- statements ------------------------------------------------------------------------------- */

static void drop_kept(struct store *s)
{
	for (size_t i = 0; i < STORE_STATEMENTS; i++) {
		(void)sqlite3_finalize(s->kept[i].stmt);
		s->kept[i] = (struct store_statement){ 0 };
	}
}

/* A free place for a statement, emptied; NULL when all are in use. */
static struct store_statement *free_place(struct store *s)
{
	for (size_t i = 0; i < STORE_STATEMENTS; i++) {
		struct store_statement *k = &s->kept[s->next_kept++ % STORE_STATEMENTS];

		if (k->busy)
			continue;
		(void)sqlite3_finalize(k->stmt);
		*k = (struct store_statement){ 0 };
		return k;
	}
	return NULL;
}

static int prepare(struct query *q, const char *sql, struct error *err)
{
	struct store *s = q->store;
	struct store_statement *k;

	for (size_t i = 0; i < STORE_STATEMENTS; i++) {
		k = &s->kept[i];
		if (k->sql == sql && !k->busy) {
			k->busy = true;
			q->kept = k;
			q->stmt = k->stmt;
			return 0;
		}
	}
	if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &q->stmt, NULL) !=
	    SQLITE_OK)
		return store_error(s, err, sql);
	k = free_place(s);
	if (k) {
		*k = (struct store_statement){ .sql = sql, .stmt = q->stmt, .busy = true };
		q->kept = k;
	}
	return 0;
}

static int bind_values(struct query *q, const char *types, va_list ap)
{
	int status = SQLITE_OK;

	for (int i = 1; *types && status == SQLITE_OK; types++, i++) {
		if (*types == 's') {
			const char *text = va_arg(ap, const char *);

			status = sqlite3_bind_text(q->stmt, i, text, -1, SQLITE_STATIC);
		} else if (*types == 'b') {
			const void *data = va_arg(ap, const void *);
			size_t len = va_arg(ap, size_t);

			status = sqlite3_bind_blob64(q->stmt, i, data, len, SQLITE_STATIC);
		} else if (*types == 'u') {
			status = sqlite3_bind_int64(q->stmt, i, (int64_t)va_arg(ap, uint64_t));
		} else {
			status = sqlite3_bind_int64(q->stmt, i, va_arg(ap, int64_t));
		}
	}
	return status;
}

static int query_vopen(struct query *ret, struct store *s, struct error *err, const char *sql,
		       const char *types, va_list ap)
{
	struct query q = { .store = s };
	int r;

	r = prepare(&q, sql, err);
	if (r)
		return r;
	if (bind_values(&q, types, ap) != SQLITE_OK) {
		r = store_error(s, err, sql);
		query_close(&q);
		return r;
	}
	*ret = q;
	return 0;
}

int query_open(struct query *ret, struct store *s, struct error *err, const char *sql,
	       const char *types, ...)
{
	va_list ap;
	int r;

	va_start(ap, types);
	r = query_vopen(ret, s, err, sql, types, ap);
	va_end(ap);
	return r;
}

int query_next(struct query *q, struct error *err)
{
	switch (sqlite3_step(q->stmt)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default:
		return store_error(q->store, err, sqlite3_sql(q->stmt));
	}
}

void query_close(struct query *q)
{
	if (q->kept) {
		/* Its result was that of the last step, already seen. */
		(void)sqlite3_reset(q->stmt);
		(void)sqlite3_clear_bindings(q->stmt);
		q->kept->busy = false;
	} else {
		(void)sqlite3_finalize(q->stmt);
	}
	*q = (struct query){ 0 };
}

void query_text(struct query *q, int column, char *ret, size_t size)
{
	const unsigned char *text = sqlite3_column_text(q->stmt, column);

	(void)snprintf(ret, size, "%s", text ? (const char *)text : "");
}

int64_t query_int(struct query *q, int column)
{
	return sqlite3_column_int64(q->stmt, column);
}

const void *query_bytes(struct query *q, int column, size_t *ret_len)
{
	const void *data = sqlite3_column_blob(q->stmt, column);

	*ret_len = (size_t)sqlite3_column_bytes(q->stmt, column);
	return data;
}

int query_blob(struct query *q, int column, struct blob *ret, struct error *err)
{
	size_t len;
	const void *data = query_bytes(q, column, &len);

	if (!data) {
		*ret = (struct blob){ 0 };
		return 0;
	}
	return blob_copy(ret, data, len, err);
}

int store_exec(struct store *s, struct error *err, const char *sql, const char *types, ...)
{
	_cleanup_query_ struct query q = { 0 };
	va_list ap;
	int r;

	va_start(ap, types);
	r = query_vopen(&q, s, err, sql, types, ap);
	va_end(ap);
	if (r)
		return r;
	r = query_next(&q, err);
	return r < 0 ? r : 0;
}

int store_int(struct store *s, int64_t *ret, struct error *err, const char *sql, const char *types,
	      ...)
{
	_cleanup_query_ struct query q = { 0 };
	va_list ap;
	int r;

	va_start(ap, types);
	r = query_vopen(&q, s, err, sql, types, ap);
	va_end(ap);
	if (r)
		return r;
	r = query_next(&q, err);
	if (r == 1)
		*ret = query_int(&q, 0);
	return r;
}

int store_changes(struct store *s)
{
	return sqlite3_changes(s->db);
}

/* -- transactions ----------------------------------------------------------------------------- */

int store_begin(struct store *s, struct error *err)
{
	return run_sql(s, "BEGIN IMMEDIATE", "begin", err);
}

int store_commit(struct store *s, struct error *err)
{
	int r = run_sql(s, "COMMIT", "commit", err);

	if (r)
		store_rollback(s);
	return r;
}

void store_rollback(struct store *s)
{
	/* Some errors have already rolled back. */
	if (!sqlite3_get_autocommit(s->db))
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

int store_savepoint(struct store *s, struct error *err)
{
	return run_sql(s, "SAVEPOINT part", "savepoint", err);
}

int store_release(struct store *s, bool keep, struct error *err)
{
	if (!keep) {
		int r = run_sql(s, "ROLLBACK TO part", "rollback", err);

		if (r)
			return r;
	}
	return run_sql(s, "RELEASE part", "release", err);
}

/* -- named values ------------------------------------------------------------------------------ */

int store_meta_get(struct store *s, const char *key, struct blob *ret, struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r;

	r = query_open(&q, s, err, "SELECT value FROM meta WHERE key = ?", "s", key);
	if (r)
		return r;
	r = query_next(&q, err);
	if (r != 1)
		return r;
	r = query_blob(&q, 0, ret, err);
	return r ? r : 1;
}

int store_meta_set(struct store *s, const char *key, const void *data, size_t len,
		   struct error *err)
{
	return store_exec(s, err, "INSERT OR REPLACE INTO meta VALUES (?, ?)", "sb", key, data,
			  len);
}

/* -- opening ----------------------------------------------------------------------------------- */

static int pragma_int(struct store *s, const char *sql, int64_t *ret, struct error *err)
{
	int r = store_int(s, ret, err, sql, "");

	if (r == 0)
		return error_set(err, EIO, "store: %s says nothing", sql);
	return r < 0 ? r : 0;
}

static int make_schema(struct store *s, struct error *err)
{
	int r;

	r = run_sql(s, "PRAGMA journal_mode = WAL", "set up", err);
	if (!r)
		r = store_begin(s, err);
	if (r)
		return r;
	r = run_sql(s, store_schema, "set up", err);
	if (!r)
		r = run_sql(s, "PRAGMA application_id = 1835885939; PRAGMA user_version = 1;",
			    "set up", err);
	if (!r)
		r = store_exec(s, err, "INSERT INTO meta VALUES ('epoch', ?)", "i", (int64_t)1);
	if (r) {
		store_rollback(s);
		return r;
	}
	return store_commit(s, err);
}

/* Is it ours, whole, and of a schema that we know? */
static int check_identity(struct store *s, struct error *err)
{
	int64_t application, version;
	int r;

	r = pragma_int(s, "PRAGMA application_id", &application, err);
	if (!r)
		r = pragma_int(s, "PRAGMA user_version", &version, err);
	if (r)
		return r;
	if (application != STORE_APPLICATION_ID)
		return error_set(err, EUCLEAN,
				 "store: %s is not a store of mmesh-controller: " RESTORE_HINT,
				 s->path);
	if (version != STORE_SCHEMA)
		return error_set(err, EUCLEAN,
				 "store: %s has schema %lld, this controller knows %d: start the "
				 "version that wrote it",
				 s->path, (long long)version, STORE_SCHEMA);
	return 0;
}

static int check_whole(struct store *s, struct error *err)
{
	_cleanup_query_ struct query q = { 0 };
	char text[200];
	int r;

	r = query_open(&q, s, err, "PRAGMA quick_check(1)", "");
	if (!r)
		r = query_next(&q, err);
	if (r < 0)
		return r;
	query_text(&q, 0, text, sizeof(text));
	if (r != 1 || strcmp(text, "ok"))
		return error_set(err, EUCLEAN, "store: %s is damaged (%s): " RESTORE_HINT, s->path,
				 text);
	return 0;
}

static int read_epoch(struct store *s, struct error *err)
{
	int64_t epoch = 0;
	int r = store_int(s, &epoch, err, "SELECT value FROM meta WHERE key = 'epoch'", "");

	if (r < 0)
		return r;
	if (r == 0 || epoch < 1)
		return error_set(err, EUCLEAN, "store: %s has no epoch: " RESTORE_HINT, s->path);
	s->epoch = (uint64_t)epoch;
	return 0;
}

static int open_database(struct store *s, bool create, struct error *err)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);

	if (sqlite3_open_v2(s->path, &s->db, flags, NULL) != SQLITE_OK)
		return s->db ? store_error(s, err, "open") : error_oom(err);
	(void)sqlite3_extended_result_codes(s->db, 1);
	(void)sqlite3_busy_timeout(s->db, 5000);
	/* An answer that was given has to be there after the power failed. */
	return run_sql(s, "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;", "open", err);
}

/* SQLite takes an empty file for a new database: it is one that was cut to nothing. */
static int check_file(const char *path, bool create, bool *ret_new, struct error *err)
{
	struct stat st;

	*ret_new = false;
	if (stat(path, &st)) {
		if (errno != ENOENT)
			return error_set(err, errno, "store: %s: %s", path, strerror(errno));
		if (!create)
			return error_set(err, ENOENT, "store: there is no %s", path);
		*ret_new = true;
		return 0;
	}
	if (!S_ISREG(st.st_mode))
		return error_set(err, EUCLEAN, "store: %s is not a file", path);
	if (st.st_size < 512)
		return error_set(err, EUCLEAN, "store: %s is cut off: " RESTORE_HINT, path);
	return 0;
}

static int make_file(const char *path, struct error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_set(err, errno, "store: %s: %s", path, strerror(errno));
	return close(fd) ? error_set(err, errno, "store: %s: %s", path, strerror(errno)) : 0;
}

int store_open(struct store *ret, const char *path, bool create, struct error *err)
{
	struct store s = { 0 };
	bool fresh;
	int r;

	r = check_file(path, create, &fresh, err);
	if (!r && fresh)
		r = make_file(path, err);
	if (r)
		return r;
	s.path = strdup(path);
	if (!s.path)
		return error_oom(err);
	r = open_database(&s, create, err);
	if (!r && fresh)
		r = make_schema(&s, err);
	if (!r)
		r = check_identity(&s, err);
	if (!r)
		r = check_whole(&s, err);
	if (!r)
		r = read_epoch(&s, err);
	if (r) {
		store_close(&s);
		if (fresh)
			(void)unlink(path);
		return r;
	}
	*ret = s;
	return 0;
}

void store_close(struct store *s)
{
	drop_kept(s);
	(void)sqlite3_close(s->db);
	free(s->path);
	*s = (struct store){ 0 };
}
