/*
 * A check passes only when every value somebody expects something of was measured and held. Three
 * ways not to have a measurement meet here: the probe failed, the probe said "no value", or the
 * probe was silent about a value. All three are undecided, each with its reason.
 */
#include "runner/judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/map.h"
#include "runner/base/redact.h"
#include "runner/compare.h"
#include "runner/expects.h"
#include "runner/history/record.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"
#include "runner/model/unit.h"
#include "runner/plan.h"

/* Series of one job whose evidence is fetched: what fails everywhere is seen from these. */
#define MAX_FINDINGS 64

struct context {
	const struct judge *judge;
	struct job *job;
	struct arena *arena;
	const struct check *check;
	size_t slot;
	struct judged *out;
	size_t cap;
};

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *join_tags(struct arena *a, const struct texts *tags)
{
	const char **sorted = arena_array(a, tags->n, sizeof(*sorted));
	struct buf b;
	const char *text;

	if (tags->n > 0)
		memcpy(sorted, tags->items, tags->n * sizeof(*sorted));
	qsort(sorted, tags->n, sizeof(*sorted), compare_text);
	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded */
	for (size_t i = 0; i < tags->n; i++)
		(void)buf_printf(&b, "%s%s", i > 0 ? " " : "", sorted[i]);
	text = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return text;
}

const struct check_info *judge_check_info(struct arena *a, const struct check *c,
					  const struct redactor *redactor)
{
	struct check_info *info = arena_alloc(a, sizeof(*info));

	*info = (struct check_info){
		.name = c->name,
		.kind = c->kind->name,
		.title = c->title,
		.why = c->why,
		.owner = c->owner,
		.target = c->target != NULL ? c->target->name : NULL,
		.file = c->pos.file,
		.line = c->pos.line,
		.col = c->pos.col,
		.severity = c->severity,
		.tags = join_tags(a, &c->tags),
		.expects = redact_text(redactor, a, expects_write(a, c)),
	};
	memcpy(info->hash, c->hash, sizeof(info->hash));
	return info;
}

static const char *clean(const struct context *x, const char *s)
{
	return redact_text(x->judge->redactor, x->arena, s);
}

static struct result *add_result(struct context *x)
{
	struct result *r;

	if (x->out->n == x->cap) {
		size_t cap = x->cap == 0 ? 4 : x->cap * 2;
		struct result *grown = arena_array(x->arena, cap, sizeof(*grown));
		const struct measurement **of = arena_array(x->arena, cap, sizeof(*of));

		if (x->out->n > 0) {
			memcpy(grown, x->out->results, x->out->n * sizeof(*grown));
			memcpy(of, x->out->measured, x->out->n * sizeof(*of));
		}
		x->out->results = grown;
		x->out->measured = of;
		x->cap = cap;
	}
	x->out->measured[x->out->n] = NULL;
	r = &x->out->results[x->out->n++];
	*r = (struct result){
		.ordinal = (int64_t)x->slot,
		.check = x->judge->infos[x->slot],
		.series = "",
		.unit = "",
		.bound = "",
		.room = NAN,
		.n = -1,
		.n_total = -1,
		.share = NAN,
	};
	if (x->job != NULL) {
		r->measured_ms = x->job->measured_ms;
		r->duration_us = x->job->duration_us;
		r->attempts = x->job->attempt;
	}
	return r;
}

static const struct named_expectation *expectation_of(const struct check *c, const char *name)
{
	for (size_t i = 0; i < c->n_expects; i++)
		if (strcmp(c->expects[i].name, name) == 0)
			return &c->expects[i];
	return NULL;
}

static int64_t longest_window(const struct named_expectation *x)
{
	int64_t window = x->has_expect ? x->expect.window_ms : 0;

	return x->has_warn && x->warn.window_ms > window ? x->warn.window_ms : window;
}

static void copy_measurement(const struct context *x, const struct measurement *m, struct result *r)
{
	x->out->measured[r - x->out->results] = m;
	r->series = clean(x, measurement_series(x->arena, m));
	r->value = m->value;
	if (m->value.type == VALUE_TEXT)
		r->value.text = clean(x, m->value.text);
	r->unit = m->unit;
	r->n = m->n;
	r->n_total = m->n_total;
	r->share = m->share;
	if (m->sampling != NULL && m->value.type != VALUE_NONE) {
		r->samples = m->sampling->values;
		r->n_samples = m->sampling->n;
	}
	r->evidence = clean(x, m->evidence);
	r->query = clean(x, m->query);
	r->reason = clean(x, m->reason);
}

static void copy_verdict(const struct context *x, const struct verdict *v, struct result *r)
{
	bool is_same_file = v->pos.file != NULL && x->check->pos.file != NULL &&
			    strcmp(v->pos.file, x->check->pos.file) == 0;

	r->outcome = v->outcome;
	r->bound = clean(x, v->bound);
	r->has_limit = v->has_limit;
	r->limit = v->limit;
	r->room = v->room;
	if (v->reason != NULL)
		r->reason = clean(x, v->reason);
	r->bound_line = is_same_file ? v->pos.line : 0;
	r->bound_col = is_same_file ? v->pos.col : 0;
}

