/*
 * scan: questions, answers, and what kinds see of them.
 *
 * Two checks whose table, filter and segments are the same text share a scan. A question is its
 * aggregate and the text of its expression: a second spelling of the same question is asked a
 * second time, which costs a column and is never wrong.
 */
#include "audits/scan.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "audits/database.h"
#include "audits/scan_internal.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/model/kind.h"

#define SCAN_MAX_SESSIONS 64

static const struct scan_spec *spec_of(const struct check *c)
{
	const struct scan_spec *spec = c->spec;

	assert(spec->part); /* set by scan_check() */
	return spec;
}

static const char *keep(const struct scan *s, struct buf *b)
{
	const char *text = arena_strndup(s->probe->arena, b->data, b->len);

	buf_release(b);
	return text;
}

const char *scan_column(const struct scan *s, const char *name)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded */
	db_quote(s->engine, &b, name);
	return keep(s, &b);
}

static struct scan_operand *operand_of(struct scan *s, const struct scan_term *t)
{
	struct scan_operand *o = map_get(&s->by_expression, t->expression);

	if (!o) {
		o = arena_alloc(s->probe->arena, sizeof(*o));
		*o = (struct scan_operand){.index = s->n_operands++};
		(void)map_put(&s->by_expression, t->expression, o); /* it is new */
	}
	if (t->how == SCAN_OTHERS || t->how == SCAN_SUM || t->how == SCAN_AVG ||
	    t->how == SCAN_STDDEV)
		o->is_numbers = true;
	if (t->how == SCAN_STDDEV)
		o->has_deviation = true;
	return o;
}

/* The term of a question; new ones are copies of t. */
static struct scan_term *intern(struct scan *s, const char *question, struct scan_term t)
{
	struct arena *a = s->probe->arena;
	struct scan_term *kept = map_get(&s->by_question, question);

	if (kept)
		return kept;
	assert(!s->is_asked); /* emit() looks for a term that add() did not add */
	kept = arena_alloc(a, sizeof(*kept));
	*kept = t;
	kept->expression = arena_strdup(a, t.expression);
	kept->operand = operand_of(s, kept);
	kept->index = s->n;
	(void)map_put(&s->by_question, question, kept); /* it is new */
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 8;
		struct scan_term **grown = arena_array(a, cap, sizeof(*grown));

		if (s->n > 0)
			memcpy(grown, s->terms, s->n * sizeof(*grown));
		s->terms = grown;
		s->cap = cap;
	}
	s->terms[s->n++] = kept;
	return kept;
}

struct scan_term *scan_add(struct scan *s, enum scan_aggregate how, const char *expression)
{
	const char *question = arena_printf(s->probe->arena, "%d %s", (int)how, expression);

	return intern(s, question, (struct scan_term){.how = how, .expression = expression});
}

struct scan_term *scan_add_condition(struct scan *s, const char *condition, const char *x,
				     const char *const cheaper[static DIALECT_N_CONTENTS])
{
	struct scan_term *t = scan_add(s, SCAN_COUNT_IF, condition);

	t->about = map_get(&s->by_expression, x);
	memcpy(t->cheaper, cheaper, sizeof(t->cheaper));
	return t;
}

struct scan_term *scan_add_repeated(struct scan *s, const struct texts *columns)
{
	struct scan_term t = {.how = SCAN_REPEATED, .columns = columns};
	const char *list = "";

	/* Quoted, hence no two lists are the same text. */
	for (size_t i = 0; i < columns->n; i++)
		list = arena_printf(s->probe->arena, "%s%s%s", list, i > 0 ? ", " : "",
				    scan_column(s, columns->items[i]));
	t.expression = list;
	return intern(s, arena_printf(s->probe->arena, "%d %s", (int)t.how, list), t);
}

struct scan_term *scan_add_percentile(struct scan *s, const char *expression, int percent)
{
	struct scan_term t = {
		.how = SCAN_PERCENTILE,
		.expression = expression,
		.percent = percent,
	};

	return intern(s, arena_printf(s->probe->arena, "%d %d %s", (int)t.how, percent, expression),
		      t);
}

const struct db_value *scan_value(const struct scan *s, const struct scan_term *t)
{
	return &s->present->answers[t->index].value;
}

int64_t scan_rows(const struct scan *s, const struct scan_term *t)
{
	return s->present->answers[t->index].n_rows;
}

