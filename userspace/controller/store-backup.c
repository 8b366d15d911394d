// SPDX-License-Identifier: Apache-2.0
/* Copies of the store, and the way back from one. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "store.h"

#define OURS "SQLite format 3"

bool store_is_ours(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char head[sizeof(OURS)] = "";

	return f && fread(head, 1, sizeof(head), f) == sizeof(head) &&
	       !memcmp(head, OURS, sizeof(OURS));
}

static int copy_pages(sqlite3 *to, struct store *from, struct error *err)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from->db, "main");
	int status;

	if (!backup)
		return error_set(err, EIO, "backup: %s", sqlite3_errmsg(to));
	status = sqlite3_backup_step(backup, -1);
	(void)sqlite3_backup_finish(backup);
	if (status == SQLITE_FULL)
		return error_set(err, ENOSPC, "backup: the disk is full");
	if (status != SQLITE_DONE)
		return error_set(err, EIO, "backup: %s", sqlite3_errstr(status));
	return 0;
}

/* Keys and names are in it: nobody else may read it. Fails when it exists. */
static int make_private_file(const char *file, struct error *err)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_set(err, errno, "file: %s: %s", file, strerror(errno));
	(void)close(fd);
	return 0;
}

int store_backup(struct store *s, const char *file, uint64_t *ret_bytes, struct error *err)
{
	sqlite3 *to = NULL;
	struct stat st;
	int r;

	r = make_private_file(file, err);
	if (r)
		return r;
	if (sqlite3_open_v2(file, &to, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
		r = error_set(err, EIO, "file: %s: %s", file,
			      to ? sqlite3_errmsg(to) : "out of memory");
	if (!r)
		r = copy_pages(to, s, err);
	/* The copy of a WAL store is one file: what is in it is all there is. */
	if (!r &&
	    sqlite3_exec(to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL) != SQLITE_OK)
		r = error_set(err, EIO, "file: %s: %s", file, sqlite3_errmsg(to));
	(void)sqlite3_close(to);
	if (!r && stat(file, &st))
		r = error_set(err, errno, "file: %s: %s", file, strerror(errno));
	if (r) {
		(void)unlink(file);
		return r;
	}
	if (ret_bytes)
		*ret_bytes = (uint64_t)st.st_size;
	return 0;
}

/* The epoch that the store at @path was in, 0 when nobody can tell. */
static uint64_t epoch_at(const char *path)
{
	struct store s;
	uint64_t epoch;

	if (store_open(&s, path, false, NULL))
		return 0;
	epoch = s.epoch;
	store_close(&s);
	return epoch;
}

static int start_epoch(const char *path, uint64_t above, struct error *err)
{
	struct store s;
	uint64_t epoch;
	int r;

	r = store_open(&s, path, false, err);
	if (r)
		return r;
	epoch = (s.epoch > above ? s.epoch : above) + 1;
	/* Two restores of one backup, over a store that can't be read, differ by the clock. */
	if (epoch < (uint64_t)time(NULL))
		epoch = (uint64_t)time(NULL);
	r = store_begin(&s, err);
	if (!r)
		r = store_exec(&s, err, "UPDATE meta SET value = ? WHERE key = 'epoch'", "u",
			       epoch);
	if (!r)
		/* SQLite keeps the mode in the file. */
		r = store_commit(&s, err);
	else
		store_rollback(&s);
	if (!r && sqlite3_exec(s.db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) != SQLITE_OK)
		r = store_error(&s, err, "restore");
	store_close(&s);
	return r;
}

/* Put what is at @path aside, and with it the log that belongs to it. */
static int set_aside(const char *path, struct error *err)
{
	static const char *const part[] = { "", "-wal", "-shm" };
	char from[4096], to[4096];

	for (size_t i = 0; i < ARRAY_SIZE(part); i++) {
		(void)snprintf(from, sizeof(from), "%s%s", path, part[i]);
		(void)snprintf(to, sizeof(to), "%s.before-restore%s", path, part[i]);
		(void)unlink(to);
		if (rename(from, to) && errno != ENOENT)
			return error_set(err, errno, "store: %s: %s", from, strerror(errno));
	}
	return 0;
}

int store_restore(const char *path, const char *file, struct error *err)
{
	uint64_t before = epoch_at(path);
	char fresh[4096];
	struct store s;
	int r;

	(void)snprintf(fresh, sizeof(fresh), "%s.restoring", path);
	(void)unlink(fresh);
	r = store_open(&s, file, false, err);
	if (r)
		return r;
	r = store_backup(&s, fresh, NULL, err);
	store_close(&s);
	if (!r)
		r = start_epoch(fresh, before, err);
	if (!r)
		r = set_aside(path, err);
	if (!r && rename(fresh, path))
		r = error_set(err, errno, "store: %s: %s", path, strerror(errno));
	if (r)
		(void)unlink(fresh);
	return r;
}
