/*
 * Outcomes have no order, so "worst" is written out here: what is disproved before what could not
 * be measured, then by the share of the allowed room that is used.
 */
#include "reports/view.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"

int outcome_rank(enum outcome o)
{
	switch (o) {
	case OUTCOME_FAIL:
		return 4;
	case OUTCOME_UNDECIDED:
		return 3;
	case OUTCOME_SKIP:
		return 2;
	case OUTCOME_WARN:
		return 1;
	case OUTCOME_PASS:
		return 0;
	}
	return 3;
}

static bool is_worse(const struct result *a, const struct result *b)
{
	double room_a = isnan(a->room) ? -1 : a->room;
	double room_b = isnan(b->room) ? -1 : b->room;

	if (outcome_rank(a->outcome) != outcome_rank(b->outcome))
		return outcome_rank(a->outcome) > outcome_rank(b->outcome);
	return room_a > room_b;
}

struct check_view check_view(const struct result *series, size_t n, size_t first)
{
	struct check_view v = {
		.info = series[0].check,
		.series = series,
		.n = n,
		.first = first,
		.outcome = series[0].outcome,
	};

	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			v.outcome = outcome_join(v.outcome, series[i].outcome);
		if (is_worse(&series[i], &series[v.worst]))
			v.worst = i;
		if (!outcome_is_passing(series[i].outcome))
			v.n_not_passing++;
		if (series[i].duration_us > v.duration_us)
			v.duration_us = series[i].duration_us;
	}
	return v;
}

struct check_view *check_views(struct arena *a, const struct result *results, size_t n_results,
			       size_t *n_views)
{
	struct check_view *views = arena_array(a, n_results, sizeof(*views));
	size_t n = 0;

	for (size_t i = 0; i < n_results;) {
		size_t end = i + 1;

		while (end < n_results &&
		       strcmp(results[end].check->name, results[i].check->name) == 0)
			end++;
		views[n++] = check_view(&results[i], end - i, i);
		i = end;
	}
	*n_views = n;
	return views;
}

struct tally tally(const struct check_view *views, size_t n, int64_t n_planned)
{
	struct tally t = {.n_checks = n};

	for (size_t i = 0; i < n; i++) {
		if (outcome_is_passing(views[i].outcome) && views[i].series[0].is_flaky)
			t.n_flaky++; /* all series of a check have as many attempts */
		switch (views[i].outcome) {
		case OUTCOME_UNDECIDED:
			t.n_undecided++;
			break;
		case OUTCOME_PASS:
			t.n_pass++;
			break;
		case OUTCOME_WARN:
			t.n_warn++;
			break;
		case OUTCOME_FAIL:
			t.n_fail++;
			break;
		case OUTCOME_SKIP:
			t.n_skip++;
			break;
		}
	}
	if (n_planned > 0 && (size_t)n_planned > n)
		t.n_missing = (size_t)n_planned - n;
	return t;
}

/* A unit separator between the two: neither may hold one and be mistaken for another pair. */
const char *result_key(struct arena *a, const char *check, const char *series)
{
	return arena_printf(a, "%s\x1f%s", check, series);
}

void result_index_init(struct result_index *x, struct arena *a, const struct result *results,
		       size_t n)
{
	map_init(&x->map, a);
	for (size_t i = 0; i < n; i++) {
		/* the arena copy is what lets a const result stand behind a map of void * */
		const struct result **slot = arena_alloc(a, sizeof(*slot));

		*slot = &results[i];
		(void)map_put(&x->map, result_key(a, results[i].check->name, results[i].series),
			      (void *)slot); /* the first of equal names stays */
	}
}

const struct result *result_index_get(const struct result_index *x, struct arena *a,
				      const char *check, const char *series)
{
	const struct result *const *slot = map_get(&x->map, result_key(a, check, series));

	return slot != NULL ? *slot : NULL;
}

struct stretch stretch(const struct point *trail, size_t n)
{
	struct stretch s = {0};

	while (s.n_runs < n && trail[n - 1 - s.n_runs].outcome == trail[n - 1].outcome)
		s.n_runs++;
	if (s.n_runs > 0)
		s.first = &trail[n - s.n_runs];
	if (s.n_runs < n)
		s.before = &trail[n - 1 - s.n_runs];
	return s;
}

const struct point *trail_previous(const struct report *r, size_t result_index)
{
	if (r->trails == NULL || r->n_trails[result_index] < 2)
		return NULL;
	return &r->trails[result_index][r->n_trails[result_index] - 2];
}

const struct decision *report_decision(const struct report *r)
{
	const struct decision *newest = NULL;

	for (size_t i = 0; i < r->n_decisions; i++)
		if (newest == NULL || r->decisions[i].id > newest->id)
			newest = &r->decisions[i];
	return newest;
}

