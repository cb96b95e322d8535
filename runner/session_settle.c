/*
 * From a finished job to lines on the terminal: judge, settle, commit, print, in this order.
 *
 * A job comes back twice when series of it failed and their kind has something to show of them: the
 * verdict is made first and stands, then the pool fetches the evidence. An interrupt in between
 * loses the evidence only.
 *
 * A job's arena is freed when the last of its checks was printed; what must outlive that (the run's
 * own facts, a skip's reason) is in the program's arena.
 */
#include <string.h>

#include "reports/terminal.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/redact.h"
#include "runner/base/utf8.h"
#include "runner/engine.h"
#include "runner/history/record.h"
#include "runner/io/clock.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"
#include "runner/retry.h"
#include "runner/session_parts.h"

int64_t session_monotonic_ms(const struct session *s)
{
	return clock_monotonic_ms(&s->req->app->clock);
}

int64_t session_wall_ms(const struct session *s)
{
	return clock_wall_ms(&s->req->app->clock);
}

static void grow(struct session *s, size_t n_results, size_t n_restorations)
{
	struct arena *a = s->req->app->arena;

	if (s->n_batch + n_results > s->cap_batch) {
		size_t cap = (s->n_batch + n_results) * 2 + 64;
		struct result *more = arena_array(a, cap, sizeof(*more));

		if (s->n_batch > 0)
			memcpy(more, s->batch, s->n_batch * sizeof(*more));
		s->batch = more;
		s->cap_batch = cap;
	}
	if (s->n_restorations + n_restorations > s->cap_restorations) {
		size_t cap = (s->n_restorations + n_restorations) * 2;
		struct restoration *more = arena_array(a, cap, sizeof(*more));

		if (s->n_restorations > 0)
			memcpy(more, s->restorations, s->n_restorations * sizeof(*more));
		s->restorations = more;
		s->cap_restorations = cap;
	}
}

static void settle(struct session *s, size_t slot, const struct judged *judged, struct arena *a,
		   size_t *n_holders)
{
	struct slot *it = &s->slots[slot];

	it->judged = *judged;
	it->is_judged = true;
	it->pending = NULL;
	it->arena = a;
	it->n_holders = n_holders;
	if (n_holders != NULL)
		(*n_holders)++;
	s->n_judged++;
	grow(s, judged->n, 0);
	memcpy(&s->batch[s->n_batch], judged->results, judged->n * sizeof(*s->batch));
	s->n_batch += judged->n;
}

void session_settle_unexecuted(struct session *s, size_t slot, enum outcome outcome,
			       const char *reason)
{
	struct judged judged;

	judge_unexecuted(&s->judge, s->req->app->arena, s->plan.checks[slot], slot, outcome, reason,
			 session_wall_ms(s), &judged);
	settle(s, slot, &judged, NULL, NULL);
}

void session_settle_rest(struct session *s, const char *reason)
{
	for (size_t i = 0; i < s->plan.n_checks; i++) {
		if (s->slots[i].is_judged)
			continue;
		if (s->slots[i].pending != NULL) /* its arena is still in use by a thread */
			settle(s, i, s->slots[i].pending, NULL, NULL);
		else
			session_settle_unexecuted(s, i, OUTCOME_UNDECIDED, reason);
	}
}

static bool wants_retry(const struct session *s, const struct job *job, size_t i,
			const struct judged *judged)
{
	return s->signal == 0 && !outcome_is_passing(judged->outcome) &&
	       job->attempt <= job->checks[i]->retries;
}

#define MAX_REASON_BYTES 200

/* How much of a reason is kept: whole characters. */
static int kept_of(const char *reason)
{
	return (int)utf8_fit(reason, strlen(reason), MAX_REASON_BYTES);
}

/* One line for each attempt that failed: the evidence of the next one begins with them. */
static const char *describe_attempt(struct arena *a, const struct job *job, size_t i,
				    const struct judged *judged)
{
	const char *before = job->earlier != NULL ? job->earlier[i] : NULL, *line;
	const struct result *r = judged->results;
	const char *reason;
	struct buf value;

	while (r->outcome != judged->outcome)
		r++; /* the outcome of the whole is that of a part */
	reason = r->reason != NULL ? r->reason : "";
	buf_init(&value, BUF_UNBOUNDED); /* a value is bounded */
	value_format(&value, &r->value, r->unit);
	line = arena_printf(a, "attempt %d: %s%s%s, %s%s%s: %.*s", job->attempt,
			    outcome_name(r->outcome), r->series[0] != '\0' ? " " : "", r->series,
			    value.data, r->bound[0] != '\0' ? ", bound " : "", r->bound,
			    kept_of(reason), reason);
	buf_release(&value);
	return before == NULL ? line : arena_printf(a, "%s\n%s", before, line);
}

/* The pauses of checks in one job are the same: see plan.c. */
static int64_t pause_before_retry(const struct session *s, const struct job *job)
{
	int64_t pause = retry_pause_ms(job->checks[0], s->run->begin_ms, job->attempt);

	return pause > job->probe.retry_after_ms ? pause : job->probe.retry_after_ms;
}

