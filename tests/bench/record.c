/*
 * record: what a year of results costs. Fills a record with RUNS hourly runs of 1,000 checks, then
 * prints one figure a line, "name value unit", for record.sh to lay out:
 *
 *	record FAST-DIR DURABLE-DIR RUNS
 *
 * The record is filled in FAST-DIR (a memory file system saves the syncs nobody measures) and
 *copied to DURABLE-DIR, where appending is timed beside a plain table of text in a file of its own
 *with the same guarantees. Values come from a fixed seed; the mix of checks is in checks[].
 */
#include <fcntl.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/record.h"
#include "runner/history/store.h"
#include "runner/io/clock.h"

#define N_CHECKS 1000
#define HOUR_MS	 INT64_C(3600000)
#define BEGIN_MS INT64_C(1760000400000)
#define N_TIMES	 21

_Noreturn static void die(const char *what)
{
	(void)fprintf(stderr, "record: %s\n", what);
	exit(1);
}

static void must(int rc, const struct err *e)
{
	if (rc != 0)
		die(e->message);
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545F4914F6CDD1D);
}

static double uniform(uint64_t *seed)
{
	return (double)(next_random(seed) >> 11) * 0x1p-53;
}

struct bench {
	struct arena *arena;
	struct check_info *checks;
	struct result *results;
	uint64_t seed;
	const char *path;
};

static void define_checks(struct bench *b)
{
	b->checks = arena_array(b->arena, N_CHECKS, sizeof(*b->checks));
	b->results = arena_array(b->arena, N_CHECKS, sizeof(*b->results));
	for (size_t i = 0; i < N_CHECKS; i++) {
		b->checks[i] = (struct check_info){
			.name = arena_printf(b->arena, "audit%02zu/check-number-%03zu", i / 50, i),
			.kind = "missing",
			.title = arena_printf(b->arena, "What check %zu is there for", i),
			.target = "shop",
			.file = "assize.yaml",
			.line = (int64_t)i * 4,
			.col = 9,
			.severity = (int64_t)i % 10,
			.tags = "release",
		};
		memcpy(b->checks[i].hash, &i, sizeof(i));
	}
}

/* Ten kinds of checks, a tenth of all each: counts of nothing, shares, counts, times, moving
 * bounds. */
static void measure(struct bench *b, struct result *r, size_t i, int64_t run)
{
	uint64_t dice = next_random(&b->seed);
	int64_t rows = 2000000 + run * 50;

	switch (i % 10) {
	case 0:
	case 1:
	case 2: /* schema, digests: differences */
		r->value = (struct value){.type = VALUE_INT, .integer = 0};
		r->bound = "== 0";
		r->has_limit = true;
		r->n = 14;
		break;
	case 3:
	case 4: /* missing: a share of the rows */
		r->value = (struct value){.type = VALUE_INT, .integer = (int64_t)(dice % 40)};
		r->bound = "<= 0.1 %";
		r->has_limit = true;
		r->limit = 0.001;
		r->n = r->n_total = rows;
		r->share = (double)r->value.integer / (double)rows;
		r->room = r->value.integer == 0 ? 0 : r->share / r->limit;
		break;
	case 5: /* rows */
		r->value = (struct value){.type = VALUE_INT,
					  .integer = 90000 + (int64_t)(dice % 20000)};
		r->bound = ">= 1000";
		r->has_limit = true;
		r->limit = 1000;
		r->room = r->limit / (double)r->value.integer;
		break;
	case 6:
	case 7:
	case 8: /* http, freshness */
		r->value = (struct value){.type = VALUE_REAL, .real = uniform(&b->seed) / 4};
		r->unit = "s";
		r->bound = "< 300 ms";
		r->has_limit = true;
		r->limit = 0.3;
		r->room = r->value.real / r->limit;
		break;
	default: /* within 20 % of median(28d) */
		r->value = (struct value){.type = VALUE_REAL, .real = 100 + uniform(&b->seed)};
		r->bound = "within 20 % of median(28 d)";
		r->has_limit = true;
		r->limit = 120 + uniform(&b->seed) / 10;
		r->room = uniform(&b->seed);
		break;
	}
	if (dice % 100 == 0) { /* one in a hundred fails, each time in its own words */
		r->outcome = OUTCOME_FAIL;
		r->reason = "outside the bound";
		r->evidence = arena_printf(b->arena, "id %llu, created 14:05:11, channel partner",
					   (unsigned long long)(dice >> 32));
	}
}

