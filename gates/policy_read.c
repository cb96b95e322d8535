/*
 * What is missing or of another type is a text of somebody else, and an error: a decision made
 * again from half of what it was made from would prove nothing. So is what no definition can ask
 * for: a streak of none passes whatever there is, and times that run over are of another window.
 */
#include <string.h>

#include "gates/policy.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/digest.h"
#include "runner/io/json.h"

/* Both are far beyond what a definition may say, and three of them do not run over. */
#define MAX_DURATION_MS (INT64_C(1) << 50)
#define MAX_INSTANT_MS	(INT64_C(1) << 60)

struct reading {
	struct arena *arena;
	const struct json_doc *doc;
	struct gate *gate;
	bool is_bad; /* something was not what it should be */
};

/* ---- members ---- */

static struct json_value member(struct reading *r, const struct json_t *at, const char *name,
				enum json_type type)
{
	struct json_value v;

	json_read(r->doc, json_member(at, name), &v);
	if (v.type != type)
		r->is_bad = true;
	return v;
}

static int64_t get_int(struct reading *r, const struct json_t *at, const char *name)
{
	struct json_value v = member(r, at, name, JSON_IS_INT);

	return v.type == JSON_IS_INT ? v.integer : 0;
}

static int64_t get_within(struct reading *r, const struct json_t *at, const char *name, int64_t min,
			  int64_t max)
{
	int64_t v = get_int(r, at, name);

	if (v >= min && v <= max)
		return v;
	r->is_bad = true;
	return min;
}

static int64_t get_duration(struct reading *r, const struct json_t *at, const char *name)
{
	return get_within(r, at, name, 0, MAX_DURATION_MS);
}

static bool get_bool(struct reading *r, const struct json_t *at, const char *name)
{
	struct json_value v = member(r, at, name, JSON_IS_BOOL);

	return v.type == JSON_IS_BOOL && v.boolean;
}

/* Not there = false. */
static bool get_flag(struct reading *r, const struct json_t *at, const char *name)
{
	return json_member(at, name) != NULL && get_bool(r, at, name);
}

/* Whole reals are written as integers. */
static double get_real(struct reading *r, const struct json_t *at, const char *name)
{
	struct json_value v;

	json_read(r->doc, json_member(at, name), &v);
	if (v.type == JSON_IS_INT)
		return (double)v.integer;
	r->is_bad = r->is_bad || v.type != JSON_IS_REAL;
	return v.type == JSON_IS_REAL ? v.real : 0;
}

static const char *get_text(struct reading *r, const struct json_t *at, const char *name)
{
	struct json_value v = member(r, at, name, JSON_IS_TEXT);

	return v.type == JSON_IS_TEXT ? arena_strdup(r->arena, v.text) : "";
}

/* null is none. */
static const char *get_optional(struct reading *r, const struct json_t *at, const char *name)
{
	struct json_value v;

	json_read(r->doc, json_member(at, name), &v);
	return v.type == JSON_IS_NULL ? NULL : get_text(r, at, name);
}

/* Not there = none, as in what was recorded before there was such a member. */
static const char *get_given(struct reading *r, const struct json_t *at, const char *name)
{
	return json_member(at, name) != NULL ? get_optional(r, at, name) : NULL;
}

static const struct json_t *get_array(struct reading *r, const struct json_t *at, const char *name,
				      size_t *n)
{
	struct json_value v = member(r, at, name, JSON_IS_ARRAY);

	*n = v.type == JSON_IS_ARRAY ? v.n : 0;
	return json_member(at, name);
}

static struct pos get_pos(struct reading *r, const struct json_t *at)
{
	int64_t line = get_int(r, at, "line"), col = get_int(r, at, "col");

	if (line < 0 || line > UINT32_MAX || col < 0 || col > UINT32_MAX)
		r->is_bad = true;
	return (struct pos){get_optional(r, at, "file"), (uint32_t)line, (uint32_t)col};
}