const char *scan_no_rows(const struct scan *s)
{
	const char *held = s->spec->where ? " for which the condition holds" : "";

	if (s->sample_source || s->sample_condition)
		return arena_printf(
			s->probe->arena,
			"the sample of %s of table \"%s\" has no rows%s: a larger one may",
			s->spec->sample, s->spec->table, held);
	return arena_printf(s->probe->arena, "table \"%s\" has no rows%s", s->spec->table, held);
}

/* ---- emitting ---- */

static const char *query_of(struct scan *s, const struct scan_term *t)
{
	struct scan whole = *s;
	struct scan_term *term = s->terms[t->index];
	struct buf line;

	if (term->query)
		return term->query;
	whole.key = NULL;
	whole.is_plain = true;
	struct scan_batch alone = scan_batch_of(&whole, &term, 1, SCAN_MAX_COLUMNS);

	buf_init(&line, BUF_UNBOUNDED); /* the definition is bounded */
	database_one_line(&line, scan_statement(&alone, NULL));
	term->query = keep(s, &line);
	return term->query;
}

/* No measurement, because the term could not be asked. */
static void make_none(const struct scan *s, const struct scan_term *t, struct measurement *m)
{
	struct arena *a = s->probe->arena;
	struct measurement none = measurement_none(
		m->name, arena_printf(a, "table \"%s\": %s", s->spec->table, t->error->message));

	if (t->error->help[0])
		none.evidence = arena_printf(a, "help: %s", t->error->help);
	none.labels = m->labels;
	none.n_labels = m->n_labels;
	*m = none;
}

void scan_emit(struct scan *s, size_t check, const struct measurement *m, const struct scan_term *t)
{
	struct measurement own = *m;
	size_t n_by = s->spec->by.n;

	if (t->error)
		make_none(s, t, &own);
	if (n_by > 0) {
		struct label *labels =
			arena_array(s->probe->arena, own.n_labels + n_by, sizeof(*labels));

		if (own.n_labels > 0)
			memcpy(labels, own.labels, own.n_labels * sizeof(*labels));
		memcpy(labels + own.n_labels, s->present->labels, n_by * sizeof(*labels));
		own.labels = labels;
		own.n_labels += n_by;
	}
	if (s->sample_source || s->sample_condition)
		own.evidence =
			arena_printf(s->probe->arena, "%s%sa sample of %s: %lld rows",
				     own.evidence ? own.evidence : "", own.evidence ? "\n" : "",
				     s->spec->sample, (long long)scan_rows(s, t));
	own.query = query_of(s, t);
	probe_emit(s->probe, check, &own);
}

/* ---- what the kinds put into their rows ---- */

void scan_check(struct keys_context *ctx, struct check *c, const struct scan_part *part)
{
	struct scan_spec *spec = c->spec;
	const struct texts *by = &spec->by;

	spec->part = part;
	scan_check_sample(ctx, c);
	for (size_t i = 0; i < by->n; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(by->items[i], by->items[k]) == 0)
				diags_at(ctx->diags, by->positions[i], NULL,
					 "check \"%s\": column \"%s\" is written twice in by:",
					 c->name, by->items[i]);
}

const char *scan_merge_key(struct arena *a, const struct check *c)
{
	const struct scan_spec *spec = c->spec;
	const char *by = "";

	for (size_t i = 0; i < spec->by.n; i++)
		by = arena_printf(a, "%s%s\x1f", by, spec->by.items[i]);
	return arena_printf(a, "scan\x1f%s\x1f%s%s\x1f%s\x1f%s", spec->table,
			    spec->where ? "w" : "", spec->where ? spec->where : "", by,
			    spec->sample ? spec->sample : "");
}

static void begin(struct scan *s, struct probe *p)
{
	*s = (struct scan){
		.probe = p,
		.engine = database_engine(p->checks[0]->target),
		.spec = spec_of(p->checks[0]),
	};
	map_init(&s->by_question, p->arena);
	map_init(&s->by_expression, p->arena);
}

static void collect(struct scan *s)
{
	const struct probe *p = s->probe;

	for (size_t i = 0; i < p->n_checks; i++)
		spec_of(p->checks[i])->part->add(s, p->checks[i]);
	s->has_only_extremes = !s->spec->where && s->spec->by.n == 0 && !s->spec->sample;
	for (size_t i = 0; i < s->n; i++)
		if (s->terms[i]->how != SCAN_MIN && s->terms[i]->how != SCAN_MAX)
			s->has_only_extremes = false;
}

static bool may_be_split(const struct scan *s)
{
	return (s->engine == DB_SQLITE || s->engine == DB_MYSQL) && !s->has_only_extremes &&
	       s->probe->checks[0]->target->max_connections > 1;
}

