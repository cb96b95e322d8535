/*
 * The streak rule: so many of the last so many runs of a check must have passed (`consecutive: 3`
 * is 3 of 3).
 *
 * The window is made of the newest runs about the subject that measured the check, whatever they
 * came to: one that failed is a failure in it; one that did not end, was undecided, was skipped,
 * lacks a series, or measured another commit or under another definition is a doubt. A doubt never
 * passes, and when the rule would hold if all doubts were passes it is undecided, never disproved.
 *
 * Runs are in the order they began in. But one that was slow may have seen the check fail while
 * newer ones passed: a failure is as late as it was known, and a pass as early as it began to be
 * measured, so it takes its place before the newest pass that had begun by then. Passes stay in
 * their order, so a failure that comes forward pushes out what is older and never adds a pass.
 *
 * With `apart` a pass that came too soon before the one counted after it takes no place in the
 * window, so that a loop of runs is one pass. What did not pass always takes its place: runs cannot
 * be repeated until a failure has moved out of sight.
 *
 * The newest run must pass in any case: that is the rule about evidence (decide.c), and `of` only
 * forgives what came before it.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gates/lines.h"
#include "gates/refuse.h"
#include "runner/base/arena.h"
#include "runner/base/str.h"

/* One run of the check, all its series. */
struct streak_run {
	int64_t run_id, measured_ms;
	enum outcome outcome; /* PASS, FAIL, or UNDECIDED = doubt */
	const char *why;      /* not PASS */
};

struct streak_count {
	size_t n_seen; /* places of the window that are taken */
	size_t n_pass;
	size_t n_fail;
	size_t n_doubt;
	size_t n_close;	 /* passes that were too close to count */
	bool is_bounded; /* there are more runs than are looked at */
	const struct streak_run *first_fail, *first_doubt;
	int64_t counted_ms; /* of the last pass counted */
};

static const char *series_text(struct lines *l, const char *series)
{
	return series[0] != '\0' ? arena_printf(l->arena, " %s", str_escaped(l->arena, series))
				 : "";
}

/* Why one result of a run keeps the run from being a pass; NULL = it does not. */
static const char *doubt_about(struct lines *l, const struct gate_input *in,
			       const struct past_result *p)
{
	if (p->run_state == RUN_INTERRUPTED)
		return "was interrupted";
	if (p->run_state != RUN_COMPLETE)
		return "did not come to its end";
	if (!p->is_same_definition)
		return "measured under another definition of the check";
	if (refuse_is_moved(in, p->subject, p->subject_commit))
		return arena_printf(l->arena, "measured %s: \"%s\" %s", refuse_moved_what(in),
				    p->subject, refuse_moved_text(l->arena, in, p->subject_commit));
	if (refuse_is_future(p->measured_ms, in->now_ms) || p->measured_ms < 0)
		return "is from the future: a clock is wrong";
	if (p->outcome == OUTCOME_SKIP)
		return "skipped it";
	if (!outcome_is_passing(p->outcome) && p->outcome != OUTCOME_FAIL)
		return arena_printf(l->arena, "could not measure it%s", series_text(l, p->series));
	if (outcome_is_passing(p->outcome) && !p->has_value)
		return "has a pass without a value";
	return NULL;
}

static bool has_series(const struct past_result *results, size_t n, const char *series)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(results[i].series, series) == 0)
			return true;
	return false;
}

/* A series of the newest run that this run does not have; NULL = it has all of them. */
static const char *missing_series(const struct past_result *newest, size_t n_newest,
				  const struct past_result *results, size_t n)
{
	if (newest == results)
		return NULL;
	for (size_t i = 0; i < n_newest; i++) {
		/* series stand in one order in all runs: mostly it is the same place */
		if (i < n && strcmp(results[i].series, newest[i].series) == 0)
			continue;
		if (!has_series(results, n, newest[i].series))
			return newest[i].series;
	}
	return NULL;
}

static struct streak_run judge_run(struct lines *l, const struct gate_input *in,
				   const struct past_result *results, size_t n)
{
	struct streak_run run = {
		.run_id = results[0].run_id,
		.measured_ms = results[0].measured_ms,
		.outcome = OUTCOME_PASS,
	};

	for (size_t i = 0; i < n; i++) {
		const struct past_result *p = &results[i];
		const char *why = doubt_about(l, in, p);
		enum outcome one = why != NULL			? OUTCOME_UNDECIDED
				   : p->outcome == OUTCOME_FAIL ? OUTCOME_FAIL
								: OUTCOME_PASS;
		enum outcome both = outcome_join(run.outcome, one);

		if (why == NULL && one == OUTCOME_FAIL)
			why = arena_printf(l->arena, "failed%s", series_text(l, p->series));
		if (both != run.outcome)
			run.why = why;
		run.outcome = both;
		/* the earliest: a run is as far from the one after it as its first series is */
		if (p->measured_ms < run.measured_ms)
			run.measured_ms = p->measured_ms;
	}
	return run;
}

