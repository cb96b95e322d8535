/*
 * The leaves of a range in order: a merge of the tables by their numbers, with the results of each
 * batch in its place.
 */
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/history/leaf_parts.h"
#include "runner/history/merkle.h"
#include "runner/history/store.h"

/* ---- beginning ---- */

static struct leaf_source *smallest(struct leaf_walk *w)
{
	struct leaf_source *found = NULL;

	for (size_t i = 0; i < w->n_sources; i++)
		if (!w->sources[i].is_over && (found == NULL || w->sources[i].seq < found->seq))
			found = &w->sources[i];
	return found;
}

static int step_source(struct leaf_walk *w, struct leaf_source *x, struct err *e)
{
	int rc = store_step(w->r, x->s, e);

	x->is_over = rc != 1;
	if (rc == 1)
		x->seq = sqlite3_column_int64(x->s, x->seq_column);
	w->next = smallest(w);
	return rc < 0 ? -1 : 0;
}

static int begin_source(struct leaf_walk *w, const struct leaf_kind *kind, struct err *e)
{
	struct leaf_source *x = &w->sources[w->n_sources];

	*x = (struct leaf_source){.kind = kind, .s = store_sql(w->r, kind->sql, e)};
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
				.memory = r->memory != NULL ? r->memory : leaf_memory_new(a)};
	buf_init(&w->text, BUF_UNBOUNDED);
	for (const struct leaf_kind *k = leaf_kinds; k->type != NULL; k++) {
		if (begin_source(w, k, e) != 0) {
			leaf_walk_end(w);
			return -1;
		}
	}
	if (begin_batches(w, e) != 0 ||
	    store_exists(r, "SELECT EXISTS (SELECT 1 FROM prunings)", &w->has_prunings, e) != 0) {
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
	return *first >= 1 && *first <= *last && *last <= STORE_MAX_SERIES;
}

static bool next_range(struct leaf_batch *b)
{
	return leaf_next_members(&b->members, &b->next_series, &b->last_series);
}

static int64_t id_of(const struct leaf_batch *b, int64_t series)
{
	return b->run << STORE_SERIES_BITS | series;
}

static int step_rows(struct leaf_walk *w, struct err *e)
{
	int rc = store_step(w->r, w->batch.rows, e);

	w->batch.row_id = rc == 1 ? sqlite3_column_int64(w->batch.rows, 0) : INT64_MAX;
	return rc < 0 ? -1 : 0;
}

static int begin_beside(struct leaf_walk *w, struct leaf_beside *b, const char *sql, int64_t low,
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
	struct leaf_batch *b = &w->batch;
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
			 "SELECT result, body, NULL, NULL FROM samples WHERE result >= ?1 AND "
			 "result <= ?2 UNION ALL SELECT result, sha256, size, (SELECT before_ms "
			 "FROM prunings WHERE id = pruning) FROM pruned_samples WHERE result >= ?1 "
			 "AND result <= ?2 ORDER BY 1",
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
	struct leaf_batch *b = &w->batch;

	*b = (struct leaf_batch){
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
	leaf_result_common(b);
	return step_batches(w, e);
}

/* The leaf of the next result of the present batch. */
static int next_result(struct leaf_walk *w, struct leaf *out, struct err *e)
{
	struct leaf_batch *b = &w->batch;
	bool is_new = b->next_series > b->last_series && next_range(b);

	*out = (struct leaf){.seq = b->next_seq++,
			     .type = LEAF_RESULT_TYPE,
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

		while (b->row_id < id)
			if (step_rows(w, e) != 0)
				return -1;
		out->is_missing = b->row_id != id;
	}
	if (out->seq >= w->from && !out->is_missing && leaf_put_result(w, out, e) != 0)
		return -1;
	b->is_open = b->next_seq < b->end_seq;
	return 1;
}

/* ---- the merge ---- */

static int next_row(struct leaf_walk *w, struct leaf_source *x, struct leaf *out, struct err *e)
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
	struct leaf_source *x = w->next;

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
