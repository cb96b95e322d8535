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
	bool is_trust_named;
	struct arena *arena;
	struct record *record;
	int64_t now_ms;
	/* Wished names and checks, each once. */
	struct wish *externals;
	size_t n_externals;
	const struct check **checks;
	size_t n_checks;
	struct past_cursor *cursors;
	size_t n_cursors;
	struct map by_external, by_check;
};

static void take_external(struct reading *r, const struct wish *w)
{
	struct wish *known = map_get(&r->by_external, w->external);

	if (known == NULL) {
		known = &r->externals[r->n_externals++];
		*known = *w;
		(void)map_put(&r->by_external, w->external, known); /* it is new */
	}
	if (known->window_ms < w->window_ms)
		known->window_ms = w->window_ms;
}

static void take_check(struct reading *r, const struct check *c)
{
	if (map_put(&r->by_check, c->name, r))
		r->checks[r->n_checks++] = c;
}

/* What all checks wish. */
static void take_wishes(struct reading *r, const struct check *const *checks, size_t n)
{
	struct wish *wishes = arena_array(r->arena, n + 1, sizeof(*wishes));
	size_t n_checks = 0;

	for (size_t i = 0; i < n; i++) {
		if (checks[i]->kind->wish != NULL)
			checks[i]->kind->wish(r->arena, checks[i], &wishes[i]);
		n_checks += wishes[i].n_checks;
	}
	r->externals = arena_array(r->arena, n + 1, sizeof(*r->externals));
	r->checks = arena_array(r->arena, n_checks + 1, sizeof(*r->checks));
	r->cursors = arena_array(r->arena, n + 1, sizeof(*r->cursors));
	for (size_t i = 0; i < n; i++) {
		if (wishes[i].external != NULL)
			take_external(r, &wishes[i]);
		if (wishes[i].cursor)
			r->cursors[r->n_cursors++].check = checks[i];
		for (size_t k = 0; k < wishes[i].n_checks; k++)
			take_check(r, wishes[i].checks[k]);
	}
}

/* A schedule in a zone that this machine does not know is an error here as with --due. */
static int read_check(struct reading *r, const struct check *c, struct past_check *out,
		      struct err *e)
{
	struct check_info info = {.name = c->name};

	*out = (struct past_check){
		.name = c->name, .is_scheduled = c->schedule != NULL, .due_ms = -1};
	memcpy(info.hash, c->hash, sizeof(info.hash));
	if (record_last_measured(r->record, c->name, r->now_ms, &out->measured_ms, e) != 0 ||
	    record_last_verdict(r->record, &info, r->now_ms, &out->verdict_ms, e) != 0)
		return -1;
	if (!out->is_scheduled)
		return 0;
	return schedule_due_since(c, out->verdict_ms, r->now_ms, &out->due_ms, e);
}

static int read_all(struct reading *r, struct past_externals *externals, struct past_check *checks,
		    struct err *e)
{
	for (size_t i = 0; i < r->n_externals; i++)
		if (record_externals(r->record, r->arena, r->externals[i].external,
				     r->now_ms - r->externals[i].window_ms, MAX_EXTERNALS,
				     &externals[i], e) != 0)
			return -1;
	for (size_t i = 0; i < r->n_externals && r->is_trust_named; i++)
		for (size_t k = 0; k < externals[i].n; k++)
			externals[i].is_untrusted |= externals[i].items[k].is_unvouched;
	for (size_t i = 0; i < r->n_checks; i++)
		if (read_check(r, r->checks[i], &checks[i], e) != 0)
			return -1;
	for (size_t i = 0; i < r->n_cursors; i++) {
		struct past_cursor *x = &r->cursors[i];
		struct record_cursor at;

		if (record_cursor(r->record, r->arena, x->check->name, x->check->hash, &at, e) != 0)
			return -1;
		x->state = at.own;
		x->other = at.other;
	}
	return 0;
}

int past_read(struct arena *a, struct record *record, const struct check *const *checks, size_t n,
	      int64_t now_ms, bool is_trust_named, const struct past **out, struct err *e)
{
	struct reading r = {
		.arena = a, .record = record, .now_ms = now_ms, .is_trust_named = is_trust_named};

	*out = NULL;
	map_init(&r.by_external, a);
	map_init(&r.by_check, a);
	take_wishes(&r, checks, n);
	if (r.n_externals == 0 && r.n_checks == 0 && r.n_cursors == 0)
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
		.cursors = r.cursors,
		.n_cursors = r.n_cursors,
	};
	*out = past;
	return 0;
}