static void submit_retry(struct session *s, const struct job *job)
{
	struct arena *a = s->req->app->arena;
	struct job *retry = plan_retry(a, job, job->is_retried);
	size_t n = 0;

	retry->earlier = arena_array(a, retry->n_checks, sizeof(*retry->earlier));
	for (size_t i = 0; i < job->n_checks; i++)
		if (job->is_retried[i]) /* the retry keeps their order */
			retry->earlier[n++] = describe_attempt(a, job, i, &job->judged[i]);
	retry->not_before_ms = session_monotonic_ms(s) + pause_before_retry(s, job);
	s->waiting[s->n_waiting++] = retry;
}

/* Masked like everything that leaves: a finding may quote what a program or a database said. */
static void take_restorations(struct session *s, struct job *job)
{
	const struct redactor *r = s->judge.redactor;
	struct restoration *items = job->probe.restorations;
	size_t n = job->probe.n_restorations;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < items[i].n_steps; k++) {
			struct restoration_step *step = &items[i].steps[k];

			step->finding = redact_text(r, job->arena, step->finding);
			step->remedy = redact_text(r, job->arena, step->remedy);
			step->note = redact_text(r, job->arena, step->note);
		}
	}
	grow(s, 0, n);
	if (n > 0)
		memcpy(&s->restorations[s->n_restorations], items, n * sizeof(*items));
	s->n_restorations += n;
}

/* Judges every check of a job; those with retries left go round again, in a job of their own. */
static int judge_all(struct session *s, struct job *job, struct err *e)
{
	bool has_retry = false;

	job->judged = arena_array(job->arena, job->n_checks, sizeof(*job->judged));
	job->is_retried = arena_array(job->arena, job->n_checks, sizeof(*job->is_retried));
	for (size_t i = 0; i < job->n_checks; i++) {
		struct judged *judged = &job->judged[i];

		if (judge_job(&s->judge, job, i, judged, e) != 0)
			return -1;
		job->is_retried[i] = wants_retry(s, job, i, judged);
		if (job->is_retried[i] && job->probe.retry_after_ms > job->checks[i]->timeout_ms) {
			judge_give_up(job, i, judged);
			job->is_retried[i] = false;
		}
		has_retry = has_retry || job->is_retried[i];
		if (!job->is_retried[i] && s->signal == 0)
			judge_find(job, i, judged);
	}
	if (has_retry) {
		submit_retry(s, job);
		return 0;
	}
	take_restorations(s, job);
	return 0;
}

static void settle_all(struct session *s, struct job *job)
{
	size_t *n_holders = arena_alloc(job->arena, sizeof(*n_holders));

	judge_add_evidence(&s->judge, job);
	for (size_t i = 0; i < job->n_checks; i++)
		if (!job->is_retried[i])
			settle(s, job->slots[i], &job->judged[i], job->arena, n_holders);
	if (*n_holders == 0)
		arena_free(job->arena);
}

static int take_job(struct session *s, struct job *job, struct err *e)
{
	s->n_in_flight--;
	s->is_alone = false;
	if (job->judged == NULL) {
		if (judge_all(s, job, e) != 0)
			return -1;
		if (job->n_findings > 0) {
			for (size_t i = 0; i < job->n_checks; i++)
				if (!job->is_retried[i])
					s->slots[job->slots[i]].pending = &job->judged[i];
			s->n_in_flight++;
			engine_submit(s->engine, job);
			return 0;
		}
	}
	settle_all(s, job);
	return 0;
}

/* The record failed: what finished is lost with the run. */
static void drop(struct job *list)
{
	for (; list != NULL; list = list->next)
		arena_free(list->arena);
}

int session_take(struct session *s, struct job *list, struct err *e)
{
	while (list != NULL) {
		struct job *next = list->next;

		if (take_job(s, list, e) != 0) {
			drop(list);
			return -1;
		}
		list = next;
	}
	return 0;
}

static void release(struct slot *slot)
{
	if (slot->n_holders != NULL && --*slot->n_holders == 0)
		arena_free(slot->arena);
	slot->arena = NULL;
	slot->n_holders = NULL;
}

void session_forget(struct session *s)
{
	for (size_t i = s->n_printed; i < s->plan.n_checks; i++)
		release(&s->slots[i]);
}

/* What was recorded is shown, as far as the definition order allows. */
static void print_recorded(struct session *s)
{
	struct terminal *t = s->req->terminal;

	s->n_batch = 0;
	s->n_restorations = 0;
	while (s->n_printed < s->plan.n_checks && s->slots[s->n_printed].is_judged) {
		struct slot *slot = &s->slots[s->n_printed++];

		if (t != NULL)
			terminal_check(t, slot->judged.results, slot->judged.n, session_wall_ms(s));
		release(slot);
	}
}

int session_flush(struct session *s, struct err *e)
{
	if (s->n_batch > 0 && record_results(s->req->record, s->run->id, s->batch, s->n_batch,
					     s->restorations, s->n_restorations, e) != 0)
		return -1;
	print_recorded(s);
	return 0;
}

int session_finish(struct session *s, struct err *e)
{
	if (record_last(s->req->record, s->run, s->batch, s->n_batch, s->restorations,
			s->n_restorations, e) != 0)
		return -1;
	print_recorded(s);
	return 0;
}
