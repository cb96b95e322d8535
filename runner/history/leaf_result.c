/*
 * The leaf of a result. Results are what a record is made of, so theirs is the one leaf that is not
 * made by the general writer: its pieces are put together here, and what it says of facts and
 * series is looked up once.
 */
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/leaf_parts.h"
#include "runner/history/store.h"
#include "runner/io/jcs.h"

/* What stands before its samples, and what stands behind them but for the series. */
#define RESULT_FIXED_MAX 640

struct facts_ref {
	char hex[SHA256_HEX];
	enum outcome outcome;
	int64_t check_id, definition_id;
	int64_t pruned_ms;
};

struct series_ref {
	int64_t check_id;
	const char *text; /* with its quotes; NULL = the empty name */
	size_t n;
};

/* ---- what is looked up once ---- */

struct leaf_memory *leaf_memory_new(struct arena *a)
{
	struct leaf_memory *m = arena_alloc(a, sizeof(*m));

	*m = (struct leaf_memory){a, {.arena = a}, {.arena = a}};
	return m;
}

static struct leaf_memory *memory_of(struct record *r)
{
	if (r->memory == NULL)
		r->memory = leaf_memory_new(arena_new());
	return r->memory;
}

static struct facts_ref *keep_facts(struct leaf_memory *m, int64_t id,
				    const unsigned char leaf[static SHA256_BYTES])
{
	struct facts_ref *ref = arena_alloc(m->arena, sizeof(*ref));

	*ref = (struct facts_ref){.pruned_ms = INT64_MAX};
	sha256_hex(leaf, ref->hex);
	id_map_put(&m->facts, id, ref);
	return ref;
}

/* name NULL = there is no such series */
static struct series_ref *keep_series(struct leaf_memory *m, int64_t id, const char *name, size_t n)
{
	struct series_ref *ref = arena_alloc(m->arena, sizeof(*ref));
	struct buf text;
	struct jcs j = {.out = &text};

	buf_init(&text, BUF_UNBOUNDED);
	if (name != NULL)
		jcs_put_text(&j, "series", name, n);
	else
		(void)buf_puts(&text, "\"series\":null"); /* which no series is called */
	*ref = (struct series_ref){.text = arena_strndup(m->arena, text.data, text.len),
				   .n = text.len};
	buf_release(&text);
	id_map_put(&m->series, id, ref);
	return ref;
}

void leaf_remember_facts(struct record *r, int64_t id, const void *leaf, enum outcome outcome)
{
	struct leaf_memory *m = memory_of(r);

	if (id_map_get(&m->facts, id) == NULL)
		keep_facts(m, id, leaf)->outcome = outcome;
}

void leaf_remember_series(struct record *r, int64_t id, const char *name)
{
	struct leaf_memory *m = memory_of(r);

	if (id_map_get(&m->series, id) == NULL)
		(void)keep_series(m, id, name, strlen(name));
}

void leaf_forget(struct record *r)
{
	if (r->memory != NULL)
		arena_free(r->memory->arena);
	r->memory = NULL;
}

#define FACTS                                                                                      \
	"SELECT leaf, outcome, (SELECT check_id FROM definitions WHERE id = definition_id), "      \
	"definition_id"

static const struct facts_ref *facts_of(struct leaf_walk *w, int64_t id, struct err *e)
{
	static const unsigned char none[SHA256_BYTES]; /* which no content has */
	struct facts_ref *ref = id_map_get(&w->memory->facts, id);
	unsigned char digest[SHA256_BYTES];
	sqlite3_stmt *s;
	int rc;

	if (ref != NULL)
		return ref;
	s = w->has_prunings
		    ? store_sql(w->r,
				FACTS
				", (SELECT min(p.before_ms) FROM pruned_texts t JOIN prunings "
				"p ON p.id = t.pruning WHERE t.text IN (evidence, query)) FROM "
				"facts WHERE id = ?1",
				e)
		    : store_sql(w->r, FACTS ", NULL FROM facts WHERE id = ?1", e);
	if (s == NULL)
		return NULL;
	store_bind_int(s, 1, id);
	rc = store_step(w->r, s, e);
	if (rc < 0)
		return NULL;
	if (rc == 0)
		return keep_facts(w->memory, id, none);
	store_digest(s, 0, digest, sizeof(digest));
	ref = keep_facts(w->memory, id, digest);
	ref->outcome = store_outcome(s, 1);
	ref->check_id = sqlite3_column_int64(s, 2);
	ref->definition_id = sqlite3_column_int64(s, 3);
	if (sqlite3_column_type(s, 4) != SQLITE_NULL)
		ref->pruned_ms = sqlite3_column_int64(s, 4);
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return ref;
}

static const struct series_ref *series_of(struct leaf_walk *w, int64_t id, struct err *e)
{
	struct series_ref *ref = id_map_get(&w->memory->series, id);
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
	if (rc == 0)
		return keep_series(w->memory, id, NULL, 0);
	ref = keep_series(w->memory, id, (const char *)sqlite3_column_text(s, 1),
			  (size_t)sqlite3_column_bytes(s, 1));
	ref->check_id = sqlite3_column_int64(s, 0);
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return ref;
}

/* ---- its pieces ---- */

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
	int type = sqlite3_column_type(s, 3);
	const char *text, *slash;

	if (type == SQLITE_INTEGER) {
		to = PUT(to, ",\"n\":");
		return put_number(to, sqlite3_column_int64(s, 3));
	}
	if (type != SQLITE_TEXT)
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
static int reach(struct leaf_walk *w, struct leaf_beside *b, int64_t id, struct err *e)
{
	while (b->id < id) {
		int rc = store_step(w->r, b->s, e);

		if (rc < 0)
			return -1;
		b->id = rc == 1 ? sqlite3_column_int64(b->s, 0) : INT64_MAX;
	}
	return b->id == id;
}

