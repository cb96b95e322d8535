/*
 * A check is required where one hard line of the decision is about it: every series that did not
 * pass, and every refusal of the evidence, has such a line (gates/decide.c). In doubt a failure
 * stays one: at a gate that is open a required check has none, unless another run got in between.
 */
#include "reports/ruling.h"

#include "reports/view.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"

void ruling_index_init(struct ruling_index *x, struct arena *a, const struct report *r)
{
	const struct decision *d = report_decision(r);

	*x = (struct ruling_index){.arena = a, .report = r, .decision = d};
	map_init(&x->waived, a);
	map_init(&x->lines, a);
	for (size_t i = 0; d != NULL && i < d->n_lines; i++) {
		const struct decision_line *l = &d->lines[i];

		if (l->is_hard)
			(void)map_put(&x->lines, l->check, &d->lines[i]); /* one is enough */
		if (l->waived != NULL && l->run_id == r->run.id)
			(void)map_put(&x->waived, result_key(a, l->check, l->series),
				      (void *)&d->lines[i].waived); /* one line a series */
	}
	for (size_t i = 0; d != NULL && i < d->n_lines; i++)
		(void)map_put(&x->lines, d->lines[i].check,
			      &d->lines[i]); /* behind the hard ones */
}

static const struct waived *waived_of(const struct ruling_index *x, const struct result *s)
{
	const struct waived *const *slot;

	if (x->waived.n == 0 || s->outcome != OUTCOME_FAIL)
		return NULL;
	slot = map_get(&x->waived, result_key(x->arena, s->check->name, s->series));
	return slot != NULL ? *slot : NULL;
}

static const struct override *override_of(const struct ruling_index *x)
{
	return decision_is_overridden(x->decision) ? x->decision->override : NULL;
}

struct ruling ruling_of_series(const struct ruling_index *x, const struct result *s)
{
	const struct decision *d = x->decision;
	const struct decision_line *line;
	const struct waived *waived;

	if (d == NULL || (s->outcome != OUTCOME_FAIL && s->outcome != OUTCOME_UNDECIDED))
		return (struct ruling){0};
	waived = waived_of(x, s);
	if (waived != NULL)
		return (struct ruling){.waived = waived};
	line = map_get(&x->lines, s->check->name);
	if (line == NULL || !line->is_hard)
		return (struct ruling){
			.aside = arena_printf(x->arena, "%s gate %s",
					      line != NULL ? "only advised by" : "not required by",
					      d->gate)};
	return (struct ruling){.override = override_of(x)};
}

struct ruling ruling_of_decision(const struct ruling_index *x, const struct decision *d)
{
	if (d == x->decision || d->is_open)
		return (struct ruling){0};
	return (struct ruling){
		.aside = arena_printf(
			x->arena, "this report is about gate %s for %s", x->decision->gate,
			x->decision->subject[0] != '\0' ? x->decision->subject : "no subject")};
}

struct ruling ruling_of_run(const struct ruling_index *x)
{
	const struct decision *d = x->decision;

	if (d == NULL || !d->is_open)
		return (struct ruling){0};
	if (decision_is_overridden(d))
		return (struct ruling){.override = d->override};
	return (struct ruling){.aside = arena_printf(x->arena, "gate %s is open", d->gate)};
}

bool ruling_is_none(const struct ruling *x)
{
	return !ruling_lets_through(x) && x->aside == NULL;
}

bool ruling_lets_through(const struct ruling *x)
{
	return x->waived != NULL || x->override != NULL;
}

void ruling_put(struct buf *out, const struct ruling *x)
{
	if (x->waived != NULL)
		waived_put(out, x->waived);
	else if (x->override != NULL)
		override_put(out, x->override);
	else if (x->aside != NULL)
		(void)buf_puts(out, x->aside); /* its owner has made it to grow */
}
