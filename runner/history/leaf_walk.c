/*
 * The leaves of a range in order: a merge of the tables by their numbers, with the results of each
 * batch in its place.
 *
 * Results are what a record is made of, so theirs is the one leaf that is not made by the general
 * writer: its pieces are put together here, and what it says of facts and series is looked up once.
 */
#include <inttypes.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/history/id_map.h"
#include "runner/history/leaf.h"
#include "runner/history/merkle.h"
#include "runner/history/store.h"
#include "runner/io/jcs.h"

#define RESULT_TYPE "assize/result/1"
/* All of a result's leaf but the series' name and a value that is text. */
#define RESULT_FIXED_MAX 640

struct source {
	const struct leaf_kind *kind;
	sqlite3_stmt *s;
	int seq_column;
	int id_column; /* of definitions */
	int64_t seq;   /* of the row it stands on */
	bool is_over;
};

struct facts_ref {
	char hex[SHA256_HEX];
	enum outcome outcome;
	int64_t check_id, definition_id;
};

struct series_ref {
	int64_t check_id;
	const char *text; /* with its quotes; NULL = the empty name */
	size_t n;
};

/* Rows beside the results (samples, places), in step with them. */
struct beside {
	sqlite3_stmt *s;
	int64_t id; /* INT64_MAX = no more */
};

struct batch {
	bool is_open;
	int64_t run, number, begin_ms, subject, behind;
	int64_t next_seq, end_seq;
	const char *members;		  /* what is left of them */
	int64_t next_series, last_series; /* of the present range */
	sqlite3_stmt *rows;
	bool has_row; /* rows stands on one that is not used up */
	struct beside samples, places;
};

struct leaf_walk {
	struct record *r;
	struct arena *arena;
	int64_t from, to;
	struct buf text;
	size_t n_sources;
	struct source sources[LEAF_MAX_KINDS];
	sqlite3_stmt *batches;
	int64_t batch_seq; /* of the batch `batches` stands on; INT64_MAX = no more */
	struct batch batch;
	struct id_map facts, series;
};

/* ---- beginning ---- */

static int step_source(struct leaf_walk *w, struct source *x, struct err *e)
{
	int rc = store_step(w->r, x->s, e);

	x->is_over = rc != 1;
	if (rc == 1)
		x->seq = sqlite3_column_int64(x->s, x->seq_column);
	return rc < 0 ? -1 : 0;
}

static int begin_source(struct leaf_walk *w, const struct leaf_kind *kind, struct err *e)
{
	struct source *x = &w->sources[w->n_sources];

	*x = (struct source){.kind = kind, .s = store_sql(w->r, kind->sql, e)};
	if (x->s == NULL)
		return -1;
	while (strcmp(sqlite3_column_name(x->s, x->seq_column), "seq") != 0)
		x->seq_column++;
	while (strcmp(kind->table, "definitions") == 0 &&
	       strcmp(sqlite3_column_name(x->s, x->id_column), "id") != 0)
		x->id_column++;
	store_bind_int(x->s, 1, w->from);
	store_bind_int(x->s, 2, w->to);
	w->n_sources++;
	return step_source(w, x, e);
}

static int step_batches(struct leaf_walk *w, struct err *e)
{
	int rc = store_step(w->r, w->batches, e);

	w->batch_seq = rc == 1 ? sqlite3_column_int64(w->batches, 0) : INT64_MAX;
	return rc < 0 ? -1 : 0;
}

/* A range may begin within a batch: the last one that begins before it counts as well. */
static int begin_batches(struct leaf_walk *w, struct err *e)
{
	w->batches = store_sql(
		w->r,
		"SELECT b.first_seq, b.n_results, b.run, b.batch, b.members, r.begin_ms, "
		"r.subject, "
		"coalesce(r.behind, -1) FROM "
		"batches b LEFT JOIN runs r ON r.id = b.run WHERE b.first_seq < ?2 AND b.first_seq "
		">= coalesce((SELECT max(first_seq) FROM batches WHERE first_seq <= ?1), 0) ORDER "
		"BY b.first_seq",
		e);
	if (w->batches == NULL)
		return -1;
	store_bind_int(w->batches, 1, w->from);
	store_bind_int(w->batches, 2, w->to);
	return step_batches(w, e);
}

