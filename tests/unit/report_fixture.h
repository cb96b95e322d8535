/*
 * report_fixture: a run made by hand, for the tests of the reports and for
 * tests/tools/report_sample.
 *
 * Twelve checks with every outcome, several series, a trail, a previous run, restorations and a
 * gate's decision, as the record would give them. Everything lives in the arena given. Included
 * once by each program that needs it, hence static functions; inline
 * where not every program uses them.
 */
#ifndef ASSIZE_TESTS_REPORT_FIXTURE_H
#define ASSIZE_TESTS_REPORT_FIXTURE_H

#include <math.h>
#include <string.h>

#include "reports/report.h"
#include "runner/base/arena.h"

/* Everything a report must survive: markup, quotes, lines, terminal codes, XML's end, CI commands.
 */
#define HOSTILE_TEXT                                                                               \
	"<script>alert(1)</script> \"'`&amp; ]]> ::error::x\n::error::y\n\x1b[31m\x07\x7f "        \
	"\xE2\x80\xAE"                                                                             \
	"txt.exe \xE2\x80\x8B\xEF\xBB\xBF \xff\xfe \xC0\xAF \xED\xA0\x80 ${IFS} $(id) %s%n \\d+ "  \
	"| \\| # SKIP %0A::error::z ##[error]q ``` [a](javascript:b) \\[a\\](javascript:c) {0} "   \
	"**b** @octocat "                                                                          \
	"https://a.example www.a.example \x80\r::warning::w\r\n"

#define FIXTURE_BEGIN_MS 1795383603000 /* 2026-11-22T21:40:03Z */
#define FIXTURE_DAY_MS	 86400000
#define FIXTURE_RUN	 12
#define FIXTURE_TRAIL	 60

struct fixture_row {
	const char *check, *kind, *title, *why;
	int64_t severity;
	const char *series;
	enum outcome outcome;
	struct value value;
	const char *unit, *bound;
	double limit; /* NaN = none */
	double room;
	const char *reason;
	int64_t n, n_total;
	double share;
	const char *evidence, *query;
	double then; /* value before this run; NaN = none */
};

#define INTEGER(v)                                                                                 \
	{                                                                                          \
		.type = VALUE_INT, .integer = (v)                                                  \
	}
#define REAL(v)                                                                                    \
	{                                                                                          \
		.type = VALUE_REAL, .real = (v)                                                    \
	}
#define TEXT_OF(s)                                                                                 \
	{                                                                                          \
		.type = VALUE_TEXT, .text = (s)                                                    \
	}
#define NO_VALUE                                                                                   \
	{                                                                                          \
		.type = VALUE_NONE                                                                 \
	}
#define MISSING_SQL "SELECT count(*) FROM execution_tasks WHERE owner IS NULL"

