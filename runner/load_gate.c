/*
 * Gates: which evidence must be there. A gate that could not stop anything, or asks for what does
 * not exist, is a mistake to be found now and not on the day it should have been shut.
 */
#include <string.h>

#include "audits/kinds.h"
#include "runner/base/arena.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/load_parts.h"
#include "runner/model/kind.h"

static const char *const subjects[] = {"match", "any", NULL};
static const char *const runs[] = {"stale", "always", "never", NULL}; /* enum gate_run */
static const char *const tag_rules[] = {"any", "all", NULL};

#define MAX_ENTRIES   1000 /* each is held against every check */
#define MAX_GATES     1000 /* each is looked for behind what every one depends on */
#define MAX_UNMATCHED 20   /* entries that match nothing; each looks for names alike */
#define DAY_MS	      86400000
#define MAX_AGE_MS    (INT64_C(366) * DAY_MS)

/* Which checks: the same words for a gate and for its rules. */
#define SELECTING                                                                                  \
	{.name = "check",                                                                          \
	 .type = KEY_TEXT,                                                                         \
	 .offset = offsetof(struct selector_raw, check),                                           \
	 .flags = KEY_NO_SECRET,                                                                   \
	 .help = "full name of a check (audit/check), name of an audit, or a glob",                \
	 .example = "tasks/columns"},                                                              \
		{.name = "audit",                                                                  \
		 .type = KEY_TEXT,                                                                 \
		 .offset = offsetof(struct selector_raw, audit),                                   \
		 .flags = KEY_NO_SECRET,                                                           \
		 .help = "all checks of an audit, or of those a glob names",                       \
		 .example = "tasks"},                                                              \
		{.name = "tag",                                                                    \
		 .type = KEY_TEXT,                                                                 \
		 .offset = offsetof(struct selector_raw, tag),                                     \
		 .flags = KEY_NO_SECRET,                                                           \
		 .help = "checks with this tag",                                                   \
		 .example = "release"},                                                            \
		{.name = "severity",                                                               \
		 .type = KEY_TEXT,                                                                 \
		 .offset = offsetof(struct selector_raw, severity),                                \
		 .flags = KEY_NO_SECRET,                                                           \
		 .help = "checks of this severity: a number, or < <= > >= and a number",           \
		 .example = "\">= 7\""},                                                           \
	{                                                                                          \
		.name = "kind", .type = KEY_NAME, .offset = offsetof(struct selector_raw, kind),   \
		.flags = KEY_NO_SECRET, .help = "checks of this kind", .example = "schema"         \
	}

const struct key_row match_rows[] = {
	SELECTING,
	KEY_END,
};

const struct key_row selector_rows[] = {
	SELECTING,
	{.name = "max_age",
	 .type = KEY_DURATION,
	 .offset = offsetof(struct selector_raw, max_age_ms),
	 .min = 1000,
	 .max = MAX_AGE_MS,
	 .help = "older evidence does not count; the gate's max_age unless given",
	 .example = "30m"},
	{.name = "consecutive",
	 .type = KEY_INT,
	 .offset = offsetof(struct selector_raw, consecutive),
	 .min = 2,
	 .max = LOAD_MAX_STREAK,
	 .help = "so many runs in a row must have passed, the newest among them",
	 .example = "3"},
	{.name = "of",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct selector_raw, of),
	 .flags = KEY_NO_SECRET,
	 .help = "instead: so many of the last so many runs must have passed; the newest has to "
		 "in any case",
	 .example = "[4, 5]"},
	{.name = "apart",
	 .type = KEY_DURATION,
	 .offset = offsetof(struct selector_raw, apart_ms),
	 .min = 1000,
	 .max = MAX_AGE_MS,
	 .help = "with consecutive or of: a pass that came sooner before the one counted after it "
		 "is not counted, a failure always is",
	 .example = "10m"},
	KEY_END,
};

static const struct key_row rollback_rows[] = {
	{.name = "set",
	 .type = KEY_NAME,
	 .offset = offsetof(struct gate_raw, set),
	 .flags = KEY_REQUIRED | KEY_NO_SECRET,
	 .help = "a rollback set",
	 .example = "releases"},
	{.name = "tags",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct gate_raw, tags),
	 .choices = tag_rules,
	 .def = "any",
	 .help = "must all tags of the set be restorable, those that were verified within that "
		 "time and are deleted now, or disproved and no longer targets, among them, or "
		 "does one suffice that is certainly not the subject itself: one that is unknown "
		 "to the repository, and `any`, take two",
	 .example = "any"},
	{.name = "verified_within",
	 .type = KEY_DURATION,
	 .offset = offsetof(struct gate_raw, verified_within_ms),
	 .min = 1000,
	 .max = MAX_AGE_MS,
	 .def = "24h",
	 .help = "older verifications do not count",
	 .example = "24h"},
	KEY_END,
};

