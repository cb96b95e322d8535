/*
 * assize history: runs, one check's values through time, rates (rates.h), what others recorded
 * (recorded.h), or challenges (challenges_show.h).
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reports/spark.h"
#include "reports/terminal.h"
#include "reports/text.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/utc.h"
#include "runner/challenges_show.h"
#include "runner/history/record.h"
#include "runner/io/json.h"
#include "runner/names.h"
#include "runner/options.h"
#include "runner/rates.h"
#include "runner/recorded.h"
#include "runner/show.h"

static int run_history(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"file",	    "record", "since", "rates", "recorded",
				      "challenges", "limit",  "json",  NULL};

const struct command command_history = {
	.name = "history",
	.group = "ask the record",
	.words = "[AUDIT/CHECK [SERIES]]",
	.summary = "list runs, one check's values through time, how often results passed, what was "
		   "recorded, or challenges",
	.accepts = accepts,
	.run = run_history,
};

#define DEFAULT_RUNS   20
#define DEFAULT_POINTS 100
#define MAX_TABLES     8

struct history_command {
	struct app *app;
	struct options o;
	struct record *record;
	int64_t since_ms;
};

static const char *time_text(struct arena *a, int64_t ms)
{
	char text[UTC_MAX];

	if (ms < 0)
		return "";
	(void)utc_format(ms, 0, text); /* its length */
	return arena_strdup(a, text);
}

static const char *run_state_text(const struct run_info *run)
{
	switch (run->state) {
	case RUN_COMPLETE:
		return outcome_name(run->outcome);
	case RUN_INTERRUPTED:
		return "interrupted";
	case RUN_INCOMPLETE:
		return "incomplete";
	}
	return "incomplete";
}

static void runs_json(const struct run_info *runs, size_t n, struct json_writer *w)
{
	json_open(w, "runs", '[');
	for (size_t i = 0; i < n; i++) {
		const struct run_info *r = &runs[i];

		json_open(w, NULL, '{');
		json_put_int(w, "id", r->id);
		json_put_int(w, "begin_ms", r->begin_ms);
		if (r->end_ms >= 0)
			json_put_int(w, "end_ms", r->end_ms);
		else
			json_put_null(w, "end_ms");
		json_put_text(w, "state", run_state_text(r));
		json_put_text(w, "outcome", outcome_name(r->outcome));
		json_put_text(w, "command", r->command);
		json_put_text(w, "selection", r->selection);
		json_put_text(w, "subject", r->subject);
		json_put_int(w, "planned", r->n_planned);
		if (r->shard.index != 0) {
			json_open(w, "shard", '{');
			json_put_int(w, "index", r->shard.index);
			json_put_int(w, "of", r->shard.total);
			json_close(w, '}');
		}
		json_close(w, '}');
	}
	json_close(w, ']');
}

/* "run tag:fast, shard 2/4" */
static const char *command_text(struct arena *a, const struct run_info *r)
{
	const char *text = r->command;

	if (r->selection[0] != '\0')
		text = arena_printf(a, "%s %s", text, r->selection);
	if (r->shard.index != 0)
		text = arena_printf(a, "%s, shard %lld/%lld", text, (long long)r->shard.index,
				    (long long)r->shard.total);
	return text;
}

/* Counted at the end of a run: one without an end has not none, nobody knows. */
static const char *count_text(struct arena *a, const struct run_info *r, int64_t n)
{
	return r->state == RUN_INCOMPLETE ? "" : arena_printf(a, "%lld", (long long)n);
}

static void runs_table(struct app *app, const struct run_info *runs, size_t n)
{
	static const char *const headers[] = {"run",  "begun",	"outcome", "pass",    "warn",
					      "fail", "undec.", "skip",	   "command", "subject"};
	struct arena *a = app->arena;
	struct table t;

	table_init(&t, a, headers, 10, "rllrrrrrll");
	for (size_t i = 0; i < n; i++) {
		const struct run_info *r = &runs[i];

		table_row(&t, arena_printf(a, "%lld", (long long)r->id), time_text(a, r->begin_ms),
			  run_state_text(r), count_text(a, r, r->n_pass),
			  count_text(a, r, r->n_warn), count_text(a, r, r->n_fail),
			  count_text(a, r, r->n_undecided), count_text(a, r, r->n_skip),
			  command_text(a, r), r->subject);
	}
	table_print(&t, app->out);
}

static void print_json(struct app *app, const struct buf *b)
{
	(void)fwrite(b->data, 1, b->len, app->out); /* main looks at the stream */
}