static const struct fixture_row fixture_rows[] = {
	{"tasks/columns", "schema", "Tasks have the columns the code reads",
	 "A missing ai_model column once failed every task.", 9, "", OUTCOME_PASS, INTEGER(0), "",
	 "== 0", 0, 0, NULL, 14, -1, NAN, NULL, NULL, 0},
	{"tasks/missing", "missing", "Tasks are filled in", NULL, 9, "{column=\"ai_model\"}",
	 OUTCOME_PASS, INTEGER(0), "", "<= 0.1 %", 0.001, 0, NULL, 99772, 99772, 0, NULL,
	 MISSING_SQL, 0},
	{"tasks/missing", "missing", "Tasks are filled in", NULL, 9, "{column=\"state\"}",
	 OUTCOME_PASS, INTEGER(41), "", "<= 0.1 %", 0.001, 0.41, NULL, 99772, 99772, 0.00041, NULL,
	 MISSING_SQL, 0.0004},
	{"tasks/missing", "missing", "Tasks are filled in", NULL, 9, "{column=\"owner\"}",
	 OUTCOME_FAIL, INTEGER(1297), "", "<= 0.1 %", 0.001, 13, "outside the bound", 99772, 99772,
	 0.013,
	 "id 8812044, created 14:05:11, channel partner\n"
	 "id 8812046, created 14:05:13, channel partner\n"
	 "id 8812051, created 14:05:20, channel partner",
	 MISSING_SQL, 0.0007},
	{"tasks/volume", "rows", "Tasks keep coming", NULL, 5, "", OUTCOME_PASS, INTEGER(98475), "",
	 ">= 1000, within 20 % of median(28d)", 1000, 0.31, NULL, 98475, -1, NAN, NULL,
	 "SELECT count(*) FROM execution_tasks", 97210},
	{"tasks/fresh", "freshness", "The newest task is recent", NULL, 7, "", OUTCOME_PASS,
	 REAL(246), "s", "< 1 h", 3600, 0.068, NULL, -1, -1, NAN, NULL, "SELECT max(updated_at)",
	 231},
	{"api/home", "http", "The home page answers", NULL, 6, "status", OUTCOME_PASS, INTEGER(200),
	 "", "== 200", 200, NAN, NULL, -1, -1, NAN, NULL, "GET http://127.0.0.1:8080/", 200},
	{"api/home", "http", "The home page answers", NULL, 6, "total", OUTCOME_WARN, REAL(0.262),
	 "s", "<= 300 ms", 0.3, 0.873, "outside the bound (warning bound <= 250 ms)", -1, -1, NAN,
	 NULL, "GET http://127.0.0.1:8080/", 0.212},
	{"api/up", "scrape", "The exporter answers", NULL, 8, "", OUTCOME_UNDECIDED, NO_VALUE, "",
	 "== 1", 1, NAN, "could not connect to 127.0.0.1:9100: connection refused", -1, -1, NAN,
	 NULL, "GET http://127.0.0.1:9100/metrics", 1},
	{"api/errors", "scrape", "Errors stay rare", NULL, 7, "", OUTCOME_PASS, REAL(0.0031), "%",
	 "<= 1 %", 0.01, 0.31, NULL, 4, -1, NAN, NULL, "GET http://127.0.0.1:8080/metrics", 0.0028},
	{"dist/digests", "digests", "What we ship is what we built", NULL, 10, "", OUTCOME_FAIL,
	 INTEGER(1), "", "== 0", 0, NAN, "outside the bound", 212, -1, NAN,
	 "app.js: SHA-256 differs: 9f3c1ab2 in SHA256SUMS, 4be190c7 on disk", "dist/SHA256SUMS", 0},
	{"dist/size", "file", NULL, NULL, 2, "size", OUTCOME_PASS, INTEGER(1572864), "B",
	 "<= 2 MiB", 2097152, 0.75, NULL, 1, -1, NAN, NULL, NULL, 1500000},
	{"build/version", "command", "The binary says its version", NULL, 4, "", OUTCOME_PASS,
	 TEXT_OF("2.31.0"), "", "matches /^2\\.\\d+\\.\\d+$/", NAN, NAN, NULL, -1, -1, NAN, NULL,
	 "./bin/app --version", NAN},
	{"queue/lag", "scrape", "The work queue keeps up", NULL, 5, "", OUTCOME_SKIP, NO_VALUE, "",
	 "<= 60 s", 60, NAN, "needs api/up, which is undecided", -1, -1, NAN, NULL, NULL, 41},
	{"rollback/releases", "rollback", "Releases can be restored", NULL, 9, "{tag=\"v2.30.4\"}",
	 OUTCOME_PASS, REAL(38), "s", "<= 120 s", 120, 0.317, NULL, 4118, -1, NAN, NULL, NULL, 37},
};

#define FIXTURE_ROWS (sizeof(fixture_rows) / sizeof(fixture_rows[0]))

/* A wobble around v that needs no random source. */
static double fixture_wobble(double v, size_t i)
{
	return v * (1 + 0.08 * sin((double)i * 1.7) + 0.05 * sin((double)i * 0.31));
}

static struct point *fixture_trail(struct arena *a, const struct fixture_row *row, size_t n)
{
	struct point *trail = arena_array(a, n, sizeof(*trail));

