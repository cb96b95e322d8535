/*
 * benchmark: one repetition. Only what ended as it should has a time: a program that failed, an
 * answer with another status and a body that may be torn were quick for the wrong reason.
 */
#include <string.h>

#include "audits/benchmark.h"
#include "audits/database.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/base/utf8.h"
#include "runner/io/clock.h"
#include "runner/io/db.h"
#include "runner/io/http.h"
#include "runner/io/http_fetch.h"
#include "runner/io/proc.h"
#include "runner/model/kind.h"

#define MAX_BODY_BYTES (INT64_C(256) << 20)
#define MAX_SAID_BYTES 160

/* ---- command ---- */

/* The first line of its last words, for the message. */
static void help_said(struct benchmark_world *w, const struct proc_result *r, struct err *e)
{
	const struct command_view view = {.probe = w->probe, .result = r};
	const char *words = command_last_words(&view);
	size_t n = words != NULL ? strcspn(words, "\n") : 0;

	if (n > 0)
		(void)err_help(e, "it said: %.*s", (int)utf8_fit(words, n, MAX_SAID_BYTES), words);
}

static int judge_end(struct benchmark_world *w, const char *name, const struct proc_result *r,
		     struct err *e)
{
	if (r->signal != 0)
		(void)err_set(e, ERR_MEASURE, "\"%s\" was killed by signal %d (%s)", name,
			      r->signal, command_signal_name(r->signal));
	else if (r->exit_status != 0)
		(void)err_set(e, ERR_MEASURE, "\"%s\" exited with status %d", name, r->exit_status);
	else
		return 0;
	help_said(w, r, e);
	return -1;
}

/* What it writes is read, for it has to write it, and forgotten with the arena. */
static int do_command(struct benchmark_world *w, bool is_control, struct arena *a,
		      struct benchmark_once *out, struct err *e)
{
	const struct benchmark_spec *spec = w->check->spec;
	const struct texts *run = is_control ? &spec->against : &spec->program.run;
	const char *root = w->probe->world->definition->root_dir;
	const struct proc_request request = {
		.argv = command_argv(a, run),
		.env = command_env(a, &spec->program),
		.cwd = spec->program.cwd != NULL ? spec->program.cwd : root,
		.deadline_ms = w->probe->deadline_ms,
		.limit_ms = w->check->timeout_ms,
		.max_output_bytes = (size_t)spec->program.max_output,
	};
	struct proc_result r;

	if (proc_run(a, w->probe->world->clock, &request, &r, e) < 0 ||
	    judge_end(w, run->items[0], &r, e) != 0)
		return -1;
	*out = (struct benchmark_once){
		.time_s = (double)r.duration_us / 1e6,
		.cpu_s = (double)r.cpu_us / 1e6,
		.peak_bytes = (double)r.peak_bytes,
	};
	return 0;
}

/* ---- sql ---- */

static int count_row(void *ctx, const struct db_row *row, struct err *e)
{
	int64_t *n = ctx;

	(void)row; /* it was read: that is what is timed */
	(void)e;
	(*n)++;
	return 0;
}

static int do_sql(struct benchmark_world *w, struct benchmark_once *out, struct err *e)
{
	const struct benchmark_spec *spec = w->check->spec;
	const struct clock *clock = w->probe->world->clock;
	int64_t start_us = clock_monotonic_us(clock), n = 0;

	if (db_query(w->db, spec->sql, NULL, 0, w->probe->deadline_ms, count_row, &n, e) != 0)
		return database_explain(w->probe, w->db, NULL, e);
	*out = (struct benchmark_once){
		.time_s = (double)(clock_monotonic_us(clock) - start_us) / 1e6,
		.n_rows = n,
	};
	return 0;
}

/* ---- http ---- */

static int do_http(struct benchmark_world *w, struct arena *a, struct benchmark_once *out,
		   struct err *e)
{
	const struct benchmark_spec *spec = w->check->spec;
	const struct target *target = w->check->target;
	const struct http_request request = {
		.method = http_methods[spec->http.method],
		.url = http_join(a, target->location, spec->http.path),
		.headers = &target->headers,
		.extra_headers = &spec->http.headers,
		.body = spec->http.body,
		.ca_file = target->ca_file,
		.route = &target->route,
		.is_fresh = spec->http.connection == BENCHMARK_FRESH,
		.deadline_ms = w->probe->deadline_ms,
		.max_body_bytes = MAX_BODY_BYTES,
		.max_connections = (long)target->max_connections,
	};
	struct http_response res;

	if (request.url == NULL)
		return err_set(e, ERR_MEASURE, "\"%s\" is not on the host of target \"%s\"",
			       spec->http.path, target->name);
	if (http_fetch(w->session, &request, NULL, &res, e) != 0)
		return -1;
	if (res.status != spec->http.status)
		return err_set(e, ERR_MEASURE, "the status is %ld, not %ld", res.status,
			       (long)spec->http.status);
	if (!res.is_length_known && res.n_body_bytes > 0)
		return err_set(e, ERR_MEASURE,
			       "nothing marked the end of the body, so it may be torn");
	*out = (struct benchmark_once){.time_s = res.total_s};
	return 0;
}

/* ---- all of them ---- */

int benchmark_open(struct benchmark_world *w, struct err *e)
{
	const struct probe_world *world = w->probe->world;
	const struct http_session_options options = {
		.clock = world->clock,
		.turns = world->turns,
		.is_cancelled = &world->is_interrupted,
	};

	switch (benchmark_subject(w->check)) {
	case BENCHMARK_COMMAND:
		return 0;
	case BENCHMARK_SQL:
		return database_acquire(w->probe, &w->db, e);
	case BENCHMARK_HTTP:
		w->session = http_session_new(&options);
		return 0;
	}
	return 0;
}

void benchmark_close(struct benchmark_world *w)
{
	if (w->db != NULL)
		database_release(w->probe, w->db);
	http_session_free(w->session);
}

int benchmark_do(struct benchmark_world *w, bool is_control, struct benchmark_once *out,
		 struct err *e)
{
	struct arena *a = arena_new();
	int rc = -1;

	switch (benchmark_subject(w->check)) {
	case BENCHMARK_COMMAND:
		rc = do_command(w, is_control, a, out, e);
		break;
	case BENCHMARK_SQL:
		rc = do_sql(w, out, e);
		break;
	case BENCHMARK_HTTP:
		rc = do_http(w, a, out, e);
		break;
	}
	arena_free(a);
	return rc;
}
