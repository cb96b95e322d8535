/*
 * One reading of SELECT words for `run` and `plan`, so that the plan shows what the run does.
 */
#include "runner/selection.h"

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/load.h"
#include "runner/model/definition.h"
#include "runner/options.h"

/* The loader has refused cycles. */
void selection_want(const struct check *c, bool *is_wanted)
{
	if (is_wanted[c->index])
		return;
	is_wanted[c->index] = true;
	for (size_t i = 0; i < c->n_needs; i++)
		selection_want(c->needs[i], is_wanted);
}

int selection_make(struct app *app, const struct definition *d, const struct options *o,
		   struct selection *out, struct err *e)
{
	struct selector *selectors = NULL;
	struct selection s = {.text = ""};

	s.checks = arena_array(app->arena, d->n_checks, sizeof(*s.checks));
	if (o->n_words > 0 &&
	    selectors_parse(app->arena, d, o->words, o->n_words, &selectors, e) != 0)
		return -1;
	for (size_t i = 0; i < d->n_checks; i++) {
		bool is_selected = o->n_words == 0 && !d->checks[i]->is_hidden;

		for (size_t k = 0; k < o->n_words && !is_selected; k++)
			is_selected = selector_matches(&selectors[k], d->checks[i]);
		if (is_selected)
			s.checks[s.n_checks++] = d->checks[i];
	}
	for (size_t k = 0; k < o->n_words; k++)
		s.text = arena_printf(app->arena, "%s%s%s", s.text, k > 0 ? " " : "", o->words[k]);
	if (s.n_checks == 0) {
		(void)err_set(e, ERR_DEFINITION, "the definition has no checks to run");
		if (d->n_rollbacks > 0)
			return err_help(e, "a rollback set is proven by assize rollback verify");
		return err_help(e, "add an audit with checks; assize kinds lists what can be "
				   "checked");
	}
	*out = s;
	return 0;
}