static int64_t *get_ids(struct reading *r, const struct json_t *list, size_t n)
{
	int64_t *ids = arena_array(r->arena, n, sizeof(*ids));

	for (size_t i = 0; i < n; i++) {
		struct json_value v;

		json_read(r->doc, json_item(list, i), &v);
		r->is_bad = r->is_bad || v.type != JSON_IS_INT;
		ids[i] = v.type == JSON_IS_INT ? v.integer : 0;
	}
	return ids;
}

static void get_hash(struct reading *r, const struct json_t *at, const char *name,
		     unsigned char out[static SHA256_BYTES])
{
	const char *hex = get_text(r, at, name);

	if (sha256_from_hex(hex, strlen(hex), out) != 0)
		r->is_bad = true;
}

static enum run_state get_state(struct reading *r, const struct json_t *at)
{
	const char *name = get_text(r, at, "state");

	if (strcmp(name, "complete") == 0)
		return RUN_COMPLETE;
	if (strcmp(name, "interrupted") == 0)
		return RUN_INTERRUPTED;
	r->is_bad = r->is_bad || strcmp(name, "incomplete") != 0;
	return RUN_INCOMPLETE;
}

/* ---- policy ---- */

static const struct check *get_check(struct reading *r, const struct json_t *at)
{
	struct check *c = arena_alloc(r->arena, sizeof(*c));

	c->name = get_text(r, at, "check");
	c->is_absolute = get_bool(r, at, "absolute");
	c->pos = get_pos(r, at);
	get_hash(r, at, "definition", c->hash);
	return c;
}

static void read_streaks(struct reading *r, const struct json_t *at, struct gate_item *item)
{
	const struct json_t *list = get_array(r, at, "streaks", &item->n_streaks);
	struct gate_streak *streaks = arena_array(r->arena, item->n_streaks, sizeof(*streaks));
	struct selector *rules = arena_array(r->arena, item->n_streaks, sizeof(*rules));

	for (size_t i = 0; i < item->n_streaks; i++) {
		const struct json_t *x = json_item(list, i);

		rules[i] = (struct selector){
			.pos = get_pos(r, x),
			.streak_of = get_within(r, x, "of", 1, GATE_MAX_STREAK_RUNS),
			.streak_apart_ms = get_duration(r, x, "apart_ms"),
		};
		rules[i].streak_need = get_within(r, x, "need", 1, rules[i].streak_of);
		streaks[i] = (struct gate_streak){&rules[i], get_bool(r, x, "hard")};
	}
	item->streaks = streaks;
}

static void read_items(struct reading *r, const struct json_t *at, struct basis *out)
{
	size_t n;
	const struct json_t *list = get_array(r, at, "items", &n);

	out->items = arena_array(r->arena, n, sizeof(*out->items));
	for (size_t i = 0; i < n; i++) {
		const struct json_t *x = json_item(list, i);
		struct gate_item *item = &out->items[i];

		item->check = get_check(r, x);
		item->is_hard = get_bool(r, x, "hard");
		item->max_age_ms = get_duration(r, x, "max_age_ms");
		item->other_subject_ms = -1;
		read_streaks(r, x, item);
	}
	out->input.items = out->items;
	out->input.n_items = n;
}

static struct gate_past *read_pasts(struct reading *r, const struct json_t *at,
				    struct gate_pasts *out)
{
	const struct json_t *list = get_array(r, at, "checks", &out->n);
	struct gate_past *pasts = arena_array(r->arena, out->n, sizeof(*pasts));

	for (size_t i = 0; i < out->n; i++)
		pasts[i].check = get_check(r, json_item(list, i));
	out->items = pasts;
	return pasts;
}

