/*
 * Caches of a record (states, latest, days, pins, nodes) are not taken from the log: they follow
 * from the leaves of a change, and are computed from those, as the one who wrote it computed them.
 */
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/days.h"
#include "runner/history/leaf.h"
#include "runner/history/shared_rows.h"
#include "runner/history/store.h"

int shared_leaves_begin(struct shared_leaves *x, struct record *r, struct arena *a, struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "SELECT coalesce(max(id), 0) FROM texts", e);

	*x = (struct shared_leaves){.r = r, .arena = a, .news = {.arena = a}};
	return s == NULL || store_integer(r, s, &x->last_text, e) < 0 ? -1 : 0;
}

static int end_batch(struct shared_leaves *x, struct err *e)
{
	for (size_t i = 0; i < x->n_touched; i++) {
		struct standing_news *news = id_map_get(&x->news, x->touched[i]);

		if (standing_follow(x->r, x->touched[i], &x->place, x->subject, news, e) != 0)
			return -1;
		*news = standing_news_begin();
	}
	x->n_touched = 0;
	x->has_batch = false;
	return 0;
}

static void add_news(struct shared_leaves *x, const struct leaf *leaf)
{
	struct standing_news *news = id_map_get(&x->news, leaf->check_id);

	if (news == NULL) {
		news = arena_alloc(x->arena, sizeof(*news));
		*news = standing_news_begin();
		id_map_put(&x->news, leaf->check_id, news);
	}
	if (!news->has_any) {
		x->touched = store_grow(x->arena, x->touched, sizeof(*x->touched), x->n_touched,
					&x->cap_touched);
		x->touched[x->n_touched++] = leaf->check_id;
	}
	standing_news_add(news, leaf->outcome, leaf->measured_ms);
}

int shared_leaves_take(void *ctx, const struct leaf *leaf, struct err *e)
{
	struct shared_leaves *x = ctx;

	if (!leaf->is_result)
		return 0;
	if (leaf->check_id <= 0 || leaf->check_id != leaf->facts_check_id)
		return err_set(e, ERR_RECORD, "a result of run %lld is of no check",
			       (long long)leaf->run);
	if (x->has_batch && (x->place.id != leaf->run || x->batch != leaf->batch) &&
	    end_batch(x, e) != 0)
		return -1;
	x->has_batch = true;
	x->place = (struct run_place){leaf->run, leaf->behind, leaf->begin_ms};
	x->batch = leaf->batch;
	x->subject = leaf->subject;
	x->results = store_grow(x->arena, x->results, sizeof(*x->results), x->n_results,
				&x->cap_results);
	x->results[x->n_results++] = leaf->run << STORE_SERIES_BITS | leaf->series_id;
	add_news(x, leaf);
	return days_count(x->r, days_id(leaf->measured_ms, leaf->series_id), leaf->outcome, e);
}

int shared_leaves_end(struct shared_leaves *x, int64_t from, struct err *e)
{
	sqlite3_stmt *s;

	if (end_batch(x, e) != 0)
		return -1;
	s = store_sql(x->r,
		      "INSERT OR IGNORE INTO pins SELECT set_name, tag, id FROM restorations WHERE "
		      "seq >= ?1 AND commit_id IS NOT NULL AND tree IS NOT NULL ORDER BY id",
		      e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, from);
	return store_run(x->r, s, e);
}