	for (size_t i = 0; i < n; i++) {
		bool is_last = i + 1 == n;
		bool is_share = !isnan(row->share);
		double v = fixture_wobble(row->then, i);

		trail[i] = (struct point){
			.run_id = FIXTURE_RUN - (int64_t)(n - 1 - i),
			.measured_ms = FIXTURE_BEGIN_MS - (int64_t)(n - 1 - i) * FIXTURE_DAY_MS,
			.outcome = is_last ? row->outcome : OUTCOME_PASS,
			.share = is_last    ? row->share
				 : is_share ? v
					    : NAN,
			.has_limit = !isnan(row->limit),
			.limit = row->limit,
			.room = row->room,
			.bound = row->bound,
			.unit = row->unit,
			.subject = "v2.31.0",
		};
		if (is_last || isnan(row->then))
			trail[i].value = row->value;
		else if (row->limit == row->then) /* == 200 and the like do not wobble */
			trail[i].value = (struct value)INTEGER((int64_t)row->then);
		else if (row->value.type == VALUE_INT)
			trail[i].value = (struct value)INTEGER((int64_t)(is_share ? v * 99772 : v));
		else
			trail[i].value = (struct value)REAL(v);
	}
	return trail;
}

static struct check_info *fixture_check(struct arena *a, const struct fixture_row *row, size_t i)
{
	struct check_info *c = arena_alloc(a, sizeof(*c));

	*c = (struct check_info){
		.name = row->check,
		.kind = row->kind,
		.title = row->title,
		.why = row->why,
		.owner = i % 2 == 0 ? "platform" : NULL,
		.target = "shop",
		.file = "audits/storefront.yaml",
		.line = 20 + 4 * (int64_t)i,
		.col = 9,
		.severity = row->severity,
		.tags = "nightly release",
	};
	memset(c->hash, (int)i + 1, sizeof(c->hash));
	return c;
}

static void fixture_result(struct arena *a, const struct fixture_row *row, size_t i,
			   struct result *out)
{
	*out = (struct result){
		.check = fixture_check(a, row, i),
		.series = row->series,
		.outcome = row->outcome,
		.value = row->value,
		.unit = row->unit,
		.bound = row->bound,
		.has_limit = !isnan(row->limit),
		.limit = isnan(row->limit) ? 0 : row->limit,
		.room = row->room,
		.reason = row->reason,
		.bound_line = 22 + 4 * (int64_t)i,
		.bound_col = 17,
		.n = row->n,
		.n_total = row->n_total,
		.share = row->share,
		.evidence = row->evidence,
		.query = row->query,
		.measured_ms = FIXTURE_BEGIN_MS + (int64_t)i * 700,
		.duration_us = 1000 * (int64_t)(i + 1) * 37,
		.attempts = 1,
	};
}

/* What the run before measured: everything passed, and one bound was tighter. */
static void fixture_previous(struct arena *a, struct report *r)
{
	struct result *results = arena_array(a, FIXTURE_ROWS, sizeof(*results));

	for (size_t i = 0; i < FIXTURE_ROWS; i++) {
		const struct point *before = &r->trails[i][r->n_trails[i] - 2];

		results[i] = r->results[i];
		results[i].outcome = OUTCOME_PASS;
		results[i].value = before->value;
		results[i].share = before->share;
		results[i].reason = NULL;
		results[i].evidence = NULL;
	}
	results[9].bound = "<= 0.5 %"; /* api/errors: loosened since */
	results[9].limit = 0.005;
	r->previous_results = results;
	r->n_previous_results = FIXTURE_ROWS;
	r->has_previous = true;
	r->previous = r->run;
	r->previous.id = FIXTURE_RUN - 1;
	r->previous.begin_ms -= FIXTURE_DAY_MS;
	r->previous.end_ms -= FIXTURE_DAY_MS;
	r->previous.definition_digest[0] ^= 1;
}

static struct restoration_step fixture_steps_good[] = {
	{"identity", OUTCOME_PASS, 900, NULL, NULL, "signed by <release@example.com>"},
	{"source", OUTCOME_PASS, 400, NULL, NULL, NULL},
	{"closure", OUTCOME_PASS, 21000000, NULL, NULL, NULL},
	{"materialise", OUTCOME_PASS, 15000000, NULL, NULL, NULL},
	{"compare", OUTCOME_PASS, 2000000, NULL, NULL, NULL},
};

static struct restoration_step fixture_steps_bad[] = {
	{"identity", OUTCOME_FAIL, 700,
	 "v2.30.0 was 7711a90c when first seen and is 0c771be4 now: the tag was moved",
	 "git tag -f v2.30.0 7711a90c", NULL},
};

