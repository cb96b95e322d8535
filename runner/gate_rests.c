/* A walk over the input, and what of it lies behind the newest checkpoint that counts. */
#include "runner/gate_rests.h"

#include <stdlib.h>

#include "gates/gate.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/record.h"

struct walk {
	gate_rest_fn *rest;
	void *ctx;
};

static void walk_past(const struct walk *w, const struct check *check,
		      const struct past_result *results, size_t n, bool is_hard)
{
	for (size_t i = 0; i < n; i++)
		w->rest(w->ctx, results[i].run_id, is_hard, is_hard && check->is_absolute);
}

static void walk_pasts(const struct walk *w, const struct gate_pasts *pasts)
{
	for (size_t i = 0; i < pasts->n; i++)
		walk_past(w, pasts->items[i].check, pasts->items[i].results, pasts->items[i].n,
			  true);
}

void gate_rests_on(const struct gate_input *in, gate_rest_fn *rest, void *ctx)
{
	const struct walk w = {rest, ctx};

	for (size_t i = 0; i < in->n_items; i++) {
		const struct gate_item *item = &in->items[i];

		if (item->n_evidence > 0)
			rest(ctx, item->evidence[0].run_id, item->is_hard,
			     item->is_hard && item->check->is_absolute);
		walk_past(&w, item->check, item->past, item->n_past, item->is_hard);
	}
	for (size_t i = 0; i < in->n_budgets; i++)
		walk_pasts(&w, &in->budgets[i].past);
	for (size_t i = 0; i < in->n_baselines; i++)
		walk_pasts(&w, &in->baselines[i].past);
	for (size_t i = 0; i < in->n_restorations; i++)
		rest(ctx, in->restorations[i].run_id, true, false);
}

/* ---- what no key that is trusted has signed for ---- */

struct behind {
	struct recorded_since since;
	bool *is_seen; /* of each of its runs */
	struct gate_unsigned *out;
};

static int compare_runs(const void *key, const void *item)
{
	const int64_t *x = key, *y = item;

	return *x < *y ? -1 : *x > *y;
}

static void look_behind(void *ctx, int64_t run_id, bool is_hard, bool is_absolute)
{
	struct behind *b = ctx;
	const int64_t *run = !is_hard || b->since.n_runs == 0
				     ? NULL
				     : bsearch(&run_id, b->since.runs, b->since.n_runs,
					       sizeof(*b->since.runs), compare_runs);

	if (run == NULL)
		return;
	b->out->is_absolute = b->out->is_absolute || is_absolute;
	if (b->is_seen[run - b->since.runs])
		return;
	b->is_seen[run - b->since.runs] = true;
	b->out->n_runs++;
	if (run_id > b->out->run_id)
		b->out->run_id = run_id;
}

int gate_rests_on_unsigned(struct record *record, struct arena *a, struct gate_input *in,
			   struct err *e)
{
	struct behind b = {.out = &in->not_signed};

	*b.out = (struct gate_unsigned){.n_runs = 0};
	if (in->ledger == NULL || in->ledger->signed_size == GATE_NOBODY_TRUSTED)
		return 0;
	if (record_since(record, a, in->ledger->signed_size, in->before_seq, &b.since, e) != 0)
		return -1;
	b.is_seen = arena_array(a, b.since.n_runs + 1, sizeof(*b.is_seen));
	gate_rests_on(in, look_behind, &b);
	for (size_t i = 0; i < in->n_depends && b.since.first_decision > 0; i++) {
		const struct decision *newest = in->depends[i].newest;

		if (newest != NULL && newest->id >= b.since.first_decision)
			b.out->decided = in->depends[i].on->gate;
	}
	return 0;
}
