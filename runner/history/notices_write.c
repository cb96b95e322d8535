/* From news to notices: who wants what of it, the gravest first, in rows and in the outbox. */
#include "runner/history/notices.h"

#include <math.h>
#include <stdlib.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/model/definition.h"

struct transition *news_add(struct news *news)
{
	news->items =
		store_grow(news->arena, news->items, sizeof(*news->items), news->n, &news->cap);
	news->items[news->n] = (struct transition){
		.check = "",
		.series = "",
		.subject = "",
		.value = "",
		.unit = "",
		.bound = "",
		.number = NAN,
		.since_ms = -1,
		.at_ms = news->now_ms,
	};
	return &news->items[news->n++];
}

/* What the definition says of a check nobody measured. */
void news_fill_check(const struct news *news, struct transition *t, const char *name)
{
	const struct check *c = definition_check(news->definition, name);

	t->check = name;
	if (c == NULL)
		return;
	t->severity = c->severity;
	t->title = c->title;
	t->owner = c->owner;
	t->file = c->pos.file;
	t->line = c->pos.line;
	t->col = c->pos.col;
}

static int write_line(struct record *r, int64_t notice, size_t place, const struct transition *t,
		      struct err *e)
{
	const char *const texts[] = {t->check, t->series, t->subject, t->value,	 t->unit,
				     t->bound, t->title,  t->owner,   t->reason, t->file};
	const int64_t numbers[] = {notice,	 (int64_t)place, t->kind,     t->was,  t->is_repeat,
				   t->series_id, t->outcome,	 t->severity, t->line, t->col,
				   t->run_id,	 t->since_ms,	 t->at_ms};
	int64_t ids[10];
	sqlite3_stmt *s;

	for (size_t i = 0; i < 10; i++)
		if (intern_text(r, texts[i], &ids[i], e) != 0)
			return -1;
	s = store_sql(
		r,
		"INSERT INTO notice_lines VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,"
		" ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24)",
		e);
	if (s == NULL)
		return -1;
	for (int i = 0; i < 13; i++)
		store_bind_int(s, 1 + i, numbers[i]);
	for (int i = 0; i < 10; i++)
		store_bind_id(s, 14 + i, ids[i]);
	store_bind_real(s, 24, t->number);
	return store_run(r, s, e);
}

int notice_insert(struct record *r, const struct notice *x, int64_t *id, struct err *e)
{
	int64_t sink;
	sqlite3_stmt *s;

	if (intern_text(r, x->sink, &sink, e) != 0)
		return -1;
	s = store_sql(r,
		      "INSERT INTO notices(seq, sink, at_ms, run, n_lines) VALUES (?1, ?2, ?3, ?4,"
		      " ?5)",
		      e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, store_take_seq(r, 1));
	store_bind_int(s, 2, sink);
	store_bind_int(s, 3, x->at_ms);
	store_bind_int(s, 4, x->run_id);
	store_bind_int(s, 5, x->n_total);
	if (store_run(r, s, e) != 0)
		return -1;
	*id = sqlite3_last_insert_rowid(r->db);
	for (size_t i = 0; i < x->n; i++)
		if (write_line(r, *id, i, &x->items[i], e) != 0)
			return -1;
	return 0;
}

/* Is it time to tell this sink again of something that stands? 1 = yes. */
static int is_repeat_due(struct record *r, const struct notify_sink *sink,
			 const struct transition *t, int64_t now_ms, struct err *e)
{
	int64_t sink_id, told_ms = -1;
	sqlite3_stmt *s;

	if (sink->repeat_ms == 0)
		return 0;
	if (intern_text(r, sink->name, &sink_id, e) != 0)
		return -1;
	s = store_sql(
		r,
		"SELECT coalesce(max(n.at_ms), -1) FROM notice_lines l JOIN notices n ON n.id ="
		" l.notice WHERE l.series = ?1 AND n.sink = ?2",
		e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, t->series_id);
	store_bind_int(s, 2, sink_id);
	if (store_integer(r, s, &told_ms, e) < 0)
		return -1;
	return told_ms < 0 || now_ms - told_ms >= sink->repeat_ms;
}

/* The news one sink is told. */
struct choice {
	const struct notify_sink *sink;
	struct transition *items;
	size_t n, cap;
};

static struct transition *choice_add(struct choice *c, const struct news *news,
				     const struct transition *t)
{
	c->items = store_grow(news->arena, c->items, sizeof(*c->items), c->n, &c->cap);
	c->items[c->n] = *t;
	return &c->items[c->n++];
}

/* To whom something was told as several, its owner was another in between, all of them end. */
static int choose_end(struct record *r, const struct news *news, const struct transition *t,
		      struct choice *c, bool *is_told, struct err *e)
{
	struct told *told;
	size_t n;

	if (news_told(r, news->arena, c->sink, t, &told, &n, e) != 0)
		return -1;
	*is_told = n > 0;
	if (!notify_wants_end(c->sink, t))
		return 0;
	if (c->sink->type != NOTIFY_ALERTMANAGER && n > 1)
		n = 1;
	for (size_t i = 0; i < n; i++) {
		struct transition *end = choice_add(c, news, t);

		end->severity = told[i].severity;
		end->owner = told[i].owner;
	}
	return 0;
}

static int choose(struct record *r, const struct news *news, struct choice *c, struct err *e)
{
	for (size_t i = 0; i < news->n; i++) {
		const struct transition *t = &news->items[i];
		bool is_told = false;
		int rc = 1;

		if (news_is_end(t) && choose_end(r, news, t, c, &is_told, e) != 0)
			return -1;
		if (is_told ||
		    !notify_wants(c->sink, t, definition_check(news->definition, t->check)))
			continue;
		if (t->is_repeat)
			rc = is_repeat_due(r, c->sink, t, news->now_ms, e);
		if (rc < 0)
			return -1;
		if (rc == 1)
			(void)choice_add(c, news, t);
	}
	return 0;
}

static int queue(struct record *r, int64_t notice, struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "INSERT INTO outbox VALUES (?1, 0, -1, 0, NULL)", e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, notice);
	store_work(r);
	return store_run(r, s, e);
}

/* One notice for every sink that wants some of the news. */
int news_write(struct record *r, const struct news *news, int64_t run_id, struct err *e)
{
	const struct definition *d = news->definition;

	for (size_t i = 0; i < d->n_sinks; i++) {
		struct notice x = {.sink = d->sinks[i]->name, .at_ms = news->now_ms};
		struct choice c = {.sink = d->sinks[i]};
		int64_t id;

		if (choose(r, news, &c, e) != 0)
			return -1;
		if (c.n == 0)
			continue;
		qsort(c.items, c.n, sizeof(*c.items), transition_compare);
		x.run_id = run_id;
		x.items = c.items;
		x.n_total = (int64_t)c.n;
		x.n = c.n < NOTICE_MAX_LINES ? c.n : NOTICE_MAX_LINES;
		if (notice_insert(r, &x, &id, e) != 0 || queue(r, id, e) != 0)
			return -1;
	}
	return 0;
}
