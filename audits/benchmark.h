/*
 * benchmark: what the files of that kind share; private to audits/benchmark*.c.
 *
 * benchmark.c has the rows and what is said of a benchmark without running it, benchmark_check.c
 * finds what is wrong with one, benchmark_once.c does the thing once, benchmark_run.c does it often
 * enough and tells what came of it.
 */
#ifndef ASSIZE_AUDITS_BENCHMARK_H
#define ASSIZE_AUDITS_BENCHMARK_H

#include <stdbool.h>
#include <stdint.h>

#include "audits/command.h"
#include "runner/base/pairs.h"

struct arena;
struct buf;
struct check;
struct db;
struct err;
struct http_session;
struct probe;

enum benchmark_connection { BENCHMARK_KEPT, BENCHMARK_FRESH };

struct benchmark_request {
	const char *path, *body;
	int method;
	struct pairs headers;
	int64_t status;
	int connection; /* enum benchmark_connection */
};

struct benchmark_spec {
	struct command_spec program; /* run, cwd, env, max_output; the rest is not looked at */
	struct texts against;
	const char *sql;
	struct benchmark_request http;
	int64_t n, warm_up, min_samples;
	const char *effect_text;
	double effect;		 /* in effect_unit, read by benchmark.c */
	const char *effect_unit; /* base unit: %, s or B */
	int64_t runs, seed;
	double level;
	bool is_any_host;
};

enum benchmark_subject { BENCHMARK_COMMAND, BENCHMARK_SQL, BENCHMARK_HTTP };

/* The first of the three that the check has; a check with another number of them is refused. */
enum benchmark_subject benchmark_subject(const struct check *c);
/* "GET http://host/path", "SELECT ...", "bin/app --fast" */
const char *benchmark_line(struct arena *a, const struct check *c);
const char *benchmark_control_line(struct arena *a, const struct check *c);

#define BENCHMARK_MAX_RUNS	  1000
#define BENCHMARK_MAX_REPETITIONS 1000

/* ---- benchmark_check.c ---- */

void benchmark_check(struct keys_context *ctx, struct check *c);
void benchmark_check_bounds(struct keys_context *ctx, const struct check *c);

/* ---- benchmark_once.c ---- */

/* What stays open from one repetition to the next. */
struct benchmark_world {
	struct probe *probe;
	const struct check *check;
	struct db *db;
	struct http_session *session;
};

/* One repetition. What a subject does not have is 0. */
struct benchmark_once {
	double time_s, cpu_s, peak_bytes;
	int64_t n_rows;
};

int benchmark_open(struct benchmark_world *w, struct err *e);
void benchmark_close(struct benchmark_world *w);
/* -1: it failed, which is no repetition that could be left out. is_control: of `against`. */
int benchmark_do(struct benchmark_world *w, bool is_control, struct benchmark_once *out,
		 struct err *e);

/* ---- benchmark_run.c ---- */

int benchmark_probe(struct probe *p, struct err *e);

#endif
