/*
 * assize run: execute the selected checks and record them.
 *
 * With --due this is the one crontab line: it takes what should have run since it last did, says
 * nothing when all is well (--quiet), and refuses to overlap with itself.
 */
#include <inttypes.h>
#include <string.h>

#include "gates/refuse.h"
#include "reports/report.h"
#include "reports/terminal.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/history/record.h"
#include "runner/model/definition.h"
#include "runner/notify.h"
#include "runner/options.h"
#include "runner/output.h"
#include "runner/schedule.h"
#include "runner/selection.h"
#include "runner/session.h"
#include "runner/shard.h"
#include "runner/show.h"
#include "runner/vouch.h"

#define SCHEDULE_LOCK "schedule"

static int run_run(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"file", "policy-sha256", "record", "var",	 "subject",
				      "due",  "shard",	       "report", "json", "quiet",
				      "jobs", "color",	       NULL};

const struct command command_run = {
	.name = "run",
	.group = "audit",
	.words = "[SELECT..]",
	.summary = "execute checks and record every measurement and verdict",
	.accepts = accepts,
	.run = run_run,
};

struct run_command {
	struct app *app;
	struct options o;
	struct definition *definition;
	struct record *record;
	struct selection selection;
	struct run_shard shard;
	struct notifier *notifier;
};

/*
 * When it was measured last, -1 = never. What no gate would count was not measured: of a run that
 * did not come to its end, or of another definition, nobody would look again until the next moment.
 */
static int last_measured(struct run_command *r, const struct check *c, int64_t now, int64_t *out,
			 struct err *e)
{
	struct arena *a = r->app->arena;
	struct evidence *items;
	size_t n;

	if (record_last_measured(r->record, c->name, now, out, e) != 0 ||
	    record_evidence(r->record, a, c->name, NULL, &items, &n, e) != 0)
		return -1;
	if (n > 0 && refuse_known(a, c, &items[0], now) != NULL)
		*out = -1;
	return 0;
}

/* Keeps what is due. A check without a schedule is never due. */
static int keep_due(struct run_command *r, struct err *e)
{
	int64_t now = clock_wall_ms(&r->app->clock);
	size_t kept = 0;

	for (size_t i = 0; i < r->selection.n_checks; i++) {
		const struct check *c = r->selection.checks[i];
		struct schedule_times times;
		int64_t measured;

		if (c->schedule == NULL)
			continue;
		if (schedule_times(c, now, &times, e) != 0 ||
		    last_measured(r, c, now, &measured, e) != 0)
			return -1;
		if (schedule_is_due(&times, measured))
			r->selection.checks[kept++] = c;
	}
	r->selection.n_checks = kept;
	r->selection.text =
		arena_printf(r->app->arena, "--due%s%s", r->selection.text[0] != '\0' ? " " : "",
			     r->selection.text);
	return 0;
}

static const char *subject(const struct run_command *r)
{
	return r->o.subject != NULL ? r->o.subject : "";
}

/* The part of --shard. What is due is for this record to say, and another one says otherwise. */
static int take_shard(struct run_command *r, struct err *e)
{
	if (r->o.shard != NULL && r->o.is_due) {
		(void)err_set(e, ERR_USAGE, "--shard and --due cannot be combined");
		return err_help(e, "what is due depends on the record, and the parts must agree on "
				   "what they are parts of; give each machine its checks by name");
	}
	return shard_take(r->app, r->definition, &r->o, subject(r), &r->selection, &r->shard, e);
}

static void tell_empty(const struct run_command *r)
{
	if (r->shard.index != 0 && r->selection.n_checks == 0 && !r->o.is_quiet && !r->o.is_json)
		(void)fprintf(r->app->out, "nothing falls on shard %" PRId64 " of %" PRId64 "\n",
			      r->shard.index, r->shard.total);
}

static int execute(struct run_command *r, struct err *e)
{
	struct terminal t;
	struct run_info run;
	struct session_request req = {
		.app = r->app,
		.definition = r->definition,
		.record = r->record,
		.checks = r->selection.checks,
		.n_checks = r->selection.n_checks,
		.command = "run",
		.subject = subject(r),
		.selection = r->selection.text,
		.shard = r->shard.index != 0 ? &r->shard : NULL,
		.n_threads = (size_t)r->o.jobs,
		.terminal = r->o.is_json ? NULL : &t,
	};

	tell_empty(r);
	show_terminal(r->app, &r->o, &t);
	notify_started(r->notifier);
	if (session_run(&req, &run, e) != 0)
		return -1;
	if (show_run_end(r->app, &r->o, r->record, run.id, &t, e) != 0)
		return app_fail_beside(r->app, run.exit_status, e);
	return run.exit_status;
}

static void tell_nothing_due(const struct run_command *r)
{
	struct buf b;

	if (r->o.is_json) {
		buf_init(&b, BUF_UNBOUNDED); /* of no run */
		report_none_json(&b);
		(void)fwrite(b.data, 1, b.len, r->app->out); /* main looks at the stream */
		buf_release(&b);
	} else if (!r->o.is_quiet) {
		(void)fprintf(r->app->out, "nothing is due\n");
	}
}

/* Holds the schedule's lock around the due checks, so that a slow run is told, not doubled. */
static int execute_due(struct run_command *r, struct err *e)
{
	const char *holder = "";
	struct err unlock = {0};
	int locked = record_lock(r->record, SCHEDULE_LOCK, r->app->arena, &holder, e);
	int status;

	if (locked < 0)
		return -1;
	if (locked == 1) {
		(void)err_set(e, ERR_MEASURE,
			      "could not start: another scheduled run is under way "
			      "(%s)",
			      holder); /* -1 below */
		return err_help(e, "a schedule that is shorter than its checks take needs a longer "
				   "interval or shorter timeouts");
	}
	if (holder != NULL && holder[0] != '\0')
		(void)fprintf(r->app->err,
			      "assize: took over from a scheduled run that died (%s)\n", holder);
	status = keep_due(r, e);
	if (status == 0 && r->selection.n_checks > 0)
		status = execute(r, e);
	else if (status == 0)
		tell_nothing_due(r);
	if (record_unlock(r->record, SCHEDULE_LOCK, &unlock) != 0 && status >= 0) {
		*e = unlock;
		return -1;
	}
	return status;
}

static int run_run(struct app *app, const struct command *self, int argc, char **argv)
{
	struct run_command r = {.app = app};
	struct err e = {0};
	int status;

	if (!app_begin(app, self, argc, argv, &r.o, &status))
		return status;
	if (output_check(&r.o, &e) != 0)
		return app_fail(app, &e);
	if (app_load(app, &r.o, &r.definition) != 0)
		return EXIT_USAGE;
	if (selection_make(app, r.definition, &r.o, &r.selection, &e) != 0 ||
	    take_shard(&r, &e) != 0 ||
	    record_open(app_record_path(app, &r.o, r.definition), RECORD_WRITE, &r.record, &e) != 0)
		return app_fail(app, &e);
	if (notify_begin(app, &r.o, r.definition, r.record, true, &r.notifier, &e) != 0)
		status = -1;
	else
		status = r.o.is_due ? execute_due(&r, &e) : execute(&r, &e);
	if (status < 0)
		status = app_fail(app, &e);
	notify_end(r.notifier, status);
	status = vouch_close(app, r.definition, r.record, status, &e);
	return status < 0 ? app_fail(app, &e) : status;
}
