/*
 * crash_vfs: a SQLite VFS that loses power, or whose disk fails.
 *
 * It stands before the default VFS and keeps, of every database and journal, what would survive a
 * loss of power: the bytes of the last sync, and each write since then, of which a disk may have
 * done any, in any order, whole or by sectors (512 bytes), or left rubbish where one was under way
 * (SQLite's own assumptions: "Atomic Commit In SQLite", sections 2 and 9). A name that was made or
 * removed is only sure when its directory was synced, which SQLite does with the first sync of a
 * new journal and, at synchronous=EXTRA, with its removal.
 *
 * After the operation crash_after() named, the files become one of the states that are possible
 * then, chosen by the seed, and the process ends (CRASH_STATUS). Nothing is really synced.
 */
#ifndef ASSIZE_TESTS_CRASH_VFS_H
#define ASSIZE_TESTS_CRASH_VFS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/stats/random.h"

#define CRASH_STATUS 86
#define SECTOR	     512
#define MAX_FILES    8
#define NEVER	     INT64_MAX
#define AFTERWARDS   300 /* operations, at most */

enum disk_fault { FAULT_NONE, FAULT_CRASH, FAULT_ONCE, FAULT_FROM_THEN_ON };

/* A write, or with no bytes a change of the size to `at`. */
struct disk_op {
	int64_t at;
	size_t n;
	unsigned char *bytes;
};

struct disk_file {
	char *path;
	unsigned char *safe; /* as the last sync left it */
	size_t n_safe;
	bool is_safe_name, is_name; /* there after a crash for sure; there now */
	struct disk_op *ops;	    /* since then */
	size_t n_ops;
};

static struct {
	sqlite3_vfs vfs, *real;
	struct stats_random random;
	struct disk_file files[MAX_FILES];
	size_t n_files;
	int64_t n_left; /* operations that still go well */
	enum disk_fault fault;
	int code;     /* what a failing operation says */
	bool is_liar; /* says it synced and did not */
	bool has_failed;
} disk;

/* What SQLite opens: its own file stands behind it. */
struct crash_file {
	sqlite3_file base;
	struct disk_file *file; /* NULL = a temporary one, which no crash concerns */
	bool is_new_journal;
};

/* 0 .. n - 1 */
static uint64_t dice(uint64_t n)
{
	return stats_random_next(&disk.random) % n;
}

