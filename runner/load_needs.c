/*
 * needs: names become checks once all are known, and a check may not wait for itself. The search
 * for cycles keeps its own stack: a chain may be as long as there are checks.
 */
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/str.h"
#include "runner/load_parts.h"
#include "runner/model/kind.h"

static void resolve(struct loader *l, const struct pending_needs *pending)
{
	const struct definition *d = l->definition;
	struct check *c = pending->check;

	c->needs = arena_array(l->arena, pending->names.n, sizeof(struct check *));
	for (size_t i = 0; i < pending->names.n && !diags_is_full(l->diags); i++) {
		const char *name = pending->names.items[i];
		const struct check *needed = definition_check(d, name);
		const char *sibling = arena_printf(l->arena, "%s/%s", c->audit, name);
		const char *help;

		if (needed) {
			c->needs[c->n_needs++] = needed;
			continue;
		}
		if (definition_check(d, sibling))
			help = arena_printf(l->arena, "write \"%s\"", sibling);
		else
			help = load_closest(l, name, &d->check_names);
		(void)diags_at(l->diags, pending->names.positions[i],
			       help ? help : "name it as audit/check", "no check \"%s\"",
			       str_escaped(l->arena, name));
	}
}

struct walk {
	const struct check **stack;
	size_t *next;	      /* per stack entry: which of its needs comes next */
	unsigned char *color; /* per check: 0 new, 1 on the stack, 2 done */
};

static void report_cycle(struct loader *l, const struct walk *w, size_t depth,
			 const struct check *again)
{
	const struct check *last = w->stack[depth - 1];
	struct pos pos = last->pos;
	size_t first = depth - 1;

	while (w->stack[first] != again)
		first--;
	for (size_t i = 0; i < l->n_needs && !diags_is_full(l->diags); i++)
		for (size_t k = 0; l->needs[i].check == last && k < l->needs[i].names.n; k++)
			if (strcmp(l->needs[i].names.items[k], again->name) == 0)
				pos = l->needs[i].names.positions[k];
	(void)diags_at(l->diags, pos, "remove one of the needs", "check \"%s\" needs itself%s%s%s",
		       again->name, depth - first > 1 ? " through \"" : "",
		       depth - first > 1 ? last->name : "", depth - first > 1 ? "\"" : "");
}

static void walk_from(struct loader *l, struct walk *w, const struct check *start)
{
	size_t depth = 1;

	w->stack[0] = start;
	w->next[0] = 0;
	w->color[start->index] = 1;
	while (depth > 0) {
		const struct check *c = w->stack[depth - 1];
		const struct check *needed;

		if (w->next[depth - 1] == c->n_needs) {
			w->color[c->index] = 2;
			depth--;
			continue;
		}
		needed = c->needs[w->next[depth - 1]++];
		if (w->color[needed->index] == 1) {
			report_cycle(l, w, depth, needed);
		} else if (w->color[needed->index] == 0) {
			w->stack[depth] = needed;
			w->next[depth++] = 0;
			w->color[needed->index] = 1;
		}
	}
}

/* What kinds say of other checks in keys of their own. */
static void resolve_kinds(struct loader *l)
{
	const struct definition *d = l->definition;

	for (size_t i = 0; i < d->n_checks; i++) {
		struct check *c = d->checks[i];

		if (c->kind && c->kind->resolve && c->spec && !diags_is_full(l->diags))
			c->kind->resolve(&l->keys, c);
	}
}

void load_needs(struct loader *l)
{
	size_t n = l->definition->n_checks;
	struct walk w;

	resolve_kinds(l);
	if (l->n_needs == 0)
		return;
	for (size_t i = 0; i < l->n_needs; i++)
		resolve(l, &l->needs[i]);
	w.stack = arena_array(l->arena, n, sizeof(struct check *));
	w.next = arena_array(l->arena, n, sizeof(*w.next));
	w.color = arena_array(l->arena, n, sizeof(*w.color));
	for (size_t i = 0; i < l->n_needs; i++)
		if (w.color[l->needs[i].check->index] == 0)
			walk_from(l, &w, l->needs[i].check);
}
