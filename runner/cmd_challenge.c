/*
 * assize challenge: damages the world that checks look at, and says which of them noticed.
 *
 * It reads the record for what checks compare with, and writes nothing to it: what a check said of
 * a damaged world is no evidence.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "reports/challenge.h"
#include "reports/terminal.h"
#include "reports/terminal_lines.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/challenge_self.h"
#include "runner/challenge_watch.h"
#include "runner/history/record.h"
#include "runner/model/definition.h"
#include "runner/options.h"
#include "runner/selection.h"
#include "runner/show.h"
#include "runner/vouch.h"

static int run_challenge(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"file",	  "policy-sha256", "record", "var",
				      "at-least", "dry-run",	   "json",   "quiet",
				      "color",	  "self",	   NULL};

static const struct option_meaning meanings[] = {
	{"dry-run", "say which attacks would be made, and make none"},
	{NULL, NULL},
};

const struct command command_challenge = {
	.name = "challenge",
	.group = "audit",
	.words = "[SELECT..]",
	.summary = "damage what checks look at, and say which of them notice",
	.accepts = accepts,
	.meanings = meanings,
	.manual = "assize-challenge",
	.run = run_challenge,
};

struct printer {
	struct app *app;
	struct terminal terminal;
	double at_least;
	bool is_quiet, is_survey;
	bool has_printed;
};

/* Is there something to do about it? */
static bool is_worth_telling(const struct printer *p, const struct challenged *c)
{
	struct challenge_report alone = {
		.items = c, .n = 1, .at_least = p->at_least, .is_survey = p->is_survey};

	return !p->is_quiet || challenge_exit_status(&alone) != EXIT_PASS;
}

static void print_check(void *ctx, const struct challenged *c)
{
	struct printer *p = ctx;
	struct buf out;

	p->terminal.n_done++;
	p->terminal.last_event_ms = clock_wall_ms(&p->app->clock);
	if (!is_worth_telling(p, c))
		return;
	buf_init(&out, BUF_UNBOUNDED); /* of one check */
	if (p->has_printed)
		(void)buf_putc(&out, '\n');
	p->has_printed = true;
	challenge_text(&out, c, p->terminal.repeated, p->terminal.has_color);
	terminal_flush(&p->terminal, &out);
}

static void end_live_line(struct printer *p)
{
	struct buf nothing;

	buf_init(&nothing, BUF_UNBOUNDED);
	terminal_flush(&p->terminal, &nothing);
}

static void print_end(struct printer *p, const struct challenge_report *r, size_t n_printed)
{
	struct arena *a;
	struct buf out;

	if (p->is_quiet && challenge_exit_status(r) == EXIT_PASS)
		return;
	for (size_t i = n_printed; i < r->n; i++)
		print_check(p, &r->items[i]);
	end_live_line(p);
	a = arena_new();
	challenge_ranking(a, r, p->app->out);
	arena_free(a);
	(void)fputc('\n', p->app->out);
	buf_init(&out, BUF_UNBOUNDED);
	challenge_summary(&out, r);
	terminal_flush(&p->terminal, &out);
}

static void print_json(struct app *app, const struct challenge_report *r)
{
	struct buf out;

	buf_init(&out, BUF_UNBOUNDED);
	challenge_json(&out, r);
	(void)fwrite(out.data, 1, out.len, app->out); /* main looks at the stream */
	buf_release(&out);
}

static int read_share(const char *text, double *out, struct err *e)
{
	size_t n = text != NULL ? strlen(text) : 0;
	double percent;

	*out = 1;
	if (text == NULL)
		return 0;
	if (n < 2 || text[n - 1] != '%' || num_parse_real(text, n - 1, &percent) != 0 ||
	    percent < 0 || percent > 100)
		return err_set(e, ERR_USAGE,
			       "cannot read --at-least %s: it is a share such as 80%%", text);
	*out = percent / 100;
	return 0;
}

