/*
 * Gathering reads the record and lists tags; it decides nothing. Evidence about the subject and
 * about "any" are one history.
 */
#include "runner/gate_gather.h"

#include <string.h>

#include "gates/policy.h"
#include "rollback/rollback.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/freeze.h"
#include "runner/gate_chain.h"
#include "runner/gate_merged.h"
#include "runner/gate_shards.h"
#include "runner/history/newest.h"
#include "runner/history/record.h"
#include "runner/identity.h"
#include "runner/model/definition.h"
#include "runner/subject.h"

#define OVERRIDE_TOLD_MS (7 * INT64_C(86400000))
#define MAX_OVERRIDES	 100 /* the newest */

/* The newest evidence about this subject, or about "any", whichever is newer. */
static int find_evidence(const struct gate_gather *g, struct newest *newest, struct gate_item *item,
			 struct err *e)
{
	struct evidence *own, *other;
	size_t n_other;

	if (newest_evidence(newest, item->check, g->gate->is_any_subject ? NULL : g->subject, &own,
			    &item->n_evidence, e) != 0)
		return -1;
	item->evidence = own;
	item->other_subject_ms = -1;
	if (item->n_evidence > 0)
		return 0;
	if (record_evidence(g->record, g->arena, item->check->name, NULL, &other, &n_other, e) != 0)
		return -1;
	if (n_other > 0) {
		item->other_subject_ms = other[0].result.measured_ms;
		item->other_subject = other[0].subject;
	}
	return 0;
}

static int find_gone(const struct gate_gather *g, const struct restoration_row *rows,
		     struct gate_input *out, struct err *e)
{
	const char **names = arena_array(g->arena, out->n_restorations, sizeof(*names));

	for (size_t i = 0; i < out->n_restorations; i++)
		names[i] = rows[i].restoration.tag;
	return rollback_gone(g->arena, g->gate->rollback, names, out->n_restorations,
			     &out->rollback_gone, &out->n_rollback_gone, e);
}

/* The name of a tag in the word that it is called by. */
static const char *tag_of(const char *subject)
{
	subject += str_starts(subject, "refs/") ? strlen("refs/") : 0;
	return subject + (str_starts(subject, "tags/") ? strlen("tags/") : 0);
}

/* The commit that a tag which is none now was, as far as the record knows; NULL = it does not. */
static int find_known(const struct gate_gather *g, const struct restoration_row *rows, size_t n,
		      const char **commit, struct err *e)
{
	const char *tag = tag_of(g->subject);
	struct pin *pins;
	size_t n_pins;

	if (record_subject_commit(g->record, g->arena, g->subject, commit, e) != 0 ||
	    record_pins(g->record, g->arena, &pins, &n_pins, e) != 0)
		return -1;
	for (size_t i = 0; i < n_pins; i++)
		if (strcmp(pins[i].set, g->gate->rollback->name) == 0 &&
		    strcmp(pins[i].tag, tag) == 0)
			*commit = pins[i].commit;
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].restoration.tag, tag) == 0 && rows[i].restoration.commit != NULL)
			*commit = rows[i].restoration.commit;
	return 0;
}

/* known: what find_known() says. */
static int find_release(const struct gate_gather *g, const char *known, struct gate_input *out,
			struct err *e)
{
	const struct rollback_set *set = g->gate->rollback;
	const char *const *trees;

	out->rollback_subject = ""; /* of no release: nobody can tell which of the tags it is */
	if (g->subject == NULL || strcmp(g->subject, "any") == 0)
		return 0;
	if (rollback_resolve(g->arena, set, g->subject, &out->rollback_subject, e) != 0)
		return -1;
	/* a tag that was deleted is none to come */
	if (out->rollback_subject == NULL && known != NULL &&
	    rollback_resolve(g->arena, set, known, &out->rollback_subject, e) != 0)
		return -1;
	if (out->rollback_subject == NULL && known != NULL)
		out->rollback_subject = "";
	if (rollback_trees(g->arena, set, &out->rollback_subject, 1, &trees, e) != 0)
		return -1;
	out->rollback_subject_tree = trees[0];
	return 0;
}

