/*
 * assize explain: everything the record knows about one verdict, so that a person can check it
 * without trusting this program: what was asked, what came back, which line of the definition
 * judged it.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "audits/kinds.h"
#include "reports/report.h"
#include "reports/svg_distribution.h"
#include "reports/view.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"
#include "runner/history/record.h"
#include "runner/io/digest.h"
#include "runner/model/kind.h"
#include "runner/model/unit.h"
#include "runner/names.h"
#include "runner/options.h"
#include "runner/show.h"
#include "runner/stats/summary.h"

static int run_explain(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"file", "record", NULL};

const struct command command_explain = {
	.name = "explain",
	.group = "ask the record",
	.words = "RUN|latest AUDIT/CHECK",
	.summary =
		"why a check came to its verdict: value, bound, query, evidence, definition line",
	.accepts = accepts,
	.run = run_explain,
};

static void field(FILE *out, const char *name, const char *text)
{
	struct buf b;

	if (text == NULL || text[0] == '\0')
		return;
	buf_init(&b, BUF_UNBOUNDED);
	str_escape(&b, text, strlen(text));
	(void)fprintf(out, "  %-11s %s\n", name, b.data);
	buf_release(&b);
}

/* Text of several lines: the name once, every line escaped by itself. */
static void lines(FILE *out, const char *name, const char *text)
{
	while (text != NULL && *text != '\0') {
		size_t n = strcspn(text, "\n");
		struct buf b;

		buf_init(&b, BUF_UNBOUNDED);
		str_escape(&b, text, n);
		(void)fprintf(out, "  %-11s %s\n", name, b.data);
		buf_release(&b);
		name = "";
		text += n + (text[n] == '\n');
	}
}

static const char *measured(struct arena *a, const struct result *r)
{
	struct buf b;
	const char *text;

	buf_init(&b, BUF_UNBOUNDED);
	/* unbounded: cannot fail */
	if (r->value.type == VALUE_TEXT)
		(void)buf_puts(&b, r->value.text); /* here the whole of it */
	else if (result_is_share(r))
		value_format(&b, &r->value, r->unit);
	else
		result_format(&b, r);
	if (!isnan(r->share)) {
		(void)buf_puts(&b, ", ");
		unit_format(&b, r->share, "%");
	}
	if (r->n_total >= 0)
		(void)buf_printf(&b, " of %" PRId64, r->n_total);
	else if (r->n >= 0)
		(void)buf_printf(&b, ", n = %" PRId64, r->n);
	text = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return text;
}

static const char *duration(struct arena *a, int64_t us)
{
	struct buf b;
	const char *text;

	buf_init(&b, BUF_UNBOUNDED);
	unit_format(&b, (double)us / 1e6, "s");
	text = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return text;
}

/* Can `plan --curl` print it? */
static bool asks_over_http(const char *kind)
{
	const struct audit_kind *k = audit_kind_find(kind);

	return k != NULL && (k->begin != NULL || k->request != NULL);
}

#define BLOCKS 40 /* columns */

static void put_blocks(struct app *app, const char *name, const struct distribution *d,
		       const double *values, size_t n, const char *of)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	distribution_blocks(&b, d, values, n, BLOCKS);
	(void)fprintf(app->out, "  %-11s |%s| %s\n", name, b.data, of);
	buf_release(&b);
}

/* All repetitions of the runs before, in one row: how many are where. */
static void explain_past(struct app *app, const struct distribution *d, bool is_elsewhere)
{
	size_t n = 0, at = 0;
	double *all;

	for (size_t i = 0; i < d->n_before; i++)
		n += d->before[i].n;
	if (n == 0)
		return;
	all = arena_array(app->arena, n, sizeof(*all));
	for (size_t i = 0; i < d->n_before; i++) {
		memcpy(&all[at], d->before[i].values, d->before[i].n * sizeof(*all));
		at += d->before[i].n;
	}
	put_blocks(app, "before", d, all, n,
		   arena_printf(app->arena, "%zu in %zu run%s%s", n, d->n_before,
				d->n_before == 1 ? "" : "s",
				is_elsewhere ? " on other hosts" : ""));
}