int leaf_walk_begin(struct record *r, struct arena *a, int64_t from, int64_t to,
		    struct leaf_walk **out, struct err *e)
{
	struct leaf_walk *w = arena_alloc(a, sizeof(*w));

	*w = (struct leaf_walk){.r = r,
				.arena = a,
				.from = from,
				.to = to,
				.facts = {.arena = a},
				.series = {.arena = a}};
	buf_init(&w->text, BUF_UNBOUNDED);
	for (const struct leaf_kind *k = leaf_kinds; k->type != NULL; k++) {
		if (begin_source(w, k, e) != 0) {
			leaf_walk_end(w);
			return -1;
		}
	}
	if (begin_batches(w, e) != 0) {
		leaf_walk_end(w);
		return -1;
	}
	*out = w;
	return 0;
}

static void reset(sqlite3_stmt *s)
{
	if (s != NULL)
		(void)sqlite3_reset(s); /* its failure was told by the step */
}

void leaf_walk_end(struct leaf_walk *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < w->n_sources; i++)
		reset(w->sources[i].s);
	reset(w->batches);
	reset(w->batch.rows);
	reset(w->batch.samples.s);
	reset(w->batch.places.s);
	buf_release(&w->text);
}

/* ---- results ---- */

static const struct facts_ref *facts_of(struct leaf_walk *w, int64_t id, struct err *e)
{
	struct facts_ref *ref = id_map_get(&w->facts, id);
	unsigned char digest[SHA256_BYTES];
	sqlite3_stmt *s;
	int rc;

	if (ref != NULL)
		return ref;
	s = store_sql(w->r,
		      "SELECT leaf, outcome, (SELECT check_id FROM definitions WHERE id = "
		      "definition_id), definition_id FROM facts WHERE id = ?1",
		      e);
	if (s == NULL)
		return NULL;
	store_bind_int(s, 1, id);
	rc = store_step(w->r, s, e);
	if (rc < 0)
		return NULL;
	ref = arena_alloc(w->arena, sizeof(*ref));
	if (rc ==
	    1) { /* of a row that is not there the digest is all zeros, which no content has */
		store_digest(s, 0, digest, sizeof(digest));
		ref->outcome = store_outcome(s, 1);
		ref->check_id = sqlite3_column_int64(s, 2);
		ref->definition_id = sqlite3_column_int64(s, 3);
		(void)sqlite3_reset(s); /* after a row: nothing to tell */
	} else {
		memset(digest, 0, sizeof(digest));
	}
	sha256_hex(digest, ref->hex);
	id_map_put(&w->facts, id, ref);
	return ref;
}

static const struct series_ref *series_of(struct leaf_walk *w, int64_t id, struct err *e)
{
	struct series_ref *ref = id_map_get(&w->series, id);
	struct buf text;
	sqlite3_stmt *s;
	int rc;

	if (ref != NULL)
		return ref;
	s = store_sql(w->r, "SELECT check_id, name FROM series WHERE id = ?1", e);
	if (s == NULL)
		return NULL;
	store_bind_int(s, 1, id);
	rc = store_step(w->r, s, e);
	if (rc < 0)
		return NULL;
	ref = arena_alloc(w->arena, sizeof(*ref));
	buf_init(&text, BUF_UNBOUNDED);
	if (rc == 1) {
		struct jcs j = {.out = &text};

		ref->check_id = sqlite3_column_int64(s, 0);
		jcs_put_text(&j, "series", (const char *)sqlite3_column_text(s, 1),
			     (size_t)sqlite3_column_bytes(s, 1));
		(void)sqlite3_reset(s); /* after a row: nothing to tell */
	} else {
		(void)buf_puts(&text, "\"series\":null"); /* which no series is called */
	}
	ref->text = arena_strndup(w->arena, text.data, text.len);
	ref->n = text.len;
	buf_release(&text);
	id_map_put(&w->series, id, ref);
	return ref;
}

static char *put(char *to, const char *literal, size_t n)
{
	memcpy(to, literal, n);
	return to + n;
}
#define PUT(to, literal) put(to, literal, sizeof(literal) - 1)