static bool is_among(const char *name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], name) == 0)
			return true;
	return false;
}

/* Those that were disproved and are no targets now: newer tags, or another HEAD, do not mend them.
 */
static int find_left(const struct gate_gather *g, const struct restoration_row *rows,
		     struct gate_input *out, struct err *e)
{
	const struct rollback_set *set = g->gate->rollback;
	const char **left = arena_array(g->arena, out->n_restorations, sizeof(*left));

	for (size_t i = 0; i < out->n_restorations && g->gate->is_rollback_all; i++) {
		const char *tag = rows[i].restoration.tag;

		if (rows[i].restoration.outcome == OUTCOME_FAIL && rollback_has(set, tag) &&
		    !is_among(tag, out->rollback_tags, out->n_rollback_tags) &&
		    !is_among(tag, out->rollback_gone, out->n_rollback_gone))
			left[out->n_rollback_left++] = tag;
	}
	out->rollback_left = left;
	return rollback_commits(g->arena, set, left, out->n_rollback_left,
				&out->rollback_left_commits, e);
}

static int find_targets(const struct gate_gather *g, const struct restoration_row *rows,
			struct gate_input *out, struct err *e)
{
	const struct rollback_set *set = g->gate->rollback;

	if (rollback_tags(g->arena, set, &out->rollback_tags, &out->n_rollback_tags, e) != 0 ||
	    rollback_commits(g->arena, set, out->rollback_tags, out->n_rollback_tags,
			     &out->rollback_commits, e) != 0 ||
	    rollback_trees(g->arena, set, out->rollback_commits, out->n_rollback_tags,
			   &out->rollback_trees, e) != 0)
		return -1;
	return find_gone(g, rows, out, e) != 0 ? -1 : find_left(g, rows, out, e);
}

static int find_restorations(const struct gate_gather *g, struct gate_input *out, struct err *e)
{
	const struct rollback_set *set = g->gate->rollback;
	struct restoration_row *rows = NULL;
	const char *known = NULL;
	struct err list = {0};

	if (set == NULL)
		return 0;
	if (record_restorations(g->record, g->arena, set->name, &rows, &out->n_restorations, e) !=
		    0 ||
	    (g->subject != NULL && find_known(g, rows, out->n_restorations, &known, e) != 0))
		return -1;
	for (size_t i = 0; i < out->n_restorations && !set->is_pinned; i++)
		rows[i].pinned = NULL;
	out->restorations = rows;
	if (find_targets(g, rows, out, &list) != 0 || find_release(g, known, out, &list) != 0) {
		out->rollback_error = arena_strdup(g->arena, list.message);
		out->n_rollback_tags = 0; /* a repository that went away half read has none */
		out->n_rollback_gone = 0;
		out->n_rollback_left = 0;
	} else if (out->n_rollback_tags == 0 && rollback_is_shallow(set)) {
		out->rollback_error = "a shallow clone has no tags";
	}
	return 0;
}

/* The past an item's streaks are about, as it was when the gathering began. */
static int find_past(const struct gate_gather *g, struct newest *newest, int64_t before_seq,
		     struct gate_item *item, struct err *e)
{
	struct past_query query = {
		.check = item->check->name,
		.hash = item->check->hash,
		.subject = g->gate->is_any_subject ? NULL : g->subject,
		.since_ms = INT64_MIN,
		.limit = gate_item_past_runs(item),
		.newest = newest,
		.before_seq = before_seq,
	};
	struct past_result *past = NULL;

	if (query.limit == 0)
		return 0;
	if (record_past(g->record, g->arena, &query, &past, &item->n_past, e) != 0)
		return -1;
	item->past = past;
	return 0;
}

/* Checks any of the selectors matches, as pasts without results. */
static struct gate_past *select_pasts(const struct gate_gather *g, const struct selector *selectors,
				      size_t n_selectors, struct gate_pasts *out)
{
	const struct definition *d = g->definition;
	struct gate_past *pasts = arena_array(g->arena, d->n_checks, sizeof(*pasts));

	*out = (struct gate_pasts){pasts, 0};
	for (size_t i = 0; i < d->n_checks; i++) {
		bool is_selected = false;

		for (size_t k = 0; k < n_selectors; k++)
			is_selected = is_selected || selector_matches(&selectors[k], d->checks[i]);
		if (is_selected)
			pasts[out->n++].check = d->checks[i];
	}
	return pasts;
}