static const struct key_row ledger_rule_rows[] = {
	{.name = "anchored",
	 .type = KEY_DURATION,
	 .offset = offsetof(struct gate_raw, anchored_ms),
	 .min = 1000,
	 .max = MAX_AGE_MS,
	 .help = "a repository or witness must have known the record no longer ago (assize "
		 "ledger anchor); needs ledger: anchors, origin and trust",
	 .example = "24h"},
	KEY_END,
};

const struct key_row gate_rows[] = {
	{.name = "title",
	 .type = KEY_TEXT,
	 .flags = KEY_NO_SECRET,
	 .offset = offsetof(struct gate_raw, title),
	 .help = "one line for people",
	 .example = "Release to production"},
	{.name = "owner",
	 .type = KEY_TEXT,
	 .flags = KEY_NO_SECRET,
	 .offset = offsetof(struct gate_raw, owner),
	 .help = "who answers for it",
	 .example = "platform"},
	{.name = "require",
	 .type = KEY_LIST,
	 .offset = offsetof(struct gate_raw, require),
	 .sub = selector_rows,
	 .sub_size = sizeof(struct selector_raw),
	 .help = "checks that must have passed: the list is OR, the keys of one entry AND",
	 .example = "[ { tag: release, max_age: 30m } ]"},
	{.name = "advise",
	 .type = KEY_LIST,
	 .offset = offsetof(struct gate_raw, advise),
	 .sub = selector_rows,
	 .sub_size = sizeof(struct selector_raw),
	 .help = "checks that are shown but cannot shut the gate",
	 .example = "[ { severity: \"< 3\" } ]"},
	{.name = "max_age",
	 .type = KEY_DURATION,
	 .offset = offsetof(struct gate_raw, max_age_ms),
	 .min = 1000,
	 .max = MAX_AGE_MS,
	 .def = "24h",
	 .help = "older evidence does not count",
	 .example = "24h"},
	{.name = "subject",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct gate_raw, subject),
	 .choices = subjects,
	 .def = "match",
	 .help = "must evidence be about the subject asked for, or about any",
	 .example = "match"},
	{.name = "run",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct gate_raw, run),
	 .choices = runs,
	 .def = "stale",
	 .help = "which checks assize gate runs before it decides",
	 .example = "stale"},
	{.name = "max_waiver",
	 .type = KEY_DURATION,
	 .offset = offsetof(struct gate_raw, max_waiver_ms),
	 .min = 1000,
	 .max = MAX_AGE_MS,
	 .def = "30d",
	 .help = "a waiver at this gate lasts this long at most, from granted to expires",
	 .example = "14d"},
	{.name = "budget",
	 .type = KEY_LIST,
	 .offset = offsetof(struct gate_raw, budget),
	 .sub = budget_rows,
	 .sub_size = sizeof(struct budget_raw),
	 .help = "how much of a window may have been bad, and how fast it may go",
	 .example = "{ objective: 99.5 %, window: 28d, checks: { audit: api } }"},
	{.name = "baseline",
	 .type = KEY_LIST,
	 .offset = offsetof(struct gate_raw, baseline),
	 .sub = baseline_rows,
	 .sub_size = sizeof(struct baseline_raw),
	 .help = "values that must be no worse than those of a baseline",
	 .example = "{ check: api/p95, against: { window: 28d }, effect: 5ms }"},
	{.name = "freeze",
	 .type = KEY_LIST,
	 .offset = offsetof(struct gate_raw, freezes),
	 .sub = freeze_rows,
	 .sub_size = sizeof(struct freeze_raw),
	 .help = "windows of the calendar in which the gate is shut",
	 .example =
		 "{ cron: \"0 16 * * 5\", for: 64h, time_zone: Europe/Berlin, reason: weekend }"},
	{.name = "depends_on",
	 .type = KEY_NAMED,
	 .offset = offsetof(struct gate_raw, depends),
	 .sub = depend_rows,
	 .sub_size = sizeof(struct depend_raw),
	 .help = "gates that must have been decided open about the same subject, under the same "
		 "definition",
	 .example = "{ staging: { within: 2h } }"},
	{.name = "rollback",
	 .type = KEY_GROUP,
	 .sub = rollback_rows,
	 .help = "a way back must be proven as well",
	 .example = "{ set: releases, tags: any, verified_within: 24h }"},
	{.name = "ledger",
	 .type = KEY_GROUP,
	 .sub = ledger_rule_rows,
	 .help = "the whole record must be what was recorded, which is verified for each decision",
	 .example = "{ anchored: 24h }"},
	KEY_END,
};

