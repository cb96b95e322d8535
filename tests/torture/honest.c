/*
 * honest: does the ledger ever accuse somebody who did nothing?
 *
 *	honest DIR RUNS WRITERS SEED
 *
 * WRITERS processes record RUNS runs together in DIR/record.db: values of every kind (-0.0, NaN,
 * infinities, the smallest and largest numbers, text that is no UTF-8, nothing at all), evidence,
 * repetitions, decisions, externals, challenges, runs that never end, a checkpoint now and then.
 *Beside them the file is verified again and again, vacuumed, reindexed and analysed. Every finding
 *but notes is printed; exit status 0 means there was none. The same SEED records the same values.
 */
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/challenges.h"
#include "runner/history/ledger.h"
#include "runner/history/record.h"
#include "runner/io/clock.h"
#include "runner/io/sign.h"

#define MAX_WRITERS 16
#define N_CHECKS    7
#define MAX_SERIES  4

_Noreturn static void die(const char *what)
{
	(void)fprintf(stderr, "honest: %s\n", what);
	exit(2);
}

static void must(int rc, const struct err *e)
{
	if (rc != 0)
		die(e->message);
}

struct writer {
	struct arena *arena; /* of one run */
	struct record *record;
	struct sign_key *key;
	uint64_t seed;
	int64_t now_ms;
};

static uint64_t dice(struct writer *w, uint64_t n)
{
	w->seed ^= w->seed >> 12;
	w->seed ^= w->seed << 25;
	w->seed ^= w->seed >> 27;
	return (w->seed * UINT64_C(0x2545F4914F6CDD1D) >> 33) % n;
}

static struct value any_value(struct writer *w)
{
	const double reals[] = {0.0,	   -0.0, NAN,	      -NAN, INFINITY, -INFINITY,
				0x1p-1074, 0.1,	 -0x1.fp1023, 1e22, 5e-324,   1.0 / 3};
	const int64_t integers[] = {
		0, -1, INT64_MAX, INT64_MIN, INT64_C(1) << 53, -(INT64_C(1) << 53)};
	const char *const texts[] = {"", "degraded", "\xff\xfe not UTF-8 \xc0\x80", "\"\\\n\t\x01",
				     "\xf0\x9f\x90\x98"};

	switch (dice(w, 4)) {
	case 0:
		return (struct value){.type = VALUE_INT, .integer = integers[dice(w, 6)]};
	case 1:
		return (struct value){.type = VALUE_TEXT, .text = texts[dice(w, 5)]};
	case 2:
		return (struct value){.type = VALUE_NONE};
	default:
		return (struct value){.type = VALUE_REAL, .real = reals[dice(w, 12)]};
	}
}

static const char *long_text(struct writer *w, size_t n)
{
	char *text = arena_alloc(w->arena, n + 1);

	for (size_t i = 0; i < n; i++)
		text[i] = (char)(1 + dice(w, 254));
	text[n] = '\0';
	return text;
}

static struct check_info *any_check(struct writer *w, size_t i)
{
	struct check_info *c = arena_alloc(w->arena, sizeof(*c));
	uint64_t edition = dice(w, 50) == 0 ? dice(w, 1000) : i;

	*c = (struct check_info){
		.name = arena_printf(w->arena, "audit/check%zu", i),
		.kind = "missing",
		.target = "shop",
		.file = "assize.yaml",
		.line = (int64_t)edition,
		.col = 9,
		.severity = (int64_t)i,
		.tags = "release,nightly",
		.title = i % 2 == 0 ? "a title \xe2\x80\x94 with a dash" : NULL,
	};
	memcpy(c->hash, &edition, sizeof(edition));
	return c;
}

static struct result any_result(struct writer *w, const struct check_info *c, size_t series)
{
	struct result r = {
		.ordinal = c->severity,
		.check = c,
		.series = series == 0 ? "" : arena_printf(w->arena, "{n=\"%zu\"}", series),
		.outcome = (enum outcome)dice(w, 5),
		.value = any_value(w),
		.unit = dice(w, 2) ? "s" : "",
		.bound = dice(w, 2) ? "<= 0.1 %" : "",
		.has_limit = dice(w, 4) == 1,
		.limit = any_value(w).real,
		.room = any_value(w).real,
		.share = NAN,
		.n = (int64_t)dice(w, 3) - 1,
		.n_total = -1,
		.measured_ms = w->now_ms,
		.duration_us = (int64_t)dice(w, 1000000),
		.attempts = 1 + (int64_t)dice(w, 3),
	};

