/* Wishes are joined first: a name that two checks wish for is read once, as far back as either. */
#include "runner/past.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/map.h"
#include "runner/history/record.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"
#include "runner/model/past.h"
#include "runner/schedule.h"

#define MAX_EXTERNALS 10000 /* of one name */

struct reading {
	struct arena *arena;
	struct record *record;
	int64_t now_ms;
	/* Wished names, each once, with how far back. */
	struct wish *externals;
	size_t n_externals, cap_externals;
	const struct check **checks;
	size_t n_checks, cap_checks;
	struct map by_external, by_check;
};

static void *grow(struct arena *a, void *items, size_t size, size_t n, size_t *cap)
{
	void *grown;

	if (n < *cap)
		return items;
	*cap = *cap > 0 ? *cap * 2 : 8;
	grown = arena_array(a, *cap, size);
	if (n > 0)
		memcpy(grown, items, n * size);
	return grown;
}

static void take_external(struct reading *r, const struct wish *w)
{
	size_t *at = map_get(&r->by_external, w->external);

	if (at != NULL) {
		if (r->externals[*at].window_ms < w->window_ms)
			r->externals[*at].window_ms = w->window_ms;
		return;
	}
	at = arena_alloc(r->arena, sizeof(*at));
	*at = r->n_externals;
	(void)map_put(&r->by_external, w->external, at); /* it is new */
	r->externals = grow(r->arena, r->externals, sizeof(*r->externals), r->n_externals,
			    &r->cap_externals);
	r->externals[r->n_externals++] = *w;
}

static void take_check(struct reading *r, const struct check *c)
{
	if (map_get(&r->by_check, c->name) != NULL)
		return;
	(void)map_put(&r->by_check, c->name, r); /* it is new */
	r->checks = grow(r->arena, r->checks, sizeof(*r->checks), r->n_checks, &r->cap_checks);
	r->checks[r->n_checks++] = c;
}

static void take_wish(struct reading *r, const struct check *c)
{
	struct wish w = {.external = NULL};

	if (c->kind->wish == NULL)
		return;
	c->kind->wish(r->arena, c, &w);
	if (w.external != NULL)
		take_external(r, &w);
	for (size_t i = 0; i < w.n_checks; i++)
		take_check(r, w.checks[i]);
}

/* A schedule in a zone that this machine does not know is an error here as with --due. */
static int read_check(struct reading *r, const struct check *c, struct past_check *out,
		      struct err *e)
{
	struct schedule_times t;

	*out = (struct past_check){
		.name = c->name, .is_scheduled = c->schedule != NULL, .due_ms = -1};
	if (record_last_measured(r->record, c->name, &out->measured_ms, e) != 0)
		return -1;
	if (!out->is_scheduled)
		return 0;
	if (schedule_times(c, r->now_ms, &t, e) != 0)
		return -1;
	if (schedule_is_due(&t, out->measured_ms))
		out->due_ms = t.previous_ms;
	return 0;
}

static int read_all(struct reading *r, struct past_externals *externals, struct past_check *checks,
		    struct err *e)
{
	for (size_t i = 0; i < r->n_externals; i++)
		if (record_externals(r->record, r->arena, r->externals[i].external,
				     r->now_ms - r->externals[i].window_ms, MAX_EXTERNALS,
				     &externals[i], e) != 0)
			return -1;
	for (size_t i = 0; i < r->n_checks; i++)
		if (read_check(r, r->checks[i], &checks[i], e) != 0)
			return -1;
	return 0;
}

int past_read(struct arena *a, struct record *record, const struct check *const *checks, size_t n,
	      int64_t now_ms, const struct past **out, struct err *e)
{
	struct reading r = {.arena = a, .record = record, .now_ms = now_ms};

	*out = NULL;
	map_init(&r.by_external, a);
	map_init(&r.by_check, a);
	for (size_t i = 0; i < n; i++)
		take_wish(&r, checks[i]);
	if (r.n_externals == 0 && r.n_checks == 0)
		return 0;
	struct past_externals *externals = arena_array(a, r.n_externals + 1, sizeof(*externals));
	struct past_check *found = arena_array(a, r.n_checks + 1, sizeof(*found));
	struct past *past = arena_alloc(a, sizeof(*past));

	if (read_all(&r, externals, found, e) != 0)
		return -1;
	*past = (struct past){
		.externals = externals,
		.n_externals = r.n_externals,
		.checks = found,
		.n_checks = r.n_checks,
	};
	*out = past;
	return 0;
}
