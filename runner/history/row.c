/*
 * What makes a row small without losing a bit: a number that follows from its neighbours is
 * replaced by the way it follows, and only when that gives exactly the same double. Everything else
 * is stored as it is.
 */
#include "runner/history/row.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/num.h"
#include "runner/history/id_map.h"

/* How room follows from value and limit (runner/model/expect_judge.c); numbers are in files. */
enum room_code {
	ROOM_ZERO = 0,
	ROOM_VALUE_BY_LIMIT = 1,
	ROOM_LIMIT_BY_VALUE = 2,
	ROOM_SHARE_BY_LIMIT = 3,
	ROOM_LIMIT_BY_SHARE = 4,
	ROOM_VALUE_FROM_WHOLE = 5,
	ROOM_SHARE_FROM_WHOLE = 6,
	ROOM_N_CODES = 7,
};

static bool same_real(double a, double b)
{
	return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof(a)) == 0;
}

static double number_of(const struct value *v)
{
	switch (v->type) {
	case VALUE_INT:
		return (double)v->integer;
	case VALUE_REAL:
		return v->real;
	case VALUE_NONE:
	case VALUE_TEXT:
		return NAN;
	}
	return NAN;
}

static double room_by(int64_t code, double value, double share, double limit)
{
	switch ((enum room_code)code) {
	case ROOM_ZERO:
		return 0;
	case ROOM_VALUE_BY_LIMIT:
		return value / limit;
	case ROOM_LIMIT_BY_VALUE:
		return limit / value;
	case ROOM_SHARE_BY_LIMIT:
		return share / limit;
	case ROOM_LIMIT_BY_SHARE:
		return limit / share;
	case ROOM_VALUE_FROM_WHOLE:
		return (1 - value) / (1 - limit);
	case ROOM_SHARE_FROM_WHOLE:
		return (1 - share) / (1 - limit);
	case ROOM_N_CODES:
		break;
	}
	return NAN;
}

double row_derived_share(const struct value *v, int64_t n_total)
{
	return v->type == VALUE_INT && n_total > 0 ? (double)v->integer / (double)n_total : NAN;
}

bool row_has_derived_share(const struct result *x)
{
	return same_real(x->share, row_derived_share(&x->value, x->n_total));
}

static void bind_value(sqlite3_stmt *s, int at, const struct value *v)
{
	switch (v->type) {
	case VALUE_NONE:
		return; /* unbound is NULL */
	case VALUE_INT:
		store_bind_int(s, at, v->integer);
		return;
	case VALUE_REAL:
		store_bind_real(s, at, v->real);
		return;
	case VALUE_TEXT:
		store_bind_text(s, at, v->text);
		return;
	}
}

static void bind_room(sqlite3_stmt *s, int at, const struct result *x)
{
	if (isnan(x->room))
		return; /* unbound is NULL */
	for (int64_t code = 0; code < ROOM_N_CODES && x->has_limit; code++) {
		if (same_real(x->room, room_by(code, number_of(&x->value), x->share, x->limit))) {
			store_bind_int(s, at, code);
			return;
		}
	}
	store_bind_real(s, at, x->room);
}

bool row_is_whole(const struct result *x)
{
	return x->n_total == x->n && x->n != -1;
}

/* One number, seldom two. */
static void bind_counts(sqlite3_stmt *s, int at, const struct result *x, char *text, size_t size)
{
	if (row_is_whole(x) || x->n_total == -1) {
		if (x->n != -1)
			store_bind_int(s, at, x->n);
		return; /* unbound is NULL */
	}
	(void)snprintf(text, size, "%" PRId64 "/%" PRId64, x->n, x->n_total); /* it fits */
	store_bind_text(s, at, text);
}

int row_insert(struct record *r, const struct row *row, struct err *e)
{
	const struct result *x = row->result;
	char counts[48];
	sqlite3_stmt *s = store_sql(r,
				    "INSERT INTO results(id, facts_id, value, n, own_limit, room, "
				    "at_ms, duration_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
				    e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, row->id);
	store_bind_int(s, 2, row->facts_id);
	bind_value(s, 3, &x->value);
	bind_counts(s, 4, x, counts, sizeof(counts));
	if (x->has_limit && !same_real(x->limit, row->usual_limit))
		store_bind_real(s, 5, x->limit);
	bind_room(s, 6, x);
	store_bind_int(s, 7, x->measured_ms - row->begin_ms);
	store_bind_int(s, 8, x->duration_us);
	return store_run(r, s, e);
}

