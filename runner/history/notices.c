/*
 * What is news, found and written in the transaction of what it is news of.
 *
 * A run's news is what is known last of the checks it measured (newest.h): as a rule by the run
 * itself, else by one that is newer or was under way meanwhile, which may have no end yet and tells
 * then. Rows that are not passing, and those of series of which something was told before, are
 * looked at; everything else has nothing to tell and is not read.
 */
#include "runner/history/notices.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/utc.h"
#include "runner/history/row.h"
#include "runner/model/definition.h"
#include "runner/model/unit.h"

#define MAX_REASONS 5 /* of a shut gate */

/* ---- what was told ---- */

int news_write_told(struct record *r, int64_t series, unsigned open, int64_t since_ms,
		    int64_t run_id, struct err *e)
{
	sqlite3_stmt *s = open != 0 ? store_sql(r, "REPLACE INTO told VALUES (?1, ?2, ?3, ?4)", e)
				    : store_sql(r, "DELETE FROM told WHERE series = ?1", e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, series);
	if (open != 0) {
		store_bind_int(s, 2, open);
		store_bind_int(s, 3, since_ms);
		store_bind_int(s, 4, run_id);
	}
	store_work(r);
	return store_run(r, s, e);
}

/* ---- results ---- */

/* One series of the run, and what was told of it. */
struct seen {
	int64_t series_id;
	const char *name;
	unsigned open;
	int64_t since_ms;
	struct result result;
};

static double number_of(const struct result *r)
{
	if (r->value.type != VALUE_NONE && result_is_share(r))
		return r->share;
	if (r->value.type == VALUE_INT)
		return (double)r->value.integer;
	return r->value.type == VALUE_REAL ? r->value.real : NAN;
}

static const char *value_text(struct arena *a, const struct result *r)
{
	struct buf b;
	const char *text;

	if (r->value.type == VALUE_NONE)
		return "";
	buf_init(&b, BUF_UNBOUNDED); /* a value is bounded */
	result_format(&b, r);
	text = arena_strdup(a, b.data);
	buf_release(&b);
	return text;
}

static void fill(struct news *news, struct transition *t, const struct seen *x, int64_t run_id)
{
	const struct result *r = &x->result;
	const struct check_info *c = r->check;

	t->series_id = x->series_id;
	t->check = c->name;
	t->series = x->name;
	t->outcome = r->outcome;
	t->severity = c->severity;
	t->title = c->title;
	t->owner = c->owner;
	t->value = value_text(news->arena, r);
	t->number = number_of(r);
	t->unit = result_is_share(r) ? "%" : r->unit;
	t->bound = r->bound;
	t->reason = r->reason;
	t->file = c->file;
	t->line = r->bound_line > 0 ? r->bound_line : c->line;
	t->col = r->bound_line > 0 ? r->bound_col : c->col;
	t->run_id = run_id;
	t->at_ms = r->measured_ms;
}

/* Standing and told before: a sink with `repeat` may want to hear it again. */
static bool is_standing(const struct seen *x, unsigned open)
{
	return open != 0 &&
	       (x->result.outcome == OUTCOME_FAIL || x->result.outcome == OUTCOME_UNDECIDED);
}

static int tell_series(struct record *r, struct news *news, const struct run_info *run,
		       const struct seen *x, struct err *e)
{
	enum outcome outcome = x->result.outcome;
	struct transition_step step;
	struct transition *t;
	int64_t since = x->open != 0 ? x->since_ms : x->result.measured_ms;

	/* What an interrupt left unmeasured is no news. */
	if (run->state == RUN_INTERRUPTED && outcome == OUTCOME_UNDECIDED)
		return 0;
	step = transition_of(x->open, outcome);
	if (step.is_news || is_standing(x, step.open)) {
		t = news_add(news);
		t->kind = step.is_news		    ? step.kind
			  : outcome == OUTCOME_FAIL ? TRANSITION_FAILURE
						    : TRANSITION_UNDECIDED;
		t->is_repeat = !step.is_news;
		t->was = x->open;
		t->since_ms = since;
		fill(news, t, x, run->id);
	}
	return step.open == x->open
		       ? 0
		       : news_write_told(r, x->series_id, step.open, since, run->id, e);
}