static void *need(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

/* ---- what survives ---- */

static void resize(unsigned char **bytes, size_t *n, size_t to)
{
	*bytes = need(realloc(*bytes, to + 1));
	if (to > *n)
		memset(*bytes + *n, 0, to - *n);
	*n = to;
}

static void write_sectors(struct disk_file *f, const struct disk_op *op, uint64_t mode)
{
	unsigned char *to = f->safe + op->at;

	for (size_t at = 0; at < op->n; at += SECTOR) {
		size_t n = op->n - at < SECTOR ? op->n - at : SECTOR;
		uint64_t fate = dice(3);

		if (fate == 0)
			memcpy(to + at, op->bytes + at, n);
		for (size_t i = 0; fate == 1 && mode == 4 && i < n; i++)
			to[at + i] = (unsigned char)dice(256);
	}
}

static void apply(struct disk_file *f, const struct disk_op *op, uint64_t mode)
{
	size_t end = (size_t)op->at + op->n;

	if (op->bytes == NULL && mode > 2 && dice(2) == 0)
		return;
	if (op->bytes == NULL || end > f->n_safe)
		resize(&f->safe, &f->n_safe, end);
	if (op->bytes == NULL)
		return;
	if (mode < 3)
		memcpy(f->safe + op->at, op->bytes, op->n);
	else
		write_sectors(f, op, mode);
}

static void forget_ops(struct disk_file *f)
{
	for (size_t i = 0; i < f->n_ops; i++)
		free(f->ops[i].bytes);
	free(f->ops);
	f->ops = NULL;
	f->n_ops = 0;
}

/* mode: 0 nothing was written since, 1 all, 2 some, 3 some sectors, 4 the same and rubbish. */
static void settle(struct disk_file *f, uint64_t mode)
{
	for (size_t i = 0; i < f->n_ops; i++)
		if (mode == 1 || mode > 2 || (mode == 2 && dice(2) == 0))
			apply(f, &f->ops[i], mode);
	forget_ops(f);
}

static void sync_directory(void)
{
	for (size_t i = 0; i < disk.n_files && !disk.is_liar; i++) {
		struct disk_file *f = &disk.files[i];

		f->is_safe_name = f->is_name;
		if (f->is_name)
			continue;
		forget_ops(f);
		f->n_safe = 0;
	}
}

_Noreturn static void crash(void)
{
	for (size_t i = 0; i < disk.n_files; i++) {
		struct disk_file *f = &disk.files[i];
		uint64_t mode = dice(5);
		bool is_there = f->is_safe_name == f->is_name ? f->is_name : dice(2) == 0;
		FILE *out;

		settle(f, mode);
		(void)unlink(f->path); /* may be gone */
		if (!is_there)
			continue;
		out = need(fopen(f->path, "wb"));
		/* Of a file that was never synced there are no bytes, not even an address of none.
		 */
		if (f->n_safe > 0 && fwrite(f->safe, 1, f->n_safe, out) != f->n_safe)
			abort();
		if (fclose(out) != 0)
			abort();
	}
	_exit(CRASH_STATUS);
}

/* Counts an operation that has been noted; a failing one is not done. After one that fails alone
 * the power goes as well, soon. */
static int tick(void)
{
	if (disk.n_left > 0 && --disk.n_left > 0)
		return SQLITE_OK;
	switch (disk.fault) {
	case FAULT_CRASH:
		crash();
	case FAULT_ONCE:
		disk.n_left = 1 + (int64_t)dice(AFTERWARDS);
		disk.fault = FAULT_CRASH;
		disk.has_failed = true;
		return disk.code;
	case FAULT_FROM_THEN_ON:
		disk.has_failed = true;
		return disk.code;
	case FAULT_NONE:
		break;
	}
	return SQLITE_OK;
}

static void note(struct disk_file *f, int64_t at, const void *bytes, size_t n)
{
	struct disk_op *op;

	f->ops = need(realloc(f->ops, (f->n_ops + 1) * sizeof(*f->ops)));
	op = &f->ops[f->n_ops++];
	*op = (struct disk_op){.at = at, .n = n};
	if (bytes != NULL)
		op->bytes = memcpy(need(malloc(n + 1)), bytes, n);
}

static void take_back(struct disk_file *f)
{
	free(f->ops[--f->n_ops].bytes);
}

/* ---- files ---- */

static sqlite3_file *real_of(sqlite3_file *file)
{
	return (sqlite3_file *)(void *)((struct crash_file *)(void *)file + 1);
}

static struct disk_file *disk_of(sqlite3_file *file)
{
	return ((struct crash_file *)(void *)file)->file;
}

#define REAL(call, ...) real_of(file)->pMethods->call(real_of(file), __VA_ARGS__)

static int crash_close(sqlite3_file *file)
{
	return real_of(file)->pMethods->xClose(real_of(file));
}

static int crash_read(sqlite3_file *file, void *to, int n, sqlite3_int64 at)
{
	return REAL(xRead, to, n, at);
}

static int crash_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
	int rc = SQLITE_OK;

	if (disk_of(file) != NULL) {
		note(disk_of(file), at, bytes, (size_t)n);
		rc = tick();
		if (rc != SQLITE_OK)
			take_back(disk_of(file));
	}
	return rc != SQLITE_OK ? rc : REAL(xWrite, bytes, n, at);
}

static int crash_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	int rc = SQLITE_OK;

	if (disk_of(file) != NULL) {
		note(disk_of(file), size, NULL, 0);
		rc = tick();
		if (rc != SQLITE_OK)
			take_back(disk_of(file));
	}
	return rc != SQLITE_OK ? rc : REAL(xTruncate, size);
}

static int crash_sync(sqlite3_file *file, int flags)
{
	struct crash_file *f = (struct crash_file *)(void *)file;
	int rc = f->file != NULL ? tick() : SQLITE_OK;

	(void)flags; /* every sync is a whole one */
	/* What could not be written is dropped, and the next sync does not know of it (Linux). */
	if (rc != SQLITE_OK && dice(2) == 0)
		forget_ops(f->file);
	if (rc != SQLITE_OK || f->file == NULL || disk.is_liar)
		return rc;
	settle(f->file, 1);
	if (f->is_new_journal)
		sync_directory();
	f->is_new_journal = false;
	return SQLITE_OK;
}

static int crash_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return REAL(xFileSize, size);
}

