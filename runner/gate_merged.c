/* Runs that were merged so are few, and looked up in one go. */
#include "runner/gate_merged.h"

#include <stdlib.h>

#include "gates/gate.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/gate_rests.h"
#include "runner/history/record.h"

struct found {
	const struct merged_run *runs; /* ascending */
	size_t n_runs;
	bool *is_seen; /* of each of them */
	struct gate_merged *items;
	size_t n;
};

static int compare_runs(const void *key, const void *item)
{
	const int64_t *x = key;
	const struct merged_run *y = item;

	return *x < y->run_id ? -1 : *x > y->run_id;
}

static void rest_on(void *ctx, int64_t run_id, bool is_hard, bool is_absolute)
{
	struct found *f = ctx;
	const struct merged_run *run =
		bsearch(&run_id, f->runs, f->n_runs, sizeof(*f->runs), compare_runs);
	struct gate_merged *x;
	size_t i = 0;

	if (run == NULL)
		return;
	while (i < f->n && f->items[i].merge_id != run->merge_id)
		i++;
	x = &f->items[i];
	if (i == f->n) {
		*x = (struct gate_merged){.merge_id = run->merge_id,
					  .run_id = run_id,
					  .origin = run->origin,
					  .is_own_key = run->is_own_key};
		f->n++;
	}
	x->n_runs += f->is_seen[run - f->runs] ? 0 : 1;
	f->is_seen[run - f->runs] = true;
	x->is_hard = x->is_hard || is_hard;
	x->is_absolute = x->is_absolute || is_absolute;
}

int gate_merged_find(struct record *record, struct arena *a, struct gate_input *in, struct err *e)
{
	struct found f = {.n = 0};
	struct merged_run *runs;

	if (record_unvouched_runs(record, a, in->before_seq, &runs, &f.n_runs, e) != 0)
		return -1;
	if (f.n_runs == 0)
		return 0;
	f.runs = runs;
	f.is_seen = arena_array(a, f.n_runs, sizeof(*f.is_seen));
	f.items = arena_array(a, f.n_runs, sizeof(*f.items));
	gate_rests_on(in, rest_on, &f);
	in->merged = f.items;
	in->n_merged = f.n;
	return 0;
}