static struct restoration fixture_restorations[] = {
	{"releases", "v2.30.4", "51d0aa937c1e54f0b2d8f8a9f3f1e7a0c4d2b6e8", "aa", OUTCOME_PASS,
	 FIXTURE_BEGIN_MS, 4118, 3902, 18874368, 38000000, fixture_steps_good, 5, NULL, 0, NULL},
	{"releases", "v2.30.0", "0c771be4d0e1a2b3c4d5e6f708192a3b4c5d6e7f", "bb", OUTCOME_FAIL,
	 FIXTURE_BEGIN_MS, -1, -1, -1, -1, fixture_steps_bad, 1, NULL, 0, NULL},
};

static struct decision_line fixture_lines[] = {
	{.check = "tasks/missing",
	 .series = "{column=\"owner\"}",
	 .outcome = OUTCOME_FAIL,
	 .is_hard = true,
	 .text = "1.30 %, bound <= 0.1 %",
	 .file = "audits/storefront.yaml",
	 .line = 34,
	 .col = 17,
	 .run_id = FIXTURE_RUN,
	 .measured_ms = FIXTURE_BEGIN_MS},
	{.check = "api/up",
	 .series = "",
	 .outcome = OUTCOME_UNDECIDED,
	 .is_hard = true,
	 .text = "measured 3 h ago, limit 30 min",
	 .remedy = "assize run api/up --subject v2.31.0",
	 .file = "audits/storefront.yaml",
	 .line = 54,
	 .col = 17,
	 .run_id = FIXTURE_RUN - 1,
	 .measured_ms = FIXTURE_BEGIN_MS - 10800000},
	{.check = "api/home",
	 .series = "total",
	 .outcome = OUTCOME_WARN,
	 .text = "262 ms, warned at 250 ms",
	 .run_id = FIXTURE_RUN,
	 .measured_ms = FIXTURE_BEGIN_MS},
	{.check = "tasks/fresh",
	 .series = "",
	 .outcome = OUTCOME_PASS,
	 .is_hard = true,
	 .text = "4.1 min, bound < 1 h",
	 .run_id = FIXTURE_RUN,
	 .measured_ms = FIXTURE_BEGIN_MS},
};

static void fixture_run(struct report *r)
{
	r->run = (struct run_info){
		.id = FIXTURE_RUN,
		.begin_ms = FIXTURE_BEGIN_MS,
		.end_ms = FIXTURE_BEGIN_MS + 14200,
		.state = RUN_COMPLETE,
		.outcome = OUTCOME_FAIL,
		.subject = "v2.31.0",
		.selection = "",
		.command = "run",
		.definition_file = "storefront.yaml",
		.commit = "9f3c1ab2d4e5f60718293a4b5c6d7e8f90a1b2c3",
		.host = "audit-01",
		.user = "svc-assize",
		.version = "0.1.0",
		.job_url = "",
		.boot_id = "",
		.n_planned = 12,
		.exit_status = 1,
	};
	memcpy(r->run.definition_digest, "\x4b\xe1\x90\xc7\x11\x22", 6);
}

/* The whole of it, without a decision: 12 checks, 15 series. */
static void fixture_report(struct arena *a, struct report *r)
{
	*r = (struct report){0};
	fixture_run(r);
	r->n_results = FIXTURE_ROWS;
	r->results = arena_array(a, FIXTURE_ROWS, sizeof(*r->results));
	r->trails = arena_array(a, FIXTURE_ROWS, sizeof(*r->trails));
	r->n_trails = arena_array(a, FIXTURE_ROWS, sizeof(*r->n_trails));
	for (size_t i = 0; i < FIXTURE_ROWS; i++) {
		fixture_result(a, &fixture_rows[i], i, &r->results[i]);
		r->trails[i] = fixture_trail(a, &fixture_rows[i], FIXTURE_TRAIL);
		r->n_trails[i] = FIXTURE_TRAIL;
	}
	fixture_previous(a, r);
	r->restorations = fixture_restorations;
	r->n_restorations = 2;
	r->record_path = ".assize/record.db";
}