/* Of a run that ended, where it is what is known last. */
static int read_seen(struct record *r, struct news *news, const struct speakers *speakers,
		     const struct run_info *run, struct seen **out, size_t *n, struct err *e)
{
	struct facts_cache *cache = facts_cache_new(r, news->arena);
	size_t cap = 0;
	int rc;
	sqlite3_stmt *s = store_sql(
		r,
		"SELECT " ROW_COLUMNS
		", s.id, s.name, coalesce(t.open, 0), coalesce(t.since_ms, -1), s.check_id"
		" FROM results x JOIN facts f ON f.id = x.facts_id JOIN series s ON s.id = x.series"
		" LEFT JOIN told t ON t.series = x.series WHERE x.id BETWEEN ?1 AND ?2"
		" AND (f.outcome IN (?3, ?4) OR t.series IS NOT NULL)",
		e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, run->id << STORE_SERIES_BITS);
	store_bind_int(s, 2, run->id << STORE_SERIES_BITS | STORE_MAX_SERIES);
	store_bind_int(s, 3, OUTCOME_FAIL);
	store_bind_int(s, 4, OUTCOME_UNDECIDED);
	while ((rc = store_step(r, s, e)) == 1) {
		int64_t check_id = sqlite3_column_int64(s, ROW_N_COLUMNS + 4);
		struct seen *x;

		if (news_speaker(speakers, check_id) != run->id)
			continue;

		*out = store_grow(news->arena, *out, sizeof(**out), *n, &cap);
		x = &(*out)[(*n)++];
		*x = (struct seen){
			.series_id = sqlite3_column_int64(s, ROW_N_COLUMNS),
			.name = store_text_or(s, ROW_N_COLUMNS + 1, news->arena, ""),
			.open = (unsigned)sqlite3_column_int(s, ROW_N_COLUMNS + 2),
			.since_ms = sqlite3_column_int64(s, ROW_N_COLUMNS + 3),
		};
		if (row_read(cache, s, run->begin_ms, &x->result, e) != 0)
			return -1;
	}
	return rc;
}

/* ---- series that are gone ---- */

struct gone {
	int64_t series_id, since_ms;
	unsigned open;
	const char *check, *series;
};

static int read_gone(struct record *r, struct news *news, const struct speakers *speakers,
		     const struct run_info *run, struct gone **out, size_t *n, struct err *e)
{
	size_t cap = 0;
	int rc;
	/* The check was measured: the run has a series of it that was judged. */
	sqlite3_stmt *s =
		store_sql(r,
			  "SELECT t.series, t.since_ms, t.open, c.name, s.name, c.id FROM told t"
			  " JOIN series s ON s.id = t.series JOIN checks c ON c.id = s.check_id"
			  " WHERE NOT EXISTS (SELECT 1 FROM results WHERE id = (?1 | t.series))"
			  " AND EXISTS (SELECT 1 FROM series o JOIN results x ON x.id = (?1 | o.id)"
			  "  JOIN facts f ON f.id = x.facts_id WHERE o.check_id = s.check_id"
			  "  AND f.outcome IN (?2, ?3, ?4))",
			  e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, run->id << STORE_SERIES_BITS);
	store_bind_int(s, 2, OUTCOME_PASS);
	store_bind_int(s, 3, OUTCOME_WARN);
	store_bind_int(s, 4, OUTCOME_FAIL);
	while ((rc = store_step(r, s, e)) == 1) {
		if (news_speaker(speakers, sqlite3_column_int64(s, 5)) != run->id)
			continue;
		*out = store_grow(news->arena, *out, sizeof(**out), *n, &cap);
		(*out)[(*n)++] = (struct gone){
			.series_id = sqlite3_column_int64(s, 0),
			.since_ms = sqlite3_column_int64(s, 1),
			.open = (unsigned)sqlite3_column_int(s, 2),
			.check = store_text_or(s, 3, news->arena, ""),
			.series = store_text_or(s, 4, news->arena, ""),
		};
	}
	return rc;
}