static int put_samples(struct leaf_walk *w, struct buf *out, struct leaf *leaf, struct err *e)
{
	sqlite3_stmt *s = w->batch.samples.s;
	struct jcs j = {.out = out, .last = "run"};
	int rc = reach(w, &w->batch.samples, w->batch.row_id, e);

	if (rc != 1)
		return rc;
	leaf->is_pruned = sqlite3_column_type(s, 2) != SQLITE_NULL;
	leaf->has_samples = !leaf->is_pruned;
	if (leaf->has_samples) {
		jcs_put_digest(&j, "samples", sqlite3_column_blob(s, 1),
			       (size_t)sqlite3_column_bytes(s, 1));
		return 0;
	}
	leaf_put_kept_digest(&j, "samples", s, 1);
	if (sqlite3_column_int64(s, 3) < leaf->pruned_ms)
		leaf->pruned_ms = sqlite3_column_int64(s, 3);
	return 0;
}

/* The member behind "t"; one that is text is written by the general writer, which escapes it. */
static char *put_value(char *to, sqlite3_stmt *s, int type)
{
	switch (type) {
	case SQLITE_NULL:
	case SQLITE_TEXT:
		return to;
	case SQLITE_INTEGER:
		to = PUT(to, ",\"value\":");
		return put_number(to, sqlite3_column_int64(s, 2));
	default:
		to = PUT(to, ",\"value\":{\"real\":");
		to = put_real(to, store_real(s, 2));
		return PUT(to, "}");
	}
}

static void put_text_value(struct buf *out, sqlite3_stmt *s)
{
	struct jcs j = {.out = out};

	(void)buf_puts(out, ",\"value\":{");
	jcs_put_text(&j, "text", (const char *)sqlite3_column_text(s, 2),
		     (size_t)sqlite3_column_bytes(s, 2));
	(void)buf_putc(out, '}');
}

/* Up to "run". */
static void put_first(struct leaf_walk *w, const struct leaf *leaf, const struct facts_ref *facts)
{
	struct leaf_batch *b = &w->batch;
	char *begin = buf_room(&w->text, RESULT_FIXED_MAX), *to = begin;
	sqlite3_stmt *s = b->rows;

	to = PUT(to, "{\"at\":");
	to = put_number(to, leaf->measured_ms);
	to = put(to, b->head, b->n_head);
	to = put_number(to, sqlite3_column_int64(s, 7));
	to = PUT(to, ",\"facts\":\"");
	to = put(to, facts->hex, SHA256_HEX - 1);
	*to++ = '"';
	if (sqlite3_column_type(s, 4) != SQLITE_NULL) {
		to = PUT(to, ",\"limit\":");
		to = put_real(to, store_real(s, 4));
	}
	to = put_counts(to, s);
	if (leaf->has_place) {
		to = PUT(to, ",\"place\":");
		to = put_number(to, sqlite3_column_int64(b->places.s, 1));
	}
	to = put_room(to, s);
	to = put(to, b->tail, b->n_tail);
	buf_wrote(&w->text, (size_t)(to - begin));
}

/* From "seq" on. */
static void put_last(struct leaf_walk *w, const struct leaf *leaf, const struct series_ref *series)
{
	char *begin = buf_room(&w->text, RESULT_FIXED_MAX + series->n), *to = begin;
	sqlite3_stmt *s = w->batch.rows;
	int type = sqlite3_column_type(s, 2);

	to = PUT(to, ",\"seq\":");
	to = put_number(to, leaf->seq);
	*to++ = ',';
	to = put(to, series->text, series->n);
	to = PUT(to, ",\"t\":\"" LEAF_RESULT_TYPE "\"");
	to = put_value(to, s, type);
	buf_wrote(&w->text, (size_t)(to - begin));
	if (type == SQLITE_TEXT)
		put_text_value(&w->text, s);
	(void)buf_putc(&w->text, '}');
}

void leaf_result_common(struct leaf_batch *b)
{
	char *to = PUT(b->head, ",\"batch\":");

	to = put_number(to, b->number);
	to = PUT(to, ",\"duration_us\":");
	b->n_head = (size_t)(to - b->head);
	to = PUT(b->tail, ",\"run\":");
	to = put_number(to, b->run);
	b->n_tail = (size_t)(to - b->tail);
}

int leaf_put_result(struct leaf_walk *w, struct leaf *leaf, struct err *e)
{
	struct leaf_batch *b = &w->batch;
	sqlite3_stmt *s = b->rows;
	int64_t facts_id = sqlite3_column_int64(s, 1);
	const struct facts_ref *facts = facts_of(w, facts_id, e);
	const struct series_ref *series = series_of(w, leaf->series_id, e);
	int has_place;

	if (facts == NULL || series == NULL)
		return -1;
	has_place = reach(w, &b->places, b->row_id, e);
	if (has_place < 0)
		return -1;
	leaf->has_place = has_place == 1;
	leaf->outcome = facts->outcome;
	leaf->pruned_ms = facts->pruned_ms;
	leaf->check_id = series->check_id;
	leaf->facts_id = facts_id;
	leaf->facts_check_id = facts->check_id;
	leaf->definition_id = facts->definition_id;
	leaf->measured_ms = b->begin_ms + sqlite3_column_int64(s, 6);
	put_first(w, leaf, facts);
	if (put_samples(w, &w->text, leaf, e) != 0)
		return -1;
	put_last(w, leaf, series);
	return 0;
}