/* A number that may be beyond what every reader of JSON keeps exactly. */
static char *put_number(char *to, int64_t v)
{
	bool is_text = v > JCS_MAX_INTEGER || v < -JCS_MAX_INTEGER;

	if (is_text)
		*to++ = '"';
	to += jcs_digits(v, to);
	if (is_text)
		*to++ = '"';
	return to;
}

static char *put_real(char *to, double v)
{
	*to++ = '"';
	to += jcs_real(v, to);
	*to++ = '"';
	return to;
}

/* n is a number, or two as text. */
static char *put_counts(char *to, sqlite3_stmt *s)
{
	const char *text, *slash;

	if (sqlite3_column_type(s, 3) == SQLITE_INTEGER) {
		to = PUT(to, ",\"n\":");
		return put_number(to, sqlite3_column_int64(s, 3));
	}
	if (sqlite3_column_type(s, 3) != SQLITE_TEXT)
		return to;
	text = (const char *)sqlite3_column_text(s, 3);
	slash = strchr(text, '/');
	if (slash == NULL || strlen(text) > 48 || strspn(text, "-0123456789/") != strlen(text))
		return PUT(to, ",\"n\":null"); /* which no count is */
	to = PUT(to, ",\"n\":\"");
	to = put(to, text, strlen(text));
	*to++ = '"';
	return to;
}

/* A code where room follows from value and limit, else the ratio. */
static char *put_room(char *to, sqlite3_stmt *s)
{
	int type = sqlite3_column_type(s, 5);

	if (type == SQLITE_NULL)
		return to;
	to = PUT(to, ",\"room\":");
	return type == SQLITE_INTEGER ? put_number(to, sqlite3_column_int64(s, 5))
				      : put_real(to, store_real(s, 5));
}

/* Brings what stands beside the results up to id; true = there is a row for it. */
static int reach(struct leaf_walk *w, struct beside *b, int64_t id, struct err *e)
{
	while (b->id < id) {
		int rc = store_step(w->r, b->s, e);

		if (rc < 0)
			return -1;
		b->id = rc == 1 ? sqlite3_column_int64(b->s, 0) : INT64_MAX;
	}
	return b->id == id;
}

static int put_samples(struct leaf_walk *w, struct buf *out, bool *has_samples, struct err *e)
{
	sqlite3_stmt *s = w->batch.samples.s;
	struct jcs j = {.out = out, .last = "run"};
	int rc = reach(w, &w->batch.samples, sqlite3_column_int64(w->batch.rows, 0), e);

	*has_samples = rc == 1;
	if (rc == 1)
		jcs_put_digest(&j, "samples", sqlite3_column_blob(s, 1),
			       (size_t)sqlite3_column_bytes(s, 1));
	return rc < 0 ? -1 : 0;
}

/* The members behind "t". */
static void put_value(struct buf *out, sqlite3_stmt *s)
{
	char text[64], *to = text;
	struct jcs j = {.out = out};

	switch (sqlite3_column_type(s, 2)) {
	case SQLITE_NULL:
		return;
	case SQLITE_INTEGER:
		to = PUT(to, ",\"value\":");
		to = put_number(to, sqlite3_column_int64(s, 2));
		break;
	case SQLITE_TEXT:
		(void)buf_puts(out, ",\"value\":{");
		jcs_put_text(&j, "text", (const char *)sqlite3_column_text(s, 2),
			     (size_t)sqlite3_column_bytes(s, 2));
		to = PUT(to, "}");
		break;
	default:
		to = PUT(to, ",\"value\":{\"real\":");
		to = put_real(to, store_real(s, 2));
		to = PUT(to, "}");
		break;
	}
	(void)buf_add(out, text, (size_t)(to - text));
}