static void append_run(struct record *record, struct bench *b, int64_t number)
{
	struct run_info run = {
		.begin_ms = BEGIN_MS + number * HOUR_MS,
		.subject = number % 24 == 0 ? "v2.31.0" : "any",
		.selection = "",
		.command = "run",
		.definition_file = "assize.yaml",
		.commit = "9f3c1ab",
		.host = "alpha",
		.user = "audit",
		.version = "0.1.0",
		.job_url = "",
		.boot_id = "4b5bd9ed-0f24-4a3c-9b37-ff0e9b6a1c2d",
		.n_planned = N_CHECKS,
	};
	struct err e = {0};

	must(record_begin(record, &run, &e), &e);
	for (size_t i = 0; i < N_CHECKS; i++) {
		struct result *r = &b->results[i];

		*r = (struct result){
			.ordinal = (int64_t)i,
			.check = &b->checks[i],
			.series = i % 4 == 0 ? "{column=\"owner\"}" : "",
			.outcome = OUTCOME_PASS,
			.unit = "",
			.query = "SELECT count(*) FROM execution_tasks WHERE owner IS NULL",
			.room = NAN,
			.n = -1,
			.n_total = -1,
			.share = NAN,
			.measured_ms = run.begin_ms + (int64_t)(next_random(&b->seed) % 3000),
			.duration_us = 200 + (int64_t)(next_random(&b->seed) % 60000),
			.attempts = 1,
		};
		measure(b, r, i, number);
	}
	must(record_results(record, run.id, b->results, N_CHECKS, NULL, 0, &e), &e);
	run.end_ms = run.begin_ms + 3000;
	run.state = RUN_COMPLETE;
	run.outcome = OUTCOME_PASS;
	must(record_end(record, &run, &e), &e);
}

