/*
 * Waivers: who answers for which failure at which gates, and until when. Every key is required, and
 * a waiver that could never count is a mistake: somebody relies on it.
 *
 * Which series a check has is not known before it is measured: a series that is none is said by the
 * gate, where the waiver then lets nothing through.
 */
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/node.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"
#include "runner/base/utf8.h"
#include "runner/load_parts.h"

#define MAX_WAIVERS    1000 /* each is held against every failing series of a gate */
#define MAX_TEXT_BYTES 1000

const struct key_row waiver_rows[] = {
	{.name = "id",
	 .type = KEY_NAME,
	 .offset = offsetof(struct waiver_raw, id),
	 .flags = KEY_REQUIRED | KEY_NO_SECRET,
	 .help = "name of the waiver, once in the definition",
	 .example = "W-12"},
	{.name = "check",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct waiver_raw, check),
	 .flags = KEY_REQUIRED | KEY_NO_SECRET,
	 .help = "full name of the check (audit/check) whose failure is waived",
	 .example = "tasks/missing"},
	{.name = "series",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct waiver_raw, series),
	 .flags = KEY_NO_SECRET,
	 .help = "the one series that is waived, as reports write it; all of the check unless "
		 "given",
	 .example = "'{column=\"owner\"}'"},
	{.name = "gates",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct waiver_raw, gates),
	 .flags = KEY_REQUIRED | KEY_NO_SECRET,
	 .help = "gates at which it counts",
	 .example = "[release]"},
	{.name = "owner",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct waiver_raw, owner),
	 .flags = KEY_REQUIRED | KEY_NO_SECRET,
	 .help = "who answers for what is let through",
	 .example = "platform"},
	{.name = "reason",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct waiver_raw, reason),
	 .flags = KEY_REQUIRED | KEY_NO_SECRET,
	 .help = "why it may be let through",
	 .example = "Owners of 2024 are filled in by the migration of next week."},
	{.name = "ticket",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct waiver_raw, ticket),
	 .flags = KEY_REQUIRED | KEY_NO_SECRET,
	 .help = "where the repair is followed",
	 .example = "OPS-417"},
	{.name = "granted",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct waiver_raw, granted),
	 .flags = KEY_REQUIRED | KEY_NO_SECRET,
	 .help = "since when: RFC 3339 with zone",
	 .example = "2026-11-20T09:00:00Z"},
	{.name = "expires",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct waiver_raw, expires),
	 .flags = KEY_REQUIRED | KEY_NO_SECRET,
	 .help = "until when, at most the max_waiver of each gate later: RFC 3339 with zone",
	 .example = "2026-12-04T09:00:00Z"},
	KEY_END,
};

/* A text somebody is to read: more than blanks, and no novel. */
static void check_text(struct loader *l, const struct node *node, const char *key, const char *text)
{
	if (text == NULL)
		return; /* reported by its row */
	if (utf8_is_blank(text))
		(void)diags_at(l->diags, keys_pos(node, key), NULL, "\"%s\" is empty", key);
	else if (strlen(text) > MAX_TEXT_BYTES)
		(void)diags_at(l->diags, keys_pos(node, key), NULL,
			       "\"%s\" is longer than %d bytes", key, MAX_TEXT_BYTES);
}

bool load_time(struct loader *l, const struct node *node, const char *key, const char *text,
	       int64_t *out)
{
	int has_zone = 0;

	if (text == NULL)
		return false; /* reported by its row */
	if (utc_parse(text, strlen(text), out, &has_zone) == 0 && has_zone && *out >= 0)
		return true;
	(void)diags_at(l->diags, keys_pos(node, key),
		       "write 2026-12-04T09:00:00Z or 2026-12-04T10:00:00+01:00",
		       "\"%s\" must be a time with its zone, not \"%s\"", key,
		       str_escaped(l->arena, text));
	return false;
}

static void set_check(struct loader *l, struct waiver *w, const struct waiver_raw *raw,
		      const struct node *node)
{
	const char *help;

	if (raw->check == NULL)
		return;
	w->check = definition_check(l->definition, raw->check);
	if (w->check == NULL) {
		help = load_closest(l, raw->check, &l->definition->check_names);
		(void)diags_at(l->diags, keys_pos(node, "check"),
			       help != NULL ? help : "write the full name: audit/check",
			       "no check \"%s\"", str_escaped(l->arena, raw->check));
	} else if (w->check->is_hidden) {
		(void)diags_at(l->diags, keys_pos(node, "check"),
			       "take the tag out of the set, or override the gate",
			       "a way back cannot be waived: \"%s\" is of a rollback set",
			       w->check->name);
	} else if (w->check->is_absolute) {
		(void)diags_at(l->diags, keys_pos(node, "check"),
			       arena_printf(l->arena, "it is \"hard: absolute\", see %s:%u",
					    w->check->pos.file, (unsigned)w->check->pos.line),
			       "check \"%s\" cannot be waived", w->check->name);
	}
}

