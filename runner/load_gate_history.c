/*
 * Rules of a gate that look back: streaks of runs.
 */
#include <inttypes.h>
#include <string.h>

#include "runner/base/node.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/load_parts.h"

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
