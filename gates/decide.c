/*
 * The decision. Every check contributes lines; the lines alone decide. Nothing here can make a
 * pass: a line passes only where all series of the newest run say so and nothing refuses them, and
 * a gate with no passing hard line has nothing to open on.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "gates/gate.h"
#include "gates/lines.h"
#include "gates/refuse.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"

static struct decision_line *add_item_line(struct lines *l, const struct gate_item *item,
					   enum outcome outcome, const char *text)
{
	struct decision_line *line = lines_add(l, item->check->name, outcome, item->is_hard, text);

	line->file = item->check->pos.file;
	line->line = item->check->pos.line;
	line->col = item->check->pos.col;
	return line;
}

static const char *subject_text(struct lines *l, const char *subject)
{
	if (subject == NULL || subject[0] == '\0')
		return "no subject";
	return arena_printf(l->arena, "\"%s\"", subject);
}

static void decide_never(struct lines *l, const struct gate_input *in, const struct gate_item *item)
{
	const char *text = "never measured";
	struct decision_line *line;

	if (item->other_subject_ms >= 0)
		text = arena_printf(l->arena, "never measured about %s; last about %s, %s",
				    subject_text(l, in->subject),
				    subject_text(l, item->other_subject),
				    lines_age(l, item->other_subject_ms, in->now_ms));
	line = add_item_line(l, item, OUTCOME_UNDECIDED, text);
	line->remedy = lines_run(l, in, item->check);
}

/* A run is about what is here: where the tag is missing, that may be another commit. */
static const char *refusal_remedy(struct lines *l, const struct gate_input *in,
				  const struct gate_item *item, enum refusal why)
{
	const char *run = lines_run(l, in, item->check);

	if (why != REFUSE_MOVED || in->subject_commit != NULL || in->subject_error != NULL)
		return run;
	return arena_printf(l->arena, "git fetch --tags, or %s", run);
}

static const char *refusal_text(struct lines *l, const struct gate_input *in,
				const struct gate_item *item, const struct evidence *e,
				enum refusal why)
{
	const char *age = lines_age(l, e->result.measured_ms, in->now_ms);

	switch (why) {
	case REFUSE_NOTHING:
	case REFUSE_N:
		break;
	case REFUSE_SUBJECT:
		return arena_printf(l->arena, "measured about %s, not about %s",
				    subject_text(l, e->subject), subject_text(l, in->subject));
	case REFUSE_MOVED:
		return arena_printf(l->arena, "measured %s of %s: %s %s", age,
				    refuse_moved_what(in), subject_text(l, in->subject),
				    refuse_moved_text(l->arena, in, e->subject_commit));
	case REFUSE_CHECK:
		return "the evidence is of another check";
	case REFUSE_DEFINITION:
		return arena_printf(l->arena, "measured %s under another definition of the check",
				    age);
	case REFUSE_INCOMPLETE:
		return arena_printf(l->arena, "run %" PRId64 " did not come to its end", e->run_id);
	case REFUSE_INTERRUPTED:
		return arena_printf(l->arena, "run %" PRId64 " was interrupted", e->run_id);
	case REFUSE_FUTURE:
		return arena_printf(l->arena, "measured %s: a clock is wrong", age);
	case REFUSE_STALE:
		return arena_printf(l->arena, "measured %s, limit %s", age,
				    lines_duration(l, item->max_age_ms));
	}
	return "the evidence cannot be used";
}

/* "98.70 %, bound >= 99.9 %" */
static const char *value_text(struct lines *l, const struct result *r)
{
	const char *text;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* nothing here can fail */
	result_format(&b, r);
	if (r->bound != NULL && r->bound[0] != '\0')
		(void)buf_printf(&b, ", bound %s", r->bound);
	text = arena_strndup(l->arena, b.data, b.len);
	buf_release(&b);
	return text;
}

static bool has_value(const struct result *r)
{
	return r->value.type != VALUE_NONE &&
	       (r->value.type != VALUE_REAL || isfinite(r->value.real));
}

/* What a series that nothing refuses comes to at a gate. */
static enum outcome outcome_at_gate(const struct result *r)
{
	switch (r->outcome) {
	case OUTCOME_FAIL:
		return OUTCOME_FAIL;
	case OUTCOME_PASS:
	case OUTCOME_WARN:
		return has_value(r) ? r->outcome : OUTCOME_UNDECIDED;
	case OUTCOME_UNDECIDED:
	case OUTCOME_SKIP:
		return OUTCOME_UNDECIDED;
	}
	return OUTCOME_UNDECIDED;
}

