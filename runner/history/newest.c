/*
 * The order of runs says which evidence is the newest; what runs that overlap have seen is looked
 * at by the time it was measured. Evidence about the subject and about "any" are one history.
 */
#include "runner/history/newest.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/store.h"
#include "runner/model/definition.h"

void newest_init(struct newest *x, struct arena *a, struct record *record)
{
	*x = (struct newest){.arena = a, .record = record};
	map_init(&x->overlaps, a);
}

static int compare_runs(const void *a, const void *b)
{
	const struct overlapping *x = a, *y = b;

	return x->run_id > y->run_id ? -1 : x->run_id < y->run_id;
}

int newest_overlap(struct newest *x, int64_t run_id, const struct overlap **out, struct err *e)
{
	const char *key = arena_printf(x->arena, "%" PRId64, run_id);
	struct overlap *found = map_get(&x->overlaps, key);

	if (found == NULL) {
		found = arena_alloc(x->arena, sizeof(*found));
		if (record_overlapping(x->record, x->arena, run_id, &found->runs, &found->n, e) !=
		    0)
			return -1;
		if (found->n > 1)
			qsort(found->runs, found->n, sizeof(*found->runs), compare_runs);
		(void)map_put(&x->overlaps, key, found); /* it is new */
	}
	*out = found;
	return 0;
}

/* When the last of it had been measured. */
static int64_t known_ms(const struct evidence *items, size_t n)
{
	int64_t last_ms = INT64_MIN;

	for (size_t i = 0; i < n; i++) {
		int64_t at_ms = result_known_ms(&items[i].result);

		if (at_ms > last_ms)
			last_ms = at_ms;
	}
	return last_ms;
}

/* When the first of it began to be measured. */
static int64_t begun_ms(const struct evidence *items, size_t n)
{
	int64_t first_ms = INT64_MAX;

	for (size_t i = 0; i < n; i++)
		if (items[i].result.measured_ms < first_ms)
			first_ms = items[i].result.measured_ms;
	return first_ms;
}

static bool has_failure(const struct evidence *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (items[i].result.outcome == OUTCOME_FAIL)
			return true;
	return false;
}

/* Of the check as it is now? */
static bool is_of(const struct check *check, const struct evidence *x)
{
	return x->result.check != NULL &&
	       memcmp(x->result.check->hash, check->hash, sizeof(check->hash)) == 0;
}

static bool is_about(const char *subject, const struct evidence *x)
{
	return subject == NULL || strcmp(x->subject, subject) == 0 ||
	       strcmp(x->subject, "any") == 0;
}

/*
 * The newest run is the one that began last. Another one that was under way meanwhile may have seen
 * the check fail after it was measured there: then that is what is known last. While one was being
 * measured nobody knows which saw the other's past, so a failure stands against a pass that had
 * begun by then. A pass does not take the place of what the newest run says.
 *
 * Times of two clocks are not compared. On another one a failure stands against a pass if that run
 * recorded anything after the newest had begun.
 */
static bool is_known_later(const struct overlapping *run, bool is_failing, int64_t at_ms,
			   int64_t last_ms)
{
	if (run->is_other_clock)
		return !is_failing && run->is_later;
	return is_failing ? at_ms > last_ms : at_ms >= last_ms;
}

static int find_later_failure(struct newest *x, const struct check *check, const char *subject,
			      struct evidence **items, size_t *n_items, struct err *e)
{
	bool is_failing = has_failure(*items, *n_items);
	int64_t last_ms = is_failing ? known_ms(*items, *n_items) : begun_ms(*items, *n_items);
	const struct overlap *meanwhile;

	if (newest_overlap(x, (*items)[0].run_id, &meanwhile, e) != 0)
		return -1;
	for (size_t i = 0; i < meanwhile->n; i++) {
		struct evidence *other;
		int64_t at_ms;
		size_t n;

		if (store_run_evidence(x->record, x->arena, check->name, meanwhile->runs[i].run_id,
				       &other, &n, e) != 0)
			return -1;
		if (n == 0 || !is_of(check, &other[0]) || !is_about(subject, &other[0]) ||
		    !has_failure(other, n))
			continue;
		at_ms = known_ms(other, n);
		if (!is_known_later(&meanwhile->runs[i], is_failing, at_ms, last_ms))
			continue;
		is_failing = true;
		last_ms = at_ms;
		*items = other;
		*n_items = n;
	}
	return 0;
}

int store_newest(struct newest *x, const struct check *check, const char *subject,
		 struct evidence **out, size_t *n, struct err *e)
{
	struct evidence *own, *any;
	size_t n_own, n_any = 0;
	bool is_any_newer = true;

	if (store_evidence(x->record, x->arena, check->name, subject, &own, &n_own, e) != 0)
		return -1;
	if (subject != NULL && strcmp(subject, "any") != 0 &&
	    store_evidence(x->record, x->arena, check->name, "any", &any, &n_any, e) != 0)
		return -1;
	if (n_any > 0 && n_own > 0 &&
	    store_is_before(x->record, own[0].run_id, any[0].run_id, &is_any_newer, e) != 0)
		return -1;
	if (n_any > 0 && is_any_newer) {
		own = any;
		n_own = n_any;
	}
	if (n_own > 0 && find_later_failure(x, check, subject, &own, &n_own, e) != 0)
		return -1;
	*out = n_own > 0 ? own : NULL;
	*n = n_own;
	return 0;
}

int newest_evidence(struct newest *x, const struct check *check, const char *subject,
		    struct evidence **out, size_t *n, struct err *e)
{
	return store_enter(x->record, STORE_READING, e) != 0
		       ? -1
		       : store_leave(x->record, store_newest(x, check, subject, out, n, e), e);
}