static void read_budget(struct reading *r, const struct json_t *x, struct budget_rule *rule)
{
	size_t n;
	const struct json_t *list = get_array(r, x, "burn", &n);
	struct burn_pair *burn = arena_array(r->arena, n, sizeof(*burn));

	*rule = (struct budget_rule){
		.pos = get_pos(r, x),
		.objective = get_text(r, x, "objective"),
		.allowed = get_real(r, x, "allowed"),
		.window_ms = get_within(r, x, "window_ms", 1, MAX_DURATION_MS),
		.max_gap_ms = get_duration(r, x, "max_gap_ms"),
		.is_any_definition = get_bool(r, x, "any_definition"),
		.burn = burn,
		.n_burn = n,
	};
	for (size_t i = 0; i < n; i++)
		burn[i] = (struct burn_pair){
			get_real(r, json_item(list, i), "rate"),
			get_within(r, json_item(list, i), "long_ms", 1, rule->window_ms),
			get_within(r, json_item(list, i), "short_ms", 1, rule->window_ms),
		};
}

static void read_budgets(struct reading *r, const struct json_t *at, struct basis *out)
{
	size_t n;
	const struct json_t *list = get_array(r, at, "budgets", &n);
	struct gate_budget *budgets = arena_array(r->arena, n, sizeof(*budgets));
	struct budget_rule *rules = arena_array(r->arena, n, sizeof(*rules));

	out->budgets = arena_array(r->arena, n, sizeof(*out->budgets));
	for (size_t i = 0; i < n; i++) {
		read_budget(r, json_item(list, i), &rules[i]);
		budgets[i].rule = &rules[i];
		out->budgets[i] = read_pasts(r, json_item(list, i), &budgets[i].past);
	}
	out->input.budgets = budgets;
	out->input.n_budgets = r->gate->n_budgets = n;
}

static struct baseline_side get_side(struct reading *r, const struct json_t *at, const char *name)
{
	const struct json_t *x = json_member(at, name);

	return (struct baseline_side){get_optional(r, x, "subject"),
				      get_duration(r, x, "window_ms")};
}

static void read_baselines(struct reading *r, const struct json_t *at, struct basis *out)
{
	size_t n;
	const struct json_t *list = get_array(r, at, "baselines", &n);
	struct gate_baseline *baselines = arena_array(r->arena, n, sizeof(*baselines));
	struct baseline_rule *rules = arena_array(r->arena, n, sizeof(*rules));

	out->baselines = arena_array(r->arena, n, sizeof(*out->baselines));
	for (size_t i = 0; i < n; i++) {
		const struct json_t *x = json_item(list, i);

		rules[i] = (struct baseline_rule){
			.pos = get_pos(r, x),
			.series = get_optional(r, x, "series"),
			.candidate = get_side(r, x, "candidate"),
			.against = get_side(r, x, "against"),
			.min_n = get_within(r, x, "min_n", 1, INT64_MAX),
			.effect_text = get_text(r, x, "effect_text"),
			.effect = get_real(r, x, "effect"),
			.is_effect_share = get_bool(r, x, "effect_share"),
			.effect_unit = get_text(r, x, "effect_unit"),
			.direction =
				(int)get_within(r, x, "direction", BASELINE_EITHER, BASELINE_LOWER),
			.alpha = get_real(r, x, "alpha"),
		};
		baselines[i].rule = &rules[i];
		out->baselines[i] = read_pasts(r, x, &baselines[i].past);
	}
	out->input.baselines = baselines;
	out->input.n_baselines = r->gate->n_baselines = n;
}

