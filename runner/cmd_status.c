/*
 * assize status: where every audit, rollback set and gate stands now, and which audits did not run
 * when they should.
 *
 * The only command that looks at both the definition and the record without running anything: it
 * finds the cron line that was never installed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "gates/refuse.h"
#include "reports/terminal.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/map.h"
#include "runner/base/num.h"
#include "runner/history/newest.h"
#include "runner/history/record.h"
#include "runner/io/json.h"
#include "runner/model/definition.h"
#include "runner/options.h"
#include "runner/schedule.h"
#include "runner/session.h"
#include "runner/show.h"
#include "runner/status_challenge.h"
#include "runner/status_grants.h"
#include "runner/status_notices.h"
#include "runner/status_rollback.h"

static int run_status(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"file", "record", "var", "json", NULL};

const struct command command_status = {
	.name = "status",
	.group = "ask the record",
	.words = "",
	.summary = "where every audit, rollback set and gate stands, and what did not run when due",
	.accepts = accepts,
	.run = run_status,
};

struct audit_status {
	const char *name;
	enum outcome outcome; /* of the newest measurements of its checks, joined */
	size_t n_checks, n_measured, n_not_passing;
	const char
		*refusal;   /* why a check that passed when it was measured does not now; or NULL */
	int64_t oldest_ms;  /* of the newest measurements; -1 = one was never measured */
	int64_t since_ms;   /* of the worst check's present stretch; -1 unknown */
	int64_t overdue_ms; /* moment it should have run; -1 = it is not overdue */
	int64_t next_ms;    /* -1 = no schedule */
	bool is_scheduled;
};

/* What the outcome of a status does not depend on. */
struct status_beside {
	struct status_notices notices;
	struct status_challenge challenge;
};

static int add_schedule(const struct check *c, int64_t measured_ms, int64_t now,
			struct audit_status *s, struct err *e)
{
	struct schedule_times t;
	int64_t due_ms;

	if (c->schedule == NULL)
		return 0;
	if (schedule_times(c, now, &t, e) != 0 ||
	    schedule_due_since(c, measured_ms, now, &due_ms, e) != 0)
		return -1;
	s->is_scheduled = true;
	if (s->next_ms < 0 || (t.next_ms >= 0 && t.next_ms < s->next_ms))
		s->next_ms = t.next_ms;
	if (due_ms >= 0 && now - due_ms > SCHEDULE_GRACE_MS &&
	    (s->overdue_ms < 0 || due_ms < s->overdue_ms))
		s->overdue_ms = due_ms;
	return 0;
}

/*
 * The cache has the newest run. A failure that an older one saw later, and what no gate would
 * count, are no pass here either.
 */
static int correct_state(struct newest *newest, const struct check *c, int64_t now,
			 struct check_state *state, const char **refusal, struct err *e)
{
	struct evidence *items;
	size_t n;

	if (newest_evidence(newest, c, NULL, &items, &n, e) != 0)
		return -1;
	if (n > 0 && items[0].run_id != state->run_id) {
		state->outcome = OUTCOME_FAIL;
		state->since_ms = items[0].result.measured_ms;
	}
	for (size_t i = 0; i < n && outcome_is_passing(state->outcome); i++) {
		const char *why = refuse_known(newest->arena, c, &items[i], now);

		if (why == NULL)
			continue;
		state->outcome = OUTCOME_UNDECIDED;
		state->since_ms = items[i].result.measured_ms;
		*refusal = *refusal != NULL ? *refusal : why;
	}
	return 0;
}

static int audit_status(struct newest *newest, const struct audit *audit, const struct map *states,
			int64_t now, struct audit_status *out, struct err *e)
{
	struct audit_status s = {.name = audit->name,
				 .outcome = OUTCOME_UNDECIDED,
				 .n_checks = audit->n_checks,
				 .oldest_ms = audit->n_checks > 0 ? INT64_MAX : now,
				 .since_ms = -1,
				 .overdue_ms = -1,
				 .next_ms = -1};

	for (size_t i = 0; i < audit->n_checks; i++) {
		const struct check *c = audit->checks[i];
		struct check_state *state = map_get(states, c->name);
		int64_t measured = state != NULL ? state->measured_ms : -1;

		if (state != NULL && correct_state(newest, c, now, state, &s.refusal, e) != 0)
			return -1;
		enum outcome outcome = state != NULL ? state->outcome : OUTCOME_UNDECIDED;

		s.outcome = i == 0 ? outcome : outcome_join(s.outcome, outcome);
		s.n_measured += state != NULL;
		if (!outcome_is_passing(outcome)) {
			s.n_not_passing++;
			if (state != NULL && (s.since_ms < 0 || state->since_ms < s.since_ms))
				s.since_ms = state->since_ms;
		}
		s.oldest_ms = measured < s.oldest_ms ? measured : s.oldest_ms;
		if (add_schedule(c, measured, now, &s, e) != 0)
			return -1;
	}
	*out = s;
	return 0;
}