/* What sqlite3(1) does not know of the statements. The caller looks at the buffer. */
static void explain_functions(struct buf *out)
{
	static const struct {
		const char *call, *what;
	} functions[] = {
		{"assize_numbers(", "an aggregate: of each value how many (c), or count, sum, "
				    "extremes and deviation (n)"},
		{"assize_in(", "is the text one of a list of length:text,"},
		{"assize_length(", "characters"},
	};
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (strstr(out->data, functions[i].call))
			(void)buf_printf(out, "-- %s) is assize's own, %s\n", functions[i].call,
					 functions[i].what);
}

void scan_describe(struct probe *p, struct buf *out)
{
	struct scan s;
	struct scan_batch b;

	begin(&s, p);
	collect(&s);
	struct scan_term **terms = scan_in_order(&s);

	for (size_t done = 0; done < s.n; done += b.n) {
		b = scan_batch_of(&s, terms + done, s.n - done, SCAN_MAX_COLUMNS);
		database_one_line(out, scan_statement(&b, NULL));
		(void)buf_putc(out, '\n'); /* the caller looks at the buffer once, at the end */
	}
	explain_functions(out);
	if (s.spec->sample)
		(void)buf_printf(out, "-- of a sample of the rows: %s\n", s.spec->sample);
	else if (may_be_split(&s))
		(void)buf_printf(out,
				 "-- a large table is read in parts, by at most %lld sessions that "
				 "see one snapshot\n",
				 (long long)p->checks[0]->target->max_connections);
}

/* The sessions a scan runs on, and whether they share a snapshot. */
struct sessions {
	struct db *items[SCAN_MAX_SESSIONS];
	size_t n;
	bool is_reading;
};

static size_t most_sessions(const struct probe *p)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	int64_t allowed = p->checks[0]->target->max_connections;

	if (n > allowed)
		n = (long)allowed;
	return n < 1 ? 1 : n > SCAN_MAX_SESSIONS ? SCAN_MAX_SESSIONS : (size_t)n;
}

/*
 * A large table gets further sessions, if they can share a snapshot; else the first goes on alone.
 * An index answers extremes at once: nothing is to be divided.
 */
static int add_sessions(struct scan *s, struct sessions *all, struct err *e)
{
	struct probe *p = s->probe;
	struct db_source source = database_source(p->checks[0]->target);
	size_t most = most_sessions(p);

	if (!s->has_only_extremes && !s->spec->sample)
		s->key = scan_find_key(s, all->items[0]);
	if (s->key && most > 1)
		all->n += db_acquire_more(p->world->dbs, &source, p->deadline_ms, all->items + 1,
					  most - 1);
	if (all->n > 1) {
		all->is_reading = db_begin_read(all->items, all->n, p->deadline_ms, NULL) == 0;
		while (!all->is_reading && all->n > 1)
			database_release(p, all->items[--all->n]);
	}
	if (all->n == 1)
		s->key = NULL;
	if (all->is_reading)
		return 0;
	int rc = db_begin_read(all->items, 1, p->deadline_ms, e);

	all->is_reading = rc == 0;
	if (rc < 0)
		database_release(p, all->items[0]);
	return rc < 0 ? -1 : 0;
}

static void close_sessions(struct scan *s, struct sessions *all)
{
	if (all->is_reading)
		db_end_read(all->items, all->n);
	while (all->n > 0)
		database_release(s->probe, all->items[--all->n]);
}

int scan_probe(struct probe *p, struct err *e)
{
	struct scan s;
	struct sessions sessions = {.n = 0};

	begin(&s, p);
	if (database_acquire(p, &sessions.items[0], e) != 0)
		return -1;
	sessions.n = 1;
	scan_look(&s, sessions.items[0]);
	collect(&s);
	scan_know(&s, sessions.items[0]);
	if (add_sessions(&s, &sessions, e) != 0)
		return -1;
	int rc = scan_find_sample(&s, sessions.items[0], e);

	if (rc == 0)
		rc = scan_run(&s, sessions.items, sessions.n, e);
	else
		(void)err_context(e, "table \"%s\"", s.spec->table);

	close_sessions(&s, &sessions);
	if (rc != 0)
		return -1;
	if (s.n_segments == 0)
		return err_set(e, ERR_MEASURE, "%s, hence no segment", scan_no_rows(&s));
	scan_sort_segments(&s); /* the same order in every run */
	for (size_t i = 0; i < p->n_checks; i++)
		for (size_t k = 0; k < s.n_segments; k++) {
			s.present = s.segments[k];
			spec_of(p->checks[i])->part->emit(p, i, &s);
		}
	return 0;
}
