/*
 * Rules of a gate that look back: streaks of runs, error budgets.
 */
#include <inttypes.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/node.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/load_parts.h"

#define MAX_WINDOW_MS (INT64_C(366) * 86400000)

static int read_of(struct loader *l, const struct selector_raw *raw, const struct node *node,
		   struct selector *out)
{
	static const char help[] = "for example of: [4, 5], four of the last five runs";
	struct pos pos = keys_pos(node, "of");
	const struct node *written = node_get(node, "of");
	int64_t numbers[2];

	if (written->type == NODE_SEQUENCE && written->n != raw->of.n)
		return -1; /* an item was refused by its row */
	if (raw->of.n != 2)
		return diags_at(l->diags, pos, help, "\"of\" takes two numbers, not %zu",
				raw->of.n);
	for (size_t i = 0; i < 2; i++)
		if (num_parse_int(raw->of.items[i], strlen(raw->of.items[i]), &numbers[i]) != 0)
			return diags_at(l->diags, raw->of.positions[i], help,
					"\"%s\" is not a number of runs",
					str_escaped(l->arena, raw->of.items[i]));
	if (numbers[0] < 1 || numbers[1] < 2 || numbers[1] > LOAD_MAX_STREAK)
		return diags_at(l->diags, pos, help,
				"\"of\" looks at 2 to %d runs, of which at least 1 passes",
				LOAD_MAX_STREAK);
	if (numbers[0] > numbers[1])
		return diags_at(l->diags, pos, "the first number is the smaller one",
				"%" PRId64 " of the last %" PRId64 " runs can never pass",
				numbers[0], numbers[1]);
	out->streak_need = numbers[0];
	out->streak_of = numbers[1];
	return 0;
}

int load_streak(struct loader *l, const struct selector_raw *raw, const struct node *node,
		struct selector *out)
{
	bool has_of = node_get(node, "of") != NULL;

	if (raw->consecutive > 0 && has_of)
		return diags_at(l->diags, keys_pos(node, "of"), "keep one of the two",
				"an entry has either \"consecutive\" or \"of\"");
	if (raw->apart_ms > 0 && raw->consecutive == 0 && !has_of)
		return diags_at(l->diags, keys_pos(node, "apart"),
				"add consecutive: 3, or of: [4, 5]",
				"\"apart\" says how far runs that count are apart, but no runs are "
				"counted");
	out->streak_apart_ms = raw->apart_ms;
	out->streak_need = raw->consecutive;
	out->streak_of = raw->consecutive;
	return has_of ? read_of(l, raw, node, out) : 0;
}

/* ---- error budgets ---- */

static const char *const definitions[] = {"same", "any", NULL};

const struct key_row burn_rows[] = {
	{.name = "rate",
	 .type = KEY_REAL,
	 .offset = offsetof(struct burn_raw, rate),
	 .flags = KEY_REQUIRED,
	 .min = 1,
	 .max = 1000000,
	 .help = "how many times as fast as the objective allows; in both windows it shuts",
	 .example = "14.4"},
	{.name = "long",
	 .type = KEY_DURATION,
	 .offset = offsetof(struct burn_raw, long_ms),
	 .flags = KEY_REQUIRED,
	 .min = 60000,
	 .max = MAX_WINDOW_MS,
	 .help = "the window that says it is no blip",
	 .example = "1h"},
	{.name = "short",
	 .type = KEY_DURATION,
	 .offset = offsetof(struct burn_raw, short_ms),
	 .flags = KEY_REQUIRED,
	 .min = 1000,
	 .max = MAX_WINDOW_MS,
	 .help = "the window that says it is still going on",
	 .example = "5m"},
	KEY_END,
};

#define FIELD(name) offsetof(struct budget_raw, name)
const struct key_row budget_rows[] = {
	{.name = "objective",
	 .type = KEY_TEXT,
	 .offset = FIELD(objective),
	 .flags = KEY_REQUIRED | KEY_NO_SECRET,
	 .help = "share of the time in which all of the checks pass; what is left to 100 % is the "
		 "budget",
	 .example = "99.5 %"},
	{.name = "window",
	 .type = KEY_DURATION,
	 .offset = FIELD(window_ms),
	 .flags = KEY_REQUIRED,
	 .min = 3600000,
	 .max = MAX_WINDOW_MS,
	 .help = "how far to look back",
	 .example = "28d"},
	{.name = "checks",
	 .type = KEY_LIST,
	 .offset = FIELD(checks),
	 .flags = KEY_REQUIRED,
	 .sub = match_rows,
	 .sub_size = sizeof(struct selector_raw),
	 .help = "whose recorded outcomes count, as in require: check, audit, tag, severity, kind",
	 .example = "{ audit: api }"},
	{.name = "max_gap",
	 .type = KEY_DURATION,
	 .offset = FIELD(max_gap_ms),
	 .min = 1000,
	 .max = MAX_WINDOW_MS,
	 .def = "2h",
	 .help = "of the time between two results further apart than that nothing is known; above "
		 "the distance of two runs of the schedule",
	 .example = "30m"},
	{.name = "definitions",
	 .type = KEY_ENUM,
	 .offset = FIELD(definitions),
	 .choices = definitions,
	 .def = "same",
	 .help = "does a pass count that was measured under another definition of its check; a "
		 "failure always does",
	 .example = "any"},
	{.name = "burn",
	 .type = KEY_LIST,
	 .offset = FIELD(burn),
	 .sub = burn_rows,
	 .sub_size = sizeof(struct burn_raw),
	 .help = "how fast the budget may be spent: pairs of windows; unless given 14.4 over 1h "
		 "and "
		 "5m, 6 over 6h and 30m, 1 over 3d and 6h, as far as they fit the window",
	 .example = "[ { rate: 6, long: 6h, short: 30m } ]"},
	KEY_END,
};