static const char *note(struct arena *a, const struct audit_status *s, int64_t now)
{
	if (s->overdue_ms >= 0)
		return arena_printf(a, "OVERDUE, was due %s", show_ago(a, s->overdue_ms, now));
	if (s->n_measured < s->n_checks)
		return arena_printf(a, "%zu of %zu checks were never measured",
				    s->n_checks - s->n_measured, s->n_checks);
	if (s->refusal != NULL)
		return arena_printf(a, "%zu of %zu checks, %s", s->n_not_passing, s->n_checks,
				    s->refusal);
	if (s->n_not_passing > 0)
		return arena_printf(a, "%zu of %zu checks, for the first time %s", s->n_not_passing,
				    s->n_checks, show_ago(a, s->since_ms, now));
	return "";
}

static void print_audits(struct app *app, const struct audit_status *all, size_t n, int64_t now)
{
	static const char *const headers[] = {"audit", "outcome", "oldest", "next", ""};
	struct arena *a = app->arena;
	struct table t;

	if (n == 0)
		return;

	table_init(&t, a, headers, 5, "lllll");
	for (size_t i = 0; i < n; i++)
		table_row(&t, all[i].name, outcome_name(all[i].outcome),
			  show_ago(a, all[i].oldest_ms, now),
			  all[i].is_scheduled ? show_ago(a, all[i].next_ms, now) : "by hand",
			  note(a, &all[i], now));
	table_print(&t, app->out);
}

static void print_sets(struct app *app, const struct definition *d, const struct status_sets *sets)
{
	if (d->n_audits > 0 && sets->n > 0)
		(void)fputc('\n', app->out);
	status_sets_print(app, sets);
	if (d->n_audits == 0 && sets->n == 0)
		(void)fputs("no audit and no rollback set is defined: nothing is known\n",
			    app->out);
}

/* "open", "open, 1 waived", "shut" */
static const char *decision_word(struct app *app, const struct decision *d)
{
	size_t n = decision_waived(d);

	if (decision_is_overridden(d))
		return "overridden";
	if (!d->is_open || n == 0)
		return d->is_open ? "open" : "shut";
	return arena_printf(app->arena, "open, %zu waived", n);
}

static int print_gates(struct app *app, const struct definition *d, struct record *record,
		       int64_t now, struct err *e)
{
	static const char *const headers[] = {"gate", "last decision", "when", "subject"};
	struct arena *a = app->arena;
	struct table t;

	table_init(&t, a, headers, 4, "llll");
	for (size_t i = 0; i < d->n_gates; i++) {
		struct decision *last;
		size_t n = 0;

		if (record != NULL &&
		    record_decisions(record, a, d->gates[i]->name, 1, &last, &n, e) != 0)
			return -1;
		if (n == 0)
			table_row(&t, d->gates[i]->name, "none", "never", "");
		else
			table_row(&t, d->gates[i]->name, decision_word(app, &last[0]),
				  show_ago(a, last[0].at_ms, now), last[0].subject);
	}
	if (d->n_gates > 0) {
		(void)fputc('\n', app->out);
		table_print(&t, app->out);
	}
	return 0;
}

static void print_json(struct app *app, const struct audit_status *all,
		       const struct status_sets *sets, const struct status_grants *grants,
		       const struct status_beside *beside)
{
	size_t n = grants->definition->n_audits;
	struct json_writer w;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	json_writer_init(&w, &b, true);
	json_open(&w, NULL, '{');
	json_put_text(&w, "assize", "status/1");
	json_open(&w, "audits", '[');
	for (size_t i = 0; i < n; i++) {
		json_open(&w, NULL, '{');
		json_put_text(&w, "audit", all[i].name);
		json_put_text(&w, "outcome", outcome_name(all[i].outcome));
		json_put_int(&w, "checks", (int64_t)all[i].n_checks);
		json_put_int(&w, "measured", (int64_t)all[i].n_measured);
		json_put_int(&w, "not_passing", (int64_t)all[i].n_not_passing);
		json_put_bool(&w, "overdue", all[i].overdue_ms >= 0);
		json_put_int(&w, "oldest_ms", all[i].oldest_ms);
		json_put_int(&w, "next_ms", all[i].next_ms);
		json_close(&w, '}');
	}
	json_close(&w, ']');
	status_sets_put(&w, sets);
	status_grants_put(&w, grants);
	status_put_undelivered(&w, &beside->notices);
	status_challenge_put(&w, &beside->challenge);
	json_close(&w, '}');
	(void)fwrite(b.data, 1, b.len, app->out); /* main looks at the stream */
	buf_release(&b);
}

