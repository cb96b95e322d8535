/*
 * assize replay: was it judged and decided as the record says? Results are judged again from their
 * recorded values, decisions are made again from recorded evidence, both by the functions that did
 * it then, offline, without a definition.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/gate_again.h"
#include "runner/history/record.h"
#include "runner/options.h"
#include "runner/replay_results.h"
#include "runner/show.h"

static int run_replay(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"file", "record", "decision", "quiet", NULL};

const struct command command_replay = {
	.name = "replay",
	.group = "ask the record",
	.words = "RUN|latest, or --decision ID",
	.summary = "judge a run's results, or make a gate's decision, again from the record alone",
	.accepts = accepts,
	.run = run_replay,
};

struct replay_command {
	struct app *app;
	struct options o;
	struct record *record;
	size_t n_equal, n_differs, n_unknown;
};

static const char *escaped(struct replay_command *c, const char *text)
{
	return str_escaped(c->app->arena, text);
}

/* One line of what is not equal; what is equal is counted. */
static void tell(struct replay_command *c, const char *word, const char *of, const char *text)
{
	(void)fprintf(c->app->out, "%-8s %s  %s\n", word, escaped(c, of), escaped(c, text));
}

static const char *series_words(struct arena *a, const char *check, const char *series)
{
	return series[0] != '\0' ? arena_printf(a, "%s %s", check, series) : check;
}

/* ---- results ---- */