/* A pass at a late attempt counts; that it was late is said wherever the pass is. */
static const char *flaky_text(struct lines *l, const struct result *r)
{
	if (!r->is_flaky)
		return "";
	return arena_printf(l->arena, ", flaky: passed at attempt %" PRId64, r->attempts);
}

static const char *outcome_text(struct lines *l, const struct gate_input *in,
				const struct result *r)
{
	const char *why = r->reason != NULL ? r->reason : "no reason was recorded";

	switch (r->outcome) {
	case OUTCOME_FAIL:
		return r->reason != NULL && strcmp(r->reason, "outside the bound") != 0
			       ? arena_printf(l->arena, "%s: %s", value_text(l, r), r->reason)
			       : value_text(l, r);
	case OUTCOME_PASS:
	case OUTCOME_WARN:
		if (!has_value(r))
			return "recorded as passing without a value";
		if (r->outcome == OUTCOME_WARN && r->reason != NULL)
			return arena_printf(l->arena, "%s: %s%s", value_text(l, r), r->reason,
					    flaky_text(l, r));
		return arena_printf(l->arena, "%s, measured %s%s", value_text(l, r),
				    lines_age(l, r->measured_ms, in->now_ms), flaky_text(l, r));
	case OUTCOME_SKIP:
		return arena_printf(l->arena, "skipped: %s", why);
	case OUTCOME_UNDECIDED:
		return arena_printf(l->arena, "could not be measured: %s", why);
	}
	return "recorded with an unknown outcome";
}

static void add_series(struct lines *l, const struct gate_input *in, const struct gate_item *item,
		       const struct evidence *e)
{
	const struct result *r = &e->result;
	enum outcome outcome = outcome_at_gate(r);
	struct decision_line *line = add_item_line(l, item, outcome, outcome_text(l, in, r));

	line->series = r->series != NULL ? r->series : "";
	line->run_id = e->run_id;
	line->measured_ms = r->measured_ms;
	if (r->bound_line > 0) {
		line->line = r->bound_line;
		line->col = r->bound_col;
	}
	waiver_rule_apply(l, in, item, line);
	if (!outcome_is_passing(outcome))
		line->remedy = arena_printf(l->arena, "assize explain %" PRId64 " %s", e->run_id,
					    lines_word(l, item->check->name));
}

/* One line for a check all of whose series pass unmarked, however many there are. */
static void add_passing(struct lines *l, const struct gate_input *in, const struct gate_item *item,
			int64_t oldest_ms)
{
	const struct evidence *first = &item->evidence[0];
	struct decision_line *line;

	if (item->n_evidence == 1) {
		add_series(l, in, item, first);
		return;
	}
	line = add_item_line(l, item, OUTCOME_PASS,
			     arena_printf(l->arena, "%zu series pass, measured %s%s",
					  item->n_evidence, lines_age(l, oldest_ms, in->now_ms),
					  flaky_text(l, &first->result)));
	line->run_id = first->run_id;
	line->measured_ms = oldest_ms;
}

static void decide_item(struct lines *l, const struct gate_input *in, const struct gate_item *item)
{
	bool is_said[REFUSE_N] = {false};
	int64_t oldest_ms = -1;
	size_t n_pass = 0, n_passing = 0;

	for (size_t i = 0; i < item->n_evidence; i++) {
		const struct evidence *e = &item->evidence[i];
		enum refusal why = refuse_evidence(in, item, e);
		enum outcome outcome = outcome_at_gate(&e->result);
		struct decision_line *line;

		if (why == REFUSE_NOTHING) {
			n_pass += outcome == OUTCOME_PASS ? 1 : 0;
			n_passing += outcome_is_passing(outcome) ? 1 : 0;
			if (outcome != OUTCOME_PASS)
				add_series(l, in, item, e);
		} else if (!is_said[why]) { /* true of the whole run: once is enough */
			line = add_item_line(l, item, OUTCOME_UNDECIDED,
					     refusal_text(l, in, item, e, why));
			line->run_id = e->run_id;
			line->measured_ms = e->result.measured_ms;
			line->remedy = refusal_remedy(l, in, item, why);
			is_said[why] = true;
		}
		if (oldest_ms == -1 || e->result.measured_ms < oldest_ms)
			oldest_ms = e->result.measured_ms;
	}
	if (item->n_evidence == 0)
		decide_never(l, in, item);
	else if (n_pass == item->n_evidence)
		add_passing(l, in, item, oldest_ms);
	if (item->is_hard && item->n_evidence > 0 && n_passing == item->n_evidence)
		lines_rest_on(l, oldest_ms);
}