static int tell_gone(struct record *r, struct news *news, const struct speakers *speakers,
		     const struct run_info *run, struct err *e)
{
	struct gone *items = NULL;
	size_t n = 0;

	if (run->state != RUN_COMPLETE)
		return 0;
	if (read_gone(r, news, speakers, run, &items, &n, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct transition_step step = transition_gone(items[i].open, true);
		struct transition *t = news_add(news);

		t->kind = step.kind;
		t->was = items[i].open;
		t->series_id = items[i].series_id;
		news_fill_check(news, t, items[i].check);
		t->series = items[i].series;
		t->outcome = OUTCOME_SKIP;
		t->reason = "the series is gone: the check was measured and has it no more";
		t->run_id = run->id;
		t->since_ms = items[i].since_ms;
		if (news_write_told(r, items[i].series_id, step.open, 0, run->id, e) != 0)
			return -1;
	}
	return 0;
}

/* ---- the transactions ---- */

static struct news news_new(const struct record *r, int64_t now_ms)
{
	return (struct news){
		.arena = r->teller.arena, .definition = r->teller.definition, .now_ms = now_ms};
}

int tell_begin(struct record *r, int64_t run_id, struct err *e)
{
	bool is_held;
	const char *said;

	if (r->teller.definition == NULL)
		return 0;
	return lock_take(r, news_run_lock(r->teller.arena, run_id), r->teller.arena, &is_held,
			 &said, e);
}

/* What this run, which has ended, is known last of. */
static int tell_run(struct record *r, struct news *news, const struct speakers *speakers,
		    const struct run_info *run, struct err *e)
{
	struct seen *seen = NULL;
	size_t n = 0;

	if (read_seen(r, news, speakers, run, &seen, &n, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (tell_series(r, news, run, &seen[i], e) != 0)
			return -1;
	return tell_gone(r, news, speakers, run, e);
}

static int add_run(struct record *r, struct news *news, const struct run_info *run, struct err *e)
{
	struct speakers speakers;

	if (news_early(r, news, run->id, e) != 0 ||
	    news_speakers(r, news, run, &speakers, e) != 0 ||
	    tell_run(r, news, &speakers, run, e) != 0)
		return -1;
	for (size_t i = 0; i < speakers.n_others; i++)
		if (speakers.others[i].state != RUN_INCOMPLETE &&
		    tell_run(r, news, &speakers, &speakers.others[i], e) != 0)
			return -1;
	return news_closed_gaps(r, news, run, e);
}

int tell_end(struct record *r, const struct run_info *run, struct err *e)
{
	struct news news = news_new(r, run->end_ms);

	if (r->teller.definition == NULL)
		return 0;
	if (lock_let_go(r, news_run_lock(r->teller.arena, run->id), e) != 0)
		return -1;
	if (strcmp(run->command, "gate") == 0) {
		r->teller.late = *run;
		return 0;
	}
	return add_run(r, &news, run, e) == 0 ? news_write(r, &news, run->id, e) : -1;
}

/* To be open against its outcome is neither: who was told of it is told of the end of that too. */
enum gate_stand { GATE_UNKNOWN, GATE_IS_SHUT, GATE_IS_OPEN, GATE_IS_LET };

static enum gate_stand stand_of(bool is_open, enum outcome outcome)
{
	if (!is_open)
		return GATE_IS_SHUT;
	return outcome_is_passing(outcome) ? GATE_IS_OPEN : GATE_IS_LET;
}

/* Before this decision; GATE_UNKNOWN when there was none. */
static int read_stand(struct record *r, int64_t id, enum gate_stand *out, struct err *e)
{
	sqlite3_stmt *s =
		store_sql(r,
			  "SELECT is_open, outcome FROM decisions WHERE gate = (SELECT gate FROM"
			  " decisions WHERE id = ?1) AND id < ?1 ORDER BY id DESC LIMIT 1",
			  e);
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, id);
	rc = store_step(r, s, e);
	*out = rc == 1 ? stand_of(sqlite3_column_int(s, 0) != 0, store_outcome(s, 1))
		       : GATE_UNKNOWN;
	if (rc == 1)
		(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return rc < 0 ? -1 : 0;
}

/* The first hard lines that do not pass: what shut it, or was let through. */
static const char *failing(struct arena *a, const struct decision *d)
{
	const char *text = NULL;
	size_t n = 0;

	for (size_t i = 0; i < d->n_lines; i++) {
		const struct decision_line *l = &d->lines[i];

		if (!l->is_hard || outcome_is_passing(l->outcome) || n++ >= MAX_REASONS)
			continue;
		text = arena_printf(a, "%s%s%s%s%s", text != NULL ? text : "",
				    text != NULL ? "; " : "", l->check != NULL ? l->check : "",
				    l->check != NULL && l->check[0] != '\0' ? ": " : "",
				    l->text != NULL ? l->text : "");
	}
	return n > MAX_REASONS ? arena_printf(a, "%s; and %zu more", text, n - MAX_REASONS) : text;
}

/* Whoever hears that it is open hears what it passed over, and on whose word. */
static const char *reason_of(struct arena *a, const struct decision *d)
{
	const char *what = failing(a, d);
	char until[UTC_MAX];

	if (!d->is_open || what == NULL)
		return what;
	if (!decision_is_overridden(d))
		return arena_printf(a, "waived: %s", what);
	(void)utc_format(d->override->until_ms, 0, until); /* its length */
	return arena_printf(a, "overridden by %s until %s: %s; what shuts it: %s",
			    d->override->actor, until, d->override->reason, what);
}

static void add_decision(struct news *news, const struct decision *d)
{
	const struct gate *gate = definition_gate(news->definition, d->gate);
	struct transition *t = news_add(news);

	t->kind = d->is_open ? TRANSITION_GATE_OPEN : TRANSITION_GATE_SHUT;
	t->check = d->gate;
	t->subject = d->subject != NULL ? d->subject : "";
	t->outcome = d->outcome;
	t->severity = 10;
	t->reason = reason_of(news->arena, d);
	t->run_id = d->run_id;
	t->since_ms = d->at_ms;
	if (gate == NULL)
		return;
	t->title = gate->title;
	t->owner = gate->owner;
	t->file = gate->pos.file;
	t->line = gate->pos.line;
	t->col = gate->pos.col;
}

int tell_decision(struct record *r, const struct decision *d, int64_t id, struct err *e)
{
	struct news news = news_new(r, d->at_ms);
	const struct run_info *run = &r->teller.late;
	enum gate_stand was;
	bool is_ended;

	if (r->teller.definition == NULL)
		return 0;
	if (run->id != 0 ? add_run(r, &news, run, e) != 0 : news_early(r, &news, 0, e) != 0)
		return -1;
	if (read_stand(r, id, &was, e) != 0 || news_gate_is_ended(r, d->gate, &is_ended, e) != 0)
		return -1;
	if (was == GATE_UNKNOWN || is_ended)
		was = GATE_IS_OPEN;
	if (stand_of(d->is_open, d->outcome) != was)
		add_decision(&news, d);
	return news_write(r, &news, d->run_id, e);
}

void record_tell(struct record *r, struct arena *a, const struct definition *d,
		 const struct transition *early, size_t n_early)
{
	r->teller =
		(struct teller){.definition = d, .arena = a, .early = early, .n_early = n_early};
}

int record_tell_early(struct record *r, int64_t now_ms, struct err *e)
{
	struct news news = news_new(r, now_ms);
	int rc;

	if (r->teller.n_early == 0)
		return 0;
	if (store_enter(r, STORE_WRITING, e) != 0)
		return -1;
	rc = news_early(r, &news, 0, e);
	return store_leave(r, rc == 0 ? news_write(r, &news, 0, e) : -1, e);
}