static int replay_results(struct replay_command *c, int64_t run_id, struct err *e)
{
	struct arena *a = c->app->arena;
	size_t n, counts[3] = {0};
	struct result *results;
	struct run_info run;

	if (record_run(c->record, a, run_id, &run, e) != 0 ||
	    record_run_results(c->record, a, run_id, &results, &n, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		enum replayed outcome;
		const char *text;

		if (replay_result(c->record, a, &run, &results[i], &outcome, &text, e) != 0)
			return -1;
		counts[outcome]++;
		if (outcome != REPLAYED_EQUAL)
			tell(c, outcome == REPLAYED_DIFFERS ? "differs" : "unknown",
			     series_words(a, results[i].check->name, results[i].series), text);
	}
	if (!c->o.is_quiet || counts[REPLAYED_EQUAL] < n)
		(void)fprintf(c->app->out,
			      "run %" PRId64 ": %zu result%s, %zu equal, %zu differ, %zu cannot be "
			      "judged again\n",
			      run_id, n, n == 1 ? "" : "s", counts[REPLAYED_EQUAL],
			      counts[REPLAYED_DIFFERS], counts[REPLAYED_UNKNOWN]);
	c->n_equal += counts[REPLAYED_EQUAL];
	c->n_differs += counts[REPLAYED_DIFFERS];
	c->n_unknown += counts[REPLAYED_UNKNOWN];
	return 0;
}

/* ---- decisions ---- */

static bool same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same_waived(const struct waived *a, const struct waived *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return same(a->id, b->id) && same(a->owner, b->owner) && same(a->reason, b->reason) &&
	       same(a->ticket, b->ticket) && a->granted_ms == b->granted_ms &&
	       a->expires_ms == b->expires_ms;
}

static bool same_override(const struct override *a, const struct override *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return a->id == b->id && same(a->gate, b->gate) && same(a->subject, b->subject) &&
	       same(a->actor, b->actor) && same(a->reason, b->reason) && a->at_ms == b->at_ms &&
	       a->until_ms == b->until_ms;
}

static const char *override_words(struct arena *a, const struct override *o)
{
	return o == NULL ? "not overridden"
			 : arena_printf(a, "overridden by %s (override %" PRId64 ")", o->actor,
					o->id);
}

static bool same_line(const struct decision_line *a, const struct decision_line *b)
{
	return same(a->check, b->check) && same(a->series, b->series) && same(a->text, b->text) &&
	       same(a->remedy, b->remedy) && same(a->file, b->file) && a->outcome == b->outcome &&
	       a->is_hard == b->is_hard && a->line == b->line && a->col == b->col &&
	       a->run_id == b->run_id && a->measured_ms == b->measured_ms &&
	       same_waived(a->waived, b->waived);
}

static const char *line_words(struct arena *a, const struct decision_line *l)
{
	return arena_printf(
		a, "%s%s, %s: %s%s%s", outcome_name(l->outcome), l->is_hard ? "" : " (advice)",
		l->run_id != 0 ? arena_printf(a, "run %" PRId64, l->run_id) : "no run", l->text,
		l->remedy != NULL ? ", to do: " : "", l->remedy != NULL ? l->remedy : "");
}

static const char *of_line(struct arena *a, const struct decision_line *l)
{
	return series_words(a, l->check[0] != '\0' ? l->check : "gate", l->series);
}

static void compare_lines(struct replay_command *c, const struct decision *was,
			  const struct decision *is)
{
	struct arena *a = c->app->arena;
	size_t n = was->n_lines > is->n_lines ? was->n_lines : is->n_lines;

	for (size_t i = 0; i < n; i++) {
		const struct decision_line *one = i < was->n_lines ? &was->lines[i] : NULL;
		const struct decision_line *other = i < is->n_lines ? &is->lines[i] : NULL;

		if (one != NULL && other != NULL && same_line(one, other)) {
			c->n_equal++;
			continue;
		}
		c->n_differs++;
		if (one != NULL)
			tell(c, "recorded", of_line(a, one), line_words(a, one));
		if (other != NULL)
			tell(c, "again", of_line(a, other), line_words(a, other));
	}
}

static void compare_ends(struct replay_command *c, const struct decision *was,
			 const struct decision *is)
{
	const char *text = NULL;

	if (was->is_open != is->is_open || was->outcome != is->outcome)
		text = arena_printf(c->app->arena, "recorded is %s, %s; made again it is %s, %s",
				    was->is_open ? "open" : "shut", outcome_name(was->outcome),
				    is->is_open ? "open" : "shut", outcome_name(is->outcome));
	else if (!same(was->gate, is->gate) || !same(was->subject, is->subject) ||
		 was->at_ms != is->at_ms)
		text = "it was made for another gate, subject or time than its policy and basis "
		       "say";
	else if (!same_override(was->override, is->override))
		text = arena_printf(c->app->arena, "recorded is %s; made again it is %s",
				    override_words(c->app->arena, was->override),
				    override_words(c->app->arena, is->override));
	else if (was->oldest_ms != is->oldest_ms)
		text = "its oldest evidence is not of the time that is recorded";
	if (text == NULL)
		return;
	c->n_differs++;
	tell(c, "differs", arena_printf(c->app->arena, "decision %" PRId64, was->id), text);
}

/* What was let through by override is told as what it is without it. */
static const char *end_words(struct arena *a, const struct decision *d)
{
	if (decision_is_overridden(d))
		return arena_printf(a, "overridden (override %" PRId64 "), without it shut, %s",
				    d->override->id, outcome_name(d->outcome));
	return d->is_open ? "open" : "shut";
}

static int replay_decision(struct replay_command *c, const struct decision *was, struct err *e)
{
	size_t before = c->n_differs;
	struct decision is;

	if (was->policy == NULL || was->basis == NULL) {
		c->n_unknown++;
		tell(c, "unknown", arena_printf(c->app->arena, "decision %" PRId64, was->id),
		     "what it was made from was not recorded: an older assize made it");
		return 0;
	}
	if (gate_decide_again(c->record, c->app->arena, was, &is, e) != 0)
		return -1;
	compare_lines(c, was, &is);
	compare_ends(c, was, &is);
	if (!c->o.is_quiet || c->n_differs > before)
		(void)fprintf(c->app->out,
			      "decision %" PRId64 " of gate %s about %s: %s, %zu line%s, %s\n",
			      was->id, escaped(c, was->gate), escaped(c, was->subject),
			      end_words(c->app->arena, was), was->n_lines,
			      was->n_lines == 1 ? "" : "s",
			      c->n_differs > before ? "differs" : "equal");
	return 0;
}

static int replay_decisions(struct replay_command *c, int64_t run_id, struct err *e)
{
	struct decision *decisions;
	size_t n;

	if (record_run_decisions(c->record, c->app->arena, run_id, &decisions, &n, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (replay_decision(c, &decisions[i], e) != 0)
			return -1;
	return 0;
}

static int replay(struct replay_command *c, struct err *e)
{
	struct decision *decision;
	int64_t id;

	if (c->o.decision == NULL)
		return show_run_id(c->app, c->record, c->o.words[0], &id, e) != 0 ||
				       replay_results(c, id, e) != 0 ||
				       replay_decisions(c, id, e) != 0
			       ? -1
			       : 0;
	if (num_parse_int(c->o.decision, strlen(c->o.decision), &id) != 0 || id <= 0)
		return err_set(e, ERR_USAGE, "\"%s\" is not the number of a decision",
			       escaped(c, c->o.decision));
	return record_decision_of(c->record, c->app->arena, id, &decision, e) != 0 ||
			       replay_decision(c, decision, e) != 0
		       ? -1
		       : 0;
}

static int exit_of(const struct replay_command *c)
{
	if (c->n_differs > 0)
		return EXIT_DISPROVED;
	return c->n_unknown > 0 || c->n_equal == 0 ? EXIT_UNDECIDED : EXIT_PASS;
}

static int run_replay(struct app *app, const struct command *self, int argc, char **argv)
{
	struct replay_command c = {.app = app};
	struct err e = {0};
	int status;

	if (!app_begin(app, self, argc, argv, &c.o, &status))
		return status;
	if (c.o.n_words != (c.o.decision == NULL ? 1 : 0)) {
		(void)err_set(&e, ERR_USAGE,
			      "assize replay takes a run, or --decision and its "
			      "number");
		(void)err_help(&e, "e.g. assize replay latest");
		return app_fail(app, &e);
	}
	if (app_open_record(app, &c.o, &c.record, &status) != 0)
		return status;
	status = replay(&c, &e) == 0 ? exit_of(&c) : app_fail(app, &e);
	record_close(c.record);
	return status;
}