static int read_objective(struct loader *l, const struct budget_raw *raw, const struct node *node,
			  struct budget_rule *out)
{
	const char *text = raw->objective;
	size_t n = strspn(text, "0123456789.");
	double percent;

	if (n == 0 || num_parse_real(text, n, &percent) != 0 ||
	    strcmp(text + n + strspn(text + n, " "), "%") != 0)
		return diags_at(l->diags, keys_pos(node, "objective"),
				"write it in per cent: 99.5 %", "cannot read objective \"%s\"",
				str_escaped(l->arena, text));
	if (!(percent > 0 && percent < 100))
		return diags_at(l->diags, keys_pos(node, "objective"),
				"it is above 0 % and below 100 %, which leaves no budget at all",
				"the objective cannot be \"%s\"", str_escaped(l->arena, text));
	out->objective = arena_printf(l->arena, "%.*s%%", (int)n, text);
	out->allowed = (100 - percent) / 100;
	if (out->allowed * (double)raw->window_ms >= 1)
		return 0;
	/* it would be spent before anything failed */
	return diags_at(l->diags, keys_pos(node, "objective"), "lower it, or lengthen the window",
			"the objective \"%s\" leaves less than a millisecond of the window to fail",
			str_escaped(l->arena, text));
}

/* The Site Reliability Workbook, table 5-8: 2 %, 5 % and 10 % of a budget of 30 days. */
static void default_burn(struct loader *l, struct budget_rule *out)
{
	static const struct burn_pair pairs[] = {
		{14.4, 3600000, 300000}, {6, 21600000, 1800000}, {1, 259200000, 21600000}};
	struct burn_pair *fit = arena_array(l->arena, 3, sizeof(*fit));

	for (size_t i = 0; i < 3; i++)
		if (pairs[i].long_ms <= out->window_ms)
			fit[out->n_burn++] = pairs[i];
	out->burn = fit;
}

static int read_burn(struct loader *l, const struct budget_raw *raw, struct budget_rule *out)
{
	struct burn_pair *pairs = arena_array(l->arena, raw->burn.n, sizeof(*pairs));
	int rc = 0;

	for (size_t i = 0; i < raw->burn.n; i++) {
		const struct burn_raw *b = raw->burn.items[i].value;
		const struct node *node = raw->burn.items[i].node;

		if (b->long_ms == 0 || b->short_ms == 0)
			return -1; /* reported by their rows */
		pairs[i] = (struct burn_pair){b->rate, b->long_ms, b->short_ms};
		if (b->short_ms >= b->long_ms)
			rc = diags_at(l->diags, keys_pos(node, "short"), "a twelfth of it is usual",
				      "the short window is not shorter than the long one");
		else if (b->long_ms > out->window_ms)
			rc = diags_at(l->diags, keys_pos(node, "long"), NULL,
				      "the window of a burn rate is longer than the budget's own");
	}
	out->burn = pairs;
	out->n_burn = raw->burn.n;
	return rc;
}

static int read_budget(struct loader *l, const struct group *g, struct budget_rule *out)
{
	const struct budget_raw *raw = g->value;
	int rc;

	if (g->node->type != NODE_MAPPING)
		return -1; /* reported by its row */
	out->pos = g->node->pos;
	out->window_ms = raw->window_ms;
	out->max_gap_ms = raw->max_gap_ms;
	out->is_any_definition = raw->definitions == 1;
	out->checks = load_entries(l, &raw->checks, node_get(g->node, "checks"), &out->n_checks);
	if (!raw->objective || raw->window_ms == 0 || raw->checks.n == 0)
		return -1;
	rc = read_objective(l, raw, g->node, out);
	if (raw->max_gap_ms >= raw->window_ms)
		rc = diags_at(l->diags, keys_pos(g->node, "max_gap"),
			      "give a max_gap shorter than the window, and longer than the checks' "
			      "schedule",
			      "\"max_gap\"%s is not shorter than the window",
			      node_get(g->node, "max_gap") ? "" : ", 2h where it is not given,");
	if (raw->burn.n > 0)
		return read_burn(l, raw, out) != 0 ? -1 : rc;
	default_burn(l, out);
	return rc;
}

void load_budgets(struct loader *l, const struct groups *groups, struct gate *gate)
{
	struct budget_rule *rules = arena_array(l->arena, groups->n, sizeof(*rules));

	for (size_t i = 0; i < groups->n && !diags_is_full(l->diags); i++)
		if (read_budget(l, &groups->items[i], &rules[gate->n_budgets]) == 0)
			gate->n_budgets++;
	gate->budgets = rules;
}