const struct decision *report_decided_otherwise(const struct report *r)
{
	const struct decision *d = report_decision(r);

	return d != NULL && memcmp(d->definition_digest, r->run.definition_digest,
				   sizeof(d->definition_digest)) != 0
		       ? d
		       : NULL;
}

bool decision_is_superseded(const struct report *r, const struct decision *d)
{
	for (size_t i = 0; i < r->n_decisions; i++) {
		const struct decision *other = &r->decisions[i];

		if (other->id > d->id && strcmp(other->gate, d->gate) == 0 &&
		    strcmp(other->subject, d->subject) == 0)
			return true;
	}
	return false;
}

bool report_rests_on_others(const struct report *r)
{
	const struct decision *d = report_decision(r);

	return r->n_results == 0 && d != NULL && d->is_open && !decision_is_overridden(d);
}

/* All results pass or were skipped, and the run came to something else than pass. */
static const char *unexplained_outcome(struct arena *a, const struct report *r)
{
	size_t n_skipped = 0;

	for (size_t i = 0; i < r->n_results; i++) {
		enum outcome o = r->results[i].outcome;

		if (o == OUTCOME_FAIL || o == OUTCOME_UNDECIDED)
			return NULL;
		n_skipped += o == OUTCOME_SKIP;
	}
	if (n_skipped == r->n_results)
		return "nothing was measured: every check was skipped";
	if (n_skipped > 0)
		return arena_printf(a, "%zu of %zu series were skipped: the run is undecided",
				    n_skipped, r->n_results);
	if (!outcome_is_passing(r->run.outcome) || r->run.exit_status != 0)
		return arena_printf(a, "the run is recorded as %s, though every series passes",
				    outcome_name(r->run.outcome));
	return NULL;
}

const char *report_problem(struct arena *a, const struct report *r)
{
	size_t n_views;
	struct check_view *views = check_views(a, r->results, r->n_results, &n_views);
	struct tally n = tally(views, n_views, r->run.n_planned);

	if (r->run.state == RUN_INCOMPLETE)
		return arena_printf(a, "run %" PRId64 " has no end: the process died or still runs",
				    r->run.id);
	if (r->run.state == RUN_INTERRUPTED)
		return arena_printf(a, "run %" PRId64 " was interrupted", r->run.id);
	if (n.n_missing > 0)
		return arena_printf(a, "%zu of %" PRId64 " checks have no result", n.n_missing,
				    r->run.n_planned);
	if (r->n_results == 0)
		return report_rests_on_others(r) ? "nothing was measured: the gate rests on what "
						   "earlier runs recorded"
						 : "nothing was measured";
	return unexplained_outcome(a, r);
}

/* A file of the work tree that is called so is recorded as "./git:..." (runner/load.h). */
#define OF_COMMIT "git:"

const char *report_place(struct arena *a, const struct report *r, const char *file)
{
	if (file == NULL || file[0] == '\0')
		return "";
	if (str_starts(file, OF_COMMIT)) {
		const char *colon = strchr(file + strlen(OF_COMMIT), ':');

		return colon != NULL && colon[1] != '\0' ? colon + 1 : file;
	}
	if (file[0] == '/' || r->file_prefix == NULL || r->file_prefix[0] == '\0')
		return file;
	while (strncmp(file, "./", 2) == 0)
		file += 2;
	return arena_printf(a, "%s%s", r->file_prefix, file);
}

bool restoration_step_warns(const struct restoration *r, const struct restoration_step *s)
{
	return outcome_is_passing(r->outcome) && s->outcome == OUTCOME_WARN && s->finding != NULL;
}

int report_exit_status(const struct report *r)
{
	const struct decision *d = report_decision(r);

	return d != NULL ? decision_exit_status(d) : r->run.exit_status;
}

void waived_put(struct buf *out, const struct waived *w)
{
	char until[UTC_MAX];

	(void)utc_format(w->expires_ms, 0, until);
	(void)buf_printf(out, "waived by %s until %s, owner %s, ticket %s: %s", w->id, until,
			 w->owner, w->ticket, w->reason);
}

void override_put(struct buf *out, const struct override *o)
{
	char until[UTC_MAX];

	(void)utc_format(o->until_ms, 0, until);
	(void)buf_printf(out, "overridden by %s until %s (override %" PRId64 "): %s", o->actor,
			 until, o->id, o->reason);
}

int decision_exit_status(const struct decision *d)
{
	if (d->is_open)
		return 0;
	return d->outcome == OUTCOME_FAIL ? 1 : 2;
}

bool result_has_remark(const struct result *r)
{
	if (r->reason == NULL)
		return false;
	return r->outcome != OUTCOME_FAIL || strcmp(r->reason, "outside the bound") != 0;
}

const char *outcome_word(enum outcome o)
{
	return o == OUTCOME_FAIL ? "FAIL" : outcome_name(o);
}