/* Where the repetitions lie, above those of the runs before on the same scale. */
static int explain_samples(struct app *app, struct record *record, int64_t run_id,
			   const struct result *r, struct err *e)
{
	double *sorted = arena_array(app->arena, r->n_samples, sizeof(*sorted));
	struct distribution d = {.values = sorted, .n = r->n_samples};
	struct earlier_samples before;

	if (r->n_samples == 0)
		return 0;
	if (report_load_before(record, app->arena, run_id, r, &before, e) != 0)
		return -1;
	d.before = before.runs;
	d.n_before = before.n;
	memcpy(sorted, r->samples, r->n_samples * sizeof(*sorted));
	stats_sort(sorted, r->n_samples);
	if (!distribution_fit(&d))
		return 0;
	put_blocks(app, "repetitions", &d, sorted, d.n,
		   arena_printf(
			   app->arena, "%zu%s", d.n,
			   d.n_beyond > 0
				   ? arena_printf(app->arena, ", %zu further right, up to %s",
						  d.n_beyond,
						  show_value(app->arena, sorted[d.n - 1], r->unit))
				   : ""));
	explain_past(app, &d, before.is_elsewhere);
	field(app->out, "",
	      arena_printf(app->arena, "%s to %s", show_value(app->arena, d.low, r->unit),
			   show_value(app->arena, d.high, r->unit)));
	return 0;
}

static int explain_series(struct app *app, struct record *record, int64_t run_id,
			  const struct result *r, struct err *e)
{
	struct arena *a = app->arena;
	char at[UTC_MAX];

	(void)utc_format(r->measured_ms, 1, at); /* its length */
	(void)fprintf(app->out, "\n%s%s\n", result_state(r->outcome, r->bound),
		      r->is_flaky ? ", flaky: passed only after a retry" : "");
	field(app->out, "series", r->series);
	field(app->out, "measured", measured(a, r));
	field(app->out, "bound", r->bound);
	field(app->out, "room used", isnan(r->room) ? NULL : show_room(a, r->room));
	field(app->out, "reason", r->reason);
	lines(app->out, "query", r->query);
	if (asks_over_http(r->check->kind))
		field(app->out, "repeat", arena_printf(a, "assize plan --curl %s", r->check->name));
	lines(app->out, "evidence", r->evidence);
	if (explain_samples(app, record, run_id, r, e) != 0)
		return -1;
	field(app->out, "when",
	      arena_printf(a, "%s, took %s%s", at, duration(a, r->duration_us),
			   r->attempts > 1 ? arena_printf(a, ", %" PRId64 " attempts", r->attempts)
					   : ""));
	if (r->bound_line > 0)
		field(app->out, "bound at",
		      arena_printf(a, "%s:%" PRId64 ":%" PRId64, r->check->file, r->bound_line,
				   r->bound_col));
	return 0;
}

/* Is the same said by a newer decision? A gate may decide on one result every hour. */
static bool is_repeated(const struct waived_line *lines, size_t n, size_t i)
{
	for (size_t k = i + 1; k < n; k++)
		if (strcmp(lines[k].gate, lines[i].gate) == 0 &&
		    strcmp(lines[k].subject, lines[i].subject) == 0 &&
		    strcmp(lines[k].check, lines[i].check) == 0 &&
		    strcmp(lines[k].series, lines[i].series) == 0)
			return true;
	return false;
}

/* At which gates the failure was let through, and by whom. */
static void explain_waived(struct app *app, const struct result *r, const struct waived_line *lines,
			   size_t n)
{
	struct buf b;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(lines[i].check, r->check->name) != 0 ||
		    strcmp(lines[i].series, r->series) != 0 || is_repeated(lines, n, i))
			continue;
		buf_init(&b, BUF_UNBOUNDED);
		(void)buf_printf(&b, "at gate %s for %s (decision %" PRId64 "), ", lines[i].gate,
				 lines[i].subject, lines[i].decision);
		waived_put(&b, &lines[i].by);
		field(app->out, "let through", b.data);
		buf_release(&b);
	}
}