static int gather_held(struct app *app, const struct definition *d, struct record *record,
		       int64_t now, struct audit_status *out, struct err *e)
{
	struct check_state *states = NULL;
	struct newest newest;
	struct map by_name;
	size_t n = 0;

	if (record != NULL && record_check_states(record, app->arena, &states, &n, e) != 0)
		return -1;
	newest_init(&newest, app->arena, record);
	map_init(&by_name, app->arena);
	for (size_t i = 0; i < n; i++)
		(void)map_put(&by_name, states[i].name, &states[i]); /* names are unique */
	for (size_t i = 0; i < d->n_audits; i++)
		if (audit_status(&newest, d->audits[i], &by_name, now, &out[i], e) != 0)
			return -1;
	return 0;
}

/* How all stood in one moment. */
static int gather(struct app *app, const struct definition *d, struct record *record, int64_t now,
		  struct audit_status *out, struct err *e)
{
	if (record == NULL)
		return gather_held(app, d, NULL, now, out, e);
	if (record_hold(record, e) != 0)
		return -1;
	return record_let_go(record, gather_held(app, d, record, now, out, e), e);
}

/* The status of a status: fail over undecided, and an overdue audit is no pass. */
static enum outcome joined(const struct audit_status *all, size_t n, const struct status_sets *sets)
{
	enum outcome outcome = n + sets->n > 0 ? OUTCOME_PASS : OUTCOME_UNDECIDED;

	for (size_t i = 0; i < sets->n; i++)
		outcome = outcome_join(outcome, sets->items[i].outcome);
	for (size_t i = 0; i < n; i++) {
		outcome = outcome_join(outcome, all[i].outcome);
		if (all[i].overdue_ms >= 0)
			outcome = outcome_join(outcome, OUTCOME_UNDECIDED);
	}
	return outcome;
}

/* Before the first run there is no record beside the definition, which is what is to be told. */
static int open_record(struct app *app, const struct options *o, struct record **out, int *status)
{
	struct err e = {0};
	const char *path = o->record == NULL ? app_record_beside(app, o, &e) : NULL;
	struct stat st;

	*out = NULL;
	if (path != NULL && lstat(path, &st) != 0 && errno == ENOENT)
		return 0;
	return app_open_record(app, o, out, status);
}

static void tell_no_record(struct app *app)
{
	(void)fprintf(app->err,
		      "nothing was ever run: there is no record yet\n"
		      "help: assize run begins it; the crontab line assize run --due keeps "
		      "it, see assize help run\n");
}

static int read_beside(struct app *app, struct record *record, const struct definition *d,
		       int64_t now, struct status_beside *out, struct err *e)
{
	if (status_challenge_read(app, record, d, &out->challenge, e) != 0)
		return -1;
	if (record == NULL)
		return 0;
	return status_find_undelivered(app, record, now, &out->notices, e) != 0
		       ? -1
		       : status_find_gone(app, record, d, &out->notices, e);
}

static int run_status(struct app *app, const struct command *self, int argc, char **argv)
{
	struct definition *d;
	struct record *record;
	struct audit_status *all;
	struct status_beside beside = {0};
	struct status_grants grants;
	struct status_sets sets;
	struct options o;
	struct err e = {0};
	int64_t now = clock_wall_ms(&app->clock);
	int status, rc;

	if (!app_begin(app, self, argc, argv, &o, &status))
		return status;
	if (app_no_words(self, &o, &e) != 0) {
		(void)err_help(&e,
			       "it tells of every audit; assize history AUDIT/CHECK of one check");
		return app_fail(app, &e);
	}
	if (app_load(app, &o, &d) != 0)
		return EXIT_USAGE;
	if (open_record(app, &o, &record, &status) != 0)
		return status;
	all = arena_array(app->arena, d->n_audits, sizeof(*all));
	rc = gather(app, d, record, now, all, &e);
	if (rc == 0)
		rc = status_sets_read(app, record, d, now, &sets, &e);
	if (rc == 0)
		rc = read_beside(app, record, d, now, &beside, &e);
	if (rc == 0)
		rc = status_grants_read(app, record, d, &grants, &e);
	if (rc == 0 && o.is_json)
		print_json(app, all, &sets, &grants, &beside);
	else if (rc == 0) {
		print_audits(app, all, d->n_audits, now);
		print_sets(app, d, &sets);
		rc = print_gates(app, d, record, now, &e);
		status_grants_print(app, &grants);
		status_challenge_print(app, &beside.challenge, now);
		status_print_undelivered(app, &beside.notices, now);
	}
	if (record != NULL)
		record_close(record);
	else if (rc == 0)
		tell_no_record(app);
	return rc != 0 ? app_fail(app, &e) : session_exit_status(joined(all, d->n_audits, &sets));
}