static void add_gate_line(struct lines *l, const struct gate *g, const char *text)
{
	struct decision_line *line = lines_add(l, "", OUTCOME_UNDECIDED, true, text);

	line->file = g->pos.file;
	line->line = g->pos.line;
	line->col = g->pos.col;
}

/* Something to open on besides required checks. */
static bool has_other_rule(const struct gate *g)
{
	return g->rollback != NULL || g->n_budgets > 0 || g->n_baselines > 0;
}

bool gate_requires(const struct gate_input *in)
{
	for (size_t i = 0; i < in->n_items; i++)
		if (in->items[i].is_hard)
			return true;
	return has_other_rule(in->gate) && in->gate->n_require == 0;
}

bool gate_is_before_edition(const struct gate_input *in, int64_t edition)
{
	return in->edition != 0 && in->edition < edition;
}

/* Rules about the gate itself: without these there is nothing to open on. */
static void decide_gate(struct lines *l, const struct gate_input *in)
{
	const struct gate *g = in->gate;

	if (!gate_requires(in))
		add_gate_line(l, g, "no check is required: there is nothing to open on");
	if (!g->is_any_subject && (in->subject == NULL || in->subject[0] == '\0'))
		add_gate_line(l, g, "no subject is given: nobody knows what would be released");
	if (in->subject_error != NULL) {
		add_gate_line(l, g, in->subject_error);
		l->items[l->n - 1].remedy =
			"name the commit itself (--subject), or mend the repository";
	}
}

/* Said with the decision, for whoever reads it later; decides nothing. */
static void tell_policy(struct lines *l, const struct gate_input *in)
{
	if (in->policy != NULL)
		(void)lines_add(l, "", OUTCOME_PASS, false,
				arena_printf(l->arena, "decided by %s", in->policy));
}

/* Hard lines decide; those that are waived and the others that do not pass mark the decision. */
static enum outcome join_lines(const struct lines *l)
{
	enum outcome joined = OUTCOME_UNDECIDED;
	bool has_hard = false, is_marked = false;

	for (size_t i = 0; i < l->n; i++) {
		const struct decision_line *line = &l->items[i];

		if (!line->is_hard || line->waived != NULL) {
			is_marked = is_marked || line->outcome != OUTCOME_PASS;
			continue;
		}
		joined = has_hard ? outcome_join(joined, line->outcome) : line->outcome;
		has_hard = true;
	}
	return joined == OUTCOME_PASS && is_marked ? OUTCOME_WARN : joined;
}

void gate_decide(struct arena *a, const struct gate_input *in, struct decision *out)
{
	struct lines l = {
		.arena = a, .oldest_ms = -1, .has_one_unit = gate_is_before_edition(in, 4)};

	*out = (struct decision){.gate = in->gate != NULL ? in->gate->name : "",
				 .subject = in->subject != NULL ? in->subject : "",
				 .at_ms = in->now_ms};
	if (in->gate == NULL) {
		(void)lines_add(&l, "", OUTCOME_UNDECIDED, true, "there is no such gate");
	} else {
		decide_gate(&l, in);
		tell_policy(&l, in);
		for (size_t i = 0; i < in->n_items; i++)
			decide_item(&l, in, &in->items[i]);
		l.first_streak = l.n;
		for (size_t i = 0; i < in->n_items; i++)
			streak_rule_decide(&l, in, &in->items[i]);
		l.end_streak = l.n;
		for (size_t i = 0; i < in->n_budgets; i++)
			budget_rule_decide(&l, in, &in->budgets[i]);
		for (size_t i = 0; i < in->n_baselines; i++)
			baseline_rule_decide(&l, in, &in->baselines[i]);
		l.end_history = l.n;
		if (in->gate->rollback != NULL)
			rollback_rule_decide(&l, in);
		clock_rule_decide(&l, in);
		freeze_rule_decide(&l, in);
		depends_rule_decide(&l, in);
		ledger_rule_decide(&l, in);
		shards_rule_decide(&l, in);
		merged_rule_decide(&l, in);
		waiver_rule_close(&l, in);
	}
	out->outcome = join_lines(&l);
	out->is_open = outcome_is_passing(out->outcome);
	if (in->gate != NULL && !out->is_open)
		override_rule_apply(&l, in, out);
	lines_sort(&l);
	out->lines = l.items;
	out->n_lines = l.n;
	out->oldest_ms = l.oldest_ms;
}