/* check and audit of an entry as one glob on full names. */
static const char *entry_glob(struct loader *l, const struct selector_raw *raw,
			      const struct node *node)
{
	if (!raw->audit)
		return raw->check;
	if (!raw->check)
		return raw->audit;
	if (strchr(raw->check, '/')) {
		(void)diags_at(l->diags, keys_pos(node, "audit"), "keep one of the two",
			       "\"check\" names its audit already");
		return raw->check;
	}
	return arena_printf(l->arena, "%s/%s", raw->audit, raw->check);
}

int load_entry(struct loader *l, const struct selector_raw *raw, const struct node *node,
	       struct selector *out)
{
	const char *help, *why;

	out->pos = node->pos;
	out->glob = entry_glob(l, raw, node);
	out->tag = raw->tag;
	out->kind = raw->kind;
	out->max_age_ms = raw->max_age_ms;
	if (load_streak(l, raw, node, out))
		return -1;
	if (raw->severity &&
	    selector_parse_severity(raw->severity, &out->severity_op, &out->severity))
		return diags_at(l->diags, keys_pos(node, "severity"),
				"for example severity: \">= 7\"; severities are 0 to 10",
				"cannot read severity \"%s\"",
				str_escaped(l->arena, raw->severity));
	if (!out->glob && !out->tag && !out->kind && !out->severity_op)
		return diags_at(l->diags, node->pos,
				"name checks by check, audit, tag, severity or kind",
				"the entry selects nothing in particular");
	if (l->n_unmatched == MAX_UNMATCHED)
		return -1; /* the definition is refused already */
	if (selector_has_match(l->definition, out))
		return 0;
	l->n_unmatched++;
	why = selector_explain(l->arena, l->definition, out, &help);
	return diags_at(l->diags,
			keys_pos(node, out->glob && raw->check ? "check"
				       : raw->audit	       ? "audit"
				       : raw->tag	       ? "tag"
				       : raw->kind	       ? "kind"
							       : "severity"),
			help, "the entry matches nothing: %s", why);
}

/* The entry as one line: what decisions quote. */
static const char *entry_text(struct arena *a, const struct selector_raw *raw,
			      const struct selector *s)
{
	const struct {
		const char *before, *text;
	} parts[] = {
		{"", s->glob}, {"tag:", s->tag}, {"kind:", s->kind}, {"severity ", raw->severity}};
	const char *line = "";

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (parts[i].text)
			line = arena_printf(a, "%s%s%s%s", line, *line ? " " : "", parts[i].before,
					    parts[i].text);
	return line;
}

struct selector *load_entries(struct loader *l, const struct groups *groups,
			      const struct node *list, size_t *n)
{
	struct selector *out = arena_array(l->arena, groups->n, sizeof(*out));

	for (size_t i = 0; list && i < groups->n && !diags_is_full(l->diags); i++) {
		const struct node *node = list->type == NODE_SEQUENCE ? list->items[i] : list;
		struct selector entry = {0};

		if (l->n_entries++ == MAX_ENTRIES)
			(void)diags_at(l->diags, node->pos, "use tags to name many checks at once",
				       "more than %d gate entries in one definition", MAX_ENTRIES);
		if (l->n_entries > MAX_ENTRIES)
			break;
		if (node->type != NODE_MAPPING ||
		    load_entry(l, groups->items[i].value, node, &entry))
			continue;
		entry.text = entry_text(l->arena, groups->items[i].value, &entry);
		out[(*n)++] = entry;
	}
	return out;
}