static int put_result(struct leaf_walk *w, struct leaf *leaf, struct err *e)
{
	struct batch *b = &w->batch;
	sqlite3_stmt *s = b->rows;
	const struct facts_ref *facts = facts_of(w, sqlite3_column_int64(s, 1), e);
	const struct series_ref *series = series_of(w, leaf->series_id, e);
	char text[RESULT_FIXED_MAX], *to = text;
	int has_place;

	if (facts == NULL || series == NULL)
		return -1;
	has_place = reach(w, &b->places, sqlite3_column_int64(s, 0), e);
	if (has_place < 0)
		return -1;
	leaf->has_place = has_place == 1;
	leaf->outcome = facts->outcome;
	leaf->check_id = series->check_id;
	leaf->facts_id = sqlite3_column_int64(s, 1);
	leaf->facts_check_id = facts->check_id;
	leaf->definition_id = facts->definition_id;
	leaf->measured_ms = b->begin_ms + sqlite3_column_int64(s, 6);
	to = PUT(to, "{\"at\":");
	to = put_number(to, leaf->measured_ms);
	to = PUT(to, ",\"batch\":");
	to = put_number(to, b->number);
	to = PUT(to, ",\"duration_us\":");
	to = put_number(to, sqlite3_column_int64(s, 7));
	to = PUT(to, ",\"facts\":\"");
	to = put(to, facts->hex, SHA256_HEX - 1);
	*to++ = '"';
	if (sqlite3_column_type(s, 4) != SQLITE_NULL) {
		to = PUT(to, ",\"limit\":");
		to = put_real(to, store_real(s, 4));
	}
	to = put_counts(to, s);
	if (has_place == 1) {
		to = PUT(to, ",\"place\":");
		to = put_number(to, sqlite3_column_int64(b->places.s, 1));
	}
	to = put_room(to, s);
	to = PUT(to, ",\"run\":");
	to = put_number(to, b->run);
	(void)buf_add(&w->text, text, (size_t)(to - text));
	if (put_samples(w, &w->text, &leaf->has_samples, e) != 0)
		return -1;
	to = PUT(text, ",\"seq\":");
	to = put_number(to, leaf->seq);
	*to++ = ',';
	(void)buf_add(&w->text, text, (size_t)(to - text));
	(void)buf_add(&w->text, series->text, series->n);
	(void)buf_puts(&w->text, ",\"t\":\"" RESULT_TYPE "\"");
	put_value(&w->text, s);
	(void)buf_putc(&w->text, '}');
	return 0;
}

/* ---- batches ---- */

bool leaf_next_members(const char **members, int64_t *first, int64_t *last)
{
	size_t n = strcspn(*members, " "), low = strcspn(*members, "- ");
	const char *high = *members + low + 1;

	if (n == 0 || num_parse_int(*members, low, first) != 0)
		return false;
	*last = *first;
	if (low < n && num_parse_int(high, n - low - 1, last) != 0)
		return false;
	*members += n + strspn(*members + n, " ");
	return *first <= *last;
}

static bool next_range(struct batch *b)
{
	return leaf_next_members(&b->members, &b->next_series, &b->last_series);
}

static int64_t id_of(const struct batch *b, int64_t series)
{
	return b->run << STORE_SERIES_BITS | series;
}

static int step_rows(struct leaf_walk *w, struct err *e)
{
	int rc = store_step(w->r, w->batch.rows, e);

	w->batch.has_row = rc == 1;
	return rc < 0 ? -1 : 0;
}

static int begin_beside(struct leaf_walk *w, struct beside *b, const char *sql, int64_t low,
			struct err *e)
{
	b->s = store_sql(w->r, sql, e);
	b->id = -1;
	if (b->s == NULL)
		return -1;
	store_bind_int(b->s, 1, low);
	store_bind_int(b->s, 2, id_of(&w->batch, w->batch.last_series));
	return 0;
}

static int begin_range(struct leaf_walk *w, struct err *e)
{
	struct batch *b = &w->batch;
	int64_t low = id_of(b, b->next_series);

	b->rows = store_sql(w->r,
			    "SELECT id, facts_id, value, n, own_limit, room, at_ms, duration_us "
			    "FROM results WHERE id >= ?1 AND id <= ?2 ORDER BY id",
			    e);
	if (b->rows == NULL)
		return -1;
	store_bind_int(b->rows, 1, low);
	store_bind_int(b->rows, 2, id_of(b, b->last_series));
	if (begin_beside(w, &b->samples,
			 "SELECT result, body FROM samples WHERE result >= ?1 AND result <= ?2 "
			 "ORDER BY result",
			 low, e) != 0 ||
	    begin_beside(w, &b->places,
			 "SELECT result, place FROM places WHERE result >= ?1 AND result <= ?2 "
			 "ORDER BY result",
			 low, e) != 0)
		return -1;
	return step_rows(w, e);
}