static inline void fixture_add_decision(struct arena *a, struct report *r, bool is_open)
{
	struct decision *d = arena_alloc(a, sizeof(*d));

	*d = (struct decision){
		.id = 5,
		.gate = "release",
		.subject = "v2.31.0",
		.at_ms = FIXTURE_BEGIN_MS + 15000,
		.run_id = FIXTURE_RUN,
		.is_open = is_open,
		.outcome = is_open ? OUTCOME_PASS : OUTCOME_FAIL,
		.lines = is_open ? &fixture_lines[3] : fixture_lines,
		.n_lines = is_open ? 1 : 4,
		.oldest_ms = FIXTURE_BEGIN_MS - 345000,
	};
	r->decisions = d;
	r->n_decisions = 1;
}

#define FIXTURE_SAMPLED	    7 /* api/home:total, 262 ms */
#define FIXTURE_REPETITIONS 30
#define FIXTURE_RUNS_BEFORE 30

/*
 * result i was measured in 30 repetitions, around its value and one far out, and in 30 runs before.
 */
static inline void fixture_add_samples(struct arena *a, struct report *r, size_t i)
{
	struct result *s = &r->results[i];
	double centre = s->value.type == VALUE_INT ? (double)s->value.integer : s->value.real;

	r->before = arena_array(a, r->n_results, sizeof(*r->before));
	r->before[i].runs = arena_array(a, FIXTURE_RUNS_BEFORE, sizeof(*r->before[i].runs));
	r->before[i].n = FIXTURE_RUNS_BEFORE;
	for (size_t k = 0; k <= FIXTURE_RUNS_BEFORE; k++) {
		double *values = arena_array(a, FIXTURE_REPETITIONS, sizeof(*values));

		for (size_t n = 0; n < FIXTURE_REPETITIONS; n++)
			values[n] = centre * (0.9 + 0.006 * (double)((n * 7 + k * 11) % 31));
		if (k < FIXTURE_RUNS_BEFORE) {
			r->before[i].runs[k] = (struct sample_run){.run_id = (int64_t)k + 1,
								   .outcome = OUTCOME_PASS,
								   .values = values,
								   .n = FIXTURE_REPETITIONS};
			continue;
		}
		values[7] = centre * 9;
		s->samples = values;
		s->n_samples = FIXTURE_REPETITIONS;
	}
}

/* Only what passes is left: seven checks. */
static inline void fixture_keep_passing(struct report *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n_results; i++) {
		if (r->results[i].outcome != OUTCOME_PASS ||
		    strcmp(r->results[i].check->name, "tasks/missing") == 0 ||
		    strcmp(r->results[i].check->name, "api/home") == 0)
			continue;
		r->results[kept] = r->results[i];
		r->trails[kept] = r->trails[i];
		r->n_trails[kept] = r->n_trails[i];
		kept++;
	}
	r->n_results = kept;
	r->run.n_planned = (int64_t)kept;
	r->run.outcome = OUTCOME_PASS;
	r->run.exit_status = 0;
	r->has_previous = false;
	r->previous_results = NULL;
	r->n_previous_results = 0;
	r->n_restorations = 1;
}

static const struct waived fixture_waiver = {"W-12",
					     "platform",
					     "The column is filled by tonight's migration",
					     "OPS-417",
					     FIXTURE_BEGIN_MS - FIXTURE_DAY_MS,
					     FIXTURE_BEGIN_MS + FIXTURE_DAY_MS};

/* One series fails, all others pass, and the gate is open because that one is waived. */
static inline void fixture_add_waived(struct arena *a, struct report *r)
{
	struct decision_line *line = arena_alloc(a, sizeof(*line));

	r->results[0].outcome = OUTCOME_FAIL;
	r->results[0].reason = "outside the bound";
	r->results[0].value = (struct value)INTEGER(1);
	r->run.outcome = OUTCOME_FAIL;
	r->run.exit_status = 1;
	fixture_add_decision(a, r, true);
	*line = (struct decision_line){.check = r->results[0].check->name,
				       .series = r->results[0].series,
				       .outcome = OUTCOME_FAIL,
				       .is_hard = true,
				       .text = "1, bound == 0",
				       .run_id = r->run.id,
				       .measured_ms = FIXTURE_BEGIN_MS,
				       .waived = &fixture_waiver};
	r->decisions[0].outcome = OUTCOME_WARN;
	r->decisions[0].lines = line;
	r->decisions[0].n_lines = 1;
}