struct value row_value(sqlite3_stmt *s, int at, struct arena *a)
{
	switch (sqlite3_column_type(s, at)) {
	case SQLITE_INTEGER:
		return (struct value){.type = VALUE_INT, .integer = sqlite3_column_int64(s, at)};
	case SQLITE_FLOAT:
	case SQLITE_BLOB:
		return (struct value){.type = VALUE_REAL, .real = store_real(s, at)};
	case SQLITE_TEXT:
		return (struct value){.type = VALUE_TEXT, .text = store_text(s, at, a)};
	default:
		return (struct value){.type = VALUE_NONE};
	}
}

void row_counts(sqlite3_stmt *s, int at, bool is_whole, int64_t *n, int64_t *n_total)
{
	const char *text, *slash;

	*n = *n_total = -1;
	switch (sqlite3_column_type(s, at)) {
	case SQLITE_INTEGER:
		*n = sqlite3_column_int64(s, at);
		*n_total = is_whole ? *n : -1;
		return;
	case SQLITE_TEXT:
		text = (const char *)sqlite3_column_text(s, at);
		slash = strchr(text, '/');
		if (slash == NULL || num_parse_int(text, (size_t)(slash - text), n) != 0 ||
		    num_parse_int(slash + 1, strlen(slash + 1), n_total) != 0)
			*n = *n_total = -1; /* unreadable: it does not apply */
		return;
	default:
		return;
	}
}

double row_room(sqlite3_stmt *s, int at, const struct value *v, double share, double limit)
{
	if (sqlite3_column_type(s, at) == SQLITE_INTEGER)
		return room_by(sqlite3_column_int64(s, at), number_of(v), share, limit);
	return store_real(s, at);
}

/* A row of `facts` as the result it stands for, its own numbers aside. */
struct facts {
	struct result common;
	bool has_share, is_whole;
	double share;
};

struct facts_cache {
	struct record *record;
	struct arena *arena;
	struct id_map facts;
	struct id_map definitions;
};

struct facts_cache *facts_cache_new(struct record *r, struct arena *a)
{
	struct facts_cache *c = arena_alloc(a, sizeof(*c));

	*c = (struct facts_cache){r, a, {.arena = a}, {.arena = a}};
	return c;
}

const struct check_info *row_definition(struct facts_cache *c, int64_t id, struct err *e)
{
	struct check_info *info = id_map_get(&c->definitions, id);
	sqlite3_stmt *s;

	if (info != NULL)
		return info;
	s = store_row(c->record,
		      "SELECT (SELECT name FROM checks WHERE id = d.check_id), (SELECT "
		      "body FROM texts WHERE id = d.kind), (SELECT body FROM texts WHERE "
		      "id = d.title), (SELECT body FROM texts WHERE id = d.why), (SELECT "
		      "body FROM texts WHERE id = d.owner), (SELECT body FROM texts "
		      "WHERE id = d.target), (SELECT body FROM texts WHERE id = d.file), "
		      "d.line, d.col, d.severity, (SELECT body FROM texts WHERE id = "
		      "d.tags), d.hash, (SELECT body FROM texts WHERE id = d.expects) FROM "
		      "definitions d WHERE d.id = ?1",
		      "definition", id, e);
	if (s == NULL)
		return NULL;
	info = arena_alloc(c->arena, sizeof(*info));
	*info = (struct check_info){
		.name = store_text_or(s, 0, c->arena, ""),
		.kind = store_text_or(s, 1, c->arena, ""),
		.title = store_text(s, 2, c->arena),
		.why = store_text(s, 3, c->arena),
		.owner = store_text(s, 4, c->arena),
		.target = store_text(s, 5, c->arena),
		.file = store_text_or(s, 6, c->arena, ""),
		.line = sqlite3_column_int64(s, 7),
		.col = sqlite3_column_int64(s, 8),
		.severity = sqlite3_column_int64(s, 9),
		.tags = store_text_or(s, 10, c->arena, ""),
		.expects = store_text(s, 12, c->arena),
	};
	store_digest(s, 11, info->hash, sizeof(info->hash));
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	id_map_put(&c->definitions, id, info);
	return info;
}