static int show_runs(struct history_command *h, struct err *e)
{
	struct run_info *runs;
	size_t n, kept = 0;
	size_t limit = h->o.limit > 0 ? (size_t)h->o.limit : DEFAULT_RUNS;

	if (record_runs(h->record, h->app->arena, 0, limit, &runs, &n, e) != 0)
		return -1;
	while (kept < n && runs[kept].begin_ms >= h->since_ms)
		kept++;
	if (h->o.is_json) {
		struct json_writer w;
		struct buf b;

		buf_init(&b, BUF_UNBOUNDED);
		json_writer_init(&w, &b, true);
		json_open(&w, NULL, '{');
		json_put_text(&w, "assize", "runs/1");
		runs_json(runs, kept, &w);
		json_close(&w, '}');
		print_json(h->app, &b);
		buf_release(&b);
	} else {
		runs_table(h->app, runs, kept);
	}
	return 0;
}

static const char *value_text(struct arena *a, const struct point *p, const char *unit)
{
	struct buf b;
	const char *text;

	buf_init(&b, BUF_UNBOUNDED);
	value_format(&b, &p->value, unit);
	if (!isnan(p->share)) {
		(void)buf_puts(&b, " ("); /* unbounded: cannot fail */
		value_format(&b, &(struct value){.type = VALUE_REAL, .real = p->share}, "%");
		(void)buf_puts(&b, ")");
	}
	text = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return text;
}

static void points_table(struct history_command *h, const struct point *points, size_t n)
{
	static const char *const headers[] = {"measured",  "outcome", "value",	"bound",
					      "room used", "run",     "subject"};
	struct arena *a = h->app->arena;
	struct table t;

	table_init(&t, a, headers, 7, "llrlrrl");
	for (size_t i = 0; i < n; i++) {
		const struct point *p = &points[i];

		table_row(&t, time_text(a, p->measured_ms), result_state(p->outcome, p->bound),
			  value_text(a, p, p->unit), p->bound,
			  isnan(p->room) ? "" : show_room(a, p->room),
			  arena_printf(a, "%lld", (long long)p->run_id), p->subject);
	}
	table_print(&t, h->app->out);
}

static void put_point(struct json_writer *w, const struct point *p)
{
	json_open(w, NULL, '{');
	json_put_int(w, "run", p->run_id);
	json_put_int(w, "measured_ms", p->measured_ms);
	json_put_text(w, "outcome", outcome_name(p->outcome));
	if (p->value.type == VALUE_INT)
		json_put_int(w, "value", p->value.integer);
	else if (p->value.type == VALUE_REAL)
		json_put_real(w, "value", p->value.real);
	else
		json_put_text(w, "value", p->value.type == VALUE_TEXT ? p->value.text : NULL);
	json_put_text(w, "bound", p->bound);
	json_close(w, '}');
}

static int unknown_check(struct history_command *h, const char *check, struct err *e)
{
	struct check_state *states;
	const char **names;
	struct err ignored = {0};
	size_t n;

	(void)err_set(e, ERR_USAGE, "the record holds nothing about check \"%s\"", check);
	if (record_check_states(h->record, h->app->arena, &states, &n, &ignored) != 0)
		return -1; /* what was asked is answered */
	names = arena_array(h->app->arena, n, sizeof(*names));
	for (size_t i = 0; i < n; i++)
		names[i] = states[i].name;
	return names_help("checks", names, n, check, e);
}

/*
 * Without a series: the check's series as its newest run has them. One that could not be measured
 * at all has none: those of the run before count, and this failure is in the past of each.
 */
static int choose_series(struct history_command *h, const char *check, const char ***out, size_t *n,
			 struct err *e)
{
	struct evidence *evidence;
	const char **series;
	int64_t run_id = 0;

	if (h->o.n_words > 1) {
		series = arena_array(h->app->arena, 1, sizeof(*series));
		series[0] = h->o.words[1];
		*out = series;
		*n = 1;
		return 0;
	}
	if (record_evidence(h->record, h->app->arena, check, NULL, &evidence, n, e) != 0)
		return -1;
	if (*n == 0)
		return unknown_check(h, check, e);
	if (*n == 1 && evidence[0].result.series[0] == '\0' &&
	    (record_run_with_series(h->record, check, &run_id, e) != 0 ||
	     (run_id != 0 &&
	      record_run_evidence(h->record, h->app->arena, check, run_id, &evidence, n, e) != 0)))
		return -1;
	series = arena_array(h->app->arena, *n, sizeof(*series));
	for (size_t i = 0; i < *n; i++)
		series[i] = evidence[i].result.series;
	*out = series;
	return 0;
}

static void print_heading(struct history_command *h, bool is_next, const char *check,
			  const char *series)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* two names */
	text_series(&b, check, series);
	(void)fprintf(h->app->out, "%s%s\n", is_next ? "\n" : "", b.data);
	buf_release(&b);
}