static void set_rollback(struct loader *l, struct gate *gate, const struct gate_raw *raw,
			 const struct node *node)
{
	const struct node *rule = node_get(node, "rollback");

	if (!rule || rule->type != NODE_MAPPING)
		return;
	gate->rollback_pos = rule->pos;
	gate->is_rollback_all = raw->tags == 1;
	gate->rollback_within_ms = raw->verified_within_ms;
	if (!raw->set)
		return; /* reported by its row */
	gate->rollback = definition_rollback(l->definition, raw->set);
	if (!gate->rollback)
		(void)diags_at(l->diags, keys_pos(rule, "set"), load_closest(l, raw->set, &l->sets),
			       "no rollback set \"%s\"", raw->set);
}

/* A time stamp says nothing of what else there was. */
static bool has_anchor(const struct ledger_settings *s)
{
	for (size_t i = 0; s && i < s->n_anchors; i++)
		if (s->anchors[i].type != ANCHOR_TIMESTAMP)
			return true;
	return false;
}

/* A record that was begun anew is whole, and signed by the key that lies beside it. */
static void check_ledger(struct loader *l, const struct pos pos)
{
	const struct ledger_settings *s = l->definition->ledger;

	if (!has_anchor(s))
		(void)diags_at(
			l->diags, pos, "add ledger: { anchors: [ { git: URL } ] } to the file",
			"%s",
			s && s->n_anchors > 0
				? "a time stamp says when, not that nothing was thrown away: a "
				  "repository or a witness has to know the record"
				: "nothing says where the record is anchored");
	if (l->options->is_keyless)
		return;
	if (!s || !s->origin)
		(void)diags_at(l->diags, pos,
			       "add ledger: { origin: NAME/HEX } to the file: assize ledger init "
			       "prints it",
			       "nothing says which record is meant: one begun anew would do");
	if (!s || s->trust.n == 0)
		(void)diags_at(l->diags, pos,
			       "add ledger: { trust: [KEY] } to the file: assize ledger init "
			       "prints it",
			       "nothing says whose signatures count: anybody's would do");
}

static void set_ledger(struct loader *l, struct gate *gate, const struct gate_raw *raw,
		       const struct node *node)
{
	const struct node *rule = node_get(node, "ledger");

	if (!rule || rule->type != NODE_MAPPING)
		return;
	gate->is_ledger_asked = true;
	gate->ledger_pos = rule->pos;
	gate->anchored_within_ms = raw->anchored_ms;
	if (raw->anchored_ms > 0)
		check_ledger(l, keys_pos(rule, "anchored"));
}

/* Something to open on. */
static bool has_rule(const struct node *gate)
{
	static const char *const rules[] = {"require", "rollback", "budget", "baseline"};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (node_get(gate, rules[i]))
			return true;
	return false;
}

void load_gate(struct loader *l, const struct group *g, const struct node *node)
{
	const struct gate_raw *raw = g->value;
	struct definition *d = l->definition;
	struct gate *gate = arena_alloc(l->arena, sizeof(*gate));

	if (!load_name(l, &l->gates, "gate", g, gate) || node->type != NODE_MAPPING)
		return;
	if (l->n_gates++ == MAX_GATES)
		(void)diags_at(l->diags, g->pos, NULL, "more than %d gates in one definition",
			       MAX_GATES);
	if (l->n_gates > MAX_GATES)
		return;
	gate->name = g->name;
	gate->pos = g->pos;
	gate->title = raw->title;
	gate->owner = raw->owner;
	gate->max_age_ms = raw->max_age_ms;
	gate->run = raw->run;
	gate->max_waiver_ms = raw->max_waiver_ms;
	load_freezes(l, gate, &raw->freezes);
	load_depends(l, gate, &raw->depends);
	gate->is_any_subject = raw->subject == 1;
	gate->require = load_entries(l, &raw->require, node_get(node, "require"), &gate->n_require);
	gate->advise = load_entries(l, &raw->advise, node_get(node, "advise"), &gate->n_advise);
	set_rollback(l, gate, raw, node);
	set_ledger(l, gate, raw, node);
	load_budgets(l, &raw->budget, gate);
	load_baselines(l, &raw->baseline, gate);
	if (!has_rule(node) && !keys_has_unknown(gate_rows, node))
		(void)diags_at(l->diags, g->pos,
			       "add require:, rollback:, budget: or baseline:", "gate \"%s\" %s",
			       g->name,
			       node_get(node, "advise") ? "cannot block: advise never shuts a gate"
							: "requires nothing");
	d->gates = load_grow(l->arena, d->gates, d->n_gates, sizeof(struct gate *));
	d->gates[d->n_gates++] = gate;
}