/* Of what was pruned, when that was, and what it was known by. */
#define BODY_OF(column)                                                                            \
	"coalesce((SELECT strftime('pruned on %Y-%m-%d: ', p.at_ms / 1000, 'unixepoch') || "       \
	"t.size || ' bytes with SHA-256 ' || lower(hex(t.sha256)) FROM pruned_texts t JOIN "       \
	"prunings p ON p.id = t.pruning WHERE t.text = " column                                    \
	"), (SELECT body FROM texts WHERE id = " column "))"

static const struct facts *load_facts(struct facts_cache *c, int64_t id, struct err *e)
{
	struct facts *f = id_map_get(&c->facts, id);
	struct arena *a = c->arena;
	int64_t definition_id;
	sqlite3_stmt *s;

	if (f != NULL)
		return f;
	s = store_row(c->record,
		      "SELECT definition_id, ordinal, outcome, (SELECT body FROM texts "
		      "WHERE id = unit), (SELECT body FROM texts WHERE id = bound), "
		      "usual_limit, bound_line, bound_col, (SELECT body FROM texts WHERE "
		      "id = reason), " BODY_OF("evidence") ", " BODY_OF(
			      "query") ", attempts, is_flaky, "
				       "share, is_whole FROM facts WHERE id = ?1",
		      "facts row", id, e);
	if (s == NULL)
		return NULL;
	f = arena_alloc(a, sizeof(*f));
	definition_id = sqlite3_column_int64(s, 0);
	f->common = (struct result){
		.ordinal = sqlite3_column_int64(s, 1),
		.outcome = store_outcome(s, 2),
		.unit = store_text_or(s, 3, a, ""),
		.bound = store_text_or(s, 4, a, ""),
		.has_limit = sqlite3_column_type(s, 5) != SQLITE_NULL,
		.bound_line = sqlite3_column_int64(s, 6),
		.bound_col = sqlite3_column_int64(s, 7),
		.reason = store_text(s, 8, a),
		.evidence = store_text(s, 9, a),
		.query = store_text(s, 10, a),
		.attempts = sqlite3_column_int64(s, 11),
		.is_flaky = sqlite3_column_int64(s, 12) != 0,
		.series = "",
	};
	if (f->common.has_limit)
		f->common.limit = store_real(s, 5);
	f->has_share = sqlite3_column_type(s, 13) != SQLITE_NULL;
	f->share = store_real(s, 13);
	f->is_whole = sqlite3_column_int(s, 14) != 0;
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	f->common.check = row_definition(c, definition_id, e);
	if (f->common.check == NULL)
		return NULL;
	id_map_put(&c->facts, id, f);
	return f;
}

int row_facts(struct facts_cache *c, int64_t id, struct result *out, bool *has_share, struct err *e)
{
	const struct facts *f = load_facts(c, id, e);

	if (f == NULL)
		return -1;
	*out = f->common;
	out->n = out->n_total = f->is_whole ? 0 : -1; /* of which no share can be derived */
	out->share = f->has_share ? f->share : NAN;
	*has_share = f->has_share;
	return 0;
}

int row_read(struct facts_cache *c, sqlite3_stmt *s, int64_t begin_ms, struct result *out,
	     struct err *e)
{
	const struct facts *f = load_facts(c, sqlite3_column_int64(s, 0), e);
	struct result x;

	if (f == NULL)
		return -1;
	x = f->common;
	x.value = row_value(s, 1, c->arena);
	row_counts(s, 2, f->is_whole, &x.n, &x.n_total);
	x.share = f->has_share ? f->share : row_derived_share(&x.value, x.n_total);
	if (x.has_limit && sqlite3_column_type(s, 3) != SQLITE_NULL)
		x.limit = store_real(s, 3);
	x.room = row_room(s, 4, &x.value, x.share, x.limit);
	x.measured_ms = begin_ms + sqlite3_column_int64(s, 5);
	x.duration_us = sqlite3_column_int64(s, 6);
	*out = x;
	return 0;
}

int row_compare_placed(const void *a, const void *b)
{
	const struct row_placed *x = a, *y = b;
	const int64_t keys[][2] = {{x->result.ordinal, y->result.ordinal},
				   {x->check_id, y->check_id},
				   {x->place, y->place},
				   {x->id, y->id}};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i][0] != keys[i][1])
			return keys[i][0] < keys[i][1] ? -1 : 1;
	return 0;
}