static size_t results_of_run(const struct past_result *results, size_t n)
{
	size_t end = 1;

	while (end < n && results[end].run_id == results[0].run_id)
		end++;
	return end;
}

/* The results of a run, and where it stands. */
struct placed {
	const struct past_result *results;
	size_t n, index; /* index: in the order of runs */
	size_t place;	 /* a failure that comes forward has that of the run it stands before */
	bool is_failing;
	int64_t begun_ms, failed_ms;
};

static struct placed look_at_run(const struct gate_input *in, const struct past_result *results,
				 size_t n, size_t index)
{
	struct placed p = {
		.results = results,
		.n = n,
		.index = index,
		.place = index,
		.begun_ms = results[0].measured_ms,
	};

	for (size_t i = 0; i < n; i++) {
		const struct past_result *r = &results[i];

		if (r->measured_ms < p.begun_ms)
			p.begun_ms = r->measured_ms;
		/* of another check, or another commit for certain: that says nothing about the runs
		 * of this */
		if (r->outcome != OUTCOME_FAIL || !r->is_same_definition ||
		    (in->subject_commit != NULL &&
		     refuse_is_moved(in, r->subject, r->subject_commit)))
			continue;
		if (!p.is_failing || r->known_ms > p.failed_ms)
			p.failed_ms = r->known_ms;
		p.is_failing = true;
	}
	return p;
}

static int compare_placed(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	if (x->is_failing != y->is_failing)
		return x->is_failing ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* The runs of the item's past, newest first. */
static struct placed *place_runs(struct lines *l, const struct gate_input *in,
				 const struct gate_item *item, size_t *n)
{
	struct placed *runs = arena_array(l->arena, item->n_past, sizeof(*runs));
	size_t count = 0;

	for (size_t i = 0, n_results; i < item->n_past; i += n_results) {
		n_results = results_of_run(&item->past[i], item->n_past - i);
		runs[count] = look_at_run(in, &item->past[i], n_results, count);
		count++;
	}
	*n = count;
	if (gate_is_before_edition(in, 2) || count == 0)
		return runs;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < i && runs[i].is_failing && runs[i].place == i; k++)
			if (!runs[k].is_failing && runs[k].begun_ms <= runs[i].failed_ms)
				runs[i].place = k;
	qsort(runs, count, sizeof(*runs), compare_placed);
	return runs;
}

static bool is_too_close(const struct streak_count *c, const struct selector *s,
			 const struct streak_run *run)
{
	return c->n_pass > 0 && s->streak_apart_ms > 0 &&
	       (run->measured_ms > c->counted_ms ||
		(uint64_t)c->counted_ms - (uint64_t)run->measured_ms <
			(uint64_t)s->streak_apart_ms);
}

static void count_run(struct lines *l, struct streak_count *c, const struct selector *s,
		      const struct streak_run *run)
{
	struct streak_run *kept;

	if (run->outcome == OUTCOME_PASS) {
		if (is_too_close(c, s, run)) {
			c->n_close++;
			return;
		}
		c->n_seen++;
		c->n_pass++;
		c->counted_ms = run->measured_ms;
		return;
	}
	kept = arena_alloc(l->arena, sizeof(*kept));
	*kept = *run;
	c->n_seen++;
	if (run->outcome == OUTCOME_FAIL) {
		c->n_fail++;
		c->first_fail = c->first_fail != NULL ? c->first_fail : kept;
	} else {
		c->n_doubt++;
		c->first_doubt = c->first_doubt != NULL ? c->first_doubt : kept;
	}
}

static struct streak_count count_runs(struct lines *l, const struct gate_input *in,
				      const struct gate_item *item, const struct selector *s)
{
	struct streak_count c = {0};
	size_t n_newest = item->n_past > 0 ? results_of_run(item->past, item->n_past) : 0;
	size_t n_runs = 0, n;
	const struct placed *runs = place_runs(l, in, item, &n);

	for (; n_runs < n && c.n_seen < (size_t)s->streak_of; n_runs++) {
		const struct placed *p = &runs[n_runs];
		struct streak_run run = judge_run(l, in, p->results, p->n);
		const char *missing = missing_series(item->past, n_newest, p->results, p->n);

		if (run.outcome == OUTCOME_PASS && missing != NULL) {
			run.outcome = OUTCOME_UNDECIDED;
			run.why = arena_printf(l->arena, "does not have its series%s",
					       series_text(l, missing));
		}
		count_run(l, &c, s, &run);
	}
	c.is_bounded = n_runs >= GATE_MAX_STREAK_RUNS;
	return c;
}

