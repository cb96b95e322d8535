/*
 * Every look at the record is one at what it had then: results of the runs that are named, and the
 * past up to the number the record had reached. A run that ended since then had not ended.
 */
#include "runner/gate_again.h"

#include <string.h>

#include "gates/policy.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/gate_chain.h"
#include "runner/gate_merged.h"
#include "runner/gate_rests.h"
#include "runner/gate_shards.h"
#include "runner/history/newest.h"
#include "runner/history/record.h"
#include "runner/model/definition.h"

struct again {
	struct record *record;
	struct arena *arena;
	struct basis basis;
};

static int find_evidence(struct again *x, size_t i, struct err *e)
{
	const struct basis_evidence *was = &x->basis.evidence[i];
	struct gate_item *item = &x->basis.items[i];
	struct evidence *rows = NULL;

	if (was->run_id == 0)
		return 0;
	if (record_run_evidence(x->record, x->arena, item->check->name, was->run_id, &rows,
				&item->n_evidence, e) != 0)
		return -1;
	for (size_t k = 0; k < item->n_evidence && was->run_state == RUN_INCOMPLETE; k++)
		rows[k].run_state = RUN_INCOMPLETE; /* it may have ended since */
	item->evidence = rows;
	return 0;
}

/*
 * A check stands there for each rule that reads it, and each looks at runs of its own: about one
 * subject or about all, of a window or so many. What none of them saw had no result then; what one
 * of them saw and another does not look at, its query leaves out as it did then.
 */
static void set_open(const struct again *x, struct past_query *query)
{
	int64_t *runs;
	size_t n = 0;

	for (size_t i = 0; i < x->basis.n_open; i++)
		n += x->basis.open[i].n_runs;
	runs = arena_array(x->arena, n + 1, sizeof(*runs));
	query->open = runs;
	query->n_open = 0;
	for (size_t i = 0; i < x->basis.n_open; i++) {
		const struct basis_open *open = &x->basis.open[i];

		if (strcmp(open->check, query->check) != 0)
			continue;
		for (size_t k = 0; k < open->n_runs; k++)
			runs[query->n_open++] = open->runs[k];
	}
}

static int find_past(const struct again *x, const struct check *check, struct past_query query,
		     const struct past_result **out, size_t *n, struct err *e)
{
	struct past_result *past = NULL;

	query.check = check->name;
	query.hash = check->hash;
	query.before_seq = x->basis.input.before_seq;
	set_open(x, &query);
	if (record_past(x->record, x->arena, &query, &past, n, e) != 0)
		return -1;
	*out = past;
	return 0;
}

static int find_streaks(struct again *x, struct err *e)
{
	const struct gate_input *in = &x->basis.input;
	struct newest newest;

	newest_init(&newest, x->arena, x->record);
	for (size_t i = 0; i < in->n_items; i++) {
		struct gate_item *item = &x->basis.items[i];
		const struct past_query query = {
			.subject = in->gate->is_any_subject ? NULL : in->subject,
			.since_ms = INT64_MIN,
			.limit = gate_item_past_runs(item),
			.newest = gate_is_before_edition(in, 2) ? NULL : &newest,
		};

		if (query.limit > 0 &&
		    find_past(x, item->check, query, &item->past, &item->n_past, e) != 0)
			return -1;
	}
	return 0;
}

static int find_pasts(const struct again *x, struct gate_past *pasts, size_t n, int64_t since_ms,
		      struct err *e)
{
	const struct past_query query = {.since_ms = since_ms, .limit = GATE_MAX_PAST_RUNS};

	for (size_t i = 0; i < n; i++)
		if (find_past(x, pasts[i].check, query, &pasts[i].results, &pasts[i].n, e) != 0)
			return -1;
	return 0;
}