static void read_waivers(struct reading *r, const struct json_t *at, struct basis *out)
{
	size_t n;
	const struct json_t *list = get_array(r, at, "waivers", &n);
	struct waiver **waivers = arena_array(r->arena, n, sizeof(struct waiver *));

	for (size_t i = 0; i < n; i++) {
		const struct json_t *x = json_item(list, i);
		struct check *c = arena_alloc(r->arena, sizeof(*c));

		c->name = get_text(r, x, "check");
		c->is_absolute = get_bool(r, x, "absolute");
		waivers[i] = arena_alloc(r->arena, sizeof(**waivers));
		*waivers[i] = (struct waiver){
			.id = get_text(r, x, "id"),
			.pos = get_pos(r, x),
			.check = c,
			.series = get_optional(r, x, "series"),
			.gates = {&r->gate->name, NULL, 1},
			.owner = get_optional(r, x, "owner"),
			.reason = get_optional(r, x, "reason"),
			.ticket = get_optional(r, x, "ticket"),
			.granted_ms = get_int(r, x, "granted_ms"),
			.expires_ms = get_int(r, x, "expires_ms"),
		};
	}
	out->input.waivers = waivers;
	out->input.n_waivers = n;
}

static void read_rollback(struct reading *r, const struct json_t *at)
{
	const struct json_t *x = json_member(at, "rollback");
	struct rollback_set *set;

	if (x == NULL)
		return;
	set = arena_alloc(r->arena, sizeof(*set));
	set->name = get_text(r, x, "set");
	r->gate->rollback = set;
	r->gate->rollback_pos = get_pos(r, x);
	r->gate->is_rollback_all = get_bool(r, x, "all");
	r->gate->rollback_within_ms = get_duration(r, x, "within_ms");
}

static void read_policy(struct reading *r, struct basis *out)
{
	const struct json_t *root = json_root(r->doc);
	struct gate *g = arena_alloc(r->arena, sizeof(*g));
	int64_t n_require;

	r->gate = g;
	out->input.gate = g;
	if (strcmp(get_text(r, root, "assize"), "policy/1") != 0) {
		r->is_bad = true;
		return;
	}
	g->name = get_text(r, root, "gate");
	g->pos = get_pos(r, root);
	g->is_any_subject = get_bool(r, root, "any_subject");
	g->max_age_ms = get_duration(r, root, "max_age_ms");
	g->max_waiver_ms = get_duration(r, root, "max_waiver_ms");
	n_require = get_int(r, root, "requires");
	g->n_require = n_require > 0 ? (size_t)n_require : 0;
	read_items(r, root, out);
	read_rollback(r, root);
	read_budgets(r, root, out);
	read_baselines(r, root, out);
	read_waivers(r, root, out);
}

/* ---- basis ---- */

static void read_evidence(struct reading *r, const struct json_t *at, struct basis *out)
{
	size_t n;
	const struct json_t *list = get_array(r, at, "evidence", &n);

	out->evidence = arena_array(r->arena, out->input.n_items, sizeof(*out->evidence));
	r->is_bad = r->is_bad || n != out->input.n_items;
	for (size_t i = 0; i < n && !r->is_bad; i++) {
		const struct json_t *x = json_item(list, i);

		if (strcmp(get_text(r, x, "check"), out->items[i].check->name) != 0)
			r->is_bad = true;
		if (json_member(x, "run") != NULL) {
			out->evidence[i].run_id = get_int(r, x, "run");
			out->evidence[i].run_state = get_state(r, x);
		} else if (json_member(x, "other_ms") != NULL) {
			out->items[i].other_subject_ms = get_int(r, x, "other_ms");
			out->items[i].other_subject = get_optional(r, x, "other_subject");
		}
	}
}

static void read_open(struct reading *r, const struct json_t *at, struct basis *out)
{
	const struct json_t *list = get_array(r, at, "open", &out->n_open);

	out->open = arena_array(r->arena, out->n_open, sizeof(*out->open));
	for (size_t i = 0; i < out->n_open; i++) {
		const struct json_t *x = json_item(list, i);
		struct basis_open *open = &out->open[i];
		const struct json_t *runs = get_array(r, x, "runs", &open->n_runs);

		open->check = get_text(r, x, "check");
		open->runs = get_ids(r, runs, open->n_runs);
	}
}