/* To look at what would be done, nothing is made: where no run ever was there is no record. */
static int open_record(struct app *app, const struct options *o, const struct definition *d,
		       struct record **out, struct err *e)
{
	const char *path = app_record_path(app, o, d);
	struct stat st;

	*out = NULL;
	if (!o->is_dry_run)
		return record_open(path, RECORD_WRITE, out, e);
	if (o->record == NULL && stat(path, &st) != 0 && errno == ENOENT)
		return 0;
	if (record_open(path, RECORD_READ, out, e) != 0)
		return -1;
	app_tell_standby(app, *out);
	return 0;
}

static int challenge(const struct options *o, struct challenge_watch *w, struct printer *p,
		     struct err *e)
{
	struct app *app = p->app;
	const struct definition *d = w->challenge.definition;
	int64_t begin_us = clock_monotonic_us(&app->clock);
	struct challenge_report r = {
		.begin_ms = clock_wall_ms(&app->clock),
		.at_least = p->at_least,
		.is_survey = p->is_survey,
		.definition_file = d != NULL ? d->root_file : NULL,
	};
	struct challenged *items;
	int signal = 0;

	p->terminal.last_event_ms = r.begin_ms;
	if (!o->is_json) {
		w->terminal = &p->terminal;
		w->on_done = print_check;
		w->on_done_ctx = p;
	}
	if (challenge_watch(w, &items, &r.n, &signal, e) != 0) {
		end_live_line(p);
		return -1;
	}
	r.items = items;
	r.is_interrupted = signal != 0;
	r.duration_us = clock_monotonic_us(&app->clock) - begin_us;
	if (o->is_json)
		print_json(app, &r);
	else
		print_end(p, &r, p->terminal.n_done);
	return challenge_exit_status(&r);
}

/* Not a definition's checks: this program, in worlds of its own. */
static int challenge_assize(const struct options *o, struct challenge_watch *w, struct printer *p)
{
	struct err e = {0};
	int status = -1;

	if (o->n_words > 0 || o->is_dry_run)
		(void)err_set(&e, ERR_USAGE, "--self takes no %s",
			      o->is_dry_run ? "--dry-run" : "checks");
	else if (challenge_self_program(p->app, &w->self_program, &e) == 0)
		status = challenge(o, w, p, &e);
	return status < 0 ? app_fail(p->app, &e) : status;
}

static int challenge_checks(const struct options *o, struct challenge_watch *w, struct printer *p)
{
	struct app *app = p->app;
	struct record *record;
	struct selection selection;
	struct definition *d;
	struct err e = {0};
	int status;

	if (app_load(app, o, &d) != 0)
		return EXIT_USAGE;
	if (selection_make(app, d, o, &selection, &e) != 0 ||
	    open_record(app, o, d, &record, &e) != 0)
		return app_fail(app, &e);
	p->terminal.n_planned = selection.n_checks;
	w->challenge.definition = d;
	w->challenge.record = record;
	w->challenge.checks = selection.checks;
	w->challenge.n_checks = selection.n_checks;
	w->challenge.is_survey = o->is_dry_run;
	status = challenge(o, w, p, &e);
	if (o->is_dry_run)
		record_close(record);
	else
		status = vouch_close(app, d, record, status, &e);
	return status < 0 ? app_fail(app, &e) : status;
}

static int run_challenge(struct app *app, const struct command *self, int argc, char **argv)
{
	struct printer printer = {.app = app};
	/* in the arena: a thread that hangs outlives this function */
	struct challenge_watch *w = arena_alloc(app->arena, sizeof(*w));
	struct options o;
	struct err e = {0};
	int status;

	if (!app_begin(app, self, argc, argv, &o, &status))
		return status;
	if (read_share(o.at_least, &printer.at_least, &e) != 0)
		return app_fail(app, &e);
	show_terminal(app, &o, &printer.terminal);
	printer.terminal.n_planned = 1;
	printer.is_quiet = o.is_quiet;
	printer.is_survey = o.is_dry_run;
	w->challenge.app = app;
	return o.is_self ? challenge_assize(&o, w, &printer) : challenge_checks(&o, w, &printer);
}
