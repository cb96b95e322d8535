/*
 * The small things every command prints the same way, so that two commands never disagree about
 * what is live, how long ago something was, or which run "latest" means.
 */
#include "runner/show.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "reports/report.h"
#include "reports/terminal.h"
#include "reports/text.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/history/record.h"
#include "runner/model/unit.h"
#include "runner/options.h"
#include "runner/output.h"

/* History behind each failure's sparkline; a run with very many series shows none. */
#define TRAIL_POINTS	  60
#define MAX_TRAILED_PLANS 500

static size_t terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return 80;
}

void show_terminal(const struct app *app, const struct options *o, struct terminal *t)
{
	const char *ci = app->env(app->env_ctx, "CI");
	bool is_ci = ci != NULL && ci[0] != '\0' && strcmp(ci, "false") != 0;

	*t = (struct terminal){
		.out = app->out,
		.is_live = app->out_is_terminal && !is_ci,
		.has_color = app_has_color(app, o),
		.is_quiet = o->is_quiet,
		.width = terminal_width(),
		.repeated = app->repeated,
	};
}

static void print_report(struct app *app, const struct options *o, struct terminal *t,
			 const struct report *report)
{
	struct buf out;

	if (!o->is_json) {
		terminal_end(t, report);
		return;
	}
	buf_init(&out, BUF_UNBOUNDED);
	report_json(&out, report);
	(void)fwrite(out.data, 1, out.len, app->out); /* main looks at the stream */
	buf_release(&out);
}

int show_run_end(struct app *app, const struct options *o, struct record *record, int64_t run_id,
		 struct terminal *t, struct err *e)
{
	struct arena *a = arena_new();
	struct run_info run;
	struct report report;
	size_t trail;
	int rc = -1;

	if (record_run(record, a, run_id, &run, e) != 0)
		goto out;
	if (o->is_quiet && !o->is_json && o->reports.n == 0 && run.outcome == OUTCOME_PASS) {
		rc = 0; /* nothing to say, so nothing to read */
		goto out;
	}
	trail = run.n_planned <= MAX_TRAILED_PLANS && !o->is_json ? TRAIL_POINTS : 0;
	if (report_load(record, a, run_id, trail, &report, e) != 0)
		goto out;
	rc = output_write(app, record, run_id, &o->reports, e);
	if (rc != 0 && report.run.exit_status == EXIT_PASS)
		report.run.exit_status = err_exit_status(e->class); /* what the last line says */
	print_report(app, o, t, &report);
out:
	arena_free(a);
	return rc;
}

const char *show_value(struct arena *a, double v, const char *unit)
{
	struct buf b;
	const char *text;

	buf_init(&b, BUF_UNBOUNDED);
	unit_format(&b, v, unit);
	text = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return text;
}

const char *show_ago(struct arena *a, int64_t at_ms, int64_t now_ms)
{
	char text[NUM_REAL_MAX];
	int64_t distance = now_ms - at_ms;

	if (at_ms < 0)
		return "never";
	(void)num_format_duration(distance < 0 ? -distance : distance, text); /* its length */
	if (distance > -1000 && distance < 1000)
		return "just now";
	return distance < 0 ? arena_printf(a, "in %s", text) : arena_printf(a, "%s ago", text);
}

const char *show_room(struct arena *a, double room)
{
	return room > 100 ? "> 10000 %" : arena_printf(a, "%.0f %%", room * 100);
}

int show_run_id(struct app *app, struct record *record, const char *word, int64_t *out,
		struct err *e)
{
	struct run_info *runs;
	struct run_info run;
	int64_t id;
	size_t n;

	if (strcmp(word, "latest") == 0) {
		if (record_runs(record, app->arena, 0, 1, &runs, &n, e) != 0)
			return -1;
		if (n == 0)
			return err_set(e, ERR_USAGE, "the record holds no run yet");
		*out = runs[0].id;
		return 0;
	}
	if (num_parse_int(word, strlen(word), &id) != 0 || id < 1)
		return err_set(e, ERR_USAGE, "cannot read run \"%s\": it is a number or latest",
			       word);
	if (record_run(record, app->arena, id, &run, e) != 0)
		return -1;
	*out = id;
	return 0;
}