static bool reads(const struct gate *g, const struct check *c)
{
	for (size_t i = 0; i < g->n_require; i++)
		if (selector_matches(&g->require[i], c))
			return true;
	for (size_t i = 0; i < g->n_advise; i++)
		if (selector_matches(&g->advise[i], c))
			return true;
	return false;
}

/* has_span: granted and expires could be read. */
static void check_gate(struct loader *l, const struct waiver *w, size_t place, bool has_span,
		       const struct node *node)
{
	const char *name = w->gates.items[place];
	struct pos pos = w->gates.positions[place];
	const struct gate *g = map_get(&l->gates, name);
	char limit[NUM_REAL_MAX];

	for (size_t i = 0; i < place; i++)
		if (strcmp(w->gates.items[i], name) == 0)
			(void)diags_at(l->diags, pos, NULL, "gate \"%s\" is named twice", name);
	if (g == NULL) {
		(void)diags_at(l->diags, pos, load_closest(l, name, &l->gates), "no gate \"%s\"",
			       str_escaped(l->arena, name));
		return;
	}
	if (w->check != NULL && !w->check->is_hidden && g->name != NULL && !reads(g, w->check))
		(void)diags_at(l->diags, pos, NULL, "gate \"%s\" does not read check \"%s\"", name,
			       w->check->name);
	if (!has_span || w->expires_ms - w->granted_ms <= g->max_waiver_ms || g->name == NULL)
		return;
	(void)num_format_duration(g->max_waiver_ms, limit);
	(void)diags_at(l->diags, keys_pos(node, "expires"),
		       "shorten it, or let it be granted again when it is over",
		       "a waiver at gate \"%s\" may last %s at most (max_waiver)", name, limit);
}

static void load_waiver(struct loader *l, const struct group *g)
{
	const struct waiver_raw *raw = g->value;
	const struct node *node = g->node;
	struct definition *d = l->definition;
	struct waiver *w = arena_alloc(l->arena, sizeof(*w));
	struct group named = {.name = raw->id, .value = g->value, .node = node};
	bool has_span;

	if (node->type != NODE_MAPPING)
		return; /* reported */
	if (raw->id != NULL) {
		named.pos = keys_pos(node, "id");
		(void)load_name(l, &l->waivers, "waiver", &named, w); /* reports itself */
	}
	*w = (struct waiver){
		.id = raw->id,
		.pos = node->pos,
		.series = raw->series,
		.gates = raw->gates,
		.owner = raw->owner,
		.reason = raw->reason,
		.ticket = raw->ticket,
	};
	check_text(l, node, "owner", raw->owner);
	check_text(l, node, "reason", raw->reason);
	check_text(l, node, "ticket", raw->ticket);
	set_check(l, w, raw, node);
	has_span = load_time(l, node, "granted", raw->granted, &w->granted_ms);
	has_span = load_time(l, node, "expires", raw->expires, &w->expires_ms) && has_span;
	if (has_span && w->granted_ms >= w->expires_ms) {
		(void)diags_at(l->diags, keys_pos(node, "expires"), NULL,
			       "the waiver expires before it is granted");
		has_span = false;
	}
	for (size_t i = 0; i < w->gates.n; i++)
		check_gate(l, w, i, has_span, node);
	d->waivers = load_grow(l->arena, d->waivers, d->n_waivers, sizeof(struct waiver *));
	d->waivers[d->n_waivers++] = w;
}

void load_waivers(struct loader *l)
{
	for (size_t i = 0; i < l->n_documents; i++) {
		const struct groups *list = &l->documents[i].raw.waivers;

		for (size_t k = 0; k < list->n && !diags_is_full(l->diags); k++) {
			if (l->definition->n_waivers == MAX_WAIVERS) {
				(void)diags_at(l->diags, list->items[k].pos,
					       "repair something first", "more than %d waivers",
					       MAX_WAIVERS);
				return;
			}
			load_waiver(l, &list->items[k]);
		}
	}
}
