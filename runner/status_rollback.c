/*
 * A set has no schedule of its own. What it is due by is what gates make of it: a gate that asks
 * for all releases counts until the oldest proof is too old, any other one until the newest is.
 */
#include "runner/status_rollback.h"

#include <string.h>

#include "reports/terminal.h"
#include "rollback/rollback.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/history/record.h"
#include "runner/io/json.h"
#include "runner/model/definition.h"
#include "runner/rollback_show.h"
#include "runner/show.h"

static void add_due(struct status_set *s, const struct definition *d,
		    const struct rollback_set *set, int64_t newest_ms)
{
	for (size_t i = 0; i < d->n_gates; i++) {
		const struct gate *g = d->gates[i];
		int64_t from_ms = g->is_rollback_all ? s->oldest_ms : newest_ms;

		if (g->rollback != set || from_ms < 0)
			continue;
		if (s->next_ms < 0 || from_ms + g->rollback_within_ms < s->next_ms)
			s->next_ms = from_ms + g->rollback_within_ms;
	}
}

/* A gate would not take what was proven of another commit, either. commit: now; NULL = none. */
static bool is_moved(const struct restoration_row *row, const char *commit)
{
	return row != NULL && outcome_is_passing(row->restoration.outcome) &&
	       (commit == NULL || !str_equal(row->restoration.commit, commit));
}

static const char *why_unproven(struct arena *a, const char *tag, const struct restoration_row *row,
				const char *commit, int64_t now_ms)
{
	if (row == NULL)
		return arena_printf(a, "%s was never verified", tag);
	if (is_moved(row, commit))
		return arena_printf(a, "%s was proven as another commit, %s", tag,
				    show_ago(a, row->at_ms, now_ms));
	return arena_printf(a, "%s is %s, %s", tag,
			    row->restoration.outcome == OUTCOME_FAIL ? "disproved" : "unproven",
			    show_ago(a, row->at_ms, now_ms));
}

/* The first release that is not proven tells why. */
static void add_tag(struct arena *a, struct status_set *s, const char *tag, const char *commit,
		    const struct restoration_row *row, int64_t now_ms)
{
	enum outcome outcome = row != NULL ? row->restoration.outcome : OUTCOME_UNDECIDED;

	if (outcome == OUTCOME_SKIP || is_moved(row, commit))
		outcome = OUTCOME_UNDECIDED;
	if (outcome_is_passing(outcome)) {
		s->n_proven++;
		if (s->oldest_ms < 0 || row->at_ms < s->oldest_ms)
			s->oldest_ms = row->at_ms;
		return;
	}
	if (s->note[0] == '\0' || (outcome == OUTCOME_FAIL && s->outcome != OUTCOME_FAIL))
		s->note = why_unproven(a, tag, row, commit, now_ms);
	s->outcome = s->outcome == OUTCOME_FAIL ? OUTCOME_FAIL : outcome;
}

static int read_set(struct app *app, struct record *record, const struct definition *d,
		    const struct rollback_set *set, int64_t now_ms, struct status_set *out,
		    struct err *e)
{
	struct status_set s = {.name = set->name,
			       .outcome = OUTCOME_PASS,
			       .oldest_ms = -1,
			       .next_ms = -1,
			       .note = ""};
	struct restoration_row *rows = NULL;
	struct err unlisted = {0};
	const char *const *tags = NULL, *const *commits = NULL;
	int64_t newest_ms = -1;
	size_t n_rows = 0;

	if (record != NULL &&
	    record_restorations(record, app->arena, set->name, &rows, &n_rows, e) != 0)
		return -1;
	if (rollback_tags(app->arena, set, &tags, &s.n_tags, &unlisted) != 0 ||
	    rollback_commits(app->arena, set, tags, s.n_tags, &commits, &unlisted) != 0) {
		s.n_tags = 0;
		s.note = arena_strdup(app->arena, unlisted.message);
	} else if (s.n_tags == 0) {
		s.note = "no tag matches";
	}
	s.outcome = s.n_tags > 0 ? OUTCOME_PASS : OUTCOME_UNDECIDED;
	for (size_t i = 0; i < s.n_tags; i++) {
		const struct restoration_row *row = rollback_show_row(rows, n_rows, tags[i]);

		add_tag(app->arena, &s, tags[i], commits[i], row, now_ms);
		if (row != NULL && outcome_is_passing(row->restoration.outcome) &&
		    !is_moved(row, commits[i]) && row->at_ms > newest_ms)
			newest_ms = row->at_ms;
	}
	add_due(&s, d, set, newest_ms);
	if (outcome_is_passing(s.outcome) && s.next_ms >= 0 && s.next_ms < now_ms) {
		s.outcome = OUTCOME_UNDECIDED;
		s.note = arena_printf(app->arena, "OVERDUE, was due %s",
				      show_ago(app->arena, s.next_ms, now_ms));
	}
	*out = s;
	return 0;
}

int status_sets_read(struct app *app, struct record *record, const struct definition *d,
		     int64_t now_ms, struct status_sets *out, struct err *e)
{
	*out = (struct status_sets){
		.items = arena_array(app->arena, d->n_rollbacks, sizeof(*out->items)),
		.now_ms = now_ms,
	};
	for (; out->n < d->n_rollbacks; out->n++)
		if (read_set(app, record, d, d->rollbacks[out->n], now_ms, &out->items[out->n],
			     e) != 0)
			return -1;
	return 0;
}

void status_sets_print(struct app *app, const struct status_sets *sets)
{
	static const char *const headers[] = {"rollback", "outcome", "proven",
					      "oldest",	  "next",    ""};
	struct arena *a = app->arena;
	struct table t;

	if (sets->n == 0)
		return;
	table_init(&t, a, headers, 6, "llllll");
	for (size_t i = 0; i < sets->n; i++) {
		const struct status_set *s = &sets->items[i];

		table_row(&t, s->name, outcome_name(s->outcome),
			  arena_printf(a, "%zu of %zu", s->n_proven, s->n_tags),
			  show_ago(a, s->oldest_ms, sets->now_ms),
			  s->next_ms >= 0 ? show_ago(a, s->next_ms, sets->now_ms) : "by hand",
			  s->note);
	}
	table_print(&t, app->out);
}

void status_sets_put(struct json_writer *w, const struct status_sets *sets)
{
	json_open(w, "rollback", '[');
	for (size_t i = 0; i < sets->n; i++) {
		const struct status_set *s = &sets->items[i];

		json_open(w, NULL, '{');
		json_put_text(w, "set", s->name);
		json_put_text(w, "outcome", outcome_name(s->outcome));
		json_put_int(w, "tags", (int64_t)s->n_tags);
		json_put_int(w, "proven", (int64_t)s->n_proven);
		json_put_int(w, "oldest_ms", s->oldest_ms);
		json_put_int(w, "next_ms", s->next_ms);
		json_put_text(w, "reason", s->note[0] != '\0' ? s->note : NULL);
		json_close(w, '}');
	}
	json_close(w, ']');
}
