/*
 * What others measured. Rows are only ever added; a name's labels are kept once for each distinct
 * set of them, under the id of the set's text.
 */
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/store.h"

/* ---- writing ---- */

static int write_labels(struct record *r, int64_t series, const struct external *x, struct err *e)
{
	for (size_t i = 0; i < x->n_labels; i++) {
		int64_t name, value;
		sqlite3_stmt *s;

		if (intern_text(r, x->labels[i].name, &name, e) != 0 ||
		    intern_text(r, x->labels[i].value, &value, e) != 0)
			return -1;
		s = store_sql(r, "INSERT OR IGNORE INTO external_labels VALUES (?1, ?2, ?3, ?4)",
			      e);
		if (s == NULL)
			return -1;
		store_bind_int(s, 1, series);
		store_bind_int(s, 2, (int64_t)i);
		store_bind_int(s, 3, name);
		store_bind_int(s, 4, value);
		if (store_run(r, s, e) != 0)
			return -1;
	}
	return 0;
}

static void bind_value(sqlite3_stmt *s, int at, const struct value *v)
{
	if (v->type == VALUE_INT)
		store_bind_int(s, at, v->integer);
	else
		store_bind_real(s, at, v->real);
}

static struct value value_at(sqlite3_stmt *s, int at)
{
	struct value v = {.type = VALUE_INT};

	if (sqlite3_column_type(s, at) == SQLITE_INTEGER) {
		v.integer = sqlite3_column_int64(s, at);
		return v;
	}
	v.type = VALUE_REAL;
	v.real = store_real(s, at);
	return v;
}

/* Ids of the texts a row points to. */
struct texts_of {
	int64_t name, series, given, unit, host, user;
};

static int intern_all(struct record *r, const struct external *x, struct texts_of *out,
		      struct err *e)
{
	return intern_text(r, x->name, &out->name, e) == 0 &&
			       intern_text(r, x->series, &out->series, e) == 0 &&
			       intern_text(r, x->id, &out->given, e) == 0 &&
			       intern_text(r, x->unit, &out->unit, e) == 0 &&
			       intern_text(r, x->host, &out->host, e) == 0 &&
			       intern_text(r, x->user, &out->user, e) == 0
		       ? 0
		       : -1;
}

/* Was it given before? 1 = the same, 0 = no. */
static int look_up(struct record *r, const struct external *x, const struct texts_of *t,
		   struct err *e)
{
	sqlite3_stmt *s;
	bool is_same;
	int rc;

	if (x->id == NULL)
		return 0;
	s = store_sql(
		r,
		"SELECT value, series = ?3 AND unit = ?4 AND (?6 OR at_ms = ?5) FROM externals"
		" WHERE name = ?1 AND given_id = ?2",
		e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, t->name);
	store_bind_int(s, 2, t->given);
	store_bind_int(s, 3, t->series);
	store_bind_int(s, 4, t->unit);
	store_bind_int(s, 5, x->at_ms);
	store_bind_int(s, 6, x->is_now);
	rc = store_step(r, s, e);
	if (rc != 1)
		return rc;
	struct value v = value_at(s, 0);

	is_same = sqlite3_column_int(s, 1) != 0 && value_is_same(&v, &x->value);
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	if (is_same)
		return 1;
	(void)err_set(e, ERR_USAGE,
		      "\"%s\" with the id \"%s\" was recorded before, with another "
		      "value, time or labels",
		      x->name, x->id);
	return err_help(e, "an id stands for one measurement: give this one an id of its own");
}

int store_external(struct record *r, const struct external *x, int64_t merge_id, struct err *e)
{
	struct texts_of t;
	sqlite3_stmt *s;
	int rc;

	if (intern_all(r, x, &t, e) != 0)
		return -1;
	rc = look_up(r, x, &t, e);
	if (rc != 0)
		return rc;
	s = store_sql(
		r,
		"INSERT INTO externals(seq, name, series, given_id, value, unit, at_ms,"
		" recorded_ms, host, user, merge) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "
		"?10, ?11)",
		e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, store_take_seq(r, 1));
	store_bind_int(s, 2, t.name);
	store_bind_int(s, 3, t.series);
	store_bind_id(s, 4, t.given);
	bind_value(s, 5, &x->value);
	store_bind_int(s, 6, t.unit);
	store_bind_int(s, 7, x->at_ms);
	store_bind_int(s, 8, x->recorded_ms);
	store_bind_int(s, 9, t.host);
	store_bind_int(s, 10, t.user);
	store_bind_id(s, 11, merge_id);
	return store_run(r, s, e) == 0 ? write_labels(r, t.series, x, e) : -1;
}