static double now_ms(void)
{
	struct clock clock = clock_system();

	return (double)clock_monotonic_us(&clock) / 1000;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(double *times)
{
	qsort(times, N_TIMES, sizeof(*times), compare);
	return times[N_TIMES / 2];
}

static double size_mb(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (double)st.st_size / 1e6 : NAN;
}

static struct record *open_record(const char *path, enum record_mode mode)
{
	struct record *r = NULL;
	struct err e = {0};

	must(record_open(path, mode, &r, &e), &e);
	return r;
}

/* Pass rates of all checks over the last 30 days, and of one by day over all. */
static void time_days(const char *path, struct arena *a, int64_t n_runs, double *rates_ms,
		      double *days_ms)
{
	int64_t since_ms = BEGIN_MS + (n_runs - 30 * INT64_C(24)) * HOUR_MS;
	struct record *r = open_record(path, RECORD_READ);
	struct check_rate *rates;
	struct day_rate *days;
	struct err e = {0};
	double start = now_ms();
	size_t n;

	must(record_rates(r, a, since_ms, &rates, &n, &e), &e);
	*rates_ms = now_ms() - start;
	record_close(r);
	if (n != N_CHECKS)
		die("not every check has a rate");
	r = open_record(path, RECORD_READ);
	start = now_ms();
	must(record_days(r, a, "audit10/check-number-506", NULL, 0, &days, &n, &e), &e);
	*days_ms = now_ms() - start;
	record_close(r);
}

/* Each time with a handle of its own: nothing is cached in the process. */
static void time_reading(const char *path, int64_t n_runs)
{
	double latest[N_TIMES], series[N_TIMES], run_results[N_TIMES], states[N_TIMES];
	double rates[N_TIMES], days[N_TIMES];

	for (int i = 0; i < N_TIMES; i++) {
		struct arena *a = arena_new();
		struct record *r = open_record(path, RECORD_READ);
		struct check_state *check_states;
		struct evidence *evidence;
		struct result *results;
		struct run_info *runs;
		struct point *points;
		struct err e = {0};
		double start = now_ms();
		size_t n;

		must(record_evidence(r, a, "audit10/check-number-503", "any", &evidence, &n, &e),
		     &e);
		latest[i] = now_ms() - start;
		record_close(r);
		r = open_record(path, RECORD_READ);
		start = now_ms();
		must(record_series(r, a, "audit10/check-number-506", "", 0, 0, &points, &n, &e),
		     &e);
		series[i] = now_ms() - start;
		if (i == 0)
			(void)printf("points %zu -\n", n);
		must(record_runs(r, a, 0, 1, &runs, &n, &e), &e);
		start = now_ms();
		must(record_run_results(r, a, runs[0].id, &results, &n, &e), &e);
		run_results[i] = now_ms() - start;
		start = now_ms();
		must(record_check_states(r, a, &check_states, &n, &e), &e);
		states[i] = now_ms() - start;
		record_close(r);
		time_days(path, a, n_runs, &rates[i], &days[i]);
		arena_free(a);
	}
	(void)printf("latest %.3f ms\nseries %.2f ms\nrun %.2f ms\nstates %.2f ms\n",
		     median(latest), median(series), median(run_results), median(states));
	(void)printf("rates %.2f ms\ndays %.2f ms\n", median(rates), median(days));
}

/* What a series cannot be faster than while its points lie a page each: that many page reads. */
static double time_pages(const char *path, int64_t n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int64_t n_pages = (int64_t)(size_mb(path) * 1e6) / 4096;
	double times[N_TIMES];
	char page[4096];

	if (fd < 0)
		die("could not open the record");
	for (int i = 0; i < N_TIMES; i++) {
		double start = now_ms();

		for (int64_t k = 0; k < n; k++)
			if (pread(fd, page, sizeof(page), k * n_pages / n * 4096) != sizeof(page))
				die("could not read the record");
		times[i] = now_ms() - start;
	}
	(void)close(fd); /* only read from */
	return median(times);
}

/* What record_results does but for the ledger: no leaf, no tree. The record is spoilt by it. */
static int append_unhashed(struct record *r, int64_t run_id, struct bench *b, struct err *e)
{
	int64_t at_ms;
	int rc;

	if (store_enter(r, STORE_WRITING, e) != 0)
		return -1;
	rc = store_batch(r, run_id, b->results, N_CHECKS, &at_ms, e);
	r->tree.size = (uint64_t)r->next_seq; /* nothing is left to hash */
	if (rc == 0) {
		unsigned char frontier[MERKLE_LEVELS * SHA256_BYTES];
		sqlite3_stmt *s = store_sql(r, "UPDATE head SET next_seq = ?1, frontier = ?2", e);

		if (s == NULL)
			return store_leave(r, -1, e);
		store_bind_int(s, 1, r->next_seq);
		store_bind_digest(s, 2, frontier, merkle_save(&r->tree, frontier));
		rc = store_run(r, s, e);
	}
	return store_leave(r, rc, e);
}

/* Only record_results: begin and end are commits of their own. */
static double append_once(struct bench *b, const char *path, int64_t number, bool is_hashed)
{
	struct record *r = open_record(path, RECORD_WRITE);
	struct run_info run = {.command = "run", .begin_ms = BEGIN_MS + number * HOUR_MS};
	struct err e = {0};
	double start, took;

	must(record_begin(r, &run, &e), &e);
	for (size_t k = 0; k < N_CHECKS; k++)
		measure(b, &b->results[k], k, number);
	start = now_ms();
	must(is_hashed ? record_results(r, run.id, b->results, N_CHECKS, NULL, 0, &e)
		       : append_unhashed(r, run.id, b, &e),
	     &e);
	took = now_ms() - start;
	record_close(r);
	return took;
}

/* The three take turns, so that each meets the machine as it is at the time. */
static void time_appending(struct bench *b, const char *dir, int64_t n_runs)
{
	const char *unhashed = arena_printf(b->arena, "%s/unhashed.db", dir);
	const char *young = arena_printf(b->arena, "%s/young.db", dir);
	const char *old = arena_printf(b->arena, "%s/year.db", dir);
	double times[3][N_TIMES];

	record_close(open_record(young, RECORD_WRITE));
	record_close(open_record(unhashed, RECORD_WRITE));
	for (int i = 0; i < N_TIMES; i++) {
		times[0][i] = append_once(b, unhashed, n_runs + i, false);
		times[1][i] = append_once(b, young, n_runs + i, true);
		times[2][i] = append_once(b, old, n_runs + i, true);
	}
	(void)printf("unhashed %.2f ms\nyoung %.2f ms\nold %.2f ms\n", median(times[0]),
		     median(times[1]), median(times[2]));
}

static void execute(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		die(sqlite3_errmsg(db));
}

/* The peer: a row a result, everything spelled out, nothing looked up; durable the same way. */
static double time_plain(struct bench *b, const char *path)
{
	double times[N_TIMES];
	sqlite3_stmt *s;
	sqlite3 *db;

	if (sqlite3_open(path, &db) != SQLITE_OK)
		die(sqlite3_errmsg(db));
	execute(db,
		"PRAGMA synchronous = EXTRA; CREATE TABLE plain(run INTEGER, check_name TEXT, "
		"series TEXT, outcome TEXT, value ANY, unit TEXT, bound TEXT, lim REAL, room REAL, "
		"reason TEXT, n INTEGER, n_total INTEGER, share REAL, evidence TEXT, query TEXT, "
		"measured_ms INTEGER, duration_us INTEGER, attempts INTEGER, PRIMARY KEY (run, "
		"check_name, series)) STRICT");
	if (sqlite3_prepare_v2(db, "INSERT INTO plain VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
			       -1, &s, NULL) != SQLITE_OK)
		die(sqlite3_errmsg(db));
	for (int i = 0; i < N_TIMES; i++) {
		double start = now_ms();

		execute(db, "BEGIN IMMEDIATE");
		for (size_t k = 0; k < N_CHECKS; k++) {
			const struct result *r = &b->results[k];
			const char *const texts[] = {r->check->name, r->series, "pass",
						     NULL,	     r->unit,	r->bound};

			(void)sqlite3_reset(s);		 /* the step told */
			(void)sqlite3_bind_int(s, 1, i); /* columns exist: cannot fail */
			for (int at = 0; at < 6; at++)
				(void)sqlite3_bind_text(s, 2 + at, texts[at], -1, SQLITE_STATIC);
			if (r->value.type == VALUE_INT)
				(void)sqlite3_bind_int64(s, 5, r->value.integer);
			else
				(void)sqlite3_bind_double(s, 5, r->value.real);
			(void)sqlite3_bind_double(s, 8, r->limit);
			(void)sqlite3_bind_double(s, 9, r->room);
			(void)sqlite3_bind_int64(s, 11, r->n);
			(void)sqlite3_bind_int64(s, 12, r->n_total);
			(void)sqlite3_bind_text(s, 15, r->query, -1, SQLITE_STATIC);
			(void)sqlite3_bind_int64(s, 16, r->measured_ms);
			(void)sqlite3_bind_int64(s, 17, r->duration_us);
			if (sqlite3_step(s) != SQLITE_DONE)
				die(sqlite3_errmsg(db));
		}
		(void)sqlite3_reset(s); /* the step told */
		execute(db, "COMMIT");
		times[i] = now_ms() - start;
	}
	(void)sqlite3_finalize(s); /* the steps told */
	(void)sqlite3_close(db);   /* no statement is left */
	return median(times);
}

static void copy(const char *from, const char *to)
{
	sqlite3 *source, *target;
	sqlite3_backup *backup;

	if (sqlite3_open(from, &source) != SQLITE_OK || sqlite3_open(to, &target) != SQLITE_OK)
		die("could not open a copy");
	backup = sqlite3_backup_init(target, "main", source, "main");
	if (backup == NULL || sqlite3_backup_step(backup, -1) != SQLITE_DONE ||
	    sqlite3_backup_finish(backup) != SQLITE_OK)
		die("could not copy the record");
	(void)sqlite3_close(source); /* no statement is left */
	(void)sqlite3_close(target); /* same */
}

int main(int argc, char **argv)
{
	struct bench b = {.arena = arena_new(), .seed = 7};
	struct record *record;
	int64_t n_runs;
	double start, fill;

	if (argc != 4)
		die("usage: record FAST-DIR DURABLE-DIR RUNS");
	n_runs = atoll(argv[3]);
	define_checks(&b);
	b.path = arena_printf(b.arena, "%s/year/record.db", argv[1]);
	record = open_record(b.path, RECORD_WRITE);
	start = now_ms();
	for (int64_t i = 0; i < n_runs; i++)
		append_run(record, &b, i);
	fill = now_ms() - start;
	record_close(record);
	(void)printf("results %lld -\nfill %.1f us\n", (long long)n_runs * N_CHECKS,
		     fill * 1000 / (double)(n_runs * N_CHECKS));
	(void)printf("size %.1f MB\nrow %.2f B\n", size_mb(b.path),
		     size_mb(b.path) * 1e6 / (double)(n_runs * N_CHECKS));
	time_reading(b.path, n_runs);
	(void)printf("pages %.2f ms\n", time_pages(b.path, n_runs));
	copy(b.path, arena_printf(b.arena, "%s/year.db", argv[2]));
	(void)printf("plain %.2f ms\n",
		     time_plain(&b, arena_printf(b.arena, "%s/plain.db", argv[2])));
	time_appending(&b, argv[2], n_runs);
	arena_free(b.arena);
	return 0;
}