static const struct override fixture_override = {.id = 3,
						 .gate = "release",
						 .subject = "v2.31.0",
						 .actor = "jane",
						 .reason = "the outage is worse",
						 .at_ms = FIXTURE_BEGIN_MS,
						 .until_ms = FIXTURE_BEGIN_MS + FIXTURE_DAY_MS,
						 .host = "audit-01",
						 .user = "svc-assize"};

/* All pass, the gate is shut by what was measured elsewhere, and somebody opened it all the same.
 */
static inline void fixture_add_overridden(struct arena *a, struct report *r)
{
	fixture_add_decision(a, r, false);
	r->decisions[0].is_open = true;
	r->decisions[0].override = &fixture_override;
}

/* Nothing but results of one outcome, skipped or undecided, is left; there is one of each. */
static inline void fixture_keep_one(struct report *r, enum outcome outcome)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n_results; i++) {
		if (r->results[i].outcome != outcome)
			continue;
		r->results[kept] = r->results[i];
		r->trails[kept] = r->trails[i];
		r->n_trails[kept++] = r->n_trails[i];
	}
	r->n_results = kept;
	r->n_restorations = 0;
	r->run.n_planned = (int64_t)kept;
	r->run.outcome = OUTCOME_UNDECIDED;
	r->run.exit_status = 2;
	r->has_previous = false;
}

/* Every text of the fixture that may come from outside becomes hostile. */
static inline void fixture_make_hostile(struct arena *a, struct report *r)
{
	for (size_t i = 0; i < r->n_results; i++) {
		struct result *s = &r->results[i];
		struct check_info *c = arena_alloc(a, sizeof(*c));

		*c = *s->check;
		c->name = arena_printf(a, "%s%s", s->check->name, HOSTILE_TEXT);
		c->title = c->why = c->owner = c->target = c->file = c->tags = HOSTILE_TEXT;
		s->check = c;
		s->series = s->series[0] != '\0' ? arena_printf(a, "%s%s", s->series, HOSTILE_TEXT)
						 : "";
		s->unit = HOSTILE_TEXT;
		s->bound = HOSTILE_TEXT;
		s->query = s->evidence = HOSTILE_TEXT;
		if (s->reason != NULL)
			s->reason = HOSTILE_TEXT;
		if (s->value.type == VALUE_TEXT)
			s->value.text = HOSTILE_TEXT;
	}
	for (size_t i = 0; i < r->n_decisions; i++) {
		struct decision_line *lines =
			arena_array(a, r->decisions[i].n_lines, sizeof(*lines));

		for (size_t k = 0; k < r->decisions[i].n_lines; k++) {
			lines[k] = r->decisions[i].lines[k];
			lines[k].check = arena_printf(a, "%s%s", lines[k].check, HOSTILE_TEXT);
			lines[k].series = lines[k].text = HOSTILE_TEXT;
			lines[k].remedy = lines[k].file = HOSTILE_TEXT;
		}
		r->decisions[i].lines = lines;
		r->decisions[i].gate = r->decisions[i].subject = HOSTILE_TEXT;
	}
	r->run.subject = r->run.selection = r->run.definition_file = HOSTILE_TEXT;
	r->run.host = r->run.user = r->run.version = r->run.job_url = HOSTILE_TEXT;
	r->run.commit = HOSTILE_TEXT;
	r->record_path = HOSTILE_TEXT;
}

/* n checks that all share one trail of n_points: the largest page. */
static inline void fixture_many(struct arena *a, struct report *r, size_t n, size_t n_points)
{
	const struct fixture_row *row = &fixture_rows[5];
	struct point *trail = fixture_trail(a, row, n_points);

	*r = (struct report){0};
	fixture_run(r);
	r->run.n_planned = (int64_t)n;
	r->run.outcome = OUTCOME_PASS;
	r->run.exit_status = 0;
	r->n_results = n;
	r->results = arena_array(a, n, sizeof(*r->results));
	r->trails = arena_array(a, n, sizeof(*r->trails));
	r->n_trails = arena_array(a, n, sizeof(*r->n_trails));
	for (size_t i = 0; i < n; i++) {
		struct check_info *c;

		fixture_result(a, row, i, &r->results[i]);
		c = fixture_check(a, row, i);
		c->name = arena_printf(a, "audit%zu/check%zu", i / 50, i);
		r->results[i].check = c;
		r->trails[i] = trail;
		r->n_trails[i] = n_points;
	}
}

#endif