/* The same with what the record has about them since then. */
static int find_pasts(const struct gate_gather *g, const struct past_query *as,
		      const struct selector *selectors, size_t n_selectors, struct gate_pasts *out,
		      struct err *e)
{
	struct gate_past *pasts = select_pasts(g, selectors, n_selectors, out);

	for (size_t i = 0; i < out->n; i++) {
		struct past_query query = *as;
		struct past_result *results = NULL;

		query.check = pasts[i].check->name;
		query.hash = pasts[i].check->hash;
		if (record_past(g->record, g->arena, &query, &results, &pasts[i].n, e) != 0)
			return -1;
		pasts[i].results = results;
	}
	return 0;
}

/* Rules about history: any subject's, for what was released before is what spent a budget. */
static int find_lookbacks(const struct gate_gather *g, struct gate_input *out, struct err *e)
{
	const struct gate *gate = g->gate;
	struct gate_budget *budgets = arena_array(g->arena, gate->n_budgets, sizeof(*budgets));
	struct gate_baseline *baselines =
		arena_array(g->arena, gate->n_baselines, sizeof(*baselines));
	struct past_query query = {.limit = GATE_MAX_PAST_RUNS, .before_seq = out->before_seq};

	for (size_t i = 0; i < gate->n_budgets; i++) {
		const struct budget_rule *rule = &gate->budgets[i];

		query.since_ms = g->now_ms - rule->window_ms - rule->max_gap_ms;
		budgets[i].rule = rule;
		if (find_pasts(g, &query, rule->checks, rule->n_checks, &budgets[i].past, e) != 0)
			return -1;
	}
	for (size_t i = 0; i < gate->n_baselines; i++) {
		const struct baseline_rule *rule = &gate->baselines[i];

		query.since_ms = g->now_ms - GATE_BASELINE_REACH_MS;
		baselines[i].rule = rule;
		if (find_pasts(g, &query, rule->checks, 1, &baselines[i].past, e) != 0)
			return -1;
	}
	out->budgets = budgets;
	out->n_budgets = gate->n_budgets;
	out->baselines = baselines;
	out->n_baselines = gate->n_baselines;
	return 0;
}

/* What a decision of the gate would be recorded with, were it made under this definition. */
static const char *policy_of(const struct gate_gather *g, const struct gate *gate)
{
	struct arena *a = g->arena;
	struct gate_budget *budgets = arena_array(a, gate->n_budgets, sizeof(*budgets));
	struct gate_baseline *baselines = arena_array(a, gate->n_baselines, sizeof(*baselines));
	struct gate_input in = {
		.gate = gate,
		.waivers = g->definition->waivers,
		.n_waivers = g->definition->n_waivers,
		.budgets = budgets,
		.n_budgets = gate->n_budgets,
		.baselines = baselines,
		.n_baselines = gate->n_baselines,
	};
	const char *text;
	struct buf b;

	in.items = gate_items(a, g->definition, gate, &in.n_items);
	for (size_t i = 0; i < gate->n_budgets; i++) {
		budgets[i].rule = &gate->budgets[i];
		(void)select_pasts(g, gate->budgets[i].checks, gate->budgets[i].n_checks,
				   &budgets[i].past); /* it is in there */
	}
	for (size_t i = 0; i < gate->n_baselines; i++) {
		baselines[i].rule = &gate->baselines[i];
		(void)select_pasts(g, gate->baselines[i].checks, 1, &baselines[i].past);
	}
	buf_init(&b, BUF_UNBOUNDED); /* as large as the definition, which is bounded */
	policy_write(&b, &in);
	text = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return text;
}

