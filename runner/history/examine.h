/*
 * examine: a record as a file and as a database, for whoever wants to know whether it can be relied
 * on before relying on it.
 *
 * record_examine() reads the file itself, so it comes before anything in this process has the file
 * open (closing a descriptor drops SQLite's locks), and it changes nothing: not even what a killed
 * writer left is put right, which opening would do. The rest asks an open record.
 */
#ifndef ASSIZE_HISTORY_EXAMINE_H
#define ASSIZE_HISTORY_EXAMINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct arena;
struct err;
struct library_version;
struct record;

struct record_file {
	const char *dir;
	bool has_dir, exists, is_regular;
	struct stat dir_stat, stat; /* of what is there */
	bool is_empty, is_database, is_record;
	bool is_wal;	     /* some other tool switched it to a write-ahead log */
	int64_t version;     /* of the record */
	int64_t newest;	     /* that this program knows */
	bool has_journal;    /* beside it */
	bool is_journal_hot; /* and whoever wrote it is gone */
};
/* -1: it is there and cannot be looked at. */
int record_examine(struct arena *a, const char *path, struct record_file *out, struct err *e);

/* SQLite's own look at every page; *why NULL = nothing is wrong. */
int record_quick_check(struct record *r, struct arena *a, const char **why, struct err *e);

/* When the newest record below before_seq was made (0 = of all), as its clock said; -1 = none. */
int record_newest_ms(struct record *r, int64_t before_seq, int64_t *out, struct err *e);

/* Runs without an end: how many, and the newest; 0 = none. */
int record_unended(struct record *r, int64_t *n, int64_t *newest, struct err *e);

/* Of SQLite. *is_thread_safe: connections may be used by a thread each. */
void record_library(struct arena *a, struct library_version *out, bool *is_thread_safe);

#endif
