/*
 * The keys of a gate about the calendar and about other gates: freeze, depends_on.
 */
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"
#include "runner/base/utf8.h"
#include "runner/freeze.h"
#include "runner/io/clock.h"
#include "runner/load_parts.h"

#define MAX_ITEMS  100 /* of each list of a gate */
#define MAX_REASON 1000
#define DAY_MS	   INT64_C(86400000)
#define YEAR_MS	   (366 * DAY_MS)

const struct key_row freeze_rows[] = {
	{.name = "reason",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct freeze_raw, reason),
	 .flags = KEY_REQUIRED | KEY_NO_SECRET,
	 .help = "why nothing is released then",
	 .example = "holidays"},
	{.name = "from",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct freeze_raw, from),
	 .flags = KEY_NO_SECRET,
	 .help = "when it begins: a time with its zone, or a date or time of the clock of "
		 "time_zone",
	 .example = "2026-12-20"},
	{.name = "to",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct freeze_raw, to),
	 .flags = KEY_NO_SECRET,
	 .help = "when it ends, in the same forms; a date is the last day that is frozen",
	 .example = "2027-01-03"},
	{.name = "cron",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct freeze_raw, cron),
	 .flags = KEY_NO_SECRET,
	 .help = "when it begins again and again, in place of from and to",
	 .example = "\"0 16 * * 5\""},
	{.name = "for",
	 .type = KEY_DURATION,
	 .offset = offsetof(struct freeze_raw, for_ms),
	 .min = 60000,
	 .max = YEAR_MS,
	 .help = "how long it lasts from each time cron says, on the clock of time_zone",
	 .example = "64h"},
	{.name = "time_zone",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct freeze_raw, time_zone),
	 .flags = KEY_NO_SECRET,
	 .help = "whose clock cron, and from and to without a zone, are read by (IANA name or "
		 "offset)",
	 .example = "Europe/Berlin"},
	KEY_END,
};

const struct key_row depend_rows[] = {
	{.name = "within",
	 .type = KEY_DURATION,
	 .offset = offsetof(struct depend_raw, within_ms),
	 .min = 1000,
	 .max = YEAR_MS,
	 .help = "an older decision does not count; the max_age of this gate unless given",
	 .example = "2h"},
	{.name = "overridden",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct depend_raw, overridden),
	 .choices = (const char *const[]){"refused", "accepted", NULL},
	 .def = "refused",
	 .help = "does a decision that was overridden count as open",
	 .example = "accepted"},
	KEY_END,
};

/* ---- freeze ---- */

/*
 * The instant of a text: its own zone's, or that of the freeze. A date without a time is a whole
 * day, of which is_end takes the end.
 */
static bool read_instant(struct loader *l, const struct freeze_raw *raw, const struct node *node,
			 const char *key, int64_t *out)
{
	bool is_end = strcmp(key, "to") == 0;
	const char *text = is_end ? raw->to : raw->from;
	struct pos pos = keys_pos(node, key);
	struct err e = {0};
	int has_zone = 0;
	int64_t local;

	if (utc_parse(text, strlen(text), &local, &has_zone) != 0 || local < 0) {
		(void)diags_at(l->diags, pos,
			       "write 2026-12-20T18:00:00+01:00, or 2026-12-20 and time_zone:",
			       "\"%s\" must be a time or a date, not \"%s\"", key,
			       str_escaped(l->arena, text));
		return false;
	}
	if (has_zone) {
		*out = local;
		return true;
	}
	if (raw->time_zone == NULL) {
		(void)diags_at(l->diags, pos, "add time_zone: Europe/Berlin, or a zone to the time",
			       "nobody knows in which zone \"%s\" is", str_escaped(l->arena, text));
		return false;
	}
	if (is_end && strlen(text) == strlen("2026-12-20"))
		local += DAY_MS;
	return zone_instant_ms(raw->time_zone, local, is_end, out, &e) == 0; /* see set_zone() */
}

static bool set_zone(struct loader *l, const struct freeze_raw *raw, const struct node *node)
{
	struct err e = {0};
	int64_t offset;

	if (raw->time_zone == NULL || zone_offset_ms(raw->time_zone, 0, &offset, &e) == 0)
		return true;
	e.class = ERR_DEFINITION;
	e.pos = keys_pos(node, "time_zone");
	(void)err_help(&e, "use an IANA name such as Europe/Berlin, or UTC");
	diags_add(l->diags, &e);
	return false;
}

static bool set_once(struct loader *l, const struct freeze_raw *raw, const struct node *node,
		     struct freeze *f)
{
	bool is_read = read_instant(l, raw, node, "from", &f->from_ms);

	is_read = read_instant(l, raw, node, "to", &f->to_ms) && is_read;
	if (is_read && f->from_ms >= f->to_ms) {
		(void)diags_at(l->diags, keys_pos(node, "to"), NULL,
			       "the freeze ends before it begins");
		return false;
	}
	return is_read;
}

static bool set_recurring(struct loader *l, const struct freeze_raw *raw, const struct node *node,
			  struct freeze *f)
{
	struct err e = {0};

	f->is_recurring = true;
	f->for_ms = raw->for_ms;
	if (raw->time_zone == NULL) {
		(void)diags_at(l->diags, keys_pos(node, "cron"), "add time_zone: Europe/Berlin",
			       "nobody knows whose clock \"cron\" is read by");
		return false;
	}
	if (cron_parse(raw->cron, &f->cron, &e) == 0)
		return true;
	e.class = ERR_DEFINITION;
	e.pos = keys_pos(node, "cron");
	(void)err_help(&e, "five fields such as \"0 16 * * 5\", or @daily, @weekly");
	diags_add(l->diags, &e);
	return false;
}

