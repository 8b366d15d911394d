/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: one SQLite file in WAL mode, one process that writes. Whoever uses
 * it holds the model's lock; nothing here locks. Every statement that changes
 * something runs between store_begin() and store_commit().
 */
#ifndef CONTROLLER_STORE_H
#define CONTROLLER_STORE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "blob.h"
#include "error.h"

enum {
	STORE_SCHEMA = 1,
	STORE_APPLICATION_ID = 0x6d6d6573, /* "mmes" */
	STORE_STATEMENTS = 64,		   /* prepared ones that are kept */
};

struct store_statement {
	const char *sql; /* compared as a pointer: literals only */
	sqlite3_stmt *stmt;
	bool busy;
};

struct store {
	sqlite3 *db;
	char *path;
	uint64_t epoch;
	struct store_statement kept[STORE_STATEMENTS];
	unsigned int next_kept;
};

/*
 * Open @path; with @create an absent file is made. What isn't a whole store of
 * ours is refused with the way to restore it. Returns 0, -ENOENT, -EUCLEAN (damaged,
 * foreign), -EAGAIN (another process has it), -EIO. store_close() ends it.
 */
int store_open(struct store *ret, const char *path, bool create, struct error *err);
void store_close(struct store *s);

/* One writer from here; -EAGAIN, -ENOSPC, -EIO. */
int store_begin(struct store *s, struct error *err);
/* On failure everything is rolled back. */
int store_commit(struct store *s, struct error *err);
void store_rollback(struct store *s);

/* Parts of a transaction that may fail alone; they don't nest. */
int store_savepoint(struct store *s, struct error *err);
int store_release(struct store *s, bool keep, struct error *err);

/*
 * A statement with its values. @types has one letter a value: 's' const char *
 * (NULL is null), 'i' int64_t, 'u' uint64_t, 'b' const void * and size_t.
 * Pointers have to last until query_close(). @sql is a literal.
 */
struct query {
	struct store *store;
	sqlite3_stmt *stmt;
	struct store_statement *kept;
};

int query_open(struct query *ret, struct store *s, struct error *err, const char *sql,
	       const char *types, ...);
/* 1: a row, 0: no more, or an error. */
int query_next(struct query *q, struct error *err);
void query_close(struct query *q);
#define _cleanup_query_ _cleanup_(query_close)

/* Columns of the current row; text is cut to its buffer, null is "" and 0. */
void query_text(struct query *q, int column, char *ret, size_t size);
int64_t query_int(struct query *q, int column);
int query_blob(struct query *q, int column, struct blob *ret, struct error *err);
/* The row's own bytes, until the next step. */
const void *query_bytes(struct query *q, int column, size_t *ret_len);

/* One statement without rows; -EEXIST when it breaks a uniqueness. */
int store_exec(struct store *s, struct error *err, const char *sql, const char *types, ...);
/* The first column of the first row; 1 when there is one, 0 when not. */
int store_int(struct store *s, int64_t *ret, struct error *err, const char *sql,
	      const char *types, ...);
/* Rows that the last store_exec() changed. */
int store_changes(struct store *s);

/* Named values. store_meta_get() returns 1 or 0 like store_int(). */
int store_meta_get(struct store *s, const char *key, struct blob *ret, struct error *err);
int store_meta_set(struct store *s, const char *key, const void *data, size_t len,
		   struct error *err);

/* What SQLite said, as an errno and a sentence. */
int store_error(struct store *s, struct error *err, const char *doing);

/*
 * Copy the open store into @file, which must not exist; whole even while it is
 * written to. *@ret_bytes may be NULL.
 */
int store_backup(struct store *s, const char *file, uint64_t *ret_bytes, struct error *err);

/*
 * Make @path from the backup @file, in a new epoch: nodes then take complete
 * snapshots. The old file stays beside as PATH.before-restore.
 */
int store_restore(const char *path, const char *file, struct error *err);

/* True when @path begins like a store of ours; for messages. */
bool store_is_ours(const char *path);

#endif