	if (dice(w, 16) == 0)
		r.evidence = long_text(w, (size_t)dice(w, 1200));
	if (dice(w, 16) == 0)
		r.reason = long_text(w, (size_t)dice(w, 90));
	if (dice(w, 6) == 0)
		r.query = "SELECT count(*) FROM tasks";
	if (dice(w, 8) == 0) {
		double *samples = arena_array(w->arena, 5, sizeof(*samples));

		for (size_t i = 0; i < 5; i++)
			samples[i] = any_value(w).real;
		r.samples = samples;
		r.n_samples = 5;
	}
	return r;
}

/* end: the run's, in one commit with the batch; NULL = it goes on. */
static void record_batch(struct writer *w, int64_t run_id, size_t first, size_t n,
			 const struct run_info *end)
{
	struct result results[N_CHECKS * MAX_SERIES];
	struct err e = {0};
	size_t k = 0;

	for (size_t i = first; i < first + n; i++) {
		const struct check_info *c = any_check(w, i);
		size_t n_series = 1 + (size_t)dice(w, MAX_SERIES);

		for (size_t s = 0; s < n_series; s++)
			results[k++] = any_result(w, c, s);
	}
	must(end != NULL ? record_last(w->record, end, results, k, NULL, 0, &e)
			 : record_results(w->record, run_id, results, k, NULL, 0, &e),
	     &e);
}

static void record_challenge_of(struct writer *w, size_t i)
{
	struct attack_result attacks[5];
	const struct challenge_origin origin = {
		.host = "alpha", .user = "audit", .recorded_ms = w->now_ms + 1};
	struct challenged c = {.check = any_check(w, i),
			       .at_ms = w->now_ms,
			       .attacks = attacks,
			       .n_attacks = (size_t)dice(w, 6)};
	struct err e = {0};

	if (c.n_attacks == 0)
		c.reason = long_text(w, (size_t)dice(w, 1200));
	for (size_t k = 0; k < c.n_attacks; k++)
		attacks[k] = (struct attack_result){
			.name = "rows-lost",
			.object = dice(w, 2) ? "orders" : "",
			.words = long_text(w, (size_t)dice(w, 90)),
			.outcome = (enum attack_outcome)dice(w, ATTACK_LAST + 1),
			.reason = dice(w, 2) ? long_text(w, (size_t)dice(w, 1200)) : NULL,
			.before = "\xff",
			.turns_red = any_value(w).real,
			.is_erratic = dice(w, 2) == 1,
		};
	challenged_count(&c);
	must(record_challenge_add(w->record, &c, &origin, NULL, &e), &e);
}

static void record_run_of(struct writer *w, int64_t number)
{
	struct run_info run = {
		.begin_ms = w->now_ms,
		.subject = dice(w, 2) ? "v1" : "any",
		.selection = "",
		.command = "run",
		.definition_file = "assize.yaml",
		.commit = "",
		.host = "alpha",
		.user = "audit",
		.version = "0",
		.job_url = "",
		.boot_id = "4b5bd9ed-0f24-4a3c-9b37-ff0e9b6a1c2d",
		.n_planned = N_CHECKS,
	};
	struct external x = {.name = "score",
			     .series = "",
			     .value = {.type = VALUE_REAL, .real = -0.0},
			     .unit = "",
			     .host = "h",
			     .user = "u"};
	struct decision d = {.gate = "release", .subject = "v1", .oldest_ms = -1};
	size_t half = (size_t)dice(w, N_CHECKS + 1);
	struct err e = {0};
	const char *note;

	must(record_begin(w->record, &run, &e), &e);
	if (half > 0)
		record_batch(w, run.id, 0, half, NULL);
	if (dice(w, 20) == 0)
		return; /* as if it had been killed */
	run.end_ms = w->now_ms + 5;
	run.state = dice(w, 10) == 0 ? RUN_INTERRUPTED : RUN_COMPLETE;
	run.outcome = (enum outcome)dice(w, 5);
	record_batch(w, run.id, half, N_CHECKS - half, &run);
	d.run_id = run.id;
	d.at_ms = x.at_ms = x.recorded_ms = run.end_ms;
	if (number % 5 == 0)
		must(record_decision(w->record, &d, &e), &e);
	if (number % 7 == 0)
		must(record_external(w->record, &x, &e), &e);
	if (number % 6 == 0)
		record_challenge_of(w, (size_t)dice(w, N_CHECKS));
	if (number % 16 == 0)
		must(ledger_checkpoint_make(w->record, w->arena, w->key, &note, &e), &e);
}

static void wait_for_ms(int64_t ms)
{
	const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	(void)nanosleep(&pause, NULL); /* shorter after a signal: as well */
}