/* Gates without any have no such member. */
static const struct json_t *get_some(struct reading *r, const struct json_t *at, const char *name,
				     size_t *n)
{
	*n = 0;
	return json_member(at, name) != NULL ? get_array(r, at, name, n) : NULL;
}

static const char *const *
get_each(struct reading *r, const struct json_t *list, size_t n, const char *name,
	 const char *(*get)(struct reading *, const struct json_t *, const char *))
{
	const char **out = arena_array(r->arena, n, sizeof(*out));

	for (size_t i = 0; i < n; i++)
		out[i] = get(r, json_item(list, i), name);
	return out;
}

static void read_targets(struct reading *r, const struct json_t *at, struct basis *out)
{
	struct gate_input *in = &out->input;
	const struct json_t *list = get_array(r, at, "targets", &in->n_rollback_tags);

	in->rollback_tags = get_each(r, list, in->n_rollback_tags, "tag", get_text);
	in->rollback_commits = get_each(r, list, in->n_rollback_tags, "commit", get_optional);
	in->rollback_trees = get_each(r, list, in->n_rollback_tags, "tree", get_given);
	in->rollback_subject_tree = get_given(r, at, "target_tree");
	in->rollback_subject = get_given(r, at, "target_subject");
	list = get_some(r, at, "targets_gone", &in->n_rollback_gone);
	in->rollback_gone = get_each(r, list, in->n_rollback_gone, "tag", get_text);
	list = get_some(r, at, "targets_left", &in->n_rollback_left);
	in->rollback_left = get_each(r, list, in->n_rollback_left, "tag", get_text);
	in->rollback_left_commits = get_each(r, list, in->n_rollback_left, "commit", get_optional);
	list = get_array(r, at, "restorations", &in->n_restorations);
	out->restorations = arena_array(r->arena, in->n_restorations, sizeof(*out->restorations));
	for (size_t i = 0; i < in->n_restorations; i++) {
		const struct json_t *x = json_item(list, i), *pin = json_member(x, "pinned");

		out->restorations[i] = (struct restoration_row){
			.restoration = {.tag = get_text(r, x, "tag")},
			.run_id = get_int(r, x, "run"),
			.run_state = get_state(r, x),
			.at_ms = get_int(r, x, "at_ms"),
			/* Whether it counts was said; digests are those of nothing here. */
			.definition_file = get_bool(r, x, "counts") ? "git:" : "",
			.pinned = pin != NULL ? get_text(r, x, "pinned") : NULL,
		};
	}
	in->restorations = out->restorations;
}

static void read_windows(struct reading *r, const struct json_t *at, struct basis *out)
{
	const struct json_t *list = get_some(r, at, "windows", &out->input.n_windows);
	struct gate_window *windows = arena_array(r->arena, out->input.n_windows, sizeof(*windows));
	struct freeze *freezes = arena_array(r->arena, out->input.n_windows, sizeof(*freezes));

	for (size_t i = 0; i < out->input.n_windows; i++) {
		const struct json_t *x = json_item(list, i);

		freezes[i] =
			(struct freeze){.pos = get_pos(r, x), .reason = get_text(r, x, "reason")};
		windows[i] = (struct gate_window){.freeze = &freezes[i],
						  .from_ms = get_int(r, x, "from_ms"),
						  .to_ms = get_int(r, x, "to_ms"),
						  .error = get_optional(r, x, "error")};
	}
	out->input.windows = windows;
}