/* The batch that `batches` stands on becomes the present one. */
static int open_batch(struct leaf_walk *w, struct err *e)
{
	const char *members = (const char *)sqlite3_column_text(w->batches, 4);
	struct batch *b = &w->batch;

	*b = (struct batch){
		.is_open = true,
		.next_seq = w->batch_seq,
		.end_seq = w->batch_seq + sqlite3_column_int64(w->batches, 1),
		.run = sqlite3_column_int64(w->batches, 2),
		.number = sqlite3_column_int64(w->batches, 3),
		.members = arena_strdup(w->arena, members != NULL ? members : ""),
		.begin_ms = sqlite3_column_int64(w->batches, 5),
		.subject = sqlite3_column_int64(w->batches, 6),
		.behind = sqlite3_column_int64(w->batches, 7),
		.next_series = 1,
	};
	return step_batches(w, e);
}

/* The leaf of the next result of the present batch. */
static int next_result(struct leaf_walk *w, struct leaf *out, struct err *e)
{
	struct batch *b = &w->batch;
	bool is_new = b->next_series > b->last_series && next_range(b);

	*out = (struct leaf){.seq = b->next_seq++,
			     .type = RESULT_TYPE,
			     .is_result = true,
			     .run = b->run,
			     .batch = b->number,
			     .subject = b->subject,
			     .behind = b->behind,
			     .begin_ms = b->begin_ms,
			     .series_id = b->next_series,
			     .is_missing = true};
	if (is_new && begin_range(w, e) != 0)
		return -1;
	if (b->next_series <= b->last_series) {
		int64_t id = id_of(b, b->next_series++);

		while (b->has_row && sqlite3_column_int64(b->rows, 0) < id)
			if (step_rows(w, e) != 0)
				return -1;
		out->is_missing = !b->has_row || sqlite3_column_int64(b->rows, 0) != id;
	}
	if (out->seq >= w->from && !out->is_missing && put_result(w, out, e) != 0)
		return -1;
	b->is_open = b->next_seq < b->end_seq;
	return 1;
}

/* ---- the merge ---- */

static struct source *smallest(struct leaf_walk *w)
{
	struct source *found = NULL;

	for (size_t i = 0; i < w->n_sources; i++)
		if (!w->sources[i].is_over && (found == NULL || w->sources[i].seq < found->seq))
			found = &w->sources[i];
	return found;
}

static int next_row(struct leaf_walk *w, struct source *x, struct leaf *out, struct err *e)
{
	*out = (struct leaf){.seq = x->seq, .type = x->kind->type};
	if (strcmp(x->kind->table, "definitions") == 0)
		out->definition_id = sqlite3_column_int64(x->s, x->id_column);
	if (leaf_put_row(w->r, x->s, x->kind->children, &w->text, e) != 0)
		return -1;
	return step_source(w, x, e) == 0 ? 1 : -1;
}

static int next_leaf(struct leaf_walk *w, struct leaf *out, struct err *e)
{
	struct source *x = smallest(w);

	if (!w->batch.is_open && w->batch_seq != INT64_MAX &&
	    (x == NULL || w->batch_seq <= x->seq) && open_batch(w, e) != 0)
		return -1;
	if (w->batch.is_open && (x == NULL || w->batch.next_seq <= x->seq))
		return next_result(w, out, e);
	return x == NULL ? 0 : next_row(w, x, out, e);
}

int leaf_walk_next(struct leaf_walk *w, struct leaf *out, struct err *e)
{
	for (;;) {
		int rc;

		buf_reset(&w->text);
		(void)buf_putc(&w->text, MERKLE_LEAF_PREFIX);
		rc = next_leaf(w, out, e);
		if (rc != 1)
			return rc;
		if (out->seq >= w->to)
			return 0;
		if (out->seq < w->from)
			continue;
		out->bytes = out->is_missing ? NULL : (const unsigned char *)w->text.data;
		out->n = w->text.len;
		return 1;
	}
}