int record_external(struct record *r, const struct external *x, struct err *e)
{
	int rc;

	if (store_enter(r, STORE_WRITING, e) != 0)
		return -1;
	rc = store_external(r, x, 0, e);
	if (store_leave(r, rc < 0 ? -1 : 0, e) != 0)
		return -1;
	return rc;
}

/* ---- reading ---- */

static int read_labels(struct record *r, struct arena *a, int64_t series, struct external *x,
		       struct err *e)
{
	sqlite3_stmt *s = store_sql(r,
				    "SELECT (SELECT body FROM texts WHERE id = name), (SELECT body"
				    " FROM texts WHERE id = value) FROM external_labels"
				    " WHERE series = ?1 ORDER BY place",
				    e);
	struct label *labels = NULL;
	size_t cap = 0;
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, series);
	while ((rc = store_step(r, s, e)) == 1) {
		labels = store_grow(a, labels, sizeof(*labels), x->n_labels, &cap);
		labels[x->n_labels++] =
			(struct label){store_text_or(s, 0, a, ""), store_text_or(s, 1, a, "")};
	}
	x->labels = labels;
	return rc;
}

/* How many of the window there are. */
static int count_of(struct record *r, int64_t name, int64_t since_ms, int64_t *n, struct err *e)
{
	sqlite3_stmt *s =
		store_sql(r, "SELECT count(*) FROM externals WHERE name = ?1 AND at_ms >= ?2", e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, name);
	store_bind_int(s, 2, since_ms);
	return store_integer(r, s, n, e) < 0 ? -1 : 0;
}

#define EXTERNAL_COLUMNS                                                                           \
	"series, (SELECT body FROM texts WHERE id = series), value, (SELECT body FROM texts WHERE" \
	" id = unit), at_ms, recorded_ms, (SELECT body FROM texts WHERE id = host), (SELECT body"  \
	" FROM texts WHERE id = user), (SELECT body FROM texts WHERE id = given_id), (SELECT body" \
	" FROM texts WHERE id = name), merge IS NOT NULL AND (SELECT vouched FROM merges WHERE"    \
	" id = merge) < 2"

/* What a statement of these columns gives. */
static int take_rows(struct record *r, struct arena *a, sqlite3_stmt *s, struct external **out,
		     size_t *n, struct err *e)
{
	struct external *items = NULL;
	int64_t *series = NULL;
	size_t count = 0, cap = 0, cap_series = 0;
	int rc;

	while ((rc = store_step(r, s, e)) == 1) {
		items = store_grow(a, items, sizeof(*items), count, &cap);
		series = store_grow(a, series, sizeof(*series), count, &cap_series);
		series[count] = sqlite3_column_int64(s, 0);
		items[count++] = (struct external){
			.name = store_text_or(s, 9, a, ""),
			.series = store_text_or(s, 1, a, ""),
			.value = value_at(s, 2),
			.unit = store_text_or(s, 3, a, ""),
			.at_ms = sqlite3_column_int64(s, 4),
			.recorded_ms = sqlite3_column_int64(s, 5),
			.host = store_text_or(s, 6, a, ""),
			.user = store_text_or(s, 7, a, ""),
			.id = store_text(s, 8, a),
			.is_unvouched = sqlite3_column_int(s, 10) != 0,
		};
	}
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = read_labels(r, a, series[i], &items[i], e);
	*out = items;
	*n = count;
	return rc;
}

static int read_rows(struct record *r, struct arena *a, int64_t name, int64_t since_ms,
		     size_t limit, struct past_externals *out, struct err *e)
{
	struct external *items;
	sqlite3_stmt *s =
		store_sql(r,
			  "SELECT " EXTERNAL_COLUMNS " FROM externals"
			  " WHERE id IN (SELECT id FROM externals WHERE name = ?1 AND at_ms >= ?2"
			  "  ORDER BY at_ms DESC, id DESC LIMIT ?3)"
			  " OR id IN (SELECT (SELECT id FROM externals n WHERE n.name = ?1"
			  "   AND n.series = g.series ORDER BY at_ms DESC, id DESC LIMIT 1)"
			  "  FROM (SELECT DISTINCT series FROM externals WHERE name = ?1) g)"
			  " ORDER BY at_ms, id",
			  e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, name);
	store_bind_int(s, 2, since_ms);
	store_bind_int(s, 3, (int64_t)limit);
	if (take_rows(r, a, s, &items, &out->n, e) != 0)
		return -1;
	out->items = items;
	return 0;
}

static int read_externals(struct record *r, struct arena *a, int64_t since_ms, size_t limit,
			  struct past_externals *out, struct err *e)
{
	int64_t name, n = 0;

	if (lookup_text(r, out->name, &name, e) != 0)
		return -1;
	if (name == 0)
		return 0;
	if (count_of(r, name, since_ms, &n, e) != 0 ||
	    read_rows(r, a, name, since_ms, limit, out, e) != 0)
		return -1;
	out->n_left_out = n > (int64_t)limit ? (size_t)(n - (int64_t)limit) : 0;
	return 0;
}