static void read_depends(struct reading *r, const struct json_t *at, struct basis *out)
{
	size_t n;
	const struct json_t *list = get_some(r, at, "depends", &n);
	struct gate_dependency *on = arena_array(r->arena, n, sizeof(*on));

	out->depends = arena_array(r->arena, n, sizeof(*out->depends));
	out->decisions = arena_array(r->arena, n, sizeof(*out->decisions));
	for (size_t i = 0; i < n; i++) {
		const struct json_t *x = json_item(list, i);

		on[i] = (struct gate_dependency){
			.pos = get_pos(r, x),
			.gate = get_text(r, x, "gate"),
			.within_ms = get_duration(r, x, "within_ms"),
			.is_overridden_accepted = get_bool(r, x, "overridden"),
		};
		out->depends[i].on = &on[i];
		out->depends[i].is_other_policy = get_flag(r, x, "other_policy");
		out->decisions[i] = get_int(r, x, "decision");
	}
	out->input.depends = out->depends;
	out->input.n_depends = n;
}

static void read_overrides(struct reading *r, const struct json_t *at, struct basis *out)
{
	const struct json_t *list = get_some(r, at, "overrides", &out->n_overrides);

	out->overrides = get_ids(r, list, out->n_overrides);
}

static void read_ledger(struct reading *r, const struct json_t *root, struct basis *out)
{
	const struct json_t *at = json_member(root, "ledger");
	struct gate_ledger *x = arena_alloc(r->arena, sizeof(*x));

	if (at == NULL)
		return;
	*x = (struct gate_ledger){
		.pos = get_pos(r, at),
		.anchored_within_ms = get_duration(r, at, "within_ms"),
		.error = get_optional(r, at, "error"),
		.n_broken = get_int(r, at, "broken"),
		.n_doubts = get_int(r, at, "doubts"),
		.finding = get_optional(r, at, "finding"),
		.size = get_int(r, at, "size"),
		.signed_size = json_member(at, "signed") != NULL ? get_int(r, at, "signed")
								 : GATE_NOBODY_TRUSTED,
		.anchored = get_int(r, at, "anchored"),
		.anchored_ms = get_within(r, at, "anchored_ms", 0, MAX_INSTANT_MS),
	};
	out->input.ledger = x;
}

static void read_basis(struct reading *r, struct basis *out)
{
	const struct json_t *root = json_root(r->doc);

	r->is_bad = strcmp(get_text(r, root, "assize"), "basis/1") != 0;
	out->input.subject = get_text(r, root, "subject");
	out->input.subject_commit = get_given(r, root, "subject_commit");
	out->input.subject_error = get_given(r, root, "subject_error");
	out->input.definition_file = get_given(r, root, "definition_file");
	out->input.now_ms = get_within(r, root, "now_ms", 0, MAX_INSTANT_MS);
	out->input.before_seq = get_int(r, root, "before_seq");
	out->input.policy = get_optional(r, root, "from");
	out->input.rollback_error = get_optional(r, root, "rollback_error");
	read_evidence(r, root, out);
	read_open(r, root, out);
	read_targets(r, root, out);
	read_windows(r, root, out);
	read_depends(r, root, out);
	read_overrides(r, root, out);
	read_ledger(r, root, out);
	out->input.is_trust_named = get_flag(r, root, "trust");
	out->input.edition = json_member(root, "edition") != NULL
				     ? get_within(r, root, "edition", 1, GATE_EDITION)
				     : 1;
}

static int read_text(struct reading *r, const char *text, struct basis *out,
		     void (*read)(struct reading *, struct basis *), const char *what,
		     struct err *e)
{
	struct json_doc *doc;

	if (json_parse(text, strlen(text), &doc, e) != 0)
		return -1;
	r->doc = doc;
	read(r, out);
	json_free(doc);
	if (!r->is_bad)
		return 0;
	return err_set(e, ERR_RECORD,
		       "cannot trust the %s that was recorded: it is not one of this version",
		       what);
}

int policy_read(struct arena *a, const char *policy, const char *basis, struct basis *out,
		struct err *e)
{
	struct reading r = {.arena = a};
	struct basis read = {.n_open = 0};

	if (read_text(&r, policy, &read, read_policy, "policy", e) != 0 ||
	    read_text(&r, basis, &read, read_basis, "basis", e) != 0)
		return -1;
	*out = read;
	return 0;
}
