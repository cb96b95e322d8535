/*
 * Each decision once, however many ways lead to it: a decision rests on older ones only, so the
 * walk ends.
 */
#include "runner/gate_chain.h"

#include <stdbool.h>
#include <stddef.h>

#include "gates/gate.h"
#include "gates/policy.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/record.h"

#define MAX_CHAIN 10000 /* ten decisions of each gate there can be */

struct chain {
	int64_t *ids; /* each once */
	size_t n;
};

static bool is_seen(const struct chain *c, int64_t id)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->ids[i] == id)
			return true;
	return false;
}

static int add_below(struct chain *c, struct arena *a, const struct decision *d, struct err *e)
{
	int64_t *ids;
	size_t n;

	if (d->override != NULL)
		return 0;
	basis_decisions(a, d->basis, &ids, &n);
	for (size_t i = 0; i < n; i++) {
		if (ids[i] <= 0 || ids[i] >= d->id || is_seen(c, ids[i]))
			continue;
		if (c->n == MAX_CHAIN)
			return err_set(e, ERR_RECORD,
				       "the decision of gate \"%s\" rests on more than %d others",
				       d->gate, MAX_CHAIN);
		c->ids[c->n++] = ids[i];
	}
	return 0;
}

int gate_chain_lender(struct record *record, struct arena *a, const struct decision *d,
		      const struct decision **out, struct err *e)
{
	struct chain c = {.ids = arena_array(a, MAX_CHAIN, sizeof(*c.ids))};
	int64_t earliest = INT64_MAX;

	*out = NULL;
	if (add_below(&c, a, d, e) != 0)
		return -1;
	for (size_t i = 0; i < c.n; i++) {
		struct decision *below;

		if (record_decision_of(record, a, c.ids[i], &below, e) != 0 ||
		    add_below(&c, a, below, e) != 0)
			return -1;
		if (gate_opened_until(below) >= earliest)
			continue;
		earliest = gate_opened_until(below);
		*out = below;
	}
	return 0;
}
