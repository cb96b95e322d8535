/* Whose word about a check is its news: newest.h decides, for gates, `status` and notices alike. */
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/newest.h"
#include "runner/history/notices.h"
#include "runner/model/definition.h"

int64_t news_speaker(const struct speakers *all, int64_t check_id)
{
	size_t low = 0, high = all->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (all->items[mid].check_id == check_id)
			return all->items[mid].run_id;
		if (all->items[mid].check_id < check_id)
			low = mid + 1;
		else
			high = mid;
	}
	return all->run_id;
}

struct measured {
	int64_t check_id;
	const char *name;
};

/* Checks of the run of which another one may know more: mostly none. */
static int read_doubtful(struct record *r, struct news *news, int64_t run_id, struct measured **out,
			 size_t *n, struct err *e)
{
	struct overlapping *overlaps;
	size_t n_overlaps, cap = 0;
	sqlite3_stmt *s;
	int rc;

	if (record_overlapping(r, news->arena, run_id, &overlaps, &n_overlaps, e) != 0)
		return -1;
	s = store_sql(r,
		      "SELECT DISTINCT c.id, c.name FROM results x JOIN series s ON s.id = x.series"
		      " JOIN checks c ON c.id = s.check_id JOIN states z ON z.check_id = c.id"
		      " WHERE x.id BETWEEN ?1 AND ?2 AND (?3 OR z.run <> ?4) ORDER BY c.id",
		      e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, run_id << STORE_SERIES_BITS);
	store_bind_int(s, 2, run_id << STORE_SERIES_BITS | STORE_MAX_SERIES);
	store_bind_int(s, 3, n_overlaps > 0);
	store_bind_int(s, 4, run_id);
	while ((rc = store_step(r, s, e)) == 1) {
		*out = store_grow(news->arena, *out, sizeof(**out), *n, &cap);
		(*out)[(*n)++] = (struct measured){
			.check_id = sqlite3_column_int64(s, 0),
			.name = store_text_or(s, 1, news->arena, ""),
		};
	}
	return rc;
}

static int add_other(struct record *r, struct news *news, struct speakers *all, int64_t run_id,
		     struct err *e)
{
	for (size_t i = 0; i < all->n_others; i++)
		if (all->others[i].id == run_id)
			return 0;
	if (record_run(r, news->arena, run_id, &all->others[all->n_others], e) != 0)
		return -1;
	all->n_others++;
	return 0;
}

int news_speakers(struct record *r, struct news *news, const struct run_info *run,
		  struct speakers *out, struct err *e)
{
	struct measured *checks = NULL;
	struct newest newest;
	size_t n = 0;

	newest_init(&newest, news->arena, r);
	if (read_doubtful(r, news, run->id, &checks, &n, e) != 0)
		return -1;
	*out = (struct speakers){.run_id = run->id,
				 .items = arena_array(news->arena, n, sizeof(*out->items)),
				 .others = arena_array(news->arena, n, sizeof(*out->others))};
	for (size_t i = 0; i < n; i++) {
		const struct check *c = definition_check(news->definition, checks[i].name);
		struct evidence *items;
		size_t n_items;

		if (c == NULL)
			continue;
		if (store_newest(&newest, c, NULL, &items, &n_items, e) != 0)
			return -1;
		if (n_items == 0 || items[0].run_id == run->id)
			continue;
		out->items[out->n++] = (struct speaker){checks[i].check_id, items[0].run_id};
		if (add_other(r, news, out, items[0].run_id, e) != 0)
			return -1;
	}
	return 0;
}
