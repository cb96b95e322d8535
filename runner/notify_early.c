/*
 * Checks that are overdue and runs that died: found by whatever runs next.
 */
#include "runner/notify_early.h"

#include <inttypes.h>
#include <math.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/utc.h"
#include "runner/history/record.h"
#include "runner/model/definition.h"
#include "runner/model/notify.h"
#include "runner/schedule.h"

struct search {
	struct app *app;
	const struct definition *definition;
	struct record *record;
	struct transition *early;
	size_t n_early;
};

const char *notify_time(struct arena *a, int64_t ms)
{
	char text[UTC_MAX];

	(void)utc_format(ms, 0, text); /* its length */
	return arena_strdup(a, text);
}

static struct transition *add_early(struct search *s, enum transition_kind kind)
{
	struct transition *t = &s->early[s->n_early++];

	*t = (struct transition){
		.kind = kind,
		.check = "",
		.series = "",
		.subject = "",
		.value = "",
		.unit = "",
		.bound = "",
		.outcome = OUTCOME_UNDECIDED,
		.at_ms = clock_wall_ms(&s->app->clock),
	};
	t->number = NAN;
	return t;
}

static void add_overdue(struct search *s, const struct check *c, int64_t due_ms,
			int64_t measured_ms)
{
	struct transition *t = add_early(s, TRANSITION_OVERDUE);
	struct arena *a = s->app->arena;

	t->check = c->name;
	t->severity = c->severity;
	t->title = c->title;
	t->owner = c->owner;
	t->reason = measured_ms < 0
			    ? arena_printf(a, "it was due %s and was never measured",
					   notify_time(a, due_ms))
			    : arena_printf(a, "it was due %s and was last measured %s",
					   notify_time(a, due_ms), notify_time(a, measured_ms));
	t->file = c->pos.file;
	t->line = c->pos.line;
	t->col = c->pos.col;
	t->since_ms = due_ms;
	t->at_ms = measured_ms;
}

/*
 * Of one never measured: it may be new, so the moment before it was first seen here is remembered
 * as none it missed, and it is late from the next one on. Not by the latest moment: whoever looks
 * at the same moments, or the schedule of which they are close together, would never find it late.
 */
static int find_unmeasured(struct search *s, const struct check *c, int64_t now, struct err *e)
{
	int64_t seen, due;
	struct schedule_times t;

	if (record_first_due(s->record, c->name, &seen, e) != 0)
		return -1;
	if (seen < 0) {
		if (schedule_times(c, now, &t, e) != 0)
			return -1;
		if (t.previous_ms >= 0)
			add_overdue(s, c, t.previous_ms, -1); /* the record only takes it down */
		return 0;
	}
	if (schedule_due_since(c, seen, now, &due, e) != 0)
		return -1;
	if (due >= 0 && now - due > SCHEDULE_GRACE_MS)
		add_overdue(s, c, due, -1);
	return 0;
}

static int find_overdue(struct search *s, struct err *e)
{
	const struct definition *d = s->definition;
	int64_t now = clock_wall_ms(&s->app->clock);

	for (size_t i = 0; i < d->n_checks; i++) {
		const struct check *c = d->checks[i];
		int64_t measured, due;

		if (c->schedule == NULL)
			continue;
		if (record_last_measured(s->record, c->name, now, &measured, e) != 0)
			return -1;
		if (measured < 0 && find_unmeasured(s, c, now, e) != 0)
			return -1;
		if (measured < 0)
			continue;
		if (schedule_due_since(c, measured, now, &due, e) != 0)
			return -1;
		if (due >= 0 && now - due > SCHEDULE_GRACE_MS)
			add_overdue(s, c, due, measured);
	}
	return 0;
}

static void add_incomplete(struct search *s, const struct run_info *run)
{
	struct transition *t = add_early(s, TRANSITION_INCOMPLETE);
	struct arena *a = s->app->arena;

	t->run_id = run->id;
	t->subject = run->subject;
	t->severity = 10;
	t->since_ms = run->begin_ms;
	t->reason =
		arena_printf(a,
			     "it began %s, of %" PRId64
			     " checks, and its process has gone without an end: what it did not "
			     "measure is undecided",
			     notify_time(a, run->begin_ms), run->n_planned);
}

int notify_early(struct app *app, const struct definition *d, struct record *record,
		 struct transition **out, size_t *n_out, struct err *e)
{
	struct search n = {.app = app, .definition = d, .record = record};
	struct run_info *runs;
	size_t n_runs;

	if (record_dead_runs(record, app->arena, &runs, &n_runs, e) != 0)
		return -1;
	n.early = arena_array(app->arena, d->n_checks + n_runs, sizeof(*n.early));
	for (size_t i = 0; i < n_runs; i++)
		add_incomplete(&n, &runs[i]);
	if (find_overdue(&n, e) != 0)
		return -1;
	*out = n.early;
	*n_out = n.n_early;
	return 0;
}
