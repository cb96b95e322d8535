/*
 * Candidate against baseline. What cannot be told apart for want of a floor, of values or of two
 * different sides is a mistake to be found now.
 */
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/node.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/load_parts.h"
#include "runner/model/unit.h"

#define MAX_WINDOW_MS (INT64_C(366) * 86400000)
#define MAX_N	      1000
#define MAX_ALPHA     0.2

/* enum baseline_direction */
static const char *const directions[] = {"either", "higher", "lower", NULL};

static const struct key_row side_rows[] = {
	{.name = "subject",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct side_raw, subject),
	 .flags = KEY_NO_SECRET,
	 .help = "runs about this subject",
	 .example = "v2.30.0"},
	{.name = "window",
	 .type = KEY_DURATION,
	 .offset = offsetof(struct side_raw, window_ms),
	 .min = 60000,
	 .max = MAX_WINDOW_MS,
	 .help = "runs of the last so long, whatever they are about; of a baseline those before "
		 "the "
		 "candidate's first",
	 .example = "28d"},
	KEY_END,
};

#define FIELD(name) offsetof(struct baseline_raw, name)
const struct key_row baseline_rows[] = {
	{.name = "check",
	 .type = KEY_TEXT,
	 .offset = FIELD(check),
	 .flags = KEY_REQUIRED | KEY_NO_SECRET,
	 .help = "full name of a check (audit/check), name of an audit, or a glob",
	 .example = "api/p95"},
	{.name = "series",
	 .type = KEY_TEXT,
	 .offset = FIELD(series),
	 .flags = KEY_NO_SECRET,
	 .help = "a glob on the names of its series; all of them unless given",
	 .example = "total"},
	{.name = "candidate",
	 .type = KEY_GROUP,
	 .offset = FIELD(candidate),
	 .sub = side_rows,
	 .help = "what is judged; runs about the subject the gate is asked for unless given",
	 .example = "{ window: 1d }"},
	{.name = "against",
	 .type = KEY_GROUP,
	 .offset = FIELD(against),
	 .flags = KEY_REQUIRED,
	 .sub = side_rows,
	 .help = "what it is judged by: the baseline",
	 .example = "{ window: 28d }"},
	{.name = "min_n",
	 .type = KEY_INT,
	 .offset = FIELD(min_n),
	 .min = 5,
	 .max = MAX_N,
	 .def = "20",
	 .help = "fewer values of either side are undecided; each run gives one"},
	{.name = "effect",
	 .type = KEY_TEXT,
	 .offset = FIELD(effect),
	 .flags = KEY_REQUIRED | KEY_NO_SECRET,
	 .help = "a difference up to here does not count, in the unit of the series or as a share "
		 "of the baseline",
	 .example = "5ms"},
	{.name = "direction",
	 .type = KEY_ENUM,
	 .offset = FIELD(direction),
	 .choices = directions,
	 .def = "either",
	 .help = "what is worse: higher values, lower ones, or any that differ",
	 .example = "higher"},
	{.name = "alpha",
	 .type = KEY_REAL,
	 .offset = FIELD(alpha),
	 .max = 1,
	 .def = "0.01",
	 .help = "how often the rule may alarm when nothing changed, over all its series together; "
		 "at most 0.2"},
	KEY_END,
};

static int read_effect(struct loader *l, const struct baseline_raw *raw, const struct node *node,
		       struct baseline_rule *out)
{
	const char *text = raw->effect, *unit;
	size_t n = strspn(text, "0123456789.");

	unit = text + n + strspn(text + n, " ");
	if (n == 0 || num_parse_real(text, n, &out->effect) != 0 ||
	    (*unit != '\0' && !unit_is_suffix(unit, strlen(unit))))
		return diags_at(l->diags, keys_pos(node, "effect"),
				"write a number in the unit of the series, or a share: 5ms, 3, 5%",
				"cannot read effect \"%s\"", str_escaped(l->arena, text));
	out->effect_text = text;
	out->effect *= unit_to_base(unit, &out->effect_unit);
	out->is_effect_share = strcmp(out->effect_unit, "%") == 0;
	if (out->is_effect_share)
		out->effect_unit = "";
	return 0;
}

static int read_side(struct loader *l, const struct side_raw *raw, const struct node *node,
		     const char *key, struct baseline_side *out)
{
	*out = (struct baseline_side){raw->subject, raw->window_ms};
	if (raw->subject && raw->window_ms > 0)
		return diags_at(l->diags, keys_pos(node, key), "keep one of the two",
				"\"%s\" is runs about a subject or runs of a window", key);
	if (node_get(node, key) && !raw->subject && raw->window_ms == 0)
		return diags_at(l->diags, keys_pos(node, key),
				"name a subject: or a window:, for example window: 28d",
				"\"%s\" does not say which runs", key);
	return 0;
}

static int check_sides(struct loader *l, const struct node *node, const struct baseline_rule *r)
{
	const struct baseline_side *one = &r->candidate, *other = &r->against;

	if (one->subject && other->subject && strcmp(one->subject, other->subject) == 0)
		return diags_at(l->diags, keys_pos(node, "against"), NULL,
				"candidate and baseline are the same subject \"%s\"",
				str_escaped(l->arena, one->subject));
	if (one->window_ms > 0 && other->window_ms > 0 && one->window_ms >= other->window_ms)
		return diags_at(l->diags, keys_pos(node, "against"),
				"the baseline's window begins before the candidate's",
				"nothing of the baseline is left beside the candidate's window");
	return 0;
}

static int read_baseline(struct loader *l, const struct group *g, struct baseline_rule *out)
{
	const struct baseline_raw *raw = g->value;
	struct selector_raw entry = {.check = raw->check};
	struct selector *selector = arena_alloc(l->arena, sizeof(*selector));
	int rc = 0;

	if (g->node->type != NODE_MAPPING || !raw->check || !raw->effect ||
	    !node_get(g->node, "against"))
		return -1; /* reported by its row */
	*out = (struct baseline_rule){
		.pos = g->node->pos,
		.checks = selector,
		.series = raw->series,
		.min_n = raw->min_n,
		.direction = raw->direction,
		.alpha = raw->alpha,
	};
	if (load_entry(l, &entry, g->node, selector) != 0)
		rc = -1;
	selector->text = raw->check;
	if (!(raw->alpha > 0 && raw->alpha <= MAX_ALPHA))
		rc = diags_at(l->diags, keys_pos(g->node, "alpha"), "0.01 is usual",
			      "\"alpha\" must be above 0 and at most 0.2");
	if (read_effect(l, raw, g->node, out) != 0 ||
	    read_side(l, &raw->candidate, g->node, "candidate", &out->candidate) != 0 ||
	    read_side(l, &raw->against, g->node, "against", &out->against) != 0)
		return -1;
	return check_sides(l, g->node, out) != 0 ? -1 : rc;
}

void load_baselines(struct loader *l, const struct groups *groups, struct gate *gate)
{
	struct baseline_rule *rules = arena_array(l->arena, groups->n, sizeof(*rules));

	for (size_t i = 0; i < groups->n && !diags_is_full(l->diags); i++)
		if (read_baseline(l, &groups->items[i], &rules[gate->n_baselines]) == 0)
			gate->n_baselines++;
	gate->baselines = rules;
}