static int crash_lock(sqlite3_file *file, int level)
{
	return REAL(xLock, level);
}

static int crash_unlock(sqlite3_file *file, int level)
{
	return REAL(xUnlock, level);
}

static int crash_check(sqlite3_file *file, int *is_reserved)
{
	return REAL(xCheckReservedLock, is_reserved);
}

static int crash_control(sqlite3_file *file, int op, void *arg)
{
	return REAL(xFileControl, op, arg);
}

static int crash_sector(sqlite3_file *file)
{
	return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int crash_device(sqlite3_file *file)
{
	return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

/* Version 1: neither memory maps nor shared memory, which would go past it. */
static const sqlite3_io_methods crash_methods = {
	.iVersion = 1,
	.xClose = crash_close,
	.xRead = crash_read,
	.xWrite = crash_write,
	.xTruncate = crash_truncate,
	.xSync = crash_sync,
	.xFileSize = crash_size,
	.xLock = crash_lock,
	.xUnlock = crash_unlock,
	.xCheckReservedLock = crash_check,
	.xFileControl = crash_control,
	.xSectorSize = crash_sector,
	.xDeviceCharacteristics = crash_device,
};

/* ---- names ---- */

/* As the machine was switched on with it. */
static void read_file(struct disk_file *f)
{
	FILE *in = fopen(f->path, "rb");
	unsigned char block[4096];
	size_t n;

	f->is_name = f->is_safe_name = in != NULL;
	while (in != NULL && (n = fread(block, 1, sizeof(block), in)) > 0) {
		size_t at = f->n_safe;

		resize(&f->safe, &f->n_safe, at + n);
		memcpy(f->safe + at, block, n);
	}
	if (in != NULL)
		(void)fclose(in); /* only read from */
}

static struct disk_file *find_file(const char *path)
{
	struct disk_file *f;

	for (size_t i = 0; i < disk.n_files; i++)
		if (strcmp(disk.files[i].path, path) == 0)
			return &disk.files[i];
	if (disk.n_files == MAX_FILES)
		abort();
	f = &disk.files[disk.n_files++];
	f->path = need(strdup(path));
	read_file(f);
	return f;
}

static int crash_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out)
{
	const int kept = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL;
	struct crash_file *f = (struct crash_file *)(void *)file;
	int rc;

	(void)vfs;
	f->file = path != NULL && (flags & kept) != 0 ? find_file(path) : NULL;
	rc = disk.real->xOpen(disk.real, path, real_of(file), flags, out);
	f->base.pMethods = rc == SQLITE_OK ? &crash_methods : NULL;
	f->is_new_journal = false;
	if (rc != SQLITE_OK || f->file == NULL || f->file->is_name)
		return rc;
	f->file->is_name = true;
	f->is_new_journal = (flags & SQLITE_OPEN_MAIN_DB) == 0;
	if (f->file->is_safe_name) /* removed, and that is not sure: a new one of the name is empty
				    */
		note(f->file, 0, NULL, 0);
	return SQLITE_OK;
}

static int crash_delete(sqlite3_vfs *vfs, const char *path, int is_synced)
{
	struct disk_file *f = find_file(path);
	int rc;

	(void)vfs;
	f->is_name = false;
	rc = tick();
	if (rc != SQLITE_OK) {
		f->is_name = true;
		return rc;
	}
	if (is_synced)
		sync_directory();
	return disk.real->xDelete(disk.real, path, 0);
}

/* Makes it the default VFS of this process, for good. */
static void crash_install(uint64_t seed, bool is_liar)
{
	disk.real = sqlite3_vfs_find(NULL);
	disk.random.state = seed;
	disk.fault = FAULT_NONE;
	disk.n_left = NEVER;
	disk.is_liar = is_liar;
	disk.vfs = *disk.real;
	disk.vfs.zName = "crash";
	disk.vfs.pNext = NULL;
	disk.vfs.szOsFile += (int)sizeof(struct crash_file);
	disk.vfs.xOpen = crash_open;
	disk.vfs.xDelete = crash_delete;
	if (sqlite3_vfs_register(&disk.vfs, 1) != SQLITE_OK)
		abort();
}

/* The nth operation from now on is the last one that goes well. */
static void crash_after(int64_t n, enum disk_fault fault, int code)
{
	disk.n_left = n;
	disk.fault = fault;
	disk.code = code;
}

#endif