/* "3 in a row", "4 of the last 5" */
static const char *rule_text(struct lines *l, const struct selector *s)
{
	if (s->streak_need == s->streak_of)
		return arena_printf(l->arena, "%" PRId64 " in a row", s->streak_need);
	return arena_printf(l->arena, "%" PRId64 " of the last %" PRId64, s->streak_need,
			    s->streak_of);
}

static const char *apart_text(struct lines *l, const struct selector *s,
			      const struct streak_count *c)
{
	const char *close = "";

	if (s->streak_apart_ms == 0)
		return "";
	if (c->n_close > 0)
		close = arena_printf(l->arena, "; %zu more %s too close to a later one", c->n_close,
				     c->n_close == 1 ? "is" : "are");
	return arena_printf(l->arena, ", at least %s apart%s",
			    lines_duration(l, s->streak_apart_ms), close);
}

/* How many runs there are, which one is not a pass, what is missing. */
static const char *count_text(struct lines *l, const struct selector *s,
			      const struct streak_count *c, enum outcome outcome)
{
	const struct streak_run *culprit =
		outcome == OUTCOME_FAIL || c->first_doubt == NULL ? c->first_fail : c->first_doubt;
	size_t of = (size_t)s->streak_of;
	const char *text;

	if (c->n_seen < of)
		text = arena_printf(l->arena, "%zu of %zu run%s passed, there are no more",
				    c->n_pass, c->n_seen, c->n_seen == 1 ? "" : "s");
	else
		text = arena_printf(l->arena, "%zu of the last %zu runs passed", c->n_pass, of);
	if (c->n_seen < of && c->is_bounded)
		text = arena_printf(l->arena, "%zu of the last %d runs count", c->n_pass,
				    GATE_MAX_STREAK_RUNS);
	text = arena_printf(l->arena, "%s%s", text, apart_text(l, s, c));
	if (culprit != NULL)
		text = arena_printf(l->arena, "%s; run %" PRId64 " %s", text, culprit->run_id,
				    culprit->why);
	return outcome == OUTCOME_PASS
		       ? text
		       : arena_printf(l->arena, "%s, required are %s", text, rule_text(l, s));
}

static enum outcome outcome_of(const struct selector *s, const struct streak_count *c)
{
	size_t need = (size_t)s->streak_need, of = (size_t)s->streak_of;

	if (c->n_pass >= need)
		return OUTCOME_PASS;
	/* what is in doubt or not there yet could have passed */
	return of - c->n_fail < need ? OUTCOME_FAIL : OUTCOME_UNDECIDED;
}

static const char *remedy_of(struct lines *l, const struct gate_input *in,
			     const struct gate_item *item, const struct streak_count *c,
			     enum outcome outcome)
{
	if (outcome == OUTCOME_PASS)
		return NULL;
	if (outcome == OUTCOME_FAIL)
		return arena_printf(l->arena, "assize explain %" PRId64 " %s",
				    c->first_fail->run_id, lines_word(l, item->check->name));
	return lines_run(l, in, item->check);
}

static void decide_streak(struct lines *l, const struct gate_input *in,
			  const struct gate_item *item, const struct gate_streak *streak)
{
	const struct selector *s = streak->selector;
	struct streak_count c = count_runs(l, in, item, s);
	enum outcome outcome = outcome_of(s, &c);
	struct decision_line *line = lines_add(l, item->check->name, outcome, streak->is_hard,
					       count_text(l, s, &c, outcome));

	line->file = s->pos.file;
	line->line = s->pos.line;
	line->col = s->pos.col;
	line->remedy = remedy_of(l, in, item, &c, outcome);
	if (item->n_past == 0)
		return;
	line->run_id = item->past[0].run_id;
	line->measured_ms = item->past[0].measured_ms;
}

void streak_rule_decide(struct lines *l, const struct gate_input *in, const struct gate_item *item)
{
	for (size_t i = 0; i < item->n_streaks; i++)
		if (item->n_evidence > 0) /* never measured: that is said already, and shuts */
			decide_streak(l, in, item, &item->streaks[i]);
}