static bool read_freeze(struct loader *l, const struct freeze_raw *raw, const struct node *node,
			struct freeze *f)
{
	bool is_once = node_get(node, "from") || node_get(node, "to");
	bool is_recurring = node_get(node, "cron") || node_get(node, "for");
	const char *missing = is_recurring ? (!node_get(node, "cron") ? "cron" : "for")
					   : (!node_get(node, "from") ? "from" : "to");

	*f = (struct freeze){.pos = node->pos, .reason = raw->reason, .time_zone = raw->time_zone};
	if (raw->reason && (utf8_is_blank(raw->reason) || strlen(raw->reason) > MAX_REASON))
		(void)diags_at(l->diags, keys_pos(node, "reason"), NULL,
			       "\"reason\" is empty, or longer than %d bytes", MAX_REASON);
	if (!set_zone(l, raw, node))
		return false;
	if (is_once == is_recurring) {
		if (!keys_has_unknown(freeze_rows, node))
			(void)diags_at(l->diags, node->pos,
				       "write from: and to:, or cron: and for:",
				       is_once ? "a freeze is either once or recurring"
					       : "the freeze does not say when");
		return false;
	}
	if (!node_get(node, missing)) {
		(void)diags_at(l->diags, node->pos, NULL, "the freeze needs the key \"%s\"",
			       missing);
		return false;
	}
	if (is_once)
		return raw->from && raw->to && set_once(l, raw, node, f);
	return raw->cron && raw->for_ms > 0 && set_recurring(l, raw, node, f);
}

void load_freezes(struct loader *l, struct gate *gate, const struct groups *list)
{
	gate->freezes = arena_array(l->arena, list->n, sizeof(*gate->freezes));
	for (size_t i = 0; i < list->n && !diags_is_full(l->diags); i++) {
		const struct group *g = &list->items[i];

		if (i == MAX_ITEMS) {
			(void)diags_at(l->diags, g->pos, NULL, "more than %d freezes of one gate",
				       MAX_ITEMS);
			return;
		}
		if (g->node->type == NODE_MAPPING &&
		    read_freeze(l, g->value, g->node, &gate->freezes[gate->n_freezes]))
			gate->n_freezes++;
	}
}

/* ---- depends_on ---- */

void load_depends(struct loader *l, struct gate *gate, const struct groups *list)
{
	gate->depends = arena_array(l->arena, list->n, sizeof(*gate->depends));
	for (size_t i = 0; i < list->n; i++) {
		const struct group *g = &list->items[i];
		const struct depend_raw *raw = g->value;

		if (i == MAX_ITEMS) {
			(void)diags_at(l->diags, g->pos, NULL,
				       "more than %d dependencies of one gate", MAX_ITEMS);
			return;
		}
		gate->depends[gate->n_depends++] = (struct gate_dependency){
			.pos = g->pos,
			.gate = g->name,
			.within_ms = raw->within_ms > 0 ? raw->within_ms : gate->max_age_ms,
			.is_overridden_accepted = raw->overridden == 1,
		};
	}
}

/* Gates reachable from one, first found first; a gate stands in it once. */
struct reach {
	const struct gate **gates;
	size_t n;
};

static bool reach_add(struct reach *r, const struct gate *g)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->gates[i] == g)
			return false;
	r->gates[r->n++] = g;
	return true;
}

/* Does going from one dependency to the next lead back? */
static bool leads_back(struct loader *l, const struct gate *to, const struct gate *from)
{
	const struct definition *d = l->definition;
	struct reach r = {.gates = arena_array(l->arena, d->n_gates + 1, sizeof(*r.gates))};

	(void)reach_add(&r, from); /* the first */
	for (size_t i = 0; i < r.n; i++) {
		if (r.gates[i] == to)
			return true;
		for (size_t k = 0; k < r.gates[i]->n_depends; k++) {
			const struct gate *next = map_get(&l->gates, r.gates[i]->depends[k].gate);

			if (next != NULL && next->name != NULL)
				(void)reach_add(&r, next); /* twice is once */
		}
	}
	return false;
}

static void check_depends(struct loader *l, const struct gate *g)
{
	for (size_t i = 0; i < g->n_depends; i++) {
		const struct gate_dependency *on = &g->depends[i];
		const struct gate *other = map_get(&l->gates, on->gate);

		for (size_t k = 0; k < i; k++)
			if (strcmp(g->depends[k].gate, on->gate) == 0)
				(void)diags_at(l->diags, on->pos, NULL,
					       "gate \"%s\" is named twice", on->gate);
		if (other == NULL)
			(void)diags_at(l->diags, on->pos, load_closest(l, on->gate, &l->gates),
				       "no gate \"%s\"", str_escaped(l->arena, on->gate));
		else if (other->name != NULL && leads_back(l, g, other))
			(void)diags_at(l->diags, on->pos, "neither could ever open",
				       other == g ? "gate \"%s\" depends on itself"
						  : "gate \"%s\" depends on this one as well",
				       on->gate);
	}
}

void load_dependencies(struct loader *l)
{
	for (size_t i = 0; i < l->definition->n_gates && !diags_is_full(l->diags); i++)
		check_depends(l, l->definition->gates[i]);
}