/* The digest of a definition is that of its files: what --var has made of them is in the policy. */
static bool is_other_policy(const struct gate_gather *g, const struct decision *d)
{
	const struct gate *gate = definition_gate(g->definition, d->gate);

	return gate == NULL || d->policy == NULL || !policy_is_same(d->policy, policy_of(g, gate));
}

static int find_depends(const struct gate_gather *g, int64_t before_seq, struct gate_input *out,
			struct err *e)
{
	struct gate_opened *past = arena_array(g->arena, g->gate->n_depends, sizeof(*past));

	for (size_t i = 0; i < g->gate->n_depends; i++) {
		struct decision *newest = arena_alloc(g->arena, sizeof(*newest));
		int rc;

		past[i].on = &g->gate->depends[i];
		rc = record_last_decision(g->record, g->arena, past[i].on->gate, g->subject,
					  before_seq, newest, e);
		if (rc < 0)
			return -1;
		past[i].newest = rc == 0 ? newest : NULL;
		past[i].is_other_policy = rc == 0 && is_other_policy(g, newest);
		past[i].subject_commit =
			rc == 0 ? basis_subject_commit(g->arena, newest->basis) : NULL;
		if (rc == 0 &&
		    gate_chain_lender(g->record, g->arena, newest, &past[i].lender, e) != 0)
			return -1;
	}
	out->depends = past;
	out->n_depends = g->gate->n_depends;
	return 0;
}

/* Those that are over lately as well: somebody may believe in them. */
static int find_overrides(const struct gate_gather *g, int64_t before_seq, struct gate_input *out,
			  struct err *e)
{
	const struct override_query q = {
		.gate = g->gate->name,
		.subject = g->subject,
		.until_after_ms = g->now_ms - OVERRIDE_TOLD_MS,
		.before_seq = before_seq,
		.limit = MAX_OVERRIDES,
	};
	struct override *overrides;

	if (record_overrides(g->record, g->arena, &q, &overrides, &out->n_overrides, e) != 0)
		return -1;
	out->overrides = overrides;
	return 0;
}

int gate_gather(const struct gate_gather *g, struct gate_input *out, struct err *e)
{
	struct err unread = {0};
	struct newest newest;

	*out = (struct gate_input){
		.gate = g->gate,
		.subject = g->subject,
		.now_ms = g->now_ms,
		.items = g->items,
		.n_items = g->n_items,
		.waivers = g->definition->waivers,
		.n_waivers = g->definition->n_waivers,
		.windows = freeze_windows(g->arena, g->gate, g->now_ms),
		.n_windows = g->gate->n_freezes,
	};
	memcpy(out->definition_digest, g->definition->digest, sizeof(out->definition_digest));
	out->definition_file = identity_place(g->arena, g->definition);
	if (subject_commit(g->arena, g->definition, g->subject, &out->subject_commit, &unread) != 0)
		out->subject_error = arena_strdup(g->arena, unread.message);
	if (g->definition->commit != NULL)
		out->policy = arena_printf(g->arena, "%s at %s", g->definition->root_file,
					   g->definition->commit);
	newest_init(&newest, g->arena, g->record);
	for (size_t i = 0; i < g->n_items; i++)
		if (find_evidence(g, &newest, &g->items[i], e) != 0)
			return -1;
	/* after the evidence: what is judged as newest is part of its past */
	if (record_next_seq(g->record, &out->before_seq, e) != 0)
		return -1;
	if (record_latest(g->record, g->arena, out->before_seq, &out->latest, e) != 0)
		return -1;
	for (size_t i = 0; i < g->n_items; i++)
		if (find_past(g, &newest, out->before_seq, &g->items[i], e) != 0)
			return -1;
	if (find_lookbacks(g, out, e) != 0 || find_depends(g, out->before_seq, out, e) != 0 ||
	    find_overrides(g, out->before_seq, out, e) != 0)
		return -1;
	if (find_restorations(g, out, e) != 0)
		return -1;
	out->is_trust_named = g->definition->ledger != NULL && g->definition->ledger->trust.n > 0;
	if (gate_shards_find(g->record, g->arena, out, e) != 0)
		return -1;
	return gate_merged_find(g->record, g->arena, out, e);
}