int record_externals(struct record *r, struct arena *a, const char *name, int64_t since_ms,
		     size_t limit, struct past_externals *out, struct err *e)
{
	*out = (struct past_externals){.name = name};
	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	return store_leave(r, read_externals(r, a, since_ms, limit, out, e), e);
}

static int read_values(struct record *r, struct arena *a, const struct external_query *q,
		       struct external **out, size_t *n, struct err *e)
{
	int64_t name, series = 0;
	sqlite3_stmt *s;

	if (lookup_text(r, q->name, &name, e) != 0 ||
	    (q->series != NULL && lookup_text(r, q->series, &series, e) != 0))
		return -1;
	s = store_sql(r,
		      "SELECT " EXTERNAL_COLUMNS " FROM externals WHERE id IN (SELECT id FROM"
		      " externals WHERE name = ?1 AND (?2 IS NULL OR series = ?2) AND at_ms >= ?3"
		      " ORDER BY at_ms DESC, id DESC LIMIT ?4) ORDER BY at_ms, id",
		      e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, name);
	if (q->series != NULL)
		store_bind_int(s, 2, series);
	store_bind_int(s, 3, q->since_ms);
	store_bind_int(s, 4, (int64_t)q->limit);
	return take_rows(r, a, s, out, n, e);
}

int record_external_values(struct record *r, struct arena *a, const struct external_query *q,
			   struct external **out, size_t *n, struct err *e)
{
	return store_enter(r, STORE_READING, e) != 0
		       ? -1
		       : store_leave(r, read_values(r, a, q, out, n, e), e);
}

/* How many there are of each, in the order the newest ones are read in. */
static int count_series(struct record *r, struct external_series *items, size_t n, struct err *e)
{
	sqlite3_stmt *s = store_sql(r,
				    "SELECT count(*), min(at_ms) FROM externals GROUP BY name, "
				    "series ORDER BY name, series",
				    e);
	size_t i = 0;
	int rc;

	if (s == NULL)
		return -1;
	while ((rc = store_step(r, s, e)) == 1) {
		if (i >= n)
			continue; /* both read one moment: of a record that was changed */
		items[i].n = sqlite3_column_int64(s, 0);
		items[i++].first_ms = sqlite3_column_int64(s, 1);
	}
	return rc;
}

static int read_series(struct record *r, struct arena *a, struct external_series **out, size_t *n,
		       struct err *e)
{
	sqlite3_stmt *s = store_sql(
		r,
		"SELECT " EXTERNAL_COLUMNS " FROM (SELECT (SELECT id FROM externals x WHERE x.name "
		"= g.name AND x.series = g.series ORDER BY at_ms DESC, id DESC LIMIT 1) AS newest "
		"FROM (SELECT DISTINCT name, series FROM externals) g) JOIN externals ON id = "
		"newest ORDER BY name, series",
		e);
	struct external *newest;

	if (s == NULL || take_rows(r, a, s, &newest, n, e) != 0)
		return -1;
	*out = arena_array(a, *n, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		(*out)[i].newest = newest[i];
	return count_series(r, *out, *n, e);
}

int record_external_series(struct record *r, struct arena *a, struct external_series **out,
			   size_t *n, struct err *e)
{
	return store_enter(r, STORE_READING, e) != 0
		       ? -1
		       : store_leave(r, read_series(r, a, out, n, e), e);
}

int store_external_of(struct record *r, struct arena *a, int64_t id, struct external *out,
		      struct err *e)
{
	sqlite3_stmt *s = store_row(
		r,
		"SELECT series, (SELECT body FROM texts WHERE id = name), (SELECT body "
		"FROM texts WHERE id = series), value, (SELECT body FROM texts WHERE id = "
		"unit), at_ms, recorded_ms, (SELECT body FROM texts WHERE id = host), "
		"(SELECT body FROM texts WHERE id = user), (SELECT body FROM texts WHERE "
		"id = given_id) FROM externals WHERE id = ?1",
		"measurement", id, e);
	int64_t series;

	if (s == NULL)
		return -1;
	series = sqlite3_column_int64(s, 0);
	*out = (struct external){
		.name = store_text_or(s, 1, a, ""),
		.series = store_text_or(s, 2, a, ""),
		.value = value_at(s, 3),
		.unit = store_text_or(s, 4, a, ""),
		.at_ms = sqlite3_column_int64(s, 5),
		.recorded_ms = sqlite3_column_int64(s, 6),
		.host = store_text_or(s, 7, a, ""),
		.user = store_text_or(s, 8, a, ""),
		.id = store_text(s, 9, a),
	};
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return read_labels(r, a, series, out, e);
}