/* Nobody expects anything of this value: it is kept for the eye, it decides nothing. */
static void keep_unjudged(struct context *x, const struct measurement *m)
{
	struct result *r;

	if (m->value.type == VALUE_NONE)
		return;
	r = add_result(x);
	copy_measurement(x, m, r);
	r->outcome = OUTCOME_PASS;
	r->is_flaky = x->job->attempt > 1;
}

void judge_value(struct arena *a, const struct named_expectation *expected,
		 const struct measurement *m, const struct baseline *baseline, struct verdict *out)
{
	if (expected->has_expect) {
		expect_judge(a, &expected->expect, expected->has_warn ? &expected->warn : NULL, m,
			     baseline, out);
		return;
	}
	/* a warning bound alone: the value itself must exist */
	expect_judge(a, &expected->warn, NULL, m, baseline, out);
	if (out->outcome == OUTCOME_FAIL)
		out->outcome = OUTCOME_WARN;
}

static int judge_measurement(struct context *x, const struct named_expectation *expected,
			     const struct measurement *m, struct err *e)
{
	struct compare_with with = {x->judge->record, x->check->name, NULL, x->check->hash,
				    x->judge->run_id};
	struct result *r = add_result(x);
	struct baseline baseline = {0};
	struct verdict v;
	int64_t window = longest_window(expected);

	copy_measurement(x, m, r);
	with.series = r->series;
	if (window > 0 && x->judge->record != NULL &&
	    record_baseline(x->judge->record, r->check, r->series, x->job->measured_ms - window,
			    x->judge->run_id, &baseline, e) != 0)
		return -1;
	if (compare_measurement(x->arena, &with, expected, m, &baseline, e) != 0)
		return -1;
	judge_value(x->arena, expected, m, &baseline, &v);
	copy_verdict(x, &v, r);
	r->evidence = compare_evidence(x->arena, &baseline, r->reason, r->evidence);
	r->is_flaky = x->job->attempt > 1 && outcome_is_passing(r->outcome);
	return 0;
}

static void add_undecided(struct context *x, const char *series, struct pos pos, const char *reason,
			  const char *evidence)
{
	struct result *r = add_result(x);

	r->series = series;
	r->outcome = OUTCOME_UNDECIDED;
	r->reason = clean(x, reason);
	r->evidence = clean(x, evidence);
	if (pos.file != NULL && x->check->pos.file != NULL &&
	    strcmp(pos.file, x->check->pos.file) == 0) {
		r->bound_line = pos.line;
		r->bound_col = pos.col;
	}
}

/* Two values under one series key: which one is true nobody knows. */
static void refuse_duplicates(struct context *x)
{
	struct map seen;

	if (x->out->n < 2)
		return;
	map_init(&seen, x->arena);
	for (size_t i = 0; i < x->out->n; i++) {
		struct result *r = &x->out->results[i];
		struct result *first;

		if (map_put(&seen, r->series, r))
			continue;
		first = map_get(&seen, r->series);
		first->outcome = OUTCOME_UNDECIDED;
		first->value = (struct value){.type = VALUE_NONE};
		first->reason = "the series was measured more than once";
		memmove(r, r + 1, (x->out->n - i - 1) * sizeof(*r));
		memmove(&x->out->measured[i], &x->out->measured[i + 1],
			(x->out->n - i - 1) * sizeof(struct measurement *));
		x->out->n--;
		i--;
	}
}

static void add_missing(struct context *x, const bool *is_seen)
{
	const struct check *c = x->check;

	for (size_t i = 0; i < c->n_expects; i++) {
		const struct named_expectation *expected = &c->expects[i];

		if (!is_seen[i] && !expected->is_optional)
			add_undecided(x, expected->name,
				      expected->has_expect ? expected->expect.pos
							   : expected->warn.pos,
				      "the check gave no such value", NULL);
	}
}

static void add_failure(struct context *x)
{
	const struct err *err = x->job->err;
	const char *help =
		err->help[0] != '\0' ? arena_printf(x->arena, "help: %s", err->help) : NULL;

	add_undecided(x, "", x->check->kind_pos,
		      err->message[0] != '\0' ? arena_strdup(x->arena, err->message)
					      : "the probe failed without saying why",
		      help);
}

/* What the attempts before this one gave (masked when they were judged) comes first. */
static void add_earlier(struct context *x, const char *earlier)
{
	for (size_t i = 0; earlier != NULL && i < x->out->n; i++) {
		struct result *r = &x->out->results[i];

		if (r->evidence == NULL)
			r->evidence = earlier;
		else if (strlen(earlier) + strlen(r->evidence) + 1 < EVIDENCE_MAX_BYTES)
			r->evidence = arena_printf(x->arena, "%s\n%s", earlier, r->evidence);
	}
}