static int find_lookbacks(struct again *x, struct err *e)
{
	const struct gate_input *in = &x->basis.input;

	for (size_t i = 0; i < in->n_budgets; i++) {
		const struct budget_rule *rule = in->budgets[i].rule;

		if (find_pasts(x, x->basis.budgets[i], in->budgets[i].past.n,
			       in->now_ms - rule->window_ms - rule->max_gap_ms, e) != 0)
			return -1;
	}
	for (size_t i = 0; i < in->n_baselines; i++)
		if (find_pasts(x, x->basis.baselines[i], in->baselines[i].past.n,
			       in->now_ms - GATE_BASELINE_REACH_MS, e) != 0)
			return -1;
	return 0;
}

/* The restoration each row of the basis names, as its run has it. */
static int find_restorations(struct again *x, struct err *e)
{
	const struct gate_input *in = &x->basis.input;

	for (size_t i = 0; i < in->n_restorations; i++) {
		struct restoration_row *row = &x->basis.restorations[i];
		struct restoration *of_run;
		size_t n;

		if (record_run_restorations(x->record, x->arena, row->run_id, &of_run, &n, e) != 0)
			return -1;
		row->restoration.set = "";
		for (size_t k = 0; k < n; k++)
			if (in->gate->rollback != NULL &&
			    strcmp(of_run[k].set, in->gate->rollback->name) == 0 &&
			    strcmp(of_run[k].tag, row->restoration.tag) == 0) {
				row->restoration = of_run[k];
				break;
			}
	}
	return 0;
}

/* The decisions and overrides the basis names, as the record has them. */
static int find_grants(struct again *x, struct err *e)
{
	struct basis *b = &x->basis;
	struct override *overrides = arena_array(x->arena, b->n_overrides, sizeof(*overrides));

	for (size_t i = 0; i < b->input.n_depends; i++) {
		struct decision *newest = NULL;

		if (b->decisions[i] != 0 &&
		    record_decision_of(x->record, x->arena, b->decisions[i], &newest, e) != 0)
			return -1;
		b->depends[i].newest = newest;
		b->depends[i].subject_commit =
			newest != NULL ? basis_subject_commit(x->arena, newest->basis) : NULL;
		if (newest != NULL &&
		    gate_chain_lender(x->record, x->arena, newest, &b->depends[i].lender, e) != 0)
			return -1;
	}
	for (size_t i = 0; i < b->n_overrides; i++) {
		const struct override *o;

		if (record_override_of(x->record, x->arena, b->overrides[i], &o, e) != 0)
			return -1;
		overrides[i] = *o;
	}
	b->input.overrides = overrides;
	b->input.n_overrides = b->n_overrides;
	return 0;
}

/* The definition it was made under; whether a restoration was of it, its row says otherwise. */
static void take_digest(struct basis *b, const unsigned char *digest)
{
	memcpy(b->input.definition_digest, digest, sizeof(b->input.definition_digest));
	for (size_t i = 0; i < b->input.n_restorations; i++)
		memcpy(b->restorations[i].definition_digest, digest,
		       sizeof(b->restorations[i].definition_digest));
}

int gate_decide_again(struct record *record, struct arena *a, const struct decision *recorded,
		      struct decision *out, struct err *e)
{
	struct again x = {.record = record, .arena = a};

	if (policy_read(a, recorded->policy, recorded->basis, &x.basis, e) != 0)
		return -1;
	for (size_t i = 0; i < x.basis.input.n_items; i++)
		if (find_evidence(&x, i, e) != 0)
			return -1;
	take_digest(&x.basis, recorded->definition_digest);
	if (find_streaks(&x, e) != 0 || find_lookbacks(&x, e) != 0 ||
	    find_restorations(&x, e) != 0 || find_grants(&x, e) != 0 ||
	    record_latest(record, a, x.basis.input.before_seq, &x.basis.input.latest, e) != 0 ||
	    gate_shards_find(record, a, &x.basis.input, e) != 0 ||
	    gate_merged_find(record, a, &x.basis.input, e) != 0 ||
	    gate_rests_on_unsigned(record, a, &x.basis.input, e) != 0)
		return -1;
	gate_decide(a, &x.basis.input, out);
	return 0;
}
