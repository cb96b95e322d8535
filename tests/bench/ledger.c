/*
 * ledger: what it costs to verify a record, beside reading it.
 *
 *	ledger RECORD
 *
 * Prints "name value unit" a line for ledger.sh: `scan` steps through every row of every table and
 * fetches each column by its type, which is what no verification can do without; `verify` is
 * ledger_verify(). Both in turn, PASSES times, in processor time of this one thread; the least of
 * each counts.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/ledger.h"

#define PASSES 5

_Noreturn static void die(const char *what)
{
	(void)fprintf(stderr, "ledger: %s\n", what);
	exit(1);
}

static double processor_s(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) != 0)
		die("no clock of the processor");
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int64_t fetch(sqlite3_stmt *s, int at)
{
	switch (sqlite3_column_type(s, at)) {
	case SQLITE_NULL:
		return 0;
	case SQLITE_INTEGER:
		return sqlite3_column_int64(s, at) & 1;
	case SQLITE_FLOAT:
		return sqlite3_column_double(s, at) > 0;
	default:
		return sqlite3_column_bytes(s, at) & 1;
	}
}

static int64_t scan_table(sqlite3 *db, const char *name, int64_t *n_rows)
{
	int64_t sum = 0;
	sqlite3_stmt *s;
	char sql[128];
	int rc;

	(void)sqlite3_snprintf(sizeof(sql), sql, "SELECT * FROM \"%w\" NOT INDEXED", name);
	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
		die(sqlite3_errmsg(db));
	for (; (rc = sqlite3_step(s)) == SQLITE_ROW; ++*n_rows)
		for (int i = 0; i < sqlite3_column_count(s); i++)
			sum += fetch(s, i);
	if (rc != SQLITE_DONE)
		die(sqlite3_errmsg(db));
	(void)sqlite3_finalize(s); /* the step told */
	return sum;
}

/* The sum is only there so that nothing is left out by the compiler. */
static double time_scan(const char *path, int64_t *n_rows)
{
	double start = processor_s();
	int64_t sum = 0;
	sqlite3_stmt *s;
	sqlite3 *db;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
		    SQLITE_OK ||
	    sqlite3_exec(db, "PRAGMA cell_size_check = ON; PRAGMA cache_size = -4096; BEGIN", NULL,
			 NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, "SELECT name FROM sqlite_schema WHERE type = 'table'", -1, &s,
			       NULL) != SQLITE_OK)
		die("could not open the record");
	*n_rows = 0;
	while (sqlite3_step(s) == SQLITE_ROW)
		sum += scan_table(db, (const char *)sqlite3_column_text(s, 0), n_rows);
	(void)sqlite3_finalize(s); /* nothing is lost by it */
	(void)sqlite3_close(db);   /* no statement is left */
	return sum < 0 ? 0 : processor_s() - start;
}

static double time_verify(const char *path, uint64_t *n_results)
{
	double start = processor_s();
	const struct ledger_trust trust = {.keys = NULL};
	struct ledger_verification v;
	struct arena *a = arena_new();
	struct record *r;
	struct err e = {0};

	if (record_open(path, RECORD_READ, &r, &e) != 0 || ledger_verify(r, a, &trust, &v, &e) != 0)
		die(e.message);
	if (v.n_broken > 0)
		die(v.findings[0].text);
	*n_results = v.n_results;
	record_close(r);
	arena_free(a);
	return processor_s() - start;
}

int main(int argc, char **argv)
{
	double scan = 0, verify = 0, t;
	uint64_t n_results = 0;
	int64_t n_rows = 0;

	if (argc != 2)
		die("usage: ledger RECORD");
	for (int i = 0; i < PASSES; i++) {
		t = time_scan(argv[1], &n_rows);
		scan = i == 0 || t < scan ? t : scan;
		t = time_verify(argv[1], &n_results);
		verify = i == 0 || t < verify ? t : verify;
	}
	(void)printf("results %llu -\nrows %lld -\nscan %.3f s\nverify %.3f s\n",
		     (unsigned long long)n_results, (long long)n_rows, scan, verify);
	return 0;
}