int judge_job(const struct judge *j, struct job *job, size_t i, struct judged *out, struct err *e)
{
	struct context x = {j, job, job->arena, job->checks[i], job->slots[i], out, 0};
	bool *is_seen = arena_array(x.arena, x.check->n_expects, sizeof(*is_seen));
	size_t n_emitted = 0;

	*out = (struct judged){.outcome = OUTCOME_UNDECIDED};
	for (size_t k = 0; k < job->probe.n_emitted; k++) {
		const struct measurement *m = &job->probe.emitted[k].measurement;
		const struct named_expectation *expected;

		if (job->probe.emitted[k].check != i)
			continue;
		n_emitted++;
		expected = expectation_of(x.check, m->name);
		if (expected == NULL) {
			keep_unjudged(&x, m);
			continue;
		}
		is_seen[expected - x.check->expects] = true;
		if (judge_measurement(&x, expected, m, e) != 0)
			return -1;
	}
	if (job->err != NULL && (n_emitted == 0 || job->n_checks == 1))
		add_failure(&x); /* also behind a part of its values: the rest is unknown */
	else
		add_missing(&x, is_seen);
	if (out->n == 0)
		add_undecided(&x, "", x.check->kind_pos, "the check measured nothing", NULL);
	refuse_duplicates(&x);
	add_earlier(&x, job->earlier != NULL ? job->earlier[i] : NULL);
	out->results[0].cursor = job->probe.cursor;
	out->outcome = out->results[0].outcome;
	for (size_t k = 1; k < out->n; k++)
		out->outcome = outcome_join(out->outcome, out->results[k].outcome);
	return 0;
}

static const char *joined(struct arena *a, const char *first, const char *gap, const char *second)
{
	return first == NULL ? second : arena_printf(a, "%s%s%s", first, gap, second);
}

#define GIVEN_UP "not tried again:"

bool judge_is_given_up(const struct result *r)
{
	return r->outcome == OUTCOME_UNDECIDED && r->reason != NULL &&
	       strstr(r->reason, GIVEN_UP) != NULL;
}

void judge_give_up(const struct job *job, size_t i, struct judged *judged)
{
	struct arena *a = job->arena;
	const char *reason;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* two numbers */
	(void)buf_puts(&b, GIVEN_UP " the server asks to be left alone for ");
	unit_format(&b, (double)job->probe.retry_after_ms / 1000, "s");
	(void)buf_puts(&b, ", longer than the check's timeout of ");
	unit_format(&b, (double)job->checks[i]->timeout_ms / 1000, "s");
	reason = arena_strdup(a, b.data);
	buf_release(&b);
	for (size_t k = 0; k < judged->n; k++) {
		struct result *r = &judged->results[k];

		if (outcome_is_passing(r->outcome))
			continue;
		r->outcome = OUTCOME_UNDECIDED;
		r->reason = joined(a, r->reason, "; ", reason);
		r->evidence =
			joined(a, r->evidence, "\n", "help: a longer timeout allows a longer wait");
	}
	judged->outcome = OUTCOME_UNDECIDED;
}

void judge_find(struct job *job, size_t i, const struct judged *judged)
{
	const struct check *c = job->checks[i];

	if (c->kind->evidence == NULL || !c->kind->wants_evidence(c))
		return;
	if (job->findings == NULL)
		job->findings = arena_array(job->arena, MAX_FINDINGS, sizeof(*job->findings));
	for (size_t k = 0; k < judged->n && job->n_findings < MAX_FINDINGS; k++)
		if (judged->results[k].outcome == OUTCOME_FAIL && judged->measured[k] != NULL)
			job->findings[job->n_findings++] = (struct finding){
				.check = i,
				.measurement = judged->measured[k],
				.result = &judged->results[k],
			};
}

void judge_add_evidence(const struct judge *j, struct job *job)
{
	for (size_t i = 0; i < job->n_findings; i++) {
		const struct finding *f = &job->findings[i];
		const char *before = f->result->evidence;
		const char *text = redact_text(j->redactor, job->arena, f->text);

		if (text == NULL ||
		    (before != NULL && strlen(before) + strlen(text) >= EVIDENCE_MAX_BYTES))
			continue;
		f->result->evidence =
			before == NULL ? text : arena_printf(job->arena, "%s\n%s", before, text);
	}
}

void judge_unexecuted(const struct judge *j, struct arena *a, const struct check *c, size_t slot,
		      enum outcome outcome, const char *reason, int64_t now_ms, struct judged *out)
{
	struct context x = {j, NULL, a, c, slot, out, 0};
	struct result *r;

	*out = (struct judged){.outcome = outcome};
	r = add_result(&x);
	r->outcome = outcome;
	r->reason = clean(&x, reason);
	r->measured_ms = now_ms;
}