static void explain_check(struct app *app, const struct run_info *run, const struct result *r)
{
	struct arena *a = app->arena;
	char hex[SHA256_HEX], at[UTC_MAX];

	sha256_hex(r->check->hash, hex);
	(void)utc_format(run->begin_ms, 0, at); /* its length */
	(void)fprintf(app->out, "%s  run %" PRId64 "\n", r->check->name, run->id);
	field(app->out, "title", r->check->title);
	field(app->out, "why", r->check->why);
	field(app->out, "owner", r->check->owner);
	field(app->out, "kind", r->check->kind);
	field(app->out, "target", r->check->target);
	field(app->out, "severity", arena_printf(a, "%" PRId64, r->check->severity));
	field(app->out, "tags", r->check->tags);
	field(app->out, "defined at",
	      arena_printf(a, "%s:%" PRId64 ":%" PRId64, r->check->file, r->check->line,
			   r->check->col));
	field(app->out, "definition", arena_printf(a, "sha256:%s", hex));
	field(app->out, "run",
	      arena_printf(a, "%s, %s on %s, subject %s%s%s", at, run->user, run->host,
			   run->subject[0] != '\0' ? run->subject : "none",
			   run->commit[0] != '\0' ? ", definitions at " : "",
			   run->commit[0] != '\0'
				   ? arena_printf(a, "%s%s", run->commit,
						  run->is_dirty ? " with local changes" : "")
				   : ""));
}

static int unknown_check(struct app *app, const struct result *results, size_t n, const char *word,
			 int64_t run_id, struct err *e)
{
	const char **names = arena_array(app->arena, n, sizeof(*names));

	for (size_t i = 0; i < n; i++)
		names[i] = results[i].check->name;
	(void)err_set(e, ERR_USAGE, "run %" PRId64 " has no check \"%s\"", run_id, word);
	return names_help("checks", names, n, word, e);
}

static int explain(struct app *app, struct record *record, const struct options *o, struct err *e)
{
	struct run_info run;
	struct waived_line *waived;
	struct result *results;
	size_t n, n_waived, n_found = 0;
	int64_t run_id;

	if (show_run_id(app, record, o->words[0], &run_id, e) != 0 ||
	    record_run(record, app->arena, run_id, &run, e) != 0 ||
	    record_run_results(record, app->arena, run_id, &results, &n, e) != 0 ||
	    record_run_samples(record, app->arena, run_id, results, n, e) != 0 ||
	    record_run_waived(record, app->arena, run_id, &waived, &n_waived, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(results[i].check->name, o->words[1]) != 0)
			continue;
		if (n_found++ == 0)
			explain_check(app, &run, &results[i]);
		if (explain_series(app, record, run_id, &results[i], e) != 0)
			return -1;
		explain_waived(app, &results[i], waived, n_waived);
	}
	return n_found > 0 ? 0 : unknown_check(app, results, n, o->words[1], run_id, e);
}

static int run_explain(struct app *app, const struct command *self, int argc, char **argv)
{
	struct record *record;
	struct options o;
	struct err e = {0};
	int status;

	if (!app_begin(app, self, argc, argv, &o, &status))
		return status;
	if (o.n_words != 2) {
		(void)err_set(&e, ERR_USAGE, "assize explain takes a run and a check");
		(void)err_help(&e, "e.g. assize explain latest tasks/columns");
		return app_fail(app, &e);
	}
	if (app_open_record(app, &o, &record, &status) != 0)
		return status;
	status = explain(app, record, &o, &e) == 0 ? EXIT_PASS : app_fail(app, &e);
	record_close(record);
	return status;
}