static int read_points(struct history_command *h, const char *check, const char *series,
		       struct point **points, size_t *n, struct err *e)
{
	size_t limit = h->o.limit > 0 ? (size_t)h->o.limit : DEFAULT_POINTS;

	if (record_series(h->record, h->app->arena, check, series, h->since_ms, limit, points, n,
			  e) != 0)
		return -1;
	if (*n == 0 && h->o.n_words > 1)
		return err_set(e, ERR_USAGE, "the record holds no series %s of \"%s\"", series,
			       check);
	return 0;
}

/* One document, however many there are. */
static int series_json(struct history_command *h, const char *check, const char *const *series,
		       size_t n_series, struct json_writer *w, struct err *e)
{
	json_open(w, NULL, '{');
	json_put_text(w, "assize", "series/2");
	json_put_text(w, "check", check);
	json_open(w, "series", '[');
	for (size_t i = 0; i < n_series; i++) {
		struct point *points;
		size_t n;

		if (read_points(h, check, series[i], &points, &n, e) != 0)
			return -1;
		json_open(w, NULL, '{');
		json_put_text(w, "series", series[i]);
		json_open(w, "points", '[');
		for (size_t k = 0; k < n; k++)
			put_point(w, &points[k]);
		json_close(w, ']');
		json_close(w, '}');
	}
	json_close(w, ']');
	json_close(w, '}');
	return 0;
}

static int series_tables(struct history_command *h, const char *check, const char *const *series,
			 size_t n_series, struct err *e)
{
	for (size_t i = 0; i < n_series && i < MAX_TABLES; i++) {
		struct point *points;
		size_t n;

		if (read_points(h, check, series[i], &points, &n, e) != 0)
			return -1;
		print_heading(h, i > 0, check, series[i]);
		points_table(h, points, n);
	}
	if (n_series > MAX_TABLES)
		(void)fprintf(h->app->out,
			      "\nand %zu more series: name one behind the check, or take --json\n",
			      n_series - MAX_TABLES);
	return 0;
}

static int show_series(struct history_command *h, struct err *e)
{
	const char *check = h->o.words[0];
	const char **series = NULL;
	struct json_writer w;
	struct buf b;
	size_t n = 0;
	int rc;

	if (choose_series(h, check, &series, &n, e) != 0)
		return -1;
	if (!h->o.is_json)
		return series_tables(h, check, series, n, e);
	buf_init(&b, BUF_UNBOUNDED);
	json_writer_init(&w, &b, true);
	rc = series_json(h, check, series, n, &w, e);
	if (rc == 0)
		print_json(h->app, &b);
	buf_release(&b);
	return rc;
}

static int read_since(struct history_command *h, struct err *e)
{
	int64_t ms;

	if (h->o.since == NULL)
		return 0;
	if (num_parse_duration_ms(h->o.since, strlen(h->o.since), &ms) != 0)
		return err_set(e, ERR_USAGE, "cannot read --since %s: write e.g. 30d or 12h",
			       h->o.since);
	h->since_ms = clock_wall_ms(&h->app->clock) - ms;
	if (h->since_ms < 0) /* longer ago than anything */
		h->since_ms = 0;
	return 0;
}

static int run_history(struct app *app, const struct command *self, int argc, char **argv)
{
	struct history_command h = {.app = app};
	struct err e = {0};
	int status;

	if (!app_begin(app, self, argc, argv, &h.o, &status))
		return status;
	if (h.o.n_words > 2)
		(void)err_set(&e, ERR_USAGE, "assize history takes a check and a series");
	if (h.o.is_rates && h.o.is_recorded)
		(void)err_set(&e, ERR_USAGE, "--rates are of checks, --recorded is of no check");
	if (h.o.is_challenges && (h.o.is_rates || h.o.is_recorded))
		(void)err_set(&e, ERR_USAGE, "--challenges are no results: take one of them alone");
	if (h.o.is_challenges && h.o.n_words > 1)
		(void)err_set(&e, ERR_USAGE, "--challenges are of a whole check, not of a series");
	if (e.class != ERR_NONE || read_since(&h, &e) != 0)
		return app_fail(app, &e);
	if (app_open_record(app, &h.o, &h.record, &status) != 0)
		return status;
	if (h.o.is_recorded)
		status = recorded_show(app, h.record, &h.o, h.since_ms, &e);
	else if (h.o.is_challenges)
		status = challenges_show(app, h.record, &h.o, h.since_ms, &e);
	else if (h.o.is_rates)
		status = rates_show(app, h.record, &h.o, h.since_ms, &e);
	else
		status = h.o.n_words == 0 ? show_runs(&h, &e) : show_series(&h, &e);
	record_close(h.record);
	return status != 0 ? app_fail(app, &e) : EXIT_PASS;
}
