/*
 * The centre is the median on both sides: what a timer gives has a tail on one side only, and one
 * repetition that something disturbed says nothing about the program.
 */
#include "runner/compare.h"

#include <math.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/history/record.h"
#include "runner/model/definition.h"
#include "runner/model/measurement.h"
#include "runner/model/unit.h"
#include "runner/stats/permutation.h"
#include "runner/stats/summary.h"

static double number_of(const struct value *v)
{
	return v->type == VALUE_INT ? (double)v->integer : v->real;
}

/* A share of something that was timed: more digits would be noise. */
static void put_share(struct buf *b, double share)
{
	/* unbounded, as all below: cannot fail */
	(void)buf_printf(b, share < 0.0995 ? "%.1f %%" : "%.0f %%", share * 100);
}

/* "4.1 % above", "1.2 ms below", "the same as" */
static void put_change(struct buf *b, double change, double centre, const char *unit)
{
	if (change == 0) {
		(void)buf_puts(b, "the same as");
		return;
	}
	if (centre > 0)
		put_share(b, fabs(change) / centre);
	else
		unit_format(b, fabs(change), unit);
	(void)buf_puts(b, change > 0 ? " above" : " below");
}

static const char *take(struct arena *a, struct buf *b)
{
	const char *text = arena_strndup(a, b->data, b->len);

	buf_release(b);
	return text;
}

static const char *rule_words(struct arena *a, const struct sampling *s, const char *unit)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	(void)buf_puts(&b, "worse is more than ");
	unit_format(&b, s->effect, s->is_effect_share ? "%" : unit);
	(void)buf_printf(&b, ", with a p of at most %.2g", s->level);
	return take(a, &b);
}

static const char *history_words(struct arena *a, const struct measurement *m,
				 const struct comparison *c, const double *medians, size_t n)
{
	double least = medians[0], most = medians[0];
	struct buf b;

	for (size_t i = 1; i < n; i++) {
		least = fmin(least, medians[i]);
		most = fmax(most, medians[i]);
	}
	buf_init(&b, BUF_UNBOUNDED);
	put_change(&b, c->change, c->centre, m->unit);
	(void)buf_puts(&b, " the median ");
	unit_format(&b, c->centre, m->unit);
	(void)buf_printf(&b, " of %zu runs (", n);
	unit_format(&b, least, m->unit);
	(void)buf_puts(&b, " to ");
	unit_format(&b, most, m->unit);
	(void)buf_printf(&b, "), p = %.2g", c->p_value);
	return take(a, &b);
}

/* n runs are enough. */
static void compare_medians(struct arena *a, const struct measurement *m, const double *medians,
			    size_t n, struct comparison *out)
{
	const struct sampling *s = m->sampling;
	double present = number_of(&m->value);

	out->centre = stats_median(medians, n);
	out->change = present - out->centre;
	out->floor = s->is_effect_share ? s->effect * fabs(out->centre) : s->effect;
	out->p_value = stats_permutation_run(medians, n, present).p_value;
	out->level = s->level;
	out->words = history_words(a, m, out, medians, n);
	out->rule = rule_words(a, s, m->unit);
}

static int compare_with_history(struct arena *a, const struct compare_with *with,
				const struct measurement *m, struct comparison *out, struct err *e)
{
	const struct sampling *s = m->sampling;
	size_t needed = stats_permutation_min_runs(s->level), n = 0;
	struct sample_query query = {
		.check = with->check,
		.series = with->series,
		.hash = with->hash,
		.before_run_id = with->run_id,
		.is_any_host = s->is_any_host,
		.limit = s->max_runs,
	};
	struct sample_run *runs = NULL;
	double *medians;

	*out = (struct comparison){.reason = NULL};
	if (with->record != NULL && record_sample_runs(with->record, a, &query, &runs, &n, e) != 0)
		return -1;
	if (n < needed) {
		out->reason = arena_printf(
			a,
			"the history has %zu run%s of this definition%s, at least %zu are needed",
			n, n == 1 ? "" : "s", s->is_any_host ? "" : " on this host", needed);
		out->help = arena_printf(a,
					 "each run adds one: %zu more; until then only a bound of "
					 "its own can decide",
					 needed - n);
		return 0;
	}
	medians = arena_array(a, n, sizeof(*medians));
	for (size_t i = 0; i < n; i++)
		medians[i] = stats_median(runs[i].values, runs[i].n);
	compare_medians(a, m, medians, n, out);
	return 0;
}

static void compare_with_control(struct arena *a, const struct measurement *m,
				 struct comparison *out)
{
	const struct sampling *s = m->sampling;
	size_t needed = stats_permutation_min_pairs(s->level);
	struct buf b;

	*out = (struct comparison){.centre = 1, .level = s->level};
	if (s->paired == NULL || s->n_pairs == 0) {
		out->reason = "there is no control beside the value";
		return;
	}
	if (s->n_pairs < needed) {
		out->reason = arena_printf(
			a, "there are %zu pairs, at least %zu are needed for a p of at most %.2g",
			s->n_pairs, needed, s->level);
		out->help =
			"fewer say \"not worse\" whatever they measured: raise n:, and timeout: if "
			"it ended them";
		return;
	}
	out->change = number_of(&m->value) - out->centre;
	out->floor = s->effect;
	out->p_value = stats_permutation_paired(s->paired, s->n_pairs, s->seed).p_value;
	buf_init(&b, BUF_UNBOUNDED);
	put_change(&b, out->change, out->centre, "");
	(void)buf_printf(&b, " the control in the middle of %zu pairs, p = %.2g", s->n_pairs,
			 out->p_value);
	out->words = take(a, &b);
	out->rule = rule_words(a, s, "");
}

/* ---- what a judge asks for ---- */

static bool wants(const struct named_expectation *x, bool is_of_control)
{
	if (is_of_control)
		return (x->has_expect && x->expect.has_control) ||
		       (x->has_warn && x->warn.has_control);
	return (x->has_expect && x->expect.has_history) || (x->has_warn && x->warn.has_history);
}

int compare_measurement(struct arena *a, const struct compare_with *with,
			const struct named_expectation *expected, const struct measurement *m,
			struct baseline *out, struct err *e)
{
	struct comparison *both;

	if (m->value.type == VALUE_NONE || m->sampling == NULL)
		return 0;
	both = arena_array(a, 2, sizeof(*both));
	if (wants(expected, true)) {
		compare_with_control(a, m, &both[0]);
		out->control = &both[0];
	}
	if (wants(expected, false)) {
		if (compare_with_history(a, with, m, &both[1], e) != 0)
			return -1;
		out->history = &both[1];
	}
	return 0;
}

/* One line; NULL when there is nothing to say. */
static const char *line_of(struct arena *a, const struct comparison *c, const char *name,
			   const char *reason)
{
	if (c == NULL || (c->words == NULL && c->help == NULL))
		return NULL;
	if (c->words == NULL)
		return arena_printf(a, "help: %s", c->help);
	if (reason != NULL && strcmp(reason, c->words) == 0) /* it was said */
		return arena_printf(a, "%s: %s", name, c->rule);
	return arena_printf(a, "%s: %s, %s", name, c->words, c->rule);
}

const char *compare_evidence(struct arena *a, const struct baseline *b, const char *reason,
			     const char *evidence)
{
	const char *const lines[] = {line_of(a, b->control, "control", reason),
				     line_of(a, b->history, "history", reason)};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (lines[i] != NULL)
			evidence = evidence == NULL ? lines[i]
						    : arena_printf(a, "%s\n%s", lines[i], evidence);
	return evidence;
}