static int write_runs(const char *path, const char *key, int64_t n, long n_writers, uint64_t seed)
{
	struct clock clock = clock_system();
	struct writer w = {.seed = seed * UINT64_C(0x9E3779B97F4A7C15) | 1};
	struct err e = {0};

	must(record_open(path, RECORD_WRITE, &w.record, &e), &e);
	must(sign_key_load(key, &w.key, &e), &e);
	for (int64_t i = 0; i < n; i++) {
		w.arena = arena_new();
		w.now_ms = clock_wall_ms(&clock);
		record_run_of(&w, i);
		arena_free(w.arena);
		/* Without a pause there is no turn for the unlucky one: SQLite's locks are not
		 * fair. */
		wait_for_ms(n_writers * (10 + (int64_t)dice(&w, 20)));
	}
	sign_key_free(w.key);
	record_close(w.record);
	return 0;
}

/* ---- beside them ---- */

static size_t verify(const char *path, uint64_t *n_results)
{
	const struct ledger_trust trust = {.keys = NULL};
	struct ledger_verification v;
	struct arena *a = arena_new();
	size_t n_alarms = 0;
	struct record *r;
	struct err e = {0};

	must(record_open(path, RECORD_READ, &r, &e), &e);
	must(ledger_verify(r, a, &trust, &v, &e), &e);
	for (size_t i = 0; i < v.n_findings; i++) {
		if (v.findings[i].grade == LEDGER_NOTE)
			continue;
		n_alarms++;
		(void)printf("ALARM %s\n", v.findings[i].text);
	}
	*n_results = v.n_results;
	record_close(r);
	arena_free(a);
	return n_alarms;
}

/* What an administrator may do to any file of SQLite. */
static void tidy(const char *path, unsigned round)
{
	static const char *const works[] = {"VACUUM", "REINDEX", "ANALYZE",
					    "PRAGMA incremental_vacuum", "PRAGMA optimize"};
	sqlite3 *db;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
		die("could not open the record");
	(void)sqlite3_busy_timeout(db, 30000); /* an open handle: cannot fail */
	if (sqlite3_exec(db, works[round % 5], NULL, NULL, NULL) != SQLITE_OK)
		die(sqlite3_errmsg(db));
	(void)sqlite3_close(db); /* no statement is left */
}

static void make(const char *path, const char *key_path)
{
	struct arena *a = arena_new();
	struct ledger_new_key k = {.name = "honest.example", .at_ms = 1, .host = "h", .user = "u"};
	struct sign_key *key;
	struct record *r;
	struct err e = {0};

	must(record_open(path, RECORD_WRITE, &r, &e), &e);
	must(sign_key_make(key_path, &e), &e);
	must(sign_key_load(key_path, &key, &e), &e);
	k.key = key;
	must(ledger_add_key(r, a, &k, &e), &e);
	sign_key_free(key);
	record_close(r);
	arena_free(a);
}

int main(int argc, char **argv)
{
	long n_writers = argc == 5 ? atol(argv[3]) : 0;
	int64_t n_runs = argc == 5 ? atoll(argv[2]) : 0;
	char path[512], key[512];
	uint64_t n_results = 0;
	size_t n_alarms = 0, n_verified = 0;
	long n_done = 0;
	int status;

	if (n_runs < 1 || n_writers < 1 || n_writers > MAX_WRITERS)
		die("usage: honest DIR RUNS WRITERS SEED");
	(void)snprintf(path, sizeof(path), "%s/record.db", argv[1]);
	(void)snprintf(key, sizeof(key), "%s/ledger.key", argv[1]);
	make(path, key);
	for (long i = 0; i < n_writers; i++) {
		int64_t share = n_runs / n_writers + (i < n_runs % n_writers);

		if (fork() == 0)
			exit(write_runs(path, key, share, n_writers,
					(uint64_t)(atoll(argv[4]) + i)));
	}
	for (unsigned round = 0; n_done < n_writers; round++) {
		n_alarms += verify(path, &n_results);
		n_verified++;
		tidy(path, round);
		while (waitpid(-1, &status, WNOHANG) > 0) {
			n_done++;
			if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
				die("a writer failed");
		}
		/* While somebody reads nobody commits: most of the time is the writers'. */
		wait_for_ms(n_writers * 100);
	}
	n_alarms += verify(path, &n_results);
	(void)printf("%lld runs of %ld writers, %llu results, verified %zu times: %zu alarms\n",
		     (long long)n_runs, n_writers, (unsigned long long)n_results, n_verified + 1,
		     n_alarms);
	return n_alarms == 0 ? 0 : 1;
}
