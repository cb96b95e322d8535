/* Members stand in one order, numbers in one form: the same input gives the same text. */
#include <string.h>

#include "gates/policy.h"
#include "runner/base/buf.h"
#include "runner/io/digest.h"
#include "runner/io/json.h"

static void put_pos(struct json_writer *w, const struct pos *pos)
{
	json_put_text(w, "file", pos->file);
	json_put_int(w, "line", pos->line);
	json_put_int(w, "col", pos->col);
}

/* Also the elements of an array: a check by itself. */
static void put_check(struct json_writer *w, const struct check *c)
{
	char hex[SHA256_HEX];

	sha256_hex(c->hash, hex);
	json_put_text(w, "check", c->name);
	json_put_text(w, "definition", hex);
	json_put_bool(w, "absolute", c->is_absolute);
	put_pos(w, &c->pos);
}

static void put_streaks(struct json_writer *w, const struct gate_item *item)
{
	json_open(w, "streaks", '[');
	for (size_t i = 0; i < item->n_streaks; i++) {
		const struct selector *s = item->streaks[i].selector;

		json_open(w, NULL, '{');
		json_put_int(w, "need", s->streak_need);
		json_put_int(w, "of", s->streak_of);
		json_put_int(w, "apart_ms", s->streak_apart_ms);
		json_put_bool(w, "hard", item->streaks[i].is_hard);
		put_pos(w, &s->pos);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void put_items(struct json_writer *w, const struct gate_input *in)
{
	json_open(w, "items", '[');
	for (size_t i = 0; i < in->n_items; i++) {
		const struct gate_item *item = &in->items[i];

		json_open(w, NULL, '{');
		put_check(w, item->check);
		json_put_bool(w, "hard", item->is_hard);
		json_put_int(w, "max_age_ms", item->max_age_ms);
		put_streaks(w, item);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void put_pasts(struct json_writer *w, const struct gate_pasts *pasts)
{
	json_open(w, "checks", '[');
	for (size_t i = 0; i < pasts->n; i++) {
		json_open(w, NULL, '{');
		put_check(w, pasts->items[i].check);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void put_budgets(struct json_writer *w, const struct gate_input *in)
{
	json_open(w, "budgets", '[');
	for (size_t i = 0; i < in->n_budgets; i++) {
		const struct budget_rule *rule = in->budgets[i].rule;

		json_open(w, NULL, '{');
		put_pos(w, &rule->pos);
		json_put_text(w, "objective", rule->objective);
		json_put_real(w, "allowed", rule->allowed);
		json_put_int(w, "window_ms", rule->window_ms);
		json_put_int(w, "max_gap_ms", rule->max_gap_ms);
		json_put_bool(w, "any_definition", rule->is_any_definition);
		json_open(w, "burn", '[');
		for (size_t k = 0; k < rule->n_burn; k++) {
			json_open(w, NULL, '{');
			json_put_real(w, "rate", rule->burn[k].rate);
			json_put_int(w, "long_ms", rule->burn[k].long_ms);
			json_put_int(w, "short_ms", rule->burn[k].short_ms);
			json_close(w, '}');
		}
		json_close(w, ']');
		put_pasts(w, &in->budgets[i].past);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void put_side(struct json_writer *w, const char *name, const struct baseline_side *side)
{
	json_open(w, name, '{');
	json_put_text(w, "subject", side->subject);
	json_put_int(w, "window_ms", side->window_ms);
	json_close(w, '}');
}

static void put_baselines(struct json_writer *w, const struct gate_input *in)
{
	json_open(w, "baselines", '[');
	for (size_t i = 0; i < in->n_baselines; i++) {
		const struct baseline_rule *rule = in->baselines[i].rule;

		json_open(w, NULL, '{');
		put_pos(w, &rule->pos);
		json_put_text(w, "series", rule->series);
		put_side(w, "candidate", &rule->candidate);
		put_side(w, "against", &rule->against);
		json_put_int(w, "min_n", rule->min_n);
		json_put_text(w, "effect_text", rule->effect_text);
		json_put_real(w, "effect", rule->effect);
		json_put_bool(w, "effect_share", rule->is_effect_share);
		json_put_text(w, "effect_unit", rule->effect_unit);
		json_put_int(w, "direction", rule->direction);
		json_put_real(w, "alpha", rule->alpha);
		put_pasts(w, &in->baselines[i].past);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void put_waivers(struct json_writer *w, const struct gate_input *in)
{
	json_open(w, "waivers", '[');
	for (size_t i = 0; i < in->n_waivers; i++) {
		const struct waiver *x = in->waivers[i];

		if (!waiver_is_of_gate(x, in->gate))
			continue;
		json_open(w, NULL, '{');
		json_put_text(w, "id", x->id);
		put_pos(w, &x->pos);
		json_put_text(w, "check", x->check->name);
		json_put_bool(w, "absolute", x->check->is_absolute);
		json_put_text(w, "series", x->series);
		json_put_text(w, "owner", x->owner);
		json_put_text(w, "reason", x->reason);
		json_put_text(w, "ticket", x->ticket);
		json_put_int(w, "granted_ms", x->granted_ms);
		json_put_int(w, "expires_ms", x->expires_ms);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void put_rollback(struct json_writer *w, const struct gate *g)
{
	if (g->rollback == NULL)
		return;
	json_open(w, "rollback", '{');
	put_pos(w, &g->rollback_pos);
	json_put_text(w, "set", g->rollback->name);
	json_put_bool(w, "all", g->is_rollback_all);
	json_put_int(w, "within_ms", g->rollback_within_ms);
	json_close(w, '}');
}

static void put_cron(struct json_writer *w, const struct cron *c)
{
	json_open(w, "begins", '{');
	json_put_int(w, "minutes", (int64_t)c->minutes); /* 60 bits */
	json_put_int(w, "hours", c->hours);
	json_put_int(w, "days", c->days);
	json_put_int(w, "months", c->months);
	json_put_int(w, "weekdays", c->weekdays);
	json_put_bool(w, "any_day", c->is_any_day);
	json_put_bool(w, "any_weekday", c->is_any_weekday);
	json_close(w, '}');
}

static void put_freezes(struct json_writer *w, const struct gate *g)
{
	json_open(w, "freezes", '[');
	for (size_t i = 0; i < g->n_freezes; i++) {
		const struct freeze *x = &g->freezes[i];

		json_open(w, NULL, '{');
		put_pos(w, &x->pos);
		json_put_text(w, "reason", x->reason);
		if (x->is_recurring) {
			put_cron(w, &x->cron);
			json_put_int(w, "for_ms", x->for_ms);
			json_put_text(w, "time_zone", x->time_zone);
		} else {
			json_put_int(w, "from_ms", x->from_ms);
			json_put_int(w, "to_ms", x->to_ms);
		}
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void put_dependency(struct json_writer *w, const struct gate_dependency *x)
{
	put_pos(w, &x->pos);
	json_put_text(w, "gate", x->gate);
	json_put_int(w, "within_ms", x->within_ms);
	json_put_bool(w, "overridden", x->is_overridden_accepted);
}

/* The rules whose findings are in the basis; a gate without them has the text it had before. */
static void put_rules_of_basis(struct json_writer *w, const struct gate *g)
{
	if (g->n_freezes > 0)
		put_freezes(w, g);
	if (g->n_depends > 0) {
		json_open(w, "depends", '[');
		for (size_t i = 0; i < g->n_depends; i++) {
			json_open(w, NULL, '{');
			put_dependency(w, &g->depends[i]);
			json_close(w, '}');
		}
		json_close(w, ']');
	}
	if (g->is_ledger_asked) {
		json_open(w, "ledger", '{');
		put_pos(w, &g->ledger_pos);
		json_put_int(w, "within_ms", g->anchored_within_ms);
		json_close(w, '}');
	}
}

void policy_write(struct buf *out, const struct gate_input *in)
{
	const struct gate *g = in->gate;
	struct json_writer w;

	json_writer_init(&w, out, false);
	json_open(&w, NULL, '{');
	json_put_text(&w, "assize", "policy/1");
	json_put_text(&w, "gate", g->name);
	put_pos(&w, &g->pos);
	json_put_bool(&w, "any_subject", g->is_any_subject);
	json_put_int(&w, "max_age_ms", g->max_age_ms);
	json_put_int(&w, "max_waiver_ms", g->max_waiver_ms);
	json_put_int(&w, "requires", (int64_t)g->n_require);
	put_items(&w, in);
	put_rollback(&w, g);
	put_budgets(&w, in);
	put_baselines(&w, in);
	put_waivers(&w, in);
	put_rules_of_basis(&w, g);
	json_close(&w, '}');
}

/* Past the member, if one is there. In a text its quotes would have backslashes. */
static const char *skip_file(const char *s)
{
	static const char key[] = "\"file\":";

	if (strncmp(s, key, sizeof(key) - 1) != 0)
		return s;
	s += sizeof(key) - 1;
	if (*s != '"')
		return s;
	for (s++; *s != '\0' && *s != '"'; s++)
		if (*s == '\\' && s[1] != '\0')
			s++;
	return s;
}

bool policy_is_same(const char *a, const char *b)
{
	for (;; a++, b++) {
		a = skip_file(a);
		b = skip_file(b);
		if (*a != *b)
			return false;
		if (*a == '\0')
			return true;
	}
}

/* ---- basis ---- */

static const char *state_name(enum run_state state)
{
	switch (state) {
	case RUN_COMPLETE:
		return "complete";
	case RUN_INTERRUPTED:
		return "interrupted";
	case RUN_INCOMPLETE:
		break;
	}
	return "incomplete";
}

static void put_evidence(struct json_writer *w, const struct gate_input *in)
{
	json_open(w, "evidence", '[');
	for (size_t i = 0; i < in->n_items; i++) {
		const struct gate_item *item = &in->items[i];

		json_open(w, NULL, '{');
		json_put_text(w, "check", item->check->name);
		if (item->n_evidence > 0) {
			json_put_int(w, "run", item->evidence[0].run_id);
			json_put_text(w, "state", state_name(item->evidence[0].run_state));
		} else if (item->other_subject_ms >= 0) {
			json_put_int(w, "other_ms", item->other_subject_ms);
			json_put_text(w, "other_subject", item->other_subject);
		}
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void put_open(struct json_writer *w, const struct check *check,
		     const struct past_result *results, size_t n)
{
	bool is_begun = false;
	int64_t last = 0;

	for (size_t i = 0; i < n; i++) {
		if (results[i].run_state != RUN_INCOMPLETE || results[i].run_id == last)
			continue;
		if (!is_begun) {
			json_open(w, NULL, '{');
			json_put_text(w, "check", check->name);
			json_open(w, "runs", '[');
		}
		is_begun = true;
		last = results[i].run_id;
		json_put_int(w, NULL, last);
	}
	if (is_begun) {
		json_close(w, ']');
		json_close(w, '}');
	}
}

static void put_all_open(struct json_writer *w, const struct gate_input *in)
{
	json_open(w, "open", '[');
	for (size_t i = 0; i < in->n_items; i++)
		put_open(w, in->items[i].check, in->items[i].past, in->items[i].n_past);
	for (size_t i = 0; i < in->n_budgets; i++)
		for (size_t k = 0; k < in->budgets[i].past.n; k++)
			put_open(w, in->budgets[i].past.items[k].check,
				 in->budgets[i].past.items[k].results,
				 in->budgets[i].past.items[k].n);
	for (size_t i = 0; i < in->n_baselines; i++)
		for (size_t k = 0; k < in->baselines[i].past.n; k++)
			put_open(w, in->baselines[i].past.items[k].check,
				 in->baselines[i].past.items[k].results,
				 in->baselines[i].past.items[k].n);
	json_close(w, ']');
}

static void put_left(struct json_writer *w, const struct gate_input *in)
{
	json_open(w, "targets_left", '[');
	for (size_t i = 0; i < in->n_rollback_left; i++) {
		json_open(w, NULL, '{');
		json_put_text(w, "tag", in->rollback_left[i]);
		json_put_text(w, "commit", in->rollback_left_commits[i]);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void put_targets(struct json_writer *w, const struct gate_input *in)
{
	json_open(w, "targets", '[');
	for (size_t i = 0; i < in->n_rollback_tags; i++) {
		json_open(w, NULL, '{');
		json_put_text(w, "tag", in->rollback_tags[i]);
		json_put_text(w, "commit",
			      in->rollback_commits != NULL ? in->rollback_commits[i] : NULL);
		json_put_text(w, "tree", in->rollback_trees != NULL ? in->rollback_trees[i] : NULL);
		json_close(w, '}');
	}
	json_close(w, ']');
	if (in->rollback_subject != NULL)
		json_put_text(w, "target_subject", in->rollback_subject);
	if (in->gate->rollback != NULL) { /* since edition 5 */
		json_put_text(w, "target_tree", in->rollback_subject_tree);
		put_left(w, in);
	}
	if (in->n_rollback_gone > 0) {
		json_open(w, "targets_gone", '[');
		for (size_t i = 0; i < in->n_rollback_gone; i++) {
			json_open(w, NULL, '{');
			json_put_text(w, "tag", in->rollback_gone[i]);
			json_close(w, '}');
		}
		json_close(w, ']');
	}
	json_open(w, "restorations", '[');
	for (size_t i = 0; i < in->n_restorations; i++) {
		const struct restoration_row *row = &in->restorations[i];

		json_open(w, NULL, '{');
		json_put_text(w, "tag", row->restoration.tag);
		json_put_int(w, "run", row->run_id);
		json_put_text(w, "state", state_name(row->run_state));
		json_put_int(w, "at_ms", row->at_ms);
		json_put_bool(w, "counts", rollback_row_counts(in, row));
		if (row->pinned != NULL)
			json_put_text(w, "pinned", row->pinned);
		json_close(w, '}');
	}
	json_close(w, ']');
}

/* The windows of freezes as they fell then: zones change their rules. */
static void put_windows(struct json_writer *w, const struct gate_input *in)
{
	json_open(w, "windows", '[');
	for (size_t i = 0; i < in->n_windows; i++) {
		const struct gate_window *x = &in->windows[i];

		json_open(w, NULL, '{');
		put_pos(w, &x->freeze->pos);
		json_put_text(w, "reason", x->freeze->reason);
		json_put_int(w, "from_ms", x->from_ms);
		json_put_int(w, "to_ms", x->to_ms);
		json_put_text(w, "error", x->error);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void put_depends(struct json_writer *w, const struct gate_input *in)
{
	json_open(w, "depends", '[');
	for (size_t i = 0; i < in->n_depends; i++) {
		const struct gate_opened *x = &in->depends[i];

		json_open(w, NULL, '{');
		put_dependency(w, x->on);
		json_put_int(w, "decision", x->newest != NULL ? x->newest->id : 0);
		if (x->is_other_policy)
			json_put_bool(w, "other_policy", true);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void put_ledger(struct json_writer *w, const struct gate_ledger *x)
{
	json_open(w, "ledger", '{');
	put_pos(w, &x->pos);
	json_put_int(w, "within_ms", x->anchored_within_ms);
	json_put_text(w, "error", x->error);
	json_put_int(w, "broken", x->n_broken);
	json_put_int(w, "doubts", x->n_doubts);
	json_put_text(w, "finding", x->finding);
	json_put_int(w, "size", x->size);
	if (x->signed_size != GATE_NOBODY_TRUSTED)
		json_put_int(w, "signed", x->signed_size);
	json_put_int(w, "anchored", x->anchored);
	json_put_int(w, "anchored_ms", x->anchored_ms);
	json_close(w, '}');
}

static void put_overrides(struct json_writer *w, const struct gate_input *in)
{
	json_open(w, "overrides", '[');
	for (size_t i = 0; i < in->n_overrides; i++)
		json_put_int(w, NULL, in->overrides[i].id);
	json_close(w, ']');
}

void basis_write(struct buf *out, const struct gate_input *in)
{
	struct json_writer w;

	json_writer_init(&w, out, false);
	json_open(&w, NULL, '{');
	json_put_text(&w, "assize", "basis/1");
	json_put_text(&w, "subject", in->subject);
	if (in->subject_commit != NULL)
		json_put_text(&w, "subject_commit", in->subject_commit);
	if (in->subject_error != NULL)
		json_put_text(&w, "subject_error", in->subject_error);
	if (in->definition_file != NULL)
		json_put_text(&w, "definition_file", in->definition_file);
	json_put_int(&w, "now_ms", in->now_ms);
	json_put_int(&w, "before_seq", in->before_seq);
	put_evidence(&w, in);
	put_all_open(&w, in);
	json_put_text(&w, "from", in->policy);
	json_put_text(&w, "rollback_error", in->rollback_error);
	put_targets(&w, in);
	if (in->n_windows > 0)
		put_windows(&w, in);
	if (in->n_depends > 0)
		put_depends(&w, in);
	if (in->n_overrides > 0)
		put_overrides(&w, in);
	if (in->ledger != NULL)
		put_ledger(&w, in->ledger);
	if (in->is_trust_named)
		json_put_bool(&w, "trust", true);
	json_put_int(&w, "edition", in->edition != 0 ? in->edition : GATE_EDITION);
	json_close(&w, '}');
}
